"""Any of scikit-learn's scorers scores stored predictions."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import (
    f1_score,
    get_scorer,
    log_loss,
    make_scorer,
    mean_absolute_error,
    roc_auc_score,
)

from automl.exceptions import AutoMLConfigError
from automl.metrics import (
    CLASSIFICATION,
    DEFAULTS,
    PLAIN,
    REGRESSION,
    resolve_metric,
    task_of_metric,
)

P = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]] * 4)
Y = np.array([0, 1, 2] * 4)


@pytest.mark.parametrize("name", sorted(CLASSIFICATION - {"top_k_accuracy"}))
def test_classification_metrics_score_two_classes(name):
    """Each gives a number for a good prediction."""
    p = np.array([[0.8, 0.2], [0.3, 0.7], [0.6, 0.4], [0.6, 0.4]])
    assert not np.isnan(resolve_metric(name, "binary").score(np.array([0, 1, 0, 1]), p))


@pytest.mark.parametrize("name", sorted(REGRESSION))
def test_regression_metrics_prefer_the_truth(name):
    """Greater is better."""
    metric, y = resolve_metric(name, "regression"), np.array([1.0, 2.0, 4.0])
    assert metric.score(y, y) > metric.score(y, 2 * y[::-1])


@pytest.mark.parametrize("task", sorted(DEFAULTS))
def test_auto_is_the_tasks_default(task):
    """Each task has one."""
    assert resolve_metric("auto", task).name.startswith(DEFAULTS[task])


def test_a_class_without_a_scored_row_does_not_end_the_run():
    """The loss knows of its column."""
    score = resolve_metric("log_loss", "multiclass").score(Y[Y < 2], P[Y < 2])
    assert -score == pytest.approx(log_loss(Y[Y < 2], P[Y < 2], labels=[0, 1, 2]))


def test_a_class_without_a_scored_row_is_no_hit_among_the_top_two():
    """Three classes stay three: two guesses of three can miss."""
    y, p = np.array([0, 0, 1, 1]), np.tile([0.3, 0.1, 0.6], (4, 1))
    assert resolve_metric("top_k_accuracy", "multiclass").score(y, p) == 0.5


@pytest.mark.parametrize("name", ["log_loss", "roc_auc", "accuracy"])
def test_a_prediction_that_is_no_number_has_no_score(name):
    """It is no even chance, and does not end a search."""
    p = P[:, :2] / P[:, :2].sum(axis=1, keepdims=True)
    p[0] = np.nan
    assert np.isnan(resolve_metric(name, "binary").score(np.minimum(Y, 1), p))
    assert np.isnan(resolve_metric("rmse", "regression").score(Y, p[:, 0]))


def test_the_worst_brier_score_of_many_classes_is_two():
    """Of two it is halved."""
    y, p = np.array([0, 1]), np.eye(3)[[2, 2]]
    metric = resolve_metric("brier", "multiclass")
    assert metric.score(y, p) == metric.bounds[0] == -2
    metric = resolve_metric("brier", "binary")
    assert metric.score(y, np.eye(2)[[1, 0]]) == metric.bounds[0] == -1


@pytest.mark.filterwarnings("ignore:y_pred contains classes:UserWarning")
@pytest.mark.parametrize("name", ["accuracy", "balanced_accuracy", "f1_weighted"])
def test_a_class_without_a_scored_row_can_be_predicted_wrongly(name):
    """Metrics of labels judge what is predicted, as scikit-learn does."""
    y, p = np.array([0, 0, 1, 1]), np.tile([0.1, 0.2, 0.7], (4, 1))
    p[0] = [0.9, 0.1, 0.0]
    stored = np.argmax(p, axis=1)
    expected = get_scorer(name)._score_func(y, stored, **get_scorer(name)._kwargs)
    assert resolve_metric(name, "multiclass").score(y, p) == pytest.approx(expected)
    assert expected < 0.5


def test_a_scorer_of_the_users_own_is_given_labels():
    """What stands in the target, and not codes, on all classes or some of them."""
    labels = np.array(["bad", "good", "new"])

    def cost(estimator, X, y):
        return -float(((y == "bad") & (estimator.predict(X) == "good")).sum())

    p = np.array([[0.1, 0.9, 0.0], [0.8, 0.2, 0.0], [0.2, 0.3, 0.5]])
    metric = resolve_metric(cost, "multiclass", labels)
    assert metric.score(np.array([0, 0, 2]), p) == -1.0
    assert metric.score(np.array([0, 1, 1]), p) == -1.0
    of_one = make_scorer(f1_score, pos_label="bad")
    binary = resolve_metric(of_one, "binary", labels[:2])
    assert binary.score(np.array([0, 1]), np.array([[0.9, 0.1], [0.2, 0.8]])) == 1.0

    def loss(estimator, X, y):
        return -log_loss(y, estimator.predict_proba(X))

    of_two = resolve_metric(loss, "multiclass", labels)
    p_two = np.array([[0.8, 0.0, 0.2], [0.6, 0.0, 0.4]])
    expected = (np.log(0.8) + np.log(0.4)) / 2
    assert of_two.score(np.array([0, 2]), p_two) == pytest.approx(expected)
    area = make_scorer(roc_auc_score, response_method="predict_proba")
    some = resolve_metric(area, "multiclass", labels)
    assert some.score(np.array([0, 0, 2]), p) == 1.0


def test_weights_count_and_natural_values_have_their_sign():
    """A row of weight zero says nothing."""
    metric = resolve_metric("mae", "regression")
    score = metric.score(np.zeros(2), np.array([1.0, 9.0]), np.array([1.0, 0.0]))
    assert (score, metric.natural(score)) == (-1.0, 1.0)
    assert resolve_metric("r2", "regression").natural(0.5) == 0.5


def test_weights_are_given_to_a_function_that_takes_them():
    """A plain function has the signature of a scorer."""

    def mine(estimator, X, y, sample_weight=None):
        gap = np.abs(estimator.predict(X) - y)
        return -float(np.average(gap, weights=sample_weight))

    metric = resolve_metric(mine, "regression")
    score = metric.score(np.zeros(2), np.array([1.0, 9.0]), np.array([1.0, 0.0]))
    assert score == -1.0


def test_a_scorer_of_the_users_own_is_taken():
    """As make_scorer returns it."""
    scorer = make_scorer(mean_absolute_error, greater_is_better=False)
    assert resolve_metric(scorer, "regression").score(np.ones(2), np.zeros(2)) == -1.0
    assert task_of_metric(scorer) is None


@pytest.mark.parametrize(
    ("name", "task", "message"),
    [
        ("rmsee", "regression", "Did you mean 'rmse'"),
        (3, "binary", "is unknown"),
        ("rmse", "binary", "is for regression"),
        ("f1", "regression", "is for classification"),
    ],
)
def test_an_unusable_metric_is_refused(name, task, message):
    """The known ones are listed."""
    with pytest.raises(AutoMLConfigError, match=message):
        resolve_metric(name, task)


def test_a_metric_that_scikit_learn_does_not_have_yet_is_named(monkeypatch):
    """Older versions lack some."""

    def unknown(name):
        raise ValueError(name)

    monkeypatch.setattr("sklearn.metrics.get_scorer", unknown)
    with pytest.raises(AutoMLConfigError, match="not in the installed scikit-learn"):
        resolve_metric("rmse", "regression")


@pytest.mark.parametrize(
    ("name", "y", "moved"),
    [
        ("rmsle", [0.0, 1.0, 3.0], 0.0),
        ("neg_mean_squared_log_error", [-0.5, 1.0, 3.0], -0.5),
        ("poisson_deviance", [0.0, 1.0, 2.0], 0.01),  # a hundredth of the mean
        ("gamma_deviance", [0.5, 1.0, 3.0], 0.5),
    ],
)
def test_a_prediction_that_a_metric_cannot_take_counts_as_the_least_it_can(
    name, y, moved
):
    """One impossible row costs a score, and no configuration; others count as usual."""
    metric, y = resolve_metric(name, "regression"), np.array(y)
    p = np.array([-7.0, 0.8, 2.5])
    asked = get_scorer(PLAIN.get(name, name))
    expected = asked._sign * asked._score_func(y, [moved, 0.8, 2.5])
    assert metric.score(y, p) == pytest.approx(expected)
    assert metric.score(y, np.array([1e-9, 0.8, 2.5])) == pytest.approx(
        asked._sign * asked._score_func(y, [1e-9, 0.8, 2.5])
    )
    known = replace(metric, least=0.25)  # of the rows that trained
    assert known.score(y, p) == metric.score(y, np.array([0.25, 0.8, 2.5]))
    assert np.isnan(metric.score(y, np.array([np.nan, 0.8, 2.5])))


def test_a_scorer_of_the_users_own_sees_predictions_as_they_are():
    """Nothing is moved for it, whatever it is called."""

    def rmsle(estimator, X, y):
        return float(min(estimator.predict(X)) * len(y))

    assert resolve_metric(rmsle, "regression").score(np.ones(2), -np.ones(2)) == -2.0


def test_one_against_one_is_scored_without_weights():
    """scikit-learn refuses weights there: they are left out, as elsewhere."""
    metric = resolve_metric("roc_auc_ovo", "multiclass")
    assert metric.score(Y, P, np.arange(1.0, 13.0)) == metric.score(Y, P)


def test_the_best_two_of_two_classes_are_refused():
    """They are always right: the constant would be deployed."""
    with pytest.raises(AutoMLConfigError, match="is for multiclass, but the task is b"):
        resolve_metric("top_k_accuracy", "binary")


def test_a_loss_that_is_told_of_no_classes_is_not_told(monkeypatch):
    """scikit-learn 1.6 reads them from the scored rows."""

    def brier(y_true, y_proba):
        return float(np.mean((y_true - y_proba) ** 2))

    monkeypatch.setattr("sklearn.metrics.brier_score_loss", brier)
    metric = resolve_metric("brier", "binary")
    p = np.array([[0.5, 0.5], [1.0, 0.0]])
    assert metric.score(np.array([0, 1]), p) == -0.625
