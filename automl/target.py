"""The target: which task it asks for, and its classes or numbers.

Between metrics and table. Every complaint about `y` is raised here.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.multiclass import type_of_target

from automl.encoding import is_unicode
from automl.encoding_cells import factorize, parse_numbers, take_or_nan
from automl.exceptions import AutoMLConfigError, AutoMLDataError
from automl.metrics import TASKS, task_of_metric

__all__ = [
    "as_series", "encode_target", "find_task", "first_rows", "name_task",
    "numbers_or_nan",
]  # fmt: skip

FEW_ROWS = 10
"""Below this, no estimate of quality means anything."""

MAX_CLASS_VALUES = 20
"""Whole numbers with at most so many values are classes (mljar's rule, too)."""


def first_rows(mask: np.ndarray, kept: np.ndarray | None = None) -> tuple[int, ...]:
    """Return the first five rows at fault, as the caller counts them.

    Parameters
    ----------
    mask : array of bool
        Which rows are at fault.
    kept : array of int, default=None
        Which of the caller's rows these are, if not all.

    Examples
    --------
    >>> first_rows(np.array([False, True]), np.array([0, 7]))
    (7,)
    """
    places = np.flatnonzero(mask)[:5]
    return tuple((places if kept is None else kept[places]).tolist())


def as_series(y: Any, *, what: str = "y", stacklevel: int = 5) -> pd.Series:
    """Return one value for each row as a Series; the caller's memory is not written to.

    Parameters
    ----------
    y : Series, array, list, or a polars or Arrow column
        With one dimension, or two of which the second is 1.
    what : str, default="y"
        What to call it in a complaint.
    stacklevel : int, default=5
        Of the warning about a column vector.

    Raises
    ------
    AutoMLDataError
        If it is something else (``E-type``, ``E-multioutput``).

    Examples
    --------
    >>> as_series([1, "a"]).tolist()
    [1, 'a']
    """
    if isinstance(y, pd.Series):
        return y
    if hasattr(y, "tocsr"):
        raise AutoMLDataError(
            "Sparse target is not supported: y must be a plain array.",
            code="E-type",
            hint="Use y.toarray().ravel().",
        )
    if isinstance(y, pd.DataFrame) and y.shape[1] == 1:
        return y.iloc[:, 0]
    if isinstance(y, pd.Index | pd.api.extensions.ExtensionArray):
        return pd.Series(y)
    array = _array_of(y, what)
    if array.dtype.kind == "c":
        raise AutoMLDataError(
            f"Complex data not supported: {what} holds complex numbers.", code="E-type"
        )
    if array.ndim == 2 and array.shape[1] == 1:
        from sklearn.exceptions import DataConversionWarning

        warnings.warn(
            "A column-vector y was passed when a 1d array was expected; it is read "
            "as one column.",
            DataConversionWarning,
            stacklevel=stacklevel,
        )
        array = array.ravel()
    if array.ndim != 1:
        code = "E-multioutput" if array.ndim else "E-type"
        raise AutoMLDataError(
            f"{what} should be a 1d array: one column was expected, got an array of "
            f"shape {array.shape} instead.",
            code=code if what in ("y", "y_test") else f"E-{what}",
            hint="Fit one model for each target." if what == "y" else "",
        )
    name = getattr(y, "name", None)
    return pd.Series(array, name=name if isinstance(name, str) else None)


def _array_of(y: Any, what: str) -> np.ndarray:
    if isinstance(y, np.ma.MaskedArray) and y.ndim == 1:
        return pd.Series(y).to_numpy()
    try:
        if isinstance(y, pd.DataFrame):
            return y.to_numpy()
        if isinstance(y, list | tuple) or (
            hasattr(y, "__array__") and not isinstance(y, str | bytes)
        ):
            array: np.ndarray | None = np.asarray(y)
        elif type(y).__module__.startswith("pyarrow"):
            array = np.asarray(y.to_pandas())
        else:
            array = None
    except Exception:  # noqa: BLE001 - whatever the object's own code raises
        raise AutoMLDataError(
            f"{what} must be a column of values or a column's name. Got "
            f"{type(y).__name__}, which cannot be read.",
            code="E-type",
            hint="Convert it to an array first.",
        ) from None
    if array is None:
        raise AutoMLDataError(
            f"{what} must be a column of values or a column's name. Got "
            f"{type(y).__name__}.",
            code="E-type",
        )
    if isinstance(y, list | tuple) and array.ndim == 1 and array.dtype.kind in "US":
        # numpy writes the numbers and the missing values of a mixed list as text
        array = np.array([*y, None], dtype=object)[:-1]
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return array


def find_task(
    y: pd.Series, task: str, metric: Any, kept: np.ndarray | None = None
) -> tuple[str, str]:
    """Return ``classification`` or ``regression`` and the reason.

    ``kept`` says which of the caller's rows these are, if not all.

    Raises
    ------
    AutoMLConfigError
        If the task is unknown (``E-task``).
    AutoMLDataError
        If target values are missing (``E-target-missing``).

    Examples
    --------
    >>> find_task(pd.Series(["yes", "no"]), "auto", "auto")
    ('classification', 'the target holds words')
    """
    if task not in ("auto", "classification", *TASKS):
        raise AutoMLConfigError(
            f"task={task!r} is unknown; auto, binary, multiclass, classification or "
            "regression was expected.",
            code="E-task",
        )
    missing = y.isna().to_numpy()
    if missing.any():
        rows = first_rows(missing, kept)
        raise AutoMLDataError(
            f"Input y contains NaN: {int(missing.sum())} of {len(y)} target values are "
            f"missing, the first in row {rows[0]}.",
            code="E-target-missing",
            rows=rows,
            hint="Drop these rows, or use drop_missing_target=True "
            "(--drop-missing-target).",
        )
    if task != "auto":
        found = "regression" if task == "regression" else "classification"
        return found, f"task={task!r} was asked for"
    by_metric = task_of_metric(metric)
    if by_metric is not None:
        return by_metric, f"metric={metric!r} is for {by_metric}"
    return _task_of_values(y)


def _task_of_values(y: pd.Series) -> tuple[str, str]:
    dtype = y.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return "classification", "the target holds categories"
    if pd.api.types.is_bool_dtype(dtype):
        return "classification", "the target is true or false"
    numbers = numbers_or_nan(y)
    if np.isnan(numbers).any():
        if getattr(dtype, "kind", "") in "Mm" or isinstance(dtype, pd.PeriodDtype):
            raise AutoMLDataError(
                "The target holds dates or durations; numbers or classes were "
                "expected.",
                code="E-target-type",
                hint="Convert it, such as with (y - y.min()).dt.total_seconds().",
            )
        return "classification", "the target holds words"
    n_values = len(np.unique(numbers))
    whole = bool((numbers == np.floor(numbers)).all())
    if n_values == 2 and whole:
        return "classification", "the target has 2 values; task='regression' overrides"
    if whole and n_values <= MAX_CLASS_VALUES and n_values <= max(2, len(y) / 10):
        reason = f"the target has {n_values} whole values; task='regression' overrides"
        return "classification", reason
    reason = f"the target holds {n_values} different numbers; "
    return "regression", reason + "task='classification' overrides"


def encode_target(
    y: pd.Series, found: str, task: str, kept: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return codes and classes, or numbers and None.

    ``kept`` says which of the caller's rows these are, if not all.

    Raises
    ------
    AutoMLDataError
        If the values suit no such task; the ``code`` says why.
    AutoMLConfigError
        If there are more than two classes for ``task="binary"``, or two for
        ``task="multiclass"`` (``E-task``).

    Examples
    --------
    >>> codes, classes = encode_target(pd.Series(["b", "a"]), "classification", "auto")
    >>> codes.tolist(), classes.tolist()
    ([1, 0], ['a', 'b'])
    """
    if found == "regression":
        return _numbers_of(y, kept), None
    _check_class_labels(y, kept)
    labels = y.to_numpy()
    if isinstance(y.dtype, pd.CategoricalDtype) or labels.dtype.kind not in "iufbUS":
        # nullable and Arrow numbers come out as plain ones, texts stay objects
        objects = y.astype(object).to_numpy(dtype=object)
        kind = pd.api.types.infer_dtype(objects)
        plain = {"integer": np.int64, "boolean": np.bool_, "floating": np.float64}
        try:
            labels = objects.astype(plain.get(kind, object))
        except OverflowError:
            labels = objects
    try:
        classes, codes = np.unique(labels, return_inverse=True)
    except TypeError:
        raise AutoMLDataError(
            "The target mixes types (such as text and numbers), so its classes cannot "
            "be told apart; one type was expected.",
            code="E-target-mixed",
            hint="Convert it with .astype(str).",
        ) from None
    if not all(is_unicode(c) for c in classes if isinstance(c, str)):
        raise AutoMLDataError(
            "The target holds text that is no Unicode (a lone surrogate).",
            code="E-encoding",
            hint="Convert it to valid text first.",
        )
    _check_classes(classes, codes, task)
    return codes.astype(np.int64), classes


def numbers_or_nan(y: pd.Series) -> np.ndarray:
    """Return a copy as float64, NaN where there is no number; text as in a column.

    Examples
    --------
    >>> numbers_or_nan(pd.Series(["45,000", "1e3", "much"])).tolist()
    [45000.0, 1000.0, nan]
    """
    if isinstance(y.dtype, pd.CategoricalDtype):
        y = y.astype(y.dtype.categories.dtype)
    if not pd.api.types.is_numeric_dtype(y.dtype):
        kind = getattr(y.dtype, "kind", "O")
        if kind in "Mm" or isinstance(y.dtype, pd.PeriodDtype | pd.IntervalDtype):
            return np.full(len(y), np.nan)
        codes, cells = factorize(y.astype(object))
        return take_or_nan(parse_numbers(cells)[0], codes)
    with np.errstate(over="ignore"):
        return np.array(y.to_numpy(dtype=np.float64, na_value=np.nan), copy=True)


def _numbers_of(y: pd.Series, kept: np.ndarray | None) -> np.ndarray:
    numbers = numbers_or_nan(y)
    if np.isnan(numbers).any():
        raise AutoMLDataError(
            f"The target of a regression must hold numbers; "
            f"{int(np.isnan(numbers).sum())} of {len(y)} values are none.",
            code="E-target-type",
            rows=first_rows(np.isnan(numbers), kept),
            hint="Use task='classification', or convert them.",
        )
    if np.isinf(numbers).any():
        raise AutoMLDataError(
            f"Input y contains infinity: {int(np.isinf(numbers).sum())} of {len(y)} "
            "values.",
            code="E-target-inf",
            rows=first_rows(np.isinf(numbers), kept),
            hint="Drop these rows.",
        )
    return numbers


def _check_class_labels(y: pd.Series, kept: np.ndarray | None) -> None:
    if not pd.api.types.is_float_dtype(y.dtype):
        return
    values = y.to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isinf(values).any():
        raise AutoMLDataError(
            f"Input y contains infinity: {int(np.isinf(values).sum())} of {len(y)} "
            "values.",
            code="E-target-inf",
            rows=first_rows(np.isinf(values), kept),
            hint="Drop these rows.",
        )
    if (values != np.floor(values)).any():
        raise AutoMLDataError(
            "Unknown label type: continuous. The target of a classification must hold "
            "classes; fractions came.",
            code="E-target-type",
            hint="Use task='regression', or y.astype(str).",
        )


def _check_classes(classes: np.ndarray, codes: np.ndarray, task: str) -> None:
    unread = isinstance(classes[0], bytes)  # scikit-learn has an error of its own
    if unread or type_of_target(classes) not in ("binary", "multiclass"):
        raise AutoMLDataError(
            f"Unknown label type: classes of type {type(classes[0]).__name__} are not "
            "understood by learners; numbers or text were expected.",
            code="E-target-type",
            hint="Convert them with y.astype(str).",
        )
    if len(classes) < 2:
        raise AutoMLDataError(
            "The target has only one class (1 class); at least 2 were expected, "
            "since there is nothing to tell apart.",
            code="E-one-class",
            hint="Check how the rows were chosen.",
        )
    other = {"binary": "multiclass", "multiclass": "binary"}.get(task)
    if other is not None and (task == "binary") != (len(classes) == 2):
        raise AutoMLConfigError(
            f"task={task!r} was asked for, but the target has {len(classes)} classes.",
            code="E-task",
            hint=f"Use task={other!r} or leave it out.",
        )
    if len(classes) == len(codes) and len(codes) > FEW_ROWS:
        raise AutoMLDataError(
            f"Every row has a class of its own ({len(classes)} classes), so nothing "
            "can be learnt.",
            code="E-target-id-like",
            hint="Take another column: this one is an identifier.",
        )


def name_task(found: str, classes: np.ndarray | None) -> str:
    """Return the task's full name, by the number of classes.

    Examples
    --------
    >>> name_task("classification", np.array(["a", "b"]))
    'binary'
    """
    if found == "regression" or classes is None:
        return "regression"
    return "binary" if len(classes) == 2 else "multiclass"
