"""What is spared where tests look at something else."""

import os

import pytest

from automl import effort

UNTIMED_S = 0.2
"""Seconds' worth of drawings in runs of trials: every such run with an ensemble has
them, and few tests look at what they say."""


@pytest.fixture(scope="session", autouse=True)
def brisk():
    """Wait for no disk, and repeat selections less often; see `all_drawings`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        patch.setattr(effort, "UNTIMED_S", UNTIMED_S)
        yield


@pytest.fixture(scope="module")
def all_drawings():
    """Let runs of trials repeat the selection as often as a user's do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(effort, "UNTIMED_S", 1.0)
        yield


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


@pytest.fixture
def closed_journals():
    """Close the journals of a test's searches at its end."""
    from tests.search_kit import OPEN

    yield
    while OPEN:
        OPEN.pop().__exit__()
