"""Limits of what predicts, milliseconds for a row and megabytes: measured, then kept.

A model is taken from a list of ever smaller ones, best first; the first that is within
the limits, else the best that is not clearly farther from them than others are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from automl.assembly import assemble, from_raw
from automl.calibration import calibrated
from automl.cost import Cost, cost_of
from automl.ensemble import pruned
from automl.naming import with_labels_chosen
from automl.refit_order import ahead_of
from automl.scored_rows import scored_rows
from automl.trial import BASELINE, CALIBRATED
from automl.winner import Deployed, Member, blended, ensemble_trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy as np

    from automl.ensemble import Blend
    from automl.evaluate import Outcome
    from automl.problem import Problem
    from automl.table import Table
    from automl.trial import Trial
    from automl.winner import Given

__all__ = ["Choice", "Constraints", "constrained", "unchecked"]

CLEARLY_LESS = 0.5
"""Where no model is within the limits: excess, as a share of that of a preferred model,
up to which a smaller one takes its place. A score is not given away for a limit that is
missed all the same."""

TRIES = 8
"""Configurations beside the members of the ensemble that are fitted on all rows to see
whether they are small enough: the best of each family first."""


@dataclass(frozen=True)
class Constraints:
    """What a deployed model may cost.

    Attributes
    ----------
    max_predict_ms, max_model_mib : float or None
        As `automl.AutoML` takes them; None for no limit.
    """

    max_predict_ms: float | None = None
    max_model_mib: float | None = None

    def __bool__(self) -> bool:
        return self.max_predict_ms is not None or self.max_model_mib is not None

    def __str__(self) -> str:
        given = (
            ("max_predict_ms", self.max_predict_ms),
            ("max_model_mib", self.max_model_mib),
        )
        return " and ".join(f"{k}={v:g}" for k, v in given if v is not None)

    def excess(self, cost: Cost) -> float:
        """Return how many times too much a cost is; at most 1 is within the limits.

        Examples
        --------
        >>> Constraints(max_predict_ms=10.0).excess(Cost(25.0, 1000.0))
        2.5
        """
        shares = [0.0]
        if self.max_predict_ms is not None:
            shares.append(cost.predict_ms / self.max_predict_ms)
        if self.max_model_mib is not None and cost.model_mib is not None:
            shares.append(cost.model_mib / self.max_model_mib)
        return max(shares)


@dataclass(frozen=True)
class Choice:
    """A model that may be deployed.

    Attributes
    ----------
    out : Deployed
        With its pipeline.
    ensemble : Trial or None
        The ensemble as a configuration, if it is one.
    blend : Blend or None
        Its weights.
    warning : str
        What to warn of, if it is not within the limits.
    """

    out: Deployed
    ensemble: Trial | None
    blend: Blend | None
    warning: str = ""

    @property
    def what(self) -> str:
        """The model in words."""
        members = self.out.members
        if not members:
            return f"the {self.out.trial.candidate}"
        trial, calibrated = members[0].trial, ""
        if self.ensemble is not None and self.ensemble.candidate == CALIBRATED:
            calibrated = "calibrated "
        name = f"trial {trial.number} ({calibrated}{trial.candidate})"
        if self.ensemble is not None and not calibrated:
            name = f"an ensemble of {len(members)} configurations"
        bagged = any(m.bagged for m in members)
        return f"{name} with a model for each fold" if bagged else name


def constrained(
    first: Choice,
    given: Given,
    problem: Problem,
    constraints: Constraints,
    predictions: Callable[[int, int], np.ndarray],
    fit: Callable[[Trial], Outcome | None],
    is_over: Callable[[], bool] = lambda: False,
) -> Choice:
    """Return the best model within the limits, else one near them, with a note of it.

    Parameters
    ----------
    first : Choice
        What would predict without limits.
    given : Given
        What the search and the fits after it left.
    problem : Problem
        What was worked on.
    constraints : Constraints
        The limits.
    predictions : callable
        From a trial's number and a fold to predictions of its scored rows.
    fit : callable
        Returns a trial's fit on all rows, made now if need be; None if that fails or
        there is no time for it.
    is_over : callable
        Asked after each model whether there is no time for another.
    """
    table = problem.table
    measured: list[tuple[Choice, Cost]] = []
    for choice in _choices(first, given, problem, predictions, fit, is_over):
        if choice is not first:  # that has its labels
            out = with_labels_chosen(choice.out, choice.blend, problem, predictions)
            choice = replace(choice, out=out)  # noqa: PLW2901
        sized = constraints.max_model_mib is not None
        cost = cost_of(choice.out.pipeline, table, sized=sized)
        measured.append((choice, cost))
        if constraints.excess(cost) <= 1 or is_over():
            break
    found, cost = _chosen(measured, constraints)
    out = found.out
    notes = list(out.notes)
    if found is not first:
        notes.append(_what_it_cost(measured[0], (found, cost), constraints, problem))
    warning = ""
    if constraints.excess(cost) > 1:
        warning = (
            f"No model was found within {constraints}: {found.what} predicts, which "
            f"takes {cost} ({len(measured)} models were measured)."
        )
        notes.append(warning)
    return replace(found, out=replace(out, notes=tuple(notes)), warning=warning)


def _chosen(
    measured: list[tuple[Choice, Cost]], constraints: Constraints
) -> tuple[Choice, Cost]:
    """Return the one within the limits, else the best that is nearly as close as any.

    Where none is within them, configurations that were not scored on all folds come
    last, and a model gives way only to one with a clearly smaller excess.
    """
    if constraints.excess(measured[-1][1]) <= 1:
        return measured[-1]
    complete = [pair for pair in measured if pair[0].out.trial.status == "ok"]
    excess = [constraints.excess(cost) for _, cost in complete or measured]
    near = next(i for i, e in enumerate(excess) if CLEARLY_LESS * e < min(excess))
    return (complete or measured)[near]


def unchecked(first: Choice, constraints: Constraints, error: Exception) -> Choice:
    """Return what would predict without limits, as measuring it raised."""
    note = (
        f"{constraints} could not be checked, as {type(error).__name__} was raised: "
        f"{first.what} predicts."
    )
    out = replace(first.out, notes=(*first.out.notes, note))
    return replace(first, out=out, warning=note)


def _what_it_cost(
    before: tuple[Choice, Cost],
    after: tuple[Choice, Cost],
    constraints: Constraints,
    problem: Problem,
) -> str:
    metric = problem.metric
    was, now = (metric.natural(c.out.trial.score) for c, _ in (before, after))
    trial, n_folds = after[0].out.trial, len(problem.folds)
    part = f" on {len(trial.scores)} of {n_folds} folds" if trial.status != "ok" else ""
    return (
        f"For {constraints}, {after[0].what} predicts ({after[1]}) instead of "
        f"{before[0].what} ({before[1]}): cross-validated {metric.name} "
        f"{now:.4g}{part} instead of {was:.4g}."
    )


def _choices(
    first: Choice,
    given: Given,
    problem: Problem,
    predictions: Callable[[int, int], np.ndarray],
    fit: Callable[[Trial], Outcome | None],
    is_over: Callable[[], bool],
) -> Iterator[Choice]:
    """Yield models, the preferred ones first; those that need a fit are fitted then."""
    yield first
    history = given.history
    leader = history.finished()[0]
    refitted = replace(given, bag=False, notes=[])

    def mended(whole: Blend | None, trial: Trial) -> Blend | None:
        """Return it with a temperature of its own, where what gives way has one."""
        if first.blend is None or first.blend.temperature == 1.0:
            return whole
        rows, folds = scored_rows(problem.table, problem.folds), problem.folds
        given_rows = (predictions, rows, folds, problem.metric)
        return calibrated(whole, trial, *given_rows, is_over)

    if first.ensemble is not None and first.blend is not None:
        if any(m.bagged for m in first.out.members):
            fits = [fit(history[n]) for n in first.blend.weights]
            if None not in fits:
                yield from _ensembles([first.blend], refitted, first)
        table, metric = problem.table, problem.metric
        smaller = pruned(
            replace(first.blend, temperature=1.0), leader, predictions, table.y,
            problem.folds, metric, table.sample_weight, is_over,
        )  # fmt: skip
        fewer = (mended(less, leader) or less for less in smaller)
        yield from _ensembles(fewer, refitted, first)
    if leader.candidate == BASELINE:
        return
    tries = 0
    chosen = history.preferred()[0]  # the leader, or what the rule of simplicity took
    first_ones = [chosen] if chosen is leader else [chosen, leader]
    others = (t for t in _by_family(given) if t is not chosen)
    for trial in [*first_ones, *others]:
        if trial not in first_ones and tries == TRIES:
            return
        tries += trial not in first_ones
        outcome = fit(trial)
        if outcome is None or _is_first(trial, first):
            continue
        own = mended(None, trial) if trial.status == "ok" else None
        blends = [] if own is None else [own]
        alone = Choice(_alone(trial, outcome, first.out, given.table), None, None)
        yield from list(_ensembles(blends, refitted, first)) or [alone]


def _is_first(trial: Trial, first: Choice) -> bool:
    """Return whether a fit of this trial on all rows was measured already."""
    if [m.trial.number for m in first.out.members] != [trial.number]:
        return False
    calibrated = first.ensemble is not None and first.ensemble.candidate == CALIBRATED
    return calibrated or not first.out.members[0].bagged


def _ensembles(
    blends: Iterable[Blend], given: Given, first: Choice
) -> Iterator[Choice]:
    for blend in blends:
        parts, members = blended(given, blend)
        if len(members) < len(blend.weights) or any(m.bagged for m in members):
            continue
        trial = ensemble_trial(blend, given.history, _at_s(first))
        out = replace(
            first.out, trial=trial, shown=trial.number, members=members,
            pipeline=assemble(parts, given.table, blend.temperature),
        )  # fmt: skip
        yield Choice(out, trial, blend)


def _at_s(first: Choice) -> float:
    folds = () if first.ensemble is None else first.ensemble.folds
    return folds[0].started_s if folds else 0.0


def _by_family(given: Given) -> list[Trial]:
    """Return configurations but the leader, the best of each family first.

    Those that were given up on the way come last: what is fast often loses the race
    early. None is behind the baseline.
    """
    history = given.history
    leader, *others = (t for t in history.finished() if t.candidate != BASELINE)
    others = [t for t in others if not t.score <= history[0].score]
    ahead = {
        t.number: ahead_of(t, history[0])
        for t in history
        if t.number and t.scores and t.status == "raced"
    }
    dropped = [history[n] for n in sorted(ahead, key=lambda n: -ahead[n])]
    seen = {leader.candidate}
    best: list[Trial] = []
    rest: list[Trial] = []
    for trial in [*others, *(t for t in dropped if ahead[t.number] > 0)]:
        (rest if trial.candidate in seen else best).append(trial)
        seen.add(trial.candidate)
    return [*best, *rest]


def _alone(trial: Trial, outcome: Outcome, out: Deployed, table: Table) -> Deployed:
    """Return one configuration, fitted on all rows, as what predicts."""
    pipeline: Any = from_raw(table, outcome.value)
    members = (Member(trial, 1.0, bagged=False),)
    return replace(
        out, trial=trial, shown=trial.number, pipeline=pipeline, members=members
    )
