"""How dates are written in a column of texts: one format, or none.

Below kinds. Of each text only its shape is looked at; years and days are never kept.
"""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from automl.encoding import read_dates

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["find_date_format"]

PARSED_SHARE = 0.95
"""Share of distinct texts that must read as dates before a column is one: some sets
have a few broken dates; a column of codes has none that parse."""

SAMPLE = 500
"""Distinct values that are looked at."""

LONGEST_DATE = 64
"""Characters; the longest usual form, with names of day, month and zone, has 40."""

FURTHER_FORMATS = (
    "%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%d-%b-%y",
    "%m/%d/%Y %I:%M %p", "%m/%d/%Y %I:%M:%S %p",
)  # fmt: skip
"""What spreadsheets and databases write that pandas does not guess."""

_DATE_SHAPE = re.compile(r"\d.*[-/:. ].*\d|\d\s*[A-Za-z]{3,9}|[A-Za-z]{3,9}\s*\d")

_DAY_AFTER_YEAR = re.compile(r"%Y\W*%d")


def find_date_format(cells: Sequence[Any]) -> str | None:
    """Return the format that reads nearly all cells as dates, or None.

    Where day and month could be either, the month comes first, but after the year
    only a day can follow the month.

    Examples
    --------
    >>> find_date_format(["2020-01-02", "2020-03-04"])
    '%Y-%m-%d'
    >>> find_date_format(["01/02/2020", "13/02/2020"])
    '%d/%m/%Y'
    >>> find_date_format(["2020/05/01", "2020/06/01"])
    '%Y/%m/%d'
    >>> find_date_format(["31.05.19", "01.06.19"])
    '%d.%m.%y'
    >>> find_date_format(["2010-2011", "1.2.3"]) is None
    True
    """
    step = max(1, len(cells) // SAMPLE)
    sample = pd.Series(list(cells[::step][:SAMPLE]), dtype=object)
    texts = [c.strip() for c in sample if isinstance(c, str) and c.strip()]
    if not texts:
        share = np.isfinite(read_dates(sample, "mixed")).mean() if len(sample) else 0
        return "mixed" if share >= PARSED_SHARE else None
    shaped = [len(t) <= LONGEST_DATE and bool(_DATE_SHAPE.search(t)) for t in texts]
    if np.mean(shaped) < PARSED_SHARE:
        return None
    texts = [t for t in texts if len(t) <= LONGEST_DATE]
    return _best_format(sample, _guessed_formats(texts)) or _best_format(
        sample, FURTHER_FORMATS
    )


def _best_format(sample: pd.Series, formats: Iterable[str]) -> str | None:
    """Return the first of those that read most cells, if they read nearly all."""
    best, best_share = None, PARSED_SHARE
    for candidate in formats:
        share = float(np.isfinite(read_dates(sample, candidate)).mean())
        if share > best_share or (best is None and share >= best_share):
            best, best_share = candidate, share
    return best


def _guessed_formats(texts: list[str]) -> list[str]:
    """Return the formats that single cells suggest, commonest first."""
    from pandas.tseries.api import guess_datetime_format

    counts: dict[str, int] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the ambiguity that is resolved here
        for text in texts[:: max(1, len(texts) // 50)]:
            for day_first in (False, True):
                guess = guess_datetime_format(text, dayfirst=day_first)
                if guess is None or _DAY_AFTER_YEAR.search(guess):
                    continue
                for form in {guess, guess.replace("%B", "%b")}:  # May is both
                    counts[form] = counts.get(form, 0) + 1
    return sorted(counts, key=lambda f: (-counts[f], f.startswith("%d"), "%B" in f, f))
