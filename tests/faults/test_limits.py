"""F06: where files or processes are few, a fit takes fewer workers or none."""

from __future__ import annotations

import os
import resource
import stat
from pathlib import Path

import pytest

from tests.faults.kit import common, ended, start


def limit(kind, most):
    """Return what sets a limit in the process before Python starts."""
    return lambda: resource.setrlimit(kind, (most, most))


@pytest.mark.slow
@pytest.mark.parametrize("most", [32, 40, 48, 64])
def test_f06_few_open_files(tmp_path, most):
    """F06: with few files allowed, fewer workers or none; the run has a model."""
    code = common() + "say(fit(n_jobs=8, n_trials=6))\n"
    preexec = limit(resource.RLIMIT_NOFILE, most)
    ended(start(code, tmp_path, preexec=preexec))


def as_nobody(most):
    """Return what gives up root, whom limits on processes do not bind, and sets one."""

    def preexec():
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        resource.setrlimit(resource.RLIMIT_NPROC, (most, most))

    return preexec


def threads_of_nobody():
    """Return how many threads the user has that the tests become."""
    uid = os.getuid() or 65534
    total = 0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            if entry.stat().st_uid == uid:
                total += len(list((entry / "task").iterdir()))
        except OSError:
            continue
    return total


def open_to_all(folder):
    """Let anybody write in a folder, and reach it."""
    folder.chmod(0o777)
    for parent in list(folder.parents)[:3]:
        if parent.stat().st_uid == os.getuid() and parent.name.startswith("pytest"):
            parent.chmod(parent.stat().st_mode | stat.S_IXOTH)


@pytest.mark.slow
@pytest.mark.parametrize("spare", [2, 6, 12])
def test_f06_few_processes(tmp_path, spare):
    """F06: where no process or thread can start, fewer workers or none."""
    (tmp_path / "tmp").mkdir()
    for folder in (tmp_path, tmp_path / "tmp"):
        open_to_all(folder)
    few = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "HOME": str(tmp_path)}
    try:
        probe = start(
            "import automl", tmp_path, environment=few, preexec=as_nobody(500)
        )
    except PermissionError:  # its folder is closed to others: no limit can be tried
        pytest.skip("an ordinary user cannot reach this Python")
    probe.end()
    if probe.process.returncode:  # installed where only its owner reads
        pytest.skip("an ordinary user cannot read the library")
    code = common() + "say(fit(n_jobs=2, n_trials=4))\n"
    most = threads_of_nobody() + spare
    run = start(code, tmp_path, environment=few, preexec=as_nobody(most))
    ended(run, 120)
