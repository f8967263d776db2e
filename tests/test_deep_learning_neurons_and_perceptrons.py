"""Perceptrons: the rule row by row, the bound, the margin and its proof, scikit-learn, nasty inputs."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn.linear_model
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils.estimator_checks import check_estimator

from journey.deep_learning.neurons_and_perceptrons import (
    Perceptron,
    perceptron_bound,
    run_perceptron,
    signed_rows,
    widest_margin,
)

few = settings(deadline=None, derandomize=True, max_examples=40)
whole = arrays(np.int64, st.tuples(st.integers(1, 25), st.integers(1, 5)), elements=st.integers(-6, 6))
XOR = signed_rows([[0, 0], [0, 1], [1, 0], [1, 1]], [-1, 1, 1, -1])


def row_by_row(Z, max_epochs):
    """Weights after every step, and the mistakes: the rule with nothing clever about it."""
    w, held, mistakes = np.zeros(Z.shape[1]), [], []
    for _ in range(max_epochs):
        before = len(mistakes)
        for i, z in enumerate(Z):
            if w @ z <= 0:
                w = w + z
                mistakes.append(i)
            held.append(w)
        if len(mistakes) == before:
            break
    return np.array(held), mistakes


def separable(seed, n=40, d=4):
    rng = np.random.default_rng(seed)
    Z, u = rng.normal(size=(n, d)), rng.normal(size=d)
    return Z * np.sign(Z @ u)[:, None]


@few
@given(whole, st.integers(1, 6))
def test_the_log_is_that_of_the_rule_row_by_row(Z, max_epochs):
    log = run_perceptron(Z, max_epochs=max_epochs)
    held, mistakes = row_by_row(Z.astype(float), max_epochs)
    assert log.rows.tolist() == mistakes
    assert (log.weights == held[-1]).all()
    np.testing.assert_allclose(log.average, held.mean(axis=0), atol=1e-12)
    assert log.n_epochs * len(Z) == len(held)
    in_last_pass = log.steps >= (log.n_epochs - 1) * len(Z)
    assert log.converged == (not in_last_pass.any())
    assert not log.converged or (Z @ log.weights > 0).all()


@few
@given(whole, st.integers(1, 6))
def test_steps_say_when_each_mistake_was_made(Z, max_epochs):
    log = run_perceptron(Z, max_epochs=max_epochs)
    assert (np.diff(log.steps) > 0).all()
    assert (log.rows == log.steps % len(Z)).all()


@few
@given(st.integers(0, 10**6))
def test_never_more_mistakes_than_the_bound_in_any_order(seed):
    Z = separable(seed)
    bound = perceptron_bound(Z)
    for order in (None, np.random.default_rng(seed)):
        log = run_perceptron(Z, max_epochs=3000, rng=order)
        assert len(log.rows) <= bound * (1 + 1e-9)
        assert log.converged == (Z @ log.weights > 0).all()


def test_the_bound_is_reached_by_unit_vectors():
    for d in (1, 2, 17):
        assert len(run_perceptron(np.eye(d)).rows) == d
        assert perceptron_bound(np.eye(d)) == pytest.approx(d, rel=1e-10)


@few
@given(whole)
def test_margin_is_proved_from_both_sides(Z):
    best = widest_margin(Z)
    size = max(np.abs(Z).max(), 1)
    assert best.shares.min() >= 0
    assert best.shares.sum() == pytest.approx(1)
    assert np.linalg.norm(best.shares @ Z) == pytest.approx(best.at_most, abs=1e-9 * size)
    if best.at_most > 1e-8 * size:  # separable: the two sides meet
        assert best.width == pytest.approx(best.at_most, rel=1e-6)
        assert (Z @ best.direction).min() == pytest.approx(best.width, rel=1e-6)
        assert np.linalg.norm(best.direction) == pytest.approx(1)
    else:
        assert perceptron_bound(Z) == np.inf
        assert not run_perceptron(Z, max_epochs=30).converged


@few
@given(st.integers(0, 10**6))
def test_no_random_direction_has_a_wider_margin(seed):
    Z = separable(seed)
    rng = np.random.default_rng(seed + 1)
    best = widest_margin(Z)
    near = best.direction + 0.1 * rng.normal(size=(200, Z.shape[1]))
    tries = near / np.linalg.norm(near, axis=1, keepdims=True)
    assert (Z @ tries.T).min(axis=0).max() <= best.width + 1e-12


def test_known_margins():
    assert widest_margin([[2, 1], [-1, -2]]).width == pytest.approx(0.5**0.5)
    assert perceptron_bound([[2, 1], [-1, -2]]) == pytest.approx(10)
    assert perceptron_bound(XOR) == np.inf
    np.testing.assert_allclose(widest_margin(XOR).shares @ XOR, 0, atol=1e-12)
    assert perceptron_bound([[0.0, 0.0]]) == np.inf
    assert widest_margin([[0.0, 0.0]]).width == 0


@pytest.mark.parametrize("scale", [1e-150, 1e-3, 1e150])
def test_scale_changes_neither_bound_nor_mistakes(scale):
    Z = separable(3)
    log, scaled = run_perceptron(Z), run_perceptron(Z * scale)
    assert scaled.rows.tolist() == log.rows.tolist()
    np.testing.assert_allclose(scaled.weights / scale, log.weights, rtol=1e-9)
    np.testing.assert_allclose(scaled.average / scale, log.average, rtol=1e-9)
    assert perceptron_bound(Z * scale) == pytest.approx(perceptron_bound(Z), rel=1e-6)


def test_xor_comes_back_after_every_pass():
    log = run_perceptron(XOR, max_epochs=50)
    assert not log.converged
    assert len(log.rows) == 200
    assert (log.weights == 0).all()


def test_signed_rows():
    Z = signed_rows([[1, 2], [3, 4]], [1, -1])
    assert Z.tolist() == [[1, 2, 1], [-3, -4, -1]]
    assert signed_rows([[1, 2], [3, 4]], [1, -1], bias=False).tolist() == [[1, 2], [-3, -4]]
    small = signed_rows(np.eye(2), np.array([1, -1], dtype=np.int8))
    assert small.dtype == float


@pytest.mark.parametrize("bad", [[1.0, 2.0], [[]], np.zeros((0, 2)), [[np.nan, 1]], [[np.inf, 1]]])
def test_bad_tables_are_refused(bad):
    for function in (run_perceptron, widest_margin, perceptron_bound):
        with pytest.raises(ValueError, match="table"):
            function(bad)
    with pytest.raises(ValueError, match="table"):
        signed_rows(bad, [1])


@pytest.mark.parametrize("labels", [[1], [0, 1], [1, 2], [[1], [-1]], ["a", "b"], [1, np.nan]])
def test_bad_labels_are_refused(labels):
    with pytest.raises(ValueError, match="labels"):
        signed_rows([[1], [2]], labels)


def test_bad_epochs_are_refused():
    with pytest.raises(ValueError, match="max_epochs"):
        run_perceptron(XOR, max_epochs=0)
    with pytest.raises(ValueError, match="max_epochs"):
        Perceptron(max_iter=0).fit([[0], [1]], [0, 1])


def test_contract():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_estimator(Perceptron())
        check_estimator(Perceptron(average=True, max_iter=20, fit_intercept=False))


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("n_classes", [2, 5])
def test_coefficients_are_those_of_sklearn(fit_intercept, n_classes):
    X, y = load_digits(n_class=n_classes, return_X_y=True)
    same = {"shuffle": False, "fit_intercept": fit_intercept}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        ours = Perceptron(max_iter=30, **same).fit(X, y)
    theirs = sklearn.linear_model.Perceptron(max_iter=ours.n_iter_, tol=None, **same).fit(X, y)
    np.testing.assert_array_equal(ours.coef_, theirs.coef_)
    np.testing.assert_array_equal(ours.intercept_, theirs.intercept_)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    assert ours.coef_.shape == (1 if n_classes == 2 else n_classes, 64)


def test_average_is_that_of_sklearn():
    X, y = load_digits(return_X_y=True)
    constant = {"learning_rate": "constant", "eta0": 1, "penalty": None, "tol": None}
    theirs = sklearn.linear_model.SGDClassifier(
        loss="perceptron", average=True, shuffle=False, max_iter=5, **constant
    ).fit(X, y % 2)
    ours = Perceptron(average=True, shuffle=False, max_iter=5).fit(X, y % 2)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-9)


def test_it_warns_when_it_gives_up_and_not_with_the_average():
    X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    with pytest.warns(ConvergenceWarning, match="average"):
        model = Perceptron(max_iter=7).fit(X, y)
    assert model.n_iter_ == 7
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Perceptron(max_iter=7, average=True).fit(X, y)
        Perceptron().fit(X, [0, 1, 1, 1])


def test_counts_what_it_did():
    X, y = load_digits(n_class=2, return_X_y=True)
    model = Perceptron(shuffle=False).fit(X, y)
    log = run_perceptron(signed_rows(X, 2 * y - 1))
    assert model.n_mistakes_.tolist() == [len(log.rows)]
    assert model.n_iter_ == log.n_epochs
    assert len(log.rows) <= perceptron_bound(signed_rows(X, 2 * y - 1))


def test_seeds_repeat_and_matter():
    X, y = load_digits(n_class=2, return_X_y=True)
    first, again, other = (Perceptron(random_state=s).fit(X, y).coef_ for s in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()
    model = clone(Perceptron(random_state=np.random.RandomState(0)))
    assert model.fit(X, y).score(X, y) == 1


def test_one_class_and_unfitted_are_refused():
    with pytest.raises(ValueError, match="class"):
        Perceptron().fit([[0], [1]], [3, 3])
    with pytest.raises(NotFittedError):
        Perceptron().predict([[0]])
    with pytest.raises(ValueError, match=r"target|label"):
        Perceptron().fit([[0], [1]], [0.5, 1.7])


def test_labels_and_containers():
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "others"])[(y > 0).astype(int)]
    plain = Perceptron(shuffle=False).fit(X, names)
    assert plain.classes_.tolist() == ["others", "setosa"]
    assert plain.score(X, names) == 1
    frozen = np.asfortranarray(X)
    frozen.setflags(write=False)
    for other in (pd.DataFrame(X), frozen, np.repeat(X, 2, axis=1)[:, ::2], X.tolist()):
        model = Perceptron(shuffle=False).fit(other, names)
        np.testing.assert_allclose(model.coef_, plain.coef_, rtol=1e-12)
    sparse_labels = Perceptron(shuffle=False).fit(X, np.where(y > 0, 1000, -7))
    assert set(sparse_labels.predict(X)) == {1000, -7}


def test_useless_columns_do_no_harm():
    X, y = load_digits(n_class=2, return_X_y=True)
    twice = np.column_stack([X, X, np.zeros(len(X)), np.full(len(X), 3.0)])
    assert Perceptron(random_state=0).fit(twice, y).score(twice, y) == 1
    rows = np.repeat(X, 3, axis=0), np.repeat(y, 3)
    assert Perceptron(random_state=0).fit(*rows).score(*rows) == 1


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_extreme_scales_give_finite_weights(scale):
    X = np.array([[1.0, 2.0], [3.0, -1.0], [-1.0, -2.0], [-3.0, 1.0]]) * scale
    model = Perceptron(fit_intercept=False).fit(X, [1, 1, 0, 0])
    assert np.isfinite(model.coef_).all()
    with np.errstate(over="ignore", under="ignore"):
        assert model.coef_[0] @ [1.0, 2.0] > 0
