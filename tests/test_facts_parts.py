"""Facts of decisions, rivals, data and code, against what they stand for."""

import ast
import dataclasses
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import precision_score, recall_score, roc_auc_score

from automl import AutoML
from automl.candidates import load_candidates
from automl.facts import build_facts
from automl.facts.compact import compact
from automl.facts.curves import performance
from automl.facts.data import describe_data
from automl.facts.decisions import MAX_THRESHOLDS, best_f1, gains, thresholds
from automl.facts.rivals import comparison
from automl.facts.script import winners_script
from automl.folds import make_folds
from automl.report.charts import _thresholds
from automl.report.data_charts import data_charts
from automl.report.regression_charts import _normal
from automl.table import make_table
from tests.report_kit import record

rng = np.random.default_rng(0)
TRUTH = rng.integers(0, 2, 1_000)
SCORE = np.clip(0.3 * TRUTH + 0.7 * rng.random(1_000), 0, 1)


def test_thresholds_count_as_scikit_learn_does():
    """Counts at any threshold give the precision and recall of calling rows there."""
    found = thresholds(TRUTH, SCORE)

    assert len(found["at"]) <= MAX_THRESHOLDS
    for i in (0, 70, len(found["at"]) - 1):
        called = SCORE >= found["at"][i]
        tp, fp = found["tp"][i], found["fp"][i]
        assert tp / found["positives"] == pytest.approx(recall_score(TRUTH, called))
        if called.any():
            assert tp / (tp + fp) == pytest.approx(precision_score(TRUTH, called))


def test_a_target_far_from_zero_keeps_the_shape_of_its_errors():
    """Residuals are drawn from pairs: with five digits pressures were all alike."""
    rng = np.random.default_rng(0)
    y = 101_325 + 8 * rng.normal(size=300)
    folds = make_folds(y, cv=3, stratify=False, groups=None, time=None, random_state=0)
    guess = y + 2 * rng.normal(size=300)
    found = compact(performance("regression", y, guess, folds, None))
    pairs = found["scatter"]
    gaps = np.array(pairs["actual"]) - np.array(pairs["predicted"])
    assert len(np.unique(gaps.round(3))) > 200
    assert gaps.std() == pytest.approx(2, rel=0.1)


def test_the_rarest_of_many_classes_is_a_class():
    """What is drawn as all other classes is not called the rarest of them."""
    y = [f"class {n}" for n in [*range(30)] * 4 + [7, 7, 7]]
    data = describe_data(make_table(pd.DataFrame({"a": range(123)}), y))
    facts = {"data": data, "run": {"target": "y", "n_columns": 1}}
    said = data_charts(facts)[0]["sentence"]
    assert said.endswith("the rarest, 3.3%.")
    assert "other classes" not in said


def test_the_chart_and_the_advice_name_one_threshold():
    """Of equal ones both take that nearest to a half, not the first that is drawn."""
    truth, score = np.repeat([0, 1], 500), np.linspace(0, 1, 1000)
    found = thresholds(truth, score)
    drawn = _thresholds({"thresholds": found, "positive": "yes"}, "")
    assert found["at"][best_f1(found)] == pytest.approx(0.5, abs=0.006)
    assert (
        f"from a probability of {found['at'][best_f1(found)]:.3g} on"
        in drawn["sentence"]
    )


def test_a_row_between_two_classes_is_counted_as_the_model_labels_it():
    """Of two equal probabilities the first class is taken, as argmax does."""
    y, p = np.array([0, 1, 0, 1] * 30), np.tile([0.2, 0.5, 0.5, 0.9], 30)
    folds = make_folds(y, cv=3, stratify=True, groups=None, time=None, random_state=0)
    guess = np.column_stack([1 - p, p])
    found = performance("binary", y, guess, folds, np.array(["no", "yes"]))
    assert np.array(found["matrix"]["counts"]).tolist() == [[60, 0], [30, 30]]


def test_thresholds_agree_with_the_confusion_matrix():
    """At one half the explorer begins with what the matrix shows."""
    found = build_facts(record("binary"))["performance"]
    half = found["thresholds"]["at"].index(0.5)

    assert found["matrix"]["counts"][1][1] == found["thresholds"]["tp"][half]
    assert found["matrix"]["counts"][0][1] == found["thresholds"]["fp"][half]


def test_gains_are_the_share_found_in_the_first_rows():
    """All rows hold all of the class, none hold none, and a tenth what is in it."""
    found = gains(TRUTH, SCORE)

    first = np.argsort(-SCORE, kind="stable")[:100]
    assert found["y"][0] == 0
    assert found["y"][-1] == 1
    assert found["y"][10] == pytest.approx(TRUTH[first].sum() / TRUTH.sum())


def test_equal_scores_say_nothing_whatever_the_order_of_the_table():
    """Of a constant on sorted rows a tenth holds a tenth, and is calibrated."""
    truth = np.repeat([1, 0], [400, 600])
    assert gains(truth, np.full(1000, 0.4))["y"][10] == pytest.approx(0.1)
    folds = make_folds(
        truth, cv=2, stratify=True, groups=None, time=None, random_state=0
    )
    guess = np.tile([0.6, 0.4], (1000, 1))
    found = performance("binary", truth, guess, folds, np.array(["no", "yes"]))
    assert found["calibration"]["observed"] == pytest.approx([0.4] * 10)


def test_a_few_huge_errors_are_no_normal_distribution():
    """They do not make the line steeper that the others are compared with."""
    gap = np.random.default_rng(0).normal(size=2000)
    folds = make_folds(
        gap, cv=2, stratify=False, groups=None, time=None, random_state=0
    )
    told = {}
    for name, huge in {"normal": 0, "heavy": 5}.items():
        y = gap.copy()
        y[:huge] = 100.0
        found = performance("regression", y, np.zeros(2000), folds, None)
        told[name] = _normal(found, "y")["sentence"]
        assert found["normal"]["sd"] == pytest.approx(1.0, abs=0.1)
    assert told["normal"].startswith("On the line")
    assert told["heavy"].startswith("The points leave the line")


def test_each_class_has_the_area_that_scikit_learn_gives():
    """One class against the rest, for the commonest classes."""
    y = np.arange(900) % 12
    folds = make_folds(y, cv=3, stratify=True, groups=None, time=None, random_state=0)
    guess = rng.random((900, 12)) + 0.5 * np.eye(12)[y]
    labels = np.array([f"c{i:02d}" for i in range(12)])
    found = performance("multiclass", y, guess, folds, labels)["one_vs_rest"]

    assert 8 == len(found)
    code = int(found[0]["label"][1:])
    assert found[0]["area"] == pytest.approx(roc_auc_score(y == code, guess[:, code]))


def test_errors_by_decile_hold_all_rows():
    """Tenths by actual value; where small values are overrated the bias is below 0."""
    found = build_facts(record("regression"))["performance"]

    assert sum(found["by_actual"]["rows"]) == found["n_scored"]
    assert found["by_actual"]["bias"][0] < 0 < found["by_actual"]["bias"][-1]
    assert found["normal"]["y"] == sorted(found["normal"]["y"])


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_rivals_are_the_best_of_each_kind_with_intervals(task):
    """The winner leads; the interval of its mean holds it; gaps average as told."""
    rows = build_facts(record(task))["comparison"]["rows"]

    assert rows[0]["winner"]
    assert {"Linear model", "Decision tree", "k nearest neighbours"} <= {
        r["title"] for r in rows
    }
    for row in rows:
        assert row["low"] < row["natural"] < row["high"]
        assert np.mean(row["gaps"]) == pytest.approx(row["difference"], abs=1e-4)
    if task == "binary":  # an area is 1 at most
        assert max(r["high"] for r in rows) <= 1


def test_predictions_are_compared_with_themselves_and_others():
    """The diagonal is 1, and what was not predicted makes no comparison."""
    run = record("binary")
    found = build_facts(run)["comparison"]["correlation"]
    empty = dataclasses.replace(
        run, predictions=lambda _: np.full((run.table.n_rows, 2), np.nan)
    )

    assert np.diag(found["matrix"]) == pytest.approx(1)
    assert found["trials"][0] == run.winner
    assert build_facts(empty)["comparison"]["correlation"] is None


def test_data_are_counted_by_class_kind_and_gap():
    """Rows by class, columns by kind, the widest gap first."""
    X = pd.DataFrame(
        {
            "a": [1.5, np.nan, np.nan, 2.0] * 20,
            "b": ["x", "y", None, "x"] * 20,
            "c": range(80),
            "same": 1,
        }
    )
    found = describe_data(make_table(X, ["p", "p", "p", "n"] * 20))

    assert found["target"] == {
        "labels": ["p", "n"], "counts": [60, 20], "rarest": ["n", 20],
    }  # fmt: skip
    assert found["missing"] == [["a", 0.5], ["b", 0.25]]
    assert ["constant", 1, 0] in found["kinds"]
    assert found["distinct"] == [["b", 2]]


def test_target_of_numbers_is_a_histogram_that_says_what_is_outside():
    """Bars and what lies beyond them are all rows."""
    run = record("regression")
    found = describe_data(run.table)["target"]

    assert found["counts"].sum() + found["outside"] == run.table.n_rows


def test_script_of_the_winner_makes_the_same_model():
    """Run as it stands, it predicts what the best single pipeline predicts."""
    n = 120
    X = pd.DataFrame(
        {
            "size": rng.normal(size=n),
            'odd "name"\n</script>': rng.normal(size=n),
            "colour": rng.choice(["red", "blue", None], n),
        }
    )
    y = np.where(X["size"] + (X["colour"] == "red") > 0.4, "up", "down")
    model = AutoML(
        n_trials=2, cv=2, n_jobs=1, random_state=0, candidates="lightgbm",
        ensemble=False, deploy="refit", verbose=0,
    ).fit(X, y)  # fmt: skip
    script = model.facts_["script"]
    names = {"X": X, "y": y}
    exec(script, names)  # noqa: S102 - what the report shows is made to be run

    assert "automl.table" in script
    assert (names["prediction"] == model.best_pipeline_.predict(X)).all()
    assert names["pipeline"].predict_proba(names["new"])[:, 1] == pytest.approx(
        model.best_pipeline_.predict_proba(X)[:, 1]
    )


@pytest.mark.parametrize("deploy", ["refit", "bag"])
def test_script_of_a_penalty_in_the_targets_unit_makes_the_same_model(deploy):
    """LightGBM's is as it was used, and so are its rounds; of folds, the first's."""
    X = pd.DataFrame(rng.normal(size=(400, 3)), columns=["a", "b", "c"])
    y = 1e4 * X["a"] + rng.normal(size=400)
    candidate = load_candidates("lightgbm")["lightgbm"]
    name, point = candidate.starts[0]
    own = replace(candidate, starts=((name, {**point, "reg_alpha": 0.8}),))
    model = AutoML(
        n_trials=1, cv=2, n_jobs=1, candidates=own, ensemble=False, deploy=deploy,
        random_state=0, verbose=0,
    ).fit(X, y)  # fmt: skip
    names = {"X": X, "y": y}
    exec(model.facts_["script"], names)  # noqa: S102 - it is made to be run

    made = names["pipeline"][-1]
    assert made.n_estimators < 3000
    assert made.reg_alpha == pytest.approx(0.8e4, rel=0.1)
    if deploy == "refit":
        assert names["prediction"] == pytest.approx(model.best_pipeline_.predict(X))


def test_script_takes_groups_weights_and_rows_as_the_run_did():
    """A group's number is no feature; weights count; rows without target are left."""
    n = 120
    X = pd.DataFrame({"who": np.arange(n) // 4, "size": rng.normal(size=n)})
    y = X["size"] * 3 + rng.normal(size=n)
    y[5] = np.nan
    weight = np.where(np.arange(n) % 3 == 0, 0.5, 0.1)
    model = AutoML(
        n_trials=2, cv=2, n_jobs=1, random_state=0, candidates="ridge",
        ensemble=False, deploy="refit", verbose=0, drop_missing_target=True,
    ).fit(X, y, groups="who", sample_weight=weight)  # fmt: skip
    script = model.facts_["script"]
    names = {"X": X, "y": y, "groups": "who", "sample_weight": weight}
    with pytest.warns(UserWarning, match="not there at fit time"):
        exec(script, names)  # noqa: S102 - what the report shows is made to be run

    assert "# groups and sample_weight: as given to fit" in script
    rest = X.drop(columns="who")
    found = names["pipeline"].predict(names["table"].encoder.transform(rest))
    assert found == pytest.approx(model.best_pipeline_.predict(rest))


def test_script_of_many_steps_is_whole():
    """Longer than other texts may be, and still Python."""
    n = 90
    X = pd.DataFrame(rng.normal(size=(n, 100)))
    X = X.mask(rng.random((n, 100)) < 0.1).add_prefix("number ")
    X["colour"] = rng.choice(["red", "blue"], n)
    y = np.where(X["number 7"].fillna(0) > 0, "up", "down")
    model = AutoML(
        n_trials=2, cv=2, n_jobs=1, random_state=0, candidates="logistic",
        ensemble=False, verbose=0,
    ).fit(X, y)  # fmt: skip
    script = model.facts_["script"]

    assert len(script) > 2000
    ast.parse(script)


def test_what_cannot_be_written_has_no_script():
    """A function of the user's has no written form, so no code pretends to be it."""
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer

    run = record("binary")
    odd = Pipeline([("odd", FunctionTransformer(lambda X: X))])

    assert winners_script(odd, run.table) is None
    assert winners_script(None, run.table) is None


def test_explanation_stays_json_and_small():
    """Lines are rounded; what is drawn is a fraction of the page."""
    found = build_facts(record("binary"))["explanation"]

    assert found["dependence"]
    assert len(json.dumps(found)) < 120_000


def test_intervals_of_the_users_metric_are_not_cut_at_zero():
    """A cost may be a gain; an error may not."""
    run = record("regression")
    scores = dict(enumerate((-0.1, -3.0, -0.1, -0.2, -4.0)))
    folds = tuple(dataclasses.replace(f, score=scores[f.fold]) for f in run.best.folds)
    trials = tuple(
        dataclasses.replace(t, folds=folds) if t.number == run.winner else t
        for t in run.trials
    )

    def low(metric):
        one = dataclasses.replace(run, trials=trials, metric=metric)
        return build_facts(one)["comparison"]["rows"][0]["low"]

    assert low(run.metric) == 0
    assert low(dataclasses.replace(run.metric, own=True)) < 0


def test_predictions_are_compared_on_rows_that_were_scored():
    """A holdout leaves most rows without a prediction: none of these is drawn."""
    run = record("regression")
    n_rows = len(run.predictions(1))

    def partial(trial):
        found = np.tile(np.array(run.predictions(trial), dtype=float), 40)
        found[n_rows:] = np.nan
        return found

    order = [t for t in run.trials[1:] if t.status == "ok"]
    found = comparison(order, run.best, run.folds, run.metric, run.titles, partial)
    assert found["correlation"]["n_rows"] == n_rows
