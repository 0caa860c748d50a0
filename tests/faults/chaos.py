"""Estimators that misbehave on purpose, and a light one that does not.

They act in workers only, unless told otherwise, so that a mistake in a test does not
end the tests. What a worker did is written to a file: evidence from outside the
product.
"""

from __future__ import annotations

import ctypes
import hashlib
import locale
import logging
import os
import random
import signal
import subprocess
import sys
import time
import warnings
from multiprocessing import current_process
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.naive_bayes import GaussianNB

from automl.candidates import Candidate, Dimension

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ACTS", "Chaos", "PoisonMetric", "bad", "finished", "light"]

LONG_S = 600.0
"""Longer than any test waits."""


class ChaosExit(BaseException):
    """What no handler of ordinary exceptions catches."""


def _send(number: int) -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), number)


def _base_exception() -> None:
    raise ChaosExit("on purpose")


def _raise() -> None:
    raise ValueError("on purpose")


def _hang() -> None:
    """Sleep in native code without letting the interpreter go."""
    library = ctypes.PyDLL(None)
    library.sleep(int(LONG_S))


def _interrupt_main() -> None:
    raise KeyboardInterrupt


def _stubborn() -> None:
    """Ignore every polite signal, start grandchildren that do too, and wait."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        f"time.sleep({LONG_S})"
    )
    subprocess.Popen([sys.executable, "-c", code])
    time.sleep(LONG_S)


KEPT: list[np.ndarray] = []


def _leak() -> None:
    KEPT.append(np.ones(50 * 2**20 // 8))


def _dirty() -> None:
    """Change everything that a process has one of."""
    os.chdir("/")
    os.environ["CHAOS_WAS_HERE"] = "1"
    os.environ.pop("HOME", None)
    os.umask(0o077)
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002 - the global generator is the point
    np.seterr(all="ignore")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    warnings.filterwarnings("ignore", "chaos")
    logging.disable(logging.CRITICAL)
    logging.getLogger().setLevel(logging.DEBUG)
    logging.getLogger().addHandler(logging.NullHandler())
    locale.setlocale(locale.LC_ALL, "C")
    sys.path.insert(0, "/chaos")
    sys.stdout = sys.stderr


ACTS: dict[str, Callable[[], object]] = {
    "nothing": lambda: None,  # "none" in a spec means None
    "sigkill": _send(signal.SIGKILL),
    "sigterm": _send(signal.SIGTERM),
    "sigsegv": lambda: ctypes.string_at(0),
    "sigabrt": os.abort,
    "sigbus": _send(signal.SIGBUS),
    "sigstop": _send(signal.SIGSTOP),
    "os_exit": lambda: os._exit(0),
    "sys_exit": lambda: sys.exit(0),
    "base_exception": _base_exception,
    "raise": _raise,
    "keyboard_interrupt": _interrupt_main,
    "hang": _hang,
    "sleep": lambda: time.sleep(LONG_S),
    "stubborn": _stubborn,
    "leak": _leak,
    "dirty": _dirty,
}
"""What can go wrong, by name."""


def _in_worker() -> bool:
    return current_process().name.startswith("Loky")


class Chaos(ClassifierMixin, BaseEstimator):
    """Naive Bayes that may do something terrible.

    Parameters
    ----------
    act : str
        Key of `ACTS`.
    where : str
        ``fit``, ``predict``, ``pickle`` or ``unpickle``.
    once : str
        File that is made at the first act, with the process's id; there is no second.
    here : bool
        Whether it acts in any process, not only in workers.
    rows : int
        It acts on at least so many rows in ``fit`` (all rows: a refit).
    log : str
        File that gets a line for each model's first prediction.
    pause_s : float
        Seconds that a fit takes at least.
    smooth : float
        Of naive Bayes: something to tune.
    """

    def __init__(
        self,
        *,
        act: str = "nothing",
        where: str = "fit",
        once: str = "",
        here: bool = False,
        rows: int = 0,
        log: str = "",
        pause_s: float = 0.0,
        smooth: float = 1e-9,
    ) -> None:
        self.act = act
        self.where = where
        self.once = once
        self.here = here
        self.rows = rows
        self.log = log
        self.pause_s = pause_s
        self.smooth = smooth

    def fit(self, X, y):
        """Fit, or not."""
        self.n_rows_ = len(y)
        self._do("fit")
        time.sleep(self.pause_s)
        self.model_ = GaussianNB(var_smoothing=self.smooth).fit(np.asarray(X), y)
        self.classes_ = self.model_.classes_
        self.fresh_ = True
        return self

    def predict(self, X):
        """Return labels."""
        return self.model_.predict(np.asarray(X))

    def predict_proba(self, X):
        """Return probabilities."""
        self._do("predict")
        values = self.model_.predict_proba(np.asarray(X))
        if self.log and self.fresh_:
            self.fresh_ = False
            rows = hashlib.sha1(np.asarray(X).tobytes()).hexdigest()  # noqa: S324
            _append(self.log, f"{os.getpid()} {self.smooth!r} {rows}\n")
        return values

    def __getstate__(self):
        """Pickle, or not."""
        self._do("pickle")
        return {**super().__getstate__(), "fresh_": False}

    def __setstate__(self, state):
        """Unpickle, or not."""
        super().__setstate__(state)
        self._do("unpickle")

    def _do(self, where: str) -> None:
        if where != self.where or not (self.here or _in_worker()):
            return
        if getattr(self, "n_rows_", 0) < self.rows or not _is_first(self.once):
            return
        ACTS[self.act]()


class PoisonMetric:
    """A scorer that acts when a worker unpickles it: with the first task."""

    def __init__(self, act: str, once: str = "") -> None:
        self.act = act
        self.once = once

    def __call__(self, estimator, X, y):
        """Return the accuracy."""
        return accuracy_score(y, estimator.predict(X))

    def __setstate__(self, state):
        """Act, in a worker."""
        self.__dict__.update(state)
        if _in_worker() and _is_first(self.once):
            ACTS[self.act]()


def _append(path: str, line: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


def _is_first(once: str) -> bool:
    """Return whether nobody was here before."""
    if not once:
        return True
    try:
        with Path(once).open("x") as file:
            file.write(str(os.getpid()))
            return True
    except FileExistsError:
        return False


def finished(log: Path) -> list[tuple[float, str]]:
    """Return what workers predicted: what was tuned, and a hash of the rows."""
    if not log.exists():
        return []
    lines = [line.split() for line in log.read_text("ascii").splitlines()]
    return [(float(smooth), rows) for _, smooth, rows in lines]


def light(name: str = "light", order: int = 1, **fixed) -> Candidate:
    """Return a candidate that behaves, with something to tune."""
    return Candidate(
        name=name,
        title=name.title(),
        tasks=("binary", "multiclass"),
        estimators={"classification": "tests.faults.chaos.Chaos"},
        order=order,
        fixed=fixed,
        space=(Dimension("smooth", "float", 1e-12, 1.0, log=True),),
    )


def bad(act: str, name: str = "bad", order: int = 2, **fixed) -> Candidate:
    """Return a candidate of one configuration that misbehaves."""
    return Candidate(
        name=name,
        title=name.title(),
        tasks=("binary", "multiclass"),
        estimators={"classification": "tests.faults.chaos.Chaos"},
        order=order,
        fixed={"act": act, **fixed},
    )
