"""Which rows train and which rows score: fixed once for a run.

Every configuration meets the same folds, so that two of them can be compared row by
row and their out-of-fold predictions can be combined.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    PredefinedSplit,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    StratifiedShuffleSplit,
    TimeSeriesSplit,
)

from automl.dealing import MANY_GROUPS, deal, some_groups
from automl.exceptions import AutoMLConfigError, AutoMLDataError, AutoMLWarning
from automl.splits import Folds, freeze, given_folds

__all__ = ["Folds", "choose_cv", "make_folds"]

HOLDOUT_SHARE = 0.2
"""Rows that score where one split must do (scikit-learn's usual test share is .25)."""

HOLDOUT_ROWS = 25_000
"""Rows that are enough to score on: the standard error of an area is then below .004.
From 125,000 rows on, the holdout is so many, but at least a twentieth."""

WANTED_CONFIGURATIONS = 12
"""Full configurations that should fit in the budget before folds are added: below
some ten, a portfolio has not met every family once."""

LONG_FITS = 7.0
"""How many times `fold_seconds` a fit may take until its inner split stops it (measured
on ten tables of 20,000 to 250,000 rows: .5 to 2.9 with LightGBM's first start, 1 to 8
with its second). Where a holdout of `HOLDOUT_ROWS` would do, folds must have time for
that: three fits that were cut short tell less than one that was not."""

SEARCH_SHARE = 0.75
"""Share of the core-seconds that the first configurations may take."""


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
    of the time, long ones where there are rows enough for a holdout; without a limit in
    time, 5 folds up to 100,000 rows and 3 above.

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
    >>> [choose_cv(300_000, 5, 2, core_seconds=c) for c in (600, 3600)]
    [1, 3]
    """
    if core_seconds is None:
        return min(5, n_rows) if n_rows <= 100_000 else 3
    fold = fold_seconds(n_rows, n_columns, n_classes)
    if HOLDOUT_SHARE * n_rows >= HOLDOUT_ROWS:
        fold *= LONG_FITS
    for k in (8, 5, 3):
        if WANTED_CONFIGURATIONS * k * fold <= SEARCH_SHARE * core_seconds:
            return min(k, n_rows)
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
    copies: np.ndarray | None = None,
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
    copies : array of int or None
        Codes that equal rows share. Unless the user says which rows belong together,
        or gives the splits, they do: what was learnt by heart is no skill.

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
        return given_folds(cv, y, groups, time, kept)
    if cv < 1:
        raise AutoMLConfigError(
            f"cv={cv} is not possible.",
            code="E-cv",
            hint="Use at least 2 folds, or 1 for a holdout.",
        )
    k = int(cv)
    if time is not None:
        return _forward(time, groups, k)
    if groups is not None:
        folds = _grouped(y, groups, k, stratify=stratify, random_state=random_state)
    elif copies is not None:
        folds = _together(y, copies, k, stratify=stratify, random_state=random_state)
    else:
        folds = _shuffled(y, k, stratify=stratify, random_state=random_state)
    return _without_lonely(folds, y, groups, copies) if stratify else folds


def _fewer(k: int, most: int, what: str) -> tuple[str, ...]:
    """Warn, and return what to say, if something is too few for ``k`` folds."""
    if k <= most:
        return ()
    note = f"{most} folds instead of {k}, since there are only {most} {what}."
    warnings.warn(AutoMLWarning(note, code="W-folds"), stacklevel=5)
    return (note,)


def _forward(time: np.ndarray, groups: np.ndarray | None, k: int) -> Folds:
    """Return forward splits; rows of the same moment stay together."""
    moments, place = np.unique(time, return_inverse=True)
    if len(moments) < 3:
        raise AutoMLDataError(
            f"time= has {len(moments)} different moments; at least 3 were expected.",
            code="E-time",
            hint="Leave time= out, or give finer moments.",
        )
    notes: tuple[str, ...] = ()
    if k == 1:
        share = _holdout_share(len(time))
        cut = min(np.quantile(time, 1 - share), moments[-2])
        splits = [(np.flatnonzero(time <= cut), np.flatnonzero(time > cut))]
    else:
        notes = _fewer(k, len(moments) - 1, "later moments")
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
                "to train on before others are scored.",
                code="E-groups",
                hint="Leave one of the two out.",
            )
    name = "the latest rows held out" if k == 1 else f"{len(splits)} forward splits"
    return replace(freeze(splits, f"{name}, by time"), notes=notes)


def _grouped(
    y: np.ndarray, groups: np.ndarray, k: int, *, stratify: bool, random_state: int
) -> Folds:
    n_groups = len(np.unique(groups))
    if n_groups < 2:
        raise AutoMLDataError(
            f"groups= has {n_groups} group; at least 2 were expected.",
            code="E-groups",
            hint="Leave groups= out, or give what tells the groups apart.",
        )
    rows = np.zeros((len(y), 1))
    if k == 1:
        share = _holdout_share(len(y))
        wanted = int(np.ceil(share * len(y)))
        aside = some_groups(groups, wanted, len(y) // 3, random_state=random_state)
        split = np.flatnonzero(~aside), np.flatnonzero(aside)
        return freeze([split], f"a holdout of {aside.mean():.0%}, by group")
    notes = _fewer(k, n_groups, "groups")
    k = min(k, n_groups)
    splitter: Any = GroupKFold(k, shuffle=True, random_state=random_state)
    if stratify and k <= np.bincount(y.astype(np.int64)).max():
        splitter = StratifiedGroupKFold(k, shuffle=True, random_state=random_state)
        if n_groups >= MANY_GROUPS:
            codes = y.astype(np.int64)
            splitter = PredefinedSplit(
                deal(codes, groups, k, random_state=random_state)
            )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes rarer than the folds
        splits = list(splitter.split(rows, y, groups))
    splits = [(a, b) for a, b in splits if len(a) and len(b)]  # big groups fill folds
    name = f"{len(splits)}-fold cross-validation, by group"
    return replace(freeze(splits, name), notes=notes)


def _together(
    y: np.ndarray, copies: np.ndarray, k: int, *, stratify: bool, random_state: int
) -> Folds:
    """Return folds of the different rows, each with its copies; fast for many rows."""
    _, first = np.unique(copies, return_index=True)
    different = _shuffled(y[first], k, stratify=stratify, random_state=random_state)
    codes = copies[first]
    splits = []
    for _, test in different.splits:
        scored = np.zeros(int(copies.max()) + 1, dtype=bool)
        scored[codes[test]] = True
        splits.append((np.flatnonzero(~scored[copies]), np.flatnonzero(scored[copies])))
    share = 1 - len(first) / len(y)
    note = f"{share:.0%} of the rows are copies of others; folds keep copies together."
    folds = freeze(splits, f"{different.name}, copies of rows together")
    return replace(folds, notes=(note, *different.notes))


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
        return freeze(shuffle.split(rows, y), f"a holdout of {share:.0%}{kind}")
    notes = _fewer(k, n_rows, "rows")
    k = min(k, n_rows)
    splitter: Any = KFold(k, shuffle=True, random_state=random_state)
    fits = stratify and k <= counts.max()
    if fits:
        splitter = StratifiedKFold(k, shuffle=True, random_state=random_state)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes with fewer rows than folds
        splits = list(splitter.split(rows, y))
    kind = ", stratified" if fits else ""
    return replace(freeze(splits, f"{k}-fold cross-validation{kind}"), notes=notes)


def _without_lonely(
    folds: Folds, y: np.ndarray, groups: np.ndarray | None, copies: np.ndarray | None
) -> Folds:
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
        if copies is not None:
            scored = np.flatnonzero(copies == copies[scored[0]])
        splits = [(np.setdiff1d(np.arange(len(y)), scored), scored)]
    return replace(folds, splits=tuple(splits)) if splits else folds
