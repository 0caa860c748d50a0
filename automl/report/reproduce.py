"""What it takes to run the same search again: Python, a command, TOML, pins."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "code_to_repeat",
    "command_to_repeat",
    "pins",
    "settings_of",
    "settings_toml",
]

OPTIONS = {
    "time_budget_s": "--time-budget",
    "n_trials": "--trials",
    "task": "--task",
    "metric": "--metric",
    "cv": "--cv",
    "n_jobs": "--jobs",
    "random_state": "--seed",
    "deploy": "--deploy",
}
"""Setting to option of ``automl fit``, for plain values."""


def settings_of(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that counted: a default time does not beside ``n_trials``.

    Examples
    --------
    >>> settings = {"time_budget_s": 60.0, "n_trials": 5}
    >>> settings_of({"settings": settings, "run": {"timeline": {"budget": None}}})
    {'n_trials': 5}
    """
    settings = dict(facts["settings"])
    timed = facts["run"]["timeline"].get("budget") is not None
    if settings.get("n_trials") is not None and not timed:
        settings.pop("time_budget_s", None)
    return settings


def code_to_repeat(settings: Mapping[str, Any]) -> str:
    """Return the Python that runs the same search again.

    Examples
    --------
    >>> print(code_to_repeat({"time_budget_s": 60, "metric": "auto", "cv": None}))
    from automl import AutoML
    <BLANKLINE>
    model = AutoML(
        time_budget_s=60,
        metric='auto',
    )
    model.fit(X, y)
    """
    given = [f"    {k}={v!r}," for k, v in settings.items() if v is not None]
    inside = "\n" + "\n".join(given) + "\n" if given else ""
    return f"from automl import AutoML\n\nmodel = AutoML({inside})\nmodel.fit(X, y)"


def command_to_repeat(settings: Mapping[str, Any], target: str) -> str:
    """Return commands for a shell: search, look, predict.

    Examples
    --------
    >>> print(command_to_repeat({"time_budget_s": 60, "cv": 5}, "it's y"))
    automl fit table.csv --target 'it'"'"'s y' --time-budget 60 --cv 5 --out run
    automl report run
    automl predict run new.csv -o predictions.csv
    """
    words = ["automl", "fit", "table.csv", "--target", target]
    for name, option in OPTIONS.items():
        value = settings.get(name)
        plain = isinstance(value, int | float | str) and not isinstance(value, bool)
        if plain and value != "auto":
            words += [option, f"{value:g}" if isinstance(value, float) else str(value)]
    if settings.get("ensemble") is False:
        words.append("--no-ensemble")
    candidates = settings.get("candidates")
    if isinstance(candidates, list) and all(isinstance(c, str) for c in candidates):
        words += ["--candidates", ",".join(candidates)]
    words += ["--out", "run"]
    return "\n".join(
        [
            shlex.join(words),
            "automl report run",
            "automl predict run new.csv -o predictions.csv",
        ]
    )


def settings_toml(settings: Mapping[str, Any]) -> str:
    """Return the settings as TOML; what is None is left out, for TOML has no null.

    Examples
    --------
    >>> print(settings_toml({"cv": None, "n_trials": 5, "ensemble": True, "a b": "x"}))
    [automl]
    n_trials = 5
    ensemble = true
    "a b" = "x"
    """
    lines = [
        f"{_key(k)} = {json.dumps(v, ensure_ascii=False)}"
        for k, v in settings.items()
        if v is not None and not isinstance(v, dict)
    ]
    return "\n".join(["[automl]", *lines])


def _key(name: str) -> str:
    bare = name.replace("_", "").replace("-", "")
    plain = bare.isascii() and bare.isalnum()
    return name if plain else json.dumps(name, ensure_ascii=False)


def pins(environment: Mapping[str, str]) -> str:
    """Return the versions that the search ran with, as pip's requirements.

    Examples
    --------
    >>> print(pins({"python": "3.11.7", "cores used": "2", "numpy": "2.4.6"}))
    # Python 3.11.7
    numpy==2.4.6
    """
    others = ("python", "system", "cores used")
    lines = [f"# Python {environment['python']}"] if "python" in environment else []
    lines += [
        f"{name}=={version}"
        for name, version in environment.items()
        if name not in others and version[:1].isdigit() and " " not in name
    ]
    return "\n".join(lines)
