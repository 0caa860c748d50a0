"""The loop: ask what to run, run it, tell what came of it, until the budget says stop.

`Search` joins the policies to a run: it turns steps into tasks with deadlines, and
outcomes into history. With a budget in trials alone it never reads the clock, and it
takes results in the order of dispatch with a bounded look-ahead, so that the history is
the same for any number of workers up to that.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.allocation import (
    Continue,
    Start,
    Stop,
    View,
    Wait,
    known_starts,
    next_step,
)  # fmt: skip
from automl.evaluate import Outcome, Task
from automl.kept import keep_from
from automl.pacing import Pace
from automl.racing import PairedScores, is_losing
from automl.reruns import Crashes, Reruns, death_of
from automl.sampling.tpe import Points
from automl.space import active, point_key, start_point
from automl.trial import Trial

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl.budget import Budget
    from automl.candidates import Candidate
    from automl.history import History
    from automl.journal import Journal
    from automl.known import Known
    from automl.plan import Plan
    from automl.reserve import Preview

__all__ = ["Search"]

LOOK_AHEAD = 8
"""Tasks that may be out before the oldest result is known, where order matters."""

UNBEGUN = ("late", "cancelled")
"""What counts as if it had never begun: the end of the search came first."""

DEATHS = ("cancelled", "crash", "lost", "memory", "timeout")
"""What ends a pool of workers."""


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
    known : mapping, default=None
        Folds of an earlier session by trial and number, not to be run again.

    Attributes
    ----------
    changes : list of Trial
        Trials as they started and ended, for whoever shows them; emptied by him.
    stopped : bool
        Set to True, it ends the search.
    fallback : Pipeline or None
        A small model on the encoded table, from the first second on.
    given_up : str or None
        Why the search ended itself before its time.
    preview : Preview or None
        What would predict by now, set by whoever finds it out.
    """

    def __init__(
        self,
        plan: Plan,
        budget: Budget,
        history: History,
        journal: Journal,
        known: Mapping[tuple[int, int], Known] | None = None,
    ) -> None:
        self.plan = plan
        self.budget = budget
        self.history = history
        self.journal = journal
        self.changes: list[Trial] = []
        self.stopped = False
        self.given_up: str | None = None
        self.preview: Preview | None = None
        self.known = known or {}
        self.fallback: Any = None
        self.fallback_task = Task("refit", -1)
        self._by_name = {c.name: c for c in plan.candidates}
        self._serial = 0
        self._taken = 0
        self._arrived: dict[int, Outcome] = {}
        self._out: dict[int, Task] = {}
        self._tried = {
            point_key(self._by_name[t.candidate], t.params)
            for t in history
            if t.candidate in self._by_name
        }
        self._paired = PairedScores()
        self._points = Points()
        self._starts = known_starts(plan.candidates)
        self._pace = Pace(plan, budget, history)
        self._reruns = Reruns()
        self._crashes = Crashes()
        self._closed = False
        self._lock = threading.RLock()
        self._fallback_due = budget.time_s is not None

    @property
    def ordered(self) -> bool:
        """Whether results are taken in the order of dispatch."""
        return self.budget.time_s is None

    def source(self) -> Task | None:
        """Return the next task, a short wait, or None at the end."""
        with self._lock:
            task = self._next()
            while task is not None and self._answer(task):
                task = self._next()
            return task

    def _next(self) -> Task | None:
        over = self._closed or self.given_up is not None or self.is_over
        again = None if over else self._reruns.next()
        if again is not None:
            return self._with_limits(again)
        if not self._take_arrived():
            return None if over else Task("wait", -1)
        if self._fallback_due:
            self._fallback_due = False
            self.fallback_task = self._fallback_task()
            return self._dispatch(self.fallback_task)
        return None if over else self._next_of_policy()

    def _next_of_policy(self) -> Task | None:
        while True:
            # drawn anew for each state, so that asking again changes nothing
            seed = [self.plan.random_state, 1, self._serial, self._taken]
            step = next_step(self._view(), np.random.default_rng(seed))
            if isinstance(step, Stop):
                return None
            if not isinstance(step, Wait):
                return self._dispatch(self._task_of(step))
            if not self._take_one():
                return Task("wait", -1)

    def _answer(self, task: Task) -> bool:
        """Answer a fold that an earlier session has run; return whether it had."""
        known = self.known.get((task.trial, task.fold))
        if known is None or task.kind != "fold":
            return False
        if not known.answers(task.candidate, task.params or {}):
            return False
        self._arrive(Outcome(task, known.result))
        return True

    def tell(self, outcome: Outcome) -> None:
        """Keep what came of a task; it counts when its turn comes."""
        with self._lock:
            task = outcome.task
            if outcome.error == "crash":
                self.given_up = self._crashes.why_over(outcome) or self.given_up
            if outcome.error in DEATHS and self.pace.is_closing:
                self._closed = True
            if self._reruns.died(task, outcome.error or ""):
                return
            result = outcome.result
            if result is None and outcome.error not in UNBEGUN:
                result = death_of(outcome)
            if result is not None and task.kind == "fold":
                result = result.since(self.budget.started)
                outcome = replace(outcome, result=result)
                scored = result.status == "ok"
                self.journal.keep_fold(result, outcome.value if scored else None)
                if scored:
                    self._crashes.end()
            self._arrive(outcome)

    def _arrive(self, outcome: Outcome) -> None:
        """Let an outcome wait for its turn; without order that is now."""
        value = outcome.value if outcome.task.kind == "refit" else None
        self._arrived[outcome.task.serial] = replace(outcome, value=value)
        if not self.ordered:
            self._take_arrived()

    @property
    def ending(self) -> tuple[str, ...]:
        """What to say of its end, if it gave up."""
        return () if self.given_up is None else (self.given_up,)

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
                    stopped = self.stopped or self.given_up is not None
                    reason = "stopped" if stopped else "the budget was used up"
                    self._end(trial, "cancelled", reason)
            return self.history

    @property
    def pace(self) -> Pace:
        """How the time is shared out, by what is known now."""
        self._pace = self._pace.at(self.history, self.preview)
        return self._pace

    def kill_at(self, task: Task) -> float | None:
        """Return when a task is ended at the latest: the end moves with what is known.

        What stops by itself was told when, and is left to it: to kill it for the refit
        of a weaker leader loses the model that may be worth the refit.

        Parameters
        ----------
        task : Task
            That this search gave out.
        """
        candidate = self._by_name.get(task.candidate)
        if task.kill_at is None or (task.deadline is not None and _grows(candidate)):
            return task.kill_at
        with self._lock:
            alone = task.kind == "refit" and self.pace.incumbent is None
            now = None if alone else self.pace.kill_at(candidate)
        return task.kill_at if now is None else min(task.kill_at, now)

    def _dispatch(self, task: Task) -> Task:
        self._out[task.serial] = task
        self._serial += 1
        return task

    def _fallback_task(self) -> Task:
        """A small model of the first family, so that there is always one."""
        candidate = self.plan.candidates[0]
        _, _, params = candidate.tries()[0]
        return Task(
            "refit", self._serial, candidate=candidate.name,
            params=start_point(candidate, params), rounds=50, max_rows=20_000,
            longest_s=0.1 * (self.budget.time_s or 0.0), kill_at=self.pace.last_call(),
        )  # fmt: skip

    def _task_of(self, step: Start | Continue) -> Task:
        if isinstance(step, Start):
            trial, fold = self._start(step), 0
        else:
            trial, fold = self.history[step.trial], step.fold
        least_s = 0.0 if self.plan.bag or self.ordered else keep_from(trial)
        return self._with_limits(Task(
            "fold", self._serial, trial.number, fold, trial.candidate,
            dict(trial.params), keep_from_s=least_s if self.plan.keeps else np.inf,
        ))  # fmt: skip

    def _with_limits(self, task: Task) -> Task:
        """Return the task of a fold with the limits of this moment."""
        if task.kind != "fold":
            return task
        limits = self.pace.limits(self._by_name[task.candidate])
        return replace(
            task, longest_s=limits.longest_s, deadline=limits.deadline,
            kill_at=limits.kill_at, limit_s=limits.limit_s,
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

    @property
    def in_flight(self) -> frozenset[tuple[int, int]]:
        """Trials and folds that are out; some of these trials were raced meanwhile."""
        out = tuple(self._out.values())  # another thread adds to it
        return frozenset((t.trial, t.fold) for t in out if t.kind == "fold")

    @property
    def is_over(self) -> bool:
        """Whether it was stopped, or its time has come."""
        return self.stopped or self._out_of_time()

    def _out_of_time(self) -> bool:
        return self.pace.seconds_left() == 0.0

    def _view(self) -> View:
        n_left = None
        if self.budget.n_trials is not None:
            n_left = self.budget.n_trials - (len(self.history) - 1)
        pace = self.pace
        return View(
            history=self.history,
            in_flight=self.in_flight,
            n_folds=self.plan.n_folds,
            candidates=self.plan.candidates,
            n_left=n_left,
            seconds_left=pace.seconds_left(),
            tried=self._tried,
            seconds=pace.expected_seconds,
            starts=self._starts,
            paired=self._paired,
            points=self._points,
        )

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
        if outcome.result is None:  # its trial is still to be run
            return
        result = outcome.result
        self.history = self.history.told(result)
        trial = self.history[task.trial]
        if trial.status not in ("running", "raced"):
            return
        if len(trial.scores) == self.plan.n_folds:
            self._end(trial, "ok", None)  # raced, with the last folds under way by then
        elif trial.is_running and result.status != "ok":
            self._end(trial, result.status, result.reason)
        elif trial.is_running:
            self._race(trial)

    def _race(self, trial: Trial) -> None:
        incumbent = self.pace.incumbent
        if incumbent is not None and is_losing(trial, incumbent):
            n = len(trial.scores)
            reason = f"behind trial {incumbent.number} after {n} fold{'s' * (n > 1)}"
            self._end(trial, "raced", reason)

    def _end(self, trial: Trial, status: str, reason: str | None) -> None:
        self.history = self.history.ended(trial.number, status, reason)
        facts = {"trial": trial.number, "status": status, "reason": reason}
        self.journal.write("end", facts)
        self.changes.append(self.history[trial.number])


def _grows(candidate: Candidate | None) -> bool:
    return candidate is not None and candidate.resource is not None
