"""The loop of a search, with workers that answer from a table."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from automl.candidates import Resource
from automl.evaluate import Outcome
from automl.journal import read_journal
from automl.kept import KEEP_FROM_S
from automl.known import Known
from automl.search import Search
from automl.trial import FoldResult, Trial
from tests.search_kit import BASE, CANDIDATES, Clock, answer, drive, make

pytestmark = pytest.mark.usefixtures("closed_journals")


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


def test_a_trial_whose_last_folds_were_under_way_when_it_was_raced_is_finished(
    tmp_path,
):
    """They were paid for: it has a score on all folds, and may be a member."""
    search = make(tmp_path, time_s=60.0, clock=Clock())
    search.tell(answer(search.source()))

    def told(task, score):
        result = FoldResult(task.trial, task.fold, "ok", score, fit_s=0.01)
        search.tell(Outcome(task, result, np.zeros(30, dtype=np.float32)))

    for task in [search.source() for _ in range(3)]:
        told(task, -1.0 - task.fold)
    ahead = search.source()
    told(ahead, 0.0)
    early, late = search.source(), search.source()
    assert early.trial == late.trial == ahead.trial
    told(early, -90.0)
    assert search.history[ahead.trial].status == "raced"
    assert (ahead.trial, late.fold) in search.in_flight
    told(late, -9.0)
    assert ahead.trial not in dict(search.in_flight)
    found = search.history[ahead.trial]
    assert (found.status, found.reason, len(found.scores)) == ("ok", None, 3)
    events, _ = read_journal(tmp_path / "journal.jsonl")
    ends = [e for e in events if e["event"] == "end" and e["trial"] == ahead.trial]
    assert [e["status"] for e in ends] == ["raced", "ok"]


def test_an_error_is_kept_with_its_reason(tmp_path):
    """A fold that fails ends its trial, and the search goes on."""
    search = make(tmp_path, n_trials=4)
    task = search.source()
    failed = FoldResult(1, 0, "error", reason="ValueError: no", error="Traceback …")
    search.tell(Outcome(task, failed, error="Traceback …"))
    history = drive(search)
    assert (history[1].status, history[1].reason) == ("error", "ValueError: no")
    assert history.finished()[0].candidate != "baseline"


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
