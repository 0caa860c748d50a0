"""The seconds that are kept for what follows a search, by what is known of it so far.

Shares of the budget are what each part may take at most; what is kept is what it is
expected to take, so that the search has the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from automl.canary import CANARY_ROWS
from automl.kept import KEEP_FROM_S
from automl.permuted import IMPORTANCE_COLUMNS, IMPORTANCE_ROWS, REPEATS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl.history import History
    from automl.plan import Plan
    from automl.trial import Trial

__all__ = [
    "CANARY_MORE_S",
    "CANARY_SHARE",
    "ENSEMBLE_SHARE",
    "IMPORTANCE_SHARE",
    "OVERHEAD_S",
    "SCORE_SHARE",
    "Preview",
    "canary_seconds",
    "checks_seconds",
    "is_refitted",
    "refit_seconds",
    "seconds_kept",
]

REFIT_SHARE = 0.25
"""Share of the budget that is kept for a refit; a longer one is not waited for where
the models of the folds are there."""

BAG_REFIT_SHARE = 0.05
"""The same where the models of the folds are to predict anyway, and the fit on all rows
is only there beside them."""

REFIT_EXCESS = 1.2
"""So many times what a fold's fit took, row for row, is expected of a refit: some
learners take more than twice as long for twice the rows."""

GROWN_EXCESS = 1.0
"""The same of learners that grow by rounds, as a refit makes none in vain at its end
(14 of 8,000 to 55,000 rows took .5 to 1.1 times their folds' fits)."""

SCORE_SHARE = 0.02
"""Share of the budget within which the score is corrected for the selection."""

ENSEMBLE_SHARE = 0.02
"""Share of the budget within which weights are chosen."""

PREVIEW_EXCESS = 1.5
"""So many times what the weights took to choose the last time are kept, and
`PREVIEW_MORE_S`: configurations have come since, and a temperature is looked for."""

PREVIEW_MORE_S = 0.25
"""Seconds of a temperature at most; see `PREVIEW_EXCESS`."""

MEMBERS = 3
"""Members of an ensemble whose refits are reckoned with before weights were ever chosen
(measured: 2 to 6)."""

TEST_SHARE = 0.25
"""Most of the budget that is kept for the predictions of ``X_test``; rows that take
longer may get no score."""

CONSTRAINT_SHARE = 0.1
"""Share of the budget that is kept for smaller models at most, where what predicts has
limits (a choice: two or three fits on all rows)."""

CONSTRAINT_FITS = 12
"""Models that are looked at: eight configurations, and a few smaller averages."""

COSTED_S = 1.0
"""Seconds in which one of them is timed and weighed, as a rule."""

ROW_BY_ROW = 2.5
"""LightGBM alone is so much slower with many rows than `automl.estimators.blockwise`,
by which folds and ensembles predict (measured: 1.6 to 2.5)."""

IMPORTANCE_SHARE = 0.04
"""Share of the budget within which columns are permuted, beside the refit."""

PREPARED_S = 0.004
"""Seconds to prepare and predict few rows with any learner (measured: 2 to 4 ms)."""

EXPLAINED_S = 0.6
"""Seconds to follow predictions along columns (SHAP values of 500 rows took .6)."""

CANARY_SHARE = 0.02
"""Share of the budget within which the winner is fitted to a shuffled target, when
nothing is left to be refitted."""

CANARY_MORE_S = 0.15
"""Seconds of the canary beside its fit (measured: .05 to .1)."""

CHECKS_SHARE = 0.02
"""Share of the budget within which checks are run: of a minute, what 4,000 rows take on
a slow core (measured: .1 to 1.2 s for 80 tables)."""

CHECKS_S = (0.2, 10.0)
"""Seconds that they have at least and at most."""

CHECKS_KEPT_S = 1.2
"""Seconds that are kept for them, most of the time more than they take; they may use
what else is left of their share (see `CHECKS_SHARE`)."""

OVERHEAD_S = 0.7
"""Seconds kept for facts, pickling and the end of the pool (measured: .3 to .4, on a
busy machine .7)."""


@dataclass(frozen=True)
class Preview:
    """What would predict if the search were over.

    Attributes
    ----------
    members : tuple of int
        Trials of the ensemble, or the best one alone.
    seconds : float
        That its weights took to choose.
    """

    members: tuple[int, ...]
    seconds: float


def checks_seconds(time_s: float) -> float:
    """Return the seconds of a budget that checks may take.

    Examples
    --------
    >>> checks_seconds(1), checks_seconds(60), checks_seconds(3600)
    (0.2, 1.2, 10.0)
    """
    least, most = CHECKS_S
    return min(most, max(least, CHECKS_SHARE * time_s))


def refit_seconds(plan: Plan, trial: Trial) -> float:
    """Return about how long a trial's fit on all rows takes."""
    grows = any(
        c.name == trial.candidate and c.resource is not None for c in plan.candidates
    )
    excess = GROWN_EXCESS if grows else REFIT_EXCESS
    return excess * trial.fit_s * plan.n_rows / max(plan.n_train, 1)


def canary_seconds(trial: Trial, n_train: int) -> float:
    """Return about how long a trial's fit of few rows to a shuffled target takes."""
    part = min(1.0, CANARY_ROWS / max(n_train, 1))
    return REFIT_EXCESS * part * trial.fit_s + CANARY_MORE_S


def is_refitted(plan: Plan, trial: Trial, time_s: float | None) -> bool:
    """Return whether a trial is worth a fit on all rows, by the time it takes."""
    if time_s is None or not plan.keeps or plan.resumed:
        return True
    if not plan.bag and trial.fit_s < KEEP_FROM_S:  # there are no models of its folds
        return True
    share = BAG_REFIT_SHARE if plan.bag else REFIT_SHARE
    return refit_seconds(plan, trial) <= share * time_s


def seconds_kept(
    plan: Plan,
    history: History,
    leader: Trial | None,
    time_s: float,
    preview: Preview | None = None,
) -> dict[str, float]:
    """Return the seconds kept for what follows the search, by purpose.

    Parameters
    ----------
    plan : Plan
        What is fixed.
    history : History
        So far.
    leader : Trial or None
        The best finished configuration, the baseline aside.
    time_s : float
        Seconds of the budget.
    preview : Preview, default=None
        What would predict by now, where that was found out.
    """
    fits: list[float] = []
    first = 0.0
    if leader is not None:
        fits = _refits(plan, history, leader, time_s, preview)
        first = fits[0] if is_refitted(plan, leader, time_s) else 0.0
    # what does not fit is done by the models of the folds
    refit = max(first, min(_side_by_side(fits, plan.n_workers), REFIT_SHARE * time_s))
    weigh = ENSEMBLE_SHARE * time_s if plan.ensemble else 0.0
    if preview is not None:
        weigh = min(weigh, PREVIEW_EXCESS * preview.seconds + PREVIEW_MORE_S)
    score = SCORE_SHARE * time_s
    if plan.scored_meanwhile:
        score = max(0.0, score - refit)
    return {
        "refit": refit,
        "explain": _explaining(plan, leader, time_s, fits, refit),
        "ensemble": weigh,
        "score": score,
        "checks": min(checks_seconds(time_s), CHECKS_KEPT_S),
        "limits": _within_limits(plan, history, time_s),
        "test": min(_test_seconds(plan, history, leader, preview), TEST_SHARE * time_s),
        "report": OVERHEAD_S,
    }


def _refits(
    plan: Plan,
    history: History,
    leader: Trial,
    time_s: float,
    preview: Preview | None,
) -> list[float]:
    """Return the seconds of fits on all rows, the leader's first."""
    fits = []
    if is_refitted(plan, leader, time_s):
        fits.append(refit_seconds(plan, leader))
    if not plan.ensemble or plan.bag:
        return fits
    if preview is not None:
        others = [history[n] for n in preview.members if n != leader.number]
        worth = (t for t in others if is_refitted(plan, t, time_s))
        return fits + sorted((refit_seconds(plan, t) for t in worth), reverse=True)
    return fits + fits * _others(plan, history)


def _within_limits(plan: Plan, history: History, time_s: float) -> float:
    """Return the seconds kept to find a model that costs little enough."""
    if not plan.limited:
        return 0.0
    longest = max((refit_seconds(plan, t) for t in history), default=0.0)
    return min(CONSTRAINT_SHARE * time_s, CONSTRAINT_FITS * (longest + COSTED_S))


def _others(plan: Plan, history: History) -> int:
    """Return how many members beside the leader are reckoned with."""
    if not plan.ensemble or plan.bag:
        return 0
    done = sum(t.status == "ok" and t.number > 0 for t in history)
    return max(0, min(MEMBERS, done) - 1)


def _side_by_side(seconds: Sequence[float], n_workers: int) -> float:
    """Return how long tasks take where each worker takes the next when it is free."""
    return max(_loads(seconds, n_workers))


def _loads(seconds: Sequence[float], n_workers: int) -> list[float]:
    loads = [0.0] * max(1, n_workers)
    for task_s in seconds:
        loads[loads.index(min(loads))] += task_s
    return loads


def _explaining(
    plan: Plan, leader: Trial | None, time_s: float, fits: Sequence[float], refit: float
) -> float:
    """Return the seconds that importance and canary take when the refits are there."""
    importance, canary = IMPORTANCE_SHARE * time_s, CANARY_SHARE * time_s
    if leader is not None:
        held_out = max(1, plan.n_rows - plan.n_train)
        part = min(1.0, IMPORTANCE_ROWS / held_out)
        once_s = part * leader.predict_s + PREPARED_S
        times = REPEATS * (min(plan.n_columns, IMPORTANCE_COLUMNS) + 1)
        if not plan.has_text:  # to prepare text takes as long as it takes
            importance = min(importance, leader.fit_s + times * once_s + EXPLAINED_S)
        canary = min(canary, canary_seconds(leader, plan.n_train))
    if plan.n_workers == 1:
        return importance + canary
    loads = _loads([*fits, importance], plan.n_workers)
    fitted = _side_by_side(fits, plan.n_workers)
    return max(0.0, max(*loads, fitted + canary) - max(refit, fitted))


def _test_seconds(
    plan: Plan, history: History, leader: Trial | None, preview: Preview | None
) -> float:
    """Return about how long the rows of ``X_test`` take to predict."""
    if leader is None:
        return 0.0
    times = plan.n_tested / max(1, plan.n_rows - plan.n_train)
    members = [leader] * (1 + _others(plan, history))
    if preview is not None and preview.members:
        members = [history[n] for n in preview.members]
    once_s = times * sum(t.predict_s for t in members)
    own = [c for c in plan.candidates if c.name == members[0].candidate]
    paths = [path for c in own for path in c.estimators.values()]
    alone = len(members) == 1 and any(path.startswith("lightgbm.") for path in paths)
    return ROW_BY_ROW * once_s if alone else once_s
