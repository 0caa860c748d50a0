"""Prepared rows are made once: kept in the process, shared if they took long."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from automl import fitting
from automl.candidates import load_candidates
from automl.evaluate import Task, _leaving_room, _stop_at, run_task
from automl.folds import make_folds
from automl.metrics import resolve_metric
from automl.prepared import LONG_BYTES, SHARED_S, Prepared
from automl.table import make_table
from automl.workplace import close_workplace, write_workplace


def test_prepared_rows_are_kept_within_a_size():
    """What was used last stays; what is too large is never kept."""
    kept = Prepared(100)
    kept.keep("a", (np.zeros(5),))
    kept.keep("b", (np.zeros(5),))
    assert kept.get("a") is not None
    kept.keep("c", (np.zeros(5),))
    assert kept.get("b") is None
    assert kept.get("a") is not None
    kept.keep("d", (np.zeros(50),))
    assert kept.get("d") is None


def test_a_large_prepared_fold_is_not_kept():
    """What takes little of its fit to prepare again does not stay in memory."""
    prepared = Prepared()
    prepared.keep("small", (np.zeros(LONG_BYTES // 16),))
    prepared.keep("large", (np.zeros(LONG_BYTES // 8 + 1),))
    assert prepared.get("small") is not None
    assert prepared.get("large") is None


def of_two_processes(folder, limit_bytes=1000):
    """Return what two processes keep that share a folder."""
    return Prepared(limit_bytes, folder), Prepared(limit_bytes, folder)


def test_what_took_long_is_there_for_another_process(tmp_path):
    """It reads the same rows; what was made fast it makes by itself."""
    one, other = of_two_processes(tmp_path / "shared")
    rows = np.arange(5.0)
    one.keep((0, "slow"), (rows, "prefix"), SHARED_S)
    one.keep((0, "fast"), (rows, "prefix"), SHARED_S / 2)
    found = other.get((0, "slow"))
    assert found is not None
    np.testing.assert_array_equal(found[0], rows)
    assert found[1] == "prefix"
    assert other.get((0, "fast")) is None
    assert other.get((1, "slow")) is None


def test_files_take_no_more_room_than_a_process(tmp_path):
    """What would pass the limit is kept here and not shared."""
    one, other = of_two_processes(tmp_path / "shared", limit_bytes=3000)
    for number in range(4):
        one.keep(number, (np.zeros(100),), SHARED_S)
    assert sum(p.stat().st_size for p in (tmp_path / "shared").iterdir()) < 3000
    assert [other.get(number) is not None for number in range(4)] == [
        True, True, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize("broken", ["unpicklable", "cut off", "no folder"])
def test_what_cannot_be_shared_is_made_again(tmp_path, broken):
    """It stays with the process that made it; another one has nothing, and no error."""
    folder = tmp_path / "shared"
    if broken == "no folder":
        folder.write_text("a file stands there")
    one, other = of_two_processes(folder)
    own = threading.Lock() if broken == "unpicklable" else "prefix"
    assert one.keep(0, (np.zeros(5), own), SHARED_S)
    if broken == "cut off":
        (path,) = folder.iterdir()
        path.write_bytes(path.read_bytes()[:-20])
    assert other.get(0) is None
    assert one.get(0) is not None
    if folder.is_dir():
        assert len(list(folder.iterdir())) == (broken == "cut off")


@pytest.fixture
def folder(tmp_path):
    """Return the workplace of a small regression."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    table = make_table(X, X[:, 0] + rng.normal(size=200), task="regression")
    folds = make_folds(
        table.y, cv=4, stratify=False, groups=None, time=None, random_state=0
    )
    metric = resolve_metric("rmse", table.task)
    candidates = load_candidates(["ridge", "lightgbm"])
    return write_workplace(tmp_path / "w", table, folds, metric, candidates, 0)


@pytest.mark.parametrize("name", ["ridge", "lightgbm"])
def test_rows_that_are_prepared_after_the_fit_are_the_same(folder, monkeypatch, name):
    """A fold too large to be kept has the same predictions, and a time."""
    task = Task("fold", 0, trial=1, fold=0, candidate=name, params={}, longest_s=60.0)
    kept = run_task(folder, task)
    close_workplace()
    monkeypatch.setattr("automl.prepared.LONG_BYTES", 0)
    large = run_task(folder, task)
    close_workplace()
    assert kept.result.rounds == large.result.rounds
    np.testing.assert_array_equal(kept.value, large.value)
    assert large.result.fit_s > 0


def test_a_fit_is_given_its_seconds_after_preparing():
    """Who prepares what others find is no worse off; a limit counts from the start."""
    task = Task("fold", 0, trial=1, fold=0, candidate="x", params={}, longest_s=2.0)
    assert _stop_at(task, 100.0, 103.0) == 105.0
    assert _stop_at(replace(task, limit_s=4.0), 100.0, 103.0) == 103.2
    assert _stop_at(replace(task, deadline=104.0), 100.0, 103.0) == 104.0
    assert _stop_at(replace(task, longest_s=None), 100.0, 103.0) is None


def test_slow_preparing_takes_nothing_of_a_fit(folder, monkeypatch):
    """The end that a fit is given counts from when its rows are there."""
    ends = []

    def noted(*given, **more):
        ends.append(given[7])
        return fitting.fit_model(*given, **more)

    def slow(*given):
        time.sleep(0.3)
        return fitting.prepare_fold(*given)

    monkeypatch.setattr("automl.evaluate.fit_model", noted)
    monkeypatch.setattr("automl.evaluate.prepare_fold", slow)
    task = Task("fold", 0, trial=1, fold=0, candidate="ridge", params={}, longest_s=9.0)
    began = time.monotonic()
    run_task(folder, task)
    close_workplace()
    assert ends[0] >= began + 9.3


def test_a_fit_stops_early_enough_for_rows_that_are_prepared_after_it():
    """What comes later is taken from the fit, but never more than a quarter of it."""
    assert _leaving_room(110.0, 100.0, 0.5) == 109.5
    assert _leaving_room(110.0, 100.0, 60.0) == 107.5
    assert _leaving_room(99.0, 100.0, 0.5) == 99.0  # it is late: it stops at once
    assert _leaving_room(None, 100.0, 0.5) is None


def test_only_rows_that_are_prepared_later_take_of_the_fit(folder, monkeypatch):
    """Where they are at hand already the fit has all of its time."""
    ends = []

    def noted(*given, **more):
        ends.append(given[7])
        return fitting.fit_model(*given, **more)

    monkeypatch.setattr("automl.evaluate.fit_model", noted)
    task = Task("fold", 0, trial=1, fold=0, candidate="ridge", params={}, deadline=9e9)
    for limit in (10**9, 0):
        monkeypatch.setattr("automl.prepared.LONG_BYTES", limit)
        assert run_task(folder, task).result.status == "ok"
        close_workplace()
    at_hand, later = ends
    assert at_hand == 9e9
    assert later < 9e9


def counted(monkeypatch):
    """Return a list that grows with each time that rows are prepared from the table."""
    calls = []
    fit_prefix = fitting.fit_prefix

    def noted(*given):
        calls.append(given)
        return fit_prefix(*given)

    monkeypatch.setattr(fitting, "fit_prefix", noted)
    return calls


@pytest.mark.parametrize("kept", [True, False])
def test_a_selection_starts_from_rows_that_are_prepared(folder, monkeypatch, kept):
    """Three configurations prepare once, and predict what each by itself would."""
    prepared = counted(monkeypatch)
    if not kept:
        monkeypatch.setattr("automl.prepared.LONG_BYTES", 0)
    points = [
        {"method": "none"},
        {"method": "importance", "keep": 0.01},
        {"method": "none"},
    ]
    tasks = [
        Task("fold", 0, trial=1, fold=0, candidate="lightgbm", params=p) for p in points
    ]
    together = [run_task(folder, task) for task in tasks]
    close_workplace()
    assert len(prepared) == (1 if kept else 3)
    alone = []
    for task in tasks:
        alone.append(run_task(folder, task))
        close_workplace()
    for one, other in zip(together, alone, strict=True):
        assert one.result.status == "ok", one.error
        np.testing.assert_array_equal(one.value, other.value)
    assert abs(together[0].value - together[1].value).max() > 0


def test_a_fold_that_was_slow_to_prepare_is_prepared_once(folder, monkeypatch):
    """A new process fits another configuration without preparing the rows again."""
    monkeypatch.setattr("automl.prepared.SHARED_S", 0.0)
    prepared = counted(monkeypatch)
    scores = []
    for alpha in (1.0, 2.0, 1.0):
        done = run_task(
            folder,
            Task(
                "fold", 0, trial=1, fold=0, candidate="ridge", params={"alpha": alpha}
            ),
        )
        close_workplace()  # what a process knew is gone with it
        assert done.result.status == "ok", done.error
        scores.append(done.result.score)
    assert len(prepared) == 1
    assert scores[0] == scores[2] != scores[1]
