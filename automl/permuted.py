"""Permuted columns of held-out rows: what the score of a fitted model loses by each.

Breiman's permutation importance (Random forests, 2001). A further column is worth more
than a further permutation of one: all columns are permuted once before any is again,
and where time is short fewer rows are scored.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.fitting import predict
from automl.workplace import at_most, rows_of

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from automl.workplace import Workplace

__all__ = ["IMPORTANCE_COLUMNS", "permute"]

IMPORTANCE_ROWS = 2000
"""Held-out rows on which columns are permuted."""

SHORT_ROWS = 500
"""The same where not all columns could be permuted once on that many."""

IMPORTANCE_COLUMNS = 100
"""Columns that are permuted, drawn by chance where there are more."""

REPEATS = 3
"""Permutations of each column, at most."""

PERMUTING_SHARE = 0.6
"""Share of the time after which no more columns are permuted; the rest is for
`automl.explain`. Measured on one core, 12 to 750 columns: six columns take .1 s of a
logistic regression and .5 s of 300 trees, the SHAP values of 500 rows .6 s."""

AGAIN_SHARE = 0.4
"""The same for a second permutation and a third."""


def permute(
    place: Workplace,
    prefix: Pipeline,
    model: Any,
    train: np.ndarray,
    test: np.ndarray,
    deadline: float | None,
) -> dict[str, Any]:
    """Return the drop in score when a column is permuted, as far as the time goes.

    Parameters
    ----------
    place : Workplace
        What the model was fitted on.
    prefix, model : Pipeline, estimator
        Fitted preparation and model.
    train, test : array of int
        Rows that it was fitted to, and held-out rows.
    deadline : float or None
        On `time.monotonic`; a share of the time until then is taken.

    Returns
    -------
    dict
        ``drops``: of each column's id, one number for each permutation; ``n_train``,
        ``n_test``, ``train_score`` and ``test_score``; ``rows``, the held-out ones.
    """

    def score_of(rows: np.ndarray, column: str | None = None) -> float:
        frame, weights = place.X.iloc[rows], rows_of(place.sample_weight, rows)
        if column is not None:
            frame = frame.copy()
            frame[column] = frame[column].to_numpy()[rng.permutation(len(rows))]
        guess = predict(place, model, prefix.transform(frame))
        return place.metric.score(place.y[rows], guess, weights)

    rng = np.random.default_rng(place.random_state)
    columns = rng.permutation(np.array(place.X.columns, dtype=object))
    columns = columns[:IMPORTANCE_COLUMNS]
    began = time.monotonic()
    left_s = np.inf if deadline is None else max(0.0, deadline - began)
    rows = at_most(test, IMPORTANCE_ROWS, place.random_state)
    whole = score_of(rows)
    taken_s = time.monotonic() - began
    if taken_s * (len(columns) + 2) > PERMUTING_SHARE * left_s:
        classes = None if place.classes is None else place.y
        rows = at_most(rows, SHORT_ROWS, place.random_state, classes)
        whole = score_of(rows)
    trained = score_of(at_most(train, len(rows), place.random_state))
    drops: dict[str, list[float]] = {}
    for share in (PERMUTING_SHARE, *[AGAIN_SHARE] * (REPEATS - 1)):
        for column in columns:
            if time.monotonic() > began + share * left_s:
                break
            drop = whole - score_of(rows, str(column))
            drops.setdefault(str(column), []).append(drop)
    return {
        "drops": drops, "n_train": len(train), "n_test": len(rows),
        "train_score": trained, "test_score": whole, "rows": rows,
    }  # fmt: skip
