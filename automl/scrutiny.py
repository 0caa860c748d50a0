"""A run's end to the evidence of its checks, and what they come to.

A check that fails costs itself, and never a model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from automl.checks import CHECKS, Checked, Evidence, run_checks
from automl.checks.evidence import SAMPLE_ROWS
from automl.checks.finding import Finding
from automl.encoding import factorize, is_textual, read_numbers
from automl.estimators.labels import favoured
from automl.frames import read_frame
from automl.reserve import checks_seconds
from automl.trial import BASELINE

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from automl.budget import Budget
    from automl.conclusion import Concluded
    from automl.table import Table
    from automl.testset import HeldOut

__all__ = ["scrutinise"]

LEAST_S = 0.1
"""Seconds that checks have where the budget is spent: those of arithmetic are made."""

SPARE_S = 0.4
"""Seconds of the budget that are left for facts and the end of the workers."""

MANY_S = 1.0
"""Seconds from which checks look at all the rows that they know what to do with."""

FEW_ROWS = 1500
"""Rows of a sample where there is less time."""


def scrutinise(
    done: Concluded,
    budget: Budget,
    X: Any,
    held_out: HeldOut | None = None,
    *,
    hurried: bool = False,
    random_state: int = 0,
) -> dict[str, Any]:
    """Return what the checks of a run came to, as keywords of `RunRecord`.

    Parameters
    ----------
    done : Concluded
        What predicts, and all that it was chosen from.
    budget : Budget
        Of the run: checks get a small share. Without a limit in time, all are made.
    X : table of shape (n_rows, n_columns)
        As the user gave it: columns that were left out stand nowhere else.
    held_out : HeldOut, default=None
        Test rows, if the user gave any.
    hurried : bool, default=False
        Whether the user wants an end.
    random_state : int, default=0
        For what draws.
    """
    seconds = None
    if budget.time_s is not None:
        left = max(LEAST_S, budget.remaining_s - SPARE_S)
        seconds = min(checks_seconds(budget.time_s), left)
    if hurried:
        seconds = LEAST_S
    if seconds is not None and not _anything_finished(done):
        seconds = 0.0
    short = seconds is not None and seconds < MANY_S
    try:
        evidence = _evidence(done, X, held_out, random_state, short=short)
    except Exception as error:  # noqa: BLE001 - no check is worth a model
        why = f"Gathering what it needs raised {type(error).__name__}."
        none = tuple(
            Finding(c.code, c.title, "skipped", why, missed=True) for c in CHECKS
        )
        checked = Checked(none, None)
    else:
        checked = run_checks(evidence, _timer(budget, seconds))
    weak = checked.slices
    return {
        "checks": tuple(found.as_json() for found in checked.findings),
        "weak_slices": None if weak is None else weak.as_json(done.problem.metric),
    }


def _timer(budget: Budget, seconds: float | None) -> Callable[[], bool]:
    if seconds is None:
        return lambda: False
    end = budget.clock() + seconds
    return lambda: budget.clock() >= end


def _anything_finished(done: Concluded) -> bool:
    """Return whether a learner finished: else the time is too short for fits."""
    return any(t.status == "ok" and t.candidate != BASELINE for t in done.ranked.trials)


def _evidence(
    done: Concluded,
    X: Any,
    held_out: HeldOut | None,
    random_state: int,
    *,
    short: bool,
) -> Evidence:
    problem, out, finish = done.problem, done.out, done.finish
    return Evidence(
        table=problem.table,
        folds=problem.folds,
        metric=problem.metric,
        trials=done.ranked.trials,
        winner=out.trial,
        single=out.single_trial,
        candidates={c.name: c for c in problem.candidates},
        predictions=favoured(done.predictions(out.shown), done.factors),
        explained=finish.importance,
        canary=finish.canary,
        identifiers=_identifiers(problem.table, X),
        test=None if held_out is None else held_out.X.reset_index(drop=True),
        shared=None if held_out is None else held_out.shared,
        sample_rows=FEW_ROWS if short else SAMPLE_ROWS,
        random_state=random_state,
    )


def _identifiers(table: Table, X: Any) -> dict[str, np.ndarray]:
    """Return the columns that were left out as identifiers, as numbers."""
    columns = [c for c in table.columns if c.kind == "identifier"]
    if not columns:
        return {}
    frame = read_frame(X)
    found = {}
    for column in columns:
        if column.name not in frame.columns:
            continue
        values = frame[column.name]
        if table.kept is not None:
            values = values.iloc[table.kept]
        found[column.id] = _ordered(values)
    return found


def _ordered(values: pd.Series) -> np.ndarray:
    """Return numbers as they are, and texts as their places in the alphabet."""
    if not is_textual(values):
        return read_numbers(values)
    codes, cells = factorize(values)
    places = np.empty(len(cells), dtype=np.float64)
    places[np.argsort(np.array([str(c) for c in cells]))] = np.arange(len(cells))
    return np.where(codes < 0, np.nan, places[codes])
