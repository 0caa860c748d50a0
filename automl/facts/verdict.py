"""The first thing a reader sees: who won, by how much, and whether that means much."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from automl.facts.standings import compare
from automl.history import BASELINE, FAILED, Trial

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

FASTER = 2.0
"""How much faster an equal model must predict to be worth a word."""


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

    Parameters
    ----------
    value : float or None
        Whole numbers keep all their digits.
    like : float, default=None
        A number beside it, whose decimals it takes.

    Examples
    --------
    >>> figure(0.91234), figure(1234567.8), figure(0.00001234), figure(None), figure(7)
    ('0.9123', '1,234,568', '1.23e-05', '–', '7')
    >>> figure(2.1789, like=54.41)
    '2.18'
    """
    if value is None or not math.isfinite(value):
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    if like is not None and math.isfinite(like) and abs(value) >= abs(like) / 1000:
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
) -> dict[str, Any]:
    """Return the verdict.

    Parameters
    ----------
    trials : sequence of Trial
        All.
    order : sequence of Trial
        The ranked ones, best first.
    winner : Trial
        The winner.
    folds, metric, titles : Folds, Metric, dict
        Of the run.
    estimate : dict, default=None
        What to expect on new rows; see `automl.appraisal.estimate_facts`.

    Returns
    -------
    dict
        ``title``, ``trial``, ``natural``, ``std``, ``baseline`` and ``gain`` (natural
        values, None without a baseline), ``beats_baseline``, ``sentence``, ``second``
        (a sentence about the best of another kind, or None), ``n_equal`` (how many
        others are within noise), ``advice`` (pairs of a reader and a sentence).
    """
    title = titles.get(winner.candidate, winner.candidate)
    floor = _floor(trials)
    gain = None if floor is None else winner.score - floor
    others = [t for t in order if t.number != winner.number]
    against = {t.number: compare(t, winner, folds) for t in others}
    equal = [t for t in others if against[t.number]["within_noise"]]
    rival = next((t for t in others if t.candidate != winner.candidate), None)
    if rival is None and others:
        rival = others[0]
    return {
        "title": title,
        "trial": winner.number,
        "natural": metric.natural(winner.score),
        "std": winner.score_std,
        "baseline": None if floor is None else metric.natural(floor),
        "gain": gain,
        "beats_baseline": None if gain is None else gain > 0,
        "sentence": _sentence(title, winner, floor, folds, metric, estimate),
        "second": None
        if rival is None
        else _second(rival, winner, against[rival.number], titles),
        "second_within_noise": None
        if rival is None
        else against[rival.number]["within_noise"],
        "n_equal": len(equal),
        "advice": _advice(trials, winner, equal, floor, titles, estimate),
    }


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
    title, promise = verdict["title"], "If you promise a figure"
    return {
        **verdict,
        "sentence": _sentence(title, winner, _floor(trials), folds, metric, estimate),
        "advice": [
            [reader, _promise(estimate) if reader == promise else sentence]
            for reader, sentence in verdict["advice"]
        ],
    }


def _floor(trials: Sequence[Trial]) -> float | None:
    """Return the score of the baseline."""
    base = next((t for t in trials if t.candidate == BASELINE), None)
    return None if base is None or math.isnan(base.score) else base.score


def _sentence(
    title: str,
    winner: Trial,
    floor: float | None,
    folds: Folds,
    metric: Metric,
    estimate: Mapping[str, Any] | None,
) -> str:
    name, natural = label_of_metric(metric.name), metric.natural(winner.score)
    if winner.candidate == BASELINE:
        return (
            "No pipeline did better than the baseline, which looks at no column: its "
            f"{name} is {figure(natural)}."
        )
    spread = ""
    if math.isfinite(winner.score_std):
        spread = (
            f" ± {figure(winner.score_std, natural)} over {len(winner.scores)} folds"
        )
    elif len(folds) == 1:
        spread = " on one holdout"
    if estimate is None or estimate["natural"] is None:
        text = f"{title} wins with a cross-validated {name} of {figure(natural)}"
        text += f"{spread} (optimistic)"
    else:
        text = (
            f"{title} wins. On new rows, expect {name} {expected(estimate)}. Its "
            f"selection score (optimistic) is {figure(natural)}{spread}"
        )
    if floor is None:
        return text + "."
    gain = winner.score - floor
    base = figure(metric.natural(floor))
    if gain <= 0:
        return f"{text}, no better than the baseline ({base})."
    word = "above" if metric.sign > 0 else "below"
    return f"{text}, {figure(gain)} {word} the baseline ({base})."


def expected(estimate: Mapping[str, Any]) -> str:
    """Return an estimate with its interval, as in a sentence.

    Examples
    --------
    >>> expected({"natural": 0.9123, "low": 0.897, "high": 0.926, "level": 0.95})
    '0.9123 (95 % interval 0.8970 to 0.9260)'
    """
    natural = estimate["natural"]
    low, high = (figure(estimate[end], natural) for end in ("low", "high"))
    too_good = ", optimistic" if estimate.get("method") == "naive" else ""
    return (
        f"{figure(natural)} ({100 * estimate['level']:.0f} % interval {low} to {high}"
        f"{too_good})"
    )


def _second(
    rival: Trial,
    winner: Trial,
    against: Mapping[str, Any],
    titles: Mapping[str, str],
) -> str:
    same = rival.candidate == winner.candidate
    name = titles.get(rival.candidate, rival.candidate)
    who = f"The second configuration, trial {rival.number}," if same else (
        f"The best of another kind, {name} (trial {rival.number}),"
    )  # fmt: skip
    gap = figure(against["difference"])
    if against["margin"] is None:
        return f"{who} is {gap} behind; with one fold, noise cannot be told."
    margin = figure(against["margin"], against["difference"])
    span = f"{gap} ± {margin} on the same folds, 95 % interval"
    if against["within_noise"]:
        return f"{who} is within noise of the winner ({span})."
    return f"{who} is behind by more than noise ({span})."


def _advice(
    trials: Sequence[Trial],
    winner: Trial,
    equal: Sequence[Trial],
    floor: float | None,
    titles: Mapping[str, str],
    estimate: Mapping[str, Any] | None,
) -> list[list[str]]:
    """Return pairs of a reader and what that reader should look at next."""
    advice: dict[str, str] = {}
    if floor is not None and winner.score <= floor:
        advice["Before anything else"] = (
            "No pipeline beat the baseline: the columns may say nothing about the "
            "target, or the search was too short. Do not deploy this model."
        )
    fast = min(equal, key=lambda t: t.predict_s, default=None)
    if fast is not None and fast.predict_s * FASTER <= winner.predict_s:
        name = titles.get(fast.candidate, fast.candidate)
        times = winner.predict_s / max(fast.predict_s, 1e-9)
        advice["If prediction must be fast"] = (
            f"{name} (trial {fast.number}) is within noise of the winner and predicts "
            f"{times:.1f} times faster."
        )
    elif equal:
        advice["If you choose the model"] = (
            f"{len(equal)} other configuration{'s are' if len(equal) > 1 else ' is'}"
            " within noise of the winner: simplicity, speed or habit may decide."
        )
    advice["If you promise a figure"] = _promise(estimate)
    wrong = sum(t.status in FAILED for t in trials)
    if wrong:
        advice["If you search again"] = (
            f"{wrong} configuration{'s' if wrong > 1 else ''} failed; the reasons are "
            "at the end of the leaderboard and under failures."
        )
    else:
        advice["If you know the data"] = (
            "Look at the columns that matter most: one not known at the time of "
            "prediction makes every score here meaningless."
        )
    return [[reader, sentence] for reader, sentence in advice.items()]


def _promise(estimate: Mapping[str, Any] | None) -> str:
    """Return which figure to promise."""
    method = None if estimate is None else estimate["method"]
    if estimate is not None and estimate["warning"]:
        return f"Do not, yet: {estimate['warning']}"
    if method == "test":
        return (
            "Promise the score of the test rows with its interval: nothing was chosen "
            "on them. Rows of a later time may still differ."
        )
    if method == "bbc":
        return (
            "Promise the corrected score with its interval, for rows like these; the "
            "selection score also chose the winner, so it is optimistic."
        )
    return (
        "This score also chose the winner, so it is optimistic. Promise what a test on "
        "rows outside the search shows."
    )
