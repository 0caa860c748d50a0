"""A report as a page, as JSON, as Markdown, and in a notebook."""

import dataclasses
import html
import json
import os
import re
import stat
from pathlib import Path

import jsonschema
import pytest

from automl.exceptions import AutoMLConfigError
from automl.expectation import OWN
from automl.facts import build_facts
from automl.report import Report, write_report
from automl.report.words import markdown, plain
from automl.resources import folder
from tests.report_kit import (
    HOSTILE,
    record,
    with_all_parts,
    with_many_trials,
    with_names,
)

TASKS = ("binary", "regression")
SCHEMA = json.loads((folder("reports") / "report.schema.json").read_text("utf-8"))


@pytest.mark.parametrize("task", TASKS)
def test_json_holds_the_schema_that_is_documented(tmp_path, task):
    """What is written is what the facts are, and as its schema says."""
    facts = build_facts(with_names(record(task), HOSTILE))
    found = json.loads(write_report(facts, tmp_path / "r.json").read_text("utf-8"))

    assert facts == found
    jsonschema.Draft202012Validator(SCHEMA).validate(found)


def test_schema_describes_every_key_and_no_other():
    """A key that is new in the facts must be described, in the schema and the page."""
    facts = build_facts(record("binary"))
    page = (folder("reports").parent / "docs" / "report-schema.md").read_text("utf-8")

    assert {*facts, OWN} == set(SCHEMA["properties"])
    assert [] == [key for key in SCHEMA["properties"] if f"`{key}`" not in page]


def test_schema_notices_what_is_wrong():
    """It is no schema that lets everything pass."""
    facts = build_facts(record("regression"))
    validator = jsonschema.Draft202012Validator(SCHEMA)

    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for part in ("search", "metric", "leaderboard"):
        assert not validator.is_valid({k: v for k, v in facts.items() if k != part})
    assert not validator.is_valid({**facts, "format": 2})


def test_markdown_says_what_the_page_says():
    """Verdict, ranking, failures and settings, as tables of a pull request."""
    text = markdown(build_facts(record("binary")))

    assert text.startswith("# Predicting outcome\n")
    assert "**Linear model wins with a cross-validated ROC AUC" in text
    assert "| – | Baseline | 0 | 0.5000 |" in text
    assert "## What failed" in text
    assert "- time\\_budget_s" not in text
    assert "- time_budget_s: 60.0" in text
    widths = {
        len(re.findall(r"(?<!\\)\|", line))
        for line in text.split("## Leaderboard")[1].split("##")[0].splitlines()
        if line.startswith("|")
    }
    assert {8} == widths


@pytest.mark.parametrize("task", TASKS)
def test_hostile_names_are_no_markup_in_markdown(task):
    """Neither HTML nor a mention nor a cell's end comes out of a name."""
    names = (*HOSTILE, "a|b\n# c", "@everyone [x](y)")
    text = markdown(build_facts(with_names(record(task), names)))

    prose = re.sub(r"(?ms)^(```+)\w+$.*?^\1$", "", text)  # code shows it as it is
    bare = re.sub(r"\\.", "", prose)
    assert "<" not in bare
    assert "@" not in bare
    assert "](" not in bare
    assert not re.search(r"(?m)^# c", prose)


def test_markdown_tells_of_estimate_and_checks_where_there_are_some():
    """What other parts of the facts hold stands in the text."""
    check = {"code": "AML001", "title": "Overfit", "status": "warn", "columns": []}
    check |= {"evidence": "Train 1.0, test 0.6.", "action": "Regularise."}
    estimate = {"natural": 0.9, "low": 0.8, "high": 0.95, "text": "By bootstrap."}
    facts = build_facts(record("binary")) | {"estimate": estimate, "checks": [check]}
    text = markdown(facts)

    assert "0.9000 (0.8000 to 0.9500)." in text
    assert "| AML001 Overfit | warn | Train 1.0, test 0.6. | Regularise. |" in text


def test_markdown_has_what_the_page_has():
    """Advice, weak slices, skipped checks, the command and the versions."""
    facts = with_all_parts(build_facts(record("binary")))
    text = markdown(facts)

    assert all(
        f" {plain(sentence, 600)}" in text
        for _, sentence in facts["verdict"]["advice"][:6]
    )
    assert "## Where it is weak" in text
    assert "Not checked:\n\n- AML004 Check 4" in text
    assert "automl fit table.csv --target outcome --time-budget 60" in text
    assert "scikit-learn==1.9.1" in text


def test_markdown_has_no_budget_that_did_not_count():
    """A default of sixty seconds is none beside a number of trials."""
    run = record("binary")
    settings = {**run.settings, "n_trials": 5}
    timeline = {**run.timeline, "budget": None}
    facts = build_facts(dataclasses.replace(run, settings=settings, timeline=timeline))

    assert "time_budget_s" not in markdown(facts)


def test_no_name_ends_a_block_of_code():
    """A target of backticks stays inside the command."""
    name = "a\n````\n<img src=x>"
    run = record("binary")
    table = dataclasses.replace(run.table, target=name)
    text = markdown(build_facts(dataclasses.replace(run, table=table)))

    assert "<img" not in re.sub(r"(?ms)\\.|^(`````)\w+$.*?^\1$", "", text)


def test_markdown_is_short_whatever_the_number_of_trials():
    """A pull request is no place for thousands of rows."""
    many = with_many_trials(record("binary"), 2_000)

    assert len(markdown(build_facts(many))) < 10_000


@pytest.mark.parametrize("name", ["r.pdf", "report", "r.csv"])
def test_other_suffixes_are_refused(tmp_path, name):
    """The error names those that there are, and a path that would do."""
    with pytest.raises(AutoMLConfigError, match=r"one of \.html, \.htm, \.json, \.md"):
        write_report({}, tmp_path / name)
    assert [] == list(tmp_path.iterdir())


def test_report_is_a_path(tmp_path):
    """It is used as any path is."""
    path = write_report(build_facts(record("regression")), tmp_path / "r.html")

    assert isinstance(path, Path)
    assert Path(str(path)) == path == tmp_path / "r.html"
    assert [path] == list(path.parent.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_report_is_its_owners_until_others_may_read_it(tmp_path):
    """A report that is renewed keeps whoever was let read it."""
    facts = build_facts(record("regression"))
    path = write_report(facts, tmp_path / "r.md")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    path.write_text("earlier")
    write_report(facts, path)
    assert path.read_text("utf-8").startswith("# Predicting")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_notebook_shows_the_page_in_a_frame_of_its_own(tmp_path):
    """The frame holds the whole page, may run its scripts, and nothing else."""
    path = write_report(build_facts(record("regression")), tmp_path / "r.html")
    frame = path._repr_html_()

    assert frame.startswith('<iframe sandbox="allow-scripts" ')
    page = re.search(r'srcdoc="([^"]*)"', frame)[1]
    assert path.read_text("utf-8") == html.unescape(page)
    assert 1 == frame.count("<") - frame.count("</")
    assert None is Report(tmp_path)._repr_html_()
    assert None is Report(tmp_path / "gone.html")._repr_html_()
    twin = write_report(build_facts(record("regression")), tmp_path / "r.md")
    assert None is twin._repr_html_()
