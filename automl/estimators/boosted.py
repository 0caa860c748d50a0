"""What the wrappers of boosting libraries share: labels, scales, float32, one fit."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

__all__ = ["Boosted", "BoostedClassifier", "BoostedRegressor", "narrow"]

LARGEST = 1e37
"""Numbers beyond are cut off: these libraries compute in float32, where they are
infinite."""


class Boosted(BaseEstimator):
    """Trees that grow one after another until patience ends."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Fit all rounds.

        Parameters
        ----------
        X : array of shape (n_rows, n_columns)
            Numbers, NaN where missing.
        y : array of shape (n_rows,)
            Labels or numbers.
        sample_weight : array of shape (n_rows,), default=None
            Weights of the rows.
        """
        return self.grow(X, y, sample_weight)

    def grow(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        patience: Any = None,
        stop: tuple[Any, Any, Any] | None = None,
    ) -> Any:
        """Fit until patience ends, and keep the best rounds.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        patience : object, default=None
            Whose ``is_over(round, loss)`` is asked after each round, and which then
            has the ``best_round``; None makes all rounds.
        stop : (X, y, sample_weight), default=None
            Rows of known classes that the loss is measured on.
        """
        raise NotImplementedError

    def _set_target(self, y: np.ndarray, sample_weight: Any) -> None:
        """Keep what labels or numbers are coded by, and the constant prediction."""
        raise NotImplementedError

    def _coded(self, y: Any) -> np.ndarray:
        """Return labels or numbers as they are learnt."""
        raise NotImplementedError

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class BoostedClassifier(ClassifierMixin, Boosted):
    """Labels of any kind; a class of its own has probability 1."""

    def _set_target(self, y: np.ndarray, sample_weight: Any) -> None:
        self.classes_, codes = np.unique(y, return_inverse=True)
        share = np.bincount(codes, weights=sample_weight).astype(np.float64)
        self.constant_ = share / share.sum()

    def _coded(self, y: Any) -> np.ndarray:
        return np.searchsorted(self.classes_, np.asarray(y).ravel())

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return probabilities of shape (n_rows, n_classes)."""
        raise NotImplementedError

    def predict(self, X: Any) -> np.ndarray:
        """Return the likeliest class."""
        likeliest = np.argmax(self.predict_proba(X), axis=1)
        found: np.ndarray = self.classes_[likeliest]
        return found


class BoostedRegressor(RegressorMixin, Boosted):
    """A target of mean 0 and deviation 1.

    In float32, large numbers that differ little are the same; and an L1 penalty has the
    target's unit.
    """

    def _set_target(self, y: np.ndarray, sample_weight: Any) -> None:
        y = y.astype(np.float64)
        self.constant_ = float(np.average(y, weights=sample_weight))
        self.scale_ = float(y.std()) or 1.0

    def _coded(self, y: Any) -> np.ndarray:
        y = np.asarray(y, dtype=np.float64).ravel()
        return np.asarray((y - self.constant_) / self.scale_)


def narrow(X: Any) -> np.ndarray:
    """Return rows as float32 without infinities.

    Examples
    --------
    >>> bool(np.isfinite(narrow(np.array([[1e300, -np.inf]]))).all())
    True
    """
    rows = X.toarray() if hasattr(X, "toarray") else X
    with np.errstate(over="ignore"):
        found = np.asarray(rows, dtype=np.float32)
    return np.clip(found, np.float32(-LARGEST), np.float32(LARGEST))
