"""Fits of learners that grow, and rows for them."""

import numpy as np

from automl.estimators.growing import fit_growing
from automl.estimators.patience import Growth


def rows(n=300, n_classes=2, seed=0):
    """Rows, and classes that depend on them, as text."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    signal = X[:, 0] + 0.5 * rng.normal(size=n)
    codes = np.digitize(
        signal, np.quantile(signal, np.arange(1, n_classes) / n_classes)
    )
    return X, np.array(["no", "perhaps", "yes"])[codes]


def grow(
    model, X, y, high, *, deadline=None, inner=None, weight=None, param=None, again=True
):
    """Fit a model that grows."""
    growth = Growth(param or "n_estimators", high, deadline, again=again)
    return fit_growing(
        model, X, y, growth, inner=inner, fit_params={}, sample_weight=weight
    )


def split(n, n_stop):
    """The last rows stop, the others train."""
    return np.arange(n - n_stop), np.arange(n - n_stop, n)
