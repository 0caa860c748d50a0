"""What follows the search after a Ctrl-C: it takes seconds, and nothing is lost."""

from __future__ import annotations

import signal
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import accuracy_score, make_scorer

from automl import AutoML, evaluate, winner
from automl.budget import Budget
from automl.candidates import Candidate
from automl.conclusion import _looking_s
from automl.effort import HURRY_S, effort_of
from automl.expectation import _asked_since, _late
from automl.finish import Finish
from automl.history import History
from automl.interrupt import Interrupt
from automl.metrics import resolve_metric
from automl.plan import Plan
from automl.runner import Runner
from automl.scored import Scored
from automl.trial import FoldResult, Trial
from automl.weighing import INTERRUPTED_S, TEMPERATURE_PART, after, weigh

pytestmark = pytest.mark.usefixtures("all_unexplained", "all_drawings")

QUICK = {
    "candidates": ["logistic", "k_nearest"], "cv": 3, "n_jobs": 1, "random_state": 0,
    "verbose": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def data():
    """Return features and classes."""
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    return X.iloc[:200, :8], y[:200]


def test_a_ctrl_c_while_the_workers_are_ended_costs_no_model(data, monkeypatch):
    """The search is over by then: its model comes back; the next Ctrl-C is heard."""
    leave = Runner.__exit__

    def interrupted(self, *given):
        signal.raise_signal(signal.SIGINT)
        return leave(self, *given)

    monkeypatch.setattr(Runner, "__exit__", interrupted)
    model = AutoML(**QUICK, n_trials=2).fit(*data)
    assert model.score(*data) > 0.8
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_a_learner_that_raises_an_interrupt_is_a_failed_one(data):
    """Nobody asked to stop: it is not tried for ever, and the search goes on."""
    kind = {"classification": "tests.odd_learners.InterruptingClassifier"}
    own = Candidate("interrupting", "Interrupting", ("binary",), kind)
    model = AutoML(**{**QUICK, "candidates": [own, "logistic"]}, n_trials=3).fit(*data)
    failed = [t for t in model.trials_ if t.candidate == "interrupting"]
    assert failed
    assert {t.status for t in failed} == {"error"}
    assert "KeyboardInterrupt" in failed[0].reason
    assert not model.interrupted_


@pytest.mark.skipif(
    not hasattr(signal, "SIGHUP"), reason="Windows has no terminal that hangs up"
)
def test_a_terminal_that_hangs_up_asks_once_however_often_it_says_so():
    """Its shell and the system each tell; a Ctrl-C after one is a second wish."""
    with Interrupt().take() as interrupt:
        for _ in range(3):
            interrupt._handle(signal.SIGHUP, None)
        assert interrupt.asked
        assert not interrupt.again
        with pytest.raises(KeyboardInterrupt):
            interrupt._handle(signal.SIGINT, None)
        assert interrupt.again


def test_a_refit_that_a_ctrl_c_ends_is_made_again(data, monkeypatch):
    """In this process the first Ctrl-C raises in the fit; there are seconds for it."""
    ended, refit = [], evaluate._refit

    def once(place, task):
        if not ended:
            ended.append(task)
            signal.raise_signal(signal.SIGINT)
        return refit(place, task)

    monkeypatch.setattr("automl.evaluate._refit", once)
    model = AutoML(**QUICK, n_trials=2, deploy="refit", ensemble=False).fit(*data)
    assert ended
    assert model.interrupted_
    assert model.best_candidate_ in QUICK["candidates"]
    assert model.score(*data) > 0.8
    assert not any("could not be fitted" in note for note in model.notes_)


def test_folds_predict_where_no_refit_ends_in_time(data, monkeypatch):
    """A search of a number of trials keeps the models of its folds, too."""

    def never(*_given):
        raise MemoryError

    monkeypatch.setattr("automl.evaluate._refit", never)
    model = AutoML(**QUICK, n_trials=2, ensemble=False).fit(*data)
    assert model.best_candidate_ in QUICK["candidates"]
    assert len(model.model_[-1].estimators) == 3
    assert model.score(*data) > 0.8
    assert any("a fit on all rows did not end" in note for note in model.notes_)


def test_a_fit_that_another_trial_lost_is_not_blamed_for_want_of_time(
    data, monkeypatch
):
    """What is said of the leader is why its own fit is not there."""
    ends = Finish._note_failure

    def other(self, outcome):
        task = replace(outcome.task, trial=99)
        ends(self, replace(outcome, task=task))

    def never(*_given):
        raise MemoryError

    monkeypatch.setattr("automl.evaluate._refit", never)
    monkeypatch.setattr(Finish, "_note_failure", other)
    model = AutoML(**QUICK, n_trials=2, ensemble=False).fit(*data)
    assert any("did not fit in the time left" in note for note in model.notes_)


def test_folds_of_the_next_predict_where_the_best_has_no_model(data, monkeypatch):
    """Models that are there are not given up for a small one, or for the constant."""

    def never(*_given):
        raise MemoryError

    real = winner.bag_of

    def without_leader(trial, *rest):
        if trial.number == leader:
            raise OSError
        return real(trial, *rest)

    given = {**QUICK, "n_trials": 2, "ensemble": False}
    board = AutoML(**given).fit(*data).leaderboard_
    leader, second = board["trial"].iloc[:2]
    monkeypatch.setattr("automl.evaluate._refit", never)
    monkeypatch.setattr("automl.winner.bag_of", without_leader)
    model = AutoML(**given).fit(*data)
    assert set(model.weights_) == {second}
    assert any(f"folds of trial {second} were taken" in note for note in model.notes_)


def test_folds_that_are_worse_than_the_constant_never_predict(monkeypatch):
    """Where the constant comes before them, they are passed over."""
    trials = [Trial(n, c, {}, "", "ok") for n, c in enumerate(("a", "baseline", "b"))]
    asked = []
    monkeypatch.setattr(winner, "_bagged", lambda _, trial: asked.append(trial.number))
    for order in (trials, trials[1:], [trials[0], trials[2]]):
        history = SimpleNamespace(preferred=lambda order=order: order)
        winner._others_folds(SimpleNamespace(history=history, notes=[]))
    assert asked == [2]  # of the last order only


def clock(now=0.0):
    """Return a budget without an end, at a time that can be set."""
    time_ = SimpleNamespace(now=now)
    return time_, Budget(None, 5, 0.0, lambda: time_.now)


def test_weights_are_chosen_no_longer_than_a_ctrl_c_allows():
    """What was not asked for before leaves half a second from then on."""
    time_, budget = clock()
    interrupt = SimpleNamespace(asked=False, asked_s=None)
    is_over = after(budget, interrupt, 100.0)
    time_.now = 50.0
    assert not is_over()
    interrupt.asked, interrupt.asked_s = True, 50.0
    assert not is_over()
    time_.now = 50.1 + INTERRUPTED_S
    assert is_over()
    before = after(budget, interrupt, 10.0)  # asked before: the seconds are its own
    time_.now += 5.0
    assert not before()
    time_.now += 6.0
    assert before()


def test_models_within_limits_are_looked_for_no_longer_than_a_ctrl_c_allows():
    """After one, the budget that is left is not used up; without one it is."""
    time_, _ = clock()
    budget = Budget(60.0, None, 0.0, lambda: time_.now)
    assert _looking_s(budget, SimpleNamespace(asked=True)) == INTERRUPTED_S
    assert _looking_s(budget, SimpleNamespace(asked=False)) > 59.0


@pytest.mark.parametrize(
    ("spent_s", "refit_s", "expected"),
    [(50.0, 1.0, 1.2), (58.0, 1.5, 0.5), (59.9, 1.5, 0.1), (54.0, 20.0, 1.2)],
)
def test_weights_leave_the_time_of_the_leaders_fit(
    monkeypatch, spent_s, refit_s, expected
):
    """A share of the budget, or what is left beside a fit that is waited for."""
    found = []
    monkeypatch.setattr("automl.weighing.after", lambda *given: found.append(given[2]))
    monkeypatch.setattr("automl.weighing._average", lambda *_: None)
    folds = tuple(FoldResult(1, k, "ok", 0.9, fit_s=refit_s / 1.5) for k in range(5))
    trials = (Trial(0, "baseline", {}, "", "ok"), Trial(1, "slow", {}, "", "ok", folds))
    candidate = Candidate("slow", "Slow", ("regression",), {})
    plan = Plan((candidate,), 5, 100, 80, 2, 0, None, ensemble=True, keeps=5)
    budget = Budget(60.0, None, 0.0, lambda: spent_s)
    search = SimpleNamespace(budget=budget, plan=plan)
    problem = SimpleNamespace(table=SimpleNamespace(is_classification=False))
    interrupt = SimpleNamespace(asked=False)
    weigh(search, History(trials), problem, None, interrupt, [])
    assert found == [pytest.approx(expected * (1 - TEMPERATURE_PART))]


def test_drawings_and_test_rows_end_with_a_ctrl_c():
    """Drawings at once, test rows after half a second or with the budget."""
    time_, budget = clock()
    interrupt = SimpleNamespace(asked=False, asked_s=None)
    asked, late = _asked_since(interrupt), _late(budget, interrupt)
    time_.now = 50.0
    assert not asked()
    assert not late()
    interrupt.asked, interrupt.asked_s = True, 50.0
    assert asked()
    assert not _asked_since(interrupt)()
    assert not late()
    time_.now = 50.1 + HURRY_S
    assert late()
    timed = Budget(10.0, None, 0.0, lambda: time_.now)
    assert _late(timed, SimpleNamespace(asked=False, asked_s=None))()


def test_a_slow_metric_is_measured_before_it_is_called_a_thousand_times():
    """The effort after a Ctrl-C is what half a second allows, whatever the metric."""

    def slow(y, p):
        time.sleep(0.02)
        return accuracy_score(y, p)

    metric = resolve_metric(make_scorer(slow), "binary")
    problem = SimpleNamespace(metric=metric, table=SimpleNamespace(n_classes=2))
    y = np.arange(300) % 2
    rows = Scored(y, np.zeros(300, int), np.arange(300))
    winner = Trial(1, "c", {}, "", "ok", (FoldResult(1, 0, "ok", 0.9),))
    budget = Budget(None, 5, time.monotonic())
    hurried = effort_of(problem, rows, budget, winner, 10, hurry=True)
    assert (hurried.most + 1) * hurried.drawings * 0.02 <= HURRY_S
    assert effort_of(problem, rows, budget, winner, 10, hurry=False).drawings > 20


def test_members_that_were_lost_take_their_part_of_the_score_with_them(
    data, monkeypatch
):
    """What is left of an ensemble is scored, or gives way to one configuration."""
    given = {**QUICK, "candidates": ["logistic", "k_nearest", "extra_trees"]}
    whole = AutoML(**given, n_trials=6).fit(*data)
    assert len(whole.weights_) > 1
    monkeypatch.setattr(
        "automl.conclusion.there", lambda _, blend: tuple(blend.weights)[:-1]
    )
    part = AutoML(**given, n_trials=6).fit(*data)
    assert len(part.weights_) == len(whole.weights_) - 1
    assert part.best_score_ != whole.best_score_
    assert any(f"1 of {len(whole.weights_)} members" in note for note in part.notes_)
    if len(part.weights_) == 1:
        assert part.best_score_ == part.leaderboard_["score"].max()
