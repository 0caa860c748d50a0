"""Nothing that is fitted in a fold has seen the rows that score it."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl import AutoML

BANK = Path(__file__).parents[2] / "examples" / "data" / "bank.csv"
QUICK = {"n_trials": 3, "n_jobs": 1, "random_state": 0, "verbose": 0}


@pytest.fixture(scope="module")
def bank():
    """Return 600 rows of the bank table."""
    return pd.read_csv(BANK).iloc[:600]


def test_no_step_learns_from_rows_it_is_scored_on(bank):
    """A value that stands only in scoring rows is in no fitted attribute.

    The sentinel replaces a number and a text in the scoring rows of a fold; whatever
    was fitted on the fold's training rows is then searched for it, byte by byte.
    """
    from automl.candidates import load_candidates
    from automl.layout import Layout
    from automl.pipeline import build_pipeline
    from automl.space import default_point
    from automl.table import make_table

    X, y = bank.drop(columns="y").copy(), bank["y"]
    test = np.arange(0, 600, 5)
    X["balance"] = X["balance"].astype(float)
    X.iloc[test, X.columns.get_loc("balance")] = 123456.7890123
    table = make_table(X, y)
    train = np.setdiff1d(np.arange(600), test)
    sentinel = np.float64(123456.7890123).tobytes()
    for candidate in load_candidates().values():
        if "binary" not in candidate.tasks:
            continue
        for pairs in ("no", "yes"):
            point = default_point(candidate) | {"arithmetic": pairs}
            pipeline = build_pipeline(candidate, point, Layout.of(table), 0)
            prefix = pipeline[:-1]
            prefix.fit_transform(table.X.iloc[train], table.y[train])
            assert sentinel not in pickle.dumps(prefix), candidate.name


def test_pairs_are_chosen_by_training_rows_alone(bank):
    """The labels of scoring rows do not change which pairs of columns are made."""
    from automl.candidates import load_candidates
    from automl.layout import Layout
    from automl.pipeline import build_pipeline
    from automl.space import default_point
    from automl.table import make_table

    X, y = bank.drop(columns="y"), (bank["y"] == "yes").to_numpy()
    candidate = load_candidates("lightgbm")["lightgbm"]
    point = default_point(candidate) | {"arithmetic": "yes"}
    train = np.arange(400)
    found = []
    for labels in (y, np.where(np.arange(600) < 400, y, ~y), ~y[::-1]):
        table = make_table(X, labels)
        prefix = build_pipeline(candidate, point, Layout.of(table), 0)[:-1]
        prefix.fit_transform(table.X.iloc[train], table.y[train])
        found.append(list(prefix.get_feature_names_out()))
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_rounds_are_not_chosen_on_scoring_rows(bank):
    """A fold's rounds stay the same whatever the labels of its scoring rows are."""
    X = bank.drop(columns="y")
    y = (bank["y"] == "yes").to_numpy()
    split = [(np.arange(400), np.arange(400, 600))]
    flipped = y.copy()
    flipped[400:] = ~flipped[400:]
    rounds = []
    for labels in (y, flipped):
        model = AutoML(cv=split, candidates=["lightgbm"], **QUICK).fit(X, labels)
        rounds.append([t.rounds for t in model.trials_ if t.number == 1])
    assert rounds[0] == rounds[1]
