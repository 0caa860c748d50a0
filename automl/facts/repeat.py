"""What it takes to run a search again, without what is the user's alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ASIDE", "counted", "shareable"]

ASIDE = frozenset(["callback", "run_dir", "verbose"])
"""Settings that change nothing of what comes out. With its folder a search would not
even run again, but give back the run that is there."""


def shareable(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that decide what comes out, without folders of the user.

    Parameters
    ----------
    settings : mapping
        Parameters as JSON values.

    Examples
    --------
    >>> shareable({"cv": 5, "run_dir": "/home/me/x", "candidates": "/home/me/mine"})
    {'cv': 5, 'candidates': 'mine'}
    """
    kept = {k: v for k, v in settings.items() if k not in ASIDE}
    if "candidates" in kept:
        kept["candidates"] = _last_part(kept["candidates"])
    return kept


def counted(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a run that counted, as `shareable` gives them.

    A default time does not beside ``n_trials``.

    Parameters
    ----------
    facts : mapping
        Of a run.

    Examples
    --------
    >>> run = {"timeline": {"budget": None}}
    >>> counted({"settings": {"time_budget_s": 60.0, "n_trials": 5}, "run": run})
    {'n_trials': 5}
    """
    settings = shareable(facts["settings"])
    timed = facts["run"]["timeline"].get("budget") is not None
    if settings.get("n_trials") is not None and not timed:
        settings.pop("time_budget_s", None)
    return settings


def _last_part(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_last_part(v) for v in value]
    if not isinstance(value, str):
        return value
    return re.split(r"[/\\]", value.rstrip("/\\"))[-1] or value
