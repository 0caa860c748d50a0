"""Short fits one after the other, in a process whose workers somebody else kills.

Each fit is told as a line of JSON. The learner writes what it began and what it
finished to a file: evidence that does not come from the library.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Self

import numpy as np
import psutil
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_breast_cancer
from sklearn.naive_bayes import GaussianNB

from automl import AutoML
from automl.candidates import Candidate, Dimension

__all__ = ["Counting", "main"]

GONE_S = 5.0
"""Seconds in which processes must be gone."""


class Counting(ClassifierMixin, BaseEstimator):
    """Naive Bayes that takes its time and writes down what it does.

    Parameters
    ----------
    log : str
        File that gets a line for each fit, and one for its first prediction.
    pause_s : float
        Seconds that a fit takes at least: time to be killed in.
    smooth : float
        Something to tune; tells configurations apart.
    """

    def __init__(
        self, *, log: str = "", pause_s: float = 0.0, smooth: float = 1e-9
    ) -> None:
        self.log = log
        self.pause_s = pause_s
        self.smooth = smooth

    def fit(self, X: Any, y: Any) -> Self:
        """Fit, slowly."""
        self._note("begin", X)
        time.sleep(self.pause_s)
        self.model_ = GaussianNB(var_smoothing=self.smooth).fit(np.asarray(X), y)
        self.classes_ = self.model_.classes_
        self.fresh_ = True
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return labels."""
        labels: np.ndarray = self.model_.predict(np.asarray(X))
        return labels

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return probabilities."""
        values: np.ndarray = self.model_.predict_proba(np.asarray(X))
        if self.fresh_:
            self.fresh_ = False
            self._note("end", X)
        return values

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "fresh_": False}

    def _note(self, what: str, X: Any) -> None:
        rows = hashlib.sha256(np.asarray(X).tobytes()).hexdigest()[:16]
        line = f"{what} {self.pause_s!r} {self.smooth!r} {rows} {len(X)}\n"
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)


def _candidate(name: str, log: Path, pause_s: float) -> Candidate:
    return Candidate(
        name=name,
        title=name,
        tasks=("binary",),
        estimators={"classification": "benchmarks.soak_fits.Counting"},
        fixed={"log": str(log), "pause_s": pause_s},
        space=(Dimension("smooth", "float", 1e-12, 1.0, log=True),),
    )


def _fit(home: Path, number: int, budget_s: float) -> dict[str, Any]:
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    log = home / f"{number}.log"
    candidates = [_candidate("short", log, 0.02), _candidate("long", log, 0.2)]
    began = time.monotonic()
    model = AutoML(
        candidates=candidates, time_budget_s=budget_s, n_jobs=2, cv=4, verbose=0,
        random_state=number, run_dir=home / str(number),
    ).fit(X, y)  # fmt: skip
    seconds = time.monotonic() - began
    return {
        "seconds": seconds,
        "best": model.best_candidate_,
        "score": float(model.score(X, y)),
        "statuses": [t.status for t in model.trials_],
        "notes": list(model.notes_),
    }


def _children_left(process: psutil.Process) -> int:
    """Return how many processes are left `GONE_S` after a fit; the tracker aside."""
    end = time.monotonic() + GONE_S
    while True:
        left = 0
        for child in process.children(recursive=True):
            try:
                gone = child.status() == psutil.STATUS_ZOMBIE
                left += not gone and "resource_tracker" not in " ".join(child.cmdline())
            except psutil.NoSuchProcess:
                continue
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.05)


def main() -> None:
    """Fit until the file ``stop`` lies in the folder, or a signal comes."""
    home, budget_s = Path(sys.argv[1]), float(sys.argv[2])
    process = psutil.Process()
    number = 0
    while not (home / "stop").exists():
        said: dict[str, Any] = {"number": number}
        try:
            said |= _fit(home, number, budget_s) | {"failure": None}
        except Exception as error:  # noqa: BLE001 - a failed fit is what is counted
            said["failure"] = f"{type(error).__name__}: {error}"[:500]
        gc.collect()  # joblib's broken pools wait for it, with their pipes
        said["rss_mib"] = process.memory_info().rss / 2**20
        said["files"] = process.num_fds()
        said["children"] = _children_left(process)
        said["leftovers"] = os.listdir(tempfile.gettempdir())  # noqa: PTH208 - names
        print(json.dumps(said), flush=True)
        number += 1


if __name__ == "__main__":
    main()
