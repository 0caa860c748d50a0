"""Learners that grow by rounds: stopped early, or at the deadline, with what they have.

The number of rounds, or epochs, is never chosen on the rows that a fold is scored on:
an inner split of the training rows says when to stop. Of few rows a second fit has all.
"""

from __future__ import annotations

import inspect
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import is_classifier

from automl.estimators.patience import MIN_ROUNDS, Growth, Patience

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BLIND_ROUNDS", "fit_growing", "taken"]

STEP = 25
"""Trees or iterations that are added between two looks at the clock."""

FIRST = 5
"""Those of the first step before a deadline, where a step costs nothing beside them."""

SURE = 1.5
"""How many times the seconds so far rounds are planned for, and then half of them."""

BLIND_ROUNDS = 100
"""Most rounds of a learner that would stop early but has too few rows to set some
aside: scikit-learn's default."""

FEW_ROWS = 350
"""Rows below which the inner split is more than a seventh of them: what decided when
to stop is then learnt from, too, by a second fit of as many rounds. Without it,
boosting is held for worse than what is fitted to all rows, and than it is when it is
deployed: of 300 rows, averages whose weights are chosen so are better on 45 splits and
worse on 21 (of 100, of 50 tables), by .2 % (numbers), 1 % and 2 % (classes)."""

STOP_SHARE = 0.1
"""Share of rows on which scikit-learn's boosting decides when to stop."""

SQUARED = (None, "regression")
"""LightGBM's objectives whose L1 penalty has the target's unit: it would leave nothing
of small numbers, and is not felt by large ones. It is given for a deviation of 1."""


SHIFTED = (None, "regression", "regression_l1")
"""Those that a constant added to the target changes nothing else for."""

FAR_OFF = 0.01
"""Deviations of a target that one step of float32 may be: LightGBM keeps it so, and
the seconds since 1970 of one hour are all alike."""


class _Callback:
    """LightGBM's callback: asks for patience after each round."""

    order = 30
    before_iteration = False

    def __init__(self, patience: Patience) -> None:
        self.patience = patience
        self.best_list: list[Any] = []

    def __call__(self, env: Any) -> None:
        from lightgbm.callback import EarlyStopException

        done, loss = env.iteration + 1, None
        if env.evaluation_result_list:
            _, _, value, greater, *_ = env.evaluation_result_list[0]
            loss = -value if greater else value
        over = self.patience.is_over(done, loss)
        if self.patience.best_round == done and loss is not None:
            self.best_list = env.evaluation_result_list
        if over:
            raise EarlyStopException(self.patience.best_round - 1, self.best_list)


class _Spent:
    """LightGBM's callback: gives rows back before the first round.

    It has its own bins by then, while its callers still hold what it read.
    """

    order = 0
    before_iteration = True

    def __init__(self, release: Callable[[Any], None], rows: Any) -> None:
        self.release = release
        self.rows = rows

    def __call__(self, env: Any) -> None:  # noqa: ARG002 - the contract
        if self.rows is not None:
            self.release(self.rows)
        self.rows = None


def fit_growing(
    model: Any,
    X: Any,
    y: np.ndarray,
    growth: Growth,
    *,
    inner: tuple[np.ndarray, np.ndarray] | None,
    fit_params: dict[str, Any],
    sample_weight: np.ndarray | None,
    overwrite: bool = False,
    release: Callable[[Any], None] | None = None,
) -> tuple[int, bool]:
    """Fit ``model`` and return its rounds and whether the deadline cut it short.

    Parameters
    ----------
    model : estimator
        With the parameter ``growth.param``; fitted in place.
    X : array of shape (n_rows, n_features)
        Prepared training rows.
    y : array of shape (n_rows,)
        Their targets.
    growth : Growth
        Most rounds and the deadline.
    inner : (array of int, array of int) or None
        Positions that train and positions that say when to stop; None grows without
        early stopping. Of a class that would only stop, the rows train. Where both are
        few, they are all fitted in the end. For LightGBM and what has a method
        ``grow``; scikit-learn's boosting splits the rows by itself.
    fit_params : dict
        Further arguments of ``model.fit``.
    sample_weight : array of shape (n_rows,) or None
        Weights of the rows.
    overwrite : bool, default=False
        Whether ``X`` and ``y`` may hold anything afterwards: that saves copies.
    release : callable, default=None
        Called with the rows that train when they are read no more, before the first
        round; by LightGBM, the others read them to the end.
    """
    if _is_lightgbm(model) or hasattr(model, "grow"):
        return _fit_with_patience(
            model, X, y, growth, inner, fit_params, sample_weight,
            overwrite=overwrite, release=release,
        )  # fmt: skip
    arguments = dict(fit_params)
    if sample_weight is not None:
        arguments["sample_weight"] = sample_weight
    return _fit_in_steps(model, X, y, growth, arguments)


def _is_lightgbm(model: Any) -> bool:
    return type(model).__module__.startswith("lightgbm")


def _fit_with_patience(
    model: Any,
    X: Any,
    y: np.ndarray,
    growth: Growth,
    inner: tuple[np.ndarray, np.ndarray] | None,
    fit_params: dict[str, Any],
    sample_weight: np.ndarray | None,
    *,
    overwrite: bool,
    release: Callable[[Any], None] | None,
) -> tuple[int, bool]:
    """Fit on the rows that train; then, where those are few, on all."""
    few = inner is not None and sum(map(len, inner)) < FEW_ROWS
    penalty = getattr(model, "reg_alpha", None)
    patience = _fit_once(
        model, X, y, growth, inner, fit_params, sample_weight,
        overwrite=overwrite and not few, release=None if few else release,
    )  # fmt: skip
    made = max(1, patience.best_round)
    if inner is not None and few:
        both = np.sort(np.concatenate(inner))
        if patience.goes_again(len(both) / len(inner[0])):
            weight = None if sample_weight is None else sample_weight[both]
            if _is_lightgbm(model):
                model.set_params(reg_alpha=penalty)
            _fit_once(
                model, X[both], y[both], Growth(growth.param, made), None, fit_params,
                weight, overwrite=True, release=release,
            )  # fmt: skip
    model.set_params(**{growth.param: made})  # those that make it anew
    return made, patience.truncated


def _fit_once(
    model: Any,
    X: Any,
    y: np.ndarray,
    growth: Growth,
    inner: tuple[np.ndarray, np.ndarray] | None,
    fit_params: dict[str, Any],
    sample_weight: np.ndarray | None,
    *,
    overwrite: bool,
    release: Callable[[Any], None] | None,
) -> Patience:
    patience = Patience(growth, getattr(model, "least_rounds", MIN_ROUNDS))
    model.set_params(**{growth.param: growth.high})
    train, stop = _whole_classes(y, inner, classifier=is_classifier(model))
    weight = of_stop = None
    if sample_weight is not None:
        weight, of_stop = sample_weight[train], sample_weight[stop]
    held_out = (X[stop], y[stop], of_stop) if len(stop) else None
    if inner is not None:
        X = taken(X, train, overwrite=overwrite)
        y = taken(y, train, overwrite=overwrite)
    if _is_lightgbm(model):
        _fit_lightgbm(model, X, y, weight, patience, held_out, fit_params, release)
    else:
        model.grow(X, y, weight, patience, held_out)
    return patience


def _fit_lightgbm(
    model: Any,
    X: Any,
    y: np.ndarray,
    weight: np.ndarray | None,
    patience: Patience,
    stop: tuple[Any, Any, Any] | None,
    fit_params: dict[str, Any],
    release: Callable[[Any], None] | None,
) -> None:
    """Do what other learners' ``grow`` does.

    A penalty in the unit of the target stays among the parameters as it was used.
    """
    arguments: dict[str, Any] = dict(fit_params)
    shift = 0.0 if is_classifier(model) else _far_off(model, y)
    if weight is not None:
        arguments["sample_weight"] = weight
    if stop is not None:
        rows, truth, of_stop = stop
        arguments |= _evaluation(model, rows, truth - shift if shift else truth, y)
        if of_stop is not None:
            arguments["eval_sample_weight"] = [of_stop]
    callbacks: list[Any] = [_Callback(patience)]
    if release is not None:
        callbacks.append(_Spent(release, X))
    if not is_classifier(model) and model.objective in SQUARED:
        model.set_params(reg_alpha=model.reg_alpha * (float(np.std(y)) or 1.0))
    model.fit(X, y - shift if shift else y, callbacks=callbacks, **arguments)
    if shift:
        _lift(model.booster_, shift)


def _far_off(model: Any, y: np.ndarray) -> float:
    """Return the mean of numbers that float32 takes for one, if it may be taken off."""
    params = model.get_params()
    plain = params["boosting_type"] == "gbdt" and not params.get("linear_tree")
    if model.objective not in SHIFTED or not plain:
        return 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        step = np.spacing(np.float32(np.abs(y).max()))
        return float(y.mean()) if step > FAR_OFF * np.std(y) else 0.0


def _lift(booster: Any, by: float) -> None:
    """Add a number to what trees predict, through the leaves of the first one."""
    first = booster.dump_model(num_iteration=1)["tree_info"][0]
    for leaf in range(first["num_leaves"]):
        booster.set_leaf_output(0, leaf, booster.get_leaf_output(0, leaf) + by)


def taken(X: Any, rows: np.ndarray, *, overwrite: bool) -> Any:
    """Return rows of an array; in its own memory if that may be overwritten.

    Rows are drawn column by column into the front of the same memory, so that the peak
    is one matrix and a column instead of two matrices.

    Examples
    --------
    >>> X = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    >>> taken(X, np.array([2, 1]), overwrite=True)
    array([[4., 5.],
           [2., 3.]])
    >>> X[0]
    array([4., 5.])
    """
    if not overwrite or not isinstance(X, np.ndarray) or not X.flags.writeable:
        return X[rows]
    assert len(rows) <= len(X)
    n_rows = len(rows)
    if X.ndim == 1:
        X[:n_rows] = X[rows]
        return X[:n_rows]
    n_columns = X.shape[1]
    if X.flags.c_contiguous:
        for column in X.T:
            column[:n_rows] = column[rows]
        return X[:n_rows]
    if X.flags.f_contiguous:  # a shorter column ends before the next one begins
        flat = X.reshape(-1, order="F")
        for j, column in enumerate(X.T):
            flat[j * n_rows : (j + 1) * n_rows] = column[rows]
        return flat[: n_rows * n_columns].reshape((n_rows, n_columns), order="F")
    return X[rows]


def _whole_classes(
    y: np.ndarray, inner: tuple[np.ndarray, np.ndarray] | None, *, classifier: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return positions that train and that stop; every class is among the former.

    Examples
    --------
    >>> y = np.array(["a", "a", "b", "c"])
    >>> inner = (np.array([0, 2]), np.array([1, 3]))
    >>> train, stop = _whole_classes(y, inner, classifier=True)
    >>> train.tolist(), stop.tolist()
    ([0, 2, 3], [1])
    """
    if inner is None:
        return np.arange(len(y)), np.empty(0, dtype=np.int64)
    train, stop = inner
    if not classifier:
        return train, stop
    known = np.isin(y[stop], y[train])
    return np.concatenate([train, stop[~known]]), stop[known]


def _evaluation(
    model: Any, X: Any, y: np.ndarray, trained: np.ndarray
) -> dict[str, Any]:
    """Return the inner split as this LightGBM takes it.

    4.7 renamed the argument, and hands the new one's labels to the library as they
    are: it wants the positions of the classes that are trained on.
    """
    if "eval_X" not in inspect.signature(model.fit).parameters:
        return {"eval_set": [(X, y)]}
    if is_classifier(model):
        y = np.searchsorted(np.unique(trained), y)
    return {"eval_X": X, "eval_y": y}


def _fit_in_steps(
    model: Any, X: Any, y: np.ndarray, growth: Growth, arguments: dict[str, Any]
) -> tuple[int, bool]:
    """Add rounds until there are enough, or the next step would end too late."""
    params = model.get_params()
    high = growth.high
    blind = params.get("early_stopping") is True and not _can_stop_early(model, y)
    if blind:
        high = min(high, BLIND_ROUNDS)
        model.set_params(early_stopping=False)
    begins_anew = "max_bins" in params  # it bins and predicts all rows for each step
    at_once = "warm_start" not in params or (begins_anew and growth.deadline is None)
    step = high if at_once else STEP if begins_anew or not growth.deadline else FIRST
    if "warm_start" in params:
        model.set_params(warm_start=True)
    made = wanted = 0
    while wanted < high:
        begun = time.monotonic()
        step = min(step, high - wanted)
        wanted += step
        model.set_params(**{growth.param: wanted})
        model.fit(X, y, **arguments)
        made = int(np.max(getattr(model, "n_iter_", wanted)))
        if made < wanted:  # it stopped by itself
            break
        n_more = _rounds_left(growth, made, (time.monotonic() - begun) / step)
        if n_more < (STEP / SURE if begins_anew else FIRST):
            break
        step = max(n_more // 2, STEP) if begins_anew else min(n_more, STEP)
    if "warm_start" in params:
        model.set_params(warm_start=params["warm_start"])
    if blind:
        model.set_params(early_stopping=True)
    return made, made == wanted < high


def _rounds_left(growth: Growth, made: int, round_s: float) -> int:
    """Return the rounds that surely end in time.

    Examples
    --------
    >>> _rounds_left(Growth("max_iter", 300, time.monotonic() + 9.0), 25, 0.04)
    149
    """
    later_s = max(SURE * round_s + growth.round_s, 1e-9)
    return int(max(0, min(growth.left_s(made) / later_s, growth.high)))


def _can_stop_early(model: Any, y: np.ndarray) -> bool:
    """Return whether scikit-learn can split off rows of every class to stop on."""
    if not is_classifier(model):
        return len(y) >= 10
    _, counts = np.unique(y, return_counts=True)
    return bool(counts.min() > 1 and STOP_SHARE * len(y) >= len(counts))
