"""Whatever columns and rows are called, they are found again."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import automl
from tests.faults.bad_kit import N_ROWS, Y, fit, table
from tests.faults.odd_kit import DAYS, predicts

NAMES = {
    "empty": ["", " ", "  "],
    "numbers": [1, 2, 0],
    "number and text": [1, "1", 1.5],
    "pairs": [("a", "b"), ("a", "c"), ("b", "b")],
    "levels": pd.MultiIndex.from_tuples([("a", "b"), ("a", "c"), ("", "")]),
    "none": [None, "None", "x"],
    "nan": [np.nan, "nan", "x"],
    "marks": ['"', ":", "["],
    "more marks": ["]", ",", "{}"],
    "markup": ["<script>alert(1)</script>", "{{ 7 }}", "=1+1"],
    "emoji": ["\U0001f600", "é", "e\u0301"],
    "long": ["x" * 10_000, "x" * 9_999, "y"],
    "alike": ["a b", "a_b", "a-b"],
    "ours": ["f1", "f0", "target"],
    "methods": ["shape", "index", "y"],
    "lines": ["a\nb", "a\tb", "a\0b"],
    "returns": ["\rb", "a\r", "\r\n"],
    "dates": list(pd.date_range("2020", periods=3)),
    "truth": [True, False, "True"],
    "braces": ["%s", "%(a)s", "{0.__class__}"],
}


HOSTILE = ("braces", "lines", "long", "markup", "marks", "nan", "returns")
"""Names that might end what a page writes them in."""


@pytest.mark.parametrize("case", NAMES)
def test_d17_any_names_serve(case, tmp_path):
    """Whatever columns are called, they are found again; reports write them escaped."""
    X = table().set_axis(NAMES[case], axis=1)
    model = fit(X, Y)
    predicts(model, X)
    if case in HOSTILE:
        page = model.report(tmp_path / "report.html").read_text("utf-8")
        assert "<script>alert(1)" not in page
    again = automl.load(model.save(tmp_path / "bundle"))
    np.testing.assert_array_equal(model.predict_proba(X), again.predict_proba(X))


INDEXES = {
    "repeated": [7] * N_ROWS,
    "words": [f"row {i}" for i in range(N_ROWS)],
    "dates": DAYS,
    "levels": pd.MultiIndex.from_product([range(6), range(10)]),
    "backwards": np.arange(N_ROWS)[::-1],
    "gaps": [None, *range(1, N_ROWS)],
    "floats": np.arange(N_ROWS) / 3,
}


@pytest.fixture(scope="module")
def expected():
    """Return what is predicted of the table with an index that counts."""
    return fit(table(), pd.Series(Y)).predict_proba(table())


@pytest.mark.parametrize("case", INDEXES)
def test_d18_the_index_says_nothing(case, expected):
    """Rows are told by place: any index gives the same predictions."""
    X, y = table(), pd.Series(Y)
    odd = X.set_axis(INDEXES[case], axis=0)
    model = fit(odd, y.set_axis(range(N_ROWS)[::-1]))
    np.testing.assert_array_equal(model.predict_proba(odd), expected)
    assert odd.index.equals(X.set_axis(INDEXES[case], axis=0).index)
