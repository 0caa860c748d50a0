"""Columns that alone know the answer.

A column is suspected, never dropped: only the user knows what is known at prediction
time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from automl.checks.alone import (
    FOREST_ROWS,
    Errors,
    errors,
    guess_by_bins,
    guess_by_forest,
    guess_by_tree,
    spread_of,
)
from automl.checks.finding import Finding, OutOfTimeError, listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl.checks.evidence import Evidence
    from automl.kinds import Column

__all__ = ["FAR_BETTER", "LEAST_ROWS", "PerfectScore", "TargetCopy", "TargetLeak"]

LEAST_ROWS = 40
"""Fewer rows make columns that tell the target by chance."""

NEARLY_PERFECT = Errors(spread=0.02, ranking=0.05, labels=0.05)
"""Errors up to which a column is near perfect. A copy of the target with 1 % of noise
leaves .0001 (numbers), .02 (ranking of classes) and .02 (labels of two even classes);
DataRobot flags a Gini coefficient of .85 and excludes from .975."""

FAR_BETTER = 3.0
"""How many times less a leak leaves than all other columns together: where a near
perfect column is no leak, others come close to it."""

TRIED = 6
"""Columns that are looked at closely, the best by bins."""

RANKED = 30
"""Columns whose ranking is reckoned, the best by squared error."""

MOST_SUSPECTS = 3
"""Suspects of which each is compared with the others."""

SEVERAL, SEVERAL_SHARE = 2, 0.25
"""Near perfect columns, and their share of all, up to which they are doubted together:
where more are, the table is easy."""

DROP_IT = "Drop it if it is not known before the target is."


@dataclass(frozen=True)
class TargetCopy:
    """Whether a column is the target under another name, or tells it exactly."""

    code: str = "AML001"
    title: str = "Copy of the target"

    def run(self, evidence: Evidence) -> Finding:
        """Return what it came to."""
        names = _exact(evidence)
        if not names:
            return Finding(
                self.code, self.title, "pass", "No column tells the target exactly."
            )
        return Finding(
            self.code, self.title, "fail",
            f"{listed(names)} alone {_tells(names)} the target exactly.",
            DROP_IT, names,
        )  # fmt: skip


def _exact(evidence: Evidence) -> tuple[str, ...]:
    doubts = evidence.table.doubts
    return tuple(str(d.column) for d in doubts if d.code == "W-leak")


@dataclass(frozen=True)
class TargetLeak:
    """Whether a column alone tells the target far better than all others together.

    A near perfect column is suspected if all other columns leave `FAR_BETTER` times its
    error: in an easy table they come close, too. With ``time=``, so must time alone,
    which tells nearly all of a smooth target. Copies of the target are told apart by
    `TargetCopy` and count as neither.
    """

    code: str = "AML002"
    title: str = "Target leak"

    def run(self, evidence: Evidence) -> Finding:
        """Return what it came to."""
        table = evidence.table
        if table.n_rows < LEAST_ROWS or np.ptp(table.y) == 0:
            return Finding(
                self.code, self.title, "skipped",
                f"At least {LEAST_ROWS} rows and two values of the target tell a leak "
                f"from chance; there are {table.n_rows:,} rows"
                + ("." if np.ptp(table.y) else ", all with one value."),
            )  # fmt: skip
        guessed = _closely(evidence)
        near = [
            c for c, e in guessed if _is_near_perfect(e) and _beats_time(evidence, e)
        ]
        try:
            return self._compared(evidence, guessed, near)
        except OutOfTimeError:
            if not near:
                raise
            return self._not_compared(near)

    def _compared(
        self,
        evidence: Evidence,
        guessed: Sequence[tuple[Column, Errors]],
        near: Sequence[Column],
    ) -> Finding:
        """Return what near perfect columns come to beside all the others."""
        leaks = _leaks(evidence, guessed, near)
        if leaks:
            _, alone, rest = leaks[0]
            names = tuple(str(c.name) for c, _, _ in leaks)
            return Finding(
                self.code, self.title, "warn",
                f"{listed(names)} alone {_tells(names)} the target almost exactly: "
                f"{listed(names[:1])} leaves {_share(alone)}, and all other columns "
                f"together {_share(rest)}.",
                DROP_IT, names,
            )  # fmt: skip
        n_open = len(_open_ones(evidence))
        if near and len(near) <= min(max(SEVERAL, n_open * SEVERAL_SHARE), n_open - 1):
            rest, best = _of_others(evidence, near), _best(guessed, near)[1]
            if _is_far_better(best, rest):
                names = tuple(str(c.name) for c in near)
                return Finding(
                    self.code, self.title, "note",
                    f"{listed(names)} each tell the target almost exactly alone; all "
                    f"other columns together leave {_share(rest)}.",
                    "Drop those that are not known before the target is.", names,
                )  # fmt: skip
        return Finding(self.code, self.title, "pass", _best_alone(guessed, near))

    def _not_compared(self, near: Sequence[Column]) -> Finding:
        names = tuple(str(c.name) for c in near)
        return Finding(
            self.code, self.title, "skipped",
            f"{listed(names)} alone {_tells(names)} the target almost exactly; there "
            "was no time to see whether the other columns do, too.",
            DROP_IT, names, missed=True,
        )  # fmt: skip


def _leaks(
    evidence: Evidence,
    guessed: Sequence[tuple[Column, Errors]],
    near: Sequence[Column],
) -> list[tuple[Column, Errors, Errors]]:
    """Return the suspects, what each leaves, and what the others leave without it.

    Once one is known for a leak, time that is up ends this with those that are known.
    """
    found: list[tuple[Column, Errors, Errors]] = []
    if len(_open_ones(evidence)) < 2:  # there are no others
        return found
    for column, error in guessed:
        if column not in near[:MOST_SUSPECTS]:
            continue
        try:
            rest = _of_others(evidence, [column])
        except OutOfTimeError:
            if found:
                break
            raise
        if _is_far_better(error, rest):
            found.append((column, error, rest))
    return found


def _open_ones(evidence: Evidence) -> list[Column]:
    """Return the columns to try: all but copies of the target."""
    exact = _exact(evidence)
    return [c for c in evidence.plain if str(c.name) not in exact]


def _tells(names: Sequence[object]) -> str:
    return "tell" if len(names) > 1 else "tells"


def _share(found: Errors) -> str:
    """Return an error in words: of classes by rank, of numbers by variance."""
    if np.isinf(found.labels):
        return f"{found.spread:.2%} of the variance unexplained"
    return f"{found.ranking / 2:.2%} of pairs of rows in the wrong order"


def _best(
    guessed: Sequence[tuple[Column, Errors]], near: Sequence[Column]
) -> tuple[Column, Errors]:
    """Return the best near perfect column that time does not tell, else the best."""
    return next((pair for pair in guessed if pair[0] in near), guessed[0])


def _best_alone(
    guessed: Sequence[tuple[Column, Errors]], near: Sequence[Column]
) -> str:
    """Return how well the best column does, and why a near perfect one is no leak."""
    if not guessed:
        return "There is no column of numbers or levels to try alone."
    column, best = _best(guessed, near)
    name, left = listed([column.name]), _share(best)
    if len(near) > 1:
        return (
            f"{len(near)} columns each tell the target almost exactly alone: the best, "
            f"{name}, leaves {left}."
        )
    if not any(_is_near_perfect(e) for _, e in guessed):
        return (
            "No column tells the target by itself: alone, the best, "
            f"{name}, leaves {left}."
        )
    others = "all other columns together" if near else "time="
    return (
        f"{name} alone tells the target almost exactly, and {others} nearly as well: "
        f"it leaves {left}."
    )


def _closely(evidence: Evidence) -> list[tuple[Column, Errors]]:
    """Return the best columns and what each leaves alone, the best first.

    All are tried by bins; the best of these by squared error are ranked, too, and the
    best by either are tried by a tree.
    """
    question, rows = evidence.question, evidence.sample

    def by_bins(column: Column) -> np.ndarray:
        evidence.go_on()
        values, levels = evidence.values(column, rows), column.kind == "category"
        return guess_by_bins(question, values, levels=levels)

    by_spread = sorted(
        _open_ones(evidence), key=lambda c: spread_of(question, by_bins(c))
    )[:RANKED]  # fmt: skip
    left = {c.id: errors(question, by_bins(c)) for c in by_spread}
    by_rank = sorted(by_spread, key=lambda c: left[c.id].ranking)
    closely = []
    for column in dict.fromkeys([*by_spread[:TRIED], *by_rank[:TRIED]]):
        error = left[column.id]
        if column.kind != "category":  # of levels, bins say all
            evidence.go_on()
            guess = guess_by_tree(question, evidence.values(column, rows))
            error = error.least(errors(question, guess))
        closely.append((column, error))
    return sorted(closely, key=lambda pair: pair[1].ranking)


def _is_near_perfect(found: Errors) -> bool:
    return any(
        getattr(found, key) <= getattr(NEARLY_PERFECT, key) for key in _keys(found)
    )


def _is_far_better(alone: Errors, rest: Errors) -> bool:
    """Return whether a near perfect column leaves far less than the others."""
    return any(
        getattr(alone, key) <= getattr(NEARLY_PERFECT, key)
        and FAR_BETTER * getattr(alone, key) <= getattr(rest, key)
        and getattr(rest, key) > 0
        for key in _keys(alone)
    )


def _beats_time(evidence: Evidence, alone: Errors) -> bool:
    """Return whether a near perfect column leaves far less than time does."""
    return evidence.by_time is None or _is_far_better(alone, evidence.by_time)


def _keys(found: Errors) -> tuple[str, ...]:
    """Return which errors count: of classes, the squared ones hide rare ones."""
    return ("spread", "ranking") if np.isinf(found.labels) else ("ranking", "labels")


def _of_others(evidence: Evidence, without: Sequence[Column]) -> Errors:
    """Return what a forest of all other columns leaves, on a part of the sample."""
    question, rows = evidence.question, evidence.sample
    part = np.arange(0, len(rows), max(1, -(-len(rows) // FOREST_ROWS)))
    ids = [c.id for c in _open_ones(evidence) if c not in without]
    X = evidence.table.X[ids].iloc[rows[part]]
    about = question.at(part)
    guess = guess_by_forest(about, X, evidence.random_state, evidence.go_on)
    return errors(about, guess)


@dataclass(frozen=True)
class PerfectScore:
    """Whether the winner makes no mistake at all."""

    code: str = "AML020"
    title: str = "Perfect score"

    def run(self, evidence: Evidence) -> Finding:
        """Return what it came to."""
        found = evidence.predictions
        scored = (
            None if found is None else ~np.isnan(found.reshape(len(found), -1)[:, 0])
        )
        if found is None or scored is None or not scored.any():
            return Finding(
                self.code, self.title, "skipped", "There are no held-out predictions."
            )
        y, guess = evidence.table.y[scored], found[scored]
        if evidence.table.is_classification:
            right = float((guess.argmax(axis=1) == y).mean())
            perfect, said = right == 1.0, f"{right:.1%} of the held-out rows are right"
        else:
            around = float(((y - y.mean()) ** 2).sum())
            left = float(((y - guess) ** 2).sum()) / around if around else 1.0
            perfect, said = left < 1e-4, f"{1 - left:.2%} of the variance is explained"
        if not perfect:
            return Finding(self.code, self.title, "pass", f"{said}.".capitalize())
        return Finding(
            self.code, self.title, "note",
            f"{said}: few real targets can be told so well.".capitalize(),
            "Make sure that no column is made from the target.",
        )  # fmt: skip
