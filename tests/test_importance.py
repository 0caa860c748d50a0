"""The importance of the columns, from what permuting them cost."""

import numpy as np
import pandas as pd
import pytest

from automl import AutoML
from automl.importance import importance_of
from automl.table import make_table


def test_importance_is_named_and_ordered():
    """Columns come under the user's names, the most important first."""
    frame = pd.DataFrame({"a": np.arange(30.0) ** 2, "b": np.arange(30.0) ** 3})
    columns = make_table(frame, np.arange(30.0)).columns
    raw = {"drops": {"f0": [0.1, 0.2], "f1": [0.5, 0.7]}, "n_train": 20, "n_test": 10}
    importance = importance_of(raw, columns)
    assert importance.columns == ("b", "a")
    assert importance.mean == pytest.approx((0.6, 0.15))
    assert "10 held-out rows" in importance.note
    assert importance_of(None, columns) is None


def test_a_fitted_model_says_what_its_columns_are_worth():
    """What makes the target comes first, noise is worth least."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(200, 3)), columns=["noise", "half", "most"])
    y = X["half"] + 3 * X["most"] + rng.normal(size=200) / 10
    model = AutoML(
        n_trials=2, n_jobs=1, candidates="ridge", random_state=0, verbose=0
    ).fit(X, y)
    found = model.importance_
    assert found["column"].tolist() == ["most", "half", "noise"]
    assert found["mean"].iloc[1] > 10 * abs(found["mean"].iloc[2])
    assert (found["std"] >= 0).all()
