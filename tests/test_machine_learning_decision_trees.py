"""Decision trees: brute force and scikit-learn as oracles, laws of pruning, tables that break searches."""

import numpy as np
import pandas as pd
import pytest
import sklearn.tree
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks

from journey.machine_learning.decision_trees import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    descend,
    grow,
    prune,
    rank_columns,
    weakest_links,
)

quick = settings(deadline=None, derandomize=True, max_examples=40)
shapes = st.tuples(st.integers(2, 50), st.integers(1, 5), st.integers(2, 4), st.integers(0, 10_000))


@parametrize_with_checks([DecisionTreeClassifier(), DecisionTreeRegressor()])
def test_contract(estimator, check):
    check(estimator)


def problem(shape, rounded=True):
    n, d, n_classes, seed = shape
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    return (X.round(1) if rounded else X), rng.integers(n_classes, size=n), rng.normal(size=n)


def sum_of_impurities(T, rows):
    part = T[rows]
    return ((part - part.mean(axis=0)) ** 2).sum() if len(part) else 0.0


@quick
@given(shapes, st.integers(1, 3), st.booleans())
def test_every_split_is_a_best_one(shape, leaf, numbers):
    X, y, z = problem(shape)
    kind, target = (DecisionTreeRegressor, z) if numbers else (DecisionTreeClassifier, y)
    tree = kind(min_samples_leaf=leaf).fit(X, target)
    T = z[:, None] if numbers else np.eye(4)[y]
    nodes, members = tree.nodes_, {0: np.arange(len(X))}
    for t in range(len(nodes.size)):
        rows = members[t]
        assert len(rows) == nodes.size[t]
        options = [
            sum_of_impurities(T, rows[X[rows, j] <= c]) + sum_of_impurities(T, rows[X[rows, j] > c])
            for j in range(X.shape[1])
            for c in np.unique(X[rows, j])[:-1]
            if leaf <= (X[rows, j] <= c).sum() <= len(rows) - leaf
        ]
        if nodes.feature[t] < 0:
            assert not options or sum_of_impurities(T, rows) < 1e-9 or len(rows) < max(2, 2 * leaf)
            continue
        low = X[rows, nodes.feature[t]] <= nodes.threshold[t]
        members[nodes.left[t]], members[nodes.right[t]] = rows[low], rows[~low]
        here = sum(sum_of_impurities(T, rows[side]) for side in (low, ~low))
        assert here == pytest.approx(min(options), abs=1e-8)


@quick
@given(shapes, st.booleans())
def test_fits_distinct_rows_exactly_and_scores_as_sklearn(shape, numbers):
    X, y, z = problem(shape, rounded=False)
    if numbers:
        np.testing.assert_allclose(DecisionTreeRegressor().fit(X, z).predict(X), z, atol=1e-12)
    else:
        assert DecisionTreeClassifier().fit(X, y).score(X, y) == 1
    X, y, z = problem(shape)  # with equal rows
    kind, target = (DecisionTreeRegressor, z) if numbers else (DecisionTreeClassifier, y)
    theirs = getattr(sklearn.tree, kind.__name__)(random_state=0).fit(X, target)
    assert kind().fit(X, target).score(X, target) == pytest.approx(theirs.score(X, target), abs=1e-9)


@quick
@given(shapes, st.integers(1, 4))
def test_depth_and_leaf_limits_hold(shape, depth):
    X, y, _ = problem(shape)
    tree = DecisionTreeClassifier(max_depth=depth, min_samples_leaf=2).fit(X, y)
    assert tree.get_depth() <= depth
    leaves = tree.nodes_.left < 0
    assert tree.nodes_.size[leaves].min() >= min(2, len(X))
    assert tree.get_n_leaves() == leaves.sum() <= 2**depth
    counts = np.bincount(tree.apply(X), minlength=len(leaves))
    np.testing.assert_array_equal(counts[leaves], tree.nodes_.size[leaves])
    assert not counts[~leaves].any()


@quick
@given(shapes)
def test_only_the_order_of_values_matters(shape):
    X, y, _ = problem(shape)
    before, after = DecisionTreeClassifier().fit(X, y), DecisionTreeClassifier().fit(np.exp(X), y)
    np.testing.assert_array_equal(before.nodes_.feature, after.nodes_.feature)
    np.testing.assert_array_equal(before.apply(X), after.apply(np.exp(X)))


@quick
@given(shapes, st.floats(-1e6, 1e6), st.floats(0.01, 100))
def test_shift_and_scale_of_numbers(shape, shift, scale):
    X, _, z = problem(shape)
    before = DecisionTreeRegressor(max_depth=3).fit(X, z).predict(X)
    after = DecisionTreeRegressor(max_depth=3).fit(X, shift + scale * z).predict(X)
    assert np.sum((after - shift - scale * z) ** 2) == pytest.approx(
        scale**2 * np.sum((before - z) ** 2), rel=1e-3, abs=1e-4
    )


@quick
@given(shapes, st.floats(0, 0.2))
def test_pruning_is_optimal_among_the_pruned(shape, alpha):
    X, _, z = problem(shape, rounded=False)
    nodes = DecisionTreeRegressor().fit(X, z).nodes_

    def cost(tree, price):
        leaf = tree.left < 0
        return (tree.size * tree.impurity)[leaf].sum() / len(X) + price * leaf.sum()

    best = cost(prune(nodes, alpha), alpha)
    links = weakest_links(nodes)
    for other in [*np.unique(links[np.isfinite(links)]), 0.0]:
        assert best <= cost(prune(nodes, other), alpha) + 1e-9


@quick
@given(shapes)
def test_pruning_path_equals_sklearn(shape):
    X, _, z = problem(shape, rounded=False)
    theirs = sklearn.tree.DecisionTreeRegressor(max_depth=3, random_state=0)
    path = theirs.cost_complexity_pruning_path(X, z).ccp_alphas
    ours = DecisionTreeRegressor(max_depth=3).fit(X, z)
    reference = theirs.fit(X, z)
    if not np.array_equal(np.sort(ours.nodes_.size), np.sort(reference.tree_.n_node_samples)):
        return  # a tie was broken otherwise
    for alpha in (path[:-1] + path[1:]) / 2:
        pruned = DecisionTreeRegressor(max_depth=3, ccp_alpha=alpha).fit(X, z)
        assert pruned.get_n_leaves() == theirs.set_params(ccp_alpha=alpha).fit(X, z).get_n_leaves()


def test_pruned_nodes_are_a_tree():
    X, y, _ = problem((50, 3, 3, 1))
    nodes = prune(DecisionTreeClassifier().fit(X, y).nodes_, 0.02)
    inner = nodes.left >= 0
    children = np.r_[nodes.left[inner], nodes.right[inner]]
    np.testing.assert_array_equal(np.sort(children), np.arange(1, len(nodes.size)))
    assert nodes.size[descend(nodes, X)].min() > 0
    assert len(prune(nodes, 1.0).size) == 1


def test_several_roots_are_several_trees():
    X, y, _ = problem((40, 3, 2, 0))
    ranks, values = rank_columns(X)
    T, rng = np.eye(2)[y], np.random.default_rng(0)
    rows = rng.integers(40, size=(3, 40))
    together = grow(ranks, values, T, rows.ravel(), np.repeat(np.arange(3), 40))
    for t in range(3):
        alone = grow(ranks, values, T, rows[t], np.zeros(40, dtype=int))
        np.testing.assert_array_equal(together.value[descend(together, X, t)], alone.value[descend(alone, X)])


def test_random_features_need_their_seed():
    X, y, _ = problem((50, 5, 3, 2))
    one, same, other = (DecisionTreeClassifier(max_features=1, random_state=s).fit(X, y) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.nodes_.feature, same.nodes_.feature)
    assert (
        len(one.nodes_.feature) != len(other.nodes_.feature)
        or (one.nodes_.feature != other.nodes_.feature).any()
    )


def test_hostile_tables():
    X, y, z = problem((40, 3, 3, 5))
    one = DecisionTreeClassifier().fit(X, np.full(40, "only"))
    assert one.get_n_leaves() == 1
    assert set(one.predict(X)) == {"only"}
    assert DecisionTreeRegressor().fit(X[:1], z[:1]).predict(X[:2]).tolist() == [z[0], z[0]]
    constant = DecisionTreeClassifier().fit(np.ones((6, 2)), [0, 0, 0, 1, 1, 0])
    np.testing.assert_allclose(constant.predict_proba([[1.0, 1]]), [[2 / 3, 1 / 3]])
    for scale in (1e-300, 1e300):
        assert DecisionTreeClassifier().fit(X * scale, y).score(X * scale, y) > 0.9
    frozen = X.copy()
    frozen.flags.writeable = False
    twice = np.asfortranarray(np.repeat(frozen[:, ::-1], 2, axis=0))
    np.testing.assert_array_equal(
        DecisionTreeClassifier().fit(twice, np.repeat(y, 2)).predict(twice[::2]),
        DecisionTreeClassifier().fit(frozen[:, ::-1], y).predict(frozen[:, ::-1]),
    )
    frame = pd.DataFrame(X, columns=list("abc"))
    labels = np.array([-5, 10**9, 7])[y]
    model = DecisionTreeClassifier().fit(frame, labels)
    assert set(model.predict(frame)) <= set(labels)
    assert list(model.feature_names_in_) == list("abc")


def test_thresholds_lie_between():
    for low, high in ((0.0, 5e-324), (1e308, 1.7e308), (-1.7e308, 1.7e308)):
        tree = DecisionTreeClassifier().fit([[low], [high]], [0, 1])
        assert low <= tree.nodes_.threshold[0] <= high
        assert list(tree.predict([[low], [high]])) in ([0, 1], [0, 0])
    near = np.nextafter(1.0, 2.0)
    assert list(DecisionTreeClassifier().fit([[1.0], [near]], [0, 1]).predict([[1.0], [near]])) == [0, 1]


@pytest.mark.parametrize(
    "bad",
    [
        {"max_depth": 0},
        {"min_samples_split": 1},
        {"min_samples_leaf": 0},
        {"max_features": 0},
        {"ccp_alpha": -1},
    ],
)
def test_bad_parameters(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        DecisionTreeRegressor(**bad).fit([[0.0], [1.0]], [0.0, 1.0])


def test_missing_values_are_refused():
    with pytest.raises(ValueError, match="NaN"):
        DecisionTreeClassifier().fit([[0.0], [np.nan]], [0, 1])


def test_in_a_grid_search():
    X, y, _ = problem((50, 2, 2, 3))
    y = (X[:, 0] > 0).astype(int)
    search = GridSearchCV(DecisionTreeClassifier(), {"ccp_alpha": [0.0, 10.0]}, cv=3).fit(X, y)
    assert search.best_params_ == {"ccp_alpha": 0.0}
