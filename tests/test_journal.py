"""What was written is read again, whatever happened to the file."""

import errno
import json
import os
import stat
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automl.exceptions import AutoMLConfigError, AutoMLDataError, AutoMLResourceError
from automl.journal import Journal, journal_line, read_journal
from automl.trial import FoldResult

QUICK = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)
EVENTS = [{"event": "fold", "n": i, "word": "é\n{"} for i in range(4)]
FOLDS = st.builds(
    FoldResult,
    trial=st.integers(0, 99),
    fold=st.integers(0, 9),
    status=st.sampled_from(["ok", "error", "timeout"]),
    score=st.none() | st.floats(-1, 1),
    error=st.none() | st.text(max_size=20),
)


def as_read(value):
    """Return a value as JSON gives it back: NaN and infinity are null."""
    if isinstance(value, dict):
        return {k: as_read(v) for k, v in value.items()}
    if isinstance(value, list):
        return [as_read(v) for v in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def facts_of(path):
    """Return the events of a journal without their times."""
    events, damaged = read_journal(path)
    return [{k: v for k, v in e.items() if k != "at"} for e in events], damaged


@QUICK
@given(facts=st.lists(st.dictionaries(st.text(), VALUES, max_size=3), max_size=3))
def test_events_come_back_as_they_were_written(tmp_path, facts):
    """Any JSON value survives; NaN is null."""
    facts = [{k: v for k, v in f.items() if k != "format"} for f in facts]
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b"".join(map(journal_line, facts)))
    assert read_journal(path) == ([as_read(f) for f in facts], 0)


def test_any_prefix_loads_its_whole_lines(tmp_path):
    """A kill at any byte loses the line it fell on, no other."""
    path = tmp_path / "journal.jsonl"
    lines = [journal_line(e) for e in EVENTS]
    data = b"".join(lines)
    for stop in range(len(data) + 1):
        path.write_bytes(data[:stop])
        events, damaged = read_journal(path)
        assert events == EVENTS[: len(events)]
        assert len(events) >= data[:stop].count(b"\n")
        assert damaged <= 1


def test_a_flipped_byte_loses_at_most_its_line(tmp_path):
    """The line ends too may be damaged."""
    path = tmp_path / "journal.jsonl"
    data = b"".join(map(journal_line, EVENTS))
    for place in range(len(data)):
        for mask in (1, 128):
            flipped = bytearray(data)
            flipped[place] ^= mask
            path.write_bytes(bytes(flipped))
            events, damaged = read_journal(path)
            assert len(events) >= len(EVENTS) - 1
            assert all(e in EVENTS for e in events)
            assert damaged <= 2


@QUICK
@given(folds=st.lists(FOLDS, min_size=1, max_size=5), data=st.data())
def test_no_damage_makes_a_wrong_fold(tmp_path, folds, data):
    """Cut, flipped or stuffed with garbage: what is read was written, nothing else."""
    path = tmp_path / "journal.jsonl"
    written = [as_read(asdict(f)) for f in folds]
    content = bytearray(b"".join(map(journal_line, written)))
    place = data.draw(st.integers(0, len(content) - 1))
    kind = data.draw(st.sampled_from(["cut", "flip", "garbage", "overwrite"]))
    if kind == "cut":
        del content[place:]
    elif kind == "flip":
        content[place] ^= data.draw(st.integers(1, 255))
    else:
        garbage = data.draw(st.binary(max_size=40))
        end = place if kind == "garbage" else place + len(garbage)
        content[place:end] = garbage
    path.write_bytes(bytes(content))
    events, damaged = read_journal(path)
    assert all(e in written for e in events)
    assert len(events) + damaged >= content.count(b"\n") - 40
    if kind != "cut":
        lost = 2 if kind != "overwrite" else 3
        assert len(events) >= len(written) - lost


def test_windows_line_ends_and_scraps_are_read_over(tmp_path):
    """Garbage between lines is counted, empty files are fine."""
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b"")
    assert read_journal(path) == ([], 0)
    line = journal_line(EVENTS[0])
    path.write_bytes(line.replace(b"\n", b"\r\n") + b"garbage\n" + line)
    assert read_journal(path) == ([EVENTS[0]] * 2, 1)


def test_a_newer_format_is_refused(tmp_path):
    """An old version does not misread a new one's journal."""
    path = tmp_path / "journal.jsonl"
    path.write_bytes(journal_line({"event": "start", "format": 99}))
    with pytest.raises(AutoMLDataError, match="newer version") as caught:
        read_journal(path)
    assert caught.value.code == "E-journal-format"


def test_a_journal_goes_on_after_a_torn_line(tmp_path):
    """The next event gets a line of its own; opening alone writes nothing."""
    with Journal(tmp_path / "run") as journal:
        journal.write("start", {})
    with journal.path.open("ab") as file:
        file.write(b'{"n": 30, "crc": "0000')
    torn = journal.path.read_bytes()
    with Journal(tmp_path / "run") as journal:
        assert journal.path.read_bytes() == torn
        journal.write("end", {})
    events, damaged = read_journal(journal.path)
    assert ([e["event"] for e in events], damaged) == (["start", "end"], 1)


def test_a_line_torn_by_an_interrupt_is_not_shared(tmp_path, monkeypatch):
    """Ctrl-C between two parts of a line costs that line, not the next one."""
    with Journal(tmp_path / "run") as journal:
        real = os.write

        def half(descriptor, data):
            real(descriptor, bytes(data)[:10])
            raise KeyboardInterrupt

        monkeypatch.setattr(os, "write", half)
        with pytest.raises(KeyboardInterrupt):
            journal.write("start", {})
        monkeypatch.undo()
        journal.write("finish", {})
    assert facts_of(journal.path) == ([{"event": "finish"}], 1)


def test_a_fold_is_kept_with_its_predictions_for_the_user_alone(tmp_path):
    """Probabilities are float32, numbers float64, files private."""
    result = FoldResult(0, 1, "ok", score=0.5, rounds=10)
    with Journal(tmp_path / "run") as journal:
        journal.keep_fold(result, np.array([0.25, 0.75]))
        kept = journal.predictions(0, 1)
        assert journal.has_predictions(0, 1)
        assert not journal.has_predictions(0, 0)
        other = FoldResult(0, 0, "ok", score=0.5)
        journal.keep_fold(other, np.eye(2))
        assert journal.predictions(0, 0).dtype == np.float32
    assert (kept.dtype, kept.tolist()) == (np.float64, [0.25, 0.75])
    assert facts_of(journal.path)[0] == [
        {"event": "fold", **asdict(fold)} for fold in (result, other)
    ]
    for path, mode in [
        (journal.folder, 0o700),
        (journal.path, 0o600),
        (journal._oof(0, 1), 0o600),
    ]:
        assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", None], ids=str)
def test_torn_predictions_are_found_out(tmp_path, content):
    """A file that is empty, cut or without its last byte holds no predictions."""
    with Journal(tmp_path / "run") as journal:
        journal.keep_fold(FoldResult(0, 0, "ok", 0.5), np.zeros(5))
        path = journal._oof(0, 0)
        path.write_bytes(path.read_bytes()[:-1] if content is None else content)
        assert not journal.has_predictions(0, 0)


def test_each_event_has_the_seconds_of_its_run(tmp_path):
    """Times are those of the given clock, which never goes back."""
    ticks = iter([1.5, 2.25])
    with Journal(tmp_path, lambda: next(ticks)) as journal:
        journal.write("start", {})
        journal.write("finish", {})
    assert [e["at"] for e in read_journal(journal.path)[0]] == [1.5, 2.25]


def test_what_stands_there_is_not_written_again(tmp_path):
    """A session that repeats its predecessor adds only what is new."""
    trial = {"trial": 1, "candidate": "ridge", "params": {"alpha": 1.0}}
    with Journal(tmp_path) as journal:
        journal.write("trial", trial)
        journal.keep_fold(FoldResult(1, 0, "ok", 0.5), None)
        journal.write("end", {"trial": 1, "status": "cancelled"})
    size = journal.path.stat().st_size
    with Journal(tmp_path) as journal:
        journal.read()
        journal.write("trial", trial)
        journal.keep_fold(FoldResult(1, 0, "ok", 0.5), None)
        assert journal.path.stat().st_size == size
        journal.write("end", {"trial": 1, "status": "ok"})
    assert [e.get("status") for e in read_journal(journal.path)[0]] == [
        None, "ok", "cancelled", "ok",
    ]  # fmt: skip


def test_another_trial_of_a_number_has_folds_of_its_own(tmp_path):
    """Where a trial starts anew with other parameters, its folds are written anew."""
    with Journal(tmp_path) as journal:
        journal.write("trial", {"trial": 1, "candidate": "ridge"})
        journal.keep_fold(FoldResult(1, 0, "ok", 0.5), None)
    with Journal(tmp_path) as journal:
        journal.read()
        journal.write("trial", {"trial": 1, "candidate": "lightgbm"})
        journal.keep_fold(FoldResult(1, 0, "ok", 0.5), None)
    events = [e["event"] for e in read_journal(journal.path)[0]]
    assert events == ["trial", "fold"] * 2


def test_a_folder_has_one_writer(tmp_path):
    """A second journal on a folder is refused, until the first is closed."""
    with Journal(tmp_path):
        with pytest.raises(AutoMLResourceError, match="another run") as caught:
            Journal(tmp_path)
        assert caught.value.code == "E-locked"
    Journal(tmp_path).__exit__()


def test_a_file_system_without_locks_is_taken_as_it_is(tmp_path, monkeypatch):
    """A run there is possible; any other error is told."""

    def fails(number):
        def flock(*_):
            raise OSError(number, "no")

        return flock

    monkeypatch.setattr("fcntl.flock", fails(errno.ENOLCK))
    with Journal(tmp_path / "a") as journal:
        journal.write("start", {})
    assert read_journal(tmp_path / "a" / "journal.jsonl")[0]
    monkeypatch.setattr("fcntl.flock", fails(errno.EIO))
    with pytest.raises(AutoMLConfigError, match="cannot be written to"):
        Journal(tmp_path / "b")


def test_the_lock_of_a_killed_process_is_free(tmp_path):
    """Nothing is left to be cleaned up by hand after kill -9."""
    script = (
        "import os, sys; from pathlib import Path; from automl.journal import Journal\n"
        "j = Journal(Path(sys.argv[1])); j.write('start', {}); print('x', flush=True)\n"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout.read(1) == b"x"
        with pytest.raises(AutoMLResourceError):
            Journal(tmp_path)
        process.kill()
        process.wait()
    with Journal(tmp_path) as journal:
        assert [e["event"] for e in journal.read()[0]] == ["start"]


def test_a_path_that_is_a_file_is_refused(tmp_path):
    """A folder that cannot be made is an error of the configuration."""
    (tmp_path / "file").touch()
    with pytest.raises(AutoMLConfigError) as caught:
        Journal(tmp_path / "file")
    assert caught.value.code == "E-path"


@pytest.mark.parametrize("durable", [True, False])
def test_only_what_may_be_read_again_waits_for_the_disk(tmp_path, monkeypatch, durable):
    """Two waits for a fold, of its predictions and its line; none where unread."""
    calls = []
    monkeypatch.setattr(os, "fsync", calls.append)
    with Journal(tmp_path, durable=durable) as journal:
        journal.keep_fold(FoldResult(0, 0, "ok", 0.5), np.zeros(3))
    assert len(calls) == (2 if durable else 0)


@pytest.mark.parametrize("durable", [True, False])
def test_a_full_disk_is_told_of_where_it_is(tmp_path, monkeypatch, durable):
    """Without a folder of the user's there is none to speak of, nor to resume."""

    def full(*_given):
        raise OSError(28, "No space left on device")

    with Journal(tmp_path / "run", durable=durable) as journal:
        monkeypatch.setattr("automl.journal.write_all", full)
        journal.write("start", {})
    assert ("resumed" in journal.failure) == durable
    assert journal.failure.startswith("The run's" if durable else "The temporary")
    monkeypatch.setattr(os, "open", full)
    kind = AutoMLConfigError if durable else AutoMLResourceError
    with pytest.raises(kind) as caught:
        Journal(tmp_path / "run", durable=durable)
    assert caught.value.code == ("E-path" if durable else "E-disk")


def test_texts_and_arrays_are_written_whole(tmp_path):
    """A file beside the journal is the user's own and never half there."""
    with Journal(tmp_path) as journal:
        assert journal.keep_text("facts.json", json.dumps({"a": 1}))
        assert journal.keep_array("winner.npy", np.arange(3.0))
    assert json.loads((tmp_path / "facts.json").read_text()) == {"a": 1}
    assert np.load(tmp_path / "winner.npy").tolist() == [0, 1, 2]
    assert stat.S_IMODE((tmp_path / "facts.json").stat().st_mode) == 0o600
    assert not list(tmp_path.rglob("*.part"))
