"""What the three estimators share: scikit-learn's contract, no search.

The constructor stores, `fit` validates and hands over to `automl.run`, and prediction
is the fitted pipeline's.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from automl.budget import make_budget
from automl.bundle.rows import encode_rows
from automl.bundle.schema import describe_table
from automl.checks.finding import Finding
from automl.estimators.labels import factors_in, favoured
from automl.exceptions import AutoMLConfigError, AutoMLDataError, suggestion
from automl.frames import split_target
from automl.history import learner_of, members_of
from automl.importance import importance_table
from automl.leaderboard import leaderboard
from automl.progress import observer
from automl.run import Run, run
from automl.settings import (
    Settings,
    deployment,
    is_plain,
    listener,
    memory_limit,
    model_limit,
    predict_limit,
    run_folder,
    seed_of,
    selection,
    shown,
    switch,
    time_limit,
    verbosity,
)
from automl.testset import check_test, codes_of_labels, numbers_of_target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import pandas as pd

    from automl.metrics import Metric
    from automl.report import Report
    from automl.snapshot import Snapshot

__all__ = ["DEFAULT_TIME_S", "BaseAutoML"]

DEFAULT_TIME_S = float("60")
"""Seconds of a run by default; an object of its own, so that ``n_trials`` given alone
can lift it while an explicit 60 stands."""


def _predicts_classes(model: BaseAutoML) -> bool:
    task = getattr(model, "task_", model._task())  # noqa: SLF001 - a method in disguise
    return bool(task != "regression")


class BaseAutoML(BaseEstimator):
    """Base of the estimators; see `automl.AutoML` for parameters and attributes."""

    def __init__(
        self,
        *,
        metric: Any = "auto",
        time_budget_s: float | None = DEFAULT_TIME_S,
        n_trials: int | None = None,
        cv: Any = "auto",
        candidates: Any = "auto",
        n_jobs: int | None = -1,
        random_state: Any = None,
        run_dir: str | Path | None = None,
        trial_time_limit_s: float | None = None,
        memory_limit_mib: float | None = None,
        drop_missing_target: bool = False,
        ensemble: bool = True,
        deploy: str = "auto",
        select: str = "best",
        max_predict_ms: float | None = None,
        max_model_mib: float | None = None,
        verbose: int = 1,
        callback: Callable[[Snapshot], bool | None] | None = None,
    ) -> None:
        self.metric = metric
        self.time_budget_s = time_budget_s
        self.n_trials = n_trials
        self.cv = cv
        self.candidates = candidates
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.run_dir = run_dir
        self.trial_time_limit_s = trial_time_limit_s
        self.memory_limit_mib = memory_limit_mib
        self.drop_missing_target = drop_missing_target
        self.ensemble = ensemble
        self.deploy = deploy
        self.select = select
        self.max_predict_ms = max_predict_ms
        self.max_model_mib = max_model_mib
        self.verbose = verbose
        self.callback = callback

    def _task(self) -> str:
        raise NotImplementedError

    def set_params(self, **params: Any) -> Self:
        """Set parameters, and return the estimator.

        Raises
        ------
        AutoMLConfigError
            If there is no such parameter; the nearest one is named.
        """
        known = self.get_params(deep=False)
        unknown = next((name for name in params if name not in known), None)
        if unknown is not None:
            raise AutoMLConfigError(
                f"{type(self).__name__} has no parameter {unknown!r}.",
                code="E-parameter",
                hint=suggestion(unknown, known),
            )
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        groups: Any = None,
        time: Any = None,
        sample_weight: Any = None,
        X_test: Any = None,
        y_test: Any = None,
    ) -> Self:
        """Search, and fit the winner on all rows.

        Parameters
        ----------
        X : DataFrame, array, list of rows, polars or Arrow table
            Features, of shape (n_rows, n_columns); with the target among them if ``y``
            is its name.
        y : array-like of shape (n_rows,) or str
            Target, or the name of its column.
        groups : array-like of shape (n_rows,) or str, default=None
            Rows of a group are never on both sides of a fold.
        time : array-like of shape (n_rows,) or str, default=None
            When rows happened: folds then train on the past only.
        sample_weight : array-like of shape (n_rows,) or str, default=None
            Weights of rows in fitting and scoring; a column so named is no feature.
        X_test, y_test : as X and y, default=None
            Rows never used by the search; the model is scored on them at the end. With
            ``sample_weight`` that score, which knows no weights, is a note.

        Returns
        -------
        self

        Raises
        ------
        AutoMLDataError, AutoMLConfigError
            Before the search starts, if the data or a parameter cannot be used.
        """
        budget = make_budget(
            self.time_budget_s,
            self.n_trials,
            default_time=self.time_budget_s is DEFAULT_TIME_S,
        )
        check_test(y, X_test, y_test)
        test = None if X_test is None else (X_test, y if y_test is None else y_test)
        seed, params = seed_of(self.random_state), self.get_params(deep=False)
        settings = Settings(
            task=self._task(),
            metric=self.metric,
            budget=budget,
            cv=self.cv,
            candidates=self.candidates,
            n_jobs=self.n_jobs,  # type: ignore[arg-type]  # None is checked in the run
            random_state=seed,
            run_dir=run_folder(self.run_dir),
            trial_time_limit_s=time_limit(self.trial_time_limit_s),
            memory_limit_mib=memory_limit(self.memory_limit_mib),
            drop_missing_target=switch("drop_missing_target", self.drop_missing_target),
            ensemble=switch("ensemble", self.ensemble),
            deploy=deployment(self.deploy),
            select=selection(self.select),
            shown={k: shown(v) for k, v in params.items()},
            own=tuple(k for k, v in params.items() if not is_plain(v)),
            max_predict_ms=predict_limit(self.max_predict_ms),
            max_model_mib=model_limit(self.max_model_mib),
        )
        shown_at, told = verbosity(self.verbose), listener(self.callback)
        with observer(shown_at, told) as notify:
            done = run(
                X, y, settings, notify, groups=groups, time=time,
                sample_weight=sample_weight, test=test,
            )  # fmt: skip
        self._keep(done)
        self._seed = done.random_state
        if done.test_score is not None:
            self.test_score_ = done.test_score
        return self

    def _keep(self, done: Run) -> None:
        table, winner, single = done.table, done.winner, done.single_trial
        self.best_pipeline_ = done.single
        self.model_ = done.pipeline
        self.best_score_ = winner.score
        estimate = done.facts.get("estimate")
        self.score_estimate_, self.score_interval_ = _greater(estimate, done.metric)
        self.best_params_ = dict(single.params)
        self.best_candidate_ = single.candidate
        self.weights_ = dict(done.weights)
        self.trials_ = done.history.trials
        self.leaderboard_ = leaderboard(done.ranked, done.metric)
        self.importance_ = importance_table(done.facts)
        self.task_ = table.task
        self.metric_ = done.metric
        self.interrupted_ = done.interrupted
        self.notes_ = done.notes
        self.summary_ = str(done.facts.get("verdict", {}).get("sentence", ""))
        self.facts_ = done.facts
        self.checks_ = tuple(Finding.from_json(f) for f in done.facts.get("checks", ()))
        self.target_ = table.target
        self.n_features_in_ = len(table.columns)
        self._schema = describe_table(table)
        self._folds_name = done.folds.name
        self._winner = winner
        for name in ("classes_", "feature_names_in_", "test_score_"):
            if hasattr(self, name):
                delattr(self, name)
        if table.classes is not None:
            self.classes_ = table.classes
        names = [c.name for c in table.columns]
        if all(isinstance(name, str) for name in names):
            self.feature_names_in_ = np.array(names, dtype=object)

    def predict(self, X: Any) -> np.ndarray:
        """Return labels or numbers for raw rows.

        Parameters
        ----------
        X : table of shape (n_rows, n_columns)
            With the columns of `fit`, in any order if they have names; missing values
            and unseen categories are understood.

        Returns
        -------
        array of shape (n_rows,)

        Raises
        ------
        AutoMLDataError
            If it is no table, lacks a column, or has no names and another width.
        """
        check_is_fitted(self, "model_")
        rows = self._encode(X)
        if not len(rows):
            return np.empty(0, dtype=getattr(self, "classes_", np.empty(0)).dtype)
        return np.asarray(self.model_[1:].predict(rows))

    def _encode(self, X: Any) -> pd.DataFrame:
        name, beside = type(self).__name__, self._schema.get("beside", ())
        return encode_rows(self.model_[0], X, model=name, beside=beside)

    @available_if(_predicts_classes)  # type: ignore[untyped-decorator]  # sklearn has no types
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return probabilities of shape (n_rows, n_classes), ordered as classes_."""
        check_is_fitted(self, "model_")
        if self.task_ == "regression":
            raise AttributeError("predict_proba: the task is regression.")
        rows = self._encode(X)
        if not len(rows):
            return np.empty((0, len(self.classes_)))
        return np.asarray(self.model_[1:].predict_proba(rows), dtype=np.float64)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the metric's score on raw rows, greater is better; y as in `fit`."""
        check_is_fitted(self, "model_")
        X, y = split_target(X, y)
        if self.task_ == "regression":
            prediction = self.predict(X)
            truth = self.metric_.checked(numbers_of_target(y))
        else:
            prediction = self.predict_proba(X)
            if self.metric_.reads_labels:
                prediction = favoured(prediction, factors_in(self.model_))
            truth = codes_of_labels(y, self.classes_)
        if len(truth) != len(prediction):
            raise AutoMLDataError(
                f"X has {len(prediction)} rows and y has {len(truth)}.", code="E-length"
            )
        weights = None if sample_weight is None else np.asarray(sample_weight)
        return self.metric_.score(truth, prediction, weights)

    def report(self, path: str | Path = "report.html") -> Report:
        """Write the report of the run: a page that needs no network, or its twins.

        Parameters
        ----------
        path : str or Path, default="report.html"
            Where; folders are made. ``.html`` is the page, ``.json`` the facts that it
            is made of, ``.md`` Markdown.

        Returns
        -------
        Report
            The path, which a notebook shows as the page, in a frame of its own.

        Raises
        ------
        AutoMLConfigError
            If it is a folder or has another suffix (``E-report-path``).
        """
        check_is_fitted(self, "model_")
        from automl.report import write_report

        return write_report(self.facts_, path)

    def save(self, folder: str | Path) -> Path:
        """Write the deployable bundle: model, schema, manifest, requirements, sample.

        Parameters
        ----------
        folder : str or Path
            Where; an earlier bundle there is replaced. `automl.load` gives back what
            predicts: a `Predictor`, with the fitted ``pipeline_``.
        """
        check_is_fitted(self, "model_")
        from automl.bundle import BundleInfo, save_bundle

        winner, std = self._winner, self._winner.score_std
        candidate, params = learner_of(winner, self.trials_)
        info = BundleInfo(
            metric=self.metric_.name,
            score=self.metric_.natural(self.best_score_),
            score_std=None if math.isnan(std) else std,
            candidate=candidate,
            params=params,
            cv=self._folds_name,
            random_state=self._seed,
            created_utc=str(self.facts_["run"]["started_utc"]),
            estimate=self.facts_.get("estimate"),
            members=members_of(winner, self.trials_),
        )
        return save_bundle(folder, self.model_, self._schema, info)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.target_tags.required = True
        task = getattr(self, "task_", self._task())
        if tags.estimator_type is None and task != "auto":
            from sklearn.utils import ClassifierTags, RegressorTags

            if task == "regression":
                tags.estimator_type = "regressor"
                tags.regressor_tags = RegressorTags()
            else:
                tags.estimator_type = "classifier"
                tags.classifier_tags = ClassifierTags()
        return tags

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        state["_default_time"] = self.time_budget_s is DEFAULT_TIME_S
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if state.pop("_default_time", False):
            state["time_budget_s"] = DEFAULT_TIME_S
        super().__setstate__(state)


def _greater(
    estimate: Mapping[str, Any] | None, metric: Metric
) -> tuple[float | None, tuple[float, float] | None]:
    """Return an estimate and its interval as scores: greater is better."""
    if estimate is None or estimate["natural"] is None:
        return None, None
    low, high = sorted(metric.sign * estimate[end] + 0.0 for end in ("low", "high"))
    return metric.sign * float(estimate["natural"]) + 0.0, (low, high)
