"""Finished runs to make reports of: real data, real out-of-fold predictions."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import itertools
import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from automl.candidates import load_candidates
from automl.explain import explain
from automl.facts import Importance, RunRecord
from automl.facts.comparison import compare_runs
from automl.fitting import fit_prefix, native_categories
from automl.folds import make_folds
from automl.live import live_facts, render_live
from automl.metrics import resolve_metric
from automl.pipeline import build_pipeline
from automl.report.comparing import render_comparison
from automl.report.writing import write_text
from automl.table import make_table
from automl.trial import FoldResult, Trial
from automl.workplace import close_workplace, open_workplace, write_workplace

TITLES = {
    "linear": "Linear model",
    "tree": "Decision tree",
    "k_nearest": "k nearest neighbours",
    "boosting": "Boosted trees",
}

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    "{{7*7}}",
    "'\"><b>bold</b>",
    "x" * 200,
    "=1+1",
    "-2+3+cmd|'/C calc'!A0",
)
"""Names that would do harm, or break the page, if they were taken for markup; and in a
sheet, for formulas."""

ERROR = """Traceback (most recent call last):
  File "/somewhere/env/lib/python3.11/site-packages/sklearn/base.py", line 1365
    return fit_method(estimator, *args, **kwargs)
ValueError: Input X contains <b>negative</b> values.
"""


@functools.lru_cache
def record(task: str) -> RunRecord:
    """Return a finished run of a task, computed once."""
    X, y = _data(task)
    table = make_table(X, y, task=task)
    metric = resolve_metric("auto", task)
    folds = make_folds(
        table.y,
        cv=5,
        stratify=task != "regression",
        groups=None,
        time=None,
        random_state=0,
    )
    filled = SimpleImputer(keep_empty_features=True).fit_transform(
        table.X[table.ids("number", "boolean", "category", "date")]
    )
    scaled = StandardScaler().fit_transform(filled)
    trials, kept = _search(task, scaled, table.y, folds, metric)
    done = [t for t in trials if t.status == "ok"]
    winner = max(done, key=lambda t: t.score)
    return RunRecord(
        table=table,
        metric=metric,
        folds=folds,
        trials=tuple(trials),
        winner=winner.number,
        predictions=lambda number: kept[number],
        titles=TITLES,
        importance=_importance(scaled, table, kept[winner.number]),
        pipeline=_pipeline(table, task),
        members=tuple((t.number, 0.5, task == "binary") for t in done[-2:]),
        settings={"time_budget_s": 60.0, "metric": "auto", "n_jobs": 2, "cv": None},
        timeline={
            "read": 0.08,
            "search": 55.2,
            "refit": 1.4,
            "report": 0.3,
            "total": 57.1,
            "budget": 60.0,
        },
        cpu_s={"folds": 98.1, "end": 2.2},
        limits={"kept for the fit on all rows": "1.4 s", "memory, at most": "900 MiB"},
        interrupted=False,
        started_utc="2031-05-02T09:30:00+00:00",
        environment={"python": "3.11.4", "scikit-learn": "1.9.1", "cpu count": "2"},
        notes=("The task was inferred.",),
        explanation=explained(table, folds, metric),
    )


@contextlib.contextmanager
def fitted(table, folds, metric, name="lightgbm", rounds=20, params=None):
    """Give a small fitted model as a worker has it, with held-out rows and ids."""
    candidates = load_candidates(name)
    with tempfile.TemporaryDirectory() as home:
        folder = write_workplace(Path(home) / "w", table, folds, metric, candidates, 0)
        place, _ = open_workplace(folder)
        try:
            point = {"n_estimators": rounds} if name == "lightgbm" else {}
            point |= params or {}
            pipeline = build_pipeline(candidates[name], point, place.layout, 0)
            train, test = place.splits[0]
            prefix, X = fit_prefix(place, pipeline[:-1], train)
            model = pipeline[-1]
            model.fit(X, place.y[train], **native_categories(model, prefix))
            yield place, prefix, model, test, list(place.X.columns)
        finally:
            close_workplace()


def explained(table, folds, metric, name="lightgbm"):
    """Return what a worker finds of a small model of this candidate."""
    with fitted(table, folds, metric, name) as parts:
        return explain(*parts, None)


def with_all_parts(facts: dict[str, Any], text: str = "ordinary") -> dict[str, Any]:
    """Return the facts with what other parts of the library add, made up."""
    statuses = ("fail", "warn", "note", "pass", "skipped")
    return facts | {
        "estimate": {
            "natural": 0.9, "low": 0.87, "high": 0.93, "level": 0.95, "method": "bbc",
            "text": f"Made of {text} draws.", "raw": 0.92, "n_configurations": 9,
            "n_resamples": 500, "seconds": 0.1, "warning": "Too few rows to conclude.",
        },
        "checks": [
            {
                "code": f"AML00{i}", "title": f"Check {i} {text}", "status": status,
                "evidence": f"Seen: {text}.", "action": f"Do {text}.",
                "columns": [text] * 12,
            }
            for i, status in enumerate(statuses)
        ],
        "weak_slices": {
            "rows": [
                {
                    "column": text, "slice": text, "n": 40 + i, "natural": 0.7,
                    "low": 0.6, "high": 0.8, "difference": -0.2, "significant": i == 0,
                }
                for i in range(3)
            ],
            "overall": 0.9,
            "note": "A few look weak by chance.",
        },
    }  # fmt: skip


def with_names(run: RunRecord, names: tuple[str, ...]) -> RunRecord:
    """Return the run with these names for columns, classes, candidates and more."""
    columns = tuple(
        dataclasses.replace(
            c, plan=dataclasses.replace(c.plan, name=names[i % len(names)] + str(i))
        )
        for i, c in enumerate(run.table.columns)
    )
    classes = run.table.classes
    if classes is not None:
        classes = np.array(
            [names[i % len(names)] + str(i) for i in range(len(classes))]
        )
    table = dataclasses.replace(
        run.table, columns=columns, classes=classes, target=names[0]
    )
    importance = None
    if run.importance is not None:
        count = len(run.importance.columns)
        importance = dataclasses.replace(
            run.importance, columns=tuple(names[i % len(names)] for i in range(count))
        )
    trials = tuple(
        dataclasses.replace(
            t,
            params={names[0]: names[1], **t.params},
            reason=names[1] if t.reason else None,
        )
        for t in run.trials
    )
    return dataclasses.replace(
        run,
        table=table,
        importance=importance,
        trials=trials,
        titles={k: names[i % len(names)] for i, k in enumerate(TITLES)},
        environment={names[0]: names[1]},
        settings={"target": names[1], "note": names[0]},
        notes=names,
    )


def with_many_trials(run: RunRecord, count: int) -> RunRecord:
    """Return the run with so many trials, copies of the finished ones."""
    done = [t for t in run.trials if t.status == "ok" and t.candidate != "baseline"]
    more = [
        dataclasses.replace(
            done[i % len(done)],
            number=len(run.trials) + i,
            params={f"parameter_{j}": float(i + 1) * 10**-j for j in range(8)},
        )
        for i in range(count - len(run.trials))
    ]
    first = len(run.trials)

    def predictions(number: int) -> np.ndarray:
        copied = done[(number - first) % len(done)].number
        return run.predictions(number if number < first else copied)

    return dataclasses.replace(
        run, trials=(*run.trials, *more), predictions=predictions
    )


def with_candidates(run, count):
    """Return the run with its trials spread over so many candidates."""
    names = [f"candidate_{i:02d}" for i in range(count)]
    trials = [
        t if t.candidate == "baseline" else dataclasses.replace(t, candidate=c)
        for t, c in zip(run.trials, itertools.cycle(names), strict=False)
    ]
    titles = {name: f"Pipeline number {i} of many" for i, name in enumerate(names)}
    return dataclasses.replace(run, trials=tuple(trials), titles=titles)


def other_pages(home, facts, going):
    """Return a comparison, and the page of a run whose journal goes on."""
    runs = [facts[k] for k in ("binary", "regression", "hostile", "wide")]
    found = compare_runs([(HOSTILE[i], f) for i, f in enumerate(runs)])
    going = live_facts(going, {"linear": HOSTILE[1]})
    texts = {
        "compare": render_comparison(found),
        "live": render_live(going, refresh_s=600.0),
    }
    return {
        k: write_text(text, home / f"{k}.html", durable=False)
        for k, text in texts.items()
    }


def _data(task: str) -> tuple[pd.DataFrame, Any]:
    load = {
        "binary": datasets.load_breast_cancer,
        "multiclass": datasets.load_digits,
        "regression": datasets.load_diabetes,
    }[task]
    bunch = load(as_frame=True)
    rng = np.random.default_rng(0)
    X = bunch.data.iloc[:, :24].copy()
    X["colour"] = rng.choice(["red", "green", "blue"], len(X))
    X["patient_id"] = [f"P{i:05d}" for i in range(len(X))]
    X["seen"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(
        rng.integers(0, 900, len(X)), unit="D"
    )
    X["hospital"] = "north"
    X.iloc[::7, 0] = np.nan
    y = bunch.target
    if task == "binary":
        y = y.map({0: "malignant", 1: "benign"})
    if task == "multiclass":
        y = y.map(lambda d: f"digit {d}")
    return X, y.rename("outcome")


def _search(task, X, y, folds, metric):
    trials, kept = [], {}
    for number, (candidate, params, estimator) in enumerate(_plans(task)):
        origin = "baseline" if candidate == "baseline" else "tpe"
        trial = Trial(number, candidate, params, origin)
        out = np.full((len(y), len(np.unique(y))), np.nan, dtype=np.float32)
        if task == "regression":
            out = out[:, 0]
        raced = number % 6 == 5
        for fold, (train, test) in enumerate(folds.splits[: 2 if raced else None]):
            fitted = estimator.fit(X[train], y[train])
            predict = getattr(fitted, "predict_proba", fitted.predict)
            if task == "regression":
                predict = fitted.predict
            out[test] = predict(X[test])
            score = metric.score(y[test], out[test])
            trial = trial.with_fold(
                FoldResult(
                    number,
                    fold,
                    "ok",
                    score=score,
                    fit_s=0.02 + 0.01 * (number % 5),
                    predict_s=0.002 * (1 + number % 3),
                    started_s=1.5 * number + 0.5 * fold,
                    ended_s=1.5 * number + 0.5 * fold + 0.3 + 0.04 * (number % 5),
                    worker=0 if candidate == "baseline" else 4000 + number % 2,
                )
            )
        status = "raced" if raced else "ok"
        reason = "behind the best on the same 2 folds" if raced else None
        trials.append(dataclasses.replace(trial, status=status, reason=reason))
        kept[number] = out
    failed = FoldResult(
        len(trials), 0, "error", error=ERROR, reason=ERROR.strip().split("\n")[-1],
        started_s=36.0, ended_s=37.0, worker=4001,
    )  # fmt: skip
    for status in ("error", "error", "timeout"):
        number = len(trials)
        result = dataclasses.replace(failed, trial=number)
        trials.append(
            Trial(
                number,
                "boosting",
                {"learning_rate": 0.1},
                "random",
                status=status,
                folds=(result,) if status == "error" else (),
                reason=None if status == "error" else "no fold ended in 30 s",
            )
        )
    return trials, kept


def _plans(task):
    regression = task == "regression"
    yield "baseline", {}, DummyRegressor() if regression else DummyClassifier()
    for i, alpha in enumerate(np.logspace(-4, 2, 8)):
        model = Ridge(alpha)
        if not regression:
            model = LogisticRegression(C=alpha, max_iter=2000, tol=0.01)
        kind = "none" if i % 2 else "standard"
        yield "linear", {"alpha": float(alpha), "scale": kind}, model
    tree = DecisionTreeRegressor if regression else DecisionTreeClassifier
    for depth in range(2, 10):
        leaf = 1 + 7 * (depth % 3)
        model = tree(max_depth=depth, min_samples_leaf=leaf, random_state=0)
        yield "tree", {"max_depth": depth, "min_samples_leaf": leaf}, model
    near = KNeighborsRegressor if regression else KNeighborsClassifier
    for k in (1, 3, 5, 9, 15, 25):
        weights = "distance" if k % 3 else "uniform"
        params = {"n_neighbors": k, "weights": weights, "p": 1 + k % 2}
        yield "k_nearest", params, near(**params)


def _importance(X, table, prediction) -> Importance:
    guess = prediction[:, -1] if prediction.ndim == 2 else prediction
    strength = np.abs(X.T @ (guess - guess.mean())) / (len(X) * guess.std())
    order = np.argsort(-strength)
    columns = [c for c in table.columns if c.used]
    return Importance(
        columns=tuple(str(columns[i].name) for i in order),
        mean=tuple(float(strength[i]) / 10 for i in order),
        std=tuple(0.004 + 0.001 * (i % 3) for i in range(len(order))),
        note="Each column was shuffled 5 times among held-out rows of every fold.",
    )


def _pipeline(table, task):
    columns = ColumnTransformer(
        [
            (
                "number",
                make_pipeline(SimpleImputer(strategy="median"), StandardScaler()),
                table.ids("number", "date"),
            ),
            (
                "category",
                OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
                table.ids("category", "boolean"),
            ),
        ]
    )
    model = Ridge(0.1) if task == "regression" else LogisticRegression(C=0.1)
    return make_pipeline(table.encoder, columns, model)


def finite(value: Any) -> bool:
    """Return whether a value is no NaN and no infinity."""
    return not isinstance(value, float) or math.isfinite(value)
