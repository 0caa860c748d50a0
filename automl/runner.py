"""Tasks out, results in: the one module that runs things in parallel, by joblib.

Tasks are asked for when a worker falls free, by joblib as many at once as there are
workers; results come in the order of completion. A worker that dies takes the pool with
it: what was finished is kept, why it died is found out, the tasks that were in flight
are told with it, and a new pool goes on.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from automl.claim import POOL, Claim
from automl.evaluate import Outcome, Task, failed, run_task
from automl.orphan import watch_parent
from automl.sandbox import alone_here
from automl.watchdog import Limits, Watchdog
from automl.worker import forget_kept, work
from automl.workplace import close_workplace

if TYPE_CHECKING:
    from automl.interrupt import Interrupt

__all__ = ["Runner"]

Source = Callable[[], Task | None]


class Runner:
    """Runs tasks on a number of processes, or in this one; a context manager.

    Parameters
    ----------
    n_jobs : int
        Processes; 1 runs the tasks here, where nothing can be killed.
    folder : Path
        Of the workplace.
    queued : int, default=0
        Tasks that wait beside those that run: no worker is idle while the next is
        chosen, but what is chosen is not informed by what is about to come in.
    claim : Claim, default=None
        Of the pool, where it was asked for before; it is passed on to this.
    """

    def __init__(
        self,
        n_jobs: int,
        folder: Path,
        queued: int = 0,
        claim: Claim | None = None,
    ) -> None:
        self.n_jobs = n_jobs
        self.folder = folder
        self.queued = queued
        self._claim = claim
        self._failure: BaseException | None = None
        self._holds_pool = False
        self._stopping: threading.Thread | None = None

    def __enter__(self) -> Self:
        claim = self._claim or Claim(self.n_jobs).take()
        if self.n_jobs > 1:
            self._holds_pool = claim.pass_on()
        else:  # there was memory for one: another run may have the pool
            claim.release()
        return self

    def __exit__(self, *_: object) -> None:
        if self._holds_pool:
            try:
                self.release()
                if self._stopping is not None and self._stopping.ident is not None:
                    self._stopping.join()
            finally:
                self._stopping = None
                self._holds_pool = False
        else:
            close_workplace()

    @property
    def parallel(self) -> bool:
        """Whether tasks run in processes of their own."""
        return self._holds_pool

    def run(self, source: Source, limits: Limits | None = None) -> Generator[Outcome]:
        """Yield outcomes until ``source`` returns None and all are in.

        Parameters
        ----------
        source : callable
            Returns the next task; is called from another thread.
        limits : Limits, default=None
            What tasks are ended for; that of the tasks themselves by default.

        Yields
        ------
        Outcome
            Of each task, those included that were ended or died.
        """
        limits = limits or Limits()
        self._failure = None
        if not self._holds_pool:
            yield from self._run_here(source, limits)
            return
        over = False
        while not over:
            over = yield from self._run_pool(source, limits)

    def _run_here(self, source: Source, limits: Limits) -> Iterator[Outcome]:
        while (task := source()) is not None:
            if task.kind != "wait":
                asked = limits.interrupt is not None and limits.interrupt.asked
                # what begins after a Ctrl-C is what there is time for: it has its time
                yield _run_one(self.folder, task, None if asked else limits.interrupt)

    def _run_pool(
        self, source: Source, limits: Limits
    ) -> Generator[Outcome, None, bool]:
        """Run one pool; return whether the source is exhausted."""
        from concurrent.futures.process import BrokenProcessPool

        from joblib import Parallel, delayed, parallel_config

        # explicit threads: two single-threaded fits beat one of two threads
        with parallel_config(
            backend="loky",
            inner_max_num_threads=1,
            initializer=watch_parent,
            initargs=(os.getpid(),),
        ):
            parallel = Parallel(
                n_jobs=self.n_jobs,
                return_as="generator_unordered",
                pre_dispatch=self.n_jobs + self.queued,
                batch_size=1,
                max_nbytes=None,
                temp_folder=str(self.folder),  # or empty ones stay in shared memory
            )

        def give_up() -> None:
            parallel.timeout = 0.0  # what the pool owes is then waited for no longer

        with (
            Watchdog(self.folder, limits, give_up) as watchdog,
            warnings.catch_warnings(),
            _with_streams(),
        ):
            # where warnings are errors, this one ends the thread that serves the pool
            warnings.filterwarnings("ignore", message="A worker stopped while some")
            # said where the caller's own error ends the run
            warnings.filterwarnings("ignore", message=r"\d+ tasks (which|have)")
            outcomes: Any = ()
            try:
                with _without_interrupts():  # workers inherit it: Ctrl-C is for us
                    outcomes = parallel(
                        delayed(work)(self.folder, task)
                        for task in self._watched(source, watchdog)
                    )
                for outcome in outcomes:
                    watchdog.remove(outcome.task)
                    if outcome.task.kind != "wait":
                        forget_kept(self.folder, outcome.task.serial)
                        yield _received(outcome)
            except (BrokenProcessPool, multiprocessing.TimeoutError):
                yield from watchdog.autopsy()
                return False
            finally:
                if hasattr(outcomes, "close"):
                    outcomes.close()  # before its workers are stopped, not after
        if self._failure is not None:
            raise self._failure
        return True

    def _watched(self, source: Source, watchdog: Watchdog) -> Iterator[Task]:
        """Yield tasks and remember them; a failing source ends the run."""
        while True:
            try:
                task = source()
            except BaseException as error:  # noqa: BLE001 - raised in the caller's thread
                self._failure = error
                return
            if task is None:
                return
            watchdog.add(task)
            yield task

    def release(self) -> None:
        """Let the processes end while this one goes on: no task comes any more."""
        if not self._holds_pool or self._stopping is not None:
            return
        thread = threading.Thread(target=_stop_workers)
        try:
            thread.start()
        except RuntimeError:  # no thread can be had: then it is waited for here
            _stop_workers()
        self._stopping = thread


def _stop_workers() -> None:
    """End the pool's processes, so that nothing of a run is left, and leave the pool.

    Nobody else may have it before: it is the same for all.
    """
    from joblib.externals.loky import get_reusable_executor

    try:
        # without it a new one takes its place, and the workers end when they please
        executor: Any = get_reusable_executor(reuse=True)
        executor.shutdown(wait=True, kill_workers=True)
    finally:
        POOL.release()


def _run_one(folder: Path, task: Task, interrupt: Interrupt | None) -> Outcome:
    """Do a task in this process, where a Ctrl-C reaches into the fit."""
    try:
        with alone_here(), _noted(interrupt):
            return run_task(folder, task)
    except KeyboardInterrupt:
        if interrupt is None or interrupt.again:
            raise
        if interrupt.asked:
            return Outcome(task, error="cancelled")
        if not interrupt.taken:
            raise
        return failed(task, "KeyboardInterrupt: raised by a fit", 0.0)


@contextmanager
def _noted(interrupt: Interrupt | None) -> Iterator[None]:
    if interrupt is None:
        yield
        return
    with interrupt.fitting():
        yield


def _received(outcome: Outcome) -> Outcome:
    """Return the outcome with its pipeline, which came pickled, unpickled."""
    if outcome.task.kind != "refit" or not isinstance(outcome.value, bytes):
        return outcome
    try:
        return replace(outcome, value=pickle.loads(outcome.value))  # noqa: S301 - our own
    except Exception as error:  # noqa: BLE001 - a model that cannot be read has failed
        return failed(outcome.task, f"{type(error).__name__}: {error}", 0.0)


@contextmanager
def _with_streams() -> Iterator[None]:
    """Give a process without standard streams some: joblib flushes them at a start."""
    missing = [name for name in ("stdout", "stderr") if getattr(sys, name) is None]
    with ExitStack() as stack:
        for name in missing:
            nowhere = stack.enter_context(Path(os.devnull).open("w"))
            stack.callback(setattr, sys, name, None)
            setattr(sys, name, nowhere)
        yield


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Hold SIGINT back in this thread, and for ever in what it starts."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
