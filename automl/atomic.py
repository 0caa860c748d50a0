"""Files of the user's own that are there whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["write_all", "write_beside"]

FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
"""Windows takes bytes for lines, and adds to them, where it is not told otherwise."""


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write all of the data: a system may take less than it is given."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def write_beside(path: Path, content: bytes | memoryview, *, durable: bool) -> None:
    """Write a file under another name, and rename it.

    Parameters
    ----------
    path : Path
        What is to be there, readable for the user alone.
    content : bytes or memoryview
        All of it.
    durable : bool
        Whether to wait until the disk has it.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        descriptor = os.open(part, FLAGS, 0o600)
        try:
            write_all(descriptor, content)
            if durable:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        part.replace(path)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
