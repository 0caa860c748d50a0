"""Pairs of numbers become columns: those that say something the numbers do not."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from automl.preprocess.arithmetic import RANKED_ROWS, Pair, PairArithmetic

N_ROWS = 2000


def numbers(n_columns=4, n_rows=N_ROWS):
    """Columns between 1 and 3, so that no ratio is extreme."""
    return np.random.default_rng(0).uniform(1, 3, (n_rows, n_columns))


RESULTS = {
    "plus": lambda a, b: np.sin(2 * (a + b)),
    "minus": lambda a, b: np.sin(4 * (a - b)),
    "times": lambda a, b: np.sin(2 * a * b),
    "over": lambda a, b: np.sin(6 * a / b),
}


@pytest.mark.parametrize("how", RESULTS)
def test_what_makes_the_target_is_found(how):
    """The one result that the target depends on is among the first three of many."""
    X = numbers()
    step = PairArithmetic(n_kept=3).fit(X, RESULTS[how](X[:, 1], X[:, 3]))
    assert Pair(how, 1, 3) in step.pairs_


@pytest.mark.parametrize("n_classes", [2, 3])
def test_classes_are_explained_too(n_classes):
    """What tells classes apart is found, however they are numbered."""
    X = numbers()
    product = X[:, 0] * X[:, 2]
    y = np.digitize(product, np.quantile(product, np.arange(1, n_classes) / n_classes))
    step = PairArithmetic(classification=True).fit(X, 7 * y)
    assert step.pairs_[0] == Pair("times", 0, 2)


def test_results_are_those_of_the_two_columns():
    """Each column that comes out is what its name says, as float32."""
    X = numbers()
    step = PairArithmetic(n_kept=60).fit(X, X[:, 0] / X[:, 1] + X[:, 2] * X[:, 3])
    found = dict(zip(step.get_feature_names_out(), step.transform(X).T, strict=True))
    assert {p.how for p in step.pairs_} == {"plus", "minus", "times", "over"}
    symbols = {"plus": "+", "minus": "-", "times": "*", "over": "/"}
    columns = {f"x{i}": X[:, i] for i in range(4)}
    for name, values in found.items():
        first, how, second = name.split("_")
        wanted = pd.eval(
            f"a {symbols[how]} b",
            local_dict={"a": columns[first], "b": columns[second]},
        )
        assert values.dtype == np.float32
        np.testing.assert_allclose(values, wanted, rtol=1e-6)


def test_what_is_no_number_is_missing():
    """A gap, a division by zero and an overflow are missing, without a warning."""
    step = PairArithmetic().fit(numbers(2), np.zeros(N_ROWS))
    step.pairs_ = [Pair("over", 0, 1), Pair("times", 0, 1)]
    X = np.array([[1.0, 0.0], [0.0, 0.0], [np.nan, 2.0], [1e30, 1e30], [6.0, 3.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ratio, product = step.transform(X).T
    np.testing.assert_array_equal(ratio, np.float32([np.nan, np.nan, np.nan, 1, 2]))
    np.testing.assert_array_equal(product, np.float32([0, 0, np.nan, np.nan, 18]))


@pytest.fixture(scope="module")
def step():
    """Eight results of four columns."""
    X = numbers()
    return PairArithmetic(n_kept=8).fit(X, X[:, 0] * X[:, 1] - X[:, 2] / X[:, 3])


@given(
    rows=st.lists(
        st.tuples(*[st.floats(allow_nan=True, allow_infinity=True, width=64)] * 4),
        min_size=1,
        max_size=8,
    )
)
@settings(max_examples=50, deadline=None)
def test_a_row_alone_becomes_what_it_becomes_among_others(step, rows):
    """Whatever the cells, nothing depends on other rows; nothing is infinite."""
    cells = np.array(rows)
    together = step.transform(cells)
    alone = np.vstack([step.transform(cells[i : i + 1]) for i in range(len(cells))])
    np.testing.assert_array_equal(together, alone)
    assert not np.isinf(together).any()


def test_numbers_that_float32_cannot_hold_are_ranked():
    """They do no harm: no warning, and nothing infinite comes out."""
    X = numbers()
    X[:, 0] *= 1e300
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        step = PairArithmetic().fit(X, X[:, 0] / 1e300 * X[:, 1])
        assert not np.isinf(step.transform(X)).any()


def test_limits_are_kept():
    """No more columns are paired, and no more results kept, than is asked for."""
    X = numbers(8)
    y = X.prod(axis=1)
    narrow = PairArithmetic(n_columns=3, n_kept=100).fit(X, y)
    assert len({i for p in narrow.pairs_ for i in (p.first, p.second)}) <= 3
    assert len(PairArithmetic(n_kept=5).fit(X, y).pairs_) == 5
    assert len(PairArithmetic().fit(X, y).pairs_) == 24


def test_noise_does_not_lead():
    """The best two results are of the two columns that make the target."""
    X = numbers(6, 6000)
    X[:, 2:] = np.round(X[:, 2:])  # coarse, and unrelated
    step = PairArithmetic(n_kept=2).fit(X, X[:, 0] * X[:, 1])
    assert {(p.first, p.second) for p in step.pairs_} <= {(0, 1), (1, 0)}


@pytest.mark.parametrize("n_rows", [1, 2, 5, 40])
@pytest.mark.parametrize("classification", [False, True])
def test_there_is_a_column_even_where_nothing_is_to_gain(n_rows, classification):
    """Few rows, constants and gaps: one column, so that steps after it work."""
    y = np.arange(n_rows) % 2
    for X in (np.ones((n_rows, 3)), np.full((n_rows, 2), np.nan), numbers(2, n_rows)):
        step = PairArithmetic(classification=classification)
        assert step.fit_transform(X, y).shape == (n_rows, 1)
        assert step.fit_transform(X, np.zeros(n_rows)).shape == (n_rows, 1)


def test_one_column_is_refused():
    """The message names what came and what was expected."""
    with pytest.raises(ValueError, match=r"1 column\(s\); at least 2"):
        PairArithmetic().fit(np.ones((5, 1)), np.arange(5))


def test_other_columns_than_at_fit_are_refused(step):
    """scikit-learn's sentence."""
    with pytest.raises(ValueError, match=r"X has 3 features, .* expecting 4"):
        step.transform(numbers(3))


def test_the_unit_of_the_target_does_not_matter():
    """Neither its size nor its offset, which float32 could not hold."""
    X = numbers()
    y = X[:, 0] * X[:, 2]
    found = PairArithmetic().fit(X, y).pairs_
    assert PairArithmetic().fit(X, 1e200 * y).pairs_[:3] == found[:3]
    assert PairArithmetic().fit(X, y + 1e9).pairs_[:3] == found[:3]


def test_chance_is_given():
    """Equal states rank equal rows of many; another may rank others."""
    X = numbers(4, RANKED_ROWS + 5000)
    noise = np.random.default_rng(1).normal(size=len(X))
    found = [
        PairArithmetic(random_state=state).fit(X, noise).pairs_ for state in (0, 0, 1)
    ]
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_chance_draws_the_rows_that_rank(monkeypatch):
    """Another state ranks by other rows, not only with other trees."""
    ranked = []

    def remember(_, X, target):  # noqa: ARG001 - as it is called
        ranked.append(X[:, 0])
        return np.zeros(X.shape[1])

    monkeypatch.setattr(PairArithmetic, "_gains", remember)
    X = numbers(2, RANKED_ROWS + 5000)
    for state in (0, 1):
        PairArithmetic(random_state=state).fit(X, X[:, 0])
    assert len(ranked[0]) == len(ranked[2]) == RANKED_ROWS
    assert (ranked[0] != ranked[2]).any()


def test_frames_and_arrays_are_one():
    """A frame gives the same as its array, and names; so do a clone and a pickle."""
    X = numbers(3)
    frame = pd.DataFrame(X, columns=["f0", "f1", "f3_year"])
    y = RESULTS["times"](X[:, 0], X[:, 2])
    of_array = PairArithmetic(n_kept=3).fit(X, y)
    of_frame = clone(of_array).fit(frame, y)
    again = pickle.loads(pickle.dumps(of_frame))
    np.testing.assert_array_equal(of_array.transform(X), again.transform(frame))
    assert again.get_feature_names_out(frame.columns)[0] == "f0_times_f3_year"
