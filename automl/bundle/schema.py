"""What a model expects of new data, in JSON, and rows made up from nothing else.

Below the bundle. The facts are aggregates: a level is named if enough rows have it,
and the sample is drawn from these facts, so no row that was learnt from is shown.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl.kinds import Column
    from automl.table import Table

__all__ = ["describe_table", "plain", "sample_rows", "typed_rows"]

MIN_LEVEL_ROWS = 10
"""Rarer levels could point at a person; the usual threshold of disclosure control."""

MAX_LEVELS = 50
"""More levels than a person reads; the commonest are listed."""

SAMPLE_ROWS = 10

UNSEEN = "never seen before"
"""The level in the sample that no training row has."""

WORDS = (
    "amber", "bridge", "cloud", "field", "garden", "green", "hill", "lake", "light",
    "morning", "quiet", "river", "slow", "small", "stone", "walk", "warm", "wind",
)  # fmt: skip

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

FIRST_S, LAST_S = -62_135_596_800, 253_402_300_799
"""The years 1 to 9999, in seconds: Python has no others, and databases write their
last microsecond, which is rounded up, for "never"."""


def describe_table(table: Table) -> dict[str, Any]:
    """Return the schema of new data and of predictions, as JSON values.

    Parameters
    ----------
    table : Table
        What the model was fitted on.

    Examples
    --------
    >>> from automl.table import make_table
    >>> schema = describe_table(make_table({"age": [30, 40, 50]}, [1.5, 2.5, 3.0]))
    >>> schema["columns"][0]["low"], schema["outputs"]
    (30.0, ['prediction'])
    """
    classes = None if table.classes is None else plain(table.classes)
    outputs = [f"probability_{label}" for label in classes or ()]
    return {
        "data": {"fingerprint": table.fingerprint, "n_rows": table.n_rows},
        "target": table.target,
        "beside": list(table.beside),
        "task": table.task,
        "classes": classes,
        "named": table.encoder.named,
        "columns": [_describe(c, table) for c in table.columns],
        "outputs": ["prediction", *outputs],
    }


def _describe(column: Column, table: Table) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "name": plain(column.name),
        "position": column.plan.position,
        "kind": column.kind,
        "dtype": column.dtype,
        "used": column.used,
        "reason": column.reason,
        "missing": column.n_missing,
    }
    if not column.used:
        return facts
    if column.kind == "category":
        facts["n_levels"] = len(column.plan.levels)
        facts["levels"] = _common_levels(column, table)
    elif column.kind == "number":
        facts |= {"low": plain(column.low), "high": plain(column.high)}
    elif column.kind == "date":
        facts |= {"low": _iso(column.low), "high": _iso(column.high)}
        facts |= {"format": column.plan.date_format, "zone": column.plan.zone}
    return facts


def _common_levels(column: Column, table: Table) -> list[str]:
    codes = table.X[column.id].to_numpy(dtype=np.float64)
    counts = np.bincount(
        codes[np.isfinite(codes)].astype(np.int64), minlength=len(column.plan.levels)
    )
    common = [
        i for i in np.argsort(-counts, kind="stable") if counts[i] >= MIN_LEVEL_ROWS
    ]
    return sorted(column.plan.levels[i] for i in common[:MAX_LEVELS])


def _iso(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    within = min(max(seconds, FIRST_S), LAST_S)
    return (EPOCH + timedelta(seconds=within)).isoformat()


def sample_rows(schema: Mapping[str, Any]) -> pd.DataFrame:
    """Return made-up rows of texts that a table of this schema could hold.

    Parameters
    ----------
    schema : mapping
        As `describe_table` returns it.

    Returns
    -------
    DataFrame of shape (10, n_columns)
        Texts, None where a cell is missing; columns that are left out are empty.
        The same schema gives the same rows.
    """
    chance = random.Random(0)  # noqa: S311 - nothing secret
    cells: list[list[str | None]] = [
        _draw(column, chance, place) for place, column in enumerate(schema["columns"])
    ]
    names = [str(column["name"]) for column in schema["columns"]]
    frame = pd.DataFrame(dict(enumerate(cells)), dtype=object)
    return frame.set_axis(names, axis=1)


def typed_rows(schema: Mapping[str, Any]) -> pd.DataFrame:
    """Return the made-up rows with numbers, truth values and moments as fit had them.

    Parameters
    ----------
    schema : mapping
        As `describe_table` returns it.

    Examples
    --------
    >>> from automl.table import make_table
    >>> schema = describe_table(make_table({"age": [30, 40, 50]}, [1.5, 2.5, 3.0]))
    >>> typed_rows(schema).dtypes.tolist()
    [dtype('int64')]
    """
    rows = sample_rows(schema)
    cells = {
        place: _typed(rows.iloc[:, place], column["kind"], column["dtype"].lower())
        for place, column in enumerate(schema["columns"])
    }
    return pd.DataFrame(cells, index=rows.index).set_axis(rows.columns, axis=1)


def _typed(cells: pd.Series, kind: str, dtype: str) -> pd.Series:
    if kind == "boolean" and dtype.startswith("bool"):
        flags = cells.map({"true": True, "false": False})
        return flags if flags.isna().any() else flags.astype(bool)
    if kind == "number" and dtype.startswith(("int", "uint", "float", "double")):
        return pd.to_numeric(cells, errors="coerce")
    if kind == "date" and dtype.startswith(("datetime64", "timestamp")):
        moments = pd.to_datetime(cells, errors="coerce", utc=True, format="mixed")
        return moments if "," in dtype else moments.dt.tz_localize(None)
    return cells


def _draw(
    column: Mapping[str, Any], chance: random.Random, place: int
) -> list[str | None]:
    if not column["used"]:
        return [None] * SAMPLE_ROWS
    draw = _DRAWS[column["kind"]]
    cells: list[str | None] = [draw(column, chance) for _ in range(SAMPLE_ROWS)]
    if column["kind"] == "category":
        cells[place % SAMPLE_ROWS] = UNSEEN
    if column["missing"]:  # a pipeline need not fill what was never empty
        cells[(place + 3) % SAMPLE_ROWS] = None
    return cells


def _draw_number(facts: Mapping[str, Any], chance: random.Random) -> str:
    low, high = facts["low"] or 0.0, facts["high"] or 0.0
    # halves, as the width of the widest range is no float
    drawn = 2 * (low / 2 + (high / 2 - low / 2) * chance.random())
    return str(
        round(drawn) if "int" in facts["dtype"].lower() else float(f"{drawn:.6g}")
    )


def _draw_date(facts: Mapping[str, Any], chance: random.Random) -> str:
    if facts["low"] is None or facts["high"] is None:
        return ""
    low, high = (datetime.fromisoformat(facts[end]) for end in ("low", "high"))
    drawn = (low + chance.random() * (high - low)).replace(microsecond=0)
    written = facts["format"]
    if written in {None, "mixed"}:
        written = "%Y-%m-%d %H:%M:%S"
    # some systems write the year 7 as "7", which is not read again
    return drawn.strftime(str(written).replace("%Y", f"{drawn.year:04d}"))


def _draw_flag(_facts: Mapping[str, Any], chance: random.Random) -> str:
    return chance.choice(["true", "false"])


def _draw_level(facts: Mapping[str, Any], chance: random.Random) -> str:
    return str(chance.choice(facts["levels"] or [UNSEEN]))


def _draw_text(_facts: Mapping[str, Any], chance: random.Random) -> str:
    return " ".join(chance.sample(WORDS, 6))


_DRAWS: dict[str, Callable[[Mapping[str, Any], random.Random], str]] = {
    "number": _draw_number,
    "boolean": _draw_flag,
    "category": _draw_level,
    "date": _draw_date,
    "text": _draw_text,
}


def plain(value: Any) -> Any:
    """Return ``value`` as JSON knows it: no arrays, and None for what is no number.

    Examples
    --------
    >>> plain({"a": np.float64("nan"), 1: (np.int64(2), pd.Timestamp(0))})
    {'a': None, '1': [2, '1970-01-01 00:00:00']}
    """
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return str(value)
