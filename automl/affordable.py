"""Which candidates there is memory for, and how many processes.

A search that is run again from its start has the candidates that it had: with others
each later configuration would be another one, and what was computed be lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl.layout import Layout
from automl.needs import skipped, workers_that_fit

if TYPE_CHECKING:
    from collections.abc import Collection

    from automl.candidates import Candidate
    from automl.memory import Guard
    from automl.problem import Problem

__all__ = ["affordable"]


def affordable(
    problem: Problem,
    guard: Guard,
    n_workers: int,
    *,
    begun_with: Collection[str] | None = None,
    tried: Collection[str] = (),
) -> tuple[tuple[Candidate, ...], int, tuple[str, ...]]:
    """Return candidates and processes that there is memory for, and what is left out.

    Parameters
    ----------
    problem : Problem
        Whose candidates are asked about.
    guard : Guard
        Knows the limit, and what is taken by now.
    n_workers : int
        Processes that were asked for.
    begun_with : collection of str, default=None
        Names of the candidates to search, whatever memory there is now; None leaves
        it to the memory.
    tried : collection of str, default=()
        Names of those that an earlier session has tried; they are kept.
    """
    table, limit_mib = problem.table, guard.meter.limit_mib
    layout, here = Layout.of(table), sum(guard.meter.look().values())
    common = (layout, table.n_classes, limit_mib, n_workers, here)
    if begun_with is None:
        kept, why_not = skipped(problem.candidates, *common)
        out = [c for c in problem.candidates if c not in kept]
        reasons = dict(zip([c.name for c in out], why_not, strict=True))
        left_out = {k: v for k, v in reasons.items() if k not in tried}
    else:
        left_out = {
            c.name: f"{c.name} is left out, as when the run began: there was not "
            "enough memory for it."
            for c in problem.candidates
            if c.name not in begun_with
        }
    fitting = tuple(c for c in problem.candidates if c.name not in left_out)
    fewer, why = workers_that_fit(fitting, *common)
    return fitting, fewer, (*left_out.values(), *why)
