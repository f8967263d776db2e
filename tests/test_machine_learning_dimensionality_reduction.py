"""PCA and t-SNE: laws of projections and of the loss, scikit-learn as the oracle, and hostile tables."""

import numpy as np
import pandas as pd
import pytest
import sklearn.decomposition
import sklearn.manifold
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from journey.machine_learning.dimensionality_reduction import PCA, TSNE, joint_probabilities, tsne_loss

quick = settings(deadline=None, derandomize=True, max_examples=30)
tables = st.tuples(st.integers(2, 40), st.integers(1, 6), st.integers(0, 10_000))


def table(shape):
    n, d, seed = shape
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) @ np.diag(2.0 ** -np.arange(d)) + rng.normal(size=d)


@parametrize_with_checks([PCA(), PCA(solver="svd"), TSNE(2.0, max_iter=10)])
def test_contract(estimator, check):
    check(estimator)


@quick
@given(tables, st.sampled_from(["svd", "covariance", "auto"]))
def test_pca_equals_sklearn(shape, solver):
    X = table(shape)
    ours, theirs = PCA(solver=solver).fit(X), sklearn.decomposition.PCA().fit(X)
    np.testing.assert_allclose(ours.explained_variance_, theirs.explained_variance_, atol=1e-12)
    strong = theirs.explained_variance_ > 1e-6
    products = np.abs((ours.components_ * theirs.components_).sum(axis=1))[strong]
    gaps = np.abs(np.subtract.outer(theirs.explained_variance_, theirs.explained_variance_)) + np.eye(
        len(strong)
    )
    if gaps.min() > 1e-3:  # the directions are unique
        np.testing.assert_allclose(products, 1, atol=1e-6)


@quick
@given(tables)
def test_pca_is_an_orthogonal_projection(shape):
    X = table(shape)
    pca = PCA(1).fit(X)
    np.testing.assert_allclose(pca.components_ @ pca.components_.T, np.eye(1), atol=1e-12)
    once = pca.inverse_transform(pca.transform(X))
    np.testing.assert_allclose(pca.inverse_transform(pca.transform(once)), once, atol=1e-9)
    centred, lost = X - X.mean(axis=0), X - once
    kept = once - X.mean(axis=0)
    np.testing.assert_allclose((centred**2).sum(), (kept**2).sum() + (lost**2).sum(), rtol=1e-9)


@quick
@given(tables)
def test_no_other_direction_keeps_more(shape):
    X = table(shape)
    variance = PCA(1).fit(X).explained_variance_[0]
    v = np.random.default_rng(shape[2]).normal(size=(20, X.shape[1]))
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    assert ((X @ v.T).var(axis=0, ddof=1) <= variance * (1 + 1e-9)).all()


@quick
@given(tables)
def test_a_rotation_of_the_data_rotates_the_components(shape):
    X = table(shape)
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(X.shape[1],) * 2))[0]
    before, after = PCA().fit(X), PCA().fit(X @ turn)
    np.testing.assert_allclose(after.explained_variance_, before.explained_variance_, atol=1e-9)


def test_pca_keeps_the_share_that_was_asked_for():
    X = table((200, 6, 0))
    ratios = PCA().fit(X).explained_variance_ratio_
    for share in (0.2, 0.8, 0.95, 0.999999):
        pca = PCA(share).fit(X)
        assert ratios[: pca.n_components_].sum() >= share - 1e-9
        assert pca.n_components_ == 1 or ratios[: pca.n_components_ - 1].sum() < share
    assert PCA(np.int64(3)).fit(X).n_components_ == 3


@pytest.mark.parametrize("wanted", [0, 7, -1, 1.5, 0.0, "two"])
def test_pca_refuses_a_wrong_number(wanted):
    with pytest.raises(ValueError, match="n_components must be 1 to 6"):
        PCA(wanted).fit(table((200, 6, 0)))
    with pytest.raises(ValueError, match="solver"):
        PCA(solver="fast").fit(table((20, 2, 0)))


def test_pca_on_degenerate_tables():
    x = np.random.default_rng(0).normal(size=(30, 2))
    for X in (np.ones((30, 3)), np.column_stack([x, x[:, 0]]), np.repeat(x[:3], 10, axis=0), 1e8 * x + 1e12):
        pca = PCA().fit(X)
        assert np.isfinite(pca.transform(X)).all()
        assert np.isfinite(pca.explained_variance_ratio_).all()
    with pytest.raises(NotFittedError):
        PCA().inverse_transform([[1.0]])


def test_layout_and_tables_do_not_matter():
    X = table((40, 3, 5))
    frozen = np.asfortranarray(X)
    frozen.flags.writeable = False
    expected = PCA(2).fit_transform(X)
    np.testing.assert_allclose(PCA(2).fit_transform(frozen), expected, atol=1e-12)
    named = PCA(2).set_output(transform="pandas").fit_transform(pd.DataFrame(X, columns=list("abc")))
    assert named.columns.tolist() == ["pca0", "pca1"]
    np.testing.assert_allclose(named.to_numpy(), expected)


def test_pca_in_a_pipeline():
    X = table((120, 6, 3))
    y = (X[:, 0] > X[:, 0].mean()).astype(int)
    assert cross_val_score(make_pipeline(PCA(2), LogisticRegression()), X, y).mean() > 0.9


@quick
@given(st.integers(6, 40), st.integers(0, 1000), st.floats(1.5, 4))
def test_affinities_are_symmetric_and_have_the_perplexity(n, seed, perplexity):
    X = np.random.default_rng(seed).normal(size=(n, 4))
    P = joint_probabilities(X, perplexity)
    np.testing.assert_allclose(P, P.T)
    np.testing.assert_allclose(P.sum(), 1)
    assert (np.diag(P) == 0).all()
    moved = joint_probabilities(3 * X + 7, perplexity)  # distances scale, neighbours do not
    np.testing.assert_allclose(moved, P, atol=1e-9)


def test_affinities_equal_sklearns():
    X = np.random.default_rng(0).normal(size=(50, 5))
    distances = sklearn.metrics.pairwise_distances(X, squared=True, metric="euclidean")
    theirs = sklearn.manifold._t_sne._joint_probabilities(distances.astype(np.float32), 10.0, 0)
    square = np.zeros((50, 50))
    square[np.triu_indices(50, 1)] = theirs
    np.testing.assert_allclose(joint_probabilities(X, 10.0), square + square.T, atol=1e-6)


@quick
@given(st.integers(5, 15), st.integers(0, 1000))
def test_gradient_is_that_of_the_loss(n, seed):
    rng = np.random.default_rng(seed)
    P, Y = joint_probabilities(rng.normal(size=(n, 3)), 2.0), rng.normal(size=(n, 2))
    numeric = approx_fprime(Y.ravel(), lambda v: tsne_loss(P, v.reshape(n, 2))[0], 1e-6)
    np.testing.assert_allclose(tsne_loss(P, Y)[1].ravel(), numeric, atol=1e-5)
    assert tsne_loss(P, Y)[0] >= 0  # a divergence
    np.testing.assert_allclose(tsne_loss(P, Y + 5)[0], tsne_loss(P, Y)[0], rtol=1e-8)


def test_tsne_separates_what_is_separate():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(size=(30, 4)), rng.normal(size=(30, 4)) + 50])
    Z = TSNE(8.0, max_iter=400).fit_transform(X)
    within = max(np.ptp(Z[:30], axis=0).max(), np.ptp(Z[30:], axis=0).max())
    assert np.linalg.norm(Z[:30].mean(axis=0) - Z[30:].mean(axis=0)) > 0.5 * within
    assert np.isfinite(TSNE(3.0, max_iter=50).fit_transform(np.ones((10, 2)))).all()


def test_tsne_refuses_a_wrong_perplexity():
    with pytest.raises(ValueError, match="perplexity must be from 1 to below 9"):
        TSNE(30.0).fit(np.random.default_rng(0).normal(size=(10, 2)))
