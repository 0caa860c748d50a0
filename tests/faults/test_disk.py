"""The disk fills up, fails or goes away: the run ends with its model and says so.

Ids are those of the table of faults. What is torn or lost stays torn; what was written
before stays good.
"""

import errno
import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from automl import AutoML
from automl.exceptions import (
    AutoMLDataError,
    AutoMLResourceError,
    AutoMLWarning,
)
from automl.journal import Journal, journal_line, read_journal
from automl.trial import FoldResult
from tests.faults.disk_kit import QUICK, table


@pytest.fixture(scope="module")
def undisturbed():
    """Return the predictions of a run that nothing went wrong with."""
    X, y = table()
    return AutoML(**QUICK).fit(X, y).predict(X)


def fit_and_check(folder, undisturbed, **more):
    """Fit with a warning and a note about the disk; the model is as without a fault."""
    X, y = table()
    with pytest.warns(AutoMLWarning) as warned:
        model = AutoML(run_dir=folder, **QUICK | more).fit(X, y)
    assert [w.message.code for w in warned] == ["W-disk"]
    assert str(warned[0].message) in model.notes_
    assert (model.predict(X) == undisturbed).all()
    assert len(model.trials_) == 5
    assert model.facts_["performance"]["n_scored"] == 90
    return model


class FullDisk:
    """A disk on which so many bytes more can be written, by `os.write`."""

    def __init__(self, monkeypatch, left, error=errno.ENOSPC):
        self.left = left
        self.error = error
        self.real = os.write
        monkeypatch.setattr(os, "write", self.write)

    def write(self, descriptor, data):
        """Write what there is room for, or fail."""
        room = min(self.left, len(data))
        if not room:
            raise OSError(self.error, os.strerror(self.error))
        self.left -= room
        return self.real(descriptor, bytes(data)[:room])


# ----------------------------------------------------------- F01: no space for a line


def test_f01_no_space_at_any_byte_of_the_last_record(tmp_path, monkeypatch):
    """Whatever fits of a line, the journal is readable and has all lines before it."""
    result = FoldResult(1, 0, "ok", score=0.5)
    line = journal_line({"event": "fold", **asdict(result), "at": 0.0})
    for k in range(len(line)):
        folder = tmp_path / str(k)
        with Journal(folder, lambda: 0.0) as journal:
            journal.write("start", {})
            with monkeypatch.context() as patch:
                FullDisk(patch, k)
                journal.keep_fold(result, None)
            assert "No space left" in journal.failure
            journal.write("finish", {})
        events, damaged = read_journal(journal.path)
        assert ([e["event"] for e in events], damaged) == (["start"], 0)
        with Journal(folder) as journal:
            journal.write("resume", {})
        assert len(read_journal(journal.path)[0]) == 2


def test_f01_a_full_disk_in_the_middle_of_a_run(tmp_path, monkeypatch, undisturbed):
    """The run goes on in memory; the folds before are on disk."""
    FullDisk(monkeypatch, 9000)
    model = fit_and_check(tmp_path / "run", undisturbed)
    monkeypatch.undo()
    assert any("No space left" in note for note in model.notes_)
    events, damaged = read_journal(tmp_path / "run" / "journal.jsonl")
    assert damaged == 0
    assert 3 < sum(e["event"] == "fold" for e in events) < 12
    assert not list((tmp_path / "run").rglob("*.part"))


def test_f01_a_full_disk_from_the_start(tmp_path, monkeypatch, undisturbed):
    """Not even the first line can be written, and there is a model."""
    FullDisk(monkeypatch, 0)
    fit_and_check(tmp_path / "run", undisturbed)
    assert (tmp_path / "run" / "journal.jsonl").read_bytes() == b""


def test_f01_after_a_full_disk_the_run_can_be_resumed(
    tmp_path, monkeypatch, undisturbed
):
    """With space again, what was lost is run again."""
    FullDisk(monkeypatch, 9000)
    fit_and_check(tmp_path / "run", undisturbed)
    monkeypatch.undo()
    X, y = table()
    resumed = AutoML(run_dir=tmp_path / "run", **QUICK).fit(X, y)
    assert (resumed.predict(X) == undisturbed).all()


def test_f01_a_device_that_is_always_full(tmp_path):
    """A real ENOSPC of the kernel's is kept, and nothing raised."""
    (tmp_path / "journal.jsonl").symlink_to("/dev/full")
    with Journal(tmp_path) as journal:
        journal.keep_fold(FoldResult(1, 0, "ok", 0.5), np.zeros(3))
        journal.keep_fold(FoldResult(1, 1, "ok", 0.5), np.ones(3))
        assert "No space left" in journal.failure
        assert journal.predictions(1, 1).tolist() == [1, 1, 1]


pytestmark = pytest.mark.usefixtures("all_unexplained")

LIMITED = """
import resource, signal, sys
import numpy as np
from automl import AutoML
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
rng = np.random.default_rng(0)
X = rng.normal(size=(90, 4)); y = X[:, 0] + 0.5 * rng.normal(size=90)
def limit(seen):
    if seen.phase != "trial":
        return
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
model = AutoML(n_trials=4, n_jobs=1, candidates=["ridge"], random_state=0, verbose=0,
               cv=3, run_dir=sys.argv[1], callback=limit).fit(X, y)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
print([n for n in model.notes_ if "could not be written" in n])
"""


def test_f01_the_system_refuses_a_longer_journal(tmp_path):
    """A real limit of the kernel on the length of files (EFBIG)."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "run")],
        check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "File too large" in done.stdout
    events, damaged = read_journal(tmp_path / "run" / "journal.jsonl")
    assert damaged == 0
    assert events[0]["event"] == "start"


# ------------------------------------------------------------- F04: damaged journals


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Return the folder of a finished run."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    AutoML(run_dir=folder, **QUICK).fit(*table())
    return folder


def ok_folds(events):
    """Return the good folds of a journal as they were written."""
    return [e for e in events if e["event"] == "fold" and e["status"] == "ok"]


def test_f04_a_journal_torn_at_each_byte_of_its_last_lines(finished, tmp_path):
    """Every prefix loads, with the folds of its whole lines and no other."""
    data = (finished / "journal.jsonl").read_bytes()
    written = ok_folds(read_journal(finished / "journal.jsonl")[0])
    tail = b"".join(data.splitlines(keepends=True)[-3:])
    path = tmp_path / "journal.jsonl"
    for stop in range(len(data) - len(tail), len(data)):
        path.write_bytes(data[:stop])
        events, damaged = read_journal(path)
        found = ok_folds(events)
        assert found == written[: len(found)]
        assert damaged <= 1
        assert len(events) >= data[:stop].count(b"\n")


DAMAGE = {
    "garbage in the middle": lambda d: d.replace(b"\n", b"\n\x00\xffgarbage\n", 1),
    "a duplicated line": lambda d: d + d.splitlines(keepends=True)[3],
    "carriage returns": lambda d: d.replace(b"\n", b"\r\n"),
    "no end": lambda d: d[:-40],
    "a hole": lambda d: d[:3000] + b"\0" * 200 + d[3200:],
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_f04_a_damaged_journal_is_resumed(finished, tmp_path, undisturbed, kind):
    """What is whole counts, what is not is run again: the same model in the end."""
    folder = shutil.copytree(finished, tmp_path / "run")
    journal = folder / "journal.jsonl"
    journal.write_bytes(DAMAGE[kind](journal.read_bytes()))
    X, y = table()
    model = AutoML(run_dir=folder, **QUICK).fit(X, y)
    assert (model.predict(X) == undisturbed).all()
    assert len(model.trials_) == 5


def test_f04_an_empty_journal_is_begun(finished, tmp_path, undisturbed):
    """Of no byte nothing can be resumed, and nothing stands in the way."""
    folder = shutil.copytree(finished, tmp_path / "run")
    (folder / "journal.jsonl").write_bytes(b"")
    X, y = table()
    model = AutoML(run_dir=folder, **QUICK).fit(X, y)
    assert (model.predict(X) == undisturbed).all()


def test_f04_a_newer_journal_is_refused(finished, tmp_path):
    """A newer format is not guessed at, and not written to."""
    folder = shutil.copytree(finished, tmp_path / "run")
    journal = folder / "journal.jsonl"
    with journal.open("ab") as file:
        file.write(journal_line({"event": "resume", "format": 2}))
    data = journal.read_bytes()
    with pytest.raises(AutoMLDataError, match="newer version"):
        AutoML(run_dir=folder, **QUICK).fit(*table())
    assert journal.read_bytes() == data


# --------------------------------------------- F05: the disk fails beneath the journal


@pytest.mark.parametrize("fault", ["fsync", "rename"])
@pytest.mark.parametrize("number", [errno.EIO, errno.EDQUOT], ids=["EIO", "EDQUOT"])
def test_f05_a_disk_that_fails(tmp_path, monkeypatch, undisturbed, fault, number):
    """From the third fold on: the best model, one warning, a readable journal."""
    name, n_calls = ("fsync", 9) if fault == "fsync" else ("replace", 4)
    place = os if fault == "fsync" else Path
    real, calls = getattr(place, name), []

    def sometimes(*args):
        calls.append(args)
        if len(calls) > n_calls:
            raise OSError(number, os.strerror(number))
        return real(*args)

    monkeypatch.setattr(place, name, sometimes)
    fit_and_check(tmp_path / "run", undisturbed)
    monkeypatch.undo()
    events, damaged = read_journal(tmp_path / "run" / "journal.jsonl")
    assert damaged == 0
    assert events[0]["event"] == "start"
    assert not list((tmp_path / "run").rglob("*.part"))


def test_f05_an_interrupted_system_call_is_called_again(tmp_path):
    """A signal during a write (EINTR) is no fault."""
    script = (
        "import signal, sys; from pathlib import Path; from automl.journal import "
        "Journal\nsignal.signal(signal.SIGALRM, lambda *_: None)\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)\n"
        "with Journal(Path(sys.argv[1])) as j:\n"
        "    for i in range(300): j.write('x', {'i': i})\n"
        "    assert j.failure is None, j.failure\n"
        "signal.setitimer(signal.ITIMER_REAL, 0)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)
    events, damaged = read_journal(tmp_path / "journal.jsonl")
    assert ([e["i"] for e in events], damaged) == (list(range(300)), 0)


# --------------------------------------------------------- F07: two runs on one folder


def test_f07_a_second_run_on_a_folder_is_refused(tmp_path, undisturbed):
    """From the first one's callback: E-locked, and the first goes on undisturbed."""
    folder = tmp_path / "run"
    X, y = table()
    codes = []

    def second(seen):
        if seen.phase == "trial" and not codes:
            with pytest.raises(AutoMLResourceError, match="another run") as caught:
                AutoML(run_dir=folder, **QUICK).fit(X, y)
            codes.append(caught.value.code)

    model = AutoML(run_dir=folder, callback=second, **QUICK).fit(X, y)
    assert codes == ["E-locked"]
    assert (model.predict(X) == undisturbed).all()


def test_f07_a_stale_lock_is_taken_over(finished, tmp_path, undisturbed):
    """The lock's file of a run that is gone stands in nobody's way."""
    folder = shutil.copytree(finished, tmp_path / "run")
    assert (folder / "journal.lock").is_file()
    X, y = table()
    model = AutoML(run_dir=folder, **QUICK).fit(X, y)
    assert (model.predict(X) == undisturbed).all()


# ------------------------------------------------------------ F08: the folder goes away


@pytest.mark.parametrize("how", ["deleted", "moved"])
def test_f08_a_folder_that_goes_away_during_the_run(tmp_path, undisturbed, how):
    """To the end in memory, with a warning; curves are drawn of what is left."""
    folder, gone = tmp_path / "run", []

    def remove(seen):
        if seen.phase == "trial" and not gone:
            gone.append(seen)
            if how == "deleted":
                shutil.rmtree(folder)
            else:
                folder.rename(tmp_path / "elsewhere")

    X, y = table()
    with pytest.warns(AutoMLWarning, match="could not be written any more") as warned:
        model = AutoML(run_dir=folder, callback=remove, **QUICK).fit(X, y)
    assert len(warned) == 1
    assert gone
    assert not folder.exists()
    assert (model.predict(X) == undisturbed).all()
    assert len(model.trials_) == 5
    assert model.facts_["performance"]["n_rows"] == 90
    if how == "moved":
        assert read_journal(tmp_path / "elsewhere" / "journal.jsonl")[1] == 0


# ------------------------------------------------------------------- F10: the clock


def test_f10_a_clock_that_is_set_back_changes_nothing(tmp_path, monkeypatch):
    """Times in the journal are those of a clock that never goes back."""
    import time

    moments = iter(range(10**9, 0, -3600))
    monkeypatch.setattr(time, "time", lambda: next(moments))
    AutoML(run_dir=tmp_path / "run", **QUICK).fit(*table())
    times = [e["at"] for e in read_journal(tmp_path / "run" / "journal.jsonl")[0]]
    assert times == sorted(times)
    assert 0 <= times[0] <= times[-1] < 60


# ------------------------------------------------------------ F11: a step of the end


def test_f11_facts_on_disk_are_never_half_there(tmp_path, monkeypatch, undisturbed):
    """A disk that is full at the very end keeps what an earlier session wrote."""
    X, y = table()
    folder = tmp_path / "run"
    AutoML(run_dir=folder, **QUICK | {"n_trials": 2}).fit(X, y)
    facts = (folder / "facts.json").read_bytes()
    real = os.write

    def large(descriptor, data):
        if len(data) > 4000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", large)
    fit_and_check(folder, undisturbed)
    assert (folder / "facts.json").read_bytes() == facts
    assert json.loads(facts)["format"]
