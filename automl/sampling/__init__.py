"""Policies that propose the next configuration: ``ask(candidate, history, rng)``."""
