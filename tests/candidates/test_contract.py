"""What every shipped candidate promises: adding a file to the folder adds its tests."""

import json
import pickle
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from automl.candidates import load_candidates
from automl.layout import Layout
from automl.pipeline import build_pipeline
from automl.preparation import OPTIONS
from automl.space import active, default_point, draw, start_point
from automl.table import make_table

CANDIDATES = load_candidates()
NAMES = sorted(CANDIDATES)
CLAIMS = [
    (name, task) for name in sorted(CANDIDATES) for task in CANDIDATES[name].tasks
]

ROUNDS = 8
"""Rounds, trees and epochs of a fit here."""

N_ROWS, N_NEW = 80, 10

pytestmark = [
    # fits are cut short after a few rounds
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # a column that is constant in the rows has no univariate score
    pytest.mark.filterwarnings("ignore:Features .* are constant:UserWarning"),
    pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning"),
    # fewer rows than quantiles that were asked for (the table is larger than a fold)
    pytest.mark.filterwarnings("ignore:n_quantiles .* is greater:UserWarning"),
]


def mixed_rows(n_rows, seed):
    """Rows with every kind of column."""
    rng = np.random.default_rng(seed)
    words = np.array(["red", "green", "apple", "pear", "sweet", "sour", "big", "old"])
    number = rng.normal(size=n_rows)
    return pd.DataFrame(
        {
            "size": np.where(rng.random(n_rows) < 0.2, np.nan, number),
            "weight": rng.lognormal(size=n_rows),
            "fresh": rng.random(n_rows) < 0.5,
            "colour": rng.choice(["red", "green", "blue"], n_rows),
            "seller": [f"s{i}" for i in rng.integers(0, 25, n_rows)],
            "sold": pd.Timestamp("2024-01-01")
            + pd.to_timedelta(rng.integers(0, 500, n_rows), unit="D"),
            "note": [
                " ".join(rng.choice(words, rng.integers(4, 12))) + f" no {i}."
                for i in range(n_rows)
            ],
        }
    )


def target(frame, task):
    """A target that depends on the rows."""
    signal = frame["weight"] + frame["fresh"] + (frame["colour"] == "red")
    if task == "regression":
        return (1000 * signal).to_numpy()
    share = [0.5] if task == "binary" else [0.33, 0.67]
    return np.digitize(signal, np.quantile(signal, share))


@pytest.fixture(scope="module")
def data():
    """For each task a table, and new rows with an unseen level and gaps."""
    frame = mixed_rows(N_ROWS, seed=0)
    new = mixed_rows(N_NEW, seed=1)
    new.loc[0, ["colour", "seller"]] = "never seen"
    new.loc[1, ["size", "weight", "colour", "sold"]] = None
    new["fresh"] = new["fresh"].astype(object)
    new.loc[1, "fresh"] = None
    found = {}
    for task in ("binary", "multiclass", "regression"):
        table = make_table(frame, target(frame, task), task=task)
        found[task] = (table, table.encoder.transform(new))
    return found


def capped(candidate):
    """The candidate with few rounds."""
    fixed = dict(candidate.fixed)
    known = candidate.estimator_class(candidate.tasks[0])().get_params()
    for name in ("n_estimators", "max_iter"):
        if name in known:
            fixed[name] = ROUNDS
    return replace(candidate, fixed=fixed)


def ends(candidate, side):
    """The low or the high end of every number, the first or last of every choice."""
    point = {}
    for d in candidate.space:
        if d.dist == "choice":
            point[d.name] = d.options[0 if side == "low" else -1]
        else:
            value = d.low if side == "low" else d.high
            point[d.name] = round(value) if d.dist == "int" else value
    return point


def check_point(candidate, point, table, new):
    """The point survives JSON; its pipeline fits, clones, pickles and predicts."""
    assert json.loads(json.dumps(point)) == point
    params = json.loads(json.dumps(active(candidate, point)))
    layout = Layout.of(table)
    pipeline = clone(build_pipeline(capped(candidate), params, layout, random_state=0))
    pipeline.fit(table.X, table.y)
    copy = pickle.loads(pickle.dumps(pipeline))
    if table.task == "regression":
        predicted = copy.predict(new)
        assert (N_NEW,) == predicted.shape
        assert np.isfinite(predicted).all()
        assert np.allclose(pipeline.predict(new), predicted)
        return
    probability = copy.predict_proba(new)
    assert (N_NEW, table.n_classes) == probability.shape
    assert np.isfinite(probability).all()
    assert (probability >= 0).all()
    assert np.allclose(1.0, probability.sum(axis=1), atol=1e-5)
    assert np.allclose(pipeline.predict_proba(new), probability)


@pytest.mark.parametrize("name", NAMES)
def test_it_loads_and_says_what_it_is(name):
    """A shipped file is read without complaint, has a title and starting points."""
    candidate = load_candidates(name)[name]
    assert name == candidate.name
    assert candidate.title != name
    assert candidate.starts


@pytest.mark.parametrize(("name", "task"), CLAIMS)
def test_every_key_is_a_parameter(name, task):
    """What is fixed, grows or is searched can be set, and is then in get_params()."""
    candidate = CANDIDATES[name]
    model = candidate.estimator_class(task)()
    own = {d.name: d for d in candidate.space if d.name not in candidate.preparation}
    keys = (set(own) - OPTIONS) | set(candidate.fixed)
    if candidate.resource is not None:
        keys.add(candidate.resource.param)
    model.set_params(**dict.fromkeys(keys, 1))
    assert keys <= set(model.get_params())


@pytest.mark.parametrize(("name", "task"), CLAIMS)
@pytest.mark.parametrize("side", ["low", "high"])
def test_the_ends_of_the_space_work(name, task, side, data):
    """Both corners of the space give a model."""
    candidate = CANDIDATES[name]
    check_point(candidate, ends(candidate, side), *data[task])


@pytest.mark.parametrize(("name", "task"), CLAIMS)
def test_every_start_works(name, task, data):
    """Every known good point gives a model, and so does the middle of the space."""
    candidate = CANDIDATES[name]
    points = [default_point(candidate)]
    points += [start_point(candidate, values) for _, values in candidate.starts]
    for point in points:
        check_point(candidate, point, *data[task])


@pytest.mark.parametrize(("name", "task"), CLAIMS)
def test_draws_work(name, task, data):
    """A point drawn from the space gives a model; the slow tests draw thirty."""
    candidate = CANDIDATES[name]
    check_point(candidate, draw(candidate, np.random.default_rng(0)), *data[task])


@pytest.mark.slow
@pytest.mark.parametrize(("name", "task"), CLAIMS)
def test_many_draws_work(name, task, data):
    """Thirty more points drawn from the space give models."""
    candidate = CANDIDATES[name]
    rng = np.random.default_rng(1)
    for _ in range(30):
        check_point(candidate, draw(candidate, rng), *data[task])


@pytest.mark.parametrize("name", NAMES)
def test_every_option_of_the_steps_works(name, data):
    """Every searched value of a step before the estimator gives a model."""
    candidate = CANDIDATES[name]
    task = candidate.tasks[0]
    middle = default_point(candidate)
    for d in candidate.space:
        if d.dist == "choice":
            for option in d.options:
                if option != middle.get(d.name):  # that is among the starts
                    check_point(candidate, middle | {d.name: option}, *data[task])


@pytest.mark.parametrize(("name", "task"), CLAIMS)
def test_a_handful_of_rows_works(name, task):
    """Twelve rows, one column empty in all of them and one class rare, are enough."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "number": rng.normal(size=12),
            "gap": [np.nan] * 10 + [1.0, 2.0],
            "level": list("abcabcabcabc"),
        }
    )
    y = np.array([0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1])
    if task == "multiclass":
        y = np.array([0, 1, 0, 1, 0, 1, 0, 1, 0, 2, 0, 1])
    if task == "regression":
        y = rng.normal(size=12)
    table = make_table(X, y, task=task)
    candidate = capped(CANDIDATES[name])
    # fits of scikit-learn that see rows in inner folds; boosting is fitted elsewhere
    if candidate.resource is not None and "early_stopping" in candidate.fixed:
        candidate = replace(
            candidate, fixed={**candidate.fixed, "early_stopping": False}
        )
    train = np.arange(10)
    with warnings.catch_warnings():
        # the rare class has fewer rows than there are inner folds
        warnings.filterwarnings("ignore", message="The least populated class")
        # a sample of ten rows is small
        warnings.filterwarnings("ignore", message="Using the fractional value")
        for _, values in candidate.starts:
            point = active(candidate, start_point(candidate, values))
            layout = Layout.of(table)
            pipeline = build_pipeline(candidate, point, layout, random_state=0)
            pipeline.fit(table.X.iloc[train], table.y[train])
            assert 12 == len(pipeline.predict(table.X))
