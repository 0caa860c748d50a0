"""The winner's pipeline on a shuffled target: what it finds there is a leak.

A pipeline that learns nothing from the rows that it is scored on scores like chance
when the target is shuffled over all rows, however flexible it is. How far chance goes
is found by shuffling the scored targets again and again under the same predictions
(Ojala and Garriga, Journal of Machine Learning Research 11, 2010).
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from automl.fast_scores import fast_score
from automl.fitting import fit_model, fit_prefix, predict
from automl.labelling import fold_score, has_factors
from automl.pipeline import build_pipeline
from automl.workplace import at_most, rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from automl.workplace import Workplace

__all__ = ["CANARY_ROWS", "sing"]

CANARY_ROWS = 2000
"""Rows to fit, and rows to score: chance then moves an area by .013."""

SHUFFLES = 100
"""Shuffles of the scored targets: the deviation of chance is known to 7 %."""

LEAST_SHUFFLES = 30
"""Fewer, where time is up, say nothing."""


def sing(
    place: Workplace,
    candidate: str,
    params: Mapping[str, Any],
    fold: int,
    deadline: float | None,
    max_rows: int | None = None,
) -> dict[str, Any] | None:
    """Return how a configuration scores on a shuffled target, and how chance does.

    Parameters
    ----------
    place : Workplace
        Of the run.
    candidate : str
        Name of the candidate.
    params : dict
        Its hyperparameters.
    fold : int
        Whose rows train and score.
    deadline : float or None
        On `time.monotonic`; None is returned where it comes too early.
    max_rows : int or None
        Training rows used at most, if fewer than `CANARY_ROWS`.

    Returns
    -------
    dict or None
        ``score``, ``chance`` and ``std`` (greater is better), ``n_train``, ``n_test``;
        nothing of it where the score is undefined on these rows.
    """
    rng = np.random.default_rng(place.random_state)
    shuffled = replace(place, y=place.y[rng.permutation(len(place.y))], train=None)
    train, test = place.splits[fold]
    classes = None if place.classes is None else shuffled.y
    limit = CANARY_ROWS if max_rows is None else min(CANARY_ROWS, max_rows)
    train = at_most(train, limit, place.random_state, classes)
    test = at_most(test, CANARY_ROWS, place.random_state)
    found = shuffled.candidates[candidate]
    pipeline = build_pipeline(found, params, shuffled.layout, shuffled.random_state)
    prefix, X_train = fit_prefix(shuffled, pipeline[:-1], train)
    model = pipeline[-1]
    fit_model(
        shuffled, found, model, prefix, X_train, shuffled.y[train], train, deadline
    )
    guess = predict(shuffled, model, prefix.transform(shuffled.X.iloc[test]))
    truth, weights = shuffled.y[test], rows_of(place.sample_weight, test)
    chance, score_of = [], fast_score(place.metric)
    if has_factors(place.metric):
        score_of = partial(fold_score, place.metric)
    for _ in range(SHUFFLES):
        if deadline is not None and time.monotonic() > deadline:
            break
        # weights stay with the rows that are guessed, as in the score itself
        chance.append(score_of(rng.permutation(truth), guess, weights))
    score = score_of(truth, guess, weights)
    if len(chance) < LEAST_SHUFFLES:
        return None
    if not np.isfinite([score, *chance]).all():
        return {}
    return {
        "score": score,
        "chance": float(np.mean(chance)),
        "std": float(np.std(chance, ddof=1)),
        "n_train": len(train),
        "n_test": len(test),
    }
