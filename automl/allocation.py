"""What to run next: a pure function of what is known.

The order: folds of configurations that are still in the race; then the known good
starting points, families in turns; then proposals of the sampler, most of them for the
families that lead.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any

from automl.racing import PairedScores
from automl.sampling import tpe
from automl.space import draw, perturb, point_key, start_point

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from automl.candidates import Candidate
    from automl.history import History
    from automl.trial import Trial

__all__ = [
    "Continue", "Start", "Stop", "View", "Wait", "known_starts", "next_step",
]  # fmt: skip

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
    history : History
        The trials so far, the baseline first.
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
    starts : sequence of (str, Start)
        Known good points in the order of their turns, each with its key.
    paired, points : PairedScores, Points
        What earlier views of the same search have worked out.
    """

    history: History
    in_flight: frozenset[tuple[int, int]]
    n_folds: int
    candidates: tuple[Candidate, ...]
    n_left: int | None = None
    seconds_left: float | None = None
    tried: frozenset[str] | set[str] = frozenset()
    seconds: Mapping[str, float] = field(default_factory=dict)
    starts: Sequence[tuple[str, Start]] = ()
    paired: PairedScores = field(default_factory=PairedScores, compare=False)
    points: tpe.Points = field(default_factory=tpe.Points, compare=False)

    @property
    def incumbent(self) -> Trial | None:
        """The best finished configuration, the baseline aside."""
        return self.history.tally.incumbent

    @cached_property
    def hopeless(self) -> frozenset[str]:
        """Families of which every configuration failed so far, twice at least."""
        tally = self.history.tally
        return frozenset(c for c, n in tally.n_ended.items() if n > 1) - tally.worked

    def score(self, trial: Trial) -> float:
        """Return the score that compares trials whatever folds they ran."""
        return self.paired.of(trial, self.incumbent)

    def scores(self, candidate: str) -> list[float]:
        """Return those of a candidate's trials, NaN for those that failed."""
        own = self.history.tally.own.get(candidate, {})
        return self.paired.of_all(candidate, own, self.incumbent)

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


def known_starts(
    candidates: Sequence[Candidate],
) -> tuple[tuple[str, Start], ...]:
    """Return the known good points in the order of their turns, each with its key.

    Parameters
    ----------
    candidates : sequence of Candidate
        In the order of first tries.

    Examples
    --------
    >>> from automl.candidates import Candidate, Dimension
    >>> a = Dimension("a", "float", 0.0, 1.0)
    >>> starts = (("low", {"a": 0.1}), ("high", {"a": 0.9}))
    >>> one, two = (Candidate(n, n, (), {}, space=(a,), starts=starts) for n in "xy")
    >>> [(s.candidate, s.origin) for _, s in known_starts([one, two])][:3]
    [('x', 'start: low'), ('y', 'start: low'), ('x', 'start: high')]
    """
    tries = [
        (place, candidate, name, values)
        for candidate in candidates
        for place, name, values in candidate.tries()
    ]
    found = []
    for _, candidate, name, values in sorted(tries, key=itemgetter(0)):
        point = start_point(candidate, values)
        start = Start(candidate.name, point, f"start: {name}")
        found.append((point_key(candidate, point), start))
    return tuple(found)


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
    for trial in view.history.tally.running.values():
        if not view.affordable(trial.candidate):
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
    for key, start in view.starts:
        name = start.candidate
        if key in view.tried or name in view.hopeless or not view.affordable(name):
            continue
        return start
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
    return sorted(view.candidates, key=lambda c: -_best(view.scores(c.name)))


def _best(scores: list[float]) -> float:
    return max((s for s in scores if not math.isnan(s)), default=-math.inf)


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
    trials = view.history.tally.own.get(candidate.name, {}).values()
    scores = view.scores(candidate.name)
    own = [tpe.Observation(t.params, s) for t, s in zip(trials, scores, strict=True)]
    proposed, origin = _propose(candidate, own, rng, view.points)
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
    candidate: Candidate,
    own: list[tpe.Observation],
    rng: np.random.Generator,
    points: tpe.Points,
) -> tuple[dict[str, Any], str]:
    """Return a point near the family's best or one of the sampler's, and its origin."""
    scored = [seen for seen in own if not math.isnan(seen.score)]
    if scored and rng.random() < PERTURBED_SHARE:
        best = max(scored, key=attrgetter("score"))
        point = start_point(candidate, best.params)
        return perturb(candidate, point, rng), "perturbed"
    enough = len(scored) >= tpe.MIN_OBSERVATIONS
    return tpe.ask(candidate, own, rng, points), "tpe" if enough else "random"
