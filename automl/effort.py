"""How many configurations and drawings there is time and memory for."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from automl.estimate import LEAST_RESAMPLES
from automl.labelling import has_factors
from automl.resampled_scores import is_quick
from automl.reserve import SCORE_SHARE
from automl.selection import ASKED_ADDITIONS, ASKED_MIXED
from automl.trial import ENSEMBLE

if TYPE_CHECKING:
    from automl.budget import Budget
    from automl.metrics import Metric
    from automl.problem import Problem
    from automl.scored import Scored
    from automl.trial import Trial

__all__ = ["CONFIGURATIONS", "Effort", "effort_of"]

UNTIMED_S = 1.0
"""Seconds' worth of work, by the figures below, where there is no budget in time."""

HURRY_S = 0.5
"""Seconds after a Ctrl-C."""

CELL_S = 1e-8
"""Seconds to score a row of a drawing (measured, area under the curve: .8e-8)."""

CALL_S = 2e-5
"""Seconds to score a drawing of hardly any rows (measured)."""

MIX_S = 3e-3
"""Seconds to choose an average in a drawing of a thousand rows (measured: 1 to 4)."""

ASKED_S = 1e-3
"""Seconds to ask a scorer of scikit-learn (measured: .3 to 1.5 ms)."""

LABEL_S = 8e-4
"""Seconds to choose labels in a drawing of a thousand rows (measured: .5 to .8 ms)."""

LABEL_CELL_S = 5e-8
"""Seconds for each probability of all rows (measured: 1.6 to 7.5e-8)."""

CONFIGURATIONS = 200
"""The best that are selected from; a later one hardly wins a drawing."""

RESAMPLES = 1000
"""Drawings at most; quantiles at .025 are then known to a tenth of their distance."""

ASKED = 1200
"""Times that a metric of the user's is asked without a budget in time."""

PLANNED = 0.5
"""Share of the seconds allowed that is planned for a metric that is asked: a call may
take longer than those that were timed, and a cut before 20 drawings leaves none."""

MOST_CELLS = 1e8
"""Numbers that are held at once: half a GiB of predictions, and as much to score."""


@dataclass(frozen=True)
class Effort:
    """How much work the selection is repeated with.

    Attributes
    ----------
    most, drawings : int
        Configurations and drawings; no drawings where there is no time for any.
    seconds : float
        Allowed.
    """

    most: int
    drawings: int
    seconds: float


def effort_of(
    problem: Problem,
    rows: Scored,
    budget: Budget,
    winner: Trial,
    n_tried: int,
    *,
    hurry: bool,
) -> Effort:
    """Return how much work there is time and memory for.

    Drawings are given up before configurations are: the fewer are selected from, the
    more optimistic is the score.
    """
    metric, n = problem.metric, len(rows)
    width = max(1, problem.table.n_classes)
    allowed_s = UNTIMED_S if budget.time_s is None else SCORE_SHARE * budget.time_s
    if hurry:
        allowed_s = min(allowed_s, HURRY_S)
    allowed_s = max(0.0, min(allowed_s, budget.remaining_s))
    mixes = winner.candidate == ENSEMBLE
    once_s = CALL_S + CELL_S * n
    mix_s = MIX_S * mixes + LABEL_S * has_factors(metric) * max(1, width / 10)
    if metric.name == "roc_auc_ovr":
        once_s, mix_s = once_s * width, mix_s * width
    if not is_quick(metric):
        once_s = ASKED_S + 10 * CELL_S * n
        if budget.time_s is not None or hurry:
            once_s = max(once_s, _seconds_of(metric, rows, width, allowed_s))
        elif metric.own:  # it may take long; the clock is not to decide
            allowed_s = ASKED * once_s / PLANNED
        mix_s = (2 + ASKED_MIXED * ASKED_ADDITIONS) * mixes * once_s
    start_s = 0.0
    if has_factors(metric):  # labels of all rows, once for each configuration
        start_s = LABEL_S + LABEL_CELL_S * n * width
    fits = int(MOST_CELLS / (n * (width + 6)))
    planned_s = allowed_s if is_quick(metric) else PLANNED * allowed_s
    time_for = int((planned_s / LEAST_RESAMPLES - mix_s) / once_s) - 1
    most = min(max(1, n_tried), CONFIGURATIONS, max(2, fits), time_for)
    if start_s:
        most = min(most, max(2, int(planned_s / 2 / start_s)))
        planned_s -= most * start_s
    if most < min(2, n_tried):
        return Effort(1, 0, allowed_s)
    affordable = int(planned_s / (mix_s + (most + 1) * once_s))
    return Effort(most, max(LEAST_RESAMPLES, min(RESAMPLES, affordable)), allowed_s)


def _seconds_of(metric: Metric, rows: Scored, width: int, allowed_s: float) -> float:
    """Return how long the metric takes once; it may be anything.

    The first call may import or compile, so that of the middle of three more counts;
    fewer are made where they would use up what is allowed.
    """
    p = (
        rows.y
        if metric.task == "regression"
        else np.full((len(rows), width), 1 / width)
    )
    begun = time.monotonic()
    taken: list[float] = []
    try:
        for _ in range(4):
            start = time.monotonic()
            metric.score(rows.y, p, rows.weight)
            taken.append(time.monotonic() - start)
            if time.monotonic() - begun > allowed_s / 5:
                break
    except Exception:  # noqa: BLE001 - the user's; it did score the folds
        return ASKED_S
    return float(np.median(taken[1:] or taken))
