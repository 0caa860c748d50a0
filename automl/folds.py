"""Which rows train and which rows score: fixed once for a run.

Every configuration meets the same folds, so that two of them can be compared row by
row and their out-of-fold predictions can be combined.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.model_selection import (
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    StratifiedShuffleSplit,
    TimeSeriesSplit,
)

from automl.exceptions import AutoMLConfigError, AutoMLDataError

__all__ = ["Folds", "choose_cv", "make_folds"]

Split = tuple[np.ndarray, np.ndarray]

HOLDOUT_SHARE = 0.2
"""Rows that score where one split must do (scikit-learn's usual test share is .25)."""

HOLDOUT_ROWS = 25_000
"""Rows that are enough to score on: the standard error of an area is then below .004.
From 125,000 rows on, the holdout is so many, but at least a twentieth."""

WANTED_CONFIGURATIONS = 12
"""Full configurations that should fit in the budget before folds are added: below
some ten, a portfolio has not met every family once."""

SEARCH_SHARE = 0.75
"""Share of the core-seconds that the first configurations may take."""


@dataclass(frozen=True)
class Folds:
    """The splits of a run.

    Attributes
    ----------
    splits : tuple of (array of int, array of int)
        Positions of training and of scoring rows.
    name : str
        What to call it in a sentence: ``5-fold cross-validation, stratified``.
    """

    splits: tuple[Split, ...]
    name: str

    def __len__(self) -> int:
        return len(self.splits)


def fold_seconds(n_rows: int, n_columns: int, n_classes: int) -> float:
    """Return about how long one boosted fold fit takes on one core.

    300 rounds of LightGBM with 31 leaves, as measured on two small cores: 0.2 s at
    1,000 rows by 20 columns, 0.7 s at 10,000, 4.2 s at 100,000; a tree per class.

    Examples
    --------
    >>> round(fold_seconds(10_000, 20, 2), 1)
    0.5
    """
    trees = max(1, n_classes if n_classes > 2 else 1)
    width = 0.4 + 0.6 * n_columns / 20
    return float((0.05 + 4.2e-5 * n_rows * width) * trees**0.8)


def choose_cv(
    n_rows: int,
    n_columns: int,
    n_classes: int,
    *,
    core_seconds: float | None,
) -> int:
    """Return the number of folds that ``cv="auto"`` means; 1 is a holdout.

    The most folds of 8, 5 and 3 with which a dozen configurations fit three quarters
    of the time; without a limit in time, 5 folds up to 100,000 rows and 3 above.

    Parameters
    ----------
    n_rows, n_columns, n_classes : int
        Size of the table; ``n_classes`` is 0 for regression.
    core_seconds : float or None
        Budget in seconds times workers.

    Examples
    --------
    >>> choose_cv(300, 10, 2, core_seconds=120)
    8
    >>> choose_cv(500_000, 10, 2, core_seconds=40)
    1
    """
    if core_seconds is None:
        return 5 if n_rows <= 100_000 else 3
    fold = fold_seconds(n_rows, n_columns, n_classes)
    for k in (8, 5, 3):
        if WANTED_CONFIGURATIONS * k * fold <= SEARCH_SHARE * core_seconds:
            return k
    return 1


def make_folds(
    y: np.ndarray,
    *,
    cv: Any,
    stratify: bool,
    groups: np.ndarray | None,
    time: np.ndarray | None,
    random_state: int,
    kept: np.ndarray | None = None,
) -> Folds:
    """Return the splits of a run.

    Parameters
    ----------
    y : array of shape (n_rows,)
        Class codes or numbers.
    cv : int, splitter or iterable of (train, test)
        1 is a holdout of 20 % of the rows, fewer where there are many.
    stratify : bool
        Whether folds keep the shares of the classes.
    groups : array of shape (n_rows,), default=None
        Rows of a group are never on both sides.
    time : array of shape (n_rows,), default=None
        Seconds; scoring rows are then later than training rows.
    random_state : int
        Of the shuffles.
    kept : array of int or None
        Positions of the user's rows that are in ``y``, if not all; a list of splits
        counts the user's rows.

    Raises
    ------
    AutoMLConfigError
        If ``cv`` is none of these (``E-cv``).
    AutoMLDataError
        If there are fewer than two groups (``E-groups``).

    Examples
    --------
    >>> folds = make_folds(np.arange(10.0), cv=5, stratify=False, groups=None,
    ...                    time=None, random_state=0)
    >>> len(folds), folds.name
    (5, '5-fold cross-validation')
    """
    if isinstance(cv, bool) or not isinstance(cv, Integral):
        folds = _given(cv, y, groups, kept)
        _refuse_leaks(folds, groups, time)
        return folds
    if cv < 1:
        raise AutoMLConfigError(
            f"cv={cv} is not possible: at least 2 folds, or 1 for a holdout.",
            code="E-cv",
        )
    k = int(cv)
    if time is not None:
        return _forward(time, groups, k)
    if groups is not None:
        folds = _grouped(y, groups, k, stratify=stratify, random_state=random_state)
    else:
        folds = _shuffled(y, k, stratify=stratify, random_state=random_state)
    return _without_lonely(folds, y, groups) if stratify else folds


def _freeze(splits: Iterable[Any], name: str) -> Folds:
    pairs = tuple(
        (np.sort(np.asarray(a, dtype=np.int64)), np.sort(np.asarray(b, dtype=np.int64)))
        for a, b in splits
    )
    return Folds(pairs, name)


def _given(
    cv: Any, y: np.ndarray, groups: np.ndarray | None, kept: np.ndarray | None
) -> Folds:
    if hasattr(cv, "split") and not isinstance(cv, str):
        try:
            splits = list(cv.split(np.zeros((len(y), 1)), y, groups))
        except ValueError as error:
            raise AutoMLConfigError(
                f"cv={cv} cannot split these {len(y)} rows: {error}", code="E-cv"
            ) from error
        return _checked(splits, str(cv), len(y))
    if isinstance(cv, Iterable) and not isinstance(cv, str):
        splits = list(cv)
        if splits:
            return _checked(splits, "the given splits", len(y), kept)
    raise AutoMLConfigError(
        f'cv={cv!r} is not usable: "auto", a number of folds, a scikit-learn splitter '
        "or a list of (train, test) positions was expected.",
        code="E-cv",
    )


def _refuse_leaks(
    folds: Folds, groups: np.ndarray | None, time: np.ndarray | None
) -> None:
    """Refuse given splits that break what ``groups=`` and ``time=`` promise."""
    for number, (train, test) in enumerate(folds.splits):
        if groups is not None and np.isin(groups[train], groups[test]).any():
            raise AutoMLConfigError(
                f"Split {number} of cv= has rows of one group on both sides; with "
                "groups= that is never so. Use GroupKFold, or leave groups= out.",
                code="E-cv",
            )
        if time is not None and time[train].max() >= time[test].min():
            raise AutoMLConfigError(
                f"Split {number} of cv= trains on rows that are not earlier than those "
                "it scores; with time= that is never so. Use a number for cv=, or "
                "leave time= out.",
                code="E-cv",
            )


def _checked(
    splits: list[Any], name: str, n_rows: int, kept: np.ndarray | None = None
) -> Folds:
    """Return the user's splits; positions of rows or masks."""
    try:
        pairs = [(_positions(a), _positions(b)) for a, b in splits]
    except (TypeError, ValueError) as error:
        raise AutoMLConfigError(
            "cv= holds something else than pairs (train, test) of row positions.",
            code="E-cv",
        ) from error
    for number, pair in enumerate(pairs):
        both = np.concatenate(pair)
        if len(both) and (both.min() < 0 or (kept is None and both.max() >= n_rows)):
            raise AutoMLConfigError(
                f"Split {number} of cv= names rows outside 0 to {n_rows - 1}.",
                code="E-cv",
            )
    if kept is not None:
        pairs = [(_kept_of(a, kept), _kept_of(b, kept)) for a, b in pairs]
    folds = _freeze(pairs, name)
    for number, (train, test) in enumerate(folds.splits):
        if not len(train) or not len(test):
            fault = "has no rows to train on or none to score on"
        elif len(np.intersect1d(train, test)):
            fault = "scores rows that it trains on"
        else:
            continue
        raise AutoMLConfigError(f"Split {number} of cv= {fault}.", code="E-cv")
    return folds


def _positions(rows: Any) -> np.ndarray:
    array = np.asarray(rows)
    if array.ndim != 1 or (len(array) and array.dtype.kind not in "biu"):
        raise TypeError("positions are whole numbers")
    return np.flatnonzero(array) if array.dtype.kind == "b" else array.astype(np.int64)


def _kept_of(rows: Any, kept: np.ndarray) -> np.ndarray:
    """Return where the kept ones of the user's rows stand now."""
    return np.flatnonzero(np.isin(kept, rows))


def _forward(time: np.ndarray, groups: np.ndarray | None, k: int) -> Folds:
    """Return forward splits; rows of the same moment stay together."""
    moments, place = np.unique(time, return_inverse=True)
    if len(moments) < 3:
        raise AutoMLDataError(
            f"time= has {len(moments)} different moments; at least 3 were expected. "
            "Leave time= out, or give finer moments.",
            code="E-time",
        )
    if k == 1:
        share = _holdout_share(len(time))
        cut = min(np.quantile(time, 1 - share), moments[-2])
        splits = [(np.flatnonzero(time <= cut), np.flatnonzero(time > cut))]
    else:
        splitter = TimeSeriesSplit(n_splits=min(k, len(moments) - 1))
        splits = [
            (np.flatnonzero(np.isin(place, a)), np.flatnonzero(np.isin(place, b)))
            for a, b in splitter.split(moments)
        ]
    if groups is not None:
        splits = [(a[~np.isin(groups[a], groups[b])], b) for a, b in splits]
        splits = [(a, b) for a, b in splits if len(a)]
        if not splits:
            raise AutoMLDataError(
                "Every group of groups= goes on through all of time=, so none is left "
                "to train on before others are scored. Leave one of the two out.",
                code="E-groups",
            )
    name = "the latest rows held out" if k == 1 else f"{len(splits)} forward splits"
    return _freeze(splits, f"{name}, by time")


def _grouped(
    y: np.ndarray, groups: np.ndarray, k: int, *, stratify: bool, random_state: int
) -> Folds:
    n_groups = len(np.unique(groups))
    if n_groups < 2:
        raise AutoMLDataError(
            f"groups= has {n_groups} group; at least 2 were expected. Leave groups= "
            "out, or give what tells the groups apart.",
            code="E-groups",
        )
    rows = np.zeros((len(y), 1))
    if k == 1:
        share = _holdout_share(len(y))
        holdout = GroupShuffleSplit(1, test_size=share, random_state=random_state)
        name = f"a holdout of {share:.0%}, by group"
        return _freeze(holdout.split(rows, y, groups), name)
    k = min(k, n_groups)
    splitter: Any = GroupKFold(k, shuffle=True, random_state=random_state)
    if stratify and k <= np.bincount(y.astype(np.int64)).max():
        splitter = StratifiedGroupKFold(k, shuffle=True, random_state=random_state)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes rarer than the folds
        splits = list(splitter.split(rows, y, groups))
    splits = [(a, b) for a, b in splits if len(a) and len(b)]  # big groups fill folds
    return _freeze(splits, f"{len(splits)}-fold cross-validation, by group")


def _holdout_share(n_rows: int) -> float:
    return min(HOLDOUT_SHARE, max(HOLDOUT_ROWS / n_rows, 0.05))


def _shuffled(y: np.ndarray, k: int, *, stratify: bool, random_state: int) -> Folds:
    n_rows = len(y)
    rows = np.zeros((n_rows, 1))
    counts = np.bincount(y.astype(np.int64)) if stratify else np.array([0])
    if k == 1:
        share = _holdout_share(n_rows)
        n_test = int(np.ceil(share * n_rows))
        fits = stratify and counts.min() > 1 and len(counts) <= n_test
        kinds = StratifiedShuffleSplit if fits else ShuffleSplit
        shuffle = kinds(1, test_size=share, random_state=random_state)
        kind = ", stratified" if fits else ""
        return _freeze(shuffle.split(rows, y), f"a holdout of {share:.0%}{kind}")
    k = min(k, n_rows)
    splitter: Any = KFold(k, shuffle=True, random_state=random_state)
    fits = stratify and k <= counts.max()
    if fits:
        splitter = StratifiedKFold(k, shuffle=True, random_state=random_state)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes with fewer rows than folds
        splits = list(splitter.split(rows, y))
    kind = ", stratified" if fits else ""
    return _freeze(splits, f"{k}-fold cross-validation{kind}")


def _without_lonely(folds: Folds, y: np.ndarray, groups: np.ndarray | None) -> Folds:
    """Keep the only row of a class from scoring: nothing else tells of its class.

    It trains in every fold, unless its group is scored there.
    """
    codes = y.astype(np.int64)
    lonely = np.flatnonzero(np.bincount(codes)[codes] == 1)
    if not len(lonely) or len(lonely) == len(y):
        return folds
    splits = []
    for train, test in folds.splits:
        scored = np.setdiff1d(test, lonely)
        trained = np.union1d(train, lonely) if groups is None else train
        if len(scored):
            splits.append((trained, scored))
    if not splits and groups is None:  # a holdout of nothing else: swap for another row
        scored = np.setdiff1d(folds.splits[0][0], lonely)[-1:]
        splits = [(np.setdiff1d(np.arange(len(y)), scored), scored)]
    return Folds(tuple(splits), folds.name) if splits else folds
