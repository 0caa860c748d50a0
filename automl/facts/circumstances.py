"""What decided beside the score: limits, the rule of simplicity, time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from automl.trial import Trial

__all__ = ["Circumstances"]


@dataclass(frozen=True)
class Circumstances:
    """What decided beside the score.

    Attributes
    ----------
    limits : str
        Those for which what was to predict was given up; empty if none was.
    simplest : bool
        Whether the one-standard-error rule took what predicts.
    unscored : str
        What predicts where that was never scored, in words; else empty.
    seconds : float or None
        Of the run.
    dearest : tuple of str
        Columns that matter most; none where that was not measured.
    overlooked : str
        What the labels miss, in a sentence; see `automl.facts.decisions.overlooked`.
    weakest : str
        On which rows it is worst, in a sentence; empty if on none.
    """

    limits: str = ""
    simplest: bool = False
    unscored: str = ""
    seconds: float | None = None
    dearest: tuple[str, ...] = ()
    overlooked: str = ""
    weakest: str = ""

    @property
    def cause(self) -> str:
        """Why what scored best was not taken, as the end of a sentence."""
        if self.limits:
            return f"it was given up for {self.limits}"
        if self.simplest:
            return "the simplest within one standard error was asked for"
        return "there was no fit of it to deploy, as the notes say"

    @property
    def in_time(self) -> str:
        """The time of the run as in a sentence."""
        return "" if self.seconds is None else f" in {self.seconds:.3g} s"

    @property
    def unscored_sentence(self) -> str:
        """What predicts, where that was never scored."""
        if not self.unscored:
            return ""
        return (
            f"{self.unscored} predicts, in a form that was never scored, as the notes "
            "say; the figures are not its own. "
        )

    def why(
        self, winner: Trial, order: Sequence[Trial], titles: Mapping[str, str]
    ) -> str | None:
        """Return why what scored best does not predict; None if it does.

        Parameters
        ----------
        winner : Trial
            What predicts.
        order : sequence of Trial
            The ranked ones, best first.
        titles : dict
            Candidate's name to title.
        """
        best = next(iter(order), None)
        if best is None or best.number == winner.number:
            return None
        if winner.status == "ok" and winner.score >= best.score:
            return None
        name = titles.get(best.candidate, best.candidate)
        return (
            f"{name} (trial {best.number}) scored best and was not taken: {self.cause}."
        )
