"""Columns of odd types, many levels or many rows give a model."""

from __future__ import annotations

import datetime as dt
import resource
import subprocess
import sys
import textwrap
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import automl
from automl.table import make_table
from tests.faults.bad_kit import N_ROWS, Y, fit, table
from tests.faults.odd_kit import DAYS, NUMBERS, THIRD, WORDS, noted, predicts, warned


def test_d13_columns_that_say_nothing_are_left_out_and_listed():
    """Empty and constant ones, of any type."""
    X = table(a=np.nan, b=5, c=None, d="x", e=pd.NaT, f=np.inf)
    model = fit(X, Y)
    for name in "abcdef":
        noted(model, f"Column '{name}' is left out")
    predicts(model, X)


ODD_COLUMNS = {
    "D15-infinite": np.r_[np.inf, -np.inf, NUMBERS[2:]],
    "D15-largest": np.r_[1e308, -1e308, NUMBERS[2:]],
    "D15-all largest": np.sign(NUMBERS) * 1e308,
    "D15-denormal": np.r_[5e-324, -5e-324, NUMBERS[2:] * 1e-310],
    "D15-long": np.arange(N_ROWS).astype(np.longdouble) ** 2 * np.longdouble("1e4000"),
    "D15-float16": NUMBERS.astype(np.float16),
    "D15-uint64": np.full(N_ROWS, 2**64 - 1, dtype=np.uint64)
    // (THIRD + 1).astype(np.uint64),
    "D15-large integers": [10**30 * int(i) for i in THIRD],
    "D19-decimal": [Decimal(int(i)) / 7 for i in NUMBERS * 100],
    "D19-fraction": [Fraction(int(i), 7) for i in NUMBERS * 100],
    "D19-date": [d.date() for d in DAYS],
    "D19-time": [d.time() for d in DAYS],
    "D19-stamp and text": [d if i % 2 else "x" for i, d in enumerate(DAYS)],
    "D19-text and number": ["x" if i % 3 else float(i) for i in range(N_ROWS)],
    "D19-truth and number": [True if i % 3 else float(i) for i in range(N_ROWS)],
    "D19-truth and none": [None if i % 3 else bool(i % 2) for i in range(N_ROWS)],
    "D20-duration": pd.to_timedelta(np.arange(N_ROWS) ** 2, unit="s"),
    "D20-period": pd.period_range("2020", periods=N_ROWS, freq="M"),
    "D20-interval": pd.cut(NUMBERS, 5),
    "D20-interval array": pd.arrays.IntervalArray(pd.cut(NUMBERS, 5)),
    "D20-Int64": pd.array([1, None, 5] * (N_ROWS // 3), dtype="Int64"),
    "D20-Float64": pd.array([1.5, None, 5] * (N_ROWS // 3), dtype="Float64"),
    "D20-boolean": pd.array([True, None, False] * (N_ROWS // 3), dtype="boolean"),
    "D20-string": pd.array(["a", None, "b"] * (N_ROWS // 3), dtype="string"),
    "D20-arrow number": pd.array([1, None, 3] * (N_ROWS // 3),
                                 dtype=pd.ArrowDtype(pa.int32())),
    "D20-arrow decimal": pd.array([Decimal(1), None, Decimal(3)] * (N_ROWS // 3),
                                  dtype=pd.ArrowDtype(pa.decimal128(5, 2))),
    "D20-arrow text": pd.array(["a", None, "c"] * (N_ROWS // 3),
                               dtype=pd.ArrowDtype(pa.string())),
    "D20-arrow date": pd.array([dt.date(2020, 1, 1 + i % 9) for i in range(N_ROWS)],
                               dtype=pd.ArrowDtype(pa.date32())),
    "D20-arrow stamp": pd.Series(DAYS).astype(pd.ArrowDtype(pa.timestamp("us", "UTC"))),
    "D20-sparse": pd.arrays.SparseArray(np.where(NUMBERS > 1, NUMBERS, 0.0)),
    "D20-category with gap": pd.Categorical(["a", None, "b"] * (N_ROWS // 3)),
    "D20-category of numbers": pd.Categorical([1, 5, 9] * (N_ROWS // 3), ordered=True),
    "D20-category of dates": pd.Categorical(DAYS.floor("10D")),
    "D21-zone": DAYS.tz_localize("Europe/Berlin"),
    "D21-mixed zones": [d.tz_localize("UTC" if i % 2 else "Asia/Tokyo")
                        for i, d in enumerate(DAYS)],
    "D21-far": [dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31),  # noqa: DTZ001
                *DAYS[2:].to_pydatetime()],
    "D21-far text": ["0001-01-01", "9999-12-31", *[str(d.date()) for d in DAYS[2:]]],
    "D21-future": DAYS + pd.Timedelta(days=80_000),
    "D21-seconds": pd.Series(DAYS).astype("datetime64[s]"),
    "D22-thousands": ["1,234", " 12 ", "NaN", "?", "1e5"] * (N_ROWS // 5),
    "D22-gaps": ["1", "-", "n/a", "null", "7.5"] * (N_ROWS // 5),
    "D24-nul": ["a\0b", "a\0c", "\0"] * (N_ROWS // 3),
    "D24-controls": ["\x1b[31m", "\u202e", "\ufeff"] * (N_ROWS // 3),
    "D24-emoji": ["\U0001f600", "\U0001f469\u200d\U0001f4bb", "é"] * (N_ROWS // 3),
    "D24-blank": ["", " ", "\n"] * (N_ROWS // 3),
    "D24-markup": ["<script>alert(1)</script>", "{{ 7 * 7 }}", "=1+1"] * (N_ROWS // 3),
    "D24-long code": ["x" * 1_000_000, *WORDS[1:]],
    "D24-long text": ["word " * 200_000,
                      *[f"some words are here {i}" for i in range(N_ROWS - 1)]],
}  # fmt: skip


@pytest.mark.parametrize("case", ODD_COLUMNS)
def test_odd_columns_give_a_model(case):
    """Cells of any type that have a value are read, and left as they are."""
    X = table()
    X["odd"] = pd.Series(ODD_COLUMNS[case])
    before = X.copy(deep=True)
    model = fit(X, Y)
    predicts(model, X)
    pd.testing.assert_frame_equal(X, before)
    assert "odd" in {c["name"] for c in model._schema["columns"] if c["used"]}
    if case.startswith("D22"):
        kinds = {c["name"]: c["reason"] for c in model._schema["columns"]}
        assert kinds["odd"] == "numbers written as text"


def test_reports_and_bundles_hold_odd_columns(tmp_path):
    """All of them at once, named by what is odd."""
    X = pd.concat(
        [table(), *(pd.Series(v, name=case) for case, v in ODD_COLUMNS.items())], axis=1
    )
    model = fit(X, Y)
    used = {c["name"] for c in model._schema["columns"] if c["used"]}
    assert len(used & set(ODD_COLUMNS)) > 30
    page = model.report(tmp_path / "report.html").read_text("utf-8")
    assert "<script>alert(1)" not in page
    again = automl.load(model.save(tmp_path / "bundle"))
    np.testing.assert_array_equal(model.predict_proba(X), again.predict_proba(X))


@pytest.mark.parametrize("kind", ["object", "category"])
def test_d23_a_level_for_each_row_is_left_out_or_read(kind):
    """An identifier is left out with a warning; a category with many levels serves."""
    n_rows = 3_000
    X = table(n_rows)
    X["many"] = pd.Series([f"level{i}" for i in range(n_rows)], dtype=kind)
    with warned(*["W-id"] * (kind == "object")):
        model = fit(X, np.arange(n_rows) % 2)
    predicts(model, X, n_rows)


@pytest.mark.slow
@pytest.mark.parametrize("share", [1, 3])
def test_d23_a_million_levels_are_read_in_a_few_seconds(share):
    """Time and memory stay in proportion to the table."""
    n_rows = 1_000_000
    X = pd.DataFrame({"n": np.arange(n_rows) % 1013, "a": np.arange(n_rows) // share})
    X["many"] = "level" + X.pop("a").astype(str)
    made = make_table(X, np.arange(n_rows) % 2)
    assert made.columns[1].kind == ("identifier" if share == 1 else "category")
    assert made.X.memory_usage(deep=True).sum() <= 16 * n_rows + 1000


@pytest.mark.slow
def test_d25_more_columns_than_rows():
    """20,000 columns of 50 rows end soon after their budget."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 20_000))
    model = fit(X, np.arange(50) % 2, time_budget_s=20, n_trials=None)
    predicts(model, X, 50)


@pytest.mark.slow
def test_d26_ten_million_rows_are_copied_few_times():
    """Reading takes the encoded table beside the given one, and little more."""
    code = """
        import resource, numpy as np, pandas as pd
        from automl.table import make_table
        rng = np.random.default_rng(0)
        X = pd.DataFrame(rng.normal(size=(10_000_000, 5)))
        y = rng.integers(0, 2, len(X))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        made = make_table(X, y)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print((after - before) * 1024 / X.memory_usage().sum())
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert float(done.stdout) < 3.0


def test_d27_copies_of_columns_are_left_out():
    """The first of two columns with the same cells is used; the other is listed."""
    X = table()
    X["again"], X["tone"] = X["size"], X["colour"]
    model = fit(X, Y)
    noted(model, "'again' is left out: the same as column 'size'")
    noted(model, "'tone' is left out: the same as column 'colour'")
    without = X.assign(again=0.0, tone="new")
    np.testing.assert_array_equal(model.predict_proba(X), model.predict_proba(without))


def test_the_peak_is_known():
    """`ru_maxrss` is in KiB here, which the test of ten million rows relies on."""
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 50_000
