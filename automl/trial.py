"""One configuration and what came of its folds."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "BASELINE", "CALIBRATED", "DERIVED", "ENSEMBLE", "FAILED", "TEMPERATURE",
    "FoldResult", "Trial", "made_of",
]  # fmt: skip

BASELINE = "baseline"
"""The candidate that predicts without looking at the features."""

ENSEMBLE = "ensemble"
"""The weighted average of configurations, as one more candidate."""

CALIBRATED = "calibrated"
"""One configuration with a temperature, as one more candidate."""

DERIVED = (ENSEMBLE, CALIBRATED)
"""Candidates that are made of configurations which were scored before."""

TEMPERATURE = "temperature"
"""Among their parameters; the others are names of trials, with their shares."""

TIMEOUT_TIMES = 2.0
"""How much longer than it was given a fold that was ended is taken to need."""

FAILED = frozenset({"crash", "error", "invalid_score", "lost", "memory", "timeout"})
"""Statuses of a configuration that was tried and did not work."""


@dataclass(frozen=True)
class FoldResult:
    """One configuration fitted on one fold.

    Attributes
    ----------
    trial, fold : int
        Which configuration, which fold; from 0.
    status : str
        ``ok``; ``error`` (it raised), ``invalid_score``, ``timeout`` and ``memory`` (it
        was ended at that limit), ``crash`` (it ended its worker, twice), ``lost`` (its
        worker ended beside it, again and again) or ``cancelled``.
    score : float or None
        On the fold's scoring rows, greater is better.
    fit_s, predict_s, cpu_s : float
        Wall seconds of fit and of predict; CPU seconds of both and the metric.
    started_s : float
        When it began, in seconds since the run did.
    rounds : int or None
        Boosting rounds, trees or epochs, where the learner grows by them.
    truncated : bool
        Whether the learner was stopped by its deadline.
    ended_s : float or None
        When it ended, on the same clock; None where an earlier version wrote it. Not
        `started_s` and `seconds` later: those count what was prepared before.
    worker : int
        Process that ran it; 0 if unknown.
    error : str or None
        Traceback, if it failed.
    reason : str or None
        The traceback's last line.
    """

    trial: int
    fold: int
    status: str
    score: float | None = None
    fit_s: float = 0.0
    predict_s: float = 0.0
    cpu_s: float = 0.0
    started_s: float = 0.0
    ended_s: float | None = None
    rounds: int | None = None
    truncated: bool = False
    worker: int = 0
    error: str | None = None
    reason: str | None = None

    @property
    def seconds(self) -> float:
        """Wall seconds of fit and predict."""
        return self.fit_s + self.predict_s

    @property
    def needed_s(self) -> float:
        """The same; of a fold that was ended at a limit, more than it was given."""
        if self.status != "timeout":
            return self.seconds
        given_s = (self.ended_s or self.started_s) - self.started_s
        return max(self.seconds, TIMEOUT_TIMES * given_s)

    def since(self, moment: float) -> FoldResult:
        """Return the result with its times counted from a moment on.

        Examples
        --------
        >>> FoldResult(0, 0, "ok", started_s=103.0, ended_s=104.5).since(100.0).ended_s
        4.5
        """
        ended = None if self.ended_s is None else self.ended_s - moment
        begun = max(0.0, self.started_s - moment)
        return replace(self, started_s=begun, ended_s=ended)


@dataclass(frozen=True)
class Trial:
    """One configuration over all its folds.

    Attributes
    ----------
    number : int
        From 0, in the order of the first dispatch; the baseline is 0.
    candidate : str
        Name of the candidate.
    params : dict
        Its hyperparameters, as JSON values; those inactive left out.
    origin : str
        ``baseline``, ``start: <name>``, ``tpe``, ``random`` or ``perturbed``.
    status : str
        ``running``, ``ok`` (all folds finished), ``raced``, ``cancelled``, or that of
        the fold that failed (see `FoldResult`).
    folds : tuple of FoldResult
        Those that ended, by fold.
    reason : str or None
        Why it did not finish.
    """

    number: int
    candidate: str
    params: Mapping[str, Any]
    origin: str
    status: str = "running"
    folds: tuple[FoldResult, ...] = ()
    reason: str | None = None

    @property
    def is_running(self) -> bool:
        """Whether it is not over."""
        return self.status == "running"

    @property
    def failed(self) -> bool:
        """Whether it was tried and did not work."""
        return self.status in FAILED

    @property
    def is_baseline(self) -> bool:
        """Whether it predicts without looking at the features."""
        return self.candidate == BASELINE

    @cached_property
    def made_of(self) -> tuple[int, ...]:
        """Numbers of the trials that a derived candidate is made of."""
        return made_of(self.params) if self.candidate in DERIVED else ()

    @cached_property
    def scores(self) -> dict[int, float]:
        """Score of each finished fold."""
        return {f.fold: f.score for f in self.folds if f.score is not None}

    @cached_property
    def score(self) -> float:
        """Mean score of the finished folds; NaN without one."""
        values = list(self.scores.values())
        return fmean(values) if values else math.nan

    @cached_property
    def score_std(self) -> float:
        """Standard deviation over the folds; NaN with fewer than two."""
        values = list(self.scores.values())
        return stdev(values) if len(values) > 1 else math.nan

    @cached_property
    def slowest_s(self) -> float:
        """Wall seconds that its slowest fold needs, as far as is known."""
        return max((f.needed_s for f in self.folds), default=0.0)

    @cached_property
    def fit_s(self) -> float:
        """Mean wall seconds of a fold's fit."""
        return float(np.mean([f.fit_s for f in self.folds])) if self.folds else 0.0

    @property
    def predict_s(self) -> float:
        """Mean wall seconds of a fold's prediction."""
        return float(np.mean([f.predict_s for f in self.folds])) if self.folds else 0.0

    @property
    def rounds(self) -> int | None:
        """Mean number of rounds over the folds."""
        values = [f.rounds for f in self.folds if f.rounds is not None]
        return max(1, round(float(np.mean(values)))) if values else None

    def with_fold(self, result: FoldResult) -> Trial:
        """Return the trial with one more fold."""
        folds = [f for f in self.folds if f.fold != result.fold] + [result]
        return replace(self, folds=tuple(sorted(folds, key=lambda f: f.fold)))


def made_of(params: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the numbers of the trials among the parameters of a derived candidate."""
    names = (name for name in params if name != TEMPERATURE)
    return tuple(int(name.removeprefix("trial ")) for name in names)
