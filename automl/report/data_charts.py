"""Facts of the table to charts: the target, gaps, levels."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from automl.facts.compact import shorten
from automl.facts.verdict import figure
from automl.report.plots import axis, chart, label, layout

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["data_charts"]

Chart = dict[str, Any]


def data_charts(facts: Mapping[str, Any]) -> list[Chart]:
    """Return the charts of the data; empty for facts from before there were any."""
    found = facts.get("data")
    if not found:
        return []
    target = found["target"]
    name = facts["run"]["target"]
    charts = [_classes(target) if "labels" in target else _numbers(target, name)]
    if found["missing"]:
        charts.append(_missing(found, facts["run"]["n_columns"]))
    if found["distinct"]:
        charts.append(_levels(found))
    return charts


def _bars(
    names: Sequence[str], values: Sequence[float], title: str, hover: str, **more: Any
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    places = list(range(len(names)))[::-1]
    trace = {
        "type": "bar", "orientation": "h", "x": list(values), "y": places,
        "marker": {"color": "$s1"}, "hovertemplate": hover,
    }  # fmt: skip
    form = layout(
        axis(title, rangemode="tozero", **more),
        axis(
            "",
            tickmode="array",
            tickvals=places,
            ticktext=[label(n, 22) for n in names],
        ),
        height=100 + 24 * len(names),
        bargap=0.3,
    )
    return [trace], form


def _classes(target: Mapping[str, Any]) -> Chart:
    labels, counts = target["labels"], target["counts"]
    total = max(sum(counts), 1)
    rarest, n_rarest = target.get("rarest") or (labels[-1], counts[-1])
    traces, form = _bars(labels, counts, "rows", "%{x:,} rows<extra></extra>")
    return chart(
        "target",
        "Classes of the target",
        f"“{shorten(str(labels[0]), 60)}” is the commonest, {counts[0] / total:.1%} of "
        f"the rows; “{shorten(str(rarest), 60)}” the rarest, {n_rarest / total:.1%}.",
        traces,
        form,
        head=["class", "rows", "share"],
        rows=[[n, c, f"{c / total:.1%}"] for n, c in zip(labels, counts, strict=True)],
    )


def _numbers(target: Mapping[str, Any], name: str) -> Chart:
    edges, counts = target["edges"], target["counts"]
    outside = target["outside"]
    tail = f" {outside:,} extreme rows lie outside the picture." if outside else ""
    return chart(
        "target",
        "Values of the target",
        f"Half of the rows are below {figure(target['median'])}; the mean is "
        f"{figure(target['mean'])}.{tail}",
        [
            {
                "type": "bar",
                "x": [(a + b) / 2 for a, b in pairwise(edges)],
                "y": counts,
                "marker": {"color": "$s1"},
                "hovertemplate": "%{x:.5g}: %{y:,} rows<extra></extra>",
            }
        ],
        layout(axis(label(name)), axis("rows"), bargap=0.05),
        head=["from", "to", "rows"],
        rows=list(zip(edges, edges[1:], counts, strict=False)),
    )


def _missing(found: Mapping[str, Any], n_columns: int) -> Chart:
    rows = found["missing"]
    traces, form = _bars(
        [r[0] for r in rows], [r[1] for r in rows], "share of the rows",
        "%{x:.1%} missing<extra></extra>", tickformat=".0%",
    )  # fmt: skip
    more = (
        f" The first {len(rows)} are drawn." if found["n_missing"] > len(rows) else ""
    )
    return chart(
        "missing",
        "Missing values",
        f"{found['n_missing']:,} of {n_columns:,} columns have gaps; "
        f"“{shorten(str(rows[0][0]), 60)}” in {rows[0][1]:.1%} of the rows.{more}",
        traces,
        form,
        head=["column", "missing"],
        rows=[[n, f"{share:.2%}"] for n, share in rows],
    )


def _levels(found: Mapping[str, Any]) -> Chart:
    rows = found["distinct"]
    traces, form = _bars(
        [r[0] for r in rows], [r[1] for r in rows], "different values",
        "%{x:,}<extra></extra>", type="log" if rows[0][1] > 200 else "linear",
    )  # fmt: skip
    if rows[0][1] > 200:
        form["xaxis"].pop("rangemode")
        form["xaxis"]["dtick"] = 1
    more = (
        f" The first {len(rows)} are drawn." if found["n_distinct"] > len(rows) else ""
    )
    return chart(
        "levels",
        "Levels of categories",
        f"“{shorten(str(rows[0][0]), 60)}” has most: {rows[0][1]:,} different "
        f"values.{more}",
        traces,
        form,
        head=["column", "different values"],
        rows=rows,
    )
