"""Where the winner is worst: levels and quantiles of columns, with intervals.

The score of a slice is compared with that of all other rows. Standard errors are of the
jackknife over random twentieths of the rows (Quenouille 1956; Tukey 1958), which needs
nothing of a metric but its value. Rows that belong together are left out together: the
rows of a group are wrong together, too. P-values are Holm's (1979) over all slices that
were scored, so that no luck of the many is told as a weakness.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.checks.finding import Finding, OutOfTimeError, listed
from automl.facts.compact import plain_number
from automl.facts.verdict import figure, label_of_metric
from automl.fast_scores import fast_score, is_fast
from automl.scored_rows import drawn_together

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from automl.checks.evidence import Evidence
    from automl.kinds import Column
    from automl.metrics import Metric

__all__ = ["Slice", "WeakSlices", "WorstSlices", "find_weak_slices"]

LEVEL = 0.95
"""Of intervals; one minus it is the share of runs in which Holm lets pass a slice that
is none."""

BLOCKS = 20
"""Parts of the rows that the jackknife leaves out in turn."""

LEAST_ROWS = 40
"""Fewer rows of a slice, two to a block, have no error to speak of."""

LEAST_UNITS = 10
"""Fewer groups in a slice, or stretches of time, have no error to speak of."""

MOST_ROWS = 20_000
"""Rows that slices are made of: a score of so many takes some milliseconds."""

MOST_COLUMNS = 20
"""Columns that are cut, the most important first."""

MOST_ASKED_COLUMNS = 3
"""The same where a score takes milliseconds (areas of many classes, the user's own): a
column is up to 170 scores, and a run without a limit would wait half a minute."""

MOST_LEVELS = 6
"""Levels of a category, the most frequent."""

QUANTILES = 4
"""Parts of a number."""

SHOWN = 10
"""Slices in the report, the worst."""


@dataclass(frozen=True)
class Slice:
    """The winner's score on a part of the rows.

    Attributes
    ----------
    column, name : str
        Which column, and which part of it.
    is_level : bool
        Whether that part is a level of a category.
    n : int
        Rows.
    score, error : float
        Greater is better; standard error.
    difference : float
        To the score of all other rows; below 0 is worse.
    p : float
        Of that difference, two-sided; by `find_weak_slices` corrected after Holm.
    """

    column: str
    name: str
    is_level: bool
    n: int
    score: float
    error: float
    difference: float
    p: float

    @property
    def told(self) -> str:
        """Its name as it stands in a sentence, after the column."""
        return f"being {listed([self.name])}" if self.is_level else self.name

    @property
    def is_weak(self) -> bool:
        """Whether it is worse than the other rows by more than noise."""
        return self.difference < 0 and self.p < 1 - LEVEL


@dataclass(frozen=True)
class WeakSlices:
    """The worst slices.

    Attributes
    ----------
    slices : tuple of Slice
        Worst first: those that are worse by more than noise, then by difference.
    overall : float
        The score of all rows, greater is better.
    n_tried, n_columns : int
        Slices that were scored, of how many columns.
    n_rows : int
        Rows that they are of.
    """

    slices: tuple[Slice, ...]
    overall: float
    n_tried: int
    n_columns: int
    n_rows: int

    def as_json(self, metric: Metric) -> dict[str, Any]:
        """Return it as JSON values, scores as people know them."""
        return {
            "rows": [_as_json(s, metric) for s in self.slices[:SHOWN]],
            "overall": metric.natural(self.overall),
            "note": (
                f"{self.n_tried} slices of {self.n_columns} columns were scored on "
                f"{self.n_rows:,} held-out rows. Intervals are of each slice by "
                "itself; a slice counts as worse only if it is so after Holm's "
                "correction for all that were tried."
            ),
        }


def _as_json(part: Slice, metric: Metric) -> dict[str, Any]:
    reach, natural = 1.96 * part.error, metric.natural
    low, high = part.score - reach, part.score + reach
    ends = sorted(natural(end) for end in np.clip((low, high), *metric.bounds).tolist())
    return {
        "column": part.column,
        "slice": part.name,
        "n": part.n,
        "natural": natural(part.score),
        "low": ends[0],
        "high": ends[1],
        "difference": natural(part.difference),
        "significant": part.is_weak,
    }


def find_weak_slices(
    evidence: Evidence, out_of_time: Callable[[], bool]
) -> WeakSlices | None:
    """Return the worst slices of the winner's held-out predictions.

    Parameters
    ----------
    evidence : Evidence
        With predictions; None is returned where there are too few.
    out_of_time : callable
        Ends it with the columns that were cut so far.

    Raises
    ------
    OutOfTimeError
        If there was time for none.
    """
    if evidence.predictions is None:
        return None
    scorer = _Scorer.of(evidence)
    if len(scorer.rows) < 2 * LEAST_ROWS or scorer.n_units() < 2 * LEAST_UNITS:
        return None
    overall, error = scorer.score(np.ones(len(scorer.rows), dtype=bool))
    if not math.isfinite(overall) or not math.isfinite(error):
        return None
    found: list[Slice] = []
    columns = _by_importance(evidence)[: _most_columns(evidence.metric)]
    n_columns = 0
    for column in columns:
        if out_of_time():
            break
        n_columns += 1
        for name, is_level, part in _parts(evidence, column, scorer.rows):
            made = _compared(scorer, (str(column.name), name, is_level), part)
            if made is not None:
                found.append(made)
    if not found and n_columns < len(columns):
        raise OutOfTimeError
    if not found:
        return None
    order = sorted(_corrected(found), key=lambda s: (not s.is_weak, s.difference))
    n_rows = len(scorer.rows)
    return WeakSlices(tuple(order), overall, len(found), n_columns, n_rows)


@dataclass(frozen=True)
class _Scorer:
    """Scores and their standard errors, on rows that were predicted.

    Units are numbered in an order by chance.
    """

    rows: np.ndarray
    y: np.ndarray
    guess: np.ndarray
    weights: np.ndarray | None
    unit: np.ndarray
    function: Callable[[np.ndarray, np.ndarray, np.ndarray | None], float]

    @classmethod
    def of(cls, evidence: Evidence) -> _Scorer:
        table, guess = evidence.table, np.asarray(evidence.predictions)
        rows = np.flatnonzero(~np.isnan(guess.reshape(len(guess), -1)[:, 0]))
        rng = np.random.default_rng(evidence.random_state)
        unit = drawn_together(table, rows)
        if len(rows) > MOST_ROWS:
            part = np.sort(rng.choice(len(rows), MOST_ROWS, replace=False))
            rows, unit = rows[part], unit[part]
        weights = table.sample_weight
        chosen = guess[rows].astype(np.float64)
        if table.is_classification:
            chosen /= np.maximum(chosen.sum(axis=1, keepdims=True), 1e-12)
        return cls(
            rows, table.y[rows], chosen, None if weights is None else weights[rows],
            rng.permutation(int(unit.max(initial=-1)) + 1)[unit],
            fast_score(evidence.metric),
        )  # fmt: skip

    def n_units(self, part: np.ndarray | slice = slice(None)) -> int:
        """Return of how many units a part has rows."""
        return len(np.unique(self.unit[part]))

    def score(self, part: np.ndarray) -> tuple[float, float]:
        """Return the score of a part and its jackknife standard error."""
        rows = np.flatnonzero(part)
        whole = self._value(rows)
        if not math.isfinite(whole):
            return math.nan, math.nan
        units, place = np.unique(self.unit[rows], return_inverse=True)
        n, block = min(BLOCKS, len(units)), place % BLOCKS
        without = [self._value(rows[block != b]) for b in range(n)]
        if not np.isfinite(without).all():
            return whole, math.nan
        return whole, float(np.sqrt((n - 1) ** 2 / n * np.var(without, ddof=1)))

    def _value(self, rows: np.ndarray) -> float:
        weights = None if self.weights is None else self.weights[rows]
        try:
            return self.function(self.y[rows], self.guess[rows], weights)
        except ValueError:  # a metric that is undefined for these rows
            return math.nan


def _most_columns(metric: Metric) -> int:
    """Return how many columns are cut, by how long a score takes.

    Examples
    --------
    >>> from automl.metrics import resolve_metric
    >>> [_most_columns(resolve_metric(n, "multiclass")) for n in ("f1", "roc_auc_ovr")]
    [20, 3]
    """
    quick = is_fast(metric) and metric.name != "roc_auc_ovr"  # an area for each class
    return MOST_COLUMNS if quick else MOST_ASKED_COLUMNS


def _by_importance(evidence: Evidence) -> list[Column]:
    drops = dict((evidence.explained or {}).get("drops", {}))
    return sorted(evidence.plain, key=lambda c: -float(np.mean(drops.get(c.id, 0.0))))


def _parts(
    evidence: Evidence, column: Column, rows: np.ndarray
) -> Iterator[tuple[str, bool, np.ndarray]]:
    """Yield the parts that a column cuts rows into: name, whether a level, rows."""
    values = evidence.values(column, rows)
    gone = np.isnan(values)
    if gone.any():
        yield "missing", False, gone
    if column.kind == "category":
        codes, counts = np.unique(values[~gone], return_counts=True)
        levels = column.plan.levels
        for code in codes[np.argsort(-counts, kind="stable")][:MOST_LEVELS]:
            yield levels[int(code)], True, values == code
        return
    there = values[~gone]
    if not len(there):
        return
    distinct = np.unique(there)
    if column.kind != "date" and len(distinct) <= MOST_LEVELS:
        for value in distinct:
            yield f"= {_shown(column, value)}", False, values == value
        return
    quantiles = np.quantile(there, np.linspace(0, 1, QUANTILES + 1))
    edges, low = np.unique(quantiles), quantiles[0]
    alone = column.kind != "date" and quantiles[1] == low  # such as many zeros
    if alone:
        yield f"= {_shown(column, low)}", False, values == low
    for i, high in enumerate(edges[1:]):
        first = i == 0 and not alone
        above = values >= low if first else values > low
        name = _between(column, low, high, first=first)
        yield name, False, above & (values <= high)
        low = high


def _shown(column: Column, value: float) -> str:
    if column.kind == "boolean":
        return str(bool(value)).lower()
    return plain_number(float(value))


def _between(column: Column, low: float, high: float, *, first: bool) -> str:
    if column.kind == "date":
        days = [str(np.datetime64(int(v), "s"))[:10] for v in (low, high)]
        return f"{days[0]} to {days[1]}"
    sign = "≥" if first else ">"
    return f"{sign} {plain_number(low)} and ≤ {plain_number(high)}"


def _compared(
    scorer: _Scorer, names: tuple[str, str, bool], part: np.ndarray
) -> Slice | None:
    n = int(part.sum())
    n_units = min(scorer.n_units(part), scorer.n_units(~part))
    if min(n, len(part) - n) < LEAST_ROWS or n_units < LEAST_UNITS:
        return None
    score, error = scorer.score(part)
    others, error_others = scorer.score(~part)
    spread = math.hypot(error, error_others)
    difference = score - others
    if not math.isfinite(spread + difference):
        return None
    if spread == 0:  # as good in every row, or nothing to go by
        return Slice(*names, n, score, error, difference, 1.0)
    from scipy.special import stdtr

    p = 2 * float(stdtr(min(BLOCKS, n_units) - 1, -abs(difference) / spread))
    return Slice(*names, n, score, error, difference, p)


def _corrected(found: list[Slice]) -> list[Slice]:
    """Return slices with p-values after Holm."""
    order = sorted(found, key=lambda s: s.p)
    least, made = 0.0, []
    for i, part in enumerate(order):
        least = max(least, min(1.0, (len(order) - i) * part.p))
        made.append(replace(part, p=least))
    return made


@dataclass(frozen=True)
class WorstSlices:
    """Whether there are parts of the rows on which the winner is worse."""

    code: str = "AML017"
    title: str = "Weak slices"

    def run(self, evidence: Evidence) -> Finding:
        """Return what it came to."""
        found = evidence.slices
        if found is None:
            return Finding(
                self.code, self.title, "skipped",
                "There were too few held-out rows or groups to score slices.",
            )  # fmt: skip
        weak = [s for s in found.slices if s.is_weak]
        if not weak:
            return Finding(
                self.code, self.title, "pass",
                f"None of {found.n_tried} slices is worse than the other rows by more "
                "than noise.",
            )  # fmt: skip
        worst, natural = weak[0], evidence.metric.natural
        names = tuple(dict.fromkeys(s.column for s in weak))
        label = label_of_metric(evidence.metric.name)
        are = "is" if len(weak) == 1 else "are"
        return Finding(
            self.code, self.title, "note",
            f"{len(weak)} of {found.n_tried} slices {are} worse than the other rows; "
            f"the worst, {listed([worst.column])} {worst.told} ({worst.n:,} rows), "
            f"scores {figure(natural(worst.score))} against "
            f"{figure(natural(found.overall))} overall ({label}).",
            "Look at these rows before the model decides about them.", names,
        )  # fmt: skip
