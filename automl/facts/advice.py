"""What a reader should look at next, by what the reader is about to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl.facts.compact import shorten
from automl.trial import FAILED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from automl.facts.circumstances import Circumstances
    from automl.trial import Trial

__all__ = ["advise", "advised_again", "dearest"]

FIRST = "Before anything else"
PROMISE = "If you promise a figure"
AGAIN = "If you search again"
"""Readers."""

USELESS = (
    "No pipeline beat the baseline: the columns may say nothing about the target, or "
    "the search was too short. Do not deploy this model."
)
"""Where the best that finished is no better than a constant."""

LONGEST_NAME = 60
"""Characters of a column's name in a sentence."""

DEAREST = 2
"""Columns that matter most, to be named in a sentence."""

DEAR = 0.1
"""Least share of the most important column's drop that makes another worth a name."""

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
        advice[FIRST] = _warning(around, wrong, finished=finished)
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
        advice[PROMISE] = _promise(estimate, chosen=chosen)
    if beaten and equal and not around.limits:
        reader, sentence = _of_equals(winner, equal, titles)
        advice[reader] = sentence
    if wrong:
        advice[AGAIN] = (
            f"{wrong} configuration{'s' if wrong > 1 else ''} failed; the reasons are "
            "at the end of the leaderboard and under failures."
        )
    return [[reader, sentence] for reader, sentence in advice.items()]


def advised_again(
    advice: Sequence[Sequence[str]],
    estimate: Mapping[str, Any] | None,
    *,
    beaten: bool,
    chosen: bool,
) -> list[list[str]]:
    """Return advice about another estimate; what does not depend on one stays.

    Parameters
    ----------
    advice : list of (str, str)
        As `advise` gave it.
    estimate, beaten, chosen
        As in `advise`.

    Examples
    --------
    >>> advice = [["If you promise a figure", "…"], ["If you search again", "…"]]
    >>> [who for who, _ in advised_again(advice, None, beaten=False, chosen=True)]
    ['Before anything else', 'If you search again']
    """
    again = [[who, said] for who, said in advice if who == AGAIN]
    if not beaten:
        return [[FIRST, USELESS], *again]
    promised = [PROMISE, _promise(estimate, chosen=chosen)]
    if all(who != PROMISE for who, _ in advice):
        return [promised, *again]
    return [promised if who == PROMISE else [who, said] for who, said in advice]


def _warning(around: Circumstances, wrong: int, *, finished: bool) -> str:
    """Return why the model is of no use."""
    if finished:
        return USELESS
    what = "see why pipelines failed" if wrong else "give it more time"
    return f"Nothing finished{around.in_time}; {what}. Do not deploy this model."


def dearest(
    columns: Sequence[str], mean: Sequence[float], std: Sequence[float]
) -> tuple[str, ...]:
    """Return the columns that matter most, of those that matter by more than noise.

    Parameters
    ----------
    columns : sequence of str
        The most important first.
    mean, std : sequence of float
        How much worse the score is without what each says, and the noise of that.

    Examples
    --------
    >>> dearest(["a", "b", "c"], [0.5, 0.1, 0.01], [0.1, 0.02, 0.001])
    ('a', 'b')
    >>> dearest(["a", "b"], [0.5, 0.01], [0.1, 0.001])
    ('a',)
    >>> dearest(["a", "b"], [0.5, 0.1], [0.1, 0.2])
    ('a',)
    """
    drops = zip(columns, mean, std, strict=True)
    least = DEAR * max(mean, default=0.0)
    dear = [name for name, mean, std in drops if mean > max(std, 0.0) and mean >= least]
    return tuple(dear[:DEAREST])


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


def _promise(estimate: Mapping[str, Any] | None, *, chosen: bool) -> str:
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
