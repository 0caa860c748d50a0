"""Rows that were scored: which are drawn together, and whether they are enough."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Scored", "too_few", "units_of", "units_of_time"]

FEW_ROWS, FEW_OF_CLASS = 50, 10
"""Fewer scored rows, or rows of a class, show hardly anything."""


@dataclass(frozen=True)
class Scored:
    """Rows that were scored, one entry for each row and fold that it was scored in.

    Attributes
    ----------
    y : array of shape (n_entries,)
        Class codes, or numbers.
    fold : array of int of shape (n_entries,)
        In which it was scored.
    unit : array of int of shape (n_entries,)
        What is drawn together: a row, a group, a block of time; from 0.
    weight : array of shape (n_entries,) or None
        Sample weights.
    """

    y: np.ndarray
    fold: np.ndarray
    unit: np.ndarray
    weight: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.y)

    @property
    def n_units(self) -> int:
        """How many can be drawn."""
        return int(self.unit.max()) + 1

    def at(self, entries: np.ndarray) -> Scored:
        """Return some of the entries; units keep their numbers."""
        weight = None if self.weight is None else self.weight[entries]
        return Scored(self.y[entries], self.fold[entries], self.unit[entries], weight)


def units_of_time(moments: np.ndarray) -> np.ndarray:
    """Return blocks of rows that follow one another, of the cube root of their number.

    That length makes the variance of a mean right for dependent rows, whatever the
    constant (Hall, Horowitz and Jing, Biometrika 82, 1995). Rows of one moment may
    fall into two blocks; ten blocks are made at least, where there are rows for it.

    Parameters
    ----------
    moments : array of shape (n_rows,)
        Seconds.

    Examples
    --------
    >>> len(np.unique(units_of_time(np.arange(1000.0))))
    100
    """
    n = len(moments)
    length = max(1, min(round(n ** (1 / 3)), n // 10))
    units = np.empty(n, dtype=np.int64)
    units[np.argsort(moments, kind="stable")] = np.arange(n) // length
    return np.unique(units, return_inverse=True)[1]


def units_of(
    groups: np.ndarray | None, time: np.ndarray | None, copies: np.ndarray | None
) -> np.ndarray | None:
    """Return what each row belongs together with; None if each stands for itself.

    Groups come first, then blocks of rows that follow one another in time.

    Parameters
    ----------
    groups : array of int of shape (n_rows,) or None
        As the user gives them.
    time : array of shape (n_rows,) or None
        Seconds.
    copies : array of int of shape (n_rows,) or None
        Codes that equal rows share, where there are many.
    """
    if groups is not None:
        return groups
    return copies if time is None else units_of_time(time)


def too_few(y: np.ndarray, n_units: int, *, is_classification: bool) -> str | None:
    """Return why scored rows are too few to conclude from; None if they are not.

    Examples
    --------
    >>> too_few(np.arange(40.0), 40, is_classification=False)
    '40 scored rows are too few to conclude: at least 50 are needed.'
    """
    if n_units < FEW_ROWS:
        what = "rows" if n_units == len(y) else "groups of rows"
        return (
            f"{n_units} scored {what} are too few to conclude: at least {FEW_ROWS} "
            "are needed."
        )
    if not is_classification:
        return None
    counts = np.bincount(y.astype(np.int64))
    rarest = int(counts[counts > 0].min())
    if rarest >= FEW_OF_CLASS:
        return None
    return (
        f"{rarest} scored rows of the rarest class are too few to conclude: at least "
        f"{FEW_OF_CLASS} are needed."
    )
