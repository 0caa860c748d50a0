"""Columns that tell the target, by their cells, gaps or order, are found."""

import numpy as np
import pandas as pd
import pytest

from automl.checks.alone import Errors
from automl.checks.leaks import _share
from tests.checks.check_kit import (
    bundled,
    classes,
    evidence_of,
    found_by,
    mixed,
    shuffled,
)


def test_a_copy_of_the_target_fails():
    """What is the target under another name is no estimate's fault but a failure."""
    X, y = shuffled(200)
    found = found_by("AML001", evidence_of(X.assign(leak=y * 3.0), y))
    assert (found.status, found.columns) == ("fail", ("leak",))
    assert found_by("AML001", evidence_of(X, y)).status == "pass"


def patients(n_patients=60, n_rows=20):
    """Return rows of patients, whose ages and targets are their own."""
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(n_patients), n_rows)
    X = pd.DataFrame(rng.normal(size=(len(who), 5))).add_prefix("x")
    X["age_days"] = rng.permutation(np.arange(7000, 29000, 22))[:n_patients][who]
    return X, rng.integers(0, 2, n_patients)[who], who


def test_what_names_a_group_is_no_copy_of_the_target():
    """With groups, each value needs several groups: the ages of patients are theirs."""
    X, y, who = patients()
    assert found_by("AML001", evidence_of(X, y)).status == "fail"
    assert found_by("AML001", evidence_of(X, y, given={"groups": who})).status == "pass"


@pytest.mark.parametrize("n_patients", [60, 3])
def test_a_copy_of_the_target_in_groups_fails(n_patients):
    """What tells the target in many groups, or in each of a few, is a copy of it."""
    X, y, who = patients(n_patients, 120)
    y = np.random.default_rng(1).integers(0, 3, len(y))
    outcome = np.array(["won", "lost", "even"])[y]
    evidence = evidence_of(X.assign(outcome=outcome), y, cv=3, given={"groups": who})
    assert found_by("AML001", evidence).columns == ("outcome",)


def test_a_column_far_better_than_all_others_is_suspected():
    """One mistake in a hundred is a leak where the other columns make many."""
    X, y = mixed(3)
    codes = y.where(np.random.default_rng(0).random(len(y)) > 0.01, 1 - y)
    found = found_by("AML002", evidence_of(X.assign(paid=codes), y))
    assert (found.status, found.columns) == ("warn", ("paid",))
    assert "all other columns together" in found.evidence
    assert found_by("AML002", evidence_of(X, y)).status == "pass"


def test_a_rare_flag_that_tells_a_rare_class_is_suspected():
    """Among values that nearly all rows share it has a bin of its own."""
    rng = np.random.default_rng(0)
    y = (np.arange(4000) % 100 == 0).astype(int)
    told = 1.5 * y[:, None] + rng.normal(
        size=(4000, 28)
    )  # better than what says nothing
    X = pd.DataFrame(told).add_prefix("v")
    flag = y * (rng.random(4000) < 0.97)
    found = found_by("AML002", evidence_of(X.assign(chargeback=flag), y))
    assert (found.status, found.columns) == ("warn", ("chargeback",))


def test_a_sample_holds_rows_of_a_rare_class():
    """Without one of them no column could be told to know it."""
    rng = np.random.default_rng(0)
    y = np.zeros(60_000, dtype=int)
    y[rng.choice(60_000, 40, replace=False)] = 1
    evidence = evidence_of(pd.DataFrame({"x": rng.normal(size=60_000)}), y)
    assert evidence.table.y[evidence.sample].sum() == 40
    assert len(evidence.sample) < 4_100


def test_a_column_by_itself_has_no_others_to_be_better_than():
    """A line is a line, and no leak."""
    x = np.linspace(0, 1, 200)
    y = 3 * x + np.random.default_rng(0).normal(size=200) / 50
    found = found_by("AML002", evidence_of(pd.DataFrame({"x": x}), y))
    assert found.status == "pass"


def test_several_near_copies_are_a_note():
    """Two leaks come close to each other: that may be so in an easy table, too."""
    X, y = classes(0, flip=1.0)
    moved = np.random.default_rng(0).random(len(y)) < 0.01
    a = np.where(moved, 1 - y, y)
    b = np.where(np.arange(len(y)) == 7, 1 - a, a) * 2.5
    found = found_by("AML002", evidence_of(X.assign(a=a, b=b), y))
    assert (found.status, set(found.columns)) == ("note", {"a", "b"})


@pytest.mark.parametrize("n_others", [1, 3, 8])
def test_two_near_copies_are_told_of_in_a_table_of_few_columns(n_others):
    """Each hides the other, and all that is left beside them tells nothing."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(1000, n_others))).add_prefix("x")
    y = rng.integers(0, 2, 1000)
    for name in ("outcome_code", "closed"):
        X[name] = np.where(rng.random(1000) < 0.01, 1 - y, y)
    found = found_by("AML002", evidence_of(X, y))
    assert found.status in {"note", "warn"}  # by chance one is three times as good
    assert set(found.columns) <= {"outcome_code", "closed"}


def test_a_near_perfect_column_is_never_said_to_tell_nothing():
    """Where columns are near perfect and no leak, the sentence says that they are."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 1000)
    copies = {f"x{i}": np.where(rng.random(1000) < 0.01, 1 - y, y) for i in range(4)}
    several = found_by("AML002", evidence_of(pd.DataFrame(copies), y))
    assert several.status == "pass"
    assert "4 columns each tell the target almost exactly alone" in several.evidence
    score = y + rng.normal(0, 0.28, 1000)
    parts = rng.normal(size=(1000, 2))
    X = pd.DataFrame({"score": score, "a": parts[:, 0], "b": parts[:, 1]})
    X["c"] = y + rng.normal(0, 0.33, 1000)
    one = found_by("AML002", evidence_of(X, y))
    assert one.status == "pass"
    assert "all other columns together nearly as well" in one.evidence
    X, y, _ = series("sine")
    by_time = found_by("AML002", evidence_of(X, y, given={"time": "day"})).evidence
    assert "tells the target almost exactly, and time= nearly as well" in by_time


def test_too_few_rows_tell_no_leak():
    """Twenty rows are split by some column by chance."""
    X, y = shuffled(20)
    assert found_by("AML002", evidence_of(X, y)).status == "skipped"


def test_gaps_that_follow_the_target_are_suspected():
    """A column that is filled in for one class only tells it by its gaps."""
    X, y = mixed(2)
    rng = np.random.default_rng(0)
    leak = X.assign(refund=np.where(y == 1, rng.normal(size=len(y)), np.nan))
    found = found_by("AML003", evidence_of(leak, y))
    assert (found.status, found.columns) == ("warn", ("refund",))
    assert found_by("AML003", evidence_of(X, y)).status == "pass"


def test_gaps_with_a_reason_of_their_own_are_a_note():
    """Where other columns tell the gaps as well, the target is not their reason."""
    X, y = shuffled(400)
    rng = np.random.default_rng(1)
    works = np.where(y == 1, "yes", "no")
    hours = np.where(y == 1, rng.normal(size=400), np.nan)
    target = np.where(rng.random(400) < 0.05, 1 - y, y)
    X = X.assign(works=works, hours=hours)
    assert found_by("AML003", evidence_of(X, target)).status == "note"


@pytest.mark.parametrize("first", [500, 100_000_000_000])
@pytest.mark.parametrize("name", ["patient_id", "number"])
def test_a_number_of_rows_that_tells_the_target_is_suspected(name, first):
    """Whether it was left out or is used, rows were numbered by the target."""
    X, y = bundled("breast_cancer")
    order = np.argsort(y.to_numpy(), kind="stable")
    number = np.empty(len(y), dtype=int)
    number[order] = first + np.arange(len(y))
    found = found_by("AML004", evidence_of(X.assign(**{name: number}), y))
    assert (found.status, found.columns) == ("warn", (name,))


def test_names_of_rows_that_begin_with_the_class_are_suspected():
    """Identifiers that are text are compared by the alphabet."""
    X, y = shuffled(300)
    names = [f"{'case' if c else 'control'}-{i}" for i, c in enumerate(y)]
    found = found_by("AML004", evidence_of(X.assign(sample_id=names), y))
    assert (found.status, found.columns) == ("warn", ("sample_id",))


def series(kind, n_rows=600):
    """Return days and numbers that follow them, and a target that is smooth in time."""
    rng, t = np.random.default_rng(0), np.arange(n_rows)
    y = {
        "walk": np.cumsum(rng.normal(size=n_rows)),
        "sine": np.sin(t / 90) * 3 + rng.normal(0, 0.3, n_rows),
        "trend": t / n_rows + rng.normal(0, 0.02, n_rows),
    }[kind]
    day = pd.Series(pd.date_range("2020-01-01", periods=n_rows, freq="D"))
    X = pd.DataFrame({"day": day, "visit_id": t + 1, "price": rng.normal(size=n_rows)})
    X["index"] = t / n_rows + rng.normal(0, 0.001, n_rows)  # of prices: rises with time
    return X, y, rng


@pytest.mark.parametrize("kind", ["walk", "sine", "trend"])
def test_a_series_that_is_smooth_in_time_gives_no_alarm(kind):
    """With time=, neither the days nor what follows them is a leak."""
    X, y, _ = series(kind)
    evidence = evidence_of(X, y, given={"time": "day"})
    assert found_by("AML002", evidence).status == "pass"
    found = found_by("AML004", evidence)
    assert (found.status, found.columns) == ("pass", ("visit_id",))
    assert "hardly better than time= does" in found.evidence


@pytest.mark.parametrize("kind", ["walk", "sine", "trend"])
def test_a_leak_in_a_series_is_suspected(kind):
    """What tells a target far better than time does is found there, too."""
    X, y, rng = series(kind)
    case = np.argsort(np.argsort(y))
    X = X.assign(paid=y + rng.normal(0, 0.01 * y.std(), len(y)), case_id=case)
    evidence = evidence_of(X, y, given={"time": "day"})
    found = found_by("AML002", evidence)
    assert (found.status, found.columns) == ("warn", ("paid",))
    assert found_by("AML004", evidence).columns == ("case_id",)


def test_what_names_a_group_tells_no_target_with_groups():
    """Rows that are numbered patient by patient tell who it is, which is no leak."""
    X, y, who = patients()
    X["row_id"] = np.arange(len(y))
    alone = evidence_of(X, y)
    assert found_by("AML004", alone).status == "warn"
    grouped = evidence_of(X, y, given={"groups": who})
    assert found_by("AML004", grouped).status == "pass"
    assert found_by("AML002", grouped).status == "pass"


def test_two_groups_are_enough_to_look():
    """Each is guessed from the other, and a leak is found."""
    X, y = mixed(3)
    side = np.arange(len(y)) % 2
    codes = y.where(np.random.default_rng(0).random(len(y)) > 0.01, 1 - y)
    evidence = evidence_of(X.assign(paid=codes), y, cv=2, given={"groups": side})
    assert found_by("AML002", evidence).columns == ("paid",)


def test_an_identifier_that_tells_nothing_passes():
    """It is left out, and named."""
    X, y = shuffled(300)
    number = np.random.default_rng(1).permutation(300)
    found = found_by("AML004", evidence_of(X.assign(row_id=number), y))
    assert (found.status, found.columns) == ("pass", ("row_id",))
    used = found_by("AML004", evidence_of(X.assign(rank=number), y))
    assert (used.status, used.columns) == ("note", ("rank",))


def test_an_error_of_the_ranking_is_told_in_pairs():
    """At an area of .79, 21 % of the pairs of two classes are the wrong way round."""
    assert (
        _share(Errors(0.5, 0.42, 0.1)) == "21.00% of pairs of rows in the wrong order"
    )
    assert _share(Errors(0.5, 0.42, np.inf)) == "50.00% of the variance unexplained"
