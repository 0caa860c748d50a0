"""What the tests of the command share."""

import shutil

import pandas as pd
import pytest

import automl
from tests.cli.kit import BANK, FakeModel, call


@pytest.fixture
def fake(monkeypatch):
    """Stand in for the library: nothing is searched."""
    kind = type("Fake", (FakeModel,), {})

    def load(_folder, *, allow_version_drift):
        kind.drift = allow_version_drift
        return kind()

    monkeypatch.setitem(vars(automl), "AutoML", kind)
    monkeypatch.setitem(vars(automl), "load", load)
    return kind


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A small file in the working directory."""
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame(
        {"age": [30, 40, 50, 60], "w": [1, 2, 1, 2], "y": ["=no", "yes", "=no", "yes"]}
    )
    frame.to_csv("data.csv", index=False)
    return frame


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A folder with a table and a finished run of two configurations of it."""
    home = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        pd.read_csv(BANK).iloc[:400].to_csv("bank.csv", index=False)
        fitted = call(
            "fit", "bank.csv", "--target", "y", "--trials", 2, "--jobs", 1,
            "--candidates", "logistic", "--cv", 3, "--out", "run", "-q",
        )  # fmt: skip
    assert fitted.exit_code == 0, fitted.output
    return home


@pytest.fixture
def begun(finished, tmp_path, monkeypatch):
    """The finished run as if it had been begun in the working directory."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    command = tmp_path / "run" / "command.json"
    command.write_text(command.read_text().replace(str(finished), str(tmp_path)))
    return tmp_path / "run"
