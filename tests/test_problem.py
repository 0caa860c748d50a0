"""What a run works on: who is tried on a table, and which rows belong together."""

from dataclasses import replace

import numpy as np

from automl.candidates import parse_candidate
from automl.problem import make_problem
from automl.scored import units_of_time
from tests.appraisal_kit import settings_of
from tests.test_candidates import spec


def test_limits_say_what_it_is_tried_on():
    """A candidate is tried on its tasks, up to its limits."""
    found = parse_candidate("mine", spec(limits={"rows": 100, "columns": 5}))
    assert not found.misfit("regression", 100, 5, 0)
    assert found.misfit("regression", 101, 5, 0) == "for at most 100 rows"
    both = "for at most 100 rows and 5 columns"
    assert found.misfit("regression", 101, 6, 0) == both
    assert found.misfit("binary", 100, 5, 2) == "for regression"


def test_who_is_not_tried_is_told():
    """What was named and does not suit, and of all else what the size leaves out."""
    small = parse_candidate("small", spec(limits={"rows": 50}))
    estimators = small.estimators | {
        "classification": "sklearn.linear_model.SGDClassifier"
    }
    classes = replace(
        small, name="classes", tasks=("binary",), estimators=estimators, limits={}
    )
    rows = np.random.default_rng(0).normal(size=(60, 2))

    def notes_of(candidates):
        settings = replace(settings_of("auto", 3), candidates=candidates)
        return make_problem(rows, rows[:, 0] + rows[:, 1], settings, 1).notes

    named = notes_of([small, classes, "lightgbm"])
    assert "Not tried: small (for at most 50 rows)." in named
    assert "Not tried: classes (for binary)." in named
    assert not any("Not tried" in note for note in notes_of("auto"))
    rows = np.random.default_rng(0).normal(size=(5_001, 2))
    assert "Not tried: svm (for at most 5,000 rows)." in notes_of("auto")


def test_folds_of_a_run_in_time_keep_blocks_together_though_rows_repeat():
    """Labels inside a fold are then chosen across blocks, as they are drawn."""
    X = np.repeat(np.random.default_rng(0).normal(size=(30, 4)), 4, axis=0)
    settings = replace(settings_of("f1", 3), candidates=["logistic"])
    y = np.tile([0, 1, 1, 0], 30)
    problem = make_problem(X, y, settings, 1, time=np.arange(120))
    assert problem.table.copies is not None
    assert problem.folds.unit.tolist() == units_of_time(np.arange(120)).tolist()
