"""The errors that users meet: one family, each naming culprit, expectation and cure."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "AutoMLConfigError",
    "AutoMLDataError",
    "AutoMLError",
    "AutoMLIntegrityError",
    "AutoMLNoModelError",
    "AutoMLResourceError",
    "AutoMLWarning",
    "suggestion",
]


class AutoMLError(Exception):
    """Base of every error that this library raises on purpose.

    Parameters
    ----------
    message : str
        One or two sentences: the culprit, what was expected, what came, what to do.
        Never a cell value.
    code : str, default=""
        Stable identifier such as ``"E-length"``.
    column : object, default=None
        The user's name of the column at fault, if one is.
    rows : tuple of int, default=()
        Positions of the first rows at fault (five at most).
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        column: object = None,
        rows: tuple[int, ...] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.column = column
        self.rows = rows


class AutoMLDataError(AutoMLError, ValueError):
    """The data cannot be used as they are."""


class AutoMLConfigError(AutoMLError, ValueError):
    """A parameter, candidate file or metric is not usable."""


class AutoMLResourceError(AutoMLError, RuntimeError):
    """Memory, disk or processes do not suffice for what was asked."""


class AutoMLNoModelError(AutoMLError, RuntimeError):
    """No trial finished, so there is no model to give back."""


class AutoMLIntegrityError(AutoMLError, RuntimeError):
    """A bundle was damaged, or was made for other versions."""


class AutoMLWarning(UserWarning):
    """Something was changed or left out; the run goes on."""


def suggestion(name: object, known: Iterable[str]) -> str:
    """Return the end of an error message about an unknown name.

    Examples
    --------
    >>> suggestion("lightgmb", ["lightgbm", "ridge"])
    "Did you mean 'lightgbm'? Known: lightgbm, ridge."
    >>> suggestion("x", ["lightgbm", "ridge"])
    'Known: lightgbm, ridge.'
    """
    known = sorted(known)
    close = difflib.get_close_matches(str(name), known, n=1)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    return f"{hint}Known: {', '.join(known)}."
