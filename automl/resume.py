"""From a journal's events to where its run stood.

Everything here is a pure function of events and facts; nothing is read or written.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from automl.exceptions import AutoMLDataError
from automl.history import History
from automl.known import Known
from automl.trial import BASELINE, FoldResult, Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from automl.budget import Budget

__all__ = ["Restored", "refuse_headless", "restore", "resumed_budget"]

UNFINISHED = ("running", "cancelled", "lost")
"""Ends that were not the configuration's doing: a later session goes on with them."""

BEGINNINGS = ("start", "resume")
"""Events that say which run it is; every session begins with one of them."""

USED_UP = 0.8
"""Share of the seconds from which they ended a search, and not that all was tried: what
is kept for the end is never a fifth of them."""

NOBODY = -1
"""Number of no trial: a leader where a journal names none."""

FLOOR_S = 5.0
"""Seconds that a resumed run has at least, beside the refit of its leader: reading,
starting workers and the report take about two."""

REFIT_FOLDS = 1.5
"""A refit as a multiple of a fold's fit: on all rows instead of four fifths, with room
to spare."""


@dataclass(frozen=True)
class Restored:
    """Where a run stood when its journal ended.

    Attributes
    ----------
    start : dict
        The event that began it, or the first that took it up again.
    history : History
        As recorded; a trial without an end is running.
    lost : set of (int, int)
        Trials and folds whose predictions cannot be read any more.
    elapsed_s : float
        Seconds that its sessions took.
    ordered : bool
        Whether all of them had budgets in trials alone.
    finish : dict or None
        The event that ended it, unless something came later.
    damaged : int
        Lines of the journal that could not be read.
    searched : tuple of str or None
        Names of the candidates that there was memory for; None where no line says so.
    """

    start: Mapping[str, Any]
    history: History
    lost: frozenset[tuple[int, int]]
    elapsed_s: float
    ordered: bool
    finish: Mapping[str, Any] | None
    damaged: int
    searched: tuple[str, ...] | None = None

    @cached_property
    def known(self) -> dict[tuple[int, int], Known]:
        """Folds that need not be run again, by trial and fold."""
        return {
            (trial.number, fold.fold): Known(trial.candidate, trial.params, fold)
            for trial in self.history
            for fold in self._kept(trial)
        }

    @cached_property
    def reopened(self) -> History:
        """The history to go on with: what did not end by itself is running again."""
        return History(tuple(self._reopen(trial) for trial in self.history))

    def _reopen(self, trial: Trial) -> Trial:
        if _is_gap(trial):
            return trial
        trial = replace(trial, folds=self._kept(trial))
        less = len(trial.folds) < self.n_folds
        if trial.status in UNFINISHED or (less and trial.status == "ok"):
            running = replace(trial, status="running", reason=None)
            return _settled(running, self.n_folds)
        return trial

    def _kept(self, trial: Trial) -> tuple[FoldResult, ...]:
        """Return the folds that are over and whose predictions are there."""
        return tuple(
            fold
            for fold in trial.folds
            if fold.status not in UNFINISHED
            and (trial.number, fold.fold) not in self.lost
        )

    @property
    def n_folds(self) -> int:
        """Folds of the run."""
        return int(self.start["n_folds"])

    @property
    def seed(self) -> int:
        """Seed of the run."""
        return int(self.start["random_state"])

    @property
    def is_whole(self) -> bool:
        """Whether every trial has its end, and all that predicts can be read."""
        finish, trials = self.finish or {}, self.history.trials
        single = finish.get("single") or {}
        parts = (*finish.get("parts", ()), *single.get("parts", ()))
        needed = {int(p["trial"]) for p in parts} | {int(finish.get("leader", NOBODY))}
        there = {t.number for t in trials if not _is_gap(t)} | {NOBODY}
        ended = finish.get("gave_up") or all(t.status != "running" for t in trials)
        return bool(ended) and needed <= there

    def is_over(self, budget: Budget) -> bool:
        """Return whether the run was finished with this budget or a larger one."""
        if self.finish is None or not self.is_whole:
            return False
        if self.finish.get("interrupted") or self.finish.get("gave_up"):
            return False
        had = self.finish.get("budget", {})
        return _within(budget.time_s, had.get("time_s")) and _within(
            budget.n_trials, had.get("n_trials")
        )

    def used_up(self, budget: Budget, *, over: bool) -> str:
        """Return which limit leaves nothing to search, in a sentence; "" if none.

        Parameters
        ----------
        budget : Budget
            As it is asked for now.
        over : bool
            Whether the run is given back as it ended.
        """
        if not over and any(t.status in UNFINISHED for t in self.reopened):
            return ""
        n_tried = sum(1 for t in self.history if t.number)
        if budget.n_trials is not None and n_tried >= budget.n_trials:
            limit = f"the limit of {budget.n_trials} configuration(s) is"
            option = "n_trials (--trials)"
        elif over and budget.time_s and self.elapsed_s > USED_UP * budget.time_s:
            limit = f"the limit of {budget.time_s:g} seconds is"
            option = "time_budget_s (--time-budget)"
        else:
            return "Nothing was searched: all was tried that there is." if over else ""
        return f"Nothing was searched: {limit} used up; raise {option} to go on."


def _within(now: float | None, then: float | None) -> bool:
    """Return whether a limit leaves no more room than an earlier one did."""
    return then is None if now is None else then is None or now <= then


def restore(
    events: list[dict[str, Any]],
    damaged: int,
    has_predictions: Callable[[int, int], bool],
) -> Restored | None:
    """Return where a run stood; None if it had not begun.

    Parameters
    ----------
    events : list of dict
        As `automl.journal.read_journal` returns them. What is before another start
        is of another run. What crashed and made a search give up has not been tried.
        Of several about the same trial or fold the last counts; a
        trial that starts anew with another configuration has no folds yet.
    damaged : int
        Lines that could not be read.
    has_predictions : callable
        Whether the predictions of a trial's fold can be read; a good fold without them
        is left out, and so run again.
    """
    starts = [i for i, e in enumerate(events) if e.get("event") == "start"]
    events = events[starts[-1] :] if starts else events
    # a resumed session says all that the first one did: its line may be damaged
    start = next((e for e in events if e.get("event") in BEGINNINGS), None)
    if start is None or not {"n_folds", "random_state", "identity"} <= start.keys():
        return None
    trials: dict[int, Trial] = {}
    finish: dict[str, Any] | None = None
    ordered, searched = True, None
    crashed: set[int] = set()
    for event in events:
        kind = event.get("event")
        crashed = _in_a_row(crashed, event)
        finish = event if kind == "finish" else None
        if kind in BEGINNINGS:
            ordered = ordered and bool(event.get("ordered"))
        elif kind == "candidates":
            searched = tuple(map(str, event.get("names") or ())) or None
        elif kind == "trial":
            _take_trial(trials, event)
        elif kind in ("fold", "end") and event.get("trial") in trials:
            trial = trials[event["trial"]]
            take = _with_fold if kind == "fold" else _with_end
            trials[trial.number] = take(trial, event)
        elif finish is not None and finish.get("gave_up"):
            trials |= {i: _uncrashed(trials[i]) for i in crashed & trials.keys()}
    n_folds = int(start["n_folds"])
    history = History(
        tuple(
            _settled(trials[i], n_folds) if i in trials else _gap(i)
            for i in range(max(trials, default=-1) + 1)
        )
    )
    lost = frozenset(
        (trial.number, fold.fold)
        for trial in history
        for fold in trial.folds
        if fold.status == "ok" and not has_predictions(trial.number, fold.fold)
    )
    elapsed_s = _elapsed(events)
    return Restored(start, history, lost, elapsed_s, ordered, finish, damaged, searched)


def refuse_headless(folder: Path, events: list[dict[str, Any]]) -> None:
    """Refuse a journal that says what was tried, but not in which run.

    Raises
    ------
    AutoMLDataError
        If it does so (``E-journal``).

    Examples
    --------
    >>> from pathlib import Path
    >>> refuse_headless(Path("run"), [{"event": "trial", "trial": 0}])
    Traceback (most recent call last):
    ...
    automl.exceptions.AutoMLDataError: The journal in run has lost its first line, which
    says what run it is of; choose another folder and begin again.
    """
    if any(event.get("event") not in BEGINNINGS for event in events):
        raise AutoMLDataError(
            f"The journal in {folder} has lost its first line, which says what run it "
            "is of; choose another folder and begin again.",
            code="E-journal",
        )


def _take_trial(trials: dict[int, Trial], event: Mapping[str, Any]) -> None:
    number = event.get("trial")
    if not isinstance(number, int) or number < 0:
        return
    trial = Trial(
        number,
        str(event.get("candidate", "")),
        dict(event.get("params") or {}),
        str(event.get("origin", BASELINE)),
    )
    known = trials.get(number)
    if known is not None and (known.candidate, known.params) == (
        trial.candidate, trial.params,
    ):  # fmt: skip
        return
    trials[number] = trial


def _with_fold(trial: Trial, event: Mapping[str, Any]) -> Trial:
    names = {f.name for f in fields(FoldResult)}
    facts = {k: v for k, v in event.items() if k in names}
    if not {"fold", "status"} <= facts.keys():
        return trial
    return trial.with_fold(FoldResult(**facts))


def _with_end(trial: Trial, event: Mapping[str, Any]) -> Trial:
    status = str(event.get("status", "running"))
    return replace(trial, status=status, reason=event.get("reason"))


def _in_a_row(crashed: set[int], event: Mapping[str, Any]) -> set[int]:
    """Return the trials that crashed since a fold was scored, after one more event."""
    if event.get("event") in BEGINNINGS:
        return set()
    if event.get("event") != "fold" or event.get("status") not in ("ok", "crash"):
        return crashed
    return set() if event["status"] == "ok" else crashed | {int(event["trial"])}


def _uncrashed(trial: Trial) -> Trial:
    """Return a trial that crashed as if it had not been tried: it was the machine."""
    folds = tuple(fold for fold in trial.folds if fold.status != "crash")
    return replace(trial, folds=folds, status="running", reason=None)


def _gap(number: int) -> Trial:
    """Return what stands for a trial whose line is damaged."""
    reason = "its line in the journal is damaged"
    return Trial(number, BASELINE, {}, "", "lost", (), reason)


def _is_gap(trial: Trial) -> bool:
    return trial.number > 0 and trial.candidate == BASELINE


def _settled(trial: Trial, n_folds: int) -> Trial:
    """Return a trial with its end, if only the line of that was missing.

    The end "ok" without all folds is none: the line of a fold is damaged.
    """
    if trial.status == "ok" and len(trial.folds) < n_folds:
        trial = replace(trial, status="running")
    if trial.status not in ("running", "raced"):
        return trial
    failed = next((f for f in trial.folds if f.status != "ok"), None)
    if failed is not None:
        ended = replace(trial, status=failed.status, reason=failed.reason)
        return ended if trial.is_running else trial
    if len(trial.folds) == n_folds:
        return replace(trial, status="ok", reason=None)
    return trial


def _elapsed(events: list[dict[str, Any]]) -> float:
    """Return the largest time in a journal."""
    times = [0.0]
    for event in events:
        at = event.get("at")
        times += [float(at)] if isinstance(at, int | float) else []
    return max(times)


def resumed_budget(budget: Budget, restored: Restored) -> Budget:
    """Return the budget of a run that goes on: what earlier sessions took counts.

    So much is left at least that the leader can be fitted on all rows; no more than
    that, if the budget had been used up.
    """
    started = budget.started - restored.elapsed_s
    if budget.time_s is None:  # what was tried is neither forgotten nor left open
        tried = sum(t.number > 0 for t in restored.history)
        return replace(
            budget, started=started, n_trials=max(budget.n_trials or 0, tried)
        )
    leader = next(iter(restored.history.finished()), None)
    refit_s = 0.0 if leader is None else REFIT_FOLDS * leader.fit_s
    floor_s = min(FLOOR_S, budget.time_s) + refit_s
    time_s = max(budget.time_s, restored.elapsed_s + floor_s)
    return replace(budget, started=started, time_s=time_s)
