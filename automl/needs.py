"""How much memory a fit will take, by formulas; what does not fit is not begun.

The formulas count copies of the encoded and of the prepared matrix, as scikit-learn and
LightGBM make them, and what a learner keeps beside, with the largest of its space.
Against fits measured on 100,000 × 20, 300,000 × 30, 20,000 × 500 and with categories
they say .84 to 1.8 times as much; forests that were stopped early held less.
"""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

from automl.exceptions import AutoMLResourceError
from automl.layout import BINS
from automl.memory import SOFT, WORKER_MIB
from automl.pipeline import DENSE_CELLS, NATIVE_LEVELS, ONEHOT_LEVELS, SPARSE_SHARE
from automl.preparation import DEFAULT_PREPARATION
from automl.preprocess.arithmetic import ranked_shape
from automl.space import default_point
from automl.specs import is_number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from automl.candidates import Candidate
    from automl.layout import Layout

__all__ = ["predicted_mib", "skipped", "workers_that_fit"]

MIB = 2**20

RAW_COPIES = 3.0
"""Encoded matrix: the mapped file, the rows of a fold, and a branch's columns."""

PREPARED_COPIES = 2.5
"""Prepared matrix: the branches, the whole, and the halves of an imputer's sort."""

PASSED_COPIES = 1.5
"""The same where columns are passed through as they are."""

SPARSE_BYTES = 12
"""Of a cell that is not zero: a float64 and an index."""

DATE_PARTS = 7
"""Columns that a date becomes."""

TEXT_BYTES = 1500
"""Of a cell of text: 100 weighted words and 32 components (a guess: texts differ)."""

NODE_BYTES = 64
"""Of a node of scikit-learn's trees, beside 8 for each class."""

BIN_BYTES = 16
"""Of a bin of a histogram; each leaf has one for each column."""

BINS_NAMES = ("max_bin", "max_bins")
"""How LightGBM calls the bins of a column; scikit-learn has the second only."""

RANKED_BYTES = 9
"""Of a cell that says which pairs of numbers to keep: float32 twice, and its bin."""

ROUND_BYTES = 24
"""Of a row and class in boosting: gradient, hessian, score; CatBoost's are float64."""

COUNTS_MIB = 60.0
"""CatBoost's counts of the target by levels, and by combinations of them (measured: 34
MiB with 49,000 rows and 8 categories, 70 with 3,400 rows, 10 of them and 4 classes)."""

KERNEL_MIB = 200.0
"""Cache of scikit-learn's support vector machines; the kernel is float32."""


def predicted_mib(candidate: Candidate, layout: Layout, n_classes: int = 0) -> float:
    """Return the MiB that a fit of a candidate on all rows takes beside its process.

    Parameters
    ----------
    candidate : Candidate
        What is fitted, with the largest of its space.
    layout : Layout
        Of the table.
    n_classes : int, default=0
        Classes of the target; 0 for regression.

    Examples
    --------
    >>> from automl.candidates import load_candidates
    >>> from automl.layout import Layout
    >>> from automl.table import make_table
    >>> table = make_table([[i % 7, i % 5] for i in range(100)], list(range(100)))
    >>> lightgbm = load_candidates("lightgbm")["lightgbm"]
    >>> predicted_mib(lightgbm, Layout.of(table)) < 1
    True
    """
    n = layout.n_rows
    raw = n * len(layout.columns) * 8
    prepared = _prepared_bytes(candidate, layout, n_classes)
    passed = candidate.preparation.get("numeric") == "passthrough"
    copies = PASSED_COPIES if passed else PREPARED_COPIES
    made = max(copies * prepared, _ranked_bytes(candidate, layout))
    preparing = RAW_COPIES * raw + made
    fitting = raw + 1.5 * prepared + _learner_bytes(candidate, layout, n_classes)
    text = n * len(layout.of_kind("text")) * TEXT_BYTES
    return (max(preparing, fitting) + text) / MIB


def _makes_pairs(candidate: Candidate, layout: Layout) -> bool:
    return layout.has_pairs and "yes" in _options(candidate, "arithmetic")


def _ranked_bytes(candidate: Candidate, layout: Layout) -> float:
    """Return what choosing pairs of numbers holds, beside what it chooses from."""
    if not _makes_pairs(candidate, layout):
        return 0.0
    n_rows, width = ranked_shape(layout.n_rows, _n_numbers(layout))
    return float(RANKED_BYTES * n_rows * width)


def _n_numbers(layout: Layout) -> int:
    """Return how many columns of numbers there are, parts of dates among them."""
    dates = layout.of_kind("date")
    return len(layout.of_kind("number", "boolean")) + DATE_PARTS * len(dates)


def _options(candidate: Candidate, key: str) -> set[str]:
    """Return what a preparation key may be."""
    for dimension in candidate.space:
        if dimension.name == key:
            return {str(option) for option in dimension.options}
    return {str(candidate.preparation.get(key, DEFAULT_PREPARATION[key]))}


def _prepared_bytes(candidate: Candidate, layout: Layout, n_classes: int) -> float:
    """Return the size of the largest prepared matrix of a candidate."""
    n = layout.n_rows
    categories = layout.of_kind("category")
    width = _n_numbers(layout)
    if "yes" in _options(candidate, "indicator"):
        width += sum(c.n_missing > 0 for c in layout.of_kind("number", "boolean"))
    if _makes_pairs(candidate, layout):
        width += layout.n_pairs
    classes = 1 if n_classes < 3 else n_classes
    encoded = _n_encoded(candidate, layout) * (classes - 1)
    plain = n * (width + len(categories) + encoded) * 8
    if not categories or "onehot" not in _options(candidate, "categorical"):
        return float(plain)
    levels = sum(min(c.n_distinct + 1, ONEHOT_LEVELS) for c in categories)
    filled = (width + len(categories)) / (width + levels)
    sparse = levels * n > DENSE_CELLS or "dense" not in _options(candidate, "onehot")
    if sparse and filled < SPARSE_SHARE:
        return float(max(plain, n * (width + len(categories)) * SPARSE_BYTES))
    return float(max(plain, n * (width + levels) * 8))


def _n_encoded(candidate: Candidate, layout: Layout) -> int:
    """Return how many categories become the target's mean, a column for each class.

    By the first of the options: what others would need ends them alone.
    """
    given = {**candidate.preparation, **default_point(candidate)}
    how = given.get("categorical", DEFAULT_PREPARATION["categorical"])
    categories = layout.of_kind("category")
    if how == "target":
        return len(categories)
    if how == "native":
        return sum(c.n_distinct > NATIVE_LEVELS for c in categories)
    return 0


def _learner_bytes(candidate: Candidate, layout: Layout, n_classes: int) -> float:
    """Return what a learner holds beside the prepared matrix."""
    n, outputs = layout.n_rows, max(1, n_classes)
    candidate = replace(candidate, fixed=candidate.fixed_for(layout.task))
    path = candidate.estimator_path(layout.task)
    if "Forest" in path or "ExtraTrees" in path:
        leaves = min(n, _largest(candidate, "max_leaf_nodes", n))
        trees = _rounds(candidate, 100)
        model = trees * 2 * leaves * (NODE_BYTES + 8 * outputs)
        in_float32 = _prepared_bytes(candidate, layout, n_classes) / 2
        return model + in_float32
    if path.startswith("lightgbm.") or "Boosting" in path:
        leaves = max(
            _largest(candidate, "num_leaves", 31),
            _largest(candidate, "max_leaf_nodes", 31),
            math.pow(2, _largest(candidate, "max_depth", 0)),
            math.pow(2, _largest(candidate, "depth", 0)),
        )
        leaves = min(leaves, max(2.0, n / 20))
        width = _n_prepared(candidate, layout, n_classes)
        bins: float = layout.n_bins if path.startswith("lightgbm.") else BINS
        for name in BINS_NAMES:
            bins = _largest(candidate, name, bins)
        histograms = leaves * width * bins * BIN_BYTES
        rows = n * outputs * ROUND_BYTES
        if "CatBoost" not in path:
            return histograms + rows
        counts = COUNTS_MIB * MIB if layout.of_kind("category") else 0.0
        return histograms + 2 * rows + counts
    if "SV" in path.rpartition(".")[2]:
        return min(KERNEL_MIB * MIB, n * n * 4.0)
    return 0.0


def _n_prepared(candidate: Candidate, layout: Layout, n_classes: int) -> int:
    """Return how many columns a learner that reads categories is given."""
    classes = 1 if n_classes < 3 else n_classes
    width = _n_numbers(layout) + len(layout.of_kind("category"))
    width += _n_encoded(candidate, layout) * (classes - 1)
    key = "text_components"
    components = candidate.preparation.get(key, DEFAULT_PREPARATION[key])
    width += int(components) * len(layout.of_kind("text"))
    return width + (layout.n_pairs if _makes_pairs(candidate, layout) else 0)


def _largest(candidate: Candidate, name: str, default: float) -> float:
    """Return the largest value that a parameter may have."""
    for dimension in candidate.space:
        if dimension.name == name and dimension.dist != "choice":
            return float(dimension.high)
        if dimension.name == name:
            values = [v if is_number(v) else default for v in dimension.options]
            return float(max(values))
    value = candidate.fixed.get(name, default)
    return float(value) if is_number(value) else default


def _rounds(candidate: Candidate, default: int) -> int:
    if candidate.resource is not None:
        return int(candidate.resource.high)
    return int(_largest(candidate, "n_estimators", default))


def skipped(
    candidates: Iterable[Candidate],
    layout: Layout,
    n_classes: int,
    limit_mib: float,
    n_workers: int,
    here_mib: float,
) -> tuple[tuple[Candidate, ...], tuple[str, ...]]:
    """Return the candidates whose fits one worker has memory for, and the others' why.

    Parameters
    ----------
    candidates : iterable of Candidate
        Those that suit task and size.
    layout : Layout
        Of the table.
    n_classes : int
        Classes of the target; 0 for regression.
    limit_mib : float
        What the run may use.
    n_workers : int
        Processes; 1 fits in the process of the run.
    here_mib : float
        What that process holds now.

    Raises
    ------
    AutoMLResourceError
        If there is not enough memory for any (``E-memory``).
    """
    allowed = _for_fits(limit_mib, here_mib) - (WORKER_MIB if n_workers > 1 else 0.0)
    needs = [(c, predicted_mib(c, layout, n_classes)) for c in candidates]
    kept = tuple(c for c, need in needs if need <= allowed)
    if not kept:
        least = min(need for _, need in needs)
        raise AutoMLResourceError(
            f"No candidate can be fitted in {limit_mib:,.0f} MiB: about "
            f"{limit_mib + (least - allowed) / SOFT:,.0f} are needed at least. Raise "
            "memory_limit_mib or use fewer rows.",
            code="E-memory",
        )
    notes = tuple(
        f"{c.name} is left out: it needs about {need:,.0f} MiB a fit; "
        f"{max(0.0, allowed):,.0f} are allowed."
        for c, need in needs
        if need > allowed
    )
    return kept, notes


def workers_that_fit(
    candidates: Iterable[Candidate],
    layout: Layout,
    n_classes: int,
    limit_mib: float,
    n_workers: int,
    here_mib: float,
) -> tuple[int, tuple[str, ...]]:
    """Return how many processes have memory for a fit each, and why they are fewer.

    Counted with the median need of the candidates: two of the largest at the same time
    are rare, and are then ended one by one.

    Parameters
    ----------
    candidates, layout, n_classes, limit_mib, n_workers, here_mib
        As in `skipped`.
    """
    if n_workers == 1:
        return 1, ()
    need = median(predicted_mib(c, layout, n_classes) for c in candidates)
    room = _for_fits(limit_mib, here_mib)
    fitting = max(1, min(n_workers, int(room // (WORKER_MIB + need))))
    if fitting == n_workers:
        return n_workers, ()
    note = (
        f"{fitting} of {n_workers} processes are used: a fit needs about {need:,.0f} "
        f"MiB and its process {WORKER_MIB:,.0f}; {limit_mib:,.0f} are allowed in all."
    )
    return fitting, (note,)


def _for_fits(limit_mib: float, here_mib: float) -> float:
    """Return what is left for workers below the mark at which tasks are ended."""
    return SOFT * limit_mib - here_mib
