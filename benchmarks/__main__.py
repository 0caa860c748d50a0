"""Run a folder of data sets through `AutoML`, one process each, and print a table."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.jobs import keep_row, make_jobs, read_rows, run_job
from benchmarks.summary import print_row, print_summary


def main() -> int:
    """Run what the command line asks for; return 1 if a set failed."""
    arguments = _arguments()
    common = {
        "budget": arguments.budget,
        "seed": arguments.seed,
        "n_jobs": arguments.jobs,
    }
    rows = []
    done = {(r["name"], r["budget"], r["seed"]): r for r in read_rows(arguments.out)}
    for job in make_jobs(arguments.folder, arguments.datasets, common):
        key = (job["name"], job["budget"], job["seed"])
        row = done.get(key)
        if row is None:
            row = run_job(job)
            keep_row(arguments.out, row)
        rows.append(row)
        print_row(row)
    print_summary(rows)
    return int(any(row["failure"] for row in rows))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="Parquet and index.csv")
    parser.add_argument("--budget", type=float, default=20.0, help="seconds a set")
    parser.add_argument("--datasets", default="all", help="all, core, tune, or names")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=-1, help="processes of a run")
    parser.add_argument("--out", type=Path, help="JSON lines; finished sets are kept")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
