"""Facts of several runs side by side: scores, what differs, and what may be compared.

Two runs are compared fold by fold only where they scored on the same folds of the same
table; elsewhere the reason why not is said. Pure: facts in, facts out.
"""

from __future__ import annotations

import hashlib
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.facts.compact import compact, shorten
from automl.facts.repeat import counted
from automl.resampled_t import mean_of_folds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from automl.folds import Folds

__all__ = ["MAX_RUNS", "compare_runs", "describe_folds", "paired"]

MAX_RUNS = 20
"""Runs on a page: their letters and their lines can still be told apart."""

TOP = 5
"""Configurations listed of each run."""

MAX_PAIRS = 45
"""Pairs that are tested: those of ten runs; of more, each run against the best."""

MAX_SIZES = 20
"""Folds whose sizes are kept."""

KINDS = {"naive": "raw", "test": "test rows"}
"""Method of an estimate to its kind; others correct for the choice."""

MADE = {
    "corrected": "corrected for the choice",
    "test rows": "of test rows",
    "raw": "not corrected for the choice",
}
"""Kind of a score to words."""

LONGEST = 80
"""Characters of a setting's value."""


def describe_folds(folds: Folds) -> dict[str, Any]:
    """Return what tells two runs' folds apart, and how large they are.

    Returns
    -------
    dict
        ``digest``: the same for the same rows on the same sides of the same folds.
        ``sizes``: training and scoring rows of the first twenty.
    """
    digest = hashlib.blake2b(digest_size=16)
    for rows in (part for split in folds.splits for part in split):
        digest.update(b"%d:" % len(rows))
        digest.update(np.ascontiguousarray(rows, dtype=np.int64).tobytes())
    sizes = [[len(train), len(test)] for train, test in folds.splits[:MAX_SIZES]]
    return {"digest": digest.hexdigest(), "sizes": sizes}


def compare_runs(runs: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """Return several runs side by side.

    Parameters
    ----------
    runs : sequence of (str, dict)
        Name and facts of each, at least two.

    Returns
    -------
    dict
        JSON values only.

        - ``runs``: each ``letter``, ``name``, ``target``, ``metric``, ``arrow``,
          ``natural``, ``low``, ``high``, ``kind`` (``corrected`` for the choice, of
          ``test rows`` or ``raw``), ``interval`` (how made), ``table``, ``baseline``,
          ``winner``, ``n_trials``, ``n_finished``, ``seconds``, ``budget``, ``n_rows``,
          ``n_columns``, ``cv``, ``interrupted``.
        - ``differences``: rows of ``name`` and ``values`` by run; ``n_same``.
        - ``metrics``: each ``label``, ``sign``, ``better``, ``arrow`` and ``runs``
          (positions), for curves of their own.
        - ``curves``: of each run, ``best``, ``best_by_number``, ``last_s`` and
          ``last_number`` as in ``facts["progress"]``.
        - ``tops``: of each run the best rows of its leaderboard.
        - ``pairs``: each ``a``, ``b`` (letters), ``difference`` (how much better a's
          winner is), ``low``, ``high``, ``p``, ``n_folds`` and ``why_not`` (a sentence;
          the figures are then None). ``cut``: a sentence, or None.
        - ``sentences``: what may be compared, and what not.
    """
    named = list(zip(_letters(len(runs)), _distinct([n for n, _ in runs]), strict=True))
    facts = [f for _, f in runs]
    pairs, cut = _pairs(facts)
    differing, n_same = _differences(facts)
    found: dict[str, Any] = {
        "runs": [
            {"letter": letter, "name": name, **_headline(f)}
            for (letter, name), f in zip(named, facts, strict=True)
        ],
        "differences": differing,
        "n_same": n_same,
        "metrics": _metrics(facts),
        "curves": [
            {k: f["progress"][k]
             for k in ("best", "best_by_number", "last_s", "last_number")}
            for f in facts
        ],
        "tops": [_top(f) for f in facts],
        "pairs": [
            {"a": named[i][0], "b": named[j][0], **paired(facts[i], facts[j])}
            for i, j in pairs
        ],
        "cut": cut,
    }  # fmt: skip
    found["sentences"] = _sentences(facts, found["pairs"])
    small: dict[str, Any] = compact(found)
    return small


def paired(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    """Return how much better a's winner is than b's on the same folds.

    The interval and p-value are those of `automl.resampled_t.mean_of_folds`.

    Parameters
    ----------
    a, b : dict
        Facts of two runs.
    """
    none = dict.fromkeys(("difference", "low", "high", "p", "n_folds"))
    why_not = _why_not(a, b)
    if why_not is not None:
        return {**none, "why_not": why_not}
    sign = a["metric"]["sign"]
    scores = zip(_winner(a)["folds"], _winner(b)["folds"], strict=True)
    gaps = [sign * (x - y) for x, y in scores if x is not None and y is not None]
    found = mean_of_folds(gaps, a["run"]["folds"]["sizes"])
    if found is None:
        return {**none, "why_not": "With one fold, noise cannot be told."}
    return {
        "difference": found.mean, "low": found.mean - found.margin,
        "high": found.mean + found.margin, "p": found.p, "n_folds": len(gaps),
        "why_not": None,
    }  # fmt: skip


def _why_not(a: Mapping[str, Any], b: Mapping[str, Any]) -> str | None:
    """Return why two runs cannot be compared fold by fold."""
    prints = [f["run"].get("fingerprint") for f in (a, b)]
    digests = [(f["run"].get("folds") or {}).get("digest") for f in (a, b)]
    reasons = {
        "They have different metrics.": a["metric"]["name"] != b["metric"]["name"],
        "They predict different columns.": a["run"]["target"] != b["run"]["target"],
        "They worked on different tables.": None in prints or prints[0] != prints[1],
        "Their folds are not known: an earlier version made the report.": None
        in digests,
        "They scored on different folds.": digests[0] != digests[1],
        "A winner is missing from its leaderboard.": None in (_winner(a), _winner(b)),
        "What predicts was never scored in that form.": any(
            f["verdict"].get("unscored") for f in (a, b)
        ),
    }
    return next((why for why, holds in reasons.items() if holds), None)


def _winner(facts: Mapping[str, Any]) -> Any:
    return next((r for r in facts["leaderboard"]["rows"] if r["winner"]), None)


def _letters(n: int) -> list[str]:
    return [chr(ord("A") + i) for i in range(n)]


def _distinct(names: Sequence[str]) -> list[str]:
    """Return the names, those that occur twice with a number.

    Examples
    --------
    >>> _distinct(["bank", "wine", "bank"])
    ['bank (1)', 'wine', 'bank (2)']
    """
    found = []
    for i, name in enumerate(names):
        at = f" ({names[: i + 1].count(name)})" if names.count(name) > 1 else ""
        found.append(shorten(name, LONGEST) + at)
    return found


def _headline(facts: Mapping[str, Any]) -> dict[str, Any]:
    run, verdict, metric = facts["run"], facts["verdict"], facts["metric"]
    return {
        "target": run["target"],
        "metric": metric["label"],
        "arrow": metric["arrow"],
        **_score(verdict, facts.get("estimate")),
        "table": (run.get("fingerprint") or "")[:12] or None,
        "baseline": verdict["baseline"],
        "winner": verdict.get("unscored") or verdict["title"],
        "n_trials": run["n_trials"],
        "n_finished": run["n_finished"],
        "seconds": run["timeline"].get("total"),
        "budget": run["timeline"].get("budget"),
        "n_rows": run["n_rows"],
        "n_columns": run["n_columns"],
        "cv": run["cv"],
        "interrupted": run["interrupted"],
    }


def _score(
    verdict: Mapping[str, Any], estimate: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return a run's score with its interval, and of what kind the two are."""
    if estimate and estimate.get("natural") is not None:
        kind = KINDS.get(str(estimate.get("method")), "corrected")
        level = f"{100 * (estimate.get('level') or 0.95):.0f} % interval"
        found = {k: estimate.get(k) for k in ("natural", "low", "high")}
        return {**found, "kind": kind, "interval": f"{level}, {MADE[kind]}"}
    natural, std = _selection_score(verdict)
    none = {"natural": natural, "low": None, "high": None, "kind": "raw"}
    if natural is None or std is None:
        return {**none, "interval": "no interval"}
    interval = f"± sd over the folds, {MADE['raw']}"
    return {**none, "low": natural - std, "high": natural + std, "interval": interval}


def _selection_score(verdict: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the score of what predicts and its deviation; None if it was not scored.

    The figures of the verdict are then of the best that was.
    """
    if verdict.get("unscored"):
        return None, None
    return verdict["natural"], verdict["std"]


def _differences(facts: Sequence[Mapping[str, Any]]) -> tuple[list[Any], int]:
    """Return what differs: data first, then settings, then versions."""
    described = [_described(f) for f in facts]
    names = list(dict.fromkeys(name for d in described for name in d))
    rows = [{"name": n, "values": [d.get(n, "–") for d in described]} for n in names]
    differing = [row for row in rows if len(set(row["values"])) > 1]
    return differing, len(rows) - len(differing)


def _described(facts: Mapping[str, Any]) -> dict[str, str]:
    run = facts["run"]
    found = {
        "target": run["target"],
        "metric": facts["metric"]["label"],
        "rows": f"{run['n_rows']:,}",
        "columns": f"{run['n_columns']:,}",
        "table (fingerprint)": (run.get("fingerprint") or "–")[:12],
        "folds": run["cv"],
        "folds (digest)": ((run.get("folds") or {}).get("digest") or "–")[:12],
        **{f"{k}=": v for k, v in counted(facts).items()},
        **facts["environment"],
    }
    return {k: shorten("–" if v is None else str(v), LONGEST) for k, v in found.items()}


def _metrics(facts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the metrics of the runs, each with the runs that have it."""
    groups: dict[str, dict[str, Any]] = {}
    for i, f in enumerate(facts):
        metric = f["metric"]
        kept = {k: metric[k] for k in ("label", "sign", "better", "arrow")}
        groups.setdefault(metric["name"], {**kept, "runs": []})["runs"].append(i)
    return list(groups.values())


def _top(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    keys = ("rank", "title", "trial", "natural", "std", "fit_s", "predict_s", "params")
    rows = [r for r in facts["leaderboard"]["rows"] if r["rank"] is not None]
    return [{k: row[k] for k in keys} for row in rows[:TOP]]


def _pairs(
    facts: Sequence[Mapping[str, Any]],
) -> tuple[list[tuple[int, int]], str | None]:
    every = list(combinations(range(len(facts)), 2))
    if len(every) <= MAX_PAIRS:
        return every, None
    scores = [_selection_score(f["verdict"])[0] for f in facts]
    known = [i for i, score in enumerate(scores) if score is not None]
    if len({(f["metric"]["name"], f["run"].get("fingerprint")) for f in facts}) > 1:
        others = [(0, i) for i in range(1, len(facts))]
        return others, f"Of {len(every)} pairs those with the first run are shown."
    best = max(
        known or [0],
        key=lambda i: facts[i]["metric"]["sign"] * (scores[i] or 0),
    )
    chosen = [(best, i) for i in range(len(facts)) if i != best]
    return chosen, f"Of {len(every)} pairs those with the best run are shown."


def _sentences(
    facts: Sequence[Mapping[str, Any]], pairs: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Return what may be compared, and what not."""
    said = []
    tables = {f["run"].get("fingerprint") for f in facts}
    metrics = {f["metric"]["name"] for f in facts}
    if len(metrics) > 1:
        said.append(
            "The runs have different metrics: scores of one say nothing about those of "
            "another, and each metric has a chart of its own."
        )
    if len(tables) > 1:
        said.append(
            "The runs worked on different tables: a better score may mean an easier "
            "table, not a better model."
        )
    scores = [_score(f["verdict"], f.get("estimate")) for f in facts]
    if any(f["verdict"].get("unscored") for f in facts):
        said.append(
            "What predicts was not scored on the folds in every run: such a winner has "
            "a score only where there were test rows."
        )
    if len({s["kind"] for s in scores if s["natural"] is not None}) > 1:
        said.append(
            "The scores are of different kinds, so their order says nothing: a raw one "
            "is the best of many and optimistic, the others are not."
        )
    tested = [p for p in pairs if p["why_not"] is None]
    if tested:
        said.append(_tested(tested, len(pairs)))
        if len(tested) > 2:
            said.append(
                "Of pairs that do not differ, about one in twenty will look different "
                "by chance."
            )
    else:
        reasons = {p["why_not"] for p in pairs}
        why = reasons.pop() if len(reasons) == 1 else "The reason stands at each pair."
        said.append(f"No difference is tested. {why}")
    return said


def _tested(tested: Sequence[Mapping[str, Any]], n_pairs: int) -> str:
    """Return how many pairs differ, in a sentence."""
    sure = sum(p["p"] <= 0.05 for p in tested)
    of = f"{len(tested)} of {n_pairs} pairs"
    found = f"{sure or 'none'} differ{'' if sure > 1 else 's'} by more than noise"
    if n_pairs == 1:
        of = "The pair"
        found = f"they {'' if sure else 'do not '}differ by more than noise"
    return (
        f"{of} scored on the same folds of the same table, so the winners are compared "
        f"fold by fold; {found}."
    )
