"""Tasks whose worker died: which are run again, and when."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from automl.trial import FoldResult

if TYPE_CHECKING:
    from automl.evaluate import Outcome, Task

__all__ = ["CRASHES", "Crashes", "Reruns", "death_of"]

TRIES = {"crash": 2, "lost": 4}
"""How often a task is run that ends its worker, or whose worker ends beside it."""

REASONS = {
    "timeout": "ended at its time limit",
    "memory": "ended at the memory limit",
    "lost": "its worker process ended beside it, again and again",
}
"""Why a trial ended with its worker, in words."""


CRASHES = 10
"""Crashes in a row after which the search gives up: it is the machine, or all."""


class Reruns:
    """What died and gets another chance, the first that died first.

    Examples
    --------
    >>> from automl.evaluate import Task
    >>> reruns, one, other = Reruns(), Task("fold", 1), Task("fold", 2)
    >>> reruns.died(one, "crash"), reruns.died(other, "crash")
    (True, True)
    >>> reruns.next().serial, reruns.next()
    (1, None)
    >>> reruns.ended(one)
    >>> reruns.next().serial
    2
    """

    def __init__(self) -> None:
        self._deaths: dict[tuple[int, str], int] = {}
        self._due: deque[Task] = deque()
        self._suspect: int | None = None

    def died(self, task: Task, error: str) -> bool:
        """Note how a task ended, and return whether it is run again."""
        self.ended(task)
        if error not in TRIES:
            return False
        deaths = self._deaths.get((task.serial, error), 0) + 1
        self._deaths[task.serial, error] = deaths
        if deaths < TRIES[error]:
            self._due.append(task)
            return True
        return False

    def ended(self, task: Task) -> None:
        """Note that a task is not running any more."""
        if task.serial == self._suspect:
            self._suspect = None

    def next(self) -> Task | None:
        """Return what is run again now, if anything.

        Of those that may have ended their worker one at a time: beside each other, the
        one that did would take the blame of the others with it again.
        """
        for task in self._due:
            crashed = (task.serial, "crash") in self._deaths
            if crashed and self._suspect is not None:
                continue
            self._due.remove(task)
            self._suspect = task.serial if crashed else self._suspect
            return task
        return None


class Crashes:
    """Workers that ended in a row, with no finished fold between.

    Examples
    --------
    >>> from automl.evaluate import Outcome, Task
    >>> crashes, fit = Crashes(), Task("fold", 1, candidate="svm")
    >>> told = [crashes.why_over(Outcome(fit, error="crash")) for _ in range(CRASHES)]
    >>> told[-2] is None, str(told[-1])[:40]
    (True, '10 fits in a row ended their worker proc')
    """

    def __init__(self) -> None:
        self._in_a_row = 0
        self._last_s: float | None = None

    def why_over(self, outcome: Outcome) -> str | None:
        """Count a crash; return why to give up, if it is one too many."""
        same = outcome.ended_s is not None and outcome.ended_s == self._last_s
        self._last_s = outcome.ended_s
        self._in_a_row += not same  # a pool that dies takes all that ran with it
        if self._in_a_row < CRASHES:
            return None
        return (
            f"{CRASHES} fits in a row ended their worker process, the last one of "
            f"{outcome.task.candidate} ({outcome.detail}): the search was given up."
        )

    def end(self) -> None:
        """Note that a fold was finished."""
        self._in_a_row = 0


def death_of(outcome: Outcome) -> FoldResult:
    """Return the result of a fold that did not come to its end."""
    task, status = outcome.task, outcome.error or "lost"
    twice = f"its worker process {outcome.detail}, and a new one again"
    reason, (pid, began) = REASONS.get(status, twice), outcome.mark or (0, 0.0)
    return FoldResult(
        task.trial, task.fold, status, reason=reason, worker=pid, started_s=began,
        ended_s=outcome.ended_s if pid else None,
    )  # fmt: skip
