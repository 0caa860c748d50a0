"""The report: one inert file, whole without a script, small whatever the data."""

import base64
import dataclasses
import hashlib
import html.parser
import itertools
import json
import re

import numpy as np
import pytest

from automl.exceptions import AutoMLConfigError
from automl.facts import build_facts
from automl.report import inert_json, render, write_report
from tests.report_kit import HOSTILE, record, with_many_trials, with_names

TASKS = ("binary", "multiclass", "regression")
LIMIT = 1_000_000


class Outline(html.parser.HTMLParser):
    """Collects what a page is made of."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.scripts, self.text = [], [], [], []
        self._script = None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        """Note an element and its attributes."""
        self.tags.append(tag)
        self.attributes += [(tag, k, v or "") for k, v in attrs]
        self._script = dict(attrs) if tag == "script" else None

    def handle_endtag(self, tag):
        """Note the end of a script."""
        if tag == "script":
            self._script = None

    def handle_data(self, data):
        """Note a text, or a script's."""
        if self._script is None:
            self.text.append(data)
        else:
            self.scripts.append((self._script.get("type"), data))


def page_of(run):
    """Return the page of a run."""
    return render(build_facts(run))


@pytest.fixture(scope="module", params=TASKS)
def page(request):
    """A page of each task."""
    return page_of(record(request.param))


def size_beside_plotly(page):
    """Return the page's bytes without its largest script."""
    return len(page.encode()) - max(len(s.encode()) for _, s in Outline(page).scripts)


def test_page_loads_nothing(page):
    """No attribute names an address outside of the page."""
    outline = Outline(page)

    loads = {"src", "href", "action", "data", "poster", "srcset"}
    named = {v for _, k, v in outline.attributes if k in loads}
    assert all(v.startswith("#") or v == "data:," for v in named)
    assert 1 == len([s for s in outline.scripts if len(s[1]) > LIMIT])


def test_policy_names_every_script_and_nothing_else(page):
    """The hashes are of the scripts as they stand; eval and inline are forbidden."""
    outline = Outline(page)
    policy = next(v for _, k, v in outline.attributes if k == "content" and "src" in v)

    hashes = re.findall(r"'sha256-([^']+)'", policy)
    expected = [
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for kind, text in outline.scripts
        if kind is None
    ]
    assert expected == hashes
    assert "unsafe-inline" not in policy.split("style-src")[0]
    assert "eval" not in policy
    assert policy.startswith("default-src 'none'")


def test_page_is_small(page):
    """Everything but the one chart script is far below the limit."""
    assert size_beside_plotly(page) < LIMIT / 3


def test_page_with_thousands_of_trials_is_below_the_limit():
    """The number of trials does not grow the page beyond a megabyte."""
    many = with_many_trials(record("binary"), 3_000)

    assert size_beside_plotly(page_of(many)) < LIMIT


def test_page_reads_without_a_script(page):
    """Verdict, leaderboard, tables and sentences stand in the markup."""
    text = " ".join(Outline(page).text)

    words = [
        "wins with a cross-validated", "Decision tree", "95 % interval", "patient_id",
        "Same as trial", "time_budget_s", "optimistic",
    ]  # fmt: skip
    assert [] == [w for w in words if w not in text]


def test_headings_and_landmarks_are_in_order(page):
    """One first heading, no level skipped on the way down, one main part."""
    tags = Outline(page).tags
    levels = [int(t[1]) for t in tags if re.fullmatch("h[1-6]", t)]

    assert 1 == levels.count(1)
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
    assert 1 == tags.count("main")
    assert tags.count("caption") == tags.count("table")


def test_every_chart_has_a_sentence(page):
    """A chart is an image with a name for those who do not see it."""
    outline = Outline(page)
    charts = [v for _, k, v in outline.attributes if k == "class" and v == "chart"]
    labels = [v for t, k, v in outline.attributes if t == "div" and k == "aria-label"]

    assert charts
    assert len([v for v in labels if v.count(". ")]) >= len(charts)


def test_figures_are_json_that_names_each_chart(page):
    """The script finds a figure for each box."""
    outline = Outline(page)
    data = next(text for kind, text in outline.scripts if kind == "application/json")
    figures = json.loads(data)

    ids = {v for t, k, v in outline.attributes if t == "div" and k == "id"}
    assert ids - {"explorer"} == set(figures)
    assert len(figures) <= 40


@pytest.mark.parametrize("task", TASKS)
def test_hostile_names_stay_text(task):
    """Names that look like markup, scripts or templates are shown as they are."""
    outline = Outline(page_of(with_names(record(task), HOSTILE)))
    text = " ".join(outline.text)

    assert "img" not in outline.tags
    clean = Outline(page_of(record(task)))
    assert clean.tags.count("script") == outline.tags.count("script")
    assert not [k for _, k, _ in outline.attributes if k.startswith("on")]
    assert HOSTILE[0] in text
    assert HOSTILE[2] in text
    assert "49" not in re.findall(r"\{?49\}?", " ".join(outline.text[:40]))


def test_hostile_labels_are_escaped_for_plotly():
    """Plotly reads some HTML in labels, so they reach it escaped."""
    page = page_of(with_names(record("binary"), HOSTILE))
    data = next(t for kind, t in Outline(page).scripts if kind == "application/json")

    assert "<" not in data
    ticks = json.loads(data)["importance"]["layout"]["yaxis"]["ticktext"]
    assert not [t for t in ticks if "<" in t]


def test_json_cannot_end_its_script():
    """Line separators and markup are written as escapes."""
    assert r'"\u003c/script\u003e\u2028"' == inert_json("</script>\u2028")


def test_same_facts_make_the_same_page():
    """Nothing but facts enters the page."""
    facts = build_facts(record("regression"))

    assert render(facts) == render(json.loads(json.dumps(facts)))


def test_report_is_written_whole_into_new_folders(tmp_path):
    """Missing folders are made and nothing half-written stays."""
    path = write_report(
        build_facts(record("binary")), tmp_path / "new" / "deep" / "report.html"
    )

    assert path.read_text("utf-8").startswith("<!DOCTYPE html>")
    assert [path] == list(path.parent.iterdir())


def test_folder_as_path_is_refused_with_a_hint(tmp_path):
    """The error says that a file was expected, and names one."""
    with pytest.raises(AutoMLConfigError, match=r"is a folder; .*report\.html"):
        write_report({}, tmp_path)


def test_run_with_little_to_tell_has_a_page():
    """Only the baseline, no predictions, no times: the page says what there is."""
    run = record("binary")
    bare = dataclasses.replace(
        run,
        trials=run.trials[:1],
        winner=0,
        importance=None,
        pipeline=None,
        predictions=lambda _: np.full((run.table.n_rows, 2), np.nan),
        timeline={},
        limits={},
        settings={},
        environment={},
        notes=(),
        interrupted=True,
    )

    text = " ".join(Outline(page_of(bare)).text)
    assert "No pipeline finished" in text
    assert "Interrupted." in text
