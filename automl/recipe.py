"""How a deployed model was fitted, in words that the journal keeps; and again from it.

With the recipe the clock has no say in the model any more: what was cut short has its
number of rounds there.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.pipeline import Pipeline

from automl.assembly import assemble, bag_of, from_raw, labelled, refit_of
from automl.baseline import baseline_pipeline
from automl.estimators.labels import factors_in
from automl.estimators.logarithm import inner_learner
from automl.evaluate import Outcome, Task, run_task
from automl.exceptions import AutoMLResourceError
from automl.history import History, derived
from automl.sandbox import alone_here
from automl.scratch import Scratch
from automl.trial import BASELINE, DERIVED, TEMPERATURE, FoldResult, Trial
from automl.workplace import close_workplace, write_workplace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from automl.problem import Problem
    from automl.table import Table
    from automl.winner import Deployed, Member

__all__ = [
    "checked_predictions",
    "digest",
    "recipe_of",
    "remake",
    "remake_both",
    "winner_of",
]

CHECK_ROWS = 1000
"""Rows on which two models are compared: enough to tell them apart, and predicted in
milliseconds even where the model is slow."""


def recipe_of(
    out: Deployed,
    refits: Mapping[int, Outcome],
    fallback: Task,
    problem: Problem,
) -> dict[str, Any]:
    """Return how the deployed model was fitted, as JSON values.

    Parameters
    ----------
    out : Deployed
        What predicts.
    refits : dict
        Trial's number to its fit on all rows.
    fallback : Task
        Of the small model that is fitted first.
    problem : Problem
        What the run works on.
    """
    factors = factors_in(out.pipeline)
    whole = _recipe(out.trial, out.members, out.pipeline, refits, fallback, problem)
    whole["factors"] = None if factors is None else list(factors)
    if out.pipeline is out.single:
        return {**whole, "single": None}
    single = _recipe(
        out.single_trial, out.single_members, out.single, refits, fallback, problem
    )
    return {**whole, "single": single}


def _recipe(
    trial: Trial,
    members: Sequence[Member],
    pipeline: Pipeline,
    refits: Mapping[int, Outcome],
    fallback: Task,
    problem: Problem,
) -> dict[str, Any]:
    recipe: dict[str, Any] = {
        "winner": trial.number,
        "candidate": trial.candidate,
        "params": dict(trial.params),
        "scores": [f.score for f in trial.folds],
        "n_rows": problem.table.n_rows,
    }
    if trial.candidate == BASELINE:
        return recipe | {"kind": "baseline"}
    if not members:
        return recipe | {
            "kind": "fallback",
            "params": dict(fallback.params or {}),
            "max_rows": fallback.max_rows,
            "rounds": _made(pipeline, trial.candidate, problem),
        }
    parts = [_part(m, refits, problem) for m in members]
    return recipe | {"kind": "average", "parts": parts}


def _part(
    member: Member, refits: Mapping[int, Outcome], problem: Problem
) -> dict[str, Any]:
    trial = member.trial
    part: dict[str, Any] = {
        "trial": trial.number,
        "candidate": trial.candidate,
        "params": dict(trial.params),
        "weight": member.weight,
    }
    if member.bagged:
        kept = sorted(trial.folds, key=lambda f: f.fold)
        folds = [
            {"fold": f.fold, "rounds": f.rounds, "truncated": f.truncated} for f in kept
        ]
        return part | {"folds": folds}
    refit = refits[trial.number]
    rounds = refit.task.rounds
    if refit.truncated:
        rounds = _made(refit.value, trial.candidate, problem)
    threads = refit.task.n_jobs
    return part | {"folds": None, "threads": threads, "rounds": rounds}


def _made(pipeline: Pipeline, candidate: str, problem: Problem) -> int | None:
    """Return the rounds that a fitted model has."""
    found = next((c for c in problem.candidates if c.name == candidate), None)
    if found is None or found.resource is None:
        return None
    return int(inner_learner(pipeline[-1]).get_params()[found.resource.param])


def remake(recipe: Mapping[str, Any], problem: Problem, seed: int) -> Pipeline:
    """Return the model that a recipe makes, from the raw table.

    Raises
    ------
    AutoMLResourceError
        If it cannot be fitted (``E-replay``).
    """
    return remake_both({**recipe, "single": None}, problem, seed)[0]


def remake_both(
    recipe: Mapping[str, Any], problem: Problem, seed: int
) -> tuple[Pipeline, Pipeline]:
    """Return the model that a recipe makes, and the best single configuration's.

    Each fit is made once, one after the other in this process: it takes what all parts
    take together on one core, without a limit of time or memory.

    Raises
    ------
    AutoMLResourceError
        If one cannot be fitted (``E-replay``).
    """
    recipes = [r for r in (recipe, recipe["single"]) if r is not None]
    table, given = problem.table, recipe.get("factors")
    factors = None if given is None else tuple(map(float, given))
    if all(r["kind"] == "baseline" for r in recipes):
        constant = baseline_pipeline(table, problem.metric)
        return labelled(constant, table, factors), constant
    candidates = {c.name: c for c in problem.candidates}
    for one in recipes:
        candidates |= _shortened(one, problem)
    with Scratch() as scratch:
        write_workplace(scratch, table, problem.folds, problem.metric, candidates, seed)
        fits = _Fits(scratch)
        try:
            made = [_pipeline(one, problem, fits) for one in recipes]
        finally:
            close_workplace()
    return labelled(made[0], table, factors), made[-1]


@dataclass(frozen=True)
class _Fits:
    """Fits in a workplace, each made once; those of folds stay there as files."""

    scratch: Path
    known: dict[str, Outcome] = field(default_factory=dict)

    def of(self, task: Task) -> Outcome:
        key = repr(task)
        if key not in self.known:
            outcome = _run(self.scratch, task)
            if task.kind == "fold":  # its model is on disk, its scores are known
                outcome = replace(outcome, value=None)
            self.known[key] = outcome
        return self.known[key]


def _pipeline(recipe: Mapping[str, Any], problem: Problem, fits: _Fits) -> Pipeline:
    if recipe["kind"] == "baseline":
        return baseline_pipeline(problem.table, problem.metric)
    if recipe["kind"] == "fallback":
        return from_raw(problem.table, fits.of(_fallback_task(recipe)).value)
    return _average(recipe, problem, fits)


def _average(whole: Mapping[str, Any], problem: Problem, fits: _Fits) -> Pipeline:
    table, candidates = problem.table, {c.name: c for c in problem.candidates}
    derived = whole["candidate"] in DERIVED
    temperature = float(whole["params"].get(TEMPERATURE, 1.0)) if derived else 1.0
    parts = []
    for recipe in whole["parts"]:
        number, params = int(recipe["trial"]), dict(recipe["params"])
        trial = Trial(number, recipe["candidate"], params, "", "ok")
        weight = float(recipe["weight"])
        if recipe["folds"] is None:
            task = Task(
                "refit", 0, number, candidate=trial.candidate, params=params,
                rounds=recipe["rounds"], n_jobs=int(recipe["threads"]),
            )  # fmt: skip
            model = fits.of(task).value
            if not derived:
                return from_raw(table, model)
            parts.append(refit_of(trial, weight, candidates, table, model))
            continue
        for made in recipe["folds"]:
            name, fold = _short_name(recipe, made), int(made["fold"])
            fits.of(Task("fold", 0, number, fold, name, params, keep_from_s=0.0))
            trial = trial.with_fold(FoldResult(number, fold, "ok"))
        parts += bag_of(trial, weight, candidates, table, fits.scratch)
    return assemble(parts, table, temperature)


def _run(scratch: Path, task: Task) -> Outcome:
    with alone_here():
        outcome = run_task(scratch, task)
    if outcome.error is not None:
        raise AutoMLResourceError(
            f"Trial {task.trial} could not be fitted again: "
            f"{outcome.error.strip().splitlines()[-1][:200]}.",
            code="E-replay",
        )
    return outcome


def _short_name(recipe: Mapping[str, Any], made: Mapping[str, Any]) -> str:
    """Return the candidate of a fold: one of its own where the fold was cut short."""
    cut = made["truncated"] and made["rounds"]
    name = str(recipe["candidate"])
    return f"{name}/{recipe['trial']}/{made['fold']}" if cut else name


def _shortened(recipe: Mapping[str, Any], problem: Problem) -> dict[str, Any]:
    """Return candidates that grow to the recorded rounds only."""
    known = {c.name: c for c in problem.candidates}
    found = {}
    for part in recipe.get("parts", ()):
        candidate = known[part["candidate"]]
        for made in part["folds"] or ():
            name = _short_name(part, made)
            if name != candidate.name and candidate.resource is not None:
                high = int(made["rounds"])
                shorter = replace(candidate.resource, high=high, again=False)
                found[name] = replace(candidate, resource=shorter)
    return found


def _fallback_task(recipe: Mapping[str, Any]) -> Task:
    return Task(
        "refit", 0, -1, candidate=recipe["candidate"], params=dict(recipe["params"]),
        rounds=recipe["rounds"], max_rows=recipe["max_rows"],
    )  # fmt: skip


def checked_predictions(pipeline: Pipeline, table: Table) -> np.ndarray:
    """Return predictions of up to a thousand rows, spread evenly over the table."""
    n = table.n_rows
    rows = np.unique(np.linspace(0, n - 1, min(n, CHECK_ROWS)).astype(np.int64))
    model, X = Pipeline(pipeline.steps[1:]), table.X.iloc[rows]
    found = model.predict_proba(X) if table.is_classification else model.predict(X)
    return np.ascontiguousarray(found, dtype=np.float64)


def digest(predictions: np.ndarray) -> str:
    """Return the SHA-256 of predictions."""
    return hashlib.sha256(predictions.tobytes()).hexdigest()


def winner_of(recipe: Mapping[str, Any], history: History) -> Trial:
    """Return the trial that a recipe is of."""
    number = int(recipe["winner"])
    if recipe["candidate"] in DERIVED:
        folds = tuple(
            FoldResult(number, k, "ok", score)
            for k, score in enumerate(recipe["scores"])
        )
        return derived(number, dict(recipe["params"]), folds)
    if number >= 0:
        return history[number]
    return Trial(-1, recipe["candidate"], {}, "fallback", "ok")
