"""Where a run says that its time went."""

import pytest

from automl.account import timeline
from automl.budget import Budget


def test_score_and_checks_have_seconds_of_their_own():
    """The fit on all rows is not charged with what follows it; the parts sum up."""
    now = [8.0]
    found = timeline(Budget(10.0, None, 0.0, lambda: now[0]), 1.0, 4.0, 5.0, 5.5)
    parts = ("read", "search", "refit", "score", "checks")
    assert [found[k] for k in parts] == pytest.approx([1.0, 3.0, 1.0, 0.5, 2.5])
    assert sum(found[k] for k in parts) == pytest.approx(found["total"])
