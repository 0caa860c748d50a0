"""Classes and columns that ask for a word."""

import numpy as np
import pytest

from tests.checks.check_kit import classes, evidence_of, found_by, shuffled


@pytest.mark.parametrize(
    ("share", "metric", "status"),
    [(0.6, "roc_auc", "pass"), (0.9, "roc_auc", "note"), (0.9, "accuracy", "warn")],
)
def test_a_class_that_outweighs_the_others_is_told(share, metric, status):
    """It is worse under a metric that hardly counts the others."""
    X, _ = shuffled(200)
    y = (np.arange(200) >= 200 * share).astype(int)
    assert found_by("AML015", evidence_of(X, y, metric=metric)).status == status


@pytest.mark.parametrize(
    ("metric", "advised"),
    [("roc_auc", True), ("average_precision", False), ("balanced_accuracy", False)],
)
def test_a_metric_that_counts_rare_classes_is_advised_where_none_is_used(
    metric, advised
):
    """Whoever uses one already is told of the balance only."""
    X, _ = shuffled(200)
    found = found_by("AML015", evidence_of(X, np.arange(200) >= 194, metric=metric))
    assert (found.status, bool(found.action)) == ("note", advised)


def test_a_class_of_few_rows_is_warned_of():
    """Nine rows are too few to learn and score, ten are not."""
    X, _ = shuffled(200)
    y = np.repeat(["a", "b", "c"], [100, 91, 9])
    found = found_by("AML016", evidence_of(X, y))
    assert found.status == "warn"
    assert "the rarest 9" in found.evidence
    y = np.repeat(["a", "b", "c"], [100, 90, 10])
    assert found_by("AML016", evidence_of(X, y)).status == "pass"


def test_columns_of_no_use_are_named():
    """Constant ones, copies, and those without importance where they are many."""
    X, y = classes(0)
    found = found_by("AML018", evidence_of(X.assign(one=1, twin=X["x0"]), y))
    assert (found.status, found.columns) == ("note", ("one", "twin"))
    drops = {
        f"f{i}": [0.0, 0.01, -0.01] if i < 6 else [0.1, 0.1, 0.1] for i in range(8)
    }
    idle = found_by("AML018", evidence_of(X, y, explained={"drops": drops}))
    assert idle.columns == tuple(f"x{i}" for i in range(6))
    assert found_by("AML018", evidence_of(X, y)).status == "pass"


@pytest.mark.parametrize(
    ("share", "status"), [(0.3, "pass"), (0.7, "note"), (0.97, "warn")]
)
def test_columns_that_are_mostly_missing_are_told(share, status):
    """Half of the cells is worth a word, nearly all of them a doubt."""
    X, y = classes(0)
    X["x0"] = X["x0"].where(np.arange(len(X)) >= share * len(X))
    assert found_by("AML019", evidence_of(X, y)).status == status
