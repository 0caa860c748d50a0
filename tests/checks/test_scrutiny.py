"""What a run's checks are made of, and that they cost no run anything."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from automl import AutoML
from automl.budget import Budget
from automl.canary import sing
from automl.candidates import load_candidates
from automl.checks import CHECKS, run_checks
from automl.checks.leaks import TargetLeak
from automl.checks.runner import ARITHMETIC
from automl.folds import make_folds
from automl.metrics import resolve_metric
from automl.reserve import checks_seconds
from automl.scrutiny import _timer
from automl.table import make_table
from automl.workplace import close_workplace, open_workplace, write_workplace
from tests.checks.check_kit import classes, evidence_of, numbers

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
    keys = {"code", "title", "status", "evidence", "action", "columns", "missed"}
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


def test_without_a_model_no_check_fits_anything(monkeypatch):
    """In a budget that was too short for any learner, the checks of arithmetic stay."""
    monkeypatch.setattr("automl.scrutiny._anything_finished", lambda _: False)
    X, y = classes(0, n_rows=100)
    given = GIVEN | {"n_trials": None, "time_budget_s": 2, "candidates": ["logistic"]}
    model = AutoML(**given).fit(X, y)
    made = {f.code for f in model.checks_ if not f.missed}
    assert made <= {c.code for c in ARITHMETIC}
    assert "AML015" in made


def wide(n_columns=40, n_classes=12):
    """Return evidence of a table that takes long to look at."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(600, n_columns))).add_prefix("x")
    return X, pd.Series(rng.integers(0, n_classes, 600))


def test_a_check_with_fits_ends_between_two_columns():
    """No check of a wide table goes on for long once the time is up."""
    evidence, looks = evidence_of(*wide()), []

    def out_of_time():
        looks.append(1)
        return len(looks) > 11

    found = run_checks(evidence, out_of_time, [TargetLeak()]).findings[0]
    assert len(looks) == 12
    assert (found.status, found.missed) == ("skipped", True)
    assert "before it ended" in found.evidence
    looks.clear()
    run_checks(evidence, lambda: bool(looks.append(1)), [TargetLeak()])
    assert len(looks) > 40 + 30 + 6  # bins of all, again of the best, trees of some


def test_a_suspect_that_could_not_be_compared_is_named():
    """Without time for the forest of the others, a perfect column is told of."""
    X, y = classes(0, flip=0.0)
    evidence = evidence_of(X.assign(leak=y + np.linspace(0, 0.1, len(y))), y)
    looks = []
    full = run_checks(evidence, lambda: bool(looks.append(1)), [TargetLeak()])
    assert full.findings[0].status == "warn"
    left = iter([False] * (len(looks) - 3))  # a forest looks three times
    late = run_checks(evidence, lambda: next(left, True), [TargetLeak()]).findings[0]
    assert (late.status, late.missed, late.columns) == ("skipped", True, ("leak",))
    assert "no time to see" in late.evidence


def test_what_hardly_fits_comes_before_what_fits():
    """Gaps, time, groups and copies are looked at in short budgets, too."""
    codes = [c.code for c in CHECKS]
    cheap = ("AML003", "AML005", "AML006", "AML007")
    assert all(codes.index(c) < codes.index("AML002") for c in cheap)


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
