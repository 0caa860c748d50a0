"""What a learner minimises, so that it suits the metric."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl.candidates import Candidate
    from automl.layout import Layout

__all__ = ["learns_logarithm", "lightgbm_loss"]

OBJECTIVE = frozenset(["objective", "objective_type", "app", "application", "loss"])
"""LightGBM's names for its loss: a candidate that gives one says what is minimised."""

LINEAR = frozenset(["linear_tree", "linear_trees"])
"""LightGBM's names of leaves that know squares only."""

SQUARES = frozenset(
    [
        "squared_error", "friedman_mse", "regression", "regression_l2", "l2", "l2_root",
        "mean_squared_error", "mse", "root_mean_squared_error", "rmse", "none",
    ]
)  # fmt: skip
"""Values by which learners of all libraries minimise squares, as they do by default."""


def lightgbm_loss(layout: Layout, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return LightGBM's loss where it is not the squares, if the candidate has none.

    Parameters
    ----------
    layout : Layout
        Of the table, for its metric.
    given : dict
        Parameters of the estimator.
    """
    if not layout.absolute or (OBJECTIVE | LINEAR) & given.keys():
        return {}
    return {"objective": "regression_l1"}


def learns_logarithm(
    layout: Layout, candidate: Candidate, given: Mapping[str, Any]
) -> bool:
    """Return whether ``log(1 + y)`` is learnt: what minimises no squares learns ``y``.

    Parameters
    ----------
    layout : Layout
        Of the table, for its metric.
    candidate : Candidate
        Whose `log_target` asks for it.
    given : dict
        Parameters of its estimator.
    """
    if not (layout.logarithm and candidate.log_target):
        return False
    said = (given[key] for key in OBJECTIVE | {"criterion"} if key in given)
    return all(value is None or value in SQUARES for value in said)
