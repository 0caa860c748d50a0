"""The report in a browser: silent, alone, drawn, and as wide as the screen."""

import re
import time

import pytest

from automl.facts import build_facts
from automl.live import live_facts, render_live
from automl.report import write_report
from tests.browser_kit import BROWSER, IN_BROWSER, browser_page, fetch_axe
from tests.report_kit import (
    HOSTILE,
    other_pages,
    record,
    with_all_parts,
    with_candidates,
    with_many_trials,
    with_names,
)
from tests.test_live import events

pytestmark = IN_BROWSER


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    """A tab of a new browser."""
    with browser_page(BROWSER, tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """A report of each task, of hostile names and of many trials and candidates."""
    home = tmp_path_factory.mktemp("reports")
    runs = {t: record(t) for t in ("binary", "multiclass", "regression")}
    runs["hostile"] = with_names(runs["binary"], HOSTILE)
    runs["many"] = with_many_trials(runs["binary"], 500)
    runs["wide"] = with_candidates(with_many_trials(runs["regression"], 500), 60)
    texts = {"hostile": HOSTILE[0] + HOSTILE[4]}
    facts = {k: build_facts(r) for k, r in runs.items()}
    facts = {
        k: f if k in ("many", "wide") else with_all_parts(f, texts.get(k, "ordinary"))
        for k, f in facts.items()
    }
    pages = {k: write_report(f, home / f"{k}.html") for k, f in facts.items()}
    return pages | other_pages(home, facts, events(target=HOSTILE[0]))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize(
    "name",
    [
        "binary",
        "multiclass",
        "regression",
        "hostile",
        "many",
        "wide",
        "compare",
        "live",
    ],
)
def test_page_is_silent_alone_and_fits(tab, reports, name, width, dark):
    """All charts are drawn; nothing is refused, loaded, or wider than the screen."""
    tab.open(reports[name], width=width, dark=dark)

    charts = tab.run("document.querySelectorAll('.chart').length")
    assert charts == tab.draw_all()
    assert [] == tab.complaints()
    assert [reports[name].as_uri()] == tab.requests()
    assert tab.run("document.documentElement.scrollWidth") <= width


def test_leaderboard_sorts_and_says_so(tab, reports):
    """A press on a head sorts by it, a second one the other way."""
    tab.open(reports["binary"])
    press = "document.querySelectorAll('#board th button')[2].click();"
    top = "document.querySelector('#board tbody tr').cells[2].dataset.v"
    tab.run(press)
    lowest = float(tab.run(top))
    tab.run(press)

    assert lowest < float(tab.run(top))
    assert "descending" == tab.run(
        "document.querySelector('#board th[aria-sort]').getAttribute('aria-sort')"
    )


def test_button_turns_the_page_dark_with_its_charts(tab, reports):
    """The charts' text takes the colour of the page's."""
    tab.open(reports["regression"])
    tab.draw_all()
    colour = "getComputedStyle(document.querySelector('.chart text')).fill"
    before = tab.run(colour)
    tab.run("document.getElementById('theme').click()")

    assert before != tab.run(colour)
    assert "true" == tab.run(
        "document.getElementById('theme').getAttribute('aria-pressed')"
    )


def test_print_opens_what_is_closed_and_puts_it_back(tab, reports):
    """Paper has no button to press."""
    tab.open(reports["binary"])
    tab.run("dispatchEvent(new Event('beforeprint'))")
    shut = "document.querySelectorAll('td details:not([open])').length"
    assert 0 == tab.run(shut)
    tab.run("dispatchEvent(new Event('afterprint'))")

    assert tab.run(shut) > 0
    assert [] == tab.complaints()


def test_page_reads_with_scripts_off(tab, reports):
    """Without a script nothing is empty: the charts' boxes are gone."""
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        tab.open(reports["binary"])
        root = tab.call("DOM.getDocument", depth=1)["root"]["nodeId"]
        text = tab.call("DOM.getOuterHTML", nodeId=root)["outerHTML"]
    finally:
        tab.call("Emulation.setScriptExecutionDisabled", value=False)

    assert "wins with a cross-validated" in text
    assert 'class="chart js-plotly-plot"' not in text


KEEP = """Object.defineProperty(navigator, "clipboard", { value: {
  writeText: (text) => { window.kept = text; return Promise.resolve(); } } });"""
"""In place of a clipboard, which a headless browser shares with the machine."""


def test_filter_hides_rows_and_says_how_many(tab, reports):
    """Words have to be in a row, in any order; without a word all are back."""
    tab.open(reports["binary"])
    tab.run("document.querySelector('[data-table=board] .filter').focus()")
    tab.call("Input.insertText", text="trial decision")
    rows = "[...document.querySelectorAll('#board tbody tr')]"
    shown = tab.run(f"{rows}.filter(r => !r.hidden).map(r => r.textContent)")

    assert shown
    assert all("Decision tree" in text for text in shown)
    assert tab.run(
        "document.querySelector('[data-table=board] .shown').textContent"
    ).startswith(f"{len(shown)} of ")
    tab.run(
        """const box = document.querySelector('[data-table=board] .filter');
        box.value = ""; box.dispatchEvent(new Event("input"));"""
    )
    assert tab.run(f"{rows}.every(r => !r.hidden)")


def test_columns_can_be_put_away_and_stay_out_of_copies(tab, reports):
    """A box less is a column less, on the page and in what is copied."""
    tab.open(reports["binary"])
    tab.run(KEEP)
    tab.run("document.querySelector('.chooser').open = true")
    tab.click('[data-table=board] [data-column="6"]')
    tab.click('[data-table=board] [data-as="csv"]')
    lines = tab.run("window.kept").splitlines()

    assert tab.run("document.querySelector('#board thead th:nth-child(7)').hidden")
    assert lines[0].startswith("Rank,Pipeline,ROC AUC")
    assert "Fit" not in lines[0]
    place = lines[0].split(",").index("Folds")
    scores = lines[1].split(",")[place].split()
    assert len(scores) == len(record("binary").folds)
    assert all(0 < float(score) < 1 for score in scores)
    assert len(lines) == 1 + tab.run(
        "document.querySelectorAll('#board tbody tr').length"
    )


def test_copies_of_hostile_names_are_one_cell_each(tab, reports):
    """Quotes, pipes and formulas of names do no harm in a sheet or in Markdown."""
    import csv

    tab.open(reports["hostile"])
    tab.run(KEEP)
    tab.click('[data-table=columns-table] [data-as="csv"]')
    rows = list(csv.reader(tab.run("window.kept").splitlines()))
    tab.click('[data-table=columns-table] [data-as="markdown"]')
    lines = tab.run("window.kept").splitlines()

    assert 1 == len({len(r) for r in rows})
    formula = re.compile(r"[=+@]|-(?![\d.e-]+$)")
    assert not [c for r in rows for c in r if formula.match(c)]
    assert "<" not in "".join(lines)
    assert set(lines[1]) == set("| -")


@pytest.mark.parametrize("clipboard", [True, False], ids=["clipboard", "without"])
def test_code_is_copied_by_the_keyboard(tab, reports, clipboard):
    """Enter on a button copies; without leave for the clipboard, the old way does."""
    tab.open(reports["binary"])
    tab.run(
        KEEP
        if clipboard
        else """Object.defineProperty(navigator, "clipboard", { value: undefined });
        document.addEventListener("copy", () => {
          const area = document.activeElement;
          window.kept = area.value;
        });"""
    )
    tab.run("document.querySelector('[data-copy=python]').focus()")
    tab.press("Enter", text="\r")
    tab.run("new Promise((done) => setTimeout(done, 100))")

    assert tab.run("window.kept").startswith("from automl import AutoML")
    assert "Text copied." == tab.run("document.getElementById('said').textContent")
    assert "python" == tab.run("document.activeElement.dataset.copy")


def test_threshold_moves_by_keyboard_with_all_figures(tab, reports):
    """One key to the right is the next threshold; counts always add up to the rows."""
    tab.open(reports["binary"])
    read = (
        "['tp', 'fp', 'fn', 'tn'].map(i => "
        "Number(document.getElementById(i).textContent.replaceAll(',', '')))"
    )
    at = "Number(document.getElementById('threshold-at').textContent)"
    before, first = tab.run(at), tab.run(read)
    tab.run("document.getElementById('threshold').focus()")
    for _ in range(40):
        tab.press("ArrowRight")
    after, later = tab.run(at), tab.run(read)

    assert before == 0.5 < after
    assert sum(first) == sum(later) == len(record("binary").table.y)
    assert later[0] <= first[0]
    assert later != first
    assert tab.run(
        "document.getElementById('threshold').getAttribute('aria-valuetext')"
    ).startswith("probability 0.")


def test_the_command_has_the_threshold_of_the_slider(tab, reports):
    """What is chosen on the page can be typed; the model's own is one click away."""
    tab.open(reports["binary"])
    at = "document.getElementById('threshold-at').textContent"
    use = "document.getElementById('threshold-use').textContent"
    own = tab.run(at)
    assert tab.run(use) == own
    tab.click("#best-f1")
    assert tab.run(use) == tab.run(at) != own
    tab.click("#own")
    assert tab.run(at) == own


def test_cheapest_threshold_follows_the_costs(tab, reports):
    """Where a miss costs much, the cheapest threshold is low; else it is high."""
    tab.open(reports["binary"])
    cost = "Number(document.getElementById('out-cost').textContent.replaceAll(',', ''))"
    at = "Number(document.getElementById('threshold-at').textContent)"
    found = []
    for miss in (100, 0.01):
        tab.run(
            f"""{{ const box = document.getElementById("cost-fn");
            box.value = {miss}; box.dispatchEvent(new Event("input")); }}"""
        )
        paid = tab.run(cost)
        tab.click("#cheapest")
        assert tab.run(cost) <= paid
        found.append(tab.run(at))

    assert found[0] < found[1]


def test_matrix_switches_between_counts_and_shares(tab, reports):
    """Shares of a column add up to one, and pressing back restores the page."""
    tab.open(reports["multiclass"])
    cells = "[...document.querySelectorAll('#matrix td')].map(c => c.textContent)"
    before = tab.run(cells)
    tab.click('[data-show="column"]')
    shares = [float(t.split()[0]) for t in tab.run(cells)]
    n = round(len(shares) ** 0.5)
    tab.click('[data-show="both"]')

    assert sum(shares[::n]) == pytest.approx(100, abs=0.6)
    assert before == tab.run(cells)


@pytest.fixture(scope="module")
def axe(tmp_path_factory):
    """The rules of axe-core, fetched for this run."""
    script = fetch_axe(tmp_path_factory.mktemp("axe"))
    if script is None:  # npm, or its registry, is not there: the other tests run
        pytest.skip("axe-core could not be fetched")
    return script


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["binary", "regression", "hostile"])
def test_axe_finds_no_violation(tab, reports, axe, name, dark):
    """Landmarks, labels, order of headings and contrast, by WCAG 2.2 AA and more."""
    tab.open(reports[name], dark=dark)
    tab.draw_all()
    tab.run(axe + ";0")
    found = tab.run(
        """axe.run(document, { resultTypes: ["violations"] }).then((r) =>
          r.violations.map((v) => [v.id, v.nodes.length, v.nodes[0].html.slice(0, 200),
            v.nodes[0].failureSummary.slice(0, 200)]))"""
    )

    assert [] == found


def test_page_prints_on_white_with_all_that_is_closed(tab, reports):
    """The PDF has text of every section, and no button."""
    tab.open(reports["binary"], dark=True)
    tab.draw_all()
    made = tab.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
    size = len(made["data"]) * 3 // 4
    tab.call("Emulation.setEmulatedMedia", media="print")
    hidden = tab.run(
        """[...document.querySelectorAll(".tools, .copy, #explorer, nav")].every(
          (item) => getComputedStyle(item).display === "none")"""
    )
    paper = tab.run("getComputedStyle(document.body).backgroundColor")
    tab.call("Emulation.setEmulatedMedia", media="")

    assert 100_000 < size < 3_000_000
    assert hidden
    assert paper == "rgb(255, 255, 255)"


def test_course_switches_by_keyboard(tab, reports):
    """The arrow key goes from time to configurations; one chart shows at a time."""
    tab.open(reports["binary"])
    tab.draw_all()
    seen = """[...document.querySelectorAll('.pane')]
        .map((p) => getComputedStyle(p).visibility)"""
    assert ["visible", "hidden"] == tab.run(seen)
    tab.run("document.querySelector('[value=seconds]').focus()")
    tab.press("ArrowRight")

    assert ["hidden", "visible"] == tab.run(seen)
    assert [] == tab.complaints()


def test_lines_of_the_worse_can_be_left_out(tab, reports):
    """The switch of the parallel axes shows the best tenth alone, and all again."""
    tab.open(reports["many"])
    tab.draw_all()
    shown = """[...document.querySelectorAll('#parallel-0 .scatterlayer .trace')]
        .map((t) => getComputedStyle(t).display !== 'none')"""
    assert [True] * 4 == tab.run(shown)
    tab.run("document.querySelector('[name=parallel-0-lines]').focus()")
    tab.press("ArrowLeft")  # from the first to the last

    assert [False, False, True, True] == tab.run(shown)
    tab.run("document.getElementById('theme').click()")  # drawn anew
    assert [False, False, True, True] == tab.run(shown)


def test_both_courses_are_on_paper(tab, reports):
    """Paper has no switch: nothing is hidden."""
    tab.open(reports["binary"])
    tab.draw_all()
    tab.call("Emulation.setEmulatedMedia", media="print")
    try:
        hidden = """[...document.querySelectorAll('.pane')]
            .filter((p) => getComputedStyle(p).visibility === 'hidden').length"""
        assert 0 == tab.run(hidden)
    finally:
        tab.call("Emulation.setEmulatedMedia", media="")


def test_two_reports_in_a_notebook_do_not_meet(tab, reports, tmp_path):
    """Each is drawn in its frame, which may run its scripts and nothing else."""
    frames = [reports[name]._repr_html_() for name in ("binary", "regression")]
    page = tmp_path / "notebook.html"
    page.write_text("<!DOCTYPE html><title>n</title>" + "".join(frames), "utf-8")
    tab.open(page, width=1280)
    time.sleep(1.5)

    assert 2 == tab.run("document.querySelectorAll('iframe[sandbox]').length")
    assert [] == tab.complaints()
    asked = [a for a in tab.requests() if not a.startswith("about:")]
    assert [page.as_uri()] == asked


def test_page_of_a_running_search_loads_itself_again(tab, tmp_path):
    """What is written under its name meanwhile is shown, without a press."""
    path, facts = tmp_path / "live.html", live_facts(events()[:20], {})
    path.write_text(render_live(facts, refresh_s=1.0), "utf-8")
    tab.open(path)
    over = render_live(live_facts(events(), {}), refresh_s=None, report="report.html")
    path.write_text(over, "utf-8")
    ends = time.monotonic() + 20
    text = "document.body ? document.body.textContent : ''"
    while "The search is over" not in tab.run(text) and time.monotonic() < ends:
        time.sleep(0.2)

    assert "Open the report" in tab.run(text)
