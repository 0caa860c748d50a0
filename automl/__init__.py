"""Tuned pipelines for tables: search, report, deploy.

>>> from automl import AutoML
>>> AutoML(time_budget_s=30).get_params()["time_budget_s"]
30
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from automl.bundle import load
    from automl.candidates import Candidate
    from automl.exceptions import AutoMLError
    from automl.model import AutoML, AutoMLClassifier, AutoMLRegressor
    from automl.report.comparing import compare_reports

__all__ = [
    "AutoML",
    "AutoMLClassifier",
    "AutoMLError",
    "AutoMLRegressor",
    "Candidate",
    "compare_reports",
    "load",
]

__version__ = "0.1.0"

_HOME = {
    "AutoML": "automl.model",
    "AutoMLClassifier": "automl.model",
    "AutoMLError": "automl.exceptions",
    "AutoMLRegressor": "automl.model",
    "Candidate": "automl.candidates",
    "compare_reports": "automl.report.comparing",
    "load": "automl.bundle",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: scikit-learn takes a second."""
    if name not in _HOME:
        raise AttributeError(f"module 'automl' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
