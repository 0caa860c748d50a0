"""Small tables that several tests work on."""

from pathlib import Path

import numpy as np
import pandas as pd

BANK = Path(__file__).parent.parent / "examples" / "data" / "bank.csv"


def bank_rows(n_rows=600):
    """Return the first rows of the bank table, its target ``y`` among the columns."""
    return pd.read_csv(BANK).iloc[:n_rows]


def small_table(n_rows=30, seed=0):
    """Return a table with a column of numbers and one of words, and two classes."""
    rng = np.random.default_rng(seed)
    words = np.array(["red", "green", "blue"], dtype=object)[rng.integers(0, 3, n_rows)]
    X = pd.DataFrame({"size": rng.normal(size=n_rows), "colour": words})
    return X, np.arange(n_rows) % 2
