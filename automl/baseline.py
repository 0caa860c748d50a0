"""What can be predicted without looking at the features: the row to beat."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.pipeline import Pipeline

from automl.estimators.logarithm import LogTargetRegressor
from automl.exceptions import AutoMLConfigError, AutoMLDataError
from automl.history import History
from automl.labelling import factors_of, fold_score, has_factors
from automl.possible import NOT_NEGATIVE
from automl.target import FEW_ROWS
from automl.trial import BASELINE, FoldResult, Trial

if TYPE_CHECKING:
    from automl.folds import Folds
    from automl.journal import Journal
    from automl.metrics import Metric
    from automl.table import Table

__all__ = [
    "baseline_pipeline", "baseline_scores", "constant_factors", "constant_prediction",
    "score_baseline", "scoreable",
]  # fmt: skip

ABSOLUTE = ("mae", "median_ae", "mape", "d2_absolute_error_score")
"""Metrics of absolute errors, of which the median of a target has the fewest."""

ALONE = "Try it by itself: it is given labels as in y (see pos_label)."

SIGNATURE = (
    "It is called as metric(estimator, X, y); make a scorer of a function of y_true "
    "and y_pred with sklearn.metrics.make_scorer."
)


def _fitted(metric: Metric, y: np.ndarray, weight: Any, *, classifies: bool) -> Any:
    """Return what predicts the constant that the metric is best with, as a rule."""
    name = "" if metric.own else metric.name
    model: Any = DummyRegressor(strategy="median" if name in ABSOLUTE else "mean")
    if classifies:
        model = DummyClassifier(strategy="prior")
    elif name in NOT_NEGATIVE:
        model = LogTargetRegressor(model)
    elif name == "mape":  # an error is a larger share of a smaller number
        share = (1.0 if weight is None else weight) / np.abs(y)
        median = model.fit(np.zeros((len(y), 1)), y, sample_weight=share).constant_
        model = DummyRegressor(strategy="constant", constant=float(median.item()))
    return model.fit(np.zeros((len(y), 1)), y, sample_weight=weight)


def score_baseline(
    table: Table, folds: Folds, metric: Metric, journal: Journal, started: float
) -> History:
    """Return the history that begins with the cross-validated baseline."""
    trial = Trial(0, BASELINE, {}, "baseline")
    journal.write("trial", {"trial": 0, "candidate": BASELINE, "params": {}})
    history = History().started(trial)
    for k, (train, test) in enumerate(folds.splits):
        begun = time.monotonic()
        prediction, score = _scored(table, metric, train, test, folds.unit)
        valid = bool(np.isfinite(score))
        result = FoldResult(
            0, k, "ok" if valid else "invalid_score", score if valid else None,
            started_s=begun - started, fit_s=time.monotonic() - begun,
        )  # fmt: skip
        journal.keep_fold(result, prediction)
        history = history.told(result)
    return history.ended(0, "ok")


def baseline_scores(table: Table, folds: Folds, metric: Metric) -> list[float]:
    """Return the baseline's score on each fold; nothing is kept."""
    return [_scored(table, metric, *split, folds.unit)[1] for split in folds.splits]


def _scored(
    table: Table,
    metric: Metric,
    train: np.ndarray,
    test: np.ndarray,
    unit: np.ndarray | None,
) -> tuple[np.ndarray, float]:
    """Return the baseline's predictions of a fold's rows, and their score.

    A metric that raises is found out here, before anything is fitted.
    """
    prediction = constant_prediction(table, metric, len(test), train)
    y = table.y[test]
    weights, units = (
        None if of_rows is None else of_rows[test]
        for of_rows in (table.sample_weight, unit)
    )
    try:
        return prediction, fold_score(metric, y, prediction, weights, units)
    except Exception as error:
        raise AutoMLConfigError(
            f"The metric {metric.name} raised {type(error).__name__} on constant "
            f"predictions of {len(y)} rows; a number was expected.",
            code="E-metric",
            hint=SIGNATURE if isinstance(error, TypeError) else ALONE,
        ) from error


def scoreable(
    table: Table, folds: Folds, metric: Metric
) -> tuple[Folds, tuple[str, ...]]:
    """Return the folds on which the metric is a number, and what was dropped.

    An area under a curve is undefined on rows of one class: such a fold would end
    every trial. So would one whose training rows have one class, for most learners.
    """
    splits = []
    for train, test in folds.splits:
        if table.is_classification and len(np.unique(table.y[train])) < 2:
            continue
        if np.isfinite(_scored(table, metric, train, test, folds.unit)[1]):
            splits.append((train, test))
    dropped = len(folds) - len(splits)
    if not splits and table.n_rows < FEW_ROWS:
        raise AutoMLDataError(
            f"{table.n_rows} rows are too few for {metric.name}: no fold has rows of "
            "two classes to learn from and to score; at least "
            f"{FEW_ROWS} rows were expected.",
            code="E-too-few",
            hint="Add rows, or take another metric.",
        )
    if not splits:
        raise AutoMLConfigError(
            f"The metric {metric.name} gave no number for the baseline on folds with "
            "more than one class to learn from.",
            code="E-metric",
            hint="Check that it suits the target, and groups, time or cv.",
        )
    if not dropped:
        return folds, ()
    note = (
        f"{dropped} of {len(folds)} folds are not used: {metric.name} is no number on "
        "their rows, or the rows to learn from have one class."
    )
    return replace(folds, splits=tuple(splits)), (note,)


def constant_prediction(
    table: Table, metric: Metric, n_rows: int, train: np.ndarray | None = None
) -> np.ndarray:
    """Return the baseline's prediction for so many rows.

    Parameters
    ----------
    table : Table
        What it is learnt from.
    metric : Metric
        What it is scored by.
    n_rows : int
        Rows to predict.
    train : array of int, default=None
        Positions of the training rows; None are all.

    Returns
    -------
    array of shape (n_rows, n_classes) or (n_rows,)
        Shares of the classes, or the mean: the median where errors are absolute, one
        of rows that weigh the less the larger they are where they are shares, and the
        mean of logarithms where they are of these.
    """
    y, weight = table.y, table.sample_weight
    if train is not None:
        y, weight = y[train], None if weight is None else weight[train]
    model = _fitted(metric, y, weight, classifies=table.is_classification)
    rows = np.zeros((n_rows, 1))
    if not table.is_classification:
        return np.asarray(model.predict(rows))
    prediction = np.zeros((n_rows, table.n_classes))
    prediction[:, model.classes_] = model.predict_proba(rows)
    return prediction


def constant_factors(table: Table, metric: Metric) -> tuple[float, ...] | None:
    """Return the factors with which the baseline names its best label.

    None where that is of the commonest class.
    """
    if not has_factors(metric):
        return None
    shares = constant_prediction(table, metric, table.n_rows)
    return factors_of(metric, table.y, shares, table.sample_weight)


def baseline_pipeline(table: Table, metric: Metric) -> Pipeline:
    """Return the baseline fitted on all rows, from the raw table."""
    labels = table.y if table.classes is None else table.classes[table.y]
    given = table.sample_weight
    model = _fitted(metric, labels, given, classifies=table.is_classification)
    return Pipeline([("encode", table.encoder), ("model", model)])
