"""What a run leaves behind becomes facts: small, JSON, and right."""

import dataclasses
import json
import time

import numpy as np
import pytest

from automl.facts import build_facts
from automl.facts.compact import walk
from automl.facts.curves import MAX_POINTS, performance
from automl.facts.standings import MAX_ROWS, compare, short_traceback
from automl.facts.trajectory import kind_of
from automl.facts.verdict import expected
from automl.folds import make_folds
from tests.report_kit import finite, record, with_many_trials

TASKS = ("binary", "multiclass", "regression")


@pytest.mark.parametrize("task", TASKS)
def test_facts_are_strict_json(task):
    """Facts survive JSON unchanged and hold neither NaN nor infinity."""
    facts = build_facts(record(task))

    assert facts == json.loads(json.dumps(facts, allow_nan=False))
    assert all(finite(leaf) for leaf in walk(facts))


@pytest.mark.parametrize("task", TASKS)
def test_winner_leads_and_the_baseline_is_there(task):
    """The leaderboard ranks finished configurations and shows the baseline."""
    facts = build_facts(record(task))
    rows = facts["leaderboard"]["rows"]

    ranks = [r["rank"] for r in rows if r["rank"] is not None]
    assert rows[0]["winner"]
    assert list(range(1, len(ranks) + 1)) == ranks
    assert 1 == sum(r["baseline"] for r in rows)
    assert all(r["reason"] for r in rows if r["rank"] is None and not r["baseline"])


@pytest.mark.parametrize("task", TASKS)
def test_verdict_names_winner_score_and_gain(task):
    """The first sentence says who won, with what, and how far above nothing."""
    run = record(task)
    facts = build_facts(run)

    verdict = facts["verdict"]
    assert verdict["title"] in verdict["sentence"]
    assert "baseline" in verdict["sentence"]
    assert verdict["natural"] == pytest.approx(
        run.metric.natural(run.best.score), rel=1e-4
    )
    assert verdict["gain"] > 0


def test_equal_scores_are_within_noise_and_distant_ones_not():
    """Paired differences tell noise from a lead."""
    run = record("binary")
    worse = {0: 0.5, 1: 0.51, 2: 0.5, 3: 0.51, 4: 0.5}
    poor = dataclasses.replace(
        run.best,
        folds=tuple(
            dataclasses.replace(f, score=worse[f.fold]) for f in run.best.folds
        ),
    )

    assert compare(run.best, run.best, run.folds)["within_noise"]
    assert not compare(poor, run.best, run.folds)["within_noise"]
    assert compare(run.best, run.best, run.folds)["p"] == 1.0
    assert compare(poor, run.best, run.folds)["p"] < 0.001


def test_the_p_value_agrees_with_the_interval():
    """A difference at the end of its 95 % interval has a p-value of .05."""
    run = record("binary")
    steps = {0: 0.01, 1: 0.02, 2: 0.03, 3: 0.02, 4: 0.01}

    def shifted(by):
        folds = tuple(
            dataclasses.replace(f, score=run.best.scores[f.fold] - steps[f.fold] - by)
            for f in run.best.folds
        )
        return compare(dataclasses.replace(run.best, folds=folds), run.best, run.folds)

    first = shifted(0.0)
    at_the_end = shifted(first["margin"] - first["difference"])

    assert at_the_end["p"] == pytest.approx(0.05)


def test_the_verdict_leads_with_the_corrected_score():
    """The estimate and its interval come first; the raw score is called optimistic."""
    found = {
        "natural": 0.912, "low": 0.88, "high": 0.94, "level": 0.95, "method": "bbc",
        "text": "How.", "raw": 0.93, "n_configurations": 9, "n_resamples": 200,
        "seconds": 0.1, "warning": None,
    }  # fmt: skip
    run = dataclasses.replace(record("binary"), estimate=found, simplest=2)
    facts = build_facts(run)
    few = dataclasses.replace(run, estimate={**found, "warning": "Too few rows."})

    sentence = facts["verdict"]["sentence"]
    assert "expect ROC AUC 0.9120 (95 % interval 0.8800 to 0.9400)" in sentence
    assert "selection score (optimistic)" in sentence
    assert facts["estimate"]["text"] == "How."
    assert [r["trial"] for r in facts["leaderboard"]["rows"] if r["simplest"]] == [2]
    assert ["If you promise a figure", "Do not, yet: Too few rows."] in build_facts(
        few
    )["verdict"]["advice"]


def test_one_fold_says_nothing_about_noise():
    """With a single shared fold the interval is unknown, not zero."""
    run = record("binary")
    single = dataclasses.replace(run.best, folds=run.best.folds[:1])

    assert compare(single, run.best, run.folds)["margin"] is None


def test_confusion_matrix_counts_every_scored_row():
    """The matrix sums to the number of rows with a prediction."""
    facts = build_facts(record("binary"))["performance"]

    assert facts["n_scored"] == sum(map(sum, facts["matrix"]["counts"]))
    assert facts["roc"]["area"] > 0.9


def test_rows_without_a_prediction_are_left_out():
    """A row that was never scored enters no figure."""
    run = record("regression")
    part = run.predictions(run.winner).copy()
    part[:100] = np.nan
    facts = build_facts(dataclasses.replace(run, predictions=lambda _: part))

    assert facts["run"]["n_rows"] - 100 == facts["performance"]["n_scored"]


def test_rare_classes_are_pooled_with_a_sentence():
    """Beyond twenty classes the rest is one row and the page says so."""
    rng = np.random.default_rng(0)
    y = np.arange(3_000) % 40
    folds = make_folds(y, cv=3, stratify=True, groups=None, time=None, random_state=0)
    found = performance("multiclass", y, rng.random((3_000, 40)), folds, np.arange(40))

    assert 20 == len(found["matrix"]["labels"])
    assert 3_000 == int(found["matrix"]["counts"].sum())
    assert "pooled" in found["matrix"]["pooled"]


def test_half_a_million_rows_take_under_half_a_second():
    """Curves come from a sample, and say so."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 500_000)
    score = np.clip(0.3 * y + rng.random(500_000) * 0.7, 0, 1).astype(np.float32)
    folds = make_folds(y, cv=5, stratify=False, groups=None, time=None, random_state=0)
    labels = np.array(["no", "yes"])
    prediction = np.c_[1 - score, score]
    performance("binary", y[:99], prediction[:99], folds, None)  # imports

    began = time.process_time()
    found = performance("binary", y, prediction, folds, labels)

    assert time.process_time() - began < 0.5
    assert "taken at random" in found["sampled"]
    assert len(found["roc"]["x"]) <= MAX_POINTS
    assert 500_000 == int(found["matrix"]["counts"].sum())


def test_thousands_of_trials_are_cut_with_a_sentence():
    """Tables and charts stay small whatever the number of trials."""
    facts = build_facts(with_many_trials(record("binary"), 2_000))

    assert MAX_ROWS == len(facts["leaderboard"]["rows"])
    assert "are not shown" in facts["leaderboard"]["cut"]
    assert 500 >= len(facts["progress"]["trials"]["number"])


def test_best_so_far_only_improves():
    """Each step is better than the one before, in both orders."""
    found = build_facts(record("regression"))["progress"]

    for key in ("best", "best_by_number"):
        assert sorted(found[key]["natural"], reverse=True) == found[key]["natural"]


def test_columns_left_out_come_first_with_the_reason():
    """A reader sees at once what the model does not."""
    found = build_facts(record("binary"))["columns"]

    assert ["patient_id", "hospital"] == [r["name"] for r in found["rows"][:2]]
    assert all("left out" in r["reason"] for r in found["rows"][:2])


def test_no_cell_of_the_table_is_in_the_facts():
    """Levels and identifiers of the table stay in the table."""
    text = json.dumps(build_facts(record("binary")))

    assert "P00001" not in text
    assert '"red"' not in text
    assert "3 levels" in text


def test_equal_failures_are_told_once():
    """The second trial that fails alike refers to the first."""
    rows = build_facts(record("binary"))["failures"]["rows"]

    assert 3 == len(rows)
    assert rows[0]["trial"] == rows[1]["same_as"]
    assert "/somewhere" not in rows[0]["traceback"]


def test_long_tracebacks_keep_their_end():
    """What went wrong stands at the end."""
    text = short_traceback("x" * 5_000 + "ValueError: bad")

    assert 2_000 == len(text)
    assert text.endswith("ValueError: bad")


def test_pipeline_is_a_tree_of_what_was_set():
    """Boxes name steps, columns by the user's names, and set parameters only."""
    tree = build_facts(record("binary"))["pipeline"]

    number, category = tree["children"][1]["children"]
    assert "parallel" == tree["children"][1]["layout"]
    assert "mean radius" in number["columns"]
    assert "1 column: colour" == category["columns"]
    assert [["C", "0.1"]] == tree["children"][2]["params"]


def test_values_over_decades_get_a_logarithmic_axis():
    """Two powers of ten are enough; zero forbids it."""
    assert "log" == kind_of([1e-3, 1e-1])
    assert "linear" == kind_of([0, 1000])


def test_an_estimate_of_the_folds_is_called_optimistic():
    """Where the selection could not be repeated, the verdict's figure says so."""
    found = {"natural": 0.9, "low": 0.8, "high": 1.0, "level": 0.95}

    assert "optimistic" in expected({**found, "method": "naive"})
    assert "optimistic" not in expected({**found, "method": "bbc"})
