"""What is fitted after a search: which trial, in which order, and what if one fails."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from automl.budget import Budget
from automl.evaluate import Outcome, Task
from automl.finish import THREADED_ROWS, Finish, Wanted
from automl.history import History
from automl.refit_order import refit_order
from automl.trial import FoldResult, Trial


def history(*scores, baseline=0.0):
    """Return a history of finished trials, one a score."""
    trials = [Trial(0, "baseline", {}, "", "ok", (FoldResult(0, 0, "ok", baseline),))]
    for i, score in enumerate(scores, start=1):
        folds = (FoldResult(i, 0, "ok", score, fit_s=0.1, rounds=40 + i),)
        trials.append(Trial(i, f"c{i}", {"a": i}, "", "ok", folds))
    return History(tuple(trials))


def finish(of, *, time_s=None, seconds=None, n_workers=2, wanted=None):
    """Return what is asked for after a search of this history."""
    budget = Budget(time_s, None, 0.0, lambda: 0.0)
    seconds = seconds or {t.number: 0.1 for t in of}
    return Finish(
        of, budget, seconds, n_rows=100, n_train=80, n_workers=n_workers,
        first_serial=100, wanted=wanted,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("error", "after_s", "again"),
    [("cancelled", 0.05, True), ("cancelled", 3.0, False), ("lost", 3.0, True)],
)
def test_a_refit_that_hung_before_a_ctrl_c_is_not_made_again(error, after_s, again):
    """In this process nothing ends it; one in time is, and one lost with its pool."""
    now = [0.0]
    of = history(0.3, 0.9)
    seconds = {t.number: 0.1 for t in of}
    ending = Finish(
        of, Budget(None, None, 0.0, lambda: now[0]), seconds, n_rows=100, n_train=80,
        n_workers=1, first_serial=100,
    )  # fmt: skip
    refit = ending.source()
    now[0] = after_s
    ending.tell(Outcome(refit, error=error))
    tasks = [ending.source() for _ in range(2)]
    assert any(t.kind == "refit" and t.trial == refit.trial for t in tasks) == again
    assert bool(ending.errors) != again


def test_what_the_constant_beats_does_not_predict():
    """A leader whose fit fails gives way to those ahead of the baseline only."""
    order = refit_order(history(0.9, 0.45, 0.6, baseline=0.5))
    assert [t.number for t in order] == [1, 3]
    assert refit_order(history(0.4, 0.3, baseline=0.5)) == []


def test_a_member_that_was_fitted_takes_the_place_of_a_leader_that_failed():
    """Its fit on all rows is there, and is not made twice."""
    of = history(0.3, 0.9, 0.5)
    second = next(t for t in of if t.number == 3)
    ending = finish(of, wanted=Wanted(refits=(second,)))
    leader, member = ending.source(), ending.source()
    assert [(t.kind, t.trial) for t in (leader, member)] == [("refit", 2), ("refit", 3)]
    ending.tell(Outcome(member, value="second"))
    ending.tell(Outcome(leader, error="memory"))
    assert ending.source().kind == "importance"
    assert (ending.winner.number, ending.pipeline) == (3, "second")


@pytest.mark.parametrize("lost", [False, True])
def test_a_member_under_way_takes_the_place_of_a_leader_that_failed(lost):
    """It is not begun a second time, but where it was lost beside the leader."""
    of = history(0.3, 0.9, 0.5)
    second = next(t for t in of if t.number == 3)
    ending = finish(of, wanted=Wanted(refits=(second,)))
    leader, member = ending.source(), ending.source()
    if lost:
        ending.tell(Outcome(member, error="lost"))
    ending.tell(Outcome(leader, error="memory"))
    following = ending.source()
    assert following == (member if lost else following)
    sent = [following] + [ending.source() for _ in range(3)]
    assert sum(t.kind == "refit" for t in sent) == int(lost)
    ending.tell(Outcome(member, value="second"))
    assert (ending.winner.number, ending.pipeline) == (3, "second")


def test_a_refit_that_is_there_is_used_when_the_time_is_over():
    """A leader that took all of it leaves no small model for want of a second."""
    of = history(0.3, 0.9, 0.5)
    now = [0.0]
    second = next(t for t in of if t.number == 3)
    ending = Finish(
        of, Budget(10.0, None, 0.0, lambda: now[0]), {t.number: 0.1 for t in of},
        n_rows=100, n_train=80, n_workers=2, first_serial=100,
        wanted=Wanted(refits=(second,)),
    )  # fmt: skip
    leader, member = ending.source(), ending.source()
    ending.tell(Outcome(member, value="second"))
    now[0] = 9.9
    ending.tell(Outcome(leader, error="timeout"))
    while ending.source() is not None:
        pass
    assert (ending.winner.number, ending.pipeline) == (3, "second")


@pytest.mark.parametrize(("time_s", "threads"), [(60.0, 2), (None, 1)])
def test_a_refit_has_one_thread_where_its_result_is_to_be_the_same(time_s, threads):
    """A run of trials comes out alike for any number of processes."""
    of = history(0.3, 0.9)
    ending = Finish(
        of, Budget(time_s, 9, 0.0, lambda: 0.0), {t.number: 0.1 for t in of},
        n_rows=THREADED_ROWS, n_train=40_000, n_workers=2, first_serial=100,
    )  # fmt: skip
    assert ending.source().n_jobs == threads


def test_the_best_trial_is_refitted_with_its_rounds_and_explained():
    """A refit comes first, its importance beside it, then a canary and the end."""
    ending = finish(history(0.3, 0.9, 0.5))
    refit, explain = ending.source(), ending.source()
    assert (refit.kind, refit.trial, refit.rounds) == ("refit", 2, 42)
    assert (explain.kind, explain.trial, explain.fold) == ("importance", 2, 0)
    assert ending.source().kind == "wait"  # a canary that is ended ends no refit
    ending.tell(Outcome(explain, value={"drops": {}}))
    ending.tell(Outcome(refit, value="pipeline"))
    canary = ending.source()
    assert (canary.kind, canary.trial, canary.fold) == ("canary", 2, 0)
    ending.tell(Outcome(canary, value={"score": 0.5}))
    assert ending.source() is None
    assert (ending.winner.number, ending.pipeline) == (2, "pipeline")
    assert (ending.importance, ending.canary) == ({"drops": {}}, {"score": 0.5})


def test_what_explains_is_not_ended_before_the_fits_beside_it():
    """Ending it ends all workers: with a refit out, it may last as long as that."""
    ending = finish(history(0.3, 0.9), time_s=40.0)
    ending.budget = Budget(40.0, None, time.monotonic())
    refit, explain = ending.source(), ending.source()
    assert (refit.kind, explain.kind) == ("refit", "importance")
    assert explain.kill_at >= refit.kill_at
    ending.tell(Outcome(refit, value="pipeline"))
    assert ending.source().kind == "canary"


def test_nothing_is_explained_where_no_time_is_left():
    """A refit that took it all has made its worker end: a new one takes seconds."""
    ending = finish(history(0.3, 0.9), time_s=10.0)
    refit = ending.source()
    ending.budget = Budget(10.0, None, 0.0, lambda: 9.5)
    ending.tell(Outcome(refit, value="pipeline"))
    assert ending.source() is None


@pytest.mark.parametrize(("fit_s", "kinds"), [(0.1, ["canary"]), (1.0, [])])
def test_a_shuffled_target_is_fitted_only_where_that_ends_in_its_share(fit_s, kinds):
    """Of ten seconds, a fiftieth is for it."""
    of = history(0.9)
    slow = replace(of[1].folds[0], fit_s=fit_s)
    of = of.replaced(replace(of[1], folds=(slow,)))
    found = tasks_of(finish(of, time_s=10.0))
    assert [kind for kind, _, _ in found if kind == "canary"] == kinds


def test_a_failed_refit_makes_way_for_the_next_best():
    """The second is fitted, and the failure is told in a sentence."""
    ending = finish(history(0.3, 0.9, 0.5))
    first = ending.source()
    ending.tell(Outcome(first, error="Traceback …\nMemoryError: too much"))
    second = ending.source()
    assert second.trial == 3
    ending.tell(Outcome(second, value="pipeline"))
    assert ending.winner.number == 3
    assert "Trial 2 could not be fitted on all rows" in ending.errors[0]


def test_a_refit_that_died_beside_another_task_is_tried_again():
    """A lost refit of the leader is not the leader's failure."""
    ending = finish(history(0.3, 0.9))
    first, explain = ending.source(), ending.source()
    ending.tell(Outcome(explain, error="killed"))
    ending.tell(Outcome(first, error="lost"))
    again = ending.source()
    assert (again.kind, again.trial) == ("refit", 2)
    ending.tell(Outcome(again, error="lost"))
    assert ending.source().trial == 1


def test_what_is_left_over_from_the_search_is_not_the_refit():
    """Outcomes of other tasks change nothing."""
    ending = finish(history(0.9))
    refit = ending.source()
    ending.tell(Outcome(Task("fold", 3, 1, 0), error="lost"))
    ending.tell(Outcome(refit, value="pipeline"))
    assert ending.pipeline == "pipeline"


def test_a_refit_cut_short_is_told():
    """Fewer rounds than the folds had are worth a sentence."""
    ending = finish(history(0.9))
    ending.tell(Outcome(ending.source(), value="pipeline", truncated=True))
    assert "cut short" in ending.errors[0]


def test_a_learner_that_grows_is_cut_rather_than_left_out():
    """Where nothing fits in the time, boosting makes what rounds it can."""
    budget = Budget(5.0, None, 0.0, lambda: 0.0)
    ending = Finish(
        history(0.9), budget, {0: 0, 1: 60.0}, n_rows=100, n_train=80, n_workers=2,
        first_serial=1, growing={"c1"},
    )  # fmt: skip
    assert ending.source().trial == 1


def test_a_refit_that_cannot_end_in_time_is_not_begun():
    """The best one whose refit fits in what is left is taken."""
    ending = finish(history(0.3, 0.9), time_s=5.0, seconds={0: 0, 1: 1.0, 2: 60.0})
    assert ending.source().trial == 1
    none = finish(history(0.9), time_s=5.0, seconds={0: 0, 1: 60.0})
    assert none.source() is None


def test_a_leading_baseline_needs_no_refit():
    """Where nothing beats the constant prediction there is nothing to fit."""
    assert finish(history(0.3, baseline=0.5)).source() is None


@pytest.mark.parametrize("n_workers", [1, 2])
def test_a_single_process_does_one_after_the_other(n_workers):
    """With one process what explains the winner follows the refit."""
    ending = finish(history(0.9), n_workers=n_workers)
    kinds = []
    while (task := ending.source()) is not None:
        kinds.append(task.kind)
        value = {"drops": {}} if task.kind == "importance" else "pipeline"
        if task.kind != "wait":
            ending.tell(Outcome(task, value=value))
    assert sorted(k for k in kinds if k != "wait") == [
        "canary", "importance", "refit",
    ]  # fmt: skip


def tasks_of(ending):
    """Do all that is asked for, each well; return kind, trial and fold of each."""
    done = []
    while (task := ending.source()) is not None:
        if task.kind != "wait":
            done.append((task.kind, task.trial, task.fold))
            ending.tell(Outcome(task, value=f"of {task.trial}"))
    return done


def test_members_of_an_ensemble_are_fitted_on_all_rows_once():
    """The leader's fit serves both; each of the others has one."""
    of = history(0.3, 0.9, 0.5)
    ending = finish(of, wanted=Wanted(refits=(of[2], of[1])))
    assert sorted(tasks_of(ending)) == [
        ("canary", 2, 0), ("importance", 2, 0), ("refit", 1, -1), ("refit", 2, -1),
    ]  # fmt: skip
    assert {n: o.value for n, o in ending.refits.items()} == {1: "of 1", 2: "of 2"}


def test_models_of_folds_that_are_gone_are_made_again():
    """They are kept this time; without a fit of the leader only it is explained."""
    of = history(0.3, 0.9)
    wanted = Wanted(single=False, folds=((of[1], 0), (of[2], 0)), kept=True)
    ending = finish(of, wanted=wanted)
    first = ending.source()
    assert (first.kind, first.trial, first.keep_from_s) == ("fold", 1, 0.0)
    ending.tell(Outcome(first))
    assert tasks_of(ending) == [
        ("fold", 2, 0), ("importance", 2, 0), ("canary", 2, 0),
    ]  # fmt: skip
    assert ending.pipeline is None
    assert ending.winner.number == 2


def test_a_member_that_died_beside_another_task_is_tried_again_once():
    """The second time it is left out."""
    of = history(0.3, 0.9)
    ending = finish(of, wanted=Wanted(single=False, refits=(of[1],)))
    for _ in range(2):
        task = ending.source()
        assert (task.kind, task.trial) == ("refit", 1)
        ending.tell(Outcome(task, error="lost"))
    assert ending.source().kind == "importance"
    assert ending.refits == {}


def test_where_the_models_of_the_folds_are_there_a_cut_fit_stands_back():
    """Neither it nor another configuration takes their place."""
    of = history(0.3, 0.9)
    ending = finish(of, wanted=Wanted(kept=True))
    task = ending.source()
    ending.tell(Outcome(task, value="short", truncated=True))
    assert [kind for kind, _, _ in tasks_of(ending)] == ["importance", "canary"]
    assert (ending.pipeline, ending.stump) == (None, "short")


def test_where_nothing_finished_what_leads_on_its_folds_is_fitted():
    """A configuration stopped on its way is better than one that was never scored."""
    base = tuple(FoldResult(0, k, "ok", 0.4) for k in range(3))
    trials = [Trial(0, "baseline", {}, "", "ok", base)]
    for i, score in enumerate((0.5, 0.9, 0.1), start=1):
        folds = (FoldResult(i, 0, "ok", score, fit_s=0.1),)
        trials.append(Trial(i, f"c{i}", {}, "", "cancelled", folds))
    trials.append(Trial(4, "c4", {}, "", "error", (FoldResult(4, 0, "ok", 2.0),)))
    ending = finish(History(tuple(trials)), seconds=dict.fromkeys(range(5), 0.1))
    assert ending.source().trial == 2
    assert [t.number for t in ending._queue] == [1]


def test_what_takes_longest_is_fitted_first_where_all_end_in_time():
    """Else the members with the greatest weights are."""
    of = history(0.9, 0.8, 0.7, 0.6)
    members = tuple(of[n] for n in (1, 2, 3, 4))
    seconds = {0: 0.0, 1: 1.0, 2: 2.0, 3: 9.0, 4: 5.0}

    def order(time_s):
        ending = finish(
            of, time_s=time_s, seconds=seconds, wanted=Wanted(refits=members)
        )
        return [ending.source().trial for _ in range(4)]

    assert order(60.0) == [1, 3, 4, 2]
    assert order(15.0)[:3] == [1, 2, 3]


def test_the_processors_seconds_of_what_follows_the_search_are_counted():
    """Of refits and of what explains them."""
    ending = finish(history(0.9))
    refit, explain = ending.source(), ending.source()
    ending.tell(Outcome(refit, value="pipeline", cpu_s=1.5))
    ending.tell(Outcome(explain, value={"drops": {}}, cpu_s=0.25))
    assert ending.cpu_s == 1.75
