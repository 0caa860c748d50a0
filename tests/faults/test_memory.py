"""M01, M03, M06, M07: the run stays within its memory, and ends with its best model.

Real processes that really take the memory; limits little above what idle ones hold.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import psutil
import pytest
from sklearn.datasets import load_breast_cancer

from automl import AutoML
from automl.evaluate import Task
from automl.exceptions import AutoMLResourceError
from automl.folds import make_folds
from automl.memory import SOFT, WORKER_MIB, Guard, least_mib, tree_mib
from automl.metrics import resolve_metric
from automl.runner import Runner
from automl.table import make_table
from automl.watchdog import Limits
from automl.workplace import write_workplace
from tests.faults.chaos import light
from tests.faults.hoard import hoarder
from tests.faults.kit import start, wait_for, within

QUICK = {"n_jobs": 2, "cv": 3, "random_state": 0, "verbose": 0, "n_trials": 5}
FAR_MIB = 6000


@pytest.fixture(scope="module")
def cancer():
    """Return a table of 569 rows and two classes."""
    return load_breast_cancer(return_X_y=True, as_frame=True)


def limit_with(spare_mib):
    """Return a limit that leaves two workers so much before one is ended."""
    here = sum(tree_mib(os.getpid()).values())
    return least_mib(2, here) + spare_mib / SOFT


def of(model, name):
    """Return the trials of one candidate."""
    return [t for t in model.trials_ if t.candidate == name]


@pytest.fixture
def highest():
    """Return what tells the most that this process and its children held, in MiB."""
    seen, over = [0.0], threading.Event()

    def look():
        while not over.wait(0.05):
            seen[0] = max(seen[0], sum(tree_mib(os.getpid()).values()))

    thread = threading.Thread(target=look)
    thread.start()
    yield lambda: seen[0]
    over.set()
    thread.join()


def test_m01_a_fit_that_takes_far_too_much_is_ended(cancer, highest):
    """M01: the trial is told as ``memory``, the others finish, the best is returned."""
    limit = limit_with(200)
    model = AutoML(
        candidates=[light(pause_s=0.05), hoarder(mib=FAR_MIB)], memory_limit_mib=limit,
        **QUICK,
    ).fit(*cancer)  # fmt: skip
    assert [t.status for t in of(model, "hoarder")] == ["memory"]
    assert {t.status for t in of(model, "light")} == {"ok"}
    assert model.best_candidate_ == "light"
    assert model.score(*cancer) > model.best_score_ - 1
    # it takes a GiB in a third of a second; looks are a tenth apart
    assert highest() < limit + 2000 < FAR_MIB


@pytest.mark.slow
def test_a_fit_within_the_limit_is_left_alone(cancer):
    """What takes 100 MiB where 300 are free ends as any other."""
    model = AutoML(
        candidates=[light(), hoarder(mib=100, hold_s=0.3)],
        memory_limit_mib=limit_with(300), **QUICK,
    ).fit(*cancer)  # fmt: skip
    assert {t.status for t in model.trials_} <= {"ok", "raced"}


@pytest.mark.slow
def test_m03_the_newest_of_two_is_ended(tmp_path, cancer):
    """M03: two tasks grow past the soft mark together, and the later one goes."""
    table = make_table(*cancer)
    folds = make_folds(
        table.y, cv=3, stratify=True, groups=None, time=None, random_state=0
    )
    candidates = {
        "old": hoarder("old", mib=100, hold_s=5.0),
        "new": hoarder("new", mib=400, every_s=0.15, hold_s=5.0),
    }
    metric = resolve_metric("auto", table.task)
    write_workplace(tmp_path / "w", table, folds, metric, candidates, 0)
    here = sum(tree_mib(os.getpid()).values())
    guard = Guard((here + 2 * WORKER_MIB + 300) / SOFT)
    tasks = [Task("fold", 0, 0, 0, "old", {}), Task("fold", 1, 1, 0, "new", {})]

    def source():
        if not tasks:
            return None
        mark = tmp_path / "w" / "running" / "0"
        if len(tasks) == 1 and not _older(mark, 1.0):  # the first has what it wants
            return Task("wait", -1)
        return tasks.pop(0)

    with Runner(2, tmp_path / "w") as runner:
        outcomes = list(runner.run(source, Limits(memory=guard)))
    errors = {o.task.candidate: o.error for o in outcomes}
    assert errors["new"] == "memory"
    assert errors["old"] in (None, "lost")


@pytest.mark.slow
def test_m06_a_refit_that_takes_too_much_gives_way_to_the_next_best(cancer):
    """M06: where the winner has no memory on all rows, the next one is the model."""
    X, _ = cancer
    model = AutoML(
        candidates=[light(), hoarder(mib=FAR_MIB, rows=len(X))],
        memory_limit_mib=limit_with(200), ensemble=False, deploy="refit", **QUICK,
    ).fit(*cancer)  # fmt: skip
    assert [t.status for t in of(model, "hoarder")] == ["ok"]
    assert model.leaderboard_["candidate"].iloc[0] == "hoarder"
    assert model.best_candidate_ == "light"
    assert any("could not be fitted on all rows" in note for note in model.notes_)
    assert any("its fit on all rows did not end" in note for note in model.notes_)
    assert len(model.predict(X)) == len(X)


@pytest.mark.slow
def test_m06_the_models_of_its_folds_predict_where_they_may(cancer):
    """M06: the best configuration needs no fit on all rows to be the model."""
    X, _ = cancer
    model = AutoML(
        candidates=[light(), hoarder(mib=FAR_MIB, rows=len(X))],
        memory_limit_mib=limit_with(200), ensemble=False, **QUICK,
    ).fit(*cancer)  # fmt: skip
    assert model.best_candidate_ == "hoarder"
    assert any("the one that was fitted to the folds" in n for n in model.notes_)
    assert len(model.predict(X)) == len(X)


def test_c03_a_limit_below_one_worker_is_refused_at_once(cancer):
    """C03: one clear error with the least, before anything is started or written."""
    began = time.monotonic()
    with pytest.raises(AutoMLResourceError, match="at least") as caught:
        AutoML(memory_limit_mib=1, **QUICK).fit(*cancer)
    assert caught.value.code == "E-memory"
    assert time.monotonic() - began < within(2)
    workers = [c for c in psutil.Process().children(recursive=True) if _is_worker(c)]
    assert workers == []


def _older(path, seconds):
    """Return whether a file has been there for a while."""
    try:
        return time.time() - path.stat().st_mtime > seconds
    except OSError:
        return False


def _is_worker(process):
    try:
        return "popen_loky" in " ".join(process.cmdline())
    except psutil.Error:
        return False


@pytest.mark.slow
def test_m07_no_data_lie_in_shared_memory(cancer):
    """M07: a /dev/shm of 64 MiB, or of none, does: only locks are kept there."""
    folder = Path("/dev/shm")  # noqa: S108 - looked at, not written to
    before = {p.name for p in folder.iterdir()}
    sizes = []

    def look(_):
        sizes.extend(p.stat().st_size for p in folder.iterdir() if p.name not in before)
        return False

    AutoML(candidates=[light()], callback=look, **QUICK).fit(*cancer)
    assert all(size < 2**16 for size in sizes)


LONG_FIT = """
from sklearn.datasets import load_breast_cancer
from automl import AutoML
from tests.faults.chaos import light
AutoML(
    candidates=[light(pause_s=0.5)], n_jobs={n_jobs}, cv=3, verbose=0, n_trials={trials}
).fit(*load_breast_cancer(return_X_y=True, as_frame=True))
"""


@pytest.mark.slow
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_next_start_removes_the_data_of_a_killed_parent(tmp_path, n_jobs):
    """What SIGKILL leaves on disk is gone after the next run in the same folder."""
    first = start(LONG_FIT.format(n_jobs=n_jobs, trials=500), tmp_path)
    temporary = tmp_path / "tmp"
    kept = "automl-*/run/oof/*"  # three of the baseline, then of what workers did
    assert wait_for(lambda: len(list(temporary.glob(kept))) > 4, 60)
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.wait()
    first.process.stdout.close()
    assert wait_for(lambda: not first.alive(), 30)
    assert list(temporary.glob("automl-*/numbers.npy"))
    second = start(LONG_FIT.format(n_jobs=1, trials=1), tmp_path)
    second.end()
    assert second.process.returncode == 0, second.everything()
    assert list(temporary.glob("automl-*")) == []
