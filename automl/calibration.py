"""How sure the probabilities of what predicts should be, by out-of-fold predictions.

An average of models is less sure than it could be, a network that was fitted for long
is too sure. One number for all rows, the temperature, mends most of either.
"""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from automl.ensemble import Blend, is_better, mixed, spread
from automl.estimators.temperature import LEAST, tempered
from automl.labelling import fold_score, has_factors

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl.folds import Folds
    from automl.metrics import Metric
    from automl.scored import Scored
    from automl.trial import Trial

__all__ = ["calibrated", "temperature_of"]

LIMITS = (0.25, 4.0)
"""Temperatures: the logarithm of a probability is at most four times as large, or a
quarter."""

LEAST_GAIN = 1.92
"""Nats that the likelihood of independent rows must gain: half of 3.84, the 95 %
quantile of chi-squared with one degree of freedom (a likelihood-ratio test of a
temperature of 1). On 31 tables it let 11 through: log loss on rows never seen -13 % in
the median, from -33 % to +.6 %; of the 20 others 9 would have lost."""

CELLS = 100_000
"""Probabilities that decide, .2 s of work; of more rows a part is taken that says
enough, and that counts as no more evidence than it is."""


def calibrated(
    whole: Blend | None,
    leader: Trial,
    predictions: Callable[[int, int], np.ndarray],
    rows: Scored,
    folds: Folds,
    metric: Metric,
    is_over: Callable[[], bool] = lambda: False,
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
    predictions : callable
        From a trial's number and a fold to predictions of its scored rows, of shape
        (n_test, n_classes).
    rows : Scored
        The scored rows of all folds, one fold after the other.
    folds, metric : Folds, Metric
        Of the run.
    is_over : callable
        Asked before each fold is scored whether to leave all as it is.

    Returns
    -------
    Blend or None
        `whole` where nothing is gained.
    """
    start = whole or Blend({leader.number: 1.0}, tuple(leader.scores.values()))
    blocks = []
    for k in range(len(folds)):
        if is_over():
            return whole
        blocks.append(mixed(start.weights, lambda number, k=k: predictions(number, k)))  # type: ignore[misc]
    temperature = temperature_of(np.concatenate(blocks), rows)
    if temperature == 1.0:
        return whole
    if has_factors(metric) and metric.task == "binary":  # it moves no label
        return None if whole is None else replace(whole, temperature=temperature)
    scores = []
    for k, block in enumerate(blocks):
        if is_over():
            return whole
        own = rows.at(np.flatnonzero(rows.fold == k))
        p = tempered(block, temperature)
        unit = None if folds.unit is None else own.unit
        scores.append(fold_score(metric, own.y, p, own.weight, unit))
    found = replace(start, scores=tuple(scores), temperature=temperature)
    if whole is None:
        return found if is_better(scores, leader) else None
    return found if fmean(scores) >= fmean(whole.scores) else whole


def temperature_of(p: np.ndarray, rows: Scored) -> float:
    """Return the temperature of the greatest likelihood; 1 if that may be chance.

    Rows count as evidence once, however often they are scored: by groups, blocks of
    time or copies that are drawn together, and by their weights (Kish, Survey Sampling,
    1965). Rows that are not looked at (`CELLS`) are no evidence.

    Parameters
    ----------
    p : array of shape (n_entries, n_classes)
        Probabilities for rows that no fit had seen.
    rows : Scored
        Their classes, weights and units.

    Examples
    --------
    Classes that come up as often as they should, of probabilities that were flattened:

    >>> from automl.scored import Scored
    >>> rng = np.random.default_rng(0)
    >>> p = rng.dirichlet([0.5, 0.5, 0.5], 2000)
    >>> y = (rng.random((2000, 1)) > p.cumsum(axis=1)).sum(axis=1)
    >>> rows = Scored(y, np.zeros(2000, int), np.arange(2000))
    >>> temperature_of(p, rows), round(temperature_of(tempered(p, 2.0), rows), 1)
    (1.0, 0.5)
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    weight = np.ones(len(rows)) if rows.weight is None else rows.weight
    if not weight.sum() > 0:
        return 1.0
    counts = np.flatnonzero(weight > 0)
    counts = counts[spread(counts, rows.y, CELLS // p.shape[1])]
    y, weight = rows.y[counts].astype(np.int64), weight[counts] / weight[counts].sum()
    evidence = rows.n_units / len(rows) / (weight**2).sum()
    logs = np.log(np.maximum(p[counts].astype(np.float64), LEAST))
    own = logs[np.arange(len(y)), y]

    def lost(log_temperature: float) -> float:
        sure = np.exp(-log_temperature)
        found = sure * own - logsumexp(sure * logs, axis=1)
        return -float(weight @ np.maximum(found, np.log(LEAST)))

    found = minimize_scalar(lost, bounds=tuple(np.log(LIMITS)), method="bounded")
    if not evidence * (lost(0.0) - found.fun) > LEAST_GAIN:
        return 1.0
    return round(float(np.exp(found.x)), 4)
