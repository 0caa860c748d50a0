"""Peak memory of a fit: what its process tree holds, looked at from outside.

``python -m benchmarks.memory DIR --datasets a,b --budget 30`` fits each set in a child
process, sums the PSS of the child and its workers every 100 ms, and prints the peak,
the size of the data and the phase in which the peak was. Linux only.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

from automl import AutoML

LOOK_S = 0.1
"""Seconds between two looks."""

LARGE = 300_000
"""Rows from which a set is measured unless names are given."""

FACTOR, SPARE_MIB = 5.0, 600.0
"""What the tree may hold: so many times the data, and so much beside."""

MIB = 2**20


def main() -> int:
    """Measure what the command line asks for; return 1 if a set holds too much."""
    arguments = _arguments()
    over = False
    for job in _jobs(arguments):
        row = _watch(job)
        allowed = FACTOR * row["data_mib"] + SPARE_MIB
        over |= row["peak_mib"] > allowed
        print(
            f"{job['name']:20} data {row['data_mib']:6.1f}  peak {row['peak_mib']:7.1f}"
            f"  allowed {allowed:6.1f}  in {row['phase']:8}"
            f"  parent {row['parent_mib']:6.1f}  workers {row['workers_mib']}"
            f"  fit {row['fit_s']:5.1f} s  trials {row['trials']}"
            f"  best {row['best']:.6g} {row['candidate']}  {row['predictions']}",
            flush=True,
        )
        if arguments.phases:
            print(f"{'':20} {row['phases']}", flush=True)
    return int(over)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory")
    parser.add_argument("folder", type=Path, help="Parquet and index.csv")
    parser.add_argument("--datasets", default="", help="names; all large ones if none")
    parser.add_argument("--budget", type=float, default=30.0, help="seconds a set")
    parser.add_argument("--trials", type=int, help="instead of seconds")
    parser.add_argument("--candidates", default="", help="names; all if none")
    parser.add_argument("--jobs", type=int, default=2, help="processes of a run")
    parser.add_argument("--limit", type=float, help="memory_limit_mib of the fit")
    parser.add_argument("--phases", action="store_true", help="the peak of each phase")
    return parser.parse_args()


def _jobs(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    index = pd.read_csv(arguments.folder / "index.csv", dtype=str)
    large = index["n_rows"].astype(int) >= LARGE
    names = arguments.datasets.split(",") if arguments.datasets else index["name"]
    chosen = index[index["name"].isin(names) & (large | bool(arguments.datasets))]
    return [
        {
            "name": row["name"],
            "path": str(arguments.folder / row["file"]),
            "task": row["task"],
            "target": row["target"],
            "budget": None if arguments.trials else arguments.budget,
            "trials": arguments.trials,
            "candidates": [c for c in arguments.candidates.split(",") if c] or "auto",
            "n_jobs": arguments.jobs,
            "limit": arguments.limit,
        }
        for _, row in chosen.iterrows()
    ]


def _watch(job: dict[str, Any]) -> dict[str, Any]:
    """Return the peak of a fit in a child process, and what the child says of it."""
    command = [sys.executable, "-m", "benchmarks.memory", "--child", json.dumps(job)]
    looks: list[tuple[float, dict[int, float]]] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        while child.poll() is None:
            looks.append((time.monotonic(), memory_tree(child.pid)))
            time.sleep(LOOK_S)
        assert child.stdout is not None
        told = json.loads(child.stdout.read().splitlines()[-1])
    inside = [(at, use) for at, use in looks if told["began"] <= at <= told["ended"]]
    phases: dict[str, float] = {}
    for at, use in inside:
        phase = _phase(told["marks"], at)
        phases[phase] = max(phases.get(phase, 0.0), round(sum(use.values()), 1))
    at, peak = max(inside, key=lambda look: sum(look[1].values()))
    parent = peak.pop(child.pid, 0.0)
    return {
        **told,
        "peak_mib": parent + sum(peak.values()),
        "parent_mib": parent,
        "workers_mib": [round(mib) for mib in peak.values()],
        "phase": _phase(told["marks"], at),
        "phases": phases,
    }


def memory_tree(pid: int) -> dict[int, float]:
    """Return the MiB of a process and of its descendants, by pid."""
    use = {}
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for each in [process, *process.children(recursive=True)]:
            with contextlib.suppress(OSError, ValueError, StopIteration):
                lines = Path(f"/proc/{each.pid}/smaps_rollup").read_text("ascii")
                pss = next(x for x in lines.splitlines() if x.startswith("Pss:"))
                use[each.pid] = int(pss.split()[1]) / 1024
    return use


def _phase(marks: list[tuple[str, float]], at: float) -> str:
    """Return the phase that a moment was in."""
    return next((name for name, since in reversed(marks) if since <= at), "read")


def _fit(job: dict[str, Any]) -> dict[str, Any]:
    """Fit one set and return when its phases began and what it came to."""
    table = pd.read_parquet(job["path"])
    data_mib = float(table.memory_usage(deep=True).sum()) / MIB
    marks: list[tuple[str, float]] = []

    def mark(snapshot: Any) -> bool:
        phase = "search" if snapshot.phase in ("start", "trial") else snapshot.phase
        if not marks or marks[-1][0] != phase:
            marks.append((phase, time.monotonic()))
        return False

    limits = {} if job["limit"] is None else {"memory_limit_mib": job["limit"]}
    model = AutoML(
        task=job["task"], time_budget_s=job["budget"], n_trials=job["trials"],
        candidates=job["candidates"], n_jobs=job["n_jobs"], random_state=0, verbose=0,
        callback=mark, **limits,
    )  # fmt: skip
    began = time.monotonic()
    model.fit(table, job["target"])
    ended = time.monotonic()
    predict = getattr(model, "predict_proba", None) or model.predict
    predictions = predict(table.drop(columns=job["target"]).head(50_000))
    return {
        "data_mib": data_mib,
        "began": began,
        "ended": ended,
        "fit_s": ended - began,
        "marks": marks,
        "trials": len([t for t in model.trials_ if t.number]),
        "best": model.metric_.natural(model.best_score_),
        "candidate": model.best_candidate_,
        "predictions": hashlib.sha256(predictions.tobytes()).hexdigest()[:12],
    }


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(_fit(json.loads(sys.argv[2]))))
    else:
        sys.exit(main())
