"""The history as a table that people read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from automl.history import History
    from automl.metrics import Metric
    from automl.trial import Trial

__all__ = ["leaderboard"]


def leaderboard(history: History, metric: Metric) -> pd.DataFrame:
    """Return finished configurations, best first, then the others with the reason."""
    finished = history.finished()
    ranked = {t.number for t in finished}
    rows = [_row(t, rank, metric) for rank, t in enumerate(finished, start=1)] + [
        _row(t, None, metric) for t in history if t.number not in ranked
    ]
    frame = pd.DataFrame(rows)
    frame["rank"] = frame["rank"].astype("Int64")
    return frame


def _row(trial: Trial, rank: int | None, metric: Metric) -> dict[str, Any]:
    return {
        "rank": rank,
        "candidate": trial.candidate,
        "score": trial.score,
        "score_std": trial.score_std,
        "value": metric.natural(trial.score),
        "origin": trial.origin,
        "status": trial.status,
        "folds": len(trial.scores),
        "fit_s": trial.fit_s,
        "predict_s": trial.predict_s,
        "trial": trial.number,
        "params": dict(trial.params),
        "reason": trial.reason,
    }
