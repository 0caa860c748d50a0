"""Numbers and names of rows that know the answer: they should tell nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from automl.checks.alone import errors, guess_by_tree
from automl.checks.finding import Finding, listed
from automl.checks.leaks import FAR_BETTER, LEAST_ROWS
from automl.checks.moments import names_time

if TYPE_CHECKING:
    from automl.checks.evidence import Evidence
    from automl.kinds import Column

__all__ = ["IdentifierLeak"]

ORDER_ERROR = 0.4
"""Ranking error up to which the numbering of rows tells the target: an area of .8."""


@dataclass(frozen=True)
class IdentifierLeak:
    """Whether a number or name of the row tells the target: it should tell nothing."""

    code: str = "AML004"
    title: str = "Identifiers"

    def run(self, evidence: Evidence) -> Finding:
        """Return what it came to."""
        table = evidence.table
        left_out = {c.id: c for c in table.columns if c.kind == "identifier"}
        counting = [c for c in evidence.plain if _counts_rows(evidence, c)]
        suspects = [(c, evidence.identifiers[i]) for i, c in left_out.items()
                    if i in evidence.identifiers]  # fmt: skip
        suspects += [(c, evidence.values(c)) for c in counting]
        if not suspects or table.n_rows < LEAST_ROWS or np.ptp(table.y) == 0:
            names = tuple(str(c.name) for c in left_out.values())
            said = "No column names the rows."
            if names:
                said = f"What names the rows is left out: {listed(names)}."
            return Finding(self.code, self.title, "pass", said, "", names)
        found = []
        for column, values in suspects:
            evidence.go_on()
            guess = guess_by_tree(evidence.question, values[evidence.sample])
            found.append((errors(evidence.question, guess).ranking, column))
        found.sort(key=lambda pair: pair[0])
        telling = [(error, c) for error, c in found if error <= ORDER_ERROR]
        leaks = [(error, c) for error, c in telling if _beats_time(evidence, error)]
        if leaks:
            names = tuple(str(c.name) for _, c in leaks)
            used = [c for _, c in leaks if c.used]
            return Finding(
                self.code, self.title, "warn",
                f"What names the rows, {listed(names)}, yet tells the target "
                f"(its ranking has {leaks[0][0]:.0%} of the error of chance): rows "
                "were numbered in the order of the target, or by something that knows "
                "it.",
                "Drop it; a new row's number says nothing." if used else
                "It is left out; make sure that no other column follows its order.",
                names,
            )  # fmt: skip
        names = tuple(str(c.name) for c in counting)
        if names:
            return Finding(
                self.code, self.title, "note",
                f"Whole numbers without gaps, one for each row, as identifiers are: "
                f"{listed(names)}.",
                "Drop it if it only names the rows.", names,
            )  # fmt: skip
        names = tuple(str(c.name) for c in left_out.values())
        tells = "tells the target hardly better than time= does" if telling else (
            "does not tell the target"
        )  # fmt: skip
        return Finding(
            self.code, self.title, "pass",
            f"What names the rows is left out, and {tells}: {listed(names)}.",
            "", names,
        )  # fmt: skip


def _beats_time(evidence: Evidence, error: float) -> bool:
    """Return whether a ranking by numbers of rows is far better than one by time.

    Rows are often numbered as they happen, which is no fault.
    """
    by_time = evidence.by_time
    return by_time is None or FAR_BETTER * error <= by_time.ranking


def _counts_rows(evidence: Evidence, column: Column) -> bool:
    """Return whether a used column numbers the rows: different, whole and dense."""
    n_rows = evidence.table.n_rows
    if column.kind != "number" or column.n_distinct != n_rows or n_rows < LEAST_ROWS:
        return False
    if column.low is None or column.high is None:
        return False
    if column.high - column.low >= 2 * n_rows or names_time(column.name):
        return False
    values = evidence.values(column)
    if evidence.table.time is not None and np.array_equal(values, evidence.table.time):
        return False
    return bool((values == np.floor(values)).all())
