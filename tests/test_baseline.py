"""The row to beat is the constant that the metric is best with."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyRegressor

from automl import AutoML, Candidate
from automl.baseline import baseline_pipeline, constant_prediction
from automl.metrics import resolve_metric
from automl.replay import replay
from automl.table import make_table

BROKEN = Candidate(
    "broken", "Broken", ("regression",),
    {"regression": "sklearn.linear_model.Ridge"}, fixed={"alpha": -1.0},
)  # fmt: skip
SIZES = st.lists(st.integers(0, 1000), min_size=3, max_size=30)


@pytest.mark.parametrize("name", ["rmse", "mae", "mape", "rmsle"])
@settings(max_examples=40, deadline=None)
@given(sizes=SIZES, other=st.integers(0, 1000))
def test_no_other_constant_is_better(name, sizes, other):
    """Neither one of the numbers nor one between them; weights count."""
    y = np.array(sizes, dtype=float) + (name == "mape")  # that has no errors of zeros
    weight = 1.0 + np.arange(len(y)) % 3
    table = make_table(
        np.arange(len(y)).reshape(-1, 1), y, task="regression", sample_weight=weight
    )
    metric = resolve_metric(name, "regression")
    found = constant_prediction(table, metric, len(y))
    assert np.ptp(found) == 0
    best = metric.score(y, found, weight)
    assert best >= metric.score(y, np.full(len(y), float(other)), weight) - 1e-9
    assert baseline_pipeline(table, metric).predict(table.X)[0] == found[0]


def test_it_is_the_mean_for_what_nobody_knows():
    """A function of the user's may be called as it likes."""
    y = np.array([0.0, 1.0, 8.0])
    table = make_table(np.arange(3).reshape(-1, 1), y, task="regression")

    def mae(estimator, X, y):
        return -np.abs(estimator.predict(X) - y).max()

    for metric in (mae, "r2", "rmse"):
        known = resolve_metric(metric, "regression")
        assert constant_prediction(table, known, 1) == [3.0]


@pytest.mark.parametrize("metric", ["mae", "mape", "rmsle"])
def test_the_reports_python_makes_the_same_constant(metric):
    """Also where rows weigh what they weigh for the metric only."""
    X, y = np.arange(60.0).reshape(-1, 1), 1.0 + np.arange(60.0) ** 2
    run = {"n_trials": 1, "n_jobs": 1, "random_state": 0, "verbose": 0}
    model = AutoML(metric=metric, candidates=BROKEN, **run).fit(X, y)
    names = {"X": X, "y": y}
    exec(model.facts_["script"], names)  # noqa: S102 - it is made to be run
    assert names["prediction"] == pytest.approx(model.predict(X))
    assert np.ptp(model.predict(X)) == 0


def test_where_nothing_is_fitted_the_best_constant_predicts(tmp_path):
    """In the model, and in the one that a replay makes."""
    X, y = np.arange(60.0).reshape(-1, 1), np.r_[np.zeros(40), np.full(20, 90.0)]
    model = AutoML(
        metric="mae", candidates=BROKEN, n_trials=1, n_jobs=1, random_state=0,
        verbose=0, run_dir=tmp_path / "run",
    ).fit(X, y)  # fmt: skip
    assert isinstance(model.best_pipeline_[-1], DummyRegressor)
    assert set(model.predict(X)) == {0.0}
    again = replay(tmp_path / "run", X, y, candidates=BROKEN)
    assert set(again.pipeline.predict(X)) == {0.0}
