"""Observers of a run: the terminal, a notebook, plain lines, the log, the user.

Beside the way of the data: the search only calls a function with a `Snapshot` and is
answered whether to stop. What is shown, and where, is decided here alone.
"""

from __future__ import annotations

import importlib
import logging
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.snapshot import Notify, Snapshot

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["Callback", "Observer", "clock_text", "fraction", "observer", "status_line"]

Observer = Callable[[Snapshot], None]
"""What shows a run."""

Callback = Callable[[Snapshot], bool | None]
"""The user's own observer; True asks the run to stop."""

Clock = Callable[[], float]

LOG = logging.getLogger("automl")
LOG.addHandler(logging.NullHandler())

STATUS_STEP = 0.1
"""Without a terminal, a status line for each tenth of the budget …"""

STATUS_EVERY_S = 15.0
"""… or, without a budget, so often."""

NOTEBOOK_EVERY_S = 0.25
"""A notebook's line is sent to the browser no more often; each is stored there."""

BAR_WIDTH = 10
"""Leaves 68 of 80 columns to the words."""

PHASES = {"start": "reading", "refit": "refitting", "report": "reporting"}
"""Phases worth a word in the status; the search is the rule."""


@contextmanager
def observer(
    verbose: int = 1,
    callback: Callback | None = None,
    *,
    clock: Clock = time.monotonic,
) -> Iterator[Notify]:
    """Give the function that a run tells of its progress.

    Sentences go to the log ``automl`` at level INFO in any case. What is shown goes
    to standard error: one live line on a terminal, lines elsewhere, one output that
    renews itself in a notebook.

    Parameters
    ----------
    verbose : int, default=1
        0 shows nothing, 1 what matters, 2 also each finished trial.
    callback : callable, default=None
        Called with each `Snapshot`; if it returns True, the run is asked to stop. Its
        errors are the caller's.
    clock : callable, default=time.monotonic
        Seconds; the time between two snapshots is shown as it passes.

    Yields
    ------
    callable
        ``notify(snapshot)``, true once the callback has asked to stop.

    Examples
    --------
    >>> now = Snapshot("search", "", 3.0, 60.0, 2, None, 1, 0, "rmse", 0.5, "ridge")
    >>> with observer(verbose=0, callback=lambda seen: seen.n_trials >= 2) as notify:
    ...     notify(now)
    True
    """
    asked = False
    with _display(verbose, clock) as show:

        def notify(snapshot: Snapshot) -> bool:
            nonlocal asked
            if snapshot.message:
                LOG.info("%s", snapshot.message)
            show(_for_level(snapshot, verbose))
            if callback is not None:
                asked = _is_true(callback(snapshot)) or asked
            return asked

        yield notify


def clock_text(seconds: float) -> str:
    """Return a duration as on a clock.

    Examples
    --------
    >>> clock_text(72.4), clock_text(3661)
    ('1:12', '1:01:01')
    """
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def fraction(snapshot: Snapshot, elapsed_s: float) -> float | None:
    """Return how much of the budget is used, 0 to 1; None without a budget.

    Examples
    --------
    >>> now = Snapshot("search", "", 3.0, 60.0, 5, 10, 1, 0, "rmse", 0.5, "ridge")
    >>> fraction(now, 15.0), fraction(now, 45.0)
    (0.5, 0.75)
    """
    used = []
    if snapshot.time_budget_s:
        used.append(elapsed_s / snapshot.time_budget_s)
    if snapshot.n_trials_budget:
        used.append(snapshot.n_trials / snapshot.n_trials_budget)
    return min(1.0, max(used)) if used else None


def status_line(snapshot: Snapshot, elapsed_s: float) -> str:
    """Return where the run stands, in one line.

    Examples
    --------
    >>> now = Snapshot("search", "", 3.0, 60.0, 5, None, 4, 1, "rmse", 0.51234, "ridge")
    >>> status_line(now, 12.0)
    '0:12 of 1:00 · 5 trials, 1 failed · best rmse 0.5123 (ridge)'
    """
    parts = [clock_text(elapsed_s)]
    if snapshot.time_budget_s:
        parts[0] += f" of {clock_text(snapshot.time_budget_s)}"
    if snapshot.phase in PHASES:
        parts.append(PHASES[snapshot.phase])
    count = f"{snapshot.n_trials}"
    if snapshot.n_trials_budget:
        count += f" of {snapshot.n_trials_budget}"
    single = snapshot.n_trials == 1 and not snapshot.n_trials_budget
    count += " trial" if single else " trials"
    if snapshot.n_failed:
        count += f", {snapshot.n_failed} failed"
    parts.append(count)
    if snapshot.best is not None:
        whose = f" ({snapshot.best_candidate})" if snapshot.best_candidate else ""
        parts.append(f"best {snapshot.metric} {snapshot.best:.4g}{whose}")
    return " · ".join(parts)


def _for_level(snapshot: Snapshot, verbose: int) -> Snapshot:
    """Return the snapshot without a sentence that nobody asked for."""
    if snapshot.phase == "trial" and verbose < 2:
        return replace(snapshot, message="")
    return snapshot


def _is_true(answer: object) -> bool:
    """Return whether it is True; the length that a ``file.write`` returns is not."""
    return isinstance(answer, bool | np.bool_) and bool(answer)


@contextmanager
def _display(verbose: int, clock: Clock) -> Iterator[Observer]:
    """Give the observer that suits where the run takes place."""
    if verbose <= 0 or sys.stderr is None:
        yield lambda _: None
    elif _in_notebook():
        yield _Notebook(clock)
    elif sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown"):
        with _live(clock) as show:
            yield show
    else:
        yield _Lines()


def _in_notebook() -> bool:
    """Return whether a notebook's kernel runs this; IPython is never imported."""
    ipython = sys.modules.get("IPython")
    if ipython is None:
        return False
    shell = getattr(ipython, "get_ipython", lambda: None)()
    if shell is None:
        return False
    return type(shell).__name__ == "ZMQInteractiveShell" or hasattr(shell, "kernel")


class _Lines:
    """Plain lines on standard error."""

    def __init__(self) -> None:
        self._last = 0
        self._open = True

    def __call__(self, snapshot: Snapshot) -> None:
        if snapshot.message:
            self._print(snapshot.message)
        if snapshot.phase in ("search", "trial") and self._is_due(snapshot):
            self._print(status_line(snapshot, snapshot.elapsed_s))

    def _is_due(self, snapshot: Snapshot) -> bool:
        used = fraction(snapshot, snapshot.elapsed_s)
        now, step = (
            (snapshot.elapsed_s, STATUS_EVERY_S)
            if used is None
            else (used, STATUS_STEP)
        )
        steps = math.floor(now / step + 1e-9)
        due, self._last = steps > self._last, max(steps, self._last)
        return due

    def _print(self, line: str) -> None:
        """Print, unless the reader has gone; that is no reason to end a run."""
        if not self._open:
            return
        try:
            print(line, file=sys.stderr, flush=True)
        except (OSError, ValueError):
            self._open = False


class _Notebook:
    """One output of a notebook that renews itself."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._handle: Any = None
        self._sent = 0.0
        self._kept: list[str] = []
        self._last = ""

    def __call__(self, snapshot: Snapshot) -> None:
        if snapshot.message and snapshot.phase == "start":
            self._kept.append(snapshot.message)
        elif snapshot.message:
            self._last = snapshot.message
        now = self._clock()
        quiet = not snapshot.message and snapshot.phase in ("search", "trial")
        if quiet and self._handle is not None and now - self._sent < NOTEBOOK_EVERY_S:
            return
        self._sent = now
        last = [self._last] if self._last else []
        lines = [*self._kept, *last, status_line(snapshot, snapshot.elapsed_s)]
        self._send({"text/plain": "\n".join(lines)})

    def _send(self, content: dict[str, str]) -> None:
        if self._handle is None:
            # A kernel runs, so it is there; it is no dependency.
            ipython = importlib.import_module("IPython.display")
            self._handle = ipython.display(content, raw=True, display_id=True)
        else:
            self._handle.update(content, raw=True)


@contextmanager
def _live(clock: Clock) -> Iterator[Observer]:
    """Give the observer of a terminal: sentences above, one live line below."""
    from rich.console import Console
    from rich.live import Live

    console = Console(file=sys.stderr, highlight=False)
    seen: list[tuple[Snapshot, float]] = []

    def line() -> Table | str:
        if not seen:
            return ""
        snapshot, when = seen[-1]
        return _bar_and_status(snapshot, snapshot.elapsed_s + clock() - when)

    live = Live(
        get_renderable=line,
        console=console,
        transient=True,
        redirect_stdout=sys.stdout is not None and sys.stdout.isatty(),
    )

    gone = (OSError, ValueError)  # a terminal that was closed is no reason to end a run

    def show(snapshot: Snapshot) -> None:
        seen[:] = [(snapshot, clock())]
        if snapshot.message:
            with suppress(*gone):
                console.print(snapshot.message, markup=False)

    with suppress(*gone):
        live.start(refresh=True)
    try:
        yield show
    finally:
        with suppress(*gone):
            live.stop()


def _bar_and_status(snapshot: Snapshot, elapsed_s: float) -> Table:
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True, overflow="ellipsis")
    words = Text(status_line(snapshot, elapsed_s))
    used = fraction(snapshot, elapsed_s)
    if used is None:
        grid.add_row("", words)
    else:
        bar = ProgressBar(
            total=1.0, completed=used, width=BAR_WIDTH,
            complete_style="green", finished_style="green",
        )  # fmt: skip
        grid.add_row(bar, words)
    return grid
