"""A run knows what it may spend."""

import numpy as np
import pytest

from automl.budget import make_budget
from automl.exceptions import AutoMLConfigError


def test_the_budget_counts_down_with_the_clock_that_it_is_given():
    """No test sleeps."""
    now = [10.0]
    budget = make_budget(5, None, clock=lambda: now[0])
    now[0] = 12.0
    assert (budget.elapsed_s, budget.remaining_s, budget.deadline) == (2.0, 3.0, 15.0)


def test_trials_alone_lift_the_limit_in_time():
    """The default of the time does not end a run that is counted."""
    budget = make_budget(60, np.int64(3), default_time=True)
    assert (budget.n_trials, budget.deadline) == (3, None)
    assert budget.remaining_s == float("inf")


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), True, "60"])
def test_a_time_that_is_no_positive_number_is_refused(value):
    """Zero, infinity and text are no budgets."""
    with pytest.raises(AutoMLConfigError, match="number of seconds above 0"):
        make_budget(value, None)


@pytest.mark.parametrize("value", [0, 1.5, True, "3"])
def test_a_number_of_trials_that_is_not_whole_is_refused(value):
    """Half a trial cannot be run."""
    with pytest.raises(AutoMLConfigError, match="whole number of at least 1"):
        make_budget(None, value)


def test_a_run_without_any_limit_is_refused():
    """It would never end."""
    with pytest.raises(AutoMLConfigError, match="are both None"):
        make_budget(None, None)
