"""One task of the search, done in a worker: fit a fold, refit the winner, explain it.

Whatever a configuration raises is its result.
"""

from __future__ import annotations

import math
import os
import time
import traceback
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.pipeline import Pipeline

from automl.canary import sing
from automl.estimators.growing import fit_growing
from automl.estimators.logarithm import opened
from automl.estimators.patience import Growth
from automl.explain import explain
from automl.fitting import (
    fit_model,
    fit_prefix,
    learning_weights,
    native_categories,
    predict,
    prepare_fold,
    takes_weights,
)
from automl.freeing import forget, give_back
from automl.history import as_kept
from automl.kept import keep_model
from automl.labelling import fold_score
from automl.permuted import permute
from automl.pipeline import build_pipeline, split_params
from automl.sandbox import sandbox
from automl.trial import FoldResult
from automl.workplace import at_most, labels_of, open_workplace, rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from automl.prepared import Prepared
    from automl.workplace import Workplace

__all__ = ["Outcome", "Task", "failed", "run_task"]


LATER_SHARE = 0.25
"""Most of a fit's time that is kept to prepare the rows that score, by the measure of
those that train: less is fitted to them."""

STOP_SHARE = 0.8
"""Of what a fold may take in all, when a learner that grows stops by itself."""

WAIT_S = 0.01
"""Seconds that a worker without a task sleeps: asking is work for the parent, too."""

LONG_S = 0.5
"""Seconds after which what a task freed is given back: that takes up to .02."""


@dataclass(frozen=True)
class Task:
    """What a worker is asked to do.

    Attributes
    ----------
    kind : str
        ``fold``, ``refit``, ``importance``, ``canary`` or ``wait``.
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
    limit_s : float or None
        Seconds from its own start after which the parent ends the process.
    rounds : int or None
        Rounds of a refit.
    n_jobs : int
        Threads of a refit.
    max_rows : int or None
        Training rows used at most; the rest is left out by chance.
    keep_from_s : float
        Seconds of a fit from which a fold's fitted pipeline is kept on disk: a shorter
        one is rather made again. Infinite keeps none.
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
    limit_s: float | None = None
    rounds: int | None = None
    n_jobs: int = 1
    max_rows: int | None = None
    keep_from_s: float = math.inf


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
        Predictions of a fold, the pipeline of a refit, what an importance or a canary
        gave.
    error : str or None
        Traceback, if it failed. If it did not end, why: ``late`` (never begun),
        ``timeout``, ``memory``, ``cancelled``, ``crash`` (it ended its worker) or
        ``lost`` (its worker ended beside it).
    detail : str or None
        How its worker ended.
    truncated : bool
        Whether a refit was cut short by its deadline.
    mark : (int, float) or None
        Of a task that did not end: its process, and when it began, on
        `time.monotonic`.
    ended_s : float or None
        When its end was found, on the same clock.
    cpu_s : float
        Seconds of a processor, all threads, of what is no fold.
    """

    task: Task
    result: FoldResult | None = None
    value: Any = None
    error: str | None = None
    truncated: bool = False
    detail: str | None = None
    mark: tuple[int, float] | None = None
    ended_s: float | None = None
    cpu_s: float = 0.0


def run_task(folder: Path, task: Task, *, worker: bool = False) -> Outcome:
    """Do a task and return what came of it; no exception but an interrupt leaves.

    Parameters
    ----------
    folder : Path
        Of the workplace.
    task : Task
        What to do.
    worker : bool, default=False
        Whether this process is a worker of ours, and no program of the user's.
    """
    if task.kind == "wait":
        time.sleep(WAIT_S)
        return Outcome(task)
    if task.deadline is not None and time.monotonic() > task.deadline:
        return Outcome(task, error="late")
    started, cpu = time.monotonic(), time.process_time()
    try:
        place, prepared = open_workplace(folder)
        with sandbox(worker=worker), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if task.kind == "fold":
                return _fold(folder, place, prepared, task)
            if task.kind == "refit":
                pipeline, truncated = _refit(place, task)
                outcome = Outcome(task, value=pipeline, truncated=truncated)
            else:
                measure = _canary if task.kind == "canary" else _importance
                outcome = Outcome(task, value=measure(place, task))
            return replace(outcome, cpu_s=time.process_time() - cpu)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - a failed configuration, `sys.exit` too
        return failed(task, traceback.format_exc(), time.monotonic() - started)
    finally:
        if time.monotonic() - started > LONG_S:
            give_back()


def failed(task: Task, error: str, seconds: float) -> Outcome:
    """Return the outcome of a task that raised.

    Parameters
    ----------
    task : Task
        What was asked.
    error : str
        Traceback; its last line is the reason.
    seconds : float
        That it took.
    """
    reason = error.strip().splitlines()[-1][:300]
    result, now = None, time.monotonic()
    if task.kind == "fold":
        result = FoldResult(
            task.trial, task.fold, "error", worker=os.getpid(), error=error[-6000:],
            reason=reason, fit_s=seconds, started_s=now - seconds, ended_s=now,
        )  # fmt: skip
    return Outcome(task, result=result, error=error)


def _fold(folder: Path, place: Workplace, prepared: Prepared, task: Task) -> Outcome:
    started, cpu = time.monotonic(), time.process_time()
    train, test = place.splits[task.fold]
    train = at_most(train, task.max_rows, place.random_state, _classes(place))
    candidate = place.candidates[task.candidate]
    pipeline = build_pipeline(
        candidate, task.params or {}, place.layout, place.random_state
    )
    begun = time.monotonic()
    options, _ = split_params(candidate, task.params or {})
    ready, kept = prepare_fold(
        place, prepared, pipeline[:-1], options, (task.fold, task.max_rows), train
    )
    prefix, X_train, X_test, seconds = ready
    del ready
    took_s = time.monotonic() - begun
    stop_at = _stop_at(task, started, time.monotonic())
    if X_test is None:  # those are prepared after the fit
        later_s = took_s * len(test) / len(train)
        stop_at = _leaving_room(stop_at, time.monotonic(), later_s)
    model = pipeline[-1]
    rounds, truncated = fit_model(
        place, candidate, model, prefix, X_train, place.y[train], train,
        stop_at, overwrite=not kept, n_scored=len(test),
    )  # fmt: skip
    del X_train
    if X_test is None:  # so many rows wait until those that train are not held
        X_test = prefix.transform(place.X.iloc[test])
    fitted = time.monotonic()
    prediction = predict(place, model, X_test)
    predicted = time.monotonic()
    weights = rows_of(place.sample_weight, test)
    score = fold_score(
        place.metric, place.y[test], prediction, weights, rows_of(place.unit, test)
    )
    # what preparing took before is part of what this configuration takes
    fit_s = fitted - started + max(0.0, seconds - took_s)
    if fit_s >= task.keep_from_s and np.isfinite(score):
        whole = Pipeline([*prefix.steps, ("model", model)])
        keep_model(folder, task.trial, task.fold, whole)
    result = FoldResult(
        trial=task.trial,
        fold=task.fold,
        status="ok" if np.isfinite(score) else "invalid_score",
        score=score if np.isfinite(score) else None,
        fit_s=fit_s,
        predict_s=predicted - fitted,
        cpu_s=time.process_time() - cpu,
        started_s=started,
        ended_s=time.monotonic(),
        rounds=rounds,
        truncated=truncated,
        worker=os.getpid(),
        reason=None if np.isfinite(score) else f"{place.metric.name} gave {score}",
    )
    return Outcome(task, result, as_kept(prediction))


def _stop_at(task: Task, started: float, prepared: float) -> float | None:
    """Return when a learner that grows must stop, on `time.monotonic`.

    Its seconds count from the end of preparing: the first configuration of a
    preparation makes what the others find, and is to be judged like them.
    """
    ends = [] if task.deadline is None else [task.deadline]
    if task.longest_s is not None:
        ends.append(prepared + task.longest_s)
    if task.limit_s is not None:  # else it would be ended without a model
        ends.append(started + STOP_SHARE * task.limit_s)
    return min(ends, default=None)


def _leaving_room(stop_at: float | None, now: float, later_s: float) -> float | None:
    """Return when a fit must stop for what comes after it to be done in time."""
    if stop_at is None:
        return None
    return stop_at - min(later_s, LATER_SHARE * max(0.0, stop_at - now))


def _refit(place: Workplace, task: Task) -> tuple[Pipeline, bool]:
    """Fit the configuration on all rows, with the user's own labels.

    Returns the pipeline and whether its deadline cut it short.
    """
    started = time.monotonic()
    truncated = False
    candidate = place.candidates[task.candidate]
    pipeline = build_pipeline(
        candidate, task.params or {}, place.layout, place.random_state
    )
    rows = at_most(
        np.arange(len(place.y)), task.max_rows, place.random_state, _classes(place)
    )
    prefix, X = fit_prefix(place, pipeline[:-1], rows)
    model, labels = opened(pipeline[-1], labels_of(place, rows))
    weights = learning_weights(place, rows)
    fit_params = native_categories(model, prefix)
    threads = "n_jobs" in model.get_params()
    if threads:
        model.set_params(n_jobs=task.n_jobs)
    resource = candidate.resource
    if resource is not None and task.rounds is not None:
        growth = Growth(resource.param, task.rounds, _stop_at(task, started, started))
        truncated = _refit_growing(model, X, labels, growth, fit_params, weights)
    else:
        if weights is not None and takes_weights(model):
            fit_params["sample_weight"] = weights
        model.fit(X, labels, **fit_params)
    if threads:
        model.set_params(n_jobs=1)
    return pipeline, truncated


def _classes(place: Workplace) -> np.ndarray | None:
    return None if place.classes is None else place.y


def _refit_growing(
    model: Any,
    X: Any,
    labels: np.ndarray,
    growth: Growth,
    fit_params: dict[str, Any],
    weights: np.ndarray | None,
) -> bool:
    if "early_stopping" in model.get_params():
        model.set_params(early_stopping=False)
    made, truncated = fit_growing(
        model, X, labels, growth, inner=None, fit_params=fit_params,
        sample_weight=weights, release=forget,
    )  # fmt: skip
    model.set_params(**{growth.param: made})
    return truncated and made < growth.high


def _canary(place: Workplace, task: Task) -> dict[str, Any] | None:
    return sing(
        place, task.candidate, task.params or {}, task.fold, task.deadline,
        task.max_rows,
    )  # fmt: skip


def _importance(place: Workplace, task: Task) -> dict[str, Any]:
    """Return what the winner loses by each column, and how it answers to the first.

    Of a model fitted to the training rows of one fold. What `automl.permuted.permute`
    leaves of the time goes to `automl.explain.explain`.
    """
    candidate = place.candidates[task.candidate]
    pipeline = build_pipeline(
        candidate, task.params or {}, place.layout, place.random_state
    )
    train, test = place.splits[task.fold]
    train = at_most(train, task.max_rows, place.random_state, _classes(place))
    prefix, X_train = fit_prefix(place, pipeline[:-1], train)
    model = pipeline[-1]
    fit_model(
        place, candidate, model, prefix, X_train, place.y[train], train, task.deadline
    )
    found = permute(place, prefix, model, train, test, task.deadline)
    rows, drops = found.pop("rows"), found["drops"]
    order = sorted(drops, key=lambda name: -float(np.mean(drops[name])))
    try:
        return found | explain(place, prefix, model, rows, order, task.deadline)
    except Exception as error:  # noqa: BLE001 - the importance is there all the same
        return found | {"unexplained": type(error).__name__}
