"""Fit the steps of a pipeline to rows of a workplace, and predict with them.

The number of rounds, or epochs, is decided on an inner split of the training rows,
never on the rows that a fold is scored on.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit
from sklearn.pipeline import Pipeline

from automl.dealing import some_groups
from automl.estimators.blockwise import predict_blockwise
from automl.estimators.growing import BLIND_ROUNDS, fit_growing
from automl.estimators.logarithm import opened
from automl.estimators.patience import Growth
from automl.freeing import forget, give_back
from automl.pipeline import NATIVE
from automl.preparation import inactive
from automl.workplace import Workplace, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from automl.candidates import Candidate
    from automl.metrics import Metric
    from automl.prepared import Prepared
    from automl.table import Table

__all__ = [
    "fit_model",
    "fit_prefix",
    "native_categories",
    "predict",
    "prepare_fold",
    "takes_weights",
    "unweighted",
]

INNER_SHARE = 0.1
"""Training rows that decide when boosting stops; at least `INNER_ROWS` of them."""


INNER_ROWS = 50
"""Fewer rows than this stop boosting by chance."""


INNER_ENOUGH = 10_000
"""More rows than this say no more about when to stop."""

MOST_COPIES = 20.0
"""Mean up to which whole numbers may say how many rows one stands for."""

LEAST_STOP = 4
"""Fewer say nothing of it."""

TREE_S = 5e-8
"""Seconds that a tree takes to predict a row, two processes side by side (measured: 2
to 4.7e-8 where trees are taken in blocks). What is late by half a second is ended."""

LET_GO_S = 0.05
"""Seconds between two times that pages are let go: preparing takes .1 and more."""

MANY_CELLS = 1_000_000
"""From so many cells on, what preparing freed is given back: 10 ms of 200 or more."""


def fit_prefix(
    place: Workplace, prefix: Pipeline, rows: np.ndarray
) -> tuple[Pipeline, Any]:
    """Fit the steps before the model; return them and the prepared rows."""
    if len(rows) * place.X.shape[1] <= MANY_CELLS:
        return prefix, prefix.fit_transform(place.rows(rows), place.y[rows])
    with _letting_go(place):
        X = prefix.fit_transform(place.rows(rows), place.y[rows])
    give_back()  # before the fit, whose peak it would be a part of
    return prefix, X


def prepare_fold(
    place: Workplace,
    prepared: Prepared,
    prefix: Pipeline,
    options: dict[str, Any],
    where: tuple[int, int | None],
    train: np.ndarray,
) -> tuple[tuple[Pipeline, Any, Any, float], bool]:
    """Return the rows of a fold as the steps before the model make them.

    A selection starts from the rows that are prepared without one.

    Parameters
    ----------
    place : Workplace
        Where the rows are.
    prepared : Prepared
        What is known already.
    prefix : Pipeline
        The steps, not fitted.
    options : dict
        What they were made by.
    where : (int, int or None)
        The fold, and how many of its rows train at most.
    train : array of int
        These rows.

    Returns
    -------
    tuple of Pipeline, matrix, matrix or None, float
        Fitted steps, rows that train, rows that score (None where they are too many to
        be kept), and the seconds that it took, now or before.
    bool
        Whether these matrices are kept, and must not be written to.
    """
    key = _key(where, options)
    known = prepared.get(key)
    if known is not None:
        return known, True
    begun, before_s = time.monotonic(), 0.0
    if len(prefix) == 1:
        made, X_train = fit_prefix(place, prefix, train)
        X_test = None
        if prepared.has_room(X_train):
            X_test = made.transform(place.X.iloc[place.splits[where[0]][1]])
        took_s = time.monotonic() - begun
    else:
        whole = options | {"method": "none"}
        first, _ = prepare_fold(place, prepared, prefix[:-1], whole, where, train)
        steps, X_all, X_test, before_s = first
        select, begun = prefix[-1], time.monotonic()
        X_train = select.fit_transform(X_all, place.y[train])
        X_test = None if X_test is None else select.transform(X_test)
        made = Pipeline([*steps.steps, ("select", select)])
        took_s = time.monotonic() - begun
    ready = (made, X_train, X_test, before_s + took_s)
    return ready, X_test is not None and prepared.keep(key, ready, took_s)


def _key(
    where: tuple[int, int | None], options: dict[str, Any]
) -> tuple[int, int | None, str]:
    """Return what prepared rows are kept under: options that count, on which rows."""
    idle = inactive(options)
    counted = {k: v for k, v in options.items() if k not in idle}
    return *where, json.dumps(counted, sort_keys=True)


@contextmanager
def _letting_go(place: Workplace) -> Iterator[None]:
    """Take mapped pages off this process meanwhile, from a thread.

    They are read once, when the columns of each branch are taken, and would stay until
    the branches are joined: that is the peak.
    """
    over = threading.Event()

    def let_go() -> None:
        while not over.wait(LET_GO_S):
            place.let_go()

    thread = threading.Thread(target=let_go, name="let-go", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        place.let_go()


def fit_model(
    place: Workplace,
    candidate: Candidate,
    model: Any,
    prefix: Pipeline,
    X: Any,
    y: np.ndarray,
    rows: np.ndarray,
    deadline: float | None,
    *,
    overwrite: bool = False,
    n_scored: int = 0,
) -> tuple[int | None, bool]:
    """Fit the last step on prepared rows; return rounds and whether cut short.

    With ``overwrite``, X and y may hold anything afterwards: that saves copies. So many
    rows as ``n_scored`` are to be predicted by the deadline.
    """
    model, y = opened(model, y)
    weights = learning_weights(place, rows)
    fit_params = native_categories(model, prefix)
    resource = candidate.resource
    if "n_neighbors" in model.get_params():
        model.set_params(n_neighbors=min(model.n_neighbors, len(rows)))
    if resource is None:
        arguments = dict(fit_params)
        if weights is not None and takes_weights(model):
            arguments["sample_weight"] = weights
        in_place = overwrite and model.get_params().get("copy_X") is True
        if in_place:  # linear models centre a copy of the matrix otherwise
            model.set_params(copy_X=False)
        model.fit(X, y, **arguments)
        if in_place:
            model.set_params(copy_X=True)
        return None, False
    inner = _inner_split(place, rows) if resource.early_stopping else None
    n_classes = 0 if place.classes is None else len(place.classes)
    trees = n_classes if resource.per_class and n_classes > 2 else 1
    round_s = TREE_S * n_scored * trees
    high = resource.high
    if inner is None and resource.early_stopping:  # too few rows to set some aside
        high = min(high, BLIND_ROUNDS)
    growth = Growth(resource.param, high, deadline, round_s, again=resource.again)
    return fit_growing(
        model, X, y, growth, inner=inner, fit_params=fit_params, sample_weight=weights,
        overwrite=overwrite, release=forget if overwrite else None,
    )  # fmt: skip


def learning_weights(place: Workplace, rows: np.ndarray) -> np.ndarray | None:
    """Return the weights of rows as learners are given them: see `of_mean_one`."""
    weights = rows_of(place.sample_weight, rows)
    if weights is None or not of_mean_one(place.sample_weight):
        return weights
    scaled: np.ndarray = weights / weights.mean()
    return scaled


def of_mean_one(weights: np.ndarray | None) -> bool:
    """Return whether the unit of weights is nobody's, so that their mean is made one.

    Penalties and the least weight of a leaf stand against sums of weights: with some
    that sum to one, nothing would be learnt. Small whole numbers are counts of rows.

    Examples
    --------
    >>> of_mean_one(np.array([1.0, 3.0])), of_mean_one(np.array([0.1, 0.3]))
    (False, True)
    """
    if weights is None:
        return False
    whole = bool((weights == np.floor(weights)).all())
    return not whole or float(weights.mean()) > MOST_COPIES


def takes_weights(model: Any) -> bool:
    """Return whether a learner can weigh rows."""
    from sklearn.utils.validation import has_fit_parameter

    return bool(has_fit_parameter(model, "sample_weight"))


def unweighted(
    candidates: tuple[Candidate, ...], table: Table, metric: Metric
) -> tuple[str, ...]:
    """Return what to say of a metric and learners that weights do not reach."""
    if table.sample_weight is None:
        return ()
    said = []
    if not metric.takes_weights:
        said.append(f"Scored without sample_weight, which {metric.name} does not take.")
    titles = [
        c.title
        for c in candidates
        if not takes_weights(c.estimator_class(table.task)())
    ]
    if titles:
        said.append(f"Fitted without sample_weight: {', '.join(titles)}.")
    return tuple(said)


def native_categories(model: Any, prefix: Pipeline) -> dict[str, Any]:
    """Tell a learner which prepared columns are codes of categories."""
    names = prefix.get_feature_names_out()
    positions = [i for i, name in enumerate(names) if name.startswith(f"{NATIVE}__")]
    if "categorical_features" in model.get_params():
        model.set_params(categorical_features=positions or None)
        return {}
    is_lightgbm = type(model).__module__.startswith("lightgbm")
    return {"categorical_feature": positions} if positions and is_lightgbm else {}


def _inner_split(
    place: Workplace, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return positions in ``rows`` that train and that stop the boosting.

    None if either side, without classes that do not train, would have too few rows.
    """
    n = len(rows)
    n_stop = min(max(int(INNER_SHARE * n), INNER_ROWS), n // 5, INNER_ENOUGH)
    if n_stop < LEAST_STOP:
        return None
    train, stop = _inner_cut(place, rows, n_stop)
    told = len(stop)
    if place.classes is not None:
        told = int(np.isin(place.y[rows[stop]], place.y[rows[train]]).sum())
    return None if min(len(train), told) < LEAST_STOP else (train, stop)


def _inner_cut(
    place: Workplace, rows: np.ndarray, n_stop: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the two sides, by class, group or time as the folds are."""
    n, groups, y = len(rows), rows_of(place.groups, rows), place.y[rows]
    if place.time is not None:
        order = np.argsort(place.time[rows], kind="stable")
        train, stop = np.sort(order[:-n_stop]), np.sort(order[-n_stop:])
        if groups is None:
            return train, stop
        apart = train[~np.isin(groups[train], groups[stop])]
        return (apart if 2 * len(apart) >= len(train) else train), stop
    if groups is not None and len(np.unique(groups)) > 2:
        aside = some_groups(groups, n_stop, n // 3, random_state=place.random_state)
        return np.flatnonzero(~aside), np.flatnonzero(aside)
    splitter: Any = ShuffleSplit(1, test_size=n_stop, random_state=place.random_state)
    if place.classes is not None:
        counts = np.bincount(y.astype(np.int64))
        counts = counts[counts > 0]
        if counts.min() > 1 and len(counts) <= n_stop:
            splitter = StratifiedShuffleSplit(
                1, test_size=n_stop, random_state=place.random_state
            )
    train, stop = next(splitter.split(np.zeros((n, 1)), y))
    return train, stop


def predict(place: Workplace, model: Any, X: Any) -> np.ndarray:
    """Return numbers, or probabilities of all classes, of a model fitted on codes."""
    found = predict_blockwise(model, X)
    if place.classes is None:
        found = model.predict(X) if found is None else found
        return np.asarray(found, dtype=np.float64).ravel()
    found = model.predict_proba(X) if found is None else found
    found = np.asarray(found, dtype=np.float64)
    full = np.zeros((found.shape[0], len(place.classes)))
    full[:, np.asarray(model.classes_).astype(np.int64)] = found
    return full
