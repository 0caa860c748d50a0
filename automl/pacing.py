"""How the time of a run is shared out: limits of a fit, the end of the search.

All of it follows from what was measured so far. With a budget in trials alone nothing
here looks at the clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from automl.allocation import View

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl.budget import Budget
    from automl.candidates import Candidate
    from automl.history import History, Trial

__all__ = [
    "CANARY_SHARE",
    "IMPORTANCE_SHARE",
    "FitLimits",
    "Pace",
    "Plan",
    "checks_seconds",
]

CONFIGURATIONS = 6
"""Full configurations that the longest fits must leave room for in the budget."""

HOLDOUT_CONFIGURATIONS = 3
"""The same where the only fold is a holdout: large tables."""

PATIENCE = 4.0
"""How much longer than the incumbent's a fit may take, and a second at least: what is
four times as slow has to be better by much to be worth its seconds."""

REFIT_SHARE = 0.25
"""Share of the budget that is kept for a refit; a longer one is not waited for where
the models of the folds are there."""

BAG_REFIT_SHARE = 0.05
"""The same where the models of the folds are to predict anyway, and the fit on all rows
is only there beside them."""

SCORE_SHARE = 0.02
"""Share of the budget within which the score is corrected for the selection."""

ENSEMBLE_SHARE = 0.02
"""Share of the budget within which weights are chosen."""

MEMBERS = 3
"""Members of an ensemble whose refits are reckoned with (measured: 2 to 6)."""

TEST_SHARE = 0.25
"""Most of the budget that is kept for the predictions of ``X_test``; rows that take
longer may get no score."""

CONSTRAINT_SHARE = 0.1
"""Share of the budget that is kept for smaller models, where what predicts has limits
(a choice: two or three fits on all rows)."""

IMPORTANCE_SHARE = 0.04
"""Share of the budget within which columns are permuted, beside the refit."""

CANARY_SHARE = 0.02
"""Share of the budget within which the winner is fitted to a shuffled target, when
nothing is left to be refitted."""

CHECKS_SHARE = 0.02
"""Share of the budget within which checks are run: of a minute, what 4,000 rows take on
a slow core (measured: .1 to 1.2 s for 80 tables)."""

CHECKS_S = (0.2, 10.0)
"""Seconds that they have at least and at most."""

OVERHEAD_S = 0.9
"""Seconds kept for facts, pickling and the end of the pool (measured: .3 to .7)."""

RESTART_S = 2.0
"""Seconds that a new pool needs before it fits (measured: 1.1 to 2.0): what must be
killed at the end of the search is killed so much earlier."""

RESTART_SHARE = 0.15
"""The same as a share of the budget, at most."""

SHORTEST_LIMIT_S = 2.0
"""Seconds that the fit of a fold is given at least, limits set by the user aside."""


def checks_seconds(time_s: float) -> float:
    """Return the seconds of a budget that checks may take.

    Examples
    --------
    >>> checks_seconds(1), checks_seconds(60), checks_seconds(3600)
    (0.2, 1.2, 10.0)
    """
    least, most = CHECKS_S
    return min(most, max(least, CHECKS_SHARE * time_s))


@dataclass(frozen=True)
class Plan:
    """What is fixed for a search.

    Attributes
    ----------
    candidates : tuple of Candidate
        Those that fit the table, in the order of first tries.
    n_folds : int
        Folds.
    n_rows, n_train : int
        Rows of the table, and of a fold's training part.
    n_workers : int
        Processes.
    random_state : int
        Seed of the run.
    trial_time_limit_s : float or None
        Seconds that a configuration's fits may take together, as the user wants it.
    keeps : int
        Configurations whose fold models are kept, beside the best of each family: they
        can be deployed. 0 if none can.
    ensemble : bool
        Whether a weighted average may win.
    resumed : bool
        Whether configurations of an earlier session may lead, whose models are gone.
    bag : bool
        Whether the models of folds predict, and fits on all rows only stand by.
    limited : bool
        Whether what predicts may not cost more than so much.
    n_tested : int
        Rows of ``X_test``, which what predicts is scored on.
    """

    candidates: tuple[Candidate, ...]
    n_folds: int
    n_rows: int
    n_train: int
    n_workers: int
    random_state: int
    trial_time_limit_s: float | None = None
    keeps: int = 0
    ensemble: bool = False
    bag: bool = False
    resumed: bool = False
    limited: bool = False
    n_tested: int = 0


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
    """

    plan: Plan
    budget: Budget
    history: History

    @property
    def incumbent(self) -> Trial | None:
        """The best finished configuration, the baseline aside."""
        return View(self.history.trials, frozenset(), 0, ()).incumbent

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
        return 1.2 * trial.fit_s * self.plan.n_rows / max(self.plan.n_train, 1)

    def reserve(self) -> dict[str, float]:
        """Return the seconds kept for what follows the search, by purpose."""
        leader = self.incumbent
        budget_s = self.budget.time_s or 0.0
        refit = 0.0
        if leader is not None and self.refits(leader):
            refit = self.refit_seconds(leader)
            with_others = refit * (1 + self._others / self.plan.n_workers)
            # what does not fit is done by the models of the folds
            refit = max(refit, min(with_others, REFIT_SHARE * budget_s))
        explain = IMPORTANCE_SHARE * budget_s
        if self.plan.n_workers > 1:  # side by side
            explain = max(0.0, explain - refit)
        explain += CANARY_SHARE * budget_s  # when the refits are there
        weigh = ENSEMBLE_SHARE * budget_s if self.plan.ensemble else 0.0
        score = SCORE_SHARE * budget_s
        return {
            "refit": refit,
            "explain": explain,
            "ensemble": weigh,
            "score": score,
            "checks": checks_seconds(budget_s),
            "limits": CONSTRAINT_SHARE * budget_s if self.plan.limited else 0.0,
            "test": min(self._test_seconds(leader), TEST_SHARE * budget_s),
            "report": OVERHEAD_S,
        }

    def _test_seconds(self, leader: Trial | None) -> float:
        """Return about how long the rows of ``X_test`` take to predict."""
        if leader is None:
            return 0.0
        times = self.plan.n_tested / max(1, self.plan.n_rows - self.plan.n_train)
        return times * leader.predict_s * (1 + self._others)

    @property
    def _others(self) -> int:
        """Members of an ensemble beside the leader that are fitted on all rows."""
        if not self.plan.ensemble or self.plan.bag:
            return 0
        done = sum(t.status == "ok" and t.number > 0 for t in self.history)
        return max(0, min(MEMBERS, done) - 1)

    def refits(self, trial: Trial) -> bool:
        """Return whether a trial is worth a fit on all rows, by the time it takes."""
        plan = self.plan
        if self.budget.time_s is None or not plan.keeps or plan.resumed:
            return True
        share = BAG_REFIT_SHARE if plan.bag else REFIT_SHARE
        return self.refit_seconds(trial) <= share * self.budget.time_s

    def account(self) -> dict[str, float]:
        """Return the seconds that were kept and allowed, in words, for the report."""
        limits = {}
        if self.budget.time_s is not None:
            kept = self.reserve()
            limits = {
                "kept for the fit on all rows (1.2 times the folds' fits)": kept[
                    "refit"
                ],
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
        return deadline - sum(self.reserve().values())

    def seconds_left(self) -> float | None:
        """Return the seconds until the search ends; None without a limit."""
        if self.budget.time_s is None:
            return None
        return max(0.0, self.search_end() - self.budget.clock())

    def kill_at(self, candidate: Candidate | None) -> float | None:
        """Return when a fit of a candidate is ended, by what is known now."""
        if self.budget.time_s is None:
            return None
        grows = candidate is not None and candidate.resource is not None
        # what grows stops by itself before; of the rest, a kill costs the pool
        return self.search_end() + (0.3 if grows else -self.restart_s)

    @property
    def restart_s(self) -> float:
        """Seconds that are kept for a new pool after a kill: as the first one took."""
        if self.plan.n_workers == 1 or self.budget.time_s is None:
            return 0.0
        ready = [f.started_s for t in self.history if t.number == 0 for f in t.folds]
        begun = [f.started_s for t in self.history if t.number > 0 for f in t.folds]
        first_s = min(begun) - max(ready) if ready and begun else 0.0
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
        longest_s = None
        if self.plan.trial_time_limit_s is not None and limit_s is not None:
            longest_s = 0.8 * limit_s
        if self.budget.time_s is None:
            return FitLimits(longest_s, limit_s=limit_s)
        longest = self._longest_s()
        longest_s = longest if longest_s is None else min(longest, longest_s)
        return FitLimits(
            longest_s, self.search_end() - 0.1, self.kill_at(candidate), limit_s
        )

    def _longest_s(self) -> float:
        """Return how long a learner that grows may take for a fold."""
        n_folds = self.plan.n_folds
        configurations = CONFIGURATIONS if n_folds > 1 else HOLDOUT_CONFIGURATIONS
        core_seconds = 0.75 * self.plan.n_workers * (self.budget.time_s or 0.0)
        longest = core_seconds / (configurations * n_folds)
        leader = self.incumbent
        if leader is not None:
            longest = min(longest, max(1.0, PATIENCE * leader.fit_s))
        return longest

    def expected_seconds(self) -> Mapping[str, float]:
        """Return what a fold of each candidate is expected to take.

        Learners that grow stop by themselves, so that a little time is enough; the
        others are given half as much again as their slowest fold so far, and must end
        before they would be killed.
        """
        if self.budget.time_s is None:
            return {}
        seen: dict[str, float] = {}
        for trial in self.history:
            for fold in trial.folds:
                seconds = fold.seconds
                if fold.status == "timeout":  # how long it would take is not known
                    seconds = self.budget.time_s
                seen[trial.candidate] = max(seen.get(trial.candidate, 0.0), seconds)
        expected = {}
        for candidate in self.plan.candidates:
            slowest = seen.get(candidate.name)
            if candidate.resource is not None:
                expected[candidate.name] = 0.5 * (slowest or 0.5)
            elif slowest is not None:
                expected[candidate.name] = 1.5 * slowest + self.restart_s
            else:  # unknown: not in the last quarter
                expected[candidate.name] = 0.25 * self.budget.time_s
        return expected
