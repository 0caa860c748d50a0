"""Files to tables for the command, and its tables to files.

Before the way of the data: what the library itself takes is a table in memory.
"""

from __future__ import annotations

import csv
import gzip
import importlib
import io
import json
import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pandas as pd

from automl.exceptions import AutoMLDataError, AutoMLResourceError, suggestion

if TYPE_CHECKING:
    from automl.bundle.predictor import Predictor

__all__ = ["guarded", "read_table", "take_column", "write_csv", "write_run"]

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

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is run by spreadsheets (OWASP, CSV injection)."""


def read_table(source: str, model: Predictor | None = None) -> pd.DataFrame:
    """Return the table of a CSV, TSV or Parquet file.

    Parameters
    ----------
    source : str
        Path; text files may be compressed (``.gz``). ``-`` reads CSV from standard
        input.
    model : Predictor, default=None
        Whose columns of text are read as text, whatever this file's cells look like.

    Raises
    ------
    AutoMLDataError
        If the file is missing, empty, damaged or of another kind.
    """
    frame = _read(source, model)
    if model is None:
        return frame
    return frame.rename(columns={str(name): name for name in model.feature_names_in_})


def _read(source: str, model: Predictor | None) -> pd.DataFrame:
    if source == "-":
        content = io.BytesIO(sys.stdin.buffer.read())
        return _read_text(content, None, "Standard input", model)
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
        return _read_text(file, SEPARATORS[ending], path.name, model)


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
    file: IO[bytes] | Any, separator: str | None, name: str, model: Predictor | None
) -> pd.DataFrame:
    try:
        head = file.readline()
        if not head.strip():
            raise AutoMLDataError(
                f"{name} is empty; a line of column names and rows were expected.",
                code="E-empty",
            )
        lines = [line.decode("utf-8") for line in islice(file, LOOKED_AT)]
        if separator is None:
            separator = _separator(head.decode("utf-8"))
        file.seek(0)
        names = list(pd.read_csv(file, sep=separator, nrows=0).columns)
        ends_empty = _end_empty(lines, separator, len(names))
        dtypes, missing = _types(model, names)
        file.seek(0)
        found: pd.DataFrame = pd.read_csv(
            file, sep=separator, low_memory=False, dtype=dtypes, na_values=missing,
            keep_default_na=missing is None,
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


def _end_empty(lines: list[str], separator: str, n_names: int) -> bool:
    """Return whether all rows have one cell more than there are names, an empty one.

    Examples
    --------
    >>> _end_empty(["1,2,"], ",", 2), _end_empty(["first,1,2", "second,3,"], ",", 2)
    (True, False)
    """
    try:
        rows = [row for row in csv.reader(lines, delimiter=separator) if row]
    except csv.Error:  # such as a cell of a megabyte
        return False
    return bool(rows) and all(len(r) == n_names + 1 and not r[-1] for r in rows)


def _types(
    model: Predictor | None, names: list[str]
) -> tuple[dict[Any, type], dict[Any, list[str]] | None]:
    """Return which columns are text, and what stands for a missing cell in each.

    Those that held text when the model was fitted: 007 is then no number, TRUE no
    flag, and NA may be a level.
    """
    if model is None or not model.pipeline_[0].named:
        return {}, None
    was = {c["position"]: c["dtype"] for c in model.schema["columns"]}
    dtypes: dict[Any, type] = {}
    missing: dict[Any, list[str]] = {name: sorted(MISSING) for name in names}
    for plan in model.pipeline_[0].plan:
        if plan.kind in TEXTUAL and was[plan.position].startswith(TEXT_DTYPES):
            dtypes[str(plan.name)] = str
            missing[str(plan.name)] = sorted(MISSING - set(plan.levels))
    return dtypes, missing


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


def guarded(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula.

    Numbers stay as they are, those in text as well.

    Examples
    --------
    >>> guarded("=1+1"), guarded("-x"), guarded("-1"), guarded(-1.5), guarded("plain")
    ("'=1+1", "'-x", '-1', -1.5, 'plain')
    """
    if not isinstance(value, str) or not value.startswith(FORMULA):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def write_csv(frame: pd.DataFrame, target: Path | None) -> None:
    """Write a table as UTF-8, its text guarded; None is standard output."""
    safe = frame.copy()
    for name in safe.columns:
        if safe[name].dtype.kind not in "biuf":
            safe[name] = safe[name].astype(object).map(guarded)
    safe.columns = pd.Index([guarded(name) for name in safe.columns])
    text = safe.to_csv(index=False, quoting=csv.QUOTE_MINIMAL, lineterminator="\n")
    if target is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()
    else:
        _write_whole(target, text.encode())


def _write_whole(target: Path, content: bytes) -> None:
    """Write a file beside and rename it: an earlier one stays good if that fails."""
    if target.exists() and not target.is_file() and not target.is_dir():
        target.write_bytes(content)  # a device or a pipe: no other takes its place
        return
    target = target.resolve()
    part = target.with_name(f".{target.name}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def write_run(model: Any, folder: Path) -> dict[str, str]:
    """Write what a run leaves beside its journal, the model first; return the paths.

    Parameters
    ----------
    model : AutoML
        Fitted.
    folder : Path
        Of the run.

    Raises
    ------
    AutoMLResourceError
        If something could not be written (``E-disk``); the rest is there.
    KeyboardInterrupt
        With a sentence, if the user had no patience.
    """
    board: pd.DataFrame = model.leaderboard_
    names = {
        "report": "report.html",
        "report_json": "report.json",
        "report_md": "report.md",
        "model": "model",
        "leaderboard": "leaderboard.csv",
        "run": "",
    }
    paths = {name: folder / file for name, file in names.items()}
    table = board.assign(params=board["params"].map(json.dumps))
    outputs: dict[str, Callable[[], object]] = {
        "model": lambda: model.save(paths["model"]),
        "report": lambda: model.report(paths["report"]),
        "report in JSON": lambda: model.report(paths["report_json"]),
        "report in Markdown": lambda: model.report(paths["report_md"]),
        "leaderboard": lambda: write_csv(table, paths["leaderboard"]),
    }
    wrong: list[str] = []
    there: list[str] = []
    for what, write in outputs.items():
        try:
            found = _tried(what, write)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(_stopped(folder, there)) from None
        wrong += found
        there += [] if found else [what]
    if wrong:
        kept = "" if wrong[0].startswith("The model") else f" The model is in {folder}."
        raise AutoMLResourceError(" ".join(wrong) + kept, code="E-disk")
    return {name: str(path) for name, path in paths.items()}


def _tried(what: str, write: Callable[[], object]) -> list[str]:
    """Write something; return what went wrong, so that the rest is still written."""
    try:
        write()
    except Exception as error:  # noqa: BLE001 - whatever it is, the model is not lost
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return [f"The {what} could not be written: {why.rstrip('.')}."]
    return []


def _stopped(folder: Path, there: list[str]) -> str:
    """Return what is there of an interrupted run's files, and how to get the rest.

    Examples
    --------
    >>> _stopped(Path("run"), ["model", "report"])
    'Interrupted with the model and the report in run; automl resume run writes the
    rest.'
    >>> _stopped(Path("run"), [])
    'Interrupted before the model was written; automl resume run writes it.'
    """
    if not there:
        return (
            "Interrupted before the model was written; automl resume "
            f"{folder} writes it."
        )
    named = " and ".join(", the ".join(there).rsplit(", ", 1))
    return (
        f"Interrupted with the {named} in {folder}; automl resume {folder} writes the "
        "rest."
    )
