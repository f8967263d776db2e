"""Solving: the reference, the laws, and what cannot be solved."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from journey.mathematics.linear_systems import (
    SingularMatrixError,
    condition_number,
    determinant,
    inverse,
    lu_decomposition,
    solve,
)

quick = settings(deadline=None, derandomize=True, max_examples=120)


def squares(elements):
    return st.integers(1, 6).flatmap(lambda n: hnp.arrays(float, (n, n), elements=elements))


small = squares(st.integers(-9, 9).map(float))
real = squares(st.floats(-1e3, 1e3).filter(lambda x: x == 0 or abs(x) > 1e-3))


@given(real)
@quick
def test_lu_rebuilds_the_rows_in_their_order(A):
    p, L, U = lu_decomposition(A)
    assert sorted(p) == list(range(len(A)))
    np.testing.assert_allclose(L @ U, A[p], atol=1e-12 * max(np.abs(A).max(), 1e-300) * 100)
    np.testing.assert_array_equal(L, np.tril(L))
    np.testing.assert_array_equal(U, np.triu(U))
    np.testing.assert_array_equal(np.diag(L), 1)
    assert np.abs(L).max() == 1


@given(small)
@quick
def test_determinant_agrees_with_numpy_and_with_the_transpose(A):
    scale = max(1.0, np.prod(np.linalg.norm(A, axis=1)))  # Hadamard's bound
    assert determinant(A) == pytest.approx(np.linalg.det(A), abs=1e-10 * scale)
    assert determinant(A) == pytest.approx(determinant(A.T), abs=1e-10 * scale)


@given(small, st.data())
@quick
def test_determinant_changes_sign_when_rows_are_exchanged(A, data):
    i, j = data.draw(st.integers(0, len(A) - 1)), data.draw(st.integers(0, len(A) - 1))
    B = A.copy()
    B[[i, j]] = B[[j, i]]
    scale = max(1.0, np.prod(np.linalg.norm(A, axis=1)))
    assert determinant(B) == pytest.approx(determinant(A) * (1 if i == j else -1), abs=1e-10 * scale)


@given(small)
@quick
def test_solve_and_inverse_agree_with_numpy_where_the_condition_allows(A):
    if np.linalg.matrix_rank(A) < len(A) or np.linalg.cond(A) > 1e6:
        return
    x = np.arange(1.0, len(A) + 1)
    np.testing.assert_allclose(solve(A, A @ x), x, rtol=1e-8)
    np.testing.assert_allclose(inverse(A) @ A, np.eye(len(A)), atol=1e-8)
    assert condition_number(A) == pytest.approx(np.linalg.cond(A, 1), rel=1e-6)


def test_many_right_hand_sides_at_once():
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(30, 30)), rng.normal(size=(30, 7))
    np.testing.assert_allclose(solve(A, B), scipy.linalg.solve(A, B), rtol=1e-8)
    np.testing.assert_allclose(solve(A, B)[:, 3], solve(A, B[:, 3]), rtol=1e-10)


@pytest.mark.parametrize("scale", [1e-150, 1e-300, 1e150])
def test_the_scale_does_not_matter(scale):
    A = scale * np.array([[1.0, 2.0], [3.0, 5.0]])
    np.testing.assert_allclose(solve(A, A @ [1.0, 1.0]), [1, 1], rtol=1e-12)
    assert condition_number(A) == pytest.approx(condition_number(A / scale), rel=1e-12)


@pytest.mark.parametrize("A", [[[0.0]], [[1, 2], [2, 4]], np.zeros((3, 3)), np.ones((4, 4))])
def test_singular_matrices_are_named_as_such(A):
    with pytest.raises(SingularMatrixError, match="pivot"):
        solve(A, np.ones(len(A)))
    assert determinant(A) == 0
    assert condition_number(A) == np.inf


def test_condition_numbers_that_are_known():
    assert condition_number(np.eye(5)) == 1
    assert condition_number(np.diag([1.0, 1e-8])) == pytest.approx(1e8)


def test_inputs_are_left_alone():
    A, b = np.array([[0, 2], [3, 1]]), np.array([2, 4])
    A.setflags(write=False)
    b.setflags(write=False)
    np.testing.assert_allclose(solve(A, b), [1, 1])
    assert determinant(A) == pytest.approx(-6)


@pytest.mark.parametrize(
    ("A", "message"),
    [
        (np.ones((2, 3)), "square"),
        (np.ones((0, 0)), "not empty"),
        (np.ones(4), "square"),
        ([[np.nan]], "finite"),
        ([["a"]], "real numbers"),
    ],
)
@pytest.mark.parametrize("function", [lu_decomposition, determinant, inverse, condition_number])
def test_malformed_matrices_are_refused(function, A, message):
    with pytest.raises(ValueError, match=message):
        function(A)


@pytest.mark.parametrize("b", [np.ones(3), np.ones((3, 2)), 1.0, [np.inf, 1.0], np.ones((2, 1, 1))])
def test_right_hand_sides_that_do_not_fit_are_refused(b):
    with pytest.raises(ValueError, match=r"rows|finite"):
        solve(np.eye(2), b)
