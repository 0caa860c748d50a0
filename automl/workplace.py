"""What every task of a run needs: written once, mapped into memory by each process.

The encoded numbers are one plain array on disk that processes share; what a process
prepares of them it keeps for the next task.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from automl.pipeline import Layout

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from automl.candidates import Candidate
    from automl.folds import Folds
    from automl.metrics import Metric
    from automl.table import Table

__all__ = [
    "Prepared",
    "Workplace",
    "at_most",
    "close_workplace",
    "labels_of",
    "open_workplace",
    "plain_classes",
    "rows_of",
    "write_workplace",
]

CACHE_BYTES = 400_000_000
"""Prepared folds that a worker keeps."""


@dataclass(frozen=True)
class Workplace:
    """What every task of a run needs, loaded once in each process.

    Attributes
    ----------
    X : DataFrame of shape (n_rows, n_columns)
        Encoded, mapped from disk.
    y : array of shape (n_rows,)
        Codes or numbers.
    layout : Layout
        Of the table.
    classes : array or None
        The user's labels.
    splits : tuple
        Of the folds.
    metric : Metric
        What is scored.
    candidates : dict
        By name.
    random_state : int
        For everything that draws.
    sample_weight, groups, time : array or None
        As in the table.
    """

    X: pd.DataFrame
    y: np.ndarray
    layout: Layout
    classes: np.ndarray | None
    splits: tuple[tuple[np.ndarray, np.ndarray], ...]
    metric: Metric
    candidates: Mapping[str, Candidate]
    random_state: int
    sample_weight: np.ndarray | None
    groups: np.ndarray | None
    time: np.ndarray | None


def write_workplace(
    folder: Path,
    table: Table,
    folds: Folds,
    metric: Metric,
    candidates: Mapping[str, Candidate],
    random_state: int,
) -> Path:
    """Write what tasks need and return its folder.

    The numbers go to one plain array that processes map; the rest is pickled.
    """
    import cloudpickle  # of the caller's own metrics

    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    numeric = [c for c in table.X.columns if table.X[c].dtype != object]
    np.save(folder / "numbers.npy", table.X[numeric].to_numpy(dtype=np.float64).T)
    place = Workplace(
        X=table.X[[c for c in table.X.columns if c not in numeric]],
        y=table.y,
        layout=Layout.of(table),
        classes=table.classes,
        splits=folds.splits,
        metric=metric,
        candidates=dict(candidates),
        random_state=random_state,
        sample_weight=table.sample_weight,
        groups=table.copies if table.groups is None else table.groups,
        time=table.time,
    )
    (folder / "workplace.pkl").write_bytes(cloudpickle.dumps((place, numeric)))
    for name in ("done", "models", "running"):
        (folder / name).mkdir(exist_ok=True)
    return folder


@lru_cache(maxsize=1)
def open_workplace(folder: Path) -> tuple[Workplace, Prepared]:
    """Return the workplace, its numbers mapped; one run a process at a time."""
    place, numeric = pickle.loads((folder / "workplace.pkl").read_bytes())  # noqa: S301 - our own file
    numbers = np.load(folder / "numbers.npy", mmap_mode="r")
    frame = pd.DataFrame(numbers.T, columns=numeric, copy=False)
    if place.X.shape[1]:
        frame = pd.concat([frame, place.X], axis=1)
    return replace(place, X=frame), Prepared()


def close_workplace() -> None:
    """Forget the workplace of a run that was done in this process."""
    open_workplace.cache_clear()


class Prepared:
    """Prepared training and scoring rows, by fold and preparation; the last used."""

    def __init__(self) -> None:
        self.kept: OrderedDict[Any, tuple[Any, ...]] = OrderedDict()
        self.bytes: dict[Any, int] = {}

    def get(self, key: Any) -> tuple[Any, ...] | None:
        """Return what was kept under a key, or None."""
        if key not in self.kept:
            return None
        self.kept.move_to_end(key)
        return self.kept[key]

    def keep(self, key: Any, value: tuple[Any, ...]) -> None:
        """Keep prepared rows; the least recently used make room."""
        size = sum(_size(v) for v in value)
        if size > CACHE_BYTES:
            return
        self.kept[key] = value
        self.bytes[key] = size
        while sum(self.bytes[k] for k in self.kept) > CACHE_BYTES:
            oldest, _ = self.kept.popitem(last=False)
            del self.bytes[oldest]


def _size(value: Any) -> int:
    if hasattr(value, "nbytes"):
        return int(value.nbytes)
    return int(value.data.nbytes) if hasattr(value, "indptr") else 0


def labels_of(place: Workplace, rows: np.ndarray) -> np.ndarray:
    """Return the user's own labels of rows, as fast to sort as codes where text."""
    codes: np.ndarray = place.y[rows]
    if place.classes is None:
        return codes
    labels: np.ndarray = plain_classes(place.classes)[codes]
    return labels


def plain_classes(classes: np.ndarray) -> np.ndarray:
    """Return text labels of fixed width, which sort a hundred times faster."""
    if classes.dtype == object and all(isinstance(c, str) for c in classes):
        return classes.astype(str)
    return classes


def at_most(
    rows: np.ndarray,
    limit: int | None,
    random_state: int,
    codes: np.ndarray | None = None,
) -> np.ndarray:
    """Return a random part of rows, in order, if there are more than the limit.

    With the codes of all rows' classes, the first row of each class is in the part.
    """
    if limit is None or len(rows) <= limit:
        return rows
    rng = np.random.default_rng(random_state)
    part = rng.choice(rows, limit, replace=False)
    if codes is not None:
        _, first = np.unique(codes[rows], return_index=True)
        part = np.union1d(part, rows[first])
    return np.sort(part)


def rows_of(values: np.ndarray | None, rows: np.ndarray) -> np.ndarray | None:
    """Return the values of some rows, if there are values."""
    return None if values is None else values[rows]
