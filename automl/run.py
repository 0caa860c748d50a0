"""A run from beginning to end: read, search, refit, explain, write down.

Every decision is made elsewhere; here the parts meet in order, and what a run leaves
on disk is made and removed.
"""

from __future__ import annotations

import json
import os
import pickle
import platform
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from automl.baseline import baseline_pipeline, score_baseline
from automl.budget import Budget
from automl.candidates import Candidate, load_candidates
from automl.evaluate import close_workplace, write_workplace
from automl.exceptions import AutoMLConfigError, AutoMLNoModelError
from automl.facts import Importance, RunRecord, build_facts
from automl.folds import Folds, choose_cv, make_folds
from automl.history import BASELINE, FORMAT, History, Journal, Trial
from automl.metrics import Metric, resolve_metric
from automl.pipeline import Layout, idle_options
from automl.runner import Runner, stop_workers, usable_cores
from automl.search import Plan, Search
from automl.snapshot import Notify, Snapshot
from automl.space import without
from automl.table import Table, make_table, warn_of_notes
from automl.winner import Finish, importance_of

__all__ = ["Run", "Settings", "run"]

INTERRUPT_S = 4.0
"""Seconds that an interrupted run takes to fit its best configuration."""


@dataclass(frozen=True)
class Settings:
    """What the user asked for; see `automl.AutoML` for each."""

    task: str
    metric: Any
    budget: Budget
    cv: Any
    candidates: Any
    n_jobs: int
    random_state: int
    run_dir: Path | None
    shown: Mapping[str, Any]


@dataclass(frozen=True)
class Run:
    """What a run came to.

    Attributes
    ----------
    table, metric, folds, history
        As searched.
    winner : Trial
        The configuration that was refitted; the baseline if nothing else finished.
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
    AutoMLNoModelError
        If not even a baseline could be scored.
    """
    budget = settings.budget
    n_workers = count_workers(settings.n_jobs)
    candidates = load_candidates(settings.candidates)
    with ExitStack() as stack:
        table = make_table(
            X, y, task=settings.task, metric=settings.metric, groups=groups,
            time=time, sample_weight=sample_weight,
        )  # fmt: skip
        warn_of_notes(table)
        metric = resolve_metric(settings.metric, table.task)
        folds = _folds(table, settings, n_workers)
        fitting = _fitting(candidates, table)
        scratch = Path(stack.enter_context(_temporary()))
        home = _open_run_dir(settings.run_dir) or scratch / "run"
        journal = stack.enter_context(Journal(home))
        journal.write("start", _opening(settings, table, folds))
        titles = {c.name: c.title for c in fitting} | {BASELINE: "Baseline"}
        teller = _Teller(notify, budget, metric, titles)
        teller.tell("start", _announcement(table, metric, folds))
        history = score_baseline(table, folds, metric, journal, budget.started)
        if not np.isfinite(history[0].score):
            raise AutoMLConfigError(
                f"The metric {metric.name} gave no number for the baseline; check that "
                "it suits the target.",
                code="E-metric",
            )
        write_workplace(
            scratch, table, folds, metric, {c.name: c for c in fitting},
            settings.random_state,
        )  # fmt: skip
        plan = Plan(
            fitting, len(folds), table.n_rows, len(folds.splits[0][0]), n_workers,
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
        winner, pipeline, notes = _deployed(finish, search, history, table, scratch)
        refitted_s = budget.elapsed_s
        teller.tell("report", "", history)
        record = RunRecord(
            table=table, metric=metric, folds=folds, trials=history.trials,
            winner=winner.number, predictions=_predictions(journal, folds, table),
            titles=titles,
            importance=_importance(finish, table), pipeline=pipeline,
            settings=dict(settings.shown),
            timeline={
                "read": read_s, "search": searched_s - read_s,
                "refit": refitted_s - searched_s, "report": 0.0,
                "total": budget.elapsed_s,
                "budget": budget.time_s if budget.time_s is not None else np.nan,
            },
            interrupted=interrupted,
            started_utc=datetime.now(UTC).isoformat(timespec="seconds"),
            environment=environment(n_workers),
            notes=(*table.notes, *notes),
        )  # fmt: skip
        facts = build_facts(record)
        journal.write("finish", {"winner": winner.number, "elapsed": budget.elapsed_s})
        if settings.run_dir is not None:
            _write_private(home / "facts.json", json.dumps(facts, allow_nan=False))
        teller.tell("end", _verdict(facts), history)
    return Run(
        table, metric, folds, history, winner, pipeline, facts,
        (*table.notes, *notes), interrupted,
    )  # fmt: skip


def count_workers(n_jobs: Any) -> int:
    """Return how many processes ``n_jobs`` means.

    Raises
    ------
    AutoMLConfigError
        If it is 0 or no whole number (``E-n-jobs``).

    Examples
    --------
    >>> count_workers(3)
    3
    """
    if n_jobs is None:
        return 1
    if (
        isinstance(n_jobs, bool)
        or not isinstance(n_jobs, int | np.integer)
        or not n_jobs
    ):
        raise AutoMLConfigError(
            f"n_jobs={n_jobs!r} must be a whole number of processes: 1 or more, or -1 "
            "for all cores.",
            code="E-n-jobs",
        )
    if n_jobs > 0:
        return int(n_jobs)
    return max(1, usable_cores() + 1 + int(n_jobs))


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


def _announcement(table: Table, metric: Metric, folds: Folds) -> str:
    """Return what is about to be done, and why, in a sentence."""
    kind = "Regression"
    if table.is_classification:
        kind = f"{table.task.capitalize()} classification"
    return (
        f"{kind} of {table.target!r}, as {table.task_reason}; {table.n_rows:,} rows, "
        f"{len(table.used)} columns, {metric.name}, {folds.name}."
    )


def _opening(settings: Settings, table: Table, folds: Folds) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "settings": dict(settings.shown),
        "random_state": settings.random_state,
        "fingerprint": table.fingerprint,
        "task": table.task,
        "n_rows": table.n_rows,
        "n_columns": len(table.columns),
        "folds": folds.name,
        "versions": environment(settings.n_jobs),
    }


def environment(n_workers: int) -> dict[str, str]:
    """Return versions and machine, as far as they decide what comes out."""
    facts = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores used": str(n_workers),
    }
    for name in (
        "automl-pipelines", "scikit-learn", "lightgbm", "hyperopt", "joblib",
        "pandas", "numpy", "scipy",
    ):  # fmt: skip
        try:
            facts[name] = version(name)
        except PackageNotFoundError:  # run from a checkout that is not installed
            facts[name] = "not installed"
    return facts


class _Teller:
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
        trials = [] if history is None else [t for t in history if t.number]
        finished = [] if history is None else history.finished()
        leader = finished[0] if finished and trials else None
        return bool(
            self.notify(
                Snapshot(
                    phase=phase,
                    message=message,
                    elapsed_s=self.budget.elapsed_s,
                    time_budget_s=self.budget.time_s,
                    n_trials=len(trials),
                    n_trials_budget=self.budget.n_trials,
                    n_finished=sum(t.status == "ok" for t in trials),
                    n_failed=sum(
                        t.status in ("error", "invalid_score", "timeout")
                        for t in trials
                    ),
                    metric=self.metric.name,
                    best=self.metric.natural(leader.score) if leader else None,
                    best_candidate=leader.candidate if leader else None,
                )
            )
        )

    def tell_changes(self, search: Search) -> None:
        """Tell of trials that started or ended; pass on a wish to stop."""
        changes, search.changes = search.changes, []
        for trial in changes:
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
            search.stopped |= self.tell(phase, message, search.history)


def _loop(runner: Runner, search: Search, teller: _Teller) -> bool:
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
    return search.stopped


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
        budget = replace(budget, time_s=budget.elapsed_s + INTERRUPT_S)
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
    )
    for outcome in runner.run(finish.source):
        finish.tell(outcome)
    return finish


def _deployed(
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


def _importance(finish: Finish, table: Table) -> Importance | None:
    return importance_of(finish.importance, table.columns)


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
