"""A finished run is made again from its journal, byte for byte."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from automl import AutoML, sandbox
from automl.budget import Budget
from automl.estimators.logarithm import inner_learner
from automl.evaluate import Task, run_task
from automl.exceptions import AutoMLDataError
from automl.problem import make_problem
from automl.recipe import remake_both
from automl.replay import digest, remake, replay
from automl.settings import Settings
from automl.trial import ENSEMBLE
from automl.workplace import close_workplace, write_workplace
from tests.appraisal_kit import settings_of
from tests.resume_kit import KEEP_GOING, snapshot, table


def test_a_run_in_seconds_is_replayed_byte_for_byte(tmp_path):
    """The clock decided the search and perhaps the refit, and has no say any more."""
    X, y = table()
    labels = np.where(y > 0, "yes", "no")
    given = {"n_jobs": 2, "candidates": ["lightgbm", "logistic"], "random_state": 0}
    model = AutoML(time_budget_s=5, run_dir=tmp_path, verbose=0, **given).fit(X, labels)
    files = snapshot(tmp_path)
    again = replay(tmp_path, X, labels)
    assert again.identical
    assert (again.difference, again.same_leader) == (0.0, True)
    assert again.n_trials == len(model.trials_) - 1
    assert (again.pipeline.predict_proba(X) == model.predict_proba(X)).all()
    assert snapshot(tmp_path) == files
    np.save(tmp_path / "winner.npy", np.load(tmp_path / "winner.npy") + 0.25)
    assert replay(tmp_path, X, labels).difference == pytest.approx(0.25)


def test_only_a_finished_run_is_replayed(tmp_path):
    """A folder without a journal, and one without an end, are refused."""
    with pytest.raises(AutoMLDataError, match=r"no journal\.jsonl"):
        replay(tmp_path, *table())
    given = {"n_jobs": 1, "candidates": ["ridge"], "run_dir": tmp_path, **KEEP_GOING}
    AutoML(n_trials=1, **given).fit(*table())
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-20])
    with pytest.raises(AutoMLDataError, match="resume it first"):
        replay(tmp_path, *table())


def test_a_damaged_journal_is_resumed_before_it_is_replayed(tmp_path):
    """A fold of the winner cannot be read: a resume runs it again, and that alone."""
    given = {"n_jobs": 1, "candidates": ["ridge"], "run_dir": tmp_path, **KEEP_GOING}
    first = AutoML(n_trials=1, **given).fit(*table())
    journal = tmp_path / "journal.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(whole.replace(b'"trial":1,"fold":2', b'"trial":1,"fold":9'))
    with pytest.raises(AutoMLDataError, match="resume the run first"):
        replay(tmp_path, *table())
    again = AutoML(n_trials=1, **given).fit(*table())
    assert [t.scores for t in again.trials_] == [t.scores for t in first.trials_]
    assert replay(tmp_path, *table()).identical


ROWS = np.arange(90)
HOLDOUT = ((ROWS[:60], ROWS[60:]),)
THREE = tuple((ROWS[ROWS % 3 != k], ROWS[ROWS % 3 == k]) for k in range(3))


def problem_of(candidates, splits=HOLDOUT):
    """Return a problem of two classes with one holdout, or these folds."""
    X, y = table()
    settings = Settings(
        task="auto", metric="auto", budget=Budget(None, 1, 0.0),
        cv=list(splits), candidates=candidates, n_jobs=1, random_state=0,
        run_dir=None, trial_time_limit_s=None, memory_limit_mib=None,
        drop_missing_target=False, ensemble=True, deploy="auto", select="best",
        shown={},
    )  # fmt: skip
    return make_problem(X, np.where(y > 0, "b", "a"), settings, 1)


def test_fits_of_a_replay_take_turns_with_other_fits(monkeypatch):
    """Threads and warnings are the whole process's: nobody else may fit meanwhile."""
    held = []

    def is_free():
        with ThreadPoolExecutor(1) as pool:
            taken = pool.submit(sandbox._HERE.acquire, blocking=False)
            if taken.result():
                pool.submit(sandbox._HERE.release).result()
        return taken.result()

    def watch(*given, **more):
        held.append(is_free())
        return run_task(*given, **more)

    monkeypatch.setattr("automl.recipe.run_task", watch)
    part = {
        "trial": 1, "candidate": "ridge", "params": {"alpha": 1.0}, "weight": 1.0,
        "folds": None, "rounds": None, "threads": 1,
    }  # fmt: skip
    recipe = {"kind": "average", "winner": 1, "candidate": "ridge", "parts": [part]}
    X, y = table()
    problem = make_problem(X, y, settings_of("auto", 3), 1)
    remake(recipe | {"params": {}}, problem, 0)
    assert held == [False]
    assert is_free()


@pytest.mark.parametrize("high", [None, 12])
def test_the_model_of_a_holdout_is_made_again(tmp_path, high):
    """Early stopping comes to the same end, and a fit that was cut short is cut."""
    problem = problem_of("lightgbm")
    candidate = problem.candidates[0]
    if high:
        shorter = replace(candidate.resource, high=high, again=False)
        candidate = replace(candidate, resource=shorter)
    place = write_workplace(
        tmp_path, problem.table, problem.folds, problem.metric,
        {"lightgbm": candidate}, 0,
    )  # fmt: skip
    params = dict(candidate.starts[0][1])
    task = Task("fold", 0, 1, 0, "lightgbm", params, keep_from_s=0.0)
    outcome = run_task(place, task)
    close_workplace()
    fold = {"fold": 0, "rounds": outcome.result.rounds, "truncated": bool(high)}
    part = {
        "trial": 1, "candidate": "lightgbm", "params": params, "weight": 1.0,
        "folds": [fold],
    }  # fmt: skip
    recipe = {
        "kind": "average", "winner": 1, "candidate": "lightgbm", "parts": [part],
    }  # fmt: skip
    again = remake(recipe, problem, 0)
    _, test = problem.folds.splits[0]
    X = problem.table.X.iloc[test]
    found = again[1:].predict_proba(X).astype(np.float32)
    assert found.tobytes() == outcome.value.tobytes()


def test_models_of_some_folds_are_made_again_without_the_others(tmp_path):
    """What was stopped after its second fold predicts with that fold's model."""
    problem = problem_of("logistic", THREE)
    params = dict(problem.candidates[0].starts[0][1])
    candidates = {"logistic": problem.candidates[0]}
    write_workplace(
        tmp_path, problem.table, problem.folds, problem.metric, candidates, 0
    )
    outcome = run_task(
        tmp_path, Task("fold", 0, 1, 1, "logistic", params, keep_from_s=0.0)
    )
    close_workplace()
    fold = {"fold": 1, "rounds": outcome.result.rounds, "truncated": False}
    part = {
        "trial": 1, "candidate": "logistic", "params": params, "weight": 1.0,
        "folds": [fold],
    }  # fmt: skip
    recipe = {
        "kind": "average", "winner": 1, "candidate": "logistic", "parts": [part],
    }  # fmt: skip
    again = remake(recipe, problem, 0)
    X = problem.table.X.iloc[THREE[1][1]]
    found = again[1:].predict_proba(X).astype(np.float32)
    assert found.tobytes() == outcome.value.tobytes()


@pytest.mark.parametrize(("bagged", "n_fits"), [(False, 2), (True, 6)])
def test_what_is_a_part_of_the_ensemble_is_fitted_once(monkeypatch, bagged, n_fits):
    """The best single configuration is not fitted again beside the ensemble."""
    problem = problem_of("logistic", THREE)
    params = dict(problem.candidates[0].starts[0][1])
    folds = [{"fold": k, "rounds": None, "truncated": False} for k in range(3)]
    parts = [
        {
            "trial": number, "candidate": "logistic", "params": params | {"C": C},
            "weight": 0.5, "folds": folds if bagged else None, "threads": 1,
            "rounds": None,
        }
        for number, C in [(1, 0.01), (2, 10.0)]
    ]  # fmt: skip
    single = {
        "kind": "average", "winner": 2, "candidate": "logistic", "params": params,
        "parts": [parts[1] | {"weight": 1.0}],
    }  # fmt: skip
    recipe = {
        "kind": "average", "winner": 3, "candidate": ENSEMBLE, "params": {},
        "parts": parts, "single": single,
    }  # fmt: skip
    fitted = []

    def spy(folder, task):
        fitted.append(task)
        return run_task(folder, task)

    monkeypatch.setattr("automl.recipe.run_task", spy)
    model, alone = remake_both(recipe, problem, 0)
    assert len(fitted) == n_fits
    X = table()[0]
    assert digest(model.predict_proba(X)) == digest(
        remake(recipe, problem, 0).predict_proba(X)
    )
    assert digest(alone.predict_proba(X)) == digest(
        remake(single, problem, 0).predict_proba(X)
    )


@pytest.mark.parametrize("kind", ["baseline", "fallback"])
def test_a_constant_and_a_small_model_are_made_again(kind):
    """Where no configuration was fitted on all rows, what predicted comes back."""
    problem = problem_of("lightgbm")
    recipe = {
        "kind": kind, "winner": -1, "candidate": "lightgbm", "threads": 1,
        "params": dict(problem.candidates[0].starts[0][1]), "rounds": 7,
        "truncated": False, "max_rows": 50,
    }  # fmt: skip
    one, two = (remake(recipe, problem, 0).predict_proba(table()[0]) for _ in range(2))
    assert digest(one) == digest(two)
    assert (len(np.unique(one, axis=0)) == 1) == (kind == "baseline")


def test_a_run_of_absolute_errors_is_made_again_with_their_loss(tmp_path):
    """Search, refit, replay, the script and SHAP values know what was minimised."""
    X, y = table()
    given = {"n_jobs": 1, "candidates": ["lightgbm"], "metric": "mape", **KEEP_GOING}
    model = AutoML(n_trials=2, run_dir=tmp_path, deploy="refit", **given)
    model.fit(X, 1000 + y)
    assert inner_learner(model.best_pipeline_[-1]).objective_ == "regression_l1"
    assert "objective='regression_l1'" in model.facts_["script"].replace('"', "'")
    assert model.facts_["explanation"]["shap"]["columns"]
    again = replay(tmp_path, X, 1000 + y)
    assert again.identical
    assert (again.pipeline.predict(X) == model.predict(X)).all()
    names = {"X": X, "y": 1000 + y}
    exec(model.facts_["script"], names)  # noqa: S102 - it is made to be run
    assert names["prediction"] == pytest.approx(model.best_pipeline_.predict(X))
