"""CatBoost for any labels and targets; CatBoost itself is imported when it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from automl.estimators.boosted import (
    Boosted,
    BoostedClassifier,
    BoostedRegressor,
    narrow,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CatBoostingClassifier", "CatBoostingRegressor"]


class _CatBoost(Boosted):
    """What classifier and regressor share.

    Parameters
    ----------
    n_estimators : int, default=100
        Rounds.
    learning_rate : float, default=0.06
        Share of each tree that is added.
    depth : int, default=6
        Of a tree.
    l2_leaf_reg : float, default=3.0
        L2 penalty on leaves.
    subsample : float, default=0.8
        Share of rows for each tree; 1 takes all of them.
    colsample_bylevel : float, default=1.0
        Share of columns for each level of a tree.
    random_strength : float, default=1.0
        Noise in the scores of splits.
    grow_policy : {"SymmetricTree", "Depthwise"}
        Whether all nodes of a level share their split.
    one_hot_max_size : int, default=2
        Levels up to which a category is split one against the others; beyond, CatBoost
        encodes it by the target of rows before (Prokhorenkova et al., NeurIPS 2018).
    leaf_estimation_iterations : int, default=1
        Newton steps in each leaf.
    categorical_features : list of int, default=None
        Columns that hold codes of categories (0, 1, …).
    n_jobs : int, default=1
        Threads of a fit; the model does not depend on them. Predictions use one.
    random_state : int, default=None
        Of rows, columns and the order in which categories are encoded.
    """

    def __init__(
        self,
        *,
        n_estimators: int = 100,
        learning_rate: float = 0.06,
        depth: int = 6,
        l2_leaf_reg: float = 3.0,
        subsample: float = 0.8,
        colsample_bylevel: float = 1.0,
        random_strength: float = 1.0,
        grow_policy: str = "SymmetricTree",
        one_hot_max_size: int = 2,
        leaf_estimation_iterations: int = 1,
        categorical_features: Sequence[int] | None = None,
        n_jobs: int | None = 1,
        random_state: int | None = None,
    ) -> None:
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.depth = depth
        self.l2_leaf_reg = l2_leaf_reg
        self.subsample = subsample
        self.colsample_bylevel = colsample_bylevel
        self.random_strength = random_strength
        self.grow_policy = grow_policy
        self.one_hot_max_size = one_hot_max_size
        self.leaf_estimation_iterations = leaf_estimation_iterations
        self.categorical_features = categorical_features
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _loss(self, y: np.ndarray) -> str:
        """Return the name of the loss; empty where nothing can be learnt."""
        raise NotImplementedError

    def grow(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        patience: Any = None,
        stop: tuple[Any, Any, Any] | None = None,
    ) -> Any:
        """Fit until patience ends; see `Boosted.grow`."""
        from catboost import CatBoost, CatBoostError

        y = np.asarray(y).ravel()
        self.n_features_in_ = X.shape[1]
        self.model_: Any = None
        self._set_target(y, sample_weight)
        loss = self._loss(y)
        if not loss:
            return self
        held_out = None
        if stop is not None:
            rows, truth, weight = stop
            held_out = self._pool(rows, self._coded(truth), weight)
        model = CatBoost(self._params(loss))
        try:
            model.fit(
                self._pool(X, self._coded(y), sample_weight), eval_set=held_out,
                use_best_model=False,
                callbacks=None if patience is None else [_Ask(patience, stop)],
            )  # fmt: skip
        except CatBoostError as error:
            if "are either constant or ignored" not in str(error):
                raise
            if patience is not None:  # nothing tells the rows apart: a constant
                patience.is_over(1, None)
            return self
        self.n_trees_ = model.tree_count_
        if patience is not None and patience.best_round < model.tree_count_:
            self.n_trees_ = max(1, patience.best_round)
            if self.grow_policy == "SymmetricTree":  # CatBoost can cut no others short
                model.shrink(self.n_trees_)
        self.model_ = model
        return self

    def _params(self, loss: str) -> dict[str, Any]:
        params: dict[str, Any] = {
            "loss_function": loss,
            "iterations": int(self.n_estimators),
            "learning_rate": self.learning_rate,
            "depth": int(self.depth),
            "l2_leaf_reg": self.l2_leaf_reg,
            "rsm": self.colsample_bylevel,
            "random_strength": self.random_strength,
            "grow_policy": self.grow_policy,
            "one_hot_max_size": int(self.one_hot_max_size),
            "leaf_estimation_iterations": int(self.leaf_estimation_iterations),
            "random_seed": self.random_state or 0,
            "thread_count": self.n_jobs or 1,
            "allow_writing_files": False,
            "logging_level": "Silent",
            "bootstrap_type": "No",
        }
        if self.subsample < 1:
            params |= {"bootstrap_type": "Bernoulli", "subsample": self.subsample}
        return params

    def _pool(self, X: Any, y: Any = None, weight: Any = None) -> Any:
        """Return rows as CatBoost takes them; a missing level is a level."""
        from catboost import Pool

        rows = narrow(X)
        codes = sorted(self.categorical_features or ())
        if not codes:
            return Pool(rows, y, weight=weight)
        import pandas as pd

        columns: dict[int, Any] = {j: rows[:, j] for j in range(rows.shape[1])}
        for j in codes:
            levels = np.where(np.isnan(rows[:, j]), -1.0, rows[:, j]).astype(np.int64)
            known = pd.RangeIndex(-1, int(levels.max(initial=-1)) + 1)
            columns[j] = pd.Categorical.from_codes(levels + 1, categories=known)
        return Pool(pd.DataFrame(columns), y, cat_features=codes, weight=weight)

    def _raw(self, X: Any, kind: str) -> np.ndarray:
        rows = self._pool(X)
        return np.asarray(
            self.model_.predict(
                rows, prediction_type=kind, ntree_end=self.n_trees_, thread_count=1
            )
        )


class CatBoostingClassifier(BoostedClassifier, _CatBoost):
    """CatBoost's trees, for labels of any kind. Its parameters are `_CatBoost`'s."""

    def _loss(self, y: np.ndarray) -> str:  # noqa: ARG002 - the regressor reads it
        return ["", "Logloss", "MultiClass"][min(len(self.classes_), 3) - 1]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return probabilities of shape (n_rows, n_classes)."""
        check_is_fitted(self, "classes_")
        if self.model_ is None:
            return np.tile(self.constant_, (X.shape[0], 1))
        return self._raw(X, "Probability")


class CatBoostingRegressor(BoostedRegressor, _CatBoost):
    """CatBoost's trees, on a scaled target. Its parameters are `_CatBoost`'s."""

    def _loss(self, y: np.ndarray) -> str:
        return "RMSE" if np.ptp(y) else ""

    def predict(self, X: Any) -> np.ndarray:
        """Return numbers on the target's own scale."""
        check_is_fitted(self, "constant_")
        if self.model_ is None:
            return np.full(X.shape[0], self.constant_)
        return self._raw(X, "RawFormulaVal") * self.scale_ + self.constant_


class _Ask:
    """CatBoost's callback: asks for patience after each round."""

    def __init__(self, patience: Any, stop: Any) -> None:
        self.patience = patience
        self.measured = stop is not None

    def after_iteration(self, info: Any) -> bool:
        """Return whether to go on."""
        loss = None
        if self.measured:
            loss = float(next(iter(info.metrics["validation"].values()))[-1])
        return not self.patience.is_over(info.iteration, loss)
