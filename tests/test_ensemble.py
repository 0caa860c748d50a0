"""Weights from out-of-fold predictions, and the average that they make."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from automl.ensemble import LEAST_WEIGHT, POOL, blend, is_better, mixed, pool
from automl.estimators.ensemble import WeightedEnsemble
from automl.fast_scores import fast_score
from automl.metrics import resolve_metric
from automl.trial import FoldResult, Trial
from tests.blend_kit import finished, reader, thirds

N = 120
FOLDS = thirds(N)
RMSE = resolve_metric("rmse", "regression")


def world(noise, seed=0):
    """Return numbers, and predictions of members with independent errors."""
    rng = np.random.default_rng(seed)
    y = rng.normal(size=N)
    members = [y + s * rng.normal(size=N) for s in noise]
    return y, members


def trials_of(y, members, metric=RMSE):
    """Return finished trials with the scores of their predictions, best first."""
    found = [finished(k, y, p, FOLDS, metric) for k, p in enumerate(members, start=1)]
    return sorted(found, key=lambda t: -t.score)


def read(members):
    """Return the reader of their out-of-fold predictions; numbers start at 1."""
    return reader(dict(enumerate(members, start=1)), FOLDS)


@pytest.mark.parametrize(
    ("gains", "better"),
    [
        ([0.1, -0.05, 0.1, -0.05], True),  # the mean is .6 standard errors
        ([0.1, -0.09, 0.1, -0.09], False),  # .09 of one
        ([-0.1, -0.1, -0.1, -0.1], False),
        ([0.001], True),
        ([0.0], False),
    ],
)
def test_an_average_gains_a_quarter_of_a_standard_error_or_stays_away(gains, better):
    """Less is what chance does; of one fold no error is known."""
    single = Trial(1, "a", {}, "", "ok", tuple(
        FoldResult(1, k, "ok", 0.5) for k in range(len(gains))
    ))  # fmt: skip
    assert is_better([0.5 + gain for gain in gains], single) is better


def test_members_with_other_errors_are_averaged():
    """Three equally good ones with independent errors share the weight and win."""
    y, members = world([0.5, 0.5, 0.5])
    trials = trials_of(y, members)
    found = blend(trials, read(members), y, FOLDS, RMSE)
    assert set(found.weights) == {1, 2, 3}
    assert sum(found.weights.values()) == pytest.approx(1.0)
    assert min(found.weights.values()) > 0.2
    assert np.mean(found.scores) > trials[0].score + 0.1


@pytest.mark.parametrize(("n_classes", "n_rows"), [(2, 40), (5, 20), (60, 1)])
def test_rows_that_choose_weights_are_fewer_with_more_classes(
    monkeypatch, n_classes, n_rows
):
    """Their predictions are held at once, for each class; two classes are no more."""
    metric = resolve_metric("log_loss", "multiclass" if n_classes > 2 else "binary")
    y = np.arange(N) % n_classes
    p = np.full((N, n_classes), 1.0 / n_classes)
    limits = []

    def spread(test, _, limit):
        limits.append(limit)
        return np.arange(min(limit, len(test)))

    monkeypatch.setattr("automl.ensemble.SELECTION_ROWS", 40 * 3 * POOL)
    monkeypatch.setattr("automl.ensemble.SELECTION_CELLS", 100 * 3 * POOL)
    monkeypatch.setattr("automl.ensemble.spread", spread)
    blend(trials_of(y, [p, p], metric), read([p, p]), y, FOLDS, metric)
    assert set(limits) == {n_rows}


def test_the_scores_are_those_of_the_weighted_predictions():
    """Each fold's score is the metric of the average of its scored rows."""
    y, members = world([0.5, 0.6, 0.7])
    found = blend(trials_of(y, members), read(members), y, FOLDS, RMSE)
    for k, (_, test) in enumerate(FOLDS.splits):
        whole = mixed(found.weights, lambda n: members[n - 1])
        assert found.scores[k] == pytest.approx(RMSE.score(y[test], whole[test]))


def test_one_that_cannot_be_improved_stays_alone():
    """Copies and noise add nothing to the best; neither does a single one."""
    y, members = world([0.1, 5.0])
    members.append(members[0])
    trials = trials_of(y, members)
    assert blend(trials, read(members), y, FOLDS, RMSE) is None
    assert blend(trials[:1], read(members), y, FOLDS, RMSE) is None


def test_small_weights_are_dropped():
    """What hardly counts is not fitted."""
    y, members = world([0.3, 1.2, 1.3, 1.4, 1.5, 1.6])
    found = blend(trials_of(y, members), read(members), y, FOLDS, RMSE)
    assert min(found.weights.values()) >= LEAST_WEIGHT
    assert list(found.weights.values()) == sorted(found.weights.values(), reverse=True)


def test_the_end_of_the_time_keeps_what_there_is():
    """Asked to stop at once there is no average; after some additions there is."""
    y, members = world([0.5, 0.5, 0.5])
    trials = trials_of(y, members)
    args = (trials, read(members), y, FOLDS, RMSE, None)
    assert blend(*args, lambda: True) is None
    asked = iter([False] * 8 + [True] * 1000)
    assert blend(*args, lambda: next(asked)) is not None


def test_weights_of_rows_count():
    """With all weight on rows that one member knows, that member is left alone."""
    y, (a, b) = world([0.5, 0.5])
    sure = np.arange(N) < N // 2
    a = np.where(sure, y + 0.01 * (a - y), a)
    w = sure.astype(float)
    members = [a, b]
    trials = []
    for number, p in enumerate(members, start=1):
        folds = tuple(
            FoldResult(number, k, "ok", RMSE.score(y[t], p[t], w[t]))
            for k, (_, t) in enumerate(FOLDS.splits)
        )
        trials.append(Trial(number, f"c{number}", {}, "", "ok", folds))
    assert blend(trials, read(members), y, FOLDS, RMSE, w) is None


def test_the_best_and_the_best_of_each_family_may_be_members():
    """Unfinished and failed trials, and the baseline, may not."""

    def trial(number, name, score, status="ok"):
        folds = (FoldResult(number, 0, "ok", score),)
        return Trial(number, name, {}, "", status, folds)

    trials = [
        trial(0, "baseline", 9.0), trial(1, "a", 0.1), trial(2, "a", 0.5),
        trial(3, "b", 0.2), trial(4, "a", 0.4), trial(5, "b", 0.9, "raced"),
    ]  # fmt: skip
    assert [t.number for t in pool(trials, size=2)] == [2, 4, 3]


SCORES = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0]),
        st.sampled_from([0.0, 0.5, 1.0, 3.0]),
    ),
    min_size=4, max_size=60,
)  # fmt: skip


@settings(deadline=None)
@given(SCORES, st.booleans())
@pytest.mark.parametrize(
    "name",
    ["roc_auc", "log_loss", "accuracy", "f1", "mcc", "balanced_accuracy", "brier",
     "average_precision"],
)  # fmt: skip
def test_fast_scores_are_those_of_the_library(name, rows, weighted):
    """Ties, certainty, weights and small samples give scikit-learn's number."""
    y = np.array([0, 1] + [a for a, _, _ in rows])
    p = np.array([0.3, 0.6] + [b for _, b, _ in rows])
    weights = np.array([1.0, 2.0] + [c for _, _, c in rows]) if weighted else None
    both = np.column_stack([1 - p, p])
    metric = resolve_metric(name, "binary")
    expected = metric.score(y, both, weights)
    assert fast_score(metric)(y, both, weights) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("average_precision", "binary"),
        ("r2", "regression"),
        ("roc_auc_ovr", "multiclass"),
    ],
)
def test_folds_without_a_class_or_a_spread_have_the_librarys_number(name, task):
    """A fold of early rows may have no positive, or one value; an average counts it."""
    p = np.random.default_rng(0).dirichlet(np.ones(3), 40)
    y = np.zeros(40) if task != "multiclass" else np.arange(40) % 2
    p = {"binary": p[:, :2], "regression": p[:, 0], "multiclass": p}[task]
    metric = resolve_metric(name, task)
    expected = metric.score(y, p)
    assert np.isfinite(expected)
    assert fast_score(metric)(y, p, None) == pytest.approx(expected)


def test_fast_errors_of_numbers_are_those_of_the_library():
    """With weights and without."""
    y, (p, _) = world([0.5, 0.5])
    for name in ("rmse", "mae", "r2", "mape"):
        metric = resolve_metric(name, "regression")
        for weights in (None, np.arange(N, dtype=float)):
            expected = metric.score(y, p, weights)
            assert fast_score(metric)(y, p, weights) == pytest.approx(expected)
        assert np.isnan(fast_score(metric)(y, p, np.zeros(N)))


def test_other_metrics_are_scored_by_the_library():
    """Nothing is approximated where there is no quick way."""
    y, (p, _) = world([0.5, 0.5])
    middle = resolve_metric("median_ae", "regression")
    assert fast_score(middle)(y, p, None) == middle.score(y, p)


def test_a_metric_of_the_users_own_is_not_taken_for_ours():
    """Whatever its name: it is called, and says what it says."""

    def rmse(_model, _X, _y):
        return -7.0

    y, (p, _) = world([0.5, 0.5])
    assert fast_score(resolve_metric(rmse, "regression"))(y, p, None) == -7.0


# ------------------------------------------------------------------ the estimator


def prepared(counter):
    """Return a fitted preparation that counts how often it is used."""

    def count(X):
        counter.append(len(X))
        return X

    return Pipeline([("prepare", FunctionTransformer(count).fit(np.zeros((1, 1))))])


def constant(y):
    """Return a classifier that predicts the shares of these codes."""
    return DummyClassifier(strategy="prior").fit(np.zeros((len(y), 1)), y)


def test_probabilities_are_averaged_class_by_class():
    """A member that never saw a class gives it nothing; labels are the user's."""
    used = []
    heads = [
        ("a", constant([0, 1, 2, 2]), 0.5, np.array([0, 1, 2])),
        ("b", constant([0, 2]), 0.5, np.array([0, 2])),
    ]
    model = WeightedEnsemble([(prepared(used), heads)], np.array(["x", "y", "z"]))
    X = np.zeros((3, 1))
    assert model.predict_proba(X)[0] == pytest.approx([0.375, 0.125, 0.5])
    assert model.predict(X).tolist() == ["z", "z", "z"]
    assert used == [3, 3]  # once for each call, not for each member
    assert model.classes_.tolist() == ["x", "y", "z"]


def test_numbers_are_averaged_by_weight():
    """There are no classes then, and none are promised."""
    heads = [
        (str(v), DummyRegressor().fit([[0]], [v]), w, None)
        for v, w in ((1.0, 0.25), (5.0, 0.75))
    ]
    model = WeightedEnsemble([(prepared([]), heads)])
    assert model.predict(np.zeros((2, 1))) == pytest.approx([4.0, 4.0])
    assert not hasattr(model, "classes_")


def test_it_cannot_be_fitted():
    """Its parts are fitted; fitting it again would not do what it says."""
    with pytest.raises(TypeError, match="fitted pipelines"):
        WeightedEnsemble([]).fit(np.zeros((1, 1)), [0])
