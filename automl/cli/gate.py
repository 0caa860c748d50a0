"""The quality gate: which findings of the checks end a command with exit code 5."""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from automl.cli.frame import GATE, USAGE, fail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl.checks import Finding

__all__ = ["FailOn", "leave_by_gate", "read_gate", "show_checks"]

FailOn = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CODE|warn|fail",
        help="Exit code 5 if this check, or any, is so bad. Repeatable.",
    ),
]

STATUS_WORDS = {
    "fail": "failed", "warn": "warned", "note": "notes", "skipped": "skipped",
}  # fmt: skip
"""What is said of a finding's status."""

MOST_LINES = 5
"""Findings on the terminal; all stand in the report."""

WIDTH = 80


def read_gate(given: Sequence[str] | None) -> tuple[str, ...]:
    """Return what ends the command, checked before anything starts.

    Parameters
    ----------
    given : sequence of str or None
        Codes of checks, ``warn`` or ``fail``.
    """
    from automl.checks import CHECKS
    from automl.exceptions import suggestion

    known = {check.code for check in CHECKS} | {"warn", "fail"}
    gate = []
    for word in given or ():
        name = word.lower() if word.lower() in known else word.upper()
        if name not in known:
            fail(
                f"--fail-on {word}: the code of a check, warn or fail was expected. "
                f"{suggestion(word, known)}",
                USAGE,
            )
        gate.append(name)
    return tuple(gate)


def _caught(findings: Sequence[Finding], gate: Sequence[str]) -> list[Finding]:
    from automl.checks import is_at_least

    return [
        found
        for found in findings
        if is_at_least(found, "warn")
        and (
            found.code in gate
            or any(is_at_least(found, s) for s in gate if s.islower())
        )
    ]


def leave_by_gate(findings: Sequence[Finding], gate: Sequence[str]) -> None:
    """Leave with a code of its own if a finding is one that was asked for.

    A check that was asked for by its code and could not be made counts, too: a gate
    that did not look must not be passed.
    """
    caught = _caught(findings, gate)
    missed = [f for f in findings if f.missed and f.code in gate]
    said = []
    if caught:
        names = ", ".join(f"{found.code} ({found.status})" for found in caught)
        said.append(f"the checks found {names}.")
    said += [f"{found.code} was not made. {found.evidence}" for found in missed]
    if said:
        fail(f"--fail-on: {' '.join(said)} The model is kept.", GATE)


def show_checks(findings: Sequence[Finding]) -> None:
    """Write what the checks found, worst first, in a few lines."""
    if not findings:
        return
    counts = {s: sum(f.status == s for f in findings) for s in STATUS_WORDS}
    said = STATUS_WORDS | {"note": "note" if counts["note"] == 1 else "notes"}
    summary = ", ".join(f"{n} {said[s]}" for s, n in counts.items() if n)
    passed = sum(f.status == "pass" for f in findings)
    lines = [
        f"\nChecks  {passed} of {len(findings)} passed" + (summary and f", {summary}")
    ]
    bad = [f for f in findings if f.status in {"fail", "warn"}]
    lines += [_line(found) for found in bad[:MOST_LINES]]
    if len(bad) > MOST_LINES:
        lines.append(f"        … and {len(bad) - MOST_LINES} more in the report")
    sys.stdout.write("\n".join(lines) + "\n")


def _line(found: Finding) -> str:
    """Return a finding on one line; what a warning has told is not told again."""
    told = found.code == "AML001"
    text = f"  {found.status}  {found.code} {found.title}"
    text += ", see the warning." if told else f": {found.evidence}"
    return "  " + textwrap.shorten(text, WIDTH - 2, placeholder=" …")
