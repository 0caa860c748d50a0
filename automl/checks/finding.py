"""What a check comes to: a code that stays, a status, evidence, and what to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from automl.checks.evidence import Evidence

__all__ = [
    "STATUSES", "Check", "Finding", "OutOfTimeError", "is_at_least", "listed",
    "without_test_set", "worst_first",
]  # fmt: skip

STATUSES = ("fail", "warn", "note", "skipped", "pass")
"""Worst first."""

MOST_NAMES = 3
"""Columns that a sentence names; a finding has all of them."""

MOST_CHARACTERS = 60
"""Of a column's name in a sentence."""


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes
    ----------
    code : str
        Stable identifier, such as ``AML001``.
    title : str
        What was checked, in a few words.
    status : str
        ``fail`` (an estimate or a model that is not to be trusted), ``warn`` (look at
        it before the model is used), ``note`` (worth knowing), ``pass``, or ``skipped``
        (there was not what it needs, or no time).
    evidence : str
        A sentence with figures.
    action : str
        What to do; empty where there is nothing to do.
    columns : tuple of str
        The user's names of the columns that it is about.
    missed : bool
        Whether it was skipped though it applies: for lack of time, or for an error.

    Examples
    --------
    >>> finding = Finding("AML001", "Target leak", "pass", "No column tells it alone.")
    >>> finding.as_json()["columns"]
    []
    """

    code: str
    title: str
    status: str
    evidence: str
    action: str = ""
    columns: tuple[str, ...] = ()
    missed: bool = False

    def __post_init__(self) -> None:
        assert self.status in STATUSES, self.status

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**asdict(self), "columns": list(self.columns)}

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> Finding:
        """Return the finding that `as_json` wrote."""
        return cls(**{**found, "columns": tuple(found["columns"])})


def without_test_set(check: Check) -> Finding:
    """Return what a check of the test rows comes to where there are none."""
    return Finding(
        check.code, check.title, "skipped", "No test set was given.",
        "Give `fit` rows of a later time, or held back: X_test= and y_test= or --test.",
    )  # fmt: skip


class OutOfTimeError(Exception):
    """The time that checks have is over: the one that raises this is skipped."""


class Check(Protocol):
    """A check: a pure function of the evidence, with a name."""

    @property
    def code(self) -> str:
        """Stable identifier."""

    @property
    def title(self) -> str:
        """What is checked, in a few words."""

    def run(self, evidence: Evidence) -> Finding:
        """Return what it came to."""


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings in the order of their status, then of their code."""
    return tuple(sorted(findings, key=lambda f: (STATUSES.index(f.status), f.code)))


def is_at_least(finding: Finding, status: str) -> bool:
    """Return whether a finding is as bad as a status, or worse.

    Examples
    --------
    >>> is_at_least(Finding("AML001", "Leak", "fail", ""), "warn")
    True
    """
    return STATUSES.index(finding.status) <= STATUSES.index(status)


def listed(columns: Iterable[object]) -> str:
    """Return columns as in a sentence.

    Examples
    --------
    >>> listed(["a", "b"]), listed("abcde")
    ("'a' and 'b'", "'a', 'b', 'c' and 2 more")
    """
    names = [str(c) for c in columns]
    shown = [
        repr(n if len(n) <= MOST_CHARACTERS else n[:MOST_CHARACTERS] + "…")
        for n in names[:MOST_NAMES]
    ]
    if len(names) > MOST_NAMES:
        shown.append(f"{len(names) - MOST_NAMES} more")
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if shown[1:] else shown)
