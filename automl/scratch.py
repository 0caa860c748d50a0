"""A run's private folder: gone at its end, and after a kill at the next start.

The owner holds a lock on a file in its folder. The system frees the lock when the owner
ends, however it ends, so a folder whose lock is free is left over.
"""

from __future__ import annotations

import os
import platform
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from automl.exceptions import AutoMLResourceError

if TYPE_CHECKING:
    from types import ModuleType, TracebackType

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows: nothing is cleaned up after a kill
    fcntl = None

__all__ = ["Scratch", "no_room"]

PREFIX = "automl-"
LOCK = "owner.lock"

MOST_BYTES = 1024
"""Of the name of a machine."""


class Scratch:
    """A folder for the files of a run, readable by its user alone.

    Entering it also removes the folders beside it that killed runs left behind.

    Parameters
    ----------
    parent : Path or None, default=None
        Where; the system's folder for temporary files if None.

    Examples
    --------
    >>> with Scratch() as folder:
    ...     folder.is_dir()
    True
    >>> folder.exists()
    False
    """

    def __init__(self, parent: Path | None = None) -> None:
        self.parent = parent
        self._folder: Path | None = None
        self._lock: int | None = None

    def __enter__(self) -> Path:
        folder = self._folder = _make(self.parent)
        try:
            self._lock = _hold(folder)
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise no_room(error) from None
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return folder

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
        self._folder = self._lock = None


def no_room(error: OSError) -> AutoMLResourceError:
    """Return what to raise where a run's private files cannot be written.

    Examples
    --------
    >>> no_room(OSError(28, "No space left on device")).code
    'E-disk'
    """
    return AutoMLResourceError(
        f"The temporary files of the run cannot be written ({error.strerror or error})."
        " Set TMPDIR to a folder with room that can be written to.",
        code="E-disk",
    )


def _make(parent: Path | None) -> Path:
    """Return a new folder, after those of killed runs are gone."""
    try:
        parent = parent or Path(tempfile.gettempdir())
        _sweep(parent)
        return Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    except OSError as error:
        raise AutoMLResourceError(
            f"No temporary folder can be made ({error.strerror or error}); a run keeps "
            "its data there. Set TMPDIR to a folder with room that can be written to.",
            code="E-disk",
        ) from None


def _hold(folder: Path) -> int | None:
    """Return a lock that says that the folder is in use.

    The lock is taken before the file has its name: there is no moment in which another
    run finds a lock file that nobody holds yet.
    """
    if fcntl is None:
        return None
    unnamed = folder / (LOCK + ".new")
    lock = os.open(unnamed, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # a file system without locks: not cleaned up after a kill
        os.close(lock)
        return None
    with suppress(OSError):  # a full disk: the run goes on in memory
        os.write(lock, _machine())
    unnamed.rename(folder / LOCK)
    return lock


def _machine() -> bytes:
    """Return what tells machines apart that may share a folder, and no locks."""
    return platform.node().encode()


def _sweep(parent: Path) -> None:
    """Remove what killed runs of this user left in a folder."""
    if fcntl is None:
        return
    try:
        found = [e for e in os.scandir(parent) if e.name.startswith(PREFIX)]
    except OSError:
        return
    for entry in found:
        if _is_ours(entry):
            _remove_if_free(Path(entry.path))


def _is_ours(entry: os.DirEntry[str]) -> bool:
    """Return whether this is a real folder that belongs to this user."""
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()


def _remove_if_free(folder: Path) -> None:
    """Remove a folder of this machine whose lock nobody holds."""
    assert fcntl is not None
    try:
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return  # not one of ours, or not yet, or gone
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return  # in use
    else:
        if os.read(lock, MOST_BYTES) in (b"", _machine()):
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)
