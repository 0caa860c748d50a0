"""Watches tasks that run in processes: ends those that must end, tells how they died.

It knows from the workers' marks which process runs which task since when. Nothing in a
worker is trusted to end by itself: a fit may hang in native code.
"""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from automl.evaluate import Outcome, Task
from automl.worker import Mark, has_kept, read_mark, take_kept

if TYPE_CHECKING:
    from pathlib import Path

    from automl.interrupt import Interrupt

__all__ = ["Limits", "MemoryGuard", "Watchdog"]

KILL = int(getattr(signal, "SIGKILL", 0))
"""What the pool ends its workers with; 0 where there is none."""

LOOK_S = 0.1
"""Seconds between two looks."""

GRACE_S = 1.0
"""Seconds that fits in flight are given to end after the user asked to stop: to end
them costs a new pool, which takes a second and more."""

UNSEEN_S = 2.0
"""Seconds past its end after which a task that no worker admits to ends the pool."""

STALL_S = 30.0
"""Seconds without a task that runs, comes or goes, and in their second half without a
worker that computes, after which a pool counts as dead: workers that start on a busy
machine take up to ten."""

BUSY_SHARE = 0.02
"""Share of a processor from which a worker counts as computing: it then has a task that
it could not mark, as on a full disk. One that waits takes a thousandth."""

MemoryGuard = Callable[[dict[int, float]], Sequence[int]]
"""Told which process runs a task since when; returns the processes to end, the one to
blame first."""


@dataclass(frozen=True)
class Limits:
    """What the watchdog ends tasks for.

    Attributes
    ----------
    kill_at : callable
        Returns when a task is ended at the latest, on `time.monotonic`, or None.
    interrupt : Interrupt or None
        Whether the user asked to stop: folds in flight are then ended.
    memory : callable or None
        Chooses the processes that must end for want of memory.
    limit_s : float or None
        Seconds of a task that has no limit of its own.
    """

    kill_at: Callable[[Task], float | None] = lambda task: task.kill_at
    interrupt: Interrupt | None = None
    memory: MemoryGuard | None = None
    limit_s: float | None = None


class Watchdog:
    """Watches the tasks of one pool from a thread of its own; a context manager.

    Parameters
    ----------
    folder : Path
        Of the workplace.
    limits : Limits
        What tasks are ended for.
    give_up : callable
        Called when the pool does nothing any more: its own thread may have died.
    """

    def __init__(
        self, folder: Path, limits: Limits, give_up: Callable[[], None]
    ) -> None:
        self.folder = folder
        self.limits = limits
        self._give_up = give_up
        self._moved_s = time.monotonic()
        self._used: dict[int, float] | None = None
        self._in_flight: dict[int, Task] = {}
        self._ended: dict[int, str] = {}
        self._marks: dict[int, Mark] = {}
        self._processes: dict[int, Any] = {}
        self._asked_s: float | None = None
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def add(self, task: Task) -> None:
        """Watch a task that is sent out."""
        with self._lock:
            self._moved_s = time.monotonic()
            if task.kind != "wait":
                self._in_flight[task.serial] = task

    def remove(self, task: Task) -> None:
        """Watch a task no more: its outcome is here."""
        with self._lock:
            self._moved_s = time.monotonic()
            self._in_flight.pop(task.serial, None)

    def autopsy(self) -> list[Outcome]:
        """Return what became of the tasks that were in flight when the pool died."""
        with self._lock:
            tasks, self._in_flight = list(self._in_flight.values()), {}
        codes = {t.serial: self._exit_code(t) for t in tasks}
        now = time.monotonic()  # one moment: it tells that it was one death
        return [self._found(task, codes, now) for task in tasks]

    def _found(self, task: Task, codes: dict[int, int | None], now: float) -> Outcome:
        mark = read_mark(self.folder, task.serial) or self._marks.get(task.serial)
        (self.folder / "running" / str(task.serial)).unlink(missing_ok=True)
        kept = take_kept(self.folder, task.serial)
        if kept is not None:
            return kept
        when: dict[str, Any] = {"mark": mark, "ended_s": now}
        if task.serial in self._ended:
            return Outcome(task, error=self._ended[task.serial], **when)
        code = codes[task.serial]
        # The pool ends its other workers by SIGKILL: any other end is a worker's own,
        # and where there is none, and none by us, whoever ran may have been the cause.
        others = any(
            serial in self._ended or not (c is None or _was_killed(c))
            for serial, c in codes.items()
        )
        if code is None or (_was_killed(code) and others):
            return Outcome(task, error="lost", **when)
        return Outcome(task, error="crash", detail=_how(code), **when)

    def _exit_code(self, task: Task) -> int | None:
        """Return how the process of a task ended; None if none had begun it."""
        mark = read_mark(self.folder, task.serial)
        mark = self._marks.get(task.serial) if mark is None else mark
        process = None if mark is None else self._processes.get(mark[0])
        if process is None:
            return None
        process.join(timeout=1.0)
        code: int | None = process.exitcode
        return code

    def _watch(self) -> None:
        while not self._over.wait(LOOK_S):
            self._look(time.monotonic())

    def _look(self, now: float) -> None:
        self._processes.update(_workers())
        with self._lock:
            tasks = list(self._in_flight.values())
        found = {t.serial: read_mark(self.folder, t.serial) for t in tasks}
        marks = {serial: mark for serial, mark in found.items() if mark is not None}
        self._marks.update(marks)
        interrupt = self.limits.interrupt
        if interrupt is not None and interrupt.asked and self._asked_s is None:
            self._asked_s = now
        if marks:
            self._moved_s = now
        elif self._is_dead(now):
            self._end_pool()
        self._judge(tasks, marks, now)
        if self.limits.memory is not None:
            chosen = self.limits.memory(dict(marks.values()))
            for serial, (pid, _) in marks.items():
                if pid in chosen:  # the first is to blame, others are run again
                    self._end_task(
                        serial, pid, "memory" if pid == chosen[0] else "lost"
                    )

    def _is_dead(self, now: float) -> bool:
        """Return whether nothing moves for long, and no worker computes all the same.

        What they used is read when half of the time is over: mostly, that is never.
        """
        quiet_s = now - self._moved_s
        if quiet_s < STALL_S / 2:
            self._used = None
            return False
        if self._used is None:
            self._used = _processor_seconds(self._processes)
        if quiet_s < STALL_S:
            return False
        before, self._used = self._used, None
        least_s = BUSY_SHARE * STALL_S / 2
        for pid, used_s in _processor_seconds(self._processes).items():
            if used_s > before.get(pid, 0.0) + least_s:
                self._moved_s = now
                return False
        return True

    def _judge(self, tasks: list[Task], marks: Mapping[int, Mark], now: float) -> None:
        """End what must end by the clock or the user."""
        for task in tasks:
            mark = marks.get(task.serial)
            why = self._verdict(task, mark, now, idle=not marks)
            if why == "unseen":
                self._end_pool()
            elif why is not None:
                self._end_task(task.serial, marks[task.serial][0], why)

    def _verdict(
        self, task: Task, mark: Mark | None, now: float, *, idle: bool
    ) -> str | None:
        """Return why a task must end now, if it must; ``unseen`` if nobody runs it.

        Where the pool is not idle it may wait behind what runs.
        """
        kill_at = self.limits.kill_at(task)
        if mark is None:
            late = idle and kill_at is not None and now > kill_at + UNSEEN_S
            return "unseen" if late and not has_kept(self.folder, task.serial) else None
        if kill_at is not None and now > kill_at:
            return "cancelled" if task.kind == "fold" else "timeout"
        limit_s = self.limits.limit_s if task.limit_s is None else task.limit_s
        if limit_s is not None and now > mark[1] + limit_s:
            return "timeout"
        asked = self._asked_s is not None and now > self._asked_s + GRACE_S
        return "cancelled" if asked and task.kind == "fold" else None

    def _end_pool(self) -> None:
        for pid in list(self._processes):
            _end(pid)
        self._give_up()

    def _end_task(self, serial: int, pid: int, why: str) -> None:
        if serial not in self._ended:
            self._ended[serial] = why
            _end(pid)


def _workers() -> dict[int, Any]:
    """Return the pool's processes that are alive, by number."""
    return {
        child.pid: child
        for child in multiprocessing.active_children()
        if child.pid is not None and "loky" in type(child).__module__
    }


def _processor_seconds(pids: Iterable[int]) -> dict[int, float]:
    """Return what processes have used of processors; of those that are there."""
    import psutil

    found = {}
    for pid in pids:
        with suppress(psutil.Error):
            times = psutil.Process(pid).cpu_times()
            found[pid] = times.user + times.system
    return found


def _was_killed(code: int) -> bool:
    """Return whether a process ended as the pool ends one; Windows has SIGTERM."""
    return code == -KILL if KILL else abs(code) == signal.SIGTERM


def _how(code: int) -> str:
    """Return how a process ended, in words.

    Examples
    --------
    >>> _how(-11), _how(3)
    ('ended by SIGSEGV', 'ended with exit code 3')
    """
    if code < 0:
        return f"ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def _end(pid: int) -> None:
    """Kill a process and all that it started."""
    import psutil

    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for member in [*process.children(recursive=True), process]:
            with suppress(psutil.NoSuchProcess):
                member.kill()
