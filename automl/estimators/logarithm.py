"""A learner of the logarithm of the target, for errors that are measured in it."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin

from automl.estimators.blockwise import predict_blockwise

__all__ = ["LogTargetRegressor", "inner_learner", "logarithm_of", "opened"]

BEYOND = 0.5
"""How far a prediction may lie outside of the logarithms that were learnt, as a share
of their range: a line that goes on for as long as it likes ends in 1e20 of it."""

TENFOLD = 2.303
"""And how far at least: a trend goes on, however little of it was learnt."""

LARGEST = 700.0
"""Of a logarithm: 1e304 of a number."""

LOG_LINKS = ("poisson", "gamma", "tweedie")
"""Objectives of LightGBM that learn the logarithm of the mean."""


class LogTargetRegressor(RegressorMixin, BaseEstimator):
    """A regressor that is fitted to ``log(1 + y)``, and predicts ``y``.

    The squares that learners minimise are those of `root_mean_squared_log_error` then.
    The regressor is fitted in place, as the steps of a pipeline are.

    Parameters
    ----------
    regressor : estimator
        What is fitted.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> X = np.arange(4.0).reshape(-1, 1)
    >>> model = LogTargetRegressor(LinearRegression()).fit(X, [0, 1, 3, 7])
    >>> model.predict([[4.0]]).round(3).tolist()
    [15.0]
    """

    def __init__(self, regressor: Any) -> None:
        self.regressor = regressor

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **fit_params: Any) -> Self:
        """Fit the regressor.

        Parameters
        ----------
        X : array of shape (n_rows, n_columns)
            Rows.
        y : array of shape (n_rows,)
            Numbers above -1.
        sample_weight : array of shape (n_rows,), default=None
            Weights of the rows; handed on if there are any.
        **fit_params : object
            Further arguments of the regressor's ``fit``.
        """
        if sample_weight is not None:
            fit_params["sample_weight"] = sample_weight
        self.regressor.fit(X, self.logarithms(y), **fit_params)
        return self

    def logarithms(self, y: Any) -> np.ndarray:
        """Return what is learnt of targets, and note how far predictions may go."""
        found: np.ndarray = np.log1p(np.asarray(y, dtype=np.float64))
        low, high = float(found.min()), float(found.max())
        room = max(BEYOND * (high - low), TENFOLD)
        # what is never below zero is not predicted below
        self.least_ = max(low - room, min(low, 0.0))
        self.most_ = max(high, min(high + room, LARGEST))
        return found

    def predict(self, X: Any) -> np.ndarray:
        """Return numbers of shape (n_rows,), in the target's own unit."""
        found = predict_blockwise(self.regressor, X)
        found = self.regressor.predict(X) if found is None else found
        flat = np.asarray(found, dtype=np.float64).ravel()
        return np.asarray(np.expm1(np.clip(flat, self.least_, self.most_)))

    @property
    def n_features_in_(self) -> int:
        """Columns that the regressor was fitted to."""
        return int(self.regressor.n_features_in_)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "most_")

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import get_tags

        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.regressor).input_tags
        return tags


def inner_learner(model: Any) -> Any:
    """Return what learns within a model; most are it themselves."""
    return model.regressor if isinstance(model, LogTargetRegressor) else model


def logarithm_of(model: Any) -> str:
    """Return what a fitted learner's trees give the logarithm of, empty if of none."""
    learner = inner_learner(model)
    if learner is not model:
        return "1 + target"
    return "the target" if getattr(learner, "objective_", "") in LOG_LINKS else ""


def opened(model: Any, y: np.ndarray) -> tuple[Any, np.ndarray]:
    """Return what is to be fitted, and to what: the model can predict afterwards.

    Parameters
    ----------
    model : estimator
        Not fitted.
    y : array of shape (n_rows,)
        Targets in their own unit.
    """
    if isinstance(model, LogTargetRegressor):
        return model.regressor, model.logarithms(y)
    return model, y
