"""What is spared where tests look at something else."""

import pytest


def without_explanation(patch):
    """Let fits end with their model: without importance, canary and checks."""
    bare = {"checks": (), "weak_slices": None}
    patch.setattr("automl.run.scrutinise", lambda *_, **__: bare)
    patch.setattr("automl.finish.Finish._explain", lambda _: None)


@pytest.fixture
def unexplained(monkeypatch):
    """Let the fits of one test end with their model."""
    without_explanation(monkeypatch)


@pytest.fixture(scope="module")
def all_unexplained():
    """Let all fits of a file do so, those of its fixtures as well."""
    with pytest.MonkeyPatch.context() as patch:
        without_explanation(patch)
        yield
