"""Columns for odd tables, and what looks at the model that comes of them."""

from __future__ import annotations

import contextlib
import warnings

import numpy as np
import pandas as pd

from automl.exceptions import AutoMLWarning
from tests.faults.bad_kit import N_ROWS

NUMBERS = np.random.default_rng(1).normal(size=N_ROWS)
THIRD = np.arange(N_ROWS) % 7 % 3
WORDS = np.array(["red", "green", "blue"], dtype=object)[THIRD]
DAYS = pd.date_range("2020", periods=N_ROWS, freq="31h")


@contextlib.contextmanager
def warned(*codes):
    """Hold that these warnings of the library come, each once, and no other."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    assert [w.category for w in caught] == [AutoMLWarning] * len(codes), [
        str(w.message) for w in caught
    ]
    assert sorted(w.message.code for w in caught) == sorted(codes)


def predicts(model, X, n_rows=N_ROWS):
    """Hold that a model predicts these rows as it must."""
    predicted = model.predict(X)
    assert len(predicted) == n_rows
    if model.task_ == "regression":
        assert np.isfinite(predicted).all()
        return
    assert set(predicted) <= set(model.classes_)
    shares = model.predict_proba(X)
    assert shares.shape == (n_rows, len(model.classes_))
    assert np.abs(shares.sum(axis=1) - 1).max() < 1e-6


def noted(model, *words):
    """Hold that one of the notes has all of these words."""
    assert any(all(w in note for w in words) for note in model.notes_), model.notes_
