"""Parts of the report: what each says, and that none needs the others."""

import dataclasses
import json
import re

import numpy as np
import pandas as pd
import pytest

from automl.facts import build_facts
from automl.facts.verdict import figure
from automl.folds import make_folds
from automl.report import render
from automl.report.explanation_charts import dependence_charts, importance_chart
from automl.report.glossary import glossary
from automl.report.reproduce import settings_toml
from automl.table import make_table
from tests.report_kit import HOSTILE, record, with_all_parts, with_names

NEW = (
    "estimate", "checks", "weak_slices", "comparison", "explanation", "data", "script",
    "repeat",
)  # fmt: skip
"""Keys that facts of an earlier version do not have."""


def text_of(page):
    """Return what a reader sees, roughly: tags and scripts left out."""
    page = re.sub(r"<(script|style)[\s\S]*?</\1>", " ", page)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_facts_of_an_earlier_version_have_a_page(task):
    """Without the new keys, or with None for them, the rest is there."""
    facts = build_facts(record(task))
    older = {k: v for k, v in facts.items() if k not in NEW}
    for key in ("thresholds", "gains", "one_vs_rest", "by_actual", "normal"):
        older["performance"] = {
            k: v for k, v in older["performance"].items() if k != key
        }
    empty = facts | dict.fromkeys(NEW)

    for page in (render(older), render(empty)):
        assert "wins with a cross-validated" in page
        assert 'id="checks"' not in page
        assert 'id="explorer"' not in page or page.count('"tp":') == 1


def test_estimate_is_the_headline_and_the_selection_score_is_named_so():
    """What to expect stands before what chose the winner."""
    text = text_of(render(with_all_parts(build_facts(record("binary")))))

    expected = text.index("Expected ROC AUC on new rows")
    assert expected < text.index("Selection score (optimistic)")
    assert "95 % interval 0.8700 to 0.9300" in text
    assert "Too few rows to conclude." in text


def test_checks_say_status_in_words_and_can_be_linked():
    """Symbol and word beside the colour; the code is the anchor; lights add up."""
    page = render(with_all_parts(build_facts(record("binary"))))
    text = text_of(page)

    for word in ("failed", "warning", "note", "passed", "skipped"):
        assert word in text
    assert 'id="check-AML000"' in page
    assert 'href="#check-AML000"' in page
    assert "and 4 more" in text  # columns beyond eight


def test_weak_slices_mark_what_is_beyond_chance():
    """One of three is."""
    text = text_of(render(with_all_parts(build_facts(record("regression")))))

    assert 1 == text.count("▲ yes")
    assert "A few look weak by chance." in text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_texts_of_other_parts_stay_text(hostile):
    """Whatever a check or a slice is called, no element comes of it."""
    facts = build_facts(with_names(record("binary"), HOSTILE))
    plain = render(with_all_parts(facts))
    page = render(with_all_parts(facts, hostile))

    for tag in ("<script", "<img", "<b>"):
        assert plain.count(tag) == page.count(tag)


def test_badges_name_the_fastest():
    """Exactly one row of the leaderboard predicts in the least time."""
    assert 1 == render(build_facts(record("binary"))).count(">fastest<")


def test_page_says_whether_predictions_are_out_of_fold():
    """With one fold it is a holdout."""
    facts = build_facts(record("binary"))
    single = facts | {"run": facts["run"] | {"n_folds": 1}}

    assert "From out-of-fold predictions" in text_of(render(facts))
    assert "From a holdout" in text_of(render(single))


def test_header_names_seed_version_and_data():
    """What tells one run from another stands on top."""
    facts = build_facts(record("binary"))
    facts["settings"]["random_state"] = 4321
    facts["environment"]["automl-pipelines"] = "9.8.7"
    head = text_of(render(facts).partition("<nav")[0])

    for word in ("4321", "9.8.7", facts["run"]["fingerprint"][:12], "ROC AUC ↑"):
        assert word in head


def test_glossary_begins_with_the_metric_and_fits_the_task():
    """A regression has no threshold."""
    words = dict(glossary(build_facts(record("regression"))))

    assert "RMSE" == next(iter(words))
    assert "lower is better" in words["RMSE"]
    assert "Threshold" not in words


def test_more_classes_have_no_threshold_and_no_positive_rows():
    """The likeliest class is predicted: words of two classes would mislead."""
    words = dict(glossary(build_facts(record("multiclass"))))

    assert "Threshold" not in words
    assert "positive" not in words["Precision"] + words["Recall"] + words["Calibration"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("roc_auc_ovr", "mean over all classes"), ("roc_auc_ovo", "pairs of classes"),
        ("precision", "predicted as a class"), ("recall_macro", "rare ones count"),
        ("f1_weighted", "weighted by their rows"), ("my_own", "of your own"),
        ("maelstrom", "of your own"),
    ],
)  # fmt: skip
def test_glossary_knows_what_a_metric_says(name, said):
    """Each name has its own meaning, and none has that of a name it begins like."""
    facts = build_facts(record("multiclass"))
    facts["metric"] = {**facts["metric"], "name": name, "label": name}

    assert said in dict(glossary(facts))[name]


def test_settings_are_toml_that_reads_back():
    """Whatever the values are called."""
    import tomllib

    given = {"a": 1, "time_budget_s": 60.0, "on": True, "who": HOSTILE[1], "l": ["x"]}

    assert tomllib.loads(settings_toml(given | {"none": None}))["automl"] == given


def test_decisions_reach_the_page_as_data():
    """The explorer reads counts of at most 200 thresholds."""
    page = render(build_facts(record("binary")))
    data = re.search(r'id="decisions">(.*?)</script>', page)[1]
    found = json.loads(data)

    assert len(found["at"]) == len(found["tp"]) == len(found["fp"]) <= 200
    assert re.search(
        r'id="decisions">null</script>', render(build_facts(record("regression")))
    )


@pytest.mark.slow
def test_ten_rows_and_two_thousand_columns_of_long_names_fit_the_limit():
    """Names are cut and counted: whatever the width, the page stays small."""
    run = record("binary")
    rng = np.random.default_rng(0)
    names = [f"{i} " + "n" * 200 for i in range(2_000)]
    table = make_table(pd.DataFrame(rng.random((10, 2_000)), columns=names), [0, 1] * 5)
    folds = make_folds(
        table.y, cv=5, stratify=False, groups=None, time=None, random_state=0
    )
    wide = dataclasses.replace(
        run, table=table, folds=folds, explanation=None, importance=None,
        predictions=lambda _: np.tile([0.4, 0.6], (10, 1)),
    )  # fmt: skip
    facts = build_facts(wide)
    page = render(facts)
    largest = max(re.findall(r"<script>.*?</script>", page, re.DOTALL), key=len)

    assert len(page.encode()) - len(largest.encode()) < 1_000_000
    assert "1,700 more columns" in page
    assert facts["data"]["kinds"] == [["number", 2_000, 2_000]]


def test_charts_say_what_was_measured():
    """Shuffling is not leaving out, and a curve's ends are no direction."""
    facts = build_facts(record("regression"))
    cost = figure(facts["importance"]["rows"][0][1])

    assert f"shuffling it costs {cost} of" in importance_chart(facts)["sentence"]
    assert " lies between " in dependence_charts(facts)[0]["sentence"]
