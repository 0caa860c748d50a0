"""What a run looks like from outside at one moment: what observers are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Notify", "Snapshot"]


@dataclass(frozen=True)
class Snapshot:
    """A run at one moment.

    Attributes
    ----------
    phase : str
        ``start``, ``search``, ``trial`` (one ended), ``refit``, ``report`` or ``end``.
    message : str
        A sentence worth a line of its own (the task and why, a new best, the
        verdict), or empty. That of phase ``trial`` is for those who want them all.
    elapsed_s : float
        Seconds since `fit` began.
    time_budget_s : float or None
        The budget, if it is one of time.
    n_trials : int
        Configurations started, the baseline not counted.
    n_trials_budget : int or None
        The budget, if it is one of trials.
    n_finished, n_failed : int
        Of these, with all folds done; ended by an error.
    metric : str
        Name of the metric.
    best : float or None
        Natural value of the best finished configuration's score.
    best_candidate : str or None
        Its candidate's name.
    """

    phase: str
    message: str
    elapsed_s: float
    time_budget_s: float | None
    n_trials: int
    n_trials_budget: int | None
    n_finished: int
    n_failed: int
    metric: str
    best: float | None
    best_candidate: str | None


Notify = Callable[[Snapshot], bool]
"""How the search tells of its progress; true means that the run is to stop."""
