"""The one-standard-error rule takes the fastest of those that are as good."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

from automl import AutoML
from automl.candidates import load_candidates
from automl.choice import FAMILIES, price, simplest, speed_key
from automl.conclusion import _not_the_simplest
from automl.exceptions import AutoMLConfigError
from automl.metrics import resolve_metric
from automl.trial import BASELINE, FoldResult, Trial


def trial(number, candidate, scores, predict_s=0.1, status="ok"):
    """Return a trial with these scores."""
    folds = tuple(
        FoldResult(number, k, "ok", s, predict_s=predict_s)
        for k, s in enumerate(scores)
    )
    return Trial(number, candidate, {}, "", status, folds)


TRIALS = [
    trial(0, BASELINE, (0.5, 0.5, 0.5), 0.0),
    trial(1, "random_forest", (0.90, 0.95, 0.85), 0.4),
    trial(2, "k_nearest", (0.89, 0.94, 0.84), 0.1),
    trial(3, "logistic", (0.89, 0.95, 0.84), 0.2),
    trial(4, "logistic", (0.80, 0.85, 0.75), 0.01),
    trial(5, "logistic", (0.99,), 0.01, "raced"),
]


def test_the_clock_decides_only_where_there_is_a_budget_in_time():
    """Measured seconds take the neighbours, families the logistic regression."""
    candidates = load_candidates()

    timed = simplest(TRIALS, candidates, "binary", timed=True)
    untimed = simplest(TRIALS, candidates, "binary", timed=False)

    assert timed.trial.number == 2
    assert untimed.trial.number == 3
    assert timed.best.number == 1
    assert timed.slack == pytest.approx(0.05 / 3**0.5)


def test_what_it_costs_is_said():
    """The note names both, the loss in the metric and the gain in speed."""
    rule = simplest(TRIALS, load_candidates(), "binary", timed=True)

    note = price(rule, resolve_metric("roc_auc", "binary"), {})

    assert "it costs 0.01 of roc_auc and predicts 4.0 times as fast" in note


def test_a_fold_shows_no_error_and_nothing_finished_nothing_taken():
    """With one fold the best is taken; without a finished trial none is."""
    two = [trial(1, "random_forest", (0.9,)), trial(2, "logistic", (0.89,))]

    assert simplest(two, load_candidates(), "binary", timed=False).trial.number == 1
    assert simplest([], {}, "binary", timed=False) is None


def test_select_simplest_predicts_with_what_the_rule_takes():
    """The rule's configuration predicts, alone, and the leaderboard marks it."""
    X, y = load_breast_cancer(return_X_y=True)
    given = {
        "n_trials": 6, "n_jobs": 1, "cv": 3, "random_state": 0, "verbose": 0,
        "candidates": ["logistic", "k_nearest", "random_forest"],
    }  # fmt: skip

    model = AutoML(select="simplest", **given).fit(X[:200], y[:200])

    rows = model.facts_["leaderboard"]["rows"]
    marked = [r["trial"] for r in rows if r["simplest"]]
    assert list(model.weights_) == marked
    assert [r["trial"] for r in rows if r["winner"]] == marked
    best = model.leaderboard_.iloc[0]
    assert model.best_score_ >= best["score"] - best["score_std"] / np.sqrt(3)
    assert any("simplest" in note for note in model.notes_)
    assert model.score_interval_[0] <= model.score_estimate_


def test_another_word_is_refused():
    """What is neither best nor simplest is an error before anything starts."""
    with pytest.raises(AutoMLConfigError, match="'best', 'simplest'"):
        AutoML(select="fastest", n_trials=1).fit([[1], [2]], [0, 1])


def test_every_shipped_pipeline_has_a_family():
    """A booster of an extra does not count as slower than all that have a name."""
    for candidate in load_candidates().values():
        for task in candidate.tasks:
            path = candidate.estimator_path(task)
            assert any(p in path for parts in FAMILIES for p in parts), path
    for module in ("xgboosting", "catboosting"):
        assert any(p in f"automl.estimators.{module}.X" for p in FAMILIES[2])


def test_a_choice_that_does_not_predict_is_told():
    """What the rule took is named with the reason, a failed fit or a limit."""
    rule = simplest(TRIALS, load_candidates(), "binary", timed=True)

    failed = _not_the_simplest(rule, fitted=False)
    limited = _not_the_simplest(rule, fitted=True)

    assert f"trial {rule.trial.number}, which does not predict" in failed
    assert "could not be fitted" in failed
    assert "limits" in limited


def test_epochs_are_no_sign_of_slow_predictions():
    """More trees take longer to predict with; a network's epochs do not."""

    def key(number, candidate, rounds):
        folds = (FoldResult(number, 0, "ok", 0.9, rounds=rounds),)
        grown = Trial(number, candidate, {}, "", "ok", folds)
        return speed_key(grown, load_candidates(), "binary", timed=False)

    assert key(1, "lightgbm", 200) > key(2, "lightgbm", 50)
    assert key(1, "mlp", 200) < key(2, "mlp", 50)
