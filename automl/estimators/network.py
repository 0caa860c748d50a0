"""Multilayer perceptrons that grow epoch by epoch, and meet any target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["EarlyMLPClassifier", "EarlyMLPRegressor", "like"]

LEAST = 1e-7
"""What a probability counts as at least where the loss decides when to stop: one row
that is surely wrong must not decide alone."""


def like(parent: type) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Leave ``sample_weight`` out of a signature where that of a parent has none.

    scikit-learn's networks take weights from 1.7 on. Whoever asks whether a learner
    does reads the signature.

    Examples
    --------
    >>> class Weightless:
    ...     def fit(self, X, y): ...
    >>> class Child(Weightless):
    ...     @like(Weightless)
    ...     def fit(self, X, y, sample_weight=None): ...
    >>> has_fit_parameter(Child(), "sample_weight")
    False
    """

    def choose(fit: Callable[..., Any]) -> Callable[..., Any]:
        if has_fit_parameter(parent, "sample_weight"):
            return fit

        def without(self: Any, X: Any, y: Any) -> Any:
            return fit(self, X, y)

        without.__doc__ = fit.__doc__
        return without

    return choose


def _that_count(
    X: Any, y: np.ndarray, weight: Any
) -> tuple[Any, np.ndarray, dict[str, Any]]:
    """Return the rows that weigh something, and their weights as an argument.

    A batch without any weight cannot be averaged; and as the sum of a batch's weights
    stands against the weight decay, their mean is made 1.
    """
    if weight is None:
        return X, y, {}
    weight = np.asarray(weight, dtype=np.float64)
    counts = weight > 0
    if not counts.all():
        X, y, weight = X[counts], y[counts], weight[counts]
    return X, y, {"sample_weight": weight / weight.mean()}


class _Network(BaseEstimator):
    """What classifier and regressor share.

    scikit-learn's own early stopping looks at the share of right rows: where classes
    differ in size, or are all but told apart, that stands still while the probabilities
    still get better. Here the loss decides, on rows that whoever fits it sets aside.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int, default=(100,)
        Units of each layer.
    activation : str, default="relu"
        As in scikit-learn.
    alpha : float, default=0.0001
        Weight decay.
    learning_rate_init : float, default=0.001
        First step size.
    max_iter : int, default=200
        Passes over the rows at most.
    random_state : int or None, default=None
        Of weights and batches.

    Attributes
    ----------
    model_ : MLPClassifier or MLPRegressor
        scikit-learn's, fitted.
    """

    least_rounds = 1
    """Epochs before a deadline may end the fit: one of many rows takes a second."""

    def __init__(
        self,
        *,
        hidden_layer_sizes: tuple[int, ...] = (100,),
        activation: str = "relu",
        alpha: float = 0.0001,
        learning_rate_init: float = 0.001,
        max_iter: int = 200,
        random_state: int | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.alpha = alpha
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.random_state = random_state

    def _begun(self, y: np.ndarray) -> Any:
        """Keep what the target is coded by, and return scikit-learn's network."""
        raise NotImplementedError

    def _coded(self, y: Any) -> np.ndarray:
        """Return labels or numbers as they are learnt."""
        raise NotImplementedError

    def _losses(self, X: Any, y: np.ndarray) -> np.ndarray:
        """Return the loss of each row, of a coded target."""
        raise NotImplementedError

    def grow(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        patience: Any = None,
        stop: tuple[Any, Any, Any] | None = None,
    ) -> Any:
        """Fit epoch by epoch until patience ends, and keep the best epoch's weights.

        Parameters
        ----------
        X : array of shape (n_rows, n_columns)
            Numbers.
        y : array of shape (n_rows,)
            Labels or numbers.
        sample_weight : array of shape (n_rows,), default=None
            Weights of the rows; of no effect before scikit-learn 1.7.
        patience : object, default=None
            Whose ``is_over(epoch, loss)`` is asked after each epoch, and which then
            has the ``best_round``; None makes all epochs.
        stop : (X, y, sample_weight), default=None
            Rows of known classes that the loss is measured on.
        """
        if not has_fit_parameter(MLPClassifier, "sample_weight"):
            sample_weight, stop = None, stop and (*stop[:2], None)
        X, y, weights = _that_count(X, np.asarray(y).ravel(), sample_weight)
        self.model_: Any = self._begun(y)
        target, best = self._coded(y), None
        for epoch in range(1, int(self.max_iter) + 1):
            self._pass(X, target, weights)
            if patience is None:
                continue
            loss = None if stop is None else self._loss(*stop)
            over = patience.is_over(epoch, loss)
            if loss is not None and patience.best_round == epoch:
                best = _copied(self.model_)
            if over:
                break
        if best is not None:
            self.model_.coefs_, self.model_.intercepts_ = best
        self.n_features_in_ = self.model_.n_features_in_
        return self

    def _pass(self, X: Any, target: np.ndarray, weights: dict[str, Any]) -> None:
        """Make one epoch."""
        self.model_.partial_fit(X, target, **weights)

    def _loss(self, X: Any, y: Any, weight: Any) -> float:
        return float(np.average(self._losses(X, self._coded(y)), weights=weight))

    def _params(self) -> dict[str, Any]:
        # a number would begin anew each epoch: the same batches every time
        chance = check_random_state(self.random_state)
        return {**self.get_params(), "random_state": chance, "early_stopping": False}


def _copied(model: Any) -> tuple[list[np.ndarray], list[np.ndarray]]:
    return [a.copy() for a in model.coefs_], [a.copy() for a in model.intercepts_]


class EarlyMLPClassifier(ClassifierMixin, _Network):
    """`MLPClassifier` that can stop by its log loss. Its parameters are `_Network`'s.

    Examples
    --------
    >>> X = np.arange(8.0).reshape(-1, 1)
    >>> y = ["a", "a", "a", "a", "b", "b", "b", "c"]
    >>> model = EarlyMLPClassifier(max_iter=200, random_state=0).fit(X, y)
    >>> model.predict(X[:2]).tolist()
    ['a', 'a']
    """

    @like(MLPClassifier)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> EarlyMLPClassifier:
        """Make all epochs."""
        self.grow(X, y, sample_weight)
        return self

    def _begun(self, y: np.ndarray) -> Any:
        self.classes_ = np.unique(y)
        return MLPClassifier(**self._params())

    def _coded(self, y: Any) -> np.ndarray:
        return np.searchsorted(self.classes_, np.asarray(y).ravel())

    def _pass(self, X: Any, target: np.ndarray, weights: dict[str, Any]) -> None:
        codes = np.arange(len(self.classes_))
        self.model_.partial_fit(X, target, classes=codes, **weights)

    def _losses(self, X: Any, y: np.ndarray) -> np.ndarray:
        found = self.model_.predict_proba(X)[np.arange(len(y)), y]
        return np.asarray(-np.log(np.maximum(found, LEAST)))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return probabilities of shape (n_rows, n_classes)."""
        check_is_fitted(self)
        return np.asarray(self.model_.predict_proba(X))

    def predict(self, X: Any) -> np.ndarray:
        """Return the likeliest class."""
        likeliest = np.argmax(self.predict_proba(X), axis=1)
        found: np.ndarray = self.classes_[likeliest]
        return found


class EarlyMLPRegressor(RegressorMixin, _Network):
    """`MLPRegressor` on a target of mean 0 and deviation 1.

    Its parameters are `_Network`'s.

    Examples
    --------
    >>> X = np.linspace(0, 1, 50).reshape(-1, 1)
    >>> model = EarlyMLPRegressor(max_iter=2000, random_state=0)
    >>> bool(abs(model.fit(X, 1e6 * X.ravel()).predict(X).mean() - 5e5) < 1e5)
    True
    """

    @like(MLPRegressor)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> EarlyMLPRegressor:
        """Make all epochs."""
        self.grow(X, y, sample_weight)
        return self

    def _begun(self, y: np.ndarray) -> Any:
        y = y.astype(np.float64)
        self.mean_ = float(y.mean())
        self.scale_ = float(y.std()) or 1.0
        return MLPRegressor(**self._params())

    def _coded(self, y: Any) -> np.ndarray:
        y = np.asarray(y, dtype=np.float64).ravel()
        return np.asarray((y - self.mean_) / self.scale_)

    def _losses(self, X: Any, y: np.ndarray) -> np.ndarray:
        return np.asarray((self.model_.predict(X) - y) ** 2)

    def predict(self, X: Any) -> np.ndarray:
        """Return numbers on the target's own scale."""
        check_is_fitted(self)
        found: np.ndarray = self.model_.predict(X) * self.scale_ + self.mean_
        return found
