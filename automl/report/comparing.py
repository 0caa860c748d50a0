"""Several runs to one page: `automl.compare_reports`, and what it draws."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl.exceptions import AutoMLConfigError, AutoMLDataError
from automl.facts import FORMAT
from automl.facts.comparison import MAX_RUNS, compare_runs
from automl.facts.verdict import figure
from automl.report import page
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
from automl.report.writing import Report, checked_path, json_text, write_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["compare_reports", "read_facts", "render_comparison"]

DASHES = ("solid", "dash", "dot", "dashdot")
"""Line styles: colour alone never tells."""

NAMES = ("facts.json", "report.json")
"""Where a run's folder has its facts; the first is written by the run itself."""

Chart = dict[str, Any]


def compare_reports(runs: Sequence[str | Path], path: str | Path) -> Report:
    """Write a page that has several runs side by side.

    Parameters
    ----------
    runs : sequence of str or Path
        Folders of finished runs, or their ``report.json``; 2 to 20.
    path : str or Path
        Where: ``.html`` the page, ``.json`` what it is made of. Folders are made.

    Returns
    -------
    Report
        The path, which a notebook shows as the page.

    Raises
    ------
    AutoMLConfigError
        If there are too few or too many runs (``E-compare``), or the path cannot be one
        (``E-report-path``).
    AutoMLDataError
        If one of them is no finished run (``E-file``), or a newer version wrote it
        (``E-report-format``).

    Examples
    --------
    >>> from automl import compare_reports
    >>> compare_reports(["runs/bank"], "compare.html")
    Traceback (most recent call last):
    ...
    automl.exceptions.AutoMLConfigError: 2 to 20 runs are compared, and 1 was given.
    """
    target = checked_path(path, (".html", ".htm", ".json"))
    if isinstance(runs, str | Path) or not 2 <= len(runs) <= MAX_RUNS:
        n = 1 if isinstance(runs, str | Path) else len(runs)
        verb = "was" if n == 1 else "were"
        raise AutoMLConfigError(
            f"2 to {MAX_RUNS} runs are compared, and {n} {verb} given.",
            code="E-compare",
        )
    found = compare_runs([read_facts(Path(run).expanduser()) for run in runs])
    if target.suffix.lower() == ".json":
        return write_text(json_text(found), target)
    return write_text(render_comparison(found), target)


def read_facts(run: Path) -> tuple[str, dict[str, Any]]:
    """Return the name and the facts of a run, given its folder or its ``report.json``.

    Raises
    ------
    AutoMLDataError
        If there are none (``E-file``), or a newer version wrote them
        (``E-report-format``).
    """
    files = [run / name for name in NAMES] if run.is_dir() else [run]
    path = next((file for file in files if file.is_file()), None)
    if path is None:
        raise AutoMLDataError(
            f"{run} holds no facts of a finished run; the folder of a run, or its "
            "report.json, was expected.",
            code="E-file",
        )
    try:
        facts = json.loads(path.read_text("utf-8"))
    except ValueError:
        facts = None
    if not isinstance(facts, dict) or not {"run", "progress", "verdict"} <= set(facts):
        raise AutoMLDataError(
            f"{path} is not a report in JSON, or damaged.", code="E-file"
        )
    if facts.get("format") != FORMAT:
        raise AutoMLDataError(
            f"{path} has format {facts.get('format')!r}; this version reads {FORMAT}. "
            "Upgrade automl-pipelines.",
            code="E-report-format",
        )
    whole = run.resolve()
    if not run.is_dir():
        whole = whole.parent if whole.name in NAMES else whole.with_suffix("")
    return whole.name or str(run), facts


def render_comparison(found: Mapping[str, Any]) -> str:
    """Return the page of a comparison.

    Parameters
    ----------
    found : dict
        As `automl.facts.comparison.compare_runs` returns; nothing else is needed.
    """
    scores, curves = [], []
    for i, metric in enumerate(found["metrics"]):
        scores.append(_scores(found, metric, f"scores-{i}"))
        if any(found["curves"][j]["best"]["number"] for j in metric["runs"]):
            over = (("seconds", "best"), ("number", "best_by_number"))
            curves.append(
                [_curves(found, metric, k, b, f"curves-{i}-{k}") for k, b in over]
            )
    drawn = [*scores, *(c for pair in curves for c in pair)]
    charts = {"scores": scores, "curves": curves}
    return page("compare.html.jinja", drawn, found=found, charts=charts)


def _scores(found: Mapping[str, Any], metric: Mapping[str, Any], name: str) -> Chart:
    """Return the runs' scores with their intervals."""
    runs = [found["runs"][i] for i in metric["runs"]]
    known = [r for r in runs if r["natural"] is not None]
    places = [len(runs) - 1 - runs.index(r) for r in known]
    titles = [f"{r['letter']} {r['name']}" for r in runs]
    up = [
        (r["high"] if r["high"] is not None else r["natural"]) - r["natural"]
        for r in known
    ]
    down = [
        r["natural"] - (r["low"] if r["low"] is not None else r["natural"])
        for r in known
    ]
    return chart(
        name,
        f"{metric['label']} of the winners",
        f"{_leads(known, metric['sign'])} The lines are the intervals that the table "
        "names; a hollow mark is a raw score, not corrected for the choice.",
        [
            markers(
                [r["natural"] for r in known], places, "$s1",
                marker={"size": 9, "symbol": [
                    "circle-open" if r["kind"] == "raw" else "circle" for r in known
                ]},
                error_x={"type": "data", "symmetric": False, "array": up,
                         "arrayminus": down, "color": "$muted", "thickness": 1.5},
                text=[label(f"{r['letter']} {r['name']}") for r in known],
                hovertemplate="%{text}: %{x:.5g}<extra></extra>",
            )
        ],
        layout(
            axis(f"{metric['label']} ({metric['better']} is better)"),
            axis("", tickmode="array", tickvals=list(range(len(runs) - 1, -1, -1)),
                 ticktext=[label(t, 24) for t in titles],
                 range=[-0.6, len(runs) - 0.4]),
            height=110 + 30 * len(runs),
        ),
        head=["run", metric["label"], "from", "to", "interval"],
        rows=[[t, r["natural"], r["low"], r["high"], r["interval"]]
              for t, r in zip(titles, runs, strict=True)],
        size="full",
    )  # fmt: skip


def _leads(known: Sequence[Mapping[str, Any]], sign: int) -> str:
    """Return which run leads: none where tables or kinds of scores differ."""
    if not known:
        return "No run has a score."
    if len(known) == 1:
        return f"{known[0]['letter']} has {figure(known[0]['natural'])}."
    if len({r["table"] for r in known}) > 1:
        return "None leads, as the runs worked on different tables."
    if len({r["kind"] for r in known}) > 1:
        return "None leads, as the scores are of different kinds."
    best = max(known, key=lambda r: sign * r["natural"])
    return f"{best['letter']} has the best score, {figure(best['natural'])}."


def _curves(
    found: Mapping[str, Any], metric: Mapping[str, Any], key: str, best: str, name: str
) -> Chart:
    """Return the best so far of each run with this metric."""
    traces, rows, tails = [], [], []
    for i in metric["runs"]:
        run, curve = found["runs"][i], found["curves"][i]
        x, y = curve[best][key], curve[best]["natural"]
        if not x:
            continue
        title = f"{run['letter']} {run['name']}"
        end = max(curve["last_s" if key == "seconds" else "last_number"], x[-1])
        tails += y[len(y) // 2 :]
        traces.append(
            line(
                [*x, end],
                [*y, y[-1]],
                SERIES[i % len(SERIES)],
                name=label(title, 24),
                mode="lines+markers",
                line={"shape": "hv", "dash": DASHES[i // 2 % len(DASHES)]},
                marker={"symbol": SYMBOLS[i % len(SYMBOLS)], "size": 6},
                hovertemplate=f"{label(title)}, %{{x:.4g}}: %{{y:.5g}}<extra></extra>",
            )
        )
        rows += [[title, *pair] for pair in zip(x, y, strict=True)]
    where = "seconds" if key == "seconds" else "configurations"
    return chart(
        name,
        f"Best {metric['label']} so far over {where}",
        "The first improvements of each run may lie outside the picture; the table has "
        "them all.",
        traces,
        layout(
            axis("seconds since the start" if key == "seconds" else "configuration"),
            axis(f"{metric['label']} ({metric['better']} is better)",
                 range=_span(tails)),
            showlegend=True,
            height=440,
        ),
        head=["run", where, f"best {metric['label']}"],
        rows=rows,
        size="full",
    )  # fmt: skip


def _span(values: Sequence[float]) -> list[float] | None:
    """Return the range of the later halves of the curves."""
    if not values or min(values) == max(values):
        return None
    pad = 0.08 * (max(values) - min(values))
    return [min(values) - pad, max(values) + pad]
