"""What to expect of the model that predicts: from test rows where they tell it.

Nothing here is worth a model: what fails is a note, and there is no estimate.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from automl.appraisal import Appraised, appraise, estimate_facts
from automl.baseline import constant_factors, constant_prediction
from automl.checks import Evidence, run_checks
from automl.checks.drift import Drift
from automl.checks.finding import Finding, worst_first
from automl.checks.rows import SeenBefore
from automl.effort import HURRY_S
from automl.estimators.labels import favoured
from automl.facts.compact import compact
from automl.facts.verdict import restated
from automl.resampled_scores import is_quick
from automl.reserve import SCORE_SHARE
from automl.testset import score_test

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from automl.budget import Budget
    from automl.choice import Simplest
    from automl.conclusion import Concluded
    from automl.history import History
    from automl.interrupt import Interrupt
    from automl.journal import Journal
    from automl.problem import Problem
    from automl.testset import HeldOut, Tested
    from automl.trial import Trial

__all__ = ["Expected", "Meanwhile", "expect", "expect_again", "is_arithmetic"]

MEANWHILE_CELLS = 200_000
"""Numbers of a configuration up to which the score is corrected while workers fit: of
25,000 rows of two classes. A hundred configurations are 150 MB then."""

OWN = "own_estimate"
"""Fact of a finished run that was given test rows later: what it had without them."""

OF_TEST = (SeenBefore(), Drift())
"""Checks that look at the test rows."""


@dataclass(frozen=True)
class Expected:
    """What to expect on new rows.

    Attributes
    ----------
    estimate : dict or None
        Facts of the report.
    test_score : float or None
        On the test rows, greater is better.
    notes : tuple of str
        What stands beside the estimate, or failed.
    made_s : float
        Seconds since the run began when it was made.
    """

    estimate: dict[str, Any] | None
    test_score: float | None = None
    notes: tuple[str, ...] = ()
    made_s: float = 0.0


class Meanwhile:
    """Corrects the score in a thread of this process while workers fit what predicts.

    Only what is arithmetic runs there: no metric of the user's, and no warning, as
    filters of warnings belong to all threads.

    Parameters
    ----------
    problem : Problem
        What is worked on.
    journal : Journal
        With the out-of-fold predictions.
    budget : Budget
        Of the run.
    interrupt : Interrupt
        Ends drawings as well.
    rule : Simplest or None
        What the one-standard-error rule took, if that is to predict.
    """

    def __init__(
        self,
        problem: Problem,
        journal: Journal,
        budget: Budget,
        interrupt: Interrupt,
        rule: Simplest | None,
    ) -> None:
        self._given = (problem, journal, budget, interrupt)
        self._rule = rule
        self._about: tuple[Trial, float] | None = None
        self._found: Appraised | None = None
        self._thread: threading.Thread | None = None
        self._dropped = False

    def start(self, trial: Trial, history: History, temperature: float) -> None:
        """Begin with what is expected to predict."""
        self._about = (trial, temperature)
        self._thread = threading.Thread(
            target=self._run, args=(trial, history, temperature), daemon=True
        )
        self._thread.start()

    def _run(self, trial: Trial, history: History, temperature: float) -> None:
        problem, journal, budget, interrupt = self._given
        asked = _asked_since(interrupt)
        with suppress(Exception):  # it is made again at the end, which tells of it
            self._found = appraise(
                trial, history, problem, journal.predictions, budget, rule=self._rule,
                temperature=temperature, hurry=interrupt.asked,
                is_over=lambda: self._dropped or asked(),
            )  # fmt: skip

    def found(self, done: Concluded) -> Appraised | None:
        """Return what it came to; None if it was about something else, or cut short."""
        if self._thread is None or self._about is None:
            return None
        trial, temperature = self._about
        same = (trial.number, trial.params) == (
            done.out.trial.number, done.out.trial.params,
        )  # fmt: skip
        same = same and temperature == done.temperature and self._rule is done.rule
        self._dropped = not same
        self._thread.join()
        found = self._found if same else None
        estimate = None if found is None else found.estimate
        return found if estimate is not None and estimate.method == "bbc" else None


def is_arithmetic(problem: Problem) -> bool:
    """Return whether the score of a run can be corrected beside other work."""
    table = problem.table
    n_scored = sum(len(test) for _, test in problem.folds.splits)
    cells = n_scored * (max(1, table.n_classes) + 6)
    return is_quick(problem.metric) and cells <= MEANWHILE_CELLS


def expect(
    done: Concluded,
    held_out: HeldOut | None,
    budget: Budget,
    interrupt: Interrupt,
    meanwhile: Meanwhile | None = None,
) -> Expected:
    """Return what to expect of what a search came to.

    Parameters
    ----------
    done : Concluded
        With what predicts.
    held_out : HeldOut or None
        Test rows.
    budget : Budget
        Of the run; the share for this is `automl.reserve.SCORE_SHARE`.
    interrupt : Interrupt
        Ends drawings as well.
    meanwhile : Meanwhile, default=None
        What was begun while fits ran.
    """
    trial, problem = done.out.trial, done.problem
    tested, notes = _tested(
        done.out.pipeline, held_out, problem, _clock(budget, interrupt),
        _late(budget, interrupt),
    )  # fmt: skip
    found = Appraised(None) if tested is None else tested.appraised
    early = None if meanwhile is None else meanwhile.found(done)
    try:
        if found.estimate is None:
            found = early or appraise(
                trial, done.ranked, problem, done.journal.predictions, budget,
                rule=done.rule, temperature=done.temperature, hurry=interrupt.asked,
                is_over=_asked_since(interrupt),
            )  # fmt: skip
    except Exception as error:  # noqa: BLE001 - there is a model, estimated or not
        why = f"There is no estimate: making it raised {type(error).__name__}."
        notes = (*notes, why)
    estimate = estimate_facts(found, problem.metric, trial.score)
    score = None if tested is None else tested.score
    return Expected(estimate, score, notes, budget.elapsed_s)


def expect_again(
    facts: Mapping[str, Any],
    pipeline: Any,
    held_out: HeldOut | None,
    trial: Trial,
    trials: tuple[Trial, ...],
    problem: Problem,
    random_state: int,
) -> tuple[dict[str, Any], Expected]:
    """Return the facts of a finished run with test rows that it had not, or others.

    Parameters
    ----------
    facts : dict
        As it ended.
    pipeline : Pipeline
        What predicts.
    held_out : HeldOut or None
        Test rows.
    trial, trials : Trial, tuple of Trial
        What predicts, as it was scored, and all.
    problem : Problem
        What was worked on.
    random_state : int
        For checks that draw.
    """
    if held_out is None:
        return dict(facts), Expected(facts.get("estimate"))
    own = facts.get(OWN, facts.get("estimate"))
    tested, notes = _tested(pipeline, held_out, problem, lambda: False)
    found = Appraised(None) if tested is None else tested.appraised
    new = estimate_facts(found, problem.metric, trial.score)
    score = None if tested is None else tested.score
    estimate = own if new is None else compact(new)
    checks = _checks_again(facts, held_out, problem, random_state)
    out = {**facts, OWN: own, "estimate": estimate, "checks": checks}
    if isinstance(facts.get("verdict"), dict):
        out["verdict"] = compact(restated(
            facts["verdict"], trials, trial, problem.folds, problem.metric, estimate
        ))  # fmt: skip
    return out, Expected(estimate, score, notes)


def _checks_again(
    facts: Mapping[str, Any], held_out: HeldOut, problem: Problem, random_state: int
) -> tuple[dict[str, Any], ...]:
    """Return the checks, those of test rows made on these."""
    evidence = Evidence(
        problem.table, problem.folds, problem.metric,
        test=held_out.X.reset_index(drop=True), shared=held_out.shared,
        random_state=random_state,
    )  # fmt: skip
    made = run_checks(evidence, lambda: False, OF_TEST).findings
    anew = {finding.code: finding for finding in made}
    before = (Finding.from_json(found) for found in facts.get("checks", ()))
    again = worst_first(anew.get(f.code, f) for f in before)
    return tuple(found.as_json() for found in again)


def _tested(
    pipeline: Any,
    held_out: HeldOut | None,
    problem: Problem,
    is_over: Callable[[], bool],
    is_late: Callable[[], bool] = lambda: False,
) -> tuple[Tested | None, tuple[str, ...]]:
    """Return what test rows show, and what to say of it."""
    if held_out is None:
        return None, ()
    try:
        tested = score_test(
            pipeline, held_out, problem.metric, is_over=is_over, is_late=is_late,
            constant=favoured(
                constant_prediction(problem.table, problem.metric, len(held_out.y)),
                constant_factors(problem.table, problem.metric),
            ),
        )  # fmt: skip
    except Exception as error:  # noqa: BLE001 - no test row is worth a model
        return None, (f"X_test has no score: it raised {type(error).__name__}.",)
    return tested, (tested.note,) if tested.note else ()


def _clock(budget: Budget, interrupt: Interrupt) -> Callable[[], bool]:
    """Return whether the share of the budget is used up, or the user waits.

    It begins when it is first asked: predicting comes before, in a time of its own.
    """
    time_s, asked = budget.time_s, _asked_since(interrupt)
    if time_s is None:
        return lambda: interrupt.asked

    @cache
    def end() -> float:
        allowed_s = min(SCORE_SHARE * time_s, budget.remaining_s)
        if interrupt.asked:
            allowed_s = min(allowed_s, HURRY_S)
        return budget.clock() + allowed_s

    return lambda: budget.clock() > end() or asked()


def _late(budget: Budget, interrupt: Interrupt) -> Callable[[], bool]:
    """Return what says whether test rows may not be predicted any more."""
    begun = budget.clock()

    def is_late() -> bool:
        if interrupt.asked_s is not None:
            return budget.clock() > max(begun, interrupt.asked_s) + HURRY_S
        return budget.time_s is not None and budget.remaining_s <= 0

    return is_late


def _asked_since(interrupt: Interrupt) -> Callable[[], bool]:
    """Return what says whether the user has asked to stop from now on."""
    asked_before = interrupt.asked
    return lambda: interrupt.asked and not asked_before
