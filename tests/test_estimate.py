"""The selection is repeated on drawings, and what it takes is scored outside them."""

import dataclasses

import numpy as np
import pytest
from sklearn.model_selection import RepeatedKFold

from automl.calibration import temperature_of
from automl.estimate import corrected, from_folds, of_test, outside_weight
from automl.estimators.temperature import tempered
from automl.folds import make_folds
from automl.metrics import resolve_metric
from automl.resampled_scores import is_quick, scorer_of
from automl.scored import Scored, too_few, units_of_time
from automl.scored_rows import scored_rows
from automl.selection import Selection, labelled_scores
from automl.table import make_table

QUICK = [
    ("roc_auc", "binary"), ("log_loss", "binary"), ("log_loss", "multiclass"),
    ("brier", "binary"), ("accuracy", "binary"), ("accuracy", "multiclass"),
    ("rmse", "regression"), ("mse", "regression"), ("mae", "regression"),
    ("r2", "regression"), ("mape", "regression"), ("average_precision", "binary"),
    ("roc_auc", "multiclass"), ("mcc", "binary"), ("mcc", "multiclass"),
    ("balanced_accuracy", "binary"), ("balanced_accuracy", "multiclass"),
    ("f1", "binary"), ("f1", "multiclass"), ("f1_micro", "multiclass"),
    ("f1_weighted", "multiclass"), ("precision", "binary"), ("recall", "multiclass"),
    ("jaccard_weighted", "multiclass"), ("precision_macro", "binary"),
]  # fmt: skip


def rows_of(y, unit=None, weight=None):
    """Return rows of one fold."""
    n = len(y)
    unit = np.arange(n) if unit is None else unit
    return Scored(np.asarray(y), np.zeros(n, dtype=int), unit, weight)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("name", "task"), QUICK)
def test_quick_scores_are_those_of_the_metric(name, task, weighted):
    """Arithmetic on drawings gives what scikit-learn gives for the repeated rows."""
    rng = np.random.default_rng(0)
    n, n_classes = 80, {"binary": 2, "multiclass": 3}.get(task)
    y = rng.integers(0, n_classes, n) if n_classes else 100 + rng.normal(size=n)
    p = y + rng.normal(size=n)
    if n_classes:
        p = rng.dirichlet(np.ones(n_classes), n).round(1) + 0.01
        p /= p.sum(axis=1, keepdims=True)
    rows = rows_of(y, weight=rng.random(n) if weighted else None)
    drawn = rng.multinomial(n, np.full(n, 1 / n), 5)
    metric = resolve_metric(name, task)
    asked = dataclasses.replace(metric, own=True)

    assert is_quick(metric)
    assert not is_quick(asked)
    assert scorer_of(metric, rows, p)(drawn) == pytest.approx(
        scorer_of(asked, rows, p)(drawn)
    )


@pytest.mark.parametrize("name", ["f1", "balanced_accuracy", "mcc"])
def test_a_class_that_was_not_drawn_is_not_predicted(name):
    """Confusion counts leave out an absent class, as the metric does."""
    rng = np.random.default_rng(0)
    y = np.r_[np.zeros(20, int), np.ones(20, int), 2]
    rows, p = rows_of(y), rng.dirichlet(np.ones(3), 41)
    metric = resolve_metric(name, "multiclass")
    drawn = np.r_[rng.integers(0, 3, 40), 0][None]

    found = scorer_of(metric, rows, p)(drawn)

    asked = scorer_of(dataclasses.replace(metric, own=True), rows, p)
    assert found == pytest.approx(asked(drawn))


def test_the_area_compares_rows_of_one_fold_only():
    """Scores of another model say nothing: two perfect folds apart make 1."""
    y = np.array([0, 1, 0, 1])
    p = np.array([0.1, 0.2, 0.8, 0.9])
    rows = Scored(y, np.array([0, 0, 1, 1]), np.arange(4))
    score = scorer_of(resolve_metric("roc_auc", "binary"), rows, np.c_[1 - p, p])

    assert score(np.array([[1, 1, 1, 1], [1, 0, 0, 1]])) == pytest.approx(
        [1.0, np.nan], nan_ok=True
    )


def test_groups_that_are_drawn_together_widen_the_interval():
    """Rows of a group say the same, so forty of five are fewer than two hundred."""
    rng = np.random.default_rng(1)
    group = np.repeat(np.arange(40), 5)
    y = rng.normal(size=40)[group]
    metric = resolve_metric("mae", "regression")

    alone = corrected([np.zeros(200)], rows_of(y), metric)
    grouped = corrected([np.zeros(200)], rows_of(y, group), metric)

    assert grouped.high - grouped.low > 1.5 * (alone.high - alone.low)


def test_an_average_that_is_better_is_what_is_estimated():
    """With averages allowed, two that err apart are worth more than either."""
    rng = np.random.default_rng(2)
    y = rng.normal(size=300)
    both = [y + rng.normal(size=300), y + rng.normal(size=300)]
    metric = resolve_metric("rmse", "regression")

    single = corrected(both, rows_of(y), metric, n_resamples=60)
    mixed = corrected(both, rows_of(y), metric, Selection(mixes=True), n_resamples=60)

    assert single.score == pytest.approx(-1, abs=0.1)
    assert mixed.score == pytest.approx(-(0.5**0.5), abs=0.1)


def test_the_clock_ends_the_drawings_and_too_few_are_none():
    """What is asked to stop has what it drew; a metric without numbers has nothing."""
    y = np.arange(60) % 2
    p = np.full((60, 2), 0.5)
    metric = resolve_metric("accuracy", "binary")

    cut = corrected([p], rows_of(y), metric, is_over=lambda: True)
    nothing = corrected([p], rows_of(np.zeros(60, int)), resolve_metric(
        "roc_auc", "binary"))  # fmt: skip

    assert cut.n_resamples == 20
    assert nothing is None


def test_a_test_set_has_an_interval_of_its_size():
    """The interval of an error rate is that of a proportion, a little wider."""
    rng = np.random.default_rng(3)
    y = np.zeros(400, dtype=int)
    right = rng.random(400) < 0.8
    p = np.c_[right, ~right].astype(float)
    metric = resolve_metric("accuracy", "binary")

    found = of_test(p, rows_of(y), metric, float(right.mean()))

    assert found.score == right.mean()
    assert found.high - found.low == pytest.approx(2 * 1.96 * 0.02, rel=0.15)


def test_a_rate_without_errors_has_an_interval():
    """Sixty right of sixty are not all right: 3 of 60 may be wrong."""
    p = np.eye(2)[np.arange(60) % 2]
    metric = resolve_metric("accuracy", "binary")
    rows = rows_of(np.arange(60) % 2)

    for found in (corrected([p], rows, metric), of_test(p, rows, metric, 1.0)):
        assert found.low == pytest.approx(0.94, abs=0.01)
        assert found.high == 1.0


@pytest.mark.parametrize("name", ["roc_auc", "average_precision"])
def test_an_interval_does_not_leave_the_range_of_its_metric(name):
    """The best of twenty that are nearly all right: no area is above one."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    sure = 1 / (1 + np.exp(-(3 * y - 1.5 + rng.normal(size=(20, 60)))))
    predictions = [np.c_[1 - p, p] for p in sure]

    found = corrected(predictions, rows_of(y), resolve_metric(name, "binary"))

    assert found.low < found.score <= found.high <= 1.0


def test_the_interval_of_a_high_rate_covers_it():
    """Of sixty rows with one or two errors, nineteen of twenty intervals hold .98."""
    rng = np.random.default_rng(5)
    metric, held = resolve_metric("accuracy", "binary"), 0
    for _ in range(60):
        right = rng.random(60) < 0.98
        p = np.c_[right, ~right].astype(float)
        found = corrected([p], rows_of(np.zeros(60, int)), metric, n_resamples=100)
        held += found.low <= 0.98 <= found.high
    assert held >= 55


def test_the_clock_ends_a_metric_that_is_asked_after_each_drawing():
    """A slow metric does not make twenty drawings more than there is time for."""
    metric = dataclasses.replace(resolve_metric("mae", "regression"), own=True)
    y, asked = np.arange(60.0), []

    def is_over():
        asked.append(1)
        return len(asked) == 25

    found = corrected([y + 1], rows_of(y), metric, is_over=is_over)
    assert found.n_resamples == 25
    asked.clear()
    assert (
        of_test(y + y % 3, rows_of(y), metric, -1.0, is_over=is_over).n_resamples == 25
    )


def test_folds_alone_give_a_wide_interval_and_one_fold_none():
    """Without predictions the folds' spread is all there is."""
    assert from_folds([0.8], [(80, 20)], 3) is None
    found = from_folds([0.7, 0.8, 0.9], [(80, 20)] * 3, 3)
    assert found.method == "naive"
    assert found.low < 0.6
    assert from_folds([0.7, 0.8, 0.9], [(80, 20)] * 3, 3, (0.0, 1.0)).high == 1.0


def test_few_rows_and_rare_classes_conclude_nothing():
    """Below 50 rows, or 10 of a class, the estimate says so."""
    many = np.r_[np.zeros(60), np.ones(9)]

    assert "49 scored rows" in too_few(many[:49], 49, is_classification=True)
    assert "9 scored rows of the rarest" in too_few(many, 69, is_classification=True)
    assert "12 scored groups of rows" in too_few(many, 12, is_classification=False)
    assert too_few(np.arange(50.0), 50, is_classification=False) is None


def test_rows_that_are_scored_again_are_no_more_rows():
    """Repeated folds score each row several times, and draw it once."""
    table = make_table({"a": np.arange(40.0) ** 2}, np.arange(40) % 7 * 1.5)
    cv = RepeatedKFold(n_splits=4, n_repeats=3, random_state=0)
    folds = make_folds(
        table.y, cv=cv, stratify=False, groups=None, time=None, random_state=0
    )
    rows = scored_rows(table, folds)
    assert (len(rows), rows.n_units) == (120, 40)


def test_blocks_of_time_follow_one_another():
    """A block is a stretch of time, whatever the order of the rows."""
    units = units_of_time(np.arange(300.0)[::-1])

    assert (np.diff(units) <= 0).all()
    assert len(np.unique(units)) == 43


def test_the_share_of_the_selection_score_falls_with_what_was_learnt_by_chance():
    """It is .368 where nothing is lost outside, 0 where all of the gain is."""
    assert outside_weight(0.9, 0.9, 0.5) == pytest.approx(0.632)
    weights = [outside_weight(0.9 - lost, 0.9, 0.5) for lost in (0.01, 0.1, 0.2, 0.4)]
    assert weights == sorted(weights)
    assert weights[-1] == pytest.approx(1.0)
    assert outside_weight(0.4, 0.9, 0.5) == pytest.approx(1.0)
    assert outside_weight(0.45, 0.49, 0.5) == 1.0
    assert outside_weight(0.6, 0.5, 0.5) == outside_weight(0.6, np.nan, 0.5) == 1.0


def test_weights_of_rows_count_for_the_constant_as_well():
    """Guesses are worth no more where the rare class has half of the weight."""
    rng = np.random.default_rng(0)
    y = (np.arange(400) % 20 == 0).astype(int)
    weight = np.where(y == 1, 19.0, 1.0)
    noise = rng.uniform(0.4, 0.6, (10, 400))
    kept = [np.c_[1 - p, p] for p in noise]
    found = corrected(
        kept, rows_of(y, weight=weight), resolve_metric("log_loss", "binary")
    )
    assert found.score == pytest.approx(np.log(0.5), abs=0.02)
    assert found.score < np.log(0.5)  # not moved to the best of ten by chance
    noise = rng.uniform(0.3, 0.7, (30, 400))
    kept = [np.c_[1 - p, p] for p in noise]
    rows = rows_of(y, weight=weight)
    wild = corrected(kept, rows, resolve_metric("log_loss", "binary"))
    assert wild.score < -0.73  # .02 higher where the constant knows no weights


@pytest.mark.parametrize("mixes", [False, True])
def test_the_estimate_lies_between_the_drawings_and_the_selection(mixes):
    """On a signal it is .3 to .37 of the way from one to the other; averages stay."""
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    kept = []
    for _ in range(12):
        p = 1 / (1 + np.exp(-(2 * y - 1 + 1.2 * rng.normal(size=200))))
        kept.append(np.c_[1 - p, p])
    metric = resolve_metric("roc_auc", "binary")
    rows, selection = rows_of(y), Selection(mixes=mixes)
    found = corrected(kept, rows, metric, selection, n_resamples=60)
    whole = np.ones((1, 200), dtype=np.uint8)
    seen = max(float(scorer_of(metric, rows, p)(whole)[0]) for p in kept)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("automl.estimate.outside_weight", lambda *_: 1.0)
        drawn = corrected(kept, rows, metric, selection, n_resamples=60)
    if mixes:
        assert found == drawn
        return
    assert drawn.score < found.score < seen
    share = (found.score - drawn.score) / (seen - drawn.score)
    assert 0.3 < share < 0.37
    assert found.high - found.low == pytest.approx(drawn.high - drawn.low)


def test_labels_of_what_has_a_temperature_of_its_own_are_scored():
    """The temperature is of all entries, whichever were drawn."""
    rng = np.random.default_rng(0)
    p = rng.dirichlet([0.5, 0.5, 0.5], 300)
    y = (rng.random((300, 1)) > p.cumsum(axis=1)).sum(axis=1)
    rows = Scored(y, np.zeros(300, int), np.arange(300))
    metric = resolve_metric("f1", "multiclass")
    flat, counts = tempered(p, 2.0), rng.integers(0, 3, (12, 300))

    def finish(given):
        return tempered(given, temperature_of(given, rows))

    taken = np.zeros(12, int)
    found = labelled_scores([flat], rows, metric, counts, taken, finish)
    again = labelled_scores([finish(flat)], rows, metric, counts, taken)
    assert found == again
    assert len(found) == 12


def test_forward_folds_share_less_than_the_first_one_says():
    """The first of them trains on few rows; the correction is the mean of all."""
    forward = [(20 * k, 20) for k in range(1, 6)]
    scores = [0.7, 0.8, 0.9, 0.8, 0.75]
    mean = from_folds(scores, forward, 3)
    assert mean.n_rows == 100
    assert mean.high < from_folds(scores, forward[:1] * 5, 3).high
    assert mean.high > from_folds(scores, forward[-1:] * 5, 3).high
