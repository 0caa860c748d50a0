"""The command inside this process, and a model that is none."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
from typer.testing import CliRunner

from automl.cli import app
from automl.exceptions import (
    AutoMLDataError,
)
from automl.metrics import resolve_metric

BANK = Path(__file__).parents[2] / "examples" / "data" / "bank.csv"


class FakeModel:
    """A fitted model of three columns that gives everyone the same odds."""

    task_ = "binary"
    classes_ = np.array(["=no", "yes"], dtype=object)
    metric_ = resolve_metric("log_loss", "binary")
    best_score_ = -0.25
    best_candidate_ = "ridge"
    weights_ = {1: 1.0}  # noqa: RUF012 - a stand-in
    best_params_ = {"alpha": 0.5}  # noqa: RUF012 - a stand-in
    summary_ = "Logistic wins."
    facts_ = {  # noqa: RUF012 - a stand-in
        "temperature": 0.7,
        "estimate": {
            "method": "bbc",
            "natural": 0.2712, "low": 0.25, "high": 0.3, "level": 0.95,
            "warning": "40 scored rows are too few to conclude.",
        },
    }  # fmt: skip
    manifest = {"metric": {"name": "log_loss"}}  # noqa: RUF012 - a stand-in
    schema = {"target": "y", "columns": ()}  # noqa: RUF012 - a stand-in
    pipeline_ = (SimpleNamespace(named=False, plan=()),)
    feature_names_in_ = ("age", "w", "note")
    interrupted_ = False
    checks_ = ()
    error = None
    seen = {}  # noqa: RUF012 - a stand-in

    def __init__(self, **params):
        self.params = params

    def fit(self, X, y, **columns):
        """Take note of what came."""
        if self.error is not None:
            raise self.error
        type(self).seen = {**self.params, "X": X, "y": y, **columns}
        self.params["run_dir"].mkdir(parents=True, exist_ok=True)
        return self

    @property
    def leaderboard_(self):
        """Return a table of twelve rows, the last without a rank."""
        n = 12
        return pd.DataFrame(
            {
                "rank": pd.array([*range(1, n), None], dtype="Int64"),
                "candidate": ["logistic"] * n,
                "score": [-0.25] * (n - 1) + [np.nan],
                "score_std": [0.01] * (n - 1) + [np.nan],
                "value": [0.25] * (n - 1) + [np.nan],
                "origin": ["start: the known good point"] * n,
                "status": ["ok"] * (n - 1) + ["raced"],
                "fit_s": [0.1] * n,
                "params": [{"alpha": 0.5}] * n,
                "reason": [None] * n,
            }
        )

    def report(self, path):
        """Write a page."""
        path.write_text("<html>")

    def save(self, folder):
        """Write the two descriptions."""
        folder.mkdir(exist_ok=True)
        (folder / "manifest.json").write_text('{"metric": {"name": "log_loss"}}')
        columns = [{"name": "age", "kind": "number"}]
        (folder / "schema.json").write_text(json.dumps({"columns": columns}))

    def predict_proba(self, X):
        """Return the same odds for all."""
        if "age" not in X:
            raise AutoMLDataError("The column 'age' is missing.", column="age")
        return np.tile([0.75, 0.25], (len(X), 1))

    def predict(self, X):
        """Return the likelier label."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def predict_both(self, X):
        """Return labels and odds."""
        return self.predict(X), self.predict_proba(X)


def call(*args, **kwargs):
    """Run the command inside this process."""
    return CliRunner().invoke(app, [str(a) for a in args], **kwargs)


def assert_one_sentence(result, code, *parts):
    """Exit code, one line on standard error, nothing on standard output."""
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    for part in parts:
        assert part in result.stderr
