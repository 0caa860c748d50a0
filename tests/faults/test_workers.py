"""W01–W16, W24: whatever a worker dies of, nothing that it finished is lost.

Real processes and real signals; what workers did is read from a file that they wrote.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import replace

import psutil
import pytest
from sklearn.datasets import load_breast_cancer

from automl import AutoML
from tests.faults.chaos import PoisonMetric, bad, finished, light
from tests.faults.kit import wait_for, within

QUICK = {"n_jobs": 2, "cv": 3, "random_state": 0, "verbose": 0}

DEATHS = {
    "W01": ("sigkill", "SIGKILL"),
    "W02": ("sigterm", "SIGTERM"),
    "W03": ("sigsegv", "SIGSEGV"),
    "W04": ("sigabrt", "SIGABRT"),
    "W05": ("sigbus", "SIGBUS"),
    "W06": ("os_exit", "0"),
}
"""How a worker dies, and what the reason must name."""


@pytest.fixture(scope="module")
def cancer():
    """Return a table of 569 rows and two classes."""
    return load_breast_cancer(return_X_y=True, as_frame=True)


def fit(cancer, candidates, **options):
    """Return a model of six configurations, or of what the options say."""
    given = {"n_trials": 6, **QUICK, **options}
    return AutoML(candidates=candidates, **given).fit(*cancer)


def of(model, name):
    """Return the trials of one candidate."""
    return [t for t in model.trials_ if t.candidate == name]


def lost(model, log):
    """Return how many folds were predicted by a worker and are not in the history."""
    done = Counter(smooth for smooth, _ in set(finished(log)))
    kept = {
        t.params["smooth"]: sum(f.status == "ok" for f in t.folds)
        for t in of(model, "light")
    }
    return sum(max(0, n - kept.get(smooth, 0)) for smooth, n in done.items())


def children():
    """Return the processes that tests of this module must not leave behind."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            command = " ".join(process.cmdline())
            gone = process.status() == psutil.STATUS_ZOMBIE
        except psutil.Error:
            continue
        if not gone and "resource_tracker" not in command:
            found.append(process)
    return found


@pytest.fixture(autouse=True)
def no_orphans():
    """Hold for every test: five seconds after a fit no process of it is left."""
    before = {p.pid for p in children()}
    yield
    assert wait_for(lambda: {p.pid for p in children()} <= before, 5), children()


@pytest.mark.parametrize(
    "fault",
    ["W01", *(pytest.param(f, marks=pytest.mark.slow) for f in list(DEATHS)[1:])],
)
def test_a_configuration_that_kills_its_worker_is_a_crash(cancer, tmp_path, fault):
    """It ends as ``crash`` with the signal named; all others end as if alone."""
    act, named = DEATHS[fault]
    log = tmp_path / "log"
    model = fit(cancer, [light(log=str(log)), bad(act, name="bad")])
    (trial,) = of(model, "bad")
    assert trial.status == "crash"
    assert named in trial.reason
    others = of(model, "light")
    assert len(others) == 5
    assert {t.status for t in others} <= {"ok", "raced"}
    assert lost(model, log) == 0
    assert model.best_candidate_ == "light"
    assert model.score(*cancer) > 0.9


@pytest.mark.parametrize(
    ("fault", "act", "named"),
    [
        ("W07", "sys_exit", "SystemExit"),
        pytest.param("W08", "base_exception", "ChaosExit", marks=pytest.mark.slow),
        pytest.param("C06", "raise", "ValueError", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_exception_of_any_kind_is_an_error(cancer, fault, act, named, n_jobs):
    """SystemExit and bare BaseException end a trial as ``error``, not the process."""
    model = fit(cancer, [light(), bad(act, here=True)], n_jobs=n_jobs)
    (trial,) = of(model, "bad")
    assert (trial.status, fault) == ("error", fault)
    assert named in trial.reason
    assert {t.status for t in of(model, "light")} <= {"ok", "raced"}
    assert not model.interrupted_


@pytest.mark.slow
@pytest.mark.parametrize("act", ["sigkill", "sigsegv", "os_exit"])
@pytest.mark.parametrize("where", ["fit", "predict"])
def test_a_worker_that_dies_once_costs_nothing(cancer, tmp_path, act, where):
    """A configuration whose worker died beside it, or once, is run again and is ok."""
    once, log = tmp_path / "once", tmp_path / "log"
    unlucky = bad(act, name="unlucky", where=where, once=str(once))
    model = fit(cancer, [light(log=str(log)), unlucky])
    assert once.exists()
    (trial,) = of(model, "unlucky")
    assert trial.status in ("ok", "raced")
    assert {t.status for t in of(model, "light")} <= {"ok", "raced"}
    assert lost(model, log) == 0


@pytest.mark.slow
def test_a_dead_worker_leaves_the_history_as_it_would_have_been(cancer, tmp_path):
    """With a budget in trials, a run that lost workers ends like one that did not."""
    calm = fit(
        cancer, [light(), bad("nothing", name="other", once=str(tmp_path / "a"))]
    )
    wild = fit(
        cancer, [light(), bad("sigkill", name="other", once=str(tmp_path / "b"))]
    )
    assert (tmp_path / "b").exists()
    for one, two in zip(calm.trials_, wild.trials_, strict=True):
        assert (one.params, one.scores, one.status) == (
            two.params,
            two.scores,
            two.status,
        )
    assert (
        calm.predict_proba(cancer[0]).tobytes()
        == wild.predict_proba(cancer[0]).tobytes()
    )


@pytest.mark.slow
@pytest.mark.parametrize("act", ["sigkill", "sigterm", "sigsegv", "os_exit"])
def test_w09_a_worker_dies_while_it_unpickles_a_task(cancer, tmp_path, act):
    """W09: the first task of a worker kills it once; nothing else comes of it."""
    once = tmp_path / "once"
    model = fit(cancer, [light()], metric=PoisonMetric(act, str(once)))
    assert once.exists()
    assert {t.status for t in of(model, "light")} <= {"ok", "raced"}
    assert model.best_candidate_ == "light"


@pytest.mark.slow
@pytest.mark.parametrize("act", ["sigkill", "sigterm", "sigsegv", "os_exit", "raise"])
def test_w10_a_worker_dies_while_it_pickles_a_result(cancer, tmp_path, act):
    """W10: the refit's model kills its worker when it is handed over, once."""
    once = tmp_path / "once"
    fixed = {"act": act, "where": "pickle", "rows": 569, "once": str(once)}
    model = fit(cancer, [light(**fixed)])
    assert once.exists()
    assert model.best_candidate_ == "light"
    assert model.score(*cancer) > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("act", ["sigkill", "raise"])
def test_w10_a_model_that_never_pickles_gives_way_to_the_next(cancer, act):
    """W10: where the winner can never be handed over, another one predicts.

    Without `deploy="refit"` the models of its folds would.
    """
    proud = bad(act, name="proud", order=2, where="pickle", rows=569, smooth=1e-9)
    dull = replace(light("dull"), space=(), fixed={"smooth": 1.0})
    model = fit(cancer, [dull, proud], n_trials=2, deploy="refit")
    assert len(of(model, "proud")) == 1
    assert model.best_candidate_ == "dull"
    assert any("could not be fitted" in note for note in model.notes_)


@pytest.mark.slow
def test_w10_a_result_that_hangs_while_it_is_pickled_is_ended(cancer):
    """W10: a refit that never gets out of its worker ends with the budget."""
    began = time.monotonic()
    proud = light(act="hang", where="pickle", rows=569)
    model = fit(cancer, [proud], n_trials=3, time_budget_s=15.0)
    assert time.monotonic() - began < within(15 * 1.1 + 2)
    assert model.predict(cancer[0]).shape == (569,)


@pytest.mark.slow
def test_w12_a_worker_dies_at_import(cancer, tmp_path, monkeypatch):
    """W12: a learner whose module ends the process on import is a crash."""
    (tmp_path / "chaos_import.py").write_text(
        "import os\n"
        "from multiprocessing import current_process\n"
        "from sklearn.naive_bayes import GaussianNB as Bayes\n"
        "if current_process().name.startswith('Loky'):\n"
        "    os._exit(7)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    path = {"classification": "chaos_import.Bayes"}
    fatal = replace(bad("nothing"), estimators=path, fixed={})
    model = fit(cancer, [light(), fatal])
    (trial,) = of(model, "bad")
    assert trial.status == "crash"
    assert "7" in trial.reason
    assert model.best_candidate_ == "light"


@pytest.mark.slow
@pytest.mark.parametrize("budget", [{"n_trials": 40}, {"time_budget_s": 60.0}])
def test_w13_every_worker_dies_on_every_trial(cancer, budget):
    """W13: after ten crashes in a row the search ends, says why, and has a model."""
    began = time.monotonic()
    given = {"n_trials": None, **budget}
    model = fit(cancer, [light(act="sigkill", where="fit")], **given)
    crashes = [t for t in model.trials_ if t.status == "crash"]
    assert 1 <= len(crashes) <= 10
    assert time.monotonic() - began < 120  # ten pools are started
    assert any("in a row" in note for note in model.notes_)
    assert model.predict(cancer[0]).shape == (569,)


@pytest.mark.slow
def test_w13_no_worker_can_even_read_its_task(cancer):
    """W13: a metric that kills every worker as it is read ends in the same way."""
    began = time.monotonic()
    model = fit(cancer, [light()], metric=PoisonMetric("sigkill"), n_trials=40)
    assert time.monotonic() - began < 120
    assert any("in a row" in note for note in model.notes_)
    assert model.predict(cancer[0]).shape == (569,)


@pytest.mark.slow  # tests/test_runner.py has a smaller one
@pytest.mark.parametrize(
    "act",
    ["hang", "sleep", "stubborn", "sigstop"],
    ids=["W14-holds-the-interpreter", "W14-sleeps", "W15-stubborn", "W16-stopped"],
)
def test_what_never_ends_is_ended_at_its_limit(cancer, tmp_path, act):
    """W14–W16: it is a timeout at its limit, nothing of it survives, all else goes on.

    The fixture counts the survivors, grandchildren included.
    """
    began = time.monotonic()
    log = tmp_path / "log"
    model = fit(cancer, [light(log=str(log)), bad(act)], trial_time_limit_s=2.0)
    seconds = time.monotonic() - began
    (trial,) = of(model, "bad")
    assert trial.status == "timeout"
    assert {t.status for t in of(model, "light")} <= {"ok", "raced"}
    assert lost(model, log) == 0
    assert seconds < within(25)  # 2 s, 2.5 s to be ended, start and end of two pools


@pytest.mark.slow
def test_w14_a_hang_is_ended_at_its_deadline_plus_two_and_a_half(cancer, tmp_path):
    """W14: the hanging process is gone 2.5 s after its limit, seen from outside."""
    mark, limit_s = tmp_path / "mark", 8.0  # of three folds together
    lived = []

    def watch():
        wait_for(lambda: mark.exists() and mark.read_text(), 60)
        began, process = time.monotonic(), psutil.Process(int(mark.read_text()))
        wait_for(lambda: not process.is_running(), 60)
        lived.append(time.monotonic() - began)

    watcher = threading.Thread(target=watch)
    watcher.start()
    model = fit(
        cancer, [light(pause_s=0.3), bad("hang", once=str(mark))],
        trial_time_limit_s=limit_s,
    )  # fmt: skip
    watcher.join()
    assert {t.status for t in of(model, "light")} <= {"ok", "raced"}
    assert limit_s / 3 - 0.5 < lived[0] < limit_s / 3 + 2.5


@pytest.mark.slow
def test_w14_a_hang_in_the_refit_leaves_the_next_best(cancer):
    """W14: where the winner's fit on all rows hangs, there is a model in time."""
    began = time.monotonic()
    model = fit(
        cancer, [light(act="hang", rows=569)], n_trials=None, time_budget_s=12.0
    )
    assert time.monotonic() - began < within(12 * 1.1 + 2)
    assert model.predict(cancer[0]).shape == (569,)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:A worker stopped:UserWarning")  # joblib's guard
def test_w24_a_worker_that_leaks_is_replaced(cancer):
    """W24: 50 MB that each fit leaks do not add up over a run of 24 fits and more."""
    peak = [0.0]

    def look(_snapshot):
        sizes = []
        for process in children():
            try:
                sizes.append(process.memory_info().rss / 2**20)
            except psutil.Error:
                continue
        peak[0] = max([peak[0], *sizes])

    fit(cancer, [light(act="leak")], n_trials=24, callback=look)
    assert 100 < peak[0] < 1000  # 72 fits of 50 MB in two workers would be 1,800 each
