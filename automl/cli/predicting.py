"""Predictions of a loaded model as columns of a file, for the command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from automl.exceptions import AutoMLConfigError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["predicted_columns"]


def predicted_columns(
    model: Any, frame: pd.DataFrame, *, proba: bool, threshold: float | None
) -> dict[str, Any]:
    """Return the columns that are written, by name.

    Parameters
    ----------
    model : Predictor
        As `automl.load` returns.
    frame : DataFrame of shape (n_rows, n_columns)
        Raw rows.
    proba : bool
        Whether each class has a column with its probability.
    threshold : float or None
        Probability from which the second of two classes is predicted; None leaves that
        to the model.

    Raises
    ------
    AutoMLConfigError
        If there is a threshold and the model is not of two classes (``E-threshold``).
    """
    if threshold is not None and model.task_ != "binary":
        raise AutoMLConfigError(
            f"--threshold is for two classes, and this model is for {model.task_}.",
            code="E-threshold",
            hint="Leave it out.",
        )
    shares = None
    if threshold is not None:
        shares = np.asarray(model.predict_proba(frame))
        second = (shares[:, 1] >= threshold).astype(np.int64)
        prediction = np.asarray(model.classes_)[second]
    elif proba:
        prediction, shares = model.predict_both(frame)
    else:
        prediction = model.predict(frame)
    columns: dict[str, Any] = {"prediction": prediction}
    if proba and shares is not None:
        names = (f"probability_{label}" for label in model.classes_)
        columns |= dict(zip(names, shares.T, strict=True))
    return columns
