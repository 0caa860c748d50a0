"""From the history to a model: refit the winner on all rows, and explain it.

Both are tasks like any other, run side by side. A winner whose refit does not fit in
the time left gives way to the next best; the fallback is there if none does.
"""

from __future__ import annotations

import pickle
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.pipeline import Pipeline

from automl.baseline import baseline_pipeline
from automl.evaluate import IMPORTANCE_COLUMNS, Outcome, Task
from automl.facts import Importance
from automl.history import BASELINE, FAILED, History, Trial
from automl.pacing import IMPORTANCE_SHARE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from automl.budget import Budget
    from automl.kinds import Column
    from automl.search import Search
    from automl.table import Table

__all__ = ["SPARE_S", "Deployed", "Finish", "deployed", "importance_of"]

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
    seconds : dict
        Expected refit time of each trial, by number.
    growing : set of str
        Candidates whose fit can be cut short at the deadline.
    n_rows, n_train, n_workers : int
        Rows of the table and of a fold's training part; processes.
    first_serial : int
        Number of the first task.
    kept : bool, default=False
        Whether the leader's model of a holdout is there: a refit that was cut short is
        then only taken where that one cannot be.
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
        kept: bool = False,
    ) -> None:
        self.budget = budget
        self.kept = kept
        self.stump: Any = None
        self.growing = growing
        self.seconds = seconds
        self.n_rows = n_rows
        self.n_train = n_train
        self.n_workers = n_workers
        self.winner: Trial | None = None
        self.pipeline: Any = None
        self.refit: Outcome | None = None
        self.importance: dict[str, Any] | None = None
        self.errors: list[str] = []
        self._queue = _refit_order(history)
        self._serial = first_serial
        self._refitting: Task | None = None
        self._retried: list[Trial | None] = []
        self._importance_due = True
        self._lock = threading.Lock()  # asked from joblib's thread, told from ours

    def source(self) -> Task | None:
        """Return the next task, a short wait, or None at the end."""
        with self._lock:
            if self.pipeline is not None:
                return self._explain()
            if self._refitting is not None:
                return self._explain() or Task("wait", -1)
            trial = self._next_trial()
            if trial is None:
                return None
            if trial is not self.winner:  # another winner has another importance
                self.winner, self.importance = trial, None
                self._importance_due = True
            self._refitting = self._numbered(self._refit_task(trial))
            return self._refitting

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
        """Return the best trial whose refit can end in time, or be cut short there."""
        left = [t for t in self._queue if self._fits(t)]
        if not left:
            left = [t for t in self._queue if t.candidate in self.growing]
        if not left or self.budget.remaining_s < 2 * SPARE_S:
            return None
        self._queue.remove(left[0])
        return left[0]

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
        with self._lock:
            task = outcome.task
            if task.kind == "importance":
                if self.winner is not None and task.trial == self.winner.number:
                    self.importance = outcome.value
                return
            if self._refitting is None or task.serial != self._refitting.serial:
                return  # left over from the search
            if outcome.error is None:
                self.refit = outcome
                self._note_cut(outcome)
                if outcome.truncated and self.kept:
                    self.stump = outcome.value
                else:
                    self.pipeline = outcome.value
            elif (
                outcome.error in ("crash", "lost") and self.winner not in self._retried
            ):
                self._retried.append(self.winner)  # its pool died beside it
                if self.winner is not None:
                    self._queue.insert(0, self.winner)
            else:
                reason = outcome.detail or outcome.error.strip().splitlines()[-1][:200]
                self.errors.append(
                    f"Trial {task.trial} could not be fitted on all rows ({reason})."
                )
            self._refitting = None

    def _note_cut(self, outcome: Outcome) -> None:
        if outcome.truncated:
            self.errors.append(
                f"The fit of trial {outcome.task.trial} on all rows was cut short at "
                f"the end of the budget, before its {outcome.task.rounds} rounds."
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
    """Return trials to refit, best first; none if the baseline leads.

    Where nothing has finished, those that beat the baseline on the folds they have.
    """
    finished = history.finished()
    others = [t for t in finished if t.candidate != BASELINE]
    if others:
        return [] if finished[0].candidate == BASELINE else others[:REFITS]
    begun = [t for t in history if t.number and t.scores and t.status not in FAILED]
    ahead = {t.number: _ahead(t, history[0]) for t in begun}
    order = sorted(begun, key=lambda t: -ahead[t.number])
    return [t for t in order if ahead[t.number] > 0][:REFITS]


def _ahead(trial: Trial, baseline: Trial) -> float:
    """Return the mean lead over the baseline on the folds that a trial has."""
    pairs = [(s, baseline.scores.get(k)) for k, s in trial.scores.items()]
    return float(np.mean([s - b for s, b in pairs if b is not None] or [0.0]))


def importance_of(
    raw: dict[str, Any] | None, columns: tuple[Column, ...]
) -> Importance | None:
    """Return the importance under the user's names, most important first."""
    if not raw or not raw["drops"]:
        return None
    names = {c.id: str(c.name) for c in columns}
    drops = raw["drops"]
    order = sorted(drops, key=lambda key: -float(np.mean(drops[key])))
    left_out = sum(c.used for c in columns) - len(drops)
    note = (
        f"Drop in the score when a column is permuted: {raw['n_test']:,} held-out "
        f"rows, a model fitted to {raw['n_train']:,} others, 3 permutations."
    )
    if left_out:
        why = (
            "only so many are permuted"
            if len(drops) >= IMPORTANCE_COLUMNS
            else ("the time for it was up")
        )
        note += f" {left_out} columns, drawn by chance, were left out: {why}."
    return Importance(
        columns=tuple(names[n] for n in order),
        mean=tuple(float(np.mean(drops[n])) for n in order),
        std=tuple(float(np.std(drops[n])) for n in order),
        note=note,
    )


@dataclass(frozen=True)
class Deployed:
    """What predicts after a run.

    Attributes
    ----------
    trial : Trial
        The configuration that was fitted, with its own score; the small model that was
        fitted first has none (NaN).
    shown : int
        Number of the trial that the report is about.
    pipeline : Pipeline
        From the raw table.
    notes : tuple of str
        What to say where it is not the leader, fitted on all rows.
    """

    trial: Trial
    shown: int
    pipeline: Pipeline
    notes: tuple[str, ...]


def deployed(
    finish: Finish, search: Search, history: History, table: Table, scratch: Path
) -> Deployed:
    """Return what predicts: the refit, a holdout's model, the small one, a constant."""
    leader = history.finished()[0]
    notes = list(finish.errors)
    if finish.pipeline is not None and finish.winner is not None:
        winner, shown = finish.winner, finish.winner.number
        if winner.status != "ok":
            shown = leader.number
            notes.append(
                f"No configuration finished all folds: the model is that of trial "
                f"{winner.number}, which was scored on {len(winner.scores)} of them."
            )
        elif winner.number != leader.number:
            notes.append(
                f"Trial {leader.number} scored best, but was not fitted on all "
                f"rows in the time left; trial {winner.number} was taken."
            )
        pipeline = _from_raw(table, finish.pipeline)
        return Deployed(winner, shown, pipeline, tuple(notes))
    kept = scratch / "models" / f"{leader.number}.pkl"
    if kept.exists():
        model = pickle.loads(kept.read_bytes())  # noqa: S301 - our own file
        if _knows_all_classes(model, table):
            notes.append(
                "The model is the one that was fitted to the holdout's training "
                "rows: a refit on all rows did not fit in the time left."
            )
            return Deployed(
                leader, leader.number, _from_raw(table, model), tuple(notes)
            )
    if finish.stump is not None:
        return Deployed(
            leader, leader.number, _from_raw(table, finish.stump), tuple(notes)
        )
    alone = all(t.status != "ok" for t in history if t.number)
    if (
        (alone or leader.candidate != BASELINE)
        and search.fallback is not None
        and _knows_all_classes(search.fallback, table)
    ):
        notes.append(
            "No configuration was fitted on all rows in the time left: the model "
            "is the small one that was fitted first, and was never scored."
        )
        trial = Trial(-1, search.fallback_task.candidate, {}, "fallback", "ok")
        return Deployed(
            trial, leader.number, _from_raw(table, search.fallback), tuple(notes)
        )
    if alone:
        notes.append(_commonest_failure(history))
    elif leader.candidate != BASELINE:
        notes.append(
            f"Trial {leader.number} scored best, but no configuration was fitted "
            "on all rows in the time left: the model is the constant prediction."
        )
    return Deployed(
        history[0], history[0].number, baseline_pipeline(table), tuple(notes)
    )


def _from_raw(table: Table, pipeline: Pipeline) -> Pipeline:
    return Pipeline([("encode", table.encoder), *pipeline.steps])


def _knows_all_classes(pipeline: Pipeline, table: Table) -> bool:
    """Return whether a model that saw a part of the rows saw every class."""
    return table.classes is None or len(pipeline.classes_) == len(table.classes)


def _commonest_failure(history: History) -> str:
    reasons = [t.reason for t in history if t.number and t.reason]
    if not reasons:
        return "No configuration finished: the budget was too short."
    commonest = max(set(reasons), key=reasons.count)
    return (
        f"No configuration finished: {reasons.count(commonest)} of {len(reasons)} "
        f"failed with {commonest}"
    )
