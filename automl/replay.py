"""The winner of a finished run again, from its journal and the data alone.

The recipe at the end of the journal says how the model was fitted, so that the clock
has no say in it any more.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.budget import Budget
from automl.exceptions import AutoMLDataError
from automl.history import learner_of, members_of
from automl.identity import identity, refuse_another
from automl.journal import read_facts, read_journal
from automl.problem import Problem, make_problem
from automl.recipe import checked_predictions, digest, remake, winner_of
from automl.resume import Restored, refuse_headless, restore
from automl.settings import Settings
from automl.trial import DERIVED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sklearn.pipeline import Pipeline

    from automl.trial import Trial

__all__ = ["Replayed", "replay"]


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
    candidate, params : str, dict
        As a bundle tells them; see `automl.history.learner_of`.
    same_leader : bool
        Whether the history has the same best trial as was recorded.
    identical : bool
        Whether the predictions are the same, byte for byte.
    difference : float or None
        The largest between two predictions; None if the earlier ones are gone.
    estimate : dict or None
        What the run said to expect on new rows, if its facts are there.
    members : list of dict
        What an ensemble averages; see `automl.history.members_of`.
    """

    pipeline: Pipeline
    trial: Trial
    problem: Problem
    random_state: int
    n_trials: int
    candidate: str
    params: Mapping[str, Any]
    same_leader: bool
    identical: bool
    difference: float | None
    estimate: dict[str, Any] | None = None
    members: Sequence[Mapping[str, Any]] = ()

    @property
    def winner(self) -> str:
        """What the model is, in words."""
        if self.trial.number < 0:
            return f"the small {self.trial.candidate} that was fitted first"
        if self.trial.candidate in DERIVED:
            n_members = len(self.trial.made_of)
            if n_members > 1:
                return f"an ensemble of {n_members} configurations"
            return f"trial {self.trial.made_of[0]}, {self.candidate}, calibrated"
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
            candidate=self.candidate,
            params=dict(self.params),
            cv=self.problem.folds.name,
            random_state=self.random_state,
            created_utc=datetime.now(UTC).isoformat(timespec="seconds"),
            estimate=self.estimate,
            members=self.members,
        )
        schema = describe_table(self.problem.table)
        return save_bundle(folder, self.pipeline, schema, info)


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
        If the folder holds no finished run (``E-replay``), or the first line of its
        journal is damaged (``E-journal``).
    AutoMLConfigError
        If the data or the search space are others (``E-resume``).
    """
    folder = Path(run_dir).expanduser()
    restored = _finished(folder)
    recipe = restored.finish or {}
    settings = _settings(restored, metric, candidates, cv)
    problem = make_problem(
        X, y, settings, 1, groups=groups, time=time, sample_weight=sample_weight
    )
    version = restored.start["versions"]["automl-pipelines"]
    now = identity(
        problem.table, problem.metric, problem.folds, problem.candidates,
        settings.random_state, version,
    )  # fmt: skip
    refuse_another(folder, restored.start["identity"], now)
    pipeline = remake(recipe, problem, settings.random_state)
    found = checked_predictions(pipeline, problem.table)
    leader = next(iter(restored.history.finished()), None)
    trial = winner_of(recipe, restored.history)
    candidate, params = learner_of(trial, restored.history.trials)
    return Replayed(
        pipeline=pipeline,
        trial=trial,
        problem=problem,
        random_state=settings.random_state,
        n_trials=sum(1 for t in restored.history if t.number),
        candidate=candidate,
        params=params,
        same_leader=leader is not None and leader.number == recipe["leader"],
        identical=digest(found) == recipe["predictions"],
        difference=_difference(folder / "winner.npy", found),
        estimate=(read_facts(folder) or {}).get("estimate"),
        members=members_of(trial, restored.history.trials),
    )


def _finished(folder: Path) -> Restored:
    path = folder / "journal.jsonl"
    if not path.is_file():
        raise AutoMLDataError(
            f"{folder} holds no journal.jsonl; the folder of a run was expected.",
            code="E-replay",
        )
    events, damaged = read_journal(path)
    restored = restore(events, damaged, lambda _trial, _fold: True)
    if restored is None:
        refuse_headless(folder, events)
    if restored is None or restored.finish is None:
        raise AutoMLDataError(
            f"The run in {folder} has not come to its end; resume it first.",
            code="E-replay",
        )
    if not restored.is_whole:
        raise AutoMLDataError(
            f"The journal in {folder} is damaged where it tells of the winner or of "
            "others; resume the run first.",
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
        ensemble=True,
        deploy="auto",
        select="best",
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
