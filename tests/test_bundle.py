"""A model is saved whole, verified before it is loaded, and needs no library."""

import copy
import errno
import hashlib
import json
import os
import pickle
import random
import shutil
import stat
import subprocess
import sys
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cloudpickle
import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder

from automl import bundle as bundle_module
from automl.bundle import BundleInfo, load, save_bundle
from automl.bundle.loading import seal
from automl.bundle.portable import make_portable, named_modules
from automl.bundle.schema import describe_table, sample_rows
from automl.exceptions import (
    AutoMLConfigError,
    AutoMLDataError,
    AutoMLError,
    AutoMLIntegrityError,
    AutoMLWarning,
)
from automl.table import make_table

ROOT = Path(__file__).resolve().parent.parent
INFO = BundleInfo(
    metric="roc_auc",
    score=0.87,
    score_std=0.02,
    candidate="logistic",
    params={"C": 1.0},
    cv="5 stratified folds",
    random_state=7,
    created_utc="2030-01-01T00:00:00Z",
    estimate={
        "natural": 0.8421,
        "low": 0.81,
        "high": 0.88,
        "level": 0.95,
        "text": "Selected anew.",
        "warning": "9 rows of a class are too few.",
    },
    extra={"n_trials": 12},
)
NO_LIBRARY = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"automl", "hyperopt"}:
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
"""


def passengers(n_rows=160):
    """Table of numbers, categories, dates, texts, holes and an identifier."""
    rng = np.random.default_rng(0)
    words = ["slow", "fast", "cabin", "deck", "window", "family", "single", "late"]
    frame = pd.DataFrame(
        {
            "age": rng.normal(40, 12, n_rows).round(1),
            "fare": [f"{v:,.2f}" for v in rng.uniform(5, 3000, n_rows)],
            "port": rng.choice(["Rome", "Oslo", "007"], n_rows),
            "boarded": pd.date_range("2020-01-01", periods=n_rows).strftime("%d.%m.%Y"),
            "remark": [" ".join(rng.choice(words, 6)) + f" {i}" for i in range(n_rows)],
            "alone": rng.choice([True, False], n_rows),
            "ticket_id": [f"T{i:05d}" for i in range(n_rows)],
        }
    )
    frame.loc[::7, "age"] = np.nan
    frame.loc[::9, "port"] = None
    survived = (frame["age"].fillna(40) < 40) ^ (frame["port"] == "Oslo")
    return frame, np.where(survived, "yes", "no").astype(object)


def new_passengers():
    """Rows with an unseen category and holes."""
    frame, _ = passengers(30)
    frame["port"] = ["Lima", None, "Rome"] * 10
    return frame


def linear_pipeline(table):
    """Unfitted pipeline of library classes behind the table's encoder."""
    steps = [
        ("n", SimpleImputer(), table.ids("number", "boolean", "date")),
        ("c", OneHotEncoder(handle_unknown="ignore"), table.ids("category")),
        *((i, TfidfVectorizer(), i) for i in table.ids("text")),
    ]
    model = LogisticRegression(max_iter=2000, C=0.5)
    scaled = ColumnTransformer(steps, sparse_threshold=0)
    from sklearn.preprocessing import StandardScaler

    return Pipeline(
        [("encode", table.encoder), ("prepare", scaled), ("s", StandardScaler()),
         ("model", model)]
    )  # fmt: skip


@pytest.fixture(scope="module")
def fitted():
    """Fitted pipeline of a binary task with its table."""
    frame, y = passengers()
    table = make_table(frame, y)
    return linear_pipeline(table).fit(frame, y), table


@pytest.fixture(scope="module")
def saved(fitted, tmp_path_factory):
    """Bundle that tests read only."""
    return save_bundle(
        tmp_path_factory.mktemp("bundles") / "model",
        fitted[0],
        describe_table(fitted[1]),
        INFO,
    )


@pytest.fixture
def bundle(saved, tmp_path):
    """Copy of the bundle that a test may damage."""
    return shutil.copytree(saved, tmp_path / "copy")


def rewrite(bundle, **changes):
    """Change the manifest as somebody would who also renews its checksums."""
    path = bundle / "manifest.json"
    manifest = json.loads(path.read_text()) | changes
    for name in manifest["files"]:
        content = (bundle / name).read_bytes()
        manifest["files"][name] = hashlib.sha256(content).hexdigest()
    manifest["sha256"] = seal(manifest)
    path.write_text(json.dumps(manifest))


def python(code_or_file, *arguments, cwd, interpreter=sys.executable):
    """Run Python where the library is not on the path."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    return subprocess.run(
        [str(interpreter), *map(str, (code_or_file, *arguments))],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


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
    new_passengers().to_pickle(tmp_path / "rows.pkl")
    code = NO_LIBRARY + (
        "import pickle, pandas, json\n"
        f"model = pickle.load(open({str(saved / 'model.pkl')!r}, 'rb'))\n"
        "rows = pandas.read_pickle('rows.pkl')\n"
        "print(json.dumps(model.predict_proba(rows)[:, 1].tolist()))\n"
        "assert not [m for m in sys.modules if m.startswith(('automl', 'hyperopt'))]\n"
    )

    done = python("-c", code, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    expected = fitted[0].predict_proba(new_passengers())[:, 1]
    np.testing.assert_allclose(json.loads(done.stdout), expected, atol=1e-9)


def test_pickle_names_neither_library_nor_machine(saved):
    """No module of ours and no path of this machine is in the pickle."""
    payload = (saved / "model.pkl").read_bytes()

    assert not {m for m in named_modules(payload) if m.startswith(("automl", "hyper"))}
    for path in (ROOT, Path.home(), sys.prefix):
        assert str(path).encode() not in payload
    assert not cloudpickle.list_registry_pickle_by_value()


def test_pipeline_that_needs_the_search_is_refused():
    """Code that imports the library when it runs cannot be deployed."""
    from sklearn.preprocessing import FunctionTransformer

    def needs_library(X):
        import hyperopt  # noqa: F401

        return X

    with pytest.raises(AutoMLConfigError, match="its code imports hyperopt"):
        make_portable(FunctionTransformer(needs_library))


def test_requirements_pin_what_the_model_uses(saved):
    """Exact versions of the packages used, and of what those need; never ours."""
    lines = (saved / "requirements.txt").read_text().splitlines()
    pins = {line.partition("==")[0] for line in lines if not line.startswith("#")}

    assert {"scikit-learn", "numpy", "pandas", "scipy", "cloudpickle"} <= pins
    assert not pins & {"automl-pipelines", "hyperopt", "lightgbm", "jinja2"}
    assert all("==" in line for line in lines if not line.startswith("#"))


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
    assert manifest["metric"]["estimate"]["natural"] == 0.8421
    assert "{{" not in card + (saved / "README.md").read_text()


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
    )

    assert "<script" not in card.read_text()


# ---------------------------------------------------------------------- damage


class Canary:
    """Leaves a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


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
    with pytest.raises(AutoMLIntegrityError, match=r"scikit-learn 0\.1; here it is 1"):
        load(bundle)

    assert load(bundle, allow_version_drift=True).task_ == "binary"


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


# ---------------------------------------------------------------------- saving


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


# ------------------------------------------------------------------ predicting


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


def test_empty_table_and_empty_row(saved):
    """No rows give no predictions of the right shape; an empty row gives one."""
    loaded, rows = load(saved), new_passengers()
    assert loaded.predict(rows.iloc[:0]).shape == (0,)
    assert loaded.predict_proba(rows.iloc[:0]).shape == (0, 2)
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


# ------------------------------------------------------------------ predict.py


def test_script_predicts_as_here(fitted, saved, tmp_path):
    """The script on a raw CSV gives the predictions made here."""
    rows = new_passengers()
    rows.to_csv(tmp_path / "new.csv", index=False)
    done = python(saved / "predict.py", "new.csv", "-o", "out.csv", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "30 predictions are in out.csv" in done.stdout
    found = pd.read_csv(tmp_path / "out.csv")
    assert list(found["prediction"]) == list(fitted[0].predict(rows))
    np.testing.assert_allclose(
        found.iloc[:, 1:], fitted[0].predict_proba(rows), atol=1e-9
    )


def test_script_refuses_damage_and_names_bad_data(bundle, tmp_path):
    """Exit codes: 3 for the data, 6 for the bundle, which is then not unpickled."""
    (tmp_path / "new.csv").write_text("age,port\n1,Rome\n")
    done = python(bundle / "predict.py", "new.csv", cwd=tmp_path)
    assert (done.returncode, "fare" in done.stderr) == (3, True)
    (bundle / "model.pkl").write_bytes(pickle.dumps(Canary(tmp_path / "sung")))
    done = python(bundle / "predict.py", "new.csv", cwd=tmp_path)
    assert (done.returncode, "model.pkl is missing" in done.stderr) == (6, True)
    assert not (tmp_path / "sung").exists()


def test_script_makes_formulas_harmless(tmp_path):
    """A class label that a spreadsheet would run is written with a quote before."""
    frame = pd.DataFrame({"a": np.arange(40) % 7})
    y = np.array(["=1+1", "@x"], dtype=object)[np.arange(40) % 2]
    table = make_table(frame, y)
    pipeline = make_pipeline(table.encoder, LogisticRegression()).fit(frame, y)
    place = save_bundle(tmp_path / "m", pipeline, describe_table(table), INFO)
    frame.to_csv(tmp_path / "new.csv", index=False)
    done = python(place / "predict.py", "new.csv", "-o", "out.csv", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert set(pd.read_csv(tmp_path / "out.csv")["prediction"]) <= {"'=1+1", "'@x"}


@pytest.mark.cleanenv
def test_bundle_works_in_a_clean_environment(fitted, saved, tmp_path):
    """Only requirements.txt is installed, the folder is moved, the script agrees."""
    moved = shutil.copytree(saved, tmp_path / "moved here")
    home = tmp_path / "env"
    venv.create(home, with_pip=True, symlinks=os.name != "nt")
    scripts = home / ("Scripts" if os.name == "nt" else "bin")
    pip = ("-m", "pip", "--disable-pip-version-check")
    arguments = {"cwd": tmp_path, "interpreter": scripts / "python"}
    done = python(*pip, "install", "-q", "-r", moved / "requirements.txt", **arguments)
    assert done.returncode == 0, done.stderr
    listed = python(*pip, "list", **arguments).stdout.lower()
    assert "scikit-learn" in listed
    assert "automl" not in listed
    assert "hyperopt" not in listed

    rows = new_passengers()
    rows.to_csv(tmp_path / "new.csv", index=False)
    done = python(moved / "predict.py", "--check", **arguments)
    assert done.returncode == 0, done.stderr
    done = python(moved / "predict.py", "new.csv", "-o", "out.csv", **arguments)
    assert done.returncode == 0, done.stderr
    found = pd.read_csv(tmp_path / "out.csv")
    assert list(found["prediction"]) == list(fitted[0].predict(rows))
    np.testing.assert_allclose(
        found.iloc[:, 1:], fitted[0].predict_proba(rows), atol=1e-9
    )
