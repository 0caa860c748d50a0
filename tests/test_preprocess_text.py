"""Text becomes a few numbers, whatever words are left."""

import pickle
import re

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone

from automl import kinds
from automl.preprocess import text as words
from automl.preprocess.text import TextFeatures, word_pattern

NOTES = [
    ["a red apple", "good"], ["a green apple", "bad"], ["red pear", "good"],
    ["green pear and apple", "very good"], ["", "bad"], ["pear pear", "very bad"],
]  # fmt: skip


@pytest.mark.parametrize("n_components", [0, 1, 2, 32])
def test_names_stand_for_columns(n_components):
    """There is a name for each column, however few rows and words there are."""
    step = clone(TextFeatures(n_components))
    found = step.fit_transform(NOTES)
    assert found.shape == (6, len(step.get_feature_names_out(["note", "mark"])))
    assert sparse.issparse(found) == (n_components == 0)
    again = step.transform(NOTES)
    dense = [b.toarray() if sparse.issparse(b) else b for b in (found, again)]
    assert np.allclose(*dense)


@pytest.mark.parametrize("n_rows", [1, 2, 3, 5])
def test_fewer_rows_than_components(n_rows):
    """As few rows as there are give as many components as they can."""
    step = TextFeatures(32).fit(NOTES[:n_rows])
    names = step.get_feature_names_out()
    assert step.transform(NOTES).shape == (6, len(names))
    assert np.isfinite(step.transform(NOTES)).all()


@pytest.mark.parametrize("n_components", [0, 4])
@pytest.mark.parametrize(
    "texts", [["", "", ""], ["!", "?", "..."], [None, np.nan, ""]], ids=str
)
def test_no_word_is_left(texts, n_components):
    """Texts without a word give one column of zeros, now and later."""
    column = pd.DataFrame({"note": pd.Series(texts, dtype=object)})
    step = TextFeatures(n_components).fit(column)
    new = step.transform(pd.DataFrame({"note": ["a word", None]}, dtype=object))
    assert new.shape == (2, 1)
    assert abs(new).sum() == 0
    assert step.get_feature_names_out(["note"]).tolist() == ["note_empty"]


def test_the_same_text_everywhere():
    """Rows that do not differ give numbers, and no warning."""
    found = TextFeatures(4).fit_transform([["the same words"]] * 5)
    assert np.isfinite(found).all()


def test_missing_texts_have_no_words():
    """None and NaN count as empty beside other texts."""
    column = np.array([["red apple"], [None], ["red pear"], [np.nan]], dtype=object)
    found = TextFeatures(0).fit_transform(column)
    assert found[[1, 3]].sum() == 0


def test_unseen_words_and_accents():
    """A word never seen says nothing; one with other accents is the same word."""
    step = TextFeatures(0).fit([["café noir"], ["cafe blanc"]])
    assert step.transform([["unheard"]]).sum() == 0
    assert (step.transform([["CAFÉ"]]) != step.transform([["cafe"]])).nnz == 0


def test_the_seed_decides():
    """Two fits with one seed are equal, and so is a pickled one."""
    first = TextFeatures(2, random_state=1).fit(NOTES)
    other = TextFeatures(2, random_state=1).fit(NOTES)
    copy = pickle.loads(pickle.dumps(first))
    assert np.array_equal(first.transform(NOTES), other.transform(NOTES))
    assert np.array_equal(first.transform(NOTES), copy.transform(NOTES))


def test_letters_are_words_where_there_are_no_spaces():
    """Single letters and pairs of them, beside words of other scripts as before."""
    step = TextFeatures(0).fit([["很好用 iPhone"], ["很好 phone 2"]])
    names = {n.removeprefix("x0_word_") for n in step.get_feature_names_out()}
    assert names == {"很", "好", "很 好"}
    whole = TextFeatures(0).fit([["很好用 iPhone"]]).get_feature_names_out()
    assert "x0_word_用 iphone" in whole
    assert "x0_word_iphone" in whole


@pytest.mark.parametrize("text", ["It's a naïve_test, no. 5: über!", "이 상품은"])
def test_words_of_spaced_scripts_are_what_they_were(text):
    """The pattern takes the words that scikit-learn's own idea of a letter makes."""
    assert re.findall(word_pattern(), text) == re.findall(r"\b\w+\b", text)


def test_what_is_read_as_text_is_split_by_the_same_letters():
    """Kinds and features know the same scripts without spaces."""
    assert words.UNSPACED == kinds.UNSPACED
