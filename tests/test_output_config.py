"""What `sklearn.set_config` asks of other transformers changes nothing here."""

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context

import automl
from automl import AutoML

N_ROWS = 160


def table():
    """Return numbers, levels, dates and text, and two classes."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "size": rng.normal(size=N_ROWS),
            "kind": rng.choice(list("xyz"), N_ROWS),
            "day": pd.date_range("2024-01-01", periods=N_ROWS),
            "told": [
                " ".join(rng.choice(["red", "green", "blue dog"], 9))
                for _ in range(N_ROWS)
            ],
        }
    )
    return X, ((X["size"] > 0) ^ (X["kind"] == "x")).map({True: "a", False: "b"})


@pytest.mark.parametrize("output", ["pandas", "polars"])
def test_models_are_those_of_arrays(output, tmp_path):
    """Fits in this process and predictions of the saved model are the same."""
    X, y = table()

    def predictions(folder):
        model = AutoML(
            n_trials=3, n_jobs=1, cv=2, random_state=0, verbose=0,
            candidates=["logistic", "lightgbm", "ridge"],
        ).fit(X, y)  # fmt: skip
        found = model.predict_proba(X)
        loaded = automl.load(model.save(folder))
        assert np.array_equal(loaded.predict_proba(X), found)
        return found

    plain = predictions(tmp_path / "plain")
    with config_context(transform_output=output):
        configured = predictions(tmp_path / output)
    assert np.array_equal(configured, plain)
