"""From the history to a model: refit the winner on all rows, and explain it.

Both are tasks like any other, run side by side. A winner whose refit does not fit in
the time left gives way to the next best; the fallback is there if none does.
"""

from __future__ import annotations

import pickle
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.pipeline import Pipeline

from automl.baseline import baseline_pipeline
from automl.evaluate import Outcome, Task
from automl.exceptions import AutoMLNoModelError
from automl.facts import Importance
from automl.history import BASELINE, History, Trial
from automl.search import IMPORTANCE_SHARE, Search

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from automl.budget import Budget
    from automl.kinds import Column
    from automl.table import Table

__all__ = ["Finish", "deployed", "importance_of"]

SPARE_S = 0.4
"""Seconds between the end of a refit and the end of the budget."""

THREADED_ROWS = 50_000
"""Rows from which a refit uses all cores: two LightGBM threads then cost 14 % more CPU
time for half the wall time; below, they cost half as much again."""

REFITS = 3
"""Refits tried before the fallback is taken."""


class Finish:
    """What a runner is asked for after the search: a refit and an importance.

    Parameters
    ----------
    history : History
        Of the search.
    budget : Budget
        Of the run.
    seconds : callable
        A trial's expected refit time.
    n_rows, n_train, n_workers : int
        Rows of the table and of a fold's training part; processes.
    first_serial : int
        Number of the first task.
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
    ) -> None:
        self.budget = budget
        self.seconds = seconds
        self.n_rows = n_rows
        self.n_train = n_train
        self.n_workers = n_workers
        self.winner: Trial | None = None
        self.pipeline: Any = None
        self.importance: dict[str, Any] | None = None
        self.errors: list[str] = []
        self._queue = _refit_order(history)
        self._serial = first_serial
        self._waiting_for: int | None = None
        self._importance_due = True

    def source(self) -> Task | None:
        """Return the next task, a short wait, or None at the end."""
        if self.pipeline is not None:
            return self._explain()
        if self._waiting_for is None:
            self._queue = [t for t in self._queue if self._fits(t)]
            if not self._queue:
                return None
            self.winner = self._queue.pop(0)
            self._waiting_for = self._serial
            return self._numbered(self._refit_task(self.winner))
        return self._explain() or Task("wait", -1)

    def _explain(self) -> Task | None:
        """Return the task of the importance once."""
        if not self._importance_due or self.winner is None:
            return None
        self._importance_due = False
        return self._numbered(self._importance_task(self.winner))

    def _fits(self, trial: Trial) -> bool:
        """Return whether a trial's refit is expected to end in time."""
        return self.seconds[trial.number] < self.budget.remaining_s - SPARE_S

    def tell(self, outcome: Outcome) -> None:
        """Keep the pipeline or the importance; a failed refit makes way."""
        if outcome.task.kind == "importance":
            self.importance = outcome.value
            return
        self._waiting_for = None
        if outcome.error is None:
            self.pipeline = outcome.value
            return
        reason = outcome.error.strip().splitlines()[-1][:200]
        self.errors.append(
            f"Trial {outcome.task.trial} could not be fitted on all rows ({reason})."
        )

    def _numbered(self, task: Task) -> Task:
        self._serial += 1
        return task

    def _refit_task(self, trial: Trial) -> Task:
        deadline = self.budget.deadline
        many = self.n_rows >= THREADED_ROWS
        return Task(
            "refit", self._serial, trial.number, candidate=trial.candidate,
            params=dict(trial.params), rounds=trial.rounds,
            n_jobs=self.n_workers if many else 1,
            deadline=None if deadline is None else deadline - 2 * SPARE_S,
            kill_at=None if deadline is None else deadline - SPARE_S,
        )  # fmt: skip

    def _importance_task(self, trial: Trial) -> Task:
        if self.budget.time_s is None:
            return Task(
                "importance", self._serial, trial.number, 0, trial.candidate,
                dict(trial.params),
            )  # fmt: skip
        allowance = IMPORTANCE_SHARE * self.budget.time_s
        allowance = max(0.1, min(allowance, self.budget.remaining_s - 2 * SPARE_S))
        affordable = 0.5 * allowance / max(trial.fit_s, 1e-3)
        max_rows = None
        if affordable < 1:
            max_rows = max(500, int(affordable * self.n_train))
        now = time.monotonic()
        return Task(
            "importance", self._serial, trial.number, 0, trial.candidate,
            dict(trial.params), deadline=now + allowance, max_rows=max_rows,
            kill_at=now + allowance + 2 * SPARE_S,
        )  # fmt: skip


def _refit_order(history: History) -> list[Trial]:
    """Return trials to refit, best first; none if the baseline leads."""
    finished = history.finished()
    if finished and finished[0].candidate == BASELINE:
        return []
    return [t for t in finished if t.candidate != BASELINE][:REFITS]


def importance_of(
    raw: dict[str, Any] | None, columns: tuple[Column, ...]
) -> Importance | None:
    """Return the importance under the user's names, most important first."""
    if not raw or not raw["drops"]:
        return None
    names = {c.id: str(c.name) for c in columns}
    drops = {names[k]: v for k, v in raw["drops"].items()}
    order = sorted(drops, key=lambda name: -float(np.mean(drops[name])))
    left_out = sum(c.used for c in columns) - len(drops)
    note = (
        f"Drop in the score when a column is permuted: {raw['n_test']:,} held-out "
        f"rows, a model fitted to {raw['n_train']:,} others, 3 permutations."
    )
    if left_out:
        note += f" {left_out} columns were left out for want of time."
    return Importance(
        columns=tuple(order),
        mean=tuple(float(np.mean(drops[n])) for n in order),
        std=tuple(float(np.std(drops[n])) for n in order),
        note=note,
    )


def deployed(
    finish: Finish, search: Search, history: History, table: Table, scratch: Path
) -> tuple[Trial, Pipeline, list[str]]:
    """Return the configuration that is deployed, its pipeline and what to say of it."""
    notes = list(finish.errors)
    leader = history.finished()[0] if history.finished() else None
    if leader is None:
        raise AutoMLNoModelError(_commonest_failure(history))
    winner = finish.winner or leader
    kept = scratch / "models" / f"{leader.number}.pkl"
    if finish.pipeline is None and kept.exists():
        notes.append(
            "The model is the one that was fitted to the holdout's training rows: a "
            "refit on all rows did not fit in the time left."
        )
        steps = pickle.loads(kept.read_bytes()).steps  # noqa: S301 - our own file
        return leader, Pipeline([("encode", table.encoder), *steps]), notes
    if finish.pipeline is not None:
        if winner.number != leader.number:
            notes.append(
                f"Trial {leader.number} scored best, but fitting it on all rows did "
                f"not fit in the time left; trial {winner.number} was taken."
            )
        steps = [("encode", table.encoder), *finish.pipeline.steps]
        return winner, Pipeline(steps), notes
    if search.fallback is not None and _leads_or_alone(leader, history):
        notes.append(
            "No configuration could be fitted on all rows in the time left: the model "
            "is the small one that was fitted first."
        )
        steps = [("encode", table.encoder), *search.fallback.steps]
        return winner, Pipeline(steps), notes
    if all(t.status in ("error", "timeout") for t in history if t.number):
        notes.append(_commonest_failure(history))
    return history[0], baseline_pipeline(table), notes


def _leads_or_alone(leader: Trial, history: History) -> bool:
    """Return whether a model is to be preferred to the baseline."""
    alone = all(t.status != "ok" for t in history if t.number)
    return leader.candidate != BASELINE or alone


def _commonest_failure(history: History) -> str:
    reasons = [t.reason for t in history if t.number and t.reason]
    if not reasons:
        return "No configuration finished: the budget was too short."
    commonest = max(set(reasons), key=reasons.count)
    return (
        f"No configuration finished: {reasons.count(commonest)} of {len(reasons)} "
        f"failed with {commonest}"
    )
