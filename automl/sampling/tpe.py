"""Tree-structured Parzen estimator: the one module that imports hyperopt.

Bergstra et al., Algorithms for hyper-parameter optimization, NeurIPS 2011, as in
hyperopt. hyperopt is asked for one point at a time and never drives: its `fmin` reads
the clock between trials only and stops at the first objective that raises. One flat
space and one set of observations for each candidate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from automl.space import draw, from_hyperopt, scale, to_hyperopt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from automl.candidates import Candidate

__all__ = ["Observation", "Points", "ask"]

MIN_OBSERVATIONS = 8
"""Below this, points are drawn from the prior: with fewer, TPE's good group is one
point (hyperopt: ceil(gamma * sqrt(N)))."""

OBSERVATIONS = 300
"""Points that a proposal is made from, at most."""

GAMMA = 0.5
"""Share parameter of the good group: ceil(gamma * sqrt(N)) points. hyperopt's .25
gives one point up to 16 observations."""

PRIOR_WEIGHT = 1.0
"""Of the prior beside each observation; hyperopt's."""

DRAWS = 24
"""From the good group, of which the likeliest to be good is proposed; hyperopt's."""


class Observation(NamedTuple):
    """A point that was tried, and what came of it.

    Attributes
    ----------
    params : dict
        Its values; those that were inactive may be missing.
    score : float
        Greater is better; NaN while it runs, or where it failed.
    """

    params: Mapping[str, Any]
    score: float


class Points:
    """Points as hyperopt has them, worked out once: a search asks with all of them.

    Examples
    --------
    >>> from automl.candidates import load_candidates
    >>> ridge = load_candidates("ridge")["ridge"]
    >>> Points().of(ridge, {"alpha": 1.0})["alpha"]
    [0.0]
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], tuple[Any, dict[str, list[Any]]]] = {}

    def of(
        self, candidate: Candidate, params: Mapping[str, Any]
    ) -> dict[str, list[Any]]:
        """Return a point of a candidate; an object is taken to stay as it is."""
        key = (candidate.name, id(params))
        known = self._known.get(key)
        if known is None:  # what it was made of is kept, so that no other has its id
            known = self._known[key] = params, to_hyperopt(candidate, params)
        return known[1]


def ask(
    candidate: Candidate,
    observations: Sequence[Observation],
    rng: np.random.Generator,
    points: Points | None = None,
) -> dict[str, Any]:
    """Return the next point, a value for each dimension.

    Parameters
    ----------
    candidate : Candidate
        Whose space is searched.
    observations : sequence of Observation
        All of it so far, in the order of their start.
    rng : Generator
        The only source of chance.
    points : Points, default=None
        What earlier calls have worked out.
    """
    seed = int(rng.integers(2**31 - 1))
    seen = _some(observations)
    scored = [o.score for o in seen if math.isfinite(o.score)]
    if not candidate.space or len(scored) < MIN_OBSERVATIONS:
        return draw(candidate, rng)
    # running and failed ones count as the worst seen, so that workers diverge
    worst = -min(scored)
    losses = [-o.score if math.isfinite(o.score) else worst for o in seen]
    known = Points() if points is None else points
    tried = [known.of(candidate, o.params) for o in seen]
    return from_hyperopt(candidate, _suggested(_space(candidate), tried, losses, seed))


def _suggested(
    space: _Space, tried: Sequence[Mapping[str, list[Any]]], losses: list[float],
    seed: int,
) -> dict[str, list[Any]]:  # fmt: skip
    """Return what hyperopt suggests, as its `tpe.suggest` does but for its documents.

    Those, and the graph that is made anew each time, take twice as long as the rest.
    """
    import numpy as np
    from hyperopt.pyll import rec_eval

    places = range(len(tried))
    names = space.domain.params
    memo = {
        space.domain.s_new_ids: [len(tried) + 2 + i for i in range(DRAWS)],
        space.domain.s_rng: np.random.default_rng(seed),
        space.loss["idxs"]: places,
        space.loss["vals"]: losses,
        space.seen["idxs"]: {k: [i for i in places if tried[i][k]] for k in names},
        space.seen["vals"]: {
            k: [v for point in tried for v in point[k]] for k in names
        },
    }
    _, values = rec_eval(
        space.posterior, memo=memo, memo_gc=False, print_node_on_error=False
    )
    return dict(values)


def _some(observations: Sequence[Observation]) -> Sequence[Observation]:
    """Return the best and the latest, in their order, where they are many.

    The time of a proposal grows with them: 40 ms from 300, 225 from 3,000 (measured).
    """
    if len(observations) <= OBSERVATIONS:
        return observations
    known = [i for i, o in enumerate(observations) if math.isfinite(o.score)]
    best = set(sorted(known, key=lambda i: -observations[i].score)[: OBSERVATIONS // 3])
    others = [i for i in range(len(observations)) if i not in best]
    latest = others[len(best) - OBSERVATIONS :]
    return [observations[i] for i in sorted([*best, *latest])]


def _space(candidate: Candidate) -> _Space:
    """Return the flat space of a candidate as hyperopt has it."""
    return _made(
        tuple((d.name, len(d.options)) for d in candidate.space if d.dist == "choice"),
        tuple((d.name, *scale(d)) for d in candidate.space if d.dist != "choice"),
    )


@dataclass(frozen=True)
class _Space:
    """A space of hyperopt, and the graph of what it proposes.

    Attributes
    ----------
    domain : hyperopt.Domain
        The space.
    seen, loss : dict
        Nodes that stand for what was tried, and for its losses.
    posterior : tuple
        Graph from these to proposals.
    """

    domain: Any
    seen: Mapping[str, Any]
    loss: Mapping[str, Any]
    posterior: Any


@lru_cache(maxsize=64)
def _made(
    choices: tuple[tuple[str, int], ...], numbers: tuple[tuple[str, float, float], ...]
) -> _Space:
    """Return a space, made once: that takes 10 to 20 ms, and no proposal changes it."""
    from hyperopt import Domain, hp
    from hyperopt.tpe import build_posterior_wrapper

    space = {name: hp.choice(name, list(range(n))) for name, n in choices}
    space |= {name: hp.uniform(name, low, high) for name, low, high in numbers}
    domain = Domain(_never_called, space)
    seen, loss, posterior = build_posterior_wrapper(domain, PRIOR_WEIGHT, GAMMA)
    return _Space(domain, seen, loss, posterior)


def _never_called(point: Any) -> float:
    raise NotImplementedError(point)
