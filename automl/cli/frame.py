"""What the commands share: options, exit codes, errors as sentences."""

from __future__ import annotations

import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from automl.cli.stopping import Stop, stoppable
from automl.exceptions import (
    AutoMLDataError,
    AutoMLError,
    AutoMLIntegrityError,
    AutoMLWarning,
)

__all__ = [
    "DATA",
    "GATE",
    "INTEGRITY",
    "NO_MODEL",
    "USAGE",
    "Drift",
    "Json",
    "Model",
    "Quiet",
    "Verbose",
    "Watch",
    "bundle_of",
    "fail",
    "sentences",
]

UNEXPECTED, USAGE, DATA, NO_MODEL, GATE, INTEGRITY = 1, 2, 3, 4, 5, 6
"""Exit codes; those of what was stopped by a signal are the shell's own."""

Json = Annotated[bool, typer.Option("--json", help="One JSON object instead.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="More, and tracebacks of errors.")
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress on standard error.")
]
Watch = Annotated[
    bool, typer.Option("--watch", help="Show the search in live.html as it goes.")
]
Drift = Annotated[
    bool,
    typer.Option(
        "--allow-version-drift", help="Load it with other versions of its packages."
    ),
]
Model = Annotated[
    Path, typer.Argument(metavar="RUN", help="Folder of a run, or its model folder.")
]


@contextmanager
def sentences(verbose: bool) -> Iterator[Stop]:
    """Turn errors into one sentence and an exit code, and warnings into sentences."""
    with warnings.catch_warnings(), stoppable() as stop:
        if not sys.warnoptions:
            warnings.showwarning = _show_warning  # type: ignore[assignment]  # mypy wants the names of all
        try:
            yield stop
        except (typer.Exit, BrokenPipeError):
            raise
        except KeyboardInterrupt as interrupt:
            said = str(interrupt) or "Interrupted before there was a model."
            fail(said, stop.code)
        except AutoMLError as error:
            fail(str(error), _code_of(error), trace=verbose)
        except OSError as error:
            what = f"{error.filename}: {error.strerror}" if error.filename else error
            fail(f"{what}.", DATA, trace=verbose)
        except Exception as error:  # noqa: BLE001 - the outermost frame of a process
            hint = "" if verbose else " Run again with -v for the traceback."
            what = f"{type(error).__name__}: {error}".rstrip(".")
            fail(f"Unexpected {what}.{hint}", UNEXPECTED, trace=verbose)


def _code_of(error: AutoMLError) -> int:
    return INTEGRITY if isinstance(error, AutoMLIntegrityError) else DATA


def fail(sentence: str, code: int, *, trace: bool = False) -> NoReturn:
    """Say what is wrong and leave with a code."""
    if trace:
        traceback.print_exc()
    print(f"Error: {sentence}", file=sys.stderr)
    raise typer.Exit(code) from None


def _show_warning(message: Warning | str, category: type[Warning], *_: object) -> None:
    """Print our own warnings; those of other libraries mean nothing to a user."""
    if issubclass(category, AutoMLWarning):
        print(f"Warning: {message}", file=sys.stderr)


def bundle_of(run: Path) -> Path:
    """Return the folder of a model, given that or the folder of its run."""
    for folder in (run / "model", run):
        if (folder / "manifest.json").is_file():
            return folder
    raise AutoMLDataError(
        f"{run} is neither a run nor a model: there is no manifest.json in it or in "
        "its folder model.",
        code="E-file",
    )
