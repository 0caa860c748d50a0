"""A weighted average of fitted pipelines, as one scikit-learn estimator."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator

from automl.estimators.blockwise import predict_blockwise
from automl.estimators.labels import favoured
from automl.estimators.temperature import tempered

__all__ = ["WeightedEnsemble"]


class WeightedEnsemble(BaseEstimator):
    """Average of fitted pipelines, each with a weight.

    It is put together from what is fitted already and cannot be fitted again. Members
    with the same preparation share it: rows are prepared once for all of them.

    Parameters
    ----------
    parts : list of (Pipeline, list of (str, estimator, float, array or None))
        A fitted preparation, and what predicts from it: a name, the fitted estimator,
        its weight, and the places of its classes among `classes`.
    classes : array of shape (n_classes,), default=None
        Labels; None for regression.
    temperature : float, default=1.0
        What the logarithms of the averaged probabilities are divided by.
    label_factors : tuple of float of length n_classes, default=None
        What probabilities are multiplied by to find the label: that of the greatest
        product. None takes the likeliest class. Probabilities stay as they are.
    """

    def __init__(
        self,
        parts: Any,
        classes: Any = None,
        temperature: float = 1.0,
        label_factors: Any = None,
    ) -> None:
        self.parts = parts
        self.classes = classes
        self.temperature = temperature
        self.label_factors = label_factors

    @property
    def classes_(self) -> np.ndarray:
        """Labels, in the order of the probabilities."""
        if self.classes is None:
            raise AttributeError("classes_: the task is regression")
        return np.asarray(self.classes)

    @property
    def estimators(self) -> list[tuple[str, Any]]:
        """Names and fitted estimators, the preparations left out."""
        return [(name, model) for _, heads in self.parts for name, model, _, _ in heads]

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002 - scikit-learn's signature
        """Refuse: the parts are fitted.

        Raises
        ------
        TypeError
            Always.
        """
        raise TypeError("A weighted ensemble is put together from fitted pipelines.")

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return probabilities of shape (n_rows, n_classes)."""
        total = np.zeros((X.shape[0], len(self.classes_)))
        for prepare, heads in self.parts:
            rows = prepare.transform(X)
            for _, model, weight, places in heads:
                found = predict_blockwise(model, rows)
                found = model.predict_proba(rows) if found is None else found
                total[:, places] += weight * found
        return tempered(total / total.sum(axis=1, keepdims=True), self.temperature)

    def predict(self, X: Any) -> np.ndarray:
        """Return labels or numbers of shape (n_rows,)."""
        if self.classes is not None:
            factors = getattr(self, "label_factors", None)  # older pickles have none
            best = np.argmax(favoured(self.predict_proba(X), factors), axis=1)
            labels: np.ndarray = np.asarray(self.classes_)[best]
            return labels
        total = np.zeros(X.shape[0])
        for prepare, heads in self.parts:
            rows = prepare.transform(X)
            for _, model, weight, _ in heads:
                found = predict_blockwise(model, rows)
                found = model.predict(rows) if found is None else found
                total += weight * np.asarray(found).ravel()
        return total

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, RegressorTags

        tags = super().__sklearn_tags__()
        if self.classes is None:
            tags.estimator_type, tags.regressor_tags = "regressor", RegressorTags()
        else:
            tags.estimator_type, tags.classifier_tags = "classifier", ClassifierTags()
        return tags
