"""The script of a bundle predicts alone, and ends with a sentence and a code."""

import bz2
import gzip
import json
import lzma
import os
import pickle
import runpy
import shutil
import stat
import venv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline

from automl.bundle import loading, save_bundle
from automl.bundle.schema import describe_table
from automl.cli import reading
from automl.table import make_table
from tests.bundle.kit import INFO, Canary, new_passengers, python, rewrite


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


def test_script_keeps_what_was_there_where_it_cannot_write(saved, tmp_path):
    """One sentence and a code; neither the rows nor a half file are in the way."""
    new_passengers().to_csv(tmp_path / "new.csv", index=False)
    (tmp_path / "link.csv").symlink_to(tmp_path / "new.csv")
    (tmp_path / "folder").mkdir()
    before = {p: p.stat().st_size for p in tmp_path.iterdir()}
    for out, said in [
        ("link.csv", "link.csv holds the rows"),
        ("folder", "folder could not be written: Is a directory. What"),
        ("none/out.csv", "none/out.csv could not be written: No such file"),
    ]:
        done = python(saved / "predict.py", "new.csv", "-o", out, cwd=tmp_path)
        assert (done.returncode, said in done.stderr) == (3, True), done.stderr
        assert done.stderr.count("\n") == 1
    assert {p: p.stat().st_size for p in tmp_path.iterdir()} == before


def test_script_writes_to_a_device_and_through_a_link(saved, tmp_path):
    """Neither is replaced by a file of its name."""
    new_passengers().to_csv(tmp_path / "new.csv", index=False)
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    (tmp_path / "real.csv").chmod(0o600)
    for out in (tmp_path / "link.csv", "/dev/stdout"):
        done = python(saved / "predict.py", "new.csv", "-o", out, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() in done.stdout
    assert stat.S_IMODE((tmp_path / "real.csv").stat().st_mode) == 0o600
    assert len(list(tmp_path.iterdir())) == 3


def test_script_takes_rows_that_end_in_a_separator(fitted, saved, tmp_path):
    """The first cell is then no name of the row, and no column is one off."""
    rows = new_passengers()
    head, *lines = rows.to_csv(index=False).splitlines()
    text = "\n".join([head, *(f"{line}," for line in lines)])
    (tmp_path / "new.csv").write_text(f"{text}\n")
    done = python(saved / "predict.py", "new.csv", "-o", "out.csv", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    found = pd.read_csv(tmp_path / "out.csv")
    assert list(found["prediction"]) == list(fitted[0].predict(rows))


@pytest.mark.parametrize("name", ["new.csv", "NEW.CSV.GZ", "new.csv.bz2", "new.csv.xz"])
def test_script_predicts_empty_lines_of_a_single_column(name, tmp_path):
    """They are rows with a missing cell, but for those at the end of the file."""
    frame = pd.DataFrame({"a": [*range(1, 40), np.nan]})
    table = make_table(frame, frame["a"].fillna(0))
    pipeline = make_pipeline(table.encoder, SimpleImputer(), Ridge())
    pipeline.fit(frame, table.y)
    place = save_bundle(tmp_path / "m", pipeline, describe_table(table), INFO)
    text = b'a\n1\n\n3\n""\n\n\n'
    packers = {".GZ": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
    packed = packers.get(Path(name).suffix, bytes)(text)
    (tmp_path / name).write_bytes(packed)
    done = python(place / "predict.py", name, "-o", "out.csv", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    expected = pipeline.predict(pd.DataFrame({"a": [1, np.nan, 3, np.nan]}))
    found = pd.read_csv(tmp_path / "out.csv")["prediction"]
    np.testing.assert_allclose(found, expected)


def test_script_refuses_damage_and_names_bad_data(bundle, tmp_path):
    """Exit codes: 3 for the data, 6 for the bundle, which is then not unpickled."""
    (tmp_path / "new.csv").write_text("age,port\n1,Rome\n")
    done = python(bundle / "predict.py", "new.csv", cwd=tmp_path)
    assert (done.returncode, "fare" in done.stderr) == (3, True)
    (bundle / "model.pkl").write_bytes(pickle.dumps(Canary(tmp_path / "sung")))
    done = python(bundle / "predict.py", "new.csv", cwd=tmp_path)
    assert (done.returncode, "model.pkl is missing" in done.stderr) == (6, True)
    assert not (tmp_path / "sung").exists()


@pytest.mark.parametrize("damage", ["edited score", "unlisted schema"])
def test_script_refuses_a_manifest_that_is_not_as_written(damage, bundle, tmp_path):
    """Its checksum is verified, and that it lists every file of a bundle."""
    path = bundle / "manifest.json"
    if damage == "edited score":
        path.write_text(path.read_text().replace("0.87", "0.97"))
    else:
        files = json.loads(path.read_text())["files"]
        rewrite(bundle, files={k: v for k, v in files.items() if k != "schema.json"})
    done = python(bundle / "predict.py", "--check", cwd=tmp_path)
    assert (done.returncode, "not as it was written" in done.stderr) == (6, True)


def test_script_takes_other_versions_only_where_the_sample_is_predicted_as_before(
    bundle, tmp_path
):
    """The rows are predicted where drift is allowed, and not where it is felt."""
    rows = ("new.csv", "-o", "out.csv", "--allow-version-drift")
    new_passengers().to_csv(tmp_path / "new.csv", index=False)
    packages = json.loads((bundle / "manifest.json").read_text())["packages"]
    rewrite(bundle, packages=packages | {"scikit-learn": "0.1"})
    done = python(bundle / "predict.py", "new.csv", cwd=tmp_path)
    assert (done.returncode, "--allow-version-drift" in done.stderr) == (6, True)
    done = python(bundle / "predict.py", *rows, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (tmp_path / "out.csv").unlink()
    expected = json.loads((bundle / "expected.json").read_text())
    expected["probability"][0][0] += 1e-4
    (bundle / "expected.json").write_text(json.dumps(expected))
    rewrite(bundle)
    done = python(bundle / "predict.py", *rows, cwd=tmp_path)
    assert (done.returncode, "predictions differ by 0.0001" in done.stderr) == (6, True)
    assert not (tmp_path / "out.csv").exists()


def test_script_and_library_know_the_same_bundles(saved):
    """They share no code, so what both must hold is compared."""
    script = runpy.run_path(str(saved / "predict.py"))
    for name in ("FILES", "FORMAT", "TOLERANCE"):
        assert script[name] == getattr(loading, name)
    assert script["MISSING"] == reading.MISSING


def test_script_counts_cells_that_it_cannot_read(saved, tmp_path):
    """They count as missing, as one line says; gaps that are written out are none."""
    rows = new_passengers().astype({"age": object, "fare": object})
    rows.loc[:2, "age"] = "old"
    rows.loc[3, "boarded"] = "some day"
    rows.loc[4:6, "fare"] = ["?", "NA", "-"]
    rows.to_csv(tmp_path / "new.csv", index=False)
    done = python(saved / "predict.py", "new.csv", "-o", "out.csv", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert done.stderr == "4 cells cannot be read and count as missing.\n"


@pytest.mark.parametrize(
    "names", [[2023, 2024], pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")])]
)
def test_script_checks_models_whose_columns_have_other_names(tmp_path, names):
    """The sample's columns stand as they did in the table: years, or pairs."""
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 2)), columns=names)
    y = frame.iloc[:, 0] + 1
    table = make_table(frame, y)
    pipeline = make_pipeline(table.encoder, Ridge()).fit(frame, y)
    place = save_bundle(tmp_path / "m", pipeline, describe_table(table), INFO)
    done = python(place / "predict.py", "--check", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_script_finds_columns_that_are_called_by_numbers(tmp_path):
    """The header's 2, 1, 0 are the labels of the table, whatever their order."""
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 3)))
    y = frame[0] + 10 * frame[1]
    table = make_table(frame, y)
    pipeline = make_pipeline(table.encoder, Ridge()).fit(frame, y)
    place = save_bundle(tmp_path / "m", pipeline, describe_table(table), INFO)
    frame[[2, 1, 0]].to_csv(tmp_path / "new.csv", index=False)
    done = python(place / "predict.py", "new.csv", "-o", "out.csv", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    found = pd.read_csv(tmp_path / "out.csv")["prediction"]
    np.testing.assert_allclose(found, pipeline.predict(frame))


@pytest.mark.parametrize(
    ("labels", "written"),
    [(["=1+1", "@x"], {"'=1+1", "'@x"}), (["-1", "+1.5"], {"-1", "+1.5"})],
)
def test_script_makes_formulas_harmless(labels, written, tmp_path):
    """A label that a spreadsheet would run gets a quote before it, a number none."""
    frame = pd.DataFrame({"a": np.arange(40) % 7})
    y = np.array(labels, dtype=object)[np.arange(40) % 2]
    table = make_table(frame, y, task="binary")
    pipeline = make_pipeline(table.encoder, LogisticRegression()).fit(frame, y)
    place = save_bundle(tmp_path / "m", pipeline, describe_table(table), INFO)
    frame.to_csv(tmp_path / "new.csv", index=False)
    done = python(place / "predict.py", "new.csv", "-o", "out.csv", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert set(pd.read_csv(tmp_path / "out.csv", dtype=str)["prediction"]) <= written


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
