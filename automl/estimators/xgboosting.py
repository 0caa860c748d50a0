"""XGBoost for any labels and targets; XGBoost itself is imported when it is used."""

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

__all__ = ["XGBoostingClassifier", "XGBoostingRegressor"]

BINS = 256
"""Of a column; XGBoost's own default."""


class _XGBoost(Boosted):
    """What classifier and regressor share.

    Parameters
    ----------
    n_estimators : int, default=100
        Rounds.
    learning_rate : float, default=0.1
        Share of each tree that is added.
    max_depth : int, default=6
        Of a tree.
    min_child_weight : float, default=1.0
        Least sum of second derivatives in a leaf.
    subsample, colsample_bytree, colsample_bylevel : float, default=1.0
        Shares of rows, and of columns for each tree and for each level of it.
    reg_alpha, reg_lambda : float, default=0.0, 1.0
        L1 and L2 penalties on leaves.
    max_cat_to_onehot : int, default=4
        Levels up to which a category is split one against the others.
    categorical_features : list of int, default=None
        Columns that hold codes of categories (0, 1, …).
    n_jobs : int, default=1
        Threads of a fit; the model does not depend on them. Predictions use one.
    random_state : int, default=None
        Of rows and columns.
    """

    def __init__(
        self,
        *,
        n_estimators: int = 100,
        learning_rate: float = 0.1,
        max_depth: int = 6,
        min_child_weight: float = 1.0,
        subsample: float = 1.0,
        colsample_bytree: float = 1.0,
        colsample_bylevel: float = 1.0,
        reg_alpha: float = 0.0,
        reg_lambda: float = 1.0,
        max_cat_to_onehot: int = 4,
        categorical_features: Sequence[int] | None = None,
        n_jobs: int | None = 1,
        random_state: int | None = None,
    ) -> None:
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.max_depth = max_depth
        self.min_child_weight = min_child_weight
        self.subsample = subsample
        self.colsample_bytree = colsample_bytree
        self.colsample_bylevel = colsample_bylevel
        self.reg_alpha = reg_alpha
        self.reg_lambda = reg_lambda
        self.max_cat_to_onehot = max_cat_to_onehot
        self.categorical_features = categorical_features
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _objective(self) -> dict[str, Any] | None:
        """Return the loss; None where nothing can be learnt."""
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
        import xgboost

        y = np.asarray(y).ravel()
        self.n_features_in_ = X.shape[1]
        self.booster_: Any = None
        self._set_target(y, sample_weight)
        objective = self._objective()
        if objective is None:
            return self
        threads = self.n_jobs or 1
        known: dict[str, Any] = {"nthread": threads, "enable_categorical": True}
        known |= {"feature_types": self._kinds(), "max_bin": BINS}
        data = xgboost.QuantileDMatrix(
            narrow(X), self._coded(y), weight=sample_weight, **known
        )
        evals = []
        if stop is not None:
            rows, truth, weight = stop
            held_out = xgboost.QuantileDMatrix(
                narrow(rows), self._coded(truth), weight=weight, ref=data, **known
            )
            evals = [(held_out, "stop")]
        booster = xgboost.train(
            self._params(objective, threads), data, int(self.n_estimators), evals=evals,
            callbacks=[] if patience is None else [_callback(patience)],
            verbose_eval=False,
        )  # fmt: skip
        if patience is not None and patience.best_round < booster.num_boosted_rounds():
            booster = booster[: max(1, patience.best_round)]
        booster.set_param({"nthread": 1})
        self.booster_ = booster
        return self

    def _kinds(self) -> list[str]:
        codes = set(self.categorical_features or ())
        return ["c" if i in codes else "q" for i in range(self.n_features_in_)]

    def _params(self, objective: dict[str, Any], threads: int) -> dict[str, Any]:
        return {
            **objective,
            "learning_rate": self.learning_rate,
            "max_depth": int(self.max_depth),
            "min_child_weight": self.min_child_weight,
            "subsample": self.subsample,
            "colsample_bytree": self.colsample_bytree,
            "colsample_bylevel": self.colsample_bylevel,
            "alpha": self.reg_alpha,
            "lambda": self.reg_lambda,
            "max_cat_to_onehot": int(self.max_cat_to_onehot),
            "max_bin": BINS,
            "tree_method": "hist",
            "seed": self.random_state or 0,
            "nthread": threads,
            "verbosity": 0,
        }

    def _raw(self, X: Any) -> np.ndarray:
        found = self.booster_.inplace_predict(narrow(X))
        return np.asarray(found, dtype=np.float64)


class XGBoostingClassifier(BoostedClassifier, _XGBoost):
    """XGBoost's trees, for labels of any kind. Its parameters are `_XGBoost`'s."""

    def _objective(self) -> dict[str, Any] | None:
        n = len(self.classes_)
        if n == 1:
            return None
        if n == 2:
            return {"objective": "binary:logistic"}
        return {"objective": "multi:softprob", "num_class": n}

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return probabilities of shape (n_rows, n_classes)."""
        check_is_fitted(self, "classes_")
        if self.booster_ is None:
            return np.tile(self.constant_, (X.shape[0], 1))
        found = self._raw(X)
        if found.ndim == 1:
            return np.column_stack([1.0 - found, found])
        return np.asarray(found / found.sum(axis=1, keepdims=True))


class XGBoostingRegressor(BoostedRegressor, _XGBoost):
    """XGBoost's trees, on a scaled target. Its parameters are `_XGBoost`'s."""

    def _objective(self) -> dict[str, Any] | None:
        return {"objective": "reg:squarederror"}

    def predict(self, X: Any) -> np.ndarray:
        """Return numbers on the target's own scale."""
        check_is_fitted(self, "constant_")
        return np.asarray(self._raw(X) * self.scale_ + self.constant_)


def _callback(patience: Any) -> Any:
    """Return what asks for patience after each round."""
    from xgboost.callback import TrainingCallback

    class Ask(TrainingCallback):
        def after_iteration(self, _model: Any, epoch: int, evals_log: Any) -> bool:
            loss = None
            for of_metric in evals_log.values():
                loss = float(next(iter(of_metric.values()))[-1])
            return bool(patience.is_over(epoch + 1, loss))

    return Ask()
