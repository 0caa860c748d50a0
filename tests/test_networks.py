"""Perceptrons go on while their loss falls, end in time, and take weights."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.neural_network import MLPClassifier
from sklearn.utils.validation import has_fit_parameter

from automl.estimators.network import EarlyMLPClassifier, EarlyMLPRegressor, like
from automl.fitting import takes_weights
from tests.growing_kit import grow, split
from tests.growing_kit import rows as labelled


def rows(n=120, seed=0):
    """Rows and a signal in them."""
    X = np.random.default_rng(seed).normal(size=(n, 3))
    return X, X[:, 0] - 0.5 * X[:, 1]


def few_of_a_class(n=1200, seed=3):
    """Rows of which three in a hundred are of the second class, and a signal."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 6))
    y = X[:, 0] + X[:, 1] + 0.5 * rng.normal(size=n)
    return X, np.where(y > np.quantile(y, 0.97), "rare", "usual")


def test_a_network_of_a_rare_class_goes_on_while_its_loss_falls():
    """The share of right rows stands still at 97 %; the probabilities get better."""
    X, y = few_of_a_class()
    model = EarlyMLPClassifier(learning_rate_init=0.003, random_state=0)
    made, truncated = grow(
        model, X[:800], y[:800], 400, inner=split(800, 160), param="max_iter"
    )
    theirs = MLPClassifier(
        early_stopping=True, learning_rate_init=0.003, random_state=0
    ).fit(X[:800], y[:800])
    rare = y[800:] == "rare"
    assert not truncated
    assert 1 < made < 400
    area = roc_auc_score(rare, model.predict_proba(X[800:])[:, 0])
    assert area > 0.95 > roc_auc_score(rare, theirs.predict_proba(X[800:])[:, 0])


@pytest.mark.parametrize("numbers", [False, True])
def test_a_network_keeps_its_best_epoch(numbers):
    """What it made after the best epoch, until patience ended, is forgotten."""
    X, y = few_of_a_class()
    target = X[:, 0] + np.random.default_rng(1).normal(size=1200) if numbers else y
    kind = EarlyMLPRegressor if numbers else EarlyMLPClassifier
    model = kind(learning_rate_init=0.02, random_state=0)
    made, _ = grow(model, X, target, 300, inner=split(1200, 300), param="max_iter")
    again = clone(model).set_params(max_iter=made).fit(X[:900], target[:900])
    assert made < 250
    predict = "predict" if numbers else "predict_proba"
    assert np.allclose(getattr(model, predict)(X), getattr(again, predict)(X))


def test_a_late_network_makes_one_epoch():
    """An epoch of many rows takes a second: ten would end long after the deadline."""
    X, y = labelled()
    model = EarlyMLPClassifier(random_state=0)
    made, truncated = grow(
        model, X, y, 300, deadline=0.0, inner=split(300, 60), param="max_iter"
    )
    first = clone(model).set_params(max_iter=1).fit(X[:240], y[:240])
    assert (made, truncated) == (1, True)
    assert np.allclose(model.predict_proba(X), first.predict_proba(X))


@pytest.mark.skipif(
    not has_fit_parameter(MLPClassifier, "sample_weight"),
    reason="scikit-learn's networks take no weights before 1.7, and ours none then",
)
def test_networks_take_weights():
    """A perceptron follows the rows that weigh, in whatever unit the weights are."""
    X, signal = rows()
    heavy = X[:, 2] > 0
    y = np.where(heavy, signal, -signal)
    for model, target in (
        (EarlyMLPClassifier(max_iter=300, random_state=0), y > 0),
        (EarlyMLPRegressor(max_iter=300, random_state=0), y),
    ):
        fitted = clone(model).fit(X, target, sample_weight=np.where(heavy, 1e-4, 0.0))
        assert takes_weights(model)
        assert np.corrcoef(fitted.predict(X), signal)[0, 1] > 0.6
        alone = clone(model).fit(X[heavy], target[heavy])
        assert np.allclose(fitted.predict(X), alone.predict(X))


def test_each_epoch_of_a_network_has_batches_of_its_own():
    """The first is that of a seed; the others do not begin anew with it."""
    X, signal = rows(600)
    y = signal > 0
    ours = [EarlyMLPClassifier(max_iter=n, random_state=3).fit(X, y) for n in (1, 2)]
    seeded = MLPClassifier(random_state=3).partial_fit(X, y, classes=[False, True])
    first = seeded.predict_proba(X)
    assert np.allclose(ours[0].predict_proba(X), first)
    second = seeded.partial_fit(X, y).predict_proba(X)
    assert not np.allclose(ours[1].predict_proba(X), second)


def test_networks_take_no_weights_where_their_library_takes_none():
    """With a scikit-learn whose networks know no weights, ours say so, and fit."""

    class Weightless:
        def fit(self, X, y):
            return X + y

    class Child(Weightless):
        @like(Weightless)
        def fit(self, X, y, sample_weight=None):
            """Fit."""
            return super().fit(X, y if sample_weight is None else 0)

    assert not takes_weights(Child())
    assert Child().fit(1, 2) == 3
