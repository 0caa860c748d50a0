"""A loaded model for new data: checks the table, then predicts.

Between bundle and user. It has no search state, and asks of the pipeline only that its
first step encodes the raw table.
"""

from __future__ import annotations

import logging
import threading
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.metaestimators import available_if

from automl.bundle.schema import plain
from automl.encoding import MISSING_SPELLINGS, as_frame, factorize, is_textual
from automl.exceptions import AutoMLDataError, AutoMLWarning, suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from sklearn.pipeline import Pipeline

__all__ = ["Predictor", "predictions_of"]

logger = logging.getLogger(__name__)

_ENCODING = threading.Lock()
"""Reading dates sets warning filters for a while, which belong to all threads."""


def _has_probabilities(predictor: Predictor) -> bool:
    rest = predictor._rest  # noqa: SLF001
    return predictor.task_ != "regression" and hasattr(rest, "predict_proba")


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
        encoded = self._encode(X)
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
        encoded = self._encode(X)
        if len(encoded):
            return np.asarray(self._rest.predict_proba(encoded))
        return np.empty((0, len(self.classes_)))

    def _encode(self, X: Any) -> pd.DataFrame:
        try:
            frame = as_frame(X)
        except (TypeError, ValueError) as error:
            raise AutoMLDataError(str(error), code="E-type") from error
        if self._encoder.named and any(isinstance(c, str) for c in frame.columns):
            frame = self._pick_columns(frame)
        elif frame.shape[1] != self.n_features_in_:
            raise AutoMLDataError(
                f"The table has {frame.shape[1]} columns; {self.n_features_in_} were "
                "expected, as in the table that the model was fitted on. Give all of "
                "them in that order, or a DataFrame with their names.",
                code="E-schema",
            )
        with _ENCODING:
            encoded: pd.DataFrame = self._encoder.transform(frame)
        self._report_cells(frame, encoded)
        return encoded

    def _pick_columns(self, frame: pd.DataFrame) -> pd.DataFrame:
        repeated = frame.columns[frame.columns.duplicated()]
        if len(repeated):
            raise AutoMLDataError(
                f"The column name {repeated[0]!r} stands more than once; names must "
                "differ. Rename or drop the copies.",
                code="E-duplicate-columns",
                column=repeated[0],
            )
        missing = [p.name for p in self._encoder.plan if p.name not in frame.columns]
        if missing:
            others = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
            names = [str(c) for c in frame.columns if c not in self._encoder.columns]
            hint = suggestion(missing[0], names[:50]) if names else ""
            raise AutoMLDataError(
                f"Column {missing[0]!r}{others} is missing; the model was fitted on "
                f"it. Add it, with empty cells where it is unknown. {hint}".rstrip(),
                code="E-schema",
                column=missing[0],
            )
        known = frame.columns.isin(list(self._encoder.columns))
        if not known.all():
            extra = frame.columns[~known]
            warnings.warn(
                f"Column {extra[0]!r} and {len(extra) - 1} more are not known to the "
                "model and are ignored."
                if len(extra) > 1
                else f"Column {extra[0]!r} is not known to the model and is ignored.",
                AutoMLWarning,
                stacklevel=4,
            )
        return frame.loc[:, known]

    def _report_cells(self, frame: pd.DataFrame, encoded: pd.DataFrame) -> None:
        """Warn of cells that could not be read; log levels never seen."""
        named = self._encoder.named and any(isinstance(c, str) for c in frame.columns)
        for plan in self._encoder.plan:
            if plan.kind == "text":
                continue
            codes = encoded[plan.id].to_numpy()
            if plan.kind == "category":
                unseen = int((codes == len(plan.levels)).sum())
                if unseen:
                    logger.info("Column %r: %d levels never seen", plan.name, unseen)
                continue
            if not np.isnan(codes).any():
                continue
            raw = frame[plan.name] if named else frame.iloc[:, plan.position]
            unread = _unread_cells(raw, np.isnan(codes))
            if unread:
                warnings.warn(
                    f"Column {plan.name!r}: {unread} cells cannot be read as a "
                    f"{plan.kind} and count as missing.",
                    AutoMLWarning,
                    stacklevel=4,
                )


def _unread_cells(raw: pd.Series, lost: np.ndarray) -> int:
    """Return how many cells have a text that stands for no missing value."""
    if not is_textual(raw):
        return 0
    codes, cells = factorize(raw[lost])
    spelled = [str(c).strip().lower() in MISSING_SPELLINGS for c in cells]
    counts = np.bincount(codes[codes >= 0], minlength=len(cells))
    return int(counts[~np.array(spelled, dtype=bool)].sum())


def predictions_of(predictor: Predictor, rows: pd.DataFrame) -> dict[str, Any]:
    """Return predictions, and probabilities if there are any, as JSON values."""
    found = {"prediction": plain(predictor.predict(rows))}
    if hasattr(predictor, "predict_proba"):
        found["probability"] = plain(predictor.predict_proba(rows))
    return found
