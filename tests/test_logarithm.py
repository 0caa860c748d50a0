"""Where errors are of logarithms, logarithms are learnt; predictions are the target."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMRegressor
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import make_scorer, mean_absolute_error
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import Pipeline

import automl
from automl import AutoML
from automl.candidates import load_candidates
from automl.estimators.logarithm import LogTargetRegressor, inner_learner, opened
from automl.layout import Layout
from automl.metrics import resolve_metric
from automl.pipeline import build_pipeline
from automl.replay import replay
from automl.space import start_point
from automl.table import make_table

QUICK = {"n_trials": 2, "cv": 3, "n_jobs": 1, "random_state": 0, "verbose": 0}
ALL = sorted(n for n, c in load_candidates().items() if "regression" in c.tasks)


@pytest.fixture(scope="module")
def prices():
    """Return 400 rows of a table whose target is spread over many sizes."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(400, 3)), columns=["a", "b", "c"])
    X["kind"] = rng.choice(["flat", "house"], len(X))
    size = 2 * X["a"] + (X["kind"] == "house") + 0.3 * rng.normal(size=len(X))
    return X, np.expm1(np.clip(6 + size, 0, None))


@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_what_scikit_learn_makes_of_a_transformed_target(prices, weighted):
    """But not below zero, where no target is."""
    X, y = prices[0][["a", "b", "c"]].to_numpy(), prices[1]
    weight = np.linspace(0.1, 2, len(y)) if weighted else None
    own = LogTargetRegressor(Ridge()).fit(X, y, weight)
    theirs = TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1)
    expected = theirs.fit(X, y, sample_weight=weight).predict(X)
    np.testing.assert_allclose(own.predict(X), np.maximum(expected, 0.0))
    assert own.n_features_in_ == 3
    assert own.__sklearn_is_fitted__()
    assert not clone(own).__sklearn_is_fitted__()


def test_further_arguments_reach_the_regressor(prices):
    """As which columns are categories."""
    X, y = prices[0][["a"]].round().to_numpy() + 5, prices[1]
    kind = {"n_estimators": 5, "verbosity": -1, "n_jobs": 1}
    plain, told = (
        LogTargetRegressor(LGBMRegressor(**kind)).fit(X, y, **given).predict(X)
        for given in ({}, {"categorical_feature": [0]})
    )
    assert (plain != told).any()


def test_a_line_far_off_ends_soon():
    """Half the range of the logarithms further, and never below zero."""
    X = np.arange(5.0).reshape(-1, 1)
    model = LogTargetRegressor(LinearRegression()).fit(X, np.expm1(X.ravel()))
    far = model.predict([[-1e6], [2.0], [1e6]])
    np.testing.assert_allclose(far, [0.0, np.expm1(2.0), np.expm1(6.0)], atol=1e-9)
    with_less = LogTargetRegressor(LinearRegression()).fit(X, np.expm1(X.ravel() - 0.5))
    assert -1 < with_less.predict([[-1e6]])[0] < np.expm1(-0.5) + 1e-9


@pytest.mark.parametrize("kind", [HistGradientBoostingRegressor, KNeighborsRegressor])
def test_gaps_are_taken_where_the_regressor_takes_them(kind):
    """What scikit-learn asks an estimator about itself is asked of the regressor."""
    tags = LogTargetRegressor(kind()).__sklearn_tags__()
    assert tags.estimator_type == "regressor"
    assert tags.input_tags.allow_nan is (kind is HistGradientBoostingRegressor)


def test_opening_a_model_leaves_others_as_they_are():
    """What is fitted to is a logarithm for the one, and the target for the other."""
    y, ridge = np.array([0.0, 3.0]), Ridge()
    assert opened(ridge, y)[0] is ridge
    assert opened(ridge, y)[1] is y
    model = LogTargetRegressor(ridge)
    assert opened(model, y)[0] is inner_learner(model) is ridge
    assert opened(model, y)[1].tolist() == [0.0, np.log1p(3.0)]


def built(name, metric, prices, **changes):
    """Return the last step of a candidate's first start."""
    table = make_table(*prices)
    layout = Layout.of(table, resolve_metric(metric, "regression"))
    candidate = replace(load_candidates(name)[name], **changes)
    return build_pipeline(candidate, start_point(candidate, {}), layout, 0)[-1]


@pytest.mark.parametrize("name", ALL)
def test_every_shipped_candidate_learns_logarithms_for_errors_of_them(name, prices):
    """And the target for others; a function of the user's is not known."""
    for metric in ("rmsle", "neg_mean_squared_log_error"):
        assert isinstance(built(name, metric, prices), LogTargetRegressor)
    own = make_scorer(mean_absolute_error, greater_is_better=False)
    for metric in ("rmse", "mape", own):
        assert not isinstance(built(name, metric, prices), LogTargetRegressor)


def test_a_candidate_that_says_otherwise_learns_the_target(prices):
    """By the key of its file, or by an objective, which may know logarithms itself."""
    plain = built("lightgbm", "rmsle", prices, log_target=False)
    assert isinstance(plain, LGBMRegressor)
    own = built("lightgbm", "rmsle", prices, fixed={"objective": "poisson"})
    assert isinstance(own, LGBMRegressor)


@pytest.fixture(scope="module")
def fitted(prices, tmp_path_factory):
    """Return models of one configuration, with and without logarithms."""
    lightgbm = load_candidates("lightgbm")["lightgbm"]
    made = {}
    for logs in (True, False):
        given = {"candidates": replace(lightgbm, log_target=logs), **QUICK}
        folder = tmp_path_factory.mktemp("run") / "run"
        made[logs] = AutoML(
            metric="rmsle", ensemble=False, deploy="refit", run_dir=folder, **given
        ).fit(*prices)
    return made


def test_errors_of_logarithms_are_smaller(fitted, prices):
    """Of a target that is spread over many sizes; the model predicts the target."""
    assert fitted[True].best_score_ > 0.9 * fitted[False].best_score_
    assert isinstance(fitted[True].best_pipeline_[-1], LogTargetRegressor)
    found = fitted[True].predict(prices[0])
    assert 0.5 < np.median((1 + found) / (1 + prices[1])) < 2
    assert inner_learner(fitted[True].best_pipeline_[-1]).n_estimators < 3000


def test_the_models_python_makes_it_anew(fitted, prices):
    """With the wrapper around the regressor, and its rounds."""
    names = {"X": prices[0], "y": prices[1]}
    exec(fitted[True].facts_["script"], names)  # noqa: S102 - it is made to be run
    expected = fitted[True].best_pipeline_.predict(prices[0])
    assert names["prediction"] == pytest.approx(expected)
    assert "LogTargetRegressor" in fitted[True].facts_["script"]
    assert "model__categorical_feature=" in fitted[True].facts_["script"]


def test_it_is_saved_without_the_library(fitted, prices, tmp_path):
    """Its code lies in the pickle; and a replay makes the same model."""
    X = prices[0].head(20)
    expected = fitted[True].predict(X)
    fitted[True].save(tmp_path / "bundle")
    np.testing.assert_array_equal(automl.load(tmp_path / "bundle").predict(X), expected)
    code = (
        "import sys; sys.modules['automl'] = None\n"
        "import pickle, pandas as pd\n"
        "model = pickle.load(open('bundle/model.pkl', 'rb'))\n"
        "print(model.predict(pd.read_pickle('X.pkl')).sum())"
    )
    X.to_pickle(tmp_path / "X.pkl")
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        cwd=tmp_path,
    )  # fmt: skip
    assert float(done.stdout) == pytest.approx(expected.sum())
    again = replay(fitted[True].run_dir, *prices)
    np.testing.assert_array_equal(again.pipeline.predict(X), expected)


def test_contributions_are_said_to_be_of_logarithms(fitted):
    """LightGBM's add up to what it learnt; dependence is in the target's unit."""
    unit = {k: m.facts_["explanation"]["shap"]["unit"] for k, m in fitted.items()}
    assert unit == {
        True: "logarithm of the target and one", False: "unit of the target"
    }  # fmt: skip
    (mean,) = {
        len(d["curves"]) for d in fitted[True].facts_["explanation"]["dependence"]
    }
    assert mean == 1


@pytest.mark.parametrize("deploy", ["bag", "refit"])
def test_averages_and_every_family_work(prices, deploy):
    """Members predict the target, whether fitted to folds or to all rows."""
    names = [n for n in ALL if n not in ("catboost", "xgboost")]
    given = {**QUICK, "n_trials": len(names), "candidates": names, "deploy": deploy}
    model = AutoML(metric="rmsle", **given).fit(*prices, sample_weight=np.ones(400))
    ok = model.leaderboard_[model.leaderboard_["status"].isin(["ok", "raced"])]
    assert set(names) <= set(ok["candidate"])
    assert isinstance(model.model_, Pipeline)
    assert 0.5 < np.median((1 + model.predict(prices[0])) / (1 + prices[1])) < 2
