"""Tree-structured Parzen estimator: the one module that imports hyperopt.

Bergstra et al., Algorithms for hyper-parameter optimization, NeurIPS 2011, as in
hyperopt. hyperopt is asked for one point at a time and never drives: its `fmin` reads
the clock between trials only and stops at the first objective that raises. One flat
space and one set of observations for each candidate.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from automl.space import draw, from_hyperopt, scale, to_hyperopt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from automl.candidates import Candidate

__all__ = ["Observation", "ask"]

MIN_OBSERVATIONS = 8
"""Below this, points are drawn from the prior: with fewer, TPE's good group is one
point (hyperopt: ceil(gamma * sqrt(N)))."""

OBSERVATIONS = 300
"""Points that a proposal is made from, at most."""

GAMMA = 0.5
"""Share parameter of the good group: ceil(gamma * sqrt(N)) points. hyperopt's .25
gives one point up to 16 observations."""


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


def ask(
    candidate: Candidate, observations: Sequence[Observation], rng: np.random.Generator
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
    """
    seed = int(rng.integers(2**31 - 1))
    seen = _some(observations)
    scored = [o.score for o in seen if math.isfinite(o.score)]
    if not candidate.space or len(scored) < MIN_OBSERVATIONS:
        return draw(candidate, rng)
    from hyperopt import Trials, tpe

    # running and failed ones count as the worst seen, so that workers diverge
    worst = -min(scored)
    losses = [-o.score if math.isfinite(o.score) else worst for o in seen]
    store = Trials()
    store.insert_trial_docs([
        _document(i, to_hyperopt(candidate, o.params), loss)
        for i, (o, loss) in enumerate(zip(seen, losses, strict=True))
    ])  # fmt: skip
    store.refresh()
    new = tpe.suggest(
        [len(store)],
        _space(candidate),
        store,
        seed,
        n_startup_jobs=MIN_OBSERVATIONS,
        gamma=GAMMA,
        verbose=False,
    )
    return from_hyperopt(candidate, new[0]["misc"]["vals"])


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


def _space(candidate: Candidate) -> Any:
    """Return the flat space of a candidate as hyperopt has it."""
    return _domain(
        tuple((d.name, len(d.options)) for d in candidate.space if d.dist == "choice"),
        tuple((d.name, *scale(d)) for d in candidate.space if d.dist != "choice"),
    )


@lru_cache(maxsize=64)
def _domain(
    choices: tuple[tuple[str, int], ...], numbers: tuple[tuple[str, float, float], ...]
) -> Any:
    """Return a space, made once: that takes 3 to 7 ms, and no proposal changes it."""
    from hyperopt import Domain, hp

    space = {name: hp.choice(name, list(range(n))) for name, n in choices}
    space |= {name: hp.uniform(name, low, high) for name, low, high in numbers}
    return Domain(_never_called, space)


def _document(tid: int, values: dict[str, list[Any]], loss: float) -> dict[str, Any]:
    """Return a finished trial as hyperopt stores it."""
    from hyperopt import JOB_STATE_DONE, STATUS_OK

    return {
        "state": JOB_STATE_DONE,
        "tid": tid,
        "spec": None,
        "result": {"loss": loss, "status": STATUS_OK},
        "misc": {
            "tid": tid,
            "cmd": None,
            "workdir": None,
            "idxs": {name: [tid] if v else [] for name, v in values.items()},
            "vals": values,
        },
        "exp_key": None,
        "owner": None,
        "version": 0,
        "book_time": None,
        "refresh_time": None,
    }


def _never_called(point: Any) -> float:
    raise NotImplementedError(point)
