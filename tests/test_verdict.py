"""The verdict is about what predicts, and says why where that is not the best score."""

import dataclasses
import math
from types import SimpleNamespace

import pytest

from automl.conclusion import Concluded, _given_up
from automl.constraints import Choice, _alone
from automl.ensemble import Blend
from automl.facts import build_facts
from automl.facts.standings import compare
from automl.facts.verdict import figure
from automl.history import ENSEMBLE, FoldResult, Trial
from automl.report import render
from automl.report.words import markdown
from automl.winner import Deployed
from tests.report_kit import record

ESTIMATE = {
    "natural": 0.912, "low": 0.904649, "high": 0.94, "level": 0.95, "method": "bbc",
    "text": "How.", "raw": 0.93, "n_configurations": 9, "n_resamples": 200,
    "seconds": 0.1, "warning": None,
}  # fmt: skip


def another(run, *, status="ok", rank=-1, **more):
    """Return the run where another trial predicts, by status and place by score."""
    order = sorted(
        (t for t in run.trials[1:] if t.status == status and t.scores),
        key=lambda t: -t.score,
    )
    return dataclasses.replace(run, winner=order[rank].number, **more)


def nothing_finished(run):
    """Return the run with the baseline and failed trials only."""
    trials = tuple(t for t in run.trials if t.number == 0 or not t.scores)
    return dataclasses.replace(run, trials=trials, winner=0)


def test_a_raced_trial_that_predicts_is_named_first():
    """Page, Markdown, leaderboard and curves are about it, scored in part."""
    run = another(record("regression"), status="raced", limited="max_predict_ms=1")
    facts = build_facts(run)
    title = facts["titles"][run.best.candidate]

    sentence = facts["verdict"]["sentence"]
    assert sentence.startswith(
        f"{title} (trial {run.winner}) predicts, scored on 2 of 5 folds only."
    )
    assert "scored best and was not taken: it was given up for max_predict_ms=1." in (
        sentence
    )
    assert "the baseline on the same folds" in sentence
    (row,) = [r for r in facts["leaderboard"]["rows"] if r["winner"]]
    assert row["trial"] == run.winner == facts["verdict"]["trial"]
    scored = sum(len(run.folds.splits[k][1]) for k in (0, 1))
    assert facts["performance"]["n_scored"] == scored
    page = render(facts)
    assert '<span class="tag good">predicts</span>' in page
    assert "took part in the choice" in page
    assert " wins" not in markdown(facts)


def test_the_report_is_about_what_limits_took():
    """A trial that was given up in the race is shown, not the leader it replaces."""
    run = record("regression")
    raced = next(t for t in run.trials if t.status == "raced")
    before = Deployed(run.best, run.winner, None, (), run.best, None, (), ())
    table = dataclasses.replace(run.table)
    after = _alone(raced, SimpleNamespace(value=run.pipeline[1:]), before, table)
    done = Concluded(after, None, None, None, None, None, None)

    assert after.shown == raced.number
    assert done.drawn is after.pipeline


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        ({"limited": "max_model_mib=1"}, "it was given up for max_model_mib=1"),
        ({"ruled": True}, "the simplest within one standard error was asked for"),
        ({}, "there was no fit of it to deploy"),
    ],
)
def test_the_verdict_says_why_the_best_score_does_not_predict(given, cause):
    """A limit, the rule of simplicity, or the time: it did not win."""
    verdict = build_facts(another(record("binary"), **given))["verdict"]

    assert " wins" not in verdict["sentence"]
    assert cause in verdict["why"]
    assert verdict["why"] in verdict["sentence"]
    assert build_facts(record("binary"))["verdict"]["why"] is None


def test_what_is_better_than_the_winner_is_not_within_noise():
    """A lead counts on both sides; the row and the sentence say so."""
    run = another(record("binary"), limited="max_model_mib=1")
    best = max((t for t in run.trials if t.status == "ok"), key=lambda t: t.score)
    found = compare(best, run.best, run.folds)
    assert found["better"]
    assert not found["within_noise"]

    facts = build_facts(run)
    rows = {r["trial"]: r for r in facts["leaderboard"]["rows"]}
    assert rows[best.number]["better"]
    page = render(facts)
    assert "better by more than noise, not taken" in page
    assert "did better by more than noise, but did not predict" in page
    assert "better by more than noise" in facts["verdict"]["second"]
    assert "it was given up for max_model_mib=1" in facts["verdict"]["second"]


def test_an_ensemble_that_limits_gave_up_keeps_its_row():
    """It has a number of its own beside a smaller one, and the same blend is none."""
    folds = (FoldResult(7, 0, "ok", 0.9),)
    whole, smaller = (Trial(7, ENSEMBLE, {}, "", "ok", folds) for _ in range(2))
    blend, part = Blend({1: 0.5, 2: 0.5}, (0.9,)), Blend({1: 1.0}, (0.8,))
    first = Choice(None, whole, blend)

    assert _given_up(first, Choice(None, None, None))[0].number == 7
    kept, weights = _given_up(first, Choice(None, smaller, part))
    assert (kept.number, kept.folds[0].trial, weights) == (8, 8, blend)
    assert _given_up(first, Choice(None, smaller, blend)) is None


def test_nothing_finished_is_not_a_baseline_that_nothing_beats():
    """The sentence and the advice speak of the time, not of the columns."""
    verdict = build_facts(nothing_finished(record("binary")))["verdict"]

    assert verdict["sentence"].startswith("No pipeline finished in 57.1 s.")
    assert "Nothing finished in 57.1 s; see why" in verdict["advice"][0][1]
    assert "did better" not in verdict["sentence"]


def test_the_gain_is_that_of_the_estimate():
    """Sentence and tile do not promise what the optimistic score has gained."""
    run = dataclasses.replace(record("binary"), estimate=ESTIMATE)
    facts = build_facts(run)
    verdict = facts["verdict"]

    assert verdict["gain"] == pytest.approx(0.912 - verdict["baseline"])
    assert f"{figure(verdict['gain'])} above the baseline" in verdict["sentence"]


def test_a_figure_is_the_same_in_a_sentence_and_in_a_tile():
    """The sentence is formed before the facts are made small, the tile after."""
    facts = build_facts(dataclasses.replace(record("binary"), estimate=ESTIMATE))

    low = figure(facts["estimate"]["low"])
    assert f"interval {low} to" in facts["verdict"]["sentence"]
    assert all(
        figure(x) == figure(float(f"{x:.5g}")) for x in (0.904649, 54.41549, 123.449)
    )


def test_advice_leads_to_what_is_there():
    """No importance, no look at it; a useless model is not to be promised."""
    run = record("regression")
    fine = tuple(t for t in run.trials if t.scores)
    bare = dataclasses.replace(run, trials=fine, importance=None)
    useless = dataclasses.replace(bare, estimate={**ESTIMATE, "natural": 1e6})

    def readers(record):
        return [reader for reader, _ in build_facts(record)["verdict"]["advice"]]

    assert "If you know the data" in readers(dataclasses.replace(run, trials=fine))
    assert "If you know the data" not in readers(bare)
    assert readers(useless) == ["Before anything else"]


def test_advice_names_the_columns_that_matter_most():
    """Whoever knows the data then sees at once whether they can be known in time."""
    run = record("regression")
    fine = dataclasses.replace(run, trials=tuple(t for t in run.trials if t.scores))
    sentence = dict(build_facts(fine)["verdict"]["advice"])["If you know the data"]
    first, second = run.importance.columns[:2]

    assert f"Most depends on {first!r} and {second!r}" in sentence


def test_p_stands_below_the_difference():
    """Beside it, the column pushes the last one out of the page."""
    assert '<span class="sub">p = ' in render(build_facts(record("binary")))


def test_no_interval_is_said_in_words():
    """What was scored on one fold has none, not one from a dash to a dash."""
    unknown = {**ESTIMATE, "low": math.nan, "high": math.nan}
    sentence = build_facts(dataclasses.replace(record("binary"), estimate=unknown))[
        "verdict"
    ]["sentence"]

    assert "0.9120 (no interval is known)" in sentence
