"""Tells observers of a run's history, in the thread that runs the loop."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from automl.snapshot import Notify, Snapshot
from automl.trial import FAILED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl.budget import Budget
    from automl.folds import Folds
    from automl.history import History
    from automl.metrics import Metric
    from automl.search import Search
    from automl.table import Table

__all__ = ["Teller", "announcement"]


class Teller:
    """Tells observers of a history, in the thread that runs the loop."""

    def __init__(
        self,
        notify: Notify,
        budget: Budget,
        metric: Metric,
        titles: Mapping[str, str],
    ) -> None:
        self.notify = notify
        self.titles = titles
        self.budget = budget
        self.metric = metric
        self.best: int | None = None

    def tell(self, phase: str, message: str, history: History | None = None) -> bool:
        """Tell of a moment; return whether to stop."""
        n_of = Counter(t.status for t in history or () if t.number)
        finished = history.finished() if history is not None and n_of else ()
        leader = finished[0] if finished else None
        return bool(
            self.notify(
                Snapshot(
                    phase=phase,
                    message=message,
                    elapsed_s=self.budget.elapsed_s,
                    time_budget_s=self.budget.time_s,
                    n_trials=n_of.total(),
                    n_trials_budget=self.budget.n_trials,
                    n_finished=n_of["ok"],
                    n_failed=sum(n_of[status] for status in FAILED),
                    metric=self.metric.name,
                    best=self.metric.natural(leader.score) if leader else None,
                    best_candidate=leader.candidate if leader else None,
                )
            )
        )

    def tell_changes(self, search: Search) -> None:
        """Tell of trials that started or ended; pass on a wish to stop."""
        for trial in search.take_changes():
            message, phase = "", "search"
            if trial.status == "ok":
                leader = search.history.finished()[0]
                value = self.metric.natural(trial.score)
                phase = "trial"
                title = self.titles[trial.candidate]
                message = f"Trial {trial.number}, {title}: {value:.6g}."
                if leader.number == trial.number != self.best:
                    self.best = leader.number
                    phase = "search"
                    message = (
                        f"New best: {title}, {self.metric.name} {value:.6g} "
                        f"(trial {trial.number})."
                    )
            elif trial.status != "running":
                phase = "trial"
                title = self.titles[trial.candidate]
                message = (
                    f"Trial {trial.number}, {title}: {trial.status}, {trial.reason}."
                )
            if self.tell(phase, message, search.history):
                search.stopped = True


def announcement(table: Table, metric: Metric, folds: Folds) -> str:
    """Return what is about to be done, and why, in a sentence."""
    kind = "Regression"
    if table.is_classification:
        kind = f"{table.task.capitalize()} classification"
    return (
        f"{kind} of {table.target!r}, as {table.task_reason}; {table.n_rows:,} rows, "
        f"{len(table.used)} columns, {metric.name}, {folds.name}."
    )
