"""What cannot be used is refused in a sentence, or left out with a note."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

import automl
from automl import AutoML, AutoMLRegressor
from automl.exceptions import AutoMLConfigError, AutoMLDataError
from tests.data import bank_rows

QUICK = {"n_trials": 3, "n_jobs": 1, "random_state": 0, "verbose": 0}


@pytest.fixture(scope="module")
def bank():
    """Return 600 rows of the bank table."""
    return bank_rows()


BROKEN = automl.Candidate(
    "broken", "Broken", ("binary",),
    {"classification": "sklearn.linear_model.LogisticRegression"},
    order=1, fixed={"C": -1.0},
    preparation={"numeric": "impute", "impute": "mean", "indicator": "no",
                 "scale": "none", "categorical": "onehot", "method": "none",
                 "text_components": 0},
)  # fmt: skip


def test_a_learner_that_fails_is_kept_with_its_reason(bank):
    """An error in one configuration is a result, and the run goes on."""
    model = AutoML(candidates=[BROKEN, "logistic"], **QUICK).fit(bank, "y")
    board = model.leaderboard_.set_index("candidate")
    assert board.loc["broken", "status"] == "error"
    assert "must be a float" in board.loc["broken", "reason"]
    failed = next(t for t in model.trials_ if t.candidate == "broken")
    assert "Traceback" in failed.folds[0].error
    assert model.best_candidate_ == "logistic"


def test_if_all_fail_the_baseline_is_the_model(bank):
    """There is always a model; the note quotes the commonest failure."""
    model = AutoML(candidates=BROKEN, **QUICK).fit(bank, "y")
    assert isinstance(model.best_pipeline_[-1], DummyClassifier)
    assert any("must be a float" in note for note in model.notes_)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"metric": "roc_ac"}, "Did you mean 'roc_auc'"),
        ({"metric": "rmse", "task": "binary"}, "is for regression"),
        ({"candidates": "lightgbn"}, "Did you mean 'lightgbm'"),
        ({"candidates": []}, "leaves nothing"),
        ({"time_budget_s": 0}, "must be a number of seconds above 0"),
        ({"time_budget_s": float("nan")}, "must be a number of seconds above 0"),
        ({"n_trials": 0}, "at least 1"),
        ({"time_budget_s": None, "n_trials": None}, "needs one of them"),
        ({"cv": 0}, "cv=0"),
        ({"cv": "five"}, "cv='five'"),
        ({"n_jobs": 0}, "n_jobs=0"),
        ({"task": "ranking"}, "task='ranking'"),
        ({"random_state": -1}, "random_state=-1"),
        ({"verbose": 7}, "verbose=7"),
    ],
)
def test_an_impossible_parameter_is_one_sentence(bank, options, words):
    """Before anything starts, the parameter, what came and what was expected."""
    with pytest.raises(AutoMLConfigError, match=words.replace("(", r"\(")):
        AutoML(**{**QUICK, **options}).fit(bank, "y")


def test_a_metric_that_raises_or_gives_nan_ends_before_the_search(bank):
    """A metric is tried on the baseline first."""

    def raising(*_):
        raise KeyError("secret")

    def nothing(*_):
        return float("nan")

    with pytest.raises(AutoMLConfigError, match="raised KeyError"):
        AutoML(metric=raising, **QUICK).fit(bank, "y")
    with pytest.raises(AutoMLConfigError, match="gave no number"):
        AutoML(metric=nothing, **QUICK).fit(bank, "y")


def test_an_unknown_keyword_is_a_type_error():
    """A misspelt parameter is refused by the constructor."""
    with pytest.raises(TypeError, match="time_budget"):
        AutoML(time_budget=3)


@pytest.mark.usefixtures("unexplained")
def test_a_failed_second_fit_keeps_the_first_model(bank):
    """Bad data on a second `fit` lose nothing."""
    X, y = bank.drop(columns="y"), bank["y"]
    model = AutoML(candidates=["logistic"], **QUICK).fit(X, y)
    before = model.predict_proba(X)
    with pytest.raises(AutoMLDataError):
        model.fit(X, y.iloc[:-1])
    assert np.array_equal(before, model.predict_proba(X))


@pytest.mark.usefixtures("unexplained")
def test_folds_that_have_one_class_to_learn_from_are_not_used(bank):
    """Most learners refuse them: a rare class that comes late would end every trial."""
    X = bank.drop(columns="y")
    y = np.where(np.arange(600) % 9 == 0, "yes", "no")
    y[:130] = "no"
    model = AutoML(candidates=["lightgbm", "logistic"], cv=5, **QUICK)
    model.fit(X, y, time=np.arange(600.0))
    assert any("one class" in note for note in model.notes_)
    assert {t.status for t in model.trials_} <= {"ok", "raced"}


@pytest.mark.usefixtures("unexplained")
def test_folds_on_which_the_metric_is_no_number_are_not_used(bank):
    """An area under a curve needs both classes: a fold without one is dropped."""
    X = bank.drop(columns="y")
    y = np.where(np.arange(600) % 9 == 0, "yes", "no")
    y[:480:9] = "no"
    y[5] = "yes"
    moment = np.arange(600.0)
    model = AutoML(candidates=["logistic"], cv=5, **QUICK).fit(X, y, time=moment)
    assert any("folds are not used" in note for note in model.notes_)
    assert any(t.status == "ok" for t in model.trials_ if t.number)


@pytest.mark.usefixtures("unexplained")
def test_learners_without_weights_are_named(bank):
    """Whoever is fitted without the weights that were given is told."""
    X, y = bank.drop(columns="y"), bank["y"]
    weights = np.linspace(0.5, 2, 600)
    model = AutoML(candidates=["logistic", "k_nearest"], **QUICK)
    model.fit(X, y, sample_weight=weights)
    assert any("K nearest neighbours" in note for note in model.notes_)
    assert not any("Logistic" in note for note in model.notes_)


def test_predictions_below_zero_are_no_failure_of_a_deviance():
    """A line through counts falls below zero: it is scored, and not given up."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    y = rng.poisson(np.exp(-1 + X[:, 0])).astype(float)
    model = AutoMLRegressor(
        metric="poisson_deviance", candidates="ridge", n_trials=1, n_jobs=1, cv=2,
        random_state=0, verbose=0,
    ).fit(X, y)  # fmt: skip
    assert [t.status for t in model.trials_ if t.candidate == "ridge"] == ["ok"]
    assert (model.predict(X) < 0).any()
    assert np.isfinite(model.score(X, y))
    assert model.metric_.least == pytest.approx(0.01 * y.mean())
