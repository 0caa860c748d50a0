"""The importance of the columns, from what permuting them cost."""

import numpy as np
import pandas as pd
import pytest

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
