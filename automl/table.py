"""The user's data, checked and encoded: the first stop on the way of the data.

Every complaint about the data is raised here, before any worker starts, once, without
a cell value. Nothing here is estimated from the rows: what is learnt is learnt inside
the folds.
"""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from automl.encoding import TableEncoder, as_frame
from automl.exceptions import AutoMLDataError, AutoMLWarning, suggestion
from automl.kinds import Column, describe_column
from automl.rows import read_groups, read_time, read_weights
from automl.target import (
    FEW_ROWS,
    as_series,
    encode_target,
    find_task,
    name_task,
)

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = ["Table", "make_table"]

MIN_ROWS = 2
"""One row to learn from and one to score on."""


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
    weights = read_weights(sample_weight, n_rows)
    group_codes = read_groups(groups, n_rows)
    moments = read_time(time, n_rows)
    notes: list[str] = []
    keep = None
    if weights is not None and (weights == 0).any():
        keep = np.flatnonzero(weights > 0)
        notes.append(f"{n_rows - len(keep)} rows of weight zero are left out.")
        frame, y, weights = frame.iloc[keep], y.iloc[keep], weights[keep]
        group_codes = None if group_codes is None else group_codes[keep]
        moments = None if moments is None else moments[keep]
        _check_shape(frame, y)
    found, reason = find_task(y, task, metric)
    codes, classes = encode_target(y, found, task)
    found = name_task(found, classes)
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
    except UnicodeError:
        raise AutoMLDataError(
            "X holds text that is no Unicode (a lone surrogate). Convert it to valid "
            "text first.",
            code="E-encoding",
        ) from None
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
        names = list(frame.columns)
        if y not in names:
            raise AutoMLDataError(
                f"The target column {y!r} is not in the table. "
                + suggestion(y, [str(c) for c in names][:50]),
                code="E-target-missing",
                column=y,
            )
        rest, values = _without(frame, names.index(y))
        return rest, values, y
    values = as_series(y)
    name = getattr(values, "name", None)
    if isinstance(values, pd.Series) and isinstance(name, str) and name:
        return frame, values, name
    return frame, values, "target"


def _take_column(
    frame: pd.DataFrame, given: Any, what: str, *, drop: bool
) -> tuple[pd.DataFrame, Any]:
    """Return the values of ``groups=`` or ``time=``, which may name a column."""
    if not isinstance(given, str):
        return frame, given
    names = list(frame.columns)
    if given not in names:
        raise AutoMLDataError(
            f"{what}={given!r} names no column of X.", code=f"E-{what}", column=given
        )
    rest, values = _without(frame, names.index(given))
    return (rest if drop else frame), values


def _without(frame: pd.DataFrame, place: int) -> tuple[pd.DataFrame, pd.Series]:
    """Return a table without a column, and the column; by place, not by a level."""
    others = [i for i in range(frame.shape[1]) if i != place]
    return frame.iloc[:, others], frame.iloc[:, place]


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


def _describe_columns(frame: pd.DataFrame) -> tuple[Column, ...]:
    names: list[Hashable] = list(frame.columns)
    columns = tuple(
        describe_column(frame.iloc[:, i], name, i) for i, name in enumerate(names)
    )
    if any(c.used for c in columns):
        return columns
    # numbers that count the rows are better than nothing to learn from
    return tuple(
        describe_column(frame.iloc[:, i], name, i, keep_ids=True)
        for i, name in enumerate(names)
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
        notes.append(f"{lonely} class(es) have one row, which is only ever trained on.")
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
