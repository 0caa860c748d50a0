"""What is spared where tests look at something else."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def _least_canary():
    """Shuffle the canary's targets as often as says something, and no more.

    A hundred shuffles are a third of a fit of sixty rows.
    """
    from automl import canary

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(canary, "SHUFFLES", canary.LEAST_SHUFFLES)
        yield


@pytest.fixture
def unexplained(monkeypatch):
    """Let fits end with their model: without importance, canary and checks."""
    bare = {"checks": (), "weak_slices": None}
    monkeypatch.setattr("automl.run.scrutinise", lambda *_, **__: bare)
    monkeypatch.setattr("automl.finish.Finish._explain", lambda _: None)
