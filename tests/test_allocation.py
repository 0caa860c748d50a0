"""What runs next, decided from what is known alone."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from automl import allocation
from automl.allocation import (
    Continue,
    Start,
    Stop,
    View,
    Wait,
    _by_score,
    known_starts,
    next_step,
)
from automl.candidates import Candidate, Dimension
from automl.history import History
from automl.space import point_key
from automl.trial import FoldResult, Trial


def candidate(name, n_starts=1, order=50):
    """Return a candidate with one dimension and some starts."""
    space = (Dimension("a", "float", 0.0, 1.0),)
    starts = tuple((f"s{i}", {"a": (i + 1) / 10}) for i in range(n_starts))
    return Candidate(name, name, ("regression",), {}, order, space=space, starts=starts)


ONE, TWO = candidate("one", 2), candidate("two", 1)
BASE = Trial(0, "baseline", {}, "baseline", "ok", (FoldResult(0, 0, "ok", 0.0),))


def trial(number, name, *scores, status="running", a=0.5):
    """Return a trial with a score for each of the first folds."""
    folds = tuple(FoldResult(number, k, "ok", s) for k, s in enumerate(scores))
    return Trial(number, name, {"a": a}, "", status, folds)


def view(*trials, in_flight=(), n_folds=3, candidates=(ONE, TWO), **more):
    """Return a view of the baseline and these trials."""
    by_name = {c.name: c for c in candidates}
    tried = {
        point_key(by_name[t.candidate], t.params)
        for t in trials
        if t.candidate in by_name
    }
    return View(
        History((BASE, *trials)), frozenset(in_flight), n_folds, candidates,
        tried=tried, starts=known_starts(candidates), **more,
    )  # fmt: skip


def rng():
    """Return the same generator each time."""
    return np.random.default_rng(0)


def test_the_first_step_is_the_first_start_of_the_first_family():
    """A run begins with the best known point of the family that comes first."""
    step = next_step(view(), rng())
    assert isinstance(step, Start)
    assert (step.candidate, dict(step.params)) == ("one", {"a": 0.1})
    assert step.origin == "start: s0"


def test_every_family_is_tried_before_the_second_start_of_any():
    """Starts go round the families."""
    first = trial(1, "one", 0.5, 0.5, 0.5, status="ok", a=0.1)
    step = next_step(view(first), rng())
    assert isinstance(step, Start)
    assert step.candidate == "two"
    second = trial(2, "two", 0.4, status="raced", a=0.1)
    step = next_step(view(first, second), rng())
    assert isinstance(step, Start)
    assert dict(step.params) == {"a": 0.2}


def test_a_family_of_a_later_round_waits_for_the_second_starts_of_the_others():
    """What is slow gives way until each of the others has had its turn."""
    one, slow = candidate("one", 3, order=50), candidate("slow", 2, order=155)
    done, tried = [], []
    for number in range(1, 6):
        step = next_step(view(*done, candidates=(one, slow)), rng())
        assert isinstance(step, Start)
        tried.append((step.candidate, step.origin))
        a = step.params["a"]
        done.append(trial(number, step.candidate, 0.5, status="raced", a=a))
    s0, s1, s2 = "start: s0", "start: s1", "start: s2"
    wanted = [("one", s0), ("one", s1), ("slow", s0), ("one", s2), ("slow", s1)]
    assert tried == wanted


def test_the_first_trial_gets_all_folds_at_once():
    """Until something has finished there is nothing to race against."""
    step = next_step(view(trial(1, "one", a=0.1), in_flight=[(1, 0)]), rng())
    assert step == Continue(1, 1)


def test_a_later_trial_waits_for_its_running_fold():
    """Once there is an incumbent, a fold may end its trial: the next one waits."""
    done = trial(1, "one", 0.5, 0.5, 0.5, status="ok", a=0.1)
    for racing in (trial(2, "two", 0.49, a=0.1), trial(2, "two", a=0.1)):
        step = next_step(view(done, racing, in_flight=[(2, 1)]), rng())
        assert isinstance(step, Start)


def test_a_trial_that_is_ahead_gets_all_folds_at_once():
    """What beats the best so far is to finish before anything else begins."""
    done = trial(1, "one", 0.5, 0.9, 0.5, status="ok", a=0.1)
    ahead = trial(2, "two", 0.6, a=0.1)
    assert next_step(view(done, ahead, in_flight=[(2, 1)]), rng()) == Continue(2, 2)
    both = view(done, ahead, in_flight=[(2, 1), (2, 2)])
    assert isinstance(next_step(both, rng()), Start)


def test_the_most_promising_trial_goes_on_first():
    """Of two trials in the race the one ahead on shared folds continues."""
    done = trial(1, "one", 0.5, 0.9, 0.5, status="ok", a=0.1)
    behind = trial(2, "two", 0.5, a=0.1)
    ahead = trial(3, "one", 0.6, a=0.2)
    assert next_step(view(done, behind, ahead), rng()) == Continue(3, 1)


def test_an_exhausted_number_of_trials_waits_and_stops():
    """With nothing left to start, what runs is waited for, then the run stops."""
    done = trial(1, "one", 0.5, 0.5, 0.5, status="ok", a=0.1)
    racing = trial(2, "two", a=0.1)
    assert next_step(view(done, racing, in_flight=[(2, 0)], n_left=0), rng()) == Wait()
    assert next_step(view(done, n_left=0), rng()) == Stop()


def test_what_cannot_end_in_time_is_not_started():
    """A family whose fold takes longer than is left gives way to a quicker one."""
    late = view(seconds_left=2.0, seconds={"one": 5.0, "two": 0.1})
    step = next_step(late, rng())
    assert isinstance(step, Start)
    assert step.candidate == "two"
    assert next_step(replace(late, seconds={"one": 5.0, "two": 5.0}), rng()) == Stop()


def test_a_family_that_only_fails_is_left_alone():
    """After two failures and no success a family is not proposed again."""
    failed = [replace(trial(i, "one", a=i / 10), status="error") for i in (1, 2)]
    fine = trial(3, "two", 0.1, 0.1, 0.1, status="ok", a=0.1)
    for seed in range(20):
        step = next_step(view(*failed, fine), np.random.default_rng(seed))
        assert isinstance(step, Start)
        assert step.candidate == "two"


def test_what_failed_after_a_good_fold_is_not_searched_around():
    """It has no score any more: its family leads no longer, nor does its point."""
    done = [
        trial(1, "one", 0.5, 0.5, 0.5, status="ok", a=0.1),
        trial(2, "two", 0.4, 0.4, 0.4, status="ok", a=0.1),
        trial(3, "one", 0.4, status="raced", a=0.2),
        trial(4, "two", 0.9, status="timeout", a=0.9),
    ]
    assert [c.name for c in _by_score(view(*done))] == ["one", "two"]
    steps = [next_step(view(*done), np.random.default_rng(s)) for s in range(200)]
    assert 90 < sum(step.candidate == "one" for step in steps) < 150
    near = [s for s in steps if (s.candidate, s.origin) == ("two", "perturbed")]
    assert sum(s.params["a"] > 0.5 for s in near) < len(near) / 2


def test_after_the_starts_most_proposals_are_for_the_leader():
    """The best family gets most proposals, the others still some."""
    done = [
        trial(1, "one", 0.5, 0.5, 0.5, status="ok", a=0.1),
        trial(2, "two", 0.9, 0.9, 0.9, status="ok", a=0.1),
        trial(3, "one", 0.4, status="raced", a=0.2),
    ]
    drawn = [
        next_step(view(*done), np.random.default_rng(seed)).candidate
        for seed in range(200)
    ]
    assert 0.5 < drawn.count("two") / 200 < 0.7


def small(name, n_options):
    """Return a family of so many points, the first of them known to be good."""
    space = (Dimension("a", "choice", options=tuple(range(n_options))),)
    starts = (("s", {"a": 0}),)
    return Candidate(name, name, ("regression",), {}, space=space, starts=starts)


def points(n, *, besides=()):
    """Return finished trials of the first points of a small family."""
    return [
        replace(trial(i + 1, "small", 0.5, 0.5, 0.5, status="ok"), params={"a": i})
        for i in range(n)
        if i not in besides
    ]


def test_no_point_is_started_twice():
    """A space that is exhausted is left alone, and the run stops."""
    assert next_step(view(*points(2), candidates=(small("small", 2),)), rng()) == Stop()


@pytest.mark.parametrize("left", [3, 11])
def test_the_last_point_of_a_small_space_is_found(left):
    """A family is left alone when it is exhausted, not because much of it is."""
    done = points(12, besides={left})
    for seed in range(10):
        chance = np.random.default_rng(seed)
        step = next_step(view(*done, candidates=(small("small", 12),)), chance)
        assert isinstance(step, Start)
        assert step.params == {"a": left}


def test_the_sampler_is_asked_once_for_a_proposal(monkeypatch):
    """Where what it says was tried already, a neighbour or a draw takes its place."""
    asked = []

    def ask(_, own, *__):
        asked.append(len(own))
        return {"a": 1}

    monkeypatch.setattr(allocation.tpe, "ask", ask)
    seen = view(*points(20), candidates=(small("small", 24),))
    steps = [next_step(seen, np.random.default_rng(s)) for s in range(20)]
    assert {step.params["a"] for step in steps} <= {20, 21, 22, 23}
    assert {step.origin for step in steps} <= {"perturbed", "random"}
    assert 5 < len(asked) < 20
    assert set(asked) == {20}


def test_the_sampler_sees_comparable_scores(monkeypatch):
    """Two trials of different folds are told as if they had run on the same."""
    told = []
    monkeypatch.setattr(
        allocation.tpe, "ask",
        lambda _, own, *__: told.append(list(own)) or {"a": 0.123},
    )  # fmt: skip
    done = [
        trial(1, "one", 0.5, 0.9, 0.1, status="ok", a=0.1),
        trial(2, "one", 0.4, status="raced", a=0.2),
        trial(3, "two", 0.3, 0.3, 0.3, status="ok", a=0.1),
        trial(4, "one", 0.9, status="timeout", a=0.3),
    ]
    for seed in range(20):
        next_step(view(*done), np.random.default_rng(seed))
    seen = next(own for own in told if len(own) == 3)
    assert [o.score for o in seen] == pytest.approx([0.5, 0.4, math.nan], nan_ok=True)
    assert [o.params["a"] for o in seen] == [0.1, 0.2, 0.3]


@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_view_and_seed_give_the_same_step(seed):
    """Chance comes from the generator alone."""
    done = [
        trial(i, "one", 0.1 * i, 0.2, 0.3, status="ok", a=i / 20) for i in range(1, 13)
    ]
    two = trial(13, "two", 0.2, status="raced", a=0.1)
    steps = [next_step(view(*done, two), np.random.default_rng(seed)) for _ in range(2)]
    assert steps[0] == steps[1]
