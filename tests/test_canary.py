"""The canary: what a pipeline finds in a shuffled target is a leak."""

import numpy as np
import pandas as pd
import pytest

from automl.canary import sing
from automl.candidates import load_candidates
from automl.folds import make_folds
from automl.metrics import resolve_metric
from automl.space import start_point
from automl.table import make_table
from automl.workplace import close_workplace, open_workplace, write_workplace


def test_chance_keeps_each_weight_with_its_row(tmp_path, monkeypatch):
    """The guesses follow the heavy rows: shuffled, their weights are another chance."""
    seen = []

    def recorded(_truth, guess, weights):
        seen.append((guess.tolist(), weights.tolist()))
        return float(len(seen))

    monkeypatch.setattr("automl.canary.fast_score", lambda _metric: recorded)
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(200, 2)), columns=list("ab"))
    weight = np.linspace(0.1, 9, 200)
    table = make_table(X, rng.normal(size=200), sample_weight=weight)
    folds = make_folds(
        table.y, cv=2, stratify=False, groups=None, time=None, random_state=0
    )
    metric, candidates = resolve_metric("rmse", "regression"), load_candidates("ridge")
    write_workplace(tmp_path, table, folds, metric, candidates, 0)
    place, _ = open_workplace(tmp_path)
    sing(place, "ridge", start_point(candidates["ridge"], {}), 0, None)
    close_workplace()
    assert len(seen) > 30
    assert all(call == seen[0] for call in seen)


@pytest.mark.parametrize("weighted", [False, True])
def test_without_a_leak_the_score_is_one_of_chance(weighted, tmp_path):
    """Heavy rows stay heavy while the target is shuffled, for chance as well."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(3000, 4)), columns=list("abcd"))
    weight = np.where(X["a"] > 1, 10.0, 0.1) if weighted else None
    table = make_table(X, rng.normal(size=3000), sample_weight=weight)
    folds = make_folds(
        table.y, cv=2, stratify=False, groups=None, time=None, random_state=0
    )
    metric = resolve_metric("rmse", "regression")
    candidates = load_candidates("extra_trees")
    far = []
    for seed in range(6):
        write_workplace(tmp_path / str(seed), table, folds, metric, candidates, seed)
        place, _ = open_workplace(tmp_path / str(seed))
        params = start_point(candidates["extra_trees"], {})
        found = sing(place, "extra_trees", params, 0, None)
        far.append((found["score"] - found["chance"]) / found["std"])
        close_workplace()
    assert abs(np.mean(far)) < 1
