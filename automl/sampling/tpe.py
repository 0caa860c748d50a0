"""Tree-structured Parzen estimator: the one module that imports hyperopt.

Bergstra et al., Algorithms for hyper-parameter optimization, NeurIPS 2011, as in
hyperopt. hyperopt is asked for one point at a time and never drives: its `fmin` reads
the clock between trials only and stops at the first objective that raises. One flat
space and one set of observations for each candidate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from automl.space import draw, from_hyperopt, scale, to_hyperopt

if TYPE_CHECKING:
    import numpy as np

    from automl.candidates import Candidate
    from automl.history import Trial

__all__ = ["Sampler"]

MIN_OBSERVATIONS = 8
"""Below this, points are drawn from the prior: with fewer, TPE's good group is one
point (hyperopt: ceil(gamma * sqrt(N)))."""

OBSERVATIONS = 300
"""Trials that a proposal is made from, at most."""

GAMMA = 0.5
"""Share parameter of the good group: ceil(gamma * sqrt(N)) points. hyperopt's .25
gives one point up to 16 observations."""


@dataclass(frozen=True)
class Sampler:
    """What proposes points of a candidate from its trials, which are read once.

    Where most neighbours were tried already, a proposal is asked for again and again.

    Attributes
    ----------
    candidate : Candidate
        Whose space is searched.
    trials : list of Trial
        Its trials so far, those that run included; each has a point.
    """

    candidate: Candidate
    trials: list[Trial]

    def ask(self, rng: np.random.Generator) -> dict[str, Any]:
        """Return the next point, a value for each dimension.

        Parameters
        ----------
        rng : Generator
            The only source of chance.
        """
        seed = int(rng.integers(2**31 - 1))
        if not self.candidate.space or len(self._scored) < MIN_OBSERVATIONS:
            return draw(self.candidate, rng)
        from hyperopt import tpe

        domain, store = self._read
        new = tpe.suggest(
            [len(store)],
            domain,
            store,
            seed,
            n_startup_jobs=MIN_OBSERVATIONS,
            gamma=GAMMA,
            verbose=False,
        )
        return from_hyperopt(self.candidate, new[0]["misc"]["vals"])

    @cached_property
    def _observed(self) -> list[Trial]:
        return _some(self.trials)

    @cached_property
    def _scored(self) -> list[Trial]:
        return [t for t in self._observed if math.isfinite(t.score)]

    @cached_property
    def _read(self) -> tuple[Any, Any]:
        """Return space and trials as hyperopt has them: neither is changed by it."""
        from hyperopt import Domain, Trials

        # running and failed ones count as the worst seen, so that workers diverge
        worst = max(-t.score for t in self._scored)
        docs = [
            _document(
                i,
                to_hyperopt(self.candidate, t.params),
                -t.score if math.isfinite(t.score) else worst,
            )
            for i, t in enumerate(self._observed)
        ]
        store = Trials()
        store.insert_trial_docs(docs)
        store.refresh()
        return Domain(_never_called, _space(self.candidate)), store


def _some(trials: list[Trial]) -> list[Trial]:
    """Return the best and the latest trials, in their order, where they are many.

    The time of a proposal grows with them: 40 ms from 300, 225 from 3,000 (measured).
    """
    if len(trials) <= OBSERVATIONS:
        return trials
    known = [i for i, t in enumerate(trials) if math.isfinite(t.score)]
    best = set(sorted(known, key=lambda i: -trials[i].score)[: OBSERVATIONS // 3])
    others = [i for i in range(len(trials)) if i not in best]
    latest = others[len(best) - OBSERVATIONS :]
    return [trials[i] for i in sorted([*best, *latest])]


def _space(candidate: Candidate) -> dict[str, Any]:
    """Return the flat hyperopt space of a candidate."""
    from hyperopt import hp

    return {
        d.name: hp.choice(d.name, list(range(len(d.options))))
        if d.dist == "choice"
        else hp.uniform(d.name, *scale(d))
        for d in candidate.space
    }


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
