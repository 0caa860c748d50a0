"""Rows of figures as a table, and what they come to."""

from __future__ import annotations

from typing import Any

import numpy as np

WALL_LIMIT = (1.1, 2.0)
"""A fit may take at most its budget times the first plus the second in seconds."""


def beats_baseline(row: dict[str, Any]) -> bool:
    """Return whether the model is better than the constant prediction."""
    better = (
        row["test"] > row["baseline"]
        if row["greater"]
        else row["test"] < row["baseline"]
    )
    return bool(better)


def print_row(row: dict[str, Any]) -> None:
    """Print one set as a line."""
    if row["failure"]:
        print(f"{row['name']:24} FAILED: {row['failure']}", flush=True)
        return
    mark = " " if beats_baseline(row) else "!"
    print(
        f"{row['name']:24} {row['rows']:>7} x {row['columns']:<5} {row['metric']:9}"
        f"{mark}test {row['test']:<10.5g} baseline {row['baseline']:<10.5g}"
        f" cv {row['cv']:<10.5g} {row['winner']:23} wall {row['wall']:5.1f}"
        f" busy {row['busy']:.2f}"
        f" trials {row['trials']}/{row['finished']}/{row['failed']}",
        flush=True,
    )


def print_summary(rows: list[dict[str, Any]]) -> None:
    """Print failures, walls and shares over all sets."""
    done = [r for r in rows if not r["failure"]]
    print(f"\n{len(rows)} sets, {len(rows) - len(done)} failed")
    if not done:
        return
    walls = np.array([r["wall"] / r["budget"] for r in done])
    factor, spare = WALL_LIMIT
    late = [r["name"] for r in done if r["wall"] > factor * r["budget"] + spare]
    strong = [r for r in done if "weak_signal" not in r["quirks"]]
    beating = [r for r in strong if beats_baseline(r) and r["winner"] != "baseline"]
    large = [r["busy"] for r in done if r["rows"] >= 5000]
    print(
        f"wall over budget: median {np.median(walls):.3f}, 95th percentile "
        f"{np.quantile(walls, 0.95):.3f}, most {walls.max():.3f}; "
        f"later than {factor} x + {spare:.0f} s: {late or 'none'}"
    )
    print(
        "better than the baseline, without weak signals: "
        f"{len(beating)} of {len(strong)}"
    )
    print(f"busy: median {np.median([r['busy'] for r in done]):.2f}", end="")
    print(f", from 5,000 rows on {np.median(large):.2f}" if large else "")
