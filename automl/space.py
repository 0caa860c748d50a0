"""From a candidate's space to points in it, and what counts as the same point."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from automl.preparation import DEFAULT_PREPARATION, inactive

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    import numpy as np

    from automl.candidates import Candidate, Dimension

__all__ = [
    "active",
    "default_point",
    "draw",
    "from_hyperopt",
    "perturb",
    "point_key",
    "scale",
    "start_point",
    "to_hyperopt",
]

STEP = 0.2
"""Deviation of a neighbour, as a share of a number's range; chance that a choice is
drawn anew."""


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
    >>> import numpy as np
    >>> from automl.candidates import load_candidates
    >>> ridge = load_candidates("ridge")["ridge"]
    >>> sorted(draw(ridge, np.random.default_rng(0)))[0]
    'alpha'
    """
    return {d.name: _draw_one(d, rng) for d in candidate.space}


def _draw_one(d: Dimension, rng: np.random.Generator) -> Any:
    if d.dist == "choice":
        return d.options[int(rng.integers(len(d.options)))]
    return _from_scale(d, float(rng.uniform(*scale(d))))


def scale(d: Dimension) -> tuple[float, float]:
    """Return the range that is uniform; whole numbers reach half a step further.

    Without that, the ends of a rounded range come up half as often as the rest, and
    ends such as one neighbour or leaves of one row are often the best.
    """
    half = 0.5 if d.dist == "int" else 0.0
    low, high = d.low - half, d.high + half
    return (math.log(low), math.log(high)) if d.log else (low, high)


def _to_scale(d: Dimension, value: float) -> float:
    value = min(max(float(value), d.low), d.high)
    return math.log(value) if d.log else value


def _from_scale(d: Dimension, place: float) -> float | int:
    low, high = scale(d)
    place = min(max(place, low), high)
    value = min(max(math.exp(place) if d.log else place, d.low), d.high)
    return round(value) if d.dist == "int" else value


def perturb(
    candidate: Candidate, point: Mapping[str, Any], rng: np.random.Generator
) -> dict[str, Any]:
    """Return a neighbour: numbers move by a fifth of their range, choices at times."""
    return {d.name: _perturb_one(d, point[d.name], rng) for d in candidate.space}


def _perturb_one(d: Dimension, value: Any, rng: np.random.Generator) -> Any:
    if d.dist == "choice":
        return _draw_one(d, rng) if rng.random() < STEP else value
    low, high = scale(d)
    return _from_scale(d, _to_scale(d, value) + rng.normal(0.0, STEP) * (high - low))


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
    dropped = inactive({**DEFAULT_PREPARATION, **candidate.preparation, **point})
    return {k: v for k, v in point.items() if k not in dropped}


def without(candidate: Candidate, names: AbstractSet[str]) -> Candidate:
    """Return the candidate with some dimensions fixed.

    To the default of the preparation if that is an option, to their first if not.

    Examples
    --------
    >>> from automl.candidates import Candidate, Dimension
    >>> scale = Dimension("scale", "choice", options=("none", "robust"))
    >>> c = Candidate("x", "x", ("binary",), {}, space=(scale,))
    >>> without(c, {"scale"}).space, without(c, {"scale"}).preparation["scale"]
    ((), 'none')
    """
    gone = [d for d in candidate.space if d.name in names]
    if not gone:
        return candidate
    kept = {
        d.name: default
        if (default := DEFAULT_PREPARATION.get(d.name)) in d.options
        else d.options[0]
        for d in gone
    }
    starts = tuple(
        (name, {k: v for k, v in values.items() if k not in names})
        for name, values in candidate.starts
    )
    return replace(
        candidate,
        space=tuple(d for d in candidate.space if d.name not in names),
        starts=starts,
        preparation={**candidate.preparation, **kept},
    )


def point_key(candidate: Candidate, point: Mapping[str, Any]) -> str:
    """Return what tells configurations apart: six digits of each active number."""
    numbers = {d.name for d in candidate.space if d.dist == "float"}
    rounded = {
        k: float(f"{v:.6g}") if k in numbers else v
        for k, v in active(candidate, point).items()
    }
    return json.dumps([candidate.name, rounded], sort_keys=True)


def to_hyperopt(candidate: Candidate, point: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return a point as hyperopt stores it: indices, logarithms; none if left out.

    Examples
    --------
    >>> from automl.candidates import load_candidates
    >>> ridge = load_candidates("ridge")["ridge"]
    >>> to_hyperopt(ridge, {"alpha": 1.0, "scale": "robust"})["alpha"]
    [0.0]
    """
    return {
        d.name: [_to_hyperopt(d, point[d.name])] if d.name in point else []
        for d in candidate.space
    }


def _to_hyperopt(d: Dimension, value: Any) -> float | int:
    return d.position(value) if d.dist == "choice" else _to_scale(d, value)


def from_hyperopt(
    candidate: Candidate, values: Mapping[str, list[Any]]
) -> dict[str, Any]:
    """Return the point that hyperopt's values mean."""
    return {d.name: _from_hyperopt(d, values[d.name][0]) for d in candidate.space}


def _from_hyperopt(d: Dimension, value: Any) -> Any:
    if d.dist == "choice":
        return d.options[int(value)]
    return _from_scale(d, float(value))
