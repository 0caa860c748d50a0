"""A folder of another run, or whose run cannot be known, is refused as it is."""

from contextlib import ExitStack

import numpy as np
import pandas as pd
import pytest

from automl import AutoML
from automl.exceptions import AutoMLConfigError, AutoMLDataError, AutoMLResourceError
from automl.journal import Journal, journal_line, read_journal
from automl.problem import make_problem
from automl.replay import replay
from tests.resume_kit import KEEP_GOING, snapshot, table

OTHERS = {
    "data": ("data", {"X": lambda X: X + 1}),
    "target": ("target", {"y": lambda y: -y}),
    "columns": ("columns", {"X": lambda X: pd.DataFrame(X, columns=list("abcd"))}),
    "weights": ("sample weights", {"sample_weight": np.arange(1.0, 91.0)}),
    "metric": ("metric: rmse there, mae here", {"metric": "mae"}),
    "seed": ("random_state: 3 there, 4 here", {"random_state": 4}),
    "folds": ("folds: 3-fold cross-validation, .* there, 5-fold", {"cv": 5}),
    "space": ("search space", {"candidates": ["elastic_net"]}),
}


@pytest.mark.parametrize("what", OTHERS)
def test_another_run_is_refused_before_anything_is_written(tmp_path, what):
    """Another data set, target, metric, seed, folds or space is named."""
    match, changes = OTHERS[what]
    X, y = table()
    run = {"n_trials": 1, "n_jobs": 1, "candidates": ["ridge"], **KEEP_GOING}
    run |= {"run_dir": tmp_path, "metric": "rmse"}
    AutoML(**run).fit(X, y)
    files = snapshot(tmp_path)
    X, y = changes.get("X", lambda v: v)(X), changes.get("y", lambda v: v)(y)
    run |= {k: v for k, v in changes.items() if k in run}
    weights = changes.get("sample_weight")
    with pytest.raises(AutoMLConfigError, match=match) as caught:
        AutoML(**run | {"n_trials": 2}).fit(X, y, sample_weight=weights)
    assert caught.value.code == "E-resume"
    assert snapshot(tmp_path) == files


def test_another_version_is_refused(tmp_path):
    """A run of another major or minor version of the library is not continued."""
    given = {"n_jobs": 1, "candidates": ["ridge"], "run_dir": tmp_path, **KEEP_GOING}
    AutoML(n_trials=1, **given).fit(*table())
    journal = tmp_path / "journal.jsonl"
    events, _ = read_journal(journal)
    events[0]["identity"]["automl-pipelines version"] = "0.0"
    journal.write_bytes(b"".join(map(journal_line, events)))
    with pytest.raises(AutoMLConfigError, match=r"version: 0\.0 there"):
        AutoML(n_trials=2, **given).fit(*table())


def test_a_journal_without_its_first_line_is_refused(tmp_path):
    """No other run goes on with its trials; nothing is written."""
    given = {"n_jobs": 1, "candidates": ["ridge"], "run_dir": tmp_path, **KEEP_GOING}
    AutoML(n_trials=1, **given).fit(*table())
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b"regression", b"regressiom", 1))
    files = snapshot(tmp_path)
    with pytest.raises(AutoMLDataError, match="has lost its first line") as caught:
        AutoML(n_trials=2, **given | {"random_state": 4}).fit(*table())
    assert caught.value.code == "E-journal"
    with pytest.raises(AutoMLDataError, match="has lost its first line"):
        replay(tmp_path, *table())
    assert snapshot(tmp_path) == files


@pytest.mark.parametrize(
    ("alive", "told"), [(True, "written by another run"), (False, "has got another")]
)
def test_two_runs_that_begin_in_one_folder_at_once(tmp_path, monkeypatch, alive, told):
    """The later one is told of the other, in whose files nothing changes."""
    other = ExitStack()

    def begin_other(*given, **columns):
        journal = other.enter_context(Journal(tmp_path))
        journal.write("start", {})
        if not alive:
            other.close()
        return make_problem(*given, **columns)

    monkeypatch.setattr("automl.run.make_problem", begin_other)
    run = {"n_trials": 1, "n_jobs": 1, "candidates": ["ridge"], **KEEP_GOING}
    with other, pytest.raises(AutoMLResourceError, match=told) as caught:
        AutoML(run_dir=tmp_path, **run).fit(*table())
    assert caught.value.code == "E-locked"
    assert len(read_journal(tmp_path / "journal.jsonl")[0]) == 1
