"""What is spared where tests look at something else."""

import pytest


@pytest.fixture
def unexplained(monkeypatch):
    """Let fits end with their model: without importance, canary and checks."""
    bare = {"checks": (), "weak_slices": None}
    monkeypatch.setattr("automl.run.scrutinise", lambda *_, **__: bare)
    monkeypatch.setattr("automl.finish.Finish._explain", lambda _: None)
