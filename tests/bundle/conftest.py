"""A fitted pipeline and its bundle."""

import shutil

import pytest

from automl.bundle import save_bundle
from automl.bundle.schema import describe_table
from automl.table import make_table
from tests.bundle.kit import INFO, linear_pipeline, passengers


@pytest.fixture(scope="module")
def fitted():
    """Fitted pipeline of a binary task with its table."""
    frame, y = passengers()
    table = make_table(frame, y)
    return linear_pipeline(table).fit(frame, y), table


@pytest.fixture(scope="module")
def saved(fitted, tmp_path_factory):
    """Bundle that tests read only."""
    return save_bundle(
        tmp_path_factory.mktemp("bundles") / "model",
        fitted[0],
        describe_table(fitted[1]),
        INFO,
    )


@pytest.fixture
def bundle(saved, tmp_path):
    """Copy of the bundle that a test may damage."""
    return shutil.copytree(saved, tmp_path / "copy")
