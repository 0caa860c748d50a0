"""The temperature of what predicts: when there is one, and that it is everywhere."""

from __future__ import annotations

import pickle
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import make_classification
from sklearn.metrics import log_loss

from automl import AutoML
from automl.calibration import LIMITS, calibrated, temperature_of
from automl.ensemble import Blend
from automl.estimate import corrected
from automl.estimators.temperature import tempered
from automl.history import CALIBRATED, ENSEMBLE, TEMPERATURE, FoldResult, Trial
from automl.metrics import resolve_metric
from automl.replay import replay
from automl.scored import Scored
from automl.splits import freeze
from automl.table import make_table
from automl.winner import blended

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


def scored(y, weight=None, unit=None):
    """Return scored rows of one fold."""
    unit = np.arange(len(y)) if unit is None else unit
    return Scored(y, np.zeros(len(y), int), unit, weight)


@given(st.floats(0.4, 2.5), st.integers(0, 5))
def test_flattened_probabilities_are_sharpened_by_as_much(flatter, seed):
    """The temperature that was put on them comes back, within chance."""
    p, y = world(4000, seed)
    found = temperature_of(tempered(p, flatter), scored(y))
    assert found == pytest.approx(1 / flatter, rel=0.15) or abs(flatter - 1) < 0.12


def alarms(draw, n=200):
    """Return of how many draws with right probabilities a temperature comes."""
    return sum(temperature_of(*draw(seed)) != 1.0 for seed in range(n))


@pytest.mark.parametrize("kind", ["rows", "weights", "repeats", "groups"])
def test_probabilities_that_are_right_are_left_alone(kind):
    """At 5 % of the draws they are not; what is scored again is no more evidence."""

    def draw(seed):
        p, y = world(300, seed)
        if kind == "weights":  # a tenth of the rows have almost all of the weight
            weight = np.where(np.arange(300) < 30, 1.0, 1e-6)
            return p, scored(y, weight)
        if kind == "repeats":
            return np.tile(p, (5, 1)), scored(np.tile(y, 5), unit=np.arange(1500) % 300)
        if kind == "groups":
            return np.repeat(p, 5, axis=0), scored(
                np.repeat(y, 5), unit=np.repeat(np.arange(300), 5)
            )
        return p, scored(y)

    assert alarms(draw) <= 18  # 10 are expected; more than 18 with a chance of .5 %


def test_few_rows_prove_nothing():
    """Twelve right answers that might have been surer are no reason to be surer."""
    p = np.tile([0.9, 0.1], (12, 1))
    assert temperature_of(p, scored(np.zeros(12, dtype=int))) == 1.0
    many = np.tile([0.9, 0.1], (40, 1))
    assert temperature_of(many, scored(np.zeros(40, dtype=int))) < LIMITS[0] + 0.01


def test_rows_without_weight_have_no_say():
    """Only those with a weight decide, and they decide by themselves."""
    p, y = world(2000)
    flat = tempered(p, 2.0)
    half = np.arange(2000) < 1000
    mixed = np.where(half[:, None], flat, p)
    alone = temperature_of(flat[half], scored(y[half]))
    assert temperature_of(mixed, scored(y, half * 1.0)) == alone < 0.7
    assert temperature_of(mixed, scored(y, (~half) * 1.0)) == 1.0
    assert temperature_of(mixed, scored(y, np.zeros(2000))) == 1.0


@pytest.mark.parametrize("n_missed", [0, 3, 10, 30])
def test_what_is_deployed_is_never_worse_on_the_rows_that_chose_it(n_missed):
    """Rows whose class got no probability at all count as the metric counts them."""
    p, y = world(1000)
    missed = np.arange(n_missed)
    p[missed, y[missed]] = 0.0
    p /= p.sum(axis=1, keepdims=True)
    temperature = temperature_of(p, scored(y))
    before, after = (LOG_LOSS.score(y, q) for q in (p, tempered(p, temperature)))
    assert after >= before
    assert (temperature == 1.0) == (after == before)


@pytest.mark.parametrize("row", [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [-1e-17, 0.5, 0.5]])
def test_no_row_is_lost(row):
    """Rows of zeros, sure ones and tiny negative numbers come out as probabilities."""
    for temperature in (0.25, 1.7, 4.0):
        found = tempered(np.array([row]), temperature)
        assert found.sum() == pytest.approx(1.0)
        assert (found >= 0).all()


ROWS = Scored(
    np.zeros(N, int),
    np.repeat([0, 1, 2], N // 3),
    np.arange(N).reshape(-1, 3).T.ravel(),
)
"""The entries of `FOLDS`, one fold after the other; `y` is put in."""


def entries(y):
    """Return the scored rows of `FOLDS`."""
    return replace(ROWS, y=np.concatenate([y[test] for _, test in FOLDS.splits]))


def test_one_configuration_is_calibrated_where_the_metric_gains():
    """It predicts with its temperature, under a score that the metric gives it."""
    p, y = world()
    flat = {1: tempered(p, 2.0)}
    leader = trial_of(1, y, flat[1])
    found = calibrated(None, leader, reader(flat), entries(y), FOLDS, LOG_LOSS)
    assert found.weights == {1: 1.0}
    assert 0.3 < found.temperature < 0.8
    for k, (_, test) in enumerate(FOLDS.splits):
        surer = tempered(flat[1][test], found.temperature)
        assert found.scores[k] == pytest.approx(LOG_LOSS.score(y[test], surer))
    right, leader = {1: p}, trial_of(1, y, p)
    assert calibrated(None, leader, reader(right), entries(y), FOLDS, LOG_LOSS) is None


@pytest.mark.parametrize("name", ["accuracy", "roc_auc"])
def test_one_configuration_is_left_alone_where_only_the_order_counts(name):
    """The metric gains nothing: the model stays what it was. An average is mended."""
    metric = resolve_metric(name, "binary")
    rng = np.random.default_rng(0)
    p = rng.dirichlet([0.8, 0.8], N)
    y = (rng.random(N) < p[:, 1]).astype(int)
    flat = {1: tempered(p, 2.0), 2: tempered(p, 2.1)}
    leader = trial_of(1, y, flat[1], metric)
    rest = (leader, reader(flat), entries(y), FOLDS, metric)
    assert calibrated(None, *rest) is None
    whole = Blend({1: 0.5, 2: 0.5}, tuple(leader.scores.values()))
    found = calibrated(whole, *rest)
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
    assert calibrated(whole, leader, reader(flat), entries(y), FOLDS, metric) is whole


def test_without_time_all_stays_as_it_is():
    """What there is predicts, and the metric is not asked."""
    p, y = world()
    flat = {1: tempered(p, 2.0)}
    leader = trial_of(1, y, flat[1])
    rest = (leader, reader(flat), entries(y), FOLDS, LOG_LOSS)
    assert calibrated(None, *rest, lambda: True) is None
    clock = iter([False] * 3 + [True])  # read, but not scored
    assert calibrated(None, *rest, lambda: next(clock)) is None


def test_the_estimate_chooses_what_the_search_chose():
    """What becomes of what is taken has no say in what is taken."""
    rng = np.random.default_rng(0)
    p, y = world(400)
    contenders = [tempered(p, 3.0)] + [
        tempered(np.maximum(p + rng.normal(0, 0.05, p.shape), 1e-6), 1.5)
        for _ in range(4)
    ]
    contenders = [q / q.sum(axis=1, keepdims=True) for q in contenders]
    rows, asked = scored(y), []

    def finish(q):
        asked.append(next(k for k, own in enumerate(contenders) if own is q))
        return q

    corrected(contenders, rows, LOG_LOSS, finish=finish, n_resamples=200)
    flat = LOG_LOSS.score(y, contenders[0])
    assert flat < min(LOG_LOSS.score(y, q) for q in contenders[1:])
    assert 0 not in asked  # it would be the best with a temperature
    assert asked


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


def test_a_limit_leaves_no_stale_temperature(average):
    """An ensemble that is made smaller for a limit is calibrated again, or not."""
    model, _ = average
    size = len(pickle.dumps(model.model_)) / 2**20
    less = fitted(None, ensemble=True, max_model_mib=0.8 * size)
    assert len(less.weights_) < len(model.weights_)
    if len(less.weights_) == 1:
        assert not hasattr(less.model_[-1], "temperature")
        assert less.facts_["temperature"] is None


def test_an_ensemble_outlives_a_temperature_that_cannot_be_found(monkeypatch):
    """What raises on the way is a note; the weights were chosen before."""

    def broken(*_given):
        raise ZeroDivisionError

    monkeypatch.setattr("automl.conclusion.calibrated", broken)
    model = fitted(None, ensemble=True)
    assert len(model.weights_) == 2
    assert model.model_[-1].temperature == 1.0
    assert any("as the learners give them" in note for note in model.notes_)


def test_what_could_not_be_fitted_is_no_ensemble_that_failed(tmp_path):
    """One configuration without a model says nothing here: the leader's notes do."""
    table = make_table(X[SEEN], Y[SEEN])
    trial = Trial(1, "extra_trees", {}, "", "ok", (FoldResult(1, 0, "ok", -0.5),))
    given = SimpleNamespace(
        history={1: trial}, table=table, bag=False, notes=[], folder=tmp_path,
        candidates={}, finish=SimpleNamespace(refits={}),
    )  # fmt: skip
    assert blended(given, Blend({1: 1.0}, (-0.4,), 0.5)) == ([], ())
    assert given.notes == []
