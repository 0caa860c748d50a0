"""The drop in score by permuted columns: more columns before more permutations."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from automl import permuted
from automl.fitting import predict
from automl.folds import make_folds
from automl.metrics import resolve_metric
from automl.permuted import permute
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
