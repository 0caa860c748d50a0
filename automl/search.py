"""The loop: ask what to run, run it, tell what came of it, until the budget says stop.

`Search` joins the policies to a run: it turns steps into tasks with deadlines, and
outcomes into history. With a budget in trials alone it never reads the clock, and it
takes results in the order of dispatch with a bounded look-ahead, so that the history is
the same for any number of workers up to that.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.allocation import Continue, Start, Stop, View, Wait, next_step
from automl.evaluate import Outcome, Task
from automl.history import FoldResult, History, Journal, Trial
from automl.racing import is_losing
from automl.space import active, point_key, start_point

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl.budget import Budget
    from automl.candidates import Candidate

__all__ = ["IMPORTANCE_SHARE", "Plan", "Search"]

LOOK_AHEAD = 8
"""Tasks that may be out before the oldest result is known, where order matters."""

CONFIGURATIONS = 6
"""Full configurations that the longest fits must leave room for in the budget."""

HOLDOUT_CONFIGURATIONS = 3
"""The same where the only fold is a holdout: large tables."""

PATIENCE = 4.0
"""How much longer than the incumbent's a fit may take, and a second at least: what is
four times as slow has to be better by much to be worth its seconds."""

REFIT_SHARE = 0.25
"""Share of the budget that is kept for a refit after a holdout; a longer one is not
waited for, since the model of the holdout's training rows is there already."""

IMPORTANCE_SHARE = 0.04
"""Share of the budget within which columns are permuted, beside the refit."""

OVERHEAD_S = 0.9
"""Seconds kept for facts, pickling and the end of the pool (measured: .3 to .7)."""


@dataclass(frozen=True)
class Plan:
    """What is fixed for a search.

    Attributes
    ----------
    candidates : tuple of Candidate
        Those that fit the table, in the order of first tries.
    n_folds : int
        Folds.
    n_rows, n_train : int
        Rows of the table, and of a fold's training part.
    n_workers : int
        Processes.
    random_state : int
        Seed of the run.
    """

    candidates: tuple[Candidate, ...]
    n_folds: int
    n_rows: int
    n_train: int
    n_workers: int
    random_state: int


class Search:
    """A search that a runner asks for tasks and tells of outcomes.

    Parameters
    ----------
    plan : Plan
        What is fixed.
    budget : Budget
        Time and trials.
    history : History
        With the baseline as trial 0.
    journal : Journal
        Where finished folds go.

    Attributes
    ----------
    changes : list of Trial
        Trials as they started and ended, for whoever shows them; emptied by him.
    stopped : bool
        Set to True, it ends the search.
    fallback : Pipeline or None
        A small model on the encoded table, from the first second on.
    """

    def __init__(
        self,
        plan: Plan,
        budget: Budget,
        history: History,
        journal: Journal,
    ) -> None:
        self.plan = plan
        self.budget = budget
        self.history = history
        self.journal = journal
        self.changes: list[Trial] = []
        self.stopped = False
        self.fallback: Any = None
        self.fallback_task = Task("refit", -1)
        self._by_name = {c.name: c for c in plan.candidates}
        self._serial = 0
        self._taken = 0
        self._arrived: dict[int, Outcome] = {}
        self._out: dict[int, Task] = {}
        self._tried: set[str] = set()
        self._lost: dict[tuple[int, int], int] = {}
        self._lock = threading.RLock()
        self._fallback_due = budget.time_s is not None

    @property
    def ordered(self) -> bool:
        """Whether results are taken in the order of dispatch."""
        return self.budget.time_s is None

    def source(self) -> Task | None:
        """Return the next task, a short wait, or None at the end."""
        with self._lock:
            if not self._take_arrived():
                return Task("wait", -1)
            while True:
                if self._fallback_due:
                    self._fallback_due = False
                    self.fallback_task = self._fallback_task()
                    return self._dispatch(self.fallback_task)
                if self.stopped or self._out_of_time():
                    return None
                # drawn anew for each state, so that asking again changes nothing
                seed = [self.plan.random_state, 1, self._serial, self._taken]
                step = next_step(self._view(), np.random.default_rng(seed))
                if isinstance(step, Stop):
                    return None
                if not isinstance(step, Wait):
                    return self._dispatch(self._task_of(step))
                if not self._take_one():
                    return Task("wait", -1)

    def tell(self, outcome: Outcome) -> None:
        """Keep what came of a task; it counts when its turn comes."""
        with self._lock:
            if outcome.result is not None:
                result = _relative(outcome.result, self.budget.started)
                outcome = replace(outcome, result=result)
                scored = result.status == "ok"
                self.journal.keep_fold(result, outcome.value if scored else None)
            self._arrived[outcome.task.serial] = replace(
                outcome, value=outcome.value if outcome.task.kind == "refit" else None
            )
            if not self.ordered:
                self._take_arrived()

    def take_changes(self) -> list[Trial]:
        """Return the trials that started or ended since the last time."""
        with self._lock:
            changes, self.changes = self.changes, []
            return changes

    def finish(self) -> History:
        """Return the history with what never finished marked as cancelled."""
        with self._lock:
            for serial in sorted(self._arrived):
                self._take(self._arrived.pop(serial))
            for trial in self.history:
                if trial.status == "running":
                    reason = "stopped" if self.stopped else "the budget was used up"
                    self._end(trial, "cancelled", reason)
            return self.history

    def reserve_s(self) -> float:
        """Return the seconds kept for the winner's refit, its facts and the report."""
        leader = self._incumbent
        refit = 0.0 if leader is None else self.refit_seconds(leader)
        if self.keeps_models and refit > REFIT_SHARE * (self.budget.time_s or 0.0):
            refit = 0.0
        explain = IMPORTANCE_SHARE * (self.budget.time_s or 0.0)
        together = refit + explain if self.plan.n_workers == 1 else max(refit, explain)
        return together + OVERHEAD_S

    def refit_seconds(self, trial: Trial) -> float:
        """Return about how long a trial's refit on all rows takes."""
        return 1.2 * trial.fit_s * self.plan.n_rows / max(self.plan.n_train, 1)

    @property
    def keeps_models(self) -> bool:
        """Whether the models of the only fold are kept: they can be deployed."""
        return self.plan.n_folds == 1 and not self.ordered

    def _dispatch(self, task: Task) -> Task:
        self._out[task.serial] = task
        self._serial += 1
        return task

    def _fallback_task(self) -> Task:
        """A small model of the first family, so that there is always one."""
        candidate = self.plan.candidates[0]
        params = dict(candidate.starts[0][1]) if candidate.starts else {}
        return Task(
            "refit", self._serial, candidate=candidate.name,
            params=start_point(candidate, params), rounds=50, max_rows=20_000,
            longest_s=0.1 * (self.budget.time_s or 0.0), kill_at=self._search_end(),
        )  # fmt: skip

    def _task_of(self, step: Start | Continue) -> Task:
        if isinstance(step, Start):
            trial, fold = self._start(step), 0
        else:
            trial, fold = self.history[step.trial], step.fold
        longest_s, deadline, kill_at = self._limits()
        leader = self._incumbent
        keep_above = None
        if self.keeps_models:
            keep_above = float("-inf") if leader is None else leader.score
        return Task(
            "fold", self._serial, trial.number, fold, trial.candidate,
            dict(trial.params), longest_s, deadline, kill_at, keep_above=keep_above,
        )  # fmt: skip

    def _start(self, step: Start) -> Trial:
        candidate = self._by_name[step.candidate]
        params = active(candidate, step.params)
        trial = Trial(len(self.history), step.candidate, params, step.origin)
        self.history = self.history.started(trial)
        self._tried.add(point_key(candidate, params))
        self.journal.write(
            "trial",
            {"trial": trial.number, "candidate": trial.candidate,
             "params": trial.params, "origin": trial.origin},
        )  # fmt: skip
        self.changes.append(trial)
        return trial

    def _limits(self) -> tuple[float | None, float | None, float | None]:
        """Return how long a growing learner may take, its end, and its kill."""
        if self.budget.time_s is None:
            return None, None, None
        n_folds = self.plan.n_folds
        configurations = CONFIGURATIONS if n_folds > 1 else HOLDOUT_CONFIGURATIONS
        core_seconds = 0.75 * self.plan.n_workers * self.budget.time_s
        longest = core_seconds / (configurations * n_folds)
        leader = self._incumbent
        if leader is not None:
            longest = min(longest, max(1.0, PATIENCE * leader.fit_s))
        end = self._search_end()
        return longest, end - 0.1, end + 0.3

    def _search_end(self) -> float:
        deadline = self.budget.deadline
        return float("inf") if deadline is None else deadline - self.reserve_s()

    def _out_of_time(self) -> bool:
        return (
            self.budget.time_s is not None and self.budget.clock() >= self._search_end()
        )

    @property
    def _incumbent(self) -> Trial | None:
        return View(self.history.trials, frozenset(), 0, ()).incumbent

    def _view(self) -> View:
        in_flight = frozenset(
            (t.trial, t.fold) for t in self._out.values() if t.kind == "fold"
        )
        n_left = None
        if self.budget.n_trials is not None:
            n_left = self.budget.n_trials - (len(self.history) - 1)
        seconds_left = None
        if self.budget.time_s is not None:
            seconds_left = max(0.0, self._search_end() - self.budget.clock())
        return View(
            trials=self.history.trials,
            in_flight=in_flight,
            n_folds=self.plan.n_folds,
            candidates=self.plan.candidates,
            n_left=n_left,
            seconds_left=seconds_left,
            tried=self._tried,
            seconds=self._expected_seconds(),
        )

    def _expected_seconds(self) -> Mapping[str, float]:
        """Return what a fold of each candidate is expected to take.

        Learners that grow stop by themselves, so that a little time is enough; the
        others are given half as much again as their slowest fold so far.
        """
        if self.budget.time_s is None:
            return {}
        seen: dict[str, float] = {}
        for trial in self.history:
            for fold in trial.folds:
                seconds = fold.seconds
                if fold.status == "timeout":  # how long it would take is not known
                    seconds = self.budget.time_s
                seen[trial.candidate] = max(seen.get(trial.candidate, 0.0), seconds)
        expected = {}
        for candidate in self.plan.candidates:
            slowest = seen.get(candidate.name)
            if candidate.resource is not None:
                expected[candidate.name] = 0.5 * (slowest or 0.5)
            elif slowest is not None:
                expected[candidate.name] = 1.5 * slowest
            else:  # unknown: not in the last quarter
                expected[candidate.name] = 0.25 * self.budget.time_s
        return expected

    def _take_arrived(self) -> bool:
        """Take what may be taken; return whether the next task may be chosen."""
        if not self.ordered:
            for serial in sorted(self._arrived):
                self._take(self._arrived.pop(serial))
            return True
        while self._taken <= self._serial - LOOK_AHEAD:
            if not self._take_one():
                return False
        return True

    def _take_one(self) -> bool:
        """Take the oldest result that is out; return whether it was there."""
        outcome = self._arrived.pop(self._taken, None) if self.ordered else None
        if outcome is None:
            return False
        self._take(outcome)
        self._taken += 1
        return True

    def _take(self, outcome: Outcome) -> None:
        task = self._out.pop(outcome.task.serial, outcome.task)
        if task.kind == "refit":
            self.fallback = outcome.value if outcome.error is None else self.fallback
            return
        if outcome.error == "late" or (
            outcome.error == "lost" and self._may_retry(task)
        ):
            return
        trial = self.history[task.trial]
        result = outcome.result or _died(task, outcome.error or "lost")
        self.history = self.history.told(result)
        if trial.status != "running":
            return
        trial = self.history[task.trial]
        if result.status != "ok":
            self._end(trial, result.status, result.reason)
        elif len(trial.scores) == self.plan.n_folds:
            self._end(trial, "ok", None)
        else:
            self._race(trial)

    def _may_retry(self, task: Task) -> bool:
        """Return whether a task whose worker died is left to be run once more."""
        key = (task.trial, task.fold)
        self._lost[key] = self._lost.get(key, 0) + 1
        return self._lost[key] == 1

    def _race(self, trial: Trial) -> None:
        incumbent = self._incumbent
        if incumbent is not None and is_losing(trial, incumbent):
            n = len(trial.scores)
            reason = f"behind trial {incumbent.number} after {n} fold{'s' * (n > 1)}"
            self._end(trial, "raced", reason)

    def _end(self, trial: Trial, status: str, reason: str | None) -> None:
        self.history = self.history.ended(trial.number, status, reason)
        facts = {"trial": trial.number, "status": status, "reason": reason}
        self.journal.write("end", facts)
        self.changes.append(self.history[trial.number])


def _died(task: Task, error: str) -> FoldResult:
    killed = error == "killed"
    return FoldResult(
        task.trial,
        task.fold,
        "timeout" if killed else "error",
        reason="killed at its time limit" if killed else "its worker process died",
        error=None,
    )


def _relative(result: FoldResult, started: float) -> FoldResult:
    return replace(result, started_s=max(0.0, result.started_s - started))
