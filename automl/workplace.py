"""What every task of a run needs: written once, mapped into memory by each process.

The encoded numbers are one plain array on disk that processes share; what they prepare
of them is kept by `automl.prepared`.
"""

from __future__ import annotations

import mmap
import os
import pickle
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from automl.layout import Layout
from automl.prepared import CACHE_BYTES, FOLDER, LONG_BYTES, Prepared
from automl.scratch import no_room

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from automl.candidates import Candidate
    from automl.folds import Folds
    from automl.metrics import Metric
    from automl.table import Table

__all__ = [
    "Workplace",
    "at_most",
    "close_workplace",
    "labels_of",
    "mapped",
    "open_workplace",
    "plain_classes",
    "rows_of",
    "write_workplace",
]

CACHE_SHARE = 0.05
"""Prepared folds that a worker keeps, as a share of the memory that the run may use."""

ALIGNMENT = 64
"""Arrays begin at a multiple of a cache line."""


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
        Of the table, for this metric.
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
    unit : array or None
        As in the folds.
    cache_bytes : int
        Prepared rows that a process may keep.
    train : DataFrame or None
        The rows that train in the only fold of a large table, mapped from a file of
        their own: a copy of them would be a fifth of the peak of preparing.
    maps : tuple of array
        What `X` and `train` are views of.
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
    unit: np.ndarray | None
    cache_bytes: int
    train: pd.DataFrame | None = None
    maps: tuple[np.ndarray, ...] = ()

    def rows(self, rows: np.ndarray) -> pd.DataFrame:
        """Return encoded rows: mapped if they are the only fold's, else a copy."""
        if self.train is not None and rows is self.splits[0][0]:
            return self.train
        return self.X.iloc[rows]

    def let_go(self) -> None:
        """Take mapped pages off this process; they are read again when needed."""
        advice = getattr(mmap, "MADV_DONTNEED", None)
        for mapped_array in self.maps:
            if advice is not None:
                mapped_array._mmap.madvise(advice)  # type: ignore[attr-defined]  # noqa: SLF001 - numpy has no other way


def write_workplace(
    folder: Path,
    table: Table,
    folds: Folds,
    metric: Metric,
    candidates: Mapping[str, Candidate],
    random_state: int,
    memory_mib: float | None = None,
) -> Path:
    """Write what tasks need and return its folder.

    The numbers go to one plain array that processes map, other arrays to another file
    that they map too; the rest is pickled.

    Raises
    ------
    AutoMLResourceError
        If there is no room for it (``E-disk``).
    """
    import cloudpickle  # of the caller's own metrics

    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        numeric = [c for c in table.X.columns if table.X[c].dtype != object]
        _write_numbers(folder / "numbers.npy", table.X, numeric)
        if len(folds) == 1 and table.X.size > LONG_BYTES // 8 and numeric:
            _write_numbers(folder / "train.npy", table.X, numeric, folds.splits[0][0])
        place = Workplace(
            X=table.X[[c for c in table.X.columns if c not in numeric]],
            y=table.y,
            layout=Layout.of(table, metric, folds),
            classes=table.classes,
            splits=folds.splits,
            metric=metric,
            candidates=dict(candidates),
            random_state=random_state,
            sample_weight=table.sample_weight,
            groups=table.copies if table.groups is None else table.groups,
            time=table.time,
            unit=folds.unit,
            cache_bytes=_cache_bytes(memory_mib),
        )
        buffers: list[pickle.PickleBuffer] = []
        pickled = cloudpickle.dumps((place, numeric), 5, buffer_callback=buffers.append)
        sizes = _write_buffers(folder, buffers)
        (folder / "workplace.pkl").write_bytes(pickle.dumps((pickled, sizes)))
        for name in ("done", "models", "running"):
            (folder / name).mkdir(exist_ok=True)
    except OSError as error:
        raise no_room(error) from None
    return folder


def _cache_bytes(memory_mib: float | None) -> int:
    if memory_mib is None:
        return CACHE_BYTES
    return int(min(CACHE_BYTES, CACHE_SHARE * memory_mib * 2**20))


def _write_numbers(
    path: Path, X: pd.DataFrame, numeric: list[str], rows: np.ndarray | None = None
) -> None:
    """Write what `numpy.save` would, column by column: no copy of the whole."""
    n_rows = len(X) if rows is None else len(rows)
    header = {"descr": "<f8", "fortran_order": False, "shape": (len(numeric), n_rows)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for name in numeric:
            column = X[name].to_numpy(dtype="<f8")
            column = column if rows is None else column[rows]
            np.ascontiguousarray(column).tofile(file)


def _write_buffers(folder: Path, buffers: list[pickle.PickleBuffer]) -> list[int]:
    """Write the arrays of a pickle apart, to be mapped too; return their sizes."""
    sizes = []
    with (folder / "arrays.bin").open("wb") as file:
        for buffer in buffers:
            with buffer.raw() as raw:
                file.write(raw)
                sizes.append(raw.nbytes)
                file.write(bytes(-raw.nbytes % ALIGNMENT))
    return sizes


def _map_buffers(folder: Path, sizes: list[int]) -> list[np.ndarray]:
    if not sum(sizes):
        return [np.empty(0, dtype=np.uint8) for _ in sizes]
    whole = np.memmap(folder / "arrays.bin", dtype=np.uint8, mode="r")
    found, start = [], 0
    for size in sizes:
        found.append(whole[start : start + size])
        start += size + -size % ALIGNMENT
    return found


@lru_cache(maxsize=1)
def open_workplace(folder: Path) -> tuple[Workplace, Prepared]:
    """Return the workplace, its arrays mapped; one run a process at a time."""
    pickled, sizes = pickle.loads((folder / "workplace.pkl").read_bytes())  # noqa: S301 - our own file
    place, numeric = pickle.loads(pickled, buffers=_map_buffers(folder, sizes))  # noqa: S301 - our own file
    numbers = np.load(folder / "numbers.npy", mmap_mode="r")
    maps, train = [numbers], None
    if (folder / "train.npy").exists():
        maps.append(np.load(folder / "train.npy", mmap_mode="r"))
        text = place.X.iloc[place.splits[0][0]].reset_index(drop=True)
        train = _framed(maps[1], numeric, text)
    whole = replace(
        place, X=_framed(numbers, numeric, place.X), train=train, maps=tuple(maps)
    )
    return whole, Prepared(place.cache_bytes, folder / FOLDER)


def _framed(
    numbers: np.ndarray, numeric: list[str], text: pd.DataFrame
) -> pd.DataFrame:
    """Return numbers, without a copy, and columns of text as one table."""
    frame = pd.DataFrame(numbers.T, columns=numeric, copy=False)
    return pd.concat([frame, text], axis=1) if text.shape[1] else frame


def mapped(table: Table, folder: Path) -> Table:
    """Return the table with the numbers that the workers map: one copy for all.

    Where a file that is mapped cannot be deleted (Windows), the table as it is.
    """
    numeric = [c for c in table.X.columns if table.X[c].dtype != object]
    if os.name != "posix" or not numeric:
        return table
    numbers = np.load(folder / "numbers.npy", mmap_mode="r")
    text = table.X[[c for c in table.X.columns if c not in numeric]]  # last there too
    return replace(table, X=_framed(numbers, numeric, text))


def close_workplace() -> None:
    """Forget the workplace of a run that was done in this process."""
    open_workplace.cache_clear()


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
