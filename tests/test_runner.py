"""Tasks on real processes: done, killed, lost."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress

import numpy as np
import psutil
import pytest

from automl.candidates import load_candidates
from automl.evaluate import Task
from automl.exceptions import AutoMLConfigError
from automl.folds import make_folds
from automl.metrics import resolve_metric
from automl.runner import POOL, Runner
from automl.settings import count_workers, seed_of
from automl.table import make_table
from automl.watchdog import Limits, Watchdog
from automl.workplace import close_workplace, write_workplace

HANGING = """
import ctypes
from sklearn.linear_model import Ridge
class Hang(Ridge):
    def fit(self, X, y):
        ctypes.PyDLL(None).sleep(60)
class Die(Ridge):
    def fit(self, X, y):
        import os
        os._exit(3)
class Compute(Ridge):
    def fit(self, X, y):
        import time
        while time.process_time() < 3.0 + self.alpha:
            pass
        return super().fit(X, y)
class Linger(Ridge):
    def fit(self, X, y):
        import threading, time
        threading.Thread(target=time.sleep, args=(60,), daemon=False).start()
        return super().fit(X, y)
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Return the folder of a workplace with a good, a hanging and a dying learner."""
    (tmp_path / "chaos.py").write_text(HANGING)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    rng = np.random.default_rng(0)
    table = make_table(rng.normal(size=(120, 3)), rng.normal(size=120))
    folds = make_folds(
        table.y, cv=3, stratify=False, groups=None, time=None, random_state=0
    )
    ridge = load_candidates("ridge")["ridge"]
    from dataclasses import replace

    candidates = {
        "ridge": ridge,
        "hang": replace(ridge, name="hang", estimators={"regression": "chaos.Hang"}),
        "compute": replace(
            ridge, name="compute", estimators={"regression": "chaos.Compute"}
        ),
        "linger": replace(
            ridge, name="linger", estimators={"regression": "chaos.Linger"}
        ),
        "die": replace(ridge, name="die", estimators={"regression": "chaos.Die"}),
    }
    metric = resolve_metric("rmse", "regression")
    yield write_workplace(tmp_path / "w", table, folds, metric, candidates, 0)
    close_workplace()


def fold(serial, candidate="ridge", **limits):
    """Return the task of one fold."""
    params = {"alpha": 1.0, "scale": "standard", "impute": "median",
              "indicator": "no", "categorical": "onehot", "method": "none"}  # fmt: skip
    return Task("fold", serial, serial, serial % 3, candidate, params, **limits)


def run(runner, tasks):
    """Return all outcomes of a list of tasks."""
    queue = list(tasks)
    with runner:
        return list(runner.run(lambda: queue.pop(0) if queue else None))


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_every_task_comes_back_once(place, n_jobs):
    """All outcomes arrive, whatever the number of processes."""
    outcomes = run(Runner(n_jobs, place), [fold(i) for i in range(6)])
    assert sorted(o.task.serial for o in outcomes) == list(range(6))
    assert all(o.result.status == "ok" for o in outcomes)
    assert all(o.result.worker > 0 for o in outcomes)
    assert all(o.result.started_s < o.result.ended_s for o in outcomes)
    assert outcomes[0].value.dtype == np.float64


def test_a_fit_that_hangs_in_native_code_is_killed(place):
    """The watchdog ends a process at its time, and what else was out is told lost."""
    began = time.monotonic()
    tasks = [fold(0, "hang", limit_s=2.0), fold(1), fold(2)]
    outcomes = run(Runner(2, place), tasks)
    errors = {o.task.serial: o.error for o in outcomes}
    assert errors[0] == "timeout"
    killed = next(o for o in outcomes if o.task.serial == 0)
    assert killed.mark[0] > 0
    assert 1.5 < killed.ended_s - killed.mark[1] < 30
    assert set(errors) == {0, 1, 2}
    assert time.monotonic() - began < 60  # less than the fit would take


def test_what_waits_behind_a_fit_is_no_sign_of_a_dead_pool(place):
    """A task that nobody began is looked for only where nothing else runs."""
    dog = Watchdog(place, Limits(), lambda: None)
    late = fold(1, kill_at=100.0)
    assert dog._verdict(late, None, 103.0, idle=True) == "unseen"
    assert dog._verdict(late, None, 103.0, idle=False) is None


def test_a_task_without_a_limit_of_its_own_has_that_of_all(place):
    """What is fitted after a search of trials ends at the user's limit, too."""
    dog = Watchdog(place, Limits(limit_s=10.0), lambda: None)
    mark = (1, 100.0)
    assert dog._verdict(fold(1), mark, 109.0, idle=False) is None
    assert dog._verdict(fold(1), mark, 111.0, idle=False) == "timeout"
    assert dog._verdict(fold(1, limit_s=20.0), mark, 111.0, idle=False) is None


def test_a_worker_that_dies_loses_no_finished_task(place):
    """Finished outcomes come out, and the tasks of the dead pool are told lost."""
    tasks = [*[fold(i) for i in range(7)], fold(7, "die")]
    outcomes = run(Runner(2, place), tasks)
    assert sorted(o.task.serial for o in outcomes) == list(range(8))
    by_serial = {o.task.serial: o for o in outcomes}
    assert (by_serial[7].error, by_serial[7].detail) == (
        "crash",
        "ended with exit code 3",
    )
    by_serial = {serial: o.error for serial, o in by_serial.items()}
    # the last task is sent out when no more than three of the others are
    assert sum(error is None for error in by_serial.values()) >= 4


@pytest.mark.slow
def test_a_worker_that_cannot_write_its_mark_is_left_to_its_fit(place, monkeypatch):
    """On a full disk a fit is watched less well, and not taken for a dead pool."""
    monkeypatch.setattr("automl.watchdog.STALL_S", 1.5)
    monkeypatch.setattr("automl.watchdog.read_mark", lambda *_: None)
    outcomes = run(Runner(2, place), [fold(0, "compute")])
    assert [o.error for o in outcomes] == [None]


@pytest.mark.parametrize(("code", "dead"), [("while 1: 0", False), ("input()", True)])
def test_a_pool_is_dead_when_nothing_moves_and_no_worker_computes(
    place, monkeypatch, code, dead
):
    """A process that only waits is none that could not write its mark."""
    monkeypatch.setattr("automl.watchdog.STALL_S", 1.0)
    ended = []
    monkeypatch.setattr("automl.watchdog._end", ended.append)
    dog = Watchdog(place, Limits(), lambda: None)
    dog.add(fold(0))
    command = [sys.executable, "-c", f"print(flush=True)\n{code}"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as child:
        monkeypatch.setattr("automl.watchdog._workers", lambda: {child.pid: child})
        child.stdout.readline()  # it has started
        began = dog._moved_s
        dog._look(began + 0.6)
        assert not ended
        time.sleep(0.5)
        dog._look(began + 1.1)
        child.kill()
    assert ended == ([child.pid] if dead else [])


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_pool_whose_own_thread_died_is_given_up(place, monkeypatch):
    """Nobody waits for ever for results that nothing will bring."""
    from joblib.externals.loky import process_executor

    monkeypatch.setattr("automl.watchdog.STALL_S", 3.0)
    manager = process_executor._ExecutorManagerThread
    real, calls = manager.process_result_item, []

    def once(self, item):
        calls.append(item)
        if len(calls) == 2:
            raise OSError("no process could be started")
        return real(self, item)

    monkeypatch.setattr(manager, "process_result_item", once)
    outcomes = run(Runner(2, place), [fold(i) for i in range(4)])
    assert sorted(o.task.serial for o in outcomes) == [0, 1, 2, 3]
    assert all(o.error in (None, "lost") for o in outcomes)


def test_a_failing_source_raises_where_the_run_is_read(place):
    """An error in choosing the next task reaches the caller, not a thread."""

    def source():
        raise ZeroDivisionError("no next task")

    with Runner(2, place) as runner, pytest.raises(ZeroDivisionError):
        list(runner.run(source))


def test_no_process_is_left_behind(place):
    """After the end of a run its processes are gone."""
    run(Runner(2, place), [fold(i) for i in range(2)])
    left = [
        p for p in psutil.Process().children(recursive=True)
        if "popen_loky" in " ".join(p.cmdline())
    ]  # fmt: skip
    assert left == []


@pytest.mark.parametrize("n_jobs", [0, 1.5, "two", True])
def test_an_impossible_number_of_processes_is_refused(n_jobs):
    """0, fractions and words are no number of processes."""
    with pytest.raises(AutoMLConfigError, match="n_jobs"):
        count_workers(n_jobs)


def test_minus_one_is_all_cores():
    """-1 means the cores that this process may use; None is this process."""
    assert count_workers(-1) == len(os.sched_getaffinity(0))
    assert count_workers(None) == 1
    assert count_workers(-2) == max(1, count_workers(-1) - 1)
    assert count_workers(-999) == 1


@pytest.mark.parametrize("make", [np.random.RandomState, np.random.default_rng])
def test_a_generator_is_drawn_from(make):
    """Two that are alike give one seed; one that is used again gives another."""
    first = make(3)
    assert seed_of(first) == seed_of(make(3)) != seed_of(make(4))
    assert seed_of(first) != seed_of(make(3))


def test_workers_end_while_the_parent_goes_on(place):
    """Released early they are gone at the end, and so they are without a release."""
    with Runner(2, place) as runner:
        tasks = iter([fold(0), fold(1)])
        assert len(list(runner.run(lambda: next(tasks, None)))) == 2
        assert workers()
        runner.release()
        runner.release()  # once is enough
        _, alive = psutil.wait_procs(workers(), timeout=10)
        assert not alive
    assert not workers()


def test_of_fits_that_are_ended_for_memory_the_first_named_is_to_blame(place):
    """The others were beside it: they are to be run again."""

    def all_at_once(started):
        return sorted(started) if len(started) == 2 else ()

    tasks = [fold(0, "compute"), fold(1, "compute")]
    with Runner(2, place) as runner:
        asked = runner.run(
            lambda: tasks.pop(0) if tasks else None, Limits(memory=all_at_once)
        )
        assert sorted(o.error for o in asked) == ["lost", "memory"]


def test_a_thread_that_a_learner_left_keeps_no_worker(place):
    """Such a process ends by itself a minute later: the run does not wait for it."""
    began = time.monotonic()
    assert run(Runner(2, place), [fold(0, "linger")])[0].result.status == "ok"
    assert time.monotonic() - began < 30
    assert not workers()


def workers():
    """Return the processes of the pool that are alive."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it has ended, and is known no more
            command = " ".join(process.cmdline())
            if "loky" in command and "resource_tracker" not in command:
                found.append(process)
    return found


def test_the_pool_is_left_where_no_thread_can_be_had_to_end_it(place, monkeypatch):
    """Its workers are then ended in the caller's, and the next run has the pool."""

    def refused(_self):
        raise RuntimeError("can't start new thread")

    with Runner(2, place) as runner:
        tasks = iter([fold(0)])
        assert len(list(runner.run(lambda: next(tasks, None)))) == 1
        monkeypatch.setattr("automl.runner.threading.Thread.start", refused)
        runner.release()
        monkeypatch.undo()
    assert not POOL.locked()
    assert not workers()
