"""Candidates made in Python are checked as those of files are."""

import numpy as np
import pytest

from automl.candidates import Candidate, Dimension, Resource, load_candidates
from automl.exceptions import AutoMLConfigError

RIDGE_CLASS = {"regression": "sklearn.linear_model.Ridge"}
SCALES = Dimension("scale", "choice", options=("none", "robust"))
MADE = {
    "step": ({"preparation": {"scaler": "none"}}, "Did you mean 'scale'"),
    "step value": ({"preparation": {"scale": "standrad"}}, "Did you mean 'standard'"),
    "step list": (
        {"preparation": {"scale": ["none"]}},
        "scale = .* is unknown",
    ),
    "steps": ({"preparation": [1]}, "preparation must be a table"),
    "keep": ({"preparation": {"keep": 2}}, "select.keep must be a number above 0"),
    "gaps": (
        {"preparation": {"numeric": "passthrough", "method": "l1"}},
        "select.method = 'l1' takes none",
    ),
    "searched step": (
        {"space": (Dimension("scale", "choice", options=("none", "robst")),)},
        "preprocess.scale = 'robst' is unknown",
    ),
    "start unknown": ({"starts": (("one", {"beta": 1}),)}, "'start.beta' is unknown"),
    "start option": (
        {"space": (SCALES,), "starts": (("one", {"scale": "standard"}),)},
        "has scale = 'standard', which is none of",
    ),
    "start without a name": ({"starts": ({"alpha": 1},)}, "starts must be pairs"),
    "logarithm": ({"log_target": 1}, "log_target must be true or false. Got 1"),
    "logarithm of classes": (
        {
            "log_target": True,
            "tasks": ("binary",),
            "estimators": {"classification": "sklearn.linear_model.RidgeClassifier"},
        },
        "no task of it",
    ),
    "resource": ({"resource": Resource("max_iter", 0)}, "resource.high must be"),
    "resource text": ({"resource": "max_iter"}, "resource must be a table"),
    "resource unknown": ({"resource": Resource("rounds", 3)}, "rounds' is unknown"),
}


@pytest.mark.parametrize("case", MADE)
def test_a_candidate_made_in_python_is_checked_as_files_are(case):
    """A misspelt option would silently make another pipeline."""
    given, message = MADE[case]
    given = {"tasks": ("regression",), "estimators": RIDGE_CLASS, **given}
    mine = Candidate("mine", "Mine", **given)
    with pytest.raises(AutoMLConfigError, match=message) as caught:
        load_candidates(mine)
    assert "The candidate 'mine': " in str(caught.value)
    assert caught.value.code == "E-candidates"


def test_a_good_candidate_made_in_python_is_taken_as_it_is():
    """So is one that a file described."""
    mine = Candidate(
        "mine", "Mine", ("regression",), RIDGE_CLASS,
        preparation={"categorical": "onehot", "keep": 0.5},
        space=(SCALES, Dimension("alpha", "float", 0.1, 10.0, log=True)),
        starts=(("one", {"scale": "none", "alpha": 1}),),
        resource=Resource("max_iter", 9),
        log_target=True,
    )  # fmt: skip
    assert load_candidates(mine)["mine"] is mine
    shipped = load_candidates()
    assert load_candidates(list(shipped.values())) == shipped


def test_numbers_of_numpy_start_a_candidate_made_in_python():
    """Best parameters of a search in a grid are such."""
    mine = Candidate(
        "mine", "Mine", ("regression",), RIDGE_CLASS,
        space=(Dimension("max_iter", "int", 1, 900),),
        starts=(("found", {"max_iter": np.int64(30)}),),
    )  # fmt: skip
    assert load_candidates(mine)["mine"] is mine
