"""A fitted pipeline to the Python that makes it anew: names and parameters, no data."""

from __future__ import annotations

import inspect
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.encoding import TableEncoder
from automl.estimators.logarithm import inner_learner
from automl.fitting import of_mean_one, takes_weights
from automl.pipeline import NATIVE

if TYPE_CHECKING:
    from automl.table import Table

__all__ = ["winners_script"]

WIDTH = 88
"""Columns of a line of code, where it can be broken."""

MAX_NAMED = 40
"""Columns that are listed by name; more are listed by number."""

KINDS = ("number", "boolean", "category", "date", "text")
"""Kinds that pipelines see."""

GIVEN = ("groups", "sample_weight")
"""What takes a column out of the table, or counts in a fit."""


class _Unwritable(Exception):  # noqa: N818 - no error: there is just no code for it
    """A parameter whose value has no written form."""


def winners_script(pipeline: Any, table: Table) -> str | None:
    """Return Python that fits the pipeline again, readable and runnable.

    Parameters
    ----------
    pipeline : Pipeline
        From the raw table, fitted.
    table : Table
        Whose reading of cells comes before it.

    Returns
    -------
    str or None
        A module that expects ``X`` and ``y``; None where a parameter cannot be written
        down, as a function of the user's.
    """
    steps = _steps_of(pipeline)
    if steps is None:
        return None
    writer = _Writer(table)
    try:
        body = writer.call("Pipeline", [("steps", steps)], 0)
    except _Unwritable:
        return None
    writer.imports.add(("sklearn.pipeline", "Pipeline"))
    modules = sorted({module for module, _ in writer.imports})
    names = [
        f"from {m} import {', '.join(sorted(n for k, n in writer.imports if k == m))}"
        for m in modules
    ]
    classes = table.classes is not None
    answer = (
        "table.classes[pipeline.predict(new)]" if classes else "pipeline.predict(new)"
    )
    given = [name for name in GIVEN if getattr(table, name) is not None]
    more = "".join(f", {name}={name}" for name in given)
    if table.kept is not None:
        more += ", drop_missing_target=True"
    last, model = steps[-1]
    weighted = table.sample_weight is not None and takes_weights(inner_learner(model))
    unit = " / table.sample_weight.mean()" if of_mean_one(table.sample_weight) else ""
    weight = f", {last}__sample_weight=table.sample_weight{unit}" if weighted else ""
    lines = [
        "# X, y: the table that was searched. Cells are read as in the search:",
        "# numbers and dates as numbers, categories as codes, columns as f0, f1, …",
        *(["import numpy as np"] if "np." in body else []),
        *names,
        "from automl.table import make_table",
        "",
        *([f"# {' and '.join(given)}: as given to fit"] if given else []),
        f"table = make_table(X, y, task={table.task!r}{more})",
        *(["ids = {c.name: c.id for c in table.columns}"] if "ids[" in body else []),
        "pipeline = " + body,
        f"pipeline.fit(table.X, table.y{_fit_arguments(steps)}{weight})",
        "",
        "new = table.encoder.transform(X)  # rows to predict, as they come",
        f"prediction = {answer}",
    ]
    return "\n".join(lines)


def _steps_of(pipeline: Any) -> list[tuple[str, Any]] | None:
    """Return the steps after the encoder; of an average, those of its first part."""
    steps = getattr(pipeline, "steps", None)
    if not steps:
        return None
    inner = [(n, s) for n, s in steps if not isinstance(s, TableEncoder)]
    if len(inner) == 1 and hasattr(inner[0][1], "parts"):
        prepare, heads = inner[0][1].parts[0]
        return [*prepare.steps, ("model", heads[0][1])]
    return inner


def _fit_arguments(steps: list[tuple[str, Any]]) -> str:
    """Return what LightGBM must be told of categories when it is fitted."""
    name, model = steps[-1]
    kind = type(inner_learner(model))
    if not kind.__module__.startswith("lightgbm") or len(steps) < 2:
        return ""
    names: Any = steps[0][1].get_feature_names_out()
    for _, step in steps[1:-1]:
        names = step.get_feature_names_out(names)
    places = [i for i, n in enumerate(names) if str(n).startswith(f"{NATIVE}__")]
    return f", {name}__categorical_feature={places}" if places else ""


class _Writer:
    """Writes estimators as calls, and notes what has to be imported."""

    def __init__(self, table: Table) -> None:
        self.imports: set[tuple[str, str]] = set()
        self.names = {c.id: c.name for c in table.columns}
        self.kinds: dict[tuple[str, ...], tuple[str, ...]] = {}
        groups = [(k,) for k in KINDS]
        for group in [*groups, ("number", "boolean"), ("number", "date")]:
            self.kinds.setdefault(tuple(table.ids(*group)), group)

    def write(self, value: Any, depth: int) -> str:
        """Return an expression of the value."""
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, float) and not math.isfinite(value):
            return f'float("{value}")'
        if value is None or isinstance(value, bool | int | float | str):
            return repr(value)
        if isinstance(value, list | tuple):
            return self._sequence(value, depth)
        if inspect.isfunction(value):
            return self._named(value)
        if hasattr(value, "get_params"):
            return self._estimator(value, depth)
        if type(value).__module__.startswith("sklearn.model_selection"):
            self._named(type(value))
            return repr(value)
        raise _Unwritable

    def call(self, name: str, arguments: list[tuple[str, Any]], depth: int) -> str:
        """Return a call with keywords, one on a line where they are long."""
        inner = depth + 1
        texts = [f"{k}={self.write(v, inner)}" for k, v in arguments]
        return self._bracketed(f"{name}(", texts, ")", depth)

    def _estimator(self, value: Any, depth: int) -> str:
        name = self._named(type(value))
        signature = inspect.signature(type(value).__init__).parameters
        given = [
            (k, v)
            for k, v in value.get_params(deep=False).items()
            if not (k in signature and _same(v, signature[k].default))
        ]
        return self.call(name, given, depth)

    def _named(self, what: Any) -> str:
        """Note the import of a class or function by its public path."""
        parts = what.__module__.split(".")
        hidden = [i for i, p in enumerate(parts) if p.startswith("_")]
        module = ".".join(parts[: hidden[0]] if hidden else parts)
        if parts[0] == "lightgbm":
            module = "lightgbm"
        if parts[0] == "__main__" or not module or "<" in what.__qualname__:
            raise _Unwritable
        self.imports.add((module, what.__name__))
        return str(what.__name__)

    def _sequence(self, value: Any, depth: int) -> str:
        if value and all(isinstance(v, str) and v in self.names for v in value):
            return self._columns(list(value), depth)
        texts = [self.write(v, depth + 1) for v in value]
        if isinstance(value, list):
            return self._bracketed("[", texts, "]", depth)
        end = ",)" if len(texts) == 1 else ")"
        return self._bracketed("(", texts, end, depth)

    def _columns(self, ids: list[str], depth: int) -> str:
        kinds = self.kinds.get(tuple(ids))
        if kinds is not None:
            return "table.ids(" + ", ".join(map(repr, kinds)) + ")"
        if len(ids) > MAX_NAMED or not all(isinstance(self.names[i], str) for i in ids):
            numbers = ", ".join(i[1:] for i in ids)
            return f'[f"f{{i}}" for i in ({numbers},)]'
        texts = [f"ids[{self.names[i]!r}]" for i in ids]
        return self._bracketed("[", texts, "]", depth)

    @staticmethod
    def _bracketed(start: str, texts: list[str], end: str, depth: int) -> str:
        flat = f"{start}{', '.join(texts)}{end}"
        pad = "    " * depth
        if len(pad) + len(flat) <= WIDTH - 16 and "\n" not in flat:
            return flat
        inside = "".join(f"{pad}    {t},\n" for t in texts)
        return f"{start}\n{inside}{pad}{end.lstrip(',')}"


def _same(value: Any, default: Any) -> bool:
    """Return whether a value is the default; NaN is itself here."""
    if type(value) is not type(default):
        return False
    both_nan = isinstance(value, float) and math.isnan(value) and math.isnan(default)
    return both_nan or bool(np.all(value == default))
