"""Names of metrics to functions of predictions.

Everything that scikit-learn scores can be optimised: its scorers are asked about an
estimator that only repeats given predictions, so no scorer is written again here.
"""

from __future__ import annotations

import inspect
import warnings
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.exceptions import AutoMLConfigError, suggestion
from automl.possible import check_possible, least_of, possible
from automl.stored import Stored

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TASKS", "Metric", "name_of", "resolve_metric", "task_of_metric"]

TASKS = ("binary", "multiclass", "regression")
"""The three tasks."""

DEFAULTS = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}
"""What ``metric="auto"`` means for each task."""

PLAIN = {
    "log_loss": "neg_log_loss",
    "brier": "neg_brier_score",
    "rmse": "neg_root_mean_squared_error",
    "mse": "neg_mean_squared_error",
    "mae": "neg_mean_absolute_error",
    "median_ae": "neg_median_absolute_error",
    "mape": "neg_mean_absolute_percentage_error",
    "rmsle": "neg_root_mean_squared_log_error",
    "poisson_deviance": "neg_mean_poisson_deviance",
    "gamma_deviance": "neg_mean_gamma_deviance",
    "auc": "roc_auc",
    "mcc": "matthews_corrcoef",
    "r2": "r2",
}
"""Plain names beside scikit-learn's own scorer names."""

LABELLED = {
    "neg_log_loss": ("log_loss", False),
    "neg_brier_score": ("brier_score_loss", False),
    "d2_log_loss_score": ("d2_log_loss_score", True),
    "d2_brier_score": ("d2_brier_score", True),
    "top_k_accuracy": ("top_k_accuracy_score", True),
}
"""Functions of probabilities that must be told of classes without a scored row."""

OF_MULTICLASS = {
    "roc_auc": "roc_auc_ovr",
    "f1": "f1_macro",
    "precision": "precision_macro",
    "recall": "recall_macro",
    "jaccard": "jaccard_macro",
}
"""What a name for two classes means when there are more."""

OF_SECOND = frozenset(["average_precision", "f1", "jaccard", "precision", "recall"])
"""Metrics that are of the second of two classes, in the order of their labels."""

LOSSES = ("_loss", "_error", "_deviance", "_error_ratio")
"""How scikit-learn's functions are named that are better when smaller."""

CLASSIFICATION = frozenset(
    [
        "accuracy", "balanced_accuracy", "top_k_accuracy", "average_precision",
        "neg_brier_score", "f1", "f1_micro", "f1_macro", "f1_weighted",
        "neg_log_loss", "precision", "precision_micro", "precision_macro",
        "precision_weighted", "recall", "recall_micro", "recall_macro",
        "recall_weighted", "jaccard", "jaccard_micro", "jaccard_macro",
        "jaccard_weighted", "roc_auc", "roc_auc_ovr", "roc_auc_ovo",
        "roc_auc_ovr_weighted", "roc_auc_ovo_weighted", "matthews_corrcoef",
        "positive_likelihood_ratio", "neg_negative_likelihood_ratio",
        "d2_log_loss_score", "d2_brier_score",
    ]
)  # fmt: skip
REGRESSION = frozenset(
    [
        "explained_variance", "r2", "neg_max_error", "neg_median_absolute_error",
        "neg_mean_absolute_error", "neg_mean_squared_error",
        "neg_mean_squared_log_error", "neg_root_mean_squared_error",
        "neg_root_mean_squared_log_error", "neg_mean_poisson_deviance",
        "neg_mean_gamma_deviance", "neg_mean_absolute_percentage_error",
        "d2_absolute_error_score",
    ]
)  # fmt: skip


@dataclass(frozen=True)
class Metric:
    """A scorer with its name: greater is better in `score`, natural in `natural`.

    Attributes
    ----------
    name : str
        As shown: the plain name where there is one.
    scorer : callable
        ``scorer(estimator, X, y, sample_weight=None)``, greater is better.
    sign : int
        1 if the natural value is better when greater, else -1.
    task : str
        The task that it is used for.
    labelled : callable or None
        From a number of classes to a scorer that knows them all, for losses that need
        a class's column though no scored row is of it. Other scorers of probabilities
        are shown the classes that are there.
    own : bool
        Whether it is the user's own, whatever its name.
    labels : array of shape (n_classes,) or None
        What the classes are called, for a scorer of the user's own: it is given labels
        and not their codes.
    least : float or None
        What predictions count as that the metric cannot take, such as a negative one
        under a logarithm; None takes it from the scored rows.
    """

    name: str
    scorer: Callable[..., float]
    sign: int
    task: str
    labelled: Callable[[int], Callable[..., float]] | None = None
    own: bool = False
    labels: np.ndarray | None = field(default=None, compare=False)
    least: float | None = field(default=None, compare=False)

    def score(
        self,
        y: np.ndarray,
        prediction: np.ndarray,
        sample_weight: np.ndarray | None = None,
    ) -> float:
        """Return the score, greater is better; NaN where it is undefined.

        A prediction that the metric cannot take, as one below zero for ``rmsle`` or the
        deviances, counts as the least that it can: one row is no reason to give up a
        configuration. Nothing is moved for scorers of the user's own.

        Parameters
        ----------
        y : array of shape (n_rows,)
            Class codes (0, 1, …) or numbers.
        prediction : array of shape (n_rows, n_classes) or (n_rows,)
            Probabilities, or numbers.
        sample_weight : array of shape (n_rows,), default=None
            Not used by scorers that take no weights.
        """
        if np.isnan(prediction).any():  # whatever the metric makes of gaps
            return np.nan
        if self.task == "regression":
            if not self.own:
                least = least_of(self.name, y) if self.least is None else self.least
                prediction = possible(prediction, least)
            return self._asked(self.scorer, y, prediction, None, sample_weight)
        codes, prediction = y.astype(np.int64), _probabilities(prediction)
        n_classes, present = prediction.shape[1], np.unique(codes)
        classes = np.arange(n_classes) if self.labels is None else self.labels
        whole = (classes[codes], prediction, classes, sample_weight)
        if len(present) < n_classes and self.labelled is not None:
            return self._asked(self.labelled(n_classes), *whole)
        some = 1 < len(present) < n_classes
        method = getattr(self.scorer, "_response_method", None)
        if some and method not in (None, "predict"):  # it reads probabilities
            return self._of_present(present, codes, prediction, sample_weight)
        try:
            return self._asked(self.scorer, *whole)
        except ValueError:
            if not some or method is not None:
                raise
            # a plain function may read probabilities, and know of the labels only
            return self._of_present(present, codes, prediction, sample_weight)

    def _of_present(
        self,
        present: np.ndarray,
        codes: np.ndarray,
        prediction: np.ndarray,
        sample_weight: np.ndarray | None,
    ) -> float:
        """Return the score as if there were only the classes of which rows are."""
        rest = _probabilities(prediction[:, present])
        classes = np.arange(len(present))
        if self.labels is not None:
            classes = self.labels[present]
        shown = classes[np.searchsorted(present, codes)]
        return self._asked(self.scorer, shown, rest, classes, sample_weight)

    def _asked(
        self,
        scorer: Callable[..., float],
        y: np.ndarray,
        prediction: np.ndarray,
        classes: np.ndarray | None,
        sample_weight: np.ndarray | None,
    ) -> float:
        stored = Stored(prediction, classes)
        rows = np.zeros((len(y), 1))
        weighted = sample_weight is not None and self.takes_weights
        kwargs = {"sample_weight": sample_weight} if weighted else {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of classes absent in a fold
            return float(scorer(stored, rows, y, **kwargs))

    @property
    def takes_weights(self) -> bool:
        """Whether rows can be weighed; of one class against one other they cannot."""
        if not self.own and self.name.startswith("roc_auc_ovo"):
            return False
        function = getattr(self.scorer, "_score_func", self.scorer)
        return "sample_weight" in inspect.signature(function).parameters

    @property
    def reads_labels(self) -> bool:
        """Whether it is known to look at labels, and not at probabilities."""
        method = getattr(self.scorer, "_response_method", None)
        return self.task != "regression" and method == "predict"

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the greatest score; infinite where there is none, or unknown.

        Examples
        --------
        >>> resolve_metric("rmse", "regression").bounds
        (-inf, 0.0)
        """
        if self.own:
            return -np.inf, np.inf
        if self.sign < 0:
            # of two classes scikit-learn halves it
            brier = -1.0 if self.task == "binary" else -2.0
            return brier if self.name == "brier" else -np.inf, 0.0
        if self.name == "mcc":
            return -1.0, 1.0
        if self.name == "positive_likelihood_ratio":
            return 0.0, np.inf
        below = self.name.startswith("d2_") or self.task == "regression"
        return -np.inf if below else 0.0, 1.0

    def checked(self, y: np.ndarray, positions: np.ndarray | None = None) -> np.ndarray:
        """Return targets; refuse those that the metric cannot take (``E-metric``)."""
        if not self.own:
            check_possible(self.name, y, positions)
        return y

    def natural(self, score: float) -> float:
        """Return the value as people know it: a log loss of 0.3 and not -0.3."""
        return self.sign * score


def _probabilities(prediction: np.ndarray) -> np.ndarray:
    """Return rows that sum to one in float64, as stored float32 ones do not quite."""
    p = np.clip(np.asarray(prediction, dtype=np.float64), 0.0, 1.0)
    total = p.sum(axis=1, keepdims=True)
    even = np.full_like(p, 1.0 / p.shape[1])
    return np.asarray(np.divide(p, total, out=even, where=total > 0))


def _scorer_name(metric: str) -> str:
    return PLAIN.get(metric, metric)


def task_of_metric(metric: Any) -> str | None:
    """Return ``classification`` or ``regression`` if only one can use the metric.

    Examples
    --------
    >>> task_of_metric("rmse"), task_of_metric("f1"), task_of_metric("auto")
    ('regression', 'classification', None)
    """
    if not isinstance(metric, str):
        return None
    name = _scorer_name(metric)
    if name in REGRESSION:
        return "regression"
    return "classification" if name in CLASSIFICATION else None


def resolve_metric(metric: Any, task: str, labels: np.ndarray | None = None) -> Metric:
    """Return the metric of this name for this task.

    Parameters
    ----------
    metric : str or callable
        ``auto``, a plain name (``log_loss``, ``rmse``, …), a name that
        `sklearn.metrics.get_scorer` knows, or a scorer such as `make_scorer` returns:
        ``scorer(estimator, X, y)``, greater is better. The scorer sees predictions
        only: its ``X`` holds zeros.
    task : str
        One of `TASKS`.
    labels : array of shape (n_classes,), default=None
        What a scorer of the user's own is given for the classes; None gives codes.

    Raises
    ------
    AutoMLConfigError
        If the name is unknown, or the metric is of the other kind of task.

    Examples
    --------
    >>> metric = resolve_metric("rmse", "regression")
    >>> metric.natural(metric.score(np.array([1.0, 2.0]), np.array([1.0, 4.0])))
    1.4142135623730951
    """
    if callable(metric):
        _check_direction(metric)
        name = name_of(metric)
        sign = int(getattr(metric, "_sign", 1))
        return Metric(name, metric, sign, task, own=True, labels=labels)
    known = CLASSIFICATION if task != "regression" else REGRESSION
    if task == "binary":  # the best two of two are always right
        known = known - {"top_k_accuracy"}
    shown = DEFAULTS[task] if metric == "auto" else metric
    name = _scorer_name(shown) if isinstance(shown, str) else shown
    plain = {p for p, s in PLAIN.items() if s in known}
    if not isinstance(name, str) or name not in CLASSIFICATION | REGRESSION:
        raise AutoMLConfigError(
            f"metric={metric!r} is unknown; a metric for {task} was expected.",
            code="E-metric",
            hint=suggestion(metric, known | plain),
        )
    if name not in known:
        other = "multiclass" if task == "binary" else "classification"
        other = "regression" if name in REGRESSION else other
        raise AutoMLConfigError(
            f"metric={metric!r} is for {other}, but the task is {task}.",
            code="E-metric",
            hint=suggestion("", known | plain),
        )
    from sklearn.metrics import get_scorer

    if task == "multiclass":
        name = OF_MULTICLASS.get(name, name)
    try:
        scorer = get_scorer(name)
    except ValueError:  # a scorer of a later scikit-learn
        raise AutoMLConfigError(
            f"metric={metric!r} is not in the installed scikit-learn.",
            code="E-metric",
            hint="Upgrade it, or take another metric.",
        ) from None
    sign = -1 if name.startswith("neg_") else 1
    readable = {s: p for p, s in PLAIN.items() if p != "auc"}
    labelled = partial(_labelled, name) if name in LABELLED else None
    return Metric(readable.get(name, name), scorer, sign, task, labelled)


def name_of(value: Any) -> str:
    """Return what an object is called: a scorer like the function that it asks.

    Examples
    --------
    >>> from sklearn.metrics import make_scorer, mean_absolute_error
    >>> name_of(make_scorer(mean_absolute_error, greater_is_better=False))
    'mean_absolute_error'
    """
    asked = getattr(value, "_score_func", value)
    return str(getattr(asked, "__name__", None) or value)


def _check_direction(metric: Any) -> None:
    """Refuse a loss of scikit-learn that would be maximised, or is no scorer."""
    function = getattr(metric, "_score_func", metric)
    name = str(getattr(function, "__name__", ""))
    if not str(getattr(function, "__module__", "")).startswith("sklearn.metrics."):
        return
    if function is metric and not hasattr(metric, "_sign"):
        raise AutoMLConfigError(
            f"metric={name} is a function of values; a name or a scorer was expected.",
            code="E-metric",
            hint=f"Use make_scorer({name}, greater_is_better=...).",
        )
    if name.endswith(LOSSES) and getattr(metric, "_sign", -1) > 0:
        raise AutoMLConfigError(
            f"metric={name} is a loss, but its scorer says that greater is better.",
            code="E-metric",
            hint=f"Use make_scorer({name}, greater_is_better=False).",
        )


def _labelled(name: str, n_classes: int) -> Callable[..., float]:
    """Return the scorer of a loss that is told of all classes."""
    from sklearn import metrics

    function, greater = LABELLED[name]
    asked = getattr(metrics, function)
    told = "labels" in inspect.signature(asked).parameters  # not all of 1.6
    labels = {"labels": np.arange(n_classes)} if told else {}
    scorer: Callable[..., float] = metrics.make_scorer(
        asked, response_method="predict_proba", greater_is_better=greater, **labels
    )
    return scorer
