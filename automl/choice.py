"""The simplest configuration that is as good as the best: the one-standard-error rule.

Of the configurations within one standard error of the best (Breiman, Friedman, Olshen
and Stone, Classification and Regression Trees, 1984, section 3.4.3), the one that
predicts fastest. Without a budget in time the clock has no say: families stand in the
order of measured speed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from automl.trial import BASELINE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from automl.candidates import Candidate
    from automl.metrics import Metric
    from automl.trial import Trial

__all__ = ["Simplest", "price", "simplest", "speed_key"]

FAMILIES = (
    ("linear_model", "estimators.linear"),
    ("neural_network", "estimators.network"),
    ("lightgbm", "HistGradient", "boosting"),
    ("Forest", "ExtraTrees"),
    ("neighbors",),
    ("svm",),
)
"""Parts of an estimator's path, the fastest first (measured, their first start on 5,000
rows by 20 columns, microseconds a row: 15, 37, 63 to 83, 138 to 191, 180, 297)."""


@dataclass(frozen=True)
class Simplest:
    """What the rule takes.

    Attributes
    ----------
    trial : Trial
        The configuration.
    best : Trial
        The one with the best score; the same, if nothing simpler is as good.
    slack : float
        One standard error of the best score; 0 with one fold, which shows none.
    order : tuple of int
        Numbers of the finished trials, the fastest first.
    """

    trial: Trial
    best: Trial
    slack: float
    order: tuple[int, ...]


def simplest(
    trials: Sequence[Trial],
    candidates: Mapping[str, Candidate],
    task: str,
    *,
    timed: bool,
) -> Simplest | None:
    """Return what the one-standard-error rule takes; None if nothing finished.

    Parameters
    ----------
    trials : sequence of Trial
        All; those that finished all folds are chosen from, the baseline left out
        unless it is the best.
    candidates : dict
        By name.
    task : str
        Decides which estimator a candidate has.
    timed : bool
        Whether measured seconds decide; the family, the number of trees or rounds and
        that of parameters do otherwise.

    Examples
    --------
    >>> from automl.trial import FoldResult, Trial
    >>> def trial(number, scores, predict_s):
    ...     folds = tuple(FoldResult(number, k, "ok", s, predict_s=predict_s)
    ...                   for k, s in enumerate(scores))
    ...     return Trial(number, "a", {}, "", "ok", folds)
    >>> trials = [trial(1, (0.8, 0.9), 0.5), trial(2, (0.8, 0.88), 0.1)]
    >>> simplest(trials, {}, "binary", timed=True).trial.number
    2
    """
    done = [t for t in trials if t.status == "ok" and not math.isnan(t.score)]
    done.sort(key=lambda t: (-t.score, t.number))
    if not done:
        return None
    best = done[0]
    others = done if best.candidate == BASELINE else [
        t for t in done if t.candidate != BASELINE
    ]  # fmt: skip
    order = sorted(others, key=lambda t: speed_key(t, candidates, task, timed=timed))
    slack = 0.0
    if best.candidate != BASELINE and math.isfinite(best.score_std):
        slack = best.score_std / math.sqrt(len(best.scores))
    taken = next(t for t in order if t.score >= best.score - slack)
    return Simplest(taken, best, slack, tuple(t.number for t in order))


def speed_key(
    trial: Trial, candidates: Mapping[str, Candidate], task: str, *, timed: bool
) -> tuple[float, ...]:
    """Return what configurations are sorted by, the fastest to predict first.

    Parameters
    ----------
    trial : Trial
        A configuration.
    candidates, task, timed
        As in `simplest`.
    """
    if timed:
        return (trial.predict_s, trial.fit_s, trial.number)
    found = candidates.get(trial.candidate)
    path = (
        "" if found is None or task not in found.tasks else found.estimator_path(task)
    )
    family = next(
        (i for i, parts in enumerate(FAMILIES) if any(p in path for p in parts)),
        len(FAMILIES),
    )
    if trial.candidate == BASELINE:
        family = -1
    rounds = 0 if "estimators.network" in path else trial.rounds or 0  # epochs
    return (family, rounds, len(trial.params), trial.number)


def price(rule: Simplest, metric: Metric, titles: Mapping[str, str]) -> str:
    """Return what the rule took, what that costs and gains, in a sentence.

    Parameters
    ----------
    rule : Simplest
        What was taken.
    metric : Metric
        Of the run.
    titles : dict
        Candidate's name to title.
    """
    trial, best = rule.trial, rule.best
    name = titles.get(trial.candidate, trial.candidate)
    if trial.number == best.number:
        why = "none that predicts faster is within one standard error"
        if len(best.scores) < 2:
            why = "one fold shows no standard error"
        return f"The best configuration was taken as the simplest, too: {why}."
    times = best.predict_s / max(trial.predict_s, 1e-9)
    speed = f"predicts {times:.1f} times as fast" if times > 1 else "is the plainer one"
    return (
        f"{name} (trial {trial.number}) was taken as the simplest within one standard "
        f"error of the best, trial {best.number}: it costs "
        f"{best.score - trial.score:.4g} of {metric.name} and {speed}."
    )
