"""Which configurations go on to the next fold: arithmetic on scores of the same folds.

Two configurations scored on the same rows are compared pair by pair: what a fold makes
hard for both cancels out. A loser is dropped when it trails the best finished one by
more than a standard error.
"""

from __future__ import annotations

import math
from statistics import fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl.trial import Trial

__all__ = ["PairedScores", "is_losing", "paired_score"]

Z = 1.0
"""Standard errors behind at which a configuration is dropped."""

PRIOR_WEIGHT = 2.0
"""Folds that the prior spread counts for."""

PRIOR_SHARE = 0.3
"""Prior spread of paired differences, as a share of the spread between folds: on the
AutoML benchmark 4.6 % of the error against 15.2 %."""


def paired_score(trial: Trial, reference: Trial) -> float:
    """Return the trial's score as if it had run on all of the reference's folds.

    Examples
    --------
    >>> from automl.trial import FoldResult, Trial
    >>> a = Trial(0, "a", {}, "", folds=(FoldResult(0, 0, "ok", 0.5),
    ...                                  FoldResult(0, 1, "ok", 0.9)))
    >>> b = Trial(1, "b", {}, "", folds=(FoldResult(1, 0, "ok", 0.6),))
    >>> round(paired_score(b, a), 3)
    0.8
    """
    differences = _differences(trial, reference)
    if not differences:
        return trial.score
    return reference.score + fmean(differences)


class PairedScores:
    """Paired scores that are worked out once: a search asks for all at each step.

    Examples
    --------
    >>> from automl.trial import FoldResult, Trial
    >>> a = Trial(0, "a", {}, "", folds=(FoldResult(0, 0, "ok", 0.5),))
    >>> PairedScores().of(a, None)
    0.5
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[Trial, Trial | None, float]] = {}
        self._all: dict[str, tuple[Mapping[int, Trial], Trial | None, list[float]]] = {}

    def of(self, trial: Trial, reference: Trial | None) -> float:
        """Return the trial's paired score; its own where there is no reference."""
        known = self._known.get(trial.number)
        if known is not None and known[0] is trial and known[1] is reference:
            return known[2]
        score = trial.score if reference is None else paired_score(trial, reference)
        self._known[trial.number] = (trial, reference, score)
        return score

    def of_all(
        self, name: str, own: Mapping[int, Trial], reference: Trial | None
    ) -> list[float]:
        """Return the paired scores of a candidate's trials; NaN for those that failed.

        What began well and took too long is not worth more of.

        Parameters
        ----------
        name : str
            The candidate's.
        own : dict
            Its trials by number: an object is taken to stay as it is.
        reference : Trial or None
            As in `of`.
        """
        known = self._all.get(name)
        if known is not None and known[0] is own and known[1] is reference:
            return known[2]
        found = [math.nan if t.failed else self.of(t, reference) for t in own.values()]
        self._all[name] = (own, reference, found)
        return found


def _differences(trial: Trial, reference: Trial) -> list[float]:
    ours, theirs = trial.scores, reference.scores
    return [ours[f] - theirs[f] for f in ours if f in theirs]


def is_losing(trial: Trial, reference: Trial) -> bool:
    """Return whether a trial trails the reference by more than chance explains.

    Parameters
    ----------
    trial : Trial
        With some folds finished.
    reference : Trial
        With all folds finished.
    """
    differences = _differences(trial, reference)
    if not differences or fmean(differences) >= 0:
        return False
    mean = fmean(differences)
    between = reference.score_std
    if math.isnan(between):
        return False
    prior = (PRIOR_SHARE * between) ** 2
    spread = sum((d - mean) ** 2 for d in differences)
    n = len(differences)
    deviation = math.sqrt((PRIOR_WEIGHT * prior + spread) / (PRIOR_WEIGHT + n - 1))
    return mean < -Z * deviation / math.sqrt(n)
