"""New rows for a fitted model: wrong columns are an error, wrong cells are counted.

Everything holds for the fitted model and for one that was saved and loaded.
"""

from __future__ import annotations

import json
import logging
import shutil
import warnings
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

import automl
from automl.exceptions import AutoMLDataError, AutoMLIntegrityError, AutoMLWarning
from tests.bundle.kit import rewrite
from tests.faults.bad_kit import N_ROWS, SECRET, Y, fit, table
from tests.faults.test_bad_input import ODD


def rows(n_rows=N_ROWS, seed=3):
    """Return rows of the table that the models were fitted on."""
    days = pd.date_range("2020", periods=n_rows, freq="31h")
    return table(n_rows, seed, day=days, flag=np.arange(n_rows) % 3 == 0)


@pytest.fixture(scope="module")
def fitted():
    """Return a model of names and one of positions."""
    X = rows(seed=0)
    return fit(X, Y), fit(X[["size", "weight"]].values, Y)


@pytest.fixture(scope="module", params=["fitted", "loaded"])
def model(fitted, request, tmp_path_factory):
    """Return a model of names and one of positions, fitted or loaded."""
    named, plain = fitted
    if request.param == "loaded":
        folder = tmp_path_factory.mktemp("bundles")
        named = automl.load(named.save(folder / "named"))
        plain = automl.load(plain.save(folder / "plain"))
    return SimpleNamespace(named=named, plain=plain)


@pytest.mark.parametrize("n_lost", [1, 3, 5])
def test_p01_missing_columns_are_named(model, n_lost):
    """The first is in the error; more are listed."""
    X = rows()
    lost = list(X.columns)[:n_lost]
    with pytest.raises(AutoMLDataError) as caught:
        model.named.predict(X.drop(columns=lost).assign(other=1))
    assert (caught.value.code, caught.value.column) == ("E-schema", lost[0])
    assert all(name in str(caught.value) for name in lost)
    assert "other" in caught.value.hint


def test_p02_order_and_other_columns_do_not_matter(model):
    """Permuted columns are the same; others are warned of once, and ignored."""
    X = rows()
    expected = model.named.predict_proba(X)
    backwards = X[list(X.columns)[::-1]]
    np.testing.assert_array_equal(model.named.predict_proba(backwards), expected)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        more = model.named.predict_proba(X.assign(extra=1, other="x"))
    np.testing.assert_array_equal(more, expected)
    assert [w.message.code for w in caught] == ["W-extra"]
    assert "'extra' and 1 more" in str(caught[0].message)


@pytest.mark.parametrize("numbered", [False, True])
def test_p02_rows_may_bring_what_fit_was_given_beside_the_features(tmp_path, numbered):
    """The target, groups and weights of training rows are no column to warn of."""
    X = rows(seed=0)[["size", "weight"]].set_axis([2021, 2022], axis=1)
    X = X.assign(**{"2023": Y, "2024": np.arange(N_ROWS) % 9, "2025": 1.5})
    X.columns = [int(name) for name in X.columns]
    X = X if numbered else X.set_axis([f"in {name}" for name in X.columns], axis=1)
    target, groups, weights = X.columns[2:]
    named = fit(X, target, groups=groups, sample_weight=weights)
    expected = named.predict(X[X.columns[:2]])
    for model in (named, automl.load(named.save(tmp_path / "model"))):
        np.testing.assert_array_equal(model.predict(X), expected)
        with pytest.warns(AutoMLWarning, match="Column 7 is not known"):
            model.predict(X.assign(other=1).rename(columns={"other": 7}))


CHANGES = {
    "numbers as text": (lambda X: X.assign(size=X["size"].map(repr)), 0, True),
    "numbers as objects": (lambda X: X.astype({"size": object}), 0, True),
    "other floats": (lambda X: X.astype({"size": "Float64"}), 0, True),
    "words as categories": (lambda X: X.astype({"colour": "category"}), 0, True),
    "other levels": (
        lambda X: X.assign(colour=pd.Categorical(X["colour"], ["z", "red", "green",
                                                               "blue"])), 0, True),
    "days as text": (lambda X: X.assign(day=X["day"].astype(str)), 0, True),
    "days with zone": (lambda X: X.assign(day=X["day"].dt.tz_localize("UTC")), 0, True),
    "flags as text": (lambda X: X.assign(flag=X["flag"].astype(str)), 0, True),
    "flags as numbers": (lambda X: X.astype({"flag": int}), 0, True),
    "some words": (
        lambda X: X.assign(size=[SECRET, "??"] + ["1"] * (N_ROWS - 2)), 2, False),
    "only words": (lambda X: X.assign(size=SECRET), N_ROWS, False),
    "words for days": (lambda X: X.assign(day=SECRET), N_ROWS, False),
    "numbers for days": (lambda X: X.assign(day=20200102), N_ROWS, False),
    "days for numbers": (lambda X: X.assign(size=X["day"]), N_ROWS, False),
    "words for flags": (lambda X: X.assign(flag="perhaps"), N_ROWS, False),
    "lists for numbers": (lambda X: X.assign(size=[[1.0]] * N_ROWS), N_ROWS, False),
    "nothing": (lambda X: X.assign(size=None, day=None, colour=None), 0, False),
    "infinite": (lambda X: X.assign(size=np.inf), 0, False),
}  # fmt: skip


@pytest.mark.parametrize("case", CHANGES)
def test_p03_other_types_are_read_or_counted(model, case):
    """What can be read is the same; cells that cannot are missing, and counted."""
    change, n_lost, same = CHANGES[case]
    X = rows()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = model.named.predict_proba(change(X))
    assert np.isfinite(found).all()
    if same:
        expected = model.named.predict_proba(X)
        np.testing.assert_allclose(found, expected, atol=1e-12)
    assert [w.category for w in caught] == [AutoMLWarning] * bool(n_lost)
    for warning in caught:
        assert f" {n_lost} cells cannot be read" in str(warning.message)
        assert SECRET not in str(warning.message)


def test_p04_words_that_are_all_new_are_warned_of(model):
    """They are predicted; one warning says how many they are, and none of them."""
    with pytest.warns(AutoMLWarning, match=f"none of its {N_ROWS} cells") as caught:
        found = model.named.predict_proba(rows().assign(colour=1.5))
    assert np.isfinite(found).all()
    assert [w.message.code for w in caught] == ["W-unseen"]
    assert caught[0].filename == __file__


def test_p04_levels_never_seen_are_counted(model, caplog):
    """They are predicted; the log says how many cells have one."""
    X = rows()
    X["colour"] = ["purple"] * 7 + ["red"] * (N_ROWS - 7)
    with caplog.at_level(logging.INFO, logger="automl"):
        assert np.isfinite(model.named.predict_proba(X)).all()
    assert "Column 'colour': 7 cells of levels never seen" in caplog.text
    assert "purple" not in caplog.text


def test_p05_rows_without_values_and_no_rows(model):
    """An empty row has a prediction; no rows have none, of the right shape."""
    X = rows()
    bare = pd.DataFrame([[None] * X.shape[1]], columns=X.columns)
    assert model.named.predict(bare)[0] in {0, 1}
    assert model.named.predict_proba(bare).sum() == pytest.approx(1)
    infinite = X.assign(size=np.inf, weight=-np.inf)
    assert np.isfinite(model.named.predict_proba(infinite)).all()
    none = model.named.predict(X.iloc[:0])
    assert (none.shape, none.dtype) == ((0,), model.named.predict(X).dtype)
    assert model.named.predict_proba(X.iloc[:0]).shape == (0, 2)
    assert model.plain.predict(np.empty((0, 2))).shape == (0,)


def test_p06_a_row_is_predicted_alike_in_any_company(model):
    """Alone, in the batch, and shuffled."""
    X = rows()
    batch = model.named.predict_proba(X)
    alone = [model.named.predict_proba(X.iloc[[i]])[0] for i in range(10)]
    np.testing.assert_allclose(alone, batch[:10], atol=1e-12)
    order = np.random.default_rng(0).permutation(N_ROWS)
    shuffled = model.named.predict_proba(X.iloc[order])
    np.testing.assert_allclose(shuffled, batch[order], atol=1e-12)


@pytest.mark.parametrize("width", [0, 1, 3])
def test_p07_arrays_of_another_width_are_refused(model, width):
    """Both widths are named."""
    with pytest.raises(AutoMLDataError, match=rf"{width} features.* 2 ") as caught:
        model.plain.predict(np.ones((4, width)))
    assert caught.value.code == "E-schema"
    with pytest.raises(AutoMLDataError):
        model.named.predict(np.ones((4, width)))


NO_ROWS = {
    "none": None,
    "number": 5,
    "text": "data.csv",
    "array": np.ones(4),
    "cube": np.ones((2, 2, 2)),
    "series": pd.Series([1, 2]),
    "sparse": sparse.csr_matrix(np.eye(2)),
    "complex": np.ones((4, 2)) * 1j,
    "lazy": pl.DataFrame({"a": [1]}).lazy(),
    "ragged": [[1, 2], [1]],
    "twice": table().set_axis(["size", "size", "weight"], axis=1),
    **ODD,
}


@pytest.mark.parametrize("case", NO_ROWS)
def test_what_is_no_table_is_refused(model, case):
    """By one error of the family, without a cell."""
    with pytest.raises(AutoMLDataError) as caught:
        model.named.predict(NO_ROWS[case])
    assert caught.value.code.startswith("E-")
    assert SECRET not in str(caught.value)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Return a saved model."""
    return fit(table(), Y).save(tmp_path_factory.mktemp("bundles") / "bundle")


@pytest.fixture
def bundle(saved, tmp_path):
    """Return a saved model that a test may change."""
    return shutil.copytree(saved, tmp_path / "bundle")


@pytest.mark.parametrize(
    ("package", "version"),
    [("scikit-learn", "0.1"), ("numpy", "99.0"), ("pandas", "1.0")],
)
def test_p08_other_versions_are_refused_unless_allowed(bundle, package, version):
    """Both versions are named; drift of packages may be allowed."""
    packages = json.loads((bundle / "manifest.json").read_text())["packages"]
    rewrite(bundle, packages=packages | {package: version})
    with pytest.raises(AutoMLIntegrityError, match=f"{package} {version}") as caught:
        automl.load(bundle)
    assert caught.value.code == "E-version"
    allowed = automl.load(bundle, allow_version_drift=True)
    assert len(allowed.predict(table())) == N_ROWS


def test_p08_another_python_is_refused(bundle):
    """Always: what was compiled for another one is never run."""
    rewrite(bundle, python="3.7")
    for allowed in (False, True):
        with pytest.raises(AutoMLIntegrityError, match="Python 3") as caught:
            automl.load(bundle, allow_version_drift=allowed)
        assert caught.value.code == "E-version"


def test_p09_sixteen_threads_agree(model):
    """Threads that share a model get what one gets."""
    X = rows()
    expected = model.named.predict_proba(X)
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: model.named.predict_proba(X), range(48)))
    for one in found:
        np.testing.assert_array_equal(one, expected)
