"""A folder of another run, or whose run cannot be known, is refused as it is."""

from contextlib import ExitStack

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import fbeta_score, make_scorer

from automl import AutoML
from automl.exceptions import AutoMLConfigError, AutoMLDataError, AutoMLResourceError
from automl.identity import _metric
from automl.journal import Journal, journal_line, read_journal
from automl.metrics import resolve_metric
from automl.problem import make_problem
from automl.replay import replay
from tests.resume_kit import KEEP_GOING, snapshot, table

pytestmark = pytest.mark.usefixtures("all_unexplained")

OTHERS = {
    "data": ("data", {"X": lambda X: X + 1}),
    "target": ("target", {"y": lambda y: -y}),
    "columns": ("columns", {"X": lambda X: pd.DataFrame(X, columns=list("abcd"))}),
    "weights": ("sample weights", {"sample_weight": np.arange(1.0, 91.0)}),
    "metric": ("metric: rmse there, mae here", {"metric": "mae"}),
    "seed": ("random_state: 3 there, 4 here", {"random_state": 4}),
    "folds": ("folds: 3-fold cross-validation, .* there, 5-fold", {"cv": 5}),
    "space": (
        "space: .* candidates or their files have changed",
        {"candidates": ["elastic_net"]},
    ),
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


def own(factor):
    """Return a metric of one name, whatever its factor."""

    def metric(_estimator, _X, y):
        return -factor * float(np.mean(np.abs(y)))

    return metric


def drawn(_estimator, _X, _y):
    """Return a number by chance: a bad metric, and the same one each time."""
    return float(np.random.default_rng().random())


@pytest.mark.parametrize("finished", [1, 2])
def test_a_metric_that_was_edited_is_another(tmp_path, finished):
    """Its name is the same, and the baseline is scored otherwise; the same goes on."""
    run = {"n_jobs": 1, "candidates": ["ridge"], "run_dir": tmp_path, **KEEP_GOING}
    AutoML(n_trials=1, metric=own(1), **run).fit(*table())
    files = snapshot(tmp_path)
    with pytest.raises(AutoMLConfigError, match="called metric, too") as caught:
        AutoML(n_trials=finished, metric=own(2), **run).fit(*table())
    assert caught.value.code == "E-resume"
    assert snapshot(tmp_path) == files
    AutoML(n_trials=finished, metric=own(1), **run).fit(*table())


def test_a_metric_by_chance_is_the_same_one(tmp_path):
    """What says something else each time is not known by what it says."""
    run = {"n_jobs": 1, "candidates": ["ridge"], "run_dir": tmp_path, **KEEP_GOING}
    AutoML(n_trials=1, metric=drawn, **run).fit(*table())
    assert len(AutoML(n_trials=2, metric=drawn, **run).fit(*table()).trials_) == 3


def test_arguments_of_a_scorer_make_another_metric(tmp_path):
    """F-beta gives the baseline 0 for any beta, so what the scorer is given counts."""
    X, y = table()
    labels = np.where(y > 0.5, "yes", "no")
    run = {"n_jobs": 1, "candidates": ["logistic"], "run_dir": tmp_path, **KEEP_GOING}

    def scorer(beta):
        return make_scorer(fbeta_score, beta=beta, pos_label="yes")

    AutoML(n_trials=1, metric=scorer(1), **run).fit(X, labels)
    with pytest.raises(AutoMLConfigError, match="another metric: fbeta_score with"):
        AutoML(n_trials=2, metric=scorer(2), **run).fit(X, labels)
    assert len(AutoML(n_trials=2, metric=scorer(1), **run).fit(X, labels).trials_) == 3


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


def test_metrics_with_other_tables_of_costs_are_others():
    """The keys of a cost matrix are pairs, which JSON does not know."""
    names = [
        _metric(resolve_metric(make_scorer(fbeta_score, costs=costs), "binary"))
        for costs in ({(0, 1): 5.0}, {(0, 1): 6.0}, {1: 2.0, "a": np.float64(1)})
    ]
    assert len(set(names)) == 3
