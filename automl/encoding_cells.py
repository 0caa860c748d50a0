"""Cells of one column to numbers, each by itself: the same in any company.

Below the table's encoder, and with it inside the model's pickle by value, so this
module imports nothing of this library. Work is done once for each distinct cell.
"""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "MISSING_SPELLINGS",
    "as_text",
    "factorize",
    "is_textual",
    "is_unicode",
    "level_name",
    "parse_numbers",
    "read_booleans",
    "read_numbers",
    "take_or_nan",
]

MISSING_SPELLINGS = frozenset(
    ["", "?", "-", "--", ".", "na", "n/a", "#n/a", "nan", "nil", "none", "null"]
)
"""Lower-case texts that stand for a missing number or date (pandas' and ARFF's own)."""

LONGEST_TEXT = 100_000
"""Characters of a cell that are read, about 30 pages: the rest says little more, and
one cell of some megabytes would take longer than all others."""

LARGEST = 3e38
"""Trees compare in float32, whose largest number is 3.4e38."""

_THOUSANDS = re.compile(r"^[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?$")
"""No number of thousands begins with 0: 0,125 has a decimal comma, and is text."""

_DURATION = re.compile(r"^(-?\d+) days(?: \+?(\d\d):(\d\d):(\d\d(?:\.\d+)?))?$")
"""How pandas writes a duration to a file."""

_TRUE = frozenset(["true", "t", "yes", "y", "1", "1.0"])
_FALSE = frozenset(["false", "f", "no", "n", "0", "0.0"])


def parse_numbers(values: Iterable[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers in ``values`` and where a text is no number.

    Spaces around, thousands commas, durations as pandas writes them and the usual
    spellings of a missing value are understood; a missing value is NaN and not an
    error.

    Examples
    --------
    >>> numbers, wrong = parse_numbers(["1,234", " 12 ", "?", "1e5", "x"])
    >>> numbers.tolist(), wrong.tolist()
    ([1234.0, 12.0, nan, 100000.0, nan], [False, False, False, False, True])
    """
    plain = [_plainly(_written(v).strip()) for v in values]
    missing = np.array([v.lower() in MISSING_SPELLINGS for v in plain], dtype=bool)
    numbers = pd.to_numeric(pd.Series(plain, dtype=object), errors="coerce")
    array = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = np.isnan(array) & ~missing
    # pandas reads "inf" and "1e999" as infinite; a table's cell is then missing
    return np.where(np.isfinite(array), array, np.nan), wrong


def _plainly(text: str) -> str:
    """Return a number without thousands commas, a duration as its seconds.

    Examples
    --------
    >>> _plainly("1,234"), _plainly("0,125"), _plainly("-1 days +23:00:00")
    ('1234', '0,125', '-3600.0')
    """
    if _THOUSANDS.match(text):
        return text.replace(",", "")
    found = _DURATION.match(text)
    if found is None:
        return text
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return repr(86_400 * days + 3600 * hours + 60 * minutes + seconds)


def _written(value: Any) -> str:
    """Return a cell as a number is written; a duration as its seconds."""
    if isinstance(value, timedelta):
        return repr(value.total_seconds())
    if isinstance(value, int) and value.bit_length() > 1023:
        return "inf"  # more than a float holds
    return str(value)


def is_textual(values: pd.Series) -> bool:
    """Return whether cells are Python objects, strings or categories of them.

    Examples
    --------
    >>> is_textual(pd.Series(["a"])), is_textual(pd.Series([1.0]))
    (True, False)
    """
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        dtype = dtype.categories.dtype
    return (
        pd.api.types.is_object_dtype(dtype)
        or pd.api.types.is_string_dtype(dtype)
        or str(dtype).startswith("dictionary<")  # Arrow's categories
    )


def read_numbers(values: pd.Series) -> np.ndarray:
    """Return numbers, booleans, durations or numbers written as text as float64.

    Examples
    --------
    >>> read_numbers(pd.Series(["1,000", None, "word"])).tolist()
    [1000.0, nan, nan]
    >>> read_numbers(pd.Series([True, None])).tolist()
    [1.0, nan]
    """
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        table = read_numbers(pd.Series(dtype.categories))
        return take_or_nan(table, values.cat.codes.to_numpy())
    if getattr(dtype, "kind", "") == "m":
        durations = values.astype("timedelta64[us]")
        return durations.dt.total_seconds().to_numpy(dtype=np.float64)
    if not is_textual(values):
        if pd.api.types.is_numeric_dtype(dtype):
            with np.errstate(over="ignore"):  # long doubles become infinite
                array = values.to_numpy(dtype=np.float64, na_value=np.nan)
            return _finite(array)
        values = values.astype(object)
    codes, uniques = factorize(values)
    # beside a missing cell a truth value is an object, and reads as it does alone
    cells = [int(u) if isinstance(u, bool | np.bool_) else u for u in uniques]
    numbers, _ = parse_numbers(cells)
    return take_or_nan(_finite(numbers), codes)


def _finite(array: np.ndarray) -> np.ndarray:
    """Return ``array`` with NaN for infinity, within what float32 can hold."""
    finite = np.isfinite(array)
    if not finite.all():
        array = np.where(finite, array, np.nan)
    if array.size and np.nanmax(np.abs(array), initial=0.0) > LARGEST:
        array = np.clip(array, -LARGEST, LARGEST)
    return array


def read_booleans(values: pd.Series) -> np.ndarray:
    """Return flags, or their usual spellings, as 1.0 and 0.0.

    Examples
    --------
    >>> read_booleans(pd.Series([True, "no", None], dtype=object)).tolist()
    [1.0, 0.0, nan]
    >>> read_booleans(pd.Series([1, 0, 2])).tolist()
    [1.0, 0.0, nan]
    """
    if pd.api.types.is_numeric_dtype(values.dtype):
        numbers = read_numbers(values)
        return np.where(np.isin(numbers, (0.0, 1.0)), numbers, np.nan)
    codes, uniques = factorize(values)
    words = [level_name(u).strip().lower() for u in uniques]
    flags = [1.0 if w in _TRUE else 0.0 if w in _FALSE else np.nan for w in words]
    return take_or_nan(np.array(flags, dtype=np.float64), codes)


def as_text(values: pd.Series) -> np.ndarray:
    """Return the cells as strings, empty where missing.

    Examples
    --------
    >>> as_text(pd.Series(["a", None], dtype=object)).tolist()
    ['a', '']
    """
    codes, uniques = factorize(values)
    words = np.array([level_name(u) for u in uniques] + [""], dtype=object)
    texts: np.ndarray = words[codes]
    return texts


def level_name(value: Any) -> str:
    """Return how a category's level is written: 1 and 1.0 are the same level.

    Examples
    --------
    >>> level_name(1.0), level_name(1), level_name(True), level_name(0.5)
    ('1', '1', 'True', '0.5')
    """
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, Decimal | float | np.floating):
        number = float(value)
        return str(int(number)) if number.is_integer() else str(number)
    return _spelled(value)


def is_unicode(text: str) -> bool:
    r"""Return whether a text can be written to a file: it has no lone surrogate.

    Examples
    --------
    >>> is_unicode("é"), is_unicode("\ud800")
    (True, False)
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _spelled(value: Any) -> str:
    try:
        return str(value)[:LONGEST_TEXT]
    except ValueError:  # Python writes no integers of more than 4,300 digits
        return hex(value)


def factorize(values: pd.Series) -> tuple[np.ndarray, list[Any]]:
    """Return codes (-1 where missing) and the distinct cells.

    True and 1 are different cells, though Python calls them equal. Cells that cannot
    be compared, such as lists, are taken by how they are written.

    Examples
    --------
    >>> codes, cells = factorize(pd.Series(["b", None, "b", "a"], dtype=object))
    >>> codes.tolist(), cells
    ([0, -1, 0, 1], ['b', 'a'])
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        return values.cat.codes.to_numpy(), list(values.cat.categories)
    try:
        if values.dtype == object:
            inferred = pd.api.types.infer_dtype(values)
            if inferred in _MIXED:
                return _factorize_mixed(values)
            if inferred == "string":
                return _factorize_strings(values)
        codes, uniques = pd.factorize(values, use_na_sentinel=True)
    except (TypeError, NotImplementedError):
        return _factorize_mixed(values.astype(object))
    return codes, list(uniques)


_MIXED = frozenset({"mixed", "mixed-integer", "decimal", "mixed-integer-float"})
"""What pandas calls objects of several types, among which equal ones may differ."""


def _factorize_strings(values: pd.Series) -> tuple[np.ndarray, list[Any]]:
    """Return what `pandas.factorize` does, but whole: pandas 2 stops at a NUL."""
    present = values.notna().to_numpy()
    cells = values.to_numpy(dtype=object)[present]
    place = {cell: i for i, cell in enumerate(dict.fromkeys(cells))}
    codes = np.full(len(values), -1, dtype=np.int64)
    codes[present] = np.fromiter(map(place.__getitem__, cells), np.int64, len(cells))
    return codes, list(place)


def _factorize_mixed(values: pd.Series) -> tuple[np.ndarray, list[Any]]:
    """Return codes and distinct cells, told apart by how they are written."""
    missing = values.isna().to_numpy()
    cells: dict[tuple[bool, str], int] = {}
    uniques: list[Any] = []
    codes = np.full(len(values), -1, dtype=np.int64)
    objects = values.to_numpy(dtype=object)
    for i in np.flatnonzero(~missing):
        cell = objects[i]
        key = (isinstance(cell, str), level_name(cell))
        if key not in cells:
            cells[key] = len(uniques)
            uniques.append(cell)
        codes[i] = cells[key]
    return codes, uniques


def take_or_nan(table: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return ``table[codes]`` with NaN for the code -1.

    Examples
    --------
    >>> take_or_nan(np.array([5.0, 6.0]), np.array([1, -1])).tolist()
    [6.0, nan]
    """
    taken: np.ndarray = np.append(table, np.nan)[codes]
    return taken
