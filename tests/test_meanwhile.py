"""The score is corrected while workers fit, where that comes to the same."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics import make_scorer

from automl import AutoML, expectation
from automl import run as run_module
from automl.appraisal import Appraised
from automl.expectation import Meanwhile, is_arithmetic
from automl.folds import make_folds
from automl.metrics import resolve_metric
from automl.table import make_table
from automl.trial import Trial
from tests.data import small_table

GIVEN = {
    "n_trials": 6, "candidates": ["logistic", "k_nearest"], "cv": 3, "random_state": 0,
    "verbose": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def data():
    """Return features and classes."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(160, 4))
    return X, (X[:, 0] + rng.normal(size=160) > 0).astype(int)


def test_an_estimate_made_meanwhile_is_the_one_made_afterwards(data, monkeypatch):
    """One process corrects it when all is fitted, two while they fit."""
    found = []
    real = Meanwhile.found
    monkeypatch.setattr(
        Meanwhile, "found", lambda *a: found.append(real(*a)) or found[-1]
    )
    two = AutoML(**GIVEN, n_jobs=2).fit(*data)
    assert found[0].estimate.method == "bbc"
    one = AutoML(**GIVEN, n_jobs=1).fit(*data)
    assert len(found) == 1
    assert one.score_estimate_ == two.score_estimate_
    assert one.score_interval_ == two.score_interval_


def done(trial, temperature=1.0, rule=None):
    """Return what a search came to."""
    return SimpleNamespace(
        out=SimpleNamespace(trial=trial), temperature=temperature, rule=rule
    )


def begun(monkeypatch, method="bbc"):
    """Return what was begun about trial 3, and what it will come to."""
    made = Appraised(SimpleNamespace(method=method))
    monkeypatch.setattr(expectation, "appraise", lambda *_, **__: made)
    interrupt = SimpleNamespace(asked=False, asked_s=None)
    given = SimpleNamespace(predictions=None)
    meanwhile = Meanwhile(None, given, None, interrupt, None)
    trial = Trial(3, "a", {"x": 1}, "", "ok")
    meanwhile.start(trial, None, 1.0)
    return meanwhile, trial, made


def test_what_was_about_something_else_is_made_again(monkeypatch):
    """Another trial, other weights, another temperature, another rule."""
    same = Trial(3, "a", {"x": 1}, "", "ok")
    for other in (
        done(Trial(4, "a", {"x": 1}, "", "ok")),
        done(Trial(3, "a", {"x": 2}, "", "ok")),
        done(same, 0.5),
        done(same, rule=object()),
    ):
        assert begun(monkeypatch)[0].found(other) is None
    meanwhile, trial, made = begun(monkeypatch)
    assert meanwhile.found(done(trial)) is made


def test_what_had_too_little_time_is_made_again(monkeypatch):
    """The mean of the folds is no correction."""
    meanwhile, trial, _ = begun(monkeypatch, "naive")
    assert meanwhile.found(done(trial)) is None


def test_a_metric_of_the_users_is_asked_in_his_own_thread():
    """Nor is a table of many rows and classes worked on beside fits."""
    table = make_table(*small_table(60))
    folds = make_folds(
        table.y, cv=3, stratify=False, groups=None, time=None, random_state=0
    )

    def suits(metric, **changed):
        given = {"n_classes": 2} | changed
        return is_arithmetic(
            SimpleNamespace(table=SimpleNamespace(**given), folds=folds, metric=metric)
        )

    assert suits(resolve_metric("roc_auc", "binary"))
    assert not suits(resolve_metric("roc_auc", "binary"), n_classes=10_000)

    def own(_y, _p):
        return 0.5

    assert not suits(resolve_metric(make_scorer(own), "binary"))


def test_the_report_says_what_processors_did(data):
    """Inside folds, and inside the fits and looks that followed."""
    model = AutoML(**GIVEN, n_jobs=2).fit(*data)
    spent = model.facts_["run"]["cpu_s"]
    folds = [f for t in model.trials_ if t.number for f in t.folds]
    assert spent["folds"] == pytest.approx(sum(f.cpu_s for f in folds), rel=0.01)
    assert spent["end"] > 0


def test_a_metric_of_the_users_is_not_asked_ahead_of_the_end(data, monkeypatch):
    """It may take seconds, in which the search would wait for its results."""
    made, real = [], run_module.Lookout
    monkeypatch.setattr(run_module, "Lookout", lambda *a: made.append(a) or real(*a))
    AutoML(**GIVEN, n_jobs=1, metric="roc_auc").fit(*data)
    assert len(made) == 1
    own = make_scorer(lambda y, p: float(np.mean(y == p)))
    AutoML(**GIVEN, n_jobs=1, metric=own).fit(*data)
    assert len(made) == 1
