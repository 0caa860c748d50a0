"""When a learner that grows by rounds has enough of them, or no time for more."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

__all__ = ["MIN_ROUNDS", "Growth", "Patience"]

MIN_ROUNDS = 10
"""Rounds that a boosted model makes before it may stop for want of time."""

SURE = 1.5
"""How many times the seconds that a second fit should take there have to be for it."""


@dataclass(frozen=True)
class Growth:
    """What limits a fit.

    Attributes
    ----------
    param : str
        The parameter that counts rounds.
    high : int
        Most rounds.
    deadline : float or None
        On `time.monotonic`, when to stop with what there is.
    round_s : float
        Seconds that each round costs after the fit: what it adds to a prediction that
        has to be there by the deadline.
    again : bool
        Whether few rows may be fitted once more, those included that said when to stop.

    Examples
    --------
    >>> late = Growth("n_estimators", 500, time.monotonic() + 9.0, round_s=0.1)
    >>> late.left_s(50) > 3.0, late.left_s(100) < 0.0
    (True, True)
    """

    param: str
    high: int
    deadline: float | None = None
    round_s: float = 0.0
    again: bool = True

    def left_s(self, done: int) -> float:
        """Return the seconds left after so many rounds; infinite without a deadline."""
        if self.deadline is None:
            return np.inf
        return self.deadline - time.monotonic() - done * self.round_s


class Patience:
    """When to stop: the inner split has not improved for a while, or time is up.

    It grows with the rounds made, as AutoGluon's does: 20 + .3 of the best round so
    far; a slow learner is given longer.

    Parameters
    ----------
    growth : Growth
        What limits the fit.
    least : int, default=10
        Rounds that are made whatever the time.

    Attributes
    ----------
    best_round : int
        The round with the least loss; the last one where no loss is measured.
    truncated : bool
        Whether the deadline ended it, or would have ended the next round.
    """

    def __init__(self, growth: Growth, least: int = MIN_ROUNDS) -> None:
        self.growth = growth
        self.least = least
        self._begun = self._asked = time.monotonic()
        self._done = 1
        self.best_round = 0
        self.best_loss = np.inf
        self.truncated = False

    def is_over(self, done: int, loss: float | None) -> bool:
        """Return whether to stop after ``done`` rounds, of which this is the loss."""
        if loss is None:
            self.best_round = done
        elif loss < self.best_loss or not np.isfinite(self.best_loss):
            self.best_loss, self.best_round = loss, done
        out_of_patience = done - self.best_round > 20 + 0.3 * self.best_round
        self._done = done
        self._asked, begun = time.monotonic(), self._asked
        late = self.growth.left_s(done) < self._asked - begun  # the next takes as long
        self.truncated = done >= self.least and late
        return out_of_patience or self.truncated or done == self.growth.high

    def goes_again(self, more: float) -> bool:
        """Return whether the best rounds are made again, with so many times the rows.

        Where there is no time for it the fit counts as cut short.
        """
        if self.truncated or not self.growth.again:
            return False
        spent_s = self._asked - self._begun
        again_s = SURE * more * spent_s * self.best_round / self._done
        self.truncated = self.growth.left_s(self.best_round) <= again_s
        return not self.truncated
