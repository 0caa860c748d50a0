"""Files become tables, and what cannot be read is named."""

import gzip
import re
import sys
from pathlib import Path

import pandas as pd
import pytest

from automl.cli import reading
from automl.exceptions import AutoMLDataError


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


def test_text_is_guarded_and_numbers_are_not(tmp_path):
    """What a spreadsheet would run gets a quote in front; numbers stay numbers."""
    path = tmp_path / "a.csv"
    cells = ["=1+1", "+a", "-a", "@a", "\ta", "-1", "a"]
    reading.write_csv(pd.DataFrame({"t": cells, "n": range(-7, 0)}), path)

    assert pd.read_csv(path)["n"].tolist() == list(range(-7, 0))
    guarded = ["'" + c for c in cells[:5]]
    assert pd.read_csv(path)["t"].tolist() == [*guarded, *cells[5:]]
