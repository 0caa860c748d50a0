"""Generated tables of shapes that data sets at hand have not.

``python -m benchmarks.shapes DIR`` writes a million rows, 2,000 columns and 100 classes
as a folder that ``python -m benchmarks DIR --datasets million`` takes. Products,
squares, waves and steps of a few columns make the targets; the other columns are noise.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import numpy as np
import pandas as pd

SEED = 0
"""Of all tables, drawn one after the other."""

LEVELS = 40
"""Of each column of categories of the million rows."""


def million(rng: np.random.Generator) -> pd.DataFrame:
    """Return 1,250,000 rows, of which three quarters train: 30 columns, two classes."""
    X = rng.normal(size=(1_250_000, 30)).astype(np.float32)
    score = signal(X) + rng.normal(size=len(X))
    above = score + (X[:, 27] > 0) * X[:, 28] > np.median(score)
    table = numbered(X)
    names = np.array([f"c{k}" for k in range(LEVELS)])
    for i in (27, 28, 29):
        codes = np.clip(((X[:, i] + 3) * 6).astype(int), 0, LEVELS - 1)
        table[f"x{i}"] = pd.Categorical(names[codes])
    return table.assign(y=above.astype(int))


def wide(rng: np.random.Generator) -> pd.DataFrame:
    """Return 8,000 rows of 2,000 columns, seven of which say something."""
    X = rng.normal(size=(8_000, 2_000)).astype(np.float32)
    score = signal(X) + rng.normal(size=len(X))
    target = pd.Series((score > np.median(score)).astype(int), name="y")
    return pd.concat([numbered(X), target], axis=1)


def classes(rng: np.random.Generator) -> pd.DataFrame:
    """Return 20,000 rows around the centres of 100 classes."""
    centres = 1.2 * rng.normal(size=(100, 20))
    codes = rng.integers(0, 100, 20_000)
    X = (centres[codes] + rng.normal(size=(20_000, 20))).astype(np.float32)
    return numbered(X).assign(y=np.array([f"k{i:02d}" for i in range(100)])[codes])


def signal(X: np.ndarray) -> np.ndarray:
    """Return what the first seven columns say."""
    found: np.ndarray = (
        X[:, 0] * X[:, 1] + np.sin(2 * X[:, 2]) + X[:, 3] ** 2 / 2 - X[:, 4]
        + 0.5 * (X[:, 5] > 0) * X[:, 6]
    )  # fmt: skip
    return found


def numbered(X: np.ndarray) -> pd.DataFrame:
    """Return a table whose columns are x0, x1 and so on."""
    return pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])])


TABLES = (
    ("million", million, "binary"), ("wide", wide, "binary"),
    ("classes", classes, "multiclass"),
)  # fmt: skip
"""Name, maker and task of each, in the order in which they are drawn."""


def main(arguments: list[str] | None = None) -> int:
    """Write the tables and their index."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.shapes", description=__doc__
    )
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(arguments).folder
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(SEED)
    with (folder / "index.csv").open("w", newline="", encoding="utf-8") as file:
        index = csv.writer(file)
        index.writerow(["name", "file", "task", "target", "quirks", "core"])
        for name, make, task in TABLES:
            make(rng).to_parquet(folder / f"{name}.parquet")
            index.writerow([name, f"{name}.parquet", task, "y", "", "no"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
