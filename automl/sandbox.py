"""What a learner changes of its process is put back: what a process has one of.

Learners of the user's own change the working directory, seed global generators or
handle signals. Neither the next configuration nor the user's program may notice.
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

__all__ = ["sandbox"]

Aspect = tuple["Callable[[], Any]", "Callable[[Any], object]"]
"""How something global is read, and how it is put back."""


@contextmanager
def sandbox() -> Iterator[None]:
    """Put global state back at the end, whatever happened in between.

    Directory, environment, file mask, search path, streams, random generators, NumPy's
    errors, locale, logging, and in the main thread signal handlers.

    Examples
    --------
    >>> before = random.getstate()
    >>> with sandbox():
    ...     random.seed(1)
    >>> random.getstate() == before
    True
    """
    aspects = _aspects()
    before = [read() for read, _ in aspects]
    try:
        yield
    finally:
        for (read, put_back), was in zip(aspects, before, strict=True):
            if read() != was:
                put_back(was)


def _aspects() -> list[Aspect]:
    aspects: list[Aspect] = [
        (_directory, _enter),
        (lambda: dict(os.environ), _set_environ),
        (_mask, os.umask),
        (lambda: list(sys.path), _set_path),
        (lambda: (sys.stdout, sys.stderr), _set_streams),
        (random.getstate, random.setstate),
        (_numpy_state, _set_numpy_state),
        (np.geterr, lambda was: np.seterr(**was)),
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
