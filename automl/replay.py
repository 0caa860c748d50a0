"""The winner of a finished run again, from its journal and the data alone.

The recipe at the end of the journal says how the model was fitted, so that the clock
has no say in it any more.
"""

from __future__ import annotations

import hashlib
import io
import math
import pickle
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.pipeline import Pipeline

from automl.baseline import baseline_pipeline
from automl.budget import Budget
from automl.evaluate import Task, run_task
from automl.exceptions import AutoMLDataError, AutoMLResourceError
from automl.history import BASELINE, History, Trial
from automl.journal import read_journal
from automl.problem import Problem, make_problem
from automl.resume import Restored, identity, refuse_another, restore
from automl.settings import Settings
from automl.workplace import close_workplace, write_workplace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl.evaluate import Outcome
    from automl.table import Table
    from automl.winner import Deployed

__all__ = ["Replayed", "checked_predictions", "digest", "recipe_of", "remake", "replay"]

CHECK_ROWS = 1000
"""Rows on which two models are compared: enough to tell them apart, and predicted in
milliseconds even where the model is slow."""


@dataclass(frozen=True)
class Replayed:
    """What came of making a model again.

    Attributes
    ----------
    pipeline : Pipeline
        Fitted, from the raw table.
    trial : Trial
        The configuration that was fitted; the small model that was fitted first has
        no number.
    problem : Problem
        What the run worked on.
    random_state : int
        Its seed.
    n_trials : int
        Configurations in the journal.
    same_leader : bool
        Whether the history has the same best trial as was recorded.
    identical : bool
        Whether the predictions are the same, byte for byte.
    difference : float or None
        The largest between two predictions; None if the earlier ones are gone.
    """

    pipeline: Pipeline
    trial: Trial
    problem: Problem
    random_state: int
    n_trials: int
    same_leader: bool
    identical: bool
    difference: float | None

    @property
    def winner(self) -> str:
        """What the model is, in words."""
        if self.trial.number < 0:
            return f"the small {self.trial.candidate} that was fitted first"
        return f"trial {self.trial.number}, {self.trial.candidate}"

    def save(self, folder: str | Path) -> Path:
        """Write the deployable bundle; return its folder."""
        from automl.bundle import BundleInfo, save_bundle
        from automl.bundle.schema import describe_table

        trial, metric = self.trial, self.problem.metric
        std = trial.score_std
        info = BundleInfo(
            metric=metric.name,
            score=metric.natural(trial.score),
            score_std=None if math.isnan(std) else std,
            candidate=trial.candidate,
            params=trial.params,
            cv=self.problem.folds.name,
            random_state=self.random_state,
            created_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        schema = describe_table(self.problem.table)
        return save_bundle(folder, self.pipeline, schema, info)


def recipe_of(
    out: Deployed, refit: Outcome | None, fallback: Task, problem: Problem
) -> dict[str, Any]:
    """Return how the deployed model was fitted, as JSON values.

    Parameters
    ----------
    out : Deployed
        What predicts.
    refit : Outcome or None
        Of the fit on all rows, which may not be what predicts.
    fallback : Task
        Of the small model that is fitted first.
    problem : Problem
        What the run works on.
    """
    trial, table = out.trial, problem.table
    recipe: dict[str, Any] = {
        "winner": trial.number,
        "candidate": trial.candidate,
        "params": dict(trial.params),
        "threads": 1,
        "rounds": None,
        "truncated": False,
        "n_rows": table.n_rows,
    }
    if trial.candidate == BASELINE:
        return recipe | {"kind": "baseline"}
    if trial.number < 0:
        recipe |= {
            "kind": "fallback",
            "params": dict(fallback.params or {}),
            "max_rows": fallback.max_rows,
        }
        return recipe | {"rounds": _made(out.pipeline, trial.candidate, problem)}
    if refit is None or refit.value.steps[-1][1] is not out.pipeline.steps[-1][1]:
        fold = trial.folds[0]
        train, _ = problem.folds.splits[fold.fold]
        return recipe | {
            "kind": "holdout",
            "rounds": fold.rounds,
            "truncated": fold.truncated,
            "n_rows": len(train),
        }
    return recipe | {
        "kind": "refit",
        "threads": refit.task.n_jobs,
        "rounds": (
            _made(out.pipeline, trial.candidate, problem)
            if refit.truncated
            else refit.task.rounds
        ),
        "truncated": refit.truncated,
    }


def _made(pipeline: Pipeline, candidate: str, problem: Problem) -> int | None:
    """Return the rounds that a fitted model has."""
    found = next((c for c in problem.candidates if c.name == candidate), None)
    if found is None or found.resource is None:
        return None
    return int(pipeline[-1].get_params()[found.resource.param])


def remake(recipe: Mapping[str, Any], problem: Problem, seed: int) -> Pipeline:
    """Return the model that a recipe makes, from the raw table.

    Raises
    ------
    AutoMLResourceError
        If it cannot be fitted (``E-replay``).
    """
    table = problem.table
    if recipe["kind"] == "baseline":
        return baseline_pipeline(table)
    from threadpoolctl import threadpool_limits

    with tempfile.TemporaryDirectory(prefix="automl-") as name, threadpool_limits(1):
        scratch = Path(name)
        write_workplace(
            scratch, table, problem.folds, problem.metric,
            _candidates(recipe, problem), seed,
        )  # fmt: skip
        try:
            outcome = run_task(scratch, _task(recipe))
            if outcome.error is not None:
                raise AutoMLResourceError(
                    f"Trial {recipe['winner']} could not be fitted again: "
                    f"{outcome.error.strip().splitlines()[-1][:200]}.",
                    code="E-replay",
                )
            model = outcome.value
            if recipe["kind"] == "holdout":
                kept = scratch / "models" / f"{recipe['winner']}.pkl"
                model = pickle.loads(kept.read_bytes())  # noqa: S301 - our own file
        finally:
            close_workplace()
    return Pipeline([("encode", table.encoder), *model.steps])


def _candidates(recipe: Mapping[str, Any], problem: Problem) -> dict[str, Any]:
    """Return the candidates; that of a holdout grows to the recorded rounds only."""
    found = {c.name: c for c in problem.candidates}
    name = recipe["candidate"]
    resource = found[name].resource
    cut = recipe["kind"] == "holdout" and recipe["truncated"]
    if cut and resource is not None and recipe["rounds"]:
        shorter = replace(resource, high=int(recipe["rounds"]))
        found[name] = replace(found[name], resource=shorter)
    return found


def _task(recipe: Mapping[str, Any]) -> Task:
    number, params = int(recipe["winner"]), dict(recipe["params"])
    if recipe["kind"] == "holdout":
        return Task(
            "fold", 0, number, 0, recipe["candidate"], params,
            keep_above=float("-inf"),
        )  # fmt: skip
    return Task(
        "refit", 0, number, candidate=recipe["candidate"], params=params,
        rounds=recipe["rounds"], n_jobs=int(recipe["threads"]),
        max_rows=recipe.get("max_rows"),
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


def replay(
    run_dir: str | Path,
    X: Any,
    y: Any,
    *,
    groups: Any = None,
    time: Any = None,
    sample_weight: Any = None,
    metric: Any = None,
    candidates: Any = None,
    cv: Any = None,
) -> Replayed:
    """Return the winner of a finished run, made again from its journal.

    Parameters
    ----------
    run_dir : str or Path
        Folder of the run; it is only read.
    X, y, groups, time, sample_weight
        As given to `fit`.
    metric, candidates, cv : default=None
        As given to the estimator, where they are objects that a journal cannot hold.

    Raises
    ------
    AutoMLDataError
        If the folder holds no finished run (``E-replay``).
    AutoMLConfigError
        If the data or the search space are others (``E-resume``).
    """
    folder = Path(run_dir)
    restored = _finished(folder)
    recipe = restored.finish or {}
    settings = _settings(restored, metric, candidates, cv)
    problem = make_problem(
        X, y, settings, 1, groups=groups, time=time, sample_weight=sample_weight
    )
    version = restored.start["versions"]["automl-pipelines"]
    now = identity(
        problem.table, problem.metric.name, problem.folds, problem.candidates,
        settings.random_state, version,
    )  # fmt: skip
    refuse_another(folder, restored.start["identity"], now)
    pipeline = remake(recipe, problem, settings.random_state)
    found = checked_predictions(pipeline, problem.table)
    leader = next(iter(restored.history.finished()), None)
    return Replayed(
        pipeline=pipeline,
        trial=winner_of(recipe, restored.history),
        problem=problem,
        random_state=settings.random_state,
        n_trials=sum(1 for t in restored.history if t.number),
        same_leader=leader is not None and leader.number == recipe["leader"],
        identical=digest(found) == recipe["predictions"],
        difference=_difference(folder / "winner.npy", found),
    )


def winner_of(recipe: Mapping[str, Any], history: History) -> Trial:
    """Return the trial that a recipe is of."""
    if recipe["winner"] >= 0:
        return history[recipe["winner"]]
    return Trial(-1, recipe["candidate"], {}, "fallback", "ok")


def _finished(folder: Path) -> Restored:
    path = folder / "journal.jsonl"
    if not path.is_file():
        raise AutoMLDataError(
            f"{folder} holds no journal.jsonl; the folder of a run was expected.",
            code="E-replay",
        )
    restored = restore(*read_journal(path), lambda _trial, _fold: True)
    if restored is None or restored.finish is None:
        raise AutoMLDataError(
            f"The run in {folder} has not come to its end; resume it first.",
            code="E-replay",
        )
    return restored


def _settings(restored: Restored, metric: Any, candidates: Any, cv: Any) -> Settings:
    """Return the settings of the run, as far as they decide what is fitted."""
    shown = restored.start["settings"]
    return Settings(
        task=str(shown["task"]),
        metric=shown["metric"] if metric is None else metric,
        budget=Budget(None, 1, 0.0),
        cv=(restored.start.get("cv") or shown["cv"]) if cv is None else cv,
        candidates=shown["candidates"] if candidates is None else candidates,
        n_jobs=1,
        random_state=restored.seed,
        run_dir=None,
        trial_time_limit_s=None,
        memory_limit_mib=None,
        drop_missing_target=bool(shown.get("drop_missing_target")),
        shown=shown,
    )


def _difference(path: Path, found: np.ndarray) -> float | None:
    try:
        kept = np.load(io.BytesIO(path.read_bytes()), allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if kept.shape != found.shape or not found.size:
        return None
    return float(np.abs(kept - found).max())
