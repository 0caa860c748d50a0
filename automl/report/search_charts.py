"""Facts of the search to its part of a page: its course, and pipeline by pipeline."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from automl.facts.compact import shorten
from automl.facts.verdict import figure
from automl.report.plots import axis, chart, label, layout, line, markers
from automl.report.tuning_charts import (
    edf_chart,
    importance_of_tuning,
    looks,
    parallel_chart,
    span_of,
    timeline_chart,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["search_part"]

Chart = dict[str, Any]

MAX_LISTED = 60
"""Configurations of a candidate in its table."""


def search_part(facts: Mapping[str, Any], most: int | None = None) -> dict[str, Any]:
    """Return the charts of the search.

    Parameters
    ----------
    facts : dict
        As `automl.facts.build_facts` returns.
    most : int, default=None
        Charts in all; those of single hyperparameters give way. None for any number.

    Returns
    -------
    dict
        ``course``: charts of the best so far over seconds and over configurations, none
        if nothing finished. ``edf``, ``timeline``: a chart or None. ``groups``: for
        each candidate with something to show, best first, ``title``, ``importance`` and
        ``parallel`` (a chart or None), ``note`` (a sentence or None), ``charts`` of
        single hyperparameters, ``table`` and ``cut`` (or None). ``all``: every chart.
    """
    told = facts.get("search") is not None
    edf = edf_chart(facts) if told else None
    when = timeline_chart(facts) if told else None
    course = search_charts(facts)
    groups = _groups(facts)
    every = [*course, edf, when]
    for group in groups:
        every += [group["importance"], group["parallel"]]
    if most is not None:
        groups = _at_most(groups, most - sum(c is not None for c in every))
    for group in groups:
        every += group["charts"]
    return {
        "course": course,
        "edf": edf,
        "timeline": when,
        "groups": groups,
        "all": [c for c in every if c is not None],
    }


def _at_most(groups: list[dict[str, Any]], room: int) -> list[dict[str, Any]]:
    """Return groups of charts with so many in all, the first of each before others."""
    width = max((len(g["charts"]) for g in groups), default=0)
    places = [
        (i, k)
        for k in range(width)
        for i, g in enumerate(groups)
        if k < len(g["charts"])
    ]
    kept = set(places[: max(room, 0)])
    return [
        {**g, "charts": [c for k, c in enumerate(g["charts"]) if (i, k) in kept]}
        for i, g in enumerate(groups)
    ]


def _groups(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what there is to show of each candidate."""
    search = facts.get("search") or {}
    parallel = {p["candidate"]: p for p in search.get("parallel", ())}
    tuned = {p["candidate"]: p for p in search.get("importance", ())}
    sliced = {g["candidate"]: g for g in slice_charts(facts)}
    order = [row["candidate"] for row in search.get("candidates", ())]
    groups = []
    for i, name in enumerate(dict.fromkeys([*order, *sliced])):
        if name not in parallel and name not in sliced:
            continue
        found, bars = parallel.get(name), None
        if name in tuned:
            bars = importance_of_tuning(tuned[name], f"tuning-{i}")
        empty: dict[str, Any] = {"charts": [], "table": None, "cut": None}
        groups.append(
            {
                "title": (sliced.get(name) or found or {})["title"],
                "importance": bars,
                "note": tuned[name]["note"] if name in tuned and not bars else None,
                "parallel": None
                if found is None
                else parallel_chart(found, facts["metric"], f"parallel-{i}"),
                **{k: sliced.get(name, empty)[k] for k in empty},
            }
        )
    return groups


def search_charts(facts: Mapping[str, Any]) -> list[Chart]:
    """Return the best so far over time and over configurations."""
    if not facts["progress"]["best"]["number"]:
        return []
    return [
        _progress(facts, "seconds", "best", "seconds since the start"),
        _progress(facts, "number", "best_by_number", "configuration"),
    ]


def _progress(facts: Mapping[str, Any], key: str, best: str, title: str) -> Chart:
    found, metric = facts["progress"], facts["metric"]
    steps = found[best]
    last = found["last_s" if key == "seconds" else "last_number"]
    x = [*steps[key], max(last, steps[key][-1])]
    y = [*steps["natural"], steps["natural"][-1]]
    hover = "%{x:.4g}: best so far %{y:.5g}<extra></extra>"
    traces = [
        line(
            x, y, "$ink", name="best so far", line={"shape": "hv"}, hovertemplate=hover
        )
    ]
    traces += _by_candidate(facts, found["trials"], key)
    where = "seconds" if key == "seconds" else "configurations"
    span, hidden = _range(found["trials"], metric["sign"])
    lie = "one lies" if hidden == 1 else "ones lie"
    n_steps = f"{len(steps[key])} step{'s' * (len(steps[key]) != 1)}"
    note = f" {hidden} much worse {lie} outside the picture." if hidden else ""
    return chart(
        f"progress-{key}",
        f"Best so far over {where}",
        f"The best {metric['label']} so far went from {figure(y[0])} to "
        f"{figure(y[-1])} in {n_steps}, the last at {steps[key][-1]:.4g}"
        f"{' s' if key == 'seconds' else ''}. Hollow points have not finished all "
        f"folds.{note}",
        traces,
        layout(
            axis(title),
            axis(f"{metric['label']} ({metric['better']} is better)", range=span),
            showlegend=True,
            height=440,
        ),
        head=[where, "configuration", f"best {metric['label']}"],
        rows=list(zip(steps[key], steps["number"], steps["natural"], strict=True)),
        size="full",
    )


def _range(points: Mapping[str, Any], sign: int) -> tuple[list[float] | None, int]:
    """Return the range that shows the better nine tenths, and how many it hides."""
    pairs = zip(points["natural"], points["candidate"], strict=True)
    span = span_of([n for n, c in pairs if c != "baseline"], sign)
    if span is None:
        return None, 0
    return span, sum(not span[0] <= n <= span[1] for n in points["natural"])


def _by_candidate(
    facts: Mapping[str, Any], points: Mapping[str, Any], key: str
) -> list[dict[str, Any]]:
    drawn = set(points["candidate"])
    traces = []
    for name, (color, symbol) in looks(facts).items():
        if name not in drawn:
            continue
        rows = [j for j, c in enumerate(points["candidate"]) if c == name]
        title = label(facts["titles"].get(name, name))
        ok: Sequence[bool] = [points["finished"][j] for j in rows]
        traces.append(
            markers(
                [points[key][j] for j in rows],
                [points["natural"][j] for j in rows],
                color,
                name=title,
                marker={"symbol": [symbol if f else f"{symbol}-open" for f in ok]},
                customdata=[points["number"][j] for j in rows],
                hovertemplate=f"{title}, trial %{{customdata}}: %{{y:.5g}}"
                "<extra></extra>",
            )
        )
    return traces


def slice_charts(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return for each candidate its title, small charts and one table of trials."""
    groups = []
    for i, found in enumerate(facts["slices"]["candidates"]):
        charts = [
            _slice(facts, found, param, f"slice-{i}-{j}")
            for j, param in enumerate(found["params"])
        ]
        order = sorted(
            range(len(found["trial"])),
            key=lambda k: -facts["metric"]["sign"] * found["natural"][k],
        )
        rows = [
            [found["trial"][k], found["natural"][k]]
            + [p["values"][k] for p in found["params"]]
            for k in order[:MAX_LISTED]
        ]
        head = [
            "trial",
            facts["metric"]["label"],
            *(p["name"] for p in found["params"]),
        ]
        table = chart("", "", "", [], {}, head=head, rows=rows)
        cut = None
        if len(order) > MAX_LISTED:
            cut = f"The best {MAX_LISTED} of {len(order)} are listed."
        groups.append(
            {"candidate": found["candidate"], "title": found["title"],
             "charts": charts, "table": table, "cut": cut}
        )  # fmt: skip
    return groups


def _slice(
    facts: Mapping[str, Any],
    found: Mapping[str, Any],
    param: Mapping[str, Any],
    name: str,
) -> Chart:
    metric, kind = facts["metric"], param["kind"]
    rows = [k for k, v in enumerate(param["values"]) if v is not None]
    values = [param["values"][k] for k in rows]
    scores = [found["natural"][k] for k in rows]
    at = max(range(len(rows)), key=lambda k: metric["sign"] * scores[k])
    best = values[at] if kind == "choice" else figure(values[at])
    form: dict[str, Any] = {"type": "log" if kind == "log" else "linear"}
    x: list[Any] = values
    if kind == "choice":
        levels = sorted(set(values))
        # Strips: points of a level side by side, the same way each time.
        x = [
            levels.index(v) + 0.3 * ((k * 0.618) % 1 - 0.5)
            for k, v in enumerate(values)
        ]
        form = {
            "tickmode": "array",
            "tickvals": list(range(len(levels))),
            "ticktext": [label(v, 14) for v in levels],
            "range": [-0.5, len(levels) - 0.5],
        }
    elif kind == "log":
        decades = math.log10(max(values) / min(values))
        form |= {"dtick": math.ceil(decades / 3), "exponentformat": "power"}
    span, _ = _range(
        {"natural": scores, "candidate": [""] * len(scores)}, metric["sign"]
    )
    symbols = ["circle" if found["finished"][k] else "circle-open" for k in rows]
    return chart(
        name,
        param["name"],
        f"Best at {shorten(str(best), 40)}.",
        [
            markers(
                x,
                scores,
                "$s1",
                marker={"symbol": symbols, "size": 6, "opacity": 0.65},
                text=[label(v if kind == "choice" else figure(v)) for v in values],
                hovertemplate="%{text}: %{y:.5g}<extra></extra>",
            ),
            markers(
                [x[at]], [scores[at]], "$s2",
                marker={"size": 11, "symbol": "diamond", "opacity": 1},
                hovertemplate="best: %{y:.5g}<extra></extra>",
            ),
        ],
        layout(
            axis("", **form),
            axis("", range=span, nticks=5),
            height=200,
            margin={"l": 48, "r": 12, "t": 8, "b": 28},
        ),
        size="small",
    )  # fmt: skip
