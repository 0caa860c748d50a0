"""In which order the known starting points are best tried: races run in retrospect.

``python -m benchmarks.starts DIR FITS`` fits every start once to at most 8,000 rows of
each set that is not core, and keeps in the folder FITS what it took and what it
predicts for other rows. Then the race is run on those predictions: in the order that
the files of the candidates give, with each start moved to other places, and without
it. An ensemble of what finished within a budget is scored on rows that nothing was
chosen by. Nothing is fitted twice, so that an hour compares hundreds of orders.
"""

from __future__ import annotations

import argparse
import math
import pickle
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from automl.budget import Budget
from automl.candidates import load_candidates
from automl.ensemble import blend
from automl.evaluate import Task, run_task
from automl.history import FoldResult, Trial
from automl.problem import Problem, make_problem
from automl.racing import is_losing
from automl.settings import Settings
from automl.space import start_point
from automl.splits import Folds
from automl.workplace import close_workplace, write_workplace
from benchmarks.jobs import make_jobs

if TYPE_CHECKING:
    from automl.metrics import Metric

FITTED, CHOSEN, HELD = 8000, 2000, 8000
"""Rows at most that are fitted, that choose, and that are held out."""

N_FOLDS = 5
"""Parts of the rows that choose: what a fold is in a run."""

LONGEST_S = 40.0
"""Seconds after which a learner that grows stops here."""

SEARCHED = 0.8
"""Share of the core-seconds of a budget that the search of a run has."""

PLACES = (1, 4, 8, 13, 20)
"""Where each start is tried for comparison."""

LIMIT = 0.05
"""Largest logarithm of a ratio that counts: small tables must not decide alone."""

Start = tuple[str, str]
Order = Sequence[Start]


@dataclass(frozen=True)
class Fits:
    """What the starts came to on one set.

    Attributes
    ----------
    name : str
        Of the set.
    times : float
        How many times as many rows a fold of a run has.
    metric : Metric
        Of the task.
    y : array of shape (n_rows,)
        Truth of the rows that were not fitted; those that choose come first.
    folds : Folds
        Parts of the rows that choose.
    seconds : dict
        Of a fit, by start.
    predictions : dict
        Of all these rows, by start; those that failed are missing.
    """

    name: str
    times: float
    metric: Metric
    y: np.ndarray
    folds: Folds
    seconds: Mapping[Start, float]
    predictions: Mapping[Start, np.ndarray]


def main() -> int:
    """Fit what is not there yet, then compare orders."""
    given = _arguments()
    given.fits.mkdir(parents=True, exist_ok=True)
    jobs = make_jobs(given.folder, given.datasets, {"seed": 0})
    with Parallel(n_jobs=given.jobs) as parallel:
        parallel(delayed(_fit_set)(job, given.fits) for job in jobs)
        places = [given.fits / f"{job['name']}.pkl" for job in jobs]
        tables = [pickle.loads(p.read_bytes()) for p in places if p.exists()]
        files = order_of_files()
        orders = {"as in the files": files, "one of each family, then": rounds(files)}
        for start in files:
            others = [s for s in files if s != start]
            title = ": ".join(start)
            orders[f"without {title}"] = others
            for place in PLACES:
                moved = [*others[: place - 1], start, *others[place - 1 :]]
                orders[f"{place} {title}"] = moved
        for budget_s in given.seconds:
            errors = parallel(delayed(_errors)(t, orders, budget_s) for t in tables)
            _print_orders(budget_s, list(orders), np.array(errors))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.starts", description=__doc__
    )
    parser.add_argument("folder", type=Path, help="Parquet and index.csv")
    parser.add_argument("fits", type=Path, help="where the predictions are kept")
    parser.add_argument("--datasets", default="tune", help="all, core, tune, or names")
    parser.add_argument("--jobs", type=int, default=-1, help="processes")
    parser.add_argument(
        "--seconds", type=float, nargs="+", default=[20.0, 60.0], help="budgets"
    )
    return parser.parse_args()


def order_of_files() -> list[Start]:
    """Return all starts, those that come first in a run first."""
    tries = [
        (place, (candidate.name, name))
        for candidate in load_candidates().values()
        for place, name, _ in candidate.tries()
    ]
    return [start for _, start in sorted(tries)]


def rounds(order: Order) -> list[Start]:
    """Return one start of every family before the second of any.

    Examples
    --------
    >>> rounds([("a", "one"), ("a", "two"), ("b", "one")])
    [('a', 'one'), ('b', 'one'), ('a', 'two')]
    """
    seen: dict[str, int] = {}
    turns = []
    for family, _ in order:
        seen[family] = seen.get(family, 0) + 1
        turns.append(seen[family])
    return [order[i] for i in sorted(range(len(order)), key=lambda i: (turns[i], i))]


# ---------------------------------------------------------------------------- fits
def _fit_set(job: dict[str, Any], folder: Path) -> None:
    """Fit all starts to a set, and keep what they predict."""
    place = folder / f"{job['name']}.pkl"
    if place.exists():
        return
    table = pd.read_parquet(job["path"])
    table = table[table[job["target"]].notna()].sample(frac=1, random_state=job["seed"])
    n_all = len(table)
    n = min(FITTED, int(0.6 * n_all))
    n_chosen = min(CHOSEN, int(0.2 * n_all))
    table = table.iloc[: n + n_chosen + HELD]
    if job["task"] != "regression":  # a class may be among the other rows only
        seen = table[job["target"]].iloc[:n].value_counts()
        known = table[job["target"]].isin(seen.index[seen >= 4])
        n = int(known.iloc[:n].sum())
        n_chosen = min(n_chosen, int(known.iloc[n:].sum()) // 2)
        table = table[known]
    settings = Settings(
        task=job["task"], metric="auto", budget=Budget(None, 1, 0.0), cv=2,
        candidates="auto", n_jobs=1, random_state=job["seed"], run_dir=None,
        trial_time_limit_s=None, memory_limit_mib=None, drop_missing_target=False,
        ensemble=True, deploy="auto", select="best", shown={},
    )  # fmt: skip
    y = table.pop(job["target"]).reset_index(drop=True)
    problem = make_problem(table.reset_index(drop=True), y, settings, 1)
    truth = problem.table.y[n:]
    seconds, predictions = _fit_starts(problem, n, job["seed"])
    fits = Fits(
        job["name"], max(1.0, 0.6 * n_all / n), problem.metric, truth,
        _parts(truth[:n_chosen], problem.metric.task), seconds, predictions,
    )  # fmt: skip
    place.write_bytes(pickle.dumps(fits))
    print(f"{job['name']:26} {n:6} rows, {sum(seconds.values()):6.1f} s", flush=True)


def _fit_starts(
    problem: Problem, n: int, seed: int
) -> tuple[dict[Start, float], dict[Start, np.ndarray]]:
    """Return the seconds of all starts, and what they predict after row ``n``."""
    rows = np.arange(len(problem.table.y))
    folds = Folds(((rows[:n], rows[n:]),), "the first rows")
    candidates = {c.name: c for c in problem.candidates}
    seconds: dict[Start, float] = {}
    predictions: dict[Start, np.ndarray] = {}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "place"
        write_workplace(place, problem.table, folds, problem.metric, candidates, seed)
        for candidate in problem.candidates:
            for number, (_, name, values) in enumerate(candidate.tries()):
                point = start_point(candidate, values)
                outcome = run_task(
                    place,
                    Task(
                        "fold", number, number, 0, candidate.name, point,
                        longest_s=LONGEST_S,
                    ),
                )  # fmt: skip
                start, result = (candidate.name, name), outcome.result
                if result is not None and result.status == "ok":
                    seconds[start] = result.fit_s
                    predictions[start] = np.asarray(outcome.value)
        close_workplace()
    return seconds, predictions


def _parts(y: np.ndarray, task: str) -> Folds:
    """Return parts of the rows that choose, each with its share of the classes."""
    rows = np.arange(len(y)) if task == "regression" else np.argsort(y, kind="stable")
    none = np.arange(0)
    splits = tuple((none, np.sort(rows[k::N_FOLDS])) for k in range(N_FOLDS))
    return Folds(splits, "parts")


# --------------------------------------------------------------------------- races
def _errors(fits: Fits, orders: Mapping[str, Order], budget_s: float) -> list[float]:
    """Return the logarithm of the error that each order comes to."""
    seconds, scores = _scaled(fits, budget_s), _scores(fits)
    limit_s = SEARCHED * 2 * budget_s
    return [
        _error(fits, race(order, seconds, scores, limit_s)) for order in orders.values()
    ]


def _scaled(fits: Fits, budget_s: float) -> dict[Start, float]:
    """Return the seconds of a fold in a run: of more rows, and fewer folds if slow."""
    usual = fits.times * median(fits.seconds.values())
    fair = 0.75 * 2 * budget_s * 3 / 12
    n = next((n for n in (N_FOLDS, 3) if n * usual <= fair), 1)
    return {s: t * fits.times * n / N_FOLDS for s, t in fits.seconds.items()}


def _scores(fits: Fits) -> dict[Start, list[float]]:
    return {
        start: [fits.metric.score(fits.y[r], p[r]) for _, r in fits.folds.splits]
        for start, p in fits.predictions.items()
    }


def race(
    order: Order,
    seconds: Mapping[Start, float],
    scores: Mapping[Start, Sequence[float]],
    limit_s: float,
) -> list[Trial]:
    """Return what finished all folds in time, one configuration after the other.

    Parameters
    ----------
    order : sequence of (str, str)
        Candidate and name of each start.
    seconds : dict
        Of a fold, by start; those that are missing are left out.
    scores : dict
        Of each fold, greater is better, by start.
    limit_s : float
        Seconds of the race.

    Examples
    --------
    >>> seconds = {("a", "x"): 1.0, ("b", "y"): 1.0, ("c", "z"): 1.0}
    >>> scores = {("a", "x"): [3, 3, 4], ("b", "y"): [1, 1, 1], ("c", "z"): [5, 5, 6]}
    >>> [t.candidate for t in race(list(seconds), seconds, scores, 7.0)]
    ['a', 'c']
    >>> [t.candidate for t in race(list(seconds), seconds, scores, 6.0)]
    ['a']
    """
    done: list[Trial] = []
    used = 0.0
    for number, start in enumerate(order):
        if start not in seconds:
            continue
        best = max(done, key=lambda t: t.score, default=None)
        trial = Trial(number, start[0], {"start": start[1]}, "start")
        for fold, score in enumerate(scores[start]):
            used += seconds[start]
            if used > limit_s:
                return done
            trial = trial.with_fold(FoldResult(number, fold, "ok", score))
            if best is not None and is_losing(trial, best):
                break
        else:
            done.append(replace(trial, status="ok"))
    return done


def _error(fits: Fits, done: list[Trial]) -> float:
    """Return the logarithm of the ensemble's error on the rows that are held out."""
    if not done:
        return math.nan
    members = sorted(done, key=lambda t: -t.score)
    starts = {t.number: (t.candidate, t.params["start"]) for t in members}
    predictions = {n: fits.predictions[s] for n, s in starts.items()}
    rows = [r for _, r in fits.folds.splits]
    mixed = blend(
        members, lambda n, k: predictions[n][rows[k]], fits.y, fits.folds, fits.metric
    )
    n_chosen = sum(map(len, rows))
    weights = {members[0].number: 1.0} if mixed is None else mixed.weights
    p = sum(weight * predictions[n][n_chosen:] for n, weight in weights.items())
    score = fits.metric.score(fits.y[n_chosen:], p)
    return math.log((1 - score if fits.metric.sign > 0 else -score) + 1e-4)


def _print_orders(budget_s: float, names: list[str], errors: np.ndarray) -> None:
    """Print how much larger the error is than in the order of the files."""
    print(f"\n{budget_s:g} s: error against the files' order, sets better and worse")
    for name, column in zip(names, errors.T, strict=True):
        ratio = (column - errors[:, 0])[~np.isnan(column - errors[:, 0])]
        change = 100 * fmean(np.clip(ratio, -LIMIT, LIMIT))
        better, worse = int((ratio < -1e-3).sum()), int((ratio > 1e-3).sum())
        print(f"{name:64.64} {change:+6.2f} % {better:3} {worse:3}")


if __name__ == "__main__":
    raise SystemExit(main())
