"""Facts of the search to charts: hyperparameters, distributions, the workers' time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from automl.facts.compact import shorten
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
    from collections.abc import Mapping, Sequence

__all__ = [
    "edf_chart",
    "importance_of_tuning",
    "looks",
    "parallel_chart",
    "span_of",
    "timeline_chart",
]

Chart = dict[str, Any]

DASHES = ("solid", "dash", "dot", "dashdot")
"""Line styles: colour alone never tells."""

NAMED = len(SERIES) - 1
"""Candidates with a colour of their own; the others share the last one."""

SHOWN = 0.9
"""Share of the configurations that a picture of scores shows, the better ones."""

MIN_CURVE = 5
"""Scored configurations from which a distribution says anything."""

BEST, GOOD = 0.1, 0.5
"""Shares of the configurations that parallel axes tell from the others."""

CHANCE = 0.05
"""A hyperparameter with a larger p-value could be chance."""

MAX_LEVELS = 8
"""Values of a choice that are written beside its axis."""

INACTIVE = -0.12
"""Height at which a line passes an axis that it has no value on."""


def looks(facts: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return each candidate's colour and shape, the same in all charts.

    Examples
    --------
    >>> looks({"search": {"candidates": [{"candidate": "ridge"}]}})
    {'ridge': ('$s1', 'circle')}
    """
    search = facts.get("search") or {}
    names = [row["candidate"] for row in search.get("candidates") or []]
    drawn = facts["progress"]["trials"]["candidate"] if "progress" in facts else []
    # of many candidates, one that only failed is in neither of them
    timed = (search.get("timeline") or {}).get("bars", {}).get("candidate", [])
    names = [n for n in dict.fromkeys([*names, *drawn, *timed]) if n != "baseline"]
    return {
        name: (SERIES[min(i, NAMED)], SYMBOLS[i % len(SYMBOLS)])
        for i, name in enumerate(names)
    }


def span_of(
    natural: Sequence[float], sign: int, share: float = SHOWN
) -> list[float] | None:
    """Return the range that shows the better share of some values; None of a few.

    Examples
    --------
    >>> [round(v, 3) for v in span_of([0.5, 0.6, 0.7, 0.1], 1)]
    [0.484, 0.716]
    """
    values = sorted(natural, key=lambda n: -sign * n)
    if len(values) < 3:
        return None
    best, worst = values[0], values[int(share * (len(values) - 1))]
    pad = 0.08 * abs(best - worst) or abs(best) * 0.01 or 0.01
    return sorted([best + sign * pad, worst - sign * pad])


def edf_chart(facts: Mapping[str, Any]) -> Chart | None:
    """Return how each candidate's scores are distributed; None of few scores."""
    metric = facts["metric"]
    found = [one for one in facts["search"]["edf"] if one["n"] >= MIN_CURVE]
    if not found:
        return None
    look, traces = looks(facts), []
    for i, one in enumerate(found):
        name = label(one["title"])
        traces.append(
            line(
                one["natural"], one["share"], look[one["candidate"]][0], name=name,
                line={"shape": "hv", "dash": DASHES[i // 2 % len(DASHES)]},
                hovertemplate=f"{name}: %{{y:.0%}} at least %{{x:.5g}}<extra></extra>",
            )
        )  # fmt: skip
    every = [v for one in found for v in one["natural"]]
    middle = [_at_share(one, 0.5) for one in found]
    at = max(range(len(found)), key=lambda i: metric["sign"] * middle[i])
    side = "right" if metric["sign"] > 0 else "left"
    return chart(
        "edf",
        "How good most configurations are",
        f"Half of the configurations of {shorten(found[at]['title'], 60)} reach "
        f"{figure(middle[at])}{', the best median' if len(found) > 1 else ''}. "
        f"A curve further to the {side} needs less luck.",
        traces,
        layout(
            axis(f"{metric['label']} ({metric['better']} is better)",
                 range=span_of(every, metric["sign"])),
            axis("configurations at least as good", tickformat=".0%", range=[0, 1.03]),
            showlegend=True,
            height=400,
        ),
        head=["pipeline", "configurations", "best", "quarter reach", "half reach"],
        rows=[
            [one["title"], one["n"], one["natural"][0], _at_share(one, 0.25), middle[i]]
            for i, one in enumerate(found)
        ],
        size="full",
    )  # fmt: skip


def _at_share(one: Mapping[str, Any], share: float) -> float:
    """Return the value that so many of the configurations reach."""
    pairs = zip(one["natural"], one["share"], strict=True)
    return next((float(v) for v, s in pairs if s >= share), float(one["natural"][-1]))


def timeline_chart(facts: Mapping[str, Any]) -> Chart | None:
    """Return which fold ran when in which worker; None if that is not known."""
    found = facts["search"]["timeline"]
    if found is None:
        return None
    bars, workers, look = found["bars"], found["workers"], looks(facts)
    n = len(workers)
    names = sorted(set(bars["candidate"]), key=list(look).index)
    traces = []
    for name in [*names[:NAMED], None] if len(names) > NAMED else names:
        own = [name] if name is not None else names[NAMED:]
        rows = [i for i, c in enumerate(bars["candidate"]) if c in own]
        title = "others" if name is None else label(facts["titles"].get(name, name))
        traces.append(_bars_of(bars, rows, title, look[own[0]][0]))
    where = f"{n} workers were" if n > 1 else "One worker was"
    more = f" {found['cut']}" if found["cut"] else ""
    return chart(
        "timeline",
        "What the workers did when",
        f"{where} busy for {found['busy']:.0%} of the time between the first fold's "
        f"start and the last one's end. A bar is a fold; hatched ones failed.{more}"
        .replace("%", " %"),
        traces,
        layout(
            axis("seconds since the start", range=[found["from_s"], found["to_s"]]),
            axis(
                "", tickmode="array", tickvals=[w["worker"] for w in workers][:40],
                ticktext=[f"worker {w['worker']}" for w in workers][:40],
                range=[n + 0.6, 0.4],
            ),
            barmode="overlay",
            showlegend=True,
            height=150 + n * max(8, min(44, 480 // n)),
        ),
        head=["worker", "folds", "busy seconds", "busy share"],
        rows=[
            [w["worker"], w["n_folds"], w["busy_s"], f"{100 * w['share']:.0f} %"]
            for w in workers
        ],
        size="full",
    )  # fmt: skip


def _bars_of(
    bars: Mapping[str, Any], rows: Sequence[int], title: str, color: str
) -> dict[str, Any]:
    return {
        "type": "bar",
        "orientation": "h",
        "name": title,
        "y": [bars["worker"][i] for i in rows],
        "base": [bars["start"][i] for i in rows],
        "x": [bars["seconds"][i] for i in rows],
        "width": 0.72,
        "marker": {
            "color": color,
            "line": {"color": "$card", "width": 0.5},
            "pattern": {
                "shape": ["" if bars["status"][i] == "ok" else "/" for i in rows],
                "size": 5,
            },
        },
        "customdata": [
            f"{bars['trial'][i]}, fold {bars['fold'][i] + 1}"
            + ("" if bars["status"][i] == "ok" else f", {bars['status'][i]}")
            for i in rows
        ],
        "hovertemplate": f"{title}, trial %{{customdata}}: from %{{base:.4g}} s for "
        "%{x:.3g} s<extra></extra>",
    }


def importance_of_tuning(found: Mapping[str, Any], name: str) -> Chart | None:
    """Return the bars of a candidate's hyperparameters; None if all could be chance.

    Parameters
    ----------
    found : dict
        Of ``facts["search"]["importance"]``.
    name : str
        Id in the page.
    """
    rows = found["rows"]
    if not any(row["p"] <= CHANCE for row in rows):
        return None
    top = rows[::-1]
    places = list(range(len(top)))
    sure = [row["p"] <= CHANCE for row in top]
    return chart(
        name,
        "Which hyperparameters mattered",
        f"{found['note']} Hatched bars could be chance; the lines are one standard "
        "deviation.",
        [
            {
                "type": "bar",
                "orientation": "h",
                "y": places,
                "x": [row["share"] for row in top],
                "error_x": {
                    "type": "data", "array": [row["std"] for row in top],
                    "color": "$muted", "thickness": 1.5, "width": 3,
                },
                "marker": {
                    "color": ["$s1" if s else "$muted" for s in sure],
                    "pattern": {"shape": ["" if s else "/" for s in sure], "size": 5},
                },
                "hovertemplate": "%{x:.0%}<extra></extra>",
            }
        ],
        layout(
            axis("share of the importance", tickformat=".0%", zeroline=True,
                 range=[0, min(1.3, 1.05 * max(r["share"] + r["std"] for r in rows))]),
            axis("", tickmode="array", tickvals=places,
                 ticktext=[label(row["name"], 22) for row in top]),
            height=100 + 26 * len(top),
            bargap=0.3,
        ),
        head=["hyperparameter", "share", "± sd", "p"],
        rows=[[r["name"], r["share"], r["std"], r["p"]] for r in rows],
    )  # fmt: skip


def parallel_chart(
    found: Mapping[str, Any], metric: Mapping[str, Any], name: str
) -> Chart:
    """Return the parallel axes of a candidate: a line for each configuration.

    Drawn as lines and not as Plotly's own parallel axes, which are a picture of
    pixels: these print, and are the same with a keyboard. The first trace is the worse
    half, the second the better one, the third the best tenth: the page's switch relies
    on that.

    Parameters
    ----------
    found : dict
        Of ``facts["search"]["parallel"]``.
    metric : dict
        Of the facts.
    name : str
        Id in the page.
    """
    natural, sign = found["natural"], metric["sign"]
    order = sorted(range(len(natural)), key=lambda i: -sign * natural[i])
    columns = [_places(p) for p in found["params"]]
    score, floor = _score_places(natural, sign)
    heights = [*[c[0] for c in columns], score]
    n_best = max(1, math.ceil(BEST * len(order)))
    n_good = max(n_best, math.ceil(GOOD * len(order)))
    names = [
        *[p["name"] for p in found["params"]],
        f"{metric['label']} {metric['arrow']}",
    ]
    best = order[0]
    ends = [
        (j, at, text) for j, (_, marks) in enumerate(columns) for at, text in marks
    ] + [(len(columns), 1.0, figure(natural[best])), (len(columns), 0.0, floor)]
    more = f" {found['cut']}" if found.get("cut") else ""
    return chart(
        name,
        "Configurations as lines",
        f"Each line is one of {len(order)} configurations; it ends at its "
        f"{metric['label']}, the better the higher. The thick ones are the best "
        f"{n_best}, the dotted ones the worse half.{more}",
        [
            _lines(heights, order[n_good:], "$muted", 1, 0.5, "dot"),
            _lines(heights, order[n_best:n_good], "$s1", 1.2, 0.7, "solid"),
            _lines(heights, order[:n_best], "$s2", 2.6, 0.95, "solid"),
            markers(
                [len(columns)] * len(order), [score[i] for i in order], "$ink",
                marker={"size": 5, "opacity": 0.6},
                customdata=[[found["trial"][i], natural[i]] for i in order],
                hovertemplate="trial %{customdata[0]}: %{customdata[1]:.5g}"
                "<extra></extra>",
            ),
        ],
        layout(
            axis(
                "", tickmode="array", tickvals=list(range(len(names))),
                ticktext=[label(n, 16) for n in names], showgrid=False,
                range=[-0.25, len(names) - 0.35], tickangle=0 if len(names) < 7 else 30,
            ),
            axis("", visible=False, range=[INACTIVE - 0.06, 1.1]),
            height=380,
            margin={"l": 16, "r": 24, "t": 12, "b": 48},
            shapes=[
                {"type": "line", "x0": j, "x1": j, "y0": 0, "y1": 1,
                 "line": {"color": "$line", "width": 1.5}}
                for j in range(len(names))
            ],
            annotations=[_beside(j, at, text) for j, at, text in ends],
        ),
        size="full",
    )  # fmt: skip


def _lines(
    heights: Sequence[Sequence[float]],
    chosen: Sequence[int],
    color: str,
    width: float,
    opacity: float,
    dash: str,
) -> dict[str, Any]:
    """Return many lines as one, with a gap after each."""
    x: list[float | None] = []
    y: list[float | None] = []
    for i in chosen:
        x += [*range(len(heights)), None]
        y += [*[round(column[i], 3) for column in heights], None]
    return line(
        x, y, color, opacity=opacity, hoverinfo="skip",
        line={"width": width, "dash": dash},
    )  # fmt: skip


def _beside(j: int, at: float, text: str) -> dict[str, Any]:
    """Return a value written beside an axis."""
    return {
        "x": j, "y": at, "text": text, "showarrow": False, "xanchor": "left",
        "xshift": 4, "yanchor": "bottom" if at >= 1 else "middle",
        "font": {"size": 10, "color": "$ink"}, "bgcolor": "$card", "borderpad": 1,
    }  # fmt: skip


def _places(param: Mapping[str, Any]) -> tuple[list[float], list[tuple[float, str]]]:
    """Return the height of each value on its axis, and the values to write there."""
    given = [v for v in param["values"] if v is not None]
    if param["kind"] == "choice":
        levels = sorted(set(given))
        step = 1 / max(1, len(levels) - 1)
        places = {v: i * step for i, v in enumerate(levels)}
        marks = [(places[v], label(v, 12)) for v in levels]
        if len(levels) > MAX_LEVELS:
            marks = [marks[0], marks[-1]]
    else:
        scale = math.log10 if param["kind"] == "log" else float
        low, high = min(given), max(given)
        span = (scale(high) - scale(low)) or 1.0
        places = {v: (scale(v) - scale(low)) / span for v in given}
        marks = [(0.0, figure(low)), (1.0, figure(high))]
    if len(given) < len(param["values"]):
        marks = [*marks, (INACTIVE, "not set")]
    return [INACTIVE if v is None else places[v] for v in param["values"]], marks


def _score_places(natural: Sequence[float], sign: int) -> tuple[list[float], str]:
    """Return the height of each score, the best on top, and what stands at the foot."""
    ranked = sorted(natural, key=lambda n: -sign * n)
    best, worst = ranked[0], ranked[int(SHOWN * (len(ranked) - 1))]
    span = sign * (best - worst) or 1.0
    places = [max(0.0, 1 - sign * (best - n) / span) for n in natural]
    foot = figure(worst)
    return places, foot if worst == ranked[-1] else f"{foot} or worse"
