"""Fitting on rows of a workplace: inner splits, categories, predictions."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import Ridge
from sklearn.metrics import make_scorer

from automl.candidates import Resource, load_candidates
from automl.fitting import (
    TREE_S,
    _inner_split,
    fit_model,
    fit_prefix,
    native_categories,
    predict,
    unweighted,
)
from automl.folds import make_folds
from automl.layout import Layout
from automl.metrics import resolve_metric
from automl.pipeline import build_pipeline
from automl.space import default_point
from automl.table import make_table
from automl.workplace import (
    at_most,
    close_workplace,
    open_workplace,
    write_workplace,
)
from tests.data import small_table


@pytest.fixture
def place(tmp_path):
    """Return a workplace of 300 rows with a category and three text labels."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"size": rng.normal(size=300), "colour": rng.choice(["red", "blue"], 300)}
    )
    y = rng.choice(["low", "middle", "top"], 300)
    table = make_table(frame, y)
    folds = make_folds(
        table.y, cv=3, stratify=True, groups=None, time=None, random_state=0
    )
    metric = resolve_metric("log_loss", "multiclass")
    folder = write_workplace(tmp_path, table, folds, metric, load_candidates(), 0)
    yield open_workplace(folder)[0]
    close_workplace()


def test_numbers_are_mapped_and_read_only(place):
    """The encoded table is a view of the file, not a copy for each process."""
    block = place.X["f0"].to_numpy()
    while block.base is not None and not isinstance(block, np.memmap):
        block = block.base
    assert isinstance(block, np.memmap)


def test_the_inner_split_keeps_classes_groups_and_time(place):
    """Boosting stops on rows of every class, of other groups, or of later moments."""
    rows = np.arange(300)
    train, stop = _inner_split(place, rows)
    assert len(np.intersect1d(train, stop)) == 0
    assert len(train) + len(stop) == 300
    assert set(place.y[stop]) == {0, 1, 2}
    groups = np.arange(300) // 6
    train, stop = _inner_split(replace(place, groups=groups), rows)
    assert not set(groups[train]) & set(groups[stop])
    uneven = np.repeat([0, 1, 2, 3], [210, 30, 30, 30])
    for seed in range(6):
        seeded = replace(place, groups=uneven, random_state=seed)
        train, stop = _inner_split(seeded, rows)
        assert not set(uneven[train]) & set(uneven[stop])
        assert 50 <= len(stop) <= 100
    time = np.random.default_rng(1).permutation(300).astype(float)
    train, stop = _inner_split(replace(place, time=time), rows)
    assert time[train].max() < time[stop].min()
    both = replace(place, time=time, groups=np.arange(300) % 30)
    assert len(_inner_split(both, rows)[0]) == len(train)  # too few would be left
    both = replace(place, time=time, groups=np.arange(300) // 2)
    train, stop = _inner_split(both, rows)
    assert time[train].max() < time[stop].min()
    assert not set(both.groups[train]) & set(both.groups[stop])


def test_a_group_of_nearly_all_rows_is_trained_on(place):
    """Where what is left says nothing of when to stop, there is no inner split."""
    rows = np.arange(300)
    large = replace(place, groups=np.repeat([0, 1, 2], [290, 5, 5]))
    train, stop = _inner_split(large, rows)
    assert (len(train), len(stop)) == (290, 10)
    assert _inner_split(replace(place, groups=np.maximum(rows, 297)), rows) is None
    apart = replace(place, groups=rows // 100, y=(rows // 100).astype(np.int64))
    assert _inner_split(apart, rows) is None  # its class is not trained on


def test_too_few_rows_have_no_inner_split(place):
    """With a handful of rows all of them are trained on."""
    assert _inner_split(place, np.arange(15)) is None


def test_codes_are_read_as_categories(place):
    """LightGBM is told which prepared columns are codes; others are not disturbed."""
    candidate = load_candidates("lightgbm")["lightgbm"]
    point = default_point(candidate)
    pipeline = build_pipeline(candidate, point, place.layout, 0)
    prefix = pipeline[:-1]
    prefix.fit_transform(place.X, place.y)
    told = native_categories(LGBMClassifier(), prefix)
    names = prefix.get_feature_names_out()
    assert [names[i] for i in told["categorical_feature"]] == ["category__f1"]
    assert native_categories(DummyClassifier(), prefix) == {}


def test_probabilities_have_a_column_for_every_class(place):
    """A model that never saw a class gives it nothing, in the order of the labels."""
    rows = np.flatnonzero(place.y != 1)
    model = DummyClassifier(strategy="prior")
    model.fit(np.zeros((len(rows), 1)), place.y[rows])
    p = predict(place, model, np.zeros((2, 1)))
    assert p.shape == (2, 3)
    assert p[:, 1] == pytest.approx(0.0)
    assert p[0, 0] == pytest.approx(np.mean(place.y[rows] == 0))


@pytest.mark.parametrize(
    ("name", "resource", "trees"),
    [
        ("lightgbm", None, 3),
        ("random_forest", None, 1),
        ("random_forest", Resource("n_estimators", 50), 3),
    ],
    ids=["boosting", "forest", "not said"],
)
def test_room_is_left_for_all_trees_of_a_round(
    place, monkeypatch, name, resource, trees
):
    """Boosting makes one for each of the three classes, a forest one for all."""
    asked = []

    def remember(model, X, y, growth, **how):  # noqa: ARG001 - as it is called
        asked.append(growth.round_s)
        return 1, False

    monkeypatch.setattr("automl.fitting.fit_growing", remember)
    candidate = load_candidates(name)[name]
    candidate = replace(candidate, resource=resource or candidate.resource)
    pipeline = build_pipeline(candidate, default_point(candidate), place.layout, 0)
    rows = np.arange(200)
    prefix, X = fit_prefix(place, pipeline[:-1], rows)
    fit_model(
        place, candidate, pipeline[-1], prefix, X, place.y[rows], rows, None,
        n_scored=1000,
    )  # fmt: skip
    assert asked == [pytest.approx(trees * 1000 * TREE_S)]


def test_a_part_of_the_rows_is_drawn_in_order():
    """A limit draws rows by chance, the same for the same seed."""
    rows = np.arange(100)
    assert at_most(rows, None, 0) is rows
    part = at_most(rows, 10, 0)
    assert len(part) == 10
    assert (np.diff(part) > 0).all()
    assert np.array_equal(part, at_most(rows, 10, 0))
    codes = np.where(rows == 77, 2, rows % 2)
    assert set(codes[at_most(rows, 3, 0, codes)]) == {0, 1, 2}


def test_layout_knows_the_used_columns_only():
    """A column that is left out is in no pipeline."""
    frame = pd.DataFrame({"id": range(50), "x": np.arange(50.0) ** 2, "same": 1})
    layout = Layout.of(make_table(frame, np.arange(50.0)))
    assert [c.name for c in layout.columns] == ["x"]


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_linear_model_that_may_overwrite_is_the_same_model(place, order):
    """Centring in place gives the same weights bit by bit, and the same parameters."""
    rng = np.random.default_rng(0)
    rows = np.arange(300)
    X = np.asarray(rng.normal(5.0, 1.0, (300, 9)), order=order)
    y = rng.normal(size=300)
    ridge = load_candidates("ridge")["ridge"]
    prefix = build_pipeline(ridge, default_point(ridge), _as_regression(place), 0)[:-1]
    prefix.fit_transform(place.X, place.y)
    models = []
    for overwrite in (False, True):
        given = X.copy(order="K")
        model = Ridge(alpha=1.0)
        fit_model(
            place, ridge, model, prefix, given, y, rows, None, overwrite=overwrite
        )
        assert np.array_equal(given, X) is not overwrite
        models.append(model)
    copied, inside = models
    assert inside.coef_.tobytes() == copied.coef_.tobytes()
    assert inside.intercept_ == copied.intercept_
    assert inside.get_params() == copied.get_params()


def _as_regression(place):
    return replace(place.layout, task="regression")


def test_pages_are_let_go_while_rows_are_prepared(place, monkeypatch):
    """A large table's pages leave meanwhile and at the end, nothing else changes."""
    ridge = load_candidates("ridge")["ridge"]
    pipeline = build_pipeline(ridge, default_point(ridge), _as_regression(place), 0)
    rows = np.arange(300)
    _, expected = fit_prefix(place, pipeline[:-1], rows)
    times = []
    monkeypatch.setattr("automl.fitting.MANY_CELLS", 10)
    monkeypatch.setattr("automl.fitting.LET_GO_S", 0.0)
    monkeypatch.setattr(type(place), "let_go", lambda _: times.append(1))
    _, found = fit_prefix(place, pipeline[:-1], rows)
    assert len(times) > 1
    assert found.tobytes() == expected.tobytes()
    assert not [t for t in threading.enumerate() if t.name == "let-go"]


@pytest.mark.parametrize(("n_rows", "high"), [(12, 100), (200, 500)])
def test_too_few_rows_to_set_some_aside_make_few_rounds(
    place, monkeypatch, n_rows, high
):
    """Where nothing says when to stop, not all epochs are made."""
    asked = []

    def remember(model, X, y, growth, **how):  # noqa: ARG001 - as it is called
        asked.append((growth.high, how["inner"] is None))
        return 1, False

    monkeypatch.setattr("automl.fitting.fit_growing", remember)
    candidate = load_candidates("mlp")["mlp"]
    pipeline = build_pipeline(candidate, default_point(candidate), place.layout, 0)
    rows = np.arange(n_rows)
    prefix, X = fit_prefix(place, pipeline[:-1], rows)
    fit_model(place, candidate, pipeline[-1], prefix, X, place.y[rows], rows, None)
    assert asked == [(high, n_rows == 12)]


def test_what_weights_do_not_reach_is_told():
    """A scorer without weights, and learners without, each in a sentence."""
    X, y = small_table()
    both = load_candidates(["logistic", "k_nearest"])
    table = make_table(X, y, sample_weight=np.ones(len(y)))
    metric = resolve_metric(make_scorer(lambda a, b: float(np.mean(a == b))), "binary")
    said = unweighted(tuple(both.values()), table, metric)
    assert said[0].startswith("Scored without sample_weight, which")
    assert said[1] == "Fitted without sample_weight: K nearest neighbours."
    known = resolve_metric("log_loss", "binary")
    assert unweighted(tuple(both.values()), table, known) == said[1:]
    plain = make_table(X, y)
    assert unweighted(tuple(both.values()), plain, metric) == ()
