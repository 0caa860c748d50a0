"""What an earlier session of a run has done, so that it is not done again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl.trial import FoldResult

__all__ = ["Known"]


@dataclass(frozen=True)
class Known:
    """A fold that an earlier session of the run has done.

    Attributes
    ----------
    candidate : str
        Name of the candidate.
    params : dict
        Its hyperparameters, as JSON values.
    result : FoldResult
        What came of it.
    """

    candidate: str
    params: Mapping[str, Any]
    result: FoldResult

    def answers(self, candidate: str, params: Mapping[str, Any]) -> bool:
        """Return whether a task about this configuration needs not be run.

        Examples
        --------
        >>> from automl.trial import FoldResult
        >>> known = Known("mlp", {"layers": [8, 8]}, FoldResult(1, 0, "ok", 0.5))
        >>> known.answers("mlp", {"layers": (8, 8)}), known.answers("mlp", {})
        (True, False)
        """
        return self.candidate == candidate and _same(self.params, params)


def _same(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Return whether two configurations are one: a tuple is a list in JSON."""
    return json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True)
