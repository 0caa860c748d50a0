"""What is known of rows beside features and target: groups, moments, weights.

Between target and table. Every complaint about them is raised here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from automl.encoding import factorize, read_dates, read_numbers
from automl.exceptions import AutoMLDataError
from automl.kinds import find_date_format
from automl.target import as_series, first_rows

__all__ = ["read_groups", "read_time", "read_weights", "rows_to_keep"]


def rows_to_keep(
    y: pd.Series, weights: np.ndarray | None, *, drop_missing_target: bool
) -> tuple[np.ndarray | None, list[str]]:
    """Return the positions of rows that count, None if all do, and what to say of it.

    Raises
    ------
    AutoMLDataError
        If no row has a target (``E-target-missing``).

    Examples
    --------
    >>> rows_to_keep(pd.Series([1.0, None, 2.0]), None, drop_missing_target=True)
    (array([0, 2]), ['1 of 3 rows has no target and is left out.'])
    """
    counts = np.ones(len(y), dtype=bool) if weights is None else weights > 0
    notes = []
    unweighted = int((~counts).sum())
    if unweighted:
        notes.append(f"{unweighted} rows of weight zero are left out.")
    if drop_missing_target:
        missing = y.isna().to_numpy() & counts
        n_missing = int(missing.sum())
        if n_missing:
            few = "has no target and is" if n_missing == 1 else "have no target and are"
            notes.append(f"{n_missing} of {len(y)} rows {few} left out.")
        counts &= ~missing
        if not counts.any():
            raise AutoMLDataError(
                f"Not one of {len(y)} rows has a target.",
                code="E-target-missing",
                rows=first_rows(missing),
                hint="Check the target's column.",
            )
    return (np.flatnonzero(counts) if notes else None), notes


def read_weights(given: Any, n_rows: int) -> np.ndarray | None:
    """Return weights as float64, one for each row; None if none are given.

    Raises
    ------
    AutoMLDataError
        If they do not suit the rows (``E-weight``).

    Examples
    --------
    >>> read_weights([1, 2], 2).tolist()
    [1.0, 2.0]
    """
    if given is None:
        return None
    try:
        weights = np.array(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise AutoMLDataError(
            "sample_weight must hold numbers.",
            code="E-weight",
            hint="Give each row a number of at least 0.",
        ) from None
    if weights.ndim == 0:
        weights = np.full(n_rows, float(weights))
    if weights.ndim != 1:
        raise AutoMLDataError(
            f"Sample weights must be 1D array or scalar, got {weights.ndim}D.",
            code="E-weight",
        )
    if len(weights) != n_rows:
        raise AutoMLDataError(
            f"sample_weight has {len(weights)} values, X has {n_rows} rows.",
            code="E-weight",
        )
    if not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
        raise AutoMLDataError(
            "sample_weight must be finite, not negative, and not all zero.",
            code="E-weight",
            rows=first_rows(~np.isfinite(weights) | (weights < 0)),
            hint="Use 0 to leave a row out.",
        )
    return weights


def read_groups(
    given: Any, n_rows: int, keep: np.ndarray | None = None
) -> np.ndarray | None:
    """Return a code of the group for each row; None if none are given.

    Only rows that are kept, all by default, need one: others have -1 without it.

    Raises
    ------
    AutoMLDataError
        If they do not suit the rows (``E-groups``).

    Examples
    --------
    >>> read_groups(["a", "b", "a"], 3).tolist()
    [0, 1, 0]
    """
    if given is None:
        return None
    codes = factorize(as_series(given, what="groups"))[0].astype(np.int64)
    if len(codes) != n_rows:
        raise AutoMLDataError(
            f"groups has {len(codes)} values, X has {n_rows} rows.", code="E-groups"
        )
    missing = _among(codes < 0, keep)
    if missing.any():
        raise AutoMLDataError(
            f"groups has {int(missing.sum())} missing values; every row needs one.",
            code="E-groups",
            rows=first_rows(missing),
            hint="Fill them, or drop these rows.",
        )
    there = codes >= 0  # a category that no row has is no group
    codes[there] = np.unique(codes[there], return_inverse=True)[1]
    return codes


def read_time(
    given: Any, n_rows: int, keep: np.ndarray | None = None
) -> tuple[np.ndarray | None, bool]:
    """Return seconds, or numbers as given, for each row; and whether they are seconds.

    Numbers may count anything: only what was read from dates can be compared with
    dates. Without any, None is returned. Only rows that are kept, all by default, need
    one: others have NaN without it.

    Raises
    ------
    AutoMLDataError
        If they do not suit the rows (``E-time``).

    Examples
    --------
    >>> read_time(["1970-01-01", "1970-01-02"], 2)
    (array([    0., 86400.]), True)
    >>> read_time([2023, 2024], 2)
    (array([2023., 2024.]), False)
    """
    if given is None:
        return None, False
    moments, are_dates = _moments(as_series(given, what="time"))
    if len(moments) != n_rows:
        raise AutoMLDataError(
            f"time has {len(moments)} values, X has {n_rows} rows.", code="E-time"
        )
    missing = _among(np.isnan(moments), keep)
    if missing.any():
        raise AutoMLDataError(
            f"time has {int(missing.sum())} values that are missing or no dates; "
            "every row needs one.",
            code="E-time",
            rows=first_rows(missing),
            hint="Fill them, or drop these rows.",
        )
    return moments, are_dates


def _among(missing: np.ndarray, keep: np.ndarray | None) -> np.ndarray:
    """Return which rows are missing and kept."""
    if keep is None:
        return missing
    kept = np.zeros_like(missing)
    kept[keep] = missing[keep]
    return kept


def _moments(values: pd.Series) -> tuple[np.ndarray, bool]:
    """Return numbers as they are, or dates as seconds and True; NaN where neither."""
    if getattr(values.dtype, "kind", "") != "M" and not isinstance(
        values.dtype, pd.PeriodDtype
    ):
        numbers = read_numbers(values)
        if not np.isnan(numbers).all():
            return np.array(numbers, copy=True), False
        _, cells = factorize(values)
        return read_dates(values.astype(object), find_date_format(cells)), True
    return read_dates(values, None), True
