"""A killed run goes on as if it had not been, and a finished one comes back."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from automl import AutoML
from automl.candidates import load_candidates
from automl.evaluate import Outcome
from automl.journal import journal_line, read_facts, read_journal
from automl.replay import replay
from automl.resume import restore
from automl.search import Search
from tests.resume_kit import KEEP_GOING, snapshot, table

N_TRIALS = 12
COUNTED = """
import os
from sklearn.linear_model import Ridge
class Counted(Ridge):
    def fit(self, X, y, sample_weight=None):
        with open(os.environ["FITS"], "a") as file:
            file.write("x\\n")
        return super().fit(X, y)
"""
RUN = """
import os, signal, sys
import numpy as np
from dataclasses import replace
from automl import AutoML
from automl.candidates import load_candidates
from automl.journal import Journal
folder, n_jobs, n_trials, time_s, kill_at = sys.argv[1], *map(float, sys.argv[2:])
ridge = load_candidates("ridge")["ridge"]
counted = replace(ridge, estimators={"regression": "counted.Counted"})
real, done = Journal.keep_fold, []
def keep_fold(self, result, predictions):
    real(self, result, predictions)
    done.append(result)
    if len(done) == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)
Journal.keep_fold = keep_fold
rng = np.random.default_rng(0)
X = rng.normal(size=(90, 4)); y = X[:, 0] + 0.5 * rng.normal(size=90)
AutoML(time_budget_s=time_s or None, n_trials=int(n_trials) or None,
       n_jobs=int(n_jobs), candidates=[counted], run_dir=folder,
       random_state=3, verbose=0, cv=3).fit(X, y)
"""


@pytest.fixture
def counted(tmp_path, monkeypatch):
    """Return a candidate whose fits are counted in a file, which is returned too."""
    (tmp_path / "counted.py").write_text(COUNTED)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("FITS", str(tmp_path / "fits"))
    (tmp_path / "fits").touch()
    ridge = load_candidates("ridge")["ridge"]
    candidate = replace(ridge, estimators={"regression": "counted.Counted"})
    return candidate, tmp_path / "fits"


def run_killed(folder, kill_at, *, n_jobs=1, n_trials=N_TRIALS, time_s=0):
    """Run in a process that is killed when so many folds are in the journal."""
    given = map(str, (folder, n_jobs, n_trials, time_s, kill_at))
    done = subprocess.run(
        [sys.executable, "-c", RUN, *given],
        check=False,
        capture_output=True,
        timeout=120,
    )  # fmt: skip
    assert done.returncode == -9, done.stderr.decode()


def fit(candidate, folder, *, n_jobs=1, n_trials=N_TRIALS, **more):
    """Run here, to the end."""
    given = {"n_trials": n_trials, "n_jobs": n_jobs, "candidates": [candidate]}
    return AutoML(run_dir=folder, **given, **KEEP_GOING | more).fit(*table())


def told(model):
    """Return what must not depend on interruptions."""
    trials = [
        (t.number, t.candidate, dict(t.params), t.origin, t.status, t.reason, t.scores)
        for t in model.trials_
    ]
    return trials, model.best_params_, model.predict(table()[0]).tobytes()


def fits_at_the_end(model, kept, deploy="auto"):
    """Return how many there are: for importance and canary, and on all rows.

    Of the folds that were there already, none, but where their models predict.
    """
    leader = max((t for t in model.trials_ if t.status == "ok"), key=lambda t: t.score)
    members = {leader.number, *model.weights_}
    if deploy == "bag":
        return 3 + sum(trial in members for trial, _ in kept)
    return 2 + len(members)


def fold_lines(folder):
    """Return how often each fold of a candidate stands in the journal."""
    events, _ = read_journal(folder / "journal.jsonl")
    folds = [e for e in events if e["event"] == "fold" and e["trial"]]
    keys = [(e["trial"], e["fold"]) for e in folds]
    return {key: keys.count(key) for key in keys}


def assert_resuming_equals_not_stopping(
    counted, tmp_path, moments, n_jobs, deploy="auto"
):
    """Kill at each of the moments in turn, go on, and compare with one go."""
    candidate, fits = counted
    folder = tmp_path / "killed"
    for kill_at in moments:
        run_killed(folder, kill_at, n_jobs=n_jobs)
    kept = fold_lines(folder)
    before = len(fits.read_text())
    resumed = fit(candidate, folder, n_jobs=n_jobs, deploy=deploy)
    fitted = (len(fits.read_text()) - before) // 2
    whole = fit(candidate, tmp_path / "whole", n_jobs=n_jobs, deploy=deploy)

    assert told(resumed) == told(whole)
    lines = fold_lines(folder)
    assert set(lines.values()) == {1}
    assert lines.keys() == fold_lines(tmp_path / "whole").keys()
    assert fitted == len(lines) - len(kept) + fits_at_the_end(resumed, kept, deploy)


@pytest.mark.parametrize(
    "deploy", ["auto", pytest.param("bag", marks=pytest.mark.slow)]
)
def test_a_run_killed_twice_goes_on_as_if_it_had_not_been(counted, tmp_path, deploy):
    """Killed, resumed and killed again: the same history, model and fold lines."""
    assert_resuming_equals_not_stopping(counted, tmp_path, [9, 8], 1, deploy)


@pytest.mark.slow
@pytest.mark.parametrize("moments", [[1], [3], [4], [20]], ids=str)
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_kill_at_any_moment_changes_nothing(counted, tmp_path, moments, n_jobs):
    """Within the baseline, after it, after the first fold, near the end."""
    assert_resuming_equals_not_stopping(counted, tmp_path, moments, n_jobs)


def test_a_torn_line_and_lost_predictions_cost_their_folds_only(counted, tmp_path):
    """What cannot be read is run again; the rest of the journal counts."""
    candidate, fits = counted
    folder = tmp_path / "killed"
    run_killed(folder, 14)
    journal = folder / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-30])
    (folder / "oof" / "00001-01.npy").write_bytes(b"\x93NUMPY")
    kept = fold_lines(folder)
    kept.pop((1, 1))
    before = len(fits.read_text())
    resumed = fit(candidate, folder)
    fitted = (len(fits.read_text()) - before) // 2
    assert told(resumed) == told(fit(candidate, tmp_path / "whole"))
    new = len(fold_lines(folder)) - len(kept)
    assert fitted == new + fits_at_the_end(resumed, kept)
    assert any("1 damaged line(s)" in note for note in resumed.notes_)


def test_a_finished_run_comes_back_without_a_search(counted, tmp_path):
    """The same budget or less: the same model, nothing written; more goes on."""
    candidate, fits = counted
    first = fit(candidate, tmp_path / "run", n_trials=6)
    files, n_fits = snapshot(tmp_path / "run"), len(fits.read_text())
    again = fit(candidate, tmp_path / "run", n_trials=5)
    assert told(again) == told(first)
    assert again.summary_ == first.summary_
    assert snapshot(tmp_path / "run") == files
    assert len(fits.read_text()) == n_fits + 2 * len(first.weights_)  # the refits
    more = fit(candidate, tmp_path / "run")
    assert told(more) == told(fit(candidate, tmp_path / "whole"))


def test_fewer_trials_than_were_tried_forget_none(counted, tmp_path):
    """All count for the winner, and the run comes to an end that holds."""
    candidate, _ = counted
    whole = fit(candidate, tmp_path / "run")
    again = fit(candidate, tmp_path / "run", n_trials=2, select="simplest")
    assert len(again.trials_) == len(whole.trials_)
    assert again.trials_[-1].status != "running"
    last = fit(candidate, tmp_path / "run", n_trials=2, select="simplest")
    assert told(last)[:2] == told(again)[:2]


def test_a_stopped_run_goes_on(counted, tmp_path):
    """What an observer ended is not finished: the same budget continues it."""
    candidate, _ = counted
    stopped = fit(candidate, tmp_path / "run", callback=lambda s: s.n_trials >= 4)
    assert stopped.interrupted_
    assert len(stopped.trials_) < N_TRIALS
    resumed = fit(candidate, tmp_path / "run")
    assert told(resumed) == told(fit(candidate, tmp_path / "whole"))
    assert not resumed.interrupted_


def test_what_was_left_open_is_as_in_the_first_session(counted, tmp_path):
    """A seed by chance and automatic folds are those of the journal."""
    candidate, _ = counted
    given = {"random_state": None, "cv": "auto"}
    folder = tmp_path / "run"
    first = fit(candidate, folder, n_trials=2, **given)
    events, _ = read_journal(folder / "journal.jsonl")
    more = fit(
        candidate, folder, n_trials=None, time_budget_s=8, callback=stop_at(4), **given
    )
    assert more.trials_[1].params == first.trials_[1].params
    assert len(more.trials_[0].folds) == len(first.trials_[0].folds) == 5
    assert more._seed == first._seed == events[0]["random_state"]


def stop_at(n_trials):
    """Return an observer that ends a search after so many trials."""
    return lambda seen: seen.n_finished > n_trials


def leave_out(monkeypatch, name):
    """Let there be too little memory for a candidate."""

    def skip(candidates, *_):
        return tuple(c for c in candidates if c.name != name), (f"{name}: memory.",)

    monkeypatch.setattr("automl.affordable.skipped", skip)


@pytest.mark.parametrize("journal_tells", [True, False])
def test_other_memory_changes_no_trial(tmp_path, monkeypatch, journal_tells):
    """A family that fits no more is searched on, so that each number is what it was."""
    run = {"n_jobs": 1, "candidates": ["elastic_net", "ridge"], **KEEP_GOING}
    AutoML(n_trials=4, run_dir=tmp_path / "run", **run).fit(*table())
    journal = tmp_path / "run" / "journal.jsonl"
    if not journal_tells:  # as it was before there was that line
        events, _ = read_journal(journal)
        events = [e for e in events if e["event"] != "candidates"]
        journal.write_bytes(b"".join(map(journal_line, events)))
    kept = fold_lines(tmp_path / "run")
    leave_out(monkeypatch, "elastic_net")
    more = AutoML(n_trials=6, run_dir=tmp_path / "run", **run).fit(*table())
    assert not any("elastic_net" in note for note in more.notes_)
    monkeypatch.undo()
    whole = AutoML(n_trials=6, run_dir=tmp_path / "whole", **run).fit(*table())
    assert told(more) == told(whole)
    assert {k: fold_lines(tmp_path / "run")[k] for k in kept} == kept


def test_more_memory_changes_no_trial_either(tmp_path, monkeypatch):
    """What was left out at first stays so, and a note says it."""
    run = {"n_jobs": 1, "candidates": ["elastic_net", "ridge"], **KEEP_GOING}
    leave_out(monkeypatch, "elastic_net")
    first = AutoML(n_trials=2, run_dir=tmp_path, **run).fit(*table())
    monkeypatch.undo()
    more = AutoML(n_trials=3, run_dir=tmp_path, **run).fit(*table())
    assert [t.params for t in more.trials_[:3]] == [t.params for t in first.trials_]
    assert {t.candidate for t in more.trials_[1:]} == {"ridge"}
    assert any("elastic_net is left out, as when" in note for note in more.notes_)


def test_a_run_killed_before_its_first_line_begins_anew(tmp_path):
    """An empty or torn journal is that of a run which had not begun."""
    (tmp_path / "journal.jsonl").write_bytes(b'{"n": 30, "crc": "00')
    given = {"n_jobs": 1, "candidates": ["ridge"], "run_dir": tmp_path, **KEEP_GOING}
    AutoML(n_trials=1, **given).fit(*table())
    events, damaged = read_journal(tmp_path / "journal.jsonl")
    assert (events[0]["event"], events[-1]["event"], damaged) == ("start", "finish", 1)


def test_a_resumed_run_needs_its_first_line_no_more(counted, tmp_path):
    """A later session has written down the same: the run goes on, and is the same."""
    candidate, _ = counted
    fit(candidate, tmp_path / "run", n_trials=2)
    fit(candidate, tmp_path / "run", n_trials=4)
    journal = tmp_path / "run" / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b"regression", b"regressiom", 1))
    more = fit(candidate, tmp_path / "run")
    assert told(more) == told(fit(candidate, tmp_path / "whole"))


def test_a_run_that_gave_up_goes_on(counted, tmp_path, monkeypatch):
    """Its workers died, which was the machine's doing: the same budget continues it."""
    candidate, _ = counted
    monkeypatch.setattr(Search, "tell", tell_of_crashes_from(8))
    gave_up = fit(candidate, tmp_path / "run", ensemble=False)
    monkeypatch.undo()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("FITS", str(tmp_path / "fits"))
    assert any("search was given up" in note for note in gave_up.notes_)
    assert any(t.status == "crash" for t in gave_up.trials_)
    assert not gave_up.interrupted_
    resumed = fit(candidate, tmp_path / "run", ensemble=False)
    whole = fit(candidate, tmp_path / "whole", ensemble=False)
    assert told(resumed) == told(whole)


def tell_of_crashes_from(number):
    """Return what tells a search that from so many outcomes on all were crashes."""
    real, count = Search.tell, []

    def tell(search, outcome):
        count.append(outcome)
        if len(count) > number:
            outcome = Outcome(outcome.task, error="crash", detail="died")
        real(search, outcome)

    return tell


@pytest.mark.slow
def test_a_run_in_seconds_goes_on_from_where_it_stood(counted, tmp_path):
    """Earlier trials stay, earlier seconds count, and the winner can be replayed."""
    candidate, _ = counted
    folder = tmp_path / "run"
    run_killed(folder, 20, n_trials=0, time_s=8)
    events, _ = read_journal(folder / "journal.jsonl")
    before = restore(events, 0, lambda _trial, _fold: True)
    model = fit(candidate, folder, n_trials=None, time_budget_s=8)
    events, _ = read_journal(folder / "journal.jsonl")
    times = [e["at"] for e in events]
    assert times == sorted(times)
    assert before.elapsed_s < times[-1] < max(8, before.elapsed_s + 5) + 3
    for trial in before.history:
        assert model.trials_[trial.number].params == trial.params
        for fold, score in trial.scores.items():
            assert model.trials_[trial.number].scores[fold] == score
    assert len(model.trials_) > len(before.history)
    assert replay(folder, *table(), candidates=[candidate]).identical


def test_facts_that_are_gone_are_made_again(counted, tmp_path):
    """A finished run whose facts were lost is finished once more, from its journal."""
    candidate, _ = counted
    fit(candidate, tmp_path / "run", n_trials=3)
    (tmp_path / "run" / "facts.json").unlink()
    again = fit(candidate, tmp_path / "run", n_trials=3)
    assert json.loads((tmp_path / "run" / "facts.json").read_text())["format"]
    assert set(fold_lines(tmp_path / "run").values()) == {1}
    assert len(again.trials_) == 4


def test_test_rows_of_a_finished_run_are_written_down(counted, tmp_path):
    """Whoever reads the folder later finds the estimate that its report shows."""
    candidate, _ = counted
    X, y = table()
    first = fit(candidate, tmp_path / "run", n_trials=3)
    again = AutoML(
        n_trials=3, candidates=candidate, run_dir=tmp_path / "run", **KEEP_GOING
    ).fit(X, y, X_test=X[:60] + 0.01, y_test=y[:60])
    facts = read_facts(tmp_path / "run")
    assert facts["estimate"] == again.facts_["estimate"]
    assert facts["estimate"]["method"] == "test"
    assert facts["run"]["notes"] == list(again.notes_)
    assert any("Nothing was searched" in note for note in again.notes_)
    later = fit(candidate, tmp_path / "run", n_trials=3)
    assert later.facts_["estimate"] == facts["estimate"]
    assert set(facts["run"]["notes"]) <= set(later.notes_)
    few = AutoML(
        n_trials=3, candidates=candidate, run_dir=tmp_path / "run", **KEEP_GOING
    ).fit(X, y, X_test=X[:20] + 0.01, y_test=y[:20])
    assert few.facts_["estimate"] == first.facts_["estimate"]
    assert any("beside" in note for note in few.notes_)
