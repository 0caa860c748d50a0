"""Files become tables, and what cannot be read is named."""

import gzip
import os
import re
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from automl.bundle.schema import describe_table
from automl.cli import reading, writing
from automl.exceptions import AutoMLDataError
from automl.table import make_table


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A small file in the working directory."""
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame({"age": [30, 40], "note": ["a,b", "c"], "y": ["no", "yes"]})
    frame.to_csv("data.csv", index=False)
    return frame


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("dta.csv", None, "Did you mean 'data.csv'?"),
        ("empty.csv", b"", "empty.csv is empty"),
        ("data.xlsx", b"x", "ending '.xlsx'"),
        ("latin.csv", "a,b\ngrün,1\n".encode("latin1"), "not in UTF-8"),
        ("ragged.csv", b"a,b\n1,2\n1,2,3\n", "cannot be read as a table"),
        ("plain.csv.gz", b"a,b\n1,2\n", "not compressed by gzip"),
        ("bad.parquet", b"PAR0", "cannot be read as Parquet"),
        (".", None, "is a folder"),
    ],
)
def test_unreadable_files_are_named(name, content, part):
    """A file that cannot be read is one sentence about that file."""
    if content is not None:
        Path(name).write_bytes(content)

    with pytest.raises(AutoMLDataError, match=re.escape(part)):
        reading.read_table(name)


@pytest.mark.usefixtures("data")
def test_parquet_needs_its_extra(monkeypatch):
    """Without pyarrow the sentence names what to install."""
    Path("data.parquet").touch()
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(AutoMLDataError, match=r"install .automl-pipelines\[parquet\]"):
        reading.read_table("data.parquet")


@pytest.mark.parametrize("name", ["a.tsv", "a.csv", "a.csv.gz", "a.parquet"])
def test_tables_are_read_from_all_formats(data, name):
    """The same table comes out of each format."""
    if name == "a.parquet":
        data.to_parquet(name)
    else:
        separator = "\t" if name == "a.tsv" else ";"
        text = data.to_csv(index=False, sep=separator).encode()
        Path(name).write_bytes(gzip.compress(text) if name.endswith("gz") else text)

    assert reading.read_table(name).to_csv() == data.to_csv()


def test_rows_that_end_in_a_separator_are_not_read_one_column_off(tmp_path):
    """An empty last cell is none of the table's; names of rows, as R has them, are."""
    path = tmp_path / "a.csv"
    path.write_text("y,a\n1,2,\n3,4,\n")
    assert reading.read_table(str(path)).to_dict("list") == {"y": [1, 3], "a": [2, 4]}
    path.write_text("y,a\nfirst,1,2\nsecond,3,4\n")
    assert reading.read_table(str(path)).to_dict("list") == {"y": [1, 3], "a": [2, 4]}
    path.write_text("y,a\nfirst,1,\nsecond,3,4\n")
    assert reading.read_table(str(path))["y"].tolist() == [1, 3]
    lines = "1,2,\n" * 98 + '1,"two\nthree\nlines",\n'  # open where the looking ends
    path.write_text(f"y,a\n{lines}")
    assert set(reading.read_table(str(path))["y"]) == {1}


def test_odd_files_are_read_as_pandas_reads_them(tmp_path):
    """Lines that end in CR alone, and a cell of many characters."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"y,a\r1,2\r3,4\r")
    assert reading.read_table(str(path)).to_dict("list") == {"y": [1, 3], "a": [2, 4]}
    path.write_text(f"y,a\n1,{'x' * 200_000}\n")
    assert reading.read_table(str(path)).shape == (1, 2)


@pytest.mark.parametrize("end", ["", "\n", "\n\n \n"])
def test_an_empty_line_of_a_single_column_is_a_missing_cell(end, tmp_path):
    """Each row is predicted; blank lines at the end of the file are none."""
    path = tmp_path / "a.csv"
    path.write_text(f'a\n1\n\n3\n""\nNA{end}')
    found = reading.read_table(str(path))["a"]
    np.testing.assert_array_equal(found, [1, np.nan, 3, np.nan, np.nan])
    path.write_text(f"a\n\nx \n\ny {end}")
    cells = reading.read_table(str(path))["a"].fillna("-").tolist()
    assert cells == ["-", "x ", "-", "y "]
    path.write_text(f"a,b\n1,2\n\n3,4{end}")  # no cells of two columns
    assert len(reading.read_table(str(path))) == 2


def test_columns_of_text_are_read_as_the_model_read_them(tmp_path):
    """A file whose cells look like numbers, flags or gaps holds the same levels."""
    columns = {
        "code": ["007", "Oslo"] * 15,
        "flag": ["TRUE", "unknown", "NA"] * 10,
        "store": [1.0, 2.0, np.nan] * 10,
        "day": ["2024-01-01", "2024-01-02"] * 15,
    }
    table = make_table(pd.DataFrame(columns), np.arange(30) % 2)
    model = SimpleNamespace(
        pipeline_=[table.encoder],
        schema=describe_table(table),
        feature_names_in_=list(columns),
    )
    path = tmp_path / "new.csv"
    path.write_text("store,flag,code,day\n1.0,NA,007,2024-01-02\n2,TRUE,,\n")
    frame = reading.read_table(str(path), model)
    found = table.encoder.transform(frame)
    expected = table.encoder.transform(
        pd.DataFrame(
            {
                "code": ["007", None],
                "flag": ["NA", "TRUE"],
                "store": [1.0, 2.0],
                "day": ["2024-01-02", None],
            }
        )
    )
    pd.testing.assert_frame_equal(found, expected)


def test_columns_that_were_counted_are_read_as_the_model_read_them(tmp_path):
    """A model of an array knows places: 007 there is no number either."""
    cells = np.array([["007", 1.5], ["Oslo", 2.5]] * 15, dtype=object)
    table = make_table(cells, np.arange(30) % 2)
    model = SimpleNamespace(
        pipeline_=[table.encoder], schema=describe_table(table), feature_names_in_=[]
    )
    path = tmp_path / "new.csv"
    path.write_text("code,size\n007,1.5\n008,2.5\n")
    found = table.encoder.transform(reading.read_table(str(path), model))
    expected = table.encoder.transform(
        np.array([["007", 1.5], ["008", 2.5]], dtype=object)
    )
    pd.testing.assert_frame_equal(found, expected)


def test_rows_of_a_tsv_file_are_separated_by_tabs(tmp_path):
    """The ending says so, to whoever reads it."""
    path = tmp_path / "a.tsv"
    writing.write_csv(pd.DataFrame({"a": [1], "b": ["x,y"]}), path)
    assert path.read_text() == "a\tb\n1\tx,y\n"


@pytest.mark.parametrize("name", ["a.parquet", "a.csv.gz", "a.xlsx"])
def test_a_name_of_another_kind_of_file_is_refused(name, tmp_path):
    """Text in it would be read by nobody."""
    with pytest.raises(AutoMLDataError, match="plain text is written"):
        writing.check_output(tmp_path / name)
    for fine in ("predictions", "a.csv.tmp", "a.2026-11-30"):
        writing.check_output(tmp_path / fine)
    writing.check_output(Path(os.devnull))


def test_a_device_or_a_link_is_written_to_and_not_replaced(tmp_path):
    """A pipe gets the rows, the file that a link names is written, both are there."""
    pipe, real, link = (tmp_path / name for name in ("pipe", "real.csv", "link.csv"))
    os.mkfifo(pipe)
    real.write_text("old")
    link.symlink_to(real)
    frame, got = pd.DataFrame({"a": [1]}), []
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()))
    reader.start()
    writing.write_csv(frame, pipe)
    reader.join(timeout=10)
    assert got == ["a\n1\n"]
    writing.write_csv(frame, link)
    assert link.is_symlink()
    assert real.read_text() == "a\n1\n"


def test_text_is_guarded_and_numbers_are_not(tmp_path):
    """What a spreadsheet would run gets a quote in front; numbers stay numbers."""
    path = tmp_path / "a.csv"
    cells = ["=1+1", "+a", "-a", "@a", "\ta", "-1", "a"]
    writing.write_csv(pd.DataFrame({"t": cells, "n": range(-7, 0)}), path)

    assert pd.read_csv(path)["n"].tolist() == list(range(-7, 0))
    guarded = ["'" + c for c in cells[:5]]
    assert pd.read_csv(path)["t"].tolist() == [*guarded, *cells[5:]]
