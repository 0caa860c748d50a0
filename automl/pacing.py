"""How the time of a run is shared out: limits of a fit, the end of the search.

All of it follows from what was measured so far. With a budget in trials alone nothing
here looks at the clock.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import median
from typing import TYPE_CHECKING

from automl.reserve import OVERHEAD_S, is_refitted, refit_seconds, seconds_kept
from automl.trial import BASELINE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl.budget import Budget
    from automl.candidates import Candidate
    from automl.history import History
    from automl.plan import Plan
    from automl.reserve import Preview
    from automl.trial import Trial

__all__ = ["FitLimits", "Pace"]

CONFIGURATIONS = 6
"""Full configurations that the longest fits must leave room for in the budget."""

HOLDOUT_CONFIGURATIONS = 3
"""The same where the only fold is a holdout: large tables."""

PATIENCE = 4.0
"""How much longer than the incumbent's a fit may take: what is four times as slow has
to be better by much to be worth its seconds."""

LEAST_SHARE = 0.1
"""Of the time that the budget allows for a fit, what it may take however quick the
incumbent is, and a second: in an hour, one quick linear model would cut short all
boosting and never be overtaken."""

RESTART_S = 2.0
"""Seconds that a new pool needs before it fits (measured: 1.1 to 2.0): what must be
killed at the end of the search is killed so much earlier."""

RESTART_SHARE = 0.15
"""The same as a share of the budget, at most."""

LATE_S, LATE_SHARE = 0.3, 0.01
"""Seconds, or share of the budget, that a learner that grows may be late: to end it
loses what may have taken a third of the budget, and what follows has time to spare."""

LAST_S = 0.1
"""Seconds before the end of the search at which fits stop, and none is begun."""

SHORTEST_LIMIT_S = 2.0
"""Seconds that the fit of a fold is given at least, limits set by the user aside."""


@dataclass(frozen=True)
class FitLimits:
    """How long the fit of a fold may take.

    Attributes
    ----------
    longest_s : float or None
        Seconds after which a learner that grows stops with what it has.
    deadline : float or None
        Reading of the clock at which it stops in any case.
    kill_at : float or None
        Reading of the clock at which the process is ended.
    limit_s : float or None
        Seconds from the fit's own start after which the process is ended.
    """

    longest_s: float | None = None
    deadline: float | None = None
    kill_at: float | None = None
    limit_s: float | None = None


@dataclass(frozen=True)
class Pace:
    """What a history says about the time that is left.

    Attributes
    ----------
    plan : Plan
        What is fixed.
    budget : Budget
        Time and trials, with the clock.
    history : History
        So far.
    preview : Preview or None
        What would predict by now, where that was found out.
    """

    plan: Plan
    budget: Budget
    history: History
    preview: Preview | None = None

    def at(self, history: History, preview: Preview | None) -> Pace:
        """Return the same at another point of the search, itself if it is there.

        What it works out is asked for several times between two results.
        """
        if history is self.history and preview is self.preview:
            return self
        return replace(self, history=history, preview=preview)

    @property
    def incumbent(self) -> Trial | None:
        """The best finished configuration, the baseline aside."""
        return self.history.tally.incumbent

    @property
    def trial_limit_s(self) -> float | None:
        """Seconds that the fits of one configuration may take together.

        Without a limit of the user's: what takes longer than all workers have in the
        whole budget could never finish its folds.
        """
        if self.plan.trial_time_limit_s is not None:
            return self.plan.trial_time_limit_s
        if self.budget.time_s is None:
            return None
        shortest = SHORTEST_LIMIT_S * self.plan.n_folds
        return max(shortest, self.plan.n_workers * self.budget.time_s)

    def refit_seconds(self, trial: Trial) -> float:
        """Return about how long a trial's refit on all rows takes."""
        return refit_seconds(self.plan, trial)

    def refits(self, trial: Trial) -> bool:
        """Return whether a trial is worth a fit on all rows, by the time it takes."""
        return is_refitted(self.plan, trial, self.budget.time_s)

    @cached_property
    def reserve(self) -> Mapping[str, float]:
        """The seconds kept for what follows the search, by purpose."""
        return seconds_kept(
            self.plan, self.history, self.incumbent, self.budget.time_s or 0.0,
            self.preview,
        )  # fmt: skip

    def account(self) -> dict[str, float]:
        """Return the seconds that were kept and allowed, in words, for the report."""
        limits = {}
        if self.budget.time_s is not None:
            kept = self.reserve
            limits = {
                "kept for the fits on all rows": kept["refit"],
                "kept for importance and noise canary": kept["explain"],
                "kept for the weights of an ensemble": kept["ensemble"],
                "kept for the score's correction": kept["score"],
                "kept for the checks": kept["checks"],
                "kept for the report and the end of workers": kept["report"],
            }
            if self.plan.n_tested:
                limits["kept for the rows of X_test"] = kept["test"]
            if self.plan.limited:
                limits["kept for models within the limits"] = kept["limits"]
            longest = self._longest_s()
            limits["a fold's fit, where the learner can stop by itself"] = longest
        if self.trial_limit_s is not None and self.plan.n_workers > 1:
            longest = self.trial_limit_s / self.plan.n_folds
            limits["a fold's fit, else it is ended"] = longest
        return limits

    def search_end(self) -> float:
        """Return the reading of the clock at which the search ends."""
        deadline = self.budget.deadline
        if deadline is None:
            return float("inf")
        return deadline - sum(self.reserve.values())

    def last_call(self) -> float:
        """Return until when the small model is waited for, where there is no other.

        Workers begin after one or two seconds: of a budget of four, the search has
        hardly more, and what is kept for other models then is not used.
        """
        deadline = self.budget.deadline
        return float("inf") if deadline is None else deadline - OVERHEAD_S

    def seconds_left(self) -> float | None:
        """Return the seconds in which fits may begin and end; None without a limit."""
        if self.budget.time_s is None:
            return None
        return max(0.0, self.search_end() - LAST_S - self.budget.clock())

    def kill_at(self, candidate: Candidate | None) -> float | None:
        """Return when a fit of a candidate is ended, by what is known now."""
        if self.budget.time_s is None:
            return None
        grows = candidate is not None and candidate.resource is not None
        # what grows stops by itself before; of the rest, a kill costs the pool
        late_s = max(LATE_S, LATE_SHARE * self.budget.time_s)
        return self.search_end() + (late_s if grows else -self.restart_s)

    @cached_property
    def restart_s(self) -> float:
        """Seconds that are kept for a new pool after a kill: as the first one took."""
        if self.plan.n_workers == 1 or self.budget.time_s is None:
            return 0.0
        ready = [f.started_s for t in self.history.trials[:1] for f in t.folds]
        begun_s = self.history.tally.begun_s
        first_s = begun_s - max(ready) if ready and math.isfinite(begun_s) else 0.0
        return min(max(RESTART_S, first_s), RESTART_SHARE * self.budget.time_s)

    @property
    def is_closing(self) -> bool:
        """Whether a pool that dies now is not worth a new one for the search."""
        left = self.seconds_left()
        return left is not None and left < 2 * self.restart_s

    def limits(self, candidate: Candidate) -> FitLimits:
        """Return how long the fit of a fold may take."""
        whole = self.trial_limit_s
        limit_s = None if whole is None else whole / self.plan.n_folds
        if self.budget.time_s is None:
            return FitLimits(limit_s=limit_s)
        kill_at, deadline = self.kill_at(candidate), self.search_end() - LAST_S
        if candidate.resource is None and kill_at is not None:
            # it may wait behind others first: what began later would be ended
            expected_s = self.expected_seconds[candidate.name] - self.restart_s
            deadline = min(deadline, kill_at - expected_s)
        return FitLimits(self._longest_s(), deadline, kill_at, limit_s)

    def _longest_s(self) -> float:
        """Return how long a learner that grows may take for a fold."""
        n_folds = self.plan.n_folds
        configurations = CONFIGURATIONS if n_folds > 1 else HOLDOUT_CONFIGURATIONS
        core_seconds = 0.75 * self.plan.n_workers * (self.budget.time_s or 0.0)
        longest = core_seconds / (configurations * n_folds)
        leader = self.incumbent
        if leader is not None:
            least = max(1.0, LEAST_SHARE * longest)
            longest = min(longest, max(least, PATIENCE * leader.fit_s))
        return longest

    @cached_property
    def expected_seconds(self) -> Mapping[str, float]:
        """What a fold of each candidate is expected to take.

        Learners that grow stop by themselves, so that a little time is enough; the
        others are given half as much again as their slowest fold so far, and must end
        before they would be killed.
        """
        if self.budget.time_s is None:
            return {}
        slowest_s = self.history.tally.slowest_s
        seen = {name: s for name, s in slowest_s.items() if name != BASELINE}
        expected = {}
        usual = max(0.5, median(seen.values())) if seen else 0.5
        for candidate in self.plan.candidates:
            slowest = seen.get(candidate.name)
            if candidate.resource is not None:
                expected[candidate.name] = 0.5 * (slowest or usual)
            elif slowest is not None:
                expected[candidate.name] = 1.5 * slowest + self.restart_s
            else:  # unknown: not in the last quarter
                expected[candidate.name] = 0.25 * self.budget.time_s
        return expected
