"""The loop of a search, with workers that answer from a table."""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np
import pytest

from automl.budget import Budget
from automl.candidates import Candidate, Dimension, Resource
from automl.evaluate import Outcome
from automl.history import FoldResult, History, Known, Trial
from automl.journal import Journal, read_journal
from automl.kept import KEEP_FROM_S
from automl.plan import Plan
from automl.search import CRASHES, LOOK_AHEAD, Search

CANDIDATES = tuple(
    Candidate(
        name,
        name,
        ("regression",),
        {},
        space=(Dimension("a", "float", 0.0, 1.0),),
        starts=(("s", {"a": 0.5}),),
    )
    for name in ("one", "two")
)
BASE = History(
    (
        Trial(
            0,
            "baseline",
            {},
            "",
            "ok",
            tuple(FoldResult(0, k, "ok", -1.0) for k in range(3)),
        ),
    )
)


OPEN = []


@pytest.fixture(autouse=True)
def _close_journals():
    """Close the journals of a test's searches at its end."""
    yield
    while OPEN:
        OPEN.pop().__exit__()


def make(folder, *, n_trials=None, time_s=None, n_folds=3, clock=time.monotonic):
    """Return a search over two families."""
    plan = Plan(CANDIDATES, n_folds, 90, 60, 2, 0)
    budget = Budget(time_s, n_trials, clock(), clock)
    OPEN.append(Journal(folder))
    return Search(plan, budget, BASE, OPEN[-1])


def answer(task, *, error=None):
    """Return an outcome whose score is best at a=0.7, and depends on the fold."""
    if task.kind == "refit":
        return Outcome(task, value="a pipeline")
    if error is not None:
        return Outcome(task, error=error)
    gap = 0.1 if task.candidate == "one" else 0.0
    score = -abs(task.params["a"] - 0.7) - 0.05 * task.fold - gap
    result = FoldResult(task.trial, task.fold, "ok", score, fit_s=0.01)
    return Outcome(task, result, np.zeros(30, dtype=np.float32))


def drive(search, order=lambda _: 0, most=2000):
    """Run a search; ``order`` picks which of the tasks that are out comes back."""
    out = []
    for _ in range(most):
        task = search.source()
        if task is None:
            break
        if task.kind != "wait":
            out.append(task)
        if task.kind == "wait" or len(out) >= LOOK_AHEAD:
            search.tell(answer(out.pop(order(out))))
    while out:
        search.tell(answer(out.pop()))
    return search.finish()


@pytest.mark.parametrize("picks", ["last", "random"])
def test_the_history_does_not_depend_on_the_order_of_results(tmp_path, picks):
    """With a budget in trials, results count in the order of dispatch."""
    chance = np.random.default_rng(1)
    order = {
        "last": lambda out: len(out) - 1,
        "random": lambda out: int(chance.integers(len(out))),
    }[picks]
    first = drive(make(tmp_path / "a", n_trials=30))
    other = drive(make(tmp_path / "b", n_trials=30), order)
    told = [(t.candidate, dict(t.params), t.status, t.scores) for t in first]
    assert told == [(t.candidate, dict(t.params), t.status, t.scores) for t in other]
    assert len(first) == 31


def test_losers_are_raced_out_and_the_best_finish(tmp_path):
    """Some configurations end early with a reason; the winner has all folds."""
    history = drive(make(tmp_path, n_trials=30))
    raced = [t for t in history if t.status == "raced"]
    assert raced
    assert all("behind trial" in t.reason for t in raced)
    best = history.finished()[0]
    assert len(best.scores) == 3
    assert abs(best.params["a"] - 0.7) < 0.1


def test_the_journal_holds_every_finished_fold(tmp_path):
    """Each fold is on disk with its predictions, each trial with its end."""
    search = make(tmp_path, n_trials=10)
    history = drive(search)
    events, damaged = read_journal(tmp_path / "journal.jsonl")
    folds = {(e["trial"], e["fold"]) for e in events if e["event"] == "fold"}
    assert damaged == 0
    assert folds == {(t.number, f) for t in history if t.number for f in t.scores}
    assert {e["trial"] for e in events if e["event"] == "end"} == set(range(1, 11))
    assert search.journal.predictions(1, 0).shape == (30,)


def test_an_error_is_kept_with_its_reason(tmp_path):
    """A fold that fails ends its trial, and the search goes on."""
    search = make(tmp_path, n_trials=4)
    task = search.source()
    failed = FoldResult(1, 0, "error", reason="ValueError: no", error="Traceback …")
    search.tell(Outcome(task, failed, error="Traceback …"))
    history = drive(search)
    assert (history[1].status, history[1].reason) == ("error", "ValueError: no")
    assert history.finished()[0].candidate != "baseline"


def test_a_task_lost_with_its_pool_is_run_once_more(tmp_path):
    """What dies beside another task is tried again, a few times."""
    search = make(tmp_path, n_trials=2)
    first = search.source()
    search.tell(answer(first, error="lost"))
    again = None
    for _ in range(40):
        task = search.source()
        if task is None:
            break
        if task.kind == "wait":
            continue
        if (task.trial, task.fold) == (first.trial, first.fold):
            again = task
            search.tell(answer(task, error="lost"))
        else:
            search.tell(answer(task))
    assert again is not None
    history = search.finish()
    assert history[1].status == "lost"
    assert "ended beside it" in history[1].reason


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        """Return the time that was set."""
        return self.now


def test_a_budget_in_seconds_begins_with_a_fallback_and_ends_in_time(tmp_path):
    """The first task is a small model; none is given after the reserve begins."""
    clock = Clock()
    search = make(tmp_path, time_s=20.0, clock=clock)
    task = search.source()
    assert (task.kind, task.rounds) == ("refit", 50)
    search.tell(answer(task))
    assert search.source().kind == "fold"
    assert search.fallback == "a pipeline"
    clock.now = search.pace.search_end() + 0.01
    assert search.source() is None


def test_a_wish_to_stop_ends_the_search(tmp_path):
    """Whoever sets ``stopped`` gets no further task."""
    search = make(tmp_path, n_trials=100)
    search.source()
    search.stopped = True
    assert search.source() is None
    assert search.finish()[1].status == "cancelled"


def test_a_configuration_that_ends_its_worker_twice_is_put_aside(tmp_path):
    """It is run once more, under its old number; then its status says how it died."""
    search = make(tmp_path, n_trials=2)
    first = search.source()
    died = Outcome(first, error="crash", detail="ended by SIGSEGV")
    search.tell(died)
    assert search.source() == first
    search.tell(died)
    history = drive(search)
    assert history[1].status == "crash"
    assert "SIGSEGV" in history[1].reason
    events, _ = read_journal(tmp_path / "journal.jsonl")
    folds = {(e["trial"], e["fold"]): e for e in events if e["event"] == "fold"}
    assert folds[1, 0]["status"] == "crash"


def test_what_may_have_ended_its_worker_is_run_again_one_at_a_time(tmp_path):
    """Beside each other, the one that did would take the blame of the other again."""
    search = make(tmp_path, n_trials=6)
    first, second = search.source(), search.source()
    for task in (first, second):
        search.tell(Outcome(task, error="crash", detail="ended by SIGKILL"))
    sent = [search.source() for _ in range(4)]
    assert [t.serial for t in sent].count(first.serial) == 1
    assert second.serial not in [t.serial for t in sent]
    search.tell(answer(first))
    assert search.source().serial == second.serial


def test_what_died_once_leaves_no_trace_in_the_history(tmp_path):
    """With a budget in trials, a killed worker changes nothing that is found."""
    calm = drive(make(tmp_path / "a", n_trials=20))
    search = make(tmp_path / "b", n_trials=20)
    died, told = set(), search.tell

    def tell(outcome):
        if outcome.task.serial % 3 == 0 and outcome.task.serial not in died:
            died.add(outcome.task.serial)
            outcome = Outcome(outcome.task, error="crash", detail="ended by SIGKILL")
        told(outcome)

    search.tell = tell
    shaken = drive(search)
    assert died
    assert [(t.params, t.status, t.scores) for t in shaken] == [
        (t.params, t.status, t.scores) for t in calm
    ]


def test_ten_crashes_in_a_row_end_the_search(tmp_path):
    """A machine on which every fit dies is not tried for ever, and the run says why."""
    search = make(tmp_path, n_trials=100)
    count = 0
    while (task := search.source()) is not None and count < 100:
        if task.kind != "wait":
            count += 1
            search.tell(Outcome(task, error="crash", detail="ended by SIGBUS"))
    assert count == CRASHES
    assert "SIGBUS" in search.given_up
    assert search.finish()[0].candidate == "baseline"


def test_a_pool_that_dies_counts_once_whatever_ran_in_it(tmp_path):
    """Twelve fits that end at one moment are one death, and not ten in a row."""
    search = make(tmp_path, n_trials=100)
    task = search.source()
    for moment in range(CRASHES):
        assert search.given_up is None
        for _ in range(12):
            search.tell(Outcome(task, error="crash", ended_s=float(moment)))
    assert search.given_up is not None


def test_a_finished_fold_between_crashes_keeps_the_search_going(tmp_path):
    """Only crashes in a row count."""
    search = make(tmp_path, n_trials=40)
    for i in range(60):
        task = search.source()
        if task is None:
            break
        if task.kind != "wait":
            bad = Outcome(task, error="crash", detail="ended by SIGBUS")
            search.tell(bad if i % 5 else answer(task))
    assert search.given_up is None


def test_folds_of_an_earlier_session_are_not_run_again(tmp_path):
    """What is known is answered at once, and the history is the same."""
    whole = drive(make(tmp_path / "a", n_trials=12))
    known = {
        (t.number, f.fold): Known(t.candidate, t.params, f)
        for t in list(whole)[1:9]
        for f in t.folds
    }
    search = make(tmp_path / "b", n_trials=12)
    search.known = known
    ran = []
    source = search.source

    def seen():
        task = source()
        if task is not None and task.kind == "fold":
            ran.append((task.trial, task.fold))
        return task

    search.source = seen
    again = drive(search)
    assert [(t.params, t.scores) for t in again] == [
        (t.params, t.scores) for t in whole
    ]
    assert ran
    assert not set(ran) & set(known)


def test_a_fold_cut_off_by_the_end_of_the_search_counts_as_not_begun(tmp_path):
    """Its trial ends as cancelled, not as too slow."""
    search = make(tmp_path, time_s=60.0)
    search.source()
    task = search.source()
    search.tell(Outcome(task, error="cancelled"))
    search.stopped = True
    history = search.finish()
    assert (history[1].status, history[1].folds) == ("cancelled", ())


def test_nothing_begins_that_would_be_late_at_once(tmp_path):
    """Hundreds of configurations were begun in the last tenth of a second."""
    clock = Clock()
    search = make(tmp_path, time_s=20.0, clock=clock)
    assert [search.source().kind for _ in range(2)] == ["refit", "fold"]
    clock.now = search.pace.search_end() - 0.09
    assert search.source() is None


def test_the_small_model_is_waited_for_longer_than_the_search(tmp_path):
    """Of three seconds workers take one or two to begin: it was a constant before."""
    search = make(tmp_path, time_s=4.0)
    small = search.source()
    assert small.kind == "refit"
    assert search.kill_at(small) == small.kill_at == search.pace.last_call()
    assert search.pace.last_call() > search.pace.search_end() + 0.3
    folds = tuple(FoldResult(1, k, "ok", 1.0, fit_s=0.01) for k in range(3))
    search.history = search.history.started(Trial(1, "ridge", {}, "", "ok", folds))
    assert search.kill_at(small) <= search.pace.search_end()


def test_the_end_of_a_fit_moves_with_what_is_known(tmp_path):
    """A slow leader needs a longer refit: fits in flight then end sooner."""
    search = make(tmp_path, time_s=60.0)
    task = next(t for t in iter(search.source, None) if t.kind == "fold")
    before = search.kill_at(task)
    folds = tuple(FoldResult(1, k, "ok", 1.0, fit_s=9.0) for k in range(3))
    leader = replace(search.history[1], status="ok", folds=folds)
    search.history = search.history.replaced(leader)
    assert search.kill_at(task) < before - 5.0


def test_the_end_of_a_fit_that_stops_by_itself_does_not_move(tmp_path):
    """It was told when to stop; killed for a weaker leader's refit it would be lost."""
    grows = replace(CANDIDATES[0], resource=Resource("n_estimators", 500))
    search = make(tmp_path, time_s=60.0)
    search.plan = replace(search.plan, candidates=(grows,))
    search = Search(search.plan, search.budget, BASE, search.journal)
    task = next(t for t in iter(search.source, None) if t.kind == "fold")
    before = search.kill_at(task)
    folds = tuple(FoldResult(1, k, "ok", 1.0, fit_s=9.0) for k in range(3))
    leader = replace(search.history[1], status="ok", folds=folds)
    search.history = search.history.replaced(leader)
    assert search.kill_at(task) == before


def test_a_pool_that_dies_near_the_end_is_not_replaced_for_the_search(tmp_path):
    """What is left of the time is for the winner's refit."""
    clock = Clock()
    search = make(tmp_path, time_s=20.0, clock=clock)
    task = next(t for t in iter(search.source, None) if t.kind == "fold")
    clock.now = search.pace.search_end() - 1.0
    search.tell(Outcome(task, error="lost"))
    assert search.source() is None


def test_a_fold_that_was_ended_has_its_time_and_process_in_the_journal(tmp_path):
    """What the watchdog saw of it is kept, in seconds since the run began."""
    search = make(tmp_path, n_trials=4)
    task, began = search.source(), search.budget.started
    search.tell(
        Outcome(task, error="timeout", mark=(77, began + 2.0), ended_s=began + 5.0)
    )
    event = next(e for e in read_journal(tmp_path / "journal.jsonl")[0] if "fold" in e)

    assert (77, "timeout") == (event["worker"], event["status"])
    assert 2.0 == pytest.approx(event["started_s"])
    assert 5.0 == pytest.approx(event["ended_s"])


def test_models_of_short_fits_are_kept_where_they_are_to_predict(tmp_path):
    """Else they are made again; without a clock, none has a say in it."""
    clock = Clock()
    search = make(tmp_path, time_s=20.0, clock=clock)
    search.plan = replace(search.plan, keeps=3)

    def kept(search):
        task = next(t for t in iter(search.source, None) if t.kind == "fold")
        return task.keep_from_s

    assert kept(search) == KEEP_FROM_S
    search.plan = replace(search.plan, bag=True)
    assert kept(search) == 0.0
    ordered = make(tmp_path / "more", n_trials=4)
    ordered.plan = replace(ordered.plan, keeps=3)
    assert kept(ordered) == 0.0
    ordered.plan = replace(ordered.plan, keeps=0)
    assert kept(ordered) == math.inf


def test_the_models_of_all_folds_are_kept_or_of_none(tmp_path):
    """The first fold decides: a part of them could not predict."""
    for seconds, least_s in ((0.1, math.inf), (3.0, 0.0)):
        search = make(tmp_path / str(seconds), time_s=60.0, clock=Clock())
        search.plan = replace(search.plan, keeps=3)
        for task in iter(search.source, None):
            if task.kind == "fold" and task.fold == 1:
                break
            if task.kind != "wait":
                outcome = answer(task)
                if outcome.result is not None:
                    result = replace(outcome.result, fit_s=seconds)
                    outcome = replace(outcome, result=result)
                search.tell(outcome)
        assert task.keep_from_s == least_s
