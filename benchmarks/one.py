"""One data set, one fit: print its figures as a line of JSON."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from automl import AutoML
from automl.trial import FAILED


@dataclass(frozen=True)
class Fitted:
    """A model, and what it was fitted on and scored on.

    Attributes
    ----------
    model : AutoML
        Fitted on three quarters of a set.
    X_train, y_train : DataFrame, Series
        These.
    X_test, y_test : DataFrame, Series
        The quarter that was held out, of classes that the model knows.
    figures : dict
        What it came to.
    """

    model: AutoML
    X_train: pd.DataFrame
    y_train: pd.Series
    X_test: pd.DataFrame
    y_test: pd.Series
    figures: dict[str, Any]


def measure(job: dict[str, Any]) -> dict[str, Any]:
    """Return what a fit on three quarters of a set came to."""
    return fit_set(job).figures


def fit_set(job: dict[str, Any]) -> Fitted:
    """Fit three quarters of a set, and return all that there is then."""
    path = Path(job["path"])
    table = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    y = table.pop(job["target"])
    classes = job["task"] != "regression"
    common = y if classes and y.value_counts().min() > 1 else None
    X_train, X_test, y_train, y_test = train_test_split(
        table, y, test_size=0.25, random_state=job["seed"], stratify=common
    )
    model = AutoML(
        task=job["task"], time_budget_s=job["budget"], n_jobs=job["n_jobs"],
        random_state=job["seed"], verbose=0, **job.get("settings", {}),
    )  # fmt: skip
    started = time.perf_counter()
    model.fit(X_train, y_train)
    wall = time.perf_counter() - started
    seen = np.ones(len(y_test), dtype=bool)
    if classes:  # a class may be in the held-out quarter only
        seen = y_test.isin(list(model.classes_)).to_numpy()
    X_test, y_test = X_test[seen], y_test[seen]
    score = model.score(X_test, y_test)
    trials = [t for t in model.trials_ if t.number]
    cpu = sum(model.facts_["run"]["cpu_s"].values())
    cores = int(model.facts_["environment"]["cores used"])
    figures = {
        "rows": len(X_train),
        "columns": X_train.shape[1],
        "metric": model.metric_.name,
        "greater": model.metric_.sign > 0,
        "test": model.metric_.natural(score),
        "baseline": model.metric_.natural(_baseline(model, y_train, y_test)),
        "cv": model.metric_.natural(model.best_score_),
        "winner": str(model.leaderboard_["candidate"].iloc[0]),
        "members": len(model.weights_),
        "row_ms": _row_ms(model, X_test),
        "model_mb": len(pickle.dumps(model.model_)) / 1e6,
        "wall": wall,
        "busy": cpu / (cores * wall),
        "trials": len(trials),
        "finished": sum(t.status == "ok" for t in trials),
        "failed": sum(t.status in FAILED for t in trials),
        "notes": list(model.notes_)[-2:],
        "commit": _commit(),
        "environment": dict(model.facts_["environment"]),
    }
    return Fitted(model, X_train, y_train, X_test, y_test, figures)


def _baseline(model: AutoML, y_train: pd.Series, y_test: pd.Series) -> float:
    """Return the score of the constant prediction on the same rows."""
    if model.task_ == "regression":
        truth = y_test.to_numpy(dtype=np.float64)
        return model.metric_.score(truth, np.full(len(truth), float(y_train.mean())))
    codes = pd.Index(model.classes_).get_indexer(pd.Series(np.asarray(y_test)))
    known = pd.Index(model.classes_).get_indexer(pd.Series(np.asarray(y_train)))
    shares = np.bincount(known, minlength=len(model.classes_)) / len(known)
    return model.metric_.score(codes, np.tile(shares, (len(codes), 1)))


def _row_ms(model: AutoML, X: pd.DataFrame) -> float:
    """Return the median milliseconds that predicting one row takes."""
    taken = []
    for i in range(min(7, len(X))):
        started = time.perf_counter()
        model.predict(X.iloc[i : i + 1])
        taken.append(time.perf_counter() - started)
    return 1000 * median(taken)


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True,
        check=False, cwd=Path(__file__).parent,
    )  # fmt: skip
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    print(json.dumps(measure(json.loads(sys.argv[1]))))
