"""Run a folder of data sets through `AutoML`, one process each, and print a table."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.summary import print_row, print_summary

EXAMPLE = Path(__file__).parent.parent / "examples" / "data" / "bank.csv"
KILL_FACTOR = 3.0
"""A run is killed at this many budgets and half a minute: it counts as failed."""


def main() -> int:
    """Run what the command line asks for; return 1 if a set failed."""
    arguments = _arguments()
    jobs = _jobs(arguments)
    rows = []
    done = _read(arguments.out)
    for job in jobs:
        key = (job["name"], job["budget"], job["seed"])
        row = done.get(key) or _run(job)
        rows.append(row)
        print_row(row)
        if arguments.out is not None and key not in done:
            with arguments.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
    print_summary(rows)
    return int(any(row["failure"] for row in rows))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="Parquet and index.csv")
    parser.add_argument("--budget", type=float, default=20.0, help="seconds a set")
    parser.add_argument("--datasets", default="all", help="all, core, or names")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=-1, help="processes of a run")
    parser.add_argument("--out", type=Path, help="JSON lines; finished sets are kept")
    return parser.parse_args()


def _jobs(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    common = {
        "budget": arguments.budget,
        "seed": arguments.seed,
        "n_jobs": arguments.jobs,
    }
    if arguments.folder is None:
        bank = {"name": "bank", "path": str(EXAMPLE), "task": "binary", "target": "y"}
        return [{**bank, "quirks": "", **common}]
    index = pd.read_csv(arguments.folder / "index.csv", dtype=str).fillna("")
    if arguments.datasets == "core":
        index = index[index["core"] == "yes"]
    elif arguments.datasets != "all":
        index = index[index["name"].isin(arguments.datasets.split(","))]
    return [
        {
            "name": row["name"],
            "path": str(arguments.folder / row["file"]),
            "task": row["task"],
            "target": row["target"],
            "quirks": row.get("quirks", ""),
            **common,
        }
        for _, row in index.iterrows()
    ]


def _read(path: Path | None) -> dict[tuple[Any, ...], dict[str, Any]]:
    if path is None or not path.exists():
        return {}
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return {(r["name"], r["budget"], r["seed"]): r for r in rows}


def _run(job: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of one set, or why there are none."""
    command = [sys.executable, "-m", "benchmarks.one", json.dumps(job)]
    limit = KILL_FACTOR * job["budget"] + 30
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=limit, check=False
        )
    except subprocess.TimeoutExpired:
        return {**job, "failure": f"killed after {limit:.0f} s"}
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit {done.returncode}"]
        return {**job, "failure": last[0][:300]}
    return {**job, **json.loads(done.stdout.splitlines()[-1]), "failure": None}


if __name__ == "__main__":
    sys.exit(main())
