"""From a candidate's space to points in it, and what counts as the same point."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from automl.candidates import Candidate, Dimension

__all__ = ["active", "default_point", "draw", "hyperopt_space", "perturb", "point_key"]


def default_point(candidate: Candidate) -> dict[str, Any]:
    """Return the middle of the space, the first option of a choice."""
    return {d.name: _middle(d) for d in candidate.space}


def _middle(d: Dimension) -> Any:
    if d.dist == "choice":
        return d.options[0]
    middle = math.sqrt(d.low * d.high) if d.log else (d.low + d.high) / 2
    return round(middle) if d.dist == "int" else middle


def start_point(candidate: Candidate, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a full point from a start that names some of it."""
    return {**default_point(candidate), **values}


def draw(candidate: Candidate, rng: np.random.Generator) -> dict[str, Any]:
    """Return a point drawn from the prior.

    Examples
    --------
    >>> from automl.candidates import load_candidates
    >>> ridge = load_candidates("ridge")["ridge"]
    >>> sorted(draw(ridge, np.random.default_rng(0)))[0]
    'alpha'
    """
    return {d.name: _draw_one(d, rng) for d in candidate.space}


def _draw_one(d: Dimension, rng: np.random.Generator) -> Any:
    if d.dist == "choice":
        return d.options[int(rng.integers(len(d.options)))]
    if d.log:
        value = math.exp(rng.uniform(math.log(d.low), math.log(d.high)))
    else:
        value = float(rng.uniform(d.low, d.high))
    return _clip(d, value)


def _clip(d: Dimension, value: float) -> float | int:
    value = min(max(value, d.low), d.high)
    return round(value) if d.dist == "int" else value


def perturb(
    candidate: Candidate, point: Mapping[str, Any], rng: np.random.Generator
) -> dict[str, Any]:
    """Return a neighbour: numbers move by a fifth of their range, choices at times."""
    return {d.name: _perturb_one(d, point[d.name], rng) for d in candidate.space}


def _perturb_one(d: Dimension, value: Any, rng: np.random.Generator) -> Any:
    if d.dist == "choice":
        return _draw_one(d, rng) if rng.random() < 0.2 else value  # noqa: PLR2004
    low, high = (math.log(d.low), math.log(d.high)) if d.log else (d.low, d.high)
    centre = math.log(max(value, d.low)) if d.log else float(value)
    moved = centre + rng.normal(0.0, 0.2) * (high - low)
    return _clip(d, math.exp(moved) if d.log else moved)


def active(candidate: Candidate, point: Mapping[str, Any]) -> dict[str, Any]:
    """Return the point without parameters that do nothing under its options.

    Two points that differ only in what is inactive are one configuration.

    Examples
    --------
    >>> from automl.candidates import Candidate
    >>> c = Candidate("x", "x", ("binary",), {}, preparation={"numeric": "impute"})
    >>> active(c, {"method": "none", "keep": 0.5, "C": 1.0})
    {'method': 'none', 'C': 1.0}
    """
    full = {**candidate.preparation, **point}
    dropped = set()
    if full.get("method", "none") == "none":
        dropped.add("keep")
    if full.get("numeric") == "passthrough":
        dropped |= {"impute", "indicator", "scale"}
    return {k: v for k, v in point.items() if k not in dropped}


def point_key(candidate: Candidate, point: Mapping[str, Any]) -> str:
    """Return what tells configurations apart: six digits of each active number."""
    rounded = {
        k: float(f"{v:.6g}") if isinstance(v, float) else v
        for k, v in active(candidate, point).items()
    }
    return json.dumps([candidate.name, rounded], sort_keys=True)


def hyperopt_space(candidate: Candidate) -> dict[str, Any]:
    """Return the flat hyperopt space of a candidate."""
    from hyperopt import hp

    return {d.name: _hyperopt_dimension(hp, d) for d in candidate.space}


def _hyperopt_dimension(hp: Any, d: Dimension) -> Any:
    if d.dist == "choice":
        return hp.choice(d.name, list(range(len(d.options))))
    if d.log:
        return hp.uniform(d.name, math.log(d.low), math.log(d.high))
    return hp.uniform(d.name, d.low, d.high)


def to_hyperopt(candidate: Candidate, point: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return a point as hyperopt stores it: indices, logarithms."""
    values: dict[str, list[Any]] = {}
    for d in candidate.space:
        if d.name not in point:
            values[d.name] = []
        elif d.dist == "choice":
            values[d.name] = [d.options.index(point[d.name])]
        else:
            value = min(max(float(point[d.name]), d.low), d.high)
            values[d.name] = [math.log(value) if d.log else value]
    return values


def from_hyperopt(
    candidate: Candidate, values: Mapping[str, list[Any]]
) -> dict[str, Any]:
    """Return the point that hyperopt's values mean."""
    point: dict[str, Any] = {}
    for d in candidate.space:
        value = values[d.name][0]
        if d.dist == "choice":
            point[d.name] = d.options[int(value)]
        else:
            point[d.name] = _clip(d, math.exp(value) if d.log else float(value))
    return point
