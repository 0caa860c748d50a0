"""Models of folds on disk, while they may be deployed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from sklearn.dummy import DummyRegressor
from sklearn.pipeline import Pipeline

from automl import kept, loop
from automl.history import History
from automl.kept import (
    FOLDER,
    has_model,
    keep_model,
    kept_model,
    models_there,
    prune_models,
)
from automl.trial import Trial


@pytest.fixture
def folder(tmp_path):
    """Return a workplace's folder."""
    (tmp_path / FOLDER).mkdir()
    return tmp_path


def pipeline(value=1.0):
    """Return a small fitted pipeline."""
    return Pipeline([("model", DummyRegressor().fit([[0]], [value]))])


def test_what_is_kept_comes_back_until_it_is_not_wanted(folder):
    """Models of other trials go, all their folds."""
    for trial in (1, 12):
        for fold in (0, 1):
            keep_model(folder, trial, fold, pipeline(trial + fold))
    prune_models(models_there(folder), set(), [12])
    assert [has_model(folder, t, f) for t in (1, 12) for f in (0, 1)] == [
        False, False, True, True,
    ]  # fmt: skip
    assert kept_model(folder, 12, 1).predict([[0]]) == [13.0]


def test_models_beyond_the_room_go_the_worst_first(folder, monkeypatch):
    """Those of the best and of what is running stay whatever they take."""
    for trial in (1, 2, 3, 4):
        keep_model(folder, trial, 0, pipeline(trial))
    size = models_there(folder)[0].stat().st_size
    monkeypatch.setattr(kept, "ALL_BYTES", int(2.5 * size))
    prune_models(models_there(folder), {4}, [3, 1, 2])
    assert [has_model(folder, t, 0) for t in (1, 2, 3, 4)] == [True, False, True, True]
    monkeypatch.setattr(kept, "ALL_BYTES", 1)
    prune_models(models_there(folder), set(), [3, 1])
    assert [has_model(folder, t, 0) for t in (1, 3)] == [False, True]


def test_what_cannot_be_pickled_is_not_kept(folder):
    """The fold counts all the same."""
    bad = pipeline()
    bad.handle = (i for i in range(3))
    keep_model(folder, 1, 0, bad)
    assert not has_model(folder, 1, 0)
    assert list((folder / FOLDER).iterdir()) == []


def test_what_is_too_large_is_not_kept(folder, monkeypatch):
    """Neither is what would fill the disk."""
    monkeypatch.setattr(kept, "LARGEST_BYTES", 10)
    keep_model(folder, 1, 0, pipeline())
    assert not has_model(folder, 1, 0)


def test_models_of_a_raced_trial_with_folds_under_way_are_kept(folder):
    """It may finish yet, and then predict; once nothing is out they go."""
    keep_model(folder, 1, 0, pipeline())
    raced = Trial(1, "a", {}, "", "raced")
    search = SimpleNamespace(
        history=History((Trial(0, "baseline", {}, "", "ok"), raced)),
        in_flight=frozenset({(1, 2)}), plan=SimpleNamespace(keeps=5),
    )  # fmt: skip
    loop._prune(SimpleNamespace(folder=folder), search)
    assert has_model(folder, 1, 0)
    search.in_flight = frozenset()
    loop._prune(SimpleNamespace(folder=folder), search)
    assert not has_model(folder, 1, 0)
