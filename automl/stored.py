"""An estimator that gives back stored predictions: scorers ask estimators."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

__all__ = ["Stored"]


class Stored(BaseEstimator):
    """Gives back stored predictions, whatever it is asked about.

    Parameters
    ----------
    prediction : array of shape (n_rows, n_classes) or (n_rows,)
        Probabilities, or numbers.
    classes : array of shape (n_classes,), default=None
        Labels; None for regression.

    Examples
    --------
    >>> Stored(np.array([[0.1, 0.9]]), np.array(["no", "yes"])).predict([[0.0]])
    array(['yes'], dtype='<U3')
    """

    def __init__(self, prediction: Any = None, classes: Any = None) -> None:
        self.prediction: np.ndarray = prediction
        self.classes: np.ndarray | None = classes

    @property
    def classes_(self) -> np.ndarray | None:
        """Labels."""
        return self.classes

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.estimator_type = "regressor" if self.classes is None else "classifier"
        if self.classes is not None:
            from sklearn.utils import ClassifierTags

            tags.classifier_tags = ClassifierTags(multi_class=len(self.classes) > 2)
        return tags

    def predict(self, _X: Any) -> np.ndarray:
        """Return the numbers, or the likeliest labels."""
        if self.classes is None:
            return self.prediction
        labels: np.ndarray = self.classes[np.argmax(self.prediction, axis=1)]
        return labels

    def predict_proba(self, _X: Any) -> np.ndarray:
        """Return the probabilities."""
        return self.prediction
