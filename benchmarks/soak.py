"""Short fits for minutes, a worker killed every few seconds, and what is lost.

A table of what was done, what was lost and what was left behind; the exit code is 1 if
anything was. What workers finished is read from a file that their learner writes, and
compared with the journal.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from automl.journal import read_journal

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGABRT)
WARM_UP = 0.2
"""Share of the fits after which memory and files must not grow."""

DIED = ("crash", "lost")
"""How a trial ends whose worker died with a fold of it, which may have been scored and
not yet sent."""

GROWTH = 0.05
"""Most that the memory of the fitting process may grow after that."""

GONE_S = 5.0
"""Seconds in which processes must be gone."""


@dataclass
class Tally:
    """What was counted."""

    fits: int = 0
    failed: list[str] = field(default_factory=list)
    folds: int = 0
    again: int = 0
    lost: list[str] = field(default_factory=list)
    in_flight: int = 0
    damaged: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    orphans: int = 0
    leftovers: list[str] = field(default_factory=list)
    memory_mib: list[float] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def main() -> int:
    """Soak as the command line asks; return 1 if anything was lost or left."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soak", description=__doc__
    )
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--kill-every", type=float, default=5.0, help="seconds")
    parser.add_argument("--budget", type=float, default=5.0, help="seconds of a fit")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    tally = Tally()
    home = Path(tempfile.mkdtemp(prefix="soak-"))
    try:
        _soak(home, arguments, tally)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return _print_table(tally)


def _soak(home: Path, arguments: argparse.Namespace, tally: Tally) -> None:
    temp = home / "tmp"
    temp.mkdir()
    environment = {**os.environ, "TMPDIR": str(temp), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "benchmarks.soak_fits", str(home)]
    with (home / "stderr").open("w") as errors:  # what dying workers say is no news
        process = subprocess.Popen(
            [*command, str(arguments.budget)], stdout=subprocess.PIPE, stderr=errors,
            text=True, env=environment, cwd=ROOT, start_new_session=True,
        )  # fmt: skip
    over = threading.Event()
    killer = threading.Thread(
        target=_kill_now_and_then, args=(process.pid, arguments, tally, over)
    )
    killer.start()
    end = time.monotonic() + 60 * arguments.minutes
    try:
        for said in _lines(process):
            _count(home, said, tally)
            print(_progress(said, tally), file=sys.stderr)
            if time.monotonic() > end:
                (home / "stop").touch()
    finally:
        over.set()
        killer.join()
        process.kill()
        process.wait()
    if process.returncode not in (0, -signal.SIGKILL):
        tally.failed.append(f"the fitting process ended with {process.returncode}")
    if not (home / "stop").exists():
        tally.failed.append("the fitting process ended before its time")
    time.sleep(GONE_S)
    tally.orphans += _marked(f"TMPDIR={temp}")
    tally.leftovers += [p.name for p in temp.iterdir()]
    tally.leftovers += _shared_memory_of(process.pid)


def _lines(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    assert process.stdout is not None
    for line in process.stdout:
        yield json.loads(line)


def _kill_now_and_then(
    pid: int, arguments: argparse.Namespace, tally: Tally, over: threading.Event
) -> None:
    """Send a signal of `SIGNALS` to one of the workers, every few seconds."""
    rng = random.Random(arguments.seed)  # noqa: S311 - which worker dies is no secret
    while not over.wait(arguments.kill_every):
        while not over.is_set():  # between two fits there are no workers
            workers = _workers(pid)
            if workers:
                break
            time.sleep(0.05)
        else:
            return
        number = rng.choice(SIGNALS)
        try:
            rng.choice(workers).send_signal(number)
        except psutil.NoSuchProcess:
            continue
        tally.kills[number.name] += 1


def _workers(pid: int) -> list[psutil.Process]:
    found = []
    try:
        children = psutil.Process(pid).children()
    except psutil.NoSuchProcess:
        return []
    for child in children:
        try:
            if "popen_loky" in " ".join(child.cmdline()):
                found.append(child)
        except psutil.Error:
            continue  # it has just ended
    return found


def _count(home: Path, said: dict[str, Any], tally: Tally) -> None:
    number = said["number"]
    tally.fits += 1
    tally.memory_mib.append(said["rss_mib"])
    tally.files.append(said["files"])
    tally.orphans += said["children"]
    tally.leftovers += said["leftovers"]
    folder, log = home / str(number), home / f"{number}.log"
    if said["failure"] is not None:
        tally.failed.append(f"fit {number}: {said['failure']}")
    else:
        tally.seconds.append(said["seconds"])
        tally.statuses.update(said["statuses"])
    if (folder / "journal.jsonl").exists() and log.exists():
        _compare(number, folder / "journal.jsonl", log, tally)
    shutil.rmtree(folder, ignore_errors=True)
    log.unlink(missing_ok=True)


def _compare(number: int, journal: Path, log: Path, tally: Tally) -> None:
    """Count what the learner finished and the journal does not have."""
    events, damaged = read_journal(journal)
    tally.damaged += damaged
    ok: dict[int, set[int]] = defaultdict(set)
    trials: dict[tuple[str, str], int] = {}
    ended: dict[int, str] = {}
    winner = None
    for event in events:
        if event["event"] == "trial" and "smooth" in event["params"]:
            pause = {"short": "0.02", "long": "0.2"}[event["candidate"]]
            trials[pause, repr(event["params"]["smooth"])] = event["trial"]
        elif event["event"] == "fold" and event["status"] == "ok" and event["trial"]:
            ok[event["trial"]].add(event["fold"])
        elif event["event"] == "end":
            ended[event["trial"]] = event["status"]
        elif event["event"] == "finish":
            winner = event.get("winner")
    tally.folds += sum(len(folds) for folds in ok.values())
    began, finished = _evidence(log)
    for key, trial in trials.items():
        missing = len(finished[key]) - len(ok[trial])
        if missing == 1 and ended.get(trial) in DIED:
            tally.in_flight += 1
        # the end of the budget cuts off what is in flight: that is no loss
        elif missing > 0 and ended.get(trial) != "cancelled":
            tally.lost.append(
                f"fit {number}, trial {trial} ({ended.get(trial)}): {missing} folds"
            )
        more = sum(n - 1 for n in began[key].values())
        tally.again += max(0, more - (trial == winner))  # that one explains the winner


def _evidence(
    log: Path,
) -> tuple[dict[tuple[str, str], Counter[str]], dict[tuple[str, str], set[str]]]:
    """Return what the learner began, with how often, and what it finished."""
    began: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    finished: dict[tuple[str, str], set[str]] = defaultdict(set)
    for line in log.read_text("ascii").splitlines():
        what, pause, smooth, rows, _ = line.split()
        if what == "begin":
            began[pause, smooth][rows] += 1
        else:
            finished[pause, smooth].add(rows)
    return began, finished


def _marked(mark: str) -> int:
    """Return how many processes have this in their environment, and end them."""
    found = 0
    for process in psutil.process_iter():
        try:
            environment = Path(f"/proc/{process.pid}/environ").read_bytes()
            if mark.encode() in environment.split(b"\0"):
                found += process.status() != psutil.STATUS_ZOMBIE
                process.kill()
        except (OSError, psutil.Error):
            continue
    return found


def _shared_memory_of(pid: int) -> list[str]:
    folder = Path("/dev/shm")  # noqa: S108 - joblib's choice, only looked at
    names = [p.name for p in folder.iterdir()] if folder.is_dir() else []
    return [n for n in names if str(pid) in n.replace("-", "_").split("_")]


def _growth(values: list[float]) -> float:
    """Return how much the last tenth is above the first after the warm-up."""
    kept = values[int(WARM_UP * len(values)) :]
    part = max(1, len(kept) // 10)
    first, last = statistics.median(kept[:part]), statistics.median(kept[-part:])
    return last / first - 1


def _progress(said: dict[str, Any], tally: Tally) -> str:
    return (
        f"fit {said['number']}: {said.get('seconds', 0):.1f} s, {tally.folds} folds, "
        f"{tally.kills.total()} kills, {len(tally.lost)} lost, {tally.again} again, "
        f"{said['rss_mib']:.0f} MiB, {said['files']} files"
        + (f", {said['failure']}" if said["failure"] else "")
    )


def _print_table(tally: Tally) -> int:
    """Print what was counted; return 1 if something was lost, left or grew."""
    memory = _growth(tally.memory_mib) if tally.memory_mib else 0.0
    files = _growth([float(n) for n in tally.files]) if tally.files else 0.0
    bad = {
        "failed fits": len(tally.failed) + (tally.fits == 0),
        "completed folds lost": len(tally.lost),
        "damaged journal lines": tally.damaged,
        "orphans": tally.orphans,
        "leftover files": len(tally.leftovers),
        "memory grew": int(memory > GROWTH),
        "open files grew": int(files > GROWTH),
    }
    slowest = max(tally.seconds, default=0.0)
    rows = [
        ("fits", str(tally.fits)),
        ("slowest fit", f"{slowest:.1f} s"),
        ("completed folds", str(tally.folds)),
        ("kills", f"{tally.kills.total()} ({_named(tally.kills)})"),
        ("trials", _named(tally.statuses)),
        ("folds run again", str(tally.again)),
        ("killed while sending", str(tally.in_flight)),
        *((name, str(count)) for name, count in bad.items()),
        ("memory growth", f"{100 * memory:+.1f} %"),
        ("open files growth", f"{100 * files:+.1f} %"),
    ]
    for name, value in rows:
        print(f"{name:24}{value}")
    for line in [*tally.failed, *tally.lost, *sorted(set(tally.leftovers))][:20]:
        print("  " + line)
    return int(any(bad.values()))


def _named(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {n}" for name, n in sorted(counts.items()))


if __name__ == "__main__":
    sys.exit(main())
