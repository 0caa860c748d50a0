"""How good what was selected is on new rows: the score corrected for the selection.

The best of many scores is too good. Here the selection is repeated on drawings of the
scored rows, and what it takes is scored on the rows that were not drawn: bootstrap
bias-corrected cross-validation (Tsamardinos, Greasidou and Borboudakis, Machine
Learning 107, 2018). It needs out-of-fold predictions and fits nothing.

A drawing shows .632 of the rows to the selection, which then takes worse ones than it
does from all. As in the .632+ bootstrap (Efron and Tibshirani, JASA 92, 1997) the score
of the selection itself has a share in the estimate: .368 where it is far above what a
constant scores, none where nothing was learnt.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.labelling import has_factors, with_labels
from automl.resampled_scores import is_quick, scorer_of
from automl.resampled_t import LEVEL, mean_of_folds
from automl.selection import Selection, best, labelled_scores, mixed_scores

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from automl.metrics import Metric
    from automl.scored import Scored

__all__ = [
    "LEVEL", "Estimate", "corrected", "from_folds", "is_rate", "of_test",
    "outside_weight",
]  # fmt: skip

LEAST_RESAMPLES = 20
"""Fewer drawings show no interval."""

BATCH = 20
"""Drawings between two looks at the clock; each one where the metric is asked."""

TIGHTENED = 0.88
"""What the distance of the quantiles from the mean is multiplied with. The score of the
.37 of the units that were not drawn spreads by sqrt(.632 / .368) = 1.31 as much as that
of all; the square root of this, 1.15, is left as room for what no drawing repeats:
later configurations were proposed for the scores of earlier ones."""

OUTSIDE = 0.632
"""Share of the rows in a drawing, and least weight of the scores of those outside."""


@dataclass(frozen=True)
class Estimate:
    """What to expect of a model on new rows; scores are greater is better.

    Attributes
    ----------
    score, low, high : float
        The expected score, and the interval at `LEVEL`.
    method : str
        ``bbc`` (selection repeated on drawings), ``test`` (rows that nothing was
        chosen on) or ``naive`` (from the scores of the folds, selection ignored).
    n_configurations, n_resamples, n_rows : int
        What was selected from, how many drawings, and of how many rows.
    """

    score: float
    low: float
    high: float
    method: str
    n_configurations: int
    n_resamples: int
    n_rows: int


def corrected(
    predictions: Sequence[np.ndarray],
    rows: Scored,
    metric: Metric,
    selection: Selection = best,
    *,
    finish: Callable[[np.ndarray], np.ndarray] = np.asarray,
    n_resamples: int = 1000,
    random_state: int = 0,
    is_over: Callable[[], bool] = lambda: False,
) -> Estimate | None:
    """Return what to expect of the configuration that this selection takes.

    Units are drawn with replacement; the selection takes a configuration by its score
    on the drawn ones, and that is scored on the others. Around the mean of these scores
    their quantiles, drawn in by `TIGHTENED`, are the interval. Where no average may be
    taken, all is then moved a part of the way (`outside_weight`) to the score of what
    the selection takes from all units.

    Where labels are chosen for the metric (`automl.labelling`), each drawing chooses
    them anew.

    Parameters
    ----------
    predictions : list of array of shape (n_entries, n_classes) or (n_entries,)
        Out-of-fold predictions of each configuration, the best first.
    rows : Scored
        The entries.
    metric : Metric
        What is selected by and estimated.
    selection : Selection
        How one is taken.
    finish : callable, default=numpy.asarray
        What is done to predictions that are taken, before they are scored.
    n_resamples : int, default=1000
        Drawings at most.
    random_state : int, default=0
        Of the drawings.
    is_over : callable
        Asked after each few drawings whether these are enough.

    Returns
    -------
    Estimate or None
        None if fewer than 20 drawings could be scored.

    Examples
    --------
    >>> from automl.metrics import resolve_metric
    >>> from automl.scored import Scored
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 2, 200)
    >>> chance = [np.c_[1 - p, p] for p in rng.random((50, 200))]
    >>> rows = Scored(y, np.zeros(200, int), np.arange(200))
    >>> found = corrected(chance, rows, resolve_metric("roc_auc", "binary"))
    >>> found.low < 0.5 < found.high
    True
    """
    labelled = has_factors(metric)
    scorers = [
        scorer_of(metric, rows, with_labels(metric, rows.y, p, rows.weight))
        for p in predictions
    ]

    @cache
    def final(k: int) -> Any:
        made = predictions[k] if labelled else finish(predictions[k])
        same = made is predictions[k]
        return scorers[k] if same else scorer_of(metric, rows, made)

    rng = np.random.default_rng([random_state, 7])
    found: list[float] = []
    n_drawn, batch = 0, BATCH if is_quick(metric) else 1
    while n_drawn < n_resamples:
        size = min(batch, n_resamples - n_drawn)
        counts = _draw(rows.n_units, size, rng)[:, rows.unit]
        n_drawn += size
        inside = np.stack([score(counts) for score in scorers], axis=1)
        taken, out = selection.take(inside), counts == 0
        if selection.mixes and len(predictions) > 1:
            found += mixed_scores(predictions, rows, metric, counts, inside, finish)
        elif labelled:
            found += labelled_scores(predictions, rows, metric, counts, taken, finish)
        else:
            for k in np.unique(taken):
                found += final(int(k))(out[taken == k].astype(np.uint8)).tolist()
        if is_over():
            break
    known = np.array(found)
    known = known[np.isfinite(known)]
    if len(known) < LEAST_RESAMPLES:
        return None
    mean = float(known.mean())
    low, high = (
        mean + TIGHTENED * (end - mean) for end in _quantiles(known, (1 - LEVEL) / 2)
    )
    if not selection.mixes:  # weights fit the rows they are chosen on more closely
        ones = np.ones((1, len(rows)), dtype=np.uint8)
        whole = np.stack([score(ones) for score in scorers], axis=1)
        apparent = float(final(int(selection.take(whole)[0]))(ones)[0])
        shares = _constant(rows, predictions[0])
        shares = with_labels(metric, rows.y, shares, rows.weight)
        constant = scorer_of(metric, rows, shares)(ones)[0]
        moved = (1 - outside_weight(mean, apparent, constant)) * (apparent - mean)
        mean, low, high = mean + moved, low + moved, high + moved
    if is_rate(metric):
        low, high = _at_least_exact(mean, low, high, rows)
    low, high = np.clip((low, high), *metric.bounds).tolist()  # a shift knows none
    return Estimate(mean, low, high, "bbc", len(predictions), len(known), len(rows))


def outside_weight(outside: float, apparent: float, constant: float) -> float:
    """Return the weight of scores outside of drawings, of the `.632+` bootstrap.

    Parameters
    ----------
    outside, apparent, constant : float
        The mean score of what was selected on rows not drawn; that of what is selected
        from all rows, on these; that of a constant prediction. Greater is better.

    Examples
    --------
    >>> round(outside_weight(0.80, 0.80, 0.5), 3)
    0.632
    >>> round(outside_weight(0.75, 0.80, 0.5), 3)
    0.673
    >>> outside_weight(0.50, 0.55, 0.5)
    1.0
    """
    if not apparent > outside:  # or one of them is no number
        return OUTSIDE if apparent == outside else 1.0
    gain = apparent - constant
    lost = min(1.0, (apparent - outside) / gain) if gain > 0 else 1.0
    return OUTSIDE / (1 - (1 - OUTSIDE) * lost)


def _constant(rows: Scored, prediction: np.ndarray) -> np.ndarray:
    """Return what is predicted without any column: shares of classes, or the mean."""
    if prediction.ndim == 1:
        return np.full(len(rows), np.average(rows.y, weights=rows.weight))
    codes = rows.y.astype(np.int64)
    counts = np.bincount(codes, rows.weight, minlength=prediction.shape[1])
    return np.tile(counts / counts.sum(), (len(rows), 1))


def is_rate(metric: Metric) -> bool:
    """Return whether the score is a share of rows, so that its interval is known."""
    return metric.name == "accuracy" and not metric.own


def _at_least_exact(
    rate: float, low: float, high: float, rows: Scored
) -> tuple[float, float]:
    """Return an interval no narrower than that of Clopper and Pearson.

    Drawings of rows that are all right are all right; of n such rows, up to 3 / n may
    yet be wrong.
    """
    from scipy.special import betaincinv

    n = rows.n_units if rate in (0.0, 1.0) else len(rows)
    tail, right = (1 - LEVEL) / 2, rate * n
    least = float(betaincinv(right, n - right + 1, tail)) if right else 0.0
    most = float(betaincinv(right + 1, n - right, 1 - tail)) if right < n else 1.0
    return min(low, least), max(high, most)


def _draw(n: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Return how often each unit was drawn, of shape (size, n); small, to be fast."""
    drawn = rng.integers(0, n, (size, n))
    counts = [np.minimum(np.bincount(d, minlength=n), 255) for d in drawn]
    return np.array(counts, dtype=np.uint8)


def _quantiles(values: np.ndarray, tail: float) -> tuple[float, float]:
    """Return the quantiles; those of few values are their ends."""
    low, high = np.quantile(values, [tail, 1 - tail], method="weibull")
    return float(low), float(high)


def of_test(
    prediction: np.ndarray,
    rows: Scored,
    metric: Metric,
    score: float,
    *,
    n_resamples: int = 1000,
    random_state: int = 0,
    is_over: Callable[[], bool] = lambda: False,
) -> Estimate | None:
    """Return what to expect, from rows that nothing was chosen on.

    The percentiles of the bootstrap are taken further out for few rows, as much as
    Student's t is wider than the normal distribution (Hesterberg, The American
    Statistician 69, 2015).

    Parameters
    ----------
    prediction : array of shape (n_rows, n_classes) or (n_rows,)
        Of the model.
    rows : Scored
        The rows, and what is drawn together.
    metric : Metric
        What is estimated.
    score : float
        The metric on all of them.
    n_resamples : int, default=1000
        Drawings; a tenth for a metric that has to be asked each time.
    random_state : int, default=0
        Of the drawings.
    is_over : callable
        Asked after each few drawings whether these are enough.

    Returns
    -------
    Estimate or None
        None if the metric is no number on most drawings, or there was no time.
    """
    from scipy.special import stdtrit

    n = rows.n_units
    if n < 2 or not math.isfinite(score):
        return None
    if not is_quick(metric):
        n_resamples = max(LEAST_RESAMPLES, n_resamples // 10)
    scorer = scorer_of(metric, rows, prediction)
    rng = np.random.default_rng([random_state, 8])
    found: list[float] = []
    n_drawn, batch = 0, BATCH if is_quick(metric) else 1
    while n_drawn < n_resamples:
        counts = _draw(n, min(batch, n_resamples - n_drawn), rng)
        n_drawn += len(counts)
        found += scorer(counts[:, rows.unit]).tolist()
        if is_over():
            break
    known = np.array(found)
    known = known[np.isfinite(known)]
    if len(known) < max(LEAST_RESAMPLES, n_drawn // 2):
        return None
    wider = math.sqrt(n / (n - 1)) * float(stdtrit(n - 1, (1 + LEVEL) / 2))
    low, high = _quantiles(known, NormalDist().cdf(-wider))
    if is_rate(metric):
        low, high = _at_least_exact(score, low, high, rows)
    low, high = min(low, score), max(high, score)
    return Estimate(score, low, high, "test", 1, len(known), len(rows))


def from_folds(
    scores: Sequence[float],
    sizes: Sequence[Sequence[int]],
    n_configurations: int,
    bounds: tuple[float, float] = (-math.inf, math.inf),
) -> Estimate | None:
    """Return the mean of the folds with the corrected resampled t-interval.

    Where predictions cannot be resampled. The selection is not corrected for; folds
    share training rows, which is (Nadeau and Bengio, Machine Learning 52, 2003). The
    interval ends where the metric does.

    Examples
    --------
    >>> found = from_folds([0.8, 0.9, 0.7], [(80, 20)] * 3, 9, bounds=(0, 1))
    >>> round(found.score, 2), round(found.low, 2), round(found.high, 2)
    (0.8, 0.47, 1)
    """
    found = mean_of_folds(scores, sizes)
    if found is None:
        return None
    low = max(found.mean - found.margin, bounds[0])
    high = min(found.mean + found.margin, bounds[1])
    n_rows = sum(n_test for _, n_test in sizes)
    return Estimate(found.mean, low, high, "naive", n_configurations, 0, n_rows)
