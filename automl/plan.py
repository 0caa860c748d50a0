"""What is fixed for a search before it begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from automl.candidates import Candidate

__all__ = ["Plan"]


@dataclass(frozen=True)
class Plan:
    """What is fixed for a search.

    Attributes
    ----------
    candidates : tuple of Candidate
        Those that fit the table, in the order of first tries.
    n_folds : int
        Folds.
    n_rows, n_train : int
        Rows of the table, and of a fold's training part.
    n_workers : int
        Processes.
    random_state : int
        Seed of the run.
    trial_time_limit_s : float or None
        Seconds that a configuration's fits may take together, as the user wants it.
    keeps : int
        Configurations whose fold models are kept, beside the best of each family: they
        can be deployed. 0 if none can.
    ensemble : bool
        Whether a weighted average may win.
    resumed : bool
        Whether configurations of an earlier session may lead, whose models are gone.
    bag : bool
        Whether the models of folds predict, and fits on all rows only stand by.
    limited : bool
        Whether what predicts may not cost more than so much.
    n_tested : int
        Rows of ``X_test``, which what predicts is scored on.
    n_columns : int
        Columns that are learnt from.
    has_text : bool
        Whether some of them are text.
    scored_meanwhile : bool
        Whether the score is corrected while what predicts is fitted.
    """

    candidates: tuple[Candidate, ...]
    n_folds: int
    n_rows: int
    n_train: int
    n_workers: int
    random_state: int
    trial_time_limit_s: float | None = None
    keeps: int = 0
    ensemble: bool = False
    bag: bool = False
    resumed: bool = False
    limited: bool = False
    n_tested: int = 0
    n_columns: int = 100
    has_text: bool = False
    scored_meanwhile: bool = False
