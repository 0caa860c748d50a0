"""What a run leaves behind becomes facts: small, JSON, and right."""

import dataclasses
import json
import time

import numpy as np
import pytest

from automl.facts import build_facts
from automl.facts.compact import walk
from automl.facts.curves import MAX_POINTS, performance
from automl.facts.searching import search_facts
from automl.facts.standings import MAX_ROWS, compare, short_traceback
from automl.facts.timeline import MAX_BARS, timeline
from automl.facts.trajectory import kind_of
from automl.facts.tuning import MIN_TRIALS, axes, importance, levelled
from automl.facts.verdict import expected
from automl.folds import make_folds
from automl.history import FoldResult, Trial
from automl.metrics import resolve_metric
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


def test_search_facts_cover_every_candidate_that_was_tried():
    """Each has its counts and its part of the time; the baseline is none of them."""
    found = build_facts(record("binary"))["search"]

    rows = {row["candidate"]: row for row in found["candidates"]}
    assert {"linear", "tree", "k_nearest", "boosting"} == set(rows)
    assert (8, 7) == (rows["linear"]["n_trials"], rows["linear"]["n_finished"])
    assert (3, None) == (rows["boosting"]["n_failed"], rows["boosting"]["best"])
    assert 1 == pytest.approx(sum(r["share"] for r in rows.values()), abs=0.001)


def test_search_facts_are_bounded_whatever_the_number_of_trials():
    """Six times the trials take no more room."""
    run = record("binary")
    sizes = [
        len(json.dumps(build_facts(with_many_trials(run, n))["search"]))
        for n in (500, 3_000)
    ]

    assert sizes[1] < 1.1 * sizes[0] < 200_000


@pytest.mark.parametrize("task", TASKS)
def test_distribution_of_scores_ends_with_all_configurations(task):
    """The best comes first, and everything is as good as the worst."""
    found = build_facts(record(task))

    for one in found["search"]["edf"]:
        sign = found["metric"]["sign"]
        assert sorted(one["natural"], reverse=sign > 0) == one["natural"]
        assert 1.0 == one["share"][-1]


def test_timeline_names_workers_by_their_place():
    """Two processes are two workers, and a fold that failed has its bar."""
    found = build_facts(record("binary"))["search"]["timeline"]

    assert [1, 2] == [w["worker"] for w in found["workers"]]
    assert "error" in found["bars"]["status"]
    assert 0 < found["busy"] < 1
    assert min(found["bars"]["seconds"]) > 0


def test_timeline_is_none_where_no_worker_is_known():
    """Folds that an earlier version wrote have no process."""
    trials = [Trial(1, "ridge", {}, "tpe", "ok", (FoldResult(1, 0, "ok", 0.5),))]

    assert timeline(trials) is None


def test_timeline_keeps_the_longest_folds_and_says_so():
    """Beyond the limit, what could not be seen is left out."""
    folds = [
        FoldResult(
            i, 0, "ok", 0.5, worker=1 + i % 2, started_s=float(i), ended_s=i + 0.5
        )
        for i in range(MAX_BARS + 300)
    ]
    folds[5] = dataclasses.replace(folds[5], ended_s=5.9)
    found = timeline([Trial(f.trial, "ridge", {}, "tpe", "ok", (f,)) for f in folds])

    assert MAX_BARS == len(found["bars"]["trial"])
    assert 5 in found["bars"]["trial"]
    assert found["cut"].startswith("The 800 longest of 1,100 folds")
    assert len(folds) == sum(w["n_folds"] for w in found["workers"])


def tuned(n, *, noise=0.02, seed=0):
    """Return trials whose score depends on one hyperparameter of three."""
    rng = np.random.default_rng(seed)
    trials = []
    for i in range(n):
        rate = float(10 ** rng.uniform(-4, 0))
        params = {"rate": rate, "depth": int(rng.integers(2, 12))}
        if i % 2:
            params["kind"] = str(rng.choice(["a", "b"]))
        score = -((np.log10(rate) + 2) ** 2) + noise * rng.normal()
        folds = tuple(
            FoldResult(i, k, "ok", score + 5 * k) for k in range(1 if i % 3 else 4)
        )
        trials.append(Trial(i, "ridge", params, "tpe", "ok", folds))
    return trials


def test_importance_finds_what_the_score_depends_on():
    """The one that matters leads, and is the only one called sure."""
    found = importance(tuned(80))

    assert "rate" == found["rows"][0]["name"]
    assert found["rows"][0]["share"] > 0.8
    assert found["rows"][0]["p"] < 0.01
    assert "One hyperparameter stands out" in found["note"]


def test_importance_of_noise_is_called_chance():
    """Where nothing matters, hardly any p-value is small: over 40 searches."""
    small = [
        row["p"] <= 0.05
        for seed in range(40)
        for row in importance(tuned(40, noise=1e6, seed=seed))["rows"]
    ]

    assert np.mean(small) < 0.1


def test_importance_of_few_configurations_is_not_given():
    """The sentence says how many there are and how many it takes."""
    found = importance(tuned(MIN_TRIALS - 1))

    assert [] == found["rows"]
    assert "takes 16 scored configurations, and there are 15" in found["note"]


def test_importance_is_the_same_each_time():
    """The same trials give the same figures: the seed is fixed."""
    assert importance(tuned(60)) == importance(tuned(60))


def test_scores_of_fewer_folds_are_made_comparable():
    """A trial with an easy fold only is no better than one with all of them."""
    scores = levelled(tuned(60, noise=0.0))
    whole = scores[[i for i in range(60) if i % 3 == 0]]

    assert abs(whole.mean() - scores.mean()) < 2


def test_axes_keep_inactive_values_apart():
    """A hyperparameter that was not set has no value, and long spaces are cut."""
    metric = record("binary").metric
    trials = tuned(12)
    found = axes(trials, metric)
    wide = [
        dataclasses.replace(t, params={f"p{j}": i + j for j in range(14)})
        for i, t in enumerate(trials)
    ]

    kinds = {p["name"]: p["values"] for p in found["params"]}
    assert kinds["kind"][0] is None
    assert kinds["kind"][1] in ("a", "b")
    assert "4 more hyperparameters" in axes(wide, metric)["cut"]
    assert axes(trials[:1], metric) is None


def test_the_median_is_of_configurations_with_all_folds():
    """One that saw an easy fold only does not lift it above the best."""
    folds = tuple(FoldResult(1, k, "ok", s) for k, s in enumerate((0.9, 0.5)))
    whole = Trial(1, "ridge", {}, "", "ok", folds)
    easy = [Trial(n, "ridge", {}, "", "raced", folds[:1]) for n in (2, 3)]
    metric = resolve_metric("roc_auc", "binary")

    (row,) = search_facts([whole, *easy], metric, {})["candidates"]
    assert row["best"] == row["median"] == pytest.approx(0.7)


def test_an_estimate_of_the_folds_is_called_optimistic():
    """Where the selection could not be repeated, the verdict's figure says so."""
    found = {"natural": 0.9, "low": 0.8, "high": 1.0, "level": 0.95}

    assert "optimistic" in expected({**found, "method": "naive"})
    assert "optimistic" not in expected({**found, "method": "bbc"})
