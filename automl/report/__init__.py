"""Facts to a report: one HTML file that needs no network, and its twins.

The page needs no server and, to be read, no script; JSON is for programs, Markdown for
terminals and pull requests.

The page forbids itself everything but its own inline scripts, named by their hashes.
All texts are escaped by the templates; facts reach the script as data, never as code.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from automl.report.charts import performance_charts
from automl.report.comparison_charts import comparison_charts
from automl.report.data_charts import data_charts
from automl.report.explanation_charts import (
    dependence_charts,
    importance_chart,
    shap_charts,
)
from automl.report.filters import FILTERS
from automl.report.glossary import glossary
from automl.report.reproduce import code_of
from automl.report.search_charts import search_part
from automl.report.words import markdown
from automl.report.writing import (
    SUFFIXES,
    Report,
    checked_path,
    json_text,
    write_text,
)
from automl.resources import folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = [
    "Press",
    "Report",
    "make_press",
    "page",
    "render",
    "write_report",
]

TEMPLATE = "report.html.jinja"

SCRIPTS = ("report.js", "tables.js", "explore.js")
"""Our own scripts, in the order of the page."""

MAX_CHARTS = 40
"""Charts of a page; single hyperparameters give way first."""

STYLES = ("style.css", "search.css")
"""Style sheets of every page."""

INERT = {
    ord("<"): "\\u003c",
    ord(">"): "\\u003e",
    ord("&"): "\\u0026",
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}
"""Characters that could end a script or be read as markup within one."""


def render(facts: Mapping[str, Any]) -> str:
    """Return the report as one HTML page.

    Parameters
    ----------
    facts : dict
        As `automl.facts.build_facts` returns; nothing else is needed.
    """
    charts = _charts(facts)
    return page(
        TEMPLATE,
        _all_charts(charts),
        facts=facts,
        charts=charts,
        code=code_of(facts),
        words=glossary(facts),
        decisions=decisions(facts),
        live=None,
    )


def decisions(facts: Mapping[str, Any]) -> Any:
    """Return what the threshold's slider reads, as escaped markup."""
    from markupsafe import Markup

    found = facts["performance"].get("thresholds")
    return Markup(inert_json(found))  # noqa: S704 - escaped


def _charts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the charts of each part; no more than a page bears."""
    importance = importance_chart(facts)
    shap, by_value = shap_charts(facts)
    groups = {
        "comparison": comparison_charts(facts),
        "performance": performance_charts(facts),
        "importance": [] if importance is None else [importance],
        "dependence": dependence_charts(facts),
        "shap": shap,
        "shap_by_value": by_value,
        "data": data_charts(facts),
    }
    room = MAX_CHARTS - sum(map(len, groups.values()))
    return {**groups, "search": search_part(facts, room)}


@dataclass(frozen=True)
class Press:
    """What pages are made with: to prepare it takes as long as to make a page.

    Attributes
    ----------
    scripts : tuple of str
        As they stand in a page.
    policy : str
        With their hashes: lets them run, and nothing else.
    style : str
        Of all pages.
    environment : jinja2.Environment
        Keeps the templates that were used.
    """

    scripts: tuple[str, ...]
    policy: str
    style: str
    environment: Any


def make_press(*, charts: bool) -> Press:
    """Return what pages are made with; with Plotly's script if there are charts."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    home = folder("reports")
    environment = Environment(
        loader=FileSystemLoader(home),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS
    scripts = [(home / name).read_text("utf-8") for name in SCRIPTS]
    if charts:
        scripts.insert(0, _plotly())
    scripts = [_newlines(s) for s in scripts]
    style = "".join((home / name).read_text("utf-8") for name in STYLES)
    return Press(tuple(scripts), content_policy(scripts), style, environment)


def page(
    template: str,
    drawn: Sequence[Mapping[str, Any]],
    press: Press | None = None,
    **values: Any,
) -> str:
    """Return a page of ours, whole in itself.

    Parameters
    ----------
    template : str
        Name of a file in ``reports/``.
    drawn : sequence of dict
        Every chart of the page, as `automl.report.plots.chart` returns it.
    press : Press, default=None
        As `make_press` returns it, where several pages share one.
    **values : object
        What the template names.
    """
    from markupsafe import Markup

    figures = {c["id"]: c["figure"] for c in drawn}
    press = press or make_press(charts=bool(figures))
    text = press.environment.get_template(template).render(
        policy=press.policy,
        style=Markup(press.style),  # noqa: S704 - our own
        scripts=[Markup(s) for s in press.scripts],  # noqa: S704 - ours, plotly's
        data=Markup(inert_json(figures)),  # noqa: S704 - escaped
        **values,
    )
    return f"{text}\n"


def write_report(facts: Mapping[str, Any], path: str | Path) -> Report:
    """Write the report, all of it or nothing.

    Parameters
    ----------
    facts : dict
        As `automl.facts.build_facts` returns.
    path : str or Path
        File to write: ``.html`` the page, ``.json`` the facts, ``.md`` Markdown.
        Folders above it are made.

    Returns
    -------
    Report
        The file's path, which a notebook shows as the page.

    Raises
    ------
    AutoMLConfigError
        If ``path`` is a folder or has another suffix (``E-report-path``).
    AutoMLResourceError
        If the disk refuses (``E-disk``); an earlier report is then as it was.
    """
    target = checked_path(path)
    kind = SUFFIXES[target.suffix.lower()]
    if kind == "json":
        text = json_text(facts)
    else:
        text = markdown(facts) if kind == "md" else render(facts)
    return write_text(text, target)


def _all_charts(charts: Mapping[str, Any]) -> list[dict[str, Any]]:
    groups = [group for key, group in charts.items() if key != "search"]
    return [*(c for group in groups for c in group), *charts["search"]["all"]]


def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


def _newlines(script: str) -> str:
    """Return a script as a browser reads it, for hashes are of what is read."""
    return script.replace("\r\n", "\n").replace("\r", "\n")


def content_policy(scripts: Sequence[str]) -> str:
    """Return the policy under which only these scripts run, and nothing is loaded.

    Examples
    --------
    >>> content_policy(["1"]).split("; ")[1]
    "script-src 'sha256-a4ayc/80/OGda4BO/1o/V0etpOqiLx1JwB5S3beHW0s='"
    """
    hashes = [
        base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts
    ]
    return "; ".join(
        [
            "default-src 'none'",
            "script-src " + " ".join(f"'sha256-{h}'" for h in hashes),
            "style-src 'unsafe-inline'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def inert_json(value: Any) -> str:
    r"""Return JSON that can stand inside a script element, whatever it holds.

    Examples
    --------
    >>> inert_json({"a": "</script>"})
    '{"a":"\\u003c/script\\u003e"}'
    """
    text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return text.translate(INERT)
