"""Values made small and safe for JSON: few digits, nothing infinite, no long text."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

__all__ = ["compact", "plain_number", "rounded", "shorten", "spread"]

DIGITS = 5
"""Significant digits of a figure in a report: more cannot be seen or meant."""

FAR = 100.0
"""How many times its range a curve lies from zero when it has more digits: pressures of
101,325 and a few were all alike with five."""

CURVE = 10
"""Numbers from which a list is a curve."""

WHOLE = 1e15
"""Below this a float tells whole numbers apart."""

LONGEST_TEXT = 2_000
"""Characters of a text that is kept whole."""


def rounded(value: Any, digits: int = DIGITS) -> float | None:
    """Return a number with few digits; None for NaN, infinity or None.

    Whole numbers stay as they are: they may be codes, years or days.

    Examples
    --------
    >>> rounded(0.123456789), rounded(float("nan")), rounded(None), rounded(201401.0)
    (0.12346, None, None, 201401.0)
    """
    if value is None or not math.isfinite(value):
        return None
    if _is_whole(value):
        return float(value)
    return float(f"{float(value):.{digits}g}")


def _is_whole(value: float) -> bool:
    """Return whether a number is whole, and small enough that a float says so."""
    return abs(value) < WHOLE and float(value).is_integer()


def plain_number(value: float, digits: int = DIGITS) -> str:
    """Return a number as it stands in a sentence: whole ones with all their digits.

    Examples
    --------
    >>> plain_number(98101.0), plain_number(0.123456789), plain_number(2.5e-7)
    ('98101', '0.12346', '2.5e-07')
    """
    return f"{value:.0f}" if _is_whole(value) else f"{value:.{digits}g}"


def compact(value: Any) -> Any:
    """Return the value in what JSON holds: NaN as None, unknown objects as text.

    Parameters
    ----------
    value : object
        Mappings, sequences, sets, arrays and numpy scalars are unpacked.

    Examples
    --------
    >>> compact({"a": np.float32(0.5), "b": (1, float("inf")), 3: np.arange(2)})
    {'a': 0.5, 'b': [1, None], '3': [0, 1]}
    """
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(k): compact(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        if len(value) >= CURVE and all(isinstance(v, float) for v in value):
            digits = _digits_of_curve(list(value))
            return [rounded(v, digits) for v in value]
        return [compact(v) for v in value]
    if isinstance(value, float):
        return rounded(value)
    if value is None or isinstance(value, bool | int):
        return value
    return shorten(str(value), LONGEST_TEXT)


def _digits_of_curve(values: list[float]) -> int:
    """Return the significant digits with which a curve far from zero has its shape.

    Examples
    --------
    >>> _digits_of_curve([0.1, 0.9]), _digits_of_curve([101_325.2, 101_330.9])
    (5, 9)
    """
    known = [v for v in values if math.isfinite(v)]
    extent = max(known, default=0.0) - min(known, default=0.0)
    far = max(map(abs, known), default=0.0) / extent if extent > 0 else 0.0
    return DIGITS + (min(10, int(math.log10(far))) if far >= FAR else 0)


def shorten(text: str, length: int) -> str:
    """Return the text, cut to a length with an ellipsis.

    Examples
    --------
    >>> shorten("a long name", 6)
    'a lon…'
    """
    return text if len(text) <= length else text[: length - 1] + "…"


def spread(length: int, wanted: int) -> np.ndarray:
    """Return at most so many positions, evenly spread, both ends among them.

    Examples
    --------
    >>> spread(5, 3)
    array([0, 2, 4])
    >>> spread(2, 3)
    array([0, 1])
    """
    if length <= wanted:
        return np.arange(length)
    return np.unique(np.linspace(0, length - 1, wanted).round().astype(np.int64))


def walk(value: Any) -> Iterator[Any]:
    """Yield every leaf of nested dicts and lists.

    Examples
    --------
    >>> list(walk({"a": [1, {"b": 2}]}))
    [1, 2]
    """
    if isinstance(value, Mapping):
        for item in value.values():
            yield from walk(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from walk(item)
    else:
        yield value
