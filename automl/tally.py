"""What all trials together say, kept up as they start and end.

A search asks for it at each step: to look through thousands of trials anew takes longer
than the fit of a small table.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from automl.trial import Trial

__all__ = ["Tally"]


@dataclass(frozen=True)
class Tally:
    """Sums and bests of the trials of a history.

    Attributes
    ----------
    own : dict
        Candidate's name to its trials by number, in the order of their start.
    running : dict
        Trials that are not over, by number.
    incumbent : Trial or None
        The best finished configuration, the baseline aside.
    slowest_s : dict
        Candidate's name to the wall seconds that its slowest fold needs.
    n_ended : dict
        Candidate's name to the number of its trials that are over.
    worked : frozenset of str
        Candidates with a trial that is over and did not fail.
    begun_s : float
        When the first fold began, the baseline's aside, in seconds since the run did.
    """

    own: Mapping[str, Mapping[int, Trial]] = field(default_factory=dict)
    running: Mapping[int, Trial] = field(default_factory=dict)
    incumbent: Trial | None = None
    slowest_s: Mapping[str, float] = field(default_factory=dict)
    n_ended: Mapping[str, int] = field(default_factory=dict)
    worked: frozenset[str] = frozenset()
    begun_s: float = math.inf

    @classmethod
    def of(cls, trials: Iterable[Trial]) -> Tally:
        """Return the tally of all these trials.

        Examples
        --------
        >>> from automl.trial import FoldResult, Trial
        >>> folds = (FoldResult(1, 0, "ok", 0.5, fit_s=2.0),)
        >>> trials = Trial(1, "a", {}, "", "ok", folds), Trial(2, "b", {}, "")
        >>> tally = Tally.of(trials)
        >>> tally.incumbent.number, dict(tally.slowest_s), list(tally.running)
        (1, {'a': 2.0}, [2])
        """
        tally = cls()
        for trial in trials:
            tally = tally.after(None, trial)
        return tally

    def after(self, old: Trial | None, new: Trial) -> Tally:
        """Return the tally with a trial more, or with one in the place of another.

        Parameters
        ----------
        old : Trial or None
            As it was; None for one more.
        new : Trial
            As it is now: a trial that is over does not run again.
        """
        name = new.candidate
        running = {**self.running, new.number: new}
        slowest_s, n_ended, worked = self.slowest_s, self.n_ended, self.worked
        if not new.is_running:
            del running[new.number]
        if not new.is_running and (old is None or old.is_running):
            n_ended = {**n_ended, name: n_ended.get(name, 0) + 1}
        if not new.is_running and not new.failed:
            worked |= {name}
        if new.folds and not new.slowest_s <= slowest_s.get(name, -1.0):
            slowest_s = {**slowest_s, name: new.slowest_s}
        begun_s = [f.started_s for f in new.folds] if new.number else []
        return Tally(
            {**self.own, name: {**self.own.get(name, {}), new.number: new}},
            running,
            _better(self.incumbent, new),
            slowest_s,
            n_ended,
            worked,
            min([self.begun_s, *begun_s]),
        )


def _better(best: Trial | None, new: Trial) -> Trial | None:
    """Return the better one of the incumbent and a trial, if that can be it."""
    if new.status != "ok" or new.is_baseline:
        return best
    if best is None or best.number == new.number:
        return new
    return max(best, new, key=lambda t: (t.score, -t.number))
