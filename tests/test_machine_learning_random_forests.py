"""Random forests: what must hold for every seed, against scikit-learn where chance allows."""

import numpy as np
import pandas as pd
import pytest
import sklearn.ensemble
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from journey.machine_learning.decision_trees import DecisionTreeClassifier, descend
from journey.machine_learning.random_forests import (
    RandomForestClassifier,
    _descend_all,
    _importances,
    _owners,
)

quick = settings(deadline=None, derandomize=True, max_examples=25)
shapes = st.tuples(st.integers(4, 60), st.integers(1, 6), st.integers(2, 4), st.integers(0, 10_000))


@parametrize_with_checks([RandomForestClassifier(n_estimators=5), RandomForestClassifier(3, oob_score=True)])
def test_contract(estimator, check):
    check(estimator)


def problem(shape):
    n, d, n_classes, seed = shape
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)).round(2)
    return X, rng.integers(n_classes, size=n)


@quick
@given(shapes, st.integers(1, 12))
def test_probabilities_and_reproducibility(shape, n_trees):
    X, y = problem(shape)
    forest = RandomForestClassifier(n_trees, random_state=3).fit(X, y)
    p = forest.predict_proba(X)
    assert p.min() >= 0
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_array_equal(forest.predict(X), forest.classes_[p.argmax(axis=1)])
    again = RandomForestClassifier(n_trees, random_state=3).fit(X, y)
    np.testing.assert_array_equal(again.predict_proba(X), p)
    assert sum(count for _nodes, count in forest.forest_) == n_trees


@quick
@given(shapes)
def test_every_tree_is_a_tree(shape):
    X, y = problem(shape)
    (nodes, count) = RandomForestClassifier(4, random_state=0).fit(X, y).forest_[0]
    owner = _owners(nodes, count)
    assert set(owner) == set(range(count))
    inner = nodes.left >= 0
    np.testing.assert_array_equal(owner[nodes.left[inner]], owner[inner])
    np.testing.assert_array_equal(nodes.size[:count], len(X))
    np.testing.assert_array_equal(
        nodes.size[inner], nodes.size[nodes.left[inner]] + nodes.size[nodes.right[inner]]
    )
    leaves = _descend_all(nodes, X, count)
    for t in range(count):
        np.testing.assert_array_equal(leaves[t], descend(nodes, X, t))
        assert set(owner[leaves[t]]) == {t}


@quick
@given(shapes)
def test_importances_are_shares(shape):
    X, y = problem(shape)
    X = np.column_stack([X, np.ones(len(X))])
    forest = RandomForestClassifier(5, random_state=0).fit(X, y)
    found = forest.feature_importances_
    assert found[-1] == 0  # a constant cannot be asked
    assert found.sum() == pytest.approx(1) or (found == 0).all()
    (nodes, count) = forest.forest_[0]
    assert (_importances(nodes, count, X.shape[1]) >= -1e-9).all()


@quick
@given(shapes)
def test_units_do_not_matter(shape):
    X, y = problem(shape)
    before = RandomForestClassifier(5, random_state=1).fit(X, y).predict_proba(X)
    after = RandomForestClassifier(5, random_state=1).fit(4 * X, y).predict_proba(4 * X)
    np.testing.assert_array_equal(before, after)


def test_out_of_bag_is_judged_by_the_trees_that_have_not_seen():
    X, y = problem((60, 3, 2, 0))
    many = RandomForestClassifier(300, oob_score=True, random_state=0).fit(X, y)
    assert np.isfinite(many.oob_decision_function_).all()
    np.testing.assert_allclose(many.oob_decision_function_.sum(axis=1), 1)
    assert abs(many.oob_score_ - 0.5) < 0.25  # labels are random
    assert many.score(X, y) > 0.95  # and learnt by heart
    one = RandomForestClassifier(1, oob_score=True, random_state=0).fit(X, y)
    share = np.isnan(one.oob_decision_function_).any(axis=1).mean()
    assert 0.5 < share < 0.75  # rows in the only bag


def test_as_good_as_sklearn_and_better_than_a_tree():
    X, y = load_breast_cancer(return_X_y=True)
    ours = cross_val_score(RandomForestClassifier(40, random_state=0), X, y, cv=5).mean()
    theirs = cross_val_score(sklearn.ensemble.RandomForestClassifier(40, random_state=0), X, y, cv=5).mean()
    assert abs(ours - theirs) < 0.02
    assert ours > cross_val_score(DecisionTreeClassifier(), X, y, cv=5).mean() + 0.01


def test_hostile_tables():
    X, y = problem((40, 3, 3, 5))
    assert set(RandomForestClassifier(3).fit(X, np.full(40, "only")).predict(X)) == {"only"}
    assert RandomForestClassifier(3).fit(X[:1], [7]).predict(X[:2]).tolist() == [7, 7]
    np.testing.assert_allclose(
        RandomForestClassifier(200, random_state=0)
        .fit(np.ones((6, 2)), [0, 0, 0, 1, 1, 0])
        .predict_proba([[1, 1]]),
        [[2 / 3, 1 / 3]],
        atol=0.06,
    )
    for scale in (1e-300, 1e300):
        assert RandomForestClassifier(20, random_state=0).fit(X * scale, y).score(X * scale, y) > 0.9
    frozen = X.copy()
    frozen.flags.writeable = False
    model = RandomForestClassifier(5, random_state=0).fit(np.asfortranarray(frozen)[:, ::-1], y)
    assert model.predict(frozen[::2, ::-1]).shape == (20,)
    frame = pd.DataFrame(X, columns=list("abc"))
    labels = np.array([-5, 10**9, 7])[y]
    named = RandomForestClassifier(5, random_state=0).fit(frame, labels)
    assert set(named.predict(frame)) <= set(labels)
    assert list(named.feature_names_in_) == list("abc")


@pytest.mark.parametrize(
    "bad",
    [
        {"n_estimators": 0},
        {"max_features": 3},
        {"max_features": 0},
        {"max_features": "log2"},
        {"max_depth": 0},
        {"min_samples_leaf": 0},
    ],
)
def test_bad_parameters(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        RandomForestClassifier(**bad).fit([[0.0, 1], [1.0, 2]], [0, 1])
    with pytest.raises(ValueError, match="NaN"):
        RandomForestClassifier(2).fit([[0.0], [np.nan]], [0, 1])
