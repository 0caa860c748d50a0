"""Facts of the explanation to charts: importance, dependence, SHAP values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl.facts.compact import plain_number, shorten
from automl.facts.verdict import figure
from automl.report.plots import (
    SERIES,
    SYMBOLS,
    axis,
    chart,
    label,
    layout,
    line,
    markers,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["dependence_charts", "importance_chart", "shap_charts"]

Chart = dict[str, Any]

MAX_BARS = 25
"""Columns drawn in the chart of importance."""

MAX_TICKS = 6
"""Whole values of a column up to which each has a tick of its own."""

LARGEST = 16.0
"""Diameter of a bin's dot with the most rows, in pixels."""


def importance_chart(facts: Mapping[str, Any]) -> Chart | None:
    """Return the bars of importance, or None if it was not measured."""
    found = facts["importance"]
    if found is None:
        return None
    rows = found["rows"]
    top = rows[:MAX_BARS][::-1]
    places = list(range(len(top)))
    more = f" The first {len(top)} are drawn." if len(rows) > len(top) else ""
    again = any(r[2] for r in top)
    rows = [[name, drop, spread or None] for name, drop, spread in rows]
    whiskers = " Whiskers are one standard deviation." if again else ""
    return chart(
        "importance",
        "Importance of columns",
        f"{_dearest(rows[0])}{whiskers}{more}",
        [
            {
                "type": "bar",
                "orientation": "h",
                "y": places,
                "x": [r[1] for r in top],
                "error_x": {
                    "type": "data",
                    "array": [r[2] for r in top],
                    "color": "$muted",
                    "thickness": 1.5,
                    "width": 3,
                },
                "marker": {"color": "$s1"},
                "hovertemplate": "%{x:.5g}<extra></extra>",
            }
        ],
        layout(
            axis("drop when shuffled", zeroline=True),
            _names([r[0] for r in top]),
            height=90 + 24 * len(top),
            bargap=0.3,
        ),
        head=["column", "drop of the score", "± sd"],
        rows=rows,
        size="full",
    )


def _dearest(row: list[Any]) -> str:
    """Return what shuffling costs; a model fitted without the column may lose less."""
    if row[1] is None or row[1] <= 0:
        return "Shuffling any of the columns costs nothing."
    return (
        f"“{shorten(row[0], 60)}” matters most: shuffling it costs {figure(row[1])} of "
        "the score."
    )


def _names(names: list[str]) -> dict[str, Any]:
    return axis(
        "",
        tickmode="array",
        tickvals=list(range(len(names))),
        ticktext=[label(n, 22) for n in names],
    )


def dependence_charts(facts: Mapping[str, Any]) -> list[Chart]:
    """Return how predictions go with each of the most important columns."""
    found = facts.get("explanation")
    if not found:
        return []
    return [
        _dependence(i, part, found["output"])
        for i, part in enumerate(found["dependence"])
    ]


def _dependence(number: int, part: Mapping[str, Any], output: str) -> Chart:
    several = len(part["curves"]) > 1
    grid = part["grid"]
    named = part["kind"] in ("category", "boolean")
    x = list(range(len(grid))) if named else grid
    traces: list[dict[str, Any]] = []
    if part["lines"] and not named:
        traces.append(_single_rows(x, part["lines"]))
    if part["lines"] and named:
        traces.append(_spread(x, part["lines"]))
    for i, curve in enumerate(part["curves"]):
        traces.append(
            line(
                x, curve["mean"], SERIES[i] if several else "$s2",
                mode="markers" if named else "lines+markers",
                name=label(curve["name"] or "mean", 18),
                line={"width": 3},
                marker={"size": 9 if named else 5, "symbol": SYMBOLS[i]},
                hovertemplate="%{x}: %{y:.4g}<extra></extra>",
            )
        )  # fmt: skip
    places = _names([str(g) for g in grid]) | {"tickangle": -30} if named else axis("")
    if part["kind"] == "date":
        places["type"] = "date"
    elif not named and len(grid) <= MAX_TICKS and all(g == int(g) for g in grid):
        places |= {"tickmode": "array", "tickvals": grid}  # a code has no halves
    return chart(
        f"dependence-{number}",
        shorten(str(part["column"]), 200),
        _tell(part, named=named, several=several),
        traces,
        layout(
            places,
            axis(""),
            height=250,
            showlegend=several,
            margin={"l": 44, "r": 10, "t": 10, "b": 36},
            legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        ),
        head=["value", *(c["name"] or f"mean {output}" for c in part["curves"])],
        rows=[
            [_at(g), *(c["mean"][i] for c in part["curves"])]
            for i, g in enumerate(grid)
        ],
        size="small",
    )


def _single_rows(x: list[Any], lines: list[list[float]]) -> dict[str, Any]:
    """Return all rows' lines as one trace, cut by gaps."""
    xs: list[Any] = []
    ys: list[Any] = []
    for values in lines:
        xs += [*x, None]
        ys += [*values, None]
    return line(
        xs, ys, "$s1", line={"width": 1}, opacity=0.28, hoverinfo="skip", name="a row",
        showlegend=False,
    )  # fmt: skip


def _spread(x: list[Any], lines: list[list[float]]) -> dict[str, Any]:
    """Return for each level where the middle eight of ten rows lie."""
    xs: list[Any] = []
    ys: list[Any] = []
    for i in x:
        values = sorted(values[i] for values in lines)
        cut = len(values) // 10
        xs += [i, i, None]
        ys += [values[cut], values[-1 - cut], None]
    return line(
        xs, ys, "$s1", line={"width": 5}, opacity=0.35, hoverinfo="skip",
        name="8 of 10 rows", showlegend=False,
    )  # fmt: skip


def _tell(part: Mapping[str, Any], *, named: bool, several: bool) -> str:
    curve = part["curves"][0]
    mean = curve["mean"]
    low, high = min(mean), max(mean)
    where = part["grid"][mean.index(low)], part["grid"][mean.index(high)]
    who = f"“{shorten(str(curve['name']), 30)}”: the mean" if several else "The mean"
    at = [_at(w) for w in where]
    word = "for" if named else "at"
    return (
        f"{who} lies between {figure(low)} ({word} {at[0]}) and {figure(high)} "
        f"({word} {at[1]})."
    )


def _at(value: Any) -> str:
    """Return a value of a column as in a sentence."""
    return shorten(value, 30) if isinstance(value, str) else plain_number(value, 4)


def shap_charts(facts: Mapping[str, Any]) -> tuple[list[Chart], list[Chart]]:
    """Return LightGBM's contributions of columns: a summary, and some by value."""
    found = (facts.get("explanation") or {}).get("shap")
    if not found or not found["columns"]:
        return [], []
    summary = _swarm(found) if found["swarm"] else _sizes(found)
    return [summary], [
        _contribution(i, d, found["unit"])
        for i, d in enumerate(found["dependence"])
        if len(d["bins"]) > 1
    ]


def _sizes(found: Mapping[str, Any]) -> Chart:
    top = found["columns"][::-1]
    return chart(
        "shap",
        "Contributions to single predictions (SHAP)",
        f"“{shorten(str(found['columns'][0][0]), 60)}” moves predictions most: by "
        f"{figure(found['columns'][0][1])} on average over {found['n_rows']:,} "
        f"held-out rows and all classes, in the {found['unit']}.",
        [
            {
                "type": "bar",
                "orientation": "h",
                "x": [size for _, size in top],
                "y": list(range(len(top))),
                "marker": {"color": "$s1"},
                "hovertemplate": "%{x:.4g}<extra></extra>",
            }
        ],
        layout(
            axis(f"mean size of the contribution, {found['unit']}"),
            _names([str(n) for n, _ in top]),
            height=100 + 24 * len(top),
            bargap=0.3,
        ),
        head=["column", "mean size"],
        rows=found["columns"],
        size="full",
    )


def _swarm(found: Mapping[str, Any]) -> Chart:
    """Return a bee swarm of bins: a dot for a bin, the larger the more rows."""
    swarm, names = found["swarm"], [str(n) for n, _ in found["columns"]]
    edges = swarm["edges"]
    most = max(n for row in swarm["rows"] for _, n, _ in row)
    n = len(names)
    dots = [
        ((edges[b] + edges[b + 1]) / 2, n - 1 - i, count, rank)
        for i, row in enumerate(swarm["rows"])
        for b, count, rank in row
    ]
    ordered = [d for d in dots if d[3] is not None]
    others = [d for d in dots if d[3] is None]

    def trace(part: list[Any], **marker: Any) -> dict[str, Any]:
        return markers(
            [d[0] for d in part], [d[1] for d in part], "$muted",
            customdata=[d[2] for d in part],
            hovertemplate="%{x:.3g}: %{customdata} rows<extra></extra>",
            marker={
                "size": [3 + (LARGEST - 3) * (d[2] / most) ** 0.5 for d in part],
                "opacity": 0.9, "line": {"width": 0}, **marker,
            },
        )  # fmt: skip

    bar = {
        "title": {"text": "value", "side": "right"}, "tickvals": [0, 1],
        "ticktext": ["low", "high"], "thickness": 10, "outlinewidth": 0, "len": 0.8,
    }  # fmt: skip
    traces = []
    if ordered:
        traces.append(
            trace(
                ordered, color=[d[3] for d in ordered], cmin=0, cmax=1,
                colorscale=[[0, "$s1"], [0.5, "$line"], [1, "$s2"]], colorbar=bar,
            )
        )  # fmt: skip
    if others:
        traces.append(trace(others, symbol="square"))
    first, size = found["columns"][0]
    return chart(
        "shap",
        "Contributions to single predictions (SHAP)",
        f"“{shorten(str(first), 60)}” moves predictions most: by {figure(size)} on "
        f"average, in {found['unit']}. A dot stands for rows that are alike, the "
        f"larger the more, {found['n_rows']:,} held-out rows in all; right of zero the "
        "column raises the prediction. The colour is the mean of the column's value "
        "from low to high; "
        "grey squares are categories.",
        traces,
        layout(
            axis(f"contribution, {found['unit']}", zeroline=True, zerolinecolor="$ink"),
            _names(names[::-1]) | {"range": [-0.7, n - 0.3]},
            height=110 + 30 * n,
        ),
        head=["column", "mean size of the contribution"],
        rows=found["columns"],
        size="full",
    )


def _contribution(number: int, part: Mapping[str, Any], unit: str) -> Chart:
    x = [b[0] for b in part["bins"]]
    low, middle, high = ([b[k] for b in part["bins"]] for k in (1, 2, 3))
    places = axis("")
    if part["kind"] == "date":
        places["type"] = "date"
    top = part["bins"][max(range(len(middle)), key=lambda i: abs(middle[i]))]
    return chart(
        f"shap-dependence-{number}",
        shorten(str(part["column"]), 200),
        f"Farthest from zero around {_at(top[0])}: {figure(top[2])} {unit}. The band "
        "holds eight of ten rows.",
        [
            line(x, high, "$s1", line={"width": 0}, hoverinfo="skip"),
            line(
                x, low, "$s1", line={"width": 0}, hoverinfo="skip",
                fill="tonexty", fillcolor="$band",
            ),
            line(
                x, middle, "$s1", mode="lines+markers", marker={"size": 6},
                hovertemplate="%{x}: %{y:.4g}<extra></extra>",
            ),
        ],
        layout(
            places,
            axis("", zeroline=True, zerolinecolor="$muted"),
            height=230,
            margin={"l": 44, "r": 10, "t": 10, "b": 36},
        ),
        head=["value", "10 % below", "median", "90 % below", "rows"],
        rows=[[_at(b[0]), *b[1:]] for b in part["bins"]],
        size="small",
    )  # fmt: skip
