"""The user's table and target as they came: found, named, and of one length.

Between target and table. Every complaint about their shape is raised here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from automl.encoding import as_frame, is_unicode
from automl.encoding_frame import has_names
from automl.exceptions import AutoMLDataError, named, suggestion
from automl.target import as_series

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

__all__ = [
    "as_trained", "check_shape", "has_column", "is_name", "read_frame", "read_target",
    "split_target", "take_column",
]  # fmt: skip

MIN_ROWS = 2
"""One row to learn from and one to score on."""


def read_frame(X: Any) -> pd.DataFrame:
    """Return the table as a DataFrame whose columns have names of their own.

    Raises
    ------
    AutoMLDataError
        If it is no table (``E-type``, ``E-shape``), holds complex numbers
        (``E-cell-type``), or has names that are no text (``E-encoding``) or stand
        twice (``E-duplicate-columns``).

    Examples
    --------
    >>> read_frame({"a": [1, 2]}).shape
    (2, 1)
    """
    if X is None:
        raise AutoMLDataError("X is None; a table was expected.", code="E-type")
    try:
        frame = as_frame(X)
    except UnicodeError:
        raise AutoMLDataError(
            "X holds text that is no Unicode (a lone surrogate).",
            code="E-encoding",
            hint="Convert it to valid text first.",
        ) from None
    except TypeError as error:
        raise AutoMLDataError(str(error), code="E-type") from None
    except ValueError as error:
        code = "E-cell-type" if str(error).startswith("Complex") else "E-shape"
        raise AutoMLDataError(str(error), code=code) from None
    except Exception:  # noqa: BLE001 - whatever the object's own code raises
        raise AutoMLDataError(
            f"X must be a table. Got {type(X).__name__}, which cannot be read.",
            code="E-type",
            hint="Convert it to a DataFrame first.",
        ) from None
    _check_names(frame)
    return frame


def _check_names(frame: pd.DataFrame) -> None:
    """Refuse names that differ from no other one, or are no text at all."""
    repeated = frame.columns[frame.columns.duplicated()]
    if len(repeated):
        raise AutoMLDataError(
            f"The column name {named(repeated[0])} stands more than once; names must "
            "differ.",
            code="E-duplicate-columns",
            column=repeated[0],
            hint="Rename or drop the copies.",
        )
    for position, name in enumerate(frame.columns):
        if not is_unicode(str(name)):
            raise AutoMLDataError(
                f"The name of column {position} is no Unicode (a lone surrogate).",
                code="E-encoding",
                column=name,
                hint="Rename it.",
            )


def split_target(X: Any, y: Any) -> tuple[Any, Any]:
    """Return features and target apart, where ``y`` names a column of ``X``.

    Examples
    --------
    >>> X, y = split_target(pd.DataFrame([[1, 2], [3, 4]]), 1)
    >>> list(X.columns), y.tolist()
    ([0], [2, 4])
    """
    if isinstance(y, str | int | tuple):
        frame = read_frame(X)
        if is_name(frame, y):
            return read_target(frame, y)[:2]
    return X, y


def read_target(frame: pd.DataFrame, y: Any) -> tuple[pd.DataFrame, pd.Series, str]:
    """Return the features, the target's values and what to call it.

    Raises
    ------
    AutoMLDataError
        If there is no target (``E-target-missing``), or it is no column.

    Examples
    --------
    >>> _, values, name = read_target(pd.DataFrame({"a": [1, 2], "b": [3, 4]}), "b")
    >>> values.tolist(), name
    ([3, 4], 'b')
    """
    if y is None:
        raise AutoMLDataError(
            "y is None: this estimator requires y to be passed, but the target y is "
            "None.",
            code="E-target-missing",
            hint="Pass the target values or the name of their column in X.",
        )
    if is_name(frame, y):
        names = list(frame.columns)
        if y not in names:
            raise AutoMLDataError(
                f"The target column {named(y)} is not in the table.",
                code="E-target-missing",
                column=y,
                hint=suggestion(y, [str(c) for c in names][:1000]),
            )
        rest, values = _without(frame, names.index(y))
        return rest, values, str(y)
    values = as_series(y)
    name = getattr(values, "name", None)
    if isinstance(values, pd.Series) and isinstance(name, str) and name:
        return frame, values, name
    return frame, values, "target"


def take_column(
    frame: pd.DataFrame, given: Any, what: str, *, drop: bool
) -> tuple[pd.DataFrame, Any]:
    """Return the values of ``groups=`` or its like, which may name a column.

    Raises
    ------
    AutoMLDataError
        If there is no such column (``E-groups``, ``E-time``, ``E-weight``).

    Examples
    --------
    >>> rest, values = take_column(pd.DataFrame({"a": [1], "g": [2]}), "g", "groups",
    ...                            drop=True)
    >>> list(rest.columns), values.tolist()
    (['a'], [2])
    """
    if not is_name(frame, given):
        return frame, given
    names = list(frame.columns)
    if given not in names:
        hint = suggestion(given, [str(c) for c in names][:1000])
        if given in frame.index.names:
            hint = "It is the index: give its values, or use X.reset_index()."
        raise AutoMLDataError(
            f"{what}={named(given)} names no column of X.",
            code=f"E-{what.removeprefix('sample_')}",
            column=given,
            hint=hint,
        )
    rest, values = _without(frame, names.index(given))
    return (rest if drop else frame), values


def is_name(frame: pd.DataFrame, given: Any) -> bool:
    """Return whether this is a column's name: text, or a number or pair that is one."""
    if isinstance(given, int | tuple) and not isinstance(given, bool):
        names: list[Any] = list(frame.columns)
        return given in names
    return isinstance(given, str)


def has_column(frame: pd.DataFrame, given: Any) -> bool:
    """Return whether this is a column's name, and the column is there."""
    return is_name(frame, given) and given in frame.columns


def as_trained(frame: pd.DataFrame, columns: Sequence[Hashable]) -> pd.DataFrame:
    """Return rows whose columns have places for names with those of training features.

    Places count the target and groups beside the features as well: of rows that have
    neither, a place is another.

    Examples
    --------
    >>> as_trained(pd.DataFrame([[5, 6]]), (1, 3)).columns.tolist()
    [1, 3]
    >>> as_trained(pd.DataFrame([[5, 6, 0]]), (1, 3)).columns.tolist()
    [0, 1, 2]
    """
    if has_names(frame) or frame.shape[1] != len(columns):
        return frame
    return frame.set_axis(pd.Index(columns, tupleize_cols=False), axis=1)


def _without(frame: pd.DataFrame, place: int) -> tuple[pd.DataFrame, pd.Series]:
    """Return a table without a column, and the column; by place, not by a level."""
    others = [i for i in range(frame.shape[1]) if i != place]
    return frame.iloc[:, others], frame.iloc[:, place]


def check_shape(frame: pd.DataFrame, y: pd.Series) -> None:
    """Refuse a table without columns, without rows, or of another length than y.

    Raises
    ------
    AutoMLDataError
        ``E-empty``, ``E-length`` or ``E-too-few``.
    """
    n_rows, n_columns = frame.shape
    if n_columns == 0:
        raise AutoMLDataError(
            f"X is empty: 0 feature(s) (shape=({n_rows}, 0)) while a minimum of 1 is "
            "required.",
            code="E-empty",
        )
    if n_rows == 0:
        raise AutoMLDataError(
            f"X is empty: 0 sample(s) (shape=(0, {n_columns})) while a minimum of "
            f"{MIN_ROWS} is required.",
            code="E-empty",
        )
    if n_rows != len(y):
        raise AutoMLDataError(
            f"Found input variables with inconsistent numbers of samples: X has "
            f"{n_rows} rows and y has {len(y)}.",
            code="E-length",
            hint="Give each row one target.",
        )
    if n_rows < MIN_ROWS:
        raise AutoMLDataError(
            f"X has n_samples={n_rows}; at least {MIN_ROWS} rows were expected.",
            code="E-too-few",
        )
