"""Predictions tree by tree are those of LightGBM, up to rounding."""

from __future__ import annotations

import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from scipy import sparse
from sklearn.linear_model import Ridge
from sklearn.preprocessing import FunctionTransformer

from automl.estimators import blockwise
from automl.estimators.blockwise import LEAST_ROWS, predict_blockwise
from automl.estimators.ensemble import WeightedEnsemble
from automl.estimators.growing import fit_growing
from automl.estimators.patience import Growth

QUIET = {"verbosity": -1, "n_jobs": 1, "n_estimators": 120, "random_state": 0}


def data(n=700, n_classes=None, seed=0):
    """Rows with a category and gaps, and a target."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5))
    X[:, 4] = rng.integers(0, 6, n)
    X[rng.random((n, 5)) < 0.05] = np.nan
    y = np.nan_to_num(X[:, 0]) + (X[:, 4] == 3) + rng.normal(size=n) / 3
    if n_classes:
        y = np.digitize(y, np.quantile(y, np.arange(1, n_classes) / n_classes))
    return X, y


@pytest.mark.parametrize("n_classes", [2, 3, 7, 60])
def test_probabilities_are_lightgbms(n_classes, monkeypatch):
    """Of two classes and of many, with categories, from whole blocks and a rest."""
    X, y = data(n_classes=n_classes)
    model = LGBMClassifier(**QUIET).fit(X, y, categorical_feature=[4])
    monkeypatch.setattr(blockwise, "LEAVES", 31 * 25)
    calls, whole = [], type(model.booster_).predict
    monkeypatch.setattr(
        type(model.booster_), "predict",
        lambda *a, **k: calls.append(k["num_iteration"]) or whole(*a, **k),
    )  # fmt: skip
    found = predict_blockwise(model, X)
    assert sum(calls) == 120
    assert len(calls) > 2
    monkeypatch.undo()
    assert np.allclose(found, model.predict_proba(X), rtol=1e-9, atol=1e-12)
    assert np.allclose(found.sum(axis=1), 1.0)


@pytest.mark.parametrize("objective", ["regression", "regression_l1", "huber"])
def test_numbers_are_lightgbms(objective, monkeypatch):
    """Of the objectives whose prediction is a sum; sparse rows, too."""
    monkeypatch.setattr(blockwise, "LEAVES", 310)
    X, y = data()
    model = LGBMRegressor(**QUIET, objective=objective).fit(X, y)
    assert np.allclose(predict_blockwise(model, X), model.predict(X), rtol=1e-9)
    filled = sparse.csr_matrix(np.nan_to_num(X))
    model.fit(filled, y)
    assert np.allclose(predict_blockwise(model, filled), model.predict(filled))


def test_what_stopped_early_predicts_by_its_best_rounds(monkeypatch):
    """As many as it has by then, in blocks of two."""
    X, y = data(n_classes=2)
    model = LGBMClassifier(**QUIET | {"learning_rate": 0.3})
    growth = Growth("n_estimators", 400)
    inner = (np.arange(400), np.arange(400, 700))
    fit_growing(
        model, X, y, growth, inner=inner, fit_params={}, sample_weight=None
    )  # fmt: skip
    assert 1 < model.best_iteration_ < 400
    monkeypatch.setattr(blockwise, "LEAVES", 62)
    assert np.allclose(predict_blockwise(model, X), model.predict_proba(X))


def test_what_is_no_sum_of_trees_is_left_to_its_own():
    """Other learners, other links, averages of trees, and few rows."""
    X, y = data()
    assert predict_blockwise(Ridge().fit(np.nan_to_num(X), y), X) is None
    counts = np.abs(y).round()
    poisson = LGBMRegressor(**QUIET, objective="poisson").fit(X, counts)
    assert predict_blockwise(poisson, X) is None
    forest = LGBMRegressor(
        **QUIET, boosting_type="rf", subsample=0.5, subsample_freq=1
    ).fit(X, y)
    assert predict_blockwise(forest, X) is None
    squared = LGBMRegressor(**QUIET, reg_sqrt=True).fit(X, y)
    assert predict_blockwise(squared, X) is None

    class Own(LGBMRegressor):
        """Predicts as it likes."""

    class Other:
        """Has a booster that is not LightGBM's, as the XGBoost wrapper has."""

        booster_ = object()

    assert predict_blockwise(Own(**QUIET).fit(X, y), X) is None
    assert predict_blockwise(Other(), X) is None


def test_few_rows_few_trees_and_wide_rows_are_one_call(monkeypatch):
    """There the blocks cost more than they spare."""
    monkeypatch.setattr(blockwise, "LEAVES", 310)
    X, y = data()
    model = LGBMRegressor(**QUIET).fit(X, y)
    assert predict_blockwise(model, X[: LEAST_ROWS - 1]) is None
    assert predict_blockwise(model, X[:LEAST_ROWS]) is not None
    few = LGBMRegressor(**QUIET | {"n_estimators": 10}).fit(X, y)
    assert predict_blockwise(few, X) is None
    wide = np.hstack([X] * (blockwise.MOST_COLUMNS // 5 + 1))
    assert predict_blockwise(LGBMRegressor(**QUIET).fit(wide, y), wide) is None


def test_an_ensemble_predicts_its_lightgbm_in_blocks(monkeypatch):
    """As the folds did, for many rows; a few are predicted as ever."""
    monkeypatch.setattr(blockwise, "LEAVES", 31 * 20)
    X, y = data(n_classes=3)
    model = LGBMClassifier(**QUIET).fit(X, y)
    prepare = FunctionTransformer().fit(X)
    parts = [(prepare, [("a", model, 1.0, np.arange(3))])]
    whole = WeightedEnsemble(parts, classes=np.array(["a", "b", "c"]))
    asked = []
    real = type(model).predict_proba
    monkeypatch.setattr(
        LGBMClassifier, "predict_proba", lambda *a: asked.append(1) or real(*a)
    )
    many = whole.predict_proba(X)
    assert not asked
    assert np.allclose(whole.predict_proba(X[:9]), many[:9], rtol=1e-12)
    assert asked
    X, y = data()
    numbers = WeightedEnsemble(
        [(prepare, [("a", LGBMRegressor(**QUIET).fit(X, y), 1.0, None)])]
    )
    assert np.allclose(numbers.predict(X)[:9], numbers.predict(X[:9]), rtol=1e-12)
