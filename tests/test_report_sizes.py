"""Reports of very small and very large runs, in a real browser."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from automl import AutoML
from tests.browser_kit import BROWSER, IN_BROWSER, browser_page
from tests.test_report import size_beside_plotly

pytestmark = IN_BROWSER

MIB = 2**20

SHAPES = {
    "ten rows": (10, 3, {"n_trials": 2}),
    "half a million rows": (500_000, 6, {"time_budget_s": 15}),
    "wide": (150, 2000, {"n_trials": 2}),
}
"""Rows, columns and what the search may take."""


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    """A tab of a new browser."""
    with browser_page(BROWSER, tmp_path_factory.mktemp("profile")) as page:
        yield page


def table(n_rows, n_columns):
    """Return numbers, a category and gaps, and what depends on two of the columns."""
    rng = np.random.default_rng(0)
    names = [f"measurement {i}" for i in range(n_columns)]
    X = pd.DataFrame(rng.normal(size=(n_rows, n_columns)), columns=names)
    X["measurement 1"] = pd.cut(X["measurement 1"], 3, labels=["low", "mid", "high"])
    X.loc[X.index[:: max(2, n_rows // 50)], "measurement 2"] = np.nan
    signal = X["measurement 0"] + rng.normal(size=n_rows)
    return X, np.where(signal > signal.median(), "yes", "no")


@pytest.fixture(scope="module", params=SHAPES)
def report(request, tmp_path_factory):
    """The page of a real run of that shape."""
    n_rows, n_columns, budget = SHAPES[request.param]
    X, y = table(n_rows, n_columns)
    model = AutoML(
        **budget, candidates=["lightgbm", "logistic"], random_state=0, n_jobs=1,
        verbose=0,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("report")
    return model.fit(X, y).report(folder / "report.html")


@pytest.mark.parametrize("width", [400, 1280])
def test_a_page_of_any_size_is_silent_and_fits(tab, report, width):
    """All charts are drawn, nothing is refused, loaded, or wider than the screen."""
    tab.open(report, width=width, dark=False)

    assert tab.run("document.querySelectorAll('.chart').length") == tab.draw_all()
    assert tab.complaints() == []
    assert tab.requests() == [report.as_uri()]
    assert tab.run("document.documentElement.scrollWidth") <= width


def test_a_page_of_any_size_can_be_sent(report):
    """Beside the script that draws the charts it takes a mebibyte at most."""
    assert size_beside_plotly(report.read_text("utf-8")) < MIB
