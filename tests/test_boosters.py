"""XGBoost and CatBoost: candidates where they are installed, nothing where not."""

import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from automl import AutoML, candidates
from automl.candidates import load_candidates, parse_candidate
from automl.estimators.catboosting import CatBoostingClassifier, CatBoostingRegressor
from automl.estimators.growing import fit_growing
from automl.estimators.logarithm import LogTargetRegressor, inner_learner
from automl.estimators.patience import Growth
from automl.estimators.xgboosting import XGBoostingClassifier, XGBoostingRegressor
from automl.exceptions import AutoMLConfigError

LIBRARIES = ["xgboost", "catboost"]
PAIRS = {
    "xgboost": (XGBoostingClassifier, XGBoostingRegressor),
    "catboost": (CatBoostingClassifier, CatBoostingRegressor),
}


@pytest.fixture(params=LIBRARIES)
def library(request):
    """A library of the extra, if it is installed."""
    # Both are extras of the user's choice: what is absent has nothing to hold.
    pytest.importorskip(request.param)
    return request.param


def rows(n=300, seed=0):
    """Numbers with gaps, and the codes of a category that matters."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    X[:, 3] = rng.integers(0, 6, n)
    signal = X[:, 0] + 2.0 * np.isin(X[:, 3], [1, 4]) + 0.3 * rng.normal(size=n)
    X[rng.random((n, 4)) < 0.05] = np.nan
    return X, signal


def labels(signal, n_classes):
    """Text labels that follow the signal."""
    share = np.arange(1, n_classes) / n_classes
    return np.array(["no", "perhaps", "yes"])[
        np.digitize(signal, np.quantile(signal, share))
    ]


def grow(model, X, y, high, *, deadline=None, inner=None, weight=None, again=False):
    """Fit a model that grows."""
    growth = Growth("n_estimators", high, deadline, again=again)
    return fit_growing(
        model, X, y, growth, inner=inner, fit_params={}, sample_weight=weight
    )


SPLIT = (np.arange(240), np.arange(240, 300))
"""Positions that train, and that stop."""


@pytest.mark.parametrize("name", LIBRARIES)
def test_auto_leaves_out_what_is_not_installed(name, monkeypatch):
    """Without its library a candidate is not there, and nothing is said of it."""
    monkeypatch.setattr(candidates, "is_installed", lambda module: module != name)
    found = load_candidates()
    assert name not in found
    assert "lightgbm" in found


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_name_without_its_library_says_how_to_get_it(name, monkeypatch):
    """Asked for by name, what is not installed is an error with the command."""
    monkeypatch.setattr(candidates, "is_installed", lambda module: module != name)
    command = r'pip install "automl-pipelines\[boosters\]"'
    with pytest.raises(AutoMLConfigError, match=command) as caught:
        load_candidates(["ridge", name])
    assert caught.value.code == "E-extra"


def test_a_spec_of_ones_own_may_require_a_module():
    """What is required is a module's name; one that is not there is told of."""
    spec = {
        "tasks": ["regression"],
        "estimator": {"regression": "sklearn.linear_model.Ridge"},
    }
    assert parse_candidate("mine", spec | {"requires": "json"}).requires == "json"
    with pytest.raises(AutoMLConfigError, match="pip install no_such_module"):
        parse_candidate("mine", spec | {"requires": "no_such_module"})
    for wrong in (7, "two words"):
        with pytest.raises(AutoMLConfigError, match="must be the name of a module"):
            parse_candidate("mine", spec | {"requires": wrong})


@pytest.mark.parametrize("n_classes", [1, 2, 3])
def test_classifiers_give_probabilities_of_text(library, n_classes):
    """Labels are text, categories codes, gaps gaps; pickles predict the same."""
    X, signal = rows()
    y = labels(signal, n_classes)
    model = PAIRS[library][0](n_estimators=30, categorical_features=[3], random_state=0)
    before = model.get_params()
    model.fit(X, y)
    found = model.predict_proba(X)
    assert model.get_params() == before
    assert found.shape == (300, n_classes)
    assert np.allclose(found.sum(axis=1), 1.0)
    assert np.mean(model.predict(X) == y) > 0.75
    new = X[:3].copy()
    new[:, 3] = [6.0, 250.0, np.nan]  # levels that were never seen, and none
    assert np.isfinite(model.predict_proba(new)).all()
    assert np.array_equal(found, pickle.loads(pickle.dumps(model)).predict_proba(X))


@pytest.mark.parametrize("unit", [1e-6, 1e9])
def test_regressors_know_no_unit(library, unit):
    """A target in other units gives the same predictions in these units."""
    X, signal = rows()
    model = PAIRS[library][1](n_estimators=50, categorical_features=[3], random_state=0)
    found = clone(model).fit(X, unit * (signal + 3)).predict(X)
    plain = clone(model).fit(X, signal + 3).predict(X)
    assert np.allclose(found / unit, plain, atol=1e-3)


def test_what_cannot_be_learnt_is_a_constant(library):
    """A constant target, columns that do not vary and huge numbers are no errors."""
    classifier, regressor = PAIRS[library]
    X, signal = rows(60)
    assert np.allclose(regressor().fit(X, np.full(60, 7.0)).predict(X), 7.0)
    same = np.ones((60, 2))
    assert np.allclose(regressor().fit(same, signal).predict(same), signal.mean())
    found = classifier().fit(same, signal > 0).predict_proba(same)
    assert np.allclose(found[:, 1], np.mean(signal > 0), atol=1e-5)
    huge = X * 1e200
    assert np.isfinite(regressor(n_estimators=3).fit(huge, signal).predict(huge)).all()


def test_unfitted_models_say_so(library):
    """Predicting before fitting is an error that scikit-learn's users know."""
    for kind in PAIRS[library]:
        with pytest.raises(NotFittedError):
            kind().predict(rows(5)[0])


def test_boosting_stops_on_the_inner_split(library):
    """Rounds end when the inner split is best; the model has so many trees."""
    X, signal = rows()
    model = PAIRS[library][0](learning_rate=0.3, random_state=0)
    made, truncated = grow(model, X, labels(signal, 3), 2000, inner=SPLIT)
    assert 1 <= made < 500
    assert not truncated
    again = PAIRS[library][0](learning_rate=0.3, random_state=0, n_estimators=made)
    again.fit(X[:240], labels(signal, 3)[:240])
    assert np.allclose(model.predict_proba(X), again.predict_proba(X))


def test_few_rows_are_fitted_once_more(library):
    """The rows that stopped the boosting are learnt from, and weigh what they weigh."""
    X, signal = rows()
    y, weight = labels(signal, 3), np.linspace(1.0, 3.0, 300)
    model = PAIRS[library][0](learning_rate=0.3, random_state=0)
    made, _ = grow(model, X, y, 2000, inner=SPLIT, weight=weight, again=True)
    again = PAIRS[library][0](learning_rate=0.3, random_state=0, n_estimators=made)
    again.fit(X, y, sample_weight=weight)
    assert np.allclose(model.predict_proba(X), again.predict_proba(X))


def test_weights_count_in_fitting_and_stopping(library):
    """Rows of hardly any weight neither teach nor decide when to stop."""
    X, signal = rows()
    y = labels(signal, 2)
    wrong = y.copy()
    wrong[270:] = np.where(y[270:] == "no", "perhaps", "no")
    weight = np.where(np.arange(300) < 270, 1.0, 1e-9)
    made = []
    for target in (y, wrong):
        model = PAIRS[library][0](learning_rate=0.3, random_state=0)
        made.append(grow(model, X, target, 200, inner=SPLIT, weight=weight)[0])
    assert made[0] == made[1]
    plain, weighed = (PAIRS[library][1](n_estimators=20) for _ in range(2))
    half = np.where(signal > 1, 10.0, 0.1)
    a = plain.fit(X, signal).predict(X)
    assert not np.allclose(a, weighed.fit(X, signal, half).predict(X))


def test_logarithms_are_learnt_where_errors_are_of_them(library):
    """Within the run and in the model of all rows, which predicts the target."""
    X, signal = rows()
    y = np.expm1(3 + signal - signal.min())
    model = AutoML(
        metric="rmsle", candidates=library, n_trials=1, cv=2, n_jobs=1, verbose=0,
        random_state=0, ensemble=False, deploy="refit",
    ).fit(X, y)  # fmt: skip
    assert isinstance(model.best_pipeline_[-1], LogTargetRegressor)
    assert inner_learner(model.best_pipeline_[-1]).n_estimators < 1000
    assert 0.8 < np.median(model.predict(X) / y) < 1.25


@pytest.mark.parametrize("inner", [None, SPLIT], ids=["all rows", "split"])
def test_a_deadline_in_the_past_leaves_a_model(library, inner):
    """Ten rounds are made all the same; they predict, and are told to be cut short."""
    X, signal = rows()
    model = PAIRS[library][1](random_state=0)
    made, truncated = grow(model, X, signal, 5000, deadline=0.0, inner=inner)
    assert 1 <= made <= 10
    assert truncated
    assert np.isfinite(model.predict(X)).all()


def test_threads_change_nothing(library):
    """Two threads fit the model that one does."""
    X, signal = rows(2000)
    one, two = (
        PAIRS[library][0](
            n_estimators=20, categorical_features=[3], random_state=0, n_jobs=n
        ).fit(X, signal > 0)
        for n in (1, 2)
    )
    assert np.array_equal(one.predict_proba(X), two.predict_proba(X))


def mixed(n=150):
    """A small table with numbers, gaps and text levels."""
    X, signal = rows(n)
    frame = pd.DataFrame(X[:, :3], columns=["a", "b", "c"])
    frame["level"] = [f"level {v}" for v in X[:, 3]]
    return frame, labels(signal, 2)


def test_a_run_is_the_same_in_one_and_two_processes(library):
    """With trials and a seed, the model is the same byte for byte."""
    X, y = mixed()
    found = [
        AutoML(
            candidates=library, n_trials=2, cv=2, n_jobs=n_jobs, random_state=0,
            verbose=0,
        )
        .fit(X, y)
        .predict_proba(X)
        for n_jobs in (1, 2)
    ]  # fmt: skip
    assert np.array_equal(*found)


BARE = """
import sys
sys.modules["automl"] = sys.modules["hyperopt"] = None
import pickle, pandas as pd
with open("model/model.pkl", "rb") as file:
    model = pickle.load(file)
print(model.predict_proba(pd.read_csv("new.csv"))[:, 1].tolist())
"""


def test_the_bundle_pins_the_library_and_loads_without_ours(library, tmp_path):
    """A saved model requires the booster, and predicts where automl is not."""
    X, y = mixed()
    model = AutoML(
        candidates=library, n_trials=1, cv=2, n_jobs=1, random_state=0, verbose=0
    ).fit(X, y)
    model.save(tmp_path / "model")
    required = (tmp_path / "model" / "requirements.txt").read_text(encoding="utf-8")
    assert f"\n{library}" in required.split("# needed by those")[0]
    assert "lightgbm" not in required
    X.head(5).to_csv(tmp_path / "new.csv", index=False)
    done = subprocess.run(
        [sys.executable, "-c", BARE],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    new = pd.read_csv(tmp_path / "new.csv")
    assert np.allclose(
        [float(v) for v in done.stdout.strip()[1:-1].split(",")],
        model.predict_proba(new)[:, 1],
    )


def test_trees_that_are_not_symmetric_stop_early_too():
    """CatBoost cannot cut them short: the best rounds predict, the others do not."""
    pytest.importorskip("catboost")
    X, signal = rows()
    for policy in ("SymmetricTree", "Depthwise"):
        model = PAIRS["catboost"][1](
            learning_rate=0.3, grow_policy=policy, random_state=0
        )
        made, truncated = grow(model, X, signal, 400, inner=SPLIT)
        assert not truncated
        assert made < 200
        again = clone(model).set_params(n_estimators=made).fit(X[:240], signal[:240])
        assert np.allclose(model.predict(X), again.predict(X), atol=1e-6)
        assert np.array_equal(
            model.predict(X), pickle.loads(pickle.dumps(model)).predict(X)
        )
