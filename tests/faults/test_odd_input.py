"""Data that are odd, but can be used, give a model; what was decided is said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from automl.table import make_table
from tests.faults.bad_kit import N_ROWS, Y, fit, table
from tests.faults.odd_kit import NUMBERS, noted, predicts, warned

# --------------------------------------------------------------------- rows and target


@pytest.mark.parametrize(
    ("n_rows", "task"),
    [(2, "regression"), (3, "regression"), (9, "regression"), (10, "regression"),
     (6, "binary"), (9, "binary"), (10, "binary")],
)  # fmt: skip
def test_d02_few_rows_fit_with_a_warning(n_rows, task):
    """Fewer than ten rows give a model and a warning that nothing is known of it."""
    y = np.arange(n_rows) // (n_rows / 2) if task == "binary" else np.arange(n_rows) / 7
    with warned(*["W-few-rows"] * (n_rows < 10)):
        model = fit(table(n_rows), y, task=task)
    predicts(model, table(n_rows), n_rows)
    assert any("too few" in n for n in model.notes_) == (n_rows < 10)


@pytest.mark.parametrize(
    "gap", [np.nan, None, pd.NA, pd.NaT], ids=["nan", "none", "na", "nat"]
)
def test_d04_rows_without_a_target_are_left_out_if_asked(gap):
    """The rows are counted, and everything that goes by rows goes with them."""
    y = pd.Series(["yes", "no"] * (N_ROWS // 2), dtype=object)
    y[[3, 8, 20]] = gap
    splits = [(np.arange(30), np.arange(30, N_ROWS))]
    model = fit(
        table(), y, drop_missing_target=True, cv=splits, groups=np.arange(N_ROWS),
        sample_weight=np.r_[0, np.ones(N_ROWS - 1)],
    )  # fmt: skip
    noted(model, "3 of 60 rows have no target")
    noted(model, "1 rows of weight zero")
    assert len(model.trials_[0].folds) == 1
    predicts(model, table())


def test_d06_a_constant_number_is_predicted():
    """A regression whose target never changes is a constant, with a warning."""
    with warned("W-constant-target"):
        model = fit(table(), np.full(N_ROWS, 2.5), task="regression")
    assert model.predict(table()) == pytest.approx(2.5)
    noted(model, "has one value")


@pytest.mark.parametrize("cv", ["auto", 1, 3])
def test_d07_d08_a_rare_class_has_its_column_everywhere(cv):
    """A class of one row trains only; probabilities have a column for it."""
    y = np.array(["a", "b"] * (N_ROWS // 2), dtype=object)
    y[7] = "rare"
    with warned("W-lonely-class"):
        model = fit(table(), y, cv=cv)
    assert model.classes_.tolist() == ["a", "b", "rare"]
    predicts(model, table())
    noted(model, "1 class", "only ever trained on")


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (Y * 1.0, [0.0, 1.0]),
        (Y == 1, [False, True]),
        (Y.astype(str), ["0", "1"]),
        (pd.Categorical(Y, [0, 1, 7]), [0, 1]),
        (pd.Categorical(np.where(Y, "b", "a"), ["z", "b", "a"]), ["a", "b"]),
        (pd.Series(Y, dtype="Int8"), [0, 1]),
        (pd.Series(Y == 1, dtype="boolean"), [False, True]),
        (pd.Series(np.where(Y, "b", "a"), dtype="string"), ["a", "b"]),
        (pd.Series(Y, dtype=pd.ArrowDtype(pa.int64())), [0, 1]),
        (Y - 5, [-5, -4]),
    ],
    ids=["float", "truth", "text", "category", "words", "nullable", "truths", "string",
         "arrow", "negative"],
)  # fmt: skip
def test_d10_the_task_is_told_from_the_target(y, classes):
    """Two values are two classes, whatever they are written as; the reason is said."""
    model = fit(table(), y)
    assert model.task_ == "binary"
    assert model.classes_.tolist() == classes
    predicts(model, table())
    assert model.facts_["run"]["task_reason"]


def test_d11_a_column_vector_is_read_with_a_warning():
    """As scikit-learn reads it."""
    from sklearn.exceptions import DataConversionWarning

    with pytest.warns(DataConversionWarning, match="column-vector"):
        model = fit(table(), Y.reshape(-1, 1))
    predicts(model, table())


# ------------------------------------------------------------------------------ repeats


def test_d27_copies_of_rows_stay_on_one_side():
    """With half of the rows copied, labels by chance are not learnt by heart."""
    rng = np.random.default_rng(0)
    once = pd.DataFrame(rng.normal(size=(300, 4)))
    X = pd.concat([once, once], ignore_index=True)
    y = np.tile(rng.integers(0, 2, 300), 2)
    model = fit(X, y, candidates=["k_nearest", "lightgbm"], n_trials=4)
    noted(model, "50% of the rows are copies")
    assert "copies" in model.facts_["run"]["cv"]
    assert model.best_score_ < 0.65  # 1.0 if copies train


def test_d27_equal_rows_of_few_values_are_no_copies():
    """Where rows are equal by chance, folds are as always."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.integers(0, 3, (500, 4)))
    assert X.duplicated().mean() > 0.5
    made = make_table(X, rng.integers(0, 2, 500))
    assert made.copies is None


LEAKS = {
    "copy": (Y, Y),
    "other words": (np.where(Y, "yes", "no"), Y),
    "scaled": (NUMBERS * 3 - 1, NUMBERS),
    "date": (pd.Timestamp("2020") + pd.to_timedelta(np.arange(N_ROWS) ** 2, "D"),
             np.arange(N_ROWS) ** 2 / 7),
    "finer": (np.where(Y, "b", np.where(np.arange(N_ROWS) % 4, "a", "c")), Y),
    "three": (np.array([5, 9, 2])[np.arange(N_ROWS) % 3], np.arange(N_ROWS) % 3),
    "with gaps": (np.where(Y, np.nan, np.arange(N_ROWS) % 4), Y),
}  # fmt: skip


@pytest.mark.parametrize("case", LEAKS)
def test_d28_a_column_that_is_the_target_is_warned_of(case):
    """The column is named, in a warning and in the notes."""
    column, y = LEAKS[case]
    with warned("W-leak"):
        model = fit(table(leak=column), y)
    noted(model, "'leak'", "target")


def test_d28_no_other_column_is_warned_of():
    """Neither a good column, nor one with a value for each row."""
    with warned():
        fit(table(good=Y + NUMBERS / 3), Y)
        fit(table(good=NUMBERS), NUMBERS + np.random.default_rng(5).normal(size=N_ROWS))


@pytest.mark.parametrize(
    "column",
    [np.arange(N_ROWS), np.arange(1, N_ROWS + 1), [f"k{i}" for i in range(N_ROWS)]],
    ids=["from 0", "from 1", "codes"],
)
def test_d28_identifiers_are_left_out_with_a_warning(column):
    """Row numbers and codes of rows are no features."""
    with warned("W-id"):
        model = fit(table(row=column), Y)
    noted(model, "'row' is left out")


# ------------------------------------------------------------------ groups, time, folds


def test_d30_fewer_groups_than_folds_make_fewer_folds():
    """With a warning; a group is never on both sides."""
    with warned("W-folds"):
        model = fit(table(), Y, groups=np.arange(N_ROWS) // 20, cv=5)
    assert len(model.trials_[0].folds) == 3
    noted(model, "3 folds instead of 5", "groups")


def test_d31_rows_are_ordered_by_time_and_ties_stay_together():
    """Unsorted moments are sorted; rows of one moment are on one side."""
    rng = np.random.default_rng(0)
    moments = rng.permutation(np.arange(N_ROWS) // 5)
    made = make_table(table(), Y, time=moments)
    from automl.folds import make_folds

    folds = make_folds(made.y, cv=4, stratify=True, groups=None, time=made.time,
                       random_state=0)  # fmt: skip
    for train, test in folds.splits:
        assert moments[train].max() < moments[test].min()
    model = fit(table(), Y, time=moments, cv=4)
    predicts(model, table())


@pytest.mark.parametrize("cv", [40, 1000])
def test_d36_more_folds_than_rows_are_reduced(cv):
    """With a warning and a note that say how many there are."""
    y = np.arange(30) / 7
    with warned("W-folds"):
        model = fit(table(30), y, cv=cv)
    assert len(model.trials_[0].folds) == 30
    noted(model, f"30 folds instead of {cv}", "rows")


# ------------------------------------------------------------------------------- arrays


def _read_only(A):
    A = A.copy()
    A.flags.writeable = False
    return A


LAYOUTS = {
    "read-only": _read_only,
    "fortran": np.asfortranarray,
    "big-endian": lambda A: A.astype(">f8"),
    "strided": lambda A: np.repeat(np.repeat(A, 2, axis=0), 3, axis=1)[::2, ::3],
    "backwards": lambda A: A[::-1].copy()[::-1],
    "float32": lambda A: A.astype(np.float32),
    "masked": lambda A: np.ma.masked_array(A, mask=A > 2),
}


@pytest.mark.parametrize("case", [*LAYOUTS, "memmap"])
def test_d32_arrays_of_any_layout(case, tmp_path):
    """They fit, and their bytes stay as they were."""
    A = np.random.default_rng(0).normal(size=(N_ROWS, 4))
    if case == "memmap":
        np.save(tmp_path / "a.npy", A)
        given = np.load(tmp_path / "a.npy", mmap_mode="r")
    else:
        given = LAYOUTS[case](A)
    before = bytes(np.asarray(given).tobytes())
    model = fit(given, Y)
    predicts(model, given)
    assert np.asarray(given).tobytes() == before


CONTAINERS = {
    "lists": lambda X: X.to_numpy().tolist(),
    "tuples": lambda X: list(map(tuple, X.to_numpy())),
    "mapping": lambda X: X.to_dict("list"),
    "mappings": lambda X: X.to_dict("records"),
    "records": lambda X: X.to_records(index=False),
    "objects": lambda X: X.to_numpy(dtype=object),
    "polars": pl.from_pandas,
    "arrow": pa.Table.from_pandas,
    "own class": type("Mine", (pd.DataFrame,), {}),
}


@pytest.fixture(scope="module")
def expected():
    """Return what is predicted of the table as a DataFrame."""
    return fit(table(), Y).predict_proba(table())


@pytest.mark.parametrize("case", CONTAINERS)
def test_d33_d34_tables_of_other_kinds_are_read(case, expected):
    """As the DataFrame of the same cells; subclasses, too."""
    X = table()
    given = CONTAINERS[case](X)
    model = fit(given, Y)
    np.testing.assert_allclose(model.predict_proba(given), expected, atol=1e-12)


def test_d35_changes_of_the_data_during_the_fit_do_not_matter():
    """The table is read once: what the caller does to it later is not seen."""
    X, y, weights = table(), Y.copy(), np.linspace(0.5, 1.5, N_ROWS)
    expected = fit(X, y, sample_weight=weights).predict_proba(X)

    def spoil(_snapshot):
        X.iloc[:, :2] = 0.0
        y[:] = 0
        weights[:] = 0

    model = fit(X, y, sample_weight=weights, callback=spoil)
    assert (X["size"] == 0).all()
    np.testing.assert_array_equal(model.predict_proba(table()), expected)
