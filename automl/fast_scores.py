"""Three common metrics without the checks that scikit-learn makes on every call.

Choosing weights scores thousands of averages of the same rows; there a call's checks
cost ten times its arithmetic. The values are scikit-learn's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

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
    quick = None if metric.own else _FAST.get((metric.name, metric.task))

    def score(y: np.ndarray, p: np.ndarray, weights: np.ndarray | None) -> float:
        if quick is None or weights is not None:
            return metric.score(y, p, weights)
        return quick(y, p)

    return score


def is_fast(metric: Metric, weights: np.ndarray | None) -> bool:
    """Return whether `fast_score` is faster than the metric's own function."""
    known = not metric.own and (metric.name, metric.task) in _FAST
    return known and weights is None


def _area(y: np.ndarray, p: np.ndarray) -> float:
    """Return the area under the ROC curve, ties counted half."""
    values = p[:, 1]
    order = np.argsort(values)
    ranked, positive = values[order], y[order] == 1
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    hits = np.add.reduceat(positive.astype(np.float64), starts)
    sizes = np.diff(np.r_[starts, len(ranked)])
    misses = sizes - hits
    below = np.cumsum(misses) - misses
    n_positive, n_negative = hits.sum(), misses.sum()
    if not n_positive or not n_negative:
        return float("nan")
    return float((hits * (below + misses / 2)).sum() / (n_positive * n_negative))


def _minus_log_loss(y: np.ndarray, p: np.ndarray) -> float:
    chosen = p[np.arange(len(y)), y.astype(np.int64)]
    eps = np.finfo(np.float64).eps
    return float(np.log(np.clip(chosen, eps, 1 - eps)).mean())


def _minus_rmse(y: np.ndarray, p: np.ndarray) -> float:
    gap = y - p
    return -float(np.sqrt((gap * gap).mean()))


_FAST = {
    ("roc_auc", "binary"): _area,
    ("log_loss", "binary"): _minus_log_loss,
    ("log_loss", "multiclass"): _minus_log_loss,
    ("rmse", "regression"): _minus_rmse,
}
"""By name of the metric and task."""
