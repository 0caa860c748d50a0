"""Labels that are not always those of the likeliest class."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["factors_in", "favoured"]


def favoured(p: Any, factors: Any) -> np.ndarray:
    """Return probabilities times a factor for each class: the greatest is the label.

    Two classes with the factors t and 1 - t: the second is the label where its
    probability is above t.

    Parameters
    ----------
    p : array of shape (n_rows, n_classes)
        Probabilities.
    factors : array-like of shape (n_classes,) or None
        Above 0; None changes nothing.

    Returns
    -------
    array of shape (n_rows, n_classes)
        Each row sums to one, and tells labels only: probabilities they are no more.

    Examples
    --------
    >>> favoured(np.array([[0.7, 0.3]]), (0.2, 0.8)).argmax(axis=1)
    array([1])
    """
    if factors is None:
        return np.asarray(p)
    weighed = np.asarray(p, dtype=np.float64) * np.asarray(factors, dtype=np.float64)
    total = weighed.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(weighed, total, out=weighed, where=total > 0))


def factors_in(pipeline: Any) -> Any:
    """Return the factors that a fitted pipeline finds labels by; None without any."""
    return getattr(pipeline[-1], "label_factors", None)
