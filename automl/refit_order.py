"""Which configurations are fitted on all rows, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from automl.trial import BASELINE, FAILED

if TYPE_CHECKING:
    from automl.history import History
    from automl.trial import Trial

__all__ = ["REFITS", "ahead_of", "refit_order"]

REFITS = 3
"""Refits tried before the fallback is taken."""


def refit_order(history: History) -> list[Trial]:
    """Return trials to refit, best first; none if the baseline leads.

    Behind the leader, what the baseline beats is left out. Where nothing has finished,
    those that beat the baseline on the folds they have.
    """
    finished = history.preferred()
    others = [t for t in finished if t.candidate != BASELINE]
    if others:
        leads, floor = finished[0].candidate == BASELINE, history[0].score
        worth = [t for t in others if t is others[0] or not t.score <= floor]
        return [] if leads else worth[:REFITS]
    begun = [t for t in history if t.number and t.scores and t.status not in FAILED]
    ahead = {t.number: ahead_of(t, history[0]) for t in begun}
    order = sorted(begun, key=lambda t: -ahead[t.number])
    return [t for t in order if ahead[t.number] > 0][:REFITS]


def ahead_of(trial: Trial, baseline: Trial) -> float:
    """Return the mean lead over the baseline on the folds that a trial has."""
    pairs = [(s, baseline.scores.get(k)) for k, s in trial.scores.items()]
    return float(np.mean([s - b for s, b in pairs if b is not None] or [0.0]))
