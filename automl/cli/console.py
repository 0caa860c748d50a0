"""What the command writes to standard output: tables of 80 columns, and JSON.

Beside the command, at the upper end of the way of the data. It imports nothing that
takes time.
"""

from __future__ import annotations

import json
import math
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from automl.cli.gate import show_checks

__all__ = ["WIDTH", "figure", "plain_value", "print_json", "print_table", "show_fit"]

TOP_ROWS = 10
"""Rows of the leaderboard on the terminal; all stand in its file."""

WIDTH = 80
"""Columns where standard output is no terminal."""


def figure(value: Any, digits: int = 4) -> str:
    """Return a number for people; a dash if there is none.

    Examples
    --------
    >>> figure(0.123456), figure(float("nan")), figure(None)
    ('0.1235', '–', '–')
    """
    return "–" if value is None or math.isnan(value) else f"{value:.{digits}g}"


def plain_value(value: Any) -> str:
    """Return a JSON value as words.

    Examples
    --------
    >>> plain_value({"a": 1, "b": ["x", 2.0]}), plain_value(True), plain_value(None)
    ('a 1, b (x, 2)', 'yes', '–')
    """
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return figure(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_nested(v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_nested(v) for v in value)
    return str(value)


def _nested(value: Any) -> str:
    text = plain_value(value)
    return f"({text})" if isinstance(value, Mapping | list | tuple) else text


def print_json(content: Mapping[str, Any]) -> None:
    """Write one JSON object."""
    sys.stdout.write(json.dumps(content, indent=2, default=str, allow_nan=False) + "\n")


def print_table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    gap: int = 2,
    wrap: bool = True,
) -> None:
    """Write a table that fits the terminal; figures stand on the right.

    Parameters
    ----------
    head : sequence of str
        Names of the columns; without any, no line of them.
    rows : sequence of sequences of str
        The cells.
    gap : int, default=2
        Spaces between columns.
    wrap : bool, default=True
        Whether a long cell takes more lines; else the last column is cut.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=None,
        padding=(0, gap, 0, 0),
        show_header=any(head),
        pad_edge=False,
        header_style="bold",
    )
    for i, name in enumerate(head):
        cells = [row[i] for row in rows]
        right = all(_is_figure(cell) for cell in cells)
        fixed = not wrap and i < len(head) - 1
        table.add_column(
            Text(name),
            justify="right" if right else "left",
            no_wrap=not wrap,
            min_width=max(map(len, (name, *cells))) if fixed else None,
        )
    for row in rows:
        table.add_row(*[Text(cell) for cell in row])
    width = None if sys.stdout.isatty() else WIDTH
    Console(file=sys.stdout, width=width, highlight=False).print(table)


def _is_figure(cell: str) -> bool:
    try:
        float(cell.replace("–", "0"))
    except ValueError:
        return False
    return True


def show_fit(
    model: Any, paths: Mapping[str, str], *, as_json: bool, said: bool = False
) -> None:
    """Write the end of a fit: verdict, leaderboard, paths and what to do next.

    Parameters
    ----------
    model : AutoML
        Fitted.
    paths : mapping
        ``run``, ``report``, ``model``, ``leaderboard``.
    as_json : bool
        One JSON object instead.
    said : bool, default=False
        Whether the verdict already stands on the same terminal.
    """
    board, metric = model.leaderboard_, model.metric_
    if as_json:
        print_json(_facts(model, paths))
        return
    verdict = "" if said else textwrap.fill(model.summary_, WIDTH) + "\n"
    sys.stdout.write(verdict + "\n")
    head = ["rank", "candidate", metric.name, "±", "fit s", "status", "origin"]
    top = board.head(TOP_ROWS).to_dict(orient="records")
    print_table(head, [_board_row(row) for row in top], wrap=False)
    if len(board) > TOP_ROWS:
        rest = f"{len(board) - TOP_ROWS} more in {paths['leaderboard']}"
        sys.stdout.write(f"… and {rest}\n")
    sys.stdout.write(_ending(model.facts_.get("estimate"), metric.name))
    show_checks(model.checks_)
    sys.stdout.write(f"\nReport  {paths['report']}\nModel   {paths['model']}\n")
    sys.stdout.write(
        f"Next    automl predict {paths['run']} NEW.csv -o predictions.csv\n"
    )


def _ending(estimate: Mapping[str, Any] | None, metric: str) -> str:
    """Return what to expect on new rows, beneath the board of selection scores."""
    board = "The board shows selection scores (optimistic)."
    if estimate is None or estimate["natural"] is None:
        return f"\n{board}\n"
    low, high = figure(estimate["low"]), figure(estimate["high"])
    text = (
        f"{board} On new rows, expect {metric} {figure(estimate['natural'])}, "
        f"{100 * estimate['level']:.0f} % interval {low} to {high}."
    )
    if estimate.get("method") == "naive":
        text += " This is optimistic: the selection could not be repeated."
    if estimate["warning"]:
        text += f" {estimate['warning']}"
    return f"\n{textwrap.fill(text, WIDTH)}\n"


def _facts(model: Any, paths: Mapping[str, str]) -> dict[str, Any]:
    board = model.leaderboard_
    return {
        "summary": model.summary_,
        "task": model.task_,
        "metric": model.metric_.name,
        "score": _number(model.best_score_),
        "value": _number(model.metric_.natural(model.best_score_)),
        "estimate": model.facts_.get("estimate"),
        "winner": "ensemble" if len(model.weights_) > 1 else model.best_candidate_,
        "best_candidate": model.best_candidate_,
        "params": model.best_params_,
        "temperature": model.facts_["temperature"],
        "factors": model.facts_.get("factors"),
        "weights": {str(k): v for k, v in model.weights_.items()},
        "checks": [found.as_json() for found in model.checks_],
        "interrupted": model.interrupted_,
        "paths": dict(paths),
        "leaderboard": json.loads(board.to_json(orient="records")),
    }


def _number(value: float) -> float | None:
    """Return a number that JSON can hold; the small model has no score."""
    return value if math.isfinite(value) else None


def _board_row(row: Mapping[str, Any]) -> list[str]:
    return [
        str(row["rank"]) if str(row["rank"]).isdecimal() else "–",
        str(row["candidate"]),
        figure(row["value"]),
        figure(row["score_std"], 2),
        f"{row['fit_s']:.2f}",
        str(row["status"]),
        str(row["origin"]).removeprefix("start: "),
    ]
