"""Scores of a loaded model on rows whose truth is known, for the command."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.estimators.labels import factors_in, favoured
from automl.exceptions import AutoMLConfigError, AutoMLDataError
from automl.metrics import resolve_metric
from automl.target import numbers_or_nan

if TYPE_CHECKING:
    import pandas as pd

    from automl.metrics import Metric

__all__ = ["codes_of", "scores_of"]

ALSO = {
    "binary": ("roc_auc", "log_loss", "accuracy", "balanced_accuracy", "f1"),
    "multiclass": ("log_loss", "accuracy", "balanced_accuracy", "f1"),
    "regression": ("rmse", "mae", "median_ae", "r2"),
}
"""What is shown beside the metric of the run."""


def scores_of(
    model: Any, frame: pd.DataFrame, truth: pd.Series
) -> dict[str, float | None]:
    """Return natural values by metric, that of the run first; None if undefined.

    Parameters
    ----------
    model : Predictor
        As `automl.load` returns.
    frame : DataFrame of shape (n_rows, n_columns)
        Raw rows.
    truth : Series of shape (n_rows,)
        The user's labels or numbers.

    Raises
    ------
    AutoMLDataError
        If the truth is missing somewhere, or no label of the model.
    """
    if truth.isna().any():
        raise AutoMLDataError(
            f"The target {truth.name!r} is missing in {int(truth.isna().sum())} of "
            f"{len(truth)} rows. Drop these rows.",
            code="E-target-missing",
        )
    if model.task_ == "regression":
        y, prediction = _numbers(truth), model.predict(frame)
    else:
        y = codes_of(truth, model.classes_)
        prediction = model.predict_proba(frame)
    factors = factors_in(model.pipeline_)
    of_run = model.manifest.get("metric", "auto")
    if isinstance(of_run, Mapping):
        of_run = of_run.get("name", "auto")
    metrics = _metrics(of_run, model.task_)
    scores: dict[str, float | None] = {}
    if of_run not in ("auto", metrics[0].name):  # the user's own, which no name brings
        scores[of_run] = None
    for metric in metrics:
        try:
            read = favoured(prediction, factors) if metric.reads_labels else prediction
            value = metric.natural(metric.score(metric.checked(y), read))
        except ValueError:  # rows of one class, or a target that it cannot take
            value = math.nan
        scores.setdefault(metric.name, value if math.isfinite(value) else None)
    return scores


def _metrics(of_run: str, task: str) -> list[Metric]:
    try:
        first = [resolve_metric(of_run, task)]
    except AutoMLConfigError:
        first = []
    return first + [resolve_metric(name, task) for name in ALSO[task]]


def _numbers(truth: pd.Series) -> np.ndarray:
    numbers = numbers_or_nan(truth)
    if np.isnan(numbers).any():
        raise AutoMLDataError(
            f"The target {truth.name!r} must hold numbers, since the model predicts "
            "numbers.",
            code="E-target-type",
        )
    return numbers


def codes_of(truth: pd.Series, classes: Any) -> np.ndarray:
    """Return positions of labels among the classes; equal as values, else as text.

    Examples
    --------
    >>> import pandas as pd
    >>> codes_of(pd.Series([1, 0, 1]), ["0", "1"]).tolist()
    [1, 0, 1]
    """
    labels = list(classes)
    places = {str(label): i for i, label in enumerate(labels)}
    places_of_values = {label: i for i, label in enumerate(labels)}
    codes = [
        places_of_values.get(v, places.get(str(v), -1))
        for v in truth.astype(object).to_list()
    ]
    n_unknown = sum(code < 0 for code in codes)
    if n_unknown:
        raise AutoMLDataError(
            f"The target {truth.name!r} holds {n_unknown} labels that the model does "
            f"not know; {', '.join(str(c) for c in labels[:20])} were expected.",
            code="E-labels",
        )
    return np.asarray(codes, dtype=np.int64)
