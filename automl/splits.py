"""Splits as the user gives them, checked; and what the splits of a run are.

Below the folds. Every complaint about ``cv=`` that is no number is raised here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.model_selection import PredefinedSplit

from automl.exceptions import AutoMLConfigError

__all__ = ["Folds", "freeze", "given_folds"]

Split = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Folds:
    """The splits of a run.

    Attributes
    ----------
    splits : tuple of (array of int, array of int)
        Positions of training and of scoring rows.
    name : str
        What to call it in a sentence: ``5-fold cross-validation, stratified``.
    notes : tuple of str
        What was decided about them beyond what was asked for, in sentences.
    unit : array of int of shape (n_rows,) or None
        What a row belongs together with: a group, or a stretch of time.
    """

    splits: tuple[Split, ...]
    name: str
    notes: tuple[str, ...] = ()
    unit: np.ndarray | None = field(default=None, compare=False)

    def __len__(self) -> int:
        return len(self.splits)

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """Rows that each split trains on and scores."""
        return tuple((len(train), len(test)) for train, test in self.splits)


def freeze(splits: Iterable[Any], name: str) -> Folds:
    """Return folds of sorted positions."""
    pairs = tuple(
        (np.sort(np.asarray(a, dtype=np.int64)), np.sort(np.asarray(b, dtype=np.int64)))
        for a, b in splits
    )
    return Folds(pairs, name)


def given_folds(
    cv: Any,
    y: np.ndarray,
    groups: np.ndarray | None,
    time: np.ndarray | None,
    kept: np.ndarray | None,
) -> Folds:
    """Return the user's splits, checked.

    Parameters
    ----------
    cv : splitter or iterable of (train, test)
        Positions of rows, or masks.
    y, groups, time, kept
        As in `automl.folds.make_folds`.

    Raises
    ------
    AutoMLConfigError
        If they are no splits of these rows, or break what groups and time promise
        (``E-cv``).

    Examples
    --------
    >>> len(given_folds([([0, 1], [2])], np.arange(3), None, None, None))
    1
    """
    folds = _read(cv, y, groups, kept)
    _refuse_leaks(folds, groups, time)
    return folds


def _read(
    cv: Any, y: np.ndarray, groups: np.ndarray | None, kept: np.ndarray | None
) -> Folds:
    if hasattr(cv, "split") and not isinstance(cv, str):
        if isinstance(cv, type):
            raise AutoMLConfigError(
                f"cv={cv.__name__} is a class; a splitter was expected.",
                code="E-cv",
                hint=f"Use cv={cv.__name__}().",
            )
        cv = _of_kept(cv, len(y), kept)
        try:
            splits = list(cv.split(np.zeros((len(y), 1)), y, groups))
        except ValueError as error:
            raise AutoMLConfigError(
                f"cv={cv} cannot split these {len(y)} rows: {error}", code="E-cv"
            ) from None
        except Exception as error:  # whatever the user's own code raises
            raise AutoMLConfigError(
                f"cv={cv} cannot split these {len(y)} rows: {type(error).__name__}: "
                f"{error}. Its split was given zeros as X, the target as numbers or "
                "codes, and groups.",
                code="E-cv",
                hint="Give the positions of the rows as a list of (train, test).",
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


def _of_kept(cv: Any, n_rows: int, kept: np.ndarray | None) -> Any:
    """Return the splitter; of one that lists folds row by row, those of kept rows."""
    if kept is None or not isinstance(cv, PredefinedSplit):
        return cv
    if len(cv.test_fold) == n_rows or len(cv.test_fold) <= kept.max():
        return cv
    return PredefinedSplit(cv.test_fold[kept])


def _refuse_leaks(
    folds: Folds, groups: np.ndarray | None, time: np.ndarray | None
) -> None:
    """Refuse given splits that break what ``groups=`` and ``time=`` promise."""
    for number, (train, test) in enumerate(folds.splits):
        if groups is not None and np.isin(groups[train], groups[test]).any():
            raise AutoMLConfigError(
                f"Split {number} of cv= has rows of one group on both sides; with "
                "groups= that is never so.",
                code="E-cv",
                hint="Use GroupKFold, or leave groups= out.",
            )
        if time is not None and time[train].max() >= time[test].min():
            raise AutoMLConfigError(
                f"Split {number} of cv= trains on rows that are not earlier than those "
                "it scores; with time= that is never so.",
                code="E-cv",
                hint="Use a number for cv=, or leave time= out.",
            )


def _checked(
    splits: list[Any], name: str, n_rows: int, kept: np.ndarray | None = None
) -> Folds:
    """Return the user's splits; positions of rows or masks."""
    try:
        pairs = [(_positions(a), _positions(b)) for a, b in splits]
    except (TypeError, ValueError):
        raise AutoMLConfigError(
            "cv= holds something else than pairs (train, test) of row positions.",
            code="E-cv",
        ) from None
    for number, pair in enumerate(pairs):
        both = np.concatenate(pair)
        if len(both) and (both.min() < 0 or (kept is None and both.max() >= n_rows)):
            raise AutoMLConfigError(
                f"Split {number} of cv= names rows outside 0 to {n_rows - 1}.",
                code="E-cv",
            )
    if kept is not None:
        pairs = [(_kept_of(a, kept), _kept_of(b, kept)) for a, b in pairs]
    folds = freeze(pairs, name)
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
