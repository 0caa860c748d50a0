"""A fitted model scores rows as it was fitted on them, or says what is wrong."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import is_classifier, is_regressor
from sklearn.metrics import get_scorer, roc_auc_score

from automl import AutoML
from automl.exceptions import AutoMLDataError
from automl.replay import replay

QUICK = {"n_trials": 1, "n_jobs": 1, "random_state": 0, "verbose": 0, "cv": 2}


@pytest.fixture(scope="module")
def table():
    """Return rows with a class, a number, a group and a weight."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(120, 3)), columns=["a", "b", "c"])
    word = np.where(X["a"] + rng.normal(size=120) > 0, "yes", "no")
    return X.assign(
        word=word,
        size=X["a"] + rng.normal(size=120),
        who=np.arange(120) // 4,
        w=1 + np.arange(120) % 3,
    )


@pytest.fixture(scope="module")
def words(table):
    """Return a model of the class."""
    model = AutoML(candidates="logistic", metric="accuracy", **QUICK)
    return model.fit(
        table.drop(columns="size"), "word", groups="who", sample_weight="w"
    )


@pytest.fixture(scope="module")
def sizes(table):
    """Return a model of the number."""
    return AutoML(candidates="ridge", **QUICK).fit(table[["a", "b", "size"]], "size")


def test_rows_with_all_columns_of_fit_are_taken_without_a_warning(words, table):
    """Target, groups and weights were told of: they are no unknown columns."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        whole = words.predict(table.drop(columns="size"))
    assert np.array_equal(whole, words.predict(table[["a", "b", "c"]]))
    with pytest.warns(UserWarning, match="'size' is not known"):
        words.predict(table)


def test_the_target_of_a_score_may_be_a_column(words, sizes, table):
    """As in fit."""
    rows = table.drop(columns="size")
    assert words.score(rows, "word") == words.score(rows, rows["word"])
    rows = table[["a", "b", "size"]]
    assert sizes.score(rows, "size") == sizes.score(rows, rows["size"])


def test_weights_count_in_a_score(words, table):
    """Rows of weight zero do not."""
    rows = table[["a", "b", "c"]]
    right = words.predict(rows) == table["word"]
    assert 0 < right.mean() < 1
    assert words.score(rows, table["word"], right.astype(float)) == 1.0


@pytest.mark.parametrize(
    ("truth", "code"), [(["yes", "maybe"], "E-labels"), (["yes"], "E-length"),
                        (["yes", None], "E-target-missing")]
)  # fmt: skip
def test_a_truth_that_cannot_be_scored_is_refused(words, table, truth, code):
    """One that was never seen is no class; test rows are looked at before a search."""
    rows = table[["a", "b", "c"]]
    with pytest.raises(AutoMLDataError) as caught:
        words.score(rows[:2], truth)
    assert caught.value.code == code
    with pytest.raises(AutoMLDataError) as caught:
        AutoML(candidates="logistic", **QUICK).fit(
            rows, table["word"], X_test=rows[:2], y_test=truth
        )
    assert caught.value.code == code


@pytest.mark.parametrize("unit", [1e-5, 1e4])
@pytest.mark.parametrize("candidate", ["lightgbm", "ridge", "svm"])
def test_the_unit_of_weights_changes_no_model(table, candidate, unit):
    """Weights of a survey sum to one, or to a people: neither is a penalty."""
    rows, truth = table[["a", "b", "c"]], table["size"]
    weight = np.random.default_rng(0).uniform(0.5, 2, len(rows))
    given = {"candidates": candidate, **QUICK}
    found = [
        AutoML(**given).fit(rows, truth, sample_weight=w).predict(rows)
        for w in (weight, unit * weight)
    ]
    assert found[1] == pytest.approx(found[0], abs=0.01)
    assert np.std(found[0]) > 0.1


def test_a_number_that_is_none_is_refused(sizes, table):
    """With the name of what holds it."""
    with pytest.raises(AutoMLDataError, match="y: 1 of 2 values is no finite"):
        sizes.score(table[["a", "b"]][:2], [1.0, None])


def test_test_rows_that_are_no_table_are_named(table):
    """It is they and not the table that is searched."""
    with pytest.raises(AutoMLDataError, match="X_test: X must be a table"):
        AutoML(**QUICK).fit(table, "word", X_test="test.csv")


@pytest.mark.parametrize(
    ("rows", "message"),
    [({"a": 1.0, "b": 2.0}, r"\[row\]"), (pd.Series([1.0, 2.0]), r"to_frame\(\)")],
)
def test_a_row_by_itself_is_no_table(sizes, rows, message):
    """How to make one is said."""
    with pytest.raises(AutoMLDataError, match=message):
        sizes.predict(rows)


def test_a_fitted_model_is_one_to_scikit_learn(words, table):
    """Before, a task makes it one; scorers ask for probabilities then."""
    assert is_classifier(words)
    assert is_regressor(AutoML(task="regression"))
    rows, truth = table[["a", "b", "c"]], table["word"]
    assert get_scorer("roc_auc")(words, rows, truth) == pytest.approx(
        roc_auc_score(truth == "yes", words.predict_proba(rows)[:, 1])
    )


def test_a_test_score_is_that_of_the_last_fit(table):
    """Without test rows there is none."""
    model = AutoML(candidates="ridge", **QUICK)
    rows, truth = table[["a", "b"]], table["size"]
    model.fit(rows[:90], truth[:90], X_test=rows[90:], y_test=truth[90:])
    assert np.isfinite(model.test_score_)
    assert not hasattr(model.fit(rows, truth), "test_score_")


def test_it_is_said_which_class_a_metric_is_of(table):
    """The second of the labels; a hint where it is the commoner one."""
    rows = table[["a", "b", "c"]]
    fraud = np.where(table["a"] > 1, "fraud", "ok")
    given = {"candidates": "logistic", "metric": "f1", **QUICK}
    (note,) = [n for n in AutoML(**given).fit(rows, fraud).notes_ if "f1 is" in n]
    assert "'ok'" in note
    assert "y == 'fraud'" in note
    rare = np.where(table["a"] > 1, "yes", "no")
    (note,) = [n for n in AutoML(**given).fit(rows, rare).notes_ if "f1 is" in n]
    assert "commoner" not in note
    model = AutoML(**given).fit(rows, (table["a"] > 1).astype(int))
    assert not [n for n in model.notes_ if "f1 is" in n]


def test_an_explicit_budget_of_the_default_stands_beside_trials(table):
    """Sixty seconds that were asked for are a limit; the default ones are none."""
    seen = []
    given = {**QUICK, "candidates": "ridge", "callback": seen.append}
    rows, truth = table[["a", "b"]], table["size"]
    AutoML(**given, time_budget_s=60.0).fit(rows, truth)
    assert seen[0].time_budget_s == 60.0
    seen.clear()
    AutoML(**given).fit(rows, truth)
    assert seen[0].time_budget_s is None


def test_a_tilde_is_the_home_folder(table, tmp_path, monkeypatch):
    """For runs, reports and models alike."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    rows, truth = table[["a", "b"]], table["size"]
    model = AutoML(candidates="ridge", run_dir="~/run", **QUICK).fit(rows, truth)
    model.report("~/report.md")
    model.save("~/model")
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {"run", "report.md", "model"}
    assert replay("~/run", rows, truth).identical
