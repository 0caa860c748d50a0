"""A run is shown where it takes place, and can be asked to stop."""

import errno
import io
import logging
import re
import sys
from contextlib import contextmanager, redirect_stderr
from dataclasses import replace
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from automl import progress
from automl.progress import observer
from automl.snapshot import Snapshot

NOW = Snapshot(
    phase="search",
    message="",
    elapsed_s=3.0,
    time_budget_s=60.0,
    n_trials=2,
    n_trials_budget=None,
    n_finished=1,
    n_failed=0,
    metric="roc_auc",
    best=0.912345,
    best_candidate="lightgbm",
)


class Terminal(io.StringIO):
    """Text that says it is a terminal."""

    def isatty(self):
        """Return True."""
        return True


@pytest.fixture
def terminal(monkeypatch):
    """A terminal of 80 columns without colours."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    return Terminal()


@contextmanager
def observer_on(terminal, *args, **kwargs):
    """Observe a run whose standard error is this terminal."""
    with redirect_stderr(terminal), observer(*args, **kwargs) as notify:
        yield notify


@pytest.fixture
def notebook(monkeypatch):
    """A kernel runs; what it displays is collected."""
    shown = []
    handle = SimpleNamespace(update=lambda content, **_: shown.append(content))

    def display(content, **kwargs):
        assert kwargs == {"raw": True, "display_id": True}
        shown.append(content)
        return handle

    ipython = ModuleType("IPython")
    shell = type("ZMQInteractiveShell", (), {})()
    ipython.get_ipython = lambda: shell
    parts = ModuleType("IPython.display")
    parts.display = display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", parts)
    return shown


def test_silent_shows_nothing_but_logs(capfd, caplog):
    """With verbose=0 the sentences reach the log and nothing else."""
    caplog.set_level(logging.INFO, "automl")
    with observer(verbose=0) as notify:
        notify(replace(NOW, message="The task is binary."))

    assert capfd.readouterr() == ("", "")
    assert [(r.levelname, r.message) for r in caplog.records] == [
        ("INFO", "The task is binary.")
    ]


def test_log_has_a_null_handler():
    """Without any logging set up, nothing is printed by the last resort."""
    handlers = logging.getLogger("automl").handlers

    assert any(isinstance(h, logging.NullHandler) for h in handlers)


@pytest.mark.parametrize("verbose", [0, 1])
def test_callback_sees_every_snapshot_and_its_sentence(verbose):
    """The user's callback gets what the search said, whatever is shown."""
    seen = []
    trial = replace(NOW, phase="trial", message="Trial 3: ridge 0.8.")
    with observer(verbose, seen.append) as notify:
        assert notify(NOW) is False
        assert notify(trial) is False

    assert seen == [NOW, trial]


@pytest.mark.parametrize("answer", [True, np.True_])
def test_callback_that_returns_true_asks_to_stop_for_good(answer):
    """Once asked, the run stays asked to stop."""
    answers = iter([None, answer, None])
    with observer(0, lambda _: next(answers)) as notify:
        assert [notify(NOW) for _ in range(3)] == [False, True, True]


def test_callback_that_returns_a_length_does_not_stop():
    """A callback such as ``file.write`` answers with a number, which is no request."""
    with observer(0, lambda seen: io.StringIO().write(seen.metric)) as notify:
        assert notify(NOW) is False


def test_callback_errors_are_the_callers(terminal):
    """An error of the user's callback comes through, and the terminal is restored."""

    def broken(_):
        raise ZeroDivisionError("mine")

    stderr = sys.stderr
    with (
        pytest.raises(ZeroDivisionError, match="mine"),
        observer_on(terminal, 1, broken) as notify,
    ):
        notify(NOW)

    assert sys.stderr is stderr
    assert terminal.getvalue().endswith("\x1b[2K")


def test_lines_show_sentences_and_a_status_each_tenth(capsys):
    """Off a terminal, sentences are lines and the status comes ten times at most."""
    with observer(1) as notify:
        notify(replace(NOW, phase="start", message="The task is binary."))
        for second in range(61):
            notify(replace(NOW, elapsed_s=float(second)))
        notify(replace(NOW, phase="end", message="Done."))

    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert lines[0] == "The task is binary."
    assert lines[1] == "0:06 of 1:00 · 2 trials · best roc_auc 0.9123 (lightgbm)"
    assert lines[-1] == "Done."
    assert len(lines) == 12


def test_lines_without_a_budget_come_every_fifteen_seconds(capsys):
    """Without any budget the status follows the clock."""
    with observer(1) as notify:
        for second in range(46):
            notify(replace(NOW, time_budget_s=None, elapsed_s=float(second)))

    assert len(capsys.readouterr().err.splitlines()) == 3


@pytest.mark.parametrize(("verbose", "expected"), [(1, ""), (2, "Trial 3: ridge.\n")])
def test_trials_are_shown_on_request(capsys, verbose, expected):
    """A line for each finished trial is for verbose=2."""
    with observer(verbose) as notify:
        notify(replace(NOW, phase="trial", message="Trial 3: ridge."))

    assert capsys.readouterr().err == expected


def test_lines_end_quietly_when_the_reader_has_gone(monkeypatch):
    """A closed standard error does not end the run."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with observer(1) as notify:
        stream.close()
        assert notify(replace(NOW, message="One.")) is False
        assert notify(replace(NOW, message="Two.")) is False


def test_no_standard_error_at_all(monkeypatch, capsys):
    """Where a process has no standard error, nothing goes to standard output."""
    monkeypatch.setattr(sys, "stderr", None)
    with observer(1) as notify:
        notify(replace(NOW, message="One."))

    assert capsys.readouterr().out == ""


def test_terminal_has_one_live_line_and_sentences_above(terminal):
    """On a terminal the line is replaced and removed; the sentences stay."""
    with observer_on(terminal, 1, clock=lambda: 0.0) as notify:
        notify(replace(NOW, message="A [new] best: 0.91."))
        notify(replace(NOW, phase="refit", elapsed_s=55.0))

    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.getvalue())
    lines = [line.rstrip() for line in re.split(r"[\r\n]+", text)]
    assert "A [new] best: 0.91." in lines
    assert any("0:55 of 1:00 · refitting · 2 trials" in line for line in lines)
    assert all(len(line) <= 80 for line in lines)
    assert "\x1b[3" not in terminal.getvalue()
    assert terminal.getvalue().endswith("\x1b[2K")


def test_a_terminal_that_is_closed_ends_no_run(terminal, monkeypatch):
    """Nothing can be written to it any more: the fit goes on, and says nothing."""

    def gone(_):
        raise OSError(errno.EIO, "Input/output error")

    with observer_on(terminal, 1, clock=lambda: 0.0) as notify:
        notify(replace(NOW, message="One."))
        monkeypatch.setattr(terminal, "write", gone)
        notify(replace(NOW, message="Two."))
        notify(replace(NOW, phase="end", message="Three."))


def test_terminal_clock_runs_between_snapshots(terminal):
    """The time that is shown is now, and not when the last news came."""
    times = iter([0.0, *[7.0] * 99])
    with observer_on(terminal, 1, clock=lambda: next(times)) as notify:
        notify(NOW)

    assert "0:10 of 1:00" in terminal.getvalue()


def test_terminal_line_is_cut_not_wrapped(terminal, monkeypatch):
    """A narrow terminal cuts the line, so that it stays one."""
    monkeypatch.setenv("COLUMNS", "40")
    with observer_on(terminal, 1, clock=lambda: 0.0) as notify:
        notify(NOW)

    assert "…" in terminal.getvalue()
    assert terminal.getvalue().count("\x1b[1A") == 1  # what is removed at the end


def test_dumb_terminal_gets_plain_lines(terminal, monkeypatch):
    """A terminal that cannot move its cursor is written to line by line."""
    monkeypatch.setenv("TERM", "dumb")
    with observer_on(terminal, 1) as notify:
        notify(replace(NOW, message="One.", elapsed_s=30.0))

    assert terminal.getvalue().startswith("One.\n0:30 of 1:00")
    assert "\x1b" not in terminal.getvalue()


def test_notebook_has_one_output_that_renews_itself(notebook, capsys):
    """In a notebook one output holds the first sentences, the last, and the status."""
    times = iter([0.0, 0.1, 1.0, 2.0])
    with observer(1, clock=lambda: next(times)) as notify:
        notify(replace(NOW, phase="start", message="The task is binary."))
        notify(NOW)
        notify(replace(NOW, elapsed_s=4.0))
        notify(replace(NOW, phase="end", message="Done.", elapsed_s=5.0))

    texts = [content["text/plain"].splitlines() for content in notebook]
    assert [text[0] for text in texts] == ["The task is binary."] * 3
    assert texts[1][1].startswith("0:04 of 1:00")
    assert texts[2][1:][0] == "Done."
    assert capsys.readouterr() == ("", "")


def test_notebook_is_known_by_its_kernel(monkeypatch):
    """Shells of other names count if a kernel stands behind them."""
    ipython = ModuleType("IPython")
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    for shell, expected in [(None, False), (object(), False)]:
        ipython.get_ipython = lambda shell=shell: shell
        assert progress._in_notebook() is expected
    ipython.get_ipython = lambda: SimpleNamespace(kernel=1)
    assert progress._in_notebook() is True


def test_status_counts_in_trials():
    """A budget of trials is named with the count."""
    now = replace(NOW, time_budget_s=None, n_trials=1, n_trials_budget=10, best=None)

    assert progress.status_line(now, 5.0) == "0:05 · 1 of 10 trials"
    assert progress.fraction(now, 5.0) == 0.1


def test_fraction_without_budget_is_none():
    """Nothing to draw a bar over."""
    assert progress.fraction(replace(NOW, time_budget_s=None), 5.0) is None
