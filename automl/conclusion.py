"""From a finished search to what predicts: weights, the fits they need, a model."""

from __future__ import annotations

import warnings
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.assembly import unlabelled
from automl.calibration import calibrated
from automl.constraints import Choice, constrained, unchecked
from automl.ensemble import POOL, Blend, is_better, part_of
from automl.estimators.labels import factors_in
from automl.exceptions import AutoMLWarning
from automl.finish import SPARE_S, Finish, Wanted
from automl.history import History, as_kept
from automl.kept import has_model
from automl.loop import finish_run, fit_now
from automl.naming import with_labels_chosen
from automl.refit_order import REFITS
from automl.scored_rows import scored_rows
from automl.trial import BASELINE, DERIVED
from automl.weighing import INTERRUPTED_S, after, weigh
from automl.winner import Deployed, Given, deployed, ensemble_trial, there

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sklearn.pipeline import Pipeline

    from automl.budget import Budget
    from automl.choice import Simplest
    from automl.constraints import Constraints
    from automl.evaluate import Outcome
    from automl.interrupt import Interrupt
    from automl.journal import Journal
    from automl.pacing import Pace
    from automl.problem import Problem
    from automl.runner import Runner
    from automl.search import Search
    from automl.settings import Settings
    from automl.trial import Trial
    from automl.watchdog import MemoryGuard

__all__ = ["Concluded", "conclude", "deployment_plan"]

TRAINED_SHARE = 0.5
"""Least share of the rows that every fold trains on, for its models to be deployed:
those of a forward split have seen the oldest rows only."""


def deployment_plan(settings: Settings, problem: Problem) -> dict[str, Any]:
    """Return what is kept during a search, as keywords of `Plan`.

    Parameters
    ----------
    settings : Settings
        What the user asked for.
    problem : Problem
        Whose folds decide whether their models may predict.
    """
    n_rows = problem.table.n_rows
    suited = problem.table.time is None and all(
        len(train) >= TRAINED_SHARE * n_rows for train, _ in problem.folds.splits
    )
    bag = settings.deploy == "bag"
    ensemble = settings.ensemble and settings.select == "best"
    keeps = 0
    stand_by = suited and settings.deploy == "auto"  # a Ctrl-C leaves no time to refit
    if bag or stand_by:
        keeps = POOL if ensemble else REFITS
    limited = settings.max_predict_ms is not None or settings.max_model_mib is not None
    return {"keeps": keeps, "ensemble": ensemble, "bag": bag, "limited": limited}


@dataclass(frozen=True)
class Concluded:
    """What a search came to.

    Attributes
    ----------
    out : Deployed
        What predicts.
    finish : Finish
        What was fitted for it.
    ranked : History
        All configurations, with the ensemble if it predicts.
    ensemble : Trial or None
        That ensemble.
    blend : Blend or None
        Its weights.
    journal : Journal
        With the out-of-fold predictions.
    problem : Problem
        What was worked on.
    rule : Simplest or None
        What the one-standard-error rule took, if that is to predict.
    limited : bool
        Whether something else was to predict and was given up for the limits.
    given_up : tuple of (Trial, Blend), or None
        The ensemble that was.
    """

    out: Deployed
    finish: Finish
    ranked: History
    ensemble: Trial | None
    blend: Blend | None
    journal: Journal
    problem: Problem
    rule: Simplest | None = None
    limited: bool = False
    given_up: tuple[Trial, Blend] | None = None

    @property
    def temperature(self) -> float:
        """Of the probabilities of what predicts."""
        return 1.0 if self.blend is None else self.blend.temperature

    @property
    def factors(self) -> tuple[float, ...] | None:
        """Of the classes, that what predicts finds labels by."""
        found: tuple[float, ...] | None = factors_in(self.out.pipeline)
        return found

    @property
    def told(self) -> tuple[Trial, ...]:
        """All that the report tells of: the ensemble that was given up as well."""
        more = () if self.given_up is None else (self.given_up[0],)
        return (*self.ranked.trials, *more)

    @property
    def drawn(self) -> Pipeline:
        """The pipeline that the report draws: of one configuration, if one predicts."""
        out = self.out
        alone = out.trial.candidate not in DERIVED
        other = out.trial.number != out.single_trial.number
        return unlabelled(out.pipeline) if alone and other else out.single

    def predictions(self, trial: int) -> np.ndarray:
        """Return a trial's out-of-fold predictions, NaN where a row was not scored."""
        own = None if self.ensemble is None else self.ensemble.number
        if self.blend is not None and trial == own:
            return as_kept(self.blend.mixed(self.predictions))
        if self.given_up is not None and trial == self.given_up[0].number:
            return as_kept(self.given_up[1].mixed(self.predictions))
        table = self.problem.table
        shape = (table.n_rows, table.n_classes) if table.n_classes else (table.n_rows,)
        found = as_kept(np.full(shape, np.nan))
        for k, (_, test) in enumerate(self.problem.folds.splits):
            with suppress(OSError, ValueError, EOFError):  # a note says it is gone
                found[test] = self.journal.predictions(trial, k)
        return found


def conclude(
    runner: Runner,
    search: Search,
    history: History,
    problem: Problem,
    journal: Journal,
    interrupt: Interrupt,
    memory: MemoryGuard | None = None,
    constraints: Constraints | None = None,
    *,
    rule: Simplest | None = None,
    meanwhile: Callable[[Trial, History, float], None] | None = None,
) -> Concluded:
    """Return what predicts after a search, with all that it needed fitted.

    Parameters
    ----------
    runner, search, interrupt, memory
        As in `automl.loop.run_search`.
    history : History
        That the search came to.
    problem : Problem
        What it worked on.
    journal : Journal
        With the out-of-fold predictions.
    constraints : Constraints, default=None
        What the model may cost.
    rule : Simplest, default=None
        What the one-standard-error rule took, if that is to predict.
    meanwhile : callable, default=None
        Told before the fits of what is to predict: as it was scored, the history with
        it, and its temperature.
    """
    folder, plan = runner.folder, search.plan
    if rule is not None:
        history = replace(history, chosen=rule.trial.number)
    notes: list[str] = []
    weights = weigh(search, history, problem, journal, interrupt, notes)
    wanted = _wanted(replace(search.pace, history=history), weights, folder)
    if meanwhile is not None and runner.parallel:
        meanwhile(*_expected(history, weights, search.budget))
    finish = finish_run(runner, search, history, wanted, interrupt, memory)
    fit = partial(fit_now, runner, search, finish, interrupt=interrupt, memory=memory)
    _stand_by(wanted, folder, fit)
    given = Given(
        finish, search, history, problem.table, problem.metric,
        {c.name: c for c in problem.candidates}, folder, plan.n_folds, weights,
        plan.bag, notes,
    )  # fmt: skip
    weights = _of_those_there(given, weights, problem, journal)
    given, ensemble = replace(given, blend=weights), None
    if weights is not None:
        ensemble = ensemble_trial(weights, history, search.budget.elapsed_s)
    out = deployed(given, ensemble)
    own = weights if out.trial is ensemble else None
    out = with_labels_chosen(out, own, problem, journal.predictions)
    fitted = out.trial.number
    limited, given_up = False, None
    if constraints:
        has = ensemble is not None and out.trial is ensemble
        first = Choice(out, ensemble if has else None, weights if has else None)
        try:
            chosen = constrained(
                first, given, problem, constraints, journal.predictions,
                fit,
                after(search.budget, interrupt, _looking_s(search.budget, interrupt)),
            )  # fmt: skip
        except Exception as error:  # noqa: BLE001 - there is a model, within them or not
            chosen = unchecked(first, constraints, error)
        if chosen.warning:
            warning = AutoMLWarning(chosen.warning, code="W-constraint")
            warnings.warn(warning, stacklevel=4)
        given_up = _given_up(first, chosen)
        limited = given_up is not None or out.trial.number != chosen.out.trial.number
        out, ensemble, weights = chosen.out, chosen.ensemble, chosen.blend
    if rule is not None and out.trial.number != rule.trial.number:
        note = _not_the_simplest(rule, fitted=fitted == rule.trial.number)
        out, rule = replace(out, notes=(*out.notes, note)), None
    if ensemble is None or out.trial is not ensemble:
        return Concluded(
            out, finish, history, None, None, journal, problem, rule, limited, given_up
        )
    ranked = History((*history.trials, ensemble))
    return Concluded(
        out, finish, ranked, ensemble, weights, journal, problem, None, limited,
        given_up,
    )  # fmt: skip


def _expected(
    history: History, weights: Blend | None, budget: Budget
) -> tuple[Trial, History, float]:
    """Return what is to predict, the history with it, and its temperature."""
    if weights is None:
        return history.preferred()[0], history, 1.0
    trial = ensemble_trial(weights, history, budget.elapsed_s)
    return trial, History((*history.trials, trial)), weights.temperature


def _stand_by(
    wanted: Wanted, folder: Path, fit: Callable[[Trial], Outcome | None]
) -> None:
    """Fit on all rows what was to have models of its folds and has not.

    They may be too large to be kept, or the disk full.
    """
    lost = {t.number: t for t, k in wanted.folds if not has_model(folder, t.number, k)}
    for trial in lost.values():
        fit(trial)


def _looking_s(budget: Budget, interrupt: Interrupt) -> float:
    """Return the seconds in which a model within the limits is looked for."""
    return INTERRUPTED_S if interrupt.asked else budget.remaining_s - SPARE_S


def _given_up(first: Choice, chosen: Choice) -> tuple[Trial, Blend] | None:
    """Return the ensemble that limits gave up, with a number of its own."""
    if first.ensemble is None or first.blend is None or chosen.blend is first.blend:
        return None
    number = first.ensemble.number + (chosen.ensemble is not None)
    folds = tuple(replace(f, trial=number) for f in first.ensemble.folds)
    return replace(first.ensemble, number=number, folds=folds), first.blend


def _not_the_simplest(rule: Simplest, *, fitted: bool) -> str:
    """Return why what the one-standard-error rule took does not predict."""
    why = "it could not be fitted"
    if fitted:
        why = "another model was chosen for the limits of what predicts"
    return (
        f'select="simplest" took trial {rule.trial.number}, which does not predict: '
        f"{why}."
    )


def _of_those_there(
    given: Given, whole: Blend | None, problem: Problem, journal: Journal
) -> Blend | None:
    """Return the average of the members that were fitted, with scores of its own.

    None where that is not better than the best configuration.
    """
    if whole is None or len(whole.weights) == 1:
        return whole
    left = there(given, whole)
    lost = len(whole.weights) - len(left)
    if not lost:
        return whole
    table, folds, metric = problem.table, problem.folds, problem.metric
    leader, found, why = given.history.finished()[0], None, ""
    try:
        if len(left) > 1:
            less = part_of(
                replace(whole, temperature=1.0), left, journal.predictions, table.y,
                folds, metric, table.sample_weight,
            )  # fmt: skip
            found = less if is_better(less.scores, leader) else None
        if found is not None and table.is_classification:
            rows = scored_rows(table, folds)
            found = calibrated(found, leader, journal.predictions, rows, folds, metric)
    except Exception as error:  # noqa: BLE001 - the user's metric may raise anything
        why = f" Scoring the others raised {type(error).__name__}."
        found = None
    given.notes.append(
        f"{lost} of {len(whole.weights)} members of the ensemble have no model: "
        f"{'the others predict' if found else 'it was given up'}.{why}"
    )
    return found


def _wanted(pace: Pace, weights: Blend | None, folder: Path) -> Wanted:
    """Return what is to be fitted after the search."""
    plan, history = pace.plan, pace.history
    leader = next(iter(history.preferred()), None)
    if leader is None or leader.candidate == BASELINE:
        return Wanted()
    members = [leader] if weights is None else [history[n] for n in weights.weights]
    trials = [history[n] for n in dict.fromkeys(t.number for t in [leader, *members])]
    absent = {
        t.number: [k for k in range(plan.n_folds) if not has_model(folder, t.number, k)]
        for t in trials
    }
    # a fold that was cut short would not come out the same again
    again = [t for t in trials if plan.bag and not any(f.truncated for f in t.folds)]
    whole = {t.number for t in trials if not absent[t.number] or t in again}
    refits = members if not plan.bag else [t for t in members if t.number not in whole]
    return Wanted(
        single=pace.refits(leader) or leader.number not in whole,
        refits=() if weights is None else tuple(refits),
        folds=tuple((t, k) for t in again for k in absent[t.number]),
        kept=plan.keeps > 0 and leader.number in whole,
    )
