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

from automl.encoding import TableEncoder
from automl.encoding_frame import has_names
from automl.exceptions import AutoMLDataError, AutoMLWarning, named
from automl.frames import check_shape, read_frame, read_target, take_column
from automl.kinds import Column, as_copy, describe_column
from automl.repeats import column_copies, leaking_columns, row_copies
from automl.rows import read_groups, read_time, read_weights, rows_to_keep
from automl.target import FEW_ROWS, encode_target, find_task, name_task

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    import pandas as pd

__all__ = ["Table", "make_table"]


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
    beside : tuple of str
        Names of what was given beside the features: the target, groups, weights.
    groups, time, sample_weight : array of shape (n_rows,) or None
        As given, checked.
    time_is_dates : bool
        Whether `time` was read from dates, and so is in seconds since 1970.
    kept : array of int or None
        Positions of the given rows that are here, if some had weight zero or no
        target.
    copies : array of shape (n_rows,) or None
        A code for each row, the same for equal rows, if there are many of these.
    fingerprint : str
        SHA-256 of the encoded data.
    notes : tuple of str
        What was decided about the data, in sentences.
    doubts : tuple of AutoMLWarning
        Those of the notes that the user is warned of.
    """

    X: pd.DataFrame
    y: np.ndarray
    task: str
    task_reason: str
    classes: np.ndarray | None
    target: str
    columns: tuple[Column, ...]
    encoder: TableEncoder
    beside: tuple[str, ...] = ()
    groups: np.ndarray | None = None
    time: np.ndarray | None = None
    time_is_dates: bool = False
    sample_weight: np.ndarray | None = None
    kept: np.ndarray | None = None
    copies: np.ndarray | None = None
    fingerprint: str = ""
    notes: tuple[str, ...] = field(default_factory=tuple)
    doubts: tuple[AutoMLWarning, ...] = field(default_factory=tuple)

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
    drop_missing_target: bool = False,
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
    sample_weight : array-like of shape (n_rows,) or the name of a column, default=None
        Weights of rows; rows of weight zero are left out. A column so named is no
        feature.
    drop_missing_target : bool, default=False
        Whether rows without a target are left out instead of refused.

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
    frame = whole = read_frame(X)
    frame, y, target = read_target(frame, y)
    frame, time = take_column(frame, time, "time", drop=False)  # a column may be both
    frame, groups = take_column(frame, groups, "groups", drop=True)
    frame, sample_weight = take_column(frame, sample_weight, "sample_weight", drop=True)
    check_shape(frame, y)
    beside = _beside(frame, whole, target, time, groups, sample_weight)
    n_rows = len(frame)
    weights = read_weights(sample_weight, n_rows)
    keep, notes = rows_to_keep(y, weights, drop_missing_target=drop_missing_target)
    group_codes = read_groups(groups, n_rows, keep)
    moments, time_is_dates = read_time(time, n_rows, keep)
    if keep is not None:
        frame, y, weights = frame.iloc[keep], y.iloc[keep], _at(weights, keep)
        group_codes, moments = _at(group_codes, keep), _at(moments, keep)
        check_shape(frame, y)
    found, reason = find_task(y, task, metric, keep)
    codes, classes = encode_target(y, found, task, keep)
    found = name_task(found, classes)
    columns, encoder, encoded, digests = _encode(frame)
    doubts = [
        *_column_doubts(columns, encoded, codes, group_codes),
        *_target_doubts(codes, classes),
    ]
    warned = {doubt.column for doubt in doubts if doubt.code == "W-id"}
    notes += [
        f"Column {named(c.name)} is {c.reason}."
        for c in columns
        if not c.used and c.name not in warned
    ]
    return Table(
        X=encoded,
        y=codes,
        task=found,
        task_reason=reason,
        classes=classes,
        target=target,
        columns=columns,
        encoder=encoder,
        beside=beside,
        groups=group_codes,
        time=moments,
        time_is_dates=time_is_dates,
        sample_weight=weights,
        kept=keep,
        copies=row_copies(encoded),
        fingerprint=_fingerprint(codes, digests),
        notes=(*notes, *(str(doubt) for doubt in doubts)),
        doubts=tuple(doubts),
    )


def _beside(
    frame: pd.DataFrame, whole: pd.DataFrame, target: str, *others: Any
) -> tuple[str, ...]:
    """Return the names of what fit was given that is no feature."""
    taken = whole.columns[~whole.columns.isin(list(frame.columns))]
    names = [target, *taken, *(getattr(values, "name", None) for values in others)]
    features = {str(name) for name in frame.columns}
    # of a table with a column "name" that is the column: its cells are no name
    told = dict.fromkeys(str(n) for n in names if isinstance(n, str | int | tuple))
    return tuple(name for name in told if name not in features)


def _at(values: np.ndarray | None, rows: np.ndarray) -> np.ndarray | None:
    return None if values is None else values[rows]


def _encode(
    frame: pd.DataFrame,
) -> tuple[tuple[Column, ...], TableEncoder, pd.DataFrame, dict[str, bytes]]:
    """Return columns, their encoder, what it makes of the table, and digests of that.

    Of columns that are encoded alike, the first is used.
    """
    columns = _describe_columns(frame)
    _check_usable(columns)
    encoder = _encoder_of(columns, frame)
    encoded = encoder.transform(frame).reset_index(drop=True)
    digests = {name: _digest(encoded[name]) for name in encoded.columns}
    copies = column_copies(columns, digests)
    if copies:
        columns = tuple(
            as_copy(c, copies[c.id].name) if c.id in copies else c for c in columns
        )
        encoder = _encoder_of(columns, frame)
        encoded = encoded[[name for name in encoded.columns if name not in copies]]
    return columns, encoder, encoded, digests


def _encoder_of(columns: tuple[Column, ...], frame: pd.DataFrame) -> TableEncoder:
    encoder = TableEncoder(
        tuple(c.plan for c in columns if c.used),
        tuple(frame.columns),
        named=has_names(frame),
    )
    # pipelines read a pandas table, whatever `sklearn.set_config` asks for
    encoder.set_output(transform="default")
    return encoder


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
    names = ", ".join(named(c.name) for c in columns[:3])
    others = f" and {len(columns) - 3} more" if len(columns) > 3 else ""
    raise AutoMLDataError(
        f"No column can be used: {names}{others} are constant, empty or identifiers.",
        code="E-no-features",
        column=columns[0].name,
        hint="Add columns that differ from row to row.",
    )


def _column_doubts(
    columns: tuple[Column, ...],
    X: pd.DataFrame,
    y: np.ndarray,
    groups: np.ndarray | None,
) -> list[AutoMLWarning]:
    """Return warnings of identifiers, and of columns that are the target."""
    doubts = [
        AutoMLWarning(
            f"Column {named(c.name)} is {c.reason}.", code="W-id", column=c.name
        )
        for c in columns
        if c.kind == "identifier"
    ]
    for column, how in leaking_columns(columns, X, y, groups):
        message = (
            f"Column {named(column.name)} {how}: each of its values has one target. "
            "Drop it if it is not known before the target is."
        )
        doubts.append(AutoMLWarning(message, code="W-leak", column=column.name))
    return doubts


def _target_doubts(
    codes: np.ndarray, classes: np.ndarray | None
) -> list[AutoMLWarning]:
    """Return warnings of targets of which little can be learnt."""
    doubts = []
    if len(codes) < FEW_ROWS:
        message = f"{len(codes)} rows are too few for any estimate of quality."
        doubts.append(AutoMLWarning(message, code="W-few-rows"))
    if classes is None:
        if np.ptp(codes) == 0:
            message = "The target has one value: every model predicts it."
            doubts.append(AutoMLWarning(message, code="W-constant-target"))
        return doubts
    lonely = int((np.bincount(codes, minlength=len(classes)) == 1).sum())
    if lonely:
        message = f"{lonely} class(es) have one row, which is only ever trained on."
        doubts.append(AutoMLWarning(message, code="W-lonely-class"))
    return doubts


def warn_of_notes(table: Table) -> None:
    """Warn of what makes estimates doubtful, and of what was decided about columns."""
    for doubt in table.doubts:
        warnings.warn(doubt, stacklevel=3)


def _digest(values: pd.Series) -> bytes:
    if values.dtype == object:
        cells = "\x1f".join(values).encode("utf-8", "surrogatepass")
        return hashlib.sha256(cells).digest()
    return hashlib.sha256(np.ascontiguousarray(values.to_numpy()).data).digest()


def _fingerprint(y: np.ndarray, digests: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    digest.update(repr((len(y), len(digests))).encode())
    digest.update(np.ascontiguousarray(y).tobytes())
    for part in digests.values():
        digest.update(part)
    return digest.hexdigest()
