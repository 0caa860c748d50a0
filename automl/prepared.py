"""Prepared rows of folds, kept for the next task: in the process, slow ones for all.

What preparing took long (text, above all) is written beside the workplace too, so that
another process, or a new one after a death, reads it instead of making it again.
"""

from __future__ import annotations

import hashlib
import os
import pickle
from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CACHE_BYTES", "FOLDER", "LONG_BYTES", "Prepared"]

FOLDER = "prepared"
"""In the folder of the workplace."""

CACHE_BYTES = 200_000_000
"""Prepared folds that a process keeps at most; their files take as much again."""

LONG_BYTES = 10_000_000
"""A larger prepared fold is not kept: preparing 400,000 rows takes .1 to .6 s, boosting
on them 5 and more, and what is kept is held all the time."""

SHARED_S = 0.2
"""Seconds of preparing from which it is shared: to write and read takes up to .03."""


class Prepared:
    """Prepared training and scoring rows, by fold and preparation; the last used.

    Parameters
    ----------
    limit_bytes : int
        Of all that is kept in this process, and of all files.
    folder : Path or None, default=None
        Where processes share what took long; None shares nothing.
    """

    def __init__(
        self, limit_bytes: int = CACHE_BYTES, folder: Path | None = None
    ) -> None:
        self.limit_bytes = limit_bytes
        self.folder = folder
        self.kept: OrderedDict[Any, tuple[Any, ...]] = OrderedDict()
        self.bytes: dict[Any, int] = {}

    def get(self, key: Any) -> tuple[Any, ...] | None:
        """Return what was kept under a key, here or by another process, or None."""
        if key not in self.kept:
            return self._read(key)
        self.kept.move_to_end(key)
        return self.kept[key]

    def has_room(self, *values: Any) -> bool:
        """Return whether matrices of these sizes are kept at all."""
        return sum(_size(v) for v in values) <= min(LONG_BYTES, self.limit_bytes)

    def keep(self, key: Any, value: tuple[Any, ...], took_s: float = 0.0) -> bool:
        """Keep prepared rows and return whether; the least recently used make room.

        Parameters
        ----------
        key : object
            Its `repr` says what it is of.
        value : tuple
            Matrices, and what has no size.
        took_s : float, default=0.0
            Seconds that it took: from `SHARED_S` on other processes can have it.
        """
        if not self.has_room(*value):
            return False
        size = sum(_size(v) for v in value)
        if took_s >= SHARED_S:  # fitted steps have no size to ask for
            size = max(size, self._share(key, value))
        self._remember(key, value, size)
        return True

    def _remember(self, key: Any, value: tuple[Any, ...], size: int) -> None:
        self.kept[key] = value
        self.bytes[key] = size
        while sum(self.bytes[k] for k in self.kept) > self.limit_bytes:
            oldest, _ = self.kept.popitem(last=False)
            del self.bytes[oldest]

    def _share(self, key: Any, value: tuple[Any, ...]) -> int:
        """Write what others need not make, and return its size; 0 if it cannot be."""
        if self.folder is None:
            return 0
        path = _path(self.folder, key)
        whole = path.with_suffix(f".{os.getpid()}")
        try:
            data = pickle.dumps(value, protocol=5)
            self.folder.mkdir(exist_ok=True)
            there = sum(_size_of(p) for p in self.folder.glob("*.pkl"))
            if there + len(data) <= self.limit_bytes:
                whole.write_bytes(data)
                whole.replace(path)
        except Exception:  # noqa: BLE001 - a full disk, a step that cannot be pickled
            with suppress(OSError):
                whole.unlink(missing_ok=True)
            return 0
        return len(data)

    def _read(self, key: Any) -> tuple[Any, ...] | None:
        if self.folder is None:
            return None
        try:
            data = _path(self.folder, key).read_bytes()
            value: tuple[Any, ...] = pickle.loads(data)  # noqa: S301 - our own file
        except Exception:  # noqa: BLE001 - not there, or not whole: it is made here
            return None
        self._remember(key, value, len(data))
        return value


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # gone meanwhile
        return 0


def _path(folder: Path, key: Any) -> Path:
    return folder / f"{hashlib.sha256(repr(key).encode()).hexdigest()[:32]}.pkl"


def _size(value: Any) -> int:
    if hasattr(value, "nbytes"):
        return int(value.nbytes)
    if hasattr(value, "indptr"):
        return int(value.data.nbytes + value.indices.nbytes + value.indptr.nbytes)
    return 0
