"""A configuration becomes the pipeline it describes, and always keeps a column."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from automl.candidates import Candidate, load_candidates, parse_candidate
from automl.layout import Layout, idle_options
from automl.metrics import resolve_metric
from automl.pipeline import build_pipeline, split_params
from automl.space import default_point, without
from automl.table import make_table

LOGISTIC = {
    "tasks": ["binary", "multiclass"],
    "estimator": {"classification": "sklearn.linear_model.LogisticRegression"},
    "fixed": {"max_iter": 500},
}


def median_ae(estimator, X, y):
    """Score as nobody else does."""
    return -float(np.abs(estimator.predict(X) - y).max())


RIDGE = {
    "tasks": ["regression"],
    "estimator": {"regression": "sklearn.linear_model.Ridge"},
}


def rows(n=60, seed=0):
    """Rows of a number with gaps, a whole number and a category."""
    rng = np.random.default_rng(seed)
    gaps = np.where(rng.random(n) < 0.3, np.nan, rng.normal(size=n))
    level = rng.choice(["a", "b", "c", "d"], n)
    return pd.DataFrame({"gaps": gaps, "size": rng.normal(size=n), "level": level})


def built(spec, table, **params):
    """The pipeline of a spec for a table."""
    candidate = parse_candidate("mine", spec)
    return build_pipeline(candidate, params, Layout.of(table), random_state=0)


@pytest.fixture
def binary():
    """A table of two classes."""
    X = rows()
    return make_table(X, (X["size"] > 0).astype(int), task="binary")


@pytest.fixture
def regression():
    """A table of numbers to predict."""
    X = rows()
    return make_table(X, 1e6 * X["size"].to_numpy() + 5, task="regression")


def test_nothing_is_fitted(binary):
    """Building leaves every step unfitted, and names the steps."""
    pipeline = built(LOGISTIC | {"select": {"method": "l1"}}, binary)
    assert [name for name, _ in pipeline.steps] == ["prepare", "select", "model"]
    with pytest.raises(Exception, match="is not fitted yet"):
        pipeline.predict(binary.X)


def test_options_left_out_have_defaults(binary):
    """A candidate made without a file needs no list of all options."""
    path = "sklearn.linear_model.LogisticRegression"
    bare = Candidate("bare", "Bare", ("binary",), {"classification": path})
    pipeline = build_pipeline(bare, {}, Layout.of(binary), random_state=0)
    assert pipeline.fit(binary.X, binary.y).predict(binary.X).shape == (60,)


def test_shapes_and_none_are_read():
    """Lists become tuples, and the text none stands for None."""
    mlp = load_candidates("mlp")["mlp"]
    layout = Layout("binary", 60, ())
    point = default_point(mlp) | {"hidden_layer_sizes": [64, 64]}
    model = build_pipeline(mlp, point, layout, random_state=3)[-1]
    assert model.hidden_layer_sizes == (64, 64)
    assert model.random_state == 3
    forest = load_candidates("random_forest")["random_forest"]
    point = default_point(forest) | {"max_features": "none"}
    model = build_pipeline(forest, point, layout, random_state=3)[-1]
    assert model.max_features is None
    assert model.n_jobs == 1


@pytest.mark.parametrize(
    ("n_levels", "onehot", "is_sparse"),
    [(30, "sparse", True), (30, "dense", False), (2, "sparse", False)],
    ids=["many zeros", "not asked for", "few zeros"],
)
def test_onehot_columns_are_sparse_where_that_is_asked_for(n_levels, onehot, is_sparse):
    """If most cells are zero; and the model says the same of new rows."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"size": rng.normal(size=600)})
    for name in ("from", "to"):
        frame[name] = [f"town {i}" for i in rng.integers(0, n_levels, 600)]
    y = (frame["size"] + (frame["to"] == "town 1") + rng.normal(size=600) > 0).astype(
        int
    )
    table = make_table(frame, y, task="binary")
    found = {}
    for how in (onehot, "dense"):
        pipeline = built(LOGISTIC | {"preprocess": {"onehot": how}}, table)
        assert sparse.issparse(pipeline[0].fit_transform(table.X)) == (
            is_sparse and how == "sparse"
        )
        found[how] = pipeline.fit(table.X, table.y).predict_proba(table.X)
    np.testing.assert_allclose(found[onehot], found["dense"], atol=1e-3)


def test_what_changes_nothing_is_not_searched():
    """Without numbers nothing is scaled, without gaps nothing is filled in."""
    rng = np.random.default_rng(0)
    words = [" ".join(rng.permutation(list("abcdefghij"))) for _ in range(60)]
    notes = pd.DataFrame({"note": words})
    text = Layout.of(make_table(notes, np.arange(60) % 2))
    assert {"scale", "impute", "indicator", "categorical"} <= idle_options(text)
    assert "text_components" not in idle_options(text)
    notes["size"] = rng.normal(size=60)
    mixed = Layout.of(make_table(notes, np.arange(60) % 2))
    assert "scale" not in idle_options(mixed)
    numbers = Layout.of(make_table(notes[["size"]], np.arange(60) % 2))
    assert "text_components" in idle_options(numbers)


def test_pairs_of_numbers_and_of_parts_of_dates_become_columns():
    """Where that is asked for; the columns themselves stay, and new rows are alike."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "size": rng.uniform(1, 3, 1500),
            "rooms": rng.uniform(1, 3, 1500),
            "built": pd.Timestamp("2020-01-01")
            + pd.to_timedelta(rng.integers(0, 700, 1500), unit="D"),
        }
    )
    y = np.sin(frame["built"].dt.month * frame["size"] / 3) + frame["rooms"]
    table = make_table(frame, y, task="regression")
    plain = built(RIDGE | {"preprocess": {"numeric": "passthrough"}}, table)[0]
    spec = RIDGE | {"preprocess": {"numeric": "passthrough", "arithmetic": "yes"}}
    paired = built(spec, table)[0]
    width = plain.fit_transform(table.X, table.y).shape[1]
    assert paired.fit_transform(table.X, table.y).shape == (1500, width + 24)
    names = list(paired.get_feature_names_out())
    assert names[:width] == list(plain.get_feature_names_out())
    assert names[width] in (
        "arithmetic__f0_times_f2_month", "arithmetic__f2_month_times_f0",
    )  # fmt: skip
    together = paired.transform(table.X)[:3]
    np.testing.assert_array_equal(paired.transform(table.X.iloc[:3]), together)


@pytest.mark.parametrize("scale", ["none", "standard"])
def test_learners_that_need_numbers_get_them_from_pairs_too(scale):
    """Where gaps are filled in and numbers scaled, so are the results of pairs."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 4, (1200, 3)).astype(float)  # ratios by zero
    X[::7, 1] = np.nan
    table = make_table(X, np.nan_to_num(X).sum(axis=1), task="regression")
    spec = RIDGE | {"preprocess": {"arithmetic": "yes", "scale": scale}}
    step = built(spec, table)[0]
    prepared = step.fit_transform(table.X, table.y)
    assert np.isfinite(prepared).all()
    of_pairs = ["arithmetic__" in name for name in step.get_feature_names_out()]
    unit = np.isclose(prepared[:, of_pairs].std(axis=0), 1, atol=1e-6)
    assert len(unit) > 2
    assert unit.all() == (scale == "standard")


def test_pairs_are_made_where_there_are_two_numbers():
    """One number and a category are no pair: asking for pairs changes nothing."""
    frame = pd.DataFrame({"size": np.arange(1200.0), "level": ["a", "b"] * 600})
    table = make_table(frame, np.arange(1200.0), task="regression")
    assert "arithmetic" in idle_options(Layout.of(table))
    spec = RIDGE | {"preprocess": {"arithmetic": "yes"}}
    branches = [name for name, *_ in built(spec, table)[0].transformers]
    assert "arithmetic" not in branches


@pytest.mark.parametrize(("n_rows", "idle"), [(999, True), (1000, False)])
def test_pairs_are_searched_on_enough_rows(n_rows, idle):
    """Below a thousand rows they are not."""
    table = make_table(np.eye(n_rows, 2), np.arange(n_rows), task="regression")
    assert ("arithmetic" in idle_options(Layout.of(table))) is idle
    first = parse_candidate(
        "mine", RIDGE | {"preprocess": {"arithmetic": ["yes", "no"]}}
    )
    assert without(first, {"arithmetic"}).preparation["arithmetic"] == "no"


@pytest.mark.parametrize(("n_columns", "bins"), [(499, 255), (500, 63)])
def test_very_many_columns_have_coarse_bins(n_columns, bins):
    """In the model and in what ranks columns, unless a candidate says otherwise."""
    X = np.random.default_rng(0).normal(size=(400, n_columns))
    table = make_table(X, X[:, 0] > 0, task="binary")
    lightgbm = load_candidates("lightgbm")["lightgbm"]
    point = default_point(lightgbm) | {"method": "importance"}
    pipeline = build_pipeline(lightgbm, point, Layout.of(table), random_state=0)
    for step in (pipeline[-1], pipeline[-2].estimator):
        assert step.get_params().get("max_bin", 255) == bins
    for name in ("max_bin", "max_bins"):  # LightGBM's names for it
        own = replace(lightgbm, fixed={**lightgbm.fixed, name: 15})
        found = build_pipeline(own, point, Layout.of(table), random_state=0)[-1]
        given = found.get_params()
        assert {k: v for k, v in given.items() if "max_bin" in k} == {name: 15}


def test_many_rows_get_fewer_pairs():
    """Made columns take 48 MB at most, but for one that is there in any case."""
    few, many = (Layout("regression", n, ()) for n in (5_000, 1_000_000))
    assert few.n_pairs == 24
    assert many.n_pairs == 6
    table = make_table(np.eye(40, 2), np.arange(40), task="regression")
    large = replace(Layout.of(table), n_rows=1_000_000)
    spec = RIDGE | {"preprocess": {"numeric": "passthrough", "arithmetic": "yes"}}
    pipeline = build_pipeline(parse_candidate("mine", spec), {}, large, random_state=0)
    branches = {name: step for name, step, _ in pipeline[0].transformers}
    assert branches["arithmetic"]["pairs"].n_kept == 6


def test_neighbours_are_fewer_than_rows(binary):
    """Neighbours asked for are no more than a fold has rows."""
    near = load_candidates("k_nearest")["k_nearest"]
    point = default_point(near) | {"n_neighbors": 100}
    model = build_pipeline(near, point, Layout.of(binary), random_state=0)[-1]
    assert model.n_neighbors == 20


@pytest.mark.parametrize("method", ["univariate", "l1", "importance"])
@pytest.mark.parametrize("keep", [0.01, 0.5, 1.0])
@pytest.mark.parametrize("task", ["binary", "regression"])
# columns of a constant have no univariate score; that is what is tried
@pytest.mark.filterwarnings("ignore:Features .* are constant:UserWarning")
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_selection_keeps_a_column(method, keep, task):
    """One column or many, useful or constant: at least one is kept."""
    n = 40
    rng = np.random.default_rng(0)
    for made in (
        {"one": rng.normal(size=n)},
        {"noise": rng.normal(size=n), "level": rng.choice(["a", "b"], n)},
        {"still": np.r_[1.0, np.zeros(n - 1)], "still2": np.r_[1.0, np.zeros(n - 1)]},
        {f"c{i}": rng.normal(size=n) for i in range(3)},
    ):
        y = rng.permutation(np.arange(n) % 2) * 1e-9
        table = make_table(made, y if task == "regression" else y > 0, task=task)
        select = {"select": {"method": method, "keep": keep}}
        pipeline = built((RIDGE if task == "regression" else LOGISTIC) | select, table)
        train = np.arange(1, n)  # where the still columns have one value
        pipeline.fit(table.X.iloc[train], table.y[train])
        assert pipeline["select"].get_support().any()


def test_a_selection_finds_the_useful_column(regression):
    """With l1, noise is left out whatever the target's unit."""
    pipeline = built(RIDGE | {"select": {"method": "l1"}}, regression)
    pipeline.fit(regression.X, regression.y)
    names = pipeline[:-1].get_feature_names_out()
    assert any(name.endswith("f1") for name in names)
    assert len(names) < len(pipeline[:1].get_feature_names_out())


def test_unseen_and_missing_levels_are_encoded_in_silence():
    """New levels, and levels of two only, give finite numbers and no warning."""
    X = pd.DataFrame({"two": ["a", "b"] * 20, "gap": ["x", None, "y", "x"] * 10})
    table = make_table(X, np.arange(40) % 3, task="multiclass")
    new = table.encoder.transform(
        pd.DataFrame({"two": ["new", None], "gap": ["new", "x"]})
    )
    for how in ("onehot", "target", "ordinal"):
        spec = LOGISTIC | {"preprocess": {"categorical": how}}
        pipeline = built(spec, table).fit(table.X, table.y)
        assert np.isfinite(pipeline[:-1].transform(new)).all()


@pytest.mark.parametrize("scale", ["none", "standard", "robust", "quantile"])
@pytest.mark.parametrize("impute", ["median", "mean", "most_frequent"])
# a fold has fewer rows than the quantiles of its table
@pytest.mark.filterwarnings("ignore:n_quantiles .* is greater:UserWarning")
def test_a_column_that_is_empty_in_a_fold_is_kept(scale, impute, binary):
    """A column without a value in the rows gives zeros, not an error."""
    steps = {"preprocess": {"scale": scale, "impute": impute}}
    pipeline = built(LOGISTIC | steps, binary)
    part = binary.X.iloc[:20].assign(f0=np.nan)
    prepared = pipeline.fit(part, binary.y[:20])[:-1].transform(binary.X)
    assert prepared.shape[0] == 60
    assert np.isfinite(prepared).all()


def test_columns_of_categories_can_be_found_by_name(binary):
    """A learner that reads categories finds them under their branch's name."""
    lightgbm = load_candidates("lightgbm")["lightgbm"]
    point = default_point(lightgbm) | {"categorical": "native"}
    pipeline = build_pipeline(lightgbm, point, Layout.of(binary), random_state=0)
    names = pipeline[:-1].fit(binary.X, binary.y).get_feature_names_out()
    assert [n for n in names if n.startswith("category__")] == ["category__f2"]


def test_many_levels_are_encoded_by_the_target():
    """Levels beyond what a bin can count are encoded, the others stay categories."""
    n = 600
    X = pd.DataFrame(
        {"many": [f"m{i % 300}" for i in range(n)], "few": list("ab") * 300}
    )
    table = make_table(X, np.arange(n) % 2, task="binary")
    lightgbm = load_candidates("lightgbm")["lightgbm"]
    point = default_point(lightgbm) | {"categorical": "native"}
    pipeline = build_pipeline(lightgbm, point, Layout.of(table), random_state=0)
    branches = {name: columns for name, _, columns in pipeline[0].transformers}
    assert branches == {"category": ["f1"], "target": ["f0"]}


def test_params_are_split_by_what_they_belong_to():
    """Steps take their options, the estimator takes the rest."""
    ridge = load_candidates("ridge")["ridge"]
    options, params = split_params(ridge, {"scale": "robust", "alpha": 2.0})
    assert options["scale"] == "robust"
    assert params == {"alpha": 2.0}


@pytest.mark.parametrize(
    ("metric", "objective"),
    [
        ("median_ae", "regression_l1"), ("mape", "regression_l1"), ("mae", None),
        ("rmse", None), ("r2", None), (median_ae, None),
    ],
)  # fmt: skip
def test_lightgbm_minimises_absolute_errors_for_metrics_that_gain(
    regression, metric, objective
):
    """Squares otherwise, and for a scorer of the user's own, whatever it is called."""
    layout = Layout.of(regression, resolve_metric(metric, "regression"))
    lightgbm = load_candidates("lightgbm")["lightgbm"]
    point = default_point(lightgbm) | {"n_estimators": 5}
    pipeline = build_pipeline(lightgbm, point, layout, random_state=0)
    assert pipeline[-1].objective == objective
    assert pipeline.fit(regression.X, regression.y).predict(regression.X).shape == (60,)


@pytest.mark.filterwarnings("ignore:Found .loss. in params:UserWarning")
@pytest.mark.parametrize("own", [{"objective": "huber"}, {"loss": "huber"},
                                 {"linear_tree": True}])  # fmt: skip
def test_an_objective_of_a_candidates_own_comes_first(regression, own):
    """It is fitted as its file says, under any of LightGBM's names."""
    layout = Layout.of(regression, resolve_metric("mape", "regression"))
    lightgbm = load_candidates("lightgbm")["lightgbm"]
    mine = replace(lightgbm, fixed={**lightgbm.fixed, **own})
    point = default_point(lightgbm) | {"n_estimators": 5}
    pipeline = build_pipeline(mine, point, layout, random_state=0)
    assert pipeline[-1].objective == own.get("objective")
    pipeline.fit(regression.X, regression.y)
    others = load_candidates("hist_gradient_boosting")["hist_gradient_boosting"]
    model = build_pipeline(others, default_point(others), layout, random_state=0)[-1]
    assert model.loss == "squared_error"
