"""Predictions that a metric cannot take, moved to the least that it can.

There is no logarithm of a negative number, and a line or a boosted tree may predict one
near zero: a single such row would end its configuration.
"""

from __future__ import annotations

import numpy as np

__all__ = ["least_of", "possible"]

NOT_NEGATIVE = ("rmsle", "neg_mean_squared_log_error")
"""Metrics of the logarithm of a number and one."""

POSITIVE = ("poisson_deviance", "gamma_deviance")
"""Metrics of the logarithm of a number."""

SMALL_SHARE = 0.01
"""Of the mean of targets of which some are zero. A row whose target is the mean has a
Poisson deviance of 7 means there; at 1e-9 of the mean it would be 39."""


def least_of(name: str, y: np.ndarray) -> float | None:
    """Return what an impossible prediction counts as; None if the metric takes any.

    Zero for logarithmic errors, or the least target where that is below; the least
    target for deviances, or a hundredth of the mean where some targets are zero.

    Parameters
    ----------
    name : str
        Of the metric.
    y : array of shape (n_rows,)
        Targets.

    Examples
    --------
    >>> y = np.array([0.0, 1.0, 5.0])
    >>> least_of("rmsle", y), least_of("poisson_deviance", y), least_of("rmse", y)
    (0.0, 0.02, None)
    """
    if name in NOT_NEGATIVE:
        return min(0.0, float(y.min()))
    if name not in POSITIVE:
        return None
    low = float(y.min())
    if low > 0:
        return low
    return max(SMALL_SHARE * float(y.mean()), float(np.finfo(np.float64).tiny))


def possible(prediction: np.ndarray, least: float | None) -> np.ndarray:
    """Return predictions, those that are impossible moved; others are left as they are.

    Parameters
    ----------
    prediction : array of shape (n_rows,)
        Numbers.
    least : float or None
        As `least_of` gives it.

    Examples
    --------
    >>> possible(np.array([-3.0, 0.001, 2.0]), 0.5).tolist()
    [0.5, 0.001, 2.0]
    """
    if least is None:
        return prediction
    return np.where(prediction <= min(least, 0.0), least, prediction)
