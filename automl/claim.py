"""Whether a run may have processes: known before anything is planned for them."""

from __future__ import annotations

import threading
import warnings
from typing import Self

from automl.exceptions import AutoMLWarning

__all__ = ["POOL", "Claim"]

POOL = threading.Lock()
"""joblib has one pool of processes for all: one run at a time uses it."""

NONE_HERE = (
    "No worker can be started from this process (a daemon, or itself a worker): the "
    "fit runs in it, one task at a time."
)

TAKEN = (
    "Another fit of this process uses the workers: this one runs in its own thread, "
    "one task at a time."
)


class Claim:
    """The pool of processes, from when a run asks for it; a context manager.

    Parameters
    ----------
    n_jobs : int
        Processes that are wanted; 1 wants no pool.
    notes : tuple of str, default=()
        Why they are fewer than the user asked for.

    Attributes
    ----------
    n_workers : int
        Processes that there are: 1, this one, where none can be had.
    notes : tuple of str
        Why they are fewer.

    Examples
    --------
    >>> with Claim(1) as claim:
    ...     claim.n_workers, claim.notes
    (1, ())
    """

    def __init__(self, n_jobs: int, notes: tuple[str, ...] = ()) -> None:
        self.n_workers = n_jobs
        self.notes = notes
        self._held = False

    def __enter__(self) -> Self:
        return self.take()

    def take(self) -> Self:
        """Take the pool if it can be had, and warn where it cannot."""
        if self.n_workers == 1:
            return self
        if _must_run_here(self.n_workers):
            self._do_without(NONE_HERE)
        elif POOL.acquire(blocking=False):
            self._held = True
        else:
            self._do_without(TAKEN)
        return self

    def _do_without(self, why: str) -> None:
        self.n_workers, self.notes = 1, (why,)
        # in a fit: this, `take`, its context, the stack's, the run, the fit, its caller
        warnings.warn(AutoMLWarning(why, code="W-workers"), stacklevel=7)

    def pass_on(self) -> bool:
        """Return whether the pool is held; who asks has to leave it from now on."""
        held, self._held = self._held, False
        return held

    def release(self) -> None:
        """Let another run have the pool."""
        if self.pass_on():
            POOL.release()

    def __exit__(self, *_: object) -> None:
        self.release()


def _must_run_here(n_jobs: int) -> bool:
    """Return whether joblib would not start processes: in a daemon, or deep in one."""
    from joblib import effective_n_jobs, parallel_config

    with parallel_config(backend="loky"):
        return int(effective_n_jobs(n_jobs)) == 1
