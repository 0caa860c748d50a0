"""The run's events on disk: a text file of one event a line, written by one process.

Each line has its length and checksum. A torn or damaged line is skipped and counted;
what was whole before and after it stays. When the disk refuses, the run goes on
without it: what is on disk up to then stays readable.
"""

from __future__ import annotations

import errno
import io
import json
import math
import os
import re
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import asdict
from typing import IO, TYPE_CHECKING, Any, Self

import numpy as np

from automl.atomic import write_all, write_beside
from automl.exceptions import (
    AutoMLConfigError,
    AutoMLDataError,
    AutoMLResourceError,
)
from automl.history import as_kept
from automl.scratch import no_room

if TYPE_CHECKING:
    from pathlib import Path

    from automl.trial import FoldResult

__all__ = ["FORMAT", "Journal", "journal_line", "read_facts", "read_journal"]

FORMAT = 1
"""Version of the journal's lines; a newer one is refused."""

LOCKLESS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL)
"""What a file system says that has no locks."""

KEYED = ("trial", "fold", "end")
"""Events about one trial or fold; of several about the same one the last counts."""


class Journal:
    """The run's events on disk, appended one line at a time.

    Parameters
    ----------
    folder : Path
        Folder of the run; ``journal.jsonl`` and ``oof/`` lie there, private to the
        user. It is locked until the journal is closed.
    clock : callable, default=None
        Seconds since the run began, earlier sessions included; from now on if None.
    durable : bool, default=True
        Whether each fold is waited for until the disk has it, about 5 ms; not for a
        folder that nobody reads after a crash.

    Attributes
    ----------
    failure : str or None
        Why the disk holds no more than it does; the run goes on in memory.

    Raises
    ------
    AutoMLResourceError
        If another process writes there (``E-locked``).
    AutoMLConfigError
        If the folder cannot be written to (``E-path``).
    """

    def __init__(
        self,
        folder: Path,
        clock: Callable[[], float] | None = None,
        *,
        durable: bool = True,
    ) -> None:
        began = time.monotonic()
        self.folder = folder
        self.path = folder / "journal.jsonl"
        self.failure: str | None = None
        self.durable = durable
        self.clock = clock or (lambda: time.monotonic() - began)
        self._kept: dict[tuple[int, int], np.ndarray] = {}
        self._last: dict[tuple[Any, ...], dict[str, Any]] = {}
        with ExitStack() as stack:
            try:
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                (folder / "oof").mkdir(exist_ok=True, mode=0o700)
                lock = stack.enter_context(_open(folder / "journal.lock"))
                _lock(lock, folder)
                self._file = stack.enter_context(_open(self.path))
                self._torn = _is_torn(self._file.fileno())
            except OSError as error:
                if not durable:
                    raise no_room(error) from None
                raise AutoMLConfigError(
                    f"run_dir={str(folder)!r} cannot be written to: {_why(error)}.",
                    code="E-path",
                ) from None
            self._open = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # what matters was synced line by line
            self._open.close()

    def read(self) -> tuple[list[dict[str, Any]], int]:
        """Return earlier events and the number of damaged lines.

        From then on an event that stands there already is not written again.
        """
        events, damaged = read_journal(self.path)
        for event in events:
            facts = {k: v for k, v in event.items() if k != "at"}
            self._remember(_key(facts), facts)
        return events, damaged

    def write(self, event: str, facts: Mapping[str, Any]) -> None:
        """Append one event and see it to the disk, as long as that takes any."""
        plain = _plain({"event": event, **facts})
        key = _key(plain)
        if self.failure is not None or (key and self._last.get(key) == plain):
            return
        line = journal_line({**plain, "at": round(self.clock(), 3)})
        try:
            self._append(line)
        except OSError as error:
            self._give_up(error)
            return
        if key in self._last:
            self._remember(key, plain)

    def keep_fold(self, result: FoldResult, predictions: np.ndarray | None) -> None:
        """Append a finished fold, its predictions first."""
        if predictions is not None:
            name = f"{result.trial:05d}-{result.fold:02d}.npy"
            small = as_kept(predictions)
            if not self.keep_array(f"oof/{name}", small):
                self._kept[result.trial, result.fold] = small
        self.write("fold", asdict(result))

    def keep_array(self, name: str, values: np.ndarray) -> bool:
        """Write an array beside the journal, all of it or nothing.

        Returns
        -------
        bool
            Whether it is there.
        """
        content = io.BytesIO()
        np.save(content, values, allow_pickle=False)
        return self._keep(name, content.getbuffer())

    def keep_text(self, name: str, text: str) -> bool:
        """Write a text beside the journal, all of it or nothing; return whether."""
        return self._keep(name, text.encode())

    def _keep(self, name: str, content: bytes | memoryview) -> bool:
        if self.failure is not None:
            return False
        try:
            write_beside(self.folder / name, content, durable=self.durable)
        except OSError as error:
            self._give_up(error)
            return False
        return True

    def predictions(self, trial: int, fold: int) -> np.ndarray:
        """Return the predictions for a fold's scoring rows, as `as_kept` made them.

        Returns
        -------
        array of shape (n_scoring_rows, n_classes) or (n_scoring_rows,)

        Raises
        ------
        OSError, ValueError
            If their file is gone or damaged.
        """
        kept = self._kept.get((trial, fold))
        if kept is None:
            kept = np.load(self._oof(trial, fold), allow_pickle=False)
        return kept

    def has_predictions(self, trial: int, fold: int) -> bool:
        """Return whether the predictions of a fold can be read."""
        try:
            np.load(self._oof(trial, fold), mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return False
        return True

    def _oof(self, trial: int, fold: int) -> Path:
        return self.folder / "oof" / f"{trial:05d}-{fold:02d}.npy"

    def _append(self, line: bytes) -> None:
        descriptor = self._file.fileno()
        if os.fstat(descriptor).st_nlink == 0:
            raise FileNotFoundError(2, "the folder was deleted", str(self.path))
        # an interrupt may tear a line: the next one must not share it
        data = b"\n" + line if self._torn else line
        self._torn = True
        size = os.fstat(descriptor).st_size
        try:
            write_all(descriptor, data)
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, size)
            raise
        if self.durable:
            os.fsync(descriptor)
        self._torn = False

    def _give_up(self, error: OSError) -> None:
        where = "The run's folder" if self.durable else "The temporary folder"
        rest = ", and the run cannot be resumed from there" if self.durable else ""
        self.failure = (
            f"{where} could not be written any more ({_why(error)}): what came later "
            f"was kept in memory only{rest}."
        )

    def _remember(self, key: tuple[Any, ...], facts: dict[str, Any]) -> None:
        """Keep the last event about a trial or a fold; another start forgets both."""
        if not key:
            return
        if key[0] == "trial" and self._last.get(key, facts) != facts:
            for other in [k for k in self._last if k[1] == key[1]]:
                del self._last[other]
        self._last[key] = facts


def _key(facts: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what an event is about; nothing for those that are one of a kind."""
    if facts.get("event") not in KEYED:
        return ()
    return (facts["event"], facts.get("trial"), facts.get("fold"))


def _open(path: Path) -> IO[bytes]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    return os.fdopen(descriptor, "ab", buffering=0)


def _lock(file: IO[bytes], folder: Path) -> None:
    """Lock a file until it is closed; the system unlocks that of a dead process.

    A file system that has no locks is taken as it is.
    """
    try:
        try:
            import fcntl
        except ImportError:
            _lock_on_windows(file)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        raise AutoMLResourceError(
            f"run_dir={str(folder)!r} is being written by another run. Wait for its "
            "end, or choose another folder.",
            code="E-locked",
        ) from None
    except OSError as error:
        if error.errno not in LOCKLESS:
            raise


def _lock_on_windows(file: IO[bytes]) -> None:
    import importlib

    windows: Any = importlib.import_module("msvcrt")
    windows.locking(file.fileno(), windows.LK_NBLCK, 1)


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _is_torn(descriptor: int) -> bool:
    """Return whether a file ends within a line."""
    size = os.fstat(descriptor).st_size
    if size == 0:
        return False
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1) != b"\n"


def journal_line(facts: Mapping[str, Any]) -> bytes:
    r"""Return an event as one line with its length and checksum.

    Examples
    --------
    >>> journal_line({"event": "end"})
    b'{"n": 15, "crc": "09ef79a3", "fact": {"event":"end"}}\n'
    """
    body = json.dumps(_plain(facts), separators=(",", ":"), allow_nan=False).encode()
    crc = zlib.crc32(body)
    return b'{"n": %d, "crc": "%08x", "fact": %s}\n' % (len(body), crc, body)


def read_journal(path: Path) -> tuple[list[dict[str, Any]], int]:
    """Return the events of a journal and how many lines were damaged.

    Raises
    ------
    AutoMLDataError
        If a line was written by a newer format (``E-journal-format``).
    """
    data = path.read_bytes()
    events: list[dict[str, Any]] = []
    damaged = 0
    end = 0
    head = _HEAD.search(data)
    while head is not None:
        stop = head.end() + int(head["n"])
        fact = _read_fact(data[head.end() : stop], head["crc"])
        if fact is None:
            head = _HEAD.search(data, head.end())
            continue
        damaged += _count_scraps(data[end : head.start()])
        _refuse_newer(fact, path)
        events.append(fact)
        end = stop + (data[stop : stop + 1] == b"}")
        head = _HEAD.search(data, end)
    return events, damaged + _count_scraps(data[end:])


def read_facts(folder: Path) -> dict[str, Any] | None:
    """Return the facts of a run's report; None if they cannot be read."""
    try:
        facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return facts if isinstance(facts, dict) else None


_HEAD = re.compile(rb'\{"n": (?P<n>\d{1,12}), "crc": "(?P<crc>[0-9a-f]{8})", "fact": ')
"""How an event begins. JSON escapes quotes, so none begins inside another."""


def _count_scraps(data: bytes) -> int:
    """Return how many lines between two whole events hold something."""
    return sum(1 for line in data.split(b"\n") if line.strip())


def _read_fact(body: bytes, crc: bytes) -> dict[str, Any] | None:
    if b"%08x" % zlib.crc32(body) != crc:
        return None
    try:
        fact = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return fact if isinstance(fact, dict) else None


def _refuse_newer(fact: Mapping[str, Any], path: Path) -> None:
    form = fact.get("format", FORMAT)
    if isinstance(form, int) and form > FORMAT:
        raise AutoMLDataError(
            f"{path.name} was written by a newer version (format {form}; this one "
            f"reads {FORMAT}). Upgrade automl-pipelines.",
            code="E-journal-format",
        )


def _plain(value: Any) -> Any:
    """Return a value that JSON can hold: numpy unpacked, NaN and infinity as null."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
