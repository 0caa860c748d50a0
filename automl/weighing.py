"""Who predicts together: weights and a temperature from what a search has predicted."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING

from automl.calibration import calibrated
from automl.ensemble import Blend, blend, pool
from automl.reserve import ENSEMBLE_SHARE, is_refitted, refit_seconds
from automl.scored_rows import scored_rows
from automl.trial import BASELINE

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl.budget import Budget
    from automl.history import History
    from automl.interrupt import Interrupt
    from automl.journal import Journal
    from automl.plan import Plan
    from automl.problem import Problem
    from automl.search import Search

__all__ = ["INTERRUPTED_S", "after", "leading", "weigh"]

TEMPERATURE_PART = 0.25
"""Of the time for an ensemble's weights: what is left for a temperature. To find one
takes up to .25 s on top, however many rows there are."""

INTERRUPTED_S = 0.5
"""Seconds in which weights, or models within limits, are chosen after a Ctrl-C."""


def leading(
    plan: Plan,
    problem: Problem,
    journal: Journal,
    budget: Budget,
    history: History,
    seconds: float,
) -> tuple[int, ...]:
    """Return the trials that would predict if the search were over.

    Parameters
    ----------
    plan : Plan
        Whether an average may win.
    problem : Problem
        What is worked on.
    journal : Journal
        With the out-of-fold predictions.
    budget : Budget
        With the clock.
    history : History
        So far.
    seconds : float
        In which the weights are chosen.
    """
    leader = next(iter(history.finished()), None)
    if leader is None or leader.candidate == BASELINE:
        return ()
    end, found = budget.clock() + seconds, None
    if plan.ensemble:
        # what raises here raises again at the end, and is told then
        with suppress(Exception):
            found = _average(history, problem, journal, lambda: budget.clock() > end)
    return (leader.number,) if found is None else tuple(found.weights)


def _average(
    history: History, problem: Problem, journal: Journal, is_over: Callable[[], bool]
) -> Blend | None:
    """Return the average that beats the best configuration, if there is one."""
    table = problem.table
    return blend(
        pool(history.trials), journal.predictions, table.y, problem.folds,
        problem.metric, table.sample_weight, is_over,
    )  # fmt: skip


def weigh(
    search: Search,
    history: History,
    problem: Problem,
    journal: Journal,
    interrupt: Interrupt,
    notes: list[str],
) -> Blend | None:
    """Return what predicts better than the best configuration as it is.

    Parameters
    ----------
    search, history, problem, journal, interrupt
        As in `automl.conclusion.conclude`.
    notes : list of str
        Grows by what failed.
    """
    leader = next(iter(history.finished()), None)
    if history.chosen is not None or leader is None or leader.candidate == BASELINE:
        return None
    budget, allowed_s = search.budget, math.inf
    if budget.time_s is not None:
        left_s = budget.remaining_s
        if is_refitted(search.plan, leader, budget.time_s):
            left_s -= refit_seconds(search.plan, leader)
        allowed_s = max(0.1, min(ENSEMBLE_SHARE * budget.time_s, left_s))
    if interrupt.asked:
        allowed_s = min(allowed_s, INTERRUPTED_S)
    is_over = after(budget, interrupt, allowed_s * (1 - TEMPERATURE_PART))
    table, found = problem.table, None
    if search.plan.ensemble:
        try:
            found = _average(history, problem, journal, is_over)
        except Exception as error:  # noqa: BLE001 - the user's metric may raise anything
            why = f"choosing its weights raised {type(error).__name__}."
            notes.append(f"No ensemble was made: {why}")
    if not table.is_classification:
        return found
    is_over = after(budget, interrupt, allowed_s * TEMPERATURE_PART)
    rows = scored_rows(table, problem.folds)
    try:
        return calibrated(
            found, leader, journal.predictions, rows, problem.folds, problem.metric,
            is_over,
        )  # fmt: skip
    except Exception as error:  # noqa: BLE001 - the same metric, on other probabilities
        why = f"choosing their temperature raised {type(error).__name__}."
        notes.append(f"Probabilities are as the learners give them: {why}")
        return found


def after(budget: Budget, interrupt: Interrupt, seconds: float) -> Callable[[], bool]:
    """Return what says whether so many seconds are over; few are left by a Ctrl-C.

    Parameters
    ----------
    budget : Budget
        With the clock.
    interrupt : Interrupt
        Of the run.
    seconds : float
        From now on.
    """
    end, asked_before = budget.clock() + seconds, interrupt.asked

    def is_over() -> bool:
        asked_s = None if asked_before else interrupt.asked_s
        soon = math.inf if asked_s is None else asked_s + INTERRUPTED_S
        return budget.clock() > min(end, soon)

    return is_over
