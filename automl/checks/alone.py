"""How well one column alone tells the target, and how well the others do without it.

Errors are shares of what the best constant leaves, so that 0 is perfect and 1 is no
better than a constant, whatever the task. Each is of predictions for rows that were not
learnt from.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

__all__ = [
    "Errors",
    "Question",
    "errors",
    "guess_by_bins",
    "guess_by_forest",
    "guess_by_tree",
    "spread_of",
]

N_FOLDS = 3
"""Parts of the rows, of which each is predicted from the others."""

BINS = 64
"""Quantiles that a number is cut into, fewer in small tables."""

ROWS_PER_BIN = 6
"""Rows that a bin has at least, on average."""

LEAF_ROWS = 3
"""Rows of a tree's leaf: one or two are learnt by heart."""

TREES = 50
"""Trees of a forest: more move its error by less than its own noise."""

FOREST_ROWS = 2000
"""Rows that a forest sees: .2 s a fold on one core with 20 columns."""


@dataclass(frozen=True)
class Question:
    """A target, and which rows are predicted from which.

    Attributes
    ----------
    y : array of shape (n_rows,)
        Class codes or numbers.
    n_classes : int
        0 for regression.
    part : array of shape (n_rows,)
        The fold that predicts each row from the others.
    """

    y: np.ndarray
    n_classes: int
    part: np.ndarray

    @classmethod
    def of(
        cls,
        y: np.ndarray,
        n_classes: int,
        random_state: int,
        unit: np.ndarray | None = None,
    ) -> Question:
        """Return the question with rows in parts by chance, classes spread evenly.

        Parameters
        ----------
        y : array of shape (n_rows,)
            Class codes or numbers.
        n_classes : int
            0 for regression.
        random_state : int
            Of the chance.
        unit : array of shape (n_rows,), default=None
            Rows of one unit are in one part.

        Examples
        --------
        >>> Question.of(np.arange(4.0), 0, 0, np.array([7, 7, 2, 2])).part.tolist()
        [1, 1, 0, 0]
        """
        rng = np.random.default_rng(random_state)
        unit = np.arange(len(y)) if unit is None else unit
        _, first, code = np.unique(unit, return_index=True, return_inverse=True)
        order = rng.permutation(len(first))
        if n_classes:  # of a unit, the class of its first row
            order = order[np.argsort(y[first][order], kind="stable")]
        part = np.empty(len(first), dtype=np.int64)
        part[order] = np.arange(len(first)) % N_FOLDS
        return cls(y, n_classes, part[code])

    def parts(self) -> Iterator[np.ndarray]:
        """Yield the rows of each part, as masks, that leave others to learn from."""
        for k in np.unique(self.part):
            held = self.part == k
            if not held.all():
                yield held

    @cached_property
    def target(self) -> np.ndarray:
        """The target as columns: a one for the class, or the number; (n_rows, k)."""
        if not self.n_classes:
            return np.asarray(self.y, dtype=np.float64)[:, None]
        return np.eye(self.n_classes)[self.y.astype(np.int64)]

    def constant(self) -> np.ndarray:
        """Return the mean target as a guess, of shape (n_rows, k)."""
        return np.tile(self.target.mean(axis=0), (len(self.y), 1))

    def at(self, rows: np.ndarray) -> Question:
        """Return the question about some of the rows."""
        return Question(self.y[rows], self.n_classes, self.part[rows])


@dataclass(frozen=True)
class Errors:
    """What a prediction leaves of the target, each as a share of what a constant does.

    Attributes
    ----------
    spread : float
        One minus the share of variance explained (of class indicators: the Brier
        score's).
    ranking : float
        One minus the Gini coefficient (2 AUC - 1, mean over classes), or minus
        Spearman's squared correlation.
    labels : float
        Rate of wrong classes; infinite for regression.
    """

    spread: float
    ranking: float
    labels: float

    def least(self, other: Errors) -> Errors:
        """Return the lesser of each."""
        return Errors(
            min(self.spread, other.spread),
            min(self.ranking, other.ranking),
            min(self.labels, other.labels),
        )


def errors(question: Question, guess: np.ndarray) -> Errors:
    """Return the errors of a guess of shape (n_rows, k).

    Examples
    --------
    >>> question = Question.of(np.arange(40) % 2, 2, 0)
    >>> errors(question, question.target)
    Errors(spread=0.0, ranking=0.0, labels=0.0)
    """
    target, spread = question.target, spread_of(question, guess)
    if not question.n_classes:
        return Errors(spread, _unranked(target[:, 0], guess[:, 0]), np.inf)
    counts = target.sum(axis=0)
    constant = 1 - counts.max() / counts.sum()
    wrong = float((guess.argmax(axis=1) != question.y).mean())
    labels = wrong / float(constant) if constant else 1.0
    known = np.flatnonzero((counts > 0) & (counts < len(target)))
    if question.n_classes == 2:
        known = known[-1:]
    areas = [_area(target[:, k] == 1, guess[:, k]) for k in known]
    ranking = 2 - 2 * float(np.mean(areas)) if areas else 1.0
    return Errors(spread, ranking, labels)


def spread_of(question: Question, guess: np.ndarray) -> float:
    """Return the share of the target's variance that a guess leaves."""
    target = question.target
    around = float(((target - target.mean(axis=0)) ** 2).sum())
    return float(((target - guess) ** 2).sum()) / around if around else 1.0


def _unranked(truth: np.ndarray, guess: np.ndarray) -> float:
    from scipy.stats import rankdata

    a, b = rankdata(truth), rankdata(guess)
    if not np.ptp(a) or not np.ptp(b):
        return 1.0
    return float(1 - np.corrcoef(a, b)[0, 1] ** 2)


def _area(positive: np.ndarray, value: np.ndarray) -> float:
    """Return the area under the ROC curve, ties counted half."""
    from scipy.stats import rankdata

    ranks = rankdata(value)
    n = int(positive.sum())
    above = ranks[positive].sum() - n * (n + 1) / 2
    return float(above / (n * (len(value) - n)))


def guess_by_bins(
    question: Question, values: np.ndarray, *, levels: bool
) -> np.ndarray:
    """Return the mean target of other rows with a like value, of shape (n_rows, k).

    Parameters
    ----------
    question : Question
        Of the same rows.
    values : array of shape (n_rows,)
        A column; NaN is a value of its own.
    levels : bool
        Whether values are levels and not quantities.
    """
    bins = _bins(values, levels=levels)
    target = question.target
    n_bins = int(bins.max()) + 1
    guess = question.constant()
    for held in question.parts():
        mean = target[~held].mean(axis=0)
        counts = np.bincount(bins[~held], minlength=n_bins)[:, None]
        sums = np.column_stack([
            np.bincount(bins[~held], weights=column, minlength=n_bins)
            for column in target[~held].T
        ])  # fmt: skip
        # half a row of the mean, for bins that are empty there
        guess[held] = ((sums + 0.5 * mean) / (counts + 0.5))[bins[held]]
    return guess


def _bins(values: np.ndarray, *, levels: bool) -> np.ndarray:
    gone = np.isnan(values)
    if levels:
        _, bins = np.unique(np.where(gone, -1.0, values), return_inverse=True)
        return bins.astype(np.int64)
    there = values[~gone]
    n_bins = min(BINS, max(2, len(there) // ROWS_PER_BIN))
    bins = np.zeros(len(values), dtype=np.int64)
    if len(there):
        cuts = np.arange(1, n_bins) * len(there) // n_bins
        edges = np.sort(there)[cuts]
        ties = edges[1:][edges[1:] == edges[:-1]]  # a common value has a bin of its own
        edges = np.unique(np.r_[edges, np.nextafter(ties, np.inf)])
        bins[~gone] = 1 + np.searchsorted(edges, there, side="right")
    return bins


def guess_by_tree(question: Question, values: np.ndarray) -> np.ndarray:
    """Return what a small tree on one column predicts, of shape (n_rows, k)."""
    from sklearn.tree import DecisionTreeRegressor

    there = np.isfinite(values)
    X = np.full((len(values), 1), np.nan, dtype=np.float32)
    # a tree knows order alone, and numbers like dates are all alike as float32
    X[there, 0] = np.unique(values[there], return_inverse=True)[1]
    target = question.target
    guess = question.constant()
    for held in question.parts():
        tree = DecisionTreeRegressor(min_samples_leaf=LEAF_ROWS, random_state=0)
        tree.fit(X[~held], target[~held])
        guess[held] = tree.predict(X[held]).reshape(-1, guess.shape[1])
    return guess


def guess_by_forest(
    question: Question,
    X: pd.DataFrame,
    random_state: int,
    go_on: Callable[[], None] = lambda: None,
) -> np.ndarray:
    """Return what a forest of columns predicts, of shape (n_rows, k).

    Parameters
    ----------
    question : Question
        Of the same rows.
    X : DataFrame of shape (n_rows, n_columns)
        Numbers; without a column, the mean of the other rows is predicted.
    random_state : int
        Of the forest.
    go_on : callable
        Called before each fit; what it raises ends it.
    """
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    target = question.target
    cells = np.clip(X.to_numpy(dtype=np.float64), -1e30, 1e30).astype(np.float32)
    guess = question.constant()
    for held in question.parts():
        guess[held] = target[~held].mean(axis=0)
        if not X.shape[1]:
            continue
        go_on()
        if question.n_classes:
            forest = RandomForestClassifier(TREES, n_jobs=1, random_state=random_state)
            forest.fit(cells[~held], question.y[~held])
            guess[held] = 0.0
            known = forest.classes_.astype(np.int64)
            guess[np.ix_(held, known)] = forest.predict_proba(cells[held])
        else:
            forest = RandomForestRegressor(
                TREES, n_jobs=1, random_state=random_state, max_features=1 / 3
            )
            forest.fit(cells[~held], question.y[~held])
            guess[held, 0] = forest.predict(cells[held])
    return guess
