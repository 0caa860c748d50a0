"""Scores that follow from how often each class was taken for each, on many drawings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl.metrics import Metric
    from automl.scored import Scored

__all__ = ["confusion_scorer", "has_factors", "is_confusion", "value_of_counts"]

OF_CLASS = ("f1", "precision", "recall", "jaccard")
"""Have a value for each class, and a mean over them."""

MEANS = ("micro", "macro", "weighted")


TUNED = frozenset(
    [
        "f1", "f1_macro", "f1_weighted", "jaccard", "jaccard_macro", "jaccard_weighted",
        "balanced_accuracy", "recall_macro", "mcc",
    ]
)  # fmt: skip
"""Not those that the likeliest class is best for (accuracy, micro averages), nor those
that are best when all rows have one label, or one row has it (recall, precision)."""


def is_confusion(metric: Metric) -> bool:
    """Return whether the counts of true and predicted classes tell the score.

    Examples
    --------
    >>> from automl.metrics import resolve_metric
    >>> is_confusion(resolve_metric("f1", "multiclass"))
    True
    """
    if metric.own or metric.task == "regression":
        return False
    if metric.name in ("balanced_accuracy", "mcc"):
        return True
    kind, _, mean = metric.name.partition("_")
    return kind in OF_CLASS and mean in ("", *MEANS)


def has_factors(metric: Metric) -> bool:
    """Return whether labels are chosen for the metric; see `automl.labelling`.

    Examples
    --------
    >>> from automl.metrics import resolve_metric
    >>> [has_factors(resolve_metric(name, "binary")) for name in ("f1", "accuracy")]
    [True, False]
    """
    return is_confusion(metric) and metric.name in TUNED


def confusion_scorer(
    metric: Metric, rows: Scored, p: np.ndarray
) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from drawings to scores, as scikit-learn defines them.

    Parameters
    ----------
    metric : Metric
        One that `is_confusion`.
    rows : Scored
        What is drawn from.
    p : array of shape (n_entries, n_classes)
        Probabilities.
    """
    n = p.shape[1]
    cells = rows.y.astype(np.int64) * n + np.argmax(p, axis=1)

    def one(drawn: np.ndarray) -> np.ndarray:
        weight = drawn if rows.weight is None else drawn * rows.weight
        return np.bincount(cells, weight, n * n).reshape(n, n)

    def score(drawn: np.ndarray) -> np.ndarray:
        counts = np.array([one(row) for row in drawn]).reshape(-1, n, n)
        found = value_of_counts(metric, counts)
        return np.where(counts.sum(axis=(1, 2)) > 0, found, np.nan)

    return score


def value_of_counts(metric: Metric, counts: np.ndarray) -> np.ndarray:
    """Return the metric of matrices of true by predicted class.

    Parameters
    ----------
    metric : Metric
        One that `is_confusion`.
    counts : array of float of shape (n_matrices, n_classes, n_classes)
        Rows, or their weights.
    """
    right = np.einsum("ijj->ij", counts)
    true, taken = counts.sum(axis=2), counts.sum(axis=1)
    if metric.name == "mcc":
        return _correlation(right.sum(axis=1), true, taken)
    if metric.name == "balanced_accuracy":
        return _mean(_share(right, true), true > 0)
    kind, _, mean = metric.name.partition("_")
    if mean == "micro":
        right, true, taken = (
            a.sum(axis=1, keepdims=True) for a in (right, true, taken)
        )
    below = {
        "f1": (true + taken) / 2, "precision": taken, "recall": true,
        "jaccard": true + taken - right,
    }[kind]  # fmt: skip
    values = _share(right, below)
    if not mean:
        return np.asarray(values[:, 1])
    return _mean(values, true if mean == "weighted" else true + taken > 0)


def _share(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Return quotients; 0 where there is nothing, as scikit-learn has it."""
    out = np.zeros_like(above)
    return np.asarray(np.divide(above, below, out=out, where=below > 0))


def _mean(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    total = weight.sum(axis=1)
    return np.asarray((values * weight).sum(axis=1) / np.maximum(total, 1e-300))


def _correlation(right: np.ndarray, true: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """Return Matthews correlations; 0 where one class is all there is."""
    n = true.sum(axis=1)
    both = n * right - (true * taken).sum(axis=1)
    spread = (n**2 - (true**2).sum(axis=1)) * (n**2 - (taken**2).sum(axis=1))
    return _share(both, np.sqrt(np.maximum(spread, 0)))
