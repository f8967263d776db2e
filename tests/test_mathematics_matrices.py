"""Linear maps: their laws, their reference, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from journey.mathematics.matrices import matmul, projection_onto, rank, rotation, shear

quick = settings(deadline=None, derandomize=True, max_examples=120)
whole = st.integers(-9, 9).map(float)
angles = st.floats(-10, 10)


def tables(m, n, elements=whole):
    return hnp.arrays(float, (m, n), elements=elements)


@given(st.data(), *[st.integers(1, 5)] * 4)
@quick
def test_matmul_is_exact_and_associative_for_small_integers(data, m, n, p, q):
    A, B, C = (data.draw(tables(*shape)) for shape in ((m, n), (n, p), (p, q)))
    np.testing.assert_array_equal(matmul(A, B), A @ B)
    np.testing.assert_array_equal(matmul(matmul(A, B), C), matmul(A, matmul(B, C)))
    np.testing.assert_array_equal(matmul(A, B).T, matmul(B.T, A.T))


@given(st.data(), *[st.integers(1, 5)] * 3)
@quick
def test_matmul_is_linear(data, m, n, p):
    A, B, C = data.draw(tables(m, n)), data.draw(tables(n, p)), data.draw(tables(n, p))
    np.testing.assert_array_equal(matmul(A, 2 * B - 3 * C), 2 * matmul(A, B) - 3 * matmul(A, C))


@given(angles, angles)
@quick
def test_rotations_add_keep_lengths_and_turn_back(a, b):
    np.testing.assert_allclose(rotation(a) @ rotation(b), rotation(a + b), atol=1e-14)
    np.testing.assert_allclose(rotation(a).T @ rotation(a), np.eye(2), atol=1e-15)
    np.testing.assert_allclose(rotation(np.pi / 2) @ [1, 0], [0, 1], atol=1e-15)


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
@quick
def test_shears_add(a, b):
    np.testing.assert_allclose(shear(a) @ shear(b), shear(a + b), rtol=1e-12)


@given(
    hnp.arrays(float, st.integers(1, 5), elements=st.floats(-1e3, 1e3)).filter(
        lambda v: np.abs(v).max() > 1e-3
    )
)
@quick
def test_projections_are_idempotent_symmetric_and_of_rank_one(direction):
    P = projection_onto(direction)
    np.testing.assert_allclose(P @ P, P, atol=1e-14)
    np.testing.assert_array_equal(P, P.T)
    np.testing.assert_allclose(P @ direction, direction, rtol=1e-12, atol=1e-12)
    assert rank(P) == 1


@given(st.data(), st.integers(1, 6), st.integers(1, 6))
@quick
def test_rank_agrees_with_numpy_and_with_the_transpose(data, m, n):
    A = data.draw(tables(m, n))
    assert rank(A) == np.linalg.matrix_rank(A) == rank(A.T)


@given(st.data(), *[st.integers(1, 5)] * 3)
@quick
def test_the_rank_of_a_product_is_at_most_that_of_its_factors(data, m, n, p):
    A, B = data.draw(tables(m, n)), data.draw(tables(n, p))
    assert rank(matmul(A, B)) <= min(rank(A), rank(B))


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1.0, 1e160, 1e300])
def test_rank_does_not_depend_on_the_scale(scale):
    assert rank(scale * np.array([[1.0, 2.0], [3.0, 6.0]])) == 1
    assert rank(scale * np.eye(3)) == 3


def test_rank_of_zeros_and_of_noise():
    assert rank(np.zeros((3, 2))) == 0
    table = np.ones((4, 4)) + 1e-9 * np.random.default_rng(0).normal(size=(4, 4))
    assert rank(table) == 4
    assert rank(table, tolerance=1e-6) == 1


def test_inputs_are_left_alone_and_may_be_read_only_integers():
    A = np.arange(6).reshape(2, 3)
    A.setflags(write=False)
    assert rank(A) == 2
    assert matmul(A, A.T).dtype == np.float64


@pytest.mark.parametrize(
    ("A", "B", "message"),
    [
        (np.ones((2, 3)), np.ones((2, 3)), r"\(2, 3\).*\(2, 3\)"),
        (np.ones(3), np.ones((3, 1)), r"A must have shape \(m, n\)"),
        (np.ones((2, 2)), np.ones((2, 0)), "B must have shape"),
        ([[np.nan]], [[1.0]], "A must be finite"),
        ([[1.0]], [["a"]], "B must hold real numbers"),
    ],
)
def test_matmul_refuses(A, B, message):
    with pytest.raises(ValueError, match=message):
        matmul(A, B)


@pytest.mark.parametrize("direction", [[0.0, 0.0], [], [np.inf, 1.0], [[1.0, 2.0]]])
def test_projections_need_one_direction(direction):
    with pytest.raises(ValueError, match=r"zero vector|shape|finite"):
        projection_onto(direction)


@pytest.mark.parametrize("tolerance", [-1e-9, 1.0, np.nan])
def test_rank_refuses_a_tolerance(tolerance):
    with pytest.raises(ValueError, match="between 0 and 1"):
        rank(np.eye(2), tolerance)
