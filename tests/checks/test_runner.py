"""All checks are made, each by itself, in time."""

import dataclasses
import re

from automl.checks import CHECKS, Finding, is_at_least, run_checks
from automl.resources import folder
from tests.checks.check_kit import (
    BY_CODE,
    evidence_of,
    mixed,
    shuffled,
)


def test_codes_are_those_that_others_know():
    """Codes never change, since scripts fail on them."""
    titles = {check.code: check.title for check in CHECKS}
    assert titles == {
        "AML001": "Copy of the target",
        "AML002": "Target leak",
        "AML003": "Leaky missing values",
        "AML004": "Identifiers",
        "AML005": "Time",
        "AML006": "Groups",
        "AML007": "Copies of rows",
        "AML008": "Test rows seen before",
        "AML009": "Drift to the test rows",
        "AML010": "Better than the baseline",
        "AML011": "Overfitting",
        "AML012": "Stable folds",
        "AML013": "Noise canary",
        "AML014": "Edge of the search space",
        "AML015": "Balance of classes",
        "AML016": "Rare classes",
        "AML017": "Weak slices",
        "AML018": "Columns of no use",
        "AML019": "Missing values",
        "AML020": "Perfect score",
    }


def test_the_page_of_checks_lists_them():
    """Who chooses a code for `--fail-on` finds it with its title."""
    page = (folder("reports").parent / "docs" / "checks.md").read_text("utf-8")
    listed = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", page, flags=re.MULTILINE)
    assert listed == sorted((check.code, check.title) for check in CHECKS)


@dataclasses.dataclass(frozen=True)
class Raises:
    """A check that fails."""

    code: str = "AML999"
    title: str = "Raises"

    def run(self, _):
        """Raise."""
        raise ZeroDivisionError


def test_a_check_that_fails_costs_only_itself():
    """It is skipped with the type of what it raised, and the others are made."""
    X, y = shuffled(100)
    checks = [Raises(), BY_CODE["AML016"]]
    found = run_checks(evidence_of(X, y), lambda: False, checks).findings
    assert [(f.code, f.status) for f in found] == [
        ("AML999", "skipped"), ("AML016", "pass"),
    ]  # fmt: skip
    assert "ZeroDivisionError" in found[0].evidence


def test_without_time_what_costs_nothing_is_checked():
    """Checks that fit something are skipped, and say so; a copy is still found."""
    X, y = shuffled(100)
    found = run_checks(evidence_of(X.assign(leak=y), y), lambda: True).findings
    by_code = {f.code: f for f in found}
    assert len(by_code) == len(CHECKS) == len(found)
    assert found[0].code == "AML001"
    assert found[0].status == "fail"
    assert by_code["AML002"].status == "skipped"
    assert "no time" in by_code["AML002"].evidence
    assert by_code["AML016"].status == "pass"


def test_the_same_evidence_gives_the_same_findings():
    """Nothing is drawn but from the seed."""
    X, y = mixed(0)
    once, twice = (run_checks(evidence_of(X, y), lambda: False) for _ in range(2))
    assert once == twice


def test_findings_are_json_and_back():
    """What the facts keep is what `checks_` gives back."""
    found = Finding(
        "AML002", "Target leak", "warn", "It tells.", "Drop it.", ("a", "b")
    )
    assert Finding.from_json(found.as_json()) == found
    assert is_at_least(found, "note")
    assert not is_at_least(found, "fail")
