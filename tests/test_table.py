"""Data are checked once, and never changed."""

import io
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from automl.exceptions import AutoMLConfigError, AutoMLDataError
from automl.table import make_table, warn_of_notes
from automl.testset import numbers_of_target
from tests.data import small_table

X, Y = small_table()
N = len(Y)


def test_the_callers_data_are_neither_changed_nor_shared():
    """Later changes of X, y, weights or time do not reach the table."""
    frame, y = X.copy(), Y * 1.5 + np.arange(N)
    arrays = [y, np.ones(N), np.arange(N) * 1.0]
    before = [a.copy() for a in arrays]
    table = make_table(frame, y, sample_weight=arrays[1], time=arrays[2])
    pd.testing.assert_frame_equal(frame, X)
    for array, kept in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, kept)
        array[:] = -1
    np.testing.assert_array_equal(table.y, before[0])
    np.testing.assert_array_equal(table.sample_weight, before[1])
    np.testing.assert_array_equal(table.time, before[2])


@pytest.mark.parametrize(
    ("y", "task", "classes"),
    [
        (pd.Series(Y, dtype="Int64"), "binary", [0, 1]),
        (pd.Series(Y, dtype="boolean"), "binary", [False, True]),
        (pd.DataFrame({"y": Y}), "binary", [0, 1]),
        (Y.astype(">i4"), "binary", [0, 1]),
        (Y.astype(str).tolist(), "binary", ["0", "1"]),
        (np.array(list("abc"))[np.arange(N) % 3], "multiclass", ["a", "b", "c"]),
        (pd.Categorical(Y, [0, 1, 2]), "binary", [0, 1]),
        (np.arange(N) / 7, "regression", None),
        ([f"{i / 7}" for i in range(N)], "regression", None),
    ],
)
def test_the_task_is_inferred(y, task, classes):
    """Nullable, text and categorical targets are as plain ones."""
    table = make_table(X, y)
    assert table.task == task
    assert (table.classes is None) == (classes is None)
    if classes is not None:
        assert table.classes.tolist() == classes
        assert table.classes.dtype.kind in "biO"


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        ({"X": None}, "E-type", "X is None"),
        ({"X": iter([1])}, "E-type", "must be a table"),
        ({"X": np.ones(N)}, "E-shape", "Expected 2D"),
        ({"X": X.iloc[:0]}, "E-empty", "0 sample"),
        ({"X": X.iloc[:, :0]}, "E-empty", "0 feature"),
        ({"X": X.iloc[:1], "y": Y[:1]}, "E-too-few", "at least 2 rows"),
        ({"X": X.set_axis(["a", "a"], axis=1)}, "E-duplicate-columns", "more than"),
        ({"X": np.zeros((N, 2))}, "E-no-features", "No column can be used"),
        ({"y": None}, "E-target-missing", "y is None"),
        ({"y": "gone"}, "E-target-missing", "not in the table"),
        ({"y": Y[1:]}, "E-length", "X has 30 rows and y has 29"),
        ({"y": [np.nan, *Y[1:]]}, "E-target-missing", "contains NaN"),
        ({"y": [np.inf, *range(1, N)]}, "E-target-inf", "contains infinity"),
        (
            {"y": [np.inf, *Y[1:]], "task": "classification"},
            "E-target-inf",
            "contains infinity",
        ),
        ({"y": [1, "1"] * 15}, "E-target-mixed", "mixes types"),
        ({"y": np.c_[Y, Y]}, "E-multioutput", "1d array"),
        ({"y": Y * 1j}, "E-type", "Complex"),
        ({"y": np.array([b"a", b"b"] * 15)}, "E-target-type", "type bytes"),
        ({"y": iter(Y)}, "E-type", "column of values"),
        ({"y": [[1], [1, 2]] * 15}, "E-type", "cannot be read"),
        ({"y": np.zeros(N)}, "E-one-class", "one class|1 class"),
        ({"y": [f"w{i}" for i in range(N)]}, "E-target-id-like", "class of its own"),
        ({"y": pd.date_range("2020", periods=N)}, "E-target-type", "dates"),
        ({"y": ["a", "b"] * 15, "task": "regression"}, "E-target-type", "numbers"),
        ({"y": np.arange(N) / 7, "task": "multiclass"}, "E-target-type", "continuous"),
        ({"groups": [1]}, "E-groups", "groups has 1 values"),
        ({"groups": ["a", None] * 15}, "E-groups", "missing"),
        ({"groups": "gone"}, "E-groups", "names no column"),
        ({"groups": np.ones((N, 2))}, "E-groups", "1d array"),
        ({"time": [1]}, "E-time", "time has 1 values"),
        ({"time": ["never"] * N}, "E-time", "no dates"),
        ({"sample_weight": [1]}, "E-weight", "has 1 values"),
        ({"sample_weight": ["a"] * N}, "E-weight", "must hold numbers"),
        ({"sample_weight": np.zeros(N)}, "E-weight", "not all zero"),
        ({"sample_weight": np.ones((N, 1))}, "E-weight", "1D array"),
    ],
)
def test_data_that_cannot_be_used_are_refused(given, code, message):
    """One sentence, with a code for programs."""
    if code == "E-one-class":
        given = given | {"task": "classification"}
    with pytest.raises(AutoMLDataError, match=message) as caught:
        make_table(**({"X": X, "y": Y} | given))
    assert caught.value.code == code


@pytest.mark.parametrize(
    "beside", [{"groups": [None, *"ab" * 14, "c"]}, {"time": [None, *range(1, N)]}]
)
@pytest.mark.parametrize(
    "left_out",
    [
        {"sample_weight": np.arange(N)},
        {"y": [np.nan, *Y[1:]], "drop_missing_target": True},
    ],
)
def test_a_row_that_is_left_out_needs_no_group_or_moment(beside, left_out):
    """Neither is read of it; of the others, the first without one is told of."""
    table = make_table(**({"X": X, "y": Y} | beside | left_out))
    assert table.n_rows == N - 1
    name = next(iter(beside))
    holed = [*beside[name][:5], None, *beside[name][6:]]
    with pytest.raises(AutoMLDataError, match="has 1 ") as caught:
        make_table(**({"X": X, "y": Y, name: holed} | left_out))
    assert caught.value.rows == (5,)


@pytest.mark.parametrize(
    ("task", "y", "message"),
    [
        ("guess", Y, "is unknown"),
        ("binary", np.arange(N) % 3, "has 3 classes. Use task='multiclass'"),
        ("multiclass", np.arange(N) % 2, "has 2 classes. Use task='binary'"),
    ],
)
def test_a_task_that_does_not_suit_is_refused(task, y, message):
    """So is one that nobody knows."""
    with pytest.raises(AutoMLConfigError, match=message):
        make_table(X, y, task=task)


def test_sparse_targets_are_refused_and_column_vectors_read():
    """With scikit-learn's own warning."""
    from scipy.sparse import csr_array
    from sklearn.exceptions import DataConversionWarning

    with pytest.raises(AutoMLDataError, match="Sparse target"):
        make_table(X, csr_array(np.eye(2)))
    with pytest.warns(DataConversionWarning, match="column-vector"):
        assert make_table(X, Y.reshape(-1, 1)).n_classes == 2


@pytest.mark.parametrize(
    "make", [pl.Series, pa.array, lambda v: pa.chunked_array([v]), pd.Categorical]
)
def test_targets_of_other_libraries_are_read(make):
    """A column of polars or Arrow is one like any other."""
    assert make_table(X, make(["a", "b"] * 15)).classes.tolist() == ["a", "b"]


def test_a_table_that_is_still_to_be_read_is_refused():
    """How to read it is said, whatever the library warns of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(AutoMLDataError, match=r"X\.collect\(\)"):
            make_table(pl.from_pandas(X).lazy(), Y)


def test_columns_may_be_named_by_numbers_and_pairs():
    """A table without a header has them; target, groups and weights are found."""
    frame = pd.DataFrame({i: np.arange(30.0) * (i + 1) % 7 for i in range(5)})
    table = make_table(frame, 4, groups=3, sample_weight=2)
    assert (table.target, [c.name for c in table.columns]) == ("4", [0, 1])
    assert table.sample_weight is not None
    pairs = frame.set_axis(pd.MultiIndex.from_product([["a"], range(5)]), axis=1)
    assert len(make_table(pairs, ("a", 4)).columns) == 4


def test_weights_may_be_a_column():
    """It is no feature then; a name that is none is refused, an index explained."""
    table = make_table(X.assign(w=np.arange(N)), Y, sample_weight="w")
    assert table.sample_weight.tolist() == list(range(1, N))
    assert "w" not in [c.name for c in table.columns]
    with pytest.raises(AutoMLDataError, match="names no column") as caught:
        make_table(X, Y, sample_weight="w")
    assert caught.value.code == "E-weight"
    day = X.set_index(pd.date_range("2024", periods=N, name="day"))
    with pytest.raises(AutoMLDataError, match="It is the index"):
        make_table(day, Y, time="day")


@pytest.mark.parametrize("module", ["polars", "pyarrow"])
def test_tables_of_other_libraries_are_read(module):
    """Words, dates and missing cells come through."""
    library = pytest.importorskip(module)  # not needed by us: users bring them
    days = [d.date() for d in pd.date_range("2020", periods=N)]
    data = {"word": ["a", None] * 15, "day": days}
    frame = (library.DataFrame if module == "polars" else library.table)(data)
    table = make_table(frame, Y)
    assert [c.kind for c in table.columns] == ["category", "date"]
    assert [c.name for c in table.columns] == ["word", "day"]
    turned = frame.select(["day", "word"])
    pd.testing.assert_frame_equal(table.encoder.transform(turned), table.X)


def test_a_polars_table_needs_no_arrow(monkeypatch):
    """Its own conversion asks for it; without, columns are taken one by one."""
    polars = pytest.importorskip("polars")

    def absent(*_, **__):
        raise ModuleNotFoundError("pyarrow")

    monkeypatch.setattr(polars.DataFrame, "to_pandas", absent)
    frame = polars.DataFrame({"word": ["a", None] * 15, "size": [1.5, 2.5, None] * 10})
    table = make_table(frame, Y)
    assert [(c.name, c.kind) for c in table.columns] == [
        ("word", "category"),
        ("size", "number"),
    ]
    moments = pd.date_range("2024-06-01", periods=N, tz="Europe/Berlin", unit="us")
    zoned = make_table(polars.DataFrame({"day": moments.to_pydatetime().tolist()}), Y)
    plain = make_table(pd.DataFrame({"day": moments}), Y)
    pd.testing.assert_frame_equal(zoned.X, plain.X)


@pytest.mark.parametrize(
    "names",
    [
        pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")]),
        [None, "x"],
        [np.nan, "x"],
        [1, "x"],
        ["", "<script>"],
    ],
)
def test_any_names_of_columns_are_found_again(names):
    """Even NaN, which is not equal to itself."""
    frame = X.set_axis(names, axis=1)
    table = make_table(frame, Y)
    again = table.encoder.transform(frame.copy().set_axis(list(names), axis=1))
    pd.testing.assert_frame_equal(again, table.X)


def test_arrays_of_any_layout_are_read_and_left_alone():
    """Read-only, Fortran, strided, big-endian."""
    A = np.random.default_rng(0).normal(size=(N, 4))
    for array in (np.asfortranarray(A), A[::-1, ::2], A.astype(">f8")):
        array.flags.writeable = False
        np.testing.assert_array_equal(make_table(array, Y).X, array)


def test_columns_may_be_named_and_rows_of_weight_zero_are_left_out():
    """Target and groups are no features."""
    frame = X.assign(y=Y, g=np.arange(N) // 3)
    weights = np.r_[0, np.ones(N - 1)]
    table = make_table(frame, "y", groups="g", sample_weight=weights)
    assert [c.name for c in table.columns] == ["size", "colour"]
    assert (table.target, table.n_rows, table.kept.tolist()[0]) == ("y", N - 1, 1)


def test_days_may_stay_together_and_the_past_before_the_future():
    """One column has both, the groups and the time, and is no feature then."""
    frame = X.assign(day=pd.date_range("2024-01-01", periods=N).to_numpy())
    table = make_table(frame, Y, groups="day", time="day")
    assert [c.name for c in table.columns] == ["size", "colour"]
    assert table.time is not None
    assert table.groups is not None


def test_a_clock_of_another_zone_is_no_copy():
    """The moments are the same, the hours of the day are not."""
    moments = pd.date_range("2024-01-01", periods=N, freq="7h", tz="UTC")
    frame = pd.DataFrame({"here": moments, "there": moments.tz_convert("Asia/Tokyo")})
    assert [c.used for c in make_table(frame, Y).columns] == [True, True]


def test_row_numbers_serve_if_there_is_nothing_else():
    """A model is better than none."""
    assert make_table(np.arange(N).reshape(-1, 1), Y).ids("number") == ["f0"]


def test_few_rows_are_warned_of():
    """Nothing can be said of quality."""
    table = make_table(X[:5], np.arange(5) / 7)
    with pytest.warns(UserWarning, match="too few"):
        warn_of_notes(table)


def test_fractions_are_no_classes():
    """Learners refuse fractional labels, so they are refused before the search."""
    rows = [[float(i)] for i in range(20)]
    assert make_table(rows, [0.5, 1.0] * 10).task == "regression"
    with pytest.raises(AutoMLDataError, match="Unknown label type: continuous"):
        make_table(rows, [0.5, 1.0] * 10, task="classification")


def test_durations_are_the_same_after_a_file():
    """Pandas writes them in words, which are read as seconds again."""
    frame = pd.DataFrame({"took": pd.to_timedelta(np.arange(N) * 977 - 99, unit="s")})
    written = pd.read_csv(io.StringIO(frame.to_csv(index=False)))
    table = make_table(frame, Y)
    pd.testing.assert_frame_equal(table.encoder.transform(written), table.X)
    pd.testing.assert_frame_equal(make_table(written, Y).X, table.X)


@pytest.mark.parametrize(
    ("bad", "task", "message"),
    [
        (np.nan, "auto", "the first in row 5"),
        (np.inf, "regression", "contains infinity"),
        (np.inf, "classification", "contains infinity"),
        ("much", "regression", "must hold numbers"),
    ],
)
def test_rows_at_fault_are_those_of_the_caller(bad, task, message):
    """Rows that were left out before them count."""
    y = pd.Series(
        np.arange(N, dtype=float) % 7, dtype=object if bad == "much" else None
    )
    y[5] = bad
    weights = np.r_[0.0, 0.0, np.ones(N - 2)]
    with pytest.raises(AutoMLDataError, match=message) as caught:
        make_table(X, y, task=task, sample_weight=weights)
    assert caught.value.rows == (5,)


def test_a_target_of_numbers_with_commas_is_numbers():
    """As it would be in a column: a spreadsheet's 45,000 is no name of a class."""
    y = [f"{v:,}" for v in 45_000 + 125 * np.arange(N)]
    table = make_table(X, y)
    assert table.task == "regression"
    assert table.y.tolist() == (45_000.0 + 125 * np.arange(N)).tolist()
    assert numbers_of_target(y).tolist() == table.y.tolist()
    assert make_table(X, ["1,5", "2,5"] * (N // 2)).task == "binary"


def test_names_of_what_stands_beside_the_features_are_no_cells():
    """A table of groups has a column of that name, which is nobody's to publish."""
    frame = pd.DataFrame({"a": np.arange(30.0), "name": [f"p{i}" for i in range(30)]})
    y = pd.Series(np.arange(30.0), name="y")
    table = make_table(frame[["a"]], y, groups=frame[["name"]])
    assert table.beside == ("y",)
    assert make_table(frame, y, groups="name").beside == ("y", "name")
