"""scikit-learn's histogram boosting, for columns that are empty in some rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)

__all__ = ["GappyBoostingClassifier", "GappyBoostingRegressor"]


class GappyBoostingClassifier(HistGradientBoostingClassifier):
    """`HistGradientBoostingClassifier` that learns nothing from an empty column.

    scikit-learn's reads missing values, but fails on a column without any value. Folds
    have such columns: one that is rarely filled, or that began after the others.

    Examples
    --------
    >>> X = np.column_stack([np.arange(40.0), np.full(40, np.nan)])
    >>> model = GappyBoostingClassifier(min_samples_leaf=5).fit(X, np.arange(40) > 19)
    >>> model.predict([[0.0, np.nan], [39.0, 1.0]]).tolist()
    [False, True]
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> GappyBoostingClassifier:
        """Fit on the columns that have values."""
        super().fit(_filled(X), y, sample_weight=sample_weight)
        return self


class GappyBoostingRegressor(HistGradientBoostingRegressor):
    """`HistGradientBoostingRegressor` that learns nothing from an empty column.

    Examples
    --------
    >>> X = np.column_stack([np.arange(40.0), np.full(40, np.nan)])
    >>> model = GappyBoostingRegressor(min_samples_leaf=5).fit(X, np.arange(40) > 19)
    >>> model.predict([[0.0, np.nan], [39.0, 1.0]]).round().tolist()
    [0.0, 1.0]
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> GappyBoostingRegressor:
        """Fit on the columns that have values."""
        super().fit(_filled(X), y, sample_weight=sample_weight)
        return self


def _filled(X: Any) -> np.ndarray:
    """Return the rows with zeros in the columns that have no value at all."""
    rows = np.asarray(X, dtype=np.float64)
    empty = np.isnan(rows).all(axis=0)
    return np.where(empty, 0.0, rows) if empty.any() else rows
