"""Folds to the timeline of the workers: which fold of which trial ran when, and where.

Processes are called workers 1, 2, …: one that was ended and the one that took its place
are the same worker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from automl.trial import BASELINE, DERIVED, Trial

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["timeline"]

MAX_BARS = 800
"""Folds drawn; the longest ones, as the others could not be seen."""

NO_WORK = (BASELINE, *DERIVED)
"""Candidates that no worker fits."""


@dataclass(frozen=True)
class Bar:
    """A fold's time in a process."""

    pid: int
    start: float
    end: float
    trial: int
    fold: int
    candidate: str
    status: str


def timeline(trials: Sequence[Trial]) -> dict[str, Any] | None:
    """Return which fold ran when in which worker; None if that is not known.

    Parameters
    ----------
    trials : sequence of Trial
        All.

    Returns
    -------
    dict
        ``bars``: lists ``worker`` (from 1), ``start``, ``seconds`` (since the run
        began), ``trial``, ``fold``, ``candidate``, ``status``, by start. ``workers``:
        of each ``worker``, ``n_folds``, ``busy_s`` and ``share`` (of the time from the
        first fold's start to the last one's end). ``busy``: share over all workers.
        ``from_s``, ``to_s``, and ``cut``: a sentence if folds are left out, or None.
    """
    bars = sorted(_bars(trials), key=lambda b: (b.start, b.end))
    if not bars:
        return None
    lanes = _lanes(bars)
    low, high = bars[0].start, max(b.end for b in bars)
    span = (high - low) or 1.0
    workers = []
    for lane in sorted(set(lanes.values())):
        own = [b for b in bars if lanes[b.pid] == lane]
        busy_s = sum(b.end - b.start for b in own)
        workers.append(
            {"worker": lane + 1, "n_folds": len(own), "busy_s": busy_s,
             "share": min(1.0, busy_s / span)}
        )  # fmt: skip
    shown = bars
    if len(bars) > MAX_BARS:
        longest = sorted(bars, key=lambda b: b.start - b.end)[:MAX_BARS]
        shown = sorted(longest, key=lambda b: (b.start, b.end))
    return {
        "bars": {
            "worker": [lanes[b.pid] + 1 for b in shown],
            "start": [b.start for b in shown],
            "seconds": [b.end - b.start for b in shown],
            "trial": [b.trial for b in shown],
            "fold": [b.fold for b in shown],
            "candidate": [b.candidate for b in shown],
            "status": [b.status for b in shown],
        },
        "workers": workers,
        "busy": sum(w["share"] for w in workers) / len(workers),
        "from_s": low,
        "to_s": high,
        "cut": _cut(bars, shown),
    }


def _bars(trials: Sequence[Trial]) -> list[Bar]:
    return [
        Bar(
            f.worker, f.started_s,
            f.started_s + f.seconds if f.ended_s is None else f.ended_s,
            t.number, f.fold, t.candidate, f.status,
        )
        for t in trials
        if t.candidate not in NO_WORK
        for f in t.folds
        if f.worker
    ]  # fmt: skip


def _lanes(bars: Sequence[Bar]) -> dict[int, int]:
    """Return the place of each process, from 0; those that follow each other share one.

    Examples
    --------
    >>> def bar(pid, start, end):
    ...     return Bar(pid, start, end, 0, 0, "", "ok")
    >>> _lanes([bar(7, 0, 2), bar(8, 0, 5), bar(9, 3, 4)])
    {7: 0, 8: 1, 9: 0}
    """
    spans: dict[int, list[float]] = {}
    for bar in bars:
        span = spans.setdefault(bar.pid, [bar.start, bar.end])
        span[1] = max(span[1], bar.end)
    free_at: list[float] = []
    lanes = {}
    for pid, (start, end) in sorted(spans.items(), key=lambda item: item[1]):
        lane = next((i for i, at in enumerate(free_at) if at <= start), len(free_at))
        free_at[lane : lane + 1] = [end]
        lanes[pid] = lane
    return lanes


def _cut(bars: Sequence[Bar], shown: Sequence[Bar]) -> str | None:
    if len(shown) == len(bars):
        return None
    every = sum(b.end - b.start for b in bars) or 1.0
    share = sum(b.end - b.start for b in shown) / every
    return (
        f"The {len(shown):,} longest of {len(bars):,} folds are drawn, "
        f"{share:.0%} of the time.".replace("%", " %")
    )
