"""Candidate pipelines: one TOML file each, read and checked.

The spec language has no conditions. A candidate says which estimator fits which task,
how columns are prepared for it, what is searched, and from which points.
"""

from __future__ import annotations

import importlib
import inspect
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from automl.exceptions import AutoMLConfigError, suggestion
from automl.metrics import TASKS
from automl.resources import folder

__all__ = ["Candidate", "Dimension", "Resource", "load_candidates", "parse_candidate"]

ALLOWED_MODULES = ("sklearn.", "lightgbm.", "automl.")
"""Packages whose classes a spec may name without the caller's consent."""

PREPARATION: dict[str, dict[str, tuple[str, ...]]] = {
    "preprocess": {
        "numeric": ("passthrough", "impute"),
        "impute": ("median", "mean", "most_frequent"),
        "indicator": ("yes", "no"),
        "scale": ("none", "standard", "robust", "quantile"),
        "categorical": ("native", "ordinal", "onehot", "target"),
        "text_components": (),
    },
    "select": {"method": ("none", "univariate", "l1", "importance"), "keep": ()},
}
"""Tables of a spec that describe the steps before the estimator, with their values;
a list of values is searched."""

DEFAULT_PREPARATION: dict[str, Any] = {
    "numeric": "impute",
    "impute": "median",
    "indicator": "yes",
    "scale": "none",
    "categorical": "onehot",
    "text_components": 32,
    "method": "none",
    "keep": 0.5,
}

KEYS = frozenset(
    ["title", "tasks", "order", "estimator", "fixed", "resource", "limits",
     "preprocess", "select", "space", "start"]
)  # fmt: skip


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


@dataclass(frozen=True)
class Resource:
    """What grows with the time that a fit is given.

    Attributes
    ----------
    param : str
        The parameter that counts rounds, trees or epochs.
    low, high : int
        Fewest and most of them.
    early_stopping : bool
        Whether an inner split decides how many.
    """

    param: str
    low: int
    high: int
    early_stopping: bool = False


@dataclass(frozen=True)
class Candidate:
    """A pipeline that can be searched.

    Attributes
    ----------
    name : str
        The file's name without ``.toml``.
    title : str
        What to call it in a sentence.
    tasks : tuple of str
        Which of `TASKS` it fits.
    estimators : dict
        ``classification`` and/or ``regression`` → class, as ``module.Class``.
    order : int
        Place in the order of first tries; lower is earlier.
    fixed : dict
        Parameters of the estimator that are not searched.
    preparation : dict
        Steps before the estimator; searched ones stand in `space` instead.
    space : tuple of Dimension
        What is searched.
    starts : tuple of (str, dict)
        Known good points, tried first, with their names.
    resource : Resource or None
        What grows with time.
    limits : dict
        ``rows``, ``columns``, ``classes``: largest tables that it is tried on.
    """

    name: str
    title: str
    tasks: tuple[str, ...]
    estimators: Mapping[str, str]
    order: int = 50
    fixed: Mapping[str, Any] = field(default_factory=dict)
    preparation: Mapping[str, Any] = field(default_factory=dict)
    space: tuple[Dimension, ...] = ()
    starts: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    resource: Resource | None = None
    limits: Mapping[str, int] = field(default_factory=dict)

    def estimator_path(self, task: str) -> str:
        """Return the class for a task, as ``module.Class``."""
        kind = "regression" if task == "regression" else "classification"
        return self.estimators[kind]

    def estimator_class(self, task: str) -> type:
        """Return the class for a task."""
        module, _, name = self.estimator_path(task).rpartition(".")
        return getattr(importlib.import_module(module), name)

    def fits(self, task: str, n_rows: int, n_columns: int, n_classes: int) -> bool:
        """Return whether it is tried on a table of this size."""
        size = {"rows": n_rows, "columns": n_columns, "classes": n_classes}
        return task in self.tasks and all(size[k] <= v for k, v in self.limits.items())


def load_candidates(
    wanted: Any = "auto", *, allow: tuple[str, ...] = ()
) -> dict[str, Candidate]:
    """Return candidates by name, in the order of first tries.

    Parameters
    ----------
    wanted : "auto", str, Path, Candidate, or a list of these
        ``auto`` is every shipped candidate. A text is the name of a shipped one or
        the path of a folder or file of specs.
    allow : tuple of str
        More packages whose classes specs may name.

    Raises
    ------
    AutoMLConfigError
        If a name, file or key is unknown; it lists the known ones.

    Examples
    --------
    >>> list(load_candidates(["ridge", "lightgbm"]))
    ['lightgbm', 'ridge']
    """
    shipped = sorted(folder("pipelines").glob("*.toml"))
    items = [wanted] if isinstance(wanted, str | Path | Candidate) else list(wanted)
    if not items:
        raise AutoMLConfigError(
            "candidates=[] leaves nothing to search; name at least one.",
            code="E-candidates",
        )
    found: dict[str, Candidate] = {}
    for item in items:
        for candidate in _load_item(item, shipped, allow):
            found[candidate.name] = candidate
    return dict(sorted(found.items(), key=lambda pair: (pair[1].order, pair[0])))


def _load_item(
    item: Any, shipped: list[Path], allow: tuple[str, ...]
) -> Iterable[Candidate]:
    if isinstance(item, Candidate):
        return [item]
    if item == "auto":
        return [_read(path, allow) for path in shipped]
    names = {path.stem: path for path in shipped}
    if isinstance(item, str) and item in names:
        return [_read(names[item], allow)]
    path = Path(item) if isinstance(item, str | Path) else None
    if path is not None and path.is_file() and path.suffix == ".toml":
        return [_read(path, allow)]
    if path is not None and path.is_dir():
        files = sorted(path.glob("*.toml"))
        if files:
            return [_read(p, allow) for p in files]
        raise AutoMLConfigError(
            f"The folder {str(path)!r} holds no .toml file; one a candidate was "
            "expected.",
            code="E-candidates",
        )
    raise AutoMLConfigError(
        f"The candidate {item!r} is unknown; a name, a folder of specs or a Candidate "
        "was expected. " + suggestion(item, names),
        code="E-candidates",
    )


def _read(path: Path, allow: tuple[str, ...]) -> Candidate:
    try:
        spec = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise AutoMLConfigError(
            f"{path.name} cannot be read as TOML: {error}.", code="E-candidates"
        ) from None
    return parse_candidate(path.stem, spec, allow=allow)


def parse_candidate(
    name: str, spec: Mapping[str, Any], *, allow: tuple[str, ...] = ()
) -> Candidate:
    """Return the candidate that a spec describes.

    Parameters
    ----------
    name : str
        What to call it.
    spec : dict
        As read from TOML.
    allow : tuple of str
        More packages whose classes the spec may name.

    Raises
    ------
    AutoMLConfigError
        If a key is missing, unknown or of the wrong kind; it names file and key.

    Examples
    --------
    >>> spec = {"tasks": ["regression"], "title": "Ridge",
    ...         "estimator": {"regression": "sklearn.linear_model.Ridge"},
    ...         "space": {"alpha": {"dist": "float", "low": 0.1, "high": 10.0}}}
    >>> parse_candidate("ridge", spec).space[0].high
    10.0
    """
    where = f"{name}.toml"
    _known(where, "", spec, KEYS)
    for key in ("tasks", "estimator"):
        if key not in spec:
            raise AutoMLConfigError(
                f"{where}: the key {key!r} is missing.", code="E-candidates"
            )
    tasks = tuple(spec["tasks"])
    for task in tasks:
        if task not in TASKS:
            raise AutoMLConfigError(
                f"{where}: the task {task!r} is unknown. " + suggestion(task, TASKS),
                code="E-candidates",
            )
    estimators = _estimators(where, spec["estimator"], tasks, allow)
    preparation, searched = _preparation(where, spec)
    space = (*searched, *_space(where, spec.get("space", {})))
    candidate = Candidate(
        name=name,
        title=str(spec.get("title", name)),
        tasks=tasks,
        estimators=estimators,
        order=int(spec.get("order", 50)),
        fixed=dict(spec.get("fixed", {})),
        preparation=preparation,
        space=space,
        resource=_resource(where, spec.get("resource")),
        limits=_limits(where, spec.get("limits", {})),
        starts=_starts(where, spec.get("start", []), space),
    )
    _check_parameters(where, candidate)
    return candidate


def _known(where: str, table: str, given: Iterable[str], known: Iterable[str]) -> None:
    for key in given:
        if key not in known:
            place = f"{table}.{key}" if table else key
            raise AutoMLConfigError(
                f"{where}: the key {place!r} is unknown. " + suggestion(key, known),
                code="E-candidates",
            )


def _estimators(
    where: str, given: Mapping[str, str], tasks: tuple[str, ...], allow: tuple[str, ...]
) -> dict[str, str]:
    _known(where, "estimator", given, ("classification", "regression"))
    for path in given.values():
        if not path.startswith(ALLOWED_MODULES + tuple(f"{a}." for a in allow)):
            raise AutoMLConfigError(
                f"{where}: the class {path!r} is outside scikit-learn and LightGBM. "
                f"Pass allow_modules=({path.split('.')[0]!r},) if you trust it.",
                code="E-candidates",
            )
    for task in tasks:
        kind = "regression" if task == "regression" else "classification"
        if kind not in given:
            raise AutoMLConfigError(
                f"{where}: tasks has {task!r}, but estimator.{kind} is missing.",
                code="E-candidates",
            )
    return dict(given)


def _preparation(
    where: str, spec: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Dimension]]:
    fixed: dict[str, Any] = dict(DEFAULT_PREPARATION)
    searched: list[Dimension] = []
    for table, keys in PREPARATION.items():
        given = spec.get(table, {})
        _known(where, table, given, keys)
        for key, value in given.items():
            options = value if isinstance(value, list) else [value]
            for option in options:
                if keys[key] and option not in keys[key]:
                    raise AutoMLConfigError(
                        f"{where}: {table}.{key} = {option!r} is unknown. "
                        + suggestion(option, keys[key]),
                        code="E-candidates",
                    )
            if isinstance(value, list):
                fixed.pop(key)
                searched.append(Dimension(key, "choice", options=tuple(value)))
            else:
                fixed[key] = value
    return fixed, searched


def _space(where: str, given: Mapping[str, Any]) -> list[Dimension]:
    dimensions = []
    for name, spec in given.items():
        table = f"space.{name}"
        _known(where, table, spec, ("dist", "low", "high", "log", "options"))
        dist = spec.get("dist")
        if dist not in ("float", "int", "choice"):
            raise AutoMLConfigError(
                f"{where}: {table}.dist = {dist!r}; float, int or choice was expected.",
                code="E-candidates",
            )
        if dist == "choice":
            options = tuple(spec.get("options", ()))
            if not options:
                raise AutoMLConfigError(
                    f"{where}: {table}.options is empty.", code="E-candidates"
                )
            dimensions.append(Dimension(name, dist, options=options))
            continue
        low, high = spec.get("low"), spec.get("high")
        log = bool(spec.get("log", False))
        if not isinstance(low, int | float) or not isinstance(high, int | float):
            raise AutoMLConfigError(
                f"{where}: {table} needs numbers low and high.", code="E-candidates"
            )
        if not low < high or (log and low <= 0):
            raise AutoMLConfigError(
                f"{where}: {table} runs from {low} to {high}; low must be below high"
                f"{', and above 0 with log' if log else ''}.",
                code="E-candidates",
            )
        dimensions.append(Dimension(name, dist, float(low), float(high), log))
    return dimensions


def _resource(where: str, given: Mapping[str, Any] | None) -> Resource | None:
    if given is None:
        return None
    _known(where, "resource", given, ("param", "low", "high", "early_stopping"))
    try:
        return Resource(
            str(given["param"]), int(given["low"]), int(given["high"]),
            bool(given.get("early_stopping", False)),
        )  # fmt: skip
    except KeyError as error:
        raise AutoMLConfigError(
            f"{where}: resource.{error.args[0]} is missing.", code="E-candidates"
        ) from None


def _limits(where: str, given: Mapping[str, int]) -> dict[str, int]:
    _known(where, "limits", given, ("rows", "columns", "classes"))
    return {key: int(value) for key, value in given.items()}


def _starts(
    where: str, given: list[Mapping[str, Any]], space: tuple[Dimension, ...]
) -> tuple[tuple[str, dict[str, Any]], ...]:
    names = [d.name for d in space]
    starts = []
    for i, point in enumerate(given):
        values = {k: v for k, v in point.items() if k != "name"}
        _known(where, "start", values, names)
        starts.append((str(point.get("name", f"start {i + 1}")), values))
    return tuple(starts)


def _check_parameters(where: str, candidate: Candidate) -> None:
    """Refuse names that the estimator does not take."""
    preparation = {key for keys in PREPARATION.values() for key in keys}
    wanted = {d.name for d in candidate.space} - preparation | set(candidate.fixed)
    if candidate.resource is not None:
        wanted.add(candidate.resource.param)
    for task in candidate.tasks:
        kind = candidate.estimator_class(task)
        parameters = inspect.signature(kind).parameters.values()
        if any(p.kind is p.VAR_KEYWORD for p in parameters):
            continue  # LightGBM takes any parameter of its library
        known = set(kind().get_params())
        _known(where, candidate.estimator_path(task), wanted, known)
