"""Tasks out, results in: the one module that runs things in parallel, by joblib.

Tasks are asked for when a worker falls free, by joblib as many at once as there are
workers; results come in the order of completion. A worker that dies takes the pool with
it: finished results are kept, the tasks that were in flight are reported as lost, and a
new pool goes on.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any

from automl.evaluate import Outcome, Task, run_task

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Runner", "stop_workers"]

LOOK_S = 0.1
"""Seconds between two looks of the watchdog."""

Source = Callable[[], Task | None]


class Runner:
    """Runs tasks on a number of processes, or in this one.

    Parameters
    ----------
    n_jobs : int
        Processes; 1 runs the tasks here, where nothing can be killed.
    folder : Path
        Of the workplace.
    queued : int, default=0
        Tasks that wait beside those that run: no worker is idle while the next is
        chosen, but what is chosen is not informed by what is about to come in.
    """

    def __init__(self, n_jobs: int, folder: Path, queued: int = 0) -> None:
        self.n_jobs = n_jobs
        self.folder = folder
        self.queued = queued
        self.in_flight: dict[int, Task] = {}
        self.killed: set[int] = set()
        self._lock = threading.Lock()
        self._failure: BaseException | None = None

    def run(self, source: Source) -> Iterator[Outcome]:
        """Yield outcomes until ``source`` returns None and all are in.

        Parameters
        ----------
        source : callable
            Returns the next task; is called from another thread.

        Yields
        ------
        Outcome
            With ``error="killed"`` for a task that overran its ``kill_at``, and
            ``error="lost"`` for one whose worker died beside it.
        """
        self.in_flight, self.killed, self._failure = {}, set(), None
        if self.n_jobs == 1 or _must_run_here(self.n_jobs):
            yield from self._run_here(source)
            return
        over = False
        while not over:
            over = yield from self._run_pool(source)

    def _run_here(self, source: Source) -> Iterator[Outcome]:
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            while (task := source()) is not None:
                if task.kind != "wait":
                    yield run_task(self.folder, task)

    def _run_pool(self, source: Source) -> Generator[Outcome, None, bool]:
        """Run one pool; return whether the source is exhausted."""
        from concurrent.futures.process import BrokenProcessPool

        from joblib import Parallel, delayed, parallel_config

        # explicit threads: two single-threaded fits beat one of two threads
        with parallel_config(backend="loky", inner_max_num_threads=1):
            parallel = Parallel(
                n_jobs=self.n_jobs,
                return_as="generator_unordered",
                pre_dispatch=self.n_jobs + self.queued,
                batch_size=1,
                max_nbytes=None,
            )
        over = threading.Event()
        watchdog = threading.Thread(target=self._watch, args=(over,), daemon=True)
        watchdog.start()
        try:
            outcomes = parallel(
                delayed(run_task)(self.folder, task) for task in self._watched(source)
            )
            for outcome in outcomes:
                with self._lock:
                    self.in_flight.pop(outcome.task.serial, None)
                if outcome.task.kind != "wait":
                    yield outcome
        except BrokenProcessPool:
            yield from self._lost()
            return False
        finally:
            over.set()
            watchdog.join()
        if self._failure is not None:
            raise self._failure
        return True

    def _watched(self, source: Source) -> Iterator[Task]:
        """Yield tasks and remember them; a failing source ends the run."""
        while True:
            try:
                task = source()
            except BaseException as error:  # noqa: BLE001 - raised in the caller's thread
                self._failure = error
                return
            if task is None:
                return
            with self._lock:
                self.in_flight[task.serial] = task
            yield task

    def _lost(self) -> Iterator[Outcome]:
        """Yield what died with the pool."""
        with self._lock:
            lost, self.in_flight = list(self.in_flight.values()), {}
        for task in lost:
            if task.kind != "wait":
                error = "killed" if task.serial in self.killed else "lost"
                yield Outcome(task, error=error)

    def _watch(self, over: threading.Event) -> None:
        """Kill the process of a task that overruns."""
        while not over.wait(LOOK_S):
            now = time.monotonic()
            with self._lock:
                late = [
                    t for t in self.in_flight.values()
                    if t.kill_at is not None and now > t.kill_at
                ]  # fmt: skip
            for task in late:
                pid = self._process_of(task)
                if pid is not None and pid != os.getpid():
                    self.killed.add(task.serial)
                    _kill(pid)

    def _process_of(self, task: Task) -> int | None:
        """Return the process that runs a task, once it has begun."""
        try:
            text = (self.folder / "running" / str(task.serial)).read_text("ascii")
        except OSError:
            return None
        return int(text) if text else None


def _must_run_here(n_jobs: int) -> bool:
    """Return whether joblib would not start processes: in a daemon, or deep in one."""
    from joblib import effective_n_jobs, parallel_config

    with parallel_config(backend="loky"):
        return int(effective_n_jobs(n_jobs)) == 1


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    except ProcessLookupError:
        return  # it ended by itself in the meantime


def stop_workers() -> None:
    """End the pool's processes, so that nothing of a run is left."""
    from joblib.externals.loky import get_reusable_executor

    executor: Any = get_reusable_executor()
    executor.shutdown(wait=True, kill_workers=True)
