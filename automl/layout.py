"""What building pipelines needs to know of a table: sizes and kinds, no values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.possible import NOT_NEGATIVE

if TYPE_CHECKING:
    from automl.folds import Folds
    from automl.kinds import Column
    from automl.metrics import Metric
    from automl.table import Table

__all__ = ["Layout", "idle_options"]

INNER_FOLDS = 5
"""Inner folds of the target encoding, fewer where the commonest class is small."""

ARITHMETIC_ROWS = 1000
"""Rows from which arithmetic of columns is searched: it was measured on such (0006)."""

PAIRS = 24
"""Columns made of pairs of numbers, at most."""

PAIR_CELLS = 6_000_000
"""Cells of those columns, at most: 48 MB; on many rows they cost memory and time."""

WIDE_COLUMNS = 500
"""Columns from which LightGBM's bins are coarse."""

COARSE_BINS = 63
"""What its bins are then: its time grows with all bins of all columns, three times from
these to its default (6,000 rows of 2,000 columns: 12.4 and 36.7 s). On four tables of
320 to 2,000 columns errors were .97 to 1.04 times as large."""

BINS = 255
"""LightGBM's default."""

LOGARITHMIC = (*NOT_NEGATIVE, "mape")
"""Metrics of shares of the target, for which the logarithm of it and one is learnt:
errors were .76 to .98 times as large, by family (decision 6)."""

SKEWED = 1.0
"""Skewness of a target from which ``median_ae`` has it learnt as a logarithm, if that
is less skewed: its errors were .71 to 1.02 times as large on nine such tables, smaller
on eight, and .98 to 1.04 on five others."""

ABSOLUTE = ("median_ae", "mape")
"""Metrics for which absolute errors are minimised, and not their squares: there the
median error was 4 % smaller, the percentage 2 %; with ``mae`` nothing was gained."""


@dataclass(frozen=True)
class Layout:
    """What building needs to know of a table: sizes and kinds, no values.

    Attributes
    ----------
    task : str
        The task.
    n_rows : int
        Rows of the table.
    columns : tuple of Column
        Those that are used.
    n_commonest : int or None
        Rows of the commonest class; None for regression, or as good as all rows.
    absolute : bool
        Whether a learner that can is to minimise absolute errors, and not squares.
    n_least : int or None
        Rows, of the commonest class, of the smallest part that is trained on, if known.
    logarithm : bool
        Whether learners of numbers are to learn their logarithms.
    """

    task: str
    n_rows: int
    columns: tuple[Column, ...]
    n_commonest: int | None = None
    absolute: bool = False
    n_least: int | None = None
    logarithm: bool = False

    @classmethod
    def of(
        cls, table: Table, metric: Metric | None = None, folds: Folds | None = None
    ) -> Layout:
        """Return the layout of a table, for learners whose loss suits the metric."""
        commonest = _commonest(table) if table.is_classification else None
        name = "" if metric is None or metric.own else metric.name
        parts = () if folds is None else folds.splits
        least = min((_commonest(table, train) for train, _ in parts), default=None)
        return cls(
            table.task, table.n_rows, table.used, commonest, name in ABSOLUTE, least,
            _suits_logarithm(name, table.y),
        )  # fmt: skip

    @property
    def inner_folds(self) -> int:
        """How many inner folds any half of the rows, and any training part, allows."""
        n = self.n_rows if self.n_commonest is None else self.n_commonest
        least = n if self.n_least is None else self.n_least
        return min(INNER_FOLDS, n // 2, least)

    @property
    def has_pairs(self) -> bool:
        """Whether there are two columns to do arithmetic with."""
        return len(self.of_kind("number", "boolean", "date")) > 1

    @property
    def n_pairs(self) -> int:
        """How many columns arithmetic adds, at most: one whatever the rows."""
        return max(1, min(PAIRS, PAIR_CELLS // max(1, self.n_rows)))

    @property
    def n_bins(self) -> int:
        """How many bins LightGBM makes of a column, unless a candidate says so."""
        return COARSE_BINS if len(self.columns) >= WIDE_COLUMNS else BINS

    def of_kind(self, *kinds: str) -> list[Column]:
        """Return the columns of these kinds."""
        return [c for c in self.columns if c.kind in kinds]


def _suits_logarithm(name: str, y: np.ndarray) -> bool:
    """Return whether logarithms of numbers are learnt for a metric, by its name.

    Examples
    --------
    >>> prices = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0])
    >>> [_suits_logarithm(name, prices) for name in ("rmsle", "median_ae", "mae")]
    [True, True, False]
    >>> _suits_logarithm("median_ae", np.arange(7.0))
    False
    """
    if name in NOT_NEGATIVE:  # all are above -1
        return True
    if name not in (*LOGARITHMIC, "median_ae") or not y.min() >= 0:
        return False
    if name in LOGARITHMIC:
        return True
    skewness = _skewness(y)
    return skewness > SKEWED and abs(_skewness(np.log1p(y))) < skewness


def _skewness(y: np.ndarray) -> float:
    """Return the third moment in deviations: above 0 where the largest are far off."""
    part = y / (float(np.abs(y).max()) or 1.0)  # the cube of large ones is infinite
    away = part - part.mean()
    deviation = float(away.std())
    return float(np.mean((away / deviation) ** 3)) if deviation > 0 else 0.0


def _commonest(table: Table, rows: Any = slice(None)) -> int:
    """Return the rows of the commonest class among some; all of a regression."""
    y = table.y[rows]
    if not table.is_classification:
        return len(y)
    return int(np.bincount(y.astype(np.int64), minlength=1).max())


def idle_options(layout: Layout) -> set[str]:
    """Return preparation keys that are not worth a search on this table.

    Without categories there is nothing to encode, without gaps nothing to fill in,
    without numbers nothing to scale, without text nothing to shorten: a search over
    them would fit the same pipeline again. Pairs of numbers are not searched on few
    rows.
    """
    idle = set()
    if layout.n_rows < ARITHMETIC_ROWS or not layout.has_pairs:
        idle.add("arithmetic")
    if not layout.of_kind("category"):
        idle |= {"categorical", "onehot"}
    if not any(c.n_missing for c in layout.of_kind("number", "boolean")):
        idle.add("indicator")
        if not layout.of_kind("date"):
            idle.add("impute")
    if not layout.of_kind("number", "boolean", "date"):
        idle.add("scale")
    if not layout.of_kind("text"):
        idle.add("text_components")
    return idle
