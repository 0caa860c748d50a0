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

from automl.appraisal import Appraised
from automl.bundle.rows import encode_rows
from automl.encoding import as_frame
from automl.estimate import of_test
from automl.exceptions import (
    AutoMLConfigError,
    AutoMLDataError,
    AutoMLWarning,
    suggestion,
)
from automl.repeats import OVERLAP, shared_rows
from automl.scored import Scored, too_few

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from automl.metrics import Metric
    from automl.table import Table

__all__ = ["HeldOut", "check_test", "codes_of_labels", "read_test", "score_test"]


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
    shared : tuple of (float, float)
        As `automl.repeats.shared_rows` gives it.
    """

    X: pd.DataFrame
    y: np.ndarray
    notes: tuple[str, ...]
    shared: tuple[float, float] = (0.0, 0.0)


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
    named = isinstance(y, str) and y_test is None
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
    if X_test is not None and isinstance(target, str):
        names = [str(name) for name in as_frame(X_test).columns]
        if target not in names:
            raise AutoMLDataError(
                f"The target column {target!r} is not in X_test. "
                + suggestion(target, names[:50]),
                code="E-test",
                column=target,
            )


def read_test(X: Any, y: Any, table: Table, *, model: str = "AutoML") -> HeldOut:
    """Return test rows, checked against the table that is searched.

    Parameters
    ----------
    X : DataFrame, array, list of rows, polars or Arrow table
        Raw rows with the columns of the table.
    y : array-like of shape (n_rows,) or str
        Their target, or the name of its column in ``X``.
    table : Table
        Of the run.
    model : str, default="AutoML"
        What to call the model in a complaint.

    Raises
    ------
    AutoMLDataError
        If a column is missing, a label unknown or the lengths differ.

    Warns
    -----
    AutoMLWarning
        If rows are in the training table, too (``W-overlap``).
    """
    if isinstance(y, str):
        frame = as_frame(X)
        X, y = frame.drop(columns=y), frame[y]
    rows = encode_rows(table.encoder, X, model=model)
    truth = np.asarray(y).ravel()
    if len(truth) != len(rows):
        raise AutoMLDataError(
            f"X_test has {len(rows)} rows and y_test has {len(truth)}.", code="E-length"
        )
    if table.classes is None:
        codes = truth.astype(np.float64)
    else:
        codes = codes_of_labels(truth, table.classes, "y_test")
    shared = shared_rows(table.X, rows) if len(rows) else (0.0, 0.0)
    notes = _overlap(*shared)
    for note in notes:
        warnings.warn(AutoMLWarning(note, code="W-overlap"), stacklevel=5)
    return HeldOut(rows, codes, notes, shared)


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
    series = pd.Series(np.asarray(labels).ravel())
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
    pipeline: Pipeline, test: HeldOut, metric: Metric, random_state: int = 0
) -> tuple[float, Appraised]:
    """Return the score on test rows, greater is better, and what to expect by it.

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
    """
    begun = time.monotonic()
    classes = metric.task != "regression"
    model = pipeline[1:]
    if not len(test.X):
        return math.nan, Appraised(None)
    predict = model.predict_proba if classes else model.predict
    prediction = np.asarray(predict(test.X), dtype=np.float64)
    score = metric.score(test.y, prediction)
    n = len(test.y)
    rows = Scored(test.y, np.zeros(n, dtype=np.int64), np.arange(n))
    estimate = of_test(prediction, rows, metric, score, random_state=random_state)
    warning = too_few(test.y, n, is_classification=classes)
    return score, Appraised(estimate, time.monotonic() - begun, warning=warning)
