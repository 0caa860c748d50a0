"""The parts that every chart is made of: Plotly's JSON as plain dicts.

Colours are names of CSS variables with a dollar before them, filled in by the page's
script, so that a chart follows the page from light to dark. Texts of the user go
through `label`: Plotly reads some HTML in them.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from automl.facts.compact import shorten
from automl.facts.verdict import figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["SERIES", "SYMBOLS", "axis", "chart", "label", "layout", "line", "markers"]

SERIES = tuple(f"$s{i}" for i in range(1, 9))
"""Colours of series, told apart by colour-blind people (Okabe and Ito, 2008)."""

SYMBOLS = (
    "circle", "square", "diamond", "triangle-up", "cross", "x", "star", "pentagon",
)  # fmt: skip
"""Shapes of series: colour alone never tells."""

LABEL = 28
"""Characters of a label in a chart."""


def label(text: Any, length: int = LABEL) -> str:
    """Return a user's text that Plotly shows as it stands, shortened.

    Examples
    --------
    >>> label("<b>bold</b>")
    '&lt;b&gt;bold&lt;/b&gt;'
    """
    return html.escape(shorten(str(text), length), quote=False)


def axis(title: str, **more: Any) -> dict[str, Any]:
    """Return an axis."""
    named = {"title": {"text": title, "standoff": 8}} if title else {}
    return {
        **named,
        "tickangle": 0,
        "gridcolor": "$grid",
        "linecolor": "$line",
        "zerolinecolor": "$grid",
        "automargin": True,
        "fixedrange": True,
        **more,
    }


def layout(x: dict[str, Any], y: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a layout of two axes."""
    return {
        "xaxis": x,
        "yaxis": y,
        "height": 360,
        "margin": {"l": 56, "r": 16, "t": 16, "b": 48},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": "$ink", "size": 12},
        "hoverlabel": {
            "bgcolor": "$card",
            "bordercolor": "$line",
            "font": {"color": "$ink"},
        },
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "showlegend": False,
        "dragmode": False,
        **more,
    }


def line(x: Any, y: Any, color: str, **more: Any) -> dict[str, Any]:
    """Return a line."""
    style = {"color": color, "width": 2} | more.pop("line", {})
    return {
        "type": "scatter", "mode": "lines", "x": x, "y": y, "line": style, **more,
    }  # fmt: skip


def markers(x: Any, y: Any, color: str, **more: Any) -> dict[str, Any]:
    """Return points."""
    style = {"color": color, "size": 7, "opacity": 0.8} | more.pop("marker", {})
    return {
        "type": "scatter", "mode": "markers", "x": x, "y": y, "marker": style, **more,
    }  # fmt: skip


def chart(
    name: str,
    title: str,
    sentence: str,
    traces: Sequence[Mapping[str, Any]],
    form: Mapping[str, Any],
    *,
    head: Sequence[str] = (),
    rows: Sequence[Sequence[Any]] = (),
    size: str = "half",
) -> dict[str, Any]:
    """Return a chart with its sentence and its table.

    Parameters
    ----------
    name : str
        Id in the page.
    title, sentence : str
        What it shows, and what is seen in it.
    traces, form : list of dict, dict
        Plotly's data and layout.
    head, rows : list
        The same as a table.
    size : {"small", "half", "full"}
        Width in the page.
    """
    return {
        "id": name,
        "title": title,
        "sentence": sentence,
        "figure": {"data": list(traces), "layout": dict(form)},
        "head": list(head),
        "rows": [[_cell(v) for v in row] for row in rows],
        "size": size,
    }


def _cell(value: Any) -> str:
    if isinstance(value, float) or value is None:
        return figure(value)
    return f"{value:,}" if isinstance(value, int) else str(value)
