"""Targets that a metric cannot take, and predictions, moved to the least that it can.

There is no logarithm of a negative number, and a line or a boosted tree may predict one
near zero: a single such row would end its configuration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from automl.exceptions import AutoMLConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["check_possible", "least_of", "possible"]

NOT_NEGATIVE = ("rmsle", "neg_mean_squared_log_error")
"""Metrics of the logarithm of a number and one."""

POSITIVE = ("poisson_deviance", "gamma_deviance")
"""Metrics of the logarithm of a number."""

TAKEN: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    **dict.fromkeys(NOT_NEGATIVE, ("above -1", lambda y: y > -1.0)),
    "poisson_deviance": ("of zero and more", lambda y: y >= 0.0),
    "gamma_deviance": ("above zero", lambda y: y > 0.0),
    "mape": ("other than zero", lambda y: np.abs(y) > np.finfo(np.float64).eps),
}
"""Which targets a metric takes, in words and by rows. scikit-learn divides an error by
2e-16 where the target is zero: one such row would be all that counts."""

SHOWN_ROWS = 5
"""Positions in an error, at most."""

SMALL_SHARE = 0.01
"""Of the mean of targets of which some are zero. A row whose target is the mean has a
Poisson deviance of 7 means there; at 1e-9 of the mean it would be 39."""


def check_possible(
    name: str, y: np.ndarray, positions: np.ndarray | None = None
) -> None:
    """Refuse targets that a metric cannot take, before anything is fitted to them.

    Parameters
    ----------
    name : str
        Of the metric.
    y : array of shape (n_rows,)
        Targets.
    positions : array of shape (n_rows,), default=None
        Of these rows in the table as it was given; None if all are there.

    Raises
    ------
    AutoMLConfigError
        If there are some (``E-metric``); it says how many.

    Examples
    --------
    >>> check_possible("rmsle", np.array([-0.5, 3.0]))
    >>> check_possible("rmsle", np.array([-1.0, 3.0]))
    Traceback (most recent call last):
    ...
    automl.exceptions.AutoMLConfigError: metric='rmsle' takes targets above -1; those of
    1 of 2 rows are not. Take another metric, as rmse or mae, or correct these rows.
    """
    if name not in TAKEN:
        return
    words, takes = TAKEN[name]
    rows = np.flatnonzero(~takes(y))
    if len(rows):
        found = rows if positions is None else positions[rows]
        raise AutoMLConfigError(
            f"metric={name!r} takes targets {words}; those of {len(rows)} of {len(y)} "
            "rows are not.",
            code="E-metric",
            hint="Take another metric, as rmse or mae, or correct these rows.",
            rows=tuple(int(row) for row in found[:SHOWN_ROWS]),
        )


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
