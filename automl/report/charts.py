"""Facts of the winner to charts: a figure, a sentence on what is seen, a table."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from automl.facts.compact import shorten, spread
from automl.facts.verdict import figure
from automl.report.plots import axis, chart, label, layout, line, markers

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["importance_chart", "performance_charts"]

Chart = dict[str, Any]

MAX_BARS = 25
"""Columns drawn in the chart of importance."""

TABLE_POINTS = 21
"""Rows of a curve's table."""

UNIT = {"range": [-0.02, 1.02]}


def performance_charts(facts: Mapping[str, Any]) -> list[Chart]:
    """Return the charts about the winner's held-out predictions."""
    found = facts["performance"]
    makers = {
        "roc": _roc,
        "pr": _precision_recall,
        "calibration": _calibration,
        "histogram": _histogram,
        "scatter": _scatter,
        "tenths": _tenths,
        "residuals": _residuals,
    }
    target = facts["run"]["target"]
    return [make(found, target) for key, make in makers.items() if key in found]


def _pick(curve: Mapping[str, Any]) -> list[list[float]]:
    places = spread(len(curve["x"]), TABLE_POINTS)
    return [[curve["x"][i], curve["y"][i]] for i in places]


def _roc(found: Mapping[str, Any], _: str) -> Chart:
    curve, folds = found["roc"], found["fold_rocs"]
    positive = shorten(str(found["positive"]), 60)
    areas = [f["area"] for f in folds]
    span = (
        f"; between {figure(min(areas))} and {figure(max(areas))} in single folds"
        if len(areas) > 1
        else ""
    )
    traces = [
        line(
            [0, 1], [0, 1], "$muted", line={"dash": "dot", "width": 1}, hoverinfo="skip"
        )
    ]
    traces += [
        line(f["x"], f["y"], "$s2", line={"width": 1}, opacity=0.4, hoverinfo="skip")
        for f in folds
    ]
    hover = "false alarms %{x:.3f}<br>found %{y:.3f}<extra></extra>"
    traces.append(line(curve["x"], curve["y"], "$s1", hovertemplate=hover))
    return chart(
        "roc",
        "ROC curve",
        f"The area under the curve is {figure(curve['area'])}{span}; a guess would "
        f"have 0.5. The positive class is “{positive}”.",
        traces,
        layout(axis("false positive rate", **UNIT), axis("true positive rate", **UNIT)),
        head=["false positive rate", "true positive rate"],
        rows=_pick(curve),
    )


def _precision_recall(found: Mapping[str, Any], _: str) -> Chart:
    curve = found["pr"]
    share = curve["share"]
    hover = "found %{x:.3f}<br>right %{y:.3f}<extra></extra>"
    return chart(
        "pr",
        "Precision and recall",
        f"Average precision is {figure(curve['area'])}; a guess would have "
        f"{figure(share)}, the share of the positive class.",
        [
            line(
                [0, 1], [share, share], "$muted",
                line={"dash": "dot", "width": 1}, hoverinfo="skip",
            ),
            line(curve["x"], curve["y"], "$s1", hovertemplate=hover),
        ],
        layout(axis("recall", **UNIT), axis("precision", **UNIT)),
        head=["recall", "precision"],
        rows=_pick(curve),
    )  # fmt: skip


def _calibration(found: Mapping[str, Any], _: str) -> Chart:
    facts = found["calibration"]
    pairs = list(zip(facts["predicted"], facts["observed"], facts["rows"], strict=True))
    total = sum(n for *_, n in pairs)
    gap = sum(abs(p - o) * n for p, o, n in pairs) / total
    hover = "predicted %{x:.3f}<br>observed %{y:.3f}<extra></extra>"
    return chart(
        "calibration",
        "Calibration",
        f"Predicted and observed shares differ by {figure(gap)} on average, over "
        "tenths of the rows. On the dotted line a probability means what it says.",
        [
            line(
                [0, 1], [0, 1], "$muted",
                line={"dash": "dot", "width": 1}, hoverinfo="skip",
            ),
            line(
                facts["predicted"], facts["observed"], "$s1",
                mode="lines+markers", marker={"size": 7}, hovertemplate=hover,
            ),
        ],
        layout(
            axis("mean predicted probability", **UNIT), axis("observed share", **UNIT)
        ),
        head=["predicted", "observed", "rows"],
        rows=pairs,
    )  # fmt: skip


def _histogram(found: Mapping[str, Any], _: str) -> Chart:
    facts = found["histogram"]
    edges, counts, names = facts["edges"], facts["counts"], facts["labels"]
    middles = [(a + b) / 2 for a, b in pairwise(edges)]
    totals = [max(sum(c), 1) for c in counts]
    shares = [
        [n / t for n in c] for c, t in zip(counts, totals, strict=True)
    ]  # each class to 1: a rare one is seen
    traces: list[dict[str, Any]] = [
        {
            "type": "bar",
            "name": label(name),
            "x": middles,
            "y": share,
            "marker": {"color": color, "pattern": {"shape": shape, "solidity": 0.4}},
            "hovertemplate": "%{x:.3f}: %{y:.1%}<extra></extra>",
        }
        for name, share, color, shape in zip(
            names, shares, ("$s2", "$s1"), ("/", ""), strict=True
        )
    ]
    half = len(middles) // 2
    low, high = sum(shares[0][:half]), sum(shares[1][half:])
    return chart(
        "scores",
        "Predicted probabilities by class",
        f"{low:.0%} of “{shorten(str(names[0]), 40)}” are predicted below 0.5 and "
        f"{high:.0%} of “{shorten(str(names[1]), 40)}” from 0.5 on.",
        traces,
        layout(
            axis("predicted probability", **UNIT),
            axis("share of the class", tickformat=".0%"),
            barmode="group",
            bargap=0.1,
            showlegend=True,
        ),
        head=["from", "to", *(str(n) for n in names)],
        rows=list(zip(edges, edges[1:], *counts, strict=False)),
    )


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
    return chart(
        "residual-tenths",
        "Error by size of the prediction",
        "In tenths of the rows, the band holds eight of ten errors. It is widest "
        f"around a prediction of {figure(widest[0])}: {figure(widest[1])} to "
        f"{figure(widest[3])}.",
        [
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


def importance_chart(facts: Mapping[str, Any]) -> Chart | None:
    """Return the bars of importance, or None if it was not measured."""
    found = facts["importance"]
    if found is None:
        return None
    rows = found["rows"]
    top = rows[:MAX_BARS][::-1]
    places = list(range(len(top)))
    more = f" The first {len(top)} are drawn." if len(rows) > len(top) else ""
    return chart(
        "importance",
        "Importance of columns",
        f"“{shorten(rows[0][0], 60)}” matters most: without it the score would be "
        f"{figure(rows[0][1])} worse.{more}",
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
            axis(
                "",
                tickmode="array",
                tickvals=places,
                ticktext=[label(r[0], 22) for r in top],
            ),
            height=90 + 24 * len(top),
            bargap=0.3,
        ),
        head=["column", "drop of the score", "± sd"],
        rows=rows,
        size="full",
    )
