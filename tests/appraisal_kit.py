"""A small problem, and searches of it that never ran."""

from dataclasses import replace

import numpy as np

from automl.budget import Budget
from automl.history import History
from automl.labelling import fold_score
from automl.problem import make_problem
from automl.settings import Settings
from automl.trial import FoldResult, Trial

N_ROWS = 80
NOISE_ROWS = 120


def settings_of(metric, cv):
    """Return settings of a small run."""
    return Settings(
        task="auto", metric=metric, budget=Budget(None, 1, 0.0), cv=cv,
        candidates=["ridge"], n_jobs=1, random_state=0, run_dir=None,
        trial_time_limit_s=None, memory_limit_mib=None, drop_missing_target=False,
        ensemble=True, deploy="auto", select="best", shown={},
    )  # fmt: skip


def problem_of(metric="rmse", cv=4, **given):
    """Return a problem of numbers that one column tells, and its target."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_ROWS, 2))
    settings = settings_of(metric, cv)
    return make_problem(X, X[:, 0] + rng.normal(size=N_ROWS), settings, 1, **given)


def searched(problem, n_folds_of):
    """Return trials that have so many of the folds, and their predictions."""
    rng = np.random.default_rng(1)
    guess = {n: problem.table.y + rng.normal(size=N_ROWS) for n in n_folds_of}
    trials = []
    for number, n_folds in n_folds_of.items():
        trial = Trial(number, "ridge", {}, "", "ok" if n_folds == 4 else "raced")
        for k, (_, test) in enumerate(problem.folds.splits[:n_folds]):
            truth = problem.table.y[test]
            score = fold_score(problem.metric, truth, guess[number][test])
            trial = trial.with_fold(FoldResult(number, k, "ok", score))
        trials.append(trial)
    tests = [test for _, test in problem.folds.splits]
    return History(tuple(trials)), lambda number, k: guess[number][tests[k]]


def noise_of(metric, n_configurations=40):
    """Return a problem of chance, and configurations that guess, mostly given up."""
    rng = np.random.default_rng(4)
    y = np.arange(NOISE_ROWS) % 2
    settings = replace(settings_of(metric, 4), candidates=["logistic"])
    problem = make_problem(rng.normal(size=(NOISE_ROWS, 2)), y, settings, 1)
    p = rng.random((n_configurations, NOISE_ROWS))
    guess = np.stack([1 - p, p], axis=2)
    tests = [test for _, test in problem.folds.splits]
    trials = []
    for number in range(n_configurations):
        done = 4 if number < 6 else 3
        trial = Trial(number, "logistic", {}, "", "ok" if done == 4 else "raced")
        for k, test in enumerate(tests[:done]):
            truth = problem.table.y[test]
            score = fold_score(problem.metric, truth, guess[number][test])
            trial = trial.with_fold(FoldResult(number, k, "ok", score))
        trials.append(trial)
    return problem, History(tuple(trials)), lambda n, k: guess[n][tests[k]]
