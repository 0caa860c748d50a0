"""Permuted columns of held-out rows: what the score of a fitted model loses by each.

Breiman's permutation importance (Random forests, 2001). A further column is worth more
than a further permutation of one: all columns are permuted once before any is again,
and where time is short fewer rows are scored.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.estimators.labels import favoured
from automl.fitting import predict
from automl.labelling import factors_of, has_factors
from automl.workplace import at_most, rows_of

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from automl.workplace import Workplace

__all__ = ["IMPORTANCE_COLUMNS", "drawn", "permute"]

IMPORTANCE_ROWS = 2000
"""Held-out rows on which columns are permuted."""

SHORT_ROWS = 500
"""The same where not all columns could be permuted once on that many."""

IMPORTANCE_COLUMNS = 100
"""Columns that are permuted, drawn by chance where there are more."""

RARE_ROWS = 100
"""Rows of each class that are wanted: of five, what a column does for the class is
chance."""

RARE_SHARE = 0.25
"""Rows beyond their class's share, at most: all rare classes together."""

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
        ``drops``: of each column's id, one number for each permutation, of none where
        the score is undefined; ``n_train``, ``n_test``; ``train_score`` and
        ``test_score``, None where undefined; ``rows``, as many held-out ones, as they
        come.
    """

    def score_of(
        rows: np.ndarray, weights: np.ndarray | None, column: str | None = None
    ) -> float:
        frame = place.X.iloc[rows]
        if column is not None:
            frame = frame.copy()
            frame[column] = frame[column].to_numpy()[rng.permutation(len(rows))]
        guess = predict(place, model, prefix.transform(frame))
        if has_factors(place.metric):
            if not factors:  # of the rows as they are, for all that follow
                factors.append(factors_of(place.metric, place.y[rows], guess, weights))
            guess = favoured(guess, factors[0])
        return place.metric.score(place.y[rows], guess, weights)

    factors: list[tuple[float, ...] | None] = []
    rng = np.random.default_rng(place.random_state)
    columns = rng.permutation(np.array(place.X.columns, dtype=object))
    columns = columns[:IMPORTANCE_COLUMNS]
    began = time.monotonic()
    left_s = np.inf if deadline is None else max(0.0, deadline - began)
    sample = drawn(place, test, IMPORTANCE_ROWS)
    whole = score_of(*sample)
    taken_s = time.monotonic() - began
    if taken_s * (len(columns) + 2) > PERMUTING_SHARE * left_s:
        sample = drawn(place, test, SHORT_ROWS)
        whole = score_of(*sample)
    n_test = len(sample[0])
    trained = score_of(*drawn(place, train, n_test))
    drops: dict[str, list[float]] = {}
    shares = (PERMUTING_SHARE, *[AGAIN_SHARE] * (REPEATS - 1))
    for share in shares if np.isfinite(whole) else ():
        for column in columns:
            if time.monotonic() > began + share * left_s:
                break
            drop = whole - score_of(*sample, str(column))
            drops.setdefault(str(column), []).append(drop)
    return {
        "drops": drops, "n_train": len(train), "n_test": n_test,
        "train_score": trained if np.isfinite(trained) else None,
        "test_score": whole if np.isfinite(whole) else None,
        "rows": at_most(test, n_test, place.random_state),
    }  # fmt: skip


def drawn(
    place: Workplace, rows: np.ndarray, limit: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return a random part of rows, with weights, if there are about so many more.

    Each class keeps its share. Where the metric takes weights, rare classes have more
    rows than that, and these weigh less: the score means the same, and hangs on fewer
    chances.

    Parameters
    ----------
    place : Workplace
        With classes, metric and the weights of rows.
    rows : array of int
        What is drawn from.
    limit : int
        Rows wanted.
    """
    given = rows_of(place.sample_weight, rows)
    if len(rows) <= limit or place.classes is None:
        part = at_most(rows, limit, place.random_state)
        return part, rows_of(place.sample_weight, part)
    rng = np.random.default_rng(place.random_state)
    _, codes, counts = np.unique(place.y[rows], return_inverse=True, return_counts=True)
    wanted = limit * counts / len(rows)
    # a scorer of the user's own need not take weights that the user never gave
    weighs = place.metric.takes_weights and (not place.metric.own or given is not None)
    if weighs:
        most = max(1, min(RARE_ROWS, int(RARE_SHARE * limit / len(counts))))
        wanted = np.maximum(wanted, np.minimum(counts, most))
    taken = np.floor(wanted + rng.random(len(counts))).astype(np.int64)
    shuffled = rng.permutation(len(rows))
    order = shuffled[np.argsort(codes[shuffled], kind="stable")]  # class after class
    place_in_class = np.arange(len(rows)) - (np.cumsum(counts) - counts)[codes[order]]
    chosen = np.sort(order[place_in_class < taken[codes[order]]])
    part = rows[chosen]
    if not weighs:
        return part, rows_of(given, chosen)
    weights = (counts / taken)[codes[chosen]]
    weights = weights * len(chosen) / len(rows)
    return part, weights if given is None else weights * given[chosen]
