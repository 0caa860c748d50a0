"""What a learner changes is put back; what another thread changes is left alone."""

from __future__ import annotations

import os
import random
import signal
import threading
from contextlib import contextmanager

import numpy as np
import pytest

from automl import AutoML
from automl.sandbox import sandbox
from tests.faults.bad_kit import Y, table

NAMES = [f"SANDBOX_{i}" for i in range(3)]


@pytest.fixture(autouse=True)
def _clean():
    """Leave no name behind."""
    yield
    for name in list(os.environ):
        if name.startswith("SANDBOX_"):
            del os.environ[name]


@contextmanager
def beside(target):
    """Keep a thread alive that waits for an event, by this function."""
    over = threading.Event()
    thread = threading.Thread(target=target, args=(over,))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def mine(over):
    """Wait, as a thread of the user's program."""
    over.wait()


def of_a_pool(over):
    """Wait, as a thread that joblib keeps for its pool."""
    over.wait()


of_a_pool.__module__ = "joblib.externals.loky.backend.queues"


def stays(**options):
    """Return whether a setting that is made meanwhile is there afterwards."""
    with sandbox(**options):
        os.environ[NAMES[0]] = "1"
    return NAMES[0] in os.environ


def test_beside_another_thread_nothing_that_threads_share_is_put_back():
    """Whose change it was is not known; handlers and NumPy's errors are its own."""
    with beside(mine):
        assert stays()
        handler = signal.getsignal(signal.SIGTERM)
        with np.errstate(all="raise"):
            with sandbox():
                np.seterr(all="ignore")
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
            assert np.geterr()["divide"] == "raise"
        assert signal.getsignal(signal.SIGTERM) == handler


def test_in_a_thread_nothing_that_threads_share_is_put_back():
    """A fit in the background leaves the settings of the program alone."""
    found = []
    thread = threading.Thread(target=lambda: found.append(stays()))
    thread.start()
    thread.join()
    assert found == [True]


def test_threads_that_only_serve_do_not_count():
    """A pool that joblib keeps from an earlier use is no reason to leave things."""
    with beside(of_a_pool):
        assert not stays()


def test_in_a_worker_everything_is_put_back():
    """No thread of a worker is the user's program."""
    with beside(mine):
        assert not stays(worker=True)


def test_a_fit_in_the_background_undoes_nothing_of_the_program():
    """Settings and random numbers of the main thread stay while another fits."""
    X = table()

    def fit():
        AutoML(
            n_trials=6, n_jobs=1, cv=3, candidates=["logistic"], random_state=0,
            verbose=0,
        ).fit(X, Y)  # fmt: skip

    thread = threading.Thread(target=fit)
    thread.start()
    made, drawn = 0, []
    while thread.is_alive():
        os.environ[f"SANDBOX_{made}"] = "1"
        drawn.append(random.random())  # noqa: S311 - the global generator is the point
        made += 1
        thread.join(0.005)
    assert made > 10
    assert [i for i in range(made) if f"SANDBOX_{i}" not in os.environ] == []
    assert len(set(drawn)) == made
