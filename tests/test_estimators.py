"""Estimators of our own are scikit-learn's kind, and travel without this library."""

import ast
import pickle
from pathlib import Path

import cloudpickle
import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification
from sklearn.exceptions import NotFittedError
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import SVC

import automl
from automl.bundle import portable
from automl.calibration import temperature_of
from automl.estimators.boosting import GappyBoostingClassifier, GappyBoostingRegressor
from automl.estimators.linear import ElasticNetClassifier, ScaledElasticNet
from automl.estimators.network import EarlyMLPClassifier, EarlyMLPRegressor
from automl.estimators.svm import CalibratedSVC, ScaledSVR
from automl.scored import Scored

ROOT = Path(automl.__file__).parent

CLASSIFIERS = [
    CalibratedSVC(C=2.0),
    EarlyMLPClassifier(hidden_layer_sizes=(8,), max_iter=400, random_state=0),
    ElasticNetClassifier(alpha=0.01, random_state=0),
    GappyBoostingClassifier(max_iter=8, random_state=0),
]
REGRESSORS = [
    GappyBoostingRegressor(max_iter=50, random_state=0),
    ScaledElasticNet(alpha=0.01),
    EarlyMLPRegressor(hidden_layer_sizes=(16,), max_iter=600, random_state=0),
    ScaledSVR(C=10.0),
]
TRAVELLERS = sorted(
    path for name in ("preprocess", "estimators") for path in (ROOT / name).glob("*.py")
)

# networks are cut short here
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def name_of(value):
    """The class of a model as the id of a case."""
    return type(value).__name__


def rows(n=120, seed=0):
    """Rows and a signal in them."""
    X = np.random.default_rng(seed).normal(size=(n, 3))
    return X, X[:, 0] - 0.5 * X[:, 1]


@pytest.mark.parametrize("model", CLASSIFIERS, ids=name_of)
@pytest.mark.parametrize("labels", [("no", "yes"), ("a", "b", "c")], ids=len)
def test_classifiers_give_probabilities(model, labels):
    """Clones fit text labels, probabilities sum to 1 and pickles predict the same."""
    X, signal = rows()
    y = np.array(labels)[np.digitize(signal, np.linspace(-1, 1, len(labels) + 1)[1:-1])]
    fitted = clone(model).fit(X, y)
    found = fitted.predict_proba(X)
    assert fitted.classes_.tolist() == list(labels)
    assert np.allclose(found.sum(axis=1), 1.0)
    assert np.mean(fitted.predict(X) == y) > 0.6
    for pack in (pickle, cloudpickle):
        copy = pickle.loads(pack.dumps(fitted))
        assert np.array_equal(found, copy.predict_proba(X))


@pytest.mark.parametrize("model", REGRESSORS, ids=name_of)
@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e9])
def test_regressors_know_no_unit(model, unit):
    """A target in other units gives the same predictions in these units."""
    X, signal = rows()
    found = clone(model).fit(X, unit * (signal + 3)).predict(X)
    assert np.corrcoef(found, signal)[0, 1] > 0.9
    assert np.mean(found) == pytest.approx(unit * np.mean(signal + 3), rel=0.1)


@pytest.mark.parametrize("model", REGRESSORS, ids=name_of)
# a target that does not vary has nothing to explain
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
def test_a_constant_target_is_predicted(model):
    """Where the target does not vary, it is the prediction."""
    X, _ = rows(30)
    assert np.allclose(clone(model).fit(X, np.full(30, 7.0)).predict(X), 7.0, atol=0.5)


@pytest.mark.parametrize("model", CLASSIFIERS + REGRESSORS, ids=name_of)
def test_parameters_are_kept_as_given(model):
    """What was given is in get_params, can be set, and fitting changes none of it."""
    before = model.get_params()
    assert clone(model).get_params() == before
    X, signal = rows(30)
    fitted = clone(model)
    fitted.fit(X, signal > 0 if model in CLASSIFIERS else signal)
    assert fitted.get_params() == before
    assert type(model)().set_params(**before).get_params() == before


@pytest.mark.parametrize("model", CLASSIFIERS + REGRESSORS, ids=name_of)
def test_unfitted_models_say_so(model):
    """Predicting before fitting is an error that scikit-learn's users know."""
    with pytest.raises(NotFittedError):
        clone(model).predict(rows(5)[0])


@pytest.mark.parametrize(
    "model",
    [m for m in CLASSIFIERS if not isinstance(m, GappyBoostingClassifier)],
    ids=name_of,
)
def test_a_class_may_have_one_row(model):
    """A class of one row is known, and probabilities are no certainties of all."""
    X, signal = rows(60)
    y = np.where(signal > 0, "yes", "no")
    y[0] = "odd"
    found = clone(model).fit(X, y).predict_proba(X)
    assert found.shape == (60, 3)
    assert np.allclose(found.sum(axis=1), 1.0)
    assert len(np.unique(found)) > 3


def several_classes(n=900):
    """Return rows of six classes that a machine tells apart well."""
    return make_classification(
        n, 10, n_informative=8, n_redundant=0, n_classes=6, class_sep=2.0,
        n_clusters_per_class=1, random_state=0,
    )  # fmt: skip


def test_a_machine_of_many_classes_is_as_sure_as_it_should_be():
    """Its pairs are read together: no temperature mends what it says of new rows."""
    X, y = several_classes()
    model = CalibratedSVC().fit(X[:500], y[:500])
    p, truth = model.predict_proba(X[500:]), y[500:]
    rows = Scored(truth, np.zeros(400, dtype=int), np.arange(400))
    assert 0.8 < temperature_of(p, rows) < 1.25
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    apart = CalibratedClassifierCV(SVC(gamma="auto"), cv=folds, ensemble=False)
    apart = apart.fit(X[:500], y[:500])
    assert log_loss(truth, p) < 0.9 * log_loss(truth, apart.predict_proba(X[500:]))
    assert (model.predict(X[500:]) == truth).mean() > 0.85


def test_a_machine_of_many_classes_takes_weights_and_labels():
    """Rows without weight count for nothing; labels may be words, rows sparse."""
    X, y = several_classes(300)
    names = np.array(list("cabfed"))[y]
    wrong, weight = names.copy(), np.ones(300)
    wrong[:60], weight[:60] = "a", 0.0
    found = CalibratedSVC().fit(csr_matrix(X), wrong, sample_weight=weight)
    assert found.classes_.tolist() == list("abcdef")
    right = found.predict(csr_matrix(X[:60])) == names[:60]
    assert right.mean() > 0.8
    assert (CalibratedSVC().fit(X, wrong).predict(X[:60]) == names[:60]).mean() < 0.6


def test_far_away_rows_have_probabilities():
    """Where every class is out of reach, probabilities still sum to 1."""
    X, signal = rows()
    y = np.digitize(signal, [-0.5, 0.5])
    model = ElasticNetClassifier(alpha=1e-4, random_state=0).fit(X, y)
    found = model.predict_proba(np.array([[0.0, 0.0, 0.0], [1e6, 1e6, -1e6]]) * 1e3)
    assert np.isfinite(found).all()
    assert np.allclose(found.sum(axis=1), 1.0)


def test_weights_are_taken():
    """Machines and linear models can be told what counts."""
    X, signal = rows()
    weight = np.where(signal > 0, 10.0, 0.1)
    for model in (CalibratedSVC(), ElasticNetClassifier(random_state=0)):
        plain = clone(model).fit(X, signal > 0.3).predict_proba(X)
        weighed = clone(model).fit(X, signal > 0.3, sample_weight=weight)
        assert not np.allclose(plain, weighed.predict_proba(X))
    weighed = ScaledElasticNet().fit(X, signal**2, sample_weight=weight)
    assert not np.allclose(weighed.coef_, ScaledElasticNet().fit(X, signal**2).coef_)


@pytest.mark.parametrize("path", TRAVELLERS, ids=lambda p: f"{p.parent.name}.{p.stem}")
def test_what_travels_stands_alone(path):
    """What a deployed model is made of needs nothing else of ours, and has no state."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
            assert node.level == 0
        ours = {name for name in names if name.split(".")[0] in ("automl", "hyperopt")}
        assert all(name.startswith(portable.TRAVELLERS) for name in ours)
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            ast.literal_eval(node.value)  # constants only
