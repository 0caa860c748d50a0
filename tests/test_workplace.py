"""What tasks need, written once and mapped by every process."""

from __future__ import annotations

import errno
import mmap
import os
import shutil

import numpy as np
import pandas as pd
import pytest

from automl.candidates import load_candidates
from automl.exceptions import AutoMLResourceError
from automl.folds import make_folds
from automl.memory import tree_mib
from automl.metrics import resolve_metric
from automl.prepared import CACHE_BYTES
from automl.table import make_table
from automl.workplace import (
    close_workplace,
    mapped,
    open_workplace,
    write_workplace,
)

N_ROWS = 400
WORDS = ["quick", "brown", "fox", "jumps", "lazy", "dog", "runs", "away", "again"]


@pytest.fixture
def table():
    """Return a table of every kind of column, with weights and groups."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "note": [" ".join(rng.permutation(WORDS)) for _ in range(N_ROWS)],
            "size": np.where(rng.random(N_ROWS) < 0.1, np.nan, rng.normal(size=N_ROWS)),
            "day": pd.date_range("2020-01-01", periods=N_ROWS).to_numpy(),
            "colour": rng.choice(["red", "green", "blue"], N_ROWS),
        }
    )
    return make_table(
        frame, rng.choice(["yes", "no"], N_ROWS), groups=np.arange(N_ROWS) // 4,
        sample_weight=rng.uniform(1, 2, N_ROWS),
    )  # fmt: skip


def write(folder, table, **options):
    """Write the workplace of a table."""
    folds = make_folds(
        table.y, cv=3, stratify=True, groups=table.groups, time=None, random_state=0
    )
    metric = resolve_metric("auto", table.task)
    write_workplace(
        folder, table, folds, metric, load_candidates("ridge"), 7, **options
    )
    return folds


@pytest.fixture
def place(tmp_path, table):
    """Return the workplace as a task reads it, the folds and the folder."""
    folds = write(tmp_path / "w", table)
    yield open_workplace(tmp_path / "w")[0], folds, tmp_path / "w"
    close_workplace()


def test_what_is_read_is_what_was_written(place, table):
    """Columns, targets, weights, groups and folds come back bit by bit."""
    read, folds, _ = place
    pd.testing.assert_frame_equal(read.X, table.X)
    np.testing.assert_array_equal(read.y, table.y)
    np.testing.assert_array_equal(read.sample_weight, table.sample_weight)
    np.testing.assert_array_equal(read.groups, table.groups)
    for ours, theirs in zip(read.splits, folds.splits, strict=True):
        np.testing.assert_array_equal(ours[0], theirs[0])
        np.testing.assert_array_equal(ours[1], theirs[1])


def test_arrays_lie_in_mapped_files(place):
    """Numbers, targets, weights and folds are no process's own, and cannot change."""
    read, _, _ = place
    arrays = [
        read.y,
        read.sample_weight,
        read.groups,
        *(a for s in read.splits for a in s),
    ]
    arrays.append(read.X["f1"].to_numpy())
    for array in arrays:
        base = array
        while base is not None and not isinstance(base, np.memmap):
            base = base.base
        assert isinstance(base, np.memmap)
        assert not array.flags.writeable


def test_the_parent_shares_the_workers_numbers(place, table):
    """The mapped table is equal to the table, and stays when the folder is gone."""
    _, _, folder = place
    shared = mapped(table, folder)
    base = shared.X["f1"].to_numpy()
    while not isinstance(base, np.memmap):
        base = base.base
    shutil.rmtree(folder)
    pd.testing.assert_frame_equal(shared.X, table.X)
    assert shared.columns == table.columns


def test_a_table_of_text_alone_is_written_and_read(tmp_path):
    """A table without a number has nothing to map but its targets."""
    rng = np.random.default_rng(0)
    notes = [" ".join(rng.permutation(WORDS)) for _ in range(N_ROWS)]
    table = make_table(pd.DataFrame({"note": notes}), rng.normal(size=N_ROWS))
    assert table.X.dtypes.tolist() == [object]
    folds = make_folds(
        table.y, cv=3, stratify=False, groups=None, time=None, random_state=0
    )
    metric = resolve_metric("rmse", table.task)
    write_workplace(tmp_path / "w", table, folds, metric, load_candidates("ridge"), 7)
    read, _ = open_workplace(tmp_path / "w")
    close_workplace()
    pd.testing.assert_frame_equal(read.X, table.X)
    assert mapped(table, tmp_path / "w") is table


@pytest.mark.parametrize(
    ("memory_mib", "kept"),
    [(None, CACHE_BYTES), (100.0, 5 * 2**20), (1e6, CACHE_BYTES)],
)
def test_little_memory_keeps_few_prepared_rows(tmp_path, table, memory_mib, kept):
    """What a process keeps is a small share of what the run may use."""
    write(tmp_path / "w", table, memory_mib=memory_mib)
    _, prepared = open_workplace(tmp_path / "w")
    close_workplace()
    assert prepared.limit_bytes == kept


@pytest.fixture
def holdout(tmp_path, monkeypatch):
    """Return a workplace of a large table with text and one fold, and the table."""
    rng = np.random.default_rng(0)
    monkeypatch.setattr("automl.workplace.LONG_BYTES", 100_000)
    n_rows = 50_000
    frame = pd.DataFrame(rng.normal(size=(n_rows, 4)))
    words = rng.choice(WORDS, (n_rows, 5))
    frame["note"] = [f"{' '.join(row)} {i}" for i, row in enumerate(words)]
    frame.columns = frame.columns.astype(str)
    table = make_table(frame, rng.normal(size=n_rows))
    assert table.X.iloc[:, -1].dtype == object
    rows = rng.permutation(n_rows)
    splits = [(np.sort(rows[1000:]), np.sort(rows[:1000]))]
    folds = make_folds(
        table.y, cv=splits, stratify=False, groups=None, time=None, random_state=0
    )
    metric = resolve_metric("rmse", table.task)
    write_workplace(tmp_path / "w", table, folds, metric, load_candidates("ridge"), 7)
    yield open_workplace(tmp_path / "w")[0], table
    close_workplace()


def test_the_rows_of_an_only_fold_are_mapped(holdout):
    """What trains in the only fold of a large table is no copy; other rows are."""
    place, table = holdout
    train, test = place.splits[0]
    found = place.rows(train)
    assert np.shares_memory(found["f0"].to_numpy(), place.maps[1])
    np.testing.assert_array_equal(found.to_numpy(), table.X.iloc[train].to_numpy())
    assert list(found.columns) == list(table.X.columns)
    for rows in (test, train[:100], train.copy()):
        pd.testing.assert_frame_equal(place.rows(rows), table.X.iloc[rows])


@pytest.mark.skipif(
    not hasattr(mmap, "MADV_DONTNEED"),
    reason="Windows has no such advice, and `Workplace.let_go` does nothing there",
)
def test_mapped_pages_are_let_go_and_read_again(holdout):
    """After a fit the files take no memory of the process, and read as before."""
    place, table = holdout
    train, _ = place.splits[0]
    before = place.rows(train)["f0"].sum()
    held = tree_mib(os.getpid(), exact=False)[os.getpid()]
    place.let_go()
    assert tree_mib(os.getpid(), exact=False)[os.getpid()] < held
    assert place.rows(train)["f0"].sum() == before
    np.testing.assert_array_equal(place.X["f1"], table.X["f1"])


def test_a_full_disk_is_one_sentence(tmp_path, table, monkeypatch):
    """What a run keeps for its tasks finds no room: the error names what to set."""

    def full(*_given):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("automl.workplace._write_numbers", full)
    with pytest.raises(AutoMLResourceError, match="Set TMPDIR") as caught:
        write(tmp_path / "w", table)
    assert caught.value.code == "E-disk"
