"""Finds out during a search what would predict if it were over.

What is kept for the end then follows from the fits that are really wanted, and from the
time that their weights took to choose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl.ensemble import pool
from automl.reserve import Preview

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from automl.budget import Budget
    from automl.history import History

__all__ = ["Lookout"]

BEGIN_SHARE = 0.4
"""Share of the budget before which nobody looks: who will predict is not known, and the
end is far."""

LOOKING_SHARE = 0.01
"""Share of the time so far that is spent on it, of one core: weights take .01 to .1 s
up to 300,000 rows."""

LEAST_S = 0.05
"""Seconds that one look may take at least."""


class Lookout:
    """Chooses weights now and then, where the pool that they are chosen from changed.

    Parameters
    ----------
    budget : Budget
        Of the run.
    choose : callable
        From a history and seconds that it may take to the numbers of the trials that
        would predict.
    """

    def __init__(
        self, budget: Budget, choose: Callable[[History, float], Collection[int]]
    ) -> None:
        self.budget = budget
        self.choose = choose
        self.spent_s = 0.0
        self._seen: tuple[int, ...] = ()
        self._last_s = 0.0

    def look(self, history: History) -> Preview | None:
        """Return what would predict; None where it is too early, or nothing changed.

        Parameters
        ----------
        history : History
            So far.
        """
        budget = self.budget
        if budget.time_s is None or budget.elapsed_s < BEGIN_SHARE * budget.time_s:
            return None
        free_s = LOOKING_SHARE * budget.elapsed_s - self.spent_s
        if free_s < max(LEAST_S, self._last_s):
            return None
        members = tuple(t.number for t in pool(history.trials))
        if not members or members == self._seen:
            return None
        begun = budget.clock()
        found = tuple(self.choose(history, free_s))
        self._seen, self._last_s = members, budget.clock() - begun
        self.spent_s += self._last_s
        return Preview(found, self._last_s)
