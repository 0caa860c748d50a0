"""A fit leaves the process as it found it: after success, an error, an interrupt."""

from __future__ import annotations

import gc
import locale
import logging
import multiprocessing
import os
import random
import resource
import signal
import sys
import tempfile
import threading
import warnings

import numpy as np
import pandas as pd
import psutil
import pytest
from sklearn.datasets import load_breast_cancer
from threadpoolctl import threadpool_info

from automl import AutoML
from automl.exceptions import AutoMLConfigError
from tests.faults.chaos import bad, light
from tests.faults.kit import shared_memory, wait_for

COMMON = {"cv": 3, "random_state": 0, "verbose": 0}


def snapshot(data):
    """Return all that a process has one of, and the data, in comparable form."""
    umask = os.umask(0)
    os.umask(umask)
    return {
        "cwd": os.getcwd(),  # noqa: PTH109 - what is compared
        "umask": umask,
        "environ": dict(os.environ),
        "warnings": (list(warnings.filters), warnings.showwarning),
        "logging": loggers(),
        "numpy random": str(np.random.get_state()),  # noqa: NPY002 - the global one
        "random": random.getstate(),
        "numpy errors": np.geterr(),
        "signals": {s: signal.getsignal(s) for s in signal.valid_signals()},
        "threads limits": {
            i["filepath"]: i["num_threads"] for i in threadpool_info()
        },
        "locale": locale.setlocale(locale.LC_ALL),
        "sys.path": list(sys.path),
        "streams": (sys.stdout, sys.stderr, sys.stdin),
        "hooks": (sys.excepthook, threading.excepthook, sys.unraisablehook),
        "start method": multiprocessing.get_start_method(allow_none=True),
        "pandas": {k: pd.get_option(k) for k in PANDAS_OPTIONS},
        "limits": [resource.getrlimit(k) for k in LIMITS],
        "gc": (gc.isenabled(), gc.get_threshold()),
        **{name: pd.util.hash_pandas_object(pd.DataFrame(value)).tolist()
           for name, value in data.items()},
    }  # fmt: skip


PANDAS_OPTIONS = ("display.max_columns", "display.precision", "compute.use_numexpr")
LIMITS = (resource.RLIMIT_NOFILE, resource.RLIMIT_AS, resource.RLIMIT_CORE)


def loggers():
    """Return level, handlers and whether disabled, of the root and named loggers."""
    names = [n for n in sorted(logging.root.manager.loggerDict) if n in KNOWN_LOGGERS]
    kept = [logging.getLogger(), *(logging.getLogger(n) for n in names)]
    return (
        logging.root.manager.disable,
        [(e.name, e.level, tuple(e.handlers), e.disabled, e.propagate) for e in kept],
    )


KNOWN_LOGGERS = ("automl", "asyncio", "concurrent.futures", "hyperopt", "faults")


def remains():
    """Return what may take a moment to go: threads, processes, files."""
    gc.collect()  # joblib's broken pools wait for it, with their semaphores
    command = [" ".join(p.cmdline()) for p in psutil.Process().children(recursive=True)
               if p.status() != psutil.STATUS_ZOMBIE]  # fmt: skip
    return {
        "threads": sorted(t.name for t in threading.enumerate()),
        "processes": sorted(c for c in command if "resource_tracker" not in c),
        "temporary files": sorted(os.listdir(tempfile.gettempdir())),  # noqa: PTH208
        "shared memory": sorted(shared_memory({os.getpid()})),
        "open files": psutil.Process().num_fds(),
    }


def good(n_jobs):
    """Return a fit that ends well."""
    return lambda data: AutoML(
        n_trials=3, n_jobs=n_jobs, candidates=["logistic", "lightgbm"], **COMMON
    ).fit(**data)


def refused(data):
    """Raise one of our errors, late: after the table was read."""
    with pytest.raises(AutoMLConfigError):
        AutoML(n_trials=3, n_jobs=2, metric="rmse", candidates=["logistic"], **COMMON,
               task="classification").fit(**data)  # fmt: skip


def failing_callback(data):
    """Raise the caller's own error in the middle of the search."""

    def fail(seen):
        if seen.n_trials > 1:
            raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError):
        AutoML(n_trials=6, n_jobs=2, candidates=[light()], callback=fail,
               **COMMON).fit(**data)  # fmt: skip


def interrupted(n_jobs):
    """Return a fit that is interrupted in the middle of the search."""

    def fit(data):
        sent = []

        def once(seen):
            if seen.n_finished and not sent:
                sent.append(seen)
                signal.raise_signal(signal.SIGINT)

        model = AutoML(
            n_trials=30, n_jobs=n_jobs, candidates=[light(pause_s=0.1)], callback=once,
            **COMMON,
        ).fit(**data)  # fmt: skip
        assert model.interrupted_

    return fit


def dirty(data):
    """Fit a learner that changes everything, in a worker."""
    AutoML(n_trials=3, n_jobs=2, candidates=[light(), bad("dirty")],
           **COMMON).fit(**data)  # fmt: skip


def dirty_here(data):
    """Fit a learner that changes everything, in this process."""
    AutoML(n_trials=3, n_jobs=1, candidates=[light(), bad("dirty", here=True)],
           **COMMON).fit(**data)  # fmt: skip


SITUATIONS = {
    "one process": good(1),
    "two processes": good(2),
    "refused": refused,
    "failing callback": failing_callback,
    "interrupted, one process": interrupted(1),
    "interrupted, two processes": interrupted(2),
    "dirty worker": dirty,
    "dirty process": dirty_here,
}

SLOW = ("dirty worker", "interrupted, one process", "interrupted, two processes")


@pytest.fixture(scope="module")
def data():
    """Return features, target and weights, after a first fit of them."""
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    X, y = X.iloc[:200], y.iloc[:200]
    found = {"X": X, "y": y, "sample_weight": np.linspace(0.5, 1.5, len(y))}
    good(1)(found)  # what imports and caches leave is no trace of the fits that follow
    return found


def as_before(before, after):
    """Return whether nothing is left; the tracker of shared memory is started once."""
    known = {name: before[name] for name in after}
    fds = after.pop("open files"), known.pop("open files")
    return after == known and fds[0] <= fds[1] + 2


@pytest.fixture
def around(data, tmp_path):
    """Return what was before a situation, and after; what it broke is mended."""

    def run(situation):
        mended = snapshot(data)
        tempfile.tempdir, before_temp = str(tmp_path), tempfile.tempdir
        previous = (os.getcwd(), sys.stdout)  # noqa: PTH109
        try:
            before = snapshot(data) | remains()
            SITUATIONS[situation](data)
            wait_for(lambda: as_before(before, remains()), 5)
            return before, snapshot(data) | remains()
        finally:
            tempfile.tempdir = before_temp
            os.chdir(previous[0])
            sys.stdout = previous[1]
            mend(mended)

    return run


def mend(before):
    """Put back what a failing product has changed, for the tests that follow."""
    os.environ.clear()
    os.environ.update(before["environ"])
    os.umask(before["umask"])
    warnings.filters[:] = before["warnings"][0]
    logging.disable(before["logging"][0])
    root = before["logging"][1][0]
    logging.getLogger().setLevel(root[1])
    logging.getLogger().handlers[:] = list(root[2])
    np.seterr(**before["numpy errors"])
    sys.path[:] = before["sys.path"]
    locale.setlocale(locale.LC_ALL, before["locale"])
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, before["signals"][number])


@pytest.mark.parametrize(
    "situation",
    [pytest.param(s, marks=pytest.mark.slow) if s in SLOW else s for s in SITUATIONS],
)
def test_a_fit_leaves_no_trace(around, situation):
    """What a process has one of, and the caller's data, are as they were before."""
    before, after = around(situation)
    loaded = before["threads limits"]  # libraries that were loaded only now aside
    after["threads limits"] = {name: after["threads limits"][name] for name in loaded}
    # the tracker of shared memory is started once
    assert after.pop("open files") <= before.pop("open files") + 2
    assert {k: (before[k], after[k]) for k in before if after[k] != before[k]} == {}
