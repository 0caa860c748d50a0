"""Learners grow by rounds, stop in time, and look at no other rows than given."""

import pickle
import sys
import time
import warnings

import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from scipy import sparse
from sklearn.base import clone
from sklearn.ensemble import (
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from automl.estimators.growing import STEP, _far_off, fit_growing, taken
from automl.estimators.network import EarlyMLPClassifier
from automl.estimators.patience import Growth
from automl.freeing import forget
from tests.growing_kit import grow, rows, split

QUIET = {"verbosity": -1, "n_jobs": 1, "random_state": 0}
PAST = 0.0


@pytest.mark.parametrize("n_classes", [2, 3])
def test_lightgbm_stops_early_on_text_labels(n_classes):
    """Boosting stops on the inner split, and predicts the labels it was given."""
    X, y = rows(n=600, n_classes=n_classes)
    model = LGBMClassifier(**QUIET, learning_rate=0.3)
    made, truncated = grow(model, X, y, 2000, inner=split(600, 60))
    assert 1 <= made < 1000
    assert not truncated
    assert model.best_iteration_ == made
    assert model.n_estimators == made
    assert set(model.predict(X)) <= set(y)
    assert model.predict_proba(X).shape == (600, n_classes)


@pytest.mark.parametrize("unit", [1e-4, 1e5])
def test_the_targets_unit_changes_nothing(unit):
    """LightGBM's L1 penalty is one for a target of deviation 1."""
    X, _ = rows()
    y = X[:, 0] + X[:, 1] ** 2
    found = []
    for scale in (1.0, unit):
        model = LGBMRegressor(**QUIET, reg_alpha=0.7)
        grow(model, X, scale * y, 60, inner=split(300, 60))
        found.append(model.predict(X) / scale)
    assert np.allclose(*found, atol=1e-3)
    assert np.corrcoef(found[1], y)[0, 1] > 0.9


def test_lightgbm_without_a_split_makes_all_rounds():
    """Without an inner split there is nothing to stop on."""
    X, y = rows()
    model = LGBMClassifier(**QUIET)
    assert grow(model, X, y, 37) == (37, False)
    assert model.predict_proba(X).shape == (300, 2)


def test_early_stopping_sees_the_given_rows_only():
    """What the other rows hold changes nothing."""
    X, y = rows()
    inner = (np.arange(0, 150), np.arange(150, 200))
    other, labels = X.copy(), y.copy()
    other[200:], labels[200:] = 1e9, "no"
    first, second = LGBMClassifier(**QUIET), LGBMClassifier(**QUIET)
    assert grow(first, X, y, 500, inner=inner) == grow(
        second, other, labels, 500, inner=inner
    )
    assert np.array_equal(first.predict_proba(X), second.predict_proba(X))


@pytest.mark.parametrize("lacking", ["train", "stop"])
def test_an_inner_split_may_lack_a_class(lacking):
    """A class that only one side has is learnt all the same."""
    X, y = rows(n_classes=3)
    order = np.argsort(y == "yes", kind="stable")
    train, stop = order[:240], order[240:]
    inner = (train, stop) if lacking == "train" else (stop, train)
    model = LGBMClassifier(**QUIET)
    grow(model, X, y, 50, inner=inner)
    assert model.classes_.tolist() == ["no", "perhaps", "yes"]


def test_a_class_of_one_row_is_learnt():
    """One row of a class, on the stopping side, leaves two classes to tell apart."""
    X, y = rows(n=100)
    y = np.where(np.arange(100) == 99, "yes", "no")
    model = LGBMClassifier(**QUIET)
    grow(model, X, y, 20, inner=split(100, 20))
    assert model.predict_proba(X).shape == (100, 2)


def test_weights_count_when_stopping():
    """Rows of hardly any weight do not decide when boosting stops."""
    X, y = rows()
    wrong = y.copy()
    wrong[270:] = np.where(y[270:] == "no", "perhaps", "no")
    weight = np.ones(300)
    weight[270:] = 1e-9
    models = [LGBMClassifier(**QUIET, learning_rate=0.3) for _ in range(2)]
    inner = split(300, 60)
    made = [
        grow(m, X, labels, 300, inner=inner, weight=weight)[0]
        for m, labels in zip(models, (y, wrong), strict=True)
    ]
    assert made[0] == made[1]


MODELS = {
    "lightgbm": (LGBMClassifier(**QUIET), "n_estimators"),
    "forest": (RandomForestClassifier(random_state=0), "n_estimators"),
    "hist": (
        HistGradientBoostingClassifier(random_state=0, early_stopping=True),
        "max_iter",
    ),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("with_split", [False, True])
def test_a_deadline_in_the_past_leaves_a_model(name, with_split):
    """The least that a learner does still predicts, and says it was cut short."""
    X, y = rows()
    model, param = MODELS[name]
    model = clone(model)
    inner = split(300, 60) if with_split else None
    made, truncated = grow(model, X, y, 5000, deadline=PAST, inner=inner, param=param)
    assert 1 <= made <= STEP
    assert truncated
    assert np.isfinite(model.predict_proba(X)).all()


def test_a_deadline_ahead_is_kept():
    """Rounds are made until the time is up, and not for long after."""
    X, y = rows(n=400)
    started = time.monotonic()
    made, truncated = grow(
        LGBMRegressor(**QUIET), X, y == "no", 1_000_000, deadline=started + 0.3
    )
    assert truncated
    assert made >= 10
    assert time.monotonic() - started < 60  # a million rounds take minutes


@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(random_state=0, max_samples=0.7),
        ExtraTreesRegressor(random_state=0),
        HistGradientBoostingRegressor(random_state=0, early_stopping=False),
        HistGradientBoostingRegressor(random_state=0, early_stopping=True),
    ],
    ids=["forest", "extra", "hist", "hist_early"],
)
def test_steps_give_the_same_model_as_one_fit(model):
    """Growing in steps is a way to look at the clock, not another model."""
    X, y = rows()
    target = y if hasattr(model, "predict_proba") else X[:, 0] ** 2 + (y == "no")
    param = "n_estimators" if "n_estimators" in model.get_params() else "max_iter"
    stepped, at_once = clone(model), clone(model).set_params(**{param: 60})
    made, _ = grow(stepped, X, target, 60, param=param)
    at_once.fit(X, target)
    predict = "predict_proba" if hasattr(model, "predict_proba") else "predict"
    assert made == getattr(at_once, "n_iter_", 60)
    assert np.allclose(getattr(stepped, predict)(X), getattr(at_once, predict)(X))
    assert stepped.get_params()["warm_start"] is False


@pytest.mark.parametrize(("seconds", "n_fits"), [(None, 1), (600.0, 3), (-9.0, 1)])
def test_boosting_that_bins_anew_is_fitted_in_few_steps(seconds, n_fits, monkeypatch):
    """A short step is timed; then half of the rounds are made that surely end."""
    fits, fit = [], HistGradientBoostingRegressor.fit

    def counted(model, *given):
        fits.append(model.max_iter)
        return fit(model, *given)

    monkeypatch.setattr(HistGradientBoostingRegressor, "fit", counted)
    X, _ = rows()
    deadline = None if seconds is None else time.monotonic() + seconds
    model = HistGradientBoostingRegressor(random_state=0, early_stopping=False)
    made, truncated = grow(model, X, X[:, 0], 200, deadline=deadline, param="max_iter")
    assert len(fits) == n_fits
    assert truncated == (seconds == -9.0)
    assert made == (STEP if truncated else 200)


def test_boosting_that_cannot_split_off_rows_makes_few_rounds():
    """A class of one row stops no boosting, and is learnt."""
    X, y = rows()
    y = np.where(np.arange(300) == 7, "yes", y)
    model = HistGradientBoostingClassifier(random_state=0, early_stopping=True)
    made, truncated = grow(model, X, y, 3000, param="max_iter")
    assert (made, truncated) == (100, False)
    assert model.classes_.tolist() == ["no", "perhaps", "yes"]
    assert model.early_stopping is True


def test_what_knows_no_steps_is_fitted_once():
    """Learners without a warm start, or that count rounds by class, are fitted."""
    X, y = rows()
    assert grow(KNeighborsClassifier(), X, y, 7, param="n_neighbors") == (7, False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is cut short on purpose
        made, _ = grow(LogisticRegression(), X, y, 50, param="max_iter")
    assert 1 <= made <= 50


@pytest.mark.parametrize("order", ["C", "F"])
def test_rows_are_taken_within_the_memory_of_the_matrix(order):
    """Overwriting gives the rows that copying does, in the matrix's own memory."""
    rng = np.random.default_rng(0)
    X = np.asarray(rng.normal(size=(500, 7)), order=order)
    rows = rng.permutation(500)[:450]
    expected = X[rows]
    copied = taken(X, rows, overwrite=False)
    assert not np.shares_memory(copied, X)
    inside = taken(X, rows, overwrite=True)
    np.testing.assert_array_equal(inside, expected)
    assert np.shares_memory(inside, X)
    assert inside.flags[f"{order}_CONTIGUOUS"]


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("inner", [None, split(3000, 300)])
def test_rows_that_may_be_overwritten_give_the_same_model(order, n_classes, inner):
    """LightGBM grows as it does from a copy, and the rows are given back meanwhile."""
    X, y = rows(3000, n_classes)
    weight = np.random.default_rng(1).uniform(1, 2, 3000)
    found = []
    for overwrite in (False, True):
        own = np.asarray(X, order=order).copy(order=order)
        model = LGBMClassifier(**QUIET)
        growth = Growth("n_estimators", 40)
        made, _ = fit_growing(
            model, own, y.copy(), growth, inner=inner, fit_params={},
            sample_weight=weight, overwrite=overwrite,
            release=forget if overwrite else None,
        )  # fmt: skip
        found.append((made, model.predict_proba(X)))
        assert np.array_equal(own, X) != overwrite or sys.platform != "linux"
    assert found[0][0] == found[1][0]
    np.testing.assert_array_equal(found[0][1], found[1][1])


def test_rows_of_other_matrices_are_copied():
    """Sparse, read-only and cut matrices are left as they are."""
    rng = np.random.default_rng(0)
    rows = rng.permutation(50)[:45]
    whole = rng.normal(size=(50, 7))
    fixed = whole.copy()
    fixed.flags.writeable = False
    for X in (sparse.csr_array(whole), fixed, whole[:, ::2]):
        expected = X[rows]
        before = X.copy()
        found = taken(X, rows, overwrite=True)
        assert abs(found - expected).max() == 0
        assert abs(X - before).max() == 0


def test_a_fit_leaves_room_for_the_predictions_that_follow_it():
    """Each round costs its share of what is to be there by the deadline."""
    X, y = rows(600)
    soon = time.monotonic() + 60.0
    growth = Growth("n_estimators", 400, soon, round_s=1.0)
    model = LGBMRegressor(**QUIET)
    made, truncated = fit_growing(
        model, X, (y == "yes").astype(float), growth, inner=None, fit_params={},
        sample_weight=None,
    )  # fmt: skip
    assert truncated
    assert 40 <= made <= 61
    trees = ExtraTreesRegressor(random_state=0)
    made, truncated = fit_growing(
        trees, X, (y == "yes").astype(float),
        Growth("n_estimators", 400, time.monotonic() + 60.0, round_s=1.0),
        inner=None, fit_params={}, sample_weight=None,
    )  # fmt: skip
    assert truncated
    assert made <= 75


GROWN = {
    "lightgbm": (LGBMClassifier(**QUIET, learning_rate=0.3), "n_estimators", "yes"),
    "numbers": (LGBMRegressor(**QUIET, reg_alpha=0.1), "n_estimators", "numbers"),
    "network": (EarlyMLPClassifier(random_state=0), "max_iter", "yes"),
}


@pytest.mark.parametrize("name", GROWN)
def test_few_rows_are_all_learnt_from(name):
    """A fifth of few rows says when to stop, and is worth a second fit."""
    X, y = rows()
    model, param, target = GROWN[name]
    y = 1e-3 * X[:, 0] ** 2 if target == "numbers" else y
    weight = np.where(np.arange(300) % 3, 1.0, 2.0)
    filled, whole, inner = clone(model), clone(model), split(300, 60)
    model = clone(model)
    made, _ = grow(model, X, y, 400, inner=inner, param=param, weight=weight)
    grow(whole, X, y, made, param=param, weight=weight)
    predict = "predict" if target == "numbers" else "predict_proba"
    assert made < 400
    assert np.array_equal(getattr(model, predict)(X), getattr(whole, predict)(X))
    assert model.get_params()[param] == made
    X = sparse.csr_matrix(X)
    grow(filled, X, y, 400, inner=inner, param=param, weight=weight)
    assert np.allclose(getattr(model, predict)(X), getattr(filled, predict)(X))


def test_few_rows_are_fitted_once_where_that_is_asked_for():
    """What was cut short is made again from its rounds, as it was."""
    X, y = rows()
    once, twice = (LGBMClassifier(**QUIET, learning_rate=0.3) for _ in range(2))
    made, _ = grow(twice, X, y, 400, inner=split(300, 60))
    assert grow(once, X, y, made, inner=split(300, 60), again=False) == (made, False)
    first = LGBMClassifier(**QUIET, learning_rate=0.3, n_estimators=made)
    first.fit(X[:240], y[:240])
    assert np.array_equal(once.predict_proba(X), first.predict_proba(X))
    assert not np.allclose(once.predict_proba(X), twice.predict_proba(X))


@pytest.mark.parametrize("objective", [None, "regression_l1"])
@pytest.mark.parametrize("n", [300, 600])
def test_lightgbm_learns_numbers_far_from_zero(objective, n):
    """It keeps targets as float32, where these are one number; the mean is put back."""
    X, _ = rows(n=n)
    y = X[:, 0] + X[:, 1] ** 2
    near, far = (LGBMRegressor(**QUIET, objective=objective) for _ in range(2))
    grow(near, X, y - y.mean(), 60, inner=split(n, 60))
    grow(far, X, 1e9 + y, 60, inner=split(n, 60))
    np.testing.assert_allclose(
        far.predict(X) - 1e9, near.predict(X) + y.mean(), atol=1e-2
    )
    again = pickle.loads(pickle.dumps(far))
    assert (again.predict(X) == far.predict(X)).all()
    parts = far.predict(X, pred_contrib=True)
    np.testing.assert_allclose(parts.sum(axis=1), far.predict(X), rtol=1e-9)


def test_numbers_that_float32_tells_apart_are_learnt_as_they_are():
    """Julian days of some months are; so are the largest numbers."""
    X, _ = rows()
    for y in (2.46e6 + 100 * X[:, 0], 1e160 * X[:, 0]):
        assert _far_off(LGBMRegressor(), y) == 0.0
    assert _far_off(LGBMRegressor(), 1e9 + X[:, 0]) == pytest.approx(1e9)
    assert _far_off(LGBMRegressor(objective="poisson"), 1e9 + X[:, 0]) == 0.0
    assert _far_off(LGBMRegressor(boosting_type="rf"), 1e9 + X[:, 0]) == 0.0
