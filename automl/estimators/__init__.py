"""Fitting with a deadline, and wrappers where the library's own class will not do."""
