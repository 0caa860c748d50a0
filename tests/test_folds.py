"""Rows are trained on or scored on, each as was promised."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import KFold, PredefinedSplit

from automl.dealing import deal
from automl.exceptions import AutoMLConfigError, AutoMLDataError
from automl.folds import choose_cv, make_folds

# made-up rows are often fewer than the folds that are asked for
pytestmark = pytest.mark.filterwarnings("ignore:.* folds instead of:UserWarning")

QUICK = settings(max_examples=60, deadline=None)
CODES = st.lists(st.integers(0, 3), min_size=4, max_size=40)


def folds_of(y, cv, *, stratify=False, groups=None, time=None):
    """Return splits, checked for rows on both sides."""
    groups = None if groups is None else np.array(groups)
    time = None if time is None else np.array(time)
    folds = make_folds(
        np.array(y), cv=cv, stratify=stratify, groups=groups, time=time, random_state=0
    )
    for train, test in folds.splits:
        assert len(train)
        assert len(test)
        assert not set(train) & set(test)
    return folds


@QUICK
@given(y=CODES, k=st.integers(2, 8))
def test_every_row_is_scored_once(y, k):
    """K folds are a partition of the rows."""
    scored = np.concatenate([test for _, test in folds_of(y, k).splits])
    assert sorted(scored) == list(range(len(y)))


@QUICK
@given(y=CODES, k=st.integers(1, 8))
def test_the_only_row_of_a_class_is_never_scored(y, k):
    """It trains in every fold; the others are scored once."""
    y = np.unique(y, return_inverse=True)[1]
    lonely = set(np.flatnonzero(np.bincount(y)[y] == 1))
    folds = folds_of(y, k, stratify=True)
    scored = np.concatenate([test for _, test in folds.splits])
    assert len(set(scored)) == len(scored)
    if len(lonely) < len(y):
        others = set(range(len(y))) - lonely
        assert set(scored) <= others
        assert k == 1 or set(scored) == others


@QUICK
@given(
    rows=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), min_size=4),
    k=st.integers(1, 5),
    stratify=st.booleans(),
)
def test_groups_are_never_on_both_sides(rows, k, stratify):
    """Whatever the size of the groups."""
    groups, y = map(np.array, zip(*rows, strict=True))
    if len(set(groups)) < 2:
        with pytest.raises(AutoMLDataError, match="has 1 group"):
            folds_of(y, k, groups=groups)
        return
    y = np.unique(y, return_inverse=True)[1]
    for train, test in folds_of(y, k, stratify=stratify, groups=groups).splits:
        assert not set(groups[train]) & set(groups[test])


@pytest.mark.parametrize("seed", range(6))
def test_a_holdout_by_group_is_a_share_of_the_rows(seed):
    """One group with most of the rows is trained on, whichever is drawn first."""
    groups = np.repeat([0, 1, 2, 3, 4], [600, 100, 100, 100, 100])
    folds = make_folds(
        np.arange(1000.0), cv=1, stratify=False, groups=groups, time=None,
        random_state=seed,
    )  # fmt: skip
    ((train, test),) = folds.splits
    assert (len(train), len(test)) == (800, 200)
    assert folds.name == "a holdout of 20%, by group"


@pytest.mark.parametrize("sizes", [[5, 95], [92, 2, 2, 2, 2], [1, 1, 98], [50, 50]])
def test_a_holdout_by_group_leaves_something_to_train_on(sizes):
    """The others may be few: the largest group is not held out as well."""
    groups = np.repeat(np.arange(len(sizes)), sizes)
    for seed in range(4):
        folds = make_folds(
            np.arange(100.0), cv=1, stratify=False, groups=groups, time=None,
            random_state=seed,
        )  # fmt: skip
        ((train, test),) = folds.splits
        assert len(train) >= 50
        assert len(test) >= 1


@pytest.mark.parametrize("seed", range(4))
def test_a_holdout_by_group_is_no_handful(seed):
    """Where only a small group is not too many, the smaller of the others is in."""
    groups = np.repeat([0, 1, 2], [600, 390, 10])
    ((_, test),) = make_folds(
        np.arange(1000.0), cv=1, stratify=False, groups=groups, time=None,
        random_state=seed,
    ).splits  # fmt: skip
    assert len(test) == 400


@QUICK
@given(time=st.lists(st.integers(0, 9), min_size=3), k=st.integers(1, 5))
def test_training_rows_are_earlier_than_scoring_rows(time, k):
    """Rows of one moment stay together."""
    if len(set(time)) < 3:
        with pytest.raises(AutoMLDataError, match="different moments"):
            folds_of(time, k, time=time)
        return
    for train, test in folds_of(time, k, time=time).splits:
        assert np.array(time)[train].max() < np.array(time)[test].min()


def test_time_and_groups_hold_together():
    """A group that is scored later is not trained on before."""
    groups = np.array([0, 1, 2, 0, 3, 4, 5, 6])
    for train, test in folds_of(groups, 3, groups=groups, time=range(8)).splits:
        assert not set(groups[train]) & set(groups[test])
    with pytest.raises(AutoMLDataError, match="goes on through all"):
        folds_of([0] * 4, 2, groups=[0] * 4, time=range(4))


@pytest.mark.parametrize(
    ("cv", "message"),
    [
        (0, "is not possible"),
        ("five", "is not usable"),
        ([], "is not usable"),
        ([(0, 1)], "pairs"),
        ([([0.5], [1])], "pairs"),
        ([([0], [9])], "outside"),
        ([([0, 1], [1])], "scores rows that it trains on"),
        ([([0], [])], "no rows"),
        (KFold(9), "cannot split"),
    ],
)
def test_an_unusable_cv_is_refused(cv, message):
    """One sentence says why."""
    with pytest.raises(AutoMLConfigError, match=message) as caught:
        folds_of([0, 1, 0, 1], cv)
    assert caught.value.code == "E-cv"


def test_given_splits_are_taken():
    """Positions, masks and splitters."""
    mask = np.array([True, True, False, False])
    (train, test), _ = folds_of(range(4), [(mask, ~mask), ([2], [0])]).splits
    assert (train.tolist(), test.tolist()) == ([0, 1], [2, 3])
    assert len(folds_of(range(4), KFold(2))) == 2
    assert len(folds_of(range(9), np.int64(3))) == 3


def test_more_budget_means_more_folds():
    """Without a limit, the size alone decides."""
    folds = [choose_cv(10_000, 20, 2, core_seconds=s) for s in (1, 50, 60, 10_000)]
    assert folds == sorted(folds)
    assert (folds[0], folds[-1]) == (1, 8)
    assert choose_cv(1_000, 20, 2, core_seconds=None) == 5
    assert choose_cv(200_000, 20, 2, core_seconds=None) == 3


def test_given_splits_may_not_break_groups_or_time():
    """What ``groups=`` and ``time=`` promise holds for the user's own splits, too."""
    y = np.arange(12.0)
    half = [(np.arange(6), np.arange(6, 12))]
    plain = {"stratify": False, "random_state": 0}
    groups = np.repeat([0, 1, 2], 4)
    with pytest.raises(AutoMLConfigError, match="one group on both sides"):
        make_folds(y, cv=half, groups=groups, time=None, **plain)
    with pytest.raises(AutoMLConfigError, match="not earlier"):
        make_folds(y, cv=half, groups=None, time=y[::-1].copy(), **plain)
    assert len(make_folds(y, cv=half, groups=None, time=y, **plain)) == 1


class OwnSplitter:
    """What needs the columns of the table."""

    def split(self, X, y=None, groups=None):  # noqa: ARG002 - as scikit-learn has it
        """Look at the index."""
        return iter([X.index])


@pytest.mark.parametrize(
    ("cv", "message"),
    [(KFold, r"is a class.*cv=KFold\(\)"), (OwnSplitter(), "AttributeError")],
)
def test_a_splitter_that_cannot_split_is_refused(cv, message):
    """A class is no splitter, and what one raises is told."""
    with pytest.raises(AutoMLConfigError, match=message) as caught:
        make_folds(
            np.zeros(20), cv=cv, stratify=False, groups=None, time=None, random_state=0
        )
    assert caught.value.code == "E-cv"


def test_a_holdout_by_time_is_the_latest_fifth():
    """One split by time scores the latest rows, as many as any holdout has."""
    folds = make_folds(
        np.zeros(100), cv=1, stratify=False, groups=None, time=np.arange(100.0),
        random_state=0,
    )  # fmt: skip
    train, test = folds.splits[0]
    assert (len(train), len(test)) == (80, 20)
    assert test.min() == 80


@QUICK
@given(rows=st.lists(st.tuples(st.integers(0, 8), st.integers(0, 2)), min_size=6,
                     max_size=40), k=st.integers(1, 5))  # fmt: skip
def test_copies_are_never_on_both_sides(rows, k):
    """Rows of one code are on one side, and each row is scored once."""
    codes, y = (np.array(part) for part in zip(*rows, strict=True))
    if len(set(codes)) < 2:
        return
    folds = make_folds(y, cv=k, stratify=True, groups=None, time=None, random_state=0,
                       copies=codes)  # fmt: skip
    for train, test in folds.splits:
        lonely = np.bincount(y)[y] == 1  # such a row trains in any case
        assert not np.intersect1d(codes[train[~lonely[train]]], codes[test]).size
    assert any("copies" in note for note in folds.notes)
    scored = np.concatenate([test for _, test in folds.splits])
    assert len(set(scored)) == len(scored)
    rare = np.bincount(y)[y] == 1
    if k > 1 and not rare.any():
        assert len(scored) == len(y)


def test_many_copies_are_split_fast():
    """Half a million rows take a second, where a loop over groups takes minutes."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 250_000, 500_000)
    began = time.process_time()
    make_folds(codes % 2, cv=5, stratify=True, groups=None, time=None, random_state=0,
               copies=codes)  # fmt: skip
    assert time.process_time() - began < 10


@QUICK
@given(
    rows=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3)), min_size=20),
    k=st.integers(2, 5),
)
def test_dealt_groups_are_whole_and_share_the_rarest_class(rows, k):
    """A group is in one fold, and folds differ in the rarest class by one group."""
    groups, y = map(np.array, zip(*rows, strict=True))
    _, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
    fold = deal(codes, groups, k, random_state=0)
    assert len(set(zip(groups, fold, strict=True))) == len(set(groups))
    rare = codes == np.argmin(counts)
    largest = np.bincount(groups[rare]).max()
    assert np.ptp(np.bincount(fold[rare], minlength=k)) <= largest


@QUICK
@given(
    classes=st.lists(st.integers(0, 3), min_size=10, max_size=60),
    size=st.integers(1, 4),
    k=st.integers(2, 5),
)
def test_dealt_groups_of_a_size_differ_by_one_in_rows_and_classes(classes, size, k):
    """Where groups are as large, and of a class each, no fold has two more."""
    _, codes = np.unique(np.repeat(classes, size), return_inverse=True)
    fold = deal(codes, np.arange(len(codes)) // size, k, random_state=1)
    assert np.ptp(np.bincount(fold, minlength=k)) <= size
    for code in np.unique(codes):
        assert np.ptp(np.bincount(fold[codes == code], minlength=k)) <= size


def test_many_groups_make_even_folds_quickly():
    """60,000 groups of several sizes: folds are even in rows and classes, and soon."""
    rng = np.random.default_rng(0)
    groups = rng.permutation(np.repeat(np.arange(60_000), rng.integers(1, 6, 60_000)))
    y = (rng.random(len(groups)) < rng.beta(0.2, 4, 60_000)[groups]).astype(int)
    began = time.perf_counter()
    folds = make_folds(y, cv=8, stratify=True, groups=groups, time=None, random_state=0)
    assert time.perf_counter() - began < 8
    tested = [test for _, test in folds.splits]
    assert np.array_equal(np.sort(np.concatenate(tested)), np.arange(len(y)))
    assert np.ptp([len(test) for test in tested]) <= 5
    assert np.ptp([y[test].sum() for test in tested]) <= 5
    for train, test in folds.splits:
        assert not np.isin(groups[test], groups[train]).any()


def test_a_fold_named_for_each_row_is_that_of_the_kept_rows():
    """Rows without weight are left out of it, like of a list of splits."""
    fold_of = np.arange(12) % 3
    kept = np.arange(1, 12)
    given = {"stratify": False, "groups": None, "time": None, "random_state": 0}
    found = make_folds(np.arange(11.0), cv=PredefinedSplit(fold_of), kept=kept, **given)
    scored = [kept[test].tolist() for _, test in found.splits]
    assert scored == [[3, 6, 9], [1, 4, 7, 10], [2, 5, 8, 11]]
    same = make_folds(
        np.arange(11.0), cv=PredefinedSplit(fold_of[kept]), kept=kept, **given
    )
    assert [t.tolist() for _, t in same.splits] == [t.tolist() for _, t in found.splits]
