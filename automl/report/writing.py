"""A report's text to a file, all of it or nothing, and the path that comes of it."""

from __future__ import annotations

import html
import json
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl.exceptions import AutoMLConfigError, AutoMLResourceError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    _Path = Path
else:
    _Path = type(Path())  # before Python 3.12 only the system's own kind has children

__all__ = ["SUFFIXES", "Report", "checked_path", "json_text", "write_text"]

SUFFIXES = {".html": "html", ".htm": "html", ".json": "json", ".md": "md"}
"""What a report's file is, by its suffix."""

PAGES = (".html", ".htm")
"""Suffixes of what a notebook can show."""

HEIGHT = 800
"""Pixels of the frame in a notebook; the page scrolls within."""


class Report(_Path):
    """The path of a report, as `pathlib.Path`.

    In a notebook it shows the report itself, in a frame of its own: neither its style
    nor its scripts meet those of the notebook or of another report. The page becomes
    part of the notebook's file, about 5 MB.

    Examples
    --------
    >>> Report("runs", "report.html").name
    'report.html'
    """

    def _repr_html_(self) -> str | None:
        """Return the frame; None, which is shown as text, of what is no page."""
        if self.suffix.lower() not in PAGES or not self.is_file():
            return None
        page = html.escape(self.read_text("utf-8"), quote=True)
        style = f"width: 100%; height: {HEIGHT}px; border: 1px solid #8888"
        return (
            f'<iframe sandbox="allow-scripts" title="{html.escape(self.name)}" '
            f'style="{style}" srcdoc="{page}"></iframe>'
        )


def checked_path(path: str | Path, kinds: Collection[str] = tuple(SUFFIXES)) -> Path:
    """Return the path of a report that can be written.

    Raises
    ------
    AutoMLConfigError
        If it is a folder, or its suffix is none of these (``E-report-path``).

    Examples
    --------
    >>> checked_path("report.pdf", [".html", ".md"])
    Traceback (most recent call last):
    ...
    automl.exceptions.AutoMLConfigError: The report's path 'report.pdf' ends with
    '.pdf'; one of .html, .md was expected. Write to 'report.html'.
    """
    target = Path(path).expanduser()
    if target.is_dir():
        raise AutoMLConfigError(
            f"The report's path {str(path)!r} is a folder; a file was expected, such "
            f"as {str(target / 'report.html')!r}.",
            code="E-report-path",
        )
    if target.suffix.lower() not in kinds:
        ends = f"ends with {target.suffix!r}" if target.suffix else "has no suffix"
        raise AutoMLConfigError(
            f"The report's path {str(path)!r} {ends}; one of {', '.join(kinds)} was "
            "expected.",
            code="E-report-path",
            hint=f"Write to {str(target.with_suffix('.html'))!r}.",
        )
    return target


def write_text(text: str, target: Path, *, durable: bool = True) -> Report:
    """Write a report's text, all of it or nothing; folders above it are made.

    Parameters
    ----------
    text : str
        The whole file.
    target : Path
        Where.
    durable : bool, default=True
        Whether to wait until the disk has it.

    Raises
    ------
    AutoMLResourceError
        If the disk refuses (``E-disk``); what was there before is then as it was.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _write_whole(target, text, durable=durable)
    except OSError as error:
        raise AutoMLResourceError(
            f"The report could not be written to {target}: {error.strerror or error}. "
            "What was there before is unchanged; free space or choose another path.",
            code="E-disk",
        ) from error
    return Report(target)


def json_text(facts: Mapping[str, Any]) -> str:
    r"""Return facts as JSON, one line for each part.

    Examples
    --------
    >>> json_text({"format": 1, "titles": {}})
    '{\n"format": 1,\n"titles": {}\n}\n'
    """
    parts = [
        f"{json.dumps(k)}: {json.dumps(v, allow_nan=False, ensure_ascii=False)}"
        for k, v in facts.items()
    ]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _write_whole(target: Path, page: str, *, durable: bool) -> None:
    """Write a page beside its place and put it there.

    A new file is its owner's alone, as all of a run; one that others were let read
    stays so.
    """
    descriptor, name = tempfile.mkstemp(
        dir=target.parent, prefix=f".{target.name[:80]}.", suffix=".part"
    )
    part = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(page)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        with suppress(OSError):
            part.chmod(stat.S_IMODE(target.stat().st_mode))
        part.replace(target)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
