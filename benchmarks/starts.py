"""In which order the known starting points are best tried: races run in retrospect.

``python -m benchmarks.starts DIR FITS`` fits every start once to at most 8,000 rows of
each set that is not core, and keeps in the folder FITS what it took and what it
predicts for other rows. Then the race is run on those predictions: in the order that
the files of the candidates give, with each start moved to other places, and without
it. An ensemble of what finished within a budget is scored on rows that nothing was
chosen by. Nothing is fitted twice, so that an hour compares hundreds of orders.

What it promises is to be shown by whole runs: the parts of a table are predicted by one
fit, and no proposals follow the starts (decision 6 has an order that did not hold).
"""

from __future__ import annotations

import argparse
import hashlib
import math
import pickle
import tempfile
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from automl.budget import Budget
from automl.candidates import load_candidates
from automl.evaluate import Task, run_task
from automl.folds import choose_cv
from automl.problem import Problem, make_problem
from automl.settings import Settings
from automl.space import point_key, start_point
from automl.splits import Folds
from automl.workplace import close_workplace, write_workplace
from benchmarks.jobs import make_jobs
from benchmarks.races import Fits, Order, Start, error_of, race

if TYPE_CHECKING:
    from collections.abc import Mapping

FITTED, CHOSEN, HELD = 8000, 2000, 8000
"""Rows at most that are fitted, that choose, and that are held out."""

LONGEST_S = 40.0
"""Seconds after which a learner that grows stops here."""

N_CORES, SEARCHED = 2, 0.8
"""Cores of a run, and the share of their seconds that its search has."""

PLACES = (1, 4, 8, 13, 20)
"""Where each start is tried for comparison."""

LIMIT = 0.05
"""Largest logarithm of a ratio that counts: small tables must not decide alone. What
has no model in time counts as so much worse."""


def main() -> int:
    """Fit what is not there yet, then compare orders."""
    given = _arguments()
    given.fits.mkdir(parents=True, exist_ok=True)
    jobs = make_jobs(given.folder, given.datasets, {"seed": given.seed})
    with Parallel(n_jobs=given.jobs) as parallel:
        places = parallel(delayed(_fit_set)(job, given.fits) for job in jobs)
        tables = [pickle.loads(place.read_bytes()) for place in places]
        for budget_s in given.seconds:
            errors = parallel(delayed(_errors)(table, budget_s) for table in tables)
            _print_orders(budget_s, errors)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.starts", description=__doc__
    )
    parser.add_argument("folder", type=Path, help="Parquet and index.csv")
    parser.add_argument("fits", type=Path, help="where the predictions are kept")
    parser.add_argument("--datasets", default="tune", help="all, core, tune, or names")
    parser.add_argument("--jobs", type=int, default=-1, help="processes")
    parser.add_argument("--seed", type=int, default=0, help="of the split")
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


def variants(order: Order) -> dict[str, Order]:
    """Return the orders that are compared, by name.

    Parameters
    ----------
    order : sequence of (str, str)
        Of the files.
    """
    found = {"as in the files": order}
    for start in order:
        others = [s for s in order if s != start]
        title = ": ".join(start)
        found[f"without {title}"] = others
        for place in PLACES:
            moved = [*others[: place - 1], start, *others[place - 1 :]]
            found[f"{place} {title}"] = moved
    return found


# ---------------------------------------------------------------------------- fits
def _fit_set(job: dict[str, Any], folder: Path) -> Path:
    """Fit all starts to a set, and return where it is kept what they predict."""
    files = repr((FITTED, CHOSEN, HELD, LONGEST_S, load_candidates()))
    digest = hashlib.sha256(files.encode()).hexdigest()[:12]
    place = folder / f"{job['name']}-{job['seed']}-{digest}.pkl"
    if place.exists():
        return place
    table = pd.read_parquet(job["path"])
    table = table[table[job["target"]].notna()].sample(frac=1, random_state=job["seed"])
    n_all = len(table)
    first = min(FITTED, int(0.6 * n_all))
    second = first + min(CHOSEN, int(0.2 * n_all))
    table = table.iloc[: second + HELD]
    known = np.ones(len(table), dtype=bool)
    if job["task"] != "regression":  # a class may be among the other rows only
        seen = table[job["target"]].iloc[:first].value_counts()
        known = table[job["target"]].isin(seen.index[seen >= 4]).to_numpy()
    n, n_chosen = int(known[:first].sum()), int(known[first:second].sum())
    table = table[known].reset_index(drop=True)
    y = table.pop(job["target"])
    settings = Settings(
        task=job["task"], metric="auto", budget=Budget(None, 1, 0.0), cv=2,
        candidates="auto", n_jobs=1, random_state=job["seed"], run_dir=None,
        trial_time_limit_s=None, memory_limit_mib=None, drop_missing_target=False,
        ensemble=True, deploy="auto", select="best", shown={},
    )  # fmt: skip
    problem = make_problem(table, y, settings, 1)
    n_classes = 0 if job["task"] == "regression" else int(y.nunique())
    shape = (int(0.75 * n_all), table.shape[1], n_classes)
    seconds, predictions = _fit_starts(problem, n, shape, job["seed"])
    fits = Fits(
        shape, max(1.0, 0.8 * shape[0] / n), problem.metric, problem.table.y[n:],
        n_chosen, seconds, predictions,
    )  # fmt: skip
    place.write_bytes(pickle.dumps(fits))
    print(f"{job['name']:26} {n:6} rows, {sum(seconds.values()):6.1f} s", flush=True)
    return place


def _fit_starts(
    problem: Problem, n: int, shape: tuple[int, int, int], seed: int
) -> tuple[dict[Start, float], dict[Start, np.ndarray]]:
    """Return the seconds of all starts, and what they predict after row ``n``."""
    n_all = len(problem.table.y)
    rows = np.arange(n_all)
    folds = Folds(((rows[:n], rows[n:]),), "the first rows")
    candidates = {c.name: c for c in problem.candidates}
    seconds: dict[Start, float] = {}
    predictions: dict[Start, np.ndarray] = {}
    known: set[str] = set()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "place"
        write_workplace(place, problem.table, folds, problem.metric, candidates, seed)
        for candidate in problem.candidates:
            if shape[0] > candidate.limits.get("rows", math.inf):
                continue  # a run has more rows than are fitted here
            for number, (_, name, values) in enumerate(candidate.tries()):
                point = start_point(candidate, values)
                key = f"{candidate.name} {point_key(candidate, point)}"
                if key in known:
                    continue  # without pairs of numbers two starts are the same
                known.add(key)
                task = Task(
                    "fold", number, number, 0, candidate.name, point,
                    longest_s=LONGEST_S,
                )  # fmt: skip
                outcome = run_task(place, task)
                start, result = (candidate.name, name), outcome.result
                if result is not None and result.status == "ok":
                    scored = result.predict_s * (n / 4) / (n_all - n)
                    seconds[start] = result.fit_s + scored
                    predictions[start] = np.asarray(outcome.value)
        close_workplace()
    return seconds, predictions


# --------------------------------------------------------------------------- races
def _errors(fits: Fits, budget_s: float) -> dict[str, float]:
    """Return the logarithm of the error that each order comes to."""
    n = choose_cv(*fits.shape, core_seconds=N_CORES * budget_s)
    parts = _parts(fits.y[: fits.n_chosen], fits.metric.task, n)
    scores = {
        start: [fits.metric.score(fits.y[r], p[r]) for _, r in parts.splits]
        for start, p in fits.predictions.items()
    }
    seconds = {start: fits.times * s for start, s in fits.seconds.items()}
    limit_s = SEARCHED * N_CORES * budget_s
    order = [start for start in order_of_files() if start in seconds]
    return {
        name: error_of(fits, parts, race(variant, seconds, scores, limit_s))
        for name, variant in variants(order).items()
    }


def _parts(y: np.ndarray, task: str, n: int) -> Folds:
    """Return parts of the rows that choose: what folds are in a run."""
    rows = np.arange(len(y)) if task == "regression" else np.argsort(y, kind="stable")
    none = np.arange(0)
    splits = tuple((none, np.sort(rows[k::n])) for k in range(n))
    return Folds(splits, "parts")


def _print_orders(budget_s: float, errors: list[dict[str, float]]) -> None:
    """Print how much larger the error is than in the order of the files."""
    print(f"\n{budget_s:g} s: error against the files' order, sets better and worse")
    for name in dict.fromkeys(name for table in errors for name in table):
        ratios = [_ratio(table, name) for table in errors if name in table]
        better, worse = (sum(sign * r > 1e-3 for r in ratios) for sign in (-1, 1))
        print(f"{name:64.64} {100 * fmean(ratios):+6.2f} % {better:3} {worse:3}")


def _ratio(table: Mapping[str, float], name: str) -> float:
    """Return the logarithm of an error over that of the files, within the limits."""
    error, reference = table[name], table["as in the files"]
    if error == reference:  # both infinite: no model by either
        return 0.0
    return min(max(error - reference, -LIMIT), LIMIT)


if __name__ == "__main__":
    raise SystemExit(main())
