"""From the history to a model: an ensemble, a fit on all rows, or what there is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from automl.assembly import Part, assemble, bag_of, from_raw, refit_of
from automl.baseline import baseline_pipeline
from automl.history import History, derived
from automl.kept import has_model
from automl.refit_order import refit_order
from automl.trial import BASELINE, TEMPERATURE, FoldResult, Trial

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sklearn.pipeline import Pipeline

    from automl.candidates import Candidate
    from automl.ensemble import Blend
    from automl.finish import Finish
    from automl.metrics import Metric
    from automl.search import Search
    from automl.table import Table

__all__ = [
    "Deployed", "Given", "Member", "blended", "deployed", "ensemble_trial",
    "there",
]  # fmt: skip


@dataclass(frozen=True)
class Member:
    """A configuration in what predicts.

    Attributes
    ----------
    trial : Trial
        Which.
    weight : float
        Its share.
    bagged : bool
        Whether the models of its folds predict, and not one that is fitted on all rows.
    """

    trial: Trial
    weight: float
    bagged: bool


@dataclass(frozen=True)
class Deployed:
    """What predicts after a run.

    Attributes
    ----------
    trial : Trial
        What was scored: an ensemble or a configuration; the small model that was
        fitted first has no score (NaN).
    shown : int
        Number of the trial that the report is about: what predicts, if it was scored.
    pipeline : Pipeline
        From the raw table.
    members : tuple of Member
        What it is made of; none for the baseline and the small model.
    single_trial : Trial
        The best configuration by itself.
    single : Pipeline
        Its pipeline.
    single_members : tuple of Member
        What that is made of.
    notes : tuple of str
        What to say where it is not the leader.
    """

    trial: Trial
    shown: int
    pipeline: Pipeline
    members: tuple[Member, ...]
    single_trial: Trial
    single: Pipeline
    single_members: tuple[Member, ...]
    notes: tuple[str, ...]

    @property
    def shares(self) -> tuple[tuple[int, float, bool], ...]:
        """Trial, weight and whether it is bagged, of each member."""
        return tuple((m.trial.number, m.weight, m.bagged) for m in self.members)


@dataclass(frozen=True)
class Given:
    """What a run has when its fits are over.

    Attributes
    ----------
    finish : Finish
        Fits on all rows.
    search : Search
        For the small model that was fitted first.
    history : History
        All configurations.
    table : Table
        What is predicted.
    metric : Metric
        What is scored.
    candidates : dict
        By name.
    folder : Path
        Where the models of folds are.
    n_folds : int
        Folds of the run.
    blend : Blend or None
        Weights of an ensemble.
    bag : bool
        Whether the models of folds are preferred to fits on all rows.
    notes : list of str
        Grows.
    bags : dict
        Models of folds that were read, by trial and number of folds: grows.
    """

    finish: Finish
    search: Search
    history: History
    table: Table
    metric: Metric
    candidates: Mapping[str, Candidate]
    folder: Path
    n_folds: int
    blend: Blend | None
    bag: bool
    notes: list[str] = field(default_factory=list)
    bags: dict[tuple[int, int], list[Part]] = field(default_factory=dict)


def ensemble_trial(blend: Blend, history: History, at_s: float) -> Trial:
    """Return an ensemble as one more configuration, with its members as parameters.

    Parameters
    ----------
    blend : Blend
        Weights and scores.
    history : History
        Of its members.
    at_s : float
        Seconds since the run began.
    """
    number = len(history)
    members = [history[n] for n in blend.weights]
    folds = tuple(
        FoldResult(
            number, k, "ok", score, fit_s=sum(_fold(t, k).fit_s for t in members),
            predict_s=sum(_fold(t, k).predict_s for t in members), started_s=at_s,
            ended_s=at_s,
        )
        for k, score in enumerate(blend.scores)
    )  # fmt: skip
    params = {f"trial {n}": round(w, 4) for n, w in blend.weights.items()}
    if blend.temperature != 1.0:
        params[TEMPERATURE] = blend.temperature
    return derived(number, params, folds)


def _fold(trial: Trial, fold: int) -> FoldResult:
    return next(f for f in trial.folds if f.fold == fold)


def deployed(given: Given, ensemble: Trial | None) -> Deployed:
    """Return what predicts: the ensemble, else the best configuration that there is.

    Parameters
    ----------
    given : Given
        What there is.
    ensemble : Trial or None
        The ensemble as a configuration.
    """
    given.notes.extend(given.finish.errors)
    trial, shown, single, members = _single(given)
    pipeline, of = single, members
    if ensemble is not None and given.blend is not None:
        parts, kept = blended(given, given.blend)
        if parts:
            trial, shown, of = ensemble, ensemble.number, kept
            pipeline = assemble(parts, given.table, given.blend.temperature)
    if given.bag and trial is not ensemble and not any(m.bagged for m in members):
        bag = _bagged(given, given.history.preferred()[0])
        if bag is not None:
            trial, shown, pipeline, of = bag
        elif members:
            given.notes.append(
                "The models of the folds are not all there: a fit on all rows predicts."
            )
    single_trial = members[0].trial if members else trial
    return Deployed(
        trial, shown, pipeline, of, single_trial, single, members, tuple(given.notes)
    )


def blended(given: Given, blend: Blend) -> tuple[list[Part], tuple[Member, ...]]:
    """Return the parts of the ensemble; none if too much of it is missing."""
    found: list[tuple[Member, list[Part]]] = []
    for number, weight in blend.weights.items():
        trial = given.history[number]
        for bagged in (given.bag, not given.bag):
            parts = _parts(given, trial, weight, bagged=bagged)
            if parts:
                found.append((Member(trial, weight, bagged), parts))
                break
    if not found and len(blend.weights) == 1:  # what is said of the leader says it
        return [], ()
    if not _know_all_classes([p for _, own in found for p in own], given.table):
        given.notes.append(
            "The models that were to predict do not know all classes: the best single "
            "configuration was taken."
        )
        return [], ()
    if len(found) < len(blend.weights):
        return [], ()
    return [p for _, own in found for p in own], tuple(member for member, _ in found)


def there(given: Given, blend: Blend) -> tuple[int, ...]:
    """Return the members of an ensemble that there are models of."""
    return tuple(
        number
        for number, weight in blend.weights.items()
        if any(
            _parts(given, given.history[number], weight, bagged=bagged)
            for bagged in (False, True)
        )
    )


def _parts(given: Given, trial: Trial, weight: float, *, bagged: bool) -> list[Part]:
    """Return a trial's fitted models; none if they are not there."""
    if not bagged:
        refit = given.finish.refits.get(trial.number)
        if refit is None or refit.truncated:
            return []
        return [refit_of(trial, weight, given.candidates, given.table, refit.value)]
    key = (trial.number, len(trial.folds))
    if key not in given.bags:
        try:
            parts = bag_of(trial, 1.0, given.candidates, given.table, given.folder)
        except Exception:  # noqa: BLE001 - a model that cannot be read is not there
            parts = []
        given.bags[key] = parts
    return [replace(part, weight=weight * part.weight) for part in given.bags[key]]


Chosen = tuple[Trial, int, "Pipeline", tuple[Member, ...]]


def _single(given: Given) -> Chosen:
    """Return the best configuration that there is a model of, the shown number too."""
    finish, table = given.finish, given.table
    leader = given.history.preferred()[0]
    if given.bag and not finish.wanted.single:
        bag = _bagged(given, leader)
        if bag is not None:
            return bag
    lost = leader.number in finish.unended
    why = "did not end" if lost else "did not fit in the time left"
    if finish.pipeline is not None and finish.winner is not None:
        winner = finish.winner
        shown = winner.number if winner.scores else leader.number
        if winner.status != "ok":
            given.notes.append(
                f"No configuration finished all folds: the model is that of trial "
                f"{winner.number}, which was scored on {len(winner.scores)} of them."
            )
        elif winner.number != leader.number:
            given.notes.append(
                f"Trial {leader.number} was to predict, but its fit on all rows {why}; "
                f"trial {winner.number} was taken."
            )
        pipeline = from_raw(table, finish.pipeline)
        return winner, shown, pipeline, (Member(winner, 1.0, bagged=False),)
    bag = _bagged(given, leader)
    if bag is not None:
        rows = "the holdout's training rows" if given.n_folds == 1 else "the folds"
        given.notes.append(
            f"The model is the one that was fitted to {rows}: a fit on all rows {why}."
        )
        return bag
    if finish.stump is not None and finish.winner is not None:
        pipeline = from_raw(table, finish.stump)
        return leader, leader.number, pipeline, (Member(leader, 1.0, bagged=False),)
    return _others_folds(given) or _unfinished(given) or _last_resort(given, leader)


def _bagged(given: Given, leader: Trial) -> Chosen | None:
    """Return the average of the leader's fold models, if they are there."""
    if leader.candidate == BASELINE:
        return None
    parts = _parts(given, leader, 1.0, bagged=True)
    if not parts or not _know_all_classes(parts, given.table):
        return None
    pipeline = assemble(parts, given.table)
    return leader, leader.number, pipeline, (Member(leader, 1.0, bagged=True),)


def _others_folds(given: Given) -> Chosen | None:
    """Return the fold models of the best of the others that has them all."""
    leader, *others = given.history.preferred()
    if leader.candidate == BASELINE:
        return None
    for trial in others:
        if trial.candidate == BASELINE:  # the others are worse than the constant
            break
        bag = _bagged(given, trial)
        if bag is not None:
            given.notes.append(
                f"Trial {leader.number} was to predict, but has no model in the time "
                f"left; the models of the folds of trial {trial.number} were taken."
            )
            return bag
    return None


def _unfinished(given: Given) -> Chosen | None:
    """Return the average of the fold models of what was stopped on its way."""
    for trial in refit_order(given.history):
        if trial.status == "ok":
            continue
        made = (
            f
            for f in trial.folds
            if f.status == "ok" and has_model(given.folder, trial.number, f.fold)
        )
        part = replace(trial, folds=tuple(made))
        parts = _parts(given, part, 1.0, bagged=True) if part.folds else []
        if parts and _know_all_classes(parts, given.table):
            given.notes.append(
                f"No configuration finished all folds: the models of {len(part.folds)} "
                f"of {given.n_folds} folds of trial {trial.number} predict."
            )
            pipeline = assemble(parts, given.table)
            return part, trial.number, pipeline, (Member(part, 1.0, bagged=True),)
    return None


def _last_resort(given: Given, leader: Trial) -> Chosen:
    """Return the small model that was fitted first, or the constant."""
    search, table = given.search, given.table
    alone = all(t.status != "ok" for t in given.history if t.number)
    if (
        (alone or leader.candidate != BASELINE)
        and search.fallback is not None
        and _knows_all_classes(search.fallback, table)
    ):
        given.notes.append(
            "No configuration was fitted on all rows in the time left: the model "
            "is the small one that was fitted first, and was never scored."
        )
        trial = Trial(-1, search.fallback_task.candidate, {}, "fallback", "ok")
        return trial, leader.number, from_raw(table, search.fallback), ()
    if alone:
        given.notes.append(_commonest_failure(given.history))
    elif leader.candidate != BASELINE:
        given.notes.append(
            f"Trial {leader.number} scored best, but no configuration was fitted "
            "on all rows in the time left: the model is the constant prediction."
        )
    first = given.history[0]
    return first, first.number, baseline_pipeline(table, given.metric), ()


def _know_all_classes(parts: list[Part], table: Table) -> bool:
    """Return whether the parts together know every class."""
    if table.classes is None:
        return True
    known = {int(place) for p in parts if p.places is not None for place in p.places}
    return len(known) == len(table.classes)


def _knows_all_classes(pipeline: Pipeline, table: Table) -> bool:
    """Return whether a model that saw a part of the rows saw every class."""
    return table.classes is None or len(pipeline.classes_) == len(table.classes)


def _commonest_failure(history: History) -> str:
    reasons = [t.reason for t in history if t.number and t.reason]
    if not reasons:
        return "No configuration finished: the budget was too short."
    commonest = max(set(reasons), key=reasons.count)
    return (
        f"No configuration finished: {reasons.count(commonest)} of {len(reasons)} "
        f"failed with {commonest}"
    )
