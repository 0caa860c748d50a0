"""Data that cannot be used are refused at once, by one clear error."""

from __future__ import annotations

import io
import sys
import uuid
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse

from tests.faults.bad_kit import N_ROWS, SECRET, SECRET_NUMBER, Y, refused, table

NUMBERS = np.random.default_rng(1).normal(size=N_ROWS)
WORDS = np.array(["yes", "no"], dtype=object)[Y]


def with_first(first, rest, dtype=None):
    """Return a target whose first value is another one."""
    return pd.Series([first, *list(rest)[1:]], dtype=dtype)


def cells(cell):
    """Return a column of numbers with a few cells of another type."""
    column = np.array([None] * N_ROWS, dtype=object)
    column[:] = list(NUMBERS)
    for i in range(5):
        column[i] = cell
    return pd.Series(column, dtype=object)


def raising(name, error=RuntimeError):
    """Return an object of which one method raises, with a secret."""

    def method(*_args, **_options):
        raise error(SECRET)

    return type("Odd", (), {name: method})()


def raising_list():
    """Return a list that cannot be read."""

    class Rows(list):
        def __iter__(self):
            raise OSError(SECRET)

        def __len__(self):
            raise OSError(SECRET)

    return Rows([[1.0, 2.0]] * N_ROWS)


class AnyAttribute:
    """Has every attribute, and none that works."""

    def __getattr__(self, name):
        if name.startswith("__array_") or name == "__array__":
            raise AttributeError(name)
        return lambda *_args, **_options: None


DUPLICATES = {
    "text": ["a", "b", "a"],
    "numbers": [1, 2, 1],
    "pairs": [("a", 1), ("a", 2), ("a", 1)],
    "none": [None, "b", None],
    "nan": [np.nan, "b", np.nan],
    "empty": ["", "b", ""],
    "long": ["x" * 10_000, "b", "x" * 10_000],
    "markup": ["<script>", "b", "<script>"],
}
CELLS = {
    "list": [SECRET],
    "dict": {"a": SECRET},
    "set": {SECRET},
    "frozenset": frozenset([SECRET]),
    "tuple": (SECRET,),
    "array": np.array([SECRET_NUMBER, 2]),
    "bytes": SECRET.encode(),
    "bytearray": bytearray(SECRET.encode()),
    "memoryview": memoryview(SECRET.encode()),
    "complex": 1j,
    "numpy complex": np.complex64(1j),
    "object": object(),
    "function": len,
    "lambda": lambda: SECRET,
    "class": int,
    "module": sys,
    "error": ValueError(SECRET),
    "iterator": iter([SECRET]),
    "file": io.StringIO(SECRET),
    "series": pd.Series([SECRET]),
    "frame": pd.DataFrame({"a": [SECRET]}),
    "list of nan": [np.nan],
}
WEIGHTS = {
    "negative": [-SECRET_NUMBER, *[1.0] * (N_ROWS - 1)],
    "nan": [np.nan, *[1.0] * (N_ROWS - 1)],
    "none": [None, *[1.0] * (N_ROWS - 1)],
    "infinite": [np.inf, *[1.0] * (N_ROWS - 1)],
    "all zero": np.zeros(N_ROWS),
    "short": [1.0],
    "long": np.ones(N_ROWS + 1),
    "empty": [],
    "words": [SECRET] * N_ROWS,
    "two columns": np.ones((N_ROWS, 2)),
    "column name": "size",
    "scalar nan": np.nan,
    "scalar zero": 0,
    "dict": {"a": 1},
}
GROUPS = {
    "one": ["a"] * N_ROWS,
    "nan": [np.nan, *["a"] * (N_ROWS - 1)],
    "none": [None, *["a", "b"] * (N_ROWS // 2)][:N_ROWS],
    "short": ["a"],
    "empty": [],
    "no column": "nowhere",
    "two columns": np.ones((N_ROWS, 2)),
}
TIMES = {
    "nat": [pd.NaT, *pd.date_range("2020", periods=N_ROWS - 1)],
    "nan": [np.nan, *range(N_ROWS - 1)],
    "words": [SECRET] * N_ROWS,
    "some words": ["2020-01-01"] * (N_ROWS - 1) + [SECRET],
    "short": [1],
    "two moments": [1, 2] * (N_ROWS // 2),
    "no column": "nowhere",
    "two columns": np.ones((N_ROWS, 2)),
}
NO_TABLES = {
    "none": None,
    "number": 5,
    "text": "data.csv",
    "bytes": b"1,2",
    "set": {1, 2},
    "class": pd.DataFrame,
    "function": len,
    "object": object(),
    "series": pd.Series(NUMBERS),
    "array": NUMBERS,
    "cube": np.ones((N_ROWS, 2, 2)),
    "scalar": np.float64(1),
    "ragged rows": [[1, 2], [1]] * (N_ROWS // 2),
    "ragged columns": {"a": [1, 2], "b": [1]},
    "scalar columns": {"a": 1, "b": 2},
    "lazy frame": pl.from_pandas(table()).lazy(),
    "polars series": pl.Series([1, 2]),
    "sparse": sparse.csr_matrix(np.eye(N_ROWS)),
    "sparse array": sparse.coo_array(np.eye(N_ROWS)),
}
SHAPES = {
    "series", "array", "cube", "scalar", "ragged rows", "ragged columns",
    "scalar columns", "polars series",
}  # fmt: skip
ODD = {
    "array raises": raising("__array__"),
    "array divides": raising("__array__", ZeroDivisionError),
    "array os": raising("__array__", OSError),
    "array exits": raising("__array__", KeyError),
    "array memory": raising("__array__", MemoryError),
    "frame raises": raising("__dataframe__"),
    "attribute raises": raising("__getattr__"),
    "list raises": raising_list(),
    "any attribute": AnyAttribute(),
}
NO_TARGETS = {
    "number": 5,
    "iterator": iter(Y),
    "dict": {"a": 1},
    "object": object(),
    "ragged": [[1], [1, 2]] * (N_ROWS // 2),
    "array raises": raising("__array__"),
    "array os": raising("__array__", OSError),
    "list raises": raising_list(),
    "sparse": sparse.csr_matrix(np.eye(2)),
    "complex": Y * 1j,
    "set": {1, 2},
}
MISSING = {
    "nan": with_first(np.nan, NUMBERS),
    "none": with_first(None, WORDS),
    "na": with_first(pd.NA, Y, "Int64"),
    "na text": with_first(pd.NA, WORDS, "string"),
    "na truth": with_first(pd.NA, Y == 1, "boolean"),
    "nat": with_first(pd.NaT, pd.date_range("2020", periods=N_ROWS)),
    "category": pd.Categorical([None, *WORDS[1:]]),
    "list": [None, *WORDS[1:]],
    "list of nan": [float("nan"), *NUMBERS[1:]],
    "array": np.array([np.nan, *NUMBERS[1:]]),
    "all": [None] * N_ROWS,
    "masked": np.ma.masked_array(Y * 1.0, mask=Y == 1),
    "arrow": pd.Series([None, *WORDS[1:]], dtype=pd.ArrowDtype(pa.string())),
}
INFINITE = {
    "plus": with_first(np.inf, NUMBERS),
    "minus": with_first(-np.inf, NUMBERS),
    "half": np.where(Y == 1, np.inf, NUMBERS),
    "nullable": with_first(np.inf, NUMBERS, "Float64"),
    "float32": np.array([np.inf, *NUMBERS[1:]], dtype=np.float32),
    "long": np.array([np.longdouble("1e4000"), *NUMBERS[1:]]),
}
MIXED = {
    "number and text": [1, "1"] * (N_ROWS // 2),
    "truth and text": [True, "a"] * (N_ROWS // 2),
    "text and date": [SECRET, pd.Timestamp("2020")] * (N_ROWS // 2),
    "float and text": [0.5, SECRET] * (N_ROWS // 2),
}


def _x(X):
    return lambda: {"X": X}


def _y(y, **more):
    return lambda: {"y": y, **more}


def _short(n_rows):
    return lambda: {"X": table(n_rows), "y": np.arange(n_rows) / 7}


CASES = [
    ("D01-no rows", "E-empty", lambda: {"X": table().iloc[:0], "y": []}),
    ("D01-no columns", "E-empty", _x(table()[[]])),
    ("D01-no rows of numbers", "E-empty", lambda: {"X": np.empty((0, 3)), "y": []}),
    ("D01-no columns of numbers", "E-empty", _x(np.empty((N_ROWS, 0)))),
    ("D01-no cells", "E-shape", lambda: {"X": [], "y": []}),
    ("D01-empty rows", "E-empty", lambda: {"X": [[]], "y": [1]}),
    ("D01-empty mapping", "E-empty", lambda: {"X": {}, "y": []}),
    ("D01-empty polars", "E-empty", lambda: {"X": pl.DataFrame(), "y": []}),
    ("D01-empty frame", "E-empty", lambda: {"X": pd.DataFrame(), "y": []}),
    ("D01-only the target", "E-empty", lambda: {"X": table()[["size"]], "y": "size"}),
    ("D02-one row", "E-too-few", _short(1)),
    ("D02-one row of weight", "E-too-few",
     lambda: {"sample_weight": np.eye(N_ROWS)[0]}),
    ("D02-two rows", "E-too-few", lambda: {"X": table(2), "y": [0, 1]}),
    ("D02-five rows", "E-too-few", lambda: {"X": table(5), "y": [0, 1, 0, 1, 0]}),
    ("D03-y short", "E-length", _y(Y[:-1])),
    ("D03-y long", "E-length", _y([*Y, 1])),
    ("D03-y empty", "E-length", _y([])),
    ("D03-y of one", "E-length", _y([1])),
    ("D03-series", "E-length", _y(pd.Series(Y[:7]))),
    *[(f"D04-{k}", "E-target-missing", _y(v)) for k, v in MISSING.items()],
    ("D04-y none", "E-target-missing", _y(None)),
    ("D04-no such column", "E-target-missing", _y("nowhere")),
    ("D04-nothing left", "E-target-missing",
     _y([None] * N_ROWS, drop_missing_target=True)),
    ("D04-named", "E-target-missing",
     lambda: {"X": table(y=MISSING["none"]), "y": "y"}),
    *[(f"D05-{k}", "E-target-inf", _y(v)) for k, v in INFINITE.items()],
    ("D05-classes", "E-target-inf",
     _y(with_first(np.inf, Y), task="classification")),
    ("D06-words", "E-one-class", _y(["a"] * N_ROWS)),
    ("D06-zeros", "E-one-class", _y(np.zeros(N_ROWS))),
    ("D06-truth", "E-one-class", _y(np.ones(N_ROWS, dtype=bool))),
    ("D06-category", "E-one-class", _y(pd.Categorical(["a"] * N_ROWS, ["a", "b"]))),
    ("D06-binary", "E-one-class", _y(np.ones(N_ROWS), task="binary")),
    ("D09-words", "E-target-id-like", _y([f"{SECRET}{i}" for i in range(N_ROWS)])),
    ("D09-uuid", "E-target-id-like", _y([str(uuid.uuid4()) for _ in range(N_ROWS)])),
    ("D09-category", "E-target-id-like",
     _y(pd.Categorical([f"w{i}" for i in range(N_ROWS)]))),
    ("D09-numbers", "E-target-id-like", _y(np.arange(N_ROWS), task="classification")),
    ("D11-two columns", "E-multioutput", _y(np.c_[Y, Y])),
    ("D11-two lists", "E-multioutput", _y([[1, 2]] * N_ROWS)),
    ("D11-frame", "E-multioutput", _y(pd.DataFrame({"a": Y, "b": Y}))),
    ("D11-cube", "E-multioutput", _y(np.ones((N_ROWS, 1, 1)))),
    *[(f"D12-{k}", "E-target-mixed", _y(v)) for k, v in MIXED.items()],
    ("D12-with none", "E-target-missing", _y([1, "1", None] * (N_ROWS // 3))),
    ("D12-none dropped", "E-target-mixed",
     _y([1, "1", None] * (N_ROWS // 3), drop_missing_target=True)),
    ("D12-fractions as classes", "E-target-type", _y(NUMBERS, task="binary")),
    ("D12-words as numbers", "E-target-type", _y(WORDS, task="regression")),
    ("D12-dates", "E-target-type", _y(pd.date_range("2020", periods=N_ROWS))),
    ("D12-durations", "E-target-type", _y(pd.to_timedelta(np.arange(N_ROWS), "h"))),
    ("D12-lone surrogate", "E-encoding",
     _y(pd.Series(["\ud800", "a"] * (N_ROWS // 2), dtype=object))),
    ("D14-zeros", "E-no-features", _x(np.zeros((N_ROWS, 3)))),
    ("D14-nothing", "E-no-features", _x(np.full((N_ROWS, 3), np.nan))),
    ("D14-both", "E-no-features", _x(pd.DataFrame({"a": [1] * N_ROWS, "b": None}))),
    ("D14-none", "E-no-features", _x(pd.DataFrame({"a": [None] * N_ROWS}))),
    ("D14-words", "E-no-features", _x(pd.DataFrame({SECRET[:0]: [SECRET] * N_ROWS}))),
    ("D14-infinite", "E-no-features", _x(np.full((N_ROWS, 2), np.inf))),
    ("D14-codes", "E-no-features",
     _x(pd.DataFrame({"key": [f"{SECRET}{i}" for i in range(N_ROWS)]}))),
    *[(f"D16-{k}", "E-duplicate-columns", _x(table().set_axis(v, axis=1)))
      for k, v in DUPLICATES.items()],
    ("D16-target", "E-duplicate-columns",
     lambda: {"X": table().set_axis(["y", "b", "y"], axis=1), "y": "y"}),
    *[(f"D19-{k}", "E-cell-type", _x(table(odd=cells(v)))) for k, v in CELLS.items()],
    ("D20-complex array", "E-cell-type", _x(np.ones((N_ROWS, 2)) * 1j)),
    ("D20-complex column", "E-cell-type", _x(table(c=NUMBERS * 1j))),
    ("D20-complex objects", "E-cell-type", _x(table(c=cells(Decimal(1)).map(complex)))
     ),
    ("D24-surrogates", "E-encoding",
     _x(table(c=pd.Series(["a\ud800", "b"] * (N_ROWS // 2), dtype=object)))),
    ("D24-surrogate text", "E-encoding",
     _x(table(c=pd.Series([f"a \ud800 word {i}" for i in range(N_ROWS)], dtype=object)))
     ),
    ("D24-surrogate name", "E-encoding",
     _x(table().set_axis(pd.Index(["\ud800", "b", "c"], dtype=object), axis=1))),
    *[(f"D29-{k}", "E-weight", lambda v=v: {"sample_weight": v})
      for k, v in WEIGHTS.items()],
    *[(f"D30-{k}", "E-groups", lambda v=v: {"groups": v}) for k, v in GROUPS.items()],
    *[(f"D31-{k}", "E-time", lambda v=v: {"time": v}) for k, v in TIMES.items()],
    *[(f"D33-{k}", "E-shape" if k in SHAPES else "E-type", _x(v))
      for k, v in NO_TABLES.items()],
    ("D33-generator", "E-type", lambda: {"X": ([i, 1] for i in range(N_ROWS))}),
    *[(f"D34-{k}", "E-type", _x(v)) for k, v in ODD.items()],
    *[(f"D34-target {k}", "E-type", _y(v)) for k, v in NO_TARGETS.items()],
]  # fmt: skip


@pytest.mark.parametrize(("code", "make"), [c[1:] for c in CASES],
                         ids=[c[0] for c in CASES])  # fmt: skip
def test_bad_data_are_refused(code, make, tmp_path):
    """One error with its code, soon, without a cell, before anything starts."""
    refused(code, make, tmp_path)


def test_d03_both_lengths_are_named(tmp_path):
    """The message says how many rows each of the two has."""
    error = refused("E-length", _y(Y[:7]), tmp_path)
    assert "60 rows" in str(error)
    assert "has 7" in str(error)


def test_d04_and_d05_the_rows_are_named(tmp_path):
    """The first rows at fault are in the error, and how to leave them out."""
    gaps = np.where(np.arange(N_ROWS) % 3 == 1, np.nan, NUMBERS)
    error = refused("E-target-missing", _y(gaps), tmp_path)
    assert error.rows == (1, 4, 7, 10, 13)
    assert "drop_missing_target=True" in error.hint
    error = refused("E-target-inf", _y(INFINITE["plus"]), tmp_path)
    assert error.rows == (0,)


def test_d16_and_d19_the_column_is_named(tmp_path):
    """Programs find the column in the error, people in the message."""
    error = refused(
        "E-duplicate-columns", _x(table().set_axis(["a", "b", "a"], axis=1)), tmp_path
    )
    assert error.column == "a"
    error = refused("E-cell-type", _x(table(odd=cells([1]))), tmp_path)
    assert (error.column, "'odd'" in str(error)) == ("odd", True)
