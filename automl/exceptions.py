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
    "AutoMLResourceError",
    "AutoMLWarning",
    "named",
    "suggestion",
]

MOST_CHARACTERS = 60
"""Of a name in a message; it stands there to be recognised, and may be a page long."""

MOST_NAMES = 12
"""Of the known ones in a suggestion; more are not read, the nearest are listed."""


class AutoMLError(Exception):
    """Base of every error that this library raises on purpose.

    Parameters
    ----------
    message : str
        A sentence: the culprit, what was expected, what came. Never a cell value.
    code : str, default=""
        Stable identifier such as ``"E-length"``.
    column : object, default=None
        The user's name of the column at fault, if one is.
    rows : tuple of int, default=()
        Positions of the first rows at fault (five at most).
    hint : str, default=""
        What to do, in a short sentence; ``str(error)`` ends with it.

    Examples
    --------
    >>> error = AutoMLDataError("y has a gap.", code="E-gap", hint="Fill it.")
    >>> str(error), error.code, error.hint
    ('y has a gap. Fill it.', 'E-gap', 'Fill it.')
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        column: object = None,
        rows: tuple[int, ...] = (),
        hint: str = "",
    ) -> None:
        super().__init__(f"{message} {hint}" if hint else message)
        self.code = code
        self.column = column
        self.rows = rows
        self.hint = hint


class AutoMLDataError(AutoMLError, ValueError):
    """The data cannot be used as they are."""


class AutoMLConfigError(AutoMLError, ValueError):
    """A parameter, candidate file or metric is not usable."""


class AutoMLResourceError(AutoMLError, RuntimeError):
    """Memory, disk or processes do not suffice for what was asked."""


class AutoMLIntegrityError(AutoMLError, RuntimeError):
    """A bundle was damaged, or was made for other versions."""


class AutoMLWarning(UserWarning):
    """Something was changed or left out; the run goes on.

    Parameters
    ----------
    message : str
        A sentence or two, without cell values.
    code : str, default=""
        Stable identifier such as ``"W-leak"``.
    column : object, default=None
        The user's name of the column, if it is about one.
    """

    def __init__(self, message: str, *, code: str = "", column: object = None) -> None:
        super().__init__(message)
        self.code = code
        self.column = column


def named(name: object) -> str:
    """Return how a column's name stands in a message: quoted, and not a page long.

    Examples
    --------
    >>> named("age"), len(named("a" * 1000))
    ("'age'", 63)
    """
    text = repr(name)
    return text if len(text) <= MOST_CHARACTERS + 2 else text[:MOST_CHARACTERS] + "..."


def suggestion(name: object, known: Iterable[str]) -> str:
    """Return the end of an error message about an unknown name.

    Examples
    --------
    >>> suggestion("lightgmb", ["lightgbm", "ridge"])
    "Did you mean 'lightgbm'? Known: lightgbm, ridge."
    >>> suggestion("LightGBM", ["lightgbm", "ridge"])
    "Did you mean 'lightgbm'? Known: lightgbm, ridge."
    >>> suggestion("x", ["lightgbm", "ridge"])
    'Known: lightgbm, ridge.'
    """
    known = sorted(known)
    shown = [named(k)[1:-1] for k in known]
    # of long names, only the beginning is compared; of any, the letters in any case
    wanted = named(str(name))[1:-1].casefold()
    by_letters = {text.casefold(): text for text in shown}
    close = difflib.get_close_matches(wanted, by_letters, n=1)
    hint = f"Did you mean {by_letters[close[0]]!r}? " if close else ""
    if len(shown) > MOST_NAMES:
        near = difflib.get_close_matches(wanted, by_letters, n=MOST_NAMES, cutoff=0.0)
        nearest = sorted(by_letters[text] for text in near)
        shown = [*nearest, f"and {len(known) - MOST_NAMES} more"]
    return f"{hint}Known: {', '.join(shown)}."
