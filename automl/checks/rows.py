"""Rows that belong together: copies and groups.

Where such rows are on both sides of a fold, a model is scored on what it has seen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from automl.checks.alone import Question, guess_by_bins, spread_of
from automl.checks.finding import Finding, listed, without_test_set
from automl.repeats import OVERLAP, row_codes

if TYPE_CHECKING:
    from automl.checks.evidence import Evidence
    from automl.kinds import Column

__all__ = ["Copies", "Groups", "SeenBefore"]

LEAST_ROWS = 60
"""Fewer rows make rows of one group alike by chance."""

LEVELS = 12
"""Groups, from which a column may be one of them."""

ROWS_PER_LEVEL = 2.0
"""Rows of a group, on average, at least."""

EXPLAINED = 0.5
"""Share of the target's variance that groups explain, from which they matter."""

SMOOTH = 0.5
"""How much of what levels explain their neighbours may explain, at most: of a measured
quantity nearly all, of an identifier nothing."""

COPIES_SHARE = 0.01
"""Scored rows with a copy, or a row of their level, among those trained on, from which
that is worth a word."""

MOST_CELLS = 5_000_000
"""Of a table whose rows are compared: that takes a fifth of a second."""

_ID_NAME = re.compile(
    r"(^|[\s_.-])(id|no|nr|number|code|key|patient|subject|person|user|customer|client|"
    r"group|household|family|store|shop|site|device|session)s?$",
    re.IGNORECASE,
)
_CAMEL_ID = re.compile(r"[a-z](ID|Id|No)$")


@dataclass(frozen=True)
class Groups:
    """Whether rows of one person, store or device are on both sides of a fold.

    A column may name groups if its levels explain much of the target, and levels beside
    it do not: a neighbour of a house number says nothing, one of a length does.
    """

    code: str = "AML006"
    title: str = "Groups"

    def run(self, evidence: Evidence) -> Finding:
        """Return what it came to."""
        table = evidence.table
        if table.groups is not None:
            return Finding(
                self.code, self.title, "pass", "groups= keeps rows of a group together."
            )
        if table.n_rows < LEAST_ROWS or np.ptp(table.y) == 0:
            return Finding(
                self.code, self.title, "skipped", "Too few rows to tell groups."
            )
        found = sorted(
            (
                (_explained(evidence, c), c)
                for c in evidence.plain
                if _may_group(evidence, c)
            ),
            key=lambda pair: -pair[0],
        )
        named = [(e, c) for e, c in found if e >= EXPLAINED]
        if not named:
            return Finding(
                self.code, self.title, "pass",
                "No column names groups that explain the target.",
            )  # fmt: skip
        split = [(e, c) for e, c in named if _split_share(evidence, c) >= COPIES_SHARE]
        explained, column = (split or named)[0]
        name, n = str(column.name), column.n_distinct
        said = (
            f"The {n:,} levels of {listed([name])} explain {explained:.0%} of the "
            "target's variance"
        )
        if not split:
            return Finding(
                self.code, self.title, "pass",
                f"{said}; folds keep rows of one level together.",
            )  # fmt: skip
        sure = any(_named_as_group(c) for _, c in split)
        return Finding(
            self.code, self.title, "warn" if sure else "note",
            f"{said}, and rows of one level are on both sides of a fold.",
            f"Give groups={name!r} if the model is to predict rows of new ones.",
            tuple(str(c.name) for _, c in split),
        )  # fmt: skip


def _split_share(evidence: Evidence, column: Column) -> float:
    """Return the share of scored rows with a row of their level among the others."""
    values = evidence.values(column)
    shares = [np.isin(values[b], values[a]).mean() for a, b in evidence.folds.splits]
    return float(np.mean(shares))


def _named_as_group(column: Column) -> bool:
    text = str(column.name)
    return bool(_ID_NAME.search(text) or _CAMEL_ID.search(text))


def _may_group(evidence: Evidence, column: Column) -> bool:
    n_rows = evidence.table.n_rows
    if column.kind not in {"category", "number"}:
        return False
    if not LEVELS <= column.n_distinct <= n_rows / ROWS_PER_LEVEL:
        return False
    if column.kind == "category":
        return True
    values = evidence.values(column, evidence.sample)
    there = values[~np.isnan(values)]
    return bool((there == np.floor(there)).all())


def _explained(evidence: Evidence, column: Column) -> float:
    """Return what levels explain of other rows' targets; 0 if their order does, too."""
    evidence.go_on()
    rows = _rows_of_levels(evidence, column)
    y = evidence.table.y[rows]
    if not np.ptp(y):
        return 0.0
    question = Question.of(y, evidence.table.n_classes, evidence.random_state)
    values = evidence.values(column, rows)
    own = 1 - spread_of(question, guess_by_bins(question, values, levels=True))
    if column.kind == "number" and own >= EXPLAINED:
        levels, code = np.unique(values, return_inverse=True)
        means = np.stack([
            np.bincount(code, weights=t) / np.bincount(code) for t in question.target.T
        ])  # fmt: skip
        if len(levels) < 3:
            return 0.0
        before = np.c_[means[:, 1], means[:, :-1]]  # the ends have one neighbour
        after = np.c_[means[:, 1:], means[:, -2]]
        beside = (before + after).T[code] / 2
        if 1 - spread_of(question, beside) > SMOOTH * own:
            return 0.0
    return own


def _rows_of_levels(evidence: Evidence, column: Column) -> np.ndarray:
    """Return rows of whole levels, drawn by chance where there are many rows."""
    values = evidence.values(column)
    rows = np.flatnonzero(~np.isnan(values))
    most = len(evidence.sample)
    if len(rows) <= most:
        return rows
    levels = np.unique(values[rows])
    rng = np.random.default_rng(evidence.random_state)
    n_levels = max(LEVELS, int(len(levels) * most / len(rows)))
    chosen = rng.choice(levels, min(n_levels, len(levels)), replace=False)
    return np.flatnonzero(np.isin(values, chosen))


@dataclass(frozen=True)
class Copies:
    """Whether rows are scored of which the model was trained on a copy."""

    code: str = "AML007"
    title: str = "Copies of rows"

    def run(self, evidence: Evidence) -> Finding:
        """Return what it came to."""
        table = evidence.table
        if table.X.size > MOST_CELLS and table.copies is None:
            return Finding(
                self.code, self.title, "skipped",
                f"The {table.n_rows:,} rows were not compared: that takes too long.",
                missed=True,
            )  # fmt: skip
        codes = row_codes(table.X) if table.copies is None else table.copies
        extra = 1 - len(np.unique(codes)) / table.n_rows
        across = [np.isin(codes[b], codes[a]).mean() for a, b in evidence.folds.splits]
        share = float(np.mean(across))
        if share < COPIES_SHARE:
            said = "No scored row has a copy among those trained on."
            if share:
                said = f"{share:.2%} of the scored rows have a copy among the others."
            if extra >= COPIES_SHARE:
                said = f"{extra:.1%} of the rows are copies; folds keep them together."
            return Finding(self.code, self.title, "pass", said)
        said = f"{share:.1%} of the scored rows have a copy among those trained on"
        if table.copies is None:  # as chance makes them of few values, or few
            return Finding(
                self.code, self.title, "note",
                f"{said}: few, or no more than tables of so few values have by chance.",
            )  # fmt: skip
        return Finding(
            self.code, self.title, "warn",
            f"{said}; {_at_odds(codes, table.y):.0%} of the copies differ in target.",
            "Remove copies, or give groups= or cv= that keep them together.",
        )  # fmt: skip


def _at_odds(codes: np.ndarray, y: np.ndarray) -> float:
    """Return the share of rows with a copy that has another target."""
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(codes[order]) > 0])
    sizes = np.diff(np.r_[starts, len(codes)])
    low = np.minimum.reduceat(y[order], starts)
    high = np.maximum.reduceat(y[order], starts)
    several = sizes > 1
    if not several.any():
        return 0.0
    return float(sizes[several & (low < high)].sum() / sizes[several].sum())


@dataclass(frozen=True)
class SeenBefore:
    """Whether rows of the test set stand in the training table, too."""

    code: str = "AML008"
    title: str = "Test rows seen before"

    def run(self, evidence: Evidence) -> Finding:
        """Return what it came to."""
        test, shared = evidence.test, evidence.shared
        if test is None or shared is None:
            return without_test_set(self)
        share, by_chance = shared
        said = f"{share:.1%} of the {len(test):,} test rows stand in the training table"
        if share < COPIES_SHARE:
            return Finding(self.code, self.title, "pass", f"{said}.")
        if share < by_chance + OVERLAP:
            return Finding(
                self.code, self.title, "note",
                f"{said}, as rows of few values do by chance.",
            )  # fmt: skip
        return Finding(
            self.code, self.title, "warn", f"{said}, too.",
            "Remove them from one of the two: the test score is too good.",
        )  # fmt: skip
