"""What the tests of the command share."""

import pandas as pd
import pytest

import automl
from tests.cli.kit import BANK, FakeModel, call


@pytest.fixture
def fake(monkeypatch):
    """Stand in for the library: nothing is searched."""
    kind = type("Fake", (FakeModel,), {})
    monkeypatch.setitem(vars(automl), "AutoML", kind)
    monkeypatch.setitem(vars(automl), "load", lambda _: kind())
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


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """A finished run of two configurations in the working directory."""
    monkeypatch.chdir(tmp_path)
    pd.read_csv(BANK).iloc[:400].to_csv("bank.csv", index=False)
    fitted = call(
        "fit", "bank.csv", "--target", "y", "--trials", 2, "--jobs", 1,
        "--candidates", "logistic", "--cv", 3, "--out", "run", "-q",
    )  # fmt: skip
    assert fitted.exit_code == 0, fitted.output
    return tmp_path / "run"
