"""Races of configurations in retrospect, on predictions that were kept."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from automl.ensemble import blend
from automl.racing import is_losing
from automl.trial import FoldResult, Trial

if TYPE_CHECKING:
    import numpy as np

    from automl.metrics import Metric
    from automl.splits import Folds

Start = tuple[str, str]
"""Name of a candidate and of one of its known starting points."""

Order = Sequence[Start]


@dataclass(frozen=True)
class Fits:
    """What the starts came to on one set.

    Attributes
    ----------
    shape : tuple of int
        Rows that a run would fit, columns and classes (0: numbers).
    times : float
        How many times as many rows that is as were fitted here.
    metric : Metric
        Of the task.
    y : array of shape (n_rows,)
        Truth of the rows that were not fitted; those that choose come first.
    n_chosen : int
        Rows that choose.
    seconds : dict
        Of a fit and of predicting a quarter as many rows, by start.
    predictions : dict
        Of all these rows, by start; those that failed are missing.
    """

    shape: tuple[int, int, int]
    times: float
    metric: Metric
    y: np.ndarray
    n_chosen: int
    seconds: Mapping[Start, float]
    predictions: Mapping[Start, np.ndarray]


def race(
    order: Order,
    seconds: Mapping[Start, float],
    scores: Mapping[Start, Sequence[float]],
    limit_s: float,
) -> list[Trial]:
    """Return what finished all folds in time, one configuration after the other.

    Parameters
    ----------
    order : sequence of (str, str)
        Candidate and name of each start.
    seconds : dict
        Of a fold, by start; those that are missing are left out.
    scores : dict
        Of each fold, greater is better, by start.
    limit_s : float
        Seconds of the race.

    Examples
    --------
    >>> seconds = {("a", "x"): 1.0, ("b", "y"): 1.0, ("c", "z"): 1.0}
    >>> scores = {("a", "x"): [3, 3, 4], ("b", "y"): [1, 1, 1], ("c", "z"): [5, 5, 6]}
    >>> [t.candidate for t in race(list(seconds), seconds, scores, 7.0)]
    ['a', 'c']
    >>> [t.candidate for t in race(list(seconds), seconds, scores, 6.0)]
    ['a']
    """
    done: list[Trial] = []
    used = 0.0
    for number, start in enumerate(order):
        if start not in seconds:
            continue
        best = max(done, key=lambda t: t.score, default=None)
        trial = Trial(number, start[0], {"start": start[1]}, "start")
        for fold, score in enumerate(scores[start]):
            used += seconds[start]
            if used > limit_s:
                return done
            trial = trial.with_fold(FoldResult(number, fold, "ok", score))
            if best is not None and is_losing(trial, best):
                break
        else:
            done.append(replace(trial, status="ok"))
    return done


def error_of(fits: Fits, parts: Folds, done: list[Trial]) -> float:
    """Return the logarithm of the ensemble's error on the rows that are held out."""
    if not done:
        return math.inf
    members = sorted(done, key=lambda t: -t.score)
    starts = {t.number: (t.candidate, t.params["start"]) for t in members}
    predictions = {n: fits.predictions[s] for n, s in starts.items()}
    rows = [r for _, r in parts.splits]
    mixed = blend(
        members, lambda n, k: predictions[n][rows[k]], fits.y, parts, fits.metric
    )
    weights = {members[0].number: 1.0} if mixed is None else mixed.weights
    p = sum(weight * predictions[n][fits.n_chosen :] for n, weight in weights.items())
    score = fits.metric.score(fits.y[fits.n_chosen :], p)
    # of a share: one row of ten thousand, so that none wrong is no infinite gain
    return math.log((1 - score) + 1e-4 if fits.metric.sign > 0 else -score)
