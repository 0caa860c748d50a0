"""Rows that follow one another: in time, or as they stand in the table.

Where neighbours have like targets, a fold that holds one of two is scored on what the
other tells.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from automl.checks.finding import Finding, listed

if TYPE_CHECKING:
    from automl.checks.evidence import Evidence
    from automl.folds import Folds
    from automl.kinds import Column

__all__ = ["TimeLeak", "names_time"]

LEAST_ROWS = 60
"""Fewer rows make neighbours alike by chance."""

ALIKE = 0.5
"""Correlation (or agreement beyond chance) of neighbouring targets from which time
carries the target."""

ROWS_SHARE = 0.05
"""Different numbers, as a share of the rows, from which they say when a row happened: a
year that hundreds of rows share is a feature like any other."""

LATER_SHARE = 0.5
"""Rows in which a date is later than ``time=``, from which it is known too late."""

LEAST_MOMENTS = 12
"""Different moments, from which a column says when rows happened."""

MOST_GAPS = 0.2
"""Share of rows without a moment up to which the others are looked at."""

_TIME_NAME = re.compile(
    r"(^|[\s_.-])(date|datetime|time|timestamp|year|month|week|day)s?$", re.IGNORECASE
)


@dataclass(frozen=True)
class TimeLeak:
    """Whether the past predicts the future where time carries the target.

    With ``time=`` of dates, whether a column holds later moments; without it, whether
    rows that follow each other by a column of dates, or as they stand, have like
    targets.
    """

    code: str = "AML005"
    title: str = "Time"

    def run(self, evidence: Evidence) -> Finding:
        """Return what it came to."""
        if evidence.table.time is not None:
            return self._later(evidence, evidence.table.time)
        y, n_classes = evidence.table.y, evidence.table.n_classes
        if len(y) < LEAST_ROWS or np.ptp(y) == 0:
            return Finding(
                self.code, self.title, "skipped", "Too few rows to compare neighbours."
            )
        found = [
            (_likeness(y[_in_order(cells)], n_classes), c)
            for c in evidence.plain
            for cells in [evidence.values(c)]
            if _is_time(c, cells)
        ]
        found.sort(key=lambda pair: -pair[0])
        if found and found[0][0] >= ALIKE and evidence.table.groups is None:
            return self._alike(evidence, *found[0])
        as_they_stand = _likeness(y, n_classes)
        if _is_sorted(y):
            return self._sorted(evidence)
        if as_they_stand >= ALIKE and evidence.table.groups is None:
            return Finding(
                self.code, self.title, "note",
                f"Rows that stand next to each other have like targets (correlation "
                f"{as_they_stand:.2f}).",
                "Give time= or groups= if rows follow each other or belong together.",
            )  # fmt: skip
        return Finding(
            self.code, self.title, "pass",
            "Neighbouring rows do not have like targets (correlation "
            f"{as_they_stand:.2f}).",
        )  # fmt: skip

    def _alike(self, evidence: Evidence, alike: float, column: Column) -> Finding:
        """Return what like targets by a column of time come to in these folds."""
        name = str(column.name)
        said = (
            f"Rows that follow each other by {listed([name])} have like targets "
            f"(correlation {alike:.2f})"
        )
        if not _mix(evidence.folds, evidence.values(column)):
            return Finding(
                self.code, self.title, "pass",
                f"{said}, and no fold trains on later rows than it scores.",
            )  # fmt: skip
        return Finding(
            self.code, self.title, "warn", f"{said}, and folds mix past and future.",
            f"Give time={name!r} if the model is to predict later rows.", (name,),
        )  # fmt: skip

    def _sorted(self, evidence: Evidence) -> Finding:
        """Return what rows in the order of the target come to in these folds."""
        if _are_blocks(evidence.folds):
            return Finding(
                self.code, self.title, "warn",
                "The rows are sorted by the target, and each fold scores rows that "
                "stand next to each other: their targets are unlike those of its "
                "training rows.",
                "Give a number for cv=, or a splitter that shuffles.",
            )  # fmt: skip
        return Finding(
            self.code, self.title, "note",
            "The rows are sorted by the target; folds do not follow that order, so no "
            "score gains by it.",
            "Never make a column of the number of a row.",
        )  # fmt: skip

    def _later(self, evidence: Evidence, time: np.ndarray) -> Finding:
        """Return whether a column holds later moments than the row's."""
        late = {}
        dates = [c for c in evidence.table.used if c.kind == "date"]
        if dates and not evidence.table.time_is_dates:
            return Finding(
                self.code, self.title, "pass",
                "Folds train on the past only; time= holds numbers, with which dates "
                "cannot be compared.",
            )  # fmt: skip
        for column in dates:
            later = float(np.mean(evidence.values(column) > time + 1.0))
            if later >= LATER_SHARE:
                late[str(column.name)] = later
        if not late:
            return Finding(
                self.code, self.title, "pass",
                "Folds train on the past only, and no column is of a later moment.",
            )  # fmt: skip
        first = next(iter(late))
        return Finding(
            self.code, self.title, "warn",
            f"{listed([first])} is later than time= in {late[first]:.0%} of the rows.",
            "Drop it if it is not known when a prediction is made.", tuple(late),
        )  # fmt: skip


def _is_time(column: Column, cells: np.ndarray) -> bool:
    """Return whether a column says when rows happened: dates, or numbers in order."""
    if column.n_missing > MOST_GAPS * len(cells) or column.n_distinct < LEAST_MOMENTS:
        return False
    if column.kind == "date":
        return True
    if column.kind != "number" or column.n_distinct < ROWS_SHARE * len(cells):
        return False
    known = cells[np.isfinite(cells)]
    return names_time(column.name) and _is_sorted(known)


def names_time(name: object) -> bool:
    """Return whether a column is called as what says when.

    Examples
    --------
    >>> names_time("start_date"), names_time("sometimes")
    (True, False)
    """
    return bool(_TIME_NAME.search(str(name)))


def _in_order(moments: np.ndarray) -> np.ndarray:
    """Return the rows whose moment is known, earliest first."""
    order = np.argsort(moments, kind="stable")
    known: np.ndarray = order[np.isfinite(moments[order])]
    return known


def _is_sorted(y: np.ndarray) -> bool:
    steps = np.diff(y)
    return bool((steps >= 0).all() or (steps <= 0).all())


def _mix(folds: Folds, moments: np.ndarray) -> bool:
    """Return whether a fold trains on later rows than some that it scores."""
    known = np.isfinite(moments)
    return any(
        moments[a][known[a]].max(initial=-np.inf)
        > moments[b][known[b]].min(initial=np.inf)
        for a, b in folds.splits
    )


def _are_blocks(folds: Folds) -> bool:
    """Return whether each fold scores rows that stand next to each other."""
    return all(1 < len(b) == np.ptp(b) + 1 for _, b in folds.splits)


def _likeness(y: np.ndarray, n_classes: int) -> float:
    """Return how alike neighbours are: 0 is chance, 1 the same."""
    if n_classes:
        shares = np.bincount(y.astype(np.int64), minlength=n_classes) / len(y)
        chance = float((shares**2).sum())
        same = float((y[1:] == y[:-1]).mean())
        return (same - chance) / (1 - chance) if chance < 1 else 0.0
    a, b = y[1:], y[:-1]
    if not np.ptp(a) or not np.ptp(b):
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])
