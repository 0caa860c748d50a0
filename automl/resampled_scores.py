"""Scores of the same predictions on many weighted drawings of their rows.

A bootstrap scores each configuration hundreds of times. For the commonest metrics that
is one sort, or one loss for each row, and arithmetic on the drawings; any other is
asked once for each drawing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from automl.confusion_scores import confusion_scorer, is_confusion

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl.metrics import Metric
    from automl.scored import Scored

__all__ = ["is_quick", "scorer_of"]

BLOCK_CELLS = 50_000
"""Cells of a block of drawings that is worked on at once: what fits a core's cache is
five times as fast (measured on 10,000 rows: 75 and 430 microseconds a drawing)."""

QUICK = frozenset(
    [
        ("roc_auc", "binary"), ("log_loss", "binary"), ("log_loss", "multiclass"),
        ("brier", "binary"), ("accuracy", "binary"), ("accuracy", "multiclass"),
        ("rmse", "regression"), ("mse", "regression"), ("mae", "regression"),
        ("r2", "regression"), ("mape", "regression"),
        ("average_precision", "binary"), ("roc_auc_ovr", "multiclass"),
    ]
)  # fmt: skip
"""Metrics that are arithmetic on drawings, beside those of confusion counts."""


def is_quick(metric: Metric) -> bool:
    """Return whether a drawing costs arithmetic only.

    Examples
    --------
    >>> from automl.metrics import resolve_metric
    >>> is_quick(resolve_metric("roc_auc", "binary"))
    True
    """
    known = (metric.name, metric.task) in QUICK
    return not metric.own and (known or is_confusion(metric))


def scorer_of(
    metric: Metric, rows: Scored, prediction: np.ndarray
) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from drawings to scores, greater is better, NaN if undefined.

    All rows of a drawing are scored together, but for the area under the ROC curve,
    which compares rows of the same fold only: a model's scores mean nothing beside
    those of another.

    Parameters
    ----------
    metric : Metric
        Of the run.
    rows : Scored
        What is drawn from.
    prediction : array of shape (n_entries, n_classes) or (n_entries,)
        Of these rows.

    Examples
    --------
    >>> from automl.metrics import resolve_metric
    >>> from automl.scored import Scored
    >>> rows = Scored(np.array([1.0, 2.0]), np.zeros(2, int), np.arange(2))
    >>> score = scorer_of(resolve_metric("mae", "regression"), rows, np.array([1.0, 4]))
    >>> score(np.array([[1, 1], [3, 0]])).tolist()
    [-1.0, -0.0]
    """
    p = np.asarray(prediction, dtype=np.float64)
    if not is_quick(metric):
        return _asked(metric, rows, p)
    ranking = _ranking(metric, rows, p)
    if ranking is not None:
        return _in_blocks(ranking, max(1, BLOCK_CELLS // len(rows)))
    if is_confusion(metric):
        return confusion_scorer(metric, rows, p)
    if metric.name == "r2":
        return _determination(rows, p)
    loss = _losses(metric.name, rows.y, p)

    def mean_score(drawn: np.ndarray) -> np.ndarray:
        counts = _weighted(drawn, rows.weight)
        mean = _ratio(counts @ loss, counts.sum(axis=1))
        return np.asarray(-np.sqrt(mean) if metric.name == "rmse" else -mean)

    return mean_score


def _ranking(
    metric: Metric, rows: Scored, p: np.ndarray
) -> Callable[[np.ndarray], np.ndarray] | None:
    """Return the scorer of a metric of the rows' order; None if it is no such one."""
    if metric.name == "roc_auc":
        return _area(rows, p[:, 1])
    if metric.name == "roc_auc_ovr":
        return _mean_area(rows, p)
    if metric.name == "average_precision":
        return _average_precision(rows, p[:, 1])
    return None


def _weighted(drawn: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    counts = np.asarray(drawn, dtype=np.float64)
    return counts if weight is None else counts * weight


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Return quotients; NaN where nothing was drawn."""
    out = np.full(len(above), np.nan)
    return np.asarray(np.divide(above, below, out=out, where=below > 0))


def _losses(name: str, y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Return what each row adds to the loss."""
    if name == "log_loss":
        eps = np.finfo(np.float64).eps
        p = p / np.maximum(p.sum(axis=1, keepdims=True), eps)
        own = p[np.arange(len(y)), y.astype(np.int64)]
        return np.asarray(-np.log(np.clip(own, eps, 1 - eps)))
    if name == "brier":
        return np.asarray((p[:, 1] - y) ** 2)
    if name == "accuracy":  # minus what is right, so that the mean is its score
        return np.asarray(-(np.argmax(p, axis=1) == y).astype(np.float64))
    gap = np.abs(y - p)
    if name == "mape":
        return np.asarray(gap / np.maximum(np.abs(y), np.finfo(np.float64).eps))
    return np.asarray(gap if name == "mae" else gap * gap)


def _determination(rows: Scored, p: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    y = np.asarray(rows.y, dtype=np.float64)
    y = y - y.mean()  # only the spread counts, and squares keep their digits
    lost = (np.asarray(rows.y, dtype=np.float64) - p) ** 2

    def score(drawn: np.ndarray) -> np.ndarray:
        counts = _weighted(drawn, rows.weight)
        mean = _ratio(counts @ y, counts.sum(axis=1))
        spread = counts @ (y * y) - mean**2 * counts.sum(axis=1)
        return 1 - _ratio(counts @ lost, np.where(np.isfinite(spread), spread, 0))

    return score


def _in_blocks(
    score: Callable[[np.ndarray], np.ndarray], n: int
) -> Callable[[np.ndarray], np.ndarray]:
    def scores(drawn: np.ndarray) -> np.ndarray:
        blocks = [score(drawn[i : i + n]) for i in range(0, len(drawn), n)]
        return np.concatenate(blocks) if blocks else np.empty(0)

    return scores


def _area(rows: Scored, p: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return the share of pairs of a fold that are in order, ties counted half."""
    order = np.lexsort((p, rows.fold))
    fold, value, positive = rows.fold[order], p[order], rows.y[order] == 1
    new_fold = np.r_[True, fold[1:] != fold[:-1]]
    starts = np.flatnonzero(new_fold | np.r_[True, value[1:] != value[:-1]])
    tied = len(starts) < len(order)
    first = np.searchsorted(starts, np.flatnonzero(new_fold))  # of each fold
    weight = None if rows.weight is None else rows.weight[order]

    def score(drawn: np.ndarray) -> np.ndarray:
        counts = _weighted(np.take(drawn, order, axis=1), weight)
        hits, misses = counts * positive, counts * ~positive
        if tied:
            hits = np.add.reduceat(hits, starts, axis=1)
            misses = np.add.reduceat(misses, starts, axis=1)
        up_to = np.cumsum(misses, axis=1)
        before = up_to[:, first] - misses[:, first]  # in the folds before
        up_to -= misses / 2
        wins = np.einsum("ij,ij->i", hits, up_to)
        n_hits = np.add.reduceat(hits, first, axis=1)
        wins -= np.einsum("ij,ij->i", n_hits, before)
        n_misses = np.add.reduceat(misses, first, axis=1)
        return _ratio(wins, np.einsum("ij,ij->i", n_hits, n_misses))

    return score


def _mean_area(rows: Scored, p: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return the mean of the areas of one class against the rest.

    A class without a drawn row does not count.
    """
    p = np.clip(p, 0, 1)  # equal values are to stay equal, as the metric has them
    p = p / np.maximum(p.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    scorers = [
        _area(replace(rows, y=(rows.y == k).astype(np.int64)), p[:, k])
        for k in range(p.shape[1])
    ]

    def score(drawn: np.ndarray) -> np.ndarray:
        found = np.array([one(drawn) for one in scorers])
        known = np.isfinite(found)
        return _ratio(np.where(known, found, 0.0).sum(axis=0), known.sum(axis=0))

    return score


def _average_precision(
    rows: Scored, p: np.ndarray
) -> Callable[[np.ndarray], np.ndarray]:
    """Return the mean precision at each positive row, equal values being one step."""
    order = np.argsort(-p, kind="stable")
    value, positive = p[order], rows.y[order] == 1
    starts = np.flatnonzero(np.r_[True, value[1:] != value[:-1]])
    weight = None if rows.weight is None else rows.weight[order]

    def score(drawn: np.ndarray) -> np.ndarray:
        counts = _weighted(np.take(drawn, order, axis=1), weight)
        hits = np.add.reduceat(counts * positive, starts, axis=1)
        seen = np.cumsum(np.add.reduceat(counts, starts, axis=1), axis=1)
        precise = np.cumsum(hits, axis=1) / np.maximum(seen, 1e-300)
        return _ratio(np.einsum("ij,ij->i", hits, precise), hits.sum(axis=1))

    return score


def _asked(
    metric: Metric, rows: Scored, p: np.ndarray
) -> Callable[[np.ndarray], np.ndarray]:
    """Return the metric's own score of each drawing, its rows repeated."""
    y, weight = rows.y, rows.weight

    def one(drawn: np.ndarray) -> float:
        place = np.repeat(np.arange(len(y)), drawn.astype(np.int64))
        if not len(place):
            return float("nan")
        w = None if weight is None else weight[place]
        try:
            return metric.score(y[place], p[place], w)
        except Exception:  # noqa: BLE001 - undefined on these rows, whoever wrote it
            return float("nan")

    return lambda drawn: np.array([one(row) for row in drawn], dtype=np.float64)
