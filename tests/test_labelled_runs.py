"""Runs on a metric of labels: these are chosen, and the same everywhere."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_classification
from sklearn.metrics import f1_score, get_scorer

import automl
from automl import AutoML, Candidate, constraints, naming
from automl.cli.rescore import scores_of
from automl.estimators.labels import factors_in
from automl.replay import replay
from automl.trial import BASELINE

pytestmark = pytest.mark.usefixtures("all_unexplained")


def drawn(n_classes, weights, n=1400):
    """Return a table with a rare class that is hard to be sure of."""
    X, y = make_classification(
        n, 10, n_informative=6, n_classes=n_classes, n_clusters_per_class=1,
        weights=weights, flip_y=0.06, class_sep=0.7, random_state=0,
    )  # fmt: skip
    frame = pd.DataFrame(X, columns=[f"c{i}" for i in range(10)])
    return frame, np.array(["no", "yes", "perhaps"])[y]


X, Y = drawn(2, [0.9])
X3, Y3 = drawn(3, [0.8, 0.15])
SEEN, NEW = slice(0, 900), slice(900, None)


def fitted(X, Y, metric="f1", folder=None, **more):
    """Return a short run of two families."""
    options = {"n_trials": 4, "candidates": ["logistic", "svm"], "cv": 3} | more
    model = AutoML(
        metric=metric, n_jobs=1, random_state=0, run_dir=folder, verbose=0, **options
    )
    return model.fit(X[SEEN], Y[SEEN], X_test=X[NEW], y_test=Y[NEW])


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Return a run of two classes and its folder."""
    folder = tmp_path_factory.mktemp("two") / "run"
    return fitted(X, Y, folder=folder), folder


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """Return a run of three classes and its folder."""
    folder = tmp_path_factory.mktemp("three") / "run"
    return fitted(X3, Y3, folder=folder), folder


def test_f1_of_new_rows_is_that_of_the_chosen_threshold(two):
    """It is better than that of the likelier class, and probabilities are no others."""
    model, _ = two
    threshold = model.facts_["factors"][0]
    p, labels, truth = model.predict_proba(X[NEW])[:, 1], model.predict(X[NEW]), Y[NEW]
    assert 0 < threshold < 0.45
    assert ((labels == "yes") == (p > threshold)).all()
    own = f1_score(truth == "yes", labels == "yes")
    assert own > f1_score(truth == "yes", p > 0.5) + 0.02
    assert model.test_score_ == model.score(X[NEW], truth) == pytest.approx(own)
    assert model.score_estimate_ == pytest.approx(own, abs=1e-4)


def test_an_average_has_the_labels_of_its_own_predictions():
    """They are not those of one of its members."""
    candidates = ["logistic", "svm", "extra_trees"]
    model = fitted(X, Y, candidates=candidates)
    assert len(model.weights_) == 2
    p = model.predict_proba(X[NEW])[:, 1]
    threshold = model.facts_["factors"][0]
    assert 0 < threshold < 0.45
    assert ((model.predict(X[NEW]) == "yes") == (p > threshold)).all()


def test_the_winner_keeps_the_score_of_its_folds(two):
    """Each fold was scored by labels that its other rows chose."""
    model, _ = two
    assert model.best_score_ == model.leaderboard_["score"].iloc[0]
    base = model.leaderboard_.set_index("candidate").loc[BASELINE]
    share = (Y[SEEN] == "yes").mean()
    assert base["score"] == pytest.approx(2 * share / (1 + share), abs=0.01)


def test_more_classes_have_a_factor_each(three):
    """The rarer, the greater; labels are those of the greatest product."""
    model, _ = three
    factors = dict(zip(model.classes_, model.facts_["factors"], strict=True))
    assert factors["perhaps"] > factors["yes"] > factors["no"]
    assert model.metric_.name == "f1_macro"
    p, labels = model.predict_proba(X3[NEW]), model.predict(X3[NEW])
    best = np.argmax(p * model.facts_["factors"], axis=1)
    assert (labels == model.classes_[best]).all()
    assert model.test_score_ == pytest.approx(
        f1_score(Y3[NEW], labels, average="macro")
    )


@pytest.mark.parametrize("name", ["two", "three"])
def test_labels_are_the_same_wherever_they_are_asked(name, request, tmp_path):
    """In a pickle, a bundle, the command's scores, a resumed run and a replayed one."""
    model, folder = request.getfixturevalue(name)
    table, target = (X, Y) if name == "two" else (X3, Y3)
    rows, truth = table[NEW], target[NEW]
    labels = model.predict(rows)
    assert (pickle.loads(pickle.dumps(model)).predict(rows) == labels).all()
    bundle = automl.load(model.save(tmp_path / "bundle"))
    assert (bundle.predict(rows) == labels).all()
    found = scores_of(bundle, rows, pd.Series(truth, name="y"))
    first = next(iter(found.values()))
    assert first == pytest.approx(model.test_score_)
    assert found["accuracy"] == pytest.approx((labels == truth).mean())
    again = fitted(table, target, folder=folder)
    assert (again.predict(rows) == labels).all()
    assert again.facts_["factors"] == model.facts_["factors"]
    made_again = replay(folder, table[SEEN], target[SEEN]).pipeline
    assert (made_again.predict(rows) == labels).all()


def test_the_page_and_the_card_tell_how_labels_are_found(two, three, tmp_path):
    """A reader sees the threshold, or the factors, and counts that follow them."""
    for (model, _), words in (
        (two, f"above {two[0].facts_['factors'][0]:.4f}, a threshold that was chosen"),
        (three, "greatest product of probability and factor"),
    ):
        page = tmp_path / "report.html"
        model.report(page)
        assert words in page.read_text()
        card = (model.save(tmp_path / "bundle") / "model_card.md").read_text()
        factors = model.facts_["factors"]
        assert str(factors[0]) in card
        manifest = json.loads((tmp_path / "bundle" / "manifest.json").read_text())
        assert manifest["factors"] == list(factors)
    performance = two[0].facts_["performance"]
    named = performance["matrix"]["counts"][1][1]
    assert performance["thresholds"]["named"] == named
    assert performance["thresholds"]["own"] == two[0].facts_["factors"][0]
    json.dumps(two[0].facts_)


@pytest.mark.parametrize(
    "more",
    [{"ensemble": False}, {"select": "simplest"}, {"deploy": "bag"}],
    ids=lambda m: next(iter(m)),
)  # fmt: skip
def test_labels_are_chosen_however_the_winner_is(more):
    """One configuration, the simplest, models of folds, a small one: all have them."""
    model = fitted(X, Y, **more)
    p = model.predict_proba(X[NEW])[:, 1]
    threshold = model.facts_["factors"][0]
    assert ((model.predict(X[NEW]) == "yes") == (p > threshold)).all()
    assert threshold != 0.5
    assert not any("does not predict" in note for note in model.notes_)


def test_a_model_that_gives_way_to_a_smaller_one_leaves_it_its_own_labels():
    """The small one's threshold is that of its own predictions."""
    model = fitted(X, Y, max_model_mib=0.045)
    assert any("instead of" in note for note in model.notes_)
    assert list(model.weights_.values()) == [1.0]
    p = model.predict_proba(X[NEW])[:, 1]
    found = model.predict(X[NEW]) == "yes"
    assert (found == (p > model.facts_["factors"][0])).all()
    assert model.facts_["factors"] != fitted(X, Y).facts_["factors"]


def test_where_nothing_is_learnt_the_best_label_is_predicted(tmp_path):
    """On noise F1 is best when every row is named; page, card and checks say so."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(90, 3)), np.array(["no", "yes"])[np.arange(90) % 3 // 2]
    model = AutoML(
        metric="f1", n_trials=1, candidates=["logistic"], cv=3, n_jobs=1,
        random_state=0, run_dir=tmp_path / "run", verbose=0,
    ).fit(X, y)  # fmt: skip
    assert model.leaderboard_["candidate"].iloc[0] == BASELINE
    assert (model.predict(X) == "yes").all()
    assert model.predict_proba(X)[:, 1] == pytest.approx(1 / 3)
    matrix = model.facts_["performance"]["matrix"]["counts"]
    assert matrix == [[0, 60], [0, 30]]
    model.report(tmp_path / "report.html")
    assert (automl.load(model.save(tmp_path / "b")).predict(X) == "yes").all()
    assert (replay(tmp_path / "run", X, y).pipeline.predict(X) == "yes").all()


def test_one_configuration_has_labels_where_no_average_was_made(monkeypatch):
    """They are those of its own predictions; by itself it has the likeliest class."""
    from automl import conclusion

    monkeypatch.setattr(conclusion, "weigh", lambda *_: None)
    model = fitted(X, Y)
    p = model.predict_proba(X[NEW])[:, 1]
    assert model.facts_["factors"][0] < 0.45
    found = model.predict(X[NEW]) == "yes"
    assert (found == (p > model.facts_["factors"][0])).all()
    assert (model.best_pipeline_.predict(X[NEW]) == "yes").sum() == (p > 0.5).sum()


@pytest.mark.parametrize("learner", ["Coded", "Factored"])
@pytest.mark.parametrize("metric", ["f1", "roc_auc"])
def test_learners_of_the_user_keep_their_classes_and_parameters(learner, metric):
    """Codes are the labels in order; a parameter is no factor of a class."""
    candidate = Candidate(
        "own", "Own", ("binary",), {"classification": f"tests.odd_learners.{learner}"}
    )
    model = fitted(X, Y, metric, candidates=[candidate], n_trials=1)
    p = model.predict_proba(X[NEW])[:, 1]
    assert 0.02 < p.mean() < 0.4
    threshold = (model.facts_["factors"] or [0.5])[0]
    assert ((model.predict(X[NEW]) == "yes") == (p > threshold)).all()
    assert (threshold != 0.5) == (metric == "f1")


def test_limits_are_of_the_model_with_its_labels(monkeypatch):
    """What is measured is what is saved."""
    measured = []
    cost_of = constraints.cost_of
    monkeypatch.setattr(
        constraints, "cost_of",
        lambda pipeline, table, sized: (
            measured.append(pipeline) or cost_of(pipeline, table, sized=sized)
        ),
    )  # fmt: skip
    model = fitted(X, Y, max_model_mib=0.045)
    assert all(factors_in(pipeline) for pipeline in measured)
    assert model.model_ in measured


def test_labels_that_cannot_be_chosen_cost_no_model(monkeypatch):
    """The likeliest class is predicted, and a note says why."""

    def fail(*_):
        raise MemoryError

    monkeypatch.setattr(naming, "_chosen", fail)
    model = fitted(X, Y, n_trials=2)
    assert any("raised MemoryError" in note for note in model.notes_)
    p = model.predict_proba(X[NEW])[:, 1]
    assert ((model.predict(X[NEW]) == "yes") == (p > 0.5)).all()


@pytest.mark.parametrize("metric", ["accuracy", "roc_auc", "recall"])
def test_other_metrics_have_the_likeliest_label(metric):
    """A threshold is chosen for what it is best for, and for nothing else."""
    model = fitted(X, Y, metric, n_trials=2)
    assert model.facts_["factors"] is None
    p = model.predict_proba(X[NEW])
    assert (model.predict(X[NEW]) == model.classes_[np.argmax(p, axis=1)]).all()
    own = get_scorer("accuracy")(model, X[NEW], Y[NEW])
    if metric == "accuracy":
        assert model.test_score_ == pytest.approx(own)


def test_a_class_that_is_never_the_likelier_is_found():
    """Of a class of three in a hundred no row has a probability above one half."""
    rng = np.random.default_rng(0)
    x = rng.random(3000)
    y = np.where(rng.random(3000) < 0.09 * x**2, "yes", "no")
    X = pd.DataFrame({"x": x, "z": rng.random(3000)})
    model = AutoML(
        metric="f1", n_trials=3, candidates=["logistic"], cv=3, n_jobs=1,
        random_state=0, verbose=0,
    ).fit(X, y)  # fmt: skip
    assert model.predict_proba(X)[:, 1].max() < 0.5
    assert (model.predict(X) == "yes").mean() > 0.03
    assert model.best_candidate_ == "logistic"
