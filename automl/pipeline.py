"""A candidate with its hyperparameters, as a scikit-learn pipeline: nothing is fitted.

The pipeline works on the encoded table: columns by id, categories as codes. Steps are
``prepare`` (one branch for each kind of column), ``select`` if columns are selected,
and ``model``.
"""

from __future__ import annotations

import inspect
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from automl.estimators.logarithm import LogTargetRegressor
from automl.layout import BINS
from automl.losses import learns_logarithm, lightgbm_loss
from automl.preparation import DEFAULT_PREPARATION, OPTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl.candidates import Candidate
    from automl.kinds import Column
    from automl.layout import Layout

__all__ = ["NATIVE", "PAIRED", "build_pipeline", "split_params"]

ONEHOT_LEVELS = 60
"""Columns that one category may become; rarer levels are pooled."""

NATIVE_LEVELS = 254
"""Levels that histogram boosting takes as a category (its bins are bytes)."""

DENSE_CELLS = 8_000_000
"""Cells of a one-hot block from which it is sparse for every learner: 64 MB if not.
Trees are half as fast on sparse rows (12,000 rows, 70 to 280 columns), others as fast.
"""

SPARSE_SHARE = 0.3
"""Share of cells that are not zero from which a table is dense all the same."""

THREADLESS = "sklearn.linear_model."
"""Where ``n_jobs`` does nothing for these estimators, and warns since 1.8."""

NATIVE = "category"
"""Name of the branch whose columns a learner reads as categories."""

PAIRED = "arithmetic"
"""Name of the branch whose columns are made of two each."""


def split_params(
    candidate: Candidate, params: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return preparation options, all of them, and estimator parameters.

    Examples
    --------
    >>> from automl.candidates import Candidate
    >>> c = Candidate("x", "x", ("regression",), {}, preparation={"scale": "robust"})
    >>> options, params = split_params(c, {"method": "l1", "alpha": 1.0})
    >>> options["scale"], options["method"], options["impute"], params
    ('robust', 'l1', 'median', {'alpha': 1.0})
    """
    chosen = {k: v for k, v in params.items() if k in OPTIONS}
    options = {**DEFAULT_PREPARATION, **candidate.preparation, **chosen}
    return options, {k: v for k, v in params.items() if k not in OPTIONS}


def build_pipeline(
    candidate: Candidate, params: Mapping[str, Any], layout: Layout, random_state: int
) -> Pipeline:
    """Return the unfitted pipeline of a configuration.

    Parameters
    ----------
    candidate : Candidate
        What to build.
    params : dict
        A value for each dimension of its space; inactive ones may be left out.
    layout : Layout
        Of the table.
    random_state : int
        For every step that draws.
    """
    options, estimator_params = split_params(candidate, params)
    prepare = _prepare(options, layout, random_state)
    steps: list[tuple[str, Any]] = [("prepare", prepare)]
    if options["method"] != "none":
        steps.append(("select", _as_arrays(_select(options, layout, random_state))))
    steps.append(("model", _model(candidate, estimator_params, layout, random_state)))
    return Pipeline(steps)


def _model(
    candidate: Candidate, params: Mapping[str, Any], layout: Layout, random_state: int
) -> Any:
    model = candidate.estimator_class(layout.task)()
    known = model.get_params()
    given = {**candidate.fixed_for(layout.task), **params}
    if "random_state" in known:
        given.setdefault("random_state", random_state)
    if "n_jobs" in known and not type(model).__module__.startswith(THREADLESS):
        given.setdefault("n_jobs", 1)
    logs = learns_logarithm(layout, candidate, given)
    if type(model).__module__.startswith("lightgbm."):
        own = {} if "max_bins" in given else _bins(layout)
        given = {**own, **lightgbm_loss(layout, given), **given}
    if "n_neighbors" in given:  # never more than a fold's rows
        most = max(1, layout.n_rows // 3)
        given["n_neighbors"] = min(int(given["n_neighbors"]), most)
    model.set_params(**{k: _from_toml(v) for k, v in given.items()})
    return LogTargetRegressor(model) if logs else model


def _bins(layout: Layout) -> dict[str, Any]:
    """Return how coarse LightGBM's bins are, if not as it makes them by itself."""
    return {} if layout.n_bins == BINS else {"max_bin": layout.n_bins}


def _from_toml(value: Any) -> Any:
    """TOML has no null: the text ``none`` stands for it; lists are shapes."""
    if isinstance(value, list):
        return tuple(value)
    return None if value == "none" else value


def _prepare(options: Mapping[str, Any], layout: Layout, random_state: int) -> Any:
    branches: list[tuple[str, Any, list[str]]] = []
    numbers = layout.of_kind("number", "boolean")
    if numbers:
        branches.append(("number", _numeric(options, layout), [c.id for c in numbers]))
        with_gaps = [c.id for c in numbers if c.n_missing]
        if _imputes(options) and options["indicator"] == "yes" and with_gaps:
            from sklearn.impute import MissingIndicator

            indicator = MissingIndicator(features="all")
            branches.append(("missing", indicator, with_gaps))
    dates = [c.id for c in layout.of_kind("date")]
    if dates:
        branches.append(
            ("date", _followed(_date_parts(layout), options, layout), dates)
        )
    if options["arithmetic"] == "yes" and layout.has_pairs:
        branches.append(_arithmetic(options, layout, random_state))
    branches += _categorical(options, layout, random_state)
    texts = [c.id for c in layout.of_kind("text")]
    if texts:
        from automl.preprocess.text import TextFeatures

        n_components = int(options["text_components"])
        features = TextFeatures(n_components, random_state=random_state)
        branches.append(("text", features, texts))
    return _as_arrays(ColumnTransformer(branches, sparse_threshold=SPARSE_SHARE))


def _as_arrays(step: Any) -> Any:
    """Return a step that makes arrays, whatever `sklearn.set_config` asks for.

    What was fitted on arrays is to predict from arrays, in the user's program too; and
    sparse columns are none that a table can hold.
    """
    return step.set_output(transform="default")


def _date_parts(layout: Layout) -> Any:
    from automl.preprocess.dates import DateParts

    zones = tuple(c.plan.zone for c in layout.of_kind("date"))
    return DateParts(zones if any(zones) else None)


def _arithmetic(
    options: Mapping[str, Any], layout: Layout, random_state: int
) -> tuple[str, Any, list[str]]:
    """Return what makes columns of pairs of numbers and parts of dates."""
    from automl.preprocess.arithmetic import PairArithmetic

    pairs = PairArithmetic(
        n_kept=layout.n_pairs,
        classification=layout.task != "regression",
        random_state=random_state,
    )
    numbers = [c.id for c in layout.of_kind("number", "boolean")]
    dates = [c.id for c in layout.of_kind("date")]
    steps: list[tuple[str, Any]] = [("pairs", pairs)]
    if dates:
        kinds = [
            ("number", "passthrough", numbers),
            ("date", _date_parts(layout), dates),
        ]
        parts = ColumnTransformer(kinds, verbose_feature_names_out=False)
        steps = [("parts", parts), *steps]
    return (PAIRED, _followed(Pipeline(steps), options, layout), numbers + dates)


def _followed(step: Any, options: Mapping[str, Any], layout: Layout) -> Any:
    """Return a step that makes numbers, with those that are for numbers after it."""
    after = _numeric(options, layout)
    if after == "passthrough":
        return step
    steps = step.steps if isinstance(step, Pipeline) else [("parts", step)]
    return Pipeline([*steps, *after.steps])


def _imputes(options: Mapping[str, Any]) -> bool:
    return bool(options["numeric"] == "impute")


def _numeric(options: Mapping[str, Any], layout: Layout) -> Any:
    if not _imputes(options):
        return "passthrough"
    from automl.preprocess.impute import ColumnImputer

    imputer = ColumnImputer(strategy=options["impute"], keep_empty_features=True)
    steps: list[tuple[str, Any]] = [("impute", imputer)]
    scaler = _scaler(options["scale"], layout)
    if scaler is not None:
        steps.append(("scale", scaler))
    return Pipeline(steps)


def _scaler(name: str, layout: Layout) -> Any:
    from sklearn import preprocessing

    if name == "standard":
        return preprocessing.StandardScaler()
    if name == "robust":
        return preprocessing.RobustScaler(quantile_range=(10.0, 90.0))
    if name == "quantile":
        n_quantiles = max(2, min(500, layout.n_rows // 2))
        return preprocessing.QuantileTransformer(
            n_quantiles=n_quantiles, output_distribution="normal", random_state=0
        )
    return None


def _categorical(
    options: Mapping[str, Any], layout: Layout, random_state: int
) -> list[tuple[str, Any, list[str]]]:
    columns = layout.of_kind("category")
    if not columns:
        return []
    how = options["categorical"]
    ids = [c.id for c in columns]
    if how == "onehot":
        return [("onehot", _onehot(options, layout, columns), ids)]
    if how == "target":
        return [_target(options, layout, columns, random_state)]
    if how == "ordinal":
        return [("ordinal", _fill_codes(options), ids)]
    few = [c.id for c in columns if c.n_distinct <= NATIVE_LEVELS]
    many = [c for c in columns if c.n_distinct > NATIVE_LEVELS]
    branches: list[tuple[str, Any, list[str]]] = []
    if few:
        branches.append((NATIVE, "passthrough", few))
    if many:
        branches.append(_target(options, layout, many, random_state))
    return branches


def _target(
    options: Mapping[str, Any], layout: Layout, columns: list[Column], random_state: int
) -> tuple[str, Any, list[str]]:
    """Return the target encoding; one-hot where rows are too few for inner folds."""
    from sklearn.preprocessing import StandardScaler

    ids = [c.id for c in columns]
    if layout.inner_folds < 2:
        return ("onehot", _onehot(options, layout, columns), ids)
    encoder = _target_encoder(layout, random_state)
    if _imputes(options) and options["scale"] != "none":  # else in the target's unit
        encoder = Pipeline([("encode", encoder), ("scale", StandardScaler())])
    return ("target", encoder, ids)


def _fill_codes(options: Mapping[str, Any]) -> Any:
    if not _imputes(options):
        return "passthrough"
    from sklearn.impute import SimpleImputer

    return SimpleImputer(strategy="constant", fill_value=-1.0, keep_empty_features=True)


def _onehot(options: Mapping[str, Any], layout: Layout, columns: list[Column]) -> Any:
    """Return the encoder; what is sparse stays so if most of the table is zero."""
    from sklearn.preprocessing import OneHotEncoder

    width = sum(min(c.n_distinct + 1, ONEHOT_LEVELS) for c in columns)
    return OneHotEncoder(
        handle_unknown="infrequent_if_exist",
        min_frequency=max(2, min(10, layout.n_rows // 200)),
        max_categories=ONEHOT_LEVELS,
        sparse_output=options["onehot"] == "sparse"
        or width * layout.n_rows > DENSE_CELLS,
    )


def _target_encoder(layout: Layout, random_state: int) -> Any:
    """Return an encoder whose inner folds are shuffled, under any scikit-learn.

    With ``multiclass``, scikit-learn fails on rows that show two of the classes only;
    with ``auto`` it looks at the codes, which are whole numbers, and does not.
    """
    from sklearn.model_selection import KFold, StratifiedKFold
    from sklearn.preprocessing import TargetEncoder

    folds = layout.inner_folds
    target = {"regression": "continuous", "multiclass": "auto"}.get(
        layout.task, "binary"
    )
    defaults = inspect.signature(TargetEncoder).parameters
    if defaults["shuffle"].default is True:  # before 1.9
        return TargetEncoder(target_type=target, cv=folds, random_state=random_state)
    splitter = KFold if target == "continuous" else StratifiedKFold
    return TargetEncoder(
        target_type=target, cv=splitter(folds, shuffle=True, random_state=random_state)
    )


def _select(options: Mapping[str, Any], layout: Layout, random_state: int) -> Any:
    """Return a selection that keeps at least one column, whatever the rows.

    A threshold below the mean of the weights is reached by the largest of them, and
    by all if all are zero; the univariate share is widened to one column.
    """
    from sklearn import feature_selection

    keep = float(options["keep"])
    regression = layout.task == "regression"
    if options["method"] == "univariate":
        score = feature_selection.f_classif
        if regression:
            score = feature_selection.f_regression
        return feature_selection.SelectPercentile(
            score, percentile=_percentile(keep, layout)
        )
    if options["method"] == "l1":
        return feature_selection.SelectFromModel(
            _sparse_model(
                regression=regression, strength=keep, random_state=random_state
            ),
            threshold="1e-05*mean",
        )
    import lightgbm

    kind = lightgbm.LGBMRegressor if regression else lightgbm.LGBMClassifier
    ranking = kind(
        n_estimators=50, num_leaves=15, importance_type="gain", n_jobs=1,
        random_state=random_state, verbosity=-1, min_child_samples=10,
        **_bins(layout),
    )  # fmt: skip
    return feature_selection.SelectFromModel(
        ranking, threshold=f"{_share_of_mean(keep):.3g}*mean"
    )


def _percentile(keep: float, layout: Layout) -> float:
    """Return the percentage of prepared columns to keep: of the fewest, one at least.

    scikit-learn rounds the number down. Every column of the table becomes at least one.
    """
    one = math.ceil(100.0 / max(1, len(layout.columns)))
    return min(100.0, max(100.0 * keep, float(one)))


def _share_of_mean(keep: float) -> float:
    """Return how far below the mean importance a column may be: none for keep=1."""
    return float(np.clip(1.0 - keep, 0.0, 1.0))


def _sparse_model(*, regression: bool, strength: float, random_state: int) -> Any:
    if regression:  # the strength of the penalty depends on the target's unit
        from sklearn.linear_model import LassoCV

        return LassoCV(cv=3, eps=0.01, max_iter=500)
    from sklearn.svm import LinearSVC

    return LinearSVC(
        penalty="l1", dual=False, C=strength, max_iter=200, random_state=random_state
    )
