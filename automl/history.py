"""What was tried and what came of it: all above is a function of this record."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.tally import Tally
from automl.trial import CALIBRATED, ENSEMBLE, TEMPERATURE, Trial, made_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from automl.trial import FoldResult

__all__ = ["History", "as_kept", "derived", "learner_of", "members_of"]


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
    members = made_of(params)
    if len(members) > 1:
        return Trial(number, ENSEMBLE, params, "greedy selection", "ok", folds)
    origin = f"calibration of trial {members[0]}"
    return Trial(number, CALIBRATED, params, origin, "ok", folds)


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
    >>> from automl.trial import FoldResult
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

    @cached_property
    def tally(self) -> Tally:
        """What all trials together say."""
        return Tally.of(self.trials)

    def started(self, trial: Trial) -> History:
        """Return the history with one more trial."""
        return _tallied((*self.trials, trial), self.tally.after(None, trial))

    def told(self, result: FoldResult) -> History:
        """Return the history with one more fold."""
        return self.replaced(self.trials[result.trial].with_fold(result))

    def ended(self, number: int, status: str, reason: str | None = None) -> History:
        """Return the history with a trial's end."""
        return self.replaced(replace(self.trials[number], status=status, reason=reason))

    def replaced(self, trial: Trial) -> History:
        """Return the history with this trial in its place."""
        trials, old = list(self.trials), self.trials[trial.number]
        trials[trial.number] = trial
        return _tallied(tuple(trials), self.tally.after(old, trial))

    def finished(self) -> list[Trial]:
        """Return trials with all folds, best first; the baseline among them."""
        done = [t for t in self.trials if t.status == "ok" and not math.isnan(t.score)]
        return sorted(done, key=lambda t: (-t.score, t.number))

    def preferred(self) -> list[Trial]:
        """Return the same with the chosen one in front."""
        return sorted(self.finished(), key=lambda t: t.number != self.chosen)


def _tallied(trials: tuple[Trial, ...], tally: Tally) -> History:
    """Return a history whose tally is known."""
    history = History(trials)
    history.__dict__["tally"] = tally
    return history
