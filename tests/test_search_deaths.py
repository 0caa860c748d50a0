"""What a search makes of fits that end their worker, or end beside another."""

from __future__ import annotations

import pytest

from automl.evaluate import Outcome
from automl.journal import read_journal
from automl.reruns import CRASHES
from tests.search_kit import Clock, answer, drive, make

pytestmark = pytest.mark.usefixtures("closed_journals")


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
