"""Dates to the numbers that learners can use."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

__all__ = ["DateParts"]

DAY_S = 86_400.0
"""Seconds of a day."""

BLOCK_ROWS = 16_384
"""Rows worked on at a time: beside the parts, ten arrays of 8 bytes a row are made."""

PARTS = ("days", "year", "month", "day", "weekday", "yearday", "hour")
"""What a moment becomes; days are counted from 1970."""


class DateParts(TransformerMixin, BaseEstimator):
    """Turn seconds since 1970 into days, year, month, day, weekday, yearday, hour.

    Nothing is estimated from the rows. A missing moment has missing parts.

    Parameters
    ----------
    zones : tuple of (str or None) of length n_columns, default=None
        Whose clock and calendar each column goes by; None for UTC.

    Examples
    --------
    >>> parts = DateParts().fit_transform(np.array([[86400.0 * 31 + 3600 * 6]]))
    >>> dict(zip(PARTS, parts[0].tolist()))["month"], parts.shape
    (2.0, (1, 7))
    """

    def __init__(self, zones: tuple[str | None, ...] | None = None) -> None:
        self.zones = zones

    def fit(self, X: Any, y: Any = None) -> DateParts:  # noqa: ARG002 - the contract
        """Remember how many columns there are."""
        self.n_features_in_ = np.shape(X)[1]
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Return the parts of each column, side by side.

        Parameters
        ----------
        X : array or DataFrame of shape (n_rows, n_columns)
            Seconds since 1970, NaN where missing.

        Returns
        -------
        array of shape (n_rows, 7 * n_columns)
        """
        check_is_fitted(self)
        seconds = np.asarray(X, dtype=np.float64)
        n_columns = seconds.shape[1]
        parts = np.empty((len(seconds), len(PARTS) * n_columns))
        zones = self.zones or (None,) * n_columns
        for i, (column, zone) in enumerate(zip(seconds.T, zones, strict=True)):
            mine = parts[:, i * len(PARTS) : (i + 1) * len(PARTS)]
            for begin in range(0, len(column), BLOCK_ROWS):
                block = slice(begin, begin + BLOCK_ROWS)
                _write_parts(column[block], mine[block], zone)
        return parts

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return ``<column>_<part>`` for each part of each column."""
        if input_features is None:
            input_features = [f"x{i}" for i in range(self.n_features_in_)]
        names = [f"{name}_{part}" for name in input_features for part in PARTS]
        return np.array(names, dtype=object)


def _write_parts(seconds: np.ndarray, parts: np.ndarray, zone: str | None) -> None:
    """Fill a column for each part."""
    missing = ~np.isfinite(seconds)
    micro = np.rint(np.where(missing, 0.0, seconds) * 1e6).astype(np.int64)
    moment = micro.astype("datetime64[us]")
    if zone is not None:
        there = pd.DatetimeIndex(moment).tz_localize("UTC").tz_convert(zone)
        moment = there.tz_localize(None).to_numpy(dtype="datetime64[us]")
        micro = moment.astype(np.int64)
    day = moment.astype("datetime64[D]")
    month = moment.astype("datetime64[M]")
    year = moment.astype("datetime64[Y]")
    whole_days = day.astype(np.int64)
    parts[:, 0] = seconds / DAY_S
    parts[:, 1] = year.astype(np.int64) + 1970
    parts[:, 2] = month.astype(np.int64) % 12 + 1
    parts[:, 3] = (day - month.astype("datetime64[D]")).astype(np.int64) + 1
    parts[:, 4] = (whole_days + 3) % 7  # 1970 began on a Thursday; Monday is 0
    parts[:, 5] = (day - year.astype("datetime64[D]")).astype(np.int64) + 1
    parts[:, 6] = (micro - whole_days * 86_400_000_000) / 3.6e9
    parts[missing] = np.nan
