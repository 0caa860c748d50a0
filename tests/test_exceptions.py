"""Errors say what is wrong, and carry it for programs."""

import pickle

import pytest

from automl.exceptions import (
    AutoMLConfigError,
    AutoMLDataError,
    AutoMLError,
    AutoMLWarning,
    named,
    suggestion,
)


def test_an_error_keeps_its_facts_through_a_pickle():
    """A worker's error arrives with code, column, rows and hint."""
    error = AutoMLDataError("No.", code="E-x", column="a", rows=(1, 2), hint="Do.")
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.hint) == ("No. Do.", "Do.")
    assert (copy.code, copy.column, copy.rows) == ("E-x", "a", (1, 2))


def test_a_warning_keeps_its_facts():
    """Programs tell warnings apart by their code."""
    warning = pickle.loads(pickle.dumps(AutoMLWarning("Look.", code="W-x", column="a")))
    assert (str(warning), warning.code, warning.column) == ("Look.", "W-x", "a")


def test_names_and_lists_of_names_are_short_in_messages():
    """A name may be a page long, and a table may have a thousand of them."""
    assert len(named("x" * 10_000)) < 70
    assert len(suggestion("x" * 10_000, [f"{i}" * 500 for i in range(1000)])) < 1000
    assert "and 988 more" in suggestion("c5", [f"c{i}" for i in range(1000)])


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (AutoMLDataError, ValueError),
        (AutoMLConfigError, ValueError),
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
