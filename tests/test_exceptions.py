"""Errors say what is wrong, and carry it for programs."""

import pickle

import pytest

from automl.exceptions import (
    AutoMLConfigError,
    AutoMLDataError,
    AutoMLError,
    AutoMLNoModelError,
    suggestion,
)


def test_an_error_keeps_its_facts_through_a_pickle():
    """A worker's error arrives with code, column and rows."""
    error = AutoMLDataError("No.", code="E-x", column="a", rows=(1, 2))
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.code, copy.column, copy.rows) == ("No.", "E-x", "a", (1, 2))


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (AutoMLDataError, ValueError),
        (AutoMLConfigError, ValueError),
        (AutoMLNoModelError, RuntimeError),
    ],
)
def test_errors_are_also_what_scikit_learn_raises(kind, builtin):
    """Callers may catch the family or the builtin."""
    assert issubclass(kind, AutoMLError)
    assert issubclass(kind, builtin)


def test_a_suggestion_names_the_nearest_and_all_known():
    """A slip is answered with the name that was meant."""
    assert suggestion("ridg", ["ridge", "lasso"]).startswith("Did you mean 'ridge'?")
    assert suggestion("zzz", ["b", "a"]) == "Known: a, b."
