"""The score that is claimed is the score on new rows: T1 to T10 and T12, small."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score

from automl import AutoML
from automl.estimate import corrected
from automl.exceptions import AutoMLWarning
from automl.metrics import resolve_metric
from automl.resampled_scores import scorer_of
from automl.scored import Scored
from benchmarks.honesty import simulated

AREA = resolve_metric("roc_auc", "binary")
pytestmark = pytest.mark.usefixtures("unexplained")


def fit(X, y, seed=0, n_trials=8, **given):
    """Return a model fitted in this process with light candidates."""
    candidates = given.pop("candidates", ["logistic", "k_nearest"])
    keywords = {"metric": "roc_auc", "cv": 5, "ensemble": False, **given}
    fits = {k: keywords.pop(k) for k in ("groups", "time") if k in keywords}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AutoMLWarning)
        return AutoML(
            candidates=candidates, n_trials=n_trials, n_jobs=1, random_state=seed,
            verbose=0, **keywords,
        ).fit(X, y, **fits)  # fmt: skip


def holds(model, truth=0.5):
    """Return whether the interval holds the truth."""
    low, high = model.score_interval_
    return low <= truth <= high


def noise(n, seed, n_columns=6):
    """Return a table that says nothing of its two classes."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, n_columns)), rng.permutation(np.arange(n) % 2)


def signal(n, seed):
    """Return a table that says something, with noise."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 6))
    return X, (rng.random(n) < 1 / (1 + np.exp(-1.5 * X[:, 0]))).astype(int)


def test_on_noise_the_interval_holds_chance_and_the_raw_best_is_above():
    """T1: what was selected from noise is claimed to be no better than chance."""
    models = [fit(*noise(60 + 20 * i, i), seed=i) for i in range(3)]

    assert sum(holds(m) for m in models) >= 2
    assert np.mean([m.best_score_ for m in models]) > 0.55
    assert all(m.score_estimate_ < m.best_score_ for m in models)


@pytest.mark.slow
def test_on_noise_forty_runs_hold_chance():
    """T1: with 60 trials, half of them proposals, 34 of 40 intervals hold chance."""
    models = [fit(*noise(60 + 5 * i, i), seed=i, n_trials=60) for i in range(40)]

    assert sum(holds(m) for m in models) >= 34


@pytest.mark.slow
def test_of_four_hundred_searches_on_noise_most_intervals_hold_chance():
    """T1 at full size, searches drawn and not fitted: the raw best does not hold it.

    369 of 400 is what a coverage of 95 % misses once in a hundred. The same with fits
    takes twenty minutes of a core: `python -m benchmarks.honesty noise --real`.
    """
    rows = [simulated("noise", seed, 60, mixes=False) for seed in range(400)]
    fresh = 2 * 1.96

    assert sum(r.low <= 0.5 <= r.high for r in rows) >= 369
    assert sum(abs(r.raw - 0.5) <= fresh / 2 * r.error for r in rows) < 250
    assert np.mean([(r.high - r.low) / (fresh * r.error) for r in rows]) <= 1.5


def test_more_columns_than_rows_promise_nothing():
    """T2: columns are selected inside the folds, so many of them do not help."""
    model = fit(*noise(60, 0, n_columns=150), metric="accuracy", n_trials=4)

    assert holds(model)
    assert 0.35 < model.score_estimate_ < 0.65


@pytest.mark.slow
def test_five_thousand_columns_of_noise_promise_nothing():
    """T2 at full size: 200 rows by 5,000 columns."""
    found = [
        fit(*noise(200, i, 5000), seed=i, metric="accuracy").score_estimate_
        for i in range(3)
    ]

    assert 0.45 < np.mean(found) < 0.55


def test_permuted_labels_promise_nothing():
    """T3: real columns with shuffled labels are worth what chance is."""
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    y = y.sample(frac=1, random_state=0).to_numpy()

    assert holds(fit(X.iloc[:150], y[:150], n_trials=6))


def test_optimism_does_not_grow_with_the_number_of_configurations():
    """T4: with more to choose from the raw best rises, the corrected score does not."""
    raw, right = [], []
    for n_configurations in (10, 200):
        best, found = [], []
        for seed in range(16):
            rng = np.random.default_rng(seed)
            y = np.arange(120) % 2
            rows = Scored(y, np.zeros(120, dtype=int), np.arange(120))
            drawn = rng.random((n_configurations, 120))
            kept = [np.c_[1 - p, p] for p in drawn]
            whole = np.ones((1, 120))
            best.append(max(scorer_of(AREA, rows, p)(whole)[0] for p in kept))
            found.append(corrected(kept, rows, AREA, n_resamples=60).score)
        raw.append(np.mean(best))
        right.append(np.mean(found))

    assert raw[1] > raw[0] + 0.03
    assert abs(right[1] - right[0]) < 0.03
    assert all(abs(r - 0.5) < 0.06 for r in right)


def test_on_a_signal_the_interval_holds_the_truth():
    """T5: the score on many fresh rows is inside, and near the estimate."""
    model = fit(*signal(300, 1))
    truth = model.score(*signal(20_000, 2))

    assert holds(model, truth)
    assert abs(model.score_estimate_ - truth) < 0.05


@pytest.mark.slow
def test_on_signals_forty_runs_hold_the_truth():
    """T5: at least 35 of 40 intervals hold it, with a bias below a quarter error."""
    off, held = [], 0
    for seed in range(40):
        (X, y), (fresh, labels) = signal(300, seed), signal(50_000, 1000 + seed)
        model = fit(X, y, seed=seed, n_trials=30)
        truth = model.score(fresh, labels)
        held += holds(model, truth)
        # How lucky these rows are is known from the column that all depends on; left
        # in, it alone moves the mean of forty by .004.
        luck = roc_auc_score(y, X[:, 0]) - roc_auc_score(labels, fresh[:, 0])
        off.append(model.score_estimate_ - truth - luck)

    assert held >= 35
    assert abs(np.mean(off)) < 0.25 * 0.026  # standard error of an area of .8 at 300


def test_random_codes_of_many_levels_promise_nothing():
    """T6: an encoder that sees the target sees that of its fold's training rows."""
    rng = np.random.default_rng(3)
    X = pd.DataFrame({"code": [f"c{i}" for i in rng.integers(0, 50, 150)]})
    X["size"] = rng.normal(size=150)

    model = fit(X, rng.permutation(np.arange(150) % 2), n_trials=6)

    assert holds(model)


def test_duplicated_rows_promise_nothing():
    """T7: copies stay in one fold, and are drawn together."""
    X, y = noise(100, 4)
    X, y = np.r_[X, X[:45]], np.r_[y, y[:45]]

    model = fit(X, y)

    assert "copies" in model.facts_["run"]["cv"]
    assert holds(model)


def test_what_only_groups_tell_is_not_promised_for_new_groups():
    """T8: labels that follow the patient are worth nothing on other patients."""
    rng = np.random.default_rng(5)
    patient = np.repeat(np.arange(40), 5)
    X = rng.normal(size=(40, 4))[patient] + 0.01 * rng.normal(size=(200, 4))
    y = (np.arange(40) % 2)[rng.permutation(40)][patient]

    alone, grouped = fit(X, y), fit(X, y, groups=patient)

    assert alone.score_interval_[0] > 0.9
    assert holds(grouped)


def test_time_is_forecast_and_drawn_in_blocks():
    """T9: a walk is forecast from its past only, and its blocks are drawn together."""
    rng = np.random.default_rng(6)
    walk = np.cumsum(rng.normal(size=160))
    X = np.c_[walk, rng.normal(size=160)]

    model = fit(
        X, walk + 1, time=np.arange(160), metric="rmse", candidates=["ridge"],
        n_trials=3,
    )  # fmt: skip

    assert "by time" in model.facts_["run"]["cv"]
    low, high = model.score_interval_
    assert low <= model.score_estimate_ <= high <= 0


def test_no_fitted_part_has_seen_the_rows_that_score():
    """T10: a number that only scoring rows hold is nowhere in a fold's model."""
    canary = 987654.25
    X, y = signal(120, 7)
    train, test = np.arange(80), np.arange(80, 120)
    X[test, 1] = canary

    model = fit(X, y, cv=[(train, test)], deploy="bag", n_trials=2)

    assert not _holds_value(model.model_[1:], canary, set())


def _holds_value(thing, value, seen):
    """Return whether a number is somewhere in an object, or near as a bound."""
    if id(thing) in seen:
        return False
    seen.add(id(thing))
    if isinstance(thing, float | int | np.ndarray | np.generic):
        numbers = np.asarray(thing)
        return numbers.dtype.kind in "fiu" and bool(
            np.isclose(numbers.astype(float), value, rtol=1e-3).any()
        )
    parts = []
    if isinstance(thing, dict):
        parts = list(thing.values())
    elif isinstance(thing, list | tuple):
        parts = list(thing)
    elif hasattr(thing, "__dict__") and not isinstance(thing, type):
        parts = list(vars(thing).values())
    return any(_holds_value(part, value, seen) for part in parts)


def test_the_canary_would_be_found():
    """T10: a scaler that saw the number is caught."""
    from sklearn.preprocessing import MinMaxScaler

    seen = MinMaxScaler().fit([[0.0], [987654.25]])

    assert _holds_value({"steps": [seen]}, 987654.25, set())


def test_an_overlap_of_test_and_training_rows_is_told():
    """T12: the share of test rows that are training rows is a warning and a note."""
    X, y = signal(120, 8)
    X_test = np.r_[X[:30], signal(30, 9)[0]]
    y_test = np.r_[y[:30], signal(30, 9)[1]]
    model = AutoML(
        candidates=["logistic"], n_trials=2, n_jobs=1, random_state=0, verbose=0
    )

    with pytest.warns(AutoMLWarning, match="50% of the rows of X_test are equal"):
        model.fit(X, y, X_test=X_test, y_test=y_test)

    assert any("50% of the rows of X_test" in note for note in model.notes_)
    assert model.facts_["estimate"]["method"] == "test"
    assert model.score_estimate_ == pytest.approx(model.test_score_, rel=1e-4)
    assert model.test_score_ == pytest.approx(model.score(X_test, y_test))
