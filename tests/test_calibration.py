"""The temperature of what predicts: when there is one, and which."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl import calibration
from automl.calibration import LIMITS, calibrated, temperature_of
from automl.ensemble import Blend
from automl.estimate import corrected
from automl.estimators.temperature import tempered
from automl.metrics import resolve_metric
from automl.scored import Scored
from automl.selection import Selection
from automl.table import make_table
from automl.trial import FoldResult, Trial
from automl.winner import blended
from tests.blend_kit import finished, reader, thirds

N = 600
FOLDS = thirds(N)
LOG_LOSS = resolve_metric("log_loss", "multiclass")


def world(n=N, seed=0, sureness=1.0):
    """Return probabilities and classes drawn by them."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet([sureness] * 3, n)
    return p, (rng.random((n, 1)) > p.cumsum(axis=1)).sum(axis=1)


def trial_of(number, y, p, metric=LOG_LOSS):
    """Return a finished trial with the scores of its predictions."""
    return finished(number, y, p, FOLDS, metric)


@given(
    st.floats(0.1, 10.0),
    st.lists(st.floats(0.0, 1.0), min_size=2, max_size=6).filter(lambda x: sum(x) > 0),
)
def test_a_temperature_keeps_the_order_of_the_classes(temperature, raw):
    """Whatever the temperature, rows sum to one, and no class overtakes another."""
    p = np.array([raw]) / sum(raw)
    changed = tempered(p, temperature)
    assert changed.sum() == pytest.approx(1.0)
    order = np.argsort(p[0], kind="stable")
    assert (np.diff(changed[0][order]) >= 0).all()


def scored(y, weight=None, unit=None):
    """Return scored rows of one fold."""
    unit = np.arange(len(y)) if unit is None else unit
    return Scored(y, np.zeros(len(y), int), unit, weight)


@given(st.floats(0.4, 2.5), st.integers(0, 5))
def test_flattened_probabilities_are_sharpened_by_as_much(flatter, seed):
    """The temperature that was put on them comes back, within chance."""
    p, y = world(4000, seed)
    found = temperature_of(tempered(p, flatter), scored(y))
    assert found == pytest.approx(1 / flatter, rel=0.15) or abs(flatter - 1) < 0.12


def alarms(draw, n=200):
    """Return of how many draws with right probabilities a temperature comes."""
    return sum(temperature_of(*draw(seed)) != 1.0 for seed in range(n))


@pytest.mark.parametrize("kind", ["rows", "weights", "repeats", "groups"])
def test_probabilities_that_are_right_are_left_alone(kind):
    """At 5 % of the draws they are not; what is scored again is no more evidence."""

    def draw(seed):
        p, y = world(300, seed)
        if kind == "weights":  # a tenth of the rows have almost all of the weight
            weight = np.where(np.arange(300) < 30, 1.0, 1e-6)
            return p, scored(y, weight)
        if kind == "repeats":
            return np.tile(p, (5, 1)), scored(np.tile(y, 5), unit=np.arange(1500) % 300)
        if kind == "groups":
            return np.repeat(p, 5, axis=0), scored(
                np.repeat(y, 5), unit=np.repeat(np.arange(300), 5)
            )
        return p, scored(y)

    assert alarms(draw) <= 18  # 10 are expected; more than 18 with a chance of .5 %


def test_rows_that_are_not_looked_at_are_no_evidence(monkeypatch):
    """Of many rows a part decides, by as much as it proves."""
    monkeypatch.setattr(calibration, "CELLS", 900)  # 300 of 3,000 rows

    def draw(seed):
        p, y = world(3000, seed)
        return p, scored(y)

    assert alarms(draw) <= 18
    p, rows = draw(0)
    assert temperature_of(tempered(p, 3.0), rows) == pytest.approx(1 / 3, rel=0.3)


def test_a_part_of_many_rows_is_one_of_those_with_weight(monkeypatch):
    """Rows without weight take no place among those that are looked at."""
    monkeypatch.setattr(calibration, "CELLS", 300)  # 100 of 3,000 rows
    p, y = world(3000)
    weight = (np.arange(3000) < 100) * 1.0
    assert temperature_of(tempered(p, 3.0), scored(y, weight)) < 0.6


def test_few_rows_prove_nothing():
    """Twelve right answers that might have been surer are no reason to be surer."""
    p = np.tile([0.9, 0.1], (12, 1))
    assert temperature_of(p, scored(np.zeros(12, dtype=int))) == 1.0
    many = np.tile([0.9, 0.1], (40, 1))
    assert temperature_of(many, scored(np.zeros(40, dtype=int))) < LIMITS[0] + 0.01


def test_rows_without_weight_have_no_say():
    """Only those with a weight decide, and they decide by themselves."""
    p, y = world(2000)
    flat = tempered(p, 2.0)
    half = np.arange(2000) < 1000
    mixed = np.where(half[:, None], flat, p)
    alone = temperature_of(flat[half], scored(y[half]))
    assert temperature_of(mixed, scored(y, half * 1.0)) == alone < 0.7
    assert temperature_of(mixed, scored(y, (~half) * 1.0)) == 1.0
    assert temperature_of(mixed, scored(y, np.zeros(2000))) == 1.0


@pytest.mark.parametrize("n_missed", [0, 3, 10, 30])
def test_what_is_deployed_is_never_worse_on_the_rows_that_chose_it(n_missed):
    """Rows whose class got no probability at all count as the metric counts them."""
    p, y = world(1000)
    missed = np.arange(n_missed)
    p[missed, y[missed]] = 0.0
    p /= p.sum(axis=1, keepdims=True)
    temperature = temperature_of(p, scored(y))
    before, after = (LOG_LOSS.score(y, q) for q in (p, tempered(p, temperature)))
    assert after >= before
    assert (temperature == 1.0) == (after == before)


@pytest.mark.parametrize("row", [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [-1e-17, 0.5, 0.5]])
def test_no_row_is_lost(row):
    """Rows of zeros, sure ones and tiny negative numbers come out as probabilities."""
    for temperature in (0.25, 1.7, 4.0):
        found = tempered(np.array([row]), temperature)
        assert found.sum() == pytest.approx(1.0)
        assert (found >= 0).all()


ROWS = Scored(
    np.zeros(N, int),
    np.repeat([0, 1, 2], N // 3),
    np.arange(N).reshape(-1, 3).T.ravel(),
)
"""The entries of `FOLDS`, one fold after the other; `y` is put in."""


def entries(y):
    """Return the scored rows of `FOLDS`."""
    return replace(ROWS, y=np.concatenate([y[test] for _, test in FOLDS.splits]))


def test_one_configuration_is_calibrated_where_the_metric_gains():
    """It predicts with its temperature, under a score that the metric gives it."""
    p, y = world()
    flat = {1: tempered(p, 2.0)}
    leader = trial_of(1, y, flat[1])
    found = calibrated(None, leader, reader(flat, FOLDS), entries(y), FOLDS, LOG_LOSS)
    assert found.weights == {1: 1.0}
    assert 0.3 < found.temperature < 0.8
    for k, (_, test) in enumerate(FOLDS.splits):
        surer = tempered(flat[1][test], found.temperature)
        assert found.scores[k] == pytest.approx(LOG_LOSS.score(y[test], surer))
    right, leader = {1: p}, trial_of(1, y, p)
    assert (
        calibrated(None, leader, reader(right, FOLDS), entries(y), FOLDS, LOG_LOSS)
        is None
    )


@pytest.mark.parametrize("name", ["accuracy", "roc_auc"])
def test_one_configuration_is_left_alone_where_only_the_order_counts(name):
    """The metric gains nothing: the model stays what it was. An average is mended."""
    metric = resolve_metric(name, "binary")
    rng = np.random.default_rng(0)
    p = rng.dirichlet([0.8, 0.8], N)
    y = (rng.random(N) < p[:, 1]).astype(int)
    flat = {1: tempered(p, 2.0), 2: tempered(p, 2.1)}
    leader = trial_of(1, y, flat[1], metric)
    rest = (leader, reader(flat, FOLDS), entries(y), FOLDS, metric)
    assert calibrated(None, *rest) is None
    whole = Blend({1: 0.5, 2: 0.5}, tuple(leader.scores.values()))
    found = calibrated(whole, *rest)
    assert found.temperature < 0.8
    assert found.weights == whole.weights


def test_an_average_whose_score_would_fall_is_left_alone():
    """Some metrics like probabilities that are wrong: theirs are kept."""
    p, y = world()
    flat = {1: tempered(p, 2.0), 2: tempered(p, 2.0)}

    def unsure(estimator, X, y_true):  # noqa: ARG001 - the signature of a scorer
        return -float(estimator.predict_proba(X).max(axis=1).mean())

    metric = resolve_metric(unsure, "multiclass")
    leader = trial_of(1, y, flat[1], metric)
    whole = Blend({1: 0.5, 2: 0.5}, tuple(leader.scores.values()))
    assert (
        calibrated(whole, leader, reader(flat, FOLDS), entries(y), FOLDS, metric)
        is whole
    )


def test_without_time_all_stays_as_it_is():
    """What there is predicts, and the metric is not asked."""
    p, y = world()
    flat = {1: tempered(p, 2.0)}
    leader = trial_of(1, y, flat[1])
    rest = (leader, reader(flat, FOLDS), entries(y), FOLDS, LOG_LOSS)
    assert calibrated(None, *rest, lambda: True) is None
    clock = iter([False] * 3 + [True])  # read, but not scored
    assert calibrated(None, *rest, lambda: next(clock)) is None


def test_the_estimate_chooses_what_the_search_chose():
    """What becomes of what is taken has no say in what is taken."""
    rng = np.random.default_rng(0)
    p, y = world(400)
    contenders = [tempered(p, 3.0)] + [
        tempered(np.maximum(p + rng.normal(0, 0.05, p.shape), 1e-6), 1.5)
        for _ in range(4)
    ]
    contenders = [q / q.sum(axis=1, keepdims=True) for q in contenders]
    rows, asked = scored(y), []

    def finish(q):
        asked.append(next(k for k, own in enumerate(contenders) if own is q))
        return q

    corrected(contenders, rows, LOG_LOSS, finish=finish, n_resamples=200)
    flat = LOG_LOSS.score(y, contenders[0])
    assert flat < min(LOG_LOSS.score(y, q) for q in contenders[1:])
    assert 0 not in asked  # it would be the best with a temperature
    assert asked


def test_averages_in_the_drawings_get_the_temperature_of_the_whole():
    """The estimate of an ensemble is of what it gives, not of the average before."""
    rng = np.random.default_rng(0)
    p, y = world(400, sureness=0.3)
    noisy = [np.maximum(p + rng.normal(0, 0.02, p.shape), 1e-6) for _ in range(3)]
    flat = [tempered(q / q.sum(axis=1, keepdims=True), 3.0) for q in noisy]
    naked, made = (
        corrected(
            flat, scored(y), LOG_LOSS, selection=Selection(mixes=True),
            finish=finish, n_resamples=50,
        )
        for finish in (np.asarray, lambda q: tempered(q, 1 / 3))
    )  # fmt: skip
    assert made.score > naked.score + 0.1


def test_what_could_not_be_fitted_is_no_ensemble_that_failed(tmp_path):
    """One configuration without a model says nothing here: the leader's notes do."""
    table = make_table(*world(60))
    trial = Trial(1, "extra_trees", {}, "", "ok", (FoldResult(1, 0, "ok", -0.5),))
    given = SimpleNamespace(
        history={1: trial}, table=table, bag=False, notes=[], folder=tmp_path,
        candidates={}, finish=SimpleNamespace(refits={}), bags={},
    )  # fmt: skip
    assert blended(given, Blend({1: 1.0}, (-0.4,), 0.5)) == ([], ())
    assert given.notes == []
