"""Methodological checks of a run: leaks, folds, noise, drift, weak slices.

Each check is a class with a stable code and is a pure function of the evidence; a
runner goes through them in a small share of the budget. A check tells, and changes
nothing: no column is dropped for it.
"""

from automl.checks.evidence import Evidence
from automl.checks.finding import STATUSES, Check, Finding, is_at_least
from automl.checks.runner import CHECKS, LEAK_CODES, Checked, run_checks

__all__ = [
    "CHECKS",
    "LEAK_CODES",
    "STATUSES",
    "Check",
    "Checked",
    "Evidence",
    "Finding",
    "is_at_least",
    "run_checks",
]
