"""Tables that are wrong in one way each, and what looks at how that is told.

A case is a name, which begins with the id of its fault, the code of the error that is
expected, and a function that makes what `fit` is given: parameters that are no
arguments of `fit` go to the constructor.
"""

from __future__ import annotations

import inspect
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import psutil
import pytest

from automl import AutoML
from automl.candidates import Candidate
from automl.exceptions import AutoMLError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LIGHT", "N_ROWS", "SECRET", "Y", "fit", "refused", "table"]

N_ROWS = 60
SECRET = "hush-hush-4711"  # noqa: S105 - a cell that no message may hold
SECRET_NUMBER = 987654321.25

PREPARATION = {
    "numeric": "impute", "impute": "median", "indicator": "no", "scale": "standard",
    "categorical": "onehot", "method": "none", "keep": 0.5, "text_components": 2,
}  # fmt: skip
LIGHT = [
    Candidate(
        "bayes",
        "Naive Bayes",
        ("binary", "multiclass"),
        {"classification": "sklearn.naive_bayes.GaussianNB"},
        preparation=PREPARATION,
    ),
    Candidate(
        "light_ridge",
        "Ridge",
        ("regression",),
        {"regression": "sklearn.linear_model.Ridge"},
        preparation=PREPARATION,
    ),
]
Y = np.arange(N_ROWS) % 2
FIT_ARGUMENTS = set(inspect.signature(AutoML.fit).parameters)


def table(n_rows=N_ROWS, seed=0, **columns):
    """Return a good table of two numbers and a word, with more columns if given."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "size": rng.normal(size=n_rows),
            "weight": rng.normal(size=n_rows),
            "colour": rng.choice(["red", "green", "blue"], n_rows),
        }
    )
    for name, values in columns.items():
        X[name] = values
    return X


def fit(X, y, **given):
    """Return a model after two light trials in this process."""
    arguments = {k: v for k, v in given.items() if k in FIT_ARGUMENTS}
    options = {k: v for k, v in given.items() if k not in FIT_ARGUMENTS}
    common = {"n_trials": 2, "n_jobs": 1, "random_state": 0, "verbose": 0}
    model = AutoML(**(common | {"candidates": LIGHT} | options))
    return model.fit(X, y, **arguments)


def refused(code: str, make: Callable[[], dict[str, Any]], folder: Any) -> AutoMLError:
    """Return the one error of a case, after a look at all that errors promise.

    One error of the family with its code and hint, soon, in two sentences without a
    cell; no process was started and nothing was written.
    """
    given = {"X": table(), "y": Y, "n_jobs": 2} | make()
    run_dir = folder / "run"
    before = {p.pid for p in psutil.Process().children(recursive=True)}
    began = time.process_time()
    with pytest.raises(AutoMLError) as caught:
        fit(given.pop("X"), given.pop("y"), **{"run_dir": run_dir, **given})
    spent_s = time.process_time() - began
    error, text = caught.value, str(caught.value)
    assert error.code == code, text
    assert spent_s < 2.0  # of the processor, so other work does not count
    assert 10 < len(text) <= 700
    assert SECRET not in text
    assert str(SECRET_NUMBER) not in text
    assert text.endswith(error.hint)
    assert isinstance(error.rows, tuple)
    assert len(error.rows) <= 5
    assert error.__cause__ is None or error.code == "E-metric"  # the user's own code
    assert {p.pid for p in psutil.Process().children(recursive=True)} <= before
    assert not run_dir.exists() or not list(run_dir.iterdir())
    return error
