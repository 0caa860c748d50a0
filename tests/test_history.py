"""Trials and folds are summed up as they are."""

import numpy as np
import pytest

from automl.history import History
from automl.trial import FoldResult, Trial


def test_a_history_sums_up_its_trials():
    """Means are of finished folds; the best finished trial comes first."""
    history = History()
    for number, scores in enumerate([(0.1, 0.3), (0.6, 0.8), ()]):
        history = history.started(Trial(number, "ridge", {}, "random"))
        for fold, score in enumerate(scores):
            fitted = FoldResult(number, fold, "ok", score=score, fit_s=2.0, rounds=4)
            history = history.told(fitted).told(fitted)
    history = history.ended(0, "ok").ended(1, "ok").ended(2, "error", "why")
    first, _, last = history
    assert [t.number for t in history.finished()] == [1, 0]
    assert (first.score, first.fit_s, first.rounds) == (pytest.approx(0.2), 2.0, 4)
    assert first.score_std == pytest.approx(0.1 * 2**0.5)
    assert (len(first.folds), last.reason, last.rounds) == (2, "why", None)
    assert np.isnan([last.score, last.score_std]).all()
