"""A fitted pipeline to nested boxes: steps, branches and the parameters that matter."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.facts.compact import shorten

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["describe_pipeline"]

MAX_PARAMS = 12
"""Parameters shown in a box."""

MAX_DEPTH = 6
"""Boxes in boxes."""

MAX_NAMES = 6
"""Columns named in a box; the rest is counted."""

INNER = ("estimator", "regressor", "classifier", "base_estimator", "transformer")
"""Parameters that hold another estimator."""


def describe_pipeline(pipeline: Any, names: Mapping[str, str]) -> dict[str, Any]:
    """Return a tree of boxes.

    Parameters
    ----------
    pipeline : estimator
        A pipeline, a column transformer, an ensemble or a single estimator.
    names : mapping of str to str
        Id of an encoded column to the user's name.

    Returns
    -------
    dict
        ``name``, ``type``, ``params`` (pairs of text, those that differ from their
        default), ``columns`` (a sentence, or None), ``layout`` (``serial`` or
        ``parallel``) and ``children``.
    """
    return _box("pipeline", pipeline, names, None, 0)


def _box(
    name: str, step: Any, names: Mapping[str, str], columns: str | None, depth: int
) -> dict[str, Any]:
    if type(step).__name__ == "FunctionTransformer" and step.func is None:
        step = "passthrough"  # as scikit-learn stores it
    layout, children = ("serial", []) if depth >= MAX_DEPTH else _inside(step, names)
    return {
        "name": shorten(str(name), 80),
        "type": step if isinstance(step, str) else type(step).__name__,
        "params": [] if isinstance(step, str) else _params(step),
        "columns": columns,
        "layout": layout,
        "children": [_box(n, s, names, c, depth + 1) for n, s, c in children],
    }


def _inside(
    step: Any, names: Mapping[str, str]
) -> tuple[str, list[tuple[str, Any, str | None]]]:
    if hasattr(step, "steps"):
        return "serial", [(n, s, None) for n, s in step.steps if _acts(s)]
    if hasattr(step, "transformers"):
        parts = getattr(step, "transformers_", step.transformers)
        return "parallel", [
            (n, s, _columns(c, names)) for n, s, c in parts if _acts(s) and _any(c)
        ]
    if hasattr(step, "transformer_list"):
        return "parallel", [(n, s, None) for n, s in step.transformer_list if _acts(s)]
    members = getattr(step, "estimators", None)
    if isinstance(members, list) and all(isinstance(m, tuple) for m in members):
        return "parallel", [(m[0], m[1], None) for m in members if _acts(m[1])]
    inner: list[tuple[str, Any, str | None]] = [
        (key, getattr(step, key, None), None)
        for key in INNER
        if hasattr(getattr(step, key, None), "get_params")
    ]
    return "serial", inner


def _acts(step: Any) -> bool:
    return step is not None and step not in ("drop", "passthrough")


def _any(columns: Any) -> bool:
    return not hasattr(columns, "__len__") or len(columns) > 0


def _columns(columns: Any, names: Mapping[str, str]) -> str | None:
    if isinstance(columns, str):
        columns = [columns]
    if not isinstance(columns, list | tuple | np.ndarray):
        return None
    known = [shorten(str(names.get(str(c), c)), 40) for c in columns]
    n = len(known)
    text = ", ".join(known[:MAX_NAMES]) + (", …" if n > MAX_NAMES else "")
    return f"{n} column{'s' if n != 1 else ''}: {text}"


def _params(step: Any) -> list[list[str]]:
    """Return the parameters that were set, as name and text."""
    if not hasattr(step, "get_params"):
        return []
    defaults = {
        name: p.default
        for name, p in inspect.signature(type(step).__init__).parameters.items()
        if p.default is not inspect.Parameter.empty
    }
    found = [
        [name, _text(value)]
        for name, value in step.get_params(deep=False).items()
        if _plain(value) and not _same(value, defaults.get(name, "…"))
    ]
    return found[:MAX_PARAMS]


def _plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str | np.generic)


def _same(value: Any, default: Any) -> bool:
    """Return whether a value is its default; NaN is itself here."""
    if type(value) is not type(default):
        return False
    return bool(value == default) or str(value) == str(default) == "nan"


def _text(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return f"{float(value):.5g}"
    return shorten(str(value), 80)
