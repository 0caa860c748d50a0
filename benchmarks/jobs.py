"""Data sets of a folder as jobs, each run in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd

EXAMPLE = Path(__file__).parent.parent / "examples" / "data" / "bank.csv"
KILL_FACTOR = 3.0
"""A run is killed at this many budgets and half a minute: it counts as failed."""


def make_jobs(
    folder: Path | None, datasets: str, common: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return one job a data set.

    Parameters
    ----------
    folder : Path or None
        With Parquet files and ``index.csv``; None is the example.
    datasets : str
        ``all``, ``core``, ``tune`` (those that are not core), or names with commas.
    common : dict
        What all jobs have: ``budget``, ``seed``, ``n_jobs``, ``settings``.
    """
    if folder is None:
        bank = {"name": "bank", "path": str(EXAMPLE), "task": "binary", "target": "y"}
        return [{**bank, "quirks": "", **common}]
    index = pd.read_csv(folder / "index.csv", dtype=str).fillna("")
    if datasets in ("core", "tune"):
        index = index[(index["core"] == "yes") == (datasets == "core")]
    elif datasets != "all":
        index = index[index["name"].isin(datasets.split(","))]
    return [
        {
            "name": row["name"],
            "path": str(folder / row["file"]),
            "task": row["task"],
            "target": row["target"],
            "quirks": row.get("quirks", ""),
            **common,
        }
        for _, row in index.iterrows()
    ]


def run_job(job: dict[str, Any]) -> dict[str, Any]:
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


def read_rows(path: Path | None) -> list[dict[str, Any]]:
    """Return the rows that a file of JSON lines has."""
    if path is None or not path.exists():
        return []
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def keep_row(path: Path | None, row: dict[str, Any]) -> None:
    """Append a row to a file of JSON lines; where the data lie is left out."""
    if path is not None:
        kept = {key: value for key, value in row.items() if key != "path"}
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(kept) + "\n")
