"""A candidate's file is read, or refused with file, key and the known ones."""

import copy
import tomllib

import pytest

from automl.candidates import (
    is_installed,
    load_candidates,
    parse_candidate,
)
from automl.exceptions import AutoMLConfigError
from automl.resources import folder

RIDGE = {
    "tasks": ["regression"],
    "estimator": {"regression": "sklearn.linear_model.Ridge"},
    "space": {"alpha": {"dist": "float", "low": 0.1, "high": 10.0, "log": True}},
    "start": [{"name": "one", "alpha": 1}],
}


def spec(**changes):
    """The spec of a ridge regression with other values; None leaves a key out."""
    made = copy.deepcopy(RIDGE) | changes
    return {key: value for key, value in made.items() if value is not None}


def alpha(**changes):
    """A spec whose one dimension has other values."""
    return spec(space={"alpha": RIDGE["space"]["alpha"] | changes}, start=None)


def test_a_spec_becomes_a_candidate():
    """What is left out has a default, and a start is written as the space is."""
    found = parse_candidate("mine", spec())
    assert found.title == "mine"
    assert found.preparation["scale"] == "none"
    assert found.starts == (("one", {"alpha": 1.0}),)
    assert isinstance(found.starts[0][1]["alpha"], float)


def test_starts_of_a_candidate_come_a_round_apart():
    """Its order is the place of the first, or of the middle of the space."""
    starts = [{"alpha": 1}, {"alpha": 2}]
    found = parse_candidate("mine", spec(order=5, start=starts))
    assert [(place, p["alpha"]) for place, _, p in found.tries()] == [
        (5, 1.0), (105, 2.0),
    ]  # fmt: skip
    bare = parse_candidate("mine", spec(order=5, start=None))
    assert bare.tries() == [(5, "middle of the space", {})]


def test_lists_are_searched():
    """A list in a table of steps is a dimension, and is no longer fixed."""
    found = parse_candidate("mine", spec(preprocess={"scale": ["none", "robust"]}))
    assert [d.name for d in found.space] == ["scale", "alpha"]
    assert "scale" not in found.preparation


REFUSED = {
    "unknown key": (spec(tsks=[]), r"the key 'tsks' is unknown. Did you mean 'tasks'"),
    "no tasks key": (spec(tasks=None), "the key 'tasks' is missing"),
    "no estimator": (spec(estimator=None), "the key 'estimator' is missing"),
    "task is text": (spec(tasks="regression"), "tasks must be a list"),
    "no tasks": (spec(tasks=[]), "tasks must be a list"),
    "task unknown": (spec(tasks=["regresion"]), "Did you mean 'regression'"),
    "task no text": (spec(tasks=[1]), "the task 1 is unknown"),
    "task unclaimed": (
        spec(tasks=["binary"]),
        "'binary', but estimator.classification is missing",
    ),
    "estimator is text": (spec(estimator="x"), "estimator must be a table"),
    "estimator key": (
        spec(estimator={"regresion": "x"}),
        "'estimator.regresion' is unknown",
    ),
    "class no text": (spec(estimator={"regression": 1}), "must be a text. Got 1"),
    "class not allowed": (
        spec(estimator={"regression": "os.path"}),
        r"'os.path' is outside .* allow=\('os',\)",
    ),
    "class in disguise": (
        spec(estimator={"regression": "sklearnish.Ridge"}),
        "is outside scikit-learn",
    ),
    "class missing": (
        spec(estimator={"regression": "sklearn.linear_model.Rigde"}),
        "'sklearn.linear_model.Rigde' is no class",
    ),
    "module missing": (
        spec(estimator={"regression": "sklearn.no_such.Ridge"}),
        "is no class .*no_such",
    ),
    "a function": (
        spec(estimator={"regression": "sklearn.linear_model.ridge_regression"}),
        "is no class",
    ),
    "a transformer that needs arguments": (
        spec(estimator={"regression": "sklearn.multioutput.MultiOutputRegressor"}),
        "is no class that can be made without arguments",
    ),
    "title": (spec(title=3), "title must be a text"),
    "order": (spec(order="first"), "order must be a whole number"),
    "order true": (spec(order=True), "order must be a whole number"),
    "fixed": (spec(fixed=[1]), "fixed must be a table"),
    "fixed unknown": (spec(fixed={"max_itr": 1}), "max_itr.*Did you mean 'max_iter'"),
    "fixed twice": (spec(fixed={"alpha": 1}), "'alpha' stands in two of"),
    "fixed of another task": (
        spec(fixed_by_task={"binary": {"tol": 1e-3}}),
        "'fixed_by_task.binary' is unknown",
    ),
    "fixed of a task": (
        spec(fixed_by_task={"regression": 3}),
        "fixed_by_task.regression must be a table",
    ),
    "fixed of a task unknown": (
        spec(fixed_by_task={"regression": {"max_itr": 1}}),
        "Did you mean 'max_iter'",
    ),
    "fixed of a task twice": (
        spec(fixed_by_task={"regression": {"alpha": 1}}),
        "'alpha' stands in two of",
    ),
    "limits": (spec(limits=3), "limits must be a table"),
    "limits key": (spec(limits={"row": 3}), "'limits.row' is unknown"),
    "limits value": (spec(limits={"rows": "3"}), "limits.rows must be a whole number"),
    "limits low": (spec(limits={"rows": 0}), "limits.rows .* at least 1. Got 0"),
    "resource": (spec(resource="max_iter"), "resource must be a table"),
    "resource key": (
        spec(resource={"param": "max_iter"}),
        "resource.high is missing",
    ),
    "resource least": (
        spec(resource={"param": "max_iter", "high": 0}),
        "resource.high must be a whole number of at least 1",
    ),
    "resource low": (
        spec(resource={"param": "max_iter", "low": 1, "high": 3}),
        "'resource.low' is unknown",
    ),
    "resource early": (
        spec(resource={"param": "tol", "high": 3, "early_stopping": 1}),
        "early_stopping must be true or false",
    ),
    "resource per class": (
        spec(resource={"param": "tol", "high": 3, "per_class": "yes"}),
        "per_class must be true or false",
    ),
    "resource param": (
        spec(resource={"param": "rounds", "high": 3}),
        "rounds' is unknown",
    ),
    "resource searched": (
        spec(resource={"param": "alpha", "high": 3}),
        "'alpha' stands in two of",
    ),
    "preprocess": (spec(preprocess="impute"), "preprocess must be a table"),
    "preprocess key": (
        spec(preprocess={"scaler": "none"}),
        "'preprocess.scaler' is unknown. Did you mean 'scale'",
    ),
    "preprocess value": (
        spec(preprocess={"scale": "standart"}),
        "preprocess.scale = 'standart' is unknown. Did you mean 'standard'",
    ),
    "preprocess none": (spec(preprocess={"scale": []}), "at least one value"),
    "preprocess twice": (
        spec(preprocess={"scale": ["none", "none"]}),
        "lists 'none' twice",
    ),
    "text components": (
        spec(preprocess={"text_components": "32"}),
        "preprocess.text_components must be a whole number of at least 0",
    ),
    "keep": (spec(select={"keep": 0}), "select.keep must be a number above 0"),
    "keep text": (spec(select={"keep": ["all"]}), "select.keep must be a number"),
    "select": (spec(select=["l1"]), "select must be a table"),
    "gaps for univariate": (
        spec(preprocess={"numeric": "passthrough"}, select={"method": "univariate"}),
        "leaves missing values, and select.method = 'univariate' takes none",
    ),
    "gaps for l1, searched": (
        spec(
            preprocess={"numeric": ["impute", "passthrough"]},
            select={"method": ["none", "l1"]},
        ),
        "select.method = 'l1' takes none",
    ),
    "gaps of categories": (
        spec(preprocess={"categorical": "native"}, select={"method": "l1"}),
        "preprocess.categorical = 'native' leaves missing values",
    ),
    "space": (spec(space=[]), "space must be a table"),
    "space of a step": (
        spec(space={"scale": {"dist": "choice", "options": ["none"]}}, start=None),
        r"space.scale is a step .* preprocess.scale",
    ),
    "dimension": (spec(space={"alpha": 1.0}), "space.alpha must be a table"),
    "dimension unknown": (
        spec(space={"alfa": RIDGE["space"]["alpha"]}, start=None),
        "alfa' is unknown. Did you mean 'alpha'",
    ),
    "dist": (alpha(dist="normal"), "space.alpha.dist = 'normal'"),
    "dist no text": (alpha(dist=["int"]), r"space.alpha.dist = \['int'\]"),
    "dimension key": (alpha(step=1), "'space.alpha.step' is unknown"),
    "low is text": (alpha(low="0.1"), "needs numbers low and high. Got '0.1'"),
    "low is true": (alpha(low=True), "needs numbers low and high"),
    "low is infinite": (alpha(high=float("inf")), "needs numbers low and high"),
    "int of floats": (alpha(dist="int"), "needs whole numbers low and high"),
    "low is high": (alpha(low=10.0), "runs from 10.0 to 10.0; low must be below"),
    "log of zero": (alpha(low=0.0), "and above 0 with log"),
    "log is text": (alpha(log="yes"), "log must be true or false"),
    "options none": (
        spec(space={"solver": {"dist": "choice"}}, start=None),
        "space.solver.options must list at least one value",
    ),
    "options text": (
        spec(space={"solver": {"dist": "choice", "options": "auto"}}, start=None),
        "must list at least one value. Got 'auto'",
    ),
    "start": (spec(start={"alpha": 1.0}), r"start must be tables, written \[\[start"),
    "start no table": (spec(start=[1]), "start must be a table"),
    "start name": (spec(start=[{"name": 1}]), "start.name must be a text"),
    "start unknown": (spec(start=[{"beta": 1}]), "'start.beta' is unknown"),
    "start low": (
        spec(start=[{"name": "one", "alpha": 0.01}]),
        "the start 'one' has alpha = 0.01; from 0.1 to 10 was expected",
    ),
    "start text": (
        spec(start=[{"alpha": "1"}]),
        "the start 'start 1' has alpha = '1'; a number was expected",
    ),
    "start option": (
        spec(preprocess={"scale": ["none", "robust"]}, start=[{"scale": "standard"}]),
        r"has scale = 'standard', which is none of \['none', 'robust'\]",
    ),
    "the file": ([], "the file must be a table"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_is_named(case):
    """Whatever is wrong, the error names the file and says what was expected."""
    given, message = REFUSED[case]
    with pytest.raises(AutoMLConfigError, match=message) as caught:
        parse_candidate("mine", given)
    assert "mine.toml: " in str(caught.value)
    assert caught.value.code == "E-candidates"


def test_whole_and_true_are_not_the_same():
    """A start's 1 is not the option true, and 2.0 is no whole number."""
    forest = {
        "tasks": ["regression"],
        "estimator": {"regression": "sklearn.ensemble.RandomForestRegressor"},
        "space": {
            "bootstrap": {"dist": "choice", "options": [False, True]},
            "min_samples_leaf": {"dist": "int", "low": 1, "high": 9},
        },
    }
    parse_candidate("mine", forest | {"start": [{"bootstrap": True}]})
    for wrong in ({"bootstrap": 1}, {"min_samples_leaf": 2.0}):
        with pytest.raises(AutoMLConfigError, match="has"):
            parse_candidate("mine", forest | {"start": [wrong]})


def test_lightgbm_takes_the_names_of_its_library_only():
    """A parameter beyond the constructor is known; a misspelt one is refused."""
    path = folder("pipelines") / "lightgbm.toml"
    shipped = tomllib.loads(path.read_text(encoding="utf-8"))
    parse_candidate("lightgbm", shipped | {"fixed": {"min_gain_to_split": 0.1}})
    with pytest.raises(AutoMLConfigError, match="min_gain_to_splitt"):
        parse_candidate("lightgbm", shipped | {"fixed": {"min_gain_to_splitt": 0.1}})


def test_other_packages_need_consent():
    """A class outside the list is taken if its package is named."""
    outside = spec(estimator={"regression": "tests.test_candidates.Own"})
    with pytest.raises(AutoMLConfigError, match=r"allow=\('tests',\)"):
        parse_candidate("mine", outside)
    found = parse_candidate("mine", outside, allow=("tests",))
    assert found.estimator_class("regression").__name__ == "Own"


class Own:
    """An estimator of somebody's own."""

    def get_params(self):
        """Return its parameters."""
        return {"alpha": 1.0}


def test_the_advice_of_the_refusal_works(tmp_path):
    """What comes of a file with consent is taken as candidates, also by name."""
    (tmp_path / "mine.toml").write_text(
        "tasks = ['regression']\nestimator.regression = 'tests.test_candidates.Own'\n"
    )
    with pytest.raises(AutoMLConfigError, match=r"allow=\('tests',\)"):
        load_candidates(tmp_path)
    found = load_candidates(tmp_path, allow="tests")
    assert load_candidates(tmp_path, allow=("tests",)) == found
    assert load_candidates(found) == found
    with pytest.raises(AutoMLConfigError, match="leaves nothing to search"):
        load_candidates({})


def test_all_shipped_candidates_come_in_order():
    """``auto`` gives every shipped file once, by the order of first tries.

    Left out are those whose library is not installed.
    """
    found = load_candidates()
    shipped = {path.stem for path in folder("pipelines").glob("*.toml")}
    absent = {name for name in ("catboost", "xgboost") if not is_installed(name)}
    assert shipped - absent == set(found)
    orders = [(c.order, c.name) for c in found.values()]
    assert sorted(orders) == orders


@pytest.fixture
def own(tmp_path):
    """A folder with one file of somebody's own."""
    text = (folder("pipelines") / "ridge.toml").read_text(encoding="utf-8")
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("how", ["folder", "file", "text", "both", "object"])
def test_candidates_come_from_anywhere(how, own):
    """Folders, files, names and objects are taken, alone or in a list."""
    wanted = {
        "folder": own,
        "file": own / "mine.toml",
        "text": str(own),
        "both": [own, "ridge"],
        "object": parse_candidate("mine", spec()),
    }[how]
    assert "mine" in load_candidates(wanted)


def test_the_later_of_two_with_one_name_counts(own):
    """A file of one's own replaces the shipped one of its name."""
    (own / "mine.toml").rename(own / "lightgbm.toml")
    assert load_candidates(["auto", own])["lightgbm"].tasks == ("regression",)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ([], "leaves nothing to search"),
        (None, "candidates=None: a name"),
        (7, "candidates=7: a name"),
        ([7], "The candidate 7 is unknown"),
        ("lightgmb", "Did you mean 'lightgbm'"),
        ("no/such.toml", "'no/such.toml' is unknown"),
    ],
    ids=str,
)
def test_unknown_candidates_are_refused(wanted, message):
    """What is no candidate is named, with those that are."""
    with pytest.raises(AutoMLConfigError, match=message):
        load_candidates(wanted)


@pytest.mark.parametrize("content", [b"tasks = [", b"\xff\xfe"], ids=["torn", "binary"])
def test_what_is_no_toml_is_refused(content, tmp_path):
    """A file that cannot be read is named."""
    (tmp_path / "mine.toml").write_bytes(content)
    with pytest.raises(AutoMLConfigError, match=r"mine.toml cannot be read as TOML"):
        load_candidates(tmp_path)


def test_an_empty_folder_is_refused(tmp_path):
    """A folder without a spec is no choice."""
    with pytest.raises(AutoMLConfigError, match=r"holds no .toml file"):
        load_candidates(tmp_path)


def test_parameters_of_a_task_are_fixed_for_that_task_alone():
    """They stand over those of all tasks."""
    found = parse_candidate(
        "mine", spec(fixed={"tol": 0.1}, fixed_by_task={"regression": {"tol": 0.2}})
    )
    assert found.fixed_for("regression") == {"tol": 0.2}
    assert found.fixed_for("binary") == {"tol": 0.1}
