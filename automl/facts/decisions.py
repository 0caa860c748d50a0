"""Out-of-fold predictions to decisions: thresholds, gains, each class by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from automl.facts.compact import shorten

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "HALF",
    "best_f1",
    "even_ties",
    "gains",
    "one_vs_rest",
    "overlooked",
    "thresholds",
]

HALF = 0.5
"""The threshold of the likelier class."""

MAX_THRESHOLDS = 199
"""Thresholds that can be looked at."""

GAIN_POINTS = 101
"""Points of the curve of gains: one for each percent of the rows."""

FOUND_LEAST = 0.5
"""Share of the positive class that labels should find, if another threshold would."""

LIFT = 1.5
"""Times as often as among all rows must be right what such a threshold calls so."""

LONGEST_LABEL = 60
"""Characters of a class's name in a sentence."""

MAX_CURVES = 8
"""Classes with a curve of their own: more cannot be told apart."""

CURVE_POINTS = 100
"""Points of a class's curve."""


def thresholds(
    truth: np.ndarray, score: np.ndarray, own: float = HALF
) -> dict[str, Any]:
    """Return what each threshold would decide, counted over all rows.

    A row is called positive from the threshold on. Half of the thresholds are evenly
    spread, the others are quantiles of the scores, where decisions change.

    Parameters
    ----------
    truth : array of shape (n_rows,)
        0 or 1.
    score : array of shape (n_rows,)
        Probability of 1.
    own : float, default=0.5
        Above which the model says 1.

    Returns
    -------
    dict
        ``at`` (ascending), ``tp`` and ``fp`` at each, ``positives`` and ``negatives``,
        ``own``, and ``named``: how many of the positives the model finds with it.

    Examples
    --------
    >>> found = thresholds(np.array([0, 0, 1]), np.array([0.1, 0.6, 0.9]))
    >>> int(found["tp"][found["at"].tolist().index(0.5)]), found["positives"]
    (1, 1)
    """
    even = np.round(np.linspace(0.01, 0.99, 99), 2)
    among = np.quantile(score, np.linspace(0, 1, MAX_THRESHOLDS - len(even)))
    among = np.array([float(f"{v:.3g}") for v in among])  # as it is shown
    at = np.unique(np.concatenate([even, [own], among[(among > 0) & (among < 1)]]))
    counts = []
    for code in (1, 0):
        of_code = np.sort(score[truth == code].astype(np.float64))
        counts.append(len(of_code) - np.searchsorted(of_code, at, side="left"))
    return {
        "at": at,
        "tp": counts[0],
        "fp": counts[1],
        "positives": int((truth == 1).sum()),
        "negatives": int((truth == 0).sum()),
        "own": own,
        "named": int((score[truth == 1] > own).sum()),
    }


def best_f1(found: Mapping[str, Any]) -> int:
    """Return the place of the threshold with the best F1, of equals that nearest .5.

    Parameters
    ----------
    found : dict
        As `thresholds` returns it.

    Examples
    --------
    >>> found = {"at": [0.1, 0.4, 0.9], "tp": [2, 2, 1], "fp": [0, 0, 0]}
    >>> best_f1({**found, "positives": 2})
    1
    """
    at, tp, fp = (np.asarray(found[name]) for name in ("at", "tp", "fp"))
    f1 = 2 * tp / np.maximum(tp + fp + int(found["positives"]), 1)
    return int(np.lexsort((np.abs(at - 0.5), -f1))[0])


def overlooked(found: Mapping[str, Any], positive: str) -> str:
    """Return that labels miss most of a class and what would find more; else nothing.

    Nothing is said where the threshold was chosen for the metric.

    Parameters
    ----------
    found : dict
        As `thresholds` returns it.
    positive : str
        What the class is called.

    Examples
    --------
    >>> truth, score = np.repeat([0, 1], [90, 10]), np.repeat([0.1, 0.3], [90, 10])
    >>> overlooked(thresholds(truth, score), "yes").split(". ")[0]
    "As it is, the model finds 0 % of 'yes'"
    """
    at, tp, fp = (np.asarray(found[name]) for name in ("at", "tp", "fp"))
    n = int(found["positives"])
    if not n or found["own"] != HALF:  # it was chosen for the metric
        return ""
    best = best_f1(found)
    own, more = 100 * found["named"] / n, 100 * tp[best] / n
    right = 100 * tp[best] / max(tp[best] + fp[best], 1)
    by_chance = 100 * n / (n + int(found["negatives"]))
    if own >= 100 * FOUND_LEAST or more <= own or right < LIFT * by_chance:
        return ""
    name = shorten(positive, LONGEST_LABEL)
    return (
        f"As it is, the model finds {own:.0f} % of {name!r}. With a threshold of "
        f"{at[best]:.3g}, where F1 is best, it would find {more:.0f} %, and "
        f"{right:.0f} % of the rows called so would be right: choose one under "
        "Performance."
    )


def gains(truth: np.ndarray, score: np.ndarray) -> dict[str, Any]:
    """Return how much of the positive class is in the rows with the highest scores.

    Returns
    -------
    dict
        ``x`` (share of the rows) and ``y`` (share of the positive class found there).
    """
    order = np.argsort(-score, kind="stable")
    evened = even_ties(truth, score)[order]
    found = np.concatenate([[0], np.cumsum(evened)]) / max(int(truth.sum()), 1)
    x = np.linspace(0, 1, GAIN_POINTS)
    return {"x": x, "y": found[np.round(x * len(truth)).astype(np.int64)]}


def even_ties(truth: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Return the mean truth of rows with the same score, for each row.

    Their order in the table, which may be that of the target, then says nothing.

    Examples
    --------
    >>> even_ties(np.array([1, 1, 0, 0]), np.array([0.5, 0.5, 0.5, 0.1])).round(2)
    array([0.67, 0.67, 0.67, 0.  ])
    """
    _, code = np.unique(score, return_inverse=True)
    means: np.ndarray = np.bincount(code, truth) / np.bincount(code)
    return means[code]


def one_vs_rest(
    truth: np.ndarray, prediction: np.ndarray, labels: Sequence[str], curve: Any
) -> list[dict[str, Any]]:
    """Return the ROC curve of each of the commonest classes against all others.

    Parameters
    ----------
    truth : array of shape (n_rows,)
        Codes.
    prediction : array of shape (n_rows, n_classes)
        Probabilities.
    labels : list of str
        Names of the classes.
    curve : callable
        From truth (0 or 1), score and a number of points to ``x``, ``y``, ``area``.
    """
    counts = np.bincount(truth, minlength=len(labels))
    common = np.argsort(-counts, kind="stable")[:MAX_CURVES]
    found = []
    for c in np.sort(common):
        if 0 < counts[c] < len(truth):
            own = curve((truth == c).astype(int), prediction[:, c], CURVE_POINTS)
            found.append({"label": labels[c], **own})
    return found
