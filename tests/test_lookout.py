"""Who would predict is looked up late, seldom, and only where it may have changed."""

from __future__ import annotations

from types import SimpleNamespace

from automl.budget import Budget
from automl.history import History
from automl.lookout import Lookout
from automl.reserve import Preview
from automl.trial import FoldResult, Trial


def history(n):
    """Return a history of so many finished configurations."""
    trials = [Trial(0, "baseline", {}, "", "ok")]
    for i in range(1, n + 1):
        folds = (FoldResult(i, 0, "ok", i / 10),)
        trials.append(Trial(i, "a", {}, "", "ok", folds))
    return History(tuple(trials))


def lookout(time_s, takes_s=0.1):
    """Return a lookout, its clock, and the seconds that each look was allowed."""
    time_, allowed = SimpleNamespace(now=0.0), []

    def choose(of, seconds):
        allowed.append(seconds)
        time_.now += takes_s
        return [t.number for t in of if t.number][:2]

    budget = Budget(time_s, None if time_s else 5, 0.0, lambda: time_.now)
    return Lookout(budget, choose), time_, allowed


def test_nobody_looks_early_or_where_nothing_finished():
    """The first look comes in the second part of the budget, at a pool."""
    look, time_, allowed = lookout(100.0)
    time_.now = 30.0
    assert look.look(history(3)) is None
    time_.now = 50.0
    assert look.look(history(0)) is None
    assert not allowed
    assert look.look(history(3)) == Preview((1, 2), time_.now - 50.0)


def test_a_pool_that_was_seen_is_not_looked_at_again():
    """A new configuration in it is a reason to."""
    look, time_, allowed = lookout(100.0)
    time_.now = 50.0
    assert look.look(history(3)) is not None
    time_.now = 80.0
    assert look.look(history(3)) is None
    assert look.look(history(4)) is not None
    assert len(allowed) == 2


def test_looking_takes_one_percent_of_the_time_at_most():
    """What one look took is awaited of the next one."""
    look, time_, allowed = lookout(1000.0, takes_s=4.0)
    time_.now = 500.0
    for n in range(1, 200):
        look.look(history(n))
        time_.now += 1.0
    assert look.spent_s <= 0.01 * time_.now
    assert allowed[0] == 5.0
    assert len(allowed) == 1


def test_without_a_budget_in_time_nobody_looks():
    """The end of a number of trials is no time of the clock."""
    look, time_, allowed = lookout(None)
    time_.now = 1e6
    assert look.look(history(3)) is None
    assert not allowed
