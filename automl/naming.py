"""What predicts, with the labels that are chosen for the metric of the run."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from automl.assembly import labelled
from automl.confusion_scores import has_factors
from automl.ensemble import Blend, spread
from automl.labelling import factors_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl.problem import Problem
    from automl.winner import Deployed

__all__ = ["with_labels_chosen"]

CELLS = 20_000_000
"""Probabilities of all folds that decide: 160 MB, and as much to multiply them."""


def with_labels_chosen(
    out: Deployed,
    blend: Blend | None,
    problem: Problem,
    predictions: Callable[[int, int], np.ndarray],
) -> Deployed:
    """Return what predicts with labels by its own out-of-fold predictions.

    It is left as it is for a metric that reads no labels, or where there are no such
    predictions. What fails costs the labels and never the model.

    Parameters
    ----------
    out : Deployed
        What predicts.
    blend : Blend or None
        The average that it is; None if it is one configuration, or the constant.
    problem : Problem
        What was worked on.
    predictions : callable
        From a trial's number and a fold to predictions of its scored rows.
    """
    if not has_factors(problem.metric):
        return out
    try:
        factors = _chosen(
            blend or Blend({out.trial.number: 1.0}, ()), problem, predictions
        )
        pipeline = labelled(out.pipeline, problem.table, factors)
    except Exception as error:  # noqa: BLE001 - there is a model, whatever its labels
        note = (
            "Labels are those of the likeliest class: choosing them raised "
            f"{type(error).__name__}."
        )
        return replace(out, notes=(*out.notes, note))
    return replace(out, pipeline=pipeline)


def _chosen(
    whole: Blend, problem: Problem, predictions: Callable[[int, int], np.ndarray]
) -> tuple[float, ...] | None:
    """Return the factors of an average; None if the likeliest class is as good."""
    table, splits = problem.table, problem.folds.splits
    limit = CELLS // (len(splits) * max(1, table.n_classes))
    blocks, rows = [], []
    for k, (_, test) in enumerate(splits):
        with suppress(OSError, ValueError, EOFError):  # not scored, or a note tells
            some = spread(test, table.y, limit)
            blocks.append(
                whole.mixed(lambda n, k=k, some=some: predictions(n, k)[some])  # type: ignore[misc]
            )
            rows.append(test[some])
    if not blocks:
        return None
    place = np.concatenate(rows)
    weight = None if table.sample_weight is None else table.sample_weight[place]
    return factors_of(problem.metric, table.y[place], np.concatenate(blocks), weight)
