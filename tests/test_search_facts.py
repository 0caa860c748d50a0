"""What is told of a search: candidates, course, workers and hyperparameters."""

import dataclasses
import json

import numpy as np
import pytest

from automl.facts import build_facts
from automl.facts.searching import MAX_CANDIDATES, search_facts
from automl.facts.timeline import MAX_BARS, timeline
from automl.facts.tuning import MIN_TRIALS, axes, importance, levelled
from automl.metrics import resolve_metric
from automl.report.tuning_charts import timeline_chart
from automl.trial import FoldResult, Trial
from tests.report_kit import record, with_many_trials


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


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
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


def test_timeline_draws_a_candidate_that_is_listed_nowhere():
    """Of more candidates than are listed, the last have failed only."""
    run = record("binary")
    failed = next(t for t in run.trials if t.status == "error")
    more = [
        dataclasses.replace(failed, number=100 + i, candidate=f"never_{i:02d}")
        for i in range(MAX_CANDIDATES)
    ]
    facts = build_facts(dataclasses.replace(run, trials=(*run.trials, *more)))
    last = more[-1].candidate
    assert last not in {row["candidate"] for row in facts["search"]["candidates"]}
    assert last not in facts["progress"]["trials"]["candidate"]
    bars = sum(len(t["x"]) for t in timeline_chart(facts)["figure"]["data"])
    assert bars == len(facts["search"]["timeline"]["bars"]["trial"])


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
