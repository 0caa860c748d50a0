"""`AutoML`, `AutoMLClassifier`, `AutoMLRegressor`: what most people ever need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn.base import ClassifierMixin, RegressorMixin

from automl.base import DEFAULT_TIME_S, BaseAutoML

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from automl.snapshot import Snapshot

__all__ = ["AutoML", "AutoMLClassifier", "AutoMLRegressor"]


class AutoML(BaseAutoML):
    """Search pipelines for a table, and predict with the best of them.

    Candidates (preparation, feature selection, algorithm) are tuned by hyperopt in
    parallel, fold by fold; a weighted average of the best predicts where it gains more
    than a quarter of a standard error, and the best one alone elsewhere.

    Parameters
    ----------
    task : {"auto", "binary", "multiclass", "classification", "regression"}
        What to predict; ``auto`` looks at ``y`` and says why.
    metric : str or callable, default="auto"
        What to optimise: ``roc_auc``, ``log_loss``, ``rmse``, …, a scikit-learn scorer
        name or scorer: ``scorer(estimator, X, y)``, with labels as in ``y`` and an
        ``X`` of zeros. Beside scikit-learn's there are ``rmse``, ``mae``, ``mse``,
        ``mape``, ``rmsle``, ``median_ae``, ``poisson_deviance``, ``gamma_deviance``,
        ``brier``, ``auc`` and ``mcc``. ``auto`` is ``roc_auc`` for two classes,
        ``log_loss`` for more, ``rmse`` for numbers. For ``f1``, ``balanced_accuracy``,
        ``mcc``, ``jaccard`` and their macro and weighted means the labels of `predict`
        are chosen as well: not always those of the likeliest class.
    time_budget_s : float or None, default=60
        Seconds that `fit` takes, everything included; None for no limit, with
        ``n_trials``.
    n_trials : int or None, default=None
        Configurations that are started. Given alone, it lifts the limit in time, and
        with a seed the run is reproducible.
    cv : "auto", int, splitter or list of (train, test), default="auto"
        The folds; ``auto`` takes as many as the budget allows, at most 8, or one
        holdout where cross-validation does not fit; 1 is a holdout of 20 %, or less of
        many rows.
    candidates : "auto", str, Path, Candidate or list of these, default="auto"
        What is searched: names (see ``automl candidates``), a folder of specs,
        `Candidate` objects, or what ``automl.candidates.load_candidates`` returns. Its
        ``allow`` lets files name classes of other packages than scikit-learn and
        LightGBM.
    n_jobs : int or None, default=-1
        Processes; -1 is all cores that this process may use. 1 or None is this process,
        where a slow fit cannot be ended: the budget then holds only roughly. Without a
        limit in time 8 are used at most.
    random_state : int, RandomState, Generator or None, default=None
        Seed of folds, sampling and learners.
    run_dir : str, Path or None, default=None
        Folder that keeps the journal and out-of-fold predictions; one that holds such
        a run already is gone on with. A finished one is given back: its model is fitted
        again in this process, one part after another, which can take longer than
        ``time_budget_s`` with many parts. Without it nothing is left on disk.
    trial_time_limit_s : float or None, default=None
        Seconds that the fits of one configuration may take together: each of its folds
        has an equal share. Learners that grow stop in time, others are ended. None
        is ``time_budget_s`` times the processes, and no limit without one.
    memory_limit_mib : float or None, default=None
        MiB that this process and its workers may use together; None is what the
        machine and its control group allow. What would not fit is left out; fits that
        come near the limit are ended, but not with ``n_jobs=1``.
    drop_missing_target : bool, default=False
        Whether rows without a target are left out; they are an error otherwise.
    ensemble : bool, default=True
        Whether a weighted average of configurations may win; otherwise one does, as it
        was fitted or with a temperature, or with labels of its own.
    deploy : {"auto", "bag", "refit"}
        What predicts: ``refit`` is one fit on all rows for each configuration, ``bag``
        the models of all its folds, averaged, which are larger and slower. ``auto``
        refits, and takes the models of the folds where there is no time for that.
    select : {"best", "simplest"}
        Which configuration wins: ``best`` has the best score. ``simplest`` is the one
        that predicts fastest of those within one standard error of it, by measured
        seconds, or by its family where ``n_trials`` is the only limit, so that the run
        stays reproducible; what it costs is among the `notes_`. No ensemble predicts.
    max_predict_ms : float or None, default=None
        Milliseconds that the deployed model may take for one row by itself, measured
        here when the search is over. A model that takes longer gives way to a smaller
        ensemble, to one configuration, to the best of those that are fast enough; if
        none is, the best of those that take less than twice what the least of them
        takes predicts, with a warning (``W-constraint``). As it is measured, a run with
        such a limit may come out otherwise a second time.
    max_model_mib : float or None, default=None
        MiB that ``model.pkl`` of the saved model may have; kept in the same way, but
        the size is always the same.
    verbose : int, default=1
        0 shows nothing, 1 what matters, 2 also each trial.
    callback : callable or None, default=None
        Called with a `Snapshot` whenever something happened; True ends the search.

    Attributes
    ----------
    model_ : Pipeline
        What predicts, from the raw table: an ensemble, or the best configuration, with
        the labels that are best for the metric. In
        classification with a temperature, where out-of-fold predictions show that its
        probabilities should be surer or less sure; not with ``select="simplest"``.
    best_score_ : float
        Its raw cross-validated score, greater is better: the selection score, the best
        of many and so optimistic.
    score_estimate_ : float or None
        What to expect on new rows, corrected for the selection; greater is better, as
        `best_score_` is. From ``X_test`` if that has 50 rows, or groups of rows where
        the run has groups. None if nothing could be scored, and where the time was too
        short to draw the rows of a single holdout again.
    score_interval_ : tuple of (float, float) or None
        Its 95 % interval, the lower end first, greater is better as well.
    weights_ : dict
        The weight of each trial that `model_` is made of, by its number.
    best_pipeline_ : Pipeline
        The best single configuration, from the raw table: fitted on all rows, or the
        models of its folds where there was no time for that; `notes_` say which. It has
        the labels of the likeliest class. A clone of it that is fitted may be another
        model: LightGBM is told of categories when it is fitted. The report has Python
        that makes it anew. Where logarithms of the target are learnt (`notes_` say so),
        the last step holds what learns them as its ``regressor``.
    best_params_ : dict
        Its hyperparameters.
    best_candidate_ : str
        Its candidate's name.
    leaderboard_ : DataFrame
        Finished configurations, best first, then the others with the reason: ``score``
        (greater is better), ``value`` (as people know the metric), where a
        configuration came from (``origin``) and how it ended (``status``): ``raced`` is
        dropped early, ``cancelled`` unfinished at the end.
    importance_ : DataFrame
        What each column is worth: ``mean`` and ``std`` of the drop in the score when
        it is permuted on rows that a fit of the best configuration had not seen, the
        100 most important first. Empty where there was no time for it.
    trials_ : tuple of Trial
        All configurations in the order of their start, the baseline first.
    classes_ : array of shape (n_classes,)
        Labels, for classification.
    task_ : str
        ``binary``, ``multiclass`` or ``regression``.
    metric_ : Metric
        What was optimised.
    n_features_in_ : int
        Columns of ``X``.
    feature_names_in_ : array of shape (n_features_in_,)
        Their names, if all are text.
    target_ : str
        What the target is called.
    facts_ : dict
        All that the report is made of, as in ``report.json``.
    notes_ : tuple of str
        What was decided and left out, in sentences.
    checks_ : tuple of Finding
        What the methodological checks found, worst first: each with ``code``,
        ``title``, ``status``, ``evidence``, ``action`` and ``columns``.
    interrupted_ : bool
        Whether the user stopped the search.
    summary_ : str
        The verdict in a sentence.
    test_score_ : float
        Score on ``X_test``, if given.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> model = AutoML(n_trials=2, n_jobs=1, candidates=["logistic"], random_state=0,
    ...                verbose=0).fit(X, y)
    >>> model.task_, model.best_candidate_
    ('multiclass', 'logistic')
    >>> model.predict(X.head(2)).tolist()
    [0, 0]
    """

    def __init__(
        self,
        *,
        task: str = "auto",
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
        super().__init__(
            metric=metric,
            time_budget_s=time_budget_s,
            n_trials=n_trials,
            cv=cv,
            candidates=candidates,
            n_jobs=n_jobs,
            random_state=random_state,
            run_dir=run_dir,
            trial_time_limit_s=trial_time_limit_s,
            memory_limit_mib=memory_limit_mib,
            drop_missing_target=drop_missing_target,
            ensemble=ensemble,
            deploy=deploy,
            select=select,
            max_predict_ms=max_predict_ms,
            max_model_mib=max_model_mib,
            verbose=verbose,
            callback=callback,
        )
        self.task = task

    def _task(self) -> str:
        return self.task


class AutoMLClassifier(ClassifierMixin, BaseAutoML):
    """`AutoML` for classes: a scikit-learn classifier before it is fitted, too.

    Parameters and attributes are those of `AutoML`, without ``task``.

    Examples
    --------
    >>> from sklearn.base import is_classifier
    >>> is_classifier(AutoMLClassifier())
    True
    """

    def _task(self) -> str:
        return "classification"


class AutoMLRegressor(RegressorMixin, BaseAutoML):
    """`AutoML` for numbers: a scikit-learn regressor before it is fitted, too.

    Parameters and attributes are those of `AutoML`, without ``task``; `score` is the
    metric's, not R².

    Examples
    --------
    >>> from sklearn.base import is_regressor
    >>> is_regressor(AutoMLRegressor())
    True
    """

    def _task(self) -> str:
        return "regression"
