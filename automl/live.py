"""A page that shows a run while it searches, renewed every few seconds.

Beside the way of the data: a thread reads what the run's journal holds on the disk and
draws the search part of the report from it. The search knows nothing of it and never
waits for it. The longer a page took, the later comes the next: all of them together
take one hundredth of a processor.
"""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING, Any, Self

from automl.facts.compact import compact, shorten
from automl.facts.searching import search_facts
from automl.facts.standings import failures, ranked
from automl.facts.trajectory import progress, slices
from automl.facts.verdict import label_of_metric
from automl.journal import read_facts, read_journal
from automl.metrics import resolve_metric
from automl.report import Press, make_press, page
from automl.report.search_charts import search_part
from automl.report.writing import write_text
from automl.resume import restore
from automl.trial import BASELINE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = [
    "EVERY_S",
    "NAME",
    "SHARE",
    "Live",
    "live_facts",
    "pause_after",
    "render_live",
]

NAME = "live.html"
"""Of the page in the run's folder."""

EVERY_S = 3.0
"""Seconds between two pages at least: a page that changes faster cannot be read."""

SHARE = 0.01
"""Share of a processor's time that the pages may take."""

TOP = 10
"""Configurations listed."""


def pause_after(cost_s: float) -> float:
    """Return the seconds until the next page, after one that took so long.

    Examples
    --------
    >>> pause_after(0.001), pause_after(0.2)
    (3.0, 20.0)
    """
    return max(EVERY_S, cost_s / SHARE)


def live_facts(
    events: Sequence[Mapping[str, Any]],
    titles: Mapping[str, str],
    ended: Mapping[str, Any] | None = None,
) -> dict[str, Any] | None:
    """Return what a run has come to so far; None before it began.

    Parameters
    ----------
    events : sequence of dict
        As `automl.journal.read_journal` returns them.
    titles : mapping
        Candidate's name to title; the name stands for what is not there.
    ended : dict, default=None
        Facts of the report, where the run is over: an ensemble or a rule may have
        won, and no trial of the journal says so.

    Returns
    -------
    dict
        JSON values only: ``run``, ``metric``, ``top`` and, as in
        `automl.facts.build_facts`, ``progress``, ``slices``, ``search``, ``failures``
        and ``titles``. ``final`` is what the run came to, where it is given.
    """
    restored = restore([dict(e) for e in events], 0, lambda *_: True)
    if restored is None:
        return None
    start, trials = restored.start, restored.history.trials
    metric = resolve_metric(start["metric"], start["task"])
    named = {name: titles.get(name, name) for name in {t.candidate for t in trials}}
    tried = [t for t in trials if t.candidate != BASELINE]
    order = ranked(trials)
    wrong = failures(trials, named)
    budget = start.get("budget") or {}
    facts = {
        "run": {
            "target": shorten(str(start.get("target") or "the target"), 200),
            "task": start["task"],
            "n_rows": start.get("n_rows"),
            "n_columns": start.get("n_columns"),
            "cv": start.get("folds"),
            "elapsed_s": restored.elapsed_s,
            "budget_s": budget.get("time_s"),
            "n_budget": budget.get("n_trials"),
            "n_trials": len(tried),
            "n_finished": len(order),
            "n_raced": sum(t.status == "raced" for t in tried),
            "n_failed": wrong["n_all"],
            "over": restored.finish is not None,
        },
        "metric": {
            "name": metric.name,
            "label": label_of_metric(metric.name),
            "sign": metric.sign,
            "better": "higher" if metric.sign > 0 else "lower",
            "arrow": "↑" if metric.sign > 0 else "↓",
        },
        "top": [
            {"rank": i, "trial": t.number, "title": named[t.candidate],
             "natural": metric.natural(t.score), "std": t.score_std, "fit_s": t.fit_s}
            for i, t in enumerate(order[:TOP], start=1)
        ],
        "progress": progress(trials, metric),
        "slices": slices(trials, metric, named),
        "search": search_facts(trials, metric, named),
        "failures": wrong,
        "titles": named,
        "final": None if restored.finish is None else _final(ended),
    }  # fmt: skip
    small: dict[str, Any] = compact(facts)
    return small


def _final(ended: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the winner and what to expect of it, as the report has them."""
    if ended is None:
        return None
    verdict, estimate = ended["verdict"], ended.get("estimate") or {}
    unscored = verdict.get("unscored")  # the verdict's figures are then of another
    return {
        "title": unscored or verdict["title"],
        "selection": None if unscored else verdict["natural"],
        **{k: estimate.get(k) for k in ("natural", "low", "high")},
    }


def render_live(
    facts: Mapping[str, Any],
    *,
    refresh_s: float | None,
    report: str | None = None,
    press: Press | None = None,
) -> str:
    """Return the page.

    Parameters
    ----------
    facts : dict
        As `live_facts` returns.
    refresh_s : float or None
        Seconds after which it loads itself again; None at the end of the run.
    report : str, default=None
        Name of the report beside it, if there is one.
    press : Press, default=None
        As `automl.report.make_press` returns it, where there is one.
    """
    charts = {"search": search_part(facts)}
    live = {
        "refresh": None if refresh_s is None else math.ceil(refresh_s),
        "report": report,
        "at": time.strftime("%H:%M:%S"),
    }
    return page(
        "live.html.jinja", charts["search"]["all"], press,
        facts=facts, charts=charts, live=live,
    )  # fmt: skip


class Live:
    """Keeps the page of a run up to date; a context manager.

    Parameters
    ----------
    folder : Path
        Of the run.
    titles : mapping
        Candidate's name to title.

    Attributes
    ----------
    costs : list of float
        Processor seconds of each page.
    failure : str or None
        Why there are no more pages; the run goes on.
    """

    def __init__(self, folder: Path, titles: Mapping[str, str]) -> None:
        self.folder = folder
        self.titles = titles
        self.costs: list[float] = []
        self.failure: str | None = None
        self._seen = -1
        self._press: Press | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._try(last=True)

    def _watch(self) -> None:
        pause = 1.0  # the first trial is there soon
        while not self._over.wait(pause) and self.failure is None:
            began = time.thread_time()
            self._try(last=False)
            self.costs.append(time.thread_time() - began)
            # the first page takes four times as long, once
            pause = pause_after(self.costs[-1]) if len(self.costs) > 1 else EVERY_S

    def _try(self, *, last: bool) -> None:
        try:
            self._renew(last=last)
        except Exception as error:  # noqa: BLE001 - no picture is worth a run
            self.failure = (
                f"{NAME} was not renewed any more: {type(error).__name__}: {error}"
            )

    def _renew(self, *, last: bool) -> None:
        """Write the page, if there is anything new."""
        journal = self.folder / "journal.jsonl"
        if not journal.is_file():
            return
        size = journal.stat().st_size
        if size == self._seen and not last:
            return
        self._seen = size
        ended = read_facts(self.folder) if last else None
        facts = live_facts(read_journal(journal)[0], self.titles, ended)
        if facts is None:
            return
        if self._press is None:
            self._press = make_press(charts=True)
        pause = pause_after(self.costs[-1] if len(self.costs) > 1 else 0.0)
        report = "report.html" if (self.folder / "report.html").is_file() else None
        text = render_live(
            facts, refresh_s=None if last else pause, report=report if last else None,
            press=self._press,
        )  # fmt: skip
        write_text(text, self.folder / NAME, durable=False)
