"""The first thing a reader sees: who won, by how much, and whether that means much."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from automl.facts.advice import advise, advised_again
from automl.facts.circumstances import Circumstances
from automl.facts.compact import DIGITS, rounded
from automl.facts.rivals import rivals_of
from automl.facts.standings import compare
from automl.trial import BASELINE, CALIBRATED, ENSEMBLE, Trial

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from automl.folds import Folds
    from automl.metrics import Metric

__all__ = ["expected", "give_verdict", "label_of_metric", "restated"]

LABELS = {
    "roc_auc": "ROC AUC",
    "roc_auc_ovr": "ROC AUC (one against the rest)",
    "roc_auc_ovo": "ROC AUC (one against one)",
    "average_precision": "average precision",
    "log_loss": "log loss",
    "brier": "Brier score",
    "f1": "F1",
    "f1_macro": "F1 (mean of classes)",
    "mcc": "Matthews correlation",
    "rmse": "RMSE",
    "mse": "MSE",
    "mae": "mean absolute error",
    "median_ae": "median absolute error",
    "mape": "mean absolute percentage error",
    "rmsle": "RMSLE",
    "r2": "R²",
}
"""What people call a metric."""


def label_of_metric(name: str) -> str:
    """Return what people call a metric.

    Examples
    --------
    >>> label_of_metric("roc_auc"), label_of_metric("balanced_accuracy")
    ('ROC AUC', 'balanced accuracy')
    """
    return LABELS.get(name, name.replace("_", " "))


def figure(value: float | None, like: float | None = None) -> str:
    """Return a number as in a sentence; a dash where there is none.

    It has the digits that facts keep, so that a sentence and a table, which are formed
    before and after, say the same.

    Parameters
    ----------
    value : float or None
        Whole numbers keep all their digits.
    like : float, default=None
        A number beside it, whose decimals it takes.

    Examples
    --------
    >>> figure(0.91234), figure(1234567.8), figure(0.00001234), figure(None), figure(7)
    ('0.9123', '1,234,600', '1.23e-05', '–', '7')
    >>> figure(2.1789, like=54.41)
    '2.18'
    """
    if value is None or not math.isfinite(value):
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    value, like = float(f"{value:.{DIGITS}g}"), rounded(like)
    if like is not None and abs(value) >= abs(like) / 1000:
        return f"{value:,.{_decimals(like)}f}"
    if 0 < abs(value) < 0.001:
        return f"{value:.3g}"
    return f"{value:,.{_decimals(value)}f}"


def _decimals(value: float) -> int:
    size = abs(value)
    return 4 if size < 10 else 2 if size < 100 else 1 if size < 1000 else 0


def give_verdict(
    trials: Sequence[Trial],
    order: Sequence[Trial],
    winner: Trial,
    folds: Folds,
    metric: Metric,
    titles: Mapping[str, str],
    estimate: Mapping[str, Any] | None = None,
    circumstances: Circumstances | None = None,
) -> dict[str, Any]:
    """Return the verdict.

    Parameters
    ----------
    trials : sequence of Trial
        All.
    order : sequence of Trial
        The ranked ones, best first.
    winner : Trial
        The winner: what predicts.
    folds, metric, titles : Folds, Metric, dict
        Of the run.
    estimate : dict, default=None
        What to expect on new rows; see `automl.appraisal.estimate_facts`.
    circumstances : Circumstances, default=None
        What else decided.

    Returns
    -------
    dict
        ``title``, ``trial``, ``natural``, ``std``, ``baseline`` and ``gain`` (of the
        estimate and its rows, if there is one; None without a baseline),
        ``beats_baseline``, ``sentence``, ``unscored`` (what predicts where that was
        never scored, or empty), ``why`` (a sentence, where what scored best does not
        predict, or None), ``second`` (a sentence about the best of another kind, or
        None),
        ``n_equal`` (how many others are within noise), ``advice`` (pairs of a reader
        and a sentence).
    """
    around = circumstances or Circumstances()
    title = titles.get(winner.candidate, winner.candidate)
    floor, gain = _floor_and_gain(winner, trials, folds, metric, estimate)
    why = around.why(winner, order, titles)
    others = rivals_of(winner, order)
    against = {t.number: compare(t, winner, folds) for t in others}
    equal = [t for t in others if against[t.number]["within_noise"]]
    own = {t.candidate for t in trials if t.number in winner.made_of}
    kind = own if winner.candidate == CALIBRATED else {winner.candidate}
    rival = next((t for t in others if t.candidate not in kind), None)
    if rival is None and others:
        rival = others[0]
    if winner.candidate == BASELINE:
        sentence = _of_baseline(winner, why, metric, around, finished=bool(order))
    else:
        sentence = _lead(title, winner, why, folds, around)
        sentence += _scores(
            winner, floor, gain, folds, metric, estimate, goes_on=sentence[-1] != "."
        )
        sentence += "" if why is None else f" {why}"
    return {
        "title": title,
        "trial": winner.number,
        "natural": metric.natural(winner.score),
        "std": winner.score_std,
        "baseline": None if floor is None else metric.natural(floor),
        "gain": gain,
        "beats_baseline": None if gain is None else gain > 0,
        "sentence": around.unscored_sentence + sentence,
        "unscored": around.unscored,
        "why": why,
        "second": None
        if rival is None
        else _second(rival, winner, against[rival.number], titles, around.cause),
        "second_within_noise": None
        if rival is None
        else against[rival.number]["within_noise"],
        "n_equal": len(equal),
        "advice": advise(
            trials, winner, equal, titles, estimate, around,
            beaten=gain is None or gain > 0, finished=bool(order), chosen=why is None,
        ),
    }  # fmt: skip


def restated(
    verdict: Mapping[str, Any],
    trials: Sequence[Trial],
    winner: Trial,
    folds: Folds,
    metric: Metric,
    estimate: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return a verdict with another estimate; all else is as it was.

    Parameters
    ----------
    verdict : dict
        As `give_verdict` gave it.
    trials, winner, folds, metric, estimate
        As in `give_verdict`.
    """
    if winner.candidate == BASELINE:
        return dict(verdict)  # its sentence is about no estimate
    why = verdict.get("why")
    around = Circumstances(unscored=verdict.get("unscored", ""))
    floor, gain = _floor_and_gain(winner, trials, folds, metric, estimate)
    lead = _lead(verdict["title"], winner, why, folds, around)
    lead += _scores(
        winner, floor, gain, folds, metric, estimate, goes_on=lead[-1] != "."
    )
    lead += "" if why is None else f" {why}"
    return {
        **verdict,
        "sentence": around.unscored_sentence + lead,
        "baseline": None if floor is None else metric.natural(floor),
        "gain": gain,
        "beats_baseline": None if gain is None else gain > 0,
        "advice": advised_again(
            verdict["advice"], estimate, beaten=gain is None or gain > 0,
            chosen=why is None,
        ),
    }  # fmt: skip


def _baseline(trials: Sequence[Trial]) -> Trial | None:
    """Return the baseline, if it has a score."""
    base = next((t for t in trials if t.candidate == BASELINE), None)
    return None if base is None or math.isnan(base.score) else base


def _floor_and_gain(
    winner: Trial,
    trials: Sequence[Trial],
    folds: Folds,
    metric: Metric,
    estimate: Mapping[str, Any] | None,
) -> tuple[float | None, float | None]:
    """Return the baseline's score, and how much better new rows will be predicted.

    The selection score is optimistic, so it is taken where nothing else is known. What
    was scored on some folds only is compared on those, as they may be easy; an estimate
    with the baseline on its own rows.
    """
    base = _baseline(trials)
    if base is None:
        return None, None
    floor = base.score
    if winner.status != "ok":
        return floor, compare(base, winner, folds)["difference"]
    if winner.candidate == BASELINE or estimate is None or estimate["natural"] is None:
        return floor, winner.score - floor
    if estimate.get("baseline") is not None:
        floor = metric.sign * float(estimate["baseline"])
    return floor, metric.sign * float(estimate["natural"]) - floor


def _of_baseline(
    winner: Trial,
    why: str | None,
    metric: Metric,
    around: Circumstances,
    *,
    finished: bool,
) -> str:
    """Return the sentence where nothing is ahead of the baseline, or could be used."""
    score = f"{label_of_metric(metric.name)} is {figure(metric.natural(winner.score))}"
    if why is not None:
        return f"The baseline predicts, which looks at no column: its {score}. {why}"
    if not finished:
        return (
            f"No pipeline finished{around.in_time}. The baseline, which looks at no "
            f"column, is all that was scored: its {score}."
        )
    return (
        "No pipeline did better than the baseline, which looks at no column: its "
        f"{score}."
    )


def _lead(
    title: str, winner: Trial, why: str | None, folds: Folds, around: Circumstances
) -> str:
    """Return who won; where that is not the best score, what predicts."""
    if winner.status != "ok":
        part = f"{len(winner.scores)} of {len(folds)} folds"
        text = f"{title} (trial {winner.number}) predicts, scored on {part} only."
        return text if why else f"{text} No configuration finished all of them."
    if why is not None:
        return f"{title} (trial {winner.number}) predicts, which did not score best."
    return f"{title} scored best." if around.unscored else f"{title} wins"


def _scores(
    winner: Trial,
    floor: float | None,
    gain: float | None,
    folds: Folds,
    metric: Metric,
    estimate: Mapping[str, Any] | None,
    *,
    goes_on: bool,
) -> str:
    """Return the scores of what predicts; with `goes_on` to end a sentence begun."""
    name, natural = label_of_metric(metric.name), metric.natural(winner.score)
    spread = ""
    if math.isfinite(winner.score_std):
        spread = (
            f" ± {figure(winner.score_std, natural)} over {len(winner.scores)} folds"
        )
    elif len(folds) == 1:
        spread = " on one holdout"
    ahead = _ahead(floor, gain, metric, partial=winner.status != "ok")
    own = f"{figure(natural)}{spread}"
    if estimate is not None and estimate["natural"] is not None:
        return (
            f"{'.' if goes_on else ''} On new rows, expect {name} {expected(estimate)}"
            f"{ahead}. Its selection score (optimistic) is {own}."
        )
    if goes_on:
        return f" with a cross-validated {name} of {own} (optimistic){ahead}."
    return f" Its cross-validated {name} is {own} (optimistic){ahead}."


def _ahead(
    floor: float | None, gain: float | None, metric: Metric, *, partial: bool
) -> str:
    if floor is None or gain is None:
        return ""
    base = "on the same folds" if partial else f"({figure(metric.natural(floor))})"
    if gain <= 0:
        return f", no better than the baseline {base}"
    word = "above" if metric.sign > 0 else "below"
    return f", {figure(gain)} {word} the baseline {base}"


def expected(estimate: Mapping[str, Any]) -> str:
    """Return an estimate with its interval, as in a sentence.

    Examples
    --------
    >>> expected({"natural": 0.9123, "low": 0.897, "high": 0.926, "level": 0.95})
    '0.9123 (95 % interval 0.8970 to 0.9260)'
    >>> expected({"natural": 0.9123, "low": None, "high": None, "level": 0.95})
    '0.9123 (no interval is known)'
    """
    natural = estimate["natural"]
    low, high = (rounded(estimate[end]) for end in ("low", "high"))
    if low is None or high is None:
        return f"{figure(natural)} (no interval is known)"
    too_good = ", optimistic" if estimate.get("method") == "naive" else ""
    return (
        f"{figure(natural)} ({100 * estimate['level']:.0f} % interval "
        f"{figure(low, natural)} to {figure(high, natural)}{too_good})"
    )


def _second(
    rival: Trial,
    winner: Trial,
    against: Mapping[str, Any],
    titles: Mapping[str, str],
    cause: str,
) -> str:
    same = rival.candidate == winner.candidate
    name = titles.get(rival.candidate, rival.candidate)
    who = f"The best other configuration, trial {rival.number}," if same else (
        f"The best of another kind, {name} (trial {rival.number}),"
    )  # fmt: skip
    difference = against["difference"]
    if difference is None:
        return f"{who} was scored on other folds."
    gap = figure(abs(difference))
    if against["margin"] is None:
        word = "ahead" if difference < 0 else "behind"
        return f"{who} is {gap} {word}; one fold gives no measure of noise."
    size, margin = abs(difference), against["margin"]
    span = (
        f"{gap} on the same folds, 95 % interval {figure(size - margin, difference)} "
        f"to {figure(size + margin, difference)}"
    )
    if against["within_noise"]:
        return f"{who} is within noise of the winner ({span})."
    if against["better"]:
        return (
            f"{who} is better by more than noise ({span}) and was not taken: {cause}."
        )
    lead = f"{who} is behind by more than noise ({span})."
    if winner.candidate == ENSEMBLE:
        lead += " Part of that lead is optimism: the weights were chosen on these rows."
    return lead
