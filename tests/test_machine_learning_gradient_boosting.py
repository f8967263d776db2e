"""Gradient boosting: scikit-learn's trees where the bins are equal, laws of the loss, hostile tables."""

import numpy as np
import pandas as pd
import pytest
import sklearn.ensemble
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from journey.machine_learning.gradient_boosting import (
    MISSING,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    _ask,
    find_edges,
    grow_boosted,
    to_bins,
)

quick = settings(deadline=None, derandomize=True, max_examples=30)
shapes = st.tuples(st.integers(2, 80), st.integers(1, 5), st.integers(2, 4), st.integers(0, 10_000))
same = {"max_leaf_nodes": None, "early_stopping": False}


@parametrize_with_checks(
    [GradientBoostingRegressor(n_estimators=15), GradientBoostingClassifier(n_estimators=15)]
)
def test_contract(estimator, check):
    check(estimator)


def problem(shape, missing=0.0):
    n, d, n_classes, seed = shape
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)).round(1)
    y = np.r_[np.arange(n_classes), rng.integers(n_classes, size=n)][:n]
    X[rng.random(X.shape) < missing] = np.nan
    return X, y, rng.normal(size=n) + 2 * np.nan_to_num(X[:, 0]) ** 2


@quick
@given(shapes, st.integers(1, 5), st.integers(1, 6), st.sampled_from([0.0, 0.2]))
def test_regression_equals_sklearn(shape, depth, leaf, missing):
    X, _, z = problem(shape, missing)
    ours = GradientBoostingRegressor(n_estimators=5, max_depth=depth, min_samples_leaf=leaf).fit(X, z)
    theirs = sklearn.ensemble.HistGradientBoostingRegressor(
        max_iter=5, max_depth=depth, min_samples_leaf=leaf, **same
    ).fit(X, z)
    # equal gains may be broken otherwise: then the training loss is still equal
    mine, yours = np.mean((ours.predict(X) - z) ** 2), np.mean((theirs.predict(X) - z) ** 2)
    if depth == 1:
        assert mine == pytest.approx(yours, rel=0.02, abs=1e-6)
    assert mine <= 1.1 * yours + 1e-6


@quick
@given(shapes, st.integers(1, 4))
def test_first_split_has_the_largest_gain(shape, leaf):
    X, _, z = problem(shape)
    g = z - z.mean()
    _, where = grow_boosted(to_bins(X, find_edges(X)), g, None, max_depth=1, min_samples_leaf=leaf)
    gains = [
        g[side].sum() ** 2 / side.sum() + g[~side].sum() ** 2 / (~side).sum()
        for j in range(X.shape[1])
        for c in np.unique(X[:, j])[:-1]
        if leaf <= (side := X[:, j] <= c).sum() <= len(X) - leaf
    ]
    found = sum(g[where == t].sum() ** 2 / (where == t).sum() for t in np.unique(where))
    best = max(gains, default=0.0)
    assert found == pytest.approx(max(best, g.sum() ** 2 / len(g)), abs=1e-8)


@quick
@given(shapes, st.floats(0, 5), st.sampled_from([0.0, 0.3]))
def test_leaves_are_newton_steps_and_asking_is_training(shape, l2, missing):
    X, _, z = problem(shape, missing)
    rng = np.random.default_rng(0)
    h = rng.uniform(0.1, 1, len(z))
    codes = to_bins(X, find_edges(X))
    tree, leaf = grow_boosted(codes, z, h, max_depth=4, min_samples_leaf=2, l2=l2)
    np.testing.assert_allclose(_ask(tree, codes), tree.value[leaf])
    for t in np.unique(leaf):
        rows = leaf == t
        assert tree.value[t] == pytest.approx(-z[rows].sum() / (h[rows].sum() + l2), rel=1e-6, abs=1e-9)
        assert rows.sum() >= min(2, len(z))


@quick
@given(shapes, st.floats(0.05, 1.0))
def test_squared_loss_never_rises(shape, rate):
    X, _, z = problem(shape)
    model = GradientBoostingRegressor(rate, 10, min_samples_leaf=2).fit(X, z)
    assert (np.diff(model.train_score_) <= 1e-9 * np.var(z) + 1e-12).all()
    assert model.train_score_[-1] == pytest.approx(0.5 * np.mean((model.predict(X) - z) ** 2), abs=1e-9)


@quick
@given(shapes, st.integers(2, 255))
def test_bins(shape, max_bins):
    X, _, _ = problem(shape, 0.2)
    X[0] = 0.0  # no column is empty
    edges = find_edges(X, max_bins)
    codes = to_bins(X, edges)
    assert codes.dtype == np.uint8
    np.testing.assert_array_equal(codes == MISSING, np.isnan(X))
    for j, cuts in enumerate(edges):
        known = ~np.isnan(X[:, j])
        assert (np.diff(cuts) > 0).all()
        assert codes[known, j].max() < max_bins
        order = np.argsort(X[known, j], kind="stable")
        assert (np.diff(codes[known, j][order].astype(int)) >= 0).all()
        if len(np.unique(X[known, j])) <= max_bins:
            assert len(np.unique(codes[known, j])) == len(np.unique(X[known, j]))


@quick
@given(shapes)
def test_probabilities(shape):
    X, y, _ = problem(shape)
    if len(np.unique(y)) < 2:
        return
    model = GradientBoostingClassifier(n_estimators=4, min_samples_leaf=2).fit(X, y)
    p = model.predict_proba(X)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_array_equal(model.predict(X), model.classes_[p.argmax(axis=1)])
    loss = -np.log(p[np.arange(len(y)), np.searchsorted(model.classes_, y)]).mean()
    assert model.train_score_[-1] == pytest.approx(loss, rel=1e-6)


def test_classes_as_good_as_sklearn():
    X, y = load_breast_cancer(return_X_y=True)
    ours = cross_val_score(GradientBoostingClassifier(n_estimators=40), X, y, cv=3)
    theirs = cross_val_score(
        sklearn.ensemble.HistGradientBoostingClassifier(max_iter=40, max_depth=5, **same), X, y, cv=3
    )
    assert abs(ours.mean() - theirs.mean()) < 0.015


def test_early_stopping_keeps_the_best():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3))
    noise = rng.normal(size=400)
    model = GradientBoostingRegressor(0.5, 200, early_stopping=True, random_state=0).fit(X, noise)
    assert model.n_iter_ == len(model.trees_) == int(np.argmin(model.validation_score_)) + 1
    assert len(model.validation_score_) == model.n_iter_ + 10
    again = GradientBoostingRegressor(0.5, 200, early_stopping=True, random_state=0).fit(X, noise)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    with pytest.raises(ValueError, match="too few"):
        GradientBoostingRegressor(early_stopping=True).fit(X[:5], noise[:5])


def test_hostile_tables():
    X, y, z = problem((80, 3, 3, 5))
    one = GradientBoostingRegressor().fit(X[:1], z[:1])
    assert one.predict(X[:2]).tolist() == pytest.approx([z[0], z[0]])
    with pytest.raises(ValueError, match="two classes"):
        GradientBoostingClassifier().fit(X, np.zeros(80))
    flat = GradientBoostingRegressor().fit(np.ones((30, 2)), z[:30])
    assert flat.predict([[1.0, 1.0]])[0] == pytest.approx(z[:30].mean())
    for scale in (1e-200, 1e200):
        assert np.isfinite(
            GradientBoostingRegressor(n_estimators=5).fit(X * scale, z).predict(X * scale)
        ).all()
    empty = X.copy()
    empty[:, 1] = np.nan  # a column without a value
    assert np.isfinite(GradientBoostingRegressor(n_estimators=5).fit(empty, z).predict(X)).all()
    with pytest.raises(ValueError, match="infinity"):
        GradientBoostingRegressor().fit(np.where(X > 2, np.inf, X), z)
    frozen = np.asfortranarray(X)
    frozen.flags.writeable = False
    model = GradientBoostingClassifier(n_estimators=3).fit(frozen[:, ::-1], y)
    assert model.predict(frozen[::2, ::-1]).shape == (40,)
    frame = pd.DataFrame(X, columns=list("abc"))
    labels = np.array([-5, 10**9, 7])[y]
    named = GradientBoostingClassifier(n_estimators=3).fit(frame, labels)
    assert set(named.predict(frame)) <= set(labels)
    unseen = named.predict_proba(frame.assign(a=np.nan))  # missing only later
    assert np.isfinite(unseen).all()


@pytest.mark.parametrize(
    "bad",
    [
        {"n_estimators": 0},
        {"learning_rate": 0},
        {"max_depth": 0},
        {"min_samples_leaf": 0},
        {"l2_regularization": -1},
        {"validation_fraction": 1.0},
        {"n_iter_no_change": 0},
    ],
)
def test_bad_parameters(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        GradientBoostingRegressor(**bad).fit([[0.0], [1.0]], [0.0, 1.0])
