"""Which label a row gets, for metrics that labels decide.

The likeliest class is the right label for the share of right rows. F1, the balanced
accuracy and their like gain where a rare class is named sooner: each class has a factor
that its probability is multiplied by, chosen on rows that no fit had seen. It is one
number however many classes there are, since more fit the rows they are chosen on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from automl.confusion_scores import has_factors, value_of_counts
from automl.estimators.labels import favoured

if TYPE_CHECKING:
    from automl.metrics import Metric

__all__ = [
    "factors_of", "favoured_apart", "fold_score", "has_factors", "with_labels",
]  # fmt: skip

GRID = 100
"""Quantiles of the rows of either class, between which thresholds are tried."""

ENOUGH = 10_000
"""Rows of a class that such quantiles are taken of, at least."""

WIDTH = 0.5
"""Standard deviation, in log odds, of the window that the scores of thresholds are
averaged in: the best by itself is often chance. On 63 splits of 21 tables it is better
on new rows on 28 and worse on 18 (F1), 33 and 16 (correlation of Matthews)."""

SPREAD = 0.25
"""Of the standard deviation of the log odds, where that is less: a learner that is
never sure has them close together. As good as `WIDTH` on those splits."""

NOTHING = 1e-6
"""Probability that counts as nothing."""

FEW = 500
"""Rows of the rarer class, about as many as those splits had, from which the window is
narrower by the fifth root of their number, as that of a kernel regression is."""

POWERS = np.linspace(0.0, 1.25, 11)
"""With more classes: what one over a class's share is raised to. 0 names the likeliest
class; 1 names all as if they were equally frequent. On 27 splits of 9 tables macro F1
is better on 13, worse on 1; with a factor of its own for each class on 10 and 13."""

PARTS = 5
"""Parts of a fold's rows: each has labels by what the other parts show."""


def factors_of(
    metric: Metric, y: np.ndarray, p: np.ndarray, weight: np.ndarray | None = None
) -> tuple[float, ...] | None:
    """Return a factor for each class with which the metric is best on these rows.

    Parameters
    ----------
    metric : Metric
        One that `has_factors`.
    y : array of shape (n_rows,)
        Class codes.
    p : array of shape (n_rows, n_classes)
        Probabilities for rows that no fit had seen.
    weight : array of shape (n_rows,), default=None
        For the metric.

    Returns
    -------
    tuple of float or None
        None where the likeliest class is as good. Those of two classes sum to one: the
        first is the threshold for the second.

    Examples
    --------
    >>> from automl.metrics import resolve_metric
    >>> y, p = np.repeat([0, 1], [90, 10]), np.repeat([0.1, 0.3], [90, 10])
    >>> metric = resolve_metric("f1", "binary")
    >>> factors = factors_of(metric, y, np.c_[1 - p, p])
    >>> 0.1 < factors[0] < 0.3
    True
    """
    codes = y.astype(np.int64)
    mass = np.bincount(codes, weight, p.shape[1])
    known = np.isfinite(p).all()  # else the metric says what is wrong
    if not known or (mass > 0).sum() < 2:
        return None
    if len(y) > len(mass) and (p == p[0]).all():  # a constant: a row for each class
        codes, weight = np.arange(len(mass)), mass
        p = np.tile(p[0], (len(mass), 1))
    if p.shape[1] == 2:
        return _threshold(metric, codes, p, weight)
    return _power(metric, codes, p, weight, mass)


def _threshold(
    metric: Metric, y: np.ndarray, p: np.ndarray, weight: np.ndarray | None
) -> tuple[float, float] | None:
    """Return the threshold for the second class and what is left to one."""
    needed = _needed(p)
    few = int(np.bincount(y, minlength=2).min())
    width = min(WIDTH, SPREAD * float(needed.std())) or WIDTH
    width *= min(1.0, (FEW / max(few, 1)) ** 0.2)
    levels = np.linspace(0, 1, GRID)
    of_class = [needed[y == code] for code in (0, 1)]
    some = [rows[:: max(1, len(rows) // ENOUGH)] for rows in of_class]
    ends = np.unique([np.quantile(rows, levels) for rows in some])
    none, all_rows = ends[0] - 2 * width, ends[-1] + 2 * width
    middles = (ends[1:] + ends[:-1]) / 2
    tried = np.unique(np.concatenate([middles, [none, 0.0, all_rows]]))
    place = np.searchsorted(tried, needed, side="right")
    mass = np.bincount(place * 2 + y, weight, 2 * len(tried) + 2).reshape(-1, 2)
    named = np.cumsum(mass, axis=0)  # of either class, as the second
    rest = named[-1] - named[:-1]
    value = value_of_counts(metric, np.stack([rest, named[:-1]], axis=2) * 1.0)
    # even in log odds, however many of the thresholds lie together
    stretch = np.clip(np.gradient(tried), 0, width)
    window = stretch * np.exp(-0.5 * ((tried[:, None] - tried) / width) ** 2)
    mean = window @ value / window.sum(axis=1)
    best = np.flatnonzero(mean >= mean.max() - 1e-12)
    shift = tried[best[np.argmin(np.abs(tried[best]))]]
    if shift == 0.0:
        return None
    less = float(f"{1 / (1 + np.exp(abs(shift))):.4g}")  # of both, whose digits count
    factors = (less, round(1 - less, 15))
    return factors if shift > 0 else factors[::-1]


def _needed(p: np.ndarray) -> np.ndarray:
    """Return the log odds from which on each row has the second label.

    A probability of nothing has no logarithm: such rows come one unit after the last
    of the others, where a threshold between them still is one.
    """
    p = np.asarray(p, dtype=np.float64)
    logs = np.log(np.maximum(p, NOTHING))
    needed: np.ndarray = logs[:, 0] - logs[:, 1]
    sure = p.min(axis=1) < NOTHING
    if sure.any() and not sure.all():
        limit = np.abs(needed[~sure]).max() + 1
        needed = np.clip(needed, -limit, limit)
    return needed


def _power(
    metric: Metric,
    y: np.ndarray,
    p: np.ndarray,
    weight: np.ndarray | None,
    mass: np.ndarray,
) -> tuple[float, ...] | None:
    """Return a power of one over the share of each class, the rarest being 1."""
    n = p.shape[1]
    share = np.maximum(mass, mass[mass > 0].min())  # a class may have no row here
    tried = [(share / share.min()) ** -power for power in POWERS]
    counts = [
        np.bincount(y * n + np.argmax(p * factors, axis=1), weight, n * n)
        for factors in tried
    ]
    value = value_of_counts(metric, np.reshape(counts, (-1, n, n)).astype(np.float64))
    best = int(np.argmax(value))
    return None if best == 0 else tuple(float(f"{f:.4g}") for f in tried[best])


def with_labels(
    metric: Metric, y: np.ndarray, p: np.ndarray, weight: np.ndarray | None = None
) -> np.ndarray:
    """Return predictions with the labels that are best on these very rows.

    Parameters
    ----------
    metric : Metric
        Predictions stay as they are for one without factors.
    y, p, weight
        As in `factors_of`.
    """
    if not has_factors(metric):
        return p
    return favoured(p, factors_of(metric, y, p, weight))


def favoured_apart(
    metric: Metric,
    y: np.ndarray,
    p: np.ndarray,
    weight: np.ndarray | None = None,
    unit: np.ndarray | None = None,
) -> np.ndarray:
    """Return predictions whose labels were chosen without the rows they are given to.

    Each fifth of the rows gets the factors that the other fifths show; so the metric of
    these labels is no better than that of new ones. Rows that belong together are in
    one part, unless all of them do.

    Parameters
    ----------
    metric, y, p, weight
        As in `factors_of`.
    unit : array of int of shape (n_rows,), default=None
        What a row belongs together with; None if each stands for itself.
    """
    if len(y) < 2 * PARTS:
        return p
    out = np.array(p, dtype=np.float64)
    part = _parts(y, unit)
    for k in np.unique(part):
        own, rest = part == k, part != k
        w = None if weight is None else weight[rest]
        out[own] = favoured(p[own], factors_of(metric, y[rest], p[rest], w))
    return out


def _parts(y: np.ndarray, unit: np.ndarray | None) -> np.ndarray:
    """Return a part for each row, each class spread over all of them."""
    of_row = np.arange(len(y))
    if unit is not None:
        codes = np.unique(unit, return_inverse=True)[1]
        of_row = codes if codes.max() else of_row
    mean = np.bincount(of_row, y) / np.bincount(of_row)
    part = np.empty(len(mean), dtype=np.int64)
    part[np.argsort(mean, kind="stable")] = np.arange(len(mean)) % PARTS
    return np.asarray(part[of_row])


def fold_score(
    metric: Metric,
    y: np.ndarray,
    p: np.ndarray,
    weight: np.ndarray | None = None,
    unit: np.ndarray | None = None,
) -> float:
    """Return the score of a fold's predictions, greater is better.

    Of metrics that `has_factors` it is that of labels as they will be chosen.

    Parameters
    ----------
    metric : Metric
        Of the run.
    y, p, weight
        As `Metric.score` takes them.
    unit : array of int of shape (n_rows,), default=None
        As in `favoured_apart`.
    """
    found = p
    if has_factors(metric):
        found = favoured_apart(metric, y, p, weight, unit)
    return metric.score(y, found, weight)
