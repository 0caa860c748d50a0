"""`AutoML` from a table to a model, on real data and real processes."""

from __future__ import annotations

import json
import tempfile
import time

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.metrics import make_scorer
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline

import automl
from automl import AutoML, AutoMLRegressor
from automl.exceptions import AutoMLConfigError, AutoMLDataError, AutoMLWarning
from automl.journal import read_journal
from tests.data import bank_rows

BUDGET_S = 8.0
QUICK = {"n_trials": 3, "n_jobs": 1, "random_state": 0, "verbose": 0}


@pytest.fixture(scope="module")
def bank():
    """Return 600 rows of the bank table."""
    return bank_rows()


@pytest.fixture(scope="module")
def fitted(bank, tmp_path_factory):
    """Return a model, its run folder and the seconds that it took."""
    folder = tmp_path_factory.mktemp("runs") / "bank"
    model = AutoML(
        time_budget_s=BUDGET_S, n_jobs=2, random_state=0, verbose=0, run_dir=folder
    )
    began = time.monotonic()
    model.fit(bank, "y")
    return model, folder, time.monotonic() - began


def test_one_line_gives_a_tuned_winner(fitted, bank):
    """A table with text columns and the target's name are enough."""
    model, _, _ = fitted
    X = bank.drop(columns="y")
    assert model.task_ == "binary"
    assert model.classes_.tolist() == ["no", "yes"]
    assert set(model.predict(X)) <= {"no", "yes"}
    assert model.predict_proba(X).sum(axis=1) == pytest.approx(1.0)
    assert model.score(X, bank["y"]) > 0.75
    assert model.best_score_ > 0.7
    assert isinstance(model.best_pipeline_, Pipeline)
    assert model.n_features_in_ == 16
    assert model.feature_names_in_.tolist() == list(X.columns)
    assert not model.interrupted_


def test_the_budget_holds_everything(fitted):
    """The whole of `fit` ends within the budget and a tenth, plus two seconds."""
    _, _, wall = fitted
    assert wall < BUDGET_S * 1.1 + 2


def test_the_leaderboard_ranks_finished_configurations(fitted):
    """Finished ones come first and ranked, the baseline among them; others say why."""
    board = fitted[0].leaderboard_
    ranked = board[board["rank"].notna()]
    assert "baseline" in set(ranked["candidate"])
    assert ranked["score"].is_monotonic_decreasing
    assert set(ranked["status"]) == {"ok"}
    rest = board[board["rank"].isna()]
    assert rest["reason"].notna().all()
    assert board["candidate"].nunique() > 3


def test_the_run_folder_holds_the_run(fitted):
    """Journal, predictions and facts are there; the journal is whole."""
    model, folder, _ = fitted
    events, damaged = read_journal(folder / "journal.jsonl")
    assert damaged == 0
    assert events[0]["event"] == "start"
    assert events[0]["format"] == 1
    assert events[-1]["event"] == "finish"
    n_folds = sum(e["event"] == "fold" for e in events)
    assert n_folds == len(list((folder / "oof").glob("*.npy")))
    assert json.loads((folder / "facts.json").read_text())["format"]
    assert len(model.trials_) > 5


def test_a_folder_with_something_else_in_it_is_refused(bank, tmp_path):
    """A folder that is neither empty nor that of a run is not written to."""
    (tmp_path / "mine.txt").touch()
    with pytest.raises(AutoMLConfigError, match="not empty"):
        AutoML(run_dir=tmp_path, **QUICK).fit(bank, "y")
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_report_and_bundle_come_from_the_fitted_model(fitted, bank, tmp_path):
    """`report` writes the page, `save` a bundle that predicts the same."""
    model, _, _ = fitted
    page = model.report(tmp_path / "report.html").read_text("utf-8")
    assert "<table" in page
    assert "baseline" in page.lower()
    again = automl.load(model.save(tmp_path / "bundle"))
    X = bank.drop(columns="y").iloc[:50]
    assert again.predict_proba(X) == pytest.approx(model.predict_proba(X))
    assert again.manifest["data"]["n_rows"] == 600


def test_nothing_is_left_on_disk_without_a_run_folder(bank, monkeypatch, tmp_path):
    """Temporary files of a run are gone at its end."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    AutoML(candidates=["logistic"], **QUICK).fit(bank, "y")
    assert list(tmp_path.iterdir()) == []


def test_the_callers_data_stay_as_they_are(bank):
    """Neither `fit` nor `predict` changes the table or the target."""
    X, y = bank.drop(columns="y").copy(), bank["y"].copy()
    before = X.copy(), y.copy()
    AutoML(candidates=["logistic"], **QUICK).fit(X, y).predict(X)
    pd.testing.assert_frame_equal(X, before[0])
    pd.testing.assert_series_equal(y, before[1])


@pytest.mark.usefixtures("unexplained")
def test_the_number_of_processes_changes_nothing(bank):
    """With a budget in trials, one and two processes give equal bytes."""
    X, y = bank.drop(columns="y").iloc[:200], bank["y"].iloc[:200]
    families = ["lightgbm", "logistic", "extra_trees", "k_nearest"]
    given = {"n_trials": 12, "candidates": families, "random_state": 3, "verbose": 0}
    models = [AutoML(n_jobs=n_jobs, **given).fit(X, y) for n_jobs in (1, 2)]
    first, second = (m.predict_proba(X) for m in models)
    assert first.tobytes() == second.tobytes()
    assert models[0].best_params_ == models[1].best_params_


@pytest.mark.usefixtures("unexplained")
def test_regression_predicts_numbers():
    """Numbers as target make a regression, scored by the root mean squared error."""
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    model = AutoML(candidates=["ridge", "k_nearest"], **QUICK).fit(X, y)
    assert model.task_ == "regression"
    assert model.metric_.name == "rmse"
    assert -75 < model.best_score_ < -40
    assert model.predict(X).dtype == np.float64
    assert not hasattr(model, "classes_")
    assert not hasattr(model, "predict_proba")


@pytest.mark.usefixtures("unexplained")
@pytest.mark.parametrize("library", ["polars", "arrow", "numpy", "lists"])
def test_other_tables_are_read(library):
    """Polars and Arrow tables, arrays and lists of rows are tables, too."""
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    X, y = X.iloc[:150, :6], y.iloc[:150]
    table = {
        "polars": lambda: pl.from_pandas(X),
        "arrow": lambda: pl.from_pandas(X).to_arrow(),
        "numpy": X.to_numpy,
        "lists": lambda: X.to_numpy().tolist(),
    }[library]()
    model = AutoML(candidates=["logistic"], **QUICK).fit(table, list(y))
    assert model.score(table, list(y)) > 0.9


def test_unseen_levels_and_missing_cells_are_predicted(fitted, bank):
    """What was never seen, or is not there, gives a prediction all the same."""
    X = bank.drop(columns="y").iloc[:4].copy()
    X["job"] = "astronaut"
    X.loc[X.index[0]] = np.nan
    with pytest.warns(AutoMLWarning, match="'job': none of its 3 cells"):
        found = fitted[0].predict_proba(X)
    assert np.isfinite(found).all()


@pytest.mark.usefixtures("unexplained")
@pytest.mark.parametrize(
    "names", [[2023, 2024], pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")])]
)
def test_columns_are_found_by_names_that_are_no_text(names):
    """Years or pairs in another order are the same table; other years are refused."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(80, 2)), columns=names)
    y = X.iloc[:, 0] + 0.1 * rng.normal(size=80)
    model = AutoML(candidates=["ridge"], **QUICK).fit(X, y)
    turned = X[X.columns[::-1]]
    assert np.array_equal(model.predict(X), model.predict(turned))
    assert np.array_equal(model.predict(X), model.predict(X.to_numpy()))
    with pytest.raises(AutoMLDataError, match="now missing"):
        model.predict(pd.DataFrame(X.to_numpy(), columns=[2023, 2025]))


def test_columns_are_found_by_name(fitted, bank):
    """Permuted columns give the same predictions; a missing one is named."""
    X = bank.drop(columns="y")
    model = fitted[0]
    shuffled = X[list(X.columns)[::-1]]
    assert np.array_equal(model.predict_proba(X), model.predict_proba(shuffled))
    with pytest.raises(ValueError, match="now missing:\n- age"):
        model.predict(X.drop(columns="age"))
    assert model.predict(X.iloc[:0]).shape == (0,)


@pytest.mark.usefixtures("unexplained")
def test_groups_stay_on_one_side(bank):
    """Rows of a group are never in training and scoring of the same fold."""
    X, y = bank.drop(columns="y"), bank["y"]
    groups = np.arange(len(X)) // 10
    model = AutoML(candidates=["logistic"], **QUICK).fit(X, y, groups=groups)
    assert "by group" in model.facts_["run"]["cv"]


@pytest.mark.usefixtures("unexplained")
def test_given_splits_and_splitters_are_used(bank):
    """`cv` takes a splitter of scikit-learn or a list of positions."""
    X, y = bank.drop(columns="y"), bank["y"]
    groups = np.arange(len(X)) % 7
    model = AutoML(cv=GroupKFold(4), candidates=["logistic"], **QUICK)
    assert len(model.fit(X, y, groups=groups).trials_[0].folds) == 4
    half = [(np.arange(300), np.arange(300, 600))]
    model = AutoML(cv=half, candidates=["logistic"], **QUICK).fit(X, y)
    assert len(model.trials_[0].folds) == 1


@pytest.mark.usefixtures("unexplained")
def test_a_test_set_is_scored_at_the_end(bank):
    """Rows given as a test set never meet the search; their score is kept."""
    train, test = bank.iloc[:450], bank.iloc[450:]
    model = AutoML(candidates=["logistic"], **QUICK)
    model.fit(train, "y", X_test=test, y_test="y")
    X, y = test.drop(columns="y"), test["y"]
    assert model.test_score_ == pytest.approx(model.score(X, y))
    with pytest.raises(AutoMLConfigError, match="X_test was given without y_test"):
        AutoML(**QUICK).fit(train.drop(columns="y"), train["y"], X_test=X)
    with pytest.raises(AutoMLConfigError, match="y_test was given without X_test"):
        AutoML(**QUICK).fit(train, "y", y_test=y)
    with pytest.raises(AutoMLDataError, match="is not in X_test"):
        AutoML(**QUICK).fit(train, "y", X_test=X)


@pytest.mark.usefixtures("unexplained")
def test_a_callers_metric_is_optimised(bank):
    """A scorer made by the caller is what the leaderboard has."""

    def caution(y_true, y_pred):
        return float(np.mean(y_pred == y_true)) - 5.0

    model = AutoML(metric=make_scorer(caution), candidates=["logistic"], **QUICK)
    model.fit(bank, "y")
    assert -4.4 < model.best_score_ < -4.0


def test_a_callback_sees_and_stops_the_search(bank):
    """The callback is told of the run; its True ends the search with a model."""
    seen = []

    def stop(snapshot):
        seen.append(snapshot)
        return snapshot.n_finished >= 1

    model = AutoML(n_trials=200, n_jobs=1, random_state=0, verbose=0, callback=stop)
    model.fit(bank, "y")
    assert len(model.trials_) < 20
    assert model.interrupted_
    assert model.best_candidate_ != "baseline"
    assert next(s.phase for s in seen) == "start"
    assert seen[-1].phase == "end"


def test_nothing_is_shown_at_verbose_0(bank, capsys):
    """`verbose=0` writes nothing at all."""
    AutoML(candidates=["logistic"], **QUICK).fit(bank, "y")
    assert capsys.readouterr() == ("", "")


def test_the_regressor_scores_by_its_metric():
    """`score` is the chosen metric, greater is better."""
    X, y = load_diabetes(return_X_y=True)
    model = AutoMLRegressor(metric="r2", candidates="ridge", **QUICK).fit(X, y)
    assert 0.4 < model.score(X, y) < 0.7


def test_a_second_is_enough_for_a_model(bank):
    """The shortest budgets give a model, and say what kind of model it is."""
    model = AutoML(time_budget_s=1, n_jobs=2, random_state=0, verbose=0)
    model.fit(bank, "y")
    assert model.predict(bank.drop(columns="y")).shape == (600,)
    if model.best_candidate_ == "baseline" or np.isnan(model.best_score_):
        assert model.notes_


@pytest.mark.usefixtures("unexplained")
@pytest.mark.parametrize(
    "labels", [[3, 7], [True, False], ["b", "a"], [10, 20, 30]], ids=str
)
def test_labels_come_back_as_they_were(bank, labels):
    """Whole numbers, truth values and words are predicted as such."""
    X = bank.drop(columns="y")
    score = (X["age"] + X["duration"] / 50).rank(pct=True).to_numpy()
    y = np.array(labels)[np.minimum((score * len(labels)).astype(int), len(labels) - 1)]
    model = AutoML(candidates=["logistic"], **QUICK).fit(X, y)
    assert model.classes_.tolist() == sorted(labels)
    assert np.mean(model.predict(X) == y) > 0.6
