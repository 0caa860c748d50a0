"""Probabilities that are made surer, or less sure, by one number."""

from __future__ import annotations

import numpy as np

__all__ = ["tempered"]


def tempered(p: np.ndarray, temperature: float) -> np.ndarray:
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
        return p
    # of the largest, so that no row is lost to powers too small for a number
    powers = (p / p.max(axis=1, keepdims=True)) ** (1.0 / temperature)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
