"""A learner that takes memory, at once or slowly, in workers only."""

from __future__ import annotations

import time
from multiprocessing import current_process

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression

from automl.candidates import Candidate

__all__ = ["Hoard", "hoarder"]

STEP_MIB = 20


class Hoard(ClassifierMixin, BaseEstimator):
    """Logistic regression that holds some memory while it is fitted.

    Parameters
    ----------
    mib : int
        What it takes.
    every_s : float
        Seconds between two steps of 20 MiB; 0 takes all at once.
    hold_s : float
        Seconds for which it is held.
    rows : int
        With fewer rows it takes nothing.
    """

    def __init__(self, *, mib=0, every_s=0.0, hold_s=0.0, rows=0):
        self.mib = mib
        self.every_s = every_s
        self.hold_s = hold_s
        self.rows = rows

    def fit(self, X, y):
        """Take the memory, hold it, fit."""
        if len(y) >= self.rows and current_process().name.startswith("Loky"):
            held = []
            step = STEP_MIB if self.every_s else self.mib
            for _ in range(self.mib // step):
                held.append(np.ones(step * 2**17))
                time.sleep(self.every_s)
            time.sleep(self.hold_s)
            assert len(held) * step <= self.mib
        self.model_ = LogisticRegression(max_iter=50).fit(np.asarray(X), y)
        self.classes_ = self.model_.classes_
        return self

    def predict(self, X):
        """Return labels."""
        return self.model_.predict(np.asarray(X))

    def predict_proba(self, X):
        """Return probabilities."""
        return self.model_.predict_proba(np.asarray(X))


def hoarder(name="hoarder", order=2, **fixed) -> Candidate:
    """Return a candidate of one configuration that takes memory."""
    return Candidate(
        name=name,
        title=name.title(),
        tasks=("binary",),
        estimators={"classification": "tests.faults.hoard.Hoard"},
        order=order,
        fixed=fixed,
        preparation={"scale": "standard"},
    )
