"""Two variants on many data sets, paired: which is better, by more than chance.

``python -m benchmarks.ablate DIR --a '{"ensemble": false}' --b '{}' --budget 15`` fits
each set with both settings of `AutoML`, one after the other, in turns which is first,
and prints the error of b over that of a, how often b is better, and the p-value of
Wilcoxon's signed-rank test on the logarithms of those ratios.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import wilcoxon

from benchmarks.jobs import keep_row, make_jobs, read_rows, run_job

NAMES = ("a", "b")


def main() -> int:
    """Compare as the command line asks; return 1 if a fit failed."""
    arguments = _arguments()
    settings = {"a": json.loads(arguments.a), "b": json.loads(arguments.b)}
    done = {(r["name"], r["seed"], r["variant"]): r for r in read_rows(arguments.out)}
    ratios: dict[str, float] = {}
    failed = 0
    common = {"budget": arguments.budget, "seed": arguments.seed, "n_jobs": -1}
    for i, job in enumerate(make_jobs(arguments.folder, arguments.datasets, common)):
        rows = {}
        for variant in NAMES[:: 1 if i % 2 else -1]:
            row = done.get((job["name"], job["seed"], variant))
            if row is None:
                row = run_job({**job, "settings": settings[variant]})
                row["variant"] = variant
                keep_row(arguments.out, row)
            rows[variant] = row
        if any(row["failure"] for row in rows.values()):
            failed += 1
            print(f"{job['name']:26} FAILED", flush=True)
            continue
        a, b = (_error(rows[v]) for v in NAMES)
        ratios[job["name"]] = b / a if a else 1.0
        print(
            f"{job['name']:26} a {rows['a']['test']:<11.6g}"
            f" b {rows['b']['test']:<11.6g} error b / a {ratios[job['name']]:.4f}",
            flush=True,
        )
    _print_summary(list(ratios.values()))
    return int(failed > 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ablate", description=__doc__
    )
    parser.add_argument("folder", type=Path, help="Parquet and index.csv")
    parser.add_argument("--a", default="{}", help="settings of AutoML, as JSON")
    parser.add_argument("--b", default="{}", help="settings of AutoML, as JSON")
    parser.add_argument("--budget", type=float, default=15.0, help="seconds a fit")
    parser.add_argument("--datasets", default="tune", help="all, core, tune, or names")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="JSON lines; finished fits are kept")
    return parser.parse_args()


def _error(row: dict[str, Any]) -> float:
    """Return what is better when smaller: of an area what is missing to one."""
    return 1 - row["test"] if row["greater"] else row["test"]


def _print_summary(ratios: list[float]) -> None:
    logs = np.array([math.log(r) for r in ratios if r > 0])
    if not len(logs):
        return
    p = float(wilcoxon(logs).pvalue) if (logs != 0).any() else 1.0
    print(
        f"\n{len(logs)} sets: b better on {(logs < 0).sum()}, equal on "
        f"{(logs == 0).sum()}; error b / a: median {math.exp(np.median(logs)):.4f}, "
        f"geometric mean {math.exp(logs.mean()):.4f}; Wilcoxon p {p:.3g}"
    )


if __name__ == "__main__":
    sys.exit(main())
