"""The verdict is about what predicts, and says why where that is not the best score."""

import dataclasses
import math
from types import SimpleNamespace

import numpy as np
import pytest

from automl.checks.finding import Finding
from automl.conclusion import Concluded, _given_up
from automl.constraints import Choice, _alone
from automl.ensemble import Blend
from automl.facts import build_facts
from automl.facts.advice import _of_equals
from automl.facts.decisions import overlooked, thresholds
from automl.facts.standings import compare
from automl.facts.verdict import _second, figure, restated
from automl.history import derived
from automl.report import render
from automl.report.explanation_charts import importance_chart
from automl.report.words import markdown
from automl.trial import ENSEMBLE, FoldResult, Trial
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


def test_few_folds_are_told_instead_of_tested():
    """What was dropped on the way has no p-value, but the folds that it was seen on."""
    run = record("binary")
    n = len(run.folds)
    best = next(t for t in run.trials if t.status == "ok" and t.number)
    early = dataclasses.replace(
        best, number=99, status="raced", folds=best.folds[:2], reason="behind"
    )
    page = render(build_facts(dataclasses.replace(run, trials=(*run.trials, early))))
    row = page[page.index("trial 99") :].partition("</tr>")[0]
    assert f"on 2 of {n} folds" in row
    assert "p = " not in row


def test_labels_that_miss_most_of_a_class_are_told_first():
    """With it the threshold that finds more, and what that one finds."""
    truth, score = (
        np.repeat([0, 1, 1], [90, 6, 4]),
        np.repeat([0.1, 0.3, 0.9], [90, 6, 4]),
    )
    said = overlooked(thresholds(truth, score), "yes")
    assert "finds 40 % of 'yes'" in said
    assert "it would find 100 %, and 100 % of the rows called so would be right" in said
    assert not overlooked(thresholds(truth, np.maximum(score, 0.51 * truth)), "yes")
    assert not overlooked(thresholds(truth, 0.1 + 0.0 * score), "yes")

    run = record("binary")
    shy = dataclasses.replace(run, predictions=lambda n: run.predictions(n) * [1, 0.5])
    advice = build_facts(shy)["verdict"]["advice"]
    assert advice[0][0] == "If you take its labels"
    readers = [reader for reader, _ in build_facts(run)["verdict"]["advice"]]
    assert "If you take its labels" not in readers


def test_weak_slices_are_among_what_to_look_at():
    """A reader of the verdict alone hears of rows on which the model is worse."""
    weak = Finding("AML017", "Weak slices", "note", "3 of 12 slices are worse.")
    run = dataclasses.replace(record("binary"), checks=(weak.as_json(),))
    advice = dict(build_facts(run)["verdict"]["advice"])
    assert advice["If some rows are not like others"] == "3 of 12 slices are worse."
    fine = dataclasses.replace(weak, status="pass")
    even = dataclasses.replace(run, checks=(fine.as_json(),))
    advice = dict(build_facts(even)["verdict"]["advice"])
    assert "If some rows are not like others" not in advice


def test_of_faster_ones_the_best_is_named():
    """Speed is no reason to give away more of the score than must be."""
    winner, slow, good, poor = (
        Trial(n, "ridge", {}, "", "ok", (FoldResult(n, 0, "ok", 0.8, predict_s=s),))
        for n, s in ((1, 1.0), (2, 0.9), (3, 0.3), (4, 0.1))
    )
    reader, sentence = _of_equals(winner, [slow, good, poor], {})
    assert reader == "If prediction must be fast"
    assert "(trial 3) is within noise of the winner and predicts 3.3 times" in sentence
    assert _of_equals(winner, [slow], {})[0] == "If you choose the model"


def test_no_interval_is_said_in_words():
    """What was scored on one fold has none, not one from a dash to a dash."""
    unknown = {**ESTIMATE, "low": math.nan, "high": math.nan}
    sentence = build_facts(dataclasses.replace(record("binary"), estimate=unknown))[
        "verdict"
    ]["sentence"]

    assert "0.9120 (no interval is known)" in sentence


def test_the_lead_of_an_ensemble_is_told_with_its_optimism():
    """Its weights were chosen on the rows that the lead is measured on."""
    run = record("binary")
    done = [t for t in run.trials if t.status == "ok" and t.number]
    leader, rival = sorted(done, key=lambda t: -t.score)[:2]
    against = {
        "difference": 0.02, "margin": 0.01, "within_noise": False, "better": False
    }  # fmt: skip
    alone = _second(rival, leader, against, {}, "")
    average = derived(99, {"trial 1": 0.5, "trial 2": 0.5}, leader.folds)
    assert "optimism" not in alone
    assert "Part of that lead is optimism" in _second(rival, average, against, {}, "")


def test_what_an_ensemble_depends_on_is_said_to_be_of_one_configuration():
    """Importance is measured on the best single one, and not on what predicts."""
    run = record("regression")
    fine = tuple(t for t in run.trials if t.scores)
    best = max((t for t in fine if t.number), key=lambda t: t.score)
    members = {f"trial {best.number}": 0.5, "trial 1": 0.5}
    whole = derived(99, members, best.folds)
    mixed = dataclasses.replace(
        run, trials=(*fine, whole), winner=99,
        predictions=lambda n: run.predictions(best.number if n == 99 else n),
    )  # fmt: skip

    def said(record):
        return dict(build_facts(record)["verdict"]["advice"])["If you know the data"]

    assert said(mixed).startswith("In the best single configuration, most depends on")
    assert said(dataclasses.replace(run, trials=fine)).startswith("Most depends on")


def test_what_stands_between_backticks_is_code():
    """Where they are in pairs: an odd one is the text's own; markup is text."""
    fine = Finding("AML001", "A", "note", "Ask `fit` for <b>rows</b>.", "Keep a`b.")
    run = dataclasses.replace(record("binary"), checks=(fine.as_json(),))
    page = render(build_facts(run))
    assert "Ask <code>fit</code> for &lt;b&gt;rows&lt;/b&gt;." in page
    assert "Keep a`b." in page


def test_a_single_permutation_has_no_spread():
    """The deviation of one number is not known: it is no zero."""
    facts = build_facts(record("binary"))
    facts["importance"]["rows"] = [["a", 0.2, 0.0], ["b", 0.1, 0.02]]
    assert [r[2] for r in importance_chart(facts)["rows"]] == ["–", "0.0200"]


def test_what_was_never_scored_is_still_said_of_other_test_rows():
    """A verdict with another estimate begins as it did."""
    run = another(record("regression"), unscored="tree", limited="max_predict_ms=1")
    facts = build_facts(run)
    said = facts["verdict"]["sentence"]
    assert "in a form that was never scored" in said
    again = restated(
        facts["verdict"], run.trials, run.best, run.folds, run.metric, ESTIMATE
    )
    assert again["sentence"].startswith(said.partition("not its own.")[0])
    assert again["sentence"].endswith(facts["verdict"]["why"])
