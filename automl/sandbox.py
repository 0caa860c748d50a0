"""What a learner changes of its process is put back: what a process has one of.

Learners of the user's own change the working directory, seed global generators or
handle signals. Neither the next configuration nor the user's program may notice.

Nothing tells which thread changed what a process has one of. Where another may have, as
in a server or beside a notebook's background work, its changes would be undone with the
learner's: there such things are left as they are.
"""

from __future__ import annotations

import locale
import logging
import os
import random
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["alone_here", "sandbox"]

_HERE = threading.RLock()

Aspect = tuple["Callable[[], Any]", "Callable[[Any], object]"]
"""How something global is read, and how it is put back."""

SERVICES = ("automl", "joblib", "rich", "tqdm", "IPython", "ipykernel")
"""Packages whose threads only serve: pools, progress, a notebook's messages. None runs
code of the user's that changes the process."""


@contextmanager
def alone_here() -> Iterator[None]:
    """Let one task at a time run in this process, with one thread.

    A fit limits threads and hides warnings, which a process has one of: fits of several
    threads of the caller's take turns, task by task. A learner may fit another.
    """
    from threadpoolctl import threadpool_limits

    with _HERE, threadpool_limits(1):
        yield


@contextmanager
def sandbox(*, worker: bool = False) -> Iterator[None]:
    """Put global state back at the end, whatever happened in between.

    NumPy's errors, which each thread has of its own, and in the main thread signal
    handlers, which no other can set. Of what all threads share, where no other may have
    changed it: directory, environment, file mask, search path, streams, random
    generators, locale and logging. That is in a worker, and in a main thread that is
    alone but for threads of `SERVICES`.

    Parameters
    ----------
    worker : bool, default=False
        Whether this process is one of our workers: all its threads are the learners'.

    Examples
    --------
    >>> before = random.getstate()
    >>> with sandbox(worker=True):
    ...     random.seed(1)
    >>> random.getstate() == before
    True
    """
    aspects = _aspects(shared=worker or _is_alone())
    before = [read() for read, _ in aspects]
    try:
        yield
    finally:
        for (read, put_back), was in zip(aspects, before, strict=True):
            if read() != was:
                put_back(was)


def _is_alone() -> bool:
    """Return whether no other thread can change what this one would put back."""
    here = threading.current_thread()
    if here is not threading.main_thread():
        return False
    return all(thread is here or _serves(thread) for thread in threading.enumerate())


def _serves(thread: threading.Thread) -> bool:
    runs: Any = type(thread)
    if runs is threading.Thread:  # no class of its own: what it was started with
        runs = getattr(thread, "_target", None)
    return str(getattr(runs, "__module__", "")).partition(".")[0] in SERVICES


def _aspects(*, shared: bool) -> list[Aspect]:
    aspects: list[Aspect] = [(np.geterr, lambda was: np.seterr(**was))]
    if shared:
        aspects += [
            (_directory, _enter),
            (lambda: dict(os.environ), _set_environ),
            (_mask, os.umask),
            (lambda: list(sys.path), _set_path),
            (lambda: (sys.stdout, sys.stderr), _set_streams),
            (random.getstate, random.setstate),
            (_numpy_state, _set_numpy_state),
            (lambda: locale.setlocale(locale.LC_ALL), _set_locale),
            (_logging, _set_logging),
        ]
    if threading.current_thread() is threading.main_thread():
        aspects.append((_handlers, _set_handlers))
    return aspects


def _directory() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109 - a text is compared
    except OSError:
        return None  # it was deleted


def _enter(folder: str | None) -> None:
    if folder is not None:
        with suppress(OSError):
            os.chdir(folder)


def _set_environ(was: dict[str, str]) -> None:
    for name in set(os.environ) - set(was):
        del os.environ[name]
    os.environ.update(was)


def _mask() -> int:
    mask = os.umask(0o077)  # there is no way to read it but to set it
    os.umask(mask)
    return mask


def _set_path(was: list[str]) -> None:
    sys.path[:] = was


def _set_streams(was: tuple[Any, Any]) -> None:
    sys.stdout, sys.stderr = was


def _numpy_state() -> tuple[Any, ...]:
    name, keys, *rest = np.random.get_state()  # noqa: NPY002 - the global generator
    return (name, np.asarray(keys).tobytes(), *rest)


def _set_numpy_state(was: tuple[Any, ...]) -> None:
    name, keys, *rest = was
    np.random.set_state((name, np.frombuffer(keys, dtype=np.uint32), *rest))  # noqa: NPY002


def _set_locale(was: str) -> None:
    with suppress(locale.Error):
        locale.setlocale(locale.LC_ALL, was)


def _logging() -> tuple[int, int, list[logging.Handler]]:
    root = logging.getLogger()
    return logging.root.manager.disable, root.level, list(root.handlers)


def _set_logging(was: tuple[int, int, list[logging.Handler]]) -> None:
    disabled, level, handlers = was
    logging.disable(disabled)
    root = logging.getLogger()
    root.setLevel(level)
    root.handlers[:] = handlers


def _handlers() -> dict[int, Any]:
    return {int(s): signal.getsignal(s) for s in signal.valid_signals()}


def _set_handlers(was: dict[int, Any]) -> None:
    for number, handler in was.items():
        # None is a handler of native code, which Python cannot put back
        if handler is not None and signal.getsignal(number) is not handler:
            signal.signal(number, handler)
