"""What is not needed any more leaves the process."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest

from automl.freeing import forget, give_back
from automl.memory import tree_mib


def held_mib():
    """Return what this process holds."""
    return tree_mib(os.getpid())[os.getpid()]


linux = pytest.mark.skipif(
    sys.platform != "linux",
    reason="elsewhere the allocator takes no advice, and nothing is done",
)


@linux
def test_freed_memory_goes_back():
    """What is freed in small pieces under a piece in use leaves the process."""
    pieces = [np.ones(2000) for _ in range(10_000)]
    kept = pieces[::100]
    held = held_mib()
    del pieces
    give_back()
    assert held_mib() < held - 50
    assert len(kept) == 100


@linux
@pytest.mark.parametrize("part", [slice(None), slice(0, 5), slice(None, None, 2)])
def test_a_forgotten_array_holds_nothing_though_it_is_there(part):
    """The pages of the whole array go, whichever view of it is given."""
    rows = np.ones((1_000_000, 10))
    held = held_mib()
    forget(rows[part])
    assert held_mib() < held - 70
    rows[:] = 2.0  # and it can be written to
    assert rows.sum() == 2.0 * rows.size


def test_what_is_mapped_from_a_file_or_may_not_be_written_stays(tmp_path):
    """What was written to a private map, and a read-only array, are as they were."""
    np.save(tmp_path / "rows.npy", np.zeros((50_000, 10)))
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="c")
    mapped[:] = 1.0
    frozen = np.ones((50_000, 10))
    frozen.setflags(write=False)
    for values in (mapped, mapped[5:], frozen, frozen[5:]):
        forget(values)
        assert values.min() == values.max() == 1.0
