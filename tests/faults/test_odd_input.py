"""Data that are odd, but can be used, give a model; what was decided is said."""

from __future__ import annotations

import contextlib
import datetime as dt
import resource
import subprocess
import sys
import textwrap
import warnings
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import automl
from automl.exceptions import AutoMLWarning
from automl.table import make_table
from tests.faults.bad_kit import N_ROWS, Y, fit, table

NUMBERS = np.random.default_rng(1).normal(size=N_ROWS)
THIRD = np.arange(N_ROWS) % 7 % 3
WORDS = np.array(["red", "green", "blue"], dtype=object)[THIRD]
DAYS = pd.date_range("2020", periods=N_ROWS, freq="31h")


@contextlib.contextmanager
def warned(*codes):
    """Hold that these warnings of the library come, each once, and no other."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    assert [w.category for w in caught] == [AutoMLWarning] * len(codes), [
        str(w.message) for w in caught
    ]
    assert sorted(w.message.code for w in caught) == sorted(codes)


def predicts(model, X, n_rows=N_ROWS):
    """Hold that a model predicts these rows as it must."""
    predicted = model.predict(X)
    assert len(predicted) == n_rows
    if model.task_ == "regression":
        assert np.isfinite(predicted).all()
        return
    assert set(predicted) <= set(model.classes_)
    shares = model.predict_proba(X)
    assert shares.shape == (n_rows, len(model.classes_))
    assert np.abs(shares.sum(axis=1) - 1).max() < 1e-6


def noted(model, *words):
    """Hold that one of the notes has all of these words."""
    assert any(all(w in note for w in words) for note in model.notes_), model.notes_


# --------------------------------------------------------------------- rows and target


@pytest.mark.parametrize(
    ("n_rows", "task"),
    [(2, "regression"), (3, "regression"), (9, "regression"), (10, "regression"),
     (6, "binary"), (9, "binary"), (10, "binary")],
)  # fmt: skip
def test_d02_few_rows_fit_with_a_warning(n_rows, task):
    """Fewer than ten rows give a model and a warning that nothing is known of it."""
    y = np.arange(n_rows) // (n_rows / 2) if task == "binary" else np.arange(n_rows) / 7
    with warned(*["W-few-rows"] * (n_rows < 10)):
        model = fit(table(n_rows), y, task=task)
    predicts(model, table(n_rows), n_rows)
    assert any("too few" in n for n in model.notes_) == (n_rows < 10)


@pytest.mark.parametrize(
    "gap", [np.nan, None, pd.NA, pd.NaT], ids=["nan", "none", "na", "nat"]
)
def test_d04_rows_without_a_target_are_left_out_if_asked(gap):
    """The rows are counted, and everything that goes by rows goes with them."""
    y = pd.Series(["yes", "no"] * (N_ROWS // 2), dtype=object)
    y[[3, 8, 20]] = gap
    splits = [(np.arange(30), np.arange(30, N_ROWS))]
    model = fit(
        table(), y, drop_missing_target=True, cv=splits, groups=np.arange(N_ROWS),
        sample_weight=np.r_[0, np.ones(N_ROWS - 1)],
    )  # fmt: skip
    noted(model, "3 of 60 rows have no target")
    noted(model, "1 rows of weight zero")
    assert len(model.trials_[0].folds) == 1
    predicts(model, table())


def test_d06_a_constant_number_is_predicted():
    """A regression whose target never changes is a constant, with a warning."""
    with warned("W-constant-target"):
        model = fit(table(), np.full(N_ROWS, 2.5), task="regression")
    assert model.predict(table()) == pytest.approx(2.5)
    noted(model, "has one value")


@pytest.mark.parametrize("cv", ["auto", 1, 3])
def test_d07_d08_a_rare_class_has_its_column_everywhere(cv):
    """A class of one row trains only; probabilities have a column for it."""
    y = np.array(["a", "b"] * (N_ROWS // 2), dtype=object)
    y[7] = "rare"
    with warned("W-lonely-class"):
        model = fit(table(), y, cv=cv)
    assert model.classes_.tolist() == ["a", "b", "rare"]
    predicts(model, table())
    noted(model, "1 class", "only ever trained on")


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (Y * 1.0, [0.0, 1.0]),
        (Y == 1, [False, True]),
        (Y.astype(str), ["0", "1"]),
        (pd.Categorical(Y, [0, 1, 7]), [0, 1]),
        (pd.Categorical(np.where(Y, "b", "a"), ["z", "b", "a"]), ["a", "b"]),
        (pd.Series(Y, dtype="Int8"), [0, 1]),
        (pd.Series(Y == 1, dtype="boolean"), [False, True]),
        (pd.Series(np.where(Y, "b", "a"), dtype="string"), ["a", "b"]),
        (pd.Series(Y, dtype=pd.ArrowDtype(pa.int64())), [0, 1]),
        (Y - 5, [-5, -4]),
    ],
    ids=["float", "truth", "text", "category", "words", "nullable", "truths", "string",
         "arrow", "negative"],
)  # fmt: skip
def test_d10_the_task_is_told_from_the_target(y, classes):
    """Two values are two classes, whatever they are written as; the reason is said."""
    model = fit(table(), y)
    assert model.task_ == "binary"
    assert model.classes_.tolist() == classes
    predicts(model, table())
    assert model.facts_["run"]["task_reason"]


def test_d11_a_column_vector_is_read_with_a_warning():
    """As scikit-learn reads it."""
    from sklearn.exceptions import DataConversionWarning

    with pytest.warns(DataConversionWarning, match="column-vector"):
        model = fit(table(), Y.reshape(-1, 1))
    predicts(model, table())


# ------------------------------------------------------------------------------ columns


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
    "D24-long code": ["x" * 10_000_000, *WORDS[1:]],
    "D24-long text": ["word " * 2_000_000,
                      *[f"some words are here {i}" for i in range(N_ROWS - 1)]],
}  # fmt: skip


@pytest.mark.parametrize("case", ODD_COLUMNS)
def test_odd_columns_give_a_model(case, tmp_path):
    """Cells of any type that have a value are read; report and bundle hold them."""
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
    model.report(tmp_path / "report.html")
    again = automl.load(model.save(tmp_path / "bundle"))
    np.testing.assert_array_equal(model.predict_proba(X), again.predict_proba(X))


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


@pytest.mark.parametrize("case", NAMES)
def test_d17_any_names_serve(case, tmp_path):
    """Whatever columns are called, they are found again; reports write them escaped."""
    X = table().set_axis(NAMES[case], axis=1)
    model = fit(X, Y)
    predicts(model, X)
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


@pytest.mark.parametrize("case", INDEXES)
def test_d18_the_index_says_nothing(case):
    """Rows are told by place: any index gives the same predictions."""
    X, y = table(), pd.Series(Y)
    expected = fit(X, y).predict_proba(X)
    odd = X.set_axis(INDEXES[case], axis=0)
    model = fit(odd, y.set_axis(range(N_ROWS)[::-1]))
    np.testing.assert_array_equal(model.predict_proba(odd), expected)
    assert odd.index.equals(X.set_axis(INDEXES[case], axis=0).index)


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


# ------------------------------------------------------------------------------ repeats


def test_d27_copies_of_rows_stay_on_one_side():
    """With half of the rows copied, labels by chance are not learnt by heart."""
    rng = np.random.default_rng(0)
    once = pd.DataFrame(rng.normal(size=(300, 4)))
    X = pd.concat([once, once], ignore_index=True)
    y = np.tile(rng.integers(0, 2, 300), 2)
    model = fit(X, y, candidates=["k_nearest", "lightgbm"], n_trials=4)
    noted(model, "50% of the rows are copies")
    assert "copies" in model.facts_["run"]["cv"]
    assert model.best_score_ < 0.65  # 1.0 if copies train


def test_d27_equal_rows_of_few_values_are_no_copies():
    """Where rows are equal by chance, folds are as always."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.integers(0, 3, (500, 4)))
    assert X.duplicated().mean() > 0.5
    made = make_table(X, rng.integers(0, 2, 500))
    assert made.copies is None


def test_d27_copies_of_columns_are_left_out():
    """The first of two columns with the same cells is used; the other is listed."""
    X = table()
    X["again"], X["tone"] = X["size"], X["colour"]
    model = fit(X, Y)
    noted(model, "'again' is left out: the same as column 'size'")
    noted(model, "'tone' is left out: the same as column 'colour'")
    without = X.assign(again=0.0, tone="new")
    np.testing.assert_array_equal(model.predict_proba(X), model.predict_proba(without))


LEAKS = {
    "copy": (Y, Y),
    "other words": (np.where(Y, "yes", "no"), Y),
    "scaled": (NUMBERS * 3 - 1, NUMBERS),
    "date": (pd.Timestamp("2020") + pd.to_timedelta(np.arange(N_ROWS) ** 2, "D"),
             np.arange(N_ROWS) ** 2 / 7),
    "finer": (np.where(Y, "b", np.where(np.arange(N_ROWS) % 4, "a", "c")), Y),
    "three": (np.array([5, 9, 2])[np.arange(N_ROWS) % 3], np.arange(N_ROWS) % 3),
    "with gaps": (np.where(Y, np.nan, np.arange(N_ROWS) % 4), Y),
}  # fmt: skip


@pytest.mark.parametrize("case", LEAKS)
def test_d28_a_column_that_is_the_target_is_warned_of(case):
    """The column is named, in a warning and in the notes."""
    column, y = LEAKS[case]
    with warned("W-leak"):
        model = fit(table(leak=column), y)
    noted(model, "'leak'", "target")


def test_d28_no_other_column_is_warned_of():
    """Neither a good column, nor one with a value for each row."""
    with warned():
        fit(table(good=Y + NUMBERS / 3), Y)
        fit(table(good=NUMBERS), NUMBERS + np.random.default_rng(5).normal(size=N_ROWS))


@pytest.mark.parametrize(
    "column",
    [np.arange(N_ROWS), np.arange(1, N_ROWS + 1), [f"k{i}" for i in range(N_ROWS)]],
    ids=["from 0", "from 1", "codes"],
)
def test_d28_identifiers_are_left_out_with_a_warning(column):
    """Row numbers and codes of rows are no features."""
    with warned("W-id"):
        model = fit(table(row=column), Y)
    noted(model, "'row' is left out")


# ------------------------------------------------------------------ groups, time, folds


def test_d30_fewer_groups_than_folds_make_fewer_folds():
    """With a warning; a group is never on both sides."""
    with warned("W-folds"):
        model = fit(table(), Y, groups=np.arange(N_ROWS) // 20, cv=5)
    assert len(model.trials_[0].folds) == 3
    noted(model, "3 folds instead of 5", "groups")


def test_d31_rows_are_ordered_by_time_and_ties_stay_together():
    """Unsorted moments are sorted; rows of one moment are on one side."""
    rng = np.random.default_rng(0)
    moments = rng.permutation(np.arange(N_ROWS) // 5)
    made = make_table(table(), Y, time=moments)
    from automl.folds import make_folds

    folds = make_folds(made.y, cv=4, stratify=True, groups=None, time=made.time,
                       random_state=0)  # fmt: skip
    for train, test in folds.splits:
        assert moments[train].max() < moments[test].min()
    model = fit(table(), Y, time=moments, cv=4)
    predicts(model, table())


@pytest.mark.parametrize("cv", [40, 1000])
def test_d36_more_folds_than_rows_are_reduced(cv):
    """With a warning and a note that say how many there are."""
    y = np.arange(30) / 7
    with warned("W-folds"):
        model = fit(table(30), y, cv=cv)
    assert len(model.trials_[0].folds) == 30
    noted(model, f"30 folds instead of {cv}", "rows")


# ------------------------------------------------------------------------------- arrays


def _read_only(A):
    A = A.copy()
    A.flags.writeable = False
    return A


LAYOUTS = {
    "read-only": _read_only,
    "fortran": np.asfortranarray,
    "big-endian": lambda A: A.astype(">f8"),
    "strided": lambda A: np.repeat(np.repeat(A, 2, axis=0), 3, axis=1)[::2, ::3],
    "backwards": lambda A: A[::-1].copy()[::-1],
    "float32": lambda A: A.astype(np.float32),
    "masked": lambda A: np.ma.masked_array(A, mask=A > 2),
}


@pytest.mark.parametrize("case", [*LAYOUTS, "memmap"])
def test_d32_arrays_of_any_layout(case, tmp_path):
    """They fit, and their bytes stay as they were."""
    A = np.random.default_rng(0).normal(size=(N_ROWS, 4))
    if case == "memmap":
        np.save(tmp_path / "a.npy", A)
        given = np.load(tmp_path / "a.npy", mmap_mode="r")
    else:
        given = LAYOUTS[case](A)
    before = bytes(np.asarray(given).tobytes())
    model = fit(given, Y)
    predicts(model, given)
    assert np.asarray(given).tobytes() == before


CONTAINERS = {
    "lists": lambda X: X.to_numpy().tolist(),
    "tuples": lambda X: list(map(tuple, X.to_numpy())),
    "mapping": lambda X: X.to_dict("list"),
    "mappings": lambda X: X.to_dict("records"),
    "records": lambda X: X.to_records(index=False),
    "objects": lambda X: X.to_numpy(dtype=object),
    "polars": pl.from_pandas,
    "arrow": pa.Table.from_pandas,
    "own class": type("Mine", (pd.DataFrame,), {}),
}


@pytest.mark.parametrize("case", CONTAINERS)
def test_d33_d34_tables_of_other_kinds_are_read(case):
    """As the DataFrame of the same cells; subclasses, too."""
    X = table()
    expected = fit(X, Y).predict_proba(X)
    given = CONTAINERS[case](X)
    model = fit(given, Y)
    np.testing.assert_allclose(model.predict_proba(given), expected, atol=1e-12)


def test_d35_changes_of_the_data_during_the_fit_do_not_matter():
    """The table is read once: what the caller does to it later is not seen."""
    X, y, weights = table(), Y.copy(), np.linspace(0.5, 1.5, N_ROWS)
    expected = fit(X, y, sample_weight=weights).predict_proba(X)

    def spoil(_snapshot):
        X.iloc[:, :2] = 0.0
        y[:] = 0
        weights[:] = 0

    model = fit(X, y, sample_weight=weights, callback=spoil)
    assert (X["size"] == 0).all()
    np.testing.assert_array_equal(model.predict_proba(table()), expected)


def test_the_peak_is_known():
    """`ru_maxrss` is in KiB here, which the test of ten million rows relies on."""
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 50_000
