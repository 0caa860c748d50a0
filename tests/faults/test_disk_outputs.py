"""Models, reports and folders that cannot be written: F02 and F03."""

import errno
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

import automl
from automl import AutoML
from automl.cli import app
from automl.exceptions import (
    AutoMLConfigError,
    AutoMLResourceError,
)
from tests.faults.disk_kit import QUICK, break_disk, table

BANK = Path(__file__).parents[2] / "examples" / "data" / "bank.csv"


# ------------------------------------------------------- F02: no space for the model


@pytest.fixture(scope="module")
def model():
    """Return a fitted model."""
    return AutoML(**QUICK).fit(*table())


def files_of(folder):
    """Return the bytes of all files."""
    return {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("fault", ["fsync", "rename"])
def test_f02_a_model_that_cannot_be_saved_leaves_the_earlier_one(
    model, tmp_path, monkeypatch, fault
):
    """E-disk; the folder of the earlier model is as it was, without scraps beside."""
    X, _ = table()
    folder = model.save(tmp_path / "model")
    files = files_of(folder)
    break_disk(monkeypatch, fault)
    with pytest.raises(AutoMLResourceError, match="unchanged") as caught:
        model.save(folder)
    monkeypatch.undo()
    assert caught.value.code == "E-disk"
    assert files_of(folder) == files
    assert [p.name for p in tmp_path.iterdir()] == ["model"]
    assert (automl.load(folder).predict(X) == model.predict(X)).all()


@pytest.mark.parametrize("fault", ["fsync", "rename"])
def test_f02_a_report_that_cannot_be_written_leaves_the_earlier_one(
    model, tmp_path, monkeypatch, fault
):
    """E-disk; the earlier report is as it was, without scraps beside."""
    (tmp_path / "report.html").write_text("earlier")
    break_disk(monkeypatch, fault, errno.ENOSPC)
    with pytest.raises(AutoMLResourceError, match="No space left") as caught:
        model.report(tmp_path / "report.html")
    assert caught.value.code == "E-disk"
    assert files_of(tmp_path) == {"report.html": b"earlier"}


def test_f02_a_place_that_is_no_folder_takes_no_report(model, tmp_path):
    """What the system says is in the sentence, whatever it is."""
    (tmp_path / "file").touch()
    with pytest.raises(AutoMLResourceError, match="could not be written") as caught:
        model.report(tmp_path / "file" / "report.html")
    assert caught.value.code == "E-disk"


def test_f02_the_command_keeps_the_model_where_the_report_fails(tmp_path, monkeypatch):
    """The model is written first; what failed is one sentence and a code."""
    run = tmp_path / "run"

    def fail(*_args):
        raise ZeroDivisionError("a template")

    monkeypatch.setattr("automl.report.render", fail)
    bank = tmp_path / "bank.csv"
    bank.write_text("".join(BANK.read_text().splitlines(keepends=True)[:400]))
    result = CliRunner().invoke(
        app,
        ["fit", str(bank), "--target", "y", "--trials", "1", "--jobs", "1", "-q",
         "--candidates", "logistic", "--cv", "3", "--out", str(run)],
    )  # fmt: skip
    assert result.exit_code == 3
    assert "The report could not be written: a template. The model is in" in (
        result.stderr
    )
    assert automl.load(run / "model").predict(table_of_bank()).shape == (5,)
    assert (run / "leaderboard.csv").is_file()


def table_of_bank():
    """Return five rows of the example."""
    import pandas as pd

    return pd.read_csv(BANK).drop(columns="y").head(5)


# --------------------------------------------------- F03: folders that cannot be used


@pytest.mark.parametrize("kind", ["file", "beneath a file", "not writable", "others"])
def test_f03_a_folder_that_cannot_be_used_is_refused_at_once(
    tmp_path, monkeypatch, kind
):
    """E-path before any training, in one sentence."""
    (tmp_path / "file").write_text("mine")
    path = {
        "file": tmp_path / "file",
        "beneath a file": tmp_path / "file" / "run",
        "not writable": Path("/proc/self/run"),
        "others": tmp_path,
    }[kind]
    monkeypatch.setattr("automl.run.run_search", None)  # it never comes to that
    with pytest.raises(AutoMLConfigError, match="run_dir=") as caught:
        AutoML(run_dir=path, **QUICK).fit(*table())
    assert caught.value.code == "E-path"
    assert (tmp_path / "file").read_text() == "mine"


def test_f03_a_read_only_file_system_is_refused_at_once(tmp_path, monkeypatch):
    """Where nothing can be opened for writing, the sentence says so."""
    real = os.open

    def read_only(path, flags, *args, **kwargs):
        if flags & os.O_RDWR and str(path).startswith(str(tmp_path)):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return real(path, flags, *args, **kwargs)

    monkeypatch.setattr(os, "open", read_only)
    with pytest.raises(AutoMLConfigError, match="Read-only") as caught:
        AutoML(run_dir=tmp_path / "run", **QUICK).fit(*table())
    assert caught.value.code == "E-path"
