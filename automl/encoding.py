"""Raw table to numbers, without learning from the rows.

The first step of every deployed pipeline: it travels inside the model's pickle by
value, with the reading of cells, so neither imports more of this library. Numbers,
booleans and dates become float64, categories become the position of their level, text
stays text. What is lost is only the spelling of a missing value.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from automl.encoding_cells import (
    MISSING_SPELLINGS,
    as_text,
    factorize,
    is_textual,
    is_unicode,
    level_name,
    parse_numbers,
    read_booleans,
    read_numbers,
    take_or_nan,
)
from automl.encoding_dates import parse_dates, read_dates, zone_type
from automl.encoding_frame import as_frame, has_names, is_labelled, name_key

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = [
    "MISSING_SPELLINGS",
    "ColumnPlan",
    "TableEncoder",
    "as_frame",
    "as_text",
    "encode_column",
    "factorize",
    "goes_by_name",
    "is_textual",
    "is_unicode",
    "level_name",
    "parse_dates",
    "parse_numbers",
    "read_dates",
    "read_numbers",
    "take_or_nan",
    "zone_type",
]


@dataclass(frozen=True)
class ColumnPlan:
    """How one column of the raw table is read.

    Attributes
    ----------
    name : object
        The column's name in the raw table.
    position : int
        Its place there, counted from 0.
    id : str
        Its name in the encoded table: ``f<position>``.
    kind : str
        ``number``, ``boolean``, ``category``, ``date`` or ``text``.
    levels : tuple of str
        A category's levels, sorted unless the user gave them an order; their
        positions are the codes.
    date_format : str or None
        How a date written as text is read (``strptime`` form, or ``mixed``).
    zone : str or None
        The time zone of a column of time stamps that has one other than UTC.
    """

    name: Hashable
    position: int
    id: str
    kind: str
    levels: tuple[str, ...] = ()
    date_format: str | None = None
    zone: str | None = None


class TableEncoder(TransformerMixin, BaseEstimator):
    """Turn a raw table into the numbers and texts that pipelines work on.

    Nothing is estimated: the plan says how each column is read, so transforming is
    the same for one row and for a million.

    Parameters
    ----------
    plan : tuple of ColumnPlan
        The columns to use, in the order of the output.
    columns : tuple
        The names of all columns of the raw table, used or not.
    named : bool
        Whether the columns of the table that was fitted had names of their own and
        were not just counted.

    Examples
    --------
    >>> plan = (ColumnPlan("a", 0, "f0", "number"),
    ...         ColumnPlan("b", 1, "f1", "category", levels=("no", "yes")))
    >>> encoder = TableEncoder(plan, columns=("a", "b"), named=True)
    >>> encoder.transform(pd.DataFrame({"b": ["yes", "new"], "a": [1, 2]}))
        f0   f1
    0  1.0  1.0
    1  2.0  2.0
    """

    def __init__(
        self, plan: tuple[ColumnPlan, ...], columns: tuple[Any, ...], *, named: bool
    ) -> None:
        self.plan = plan
        self.columns = columns
        self.named = named

    def fit(self, X: Any, y: Any = None) -> TableEncoder:  # noqa: ARG002
        """Do nothing: the plan is given."""
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def transform(self, X: Any) -> pd.DataFrame:
        """Return the encoded table.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns)
            Columns in any order if they have the names of fit, those of an array by
            their place; those not in the plan are ignored. A level never seen gets
            the code after the last one, a cell that cannot be read as its kind is
            missing.

        Returns
        -------
        DataFrame of shape (n_rows, len(plan))
            float64, but for text columns. The index is that of ``X``.

        Raises
        ------
        ValueError
            If a column is missing, or an array has another number of columns.
        """
        frame = as_frame(X)
        place = self._places(frame, labelled=is_labelled(X))
        by_kind: dict[str, Any] = {}
        numeric = [p for p in self.plan if p.kind != "text"]
        block = np.empty((len(numeric), len(frame)))
        for row, column in zip(block, numeric, strict=True):
            row[:] = encode_column(frame.iloc[:, place[column.position]], column)
        encoded = pd.DataFrame(
            block.T, columns=[p.id for p in numeric], index=frame.index, copy=False
        )
        for column in self.plan:
            if column.kind == "text":
                text = as_text(frame.iloc[:, place[column.position]])
                by_kind[column.id] = pd.Series(text, index=frame.index, dtype=object)
        if by_kind:
            texts = pd.DataFrame(by_kind, index=frame.index)
            encoded = pd.concat([encoded, texts], axis=1)
        return encoded

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:  # noqa: ARG002
        """Return the ids of the encoded columns, text columns last."""
        ids = [p.id for p in self.plan if p.kind != "text"]
        ids += [p.id for p in self.plan if p.kind == "text"]
        return np.array(ids, dtype=object)

    def _places(self, frame: pd.DataFrame, *, labelled: bool) -> dict[int, int]:
        """Return where each column of the training table stands in ``frame``."""
        if labelled and goes_by_name(self, frame):
            where = {name_key(name): i for i, name in enumerate(frame.columns)}
            missing = [p.name for p in self.plan if name_key(p.name) not in where]
            if missing:
                raise ValueError(
                    "The feature names should match those that were passed during fit."
                    "\nFeature names seen at fit time, yet now missing:\n- "
                    + "\n- ".join(str(name) for name in missing[:5])
                )
            if len(where) < frame.shape[1]:
                raise ValueError(
                    "Column names stand more than once; names must differ. Rename or "
                    "drop the copies."
                )
            extra = len(set(where) - {name_key(name) for name in self.columns})
            if extra:
                warnings.warn(
                    f"{extra} column(s) that were not there at fit time are ignored.",
                    UserWarning,
                    stacklevel=3,
                )
            return {p.position: where[name_key(p.name)] for p in self.plan}
        if frame.shape[1] != len(self.columns):
            raise ValueError(
                f"X has {frame.shape[1]} features, but TableEncoder is expecting "
                f"{len(self.columns)} features as input."
            )
        return {p.position: p.position for p in self.plan}


def goes_by_name(encoder: TableEncoder, frame: pd.DataFrame) -> bool:
    """Return whether the columns of a table with labels are found by these.

    They are where the labels are those of fit, though these only count: then they tell
    the columns apart in any order. Labels that only count and are others tell nothing,
    and neither does a name where the columns of fit had none.

    Examples
    --------
    >>> encoder = TableEncoder((ColumnPlan(0, 0, "f0", "number"),), (0, 1), named=False)
    >>> frame = pd.DataFrame([[5, 6]])
    >>> [goes_by_name(encoder, frame.set_axis(n, axis=1)) for n in ([1, 0], ["a", "b"])]
    [True, False]
    """
    labels = {name_key(name) for name in frame.columns}
    known = {name_key(name) for name in encoder.columns}
    if {name_key(column.name) for column in encoder.plan} <= labels <= known:
        return True
    return has_names(frame) and encoder.named


def encode_column(values: pd.Series, column: ColumnPlan) -> np.ndarray:
    """Return one column as float64, NaN where missing or unreadable."""
    if column.kind == "number":
        return read_numbers(values)
    if column.kind == "boolean":
        return read_booleans(values)
    if column.kind == "date":
        return read_dates(values, column.date_format, column.zone)
    return _read_levels(values, column.levels)


def _spellings(cell: Any) -> list[str]:
    """Return how a cell's level may be written, the likeliest first.

    A whole number may have a point. What a file calls TRUE is a flag once no other
    word is in its column.

    Examples
    --------
    >>> _spellings("1.0"), _spellings("1"), _spellings("v2.0"), _spellings(True)
    (['1.0', '1'], ['1', '1.0'], ['v2.0'], ['True', 'TRUE', 'true'])
    """
    level = level_name(cell)
    if isinstance(cell, bool | np.bool_):
        return [level, level.upper(), level.lower()]
    bare = level.removesuffix(".0")
    if not bare.removeprefix("-").isdecimal():
        return [level]
    return [level, bare if bare != level else f"{level}.0"]


def _read_levels(values: pd.Series, levels: tuple[str, ...]) -> np.ndarray:
    """Return the places of levels; one level may be written in several ways."""
    codes, uniques = factorize(values)
    known = {level: float(i) for i, level in enumerate(levels)}
    unseen = float(len(levels))
    position = [
        next((known[s] for s in _spellings(u) if s in known), unseen) for u in uniques
    ]
    return take_or_nan(np.array(position, dtype=np.float64), codes)
