"""What predicts: an ensemble or one configuration, by fold models or one fit each."""

from __future__ import annotations

import os
import pickle
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import is_classifier
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.model_selection import TimeSeriesSplit

import automl
from automl import AutoML
from automl.exceptions import AutoMLConfigError, AutoMLWarning
from automl.metrics import resolve_metric
from tests.bundle.kit import predicted_elsewhere

pytestmark = pytest.mark.usefixtures("all_unexplained")

CLASSES = {"candidates": ["logistic", "k_nearest", "lightgbm"], "cv": 3}
COMMON = {"n_trials": 6, "n_jobs": 1, "random_state": 0, "verbose": 0}


@pytest.fixture(scope="module")
def data():
    """Return features and named classes."""
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    return X, y.map({0: "bad", 1: "good"})


@pytest.fixture(scope="module")
def fitted(data):
    """Return fitted models by what they were asked for."""
    asked = {
        "default": {},
        "bag": {"deploy": "bag"},
        "single": {"ensemble": False},
        "single bag": {"ensemble": False, "deploy": "bag"},
    }
    return {k: AutoML(**CLASSES, **COMMON, **v).fit(*data) for k, v in asked.items()}


def kinds(model):
    """Return the names of what is averaged; none for one pipeline."""
    return [name for name, _ in getattr(model.model_[-1], "estimators", [])]


def test_an_ensemble_predicts_by_default(fitted, data):
    """Each member is fitted on all rows; weights are of finished trials."""
    model = fitted["default"]
    assert len(model.weights_) > 1
    assert sum(model.weights_.values()) == pytest.approx(1.0)
    assert set(kinds(model)) == {f"trial {n}" for n in model.weights_}
    assert set(model.predict(data[0])) == {"bad", "good"}
    assert is_classifier(model.model_)


def test_its_score_is_that_of_the_averaged_held_out_predictions(fitted, data):
    """The first row of the leaderboard is the ensemble, better than any member."""
    model = fitted["default"]
    first = model.leaderboard_.iloc[0]
    assert (first["candidate"], first["rank"]) == ("ensemble", 1)
    assert first["score"] == pytest.approx(model.best_score_)
    singles = [t.score for t in model.trials_ if t.status == "ok"]
    assert model.best_score_ > max(singles)
    members = set(first["params"]) - {"temperature"}
    assert members == {f"trial {n}" for n in model.weights_}
    rate = resolve_metric("roc_auc", "binary")
    on_all = rate.score((data[1] == "good").to_numpy(), model.predict_proba(data[0]))
    assert on_all > model.best_score_ - 0.02


def test_the_best_single_pipeline_is_there_beside_it(fitted):
    """It is one pipeline fitted on all rows, with its own name and parameters."""
    for name in ("default", "bag"):
        model = fitted[name]
        assert not hasattr(model.best_pipeline_[-1], "parts")
        best = max(
            (t for t in model.trials_ if t.status == "ok"), key=lambda t: t.score
        )
        assert model.best_candidate_ == best.candidate
        assert model.best_params_ == dict(best.params)


def test_the_models_of_the_folds_may_predict_instead(fitted):
    """`deploy="bag"` has the same weights and a model for each fold of a member."""
    model = fitted["bag"]
    assert model.weights_ == fitted["default"].weights_
    expected = {f"trial {n}, fold {k}" for n in model.weights_ for k in range(3)}
    assert set(kinds(model)) == expected
    size = {k: len(pickle.dumps(fitted[k].model_)) for k in ("default", "bag")}
    assert size["default"] < size["bag"]


def test_where_there_is_no_time_models_of_folds_stand_in(data, monkeypatch):
    """`deploy="refit"` has none of them; a note says what was taken."""
    monkeypatch.setattr("automl.finish.Finish._ends_in_time", lambda *_: False)
    given = {**CLASSES, **COMMON}
    model = AutoML(**given).fit(*data)
    assert kinds(model)
    assert all("fold" in name for name in kinds(model))
    assert any("fold" in note for note in model.notes_)
    strict = AutoML(**given, deploy="refit").fit(*data)
    assert all("fold" not in name for name in kinds(strict))


def test_without_an_ensemble_one_configuration_predicts(fitted, data):
    """`ensemble=False` is one pipeline; bagged, the average of its fold models."""
    single, bag = fitted["single"], fitted["single bag"]
    assert kinds(single) == []
    assert single.model_ is single.best_pipeline_
    assert len(single.weights_) == 1
    assert single.leaderboard_["candidate"].iloc[0] != "ensemble"
    number = next(iter(bag.weights_))
    assert kinds(bag) == [f"trial {number}, fold {k}" for k in range(3)]
    assert single.best_score_ == bag.best_score_
    X = data[0]
    assert np.abs(single.predict_proba(X) - bag.predict_proba(X)).max() > 0


@pytest.mark.parametrize("ensemble", [True, False])
def test_fits_on_all_rows_stand_by_for_models_that_cannot_be_kept(
    data, monkeypatch, ensemble
):
    """Too large for the folder, they are no reason to give up the winner."""
    monkeypatch.setattr("automl.kept.LARGEST_BYTES", 0)
    bag = AutoML(**CLASSES, **COMMON, ensemble=ensemble, deploy="bag").fit(*data)
    monkeypatch.undo()
    refit = AutoML(**CLASSES, **COMMON, ensemble=ensemble, deploy="refit").fit(*data)
    assert bag.weights_ == refit.weights_
    X = data[0]
    np.testing.assert_array_equal(bag.predict_proba(X), refit.predict_proba(X))


def test_a_bundle_of_an_ensemble_loads_without_the_library(fitted, data, tmp_path):
    """Its pickle holds the average's code; predictions are the same."""
    model, X = fitted["default"], data[0].head(20)
    model.save(tmp_path / "bundle")
    again = automl.load(tmp_path / "bundle").predict_proba(X)
    assert (again == model.predict_proba(X)).all()
    found = predicted_elsewhere(tmp_path / "bundle", X, tmp_path, "predict_proba")
    np.testing.assert_allclose(found, again)


def test_models_of_forward_splits_do_not_predict(monkeypatch):
    """They have seen the oldest rows only, and are not kept for want of time."""
    monkeypatch.setattr("automl.finish.Finish._ends_in_time", lambda *_: False)
    X, y = load_diabetes(return_X_y=True)
    given = {"candidates": ["ridge", "svm", "k_nearest"], "cv": TimeSeriesSplit(3)}
    model = AutoML(**given, **COMMON).fit(X, y)
    assert all("fold" not in name for name in kinds(model))


def test_a_class_that_a_fold_never_trained_on_has_its_column():
    """Splits without one class in training: probabilities stay in their places."""
    X, y = load_iris(return_X_y=True)
    rows = np.arange(150)
    half = rows % 2 == 0
    splits = [(rows[half & (y != k)], rows[~half]) for k in range(3)]
    model = AutoML(
        cv=splits, candidates=["logistic", "k_nearest"], metric="accuracy",
        deploy="bag", **COMMON,
    ).fit(X, y)  # fmt: skip
    assert len(kinds(model)) >= 3
    proba = model.predict_proba(X)
    assert proba.shape == (150, 3)
    assert proba.sum(axis=1) == pytest.approx(1.0)
    assert (model.predict(X) == y).mean() > 0.6


def test_a_metric_that_fails_on_averages_costs_the_ensemble_only(data):
    """The best configuration predicts, and a note says why."""
    calls = []

    def picky(model, X, y):
        proba = model.predict_proba(X)[:, 1]
        calls.append(len(y))
        if len(np.unique(proba)) > 1 and len(calls) > 3 + 6 * 3:
            raise ZeroDivisionError
        return -float(np.mean((proba - (y == "good")) ** 2))

    given = {"candidates": ["logistic", "lightgbm"], "cv": 3, "metric": picky}
    model = AutoML(**given, **COMMON).fit(*data)
    assert len(model.weights_) == 1
    assert any("ZeroDivisionError" in note for note in model.notes_)


def test_a_report_that_cannot_be_made_costs_no_model(data, monkeypatch):
    """Curves are left out with a warning; the rest of the report is there."""

    def fail(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("automl.facts.curves.binary", fail)
    with pytest.warns(AutoMLWarning, match="no curves"):
        model = AutoML(candidates="logistic", cv=3, **COMMON).fit(*data)
    assert model.predict(data[0]).shape == (569,)
    assert "ZeroDivisionError" in model.facts_["run"]["notes"][-1]
    assert model.facts_["leaderboard"]["rows"]


def test_another_wish_for_a_finished_run_is_not_ignored(data, tmp_path):
    """Nothing is searched, but what predicts is what is asked for now."""
    given = {**CLASSES, **COMMON, "run_dir": tmp_path / "run"}
    first = AutoML(**given).fit(*data)
    assert len(first.weights_) > 1
    second = AutoML(**given, ensemble=False).fit(*data)
    assert len(second.weights_) == 1
    assert len(second.trials_) == len(first.trials_)
    third = AutoML(**given, ensemble=False).fit(*data)
    assert (third.predict_proba(data[0]) == second.predict_proba(data[0])).all()


def test_what_does_not_fit_into_the_memory_is_left_out(data):
    """The note names it and what it needs; the others are searched."""
    from automl.candidates import load_candidates
    from automl.memory import tree_mib

    large = load_candidates("random_forest")["random_forest"]
    resource = replace(large.resource, high=2_000_000)
    large = replace(large, name="large", resource=resource)
    limit_mib = 2 * sum(tree_mib(os.getpid()).values()) + 500
    model = AutoML(
        candidates=["logistic", large], memory_limit_mib=limit_mib, **COMMON
    ).fit(*data)
    assert {t.candidate for t in model.trials_} == {"baseline", "logistic"}
    assert any(note.startswith("large is left out") for note in model.notes_)


@pytest.mark.parametrize("name", ["baseline", "ensemble"])
def test_names_that_every_leaderboard_has_are_refused(data, name):
    """A candidate of the user's cannot be taken for them."""
    from automl.candidates import load_candidates

    own = replace(load_candidates("logistic")["logistic"], name=name)
    with pytest.raises(AutoMLConfigError, match=name):
        AutoML(candidates=own, **COMMON).fit(*data)


@pytest.mark.parametrize(
    ("parameters", "code"),
    [({"deploy": "both"}, "E-deploy"), ({"deploy": None}, "E-deploy"),
     ({"ensemble": "yes"}, "E-ensemble")],
)  # fmt: skip
def test_what_is_no_such_choice_is_refused(data, parameters, code):
    """Before anything is fitted, with the choices."""
    with pytest.raises(AutoMLConfigError) as caught:
        AutoML(**COMMON, **parameters).fit(*data)
    assert caught.value.code == code
