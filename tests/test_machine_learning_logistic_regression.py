"""Logistic regression: scikit-learn and finite differences as oracles, and tables that break solvers."""

import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn.linear_model
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from journey.machine_learning.logistic_regression import (
    LogisticRegression,
    _many_classes,
    _two_classes,
    sigmoid,
)

quick = settings(deadline=None, derandomize=True, max_examples=30)
shapes = st.tuples(st.integers(6, 60), st.integers(1, 6), st.integers(2, 4), st.integers(0, 10_000))


@parametrize_with_checks([LogisticRegression(), LogisticRegression(solver="newton")])
def test_contract(estimator, check):
    check(estimator)


def problem(shape):
    n, d, n_classes, seed = shape
    rng = np.random.default_rng(seed)
    y = np.r_[np.arange(n_classes), rng.integers(n_classes, size=n)]
    return rng.normal(size=(len(y), d)) + 0.7 * y[:, None], y


@quick
@given(st.lists(st.floats(-800, 800), min_size=1, max_size=20))
def test_sigmoid(z):
    p = sigmoid(z)
    np.testing.assert_allclose(p, expit(z), rtol=1e-14, atol=1e-300)
    np.testing.assert_allclose(p + sigmoid(-np.array(z)), 1)


def test_sigmoid_at_the_ends():
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(sigmoid([-np.inf, np.inf, 0]), [0, 1, 0.5])
    assert sigmoid(3).shape == ()


@quick
@given(shapes, st.floats(0.05, 20), st.sampled_from(["newton", "lbfgs"]), st.booleans())
def test_equals_sklearn(shape, C, solver, intercept):
    X, y = problem(shape)
    ours = LogisticRegression(C, solver, intercept, tol=1e-9, max_iter=5000).fit(X, y)
    theirs = sklearn.linear_model.LogisticRegression(
        C=C, fit_intercept=intercept, tol=1e-9, max_iter=5000
    ).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=2e-4)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=2e-3 * max(1, C))


@quick
@given(shapes)
def test_both_solvers_meet_at_a_stationary_point(shape):
    X, y = problem(shape)
    newton = LogisticRegression(solver="newton", tol=1e-11).fit(X, y)
    P = newton.predict_proba(X)
    Y = (y[:, None] == newton.classes_).astype(float)
    np.testing.assert_allclose((P - Y).sum(axis=0), 0, atol=1e-7)  # intercepts balance
    pull = X.T @ (P - Y)
    if len(newton.classes_) == 2:
        pull = pull[:, 1:]
    np.testing.assert_allclose(pull.T, -newton.coef_, atol=1e-7)  # equation eq-logistic-penalty
    lbfgs = LogisticRegression(tol=1e-9, max_iter=5000).fit(X, y)
    np.testing.assert_allclose(lbfgs.coef_, newton.coef_, atol=1e-4)


@quick
@given(shapes)
def test_derivatives_are_those_of_the_loss(shape):
    X, y = problem(shape)
    rng = np.random.default_rng(0)
    K = y.max() + 1
    weight, penalty = rng.random(len(X)), rng.random(X.shape[1])
    for loss, target, size in ((_two_classes, (y > 0) * 1.0, 1), (_many_classes, np.eye(K)[y], K)):
        theta = rng.normal(size=X.shape[1] * size)
        direction = rng.normal(size=theta.size)
        _, gradient, hessian = loss(theta, X, target, weight, penalty)
        h = 1e-5
        up = loss(theta + h * direction, X, target, weight, penalty)
        down = loss(theta - h * direction, X, target, weight, penalty)
        np.testing.assert_allclose((up[0] - down[0]) / (2 * h), gradient @ direction, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose((up[1] - down[1]) / (2 * h), hessian() @ direction, rtol=1e-5, atol=1e-6)


@quick
@given(shapes)
def test_weights_are_repetitions(shape):
    X, y = problem(shape)
    times = np.random.default_rng(0).integers(1, 4, size=len(X))
    weighted = LogisticRegression(tol=1e-10, solver="newton").fit(X, y, sample_weight=times)
    rows = np.repeat(np.arange(len(X)), times)
    repeated = LogisticRegression(tol=1e-10, solver="newton").fit(X[rows], y[rows])
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-7)


@quick
@given(shapes, st.floats(-100, 100))
def test_a_shift_of_the_columns_moves_only_the_intercept(shape, shift):
    X, y = problem(shape)
    before = LogisticRegression(solver="newton", tol=1e-10).fit(X, y)
    after = LogisticRegression(solver="newton", tol=1e-10).fit(X + shift, y)
    np.testing.assert_allclose(before.coef_, after.coef_, atol=1e-5)
    np.testing.assert_allclose(before.predict_proba(X), after.predict_proba(X + shift), atol=1e-6)


def test_without_penalty_units_do_not_matter():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    y = (X @ [1, -1, 0.5] + rng.logistic(size=200)) > 0
    scale = np.array([1e3, 1e-3, 1])
    one = LogisticRegression(np.inf, "newton", tol=1e-12).fit(X, y)
    other = LogisticRegression(np.inf, "newton", tol=1e-12).fit(X * scale, y)
    np.testing.assert_allclose(one.coef_, other.coef_ * scale, rtol=1e-5)


@pytest.mark.parametrize("solver", ["newton", "lbfgs"])
def test_hostile_tables(solver):
    X, y = problem((40, 3, 3, 0))
    model = LogisticRegression(solver=solver, max_iter=2000)
    constant = np.column_stack([X, np.full(len(X), 7.0)])
    collinear = np.column_stack([X, X[:, 0]])
    for table in (constant, collinear, X[:, :1], np.repeat(X, 5, axis=0)):
        labels = np.repeat(y, 5) if len(table) > len(y) else y
        assert np.isfinite(model.fit(table, labels).predict_proba(table)).all()
    twins = model.fit(collinear, y).coef_
    np.testing.assert_allclose(twins[:, 0], twins[:, -1], atol=1e-3)  # they share the weight
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        huge = model.fit(X * 1e8, y)
        assert np.isfinite(huge.predict_proba(X * 1e8)).all()
    frozen = X.copy()
    frozen.flags.writeable = False
    np.testing.assert_array_equal(
        model.fit(frozen[:, ::-1], y).predict(frozen[:, ::-1]), model.predict(X[:, ::-1])
    )
    frame = pd.DataFrame(X, columns=list("abc"))
    names = np.array(["ant", "bee", "cow"])[y]
    assert set(model.fit(frame, names).predict(frame)) <= {"ant", "bee", "cow"}
    assert list(model.feature_names_in_) == list("abc")


def test_two_rows_are_enough():
    model = LogisticRegression(solver="newton").fit([[0.0], [1.0]], [5, 9])
    assert list(model.predict([[0.0], [1.0]])) == [5, 9]


def test_sparse_labels_keep_their_names():
    X, y = problem((50, 2, 3, 1))
    names = np.array([-7, 1000, 10**9])[y]
    assert set(LogisticRegression().fit(X, names).predict(X)) <= set(names)


def test_separable_classes_without_penalty_have_no_optimum():
    X, y = np.array([[-2.0], [-1], [1], [2]]), [0, 0, 1, 1]
    short = LogisticRegression(np.inf, "newton", tol=1e-3).fit(X, y)
    long = LogisticRegression(np.inf, "newton", tol=1e-7).fit(X, y)
    assert long.coef_[0, 0] > short.coef_[0, 0] + 4
    with pytest.warns(ConvergenceWarning, match="lower C"):
        LogisticRegression(np.inf, "newton", tol=1e-300, max_iter=5).fit(X, y)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"C": 0}, "C must be positive"),
        ({"C": np.nan}, "C must be positive"),
        ({"solver": "adam"}, "'lbfgs' or 'newton'"),
        ({"max_iter": 0}, "max_iter"),
        ({"tol": 0}, "tol"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        LogisticRegression(**parameters).fit([[0.0], [1.0]], [0, 1])


def test_bad_data():
    for X, y, message in [
        ([[0.0], [np.nan]], [0, 1], "NaN"),
        ([[0.0], [1.0]], [0, 0], "two classes"),
        ([[0.0], [1.0]], [0.5, 1.2], "continuous"),
        (np.empty((0, 2)), [], "0 sample"),
    ]:
        with pytest.raises(ValueError, match=message):
            LogisticRegression().fit(X, y)


def test_in_a_grid_search():
    images, digit = load_digits(return_X_y=True)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression()), {"logisticregression__C": [1e-6, 0.1]}, cv=3
    )
    search.fit(images[:600], digit[:600])
    assert search.best_params_ == {"logisticregression__C": 0.1}
    assert search.best_score_ > 0.85
