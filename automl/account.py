"""What a run says of itself: where its time went, what it was allowed, its facts."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.exceptions import AutoMLWarning
from automl.facts import RunRecord, build_facts

if TYPE_CHECKING:
    from automl.budget import Budget
    from automl.finish import Finish
    from automl.history import History
    from automl.memory import Guard
    from automl.search import Search

__all__ = ["facts_of", "limits", "processor_seconds", "timeline"]


def facts_of(record: RunRecord) -> dict[str, Any]:
    """Return the facts of a run; without pictures where making them fails.

    There is a model by now, and a report is nothing to lose it for.
    """
    try:
        return build_facts(record)
    except Exception as error:  # noqa: BLE001 - whatever the predictions held
        note = (
            "The report has no curves and no importance: making them raised "
            f"{type(error).__name__}."
        )
        warnings.warn(AutoMLWarning(note, code="W-report"), stacklevel=4)
        shape = record.table.y.shape
        bare = replace(
            record, predictions=lambda _: np.full(shape, np.nan), importance=None,
            explanation=None, notes=(*record.notes, note),
        )  # fmt: skip
        return build_facts(bare)


def timeline(
    budget: Budget, read_s: float, searched_s: float, fitted_s: float, scored_s: float
) -> dict[str, float]:
    """Return where the time went, in seconds; called when the checks are done.

    Parameters
    ----------
    budget : Budget
        Of the run.
    read_s, searched_s, fitted_s, scored_s : float
        Seconds since the run began when the table was read, the search over, the model
        fitted (within its limits, if there are any) and its score corrected.
    """
    elapsed_s = budget.elapsed_s
    return {
        "read": read_s,
        "search": searched_s - read_s,
        "refit": fitted_s - searched_s,
        "score": scored_s - fitted_s,
        "checks": elapsed_s - scored_s,
        "total": elapsed_s,
        "budget": np.nan if budget.time_s is None else budget.time_s,
    }


def processor_seconds(history: History, finish: Finish) -> dict[str, float]:
    """Return the seconds of processors inside scored folds, and inside what followed.

    Parameters
    ----------
    history : History
        All configurations.
    finish : Finish
        Fits on all rows, importance and canary.
    """
    folds = (f.cpu_s for t in history if t.number for f in t.folds if f.status == "ok")
    return {"folds": sum(folds), "end": finish.cpu_s}


def limits(search: Search, guard: Guard) -> dict[str, str]:
    """Return what was kept and allowed of time and memory, in words."""
    seconds = {k: f"{v:.1f} s" for k, v in search.pace.account().items()}
    meter = guard.meter
    if search.plan.n_workers == 1:  # nothing is watched, as nothing can be ended
        return seconds
    return seconds | {
        "memory, at most": f"{meter.limit_mib:,.0f} MiB",
        "memory, highest seen": f"{meter.peak_mib:,.0f} MiB",
    }
