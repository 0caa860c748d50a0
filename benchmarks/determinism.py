"""The same seed must give the same bytes, whatever the number of processes.

Small sets of a folder, a budget in trials: one process, two, two again, and the bundle
loaded by a fresh process. Prints a line of JSON for each set and a summary; the exit
code is 1 if any two differ. With ``--out``, finished sets are not run again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

RUNS = {"one": 1, "two": 2, "again": 2}
"""Name of a run and its processes."""

HELD_OUT = 0.25
"""Share of rows that are only predicted."""


def main() -> int:
    """Compare as the command line asks; return 1 if two runs differ."""
    arguments = _arguments()
    if arguments.child is not None:
        print(json.dumps(_child(json.loads(arguments.child))))
        return 0
    done = _read(arguments.out)
    rows = []
    for job in _jobs(arguments):
        key = (job["name"], job["trials"], job["seed"])
        row = done.get(key) or _compare(job)
        rows.append(row)
        print(json.dumps(row), flush=True)
        if arguments.out is not None and key not in done:
            with arguments.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
    _print_summary(rows)
    return int(not all(row["equal"] for row in rows))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.determinism", description=__doc__
    )
    parser.add_argument("folder", nargs="?", type=Path, help="Parquet and index.csv")
    parser.add_argument("--sets", type=int, default=20, help="the smallest so many")
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--candidates", default="auto", help="names with commas")
    parser.add_argument("--out", type=Path, help="JSON lines; finished sets are kept")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child is None and arguments.folder is None:
        parser.error("a folder of data sets is needed")
    return arguments


def _jobs(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the smallest sets by cells, one after the other of the three tasks."""
    index = pd.read_csv(arguments.folder / "index.csv")
    index["cells"] = index["n_rows"] * index["n_cols"]
    index = index.sort_values("cells")
    index["place"] = index.groupby("task").cumcount()
    index = index.sort_values(["place", "cells"]).head(arguments.sets)
    return [
        {
            "name": row["name"],
            "path": str(arguments.folder / row["file"]),
            "task": row["task"],
            "target": row["target"],
            "trials": arguments.trials,
            "seed": arguments.seed,
            "candidates": arguments.candidates,
        }
        for _, row in index.iterrows()
    ]


def _read(path: Path | None) -> dict[tuple[Any, ...], dict[str, Any]]:
    if path is None or not path.exists():
        return {}
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return {(r["name"], r["trials"], r["seed"]): r for r in rows}


def _compare(job: dict[str, Any]) -> dict[str, Any]:
    """Return what the runs of one set came to, and whether they are equal."""
    runs: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="determinism-") as folder:
        for name, n_jobs in RUNS.items():
            bundle = str(Path(folder) / name)
            runs[name] = _run({**job, "do": "fit", "n_jobs": n_jobs, "bundle": bundle})
        loaded = {**job, "do": "load", "bundle": str(Path(folder) / "two")}
        runs["loaded"] = _run(loaded)
    hashes = {name: run.get("sha256") for name, run in runs.items()}
    histories = {runs[name].get("history") for name in RUNS}
    first = runs["one"]
    failures = {name: run["failure"] for name, run in runs.items() if "failure" in run}
    speed = None
    if not failures:
        rates = [runs[name]["folds_per_s"] for name in ("two", "again")]
        speed = median(rates) / first["folds_per_s"]
    return {
        **{key: job[key] for key in ("name", "task", "trials", "seed", "candidates")},
        "rows": first.get("rows"),
        "columns": first.get("columns"),
        "equal": not failures and len(set(hashes.values())) == 1,
        "same_history": not failures and len(histories) == 1,
        "tpe": first.get("tpe"),
        "origins": first.get("origins"),
        "winner": first.get("winner"),
        "folds": first.get("folds"),
        "seconds": {name: runs[name].get("seconds") for name in RUNS},
        "search_s": {name: runs[name].get("search_s") for name in RUNS},
        "speed": speed,
        "sha256": hashes,
        "failures": failures,
    }


def _run(job: dict[str, Any]) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.determinism"]
    done = subprocess.run(
        [*command, "--child", json.dumps(job)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit {done.returncode}"]
        return {"failure": last[0][:300]}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _child(job: dict[str, Any]) -> dict[str, Any]:
    """Fit or load, in a process of its own, and return a hash of the predictions."""
    table = pd.read_parquet(job["path"])
    y = table.pop(job["target"])
    held_out = _held_out(len(table))
    X_test = table[held_out]
    if job["do"] == "load":
        from automl import load

        return {"sha256": _digest(load(job["bundle"]), X_test)}
    from automl import AutoML

    names = job["candidates"]
    began = time.perf_counter()
    model = AutoML(
        task=job["task"], n_trials=job["trials"], n_jobs=job["n_jobs"], verbose=0,
        random_state=job["seed"],
        candidates=names if names == "auto" else names.split(","),
    ).fit(table[~held_out], y[~held_out])  # fmt: skip
    seconds = time.perf_counter() - began
    model.save(job["bundle"])
    trials = [t for t in model.trials_ if t.number]
    history = [(t.candidate, t.params, t.scores, t.status, t.origin) for t in trials]
    folds = sum(f.status == "ok" for t in trials for f in t.folds)
    # the first fold begins when a worker is ready: its start is the search's own
    ended = max(f.started_s + f.seconds for t in trials for f in t.folds)
    search_s = ended - min(f.started_s for t in trials for f in t.folds)
    origins = pd.Series([t.origin.partition(":")[0] for t in trials]).value_counts()
    return {
        "rows": len(table),
        "columns": table.shape[1],
        "sha256": _digest(model, X_test),
        "history": hashlib.sha256(repr(history).encode()).hexdigest(),
        "origins": {str(k): int(v) for k, v in origins.items()},
        "tpe": int(origins.get("tpe", 0)),
        "winner": model.best_candidate_,
        "folds": folds,
        "seconds": seconds,
        "search_s": search_s,
        "folds_per_s": folds / search_s,
    }


def _held_out(n_rows: int) -> np.ndarray:
    """Return a mask of rows that are not trained on, the same in each process."""
    order = np.random.default_rng(0).permutation(n_rows)
    mask = np.zeros(n_rows, dtype=bool)
    mask[order[: int(HELD_OUT * n_rows)]] = True
    return mask


def _digest(model: Any, X: pd.DataFrame) -> str:
    """Return a SHA-256 over predictions and, for classes, probabilities."""
    labels = np.asarray(model.predict(X))
    text = (
        labels.tobytes() if labels.dtype != object else repr(labels.tolist()).encode()
    )
    digest = hashlib.sha256(text)
    if model.task_ != "regression":
        digest.update(np.asarray(model.predict_proba(X), dtype=np.float64).tobytes())
    return digest.hexdigest()


def _print_summary(rows: list[dict[str, Any]]) -> None:
    equal = sum(row["equal"] for row in rows)
    history = sum(row["same_history"] for row in rows)
    print(f"byte-equal predictions: {equal} of {len(rows)} sets", file=sys.stderr)
    print(f"equal histories: {history} of {len(rows)} sets", file=sys.stderr)
    tpe = [row["tpe"] for row in rows if row["tpe"] is not None]
    speed = [row["speed"] for row in rows if row["speed"] is not None]
    if tpe:
        print(f"trials from TPE: {min(tpe)} at least", file=sys.stderr)
    if speed:
        print(
            f"folds per second, two processes over one: median {median(speed):.2f}, "
            f"least {min(speed):.2f}",
            file=sys.stderr,
        )


if __name__ == "__main__":
    sys.exit(main())
