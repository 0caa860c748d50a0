"""A candidate's file, key by key: what may stand there, and what is wrong with it.

Every complaint names the file, the key, what was expected and what came. The parts
that are read here are put together in `automl.candidates`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from automl.exceptions import AutoMLConfigError, suggestion
from automl.metrics import TASKS
from automl.preparation import DEFAULT_PREPARATION, PREPARATION

__all__ = ["Dimension", "Resource"]

KEYS = frozenset(
    ["title", "tasks", "order", "estimator", "fixed", "fixed_by_task", "resource",
     "limits", "log_target", "preprocess", "requires", "select", "space", "start"]
)  # fmt: skip

NEEDS_NUMBERS = frozenset(["univariate", "l1"])
"""Ways to select that take no missing value."""


@dataclass(frozen=True)
class Dimension:
    """One searched hyperparameter.

    Attributes
    ----------
    name : str
        The estimator's parameter, or a preparation key.
    dist : str
        ``float``, ``int`` or ``choice``.
    low, high : float
        Both included.
    log : bool
        Whether the logarithm is uniform.
    options : tuple
        Values of a choice.
    """

    name: str
    dist: str
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    options: tuple[Any, ...] = ()

    def position(self, value: Any) -> int:
        """Return where a value stands among the options; 1 is neither True nor 1.0.

        Raises
        ------
        ValueError
            If it is none of them.
        """
        return self._identities.index(_identity(value))

    @cached_property
    def _identities(self) -> list[Any]:
        return [_identity(option) for option in self.options]


@dataclass(frozen=True)
class Resource:
    """What grows with the time that a fit is given.

    Attributes
    ----------
    param : str
        The parameter that counts rounds, trees or epochs.
    high : int
        Most of them.
    early_stopping : bool
        Whether an inner split decides how many.
    per_class : bool
        Whether each round makes a tree for every class, where there are several: a fit
        then stops the earlier, for its trees to score in time.
    again : bool
        Whether few rows are fitted once more, those included that said when to stop.
    """

    param: str
    high: int
    early_stopping: bool = False
    per_class: bool = True
    again: bool = True


def _identity(value: Any) -> Any:
    """Return what tells options apart; a shape is the same as list and as tuple."""
    if isinstance(value, list | tuple):
        return ("list", tuple(_identity(v) for v in value))
    return (type(value).__name__, value)


def refuse(where: str, message: str) -> AutoMLConfigError:
    """Return the error about a file."""
    return AutoMLConfigError(f"{where}: {message}", code="E-candidates")


def is_whole(value: Any) -> bool:
    """Return whether a value is a whole number; true is none."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Return whether a value is a finite number; true is none."""
    return (is_whole(value) or isinstance(value, float)) and math.isfinite(value)


def check_known(
    where: str, table: str, given: Iterable[str], known: Iterable[str]
) -> None:
    """Refuse a key that is not known, and name the known ones.

    Examples
    --------
    >>> check_known("a.toml", "space", ["alfa"], ["alpha"])
    Traceback (most recent call last):
    ...
    automl.exceptions.AutoMLConfigError: a.toml: the key 'space.alfa' is unknown. Did
    you mean 'alpha'? Known: alpha.
    """
    known = list(known)
    for key in given:
        if key not in known:
            place = f"{table}.{key}" if table else key
            raise refuse(
                where, f"the key {place!r} is unknown. {suggestion(key, known)}"
            )


def read_table(where: str, key: str, given: Any) -> Mapping[str, Any]:
    """Return what must be a table."""
    if not isinstance(given, Mapping):
        raise refuse(where, f"{key} must be a table. Got {given!r}.")
    return given


def read_text(where: str, key: str, given: Any) -> str:
    """Return what must be a text."""
    if not isinstance(given, str) or not given:
        raise refuse(where, f"{key} must be a text. Got {given!r}.")
    return given


def read_whole(where: str, key: str, given: Any, *, low: int | None = 1) -> int:
    """Return what must be a whole number, of at least ``low`` if that is given."""
    if not is_whole(given) or (low is not None and given < low):
        least = "" if low is None else f" of at least {low}"
        raise refuse(where, f"{key} must be a whole number{least}. Got {given!r}.")
    return int(given)


def read_tasks(where: str, given: Any) -> tuple[str, ...]:
    """Return the tasks that a candidate claims."""
    if not isinstance(given, list | tuple) or not given:
        raise refuse(where, f"tasks must be a list of tasks. Got {given!r}.")
    for task in given:
        if task not in TASKS:
            raise refuse(
                where, f"the task {task!r} is unknown. {suggestion(task, TASKS)}"
            )
    return tuple(dict.fromkeys(given))


def read_estimators(
    where: str, given: Any, tasks: tuple[str, ...], allowed: tuple[str, ...]
) -> dict[str, str]:
    """Return the classes of a candidate; their packages are on the list."""
    table = read_table(where, "estimator", given)
    check_known(where, "estimator", table, ("classification", "regression"))
    for kind, path in table.items():
        text = read_text(where, f"estimator.{kind}", path)
        if not text.startswith(allowed):
            raise refuse(
                where,
                f"the class {text!r} is outside scikit-learn and LightGBM. "
                "If you trust it, give what load_candidates(FILE, "
                f"allow=({text.split('.')[0]!r},)) returns as candidates.",
            )
    for task in tasks:
        kind = "regression" if task == "regression" else "classification"
        if kind not in table:
            raise refuse(where, f"tasks has {task!r}, but estimator.{kind} is missing.")
    return dict(table)


def read_preparation(
    where: str, spec: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Dimension]]:
    """Return the steps before the estimator: what is fixed, and what is searched."""
    fixed: dict[str, Any] = dict(DEFAULT_PREPARATION)
    searched: list[Dimension] = []
    for table, keys in PREPARATION.items():
        given = read_table(where, table, spec.get(table, {}))
        check_known(where, table, given, keys)
        for key, value in given.items():
            options = value if isinstance(value, list) else [value]
            for option in options:
                _check_option(where, f"{table}.{key}", option, keys[key])
            if isinstance(value, list):
                fixed.pop(key)
                searched.append(_choice(where, f"{table}.{key}", key, value))
            else:
                fixed[key] = value
    _check_gaps(where, fixed, searched)
    return fixed, searched


def _check_option(where: str, key: str, option: Any, known: tuple[str, ...]) -> None:
    if key == "select.keep":
        if not is_number(option) or not 0 < option <= 1:
            raise refuse(
                where, f"{key} must be a number above 0, at most 1. Got {option!r}."
            )
    elif key == "preprocess.text_components":
        read_whole(where, key, option, low=0)
    elif option not in known:
        raise refuse(
            where, f"{key} = {option!r} is unknown. {suggestion(option, known)}"
        )


def _check_gaps(
    where: str, fixed: Mapping[str, Any], searched: list[Dimension]
) -> None:
    """Refuse to hand missing values to a selection that takes none."""
    offered = {k: (v,) for k, v in fixed.items()}
    offered |= {d.name: d.options for d in searched}
    unable = sorted(NEEDS_NUMBERS.intersection(offered["method"]))
    for key, value in (("numeric", "passthrough"), ("categorical", "native")):
        if unable and value in offered[key]:
            raise refuse(
                where,
                f"preprocess.{key} = {value!r} leaves missing values, and "
                f"select.method = {unable[0]!r} takes none. Change one of the two.",
            )


def _choice(where: str, key: str, name: str, options: Any) -> Dimension:
    if not isinstance(options, list | tuple) or not options:
        raise refuse(where, f"{key} must list at least one value. Got {options!r}.")
    found = Dimension(name, "choice", options=tuple(options))
    for i, option in enumerate(found.options):
        if found.position(option) != i:
            raise refuse(where, f"{key} lists {option!r} twice.")
    return found


def read_space(where: str, given: Any) -> list[Dimension]:
    """Return the searched parameters of the estimator."""
    table = read_table(where, "space", given)
    own = {key: table for table, keys in PREPARATION.items() for key in keys}
    dimensions = []
    for name, spec in table.items():
        if name in own:
            raise refuse(
                where,
                f"space.{name} is a step before the estimator; list its values as "
                f"{own[name]}.{name} = […].",
            )
        dimensions.append(_dimension(where, f"space.{name}", name, spec))
    return dimensions


def _dimension(where: str, key: str, name: str, given: Any) -> Dimension:
    spec = read_table(where, key, given)
    dist = spec.get("dist")
    if dist not in ("float", "int", "choice"):
        raise refuse(
            where, f"{key}.dist = {dist!r}; float, int or choice was expected."
        )
    if dist == "choice":
        check_known(where, key, spec, ("dist", "options"))
        return _choice(where, f"{key}.options", name, spec.get("options", ()))
    check_known(where, key, spec, ("dist", "low", "high", "log"))
    low, high, log = spec.get("low"), spec.get("high"), spec.get("log", False)
    right = is_whole if dist == "int" else is_number
    if not right(low) or not right(high):
        kind = "whole numbers" if dist == "int" else "numbers"
        raise refuse(
            where, f"{key} needs {kind} low and high. Got {low!r} and {high!r}."
        )
    assert low is not None  # so says the check above
    assert high is not None
    if not isinstance(log, bool):
        raise refuse(where, f"{key}.log must be true or false. Got {log!r}.")
    if not low < high or (log and low <= 0):
        raise refuse(
            where,
            f"{key} runs from {low} to {high}; low must be below high"
            f"{', and above 0 with log' if log else ''}.",
        )
    return Dimension(name, str(dist), float(low), float(high), log)


def read_resource(where: str, given: Any) -> Resource | None:
    """Return what grows with time, if anything does."""
    if given is None:
        return None
    table = read_table(where, "resource", given)
    flags = {"early_stopping": False, "per_class": True, "again": True}
    check_known(where, "resource", table, ("param", "high", *flags))
    for key in ("param", "high"):
        if key not in table:
            raise refuse(where, f"resource.{key} is missing.")
    high = read_whole(where, "resource.high", table["high"])
    flags |= {key: table[key] for key in flags if key in table}
    for key, flag in flags.items():
        if not isinstance(flag, bool):
            raise refuse(where, f"resource.{key} must be true or false. Got {flag!r}.")
    param = read_text(where, "resource.param", table["param"])
    return Resource(param, high, **flags)


def read_limits(where: str, given: Any) -> dict[str, int]:
    """Return the largest tables that a candidate is tried on."""
    table = read_table(where, "limits", given)
    check_known(where, "limits", table, ("rows", "columns", "classes"))
    return {key: read_whole(where, f"limits.{key}", v) for key, v in table.items()}


def read_module(where: str, given: Any) -> str:
    """Return the module that a candidate requires; empty if none.

    Examples
    --------
    >>> read_module("a.toml", "xgboost")
    'xgboost'
    """
    if not isinstance(given, str) or (given and not given.isidentifier()):
        raise refuse(
            where,
            f"requires must be the name of a module, such as 'xgboost'. Got {given!r}.",
        )
    return given


def read_log_target(where: str, given: Any, tasks: tuple[str, ...]) -> bool:
    """Return whether logarithms of the target may be learnt.

    Examples
    --------
    >>> read_log_target("a.toml", True, ("regression",))
    True
    """
    if not isinstance(given, bool):
        raise refuse(where, f"log_target must be true or false. Got {given!r}.")
    if given and "regression" not in tasks:
        raise refuse(where, "log_target is for 'regression', which is no task of it.")
    return given


def read_starts(
    where: str, given: Any, space: tuple[Dimension, ...]
) -> tuple[tuple[str, dict[str, Any]], ...]:
    """Return the known good points, each within the space."""
    if not isinstance(given, list | tuple):
        raise refuse(where, f"start must be tables, written [[start]]. Got {given!r}.")
    by_name = {d.name: d for d in space}
    starts = []
    for i, point in enumerate(given):
        table = read_table(where, "start", point)
        name = read_text(where, "start.name", table.get("name", f"start {i + 1}"))
        values = {k: v for k, v in table.items() if k != "name"}
        check_known(where, "start", values, by_name)
        place = f"the start {name!r} has"
        read = {k: _within(where, place, by_name[k], v) for k, v in values.items()}
        starts.append((name, read))
    return tuple(starts)


def _within(where: str, place: str, d: Dimension, value: Any) -> Any:
    """Return a start's value as the space writes it, or refuse it."""
    if d.dist == "choice":
        try:
            return d.options[d.position(value)]
        except ValueError:
            raise refuse(
                where,
                f"{place} {d.name} = {value!r}, which is none of {list(d.options)}.",
            ) from None
    right = is_whole if d.dist == "int" else is_number
    if not right(value):
        kind = "a whole number" if d.dist == "int" else "a number"
        raise refuse(where, f"{place} {d.name} = {value!r}; {kind} was expected.")
    if not d.low <= value <= d.high:
        raise refuse(
            where,
            f"{place} {d.name} = {value!r}; from {d.low:g} to {d.high:g} was expected.",
        )
    return int(value) if d.dist == "int" else float(value)
