"""Versions and machine, as far as they decide what comes out."""

from __future__ import annotations

import platform
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

__all__ = ["environment"]

OPTIONAL = ("catboost", "xgboost", "xgboost-cpu")
"""Of extras, which are only told of where they are installed."""


def environment(n_workers: int) -> dict[str, str]:
    """Return versions and machine, as far as they decide what comes out."""
    facts = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores used": str(n_workers),
    }
    for name in (
        "automl-pipelines", "scikit-learn", "lightgbm", "hyperopt", "joblib",
        "pandas", "numpy", "scipy",
    ):  # fmt: skip
        try:
            facts[name] = version(name)
        except PackageNotFoundError:  # run from a checkout that is not installed
            facts[name] = "not installed"
    for name in OPTIONAL:
        with suppress(PackageNotFoundError):
            facts[name] = version(name)
    return facts
