"""Several runs side by side: what may be compared is tested, the rest is said."""

import dataclasses
import json

import numpy as np
import pytest

from automl import compare_reports
from automl.exceptions import AutoMLConfigError, AutoMLDataError
from automl.facts import build_facts
from automl.facts.comparison import compare_runs, describe_folds, paired
from automl.folds import make_folds
from automl.report import write_report
from automl.report.comparing import render_comparison
from tests.report_kit import HOSTILE, record, with_names
from tests.test_report import Outline, size_beside_plotly


def with_winner(run, candidate):
    """Return the run as if another candidate had won, and another budget been set."""
    trials = [t for t in run.trials if t.candidate in ("baseline", candidate)]
    best = max((t for t in trials if t.status == "ok"), key=lambda t: t.score)
    settings = {**run.settings, "time_budget_s": 10.0}
    return dataclasses.replace(
        run, trials=tuple(trials), winner=best.number, settings=settings
    )


@pytest.fixture(scope="module")
def facts():
    """Facts of three runs: two of the same folds, and one of another table."""
    one = record("binary")
    return {
        "linear": build_facts(one),
        "tree": build_facts(with_winner(one, "tree")),
        "other": build_facts(record("regression")),
    }


def test_winners_on_the_same_folds_are_tested(facts):
    """The better one leads by more than noise, and the other way round as well."""
    found = paired(facts["linear"], facts["tree"])
    back = paired(facts["tree"], facts["linear"])

    assert found["why_not"] is None
    assert found["n_folds"] == 5
    assert found["low"] < found["difference"] < found["high"]
    assert found["difference"] == pytest.approx(-back["difference"])
    assert (found["p"] <= 0.05) == (found["low"] > 0)


def test_a_run_against_itself_is_no_difference(facts):
    """Equal scores on every fold give p = 1 and no division by zero."""
    found = paired(facts["linear"], facts["linear"])

    assert (0.0, 1.0) == (found["difference"], found["p"])


@pytest.mark.parametrize(
    ("part", "value", "sentence"),
    [
        ("fingerprint", "another", "different tables"),
        ("fingerprint", None, "different tables"),
        ("target", "another", "different columns"),
        ("folds", {"digest": "0", "sizes": []}, "different folds"),
        ("folds", None, "an earlier version"),
    ],
)
def test_what_cannot_be_compared_says_why(facts, part, value, sentence):
    """No figure stands beside the reason."""
    other = {**facts["tree"], "run": {**facts["tree"]["run"], part: value}}
    found = paired(facts["linear"], other)

    assert sentence in found["why_not"]
    assert None is found["p"] is found["difference"]


def test_folds_are_told_apart_by_their_rows():
    """The same seed gives the same digest, another seed another one."""
    y = np.arange(90) % 2
    given = {"cv": 3, "stratify": True, "groups": None, "time": None}
    digests = [
        describe_folds(make_folds(y, **given, random_state=seed))["digest"]
        for seed in (0, 0, 1)
    ]

    assert digests[0] == digests[1] != digests[2]


def test_what_differs_is_listed_and_the_rest_counted(facts):
    """A budget that differs is a row; a metric that does not is none."""
    found = compare_runs([("a", facts["linear"]), ("b", facts["tree"])])

    rows = {row["name"]: row["values"] for row in found["differences"]}
    assert {"time_budget_s=": ["60.0", "10.0"]} == rows
    assert found["n_same"] > 5


def test_sentences_say_what_may_be_compared(facts):
    """Other tables and other metrics are named before anything else."""
    every = compare_runs(list(facts.items()))["sentences"]
    two = compare_runs(list(facts.items())[::2])["sentences"]

    assert "different metrics" in every[0]
    assert "different tables" in every[1]
    assert "1 of 3 pairs scored on the same folds" in every[2]
    assert two[-1] == "No difference is tested. They have different metrics."


def test_runs_of_the_same_holdout_are_not_said_to_differ_in_folds(facts):
    """One fold tells no noise: that is the reason, and not other folds."""
    run = facts["linear"]
    rows = [{**r, "folds": r["folds"][:1]} for r in run["leaderboard"]["rows"]]
    holdout = {**run, "leaderboard": {**run["leaderboard"], "rows": rows}}
    said = compare_runs([("a", holdout), ("b", holdout)])["sentences"]
    assert said[-1] == ("No difference is tested. With one fold, noise cannot be told.")


def test_a_default_time_is_no_budget_beside_trials(facts):
    """A run of trials and one of seconds do not have the same time budget."""
    run = facts["linear"]
    timeline = {**run["run"]["timeline"], "budget": None}
    counted = {
        **run, "settings": {**run["settings"], "n_trials": 20},
        "run": {**run["run"], "timeline": timeline},
    }  # fmt: skip
    found = compare_runs([("a", run), ("b", counted)])
    rows = {row["name"]: row["values"] for row in found["differences"]}
    assert rows["time_budget_s="] == ["60.0", "–"]


def test_estimates_take_the_place_of_selection_scores(facts):
    """Where a run has an estimate, its interval stands in the table."""
    estimate = {
        "natural": 0.9,
        "low": 0.8,
        "high": 0.95,
        "level": 0.95,
        "method": "bbc",
    }
    runs = [("a", {**facts["linear"], "estimate": estimate}), ("b", facts["tree"])]
    rows = compare_runs(runs)["runs"]

    assert (0.9, 0.8, 0.95) == tuple(rows[0][k] for k in ("natural", "low", "high"))
    assert "corrected for the choice" in rows[0]["interval"]
    assert "not corrected" in rows[1]["interval"]


def test_raw_scores_are_marked_and_nothing_leads_among_kinds(facts):
    """An optimistic score and a corrected one have no order; it is said and drawn."""
    estimate = {"natural": 0.9, "low": 0.8, "high": 0.95, "method": "bbc"}
    naive = {**estimate, "method": "naive"}
    one, two = facts["linear"], facts["tree"]
    mixed = compare_runs([("a", {**one, "estimate": estimate}), ("b", two)])
    page = render_comparison(mixed)

    assert ["corrected", "raw"] == [r["kind"] for r in mixed["runs"]]
    assert "of different kinds" in " ".join(mixed["sentences"])
    assert "has the best score" not in page
    assert '["circle","circle-open"]' in page
    same = compare_runs([("a", {**one, "estimate": naive}), ("b", two)])
    assert ["raw", "raw"] == [r["kind"] for r in same["runs"]]
    assert "not corrected" in same["runs"][0]["interval"]
    assert "has the best score" in render_comparison(same)


def test_a_winner_that_was_never_scored_has_no_score(facts):
    """It is named; the score and the folds of the leader are not taken for its own."""
    verdict = {**facts["linear"]["verdict"], "unscored": "Small tree"}
    unscored = {**facts["linear"], "verdict": verdict}
    estimate = {"natural": 0.9, "low": 0.8, "high": 0.95, "method": "bbc"}
    scored = {**facts["tree"], "estimate": estimate}
    found = compare_runs([("a", unscored), ("b", scored)])

    shown = found["runs"][0]
    assert shown["winner"] == "Small tree"
    assert shown["natural"] is shown["low"] is shown["high"] is None
    assert found["pairs"][0]["p"] is None
    assert "never scored" in found["pairs"][0]["why_not"]
    assert "not scored on the folds" in found["sentences"][0]
    assert "different kinds" not in " ".join(found["sentences"])
    assert "B has 0.9000." in render_comparison(found)
    tested = {**unscored, "estimate": {**estimate, "method": "test"}}
    assert compare_runs([("a", tested), ("b", scored)])["runs"][0]["natural"] == 0.9
    best = compare_runs([("a", unscored)] + [("b", facts["tree"])] * 10)
    assert {p["why_not"] is None for p in best["pairs"][1:]} == {True}


def test_nothing_leads_across_tables(facts):
    """A better score may be of an easier table, and one run has no rival."""
    run = {**facts["tree"]["run"], "fingerprint": "another"}
    other = {**facts["tree"], "run": run}
    page = render_comparison(compare_runs([("a", facts["linear"]), ("b", other)]))
    alone = render_comparison(
        compare_runs([("a", facts["linear"]), ("b", facts["other"])])
    )
    many = compare_runs([("a", facts["linear"]), ("b", other)] * 10)

    assert "has the best score" not in page
    assert "different tables" in page
    assert "has the best score" not in alone
    assert "with the first run" in many["cut"]


def test_one_pair_is_told_in_the_plural(facts):
    """Two runs differ or do not: neither none nor one of them differs."""
    same = compare_runs([("a", facts["linear"]), ("b", facts["linear"])])["sentences"]

    assert "they do not differ by more than noise" in same[0]


def test_many_runs_are_compared_with_the_best():
    """Twenty runs have 190 pairs; those with the best one are shown."""
    one = build_facts(record("regression"))
    found = compare_runs([("same", one)] * 20)

    assert 19 == len(found["pairs"])
    assert "Of 190 pairs" in found["cut"]
    assert 20 == len({r["name"] for r in found["runs"]})


def test_page_holds_all_runs_and_is_inert(facts):
    """Names that look like markup stay text; nothing is loaded; it stays small."""
    evil = build_facts(with_names(record("binary"), HOSTILE))
    runs = [*facts.items(), (HOSTILE[1], evil)]
    page = render_comparison(compare_runs(runs))
    outline = Outline(page)

    assert "img" not in outline.tags
    assert 5 == outline.tags.count("script")
    assert HOSTILE[1] in " ".join(outline.text)
    assert size_beside_plotly(page) < 250_000
    loads = {v for _, k, v in outline.attributes if k in ("src", "href")}
    assert all(v.startswith("#") or v == "data:," for v in loads)


def test_runs_are_read_from_folders_and_files(tmp_path):
    """A folder and a report.json elsewhere; the page and its JSON twin."""
    one, two = tmp_path / "one", tmp_path / "two"
    facts = build_facts(record("regression"))
    write_report(facts, one / "report.json")
    write_report(facts, two / "kept.json")
    page = compare_reports([one, two / "kept.json"], tmp_path / "new" / "both.html")
    twin = compare_reports([one, two / "kept.json"], tmp_path / "both.json")

    assert "2 runs compared" in page.read_text("utf-8")
    names = [r["name"] for r in json.loads(twin.read_text("utf-8"))["runs"]]
    assert ["one", "kept"] == names


def test_what_is_no_run_is_refused(tmp_path):
    """One run, an empty folder, a damaged file, a newer format: each says what."""
    whole = write_report(build_facts(record("regression")), tmp_path / "a.json")
    (tmp_path / "b.json").write_text("{")
    newer = {**json.loads(whole.read_text("utf-8")), "format": 99}
    (tmp_path / "c.json").write_text(json.dumps(newer))
    (tmp_path / "empty").mkdir()
    out = tmp_path / "out.html"

    with pytest.raises(AutoMLConfigError, match="2 to 20 runs are compared, and 1 was"):
        compare_reports([whole], out)
    with pytest.raises(AutoMLConfigError, match=r"ends with '\.pdf'"):
        compare_reports([whole, whole], tmp_path / "out.pdf")
    for name, match in (
        ("empty", "holds no facts"), ("b.json", "or damaged"), ("c.json", "format 99"),
    ):  # fmt: skip
        with pytest.raises(AutoMLDataError, match=match):
            compare_reports([whole, tmp_path / name], out)
    assert not out.exists()
