"""Free text to numbers: TF-IDF of words and pairs, dense by SVD where wanted."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils.validation import check_is_fitted

__all__ = ["TextFeatures"]

UNSPACED = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf"
    r"\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f"
)
"""Letters of scripts without spaces, as `automl.kinds` has them: this file travels in
pickles without the others."""


def word_pattern() -> str:
    """Return what a word is: a letter of these scripts, so that pairs are of letters.

    Examples
    --------
    >>> import re
    >>> re.findall(word_pattern(), "two words")
    ['two', 'words']
    """
    return rf"[{UNSPACED}]|[^\W{UNSPACED}]+"


class TextFeatures(TransformerMixin, BaseEstimator):
    """TF-IDF of each text column, reduced to a few components.

    scikit-learn's vectoriser takes one column and fails where no word is left, and its
    SVD fails on fewer words than components: this holds for any columns. What it gives
    is dense, unless ``n_components`` is 0. In scripts without spaces, single letters
    and pairs of them take the place of words.

    Parameters
    ----------
    n_components : int, default=32
        Components of each column, fewer where rows or words are; 0 keeps the sparse
        TF-IDF.
    max_features : int, default=20000
        Most frequent words and pairs kept for each column.
    random_state : int, default=0
        Of the randomised SVD.

    Examples
    --------
    >>> texts = [["red apple"], ["apple pie"], ["red pie"], [""]]
    >>> TextFeatures(n_components=2).fit_transform(texts).shape
    (4, 2)
    """

    def __init__(
        self, n_components: int = 32, max_features: int = 20_000, random_state: int = 0
    ) -> None:
        self.n_components = n_components
        self.max_features = max_features
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> TextFeatures:
        """Learn words and components from these rows."""
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Any:  # noqa: ARG002 - the contract
        """Learn from the rows and return their features."""
        columns = _columns(X)
        self.n_features_in_ = len(columns)
        self.vectorizers_ = []
        self.reducers_ = []
        blocks = []
        for column in columns:
            vectorizer, weights = _fit_words(column, self.max_features)
            reducer = None
            n_components = min(self.n_components, min(weights.shape) - 1)
            if vectorizer is not None and n_components >= 1:
                reducer = TruncatedSVD(n_components, random_state=self.random_state)
                # rows that are all the same have no variance to share out
                with np.errstate(divide="ignore", invalid="ignore"):
                    weights = reducer.fit_transform(weights)
            self.vectorizers_.append(vectorizer)
            self.reducers_.append(reducer)
            blocks.append(weights)
        return self._joined(blocks)

    def transform(self, X: Any) -> Any:
        """Return the features of other rows.

        Parameters
        ----------
        X : array or DataFrame of shape (n_rows, n_columns)
            Strings; an empty one has no words.

        Returns
        -------
        array or sparse matrix of shape (n_rows, n_features)
        """
        check_is_fitted(self)
        blocks = []
        for column, vectorizer, reducer in zip(
            _columns(X), self.vectorizers_, self.reducers_, strict=True
        ):
            if vectorizer is None:
                blocks.append(sparse.csr_matrix((len(column), 1)))
                continue
            weights = vectorizer.transform(column)
            blocks.append(weights if reducer is None else reducer.transform(weights))
        return self._joined(blocks)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return ``<column>_word_<w>`` or ``<column>_component_<i>``."""
        if input_features is None:
            input_features = [f"x{i}" for i in range(self.n_features_in_)]
        names: list[str] = []
        for name, vectorizer, reducer in zip(
            input_features, self.vectorizers_, self.reducers_, strict=True
        ):
            if vectorizer is None:
                names.append(f"{name}_empty")
            elif reducer is None:
                words = vectorizer.get_feature_names_out()
                names += [f"{name}_word_{word}" for word in words]
            else:
                count = len(reducer.components_)
                names += [f"{name}_component_{i}" for i in range(count)]
        return np.array(names, dtype=object)

    def _joined(self, blocks: list[Any]) -> Any:
        if self.n_components:
            dense = [b.toarray() if sparse.issparse(b) else b for b in blocks]
            return np.hstack(dense)
        return sparse.hstack(blocks, format="csr")


def _columns(X: Any) -> list[list[str]]:
    """Return the texts of each column; a missing one has no words."""
    array = np.asarray(X, dtype=object)
    return [[t if isinstance(t, str) else "" for t in column] for column in array.T]


def _fit_words(column: list[str], max_features: int) -> tuple[Any, Any]:
    """Return a fitted vectoriser and the rows' weights; None where no word is left."""
    for min_df in (2, 1):  # words of one row say little, but may be all there are
        vectorizer = TfidfVectorizer(
            ngram_range=(1, 2),
            min_df=min_df,
            max_features=max_features,
            sublinear_tf=True,
            strip_accents="unicode",
            token_pattern=word_pattern(),
            dtype=np.float64,
        )
        try:
            return vectorizer, vectorizer.fit_transform(column)
        except ValueError:  # scikit-learn's way to say: no word is left
            continue
    return None, sparse.csr_matrix((len(column), 1))
