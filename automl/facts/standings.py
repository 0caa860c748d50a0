"""Trials to a ranking: who finished, how far behind the winner, who failed and why."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from automl.resampled_t import mean_of_folds
from automl.trial import BASELINE, DERIVED, FAILED, Trial

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from automl.folds import Folds
    from automl.metrics import Metric

__all__ = ["compare", "failures", "leaderboard", "ranked"]

MAX_ROWS = 500
"""Rows of the leaderboard; a page with more is slow and nobody reads it."""

MAX_FAILURES = 60
"""Failed trials shown; the rest is counted."""

MAX_TRACEBACK = 2_000
"""Characters of a traceback; its end says what went wrong."""

STATUS_TEXTS = {
    "ok": "finished",
    "raced": "dropped early",
    "error": "failed",
    "invalid_score": "no valid score",
    "timeout": "out of time",
    "memory": "out of memory",
    "crash": "crashed",
    "lost": "lost",
    "cancelled": "cancelled",
    "running": "not finished",
}
"""What people read for a trial's status."""

_FILE = re.compile(r'File "([^"]*)"')


def ranked(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials that finished all folds, best first, without the baseline."""
    done = [
        t
        for t in trials
        if t.status == "ok" and t.candidate != BASELINE and not math.isnan(t.score)
    ]
    return sorted(done, key=lambda t: (-t.score, t.number))


def compare(trial: Trial, winner: Trial, folds: Folds) -> dict[str, Any]:
    """Return how much better the winner is on the same folds, and whether by noise.

    The interval is that of `automl.resampled_t.mean_of_folds`.

    Returns
    -------
    dict
        ``difference`` (mean, greater is a better winner), ``margin`` (half the 95 %
        interval; None with one fold), ``p`` (two-sided, of no difference; None if
        unknown), ``within_noise`` (None if unknown) and ``better`` (whether the trial
        is ahead of the winner by more than noise).
    """
    unknown = {"margin": None, "within_noise": None, "p": None, "better": False}
    shared = sorted(set(trial.scores) & set(winner.scores))
    if not shared:
        return {"difference": None, **unknown}
    gaps = [winner.scores[f] - trial.scores[f] for f in shared]
    found = mean_of_folds(gaps, [folds.sizes[f] for f in shared])
    if found is None:
        return {"difference": gaps[0], **unknown}
    return {
        "difference": found.mean,
        "margin": found.margin,
        "within_noise": bool(abs(found.mean) <= found.margin),
        "better": bool(found.mean < -found.margin),
        "p": found.p,
    }


def leaderboard(
    trials: Sequence[Trial],
    winner: Trial,
    folds: Folds,
    metric: Metric,
    titles: Mapping[str, str],
    simplest: int | None = None,
) -> dict[str, Any]:
    """Return the rows of the leaderboard.

    Parameters
    ----------
    trials : sequence of Trial
        All.
    winner : Trial
        What the others are compared with.
    folds, metric, titles : Folds, Metric, dict
        Of the run.
    simplest : int, default=None
        Number of the trial that the one-standard-error rule takes.

    Returns
    -------
    dict
        ``rows``: first the ranked ones with the baseline where it belongs, then the
        unranked; each with ``rank`` (None if unranked), ``trial``, ``candidate``,
        ``title``, ``origin``, ``status``, ``reason``, ``score`` (greater is better),
        ``natural``, ``std``, ``folds`` (natural value by fold, None if absent),
        ``difference``, ``margin``, ``within_noise``, ``p``, ``better``, ``fit_s``,
        ``predict_s``, ``params``, ``simplest`` and ``winner``. ``cut``: a
        sentence if rows are left out, or None. ``axis``: lowest and highest score of
        the drawn folds. ``n_all``: the configurations, without baseline and averages.
    """
    order = ranked(trials)
    position = {t.number: i + 1 for i, t in enumerate(order)}
    base = [t for t in trials if t.candidate == BASELINE]
    finished = sorted([*order, *base], key=lambda t: (_worst(t), t.number))
    shown = {t.number for t in finished}
    others = sorted(
        (t for t in trials if t.number not in shown),
        key=lambda t: (
            t.number != winner.number, t.status != "raced", _worst(t), t.number
        ),
    )  # fmt: skip
    every = [*finished, *others]
    kept = _cut(every, winner)
    cut = None
    if len(kept) < len(every):
        cut = (
            f"{len(every) - len(kept)} of {len(every)} rows, the last of this order, "
            "are not shown."
        )
    n_all = sum(t.candidate not in (BASELINE, *DERIVED) for t in trials)
    rows = [
        _row(t, position.get(t.number), winner, folds, metric, titles)
        | {"simplest": t.number == simplest}
        for t in kept
    ]
    return {"rows": rows, "cut": cut, "axis": _axis(order), "n_all": n_all}


def _worst(trial: Trial) -> float:
    return math.inf if math.isnan(trial.score) else -trial.score


def _cut(every: list[Trial], winner: Trial) -> list[Trial]:
    """Return the first rows, and with them the baseline and what predicts."""
    kept = every[:MAX_ROWS]
    lost = [
        t
        for t in every[MAX_ROWS:]
        if t.candidate == BASELINE or t.number == winner.number
    ]
    return [*kept[: MAX_ROWS - len(lost)], *lost] if lost else kept


def _row(
    trial: Trial,
    rank: int | None,
    winner: Trial,
    folds: Folds,
    metric: Metric,
    titles: Mapping[str, str],
) -> dict[str, Any]:
    scored = bool(trial.scores)
    against = (
        compare(trial, winner, folds)
        if trial.number != winner.number
        else {
            "difference": 0.0,
            "margin": None,
            "within_noise": None,
            "p": None,
            "better": False,
        }
    )
    by_fold = [trial.scores.get(f) for f in range(len(folds))]
    return {
        "rank": rank,
        "trial": trial.number,
        "candidate": trial.candidate,
        "title": titles.get(trial.candidate, trial.candidate),
        "origin": trial.origin,
        "status": STATUS_TEXTS.get(trial.status, trial.status),
        "reason": _reason(trial),
        "score": trial.score,
        "natural": metric.natural(trial.score),
        "std": trial.score_std,
        "folds": [None if s is None else metric.natural(s) for s in by_fold],
        **against,
        "fit_s": trial.fit_s if scored else None,
        "predict_s": trial.predict_s if scored else None,
        "params": [[str(k), _value(v)] for k, v in trial.params.items()],
        "winner": trial.number == winner.number,
        "baseline": trial.candidate == BASELINE,
    }


def _value(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _reason(trial: Trial) -> str | None:
    if trial.status == "ok":
        return None
    failed = [f.reason for f in trial.folds if f.reason]
    return trial.reason or (failed[0] if failed else None)


def _axis(order: Sequence[Trial]) -> list[float | None]:
    """Return the range of scores that tells the better half apart."""
    half = order[: max(2, (len(order) + 1) // 2)]
    values = [s for t in half for s in t.scores.values() if math.isfinite(s)]
    return [min(values), max(values)] if values else [None, None]


def failures(trials: Sequence[Trial], titles: Mapping[str, str]) -> dict[str, Any]:
    """Return what went wrong.

    Returns
    -------
    dict
        ``rows`` with ``trial``, ``title``, ``status``, ``reason``, ``traceback`` (its
        end, folders of the machine left out; None if none or the same as before) and
        ``same_as`` (number of the trial that failed alike). ``n_all`` and ``cut``.
    """
    wrong = [t for t in trials if t.status in FAILED]
    seen: dict[str, int] = {}
    rows = []
    for trial in wrong[:MAX_FAILURES]:
        text = next((f.error for f in trial.folds if f.error), None)
        trace = None if text is None else short_traceback(text)
        same = seen.get(trace) if trace else None
        if trace and same is None:
            seen[trace] = trial.number
        rows.append(
            {
                "trial": trial.number,
                "title": titles.get(trial.candidate, trial.candidate),
                "status": STATUS_TEXTS[trial.status],
                "reason": _reason(trial),
                "traceback": None if same is not None else trace,
                "same_as": same,
            }
        )
    cut = None
    if len(wrong) > MAX_FAILURES:
        cut = f"{len(wrong) - MAX_FAILURES} more failed and are not shown."
    return {"rows": rows, "cut": cut, "n_all": len(wrong)}


def short_traceback(text: str) -> str:
    """Return the end of a traceback, files named from their package on.

    Examples
    --------
    >>> short_traceback('File "/home/me/env/site-packages/sklearn/base.py", line 1')
    'File "sklearn/base.py", line 1'
    """
    text = _FILE.sub(lambda match: f'File "{_inside(match[1])}"', text.strip())
    return text if len(text) <= MAX_TRACEBACK else "…" + text[1 - MAX_TRACEBACK :]


def _inside(path: str) -> str:
    parts = path.replace("\\", "/").split("/")
    for mark in ("site-packages", "dist-packages"):
        if mark in parts:
            return "/".join(parts[parts.index(mark) + 1 :])
    return "/".join(parts[-2:]) if parts[-2:-1] == ["automl"] else parts[-1]
