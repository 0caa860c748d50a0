"""What was decided about each column of the table."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from automl.facts.compact import plain_number, shorten

if TYPE_CHECKING:
    from automl.kinds import Column
    from automl.table import Table

__all__ = ["MAX_TEXT", "describe_columns"]

MAX_COLUMNS = 300
"""Rows of the table of columns; the left out columns come first."""

MAX_TEXT = 200
"""Characters of a user's name."""


def describe_columns(table: Table) -> dict[str, Any]:
    """Return what was decided about each column; those left out come first.

    Parameters
    ----------
    table : Table
        Of the run.
    """
    order = sorted(table.columns, key=lambda c: c.used)
    cut = None
    if len(order) > MAX_COLUMNS:
        cut = (
            f"{len(order) - MAX_COLUMNS:,} more columns, all of the same table, are "
            "not listed."
        )
    return {
        "rows": [_column(c, table.n_rows) for c in order[:MAX_COLUMNS]],
        "cut": cut,
        "n_all": len(order),
        "n_left_out": sum(not c.used for c in order),
    }


def _column(column: Column, n_rows: int) -> dict[str, Any]:
    return {
        "name": shorten(str(column.name), MAX_TEXT),
        "kind": column.kind,
        "dtype": shorten(column.dtype, 40),
        "missing": column.n_missing / n_rows,
        "distinct": column.n_distinct,
        "range": _range(column),
        "used": column.used,
        "reason": column.reason,
    }


def _range(column: Column) -> str | None:
    if column.kind == "category":
        n = len(column.plan.levels)
        return f"{n:,} level{'s' if n != 1 else ''}"
    if column.low is None or column.high is None or not column.used:
        return None
    if column.kind == "date":
        return f"{_day(column.low)} to {_day(column.high)}"
    if column.kind == "number":
        return f"{plain_number(column.low, 6)} to {plain_number(column.high, 6)}"
    return None


def _day(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).date().isoformat()
    except (OverflowError, OSError, ValueError):
        return f"{seconds:.6g} s"
