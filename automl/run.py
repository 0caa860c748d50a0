"""A run from beginning to end: read, search, refit, explain, write down.

Every decision is made elsewhere; here the parts meet in order, and what a run leaves
on disk is made and removed.
"""

from __future__ import annotations

import warnings
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from automl.account import facts_of, limits, processor_seconds, timeline
from automl.choice import price, simplest
from automl.claim import Claim
from automl.conclusion import conclude, deployment_plan
from automl.constraints import Constraints
from automl.environment import environment
from automl.exceptions import AutoMLWarning
from automl.expectation import Meanwhile, expect, expect_again, is_arithmetic
from automl.facts import RunRecord
from automl.freeing import give_back
from automl.history import History
from automl.importance import importance_of, unmeasured
from automl.interrupt import Interrupt
from automl.lookout import Lookout
from automl.loop import run_search
from automl.memory import Guard, allowed_mib
from automl.plan import Plan
from automl.problem import make_problem
from automl.recipe import checked_predictions, digest, recipe_of, remake_both, winner_of
from automl.resampled_scores import is_quick
from automl.runner import Runner
from automl.scratch import Scratch
from automl.scrutiny import scrutinise
from automl.search import Search
from automl.session import take_up
from automl.settings import Settings, count_workers, to_repeat, useful
from automl.teller import Teller, announcement
from automl.testset import HeldOut, read_test
from automl.trial import BASELINE, CALIBRATED, DERIVED, ENSEMBLE, Trial
from automl.weighing import leading
from automl.workplace import mapped, write_workplace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sklearn.pipeline import Pipeline

    from automl.choice import Simplest
    from automl.conclusion import Concluded
    from automl.folds import Folds
    from automl.journal import Journal
    from automl.metrics import Metric
    from automl.problem import Problem
    from automl.session import Session
    from automl.snapshot import Notify
    from automl.table import Table

__all__ = ["Run", "run"]

TITLES = {BASELINE: "Baseline", ENSEMBLE: "Weighted ensemble"}
"""What people read for what is no candidate of theirs."""


@dataclass(frozen=True)
class Run:
    """What a run came to.

    Attributes
    ----------
    table, metric, folds, history
        As searched.
    winner : Trial
        What predicts, as it was scored; the baseline if nothing else finished.
    ranked : History
        The same with the ensemble, if one predicts.
    pipeline : Pipeline
        What predicts, from the raw table.
    weights : dict
        Number of each trial in it to its weight.
    single_trial : Trial
        The best configuration by itself.
    single : Pipeline
        Its pipeline.
    facts : dict
        For the report.
    notes : tuple of str
        Sentences about the run.
    interrupted : bool
        Whether the user stopped it.
    random_state : int
        Its seed; that of its first session, if it was resumed.
    test_score : float or None
        On the test rows, if there are any, greater is better.
    """

    table: Table
    metric: Metric
    folds: Folds
    history: History
    winner: Trial
    ranked: History
    pipeline: Pipeline
    weights: Mapping[int, float]
    single_trial: Trial
    single: Pipeline
    facts: dict[str, Any]
    notes: tuple[str, ...]
    interrupted: bool
    random_state: int
    test_score: float | None = None


def run(
    X: Any,
    y: Any,
    settings: Settings,
    notify: Notify,
    *,
    groups: Any = None,
    time: Any = None,
    sample_weight: Any = None,
    test: tuple[Any, Any] | None = None,
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
    test : tuple of (X, y), default=None
        Rows that the search never sees, with their target or its name.

    Raises
    ------
    AutoMLDataError, AutoMLConfigError
        Before any worker starts, if the data or a parameter cannot be used.
    """
    started_utc = datetime.now(UTC).isoformat(timespec="seconds")
    guard = Guard(allowed_mib(settings.memory_limit_mib))
    with ExitStack() as stack:
        # the last to go: a Ctrl-C while workers and files are tidied up costs no model
        interrupt = stack.enter_context(Interrupt())
        session = take_up(settings, stack)
        claim = stack.enter_context(_claim(session))
        settings, budget, n_workers = session.settings, session.budget, claim.n_workers
        problem = make_problem(
            X, y, settings, n_workers, groups=groups, time=time,
            sample_weight=sample_weight,
        )  # fmt: skip
        table, metric, folds = problem.table, problem.metric, problem.folds
        held_out = (
            None
            if test is None
            else read_test(
                *test, table, groups=groups, time=time, sample_weight=sample_weight,
                metric=metric,
            )
        )  # fmt: skip
        scratch = stack.enter_context(Scratch())
        journal = session.begin(problem, n_workers, scratch, stack)
        titles = {c.name: c.title for c in problem.candidates} | TITLES
        teller = Teller(notify, budget, metric, titles)
        teller.tell(
            "start", " ".join((announcement(table, metric, folds), *session.idle))
        )
        if session.is_over:
            return _again(session, problem, teller, held_out)
        history = session.first_history(problem, journal)
        write_workplace(
            scratch, table, folds, metric, {c.name: c for c in problem.candidates},
            settings.random_state, guard.meter.limit_mib,
        )  # fmt: skip
        table = mapped(table, scratch)  # one copy for us and the workers
        problem = replace(problem, table=table)
        give_back()
        fitting, n_workers, notes = session.afford(problem, guard, n_workers, journal)
        plan = Plan(
            fitting, len(folds), table.n_rows, problem.n_train, n_workers,
            settings.random_state, settings.trial_time_limit_s,
            **deployment_plan(settings, problem), resumed=session.restored is not None,
            n_tested=0 if held_out is None else len(held_out.y),
            n_columns=len(table.used), has_text=_has_text(table),
            scored_meanwhile=is_arithmetic(problem)
            and n_workers > 1 and held_out is None and not _constraints(settings),
        )  # fmt: skip
        queued = n_workers if len(folds) > 1 else 0  # a holdout's fits are long
        runner = stack.enter_context(Runner(n_workers, scratch, queued, claim))
        search = Search(plan, budget, history, journal, session.known)
        read_s = budget.elapsed_s - session.earlier_s
        history = run_search(
            runner, search, teller, interrupt.take(), guard,
            Lookout(budget, partial(leading, plan, problem, journal, budget))
            if is_quick(metric) else None,
        )  # fmt: skip
        searched_s = budget.elapsed_s
        teller.tell("refit", "", history)
        done, rule, fitted_s, meanwhile = _concluded(
            runner, search, history, problem, journal, interrupt, guard, settings
        )
        expected = expect(done, held_out, budget, interrupt, meanwhile)
        notes = (
            *session.notes, *claim.notes, *problem.notes, *notes, *search.ending,
            *done.out.notes, *_disk_notes(journal), *_notes_of(held_out),
            *expected.notes, *unmeasured(done.finish.importance, metric.name),
            *(() if done.rule is None else (price(done.rule, metric, titles),)),
        )  # fmt: skip
        teller.tell("report", "", history)
        facts = facts_of(
            RunRecord(
                **scrutinise(
                    done, budget, X, held_out, hurried=interrupt.asked,
                    random_state=settings.random_state,
                ),
                table=table, metric=metric, folds=folds, trials=done.told,
                winner=done.out.shown, predictions=done.predictions,
                titles=_titled(titles, done),
                pipeline=done.drawn, members=done.out.shares,
                **to_repeat(settings, groups, time, sample_weight, test),
                importance=importance_of(
                    done.finish.importance, table.columns, _explained(done)
                ),
                timeline=timeline(
                    budget, read_s, searched_s, fitted_s, expected.made_s
                ),
                cpu_s=processor_seconds(history, done.finish),
                limits=limits(search, guard),
                interrupted=interrupt.asked or search.stopped,
                started_utc=started_utc,
                environment=environment(n_workers), notes=notes,
                estimate=expected.estimate,
                simplest=None if rule is None else rule.trial.number,
                explanation=done.finish.importance,
                limited=str(_constraints(settings)) if done.limited else "",
                ruled=done.rule is not None, factors=done.factors,
                unscored=_unscored(done),
            )
        )  # fmt: skip
        recipe = recipe_of(
            done.out, done.finish.refits, search.fallback_task, problem
        ) | {
            "leader": history.finished()[0].number,
            "interrupted": interrupt.asked or search.stopped,
            "gave_up": search.given_up is not None,
            "notes": notes,
        }
        session.end(journal, facts, recipe, done.out.pipeline, problem)
        notes = _warn_of_disk(journal, notes)
        teller.tell("end", _verdict(facts), history)
    return Run(
        table, metric, folds, history, done.out.trial, done.ranked, done.out.pipeline,
        {m.trial.number: m.weight for m in done.out.members}, done.out.single_trial,
        done.out.single, facts, notes, interrupt.asked or search.stopped,
        settings.random_state,
        expected.test_score,
    )  # fmt: skip


def _claim(session: Session) -> Claim:
    """Return the claim for the processes that the session uses."""
    n_workers = count_workers(session.settings.n_jobs)
    if session.is_over:
        return Claim(1)
    return Claim(*useful(n_workers, session.budget))


def _concluded(
    runner: Runner,
    search: Search,
    history: History,
    problem: Problem,
    journal: Journal,
    interrupt: Interrupt,
    guard: Guard,
    settings: Settings,
) -> tuple[Concluded, Simplest | None, float, Meanwhile | None]:
    """Return what predicts, what the one-standard-error rule takes, and the time.

    And what was found out of its score meanwhile.
    """
    rule = simplest(
        history.trials, {c.name: c for c in problem.candidates}, problem.table.task,
        timed=search.budget.time_s is not None,
    )  # fmt: skip
    chosen = rule if settings.select == "simplest" else None
    meanwhile = None
    if search.plan.scored_meanwhile:
        meanwhile = Meanwhile(problem, journal, search.budget, interrupt, chosen)
    done = conclude(
        runner, search, history, problem, journal, interrupt, guard,
        _constraints(settings), rule=chosen,
        meanwhile=None if meanwhile is None else meanwhile.start,
    )  # fmt: skip
    runner.release()
    return done, rule, search.budget.elapsed_s, meanwhile


def _constraints(settings: Settings) -> Constraints:
    return Constraints(settings.max_predict_ms, settings.max_model_mib)


def _unscored(done: Concluded) -> str:
    """Return the candidate that predicts, where the report is about another."""
    out = done.out
    return "" if out.shown == out.trial.number else out.trial.candidate


def _again(
    session: Session, problem: Problem, teller: Teller, held_out: HeldOut | None
) -> Run:
    """Return a finished run with its model made again, nothing searched."""
    restored, facts = session.restored, session.facts
    if restored is None or restored.finish is None or facts is None:
        raise AssertionError("only a finished run is given back")
    recipe, history = restored.finish, restored.history
    teller.tell("refit", "", history)
    pipeline, single = remake_both(recipe, problem, session.settings.random_state)
    notes = tuple((facts["run"] if held_out is None else recipe).get("notes", ()))
    found = digest(checked_predictions(pipeline, problem.table))
    if found != recipe["predictions"]:
        note = "The model was fitted again and does not predict quite as it did."
        notes = (*notes, note)
    trial = winner_of(recipe, history)
    single_trial, ranked = trial, history
    if recipe["single"] is not None:
        single_trial = winner_of(recipe["single"], history)
    if trial.candidate in DERIVED:
        ranked = History((*history.trials, trial))
    weights = {int(p["trial"]): float(p["weight"]) for p in recipe.get("parts", ())}
    facts, expected = expect_again(
        facts, pipeline, held_out, trial, ranked.trials, problem,
        session.settings.random_state,
    )  # fmt: skip
    new = (*session.idle, *_notes_of(held_out), *expected.notes)
    notes = (*notes, *(note for note in new if note not in notes))
    facts = {**facts, "run": {**facts["run"], "notes": list(notes)}}
    if held_out is not None:
        notes = _warn_of_disk(session.keep(facts), notes)
    teller.tell("end", _verdict(facts), history)
    return Run(
        problem.table, problem.metric, problem.folds, history, trial, ranked, pipeline,
        weights, single_trial, single, facts, notes, interrupted=False,
        random_state=session.settings.random_state, test_score=expected.test_score,
    )  # fmt: skip


def _has_text(table: Table) -> bool:
    return any(column.kind == "text" for column in table.used)


def _titled(titles: Mapping[str, str], done: Concluded) -> dict[str, str]:
    """Return what candidates are called, what was calibrated after what it is of."""
    found = next((t for t in done.told if t.candidate == CALIBRATED), None)
    if found is None:
        return dict(titles)
    of = done.ranked[found.made_of[0]].candidate
    return {**titles, CALIBRATED: f"{titles.get(of, of)}, calibrated"}


def _explained(done: Concluded) -> str:
    """Return whose importance is measured, where that is not what predicts."""
    winner = done.finish.winner
    if winner is None or winner.number == done.out.trial.number:
        return ""
    return f"the best single configuration, trial {winner.number}"


def _notes_of(held_out: HeldOut | None) -> tuple[str, ...]:
    return () if held_out is None else held_out.notes


def _disk_notes(journal: Journal) -> tuple[str, ...]:
    return () if journal.failure is None else (journal.failure,)


def _warn_of_disk(journal: Journal, notes: tuple[str, ...]) -> tuple[str, ...]:
    """Warn once of a disk that refused; return the notes with that among them."""
    if journal.failure is None:
        return notes
    warnings.warn(AutoMLWarning(journal.failure, code="W-disk"), stacklevel=4)
    return notes if journal.failure in notes else (*notes, journal.failure)


def _verdict(facts: Mapping[str, Any]) -> str:
    verdict = facts.get("verdict", {})
    return str(verdict.get("sentence", "")) if isinstance(verdict, dict) else ""
