"""Tables of any library to DataFrames, and whether their columns have names.

Below the table's encoder, and with it inside the model's pickle by value, so this
module imports nothing of this library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "as_fitted",
    "as_frame",
    "has_names",
    "is_labelled",
    "name_key",
]


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
    elif hasattr(type(X), "collect") and hasattr(type(X), "lazy"):
        raise TypeError(
            f"X must be a table in memory. Got {type(X).__name__}, which is still to "
            "be read: use X.collect()."
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


def is_labelled(X: Any) -> bool:
    """Return whether this is a table whose columns have labels, unlike an array's.

    Examples
    --------
    >>> is_labelled(pd.DataFrame([[1, 2]])), is_labelled([[1, 2]])
    (True, False)
    """
    return isinstance(X, pd.DataFrame | dict) or _holds_records(X) or _is_other_table(X)


def as_fitted(frame: pd.DataFrame, names: Iterable[Any]) -> pd.DataFrame:
    """Return a table of all columns of fit, in their order, with their own names.

    Examples
    --------
    >>> list(as_fitted(pd.DataFrame([[1, 2]]), [("a", 1), 2023]))
    [('a', 1), 2023]
    """
    own = np.empty(frame.shape[1], dtype=object)  # pairs stay pairs
    own[:] = list(names)
    return frame.set_axis(pd.Index(own, dtype=object, tupleize_cols=False), axis=1)


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
        return pd.DataFrame(
            {name: _plain_values(table[name]) for name in table.columns}
        )
    return frame


def _plain_values(column: Any) -> Any:
    """Return the values of a column of polars; moments in their zone, not in UTC."""
    values, zone = column.to_numpy(), getattr(column.dtype, "time_zone", None)
    if zone is None:
        return values
    return pd.Series(values).dt.tz_localize("UTC").dt.tz_convert(zone)


def _holds_records(X: Any) -> bool:
    """Return whether this is a list of mappings, or an array with named fields."""
    if isinstance(X, list):
        return bool(X) and all(isinstance(row, dict) for row in X)
    return isinstance(X, np.ndarray) and X.dtype.names is not None


def _frame_of_names(X: Any) -> pd.DataFrame:
    try:
        return pd.DataFrame(X)
    except ValueError:
        if isinstance(X, dict) and all(np.ndim(cell) == 0 for cell in X.values()):
            raise ValueError(
                "X is a single row of names and cells; a table was expected. Put it "
                "into a list: [row]."
            ) from None
        raise ValueError(
            "The columns of X differ in length, or are none; lists of one length were "
            "expected. Fill the short ones with None."
        ) from None


def _frame_of_array(X: Any) -> pd.DataFrame:
    array = _read_array(X)
    if array.ndim != 2:
        shape = "a scalar" if array.ndim == 0 else f"{array.ndim}D array"
        if isinstance(X, pd.Series):
            raise ValueError(
                "Expected 2D array, got 1D array instead: a Series is no table. Use "
                "X.to_frame() for a column, X.to_frame().T for a row."
            )
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


def name_key(name: Any) -> Any:
    """Return what finds a name in a mapping: NaN is not equal to itself.

    Examples
    --------
    >>> name_key("a"), name_key(float("nan"))
    ('a', ('', 'NaN'))
    """
    return ("", "NaN") if isinstance(name, float) and np.isnan(name) else name
