"""The rows that the folds of a run score, and which of them are drawn together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from automl.scored import Scored, units_of

if TYPE_CHECKING:
    from automl.folds import Folds
    from automl.table import Table

__all__ = ["drawn_together", "scored_rows"]


def drawn_together(table: Table, rows: np.ndarray) -> np.ndarray:
    """Return a code for each of some rows, from 0; rows that belong together share it.

    Which do, `automl.scored.units_of` says; blocks of time are of these rows alone.
    """
    told = (table.groups, table.time, table.copies)
    unit = units_of(*(None if codes is None else codes[rows] for codes in told))
    unit = rows if unit is None else unit
    return np.unique(unit, return_inverse=True)[1].astype(np.int64)


def scored_rows(table: Table, folds: Folds) -> Scored:
    """Return the rows that folds score, one fold after the other."""
    tests = [test for _, test in folds.splits]
    place = np.concatenate(tests)
    fold = np.repeat(np.arange(len(tests)), [len(t) for t in tests])
    rows = np.unique(place)
    codes = drawn_together(table, rows)
    weight = None if table.sample_weight is None else table.sample_weight[place]
    return Scored(table.y[place], fold, codes[np.searchsorted(rows, place)], weight)
