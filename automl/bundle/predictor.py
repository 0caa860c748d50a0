"""A loaded model for new data: checks the table, then predicts.

Between bundle and user. It has no search state, and asks of the pipeline only that its
first step encodes the raw table.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.metaestimators import available_if

from automl.bundle.portable import as_code
from automl.bundle.rows import encode_rows
from automl.bundle.schema import plain
from automl.estimators.labels import factors_in, favoured

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from sklearn.pipeline import Pipeline

__all__ = ["Predictor"]


def _has_probabilities(predictor: Predictor) -> bool:
    rest = predictor._rest  # noqa: SLF001
    return predictor.task_ != "regression" and hasattr(rest, "predict_proba")


def _restored(
    content: bytes, schema: Mapping[str, Any], manifest: Mapping[str, Any]
) -> Predictor:
    return Predictor(pickle.loads(content), schema, manifest)  # noqa: S301 - our own


class Predictor:
    """A deployed model with the schema and the manifest of its bundle.

    Parameters
    ----------
    pipeline : Pipeline
        Fitted; its first step is the table's encoder.
    schema : mapping
        The bundle's ``schema.json``.
    manifest : mapping
        The bundle's ``manifest.json``.

    Attributes
    ----------
    task_ : str
        ``binary``, ``multiclass`` or ``regression``.
    classes_ : array of shape (n_classes,)
        The labels; only for classification.
    feature_names_in_ : array of shape (n_columns,)
        Names of the columns of the table that it was fitted on.
    n_features_in_ : int
        How many these are.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        schema: Mapping[str, Any],
        manifest: Mapping[str, Any],
    ) -> None:
        self.pipeline_ = pipeline
        self.schema = dict(schema)
        self.manifest = dict(manifest)
        self.task_ = str(schema["task"])
        self._encoder: Any = pipeline[0]
        self._rest = pipeline[1:]
        names: list[Any] = list(self._encoder.columns)
        self.feature_names_in_ = np.empty(len(names), dtype=object)
        self.feature_names_in_[:] = names
        self.n_features_in_ = len(names)
        if self.task_ != "regression":
            self.classes_ = np.asarray(pipeline.classes_)

    def __reduce__(self) -> tuple[Any, ...]:
        # classes of a loaded model are of its pickle alone: no module has them
        return _restored, (as_code(self.pipeline_), self.schema, self.manifest)

    def __repr__(self) -> str:
        return f"Predictor(task={self.task_!r}, n_features={self.n_features_in_})"

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        return self.pipeline_.__sklearn_tags__()

    def predict(self, X: Any) -> np.ndarray:
        """Return the predicted labels or numbers.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns)
            Raw, as it was fitted on: the columns in any order if they have names.

        Returns
        -------
        array of shape (n_rows,)

        Raises
        ------
        AutoMLDataError
            If a column is missing, or an array has another width.
        """
        return self._predicted(self._encode(X))

    def _predicted(self, encoded: pd.DataFrame) -> np.ndarray:
        if len(encoded):
            return np.asarray(self._rest.predict(encoded))
        empty = self.classes_ if self.task_ != "regression" else np.empty(0)
        return empty[:0]

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class, in the order of ``classes_``.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns)
            As for `predict`.

        Returns
        -------
        array of shape (n_rows, n_classes)

        Raises
        ------
        AutoMLDataError
            If a column is missing, or an array has another width.
        """
        return self._shares(self._encode(X))

    def _shares(self, encoded: pd.DataFrame) -> np.ndarray:
        if len(encoded):
            return np.asarray(self._rest.predict_proba(encoded))
        return np.empty((0, len(self.classes_)))

    def predict_both(self, X: Any) -> tuple[np.ndarray, np.ndarray | None]:
        """Return what `predict` and `predict_proba` do, the rows read only once.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns)
            As for `predict`.

        Returns
        -------
        array of shape (n_rows,)
            Labels or numbers.
        array of shape (n_rows, n_classes) or None
            Probabilities, if the model has any.

        Raises
        ------
        AutoMLDataError
            If a column is missing, or an array has another width.
        """
        return self._both(self._encode(X))

    def _both(self, encoded: pd.DataFrame) -> tuple[np.ndarray, np.ndarray | None]:
        if not hasattr(self, "predict_proba"):
            return self._predicted(encoded), None
        shares = self._shares(encoded)
        if not hasattr(self._rest[-1], "label_factors"):  # a learner has its own way
            return self._predicted(encoded), shares
        best = np.argmax(favoured(shares, factors_in(self.pipeline_)), axis=1)
        return self.classes_[best], shares

    def predict_sample(self, rows: pd.DataFrame) -> dict[str, Any]:
        """Return what is predicted of made-up rows, as JSON values."""
        prediction, shares = self._both(self._encode(rows, made_up=True))
        found = {"prediction": plain(prediction)}
        if shares is not None:
            found["probability"] = plain(shares)
        return found

    def _encode(self, X: Any, *, made_up: bool = False) -> pd.DataFrame:
        # a bundle of an earlier version knows the target alone
        beside = self.schema.get("beside", (self.schema["target"],))
        return encode_rows(self._encoder, X, made_up=made_up, beside=beside)
