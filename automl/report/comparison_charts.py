"""Facts of the rivals to charts: folds, differences, speed, and how alike they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl.facts.compact import shorten
from automl.facts.verdict import figure
from automl.report.plots import SERIES, SYMBOLS, axis, chart, label, layout, markers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["comparison_charts"]

Chart = dict[str, Any]

MAX_FRONT = 300
"""Configurations drawn by score and speed, the best ones."""


def comparison_charts(facts: Mapping[str, Any]) -> list[Chart]:
    """Return the winner beside its rivals; empty where nothing was ranked."""
    found = facts.get("comparison")
    if not found:
        return []
    charts = [_folds(found["rows"], facts["metric"])]
    if any(r["gaps"] for r in found["rows"] if not r["winner"]):
        charts.append(_differences(found["rows"], facts["metric"]))
    front = _front(facts)
    if front is not None:
        charts.append(front)
    if found["correlation"]:
        charts.append(_correlation(found["correlation"]))
    return charts


def _who(row: Mapping[str, Any], length: int = 20) -> str:
    return label(f"{shorten(str(row['title']), length)} · {row['trial']}", length + 8)


def _names(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return axis(
        "",
        tickmode="array",
        tickvals=list(range(len(rows))),
        ticktext=[_who(r) for r in rows],
        range=[-0.6, len(rows) - 0.4],
    )


def _folds(every: Sequence[Mapping[str, Any]], metric: Mapping[str, Any]) -> Chart:
    rows = list(reversed(every))
    x = [v for r in rows for v in r["folds"]]
    y = [i for i, r in enumerate(rows) for _ in r["folds"]]
    with_interval = [(i, r) for i, r in enumerate(rows) if r["low"] is not None]
    bars = {
        "type": "data",
        "symmetric": False,
        "array": [r["high"] - r["natural"] for _, r in with_interval],
        "arrayminus": [r["natural"] - r["low"] for _, r in with_interval],
        "color": "$ink",
        "thickness": 1.5,
        "width": 4,
    }
    single = [(i, r) for i, r in enumerate(rows) if r["low"] is None]
    traces = [
        markers(
            x, y, "$s1", name="a fold", marker={"size": 8, "opacity": 0.5},
            hovertemplate="%{x:.5g}<extra>fold</extra>",
        ),
        markers(
            [r["natural"] for _, r in [*with_interval, *single]],
            [i for i, _ in [*with_interval, *single]], "$ink",
            name="mean, 95 % interval",
            marker={"size": 9, "symbol": "diamond", "opacity": 1},
            error_x=bars, hovertemplate="%{x:.5g}<extra>mean</extra>",
        ),
    ]  # fmt: skip
    ends = [e for _, r in with_interval for e in (r["low"], r["high"])]
    span = _span([*x, *(v for v in ends if v is not None)])
    best = every[0]
    sentence = f"The winner's mean {metric['label']} is {figure(best['natural'])}"
    if best["low"] is not None:
        sentence += f", 95 % interval {figure(best['low'])} to {figure(best['high'])}"
    return chart(
        "fold-dots",
        "Scores by fold",
        f"{sentence}; {metric['better']} is better. The best of each kind and "
        "of all are drawn, the winner on top, with the number of the trial.",
        traces,
        layout(
            axis(f"{metric['label']} {metric['arrow']}", range=span),
            _names(rows),
            height=110 + 30 * len(rows),
            showlegend=True,
        ),
        head=["pipeline", "trial", "mean", "low", "high", "folds"],
        rows=[
            [r["title"], r["trial"], r["natural"], r["low"], r["high"],
             "  ".join(figure(v) for v in r["folds"])]
            for r in every
        ],
    )  # fmt: skip


def _span(values: Sequence[float]) -> list[float]:
    low, high = min(values), max(values)
    pad = 0.05 * (high - low) or abs(low) * 0.05 or 1.0
    return [low - pad, high + pad]


def _differences(
    every: Sequence[Mapping[str, Any]], metric: Mapping[str, Any]
) -> Chart:
    rows = [r for r in reversed(every) if not r["winner"] and r["gaps"]]
    traces = [
        markers(
            [v for r in rows for v in r["gaps"]],
            [i for i, r in enumerate(rows) for _ in r["gaps"]],
            "$s1", name="a fold", marker={"size": 8, "opacity": 0.5},
            hovertemplate="%{x:.5g}<extra>fold</extra>",
        ),
        markers(
            [r["difference"] for r in rows], list(range(len(rows))), "$ink",
            name="mean, 95 % interval",
            marker={
                "size": 9, "opacity": 1,
                "symbol": [
                    "diamond-open" if r["within_noise"] else "diamond" for r in rows
                ],
            },
            error_x={
                "type": "data", "array": [r["margin"] for r in rows],
                "color": "$ink", "thickness": 1.5, "width": 4,
            },
            hovertemplate="%{x:.5g}<extra>mean</extra>",
        ),
    ]  # fmt: skip
    equal = sum(bool(r["within_noise"]) for r in rows)
    unknown = all(r["within_noise"] is None for r in rows)
    ahead = sum(bool(r.get("better")) for r in rows)
    alone = len(rows) == 1
    differ = "It differs" if alone else f"All {len(rows)} differ"
    behind = "It is behind" if alone else f"All {len(rows)} are behind"
    sentence = (
        "With one fold, noise cannot be told from a lead."
        if unknown
        else f"{equal} of {len(rows)} {'shows' if equal == 1 else 'show'} no "
        "significant difference to the winner: the interval holds zero (hollow)."
        if equal
        else f"{differ} by more than noise."
        if ahead
        else f"{behind} by more than noise."
    )
    if ahead:
        sentence += f" {ahead} did better by more than noise, but did not predict."
    return chart(
        "differences",
        "Behind the winner, fold by fold",
        f"{sentence} Right of the line the winner is better on the same rows.",
        traces,
        layout(
            axis(f"behind in {metric['label']}", zeroline=True, zerolinecolor="$ink"),
            _names(rows),
            height=110 + 30 * (len(rows) + 1),
            showlegend=True,
        ),
        head=["pipeline", "trial", "mean difference", "± 95 %", "within noise"],
        rows=[
            [r["title"], r["trial"], r["difference"], r["margin"],
             {True: "yes", False: "no"}.get(r["within_noise"], "unknown")]
            for r in reversed(rows)
        ],
    )  # fmt: skip


def _front(facts: Mapping[str, Any]) -> Chart | None:
    """Return score against the time to predict, with the front of the best."""
    sign = facts["metric"]["sign"]
    rows = [
        r
        for r in facts["leaderboard"]["rows"]
        if r["rank"] is not None and r["predict_s"] and r["natural"] is not None
    ][:MAX_FRONT]
    if len(rows) < 2:
        return None
    front = []
    best = None
    for row in sorted(rows, key=lambda r: (r["predict_s"], -sign * r["natural"])):
        if best is None or sign * row["natural"] > best:
            best = sign * row["natural"]
            front.append(row)
    kinds = list(dict.fromkeys(r["title"] for r in rows))
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter", "mode": "lines", "name": "not beaten",
            "x": [r["predict_s"] for r in front], "y": [r["natural"] for r in front],
            "line": {"color": "$muted", "width": 1.5, "shape": "hv", "dash": "dot"},
            "hoverinfo": "skip",
        }
    ]  # fmt: skip
    for i, kind in enumerate(kinds):
        own = [r for r in rows if r["title"] == kind]
        traces.append(
            markers(
                [r["predict_s"] for r in own], [r["natural"] for r in own],
                SERIES[i % len(SERIES)], name=label(kind, 22),
                marker={"symbol": SYMBOLS[i % len(SYMBOLS)], "size": 7},
                customdata=[r["trial"] for r in own],
                hovertemplate="trial %{customdata}<br>%{x:.3g} s: %{y:.5g}"
                "<extra></extra>",
            )
        )  # fmt: skip
    half = sorted(sign * r["natural"] for r in rows)[len(rows) // 3 :]
    span = _span([sign * v for v in half])
    quick = front[0]
    return chart(
        "front",
        "Score against the time to predict",
        f"{len(front)} of {len(rows)} {'is' if len(front) == 1 else 'are'} beaten by "
        "none in both score and speed. The fastest, "
        f"“{shorten(str(quick['title']), 40)}” (trial {quick['trial']}), has "
        f"{figure(quick['natural'])}. The worst third may lie outside the picture.",
        traces,
        layout(
            axis("seconds to predict a fold", type="log", nticks=4),
            axis(
                f"{facts['metric']['label']} {facts['metric']['arrow']}",
                range=span if sign > 0 else span[::-1],
            ),
            showlegend=True,
            height=420,
            legend={
                "orientation": "h", "x": 0, "y": -0.22, "yanchor": "top",
                "font": {"size": 11},
            },
        ),
        head=["pipeline", "trial", "score", "seconds to predict a fold"],
        rows=[[r["title"], r["trial"], r["natural"], r["predict_s"]] for r in front],
    )  # fmt: skip


def _correlation(found: Mapping[str, Any]) -> Chart:
    names = [
        label(f"{shorten(str(t), 16)} · {n}", 24)
        for t, n in zip(found["titles"], found["trials"], strict=True)
    ]
    matrix = found["matrix"]
    n = len(names)
    pairs = [(matrix[i][j], i, j) for i in range(n) for j in range(i)]
    low, i, j = min(pairs)
    places = list(range(n))
    return chart(
        "correlation",
        "How alike the predictions are",
        f"Least alike are {shorten(str(found['titles'][j]), 30)} (trial "
        f"{found['trials'][j]}) and {shorten(str(found['titles'][i]), 30)} (trial "
        f"{found['trials'][i]}), with a correlation of {figure(low)}: what differs "
        "gains by being averaged.",
        [
            {
                "type": "heatmap",
                "z": matrix,
                "x": places,
                "y": places,
                "zmin": min(0.5, low),
                "zmax": 1,
                "colorscale": [[0, "$card"], [1, "$heat"]],
                "text": [[f"{v:.2f}" for v in row] for row in matrix],
                "texttemplate": "%{text}",
                "textfont": {"color": "$ink", "size": 11},
                "xgap": 2,
                "ygap": 2,
                "showscale": False,
                "hovertemplate": "%{z:.4f}<extra></extra>",
            }
        ],
        layout(
            axis(
                "trial", tickmode="array", tickvals=places,
                ticktext=[str(t) for t in found["trials"]], showgrid=False,
            ),
            axis(
                "", tickmode="array", tickvals=places, ticktext=names,
                autorange="reversed", showgrid=False,
            ),
            height=420,
        ),
        head=["", *(f"trial {t}" for t in found["trials"])],
        rows=[
            [f"{t} · {k}", *row]
            for t, k, row in zip(
                found["titles"], found["trials"], matrix, strict=True
            )
        ],
    )  # fmt: skip
