"""What it takes to run the same search again: Python, a command, TOML, pins."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from automl.facts.compact import shorten
from automl.facts.repeat import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "BESIDE",
    "OPTIONS",
    "Own",
    "beside_of",
    "code_of",
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
    "candidates": "--candidates",
    "cv": "--cv",
    "n_jobs": "--jobs",
    "random_state": "--seed",
    "ensemble": "--ensemble",
    "deploy": "--deploy",
    "select": "--select",
    "max_predict_ms": "--max-predict-ms",
    "max_model_mib": "--max-model-mib",
    "drop_missing_target": "--drop-missing-target",
    "trial_time_limit_s": "--trial-time-limit",
    "memory_limit_mib": "--memory-limit-mib",
}
"""Setting to option of ``automl fit``."""

OFF = frozenset(["drop_missing_target"])
"""Switches that are off by default."""

BESIDE = {
    "groups": "--groups", "time": "--time", "sample_weight": "--weight",
    "X_test": "--test",
}  # fmt: skip
"""What is given to ``fit`` beside the table, to option."""

CODE_TO_PREDICT = """\
import automl
import pandas as pd

# after the fit: a folder to give to others
model.save("model/")

# elsewhere, or: python model/predict.py new.csv
model = automl.load("model/")
model.predict(pd.read_csv("new.csv"))"""
"""The saved folder, from the model that was fitted to predictions."""


@dataclass(frozen=True)
class Own:
    """A value that cannot be written down; the user has it.

    Attributes
    ----------
    text : str
        What it looked like, on one line.
    """

    text: str


def settings_of(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that counted; what was no plain value is an `Own`.

    Examples
    --------
    >>> settings = {"time_budget_s": 60.0, "n_trials": 5, "cv": "KFold(n_splits=3)"}
    >>> run = {"timeline": {"budget": None}}
    >>> settings_of({"settings": settings, "run": run, "repeat": {"own": ["cv"]}})
    {'n_trials': 5, 'cv': Own(text='KFold(n_splits=3)')}
    """
    settings = counted(facts)
    if "n_jobs" in settings and settings["n_jobs"] is None:
        settings["n_jobs"] = 1  # what None means; left out, it would be all cores
    own = (facts.get("repeat") or {}).get("own", ())
    return {k: Own(_line(v)) if k in own else v for k, v in settings.items()}


def beside_of(facts: Mapping[str, Any]) -> dict[str, str | Own]:
    """Return what `fit` was given beside X and y: names of columns, or `Own` values.

    Examples
    --------
    >>> given = {"groups": {"name": "clinic", "column": True}}
    >>> beside_of({"repeat": {"beside": given}})
    {'groups': 'clinic'}
    """
    given = (facts.get("repeat") or {}).get("beside", {})
    return {
        k: v["name"] if v["column"] else Own(_line(v["name"] or ""))
        for k, v in given.items()
    }


def _line(value: Any) -> str:
    """Return a text that ends no comment: on one line, nothing that is not printed."""
    text = "".join(c if c.isprintable() else " " for c in str(value))
    return shorten(" ".join(text.split()), 120)


def code_of(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return all code of the page, by name."""
    settings, beside = settings_of(facts), beside_of(facts)
    return {
        "python": code_to_repeat(settings, beside),
        "predict": CODE_TO_PREDICT,
        "shell": command_to_repeat(settings, facts["run"]["target"], beside),
        "toml": settings_toml(settings),
        "pins": pins(facts["environment"]),
        "script": facts.get("script"),
    }


def code_to_repeat(
    settings: Mapping[str, Any], beside: Mapping[str, str | Own] | None = None
) -> str:
    """Return the Python that runs the same search again.

    Examples
    --------
    >>> print(code_to_repeat({"time_budget_s": 60, "cv": Own("KFold()")}))
    from automl import AutoML
    <BLANKLINE>
    model = AutoML(
        time_budget_s=60,
        cv=...,  # yours: KFold()
    )
    model.fit(X, y)
    >>> print(code_to_repeat({}, {"groups": "clinic"}).splitlines()[-1])
    model.fit(X, y, groups='clinic')
    """
    given = [_argument(k, v) for k, v in settings.items() if v is not None]
    inside = "\n" + "\n".join(given) + "\n" if given else ""
    return "\n".join(
        ["from automl import AutoML", "", f"model = AutoML({inside})",
         _call_of_fit(beside or {})]
    )  # fmt: skip


def _argument(name: str, value: Any) -> str:
    if isinstance(value, Own):
        return f"    {name}=...,  # yours" + (f": {value.text}" if value.text else "")
    return f"    {name}={value!r},"


def _call_of_fit(beside: Mapping[str, str | Own]) -> str:
    given = dict(beside)
    if "X_test" in given:
        given["y_test"] = Own("")
    if any(isinstance(v, Own) for v in given.values()):
        lines = [_argument(k, v) for k, v in given.items()]
        return "\n".join(["model.fit(", "    X,", "    y,", *lines, ")"])
    return (
        f"model.fit({', '.join(['X, y', *(f'{k}={v!r}' for k, v in given.items())])})"
    )


def command_to_repeat(
    settings: Mapping[str, Any],
    target: str,
    beside: Mapping[str, str | Own] | None = None,
) -> str:
    """Return commands for a shell: search, look, predict.

    What no option can repeat is named in a comment above.

    Examples
    --------
    >>> print(command_to_repeat({"time_budget_s": 60, "cv": 5}, "it's y"))
    automl fit table.csv --target 'it'"'"'s y' --time-budget 60 --cv 5 --out run
    automl report run
    automl replay run  # the same winner again, from the folder of the run
    automl predict run new.csv -o predictions.csv
    >>> print(command_to_repeat({"cv": Own("KFold()")}, "y").splitlines()[0])
    # Not repeated (yours, or without an option): cv (KFold())
    """
    words = ["automl", "fit", "table.csv", "--target", target]
    left = []
    for name, value in settings.items():
        found = _option(name, value)
        if found is None:
            left.append(_left_out(name, value))
        else:
            words += found
    for name, value in (beside or {}).items():
        column = _column(name, value)
        if column is None:
            left.append(_left_out(name, value))
        else:
            words += [BESIDE[name], column]
    lines = [
        shlex.join([*words, "--out", "run"]),
        "automl report run",
        "automl replay run  # the same winner again, from the folder of the run",
        "automl predict run new.csv -o predictions.csv",
    ]
    if left:
        why = "yours, or without an option"
        lines.insert(0, f"# Not repeated ({why}): {', '.join(left)}")
    return "\n".join(lines)


def _option(name: str, value: Any) -> list[str] | None:
    """Return the words of an option: none for a default, None where none takes it."""
    if value is None or (name not in OPTIONS and value is False):
        return []
    if name not in OPTIONS or isinstance(value, Own):
        return None
    if isinstance(value, bool) and name in OFF:
        return [OPTIONS[name]] if value else []
    if isinstance(value, bool):
        return [] if value else ["--no-" + OPTIONS[name].removeprefix("--")]
    if value == "auto":
        return []
    if isinstance(value, list):
        value = ",".join(map(str, value))
    return [OPTIONS[name], f"{value:.15g}" if isinstance(value, float) else str(value)]


def _column(name: str, value: str | Own) -> str | None:
    """Return what an option names: weights are a column, test rows another file."""
    if name == "X_test":
        return "test.csv"
    if name not in BESIDE:
        return None
    if isinstance(value, Own):
        return value.text if name == "sample_weight" and value.text else None
    return value


def _left_out(name: str, value: Any) -> str:
    text = value.text if isinstance(value, Own) else _line(value)
    return f"{_line(name)} ({text})" if text else _line(name)


def settings_toml(settings: Mapping[str, Any]) -> str:
    """Return the settings as TOML; what is None is left out, for TOML has no null.

    Examples
    --------
    >>> print(settings_toml({"cv": None, "n_trials": 5, "ensemble": True, "a b": "x"}))
    [automl]
    n_trials = 5
    ensemble = true
    "a b" = "x"
    >>> print(settings_toml({"cv": Own("KFold()")}))
    [automl]
    # cv: yours, KFold()
    """
    lines = [
        _toml_line(k, v)
        for k, v in settings.items()
        if v is not None and not isinstance(v, dict)
    ]
    return "\n".join(["[automl]", *lines])


def _toml_line(name: str, value: Any) -> str:
    if isinstance(value, Own):
        return f"# {_line(name)}: yours" + (f", {value.text}" if value.text else "")
    return f"{_key(name)} = {json.dumps(value, ensure_ascii=False)}"


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
