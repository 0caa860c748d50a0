"""What the words of a report mean, each in a sentence or two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["glossary"]

METRICS = {
    "roc_auc": "The chance that a row of the positive class has a higher score than "
    "one of the other class. 0.5 is a guess, 1 is perfect; no threshold enters it.",
    "roc_auc_ovr": "The mean over all classes of the chance that a row of the class "
    "has a higher probability of it than a row of any other class. 0.5 is a guess, 1 "
    "is perfect.",
    "roc_auc_ovo": "The mean over all pairs of classes of the chance that a row of the "
    "one has a higher probability of it than a row of the other. 0.5 is a guess, 1 is "
    "perfect.",
    "average_precision": "The area under the curve of precision and recall. A guess "
    "has the share of the positive class; it looks at the rare class alone.",
    "log_loss": "The mean of −log of the probability that the true class was given. 0 "
    "is perfect; a confident mistake costs much.",
    "brier": "The mean squared distance of probabilities from what happened. 0 is "
    "perfect.",
    "accuracy": "The share of rows whose class is predicted right.",
    "balanced_accuracy": "The mean of the recalls of all classes, so that rare ones "
    "count as much as common ones.",
    "top_k_accuracy": "The share of rows whose class is among the likeliest few.",
    "precision": "Of the rows predicted as a class, the share that are of it.",
    "recall": "Of the rows of a class, the share that are predicted as it.",
    "f1": "The harmonic mean of precision and recall: high only if both are.",
    "jaccard": "Of the rows that are of a class or predicted as it, the share that are "
    "both.",
    "mcc": "The correlation of predicted and true classes, from −1 to 1; 0 is a guess.",
    "rmse": "The root of the mean squared error, in the unit of the target. Large "
    "errors count more than in proportion.",
    "mse": "The mean squared error, in the squared unit of the target.",
    "mae": "The mean absolute error, in the unit of the target.",
    "median_ae": "Half of the errors are smaller than this, in the unit of the target.",
    "mape": "The mean error as a share of the actual value; without use near zero.",
    "rmsle": "The root of the mean squared error of logarithms: errors count in "
    "proportion to the value.",
    "r2": "The share of the target's variance that predictions explain. 0 is as good "
    "as the mean, 1 is perfect; it can be negative.",
}
"""Metric to what it says."""

TERMS = {
    "Baseline": "A prediction that looks at no column: the mean of the target, "
    "its median where errors are absolute, a lower one where they are shares, the mean "
    "logarithm where they are of logarithms; the commonest class, or the one that "
    "scores best where labels are chosen for the metric.",
    "Fold": "A part of the rows that is held out: models are fitted to the others and "
    "scored on it.",
    "Out-of-fold prediction": "The prediction of a row by a model that did not see it.",
    "Selection score": "The score that chose the winner. The best of many is partly "
    "the luckiest of many, so it is optimistic.",
    "Within noise": "The 95 % interval of the difference over the same folds holds "
    "zero (corrected resampled t-test of Nadeau and Bengio, 2003).",
    "Dropped early": "Behind the best on the first folds, and not worth the others.",
    "Configuration": "A candidate with its hyperparameters. Its trial is what came of "
    "it, by number.",
    "Origin": "Where a configuration is from: a known good start, chance (random), the "
    "scores so far (tpe), or a small change of the best or of what was tried "
    "already (perturbed).",
}
"""Word of every report to what it means."""

BINARY = {
    "Precision": "Of the rows called positive, the share that are.",
    "Recall": "Of the positive rows, the share that are called so.",
    "Threshold": "The probability from which a row is called positive. Where mistakes "
    "cost differently, 0.5 is rarely the best.",
    "Calibration": "Whether of the rows with a probability of 0.3 three in ten are "
    "positive.",
}
"""The same, of two classes."""

MULTICLASS = {
    "Precision": "Of the rows predicted as a class, the share that are of it.",
    "Recall": "Of the rows of a class, the share that are predicted as it.",
    "Calibration": "Whether of the rows that get a class with a probability of 0.3 "
    "three in ten are of it.",
}
"""The same, of more classes: there is no threshold."""

MEANS = {
    "_macro": " It is the mean over all classes, so that rare ones count as much.",
    "_weighted": " It is the mean over all classes, weighted by their rows.",
    "_micro": " It is counted over the rows of all classes together.",
}
"""End of a metric's name to how classes enter it."""

EXPLANATION = {
    "Importance": "How much the score drops when a column's values are shuffled. It "
    "says what the model uses, not what causes the target.",
    "Partial dependence": "The mean prediction when a column is set to a value in all "
    "rows; the thin lines are single rows. Combinations may be drawn that never occur.",
    "SHAP value": "What a column adds to one prediction, such that all of them add up "
    "to it.",
}
"""The same, of the explanation."""


def glossary(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return pairs of a word and its meaning, the metric of the run first.

    Parameters
    ----------
    facts : dict
        As `automl.facts.build_facts` returns.
    """
    metric, task = facts["metric"], facts["run"]["task"]
    own = "metric" in ((facts.get("repeat") or {}).get("own") or ())
    said = None if own else _meaning(metric["name"])
    said = said or "A metric of your own or of scikit-learn."
    words = {metric["label"]: f"{said} Here {metric['better']} is better."}
    known = {"binary": BINARY, "multiclass": MULTICLASS}.get(task, {})
    words |= {k: v for k, v in known.items() if k.lower() != metric["label"].lower()}
    if facts["importance"] or facts.get("explanation"):
        words |= EXPLANATION
    return list((words | TERMS).items())


def _meaning(name: str) -> str | None:
    """Return what a metric says; of several classes, also how they enter it."""
    if name in METRICS:
        return METRICS[name]
    for end, mean in MEANS.items():
        base = name.removesuffix(end)
        if base != name and base in METRICS:
            return METRICS[base] + mean
    return None
