"""SIGTERM and SIGHUP end a command as Ctrl-C does, with exit codes of their own."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

__all__ = ["Stop", "stoppable"]


@dataclass
class Stop:
    """What a command was stopped by.

    Attributes
    ----------
    code : int
        Exit code: 128 and the number of the signal, as shells have it.
    """

    code: int = 128 + signal.SIGINT

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Pass a signal on to whoever takes interrupts now."""
        self.code = 128 + number
        handler = signal.getsignal(signal.SIGINT)
        if not callable(handler):  # interrupts are ignored: this is none
            raise KeyboardInterrupt
        handler(number, frame)


@contextmanager
def stoppable() -> Iterator[Stop]:
    """Take SIGTERM and SIGHUP for interrupts, except those that are ignored."""
    stop = Stop()
    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            if number is not None and signal.getsignal(number) == signal.SIG_DFL:
                before[number] = signal.signal(number, stop.handle)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
