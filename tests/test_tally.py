"""What all trials say together is the same kept up as worked out anew."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from automl.history import History
from automl.trial import BASELINE, FAILED, FoldResult, Trial

FAMILIES = [BASELINE, "a", "b", "c"]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["start", "fold", "end"]),
        st.integers(0, 30),
        st.sampled_from(["ok", "raced", "timeout", "error", "cancelled"]),
        st.floats(0, 1),
    ),
    max_size=60,
)


def played(steps):
    """Return the history after these steps, those left out that cannot be."""
    history = History().started(Trial(0, BASELINE, {}, "", "ok"))
    for kind, number, status, value in steps:
        if kind == "start":
            name = FAMILIES[1 + number % 3]
            history = history.started(Trial(len(history), name, {}, ""))
            continue
        trial = history[number % len(history)]
        if kind == "fold" and len(trial.folds) < 3:
            fold = FoldResult(
                trial.number,
                len(trial.folds),
                "ok",
                value,
                fit_s=value,
                started_s=value,
            )
            history = history.told(fold)
        elif kind == "end" and (trial.is_running or (status, trial.status) in LATE):
            history = history.ended(trial.number, status)
    return history


LATE = {("ok", "raced")}
"""Ends that may follow another."""


@given(STEPS)
def test_a_tally_that_is_kept_up_is_that_of_all_trials(steps):
    """Each field is what a look through the whole history finds."""
    history = played(steps)
    kept, trials = history.tally, history.trials
    assert kept == History(trials).tally
    assert list(kept.running.values()) == [t for t in trials if t.status == "running"]
    for name in FAMILIES:
        own = [t for t in trials if t.candidate == name]
        assert list(kept.own.get(name, {}).values()) == own
        ended = [t for t in own if t.status != "running"]
        assert kept.n_ended.get(name, 0) == len(ended)
        assert (name in kept.worked) == any(t.status not in FAILED for t in ended)
        assert (name in kept.slowest_s) == any(t.folds for t in own)
        slowest_s = max((t.slowest_s for t in own), default=0.0)
        assert kept.slowest_s.get(name, 0.0) == slowest_s
    done = [t for t in trials if t.status == "ok" and t.candidate != BASELINE]
    # one that is called finished without a score is none to compare
    if not any(math.isnan(t.score) for t in done):
        best = max(done, key=lambda t: (t.score, -t.number), default=None)
        assert kept.incumbent == best
    begun = [f.started_s for t in trials[1:] for f in t.folds]
    assert kept.begun_s == min(begun, default=math.inf)
