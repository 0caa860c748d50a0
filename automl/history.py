"""What was tried and what came of it: all above is a function of this record.

The journal on disk is a text file of one event a line, each with its length and
checksum, written by the parent only. A torn or damaged line is skipped and counted;
what was whole before and after it stays.
"""

from __future__ import annotations

import json
import math
import os
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from automl.exceptions import AutoMLDataError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FORMAT", "FoldResult", "History", "Journal", "Trial", "read_journal"]

FORMAT = 1
"""Version of the journal's lines; a newer one is refused."""

BASELINE = "baseline"
"""The candidate that predicts without looking at the features."""


@dataclass(frozen=True)
class FoldResult:
    """One configuration fitted on one fold.

    Attributes
    ----------
    trial, fold : int
        Which configuration, which fold; from 0.
    status : str
        ``ok``, ``error``, ``invalid_score``, ``timeout`` or ``cancelled``.
    score : float or None
        On the fold's scoring rows, greater is better.
    fit_s, predict_s, cpu_s : float
        Wall seconds of fit and of predict; CPU seconds of both and the metric.
    started_s : float
        When it began, in seconds since the run did.
    rounds : int or None
        Boosting rounds, trees or epochs, where the learner grows by them.
    truncated : bool
        Whether the learner was stopped by its deadline.
    worker : int
        Process that ran it.
    error : str or None
        Traceback, if it failed.
    reason : str or None
        The traceback's last line.
    """

    trial: int
    fold: int
    status: str
    score: float | None = None
    fit_s: float = 0.0
    predict_s: float = 0.0
    cpu_s: float = 0.0
    started_s: float = 0.0
    rounds: int | None = None
    truncated: bool = False
    worker: int = 0
    error: str | None = None
    reason: str | None = None

    @property
    def seconds(self) -> float:
        """Wall seconds of fit and predict."""
        return self.fit_s + self.predict_s


@dataclass(frozen=True)
class Trial:
    """One configuration over all its folds.

    Attributes
    ----------
    number : int
        From 0, in the order of the first dispatch; the baseline is 0.
    candidate : str
        Name of the candidate.
    params : dict
        Its hyperparameters, as JSON values; those inactive left out.
    origin : str
        ``baseline``, ``start: <name>``, ``tpe``, ``random`` or ``perturbed``.
    status : str
        ``running``, ``ok`` (all folds finished), ``raced``, ``error``,
        ``invalid_score``, ``timeout`` or ``cancelled``.
    folds : tuple of FoldResult
        Those that ended, by fold.
    reason : str or None
        Why it did not finish.
    """

    number: int
    candidate: str
    params: Mapping[str, Any]
    origin: str
    status: str = "running"
    folds: tuple[FoldResult, ...] = ()
    reason: str | None = None

    @cached_property
    def scores(self) -> dict[int, float]:
        """Score of each finished fold."""
        return {f.fold: f.score for f in self.folds if f.score is not None}

    @cached_property
    def score(self) -> float:
        """Mean score of the finished folds; NaN without one."""
        values = list(self.scores.values())
        return fmean(values) if values else math.nan

    @cached_property
    def score_std(self) -> float:
        """Standard deviation over the folds; NaN with fewer than two."""
        values = list(self.scores.values())
        return stdev(values) if len(values) > 1 else math.nan

    @property
    def fit_s(self) -> float:
        """Mean wall seconds of a fold's fit."""
        return float(np.mean([f.fit_s for f in self.folds])) if self.folds else 0.0

    @property
    def predict_s(self) -> float:
        """Mean wall seconds of a fold's prediction."""
        return float(np.mean([f.predict_s for f in self.folds])) if self.folds else 0.0

    @property
    def rounds(self) -> int | None:
        """Mean number of rounds over the folds."""
        values = [f.rounds for f in self.folds if f.rounds is not None]
        return max(1, round(float(np.mean(values)))) if values else None

    def with_fold(self, result: FoldResult) -> Trial:
        """Return the trial with one more fold."""
        folds = [f for f in self.folds if f.fold != result.fold] + [result]
        return replace(self, folds=tuple(sorted(folds, key=lambda f: f.fold)))


@dataclass(frozen=True)
class History:
    """All trials of a run, in order.

    Examples
    --------
    >>> history = History().started(Trial(0, "ridge", {}, "random"))
    >>> history = history.told(FoldResult(0, 0, "ok", score=0.5))
    >>> history[0].score
    0.5
    """

    trials: tuple[Trial, ...] = field(default_factory=tuple)

    def __len__(self) -> int:
        return len(self.trials)

    def __iter__(self) -> Iterator[Trial]:
        return iter(self.trials)

    def __getitem__(self, number: int) -> Trial:
        return self.trials[number]

    def started(self, trial: Trial) -> History:
        """Return the history with one more trial."""
        return History((*self.trials, trial))

    def told(self, result: FoldResult) -> History:
        """Return the history with one more fold."""
        return self.replaced(self.trials[result.trial].with_fold(result))

    def ended(self, number: int, status: str, reason: str | None = None) -> History:
        """Return the history with a trial's end."""
        return self.replaced(replace(self.trials[number], status=status, reason=reason))

    def replaced(self, trial: Trial) -> History:
        """Return the history with this trial in its place."""
        trials = list(self.trials)
        trials[trial.number] = trial
        return History(tuple(trials))

    def finished(self) -> list[Trial]:
        """Return trials with all folds, best first; the baseline among them."""
        done = [t for t in self.trials if t.status == "ok" and not math.isnan(t.score)]
        return sorted(done, key=lambda t: (-t.score, t.number))


class Journal:
    """The run's events on disk, appended one line at a time.

    Parameters
    ----------
    folder : Path
        Folder of the run; ``journal.jsonl`` and ``oof/`` lie there, private to the
        user.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "journal.jsonl"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / "oof").mkdir(exist_ok=True, mode=0o700)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._file = os.fdopen(descriptor, "ab")
        if _is_torn(descriptor):
            self._file.write(b"\n")  # or the next event would share the torn line

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, event: str, facts: Mapping[str, Any]) -> None:
        """Append one event and see it to the disk."""
        self._file.write(journal_line({"event": event, **facts}))
        self._file.flush()
        os.fsync(self._file.fileno())

    def keep_fold(self, result: FoldResult, predictions: np.ndarray | None) -> None:
        """Append a finished fold, its predictions first."""
        if predictions is not None:
            path = self._oof(result.trial, result.fold)
            part = path.with_suffix(".part")
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                np.save(file, predictions.astype(np.float32))
            part.replace(path)
        self.write("fold", asdict(result))

    def predictions(self, trial: int, fold: int) -> np.ndarray:
        """Return the predictions for a fold's scoring rows, float32.

        Returns
        -------
        array of shape (n_scoring_rows, n_classes) or (n_scoring_rows,)
        """
        kept: np.ndarray = np.load(self._oof(trial, fold), allow_pickle=False)
        return kept

    def _oof(self, trial: int, fold: int) -> Path:
        return self.folder / "oof" / f"{trial:05d}-{fold:02d}.npy"


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
    except ValueError:
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
