"""What a run may use of the machine's memory, what it uses, and who has to go.

The edge of ``/proc`` and of the control group. Everything is in MiB. Nothing here ends
a process: the runner does, by what `choose` answers.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from automl.exceptions import AutoMLResourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "Guard",
    "Meter",
    "allowed_mib",
    "choose",
    "least_mib",
    "tree_mib",
]

MIB = 2**20

PARENT_MIB = 200.0
"""What the process of `fit` holds before it has read a table (measured: 190, of which
80 are shared libraries)."""

WORKER_MIB = 150.0
"""What a worker holds of its own before its first fit (measured: 115, and 40 with the
learners that it imports)."""

SOFT = 0.8
"""Share of the limit at which one task is ended."""

HARD = 0.9
"""Share of the limit at which all tasks are ended: the next look may be too late."""

CULPRIT = 0.5
"""A process that alone holds this share of the limit is ended before the newest."""

CLOSE = 0.6
"""Share of the limit up to which resident sizes do, though they count shared pages once
for each process: summing them costs a thirtieth of asking for the true ones."""

EXACT_S = 10.0
"""Seconds for which the shared part of a process is taken to stay as it is: asking for
it takes 5 ms in a process of 300 MiB."""

NO_LIMIT = 2**60
"""The first version of control groups writes no limit as a number near 2**63."""

_PROC = Path("/proc")
_CGROUP = Path("/sys/fs/cgroup")


def least_mib(n_workers: int, here_mib: float) -> float:
    """Return the least limit under which a number of workers can do something.

    Parameters
    ----------
    n_workers : int
        Processes; 1 works in the process of `fit`.
    here_mib : float
        What the process of `fit` holds now.

    Examples
    --------
    >>> least_mib(1, 100.0), least_mib(2, 100.0), least_mib(1, 1000.0)
    (437.5, 625.0, 1437.5)
    """
    return (max(here_mib, PARENT_MIB) + n_workers * WORKER_MIB) / SOFT


def allowed_mib(
    own_limit_mib: float | None, *, proc: Path = _PROC, cgroup: Path = _CGROUP
) -> float:
    """Return what this run may use.

    The least of the given limit, the machine's memory, the limits of this process's
    control group and of those above it, and what is available there now, with what
    this process and its children hold already.

    Parameters
    ----------
    own_limit_mib : float or None
        Of the user.
    proc, cgroup : Path
        Where the kernel tells of processes and of control groups.

    Raises
    ------
    AutoMLResourceError
        If this is less than one worker needs (``E-memory``).
    """
    here = sum(tree_mib(os.getpid()).values())
    machine = psutil.virtual_memory()
    bounds: list[tuple[float, str]] = [
        (machine.total / MIB, "this machine has"),
        (machine.available / MIB + here, "this machine has available"),
        *_group_bounds(here, proc, cgroup),
    ]
    if own_limit_mib is not None:
        bounds.append((own_limit_mib, "memory_limit_mib allows"))
    allowed, source = min(bounds)
    least = least_mib(1, here)
    if allowed < least:
        raise AutoMLResourceError(
            f"A run needs at least {least:,.0f} MiB of memory here, and {source} "
            f"{allowed:,.0f}. Raise the limit, or free memory first.",
            code="E-memory",
        )
    return allowed


def _group_bounds(
    here_mib: float, proc: Path, cgroup: Path
) -> Iterator[tuple[float, str]]:
    """Yield the limits of the control groups that this process is in."""
    for group, files in _groups(proc, cgroup):
        limit = _number(group / files[0])
        if limit is None or limit >= NO_LIMIT:
            continue
        yield limit / MIB, "the control group (container) allows"
        used = _number(group / files[1])
        if used is not None:
            idle = _statistic(group / "memory.stat", files[2])
            left = (limit - max(0, used - idle)) / MIB + here_mib
            yield left, "the control group (container) has left"


_V2 = ("memory.max", "memory.current", "inactive_file")
_V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def _groups(proc: Path, cgroup: Path) -> Iterator[tuple[Path, tuple[str, str, str]]]:
    """Yield the folders of this process's group and of those above it.

    In a container the path may be the host's and lead nowhere: the folder that is
    mounted is then the container's own.
    """
    for line in _read(proc / "self" / "cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not controllers:
            roots, files = [cgroup, cgroup / "unified"], _V2
        elif "memory" in controllers.split(","):
            roots, files = [cgroup / "memory"], _V1
        else:
            continue
        parts = [p for p in path.split("/") if p not in {"", ".", ".."}]
        for root in roots:
            for n in range(len(parts), -1, -1):
                yield root.joinpath(*parts[:n]), files


def _read(path: Path) -> str:
    """Return a kernel's file, or nothing where there is none."""
    try:
        with path.open("rb", buffering=0) as file:
            return file.read().decode("ascii", errors="replace")
    except OSError:
        return ""


def _number(path: Path) -> int | None:
    text = _read(path).strip()
    return int(text) if text.isdigit() else None


def _statistic(path: Path, name: str) -> int:
    for line in _read(path).splitlines():
        key, _, value = line.partition(" ")
        if key == name and value.strip().isdigit():
            return int(value)
    return 0


def tree_mib(pid: int, *, exact: bool = True, proc: Path = _PROC) -> dict[int, float]:
    """Return what a process and its descendants hold, by process.

    Parameters
    ----------
    pid : int
        Of the process.
    exact : bool, default=True
        Whether pages that processes share are counted once, in parts (PSS); False
        counts them in each process, which costs much less.
    proc : Path
        Where the kernel tells of processes.

    Examples
    --------
    >>> import os
    >>> usage = tree_mib(os.getpid())
    >>> usage[os.getpid()] > 1
    True
    """
    measure = _pss_mib if exact else _rss_mib
    usage = {}
    for each in [pid, *_descendants(pid, proc)]:
        held = measure(each, proc)
        if held is not None:
            usage[each] = held
    return usage


def _descendants(pid: int, proc: Path) -> list[int]:
    """Return the children of a process and theirs, by the kernel's own lists."""
    found: list[int] = []
    queue = [pid]
    while queue:
        threads = proc / str(queue.pop()) / "task"
        try:
            names = os.listdir(threads)  # noqa: PTH208 - ten times a second
        except OSError:
            continue
        for name in names:
            text = _read(threads / name / "children")
            children = [int(child) for child in text.split()]
            found += children
            queue += children
    if found or (proc / "thread-self" / "children").exists():
        return found
    try:  # no /proc, or a kernel that keeps no such lists
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return []


def _rss_mib(pid: int, proc: Path) -> float | None:
    """Return the resident size of a process, or None if it is gone."""
    fields = _read(proc / str(pid) / "statm").split()
    if len(fields) > 1:
        return int(fields[1]) * _PAGE / MIB
    try:
        return float(psutil.Process(pid).memory_info().rss) / MIB
    except psutil.Error:
        return None


_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def _pss_mib(pid: int, proc: Path) -> float | None:
    """Return the proportional size of a process, its resident one where unknown."""
    for line in _read(proc / str(pid) / "smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return _rss_mib(pid, proc)


class Meter:
    """Watches a process tree, cheap enough for ten looks a second.

    Below 60 % of the limit it sums resident sizes. Above, it takes off what each
    process shares, which is asked for every ten seconds only, and at once when the sum
    seems to pass the soft mark.

    Parameters
    ----------
    pid : int
        Of the process whose tree is watched.
    limit_mib : float
        What the tree may hold.
    proc : Path
        Where the kernel tells of processes.
    """

    def __init__(self, pid: int, limit_mib: float, *, proc: Path = _PROC) -> None:
        self.pid = pid
        self.limit_mib = limit_mib
        self.peak_mib = 0.0
        self._proc = proc
        self._shared: dict[int, float] = {}
        self._asked = float("-inf")

    def look(self) -> dict[int, float]:
        """Return what each process of the tree holds now."""
        usage = tree_mib(self.pid, exact=False, proc=self._proc)
        if sum(usage.values()) > CLOSE * self.limit_mib:
            usage = self._corrected(usage)
        self.peak_mib = max(self.peak_mib, sum(usage.values()))
        return usage

    def _corrected(self, usage: dict[int, float]) -> dict[int, float]:
        """Return usage without pages that are counted more than once."""
        now = time.monotonic()
        known = usage.keys() <= self._shared.keys()
        left = {pid: mib - self._shared.get(pid, 0.0) for pid, mib in usage.items()}
        fresh = now - self._asked < EXACT_S
        if known and fresh and sum(left.values()) < SOFT * self.limit_mib:
            return left
        exact = tree_mib(self.pid, proc=self._proc)
        self._asked = now
        self._shared = {
            pid: max(0.0, usage[pid] - exact.get(pid, usage[pid])) for pid in usage
        }
        return exact


def choose(
    usage: Mapping[int, float], started: Mapping[int, float], limit_mib: float
) -> tuple[int, ...]:
    """Return which processes have to end, so that the system ends none.

    At 80 % of the limit the one whose task began last, since it loses least; but first
    one that alone holds half of the limit. At 90 % all that run a task, the largest
    first: it is to blame.

    Parameters
    ----------
    usage : dict
        MiB of each process of the tree, by process.
    started : dict
        When its task began, for each process that runs one and may be ended.
    limit_mib : float
        What the tree may hold.

    Examples
    --------
    >>> usage = {1: 300.0, 2: 300.0, 3: 250.0}
    >>> choose(usage, {2: 10.0, 3: 20.0}, 1100.0)
    ()
    >>> choose(usage, {2: 10.0, 3: 20.0}, 1000.0)
    (3,)
    >>> choose({**usage, 3: 350.0}, {2: 10.0, 3: 20.0}, 1000.0)
    (3, 2)
    """
    total = sum(usage.values())
    alive = sorted(pid for pid in started if pid in usage)
    if total <= SOFT * limit_mib or not alive:
        return ()
    if total > HARD * limit_mib:
        return tuple(sorted(alive, key=lambda pid: -usage[pid]))
    largest = max(alive, key=lambda pid: usage[pid])
    if usage[largest] > CULPRIT * limit_mib:
        return (largest,)
    return (max(alive, key=lambda pid: started[pid]),)


class Guard:
    """Looks at this process and its workers, and says which of them have to end.

    Parameters
    ----------
    limit_mib : float
        What they may hold together.
    """

    def __init__(self, limit_mib: float) -> None:
        self.meter = Meter(os.getpid(), limit_mib)

    def __call__(self, started: Mapping[int, float]) -> tuple[int, ...]:
        """Return the processes to end, told which run a task since when."""
        return choose(self.meter.look(), started, self.meter.limit_mib)
