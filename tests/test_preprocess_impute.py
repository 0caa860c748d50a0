"""Gaps are filled as scikit-learn fills them, bit by bit."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.impute import SimpleImputer

from automl.preprocess.impute import ColumnImputer


def table(n_rows, seed):
    """Return columns with ties, gaps, few values, one value and none."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 6)) * 10.0 ** rng.integers(-20, 20, 6)
    X[:, 1] = rng.integers(0, 3, n_rows)
    X[rng.random(X.shape) < 0.3] = np.nan
    X[:, 4] = np.nan
    X[:, 5] = -0.0
    return X


@pytest.mark.parametrize("strategy", ["median", "mean", "most_frequent"])
@pytest.mark.parametrize("n_rows", [1, 2, 7, 1000])
@pytest.mark.parametrize("framed", [False, True])
def test_the_values_are_those_of_scikit_learn(strategy, n_rows, framed):
    """Statistics, filled tables and names are the same, for any number of rows."""
    for seed in range(5):
        X = table(n_rows, seed)
        if framed:
            X = pd.DataFrame(X, columns=list("abcdef"))
        options = {"strategy": strategy, "keep_empty_features": True}
        theirs = SimpleImputer(**options).fit(X)
        ours = ColumnImputer(**options).fit(X)
        assert ours.statistics_.tobytes() == theirs.statistics_.tobytes()
        assert ours.statistics_.dtype == theirs.statistics_.dtype
        np.testing.assert_array_equal(
            ColumnImputer(**options).fit_transform(X), theirs.transform(X)
        )
        names = theirs.get_feature_names_out().tolist()
        assert ours.get_feature_names_out().tolist() == names


def test_it_is_cloned_and_pickled_as_any_step():
    """Parameters survive a clone, what was learnt survives a pickle."""
    imputer = ColumnImputer(strategy="median", keep_empty_features=True)
    assert clone(imputer).get_params() == imputer.get_params()
    X = table(50, 0)
    again = pickle.loads(pickle.dumps(imputer.fit(X)))
    np.testing.assert_array_equal(again.transform(X), imputer.transform(X))
