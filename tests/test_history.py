"""What was written is read again, whatever happened to the file."""

import stat
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automl.exceptions import AutoMLDataError
from automl.history import (
    FoldResult,
    History,
    Journal,
    Trial,
    journal_line,
    read_journal,
)

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


def as_read(value):
    """Return a value as JSON gives it back: NaN and infinity are null."""
    if isinstance(value, dict):
        return {k: as_read(v) for k, v in value.items()}
    if isinstance(value, list):
        return [as_read(v) for v in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


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
    """The next event gets a line of its own."""
    with Journal(tmp_path / "run") as journal:
        journal.write("start", {})
    with journal.path.open("ab") as file:
        file.write(b'{"n": 30, "crc": "0000')
    with Journal(tmp_path / "run") as journal:
        journal.write("end", {})
    events, damaged = read_journal(journal.path)
    assert ([e["event"] for e in events], damaged) == (["start", "end"], 1)


def test_a_fold_is_kept_with_its_predictions_for_the_user_alone(tmp_path):
    """Predictions are float32, files private."""
    result = FoldResult(0, 1, "ok", score=0.5, rounds=10)
    with Journal(tmp_path / "run") as journal:
        journal.keep_fold(result, np.array([0.25, 0.75]))
        kept = journal.predictions(0, 1)
    assert (kept.dtype, kept.tolist()) == (np.float32, [0.25, 0.75])
    assert read_journal(journal.path)[0] == [{"event": "fold", **asdict(result)}]
    for path, mode in [(journal.folder, 0o700), (journal._oof(0, 1), 0o600)]:
        assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_history_sums_up_its_trials():
    """Means are of finished folds; the best finished trial comes first."""
    history = History()
    for number, scores in enumerate([(0.1, 0.3), (0.6, 0.8), ()]):
        history = history.started(Trial(number, "ridge", {}, "random"))
        for fold, score in enumerate(scores):
            fitted = FoldResult(number, fold, "ok", score=score, fit_s=2.0, rounds=4)
            history = history.told(fitted).told(fitted)
    history = history.ended(0, "ok").ended(1, "ok").ended(2, "error", "why")
    first, _, last = history
    assert [t.number for t in history.finished()] == [1, 0]
    assert (first.score, first.fit_s, first.rounds) == (pytest.approx(0.2), 2.0, 4)
    assert first.score_std == pytest.approx(0.1 * 2**0.5)
    assert (len(first.folds), last.reason, last.rounds) == (2, "why", None)
    assert np.isnan([last.score, last.score_std]).all()
