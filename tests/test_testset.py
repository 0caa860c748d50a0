"""Test rows are checked before the search, and tell what they can."""

import json
import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import make_scorer, mean_absolute_error

from automl import AutoML
from automl.baseline import baseline_pipeline
from automl.budget import Budget
from automl.exceptions import AutoMLConfigError, AutoMLDataError
from automl.expectation import _clock, expect_again
from automl.metrics import resolve_metric
from automl.rows import read_groups
from automl.table import make_table
from automl.testset import HeldOut, check_test, read_test, score_test
from automl.trial import Trial
from tests.appraisal_kit import problem_of

QUICK = {"n_trials": 2, "n_jobs": 1, "random_state": 0, "verbose": 0, "cv": 3}


class Guess:
    """Predicts the first column, as a number or as the probability of class 1."""

    def __getitem__(self, _):
        return self

    def predict(self, X):
        """Return the column."""
        return X["f0"].to_numpy()

    def predict_proba(self, X):
        """Return it as probabilities."""
        p = X["f0"].to_numpy()
        return np.c_[1 - p, p]


def held_out(values, y, **given):
    """Return test rows of one column."""
    return HeldOut(pd.DataFrame({"f0": values}), np.asarray(y), (), **given)


def grouped(n_groups, seed, size=4):
    """Return rows of groups, each with a hue that tells the target of its own."""
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(n_groups), size)
    y = rng.integers(0, 2, n_groups)[g]
    X = {"hue": g + rng.normal(size=len(g)) / 9, "x": y + rng.normal(size=len(g)) * 2}
    return pd.DataFrame({**X, "g": g, "y": y})


def test_groups_of_test_rows_are_drawn_together():
    """A column that names the groups names those of the test rows; they are units."""
    train, test = grouped(60, 0), grouped(60, 1)
    table = make_table(train, "y", groups="g")

    found = read_test(test, "y", table, groups="g")
    few = read_test(test[:80], "y", table, groups="g")

    assert found.unit.max() == 59
    assert not found.ungrouped
    metric = resolve_metric("accuracy", "binary")
    guess = held_out(found.y * 0.8 + 0.1, found.y, unit=found.unit)
    guess.X.loc[found.unit < 15, "f0"] = 0.5
    tested = score_test(Guess(), guess, metric)
    alone = score_test(Guess(), held_out(guess.X["f0"], found.y), metric)
    wide, narrow = tested.appraised.estimate, alone.appraised.estimate
    assert wide.high - wide.low > 1.4 * (narrow.high - narrow.low)
    assert (
        "20 groups of rows"
        in score_test(
            Guess(), held_out(few.y * 0.8 + 0.1, few.y, unit=few.unit), metric
        ).note
    )


def test_a_grouped_run_keeps_its_estimate_where_test_rows_have_no_groups():
    """Rows of unknown groups stand beside the corrected score, with a note."""
    train, test = grouped(60, 0), grouped(60, 1)
    X, y = train[["hue", "x"]], train["y"]
    model = AutoML(candidates=["logistic"], **QUICK)

    model.fit(X, y, groups=train["g"], X_test=test[["hue", "x"]], y_test=test["y"])

    assert model.facts_["estimate"]["method"] == "bbc"
    assert np.isfinite(model.test_score_)
    assert any("the groups of its rows are not told" in n for n in model.notes_)


def test_moments_of_test_rows_make_blocks():
    """A run with time draws blocks of test rows that follow one another."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"t": np.arange(200.0), "x": rng.normal(size=200)})
    y = table["x"] + rng.normal(size=200)
    run = make_table(table, y, time="t")

    found = read_test(table[::-1] + 200, y[::-1], run, time="t")

    assert found.unit.max() == 33
    assert (np.diff(found.unit) <= 0).all()
    few = read_test(table[:60] + 200, y[:60], run, time="t")
    metric = resolve_metric("rmse", "regression")
    test = held_out(few.y, few.y + 0.1, unit=few.unit, timed=few.timed)
    assert few.unit.max() < 49  # blocks; the rows are enough
    assert score_test(Guess(), test, metric).appraised.estimate is not None


def test_few_test_rows_stand_beside_the_estimate():
    """Four rows tell nothing: the score is kept, the estimate is the search's."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 2))
    y = X[:, 0] + rng.normal(size=120)
    model = AutoML(candidates=["ridge"], **QUICK)

    model.fit(X[:116], y[:116], X_test=X[116:], y_test=y[116:])

    assert model.facts_["estimate"]["method"] == "bbc"
    assert model.test_score_ == pytest.approx(model.score(X[116:], y[116:]))
    assert any("it has 4 rows, and at least 50" in note for note in model.notes_)


@pytest.mark.parametrize("bad", [np.nan, "much", np.inf])
def test_a_test_target_without_a_number_is_refused_before_the_search(bad):
    """A missing number would lose the run at its end; its row is named instead."""
    X = pd.DataFrame({"x": np.arange(60.0)})
    table = make_table(X, np.arange(60.0) + 0.5)
    y = pd.Series([1.0, 2.0, bad, 4.0], dtype=object)

    with pytest.raises(AutoMLDataError, match="1 of 4 values is no finite") as caught:
        read_test(X[:4], y, table)

    assert caught.value.code == "E-test"
    assert caught.value.rows == (2,)


def test_a_test_label_that_is_missing_is_not_called_unknown():
    """Its row is named, and what to do."""
    X = pd.DataFrame({"x": np.arange(60.0)})
    table = make_table(X, ["a", "b"] * 30)
    with pytest.raises(AutoMLDataError, match="no label in 1 of 3 rows") as caught:
        read_test(X[:3], pd.Series(["a", None, "b"]), table)
    assert (caught.value.rows, caught.value.code) == ((1,), "E-target-missing")


def test_test_rows_without_a_score_are_told_of():
    """Rows of one class have no area under the curve: no silence, no number."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(320, 2))
    y = np.where(X[:, 0] + rng.normal(size=320) > 0, "a", "b")
    one = np.flatnonzero(y == "a")[:60]
    rest = np.setdiff1d(np.arange(320), one)
    model = AutoML(candidates=["logistic"], metric="roc_auc", **QUICK)

    model.fit(X[rest], y[rest], X_test=X[one], y_test=y[one])

    assert np.isnan(model.test_score_)
    assert model.score_estimate_ is not None
    said = "X_test has no score: roc_auc is no number on its 60 rows."
    assert said in model.notes_


def test_a_test_set_that_cannot_be_scored_loses_no_run(monkeypatch):
    """What fails after the search is a note, and so is a failed estimate."""

    def broken(*_args, **_given):
        raise ValueError

    monkeypatch.setattr("automl.expectation.score_test", broken)
    monkeypatch.setattr("automl.expectation.appraise", broken)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 2))
    model = AutoML(candidates=["ridge"], **QUICK)
    y = X[:, 0] + rng.normal(size=120)

    model.fit(X[:60], y[:60], X_test=X[60:], y_test=y[60:])

    assert model.score_estimate_ is None
    assert "X_test has no score: it raised ValueError." in model.notes_
    assert any(note.startswith("There is no estimate") for note in model.notes_)
    assert len(model.predict(X)) == 120


def test_a_slow_metric_scores_test_rows_within_its_share():
    """The drawings of test rows end with their share of the budget, or a Ctrl-C."""

    def slow(y, p):
        time.sleep(0.01)
        return mean_absolute_error(y, p)

    metric = resolve_metric(make_scorer(slow, greater_is_better=False), "regression")
    y = np.arange(60.0)
    begun = time.monotonic()
    interrupt = SimpleNamespace(asked=False)
    is_over = _clock(Budget(5.0, None, begun), interrupt)

    tested = score_test(Guess(), held_out(y + y % 3, y), metric, is_over=is_over)

    assert time.monotonic() - begun < 0.6
    assert tested.appraised.estimate is None
    assert "no time for its interval" in tested.note
    now = [0.0]
    later = _clock(Budget(100.0, None, 0.0, lambda: now[0]), interrupt)
    now[0] = 50.0  # what came before, such as predicting, is not of its share
    assert not later()
    now[0] = 53.0
    assert later()
    untimed = _clock(Budget(None, 1, begun), interrupt)
    assert not untimed()
    interrupt.asked = True
    assert untimed()


def test_rows_that_there_is_no_time_for_have_no_score(monkeypatch):
    """They are predicted in parts, and time is looked at after each."""
    monkeypatch.setattr("automl.testset.CHUNK", 20)
    y = np.arange(60.0)
    metric = resolve_metric("rmse", "regression")
    asked = iter([False, True])
    late = score_test(Guess(), held_out(y + 1, y), metric, is_late=lambda: next(asked))
    assert np.isnan(late.score)
    assert "no time for its 60 rows" in late.note
    whole = score_test(Guess(), held_out(y + 1, y), metric)
    assert metric.natural(whole.score) == pytest.approx(1.0)


def test_test_rows_without_weights_stand_beside_a_weighted_estimate():
    """The baseline's score is weighted: an unweighted one is not set against it."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(200, 2)), columns=["a", "b"])
    y = (X["a"] + rng.normal(size=200) > 0).astype(int)
    model = AutoML(candidates=["logistic"], **QUICK)
    model.fit(
        X[:120], y[:120], sample_weight=rng.uniform(0.1, 5, 120), X_test=X[120:],
        y_test=y[120:],
    )  # fmt: skip
    assert model.facts_["estimate"]["method"] != "test"
    assert np.isfinite(model.test_score_)
    assert any("its rows have no weights" in note for note in model.notes_)


def test_a_finished_run_says_what_new_test_rows_say(tmp_path):
    """Summary, promise and checks follow the estimate when a run is taken up again."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(160, 2)), columns=["a", "b"])
    y = (X["a"] + rng.normal(size=160) > 0).astype(int)
    given = {**QUICK, "metric": "accuracy", "run_dir": tmp_path / "r"}
    AutoML(candidates=["logistic"], **given).fit(X[:100], y[:100])

    model = AutoML(candidates=["logistic"], **given)
    model.fit(X[:100], y[:100], X_test=X[100:], y_test=y[100:])

    assert model.facts_["estimate"]["method"] == "test"
    assert f"expect accuracy {model.test_score_:.4f}" in model.summary_
    assert (
        "test rows"
        in dict(model.facts_["verdict"]["advice"])["If you promise a figure"]
    )
    found = {f.code: f for f in model.checks_}
    assert "0.0% of the 60 test rows" in found["AML008"].evidence
    assert found["AML009"].status == "pass"


@pytest.mark.filterwarnings("ignore:100% of the rows of X_test:UserWarning")
def test_a_finished_run_checks_new_test_rows(tmp_path):
    """Rows that were trained on, or of another kind, are told of then, too."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(160, 2)), columns=["a", "b"])
    y = (X["a"] + rng.normal(size=160) > 0).astype(int)
    model = AutoML(candidates=["logistic"], run_dir=tmp_path / "r", **QUICK)
    model.fit(X[:100], y[:100])
    status = {}

    for name, rows in {"seen": X[:60], "moved": X[100:] + 5}.items():
        model.fit(X[:100], y[:100], X_test=rows, y_test=y[rows.index])
        status[name] = {f.code: f.status for f in model.checks_}

    assert (status["seen"]["AML008"], status["moved"]["AML008"]) == ("warn", "pass")
    assert (status["seen"]["AML009"], status["moved"]["AML009"]) == ("pass", "warn")


def test_test_rows_of_another_scale_are_beside_their_own_baseline():
    """The constant is scored on the test rows as well: it does not win by theirs."""
    rng = np.random.default_rng(0)
    x = np.r_[rng.normal(size=200), 5 * rng.normal(size=100)]
    X, y = pd.DataFrame({"x": x}), x + 0.3 * np.abs(x) * rng.normal(size=300)
    model = AutoML(candidates=["ridge"], **QUICK)

    model.fit(X[:200], y[:200], X_test=X[200:], y_test=y[200:])

    estimate, verdict = model.facts_["estimate"], model.facts_["verdict"]
    constant = np.sqrt(np.mean((y[200:] - y[:200].mean()) ** 2))
    assert estimate["natural"] > np.std(y[:200])  # worse than the folds' baseline
    assert estimate["baseline"] == pytest.approx(constant, rel=1e-4)
    assert verdict["beats_baseline"]
    assert f"the baseline ({constant:.4f})" in model.summary_


def test_new_test_rows_are_in_the_verdict_of_a_model_that_did_not_score_best(tmp_path):
    """Sentence, gain and advice are of the new estimate; why it predicts is kept."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(400, 6)), columns=list("abcdef"))
    y = 2 * X["a"] + 2 * rng.normal(size=400)
    other = y.copy()
    other[300:] = 9 * rng.normal(size=100)  # the test rows say nothing of it
    model = AutoML(
        candidates=["ridge", "elastic_net"], select="simplest", run_dir=tmp_path / "r",
        **{**QUICK, "n_trials": 8},
    )  # fmt: skip
    first = model.fit(X[:300], y[:300]).facts_["verdict"]
    assert first["why"] is not None
    assert first["beats_baseline"]

    model.fit(X[:300], y[:300], X_test=X[300:], y_test=other[300:])

    verdict, estimate = model.facts_["verdict"], model.facts_["estimate"]
    assert estimate["method"] == "test"
    assert f"expect RMSE {estimate['natural']:.4f}" in verdict["sentence"]
    assert verdict["sentence"].endswith(first["why"])
    assert not verdict["beats_baseline"]
    assert verdict["advice"][0][0] == "Before anything else"


def test_columns_named_by_numbers_are_found_in_test_rows():
    """A table without a header names target, groups and weights by their places."""
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.normal(size=(160, 5)))
    rows[4] = rows[0] + rng.normal(size=160)
    rows[3], rows[2] = np.arange(160) // 4, 1.0
    model = AutoML(candidates=["ridge"], **QUICK)

    with pytest.raises(AutoMLConfigError, match="X_test was given without y_test"):
        model.fit(rows[:80], rows[4][:80], X_test=rows[80:])
    model.fit(rows[:80], 4, groups=3, sample_weight=2, X_test=rows[80:])

    assert not any("the groups of its rows" in note for note in model.notes_)
    features = rows[80:][[0, 1]]
    assert model.score(rows[80:][[0, 1, 4]], 4) == model.score(features, rows[4][80:])
    assert model.test_score_ == pytest.approx(model.score(features, rows[4][80:]))


def test_places_of_columns_are_those_of_the_training_table():
    """Of rows without target and groups, a place is another column."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(160, 5))
    rows[:, 2] = np.arange(160) // 4
    train, test = rows[:80], rows[80:]
    model = AutoML(candidates=["ridge"], **QUICK)

    bare = {"X_test": test[:, [1, 3, 4]], "y_test": test[:, 0]}
    model.fit(train, 0, groups=2, **bare)
    told = "the groups of its rows are not told"
    assert any(told in note for note in model.notes_)
    model.fit(train, 0, groups=2, X_test=test)
    assert not any(told in note for note in model.notes_)
    table = make_table(train, 0, time=1)
    moments = test[:, 1].argsort(kind="stable")
    found = read_test(test[moments, 1:], test[moments, 0], table, time=1)
    assert (np.diff(found.unit) >= 0).all()
    with pytest.raises(AutoMLDataError, match="column 7 is not in X_test"):
        check_test(7, test, None)


def test_a_missing_label_in_a_list_is_missing():
    """NumPy would write it as the text 'nan', which no class is called."""
    table = make_table(pd.DataFrame({"x": np.arange(60.0)}), ["a", "b"] * 30)
    with pytest.raises(AutoMLDataError, match="y_test has no label in 1 of 3 rows"):
        read_test(pd.DataFrame({"x": np.arange(3.0)}), ["a", np.nan, "b"], table)
    with pytest.raises(AutoMLDataError, match="y_test should be a 1d array") as caught:
        read_test(pd.DataFrame({"x": np.arange(3.0)}), np.ones((3, 2)), table)
    assert caught.value.code == "E-multioutput"


def test_what_was_never_scored_is_judged_by_test_rows_all_the_same():
    """A small model that stands in has no score to write beside theirs."""
    problem = problem_of()
    table = problem.table
    constant = baseline_pipeline(table, problem.metric)
    test = HeldOut(table.X, table.y, ())
    stands_in = Trial(-1, "ridge", {}, "fallback", "ok")
    facts = {"estimate": None, "checks": ()}
    found, _ = expect_again(facts, constant, test, stands_in, (), problem, 0)
    assert json.loads(json.dumps(found, allow_nan=False))["estimate"]["raw"] is None


def test_categories_that_no_test_row_has_are_no_groups():
    """Three groups of a hundred that a column knows tell too little."""
    codes = read_groups(pd.Categorical(["z", "x", "z"], categories=list("abxyz")), 3)
    assert codes.tolist() == [1, 0, 1]
    kept = read_groups(pd.Series(["z", None, "x"], dtype="category"), 3, np.r_[0, 2])
    assert kept.tolist() == [1, -1, 0]
