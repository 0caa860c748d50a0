"""A candidate's trials to the importance of its hyperparameters, and to its axes.

The importance is PED-ANOVA (Watanabe, Bansal and Hutter, IJCAI 2023): how far the
values of the best configurations lie from those of all, hyperparameter by
hyperparameter, as a Pearson divergence. It departs from the paper in that values are
binned and not smoothed, and in that chance is taken off: among few configurations any
two sets differ.
"""

from __future__ import annotations

import math
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.facts.compact import spread
from automl.facts.trajectory import kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from automl.metrics import Metric
    from automl.trial import Trial

__all__ = ["axes", "importance", "levelled"]

MIN_TRIALS = 16
"""Scored configurations from which an importance is given: of fewer, the best quarter
are three, and no hyperparameter can stand out from chance."""

MAX_TRIALS = 2_000
"""Configurations that an importance is computed from; 2 ms a hyperparameter."""

BEST_SHARE = 0.25
"""The best configurations: a quarter. The paper's tenth leaves too few of a run of
minutes."""

BINS = 6
"""Bins of a number, of equally many configurations each, as far as they go."""

MAX_LEVELS = 8
"""Values of a choice that are told apart; the rarer ones are one."""

PERMUTATIONS = 200
"""Shuffled scores that say what chance does; a p-value is then at least 0.005."""

RESAMPLES = 100
"""Bootstrapped sets of configurations that say how uncertain an importance is."""

MAX_AXES = 10
"""Axes of a picture, the score's not counted."""

MAX_ROWS = 12
"""Hyperparameters listed for a candidate."""


def levelled(trials: Sequence[Trial]) -> np.ndarray:
    """Return a score for each trial that does not depend on which folds it has.

    A trial that was dropped early has the first folds only, and folds differ: from each
    score the mean of its fold is taken off before a trial's mean is formed.

    Examples
    --------
    >>> from automl.trial import FoldResult, Trial
    >>> def trial(*scores):
    ...     folds = [FoldResult(0, k, "ok", s) for k, s in enumerate(scores)]
    ...     return Trial(0, "ridge", {}, "", folds=tuple(folds))
    >>> levelled([trial(1.0, 5.0), trial(1.0)]).tolist()
    [0.0, 0.0]
    """
    by_fold: dict[int, list[float]] = {}
    for trial in trials:
        for fold, score in trial.scores.items():
            by_fold.setdefault(fold, []).append(score)
    means = {fold: fmean(scores) for fold, scores in by_fold.items()}
    return np.array([fmean(s - means[f] for f, s in t.scores.items()) for t in trials])


def importance(trials: Sequence[Trial], random_state: int = 0) -> dict[str, Any]:
    """Return how much each hyperparameter tells the best quarter from all.

    Parameters
    ----------
    trials : sequence of Trial
        Of one candidate, with at least one score each.
    random_state : int, default=0
        Seed of the permutations and the bootstrap.

    Returns
    -------
    dict
        ``rows``, most important first, each ``name``, ``share`` (of the sum over all
        hyperparameters, chance taken off), ``std`` (over bootstrapped configurations)
        and ``p`` (share of shuffled scores that do as well); none with too few
        configurations. ``n`` and ``n_best``, and ``note``: a sentence.
    """
    chosen = [trials[i] for i in spread(len(trials), MAX_TRIALS)]
    n = len(chosen)
    if n < MIN_TRIALS:
        note = (
            "Which hyperparameters mattered cannot be told yet: that takes "
            f"{MIN_TRIALS} scored configurations, and there are {n}."
        )
        return {"rows": [], "n": n, "n_best": 0, "note": note}
    k = math.ceil(BEST_SHARE * n)
    codes = {
        name: _bins([t.params.get(name) for t in chosen]) for name in _names(chosen)
    }
    codes = {name: c for name, c in codes.items() if c.max() > 0}
    if not codes:
        note = "Every configuration has the same hyperparameters."
        return {"rows": [], "n": n, "n_best": k, "note": note}
    rng = np.random.default_rng(random_state)
    scores = levelled(chosen)
    best = np.argsort(-scores, kind="stable")[:k]
    shuffled = np.argsort(rng.random((PERMUTATIONS, n)), axis=1)[:, :k]
    drawn = rng.integers(n, size=(RESAMPLES, n))
    order = np.argsort(-scores[drawn], axis=1, kind="stable")[:, :k]
    again = np.take_along_axis(drawn, order, axis=1)
    rows = [_row(name, c, best, shuffled, drawn, again) for name, c in codes.items()]
    total = sum(row["share"] for row in rows) or 1.0
    for row in rows:
        row["share"] /= total
        row["std"] /= total
    rows.sort(key=lambda row: (-row["share"], row["p"]))
    note = _note(rows, n, k)
    return {"rows": rows[:MAX_ROWS], "n": n, "n_best": k, "note": note}


def _names(trials: Sequence[Trial]) -> list[str]:
    return list(dict.fromkeys(name for t in trials for name in t.params))


def _row(
    name: str,
    codes: np.ndarray,
    best: np.ndarray,
    shuffled: np.ndarray,
    drawn: np.ndarray,
    again: np.ndarray,
) -> dict[str, Any]:
    every = _counts(codes[None, :], codes)
    found = float(_divergence(_counts(codes[best][None, :], codes), every)[0])
    chance = _divergence(_counts(codes[shuffled], codes), every)
    bootstrapped = _divergence(
        _counts(codes[again], codes), _counts(codes[drawn], codes)
    )
    return {
        "name": str(name),
        "share": max(0.0, found - float(chance.mean())),
        "std": float(bootstrapped.std(ddof=1)),
        "p": float((1 + np.sum(chance >= found - 1e-12)) / (1 + len(chance))),
    }


def _counts(rows: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return how often each bin occurs in each row, as a share."""
    bins = int(codes.max()) + 1
    flat = (rows + bins * np.arange(len(rows))[:, None]).ravel()
    counts = np.bincount(flat, minlength=bins * len(rows)).reshape(len(rows), bins)
    return np.asarray(counts / rows.shape[1])


def _divergence(some: np.ndarray, every: np.ndarray) -> np.ndarray:
    """Return the Pearson divergence of shares from others, row by row."""
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where(every > 0, (some - every) ** 2 / every, 0.0)
    return np.asarray(parts.sum(axis=1))


def _bins(values: Sequence[Any]) -> np.ndarray:
    """Return the number of the bin of each value; what is inactive has its own."""
    given = [v for v in values if v is not None]
    if not given:
        return np.zeros(len(values), dtype=np.int64)
    if kind_of(given) == "choice":
        names = [repr(v) for v in given]
        levels = sorted(set(names), key=lambda v: (-names.count(v), v))[
            : MAX_LEVELS - 1
        ]
        places = [levels.index(v) if v in levels else len(levels) for v in names]
    else:
        numbers = np.array(given, dtype=float)
        n_bins = max(2, min(BINS, len(given) // 8))
        edges = np.unique(np.quantile(numbers, np.arange(1, n_bins) / n_bins))
        places = np.searchsorted(edges, numbers, side="right").tolist()
    codes = np.full(len(values), -1, dtype=np.int64)
    codes[[i for i, v in enumerate(values) if v is not None]] = places
    return np.unique(codes, return_inverse=True)[1].astype(np.int64).ravel()


def _note(rows: Sequence[Mapping[str, Any]], n: int, k: int) -> str:
    sure = [row["name"] for row in rows if row["p"] <= 0.05 and row["share"] > 0]
    said = "No hyperparameter stands out from chance"
    if len(sure) == 1:
        said = "One hyperparameter stands out from chance"
    elif sure:
        said = f"{len(sure)} hyperparameters stand out from chance"
    return f"{said}: the best {k} of {n} configurations against all, each by itself."


def axes(trials: Sequence[Trial], metric: Metric) -> dict[str, Any] | None:
    """Return what a picture of parallel axes is drawn from; None without two values.

    Parameters
    ----------
    trials : sequence of Trial
        Of one candidate, scored.
    metric : Metric
        Of the run.

    Returns
    -------
    dict
        ``trial``, ``natural``, ``finished`` (lists) and ``params``: at most ten that
        took more than one value, each ``name``, ``kind`` (``log``, ``linear``,
        ``choice``) and ``values`` (None where inactive; text for a choice). ``cut``: a
        sentence if some are left out, or None.
    """
    params = []
    for name in _names(trials):
        values = [t.params.get(name) for t in trials]
        given = [v for v in values if v is not None]
        if len({str(v) for v in values}) < 2 or not given:
            continue
        kind = kind_of(given)
        if kind == "choice":
            values = [None if v is None else str(v) for v in values]
        params.append({"name": str(name), "kind": kind, "values": values})
    if not params:
        return None
    more = len(params) - MAX_AXES
    return {
        "trial": [t.number for t in trials],
        "natural": [metric.natural(t.score) for t in trials],
        "finished": [t.status == "ok" for t in trials],
        "params": params[:MAX_AXES],
        "cut": f"{more} more hyperparameters have no axis." if more > 0 else None,
    }
