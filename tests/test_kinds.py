"""A column's kind is read off its cells."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from automl.exceptions import AutoMLDataError
from automl.kinds import describe_column, find_date_format

N = 40


def kind_of(cells, name="x", dtype=object):
    """Return the kind of a column that repeats these cells."""
    return describe_column(
        pd.Series([*cells] * (N // len(cells)), dtype=dtype), name, 0
    )


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1,234", " 12 ", "NaN", "?", "1e5"], "number"),
        ([True, False, None], "boolean"),
        (["yes", "no"], "category"),
        ([1, "w", None], "category"),
        ([dt.timedelta(1), dt.timedelta(2)], "number"),
        ([dt.date(2020, 1, 1), dt.date(9999, 1, 2)], "date"),
        (["2020-01-02", "2020-03-04"], "date"),
        (["2010-2011", "2011-2012"], "category"),
        (["1-2", "3-4"], "category"),
        (["555-1234", "555-4321"], "category"),
        (["1.2.3", "10.4.3"], "category"),
        (["2010", "2011"], "number"),
        ([None], "constant"),
        (["same"], "constant"),
        (["", "a"], "category"),
        (["\0", "a\0b", "\0c"], "category"),
    ],
)
def test_objects_are_read_by_their_cells(cells, kind):
    """Codes that only look like dates are words."""
    assert kind_of(cells).kind == kind


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["2020-05-06", "2021-07-08"], "%Y-%m-%d"),
        (["05/06/2020", "07/08/2021"], "%m/%d/%Y"),
        (["05.06.2020", "17.08.2021"], "%d.%m.%Y"),
        (["2020/01/01", "2020/02/01"], "%Y/%m/%d"),
        (["2020.01.05 10:00", "2020.02.10 11:30"], "%Y.%m.%d %H:%M"),
        (["05-May-2020", "12-May-2020"], "%d-%b-%Y"),
        (["05-May-2020", "12-June-2020"], "%d-%B-%Y"),
        ([1, 2, 3, "2020-01-01"], None),
    ],
)
def test_dates_are_read_the_usual_way_round(texts, expected):
    """The day is never before the month after the year."""
    assert find_date_format(texts) == expected


DAYS = pd.date_range("2019-01-01 00:30", periods=N, freq="75h")


@pytest.mark.parametrize(
    "written",
    ["%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%d-%b-%y", "%m/%d/%Y %I:%M %p",
     "%m/%d/%Y %I:%M:%S %p"],
)  # fmt: skip
def test_dates_of_spreadsheets_are_dates(written):
    """Two digits of a year, names of months and halves of a day are read."""
    column = describe_column(pd.Series(DAYS.strftime(written)), "x", 0)
    assert (column.kind, column.plan.date_format) == ("date", written)
    exact = DAYS if "%p" in written else DAYS.normalize()
    assert column.high == exact[-1].timestamp()


@pytest.mark.parametrize(
    "texts",
    [["12/25", "1/2"], ["1.2.3", "10.4.12", "3.15.20"], ["10-4-12", "12-5-20"],
     ["A1-May-19", "B2-May-20"], ["10:30 AM", "11:45 PM"], ["12.5.2", "1.10.1"]],
)  # fmt: skip
def test_codes_are_no_dates_of_spreadsheets(texts):
    """Versions, scores and times of day only look like them."""
    assert find_date_format(texts * 20) is None


@pytest.mark.parametrize(
    "cell",
    [[1], {}, (1, 2), b"a", 1j, object(), len, int, pytest, iter([]), KeyError()],
)
def test_cells_that_are_no_values_are_refused(cell):
    """The type is named, never the cell."""
    with pytest.raises(AutoMLDataError, match="holds cells of type") as caught:
        describe_column(pd.Series([cell] * 3, dtype=object), "x", 0)
    assert (caught.value.code, caught.value.column) == ("E-cell-type", "x")


@pytest.mark.parametrize(
    ("name", "dropped"),
    [("user_id", True), ("userId", True), ("body_mass_index", False), ("bid", False)],
)
def test_whole_numbers_under_an_identifiers_name_are_left_out(name, dropped):
    """An index of body mass is a measure."""
    values = pd.Series(np.random.default_rng(0).permutation(1000)[:N])
    column = describe_column(values, name, 0)
    assert (column.kind == "identifier") is dropped
    assert column.used is not dropped
    assert describe_column(values, name, 0, keep_ids=True).used


def test_strings_of_their_own_are_identifiers_and_sentences_are_text():
    """One word names a row, several tell something."""
    codes = pd.Series([f"w{i}" for i in range(N)])
    assert describe_column(codes, "x", 0).reason.startswith("left out")
    assert describe_column("it is row " + codes, "x", 0).kind == "text"


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("这个产品很好用我非常喜欢它价格也便宜第{}次", "text"),
        ("この商品はとても使いやすくて気に入りました{}", "text"),
        ("สินค้านี้ใช้งานได้ดีมากฉันชอบมาก{}", "text"),
        ("京A{}", "identifier"),
        ("王小明{}", "identifier"),
        ("이상품은정말좋습니다{}", "identifier"),
    ],
)
def test_sentences_without_spaces_are_text_and_names_are_not(cell, kind):
    """Chinese, Japanese and Thai put no spaces between words; Korean does."""
    column = describe_column(pd.Series([cell.format(i) for i in range(N)]), "x", 0)
    assert column.kind == kind
    if kind == "text":
        assert column.reason == "mostly different, sentences without spaces"


def test_an_ordered_category_keeps_its_order():
    """Others are sorted; numbers are categories if the user says so."""
    words = pd.Categorical(["low", "mid", "high"], ["low", "mid", "high"], ordered=True)
    column = describe_column(pd.Series(words), "x", 0)
    assert column.plan.levels == ("low", "mid", "high")
    numbers = describe_column(pd.Series(pd.Categorical([2, 1])), "x", 0)
    assert (numbers.kind, numbers.plan.levels) == ("category", ("1", "2"))


def test_facts_are_of_the_values_as_read():
    """Infinity is missing."""
    column = describe_column(pd.Series([1.0, np.inf, 3.0]), "x", 2)
    assert (column.n_missing, column.n_distinct, column.id) == (1, 2, "f2")
    assert (column.low, column.high, column.name) == (1.0, 3.0, "x")
