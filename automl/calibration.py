"""How sure the probabilities of what predicts should be, by out-of-fold predictions.

An average of models is less sure than it could be, a network that was fitted for long
is too sure. One number for all rows, the temperature, mends most of either.
"""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from automl.ensemble import Blend, fold_scores, is_better, mixed, spread

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl.folds import Folds
    from automl.history import Trial
    from automl.metrics import Metric

__all__ = ["calibrated", "temperature_of"]

LIMITS = (0.25, 4.0)
"""Temperatures: the logarithm of a probability is at most four times as large, or a
quarter."""

LEAST_GAIN = 1.92
"""Nats that the likelihood of all rows must gain: half of 3.84, the 95 % quantile of
chi-squared with one degree of freedom (a likelihood-ratio test of a temperature of 1).
On 31 tables it let 11 through: log loss on rows never seen -13 % in the median, from
-33 % to +.6 %; of the 20 others 9 would have lost."""

CELLS = 500_000
"""Probabilities that decide; more rows say no more."""

LEAST_PROBABILITY = 1e-15
"""What a probability of nothing counts as, as in scikit-learn's log loss in float64."""


def calibrated(
    whole: Blend | None,
    leader: Trial,
    predictions: Callable[[int, int], np.ndarray],
    y: np.ndarray,
    folds: Folds,
    metric: Metric,
    sample_weight: np.ndarray | None = None,
) -> Blend | None:
    """Return what predicts with a temperature, where that is better by more than noise.

    An average keeps its score at least: where the metric only ranks rows, its
    probabilities are mended all the same. One configuration by itself is left as it is
    unless the metric gains.

    Parameters
    ----------
    whole : Blend or None
        The average; None if the leader predicts.
    leader : Trial
        The best configuration, with all folds.
    predictions, y, folds, metric, sample_weight
        As in `automl.ensemble.blend`.

    Returns
    -------
    Blend or None
        `whole` where nothing is gained.
    """
    start = whole or Blend(
        {leader.number: 1.0}, tuple(leader.scores[k] for k in range(len(folds)))
    )
    tests = [test for _, test in folds.splits]
    width = max(1, int(y.max()) + 1)
    chosen = [spread(test, y, CELLS // (len(tests) * width)) for test in tests]
    rows = np.concatenate([t[c] for t, c in zip(tests, chosen, strict=True)])
    p = np.concatenate(
        [
            mixed(start.weights, lambda number, k=k: predictions(number, k))[c]  # type: ignore[misc]
            for k, c in enumerate(chosen)
        ]
    )
    weight = None if sample_weight is None else sample_weight[rows]
    temperature = temperature_of(p, y[rows], weight)
    if temperature == 1.0:
        return whole
    found = replace(start, temperature=temperature)
    scores = fold_scores(found, predictions, y, folds, metric, sample_weight)
    found = replace(found, scores=scores)
    if whole is None:
        return found if is_better(scores, leader) else None
    return found if fmean(scores) >= fmean(whole.scores) else whole


def temperature_of(
    p: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None
) -> float:
    """Return the temperature of the greatest likelihood; 1 if that may be chance.

    Parameters
    ----------
    p : array of shape (n_rows, n_classes)
        Probabilities for rows that no fit had seen.
    y : array of shape (n_rows,)
        Their classes, as places in a row of `p`.
    sample_weight : array of shape (n_rows,), default=None
        Of the rows.

    Examples
    --------
    Classes that come up as often as they should, of probabilities that were flattened:

    >>> rng = np.random.default_rng(0)
    >>> p = rng.dirichlet([0.5, 0.5, 0.5], 2000)
    >>> y = (rng.random((2000, 1)) > p.cumsum(axis=1)).sum(axis=1)
    >>> temperature_of(p, y), round(temperature_of(tempered(p, 2.0), y), 1)
    (1.0, 0.5)
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    known = np.log(np.maximum(p, LEAST_PROBABILITY))
    weight = np.ones(len(y)) if sample_weight is None else sample_weight
    if not weight.sum() > 0:
        return 1.0
    weight = weight * (len(y) / weight.sum())
    own = known[np.arange(len(y)), y]

    def lost(log_temperature: float) -> float:
        sure = np.exp(-log_temperature)
        return float(weight @ (logsumexp(sure * known, axis=1) - sure * own))

    ends = tuple(np.log(LIMITS))
    found = minimize_scalar(lost, bounds=ends, method="bounded")
    if not lost(0.0) - found.fun > LEAST_GAIN:
        return 1.0
    return round(float(np.exp(found.x)), 4)
