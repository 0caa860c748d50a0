"""Points lie in the space, move in it, and are told apart by what counts."""

import json
from collections import Counter

import numpy as np
import pytest

from automl.candidates import Candidate, Dimension, load_candidates
from automl.space import (
    active,
    default_point,
    draw,
    from_hyperopt,
    perturb,
    point_key,
    start_point,
    to_hyperopt,
)

SHAPES = ([64], [161, 161])
SPACE = (
    Dimension("rate", "float", 0.001, 10.0, log=True),
    Dimension("share", "float", 0.0, 1.0),
    Dimension("leaves", "int", 1.0, 100.0, log=True),
    Dimension("depth", "int", 1.0, 4.0),
    Dimension("shape", "choice", options=SHAPES),
    Dimension("mixed", "choice", options=(1, 1.0, True, "none")),
)
MADE_UP = Candidate("made_up", "Made up", ("binary",), {}, space=SPACE)


def test_the_middle_is_within():
    """The middle of a logarithmic range is its geometric mean."""
    point = default_point(MADE_UP)
    assert point["rate"] == pytest.approx(0.1)
    assert point["leaves"] == 10
    assert point["shape"] == [64]
    assert start_point(MADE_UP, {"depth": 4}) == point | {"depth": 4}


@pytest.mark.parametrize("name", ["draw", "perturb"])
def test_points_stay_within(name):
    """Numbers stay in their range and of their type, however far they move."""
    rng = np.random.default_rng(0)
    point = default_point(MADE_UP)
    for _ in range(500):
        point = draw(MADE_UP, rng) if name == "draw" else perturb(MADE_UP, point, rng)
        for d in SPACE:
            if d.dist == "choice":
                assert any(point[d.name] is option for option in d.options)
            else:
                assert d.low <= point[d.name] <= d.high
                assert type(point[d.name]) is {"int": int, "float": float}[d.dist]


def test_the_ends_of_whole_numbers_come_up_as_often():
    """One of four depths is drawn a quarter of the time, at the ends too."""
    rng = np.random.default_rng(0)
    counts = Counter(draw(MADE_UP, rng)["depth"] for _ in range(4000))
    assert set(counts) == {1, 2, 3, 4}
    assert min(counts.values()) > 900


def test_neighbours_are_near():
    """A neighbour is nearer than a draw, and differs."""
    rng = np.random.default_rng(0)
    point = default_point(MADE_UP)
    moved = [perturb(MADE_UP, point, rng) for _ in range(200)]
    drawn = [draw(MADE_UP, rng) for _ in range(200)]

    def distance(points):
        return np.mean([abs(np.log10(p["rate"] / point["rate"])) for p in points])

    assert 0 < distance(moved) < 0.8 * distance(drawn)


def test_hyperopt_takes_points_and_gives_them_back():
    """Indices and logarithms mean the point they came from, lists and types too."""
    rng = np.random.default_rng(0)
    for _ in range(100):
        point = draw(MADE_UP, rng)
        read = json.loads(json.dumps(point))
        back = from_hyperopt(MADE_UP, to_hyperopt(MADE_UP, read))
        assert [type(v) for v in point.values()] == [type(v) for v in back.values()]
        for d in SPACE:
            if d.dist == "float":
                assert back[d.name] == pytest.approx(point[d.name], rel=1e-9)
            else:
                assert back[d.name] == point[d.name]


def test_a_tuple_is_the_same_shape_as_a_list():
    """A shape is found among the options however it is written."""
    assert to_hyperopt(MADE_UP, {"shape": (161, 161)})["shape"] == [1]


def test_what_is_left_out_is_not_told():
    """A dimension without a value has no observation; an unknown option is an error."""
    assert to_hyperopt(MADE_UP, {"depth": 2})["rate"] == []
    with pytest.raises(ValueError, match="not in list"):
        to_hyperopt(MADE_UP, {"shape": [1]})


def test_inactive_parameters_do_not_tell_points_apart():
    """How much to keep says nothing where nothing is selected."""
    lightgbm = load_candidates("lightgbm")["lightgbm"]
    point = default_point(lightgbm)
    assert "keep" not in active(lightgbm, point | {"method": "none", "keep": 0.5})
    assert "keep" in active(lightgbm, point | {"method": "importance", "keep": 0.5})
    keys = {
        point_key(lightgbm, point | {"method": "none", "keep": k}) for k in (0.5, 0.8)
    }
    assert len(keys) == 1


def test_how_columns_are_stored_is_inactive_without_onehot_columns():
    """Target-encoded twins are one configuration."""
    logistic = load_candidates("logistic")["logistic"]
    point = default_point(logistic) | {"onehot": "sparse"}
    assert "onehot" in active(logistic, point | {"categorical": "onehot"})
    assert "onehot" not in active(logistic, point | {"categorical": "target"})


def test_steps_that_do_nothing_are_inactive():
    """Without imputation there is neither indicator nor scale."""
    plain = Candidate("x", "x", ("binary",), {}, preparation={"numeric": "passthrough"})
    point = {"scale": "robust", "impute": "mean", "indicator": "yes", "C": 1.0}
    assert active(plain, point) == {"C": 1.0}


def test_six_digits_tell_points_apart():
    """Whole or not, a number of a range is compared by its first six digits."""
    point = default_point(MADE_UP)
    keys = {point_key(MADE_UP, point | {"rate": r}) for r in (1, 1.0, 1.00000001)}
    assert len(keys) == 1
    assert point_key(MADE_UP, point | {"rate": 1.0001}) not in keys
    assert point_key(MADE_UP, point) != point_key(MADE_UP, point | {"depth": 4})
