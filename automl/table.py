"""The user's data, checked and encoded: the first stop on the way of the data.

Every complaint about the data is raised here, before any worker starts, once, without
a cell value. Nothing here is estimated from the rows: what is learnt is learnt inside
the folds.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from automl.encoding import TableEncoder, as_frame, parse_dates
from automl.exceptions import AutoMLConfigError, AutoMLDataError, AutoMLWarning
from automl.kinds import Column, describe_column
from automl.metrics import TASKS, task_of_metric

__all__ = ["Table", "make_table"]

MIN_ROWS = 2
"""One row to learn from and one to score on."""

FEW_ROWS = 10
"""Below this, no estimate of quality means anything."""

MAX_CLASS_VALUES = 20
"""Whole numbers with at most so many values are classes (mljar's rule, too)."""


@dataclass(frozen=True)
class Table:
    """What the search works on.

    Attributes
    ----------
    X : DataFrame of shape (n_rows, n_used_columns)
        Encoded: float64, text columns as strings; named ``f0``, ``f1``, ….
    y : array of shape (n_rows,)
        Codes of the classes (int64), or float64.
    task : str
        ``binary``, ``multiclass`` or ``regression``.
    task_reason : str
        Why, and how to choose otherwise.
    classes : array of shape (n_classes,) or None
        The user's labels, sorted; codes are positions here.
    target : str
        What to call the target.
    columns : tuple of Column
        All columns of the user's table, the left out ones too.
    encoder : TableEncoder
        From a raw table to `X`.
    groups, time, sample_weight : array of shape (n_rows,) or None
        As given, checked.
    kept : array of int or None
        Positions of the given rows that are here, if some had weight zero.
    fingerprint : str
        SHA-256 of the encoded data.
    notes : tuple of str
        What was decided about the data, in sentences.
    """

    X: pd.DataFrame
    y: np.ndarray
    task: str
    task_reason: str
    classes: np.ndarray | None
    target: str
    columns: tuple[Column, ...]
    encoder: TableEncoder
    groups: np.ndarray | None = None
    time: np.ndarray | None = None
    sample_weight: np.ndarray | None = None
    kept: np.ndarray | None = None
    fingerprint: str = ""
    notes: tuple[str, ...] = field(default_factory=tuple)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.y)

    @property
    def n_classes(self) -> int:
        """Number of classes; 0 for regression."""
        return 0 if self.classes is None else len(self.classes)

    @property
    def is_classification(self) -> bool:
        """Whether the target is a class."""
        return self.task != "regression"

    @property
    def used(self) -> tuple[Column, ...]:
        """The columns that pipelines see."""
        return tuple(c for c in self.columns if c.used)

    def ids(self, *kinds: str) -> list[str]:
        """Return the ids of the used columns of these kinds, in order."""
        return [c.id for c in self.columns if c.used and c.kind in kinds]


def make_table(
    X: Any,
    y: Any,
    *,
    task: str = "auto",
    metric: Any = "auto",
    groups: Any = None,
    time: Any = None,
    sample_weight: Any = None,
) -> Table:
    """Return the checked and encoded data.

    Parameters
    ----------
    X : DataFrame, array, list of rows, mapping, polars or Arrow table
        The features; with the target in it if ``y`` is a column's name.
    y : array-like of shape (n_rows,) or str
        The target, or the name of its column in ``X``.
    task : {"auto", "binary", "multiclass", "classification", "regression"}
        What to predict.
    metric : str or callable
        Decides the task where only one can use it.
    groups, time : array-like of shape (n_rows,) or the name of a column of ``X``
        Rows that belong together; when rows happened. A column so named is no
        feature for groups, and stays one for time.
    sample_weight : array-like of shape (n_rows,), default=None
        Weights of rows; rows of weight zero are left out.

    Raises
    ------
    AutoMLDataError
        If the data cannot be used; its ``code`` says why.
    AutoMLConfigError
        If ``task`` is unknown or does not suit ``y``.

    Examples
    --------
    >>> table = make_table({"age": [30, 40, 50], "job": ["a", "b", "a"]}, [1.5, 2.5, 3])
    >>> table.task, [c.kind for c in table.columns]
    ('regression', ['number', 'category'])
    """
    frame = _read_frame(X)
    frame, y, target = _read_target(frame, y)
    frame, groups = _take_column(frame, groups, "groups", drop=True)
    frame, time = _take_column(frame, time, "time", drop=False)
    _check_shape(frame, y)
    n_rows = len(frame)
    weights = _check_weights(sample_weight, n_rows)
    group_codes = _check_groups(groups, n_rows)
    moments = _check_time(time, n_rows)
    notes: list[str] = []
    keep = None
    if weights is not None and (weights == 0).any():
        keep = np.flatnonzero(weights > 0)
        notes.append(f"{n_rows - len(keep)} rows of weight zero are left out.")
        frame, y, weights = frame.iloc[keep], y.iloc[keep], weights[keep]
        group_codes = None if group_codes is None else group_codes[keep]
        moments = None if moments is None else moments[keep]
        _check_shape(frame, y)
    found, reason = _find_task(y, task, metric)
    codes, classes = _encode_target(y, found, task)
    found = _binary_or_more(found, classes)
    columns = _describe_columns(frame)
    encoder = TableEncoder(
        tuple(c.plan for c in columns if c.used),
        tuple(frame.columns),
        named=any(isinstance(name, str) for name in frame.columns),
    )
    _check_usable(columns)
    encoded = encoder.transform(frame).reset_index(drop=True)
    notes += [f"Column {c.name!r} is {c.reason}." for c in columns if not c.used]
    notes += _target_notes(codes, classes)
    return Table(
        X=encoded,
        y=codes,
        task=found,
        task_reason=reason,
        classes=classes,
        target=target,
        columns=columns,
        encoder=encoder,
        groups=group_codes,
        time=moments,
        sample_weight=weights,
        kept=keep,
        fingerprint=_fingerprint(encoded, codes),
        notes=tuple(notes),
    )


def _read_frame(X: Any) -> pd.DataFrame:
    if X is None:
        raise AutoMLDataError("X is None; a table was expected.", code="E-type")
    try:
        frame = as_frame(X)
    except TypeError as error:
        if "Sparse" in str(error):
            raise
        raise AutoMLDataError(str(error), code="E-type") from None
    except ValueError as error:
        raise AutoMLDataError(str(error), code="E-shape") from None
    repeated = frame.columns[frame.columns.duplicated()]
    if len(repeated):
        raise AutoMLDataError(
            f"The column name {repeated[0]!r} stands more than once; names must "
            "differ. Rename or drop the copies.",
            code="E-duplicate-columns",
            column=repeated[0],
        )
    return frame


def _read_target(frame: pd.DataFrame, y: Any) -> tuple[pd.DataFrame, pd.Series, str]:
    if y is None:
        raise AutoMLDataError(
            "y is None: this estimator requires y to be passed, but the target y is "
            "None. Pass the target values or the name of their column in X.",
            code="E-target-missing",
        )
    if isinstance(y, str):
        if y not in frame.columns:
            from automl.exceptions import suggestion  # noqa: PLC0415

            raise AutoMLDataError(
                f"The target column {y!r} is not in the table. "
                + suggestion(y, [str(c) for c in frame.columns][:50]),
                code="E-target-missing",
                column=y,
            )
        return frame.drop(columns=y), frame[y], y
    values = _as_series(y)
    name = getattr(values, "name", None)
    if isinstance(values, pd.Series) and isinstance(name, str) and name:
        return frame, values, name
    return frame, values, "target"


def _as_series(y: Any) -> pd.Series:
    if isinstance(y, pd.Series):
        return y
    if hasattr(y, "tocsr"):
        raise AutoMLDataError(
            "Sparse target is not supported: y must be a plain array.", code="E-type"
        )
    if isinstance(y, pd.DataFrame):
        if y.shape[1] == 1:
            return y.iloc[:, 0]
        array: Any = y.to_numpy()
    elif not isinstance(y, list | tuple) and not hasattr(y, "__array__"):
        if type(y).__module__.startswith(("polars", "pyarrow")):
            return pd.Series(y.to_numpy())
        raise AutoMLDataError(
            f"y must be a column of values or a column's name. Got {type(y).__name__}.",
            code="E-type",
        )
    else:
        array = np.asarray(y)
    if array.dtype.kind == "c":
        raise AutoMLDataError(
            "Complex data not supported: y holds complex numbers.", code="E-type"
        )
    if array.ndim == 2 and array.shape[1] == 1:  # noqa: PLR2004
        from sklearn.exceptions import DataConversionWarning  # noqa: PLC0415

        warnings.warn(
            "A column-vector y was passed when a 1d array was expected; it is read "
            "as one column.",
            DataConversionWarning,
            stacklevel=5,
        )
        array = array.ravel()
    if array.ndim != 1:
        raise AutoMLDataError(
            f"y should be a 1d array: one target column was expected, got an array of "
            f"shape {array.shape} instead. Fit one model for each target.",
            code="E-multioutput",
        )
    return pd.Series(array)


def _take_column(
    frame: pd.DataFrame, given: Any, what: str, *, drop: bool
) -> tuple[pd.DataFrame, Any]:
    """Return the values of ``groups=`` or ``time=``, which may name a column."""
    if not isinstance(given, str):
        return frame, given
    if given not in frame.columns:
        raise AutoMLDataError(
            f"{what}={given!r} names no column of X.", code=f"E-{what}", column=given
        )
    values = frame[given]
    return (frame.drop(columns=given) if drop else frame), values


def _check_shape(frame: pd.DataFrame, y: pd.Series) -> None:
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
        )
    if n_rows < MIN_ROWS:
        raise AutoMLDataError(
            f"X has n_samples={n_rows}; at least {MIN_ROWS} rows were expected.",
            code="E-too-few",
        )


def _check_weights(given: Any, n_rows: int) -> np.ndarray | None:
    if given is None:
        return None
    try:
        weights = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise AutoMLDataError(
            "sample_weight must hold numbers.", code="E-weight"
        ) from None
    if weights.ndim == 0:
        weights = np.full(n_rows, float(weights))
    if weights.ndim != 1:
        raise AutoMLDataError(
            f"Sample weights must be 1D array or scalar, got {weights.ndim}D.",
            code="E-weight",
        )
    if len(weights) != n_rows:
        raise AutoMLDataError(
            f"sample_weight has {len(weights)} values, X has {n_rows} rows.",
            code="E-weight",
        )
    if not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
        raise AutoMLDataError(
            "sample_weight must be finite, not negative, and not all zero.",
            code="E-weight",
        )
    return weights


def _check_groups(given: Any, n_rows: int) -> np.ndarray | None:
    if given is None:
        return None
    codes, _ = pd.factorize(pd.Series(np.asarray(given)))
    if len(codes) != n_rows:
        raise AutoMLDataError(
            f"groups has {len(codes)} values, X has {n_rows} rows.", code="E-groups"
        )
    if (codes < 0).any():
        raise AutoMLDataError(
            f"groups has {int((codes < 0).sum())} missing values; every row needs one.",
            code="E-groups",
            rows=_first(codes < 0),
        )
    return codes


def _check_time(given: Any, n_rows: int) -> np.ndarray | None:
    if given is None:
        return None
    values = pd.Series(np.asarray(given))
    if pd.api.types.is_numeric_dtype(values.dtype):
        moments = values.to_numpy(dtype=np.float64)
    else:
        moments = parse_dates(values, None)
    if len(moments) != n_rows:
        raise AutoMLDataError(
            f"time has {len(moments)} values, X has {n_rows} rows.", code="E-time"
        )
    if np.isnan(moments).any():
        raise AutoMLDataError(
            f"time has {int(np.isnan(moments).sum())} values that are missing or no "
            "dates; every row needs one.",
            code="E-time",
            rows=_first(np.isnan(moments)),
        )
    return moments


def _first(mask: np.ndarray) -> tuple[int, ...]:
    return tuple(int(i) for i in np.flatnonzero(mask)[:5])


def _find_task(y: pd.Series, task: str, metric: Any) -> tuple[str, str]:
    """Return ``classification`` or ``regression`` and the reason."""
    if task not in ("auto", "classification", *TASKS):
        raise AutoMLConfigError(
            f"task={task!r} is unknown; auto, binary, multiclass, classification or "
            "regression was expected.",
            code="E-task",
        )
    missing = y.isna().to_numpy()
    if missing.any():
        raise AutoMLDataError(
            f"Input y contains NaN: {int(missing.sum())} of {len(y)} target values are "
            f"missing, the first in row {int(np.flatnonzero(missing)[0])}. Drop these "
            "rows.",
            code="E-target-missing",
            rows=_first(missing),
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
    if not pd.api.types.is_numeric_dtype(dtype):
        numbers = pd.to_numeric(y, errors="coerce")
        if numbers.isna().any():
            return "classification", "the target holds words"
        y = numbers
    n_values = y.nunique()
    if n_values == 2:  # noqa: PLR2004
        return "classification", "the target has 2 values; task='regression' overrides"
    whole = bool((y == np.floor(y)).all())
    if whole and n_values <= MAX_CLASS_VALUES and n_values <= max(2, len(y) / 10):
        return (
            "classification",
            f"the target has {n_values} whole values; task='regression' overrides",
        )
    return (
        "regression",
        f"the target holds {n_values} different numbers; "
        "task='classification' overrides",
    )


def _encode_target(
    y: pd.Series, found: str, task: str
) -> tuple[np.ndarray, np.ndarray | None]:
    if found == "regression":
        return _numbers_of(y), None
    _check_class_labels(y)
    labels = y.to_numpy()
    if isinstance(y.dtype, pd.CategoricalDtype) or labels.dtype.kind not in "iufbUS":
        labels = np.asarray(y.astype(object).to_numpy())
    try:
        classes, codes = np.unique(labels, return_inverse=True)
    except TypeError:
        raise AutoMLDataError(
            "The target mixes types (such as text and numbers), so its classes cannot "
            "be told apart; one type was expected. Convert it with .astype(str).",
            code="E-target-mixed",
        ) from None
    if classes.dtype.kind == "O" and all(isinstance(c, str) for c in classes):
        classes = classes.astype(object)
    _check_classes(classes, codes, task)
    return codes.astype(np.int64), classes


def _numbers_of(y: pd.Series) -> np.ndarray:
    numbers = pd.to_numeric(y, errors="coerce").to_numpy(dtype=np.float64)
    if np.isnan(numbers).any():
        raise AutoMLDataError(
            f"The target of a regression must hold numbers; "
            f"{int(np.isnan(numbers).sum())} of {len(y)} values are none. Use "
            "task='classification', or convert them.",
            code="E-target-type",
            rows=_first(np.isnan(numbers)),
        )
    if np.isinf(numbers).any():
        raise AutoMLDataError(
            f"Input y contains infinity: {int(np.isinf(numbers).sum())} of {len(y)} "
            "values. Drop these rows.",
            code="E-target-inf",
            rows=_first(np.isinf(numbers)),
        )
    return numbers


def _check_class_labels(y: pd.Series) -> None:
    if not pd.api.types.is_float_dtype(y.dtype):
        return
    values = y.to_numpy(dtype=np.float64)
    if np.isinf(values).any():
        raise AutoMLDataError(
            f"Input y contains infinity: {int(np.isinf(values).sum())} of {len(y)} "
            "values. Drop these rows.",
            code="E-target-inf",
            rows=_first(np.isinf(values)),
        )
    if (values != np.floor(values)).any() and len(np.unique(values)) > MAX_CLASS_VALUES:
        raise AutoMLDataError(
            "Unknown label type: continuous. The target of a classification must hold "
            "classes; fractions came. Use task='regression'.",
            code="E-target-type",
        )


def _check_classes(classes: np.ndarray, codes: np.ndarray, task: str) -> None:
    if len(classes) < 2:  # noqa: PLR2004
        raise AutoMLDataError(
            "The target has only one class (1 class); at least 2 were expected, "
            "since there is nothing to tell apart.",
            code="E-one-class",
        )
    if task == "binary" and len(classes) > 2:  # noqa: PLR2004
        raise AutoMLConfigError(
            f"task='binary' was asked for, but the target has {len(classes)} classes. "
            "Use task='multiclass' or leave it out.",
            code="E-task",
        )
    if len(classes) == len(codes) and len(codes) > FEW_ROWS:
        raise AutoMLDataError(
            f"Every row has a class of its own ({len(classes)} classes), so nothing can "
            "be learnt. Is this an identifier?",
            code="E-target-id-like",
        )


def _binary_or_more(found: str, classes: np.ndarray | None) -> str:
    if found == "regression" or classes is None:
        return "regression"
    return "binary" if len(classes) == 2 else "multiclass"  # noqa: PLR2004


def _describe_columns(frame: pd.DataFrame) -> tuple[Column, ...]:
    names: list[Hashable] = list(frame.columns)
    return tuple(
        describe_column(frame.iloc[:, i], name, i) for i, name in enumerate(names)
    )


def _check_usable(columns: tuple[Column, ...]) -> None:
    if any(c.used for c in columns):
        return
    names = ", ".join(repr(c.name) for c in columns[:5])
    raise AutoMLDataError(
        f"No column can be used: {names} are constant, empty or identifiers.",
        code="E-no-features",
    )


def _target_notes(codes: np.ndarray, classes: np.ndarray | None) -> list[str]:
    notes = []
    if len(codes) < FEW_ROWS:
        notes.append(f"{len(codes)} rows are too few for any estimate of quality.")
    if classes is None:
        if np.ptp(codes) == 0:
            notes.append("The target has one value: every model predicts it.")
        return notes
    counts = np.bincount(codes, minlength=len(classes))
    lonely = int((counts == 1).sum())
    if lonely:
        notes.append(
            f"{lonely} class(es) have one row, which is only ever trained on."
        )
    return notes


def warn_of_notes(table: Table) -> None:
    """Warn of what makes every estimate doubtful."""
    if table.n_rows < FEW_ROWS:
        warnings.warn(
            f"X has {table.n_rows} rows: too few for any estimate of quality.",
            AutoMLWarning,
            stacklevel=3,
        )


def _fingerprint(X: pd.DataFrame, y: np.ndarray) -> str:
    digest = hashlib.sha256()
    digest.update(repr(X.shape).encode())
    digest.update(np.ascontiguousarray(y).tobytes())
    for name in X.columns:
        column = X[name]
        if column.dtype == object:
            digest.update("\x1f".join(column).encode("utf-8", "surrogatepass"))
        else:
            digest.update(np.ascontiguousarray(column.to_numpy()).tobytes())
    return digest.hexdigest()
