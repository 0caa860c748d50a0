"""Categories by their target, and numbers by their quantiles: on one scale."""

import numpy as np
import pandas as pd
import pytest

from automl.candidates import load_candidates, parse_candidate
from automl.folds import make_folds
from automl.layout import Layout
from automl.pipeline import build_pipeline
from automl.space import default_point
from automl.table import make_table
from tests.test_pipeline import LOGISTIC, RIDGE, built, rows

TARGET = {"categorical": "target"}


def test_the_target_encoding_takes_two_of_three_classes():
    """Rows that lack one of the classes can be encoded."""
    X = pd.DataFrame({"level": ["a", "b", "c"] * 10})
    table = make_table(X, ["x", "y"] * 14 + ["z", "z"], task="multiclass")
    spec = LOGISTIC | {"preprocess": {"categorical": "target"}}
    pipeline = built(spec, table).fit(table.X[:28], table.y[:28])
    assert pipeline.predict_proba(table.X).shape == (30, 2)


@pytest.mark.parametrize("n", [3, 4, 6, 12])
@pytest.mark.parametrize("task", ["binary", "regression"])
# the rarer class may have fewer rows than there are inner folds
@pytest.mark.filterwarnings("ignore:The least populated class:UserWarning")
def test_the_target_encoding_takes_few_rows(n, task):
    """Half of a small table is enough to encode."""
    X = pd.DataFrame({"level": ["a", "b", "a"] * (n // 3 + 1)}).iloc[:n]
    table = make_table(X, np.arange(n) % 2, task=task)
    spec = RIDGE if task == "regression" else LOGISTIC
    pipeline = built(spec | {"preprocess": {"categorical": "target"}}, table)
    half = np.arange(max(2, n // 2))
    assert len(pipeline.fit(table.X.iloc[half], table.y[half]).predict(table.X)) == n


def test_the_target_encoding_takes_the_least_training_part():
    """The first of the forward splits has fewer rows of a class than inner folds."""
    y = np.arange(200) % 20
    table = make_table({"level": list("abcde") * 40}, y, task="multiclass")
    folds = make_folds(
        table.y, cv=4, stratify=True, groups=None, time=np.arange(200.0), random_state=0
    )
    candidate = parse_candidate("c", LOGISTIC | {"preprocess": TARGET})
    layout = Layout.of(table, folds=folds)
    train, _ = folds.splits[0]
    pipeline = build_pipeline(candidate, {}, layout, random_state=0)
    assert pipeline.fit(table.X.iloc[train], table.y[train]).classes_.size == 20
    assert (layout.inner_folds, Layout.of(table).inner_folds) == (2, 5)


@pytest.mark.parametrize("name", ["k_nearest", "svm", "ridge"])
def test_categories_by_their_target_do_not_depend_on_its_unit(name):
    """Beside numbers of deviation one they have it, too."""
    X = rows(120)
    y = X["size"] + X["level"].map({"a": 0, "b": 1, "c": 2, "d": 3})
    own = load_candidates(name)[name]
    point = default_point(own) | TARGET | {"scale": "standard"}
    found = {}
    for unit in (1.0, 1e6):
        table = make_table(X, unit * y, task="regression")
        pipeline = build_pipeline(own, point, Layout.of(table), random_state=0)
        found[unit] = pipeline.fit(table.X, table.y).predict(table.X) / unit
    assert found[1e6] == pytest.approx(found[1.0], abs=0.01)
