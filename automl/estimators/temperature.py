"""Probabilities that are made surer, or less sure, by one number."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["tempered"]

LEAST = 2.220446049250313e-16
"""What a probability of nothing counts as, in scikit-learn's log loss too: the step
from 1 to the next number in float64."""


def tempered(p: Any, temperature: float) -> np.ndarray:
    """Return probabilities with their logarithms divided by a temperature.

    Below 1 they become surer, above it less sure; the most probable class stays the
    same (Guo et al., On calibration of modern neural networks, ICML 2017).

    Parameters
    ----------
    p : array of shape (n_rows, n_classes)
        Probabilities; each row sums to one.
    temperature : float
        Above 0; 1 changes nothing.

    Examples
    --------
    >>> tempered(np.array([[0.2, 0.8]]), 0.5).round(3)
    array([[0.059, 0.941]])
    """
    if temperature == 1.0:
        return np.asarray(p)
    logs = np.log(np.maximum(np.asarray(p, dtype=np.float64), LEAST)) / temperature
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
