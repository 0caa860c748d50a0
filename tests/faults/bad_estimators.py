"""Learners of a user's own that do what learners should not."""

from __future__ import annotations

import threading
import warnings

from sklearn.linear_model import LogisticRegression

from automl.candidates import Candidate
from tests.faults.bad_kit import PREPARATION

__all__ = ["Loud", "NoClone", "NoPickle", "candidate"]


def candidate(name: str) -> Candidate:
    """Return a candidate whose learner is a class of this module."""
    return Candidate(
        name.lower(),
        name,
        ("binary",),
        {"classification": f"{__name__}.{name}"},
        preparation=PREPARATION,
    )


class NoClone(LogisticRegression):
    """Changes a parameter in the constructor, which `clone` refuses."""

    def __init__(self, C=1.0):
        super().__init__(C=float(C) + 1.0)


class NoPickle(LogisticRegression):
    """Holds a lock once it is fitted."""

    def fit(self, X, y, sample_weight=None):
        """Fit, and take a lock."""
        self.lock_ = threading.Lock()
        return super().fit(X, y, sample_weight)


class Loud(LogisticRegression):
    """Prints and warns wherever it can."""

    def fit(self, X, y, sample_weight=None):
        """Fit loudly."""
        print("fitting")  # noqa: T201 - what it is for
        warnings.warn("fitting", UserWarning, stacklevel=1)
        return super().fit(X, y, sample_weight)
