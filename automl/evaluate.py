"""One task of the search, done in a worker: fit a fold, refit the winner, explain it.

The encoded table is written once, and mapped into memory by every worker. This is the
one place that catches every exception: a configuration that fails is a result.
"""

from __future__ import annotations

import json
import os
import pickle
import time
import traceback
import warnings
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import (
    GroupShuffleSplit,
    ShuffleSplit,
    StratifiedShuffleSplit,
)
from sklearn.pipeline import Pipeline

from automl.candidates import Candidate
from automl.estimators.growing import Growth, fit_growing
from automl.folds import Folds
from automl.history import FoldResult
from automl.metrics import Metric
from automl.pipeline import NATIVE, Layout, build_pipeline, split_params
from automl.table import Table

__all__ = [
    "Outcome",
    "Task",
    "Workplace",
    "close_workplace",
    "run_task",
    "write_workplace",
]

INNER_SHARE = 0.1
"""Training rows that decide when boosting stops; at least `INNER_ROWS` of them."""

INNER_ROWS = 50
"""Fewer rows than this stop boosting by chance."""

INNER_ENOUGH = 10_000
"""More rows than this say no more about when to stop."""

CACHE_BYTES = 400_000_000
"""Prepared folds that a worker keeps."""

IMPORTANCE_ROWS = 2000
"""Held-out rows on which columns are permuted."""

IMPORTANCE_COLUMNS = 100
"""Columns that are permuted, drawn by chance where there are more."""

REPEATS = 3
"""Permutations of each column."""


@dataclass(frozen=True)
class Task:
    """What a worker is asked to do.

    Attributes
    ----------
    kind : str
        ``fold``, ``refit``, ``importance`` or ``wait``.
    serial : int
        Of this task in the run.
    trial, fold : int
        Which configuration and fold.
    candidate : str
        Name of the candidate.
    params : dict
        Its hyperparameters.
    longest_s : float or None
        Seconds after which learners that grow stop with what they have.
    deadline : float or None
        On `time.monotonic`: they stop here in any case, and nothing begins after it.
    kill_at : float or None
        On `time.monotonic`: the parent ends the process here.
    rounds : int or None
        Rounds of a refit.
    n_jobs : int
        Threads of a refit.
    max_rows : int or None
        Training rows used at most; the rest is left out by chance.
    keep_above : float or None
        Score from which a fold's fitted pipeline is kept on disk.
    """

    kind: str
    serial: int
    trial: int = -1
    fold: int = -1
    candidate: str = ""
    params: Mapping[str, Any] | None = None
    longest_s: float | None = None
    deadline: float | None = None
    kill_at: float | None = None
    rounds: int | None = None
    n_jobs: int = 1
    max_rows: int | None = None
    keep_above: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of a task.

    Attributes
    ----------
    task : Task
        What was asked.
    result : FoldResult or None
        Of a fold.
    value : object
        Predictions of a fold, the pipeline of a refit, arrays of an importance.
    error : str or None
        Traceback, if it failed.
    """

    task: Task
    result: FoldResult | None = None
    value: Any = None
    error: str | None = None


@dataclass(frozen=True)
class Workplace:
    """What every task of a run needs, loaded once in each process.

    Attributes
    ----------
    X : DataFrame of shape (n_rows, n_columns)
        Encoded, mapped from disk.
    y : array of shape (n_rows,)
        Codes or numbers.
    layout : Layout
        Of the table.
    classes : array or None
        The user's labels.
    splits : tuple
        Of the folds.
    metric : Metric
        What is scored.
    candidates : dict
        By name.
    random_state : int
        For everything that draws.
    sample_weight, groups, time : array or None
        As in the table.
    """

    X: pd.DataFrame
    y: np.ndarray
    layout: Layout
    classes: np.ndarray | None
    splits: tuple[tuple[np.ndarray, np.ndarray], ...]
    metric: Metric
    candidates: Mapping[str, Candidate]
    random_state: int
    sample_weight: np.ndarray | None
    groups: np.ndarray | None
    time: np.ndarray | None


def write_workplace(
    folder: Path,
    table: Table,
    folds: Folds,
    metric: Metric,
    candidates: Mapping[str, Candidate],
    random_state: int,
) -> Path:
    """Write what tasks need and return its folder.

    The numbers go to one plain array that processes map; the rest is pickled.
    """
    import cloudpickle  # of the caller's own metrics

    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    numeric = [c for c in table.X.columns if table.X[c].dtype != object]
    np.save(folder / "numbers.npy", table.X[numeric].to_numpy(dtype=np.float64).T)
    place = Workplace(
        X=table.X[[c for c in table.X.columns if c not in numeric]],
        y=table.y,
        layout=Layout.of(table),
        classes=table.classes,
        splits=folds.splits,
        metric=metric,
        candidates=dict(candidates),
        random_state=random_state,
        sample_weight=table.sample_weight,
        groups=table.groups,
        time=table.time,
    )
    (folder / "workplace.pkl").write_bytes(cloudpickle.dumps((place, numeric)))
    for name in ("running", "models"):
        (folder / name).mkdir(exist_ok=True)
    return folder


@lru_cache(maxsize=1)
def _open_workplace(folder: Path) -> tuple[Workplace, _Prepared]:
    """Return the workplace, its numbers mapped; one run a process at a time."""
    place, numeric = pickle.loads((folder / "workplace.pkl").read_bytes())  # noqa: S301 - our own file
    numbers = np.load(folder / "numbers.npy", mmap_mode="r")
    frame = pd.DataFrame(numbers.T, columns=numeric, copy=False)
    if place.X.shape[1]:
        frame = pd.concat([frame, place.X], axis=1)
    return replace(place, X=frame), _Prepared()


def close_workplace() -> None:
    """Forget the workplace of a run that was done in this process."""
    _open_workplace.cache_clear()


class _Prepared:
    """Prepared training and scoring rows, by fold and preparation; the last used."""

    def __init__(self) -> None:
        self.kept: OrderedDict[Any, tuple[Any, ...]] = OrderedDict()
        self.bytes: dict[Any, int] = {}

    def get(self, key: Any) -> tuple[Any, ...] | None:
        if key not in self.kept:
            return None
        self.kept.move_to_end(key)
        return self.kept[key]

    def keep(self, key: Any, value: tuple[Any, ...]) -> None:
        size = sum(_size(v) for v in value)
        if size > CACHE_BYTES:
            return
        self.kept[key] = value
        self.bytes[key] = size
        while sum(self.bytes[k] for k in self.kept) > CACHE_BYTES:
            oldest, _ = self.kept.popitem(last=False)
            del self.bytes[oldest]


def _size(value: Any) -> int:
    if hasattr(value, "nbytes"):
        return int(value.nbytes)
    return int(value.data.nbytes) if hasattr(value, "indptr") else 0


def run_task(folder: Path, task: Task) -> Outcome:
    """Do a task and return what came of it; no exception but an interrupt leaves.

    Parameters
    ----------
    folder : Path
        Of the workplace.
    task : Task
        What to do.
    """
    if task.kind == "wait":
        time.sleep(0.01)
        return Outcome(task)
    if task.deadline is not None and time.monotonic() > task.deadline:
        return Outcome(task, error="late")
    mark = folder / "running" / str(task.serial)
    try:
        mark.write_text(str(os.getpid()), encoding="ascii")
        place, prepared = _open_workplace(folder)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if task.kind == "fold":
                return _fold(folder, place, prepared, task)
            if task.kind == "refit":
                return Outcome(task, value=_refit(place, task))
            return Outcome(task, value=_importance(place, task))
    except Exception:  # noqa: BLE001 - a failed configuration is a result
        return _failed(task, traceback.format_exc())
    finally:
        mark.unlink(missing_ok=True)


def _failed(task: Task, error: str) -> Outcome:
    reason = error.strip().splitlines()[-1][:300]
    result = None
    if task.kind == "fold":
        result = FoldResult(
            task.trial, task.fold, "error", worker=os.getpid(), error=error[-6000:],
            reason=reason,
        )  # fmt: skip
    return Outcome(task, result=result, error=error)


def _labels(place: Workplace, rows: np.ndarray) -> np.ndarray:
    """Return the user's own labels of rows, as fast to sort as codes where text."""
    if place.classes is None:
        return place.y[rows]
    return _plain_classes(place.classes)[place.y[rows]]


def _plain_classes(classes: np.ndarray) -> np.ndarray:
    if classes.dtype == object and all(isinstance(c, str) for c in classes):
        return classes.astype(str)
    return classes


def _fold(folder: Path, place: Workplace, prepared: _Prepared, task: Task) -> Outcome:
    started, cpu = time.monotonic(), time.process_time()
    train, test = place.splits[task.fold]
    train = _at_most(train, task.max_rows, place.random_state)
    candidate = place.candidates[task.candidate]
    pipeline = build_pipeline(
        candidate, task.params or {}, place.layout, place.random_state
    )
    options, _ = split_params(candidate, task.params or {})
    key = (task.fold, len(train), json.dumps(options, sort_keys=True))
    ready = prepared.get(key)
    if ready is None:
        prefix, X_train = _fit_prefix(place, pipeline[:-1], train)
        ready = (prefix, X_train, prefix.transform(place.X.iloc[test]))
        prepared.keep(key, ready)
    prefix, X_train, X_test = ready
    model = pipeline[-1]
    y = place.y[train] if task.keep_above is None else _labels(place, train)
    rounds, truncated = _fit_model(
        place, candidate, model, prefix, X_train, y, train, _stop_at(task, started)
    )
    fitted = time.monotonic()
    prediction = _predict(place, model, X_test, coded=task.keep_above is None)
    score = place.metric.score(
        place.y[test], prediction, _rows(place.sample_weight, test)
    )
    if task.keep_above is not None and score > task.keep_above:
        kept = Pipeline([*prefix.steps, ("model", model)])
        (folder / "models" / f"{task.trial}.pkl").write_bytes(pickle.dumps(kept))
    result = FoldResult(
        trial=task.trial,
        fold=task.fold,
        status="ok" if np.isfinite(score) else "invalid_score",
        score=score if np.isfinite(score) else None,
        fit_s=fitted - started,
        predict_s=time.monotonic() - fitted,
        cpu_s=time.process_time() - cpu,
        started_s=started,
        rounds=rounds,
        truncated=truncated,
        worker=os.getpid(),
        reason=None if np.isfinite(score) else f"{place.metric.name} gave {score}",
    )
    return Outcome(task, result, prediction.astype(np.float32))


def _stop_at(task: Task, started: float) -> float | None:
    """Return when a learner that grows must stop, on `time.monotonic`."""
    if task.longest_s is None:
        return task.deadline
    longest = started + task.longest_s
    return longest if task.deadline is None else min(longest, task.deadline)


def _at_most(rows: np.ndarray, limit: int | None, random_state: int) -> np.ndarray:
    if limit is None or len(rows) <= limit:
        return rows
    rng = np.random.default_rng(random_state)
    return np.sort(rng.choice(rows, limit, replace=False))


def _rows(values: np.ndarray | None, rows: np.ndarray) -> np.ndarray | None:
    return None if values is None else values[rows]


def _fit_prefix(
    place: Workplace, prefix: Pipeline, rows: np.ndarray
) -> tuple[Pipeline, Any]:
    X = prefix.fit_transform(place.X.iloc[rows], place.y[rows])
    return prefix, X


def _fit_model(
    place: Workplace,
    candidate: Candidate,
    model: Any,
    prefix: Pipeline,
    X: Any,
    y: np.ndarray,
    rows: np.ndarray,
    deadline: float | None,
) -> tuple[int | None, bool]:
    """Fit the last step on prepared rows; return rounds and whether cut short."""
    weights = _rows(place.sample_weight, rows)
    fit_params = _native_categories(model, prefix)
    resource = candidate.resource
    if resource is None:
        arguments = dict(fit_params)
        if weights is not None and _takes_weights(model):
            arguments["sample_weight"] = weights
        model.fit(X, y, **arguments)
        return None, False
    inner = _inner_split(place, rows) if resource.early_stopping else None
    growth = Growth(resource.param, resource.high, deadline)
    return fit_growing(
        model, X, y, growth, inner=inner, fit_params=fit_params, sample_weight=weights
    )


def _takes_weights(model: Any) -> bool:
    from sklearn.utils.validation import has_fit_parameter

    return bool(has_fit_parameter(model, "sample_weight"))


def _native_categories(model: Any, prefix: Pipeline) -> dict[str, Any]:
    """Tell a learner which prepared columns are codes of categories."""
    names = prefix.get_feature_names_out()
    positions = [i for i, name in enumerate(names) if name.startswith(f"{NATIVE}__")]
    if "categorical_features" in model.get_params():
        model.set_params(categorical_features=positions or None)
        return {}
    is_lightgbm = type(model).__module__.startswith("lightgbm")
    return {"categorical_feature": positions} if positions and is_lightgbm else {}


def _inner_split(
    place: Workplace, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return positions in ``rows`` that train and that stop the boosting."""
    n = len(rows)
    n_stop = min(max(int(INNER_SHARE * n), INNER_ROWS), n // 5, INNER_ENOUGH)
    if n_stop < 4:
        return None
    seed = place.random_state
    blank = np.zeros((n, 1))
    if place.time is not None:
        order = np.argsort(place.time[rows], kind="stable")
        return np.sort(order[:-n_stop]), np.sort(order[-n_stop:])
    if place.groups is not None and len(np.unique(place.groups[rows])) > 2:
        by_group = GroupShuffleSplit(1, test_size=n_stop / n, random_state=seed)
        return next(by_group.split(blank, groups=place.groups[rows]))
    if place.classes is not None:
        counts = np.bincount(place.y[rows].astype(np.int64))
        counts = counts[counts > 0]
        if counts.min() > 1 and len(counts) <= n_stop:
            stratified = StratifiedShuffleSplit(1, test_size=n_stop, random_state=seed)
            return next(stratified.split(blank, place.y[rows]))
    return next(ShuffleSplit(1, test_size=n_stop, random_state=seed).split(blank))


def _predict(place: Workplace, model: Any, X: Any, *, coded: bool) -> np.ndarray:
    """Return numbers, or probabilities of all classes of the run.

    ``coded`` says whether the model was fitted on codes or on the user's labels.
    """
    if place.classes is None:
        return np.asarray(model.predict(X), dtype=np.float64).ravel()
    found = np.asarray(model.predict_proba(X), dtype=np.float64)
    full = np.zeros((found.shape[0], len(place.classes)))
    codes = np.asarray(model.classes_)
    if not coded:
        codes = np.searchsorted(_plain_classes(place.classes), codes)
    full[:, codes.astype(np.int64)] = found
    return full


def _refit(place: Workplace, task: Task) -> Pipeline:
    """Return the configuration fitted on all rows, with the user's own labels."""
    candidate = place.candidates[task.candidate]
    pipeline = build_pipeline(
        candidate, task.params or {}, place.layout, place.random_state
    )
    rows = _at_most(np.arange(len(place.y)), task.max_rows, place.random_state)
    prefix, X = _fit_prefix(place, pipeline[:-1], rows)
    model = pipeline[-1]
    labels = _labels(place, rows)
    weights = _rows(place.sample_weight, rows)
    fit_params = _native_categories(model, prefix)
    threads = "n_jobs" in model.get_params()
    if threads:
        model.set_params(n_jobs=task.n_jobs)
    resource = candidate.resource
    if resource is not None and task.rounds is not None:
        growth = Growth(resource.param, task.rounds, task.deadline)
        _refit_growing(model, X, labels, growth, fit_params, weights)
    else:
        if weights is not None and _takes_weights(model):
            fit_params["sample_weight"] = weights
        model.fit(X, labels, **fit_params)
    if threads:
        model.set_params(n_jobs=1)
    return pipeline


def _refit_growing(
    model: Any,
    X: Any,
    labels: np.ndarray,
    growth: Growth,
    fit_params: dict[str, Any],
    weights: np.ndarray | None,
) -> None:
    if "early_stopping" in model.get_params():
        model.set_params(early_stopping=False)
    made, _ = fit_growing(
        model, X, labels, growth, inner=None, fit_params=fit_params,
        sample_weight=weights,
    )  # fmt: skip
    model.set_params(**{growth.param: made})


def _importance(place: Workplace, task: Task) -> dict[str, Any]:
    """Return the drop in score when a column of held-out rows is permuted.

    Breiman's permutation importance (Random forests, 2001), on a model fitted to the
    training rows of one fold. Stops at the deadline with the columns it has.
    """
    candidate = place.candidates[task.candidate]
    pipeline = build_pipeline(
        candidate, task.params or {}, place.layout, place.random_state
    )
    train, test = place.splits[task.fold]
    train = _at_most(train, task.max_rows, place.random_state)
    test = _at_most(test, IMPORTANCE_ROWS, place.random_state)
    prefix, X_train = _fit_prefix(place, pipeline[:-1], train)
    model = pipeline[-1]
    _fit_model(
        place, candidate, model, prefix, X_train, place.y[train], train, task.deadline
    )
    frame, y = place.X.iloc[test], place.y[test]
    weights = _rows(place.sample_weight, test)

    def score_of(X: pd.DataFrame) -> float:
        prediction = _predict(place, model, prefix.transform(X), coded=True)
        return place.metric.score(y, prediction, weights)

    rng = np.random.default_rng(place.random_state)
    whole = score_of(frame)
    drops: dict[str, list[float]] = {}
    columns = rng.permutation(np.array(frame.columns, dtype=object))
    for column in columns[:IMPORTANCE_COLUMNS]:
        if task.deadline is not None and time.monotonic() > task.deadline:
            break
        drops[str(column)] = []
        for _ in range(REPEATS):
            shuffled = frame.copy()
            shuffled[column] = frame[column].to_numpy()[rng.permutation(len(frame))]
            drops[str(column)].append(whole - score_of(shuffled))
    return {"drops": drops, "n_train": len(train), "n_test": len(test)}
