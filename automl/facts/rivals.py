"""The winner beside the best of each other kind: folds, differences, likeness."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.facts.standings import compare
from automl.resampled_t import mean_of_folds
from automl.trial import BASELINE, CALIBRATED, Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from automl.folds import Folds
    from automl.metrics import Metric

__all__ = ["comparison", "rivals_of"]

MAX_RIVALS = 12
"""Configurations compared: the best of each kind, then the best of all."""

MAX_CORRELATED = 6
"""Configurations whose predictions are compared: they are read from the disk."""

CORRELATED_ROWS = 5_000
"""Rows that predictions are compared on; the error of a correlation is then .01."""


def comparison(
    order: Sequence[Trial],
    winner: Trial,
    folds: Folds,
    metric: Metric,
    titles: Mapping[str, str],
    predictions: Callable[[int], np.ndarray],
) -> dict[str, Any] | None:
    """Return the winner and its rivals; None if nothing but the baseline was scored.

    Returns
    -------
    dict or None
        ``rows``: each with ``trial``, ``title``, ``natural``, ``low`` and ``high``
        (95 % interval of the mean, None with one fold), ``folds``, ``difference``,
        ``gaps`` (by fold, greater is a better winner), ``margin``, ``within_noise``,
        ``better``, ``winner``.
        ``correlation``: None, or ``trials``, ``titles``, ``matrix`` and ``n_rows``.
    """
    chosen = _chosen(order, winner)
    if not chosen:
        return None
    return {
        "rows": [_row(t, winner, folds, metric, titles) for t in chosen],
        "correlation": _correlation(chosen[:MAX_CORRELATED], titles, predictions),
    }


def _chosen(order: Sequence[Trial], winner: Trial) -> list[Trial]:
    """Return the winner, the best of each kind, and the best of all where room is."""
    if winner.candidate == BASELINE:
        return []
    others = rivals_of(winner, order)
    best: dict[str, Trial] = {winner.candidate: winner}
    for trial in others:
        best.setdefault(trial.candidate, trial)
    kept = {t.number for t in [winner, *best.values()][: MAX_RIVALS + 1]}
    for trial in others[:MAX_RIVALS]:
        if len(kept) < min(MAX_RIVALS, 8):
            kept.add(trial.number)
    rest = [t for t in others if t.number in kept]
    return [winner, *rest][:MAX_RIVALS]


def rivals_of(winner: Trial, order: Sequence[Trial]) -> list[Trial]:
    """Return what the winner is compared with: not itself without a temperature."""
    own = {winner.number}
    if winner.candidate == CALIBRATED:
        own.update(winner.made_of)
    return [t for t in order if t.number not in own]


def _row(
    trial: Trial,
    winner: Trial,
    folds: Folds,
    metric: Metric,
    titles: Mapping[str, str],
) -> dict[str, Any]:
    # a t-interval knows no bounds
    low, high = np.clip(_interval(trial, folds), *metric.bounds).tolist()
    ends = sorted(map(metric.natural, (low, high)))
    shared = sorted(set(trial.scores) & set(winner.scores))
    return {
        "trial": trial.number,
        "title": titles.get(trial.candidate, trial.candidate),
        "natural": metric.natural(trial.score),
        "low": ends[0],
        "high": ends[1],
        "folds": [metric.natural(s) for _, s in sorted(trial.scores.items())],
        "gaps": [winner.scores[f] - trial.scores[f] for f in shared],
        "winner": trial.number == winner.number,
        **compare(trial, winner, folds),
    }


def _interval(trial: Trial, folds: Folds) -> tuple[float, float]:
    """Return the 95 % interval of the mean score, corrected as in `compare`."""
    sizes = [folds.sizes[k] for k in trial.scores]
    found = mean_of_folds(list(trial.scores.values()), sizes)
    if found is None:
        return math.nan, math.nan
    return found.mean - found.margin, found.mean + found.margin


def _correlation(
    trials: Sequence[Trial],
    titles: Mapping[str, str],
    predictions: Callable[[int], np.ndarray],
) -> dict[str, Any] | None:
    """Return how alike the predictions are; None if there are not two of them."""
    if len(trials) < 2:
        return None
    rows: np.ndarray | None = None
    found = []
    for trial in trials:
        guess = np.asarray(predictions(trial.number))
        guess = guess.reshape(len(guess), -1)
        if rows is None:
            scored = np.flatnonzero(np.isfinite(guess).all(axis=1))
            n = min(len(scored), CORRELATED_ROWS)
            rows = np.sort(np.random.default_rng(0).choice(scored, n, replace=False))
        part = guess[rows]
        found.append(part[:, 1:] if part.shape[1] == 2 else part)
    values = np.array(found, dtype=np.float64)
    values = values[:, np.isfinite(values).all(axis=(0, 2))]
    n_rows, values = values.shape[1], values.reshape(len(found), -1)
    if values.shape[1] < 2 or (values.std(axis=1) == 0).any():
        return None
    return {
        "trials": [t.number for t in trials],
        "titles": [titles.get(t.candidate, t.candidate) for t in trials],
        "matrix": np.corrcoef(values),
        "n_rows": n_rows,
    }
