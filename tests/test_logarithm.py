"""Where errors are of logarithms, logarithms are learnt; predictions are the target."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

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
from automl import AutoML, recipe
from automl.candidates import load_candidates
from automl.estimators.logarithm import LogTargetRegressor, inner_learner, opened
from automl.exceptions import AutoMLConfigError
from automl.layout import Layout
from automl.metrics import resolve_metric
from automl.pipeline import build_pipeline
from automl.replay import replay
from automl.space import start_point
from automl.table import make_table
from tests.bundle.kit import predicted_elsewhere

QUICK = {"n_trials": 2, "cv": 3, "n_jobs": 1, "random_state": 0, "verbose": 0}
ALL = sorted(n for n, c in load_candidates().items() if "regression" in c.tasks)


@pytest.fixture(scope="module")
def prices():
    """Return 400 rows of a table whose target is spread over many sizes."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(400, 3)), columns=["a", "b", "c"])
    X["kind"] = rng.choice(["flat", "house"], len(X))
    size = 2 * X["a"] + (X["kind"] == "house") + np.sin(2 * X["b"])
    size += 0.7 * rng.normal(size=len(X))
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
    X = np.arange(9.0).reshape(-1, 1)
    model = LogTargetRegressor(LinearRegression()).fit(X, np.expm1(X.ravel()))
    far = model.predict([[-1e6], [2.0], [1e6]])
    np.testing.assert_allclose(far, [0.0, np.expm1(2.0), np.expm1(12.0)], atol=1e-9)
    with_less = LogTargetRegressor(LinearRegression()).fit(X, np.expm1(X.ravel() - 0.5))
    assert -1 < with_less.predict([[-1e6]])[0] < np.expm1(-0.5) + 1e-9


def test_a_trend_goes_on():
    """However little of it was there: to ten times as much, or a tenth."""
    year = np.arange(20.0).reshape(-1, 1)
    for rate in (0.05, -0.05):
        sales = 1000 * np.exp(rate * year.ravel())
        model = LogTargetRegressor(LinearRegression()).fit(year[:5], sales[:5])
        np.testing.assert_allclose(model.predict(year), sales, rtol=1e-3)


def test_numbers_beyond_all_measure_stay_finite():
    """There is no exponential of 710."""
    X = np.arange(4.0).reshape(-1, 1)
    model = LogTargetRegressor(LinearRegression()).fit(X, 10.0 ** (77 * X.ravel()))
    assert np.isfinite(model.predict([[1e6]])).all()


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
    for metric in ("rmsle", "neg_mean_squared_log_error", "mape", "median_ae"):
        assert isinstance(built(name, metric, prices), LogTargetRegressor)
    own = make_scorer(mean_absolute_error, greater_is_better=False)
    for metric in ("rmse", "mae", own):
        assert not isinstance(built(name, metric, prices), LogTargetRegressor)


def test_shares_of_the_target_are_learnt_as_logarithms(prices):
    """By LightGBM their absolute errors; not where the target has no logarithm."""
    model = built("lightgbm", "mape", prices)
    assert model.regressor.objective == "regression_l1"
    X, y = prices[0], prices[1] - 0.5
    assert -1 < y.min() < 0
    assert isinstance(built("lightgbm", "mape", (X, y)), LGBMRegressor)
    model = AutoML(metric="mape", candidates="ridge", **QUICK).fit(X, y)
    assert not [n for n in model.notes_ if "log(1 + target)" in n]


def test_a_target_that_is_not_skewed_is_learnt_as_it_is_for_the_median_error(prices):
    """So is one whose far numbers are on the other side."""
    X, y = prices
    both = np.r_[1000.0 + np.arange(380), np.full(12, 4000.0), np.zeros(8)]
    for other in (np.log1p(y), y.max() - y, both):
        assert isinstance(built("ridge", "median_ae", (X, other)), Ridge)
    huge = built("ridge", "median_ae", (X, (y + 1) * 1e160))
    assert isinstance(huge, LogTargetRegressor)
    assert isinstance(built("ridge", "mape", (X, np.log1p(y))), LogTargetRegressor)


@pytest.mark.parametrize(
    ("name", "changes", "logs"),
    [
        ("lightgbm", {"log_target": False}, False),
        ("lightgbm", {"fixed": {"objective": "poisson"}}, False),
        ("lightgbm", {"fixed": {"objective": "regression"}}, True),
        ("lightgbm", {"fixed": {"linear_tree": True}}, True),
        ("extra_trees", {"fixed": {"criterion": "poisson"}}, False),
        ("extra_trees", {"fixed": {"criterion": "friedman_mse"}}, True),
        ("hist_gradient_boosting", {"fixed": {"loss": "gamma"}}, False),
        ("hist_gradient_boosting", {"fixed": {"loss": "squared_error"}}, True),
    ],
)
def test_a_candidate_that_says_otherwise_learns_the_target(prices, name, changes, logs):
    """By the key of its file, or by what it minimises instead of squares."""
    model = built(name, "rmsle", prices, **changes)
    assert isinstance(model, LogTargetRegressor) is logs


@pytest.mark.parametrize(
    ("metric", "bad", "good"),
    [
        ("rmsle", -1.0, -0.9),
        ("poisson_deviance", -0.5, 0),
        ("gamma_deviance", 0, 0.1),
        ("mape", 0, 0.1),
    ],
)
def test_targets_that_a_metric_cannot_take_are_refused(prices, metric, bad, good):
    """Before the work starts, with their positions; a function of the user's is not."""
    X, y = prices[0], prices[1] + 1
    y[[7, 9]], y[3] = bad, np.nan
    given = {"metric": metric, "candidates": "ridge", "drop_missing_target": True}
    message = "those of 2 of 399 rows are not"
    with pytest.raises(AutoMLConfigError, match=message) as caught:
        AutoML(**given, **QUICK).fit(X, y)
    assert caught.value.code == "E-metric"
    assert caught.value.rows == (7, 9)
    wrong, y[[7, 9]] = y.dropna(), good
    with pytest.raises(AutoMLConfigError, match=message):
        AutoML(**given, **QUICK).fit(X, y, X_test=X.loc[wrong.index], y_test=wrong)
    model = AutoML(**given, **QUICK).fit(X, y)
    with pytest.raises(AutoMLConfigError, match=message):
        model.score(X.loc[wrong.index], wrong)
    assert next(t.status for t in model.trials_ if t.candidate == "ridge") == "ok"


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
    found = predicted_elsewhere(tmp_path / "bundle", X, tmp_path)
    np.testing.assert_allclose(found, expected)
    again = replay(fitted[True].run_dir, *prices)
    np.testing.assert_array_equal(again.pipeline.predict(X), expected)


def test_the_models_python_weighs_what_can_be_weighed(prices):
    """The wrapper takes weights, neighbours do not."""
    X, y = prices
    weight = np.where(np.arange(len(y)) % 4 == 0, 5.0, 1.0)
    given = {**QUICK, "n_trials": 1, "ensemble": False, "deploy": "refit"}
    model = AutoML(metric="rmsle", candidates="k_nearest", **given)
    model.fit(X, y, sample_weight=weight)
    names = {"X": X, "y": y, "sample_weight": weight}
    exec(model.facts_["script"], names)  # noqa: S102 - it is made to be run
    assert names["prediction"] == pytest.approx(model.predict(X))


def test_rounds_are_those_of_the_regressor():
    """What a fit that was cut short has made is asked of it."""
    fitted = Pipeline([("model", LogTargetRegressor(LGBMRegressor(n_estimators=7)))])
    problem = SimpleNamespace(candidates=tuple(load_candidates("lightgbm").values()))
    assert recipe._made(fitted, "lightgbm", problem) == 7


def test_a_metric_of_the_users_own_takes_any_target(prices):
    """Whatever its name: nobody knows what it does with them."""

    def rmsle(estimator, X, y):
        return -np.abs(estimator.predict(X) - y).mean()

    X, y = prices
    model = AutoML(metric=rmsle, candidates="ridge", **QUICK).fit(X, y - 50)
    assert model.metric_.own
    assert np.isfinite(model.score(X, y - 50))


def test_it_is_said_who_learns_logarithms(prices):
    """By name, where others learn the target."""
    plain = replace(load_candidates("k_nearest")["k_nearest"], log_target=False)
    given = {"metric": "rmsle", "candidates": ["ridge", plain], **QUICK}
    (note,) = [n for n in AutoML(**given).fit(*prices).notes_ if "log(1 + " in n]
    assert "is learnt by Ridge regression, which" in note


def test_it_is_said_in_words(fitted):
    """Where logarithms are learnt for a metric."""
    said = [n for n in fitted[True].notes_ if "log(1 + target)" in n]
    assert len(said) == 1
    assert not [n for n in fitted[False].notes_ if "log(1 + target)" in n]


@pytest.mark.parametrize("deploy", ["bag", "refit"])
def test_averages_and_every_family_work(prices, deploy):
    """Members predict the target, whether fitted to folds or to all rows."""
    given = {**QUICK, "n_trials": len(ALL), "candidates": ALL, "deploy": deploy}
    model = AutoML(metric="rmsle", **given).fit(*prices)
    ok = model.leaderboard_[model.leaderboard_["status"].isin(["ok", "raced"])]
    assert set(ALL) <= set(ok["candidate"])
    members = [member for _, member in model.model_[-1].estimators]
    assert len(members) == len(model.weights_) * (3 if deploy == "bag" else 1) > 1
    assert all(isinstance(member, LogTargetRegressor) for member in members)
    assert 0.5 < np.median((1 + model.predict(prices[0])) / (1 + prices[1])) < 2


def test_weights_reach_the_learner(prices):
    """Of the same rows in the same order, in the search and in the last fit."""
    X, y = prices
    weight = np.where(np.arange(len(y)) % 4 == 0, 5.0, 1.0)
    ridge = replace(load_candidates("ridge")["ridge"], starts=())
    given = {**QUICK, "n_trials": 1, "candidates": ridge, "ensemble": False}
    model = AutoML(metric="rmsle", deploy="refit", **given)
    found = model.fit(X, y, sample_weight=weight).best_pipeline_
    again = clone(found[-1])
    again.fit(found[:-1].transform(X), y, weight)
    np.testing.assert_allclose(found.predict(X), again.predict(found[:-1].transform(X)))
    plain = clone(found[-1]).fit(found[:-1].transform(X), y)
    assert not np.allclose(found.predict(X), plain.predict(found[:-1].transform(X)))
