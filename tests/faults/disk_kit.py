"""A small run, and a disk that fails."""

import errno
import os
from pathlib import Path

import numpy as np

QUICK = {
    "n_trials": 4, "n_jobs": 1, "candidates": ["ridge"], "random_state": 0,
    "verbose": 0, "cv": 3,
}  # fmt: skip


def table():
    """Return ninety rows of four columns, the first of which tells."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 4))
    return X, X[:, 0] + 0.5 * rng.normal(size=90)


def break_disk(monkeypatch, fault, number=errno.EIO):
    """Let every fsync or every rename fail."""

    def fail(*_args, **_kwargs):
        raise OSError(number, os.strerror(number))

    if fault == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    else:
        for name in ("replace", "rename"):
            monkeypatch.setattr(os, name, fail)
            monkeypatch.setattr(Path, name, fail)
