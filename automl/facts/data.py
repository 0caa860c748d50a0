"""The table in figures: target, kinds of columns, gaps and levels; no cell of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.facts.compact import shorten

if TYPE_CHECKING:
    from automl.table import Table

__all__ = ["describe_data"]

BINS = 30
"""Bars of a numeric target."""

MAX_CLASSES = 20
"""Classes with a bar of their own; the rarer ones are added up."""

MAX_BARS = 20
"""Columns with a bar."""

MAX_TEXT = 200
"""Characters of a name."""


def describe_data(table: Table) -> dict[str, Any]:
    """Return the facts of a table.

    Returns
    -------
    dict
        ``target``: ``labels``, ``counts`` and ``rarest`` (a pair of them), or
        ``edges``, ``counts``, ``outside``, ``mean`` and ``median``. ``kinds``: rows of
        a kind, how many columns, how many used. ``missing`` and ``distinct``: pairs of
        a column's name and the share or the number, largest first. ``n_missing``:
        columns with gaps.
    """
    gaps = [c for c in table.columns if c.n_missing]
    many = [c for c in table.columns if c.used and c.kind in ("category", "text")]
    n_all = Counter(c.kind for c in table.columns)
    n_used = Counter(c.kind for c in table.columns if c.used)
    gaps.sort(key=lambda c: -c.n_missing)
    many.sort(key=lambda c: -c.n_distinct)
    return {
        "target": _classes(table) if table.classes is not None else _numbers(table.y),
        "kinds": [[kind, n, n_used[kind]] for kind, n in n_all.most_common()],
        "missing": [
            [shorten(str(c.name), MAX_TEXT), c.n_missing / table.n_rows]
            for c in gaps[:MAX_BARS]
        ],
        "n_missing": len(gaps),
        "distinct": [
            [shorten(str(c.name), MAX_TEXT), c.n_distinct] for c in many[:MAX_BARS]
        ],
        "n_distinct": len(many),
    }


def _classes(table: Table) -> dict[str, Any]:
    assert table.classes is not None
    counts = np.bincount(table.y.astype(np.int64), minlength=len(table.classes))
    order = np.argsort(-counts, kind="stable")
    shown, rest = order[:MAX_CLASSES], order[MAX_CLASSES:]
    labels = [shorten(str(table.classes[i]), MAX_TEXT) for i in shown]
    last = order[-1]
    rarest = [shorten(str(table.classes[last]), MAX_TEXT), int(counts[last])]
    found = [int(counts[i]) for i in shown]
    if len(rest):
        labels.append(f"{len(rest)} other classes")
        found.append(int(counts[rest].sum()))
    return {"labels": labels, "counts": found, "rarest": rarest}


def _numbers(y: np.ndarray) -> dict[str, Any]:
    low, high = np.quantile(y, [0.005, 0.995])
    if not high > low:
        low, high = float(y.min()), float(y.max())
    edges = np.linspace(low, high, BINS + 1) if high > low else np.array([low, low + 1])
    return {
        "edges": edges,
        "counts": np.histogram(y, edges)[0],
        "outside": int(((y < edges[0]) | (y > edges[-1])).sum()),
        "mean": float(np.mean(y)),
        "median": float(np.median(y)),
    }
