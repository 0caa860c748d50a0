"""Out-of-fold predictions to what people look at: curves, matrices, residuals.

Everything is computed on rows that the model had not seen when it predicted them.
Curves come from a sample of the rows where there are many; counts are of all rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from automl.estimators.labels import favoured
from automl.facts.compact import spread
from automl.facts.decisions import (
    HALF,
    even_ties,
    gains,
    one_vs_rest,
    thresholds,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl.folds import Folds

__all__ = ["binary", "multiclass", "performance", "regression"]

MAX_ROWS = 50_000
"""Rows that curves are computed from; the error of a share is then below 0.5 %."""

MAX_POINTS = 200
"""Points of a curve."""

FOLD_POINTS = 60
"""Points of a fold's thin curve."""

MAX_SCATTER = 1_000
"""Points of a scatter."""

MAX_CLASSES = 20
"""Classes of the confusion matrix; rarer ones are pooled."""

MAX_CLASS_ROWS = 100
"""Rows of the table of classes."""

BINS = 40
"""Bars of a histogram."""

QUANTILES = 99
"""Points of the comparison with a normal distribution."""

IQR_OF_NORMAL = 1.349
"""Interquartile range of a normal distribution, in its standard deviations: a few huge
errors do not move it."""


def performance(
    task: str,
    y: np.ndarray,
    prediction: np.ndarray,
    folds: Folds,
    classes: np.ndarray | None,
    factors: Sequence[float] | None = None,
) -> dict[str, Any]:
    """Return the facts about the winner's out-of-fold predictions.

    Parameters
    ----------
    task : str
        ``binary``, ``multiclass`` or ``regression``.
    y : array of shape (n_rows,)
        Class codes, or numbers.
    prediction : array of shape (n_rows, n_classes) or (n_rows,)
        NaN where a row was not scored.
    folds : Folds
        Which rows were scored together.
    classes : array of shape (n_classes,) or None
        Labels.
    factors : list of float of length n_classes, default=None
        Of the classes, that labels are found by.

    Returns
    -------
    dict
        ``task``, ``n_scored``, ``n_rows``, ``sampled`` (a sentence, or None), and
        what `binary`, `multiclass` or `regression` return.
    """
    known = _known(prediction)
    rows = np.flatnonzero(known)
    sample, sentence = _sample(rows)
    facts: dict[str, Any] = {
        "task": task,
        "n_scored": len(rows),
        "n_rows": len(y),
        "sampled": sentence,
    }
    if not len(rows):
        return facts
    if task == "regression":
        return facts | regression(y, prediction, sample)
    if classes is None:
        return facts
    labels = [str(c) for c in classes]
    if task == "binary":
        return facts | binary(y, prediction, rows, sample, folds, labels, factors)
    return facts | multiclass(y, prediction, rows, sample, labels, factors)


def _known(prediction: np.ndarray) -> np.ndarray:
    ends = prediction.reshape(len(prediction), -1)[:, [0, -1]]
    known: np.ndarray = np.isfinite(ends).all(axis=1)
    return known


def _sample(rows: np.ndarray) -> tuple[np.ndarray, str | None]:
    if len(rows) <= MAX_ROWS:
        return rows, None
    chosen = np.random.default_rng(0).choice(len(rows), MAX_ROWS, replace=False)
    return rows[np.sort(chosen)], (
        f"Curves are drawn from {MAX_ROWS:,} of {len(rows):,} held-out rows, taken at "
        "random; counts are of all of them."
    )


def binary(
    y: np.ndarray,
    prediction: np.ndarray,
    rows: np.ndarray,
    sample: np.ndarray,
    folds: Folds,
    labels: list[str],
    factors: Sequence[float] | None = None,
) -> dict[str, Any]:
    """Return curves and counts of two classes.

    Returns
    -------
    dict
        ``labels``, ``positive``, ``matrix``, ``classes``, ``histogram``,
        ``calibration`` and, if both classes are there, ``roc``, ``fold_rocs``, ``pr``,
        ``gains`` and ``thresholds``.
    """
    score = prediction[:, 1] if prediction.ndim == 2 else prediction
    truth = y.astype(np.int64)
    own = HALF if factors is None else float(factors[0])
    predicted = (score[rows] > own).astype(np.int64)  # as the model: of equals, 0
    matrix = np.bincount(truth[rows] * 2 + predicted, minlength=4).reshape(2, 2)
    t, s = truth[sample], score[sample].astype(np.float64)
    facts: dict[str, Any] = {
        "labels": labels,
        "positive": labels[1],
        "matrix": _matrix(matrix, labels, None),
        "classes": _per_class(matrix, labels),
        "histogram": _histogram_by_class(t, s, labels),
        "calibration": _calibration(t, s),
    }
    if 0 < t.sum() < len(t):
        facts["roc"] = _roc(t, s, MAX_POINTS)
        facts["pr"] = _precision_recall(t, s)
        facts["fold_rocs"] = _fold_rocs(truth, score, sample, folds)
        facts["gains"] = gains(t, s)
        facts["thresholds"] = thresholds(truth[rows], score[rows], own)
    return facts


def _roc(truth: np.ndarray, score: np.ndarray, points: int) -> dict[str, Any]:
    from sklearn.metrics import auc, roc_curve

    fpr, tpr, _ = roc_curve(truth, score)
    # Along the curve, which climbs from 0 to 2 in this sum.
    place = np.searchsorted(fpr + tpr, np.linspace(0, 2, points)).clip(0, len(fpr) - 1)
    place = np.unique(np.concatenate([[0], place, [len(fpr) - 1]]))
    if len(place) > points:
        place = place[spread(len(place), points)]
    return {"x": fpr[place], "y": tpr[place], "area": float(auc(fpr, tpr))}


def _fold_rocs(
    truth: np.ndarray, score: np.ndarray, sample: np.ndarray, folds: Folds
) -> list[dict[str, Any]]:
    if len(folds) < 2:
        return []
    chosen = np.zeros(len(truth), dtype=bool)
    chosen[sample] = True
    found = []
    for _, test in folds.splits:
        rows = test[chosen[test]]
        if 0 < truth[rows].sum() < len(rows):
            found.append(_roc(truth[rows], score[rows], FOLD_POINTS))
    return found


def _precision_recall(truth: np.ndarray, score: np.ndarray) -> dict[str, Any]:
    from sklearn.metrics import average_precision_score, precision_recall_curve

    precision, recall, _ = precision_recall_curve(truth, score)
    precision, recall = precision[::-1], recall[::-1]  # recall rises
    place = np.searchsorted(recall, np.linspace(0, 1, MAX_POINTS - 2))
    place = np.unique(np.concatenate([[0], place, [len(recall) - 1]]))
    place = place[place < len(recall)]
    return {
        "x": recall[place],
        "y": precision[place],
        "area": float(average_precision_score(truth, score)),
        "share": float(truth.mean()),
    }


def _histogram_by_class(
    truth: np.ndarray, score: np.ndarray, labels: list[str]
) -> dict[str, Any]:
    edges = np.linspace(0, 1, BINS // 2 + 1)
    return {
        "edges": edges,
        "counts": [np.histogram(score[truth == c], edges)[0] for c in (0, 1)],
        "labels": labels,
    }


def _calibration(truth: np.ndarray, score: np.ndarray) -> dict[str, Any]:
    """Return the share of the second class in tenths of the rows, by their score."""
    order, truth = np.argsort(score, kind="stable"), even_ties(truth, score)
    parts = [p for p in np.array_split(order, 10) if len(p)]
    return {
        "predicted": [float(score[p].mean()) for p in parts],
        "observed": [float(truth[p].mean()) for p in parts],
        "rows": [len(p) for p in parts],
    }


def multiclass(
    y: np.ndarray,
    prediction: np.ndarray,
    rows: np.ndarray,
    sample: np.ndarray,
    labels: list[str],
    factors: Sequence[float] | None = None,
) -> dict[str, Any]:
    """Return counts and curves of more than two classes.

    Returns
    -------
    dict
        ``labels``, ``matrix`` (the commonest classes, the others pooled), ``classes``
        and ``one_vs_rest``: a curve for each of the commonest classes.
    """
    n = len(labels)
    truth = y[rows].astype(np.int64)
    guess = np.argmax(favoured(prediction[rows], factors), axis=1)
    full = np.bincount(truth * n + guess, minlength=n * n).reshape(n, n)
    shown, names, sentence = full, labels, None
    if n > MAX_CLASSES:
        shown, names, sentence = _pooled(full, labels)
    return {
        "labels": labels[:MAX_CLASS_ROWS],
        "matrix": _matrix(shown, names, sentence),
        "classes": _per_class(full, labels),
        "one_vs_rest": one_vs_rest(
            y[sample].astype(np.int64), prediction[sample], labels, _roc
        ),
    }


def _pooled(full: np.ndarray, labels: list[str]) -> tuple[np.ndarray, list[str], str]:
    n = len(labels)
    common = np.sort(np.argsort(-full.sum(axis=1), kind="stable")[: MAX_CLASSES - 1])
    group = np.full(n, MAX_CLASSES - 1)
    group[common] = np.arange(MAX_CLASSES - 1)
    pooled = np.zeros((MAX_CLASSES, MAX_CLASSES), dtype=np.int64)
    np.add.at(pooled, (group[:, None], group[None, :]), full)
    rest = n - len(common)
    names = [labels[i] for i in common] + [f"{rest} other classes"]
    sentence = (
        f"The {len(common)} commonest of {n} classes are shown one by one; the other "
        f"{rest} are pooled, so mistakes among them are not seen here."
    )
    return pooled, names, sentence


def _matrix(
    counts: np.ndarray, labels: list[str], sentence: str | None
) -> dict[str, Any]:
    total = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, total, out=np.zeros(counts.shape), where=total > 0)
    return {"labels": labels, "counts": counts, "share": share, "pooled": sentence}


def _per_class(full: np.ndarray, labels: list[str]) -> dict[str, Any]:
    hits = np.diag(full).astype(float)
    support, called = full.sum(axis=1), full.sum(axis=0)
    recall = np.divide(hits, support, out=np.full(len(hits), np.nan), where=support > 0)
    precision = np.divide(
        hits, called, out=np.full(len(hits), np.nan), where=called > 0
    )
    both = support + called
    f1 = np.divide(2 * hits, both, out=np.full(len(hits), np.nan), where=both > 0)
    order = np.argsort(-support, kind="stable")[:MAX_CLASS_ROWS]
    cut = None
    if len(labels) > MAX_CLASS_ROWS:
        cut = f"{len(labels) - MAX_CLASS_ROWS} rarer classes are not listed."
    rows = [[labels[i], int(support[i]), precision[i], recall[i], f1[i]] for i in order]
    return {"rows": rows, "cut": cut}


def regression(
    y: np.ndarray, prediction: np.ndarray, sample: np.ndarray
) -> dict[str, Any]:
    """Return the errors of a regression.

    Returns
    -------
    dict
        ``scatter``, ``tenths``, ``by_actual``, ``residuals``, ``normal``, ``errors``.
    """
    truth = y[sample].astype(np.float64)
    guess = prediction[sample].astype(np.float64)
    gap = truth - guess
    chosen = np.random.default_rng(0).permutation(len(sample))[:MAX_SCATTER]
    low, high = np.quantile(gap, [0.005, 0.995])
    edges = np.linspace(low, high, BINS + 1) if high > low else np.array([low, low + 1])
    outside = int(((gap < edges[0]) | (gap > edges[-1])).sum())
    squares = float(((truth - truth.mean()) ** 2).sum())
    return {
        "scatter": {"actual": truth[chosen], "predicted": guess[chosen]},
        "tenths": _tenths(guess, gap),
        "by_actual": _by_actual(truth, gap),
        "normal": _against_normal(gap),
        "residuals": {
            "edges": edges,
            "counts": np.histogram(gap, edges)[0],
            "outside": outside,
        },
        "errors": {
            "mean": float(gap.mean()),
            "mae": float(np.abs(gap).mean()),
            "rmse": float(np.sqrt((gap**2).mean())),
            "median_ae": float(np.median(np.abs(gap))),
            "r2": 1 - float((gap**2).sum()) / squares if squares else None,
        },
    }


def _tenths(guess: np.ndarray, gap: np.ndarray) -> dict[str, Any]:
    """Return quantiles of the residuals in tenths of the rows, by prediction."""
    # of equal predictions the order is by chance, and not that of the table
    chance = np.random.default_rng(0).permutation(len(guess))
    order = chance[np.argsort(guess[chance], kind="stable")]
    parts = [p for p in np.array_split(order, 10) if len(p)]
    levels = np.array([np.quantile(gap[p], [0.1, 0.5, 0.9]) for p in parts])
    return {
        "predicted": [float(guess[p].mean()) for p in parts],
        "low": levels[:, 0],
        "median": levels[:, 1],
        "high": levels[:, 2],
        "rows": [len(p) for p in parts],
    }


def _by_actual(truth: np.ndarray, gap: np.ndarray) -> dict[str, Any]:
    """Return size and direction of errors in tenths of the rows, by actual value."""
    order = np.argsort(truth, kind="stable")
    parts = [p for p in np.array_split(order, 10) if len(p)]
    return {
        "low": [float(truth[p].min()) for p in parts],
        "high": [float(truth[p].max()) for p in parts],
        "mae": [float(np.abs(gap[p]).mean()) for p in parts],
        "bias": [float(gap[p].mean()) for p in parts],
        "rows": [len(p) for p in parts],
    }


def _against_normal(gap: np.ndarray) -> dict[str, Any]:
    """Return quantiles of the errors beside those of a normal distribution."""
    from scipy.special import ndtri

    n = int(min(QUANTILES, len(gap)))
    share = (np.arange(n) + 0.5) / n
    low, high = np.quantile(gap, [0.25, 0.75])
    sd = float(high - low) / IQR_OF_NORMAL or float(gap.std())
    far = float(np.abs(gap - gap.mean()).max())
    return {"x": ndtri(share), "y": np.quantile(gap, share), "sd": sd, "far": far}
