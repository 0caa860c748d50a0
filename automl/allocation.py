"""What to run next: a pure function of what is known.

The order: folds of configurations that are still in the race; then the known good
starting points, families in turns; then proposals of the sampler, most of them for the
families that lead.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any

from automl.history import BASELINE, FAILED, Trial
from automl.racing import PairedScores
from automl.sampling import tpe
from automl.space import draw, perturb, point_key, start_point

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from automl.candidates import Candidate

__all__ = ["Continue", "Start", "Stop", "View", "Wait", "next_step"]

LEADERS_SHARE = 0.6
"""Share of proposals for the best family; the others share the rest by rank."""

PERTURBED_SHARE = 0.4
"""Share of proposals near the family's best point: TPE is slow to exploit early."""

ATTEMPTS = 200
"""Points tried in the place of a proposal that was tried before, until a family counts
as exhausted: the first half near it, the others from anywhere. The sampler would say
much the same again, and takes hundreds of times as long."""


@dataclass(frozen=True)
class View:
    """What the policy knows.

    Attributes
    ----------
    trials : tuple of Trial
        The history, the baseline first.
    in_flight : frozenset of (int, int)
        Trials and folds that are being run.
    n_folds : int
        Folds of a run.
    candidates : tuple of Candidate
        In the order of first tries.
    n_left : int or None
        Configurations that may still be started; None without a limit.
    seconds_left : float or None
        Until the search must end; None without a limit.
    tried : set of str
        Keys of the points that were started.
    seconds : dict
        Wall seconds that a fold of each candidate is expected to take.
    paired : PairedScores
        What earlier views of the same search have worked out.
    """

    trials: tuple[Trial, ...]
    in_flight: frozenset[tuple[int, int]]
    n_folds: int
    candidates: tuple[Candidate, ...]
    n_left: int | None = None
    seconds_left: float | None = None
    tried: frozenset[str] | set[str] = frozenset()
    seconds: Mapping[str, float] = field(default_factory=dict)
    paired: PairedScores = field(default_factory=PairedScores, compare=False)

    @cached_property
    def incumbent(self) -> Trial | None:
        """The best finished configuration, the baseline aside."""
        done = [t for t in self.trials if t.status == "ok" and t.candidate != BASELINE]
        return max(done, key=lambda t: (t.score, -t.number), default=None)

    @cached_property
    def hopeless(self) -> frozenset[str]:
        """Families of which every configuration failed so far, twice at least."""
        ended = [t for t in self.trials if t.status != "running"]
        n_ended = Counter(t.candidate for t in ended)
        worked = {t.candidate for t in ended if t.status not in FAILED}
        return frozenset(name for name, n in n_ended.items() if n > 1) - worked

    def score(self, trial: Trial) -> float:
        """Return the score that compares trials whatever folds they ran.

        One that failed has none, NaN: what began well and took too long is not worth
        more of.
        """
        if trial.status in FAILED:
            return math.nan
        return self.paired.of(trial, self.incumbent)

    def affordable(self, candidate: str) -> bool:
        """Return whether a fold of the candidate is expected to end in time."""
        if self.seconds_left is None:
            return True
        return self.seconds.get(candidate, 0.0) < self.seconds_left


@dataclass(frozen=True)
class Continue:
    """Run one more fold of a trial."""

    trial: int
    fold: int


@dataclass(frozen=True)
class Start:
    """Start a configuration."""

    candidate: str
    params: Mapping[str, Any]
    origin: str


@dataclass(frozen=True)
class Wait:
    """Nothing to run until something comes back."""


@dataclass(frozen=True)
class Stop:
    """Nothing left to run."""


Step = Continue | Start | Wait | Stop


def next_step(view: View, rng: np.random.Generator) -> Step:
    """Return what to run next.

    Parameters
    ----------
    view : View
        What is known.
    rng : Generator
        The only source of chance.
    """
    going = _next_fold(view)
    if going is not None:
        return going
    if view.n_left is None or view.n_left > 0:
        start = _next_start(view) or _next_proposal(view, rng)
        if start is not None:
            return start
    return Wait() if view.in_flight else Stop()


def _next_fold(view: View) -> Continue | None:
    """Return the next fold of the most promising trial that is in the race.

    All folds of the first trial go out at once, and of one that is ahead of the best;
    any other waits for its running fold, which may end it.
    """
    best: tuple[float, Continue] | None = None
    for trial in view.trials:
        if trial.status != "running" or not view.affordable(trial.candidate):
            continue
        running = {f for t, f in view.in_flight if t == trial.number}
        if running and not _is_sure(trial, view):
            continue
        left = [
            f for f in range(view.n_folds)
            if f not in trial.scores and f not in running
        ]  # fmt: skip
        if not left:
            continue
        score = view.score(trial)
        rank = -math.inf if math.isnan(score) else score
        if best is None or rank > best[0]:
            best = (rank, Continue(trial.number, left[0]))
    return None if best is None else best[1]


def _is_sure(trial: Trial, view: View) -> bool:
    """Return whether no fold in flight is likely to end a trial.

    Fold by fold, behind what is in the queue, eight folds of a fifth of a second took
    ten seconds: what began well after two thirds of a minute was never finished.
    """
    if view.incumbent is None:
        return trial.number == 1
    return bool(trial.scores) and view.score(trial) >= view.incumbent.score


def _next_start(view: View) -> Start | None:
    """Return the first known good point that was not tried, of a family that can be."""
    tries = [
        (place, candidate, name, values)
        for candidate in view.candidates
        if view.affordable(candidate.name) and candidate.name not in view.hopeless
        for place, name, values in candidate.tries()
    ]
    for _, candidate, name, values in sorted(tries, key=itemgetter(0)):
        point = start_point(candidate, values)
        if point_key(candidate, point) not in view.tried:
            return Start(candidate.name, point, f"start: {name}")
    return None


def _next_proposal(view: View, rng: np.random.Generator) -> Start | None:
    """Return a proposal of the sampler for a family drawn by its rank."""
    families = [
        c for c in _by_score(view)
        if c.space and view.affordable(c.name) and c.name not in view.hopeless
    ]  # fmt: skip
    while families:
        candidate = families[_draw_rank(len(families), rng)]
        start = _untried(candidate, view, rng)
        if start is not None:
            return start
        families.remove(candidate)
    return None


def _by_score(view: View) -> list[Candidate]:
    """Return families by their best configuration, those without a score last."""
    best: dict[str, float] = {}
    for trial in view.trials:
        score = view.score(trial)
        if score > best.get(trial.candidate, -math.inf):
            best[trial.candidate] = score
    return sorted(view.candidates, key=lambda c: -best.get(c.name, -math.inf))


def _draw_rank(n: int, rng: np.random.Generator) -> int:
    """Return a rank: `LEADERS_SHARE` for the first, of the rest for the next, …."""
    rank = 0
    while rank < n - 1 and rng.random() > LEADERS_SHARE:
        rank += 1
    return rank


def _untried(
    candidate: Candidate, view: View, rng: np.random.Generator
) -> Start | None:
    """Return a point of a family that was not tried; None if there is hardly one."""
    own = [
        tpe.Observation(t.params, view.score(t))
        for t in view.trials
        if t.candidate == candidate.name
    ]
    proposed, origin = _propose(candidate, own, rng)
    point = proposed
    for attempt in range(ATTEMPTS):
        if point_key(candidate, point) not in view.tried:
            return Start(candidate.name, point, origin)
        if attempt < ATTEMPTS // 2:
            point, origin = perturb(candidate, proposed, rng), "perturbed"
        else:
            point, origin = draw(candidate, rng), "random"
    return None


def _propose(
    candidate: Candidate, own: list[tpe.Observation], rng: np.random.Generator
) -> tuple[dict[str, Any], str]:
    """Return a point near the family's best or one of the sampler's, and its origin."""
    scored = [seen for seen in own if not math.isnan(seen.score)]
    if scored and rng.random() < PERTURBED_SHARE:
        best = max(scored, key=attrgetter("score"))
        point = start_point(candidate, best.params)
        return perturb(candidate, point, rng), "perturbed"
    enough = len(scored) >= tpe.MIN_OBSERVATIONS
    return tpe.ask(candidate, own, rng), "tpe" if enough else "random"
