"""What a run works on: the table, how it is scored, and what is searched.

The same data and settings give the same problem, in a run and when it is repeated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.baseline import scoreable
from automl.candidates import Candidate, load_candidates
from automl.exceptions import AutoMLConfigError
from automl.fitting import unweighted
from automl.folds import Folds, choose_cv, make_folds
from automl.layout import Layout, idle_options
from automl.losses import learns_logarithm
from automl.metrics import OF_SECOND, Metric, resolve_metric
from automl.possible import least_of
from automl.scored import units_of
from automl.space import without
from automl.table import Table, make_table, warn_of_notes
from automl.workplace import plain_classes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl.settings import Settings

__all__ = ["Problem", "make_problem"]


@dataclass(frozen=True)
class Problem:
    """What a run works on.

    Attributes
    ----------
    table : Table
        Checked and encoded.
    metric : Metric
        What is scored.
    folds : Folds
        On which the metric is a number.
    cv : int or None
        What ``cv="auto"`` meant, or the number that was given; None for a splitter.
    candidates : tuple of Candidate
        Those that suit task and size, in the order of first tries.
    notes : tuple of str
        What was decided and left out, in sentences.
    """

    table: Table
    metric: Metric
    folds: Folds
    cv: int | None
    candidates: tuple[Candidate, ...]
    notes: tuple[str, ...]

    @property
    def n_train(self) -> int:
        """Mean number of training rows: forward splits grow."""
        return round(float(np.mean([len(train) for train, _ in self.folds.splits])))


def make_problem(
    X: Any,
    y: Any,
    settings: Settings,
    n_workers: int,
    *,
    groups: Any = None,
    time: Any = None,
    sample_weight: Any = None,
) -> Problem:
    """Return what a run on this table works on.

    Parameters
    ----------
    X, y, groups, time, sample_weight
        As in `automl.table.make_table`.
    settings : Settings
        What the user asked for.
    n_workers : int
        Processes; with the budget, they decide what ``cv="auto"`` means.

    Raises
    ------
    AutoMLDataError, AutoMLConfigError
        If the data or a parameter cannot be used.
    """
    candidates = load_candidates(settings.candidates)
    table = make_table(
        X, y, task=settings.task, metric=settings.metric, groups=groups, time=time,
        sample_weight=sample_weight, drop_missing_target=settings.drop_missing_target,
    )  # fmt: skip
    labels = None if table.classes is None else plain_classes(table.classes)
    metric = resolve_metric(settings.metric, table.task, labels)
    metric.checked(table.y, table.kept)
    metric = replace(metric, least=least_of(metric.name, table.y))
    cv = _cv(table, settings, n_workers)
    folds, dropped = scoreable(table, _folds(table, cv, settings.random_state), metric)
    fitting, unfit = _fitting(candidates, table, named=settings.candidates != "auto")
    warn_of_notes(table)  # of data that can be used
    number = int(cv) if isinstance(cv, int | np.integer) else None
    return Problem(
        table,
        metric,
        folds,
        number,
        fitting,
        (
            *table.notes, *folds.notes, *dropped, *unfit,
            *unweighted(fitting, table, metric), *_of_which_class(table, metric),
            *_of_logarithms(fitting, table, metric),
        ),
    )  # fmt: skip


def _of_which_class(table: Table, metric: Metric) -> tuple[str, ...]:
    """Return which of two classes the metric is of, where labels do not count them."""
    if table.task != "binary" or table.classes is None or metric.own:
        return ()
    if metric.name not in OF_SECOND or list(table.classes) == [0, 1]:
        return ()
    first, second = (str(label) for label in table.classes)
    note = f"{metric.name} is that of {second!r}, the second of the labels in order"
    if np.mean(table.y) > 1 / 2:
        note += f"; it is the commoner one. For {first!r}, give y == {first!r} as y"
    return (f"{note}.",)


def _of_logarithms(
    candidates: tuple[Candidate, ...], table: Table, metric: Metric
) -> tuple[str, ...]:
    """Return that logarithms are learnt, if they are."""
    layout = Layout.of(table, metric)
    learn = [
        c.title
        for c in candidates
        if learns_logarithm(layout, c, c.fixed_for(table.task))
    ]
    if not learn:
        return ()
    who = "" if len(learn) == len(candidates) else f" by {', '.join(learn)}"
    note = f"log(1 + target) is learnt{who}, which suits {metric.name} here"
    return (f"{note}; predictions are of the target itself.",)


def _cv(table: Table, settings: Settings, n_workers: int) -> Any:
    """Return what makes the folds; ``auto`` is a number that the budget allows."""
    if not isinstance(settings.cv, str) or settings.cv != "auto":
        return settings.cv
    time_s = settings.budget.time_s
    return choose_cv(
        table.n_rows, table.X.shape[1], table.n_classes,
        core_seconds=None if time_s is None else time_s * n_workers,
    )  # fmt: skip


def _folds(table: Table, cv: Any, random_state: int) -> Folds:
    found = make_folds(
        table.y, cv=cv, stratify=table.is_classification, groups=table.groups,
        time=table.time, random_state=random_state, kept=table.kept,
        copies=table.copies,
    )  # fmt: skip
    return replace(found, unit=units_of(table.groups, table.time, table.copies))


def _fitting(
    candidates: Mapping[str, Candidate], table: Table, *, named: bool
) -> tuple[tuple[Candidate, ...], tuple[str, ...]]:
    """Return the candidates that suit task and size, and why others do not.

    Of those that nobody named, only what is left out for the table's size is told.
    """
    size = (table.task, table.n_rows, table.X.shape[1], table.n_classes)
    idle = idle_options(Layout.of(table))
    why = {name: c.misfit(*size) for name, c in candidates.items()}
    fitting = tuple(without(c, idle) for n, c in candidates.items() if not why[n])
    if not fitting:
        raise AutoMLConfigError(
            f"None of the candidates ({', '.join(candidates)}) suits a {table.task} "
            f"table of {table.n_rows} rows by {table.X.shape[1]} columns.",
            code="E-candidates",
        )
    left_out: dict[str, list[str]] = {}
    for name, reason in why.items():
        if reason and (named or table.task in candidates[name].tasks):
            left_out.setdefault(reason, []).append(name)
    return fitting, tuple(
        f"Not tried: {', '.join(names)} ({reason})."
        for reason, names in left_out.items()
    )
