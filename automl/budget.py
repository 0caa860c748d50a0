"""How much time and how many trials a run has, by any clock that it is given."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

from automl.exceptions import AutoMLConfigError

__all__ = ["Budget", "make_budget"]

Clock = Callable[[], float]


@dataclass(frozen=True)
class Budget:
    """What a run may spend.

    Attributes
    ----------
    time_s : float or None
        Seconds of wall time from `started`, or no limit.
    n_trials : int or None
        Configurations, or no limit.
    started : float
        Reading of the clock when the run began.
    clock : callable
        Seconds that never go back: `time.monotonic`.
    """

    time_s: float | None
    n_trials: int | None
    started: float
    clock: Clock = field(default=time.monotonic, repr=False)

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return self.clock() - self.started

    @property
    def remaining_s(self) -> float:
        """Seconds left; infinite without a limit."""
        return float("inf") if self.time_s is None else self.time_s - self.elapsed_s

    @property
    def deadline(self) -> float | None:
        """Reading of the clock at the end, or None."""
        return None if self.time_s is None else self.started + self.time_s


def make_budget(
    time_budget_s: float | None,
    n_trials: int | None,
    *,
    default_time: bool = False,
    clock: Clock = time.monotonic,
) -> Budget:
    """Return a checked budget that starts now.

    Parameters
    ----------
    time_budget_s : float or None
        More than 0 seconds.
    n_trials : int or None
        At least 1. Given alone (``default_time``), it lifts the limit in time.
    default_time : bool, default=False
        Whether ``time_budget_s`` is only the default.

    Raises
    ------
    AutoMLConfigError
        If a limit is not a positive number, or there is none (``E-budget``).

    Examples
    --------
    >>> make_budget(60, 5, default_time=True, clock=lambda: 0.0).time_s is None
    True
    """
    if time_budget_s is not None and not _is_positive(time_budget_s):
        raise AutoMLConfigError(
            f"time_budget_s={time_budget_s!r} must be a number of seconds above 0.",
            code="E-budget",
            hint="Use n_trials for a budget without a clock.",
        )
    if n_trials is not None:
        if not _is_positive(n_trials) or int(n_trials) != n_trials:
            raise AutoMLConfigError(
                f"n_trials={n_trials!r} must be a whole number of at least 1.",
                code="E-budget",
            )
        n_trials = int(n_trials)
        if default_time:
            time_budget_s = None
    if time_budget_s is None and n_trials is None:
        raise AutoMLConfigError(
            "time_budget_s and n_trials are both None; a run needs one of them.",
            code="E-budget",
            hint="Give one of them.",
        )
    seconds = None if time_budget_s is None else float(time_budget_s)
    return Budget(seconds, n_trials, clock(), clock)


def _is_positive(value: Any) -> bool:
    """Return whether this is a finite number above 0, and no truth value."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    return 0 < float(value) < float("inf")
