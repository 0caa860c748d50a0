"""The events of a journal become a history that goes on."""

from automl.budget import Budget
from automl.resume import restore, resumed_budget


def events_of(*events, n_folds=2, ordered=True):
    """Return a journal's events with a beginning."""
    start = {
        "event": "start", "n_folds": n_folds, "random_state": 7, "identity": {},
        "ordered": ordered, "at": 0.5,
    }  # fmt: skip
    return [start, *events]


def started(number, **params):
    """Return the event of a trial's start."""
    return {
        "event": "trial", "trial": number, "candidate": "ridge", "params": params,
        "origin": "random",
    }  # fmt: skip


def scored(number, fold, score=0.5, status="ok", at=1.0):
    """Return the event of a fold."""
    facts = {"trial": number, "fold": fold, "status": status, "score": score}
    return {"event": "fold", **facts, "at": at}


def restored(*events, gone=(), **how):
    """Return what is restored from events."""
    return restore(
        events_of(*events, **how), 0, lambda trial, fold: (trial, fold) not in gone
    )


def test_a_trial_without_an_end_is_running_again():
    """Its folds stay; times, seed and folds are read off; the last of two counts."""
    state = restored(
        started(0), scored(0, 0, 0.1), scored(0, 0, 0.9, at=4.25), ordered=False
    )
    (trial,) = state.history
    assert (trial.status, trial.scores, trial.origin) == ("running", {0: 0.9}, "random")
    assert (state.elapsed_s, state.seed, state.n_folds) == (4.25, 7, 2)
    assert not state.ordered


def test_a_missing_end_is_made_up_for():
    """All folds are an end, and so is one that failed."""
    state = restored(
        started(0), scored(0, 0), scored(0, 1), started(1),
        scored(1, 0, None, "error"),
    )  # fmt: skip
    assert [t.status for t in state.history] == ["ok", "error"]


def test_a_raced_trial_whose_folds_all_came_in_is_finished():
    """The line of its second end was lost; with a fold missing it stays raced."""
    raced = [{"event": "end", "trial": n, "status": "raced"} for n in (0, 1, 2)]
    state = restored(
        started(0), scored(0, 0), raced[0], scored(0, 1),
        started(1), scored(1, 0), raced[1],
        started(2), scored(2, 0), raced[2], scored(2, 1, None, "error"),
    )  # fmt: skip
    assert [t.status for t in state.history] == ["ok", "raced", "raced"]


def test_cancelled_trials_run_again_and_lost_folds_with_them():
    """What did not end by itself goes on; a killed configuration does not."""
    state = restored(
        started(0), scored(0, 0), scored(0, 1, None, "lost"),
        {"event": "end", "trial": 0, "status": "cancelled"},
        started(1), scored(1, 0, None, "timeout"),
        {"event": "end", "trial": 1, "status": "timeout"},
    )  # fmt: skip
    assert [t.status for t in state.history] == ["cancelled", "timeout"]
    assert [t.status for t in state.reopened] == ["running", "timeout"]
    assert [f.fold for f in state.reopened[0].folds] == [0]
    assert sorted(state.known) == [(0, 0), (1, 0)]


def test_folds_without_predictions_are_run_again():
    """A finished trial that lost some is running again, in the new history only."""
    state = restored(
        started(0), scored(0, 0), scored(0, 1),
        {"event": "end", "trial": 0, "status": "ok"}, gone={(0, 1)},
    )  # fmt: skip
    assert (state.history[0].status, state.reopened[0].status) == ("ok", "running")
    assert list(state.known) == [(0, 0)]


def test_a_damaged_fold_of_a_finished_trial_is_run_again():
    """An end says ok and a fold is not there: no mean of the others stands for it."""
    finish = {
        "event": "finish", "budget": {"time_s": 8.0, "n_trials": None}, "leader": 0,
    }  # fmt: skip
    ended = {"event": "end", "trial": 1, "status": "ok"}
    whole = [started(0), scored(0, 0), scored(0, 1), started(1), scored(1, 0)]
    state = restored(*whole, ended, finish)
    assert [t.status for t in state.history] == ["ok", "running"]
    assert [t.status for t in state.reopened] == ["ok", "running"]
    assert not state.is_over(Budget(8.0, None, 0.0))
    assert restored(*whole, scored(1, 1), ended, finish).is_over(Budget(8.0, None, 0.0))


def test_a_finished_run_without_what_won_is_not_over():
    """The line of the leader or of a member is damaged: the run goes on without it."""
    budget = {"time_s": 8.0, "n_trials": None}
    finish = {"event": "finish", "budget": budget, "leader": 0}
    first = [started(0), scored(0, 0), scored(0, 1)]
    assert restored(*first, finish).is_over(Budget(8.0, None, 0.0))
    for lost in ({"leader": 1}, {"parts": [{"trial": 1}]}):
        state = restored(*first, scored(1, 0), scored(1, 1), finish | lost)
        assert not state.is_over(Budget(8.0, None, 0.0))
    cancelled = {"event": "end", "trial": 1, "status": "cancelled"}
    hurried = restored(*first, started(1), scored(1, 0), cancelled, finish | lost)
    assert hurried.is_whole  # what predicts had no time for all of its folds


def test_a_trial_that_starts_otherwise_has_no_folds_yet():
    """The same number with other parameters is another trial."""
    state = restored(started(0, a=1), scored(0, 0), started(0, a=2))
    assert (state.history[0].params, state.history[0].folds) == ({"a": 2}, ())
    state = restored(started(0, a=1), scored(0, 0), started(0, a=1))
    assert len(state.history[0].folds) == 1


def test_a_damaged_start_of_a_trial_leaves_a_gap():
    """Numbers stay what they were; the gap is never searched or shown as good."""
    state = restored(started(0), scored(1, 0), started(2), scored(9, 0))
    assert [t.number for t in state.history] == [0, 1, 2]
    assert [t.status for t in state.reopened] == ["running", "lost", "running"]


def test_the_end_counts_if_nothing_came_later():
    """A run that was taken up again and killed is not finished."""
    finish = {"event": "finish", "budget": {"time_s": 8.0, "n_trials": None}}
    state = restored(finish)
    assert state.is_over(Budget(8.0, None, 0.0))
    assert state.is_over(Budget(8.0, 5, 0.0))
    assert not state.is_over(Budget(9.0, None, 0.0))
    assert not state.is_over(Budget(None, 5, 0.0))
    assert not restored(finish, started(0)).is_over(Budget(8.0, None, 0.0))
    stopped = restored(finish | {"interrupted": True})
    assert not stopped.is_over(Budget(8.0, None, 0.0))


def test_what_made_a_search_give_up_is_tried_again():
    """The crashes in a row at its end, none before; if they come again, they stay."""
    crash = [
        [started(n), scored(n, 0, None, "crash"),
         {"event": "end", "trial": n, "status": "crash"}] for n in range(4)
    ]  # fmt: skip
    gave_up = {"event": "finish", "budget": {"n_trials": 9}, "gave_up": True}
    fine = [started(1), scored(1, 0), scored(1, 1)]
    events = [*crash[0], *fine, *crash[2], *crash[3], gave_up]
    state = restored(*events)
    assert state.is_whole
    assert not state.is_over(Budget(None, 9, 0.0))
    assert [t.status for t in state.history] == ["crash", "ok", "running", "running"]
    assert (2, 0) not in state.known
    later = {"event": "resume", "ordered": True}
    again = restored(*events, later, *crash[2][:2], gave_up | {"gave_up": False})
    assert [t.status for t in again.history] == ["crash", "ok", "crash", "running"]


def test_a_limit_that_is_used_up_is_told():
    """Which one it is, and what to raise, though the other was raised."""
    seconds = {"event": "finish", "budget": {"time_s": 60.0, "n_trials": None}}
    trials = {"event": "finish", "budget": {"time_s": None, "n_trials": 1}}
    events = [
        event for n in (0, 1)
        for event in (started(n), scored(n, 0), scored(n, 1, at=55.0))
    ]  # fmt: skip
    by_time = restored(*events, seconds, ordered=False)
    assert by_time.used_up(Budget(60.0, 500, 0.0), over=True) == (
        "Nothing was searched: the limit of 60 seconds is used up; raise time_budget_s "
        "(--time-budget) to go on."
    )
    by_trials = restored(*events, trials)
    assert by_trials.used_up(Budget(3600.0, 1, 0.0), over=True) == (
        "Nothing was searched: the limit of 1 configuration(s) is used up; raise "
        "n_trials (--trials) to go on."
    )
    assert "configuration(s)" in by_time.used_up(Budget(90.0, 1, 0.0), over=False)
    assert by_trials.used_up(Budget(None, 2, 0.0), over=False) == ""
    assert by_time.used_up(Budget(60.0, 500, 0.0), over=False) == ""  # it has 5 s yet
    undone = restored(*events[:-1])
    assert undone.used_up(Budget(None, 1, 0.0), over=False) == ""
    assert "all was tried" in by_trials.used_up(Budget(None, 9, 0.0), over=True)
    assert "all was tried" in by_time.used_up(Budget(600.0, 500, 0.0), over=True)


def test_no_beginning_is_no_run():
    """Without its first line a journal says nothing."""
    assert restore([started(0)], 1, lambda _trial, _fold: True) is None


def test_a_later_session_tells_what_run_it_is():
    """The first line is damaged: a session that went on says the same again."""
    start = events_of()[0]
    later = start | {"event": "resume", "random_state": 8, "ordered": False}
    state = restore([started(0), scored(0, 0), later], 1, lambda *_: True)
    assert (state.seed, state.ordered, len(state.history[0].folds)) == (8, False, 1)


def test_what_is_before_another_start_is_of_another_run():
    """Trials of two runs are never one history."""
    state = restored(started(0), scored(0, 0), started(1), *events_of(started(0)))
    assert [(t.number, t.folds) for t in state.history] == [(0, ())]


def test_earlier_seconds_count_and_a_refit_is_left():
    """The end is that of the whole run, but never before the leader can be fitted."""
    state = restored(started(0), scored(0, 0), scored(0, 1), {"event": "x", "at": 50})
    budget = resumed_budget(Budget(60.0, None, 1000.0), state)
    assert (budget.started, budget.time_s, budget.deadline) == (950.0, 60.0, 1010.0)
    late = resumed_budget(Budget(20.0, None, 1000.0), state)
    assert late.deadline == 1005.0
    assert resumed_budget(Budget(2.0, None, 1000.0), state).deadline == 1002.0
    assert resumed_budget(Budget(None, 5, 1000.0), state).started == 950.0
    fold = scored(0, 0) | {"fit_s": 10.0}
    slow = restored(started(0), fold, n_folds=1)
    assert resumed_budget(Budget(1.0, None, 0.0), slow).time_s == 1.0 + 1.0 + 15.0
