"""Raw table to numbers, without learning from the rows.

The first step of every deployed pipeline: it travels inside the model's pickle by
value, with the reading of cells, so neither imports more of this library. Numbers,
booleans and dates become float64, categories become the position of their level, text
stays text. What is lost is only the spelling of a missing value.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from automl.encoding_cells import (
    MISSING_SPELLINGS,
    as_text,
    factorize,
    is_textual,
    is_unicode,
    level_name,
    parse_dates,
    parse_numbers,
    read_booleans,
    read_dates,
    read_numbers,
    take_or_nan,
)

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = [
    "MISSING_SPELLINGS",
    "ColumnPlan",
    "TableEncoder",
    "as_frame",
    "as_text",
    "encode_column",
    "factorize",
    "is_textual",
    "is_unicode",
    "level_name",
    "parse_dates",
    "parse_numbers",
    "read_dates",
    "read_numbers",
    "take_or_nan",
]


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
        A category's levels, sorted unless the user gave them an order; their
        positions are the codes.
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
    elif isinstance(X, dict) or _holds_records(X):
        frame = _frame_of_names(X)
    elif _is_other_table(X):
        frame = _frame_of_table(X)
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


def has_names(frame: pd.DataFrame) -> bool:
    """Return whether the columns have names of their own, and are not just counted.

    Examples
    --------
    >>> has_names(pd.DataFrame({2023: [1], 2024: [2]})), has_names(pd.DataFrame([[1]]))
    (True, False)
    """
    names: list[Any] = list(frame.columns)
    return names != list(range(len(names)))


def _is_other_table(X: Any) -> bool:
    """Return whether this is a table of polars, Arrow or another such library."""
    library = type(X).__module__.partition(".")[0]
    known = library in ("polars", "pyarrow")  # polars 2 has no __dataframe__
    return (known and hasattr(X, "columns")) or hasattr(X, "__dataframe__")


def _frame_of_table(X: Any) -> pd.DataFrame:
    import narwhals

    table = narwhals.from_native(X, eager_only=True)
    try:
        frame: pd.DataFrame = table.to_pandas()
    except ModuleNotFoundError:  # polars converts by way of Arrow
        columns = {name: table[name].to_numpy() for name in table.columns}
        return pd.DataFrame(columns)
    return frame


def _holds_records(X: Any) -> bool:
    """Return whether this is a list of mappings, or an array with named fields."""
    if isinstance(X, list):
        return bool(X) and all(isinstance(row, dict) for row in X)
    return isinstance(X, np.ndarray) and X.dtype.names is not None


def _frame_of_names(X: Any) -> pd.DataFrame:
    try:
        return pd.DataFrame(X)
    except ValueError:
        raise ValueError(
            "The columns of X differ in length, or are none; lists of one length were "
            "expected. Fill the short ones with None."
        ) from None


def _frame_of_array(X: Any) -> pd.DataFrame:
    array = _read_array(X)
    if array.ndim != 2:
        shape = "a scalar" if array.ndim == 0 else f"{array.ndim}D array"
        raise ValueError(
            f"Expected 2D array, got {shape} instead. Reshape your data either using "
            "array.reshape(-1, 1) if your data has a single feature or "
            "array.reshape(1, -1) if it contains a single sample."
        )
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if isinstance(X, list | tuple) and array.dtype.kind in "US":
        # numpy writes the numbers and the missing cells of mixed rows as text
        array = np.asarray(X, dtype=object)
    if array.dtype == object:
        columns = [pd.Series(column, dtype=object) for column in array.T]
        if not columns:
            return pd.DataFrame(array)
        table = pd.concat(columns, axis=1, ignore_index=True)
        return table.infer_objects()
    return pd.DataFrame(array, copy=False)


def _read_array(X: Any) -> np.ndarray:
    if isinstance(X, str | bytes) or not (
        hasattr(X, "__array__") or isinstance(X, list | tuple)
    ):
        raise TypeError(
            f"X must be a table (DataFrame, array or list of rows). Got "
            f"{type(X).__name__}."
        )
    if isinstance(X, np.ma.MaskedArray) and X.ndim == 2:
        return pd.DataFrame(X).to_numpy()
    try:
        return np.asarray(X)
    except ValueError as error:
        if "inhomogeneous" not in str(error):
            raise
        raise ValueError(
            "The rows of X differ in length; a table was expected, where each row has "
            "one cell for each column. Fill the short rows with None."
        ) from None
    except (ArithmeticError, AttributeError, LookupError, RuntimeError) as error:
        raise TypeError(
            f"X must be a table (DataFrame, array or list of rows). Got "
            f"{type(X).__name__}, which cannot be read as an array."
        ) from error


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
        Whether columns are found by name (those of the table that was fitted were not
        just counted) or by position.

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
        if self.named and has_names(frame):
            where = {_key(name): i for i, name in enumerate(frame.columns)}
            missing = [p.name for p in self.plan if _key(p.name) not in where]
            if missing:
                raise ValueError(
                    "The feature names should match those that were passed during fit."
                    "\nFeature names seen at fit time, yet now missing:\n- "
                    + "\n- ".join(str(name) for name in missing[:5])
                )
            if len(where) < frame.shape[1]:
                raise ValueError(
                    "Column names stand more than once; names must differ. Rename or "
                    "drop the copies."
                )
            extra = len(set(where) - {_key(name) for name in self.columns})
            if extra:
                warnings.warn(
                    f"{extra} column(s) that were not there at fit time are ignored.",
                    UserWarning,
                    stacklevel=3,
                )
            return {p.position: where[_key(p.name)] for p in self.plan}
        if frame.shape[1] != len(self.columns):
            raise ValueError(
                f"X has {frame.shape[1]} features, but TableEncoder is expecting "
                f"{len(self.columns)} features as input."
            )
        return {p.position: p.position for p in self.plan}


def _key(name: Any) -> Any:
    """Return what finds a name in a mapping: NaN is not equal to itself."""
    return ("", "NaN") if isinstance(name, float) and np.isnan(name) else name


def encode_column(values: pd.Series, column: ColumnPlan) -> np.ndarray:
    """Return one column as float64, NaN where missing or unreadable."""
    if column.kind == "number":
        return read_numbers(values)
    if column.kind == "boolean":
        return read_booleans(values)
    if column.kind == "date":
        return read_dates(values, column.date_format)
    return _read_levels(values, column.levels)


def _other_spelling(level: str) -> str:
    """Return a whole number without its point, or with one; other texts as they are.

    Examples
    --------
    >>> _other_spelling("1.0"), _other_spelling("1"), _other_spelling("v2.0")
    ('1', '1.0', 'v2.0')
    """
    bare = level.removesuffix(".0")
    if not bare.removeprefix("-").isdecimal():
        return level
    return bare if bare != level else f"{level}.0"


def _read_levels(values: pd.Series, levels: tuple[str, ...]) -> np.ndarray:
    """Return the places of levels; a whole number is one level, as 1 and as 1.0."""
    codes, uniques = factorize(values)
    known = {level: float(i) for i, level in enumerate(levels)}
    unseen = float(len(levels))
    names = [level_name(u) for u in uniques]
    position = [known.get(n, known.get(_other_spelling(n), unseen)) for n in names]
    return take_or_nan(np.array(position, dtype=np.float64), codes)
