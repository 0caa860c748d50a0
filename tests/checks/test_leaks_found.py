"""Planted leaks are found, and clean tables are left in peace."""

import pytest

from automl.checks import CHECKS, LEAK_CODES, run_checks
from tests.checks.check_kit import CLEAN, PLANTED, evidence_of

LEAK_CHECKS = [check for check in CHECKS if check.code in LEAK_CODES]
FAST_PLANTED = [name for name in PLANTED if name.endswith(("diabetes", "mixed"))]
FAST_CLEAN = ["iris", "wine", "separable 0", "exact numbers 0", "mixed 1", "noise 0"]


def alarms(X, y):
    """Return the leak checks that warn, with their columns."""
    found = run_checks(evidence_of(X, y), lambda: False, LEAK_CHECKS).findings
    assert not any("raised" in f.evidence for f in found), found
    return {f.code: f.columns for f in found if f.status in {"warn", "fail"}}


@pytest.mark.parametrize("name", FAST_PLANTED)
def test_planted_leak_is_found(name):
    """A planted leak is warned of by name."""
    assert any("leak" in columns for columns in alarms(*PLANTED[name]()).values())


@pytest.mark.parametrize("name", FAST_CLEAN)
def test_clean_table_gives_no_alarm(name):
    """A table without a leak, easy or not, gives no warning of one."""
    assert alarms(*CLEAN[name]()) == {}


@pytest.mark.slow
def test_all_thirty_planted_leaks_are_found():
    """Each of six kinds of leak is found in each of five tables."""
    assert len(PLANTED) == 30
    missed = [
        name for name, make in PLANTED.items()
        if not any("leak" in columns for columns in alarms(*make()).values())
    ]  # fmt: skip
    assert missed == []


@pytest.mark.slow
def test_at_most_one_of_fifty_clean_tables_gives_an_alarm():
    """Two in a hundred clean tables may be doubted at most."""
    assert len(CLEAN) == 50
    false = {name: found for name, make in CLEAN.items() if (found := alarms(*make()))}
    assert len(false) <= 1, false
