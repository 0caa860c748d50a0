"""What permuting the columns cost, as a report shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from automl.facts import Importance
from automl.permuted import IMPORTANCE_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl.kinds import Column

__all__ = ["importance_of", "importance_table", "unmeasured"]


def importance_of(
    raw: dict[str, Any] | None, columns: tuple[Column, ...], of: str = ""
) -> Importance | None:
    """Return the importance under the user's names, most important first.

    Parameters
    ----------
    raw : dict or None
        What the task gave.
    columns : tuple of Column
        Of the table.
    of : str
        Whose importance it is, where that is not what predicts.
    """
    if not raw or not raw["drops"]:
        return None
    names = {c.id: str(c.name) for c in columns}
    drops = raw["drops"]
    order = sorted(drops, key=lambda key: -float(np.mean(drops[key])))
    times = sorted({len(found) for found in drops.values()})
    often = f"{times[-1]} permutation" + "s" * (times[-1] > 1)
    if times[1:]:
        often = f"{times[0]} to {times[-1]} permutations"
    left_out = sum(c.used for c in columns) - len(drops)
    note = (
        f"Drop in the score when a column is permuted: {raw['n_test']:,} held-out "
        f"rows, a model fitted to {raw['n_train']:,} others, {often}."
    )
    if of:
        note = f"Of {of}. {note}"
    if left_out:
        why = (
            "only so many are permuted"
            if len(drops) >= IMPORTANCE_COLUMNS
            else ("the time for it was up")
        )
        some, were = ("column", "was") if left_out == 1 else ("columns", "were")
        note += f" {left_out} {some}, drawn by chance, {were} left out: {why}."
    return Importance(
        columns=tuple(names[n] for n in order),
        mean=tuple(float(np.mean(drops[n])) for n in order),
        std=tuple(float(np.std(drops[n])) for n in order),
        note=note,
    )


def importance_table(facts: Mapping[str, Any]) -> pd.DataFrame:
    """Return the importance among the facts as a table, most important column first.

    Parameters
    ----------
    facts : mapping
        Of a run.

    Examples
    --------
    >>> importance_table({"importance": {"rows": [["age", 0.2, 0.1]]}})
      column  mean  std
    0    age   0.2  0.1
    >>> len(importance_table({"importance": None}))
    0
    """
    found = facts.get("importance")
    rows = found["rows"] if found else ()
    return pd.DataFrame(rows, columns=["column", "mean", "std"])


def unmeasured(raw: dict[str, Any] | None, metric: str) -> tuple[str, ...]:
    """Return what to say where the score of the untouched columns is undefined.

    Parameters
    ----------
    raw : dict or None
        What the task gave.
    metric : str
        What is scored.

    Examples
    --------
    >>> unmeasured({"drops": {}, "test_score": None, "n_test": 40}, "roc_auc")[0][:46]
    'Importance of columns is left out: roc_auc is '
    """
    if not raw or raw["drops"] or raw["test_score"] is not None:
        return ()
    note = (
        f"Importance of columns is left out: {metric} is undefined on the "
        f"{raw['n_test']:,} held-out rows that were drawn for it."
    )
    return (note,)
