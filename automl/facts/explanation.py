"""What a worker found of the winner's answers, under the user's names."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from automl.facts.compact import shorten

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl.kinds import Column
    from automl.table import Table

__all__ = ["describe_explanation"]

MAX_TEXT = 200
"""Characters of a name."""

BOOLEANS = {0.0: "false", 1.0: "true"}
"""What a boolean's codes stand for."""


def describe_explanation(
    raw: Mapping[str, Any] | None, table: Table
) -> dict[str, Any] | None:
    """Return dependence and SHAP values for the report.

    Parameters
    ----------
    raw : dict or None
        As `automl.explain.explain` gives it, with ``n_train`` and ``n_test``.
    table : Table
        For names of columns, classes and levels. A level is named only if
        `automl.explain` found it in enough rows.

    Returns
    -------
    dict or None
        ``dependence``: a list, each with ``column``, ``kind``, ``grid`` (numbers,
        dates or names), ``curves`` (``name`` or None, and ``mean``), ``lines``,
        ``n_rows``.
        ``shap``: None, or ``columns`` (pairs), ``swarm``, ``dependence``, ``n_rows``.
        ``output``: what the values are, in words.
    """
    if not raw or not (raw.get("dependence") or raw.get("shap")):
        return None
    columns = {c.id: c for c in table.columns}
    return {
        "output": _output(table),
        "dependence": [_dependence(d, columns, table) for d in raw["dependence"]],
        "shap": _shap(raw["shap"], columns, _unit(raw, table)),
        "n_train": raw.get("n_train"),
    }


def _output(table: Table) -> str:
    if table.classes is None:
        return f"predicted {shorten(str(table.target), MAX_TEXT)}"
    if len(table.classes) == 2:
        return f"probability of “{shorten(str(table.classes[1]), MAX_TEXT)}”"
    return "probability of the class"


def _name(column: Column) -> str:
    return shorten(str(column.name), MAX_TEXT)


def _dependence(
    found: Mapping[str, Any], columns: Mapping[str, Column], table: Table
) -> dict[str, Any]:
    column = columns[found["column"]]
    several = len(found["curves"]) > 1
    return {
        "column": _name(column),
        "kind": found["kind"],
        "grid": [_value(v, column) for v in found["grid"]],
        "curves": [
            {"name": _class(c["class"], table) if several else None, "mean": c["mean"]}
            for c in found["curves"]
        ],
        "lines": found["lines"],
        "n_rows": found["n_rows"],
    }


def _class(code: int | None, table: Table) -> str | None:
    if code is None or table.classes is None:
        return None
    return shorten(str(table.classes[code]), MAX_TEXT)


def _value(value: float, column: Column) -> Any:
    """Return a value as people read it: a day, a level's name, or a number."""
    if column.kind == "category":
        levels = column.plan.levels
        return shorten(str(levels[int(value)]), 60) if value < len(levels) else "other"
    if column.kind == "boolean":
        return BOOLEANS.get(value, str(value))
    if column.kind == "date":
        try:
            return datetime.fromtimestamp(value, UTC).isoformat(" ", "seconds")[:19]
        except (OverflowError, OSError, ValueError):
            return value
    return value


def _shap(
    found: Mapping[str, Any] | None, columns: Mapping[str, Column], unit: str
) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "columns": [[_name(columns[c]), size] for c, size in found["columns"]],
        "swarm": found["swarm"],
        "unit": unit,
        "dependence": [
            {
                "column": _name(columns[d["column"]]),
                "kind": d["kind"],
                "bins": [
                    [_value(b[0], columns[d["column"]]), *b[1:]] for b in d["bins"]
                ],
            }
            for d in found["dependence"]
        ],
        "n_rows": found["n_rows"],
    }


def _unit(raw: Mapping[str, Any], table: Table) -> str:
    """Return what contributions add up in."""
    if table.task == "regression":
        of = raw.get("logarithm_of")
        return f"logarithm of {of}" if of else "unit of the target"
    return "log-odds" if table.task == "binary" else "score of a class"
