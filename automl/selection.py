"""A selection among configurations, repeated on drawings of the scored rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from automl.estimators.labels import favoured
from automl.labelling import factors_of, has_factors
from automl.resampled_scores import is_quick, scorer_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from automl.metrics import Metric
    from automl.scored import Scored

__all__ = [
    "ASKED_ADDITIONS", "ASKED_MIXED", "Selection", "best", "labelled_scores",
    "mixed_scores",
]  # fmt: skip

MIXED, ADDITIONS = 6, 3
"""Configurations and additions of the greedy selection inside a drawing: the whole one
has up to 25 of each, and its later steps change weights, hardly the score."""

ASKED_MIXED, ASKED_ADDITIONS = 4, 1
"""The same for a metric that has to be asked each time."""

MIX_ROWS = 1_000
"""Drawn rows that choose weights inside a drawing."""


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


def mixed_scores(
    predictions: Sequence[np.ndarray],
    rows: Scored,
    metric: Metric,
    counts: np.ndarray,
    inside: np.ndarray,
    finish: Callable[[np.ndarray], np.ndarray] = np.asarray,
) -> list[float]:
    """Return the scores, on rows not drawn, of averages chosen on those drawn."""
    found = []
    labelled = has_factors(metric)
    common = np.ones(1)
    if labelled:  # weights are chosen under the labels of the first
        factors = factors_of(metric, rows.y, predictions[0], rows.weight)
        common = common if factors is None else np.array(factors)
    for drawn, scores in zip(counts, inside, strict=True):
        mean = _greedy(predictions, rows, metric, drawn, scores, common)
        outside = np.flatnonzero(drawn == 0)
        if labelled:
            value = _score_of_labels(predictions, mean, rows, metric, drawn, finish)
            found += [] if value is None else [value]
        elif len(outside):
            p = finish(_mean(predictions, mean, outside))
            score = scorer_of(metric, rows.at(outside), p)
            found.append(float(score(np.ones((1, len(outside)), dtype=np.uint8))[0]))
    return found


def labelled_scores(
    predictions: Sequence[np.ndarray],
    rows: Scored,
    metric: Metric,
    counts: np.ndarray,
    taken: np.ndarray,
    finish: Callable[[np.ndarray], np.ndarray] = np.asarray,
) -> list[float]:
    """Return the scores, on rows not drawn, of labels chosen on those drawn.

    Parameters
    ----------
    predictions : list of array of shape (n_entries, n_classes)
        Of each configuration.
    rows : Scored
        The entries.
    metric : Metric
        One for which labels are chosen.
    counts : array of shape (n_drawings, n_entries)
        How often each entry was drawn.
    taken : array of int of shape (n_drawings,)
        The configuration that each drawing takes.
    finish : callable, default=numpy.asarray
        What is done to predictions before labels are chosen.
    """
    # what is done may look at all entries: a temperature of their own
    made = {int(k): finish(predictions[k]) for k in np.unique(taken)}
    found = [
        _score_of_labels(made, {int(k): 1.0}, rows, metric, drawn, np.asarray)
        for drawn, k in zip(counts, taken, strict=True)
    ]
    return [value for value in found if value is not None]


def _score_of_labels(
    predictions: Sequence[np.ndarray] | Mapping[int, np.ndarray],
    weights: dict[int, float],
    rows: Scored,
    metric: Metric,
    drawn: np.ndarray,
    finish: Callable[[np.ndarray], np.ndarray],
) -> float | None:
    """Return the score, on rows not drawn, of labels that those drawn show."""
    outside = np.flatnonzero(drawn == 0)
    if not len(outside):
        return None
    place, share = _of_each_class(rows, drawn)
    times = drawn[place] * share
    if rows.weight is not None:
        times = times * rows.weight[place]
    inside = finish(_mean(predictions, weights, place))
    factors = factors_of(metric, rows.y[place], inside, times)
    p = favoured(finish(_mean(predictions, weights, outside)), factors)
    score = scorer_of(metric, rows.at(outside), p)
    return float(score(np.ones((1, len(outside)), dtype=np.uint8))[0])


def _of_each_class(rows: Scored, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return places of rows that were drawn, and how many rows each stands for.

    Each class has an equal part of `MIX_ROWS`, so that of a rare one there are all.
    """
    place = np.flatnonzero(drawn)
    if len(place) <= MIX_ROWS:
        return place, np.ones(len(place))
    chosen, share = [], []
    codes = np.unique(rows.y[place])
    for code in codes:
        own = place[rows.y[place] == code]
        step = max(1, len(own) * len(codes) // MIX_ROWS)
        some = own[::step]
        chosen.append(some)
        share.append(np.full(len(some), len(own) / len(some)))
    return np.concatenate(chosen), np.concatenate(share)


def _mean(
    predictions: Sequence[np.ndarray] | Mapping[int, np.ndarray],
    weights: dict[int, float],
    place: np.ndarray,
) -> np.ndarray:
    """Return the average of the predictions of some rows."""
    return np.asarray(sum(w * predictions[k][place] for k, w in weights.items()))


def _some(rows: Scored, drawn: np.ndarray) -> np.ndarray:
    """Return places of rows that were drawn; of many, some of each class."""
    place = np.flatnonzero(drawn)
    if len(place) <= MIX_ROWS:
        return place
    order = place[np.argsort(rows.y[place], kind="stable")]
    return np.asarray(order[np.linspace(0, len(order) - 1, MIX_ROWS).astype(np.int64)])


def _greedy(
    predictions: Sequence[np.ndarray],
    rows: Scored,
    metric: Metric,
    drawn: np.ndarray,
    scores: np.ndarray,
    factors: np.ndarray,
) -> dict[int, float]:
    """Return weights that a few greedy additions find on some of the rows drawn."""
    quick = is_quick(metric)
    size, additions = (MIXED, ADDITIONS) if quick else (ASKED_MIXED, ASKED_ADDITIONS)
    known = np.where(np.isnan(scores), -np.inf, scores)
    members = np.argsort(-known, kind="stable")[:size]
    place = _some(rows, drawn)
    some, times = rows.at(place), drawn[None, place]
    own = {
        k: np.asarray(predictions[k][place], dtype=np.float64) * factors
        for k in members
    }
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
