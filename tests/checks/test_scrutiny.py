"""What a run's checks are made of, and that they cost no run anything."""

import dataclasses
import json

import numpy as np
import pytest

from automl import AutoML
from automl.budget import Budget
from automl.canary import sing
from automl.candidates import load_candidates
from automl.checks import CHECKS
from automl.folds import make_folds
from automl.metrics import resolve_metric
from automl.pacing import checks_seconds
from automl.scrutiny import _timer
from automl.table import make_table
from automl.workplace import close_workplace, open_workplace, write_workplace
from tests.checks.check_kit import classes, numbers

GIVEN = {"n_jobs": 1, "n_trials": 2, "cv": 3, "random_state": 0, "verbose": 0}


@pytest.fixture(scope="module")
def leaky():
    """Return a fitted model of a table with a copy of the target and drift."""
    X, y = classes(0, n_rows=300)
    X["paid"] = y * 2.0
    test = X.iloc[200:].copy()
    test["x1"] += 3 * X["x1"].std()
    model = AutoML(**GIVEN, candidates=["logistic"])
    with pytest.warns(UserWarning, match="each of its values has one target"):
        model.fit(X.iloc[:200], y.iloc[:200], X_test=test, y_test=y.iloc[200:])
    return model


def test_every_check_is_made_in_a_run_without_a_limit_in_time(leaky):
    """A budget of trials makes all; the worst stand first."""
    found = {f.code: f for f in leaky.checks_}
    assert sorted(found) == sorted(c.code for c in CHECKS)
    assert not [f for f in leaky.checks_ if "raised" in f.evidence]
    assert [f.code for f in leaky.checks_ if f.status == "skipped"] == []
    assert leaky.checks_[0].code == "AML001"
    assert leaky.checks_[0].columns == ("paid",)
    assert found["AML009"].columns == ("x1",)
    assert found["AML013"].status == "pass"


def test_a_leaking_column_is_told_of_and_kept(leaky):
    """Only the user knows what is known at prediction time."""
    assert "paid" in [c.name for c in leaky.model_[0].plan]


def test_checks_and_slices_are_facts(leaky):
    """The report has both as JSON, under the keys that its templates read."""
    facts = json.loads(json.dumps(leaky.facts_, allow_nan=False))
    keys = {"code", "title", "status", "evidence", "action", "columns"}
    assert all(set(row) == keys for row in facts["checks"])
    assert len(facts["checks"]) == len(CHECKS)


def test_weak_slices_are_facts():
    """Rows have a column, a slice and an interval; losses are natural."""
    X, y = numbers(0)
    model = AutoML(**GIVEN, candidates=["ridge"]).fit(X, y)
    slices = model.facts_["weak_slices"]
    assert set(slices) == {"rows", "overall", "note"}
    assert set(slices["rows"][0]) == {
        "column", "slice", "n", "natural", "low", "high", "difference", "significant",
    }  # fmt: skip
    assert slices["overall"] == pytest.approx(-model.best_score_, rel=0.1)


def test_checks_that_cannot_be_made_cost_no_model(monkeypatch):
    """Whatever the evidence lacks, there is a model, and a reason."""

    def fails(*_, **__):
        raise MemoryError

    monkeypatch.setattr("automl.scrutiny._identifiers", fails)
    X, y = numbers(0, n_rows=100)
    model = AutoML(**GIVEN, candidates=["ridge"]).fit(X, y)
    assert {f.status for f in model.checks_} == {"skipped"}
    assert "MemoryError" in model.checks_[0].evidence
    assert len(model.predict(X)) == 100


def test_a_budget_in_seconds_is_not_overrun_for_a_check():
    """Checks that would begin after their share are skipped."""
    now = [100.0]
    budget = Budget(60.0, None, 95.0, lambda: now[0])
    out_of_time = _timer(budget, checks_seconds(60.0))
    assert not out_of_time()
    now[0] += 1.3
    assert out_of_time()
    assert not _timer(budget, None)()


def place_of(folder):
    """Return the workplace of a table of two classes."""
    X, y = classes(0, n_rows=300, flip=0.0)
    table = make_table(X, y)
    folds = make_folds(
        table.y, cv=3, stratify=True, groups=None, time=None, random_state=0
    )
    candidates = load_candidates(["random_forest"])
    metric = resolve_metric("roc_auc", table.task)
    write_workplace(folder, table, folds, metric, candidates, 0)
    return open_workplace(folder)[0]


def test_a_shuffled_target_is_not_learnt(tmp_path):
    """A flexible pipeline scores like chance on a target that means nothing."""
    try:
        found = sing(place_of(tmp_path), "random_forest", {}, 0, None)
    finally:
        close_workplace()
    assert found["chance"] == pytest.approx(0.5, abs=0.02)
    assert abs(found["score"] - found["chance"]) < 4 * found["std"]


def test_rows_that_are_trained_on_and_scored_wake_the_canary(tmp_path):
    """A fold that scores what it trains on is above chance on any target."""
    try:
        place = place_of(tmp_path)
        rows = np.arange(300)
        place = dataclasses.replace(place, splits=((rows, rows),))
        found = sing(place, "random_forest", {}, 0, None)
        assert sing(place, "random_forest", {}, 0, 0.0) is None  # no time for chance
    finally:
        close_workplace()
    assert found["score"] > found["chance"] + 4 * found["std"]
