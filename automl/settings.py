"""What the user asked for, checked before anything starts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.exceptions import AutoMLConfigError, named
from automl.facts.repeat import ASIDE
from automl.metrics import name_of
from automl.search import LOOK_AHEAD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl.budget import Budget

__all__ = [
    "Settings",
    "count_workers",
    "deployment",
    "is_plain",
    "listener",
    "memory_limit",
    "model_limit",
    "predict_limit",
    "run_folder",
    "seed_of",
    "selection",
    "shown",
    "switch",
    "time_limit",
    "to_repeat",
    "useful",
    "verbosity",
]

MOST_PROCESSES = 1024
"""More cores than the largest servers have; a larger number is a slip."""


@dataclass(frozen=True)
class Settings:
    """What the user asked for; see `automl.AutoML` for each."""

    task: str
    metric: Any
    budget: Budget
    cv: Any
    candidates: Any
    n_jobs: int
    random_state: int
    run_dir: Path | None
    trial_time_limit_s: float | None
    memory_limit_mib: float | None
    drop_missing_target: bool
    ensemble: bool
    deploy: str
    select: str
    shown: Mapping[str, Any]
    max_predict_ms: float | None = None
    max_model_mib: float | None = None
    own: tuple[str, ...] = ()  # parameters that were objects


def count_workers(n_jobs: Any) -> int:
    """Return how many processes ``n_jobs`` means.

    Raises
    ------
    AutoMLConfigError
        If it is 0, no whole number, or huge (``E-n-jobs``).

    Examples
    --------
    >>> count_workers(3)
    3
    """
    if n_jobs is None:
        return 1
    if (
        isinstance(n_jobs, bool)
        or not isinstance(n_jobs, int | np.integer)
        or not n_jobs
    ):
        raise AutoMLConfigError(
            f"n_jobs={n_jobs!r} must be a whole number of processes: 1 or more, or -1 "
            "for all cores.",
            code="E-n-jobs",
            hint="Use -1 if in doubt.",
        )
    if n_jobs > MOST_PROCESSES:
        raise AutoMLConfigError(
            f"n_jobs={n_jobs} is more than {MOST_PROCESSES} processes, which no "
            "machine runs at once.",
            code="E-n-jobs",
            hint="Use -1 for all cores.",
        )
    if n_jobs > 0:
        return int(n_jobs)
    from joblib import cpu_count  # what affinity and the cgroup's quota allow

    return max(1, int(cpu_count()) + 1 + int(n_jobs))


def useful(n_workers: int, budget: Budget) -> tuple[int, tuple[str, ...]]:
    """Return how many processes a budget keeps busy, and why they are fewer.

    Parameters
    ----------
    n_workers : int
        As they were asked for.
    budget : Budget
        Without a limit in time the order of results counts, and few tasks are out.

    Examples
    --------
    >>> from automl.budget import Budget
    >>> useful(64, Budget(60.0, None, 0.0))
    (64, ())
    """
    if budget.time_s is not None or n_workers <= LOOK_AHEAD:
        return n_workers, ()
    note = (
        f"{LOOK_AHEAD} of {n_workers} processes are used: without a limit in time "
        f"{LOOK_AHEAD} fits are out at most, so that the run comes out the same for "
        "any number of processes; time_budget_s= has more."
    )
    return LOOK_AHEAD, (note,)


def seed_of(random_state: Any) -> int:
    """Return the run's seed; a generator is drawn from, nothing global is touched."""
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0] >> 1)
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31 - 1))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31 - 1))
    whole = isinstance(random_state, int | np.integer)
    if whole and not isinstance(random_state, bool) and random_state >= 0:
        return int(random_state) % (2**31)
    raise AutoMLConfigError(
        f"random_state={random_state!r} must be None, a whole number of at least 0, a "
        "RandomState or a Generator.",
        code="E-random-state",
        hint="Use 0 if in doubt.",
    )


def time_limit(trial_time_limit_s: Any) -> float | None:
    """Return the seconds that a configuration may take, checked."""
    return _positive("trial_time_limit_s", trial_time_limit_s, "seconds")


def memory_limit(memory_limit_mib: Any) -> float | None:
    """Return the MiB that a run may use, checked."""
    return _positive("memory_limit_mib", memory_limit_mib, "MiB")


def predict_limit(max_predict_ms: Any) -> float | None:
    """Return the milliseconds that a row may take, checked."""
    return _positive("max_predict_ms", max_predict_ms, "milliseconds")


def model_limit(max_model_mib: Any) -> float | None:
    """Return the MiB that a model may have, checked."""
    return _positive("max_model_mib", max_model_mib, "MiB")


def _positive(name: str, value: Any, unit: str) -> float | None:
    if value is None:
        return None
    number = isinstance(value, Real) and not isinstance(value, bool)
    if number and 0 < float(value) < float("inf"):
        return float(value)
    raise AutoMLConfigError(
        f"{name}={value!r} must be a number of {unit} above 0, or None.",
        code="E-" + name.replace("_", "-"),
        hint="Leave it out for the default.",
    )


DEPLOYS = ("auto", "bag", "refit")
"""What may predict: models of folds, or fits on all rows."""


def deployment(deploy: Any) -> str:
    """Return what is to predict, checked."""
    if isinstance(deploy, str) and deploy in DEPLOYS:
        return deploy
    raise AutoMLConfigError(
        f"deploy={deploy!r} must be one of {', '.join(map(repr, DEPLOYS))}.",
        code="E-deploy",
        hint="Use 'auto' if in doubt.",
    )


SELECTS = ("best", "simplest")
"""What wins: the best score, or the fastest within a standard error of it."""


def selection(select: Any) -> str:
    """Return which configuration is to win, checked."""
    if isinstance(select, str) and select in SELECTS:
        return select
    raise AutoMLConfigError(
        f"select={select!r} must be one of {', '.join(map(repr, SELECTS))}.",
        code="E-select",
        hint="Use 'best' if in doubt.",
    )


def switch(name: str, value: Any) -> bool:
    """Return a parameter that is True or False, checked."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise AutoMLConfigError(
        f"{name}={value!r} must be True or False.",
        code="E-" + name.replace("_", "-"),
    )


def verbosity(verbose: Any) -> int:
    """Return how much is shown: 0, 1 or 2."""
    if isinstance(verbose, bool | int | np.integer) and 0 <= int(verbose) <= 2:
        return int(verbose)
    raise AutoMLConfigError(f"verbose={verbose!r} must be 0, 1 or 2.", code="E-verbose")


def run_folder(run_dir: Any) -> Path | None:
    """Return the folder of the run, checked; None if nothing is to be left on disk."""
    if run_dir is None:
        return None
    path = os.fspath(run_dir) if isinstance(run_dir, str | os.PathLike) else None
    if isinstance(path, str) and path:
        return Path(path).expanduser()
    raise AutoMLConfigError(
        f"run_dir={run_dir!r} must be the path of a folder, or None.",
        code="E-path",
        hint="'.' is the current folder.",
    )


def listener(callback: Any) -> Any:
    """Return what is told of the progress, checked."""
    if callback is None or callable(callback):
        return callback
    raise AutoMLConfigError(
        f"callback={named(callback)} must be a function of a snapshot, or None.",
        code="E-callback",
    )


def is_plain(value: Any) -> bool:
    """Return whether a parameter can be written down and read again, anywhere.

    Examples
    --------
    >>> is_plain(5), is_plain(["ridge", "knn"]), is_plain(object()), is_plain("a/b")
    (True, True, False, False)
    """
    if isinstance(value, list | tuple):
        return all(isinstance(v, str) and is_plain(v) for v in value)
    if isinstance(value, str):  # a folder is there on this machine only
        return "/" not in value and "\\" not in value
    return value is None or isinstance(value, bool | int | float | np.generic)


def shown(value: Any) -> Any:
    """Return a parameter as a JSON value, for the report.

    Examples
    --------
    >>> shown(np.int64(5)), shown(("ridge", "knn")), shown({"ridge": 1}), shown(len)
    (5, ['ridge', 'knn'], ['ridge'], 'len')
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple | dict):
        return [shown(v) for v in value][:50]
    return getattr(value, "name", None) or name_of(value)


def to_repeat(
    settings: Settings, groups: Any, time: Any, sample_weight: Any, test: Any
) -> dict[str, Any]:
    """Return what a report needs of it so that a search can be run again.

    Parameters
    ----------
    settings : Settings
        With the seed that was used, whoever drew it.
    groups, time, sample_weight, test
        As given to the run; only their names are kept.

    Returns
    -------
    dict
        ``settings`` and ``repeat`` of `automl.facts.RunRecord`.
    """
    given = {
        "groups": groups,
        "time": time,
        "sample_weight": sample_weight,
        "X_test": None if test is None else test[0],
    }
    beside = {k: _named(v) for k, v in given.items() if v is not None}
    used = {"task": settings.task, "random_state": settings.random_state}
    own = [name for name in settings.own if name not in {*used, *ASIDE}]
    return {
        "settings": {**settings.shown, **used},
        "repeat": {"own": own, "beside": beside},
    }


def _named(value: Any) -> dict[str, Any]:
    """Return the name of a column, or of values that bring one."""
    if isinstance(value, str):
        return {"name": value, "column": True}
    name = getattr(value, "name", None)
    return {"name": name if isinstance(name, str) else None, "column": False}
