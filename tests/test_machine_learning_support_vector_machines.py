"""Support vector machines: optimality conditions as laws, LIBSVM and LIBLINEAR as oracles, the contract."""

import warnings
from functools import partial
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import sklearn.svm
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics.pairwise import pairwise_kernels
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from journey.machine_learning.support_vector_machines import (
    SVC,
    KernelRows,
    LinearSVC,
    kernel_matrix,
    smo,
    squared_hinge_newton,
)

quick = settings(deadline=None, derandomize=True, max_examples=40)
seeds = st.integers(0, 9999)
kernels = st.sampled_from(["linear", "poly", "rbf", "sigmoid"])
prices = st.sampled_from([0.01, 0.3, 1.0, 10.0])


@parametrize_with_checks([SVC(), SVC(kernel="linear", C=0.5), LinearSVC()])
def test_contract(estimator, check):
    check(estimator)


def problem(n, d, k, seed, whole=False):
    """n rows of k classes, every class present; whole numbers make equal rows with different labels."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 3, size=(n, d)).astype(float) if whole else rng.normal(size=(n, d))
    y = np.r_[np.arange(k), rng.integers(0, k, size=n - k)]
    return X + (0 if whole else 0.7) * np.eye(k, d)[y], y


def dual_value(model, X, **numbers):
    """The dual objective, from public attributes of either library, summed over pairs."""
    Z = np.asarray(X)[model.support_]
    K = pairwise_kernels(Z, metric=model.kernel, filter_params=True, **numbers)
    of, total = np.repeat(np.arange(len(model.classes_)), model.n_support_), 0.0
    for i, j in combinations(range(len(model.classes_)), 2):
        beta = np.where(of == j, model.dual_coef_[i], np.where(of == i, model.dual_coef_[j - 1], 0))
        total += np.abs(beta).sum() - 0.5 * beta @ K @ beta
    return total


@quick
@given(st.integers(6, 60), st.integers(1, 6), st.integers(2, 4), kernels, prices, seeds, st.booleans())
def test_same_optimum_as_libsvm(n, d, k, kernel, C, seed, whole):
    X, y = problem(n, d, k, seed, whole)
    if kernel == "sigmoid":
        return  # not convex: tested below
    numbers = {"gamma": 0.4, "degree": 2, "coef0": 1.0}
    options = {"C": C, "kernel": kernel, "tol": 1e-6, "decision_function_shape": "ovo", **numbers}
    ours, theirs = SVC(**options).fit(X, y), sklearn.svm.SVC(**options).fit(X, y)
    value = dual_value(theirs, X, **numbers)
    assert dual_value(ours, X, **numbers) == pytest.approx(value, rel=1e-6)
    np.testing.assert_allclose(ours.decision_function(X), theirs.decision_function(X), atol=2e-3)


@quick
@given(st.integers(10, 60), st.integers(2, 5), st.integers(2, 4), prices, seeds)
def test_same_support_vectors_as_libsvm(n, d, k, C, seed):
    X, y = problem(n, d, k, seed)  # distinct rows, radial kernel: the multipliers are unique
    options = {"C": C, "gamma": 0.4, "tol": 1e-7}
    ours, theirs = SVC(**options).fit(X, y), sklearn.svm.SVC(**options).fit(X, y)
    full = np.zeros((2, k - 1, n))
    full[0][:, ours.support_], full[1][:, theirs.support_] = ours.dual_coef_, theirs.dual_coef_
    np.testing.assert_allclose(full[0], full[1], atol=1e-4 * C)
    clear = np.flatnonzero(np.abs(full[1]).max(axis=0) > 1e-4 * C)
    assert set(clear) <= set(ours.support_)
    assert set(ours.support_[np.abs(ours.dual_coef_).max(axis=0) > 1e-4 * C]) <= set(theirs.support_)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-4)


@pytest.mark.parametrize("k", [2, 3, 5])
def test_attributes_are_laid_out_as_in_sklearn(k):
    X, y = problem(80, 6, k, 1)
    for shape in ("ovr", "ovo"):
        options = {"kernel": "linear", "tol": 1e-8, "decision_function_shape": shape}
        ours, theirs = SVC(**options).fit(X, y), sklearn.svm.SVC(**options).fit(X, y)
        np.testing.assert_array_equal(ours.support_, theirs.support_)
        np.testing.assert_array_equal(ours.n_support_, theirs.n_support_)
        for name in ("dual_coef_", "coef_", "intercept_", "support_vectors_"):
            np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), atol=1e-5)
        values = ours.decision_function(X)
        assert values.shape == theirs.decision_function(X).shape
        np.testing.assert_allclose(values, theirs.decision_function(X), atol=1e-4)
        np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    with pytest.raises(AttributeError):
        _ = SVC().fit(X, y).coef_


@quick
@given(st.integers(4, 50), st.integers(1, 4), kernels, prices, seeds, st.booleans())
def test_optimality_conditions(n, d, kernel, C, seed, whole):
    X, y = problem(n, d, 2, seed, whole)
    tol = 1e-3
    model = SVC(C=C, kernel=kernel, gamma=0.4, degree=2, coef0=0.5, tol=tol).fit(X, y)
    alpha, sign = np.zeros(n), np.where(y == 1, 1.0, -1.0)
    alpha[model.support_] = model.dual_coef_[0] * sign[model.support_]
    assert alpha.min() >= 0
    assert alpha.max() <= C
    assert abs((alpha * sign).sum()) < 1e-9 * max(1, C) * n
    inside = sign * model.decision_function(X)
    assert (inside[alpha == 0] >= 1 - 2 * tol).all()
    assert (inside[alpha == C] <= 1 + 2 * tol).all()
    free = (alpha > 0) & (alpha < C)
    np.testing.assert_allclose(inside[free], 1, atol=2 * tol)


@quick
@given(st.integers(10, 60), seeds, prices)
def test_rows_that_do_not_support_can_be_deleted(n, seed, C):
    X, y = problem(n, 3, 2, seed)
    model = SVC(C=C, gamma=0.4, tol=1e-7).fit(X, y)
    kept = model.support_
    again = SVC(C=C, gamma=0.4, tol=1e-7).fit(X[kept], y[kept])
    change = again.decision_function(X) - model.decision_function(X)
    if (np.abs(model.dual_coef_) < C).any():  # a row on the edge: the intercept is unique
        np.testing.assert_allclose(change, 0, atol=1e-4)
    else:
        np.testing.assert_allclose(change, change[0], atol=1e-4)


@quick
@given(st.integers(8, 50), seeds, prices, st.floats(-3, 3))
def test_shift_and_scale_do_not_matter_to_the_default_kernel(n, seed, C, exponent):
    X, y = problem(n, 3, 3, seed)
    first = SVC(C=C, tol=1e-7).fit(X, y).decision_function(X)
    moved = 10**exponent * X
    np.testing.assert_allclose(SVC(C=C, tol=1e-7).fit(moved, y).decision_function(moved), first, atol=1e-4)
    gamma = 0.3
    first = SVC(C=C, gamma=gamma, tol=1e-7).fit(X, y).decision_function(X)
    moved = X + 1e5
    second = SVC(C=C, gamma=gamma, tol=1e-7).fit(moved, y).decision_function(moved)
    np.testing.assert_allclose(second, first, atol=1e-3)


@quick
@given(st.integers(6, 50), seeds, st.integers(2, 60), prices)
def test_rows_kept_and_leaps_change_the_way_not_the_optimum(n, seed, limit, C):
    X, y = problem(n, 3, 2, seed)
    sign, bound = np.where(y == 1, 1.0, -1.0), np.full(n, C)
    kernel = partial(kernel_matrix, gamma=0.5)
    K = kernel(X, X)

    def value(beta):
        return sign @ beta - 0.5 * beta @ K @ beta

    plain = smo(KernelRows(X, kernel, n), sign, bound, tol=1e-7, leap_every=0)
    for leap_every in (0, 3, 200):
        other = smo(KernelRows(X, kernel, limit), sign, bound, tol=1e-7, leap_every=leap_every)
        assert other.gap < 1e-7
        assert value(other.beta) == pytest.approx(value(plain.beta), rel=1e-9)
        assert abs(other.beta.sum()) < 1e-9
    given_matrix = smo(KernelRows(X, kernel, n, K), sign, bound, tol=1e-7, leap_every=0)
    np.testing.assert_allclose(given_matrix.beta, plain.beta, atol=1e-6 * C)


def test_a_row_limit_is_kept():
    X, y = problem(40, 3, 2, 0)
    rows = KernelRows(X, kernel_matrix, 5)
    smo(rows, np.where(y == 1, 1.0, -1.0), np.ones(40), leap_every=0)
    assert max(len(rows._rows), len(rows._scales)) <= 5


def test_a_small_cache_gives_the_same_model():
    X, y = problem(90, 4, 3, 2)
    first, second = SVC(tol=1e-7).fit(X, y), SVC(tol=1e-7, cache_size=0.01).fit(X, y)
    np.testing.assert_allclose(first.decision_function(X), second.decision_function(X), atol=1e-5)


@pytest.mark.parametrize("y", [[0, 1] * 10, [0, 0, 0, 1] * 5])
def test_nothing_to_learn_from_equal_rows(y):
    X = np.full((20, 3), 7.0)
    for model in (SVC(), SVC(kernel="linear"), LinearSVC()):
        assert len(set(model.fit(X, y).predict(X))) == 1
    ours, theirs = SVC().fit(X, y), sklearn.svm.SVC().fit(X, y)
    np.testing.assert_allclose(ours.decision_function(X), theirs.decision_function(X), atol=1e-9)


def test_constant_and_collinear_columns_change_nothing():
    X, y = problem(60, 3, 3, 3)
    options = {"kernel": "linear", "tol": 1e-7}
    first = SVC(**options).fit(X, y).decision_function(X)
    wide = np.column_stack([X, np.zeros(60)])
    np.testing.assert_allclose(SVC(**options).fit(wide, y).decision_function(wide), first, atol=1e-4)
    twice = np.column_stack([X, X]) / np.sqrt(2)  # the same inner products
    np.testing.assert_allclose(SVC(**options).fit(twice, y).decision_function(twice), first, atol=1e-4)
    linear = LinearSVC().fit(X, y).decision_function(X)
    np.testing.assert_allclose(LinearSVC().fit(twice, y).decision_function(twice), linear, atol=1e-6)


def test_huge_scale_ends_with_a_warning_not_with_a_hang():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = (X[:, 0] + 0.5 * rng.normal(size=60) > 0).astype(int)
    with pytest.warns(ConvergenceWarning, match="scale the columns"):
        model = SVC(kernel="linear", max_iter=20_000).fit(1e8 * X, y)
    assert np.isfinite(model.decision_function(1e8 * X)).all()
    for model in (SVC(), LinearSVC()):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert model.fit(1e8 * X, y).score(1e8 * X, y) > 0.8
            assert model.fit(1e-8 * X, y).score(1e-8 * X, y) >= 0.5


@pytest.mark.parametrize("make", [SVC, LinearSVC])
def test_labels_and_containers_of_every_kind(make):
    X, code = problem(60, 4, 3, 4)
    expected = make().fit(X, code).predict(X)
    for labels in (np.array([-7, 1000, 30_000]), np.array(["ant", "bee", "cow"]), np.array([0.0, 1.0, 5.0])):
        np.testing.assert_array_equal(make().fit(X, labels[code]).predict(X), labels[expected])
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = make().fit(frame, pd.Series(code))
    np.testing.assert_array_equal(model.predict(frame), expected)
    assert list(model.feature_names_in_) == list("abcd")
    frozen = X.copy()
    frozen.setflags(write=False)
    strided = np.repeat(np.repeat(X, 2, axis=0), 2, axis=1)[::2, ::2]
    for table in (frozen, strided, np.asfortranarray(X), X.tolist()):
        np.testing.assert_array_equal(make().fit(table, code).predict(table), expected)
    np.testing.assert_array_equal(make().fit(X.astype(np.float32), code).predict(X), expected)


@pytest.mark.parametrize("make", [SVC, LinearSVC])
def test_bad_data_is_refused(make):
    X, y = problem(20, 2, 2, 0)
    for rows in (20, 1):
        with pytest.raises(ValueError, match="1 class"):
            make().fit(X[:rows], np.zeros(rows))
    with pytest.raises(ValueError, match="NaN"):
        make().fit(np.where(X > 1, np.nan, X), y)
    with pytest.raises(ValueError):
        make().fit(X, np.linspace(0, 1, 20))
    with pytest.raises(ValueError, match="features"):
        make().fit(X, y).predict(X[:, :1])
    for wrong in ({"C": 0}, {"C": -1.0}, {"C": np.inf}, {"tol": 0}, {"tol": 2.0}):
        with pytest.raises(ValueError, match="must be"):
            make(**wrong).fit(X, y)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kernel": "cubic"},
        {"gamma": "huge"},
        {"gamma": -1.0},
        {"decision_function_shape": "both"},
        {"max_iter": -2},
        {"cache_size": 0},
        {"kernel": lambda A, B: A},
        {"kernel": lambda A, B: np.full((len(A), len(B)), np.nan)},
    ],
)
def test_bad_parameters_are_refused(wrong):
    X, y = problem(20, 2, 2, 0)
    with pytest.raises(ValueError, match="must"):
        SVC(**wrong).fit(X, y)


@quick
@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 6), kernels, seeds)
def test_kernels_equal_sklearns(n, m, d, kernel, seed):
    rng = np.random.default_rng(seed)
    X, Z = rng.normal(size=(n, d)), rng.normal(size=(m, d))
    numbers = {"gamma": 0.3, "degree": 3, "coef0": 0.5}
    expected = pairwise_kernels(X, Z, metric=kernel, filter_params=True, **numbers)
    np.testing.assert_allclose(kernel_matrix(X, Z, kernel, **numbers), expected, rtol=1e-9, atol=1e-12)
    if kernel == "rbf":
        far = kernel_matrix(X + 1e6, Z + 1e6, gamma=0.3)
        np.testing.assert_allclose(far, expected, atol=1e-8)


def test_a_callable_kernel_is_the_kernel():
    X, y = problem(50, 3, 3, 6)
    named = SVC(kernel="poly", degree=2, gamma=1.0, coef0=1.0).fit(X, y)
    called = SVC(kernel=lambda A, B: (A @ B.T + 1) ** 2).fit(X, y)
    np.testing.assert_allclose(called.decision_function(X), named.decision_function(X), atol=1e-9)


def test_polynomial_kernel_equals_explicit_features():
    X, y = problem(60, 2, 2, 7)
    u, v = X.T
    r = np.sqrt(2)
    features = np.column_stack([np.ones(60), r * u, r * v, u * u, r * u * v, v * v])
    kernel = SVC(kernel="poly", degree=2, gamma=1.0, coef0=1.0, tol=1e-7).fit(X, y)
    explicit = SVC(kernel="linear", tol=1e-7).fit(features, y)
    np.testing.assert_allclose(kernel.decision_function(X), explicit.decision_function(features), atol=1e-5)


def test_a_kernel_that_is_no_inner_product_still_ends():
    X, y = problem(80, 3, 2, 8)
    model = SVC(kernel="sigmoid", gamma=2.0, coef0=-1.0).fit(X, y)
    assert np.linalg.eigvalsh(kernel_matrix(X, X, "sigmoid", gamma=2.0, coef0=-1.0)).min() < -0.1
    assert np.isfinite(model.decision_function(X)).all()
    assert model.n_iter_[0] < 10_000


def test_too_few_steps_are_reported():
    X, y = problem(80, 3, 2, 9)
    with pytest.warns(ConvergenceWarning, match="gap"):
        SVC(max_iter=3).fit(X, y)
    with pytest.warns(ConvergenceWarning):
        LinearSVC(max_iter=1).fit(X + 3 * y[:, None], y)


@quick
@given(st.integers(4, 60), st.integers(1, 80), st.integers(2, 4), prices, seeds, st.booleans())
def test_same_optimum_as_liblinear(n, d, k, C, seed, intercept):
    X, y = problem(n, max(d, k), k, seed)
    options = {"C": C, "fit_intercept": intercept, "intercept_scaling": 2.0}
    ours = LinearSVC(**options).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs = sklearn.svm.LinearSVC(dual=False, tol=1e-12, max_iter=10_000, **options).fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-4)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-4)
    assert ours.decision_function(X).shape == theirs.decision_function(X).shape


@quick
@given(st.integers(2, 60), st.integers(1, 40), prices, seeds, st.booleans())
def test_gradient_vanishes_at_the_linear_optimum(n, d, C, seed, whole):
    X, y = problem(max(n, 3), d, 2, seed, whole) if d > 1 else problem(max(n, 3), 2, 2, seed, whole)
    sign = np.where(y == 1, 1.0, -1.0)
    w, _, ended = squared_hinge_newton(X, sign, C)
    slack = np.maximum(0, 1 - sign * (X @ w))
    gradient = w - 2 * C * (slack * sign) @ X
    assert ended
    assert np.linalg.norm(gradient) <= 1e-6 * (1 + np.linalg.norm(2 * C * sign @ X))


def test_newton_survives_columns_of_very_different_size():
    X, y = problem(80, 4, 2, 5)
    sizes = np.array([1.0, 1e3, 1e6, 1e10])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = LinearSVC().fit(X * sizes, y)
    assert model.score(X * sizes, y) >= LinearSVC().fit(X, y).score(X, y) - 0.05


def test_in_a_pipeline_and_a_search():
    X, y = problem(90, 4, 3, 10)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), SVC()), {"svc__C": [0.1, 1], "svc__gamma": [0.1, 1]}
    )
    assert search.fit(X * [1, 10, 100, 1000], y).best_score_ > 0.4
