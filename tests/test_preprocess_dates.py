"""Moments become the parts that a calendar shows."""

import pickle
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from automl.preprocess.dates import PARTS, DateParts


def parts_of(moment):
    """The parts of one moment, by name."""
    column = np.array([[moment.timestamp()]])
    return dict(zip(PARTS, DateParts().fit_transform(column)[0], strict=True))


@pytest.mark.parametrize(
    "moment",
    [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(2024, 2, 29, 18, 30, tzinfo=UTC),
        datetime(1583, 3, 1, 6, tzinfo=UTC),
        datetime(9999, 12, 31, 12, tzinfo=UTC),
        datetime(2001, 9, 9, 1, 46, 40, 123456, tzinfo=UTC),
    ],
    ids=str,
)
def test_parts_are_those_of_the_calendar(moment):
    """Python's own calendar agrees, before 1970 and on leap days too."""
    found = parts_of(moment)
    assert found["year"] == moment.year
    assert found["month"] == moment.month
    assert found["day"] == moment.day
    assert found["weekday"] == moment.weekday()
    assert found["yearday"] == moment.timetuple().tm_yday
    hour = moment.hour + moment.minute / 60 + moment.second / 3600
    assert found["hour"] == pytest.approx(hour, abs=1e-3)
    assert found["days"] == pytest.approx(moment.timestamp() / 86400)


def test_missing_moments_have_missing_parts():
    """NaN and infinity are no moments, and leave the others alone."""
    column = np.array([[np.nan], [0.0], [np.inf]])
    found = DateParts().fit_transform(column)
    assert np.isnan(found[[0, 2]]).all()
    assert found[1].tolist() == [0, 1970, 1, 1, 3, 1, 0]


def test_columns_stand_side_by_side():
    """Two columns give fourteen, named after them, whatever the container."""
    frame = pd.DataFrame({"born": [0.0, 86400.0], "sold": [1e9, np.nan]})
    step = clone(DateParts()).fit(frame)
    names = step.get_feature_names_out(frame.columns)
    assert step.transform(frame).shape == (2, 14)
    assert names[[0, 7]].tolist() == ["born_days", "sold_days"]
    assert len(step.get_feature_names_out()) == 14


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York", "UTC+05:30"])
def test_a_column_of_a_zone_has_that_zones_calendar(zone):
    """A day begins at its own midnight, in summer and in winter; UTC has its own."""
    stamps = pd.date_range("2019-12-31 20:00", periods=60, freq="151h", tz=zone)
    seconds = (stamps - pd.Timestamp(0, tz="UTC")).total_seconds().to_numpy()
    both = np.column_stack([seconds, seconds])
    found = clone(DateParts((zone, None))).fit_transform(both)
    np.testing.assert_array_equal(found[:, 1], stamps.year)
    np.testing.assert_array_equal(found[:, 4], stamps.day_of_week)
    np.testing.assert_array_equal(found[:, 6], stamps.hour)
    np.testing.assert_array_equal(found[:, 13], seconds / 3600 % 24)
    np.testing.assert_array_equal(found[:, 0], seconds / 86400)
    gap = DateParts((zone,)).fit_transform(np.array([[np.nan], [-6e10], [2.5e11]]))
    assert np.isnan(gap[0]).all()
    assert np.isfinite(gap[1:]).all()


def test_no_rows_and_pickles_are_fine():
    """No rows give no rows, and a pickled step gives the same."""
    step = pickle.loads(pickle.dumps(DateParts().fit(np.zeros((3, 1)))))
    assert step.transform(np.zeros((0, 1))).shape == (0, 7)
