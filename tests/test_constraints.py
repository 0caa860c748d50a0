"""What predicts stays within milliseconds and megabytes, and says what that costs."""

from __future__ import annotations

import shutil
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

from automl import AutoML, Candidate
from automl.constraints import (
    Choice,
    Constraints,
    _by_family,
    _chosen,
)
from automl.cost import MIB, Cost, cost_of
from automl.ensemble import Blend, pruned
from automl.estimators.ensemble import WeightedEnsemble
from automl.exceptions import AutoMLConfigError, AutoMLWarning
from automl.folds import Folds
from automl.history import History
from automl.metrics import resolve_metric
from automl.table import make_table
from automl.trial import FoldResult, Trial

pytestmark = pytest.mark.usefixtures("all_unexplained")

GIVEN = {
    "candidates": ["logistic", "extra_trees", "k_nearest"], "cv": 3, "n_trials": 4,
    "n_jobs": 1, "random_state": 0, "verbose": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def data():
    """Features and named classes."""
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    X, y = X.iloc[:240, :12], y.iloc[:240]
    return X, y.map({0: "bad", 1: "good"})


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    """A model without limits, an ensemble, and the folder of its run."""
    folder = tmp_path_factory.mktemp("run")
    model = AutoML(**GIVEN, run_dir=folder).fit(*data)
    assert len(model.weights_) > 1
    return model, folder


@pytest.fixture(scope="module")
def free(run):
    """A model without limits: an ensemble."""
    return run[0]


@pytest.fixture
def searched(run, tmp_path):
    """A copy of the run without limits, whose end can be made anew with one."""
    return shutil.copytree(run[1], tmp_path / "again")


def mib(model, data):
    """The size of a model's pickle."""
    return cost_of(model.model_, make_table(*data)).model_mib


def about(model, name):
    """Notes that tell of a limit."""
    return [note for note in model.notes_ if name in note]


def test_a_limit_that_holds_changes_nothing(free, searched, data):
    """Where the ensemble is small and fast enough, nothing is changed or said."""
    given = {**GIVEN, "run_dir": searched}
    model = AutoML(**given, max_model_mib=100, max_predict_ms=60_000).fit(*data)
    assert model.weights_ == free.weights_
    assert np.array_equal(model.predict_proba(data[0]), free.predict_proba(data[0]))
    assert not about(model, "max_")


def test_the_saved_model_is_within_its_megabytes(free, data, tmp_path):
    """A smaller model predicts; the file has the size, the notes have the price."""
    limit = 0.9 * mib(free, data)
    model = AutoML(**GIVEN, max_model_mib=limit).fit(*data)
    saved = model.save(tmp_path / "model")
    assert (saved / "model.pkl").stat().st_size <= limit * MIB
    (note,) = about(model, "max_model_mib")
    assert f"instead of an ensemble of {len(free.weights_)} configurations" in note
    assert "cross-validated roc_auc" in note
    assert note in model.facts_["run"]["notes"]
    verdict, board = model.facts_["verdict"], model.facts_["leaderboard"]["rows"]
    assert "it was given up for max_model_mib=" in verdict["sentence"]
    assert board[0]["candidate"] == "ensemble"
    assert not board[0]["winner"]
    assert model.best_score_ < free.best_score_
    assert set(model.predict(data[0])) == {"bad", "good"}
    assert sum(model.weights_.values()) == pytest.approx(1.0)


def test_a_finished_run_is_concluded_again_with_a_limit(free, searched, data):
    """The search is not repeated: only what predicts is chosen anew."""
    limit = 0.5 * mib(free, data)
    model = AutoML(**GIVEN, run_dir=searched, max_model_mib=limit).fit(*data)
    assert [t.scores for t in model.trials_] == [t.scores for t in free.trials_]
    assert model.weights_ != free.weights_
    assert mib(model, data) <= limit


def test_fold_models_give_way_to_fits_on_all_rows(data):
    """`deploy="bag"` is given up where its models are too large together."""
    bag = AutoML(**GIVEN, ensemble=False, deploy="bag").fit(*data)
    limit = 0.7 * mib(bag, data)
    model = AutoML(**GIVEN, ensemble=False, deploy="bag", max_model_mib=limit).fit(
        *data
    )
    assert model.weights_ == bag.weights_
    assert len(getattr(bag.model_[-1], "estimators", ())) == 3
    assert not isinstance(model.model_[-1], WeightedEnsemble)
    (note,) = about(model, "max_model_mib")
    (trial,) = bag.weights_
    name = f"trial {trial} ({bag.best_candidate_})"
    assert f"{name} predicts (" in note
    assert f"instead of {name} with a model for each fold (" in note


@pytest.mark.slow
def test_the_rule_of_simplicity_holds_with_limits(data):
    """Its own fit on all rows is tried before another configuration is."""
    given = {**GIVEN, "select": "simplest"}
    bag, refit = (AutoML(**given, deploy=d).fit(*data) for d in ("bag", "refit"))
    limit = (mib(bag, data) + mib(refit, data)) / 2
    model = AutoML(**given, deploy="bag", max_model_mib=limit).fit(*data)
    assert model.weights_ == bag.weights_
    assert next(iter(bag.weights_)) != bag.leaderboard_["trial"].iloc[0]
    assert not about(model, "does not predict")
    assert mib(model, data) <= limit < mib(bag, data)


def test_what_cannot_be_kept_gives_a_small_one_with_a_warning(searched, data):
    """No model is that small: the best of the small ones predicts, loudly."""
    with pytest.warns(AutoMLWarning, match="No model was found within") as caught:
        model = AutoML(**GIVEN, run_dir=searched, max_model_mib=1e-6).fit(*data)
    codes = [getattr(w.message, "code", "") for w in caught]
    assert codes.count("W-constraint") == 1
    # the logistic regression alone is smaller, and not by half
    found = sorted(model.trials_[trial].candidate for trial in model.weights_)
    assert found == ["k_nearest"]
    assert len(about(model, "max_model_mib")) == 2


@pytest.mark.parametrize(
    ("others", "number"),
    [
        ([(2, "ok", 9.0)], 1), ([(2, "ok", 5.0)], 2), ([(2, "raced", 2.0)], 1),
        ([(2, "ok", 5.0), (3, "ok", 4.0)], 2), ([(2, "ok", 5.0), (3, "ok", 2.6)], 2),
        ([(2, "ok", 5.0), (3, "ok", 2.4)], 3), ([(2, "raced", 0.5)], 2),
    ],
)  # fmt: skip
def test_no_score_is_given_away_for_a_limit_that_is_missed(others, number):
    """Only a complete model with half the excess takes the place of a better one."""
    measured = [
        (Choice(SimpleNamespace(trial=SimpleNamespace(number=n, status=s)), None, None),
         Cost(0.0, mib))
        for n, s, mib in [(1, "ok", 10.0), *others]
    ]  # fmt: skip
    found, _ = _chosen(measured, Constraints(max_model_mib=1.0))
    assert found.out.trial.number == number


def test_nothing_behind_the_baseline_is_tried_for_a_limit():
    """A model that is small and worse than the constant is no way out."""
    scores = {"baseline": 0.5, "one": 0.9, "two": 0.4, "three": 0.6}
    trials = tuple(
        Trial(n, name, {}, "", "ok", (FoldResult(n, 0, "ok", score),))
        for n, (name, score) in enumerate(scores.items())
    )
    given = SimpleNamespace(history=History(trials))
    assert [t.candidate for t in _by_family(given)] == ["three"]


def test_a_slow_model_gives_way_to_a_fast_one():
    """The best learner takes .2 seconds a row: with .1 allowed, another predicts."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3))
    y = X @ [1.0, 2.0, 3.0]
    kind = {"regression": "tests.slow_learners.SlowRidge"}
    slow = Candidate("slow", "Slow ridge", ("regression",), kind)
    given = {
        "candidates": [slow, "k_nearest"], "n_trials": 2, "cv": 2, "n_jobs": 1,
        "ensemble": False, "random_state": 0, "verbose": 0,
    }  # fmt: skip
    model = AutoML(**given, max_predict_ms=100).fit(X, y)
    (trial,) = model.weights_
    assert model.trials_[trial].candidate == "k_nearest"
    assert cost_of(model.model_, make_table(X, y)).predict_ms < 100
    (note,) = about(model, "max_predict_ms")
    assert "instead of trial 1 (slow)" in note
    assert "MiB" not in note  # a size that nobody asked for is not measured


@pytest.mark.slow
def test_a_size_is_kept_the_same_way_in_two_processes(free, data):
    """Sizes are no measurements of time: one process and two choose the same model."""
    limit = 0.4 * mib(free, data)
    found = [
        AutoML(**GIVEN | {"n_jobs": n}, max_model_mib=limit).fit(*data) for n in (1, 2)
    ]
    assert found[0].weights_ == found[1].weights_
    assert np.array_equal(*(m.predict_proba(data[0]) for m in found))


@pytest.mark.slow
def test_the_budget_holds_with_limits(data):
    """Smaller models are looked for within the budget, not after it."""
    given = GIVEN | {"n_trials": None, "n_jobs": 2, "time_budget_s": 12}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AutoMLWarning)  # it may find none
        model = AutoML(**given, max_model_mib=0.1).fit(*data)
    assert model.facts_["run"]["timeline"]["total"] < 14
    assert "kept for models within the limits" in model.facts_["run"]["limits"]


def test_pruning_leaves_out_the_least_weight_while_it_pays():
    """Two members of three are yielded if they beat the single one, else nothing is."""
    y = np.array([0.0, 1.0, 2.0, 3.0])
    folds = Folds(((np.arange(4), np.arange(4)),), "all", ())
    stored = {1: y + 1.0, 2: y - 1.0, 3: y}
    metric = resolve_metric("rmse", "regression")
    whole = Blend({1: 0.4, 2: 0.4, 3: 0.2}, (0.0,))

    def single(score):
        return Trial(1, "a", {}, "", "ok", (FoldResult(1, 0, "ok", score),))

    def smaller(score):
        predictions = lambda trial, _: stored[trial]  # noqa: E731 - one line
        return list(pruned(whole, single(score), predictions, y, folds, metric))

    (found,) = smaller(-1.0)
    assert dict(found.weights) == {1: 0.5, 2: 0.5}
    assert found.scores == pytest.approx((0.0,))
    assert not smaller(0.1)


@pytest.mark.parametrize("name", ["max_predict_ms", "max_model_mib"])
@pytest.mark.parametrize("value", [0, -1, True, "5", float("nan"), float("inf")])
def test_limits_are_positive_numbers(name, value, data):
    """Anything else is an error that names the parameter."""
    with pytest.raises(AutoMLConfigError, match=name) as caught:
        AutoML(**GIVEN, **{name: value}).fit(*data)
    assert caught.value.code == "E-" + name.replace("_", "-")


def test_constraints_say_what_they_are():
    """Without a limit there is nothing to check; the larger excess counts."""
    assert not Constraints()
    both = Constraints(5.0, 0.5)
    assert str(both) == "max_predict_ms=5 and max_model_mib=0.5"
    assert Constraints(max_model_mib=0.5)
