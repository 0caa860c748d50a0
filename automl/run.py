"""A run from beginning to end: read, search, refit, explain, write down.

Every decision is made elsewhere; here the parts meet in order, and what a run leaves
on disk is made and removed.
"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.baseline import score_baseline, scoreable
from automl.candidates import Candidate, load_candidates
from automl.environment import environment
from automl.exceptions import AutoMLConfigError
from automl.facts import RunRecord, build_facts
from automl.fitting import unweighted
from automl.folds import Folds, choose_cv, make_folds
from automl.history import BASELINE, History, Trial
from automl.journal import FORMAT, Journal
from automl.metrics import Metric, resolve_metric
from automl.pipeline import Layout, idle_options
from automl.runner import Runner, stop_workers
from automl.search import Plan, Search
from automl.settings import Settings, count_workers
from automl.space import without
from automl.table import Table, make_table, warn_of_notes
from automl.teller import Teller, announcement
from automl.winner import Finish, deployed, importance_of
from automl.workplace import close_workplace, write_workplace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sklearn.pipeline import Pipeline

    from automl.budget import Budget
    from automl.snapshot import Notify

__all__ = ["Run", "run"]

INTERRUPT_S = 4.0
"""Seconds that an interrupted run takes to fit its best configuration."""


@dataclass(frozen=True)
class Run:
    """What a run came to.

    Attributes
    ----------
    table, metric, folds, history
        As searched.
    winner : Trial
        The configuration that predicts; the baseline if nothing else finished.
    pipeline : Pipeline
        Fitted on all rows, from the raw table.
    facts : dict
        For the report.
    notes : tuple of str
        Sentences about the run.
    interrupted : bool
        Whether the user stopped it.
    """

    table: Table
    metric: Metric
    folds: Folds
    history: History
    winner: Trial
    pipeline: Pipeline
    facts: dict[str, Any]
    notes: tuple[str, ...]
    interrupted: bool


def run(
    X: Any,
    y: Any,
    settings: Settings,
    notify: Notify,
    *,
    groups: Any = None,
    time: Any = None,
    sample_weight: Any = None,
) -> Run:
    """Return what a run on this table came to.

    Parameters
    ----------
    X, y, groups, time, sample_weight
        As in `automl.table.make_table`.
    settings : Settings
        What the user asked for.
    notify : callable
        Told of the progress; its True asks to stop.

    Raises
    ------
    AutoMLDataError, AutoMLConfigError
        Before any worker starts, if the data or a parameter cannot be used.
    """
    started_utc = datetime.now(UTC).isoformat(timespec="seconds")
    budget = settings.budget
    n_workers = count_workers(settings.n_jobs)
    candidates = load_candidates(settings.candidates)
    with ExitStack() as stack:
        table = make_table(
            X, y, task=settings.task, metric=settings.metric, groups=groups,
            time=time, sample_weight=sample_weight,
            drop_missing_target=settings.drop_missing_target,
        )  # fmt: skip
        warn_of_notes(table)
        metric = resolve_metric(settings.metric, table.task)
        folds, dropped = scoreable(table, _folds(table, settings, n_workers), metric)
        fitting = _fitting(candidates, table)
        scratch = Path(stack.enter_context(_temporary()))
        home = _open_run_dir(settings.run_dir) or scratch / "run"
        journal = stack.enter_context(Journal(home))
        journal.write("start", _opening(settings, table, folds, n_workers))
        titles = {c.name: c.title for c in fitting} | {BASELINE: "Baseline"}
        teller = Teller(notify, budget, metric, titles)
        teller.tell("start", announcement(table, metric, folds))
        history = score_baseline(table, folds, metric, journal, budget.started)
        write_workplace(
            scratch, table, folds, metric, {c.name: c for c in fitting},
            settings.random_state,
        )  # fmt: skip
        plan = Plan(
            fitting, len(folds), table.n_rows, _mean_train(folds), n_workers,
            settings.random_state,
        )  # fmt: skip
        queued = n_workers if len(folds) > 1 else 0  # a holdout's fits are long
        runner = Runner(n_workers, scratch, queued)
        stack.callback(stop_workers if n_workers > 1 else close_workplace)
        search = Search(plan, budget, history, journal)
        read_s = budget.elapsed_s
        interrupted = _loop(runner, search, teller)
        history = search.finish()
        searched_s = budget.elapsed_s
        teller.tell("refit", "", history)
        finish = _finish(runner, search, history, plan, interrupted=interrupted)
        out = deployed(finish, search, history, table, scratch)
        notes = (
            *table.notes, *folds.notes, *dropped, *unweighted(fitting, table),
            *out.notes,
        )  # fmt: skip
        teller.tell("report", "", history)
        facts = build_facts(
            RunRecord(
                table=table, metric=metric, folds=folds, trials=history.trials,
                winner=out.shown, predictions=_predictions(journal, folds, table),
                titles=titles, pipeline=out.pipeline, settings=dict(settings.shown),
                importance=importance_of(finish.importance, table.columns),
                timeline=_timeline(budget, read_s, searched_s),
                interrupted=interrupted or search.stopped,
                started_utc=started_utc,
                environment=environment(n_workers), notes=notes,
            )
        )  # fmt: skip
        journal.write(
            "finish", {"winner": out.trial.number, "elapsed": budget.elapsed_s}
        )
        if settings.run_dir is not None:
            _write_private(home / "facts.json", json.dumps(facts, allow_nan=False))
        teller.tell("end", _verdict(facts), history)
    return Run(
        table, metric, folds, history, out.trial, out.pipeline, facts, notes,
        interrupted or search.stopped,
    )  # fmt: skip


def _folds(table: Table, settings: Settings, n_workers: int) -> Folds:
    cv = settings.cv
    if isinstance(cv, str) and cv == "auto":
        time_s = settings.budget.time_s
        cv = choose_cv(
            table.n_rows, table.X.shape[1], table.n_classes,
            core_seconds=None if time_s is None else time_s * n_workers,
        )  # fmt: skip
    return make_folds(
        table.y, cv=cv, stratify=table.is_classification, groups=table.groups,
        time=table.time, random_state=settings.random_state, kept=table.kept,
        copies=table.copies,
    )  # fmt: skip


def _fitting(
    candidates: Mapping[str, Candidate], table: Table
) -> tuple[Candidate, ...]:
    """Return the candidates that suit task and size."""
    size = (table.task, table.n_rows, table.X.shape[1], table.n_classes)
    idle = idle_options(Layout.of(table))
    fitting = tuple(without(c, idle) for c in candidates.values() if c.fits(*size))
    if not fitting:
        raise AutoMLConfigError(
            f"None of the candidates ({', '.join(candidates)}) suits a {table.task} "
            f"table of {table.n_rows} rows by {table.X.shape[1]} columns.",
            code="E-candidates",
        )
    return fitting


def _temporary() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="automl-", ignore_cleanup_errors=True)


def _open_run_dir(folder: Path | None) -> Path | None:
    if folder is None:
        return None
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        used = any(folder.iterdir())
    except OSError as error:
        raise AutoMLConfigError(
            f"run_dir={str(folder)!r} cannot be used: {error.strerror}.",
            code="E-path",
        ) from None
    if used:
        raise AutoMLConfigError(
            f"run_dir={str(folder)!r} is not empty; a new folder was expected. Choose "
            "another name or remove it.",
            code="E-path",
        )
    if not os.access(folder, os.W_OK):
        raise AutoMLConfigError(
            f"run_dir={str(folder)!r} cannot be written to.", code="E-path"
        )
    return folder


def _opening(
    settings: Settings, table: Table, folds: Folds, n_workers: int
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "settings": dict(settings.shown),
        "random_state": settings.random_state,
        "fingerprint": table.fingerprint,
        "task": table.task,
        "n_rows": table.n_rows,
        "n_columns": len(table.columns),
        "folds": folds.name,
        "versions": environment(n_workers),
    }


def _loop(runner: Runner, search: Search, teller: Teller) -> bool:
    """Run the search; return whether the user interrupted it."""
    if not search.ordered:
        _import_ahead(runner)
    try:
        for outcome in runner.run(search.source):
            search.tell(outcome)
            teller.tell_changes(search)
    except KeyboardInterrupt:
        search.stopped = True
        return True
    return False


def _import_ahead(runner: Runner) -> None:
    """Import hyperopt while the workers start: it takes a second, and is used later."""
    if runner.n_jobs > 1:
        import threading

        threading.Thread(target=__import__, args=("hyperopt",), daemon=True).start()


def _finish(
    runner: Runner, search: Search, history: History, plan: Plan, *, interrupted: bool
) -> Finish:
    budget = search.budget
    if interrupted:
        time_s = budget.elapsed_s + INTERRUPT_S
        if budget.time_s is not None:
            time_s = min(time_s, budget.time_s)
        budget = replace(budget, time_s=time_s)
    seconds = {t.number: search.refit_seconds(t) for t in history}
    if search.keeps_models:  # a cheaper configuration is no match for a kept model
        leader = next(iter(history.finished()), None)
        seconds = {
            n: s if leader is None or n == leader.number else float("inf")
            for n, s in seconds.items()
        }
    finish = Finish(
        history,
        budget,
        seconds,
        n_rows=plan.n_rows,
        n_train=plan.n_train,
        n_workers=plan.n_workers,
        first_serial=10_000_000,
        growing={c.name for c in plan.candidates if c.resource is not None},
    )
    try:
        for outcome in runner.run(finish.source):
            finish.tell(outcome)
    except KeyboardInterrupt:
        finish.errors.append("The fit on all rows was interrupted.")
    return finish


def _mean_train(folds: Folds) -> int:
    """Return the mean number of training rows: forward splits grow."""
    return round(float(np.mean([len(train) for train, _ in folds.splits])))


def _timeline(budget: Budget, read_s: float, searched_s: float) -> dict[str, float]:
    """Return where the time went, in seconds; called when the refit is done."""
    elapsed_s = budget.elapsed_s
    return {
        "read": read_s,
        "search": searched_s - read_s,
        "refit": elapsed_s - searched_s,
        "total": elapsed_s,
        "budget": np.nan if budget.time_s is None else budget.time_s,
    }


def _predictions(
    journal: Journal, folds: Folds, table: Table
) -> Callable[[int], np.ndarray]:
    """Return the reader of a trial's out-of-fold predictions."""

    def read(trial: int) -> np.ndarray:
        shape = (table.n_rows, table.n_classes) if table.n_classes else (table.n_rows,)
        whole = np.full(shape, np.nan, dtype=np.float32)
        for k, (_, test) in enumerate(folds.splits):
            whole[test] = journal.predictions(trial, k)
        return whole

    return read


def _verdict(facts: Mapping[str, Any]) -> str:
    verdict = facts.get("verdict", {})
    return str(verdict.get("sentence", "")) if isinstance(verdict, dict) else ""


def _write_private(path: Path, text: str) -> None:
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.chmod(0o600)
    part.replace(path)
