"""A bundle is verified before it is loaded, and predicts any rows or says why not."""

import copy
import json
import pickle
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

from automl.assembly import labelled
from automl.bundle import load, save_bundle
from automl.bundle.schema import describe_table
from automl.cli.predicting import predicted_columns
from automl.exceptions import (
    AutoMLConfigError,
    AutoMLDataError,
    AutoMLIntegrityError,
    AutoMLWarning,
)
from automl.table import make_table
from tests.bundle.kit import INFO, Canary, new_passengers, python, rewrite


def test_canary_sings(tmp_path):
    """The canary of the next tests does run when it is unpickled."""
    pickle.loads(pickle.dumps(Canary(tmp_path / "sung")))
    assert (tmp_path / "sung").exists()


def flip(path, place):
    """Change one bit of a file."""
    content = bytearray(path.read_bytes())
    content[place % len(content)] ^= 1
    path.write_bytes(content)


DAMAGES = {
    "swapped model": lambda b, c: (b / "model.pkl").write_bytes(c),
    "extra model": lambda b, c: (b / "other.pkl").write_bytes(c),
    "extra code": lambda b, _: (b / "numpy.py").write_text("raise SystemExit"),
    "missing model": lambda b, _: (b / "model.pkl").unlink(),
    "missing manifest": lambda b, _: (b / "manifest.json").unlink(),
    "no JSON": lambda b, _: (b / "manifest.json").write_text("{"),
    "empty manifest": lambda b, _: (b / "manifest.json").write_text("{}"),
    "edited score": lambda b, _: (b / "manifest.json").write_text(
        (b / "manifest.json").read_text().replace("0.87", "0.97")
    ),
    "edited schema": lambda b, _: (b / "schema.json").write_text("{}"),
}


@pytest.mark.parametrize("damage", sorted(DAMAGES))
def test_damaged_bundle_is_refused_and_nothing_runs(damage, bundle, tmp_path):
    """Whatever was changed, the model is not unpickled."""
    DAMAGES[damage](bundle, pickle.dumps(Canary(tmp_path / "sung")))

    with pytest.raises(AutoMLIntegrityError, match="Nothing was loaded"):
        load(bundle)
    assert not (tmp_path / "sung").exists()


def test_every_flipped_bit_and_cut_is_refused(bundle, monkeypatch):
    """200 flipped bits and 20 cuts of the model: all refused, nothing unpickled."""
    monkeypatch.setattr(pickle, "loads", lambda _: pytest.fail("it was unpickled"))
    path = bundle / "model.pkl"
    whole = path.read_bytes()
    for place in random.Random(0).sample(range(len(whole)), 200):  # noqa: S311
        flip(path, place)
        with pytest.raises(AutoMLIntegrityError, match=r"model\.pkl is not the file"):
            load(bundle)
        path.write_bytes(whole)
    for part in range(20):
        path.write_bytes(whole[: len(whole) * part // 20])
        with pytest.raises(AutoMLIntegrityError, match=r"model\.pkl is not the file"):
            load(bundle)


def test_link_is_refused(bundle, tmp_path):
    """A symbolic link inside the bundle is refused even to the same content."""
    (bundle / "model.pkl").rename(tmp_path / "elsewhere.pkl")
    (bundle / "model.pkl").symlink_to(tmp_path / "elsewhere.pkl")
    with pytest.raises(AutoMLIntegrityError, match=r"model\.pkl is a symbolic link"):
        load(bundle)


def test_an_environment_inside_is_not_of_the_bundle(bundle):
    """Its links and code are passed over; the same elsewhere is refused."""
    home = bundle / "env"
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "python").symlink_to(sys.executable)
    (home / "bin" / "activate_this.py").write_text("")
    with pytest.raises(AutoMLIntegrityError, match="env/bin"):
        load(bundle)
    (home / "pyvenv.cfg").write_text("home = /usr/bin")
    assert load(bundle).task_ == "binary"
    (bundle / "numpy.py").write_text("raise SystemExit")
    with pytest.raises(AutoMLIntegrityError, match=r"numpy\.py is not of the bundle"):
        load(bundle)


@pytest.mark.parametrize("place", ["https://example.org/model", "s3://b/model"])
def test_url_is_refused(place):
    """A bundle is never fetched."""
    with pytest.raises(AutoMLConfigError, match="is a URL"):
        load(place)


def test_absent_folder_is_refused(tmp_path):
    """A folder that does not exist is a mistake, not damage."""
    with pytest.raises(AutoMLConfigError, match="There is no folder"):
        load(tmp_path / "none")


def test_newer_format_is_refused(bundle):
    """A bundle of a later layout asks for a newer library."""
    rewrite(bundle, format=99)
    with pytest.raises(AutoMLIntegrityError, match="format 99; at most 1"):
        load(bundle)


def test_other_versions_are_refused_unless_allowed(bundle):
    """Both versions are named; drift of packages may be allowed."""
    packages = json.loads((bundle / "manifest.json").read_text())["packages"]
    rewrite(bundle, packages=packages | {"scikit-learn": "0.1"})
    said = r"scikit-learn 0\.1; here it is 1.* if its sample is predicted as before"
    with pytest.raises(AutoMLIntegrityError, match=said):
        load(bundle)

    assert load(bundle, allow_version_drift=True).task_ == "binary"


class Outdated:
    """What cannot be made again by other packages."""

    def __reduce__(self):
        """Raise on the way back, as a tree of another version does."""
        return int, ("incompatible dtype",)


def test_a_model_that_other_packages_cannot_load_is_refused(bundle, tmp_path):
    """Whatever it raises; by the script of the bundle, too."""
    (bundle / "model.pkl").write_bytes(pickle.dumps(Outdated()))
    rewrite(bundle)
    with pytest.raises(AutoMLIntegrityError, match="ValueError") as caught:
        load(bundle, allow_version_drift=True)
    assert caught.value.code == "E-version"
    done = python(bundle / "predict.py", "--check", cwd=tmp_path)
    assert (done.returncode, "ValueError" in done.stderr) == (6, True)
    assert "Traceback" not in done.stderr


def test_other_python_is_refused(bundle):
    """Compiled code of another Python is never run."""
    rewrite(bundle, python="3.7")
    with pytest.raises(AutoMLIntegrityError, match=r"made with Python 3\.7"):
        load(bundle, allow_version_drift=True)


def test_other_predictions_are_refused(bundle):
    """A model that predicts its sample otherwise is not handed out."""
    path = bundle / "expected.json"
    expected = json.loads(path.read_text())
    expected["probability"][0][0] += 1e-4
    path.write_text(json.dumps(expected))
    rewrite(bundle)
    with pytest.raises(AutoMLIntegrityError, match=r"largest difference is 0\.0001"):
        load(bundle)


@pytest.mark.parametrize("size", [1e-9, 1e9])
def test_other_predictions_of_any_size_are_refused(size, tmp_path):
    """The difference counts as a share of the predictions, small or large."""
    X = np.random.default_rng(0).normal(size=(40, 2))
    table = make_table(X, X[:, 0] * size)
    pipeline = make_pipeline(table.encoder, LinearRegression()).fit(X, table.y)
    bundle = save_bundle(tmp_path / "m", pipeline, describe_table(table), INFO)
    path = bundle / "expected.json"
    expected = json.loads(path.read_text())["prediction"]
    for share, same in ((1e-8, True), (1e-4, False)):
        path.write_text(json.dumps({"prediction": [p * (1 + share) for p in expected]}))
        rewrite(bundle)
        done = python(bundle / "predict.py", "--check", cwd=tmp_path)
        assert (done.returncode == 0) is same, done.stderr
        if same:
            load(bundle)
            continue
        with pytest.raises(AutoMLIntegrityError, match="predicts its sample otherwise"):
            load(bundle)


def test_missing_column_is_named(saved):
    """The missing column is named, with the likely culprit."""
    rows = new_passengers().rename(columns={"age": "Age"})
    with pytest.raises(
        AutoMLDataError, match=r"missing:\n- age\n.*mean 'Age'"
    ) as caught:
        load(saved).predict(rows)
    assert (caught.value.code, caught.value.column) == ("E-schema", "age")


def test_order_and_extra_columns_do_not_matter(saved):
    """Permuted columns give the same result; an extra one is ignored with a warning."""
    loaded, rows = load(saved), new_passengers()
    expected = loaded.predict_proba(rows)
    np.testing.assert_array_equal(expected, loaded.predict_proba(rows.iloc[:, ::-1]))
    with pytest.warns(AutoMLWarning, match="'extra' is not known"):
        found = loaded.predict_proba(rows.assign(extra=1))
    np.testing.assert_array_equal(expected, found)


def test_unreadable_cells_are_counted(saved):
    """Cells of another type count as missing, with a warning that counts them."""
    rows = new_passengers().astype({"age": object})
    rows.loc[:2, "age"] = "old"
    with pytest.warns(AutoMLWarning, match="'age': 3 cells cannot be read as a number"):
        assert len(load(saved).predict(rows)) == 30


@pytest.mark.parametrize("factors", [None, (0.2, 0.8)])
def test_columns_of_the_command_come_of_one_reading(
    factors, fitted, tmp_path, monkeypatch
):
    """As the model predicts alone; a warning comes once, labels by factors for free."""
    pipeline, table = fitted
    pipeline = labelled(pipeline, table, factors)
    loaded = load(save_bundle(tmp_path / "m", pipeline, describe_table(table), INFO))
    rows = new_passengers().astype({"age": object})
    rows.loc[:2, "age"] = "old"
    with pytest.warns(AutoMLWarning):
        expected = loaded.predict(rows), loaded.predict_proba(rows)
    if factors is not None:
        assert (expected[0] != loaded.classes_[expected[1].argmax(axis=1)]).any()
        twice = partial(pytest.fail, "it predicted again")
        monkeypatch.setattr(loaded._rest[-1], "predict", twice)
    with pytest.warns(AutoMLWarning, match="3 cells cannot be read") as caught:
        found = predicted_columns(loaded, rows, proba=True, threshold=None)
    assert len(caught) == 1
    np.testing.assert_array_equal(found["prediction"], expected[0])
    np.testing.assert_array_equal(found["probability_yes"], expected[1][:, 1])


def test_empty_table_and_empty_row(saved):
    """No rows give no predictions of the right shape; an empty row gives one."""
    loaded, rows = load(saved), new_passengers()
    assert loaded.predict(rows.iloc[:0]).shape == (0,)
    assert loaded.predict_proba(rows.iloc[:0]).shape == (0, 2)
    assert [len(part) for part in loaded.predict_both(rows.iloc[:0])] == [0, 0]
    bare = pd.DataFrame([[None] * 7], columns=rows.columns)
    assert loaded.predict(bare)[0] in {"yes", "no"}
    with pytest.raises(AutoMLDataError, match=r"has 4 features.* expecting 7"):
        loaded.predict(np.zeros((2, 4)))
    with pytest.raises(AutoMLDataError, match="stands more than once"):
        loaded.predict(pd.concat([rows, rows[["age"]]], axis=1))
    with pytest.raises(AutoMLDataError, match="must be a table"):
        loaded.predict("rows")


def test_rows_are_independent_of_their_batch(saved):
    """A row alone is predicted as in a batch."""
    loaded, rows = load(saved), new_passengers()
    batch = loaded.predict_proba(rows)
    alone = [loaded.predict_proba(rows.iloc[[i]])[0] for i in range(6)]
    np.testing.assert_allclose(batch[:6], alone, atol=1e-12)


def test_sixteen_threads_agree(saved):
    """Threads share one predictor, and a copy of it works as well."""
    loaded, rows = load(saved), new_passengers()
    expected = loaded.predict_proba(rows)
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: loaded.predict_proba(rows), range(48)))
    for one in found:
        np.testing.assert_array_equal(expected, one)
    np.testing.assert_array_equal(expected, copy.deepcopy(loaded).predict_proba(rows))
