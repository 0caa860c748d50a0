"""Dates and time stamps to seconds since 1970, each cell by itself.

Below the table's encoder, and with it inside the model's pickle by value, so this
module imports no more of this library than the reading of cells.
"""

from __future__ import annotations

import re
import warnings
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from automl.encoding_cells import factorize, take_or_nan

__all__ = ["parse_dates", "read_dates", "zone_type"]

_OFFSET = re.compile(r"(:\d\d.*|\dT\d[\d.,]*)([Zz]|[+-]\d\d(:?\d\d)?)$|\b(UTC|GMT)\b")
"""Of a text that says how far its clock is from UTC."""

FIRST_S, LAST_S = -62_135_510_400, 253_402_214_399
"""The years 1 to 9999 but for a day at each end, in seconds: further out clocks of some
zones show years that there are none of."""


def parse_dates(
    values: pd.Series, date_format: str | None, *, dayfirst: bool = False
) -> np.ndarray:
    """Return seconds since 1970 (UTC) as float64, NaN where there is no date.

    Examples
    --------
    >>> parse_dates(pd.Series(["1970-01-02", "never"]), "%Y-%m-%d").tolist()
    [86400.0, nan]
    """
    # filters of warnings are those of all threads: set only where pandas may warn of a
    # format that it had to guess
    dated = pd.api.types.is_datetime64_any_dtype(values.dtype)
    guesses = date_format in {None, "mixed"} and not dated
    with warnings.catch_warnings() if guesses else nullcontext():
        if guesses:
            warnings.simplefilter("ignore")
        stamps = pd.to_datetime(
            values, errors="coerce", utc=True, format=date_format, dayfirst=dayfirst
        )
    if not pd.api.types.is_datetime64_any_dtype(stamps.dtype):
        return np.full(len(values), np.nan)
    micro = stamps.dt.as_unit("us").to_numpy(dtype="datetime64[us]")
    seconds = np.where(np.isnat(micro), np.nan, micro.astype(np.int64) / 1e6)
    if stamps.dt.unit == "ns":  # pandas 2 reads the years from 1678 to 2261 only
        for i in np.flatnonzero(np.isnan(seconds) & values.notna().to_numpy()):
            seconds[i] = _far_date(values.iloc[i], date_format)
    return seconds


def _far_date(cell: Any, date_format: str | None) -> float:
    """Return seconds since 1970 of a date that pandas did not read, or NaN."""
    if isinstance(cell, date) and not isinstance(cell, datetime):
        cell = datetime(cell.year, cell.month, cell.day, tzinfo=UTC)
    if isinstance(cell, str):
        iso = date_format is None or "%" not in date_format
        try:
            cell = (
                datetime.fromisoformat(cell)
                if iso
                else datetime.strptime(cell, str(date_format))  # noqa: DTZ007
            )
        except ValueError:
            return np.nan
    if not isinstance(cell, datetime) or cell is pd.NaT:
        return np.nan
    moment = cell if cell.tzinfo else cell.replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(seconds=1)


def read_dates(
    values: pd.Series, date_format: str | None, zone: str | None = None
) -> np.ndarray:
    """Return time stamps, or dates written as text, as seconds since 1970.

    Numbers are no dates, since nothing tells what they count from. What does not say
    its own zone is of the given one, or else UTC.

    Examples
    --------
    >>> read_dates(pd.Series(["1970-01-01", 5, None], dtype=object), None).tolist()
    [0.0, nan, nan]
    >>> read_dates(pd.Series(["1970-01-01 09:00"]), None, "Asia/Tokyo").tolist()
    [0.0]
    """
    if isinstance(values.dtype, pd.PeriodDtype):
        starts = values.array.asfreq("s", how="start")
        return np.where(starts.isna(), np.nan, starts.asi8.astype(np.float64))
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        seconds = parse_dates(values, None)
        if zone is None or zone_type(values.dtype) is not None:
            return seconds
        return _by_clock(seconds, zone)
    codes, uniques = factorize(values.astype(object))
    written = [_date_cell(u) for u in uniques]
    seconds = _parse_each(pd.Series(written, dtype=object), date_format)
    if zone is not None:
        bare = np.array([_tells_no_zone(cell) for cell in written], dtype=bool)
        seconds[bare] = _by_clock(seconds[bare], zone)
    return take_or_nan(seconds, codes)


def _parse_each(cells: pd.Series, date_format: str | None) -> np.ndarray:
    """Return seconds of each cell by itself: no format is guessed from the others.

    Without one, what may be the 3rd of May and the 5th of March is neither.
    """
    seconds = parse_dates(cells, date_format or "ISO8601")
    left = np.flatnonzero(np.isnan(seconds) & cells.notna().to_numpy())
    if date_format is None and len(left):
        rest = cells.iloc[left]
        by_month, by_day = (
            parse_dates(rest, "mixed", dayfirst=d) for d in (False, True)
        )
        seconds[left] = np.where(by_month == by_day, by_month, np.nan)
    return seconds


def zone_type(dtype: Any) -> Any:
    """Return the time zone of a data type, numpy's or Arrow's; None without one.

    Examples
    --------
    >>> str(zone_type(pd.DatetimeTZDtype(tz="Asia/Tokyo"))), zone_type("int64")
    ('Asia/Tokyo', None)
    """
    return getattr(dtype, "tz", getattr(getattr(dtype, "pyarrow_dtype", 0), "tz", None))


def _date_cell(cell: Any) -> Any:
    if isinstance(cell, str):
        return cell.strip()
    return cell if isinstance(cell, date | np.datetime64) else None


def _tells_no_zone(cell: Any) -> bool:
    if isinstance(cell, str):
        return not _OFFSET.search(cell)
    return getattr(cell, "tzinfo", None) is None


def _by_clock(seconds: np.ndarray, zone: str) -> np.ndarray:
    """Return seconds since 1970 (UTC) of what clocks of a zone showed.

    An hour that they showed twice is the later one, one that they left out the next.
    Days at the ends of the calendar are taken as UTC: elsewhere they lie beyond it.
    """
    there = (seconds > FIRST_S) & (seconds < LAST_S)
    micro = np.rint(seconds[there] * 1e6).astype(np.int64).astype("datetime64[us]")
    moments = pd.DatetimeIndex(micro).tz_localize(
        zone, ambiguous=np.zeros(len(micro), dtype=bool), nonexistent="shift_forward"
    )
    found = seconds.copy()
    found[there] = moments.as_unit("us").asi8 / 1e6
    return found
