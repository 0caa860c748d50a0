"""A run's folder: opened anew or taken up again, and closed with what came of it.

What a later session needs to go on, or to make the same model again, is written at the
beginning and at the end.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.affordable import affordable
from automl.baseline import baseline_scores, score_baseline
from automl.environment import environment
from automl.exceptions import AutoMLConfigError, AutoMLResourceError
from automl.history import History
from automl.identity import identity, refuse_another
from automl.journal import FORMAT, Journal, read_facts
from automl.recipe import checked_predictions, digest
from automl.resume import Restored, refuse_headless, restore, resumed_budget

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import ExitStack
    from pathlib import Path

    from sklearn.pipeline import Pipeline

    from automl.budget import Budget
    from automl.candidates import Candidate
    from automl.known import Known
    from automl.memory import Guard
    from automl.problem import Problem
    from automl.settings import Settings

__all__ = ["Session", "take_up"]

JOURNAL = "journal.jsonl"

APART, ZERO = 1e-6, 1e-12
"""How far two scores of the same predictions may be apart, as a share and beside it:
rounding is far less."""

OURS = frozenset(["command.json", "journal.lock", "oof"])
"""What may lie in a folder before its run has begun."""


@dataclass(frozen=True)
class Session:
    """One go at a run, the first or a later one.

    Attributes
    ----------
    settings : Settings
        What the user asked for; seed and folds of an earlier session, where he left
        them open, and what is left of the budget.
    asked : Budget
        The budget as it was asked for.
    journal : Journal or None
        Of an earlier session, opened and locked.
    restored : Restored or None
        Where earlier sessions stood.
    facts : dict or None
        Of the report, if an earlier session came to its end.
    """

    settings: Settings
    asked: Budget
    journal: Journal | None = None
    restored: Restored | None = None
    facts: dict[str, Any] | None = None

    @property
    def budget(self) -> Budget:
        """What is left to spend."""
        return self.settings.budget

    @property
    def repeats(self) -> bool:
        """Whether the search is run again from its start, answered by the journal."""
        return (
            self.restored is not None
            and self.restored.ordered
            and self.budget.time_s is None
        )

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to search."""
        if self.restored is None or self.facts is None:
            return False
        had = self.restored.finish or {}
        same = all(had.get(k) == v for k, v in _deployment(self.settings).items())
        return same and self.restored.is_over(self.asked)

    @property
    def idle(self) -> tuple[str, ...]:
        """Why there is nothing left to search, if that is so."""
        if self.restored is None:
            return ()
        why = self.restored.used_up(self.asked, over=self.is_over)
        return (why,) if why else ()

    @property
    def known(self) -> Mapping[tuple[int, int], Known]:
        """Folds that the search need not have run again."""
        if self.restored is None or not self.repeats:
            return {}
        return self.restored.known

    @property
    def earlier_s(self) -> float:
        """Seconds that earlier sessions took."""
        return 0.0 if self.restored is None else self.restored.elapsed_s

    @property
    def notes(self) -> tuple[str, ...]:
        """What to say about earlier sessions."""
        if self.restored is None:
            return ()
        n = sum(1 for t in self.restored.history if t.number and t.folds)
        notes = [
            (
                f"The run was resumed: {n} configurations and "
                f"{self.restored.elapsed_s:.1f} seconds are from earlier sessions."
            )
        ]
        if self.restored.damaged:
            notes.append(
                f"{self.restored.damaged} damaged line(s) of the journal were left out."
            )
        return (*notes, *self.idle)

    def begin(
        self, problem: Problem, n_workers: int, scratch: Path, stack: ExitStack
    ) -> Journal:
        """Return the open journal, with this session's beginning written down.

        Raises
        ------
        AutoMLConfigError
            If earlier sessions were of another run (``E-resume``), before anything is
            written, or if the folder cannot be used (``E-path``).
        AutoMLResourceError
            If another run was begun there meanwhile (``E-locked``).
        """
        facts = self._opening(problem, n_workers)
        folder = self.settings.run_dir
        if self.restored is not None and folder is not None:
            then = self.restored.start["identity"]
            refuse_another(folder, then, facts["identity"])
            _refuse_other_metric(folder, problem, self.restored.history)
        journal = self.journal
        if journal is None:
            home = scratch / "run" if folder is None else _open_run_dir(folder)
            durable = folder is not None
            journal = stack.enter_context(Journal(home, durable=durable))
            _refuse_begun(journal, home)
        journal.clock = lambda: self.budget.elapsed_s
        if self.restored is None:
            journal.write("start", facts)
        elif not self.is_over:
            journal.write("resume", facts)
        return journal

    def afford(
        self, problem: Problem, guard: Guard, n_workers: int, journal: Journal
    ) -> tuple[tuple[Candidate, ...], int, tuple[str, ...]]:
        """Return candidates and processes that there is memory for, and what is not.

        Which candidates these are is written down.
        """
        before = () if self.restored is None else self.restored.history
        searched = None if self.restored is None else self.restored.searched
        found = affordable(
            problem, guard, n_workers, tried={t.candidate for t in before},
            begun_with=searched if self.repeats else None,
        )  # fmt: skip
        journal.write("candidates", {"names": [c.name for c in found[0]]})
        return found

    def first_history(self, problem: Problem, journal: Journal) -> History:
        """Return the history to go on with; the baseline at least."""
        if self.restored is not None and len(self.restored.history):
            history = self.restored.reopened
            if history[0].status == "ok":
                return History(history.trials[:1]) if self.repeats else history
        first = score_baseline(
            problem.table, problem.folds, problem.metric, journal, self.budget.started
        )
        if self.restored is None or self.repeats:
            return first
        return History((*first.trials, *self.restored.reopened.trials[1:]))

    def end(
        self,
        journal: Journal,
        facts: Mapping[str, Any],
        recipe: Mapping[str, Any],
        pipeline: Pipeline,
        problem: Problem,
    ) -> None:
        """Write down what the run came to, the facts of the report first.

        Parameters
        ----------
        journal : Journal
            Of the run.
        facts : dict
            Of the report.
        recipe : dict
            How the model was fitted, and what else there is to say of the end.
        pipeline : Pipeline
            What predicts; some of its predictions are kept, to know it again by.
        problem : Problem
            What the run worked on.
        """
        if self.settings.run_dir is None:
            return
        found = checked_predictions(pipeline, problem.table)
        journal.keep_text("facts.json", json.dumps(facts, allow_nan=False))
        journal.keep_array("winner.npy", found)
        ending = {
            "predictions": digest(found),
            "elapsed": self.budget.elapsed_s,
            "budget": limits(self.asked),
            **_deployment(self.settings),
        }
        journal.write("finish", {**recipe, **ending})

    def keep(self, facts: Mapping[str, Any]) -> Journal:
        """Write down what was found out about a finished run; return where."""
        if self.journal is None:
            raise AssertionError("only a run of an earlier session is finished")
        self.journal.keep_text("facts.json", json.dumps(facts, allow_nan=False))
        return self.journal

    @property
    def _is_ordered(self) -> bool:
        """Whether this session and all before it had budgets in trials alone."""
        before = self.restored is None or self.restored.ordered
        return before and self.asked.time_s is None

    def _opening(self, problem: Problem, n_workers: int) -> dict[str, Any]:
        table, settings = problem.table, self.settings
        versions = environment(n_workers)
        return {
            "format": FORMAT,
            "identity": identity(
                table, problem.metric, problem.folds, problem.candidates,
                settings.random_state, versions["automl-pipelines"],
            ),
            "settings": {**settings.shown, "task": settings.task},
            "budget": limits(self.asked),
            "ordered": self._is_ordered,
            "random_state": settings.random_state,
            "cv": problem.cv,
            "n_folds": len(problem.folds),
            "folds": problem.folds.name,
            "fingerprint": table.fingerprint,
            "task": table.task,
            "target": str(table.target),
            "metric": problem.metric.name,
            "n_rows": table.n_rows,
            "n_columns": len(table.columns),
            "versions": versions,
        }  # fmt: skip


def _deployment(settings: Settings) -> dict[str, Any]:
    """Return what decides, beside the search, on what predicts."""
    limits = {
        "max_predict_ms": settings.max_predict_ms,
        "max_model_mib": settings.max_model_mib,
    }
    return {
        "ensemble": settings.ensemble,
        "deploy": settings.deploy,
        "select": settings.select,
        **limits,
    }


def limits(budget: Budget) -> dict[str, float | None]:
    """Return a budget's limits as JSON values."""
    return {"time_s": budget.time_s, "n_trials": budget.n_trials}


def take_up(settings: Settings, stack: ExitStack) -> Session:
    """Return the session that these settings begin or take up again.

    Parameters
    ----------
    settings : Settings
        What the user asked for.
    stack : ExitStack
        Closes the journal, if there is one.

    Raises
    ------
    AutoMLResourceError
        If another process writes there (``E-locked``).
    AutoMLDataError
        If a newer version has written it (``E-journal-format``), or if its first line
        is damaged and no later session began (``E-journal``).
    """
    asked, folder = settings.budget, settings.run_dir
    if folder is None or not _is_begun(folder):
        return Session(settings, asked)
    journal = stack.enter_context(Journal(folder))
    events, damaged = journal.read()
    restored = restore(events, damaged, journal.has_predictions)
    if restored is None:  # killed before its first line was written
        refuse_headless(folder, events)
        return Session(settings, asked, journal)
    settings = replace(settings, budget=resumed_budget(asked, restored))
    if settings.shown.get("random_state") is None:
        settings = replace(settings, random_state=restored.seed)
    if isinstance(settings.cv, str) and settings.cv == "auto":
        settings = replace(settings, cv=restored.start.get("cv") or "auto")
    return Session(settings, asked, journal, restored, read_facts(folder))


def _is_begun(folder: Path) -> bool:
    """Return whether a folder holds a run; refuse one that cannot be looked at."""
    try:
        return (folder / JOURNAL).is_file()
    except OSError as error:
        raise AutoMLConfigError(
            f"run_dir={str(folder)!r} cannot be looked at: {error.strerror or error}.",
            code="E-path",
        ) from None


def _refuse_begun(journal: Journal, folder: Path) -> None:
    """Refuse a folder in which another run was begun while this one read its data."""
    if journal.path.stat().st_size:
        raise AutoMLResourceError(
            f"run_dir={str(folder)!r} has got another run meanwhile. Choose another "
            "folder, or start again to go on with that run.",
            code="E-locked",
        )


def _refuse_other_metric(folder: Path, problem: Problem, history: History) -> None:
    """Refuse a metric of the user's own that has the name of another.

    It is known by what it says of the baseline, unless it says something else each
    time.
    """
    metric = problem.metric
    if not metric.own or not len(history):
        return

    then = {k: v for k, v in history[0].scores.items() if k < len(problem.folds)}

    def score() -> list[float]:
        found = baseline_scores(problem.table, problem.folds, metric)
        return [found[k] for k in then]

    now = score()
    if _alike(now, list(then.values())) or not _alike(now, score()):
        return
    raise AutoMLConfigError(
        f"run_dir={str(folder)!r} holds a run with another metric: it is called "
        f"{metric.name}, too, and gives the baseline other scores. Give what it "
        "was begun with, or choose another folder.",
        code="E-resume",
    )


def _alike(some: list[float], others: list[float]) -> bool:
    return np.allclose(some, others, APART, ZERO)


def _open_run_dir(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = {path.name for path in folder.iterdir()}
    except OSError as error:
        raise AutoMLConfigError(
            f"run_dir={str(folder)!r} cannot be used: {error.strerror}.",
            code="E-path",
        ) from None
    if found - OURS and JOURNAL not in found:  # whose it is, its lock will say
        raise AutoMLConfigError(
            f"run_dir={str(folder)!r} is not empty, and holds no run; a new folder or "
            "that of a run was expected. Choose another name or remove it.",
            code="E-path",
        )
    if not os.access(folder, os.W_OK):
        raise AutoMLConfigError(
            f"run_dir={str(folder)!r} cannot be written to.", code="E-path"
        )
    return folder
