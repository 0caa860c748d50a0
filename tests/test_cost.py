"""What a model costs is measured on rows like those that it was fitted on."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

from automl.bundle.schema import typed_rows
from automl.cost import Predictor, cost_of
from automl.table import make_table


@pytest.mark.parametrize(
    "names", [[2023, 2024], [1, 0], pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")])]
)
def test_the_cost_is_measured_whatever_columns_are_called(names):
    """The made-up rows have the names of fit: years, or pairs."""
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 2)), columns=names)
    table = make_table(frame, np.arange(40.0))
    pipeline = make_pipeline(table.encoder, LinearRegression())
    cost = cost_of(pipeline.fit(frame, table.y), table)
    assert cost.predict_ms > 0
    assert cost.model_mib > 0


def test_rows_are_timed_in_the_data_types_of_fit(monkeypatch):
    """To read numbers, dates and truth values from text would be a cost of its own."""
    seen, rng = [], np.random.default_rng(0)
    frame = pd.DataFrame({
        "number": rng.normal(size=60), "count": rng.integers(0, 99, 60),
        "day": pd.date_range("2024", periods=60), "flag": rng.random(60) < 0.5,
        "word": rng.choice(["red", "green"], 60),
        "text": rng.normal(size=60).astype(str),
    })  # fmt: skip
    table = make_table(frame, rng.normal(size=60))
    pipeline = make_pipeline(table.encoder, LinearRegression()).fit(frame, table.y)
    real = Predictor.predict
    monkeypatch.setattr(
        Predictor,
        "predict",
        lambda self, X: seen.append(X) or real(self, X),
    )
    cost_of(pipeline, table, sized=False)
    assert [kind.kind for kind in seen[0].dtypes] == ["f", "i", "M", "b", "O", "O"]
    assert seen[0]["day"].dt.tz is None


def test_rows_that_are_timed_lose_no_cell_to_a_type():
    """Intervals are no whole numbers, though their type begins like those."""
    column = {
        "name": "a", "kind": "category", "dtype": "interval[int64, right]",
        "used": True, "missing": 0, "levels": ["(0, 1]", "(1, 2]"],
    }  # fmt: skip
    assert typed_rows({"columns": [column]}).notna().all(axis=None)
