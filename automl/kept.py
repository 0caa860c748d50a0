"""Fitted models of folds, kept on disk while a run may still deploy them.

A worker writes the model of each fold that it fits; the parent deletes those of
configurations that cannot be deployed any more.
"""

from __future__ import annotations

import math
import pickle
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from sklearn.pipeline import Pipeline

    from automl.trial import Trial

__all__ = [
    "FOLDER",
    "KEEP_FROM_S",
    "has_model",
    "keep_from",
    "keep_model",
    "kept_model",
    "models_there",
    "prune_models",
]

FOLDER = "models"
"""In the folder of the workplace."""

KEEP_FROM_S = 0.5
"""Seconds of a fit from which its model is kept: a shorter one can be fitted to all
rows even in the seconds after a Ctrl-C, and to write a model takes 5 to 30 ms."""

LARGEST_BYTES = 300_000_000
"""A larger model is not kept: a bag of five would take seconds to load and to save."""

ALL_BYTES = 2_000_000_000
"""Room for the models of all trials: temporary folders may be in memory."""


def keep_from(trial: Trial) -> float:
    """Return from which seconds of a fit on a fold's model is kept.

    Those of all folds of a trial, or of none: the first one decides.

    Examples
    --------
    >>> from automl.trial import FoldResult, Trial
    >>> trial = Trial(1, "ridge", {}, "random")
    >>> keep_from(trial)
    0.5
    >>> keep_from(trial.with_fold(FoldResult(1, 0, "ok", 0.5, fit_s=0.1)))
    inf
    """
    if not trial.folds:
        return KEEP_FROM_S
    return 0.0 if trial.folds[0].fit_s >= KEEP_FROM_S else math.inf


def keep_model(folder: Path, trial: int, fold: int, pipeline: Pipeline) -> None:
    """Write the fitted model of a fold; one that cannot be written is not kept.

    Parameters
    ----------
    folder : Path
        Of the workplace.
    trial, fold : int
        What it is the model of.
    pipeline : Pipeline
        Fitted on the codes of the classes.
    """
    import cloudpickle  # of classes from the caller's own script

    path = _path(folder, trial, fold)
    try:
        with path.open("wb") as file:  # as a stream: a copy would be a part of the peak
            cloudpickle.dump(pipeline, file, protocol=5)
        if path.stat().st_size > LARGEST_BYTES:
            path.unlink()
    except Exception:  # noqa: BLE001 - its trial is then fitted on all rows instead
        with suppress(OSError):
            path.unlink(missing_ok=True)


def has_model(folder: Path, trial: int, fold: int) -> bool:
    """Return whether the model of a trial's fold is there."""
    return _path(folder, trial, fold).is_file()


def kept_model(folder: Path, trial: int, fold: int) -> Any:
    """Return the fitted pipeline of a fold.

    Raises
    ------
    OSError, pickle.UnpicklingError
        If it is not there or not whole.
    """
    return pickle.loads(_path(folder, trial, fold).read_bytes())  # noqa: S301 - our own file


def models_there(folder: Path) -> list[Path]:
    """Return the files of all kept models."""
    return sorted((folder / FOLDER).glob("*.pkl"))


def prune_models(
    there: Iterable[Path], running: Collection[int], best: Sequence[int]
) -> None:
    """Delete models that cannot be deployed, and those that take too much room.

    Parameters
    ----------
    there : iterable of Path
        Files of models.
    running : collection of int
        Trials that are not over: their models stay.
    best : sequence of int
        Trials whose models may be deployed, the best first; from the first one on that
        does not fit in `ALL_BYTES` they go, but never those of the best.
    """
    files: dict[int, list[Path]] = {}
    for path in there:
        files.setdefault(int(path.stem.partition("-")[0]), []).append(path)
    room = ALL_BYTES
    for place, trial in enumerate(best):
        size = sum(_size(path) for path in files.get(trial, ()))
        room -= size
        if room >= 0 or place == 0:
            files.pop(trial, None)
    for trial, paths in files.items():
        if trial not in running:
            for path in paths:
                path.unlink(missing_ok=True)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _path(folder: Path, trial: int, fold: int) -> Path:
    return folder / FOLDER / f"{trial}-{fold}.pkl"
