"""What a pickle needs to load elsewhere: code travels, packages are named."""

from __future__ import annotations

import copy
import importlib
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import joblib
import numpy as np
import pytest
from sklearn.preprocessing import FunctionTransformer

from automl.bundle import load, save_bundle
from automl.bundle.portable import make_portable, named_modules
from automl.bundle.schema import describe_table
from automl.exceptions import AutoMLConfigError
from tests.bundle.kit import INFO, expanded, new_passengers


def test_pipeline_that_needs_the_search_is_refused():
    """Code that imports the library when it runs cannot be deployed."""

    def needs_library(X):
        import hyperopt  # noqa: F401

        return X

    with pytest.raises(AutoMLConfigError, match="its code imports hyperopt"):
        make_portable(FunctionTransformer(needs_library))


HELPED = """
from sklearn.base import BaseEstimator, TransformerMixin
{head}

class Halved(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        {within}
        return half_of(X)
"""


@pytest.fixture
def own_package(tmp_path, monkeypatch):
    """Return what makes a transformer of a user's package, from a line of imports."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def make(name, *, head="", within=""):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "__init__.py").touch()
        (folder / "halves.py").write_text("def half_of(X):\n    return X / 2\n")
        (folder / "steps.py").write_text(HELPED.format(head=head, within=within))
        return importlib.import_module(f"{name}.steps").Halved()

    yield make
    for name in set(sys.modules) - before:
        sys.modules.pop(name)


@pytest.mark.parametrize("line", ["from .halves", "from within_package.halves"])
def test_a_module_that_is_imported_within_a_function_is_refused(own_package, line):
    """It would not be there: at the head of the file the same import travels along."""
    line = f"{line} import half_of"
    within = own_package("within_package", within=line)
    with pytest.raises(AutoMLConfigError, match=r"functions \w+\.halves;.* head"):
        make_portable(within)
    head = own_package("headed", head=line.replace("within_package", "headed"))
    payload = make_portable(head).payload
    for name in [n for n in sys.modules if n.startswith("headed")]:
        sys.modules.pop(name)
    assert pickle.loads(payload).transform(np.array([4.0])).tolist() == [2.0]


def test_a_relative_import_of_an_installed_package_is_one_of_that_package():
    """Its functions may be stored as code, and the bundle requires it anyhow."""
    space = {"__name__": "sklearn.made", "__package__": "sklearn"}
    exec("def f(X):\n    from .utils import Bunch\n    return X", space)  # noqa: S102
    portable = make_portable(FunctionTransformer(space["f"]))
    assert "scikit-learn" in portable.packages


def test_copies_of_a_loaded_model_leave_its_classes_alone(saved):
    """Another thread may predict with it meanwhile."""
    model = load(saved)
    encoder = type(model.pipeline_[0])
    before = dict(vars(encoder))
    again = copy.deepcopy(model)
    assert all(vars(encoder)[name] is was for name, was in before.items())
    rows = new_passengers()
    np.testing.assert_array_equal(model.predict(rows), again.predict(rows))


def test_what_is_imported_if_it_is_there_is_no_reason_to_refuse():
    """A package that nothing here can find was asked for in vain when it was fitted."""

    def tries(X):
        with suppress(ImportError):
            import no_such_package  # noqa: F401
        return X

    make_portable(FunctionTransformer(tries))


def test_saving_leaves_the_librarys_own_classes_as_they_were(fitted, tmp_path):
    """The bundle is loaded once to verify it: into classes of its own."""
    encoder = type(fitted[0][0])
    before = dict(vars(encoder))
    place = save_bundle(tmp_path / "m", fitted[0], describe_table(fitted[1]), INFO)
    assert all(vars(encoder)[name] is was for name, was in before.items())
    assert type(load(place).pipeline_[0]) is not encoder


def test_models_are_made_portable_side_by_side(fitted):
    """Threads that save at once do not take each other's modules from the register."""
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(make_portable, [fitted[0]] * 12))
    named = set().union(*(named_modules(expanded(m.payload)) for m in made))
    assert not {name for name in named if name.startswith("automl")}
    assert len({m.payload for m in made}) == 1


def test_a_loaded_model_can_be_pickled(fitted, saved, tmp_path):
    """In a fresh process too, where its classes are in no module but its own pickle."""
    copy, rows = tmp_path / "copy.joblib", new_passengers()
    code = (
        "import joblib, pickle, sys; from automl import load; "
        "model = load(sys.argv[1]); "
        "joblib.dump(pickle.loads(pickle.dumps(model)), sys.argv[2])"
    )
    subprocess.run([sys.executable, "-c", code, saved, copy], check=True)
    again = joblib.load(copy)
    assert again.manifest == load(saved).manifest
    np.testing.assert_array_equal(
        again.predict_proba(rows), fitted[0].predict_proba(rows)
    )
