"""Neighbours: a search through everything is the oracle, ties included; then the contract."""

import numpy as np
import pandas as pd
import pytest
import sklearn.neighbors
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from journey.machine_learning.nearest_neighbors import KDTree, KNeighborsClassifier, smallest

quick = settings(deadline=None, derandomize=True, max_examples=50)


@parametrize_with_checks([KNeighborsClassifier(), KNeighborsClassifier(3, algorithm="brute")])
def test_contract(estimator, check):
    check(estimator)


def certain(points, questions, k):
    return np.argsort(cdist(questions, points, "sqeuclidean"), axis=1, kind="stable")[:, :k]


@quick
@given(
    st.integers(1, 60), st.integers(1, 5), st.integers(1, 12), st.booleans(), st.integers(0, 9999), st.data()
)
def test_tree_equals_the_search_through_everything(n, d, leaf_size, whole, seed, data):
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 3, size=(n, d)).astype(float) if whole else rng.normal(size=(n, d))
    questions = rng.integers(0, 3, size=(20, d)).astype(float) if whole else rng.normal(size=(20, d)) * 2
    k = data.draw(st.integers(1, n))
    distances, rows = KDTree(points, leaf_size=leaf_size).query(questions, k)
    expected = certain(points, questions, k)
    np.testing.assert_array_equal(rows, expected)
    true = np.take_along_axis(cdist(questions, points), expected, axis=1)
    np.testing.assert_allclose(distances, true, atol=1e-12)


@quick
@given(st.integers(1, 30), st.integers(1, 10), st.integers(0, 9999), st.data())
def test_smallest_is_a_stable_sort_cut_off(n, m, seed, data):
    table = np.random.default_rng(seed).integers(0, 4, size=(m, n)).astype(float)
    k = data.draw(st.integers(1, n))
    np.testing.assert_array_equal(smallest(table, k), np.argsort(table, axis=1, kind="stable")[:, :k])


@quick
@given(st.integers(8, 60), st.integers(1, 20), st.integers(1, 7), st.integers(0, 9999))
def test_classifier_equals_sklearn(n, d, k, seed):
    rng = np.random.default_rng(seed)
    X, y, Q = rng.normal(size=(n, d)), rng.integers(0, 3, size=n), rng.normal(size=(15, d))
    theirs = sklearn.neighbors.KNeighborsClassifier(k).fit(X, y)
    for algorithm in ("auto", "kd_tree", "brute"):
        ours = KNeighborsClassifier(k, algorithm=algorithm).fit(X, y)
        np.testing.assert_array_equal(ours.kneighbors(Q)[1], theirs.kneighbors(Q)[1])
        np.testing.assert_allclose(ours.predict_proba(Q), theirs.predict_proba(Q))
        np.testing.assert_array_equal(ours.predict(Q), theirs.predict(Q))


@quick
@given(st.integers(5, 40), st.integers(0, 9999), st.floats(-3, 3))
def test_rotation_shift_and_scale_keep_the_neighbours(n, seed, exponent):
    rng = np.random.default_rng(seed)
    X, Q = rng.normal(size=(n, 3)), rng.normal(size=(10, 3))
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0] * 10**exponent
    before, after = KDTree(X).query(Q, 3), KDTree(X @ turn + 1).query(Q @ turn + 1, 3)
    np.testing.assert_array_equal(before[1], after[1])
    np.testing.assert_allclose(before[0] * 10**exponent, after[0], rtol=1e-6)


def test_the_tree_leaves_points_out_and_counts():
    rng = np.random.default_rng(0)
    tree = KDTree(rng.random((5000, 2)), leaf_size=10)
    tree.query(rng.random((100, 2)), 1)
    assert 100 <= tree.n_looked_at < 100 * 100
    far = KDTree(rng.random((500, 40)), leaf_size=10)
    far.query(rng.random((20, 40)), 1)
    assert far.n_looked_at > 0.9 * 20 * 500


def test_many_questions_come_back_in_order():
    rng = np.random.default_rng(1)
    points, questions = rng.random((300, 2)), rng.random((4500, 2))
    np.testing.assert_array_equal(KDTree(points).query(questions, 4)[1], certain(points, questions, 4))


def test_duplicates_and_constant_columns():
    points = np.repeat([[1.0, 5.0], [2.0, 5.0]], 30, axis=0)
    _, rows = KDTree(points, leaf_size=4).query([[1.0, 5.0]], 30)
    assert rows[0].tolist() == list(range(30))
    model = KNeighborsClassifier(3).fit(points, ["a"] * 30 + ["b"] * 30)
    assert model.predict([[1.1, 5], [1.9, 5]]).tolist() == ["a", "b"]


def test_ties_between_classes_go_to_the_first():
    model = KNeighborsClassifier(2).fit([[0.0], [2.0]], ["b", "a"])
    assert model.predict([[1.0]])[0] == "a"
    assert model.predict_proba([[1.0]]).tolist() == [[0.5, 0.5]]


def test_layout_tables_and_search():
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(60, 3)), np.arange(60) % 2
    expected = KNeighborsClassifier().fit(X, y).predict_proba(X)
    frozen = np.asfortranarray(X)
    frozen.flags.writeable = False
    np.testing.assert_array_equal(KNeighborsClassifier().fit(frozen, y).predict_proba(frozen), expected)
    table = pd.DataFrame(X, columns=list("abc"))
    np.testing.assert_array_equal(KNeighborsClassifier().fit(table, y).predict_proba(table), expected)
    steps = make_pipeline(StandardScaler(), KNeighborsClassifier())
    search = GridSearchCV(steps, {"kneighborsclassifier__n_neighbors": [1, 5]}, cv=3).fit(X, y)
    assert search.best_params_["kneighborsclassifier__n_neighbors"] in (1, 5)


def test_refusals():
    for bad in ([[np.nan]], [1.0, 2.0], np.empty((0, 2)), [[np.inf]]):
        with pytest.raises(ValueError, match="table"):
            KDTree(bad)
    with pytest.raises(ValueError, match="leaf_size"):
        KDTree([[1.0]], leaf_size=0)
    tree = KDTree([[1.0], [2.0]])
    for k in (0, 3):
        with pytest.raises(ValueError, match="k from 1 to 2"):
            tree.query([[1.0]], k)
    with pytest.raises(ValueError, match="1 columns"):
        tree.query([[1.0, 2.0]])
    with pytest.raises(ValueError, match="n_neighbors"):
        KNeighborsClassifier(0).fit([[1.0]], [0])
    with pytest.raises(ValueError, match="algorithm"):
        KNeighborsClassifier(algorithm="ball").fit([[1.0]], [0])
    with pytest.raises(ValueError, match="n_samples_fit = 2"):
        KNeighborsClassifier(3).fit([[1.0], [2.0]], [0, 1]).predict([[1.0]])
