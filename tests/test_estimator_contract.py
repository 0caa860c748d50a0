"""scikit-learn's own checks, on both estimators, with no expected failure."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from automl import AutoML, AutoMLClassifier, AutoMLRegressor
from automl.candidates import Candidate

QUICK = {"n_trials": 2, "n_jobs": 1, "random_state": 0, "verbose": 0}

EXACT_CLASSIFIER = Candidate(
    "exact",
    "Logistic regression on plain columns",
    ("binary", "multiclass"),
    {"classification": "sklearn.linear_model.LogisticRegression"},
    fixed={"C": 1.0, "tol": 1e-10, "max_iter": 10_000},
    preparation={
        "numeric": "passthrough", "categorical": "onehot", "text_components": 0,
        "method": "none", "indicator": "no", "scale": "none", "impute": "mean",
    },
)  # fmt: skip
EXACT_REGRESSOR = Candidate(
    "exact",
    "Ridge regression on plain columns",
    ("regression",),
    {"regression": "sklearn.linear_model.Ridge"},
    fixed={"alpha": 1.0},
    preparation=EXACT_CLASSIFIER.preparation,
)


def _exact(model, check_name):
    """Learners whose weights are exact stand in where a check compares them."""
    if "sample_weight_equivalence" not in check_name:
        return model
    exact = EXACT_CLASSIFIER if isinstance(model, AutoMLClassifier) else EXACT_REGRESSOR
    return model.set_params(candidates=exact, n_trials=1)


@pytest.mark.usefixtures("unexplained")  # not so in parallel, below
@pytest.mark.filterwarnings("ignore:Column .* one target:UserWarning")  # it has
@pytest.mark.filterwarnings("ignore:1 class.es. have one row:UserWarning")
@parametrize_with_checks(
    [
        AutoMLClassifier(candidates=["logistic", "k_nearest"], **QUICK),
        AutoMLRegressor(metric="r2", candidates=["ridge", "k_nearest"], **QUICK),
    ]
)
def test_sklearn_check_passes(estimator, check):
    """Each check of scikit-learn's contract passes with two configurations."""
    name = getattr(check, "func", check).__name__
    check(_exact(estimator, name))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Column .* one target:UserWarning")  # it has
@pytest.mark.filterwarnings("ignore:1 class.es. have one row:UserWarning")
@parametrize_with_checks(
    [
        AutoMLClassifier(n_trials=4, n_jobs=2, random_state=0, verbose=0),
        AutoMLRegressor(metric="r2", n_trials=4, n_jobs=2, random_state=0, verbose=0),
    ]
)
def test_sklearn_check_passes_in_parallel(estimator, check):
    """The same holds for the default candidates on two processes."""
    name = getattr(check, "func", check).__name__
    check(_exact(estimator, name))


def test_cross_val_score_fits_inside():
    """`cross_val_score` clones, fits and scores by the chosen metric."""
    X, y = load_iris(return_X_y=True)
    model = AutoMLClassifier(candidates=["logistic"], **QUICK)
    scores = cross_val_score(model, X, y, cv=3)
    assert len(scores) == 3
    assert (scores > -0.5).all()  # minus the log loss


def test_pipeline_takes_it_as_last_step():
    """It works behind a transformer in a scikit-learn pipeline."""
    X, y = load_diabetes(return_X_y=True)
    model = make_pipeline(
        StandardScaler(), AutoMLRegressor(candidates="ridge", **QUICK)
    )
    assert model.fit(X, y).predict(X).shape == (442,)


def test_fitted_model_survives_pickle():
    """A pickled and reloaded model predicts the same."""
    X, y = load_iris(return_X_y=True, as_frame=True)
    model = AutoML(candidates=["logistic"], **QUICK).fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(model.predict_proba(X), again.predict_proba(X))


def test_clone_keeps_the_lifted_time_limit():
    """A clone of a model with only n_trials has no limit in time either."""
    model = AutoML(n_trials=3)
    for again in (clone(model), pickle.loads(pickle.dumps(model))):
        assert again.time_budget_s is model.time_budget_s
