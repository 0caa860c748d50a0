"""The temperature of what predicts: when there is one, and that it is everywhere."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import make_classification
from sklearn.metrics import log_loss

from automl import AutoML
from automl.calibration import LIMITS, calibrated, temperature_of
from automl.ensemble import Blend
from automl.estimators.temperature import tempered
from automl.history import CALIBRATED, ENSEMBLE, TEMPERATURE, FoldResult, Trial
from automl.metrics import resolve_metric
from automl.replay import replay
from automl.splits import freeze

N = 600
FOLDS = freeze(
    [(np.flatnonzero(np.arange(N) % 3 != k), np.flatnonzero(np.arange(N) % 3 == k))
     for k in range(3)], "3 folds",
)  # fmt: skip
LOG_LOSS = resolve_metric("log_loss", "multiclass")


def world(n=N, seed=0, sureness=1.0):
    """Return probabilities and classes drawn by them."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet([sureness] * 3, n)
    return p, (rng.random((n, 1)) > p.cumsum(axis=1)).sum(axis=1)


def trial_of(number, y, p, metric=LOG_LOSS):
    """Return a finished trial with the scores of its predictions."""
    folds = tuple(
        FoldResult(number, k, "ok", metric.score(y[test], p[test]))
        for k, (_, test) in enumerate(FOLDS.splits)
    )
    return Trial(number, f"c{number}", {}, "", "ok", folds)


def reader(predictions):
    """Return the reader of out-of-fold predictions."""
    return lambda number, k: predictions[number][FOLDS.splits[k][1]]


@given(
    st.floats(0.1, 10.0),
    st.lists(st.floats(0.0, 1.0), min_size=2, max_size=6).filter(lambda x: sum(x) > 0),
)
def test_a_temperature_keeps_the_order_of_the_classes(temperature, raw):
    """Whatever the temperature, rows sum to one, and no class overtakes another."""
    p = np.array([raw]) / sum(raw)
    changed = tempered(p, temperature)
    assert changed.sum() == pytest.approx(1.0)
    order = np.argsort(p[0], kind="stable")
    assert (np.diff(changed[0][order]) >= 0).all()


@given(st.floats(0.4, 2.5), st.integers(0, 5))
def test_flattened_probabilities_are_sharpened_by_as_much(flatter, seed):
    """The temperature that was put on them comes back, within chance."""
    p, y = world(4000, seed)
    found = temperature_of(tempered(p, flatter), y)
    assert found == pytest.approx(1 / flatter, rel=0.15) or abs(flatter - 1) < 0.12


def test_probabilities_that_are_right_are_left_alone():
    """Of a hundred draws with the right probabilities, some five are tempered."""
    changed = sum(temperature_of(*world(300, seed)) != 1.0 for seed in range(100))
    assert changed <= 12


def test_few_rows_prove_nothing():
    """Twelve right answers that might have been surer are no reason to be surer."""
    p = np.tile([0.9, 0.1], (12, 1))
    assert temperature_of(p, np.zeros(12, dtype=int)) == 1.0
    many = np.tile([0.9, 0.1], (40, 1))
    assert temperature_of(many, np.zeros(40, dtype=int)) == LIMITS[0]


def test_weights_of_rows_decide_by_how_much():
    """Rows without a weight have no say; a weight twice as large is a row twice."""
    p, y = world(2000)
    flat = tempered(p, 2.0)
    half = np.arange(2000) < 1000
    mixed = np.where(half[:, None], flat, p)
    assert temperature_of(mixed, y, half * 1.0) == temperature_of(flat[half], y[half])
    assert temperature_of(mixed, y, (~half) * 1.0) == 1.0
    assert temperature_of(mixed, y, np.zeros(2000)) == 1.0


def test_one_configuration_is_calibrated_where_the_metric_gains():
    """It predicts with its temperature, under a score that the metric gives it."""
    p, y = world()
    flat = {1: tempered(p, 2.0)}
    leader = trial_of(1, y, flat[1])
    found = calibrated(None, leader, reader(flat), y, FOLDS, LOG_LOSS)
    assert found.weights == {1: 1.0}
    assert 0.3 < found.temperature < 0.8
    for k, (_, test) in enumerate(FOLDS.splits):
        surer = tempered(flat[1][test], found.temperature)
        assert found.scores[k] == pytest.approx(LOG_LOSS.score(y[test], surer))
    right = {1: p}
    assert (
        calibrated(None, trial_of(1, y, p), reader(right), y, FOLDS, LOG_LOSS) is None
    )


def test_one_configuration_is_left_alone_where_only_the_order_counts():
    """Accuracy gains nothing: the model stays what it was. An average is mended."""
    metric = resolve_metric("accuracy", "multiclass")
    p, y = world()
    flat = {1: tempered(p, 2.0), 2: tempered(p, 2.1)}
    leader = trial_of(1, y, flat[1], metric)
    assert calibrated(None, leader, reader(flat), y, FOLDS, metric) is None
    whole = Blend({1: 0.5, 2: 0.5}, tuple(leader.scores.values()))
    found = calibrated(whole, leader, reader(flat), y, FOLDS, metric)
    assert found.temperature < 0.8
    assert found.weights == whole.weights


def test_an_average_whose_score_would_fall_is_left_alone():
    """Some metrics like probabilities that are wrong: theirs are kept."""
    p, y = world()
    flat = {1: tempered(p, 2.0), 2: tempered(p, 2.0)}

    def unsure(estimator, X, y_true):  # noqa: ARG001 - the signature of a scorer
        return -float(estimator.predict_proba(X).max(axis=1).mean())

    metric = resolve_metric(unsure, "multiclass")
    leader = trial_of(1, y, flat[1], metric)
    whole = Blend({1: 0.5, 2: 0.5}, tuple(leader.scores.values()))
    assert calibrated(whole, leader, reader(flat), y, FOLDS, metric) is whole


@pytest.fixture(scope="module")
def data():
    """Return rows that a forest is right about, and not sure enough."""
    X, y = make_classification(
        900, 12, n_informative=8, n_classes=4, class_sep=1.5,
        random_state=0,
    )  # fmt: skip
    return (
        X[:600],
        np.array(list("abcd"))[y[:600]],
        X[600:],
        np.array(list("abcd"))[y[600:]],
    )


@pytest.fixture(scope="module", params=[False, True])
def run(request, data, tmp_path_factory):
    """Return a run of forests, with ensembles and without, and its folder."""
    X, y, _, _ = data
    folder = tmp_path_factory.mktemp("run") / "run"
    names = ["extra_trees", "random_forest"] if request.param else ["extra_trees"]
    model = AutoML(
        n_trials=5, candidates=names, cv=3, ensemble=request.param, n_jobs=1,
        random_state=0, run_dir=folder, verbose=0,
    )  # fmt: skip
    return model.fit(X, y), folder


def test_what_predicts_is_as_sure_as_it_should_be(run, data):
    """The temperature pays on rows never seen, and stands among the parameters."""
    model, _ = run
    _, _, X, y = data
    ensemble = model.model_[-1]
    assert ensemble.temperature < 0.9
    p = model.predict_proba(X)
    before = tempered(p, 1 / ensemble.temperature)
    assert log_loss(y, p) < 0.95 * log_loss(y, before)
    np.testing.assert_array_equal(
        model.predict(X), model.classes_[before.argmax(axis=1)]
    )
    first = model.leaderboard_.iloc[0]
    assert first["candidate"] == (ENSEMBLE if model.ensemble else CALIBRATED)
    assert first["params"][TEMPERATURE] == ensemble.temperature
    assert first["score"] > model.leaderboard_["score"].iloc[1]


def test_the_score_to_expect_is_that_of_the_tempered_probabilities(run, data):
    """The estimate is near the loss on rows never seen, and above that without."""
    model, _ = run
    _, _, X, y = data
    p = model.predict_proba(X)
    before = tempered(p, 1 / model.model_[-1].temperature)
    low, high = model.score_interval_
    assert low <= -log_loss(y, p) <= high
    assert model.score_estimate_ > -log_loss(y, before)
    held_out = model.facts_["estimate"]["raw"]
    assert -held_out == pytest.approx(model.best_score_, rel=1e-3)


def test_a_calibrated_model_is_made_again_and_travels(run, data):
    """Replayed from its journal it predicts the same bytes; so does its pickle."""
    model, folder = run
    X, y, new, _ = data
    again = replay(folder, X, y)
    assert again.identical
    assert again.same_leader
    expected = model.predict_proba(new)
    np.testing.assert_array_equal(again.pipeline.predict_proba(new), expected)
    travelled = pickle.loads(pickle.dumps(model.model_))
    np.testing.assert_array_equal(travelled.predict_proba(new), expected)
    words = "calibrated" if not model.ensemble else "an ensemble of"
    assert words in again.winner


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
