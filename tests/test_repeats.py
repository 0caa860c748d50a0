"""Copies of rows, of columns and of the target are found, and chance is not."""

import time

import numpy as np
import pandas as pd
import pytest

from automl.repeats import row_copies
from automl.table import make_table

RNG = np.random.default_rng(0)


def made(X, y):
    """Return the table without its warnings."""
    return make_table(pd.DataFrame(X).add_prefix("c"), y)


def test_rows_are_equal_only_if_all_cells_are():
    """Text counts, and so does a missing cell; the codes tell rows apart."""
    words = ["this is text", "of several words", None, "and so is this"] * 50
    X = pd.DataFrame({"f0": np.repeat(RNG.normal(size=100), 2), "f1": words})
    X["f1"] = X["f1"].fillna("")
    X["f2"] = np.repeat(np.where(np.arange(100) % 3, RNG.normal(size=100), np.nan), 2)
    assert row_copies(X) is None  # the text differs within each pair
    codes = row_copies(X[["f0", "f2"]].assign(f3=X["f0"] % 1))
    assert codes.tolist() == np.repeat(np.arange(100), 2).tolist()


@pytest.mark.parametrize("share", [0.0, 0.02, 0.2, 0.5])
def test_copies_count_from_a_share_on(share):
    """A few copies change no folds; many do."""
    X = RNG.normal(size=(1000, 5))
    n = int(share * 1000)
    X[1000 - n :] = X[:n]
    found = made(X, np.arange(1000) % 2).copies
    assert (found is None) == (share < 0.05)


@pytest.mark.parametrize("levels", [2, 10, 100])
def test_equal_rows_by_chance_are_no_copies(levels):
    """Nor are those of columns that depend on each other, or are uneven."""
    draws = np.minimum(RNG.zipf(1.5, (1000, 3)), levels)
    frame = pd.DataFrame(draws).assign(d=draws.sum(axis=1))
    assert frame.duplicated().mean() > 0.05
    assert made(frame, RNG.integers(0, 2, 1000)).copies is None


def test_half_a_million_rows_are_looked_at_fast():
    """Copies and leaks take a few seconds at most."""
    X = pd.DataFrame(RNG.normal(size=(500_000, 10))).add_prefix("f")
    X.iloc[250_000:] = X.iloc[:250_000].to_numpy()
    began = time.process_time()
    codes = row_copies(X)
    assert time.process_time() - began < 10
    assert codes.max() == 249_999


def test_a_leak_is_found_where_the_rows_are_sorted():
    """Neither a rare class nor the order of the rows hides it."""
    y = np.r_[np.zeros(4990), np.ones(10)].astype(int)
    table = made({"leak": np.where(y, 5.0, 7.0), "other": RNG.normal(size=5000)}, y)
    assert [d.column for d in table.doubts] == ["cleak"]
