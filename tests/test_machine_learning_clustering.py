"""Clustering: scikit-learn and SciPy are the oracles, one identity is the law; then the contract."""

import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.cluster.hierarchy
import sklearn.cluster
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from journey.machine_learning.clustering import (
    DBSCAN,
    LINKAGES,
    AgglomerativeClustering,
    KMeans,
    adjusted_rand_index,
    connected_groups,
    cut_tree,
    gap_statistic,
    k_means_plus_plus,
    lloyd_step,
    merge_tree,
    near_pairs,
    silhouette_score,
)

quick = settings(deadline=None, derandomize=True, max_examples=30)
seeds = st.integers(0, 9999)


@parametrize_with_checks(
    [
        KMeans(),
        KMeans(3, init="random"),
        DBSCAN(),
        AgglomerativeClustering(),
        AgglomerativeClustering(linkage="single"),
        AgglomerativeClustering(3, linkage="average"),
    ]
)
def test_contract(estimator, check):
    check(estimator)


def normal(n, d, seed, scale=1.0):
    return np.random.default_rng(seed).normal(size=(n, d)) * scale


def whole(n, d, seed, high=3):
    return np.random.default_rng(seed).integers(0, high, size=(n, d)).astype(float)


# k-means


@quick
@given(st.integers(1, 60), st.integers(1, 6), st.integers(1, 8), seeds, st.sampled_from([1e-6, 1.0, 1e6]))
def test_kmeans_is_sklearns_row_by_row(n, d, k, seed, scale):
    # Two points far from the rest are equally good as the next seed, and rounding decides: with many
    # points to a group that does not happen.
    for init, rows in (("k-means++", n + 10 * k), ("random", max(n, k))):
        X = normal(rows, d, seed, scale)
        ours = KMeans(k, init=init, random_state=seed).fit(X)
        theirs = sklearn.cluster.KMeans(k, init=init, random_state=seed).fit(X)
        np.testing.assert_array_equal(ours.labels_, theirs.labels_)
        np.testing.assert_allclose(ours.inertia_, theirs.inertia_, rtol=1e-9, atol=1e-18 * scale**2)
        np.testing.assert_allclose(
            ours.cluster_centers_, theirs.cluster_centers_, rtol=1e-9, atol=1e-9 * scale
        )
        assert ours.n_iter_ == theirs.n_iter_


@quick
@given(st.integers(5, 60), st.integers(1, 5), st.integers(1, 5), seeds)
def test_kmeans_equals_sklearn_from_given_centers(n, d, k, seed):
    X = normal(n, d, seed)
    init = normal(k, d, seed + 1, 3)  # centers far away: some of them lose all points
    ours = KMeans(k, init=init, tol=0).fit(X)
    theirs = sklearn.cluster.KMeans(k, init=init, n_init=1, tol=0).fit(X)
    assert adjusted_rand_index(ours.labels_, theirs.labels_) == 1
    assert ours.inertia_ == pytest.approx(theirs.inertia_, rel=1e-9, abs=1e-20)
    np.testing.assert_allclose(ours.transform(X), cdist(X, ours.cluster_centers_))
    assert ours.score(X) == pytest.approx(-ours.inertia_)


@quick
@given(st.integers(2, 80), st.integers(1, 5), st.integers(1, 8), st.booleans(), seeds)
def test_lloyd_never_goes_up(n, d, k, ties, seed):
    X = whole(n, d, seed) if ties else normal(n, d, seed)
    centers = normal(k, d, seed + 1, 2)
    inertias = []
    for _ in range(30):
        inertias.append(cdist(X, centers, "sqeuclidean").min(axis=1).sum())
        centers, labels = lloyd_step(X, centers)
    assert (np.diff(inertias) <= 1e-9 * (1 + inertias[0])).all()
    assert labels.min() >= 0
    assert labels.max() < k


@quick
@given(st.integers(1, 50), st.integers(1, 4), seeds)
def test_the_identity_of_the_mean(n, d, seed):
    X, c = normal(n, d, seed), normal(1, d, seed + 1)[0] * 5
    model = KMeans(1).fit(X)
    np.testing.assert_allclose(model.cluster_centers_[0], X.mean(axis=0), atol=1e-12)
    around_c = ((X - c) ** 2).sum()
    assert around_c == pytest.approx(model.inertia_ + n * ((c - X.mean(axis=0)) ** 2).sum())


@quick
@given(st.integers(6, 50), st.integers(2, 5), seeds)
def test_each_point_is_with_its_nearest_center_and_each_center_is_a_mean(n, k, seed):
    X = normal(n, 2, seed)
    model = KMeans(k, tol=0, max_iter=1000, random_state=seed).fit(X)
    squares = cdist(X, model.cluster_centers_, "sqeuclidean")
    np.testing.assert_allclose(squares[np.arange(n), model.labels_], squares.min(axis=1), atol=1e-9)
    for j in range(k):
        np.testing.assert_allclose(model.cluster_centers_[j], X[model.labels_ == j].mean(axis=0), atol=1e-9)
    np.testing.assert_array_equal(model.predict(X), model.labels_)


def test_seeds_are_distinct_and_drawn_by_squared_distance():
    X = np.array([[0.0, 0], [0, 1], [4, 0], [4, 1]])
    second = [k_means_plus_plus(X, 2, s, n_trials=1) for s in range(3000)]
    chance = np.mean([{a, b} in ({0, 1}, {2, 3}) for a, b in second])
    assert abs(chance - 1 / 34) < 0.012
    assert all(a != b for a, b in second)
    assert sorted(k_means_plus_plus(X, 4, 0)) == [0, 1, 2, 3]


def test_greedy_seeds_cost_less():
    X = normal(300, 2, 0)

    def seed_cost(s, trials):
        return cdist(X, X[k_means_plus_plus(X, 10, s, trials)], "sqeuclidean").min(axis=1).sum()

    plain, greedy = (np.mean([seed_cost(s, t) for s in range(30)]) for t in (1, 5))
    assert greedy < 0.95 * plain


def test_a_center_without_points_is_moved_to_a_far_point():
    X = np.array([[0.0], [1], [2], [10]])
    centers, labels = lloyd_step(X, np.array([[1.0], [1.0]]))
    assert labels.tolist() == [0, 0, 0, 0]
    assert sorted(centers.ravel()) == [1.0, 10.0]


def test_more_clusters_than_distinct_points():
    X = np.repeat([[0.0, 1], [5, 5]], 6, axis=0)
    with pytest.warns(ConvergenceWarning, match="2 distinct clusters"):
        model = KMeans(4, random_state=0).fit(X)
    assert model.inertia_ == 0
    assert np.isfinite(model.cluster_centers_).all()
    assert len(set(model.labels_[:6])) == len(set(model.labels_[6:])) == 1


def test_one_sample_and_constant_features():
    model = KMeans(1).fit([[3.0, 4.0]])
    assert (model.inertia_, model.labels_.tolist()) == (0, [0])
    X = np.c_[np.r_[np.zeros(5), np.ones(5)], np.full(10, 7.0)]
    model = KMeans(2, random_state=0).fit(X)
    assert adjusted_rand_index(model.labels_, X[:, 0]) == 1
    assert DBSCAN().fit_predict([[3.0, 4.0]]).tolist() == [-1]
    assert DBSCAN(min_samples=1).fit_predict([[3.0, 4.0]]).tolist() == [0]


def test_far_from_the_origin_and_huge():
    X = np.r_[normal(20, 3, 0, 0.1), normal(20, 3, 1, 0.1) + 1]
    expected = KMeans(2, random_state=0).fit(X).labels_
    for moved in (X + 1e6, X * 1e100, X * 1e-100):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert adjusted_rand_index(KMeans(2, random_state=0).fit(moved).labels_, expected) == 1
            assert adjusted_rand_index(AgglomerativeClustering(2).fit(moved).labels_, expected) == 1
    for scale in (1e100, 1e-100):
        assert adjusted_rand_index(DBSCAN(0.6 * scale).fit(X * scale).labels_, expected) == 1


# trees


@quick
@given(st.integers(2, 50), st.integers(1, 5), seeds, st.sampled_from(LINKAGES))
def test_heights_and_groups_are_scipys(n, d, seed, linkage):
    X = normal(n, d, seed)
    ours, theirs = merge_tree(X, linkage), scipy.cluster.hierarchy.linkage(X, linkage)
    np.testing.assert_array_equal(ours[:, [0, 1, 3]], theirs[:, [0, 1, 3]])
    np.testing.assert_allclose(ours[:, 2], theirs[:, 2], rtol=1e-9)
    k = 1 + seed % n
    model = sklearn.cluster.AgglomerativeClustering(k, linkage=linkage).fit(X)
    assert adjusted_rand_index(cut_tree(ours, k), model.labels_) == 1


@quick
@given(st.integers(2, 40), st.integers(1, 3), seeds, st.sampled_from(LINKAGES))
def test_trees_of_ties_are_trees(n, d, seed, linkage):
    X = whole(n, d, seed)
    tree = merge_tree(X, linkage)
    assert (np.diff(tree[:, 2]) >= -1e-9).all()
    assert tree[-1, 3] == n
    assert sorted(tree[:, :2].ravel()) == list(range(2 * n - 2))
    assert scipy.cluster.hierarchy.is_valid_linkage(tree)
    if linkage == "single":  # its heights are unique even with ties
        np.testing.assert_allclose(tree[:, 2], scipy.cluster.hierarchy.linkage(X, "single")[:, 2])


@quick
@given(st.integers(2, 40), st.integers(1, 4), seeds)
def test_wards_prices_add_up_to_the_sum_of_squares(n, d, seed):
    X = normal(n, d, seed)
    assert (merge_tree(X)[:, 2] ** 2 / 2).sum() == pytest.approx(((X - X.mean(axis=0)) ** 2).sum())


def test_cut_is_numbered_by_first_appearance_and_thresholds_cut_heights():
    X = np.array([[9.0], [0], [9.5], [0.2], [4]])
    tree = merge_tree(X, "single")
    assert cut_tree(tree, 3).tolist() == [0, 1, 0, 1, 2]
    assert cut_tree(tree, 1).tolist() == [0] * 5
    assert cut_tree(tree, 5).tolist() == [0, 1, 2, 3, 4]
    model = AgglomerativeClustering(None, linkage="single", distance_threshold=1.0).fit(X)
    assert (model.n_clusters_, model.n_leaves_) == (3, 5)
    assert AgglomerativeClustering(None, distance_threshold=0.0).fit(X).n_clusters_ == 5


# density


@quick
@given(st.integers(1, 150), st.integers(1, 5), st.floats(0.05, 2), st.integers(1, 8), seeds)
def test_dbscan_labels_are_sklearns(n, d, eps, min_samples, seed):
    X = normal(n, d, seed)
    ours = DBSCAN(eps, min_samples=min_samples).fit(X)
    theirs = sklearn.cluster.DBSCAN(eps=eps, min_samples=min_samples, algorithm="kd_tree").fit(X)
    np.testing.assert_array_equal(ours.labels_, theirs.labels_)
    np.testing.assert_array_equal(ours.core_sample_indices_, theirs.core_sample_indices_)
    np.testing.assert_array_equal(ours.components_, theirs.components_)


@quick
@given(st.integers(1, 200), st.integers(1, 4), st.sampled_from([1.0, 2.0, 3.0]), st.floats(0, 1e6), seeds)
def test_pairs_at_exactly_the_radius_are_near(n, d, radius, shift, seed):
    X = whole(n, d, seed, 5) + np.round(shift)
    first, second = near_pairs(X, radius)
    found = np.sort(np.c_[first, second], axis=1)
    wanted = np.argwhere(np.triu(cdist(X, X, "sqeuclidean") <= radius**2, 1))
    np.testing.assert_array_equal(found[np.lexsort(found.T[::-1])], wanted)


@quick
@given(st.integers(1, 60), st.integers(0, 80), seeds)
def test_connected_groups_are_scipys(n, m, seed):
    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, n, size=(2, m))
    ours = connected_groups(n, first, second)
    graph = scipy.sparse.coo_array((np.ones(m), (first, second)), shape=(n, n))
    theirs = scipy.sparse.csgraph.connected_components(graph, directed=False)[1]
    assert adjusted_rand_index(ours, theirs) == 1
    assert all(ours[i] == np.flatnonzero(theirs == theirs[i])[0] for i in range(n))


def test_a_long_chain_is_one_group():
    line = np.random.default_rng(0).permutation(5000)[:, None].astype(float)
    assert set(DBSCAN(1.0, min_samples=2).fit_predict(line)) == {0}
    assert set(DBSCAN(0.9, min_samples=2).fit_predict(line)) == {-1}


# scores


@quick
@given(st.integers(1, 60), st.integers(1, 6), st.integers(1, 6), seeds)
def test_rand_index_is_sklearns_and_ignores_names(n, j, k, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, j, size=n), rng.integers(0, k, size=n)
    expected = sklearn.metrics.adjusted_rand_score(a, b)
    assert adjusted_rand_index(a, b) == pytest.approx(expected, abs=1e-12)
    assert adjusted_rand_index(np.array(list("uvwxyz"))[a], -b) == pytest.approx(expected, abs=1e-12)
    assert adjusted_rand_index(a, a) == 1


@quick
@given(st.integers(4, 60), st.integers(2, 5), st.booleans(), seeds)
def test_silhouette_is_sklearns(n, k, ties, seed):
    X = whole(n, 2, seed) if ties else normal(n, 2, seed)
    labels = np.random.default_rng(seed).integers(0, k, size=n)
    labels[:3] = 0, 0, 1
    with np.errstate(all="raise"):
        ours = silhouette_score(X, labels)
    assert ours == pytest.approx(sklearn.metrics.silhouette_score(X, labels), abs=1e-9)


def test_gap_counts_groups_and_says_one_for_noise():
    rng = np.random.default_rng(0)
    blobs = rng.normal(size=(150, 2)) + 10 * np.eye(3, 2)[np.arange(150) % 3]
    sizes = range(1, 6)
    for X, wanted in ((blobs, 3), (rng.uniform(size=(200, 2)), 1)):
        gap, error = gap_statistic(X, sizes, n_references=10, random_state=0)
        assert gap.shape == error.shape == (5,)
        assert sizes[int((gap[:-1] >= gap[1:] - error[1:]).argmax())] == wanted
    again = gap_statistic(X, sizes, n_references=10, random_state=0)
    np.testing.assert_array_equal(again[0], gap)


# forms of input


@pytest.mark.parametrize("model", [KMeans(3, random_state=0), DBSCAN(0.8), AgglomerativeClustering(3)])
def test_layouts_tables_and_other_dtypes(model):
    X = normal(60, 3, 5).round(2)
    expected = model.fit(X).labels_.copy()
    frozen = np.asfortranarray(X)
    frozen.flags.writeable = False
    wide = np.zeros((120, 6))
    wide[::2, ::2] = X
    for form in (frozen, wide[::2, ::2], pd.DataFrame(X, columns=list("abc")), X.tolist()):
        np.testing.assert_array_equal(model.fit(form).labels_, expected)
    np.testing.assert_array_equal(frozen, X)
    cents = (100 * X).round().astype(int)
    assert len(model.fit(cents).labels_) == 60
    assert len(make_pipeline(StandardScaler(), model).fit_predict(X)) == 60


def test_duplicates_stay_together():
    X = np.repeat(normal(12, 2, 3), 4, axis=0)
    for model in (KMeans(4, random_state=0), DBSCAN(0.3), AgglomerativeClustering(4)):
        labels = model.fit_predict(X).reshape(12, 4)
        assert (labels == labels[:, :1]).all()


def test_names_of_new_columns_and_prediction_before_fitting():
    model = KMeans(2, random_state=0).fit(normal(10, 3, 0))
    assert model.get_feature_names_out().tolist() == ["kmeans0", "kmeans1"]
    with pytest.raises(NotFittedError):
        KMeans().predict(normal(10, 3, 0))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (KMeans(0), "n_clusters must be a whole number at least 1"),
        (KMeans(2.5), "n_clusters must be a whole number"),
        (KMeans(True), "n_clusters"),
        (KMeans(11), "n_samples=10 should be >= n_clusters=11"),
        (KMeans(2, init="best"), "init must be"),
        (KMeans(2, init=np.zeros((3, 2))), "init must have shape"),
        (KMeans(2, init=[[0.0, np.nan], [1, 1]]), "NaN"),
        (KMeans(2, n_init=0), "n_init"),
        (KMeans(2, max_iter=0), "max_iter"),
        (KMeans(2, tol=-1), "tol"),
        (KMeans(2, tol=np.nan), "tol"),
        (DBSCAN(0), "eps must be a number above 0"),
        (DBSCAN(np.nan), "eps"),
        (DBSCAN(min_samples=0), "min_samples"),
        (AgglomerativeClustering(0), "n_clusters"),
        (AgglomerativeClustering(11), "cannot make 11 clusters of 10"),
        (AgglomerativeClustering(linkage="centroid"), "linkage must be one of"),
        (AgglomerativeClustering(None), "exactly one"),
        (AgglomerativeClustering(2, distance_threshold=1.0), "exactly one"),
        (AgglomerativeClustering(None, distance_threshold=-1.0), "distance_threshold"),
    ],
)
def test_bad_parameters_are_named(model, words):
    with pytest.raises(ValueError, match=words):
        model.fit(normal(10, 2, 0))


def test_bad_arguments_of_the_functions():
    X = normal(10, 2, 0)
    with pytest.raises(ValueError, match="n_clusters must be from 1 to 10"):
        k_means_plus_plus(X, 11)
    with pytest.raises(ValueError, match=r"\(n, d\) and \(k, d\)"):
        lloyd_step(X, np.zeros((2, 3)))
    with pytest.raises(ValueError, match="linkage"):
        merge_tree(X, "median")
    with pytest.raises(ValueError, match="cannot make 0"):
        cut_tree(merge_tree(X), 0)
    with pytest.raises(ValueError, match="radius"):
        near_pairs(X, -1.0)
    with pytest.raises(ValueError, match="two label arrays"):
        adjusted_rand_index([0, 1], [0])
    with pytest.raises(ValueError, match="two label arrays"):
        adjusted_rand_index([], [])
    for labels in (np.zeros(10), np.arange(10), np.arange(9)):
        with pytest.raises(ValueError, match="10 labels with 2 to 9 values"):
            silhouette_score(X, labels)
    for function in (merge_tree, lambda A: gap_statistic(A, [1])):
        with pytest.raises(ValueError, match="NaN"):
            function([[0.0, np.nan], [1, 1]])
