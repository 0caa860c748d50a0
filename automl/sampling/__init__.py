"""Policies that propose the next configuration: samplers with ``ask(rng)``."""
