"""Fitted pipelines of folds, or of all rows, to one pipeline that averages them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from automl.estimators.ensemble import WeightedEnsemble
from automl.kept import kept_model
from automl.pipeline import split_params
from automl.workplace import plain_classes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from automl.candidates import Candidate
    from automl.table import Table
    from automl.trial import Trial

__all__ = [
    "Part",
    "assemble",
    "bag_of",
    "from_raw",
    "labelled",
    "refit_of",
    "unlabelled",
]

AS_IT_IS = "as_it_is"
"""Name of the step of what is not prepared."""

ALL_ROWS = -1
"""Stands for the fold of a model that was fitted on all rows."""


@dataclass(frozen=True)
class Part:
    """A fitted pipeline on the encoded table that is a part of an ensemble.

    Attributes
    ----------
    name : str
        What to call it.
    pipeline : Pipeline
        A preparation and a model.
    weight : float
        Its share.
    places : array of shape (n_own_classes,) or None
        Where its classes stand among those of the table; None for regression.
    prepared : str
        What it was prepared by: parts with the same share one preparation.
    """

    name: str
    pipeline: Pipeline
    weight: float
    places: np.ndarray | None
    prepared: str


def bag_of(
    trial: Trial,
    weight: float,
    candidates: Mapping[str, Candidate],
    table: Table,
    folder: Path,
) -> list[Part]:
    """Return the models of a trial's folds, each with its share of the weight.

    Raises
    ------
    OSError, pickle.UnpicklingError
        If one is not there or not whole.
    """
    parts = []
    share = weight / len(trial.folds)
    for fold in sorted(f.fold for f in trial.folds):
        model = kept_model(folder, trial.number, fold)
        places = None
        if table.classes is not None:
            places = np.asarray(model[-1].classes_).astype(np.int64)
        parts.append(
            Part(
                f"trial {trial.number}, fold {fold}", model, share, places,
                _prepared(candidates[trial.candidate], trial, fold),
            )
        )  # fmt: skip
    return parts


def refit_of(
    trial: Trial,
    weight: float,
    candidates: Mapping[str, Candidate],
    table: Table,
    pipeline: Pipeline,
) -> Part:
    """Return a model that was fitted on all rows, with the user's own labels."""
    places = None
    if table.classes is not None:
        places = _places(pipeline[-1], plain_classes(table.classes))
    prepared = _prepared(candidates[trial.candidate], trial, ALL_ROWS)
    return Part(f"trial {trial.number}", pipeline, weight, places, prepared)


def _prepared(candidate: Candidate, trial: Trial, fold: int) -> str:
    options, _ = split_params(candidate, trial.params)
    return f"{fold} {json.dumps(options, sort_keys=True)}"


def assemble(parts: Sequence[Part], table: Table, temperature: float = 1.0) -> Pipeline:
    """Return one pipeline from the raw table that averages the parts.

    Parameters
    ----------
    parts : list of Part
        Their weights sum to one.
    table : Table
        For its encoder and classes.
    temperature : float, default=1.0
        Of the averaged probabilities.
    """
    groups: dict[str, tuple[Pipeline, list[tuple[str, Any, float, Any]]]] = {}
    for part in parts:
        prepare = part.pipeline[:-1]
        _, heads = groups.setdefault(part.prepared, (prepare, []))
        heads.append((part.name, part.pipeline[-1], part.weight, part.places))
    classes = None if table.classes is None else plain_classes(table.classes)
    ensemble = WeightedEnsemble(list(groups.values()), classes, temperature)
    return Pipeline([("encode", table.encoder), ("model", ensemble)])


def labelled(
    pipeline: Pipeline, table: Table, factors: tuple[float, ...] | None
) -> Pipeline:
    """Return a pipeline from the raw table with labels by factors of the classes.

    Parameters
    ----------
    pipeline : Pipeline
        From the raw table; it is left as it is, and shares what it is made of.
    table : Table
        For its classes.
    factors : tuple of float or None
        In the order of the classes; None gives the pipeline.
    """
    if factors is None or table.classes is None:
        return pipeline
    encode, *steps, (name, model) = pipeline.steps
    classes = plain_classes(table.classes)
    if isinstance(model, WeightedEnsemble):
        parts, temperature = model.parts, model.temperature
    else:
        prepare = Pipeline(steps or [(AS_IT_IS, FunctionTransformer())])
        parts = [(prepare, [(name, model, 1.0, _places(model, classes))])]
        temperature = 1.0
    ensemble = WeightedEnsemble(parts, classes, temperature, factors)
    return Pipeline([encode, ("model", ensemble)])


def unlabelled(pipeline: Pipeline) -> Pipeline:
    """Return what `labelled` was given, if that was one configuration."""
    encode, *_, (_, model) = pipeline.steps
    heads = [head for _, own in getattr(model, "parts", ()) for head in own]
    if len(heads) != 1 or model.temperature != 1.0:
        return pipeline
    steps = [step for step in model.parts[0][0].steps if step[0] != AS_IT_IS]
    name, inner = heads[0][:2]
    return Pipeline([encode, *steps, (name, inner)])


def _places(model: Any, classes: np.ndarray) -> np.ndarray:
    """Return where the classes of a model that was fitted on labels stand.

    A learner that has numbers of its own for the labels is taken to have them in order.
    """
    known = np.asarray(model.classes_).tolist()
    order = {label: place for place, label in enumerate(classes.tolist())}
    found = [order.get(label) for label in known]
    if None not in found:
        return np.array(found, dtype=np.int64)
    if len(known) == len(classes):
        return np.arange(len(classes))
    raise ValueError(f"{type(model).__name__} has classes that are no labels")


def from_raw(table: Table, pipeline: Pipeline) -> Pipeline:
    """Return a pipeline on the encoded table as one from the raw table."""
    return Pipeline([("encode", table.encoder), *pipeline.steps])
