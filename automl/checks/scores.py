"""What the scores of a search say of its winner: skill, noise, learning by heart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from automl.checks.finding import Finding
from automl.facts.standings import compare
from automl.facts.verdict import figure, label_of_metric
from automl.trial import BASELINE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl.checks.evidence import Evidence
    from automl.folds import Folds
    from automl.specs import Dimension
    from automl.trial import Trial

__all__ = ["BetterThanBaseline", "EdgeOfSpace", "NoiseCanary", "Overfit",
           "UnstableFolds"]  # fmt: skip

GAP_LARGE = 0.5
"""Share of the training score above the baseline that is lost on held-out rows, from
which it is told of."""

GAP_HUGE = 0.9
"""The same, from which what was learnt is nearly all by heart."""

UNSTABLE = 1.0
"""Deviation of the folds' gains over the baseline, as a share of their mean."""

CANARY_DEVIATIONS = 4.0
"""Standard deviations above chance from which a score on shuffled targets is no chance:
one in thirty thousand."""

EDGE = 0.01
"""Distance from an end of the space, as a share of it."""

MORE = "Add columns or rows that tell more of the target."

MORE_TIME = "Give the search more time, or see why configurations failed."

NEVER = "What predicts was never scored: nothing tells that it beats the constant."

UNSCORED = "nothing tells that what predicts is better than the constant."


@dataclass(frozen=True)
class BetterThanBaseline:
    """Whether the winner is better than the best constant, by more than noise."""

    code: str = "AML010"
    title: str = "Better than the baseline"

    def run(self, evidence: Evidence) -> Finding:
        """Return what it came to."""
        base, winner = evidence.baseline, evidence.winner
        if base is None or winner is None or math.isnan(base.score):
            return Finding(self.code, self.title, "skipped", "There is no baseline.")
        if not any(t.number and t.scores for t in evidence.trials):
            constant = winner.candidate == BASELINE
            return Finding(
                self.code, self.title, "fail" if constant else "warn",
                "No configuration was scored: "
                + ("the constant predicts." if constant else UNSCORED),
                MORE_TIME,
            )  # fmt: skip
        if not winner.scores:
            return Finding(
                self.code,
                self.title,
                "warn",
                NEVER,
                MORE_TIME,
            )
        if winner.candidate == BASELINE or _gain(winner, base) <= 0:
            return self._no_better(evidence, base)
        against = compare(base, winner, evidence.folds)
        natural = evidence.metric.natural
        shared, n_folds = _shared(winner, base), len(evidence.folds)
        ours, floor = _mean(winner, shared), _mean(base, shared)
        some = (
            "" if len(shared) == n_folds else f", on {len(shared)} of {n_folds} folds"
        )
        said = (
            f"Selection score: {label_of_metric(evidence.metric.name)} "
            f"{figure(natural(ours))} against {figure(natural(floor))} of the constant "
            f"prediction{some}"
        )
        if against["within_noise"]:
            return Finding(
                self.code,
                self.title,
                "warn",
                f"{said}: that is within noise.",
                MORE,
            )
        return Finding(self.code, self.title, "pass", f"{said}.")

    def _no_better(self, evidence: Evidence, base: Trial) -> Finding:
        """Return what it comes to that the constant is as good as what predicts."""
        if any(_is_ahead(t, base, evidence.folds) for t in evidence.trials):
            return Finding(
                self.code, self.title, "warn",
                "A configuration is better than the constant prediction on the folds "
                "that both have, yet it is not what predicts.",
                "Give the search more time, or see what kept it from predicting.",
            )  # fmt: skip
        return Finding(
            self.code, self.title, "fail",
            "No configuration is better than the constant prediction.", MORE,
        )  # fmt: skip


def _is_fitted(evidence: Evidence) -> bool:
    """Return whether a configuration predicts, to which such checks apply."""
    winner = evidence.winner
    return winner is not None and winner.candidate != BASELINE


def _is_ahead(trial: Trial, base: Trial, folds: Folds) -> bool:
    """Return whether a trial is better; on some folds only, by more than noise."""
    if trial.status == "ok" or _gain(trial, base) <= 0:
        return _gain(trial, base) > 0
    several = len(_shared(trial, base)) > 1
    return several and not compare(base, trial, folds)["within_noise"]


def _shared(one: Trial, other: Trial) -> list[int]:
    """Return the folds that both have a score of."""
    return sorted(set(one.scores) & set(other.scores))


def _mean(trial: Trial, folds: Sequence[int]) -> float:
    return math.fsum(trial.scores[k] for k in folds) / len(folds)


def _gain(trial: Trial, base: Trial) -> float:
    """Return how much better a trial is on the folds that both have; 0 without any.

    A mean over some folds is nothing to compare with a mean over all: folds differ.
    """
    shared = _shared(trial, base)
    return _mean(trial, shared) - _mean(base, shared) if shared else 0.0


@dataclass(frozen=True)
class Overfit:
    """Whether the winner knows the rows that it was trained on far better than others.

    Of what training rows score above the baseline, the share that held-out rows do not.
    """

    code: str = "AML011"
    title: str = "Overfitting"

    def run(self, evidence: Evidence) -> Finding:
        """Return what it came to."""
        found, base = evidence.explained or {}, evidence.baseline
        train, test = found.get("train_score"), found.get("test_score")
        if train is None or test is None or base is None or 0 not in base.scores:
            late = "test_score" not in found and _is_fitted(evidence)
            return Finding(
                self.code, self.title, "skipped",
                "The score is undefined on the rows that were drawn for it."
                if "test_score" in found
                else "Training rows were not scored: there was no time, or it failed.",
                missed=late,
            )  # fmt: skip
        floor, natural = base.scores[0], evidence.metric.natural
        gain = train - floor
        lost = (train - test) / gain if gain > 0 else 0.0
        label = label_of_metric(evidence.metric.name)
        said = (
            f"On {found['n_test']:,} rows of one fold, the best single configuration "
            f"scores {figure(natural(test))} ({label}); on as many that it was trained "
            f"on, {figure(natural(train))}"
        )
        if lost < GAP_LARGE:
            if gain > 0:
                kept = min(1 - lost, 1.0)
                said += f": {kept:.0%} of the gain over the constant prediction holds"
            return Finding(self.code, self.title, "pass", f"{said}.")
        return Finding(
            self.code, self.title, "warn" if lost >= GAP_HUGE else "note",
            f"{said}: {min(lost, 1.0):.0%} of the gain over the constant prediction is "
            "learnt by heart.",
            "More rows, or simpler candidates, would narrow it; only the held-out "
            "score counts.",
        )  # fmt: skip


@dataclass(frozen=True)
class UnstableFolds:
    """Whether the winner beats the baseline on every fold, and by about as much."""

    code: str = "AML012"
    title: str = "Stable folds"

    def run(self, evidence: Evidence) -> Finding:
        """Return what it came to."""
        base, winner = evidence.baseline, evidence.winner
        shared: list[int] = []
        if base is not None and winner is not None:
            shared = _shared(base, winner)
        if base is None or winner is None or len(shared) < 3:
            return Finding(
                self.code, self.title, "skipped", "Fewer than three folds were scored."
            )
        gains = [winner.scores[k] - base.scores[k] for k in shared]
        mean = math.fsum(gains) / len(gains)
        spread = math.sqrt(math.fsum((g - mean) ** 2 for g in gains) / (len(gains) - 1))
        worse = sum(g <= 0 for g in gains)
        said = (
            f"Over {len(gains)} folds the gain over the constant prediction is "
            f"{figure(mean)} ± {figure(spread)}"
        )
        if mean > 0 and not worse and spread <= UNSTABLE * mean:
            return Finding(self.code, self.title, "pass", f"{said}.")
        more = f", and on {worse} of them there is none" if worse else ""
        return Finding(
            self.code, self.title,
            "warn" if spread > UNSTABLE * mean else "note", f"{said}{more}.",
            "Use more folds or rows; see whether some rows are of another kind.",
        )  # fmt: skip


@dataclass(frozen=True)
class NoiseCanary:
    """Whether the winner's pipeline finds nothing in a shuffled target.

    What scores above chance there has seen rows that it is scored on.
    """

    code: str = "AML013"
    title: str = "Noise canary"

    def run(self, evidence: Evidence) -> Finding:
        """Return what it came to."""
        found = evidence.canary
        if not found:
            undefined = found is not None
            return Finding(
                self.code, self.title, "skipped",
                "The score is undefined on the rows that were drawn for it."
                if undefined
                else "The winner was not fitted to a shuffled target: there was no "
                "time, or it failed.",
                missed=not undefined and _is_fitted(evidence),
            )  # fmt: skip
        natural = evidence.metric.natural
        off = found["score"] - found["chance"]
        deviations = off / found["std"] if found["std"] > 0 else 0.0
        said = (
            f"Fitted to a shuffled target, the best single configuration scores "
            f"{figure(natural(found['score']))}; by chance it is "
            f"{figure(natural(found['chance']))}, and seldom beyond "
            f"{figure(natural(found['chance'] + CANARY_DEVIATIONS * found['std']))}"
        )
        if deviations < CANARY_DEVIATIONS:
            return Finding(self.code, self.title, "pass", f"{said}.")
        return Finding(
            self.code, self.title, "fail", f"{said}: it has seen what it is scored on.",
            "Look for a step of your own candidate that learns from all rows; its "
            "scores are not to be trusted.",
        )  # fmt: skip


@dataclass(frozen=True)
class EdgeOfSpace:
    """Whether the best configuration stands at an end of what was searched."""

    code: str = "AML014"
    title: str = "Edge of the search space"

    def run(self, evidence: Evidence) -> Finding:
        """Return what it came to."""
        single = evidence.single
        candidate = (
            None if single is None else evidence.candidates.get(single.candidate)
        )
        if single is None or candidate is None:
            return Finding(
                self.code, self.title, "skipped", "No configuration was searched."
            )
        edges = [
            f"{d.name} = {single.params[d.name]:.4g} (the {end})"
            for d in candidate.space
            if d.name in single.params
            for end in [_end(d, single.params[d.name])]
            if end
        ]
        if not edges:
            return Finding(
                self.code, self.title, "pass",
                "No number of the best configuration is at an end beyond which there "
                "is more.",
            )  # fmt: skip
        return Finding(
            self.code, self.title, "note",
            "The best configuration is at an end of what was searched: "
            f"{', '.join(edges)}.",
            "A wider range, in a candidate file of your own, may do better.",
        )  # fmt: skip


def _end(d: Dimension, value: Any) -> str:
    """Return at which end of a range a value stands, or nothing.

    Ends beyond which there is nothing are none.
    """
    if d.dist == "choice" or d.high <= d.low or not isinstance(value, int | float):
        return ""
    low, high, place = (
        (math.log(d.low), math.log(d.high), math.log(max(value, d.low)))
        if d.log else (d.low, d.high, value)
    )  # fmt: skip
    share = (place - low) / (high - low)
    if share <= EDGE:
        return "" if d.low == 0 or _counts_from(d) else "least"
    is_share = d.dist == "float" and not d.log and d.low > 0 and d.high == 1
    return "most" if share >= 1 - EDGE and not is_share else ""


def _counts_from(d: Dimension) -> bool:
    """Return whether it begins where counts do: one row, or two to part."""
    return d.dist == "int" and d.low <= 2
