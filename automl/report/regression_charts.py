"""Facts of a regression's errors to charts."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from automl.facts.verdict import figure
from automl.report.plots import axis, chart, label, layout, line, markers

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["REGRESSION"]

Chart = dict[str, Any]

FAR = 6.0
"""Standard deviations from which an error is none of a normal distribution: two in a
billion."""


def _scatter(found: Mapping[str, Any], target: str) -> Chart:
    points, errors = found["scatter"], found["errors"]
    both = [*points["actual"], *points["predicted"]]
    ends = [min(both), max(both)]
    hover = "predicted %{x:.5g}<br>actual %{y:.5g}<extra></extra>"
    shown = len(points["actual"])
    return chart(
        "predicted-actual",
        "Predicted against actual",
        f"R² is {figure(errors['r2'])} and the mean absolute error "
        f"{figure(errors['mae'])}. {shown:,} of {found['n_scored']:,} held-out rows "
        "are drawn; on the dotted line a prediction is right.",
        [
            markers(
                points["predicted"], points["actual"], "$s1",
                marker={"size": 5, "opacity": 0.45}, hovertemplate=hover,
            ),
            line(
                ends, ends, "$ink",
                line={"dash": "dot", "width": 1}, hoverinfo="skip",
            ),
        ],
        layout(axis("predicted"), axis(f"actual {label(target)}")),
        head=["measure", "value"],
        rows=[[k.replace("_", " "), v] for k, v in errors.items()],
    )  # fmt: skip


def _tenths(found: Mapping[str, Any], target: str) -> Chart:
    facts = found["tenths"]
    x = facts["predicted"]
    skip = {"hoverinfo": "skip"}
    rows = list(
        zip(x, facts["low"], facts["median"], facts["high"], facts["rows"], strict=True)
    )
    widest = max(rows, key=lambda r: r[3] - r[1])
    points = found["scatter"]
    gaps = [a - p for a, p in zip(points["actual"], points["predicted"], strict=True)]
    return chart(
        "residual-tenths",
        "Residuals against predictions",
        "A point is a row; in tenths of the rows, the band holds eight of ten errors "
        "and the line is their median. It is widest "
        f"around a prediction of {figure(widest[0])}: {figure(widest[1])} to "
        f"{figure(widest[3])}.",
        [
            markers(
                points["predicted"], gaps, "$s8",
                marker={"size": 4, "opacity": 0.3}, **skip,
            ),
            line(x, facts["high"], "$s1", line={"width": 0}, **skip),
            line(
                x, facts["low"], "$s1", line={"width": 0},
                fill="tonexty", fillcolor="$band", **skip,
            ),
            line(
                x, facts["median"], "$s1", mode="lines+markers",
                hovertemplate="predicted %{x:.5g}<br>"
                "median error %{y:.5g}<extra></extra>",
            ),
        ],
        layout(
            axis(f"predicted {label(target)}"),
            axis("actual − predicted", zeroline=True),
        ),
        head=["predicted", "10 % below", "median error", "90 % below", "rows"],
        rows=rows,
    )  # fmt: skip


def _residuals(found: Mapping[str, Any], _: str) -> Chart:
    facts, errors = found["residuals"], found["errors"]
    edges, counts = facts["edges"], facts["counts"]
    middles = [(a + b) / 2 for a, b in pairwise(edges)]
    outside = (
        f" {facts['outside']:,} rows lie outside the picture."
        if facts["outside"]
        else ""
    )
    return chart(
        "residuals",
        "Distribution of errors",
        f"Half of the errors are smaller than {figure(errors['median_ae'])}; their "
        f"mean is {figure(errors['mean'])}.{outside}",
        [
            {
                "type": "bar",
                "x": middles,
                "y": counts,
                "marker": {"color": "$s1"},
                "hovertemplate": "%{x:.5g}: %{y:,} rows<extra></extra>",
            }
        ],
        layout(axis("actual − predicted"), axis("rows"), bargap=0.05),
        head=["from", "to", "rows"],
        rows=list(zip(edges, edges[1:], counts, strict=False)),
    )


def _by_actual(found: Mapping[str, Any], target: str) -> Chart:
    facts = found["by_actual"]
    rows = list(
        zip(
            facts["low"], facts["high"], facts["mae"], facts["bias"], facts["rows"],
            strict=True,
        )
    )  # fmt: skip
    worst = max(rows, key=lambda r: r[2])
    places = list(range(1, len(rows) + 1))
    return chart(
        "error-deciles",
        "Error by decile of the actual value",
        f"Errors are largest for actual values from {figure(worst[0])} to "
        f"{figure(worst[1])}: {figure(worst[2])} on average. The diamond is the mean "
        "error with its sign: above zero the model predicts too little.",
        [
            {
                "type": "bar", "name": "mean absolute error",
                "x": places, "y": facts["mae"], "marker": {"color": "$s1"},
                "hovertemplate": "tenth %{x}: %{y:.5g}<extra></extra>",
            },
            markers(
                places, facts["bias"], "$s2", name="mean error",
                marker={"symbol": "diamond", "size": 9, "opacity": 1},
                hovertemplate="tenth %{x}: %{y:.5g}<extra></extra>",
            ),
        ],
        layout(
            axis(f"tenth of the rows by actual {label(target)}", dtick=1),
            axis("error", zeroline=True),
            showlegend=True,
            bargap=0.25,
        ),
        head=["actual from", "to", "mean absolute error", "mean error", "rows"],
        rows=rows,
    )  # fmt: skip


def _normal(found: Mapping[str, Any], _: str) -> Chart:
    facts = found["normal"]
    x, y = facts["x"], facts["y"]
    mean, sd = found["errors"]["mean"], facts["sd"]
    ends = [x[0], x[-1]]
    spread = abs(y[0] - mean) + abs(y[-1] - mean)
    heavy = spread > 1.25 * sd * (ends[1] - ends[0]) or facts["far"] > FAR * sd
    told = (
        "The points leave the line at the ends: large errors are more frequent than a "
        "normal distribution has them."
        if heavy
        else "On the line, errors are as a normal distribution has them."
    )
    return chart(
        "normal",
        "Errors against a normal distribution",
        told,
        [
            line(
                ends, [mean + sd * e for e in ends], "$muted",
                line={"dash": "dot", "width": 1}, hoverinfo="skip",
            ),
            markers(
                x, y, "$s1", marker={"size": 5},
                hovertemplate="%{x:.3g}: %{y:.5g}<extra></extra>",
            ),
        ],
        layout(axis("quantile of a normal distribution"), axis("actual − predicted")),
        head=["normal quantile", "error"],
        rows=[[x[i], y[i]] for i in range(0, len(x), max(1, len(x) // 20))],
    )  # fmt: skip


REGRESSION = {
    "scatter": _scatter,
    "tenths": _tenths,
    "residuals": _residuals,
    "by_actual": _by_actual,
    "normal": _normal,
}
"""Key of the facts of performance to what draws it."""
