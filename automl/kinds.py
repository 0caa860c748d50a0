"""What kind of values a column holds, and why: no target, no model, no fold.

A kind is a reading of the cells. It is decided once, on all rows, because it learns
nothing that could leak: the same cell is encoded the same way whatever the others are.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from automl.encoding import (
    ColumnPlan,
    factorize,
    is_textual,
    level_name,
    parse_dates,
    parse_numbers,
    read_numbers,
)
from automl.exceptions import AutoMLDataError

__all__ = ["DROPPED_KINDS", "KINDS", "Column", "describe_column"]

KINDS = ("number", "boolean", "category", "date", "text", "identifier", "constant")
"""The seven readings of a column."""

DROPPED_KINDS = frozenset({"identifier", "constant"})
"""Kinds that no pipeline sees."""

PARSED_SHARE = 0.95
"""Share of distinct texts that must read as dates before a column is one: some sets
have a few broken dates; a column of codes has none that parse."""

TEXT_WORDS = 2.5
"""Mean words per cell from which mostly distinct strings are free text, not codes."""

DISTINCT_SHARE = 0.95
"""Share of distinct one-word strings from which they name rows: an identifier."""

SAMPLE = 500
"""Distinct values looked at before a costly parse of all of them is tried."""

_ID_NAME = re.compile(
    r"(^|[\s_.-])(id|idx|index|uuid|guid|key|rowid|row|rownames?|unnamed: ?0)$", re.I
)
_CAMEL_ID = re.compile(r"[a-z](ID|Id)$")
_DATE_SHAPE = re.compile(r"\d.*[-/:. ].*\d|\d\s*[A-Za-z]{3,9}|[A-Za-z]{3,9}\s*\d")


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


def describe_column(values: pd.Series, name: Hashable, position: int) -> Column:
    """Return kind, plan and facts of one column.

    Parameters
    ----------
    values : Series of shape (n_rows,)
        The column as the user gave it.
    name : object
        Its name.
    position : int
        Its place in the table.

    Raises
    ------
    AutoMLDataError
        If cells hold lists or other containers (``E-cell-type``).

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
    if pd.api.types.is_timedelta64_dtype(dtype):
        return _column(values, name, position, "number", "durations, in seconds")
    if pd.api.types.is_numeric_dtype(dtype) and not isinstance(
        dtype, pd.CategoricalDtype
    ):
        return _describe_numbers(values, name, position)
    return _describe_objects(values, name, position)


def _describe_numbers(values: pd.Series, name: Hashable, position: int) -> Column:
    column = _column(values, name, position, "number", "numbers")
    if column.kind == "number" and _is_row_number(values, name):
        return _as_dropped(column, "identifier", "numbers the rows")
    return column


def _is_row_number(values: pd.Series, name: Hashable) -> bool:
    """Return whether integers count the rows, or are unique under an id's name."""
    array = read_numbers(values)
    n = len(array)
    if n < 20 or np.isnan(array).any():  # noqa: PLR2004 - too few rows to tell
        return False
    steps = np.diff(array)
    if (steps == 1).all() and array[0] in (0, 1):
        return True
    whole = (array == np.floor(array)).all()
    return bool(whole and _named_as_id(name) and len(np.unique(array)) == n)


def _named_as_id(name: Hashable) -> bool:
    text = str(name)
    return bool(_ID_NAME.search(text) or _CAMEL_ID.search(text))


def _describe_objects(values: pd.Series, name: Hashable, position: int) -> Column:
    try:
        codes, cells = factorize(values)
    except TypeError as error:
        raise AutoMLDataError(
            f"Column {name!r} holds cells that are lists, sets or other containers; "
            "plain values were expected. Turn them into columns of their own.",
            code="E-cell-type",
            column=name,
        ) from error
    present = np.bincount(codes[codes >= 0], minlength=len(cells)) > 0
    cells = [cell for cell, there in zip(cells, present, strict=True) if there]
    _refuse_containers(cells, name)
    if not cells:
        return _column(values, name, position, "constant", "no value at all")
    if all(isinstance(c, bool | np.bool_) for c in cells):
        return _column(values, name, position, "boolean", "true or false")
    numeric = _numbers_as_text(cells, is_category=_is_categorical(values))
    if numeric:
        column = _column(values, name, position, "number", "numbers written as text")
        return (
            _as_dropped(column, "identifier", "numbers the rows")
            if column.kind == "number" and _is_row_number(values, name)
            else column
        )
    date_format = None if _is_categorical(values) else _date_format(cells)
    if date_format is not None:
        return _column(
            values, name, position, "date", "dates written as text", date_format
        )
    return _describe_words(values, cells, name, position)


def _is_categorical(values: pd.Series) -> bool:
    return isinstance(values.dtype, pd.CategoricalDtype)


def _refuse_containers(cells: list[Any], name: Hashable) -> None:
    for cell in cells[:SAMPLE]:
        if isinstance(cell, tuple | frozenset | bytes):
            raise AutoMLDataError(
                f"Column {name!r} holds cells of type {type(cell).__name__}; plain "
                "values were expected. Turn them into columns of their own.",
                code="E-cell-type",
                column=name,
            )


def _numbers_as_text(cells: list[Any], *, is_category: bool) -> bool:
    """Return whether every text is a number or a usual spelling of a missing one."""
    if is_category and all(isinstance(c, str) for c in cells):
        return False  # the user said that these are categories
    _, wrong = parse_numbers(cells[:SAMPLE])
    if wrong.any():
        return False
    numbers, wrong = parse_numbers(cells)
    return not wrong.any() and bool(np.isfinite(numbers).any())


def _date_format(cells: list[Any]) -> str | None:
    """Return the format that reads nearly all cells as dates, or None."""
    words = [c.strip() if isinstance(c, str) else c for c in cells]
    texts = [w for w in words if isinstance(w, str) and w]
    if not texts:
        stamps = parse_dates(pd.Series(words[:SAMPLE], dtype=object), "mixed")
        return "mixed" if np.isfinite(stamps).mean() >= PARSED_SHARE else None
    step = max(1, len(texts) // SAMPLE)
    sample = pd.Series(texts[::step][:SAMPLE], dtype=object)
    if np.mean([bool(_DATE_SHAPE.search(t)) for t in sample]) < PARSED_SHARE:
        return None
    for candidate in _guessed_formats(sample):
        if np.isfinite(parse_dates(sample, candidate)).mean() >= PARSED_SHARE:
            return candidate
    return None


def _guessed_formats(sample: pd.Series) -> list[str]:
    """Return the formats that single cells suggest, commonest first."""
    from pandas.tseries.api import guess_datetime_format  # noqa: PLC0415

    counts: dict[str, int] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the ambiguity that is resolved here
        for text in sample.iloc[:: max(1, len(sample) // 50)]:
            for dayfirst in (False, True):
                guess = guess_datetime_format(text, dayfirst=dayfirst)
                if guess is not None:
                    counts[guess] = counts.get(guess, 0) + 1
    return sorted(counts, key=lambda f: (-counts[f], f))


def _describe_words(
    values: pd.Series, cells: list[Any], name: Hashable, position: int
) -> Column:
    n_rows = int(values.notna().sum())
    words = float(np.mean([len(str(c).split()) for c in cells[: SAMPLE * 4]]))
    share = len(cells) / max(n_rows, 1)
    if not _is_categorical(values) and n_rows >= 20:  # noqa: PLR2004 - too few to tell
        if words >= TEXT_WORDS and (share > 0.5 or len(cells) > 1000):  # noqa: PLR2004
            return _column(
                values, name, position, "text", "mostly different, several words each"
            )
        if share >= DISTINCT_SHARE:
            column = _column(values, name, position, "category", "words")
            if words < TEXT_WORDS and (words < 1.5 or _named_as_id(name)):  # noqa: PLR2004
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
    from automl.encoding import encode_column  # noqa: PLC0415

    levels: tuple[str, ...] = ()
    low = high = None
    if kind in {"category", "text"}:
        codes, cells = factorize(values)
        present = np.unique(codes[codes >= 0])
        names = {level_name(cells[i]) for i in present}
        n_distinct, n_missing = len(names), int((codes < 0).sum())
        if kind == "category":
            levels = tuple(sorted(names))
    plan = ColumnPlan(name, position, f"f{position}", kind, levels, date_format)
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


def _n_distinct(finite: np.ndarray) -> int:
    return len(np.unique(finite))


def _as_dropped(column: Column, kind: str, reason: str) -> Column:
    plan = column.plan
    bare = ColumnPlan(plan.name, plan.position, plan.id, kind)
    return Column(
        bare, kind, column.dtype, f"left out: {reason}", column.n_missing,
        column.n_distinct, column.low, column.high,
    )  # fmt: skip
