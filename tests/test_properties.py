"""Any table ends in one of our errors, or in predictions that keep their promises."""

from __future__ import annotations

import tempfile
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import automl
from automl import AutoML
from automl.exceptions import AutoMLError, AutoMLWarning
from tests.faults.bad_kit import LIGHT

NAMES = st.one_of(
    st.text(max_size=6),
    st.integers(-3, 3),
    st.none(),
    st.just(float("nan")),
    st.tuples(st.text(max_size=2), st.integers(0, 2)),
    st.sampled_from(["<script>", "a b", "a_b", "f0", "target", '"', "[", "x" * 500]),
)
DTYPES = {
    "number": ["float64", "float32", "Float64", "object", "str"],
    "whole": ["int64", "Int64", "uint8", "float64", "object", "str"],
    "truth": ["bool", "boolean", "object", "str", "int8"],
    "word": ["object", "str", "string", "category"],
    "date": ["datetime64[ns]", "object", "str"],
    "text": ["object", "str"],
    "mixed": ["object"],
    "same": ["object", "float64"],
}
"""Kinds of cells, and the types of the column that they may come in."""

INDEXES = ("range", "words", "dates", "repeated", "levels")
PROFILE = {
    "deadline": None,
    "derandomize": True,
    "suppress_health_check": list(HealthCheck),
}


def _cells(kind: str, n_rows: int, rng: np.random.Generator) -> list:
    """Return cells of a kind."""
    days = list(pd.Timestamp("2020") + pd.to_timedelta(rng.integers(0, 4000, 60), "h"))
    words = ["red", "green", "", "Füße", "a\0b", "?", "nan", "=1+1"]
    extreme = [1e308, -1e308, np.inf, -np.inf, 5e-324, 0.0]
    mixed = [1, "1", 2.5, "two", True, days[0]]
    draw = {
        "number": lambda: (
            float(rng.normal() * 10.0 ** rng.integers(-3, 9))
            if rng.random() > 0.05
            else extreme[rng.integers(6)]
        ),
        "whole": lambda: int(rng.integers(200)),
        "truth": lambda: bool(rng.integers(2)),
        "word": lambda: words[rng.integers(8)],
        "date": lambda: days[rng.integers(60)],
        "text": lambda: (
            " ".join(words[i] for i in rng.integers(0, 8, 6)) + str(rng.integers(10**6))
        ),
        "mixed": lambda: mixed[rng.integers(6)],
        "same": lambda: 1.0,
    }[kind]
    return [draw() for _ in range(n_rows)]


def _column(draw, n_rows: int, rng: np.random.Generator) -> pd.Series:
    kind = draw(st.sampled_from(sorted(DTYPES)))
    dtype = draw(st.sampled_from(DTYPES[kind]))
    missing = draw(st.sampled_from([0.0, 0.0, 0.1, 0.9, 1.0]))
    column = pd.Series(_cells(kind, n_rows, rng), dtype=object)
    gaps = rng.random(n_rows) < missing
    if dtype in {"int64", "uint8", "bool", "int8"}:
        return column.astype(dtype)  # these have no missing value
    if dtype == "str":
        column = column.map(str)
    column[gaps] = None
    with np.errstate(over="ignore"):  # 1e308 is infinite as a float32
        return column.astype(dtype)


def _index(draw, n_rows: int) -> pd.Index:
    kind = draw(st.sampled_from(INDEXES))
    rows = np.arange(n_rows)
    if kind == "levels":
        return pd.MultiIndex.from_arrays([rows // 3, rows % 3])
    return pd.Index({
        "range": rows,
        "words": [f"row {i}" for i in rows],
        "dates": pd.date_range("2020", periods=n_rows),
        "repeated": rows * 0 + 7,
    }[kind])  # fmt: skip


def _target(draw, n_rows: int, rng: np.random.Generator) -> pd.Series:
    kind = draw(st.sampled_from(["two", "words", "three", "truth", "number", "rare"]))
    codes = rng.integers(0, 2, n_rows)
    if kind == "rare":
        codes[:2] = 2
    made = {
        "two": codes,
        "words": np.where(codes, "yes", "no"),
        "three": np.array(["a", "b", "c"])[rng.integers(0, 3, n_rows)],
        "truth": codes == 1,
        "number": rng.normal(size=n_rows) * 1e3,
        "rare": codes,
    }
    return pd.Series(made[kind])


@st.composite
def tables(draw):
    """Return features and target of any kind."""
    n_rows = draw(st.integers(1, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique_by=repr))
    columns = [_column(draw, n_rows, rng) for _ in names]
    X = pd.concat(columns, axis=1)
    X.columns = pd.Index(names, tupleize_cols=False, dtype=object)
    X.index = _index(draw, n_rows)
    return X, _target(draw, n_rows, rng)


def _fitted(X: pd.DataFrame, y: pd.Series) -> AutoML | None:
    """Return a model, or None after one of our errors."""
    before = X.copy(deep=True), y.copy(deep=True)
    model = AutoML(n_trials=2, n_jobs=1, candidates=LIGHT, random_state=0, verbose=0)
    try:
        model.fit(X, y)
    except AutoMLError as error:
        assert error.code.startswith("E-")  # noqa: PT017 - either is fine
        model = None
    pd.testing.assert_frame_equal(X, before[0])
    pd.testing.assert_series_equal(y, before[1])
    return model


def _outputs(model, X: pd.DataFrame) -> np.ndarray:
    """Return what a model says of rows, as numbers, after a look at it."""
    labels = model.predict(X)
    assert len(labels) == len(X)
    if model.task_ == "regression":
        assert np.isfinite(labels).all()
        return labels[:, None]
    assert set(labels) <= set(model.classes_)
    shares = model.predict_proba(X)
    assert shares.shape == (len(X), len(model.classes_))
    assert np.isfinite(shares).all()
    assert (shares >= 0).all()
    assert (shares <= 1).all()
    assert np.abs(shares.sum(axis=1) - 1).max() <= 1e-6
    return shares


def _keeps_its_promises(X: pd.DataFrame, y: pd.Series) -> bool:
    """Return whether there is a model, of which all holds."""
    model = _fitted(X, y)
    if model is None:
        return False
    whole = _outputs(model, X)
    scale = max(1.0, float(np.abs(whole).max()))
    order = np.random.default_rng(0).permutation(len(X))
    shuffled = _outputs(model, X.iloc[order].reset_index(drop=True))
    assert np.abs(shuffled - whole[order]).max() <= 1e-9 * scale
    for i in range(0, len(X), 17):
        alone = _outputs(model, X.iloc[[i]])
        assert np.abs(alone[0] - whole[i]).max() <= 1e-9 * scale
    with tempfile.TemporaryDirectory() as folder:
        again = automl.load(model.save(f"{folder}/bundle"))
    assert np.array_equal(_outputs(again, X), whole)
    return True


def test_any_table_ends_in_an_error_or_a_model():
    """Predictions are finite, and the same alone, shuffled and after a reload."""
    made = []

    @settings(max_examples=12, **PROFILE)
    @given(table=tables())
    def examples(table):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AutoMLWarning)
            made.append(_keeps_its_promises(*table))

    examples()
    assert sum(made) >= 4  # else nothing was held


@pytest.mark.slow
@settings(max_examples=400, **PROFILE)
@given(table=tables())
def test_many_tables_end_in_an_error_or_a_model(table):
    """The same, for more tables."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AutoMLWarning)
        _keeps_its_promises(*table)
