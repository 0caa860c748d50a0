"""Ends a worker whose parent is gone. Imports nothing that takes time.

A worker begins to watch before it imports its learners, which is when most parents are
killed: early, by somebody who forgot an option.
"""

from __future__ import annotations

import os
import signal
import threading
import time

__all__ = ["watch_parent"]

LOOK_S = 1.0
"""Seconds between two looks at whether the parent is alive."""


def watch_parent(parent: int) -> None:
    """End this process once its parent is gone; called as a worker starts.

    Parameters
    ----------
    parent : int
        Process that the worker belongs to.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_S)
        os._exit(1)

    if not hasattr(signal, "pthread_sigmask"):  # else the parent holds Ctrl-C back
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "getppid"):
        threading.Thread(target=watch, name="parent-watch", daemon=True).start()
