"""What was tried and what came of it: all above is a function of this record."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = [
    "BASELINE", "CALIBRATED", "DERIVED", "ENSEMBLE", "TEMPERATURE", "FoldResult",
    "History", "Known", "Trial", "as_kept", "derived", "learner_of",
    "members_of",
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

    @cached_property
    def made_of(self) -> tuple[int, ...]:
        """Numbers of the trials that a derived candidate is made of."""
        return _members(self.params) if self.candidate in DERIVED else ()

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


def derived(
    number: int, params: Mapping[str, Any], folds: tuple[FoldResult, ...]
) -> Trial:
    """Return what is made of scored configurations as one more.

    Examples
    --------
    >>> derived(9, {"trial 3": 1.0, "temperature": 0.5}, ()).origin
    'calibration of trial 3'
    >>> derived(9, {"trial 3": 0.6, "trial 1": 0.4}, ()).made_of
    (3, 1)
    """
    members = _members(params)
    if len(members) > 1:
        return Trial(number, ENSEMBLE, params, "greedy selection", "ok", folds)
    origin = f"calibration of trial {members[0]}"
    return Trial(number, CALIBRATED, params, origin, "ok", folds)


def _members(params: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the numbers of the trials among the parameters of a derived candidate."""
    names = (name for name in params if name != TEMPERATURE)
    return tuple(int(name.removeprefix("trial ")) for name in names)


def as_kept(predictions: np.ndarray) -> np.ndarray:
    """Return out-of-fold predictions as they are kept until the end.

    Probabilities are small as float32; of numbers far from zero, like seconds since
    1970, that would leave nothing but the rounding to score.

    Parameters
    ----------
    predictions : array of shape (n_rows, n_classes) or (n_rows,)
        Probabilities, or numbers.

    Examples
    --------
    >>> as_kept(np.ones((3, 2))).dtype.name, as_kept(np.ones(3)).dtype.name
    ('float32', 'float64')
    """
    wanted = np.float64 if np.ndim(predictions) == 1 else np.float32
    return np.asarray(predictions, dtype=wanted)


def learner_of(trial: Trial, trials: Iterable[Trial]) -> tuple[str, dict[str, Any]]:
    """Return the candidate and the parameters to tell of what predicts.

    Of what is calibrated they are those of the configuration, and the temperature.
    """
    params = dict(trial.params)
    if trial.candidate != CALIBRATED:
        return trial.candidate, params
    member = next(t for t in trials if t.number in trial.made_of)
    return member.candidate, {**member.params, TEMPERATURE: params[TEMPERATURE]}


def members_of(trial: Trial, trials: Iterable[Trial]) -> list[dict[str, Any]]:
    """Return what an ensemble averages, the heaviest first; of all else nothing.

    Examples
    --------
    >>> one, two = Trial(1, "ridge", {"alpha": 2.0}, ""), Trial(3, "svm", {}, "")
    >>> average = derived(9, {"trial 1": 0.4, "trial 3": 0.6}, ())
    >>> [(m["candidate"], m["weight"]) for m in members_of(average, (one, two))]
    [('svm', 0.6), ('ridge', 0.4)]
    """
    if trial.candidate != ENSEMBLE:
        return []
    found = [
        {
            "trial": t.number,
            "candidate": t.candidate,
            "weight": float(trial.params[f"trial {t.number}"]),
            "params": dict(t.params),
        }
        for t in trials
        if t.number in trial.made_of
    ]
    return sorted(found, key=lambda member: -member["weight"])


@dataclass(frozen=True)
class History:
    """All trials of a run, in order.

    Attributes
    ----------
    trials : tuple of Trial
        In the order of their start.
    chosen : int or None
        Number of the one that is to predict though another may score better; None for
        the best. Set when a search is over.

    Examples
    --------
    >>> history = History().started(Trial(0, "ridge", {}, "random"))
    >>> history = history.told(FoldResult(0, 0, "ok", score=0.5))
    >>> history[0].score
    0.5
    """

    trials: tuple[Trial, ...] = field(default_factory=tuple)
    chosen: int | None = None

    def __len__(self) -> int:
        return len(self.trials)

    def __iter__(self) -> Iterator[Trial]:
        return iter(self.trials)

    def __getitem__(self, number: int) -> Trial:
        return self.trials[number]

    def started(self, trial: Trial) -> History:
        """Return the history with one more trial."""
        return History((*self.trials, trial))

    def told(self, result: FoldResult) -> History:
        """Return the history with one more fold."""
        return self.replaced(self.trials[result.trial].with_fold(result))

    def ended(self, number: int, status: str, reason: str | None = None) -> History:
        """Return the history with a trial's end."""
        return self.replaced(replace(self.trials[number], status=status, reason=reason))

    def replaced(self, trial: Trial) -> History:
        """Return the history with this trial in its place."""
        trials = list(self.trials)
        trials[trial.number] = trial
        return History(tuple(trials))

    def finished(self) -> list[Trial]:
        """Return trials with all folds, best first; the baseline among them."""
        done = [t for t in self.trials if t.status == "ok" and not math.isnan(t.score)]
        return sorted(done, key=lambda t: (-t.score, t.number))

    def preferred(self) -> list[Trial]:
        """Return the same with the chosen one in front."""
        return sorted(self.finished(), key=lambda t: t.number != self.chosen)


@dataclass(frozen=True)
class Known:
    """A fold that an earlier session of the run has done.

    Attributes
    ----------
    candidate : str
        Name of the candidate.
    params : dict
        Its hyperparameters, as JSON values.
    result : FoldResult
        What came of it.
    """

    candidate: str
    params: Mapping[str, Any]
    result: FoldResult

    def answers(self, candidate: str, params: Mapping[str, Any]) -> bool:
        """Return whether a task about this configuration needs not be run.

        Examples
        --------
        >>> known = Known("mlp", {"layers": [8, 8]}, FoldResult(1, 0, "ok", 0.5))
        >>> known.answers("mlp", {"layers": (8, 8)}), known.answers("mlp", {})
        (True, False)
        """
        return self.candidate == candidate and _same(self.params, params)


def _same(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Return whether two configurations are one: a tuple is a list in JSON."""
    return json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True)
