"""What is kept for the end of a run follows from the fits that are really wanted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from automl.budget import Budget
from automl.candidates import Candidate, Resource
from automl.finish import SPARE_S, Finish
from automl.history import History
from automl.plan import Plan
from automl.reserve import (
    CHECKS_KEPT_S,
    ENSEMBLE_SHARE,
    SCORE_SHARE,
    Preview,
    checks_seconds,
    is_refitted,
    refit_seconds,
    seconds_kept,
)
from automl.trial import FoldResult, Trial

SLOW = Candidate("slow", "Slow", ("regression",), {})
PLAN = Plan((SLOW,), 5, 100, 80, 2, 0, keeps=3, ensemble=True, n_columns=10)


def trial(number, fit_s, score=0.5):
    """Return a finished configuration whose folds took so long each."""
    folds = tuple(
        FoldResult(number, k, "ok", score, fit_s=fit_s, predict_s=0.01)
        for k in range(5)
    )
    return Trial(number, "slow", {}, "", "ok", folds)


def kept(*seconds, plan=PLAN, time_s=300.0, preview=None):
    """Return what is kept where the first of these configurations leads."""
    trials = [trial(n, s, 1.0 - n / 100) for n, s in enumerate(seconds, start=1)]
    base = Trial(0, "baseline", {}, "", "ok")
    leader = trials[0] if trials else None
    return seconds_kept(plan, History((base, *trials)), leader, time_s, preview)


def test_the_members_that_were_found_are_reckoned_with_and_no_others():
    """Refits run side by side: the longest of four takes as long as the other three."""
    seconds = (4.0, 12.0, 4.0, 4.0, 20.0)
    found = kept(*seconds, preview=Preview((1, 2, 3, 4), 0.0))
    fits = [refit_seconds(PLAN, trial(1, s)) for s in seconds]
    assert found["refit"] == pytest.approx(fits[1])
    alone = kept(*seconds, preview=Preview((1,), 0.0))
    assert alone["refit"] == pytest.approx(fits[0])


def test_what_is_too_long_to_be_waited_for_is_not_reckoned_with():
    """Neither the leader's refit nor a member's: models of folds predict instead."""
    assert kept(100.0, 2.0, preview=Preview((1, 2), 0.0))["refit"] == pytest.approx(3.0)
    assert kept(2.0, 100.0, preview=Preview((1, 2), 0.0))["refit"] == pytest.approx(3.0)
    assert kept(100.0, 90.0, preview=Preview((1, 2), 0.0))["refit"] == 0.0


def test_weights_are_given_the_time_that_they_took():
    """Before anybody looked they have their whole share, and never more."""
    share = ENSEMBLE_SHARE * 300.0
    assert kept(1.0, 1.0)["ensemble"] == share
    quick = kept(1.0, 1.0, preview=Preview((1, 2), 0.2))["ensemble"]
    assert 0.2 < quick < share / 4
    assert kept(1.0, 1.0, preview=Preview((1, 2), 60.0))["ensemble"] == share


def test_the_score_is_corrected_while_what_predicts_is_fitted():
    """Then only what is longer than these fits is kept for it."""
    beside = replace(PLAN, scored_meanwhile=True)
    share = SCORE_SHARE * 300.0
    assert kept(1.0)["score"] == share
    two = kept(2.0, plan=beside, preview=Preview((1,), 0.0))
    assert two["score"] == pytest.approx(share - two["refit"])
    assert kept(20.0, plan=beside, preview=Preview((1,), 0.0))["score"] == 0.0


def test_quick_explanations_keep_no_share_of_a_long_budget():
    """Importance and canary are expected to take what their predictions take."""
    early = kept()["explain"]
    assert early == pytest.approx(0.06 * 300.0 - 0.04 * 300.0, abs=10.0)
    late = kept(1.0, preview=Preview((1,), 0.0))["explain"]
    assert 0.0 < late < 3.0 < early
    wide = replace(PLAN, n_columns=5000)
    assert kept(1.0, plan=wide, preview=Preview((1,), 0.0))["explain"] > late
    one = replace(PLAN, n_workers=1)  # nothing runs beside the refit
    assert kept(1.0, plan=one, preview=Preview((1,), 0.0))["explain"] > late


def test_checks_keep_what_they_take_and_may_take_more():
    """Of an hour they may have ten seconds; a little more than one is kept."""
    assert kept(time_s=3600.0)["checks"] == CHECKS_KEPT_S < checks_seconds(3600.0)
    assert kept(time_s=30.0)["checks"] == checks_seconds(30.0)


@pytest.mark.parametrize("time_s", [30.0, 60.0, 300.0, 3600.0])
@pytest.mark.parametrize("fit_s", [0.1, 2.0])
def test_what_is_kept_leaves_time_for_the_canary(time_s, fit_s):
    """When the refits took what was expected, it fits before checks and report."""
    plan = replace(PLAN, n_rows=20_000, n_train=16_000, scored_meanwhile=True)
    found = kept(fit_s, plan=plan, time_s=time_s, preview=Preview((1,), 0.0))
    spent = time_s - sum(found.values()) + found["ensemble"] + found["refit"]
    budget = Budget(time_s, None, 0.0, lambda: spent)
    leader = trial(1, fit_s)
    ending = Finish(
        History((Trial(0, "baseline", {}, "", "ok"), leader)), budget, {0: 0, 1: 0},
        n_rows=20_000, n_train=16_000, n_workers=2, first_serial=1,
    )  # fmt: skip
    assert ending._canary_fits(leader)
    assert budget.remaining_s > SPARE_S


def test_a_learner_that_does_not_grow_is_given_more_for_its_refit():
    """Some take more than twice as long for twice the rows."""
    grows = replace(SLOW, resource=Resource("n_estimators", 99))
    plan = replace(PLAN, candidates=(grows,))
    assert refit_seconds(plan, trial(1, 8.0)) == pytest.approx(8.0 * 100 / 80)
    assert refit_seconds(PLAN, trial(1, 8.0)) == pytest.approx(1.2 * 8.0 * 100 / 80)


def test_text_keeps_the_whole_share_of_the_importance():
    """What its preparation takes again and again is not known beforehand."""
    text = replace(PLAN, has_text=True)
    plain = kept(1.0, preview=Preview((1,), 0.0))["explain"]
    assert kept(1.0, plan=text, preview=Preview((1,), 0.0))["explain"] > plain + 5


def test_the_members_predict_the_rows_of_a_test_set():
    """LightGBM goes row by row there, which takes longer than in the folds."""
    boosts = replace(SLOW, name="mine", estimators={"regression": "lightgbm.L"})
    plan = replace(PLAN, n_tested=200, candidates=(SLOW, boosts))
    one = kept(1.0, 1.0, plan=plan, preview=Preview((1,), 0.0))["test"]
    both = kept(1.0, 1.0, plan=plan, preview=Preview((1, 2), 0.0))["test"]
    assert both == pytest.approx(2 * one)
    history = History(
        (Trial(0, "b", {}, "", "ok"), replace(trial(1, 1.0), candidate="mine"))
    )
    found = seconds_kept(plan, history, history[1], 300.0, Preview((1,), 0.0))
    assert found["test"] == pytest.approx(2.5 * one)


def test_a_short_fit_is_made_again_however_short_the_budget_is():
    """No models of its folds are kept that could predict instead."""
    short, long = trial(1, 0.45), trial(1, 0.6)
    assert is_refitted(PLAN, short, 1.0)
    assert not is_refitted(PLAN, long, 1.0)
