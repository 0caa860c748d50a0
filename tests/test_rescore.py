"""A loaded model is scored on rows whose truth is known."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from automl.cli.rescore import scores_of
from automl.exceptions import AutoMLDataError

ROWS = pd.DataFrame({"a": [1, 2, 3, 4]})


def model_of(task, metric, prediction, classes=None):
    """Stand in for a loaded model."""
    return SimpleNamespace(
        task_=task,
        classes_=classes,
        manifest={"metric": {"name": metric}},
        pipeline_=[None],
        predict=lambda _: np.asarray(prediction),
        predict_proba=lambda _: np.asarray(prediction),
    )


BINARY = model_of("binary", "f1", [[0.6, 0.4]] * 4, ["no", "yes"])
NUMBERS = model_of("regression", "mae", [1.0, 2.0, 3.0, 5.0])


def test_metric_of_the_run_comes_first_and_once():
    """The run's metric leads, the others follow, values are natural."""
    scores = scores_of(NUMBERS, ROWS, pd.Series([1, 2, 3, 4]))

    assert list(scores) == ["mae", "rmse", "median_ae", "r2"]
    assert scores["mae"] == 0.25


def test_numbers_with_commas_are_numbers():
    """As they were when the model was fitted."""
    model = model_of("regression", "mae", [1000.0] * 4)
    truth = pd.Series(["1,000", "1,002", "998", "1,000"], name="y")
    assert scores_of(model, ROWS, truth)["mae"] == 1.0


def test_metric_that_no_name_brings_back_has_no_value():
    """A function of the user's is not known here; another is not taken for it."""
    model = model_of("regression", "my_profit", [1.0, 2.0, 3.0, 5.0])

    scores = scores_of(model, ROWS, pd.Series([1, 2, 3, 4]))
    assert list(scores)[:2] == ["my_profit", "rmse"]
    assert scores["my_profit"] is None


@pytest.mark.parametrize(
    ("model", "truth", "part"),
    [
        (BINARY, ["maybe"] * 4, "4 labels that the model does not know"),
        (BINARY, [None, "yes", "yes", "yes"], "missing in 1 of 4 rows"),
        (NUMBERS, ["a", "b", "c", "d"], "must hold numbers"),
    ],
)
def test_truth_must_be_usable(model, truth, part):
    """Rows without a usable truth are refused, not skipped."""
    with pytest.raises(AutoMLDataError, match=part):
        scores_of(model, ROWS, pd.Series(truth, name="y"))


def test_a_target_that_the_metric_cannot_take_has_no_score():
    """A share of zero would be a number that says nothing."""
    model = model_of("regression", "mape", [1.0, 2.0, 3.0, 5.0])
    scores = scores_of(model, ROWS, pd.Series([0, 2, 3, 4]))

    assert scores["mape"] is None
    assert scores["mae"] == 0.5
    assert scores_of(model, ROWS, pd.Series([1, 2, 3, 4]))["mape"] == 0.0625


def test_undefined_scores_are_none():
    """A ranking of rows of one class has no value, which is no error."""
    scores = scores_of(BINARY, ROWS, pd.Series(["yes"] * 4))

    assert scores["roc_auc"] is None
    assert scores["accuracy"] == 0.0
