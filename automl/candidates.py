"""Candidate pipelines: one TOML file each, read and checked.

The spec language has no conditions. A candidate says which estimator fits which task,
how columns are prepared for it, what is searched, and from which points.
"""

from __future__ import annotations

import importlib.util
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl.exceptions import AutoMLConfigError, suggestion
from automl.objects import spec_of_object
from automl.parameters import check_parameters, find_class
from automl.preparation import OPTIONS
from automl.resources import folder
from automl.specs import (
    KEYS,
    Dimension,
    Resource,
    check_known,
    read_estimators,
    read_limits,
    read_log_target,
    read_module,
    read_preparation,
    read_resource,
    read_space,
    read_starts,
    read_table,
    read_tasks,
    read_text,
    read_whole,
    refuse,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "Candidate",
    "Dimension",
    "Resource",
    "load_candidates",
    "parse_candidate",
]

ALLOWED_MODULES = ("sklearn.", "lightgbm.", "automl.estimators.")
"""Packages whose classes a spec may name without the caller's consent."""

ROUND = 100
"""How much later a start comes than the one before it: families below this order take
turns, one above is tried from the second start of the others on."""


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
        Place of its first start among the first tries of all families, lower is
        earlier; each further one comes `ROUND` later.
    fixed : dict
        Parameters of the estimator that are not searched.
    fixed_by_task : dict
        The same for some of `TASKS` only, by task.
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
    requires : str
        Module that has to be installed for it; empty if none has.
    log_target : bool
        Whether it learns ``log(1 + y)`` where errors count as shares of the target,
        as with ``rmsle`` and ``mape``, and where it is skewed with ``median_ae``. An
        objective of its own comes first.
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
    requires: str = ""
    fixed_by_task: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    log_target: bool = False

    def tries(self) -> list[tuple[int, str, Mapping[str, Any]]]:
        """Return place, name and values of each start, or of the middle of the space.

        Examples
        --------
        >>> starts = (("one", {}), ("two", {}))
        >>> [t[:2] for t in Candidate("x", "x", (), {}, 35, starts=starts).tries()]
        [(35, 'one'), (135, 'two')]
        """
        starts = self.starts or (("middle of the space", {}),)
        return [(self.order + ROUND * i, *start) for i, start in enumerate(starts)]

    def fixed_for(self, task: str) -> dict[str, Any]:
        """Return the parameters that are not searched for a task."""
        return {**self.fixed, **self.fixed_by_task.get(task, {})}

    def estimator_path(self, task: str) -> str:
        """Return the class for a task, as ``module.Class``."""
        kind = "regression" if task == "regression" else "classification"
        return self.estimators[kind]

    def estimator_class(self, task: str) -> type:
        """Return the class for a task."""
        return find_class(self.estimator_path(task))

    def misfit(self, task: str, n_rows: int, n_columns: int, n_classes: int) -> str:
        """Return why it is not tried on a table of this size; empty if it is.

        Examples
        --------
        >>> svm = Candidate("svm", "SVM", ("binary",), {}, limits={"rows": 5000})
        >>> svm.misfit("binary", 6000, 3, 2), svm.misfit("binary", 5000, 3, 2)
        ('for at most 5,000 rows', '')
        """
        if task not in self.tasks:
            return f"for {' and '.join(self.tasks)}"
        size = {"rows": n_rows, "columns": n_columns, "classes": n_classes}
        over = [f"{v:,} {k}" for k, v in self.limits.items() if size[k] > v]
        return f"for at most {' and '.join(over)}" if over else ""


DISTRIBUTION = "automl-pipelines"
"""What a package index calls this library."""

EXTRAS = {"catboost": "boosters", "xgboost": "boosters"}
"""Modules that an extra of this library installs, and which."""

TAKEN = ("baseline", "ensemble", "calibrated")
"""Names in every history that no candidate may have."""


def load_candidates(
    wanted: Any = "auto", *, allow: str | tuple[str, ...] = ()
) -> dict[str, Candidate]:
    """Return candidates by name, in the order of first tries.

    Parameters
    ----------
    wanted : "auto", str, Path, Candidate, a list of these, or what this returns
        ``auto`` is every shipped candidate whose library is installed. A text is the
        name of a shipped one or the path of a folder or file of specs. Of two with one
        name the later counts.
    allow : str or tuple of str
        More packages whose classes specs may name.

    Raises
    ------
    AutoMLConfigError
        If a name, file or key is unknown; it lists the known ones. If the library of
        one that was asked for is not installed (``E-extra``).

    Examples
    --------
    >>> list(load_candidates(["ridge", "lightgbm"]))
    ['lightgbm', 'ridge']
    """
    shipped = sorted(folder("pipelines").glob("*.toml"))
    allow = (allow,) if isinstance(allow, str) else tuple(allow)
    if isinstance(wanted, Mapping):
        wanted = list(wanted.values())
    single = isinstance(wanted, str | Path | Candidate)
    if not single and not isinstance(wanted, list | tuple | set | frozenset):
        raise AutoMLConfigError(
            f"candidates={wanted!r}: a name, a folder of specs, a Candidate or a list "
            "of these was expected.",
            code="E-candidates",
            hint='Use "auto" if in doubt.',
        )
    items = [wanted] if single else list(wanted)
    if not items:
        raise AutoMLConfigError(
            "candidates=[] leaves nothing to search.",
            code="E-candidates",
            hint="Name at least one.",
        )
    found: dict[str, Candidate] = {}
    for item in items:
        for candidate in _load_item(item, shipped, allow):
            if candidate.name in TAKEN:
                raise AutoMLConfigError(
                    f"A candidate is called {candidate.name!r}, as is a row of every "
                    "leaderboard.",
                    code="E-candidates",
                    hint="Give it another name.",
                )
            found[candidate.name] = candidate
    return dict(sorted(found.items(), key=lambda pair: (pair[1].order, pair[0])))


def _load_item(
    item: Any, shipped: list[Path], allow: tuple[str, ...]
) -> Iterable[Candidate]:
    if isinstance(item, Candidate):
        where = f"The candidate {item.name!r}"
        _parse(where, item.name, spec_of_object(where, item), ("",))
        return [item]
    if item == "auto":
        specs = {path: _toml(path) for path in shipped}
        here = [p for p in shipped if is_installed(specs[p].get("requires", ""))]
        return [parse_candidate(p.stem, specs[p], allow=allow) for p in here]
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
            f"The folder {str(path)!r} holds no .toml file; one for each candidate was "
            "expected.",
            code="E-candidates",
            hint="Name another folder.",
        )
    raise AutoMLConfigError(
        f"The candidate {item!r} is unknown; a name, a folder of specs or a Candidate "
        "was expected.",
        code="E-candidates",
        hint=suggestion(item, names),
    )


def _read(path: Path, allow: tuple[str, ...]) -> Candidate:
    return parse_candidate(path.stem, _toml(path), allow=allow)


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise AutoMLConfigError(
            f"{path.name} cannot be read as TOML: {error}.", code="E-candidates"
        ) from None


def is_installed(module: str) -> bool:
    """Return whether a module can be imported; what is not named needs nothing.

    Examples
    --------
    >>> is_installed("json"), is_installed("no_such_module"), is_installed("")
    (True, False, True)
    """
    return not module or importlib.util.find_spec(module) is not None


def _check_installed(name: str, module: str) -> None:
    """Refuse a candidate whose library is not there, and say how to get it."""
    if is_installed(module):
        return
    extra = EXTRAS.get(module)
    package = module if extra is None else f'"{DISTRIBUTION}[{extra}]"'
    raise AutoMLConfigError(
        f"The candidate {name!r} needs {module}, which is not installed.",
        code="E-extra",
        hint=f"Install it with: pip install {package}",
    )


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
        If a key is missing, unknown or of the wrong kind; it names file and key. If
        what it requires is not installed.

    Examples
    --------
    >>> spec = {"tasks": ["regression"], "title": "Ridge",
    ...         "estimator": {"regression": "sklearn.linear_model.Ridge"},
    ...         "space": {"alpha": {"dist": "float", "low": 0.1, "high": 10.0}}}
    >>> parse_candidate("ridge", spec).space[0].high
    10.0
    """
    allowed = ALLOWED_MODULES + tuple(f"{module}." for module in allow)
    return _parse(f"{name}.toml", name, spec, allowed)


def _parse(
    where: str, name: str, spec: Mapping[str, Any], allowed: tuple[str, ...]
) -> Candidate:
    """Return a candidate whose classes are of these modules."""
    check_known(where, "", read_table(where, "the file", spec), KEYS)
    for key in ("tasks", "estimator"):
        if key not in spec:
            raise refuse(where, f"the key {key!r} is missing.")
    tasks = read_tasks(where, spec["tasks"])
    preparation, searched = read_preparation(where, spec)
    space = (*searched, *read_space(where, spec.get("space", {})))
    candidate = Candidate(
        name=name,
        title=read_text(where, "title", spec.get("title", name)),
        tasks=tasks,
        estimators=read_estimators(where, spec["estimator"], tasks, allowed),
        order=read_whole(where, "order", spec.get("order", 50), low=None),
        fixed=dict(read_table(where, "fixed", spec.get("fixed", {}))),
        fixed_by_task=_read_by_task(where, spec.get("fixed_by_task", {}), tasks),
        preparation=preparation,
        space=space,
        resource=read_resource(where, spec.get("resource")),
        limits=read_limits(where, spec.get("limits", {})),
        requires=read_module(where, spec.get("requires", "")),
        starts=read_starts(where, spec.get("start", []), space),
        log_target=read_log_target(where, spec.get("log_target", False), tasks),
    )
    _check_installed(name, candidate.requires)
    check_parameters(
        where,
        {t: (candidate.estimator_path(t), candidate.fixed_for(t)) for t in tasks},
        {d.name for d in candidate.space} - OPTIONS,
        None if candidate.resource is None else candidate.resource.param,
    )
    return candidate


def _read_by_task(
    where: str, given: Any, tasks: tuple[str, ...]
) -> dict[str, dict[str, Any]]:
    """Return the fixed parameters of single tasks, which have to be the candidate's."""
    table = read_table(where, "fixed_by_task", given)
    check_known(where, "fixed_by_task", table, tasks)
    return {
        task: dict(read_table(where, f"fixed_by_task.{task}", parameters))
        for task, parameters in table.items()
    }
