"""All checks in turn, cheap ones first, within a time; none of them can do harm."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from automl.checks.drift import Drift
from automl.checks.finding import Finding, OutOfTimeError, worst_first
from automl.checks.gaps import MissingnessLeak
from automl.checks.identifiers import IdentifierLeak
from automl.checks.leaks import PerfectScore, TargetCopy, TargetLeak
from automl.checks.moments import TimeLeak
from automl.checks.rows import Copies, Groups, SeenBefore
from automl.checks.scores import (
    BetterThanBaseline,
    EdgeOfSpace,
    NoiseCanary,
    Overfit,
    UnstableFolds,
)
from automl.checks.slices import WorstSlices, find_weak_slices
from automl.checks.tables import HighMissing, Imbalance, RareClasses, UselessColumns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from automl.checks.evidence import Evidence
    from automl.checks.finding import Check
    from automl.checks.slices import WeakSlices

__all__ = ["CHECKS", "LEAK_CODES", "Checked", "run_checks"]

ARITHMETIC: tuple[Check, ...] = (
    TargetCopy(),
    BetterThanBaseline(),
    NoiseCanary(),
    Overfit(),
    UnstableFolds(),
    EdgeOfSpace(),
    PerfectScore(),
    Imbalance(),
    RareClasses(),
    UselessColumns(),
    HighMissing(),
)
"""Checks of what is there already: milliseconds, made whatever the time."""

CHECKS: tuple[Check, ...] = (
    *ARITHMETIC,
    MissingnessLeak(),
    TimeLeak(),
    Groups(),
    Copies(),
    TargetLeak(),
    IdentifierLeak(),
    SeenBefore(),
    Drift(),
    WorstSlices(),
)
"""All checks in the order in which they run: those that hardly ever fit anything, then
those with fits, the gravest first."""

LEAK_CODES = ("AML001", "AML002", "AML003", "AML004", "AML005", "AML020")
"""Checks of columns that know the answer."""


@dataclass(frozen=True)
class Checked:
    """What the checks came to.

    Attributes
    ----------
    findings : tuple of Finding
        One of each check, worst first.
    slices : WeakSlices or None
        The winner's score on parts of the rows.
    """

    findings: tuple[Finding, ...]
    slices: WeakSlices | None


def run_checks(
    evidence: Evidence,
    out_of_time: Callable[[], bool],
    checks: Sequence[Check] = CHECKS,
) -> Checked:
    """Run checks one after another, and return what they came to.

    Parameters
    ----------
    evidence : Evidence
        What they look at.
    out_of_time : callable
        Whether those with fits that were not reached are left out; they ask it, too.
    checks : sequence of Check
        Which, in order.
    """
    findings = []
    evidence = replace(evidence, out_of_time=out_of_time)
    for check in checks:
        if check not in ARITHMETIC and out_of_time():
            findings.append(_skipped(check, "There was no time left for it."))
            continue
        try:
            if isinstance(check, WorstSlices):
                slices = find_weak_slices(evidence, out_of_time)
                evidence = replace(evidence, slices=slices)
            findings.append(check.run(evidence))
        except OutOfTimeError:
            findings.append(_skipped(check, "The time was up before it ended."))
        except Exception as error:  # noqa: BLE001 - no check is worth a model
            findings.append(_skipped(check, f"It raised {type(error).__name__}."))
    return Checked(worst_first(findings), evidence.slices)


def _skipped(check: Check, why: str) -> Finding:
    return Finding(check.code, check.title, "skipped", why, missed=True)
