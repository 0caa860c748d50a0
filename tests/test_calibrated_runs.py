"""Runs whose winner has a temperature: it is everywhere where that winner is."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import SVC

from automl import AutoML
from automl.cost import cost_of
from automl.estimators.svm import CalibratedSVC
from automl.estimators.temperature import tempered
from automl.replay import replay
from automl.table import make_table
from automl.trial import CALIBRATED, ENSEMBLE, TEMPERATURE

pytestmark = pytest.mark.usefixtures("all_unexplained")


def drawn():
    """Return rows that forests are right about, and not sure enough."""
    X, y = make_classification(
        900, 12, n_informative=8, n_classes=4, class_sep=1.5, random_state=0
    )
    return X, np.array(list("abcd"))[y]


X, Y = drawn()
SEEN, NEW = slice(0, 600), slice(600, 900)


def fitted(folder, *, ensemble, **more):
    """Return a run of forests."""
    model = AutoML(
        n_trials=5, candidates=["extra_trees", "random_forest"], cv=3,
        ensemble=ensemble, n_jobs=1, random_state=0, run_dir=folder, verbose=0, **more,
    )  # fmt: skip
    return model.fit(X[SEEN], Y[SEEN])


def mib(model):
    """Return the size of a model as it is saved."""
    return cost_of(model.model_, make_table(X[SEEN], Y[SEEN])).model_mib


@pytest.fixture(scope="module")
def single(tmp_path_factory):
    """Return a run whose winner is one configuration, and its folder."""
    folder = tmp_path_factory.mktemp("single") / "run"
    return fitted(folder, ensemble=False), folder


@pytest.fixture(scope="module")
def average(tmp_path_factory):
    """Return a run whose winner is an ensemble, and its folder."""
    folder = tmp_path_factory.mktemp("average") / "run"
    return fitted(folder, ensemble=True), folder


@pytest.fixture(params=["single", "average"])
def run(request):
    """Return either."""
    return request.getfixturevalue(request.param)


def test_what_predicts_is_as_sure_as_it_should_be(run):
    """The temperature pays on rows never seen, and stands among the parameters."""
    model, _ = run
    ensemble = model.model_[-1]
    assert ensemble.temperature < 0.9
    p = model.predict_proba(X[NEW])
    before = tempered(p, 1 / ensemble.temperature)
    assert log_loss(Y[NEW], p) < 0.95 * log_loss(Y[NEW], before)
    best = model.classes_[before.argmax(axis=1)]
    np.testing.assert_array_equal(model.predict(X[NEW]), best)
    first = model.leaderboard_.iloc[0]
    assert first["candidate"] == (ENSEMBLE if model.ensemble else CALIBRATED)
    assert first["params"][TEMPERATURE] == ensemble.temperature
    assert first["score"] > model.leaderboard_["score"].iloc[1]


def test_the_score_to_expect_is_that_of_the_tempered_probabilities(run):
    """The estimate is near the loss on rows never seen, and above that without."""
    model, _ = run
    p = model.predict_proba(X[NEW])
    before = tempered(p, 1 / model.model_[-1].temperature)
    low, high = model.score_interval_
    assert low <= -log_loss(Y[NEW], p) <= high
    assert model.score_estimate_ > -log_loss(Y[NEW], before)
    naked = [t.score for t in model.trials_ if t.number in model.weights_]
    assert model.best_score_ > max(naked)
    assert "temperature" in model.facts_["estimate"]["text"]


def test_a_calibrated_model_is_made_again_and_travels(run):
    """Replayed from its journal it predicts the same bytes; so does its pickle."""
    model, folder = run
    again = replay(folder, X[SEEN], Y[SEEN])
    assert again.identical
    assert again.same_leader
    expected = model.predict_proba(X[NEW])
    np.testing.assert_array_equal(again.pipeline.predict_proba(X[NEW]), expected)
    travelled = pickle.loads(pickle.dumps(model.model_))
    np.testing.assert_array_equal(travelled.predict_proba(X[NEW]), expected)
    words = "an ensemble of 2" if model.ensemble else "extra_trees, calibrated"
    assert words in again.winner


def test_a_finished_run_comes_back_with_its_temperature(run):
    """Given the same folder again, nothing is fitted but what predicts."""
    model, folder = run
    again = fitted(folder, ensemble=model.ensemble)
    assert again.model_[-1].temperature == model.model_[-1].temperature
    assert again.leaderboard_["candidate"].tolist() == (
        model.leaderboard_["candidate"].tolist()
    )
    assert again.best_score_ == model.best_score_


def test_the_report_says_what_was_calibrated(run, tmp_path):
    """The verdict names the configuration; the page tells the temperature."""
    model, _ = run
    named = model.facts_["verdict"]["sentence"]
    expected = "Weighted ensemble" if model.ensemble else "Extra trees, calibrated"
    assert named.startswith(expected)
    assert model.facts_["temperature"] == model.model_[-1].temperature
    page = model.report(tmp_path / "r.html").read_text("utf-8")
    assert "a temperature of" in page
    assert "are made surer" in page


def test_a_calibrated_winner_is_not_compared_with_itself(single):
    """The trial that it is made of is no rival, and stands in no verdict."""
    model, _ = single
    rivals = [row["trial"] for row in model.facts_["comparison"]["rows"]]
    assert len(rivals) > 1
    assert not set(rivals) & set(model.weights_)
    second = model.facts_["verdict"]["second"]
    assert f"trial {next(iter(model.weights_))}" not in second


def test_the_card_tells_the_learner_and_its_temperature(run, tmp_path):
    """Whoever gets the bundle reads what was fitted, and that it was calibrated."""
    model, folder = run
    for made in (model, replay(folder, X[SEEN], Y[SEEN])):
        made.save(tmp_path / "bundle")
        card = (tmp_path / "bundle" / "model_card.md").read_text("utf-8")
        assert f"temperature = {model.model_[-1].temperature}" in card
        assert "made surer" in card
        if not model.ensemble:
            assert "candidate extra_trees" in card
            assert "min_samples_leaf = " in card


def test_models_of_folds_have_the_temperature(average):
    """`deploy="bag"` averages them, and makes them as sure as the fits on all rows."""
    model, _ = average
    bag = fitted(None, ensemble=True, deploy="bag")
    assert bag.model_[-1].temperature == model.model_[-1].temperature
    assert len(bag.model_[-1].estimators) == 3 * len(bag.weights_)


@pytest.mark.slow
def test_what_takes_the_place_of_an_ensemble_gets_a_temperature_of_its_own(average):
    """One configuration that is left is surer than the two were, and scores so."""
    model, _ = average
    less = fitted(None, ensemble=True, max_model_mib=0.8 * mib(model))
    assert (len(model.weights_), len(less.weights_)) == (2, 1)
    assert less.leaderboard_["candidate"].iloc[0] == CALIBRATED
    assert less.model_[-1].temperature == less.facts_["temperature"]
    assert less.model_[-1].temperature not in (1.0, model.model_[-1].temperature)
    naked = less.leaderboard_.set_index("trial")["score"][next(iter(less.weights_))]
    assert naked < less.best_score_
    assert any("calibrated" in note for note in less.notes_)


def three_then_two(candidates, n_trials, share):
    """Return runs with three members, and with two within a share of their size."""
    given = {
        "n_trials": n_trials, "candidates": candidates, "cv": 3, "n_jobs": 1,
        "random_state": 0, "verbose": 0,
    }  # fmt: skip
    three = AutoML(**given).fit(X[SEEN], Y[SEEN])
    two = AutoML(**given, max_model_mib=share * mib(three)).fit(X[SEEN], Y[SEEN])
    assert (len(three.weights_), len(two.weights_)) == (3, 2)
    assert three.model_[-1].temperature != 1.0
    return three, two


@pytest.fixture
def unsure(monkeypatch):
    """Have machines read class by class: they are far from sure enough."""

    def fit(self, X, y, sample_weight=None):
        machine = SVC(C=self.C, gamma=self.relative_gamma / X.shape[1])
        folds = StratifiedKFold(3, shuffle=True, random_state=self.random_state)
        self.model_ = CalibratedClassifierCV(machine, cv=folds, ensemble=False)
        self.model_.fit(X, y, sample_weight=sample_weight)
        self.reading_, self.classes_ = None, self.model_.classes_
        return self

    monkeypatch.setattr(CalibratedSVC, "fit", fit)


@pytest.mark.slow
@pytest.mark.usefixtures("unsure")
def test_a_smaller_ensemble_is_calibrated_again():
    """Two of three members have another temperature than the three had."""
    three, two = three_then_two(["extra_trees", "k_nearest", "svm"], 6, 0.9)
    found = two.model_[-1].temperature
    assert found not in (1.0, three.model_[-1].temperature)
    assert two.leaderboard_["params"].iloc[0][TEMPERATURE] == found


@pytest.mark.slow
@pytest.mark.usefixtures("unsure")
def test_a_smaller_ensemble_has_none_where_it_needs_none(monkeypatch):
    """Two of three members that are found to be sure enough keep nothing of three's."""
    monkeypatch.setattr("automl.constraints.calibrated", lambda whole, *_given: whole)
    _, two = three_then_two(["extra_trees", "k_nearest", "svm"], 6, 0.9)
    assert two.model_[-1].temperature == 1.0
    assert two.facts_["temperature"] is None


@pytest.mark.slow
def test_an_ensemble_outlives_a_temperature_that_cannot_be_found(monkeypatch):
    """What raises on the way is a note; the weights were chosen before."""

    def broken(*_given):
        raise ZeroDivisionError

    monkeypatch.setattr("automl.weighing.calibrated", broken)
    model = fitted(None, ensemble=True)
    assert len(model.weights_) == 2
    assert model.model_[-1].temperature == 1.0
    assert any("as the learners give them" in note for note in model.notes_)
