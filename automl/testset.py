"""Rows that the search never sees: read before it begins, scored when it is over.

Whatever is wrong with them is said before any time is spent.
"""

from __future__ import annotations

import math
import time
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from automl.appraisal import Appraised, alike
from automl.bundle.rows import encode_rows
from automl.estimate import of_test
from automl.estimators.labels import factors_in, favoured
from automl.exceptions import (
    AutoMLConfigError,
    AutoMLDataError,
    AutoMLWarning,
    suggestion,
)
from automl.frames import as_trained, has_column, is_name, read_frame, split_target
from automl.repeats import OVERLAP, shared_rows
from automl.rows import read_groups, read_time
from automl.scored import FEW_ROWS, Scored, too_few, units_of_time
from automl.target import as_series, first_rows, numbers_or_nan

if TYPE_CHECKING:
    from collections.abc import Callable

    from sklearn.pipeline import Pipeline

    from automl.metrics import Metric
    from automl.table import Table

__all__ = [
    "HeldOut",
    "Tested",
    "check_test",
    "codes_of_labels",
    "read_test",
    "score_test",
]


CHUNK = 20_000
"""Rows predicted at a time: fractions of a second for most models."""


@dataclass(frozen=True)
class HeldOut:
    """Encoded test rows.

    Attributes
    ----------
    X : DataFrame of shape (n_rows, n_used_columns)
        As the table's encoder reads them.
    y : array of shape (n_rows,)
        Class codes, or numbers.
    notes : tuple of str
        That rows are in the training table, too, if so.
    unit : array of int of shape (n_rows,) or None
        What is drawn together: a group, or a block of time; None for single rows.
    timed : bool
        Whether those are blocks of time.
    ungrouped, unweighted : bool
        Whether the run has groups, or weights, that the test rows do not tell.
    shared : tuple of (float, float)
        As `automl.repeats.shared_rows` gives it.
    """

    X: pd.DataFrame
    y: np.ndarray
    notes: tuple[str, ...]
    unit: np.ndarray | None = None
    timed: bool = False
    ungrouped: bool = False
    unweighted: bool = False
    shared: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Tested:
    """What test rows show.

    Attributes
    ----------
    score : float
        Greater is better.
    appraised : Appraised
        What to expect by it; without an estimate where they cannot tell.
    note : str
        Why they cannot, or empty.
    """

    score: float
    appraised: Appraised
    note: str = ""


def check_test(y: Any, X_test: Any, y_test: Any) -> None:
    """Refuse half a test set before the search starts.

    Parameters
    ----------
    y, X_test, y_test
        As `automl.AutoML.fit` takes them.

    Raises
    ------
    AutoMLConfigError
        If one of ``X_test`` and ``y_test`` is missing (``E-test``).
    AutoMLDataError
        If the target's name is not among the columns (``E-test``).
    """
    frame = None if X_test is None else _frame_of_test(X_test)
    place = isinstance(y, int) and not isinstance(y, bool)
    named = y_test is None and frame is not None and (place or is_name(frame, y))
    if y_test is not None and X_test is None:
        given, missing = "y_test", "X_test"
    elif X_test is not None and y_test is None and not named:
        given, missing = "X_test", "y_test"
    else:
        given = missing = ""
    if missing:
        raise AutoMLConfigError(
            f"X_test and y_test go together: {given} was given without {missing}.",
            code="E-test",
            hint=f"Give {missing}, too.",
        )
    target = y if named else y_test
    if frame is not None and (isinstance(target, str) or named):
        names = [str(name) for name in frame.columns]
        if target not in list(frame.columns):
            raise AutoMLDataError(
                f"The target column {target!r} is not in X_test. "
                + suggestion(target, names[:50]),
                code="E-test",
                column=target,
            )


def read_test(
    X: Any,
    y: Any,
    table: Table,
    *,
    groups: Any = None,
    time: Any = None,
    sample_weight: Any = None,
    metric: Metric | None = None,
) -> HeldOut:
    """Return test rows, checked against the table that is searched.

    Parameters
    ----------
    X : DataFrame, array, list of rows, polars or Arrow table
        Raw rows with the columns of the table.
    y : array-like of shape (n_rows,) or str
        Their target, or the name of its column in ``X``.
    table : Table
        Of the run.
    groups, time : array-like or the name of a column, default=None
        As given for the run: a column so named tells those of the test rows.
    sample_weight : array-like or the name of a column, default=None
        As given for the run: a column so named is no feature.
    metric : Metric, default=None
        Whose targets they have to be.

    Raises
    ------
    AutoMLDataError
        If a column is missing, a label unknown, the lengths differ, or a number of the
        target is missing or none (``E-test``).

    Warns
    -----
    AutoMLWarning
        If rows are in the training table, too (``W-overlap``).
    """
    frame = _frame_of_test(X)
    names = table.encoder.columns
    features, truth = split_target(as_trained(frame, names), y)
    features = as_trained(features, names)
    units, ungrouped = _units(features, table, groups, time)
    beside = [n for n in (groups, sample_weight) if has_column(features, n)]
    rows = encode_rows(table.encoder, features.drop(columns=beside), model="AutoML")
    truth = np.asarray(as_series(truth, what="y_test"))
    if len(truth) != len(rows):
        raise AutoMLDataError(
            f"X_test has {len(rows)} rows and y_test has {len(truth)}.", code="E-length"
        )
    if table.classes is None:
        codes = numbers_of_target(truth, "y_test")
        codes = codes if metric is None else metric.checked(codes)
    else:
        codes = codes_of_labels(truth, table.classes, "y_test")
    shared = shared_rows(table.X, rows) if len(rows) else (0.0, 0.0)
    notes = _overlap(*shared)
    for note in notes:
        warnings.warn(AutoMLWarning(note, code="W-overlap"), stacklevel=5)
    return HeldOut(
        rows, codes, notes, units, ungrouped=ungrouped, shared=shared,
        timed=table.time is not None and table.groups is None,
        unweighted=table.sample_weight is not None,
    )  # fmt: skip


def _frame_of_test(X: Any) -> pd.DataFrame:
    """Return the test rows as a table; what is wrong with them names them."""
    try:
        return read_frame(X)
    except AutoMLDataError as error:
        raise AutoMLDataError(f"X_test: {error}", code=error.code) from None


def numbers_of_target(values: Any, name: str = "y") -> np.ndarray:
    """Return a target of numbers as float64, refused where one is no finite number.

    Raises
    ------
    AutoMLDataError
        If it holds anything else (``E-test``).

    Examples
    --------
    >>> numbers_of_target([1, 2.5])
    array([1. , 2.5])
    """
    found = numbers_or_nan(pd.Series(np.asarray(values).ravel()))
    wrong = ~np.isfinite(found)
    if wrong.any():
        n = int(wrong.sum())
        raise AutoMLDataError(
            f"{name}: {n} of {len(found)} values {'is' if n == 1 else 'are'} no finite "
            "number.",
            code="E-test",
            rows=first_rows(wrong),
            hint="Leave these rows out.",
        )
    return found


def _units(
    frame: pd.DataFrame, table: Table, groups: Any, time: Any
) -> tuple[np.ndarray | None, bool]:
    """Return what is drawn together, and whether groups are not told."""
    n = len(frame)
    if table.groups is not None:
        if not has_column(frame, groups):
            return None, True
        return read_groups(frame[groups], n), False
    if table.time is not None:
        moments = None
        if has_column(frame, time):
            moments, _ = read_time(frame[time], n)
        return units_of_time(np.arange(n) if moments is None else moments), False
    return None, False


def codes_of_labels(labels: Any, classes: np.ndarray, name: str = "y") -> np.ndarray:
    """Return positions of labels among the classes.

    Raises
    ------
    AutoMLDataError
        If a label is none of them (``E-labels``).

    Examples
    --------
    >>> codes_of_labels(["b", "a"], np.array(["a", "b"])).tolist()
    [1, 0]
    """
    series = pd.Series(np.asarray(as_series(labels, what=name)))
    missing = series.isna().to_numpy()
    if missing.any():
        raise AutoMLDataError(
            f"{name} has no label in {int(missing.sum())} of {len(series)} rows, the "
            f"first in row {int(np.flatnonzero(missing)[0])}.",
            code="E-target-missing",
            rows=first_rows(missing),
            hint="Drop these rows.",
        )
    codes: np.ndarray = pd.Index(classes).get_indexer(series)
    if (codes < 0).any():
        raise AutoMLDataError(
            f"{name} holds {int((codes < 0).sum())} labels that were not there at fit "
            "time.",
            code="E-labels",
        )
    return codes


def _overlap(shared: float, by_chance: float) -> tuple[str, ...]:
    """Return what to say if test rows are training rows more often than by chance."""
    if shared < by_chance + OVERLAP:
        return ()
    note = (
        f"{shared:.0%} of the rows of X_test are equal to rows of the training table "
        "in every column: what was learnt by heart scores well there. Leave them out "
        "of one of the two."
    )
    return (note,)


def score_test(
    pipeline: Pipeline,
    test: HeldOut,
    metric: Metric,
    random_state: int = 0,
    *,
    constant: np.ndarray | None = None,
    is_over: Callable[[], bool] = lambda: False,
    is_late: Callable[[], bool] = lambda: False,
) -> Tested:
    """Return the score on test rows, and what to expect by it.

    Parameters
    ----------
    pipeline : Pipeline
        What predicts, from the raw table.
    test : HeldOut
        Encoded rows.
    metric : Metric
        Of the run.
    random_state : int, default=0
        Of the drawings.
    constant : array of shape (n_rows, n_classes) or (n_rows,), default=None
        What the baseline predicts for the same rows.
    is_over : callable
        Asked whether the drawings so far are enough.
    is_late : callable
        Asked after each `CHUNK` of rows whether there is no time to predict the others:
        there is then no score.
    """
    begun = time.monotonic()
    classes = metric.task != "regression"
    model = pipeline[1:]
    if not len(test.X):
        return Tested(math.nan, Appraised(None))
    predict = model.predict_proba if classes else model.predict
    done: list[np.ndarray] = []
    for first in range(0, len(test.X), CHUNK):
        if done and is_late():
            note = (
                f"X_test has no score: there was no time for its {len(test.X):,} rows."
            )
            return Tested(math.nan, Appraised(None), note)
        done.append(np.asarray(predict(test.X.iloc[first : first + CHUNK])))
    prediction = np.concatenate(done).astype(np.float64)
    if metric.reads_labels:
        prediction = favoured(prediction, factors_in(pipeline))
    score = metric.score(test.y, prediction)
    n = len(test.y)
    unit = np.arange(n) if test.unit is None else test.unit
    rows = Scored(test.y, np.zeros(n, dtype=np.int64), unit)
    why = _untold(test, rows)
    estimate = None
    if not why:
        estimate = of_test(
            prediction, rows, metric, score, random_state=random_state, is_over=is_over
        )
        if estimate is None:
            why = "there was no time for its interval"
    warning = alike(estimate) or too_few(test.y, n, is_classification=classes)
    floor = math.nan if constant is None else metric.score(test.y, constant)
    found = Appraised(
        estimate, time.monotonic() - begun, warning=warning,
        constant=floor if math.isfinite(floor) else None,
    )  # fmt: skip
    if estimate is not None:
        return Tested(score, found)
    if not math.isfinite(score):
        note = f"X_test has no score: {metric.name} is no number on its {n:,} rows."
        return Tested(score, Appraised(None), note)
    shown = f"{metric.natural(score) + 0.0:.4g}"
    note = f"X_test scores {shown} of {metric.name}, beside the estimate: {why}."
    return Tested(score, Appraised(None), note)


def _untold(test: HeldOut, rows: Scored) -> str:
    """Return why the test rows show too little; empty if they show enough."""
    if test.ungrouped:
        return "the groups of its rows are not told"
    if test.unweighted:
        return "its rows have no weights, and those of the search have"
    single = test.unit is None or test.timed  # rows count, not blocks of time
    if (len(rows) if single else rows.n_units) >= FEW_ROWS:
        return ""
    if single:
        return f"it has {len(rows)} rows, and at least {FEW_ROWS} are needed"
    return f"it has {rows.n_units} groups of rows, and at least {FEW_ROWS} are needed"
