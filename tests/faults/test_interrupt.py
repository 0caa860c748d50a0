"""W17–W19: Ctrl-C, a polite end, and an end without notice."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

import automl
from automl.journal import read_journal
from tests.faults.kit import ROOT, start, wait_for, within

BANK = ROOT / "examples" / "data" / "bank.csv"

FIT = """
import json, os, signal, sys, threading, time
from sklearn.datasets import load_breast_cancer
from automl import AutoML
from tests.faults.chaos import bad, light

X, y = load_breast_cancer(return_X_y=True, as_frame=True)

def show(seen):
    print("phase", seen.phase, seen.n_finished, time.monotonic(), flush=True)

sent = []

def report(seen):
    show(seen)
    if seen.phase == "report" and not sent:
        sent.append(time.monotonic())
        wait = {wait}
        if wait is None:
            signal.raise_signal(signal.SIGINT)
        else:
            threading.Timer(wait, os.kill, (os.getpid(), signal.SIGINT)).start()

model = AutoML(
    candidates={candidates}, cv=3, random_state=0, verbose=0, callback={callback},
    run_dir="run", **{options}
)
try:
    model.fit(X, y)
except KeyboardInterrupt:
    print("end", json.dumps(dict(raised=True, at=time.monotonic())), flush=True)
    sys.exit(3)
print("end", json.dumps(dict(
    raised=False, at=time.monotonic(), interrupted=model.interrupted_,
    rows=len(model.predict(X)), best=model.best_candidate_, sent=sent,
    score=model.score(X, y), report=len(model.report("report.html").read_text()),
)), flush=True)
"""


def script(tmp_path, candidates, options, callback="show", wait=None):
    """Start a fit of the breast cancer table that tells its phases."""
    code = FIT.format(
        candidates=candidates, options=options, callback=callback, wait=wait
    )
    return start(code, tmp_path)


def ended(run):
    """Return what the script said at its end, which must have left nothing."""
    said = json.loads(run.until("end ").removeprefix("end "))
    run.end(20)
    assert wait_for(lambda: not run.alive(), 5), run.alive()
    assert run.leftovers() == []
    _, damaged = read_journal(run.temp / "run" / "journal.jsonl")
    assert damaged == 0
    return said


def until_finished(run, least):
    """Wait until so many configurations have finished: one line may tell of several."""
    n_finished = 0
    while n_finished < least:
        n_finished = int(run.until("phase trial ").split()[2])


def interrupt(run, number=signal.SIGINT):
    """Send a signal to the script alone, as `kill` does, and return when."""
    now = time.monotonic()
    run.process.send_signal(number)
    return now


MANY = {"n_trials": 500, "time_budget_s": None}
SLOW = "[light(pause_s=0.2)]"


@pytest.mark.parametrize(
    ("n_jobs", "budget"),
    [
        (2, {"n_trials": 500}),
        pytest.param(1, {"n_trials": 500}, marks=pytest.mark.slow),
        pytest.param(2, {"time_budget_s": 60.0}, marks=pytest.mark.slow),
        pytest.param(1, {"time_budget_s": 60.0}, marks=pytest.mark.slow),
    ],
)
def test_w18_once_during_the_search(tmp_path, n_jobs, budget):
    """W18: the best model so far comes back in five seconds, and nothing is left."""
    run = script(tmp_path, SLOW, {**budget, "n_jobs": n_jobs})
    until_finished(run, 3)
    sent = interrupt(run)
    said = ended(run)
    assert said["interrupted"]
    assert said["at"] - sent < within(5)
    assert said["best"] == "light"
    assert said["score"] > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_w18_once_before_anything_finished(tmp_path, n_jobs):
    """W18: there is a model even if no configuration has finished."""
    run = script(tmp_path, "[light(pause_s=30.0)]", {**MANY, "n_jobs": n_jobs})
    run.until("phase search 0")
    time.sleep(1.0)
    sent = interrupt(run)
    said = ended(run)
    assert said["interrupted"]
    assert said["at"] - sent < within(5)
    assert said["rows"] == 569


@pytest.mark.slow
@pytest.mark.parametrize("act", ["hang", "sleep", "stubborn"])
def test_w18_once_while_workers_hang(tmp_path, act):
    """W18: what hangs in the workers does not hold up the model, and is ended."""
    candidates = f"[light(), bad({act!r}), bad({act!r}, name='worse')]"
    run = script(tmp_path, candidates, {"time_budget_s": 60.0, "n_jobs": 2})
    run.until("phase search 1")
    time.sleep(3.0)
    sent = interrupt(run)
    said = ended(run)
    assert said["interrupted"]
    assert said["at"] - sent < within(5)
    assert said["best"] == "light"


@pytest.mark.parametrize(
    ("n_jobs", "act"),
    [
        pytest.param(1, "nothing", marks=pytest.mark.slow),
        pytest.param(2, "nothing", marks=pytest.mark.slow),
        pytest.param(1, "sleep", marks=pytest.mark.slow),
        pytest.param(2, "sleep", marks=pytest.mark.slow),
    ],
)
def test_w18_once_during_the_refit(tmp_path, n_jobs, act):
    """W18: a refit that ends in time is kept, for another the models of folds are."""
    pause = "" if act == "sleep" else ", pause_s=0.3"
    candidates = f"[light(act={act!r}, rows=569, here=True{pause})]"
    run = script(tmp_path, candidates, {"n_trials": 3, "n_jobs": n_jobs})
    run.until("phase refit")
    time.sleep(0.1 if act == "nothing" else 1.0)
    sent = interrupt(run)
    said = ended(run)
    assert said["at"] - sent < within(5)
    assert said["interrupted"]
    assert said["rows"] == 569
    assert said["best"] == "light"
    assert said["score"] > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("wait", [None, 0.005, 0.03, 0.1, 0.15])
def test_w18_once_during_the_report(tmp_path, wait):
    """W18: whenever it comes while the facts are gathered, there is a whole model."""
    options = {"n_trials": 3, "n_jobs": 2}
    run = script(tmp_path, "[light()]", options, callback="report", wait=wait)
    said = ended(run)
    if said["raised"]:  # it came after `fit` had returned: the caller's own
        pytest.skip("fit was faster")
    assert said["at"] - said["sent"][0] < within(5)
    assert said["best"] == "light"
    if wait is None:
        assert said["interrupted"]


@pytest.mark.slow
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_w18_twice(tmp_path, n_jobs):
    """W18: the second ends it at once, by KeyboardInterrupt, with a whole journal."""
    candidates = "[light(act='sleep', rows=569, here=True, pause_s=0.1)]"
    run = script(tmp_path, candidates, {**MANY, "n_jobs": n_jobs})
    until_finished(run, 2)
    interrupt(run)
    time.sleep(1.0)
    sent = interrupt(run)
    said = ended(run)
    assert said["raised"]
    assert said["at"] - sent < within(2)


def command(tmp_path, *more):
    """Start the command on the bank table and wait until a model has been scored."""
    out = tmp_path / "out"
    run = start(
        "",
        tmp_path,
        arguments=("-m", "automl", "fit", str(BANK), "--target", "y", "--out",
                   str(out), "--time-budget", "120", "--jobs", "2", *more),
    )  # fmt: skip
    journal = out / "journal.jsonl"
    assert wait_for(
        lambda: journal.exists() and b'"status":"ok"' in journal.read_bytes()
        and b'"event":"end"' in journal.read_bytes(), 60,
    ), run.errors()  # fmt: skip
    return run, out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)],
)
def test_w19_the_command_is_asked_to_end(tmp_path, number, code):
    """W19: it writes the best model so far and its report, and says so by its code."""
    run, out = command(tmp_path)
    sent = interrupt(run, number)
    run.end(30)
    # five for the fit; the report is written, too
    assert time.monotonic() - sent < within(8)
    assert run.process.returncode == code, run.errors()
    assert wait_for(lambda: not run.alive(), 5), run.alive()
    assert run.leftovers() == []
    assert (out / "report.html").stat().st_size > 10_000
    model = automl.load(out / "model")
    assert set(model.classes_) == {"no", "yes"}
    events, damaged = read_journal(out / "journal.jsonl")
    assert damaged == 0
    assert events[-1]["event"] == "finish"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_w19_asked_twice_it_ends_at_once(tmp_path, number):
    """W19: the second signal is obeyed at once, whatever there is by then."""
    run, out = command(tmp_path)
    interrupt(run, number)
    time.sleep(0.3)
    sent = interrupt(run, number)
    run.end(30)
    assert time.monotonic() - sent < within(4)
    assert run.process.returncode == 128 + number, run.errors()
    assert wait_for(lambda: not run.alive(), 5), run.alive()
    assert read_journal(out / "journal.jsonl")[1] == 0


@pytest.mark.slow
def test_w19_a_terminal_sends_its_signal_to_the_workers_too(tmp_path):
    """W18: Ctrl-C reaches the workers as well, and the model comes all the same."""
    run = script(tmp_path, SLOW, {"n_trials": 500, "n_jobs": 2})
    until_finished(run, 3)
    sent = time.monotonic()
    os.killpg(run.process.pid, signal.SIGINT)
    said = ended(run)
    assert said["interrupted"]
    assert said["at"] - sent < within(5)
    assert said["score"] > 0.9
    assert "Traceback" not in run.errors()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("act", "seconds"), [("nothing", 5), ("sleep", 5), ("hang", 15)]
)
def test_w17_the_parent_is_killed(tmp_path, act, seconds):
    """W17: workers are gone in five seconds; one that hangs, at its own deadline.

    The journal stays whole, and the next run cleans up what the first could not.
    """
    candidates = f"[light(pause_s=0.2), bad({act!r})]"
    options = {"time_budget_s": 60.0, "n_jobs": 2, "trial_time_limit_s": 8.0}
    run = script(tmp_path, candidates, options)
    until_finished(run, 2)
    time.sleep(1.0)
    # a pool whose worker was ended at its limit is made anew
    assert wait_for(lambda: len(run.workers()) == 2, 10)
    run.kill()
    assert wait_for(lambda: not run.alive(), seconds), run.alive()
    events, damaged = read_journal(tmp_path / "run" / "journal.jsonl")
    assert damaged == 0
    assert sum(e["event"] == "fold" and e["status"] == "ok" for e in events) >= 3
    (tmp_path / "run").rename(tmp_path / "first")
    again = script(tmp_path, "[light()]", {"n_trials": 2, "n_jobs": 1})
    ended(again)
    assert [p for p in Path(tmp_path / "tmp").iterdir() if "automl-" in p.name] == []
