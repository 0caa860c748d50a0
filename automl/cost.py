"""What a deployed model costs, measured: a row by itself, and its pickle."""

from __future__ import annotations

import pickle
import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from automl.bundle.portable import make_portable
from automl.bundle.predictor import Predictor
from automl.bundle.schema import describe_table, typed_rows
from automl.encoding_frame import as_fitted
from automl.exceptions import AutoMLConfigError

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from automl.table import Table

__all__ = ["MIB", "Cost", "cost_of"]

MIB = 2**20

LOOKS = 15
"""Predictions of one row that are timed, of which the median counts."""

LOOKS_S = 1.0
"""Seconds after which no more are timed; a slow model needs no median of many."""


@dataclass(frozen=True)
class Cost:
    """What a deployed model costs.

    Attributes
    ----------
    predict_ms : float
        Milliseconds that a row by itself takes, the reading of its cells included.
    model_mib : float or None
        MiB of ``model.pkl`` in the saved folder; None if nobody asked.
    """

    predict_ms: float
    model_mib: float | None

    def __str__(self) -> str:
        size = "" if self.model_mib is None else f", {self.model_mib:.3g} MiB"
        return f"{self.predict_ms:.3g} ms a row{size}"


def cost_of(pipeline: Pipeline, table: Table, *, sized: bool = True) -> Cost:
    """Return what a model costs, measured: rows one by one, and its pickle.

    Parameters
    ----------
    pipeline : Pipeline
        Fitted, from the raw table.
    table : Table
        That it was fitted on; the timed rows are made up from its schema.
    sized : bool, default=True
        Whether its pickle is made, which takes a second for 70 MB and more.
    """
    schema = describe_table(table)
    model = Predictor(pipeline, schema, {})
    rows = as_fitted(typed_rows(schema), model.feature_names_in_)
    predict = model.predict_proba if table.is_classification else model.predict
    predict(rows.iloc[:1])  # the first one imports
    taken: list[float] = []
    began = time.perf_counter()
    while len(taken) < LOOKS and (not taken or time.perf_counter() < began + LOOKS_S):
        row = rows.iloc[[len(taken) % len(rows)]]
        started = time.perf_counter()
        predict(row)
        taken.append(time.perf_counter() - started)
    return Cost(1000 * median(taken), _size(pipeline) / MIB if sized else None)


def _size(pipeline: Pipeline) -> int:
    """Return the bytes of the pickle that would be saved."""
    try:
        return len(make_portable(pipeline).payload)
    except AutoMLConfigError:  # it cannot be saved, but predicts here
        return len(pickle.dumps(pipeline))
