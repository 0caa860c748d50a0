"""Columns whose gaps know the answer: filled in only once the target is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from automl.checks.alone import (
    FOREST_ROWS,
    Question,
    errors,
    guess_by_bins,
    guess_by_forest,
)
from automl.checks.finding import Finding, listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl.checks.evidence import Evidence
    from automl.kinds import Column

__all__ = ["MissingnessLeak"]

GAP_SKILL = 0.8
"""Youden's index (or rank-biserial correlation) from which gaps tell the target."""

GAP_ROWS = 20
"""Rows with a gap, and without, from which that is no chance."""

GAP_SHARE = 0.05
"""The same as a share: the gaps of a few rows cannot carry a model."""

GAP_BETTER = 2.0
"""How many times less the target leaves of the gaps than other columns do."""


@dataclass(frozen=True)
class MissingnessLeak:
    """Whether the gaps of a column follow the target, and no other column.

    How well gaps tell the target is Youden's index (share of gaps within a class minus
    that outside) or, for numbers, the rank-biserial correlation. Gaps that the other
    columns tell nearly as well as the target does have a reason of their own: hours of
    work are missing of those without work.
    """

    code: str = "AML003"
    title: str = "Leaky missing values"

    def run(self, evidence: Evidence) -> Finding:
        """Return what it came to."""
        table = evidence.table
        gaps = {c: _gaps(evidence, c) for c in table.used if c.n_missing}
        rows = max(GAP_ROWS, GAP_SHARE * table.n_rows)
        skills = {
            c: _gap_skill(table.y, table.n_classes, gone)
            for c, gone in gaps.items()
            if rows <= gone.sum() <= len(gone) - rows
        }
        if not skills:
            return Finding(
                self.code, self.title, "pass", "No column has enough gaps to tell."
            )
        order = sorted(skills, key=lambda c: -skills[c])
        said = (
            f"Whether {listed([order[0].name])} is missing tells the target with a "
            f"skill of {skills[order[0]]:.2f} (0 is chance, 1 is certainty)"
        )
        leaks = [c for c in order if skills[c] >= GAP_SKILL]
        if not leaks:
            return Finding(self.code, self.title, "pass", f"{said}.")
        names = tuple(str(c.name) for c in leaks)
        if not _follow_target(evidence, gaps[leaks[0]], leaks):
            return Finding(
                self.code, self.title, "note",
                f"{said}; other columns tell as well where it is missing.", "", names,
            )  # fmt: skip
        more = f", and so do {len(leaks) - 1} more" if leaks[1:] else ""
        return Finding(
            self.code, self.title, "warn", f"{said}{more}.",
            "Find out whether it is filled in only after the target is known.", names,
        )  # fmt: skip


def _gaps(evidence: Evidence, column: Column) -> np.ndarray:
    evidence.go_on()
    cells = evidence.table.X[column.id].to_numpy()
    return np.asarray(cells == "" if cells.dtype == object else np.isnan(cells))


def _follow_target(
    evidence: Evidence, gone: np.ndarray, leaks: Sequence[Column]
) -> bool:
    """Return whether gaps follow the target far better than they do other columns."""
    part = evidence.sample[:: -(-len(evidence.sample) // FOREST_ROWS)]
    about = Question.of(gone[part].astype(np.int64), 2, evidence.random_state)
    levels = evidence.table.is_classification
    y = evidence.table.y[part].astype(np.float64)
    ids = [c.id for c in evidence.plain if c not in leaks]
    X = evidence.table.X[ids].iloc[part]
    by_target = errors(about, guess_by_bins(about, y, levels=levels)).ranking
    guess = guess_by_forest(about, X, evidence.random_state, evidence.go_on)
    by_others = errors(about, guess).ranking
    return by_others >= GAP_BETTER * max(by_target, 0.01)


def _gap_skill(y: np.ndarray, n_classes: int, gone: np.ndarray) -> float:
    if n_classes:
        counts = np.bincount(y.astype(np.int64), minlength=n_classes)
        within = np.bincount(y[gone].astype(np.int64), minlength=n_classes)
        known = (counts >= GAP_ROWS) & (len(y) - counts >= GAP_ROWS)
        if not known.any():
            return 0.0
        inside = within / np.maximum(counts, 1)
        outside = (gone.sum() - within) / np.maximum(len(y) - counts, 1)
        return float(np.abs(inside - outside)[known].max())
    from scipy.stats import rankdata

    ranks, n = rankdata(y), int(gone.sum())
    area = (ranks[gone].sum() - n * (n + 1) / 2) / (n * (len(y) - n))
    return float(abs(2 * area - 1))
