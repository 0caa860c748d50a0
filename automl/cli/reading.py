"""Files to tables for the command.

Before the way of the data: what the library itself takes is a table in memory.
"""

from __future__ import annotations

import gzip
import importlib
import io
import re
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pandas as pd

from automl.exceptions import AutoMLDataError, suggestion

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl.bundle.predictor import Predictor

    _Types = Callable[[list[str]], tuple[dict[Any, type], dict[Any, list[str]] | None]]

__all__ = ["SEPARATORS", "read_table", "take_column"]

SEPARATORS = {".csv": None, ".txt": None, ".tsv": "\t"}
"""Endings of text files and what separates their cells; None is found by looking."""

PARQUET = (".parquet", ".pq")

LOOKED_AT = 100
"""Rows that say whether the last separator stands for nothing."""

TEXTUAL = ("category", "date", "text")
"""Kinds of columns that text is read as."""

TEXT_DTYPES = ("object", "str", "category", "large_string", "dictionary")
"""How the types of columns that hold text begin, as pandas and Arrow name them."""

MISSING = frozenset(
    ["", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND",
     "1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"]
)  # fmt: skip
"""What pandas takes for a missing cell by itself; it has no public list. A bundle's own
script, which stands without us, has the same one."""


def read_table(
    source: str,
    model: Predictor | None = None,
    like: pd.DataFrame | None = None,
    target: str | None = None,
) -> pd.DataFrame:
    """Return the table of a CSV, TSV or Parquet file.

    Parameters
    ----------
    source : str
        Path; text files may be compressed (``.gz``). ``-`` reads CSV from standard
        input.
    model : Predictor, default=None
        Whose columns of text are read as text, whatever this file's cells look like.
    like : DataFrame, default=None
        A table that `read_table` gave, whose columns of text are read as text.
    target : str, default=None
        Column of the truth: read as text where the model's classes are.

    Raises
    ------
    AutoMLDataError
        If the file is missing, empty, damaged or of another kind.
    """
    if model is None:
        return _read(source, lambda _: ({} if like is None else _texts(like), None))
    frame = _read(source, lambda names: _types(model, names, target))
    return frame.rename(columns={str(name): name for name in model.feature_names_in_})


def _read(source: str, types: _Types) -> pd.DataFrame:
    if source == "-":
        content = io.BytesIO(sys.stdin.buffer.read())
        return _read_text(content, None, "Standard input", types)
    path = Path(source)
    _check_file(path)
    ending = Path(path.stem if path.suffix == ".gz" else path.name).suffix.lower()
    if ending in PARQUET:
        return _read_parquet(path)
    if ending not in SEPARATORS:
        raise AutoMLDataError(
            f"{path.name} has the ending {ending!r}; .csv, .tsv, .txt (each also with "
            ".gz) or .parquet was expected.",
            code="E-file",
        )
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        return _read_text(file, SEPARATORS[ending], path.name, types)


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise AutoMLDataError(
            f"{path} is a folder; a CSV or Parquet file was expected.", code="E-file"
        )
    if path.exists():
        return
    beside = [p.name for p in path.parent.glob("*") if p.is_file()]
    hint = suggestion(path.name, beside).partition("Known:")[0].strip()
    raise AutoMLDataError(
        f"The file {path} does not exist. {hint}".strip(), code="E-file"
    )


def _read_text(
    file: IO[bytes] | Any, separator: str | None, name: str, types: _Types
) -> pd.DataFrame:
    try:
        head = file.readline()
        if not head.strip():
            raise AutoMLDataError(
                f"{name} is empty; a line of column names and rows were expected.",
                code="E-empty",
            )
        if separator is None:
            separator = _separator(head.decode("utf-8"))
        file.seek(0)
        names = list(pd.read_csv(file, sep=separator, nrows=0).columns)
        ends_empty = _ends_empty(file, separator, len(names))
        dtypes, missing = types(names)
        file.seek(0)
        if len(names) == 1:
            file = io.BytesIO(_without_blank_end(file.read()))
        found: pd.DataFrame = pd.read_csv(
            file, sep=separator, low_memory=False, dtype=dtypes, na_values=missing,
            keep_default_na=missing is None,
            skip_blank_lines=len(names) > 1,  # of one column they are cells
            # no names of rows, as R writes them, but a last separator
            index_col=False if ends_empty else None,
        )  # fmt: skip
    except UnicodeDecodeError:
        raise AutoMLDataError(
            f"{name} is not in UTF-8. Convert it: iconv -f latin1 -t utf-8 OLD > NEW.",
            code="E-file",
        ) from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, EOFError) as error:
        what = str(error).removeprefix("Error tokenizing data. ").strip()
        raise AutoMLDataError(
            f"{name} cannot be read as a table: {what}.", code="E-file"
        ) from None
    except gzip.BadGzipFile:
        raise AutoMLDataError(
            f"{name} ends in .gz and is not compressed by gzip.", code="E-file"
        ) from None
    return found


def _without_blank_end(text: bytes) -> bytes:
    r"""Return a file's text without the blank lines at its end.

    Examples
    --------
    >>> _without_blank_end(b"a\n\n1\n\n\n")
    b'a\n\n1\n'
    """
    kept = text.rstrip()
    return kept + b"".join(text[len(kept) :].splitlines(keepends=True)[:1])


def _ends_empty(file: IO[bytes] | Any, separator: str, n_names: int) -> bool:
    """Return whether all rows have one cell more than there are names, an empty one."""
    file.seek(0)
    try:
        rows = pd.read_csv(
            file, header=None, skiprows=1, nrows=LOOKED_AT, sep=separator, dtype=str,
            keep_default_na=False,
        )  # fmt: skip
    except (pd.errors.EmptyDataError, pd.errors.ParserError):
        return False
    return rows.shape[1] == n_names + 1 and bool((rows.iloc[:, -1] == "").all())


def _types(
    model: Predictor, names: list[str], target: str | None
) -> tuple[dict[Any, type], dict[Any, list[str]]]:
    """Return which columns are text, and what stands for a missing cell in each.

    Those that held text when the model was fitted: 007 is then no number, TRUE no
    flag, and NA may be a level. So may it be a class.
    """
    encoder = model.pipeline_[0]
    by_name = encoder.named or {str(p.name) for p in encoder.plan} <= set(names)
    place = dict(enumerate(names))
    was = {c["position"]: c["dtype"] for c in model.schema["columns"]}
    dtypes: dict[Any, type] = {}
    missing: dict[Any, list[str]] = {name: sorted(MISSING) for name in names}
    for plan in encoder.plan:
        name = str(plan.name) if by_name else place.get(plan.position)
        textual = plan.kind in TEXTUAL and was[plan.position].startswith(TEXT_DTYPES)
        if textual and name in missing:
            dtypes[name] = str
            missing[name] = sorted(MISSING - set(plan.levels))
    classes = list(getattr(model, "classes_", ()))
    if target in missing and classes and all(isinstance(c, str) for c in classes):
        dtypes[target] = str
        missing[target] = sorted(MISSING - set(classes))
    return dtypes, missing


def _texts(like: pd.DataFrame) -> dict[Any, type]:
    """Return the columns of a table that hold text.

    Examples
    --------
    >>> _texts(pd.DataFrame({"a": ["007", "x"], "b": [1, 2]}))
    {'a': <class 'str'>}
    """
    return {n: str for n in like if str(like[n].dtype).startswith(TEXT_DTYPES)}


def _separator(head: str) -> str:
    """Return what separates the names of a header.

    Examples
    --------
    >>> _separator('a;"b,c";d'), _separator("a,b;c"), _separator("a")
    (';', ',', ',')
    """
    bare = re.sub(r'"[^"]*"', "", head)
    return next((s for s in ",;\t|" if s in bare), ",")


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        importlib.import_module("pyarrow")
    except ImportError:
        raise AutoMLDataError(
            "Parquet files need one more package: "
            'pip install "automl-pipelines[parquet]".',
            code="E-parquet",
        ) from None
    try:
        return pd.read_parquet(path, engine="pyarrow")
    except (ValueError, OSError) as error:
        raise AutoMLDataError(
            f"{path.name} cannot be read as Parquet: {error}.", code="E-file"
        ) from None


def take_column(
    frame: pd.DataFrame, name: str, option: str
) -> tuple[pd.DataFrame, pd.Series]:
    """Return the table without a column, and the column.

    Raises
    ------
    AutoMLDataError
        If there is none of this name.

    Examples
    --------
    >>> rest, y = take_column(pd.DataFrame({"a": [1], "y": [2]}), "y", "--target")
    >>> list(rest), list(y)
    (['a'], [2])
    """
    if name not in frame.columns:
        raise AutoMLDataError(
            f"{option}: the column {name!r} is not in the table. "
            + suggestion(name, [str(c) for c in frame.columns][:50]),
            code="E-target-missing",
            column=name,
        )
    return frame.drop(columns=name), frame[name]
