"""How good what was selected is on new rows: the score corrected for the selection.

The best of many scores is too good. Here the selection is repeated on drawings of the
scored rows, and what it takes is scored on the rows that were not drawn: bootstrap
bias-corrected cross-validation (Tsamardinos, Greasidou and Borboudakis, Machine
Learning 107, 2018). It needs out-of-fold predictions and fits nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from automl.resampled_scores import is_quick, scorer_of
from automl.resampled_t import LEVEL, mean_of_folds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from automl.metrics import Metric
    from automl.scored import Scored

__all__ = [
    "LEVEL", "Estimate", "Selection", "best", "corrected", "from_folds", "is_rate",
    "of_test",
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

MIXED, ADDITIONS = 6, 3
"""Configurations and additions of the greedy selection inside a drawing: the whole one
has up to 25 of each, and its later steps change weights, hardly the score."""

ASKED_MIXED, ASKED_ADDITIONS = 4, 1
"""The same for a metric that has to be asked each time."""

MIX_ROWS = 1_000
"""Drawn rows that choose weights inside a drawing."""


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


@dataclass(frozen=True)
class Selection:
    """How a configuration is taken, given the scores of all on the same rows.

    Attributes
    ----------
    slack : float, default=0
        How much worse than the best one may be and still be taken.
    order : tuple of int, default=()
        Places, the first to be taken first, of those within the slack.
    mixes : bool, default=False
        Whether a weighted average of configurations is taken where it is better.
    """

    slack: float = 0.0
    order: tuple[int, ...] = ()
    mixes: bool = False

    def take(self, scores: np.ndarray) -> np.ndarray:
        """Return the place taken in each row of scores; the first of equal ones.

        Parameters
        ----------
        scores : array of shape (n_drawings, n_configurations)
            Greater is better; NaN is never taken.

        Examples
        --------
        >>> scores = np.array([[0.8, 0.9, 0.88]])
        >>> Selection().take(scores), Selection(0.05, (2, 0, 1)).take(scores)
        (array([1]), array([2]))
        """
        known = np.where(np.isnan(scores), -np.inf, scores)
        if not self.order:
            return np.asarray(np.argmax(known, axis=1))
        order = np.array(self.order)
        within = known >= known.max(axis=1, keepdims=True) - self.slack
        return np.asarray(order[np.argmax(within[:, order], axis=1)])


best = Selection()
"""The best score is taken."""


def corrected(
    predictions: Sequence[np.ndarray],
    rows: Scored,
    metric: Metric,
    selection: Selection = best,
    *,
    n_resamples: int = 1000,
    random_state: int = 0,
    is_over: Callable[[], bool] = lambda: False,
) -> Estimate | None:
    """Return what to expect of the configuration that this selection takes.

    Units are drawn with replacement; the selection takes a configuration by its score
    on the drawn ones, and that is scored on the others. The mean of these scores is the
    estimate, their quantiles, drawn in by `TIGHTENED`, are the interval.

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
    scorers = [scorer_of(metric, rows, p) for p in predictions]
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
            found += _mixed_scores(predictions, rows, metric, counts, inside)
        else:
            for k in np.unique(taken):
                found += scorers[k](out[taken == k].astype(np.uint8)).tolist()
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
    if is_rate(metric):
        low, high = _at_least_exact(mean, low, high, rows)
    return Estimate(mean, low, high, "bbc", len(predictions), len(known), len(rows))


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


def _mixed_scores(
    predictions: Sequence[np.ndarray],
    rows: Scored,
    metric: Metric,
    counts: np.ndarray,
    inside: np.ndarray,
) -> list[float]:
    """Return the scores, on rows not drawn, of averages chosen on those drawn."""
    found = []
    for drawn, scores in zip(counts, inside, strict=True):
        mean = _greedy(predictions, rows, metric, drawn, scores)
        outside = np.flatnonzero(drawn == 0)
        if not len(outside):
            continue
        p = sum(w * predictions[k][outside] for k, w in mean.items())
        score = scorer_of(metric, rows.at(outside), np.asarray(p))
        found.append(float(score(np.ones((1, len(outside)), dtype=np.uint8))[0]))
    return found


def _greedy(
    predictions: Sequence[np.ndarray],
    rows: Scored,
    metric: Metric,
    drawn: np.ndarray,
    scores: np.ndarray,
) -> dict[int, float]:
    """Return weights that a few greedy additions find on the rows drawn."""
    quick = is_quick(metric)
    size, additions = (MIXED, ADDITIONS) if quick else (ASKED_MIXED, ASKED_ADDITIONS)
    known = np.where(np.isnan(scores), -np.inf, scores)
    members = np.argsort(-known, kind="stable")[:size]
    place = np.flatnonzero(drawn)
    if len(place) > MIX_ROWS:  # spread over the target, so that each class is there
        order = place[np.argsort(rows.y[place], kind="stable")]
        place = order[np.linspace(0, len(order) - 1, MIX_ROWS).astype(np.int64)]
    some, times = rows.at(place), drawn[None, place]
    own = {k: np.asarray(predictions[k][place], dtype=np.float64) for k in members}
    taken = [int(members[0])]
    total = own[members[0]]
    value = float(scorer_of(metric, some, total)(times)[0])
    for _ in range(additions):
        n = len(taken) + 1
        tried = [
            float(scorer_of(metric, some, (total + own[k]) / n)(times)[0])
            for k in members
        ]
        place_of_best = int(np.argmax(np.nan_to_num(tried, nan=-np.inf)))
        if not tried[place_of_best] > value:
            break
        value = tried[place_of_best]
        taken.append(int(members[place_of_best]))
        total = total + own[members[place_of_best]]
    return {k: taken.count(k) / len(taken) for k in dict.fromkeys(taken)}


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
    n_train: int,
    n_test: int,
    n_configurations: int,
    bounds: tuple[float, float] = (-math.inf, math.inf),
) -> Estimate | None:
    """Return the mean of the folds with the corrected resampled t-interval.

    Where predictions cannot be resampled. The selection is not corrected for; folds
    share training rows, which is (Nadeau and Bengio, Machine Learning 52, 2003). The
    interval ends where the metric does.

    Examples
    --------
    >>> found = from_folds([0.8, 0.9, 0.7], 80, 20, 9, bounds=(0, 1))
    >>> round(found.score, 2), round(found.low, 2), round(found.high, 2)
    (0.8, 0.47, 1)
    """
    found = mean_of_folds(scores, n_train, n_test)
    if found is None:
        return None
    low = max(found.mean - found.margin, bounds[0])
    high = min(found.mean + found.margin, bounds[1])
    n_rows = len(scores) * n_test
    return Estimate(found.mean, low, high, "naive", n_configurations, 0, n_rows)
