"""Finished trials and their out-of-fold predictions, without any fit."""

import numpy as np

from automl.splits import freeze
from automl.trial import FoldResult, Trial


def thirds(n):
    """Return three folds of so many rows: every third row is scored."""
    fold = np.arange(n) % 3
    return freeze(
        [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(3)],
        "3 folds",
    )


def finished(number, y, p, folds, metric):
    """Return a finished trial with the scores of its predictions."""
    results = tuple(
        FoldResult(number, k, "ok", metric.score(y[test], p[test]))
        for k, (_, test) in enumerate(folds.splits)
    )
    return Trial(number, f"c{number}", {}, "", "ok", results)


def reader(predictions, folds):
    """Return what reads out-of-fold predictions, given by number for all rows."""
    return lambda number, k: predictions[number][folds.splits[k][1]]
