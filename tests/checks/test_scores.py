"""What the scores of the winner, the constant and the canary say."""

import dataclasses

import numpy as np
import pytest

from automl.candidates import Candidate, Dimension
from tests.checks.check_kit import (
    BASE,
    classes,
    evidence_of,
    found_by,
    numbers,
    scored,
    trial,
)


@pytest.mark.parametrize(
    ("scores", "status"),
    [([0.8, 0.81, 0.79, 0.8, 0.82], "pass"), ([0.3, 0.8, 0.55, 0.45, 0.6], "warn"),
     ([0.4] * 5, "fail")],
    ids=["better", "noise", "worse"],
)  # fmt: skip
def test_the_winner_has_to_beat_the_constant(scores, status):
    """By more than noise it passes; no better, it fails."""
    assert found_by("AML010", scored(scores, BASE)).status == status


@pytest.mark.parametrize(
    ("train", "test", "status", "said"),
    [(0.85, 0.8, "pass", "86% of the gain over the constant prediction holds."),
     (0.8, 0.85, "pass", "100% of the gain over the constant prediction holds."),
     (0.4, 0.4, "pass", "On 300 rows of one fold"),
     (1.0, 0.7, "note", "60% of the gain over the constant prediction is learnt"),
     (1.0, 0.52, "warn", "96% of the gain over the constant prediction is learnt")],
    ids=["little", "none", "no gain", "large", "all"],
)  # fmt: skip
def test_what_is_learnt_by_heart_is_told(train, test, status, said):
    """The gap is compared with what training rows gain over the constant."""
    gap = {"train_score": train, "test_score": test, "n_test": 300, "drops": {}}
    found = found_by("AML011", scored([test] * 5, BASE, explained=gap))
    assert found.status == status
    assert said in found.evidence


def test_why_nothing_is_said_of_overfitting():
    """Scores that are undefined are no want of time."""
    gap = {"train_score": None, "test_score": None, "n_test": 300, "drops": {}}
    undefined = found_by("AML011", scored([0.7] * 5, BASE, explained=gap))
    late = found_by("AML011", scored([0.7] * 5, BASE, explained={}))
    assert ("undefined" in undefined.evidence, undefined.missed) == (True, False)
    assert ("no time" in late.evidence, late.missed) == (True, True)


@pytest.mark.parametrize(
    ("scores", "status"),
    [([0.8, 0.81, 0.79, 0.8, 0.82], "pass"), ([0.8, 0.49, 0.9, 0.8, 0.8], "note"),
     ([0.9, 0.45, 0.5, 0.5, 0.55], "warn")],
    ids=["even", "one without", "noise"],
)  # fmt: skip
def test_folds_that_differ_are_told(scores, status):
    """A fold without a gain is a note, gains smaller than their spread a warning."""
    assert found_by("AML012", scored(scores, BASE)).status == status


def test_a_pipeline_that_finds_something_in_noise_fails():
    """Four deviations above chance are no chance."""
    chance = {"chance": 0.5, "std": 0.02}
    good = scored([0.8] * 5, BASE, canary={"score": 0.55, **chance})
    bad = scored([0.8] * 5, BASE, canary={"score": 0.6, **chance})
    assert found_by("AML013", good).status == "pass"
    assert "by chance it is 0.5000, and seldom beyond 0.5800." in (
        found_by("AML013", good).evidence
    )
    assert found_by("AML013", bad).status == "fail"
    late = found_by("AML013", scored([0.8] * 5, BASE))
    assert (late.status, late.missed) == ("skipped", True)


@pytest.mark.parametrize(
    ("alpha", "status"), [(1.0, "pass"), (1e-3, "note"), (1e3, "note")]
)
def test_a_parameter_at_the_end_of_its_range_is_told(alpha, status):
    """The end is told apart on the scale that is searched."""
    space = (Dimension("alpha", "float", 1e-3, 1e3, log=True),)
    candidate = Candidate("ridge", "Ridge", ("binary",), {}, space=space)
    single = trial(1, [0.8] * 5, alpha=alpha)
    evidence = scored([0.8] * 5, BASE, candidates={"ridge": candidate})
    found = found_by("AML014", dataclasses.replace(evidence, single=single))
    assert found.status == status
    assert ("alpha" in found.evidence) == (status == "note")


@pytest.mark.parametrize(
    ("space", "value", "status"),
    [
        (Dimension("p", "float", 0.0, 1.0), 0.0, "pass"),
        (Dimension("p", "float", 0.0, 1.0), 1.0, "note"),
        (Dimension("p", "float", 0.4, 1.0), 1.0, "pass"),
        (Dimension("p", "float", 0.4, 1.0), 0.4, "note"),
        (Dimension("p", "float", 1e-3, 1.0, log=True), 1.0, "note"),
        (Dimension("p", "int", 1, 40, log=True), 1, "pass"),
        (Dimension("p", "int", 2, 40), 40, "note"),
        (Dimension("p", "int", 3, 40), 3, "note"),
    ],
)
def test_an_end_beyond_which_there_is_nothing_is_none(space, value, status):
    """No penalty is negative, no share above one, no leaf has less than a row."""
    candidate = Candidate("ridge", "Ridge", ("binary",), {}, space=(space,))
    single = trial(1, [0.8] * 5, p=value)
    evidence = scored([0.8] * 5, BASE, candidates={"ridge": candidate})
    found = found_by("AML014", dataclasses.replace(evidence, single=single))
    assert found.status == status


def test_a_perfect_score_is_a_note():
    """Easy tables have one, too: it is no alarm."""
    X, y = classes(0)
    right = np.eye(2)[y]
    assert found_by("AML020", evidence_of(X, y, predictions=right)).status == "note"
    right[0] = right[0, ::-1]
    assert found_by("AML020", evidence_of(X, y, predictions=right)).status == "pass"
    X, y = numbers(0)
    exact = evidence_of(X, y, predictions=y.to_numpy())
    assert found_by("AML020", exact).status == "note"


def test_a_search_without_scores_is_no_model_to_trust():
    """A constant is not, a small model that nobody scored is to be looked at."""
    evidence = scored([0.9] * 5, BASE)
    base = evidence.baseline
    bare = dataclasses.replace(evidence, trials=(base,), winner=base)
    found = found_by("AML010", bare)
    assert (found.status, found.columns) == ("fail", ())
    assert "more time" in found.action
    small = dataclasses.replace(bare, winner=trial(-1, []))
    assert found_by("AML010", small).status == "warn"


@pytest.mark.parametrize(
    ("scores", "found"),
    [([0.9, 0.91, 0.9], "warn"), ([0.51, 0.5, 0.49], "fail"), ([0.9], "fail")],
)
def test_what_was_ahead_when_the_time_was_up_is_a_warning(scores, found):
    """The constant predicts as a last resort, though one was ahead by more than noise.

    One fold is luck, of which a search that ran out of time has many.
    """
    evidence = scored([0.4] * 5, BASE)
    base, worse = evidence.trials
    ahead = dataclasses.replace(trial(2, scores), status="cancelled")
    late = dataclasses.replace(evidence, trials=(base, worse, ahead), winner=base)
    made = found_by("AML010", late)
    assert (made.status, made.missed) == (found, False)


def test_a_winner_of_some_folds_is_compared_on_these():
    """The first fold is hard: the constant's mean over all is another measure."""
    made = found_by("AML010", scored([-5.0], [-10.0, -2.0, -2.0, -2.0, -2.0]))
    assert made.status == "pass"
    assert "against -10.0" in made.evidence
    assert made.evidence.endswith("on 1 of 5 folds.")
    worse = scored([-3.0], [-2.0, -10.0, -10.0, -10.0, -10.0])
    assert found_by("AML010", worse).status == "fail"


def test_a_model_that_was_never_scored_is_not_judged():
    """The small model that was fitted first may predict where nothing else can."""
    evidence = scored([0.9] * 5, BASE)
    small = trial(-1, [])
    made = found_by("AML010", dataclasses.replace(evidence, winner=small))
    assert (made.status, made.missed) == ("warn", False)
    assert made.evidence.startswith("What predicts was never scored")
