"""How a fitted model answers to its columns: dependence and LightGBM's SHAP values.

Done in a worker after the importance, on the same model and held-out rows, with what
is left of that task's time. What leaves here are grids of quantiles and averages over
bins: no row can be read back from it.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.estimators.logarithm import inner_learner, logarithm_of
from automl.fitting import predict
from automl.pipeline import PAIRED
from automl.workplace import at_most

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from sklearn.pipeline import Pipeline

    from automl.workplace import Workplace

__all__ = ["explain"]

DEPENDENCE_SHARE = 0.7
"""Share of what is left for dependence, where SHAP values follow: every family has the
one, and LightGBM alone the other."""

MAX_COLUMNS = 6
"""Columns that are drawn: the most important ones."""

GRID = 16
"""Quantiles at which a number is set."""

MAX_LEVELS = 12
"""Levels of a category that are drawn, the commonest first."""

MIN_LEVEL_ROWS = 10
"""Rows that must have a level for it to be named, as in the schema of a saved model."""

LINES = 25
"""Rows that are drawn one by one (individual conditional expectation)."""

MEAN_ROWS = 200
"""Rows that the mean is taken over; fewer where time is short."""

MIN_ROWS = 20
"""Fewer rows than this say nothing about a mean."""

MAX_CURVES = 3
"""Classes drawn where there are more than two, the commonest first."""

SHAP_ROWS = 500
"""Rows that contributions are computed for, at most."""

SHAP_COLUMNS = 10
"""Columns of the summary."""

SHAP_DRAWN = 3
"""Columns whose contribution is drawn against their value."""

SHAP_BINS = 24
"""Bins of contributions, the same for all columns."""

MIN_BIN = 5
"""Rows that a bin of values must hold to be drawn."""

DRAWN_KINDS = ("number", "boolean", "category", "date")
"""Kinds with values that can be put in an order or counted; free text is not shown."""

_SOURCE = re.compile(r"(?:^|_)(f\d+)(?=_|$)")
"""A column's id in the name of what was prepared from it, or of it and another."""


def explain(
    place: Workplace,
    prefix: Pipeline,
    model: Any,
    rows: np.ndarray,
    order: list[str],
    deadline: float | None,
) -> dict[str, Any]:
    """Return dependence on the first columns, and SHAP values if they are to be had.

    Parameters
    ----------
    place : Workplace
        What the model was fitted on.
    prefix, model : Pipeline, estimator
        Fitted preparation and model.
    rows : array of int
        Held-out rows.
    order : list of str
        Ids of columns, most important first.
    deadline : float or None
        On `time.monotonic`; nothing begins that would not end before.

    Returns
    -------
    dict
        ``dependence``: a list, each with ``column``, ``kind``, ``grid``, ``curves`` (a
        list of ``class`` and ``mean``) and ``lines``; ``n_rows``. ``shap``: None, or
        ``columns`` (pairs of an id and the mean size of its contribution), ``swarm``,
        ``dependence`` and ``n_rows``. ``logarithm_of``: what these add up to the
        logarithm of, if so.
    """
    kinds = {c.id: c.kind for c in place.layout.columns}
    chosen = [c for c in order if kinds.get(c) in DRAWN_KINDS][:MAX_COLUMNS]
    end = float("inf") if deadline is None else deadline
    learner = inner_learner(model)
    has_shap = _has_shap(learner)
    first_end = end
    if deadline is not None and has_shap:
        now = time.monotonic()
        first_end = now + DEPENDENCE_SHARE * (deadline - now)
    shown = _dependences(place, prefix, model, rows, chosen, first_end)
    return {
        "dependence": shown,
        "shap": _shap(place, prefix, learner, rows, kinds, end) if has_shap else None,
        "logarithm_of": logarithm_of(model),
    }


def _dependences(
    place: Workplace,
    prefix: Pipeline,
    model: Any,
    rows: np.ndarray,
    columns: list[str],
    end: float,
) -> list[dict[str, Any]]:
    """Return the dependence on each column, as far as the time goes."""

    def answer(X: pd.DataFrame) -> np.ndarray:
        return predict(place, model, prefix.transform(X))

    grids = {c: grid for c in columns if len(grid := _grid(place, c)) > 1}
    found: list[dict[str, Any]] = []
    cost = _cost(answer, place, rows, end)
    for i, (column, grid) in enumerate(grids.items()):
        n = min(MEAN_ROWS, len(rows))
        if cost is not None:
            least = min(MIN_ROWS, n)
            left = end - time.monotonic()
            n = min(n, max(least, cost.rows(left / (len(grids) - i)) // len(grid)))
            if cost.seconds(n * len(grid)) > left:
                break
        frame = place.X.iloc[at_most(rows, n, place.random_state)]
        found.append(_dependence(place, answer, frame, column, grid))
    return found


@dataclass(frozen=True)
class _Cost:
    """What predicting takes: so much for each call, and so much for each row."""

    call_s: float
    row_s: float

    def seconds(self, n_rows: int) -> float:
        return self.call_s + self.row_s * n_rows

    def rows(self, seconds: float) -> int:
        return max(0, int(min((seconds - self.call_s) / self.row_s, MEAN_ROWS * GRID)))


def _cost(answer: Any, place: Workplace, rows: np.ndarray, end: float) -> _Cost | None:
    """Return what predicting takes, by two sizes; None if the time has no end.

    The first call of a learner is left out: it takes longer than all others.
    """
    if not np.isfinite(end):
        return None
    taken = {}
    few = np.resize(rows, MIN_ROWS)
    many = np.resize(rows, MIN_ROWS * 5)
    for part in (few[:1], few, many):
        started = time.monotonic()
        if started > end:
            return _Cost(1e9, 1e9)  # no time for anything
        answer(place.X.iloc[part])
        taken[len(part)] = time.monotonic() - started
    row_s = max((taken[len(many)] - taken[len(few)]) / (len(many) - len(few)), 1e-7)
    return _Cost(max(taken[len(few)] - row_s * len(few), 0.0), row_s)


def _grid(place: Workplace, column: str) -> np.ndarray:
    """Return the values that a column is set to: quantiles, or its common levels."""
    cells = place.X[column].to_numpy(dtype=np.float64)
    values: np.ndarray = cells[np.isfinite(cells)]
    kind = next(c.kind for c in place.layout.columns if c.id == column)
    if kind in ("category", "boolean"):
        codes, counts = np.unique(values, return_counts=True)
        common = np.argsort(-counts, kind="stable")[:MAX_LEVELS]
        return np.asarray(codes[common[counts[common] >= MIN_LEVEL_ROWS]])
    if not len(values):
        return values
    # the ends are left out: the smallest and the largest value belong to one row each
    return np.unique(np.quantile(values, np.linspace(0.02, 0.98, GRID)))


def _dependence(
    place: Workplace, answer: Any, frame: pd.DataFrame, column: str, grid: np.ndarray
) -> dict[str, Any]:
    """Return how predictions go with one column, all others as they are.

    Friedman's partial dependence (Annals of Statistics 29, 2001), and the single rows
    of Goldstein et al. (JCGS 24, 2015).
    """
    n = len(frame)
    repeated = frame.iloc[np.tile(np.arange(n), len(grid))].copy()
    repeated[column] = np.repeat(grid, n)
    guess = answer(repeated)
    if place.classes is None or guess.shape[1] == 2:
        shown = guess if place.classes is None else guess[:, 1]
        table = shown.reshape(len(grid), n)
        codes = [None if place.classes is None else 1]
        means, lines = [table.mean(axis=1)], table[:, :LINES].T
    else:
        counts = np.bincount(place.y.astype(np.int64), minlength=guess.shape[1])
        codes = [int(c) for c in np.argsort(-counts, kind="stable")[:MAX_CURVES]]
        cube = guess.reshape(len(grid), n, -1)
        means, lines = [cube[:, :, c].mean(axis=1) for c in codes], np.empty((0, 0))
    kind = next(c.kind for c in place.layout.columns if c.id == column)
    return {
        "column": column,
        "kind": kind,
        "grid": grid.tolist(),
        "curves": [
            {"class": c, "mean": m.tolist()} for c, m in zip(codes, means, strict=True)
        ],
        "lines": lines.tolist(),
        "n_rows": n,
    }


def _has_shap(model: Any) -> bool:
    """Return whether it is LightGBM's, and of plain trees: linear leaves have none."""
    if not type(model).__module__.startswith("lightgbm"):
        return False
    params = model.get_params()
    return not (params.get("linear_tree") or params.get("linear_trees"))


def _shap(
    place: Workplace,
    prefix: Pipeline,
    model: Any,
    rows: np.ndarray,
    kinds: Mapping[str, str],
    end: float,
) -> dict[str, Any] | None:
    """Return contributions of columns to LightGBM's predictions, summed up in bins.

    Exact SHAP values of trees (Lundberg et al., Nature Machine Intelligence 2, 2020),
    as LightGBM computes them. Those of what was prepared from one column are added, of
    two columns a half to each.
    """
    names = prefix.get_feature_names_out()
    sources = [_sources(str(name)) for name in names]
    columns = list(dict.fromkeys(chain.from_iterable(sources)))
    frame = place.X.iloc[at_most(rows, SHAP_ROWS, place.random_state)]
    X = prefix.transform(frame)
    n = _affordable(model, X, end)
    if n < min(MIN_ROWS, len(frame)) or not columns:
        return None
    raw = np.asarray(_contributions(model, X[:n]))
    raw = raw.reshape(n, -1, len(names) + 1)[:, :, :-1]
    member = np.array([[s.count(c) / max(1, len(s)) for c in columns] for s in sources])
    parts = raw @ member  # rows, classes, columns
    size = np.abs(parts).mean(axis=(0, 1))
    order = [int(i) for i in np.argsort(-size, kind="stable")[:SHAP_COLUMNS]]
    found: dict[str, Any] = {
        "columns": [[columns[i], float(size[i])] for i in order],
        "n_rows": n,
        "swarm": None,
        "dependence": [],
    }
    if parts.shape[1] > 1:  # of several classes, the size alone
        return found
    values = {columns[i]: _ranked_values(frame[:n], columns[i], kinds) for i in order}
    single = parts[:, 0, :]
    found["swarm"] = _swarm(single, columns, order, values)
    drawn = [i for i in order if kinds[columns[i]] in ("number", "date")][:SHAP_DRAWN]
    found["dependence"] = [
        _shap_dependence(columns[i], kinds[columns[i]], frame[:n], single[:, i])
        for i in drawn
    ]
    return found


def _sources(name: str) -> list[str]:
    """Return the ids of the columns that something was prepared from.

    Examples
    --------
    >>> _sources("text__f3_word_f9"), _sources("arithmetic__f3_year_times_f9")
    (['f3'], ['f3', 'f9'])
    """
    found = _SOURCE.findall(name)
    return found if name.startswith(f"{PAIRED}__") else found[:1]


def _contributions(model: Any, X: Any) -> Any:
    found = model.booster_.predict(X, pred_contrib=True, num_threads=1)
    return found.toarray() if hasattr(found, "toarray") else found


def _affordable(model: Any, X: Any, end: float) -> int:
    """Return for how many rows there is time, by that of the first two."""
    n = int(X.shape[0])
    started = time.monotonic()
    if started > end:
        return 0
    if not np.isfinite(end):
        return n
    _contributions(model, X[: min(2, n)])
    now = time.monotonic()
    per_row = (now - started) / min(2, n)
    return int(min(n, max(0.0, 0.8 * (end - now)) / max(per_row, 1e-9)))


def _ranked_values(
    frame: pd.DataFrame, column: str, kinds: Mapping[str, str]
) -> np.ndarray | None:
    """Return where each value stands among the others, 0 to 1; None if not in order."""
    if kinds.get(column) not in ("number", "date", "boolean"):
        return None
    values = frame[column].to_numpy(dtype=np.float64)
    known = np.isfinite(values)
    place = np.full(len(values), np.nan)
    if known.sum() > 1:
        levels, codes = np.unique(values[known], return_inverse=True)
        place[known] = codes / max(len(levels) - 1, 1)
    return place


def _swarm(
    parts: np.ndarray,
    columns: list[str],
    order: list[int],
    values: Mapping[str, np.ndarray | None],
) -> dict[str, Any] | None:
    """Return for each column how many rows lie in each bin, and how high their values.

    Returns
    -------
    dict
        ``edges`` and ``rows``: lists of the bin, the number of rows and the mean rank
        of the values (None where they have no order).
    """
    low, high = float(parts[:, order].min()), float(parts[:, order].max())
    if not high > low:
        return None
    edges = np.linspace(low, high, SHAP_BINS + 1)
    rows = []
    for i in order:
        bins = np.clip(np.digitize(parts[:, i], edges) - 1, 0, SHAP_BINS - 1)
        rank = values[columns[i]]
        found = []
        for b in np.unique(bins):
            inside = bins == b
            here = None if rank is None else rank[inside][np.isfinite(rank[inside])]
            mean = None if here is None or not len(here) else float(here.mean())
            found.append([int(b), int(inside.sum()), mean])
        rows.append(found)
    return {"edges": edges.tolist(), "rows": rows}


def _shap_dependence(
    column: str, kind: str, frame: pd.DataFrame, part: np.ndarray
) -> dict[str, Any]:
    """Return mean and spread of a column's contribution in bins of its value."""
    values = frame[column].to_numpy(dtype=np.float64)
    known = np.isfinite(values)
    values, part = values[known], part[known]
    found: dict[str, Any] = {"column": column, "kind": kind, "bins": []}
    if not len(values):
        return found
    edges = np.unique(np.quantile(values, np.linspace(0, 1, 13)))
    bins = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 1)
    for b in np.unique(bins):
        inside = bins == b
        if inside.sum() >= MIN_BIN:
            low, middle, high = np.quantile(part[inside], [0.1, 0.5, 0.9])
            found["bins"].append(
                [float(np.median(values[inside])), float(low), float(middle),
                 float(high), int(inside.sum())]
            )  # fmt: skip
    return found
