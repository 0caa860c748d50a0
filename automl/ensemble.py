"""Out-of-fold predictions to weights: which finished configurations predict together.

Greedy selection with replacement (Caruana et al., Ensemble selection from libraries of
models, ICML 2004): from the best configuration on, the one is added again and again
with which the average scores best on the run's metric. All of it is a function of
predictions that were made for rows that no fit had seen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import fmean, stdev
from typing import TYPE_CHECKING

import numpy as np

from automl.estimators.temperature import tempered
from automl.fast_scores import fast_score
from automl.labelling import factors_of, fold_score, has_factors
from automl.trial import BASELINE, Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from automl.folds import Folds
    from automl.metrics import Metric

__all__ = [
    "POOL", "Blend", "blend", "is_better", "mixed", "part_of", "pool", "pruned",
    "spread",
]  # fmt: skip

POOL = 15
"""Best configurations that are candidates, beside the best of each family."""

ROUNDS = 25
"""Additions; TabRepo saw no gain from more (PERFORMANCE of the field: 25 to 40)."""

PATIENCE = 5
"""Additions without a better score after which no more are tried."""

LEAST_WEIGHT = 0.05
"""A smaller weight costs its fits and hardly changes the average."""

NOISE = 0.25
"""Standard errors of the paired gain that the average must be better by."""

SELECTION_ROWS = 2_000_000
"""Scored rows of all configurations that choose weights; more rows say no more."""

SELECTION_CELLS = 40_000_000
"""The same times the classes: 320 MB."""


@dataclass(frozen=True)
class Blend:
    """A weighted average of configurations.

    Attributes
    ----------
    weights : dict
        Trial's number to weight, largest first; they sum to one.
    scores : tuple of float
        Of each fold, greater is better.
    temperature : float, default=1.0
        Of the averaged probabilities.
    """

    weights: Mapping[int, float]
    scores: tuple[float, ...]
    temperature: float = 1.0

    def mixed(self, predictions: Callable[[int], np.ndarray]) -> np.ndarray:
        """Return what it predicts, from the predictions of its members."""
        average = mixed(self.weights, predictions)
        return average if average.ndim == 1 else tempered(average, self.temperature)


def pool(trials: Sequence[Trial], size: int = POOL) -> list[Trial]:
    """Return who may be a member: the best, and the best of each family.

    Examples
    --------
    >>> from automl.trial import FoldResult
    >>> def trial(number, name, score):
    ...     folds = (FoldResult(number, 0, "ok", score),)
    ...     return Trial(number, name, {}, "", "ok", folds)
    >>> trials = [trial(1, "a", 0.7), trial(2, "a", 0.9), trial(3, "b", 0.1)]
    >>> [t.number for t in pool(trials, size=1)]
    [2, 3]
    """
    done = [t for t in trials if t.status == "ok" and t.candidate != BASELINE]
    done = [t for t in done if not math.isnan(t.score)]
    order = sorted(done, key=lambda t: (-t.score, t.number))
    seen: set[str] = set()
    chosen = []
    for place, trial in enumerate(order):
        if place < size or trial.candidate not in seen:
            chosen.append(trial)
        seen.add(trial.candidate)
    return chosen


def blend(
    members: Sequence[Trial],
    predictions: Callable[[int, int], np.ndarray],
    y: np.ndarray,
    folds: Folds,
    metric: Metric,
    sample_weight: np.ndarray | None = None,
    is_over: Callable[[], bool] = lambda: False,
) -> Blend | None:
    """Return the average that beats the best configuration by more than noise.

    Parameters
    ----------
    members : list of Trial
        Finished, the best first.
    predictions : callable
        From a trial's number and a fold to predictions of its scored rows, of shape
        (n_test, n_classes) or (n_test,).
    y : array of shape (n_rows,)
        Class codes, or numbers.
    folds : Folds
        That they were scored on.
    metric : Metric
        What the weights are chosen by.
    sample_weight : array of shape (n_rows,), default=None
        For the metric.
    is_over : callable
        Asked before each addition whether to stop with what there is.

    Returns
    -------
    Blend or None
        None if the best configuration alone is as good.
    """
    if len(members) < 2:
        return None
    whole = [test for _, test in folds.splits]
    width = int(np.max(y)) + 1 if metric.task == "multiclass" else 2
    shares = len(whole) * POOL
    limit = min(SELECTION_ROWS // shares, max(1, SELECTION_CELLS // (shares * width)))
    part = [spread(test, y, limit) for test in whole]
    stored = {
        t.number: [
            np.asarray(predictions(t.number, k))[place] for k, place in enumerate(part)
        ]
        for t in members
    }
    rows = [test[place] for test, place in zip(whole, part, strict=True)]
    score = fast_score(metric)
    if has_factors(metric):
        stored = _favoured(stored, rows, members[0].number, y, metric, sample_weight)

    def mean_score(blocks: Sequence[np.ndarray]) -> float:
        return fmean(
            score(y[r], b, None if sample_weight is None else sample_weight[r])
            for r, b in zip(rows, blocks, strict=True)
        )

    counts = _select(stored, mean_score, is_over)
    weights = _weights(counts)
    if len(weights) < 2:
        return None
    found = Blend(weights, ())
    scores = _fold_scores(found, predictions, y, folds, metric, sample_weight)
    return replace(found, scores=scores) if is_better(scores, members[0]) else None


def _favoured(
    stored: Mapping[int, Sequence[np.ndarray]],
    rows: Sequence[np.ndarray],
    leader: int,
    y: np.ndarray,
    metric: Metric,
    sample_weight: np.ndarray | None,
) -> dict[int, list[np.ndarray]]:
    """Return predictions times the leader's factors.

    Averages of them have the labels of averages with these factors: weights are chosen
    by labels like those that will be given, at the price of none.
    """
    place = np.concatenate(rows)
    weight = None if sample_weight is None else sample_weight[place]
    factors = factors_of(metric, y[place], np.concatenate(stored[leader]), weight)
    if factors is None:
        return {number: list(blocks) for number, blocks in stored.items()}
    return {n: [b * np.array(factors) for b in blocks] for n, blocks in stored.items()}


def _fold_scores(
    found: Blend,
    predictions: Callable[[int, int], np.ndarray],
    y: np.ndarray,
    folds: Folds,
    metric: Metric,
    sample_weight: np.ndarray | None,
) -> tuple[float, ...]:
    """Return the score of an average on each fold."""
    return tuple(
        fold_score(
            metric,
            y[test],
            found.mixed(lambda number, k=k: predictions(number, k)),  # type: ignore[misc]
            None if sample_weight is None else sample_weight[test],
            None if folds.unit is None else folds.unit[test],
        )
        for k, (_, test) in enumerate(folds.splits)
    )


def pruned(
    whole: Blend,
    single: Trial,
    predictions: Callable[[int, int], np.ndarray],
    y: np.ndarray,
    folds: Folds,
    metric: Metric,
    sample_weight: np.ndarray | None = None,
    is_over: Callable[[], bool] = lambda: False,
) -> Iterator[Blend]:
    """Yield ever smaller averages that still score better than one configuration.

    The member with the least weight is left out each time, down to two.

    Parameters
    ----------
    whole : Blend
        What is made smaller.
    single : Trial
        The best configuration.
    predictions, y, folds, metric, sample_weight, is_over
        As in `blend`.
    """
    kept = list(whole.weights.items())
    while len(kept) > 2 and not is_over():
        kept = kept[:-1]
        found = part_of(
            whole, dict(kept), predictions, y, folds, metric, sample_weight
        )  # fmt: skip
        if fmean(found.scores) > single.score:
            yield found


def part_of(
    whole: Blend,
    members: Collection[int],
    predictions: Callable[[int, int], np.ndarray],
    y: np.ndarray,
    folds: Folds,
    metric: Metric,
    sample_weight: np.ndarray | None = None,
) -> Blend:
    """Return the average of some members, with the scores that it has.

    Parameters
    ----------
    whole : Blend
        Whose weights keep their proportions.
    members : collection of int
        Numbers of the trials that are left, one at least.
    predictions, y, folds, metric, sample_weight
        As in `blend`.
    """
    kept = {n: w for n, w in whole.weights.items() if n in members}
    total = sum(kept.values())
    found = replace(whole, weights={n: w / total for n, w in kept.items()})
    scores = _fold_scores(found, predictions, y, folds, metric, sample_weight)
    return replace(found, scores=scores)


def mixed(
    weights: Mapping[int, float], predictions: Callable[[int], np.ndarray]
) -> np.ndarray:
    """Return the weighted average of the predictions of trials."""
    total: np.ndarray | None = None
    for number, weight in weights.items():
        part = weight * np.asarray(predictions(number), dtype=np.float64)
        total = part if total is None else total + part
    if total is None:
        raise ValueError("there are no weights")
    return total


def _select(
    stored: Mapping[int, Sequence[np.ndarray]],
    mean_score: Callable[[Sequence[np.ndarray]], float],
    is_over: Callable[[], bool],
) -> dict[int, int]:
    """Return how often each is taken in the best average; the first is the start.

    Of equal averages the one of those that are taken already, then of the better.
    """
    numbers = list(stored)
    taken = [numbers[0]]
    total = [np.array(b, dtype=np.float64) for b in stored[numbers[0]]]
    best, best_length = mean_score(total), 1
    while len(taken) < ROUNDS and len(taken) - best_length < PATIENCE:
        if is_over():
            break
        found: tuple[float, int] | None = None
        for number in sorted(numbers, key=lambda n: n not in taken):
            if is_over():
                break
            blocks = [
                (t + b) / (len(taken) + 1)
                for t, b in zip(total, stored[number], strict=True)
            ]
            value = mean_score(blocks)
            if found is None or value > found[0]:
                found = (value, number)
        if found is None or math.isnan(found[0]):
            break
        taken.append(found[1])
        total = [t + b for t, b in zip(total, stored[found[1]], strict=True)]
        if found[0] > best:
            best, best_length = found[0], len(taken)
    kept = taken[:best_length]
    return {number: kept.count(number) for number in dict.fromkeys(kept)}


def _weights(counts: Mapping[int, int]) -> dict[int, float]:
    """Return shares, the small ones dropped, largest first."""
    n = sum(counts.values())
    kept = {k: c for k, c in counts.items() if c >= LEAST_WEIGHT * n}
    n = sum(kept.values())
    return {k: c / n for k, c in sorted(kept.items(), key=lambda item: -item[1])}


def is_better(scores: Sequence[float], single: Trial) -> bool:
    """Return whether the paired gain over the best one is worth an average."""
    gains = [s - single.scores[k] for k, s in enumerate(scores)]
    gain = fmean(gains)
    if len(gains) == 1:
        return gain > 0
    return gain > NOISE * stdev(gains) / math.sqrt(len(gains))


def spread(test: np.ndarray, y: np.ndarray, limit: int) -> np.ndarray:
    """Return places of at most so many of a fold's scored rows.

    Rows are taken in the order of the target, so that each class keeps its share.
    """
    if len(test) <= limit:
        return np.arange(len(test))
    order = np.argsort(y[test], kind="stable")
    chosen = order[np.linspace(0, len(test) - 1, limit).astype(np.int64)]
    return np.sort(chosen)
