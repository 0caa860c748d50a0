"""Small tables that several tests work on."""

import numpy as np
import pandas as pd


def small_table(n_rows=30, seed=0):
    """Return a table with a column of numbers and one of words, and two classes."""
    rng = np.random.default_rng(seed)
    words = np.array(["red", "green", "blue"], dtype=object)[rng.integers(0, 3, n_rows)]
    X = pd.DataFrame({"size": rng.normal(size=n_rows), "colour": words})
    return X, np.arange(n_rows) % 2
