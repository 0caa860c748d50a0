"""The report in a browser: silent, alone, drawn, and as wide as the screen."""

import pytest

from automl.facts import build_facts
from automl.report import write_report
from tests.browser_kit import browser_page, find_browser
from tests.report_kit import HOSTILE, record, with_names

BROWSER = find_browser()
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(BROWSER is None, reason="no Chromium on the path"),
]


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    """A tab of a new browser."""
    with browser_page(BROWSER, tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """A report of each task, and one of hostile names."""
    home = tmp_path_factory.mktemp("reports")
    runs = {t: record(t) for t in ("binary", "multiclass", "regression")}
    runs["hostile"] = with_names(runs["binary"], HOSTILE)
    return {
        k: write_report(build_facts(r), home / f"{k}.html") for k, r in runs.items()
    }


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("name", ["binary", "multiclass", "regression", "hostile"])
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
