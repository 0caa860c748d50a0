"""What a table itself says: rare classes, columns of no use, many gaps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from automl.checks.finding import Finding, listed
from automl.confusion_scores import has_factors

if TYPE_CHECKING:
    from automl.checks.evidence import Evidence

__all__ = ["HighMissing", "Imbalance", "RareClasses", "UselessColumns"]

IMBALANCED = 0.8
"""Share of a class from which others count little, as skore has it."""

EXTREME = 0.95
"""Share from which a class that is never predicted hardly costs accuracy."""

RATE_METRICS = frozenset({"accuracy", "f1_micro", "f1_weighted"})
"""Metrics that the largest class decides."""

RARE_ROWS = 10
"""Fewer rows of a class say nothing of how well it is told."""

MANY_MISSING, NEARLY_ALL_MISSING = 0.5, 0.95
"""Shares of missing cells from which a column is worth a word, and doubtful."""

USELESS_SHARE = 0.5
"""Share of columns without importance from which that is worth a word."""


@dataclass(frozen=True)
class Imbalance:
    """Whether one class outweighs the others."""

    code: str = "AML015"
    title: str = "Balance of classes"

    def run(self, evidence: Evidence) -> Finding:
        """Return what it came to."""
        table = evidence.table
        if not table.is_classification:
            return Finding(self.code, self.title, "skipped", "There are no classes.")
        counts = np.bincount(table.y.astype(np.int64), minlength=table.n_classes)
        share = counts.max() / counts.sum()
        said = f"The largest of {table.n_classes} classes has {share:.1%} of the rows"
        if share < IMBALANCED:
            return Finding(self.code, self.title, "pass", f"{said}.")
        metric = evidence.metric
        blind = metric.name in RATE_METRICS
        counts_rare = has_factors(metric) or metric.name == "average_precision"
        advise = blind or (share >= EXTREME and not counts_rare)
        return Finding(
            self.code, self.title, "warn" if blind else "note",
            f"{said}, and {metric.name} hardly counts the others."
            if blind else f"{said}.",
            "Take a metric that counts rare classes, such as average_precision or "
            "balanced_accuracy." if advise else "",
        )  # fmt: skip


@dataclass(frozen=True)
class RareClasses:
    """Whether each class has rows enough to be learnt and scored."""

    code: str = "AML016"
    title: str = "Rare classes"

    def run(self, evidence: Evidence) -> Finding:
        """Return what it came to."""
        table = evidence.table
        if not table.is_classification:
            return Finding(self.code, self.title, "skipped", "There are no classes.")
        counts = np.bincount(table.y.astype(np.int64), minlength=table.n_classes)
        rare = int((counts < RARE_ROWS).sum())
        if not rare:
            return Finding(
                self.code, self.title, "pass",
                f"The rarest of {table.n_classes} classes has {counts.min():,} rows.",
            )  # fmt: skip
        return Finding(
            self.code, self.title, "warn",
            f"{rare} of {table.n_classes} classes {'has' if rare == 1 else 'have'} "
            f"fewer than {RARE_ROWS} rows, the rarest {counts.min()}.",
            "Collect more of them, or join them with a class that is alike.",
        )  # fmt: skip


@dataclass(frozen=True)
class UselessColumns:
    """Whether columns say nothing: constant, copies of others, without importance."""

    code: str = "AML018"
    title: str = "Columns of no use"

    def run(self, evidence: Evidence) -> Finding:
        """Return what it came to."""
        columns = evidence.table.columns
        empty = [str(c.name) for c in columns if c.kind in {"constant", "copy"}]
        drops = dict((evidence.explained or {}).get("drops", {}))
        names = {c.id: str(c.name) for c in columns}
        idle = [
            names[key]
            for key, found in drops.items()
            if np.mean(found) <= np.std(found)
        ]
        many = len(drops) > 1 and len(idle) >= USELESS_SHARE * len(drops)
        parts = []
        if empty:
            parts.append(f"constant or copies: {len(empty)} of {len(columns)} columns")
        if many:
            parts.append(
                "of no importance for the best single configuration: "
                f"{len(idle)} of {len(drops)}"
            )
        if not parts:
            return Finding(
                self.code, self.title, "pass",
                f"None of {len(columns)} columns is constant or a copy of another.",
            )  # fmt: skip
        told = empty + (idle if many else [])
        return Finding(
            self.code, self.title, "note", f"{'; '.join(parts).capitalize()}.",
            "A model of fewer columns is easier to feed." if many else "", tuple(told),
        )  # fmt: skip


@dataclass(frozen=True)
class HighMissing:
    """Whether columns are mostly missing."""

    code: str = "AML019"
    title: str = "Missing values"

    def run(self, evidence: Evidence) -> Finding:
        """Return what it came to."""
        table = evidence.table
        shares = {str(c.name): c.n_missing / table.n_rows for c in table.used}
        cells = float(np.mean(list(shares.values()) or [0.0]))
        most = sorted((n for n in shares if shares[n] >= MANY_MISSING),
                      key=lambda n: -shares[n])  # fmt: skip
        if not most:
            return Finding(
                self.code, self.title, "pass",
                f"{cells:.1%} of the cells are missing, and no column is mostly so.",
            )  # fmt: skip
        return Finding(
            self.code, self.title,
            "warn" if shares[most[0]] >= NEARLY_ALL_MISSING else "note",
            f"{listed(most)} {'is' if len(most) == 1 else 'are'} missing in up to "
            f"{shares[most[0]]:.0%} of the rows; of all cells, {cells:.1%} are.",
            "Find out why; such columns may change when data are collected otherwise.",
            tuple(most),
        )  # fmt: skip
