"""Whether the test rows are of another kind than those that were learnt from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from automl.checks.alone import Question, errors, guess_by_bins, guess_by_forest
from automl.checks.finding import Finding, listed, without_test_set

if TYPE_CHECKING:
    import pandas as pd

    from automl.checks.evidence import Evidence
    from automl.kinds import Column

__all__ = ["Drift"]

ROWS = 1000
"""Rows of each side that a forest tells apart: .2 s a fold."""

LEAST_ROWS = 30
"""Fewer test rows say nothing."""

TOLD_APART = 0.65
"""Area from which rows are told apart; two halves of one table give .5, and less than
.57 with 500 rows each."""

QUITE_APART = 0.8
"""Area from which a test score says little about the training rows, and the other way
round."""

DEVIATIONS = 4.0
"""Standard errors that an area must be above .5."""

SHOWN = 5
"""Columns that are named."""


@dataclass(frozen=True)
class Drift:
    """Whether a forest can tell test rows from training rows, and by which columns.

    Adversarial validation: the area under the ROC curve of "is it a test row". Dates
    and ``time=`` are left out: those of later rows differ, whatever else they are.
    """

    code: str = "AML009"
    title: str = "Drift to the test rows"

    def run(self, evidence: Evidence) -> Finding:
        """Return what it came to."""
        test = evidence.test
        if test is None:
            return without_test_set(self)
        columns = tuple(c for c in evidence.plain if not _says_when(evidence, c))
        if len(test) < LEAST_ROWS or evidence.table.n_rows < LEAST_ROWS or not columns:
            return Finding(
                self.code, self.title, "skipped",
                f"Drift is told by {LEAST_ROWS} test rows, as many to train on, and a "
                f"column that is no date; there are {len(test):,} test rows and "
                f"{len(columns)} such columns.",
            )  # fmt: skip
        X, question = _both(evidence, test, columns)
        guess = guess_by_forest(question, X, evidence.random_state, evidence.go_on)
        left = errors(question, guess)
        area = 1 - left.ranking / 2
        a, b = int(question.y.sum()), int((question.y == 0).sum())
        chance = DEVIATIONS * np.sqrt((a + b + 1) / (12 * a * b))
        said = (
            f"{_without(evidence, columns)} forest tells test rows from training rows "
            f"with an area of {area:.2f}"
        )
        if area < max(TOLD_APART, 0.5 + chance):
            return Finding(self.code, self.title, "pass", f"{said} (0.50 is chance).")
        most = _most_drifting(evidence, question, X, columns)
        names = tuple(str(c.name) for c, _ in most)
        differ = "differs" if len(names) == 1 else "differ"
        told = f" {listed(names)} {differ} most" if names else ""
        return Finding(
            self.code, self.title, "warn" if area >= QUITE_APART else "note",
            f"{said} (0.50 is chance):{told or ' by several columns together'}.",
            "The test score is that of other rows; look at these columns first.",
            names,
        )  # fmt: skip


def _says_when(evidence: Evidence, column: Column) -> bool:
    """Return whether a column says when rows happened: a date, or that of ``time=``."""
    time = evidence.table.time
    if column.kind == "date" or time is None:
        return column.kind == "date"
    return bool(np.array_equal(evidence.values(column), time))


def _without(evidence: Evidence, columns: tuple[Column, ...]) -> str:
    """Return how a sentence about a forest of some columns begins."""
    names = [c.name for c in evidence.plain if c not in columns]
    if not names:
        return "A"
    say = "says" if len(names) == 1 else "say"
    return f"Without {listed(names)}, which {say} when, a"


def _both(
    evidence: Evidence, test: pd.DataFrame, columns: tuple[Column, ...]
) -> tuple[pd.DataFrame, Question]:
    """Return rows of both sides, with a one for those of the test set."""
    import pandas as pd

    rng = np.random.default_rng(evidence.random_state)
    ids, table = [c.id for c in columns], evidence.table
    here = rng.choice(table.n_rows, min(ROWS, table.n_rows), replace=False)
    there = rng.choice(len(test), min(ROWS, len(test)), replace=False)
    X = pd.concat(
        [table.X[ids].iloc[here], test[ids].iloc[there]], ignore_index=True
    )  # fmt: skip
    side = np.repeat([0, 1], [len(here), len(there)])
    return X, Question.of(side, 2, evidence.random_state)


def _most_drifting(
    evidence: Evidence,
    question: Question,
    X: pd.DataFrame,
    columns: tuple[Column, ...],
) -> list[tuple[Column, float]]:
    """Return the columns that alone tell the sides apart best, with their areas.

    Of those that there is time for.
    """
    areas = []
    for column in columns:
        if evidence.out_of_time():
            break
        guess = guess_by_bins(
            question, X[column.id].to_numpy(), levels=column.kind == "category"
        )
        areas.append((column, 1 - errors(question, guess).ranking / 2))
    areas.sort(key=lambda pair: -pair[1])
    return [(c, a) for c, a in areas[:SHOWN] if a >= TOLD_APART]
