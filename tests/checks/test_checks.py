"""Each check fires where it should, and is silent where it should not."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from automl.candidates import Candidate, Dimension
from automl.checks import CHECKS, Finding, is_at_least, run_checks
from automl.checks.slices import find_weak_slices
from automl.repeats import shared_rows
from tests.checks.check_kit import bundled, classes, evidence_of, mixed, numbers, trial

BY_CODE = {check.code: check for check in CHECKS}


def found_by(code, evidence):
    """Return what one check found."""
    return BY_CODE[code].run(evidence)


def shuffled(n_rows, seed=0):
    """Return a column of numbers and classes that have nothing to do with it."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"x": rng.normal(size=n_rows)}), rng.integers(0, 2, n_rows)


def test_codes_are_those_that_others_know():
    """Codes never change, since scripts fail on them."""
    titles = {check.code: check.title for check in CHECKS}
    assert titles == {
        "AML001": "Copy of the target",
        "AML002": "Target leak",
        "AML003": "Leaky missing values",
        "AML004": "Identifiers",
        "AML005": "Time",
        "AML006": "Groups",
        "AML007": "Copies of rows",
        "AML008": "Test rows seen before",
        "AML009": "Drift to the test rows",
        "AML010": "Better than the baseline",
        "AML011": "Overfitting",
        "AML012": "Stable folds",
        "AML013": "Noise canary",
        "AML014": "Edge of the search space",
        "AML015": "Balance of classes",
        "AML016": "Rare classes",
        "AML017": "Weak slices",
        "AML018": "Columns of no use",
        "AML019": "Missing values",
        "AML020": "Perfect score",
    }


# ----------------------------------------------------------------------- leaks


def test_a_copy_of_the_target_fails():
    """What is the target under another name is no estimate's fault but a failure."""
    X, y = shuffled(200)
    found = found_by("AML001", evidence_of(X.assign(leak=y * 3.0), y))
    assert (found.status, found.columns) == ("fail", ("leak",))
    assert found_by("AML001", evidence_of(X, y)).status == "pass"


def test_a_column_far_better_than_all_others_is_suspected():
    """One mistake in a hundred is a leak where the other columns make many."""
    X, y = mixed(3)
    codes = y.where(np.random.default_rng(0).random(len(y)) > 0.01, 1 - y)
    found = found_by("AML002", evidence_of(X.assign(paid=codes), y))
    assert (found.status, found.columns) == ("warn", ("paid",))
    assert "all other columns together" in found.evidence
    assert found_by("AML002", evidence_of(X, y)).status == "pass"


def test_several_near_copies_are_a_note():
    """Two leaks come close to each other: that may be so in an easy table, too."""
    X, y = classes(0, flip=1.0)
    moved = np.random.default_rng(0).random(len(y)) < 0.01
    a = np.where(moved, 1 - y, y)
    b = np.where(np.arange(len(y)) == 7, 1 - a, a) * 2.5
    found = found_by("AML002", evidence_of(X.assign(a=a, b=b), y))
    assert (found.status, set(found.columns)) == ("note", {"a", "b"})


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


@pytest.mark.parametrize("name", ["patient_id", "number"])
def test_a_number_of_rows_that_tells_the_target_is_suspected(name):
    """Whether it was left out or is used, rows were numbered by the target."""
    X, y = bundled("breast_cancer")
    order = np.argsort(y.to_numpy(), kind="stable")
    number = np.empty(len(y), dtype=int)
    number[order] = 500 + np.arange(len(y))
    found = found_by("AML004", evidence_of(X.assign(**{name: number}), y))
    assert (found.status, found.columns) == ("warn", (name,))


def test_names_of_rows_that_begin_with_the_class_are_suspected():
    """Identifiers that are text are compared by the alphabet."""
    X, y = shuffled(300)
    names = [f"{'case' if c else 'control'}-{i}" for i, c in enumerate(y)]
    found = found_by("AML004", evidence_of(X.assign(sample_id=names), y))
    assert (found.status, found.columns) == ("warn", ("sample_id",))


def test_an_identifier_that_tells_nothing_passes():
    """It is left out, and named."""
    X, y = shuffled(300)
    number = np.random.default_rng(1).permutation(300)
    found = found_by("AML004", evidence_of(X.assign(row_id=number), y))
    assert (found.status, found.columns) == ("pass", ("row_id",))
    used = found_by("AML004", evidence_of(X.assign(rank=number), y))
    assert (used.status, used.columns) == ("note", ("rank",))


# ------------------------------------------------------------------------ rows


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


def test_rows_sorted_by_the_target_are_a_note():
    """Folds are shuffled, so that no score is wrong."""
    X, y = shuffled(100)
    assert found_by("AML005", evidence_of(X, np.sort(y))).status == "note"
    assert found_by("AML005", evidence_of(X, y)).status == "pass"


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


def test_a_rounded_measure_is_no_group():
    """Petals of like lengths are of like species."""
    X, y = bundled("iris")
    assert found_by("AML006", evidence_of((X * 10).round(), y)).status == "pass"


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


def with_test(X, y, test):
    """Return evidence with test rows, encoded."""
    evidence = evidence_of(X, y)
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


# ---------------------------------------------------------------------- scores


def scored(winner, base, **more):
    """Return evidence of a winner with these scores of its folds."""
    X, y = classes(0, n_rows=200)
    trials = (trial(0, base), trial(1, winner))
    return evidence_of(X, y, trials=trials, winner=trials[1], single=trials[1], **more)


BASE = [0.5] * 5


@pytest.mark.parametrize(
    ("scores", "status"),
    [([0.8, 0.81, 0.79, 0.8, 0.82], "pass"), ([0.3, 0.8, 0.55, 0.45, 0.6], "warn"),
     ([0.4] * 5, "fail")],
    ids=["better", "noise", "worse"],
)  # fmt: skip
def test_the_winner_has_to_beat_the_constant(scores, status):
    """By more than noise it passes; no better, it fails."""
    assert found_by("AML010", scored(scores, BASE)).status == status


@pytest.mark.parametrize(
    ("train", "test", "status"),
    [(0.85, 0.8, "pass"), (1.0, 0.7, "note"), (1.0, 0.52, "warn")],
    ids=["little", "large", "all"],
)
def test_what_is_learnt_by_heart_is_told(train, test, status):
    """The gap is compared with what training rows gain over the constant."""
    gap = {"train_score": train, "test_score": test, "drops": {}}
    found = found_by("AML011", scored([test] * 5, BASE, explained=gap))
    assert found.status == status


@pytest.mark.parametrize(
    ("scores", "status"),
    [([0.8, 0.81, 0.79, 0.8, 0.82], "pass"), ([0.8, 0.49, 0.9, 0.8, 0.8], "note"),
     ([0.9, 0.45, 0.5, 0.5, 0.55], "warn")],
    ids=["even", "one without", "noise"],
)  # fmt: skip
def test_folds_that_differ_are_told(scores, status):
    """A fold without a gain is a note, gains smaller than their spread a warning."""
    assert found_by("AML012", scored(scores, BASE)).status == status


def test_a_pipeline_that_finds_something_in_noise_fails():
    """Four deviations above chance are no chance."""
    chance = {"chance": 0.5, "std": 0.02}
    good = scored([0.8] * 5, BASE, canary={"score": 0.55, **chance})
    bad = scored([0.8] * 5, BASE, canary={"score": 0.6, **chance})
    assert found_by("AML013", good).status == "pass"
    assert found_by("AML013", bad).status == "fail"
    assert found_by("AML013", scored([0.8] * 5, BASE)).status == "skipped"


@pytest.mark.parametrize(
    ("alpha", "status"), [(1.0, "pass"), (1e-3, "note"), (1e3, "note")]
)
def test_a_parameter_at_the_end_of_its_range_is_told(alpha, status):
    """The end is told apart on the scale that is searched."""
    space = (Dimension("alpha", "float", 1e-3, 1e3, log=True),)
    candidate = Candidate("ridge", "Ridge", ("binary",), {}, space=space)
    single = trial(1, [0.8] * 5, alpha=alpha)
    evidence = scored([0.8] * 5, BASE, candidates={"ridge": candidate})
    found = found_by("AML014", dataclasses.replace(evidence, single=single))
    assert found.status == status
    assert ("alpha" in found.evidence) == (status == "note")


def test_a_perfect_score_is_a_note():
    """Easy tables have one, too: it is no alarm."""
    X, y = classes(0)
    right = np.eye(2)[y]
    assert found_by("AML020", evidence_of(X, y, predictions=right)).status == "note"
    right[0] = right[0, ::-1]
    assert found_by("AML020", evidence_of(X, y, predictions=right)).status == "pass"
    X, y = numbers(0)
    exact = evidence_of(X, y, predictions=y.to_numpy())
    assert found_by("AML020", exact).status == "note"


# ---------------------------------------------------------------------- tables


@pytest.mark.parametrize(
    ("share", "metric", "status"),
    [(0.6, "roc_auc", "pass"), (0.9, "roc_auc", "note"), (0.9, "accuracy", "warn")],
)
def test_a_class_that_outweighs_the_others_is_told(share, metric, status):
    """It is worse under a metric that hardly counts the others."""
    X, _ = shuffled(200)
    y = (np.arange(200) >= 200 * share).astype(int)
    assert found_by("AML015", evidence_of(X, y, metric=metric)).status == status


def test_a_class_of_few_rows_is_warned_of():
    """Nine rows are too few to learn and score, ten are not."""
    X, _ = shuffled(200)
    y = np.repeat(["a", "b", "c"], [100, 91, 9])
    found = found_by("AML016", evidence_of(X, y))
    assert found.status == "warn"
    assert "the rarest 9" in found.evidence
    y = np.repeat(["a", "b", "c"], [100, 90, 10])
    assert found_by("AML016", evidence_of(X, y)).status == "pass"


def test_columns_of_no_use_are_named():
    """Constant ones, copies, and those without importance where they are many."""
    X, y = classes(0)
    found = found_by("AML018", evidence_of(X.assign(one=1, twin=X["x0"]), y))
    assert (found.status, found.columns) == ("note", ("one", "twin"))
    drops = {
        f"f{i}": [0.0, 0.01, -0.01] if i < 6 else [0.1, 0.1, 0.1] for i in range(8)
    }
    idle = found_by("AML018", evidence_of(X, y, explained={"drops": drops}))
    assert idle.columns == tuple(f"x{i}" for i in range(6))
    assert found_by("AML018", evidence_of(X, y)).status == "pass"


@pytest.mark.parametrize(
    ("share", "status"), [(0.3, "pass"), (0.7, "note"), (0.97, "warn")]
)
def test_columns_that_are_mostly_missing_are_told(share, status):
    """Half of the cells is worth a word, nearly all of them a doubt."""
    X, y = classes(0)
    X["x0"] = X["x0"].where(np.arange(len(X)) >= share * len(X))
    assert found_by("AML019", evidence_of(X, y)).status == status


# ---------------------------------------------------------------------- slices


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
    facts = slices.as_json(evidence.metric.natural)
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
    worst = slices.as_json(evidence.metric.natural)["rows"][0]
    assert worst["column"] == "x0"
    assert worst["difference"] > 0
    assert worst["natural"] > slices.as_json(evidence.metric.natural)["overall"]


# ---------------------------------------------------------------------- runner


@dataclasses.dataclass(frozen=True)
class Raises:
    """A check that fails."""

    code: str = "AML999"
    title: str = "Raises"

    def run(self, _):
        """Raise."""
        raise ZeroDivisionError


def test_a_check_that_fails_costs_only_itself():
    """It is skipped with the type of what it raised, and the others are made."""
    X, y = shuffled(100)
    checks = [Raises(), BY_CODE["AML016"]]
    found = run_checks(evidence_of(X, y), lambda: False, checks).findings
    assert [(f.code, f.status) for f in found] == [
        ("AML999", "skipped"), ("AML016", "pass"),
    ]  # fmt: skip
    assert "ZeroDivisionError" in found[0].evidence


def test_without_time_what_costs_nothing_is_checked():
    """Checks that fit something are skipped, and say so; a copy is still found."""
    X, y = shuffled(100)
    found = run_checks(evidence_of(X.assign(leak=y), y), lambda: True).findings
    by_code = {f.code: f for f in found}
    assert len(by_code) == len(CHECKS) == len(found)
    assert found[0].code == "AML001"
    assert found[0].status == "fail"
    assert by_code["AML002"].status == "skipped"
    assert "no time" in by_code["AML002"].evidence
    assert by_code["AML016"].status == "pass"


def test_the_same_evidence_gives_the_same_findings():
    """Nothing is drawn but from the seed."""
    X, y = mixed(0)
    once, twice = (run_checks(evidence_of(X, y), lambda: False) for _ in range(2))
    assert once == twice


def test_findings_are_json_and_back():
    """What the facts keep is what `checks_` gives back."""
    found = Finding(
        "AML002", "Target leak", "warn", "It tells.", "Drop it.", ("a", "b")
    )
    assert Finding.from_json(found.as_json()) == found
    assert is_at_least(found, "note")
    assert not is_at_least(found, "fail")


def test_a_search_without_scores_says_nothing_of_the_columns():
    """Where nothing was scored, the constant is not what could not be beaten."""
    evidence = scored([0.9] * 5, BASE)
    base = evidence.baseline
    bare = dataclasses.replace(evidence, trials=(base,), winner=base)
    found = found_by("AML010", bare)
    assert found.status == "skipped"
    assert "more time" in found.action
