"""What is resampled follows from the run, and is said."""

import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, make_scorer, mean_absolute_error
from sklearn.model_selection import KFold

from automl import AutoML
from automl.appraisal import appraise, estimate_facts
from automl.budget import Budget
from automl.choice import Simplest
from automl.effort import _seconds_of
from automl.history import History
from automl.scored import units_of
from automl.scored_rows import drawn_together, scored_rows
from automl.table import make_table
from automl.trial import BASELINE, FoldResult, Trial
from tests.appraisal_kit import N_ROWS, noise_of, problem_of, searched

pytestmark = pytest.mark.usefixtures("all_unexplained", "all_drawings")


def test_the_baseline_takes_no_configuration_its_place(monkeypatch):
    """It is selected from and is none: with all there is room for, nothing lacks."""
    for module in ("appraisal", "effort"):
        monkeypatch.setattr(f"automl.{module}.CONFIGURATIONS", 3)
    problem = problem_of(cv=4)
    history, predictions = searched(problem, {0: 4, 1: 4, 2: 4, 3: 4})
    order = history.finished()
    base = replace(order[1], candidate=BASELINE)
    history = History(tuple(base if t is order[1] else t for t in history))
    found = appraise(order[0], history, problem, predictions, Budget(None, 1, 0.0))
    assert found.estimate.n_configurations == 2
    assert found.warning is None


def test_an_estimate_that_is_a_mean_of_folds_is_not_set_against_all_rows():
    """Small hard folds make the mean of folds worse than the score of all rows."""
    tests = np.split(np.arange(N_ROWS), [35, 70, 75])
    problem = problem_of(cv=[(np.setdiff1d(range(N_ROWS), t), t) for t in tests])
    noise = np.random.default_rng(2).normal(size=N_ROWS)
    noise *= np.repeat([1.0, 10.0], [70, 10])
    trials = []
    for number, (name, times) in enumerate([(BASELINE, 2.0), ("ridge", 1.0)]):
        trial = Trial(number, name, {}, "", "ok")
        for k, test in enumerate(tests):
            score = -float(np.sqrt(np.mean((times * noise[test]) ** 2)))
            trial = trial.with_fold(FoldResult(number, k, "ok", score))
        trials.append(trial)
    wrong = {0: 2.0 * noise, 1: noise}
    found = appraise(
        trials[1], History(tuple(trials)), problem,
        lambda n, k: problem.table.y[tests[k]] + wrong[n][tests[k]],
        Budget(None, 1, 0.0),
    )  # fmt: skip
    assert found.estimate.score == trials[1].score
    assert found.constant is None  # the baseline's mean of folds stands beside it


def test_configurations_that_there_is_no_time_for_are_told(monkeypatch):
    """A selection among some stays optimistic, and text and warning say so."""
    monkeypatch.setattr("automl.effort._seconds_of", lambda *_: 0.005)
    problem, history, predictions = noise_of(make_scorer(accuracy_score))
    leader = history.finished()[0]
    budget = Budget(60.0, 40, 0.0, clock=lambda: 0.0)

    found = appraise(leader, history, problem, predictions, budget)

    assert found.estimate.n_configurations == 5
    assert "among 5 of 40 configurations" in found.warning
    facts = estimate_facts(found, problem.metric, leader.score)
    assert "The best of 5 of 40 configurations" in facts["text"]


def test_memory_bounds_what_is_selected_from(monkeypatch):
    """Predictions of all configurations are not read where they would not fit."""
    problem = problem_of()
    history, predictions = searched(problem, dict.fromkeys(range(6), 4))
    monkeypatch.setattr("automl.effort.MOST_CELLS", 3 * 7 * N_ROWS)
    budget = Budget(None, 6, 0.0)

    found = appraise(history.finished()[0], history, problem, predictions, budget)

    assert found.estimate.n_configurations == 3


def test_the_first_call_of_a_metric_does_not_decide():
    """A metric that compiles when it is first asked is as quick as its later calls."""
    calls = []

    def compiled(y, p):
        calls.append(1)
        if len(calls) == 1:
            time.sleep(0.1)
        return mean_absolute_error(y, p)

    problem = problem_of(metric=make_scorer(compiled, greater_is_better=False))

    rows = scored_rows(problem.table, problem.folds)
    assert _seconds_of(problem.metric, rows, 1, 2.0) < 0.05


def test_the_rule_that_was_repeated_is_named():
    """With select="simplest" not the best is taken anew."""
    problem = problem_of()
    history, predictions = searched(problem, {0: 4, 1: 4})
    leader = history.finished()[0]
    rule = Simplest(leader, leader, 0.1, (0, 1))
    budget = Budget(None, 2, 0.0)

    found = appraise(leader, history, problem, predictions, budget, rule=rule)

    text = estimate_facts(found, problem.metric, leader.score)["text"]
    assert text.startswith("The simplest of 2 configurations within one standard error")


def test_the_same_run_has_the_same_estimate_without_a_clock():
    """A budget in trials fixes the drawings."""
    problem = problem_of()
    history, predictions = searched(problem, {0: 4, 1: 4, 2: 1})
    budget = Budget(None, 3, 0.0, clock=lambda: 1 / 0)  # is never read
    leader = history.finished()[0]

    first = appraise(leader, history, problem, predictions, budget)
    again = appraise(leader, history, problem, predictions, budget)

    assert first.estimate == again.estimate
    assert first.estimate.n_configurations == 3


def test_the_estimate_is_never_better_than_the_selection_score():
    """Drawings may come out above the score that chose; the estimate does not."""
    problem = problem_of()
    history, predictions = searched(problem, {0: 4})
    (only,) = history
    budget = Budget(None, 1, 0.0, clock=lambda: 1 / 0)
    free = appraise(only, history, problem, predictions, budget).estimate
    low = free.score - 0.01
    folds = [FoldResult(0, k, "ok", low) for k in range(4)]
    worse = Trial(0, "ridge", {}, "", "ok", tuple(folds))

    found = appraise(worse, History((worse,)), problem, predictions, budget).estimate

    assert found.score == pytest.approx(low)
    assert found.low <= found.score <= found.high


def test_a_budget_in_time_ends_the_drawings():
    """When its share is used up, the drawings so far are what there is."""
    problem = problem_of()
    history, predictions = searched(problem, {0: 4, 1: 4})
    ticks = iter(range(1000))
    budget = Budget(60.0, None, 0.0, clock=lambda: float(next(ticks)))

    found = appraise(history[0], history, problem, predictions, budget)

    assert found.estimate.n_resamples == 40


def test_a_slow_metric_is_not_asked_again_and_again():
    """One that takes longer than its share leaves the folds' interval, and says so."""

    def slow(y, p):
        time.sleep(0.2)
        return mean_absolute_error(y, p)

    problem = problem_of(metric=make_scorer(slow, greater_is_better=False))
    history, predictions = searched(problem, {0: 4, 1: 4})
    begun = time.monotonic()

    found = appraise(
        history.finished()[0], history, problem, predictions,
        Budget(2.0, None, time.monotonic()),
    )  # fmt: skip

    facts = estimate_facts(found, problem.metric, history[0].score)
    assert time.monotonic() - begun < 2.0
    assert facts["method"] == "naive"
    assert "optimistic" in facts["text"]
    assert facts["low"] < facts["natural"] < facts["high"]


def test_natural_values_are_in_order_for_a_loss():
    """The low end of an error is its smaller one."""
    problem = problem_of()
    history, predictions = searched(problem, {0: 4})
    found = appraise(history[0], history, problem, predictions, Budget(None, 1, 0.0))

    facts = estimate_facts(found, problem.metric, history[0].score)

    assert 0 < facts["low"] < facts["natural"] < facts["high"]
    assert facts["raw"] == -history[0].score
    assert facts["warning"] is None
    assert "80 scored rows" in facts["text"]


def test_what_scored_better_but_could_not_be_deployed_is_not_selected_from():
    """The estimate is of what predicts, not of the leader."""
    problem = problem_of()
    history, predictions = searched(problem, {0: 4, 1: 4})
    last = history.finished()[-1]

    found = appraise(last, history, problem, predictions, Budget(None, 1, 0.0))

    assert found.estimate.n_configurations == 1
    assert found.estimate.score == pytest.approx(last.score, abs=0.1)


def test_groups_and_holdouts_are_drawn_as_they_are_scored():
    """Groups are units; of a holdout only its rows are."""
    groups = np.arange(N_ROWS) // 4
    grouped, held = problem_of(groups=groups), problem_of(cv=1)
    history, predictions = searched(grouped, {0: 4})

    found = appraise(history[0], history, grouped, predictions, Budget(None, 1, 0.0))

    assert "20 scored groups of rows" in found.warning
    one, of_one = searched(held, {0: 4})
    trial = History((Trial(0, "ridge", {}, "", "ok", one[0].folds),))
    alone = appraise(trial[0], trial, held, of_one, Budget(None, 1, 0.0))
    assert alone.estimate.n_rows == 16


def test_an_own_metric_and_an_ensemble_have_an_estimate():
    """A scorer of the user's is drawn less often; an average is chosen each time."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(90, 3))
    y = X[:, 0] + np.sin(2 * X[:, 1]) + 0.3 * rng.normal(size=90)
    own = make_scorer(mean_absolute_error, greater_is_better=False)
    model = AutoML(
        metric=own, n_trials=5, n_jobs=1, cv=3, random_state=0, verbose=0,
        candidates=["ridge", "k_nearest"],
    ).fit(X, y)  # fmt: skip

    facts = model.facts_["estimate"]
    assert facts["n_resamples"] > 40
    assert ("ensemble" in facts["text"]) == (len(model.weights_) > 1)
    assert model.score_estimate_ == -facts["natural"]
    assert model.score_interval_ == (-facts["high"], -facts["low"])


def test_drawings_that_score_alike_are_a_warning():
    """An interval of no width is no promise."""
    problem = problem_of()
    trial = Trial(0, "ridge", {}, "", "ok")
    for k in range(4):
        trial = trial.with_fold(FoldResult(0, k, "ok", 0.0))
    tests = [test for _, test in problem.folds.splits]

    found = appraise(
        trial, History((trial,)), problem, lambda _, k: problem.table.y[tests[k]],
        Budget(None, 1, 0.0),
    )  # fmt: skip

    assert found.warning.startswith("All drawings score alike")


def test_the_baseline_is_scored_on_the_rows_of_the_estimate():
    """A model ahead on every fold is ahead of the constant, though folds are unlike.

    The root of a mean over all rows is larger than the mean of the folds' roots: beside
    that of the baseline, a good model was no better than nothing.
    """
    rng = np.random.default_rng(0)
    scale = np.repeat([1.0, 1.0, 1.0, 40.0], 50)
    X = pd.DataFrame({"x": rng.normal(size=200) * scale})
    y = X["x"] + 1.5 * scale * rng.normal(size=200)
    model = AutoML(
        candidates=["ridge"], n_trials=1, n_jobs=1, cv=KFold(4), random_state=0,
        verbose=0, ensemble=False,
    ).fit(X, y)  # fmt: skip

    base, own = (t.scores for t in model.trials_)
    assert all(own[k] > base[k] for k in range(4))
    estimate, verdict = model.facts_["estimate"], model.facts_["verdict"]
    assert estimate["natural"] > -np.mean(list(base.values()))
    assert verdict["gain"] == pytest.approx(
        estimate["baseline"] - estimate["natural"], rel=1e-3
    )
    assert verdict["beats_baseline"]
    assert verdict["baseline"] == estimate["baseline"]
    assert "1 configuration" not in estimate["text"]
    assert estimate["n_configurations"] == 1


def test_a_target_far_from_zero_has_the_score_of_its_spread():
    """Out-of-fold predictions are not rounded to more than the errors they show."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    y = 1e9 + X[:, 0] + 0.1 * rng.normal(size=200)
    model = AutoML(
        candidates=["ridge"], n_trials=1, n_jobs=1, cv=5, random_state=0, verbose=0
    ).fit(X, y)

    assert model.score_estimate_ == pytest.approx(model.best_score_, rel=0.1)
    low, high = model.score_interval_
    assert low < -0.1 < high


def test_what_belongs_together_is_one_answer_for_folds_and_drawings():
    """Groups come first, then time, then copies of rows."""
    copies, groups = np.arange(N_ROWS) // 2, np.arange(N_ROWS) // 5
    moments = np.arange(N_ROWS) // 1.0
    X = np.arange(N_ROWS * 2.0).reshape(N_ROWS, 2) % 7
    table = make_table(X, np.arange(N_ROWS) + 0.5)
    rows = np.arange(N_ROWS)
    for told in (
        {"groups": None, "time": None, "copies": None},
        {"groups": None, "time": None, "copies": copies},
        {"groups": None, "time": moments, "copies": copies},
        {"groups": groups, "time": moments, "copies": copies},
    ):
        units = units_of(*told.values())
        drawn = drawn_together(replace(table, **told), rows)
        expected = rows if units is None else np.unique(units, return_inverse=True)[1]
        assert drawn.tolist() == expected.tolist()
    assert units_of(groups, moments, copies) is groups
    assert len(np.unique(units_of(None, moments, copies))) < N_ROWS / 3
