"""What is left to fit when the search is over: refits, folds, what explains.

All are tasks like any other, run side by side. A winner whose refit does not fit in the
time left gives way to its fold models, or to the next best.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from automl.evaluate import Outcome, Task
from automl.refit_order import refit_order
from automl.reserve import (
    CANARY_MORE_S,
    CANARY_SHARE,
    IMPORTANCE_SHARE,
    canary_seconds,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from automl.budget import Budget
    from automl.history import History
    from automl.trial import Trial

__all__ = ["SPARE_S", "Finish", "Wanted"]

SPARE_S = 0.4
"""Seconds between the end of a refit and the end of the budget."""

THREADED_ROWS = 50_000
"""Rows from which a refit uses all cores: two LightGBM threads then cost 14 % more CPU
time for half the wall time; below, they cost half as much again."""

EXPLAINS = {"importance": IMPORTANCE_SHARE, "canary": CANARY_SHARE}
"""Tasks about the winner, with the share of the budget that each may take."""


@dataclass(frozen=True)
class Wanted:
    """What is to be fitted after a search.

    Attributes
    ----------
    single : bool
        Whether the best configuration is fitted on all rows.
    refits : tuple of Trial
        Members of an ensemble that are fitted on all rows, too.
    folds : tuple of (Trial, int)
        Folds whose models are to be made again.
    kept : bool
        Whether the models of the leader's folds are there: a refit that was cut short
        is then only taken where they cannot be, and no other configuration is.
    """

    single: bool = True
    refits: tuple[Trial, ...] = ()
    folds: tuple[tuple[Trial, int], ...] = ()
    kept: bool = False


class Finish:
    """What a runner is asked for after the search.

    Parameters
    ----------
    history : History
        Of the search.
    budget : Budget
        Of the run.
    seconds : dict
        Expected refit time of each trial, by number.
    growing : set of str
        Candidates whose fit can be cut short at the deadline.
    n_rows, n_train, n_workers : int
        Rows of the table and of a fold's training part; processes.
    first_serial : int
        Number of the first task.
    wanted : Wanted
        What is to be fitted.

    Attributes
    ----------
    winner : Trial or None
        The configuration that was fitted on all rows and is explained.
    pipeline, stump : Pipeline or None
        That fit; one that was cut short.
    importance, canary : dict or None
        What those tasks gave about the winner.
    refits : dict
        Trial's number to its fit on all rows, of all that ended well.
    errors : list of str
        What to say of those that did not.
    unended : set of int
        Trials whose fit on all rows failed or was cut short.
    cpu_s : float
        Seconds of processors that all of it took.
    """

    def __init__(
        self,
        history: History,
        budget: Budget,
        seconds: Mapping[int, float],
        *,
        n_rows: int,
        n_train: int,
        n_workers: int,
        first_serial: int,
        growing: AbstractSet[str] = frozenset(),
        wanted: Wanted | None = None,
    ) -> None:
        self.budget = budget
        self.wanted = wanted or Wanted()
        self.stump: Any = None
        self.growing = growing
        self.seconds = seconds
        self.n_rows = n_rows
        self.n_train = n_train
        self.n_workers = n_workers
        self.winner: Trial | None = None
        self.pipeline: Any = None
        self.importance: dict[str, Any] | None = None
        self.canary: dict[str, Any] | None = None
        self.refits: dict[int, Outcome] = {}
        self.errors: list[str] = []
        self.unended: set[int] = set()
        self.cpu_s = 0.0
        self._queue = refit_order(history)
        if self.wanted.kept:
            self._queue = self._queue[:1]
        if self._queue and not self.wanted.single:
            self.winner = self._queue.pop(0)
            self._queue.clear()
        self._others = self._in_order(
            [t for t in self.wanted.refits if t not in self._queue[:1]]
        )
        self._folds = list(self.wanted.folds)
        self._serial = first_serial
        self._refitting: Task | None = None
        self._begun_at = budget.started
        self._out: dict[int, Task] = {}
        self._again: list[Task] = []
        self._retried: set[tuple[int, int]] = set()
        self._due = list(EXPLAINS)
        self._lock = threading.Lock()  # asked from joblib's thread, told from ours

    def _in_order(self, trials: list[Trial]) -> list[Trial]:
        """Return members in the order of their fits: what takes longest first.

        Where they may not all end in time, the order stays that of their weights.
        """
        whole = sum(self.seconds[t.number] for t in trials)
        if not self._ends_in_time(whole):
            return trials
        return sorted(trials, key=lambda t: -self.seconds[t.number])

    def source(self) -> Task | None:
        """Return the next task, a short wait, or None at the end."""
        with self._lock:
            task = self._next_single() or self._next_other() or self._explain()
            if task is not None:
                return task
            return Task("wait", -1) if self._refitting or self._out else None

    def _next_single(self) -> Task | None:
        """Return the refit of the best configuration that can be had, once."""
        if self.pipeline is not None or self._refitting is not None:
            return None
        trial = self._next_trial()
        if trial is None:
            return None
        self._others = [t for t in self._others if t is not trial]
        if trial is not self.winner:  # another winner has another importance
            self.winner, self.importance, self.canary = trial, None, None
            self._due = list(EXPLAINS)
        if trial.number in self.refits:  # as a member, before it was to stand alone
            self.pipeline = self.refits[trial.number].value
            return None
        self._begun_at = self.budget.clock()
        member = self._refit_of(trial)
        if member is not None:  # under way
            self._refitting = self._out.pop(member.serial)
            if member not in self._again:
                return None
            self._again.remove(member)
            return member
        self._refitting = self.refit_task(trial)
        return self._refitting

    def _refit_of(self, trial: Trial) -> Task | None:
        """Return the refit of a member that was sent and is not in."""
        refits = (t for t in self._out.values() if t.kind == "refit")
        return next((t for t in refits if t.trial == trial.number), None)

    def _next_other(self) -> Task | None:
        """Return the refit of a member, or a fold whose model is to be made again."""
        if self._again:
            return self._again.pop(0)
        while self._folds:
            trial, fold = self._folds.pop(0)
            if self._ends_in_time(trial.fit_s):
                return self._sent(self._fold_task(trial, fold))
        while self._others:
            trial = self._others.pop(0)
            if self.affords(trial):
                return self._sent(self.refit_task(trial))
        return None

    def _sent(self, task: Task) -> Task:
        self._out[task.serial] = task
        return task

    def hurry(self, deadline: float) -> None:
        """Bring the end of the run forward.

        Parameters
        ----------
        deadline : float
            Reading of the budget's clock.
        """
        with self._lock:
            time_s = deadline - self.budget.started
            if self.budget.time_s is None or time_s < self.budget.time_s:
                self.budget = replace(self.budget, time_s=time_s)

    def _next_trial(self) -> Trial | None:
        """Return the best trial whose refit is there, ends in time or is cut short."""
        left = [t for t in self._queue if t.number in self.refits or self.affords(t)]
        if not left:
            left = [t for t in self._queue if t.candidate in self.growing]
        if not left:
            return None
        there = left[0].number in self.refits
        if not there and self.budget.remaining_s < 2 * SPARE_S:
            return None
        self._queue.remove(left[0])
        return left[0]

    def _explain(self) -> Task | None:
        """Return the task of the importance, then that of the canary, once."""
        if not self._due or self.winner is None:
            return None
        if self.budget.remaining_s < 2 * SPARE_S:  # a pool may have to be made anew
            self._due.clear()
            return None
        if self._due[0] == "canary":
            if self._refitting or self._out:  # what ends it late must end no refit
                return None
            if not self._canary_fits(self.winner):
                self._due.clear()
                return None
        return self._explaining_task(self.winner, self._due.pop(0))

    def _canary_fits(self, trial: Trial) -> bool:
        """Return whether a fit of few rows is expected to end in its share, in time."""
        if self.budget.time_s is None:
            return True
        share_s = CANARY_SHARE * self.budget.time_s
        expected_s = canary_seconds(trial, self.n_train)
        return expected_s <= share_s + CANARY_MORE_S and self._ends_in_time(expected_s)

    def affords(self, trial: Trial) -> bool:
        """Return whether a trial's refit is expected to end in time."""
        return self._ends_in_time(self.seconds[trial.number])

    def _ends_in_time(self, seconds: float) -> bool:
        return seconds < self.budget.remaining_s - SPARE_S

    def tell(self, outcome: Outcome) -> None:
        """Keep what was fitted; a failed refit makes way."""
        with self._lock:
            task = outcome.task
            self.cpu_s += outcome.cpu_s
            if outcome.result is not None:
                self.cpu_s += outcome.result.cpu_s
            if task.kind in EXPLAINS:
                if self.winner is not None and task.trial == self.winner.number:
                    self._keep_explanation(outcome)
            elif self._refitting is not None and task.serial == self._refitting.serial:
                self._refitting = None
                self._tell_single(outcome)
            elif self._out.pop(task.serial, None) is not None:
                self._tell_other(outcome)
            # what else comes was left over from the search

    def _keep_explanation(self, outcome: Outcome) -> None:
        if outcome.task.kind == "canary":
            self.canary = outcome.value
        else:
            self.importance = outcome.value

    def _tell_single(self, outcome: Outcome) -> None:
        task = outcome.task
        if outcome.error is None:
            self.refits[task.trial] = outcome
            self._note_cut(outcome)
            if outcome.truncated and self.wanted.kept:
                self.stump = outcome.value
            else:
                self.pipeline = outcome.value
        elif (winner := self.winner) is not None and (
            not self._hung(outcome, winner)
            and self._is_first_loss(outcome, "cancelled")
        ):
            self._queue.insert(0, winner)
        else:
            self._note_failure(outcome)

    def _hung(self, outcome: Outcome, trial: Trial) -> bool:
        """Return whether a refit that a Ctrl-C ended here was longer than expected."""
        due = self._begun_at + self.seconds[trial.number] + SPARE_S
        return outcome.error == "cancelled" and self.budget.clock() > due

    def _tell_other(self, outcome: Outcome) -> None:
        task = outcome.task
        if outcome.error is None:
            if task.kind == "refit" and not outcome.truncated:
                self.refits[task.trial] = outcome
        elif self._is_first_loss(outcome):
            self._out[task.serial] = task
            self._again.append(task)
        elif task.kind == "refit":
            self._note_failure(outcome)

    def _is_first_loss(self, outcome: Outcome, *more: str) -> bool:
        """Return whether it was ended for the first time, its pool beside it or so."""
        key = (outcome.task.trial, outcome.task.fold)
        if outcome.error not in ("crash", "lost", *more) or key in self._retried:
            return False
        self._retried.add(key)
        return True

    def _note_failure(self, outcome: Outcome) -> None:
        reason = outcome.detail or str(outcome.error).strip().splitlines()[-1][:200]
        self.unended.add(outcome.task.trial)
        self.errors.append(
            f"Trial {outcome.task.trial} could not be fitted on all rows ({reason})."
        )

    def _note_cut(self, outcome: Outcome) -> None:
        if outcome.truncated:
            self.unended.add(outcome.task.trial)
            self.errors.append(
                f"The fit of trial {outcome.task.trial} on all rows was cut short at "
                f"the end of the budget, before its {outcome.task.rounds} rounds."
            )

    def _next_serial(self) -> int:
        self._serial += 1
        return self._serial

    def refit_task(self, trial: Trial) -> Task:
        """Return the task of a trial's fit on all rows."""
        deadline = self.budget.deadline
        # the number of threads may move a sum's last digit, and a split with it
        many = self.n_rows >= THREADED_ROWS and self.budget.time_s is not None
        return Task(
            "refit", self._next_serial(), trial.number, candidate=trial.candidate,
            params=dict(trial.params), rounds=trial.rounds,
            n_jobs=self.n_workers if many else 1,
            deadline=None if deadline is None else deadline - 2 * SPARE_S,
            kill_at=None if deadline is None else deadline - SPARE_S,
        )  # fmt: skip

    def _fold_task(self, trial: Trial, fold: int) -> Task:
        deadline = self.budget.deadline
        return Task(
            "fold", self._next_serial(), trial.number, fold, trial.candidate,
            dict(trial.params), keep_from_s=0.0,
            kill_at=None if deadline is None else deadline - SPARE_S,
        )  # fmt: skip

    def _explaining_task(self, trial: Trial, kind: str) -> Task:
        if self.budget.time_s is None:
            return Task(
                kind, self._next_serial(), trial.number, 0, trial.candidate,
                dict(trial.params),
            )  # fmt: skip
        allowance = EXPLAINS[kind] * self.budget.time_s
        allowance = max(0.1, min(allowance, self.budget.remaining_s - 2 * SPARE_S))
        affordable = 0.5 * allowance / max(trial.fit_s, 1e-3)
        max_rows = None
        if affordable < 1:
            max_rows = max(500, int(affordable * self.n_train))
        now = time.monotonic()
        kill_at = now + allowance + 2 * SPARE_S
        # a kill ends the whole pool: not before the fits beside it must end, too
        beside = [t for t in (self._refitting, *self._out.values()) if t is not None]
        kill_at = max([kill_at, *(t.kill_at for t in beside if t.kill_at is not None)])
        return Task(
            kind, self._next_serial(), trial.number, 0, trial.candidate,
            dict(trial.params), deadline=now + allowance, max_rows=max_rows,
            kill_at=kill_at,
        )  # fmt: skip
