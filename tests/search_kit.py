"""A search over two families, and workers that answer from a table."""

from __future__ import annotations

import time

import numpy as np

from automl.budget import Budget
from automl.candidates import Candidate, Dimension
from automl.evaluate import Outcome
from automl.history import History
from automl.journal import Journal
from automl.plan import Plan
from automl.search import LOOK_AHEAD, Search
from automl.trial import FoldResult, Trial

CANDIDATES = tuple(
    Candidate(
        name,
        name,
        ("regression",),
        {},
        space=(Dimension("a", "float", 0.0, 1.0),),
        starts=(("s", {"a": 0.5}),),
    )
    for name in ("one", "two")
)
BASE = History(
    (
        Trial(
            0,
            "baseline",
            {},
            "",
            "ok",
            tuple(FoldResult(0, k, "ok", -1.0) for k in range(3)),
        ),
    )
)

OPEN = []
"""Journals of the searches of a test; the fixture `closed_journals` closes them."""


def make(folder, *, n_trials=None, time_s=None, n_folds=3, clock=time.monotonic):
    """Return a search over two families."""
    plan = Plan(CANDIDATES, n_folds, 90, 60, 2, 0)
    budget = Budget(time_s, n_trials, clock(), clock)
    OPEN.append(Journal(folder))
    return Search(plan, budget, BASE, OPEN[-1])


def answer(task, *, error=None):
    """Return an outcome whose score is best at a=0.7, and depends on the fold."""
    if task.kind == "refit":
        return Outcome(task, value="a pipeline")
    if error is not None:
        return Outcome(task, error=error)
    gap = 0.1 if task.candidate == "one" else 0.0
    score = -abs(task.params["a"] - 0.7) - 0.05 * task.fold - gap
    result = FoldResult(task.trial, task.fold, "ok", score, fit_s=0.01)
    return Outcome(task, result, np.zeros(30, dtype=np.float32))


def drive(search, order=lambda _: 0, most=2000):
    """Run a search; ``order`` picks which of the tasks that are out comes back."""
    out = []
    for _ in range(most):
        task = search.source()
        if task is None:
            break
        if task.kind != "wait":
            out.append(task)
        if task.kind == "wait" or len(out) >= LOOK_AHEAD:
            search.tell(answer(out.pop(order(out))))
    while out:
        search.tell(answer(out.pop()))
    return search.finish()


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        """Return the time that was set."""
        return self.now
