"""Which rows train and which rows score: fixed once for a run.

Every configuration meets the same folds, so that two of them can be compared row by
row and their out-of-fold predictions can be combined.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
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
    trees = max(1, n_classes if n_classes > 2 else 1)  # noqa: PLR2004
    width = 0.4 + 0.6 * n_columns / 20
    return (0.05 + 4.2e-5 * n_rows * width) * trees**0.8


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
        return 5 if n_rows <= 100_000 else 3  # noqa: PLR2004
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
    if not isinstance(cv, int) or isinstance(cv, bool):
        return _given(cv, y, groups, kept)
    if cv < 1:
        raise AutoMLConfigError(
            f"cv={cv} is not possible: at least 2 folds, or 1 for a holdout.",
            code="E-cv",
        )
    if time is not None:
        return _forward(time, cv)
    if groups is not None:
        return _grouped(y, groups, cv, stratify=stratify, random_state=random_state)
    return _shuffled(y, cv, stratify=stratify, random_state=random_state)


def _freeze(splits: Iterable[Any], name: str) -> Folds:
    pairs = tuple(
        (np.sort(np.asarray(a, dtype=np.int64)), np.sort(np.asarray(b, dtype=np.int64)))
        for a, b in splits
    )
    return Folds(pairs, name)


def _given(
    cv: Any, y: np.ndarray, groups: np.ndarray | None, kept: np.ndarray | None
) -> Folds:
    if hasattr(cv, "split"):
        splits = cv.split(np.zeros((len(y), 1)), y, groups)
        return _freeze(splits, str(cv))
    if isinstance(cv, Iterable) and not isinstance(cv, str):
        splits = list(cv)
        if kept is not None:
            splits = [(_kept_of(a, kept), _kept_of(b, kept)) for a, b in splits]
        folds = _freeze(splits, "the given splits")
        if len(folds):
            return folds
    raise AutoMLConfigError(
        f'cv={cv!r} is not usable: "auto", a number of folds, a scikit-learn splitter '
        "or a list of (train, test) positions was expected.",
        code="E-cv",
    )


def _kept_of(rows: Any, kept: np.ndarray) -> np.ndarray:
    """Return where the kept ones of the user's rows stand now."""
    return np.flatnonzero(np.isin(kept, rows))


def _forward(time: np.ndarray, k: int) -> Folds:
    """Return forward splits; rows of the same moment stay together."""
    moments, place = np.unique(time, return_inverse=True)
    if len(moments) < 3:  # noqa: PLR2004 - past, future and something to spare
        raise AutoMLDataError(
            f"time= has {len(moments)} different moments; at least 3 were expected. "
            "Leave time= out, or give finer moments.",
            code="E-time",
        )
    n_splits = min(max(k, 2), len(moments) - 1)
    splitter = TimeSeriesSplit(n_splits=n_splits)
    splits = [
        (np.flatnonzero(np.isin(place, a)), np.flatnonzero(np.isin(place, b)))
        for a, b in splitter.split(moments)
    ]
    splits = splits[-1:] if k == 1 else splits
    name = "the latest rows held out" if k == 1 else f"{n_splits} forward splits"
    return _freeze(splits, f"{name}, by time")


def _grouped(
    y: np.ndarray, groups: np.ndarray, k: int, *, stratify: bool, random_state: int
) -> Folds:
    n_groups = len(np.unique(groups))
    if n_groups < 2:  # noqa: PLR2004 - one to train, one to score
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
    if stratify:
        splitter = StratifiedGroupKFold(k, shuffle=True, random_state=random_state)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes rarer than the folds
        splits = list(splitter.split(rows, y, groups))
    return _freeze(splits, f"{k}-fold cross-validation, by group")


def _holdout_share(n_rows: int) -> float:
    return min(HOLDOUT_SHARE, max(HOLDOUT_ROWS / n_rows, 0.05))


def _shuffled(y: np.ndarray, k: int, *, stratify: bool, random_state: int) -> Folds:
    n_rows = len(y)
    rows = np.zeros((n_rows, 1))
    kind = ", stratified" if stratify else ""
    if k == 1:
        rare = stratify and np.bincount(y.astype(np.int64)).min() < 2  # noqa: PLR2004
        share = _holdout_share(n_rows)
        kinds = StratifiedShuffleSplit if stratify and not rare else ShuffleSplit
        shuffle = kinds(1, test_size=share, random_state=random_state)
        return _freeze(shuffle.split(rows, y), f"a holdout of {share:.0%}{kind}")
    k = min(k, n_rows)
    splitter: Any = KFold(k, shuffle=True, random_state=random_state)
    if stratify and k <= np.bincount(y.astype(np.int64)).max():
        splitter = StratifiedKFold(k, shuffle=True, random_state=random_state)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes with fewer rows than folds
        splits = list(splitter.split(rows, y))
    splits = _train_on_every_class(splits, y, stratify=stratify)
    return _freeze(splits, f"{k}-fold cross-validation{kind}")


def _train_on_every_class(
    splits: list[Split], y: np.ndarray, *, stratify: bool
) -> list[Split]:
    """Keep the only row of a class in training folds: it can score nothing."""
    if not stratify:
        return splits
    codes = y.astype(np.int64)
    lonely = np.flatnonzero(np.bincount(codes)[codes] == 1)
    if not len(lonely):
        return splits
    return [
        (np.union1d(train, lonely), np.setdiff1d(test, lonely)) for train, test in splits
    ]
