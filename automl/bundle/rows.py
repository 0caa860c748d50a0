"""New rows for a fitted model: checked against the table that it was fitted on.

Shared by the estimators and by loaded bundles, so both refuse and warn alike. What is
wrong with the columns is an error; what is wrong with cells is counted.
"""

from __future__ import annotations

import logging
import threading
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.encoding import MISSING_SPELLINGS, factorize, goes_by_name, is_textual
from automl.encoding_frame import as_fitted, has_names, is_labelled
from automl.exceptions import AutoMLDataError, AutoMLWarning, named, suggestion
from automl.frames import read_frame

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd

    from automl.encoding import ColumnPlan, TableEncoder

__all__ = ["encode_rows"]

logger = logging.getLogger(__name__)

MOST_MISSING = 5
"""Names of missing columns in a message."""

_ENCODING = threading.Lock()
"""Reading dates sets warning filters for a while, which belong to all threads."""


def encode_rows(
    encoder: TableEncoder,
    X: Any,
    *,
    model: str = "the model",
    made_up: bool = False,
    beside: Collection[str] = (),
) -> pd.DataFrame:
    """Return raw rows as the model's own encoder reads them.

    Parameters
    ----------
    encoder : TableEncoder
        First step of the fitted pipeline.
    X : DataFrame, array, list of rows, polars or Arrow table
        Raw rows: the columns in any order if they have the names of fit.
    model : str, default="the model"
        What to call the model in a complaint.
    made_up : bool, default=False
        Whether the cells are nobody's, so that none is worth a warning.
    beside : collection, default=()
        Names of what fit was given beside the features, such as the target's, as text:
        columns of that name are ignored without a warning.

    Returns
    -------
    DataFrame of shape (n_rows, n_used_columns)

    Raises
    ------
    AutoMLDataError
        If it is no table, a column is missing or the width is another (``E-schema``).
    """
    frame = read_frame(X)
    if is_labelled(X) and goes_by_name(encoder, frame):
        frame = _pick_columns(encoder, frame, beside)
    elif frame.shape[1] != len(encoder.columns):
        raise AutoMLDataError(
            f"X has {frame.shape[1]} features, but {model} is expecting "
            f"{len(encoder.columns)} features as input.",
            code="E-schema",
            hint="Give all columns of fit in their order, or a DataFrame with names.",
        )
    else:
        if is_labelled(X) and has_names(frame):
            _warn_of_names()
        frame = as_fitted(frame, encoder.columns)
    with _ENCODING:
        encoded: pd.DataFrame = encoder.transform(frame)
    if not made_up:
        _report_cells(encoder, frame, encoded)
    return encoded


def _warn_of_names() -> None:
    message = (
        "The columns of X have names, but those of fit had none: they are read by "
        "their place."
    )
    warnings.warn(AutoMLWarning(message, code="W-names"), stacklevel=5)


def _pick_columns(
    encoder: TableEncoder, frame: pd.DataFrame, beside: Collection[str]
) -> pd.DataFrame:
    """Return the columns that were there at fit time; warn of others once."""
    missing = [p.name for p in encoder.plan if p.name not in frame.columns]
    known = frame.columns.isin(list(encoder.columns))
    extra = [name for name in frame.columns[~known] if str(name) not in beside]
    if missing:
        raise _lost_columns(missing, extra)
    if extra:
        others = f" and {len(extra) - 1} more" if len(extra) > 1 else ""
        be = "are" if len(extra) > 1 else "is"
        message = f"Column {named(extra[0])}{others} {be} not known to the model and "
        warnings.warn(
            AutoMLWarning(message + f"{be} ignored.", code="W-extra", column=extra[0]),
            stacklevel=5,
        )
    return frame.loc[:, known]


def _lost_columns(missing: list[Any], extra: list[Any]) -> AutoMLDataError:
    """Return the error about columns that are not there any more."""
    listed = [f"- {named(m)[1:-1] if isinstance(m, str) else m}" for m in missing]
    more = len(missing) - MOST_MISSING
    if more > 0:
        listed = [*listed[:MOST_MISSING], f"- and {more} more"]
    hint = "Add it, with empty cells where it is unknown."
    if extra:
        hint += " " + suggestion(missing[0], [str(name) for name in extra][:1000])
    return AutoMLDataError(
        "The feature names should match those that were passed during fit.\n"
        "Feature names seen at fit time, yet now missing:\n" + "\n".join(listed) + "\n",
        code="E-schema",
        column=missing[0],
        hint=hint,
    )


def _report_cells(
    encoder: TableEncoder, frame: pd.DataFrame, encoded: pd.DataFrame
) -> None:
    """Warn of cells that could not be read, and of columns without a known level."""
    for plan in encoder.plan:
        if plan.kind == "text":
            continue
        codes = encoded[plan.id].to_numpy()
        if plan.kind == "category":
            _report_levels(plan, codes)
            continue
        if not np.isnan(codes).any():
            continue
        place: Any = frame.columns.get_loc(plan.name)
        raw = frame.iloc[:, place]
        unread = _unread_cells(raw, np.isnan(codes))
        if unread:
            message = (
                f"Column {named(plan.name)}: {unread} cells cannot be read as a "
                f"{plan.kind} and count as missing."
            )
            warnings.warn(
                AutoMLWarning(message, code="W-cells", column=plan.name), stacklevel=5
            )


def _report_levels(plan: ColumnPlan, codes: np.ndarray) -> None:
    """Log levels never seen; warn where several rows have no other."""
    unseen = int((codes == len(plan.levels)).sum())
    if not unseen:
        return
    logger.info("Column %s: %d cells of levels never seen", named(plan.name), unseen)
    if unseen > 1 and unseen == np.isfinite(codes).sum():
        message = (
            f"Column {named(plan.name)}: none of its {unseen} cells holds a level that "
            "the model was fitted on."
        )
        warnings.warn(
            AutoMLWarning(message, code="W-unseen", column=plan.name), stacklevel=6
        )


def _unread_cells(raw: pd.Series, lost: np.ndarray) -> int:
    """Return how many cells hold what stands for no missing value."""
    if not is_textual(raw):  # numbers for days, or days for numbers
        there = raw[lost].dropna()
        infinite: Any = ()
        if there.dtype.kind == "f":
            with np.errstate(over="ignore"):  # of longer floats
                infinite = np.isinf(there.to_numpy(dtype=np.float64))
        return len(there) - int(np.sum(infinite))
    codes, cells = factorize(raw[lost])
    spelled = [str(c).strip().lower() in MISSING_SPELLINGS for c in cells]
    counts = np.bincount(codes[codes >= 0], minlength=len(cells))
    return int(counts[~np.array(spelled, dtype=bool)].sum())
