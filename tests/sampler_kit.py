"""What every sampler promises: testing a new one is a subclass with one fixture."""

import json
import math

import numpy as np
import pytest

from automl.candidates import parse_candidate
from automl.trial import FoldResult, Trial

SPEC = {
    "tasks": ["binary"],
    "estimator": {"classification": "lightgbm.LGBMClassifier"},
    "preprocess": {"numeric": ["impute", "passthrough"], "scale": ["none", "robust"]},
    "select": {"method": ["none", "importance"], "keep": [0.5, 0.8]},
    "space": {
        "learning_rate": {"dist": "float", "low": 0.01, "high": 1.0, "log": True},
        "subsample": {"dist": "float", "low": 0.5, "high": 1.0},
        "num_leaves": {"dist": "int", "low": 2, "high": 200, "log": True},
        "max_depth": {"dist": "int", "low": 1, "high": 12},
        "extra_trees": {"dist": "choice", "options": [False, True]},
        "monotone_constraints": {"dist": "choice", "options": [[1, 0], [0, 1]]},
    },
}

BARE = {key: SPEC[key] for key in ("tasks", "estimator")}


def trial(number, params, score=None, status=None):
    """A trial of one fold; without a score it is running, or ended so."""
    folds = ()
    if score is not None:
        folds = (FoldResult(number, 0, "ok", score=score),)
    ended = "running" if score is None else "ok"
    return Trial(number, "made_up", params, "random", status or ended, folds)


def inside(candidate, point):
    """Whether the point has a value of the right type within each dimension."""
    if set(point) != {d.name for d in candidate.space}:
        return False
    for d in candidate.space:
        value = point[d.name]
        if d.dist == "choice":
            if value not in d.options:
                return False
        elif (
            type(value) is not {"int": int, "float": float}[d.dist]
            or not d.low <= value <= d.high
        ):
            return False
    return True


class SamplerKit:
    """Subclass it with the fixture ``ask``, a function of candidate, trials, rng."""

    @pytest.fixture
    def ask(self):
        """Return the sampler: ``ask(candidate, trials, rng) -> point``."""
        raise NotImplementedError

    @pytest.fixture
    def candidate(self):
        """A candidate with every kind of dimension."""
        return parse_candidate("made_up", SPEC)

    def history(self, ask, candidate, n, seed=0):
        """Return trials whose points were asked for, scored by one of their numbers."""
        rng = np.random.default_rng(seed)
        trials = []
        for i in range(n):
            point = ask(candidate, trials, rng)
            trials.append(trial(i, point, -abs(math.log(point["learning_rate"]) + 2)))
        return trials

    def test_points_lie_inside_the_space(self, ask, candidate):
        """Each value is of its dimension's type and within it, ends included."""
        trials = self.history(ask, candidate, 30)
        assert all(inside(candidate, t.params) for t in trials)

    def test_points_survive_json(self, ask, candidate):
        """A point read back from the journal is the point that was asked for."""
        for t in self.history(ask, candidate, 12):
            assert json.loads(json.dumps(t.params)) == t.params

    def test_points_read_from_json_can_be_told(self, ask, candidate):
        """A history that went through the journal gives the same next point."""
        trials = self.history(ask, candidate, 12)
        read = [
            trial(t.number, json.loads(json.dumps(t.params)), t.score) for t in trials
        ]
        expected = ask(candidate, trials, np.random.default_rng(5))
        assert expected == ask(candidate, read, np.random.default_rng(5))

    @pytest.mark.parametrize("n", [0, 1, 8, 9, 25])
    def test_the_same_chance_gives_the_same_point(self, ask, candidate, n):
        """The generator is the only source of chance, however much was observed."""
        trials = self.history(ask, candidate, n)
        first = ask(candidate, trials, np.random.default_rng(3))
        assert first == ask(candidate, trials, np.random.default_rng(3))

    @pytest.mark.parametrize("n", [0, 1, 8, 25])
    def test_a_point_is_a_function_of_the_trials(self, ask, candidate, n):
        """Asking changes neither the trials nor what the next one is told."""
        trials = self.history(ask, candidate, n)
        before = json.dumps([t.params for t in trials])
        ask(candidate, iter(trials), np.random.default_rng(0))
        assert before == json.dumps([t.params for t in trials])

    def test_running_and_failed_trials_are_no_obstacle(self, ask, candidate):
        """Trials without a score are taken, alone and among others."""
        rng = np.random.default_rng(1)
        bare = [trial(i, ask(candidate, [], rng)) for i in range(20)]
        failed = [
            trial(20 + i, ask(candidate, [], rng), status="error") for i in range(9)
        ]
        scored = self.history(ask, candidate, 10)
        for trials in (bare, failed, bare + failed, scored + bare + failed):
            assert inside(candidate, ask(candidate, trials, rng))

    def test_equal_scores_are_no_obstacle(self, ask, candidate):
        """A score that never changes, or a wild one, still leads to a point."""
        rng = np.random.default_rng(1)
        for score in (0.0, -1e300, 1e-300):
            trials = [trial(i, ask(candidate, [], rng), score) for i in range(20)]
            assert inside(candidate, ask(candidate, trials, rng))

    def test_inactive_parameters_may_be_left_out(self, ask, candidate):
        """Trials whose inactive parameters were normalised out can be told."""
        from automl.space import active

        trials = self.history(ask, candidate, 15)
        read = [trial(t.number, active(candidate, t.params), t.score) for t in trials]
        assert any(len(t.params) < len(candidate.space) for t in read)
        assert inside(candidate, ask(candidate, read, np.random.default_rng(0)))

    def test_parameters_that_no_trial_had_are_no_obstacle(self, ask, candidate):
        """A parameter that was inactive in all trials is drawn."""
        trials = self.history(ask, candidate, 15)
        keep = [{k: v for k, v in t.params.items() if k != "keep"} for t in trials]
        read = [trial(i, params, float(i)) for i, params in enumerate(keep)]
        assert inside(candidate, ask(candidate, read, np.random.default_rng(0)))

    def test_it_does_not_repeat_itself(self, ask, candidate):
        """Of thirty points asked for in turn, nearly all differ."""
        points = [json.dumps(t.params) for t in self.history(ask, candidate, 30)]
        assert len(set(points)) >= 28

    def test_it_looks_around_in_a_small_space(self, ask):
        """Half of the six points of a space come up within forty asks at least."""
        space = {
            "extra_trees": {"dist": "choice", "options": [False, True]},
            "max_depth": {"dist": "int", "low": 1, "high": 3},
        }
        small = parse_candidate("small", BARE | {"space": space})
        rng = np.random.default_rng(0)
        trials = []
        for i in range(40):
            point = ask(small, trials, rng)
            trials.append(trial(i, point, -float(point["max_depth"])))
        assert len({json.dumps(t.params) for t in trials}) >= 3

    def test_a_space_without_dimensions_is_a_point(self, ask):
        """Where nothing is searched, the point is empty."""
        bare = parse_candidate(
            "bare", SPEC | {"preprocess": {}, "select": {}, "space": {}}
        )
        assert ask(bare, [], np.random.default_rng(0)) == {}
