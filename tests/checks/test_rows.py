"""Time, groups, copies and drift: rows that are not drawn alike are found."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GroupKFold, KFold, TimeSeriesSplit

from automl.repeats import shared_rows
from tests.checks.check_kit import (
    bundled,
    classes,
    evidence_of,
    found_by,
    shuffled,
)


def walk(n_rows=300):
    """Return a random walk with its days, rows in an order by chance."""
    rng = np.random.default_rng(0)
    y = np.cumsum(rng.normal(size=n_rows))
    day = pd.Series(pd.date_range("2024-01-01", periods=n_rows, freq="D"))
    order = rng.permutation(n_rows)
    X = pd.DataFrame({"day": day, "x": rng.normal(size=n_rows)})
    return X.iloc[order].reset_index(drop=True), y[order]


def test_time_that_carries_the_target_asks_for_time():
    """Folds by chance mix past and future of a random walk."""
    X, y = walk()
    found = found_by("AML005", evidence_of(X, y))
    assert (found.status, found.columns) == ("warn", ("day",))
    assert "time='day'" in found.action
    assert found_by("AML005", evidence_of(X, y, given={"time": "day"})).status == "pass"


def test_a_moment_that_is_missing_does_not_hide_time():
    """Rows with one are looked at; a column that has few of them says nothing."""
    X, y = walk()
    X.loc[:2, "day"] = None
    assert found_by("AML005", evidence_of(X, y)).columns == ("day",)
    X.loc[:99, "day"] = None
    assert found_by("AML005", evidence_of(X, y)).status == "pass"


def test_a_year_that_many_rows_share_is_a_feature():
    """Numbers that count time say when a row was only if they tell rows apart."""
    X, y = walk()
    order = np.argsort(X["day"].to_numpy())
    days = X.iloc[order].reset_index(drop=True)
    seconds = days.assign(day=np.arange(300) * 7.5).rename(columns={"day": "time"})
    found = found_by("AML005", evidence_of(seconds, y[order]))
    assert (found.status, found.columns) == ("warn", ("time",))
    years = days.assign(day=2000 + np.arange(300) // 23).rename(columns={"day": "year"})
    assert found_by("AML005", evidence_of(years, y[order])).status == "note"


def test_a_column_of_later_moments_is_suspected():
    """What is dated after the row is not known when it is predicted."""
    X, y = walk()
    X["closed"] = X["day"] + pd.Timedelta(days=30)
    found = found_by("AML005", evidence_of(X, y, given={"time": "day"}))
    assert (found.status, found.columns) == ("warn", ("closed",))


@pytest.mark.parametrize("unit", ["years", "row numbers", "milliseconds"])
def test_dates_are_not_compared_with_numbers(unit):
    """A date of birth is no later moment for being more seconds than years are."""
    X, y = walk()
    numbers = {
        "years": X["day"].dt.year + X["day"].dt.month / 12,
        "row numbers": X["day"].rank(),
        "milliseconds": X["day"].astype("datetime64[ms]").astype("int64") * 1.0,
    }
    X["born"] = X["day"] - pd.to_timedelta(np.arange(300) * 20, unit="D")
    X["closed"] = X["day"] + pd.Timedelta(days=30)
    found = found_by("AML005", evidence_of(X, y, given={"time": numbers[unit]}))
    assert found.status == "pass"
    assert "cannot be compared" in found.evidence


def test_rows_sorted_by_the_target_are_a_note():
    """Folds are shuffled, so that no score is wrong."""
    X, y = shuffled(100)
    assert found_by("AML005", evidence_of(X, np.sort(y))).status == "note"
    assert found_by("AML005", evidence_of(X, y)).status == "pass"


def test_given_folds_that_follow_time_are_not_warned_of():
    """What folds do is looked at: a forward splitter needs no time=."""
    X, y = walk()
    order = np.argsort(X["day"].to_numpy())
    X, y = X.iloc[order].reset_index(drop=True), y[order]
    forward = found_by("AML005", evidence_of(X, y, cv=TimeSeriesSplit(5)))
    assert forward.status == "pass"
    assert "no fold trains on later rows" in forward.evidence
    assert found_by("AML005", evidence_of(X, y, cv=KFold(5))).status == "warn"


def test_folds_that_are_blocks_of_a_sorted_target_are_warned_of():
    """A fold of the greatest targets is scored on what none like it was trained on."""
    X, y = shuffled(100)
    y = np.sort(y + X["x"].to_numpy())
    blocks = found_by("AML005", evidence_of(X, y, cv=KFold(5)))
    assert blocks.status == "warn"
    assert "stand next to each other" in blocks.evidence
    mixed = KFold(5, shuffle=True, random_state=0)
    assert found_by("AML005", evidence_of(X, y, cv=mixed)).status == "note"


def patients(n_patients=40, visits=8):
    """Return visits of patients whose target is their own; rows by chance."""
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(n_patients), visits)
    y = rng.integers(0, 2, n_patients)[who]
    order = rng.permutation(len(who))
    X = pd.DataFrame({"patient": who * 7 % 1009, "x": rng.normal(size=len(who))})
    return X.iloc[order].reset_index(drop=True), y[order]


def test_groups_that_explain_the_target_ask_for_groups():
    """Visits of a patient on both sides of a fold are told by heart."""
    X, y = patients()
    found = found_by("AML006", evidence_of(X, y))
    assert (found.status, found.columns) == ("warn", ("patient",))
    given = {"groups": "patient"}
    assert found_by("AML006", evidence_of(X, y, given=given)).status == "pass"


def test_given_folds_that_keep_groups_together_are_not_warned_of():
    """What folds do is looked at: splits by patient need no groups=."""
    X, y = patients()
    splits = list(GroupKFold(5).split(X, y, X["patient"]))
    found = found_by("AML006", evidence_of(X, y, cv=splits))
    assert found.status == "pass"
    assert "folds keep rows of one level together" in found.evidence
    assert found_by("AML006", evidence_of(X, y, cv=KFold(5))).status == "warn"


def test_a_rounded_measure_is_no_group():
    """Petals of like lengths are of like species."""
    X, y = bundled("iris")
    assert found_by("AML006", evidence_of((X * 10).round(), y)).status == "pass"


def test_a_count_with_many_zeros_is_no_group():
    """The first level has one neighbour, and not the last one as another."""
    rng = np.random.default_rng(0)
    days = np.where(rng.random(1500) < 0.6, 0, rng.integers(1, 31, 1500))
    y = days / 8 + rng.normal(size=1500) * 0.6
    X = pd.DataFrame({"days_late": days, "x": rng.normal(size=1500)})
    assert found_by("AML006", evidence_of(X, y)).status == "pass"


def test_a_year_for_each_row_is_time_and_no_number_of_rows():
    """Whether it is given as time or not; groups that are given ask for none."""
    year = np.arange(1900, 2021)
    y = np.cumsum(np.random.default_rng(0).normal(size=121))
    X = pd.DataFrame({"year": year, "x": np.random.default_rng(1).normal(size=121)})
    for given in ({}, {"time": "year"}):
        assert "year" not in found_by("AML004", evidence_of(X, y, given=given)).columns
    who = np.repeat(np.arange(60), 5)
    rows = pd.DataFrame({"x": np.random.default_rng(0).normal(size=300)})
    own = np.random.default_rng(2).integers(0, 2, 60)[who]
    assert found_by("AML005", evidence_of(rows, own)).status == "note"
    grouped = evidence_of(rows, own, given={"groups": who})
    assert found_by("AML005", grouped).status == "pass"


def test_copies_on_both_sides_of_given_splits_are_warned_of():
    """Thirty in a hundred rows stand twice, with targets by chance."""
    X, y = shuffled(200)
    X, y = pd.concat([X.assign(z=X["x"] ** 2)] * 2, ignore_index=True), np.r_[y, 1 - y]
    kept = evidence_of(X, y)
    assert found_by("AML007", kept).status == "pass"
    assert "together" in found_by("AML007", kept).evidence
    split = [(np.arange(200), np.arange(200, 400))]
    across = found_by("AML007", evidence_of(X, y, cv=split))
    assert across.status == "warn"
    assert "100.0% of the scored rows" in across.evidence
    assert "100% of the copies differ" in across.evidence


def with_test(X, y, test, **more):
    """Return evidence with test rows, encoded."""
    evidence = evidence_of(X, y, **more)
    rows = evidence.table.encoder.transform(test).reset_index(drop=True)
    shared = shared_rows(evidence.table.X, rows)
    return dataclasses.replace(evidence, test=rows, shared=shared)


def test_test_rows_that_were_trained_on_are_counted():
    """Half of these test rows stand in the training table."""
    X, y = classes(0)
    half = with_test(X.iloc[:300], y.iloc[:300], X.iloc[250:350])
    found = found_by("AML008", half)
    assert found.status == "warn"
    assert "50.0% of the 100 test rows" in found.evidence
    few = with_test(X.iloc[:300].round(), y.iloc[:300], X.iloc[250:350].round())
    usual = dataclasses.replace(few, shared=(0.5, 0.495))
    assert found_by("AML008", usual).status == "note"  # as `W-overlap` has it
    none = with_test(X.iloc[:300], y.iloc[:300], X.iloc[300:])
    assert found_by("AML008", none).status == "pass"
    assert found_by("AML008", evidence_of(X, y)).status == "skipped"


def test_drift_names_the_columns_that_moved():
    """A column that moved by three deviations is named, its neighbours are not."""
    X, y = classes(0)
    train, test = X.iloc[:250], X.iloc[250:].copy()
    assert found_by("AML009", with_test(train, y.iloc[:250], test)).status == "pass"
    test["x3"] += 3 * X["x3"].std()
    found = found_by("AML009", with_test(train, y.iloc[:250], test))
    assert (found.status, found.columns) == ("warn", ("x3",))
    assert "'x3' differs most" in found.evidence
    test["x4"] -= 3 * X["x4"].std()
    both = found_by("AML009", with_test(train, y.iloc[:250], test)).evidence
    assert "'x3' and 'x4' differ most" in both or "'x4' and 'x3' differ most" in both


@pytest.mark.parametrize("time", ["day", "number"])
def test_later_test_rows_are_judged_by_other_columns_than_their_dates(time):
    """Dates of later rows differ always: what counts is whether anything else does."""
    X, y = classes(0)
    days = pd.date_range("2024-01-01", periods=len(X))
    X = X.assign(day=days, number=np.arange(400) * 7.5)
    X = X.drop(columns="day" if time == "number" else "number")
    train, test, given = X.iloc[:250], X.iloc[250:].copy(), {"time": time}
    same = found_by("AML009", with_test(train, y.iloc[:250], test, given=given))
    assert same.status == "pass"
    assert same.evidence.startswith(f"Without '{time}', which says when, a forest")
    test["x3"] += 3 * X["x3"].std()
    moved = found_by("AML009", with_test(train, y.iloc[:250], test, given=given))
    assert (moved.status, moved.columns) == ("warn", ("x3",))


def test_drift_needs_a_column_beside_dates():
    """A table of dates has nothing that could drift but time."""
    X, y = walk()
    X = X[["day"]]
    found = found_by("AML009", with_test(X.iloc[:200], y[:200], X.iloc[200:]))
    assert found.status == "skipped"
    assert "no date" in found.evidence
