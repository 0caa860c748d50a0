"""Scripts in processes of their own, and what is left when they have ended."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Script",
    "alive",
    "common",
    "ended",
    "shared_memory",
    "start",
    "wait_for",
    "within",
]

ROOT = Path(__file__).parent.parent.parent
SHM = Path("/dev/shm")  # noqa: S108 - joblib's choice, looked at and not written to
TAG = "FAULTS_TAG"
BUSY = 4.0 if "PYTEST_XDIST_WORKER" in os.environ else 1.0
"""Bounds in seconds hold for a test by itself; beside others they are stretched."""


@dataclass
class Script:
    """A script that runs, its temporary folder, and the mark of its processes."""

    process: subprocess.Popen
    temp: Path
    tag: str
    pids: set[int] = field(default_factory=set)
    said: list[str] = field(default_factory=list)

    def line(self) -> str:
        """Return the next line of its output; empty at the end."""
        line = self.process.stdout.readline()
        self.said.append(line)
        return line.strip()

    def until(self, start: str) -> str:
        """Return the first line that starts so."""
        while True:
            line = self.line()
            if line.startswith(start):
                return line
            if not self.said[-1]:
                self.process.wait(5)
                raise AssertionError(f"no {start!r} in {self.everything()}")

    def end(self, timeout_s: float = 90.0) -> str:
        """Return the rest of its output once it has ended by itself."""
        out, _ = self.process.communicate(timeout=timeout_s)
        self.said.append(out)
        return out

    def kill(self) -> None:
        """Kill the main process alone; what its workers still say is not read."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def everything(self) -> str:
        """Return all that it said, for the message of a failure."""
        return "".join(self.said) + (self.temp / "stderr").read_text()[-3000:]

    def errors(self) -> str:
        """Return what it said on standard error."""
        return (self.temp / "stderr").read_text()

    def alive(self) -> list[psutil.Process]:
        """Return its processes, the main one aside."""
        found = [p for p in alive(self.tag) if p.pid != self.process.pid]
        self.pids |= {p.pid for p in found}
        return found

    def workers(self) -> list[psutil.Process]:
        """Return the processes that run its tasks."""
        return [p for p in self.alive() if "popen_loky" in " ".join(_command(p))]

    def leftovers(self) -> list[str]:
        """Return what lies in its temporary folder and in shared memory."""
        files = [p.name for p in (self.temp / "tmp").iterdir()]
        return files + sorted(shared_memory({self.process.pid, *self.pids}))


def start(
    code: str,
    temp: Path,
    *,
    arguments: tuple[str, ...] = ("-c",),
    stdin: bool = False,
    environment: dict[str, str] | None = None,
    preexec: Callable[[], None] | None = None,
) -> Script:
    """Start Python on a text of code, in a temporary folder of its own.

    Parameters
    ----------
    code : str
        What to run; empty where ``arguments`` say it.
    temp : Path
        Folder for its temporary files and its standard error.
    arguments : tuple of str
        Before the code.
    stdin : bool
        Whether the code comes by standard input.
    environment : dict or None
        What is other than here.
    preexec : callable or None
        Run in the process before Python starts.
    """
    (temp / "tmp").mkdir(exist_ok=True)
    tag = uuid.uuid4().hex
    environ = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(temp / "tmp"),
        TAG: tag,
        **(environment or {}),
    }
    command = [sys.executable, *arguments]
    if code and not stdin:
        command.append(code)
    with (temp / "stderr").open("w") as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=temp,
            env=environ,
            start_new_session=True,
            preexec_fn=preexec,  # noqa: PLW1509 - limits must be set in the child
        )
    if stdin:
        process.stdin.write(code)
        process.stdin.close()
        process.stdin = None
    return Script(process, temp, tag)


def alive(tag: str) -> list[psutil.Process]:
    """Return the processes that bear a mark, whoever their parent is now."""
    mark = f"{TAG}={tag}".encode()
    found = []
    for process in psutil.process_iter():
        try:
            environ = Path(f"/proc/{process.pid}/environ").read_bytes()
            if mark in environ and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (OSError, psutil.Error):
            continue  # it ended, or is not ours
    return found


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def shared_memory(pids: set[int]) -> set[str]:
    """Return what processes have left in shared memory: joblib's names hold their id.

    Other processes of the machine may use it at the same time.
    """
    names = {p.name for p in SHM.iterdir()} if SHM.is_dir() else set()
    numbers = {str(pid) for pid in pids}
    return {n for n in names if numbers & set(re.findall(r"\d+", n))}


def within(seconds: float) -> float:
    """Return a bound in seconds for a machine as busy as this one."""
    return BUSY * seconds


def wait_for(condition: Callable[[], object], seconds: float) -> bool:
    """Return whether something becomes true in time."""
    end = time.monotonic() + within(seconds)
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return bool(condition())


COMMON = """
import json, sys, warnings
from sklearn.datasets import load_breast_cancer
from automl import AutoML
from tests.faults.chaos import bad, light
{before}
X, y = load_breast_cancer(return_X_y=True, as_frame=True)

def fit(**options):
    given = dict(n_trials=3, n_jobs=2, cv=3, candidates=[light()], random_state=0,
                 verbose=0)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        model = AutoML(**(given | options)).fit(X, y)
    return dict(
        score=float(model.score(X, y)), notes=list(model.notes_),
        warnings=[str(w.message) for w in seen if "AutoML" in w.category.__name__],
        workers=len({{f.worker for t in model.trials_ for f in t.folds if t.number}}),
        statuses=[t.status for t in model.trials_],
    )

def say(said):
    print("end", json.dumps(said), flush=True)
"""


def common(before=""):
    """Return the beginning of a script."""
    return COMMON.format(before=before)


def ended(run, timeout_s=60.0):
    """Return what the script said, whose processes and files are gone."""
    text = run.end(timeout_s)
    assert run.process.returncode == 0, run.everything()
    assert wait_for(lambda: not run.alive(), 5), run.alive()
    assert run.leftovers() == []
    lines = [line for line in text.splitlines() if line.startswith("end ")]
    said = [json.loads(line.removeprefix("end ")) for line in lines]
    assert said, run.everything()
    for one in said:
        assert one["score"] > 0.9
    return said
