"""What checks look at: all that a run has when its winner is known."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.checks.alone import Question, errors, guess_by_bins, guess_by_tree
from automl.checks.finding import OutOfTimeError
from automl.scored_rows import drawn_together
from automl.trial import BASELINE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from automl.candidates import Candidate
    from automl.checks.alone import Errors
    from automl.checks.slices import WeakSlices
    from automl.folds import Folds
    from automl.kinds import Column
    from automl.metrics import Metric
    from automl.table import Table
    from automl.trial import Trial

__all__ = ["SAMPLE_ROWS", "Evidence"]

SAMPLE_ROWS = 4000
"""Rows on which columns are tried alone. The standard error of an area near .95 is
then about .004, and a column takes a few milliseconds."""


SAMPLE_CELLS = 1_000_000
"""The same in a wide table: all columns together then take a second."""

RARE_ROWS = 100
"""Rows of a class that are wanted among them, if it has so many."""

LEAST_SAMPLE = 1000
"""Rows however wide the table is."""


@dataclass(frozen=True)
class Evidence:
    """What checks look at.

    Attributes
    ----------
    table, folds, metric : Table, Folds, Metric
        Of the run.
    trials : tuple of Trial
        In the order of their start, the baseline first.
    winner : Trial or None
        What predicts, as it was scored.
    single : Trial or None
        The best single configuration.
    candidates : dict
        By name.
    predictions : array of shape (n_rows, n_classes) or (n_rows,), or None
        Of the winner, out of fold; NaN where a row was not scored.
    explained : dict or None
        What the importance's task gave: ``drops`` by column's id, ``train_score`` and
        ``test_score``.
    canary : dict or None
        What `automl.canary` gave.
    identifiers : dict
        Values, as numbers, of the columns that were left out as identifiers, by id.
    test : DataFrame or None
        The test rows that the user gave, encoded.
    shared : tuple of (float, float) or None
        Share of the test rows that are training rows, and what chance makes of it.
    slices : WeakSlices or None
        The winner's score on parts of the rows.
    sample_rows : int
        Rows on which columns are tried alone, at most.
    random_state : int
        For what draws.
    out_of_time : callable
        Whether the checks' time is over: those with fits ask it between two of them.
    """

    table: Table
    folds: Folds
    metric: Metric
    trials: tuple[Trial, ...] = ()
    winner: Trial | None = None
    single: Trial | None = None
    candidates: Mapping[str, Candidate] = field(default_factory=dict)
    predictions: np.ndarray | None = None
    explained: Mapping[str, Any] | None = None
    canary: Mapping[str, Any] | None = None
    identifiers: Mapping[str, np.ndarray] = field(default_factory=dict)
    test: pd.DataFrame | None = None
    shared: tuple[float, float] | None = None
    slices: WeakSlices | None = None
    sample_rows: int = SAMPLE_ROWS
    random_state: int = 0
    out_of_time: Callable[[], bool] = lambda: False

    def go_on(self) -> None:
        """Raise `OutOfTimeError` if the time is over."""
        if self.out_of_time():
            raise OutOfTimeError

    @cached_property
    def baseline(self) -> Trial | None:
        """The constant prediction."""
        return next((t for t in self.trials if t.candidate == BASELINE), None)

    @cached_property
    def sample(self) -> np.ndarray:
        """Positions of some rows, in order; all of them in a small table."""
        n_rows, width = self.table.X.shape
        most = max(LEAST_SAMPLE, min(self.sample_rows, SAMPLE_CELLS // max(width, 1)))
        if n_rows <= most:
            return np.arange(n_rows)
        rng = np.random.default_rng(self.random_state)
        chosen = rng.choice(n_rows, most, replace=False)
        if self.table.is_classification:
            chosen = np.union1d(chosen, self._rare(chosen, rng))
        return np.sort(chosen)

    def _rare(self, chosen: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return rows of classes of which hardly any were drawn: none shows nothing."""
        y, n_classes = self.table.y.astype(np.int64), self.table.n_classes
        each = min(RARE_ROWS, len(chosen) // (2 * n_classes))
        drawn = np.bincount(y[chosen], minlength=n_classes)
        rare = [np.flatnonzero(y == code) for code in np.flatnonzero(drawn < each)]
        found = [rng.permutation(rows)[:each] for rows in rare]
        return np.concatenate([np.empty(0, dtype=np.int64), *found])

    @cached_property
    def question(self) -> Question:
        """The target of the sample, and which of its rows are guessed from which.

        Rows that belong together are in one part, as they are in the folds.
        """
        table, rows = self.table, self.sample
        unit = drawn_together(table, np.arange(table.n_rows))[rows]
        return Question.of(table.y[rows], table.n_classes, self.random_state, unit)

    @cached_property
    def by_time(self) -> Errors | None:
        """What ``time=`` alone leaves of the target; None without it.

        Columns that follow time tell a smooth target as well as it does, and no better.
        """
        if self.table.time is None:
            return None
        question, moments = self.question, self.table.time[self.sample]
        by_bins = errors(question, guess_by_bins(question, moments, levels=False))
        return by_bins.least(errors(question, guess_by_tree(question, moments)))

    @cached_property
    def plain(self) -> tuple[Column, ...]:
        """The used columns that hold numbers when encoded: all but text."""
        return tuple(c for c in self.table.used if c.kind != "text")

    def values(self, column: Column, rows: np.ndarray | None = None) -> np.ndarray:
        """Return a column's encoded cells, of all rows or of some."""
        cells = self.table.X[column.id].to_numpy()
        return cells if rows is None else cells[rows]
