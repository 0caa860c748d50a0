"""Learners of a user's that name things in their own way."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression


class Coded(LogisticRegression):
    """One whose classes are numbers of its own."""

    def fit(self, X, y):
        """Learn codes."""
        self.names_, codes = np.unique(y, return_inverse=True)
        return super().fit(X, codes)

    def predict(self, X):
        """Return labels."""
        return self.names_[super().predict(X)]


class Factored(LogisticRegression):
    """One with a parameter that is called like what finds labels."""

    def __init__(self, factors=8, C=1.0):
        super().__init__(C=C)
        self.factors = factors


class InterruptingClassifier(ClassifierMixin, BaseEstimator):
    """Raise what a Ctrl-C raises, though nobody pressed it."""

    def fit(self, X, y):  # noqa: ARG002 - the contract
        """End as if the user wanted an end."""
        raise KeyboardInterrupt

    def predict_proba(self, X):
        """Never reached."""
        raise NotImplementedError
