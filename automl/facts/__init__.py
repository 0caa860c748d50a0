"""A finished run to facts: all that the report says, as JSON, before any looks.

Facts are small whatever the size of the data, and need neither data nor model to be
rendered. Of the data they hold names of columns and classes, ranges and quantiles of
numbers, counts, names of levels that at least ten rows share, and of a regression up to
1,000 pairs of a predicted and an actual value: no whole row and no text of the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.facts.advice import dearest
from automl.facts.circumstances import Circumstances
from automl.facts.columns import MAX_TEXT, describe_columns
from automl.facts.compact import compact, shorten
from automl.facts.comparison import describe_folds
from automl.facts.curves import performance
from automl.facts.data import describe_data
from automl.facts.decisions import overlooked
from automl.facts.diagram import describe_pipeline
from automl.facts.explanation import describe_explanation
from automl.facts.repeat import shareable
from automl.facts.rivals import comparison
from automl.facts.script import winners_script
from automl.facts.searching import search_facts
from automl.facts.standings import failures, leaderboard, ranked
from automl.facts.trajectory import progress, slices
from automl.facts.verdict import give_verdict, label_of_metric
from automl.trial import BASELINE, DERIVED, TEMPERATURE, Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from automl.folds import Folds
    from automl.metrics import Metric
    from automl.table import Table

__all__ = ["FORMAT", "Importance", "RunRecord", "build_facts"]

FORMAT = 1
"""Version of the facts' keys."""

WEAK_SLICES = "AML017"
"""Code of the check that tells on which rows the winner is worse."""

MAX_IMPORTANT = 100
"""Columns of the importance's table."""

TASK_TEXTS = {
    "binary": "classification into two classes",
    "multiclass": "classification",
    "regression": "regression",
}
"""What people read for a task."""


@dataclass(frozen=True)
class Importance:
    """How much worse the winner scores when a column's values are shuffled.

    Attributes
    ----------
    columns : tuple of str
        The user's names, most important first.
    mean, std : tuple of float
        Drop of the score (greater is better) and its standard deviation.
    note : str
        How it was measured, in a sentence.
    """

    columns: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    note: str


@dataclass(frozen=True)
class RunRecord:
    """All that is left of a run when it ends.

    Attributes
    ----------
    table, metric, folds : Table, Metric, Folds
        What was worked on, what was optimised, and on which splits.
    trials : tuple of Trial
        In the order of dispatch; the baseline is the first.
    winner : int
        Number of the winning trial: of what predicts, if that was scored.
    predictions : callable
        From a trial's number to out-of-fold predictions of shape (n_rows, n_classes)
        or (n_rows,), NaN where a row was not scored.
    titles : dict
        Candidate's name to title.
    importance : Importance or None
        Of the winner.
    pipeline : estimator
        The fitted pipeline of the best configuration, for the diagram.
    members : tuple of (int, float, bool)
        Of what predicts: number of a trial, its weight, and whether the models of its
        folds predict and not one that is fitted on all rows.
    settings : dict
        Constructor parameters, as JSON values.
    timeline : dict
        Seconds of ``read``, ``search``, ``refit``, ``report``, ``total``, ``budget``.
    cpu_s : dict
        Seconds of processors inside ``folds`` (those that were scored) and ``end``
        (fits on all rows, importance, canary).
    limits : dict
        What was kept and allowed of time and memory, in words.
    interrupted : bool
        Whether the search was stopped before its budget ended.
    started_utc : str
        ISO 8601.
    environment : dict
        Versions and machine.
    notes : tuple of str
        Sentences about the run.
    estimate : dict or None
        See `automl.appraisal.estimate_facts`.
    simplest : int or None
        Number of the trial that the one-standard-error rule takes.
    limited : str
        The limits for which what was to predict was given up; empty if none was.
    ruled : bool
        Whether the one-standard-error rule took what predicts.
    factors : tuple of float or None
        Of the classes, that what predicts finds labels by.
    unscored : str
        Name of the candidate that predicts and was never scored; empty if what predicts
        is the winner.
    checks : tuple of dict
        What its checks found, worst first.
    weak_slices : dict or None
        The winner's score on parts of the rows.
    explanation : dict or None
        What `automl.explain.explain` found of the best single configuration.
    repeat : dict or None
        See `automl.settings.to_repeat`.
    """

    table: Table
    metric: Metric
    folds: Folds
    trials: tuple[Trial, ...]
    winner: int
    predictions: Callable[[int], np.ndarray]
    titles: Mapping[str, str]
    importance: Importance | None
    pipeline: Any
    members: tuple[tuple[int, float, bool], ...]
    settings: Mapping[str, Any]
    timeline: Mapping[str, Any]
    cpu_s: Mapping[str, float]
    limits: Mapping[str, str]
    interrupted: bool
    started_utc: str
    environment: Mapping[str, str]
    notes: tuple[str, ...]
    estimate: Mapping[str, Any] | None = None
    simplest: int | None = None
    limited: str = ""
    ruled: bool = False
    factors: tuple[float, ...] | None = None
    unscored: str = ""
    checks: tuple[Mapping[str, Any], ...] = ()
    weak_slices: Mapping[str, Any] | None = None
    explanation: Mapping[str, Any] | None = None
    repeat: Mapping[str, Any] | None = None

    @property
    def best(self) -> Trial:
        """The winning trial."""
        return next(t for t in self.trials if t.number == self.winner)


def build_facts(record: RunRecord) -> dict[str, Any]:
    """Return all facts of the report.

    Parameters
    ----------
    record : RunRecord
        The finished run.

    Returns
    -------
    dict
        JSON values only; NaN and infinity are None.

        - ``format``: version of these keys.
        - ``run``: ``target``, ``task``, ``task_text``, ``task_reason``, ``n_rows``,
          ``n_columns``, ``n_used``, ``n_classes``, ``cv``, ``n_folds``, ``folds``,
          ``interrupted``, ``started_utc``, ``timeline``, ``limits``, ``fingerprint``,
          ``notes``, ``n_trials``, ``n_finished``, ``n_raced``, ``n_failed``.
        - ``metric``: ``name``, ``label``, ``sign``, ``better``, ``arrow``.
        - ``estimate``: None, or see `automl.appraisal.estimate_facts`.
        - ``verdict``: see `automl.facts.verdict.give_verdict`.
        - ``leaderboard``, ``failures``: see `automl.facts.standings`.
        - ``progress``, ``slices``: see `automl.facts.trajectory`.
        - ``search``: see `automl.facts.searching.search_facts`.
        - ``performance``: see `automl.facts.curves.performance`.
        - ``importance``: None, or ``rows`` (name, mean, std), ``note``, ``cut``.
        - ``members``: of what predicts, each ``trial``, ``title``, ``weight``,
          ``natural`` and ``bagged``; none for the baseline.
        - ``temperature``: None, or what the logarithms of the probabilities of what
          predicts are divided by.
        - ``factors``: None, or what probabilities are multiplied by to find the label,
          in the order of the classes.
        - ``pipeline``: see `automl.facts.diagram.describe_pipeline`.
        - ``columns``: ``rows``, ``cut``, ``n_all``, ``n_left_out``.
        - ``checks``: what was checked, worst first, each ``code``, ``title``,
          ``status``, ``evidence``, ``action`` and ``columns``.
        - ``weak_slices``: None, or ``rows`` (``column``, ``slice``, ``n``, ``natural``
          with ``low`` and ``high``, ``difference`` to all other rows,
          ``significant``), ``overall``, ``note``.
        - ``comparison``: see `automl.facts.rivals.comparison`.
        - ``explanation``: see `automl.facts.explanation.describe_explanation`.
        - ``data``: see `automl.facts.data.describe_data`.
        - ``script``: see `automl.facts.script.winners_script`.
        - ``titles``, ``environment``: as given; ``settings``: those that decide what
          comes out.
        - ``repeat``: None, or ``own`` (settings that were objects) and ``beside`` (what
          else was given: ``name``, and whether that is a ``column``).
    """
    table, metric, winner = record.table, record.metric, record.best
    names = {c.id: shorten(str(c.name), MAX_TEXT) for c in table.columns}
    titles = {str(k): shorten(str(v), MAX_TEXT) for k, v in record.titles.items()}
    titles.setdefault(BASELINE, "Baseline")
    wrong = failures(record.trials, titles)
    order = ranked(record.trials)
    judged = performance(
        table.task, table.y, np.asarray(record.predictions(record.winner)),
        record.folds, table.classes, record.factors,
    )  # fmt: skip
    facts: dict[str, Any] = {
        "format": FORMAT,
        "run": _run(record, order, wrong["n_all"]),
        "metric": {
            "name": metric.name,
            "label": label_of_metric(metric.name),
            "sign": metric.sign,
            "better": "higher" if metric.sign > 0 else "lower",
            "arrow": "↑" if metric.sign > 0 else "↓",
        },
        "estimate": None if record.estimate is None else dict(record.estimate),
        "verdict": give_verdict(
            record.trials,
            order,
            winner,
            record.folds,
            metric,
            titles,
            record.estimate,
            _circumstances(record, titles, judged),
        ),
        "leaderboard": leaderboard(
            record.trials, winner, record.folds, metric, titles, record.simplest
        ),
        "failures": wrong,
        "progress": progress(record.trials, metric),
        "slices": slices(record.trials, metric, titles),
        "search": search_facts(record.trials, metric, titles),
        "performance": judged,
        "importance": _importance(record.importance),
        "members": _members(record, titles),
        "temperature": _temperature(record.best),
        "factors": record.factors,
        "pipeline": describe_pipeline(record.pipeline, names),
        "columns": describe_columns(table),
        "checks": [_finding(found) for found in record.checks],
        "weak_slices": _weak_slices(record.weak_slices),
        "comparison": comparison(
            order, winner, record.folds, metric, titles, record.predictions
        ),
        "explanation": describe_explanation(record.explanation, table),
        "data": describe_data(table),
        "titles": titles,
        "settings": shareable(record.settings),
        "repeat": record.repeat,
        "environment": record.environment,
    }
    facts["performance"]["weighted"] = table.sample_weight is not None
    small: dict[str, Any] = compact(facts)
    small["script"] = winners_script(record.pipeline, table)  # cut, it would not run
    return small


def _circumstances(
    record: RunRecord, titles: Mapping[str, str], judged: Mapping[str, Any]
) -> Circumstances:
    decided, known = judged.get("thresholds"), record.importance
    return Circumstances(
        overlooked=overlooked(decided, judged["positive"]) if decided else "",
        weakest=next(
            (
                f["evidence"]
                for f in record.checks
                if f["code"] == WEAK_SLICES and f["status"] == "note"
            ),
            "",
        ),
        limits=record.limited,
        simplest=record.ruled,
        unscored=titles.get(record.unscored, record.unscored),
        seconds=record.timeline.get("total"),
        dearest=() if known is None else dearest(known.columns, known.mean, known.std),
    )


def _run(record: RunRecord, order: list[Trial], n_failed: int) -> dict[str, Any]:
    table = record.table
    averages = (BASELINE, *DERIVED)
    tried = [t for t in record.trials if t.candidate not in averages]
    return {
        "target": shorten(str(table.target), MAX_TEXT),
        "task": table.task,
        "task_text": TASK_TEXTS[table.task]
        + (f" into {table.n_classes} classes" if table.task == "multiclass" else ""),
        "task_reason": table.task_reason,
        "n_rows": table.n_rows,
        "n_columns": len(table.columns),
        "n_used": len(table.used),
        "n_classes": table.n_classes,
        "cv": record.folds.name,
        "n_folds": len(record.folds),
        "folds": describe_folds(record.folds),
        "interrupted": record.interrupted,
        "started_utc": record.started_utc,
        "timeline": dict(record.timeline),
        "cpu_s": dict(record.cpu_s),
        "limits": dict(record.limits),
        "fingerprint": table.fingerprint,
        "notes": list(record.notes) + [n for n in table.notes if n not in record.notes],
        "n_trials": len(tried),
        "n_finished": sum(t.candidate not in averages for t in order),
        "n_raced": sum(t.status == "raced" for t in tried),
        "n_failed": n_failed,
    }


def _temperature(winner: Trial) -> float | None:
    """Return what the logarithms of its probabilities are divided by, if anything."""
    found = winner.params.get(TEMPERATURE) if winner.candidate in DERIVED else None
    return None if found is None else float(found)


def _members(record: RunRecord, titles: Mapping[str, str]) -> list[dict[str, Any]]:
    by_number = {t.number: t for t in record.trials}
    known = [(by_number[n], w, b) for n, w, b in record.members if n in by_number]
    return [
        {
            "trial": trial.number,
            "title": titles.get(trial.candidate, trial.candidate),
            "weight": weight,
            "natural": record.metric.natural(trial.score),
            "bagged": bagged,
        }
        for trial, weight, bagged in known
    ]


def _importance(importance: Importance | None) -> dict[str, Any] | None:
    if importance is None or not importance.columns:
        return None
    everything = zip(importance.columns, importance.mean, importance.std, strict=True)
    rows = [[shorten(n, MAX_TEXT), m, s] for n, m, s in everything]
    cut = None
    if len(rows) > MAX_IMPORTANT:
        cut = f"{len(rows) - MAX_IMPORTANT} less important columns are not listed."
    return {"rows": rows[:MAX_IMPORTANT], "note": importance.note, "cut": cut}


def _finding(found: Mapping[str, Any]) -> dict[str, Any]:
    names = [shorten(str(name), MAX_TEXT) for name in found["columns"]]
    return {**found, "columns": names[:MAX_IMPORTANT]}


def _weak_slices(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if found is None:
        return None
    rows = [
        {
            **row,
            "column": shorten(str(row["column"]), MAX_TEXT),
            "slice": shorten(str(row["slice"]), MAX_TEXT),
        }
        for row in found["rows"]
    ]
    return {**found, "rows": rows}
