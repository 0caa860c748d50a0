"""Answers of a fitted model: dependence and SHAP values, in time and without cells."""

import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from automl.explain import DRAWN_KINDS, LINES, MAX_COLUMNS, explain
from automl.facts.compact import compact
from automl.facts.explanation import describe_explanation
from automl.folds import make_folds
from automl.metrics import resolve_metric
from automl.table import make_table
from tests.report_kit import explained, fitted

ROWS = 400


def problem(task, n_rows=ROWS):
    """Return table, folds and metric of a made-up task with a known answer."""
    rng = np.random.default_rng(0)
    rare = ["only me"] + ["also me"] * 4
    frame = pd.DataFrame(
        {
            "strong": rng.normal(size=n_rows),
            "town": rare + list(rng.choice(["Ulm", "Bonn"], n_rows - len(rare))),
            "flag": rng.choice([True, False], n_rows),
            "when": pd.Timestamp("2020-01-01")
            + pd.to_timedelta(rng.integers(0, 700, n_rows), unit="D"),
            "essay": [" ".join(rng.choice(list("abcdefg"), 9)) for _ in range(n_rows)],
        }
    )
    signal = 3 * frame["strong"] + 2 * (frame["town"] == "Ulm")
    y = signal + rng.normal(size=n_rows) * 0.1
    if task == "binary":
        y = (y > 1).map({True: "yes", False: "no"})
    elif task == "multiclass":
        y = pd.cut(y, [-99, -1, 2, 99], labels=["low", "middle", "top"]).astype(str)
    table = make_table(frame, y, task=task)
    folds = make_folds(
        table.y, cv=4, stratify=False, groups=None, time=None, random_state=0
    )
    return table, folds, resolve_metric("auto", task)


def test_dependence_follows_the_signal_on_quantiles():
    """The mean rises with the column that drives the target; the ends are left out."""
    table, folds, metric = problem("regression")
    raw = explained(table, folds, metric)
    strong = next(d for d in raw["dependence"] if d["column"] == "f0")

    mean = strong["curves"][0]["mean"]
    assert mean[-1] - mean[0] > 5
    assert strong["grid"] == sorted(strong["grid"])
    assert table.X["f0"].min() < strong["grid"][0]
    assert strong["grid"][-1] < table.X["f0"].max()
    assert len(strong["lines"]) == LINES
    assert {len(line) for line in strong["lines"]} == {len(strong["grid"])}


def test_lines_of_rows_far_from_zero_keep_their_shape():
    """Of years and pressures three digits were steps, and most often flat."""
    table, folds, metric = problem("regression")
    raw = explained(table, folds, metric)
    part = next(d for d in raw["dependence"] if d["column"] == "f0")
    far = 101_325.0 + np.array(part["lines"])
    part["lines"] = far.tolist()
    found = compact(describe_explanation(raw, table))
    drawn = next(d for d in found["dependence"] if d["column"] == "strong")["lines"]
    assert np.ptp(far) < 500
    assert np.allclose(drawn, far, atol=0.05)


def test_rare_levels_and_texts_are_not_shown():
    """A level is named if ten rows share it; free text never."""
    table, folds, metric = problem("binary")
    found = describe_explanation(explained(table, folds, metric), table)

    by_name = {d["column"]: d for d in found["dependence"]}
    assert "essay" not in by_name
    assert len(by_name) <= MAX_COLUMNS
    assert set(by_name["town"]["grid"]) == {"Ulm", "Bonn"}
    assert "only me" not in str(found)
    assert set(by_name["flag"]["grid"]) == {"true", "false"}
    assert by_name["when"]["grid"][0].startswith("2020-01")
    assert "probability of “yes”" == found["output"]


def test_shap_values_are_lightgbms_own_and_sum_up_what_was_prepared():
    """The strongest column leads; bins hold all rows that were explained."""
    table, folds, metric = problem("binary")
    shap = describe_explanation(explained(table, folds, metric), table)["shap"]

    assert "strong" == shap["columns"][0][0]
    assert len({name for name, _ in shap["columns"]}) == len(shap["columns"])
    assert {"strong", "town", "essay", "when"} <= {n for n, _ in shap["columns"]}
    for row in shap["swarm"]["rows"]:
        assert sum(n for _, n, _ in row) == shap["n_rows"]
    leading = shap["swarm"]["rows"][0]
    assert leading[0][2] < 0.3  # low values push down
    assert leading[-1][2] > 0.7
    assert all(bin_[4] >= 5 for d in shap["dependence"] for bin_ in d["bins"])


POISSON = {"objective": "poisson"}


def test_contributions_to_a_logarithm_are_said_to_be_that():
    """They add up to what was learnt; dependence is in the target's own unit."""
    table, folds, _ = problem("regression")
    table = replace(table, y=np.expm1(table.y - table.y.min()))
    units, sizes = [], []
    for metric, params in (("rmsle", {}), ("rmse", {}), ("rmse", POISSON)):
        known = resolve_metric(metric, "regression")
        with fitted(table, folds, known, params=params) as parts:
            found = describe_explanation(explain(*parts, None), table)
        units.append(found["shap"]["unit"])
        sizes.append(found["shap"]["columns"][0][1])
        strong = next(d for d in found["dependence"] if d["column"] == "strong")
        assert max(strong["curves"][0]["mean"]) > 1000
    logs = ["logarithm of 1 + target", "unit of the target", "logarithm of the target"]
    assert units == logs
    assert max(sizes[0], sizes[2]) < 10 < sizes[1]


def test_what_pairs_contribute_is_shared_by_their_columns():
    """Two columns whose product is the target lead alike; noise stays behind."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.uniform(1, 3, (1200, 3)), columns=["a", "noise", "b"])
    table = make_table(frame, frame["a"] * frame["b"], task="regression")
    folds = make_folds(
        table.y, cv=4, stratify=False, groups=None, time=None, random_state=0
    )
    metric = resolve_metric("auto", "regression")
    with fitted(table, folds, metric, params={"arithmetic": "yes"}) as parts:
        raw = explain(*parts, None)
    (first, most), (second, more), (_, least) = raw["shap"]["columns"]
    assert {first, second} == {"f0", "f2"}
    assert more > 0.8 * most
    assert least < 0.2 * more


def test_several_classes_have_a_curve_each_and_sizes_alone():
    """Lines of rows and a swarm would need a class; means and sizes do not."""
    table, folds, metric = problem("multiclass")
    found = describe_explanation(explained(table, folds, metric), table)

    names = [c["name"] for c in found["dependence"][0]["curves"]]
    assert {"low", "middle", "top"} == set(names)
    assert [] == found["dependence"][0]["lines"]
    assert found["shap"]["swarm"] is None
    assert found["shap"]["columns"][0][0] == "strong"


def test_other_learners_have_no_shap_values():
    """They are LightGBM's own; nothing is put in their place."""
    table, folds, metric = problem("regression")
    raw = explained(table, folds, metric, name="ridge")

    assert raw["shap"] is None
    assert len(raw["dependence"]) == len(DRAWN_KINDS)


def test_linear_leaves_have_no_shap_values():
    """LightGBM refuses them for such trees; the dependence is drawn all the same."""
    table, folds, metric = problem("regression")
    with fitted(table, folds, metric, params={"linear_tree": True}) as parts:
        raw = explain(*parts, None)

    assert raw["shap"] is None
    assert len(raw["dependence"]) == len(DRAWN_KINDS)


@pytest.mark.parametrize("left_s", [-1.0, 0.3])
def test_it_ends_in_time(left_s):
    """Nothing begins after the deadline, and what begins ends about there."""
    table, folds, metric = problem("binary", 4_000)
    with fitted(table, folds, metric, rounds=300) as parts:
        began = time.monotonic()
        raw = explain(*parts, began + left_s)
        late = time.monotonic() - began - max(left_s, 0)

    assert late < 1.5  # on a machine with much else to do
    if left_s < 0:
        assert raw == {"dependence": [], "shap": None, "logarithm_of": ""}
        assert describe_explanation(raw, table) is None
