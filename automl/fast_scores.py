"""Common metrics without the checks that scikit-learn makes on every call.

Choosing weights scores thousands of averages of the same rows; there a call's checks
cost ten times its arithmetic. The values are scikit-learn's.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from automl.resampled_scores import is_quick, scorer_of
from automl.scored import Scored

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl.metrics import Metric

__all__ = ["fast_score", "is_fast"]


def fast_score(
    metric: Metric,
) -> Callable[[np.ndarray, np.ndarray, np.ndarray | None], float]:
    """Return a function like `Metric.score`; the metric's own if none is faster.

    Parameters
    ----------
    metric : Metric
        Of the run. Predictions given to the function are in the right range, and rows
        of probabilities sum to one.

    Examples
    --------
    >>> from automl.metrics import resolve_metric
    >>> score = fast_score(resolve_metric("rmse", "regression"))
    >>> score(np.array([1.0, 2.0]), np.array([1.0, 4.0]), None)
    -1.4142135623730951
    """
    if not is_fast(metric):
        return metric.score
    return _FAST.get(_key(metric)) or _of_one_drawing(metric)


def is_fast(metric: Metric) -> bool:
    """Return whether `fast_score` is faster than the metric's own function."""
    return not metric.own and (_key(metric) in _FAST or is_quick(metric))


def _of_one_drawing(
    metric: Metric,
) -> Callable[[np.ndarray, np.ndarray, np.ndarray | None], float]:
    """Return the arithmetic of a bootstrap, for all rows once.

    Where a class has no row, or nothing varies, the library has conventions of its own:
    it is asked.
    """

    def score(y: np.ndarray, p: np.ndarray, weights: np.ndarray | None) -> float:
        n = len(y)
        if metric.name == "roc_auc_ovr" and len(np.unique(y)) < p.shape[1]:
            return metric.score(y, p, weights)
        rows = Scored(y, np.zeros(n, dtype=np.int64), np.arange(n), weights)
        found = float(scorer_of(metric, rows, p)(np.ones((1, n)))[0])
        weightless = weights is not None and not weights.sum() > 0
        known = weightless or math.isfinite(found)
        return found if known else metric.score(y, p, weights)

    return score


def _key(metric: Metric) -> tuple[str, str]:
    return metric.name, metric.task


def _area(y: np.ndarray, p: np.ndarray, weights: np.ndarray | None) -> float:
    """Return the area under the ROC curve, ties counted half."""
    values = p[:, 1]
    order = np.argsort(values)
    ranked, positive = values[order], y[order] == 1
    mass = np.ones(len(y)) if weights is None else weights[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    hits = np.add.reduceat(np.where(positive, mass, 0.0), starts)
    misses = np.add.reduceat(np.where(positive, 0.0, mass), starts)
    below = np.cumsum(misses) - misses
    in_hits, in_misses = hits.sum(), misses.sum()
    if not in_hits or not in_misses:
        return math.nan
    return float((hits * (below + misses / 2)).sum() / (in_hits * in_misses))


def _minus_log_loss(y: np.ndarray, p: np.ndarray, weights: np.ndarray | None) -> float:
    chosen = p[np.arange(len(y)), y.astype(np.int64)]
    eps = np.finfo(np.float64).eps
    return _mean(np.log(np.clip(chosen, eps, 1 - eps)), weights)


def _minus_rmse(y: np.ndarray, p: np.ndarray, weights: np.ndarray | None) -> float:
    gap = y - p
    return -math.sqrt(_mean(gap * gap, weights))


def _mean(values: np.ndarray, weights: np.ndarray | None) -> float:
    """Return the mean; NaN if nothing has weight."""
    if weights is None:
        return float(values.mean())
    mass = weights.sum()
    return float((values * weights).sum() / mass) if mass else math.nan


_FAST = {
    ("roc_auc", "binary"): _area,
    ("log_loss", "binary"): _minus_log_loss,
    ("log_loss", "multiclass"): _minus_log_loss,
    ("rmse", "regression"): _minus_rmse,
}
"""By name of the metric and task."""
