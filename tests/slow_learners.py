"""A learner that is good, and slow to predict."""

import time

from sklearn.linear_model import Ridge

SLOW_S = 0.2


class SlowRidge(Ridge):
    """Ridge regression that takes its time for a row."""

    def predict(self, X):
        """Return numbers, after a while."""
        time.sleep(SLOW_S)
        return super().predict(X)
