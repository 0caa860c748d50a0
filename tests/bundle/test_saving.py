"""A model is saved whole, and needs no library."""

import errno
import json
import os
import pickle
import stat
import sys
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import cloudpickle
import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from packaging.requirements import Requirement
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from automl import bundle as bundle_module
from automl.bundle import load, save_bundle
from automl.bundle.portable import named_modules
from automl.bundle.schema import describe_table, sample_rows
from automl.candidates import load_candidates
from automl.exceptions import (
    AutoMLConfigError,
    AutoMLDataError,
    AutoMLError,
)
from automl.layout import Layout
from automl.pipeline import build_pipeline
from automl.space import start_point
from automl.table import make_table
from tests.bundle.kit import (
    INFO,
    expanded,
    new_passengers,
    passengers,
    predicted_elsewhere,
    python,
)

ROOT = Path(__file__).resolve().parents[2]


def test_loaded_model_predicts_as_the_fitted_one(fitted, saved):
    """Predictions, classes, schema and manifest come back."""
    pipeline, table = fitted
    loaded = load(saved)
    rows = new_passengers()

    np.testing.assert_array_equal(loaded.predict(rows), pipeline.predict(rows))
    np.testing.assert_allclose(
        loaded.predict_proba(rows), pipeline.predict_proba(rows), atol=1e-12
    )
    assert ["no", "yes"] == list(loaded.classes_)
    assert list(loaded.feature_names_in_) == list(passengers(2)[0].columns)
    assert (loaded.task_, loaded.n_features_in_) == ("binary", 7)
    assert loaded.manifest["metric"]["score"] == 0.87
    assert "optimistic" in loaded.manifest["metric"]["meaning"]
    assert loaded.manifest["data"]["fingerprint"] == table.fingerprint
    assert loaded.schema["outputs"] == [
        "prediction",
        "probability_no",
        "probability_yes",
    ]


def test_regression_and_unnamed_columns(tmp_path):
    """An array without names and a numeric target survive; there are no classes."""
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(80, 3)), rng.normal(size=80) * 1e6
    table = make_table(X, y)
    model = LGBMRegressor(n_estimators=5, verbosity=-1, n_jobs=1)
    pipeline = make_pipeline(table.encoder, model).fit(X, y)
    loaded = load(save_bundle(tmp_path / "r", pipeline, describe_table(table), INFO))

    np.testing.assert_array_equal(loaded.predict(X), pipeline.predict(X))
    assert not hasattr(loaded, "classes_")
    assert not hasattr(loaded, "predict_proba")
    with pytest.raises(AutoMLDataError, match=r"has 2 features.* expecting 3"):
        loaded.predict(X[:, :2])
    X_csv = tmp_path / "x.csv"
    pd.DataFrame(X).to_csv(X_csv, index=False)
    done = python(tmp_path / "r" / "predict.py", X_csv, "-o", "o.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = pd.read_csv(tmp_path / "o.csv")
    np.testing.assert_allclose(found["prediction"], pipeline.predict(X), rtol=1e-12)


def test_multiclass_with_numeric_labels(tmp_path):
    """Labels that are numbers stay numbers."""
    frame, _ = passengers()
    y = np.arange(len(frame)) % 3 + 10
    table = make_table(frame[["age", "port"]], y, task="multiclass")
    model = LGBMClassifier(n_estimators=3, verbosity=-1, n_jobs=1)
    pipeline = make_pipeline(table.encoder, model).fit(frame[["age", "port"]], y)
    loaded = load(save_bundle(tmp_path / "m", pipeline, describe_table(table), INFO))

    assert loaded.schema["classes"] == [10, 11, 12]
    assert set(loaded.predict(frame[["age", "port"]])) <= {10, 11, 12}


def test_pickle_loads_where_the_library_cannot_be_imported(fitted, saved, tmp_path):
    """Plain pickle.load is enough where importing automl or hyperopt raises."""
    rows = new_passengers()
    found = predicted_elsewhere(saved, rows, tmp_path, "predict_proba")
    np.testing.assert_allclose(found, fitted[0].predict_proba(rows), atol=1e-9)


def test_all_preparation_of_ours_travels_along(tmp_path):
    """Dates, texts, gaps and pairs of numbers predict where the library is absent."""
    frame, y = passengers()
    table = make_table(frame, y)
    lightgbm = load_candidates("lightgbm")["lightgbm"]
    point = start_point(lightgbm, {"arithmetic": "yes"})
    prepared = replace(lightgbm, preparation={"numeric": "impute"})
    steps = build_pipeline(prepared, point, Layout.of(table), random_state=0).steps
    pipeline = Pipeline([("encode", table.encoder), *steps])
    pipeline.set_params(model__n_estimators=5).fit(frame, table.y)
    place = save_bundle(tmp_path / "m", pipeline, describe_table(table), INFO)
    rows = new_passengers()
    found = predicted_elsewhere(place, rows, tmp_path, "predict_proba")
    np.testing.assert_allclose(found, pipeline.predict_proba(rows), atol=1e-9)


def test_the_pickle_is_small(saved):
    """What it holds is compressed, and plain `pickle.load` reads it."""
    payload = (saved / "model.pkl").read_bytes()
    assert 2 * len(payload) < len(expanded(payload))
    assert type(pickle.loads(payload)) is type(pickle.loads(expanded(payload)))


def test_pickle_names_neither_library_nor_machine(saved):
    """No module of ours and no path of this machine is in the pickle."""
    outer = (saved / "model.pkl").read_bytes()
    payload = expanded(outer)

    assert {m.strip("_") for m in named_modules(outer)} == {"pickle", "zlib"}
    assert not {m for m in named_modules(payload) if m.startswith(("automl", "hyper"))}
    for path in (ROOT, Path.home(), sys.prefix):
        assert str(path).encode() not in payload
    assert not cloudpickle.list_registry_pickle_by_value()


def test_requirements_pin_what_the_model_uses(saved):
    """Exact versions of the packages used, and of what those need; never ours."""
    lines = (saved / "requirements.txt").read_text().splitlines()
    pins = {line.partition("==")[0] for line in lines if not line.startswith("#")}

    assert {"scikit-learn", "numpy", "pandas", "scipy", "cloudpickle"} <= pins
    assert not pins & {"automl-pipelines", "hyperopt", "lightgbm", "jinja2"}
    assert all("==" in line for line in lines if not line.startswith("#"))


def test_requirements_keep_on_which_systems_they_are_needed(
    fitted, tmp_path, monkeypatch
):
    """A pin has a marker where no way without one leads to it; it may lead back."""
    linux, old = 'platform_system == "Linux"', 'python_version < "3.12"'
    needs = {
        "scikit-learn": [f"cuda-runtime>=1; {linux}", "plain", "docs; extra == 'd'"],
        "cuda-runtime": ["cuda_driver", f"plain; {old}"],
        "cuda-driver": [f"cuda-runtime; {old}"],
        "numpy": [f"cuda.driver ; {old}"],
    }
    monkeypatch.setattr(metadata, "requires", needs.get)
    monkeypatch.setattr(metadata, "version", lambda _: "1.0")
    place = save_bundle(tmp_path / "m", fitted[0], describe_table(fitted[1]), INFO)
    text = (place / "requirements.txt").read_text()
    pins = [Requirement(p) for p in text.partition("by those:\n")[2].splitlines()]
    assert [pin.name for pin in pins] == ["cuda-driver", "cuda-runtime", "plain"]
    assert pins[2].marker is None
    for system, version, n_there in (
        ("Linux", "3.13", 3), ("Windows", "3.13", 1), ("Windows", "3.11", 3),
    ):  # fmt: skip
        here = {"platform_system": system, "python_version": version}
        there = [pin for pin in pins if not pin.marker or pin.marker.evaluate(here)]
        assert len(there) == n_there


def test_files_are_private_and_complete(saved):
    """The folder is for its owner only, and every file is in the manifest."""
    manifest = json.loads((saved / "manifest.json").read_text())
    assert {p.name for p in saved.iterdir()} == {*manifest["files"], "manifest.json"}
    if os.name != "nt":
        assert stat.S_IMODE(saved.stat().st_mode) == 0o700
        assert {stat.S_IMODE(p.stat().st_mode) for p in saved.iterdir()} == {0o600}
    card = (saved / "model_card.md").read_text()
    assert "optimistic" in card
    assert "expect roc_auc 0.8421, 95 %\ninterval 0.81 to 0.88. Selected anew." in card
    assert "Mind: 9 rows of a class are too few." in card
    assert "- trial 3, weight 0.6: svm, C = 2.0\n" in card
    assert manifest["metric"]["estimate"]["natural"] == 0.8421
    readme = (saved / "README.md").read_text()
    assert "{{" not in card + readme
    assert "venv ../env" in readme
    assert "-o ../predictions.csv" in readme


def test_schema_names_no_rare_level_and_the_sample_no_row():
    """Levels of fewer than ten rows are not listed; the sample is made up."""
    frame, y = passengers()
    frame.loc[3, "port"] = "Rare"
    table = make_table(frame, y)
    schema = describe_table(table)
    port = next(c for c in schema["columns"] if c["name"] == "port")
    rows = sample_rows(schema)

    assert (port["n_levels"], port["levels"]) == (4, ["007", "Oslo", "Rome"])
    assert rows.shape == (10, 7)
    assert "never seen before" in set(rows["port"])
    assert rows["age"].isna().any()
    assert rows["ticket_id"].isna().all()
    assert not set(rows["remark"].dropna()) & set(frame["remark"])
    pd.testing.assert_frame_equal(rows, sample_rows(schema))
    assert table.encoder.transform(rows).notna().sum().min() >= 8


@pytest.mark.parametrize(
    "end",
    ["9999-12-31 23:59:59.999999", "9999-12-31 23:59:59.999999-05:00", "2020-01-09"],
)
def test_a_date_at_the_end_of_time_is_described(end):
    """The last moment that a database knows is one of the year 9999, not an error."""
    days = [f"2020-01-0{i % 9 + 1}{end[10:]}" for i in range(39)]
    frame = pd.DataFrame({"until": [end, *days], "size": np.arange(40) % 7})
    schema = describe_table(make_table(frame, np.arange(40) % 2))
    until = schema["columns"][0]

    assert until["kind"] == "date"
    assert until["high"].startswith(end[:10])
    assert sample_rows(schema)["until"].notna().all()


def test_names_that_are_markup_stay_text(tmp_path):
    """A hostile column name is no markup in the card."""
    name = "<script>alert(1)</script>|x"
    frame = pd.DataFrame({name: np.arange(40) % 7, "b": np.arange(40) % 5})
    table = make_table(frame, np.arange(40) % 2)
    pipeline = make_pipeline(table.encoder, LogisticRegression())
    pipeline.fit(frame, np.arange(40) % 2)
    card = (
        save_bundle(tmp_path / "m", pipeline, describe_table(table), INFO)
        / "model_card.md"
    ).read_text()

    assert "<script" not in card
    assert "words" not in card


def test_card_says_that_words_of_the_data_are_in_the_model(saved):
    """Whoever passes a model of text columns on passes these on as well."""
    card = (saved / "model_card.md").read_text()
    kept = pickle.loads((saved / "model.pkl").read_bytes())[1].transformers_[2][1]
    assert "cabin" in kept.vocabulary_
    assert "Of text columns the model holds words and pairs of words" in card


def test_earlier_bundle_is_replaced_and_others_files_are_not(fitted, bundle):
    """Saving twice is fine; a foreign file is never deleted."""
    assert save_bundle(bundle, fitted[0], describe_table(fitted[1]), INFO) == bundle
    (bundle / "notes.txt").write_text("mine")
    with pytest.raises(AutoMLConfigError, match=r"'notes\.txt', which is of no bundle"):
        save_bundle(bundle, fitted[0], describe_table(fitted[1]), INFO)
    assert (bundle / "notes.txt").exists()


def test_folder_of_others_and_files_are_refused(fitted, tmp_path):
    """A folder with somebody's files, and a file, are no targets."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "model.pkl").write_text("mine")
    for target in (tmp_path / "mine", tmp_path / "mine" / "model.pkl"):
        with pytest.raises(AutoMLConfigError, match="expected"):
            save_bundle(target, fitted[0], describe_table(fitted[1]), INFO)


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(errno.EIO, "Broken")])
def test_a_save_that_ends_between_two_renames_loses_nothing(
    error, fitted, bundle, monkeypatch
):
    """The earlier bundle is put aside by then, and comes back."""
    before = {p.name: p.read_bytes() for p in bundle.iterdir()}
    rename, left = Path.rename, iter([True])

    def once(path, target):
        rename(path, target)
        if next(left, False):
            raise error

    monkeypatch.setattr(Path, "rename", once)
    with pytest.raises((KeyboardInterrupt, AutoMLError)):
        save_bundle(bundle, fitted[0], describe_table(fitted[1]), INFO)
    assert before == {p.name: p.read_bytes() for p in bundle.iterdir()}
    assert [bundle] == list(bundle.parent.iterdir())


def test_failed_save_leaves_the_earlier_bundle(fitted, bundle, monkeypatch):
    """A full disk is named, and what was there still loads."""
    before = {p.name: p.read_bytes() for p in bundle.iterdir()}

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    for function in ("_write", "_swap"):
        with monkeypatch.context() as patch:
            patch.setattr(bundle_module, function, full)
            with pytest.raises(AutoMLError, match="No space left") as caught:
                save_bundle(bundle, fitted[0], describe_table(fitted[1]), INFO)
        assert caught.value.code == "E-disk"
    assert before == {p.name: p.read_bytes() for p in bundle.iterdir()}
    assert [bundle] == list(bundle.parent.iterdir())
