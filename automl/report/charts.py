"""Facts of the winner to charts: a figure, a sentence on what is seen, a table."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from automl.facts.compact import rounded, shorten, spread
from automl.facts.decisions import best_f1
from automl.facts.verdict import figure
from automl.report.plots import SERIES, axis, chart, label, layout, line
from automl.report.regression_charts import REGRESSION

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["performance_charts"]

Chart = dict[str, Any]

TABLE_POINTS = 21
"""Rows of a curve's table."""

CURVE_POINTS = 100
"""Thresholds drawn; the explorer has all of them."""

UNIT = {"range": [-0.02, 1.02]}


def performance_charts(facts: Mapping[str, Any]) -> list[Chart]:
    """Return the charts about the winner's held-out predictions."""
    found = facts["performance"]
    makers = {
        "roc": _roc,
        "pr": _precision_recall,
        "calibration": _calibration,
        "histogram": _histogram,
        "gains": _gains,
        "thresholds": _thresholds,
        "one_vs_rest": _one_vs_rest,
        **REGRESSION,
    }
    target = facts["run"]["target"]
    return [make(found, target) for key, make in makers.items() if found.get(key)]


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


def _gains(found: Mapping[str, Any], _: str) -> Chart:
    curve, share = found["gains"], found["pr"]["share"]
    positive = shorten(str(found["positive"]), 60)
    tenth = min(range(len(curve["x"])), key=lambda i: abs(curve["x"][i] - 0.1))
    lift = curve["y"][tenth] / max(curve["x"][tenth], 1e-9)
    hover = "%{x:.0%} of rows: %{y:.1%} found<extra></extra>"
    places = range(0, len(curve["x"]), 10)
    return chart(
        "gains",
        "Cumulative gains and lift",
        f"The tenth of the rows with the highest scores holds {curve['y'][tenth]:.0%} "
        f"of “{positive}”: {lift:.1f} times as many as by chance (lift).",
        [
            line(
                [0, 1], [0, 1], "$muted", name="chance",
                line={"dash": "dot", "width": 1}, hoverinfo="skip",
            ),
            line(
                [0, share, 1], [0, 1, 1], "$muted", name="perfect",
                line={"dash": "dash", "width": 1}, hoverinfo="skip",
            ),
            line(curve["x"], curve["y"], "$s1", name="winner", hovertemplate=hover),
        ],
        layout(
            axis("share of rows, highest scores first", tickformat=".0%", **UNIT),
            axis("share of the positive class found", tickformat=".0%", **UNIT),
            showlegend=True,
        ),
        head=["share of rows", "found", "lift"],
        rows=[
            [f"{curve['x'][i]:.0%}", f"{curve['y'][i]:.1%}",
             curve["y"][i] / curve["x"][i] if curve["x"][i] else None]
            for i in places
        ],
    )  # fmt: skip


def _thresholds(found: Mapping[str, Any], _: str) -> Chart:
    facts = found["thresholds"]
    drawn = spread(len(facts["at"]), CURVE_POINTS).tolist()
    rates = [decided(facts, i) for i in drawn]
    best = best_f1(facts)
    at = [facts["at"][i] for i in drawn]
    names = ("precision", "recall", "F1", "accuracy")
    keys = ("precision", "recall", "f1", "accuracy")
    dashes = ("solid", "dash", "dot", "dashdot")
    places = spread(len(at), TABLE_POINTS)
    return chart(
        "thresholds",
        "What a threshold decides",
        f"F1 is highest, {figure(decided(facts, best)['f1'])}, when “"
        f"{shorten(str(found['positive']), 60)}” is predicted from a probability of "
        f"{facts['at'][best]:.3g} on. Chosen on these rows, it is a little optimistic.",
        [
            line(
                at, [rounded(r[key], 4) for r in rates], SERIES[i], name=name,
                line={"dash": dashes[i]},
                hovertemplate=f"%{{x:.3f}}: {name} %{{y:.3f}}<extra></extra>",
            )
            for i, (name, key) in enumerate(zip(names, keys, strict=True))
        ],
        layout(axis("threshold", **UNIT), axis("", **UNIT), showlegend=True),
        head=["threshold", *names],
        rows=[[f"{at[i]:.3g}", *(rates[i][k] for k in keys)] for i in places],
    )  # fmt: skip


def decided(facts: Mapping[str, Any], place: int) -> dict[str, Any]:
    """Return what a threshold decides: four counts and what follows from them.

    Parameters
    ----------
    facts : dict
        As `automl.facts.decisions.thresholds` returns.
    place : int
        Which of the thresholds.

    Examples
    --------
    >>> facts = {"tp": [2], "fp": [1], "positives": 3, "negatives": 5}
    >>> decided(facts, 0)["fn"], decided(facts, 0)["accuracy"]
    (1, 0.75)
    """
    tp, fp = facts["tp"][place], facts["fp"][place]
    fn, tn = facts["positives"] - tp, facts["negatives"] - fp
    return {
        "tp": tp, "fp": fp, "fn": fn, "tn": tn,
        "precision": tp / (tp + fp) if tp + fp else None,
        "recall": tp / (tp + fn) if tp + fn else None,
        "f1": 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else None,
        "accuracy": (tp + tn) / max(tp + fp + fn + tn, 1),
    }  # fmt: skip


def _one_vs_rest(found: Mapping[str, Any], _: str) -> Chart:
    curves = found["one_vs_rest"]
    worst = min(curves, key=lambda c: c["area"])
    dashes = ("solid", "dash", "dot", "dashdot")
    traces = [
        line(
            [0, 1], [0, 1], "$muted", name="guess", showlegend=False,
            line={"dash": "dot", "width": 1}, hoverinfo="skip",
        )
    ]  # fmt: skip
    traces += [
        line(
            c["x"], c["y"], SERIES[i % len(SERIES)], name=label(c["label"], 18),
            line={"dash": dashes[i // 2 % len(dashes)]},
            hovertemplate="%{x:.3f}, %{y:.3f}<extra></extra>",
        )
        for i, c in enumerate(curves)
    ]  # fmt: skip
    more = " The commonest classes are drawn." if len(curves) >= 8 else ""
    return chart(
        "one-vs-rest",
        "Each class against all others",
        f"Hardest to tell apart is “{shorten(str(worst['label']), 60)}”, with an area "
        f"of {figure(worst['area'])} under its ROC curve.{more}",
        traces,
        layout(
            axis("false positive rate", **UNIT),
            axis("true positive rate", **UNIT),
            showlegend=True,
            height=420,
        ),
        head=["class", "area under the curve"],
        rows=[[c["label"], c["area"]] for c in curves],
    )
