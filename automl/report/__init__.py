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

from automl.facts.verdict import figure
from automl.report.charts import importance_chart, performance_charts
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

STYLES = ("style.css", "search.css")
"""Style sheets of every page."""

DOT_WIDTH = 120
"""Width of a row's picture of folds."""

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
    charts = {
        "performance": performance_charts(facts),
        "importance": importance_chart(facts),
        "search": search_part(facts),
    }
    code = code_to_repeat(facts["settings"])
    return page(
        TEMPLATE, _all_charts(charts), facts=facts, charts=charts, code=code, live=None
    )


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
    environment.filters |= {
        "figure": figure,
        "seconds": seconds,
        "percent": percent,
        "dots": dots,
    }
    scripts = [(home / "report.js").read_text("utf-8")]
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
    every = [*charts["performance"], *charts["search"]["all"]]
    if charts["importance"] is not None:
        every.append(charts["importance"])
    return every


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


def seconds(value: float | None) -> str:
    """Return a duration as people read it.

    Examples
    --------
    >>> seconds(0.0042), seconds(3.21), seconds(75), seconds(7330), seconds(None)
    ('4 ms', '3.2 s', '1 min 15 s', '2 h 2 min', '–')
    """
    if value is None:
        return "–"
    if value < 1:
        return f"{1000 * value:.0f} ms" if value >= 0.001 else f"{1000 * value:.2g} ms"
    if value < 60:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def percent(value: float | None) -> str:
    """Return a share; a dash where there is none.

    Examples
    --------
    >>> percent(0.0), percent(0.0004), percent(0.123), percent(0.9999), percent(None)
    ('0 %', '< 0.1 %', '12.3 %', '> 99.9 %', '–')
    """
    if value is None:
        return "–"
    if value in (0, 1):
        return f"{value:.0%}".replace("%", " %")
    if value < 0.001:
        return "< 0.1 %"
    return "> 99.9 %" if value > 0.999 else f"{100 * value:.1f} %"


def dots(row: Mapping[str, Any], axis: Sequence[float | None], sign: int) -> list[str]:
    """Return where the folds' dots of a row lie, the better the further right.

    A dot beyond the left end is ``out``; the template draws it hollow there.

    Examples
    --------
    >>> dots({"folds": [0.5, None, 0.9, 0.1]}, [0.4, 0.9], 1)
    ['27.6', '114', 'out']
    """
    low, high = axis
    if low is None or high is None:
        return []
    span = (high - low) or 1.0
    found = []
    for natural in row["folds"]:
        if natural is None:
            continue
        place = (sign * natural - low) / span
        x = min(6 + (DOT_WIDTH - 12) * place, DOT_WIDTH - 6)
        found.append("out" if place < -0.001 else f"{x:.3g}")
    return found


def code_to_repeat(settings: Mapping[str, Any]) -> str:
    """Return the Python that runs the same search again.

    Examples
    --------
    >>> print(code_to_repeat({"time_budget_s": 60, "metric": "auto", "cv": None}))
    from automl import AutoML
    <BLANKLINE>
    model = AutoML(
        time_budget_s=60,
        metric='auto',
    )
    model.fit(X, y)
    """
    given = [f"    {k}={v!r}," for k, v in settings.items() if v is not None]
    inside = "\n" + "\n".join(given) + "\n" if given else ""
    return f"from automl import AutoML\n\nmodel = AutoML({inside})\nmodel.fit(X, y)"
