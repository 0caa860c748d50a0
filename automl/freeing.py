"""Memory that is not needed any more: what is given back to the system, and when.

A convenience of the C library and of the kernel each; where they have none, nothing
happens.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from typing import Any

import numpy as np

__all__ = ["forget", "give_back", "keep_little"]

MIB = 2**20

M_MMAP_THRESHOLD = -3
"""Name of the option in glibc's malloc.h."""


def keep_little() -> None:
    """Let this process give back every larger array as soon as it is freed (glibc).

    By default arrays of up to 32 MiB come from a heap that grows, and holes in it stay:
    30 to 40 MiB while 400,000 rows are prepared. For processes of our own only.
    """
    try:
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, MIB)
    except (AttributeError, OSError, TypeError):
        return  # another C library


def give_back() -> None:
    """Give freed memory back to the system, where the C library keeps it (glibc).

    What a fit frees stays with its process otherwise: 60 to 120 MiB after LightGBM on
    400,000 rows; and what Arrow needed to read a table of 49 MiB: 61 MiB. Takes .1 ms
    when there is nothing to give, 10 ms for 100 MiB.
    """
    arrow = sys.modules.get("pyarrow")
    if arrow is not None:
        arrow.default_memory_pool().release_unused()
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return  # another C library
    trim(0)


def forget(values: Any) -> None:
    """Give back the pages of a whole array, told by any view of it (Linux).

    All its values are lost: they read as zeros or as they were. For a matrix that a
    callee has taken what it wants from while its callers still hold it. What is no
    array stays.

    Examples
    --------
    >>> values = np.ones(1_000_000)
    >>> forget(values[:10])
    >>> values.shape
    (1000000,)
    """
    advice = getattr(mmap, "MADV_DONTNEED", None)
    if not isinstance(values, np.ndarray):
        return
    owner = values
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    whole = owner.flags.owndata and (owner.flags.forc and owner.flags.writeable)
    if advice is None or sys.platform != "linux" or not whole:
        return
    begin = -(-owner.ctypes.data // mmap.PAGESIZE) * mmap.PAGESIZE
    end = (owner.ctypes.data + owner.nbytes) // mmap.PAGESIZE * mmap.PAGESIZE
    if end <= begin:
        return
    try:
        madvise = ctypes.CDLL(None).madvise
    except (AttributeError, OSError, TypeError):
        return  # another C library
    madvise(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), ctypes.c_int(advice))
