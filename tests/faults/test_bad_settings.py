"""Parameters that cannot be used are refused at once; learners that misbehave are not.

A trial of a learner that fails is a result; what it changed of the process is put back.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.metrics import log_loss, make_scorer, mean_squared_error, zero_one_loss

import automl
from automl import AutoML, AutoMLClassifier, Candidate
from automl.candidates import Dimension
from automl.exceptions import AutoMLConfigError, AutoMLDataError, AutoMLError
from automl.sandbox import sandbox
from tests.faults.bad_estimators import candidate
from tests.faults.bad_kit import LIGHT, N_ROWS, PREPARATION, Y, fit, refused, table
from tests.faults.chaos import _dirty

LOGISTIC = "sklearn.linear_model.LogisticRegression"


def _raises(*_):
    raise KeyError("secret")


def _nothing(*_):
    return float("nan")


def _words(*_):
    return "good"


def space_of(*dimensions, **more):
    """Return a parameter that holds a candidate with this space."""
    given = {"preparation": PREPARATION, "space": dimensions} | more
    mine = Candidate("mine", "Mine", ("binary",), {"classification": LOGISTIC}, **given)
    return {"candidates": mine}


def made(tasks, path):
    """Return a parameter that holds a candidate of these tasks and this class."""
    classes = {} if path is None else {"classification": path}
    return {"candidates": Candidate("mine", "Mine", tasks, classes)}


RIDGE = "tasks = ['regression']\nestimator.regression = 'sklearn.linear_model.Ridge'\n"
INTEGRAL = make_scorer(mean_squared_error)
CASES = {
    "C01-unknown": ("E-metric", {"metric": "roc_ac"}),
    "C01-other task": ("E-metric", {"metric": "rmse", "task": "binary"}),
    "C01-number": ("E-metric", {"metric": 5}),
    "C01-none": ("E-metric", {"metric": None}),
    "C01-list": ("E-metric", {"metric": ["f1"]}),
    "C01-nan": ("E-metric", {"metric": _nothing}),
    "C01-raises": ("E-metric", {"metric": _raises}),
    "C01-words": ("E-metric", {"metric": _words}),
    "C01-function": ("E-metric", {"metric": log_loss}),
    "C01-wrong sign": ("E-metric", {"metric": make_scorer(zero_one_loss)}),
    "C01-wrong sign of numbers": ("E-metric", {"metric": INTEGRAL}),
    "C02-zero": ("E-budget", {"time_budget_s": 0}),
    "C02-negative": ("E-budget", {"time_budget_s": -1}),
    "C02-nan": ("E-budget", {"time_budget_s": float("nan")}),
    "C02-infinite": ("E-budget", {"time_budget_s": float("inf")}),
    "C02-text": ("E-budget", {"time_budget_s": "60"}),
    "C02-truth": ("E-budget", {"time_budget_s": True}),
    "C02-none": ("E-budget", {"time_budget_s": None, "n_trials": None}),
    "C02-no trials": ("E-budget", {"n_trials": 0}),
    "C02-half a trial": ("E-budget", {"n_trials": 1.5}),
    "C02-negative trials": ("E-budget", {"n_trials": -3}),
    "C02-no time for a trial": ("E-trial-time-limit-s", {"trial_time_limit_s": 0}),
    "C02-text for a trial": ("E-trial-time-limit-s", {"trial_time_limit_s": "1"}),
    "C03-zero": ("E-n-jobs", {"n_jobs": 0}),
    "C03-million": ("E-n-jobs", {"n_jobs": 1_000_000}),
    "C03-million as float": ("E-n-jobs", {"n_jobs": 1e6}),
    "C03-float": ("E-n-jobs", {"n_jobs": 1.5}),
    "C03-text": ("E-n-jobs", {"n_jobs": "all"}),
    "C03-truth": ("E-n-jobs", {"n_jobs": True}),
    "C03-memory as text": ("E-memory-limit-mib", {"memory_limit_mib": "abc"}),
    "C03-no memory": ("E-memory-limit-mib", {"memory_limit_mib": 0}),
    "C03-nan memory": ("E-memory-limit-mib", {"memory_limit_mib": float("nan")}),
    "C04-none": ("E-candidates", {"candidates": []}),
    "C04-null": ("E-candidates", {"candidates": None}),
    "C04-unknown": ("E-candidates", {"candidates": "lightgbn"}),
    "C04-object": ("E-candidates", {"candidates": [object()]}),
    "C04-inverted": ("E-candidates", space_of(Dimension("C", "float", 2.0, 1.0))),
    "C04-empty range": ("E-candidates", space_of(Dimension("C", "float", 1.0, 1.0))),
    "C04-nan bound": (
        "E-candidates", space_of(Dimension("C", "float", float("nan"), 1.0))),
    "C04-log of zero": (
        "E-candidates", space_of(Dimension("C", "float", 0.0, 1.0, log=True))),
    "C04-half an integer": (
        "E-candidates", space_of(Dimension("max_iter", "int", 0.5, 3))),
    "C04-no options": ("E-candidates", space_of(Dimension("C", "choice"))),
    "C04-option twice": (
        "E-candidates", space_of(Dimension("C", "choice", options=(1.0, 1.0)))),
    "C04-unknown kind": ("E-candidates", space_of(Dimension("C", "normal", 0, 1))),
    "C04-unknown name": ("E-candidates", space_of(Dimension("CC", "float", 0, 1))),
    "C04-unknown fixed": ("E-candidates", space_of(fixed={"penaltyy": "l2"})),
    "C04-unknown limit": ("E-candidates", space_of(limits={"cells": 5})),
    "C04-no class": ("E-candidates", made(("binary",), None)),
    "C04-class away": ("E-candidates", made(("binary",), "no.Such")),
    "C04-class is code": ("E-candidates", made(("binary",), "exit(1).Such")),
    "C04-unknown task": ("E-candidates", made(("rank",), LOGISTIC)),
    "C04-no tasks": ("E-candidates", made((), LOGISTIC)),
    "C04-other task": (
        "E-candidates", {"candidates": ["ridge"], "task": "binary"}),
    "task unknown": ("E-task", {"task": "ranking"}),
    "task of more classes": ("E-task", {"task": "binary", "y": np.arange(N_ROWS) % 3}),
    "cv zero": ("E-cv", {"cv": 0}),
    "cv text": ("E-cv", {"cv": "five"}),
    "cv float": ("E-cv", {"cv": 2.5}),
    "cv outside": ("E-cv", {"cv": [([0, 1], [99])]}),
    "cv both": ("E-cv", {"cv": [([0, 1], [1, 2])]}),
    "cv empty": ("E-cv", {"cv": []}),
    "cv pairs": ("E-cv", {"cv": [(1, 2, 3)]}),
    "seed negative": ("E-random-state", {"random_state": -1}),
    "seed text": ("E-random-state", {"random_state": "1"}),
    "seed truth": ("E-random-state", {"random_state": True}),
    "missing target text": ("E-drop-missing-target", {"drop_missing_target": "no"}),
    "run_dir number": ("E-path", {"run_dir": 5}),
    "run_dir empty": ("E-path", {"run_dir": ""}),
    "run_dir too long": ("E-path", {"run_dir": "x" * 300}),
    "callback number": ("E-callback", {"callback": 5}),
    "select": ("E-select", {"select": "cheapest"}),
    "verbose": ("E-verbose", {"verbose": 7}),
    "test without target": ("E-test", {"X_test": table()}),
    "test without features": ("E-test", {"y_test": Y}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_bad_parameters_are_refused(case, tmp_path):
    """One error with its code, before anything starts."""
    code, given = CASES[case]
    error = refused(code, lambda: dict(given), tmp_path)
    assert isinstance(error, AutoMLConfigError | AutoMLDataError)


def test_a_callback_that_cannot_be_called_is_refused_before_the_table_is_read():
    """The table could not be used either, and is not looked at."""
    with pytest.raises(AutoMLConfigError, match=r"callback=5 must be a function"):
        AutoML(n_trials=1, n_jobs=1, callback=5).fit("no table", Y)


def test_numbers_of_numpy_are_numbers():
    """A setting that comes from an array is what it says."""
    model = fit(table(), Y, verbose=np.int64(0), random_state=np.int64(1))
    assert model.facts_["settings"]["random_state"] == 1


@pytest.mark.parametrize(
    "text",
    [
        "title = 'Mine'",
        "tasks = []",
        "tasks = ['binary']\nestimator.classification = 'os.system'",
        "tasks = ['binary']\nestimator.classification = '__import__(\"os\").abort()'",
        RIDGE + "space.alpha = {dist='float', low='exit()', high=1}",
        RIDGE + "space.alpha = {dist='exec', low=0, high=1}",
        RIDGE + "space.alpha = {dist='float', low=2, high=1}",
        "not toml at all",
        "a = \udce9",
    ],
    ids=["no tasks", "empty tasks", "system", "class", "bound", "kind", "inverted",
         "text", "bytes"],
)  # fmt: skip
def test_c04_files_are_read_and_never_run(text, tmp_path):
    """Code in a file is a text like any other: refused, and not evaluated."""
    spec = tmp_path / "mine.toml"
    spec.write_bytes(text.encode("utf-8", "surrogateescape"))
    error = refused("E-candidates", lambda: {"candidates": spec}, tmp_path)
    assert "mine.toml" in str(error)


def test_c01_a_score_that_is_nan_is_a_status():
    """A metric that is no number for a configuration ends that one only."""

    def picky(y_true, y_pred):
        constant = len(np.unique(y_pred)) == 1
        return float(np.mean(y_true == y_pred)) if constant else float("nan")

    model = fit(table(), Y, metric=make_scorer(picky))
    assert {t.status for t in model.trials_ if t.number} == {"invalid_score"}
    assert model.best_candidate_ == "baseline"
    assert model.notes_


@pytest.mark.parametrize("time_budget_s", [0.1, 1])
def test_c02_the_shortest_budgets_give_a_model(time_budget_s):
    """At least the baseline, and soon."""
    began = time.monotonic()
    model = AutoML(
        time_budget_s=time_budget_s, n_jobs=1, candidates=LIGHT, random_state=0,
        verbose=0,
    ).fit(table(), Y)  # fmt: skip
    assert time.monotonic() - began < 30
    assert len(model.predict(table())) == N_ROWS


def test_c05_an_unknown_keyword_is_named_with_the_nearest():
    """Python names it for the constructor and for `fit`, we for `set_params`."""
    with pytest.raises(TypeError, match="time_budget"):
        AutoML(time_budget=3)
    with pytest.raises(TypeError, match="weights"):
        AutoML().fit(table(), Y, weights=Y)
    for model in (AutoML(), AutoMLClassifier()):
        with pytest.raises(AutoMLConfigError, match="Did you mean 'time_budget_s'"):
            model.set_params(n_jobs=2, time_budget=3)
        assert model.n_jobs == -1  # nothing is set if one is wrong
        assert model.set_params(n_jobs=2).n_jobs == 2


@pytest.mark.parametrize(
    ("name", "n_jobs"),
    [
        ("NoClone", 1), ("NoPickle", 1), ("Loud", 1), ("NoPickle", 2),
        pytest.param("NoClone", 2, marks=pytest.mark.slow),
        pytest.param("Loud", 2, marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_c06_odd_learners_end_in_a_model(name, n_jobs, tmp_path):
    """What cannot be copied or sent is a failed trial or works; there is a model."""
    model = fit(table(), Y, candidates=[candidate(name)], n_jobs=n_jobs)
    statuses = {t.candidate: t.status for t in model.trials_}
    assert statuses[name.lower()] in {"ok", "error", "raced"}
    assert len(model.predict(table())) == N_ROWS
    if name == "NoPickle" and model.best_candidate_ != "baseline":
        with pytest.raises(AutoMLError) as caught:
            model.save(tmp_path / "bundle")
        assert caught.value.code
    else:
        again = automl.load(model.save(tmp_path / "bundle"))
        assert np.array_equal(again.predict(table()), model.predict(table()))


def _globals():
    return {
        "directory": Path.cwd(),
        "environment": dict(os.environ),
        "random": random.getstate(),
        "numpy": str(np.random.get_state()),  # noqa: NPY002 - the global one
        "errors": np.geterr(),
        "handlers": {s: signal.getsignal(s) for s in signal.valid_signals()},
        "path": list(sys.path),
        "streams": (sys.stdout, sys.stderr),
    }


def test_c06_what_a_learner_changes_is_put_back():
    """Directory, environment, generators, handlers, path and streams."""
    before = _globals()
    with sandbox():
        _dirty()
        assert Path.cwd() == Path("/")
    assert _globals() == before


def test_c06_what_a_learner_changes_in_this_process_is_put_back():
    """The same, through a fit with one process."""
    from tests.faults.chaos import bad, light

    before = _globals()
    model = fit(table(), Y, candidates=[light(), bad("dirty", here=True)], n_trials=3)
    assert _globals() == before
    assert len(model.predict(table())) == N_ROWS


@pytest.mark.slow
def test_c06_a_loud_learner_is_not_heard_at_verbose_0():
    """Warnings of learners are not shown; what they print is theirs."""
    code = (
        "from tests.faults.bad_kit import *\n"
        "from tests.faults.bad_estimators import candidate\n"
        "fit(table(), Y, candidates=[candidate('Loud')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parent.parent.parent,
    )  # fmt: skip
    assert "Warning" not in done.stderr


def test_c07_predicting_before_a_fit_is_not_possible():
    """scikit-learn's own error, for each method."""
    for method in ("predict", "score", "report", "save"):
        with pytest.raises(NotFittedError):
            getattr(AutoML(), method)(*[table()] * (1 + (method == "score")))


def test_c07_a_second_fit_replaces_and_a_failed_one_keeps():
    """The model is the last that succeeded."""
    model = fit(table(), Y)
    first = model.predict_proba(table())
    with pytest.raises(AutoMLDataError):
        model.fit(table(), Y[:-1])
    assert np.array_equal(first, model.predict_proba(table()))
    model.fit(table(seed=5), np.array(["a", "b", "c"])[np.arange(N_ROWS) % 3])
    assert model.classes_.tolist() == ["a", "b", "c"]
    model.set_params(task="regression").fit(table(seed=5), np.arange(N_ROWS) / 7)
    assert not hasattr(model, "classes_")
