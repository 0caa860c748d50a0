"""What it takes to run a search again: whole, harmless, without the user's folders."""

import dataclasses
import json
import re
import shlex
import tomllib

import numpy as np
import pandas as pd
import pytest
import typer
from sklearn.datasets import load_diabetes
from sklearn.metrics import make_scorer, mean_absolute_error
from sklearn.model_selection import KFold

import automl
from automl import AutoML
from automl.cli import app
from automl.facts import build_facts
from automl.report import render
from automl.report.reproduce import (
    BESIDE,
    OPTIONS,
    Own,
    code_of,
    code_to_repeat,
    command_to_repeat,
    settings_of,
    settings_toml,
)
from automl.report.words import markdown
from tests.report_kit import record

ELSEWHERE = {
    "--target", "--out", "--fail-on", "--watch", "--json", "--quiet", "--verbose",
    "--help",
}  # fmt: skip
"""Options of `automl fit` that are written in another way, or change no result."""

BESIDES = {
    "groups": {"name": "clinic", "column": True},
    "sample_weight": {"name": "w", "column": False},
}


def facts_with(settings, own=(), beside=None):
    """Return the facts of a run with these settings."""
    repeat = {"own": list(own), "beside": beside or {}}
    run = dataclasses.replace(record("binary"), settings=settings, repeat=repeat)
    return build_facts(run)


def asked_of(code, monkeypatch):
    """Run the Python of a report; return the estimator, and what fit was given."""
    seen = {}
    monkeypatch.setattr(automl.AutoML, "fit", lambda _, *a, **k: seen.update(a=a, k=k))
    space = {"X": 1, "y": 2}
    exec(compile(code, "report", "exec"), space)  # noqa: S102 - our own text
    return space["model"], seen["k"]


def test_every_option_of_the_command_is_repeated():
    """An option that is new in `automl fit` must be put into the report's command."""
    fit = typer.main.get_command(app).commands["fit"]
    known = {p.opts[0] for p in fit.params if p.opts[0].startswith("--")}

    assert known - ELSEWHERE == {*OPTIONS.values(), *BESIDE.values()}


def test_the_command_is_read_back_by_the_command():
    """Each option of it exists and takes its value."""
    settings = {
        "time_budget_s": 12.5, "n_trials": 9, "task": "binary", "metric": "log_loss",
        "candidates": ["ridge", "lightgbm"], "cv": 4, "n_jobs": 2, "random_state": 7,
        "ensemble": False, "deploy": "bag", "select": "simplest",
        "max_predict_ms": 0.25, "max_model_mib": 3.0, "trial_time_limit_s": 9.0,
        "memory_limit_mib": 900.0, "drop_missing_target": True,
    }  # fmt: skip
    beside = {"groups": "the clinic", "time": "day", "sample_weight": Own("w"),
              "X_test": Own("")}  # fmt: skip
    words = command_to_repeat(settings, "it's y", beside).splitlines()[0]
    fit = typer.main.get_command(app).commands["fit"]
    found = fit.make_context("fit", shlex.split(words)[2:]).params

    assert {
        "groups": "the clinic",
        "time": "day",
        "weight": "w",
        "test": "test.csv",
    }.items() <= found.items()
    limits = {
        "max_predict_ms": 0.25, "max_model_mib": 3.0, "ensemble": False,
        "trial_time_limit": 9.0, "memory_limit_mib": 900.0, "drop_missing_target": True,
    }  # fmt: skip
    assert (limits | {"select": "simplest", "seed": 7}).items() <= found.items()


def test_the_code_to_predict_runs_as_it_stands(tmp_path, monkeypatch):
    """Saved, loaded and asked, the model of a run answers each row of a file."""
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    X = X.iloc[:80]
    model = AutoML(
        n_trials=2, cv=3, candidates=["ridge"], n_jobs=1, random_state=0, verbose=0
    ).fit(X, y.iloc[:80])
    X.to_csv(tmp_path / "new.csv", index=False)
    monkeypatch.chdir(tmp_path)
    *lines, last = code_of(model.facts_)["predict"].splitlines()
    names = {"model": model}
    exec("\n".join(lines), names)  # noqa: S102 - our own text

    found = eval(last, names)  # noqa: S307

    np.testing.assert_allclose(found, model.predict(X))


def test_python_repeats_what_was_beside_the_table(monkeypatch):
    """Groups come back by name, weights as the user's, the folder not at all."""
    settings = {"run_dir": "/home/me/run", "verbose": 2, "n_trials": 5, "cv": 3}
    facts = facts_with(settings, beside=BESIDES)
    model, given = asked_of(code_of(facts)["python"], monkeypatch)

    assert {"groups": "clinic", "sample_weight": ...} == given
    assert None is model.run_dir
    assert (5, 3) == (model.n_trials, model.cv)


@pytest.mark.parametrize("write", [render, markdown, json.dumps])
def test_no_folder_of_the_user_is_in_a_report(write):
    """Neither the run's folder nor where the candidates lie."""
    settings = {"run_dir": "/home/me/secret/run", "candidates": "/home/me/secret/mine"}
    text = write(facts_with(settings))

    assert "secret" not in text
    assert "mine" in text


def test_objects_are_marked_as_the_users(monkeypatch):
    """A splitter in the text of its repr would be no splitter; an exec shows it."""
    splitter = "KFold(n_splits=3,\n import os)"
    settings = {"cv": splitter, "metric": "mean_absolute_error", "n_trials": 5}
    code = code_of(facts_with(settings, own=["cv", "metric"]))
    model, _ = asked_of(code["python"], monkeypatch)

    assert (..., ...) == (model.cv, model.metric)
    assert "# yours: KFold(n_splits=3, import os)" in code["python"]
    note, command = code["shell"].splitlines()[:2]
    assert "cv (KFold(n_splits=3, import os))" in note
    assert note.startswith("# Not repeated")
    assert "--cv" not in command
    assert {"n_trials": 5} == tomllib.loads(code["toml"])["automl"]


def test_what_no_option_takes_is_said():
    """Settings of another version that the command has not are named above it."""
    settings = {"half_life_s": 5.0, "drop_missing_target": False}
    first = command_to_repeat(settings, "y").splitlines()[0]

    assert "# Not repeated (yours, or without an option): half_life_s (5.0)" == first


def test_an_own_value_ends_no_comment():
    """Whatever an object prints of itself, its line stays a comment."""
    facts = facts_with({"cv": "a\u2028b\rc\nd\x0ce"}, own=["cv"])
    settings = settings_of(facts)

    assert Own("a b c d e") == settings["cv"]
    assert 2 == len(settings_toml(settings).splitlines())
    assert 7 == len(code_to_repeat(settings).splitlines()) + 1


def test_phases_of_time_are_added_up_below_them():
    """Total and budget are no phases."""
    page = render(build_facts(record("binary")))
    table = re.search(r"Time of each phase.*?</table>", page, re.DOTALL)[0]
    body, foot = table.split("<tfoot>")

    assert "search" in body
    assert "total" not in body
    assert "total" in foot
    assert "budget" in foot


def table(n=120):
    """Return a small table with groups, and its target."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n)})
    X["clinic"] = np.arange(n) % 12
    return X, X["a"] * 2 + rng.normal(size=n)


def test_a_run_keeps_its_seed_and_what_it_was_given(tmp_path):
    """The seed that was drawn, a scorer's function, names: all stand in the facts."""
    X, y = table()
    scorer = make_scorer(mean_absolute_error, greater_is_better=False)
    model = AutoML(
        n_trials=1, n_jobs=1, candidates=["ridge"], metric=scorer, cv=KFold(3),
        run_dir=tmp_path / "run", verbose=0,
    ).fit(X, y, sample_weight=pd.Series(np.ones(len(y)), name="w"))  # fmt: skip
    facts = model.facts_

    assert isinstance(facts["settings"]["random_state"], int)
    assert model._seed == facts["settings"]["random_state"]
    assert {"metric", "cv"} == set(facts["repeat"]["own"])
    assert {"sample_weight": {"name": "w", "column": False}} == facts["repeat"][
        "beside"
    ]
    assert (
        "mean_absolute_error" == facts["metric"]["name"] == facts["settings"]["metric"]
    )
    assert "make_scorer" not in json.dumps(facts)
    assert "run_dir" not in facts["settings"]


def test_a_drawn_seed_gives_the_same_run_again():
    """What the report tells as the seed, given as a seed, makes the same trials."""
    X, y = table()
    given = {"n_trials": 2, "n_jobs": 1, "candidates": ["ridge"], "verbose": 0}
    first = AutoML(**given).fit(X, y, groups="clinic")
    seed = first.facts_["settings"]["random_state"]
    again = AutoML(**given, random_state=seed).fit(X, y, groups="clinic")

    assert [t.score for t in first.trials_] == [t.score for t in again.trials_]
    assert {"groups": {"name": "clinic", "column": True}} == first.facts_["repeat"][
        "beside"
    ]
