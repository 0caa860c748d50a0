"""What kind of values a column holds, and why: no target, no model, no fold.

A kind is a reading of the cells. It is decided once, on all rows, because it learns
nothing that could leak: the same cell is encoded the same way whatever the others are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from automl.date_formats import find_date_format
from automl.encoding import (
    ColumnPlan,
    encode_column,
    factorize,
    is_unicode,
    level_name,
    parse_numbers,
    read_numbers,
    zone_type,
)
from automl.exceptions import AutoMLDataError, named

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = [
    "DROPPED_KINDS",
    "KINDS",
    "UNSPACED",
    "Column",
    "as_copy",
    "describe_column",
    "find_date_format",
]

KINDS = (
    "number", "boolean", "category", "date", "text", "identifier", "constant", "copy",
)  # fmt: skip
"""The eight readings of a column."""

DROPPED_KINDS = frozenset({"identifier", "constant", "copy"})
"""Kinds that no pipeline sees."""

TEXT_WORDS = 2.5
"""Mean words per cell from which mostly distinct strings are free text, not codes."""

LONG_UNSPACED = 12
"""Mean letters per cell of scripts without spaces from which cells are sentences: names
of people and firms are shorter."""

UNSPACED = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf"
    r"\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f"
)
"""Letters of Thai, Lao, Burmese, Khmer, Japanese and Chinese, which have no spaces
between words; for a class of a regular expression."""

_UNSPACED = re.compile(f"[{UNSPACED}]")

DISTINCT_SHARE = 0.95
"""Share of distinct one-word strings from which they name rows: an identifier."""

SAMPLE = 500
"""Distinct values looked at before a costly parse of all of them is tried."""

_ID_NAME = re.compile(
    r"(^|[\s_.-])(id|idx|uuid|guid|rowid)$"
    r"|^(index|key|row|rownames?|unnamed: ?0)$"
    r"|^(row|primary|surrogate|customer|record)[\s_.-]?(index|key|number)$",
    re.IGNORECASE,
)
"""Names of identifiers; a body mass index or a musical key is none."""

_CAMEL_ID = re.compile(r"[a-z](ID|Id)$")


_NO_CELLS: tuple[Any, ...] = (
    bytes, bytearray, memoryview, complex, np.complexfloating, tuple, frozenset,
    BaseException, Callable, Iterator, ModuleType,
)  # fmt: skip
"""What has a written form, but is no value."""


@dataclass(frozen=True)
class Column:
    """What is known of one column of the user's table.

    Attributes
    ----------
    plan : ColumnPlan
        Name, position, id and reading.
    kind : str
        One of `KINDS`.
    dtype : str
        The data type as it came.
    reason : str
        Why it is of this kind, or why it is left out: one sentence.
    n_missing : int
        Cells without a value, after reading.
    n_distinct : int
        Different values, missing not counted.
    low, high : float or None
        Range of numbers, of dates in seconds since 1970.
    """

    plan: ColumnPlan
    kind: str
    dtype: str
    reason: str
    n_missing: int
    n_distinct: int
    low: float | None = None
    high: float | None = None

    @property
    def name(self) -> Hashable:
        """The user's name of the column."""
        return self.plan.name

    @property
    def id(self) -> str:
        """Its name inside pipelines."""
        return self.plan.id

    @property
    def used(self) -> bool:
        """Whether pipelines see it."""
        return self.kind not in DROPPED_KINDS


def describe_column(
    values: pd.Series, name: Hashable, position: int, *, keep_ids: bool = False
) -> Column:
    """Return kind, plan and facts of one column.

    Parameters
    ----------
    values : Series of shape (n_rows,)
        The column as the user gave it.
    name : object
        Its name.
    position : int
        Its place in the table.
    keep_ids : bool, default=False
        Whether numbers that count the rows or name them are numbers all the same.

    Raises
    ------
    AutoMLDataError
        If cells hold lists, bytes, complex numbers or other objects that are neither
        number, text nor date (``E-cell-type``).

    Examples
    --------
    >>> describe_column(pd.Series(["1", "2", "?"]), "age", 0).kind
    'number'
    >>> describe_column(pd.Series(["red", "blue", "red"]), "colour", 1).plan.levels
    ('blue', 'red')
    """
    dtype = values.dtype
    if pd.api.types.is_bool_dtype(dtype):
        return _column(values, name, position, "boolean", "true or false")
    if pd.api.types.is_datetime64_any_dtype(dtype) or isinstance(dtype, pd.PeriodDtype):
        return _column(values, name, position, "date", "time stamps")
    if getattr(dtype, "kind", "") == "m":
        return _column(values, name, position, "number", "durations, in seconds")
    if pd.api.types.is_numeric_dtype(dtype) and not isinstance(
        dtype, pd.CategoricalDtype
    ):
        return _describe_numbers(values, name, position, keep_ids=keep_ids)
    return _describe_objects(values, name, position, keep_ids=keep_ids)


def _describe_numbers(
    values: pd.Series, name: Hashable, position: int, *, keep_ids: bool
) -> Column:
    column = _column(values, name, position, "number", "numbers")
    if not keep_ids and column.kind == "number" and _is_row_number(values, name):
        return _as_dropped(column, "identifier", "numbers the rows")
    return column


def _is_row_number(values: pd.Series, name: Hashable) -> bool:
    """Return whether integers count the rows, or are unique under an id's name."""
    array = read_numbers(values)
    n = len(array)
    if n < 20 or np.isnan(array).any():  # too few rows to tell
        return False
    steps = np.diff(array)
    if (steps == 1).all() and array[0] in (0, 1):
        return True
    whole = (array == np.floor(array)).all()
    return bool(whole and _named_as_id(name) and len(np.unique(array)) == n)


def _named_as_id(name: Hashable) -> bool:
    text = str(name)
    return bool(_ID_NAME.search(text) or _CAMEL_ID.search(text))


def _describe_objects(
    values: pd.Series, name: Hashable, position: int, *, keep_ids: bool
) -> Column:
    codes, cells = factorize(values)
    present = np.bincount(codes[codes >= 0], minlength=len(cells)) > 0
    cells = [cell for cell, there in zip(cells, present, strict=True) if there]
    _refuse_objects(cells, name)
    _refuse_surrogates(cells, name)
    if not cells:
        return _column(values, name, position, "constant", "no value at all")
    if all(isinstance(c, bool | np.bool_) for c in cells):
        return _column(values, name, position, "boolean", "true or false")
    if _numbers_as_text(cells, values.dtype):
        column = _column(values, name, position, "number", "numbers written as text")
        return (
            _as_dropped(column, "identifier", "numbers the rows")
            if not keep_ids and column.kind == "number" and _is_row_number(values, name)
            else column
        )
    date_format = None if _is_categorical(values) else find_date_format(cells)
    if date_format is not None:
        return _column(
            values, name, position, "date", "dates written as text", date_format
        )
    return _describe_words(values, cells, name, position)


def _is_categorical(values: pd.Series) -> bool:
    return isinstance(values.dtype, pd.CategoricalDtype)


def _refuse_objects(cells: list[Any], name: Hashable) -> None:
    """Raise if a cell is a container, or has no written form of its own."""
    for kind in {type(cell) for cell in cells}:
        forms = {getattr(kind, "__str__", None), getattr(kind, "__repr__", None)}
        written = bool(forms - {object.__str__, object.__repr__})
        hashed = getattr(kind, "__hash__", None) is not None
        if written and hashed and not issubclass(kind, _NO_CELLS):
            continue
        raise AutoMLDataError(
            f"Column {named(name)} holds cells of type {kind.__name__}; numbers, texts "
            "or dates were expected.",
            code="E-cell-type",
            column=name,
            hint="Turn them into columns of their own.",
        )


def _refuse_surrogates(cells: list[Any], name: Hashable) -> None:
    """Raise if a text cannot be written to a file."""
    if all(is_unicode(cell) for cell in cells if isinstance(cell, str)):
        return
    raise AutoMLDataError(
        f"Column {named(name)} holds text that is no Unicode (a lone surrogate).",
        code="E-encoding",
        column=name,
        hint="Convert it to valid text, such as with errors='replace' on reading.",
    )


def _numbers_as_text(cells: list[Any], dtype: Any) -> bool:
    """Return whether every text is a number or a usual spelling of a missing one."""
    if isinstance(dtype, pd.CategoricalDtype) and not (
        dtype.ordered and pd.api.types.is_numeric_dtype(dtype.categories.dtype)
    ):
        return False  # the user said that these are categories
    _, wrong = parse_numbers(cells[:SAMPLE])
    if wrong.any():
        return False
    numbers, wrong = parse_numbers(cells)
    return not wrong.any() and bool(np.isfinite(numbers).any())


def _describe_words(
    values: pd.Series, cells: list[Any], name: Hashable, position: int
) -> Column:
    n_rows = int(values.notna().sum())
    sample = [str(cell) for cell in cells[: SAMPLE * 4]]
    words = float(np.mean([len(text.split()) for text in sample]))
    unspaced = np.mean([len(_UNSPACED.findall(text)) for text in sample])
    several = "mostly different, several words each"
    if unspaced >= LONG_UNSPACED:
        words, several = TEXT_WORDS, "mostly different, sentences without spaces"
    share = len(cells) / max(n_rows, 1)
    if not _is_categorical(values) and n_rows >= 20:  # fewer cannot tell
        if words >= TEXT_WORDS and (share > 0.5 or len(cells) > 1000):
            return _column(values, name, position, "text", several)
        if share >= DISTINCT_SHARE:
            column = _column(values, name, position, "category", "words")
            if words < TEXT_WORDS and (words < 1.5 or _named_as_id(name)):
                return _as_dropped(
                    column, "identifier", "nearly every row has a value of its own"
                )
            return _column(values, name, position, "text", "nearly all different")
    return _column(values, name, position, "category", "words")


def _column(
    values: pd.Series,
    name: Hashable,
    position: int,
    kind: str,
    reason: str,
    date_format: str | None = None,
) -> Column:
    """Return a column of this kind, or a constant one if it says only one thing."""
    levels: tuple[str, ...] = ()
    low = high = None
    if kind in {"category", "text"}:
        codes, cells = factorize(values)
        present = np.unique(codes[codes >= 0])
        names = dict.fromkeys(level_name(cells[i]) for i in present)
        n_distinct, n_missing = len(names), int((codes < 0).sum())
        if kind == "category":
            ordered = _is_categorical(values) and values.cat.ordered
            levels = tuple(names if ordered else sorted(names))
    zone = _zone_of(values.dtype) if kind == "date" else None
    plan = ColumnPlan(name, position, f"f{position}", kind, levels, date_format, zone)
    if kind not in {"category", "text", "constant"}:
        array = encode_column(values, plan)
        finite = array[np.isfinite(array)]
        n_missing = len(array) - len(finite)
        n_distinct = _n_distinct(finite)
        if len(finite):
            low, high = float(finite.min()), float(finite.max())
    elif kind == "constant":
        n_distinct, n_missing = 0, len(values)
    column = Column(
        plan, kind, str(values.dtype), reason, n_missing, n_distinct, low, high
    )
    if n_distinct == 0:
        return _as_dropped(column, "constant", "no value at all")
    if n_distinct == 1 and n_missing == 0:
        return _as_dropped(column, "constant", "the same value in every row")
    return column


def _zone_of(dtype: Any) -> str | None:
    """Return the name of a type's time zone; None for UTC, and where it has no name."""
    zone = zone_type(dtype)
    name = None if zone is None else str(zone)
    try:
        pd.Timestamp(0, tz=name)
    except (KeyError, OSError, TypeError, ValueError):  # as of a file of one's own
        return None
    return None if name == "UTC" else name


def _n_distinct(finite: np.ndarray) -> int:
    return len(np.unique(finite))


def as_copy(column: Column, original: Hashable) -> Column:
    """Return a column left out as a copy of another one.

    Examples
    --------
    >>> as_copy(describe_column(pd.Series([1, 2]), "b", 1), "a").reason
    "left out: the same as column 'a'"
    """
    return _as_dropped(column, "copy", f"the same as column {named(original)}")


def _as_dropped(column: Column, kind: str, reason: str) -> Column:
    plan = column.plan
    bare = ColumnPlan(plan.name, plan.position, plan.id, kind)
    return Column(
        bare, kind, column.dtype, f"left out: {reason}", column.n_missing,
        column.n_distinct, column.low, column.high,
    )  # fmt: skip
