"""Naive Bayes: scikit-learn as the oracle, laws of counting, and tables that break formulas."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn.naive_bayes
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from journey.machine_learning.naive_bayes import GaussianNB, MultinomialNB

quick = settings(deadline=None, derandomize=True, max_examples=40)
shapes = st.tuples(st.integers(4, 40), st.integers(1, 6), st.integers(2, 4), st.integers(0, 10_000))


@parametrize_with_checks([MultinomialNB(), GaussianNB()])
def test_contract(estimator, check):
    check(estimator)


def problem(shape, counts=False):
    n, d, n_classes, seed = shape
    rng = np.random.default_rng(seed)
    y = np.r_[np.arange(n_classes), rng.integers(n_classes, size=n)]
    X = rng.poisson(2, size=(len(y), d)) if counts else rng.normal(size=(len(y), d)) + y[:, None]
    return X.astype(float), y


@quick
@given(shapes, st.floats(0.01, 10))
def test_multinomial_equals_sklearn(shape, alpha):
    X, y = problem(shape, counts=True)
    ours, theirs = MultinomialNB(alpha).fit(X, y), sklearn.naive_bayes.MultinomialNB(alpha=alpha).fit(X, y)
    np.testing.assert_allclose(ours.feature_log_prob_, theirs.feature_log_prob_, atol=1e-12)
    np.testing.assert_allclose(ours.predict_log_proba(X), theirs.predict_log_proba(X), atol=1e-10)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


@quick
@given(shapes)
def test_gaussian_equals_sklearn(shape):
    X, y = problem(shape)
    ours, theirs = GaussianNB(1e-3).fit(X, y), sklearn.naive_bayes.GaussianNB(var_smoothing=1e-3).fit(X, y)
    np.testing.assert_allclose(ours.theta_, theirs.theta_, atol=1e-12)
    np.testing.assert_allclose(ours.var_, theirs.var_, rtol=1e-9)
    np.testing.assert_allclose(ours.predict_log_proba(X), theirs.predict_log_proba(X), rtol=1e-7, atol=1e-8)


@quick
@given(shapes)
def test_dense_and_sparse_agree(shape):
    X, y = problem(shape, counts=True)
    dense, sparse = MultinomialNB().fit(X, y), MultinomialNB().fit(scipy.sparse.csr_matrix(X), y)
    np.testing.assert_allclose(dense.feature_log_prob_, sparse.feature_log_prob_)
    np.testing.assert_allclose(dense.predict_proba(X), sparse.predict_proba(scipy.sparse.csr_array(X)))


@quick
@given(shapes)
def test_order_of_rows_and_of_features_does_not_matter(shape):
    X, y = problem(shape)
    rng = np.random.default_rng(1)
    rows, columns = rng.permutation(len(X)), rng.permutation(X.shape[1])
    before = GaussianNB(1e-3).fit(X, y).predict_proba(X)
    after = GaussianNB(1e-3).fit(X[rows][:, columns], y[rows]).predict_proba(X[:, columns])
    np.testing.assert_allclose(before, after, atol=1e-7)


@quick
@given(shapes, st.integers(2, 5))
def test_repeated_features_multiply_the_log_odds(shape, k):
    X, y = problem(shape)
    y = (y > 0).astype(int)
    once, often = GaussianNB(1e-3).fit(X, y), GaussianNB(1e-3).fit(np.tile(X, k), y)
    prior = once.class_log_prior_
    expected = k * (once.predict_joint_log_proba(X) - prior)
    np.testing.assert_allclose(
        often.predict_joint_log_proba(np.tile(X, k)) - prior, expected, rtol=1e-9, atol=1e-8
    )


@quick
@given(shapes, st.floats(-5, 5), st.floats(0.1, 100))
def test_units_do_not_matter(shape, shift, scale):
    X, y = problem(shape)
    before = GaussianNB(1e-6).fit(X, y).predict_proba(X)
    after = GaussianNB(1e-6).fit(X * scale + shift, y).predict_proba(X * scale + shift)
    np.testing.assert_allclose(before, after, atol=1e-6)


def test_a_large_offset_costs_few_digits():
    X, y = problem((60, 3, 2, 0))
    expected = GaussianNB().fit(X, y).var_
    np.testing.assert_allclose(GaussianNB().fit(X + 1e7, y).var_, expected, rtol=1e-7)


def test_degenerate_tables():
    X, y = problem((30, 2, 2, 0))
    for table in (
        np.column_stack([X, np.ones(len(X))]),
        np.column_stack([X, X]),
        np.repeat(X[:4], 8, axis=0),
    ):
        model = GaussianNB().fit(table, y[: len(table)])
        assert np.isfinite(model.predict_log_proba(table)).all()
    with pytest.raises(ValueError, match="constant in a class: raise var_smoothing"):
        GaussianNB(0).fit(np.ones((6, 2)), [0, 1] * 3)
    one = GaussianNB().fit(X, np.zeros(len(X)))
    assert (one.predict(X) == 0).all()
    assert (one.predict_proba(X) == 1).all()
    zeros = MultinomialNB().fit(np.zeros((4, 3)), [0, 1, 0, 1])
    np.testing.assert_allclose(zeros.predict_proba(np.ones((1, 3))), [[0.5, 0.5]])


def test_labels_may_be_words_and_tables_pandas():
    X, y = problem((30, 2, 3, 1))
    words = np.array(["ash", "birch", "cedar"])[y]
    table = pd.DataFrame(X, columns=["a", "b"])
    model = GaussianNB().fit(table, words)
    assert set(model.predict(table)) <= set(words)
    frozen = np.asfortranarray(X)
    frozen.flags.writeable = False
    np.testing.assert_allclose(GaussianNB().fit(frozen, words).predict_proba(X), model.predict_proba(table))


def test_inside_a_grid_search():
    X, y = problem((80, 3, 2, 2))
    search = GridSearchCV(
        make_pipeline(StandardScaler(), GaussianNB()), {"gaussiannb__var_smoothing": [1e-9, 1e-2]}, cv=3
    )
    assert search.fit(X, y).best_score_ > 0.7


@pytest.mark.parametrize("alpha", [0, -1, np.inf, np.nan])
def test_alpha_must_be_positive(alpha):
    with pytest.raises(ValueError, match="alpha must be positive"):
        MultinomialNB(alpha).fit([[1, 2], [2, 1]], [0, 1])


def test_refusals():
    with pytest.raises(ValueError, match="Negative values"):
        MultinomialNB().fit([[1, -2], [2, 1]], [0, 1])
    with pytest.raises(ValueError, match="var_smoothing"):
        GaussianNB(-1.0).fit([[1.0], [2.0]], [0, 1])
    with pytest.raises(ValueError, match="NaN"):
        GaussianNB().fit([[1.0], [np.nan]], [0, 1])
