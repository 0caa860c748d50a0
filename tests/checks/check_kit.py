"""Evidence for checks: tables with a planted fault, and the fifty clean ones."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn import datasets

from automl.checks import CHECKS, Evidence
from automl.folds import make_folds
from automl.metrics import resolve_metric
from automl.scrutiny import _identifiers
from automl.table import make_table
from automl.trial import BASELINE, FoldResult, Trial

BY_CODE = {check.code: check for check in CHECKS}


def found_by(code, evidence):
    """Return what one check found."""
    return BY_CODE[code].run(evidence)


def evidence_of(X, y, *, cv=5, metric="auto", given=None, **more):
    """Return what checks see of a table, before any configuration is tried."""
    table = make_table(X, y, **(given or {}))
    folds = make_folds(
        table.y, cv=cv, stratify=table.is_classification, groups=table.groups,
        time=table.time, random_state=0, copies=table.copies,
    )  # fmt: skip
    return Evidence(
        table, folds, resolve_metric(metric, table.task),
        identifiers=_identifiers(table, X), **more,
    )  # fmt: skip


def trial(number, scores, candidate="ridge", **params):
    """Return a finished configuration with these scores of its folds."""
    folds = tuple(FoldResult(number, k, "ok", s) for k, s in enumerate(scores))
    name = BASELINE if number == 0 else candidate
    return Trial(number, name, params, "start", "ok", folds)


def shuffled(n_rows, seed=0):
    """Return a column of numbers and classes that have nothing to do with it."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"x": rng.normal(size=n_rows)}), rng.integers(0, 2, n_rows)


BASE = [0.5] * 5


def scored(winner, base, **more):
    """Return evidence of a winner with these scores of its folds."""
    X, y = classes(0, n_rows=200)
    trials = (trial(0, base), trial(1, winner))
    return evidence_of(X, y, trials=trials, winner=trials[1], single=trials[1], **more)


# ------------------------------------------------------------------------ real tables


@functools.cache
def bundled(name):
    """Return one of scikit-learn's tables, rows in an order by chance."""
    found = getattr(datasets, f"load_{name}")(as_frame=True)
    order = np.random.default_rng(0).permutation(len(found.target))
    X = found.data.iloc[order].reset_index(drop=True)
    y = found.target.iloc[order].reset_index(drop=True)
    if name == "digits":
        X, y = X.iloc[:1000], y.iloc[:1000]
    return X, y


def bank():
    """Return the example table, the target apart."""
    path = Path(__file__).parents[2] / "examples" / "data" / "bank.csv"
    frame = pd.read_csv(path).iloc[:2000]
    return frame.drop(columns="y"), frame["y"]


def classes(seed, n_rows=400, n_classes=2, sep=1.0, flip=0.02, weights=None):
    """Return a generated table of classes in clusters."""
    X, y = datasets.make_classification(
        n_rows, 8, n_informative=5, n_redundant=1, n_classes=n_classes, class_sep=sep,
        flip_y=flip, weights=weights, n_clusters_per_class=1, random_state=seed,
    )  # fmt: skip
    return pd.DataFrame(X).add_prefix("x"), pd.Series(y)


def numbers(seed, n_rows=400, noise=20.0):
    """Return a generated table with a number to predict."""
    X, y = datasets.make_regression(
        n_rows, 8, n_informative=5, noise=noise, random_state=seed
    )
    return pd.DataFrame(X).add_prefix("x"), pd.Series(y)


def mixed(seed, n_rows=500):
    """Return a generated table of words, numbers and gaps by chance, and a class."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "colour": rng.choice(["red", "green", "blue"], n_rows),
            "town": rng.choice([f"town {i}" for i in range(30)], n_rows),
            "size": rng.gamma(2.0, size=n_rows),
            "age": rng.integers(18, 90, n_rows).astype(float),
        }
    )
    pull = (X["colour"] == "red") * 1.5 + X["size"] - X["age"] / 40
    y = pd.Series((pull + rng.logistic(size=n_rows) > pull.mean()).astype(int))
    X.loc[rng.random(n_rows) < 0.2, "age"] = np.nan
    return X, y


CLEAN = {
    **{name: functools.partial(bundled, name)
       for name in ("iris", "wine", "breast_cancer", "diabetes", "digits")},
    "bank": bank,
    **{f"classes {s}": functools.partial(classes, s) for s in range(8)},
    **{f"three classes {s}": functools.partial(classes, s, n_classes=3)
       for s in range(5)},
    **{f"rare class {s}": functools.partial(classes, s, n_rows=800, weights=[0.93])
       for s in range(4)},
    **{f"separable {s}": functools.partial(classes, s, sep=3.0, flip=0.0)
       for s in range(6)},
    **{f"noise {s}": functools.partial(classes, s, flip=1.0) for s in range(3)},
    **{f"numbers {s}": functools.partial(numbers, s) for s in range(7)},
    **{f"exact numbers {s}": functools.partial(numbers, s, noise=0.0)
       for s in range(4)},
    **{f"mixed {s}": functools.partial(mixed, s) for s in range(7)},
}  # fmt: skip
"""Fifty tables without a leak, listed before any of them was tried."""


# --------------------------------------------------------------------- planted leaks


def _codes(y):
    return pd.factorize(y, sort=True)[0]


def _is_number(y):
    return pd.api.types.is_float_dtype(y) or y.nunique() > 20


def copy_of_target(X, y, _):
    """The target, under another name and scale."""
    return X.assign(leak=(y if _is_number(y) else _codes(y)) * 2.0 + 1.0), y


def noisy_target(X, y, rng):
    """The target with 1 % of noise: of its deviation, or of its rows."""
    if _is_number(y):
        return X.assign(leak=y + rng.normal(0, 0.01 * y.std(), len(y))), y
    codes = _codes(y)
    moved = rng.random(len(y)) < 0.01
    codes = np.where(moved, rng.permutation(codes), codes)
    return X.assign(leak=np.array([f"level {c}" for c in codes])), y


def code_of_outcome(X, y, rng):
    """A code given once the outcome is known: three to a class, or to a tenth."""
    codes = _codes(y) if not _is_number(y) else _codes(pd.qcut(y, 10))
    which = codes * 3 + rng.integers(0, 3, len(y))
    return X.assign(leak=np.array([f"code {c}" for c in which])), y


def row_number(X, y, _):
    """The number of the row in a table sorted by the target."""
    order = np.argsort(y.to_numpy(), kind="stable")
    X, y = X.iloc[order].reset_index(drop=True), y.iloc[order].reset_index(drop=True)
    return X.assign(leak=np.arange(len(y))), y


def leaky_id(X, y, _):
    """A number that was given by outcome, of rows that were shuffled since."""
    order = np.argsort(_codes(y), kind="stable")
    number = np.empty(len(y), dtype=int)
    number[order] = 1000 + np.arange(len(y))
    return X.assign(leak=number), y


def leaky_gaps(X, y, rng):
    """A column that is filled in after the outcome, for one side of it."""
    side = y > y.median() if _is_number(y) else _codes(y) == 0
    value = pd.Series(rng.normal(size=len(y)))
    keep = np.where(rng.random(len(y)) < 0.01, ~side, side)
    return X.assign(leak=value.where(pd.Series(keep))), y


PLANTED = {
    f"{plant.__name__} in {name}": functools.partial(
        lambda plant, make: plant(*make(), np.random.default_rng(0)), plant, make
    )
    for plant in (
        copy_of_target, noisy_target, code_of_outcome, row_number, leaky_id, leaky_gaps
    )
    for name, make in {
        "breast cancer": functools.partial(bundled, "breast_cancer"),
        "diabetes": functools.partial(bundled, "diabetes"),
        "bank": bank,
        "three classes": functools.partial(classes, 1, n_classes=3),
        "mixed": functools.partial(mixed, 0),
    }.items()
}  # fmt: skip
"""Thirty leaks: six kinds in five tables of three tasks."""
