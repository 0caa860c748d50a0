"""What predicts where nothing finished, and which models of folds there are."""

from __future__ import annotations

import numpy as np
import pytest

from automl.budget import Budget
from automl.candidates import load_candidates
from automl.evaluate import Task, run_task
from automl.finish import Finish
from automl.folds import make_folds
from automl.history import History
from automl.kept import has_model, kept_model
from automl.metrics import resolve_metric
from automl.space import default_point
from automl.table import make_table
from automl.trial import FoldResult, Trial
from automl.winner import Given, _unfinished, deployed
from automl.workplace import close_workplace, write_workplace
from tests.data import small_table


def stopped(folder, X, y, made):
    """Return what there is of a trial that was stopped with some of three folds."""
    table, rows = make_table(X, y), np.arange(len(y))
    splits = [(rows[rows % 3 != k], rows[rows % 3 == k]) for k in range(3)]
    folds = make_folds(
        table.y, cv=splits, stratify=False, groups=None, time=None, random_state=0
    )
    candidates = load_candidates("extra_trees")
    metric = resolve_metric("log_loss", table.task)
    write_workplace(folder, table, folds, metric, candidates, 0)
    params = default_point(candidates["extra_trees"])
    results = [FoldResult(1, k, "timeout") for k in range(3) if k not in made]
    for k in made:
        task = Task("fold", 0, 1, k, "extra_trees", params, keep_from_s=0.0)
        results.append(run_task(folder, task).result)
    close_workplace()
    base = tuple(FoldResult(0, k, "ok", -9.0) for k in range(3))
    trial = Trial(1, "extra_trees", params, "start", "cancelled", tuple(results))
    of = History((Trial(0, "baseline", {}, "", "ok", base), trial))
    finish = Finish(
        of, Budget(None, None, 0.0, lambda: 0.0), {t.number: 0.1 for t in of},
        n_rows=100, n_train=80, n_workers=2, first_serial=100,
    )  # fmt: skip
    return Given(
        finish, None, of, table, metric, candidates, folder, 3, blend=None, bag=False
    )


def test_models_of_some_folds_predict_where_nothing_finished(tmp_path):
    """Scored models are better than a constant or one that was never scored."""
    X, y = small_table(60)
    given = stopped(tmp_path, X, y, made=(0, 2))
    out = deployed(given, None)
    assert out.shares == ((1, 1.0, True),)
    assert set(out.trial.scores) == {0, 2}
    (note,) = out.notes
    assert "the models of 2 of 3 folds of trial 1 predict" in note
    parts = [kept_model(tmp_path, 1, k).predict_proba(given.table.X) for k in (0, 2)]
    assert out.pipeline.predict_proba(X) == pytest.approx(sum(parts) / 2)


def test_models_of_some_folds_that_miss_a_class_do_not_predict(tmp_path):
    """A label that they never saw could never be predicted."""
    X, _ = small_table(60)
    y = np.array(["a", "b"] * 30)
    y[[0, 6, 12]] = "scored by the first fold alone"
    assert _unfinished(stopped(tmp_path / "one", X, y, made=(0,))) is None
    assert _unfinished(stopped(tmp_path / "two", X, y, made=(0, 1))) is not None


def test_the_model_of_a_short_fit_is_not_written(tmp_path):
    """To fit it again takes less than to keep all of its kind."""
    X, y = small_table(60)
    given = stopped(tmp_path, X, y, made=(0,))
    folder, params = given.folder, given.history[1].params
    for fold, least_s, there in ((1, 60.0, False), (2, 0.0, True)):
        task = Task("fold", 0, 1, fold, "extra_trees", params, keep_from_s=least_s)
        assert run_task(folder, task).result.status == "ok"
        assert has_model(folder, 1, fold) is there
    close_workplace()
