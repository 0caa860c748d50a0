"""Labels that are chosen for the metric: which, and that their score is honest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from automl.estimators.ensemble import WeightedEnsemble
from automl.estimators.labels import favoured
from automl.labelling import (
    factors_of as factors_for,
)
from automl.labelling import (
    favoured_apart,
    fold_score,
    has_factors,
    with_labels,
)
from automl.metrics import TASKS, resolve_metric
from automl.scored import Scored
from automl.selection import _of_each_class

F1, BALANCED, MCC = (
    resolve_metric(name, "binary") for name in ("f1", "balanced_accuracy", "mcc")
)
MACRO = resolve_metric("f1", "multiclass")


def drawn(n, a=0.4, b=2.0, seed=0):
    """Return classes that come up as often as their probabilities say."""
    rng = np.random.default_rng(seed)
    p = rng.beta(a, b, n)
    return (rng.random(n) < p).astype(np.int64), np.c_[1 - p, p]


def noise(n, share, seed):
    """Return classes and probabilities that know nothing of them."""
    rng = np.random.default_rng(seed)
    p = rng.beta(5, 5, n)
    return (rng.random(n) < share).astype(np.int64), np.c_[1 - p, p]


@given(
    st.integers(0, 10_000), st.integers(2, 6), st.integers(1, 60),
    st.sampled_from(["f1", "balanced_accuracy", "mcc", "jaccard_weighted"]),
)  # fmt: skip
def test_factors_are_positive_numbers_of_each_class(seed, n_classes, n, name):
    """Whatever the rows, there are none, or one finite factor above 0 for each."""
    rng = np.random.default_rng(seed)
    metric = resolve_metric(name, "binary" if n_classes == 2 else "multiclass")
    y = rng.integers(0, n_classes, n)
    p = rng.dirichlet(np.full(n_classes, 0.05), n)  # many are 0 or 1
    weight = rng.choice([0.0, 0.5, 3.0], n)
    for given_weight in (None, weight):
        found = factors_for(metric, y, p, given_weight)
        assert found is None or len(found) == n_classes
        assert found is None or all(0 < f < np.inf for f in found)
        assert n_classes > 2 or found is None or sum(found) == pytest.approx(1)
        assert np.isfinite(fold_score(metric, y, p, None))


def test_the_threshold_of_right_probabilities_is_known():
    """Half the best F1, and the share of the class for the balanced accuracy."""
    y, p = drawn(60_000)
    threshold = factors_for(F1, y, p)[0]  # half of F1: Lipton et al., 2014
    best = F1.score(y, favoured(p, (threshold, 1 - threshold)))
    assert threshold == pytest.approx(best / 2, abs=0.03)
    assert factors_for(BALANCED, y, p)[0] == pytest.approx(y.mean(), abs=0.03)


def test_more_classes_are_named_as_if_they_were_equally_frequent():
    """That is best for the balanced accuracy, if the probabilities are right."""
    rng = np.random.default_rng(0)
    p = rng.dirichlet([3.0, 1.0, 0.3], 20_000)
    y = (rng.random((len(p), 1)) > p.cumsum(axis=1)).sum(axis=1)
    share = np.bincount(y) / len(y)
    found = factors_for(resolve_metric("balanced_accuracy", "multiclass"), y, p)
    assert np.log(found[0]) / np.log(share[2] / share[0]) == pytest.approx(1, abs=0.15)
    assert found[2] == 1.0  # the rarest


@pytest.mark.parametrize("metric", [F1, BALANCED, MCC], ids=lambda m: m.name)
def test_labels_are_better_on_new_rows(metric):
    """What a thousand rows show holds for others."""
    gains = []
    for seed in range(10):
        y, p = drawn(1000, seed=seed)
        new_y, new_p = drawn(20_000, seed=100 + seed)
        shown = favoured(new_p, factors_for(metric, y, p))
        gains.append(metric.score(new_y, shown) - metric.score(new_y, new_p))
    assert np.mean(gains) > 0.01
    assert min(gains) > -0.02


def test_the_score_of_a_fold_is_no_better_than_chance_on_noise():
    """Labels that are chosen on the very rows score above it, and others do not."""
    draws = [noise(200, 0.2, seed) for seed in range(200)]
    apart = np.mean([fold_score(MCC, y, p) for y, p in draws])
    same = np.mean([MCC.score(y, with_labels(MCC, y, p)) for y, p in draws])
    assert apart == pytest.approx(0, abs=0.01)
    assert same > 0.04


def test_all_rows_of_a_rare_class_choose_labels_in_a_drawing():
    """Of many rows some stand for others of their class, of few each for itself."""
    y = np.repeat([0, 1], [20_000, 150])
    drawn = np.random.default_rng(0).poisson(1, len(y))
    rows = Scored(y, np.zeros(len(y), dtype=int), np.arange(len(y)))
    place, share = _of_each_class(rows, drawn)
    assert (place[y[place] == 1] == np.flatnonzero(drawn * y)).all()
    assert len(place) < 1500
    for code in (0, 1):
        whole = ((drawn > 0) & (y == code)).sum()
        assert share[y[place] == code].sum() == pytest.approx(whole)


def test_a_learner_without_numbers_is_told_of_by_the_metric():
    """Probabilities that are none choose nothing; what the metric says is said."""
    y, p = drawn(100)
    p[3] = np.nan
    assert factors_for(F1, y, p) is None


def test_thresholds_keep_their_digits_near_both_ends():
    """Which class is called the second does not matter."""
    rng = np.random.default_rng(0)
    y = (np.arange(100_000) < 20).astype(np.int64)
    p = np.clip(1e-4 * np.exp(rng.normal(3 * y, 1)), 0, 1)
    found = factors_for(BALANCED, y, np.c_[1 - p, p])
    other = factors_for(BALANCED, 1 - y, np.c_[p, 1 - p])
    assert other == found[::-1]
    assert found[0] < 1e-3


@pytest.mark.parametrize("scale", [0.02, 0.1, 3.0])
@pytest.mark.parametrize("metric", [F1, MCC], ids=lambda m: m.name)
def test_how_sure_a_learner_is_does_not_matter(metric, scale):
    """Log odds that lie close together have a threshold among them, too."""
    y, p = drawn(4000)
    odds = scale * np.log(np.clip(p[:, 1], 1e-5, 1 - 1e-5) / np.clip(p[:, 0], 1e-5, 1))
    flat = 1 / (1 + np.exp(-odds))
    found = fold_score(metric, y, np.c_[1 - flat, flat])
    assert found == pytest.approx(fold_score(metric, y, p), abs=0.015)


def test_probabilities_of_nothing_leave_a_threshold_that_can_be_told():
    """Votes of five neighbours are 0 or 1 for most rows."""
    rng = np.random.default_rng(0)
    y = (rng.random(5000) < 0.92).astype(np.int64)
    p = np.where(y == 1, rng.choice([1.0, 0.8], 5000), rng.choice([1.0, 0.6], 5000))
    threshold = factors_for(BALANCED, y, np.c_[1 - p, p])[0]
    assert 0.6 < threshold < 0.8
    p = np.where(y == 1, rng.choice([1.0, 0.9], 5000), 0.9)
    threshold = factors_for(BALANCED, y, np.c_[1 - p, p])[0]
    assert 0.9 < threshold < 0.99
    assert np.float32(threshold) < np.float32(1)


def test_rows_of_a_group_choose_no_labels_for_each_other():
    """Groups have odds of their own: those of others say little of them."""
    rng = np.random.default_rng(0)
    apart, together = [], []
    for _ in range(40):
        unit = np.repeat(np.arange(10), 40)
        odds = rng.normal(0, 2, 10)[unit]
        y = (rng.random(400) < 0.3).astype(np.int64)
        p = 1 / (1 + np.exp(-(odds + 2 * y + rng.normal(size=400))))
        p = np.c_[1 - p, p]
        apart.append(fold_score(MCC, y, p, unit=unit))
        together.append(fold_score(MCC, y, p))
    assert np.mean(together) > np.mean(apart) + 0.005
    one = np.zeros(400, dtype=int)
    assert fold_score(MCC, y, p, unit=one) == fold_score(MCC, y, p)


def test_a_constant_names_the_label_that_scores_best():
    """A third of positives: F1 of naming all is .5, and that of naming none is 0."""
    y = np.repeat([0, 1], [40, 20])
    p = np.tile([2 / 3, 1 / 3], (60, 1))
    assert fold_score(F1, y, p) == pytest.approx(0.5)
    assert fold_score(MCC, y, p) == 0.0


def test_few_rows_and_one_class_have_the_likeliest_label():
    """Where nothing can be chosen, nothing is."""
    y, p = drawn(9)
    assert favoured_apart(F1, y, p) is p
    assert factors_for(F1, np.zeros(40, dtype=int), drawn(40)[1]) is None
    rows = np.ones(40)
    rows[20:] = 0
    y = np.repeat([0, 1], 20)
    assert factors_for(F1, y, drawn(40)[1], rows) is None  # the other has no weight


def test_rows_without_weight_choose_nothing():
    """The threshold is that of the rows that count."""
    y, p = drawn(4000)
    wrong = 1 - y
    both, weight = np.r_[y, wrong], np.repeat([1.0, 0.0], 4000)
    found = factors_for(BALANCED, both, np.r_[p, p], weight)
    assert found[0] == pytest.approx(factors_for(BALANCED, y, p)[0], abs=0.02)


@pytest.mark.parametrize("task", TASKS[:2])
def test_labels_are_chosen_where_the_likeliest_is_not_best(task):
    """Not for the share of right rows, nor where all or one label would be best."""
    chosen = ["f1", "balanced_accuracy", "mcc", "jaccard", "f1_macro", "recall_macro"]
    others = ["accuracy", "f1_micro", "log_loss", "roc_auc", "precision_macro"]
    others += ["recall", "precision"] if task == "binary" else ["recall_weighted"]
    assert all(has_factors(resolve_metric(name, task)) for name in chosen)
    assert not any(has_factors(resolve_metric(name, task)) for name in others)


def test_an_ensemble_gives_labels_by_its_factors_and_leaves_probabilities():
    """The label is that of the greatest product."""
    y, p = drawn(500)
    head = LogisticRegression().fit(p[:, 1:], np.array(["no", "yes"])[y])

    class Same:
        def transform(self, X):
            return X

    parts = [(Same(), [("one", head, 1.0, np.arange(2))])]
    plain = WeightedEnsemble(parts, head.classes_)
    own = WeightedEnsemble(parts, head.classes_, label_factors=(0.2, 0.8))
    found = own.predict_proba(p[:, 1:])
    assert (found == plain.predict_proba(p[:, 1:])).all()
    assert ((own.predict(p[:, 1:]) == "yes") == (found[:, 1] > 0.2)).all()
    assert (own.predict(p[:, 1:]) != plain.predict(p[:, 1:])).any()


def test_macro_f1_of_more_classes_gains_on_new_rows():
    """One number for all classes is enough to find the rare ones."""
    rng = np.random.default_rng(0)

    def rows(n):
        p = rng.dirichlet([2.0, 0.5, 0.15], n)
        return (rng.random((n, 1)) > p.cumsum(axis=1)).sum(axis=1).clip(0, 2), p

    y, p = rows(2000)
    new_y, new_p = rows(20_000)
    factors = factors_for(MACRO, y, p)
    gain = MACRO.score(new_y, favoured(new_p, factors)) - MACRO.score(new_y, new_p)
    assert gain > 0.01
