"""Raw table to numbers, without learning from the rows.

The first step of every deployed pipeline: it travels inside the model's pickle by
value, so this module imports nothing of this library. Numbers, booleans and dates
become float64, categories become the position of their level, text stays text. What
is lost is only the spelling of a missing value.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

__all__ = ["ColumnPlan", "TableEncoder", "as_frame", "parse_dates", "parse_numbers"]

MISSING_SPELLINGS = frozenset(
    ["", "?", "-", "--", ".", "na", "n/a", "#n/a", "nan", "nil", "none", "null"]
)
"""Lower-case texts that stand for a missing number or date (pandas' and ARFF's own)."""

LARGEST = 3e38
"""Trees compare in float32, whose largest number is 3.4e38."""

_THOUSANDS = re.compile(r"^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$")
_TRUE = frozenset(["true", "t", "yes", "y", "1", "1.0"])
_FALSE = frozenset(["false", "f", "no", "n", "0", "0.0"])


@dataclass(frozen=True)
class ColumnPlan:
    """How one column of the raw table is read.

    Attributes
    ----------
    name : object
        The column's name in the raw table.
    position : int
        Its place there, counted from 0.
    id : str
        Its name in the encoded table: ``f<position>``.
    kind : str
        ``number``, ``boolean``, ``category``, ``date`` or ``text``.
    levels : tuple of str
        A category's levels, sorted; their positions are the codes.
    date_format : str or None
        How a date written as text is read (``strptime`` form, or ``mixed``).
    """

    name: Hashable
    position: int
    id: str
    kind: str
    levels: tuple[str, ...] = ()
    date_format: str | None = None


def as_frame(X: Any) -> pd.DataFrame:
    """Return ``X`` as a DataFrame, sharing its memory where possible.

    Parameters
    ----------
    X : DataFrame, array, list of rows, mapping, or a polars or Arrow table
        Two-dimensional.

    Raises
    ------
    ValueError
        If ``X`` has one dimension, or holds complex numbers.
    TypeError
        If ``X`` is sparse, or no table at all.

    Examples
    --------
    >>> as_frame([[1, 2], [3, 4]]).shape
    (2, 2)
    """
    if isinstance(X, pd.DataFrame):
        frame = X
    elif hasattr(X, "tocsr"):
        raise TypeError(
            "Sparse input is not supported: a dense table was expected. "
            "Use X.toarray() to convert it."
        )
    elif isinstance(X, dict):
        frame = pd.DataFrame(X)
    elif hasattr(X, "__dataframe__") or type(X).__module__.startswith("pyarrow"):
        import narwhals  # noqa: PLC0415 - only where such a table comes

        frame = narwhals.from_native(X, eager_only=True).to_pandas()
    else:
        frame = _frame_of_array(X)
    complex_columns = [
        name
        for name, dtype in zip(frame.columns, frame.dtypes, strict=True)
        if getattr(dtype, "kind", "") == "c"
    ]
    if complex_columns:
        raise ValueError(
            f"Complex data not supported: column {complex_columns[0]!r} holds complex "
            "numbers; real ones were expected. Split them into two columns."
        )
    return frame


def _frame_of_array(X: Any) -> pd.DataFrame:
    if isinstance(X, str | bytes) or not (
        hasattr(X, "__array__") or isinstance(X, list | tuple)
    ):
        raise TypeError(
            f"X must be a table (DataFrame, array or list of rows). Got "
            f"{type(X).__name__}."
        )
    array = np.asarray(X)
    if array.ndim != 2:  # noqa: PLR2004 - a table has two dimensions
        shape = "a scalar" if array.ndim == 0 else f"{array.ndim}D array"
        raise ValueError(
            f"Expected 2D array, got {shape} instead. Reshape your data either using "
            "array.reshape(-1, 1) if your data has a single feature or "
            "array.reshape(1, -1) if it contains a single sample."
        )
    if array.dtype.kind == "f" and not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return pd.DataFrame(array, copy=False)


def parse_numbers(values: Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers in ``values`` and where a text is no number.

    Spaces around, thousands commas and the usual spellings of a missing value are
    understood; a missing value is NaN and not an error.

    Examples
    --------
    >>> numbers, wrong = parse_numbers(["1,234", " 12 ", "?", "1e5", "x"])
    >>> numbers.tolist(), wrong.tolist()
    ([1234.0, 12.0, nan, 100000.0, nan], [False, False, False, False, True])
    """
    stripped = [str(v).strip() for v in values]
    plain = [v.replace(",", "") if _THOUSANDS.match(v) else v for v in stripped]
    missing = np.array([v.lower() in MISSING_SPELLINGS for v in plain], dtype=bool)
    numbers = pd.to_numeric(pd.Series(plain, dtype=object), errors="coerce")
    array = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    # pandas reads "inf" and "1e999" as infinite; a table's cell is then missing
    array = np.where(np.isfinite(array), array, np.nan)
    return array, np.isnan(array) & ~missing


def parse_dates(values: pd.Series, date_format: str | None) -> np.ndarray:
    """Return seconds since 1970 (UTC) as float64, NaN where there is no date.

    Examples
    --------
    >>> parse_dates(pd.Series(["1970-01-02", "never"]), "%Y-%m-%d").tolist()
    [86400.0, nan]
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas warns of formats it had to guess
        stamps = pd.to_datetime(values, errors="coerce", utc=True, format=date_format)
    micro = stamps.dt.as_unit("us").to_numpy(dtype="datetime64[us]")
    seconds = micro.astype(np.int64) / 1e6
    return np.where(np.isnat(micro), np.nan, seconds)


class TableEncoder(TransformerMixin, BaseEstimator):
    """Turn a raw table into the numbers and texts that pipelines work on.

    Nothing is estimated: the plan says how each column is read, so transforming is
    the same for one row and for a million.

    Parameters
    ----------
    plan : tuple of ColumnPlan
        The columns to use, in the order of the output.
    columns : tuple
        The names of all columns of the raw table, used or not.
    named : bool
        Whether columns are found by name (a DataFrame with text names was fitted)
        or by position.

    Examples
    --------
    >>> plan = (ColumnPlan("a", 0, "f0", "number"),
    ...         ColumnPlan("b", 1, "f1", "category", levels=("no", "yes")))
    >>> encoder = TableEncoder(plan, columns=("a", "b"), named=True)
    >>> encoder.transform(pd.DataFrame({"b": ["yes", "new"], "a": [1, 2]}))
        f0   f1
    0  1.0  1.0
    1  2.0  2.0
    """

    def __init__(
        self, plan: tuple[ColumnPlan, ...], columns: tuple[Any, ...], *, named: bool
    ) -> None:
        self.plan = plan
        self.columns = columns
        self.named = named

    def fit(self, X: Any, y: Any = None) -> TableEncoder:  # noqa: ARG002
        """Do nothing: the plan is given."""
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def transform(self, X: Any) -> pd.DataFrame:
        """Return the encoded table.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns)
            Columns in any order if they have names; those not in the plan are
            ignored. A level never seen gets the code after the last one, a cell
            that cannot be read as its kind is missing.

        Returns
        -------
        DataFrame of shape (n_rows, len(plan))
            float64, but for text columns. The index is that of ``X``.

        Raises
        ------
        ValueError
            If a column is missing, or an array has another number of columns.
        """
        frame = as_frame(X)
        place = self._places(frame)
        by_kind: dict[str, Any] = {}
        numeric = [p for p in self.plan if p.kind != "text"]
        block = np.empty((len(numeric), len(frame)))
        for row, column in zip(block, numeric, strict=True):
            row[:] = encode_column(frame.iloc[:, place[column.position]], column)
        encoded = pd.DataFrame(
            block.T, columns=[p.id for p in numeric], index=frame.index, copy=False
        )
        for column in self.plan:
            if column.kind == "text":
                text = as_text(frame.iloc[:, place[column.position]])
                by_kind[column.id] = pd.Series(text, index=frame.index, dtype=object)
        if by_kind:
            texts = pd.DataFrame(by_kind, index=frame.index)
            encoded = pd.concat([encoded, texts], axis=1)
        return encoded

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:  # noqa: ARG002
        """Return the ids of the encoded columns, text columns last."""
        ids = [p.id for p in self.plan if p.kind != "text"]
        ids += [p.id for p in self.plan if p.kind == "text"]
        return np.array(ids, dtype=object)

    def _places(self, frame: pd.DataFrame) -> dict[int, int]:
        """Return where each column of the training table stands in ``frame``."""
        if self.named and any(isinstance(name, str) for name in frame.columns):
            where = {name: i for i, name in enumerate(frame.columns)}
            missing = [p.name for p in self.plan if p.name not in where]
            if missing:
                raise ValueError(
                    "The feature names should match those that were passed during fit."
                    "\nFeature names seen at fit time, yet now missing:\n- "
                    + "\n- ".join(str(name) for name in missing[:5])
                )
            extra = len(set(where) - set(self.columns))
            if extra:
                warnings.warn(
                    f"{extra} column(s) that were not there at fit time are ignored.",
                    UserWarning,
                    stacklevel=3,
                )
            return {p.position: where[p.name] for p in self.plan}
        if frame.shape[1] != len(self.columns):
            raise ValueError(
                f"X has {frame.shape[1]} features, but TableEncoder is expecting "
                f"{len(self.columns)} features as input."
            )
        return {p.position: p.position for p in self.plan}


def encode_column(values: pd.Series, column: ColumnPlan) -> np.ndarray:
    """Return one column as float64, NaN where missing or unreadable."""
    if column.kind == "number":
        return read_numbers(values)
    if column.kind == "boolean":
        return _read_booleans(values)
    if column.kind == "date":
        return read_dates(values, column.date_format)
    return _read_levels(values, column.levels)


def is_textual(values: pd.Series) -> bool:
    """Return whether cells are Python objects, strings or categories of them."""
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        dtype = dtype.categories.dtype
    return bool(pd.api.types.is_object_dtype(dtype) or pd.api.types.is_string_dtype(dtype))


def read_numbers(values: pd.Series) -> np.ndarray:
    """Return numbers, booleans, durations or numbers written as text as float64."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    if pd.api.types.is_timedelta64_dtype(values.dtype):
        return values.dt.total_seconds().to_numpy(dtype=np.float64)
    if not is_textual(values):
        if pd.api.types.is_numeric_dtype(values.dtype):
            array = values.to_numpy(dtype=np.float64, na_value=np.nan)
            return _finite(array)
        values = values.astype(object)
    codes, uniques = factorize(values)
    numbers, _ = parse_numbers(uniques)
    return take_or_nan(_finite(numbers), codes)


def _finite(array: np.ndarray) -> np.ndarray:
    """Return ``array`` with NaN for infinity, within what float32 can hold."""
    finite = np.isfinite(array)
    if not finite.all():
        array = np.where(finite, array, np.nan)
    if array.size and np.nanmax(np.abs(array), initial=0.0) > LARGEST:
        array = np.clip(array, -LARGEST, LARGEST)
    return array


def _read_booleans(values: pd.Series) -> np.ndarray:
    if pd.api.types.is_numeric_dtype(values.dtype):
        return read_numbers(values)
    codes, uniques = factorize(values)
    words = [str(u).strip().lower() for u in uniques]
    flags = [1.0 if w in _TRUE else 0.0 if w in _FALSE else np.nan for w in words]
    return take_or_nan(np.array(flags, dtype=np.float64), codes)


def read_dates(values: pd.Series, date_format: str | None) -> np.ndarray:
    """Return time stamps, or dates written as text, as seconds since 1970."""
    if isinstance(values.dtype, pd.PeriodDtype):
        values = values.dt.to_timestamp()
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return parse_dates(values, None)
    codes, uniques = factorize(values.astype(object))
    written = [u.strip() if isinstance(u, str) else u for u in uniques]
    seconds = parse_dates(pd.Series(written, dtype=object), date_format)
    return take_or_nan(seconds, codes)


def _read_levels(values: pd.Series, levels: tuple[str, ...]) -> np.ndarray:
    codes, uniques = factorize(values)
    known = {level: float(i) for i, level in enumerate(levels)}
    unseen = float(len(levels))
    position = [known.get(level_name(u), unseen) for u in uniques]
    return take_or_nan(np.array(position, dtype=np.float64), codes)


def as_text(values: pd.Series) -> np.ndarray:
    """Return the cells as strings, empty where missing."""
    codes, uniques = factorize(values)
    words = np.array([str(u) for u in uniques] + [""], dtype=object)
    return words[codes]


def level_name(value: Any) -> str:
    """Return how a category's level is written: 1 and 1.0 are the same level."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def factorize(values: pd.Series) -> tuple[np.ndarray, list[Any]]:
    """Return codes (-1 where missing) and the distinct cells."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return values.cat.codes.to_numpy(), list(values.cat.categories)
    codes, uniques = pd.factorize(values, use_na_sentinel=True)
    return codes, list(uniques)


def take_or_nan(table: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return ``table[codes]`` with NaN for the code -1."""
    return np.append(table, np.nan)[codes]
