"""The corrected resampled t-test: the mean of folds that share training rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["LEVEL", "FoldMean", "mean_of_folds"]

LEVEL = 0.95
"""Of intervals."""


@dataclass(frozen=True)
class FoldMean:
    """A mean over folds, with what is known of its error.

    Attributes
    ----------
    mean : float
        Of the folds.
    margin : float
        Half the interval at `LEVEL`.
    p : float
        Two-sided, of a mean of zero.
    """

    mean: float
    margin: float
    p: float


def mean_of_folds(
    values: Sequence[float] | np.ndarray, sizes: Sequence[Sequence[int]]
) -> FoldMean | None:
    """Return the mean of one value a fold, with its interval and p-value.

    The variance of such a mean is larger than that of independent values by the share
    of rows that training parts have in common: Nadeau and Bengio, Inference for the
    generalization error, Machine Learning 52, 2003.

    Parameters
    ----------
    values : array-like of shape (n_folds,)
        Scores, or differences of scores.
    sizes : list of (int, int)
        Rows that folds train on and score: forward splits train on more and more.

    Returns
    -------
    FoldMean or None
        None with fewer than two folds, which say nothing of noise.

    Examples
    --------
    >>> found = mean_of_folds([0.01, 0.02, 0.03, 0.02], [(75, 25)] * 4)
    >>> round(found.mean, 3), round(found.margin, 3), round(found.p, 3)
    (0.02, 0.02, 0.049)
    >>> mean_of_folds([0.1], [(80, 20)]) is None
    True
    """
    k = len(values)
    if k < 2:
        return None
    from scipy.special import stdtr, stdtrit

    mean = float(np.mean(values))
    share = np.mean([n_test / max(n_train, 1) for n_train, n_test in sizes])
    inflation = 1 / k + float(share)
    error = float(np.std(values, ddof=1)) * math.sqrt(inflation)
    p = 2 * float(stdtr(k - 1, -abs(mean) / error)) if error > 0 else float(mean == 0)
    return FoldMean(mean, float(stdtrit(k - 1, (1 + LEVEL) / 2)) * error, p)
