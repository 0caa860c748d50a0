"""The options of the steps before the estimator, and which of them do nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DEFAULT_PREPARATION", "OPTIONS", "PREPARATION", "inactive"]

PREPARATION: dict[str, dict[str, tuple[str, ...]]] = {
    "preprocess": {
        "numeric": ("passthrough", "impute"),
        "impute": ("median", "mean", "most_frequent"),
        "indicator": ("yes", "no"),
        "scale": ("none", "standard", "robust", "quantile"),
        "categorical": ("native", "ordinal", "onehot", "target"),
        "onehot": ("dense", "sparse"),
        "text_components": (),
        "arithmetic": ("no", "yes"),
    },
    "select": {"method": ("none", "univariate", "l1", "importance"), "keep": ()},
}
"""Tables of a spec that describe the steps before the estimator, with their values;
a list of values is searched."""

OPTIONS = frozenset(key for keys in PREPARATION.values() for key in keys)
"""All of them, of whichever table."""

DEFAULT_PREPARATION: dict[str, Any] = {
    "numeric": "impute",
    "impute": "median",
    "indicator": "yes",
    "scale": "none",
    "categorical": "onehot",
    "onehot": "dense",
    "text_components": 32,
    "arithmetic": "no",
    "method": "none",
    "keep": 0.5,
}


def inactive(options: Mapping[str, Any]) -> set[str]:
    """Return the options that do nothing under the others; all of them are given.

    Examples
    --------
    >>> sorted(inactive(DEFAULT_PREPARATION | {"numeric": "passthrough"}))
    ['impute', 'indicator', 'keep', 'scale']
    """
    idle = set()
    if options["method"] == "none":
        idle.add("keep")
    if options["numeric"] == "passthrough":
        idle |= {"impute", "indicator", "scale"}
    if options["categorical"] != "onehot":
        idle.add("onehot")
    return idle
