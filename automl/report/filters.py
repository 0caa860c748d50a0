"""How templates write figures, times, shares and places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl.facts.verdict import figure
from automl.trial import DERIVED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["FILTERS", "anchor", "badges", "dots", "percent", "seconds"]

DOT_WIDTH = 120
"""Width of a row's picture of folds."""


def seconds(value: float | None) -> str:
    """Return a duration as people read it.

    Examples
    --------
    >>> seconds(0.0042), seconds(3.21), seconds(75), seconds(7330), seconds(None)
    ('4 ms', '3.2 s', '1 min 15 s', '2 h 2 min', '–')
    """
    if value is None:
        return "–"
    if value < 1:
        return f"{1000 * value:.0f} ms" if value >= 0.001 else f"{1000 * value:.2g} ms"
    if value < 60:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def percent(value: float | None) -> str:
    """Return a share; a dash where there is none.

    Examples
    --------
    >>> percent(0.0), percent(0.0004), percent(0.123), percent(0.9999), percent(None)
    ('0 %', '< 0.1 %', '12.3 %', '> 99.9 %', '–')
    """
    if value is None:
        return "–"
    if value in (0, 1):
        return f"{value:.0%}".replace("%", " %")
    if value < 0.001:
        return "< 0.1 %"
    return "> 99.9 %" if value > 0.999 else f"{100 * value:.1f} %"


def dots(row: Mapping[str, Any], axis: Sequence[float | None], sign: int) -> list[str]:
    """Return where the folds' dots of a row lie, the better the further right.

    A dot beyond the left end is ``out``; the template draws it hollow there.

    Examples
    --------
    >>> dots({"folds": [0.5, None, 0.9, 0.1]}, [0.4, 0.9], 1)
    ['27.6', '114', 'out']
    """
    low, high = axis
    if low is None or high is None:
        return []
    span = (high - low) or 1.0
    found = []
    for natural in row["folds"]:
        if natural is None:
            continue
        place = (sign * natural - low) / span
        x = min(6 + (DOT_WIDTH - 12) * place, DOT_WIDTH - 6)
        found.append("out" if place < -0.001 else f"{x:.3g}")
    return found


def badges(board: Mapping[str, Any]) -> dict[int, list[str]]:
    """Return what is remarkable about ranked rows: number of a trial to words.

    ``fastest`` predicts in the least time and ``simplest`` is marked by the facts;
    ``best single`` is the first that is a configuration by itself, where an ensemble or
    a calibrated one is ahead of it.

    Examples
    --------
    >>> row = {"rank": 1, "trial": 4, "candidate": "ensemble", "predict_s": 2.0}
    >>> other = row | {"rank": 2, "trial": 3, "candidate": "ridge", "predict_s": 1.0}
    >>> badges({"rows": [row, other]})
    {4: ['ensemble'], 3: ['best single', 'fastest']}
    """
    ranked = [r for r in board["rows"] if r["rank"] is not None]
    found: dict[int, list[str]] = {}

    def give(row: Mapping[str, Any], badge: str) -> None:
        found.setdefault(row["trial"], []).append(badge)

    for row in ranked:
        if row["candidate"] in DERIVED:
            give(row, row["candidate"])
    single = next((r for r in ranked if r["candidate"] not in DERIVED), None)
    if single is not None and found:
        give(single, "best single")
    timed = [r for r in ranked if r["predict_s"] is not None]
    if len(timed) > 1:
        give(min(timed, key=lambda r: r["predict_s"]), "fastest")
    return found


def anchor(code: str) -> str:
    """Return a code as the name of a place in the page.

    Examples
    --------
    >>> anchor("AML001"), anchor('a" onclick=b')
    ('check-AML001', 'check-aonclickb')
    """
    return "check-" + "".join(c for c in str(code) if c.isascii() and c.isalnum())


FILTERS = {
    "figure": figure,
    "seconds": seconds,
    "percent": percent,
    "dots": dots,
    "badges": badges,
    "anchor": anchor,
}
"""By their names in templates."""
