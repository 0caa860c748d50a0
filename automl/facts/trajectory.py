"""Trials to pictures of the search: best so far, and each hyperparameter by score."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.facts.compact import spread
from automl.trial import BASELINE, Trial

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from automl.metrics import Metric

__all__ = ["drawn", "progress", "slices"]

MAX_DRAWN = 500
"""Trials drawn in a chart."""

MIN_SCORED = 5
"""Scored trials of a candidate from which a slice says anything."""

MAX_SLICES = 24
"""Small charts of slices in all."""

MAX_PARAMS = 8
"""Small charts of slices per candidate."""

DECADES = 2.0
"""Powers of ten that positive values must span for a logarithmic axis."""


def drawn(trials: Sequence[Trial], limit: int = MAX_DRAWN) -> list[Trial]:
    """Return at most so many scored trials, in order.

    Half of them are the best, the others are evenly spread over the run.
    """
    scored = [t for t in trials if math.isfinite(t.score)]
    if len(scored) <= limit:
        return scored
    best = {t.number for t in sorted(scored, key=lambda t: -t.score)[: limit // 2]}
    rest = [t for t in scored if t.number not in best]
    chosen = best | {rest[i].number for i in spread(len(rest), limit - len(best))}
    return [t for t in scored if t.number in chosen]


def ended_s(trial: Trial) -> float:
    """Return when a trial's last fold ended, in seconds since the run began."""
    ends = [
        f.started_s + f.seconds if f.ended_s is None else f.ended_s for f in trial.folds
    ]
    return max(ends, default=0.0)


def progress(trials: Sequence[Trial], metric: Metric) -> dict[str, Any]:
    """Return every drawn trial and the best so far.

    Returns
    -------
    dict
        ``trials``: lists ``number``, ``seconds``, ``natural``, ``candidate``,
        ``finished``. ``best``: lists ``number``, ``seconds``, ``natural`` of each
        improvement, in the order in which it ended. ``n_scored``: how many trials
        have a score.
    """
    scored = [t for t in trials if math.isfinite(t.score)]
    points = drawn(scored)
    steps: list[Trial] = []
    for trial in sorted(scored, key=lambda t: (ended_s(t), t.number)):
        if trial.status == "ok" and (not steps or trial.score > steps[-1].score):
            steps.append(trial)
    by_number: list[Trial] = []
    for trial in scored:
        if trial.status == "ok" and (
            not by_number or trial.score > by_number[-1].score
        ):
            by_number.append(trial)
    return {
        "trials": {
            **_points(points, metric),
            "candidate": [t.candidate for t in points],
            "finished": [t.status == "ok" for t in points],
        },
        "best": _points(steps, metric),
        "best_by_number": _points(by_number, metric),
        "n_scored": len(scored),
        "last_s": max((ended_s(t) for t in trials), default=0.0),
        "last_number": max((t.number for t in trials), default=0),
    }


def _points(trials: Sequence[Trial], metric: Metric) -> dict[str, Any]:
    return {
        "number": [t.number for t in trials],
        "seconds": [ended_s(t) for t in trials],
        "natural": [metric.natural(t.score) for t in trials],
    }


def slices(
    trials: Sequence[Trial], metric: Metric, titles: Mapping[str, str]
) -> dict[str, Any]:
    """Return each candidate's hyperparameters against its score.

    Returns
    -------
    dict
        ``candidates``: for each with enough scored trials, best first: ``title``,
        ``trial``, ``natural``, ``finished`` (lists) and ``params``, each with
        ``name``, ``kind`` (``log``, ``linear``, ``choice``), ``values`` (None where
        inactive). ``cut``: a sentence if some are left out, or None.
    """
    points = drawn([t for t in trials if t.candidate != BASELINE])
    groups: dict[str, list[Trial]] = {}
    for trial in points:
        groups.setdefault(trial.candidate, []).append(trial)
    enough = [g for g in groups.values() if len(g) >= MIN_SCORED]
    enough.sort(key=lambda g: -max(t.score for t in g))
    found, left, dropped = [], MAX_SLICES, 0
    for group in enough:
        params = _params(group)
        kept = params[: min(left, MAX_PARAMS)]
        left -= len(kept)
        dropped += len(params) - len(kept)
        if kept:
            found.append(
                {
                    "candidate": group[0].candidate,
                    "title": titles.get(group[0].candidate, group[0].candidate),
                    "trial": [t.number for t in group],
                    "natural": [metric.natural(t.score) for t in group],
                    "finished": [t.status == "ok" for t in group],
                    "params": kept,
                }
            )
    cut = f"{dropped} more hyperparameters are not drawn." if dropped else None
    return {"candidates": found, "cut": cut}


def _params(group: Sequence[Trial]) -> list[dict[str, Any]]:
    """Return the hyperparameters that took more than one value, telling ones first."""
    names = list(dict.fromkeys(name for t in group for name in t.params))
    found = []
    for name in names:
        values = [t.params.get(name) for t in group]
        given = [v for v in values if v is not None]
        if len(given) >= MIN_SCORED and len({str(v) for v in given}) > 1:
            kind = kind_of(given)
            if kind == "choice":
                values = [None if v is None else str(v) for v in values]
            found.append({"name": str(name), "kind": kind, "values": values})
    scores = np.array([t.score for t in group])
    return sorted(found, key=lambda p: -_tells(p, scores))


def kind_of(values: Sequence[Any]) -> str:
    """Return how to draw these values: ``log``, ``linear`` or ``choice``.

    Examples
    --------
    >>> kind_of([0.001, 0.5]), kind_of([2, 9]), kind_of(["a", "b"]), kind_of([True])
    ('log', 'linear', 'choice', 'choice')
    """
    numbers = all(isinstance(v, int | float) for v in values)
    if not numbers or any(isinstance(v, bool) for v in values):
        return "choice"
    low, high = min(values), max(values)
    if low > 0 and math.log10(high / low) >= DECADES:
        return "log"
    return "linear"


def _tells(param: Mapping[str, Any], scores: np.ndarray) -> float:
    """Return the share of the ranks of the scores that the value explains, roughly."""
    active = np.array([v is not None for v in param["values"]])
    rank = np.argsort(np.argsort(scores[active])).astype(float)
    total = rank.var()
    if not total:
        return 0.0
    values = [v for v in param["values"] if v is not None]
    if param["kind"] == "choice":
        bins = np.unique(values, return_inverse=True)[1]
    else:
        place = np.argsort(np.argsort(np.array(values, dtype=float)))
        bins = place * min(4, len(values)) // len(values)
    means = np.array([rank[bins == b].mean() for b in bins])
    return float(means.var() / total)
