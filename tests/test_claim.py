"""Where no processes can be had, a run is planned for one, and says so."""

from __future__ import annotations

import pytest

from automl import AutoML
from automl.budget import Budget
from automl.claim import NONE_HERE, POOL, TAKEN, Claim
from automl.exceptions import AutoMLDataError, AutoMLWarning
from automl.problem import make_problem
from automl.runner import Runner
from automl.settings import useful
from tests.faults.bad_kit import Y, table

GIVEN = {"candidates": ["logistic"], "random_state": 0, "verbose": 0}


def fit(**options):
    """Return a fit of one configuration."""
    return AutoML(n_trials=1, **GIVEN, **options).fit(table(), Y)


@pytest.fixture
def taken():
    """Hold the pool, as a fit of another thread does."""
    with POOL:
        yield


@pytest.mark.usefixtures("taken")
def test_a_fit_beside_another_is_planned_for_one_process(monkeypatch):
    """Folds, report and notes are those of a run in one process."""
    planned = []

    def spy(X, y, settings, n_workers, **rest):
        planned.append(n_workers)
        return make_problem(X, y, settings, n_workers, **rest)

    monkeypatch.setattr("automl.run.make_problem", spy)
    with pytest.warns(AutoMLWarning, match="Another fit") as seen:
        model = fit(n_jobs=2)
    assert planned == [1]
    assert model.facts_["environment"]["cores used"] == "1"
    assert "memory, highest seen" not in model.facts_["run"]["limits"]
    assert TAKEN in model.notes_
    assert [w.filename for w in seen] == [__file__]
    assert POOL.locked()  # the other one has it still


def test_a_daemon_has_one_process(monkeypatch):
    """Where joblib would start no process the claim is for this one."""
    monkeypatch.setattr("automl.claim._must_run_here", lambda _: True)
    with pytest.warns(AutoMLWarning, match="No worker"):
        claim = Claim(8).take()
    assert (claim.n_workers, claim.notes) == (1, (NONE_HERE,))
    assert not POOL.locked()


def test_without_a_clock_no_more_processes_are_used_than_tasks_are_out(monkeypatch):
    """The others would only wait; the run is planned for those, and says so."""
    monkeypatch.setattr("automl.settings.LOOK_AHEAD", 2)
    model = fit(n_jobs=3)
    assert model.facts_["environment"]["cores used"] == "2"
    assert any(note.startswith("2 of 3 processes are used") for note in model.notes_)
    assert useful(3, Budget(60.0, 5, 0.0)) == (3, ())


def test_the_pool_is_free_after_a_run_that_was_refused():
    """An error before the search leaves the pool to the next run."""
    with pytest.raises(AutoMLDataError):
        AutoML(n_trials=1, n_jobs=2, **GIVEN).fit(table(), Y[:-1])
    assert not POOL.locked()


def test_a_runner_of_one_process_leaves_the_pool_to_others(tmp_path):
    """Where there is memory for one process only, the pool is not used."""
    with Claim(2) as claim, Runner(1, tmp_path, claim=claim) as runner:
        assert not runner.parallel
        assert not POOL.locked()
    assert not POOL.locked()
