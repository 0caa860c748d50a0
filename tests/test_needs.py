"""What a fit will take, who is not begun for it, and how many fit side by side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from automl.candidates import Dimension, load_candidates
from automl.exceptions import AutoMLResourceError
from automl.layout import Layout
from automl.memory import SOFT, WORKER_MIB
from automl.needs import _n_prepared, predicted_mib, skipped, workers_that_fit
from automl.space import without
from automl.table import make_table

HERE = 200.0
"""What the process of the run holds in these tests."""


def layout(n_rows, n_numbers, n_categories=0, task="regression"):
    """Return the layout of a table without its rows."""
    rng = np.random.default_rng(0)
    columns = {f"x{i}": rng.normal(size=500) for i in range(n_numbers)}
    for i in range(n_categories):
        columns[f"c{i}"] = [f"level {v}" for v in rng.integers(0, 30, 500)]
    y = rng.normal(size=500)
    if task != "regression":
        y = np.arange(500) % (2 if task == "binary" else 10)
    table = make_table(pd.DataFrame(columns), y, task=task)
    return replace(Layout.of(table), n_rows=n_rows)


MEASURED = [
    ("lightgbm", "regression", 100_000, 20, 0, 86),
    ("lightgbm", "multiclass", 100_000, 20, 0, 100),
    ("lightgbm", "regression", 300_000, 30, 0, 209),
    ("lightgbm", "regression", 20_000, 500, 0, 219),
    ("lightgbm", "regression", 20_000, 12, 0, 59),
    ("lightgbm", "multiclass", 100_000, 10, 5, 90),
    ("hist_gradient_boosting", "regression", 100_000, 20, 0, 56),
    ("hist_gradient_boosting", "regression", 20_000, 500, 0, 279),
    ("extra_trees", "regression", 30_000, 10, 0, 425),
    ("extra_trees", "multiclass", 30_000, 10, 0, 838),
    ("ridge", "regression", 100_000, 20, 0, 85),
    ("ridge", "regression", 300_000, 30, 0, 370),
    ("ridge", "regression", 20_000, 500, 0, 408),
    ("ridge", "regression", 100_000, 10, 5, 71),
    ("ridge", "regression", 300_000, 10, 10, 273),
    ("elastic_net", "regression", 100_000, 10, 5, 71),
    ("logistic", "multiclass", 100_000, 10, 5, 71),
    ("mlp", "regression", 50_000, 20, 0, 44),
    ("mlp", "regression", 20_000, 500, 0, 407),
    ("k_nearest", "regression", 20_000, 20, 0, 19),
    ("k_nearest", "regression", 20_000, 200, 0, 165),
    ("svm", "regression", 5_000, 20, 0, 58),
    ("svm", "regression", 5_000, 500, 0, 109),
    ("xgboost", "regression", 100_000, 20, 0, 126),
    ("xgboost", "multiclass", 100_000, 20, 0, 133),
    ("xgboost", "regression", 300_000, 30, 0, 295),
    ("xgboost", "multiclass", 100_000, 10, 5, 116),
    ("catboost", "regression", 100_000, 20, 0, 113),
    ("catboost", "multiclass", 100_000, 20, 0, 152),
    ("catboost", "regression", 300_000, 30, 0, 285),
]
"""Peaks of one fold's task in MiB, in a process of its own, the idle process taken off
(scikit-learn 1.9, LightGBM 4.7, XGBoost 3.2 and CatBoost 1.2 with their deepest trees
and a few rounds, LightGBM with pairs of numbers; forests with all of their 200 trees;
15 million one-hot cells are sparse)."""


@pytest.mark.parametrize(
    ("name", "task", "n_rows", "n_numbers", "n_categories", "measured"),
    MEASURED,
    ids=[f"{m[0]}-{m[1]}-{m[2]}x{m[3]}+{m[4]}" for m in MEASURED],
)
def test_formulas_say_what_was_measured(
    name, task, n_rows, n_numbers, n_categories, measured
):
    """No need is said to be less than two thirds, or more than twice, the true one."""
    if name in ("xgboost", "catboost"):  # extras: absent ones are no candidates
        pytest.importorskip(name)
    said = predicted_mib(
        load_candidates(name)[name],
        layout(n_rows, n_numbers, n_categories, task),
        10 if task == "multiclass" else 0,
    )
    assert measured / 1.5 < said < 2 * measured


def test_pairs_of_numbers_and_fine_bins_need_more():
    """Choosing pairs and holding them counts where they are an option; so do bins."""
    table = layout(100_000, 20)
    lightgbm = load_candidates("lightgbm")["lightgbm"]
    plain = without(lightgbm, {"arithmetic"})
    assert predicted_mib(lightgbm, table) > 1.05 * predicted_mib(plain, table)
    wide = layout(20_000, 500)
    for name in ("max_bin", "max_bins"):
        fine = replace(lightgbm, fixed={**lightgbm.fixed, name: 255})
        assert predicted_mib(fine, wide) > 1.5 * predicted_mib(lightgbm, wide)


def test_texts_and_dates_are_more_columns_than_they_are():
    """Boosting has a histogram for each part of them."""
    rng = np.random.default_rng(0)
    plain = pd.DataFrame({f"x{i}": rng.normal(size=500) for i in range(4)})
    words = [" ".join(rng.choice(["red", "big", "old", "new"], 12)) for _ in range(500)]
    when = pd.date_range("2020-01-01 01:02", periods=500, freq="31h")
    lightgbm = load_candidates("lightgbm")["lightgbm"]
    bare = without(lightgbm, {"arithmetic"})
    found = {
        name: _n_prepared(
            bare, Layout.of(make_table(plain.assign(**more), plain["x0"] * 2)), 0
        )
        for name, more in {
            "none": {},
            "text": {"t": words},
            "date": {"d": when},
        }.items()
    }
    assert found["none"] == 4
    assert found["text"] == 4 + 32
    assert found["date"] > 4 + 3


def test_a_target_encoding_needs_a_column_for_each_class():
    """Ten categories of a hundred classes are a thousand columns."""
    nearest = load_candidates("k_nearest")["k_nearest"]
    table = layout(50_000, 2, 10, "multiclass")
    few, many = predicted_mib(nearest, table, 3), predicted_mib(nearest, table, 100)
    assert many > few + 2 * 50_000 * 10 * 90 * 8 / 2**20


@pytest.mark.parametrize("name", list(load_candidates()))
def test_more_rows_need_more(name):
    """Every candidate needs twice as much and more for ten times the rows.

    Without categories: CatBoost's counts of them are a constant.
    """
    candidate = load_candidates(name)[name]
    task = candidate.tasks[0]
    few, many = layout(2_000, 10, 0, task), layout(20_000, 10, 0, task)
    assert predicted_mib(candidate, many, 10) > 2 * predicted_mib(candidate, few, 10)


def candidates(*names):
    """Return shipped candidates."""
    return tuple(load_candidates(list(names)).values())


def test_a_candidate_that_needs_too_much_is_left_out_with_a_sentence():
    """The forest does not fit in 500 MiB beside the process, LightGBM does."""
    chosen = candidates("lightgbm", "extra_trees")
    kept, notes = skipped(chosen, layout(30_000, 10), 0, 700.0, 1, HERE)
    assert [c.name for c in kept] == ["lightgbm"]
    assert len(notes) == 1
    assert notes[0].startswith("extra_trees is left out: it needs about ")
    assert notes[0].endswith("MiB a fit; 360 are allowed.")


def test_nothing_is_left_out_where_there_is_room():
    """With plenty of memory all are kept, and nothing is said."""
    chosen = candidates("lightgbm", "extra_trees")
    kept, notes = skipped(chosen, layout(30_000, 10), 0, 16_000.0, 2, HERE)
    assert kept == chosen
    assert notes == ()


def test_a_worker_takes_room_of_its_own():
    """What fits beside the run in one process need not fit with a worker's base."""
    chosen, table = candidates("lightgbm"), layout(100_000, 20)
    need = predicted_mib(chosen[0], table)
    limit = (HERE + need + WORKER_MIB / 2) / SOFT
    assert skipped(chosen, table, 0, limit, 1, HERE)[0] == chosen
    with pytest.raises(AutoMLResourceError):
        skipped(chosen, table, 0, limit, 2, HERE)


def test_no_candidate_at_all_is_an_error_with_the_least():
    """The limit that is told to be needed is enough."""
    chosen, table = candidates("ridge", "lightgbm"), layout(300_000, 30)
    with pytest.raises(AutoMLResourceError, match="memory_limit_mib") as caught:
        skipped(chosen, table, 0, 400.0, 2, HERE)
    assert caught.value.code == "E-memory"
    told = float(str(caught.value).split("about ")[1].split(" are")[0].replace(",", ""))
    assert skipped(chosen, table, 0, told + 1, 2, HERE)[0]


def test_fewer_workers_where_not_all_have_room():
    """Eight fits of 300 MiB do not fit in 2 GiB; how many do is said."""
    chosen, table = candidates("lightgbm"), layout(300_000, 30)
    n_workers, notes = workers_that_fit(chosen, table, 0, 2048.0, 8, HERE)
    assert 2 <= n_workers <= 4
    assert notes[0].startswith(f"{n_workers} of 8 processes are used")
    need = predicted_mib(chosen[0], table)
    assert HERE + n_workers * (WORKER_MIB + need) <= SOFT * 2048.0


@pytest.mark.parametrize(
    ("limit", "asked", "used"), [(1e6, 8, 8), (300.0, 8, 1), (1, 1, 1)]
)
def test_at_least_one_worker_and_never_more_than_asked(limit, asked, used):
    """Room for hundreds gives those asked for; no room at all still gives one."""
    chosen, table = candidates("lightgbm"), layout(300_000, 30)
    n_workers, notes = workers_that_fit(chosen, table, 0, limit, asked, HERE)
    assert n_workers == used
    assert bool(notes) == (used < asked)


def test_a_choice_counts_with_its_largest_option():
    """So do parameters that are fixed for the task alone; words have the default."""
    forest = replace(load_candidates("extra_trees")["extra_trees"], fixed={}, starts=())
    table = layout(100_000, 5)

    def need(*options, **fixed):
        leaves = Dimension("max_leaf_nodes", "choice", options=options)
        space = (leaves,) if options else ()
        mine = replace(forest, space=space, fixed_by_task={"regression": fixed})
        return predicted_mib(mine, table, 0)

    assert need(1000, 15_000) == need(max_leaf_nodes=15_000) > 5 * need(1000, 20)
    assert need("all", 20) == need() > need(15_000)
