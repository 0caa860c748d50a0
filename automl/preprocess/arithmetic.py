"""Sums, differences, products and ratios of pairs of columns, those of most gain.

A tree cuts one column at a time, so that a ratio or a difference costs it many leaves.
"""

from __future__ import annotations

from itertools import chain, combinations, permutations
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["PairArithmetic", "ranked_shape"]

PAIRED = 12
"""Columns that are paired, at most, unless the caller says so."""

RANKED_ROWS = 20_000
"""Rows that say which pairs are kept; fewer of wide tables."""

RANKED_CELLS = 7_000_000
"""Cells of those rows with all that is made of them, at most: 28 MB."""

ROUNDS = 40
"""Trees that rank columns, and as many that rank them and their pairs."""

LEAF_ROWS = 20
"""Rows of a leaf of those trees, at least."""

BINNED_ROWS = 3000
"""Rows that their bins are drawn from: of all 20,000 they cost 60 MB more and half as
much time again."""


class Pair(NamedTuple):
    """A new column: what is done to which two."""

    how: str
    first: int
    second: int


class PairArithmetic(TransformerMixin, BaseEstimator):
    """Add, subtract, multiply and divide pairs of columns, and keep the best results.

    The columns that small trees gain most by are paired. Of the results those are kept
    that further trees gain most by where they have the columns, too. The kinds of
    results are those of TabPrep (arXiv 2506.16791). Learns from the target, so it is
    fitted inside folds.

    Parameters
    ----------
    n_columns : int, default=12
        Columns that are paired, at most.
    n_kept : int, default=24
        Results that are kept, at most; those of no gain are not, but for one.
    classification : bool, default=False
        Whether the target names classes. Of several, the commonest against all others
        is what trees explain.
    random_state : int, default=0
        Of the rows that are ranked, and of the trees.

    Attributes
    ----------
    pairs_ : list of Pair
        What is kept, the best first.
    n_features_in_ : int
        Columns seen at fit.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(2000, 3))
    >>> step = PairArithmetic(n_kept=1).fit(X, X[:, 0] * X[:, 2])
    >>> step.pairs_
    [Pair(how='times', first=0, second=2)]
    >>> step.get_feature_names_out(["a", "b", "c"]).tolist()
    ['a_times_c']
    """

    def __init__(
        self,
        n_columns: int = PAIRED,
        n_kept: int = 24,
        *,
        classification: bool = False,
        random_state: int = 0,
    ) -> None:
        self.n_columns = n_columns
        self.n_kept = n_kept
        self.classification = classification
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> PairArithmetic:
        """Choose pairs.

        Parameters
        ----------
        X : array or DataFrame of shape (n_rows, n_columns)
            Numbers, NaN where missing; two columns at least.
        y : array of shape (n_rows,)
            Numbers, or what tells classes apart.

        Raises
        ------
        ValueError
            If there is one column only.
        """
        if np.shape(X)[1] < 2:
            raise ValueError(
                f"X has {np.shape(X)[1]} column(s); at least 2 were expected to make "
                "pairs of."
            )
        n_rows, n_columns = np.shape(X)
        self.n_features_in_ = n_columns
        n_ranked, _ = ranked_shape(n_rows, n_columns, self.n_columns)
        rng = np.random.default_rng(self.random_state)
        rows = np.sort(rng.choice(n_rows, n_ranked, replace=False))
        some = [_column(X, i)[rows] for i in range(n_columns)]
        target = self._target(np.asarray(y)[rows])
        best = _best(self._gains(_narrow(some), target), self.n_columns, least=2)
        pairs = _pairs(sorted(best))
        results = (_result(some[p.first], some[p.second], p.how) for p in pairs)
        gains = self._gains(_narrow(chain(some, results)), target)[n_columns:]
        self.pairs_ = [pairs[i] for i in _best(gains, self.n_kept, least=1)]
        return self

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Return the results that are kept.

        Parameters
        ----------
        X : array or DataFrame of shape (n_rows, n_columns)
            Numbers, NaN where missing.

        Returns
        -------
        array of shape (n_rows, n_pairs)
            NaN where one of the two is missing, or the second of a ratio is zero.

        Raises
        ------
        ValueError
            If there are not as many columns as at fit.
        """
        check_is_fitted(self)
        if np.shape(X)[1] != self.n_features_in_:
            raise ValueError(
                f"X has {np.shape(X)[1]} features, but PairArithmetic is expecting "
                f"{self.n_features_in_} features as input."
            )
        used = {i for pair in self.pairs_ for i in (pair.first, pair.second)}
        columns = {i: _column(X, i) for i in used}  # once each: one row is .3 ms of 3
        return _narrow(
            _result(columns[first], columns[second], how)
            for how, first, second in self.pairs_
        )

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return ``<first>_<how>_<second>`` of each pair."""
        names = input_features
        if names is None:
            names = [f"x{i}" for i in range(self.n_features_in_)]
        return np.array(
            [f"{names[p.first]}_{p.how}_{names[p.second]}" for p in self.pairs_],
            dtype=object,
        )

    def _target(self, y: np.ndarray) -> np.ndarray:
        if not self.classification:  # float32 in LightGBM: neither huge nor far off
            y = y.astype(np.float64) - np.mean(y)
            return y / (np.max(np.abs(y)) or 1.0)
        classes, counts = np.unique(y, return_counts=True)
        return np.asarray(y == classes[np.argmax(counts)], dtype=np.float64)

    def _gains(self, X: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return what small trees, of half of the columns each, gain by each column."""
        if len(X) < 2 * LEAF_ROWS:  # nothing can be cut
            return np.zeros(X.shape[1])
        import lightgbm

        parameters = {
            "objective": "binary" if self.classification else "regression",
            "learning_rate": 0.1, "num_leaves": 16, "feature_fraction": 0.5,
            "min_data_in_leaf": LEAF_ROWS, "max_bin": 63, "seed": self.random_state,
            "bin_construct_sample_cnt": BINNED_ROWS, "num_threads": 1,
            "deterministic": True, "force_col_wise": True, "verbosity": -1,
        }  # fmt: skip
        trees = lightgbm.train(parameters, lightgbm.Dataset(X, target), ROUNDS)
        return np.asarray(trees.feature_importance("gain"))


def ranked_shape(
    n_rows: int, n_columns: int, n_paired: int = PAIRED
) -> tuple[int, int]:
    """Return how many rows and columns rank pairs: the columns and all results.

    Examples
    --------
    >>> ranked_shape(1_000_000, 3), ranked_shape(1_000_000, 2_000)
    ((20000, 18), (3004, 2330))
    """
    width = n_columns + len(_pairs(list(range(min(n_columns, n_paired)))))
    return min(n_rows, RANKED_ROWS, max(1, RANKED_CELLS // width)), width


def _best(gains: np.ndarray, most: int, least: int) -> list[int]:
    """Return the places of the largest gains; zeros only where else are too few."""
    order = np.argsort(-gains, kind="stable")[:most]
    return [int(i) for i in order[: max(least, np.count_nonzero(gains[order] > 0))]]


def _pairs(columns: list[int]) -> list[Pair]:
    """Return all that can be done to two of these columns."""
    found = [
        Pair(how, i, j)
        for i, j in combinations(columns, 2)
        for how in ("plus", "minus", "times")
    ]
    return found + [Pair("over", i, j) for i, j in permutations(columns, 2)]


def _column(X: Any, i: int) -> np.ndarray:
    column = X.iloc[:, i] if hasattr(X, "iloc") else X[:, i]
    return np.asarray(column, dtype=np.float64)


def _result(first: np.ndarray, second: np.ndarray, how: str) -> np.ndarray:
    with np.errstate(all="ignore"):  # what is no number afterwards is missing
        if how == "plus":
            result = first + second
        elif how == "minus":
            result = first - second
        elif how == "times":
            result = first * second
        else:
            result = first / second
    largest = np.finfo(np.float32).max
    return np.where(np.abs(result) <= largest, result, np.nan)


def _narrow(columns: Iterable[np.ndarray]) -> NDArray[np.float32]:
    """Return columns side by side as float32; what that cannot hold is infinite."""
    with np.errstate(over="ignore"):
        return np.column_stack([column.astype(np.float32) for column in columns])
