"""Whether two runs are the same one: what of data and settings decides on that.

Pure functions; nothing is read or written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.confusion_scores import has_factors
from automl.exceptions import AutoMLConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from automl.candidates import Candidate
    from automl.folds import Folds
    from automl.metrics import Metric
    from automl.table import Table

__all__ = ["identity", "refuse_another"]

WHY = {"search space": "The given candidates or their files have changed."}
"""What more there is to say of a part that differs, before what to do."""

DIGITS = 8
"""Of a hash, where one is shown."""


def identity(
    table: Table,
    metric: Metric,
    folds: Folds,
    candidates: tuple[Candidate, ...],
    random_state: int,
    version: str,
) -> dict[str, str]:
    """Return what makes two runs the same one, by the name of each part.

    Budgets, processes, limits and observers are no part of it.
    """
    weights = table.sample_weight
    return {
        "automl-pipelines version": ".".join(version.split(".")[:2]),
        "task": table.task,
        "metric": _metric(metric),
        "target": _digest(table.y, *_texts(table.classes)),
        "columns": _digest(*(str(c.name) for c in table.columns)),
        "data": table.fingerprint,
        "sample weights": "none" if weights is None else _digest(weights),
        "random_state": str(random_state),
        "folds": f"{folds.name}, {_digest(*(a for s in folds.splits for a in s))}",
        "search space": _digest(*(_spec(c) for c in candidates)),
    }


def _metric(metric: Metric) -> str:
    """Return what a metric is called, and a hash of what else its scorer is given."""
    given = getattr(metric.scorer, "_kwargs", None) if metric.own else None
    if not given:  # scores of labels that are chosen are no others' equals
        return f"{metric.name}, labels chosen" if has_factors(metric) else metric.name
    text = json.dumps(_plain(given), default=_type_name)
    return f"{metric.name} with arguments {_digest(text)}"


def _plain(value: object) -> object:
    """Return an argument with its mappings as sorted pairs: their keys may be anything.

    Examples
    --------
    >>> _plain({"costs": {(0, 1): 5.0}})
    [["'costs'", [['(0, 1)', 5.0]]]]
    """
    if isinstance(value, Mapping):
        pairs = [[repr(key), _plain(v)] for key, v in value.items()]
        return sorted(pairs, key=lambda pair: str(pair[0]))
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value


def _texts(labels: np.ndarray | None) -> list[str]:
    return [] if labels is None else [repr(v) for v in labels.tolist()]


def _spec(candidate: Candidate) -> str:
    return json.dumps(asdict(candidate), sort_keys=True, default=_type_name)


def _type_name(value: object) -> object:
    """Return what stands for a parameter that JSON does not know."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _digest(*parts: np.ndarray | str) -> str:
    digest = hashlib.sha256()
    for part in parts:
        content = (
            part.encode("utf-8", "surrogatepass")
            if isinstance(part, str)
            else np.ascontiguousarray(part).tobytes()
        )
        digest.update(b"%d:" % len(content))
        digest.update(content)
    return digest.hexdigest()


def refuse_another(
    folder: Path, then: Mapping[str, Any], now: Mapping[str, str]
) -> None:
    """Refuse to go on with a run that was another one.

    Raises
    ------
    AutoMLConfigError
        Naming the first part that differs, and both values (``E-resume``).

    Examples
    --------
    >>> from pathlib import Path
    >>> refuse_another(Path("run"), {"metric": "rmse"}, {"metric": "mae"})
    Traceback (most recent call last):
    ...
    automl.exceptions.AutoMLConfigError: run_dir='run' holds a run with another metric:
    rmse there, mae here. Give what it was begun with, or choose another folder.
    """
    for name, here in now.items():
        there = str(then.get(name, "unknown"))
        if there != here:
            why = f" {WHY[name]}" if name in WHY else ""
            raise AutoMLConfigError(
                f"run_dir={str(folder)!r} holds a run with another {name}: "
                f"{_short(there)} there, {_short(here)} here.{why} Give what it was "
                "begun with, or choose another folder.",
                code="E-resume",
            )


def _short(value: str) -> str:
    """Return a value with its hash shortened."""
    head, _, tail = value.rpartition(" ")
    if len(tail) == 64:
        tail = tail[:DIGITS]
    return f"{head} {tail}".strip()
