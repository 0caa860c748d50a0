"""Tables and all that a run leaves to files, for the command."""

from __future__ import annotations

import csv
import json
import os
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd

from automl.cli.reading import SEPARATORS
from automl.exceptions import AutoMLDataError, AutoMLResourceError

__all__ = ["check_output", "guarded", "write_csv", "write_run"]

OTHERS = frozenset(
    [".arrow", ".bz2", ".feather", ".gz", ".json", ".parquet", ".pkl", ".pq", ".xls",
     ".xlsx", ".xz", ".zip", ".zst"]
)  # fmt: skip
"""Endings of files that are no plain text."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is run by spreadsheets (OWASP, CSV injection)."""


def check_output(target: Path | None, source: str = "-") -> None:
    """Refuse what cannot be written to, before any work.

    Parameters
    ----------
    target : Path or None
        Where text is to be written; None is standard output.
    source : str, default="-"
        Path of the rows; ``-`` is standard input.

    Raises
    ------
    AutoMLDataError
        If the ending is that of another kind of file, or the rows would be written
        over (``E-file``).
    """
    if target is None or (target.exists() and not target.is_file()):
        return  # a device or a pipe takes anything
    if target.exists() and Path(source).exists() and target.samefile(source):
        raise AutoMLDataError(
            f"--output {target.name} holds the rows; another file was expected for "
            "the predictions.",
            code="E-file",
        )
    if target.suffix.lower() in OTHERS:
        raise AutoMLDataError(
            f"--output {target.name}: plain text is written; a name such as "
            "predictions.csv or .tsv was expected.",
            code="E-file",
        )


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
    """Write a table as UTF-8, its text guarded; None is standard output.

    Cells of a ``.tsv`` file are separated by tabs, of all others by commas.
    """
    safe = frame.copy()
    for name in safe.columns:
        if safe[name].dtype.kind not in "biuf":
            safe[name] = safe[name].astype(object).map(guarded)
    safe.columns = pd.Index([guarded(name) for name in safe.columns])
    ending = "" if target is None else target.suffix.lower()
    text = safe.to_csv(
        index=False, sep=SEPARATORS.get(ending) or ",", quoting=csv.QUOTE_MINIMAL,
        lineterminator="\n",
    )  # fmt: skip
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
        if target.is_file():  # who may read it stays as it was
            part.chmod(stat.S_IMODE(target.stat().st_mode))
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
