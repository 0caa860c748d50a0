"""How the time of a run is shared out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from automl.budget import Budget
from automl.candidates import Candidate, Resource
from automl.history import History
from automl.pacing import RESTART_S, Pace
from automl.plan import Plan
from automl.reserve import OVERHEAD_S
from automl.trial import FoldResult, Trial

SLOW = Candidate("slow", "Slow", ("regression",), {})
GROWING = Candidate(
    "growing", "Growing", ("regression",), {}, resource=Resource("n_estimators", 99)
)


def pace(*trials, time_s=60.0, n_folds=5, limit=None):
    """Return the pace of a run on two workers at its start."""
    plan = Plan((SLOW, GROWING), n_folds, 100, 80, 2, 0, limit)
    return Pace(plan, Budget(time_s, None, 0.0, lambda: 0.0), History(trials))


def finished(fit_s):
    """Return a finished configuration whose folds took so long."""
    folds = tuple(FoldResult(1, k, "ok", 0.5, fit_s=fit_s) for k in range(5))
    return (Trial(0, "baseline", {}, "", "ok"), Trial(1, "slow", {}, "", "ok", folds))


@pytest.mark.parametrize(("time_s", "kept_s"), [(60.0, 6.0), (3600.0, 20.0)])
def test_limits_of_what_predicts_keep_what_smaller_models_take(time_s, kept_s):
    """A tenth of a minute, and of an hour no more than the fits that may follow."""
    now = pace(*finished(0.5), time_s=time_s)
    limited = replace(now, plan=replace(now.plan, limited=True))
    assert now.reserve["limits"] == 0.0
    assert limited.reserve["limits"] == pytest.approx(kept_s, abs=2.0)


@pytest.mark.parametrize(
    ("time_s", "longest_s"), [(60.0, 1.0), (3600.0, 18.0)], ids=["minute", "hour"]
)
def test_a_quick_leader_leaves_others_a_share_of_a_long_budget(time_s, longest_s):
    """Cut to a second, boosting could not overtake a linear model in an hour."""
    now = pace(*finished(0.05), time_s=time_s)
    assert now.limits(GROWING).longest_s == pytest.approx(longest_s)


def test_a_pace_works_out_once_what_is_asked_several_times():
    """At the same point of a search it is the same object, else a new one."""
    now = pace(*finished(1.0))
    assert now.at(now.history, None) is now
    later = now.at(now.history.told(FoldResult(1, 0, "ok", 0.6, fit_s=9.0)), None)
    assert later.expected_seconds["slow"] > now.expected_seconds["slow"]


def test_a_long_refit_is_waited_for_where_nothing_else_can_predict():
    """Models of folds stand in for it, but not after a resume: theirs are gone."""
    long = pace(*finished(20.0))
    leader = long.history[1]
    assert long.refits(leader)
    kept = replace(long, plan=replace(long.plan, keeps=3))
    assert not kept.refits(leader)
    assert kept.reserve["refit"] == 0.0
    resumed = replace(long, plan=replace(kept.plan, resumed=True))
    assert resumed.refits(leader)
    assert resumed.reserve["refit"] > 20.0
    bagged = replace(pace(*finished(4.0)), plan=replace(kept.plan, bag=True))
    leader = bagged.history[1]
    assert not bagged.refits(leader)
    assert replace(bagged, plan=kept.plan).refits(leader)


def test_a_quick_refit_is_made_though_the_leaders_would_take_long():
    """What the rule of simplicity takes is worth its own seconds, not the leader's."""
    long = pace(*finished(20.0))
    kept = replace(long, plan=replace(long.plan, keeps=3))
    folds = tuple(replace(f, trial=2, fit_s=0.1) for f in kept.history[1].folds)
    assert kept.refits(Trial(2, "slow", {}, "", "ok", folds))


def test_a_new_pool_is_expected_to_take_what_the_first_one_took():
    """Where a library is slow to load, all that needs a new worker begins late."""

    def started(first_s, time_s=60.0):
        base = Trial(
            0, "a", {}, "", "ok", (FoldResult(0, 0, "ok", 0.1, started_s=0.4),)
        )
        fold = FoldResult(1, 0, "ok", 0.5, started_s=first_s)
        return pace(base, Trial(1, "slow", {}, "", "ok", (fold,)), time_s=time_s)

    assert started(1.0).restart_s == RESTART_S
    assert started(6.4).restart_s == pytest.approx(6.0)
    assert started(6.4).kill_at(SLOW) == pytest.approx(started(6.4).search_end() - 6.0)
    assert started(50.0).restart_s == pytest.approx(9.0)
    assert pace(*finished(1.0)).restart_s == RESTART_S
    alone = replace(started(6.4), plan=replace(started(6.4).plan, n_workers=1))
    assert alone.restart_s == 0.0


def test_seconds_are_kept_for_the_rows_of_a_test_set():
    """As many as the leader took for a fold's rows, for each row; a quarter at most."""
    folds = tuple(
        FoldResult(1, k, "ok", 0.5, fit_s=0.1, predict_s=0.2) for k in range(5)
    )
    first = pace(Trial(0, "baseline", {}, "", "ok"), Trial(1, "a", {}, "", "ok", folds))
    assert first.reserve["test"] == 0.0
    assert "kept for the rows of X_test" not in first.account()
    some = replace(first, plan=replace(first.plan, n_tested=200))
    assert some.reserve["test"] == pytest.approx(2.0)  # 20 rows in .2 s
    assert some.account()["kept for the rows of X_test"] == pytest.approx(2.0)
    many = replace(first, plan=replace(first.plan, n_tested=20_000))
    assert many.reserve["test"] == pytest.approx(15.0)


def test_refits_of_an_ensemble_are_reckoned_with():
    """Its members are fitted, too, side by side; a bag needs the leader's only."""
    first = pace(*finished(2.0))
    leader = first.history[1]
    more = [replace(leader, number=n) for n in (2, 3)]
    one = replace(first, history=History((*first.history.trials, *more)))
    several = replace(one, plan=replace(one.plan, ensemble=True))
    alone = one.reserve["refit"]
    assert several.reserve["refit"] == 2 * alone
    assert several.reserve["ensemble"] > one.reserve["ensemble"] == 0.0
    bag = replace(one, plan=replace(several.plan, bag=True))
    assert bag.reserve["refit"] == alone
    lonely = replace(several, history=first.history)  # nobody to average it with
    assert lonely.reserve["refit"] == alone
    short = replace(several, budget=replace(one.budget, time_s=15.0))
    assert short.reserve["refit"] == 0.25 * 15.0  # no more than the share


def test_what_waits_behind_others_begins_only_where_it_can_end():
    """Sent out in time, it may begin late; it is then refused, and not ended."""
    now = pace(*finished(1.0))
    limits = now.limits(SLOW)
    assert limits.deadline == pytest.approx(limits.kill_at - 1.5)
    assert now.limits(GROWING).deadline == pytest.approx(now.search_end() - 0.1)


def test_a_family_that_ran_into_a_limit_may_try_again():
    """It is taken to need twice what it was given, not the whole budget."""
    late = FoldResult(2, 0, "timeout", started_s=1.0, ended_s=5.0)
    ended = Trial(2, "slow", {}, "", "timeout", (late,))
    now = pace(*finished(1.0), ended)
    assert now.expected_seconds["slow"] == pytest.approx(1.5 * 8.0 + now.restart_s)


def test_the_users_limit_of_a_trial_is_shared_by_its_folds():
    """Ten seconds over five folds are two each."""
    assert pace(limit=10.0).limits(GROWING).limit_s == 2.0
    unlimited = pace().limits(GROWING)
    assert unlimited.limit_s > 2.0


def test_the_users_limit_holds_without_a_budget_in_time():
    """Trials alone have no limits but that one."""
    assert pace(time_s=None, limit=10.0).limits(SLOW).limit_s == 2.0
    assert pace(time_s=None).limits(SLOW) == type(pace().limits(SLOW))()


def test_a_fold_that_could_never_finish_its_trial_is_ended():
    """Without a limit of the user's it is all the workers' time, shared by folds."""
    assert pace(time_s=60.0, n_folds=5).limits(SLOW).limit_s == pytest.approx(24.0)


def test_the_reserve_grows_with_the_leaders_fit():
    """What is kept for the refit follows from what was measured."""
    early, late = pace(), pace(*finished(8.0))
    assert early.reserve["refit"] == 0.0
    assert late.reserve["refit"] == pytest.approx(1.2 * 8.0 * 100 / 80)
    assert late.search_end() < early.search_end() - 5


def test_what_cannot_stop_by_itself_is_ended_before_the_search_is():
    """A kill costs a new pool, which the refit would wait for."""
    now = pace(*finished(1.0))
    assert now.kill_at(SLOW) < now.search_end() < now.kill_at(GROWING)
    late_s = now.kill_at(GROWING) - now.search_end()
    assert late_s == pytest.approx(max(0.3, 0.01 * now.budget.time_s))


def test_the_account_says_what_was_kept_and_allowed():
    """A run of seconds has eight lines, one of trials only what the user set."""
    account = pace(*finished(1.0)).account()
    assert len(account) == 8
    assert account["kept for the score's correction"] == pytest.approx(0.02 * 60)
    assert account["kept for the report and the end of workers"] == OVERHEAD_S
    assert pace(time_s=None).account() == {}
    assert list(pace(time_s=None, limit=10.0).account().values()) == [2.0]


def test_what_must_be_killed_is_expected_to_end_before_that():
    """A fold that would be cut off by the end is not begun."""
    now = pace(*finished(1.0))
    assert now.expected_seconds["slow"] >= 1.5 + now.restart_s
    assert not now.is_closing


def test_a_growing_family_that_was_not_seen_is_not_begun_in_the_last_moments():
    """It is expected to need as long as others usually do, half of it at least."""
    fresh, late = pace(), pace(*finished(6.0))
    assert fresh.expected_seconds[GROWING.name] == 0.25
    assert late.expected_seconds[GROWING.name] > 2.0


def test_a_new_pool_takes_what_the_first_one_took_whoever_began_first():
    """The first configuration may be run again late, after its worker died."""
    base = replace(
        finished(1.0)[0], folds=(FoldResult(0, 0, "ok", 0.1, started_s=1.0),)
    )
    again = Trial(1, "slow", {}, "", folds=(FoldResult(1, 0, "ok", 0.5, started_s=50),))
    other = Trial(2, "slow", {}, "", folds=(FoldResult(2, 0, "ok", 0.5, started_s=4),))
    assert pace(base, again, other).restart_s == 3.0


def test_the_baseline_says_nothing_of_what_a_family_takes():
    """It fits in no time: what was not seen yet is guessed from the others."""
    quick = tuple(FoldResult(0, k, "ok", 0.1, fit_s=0.001) for k in range(5))
    slow = tuple(FoldResult(1, k, "ok", 0.5, fit_s=8.0) for k in range(5))
    now = pace(
        Trial(0, "baseline", {}, "", "ok", quick), Trial(1, "slow", {}, "", "ok", slow)
    )
    assert now.expected_seconds[GROWING.name] == pytest.approx(0.5 * 8.0)
