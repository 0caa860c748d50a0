"""Runs a search and what follows it on a runner: here policies meet processes."""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from automl.ensemble import pool
from automl.finish import SPARE_S, Finish
from automl.kept import models_there, prune_models
from automl.watchdog import Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl.evaluate import Outcome, Task
    from automl.finish import Wanted
    from automl.history import History
    from automl.interrupt import Interrupt
    from automl.lookout import Lookout
    from automl.runner import Runner
    from automl.search import Search
    from automl.teller import Teller
    from automl.trial import Trial
    from automl.watchdog import MemoryGuard

__all__ = ["finish_run", "fit_now", "run_search"]

INTERRUPT_S = 4.0
"""Seconds from a Ctrl-C in which the best configuration is fitted."""


def run_search(
    runner: Runner,
    search: Search,
    teller: Teller,
    interrupt: Interrupt,
    memory: MemoryGuard | None = None,
    lookout: Lookout | None = None,
) -> History:
    """Run the search to its end and return its history.

    Parameters
    ----------
    runner : Runner
        Where tasks run.
    search : Search
        What is asked for tasks.
    teller : Teller
        Told of what changes.
    interrupt : Interrupt
        Ends the search where it was asked for.
    memory : callable, default=None
        Chooses processes to end for want of memory.
    lookout : Lookout, default=None
        Finds out what would predict, so that the end of the search can be put right.
    """
    if runner.parallel and not search.ordered and search.plan.n_folds > 1:
        # hyperopt takes a second to import, and is used later: while workers start. The
        # fits of a holdout are long, few get as far, and it is 12 MiB of the peak.
        threading.Thread(target=__import__, args=("hyperopt",), daemon=True).start()

    def source() -> Task | None:
        if interrupt.asked:
            search.stopped = True
        return search.source()

    limits = Limits(search.kill_at, interrupt, memory)
    with closing(runner.run(source, limits)) as outcomes:
        for outcome in outcomes:
            search.tell(outcome)
            if search.changes:
                _prune(runner, search)
            teller.tell_changes(search)
            if lookout is not None and not search.is_over:
                search.preview = lookout.look(search.history) or search.preview
    search.stopped |= interrupt.asked
    return search.finish()


def _prune(runner: Runner, search: Search) -> None:
    """Delete the models of configurations that cannot be deployed any more."""
    there = models_there(runner.folder)  # before the history, which grows meanwhile
    trials = search.history.trials
    running = {t.number for t in trials if t.is_running}
    running |= {number for number, _ in search.in_flight}
    best = [t.number for t in pool(trials, search.plan.keeps)]
    prune_models(there, running, best)


def finish_run(
    runner: Runner,
    search: Search,
    history: History,
    wanted: Wanted,
    interrupt: Interrupt,
    memory: MemoryGuard | None = None,
) -> Finish:
    """Fit what is wanted; after a Ctrl-C in the seconds that it allows.

    Parameters
    ----------
    runner, search, interrupt, memory
        As in `run_search`.
    history : History
        That the search came to.
    wanted : Wanted
        What is to be fitted.
    """
    pace = replace(search.pace, history=history)
    growing = {c.name for c in pace.plan.candidates if c.resource is not None}
    finish = Finish(
        history,
        search.budget,
        {t.number: pace.refit_seconds(t) for t in history},
        n_rows=pace.plan.n_rows,
        n_train=pace.plan.n_train,
        n_workers=pace.plan.n_workers,
        first_serial=10_000_000,
        growing=set() if wanted.kept else growing,  # no stump of a fit is a match
        wanted=wanted,
    )

    def source() -> Task | None:
        if interrupt.asked_s is not None:
            finish.hurry(interrupt.asked_s + INTERRUPT_S)
        return finish.source()

    # a wish to stop that came before ends no fit of these: they have their seconds
    ends = _ends(interrupt)
    limits = Limits(
        ends, None if interrupt.asked else interrupt, memory, _longest(search)
    )
    runner.queued = 0  # what waits in a queue would begin later than was reckoned
    with closing(runner.run(source, limits)) as outcomes:
        for outcome in outcomes:
            finish.tell(outcome)
    return finish


def _ends(interrupt: Interrupt) -> Callable[[Task], float | None]:
    """Return when a fit after the search is ended: soon after a Ctrl-C."""

    def kill_at(task: Task) -> float | None:
        if interrupt.asked_s is None:
            return task.kill_at
        soon = interrupt.asked_s + INTERRUPT_S - SPARE_S
        return soon if task.kill_at is None else min(soon, task.kill_at)

    return kill_at


def _longest(search: Search) -> float | None:
    """Return the seconds of a fit after a search that no budget ends."""
    if search.budget.time_s is not None:
        return None
    return search.plan.trial_time_limit_s


def fit_now(
    runner: Runner,
    search: Search,
    finish: Finish,
    trial: Trial,
    interrupt: Interrupt,
    memory: MemoryGuard | None = None,
) -> Outcome | None:
    """Return a trial's whole fit on all rows, made now where it is not there yet.

    None if it failed, was cut short or is not expected to end in time. It is kept with
    those of ``finish``.
    """
    known = finish.refits.get(trial.number)
    if known is not None:
        return None if known.truncated else known
    if interrupt.asked or not finish.affords(trial):
        return None
    tasks = iter([finish.refit_task(trial)])
    limits = Limits(_ends(interrupt), interrupt, memory, _longest(search))
    with closing(runner.run(lambda: next(tasks, None), limits)) as outcomes:
        for outcome in outcomes:
            finish.cpu_s += outcome.cpu_s
            if outcome.error is None and not outcome.truncated:
                finish.refits[trial.number] = outcome
    return finish.refits.get(trial.number)
