"""The drop in score by permuted columns: more columns before more permutations."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import make_scorer, roc_auc_score

from automl import permuted
from automl.fitting import predict
from automl.folds import make_folds
from automl.importance import importance_of, unmeasured
from automl.metrics import resolve_metric
from automl.permuted import drawn, permute
from automl.table import make_table
from tests.report_kit import fitted


@pytest.fixture
def parts():
    """Return a fitted model of eight columns, with 800 held-out rows."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(2400, 8))).add_prefix("x")
    table = make_table(X, X["x3"] * 2 + X["x5"] + rng.normal(size=2400))
    folds = make_folds(
        table.y, cv=3, stratify=False, groups=None, time=None, random_state=0
    )
    with fitted(table, folds, resolve_metric("rmse", table.task), "ridge") as found:
        place, prefix, model, _, _ = found
        yield place, prefix, model, *place.splits[0]


def slowed(monkeypatch):
    """Make a prediction of 100 rows take a second of a clock of our own."""
    now = [0.0]

    def slow(place, model, X):
        now[0] += len(X) / 100
        return predict(place, model, X)

    monkeypatch.setattr(permuted, "predict", slow)
    monkeypatch.setattr(permuted, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_every_column_is_permuted_three_times_where_there_is_time(parts):
    """The two that the target is made of lose most."""
    found = permute(*parts, None)
    assert {len(d) for d in found["drops"].values()} == {3}
    order = sorted(found["drops"], key=lambda c: -np.mean(found["drops"][c]))
    assert order[:2] == ["f3", "f5"]
    assert found["n_test"] == len(found["rows"]) == 800


@pytest.mark.parametrize(
    ("time_s", "n_rows", "times"),
    [(1000.0, 800, 24), (220.0, 800, 9), (95.0, 500, 8), (60.0, 500, 4)],
)
def test_where_time_is_short_columns_come_before_permutations(
    parts, monkeypatch, time_s, n_rows, times
):
    """Fewer rows are scored, then each column once, and some is left for the rest."""
    now = slowed(monkeypatch)
    found = permute(*parts, time_s)
    made = [len(d) for d in found["drops"].values()]
    assert found["n_test"] == n_rows
    assert sum(made) == pytest.approx(times, abs=1)
    assert len(made) == min(8, sum(made))  # none twice before all once
    assert now[0] < 0.8 * time_s


def rare(metric, n_rare=60, n=24_000):
    """Return a fitted model of two classes, one of them rare, with held-out rows."""
    rng = np.random.default_rng(0)
    y = np.zeros(n, dtype=int)
    y[rng.permutation(n)[:n_rare]] = 1
    X = pd.DataFrame({"a": 2 * y + rng.normal(size=n), "b": rng.normal(size=n)})
    table = make_table(X, y, task="binary")
    folds = make_folds(
        table.y, cv=2, stratify=True, groups=None, time=None, random_state=0
    )
    return fitted(table, folds, resolve_metric(metric, table.task), "logistic")


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss", "brier"])
def test_a_rare_class_is_drawn_whole_and_weighed_down(metric):
    """All of its 30 rows are there, not 5 by chance, and the score means the same."""
    with rare(metric) as (place, prefix, model, test, _):
        train = place.splits[0][0]
        found = permute(place, prefix, model, train, test, None)
        rows, weights = drawn(place, test, 2000)
        whole = predict(place, model, prefix.transform(place.X.iloc[test]))
        expected = place.metric.score(place.y[test], whole)
    assert place.y[rows].sum() == 30
    assert np.average(place.y[rows], weights=weights) == pytest.approx(30 / 12_000)
    assert found["n_test"] == len(rows) == pytest.approx(2000, abs=30)
    assert found["test_score"] == pytest.approx(expected, rel=0.2)
    assert np.mean(found["drops"]["f0"]) > 3 * abs(np.mean(found["drops"]["f1"]))
    assert place.y[found["rows"]].sum() < 15  # what is explained after is as it comes


def test_classes_keep_their_share_where_a_metric_takes_no_weights():
    """A drawing that cannot be weighed has as many of each class as all rows have."""

    def mine(estimator, X, y):
        return float(np.mean(estimator.predict_proba(X)[:, 1] * y))

    with rare(mine, n_rare=2400) as (place, _, _, test, _):
        rows, weights = drawn(place, test, 2000)
    assert weights is None
    assert place.y[rows].sum() == pytest.approx(200, abs=1)


@pytest.mark.parametrize("given", [False, True])
def test_a_scorer_of_ones_own_has_weights_only_if_they_were_given(given):
    """It may refuse them: the area of one class against one does."""
    mine = make_scorer(
        roc_auc_score, response_method="predict_proba", multi_class="ovo"
    )
    place = SimpleNamespace(
        y=np.repeat([0.0, 1.0], [11_970, 30]), classes=np.arange(2),
        sample_weight=np.ones(12_000) if given else None, random_state=0,
        metric=resolve_metric(mine, "binary"),
    )  # fmt: skip
    _, weights = drawn(place, np.arange(12_000), 2000)
    assert (weights is not None) == given


def test_rows_of_many_rare_classes_are_a_quarter_at_most():
    """Each of 400 classes has a row at least, and the drawing stays about as large."""
    place = SimpleNamespace(
        y=np.repeat(np.arange(400.0), 30), classes=np.arange(400), sample_weight=None,
        metric=resolve_metric("log_loss", "multiclass"), random_state=0,
    )  # fmt: skip
    rows, _ = drawn(place, np.arange(12_000), 500)
    assert len(np.unique(place.y[rows])) == 400
    assert len(rows) < 1000


def test_no_importance_where_the_score_is_undefined():
    """Held-out rows of one class have no area: nothing is said of the columns."""
    with rare("roc_auc") as (place, prefix, model, test, _):
        train, common = place.splits[0][0], test[place.y[test] == 0]
        found = permute(place, prefix, model, train, common, None)
        columns = place.layout.columns
    assert found["drops"] == {}
    assert found["test_score"] is None
    assert importance_of(found, columns) is None
    (note,) = unmeasured(found, "roc_auc")
    assert note.startswith("Importance of columns is left out: roc_auc is undefined")
    assert unmeasured(found | {"drops": {"f0": [0.1]}}, "roc_auc") == ()
    assert unmeasured(None, "roc_auc") == ()
