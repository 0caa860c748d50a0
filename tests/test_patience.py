"""Fits that grow end when they should, by what is known of rounds and time."""

import time

import numpy as np

from automl.estimators.patience import Growth, Patience


def test_a_round_that_would_end_late_is_not_begun(monkeypatch):
    """The next round is taken to last as long as the one before."""
    clock = [0.0]
    monkeypatch.setattr("automl.estimators.patience.time.monotonic", lambda: clock[0])
    patience = Patience(Growth("max_iter", 100, deadline=10.0), least=1)
    ends = []
    for done in range(1, 4):
        clock[0] += 3.0
        ends.append(patience.is_over(done, 1.0 / done))
    assert ends == [False, False, True]
    assert patience.truncated
    assert not patience.goes_again(1.0)


def test_few_rows_without_time_for_a_second_fit_count_as_cut_short():
    """A fit whose best rounds would end late again is left as the first one made it."""
    patience = Patience(Growth("n_estimators", 400, time.monotonic() + 3600.0))
    for done in range(1, 12):
        assert not patience.is_over(done, abs(done - 8.0))
    assert patience.goes_again(1.25)
    assert not patience.goes_again(1e12)
    assert patience.truncated


def test_a_loss_that_is_no_number_is_never_the_best():
    """The first number after it is."""
    patience = Patience(Growth("max_iter", 100))
    for done, loss in enumerate([np.nan, 0.5, np.nan, 0.4], start=1):
        patience.is_over(done, loss)
    assert (patience.best_round, patience.best_loss) == (4, 0.4)
