"""Candidates made in Python, as their files describe them: both are checked alike."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.preparation import OPTIONS, PREPARATION
from automl.specs import Dimension, Resource, check_known, read_table, refuse

if TYPE_CHECKING:
    from automl.candidates import Candidate

__all__ = ["spec_of_object"]


def spec_of_object(where: str, candidate: Candidate) -> dict[str, Any]:
    """Return a candidate made in Python as a file describes it."""
    given = read_table(where, "preparation", candidate.preparation)
    check_known(where, "preparation", given, OPTIONS)
    # a list is searched in a file; here it would be handed to the step
    steps = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
    steps |= {
        d.name: list(d.options)
        for d in candidate.space
        if d.name in OPTIONS and d.dist == "choice"
    }
    tables = {
        table: {key: steps[key] for key in keys if key in steps}
        for table, keys in PREPARATION.items()
    }
    own = [d for d in candidate.space if d.name not in OPTIONS or d.dist != "choice"]
    return tables | {
        "title": candidate.title,
        "tasks": candidate.tasks,
        "order": candidate.order,
        "estimator": candidate.estimators,
        "fixed": candidate.fixed,
        "fixed_by_task": candidate.fixed_by_task,
        "limits": candidate.limits,
        "requires": candidate.requires,
        "log_target": candidate.log_target,
        "space": {d.name: _spec_of(d) for d in own},
        "start": [_spec_of_start(where, start) for start in candidate.starts],
        "resource": asdict(candidate.resource)
        if isinstance(candidate.resource, Resource)
        else candidate.resource,
    }


def _spec_of_start(where: str, start: Any) -> dict[str, Any]:
    """Return a known good point as a file describes it."""
    try:
        name, values = start
        plain = {
            key: value.item() if isinstance(value, np.generic) else value
            for key, value in values.items()
        }
        spec = {**plain, "name": name}
    except (AttributeError, TypeError, ValueError):
        raise refuse(
            where, f"starts must be pairs of a name and a table. Got {start!r}."
        ) from None
    return spec


def _spec_of(d: Dimension) -> dict[str, Any]:
    """Return a dimension as a file describes it."""
    if d.dist == "choice":
        return {"dist": d.dist, "options": list(d.options)}
    whole = d.dist == "int" and float(d.low).is_integer() and float(d.high).is_integer()
    low, high = (int(d.low), int(d.high)) if whole else (d.low, d.high)
    return {"dist": d.dist, "low": low, "high": high, "log": d.log}
