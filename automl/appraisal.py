"""A finished search to the score to quote it with: what is resampled, and how.

The arithmetic is `automl.estimate`'s; here it is decided which configurations and how
many drawings the time allows, and what is said about it.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.calibration import temperature_of
from automl.effort import CONFIGURATIONS, effort_of
from automl.estimate import LEVEL, Estimate, corrected, from_folds
from automl.estimators.temperature import tempered
from automl.labelling import has_factors, with_labels
from automl.racing import paired_score
from automl.resampled_scores import scorer_of
from automl.scored import too_few
from automl.scored_rows import scored_rows
from automl.selection import Selection
from automl.trial import BASELINE, DERIVED, ENSEMBLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from automl.budget import Budget
    from automl.choice import Simplest
    from automl.history import History
    from automl.metrics import Metric
    from automl.problem import Problem
    from automl.scored import Scored
    from automl.trial import Trial

__all__ = [
    "Appraised", "alike", "appraise", "contenders_of", "estimate_facts",
]  # fmt: skip

MANY_UNITS = 10_000
"""With so many, what was left out of the selection hardly shows: chance moves a rate by
half a hundredth then, and the best of many by a little more."""


@dataclass(frozen=True)
class Appraised:
    """What to expect of the model, and what that took.

    Attributes
    ----------
    estimate : Estimate or None
        None where what predicts was never scored.
    seconds : float
        Wall time.
    mixes : bool
        Whether an average was chosen in each drawing.
    warning : str or None
        Why nothing can be concluded from so few rows, or why it is optimistic.
    n_tried : int
        Configurations that the winner was selected from.
    simplest : bool
        Whether the one-standard-error rule was repeated.
    tempered : bool
        Whether what predicts has a temperature.
    constant : float or None
        What the baseline scores on the very rows of the estimate, put together in the
        same way; None where that is the mean of its folds, or is not known.
    """

    estimate: Estimate | None
    seconds: float = 0.0
    mixes: bool = False
    warning: str | None = None
    n_tried: int = 0
    simplest: bool = False
    tempered: bool = False
    constant: float | None = None


def appraise(
    winner: Trial,
    history: History,
    problem: Problem,
    predictions: Callable[[int, int], np.ndarray],
    budget: Budget,
    *,
    rule: Simplest | None = None,
    temperature: float = 1.0,
    hurry: bool = False,
    is_over: Callable[[], bool] = lambda: False,
) -> Appraised:
    """Return what to expect of what predicts.

    Parameters
    ----------
    winner : Trial
        What predicts, as it was scored.
    history : History
        All configurations.
    problem : Problem
        What was worked on.
    predictions : callable
        From a trial's number and a fold to out-of-fold predictions.
    budget : Budget
        Of the run; the share for this is `automl.reserve.SCORE_SHARE`.
    rule : Simplest, default=None
        What the one-standard-error rule took, where that predicts.
    temperature : float, default=1.0
        Of the probabilities of what predicts.
    hurry : bool, default=False
        Whether the user waits for the end.
    is_over : callable
        Asked after some drawings whether he waits by now.
    """
    begun = time.monotonic()
    if winner.number < 0 or not winner.scores:
        return Appraised(None)
    rows = scored_rows(problem.table, problem.folds)
    table = problem.table
    blocks = table.time is not None and table.groups is None  # rows count, not blocks
    n_units = len(rows) if blocks else rows.n_units
    warning = too_few(rows.y, n_units, is_classification=table.is_classification)
    estimate, n_tried, constant = None, 0, None
    if winner.status == "ok":
        finished, given_up = _contenders(winner, history, free=rule is not None)
        n_all = len(finished) + len(given_up)
        n_tried = n_all - sum(t.candidate == BASELINE for t in finished)
        timed = hurry or budget.time_s is not None
        effort = effort_of(problem, rows, budget, winner, n_all, hurry=hurry)
        end = budget.clock() + effort.seconds if timed else math.inf
        kept: dict[int, np.ndarray] = {}
        if effort.drawings:
            kept = contenders_of(
                finished, given_up, len(problem.folds), predictions, effort.most
            )
        if kept:
            estimate = corrected(
                list(kept.values()), rows, problem.metric,
                _selection(list(kept), winner, rule),
                finish=_finish(winner, temperature, rows), n_resamples=effort.drawings,
                is_over=lambda: is_over() or (timed and budget.clock() > end),
            )  # fmt: skip
            capped = estimate is not None and estimate.score > winner.score
            estimate = _at_most(estimate, winner.score)
            if estimate is not None:
                base = next((t for t in history if t.candidate == BASELINE), None)
                # it is no configuration of anyone's
                n_kept = len(kept) - (base is not None and base.number in kept)
                estimate = replace(estimate, n_configurations=n_kept)
                if len(kept) < min(n_all, CONFIGURATIONS) and n_units < MANY_UNITS:
                    warning = warning or _left_out(n_kept, n_tried)
                warning = warning or alike(estimate)
                if not capped:  # else it is a mean of folds, as the baseline's is
                    constant = _of_constant(base, rows, problem, predictions)
    if estimate is None:
        n_tried = sum(1 for t in history if t.number and t.scores)
        scores = list(winner.scores.values())
        bounds = problem.metric.bounds
        sizes = [problem.folds.sizes[k] for k in winner.scores]
        estimate = from_folds(scores, sizes, n_tried, bounds)
    return Appraised(
        estimate, time.monotonic() - begun, winner.candidate == ENSEMBLE, warning,
        n_tried, rule is not None, temperature != 1.0, constant,
    )  # fmt: skip


def _of_constant(
    base: Trial | None,
    rows: Scored,
    problem: Problem,
    predictions: Callable[[int, int], np.ndarray],
) -> float | None:
    """Return what the baseline scores on all rows that the estimate is of.

    The mean of its folds is another figure for a metric like RMSE, and a good model was
    then behind it.
    """
    if base is None or len(base.scores) < len(problem.folds):
        return None
    try:
        blocks = [predictions(base.number, k) for k in range(len(problem.folds))]
    except (OSError, ValueError, EOFError):  # a note says that the disk refused
        return None
    ones = np.ones((1, len(rows)), dtype=np.uint8)
    metric = problem.metric
    p = with_labels(metric, rows.y, np.concatenate(blocks), rows.weight)
    score = scorer_of(metric, rows, p)(ones)[0]
    return float(score) if math.isfinite(score) else None


def _finish(
    winner: Trial, temperature: float, rows: Scored
) -> Callable[[np.ndarray], np.ndarray]:
    """Return what becomes of probabilities before they are given.

    An average keeps the temperature of the whole, one configuration gets its own. Each
    is one number from all rows: it is not chosen anew in each drawing.
    """
    if temperature == 1.0:
        return np.asarray
    if winner.candidate == ENSEMBLE:
        return lambda p: tempered(p, temperature)
    return lambda p: tempered(p, temperature_of(p, rows))


def alike(estimate: Estimate | None) -> str | None:
    """Return what to say of an interval without width."""
    if estimate is None or estimate.low < estimate.high:
        return None
    return "All drawings score alike: the interval is too narrow, more rows are needed."


def _left_out(n_kept: int, n_tried: int) -> str:
    """Return that the selection was repeated among some only."""
    return (
        f"The selection was repeated among {n_kept} of {n_tried} configurations, for "
        "lack of time or memory: the score stays a little optimistic."
    )


def _at_most(estimate: Estimate | None, score: float) -> Estimate | None:
    """Return an estimate that is no better than what the selection saw.

    A correction goes down; what lies above is chance of the drawings, and a figure
    beyond the one that is called optimistic would be believed by nobody.
    """
    if estimate is None or estimate.score <= score:
        return estimate
    return replace(estimate, score=score, low=min(estimate.low, score))


def _contenders(
    winner: Trial, history: History, *, free: bool
) -> tuple[list[Trial], list[Trial]]:
    """Return what was selected from: finished, and given up after some of the folds.

    What scored better than the winner and could not be deployed is none, unless the
    selection was free to leave the best.
    """
    finished = [t for t in history.finished() if t.candidate not in DERIVED]
    if winner.candidate == ENSEMBLE:
        finished = [t for t in finished if t.candidate != BASELINE]
    elif not free:
        finished = [t for t in finished if t.score <= winner.score]
    given_up = [t for t in history if t.status in ("raced", "cancelled") and t.scores]
    return finished, given_up


def _selection(
    numbers: Sequence[int], winner: Trial, rule: Simplest | None
) -> Selection:
    """Return how one of these trials is taken."""
    if rule is None:
        return Selection(mixes=winner.candidate == ENSEMBLE)
    places = {number: place for place, number in enumerate(numbers)}
    order = tuple(places[n] for n in rule.order if n in places)
    rest = tuple(p for p in range(len(numbers)) if p not in set(order))
    return Selection(rule.slack, (*order, *rest))


def contenders_of(
    finished: Sequence[Trial],
    given_up: Sequence[Trial],
    n_folds: int,
    predictions: Callable[[int, int], np.ndarray],
    most: int,
) -> dict[int, np.ndarray]:
    """Return predictions for all entries, by trial, the best first.

    What was given up was selected from as well, as far as it came: where it was not
    scored, the leader's predictions stand for its own. It then trails the leader on
    all rows, and may lead on some. Without it the estimate is too good: on noise, of 60
    configurations, by .75 standard errors instead of .29.

    Parameters
    ----------
    finished, given_up : list of Trial
        With all folds, the best first; with some.
    n_folds : int
        Of the run.
    predictions : callable
        From a trial's number and a fold to its out-of-fold predictions.
    most : int
        Trials at most.
    """
    found: dict[int, np.ndarray] = {}
    leader: list[np.ndarray] = []
    n_all = len(finished) + len(given_up)
    if n_all > most and finished:  # a fair share of both kinds
        share = -(-most * len(finished) // n_all)
        given_up = _foremost(given_up, finished[0])[: most - share]
        finished = finished[:share]
    for trial in [*finished, *given_up]:
        if len(found) == most:
            break
        scored = trial.scores
        if len(scored) < n_folds and not leader:
            break
        try:
            blocks = [
                predictions(trial.number, k) if k in scored else leader[k]
                for k in range(n_folds)
            ]
        except (OSError, ValueError, EOFError):  # a note says that the disk refused
            continue
        leader = leader or blocks
        found[trial.number] = np.concatenate(blocks)
    return found


def _foremost(trials: Sequence[Trial], leader: Trial) -> list[Trial]:
    """Return them by what they have lost to the leader on the folds that both have."""
    return sorted(trials, key=lambda t: -paired_score(t, leader))


def estimate_facts(
    found: Appraised, metric: Metric, raw: float
) -> dict[str, Any] | None:
    """Return the estimate as facts of the report, natural values.

    Parameters
    ----------
    found : Appraised
        What to expect.
    metric : Metric
        Of the run.
    raw : float
        The score that the winner was selected by, greater is better.

    Returns
    -------
    dict or None
        ``natural``, ``low``, ``high``, ``level``, ``method``, ``text``, ``raw``,
        ``baseline`` (on the same rows; None if only that of the folds is known),
        ``n_configurations``, ``n_resamples``, ``seconds``, ``warning``.
    """
    estimate = found.estimate
    if estimate is None:
        return None
    ends = sorted(metric.natural(end) + 0.0 for end in (estimate.low, estimate.high))
    return {
        "natural": metric.natural(estimate.score) + 0.0,  # no minus zero
        "low": ends[0],
        "high": ends[1],
        "level": LEVEL,
        "method": estimate.method,
        "text": _text(estimate, found, labelled=has_factors(metric)),
        "raw": metric.natural(raw),
        "baseline": None
        if found.constant is None
        else metric.natural(found.constant) + 0.0,
        "n_configurations": estimate.n_configurations,
        "n_resamples": estimate.n_resamples,
        "seconds": found.seconds,
        "warning": found.warning,
    }


def _text(estimate: Estimate, found: Appraised, *, labelled: bool) -> str:
    """Return how an estimate was made, in a sentence."""
    n_rows, times = f"{estimate.n_rows:,}", f"{estimate.n_resamples:,}"
    if estimate.method == "test":
        return (
            f"Scored on {n_rows} test rows that the search never saw; the interval is "
            f"from {times} drawings of them."
        )
    if estimate.method == "naive":
        return (
            "The mean of the folds with the corrected resampled t-interval: the "
            "selection could not be repeated, so the score is optimistic."
        )
    if estimate.n_configurations == found.n_tried <= 1:
        what = "The configuration" if found.n_tried else "The baseline"
        return (
            f"{what} was scored on the rows outside each of {times} random "
            f"drawings of the {n_rows} scored rows: bootstrap bias-corrected "
            "cross-validation (BBC-CV)."
        )
    n = f"{estimate.n_configurations:,}"
    if found.n_tried > estimate.n_configurations:
        n += f" of {found.n_tried:,}"
    what = f"The best of {n} configurations was"
    if found.mixes:
        what = f"An ensemble from {n} configurations was"
    elif found.simplest:
        what = f"The simplest of {n} configurations within one standard error was"
    return (
        f"{what} chosen anew on each of {times} random drawings of the {n_rows} scored "
        "rows, and scored on the rows not drawn: bootstrap bias-corrected "
        "cross-validation (BBC-CV)."
        + " Labels were chosen anew in each drawing." * labelled
        + " The temperature is that of all rows." * found.tempered
    )
