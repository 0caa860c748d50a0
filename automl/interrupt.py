"""Ctrl-C during a run: the first asks to stop, the second stops."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Interrupt"]


class Interrupt:
    """Takes SIGINT from `take` to the end, where it can be taken: in the main thread.

    The first only asks to stop, so that nothing is torn; during a fit in this very
    process, which nothing else can end, it raises there. The second raises anywhere.

    Attributes
    ----------
    asked_s : float or None
        When the user asked to stop, on `time.monotonic`.
    again : bool
        Whether he asked again.

    Examples
    --------
    >>> with Interrupt().take() as interrupt:
    ...     signal.raise_signal(signal.SIGINT)
    ...     interrupt.asked
    True
    """

    def __init__(self) -> None:
        self.asked_s: float | None = None
        self.again = False
        self._fitting = False
        self._previous: Any = None
        self._taken = False

    @property
    def asked(self) -> bool:
        """Whether the user asked to stop."""
        return self.asked_s is not None

    @property
    def taken(self) -> bool:
        """Whether a Ctrl-C comes here."""
        return self._taken

    def __enter__(self) -> Self:
        return self

    def take(self) -> Self:
        """Take the signal from now on, if this is the main thread."""
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.getsignal(signal.SIGINT)
            # what is handled outside Python stays so
            if self._previous is not None and self._previous != signal.SIG_DFL:
                signal.signal(signal.SIGINT, self._handle)
                self._taken = True
        return self

    def __exit__(self, *_: object) -> None:
        if self._taken:
            signal.signal(signal.SIGINT, self._previous)
            self._taken = False

    @contextmanager
    def fitting(self) -> Iterator[None]:
        """Let the first Ctrl-C raise, for the time of a fit in this process."""
        self._fitting = True
        try:
            if self.asked and not self.again:
                raise KeyboardInterrupt
            yield
        finally:
            self._fitting = False

    def _handle(self, number: int, _frame: object) -> None:
        if number == signal.SIGINT and self._previous == signal.SIG_IGN:
            return  # a job in the background ignores Ctrl-C, but no other signal
        # the shell and the system each tell that a terminal is gone: nobody asks twice
        hung_up = number == getattr(signal, "SIGHUP", None)
        self.again = self.again or (self.asked and not hung_up)
        self.asked_s = time.monotonic() if self.asked_s is None else self.asked_s
        if self.again or self._fitting:
            self._fitting = False
            raise KeyboardInterrupt
