"""How the search went, candidate by candidate: where the time went, and to what end."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.facts.compact import spread
from automl.facts.timeline import timeline
from automl.facts.trajectory import drawn
from automl.facts.tuning import axes, importance
from automl.trial import BASELINE, DERIVED, FAILED, Trial

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from automl.metrics import Metric

__all__ = ["search_facts"]

MAX_CANDIDATES = 60
"""Candidates listed, the best first."""

MAX_CURVES = 12
"""Candidates with a curve of the distribution of their scores."""

MAX_POINTS = 60
"""Points of such a curve."""

MAX_DETAILED = 6
"""Candidates with parallel axes: a page with more is slow, and nobody reads it."""

MAX_LINES = 300
"""Configurations in all pictures of parallel axes together."""

MIN_LINES = 5
"""Scored configurations from which parallel axes say anything."""


def search_facts(
    trials: Sequence[Trial], metric: Metric, titles: Mapping[str, str]
) -> dict[str, Any]:
    """Return the facts of the search, of bounded size for any number of trials.

    Parameters
    ----------
    trials : sequence of Trial
        All, in the order of dispatch.
    metric : Metric
        Of the run.
    titles : mapping
        Candidate's name to title.

    Returns
    -------
    dict
        - ``candidates``: best first, each ``candidate``, ``title``, ``n_trials``,
          ``n_scored``, ``n_finished``, ``n_failed``, ``best`` and ``median`` (natural,
          of those that finished all folds; None if none did), ``seconds`` (fits and
          predictions of all folds) and ``share`` (of all candidates'
          seconds). ``cut``: a sentence, or None.
        - ``edf``: each ``candidate``, ``title``, ``n``, ``natural`` (best first) and
          ``share`` (of its scored configurations that are at least as good).
        - ``parallel``: each ``candidate``, ``title`` and what `axes` returns.
        - ``importance``: each ``candidate``, ``title`` and what `importance` returns.
        - ``timeline``: see `automl.facts.timeline.timeline`.
    """
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        if trial.candidate not in (BASELINE, *DERIVED):
            groups.setdefault(trial.candidate, []).append(trial)
    order = sorted(groups, key=lambda name: (-_best(groups[name]), name))
    seconds = {name: _seconds(groups[name]) for name in order}
    total = sum(seconds.values()) or 1.0
    scored = {name: _scored(groups[name]) for name in order if _scored(groups[name])}
    named = {
        name: {"candidate": name, "title": titles.get(name, name)} for name in order
    }
    cut = None
    if len(order) > MAX_CANDIDATES:
        cut = f"{len(order) - MAX_CANDIDATES} more candidates are not listed."
    told = [name for name in scored if len(scored[name]) >= MIN_LINES][:MAX_DETAILED]
    lines = MAX_LINES // max(1, len(told))
    pictures = {name: axes(drawn(scored[name], lines), metric) for name in told}
    return {
        "candidates": [
            {**named[name], **_summary(groups[name], metric), "seconds": seconds[name],
             "share": seconds[name] / total}
            for name in order[:MAX_CANDIDATES]
        ],
        "cut": cut,
        "edf": [
            {**named[name], **_edf(scored[name], metric)}
            for name in list(scored)[:MAX_CURVES]
        ],
        "parallel": [
            {**named[name], **found}
            for name, found in pictures.items()
            if found is not None
        ],
        "importance": [
            {**named[name], **importance(scored[name])}
            for name in list(scored)[:MAX_CURVES]
        ],
        "timeline": timeline(trials),
    }  # fmt: skip


def _scored(trials: Sequence[Trial]) -> list[Trial]:
    return [t for t in trials if math.isfinite(t.score)]


def _best(trials: Sequence[Trial]) -> float:
    """Return the best score of a candidate; that of a whole trial if there is one."""
    done = [t.score for t in _scored(trials) if t.status == "ok"]
    return max(done, default=-math.inf)


def _seconds(trials: Sequence[Trial]) -> float:
    return sum(
        f.seconds if f.ended_s is None else f.ended_s - f.started_s
        for t in trials
        for f in t.folds
    )


def _summary(trials: Sequence[Trial], metric: Metric) -> dict[str, Any]:
    scored = _scored(trials)
    finished = [t.score for t in scored if t.status == "ok"]  # of the same folds
    best = _best(trials)
    return {
        "n_trials": len(trials),
        "n_scored": len(scored),
        "n_finished": sum(t.status == "ok" for t in trials),
        "n_failed": sum(t.status in FAILED for t in trials),
        "best": metric.natural(best) if math.isfinite(best) else None,
        "median": metric.natural(float(np.median(finished))) if finished else None,
    }


def _edf(trials: Sequence[Trial], metric: Metric) -> dict[str, Any]:
    """Return the share of configurations that are at least as good, best first."""
    scores = sorted((t.score for t in trials), reverse=True)
    n = len(scores)
    places = spread(n, MAX_POINTS)
    return {
        "n": n,
        "natural": [metric.natural(scores[i]) for i in places],
        "share": [(int(i) + 1) / n for i in places],
    }
