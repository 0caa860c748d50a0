"""What the parent of a search takes for a configuration, while workers take none.

A table of answers stands for the workers, and a clock set by hand for the time. As many
configurations as a long run has of a few hundred rows; processor milliseconds of each
are printed, and what was tried as a checksum: what only makes it faster keeps that.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.budget import Budget
from automl.candidates import load_candidates
from automl.evaluate import Outcome, Task
from automl.history import History
from automl.journal import Journal
from automl.plan import Plan
from automl.search import Search
from automl.trial import FoldResult, Trial

if TYPE_CHECKING:
    from automl.candidates import Candidate

N_FOLDS, N_ROWS = 8, 300
FIT_S = 0.05
IN_FLIGHT = 4
"""Two workers, and one task that waits beside each."""

EVERY = 500
"""Configurations between two lines."""


def main() -> None:
    """Print milliseconds as the command line asks."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.steps", description=__doc__
    )
    parser.add_argument("--trials", type=int, default=2000)
    n_trials = parser.parse_args().trials
    candidates = tuple(c for c in load_candidates().values() if "regression" in c.tasks)
    with tempfile.TemporaryDirectory() as folder:
        history = _driven(candidates, Path(folder) / "run", n_trials)
    told = [
        (t.candidate, sorted(t.params.items()), t.origin, t.status) for t in history
    ]
    print(f"checksum {hashlib.sha256(repr(told).encode()).hexdigest()[:16]}")


def _driven(candidates: tuple[Candidate, ...], folder: Path, n_trials: int) -> History:
    """Return the history of a search that is answered from a table."""
    now = 0.0
    folds = tuple(FoldResult(0, k, "ok", -1.0) for k in range(N_FOLDS))
    base = History((Trial(0, "baseline", {}, "baseline", "ok", folds),))
    plan = Plan(candidates, N_FOLDS, N_ROWS, N_ROWS * 7 // 8, 2, 0)
    with Journal(folder, durable=False) as journal:
        search = Search(plan, Budget(1e9, None, 0.0, lambda: now), base, journal)
        out: list[Task] = []
        began, seen = time.process_time(), 0
        while len(search.history) <= n_trials:
            while len(out) < IN_FLIGHT:
                task = search.source()
                if task is None or task.kind == "wait":
                    break
                out.append(task)
            if not out:  # all was tried that there is
                break
            now += FIT_S / 2
            search.tell(_answer(candidates, out.pop(0), now))
            search.take_changes()
            n = len(search.history) - 1
            if n // EVERY > seen // EVERY:
                took = 1e3 * (time.process_time() - began) / (n - seen)
                print(f"{n:6,} configurations  {took:5.1f} ms each")
                began, seen = time.process_time(), n
        return search.finish()


def _answer(candidates: tuple[Candidate, ...], task: Task, now: float) -> Outcome:
    """Return a score that follows from the configuration, the first family's best."""
    if task.kind == "refit":
        return Outcome(task, value=b"")
    params: Any = sorted((task.params or {}).items())
    chance = int(hashlib.sha256(repr(params).encode()).hexdigest()[:8], 16) / 2**32
    place = [c.name for c in candidates].index(task.candidate)
    result = FoldResult(
        task.trial, task.fold, "ok", -0.3 * chance - 0.02 * place - 0.05 * task.fold,
        fit_s=FIT_S, cpu_s=FIT_S, started_s=now, ended_s=now + FIT_S, worker=1,
    )  # fmt: skip
    return Outcome(task, result, np.zeros(N_ROWS // N_FOLDS))


if __name__ == "__main__":
    main()
