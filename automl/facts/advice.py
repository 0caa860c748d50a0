"""What a reader should look at next, by what the reader is about to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl.facts.compact import shorten
from automl.history import FAILED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from automl.facts.circumstances import Circumstances
    from automl.history import Trial

__all__ = ["PROMISE", "advise", "promise"]

PROMISE = "If you promise a figure"
"""Whom `promise` advises."""

LONGEST_NAME = 60
"""Characters of a column's name in a sentence."""

FASTER = 2.0
"""How much faster an equal model must predict to be worth a word."""


def advise(
    trials: Sequence[Trial],
    winner: Trial,
    equal: Sequence[Trial],
    titles: Mapping[str, str],
    estimate: Mapping[str, Any] | None,
    around: Circumstances,
    *,
    beaten: bool,
    finished: bool,
    chosen: bool,
) -> list[list[str]]:
    """Return pairs of a reader and what that reader should look at next.

    Parameters
    ----------
    trials, winner : sequence of Trial, Trial
        All, and what predicts.
    equal : sequence of Trial
        Those within noise of it, best first.
    titles, estimate : dict, dict or None
        Of the run.
    around : Circumstances
        What else decided.
    beaten : bool
        Whether the baseline was beaten, as far as is known.
    finished : bool
        Whether any configuration finished all folds.
    chosen : bool
        Whether the score alone chose what predicts.
    """
    advice: dict[str, str] = {}
    wrong = sum(t.status in FAILED for t in trials)
    if not beaten:
        advice["Before anything else"] = _warning(around, wrong, finished=finished)
    if beaten and around.overlooked:
        advice["If you take its labels"] = around.overlooked
    if beaten and around.dearest:
        names = " and ".join(repr(shorten(n, LONGEST_NAME)) for n in around.dearest)
        of = (
            "In the best single configuration, most"
            if len(winner.made_of) > 1
            else "Most"
        )
        advice["If you know the data"] = (
            f"{of} depends on {names}: where one is not known yet when you predict, "
            "every score here is meaningless."
        )
    if beaten and around.weakest:
        advice["If some rows are not like others"] = around.weakest
    if beaten:
        advice[PROMISE] = promise(estimate, chosen=chosen)
    if beaten and equal and not around.limits:
        reader, sentence = _of_equals(winner, equal, titles)
        advice[reader] = sentence
    if wrong:
        advice["If you search again"] = (
            f"{wrong} configuration{'s' if wrong > 1 else ''} failed; the reasons are "
            "at the end of the leaderboard and under failures."
        )
    return [[reader, sentence] for reader, sentence in advice.items()]


def _warning(around: Circumstances, wrong: int, *, finished: bool) -> str:
    """Return why the model is of no use."""
    if finished:
        return (
            "No pipeline beat the baseline: the columns may say nothing about the "
            "target, or the search was too short. Do not deploy this model."
        )
    what = "see why pipelines failed" if wrong else "give it more time"
    return f"Nothing finished{around.in_time}; {what}. Do not deploy this model."


def _of_equals(
    winner: Trial, equal: Sequence[Trial], titles: Mapping[str, str]
) -> tuple[str, str]:
    """Return what those within noise of the winner are good for."""
    fast = next((t for t in equal if t.predict_s * FASTER <= winner.predict_s), None)
    if fast is not None:
        name = titles.get(fast.candidate, fast.candidate)
        times = winner.predict_s / max(fast.predict_s, 1e-9)
        return "If prediction must be fast", (
            f"{name} (trial {fast.number}) is within noise of the winner and predicts "
            f"{times:.1f} times faster."
        )
    return "If you choose the model", (
        f"{len(equal)} other configuration{'s are' if len(equal) > 1 else ' is'}"
        " within noise of the winner: simplicity, speed or habit may decide."
    )


def promise(estimate: Mapping[str, Any] | None, *, chosen: bool) -> str:
    """Return which figure to promise."""
    method = None if estimate is None else estimate["method"]
    if estimate is not None and estimate["warning"]:
        return f"Do not, yet: {estimate['warning']}"
    if method == "test":
        return (
            "Promise the score of the test rows with its interval: nothing was chosen "
            "on them. Rows of a later time may still differ."
        )
    verb = "chose the winner" if chosen else "took part in the choice"
    if method == "bbc":
        return (
            "Promise the corrected score with its interval, for rows like these; the "
            f"selection score also {verb}, so it is optimistic."
        )
    return (
        f"This score also {verb}, so it is optimistic. Promise what a test on "
        "rows outside the search shows."
    )
