"""How good what predicts is, against what is known in hindsight, and what it took.

``python -m benchmarks.quality DIR --budget 20 --seeds 0,1 --out r.jsonl`` fits three
quarters of each set with each seed. Beside the score on the quarter that was held out,
it has the regret against two oracles: the best of the finished configurations by the
held-out quarter, and the ensemble of them whose weights are chosen on it. Both are
fitted on all of the three quarters, after the clock has stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from automl.assembly import refit_of
from automl.budget import Budget
from automl.ensemble import blend, pool
from automl.evaluate import Task, run_task
from automl.folds import Folds
from automl.problem import make_problem
from automl.settings import Settings
from automl.trial import FoldResult
from automl.workplace import close_workplace, write_workplace
from benchmarks.jobs import KILL_FACTOR, keep_row, make_jobs, read_rows
from benchmarks.memory import LOOK_S, memory_tree
from benchmarks.one import Fitted, fit_set

MOST = 25
"""Configurations that the oracles choose from: the best by cross-validation, and the
best of each family."""

ORACLES_S = 600.0
"""Seconds that the fits for the oracles may take beside those of the search."""

SHOWN = (
    "regret_single", "regret_ensemble", "busy", "orchestration", "overrun",
    "wasted_folds", "peak_mib", "row_ms", "model_mb",
)  # fmt: skip
"""Figures of which the summary has the median."""


def main(arguments: list[str] | None = None) -> int:
    """Measure what the command line asks for; return 1 if a fit failed."""
    given = _arguments(arguments)
    done = {(r["name"], r["budget"], r["seed"]): r for r in read_rows(given.out)}
    rows = []
    for seed in [int(text) for text in given.seeds.split(",")]:
        common = {
            "budget": given.budget, "seed": seed, "n_jobs": given.jobs,
            "settings": json.loads(given.settings),
        }  # fmt: skip
        for job in make_jobs(given.folder, given.datasets, common):
            row = done.get((job["name"], job["budget"], job["seed"]))
            if row is None:
                row = run_watched(job)
                keep_row(given.out, row)
            rows.append(row)
            _print_row(row)
    _print_summary(rows)
    return int(any(row["failure"] for row in rows))


def _arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.quality", description=__doc__
    )
    parser.add_argument("folder", nargs="?", type=Path, help="Parquet and index.csv")
    parser.add_argument("--budget", type=float, default=20.0, help="seconds a fit")
    parser.add_argument("--seeds", default="0", help="numbers with commas")
    parser.add_argument("--datasets", default="all", help="all, core, tune, or names")
    parser.add_argument("--jobs", type=int, default=-1, help="processes of a run")
    parser.add_argument("--settings", default="{}", help="of AutoML, as JSON")
    parser.add_argument("--out", type=Path, help="JSON lines; finished fits are kept")
    return parser.parse_args(given)


def run_watched(job: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of a fit in a process of its own, with its peak of memory."""
    command = [sys.executable, "-m", "benchmarks.quality", "--child", json.dumps(job)]
    limit = KILL_FACTOR * job["budget"] + 30 + ORACLES_S
    until, peak = time.monotonic() + limit, 0.0
    with tempfile.TemporaryDirectory() as folder:
        mark = Path(folder) / "fitted"
        said = (Path(folder) / "out").open("w+", encoding="utf-8")
        wrong = (Path(folder) / "err").open("w+", encoding="utf-8")
        environment = {**os.environ, "QUALITY_MARK": str(mark)}
        with (
            said,
            wrong,
            subprocess.Popen(
                command, stdout=said, stderr=wrong, env=environment
            ) as child,
        ):
            while child.poll() is None and time.monotonic() < until:
                if not mark.exists():  # the oracles' fits are none of the run's
                    peak = max(peak, sum(memory_tree(child.pid).values()))
                time.sleep(LOOK_S)
            if child.poll() is None:
                child.kill()
                return {**job, "failure": f"killed after {limit:.0f} s"}
        text = (Path(folder) / "out").read_text("utf-8").splitlines()
        last = (Path(folder) / "err").read_text("utf-8").strip().splitlines()[-1:]
    if child.returncode or not text:
        reason = (last or [f"exit {child.returncode}"])[0][:300]
        return {**job, "failure": reason}
    return {**job, **json.loads(text[-1]), "peak_mib": peak, "failure": None}


def measure(job: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of one fit: its own, and those against the oracles."""
    before = _cpu_s()
    fitted = fit_set(job)
    total_s = _cpu_s() - before
    mark = os.environ.get("QUALITY_MARK")
    if mark:
        Path(mark).touch()
    model, figures = fitted.model, fitted.figures
    folds = [(t, f) for t in model.trials_ if t.number for f in t.folds]
    useful_s = sum(fitted.model.facts_["run"]["cpu_s"].values())
    wasted = sum(t.number not in model.weights_ for t, _ in folds)
    return {
        **figures,
        "overrun": figures["wall"] / job["budget"],
        "orchestration": (total_s - useful_s) / useful_s if useful_s else None,
        "wasted_folds": wasted / len(folds) if folds else None,
        **_oracles(fitted, job),
    }


def _cpu_s() -> float:
    """Return the CPU seconds of this process and of its children that are over."""
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, whose))


def _oracles(fitted: Fitted, job: dict[str, Any]) -> dict[str, Any]:
    """Return the scores of the oracles, and the regrets against them."""
    model, metric = fitted.model, fitted.model.metric_
    predictions, y = _held_out_predictions(fitted, job)
    scores = {n: metric.score(y, p) for n, p in predictions.items()}
    if not scores:
        return dict.fromkeys(
            ("oracle_single", "oracle_ensemble", "regret_single", "regret_ensemble")
        )
    single = max(scores.values())
    ensemble = max(single, _best_blend(fitted, predictions, scores, y))
    chosen = model.score(fitted.X_test, fitted.y_test)
    return {
        "oracle_single": metric.natural(single),
        "oracle_ensemble": metric.natural(ensemble),
        "regret_single": _regret(chosen, single, metric.sign),
        "regret_ensemble": _regret(chosen, ensemble, metric.sign),
        "oracle_models": len(scores),
    }


def _regret(chosen: float, best: float, sign: int) -> float | None:
    """Return how much larger the error is, as a share; negative where it is smaller.

    Of an area or a share, the error is what is missing to one.
    """
    error, least = ((1 - s) if sign > 0 else -s for s in (chosen, best))
    return (error - least) / least if least > 0 else None


def _held_out_predictions(
    fitted: Fitted, job: dict[str, Any]
) -> tuple[dict[int, np.ndarray], np.ndarray]:
    """Return predictions of the held-out rows by each configuration, and the truth."""
    model = fitted.model
    settings = Settings(
        task=job["task"], metric="auto", budget=Budget(None, 1, 0.0), cv=2,
        candidates=job.get("settings", {}).get("candidates", "auto"), n_jobs=1,
        random_state=job["seed"], run_dir=None, trial_time_limit_s=None,
        memory_limit_mib=None, drop_missing_target=False, ensemble=True,
        deploy="auto", select="best", shown={},
    )  # fmt: skip
    problem = make_problem(fitted.X_train, fitted.y_train, settings, 1)
    table, candidates = problem.table, {c.name: c for c in problem.candidates}
    rows = table.encoder.transform(fitted.X_test)
    members = sorted(pool(model.trials_), key=lambda t: -t.score)[:MOST]
    found: dict[int, np.ndarray] = {}
    until = time.monotonic() + ORACLES_S
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "place"
        write_workplace(
            place, table, problem.folds, problem.metric, candidates, job["seed"]
        )
        for trial in members:
            task = Task(
                "refit", 0, trial.number, candidate=trial.candidate,
                params=dict(trial.params), rounds=trial.rounds, deadline=until,
            )  # fmt: skip
            outcome = run_task(place, task)
            if outcome.error is None:
                part = refit_of(trial, 1.0, candidates, table, outcome.value)
                found[trial.number] = _predicted(part.pipeline, part.places, rows)
        close_workplace()
    y = fitted.y_test.to_numpy()
    if model.task_ != "regression":
        y = pd.Index(model.classes_).get_indexer(pd.Series(np.asarray(fitted.y_test)))
        found = {n: _of_all(p, len(model.classes_)) for n, p in found.items()}
    return found, y


def _predicted(pipeline: Any, places: Any, rows: pd.DataFrame) -> np.ndarray:
    """Return numbers, or probabilities at the places of the table's classes."""
    if places is None:
        return np.asarray(pipeline.predict(rows), dtype=np.float64).ravel()
    found = np.zeros((len(rows), int(places.max()) + 1))
    found[:, places] = pipeline.predict_proba(rows)
    return found


def _of_all(prediction: np.ndarray, n_classes: int) -> np.ndarray:
    """Return probabilities with columns of zeros for the classes after the last."""
    missing = n_classes - prediction.shape[1]
    return np.pad(prediction, ((0, 0), (0, missing)))


def _best_blend(
    fitted: Fitted,
    predictions: dict[int, np.ndarray],
    scores: dict[int, float],
    y: np.ndarray,
) -> float:
    """Return the score of the ensemble whose weights are chosen on the truth itself."""
    trials = {t.number: t for t in fitted.model.trials_}
    members = [
        replace(trials[n], folds=(FoldResult(n, 0, "ok", score),))
        for n, score in sorted(scores.items(), key=lambda item: -item[1])
    ]
    all_rows = np.arange(len(y))
    only = Folds(((all_rows, all_rows),), "the held-out quarter", ())
    best = blend(members, lambda n, _: predictions[n], y, only, fitted.model.metric_)
    return members[0].score if best is None else best.scores[0]


def _print_row(row: dict[str, Any]) -> None:
    if row["failure"]:
        print(f"{row['name']:24} seed {row['seed']} FAILED: {row['failure']}")
        return
    shown = "  ".join(f"{k} {_figure(row[k])}" for k in SHOWN)
    print(
        f"{row['name']:24} seed {row['seed']}  test {row['test']:<9.5g}  {shown}",
        flush=True,
    )


def _print_summary(rows: list[dict[str, Any]]) -> None:
    done = [r for r in rows if not r["failure"]]
    print(f"\n{len(rows)} fits, {len(rows) - len(done)} failed; medians:")
    for key in SHOWN:
        values = [r[key] for r in done if r[key] is not None]
        print(f"  {key:16} {_figure(median(values)) if values else '-'}")


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(measure(json.loads(sys.argv[2]))))
    else:
        sys.exit(main())
