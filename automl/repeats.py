"""What stands in a table twice: rows, columns, or the target under another name.

Between kinds and table, on encoded columns. A copy of a row that trains and scores
makes every estimate too good, and so does a column that is the target.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from automl.encoding import factorize

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl.kinds import Column

__all__ = [
    "OVERLAP", "column_copies", "leaking_columns", "row_codes", "row_copies",
    "shared_rows",
]  # fmt: skip

COPY_SHARE = 0.05
"""Rows that are copies of earlier ones, from which folds keep copies together: fewer
hardly move an estimate, and folds stay as expected."""

CHANCE = 20.0
"""How many times more equal pairs of rows than chance makes are no chance. Columns
that depend on each other make a few times more."""

DIVERSE_COLUMNS = 3
"""Columns of which chance is reckoned: with the most diverse ones independence is the
least wrong."""

SAMPLE_ROWS = 20_000
"""Rows on which a column's chance of equal cells is counted."""

LEAK_ROWS = 20
"""Fewer rows say nothing of a column that is the target."""

ROWS_PER_VALUE = 5
"""Rows for each value, from which values that each have one target are no chance; with
groups, groups for each."""

LEAK_SAMPLE = 500
"""Rows that most columns are let off with."""

OVERLAP = 0.01
"""Share of other rows that are in a table, beyond what repeats itself within it, from
which that is worth a word."""

SAME = "is the target under another name"

_MIX = np.uint64(0x9E3779B97F4A7C15)
"""2**64 over the golden ratio: Knuth's multiplier, odd, so it loses no bit."""


def row_copies(X: pd.DataFrame) -> np.ndarray | None:
    """Return a code for each row, equal for equal rows, if copies are many; or None.

    Tables of few values have equal rows by chance, which is no fault: copies count if
    there are `CHANCE` times more equal pairs than the most diverse columns would
    make if they were independent.

    Parameters
    ----------
    X : DataFrame of shape (n_rows, n_columns)
        Encoded.

    Examples
    --------
    >>> once = pd.DataFrame(np.random.default_rng(0).normal(size=(10, 3)))
    >>> row_copies(once) is None
    True
    >>> row_copies(pd.concat([once, once], ignore_index=True)).tolist()[9:12]
    [9, 0, 1]
    """
    n_rows, n_columns = X.shape
    if n_rows < LEAK_ROWS or n_columns < 2:
        return None
    codes, distinct = pd.factorize(_row_hashes(X))
    if n_rows - len(distinct) < COPY_SHARE * n_rows:
        return None
    counts = np.bincount(codes).astype(np.float64)
    pairs = float((counts * (counts - 1)).sum() / 2)
    by_chance = _chance_of_equal_rows(X) * n_rows * (n_rows - 1) / 2
    return codes.astype(np.int64) if pairs > CHANCE * by_chance else None


def row_codes(X: pd.DataFrame) -> np.ndarray:
    """Return a code for each row, equal for equal rows, however few there are.

    Examples
    --------
    >>> row_codes(pd.DataFrame({"a": [1.0, 2.0, 1.0], "b": ["x", "x", "x"]})).tolist()
    [0, 1, 0]
    """
    codes: np.ndarray = pd.factorize(_row_hashes(X))[0].astype(np.int64)
    return codes


def _row_hashes(X: pd.DataFrame) -> np.ndarray:
    hashes = np.zeros(len(X), dtype=np.uint64)
    for name in X.columns:
        cells = _plain(X[name])
        hashes *= _MIX
        hashes ^= pd.util.hash_array(cells)
    return hashes


def shared_rows(X: pd.DataFrame, others: pd.DataFrame) -> tuple[float, float]:
    """Return the share of other rows that are in a table, and that of its own copies.

    Parameters
    ----------
    X, others : DataFrame of shape (n_rows, n_columns)
        Encoded alike.

    Returns
    -------
    tuple of (float, float)
        Of the other rows, those that are in the table; of its rows, those that are
        there once more: what its few values make likely.

    Examples
    --------
    >>> X = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0]})
    >>> shared_rows(X, pd.DataFrame({"a": [4.0, 5.0]}))
    (0.5, 0.0)
    """
    n_rows = len(X)
    both = pd.concat([X, others[list(X.columns)]], ignore_index=True)
    codes = pd.factorize(_row_hashes(both))[0]
    counts = np.bincount(codes[:n_rows], minlength=int(codes.max()) + 1)
    shared = counts[codes[n_rows:]] > 0
    return float(shared.mean()), float((counts[codes[:n_rows]] > 1).mean())


def _plain(values: pd.Series) -> np.ndarray:
    """Return a column as numbers; text as codes, since not all text can be hashed."""
    if values.dtype == object:
        return factorize(values)[0].astype(np.int64)
    return np.ascontiguousarray(values.to_numpy())


def _chance_of_equal_rows(X: pd.DataFrame) -> float:
    """Return how likely two rows are equal in the most diverse columns."""
    if len(X) > SAMPLE_ROWS:
        rng = np.random.default_rng(0)
        X = X.iloc[np.sort(rng.choice(len(X), SAMPLE_ROWS, replace=False))]
    pairs = len(X) * (len(X) - 1)
    chances = []
    for name in X.columns:
        _, counts = np.unique(_plain(X[name]), return_counts=True)
        chances.append(float((counts * (counts - 1.0)).sum() / pairs))
    return float(np.prod(sorted(chances)[:DIVERSE_COLUMNS]))


def column_copies(
    columns: tuple[Column, ...], digests: Mapping[str, bytes]
) -> dict[str, Column]:
    """Return which used columns are copies, by id, with the column that they copy.

    Parameters
    ----------
    columns : tuple of Column
        Of the table.
    digests : dict
        A fingerprint of each used column's cells, by id.
    """
    first: dict[tuple[str, tuple[str, ...], str | None, bytes], Column] = {}
    copies = {}
    for column in columns:
        if not column.used:
            continue
        key = (column.kind, column.plan.levels, column.plan.zone, digests[column.id])
        original = first.setdefault(key, column)
        if original is not column:
            copies[column.id] = original
    return copies


def leaking_columns(
    columns: tuple[Column, ...],
    X: pd.DataFrame,
    y: np.ndarray,
    groups: np.ndarray | None = None,
) -> list[tuple[Column, str]]:
    """Return columns that alone tell the target exactly, and how.

    Parameters
    ----------
    columns : tuple of Column
        Of the table.
    X : DataFrame of shape (n_rows, n_used_columns)
        Encoded.
    y : array of shape (n_rows,)
        Class codes or numbers.
    groups : array of shape (n_rows,) or None
        Codes of the groups: what is the same in all rows of one is seen once.

    Examples
    --------
    >>> from automl.kinds import describe_column
    >>> y = np.arange(60) % 3
    >>> column = describe_column(pd.Series(y * 2.0), "twice", 0)
    >>> [how for _, how in leaking_columns((column,), pd.DataFrame({"f0": y * 2.0}), y)]
    ['is the target under another name']
    """
    if len(y) < LEAK_ROWS or np.ptp(y) == 0:
        return []
    n_targets = len(np.unique(y))
    found = []
    for column in columns:
        if not column.used or column.kind == "text":
            continue
        values = X[column.id].to_numpy()
        if _is_scaled(values, y):
            found.append((column, SAME))
        elif _determines(column, values, y) and _in_groups(values, groups):
            same = column.n_distinct == n_targets and not column.n_missing
            found.append((column, SAME if same else "tells the target exactly"))
    return found


def _samples(n_rows: int) -> tuple[slice, slice]:
    """Return rows from all over the table that most columns fail on, and all rows."""
    return slice(None, None, max(1, n_rows // LEAK_SAMPLE)), slice(None)


def _is_scaled(values: np.ndarray, y: np.ndarray) -> bool:
    """Return whether the target is a multiple of the column, plus a constant."""
    for rows in _samples(len(y)):
        x, t = values[rows], y[rows].astype(np.float64)
        if np.ptp(t) == 0:  # a rare class is not in the sample
            continue
        low, high = int(np.argmin(x)), int(np.argmax(x))  # NaN is both
        if not x[high] > x[low]:
            return False
        with np.errstate(over="ignore", invalid="ignore"):
            slope = (t[high] - t[low]) / (x[high] - x[low])
            off = np.abs(t[low] + slope * (x - x[low]) - t).max()
        if not off <= 1e-9 * np.ptp(t):  # rounding of float64, with room
            return False
    return True


def _determines(column: Column, values: np.ndarray, y: np.ndarray) -> bool:
    """Return whether each value has one target, with several rows for each."""
    n_values = column.n_distinct + bool(column.n_missing)
    if n_values < 2 or len(y) < ROWS_PER_VALUE * n_values:
        return False
    for rows in _samples(len(y)):
        _, first, code = np.unique(values[rows], return_index=True, return_inverse=True)
        if (y[rows][first][code] != y[rows]).any():
            return False
    return True


def _in_groups(values: np.ndarray, groups: np.ndarray | None) -> bool:
    """Return whether values have several groups each; of few groups, all of them.

    The age of a patient tells the patient's target, and nothing of other patients.
    """
    if groups is None:
        return True
    value = np.unique(values, return_inverse=True)[1].astype(np.int64)
    group = np.unique(groups, return_inverse=True)[1].astype(np.int64)
    n_values, n_groups = int(value.max()) + 1, int(group.max()) + 1
    n_pairs = len(np.unique(value * n_groups + group))
    return n_pairs >= min(ROWS_PER_VALUE, n_groups) * n_values
