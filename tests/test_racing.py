"""Dropping configurations that trail on the same folds."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.racing import PairedScores, is_losing, paired_score
from automl.trial import FoldResult, Trial


def trial(number, *scores, status="running"):
    """Return a trial with a score for each of the first folds."""
    folds = tuple(FoldResult(number, k, "ok", s) for k, s in enumerate(scores))
    return Trial(number, "x", {}, "", status=status, folds=folds)


REFERENCE = trial(1, 0.80, 0.90, 0.70, 0.85, status="ok")


def test_a_trial_far_behind_is_dropped_after_one_fold():
    """A gap of several times the folds' own spread ends a trial at once."""
    assert is_losing(trial(2, 0.20), REFERENCE)


def test_a_trial_ahead_is_never_dropped():
    """Whoever leads on the shared folds stays."""
    assert not is_losing(trial(2, 0.81, 0.91), REFERENCE)


def test_pairing_sees_small_steady_gaps():
    """A constant small gap, hidden in the folds' spread, is found after three folds."""
    behind = trial(2, 0.78, 0.88, 0.68)
    assert is_losing(behind, REFERENCE)
    assert not is_losing(trial(2, 0.79), REFERENCE)


def test_without_a_spread_nothing_is_dropped():
    """A holdout has no folds to compare, so that all trials finish."""
    assert not is_losing(trial(2, 0.1), trial(1, 0.9, status="ok"))


def test_a_trial_without_scores_stays():
    """Nothing is known of a trial whose first fold is still running."""
    assert not is_losing(trial(2), REFERENCE)
    assert math.isnan(paired_score(trial(2), REFERENCE))


@given(st.lists(st.floats(-1, 1), min_size=4, max_size=4), st.floats(-0.5, 0.5))
def test_paired_score_moves_with_the_gap(scores, gap):
    """A trial that is better by a constant on any folds is so in its paired score."""
    reference = trial(1, *scores, status="ok")
    for n in (1, 2, 4):
        other = trial(2, *[s + gap for s in scores[:n]])
        assert paired_score(other, reference) == pytest.approx(
            reference.score + gap, abs=1e-9
        )


def test_paired_scores_follow_the_trial_and_the_reference():
    """What was worked out counts as long as both are what they were."""
    paired = PairedScores()
    other = trial(2, 0.7)
    assert paired.of(other, None) == 0.7
    first = paired.of(other, REFERENCE)
    assert first == paired.of(other, REFERENCE) == paired_score(other, REFERENCE)
    longer = trial(2, 0.7, 0.1)
    assert paired.of(longer, REFERENCE) == paired_score(longer, REFERENCE) != first
    better = trial(3, 0.1, 0.2, status="ok")
    assert paired.of(longer, better) == paired_score(longer, better)


def test_paired_scores_of_a_family_follow_its_trials_and_the_reference():
    """They are worked out again where a trial or the reference is another."""
    paired = PairedScores()
    best, other = trial(1, 0.5, 0.7), trial(2, 0.4)
    failed = replace(trial(3, 0.9), status="timeout")
    own = {1: best, 2: other, 3: failed}
    first = paired.of_all("a", own, best)
    assert first[:2] == [best.score, paired_score(other, best)]
    assert math.isnan(first[2])
    assert paired.of_all("a", own, best) is first
    further = {**own, 2: trial(2, 0.4, 0.9)}
    assert paired.of_all("a", further, best)[1] == paired_score(further[2], best)
    ahead = trial(4, 0.1, 0.9)
    assert paired.of_all("a", further, ahead)[0] == paired_score(best, ahead)
    assert paired.of_all("b", {}, ahead) == []
