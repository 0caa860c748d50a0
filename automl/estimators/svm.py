"""Support vector machines with probabilities, and on any scale of target."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import SVC, SVR
from sklearn.utils.validation import check_is_fitted

__all__ = ["CalibratedSVC", "ScaledSVR"]


class CalibratedSVC(ClassifierMixin, BaseEstimator):
    """`SVC` with probabilities by Platt scaling on three inner folds.

    scikit-learn deprecates ``SVC(probability=True)`` for `CalibratedClassifierCV`; a
    spec file names parameters of one class, so the two are joined here. If a class has
    fewer rows than folds, the machine's own margins are read as logarithms of odds.

    Parameters
    ----------
    C : float, default=1.0
        Inverse strength of the regularisation.
    relative_gamma : float, default=1.0
        Narrowness of the radial kernel, times the number of columns: 1 suits scaled
        columns however many there are (scikit-learn's ``gamma="auto"``).
    random_state : int, default=0
        Of the inner folds.

    Examples
    --------
    >>> X = np.arange(20.0).reshape(-1, 1)
    >>> model = CalibratedSVC().fit(X, X.ravel() > 9)
    >>> model.predict_proba(X).shape
    (20, 2)
    """

    def __init__(
        self,
        C: float = 1.0,
        relative_gamma: float = 1.0,
        random_state: int = 0,
    ) -> None:
        self.C = C
        self.relative_gamma = relative_gamma
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> CalibratedSVC:
        """Fit machine and scaling."""
        gamma = self.relative_gamma / max(np.shape(X)[1], 1)
        machine = SVC(C=self.C, gamma=gamma, cache_size=500)
        _, counts = np.unique(y, return_counts=True)
        if counts.min() >= 3:  # one row of each class in each fold
            folds = StratifiedKFold(3, shuffle=True, random_state=self.random_state)
            self.model_ = CalibratedClassifierCV(machine, cv=folds, ensemble=False)
        else:
            self.model_ = machine
        self.model_.fit(X, y, sample_weight=sample_weight)
        self.classes_ = self.model_.classes_
        self.n_features_in_ = self.model_.n_features_in_
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the likeliest class."""
        likeliest = np.argmax(self.predict_proba(X), axis=1)
        found: np.ndarray = self.classes_[likeliest]
        return found

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return probabilities of shape (n_rows, n_classes)."""
        check_is_fitted(self)
        found: np.ndarray
        if hasattr(self.model_, "predict_proba"):
            found = self.model_.predict_proba(X)
        else:
            margins = self.model_.decision_function(X)
            if margins.ndim == 1:
                margins = np.column_stack([np.zeros_like(margins), margins])
            found = softmax(margins, axis=1)
        return found


class ScaledSVR(RegressorMixin, BaseEstimator):
    """`SVR` on a target of mean 0 and deviation 1, so that C and epsilon mean the same.

    Parameters
    ----------
    C : float, default=1.0
        Inverse strength of the regularisation.
    relative_gamma : float, default=1.0
        As in `CalibratedSVC`.
    epsilon : float, default=0.1
        Errors below are none, in deviations of the target.

    Examples
    --------
    >>> X = np.linspace(0, 1, 30).reshape(-1, 1)
    >>> round(float(ScaledSVR().fit(X, 1000 * X.ravel()).predict([[0.5]])[0]), -2)
    500.0
    """

    def __init__(
        self, C: float = 1.0, relative_gamma: float = 1.0, epsilon: float = 0.1
    ) -> None:
        self.C = C
        self.relative_gamma = relative_gamma
        self.epsilon = epsilon

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> ScaledSVR:
        """Fit on the scaled target."""
        y = np.asarray(y, dtype=np.float64)
        self.mean_ = float(y.mean())
        self.scale_ = float(y.std()) or 1.0
        gamma = self.relative_gamma / max(np.shape(X)[1], 1)
        machine = SVR(C=self.C, gamma=gamma, epsilon=self.epsilon, cache_size=500)
        self.model_ = machine.fit(X, (y - self.mean_) / self.scale_, sample_weight)
        self.n_features_in_ = self.model_.n_features_in_
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return numbers on the target's own scale."""
        check_is_fitted(self)
        found: np.ndarray = self.model_.predict(X) * self.scale_ + self.mean_
        return found
