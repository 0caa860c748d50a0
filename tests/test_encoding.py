"""Raw cells become numbers, each by itself."""

import datetime as dt
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.bundle.rows import encode_rows
from automl.encoding import ColumnPlan, TableEncoder, as_frame, encode_column
from automl.encoding_cells import read_booleans
from automl.encoding_dates import read_dates
from automl.exceptions import AutoMLWarning
from automl.table import make_table

QUICK = settings(max_examples=80, deadline=None)
CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(allow_nan=False),
    st.text(st.characters() | st.sampled_from("\0\ud800"), max_size=4),
    st.sampled_from(["1,234", " 12 ", "?", "yes", "a", "2020-01-02", "1", 1, 1.0]),
    st.dates(),
    st.lists(st.integers(), max_size=2),
)
KINDS = ("number", "boolean", "category", "date", "text")
PLAN = tuple(
    ColumnPlan(kind, i, f"f{i}", kind, levels=("1", "a"))
    for i, kind in enumerate(KINDS)
)
ENCODER = TableEncoder(PLAN, columns=KINDS, named=True)


def frame_of(cells):
    """Return a table that holds these cells once for each kind."""
    column = pd.Series(cells, dtype=object, index=[7] * len(cells))
    return pd.DataFrame(dict.fromkeys(KINDS, column))


@QUICK
@given(cells=st.lists(CELLS, min_size=1, max_size=8), data=st.data())
def test_a_row_is_encoded_alike_in_any_company(cells, data):
    """One row is as in the batch, rows may be permuted, no unseen cell raises."""
    frame = frame_of(cells)
    encoded = ENCODER.transform(frame)
    assert encoded.index.equals(frame.index)
    assert [str(t) for t in encoded.dtypes] == ["float64"] * 4 + ["object"]
    assert all(isinstance(v, str) for v in encoded["f4"])
    alone = [ENCODER.transform(frame.iloc[[i]]) for i in range(len(cells))]
    pd.testing.assert_frame_equal(pd.concat(alone), encoded)
    order = data.draw(st.permutations(range(len(cells))))
    shuffled = ENCODER.transform(frame.iloc[order])
    pd.testing.assert_frame_equal(shuffled, encoded.iloc[order])


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("number", pd.Series([1, None], dtype="Int64"), [1, None]),
        ("number", pd.Series(pd.Categorical([1, 2, None])), [1, 2, None]),
        ("number", np.array([1, 2], dtype=">i4"), [1, 2]),
        ("number", np.array([np.inf, 1e308]), [None, 3e38]),
        ("number", [Decimal("1.5"), 10**400, "1e5"], [1.5, None, 1e5]),
        ("number", pd.to_timedelta([1, None], unit="s"), [1, None]),
        ("number", [dt.timedelta(seconds=2)], [2]),
        (
            "number",
            ["0 days 01:23:20", "-1 days +23:59:59.5", "2 days"],
            [5000, -0.5, 172800],
        ),
        ("number", ["300000 days 00:00:00", "1 day", "days"], [2.592e10, None, None]),
        ("number", [True, None, np.bool_(0)], [1, None, 0]),
        ("number", ["1,234", "0,125", "-12,000.5"], [1234, None, -12000.5]),
        ("boolean", pd.Series([True, None], dtype="boolean"), [1, None]),
        ("boolean", ["Yes", "f", "perhaps"], [1, 0, None]),
        ("category", [1.0, 1, "1", True, "new", None], [0, 0, 0, 2, 2, None]),
        ("category", pd.Series(pd.Categorical(["a", None])), [1, None]),
        ("date", pd.PeriodIndex(["1970-02", "NaT"], freq="M"), [2678400, None]),
        ("date", pd.DatetimeIndex(["1970-01-01 01:00+01:00"]), [0]),
        ("date", ["9999-12-31", dt.date(1, 1, 1)], [253402214400, -62135596800]),
        ("date", [5, "word"], [None, None]),
    ],
)
def test_cells_of_any_type_are_read(kind, values, expected):
    """What cannot be read as the kind is missing."""
    dtype = object if isinstance(values, list) else None
    plan = ColumnPlan("x", 0, "f0", kind, levels=("1", "a"))
    encoded = encode_column(pd.Series(values, dtype=dtype), plan)
    np.testing.assert_array_equal(encoded, np.array(expected, dtype=float))


def test_a_whole_number_is_one_level_however_it_is_written():
    """A column of numbers with gaps is written as 1.0; 007 is another code than 7."""
    plan = ColumnPlan("x", 0, "f0", "category", levels=("1", "7"))
    cells = pd.Series(["1.0", "1", "007", "7.0", "7.5"], dtype=object)
    assert encode_column(cells, plan).tolist() == [0, 0, 2, 1, 2]
    written = ColumnPlan("x", 0, "f0", "category", levels=("1.0", "v2"))
    cells = pd.Series([1.0, "1", "v2.0"], dtype=object)
    assert encode_column(cells, written).tolist() == [0, 0, 2]


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (np.ones(3), ValueError, "Expected 2D array, got 1D array"),
        (np.ones((2, 2)) * 1j, ValueError, "Complex data not supported"),
        ([[1, 2], [1]], ValueError, "differ in length"),
        ("text", TypeError, "must be a table"),
    ],
)
def test_what_is_no_table_is_refused(X, error, message):
    """One sentence says what was expected."""
    with pytest.raises(error, match=message):
        as_frame(X)


def test_sparse_input_and_unreadable_objects_are_refused():
    """So is what only pretends to be an array."""
    from scipy.sparse import csr_array

    class Broken:
        def __array__(self, *_args, **_kwargs):
            raise RuntimeError

    with pytest.raises(TypeError, match="Sparse input"):
        as_frame(csr_array(np.eye(2)))
    with pytest.raises(TypeError, match="cannot be read as an array"):
        as_frame(Broken())


def test_lists_of_mixed_rows_keep_their_types():
    """Numbers and missing cells are not written as text; masked ones are missing."""
    frame = as_frame([[1, "a"], [None, "b"]])
    assert frame[0].tolist()[0] == 1
    assert frame[0].isna().tolist() == [False, True]
    masked = np.ma.masked_equal([[1, 2]], 2)
    assert as_frame(masked).isna().to_numpy().tolist() == [[False, True]]


def test_columns_are_found_by_name_or_counted():
    """A missing one, a repeated one and another width are refused."""
    frame = frame_of(["1"])
    with pytest.raises(ValueError, match="yet now missing"):
        ENCODER.transform(frame.drop(columns="date"))
    with pytest.raises(ValueError, match="more than once"):
        ENCODER.transform(pd.concat([frame, frame["date"]], axis=1))
    with pytest.raises(ValueError, match="is expecting 5 features"):
        ENCODER.transform(np.ones((2, 3)))
    with pytest.warns(UserWarning, match="ignored"):
        ENCODER.transform(frame.assign(more=1))
    assert ENCODER.fit(frame).get_feature_names_out()[-1] == "f4"


@pytest.mark.parametrize("dtype", ["datetime64[ns, Asia/Tokyo]", "arrow"])
def test_moments_that_tell_no_zone_are_of_the_columns_own(dtype):
    """Stamps, objects and texts without a zone are read by the clock of fit."""
    stamps = pd.Series(pd.date_range("2020-01-01", periods=20, tz="Asia/Tokyo"))
    if dtype == "arrow":
        stamps = stamps.astype(pd.ArrowDtype(pa.timestamp("us", "Asia/Tokyo")))
    table = make_table(pd.DataFrame({"at": stamps}), np.arange(20) % 2)
    assert table.columns[0].plan.zone == "Asia/Tokyo"
    naive = pd.Series(pd.date_range("2020-01-01", periods=20))
    there = naive.dt.tz_localize("Asia/Tokyo")
    elsewhere = there.dt.tz_convert("UTC")
    bare = [naive, naive.astype(object), naive.astype(str)]
    for cells in (*bare, there, there.astype(str), elsewhere.astype(object)):
        found = table.encoder.transform(pd.DataFrame({"at": cells}))
        pd.testing.assert_frame_equal(found, table.X)


def test_hours_that_a_clock_shows_twice_or_never_are_read():
    """The later of two, and the end of a gap; dates at the ends of time as well."""
    cells = ["2020-10-25 02:30", "2020-03-29 02:30", "0001-01-01", "9999-12-31 23:59"]
    cells = pd.Series([*cells, "?"], dtype=object)
    west = encode_column(
        cells, ColumnPlan("x", 0, "f0", "date", zone="America/New_York")
    )
    assert np.isfinite(west[:4]).all()
    found = encode_column(cells, ColumnPlan("x", 0, "f0", "date", zone="Europe/Berlin"))
    assert found[:2].tolist() == [1603589400.0, 1585443600.0]
    assert np.isfinite(found[2:4]).all()
    assert np.isnan(found[4])


def test_a_flag_is_the_level_that_its_column_calls_true():
    """Where only TRUE and FALSE are left, pandas reads a file's words as flags."""
    plan = ColumnPlan("x", 0, "f0", "category", levels=("FALSE", "TRUE", "unknown"))
    assert encode_column(pd.Series([True, False]), plan).tolist() == [1, 0]
    mixed = pd.Series([True, "unknown", "true", None], dtype=object)
    np.testing.assert_array_equal(encode_column(mixed, plan), [1, 2, 3, np.nan])
    lower = ColumnPlan("x", 0, "f0", "category", levels=("false", "true", "unknown"))
    assert encode_column(pd.Series([True, False]), lower).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("cells", "warned"),
    [(["x", "y"], True), (["x", None, "y"], True), (["x", "a"], False), (["x"], False)],
)
def test_columns_without_a_single_known_level_are_warned_of(cells, warned):
    """One row may well be new; a batch of nothing else is written in another way."""
    encoder = make_table({"word": list("abcd") * 5}, np.arange(20) % 3).encoder
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        encode_rows(encoder, pd.DataFrame({"word": cells}))
        encode_rows(encoder, pd.DataFrame({"word": cells}), made_up=True)
    assert [w.message.code for w in caught] == ["W-unseen"] * warned
    assert all("'word': none of its 2 cells" in str(w.message) for w in caught)


COUNTED = pd.DataFrame(np.arange(60.0).reshape(20, 3) ** 2)


@pytest.mark.parametrize("fitted", [[0, 1, 2], [2, 1, 0], [0, 1, 5]])
@pytest.mark.parametrize("read", [TableEncoder.transform, encode_rows])
def test_columns_that_are_called_by_numbers_are_found_in_any_order(fitted, read):
    """Labels that only count tell columns apart; an array has places alone."""
    frame = COUNTED.set_axis(fitted, axis=1)
    encoder = make_table(frame, np.arange(20) % 2).encoder
    expected = read(encoder, frame)
    for order in ([2, 1, 0], [1, 2, 0]):
        mixed = frame.iloc[:, order]
        pd.testing.assert_frame_equal(read(encoder, mixed), expected)
    counted = frame[sorted(fitted)]
    pd.testing.assert_frame_equal(read(encoder, counted), expected)
    np.testing.assert_array_equal(read(encoder, frame.to_numpy()), expected)


@pytest.mark.parametrize("names", [["a", "b", "c"], [1, 2, 3], [0, "b", "c"]], ids=str)
def test_names_where_those_of_fit_only_counted_are_warned_of(names):
    """Nothing tells which column is which but its place, some equal labels neither."""
    encoder = make_table(COUNTED.to_numpy(), np.arange(20) % 2).encoder
    frame = COUNTED.set_axis(names, axis=1)
    with pytest.warns(AutoMLWarning, match="read by their place") as caught:
        found = encode_rows(encoder, frame)
    assert [w.message.code for w in caught] == ["W-names"]
    np.testing.assert_array_equal(found, COUNTED)


@pytest.mark.parametrize("cells", [[0, 1, 2], [0.0, 1.0, -1.0], [False, True, "2"]])
def test_a_number_that_is_no_truth_value_is_missing(cells):
    """As it is where it stands as text or beside a word: each cell is read alone."""
    column = pd.Series(cells, dtype=object if "2" in cells else None)
    assert read_booleans(column)[:2].tolist() == [0.0, 1.0]
    assert np.isnan(read_booleans(column)[2])


def test_text_that_may_be_two_days_is_no_date_where_no_format_is_known():
    """A model of time stamps reads what is written for all, and guesses nothing."""
    texts = ["2024-03-05", "25.03.2024", "05.03.2024", "March 5, 2024", "3/3/2024"]
    found = read_dates(pd.Series(texts, dtype=object), None)
    fifth, third = pd.Timestamp("2024-03-05"), pd.Timestamp("2024-03-03")
    assert np.isnan(found[2])
    assert found[[0, 3]].tolist() == [fifth.timestamp()] * 2
    assert found[1] == pd.Timestamp("2024-03-25").timestamp()
    assert found[4] == third.timestamp()
    ours = read_dates(pd.Series(["05.03.2024"], dtype=object), "%d.%m.%Y")
    assert ours.tolist() == [fifth.timestamp()]


@pytest.mark.parametrize("text", ["20240305T120000Z", "2024-03-05T12Z"])
def test_a_short_moment_in_utc_is_not_moved_to_the_clock_of_its_column(text):
    """It says its own zone, though without a colon."""
    found = read_dates(pd.Series([text], dtype=object), None, "Europe/Berlin")
    assert found.tolist() == [pd.Timestamp("2024-03-05 12:00").timestamp()]


def test_reading_days_of_a_known_format_leaves_filters_of_warnings_alone(monkeypatch):
    """They are those of all threads, and a pickled model has no lock for them."""
    monkeypatch.setattr("automl.encoding_dates.warnings", None)
    days = pd.Series(["2024-05-01", "2024-13-01", None], dtype=object)
    assert np.isfinite(read_dates(days, "%Y-%m-%d")).tolist() == [True, False, False]
    assert np.isfinite(read_dates(pd.to_datetime(days, errors="coerce"), None)).any()
    with pytest.raises(AttributeError):
        read_dates(pd.Series(["May 1st 2024"], dtype=object), None)
