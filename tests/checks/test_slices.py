"""Rows on which the winner is weak are found, and not by chance."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from automl.checks.finding import OutOfTimeError
from automl.checks.slices import find_weak_slices
from tests.checks.check_kit import (
    evidence_of,
    found_by,
    numbers,
)


def sliced(wrong_in, *, n_rows=1200):
    """Return evidence of a winner that guesses in one town, and is right elsewhere."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {"town": rng.choice(["a", "b", "c"], n_rows), "x": rng.normal(size=n_rows)}
    )
    y = rng.integers(0, 2, n_rows)
    truth = np.where(rng.random(n_rows) < 0.2, 1 - y, y)
    seen = np.where(X["town"] == wrong_in, rng.integers(0, 2, n_rows), truth)
    score = seen + rng.normal(0, 0.5, n_rows)
    p = 1 / (1 + np.exp(-(score - 0.5) * 3))
    return evidence_of(X, y, predictions=np.column_stack([1 - p, p]))


def test_the_slice_that_is_worse_is_found():
    """A town that the winner guesses in is the worst slice, with an interval."""
    evidence = sliced("b")
    slices = find_weak_slices(evidence, lambda: False)
    facts = slices.as_json(evidence.metric)
    worst = facts["rows"][0]
    assert (worst["column"], worst["slice"], worst["significant"]) == (
        "town",
        "b",
        True,
    )
    assert worst["low"] < worst["natural"] < worst["high"] < facts["overall"]
    assert "Holm" in facts["note"]
    assert len(facts["rows"]) == 7  # three towns and four quarters
    found = found_by("AML017", dataclasses.replace(evidence, slices=slices))
    assert (found.status, found.columns) == ("note", ("town",))
    assert "the worst, 'town' being 'b' (" in found.evidence


@pytest.mark.parametrize("column", ["flag", "many zeros"])
def test_values_that_many_rows_share_are_slices(column):
    """A flag has two, and zeros are apart from what is more."""
    rng = np.random.default_rng(0)
    bad = rng.random(1200) < 0.3
    more = np.where(column == "flag", 1.0, rng.gamma(2.0, 50.0, 1200))
    X = pd.DataFrame({column: np.where(bad, more, 0.0), "x": rng.normal(size=1200)})
    y = rng.normal(size=1200)
    guess = y + rng.normal(size=1200) * np.where(bad, 5.0, 1.0)
    slices = find_weak_slices(evidence_of(X, y, predictions=guess), lambda: False)
    worst = slices.slices[0]
    assert (worst.column, worst.is_weak) == (column, True)
    assert "= 0" in {s.name for s in slices.slices if s.column == column}


def test_an_interval_of_a_slice_does_not_leave_the_metrics_range():
    """No error is below zero."""
    evidence = sliced("b")
    found = find_weak_slices(evidence, lambda: False)
    sure = [dataclasses.replace(s, score=0.99, error=0.02) for s in found.slices]
    rows = dataclasses.replace(found, slices=tuple(sure)).as_json(evidence.metric)
    assert all(row["high"] == 1.0 for row in rows["rows"])


def test_slices_by_chance_are_not_told_as_weak():
    """Where the winner is as good everywhere, no slice is significant."""
    evidence = sliced("nowhere")
    slices = find_weak_slices(evidence, lambda: False)
    assert not any(s.is_weak for s in slices.slices)
    found = found_by("AML017", dataclasses.replace(evidence, slices=slices))
    assert found.status == "pass"


def test_standard_errors_of_slices_are_those_of_theory():
    """The jackknife's error of a mean loss is its deviation over the root of n."""
    X, y = numbers(0, n_rows=2000)
    guess = y.to_numpy() + np.random.default_rng(0).laplace(size=2000)
    evidence = evidence_of(X, y, metric="mae", predictions=guess)
    slices = find_weak_slices(evidence, lambda: False).slices
    errors = [s.error * np.sqrt(s.n) for s in slices]
    assert np.median(errors) == pytest.approx(1.0, rel=0.15)


def test_a_loss_is_worse_where_it_is_greater():
    """Natural values of a loss go up where the winner is worse."""
    X, y = numbers(0, n_rows=800)
    rng = np.random.default_rng(0)
    bad = X["x0"] > X["x0"].quantile(0.75)
    guess = y + rng.normal(size=800) * np.where(bad, 20.0, 1.0)
    evidence = evidence_of(X, y, predictions=guess.to_numpy())
    slices = find_weak_slices(evidence, lambda: False)
    worst = slices.as_json(evidence.metric)["rows"][0]
    assert worst["column"] == "x0"
    assert worst["difference"] > 0
    assert worst["natural"] > slices.as_json(evidence.metric)["overall"]


def weighed_by_group(bad, *, n_groups=60, n_rows=40, seed=0, shift=3.0):
    """Return evidence of groups with an error of their own, greater where `bad`."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(n_groups), n_rows)
    age = rng.permutation(n_groups).astype(float)
    own = rng.normal(0, 1.5, n_groups) + np.where(bad(age), shift, 0.0)
    guess = own[groups] + rng.normal(size=len(groups))
    X = pd.DataFrame({"age": age[groups], "x": rng.normal(size=len(groups))})
    y = rng.normal(size=len(groups))
    return evidence_of(X, y, given={"groups": groups}, predictions=y + guess)


def test_groups_that_are_wrong_together_are_no_weak_slice():
    """With groups, errors are of groups: 600 rows of 15 patients are 15, not 600."""
    weak = 0
    for seed in range(12):
        evidence = weighed_by_group(lambda age: age < 0, seed=seed)
        found = find_weak_slices(evidence, lambda: False)
        weak += any(s.is_weak for s in found.slices)
    assert weak == 0  # of 12; nearly all when rows are left out one by one


def test_a_weak_slice_of_many_groups_is_found():
    """A difference beyond that of groups is told with groups, too."""
    evidence = weighed_by_group(lambda age: age < 50, n_groups=200, n_rows=8)
    worst = find_weak_slices(evidence, lambda: False).slices[0]
    assert (worst.column, worst.is_weak) == ("age", True)


def test_slices_of_few_groups_are_not_scored():
    """Nine groups have no error to speak of, however many rows they have."""
    evidence = weighed_by_group(lambda age: age < 0, n_groups=36)
    found = find_weak_slices(evidence, lambda: False)
    assert {s.column for s in found.slices} == {"x"}
    few = weighed_by_group(lambda age: age < 0, n_groups=12)
    assert find_weak_slices(few, lambda: False) is None
    assert found_by("AML017", few).status == "skipped"


def test_slices_that_there_was_no_time_for_are_missed():
    """A gate must not take them for rows that are too few."""
    evidence = weighed_by_group(lambda age: age < 50, n_groups=200, n_rows=8)
    with pytest.raises(OutOfTimeError):
        find_weak_slices(evidence, lambda: True)
