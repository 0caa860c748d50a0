"""What a worker process does around a task: all that its death must not take with it.

It marks which task it runs and since when, and keeps the outcome of a fold on disk
until the parent has it.
"""

from __future__ import annotations

import faulthandler
import os
import pickle
import time
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from automl.evaluate import Outcome, failed, run_task
from automl.freeing import keep_little

if TYPE_CHECKING:
    from pathlib import Path

    from automl.evaluate import Task

__all__ = ["Mark", "forget_kept", "has_kept", "read_mark", "take_kept", "work"]

BELT_S = 2.0
"""Seconds after the parent's own kill at which a worker ends itself: a fit that hangs
in native code and holds the interpreter lets no thread look for the parent."""

Mark = tuple[int, float]
"""Process and start, on `time.monotonic`, of a task that runs."""


def work(folder: Path, task: Task) -> Outcome:
    """Do a task in a worker process and return what came of it.

    Parameters
    ----------
    folder : Path
        Of the workplace.
    task : Task
        What to do.
    """
    _settle()
    mark = folder / "running" / str(task.serial)
    try:
        if task.kind != "wait":
            with suppress(OSError):  # a full disk: the task is then watched less well
                mark.write_text(f"{os.getpid()} {time.monotonic()!r}", encoding="ascii")
            _arm(task)
        outcome = _sendable(run_task(folder, task, worker=True))
        if task.kind == "fold":
            _keep(folder, outcome)
    except KeyboardInterrupt:  # raised by a fit: a worker gets no Ctrl-C
        outcome = failed(task, "KeyboardInterrupt: raised by a fit", 0.0)
    finally:
        faulthandler.cancel_dump_traceback_later()
        with suppress(OSError):
            mark.unlink(missing_ok=True)
    return outcome


def read_mark(folder: Path, serial: int) -> Mark | None:
    """Return who runs a task since when; None before it began and after it ended."""
    try:
        pid, started = (folder / "running" / str(serial)).read_text("ascii").split()
    except (OSError, ValueError):  # not there, or not yet written
        return None
    return int(pid), float(started)


def take_kept(folder: Path, serial: int) -> Outcome | None:
    """Return, once, the outcome that a worker kept before it could hand it over."""
    path = _kept(folder, serial)
    try:
        outcome: Outcome = pickle.loads(path.read_bytes())  # noqa: S301 - our own file
    except OSError:
        return None
    path.unlink(missing_ok=True)
    return outcome


def has_kept(folder: Path, serial: int) -> bool:
    """Return whether a worker has done a task whose outcome is not yet handed over."""
    return _kept(folder, serial).is_file()


def forget_kept(folder: Path, serial: int) -> None:
    """Delete what a worker kept: the parent has it."""
    _kept(folder, serial).unlink(missing_ok=True)


def _kept(folder: Path, serial: int) -> Path:
    return folder / "done" / f"{serial}.pkl"


def _keep(folder: Path, outcome: Outcome) -> None:
    path = _kept(folder, outcome.task.serial)
    part = path.with_suffix(".part")
    with suppress(OSError):  # only an insurance: the outcome is handed over as well
        part.write_bytes(pickle.dumps(outcome))
        part.replace(path)


def _sendable(outcome: Outcome) -> Outcome:
    """Return the outcome with a fitted pipeline pickled here, where it may fail."""
    if outcome.task.kind != "refit" or outcome.value is None:
        return outcome
    import cloudpickle  # of classes from the caller's own script

    try:
        return replace(outcome, value=cloudpickle.dumps(outcome.value))
    except Exception as error:  # noqa: BLE001 - a model that cannot be kept has failed
        return failed(outcome.task, f"{type(error).__name__}: {error}", 0.0)


def _arm(task: Task) -> None:
    """See that the process ends a little after its time, whatever the fit does."""
    limits = [task.limit_s, _seconds_to(task.kill_at)]
    given = [seconds for seconds in limits if seconds is not None]
    if given:
        faulthandler.dump_traceback_later(
            max(0.0, min(given)) + BELT_S, exit=True, file=_nowhere()
        )


def _seconds_to(moment: float | None) -> float | None:
    return None if moment is None else moment - time.monotonic()


@lru_cache(maxsize=1)
def _nowhere() -> int:
    """Return where the traceback of such an end goes."""
    return os.open(os.devnull, os.O_WRONLY)


@lru_cache(maxsize=1)
def _settle() -> None:
    """Set this process up once."""
    faulthandler.disable()  # joblib's: it writes of each crash on the user's screen
    keep_little()
