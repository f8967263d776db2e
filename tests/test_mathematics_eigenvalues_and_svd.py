"""journey.mathematics.eigenvalues_and_svd: laws, references, nasty inputs, refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from journey.mathematics.eigenvalues_and_svd import (
    _rounds,
    eigh,
    low_rank,
    power_iteration,
    qr_decomposition,
    svd,
)

LAWS = settings(deadline=None, derandomize=True, max_examples=60)
ENTRY = st.one_of(
    st.integers(-2, 2).map(float),  # ties, zeros, dependent columns
    st.floats(-1e3, 1e3, allow_subnormal=False),
    st.sampled_from([1e-9, -1e-9, 1e-17, 1e9]),  # badly scaled
)
MATRICES = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=6), elements=ENTRY)
SQUARE = st.integers(1, 6).flatmap(lambda n: arrays(np.float64, (n, n), elements=ENTRY))
EPS = np.finfo(float).eps


def size(A) -> float:
    return max(float(np.abs(A).max()), np.finfo(float).tiny)


def assert_orthonormal(Q) -> None:
    np.testing.assert_allclose(Q.T @ Q, np.eye(Q.shape[1]), atol=1e-13)


def orthogonal(n: int, seed: int = 0) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(n, n)))[0]


# qr_decomposition


@LAWS
@given(MATRICES)
def test_qr_is_orthonormal_triangular_and_exact(A):
    Q, R = qr_decomposition(A)
    assert Q.shape == (len(A), min(A.shape))
    assert_orthonormal(Q)
    assert (np.tril(R, -1) == 0).all()
    np.testing.assert_allclose(Q @ R, A, atol=1e-13 * size(A), rtol=0)


@pytest.mark.parametrize("shape", [(1, 1), (7, 3), (3, 7), (20, 20)])
def test_qr_equals_numpy_signs_included(shape):
    A = np.random.default_rng(0).normal(size=shape)
    for ours, theirs in zip(qr_decomposition(A), np.linalg.qr(A)):
        np.testing.assert_allclose(ours, theirs, atol=1e-13)


def test_qr_keeps_q_orthonormal_where_gram_schmidt_does_not():
    vandermonde = np.vander(np.linspace(0, 1, 30), 20)  # condition above 1e14
    assert_orthonormal(qr_decomposition(vandermonde)[0])


# eigh


@LAWS
@given(SQUARE)
def test_eigh_is_a_decomposition_and_agrees_with_numpy(B):
    S = B + B.T
    values, vectors = eigh(S)
    assert (np.diff(values) >= 0).all()
    assert_orthonormal(vectors)
    np.testing.assert_allclose((vectors * values) @ vectors.T, S, atol=1e-13 * size(S), rtol=0)
    np.testing.assert_allclose(values, np.linalg.eigvalsh(S), atol=1e-13 * size(S), rtol=0)


@LAWS
@given(SQUARE, st.integers(0, 20))
def test_eigenvalues_are_invariant_under_similarity_and_shift(B, seed):
    S, Q = B + B.T, orthogonal(len(B), seed)
    turned = Q @ S @ Q.T
    values = eigh(S)[0]
    np.testing.assert_allclose(eigh((turned + turned.T) / 2)[0], values, atol=1e-12 * size(S), rtol=0)
    np.testing.assert_allclose(
        eigh(S + 3 * size(S) * np.eye(len(S)))[0], values + 3 * size(S), atol=1e-12 * size(S), rtol=0
    )
    assert values.sum() == pytest.approx(np.trace(S), abs=1e-12 * size(S))


@pytest.mark.parametrize(
    "S",
    [
        [[0.0, 1.0], [1.0, 0.0]],  # equal moduli: unshifted steps stand still
        [[0.0, 0, 1], [0, 1, 0], [1, 0, 0]],
        np.eye(5),
        np.zeros((4, 4)),
        np.ones((6, 6)),
        np.diag([3.0, -1, 2, 2, -1]),
        np.diag(np.ones(9), 1) + np.diag(np.ones(9), -1),
        np.kron(np.eye(3), [[0.0, 1], [1, 0]]),
        np.diag(10.0 ** -np.arange(12)) + 1e-14,
        1 / (np.arange(12)[:, None] + np.arange(12) + 1),  # Hilbert
    ],
)
def test_eigh_on_matrices_that_stall_naive_versions(S):
    S = np.asarray(S)
    values, vectors = eigh(S)
    assert_orthonormal(vectors)
    np.testing.assert_allclose(S @ vectors, vectors * values, atol=1e-14 * len(S) * size(S))
    np.testing.assert_allclose(values, np.linalg.eigvalsh(S), atol=1e-14 * len(S) * size(S))


def test_eigh_of_a_larger_matrix():
    B = np.random.default_rng(1).normal(size=(60, 60))
    values, vectors = eigh(B + B.T)
    np.testing.assert_allclose(values, np.linalg.eigvalsh(B + B.T), atol=1e-12)
    assert_orthonormal(vectors)


# svd


@LAWS
@given(MATRICES)
def test_svd_is_a_decomposition_and_agrees_with_numpy(A):
    U, sigma, Vt = svd(A)
    p = min(A.shape)
    assert (U.shape, sigma.shape, Vt.shape) == ((len(A), p), (p,), (p, A.shape[1]))
    assert_orthonormal(U)
    assert_orthonormal(Vt.T)
    assert (sigma >= 0).all()
    assert (np.diff(sigma) <= 0).all()
    np.testing.assert_allclose((U * sigma) @ Vt, A, atol=1e-13 * size(A), rtol=0)
    np.testing.assert_allclose(sigma, np.linalg.svd(A)[1], atol=1e-13 * size(A), rtol=0)


@LAWS
@given(MATRICES, st.integers(0, 20))
def test_singular_values_are_invariant_under_rotation_transposition_and_shuffling(A, seed):
    rng, sigma = np.random.default_rng(seed), svd(A)[1]
    P, Q = orthogonal(len(A), seed), orthogonal(A.shape[1], seed + 1)
    for other in (A.T, P @ A @ Q, rng.permutation(rng.permutation(A), axis=1), -A):
        np.testing.assert_allclose(svd(other)[1], sigma, atol=1e-12 * size(A), rtol=0)


def test_svd_keeps_small_singular_values_of_scaled_columns():
    B = orthogonal(8) + 0.1
    scales = 10.0 ** -np.arange(0, 32, 4)  # down to 1e-28
    sigma = svd(B * scales)[1]
    # The product of the singular values is |det|, and the columns' scales factor out of it.
    log_determinant = np.linalg.slogdet(B)[1] + np.log(scales).sum()
    assert np.log(sigma).sum() == pytest.approx(log_determinant, abs=1e-12)
    assert sigma[-1] > 1e-30


def test_svd_of_a_symmetric_matrix_gives_absolute_eigenvalues():
    B = np.random.default_rng(2).normal(size=(9, 9))
    moduli = np.sort(np.abs(eigh(B + B.T)[0]))[::-1]
    np.testing.assert_allclose(svd(B + B.T)[1], moduli, atol=1e-13)


def test_zero_and_rank_one():
    U, sigma, Vt = svd(np.zeros((5, 3)))
    assert (sigma == 0).all()
    assert_orthonormal(U)
    assert_orthonormal(Vt.T)
    U, sigma, _ = svd(np.outer(np.arange(6.0), [1, 2, 3, 4]))
    assert sigma[0] == pytest.approx(np.sqrt(55 * 30))
    assert (sigma[1:] < 1e-14).all()
    assert_orthonormal(U)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 10])
def test_each_pair_meets_exactly_once(n):
    met = [(min(a, b), max(a, b)) for p, q in _rounds(n) for a, b in zip(p.tolist(), q.tolist())]
    assert sorted(met) == [(a, b) for a in range(n) for b in range(a + 1, n)]
    assert all(len({*p, *q}) == 2 * len(p) for p, q in _rounds(n))


# low_rank


@LAWS
@given(MATRICES, st.integers(0, 6), st.integers(0, 1000))
def test_low_rank_meets_the_bound_and_nothing_beats_it(A, k, seed):
    k = min(k, *A.shape)
    near, tail, slack = low_rank(A, k), np.linalg.svd(A)[1][k:], 1e-12 * size(A)
    assert np.linalg.norm(A - near) == pytest.approx(np.sqrt((tail**2).sum()), abs=slack)
    assert np.linalg.norm(A - near, 2) == pytest.approx(tail.max(initial=0.0), abs=slack)
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(A @ rng.normal(size=(A.shape[1], k)))[0]
    for rival in (Q @ (Q.T @ A), low_rank(near + 0.1 * size(A) * rng.normal(size=A.shape), k)):
        assert np.linalg.norm(A - rival) >= np.linalg.norm(A - near) - slack


def test_low_rank_at_the_ends():
    A = np.random.default_rng(3).normal(size=(4, 6))
    assert (low_rank(A, 0) == 0).all()
    np.testing.assert_allclose(low_rank(A, 4), A, atol=1e-14)
    np.testing.assert_allclose(low_rank(A, np.int64(2)), low_rank(A, 2))


# power_iteration


@pytest.mark.parametrize("second", [0.9, -0.9, 0.5, 0.0])
def test_power_iteration_finds_the_dominant_pair(second):
    Q = orthogonal(5)
    S = (Q * [-2.0, 2 * second, 0.3, 0.2, 0.1]) @ Q.T
    value, vector = power_iteration(S, tolerance=1e-12)
    assert value == pytest.approx(-2, rel=1e-12)
    assert abs(vector @ Q[:, 0]) == pytest.approx(1, abs=1e-12)
    assert np.linalg.norm(vector) == pytest.approx(1, rel=1e-14)
    assert vector[np.abs(vector).argmax()] > 0


def test_power_iteration_of_a_markov_chain_is_not_symmetric():
    P = np.array([[0.9, 0.5], [0.1, 0.5]])  # columns sum to 1
    value, vector = power_iteration(P)
    assert value == pytest.approx(1)
    np.testing.assert_allclose(vector / vector.sum(), [5 / 6, 1 / 6], rtol=1e-8)


@pytest.mark.parametrize("A", [np.zeros((3, 3)), [[0, 1], [0, 0]]])
def test_power_iteration_where_all_eigenvalues_are_zero(A):
    value, vector = power_iteration(A)
    assert value == 0
    np.testing.assert_allclose(np.asarray(A) @ vector, 0, atol=1e-15)


@pytest.mark.parametrize("A", [[[0, 1], [1, 0]], [[0, -1], [1, 0]], np.diag([1, -1, 0.5]), [[1, 1], [0, 1]]])
def test_power_iteration_says_so_when_it_does_not_settle(A):
    with pytest.raises(ValueError, match="not settled after 300"):
        power_iteration(A, max_steps=300)


# Scale, type, memory


@pytest.mark.parametrize("exponent", [-1060, -600, 600, 1000])
def test_scale_by_a_power_of_two_changes_nothing_else(exponent):
    A = np.random.default_rng(4).integers(-4, 5, size=(5, 3)).astype(float)
    S = A @ A.T
    big_A, big_S = np.ldexp(A, exponent), np.ldexp(S, exponent)
    for small, big in ((svd(A), svd(big_A)), (svd(A.T), svd(big_A.T))):
        np.testing.assert_array_equal(big[0], small[0])
        np.testing.assert_array_equal(big[2], small[2])
        np.testing.assert_array_equal(big[1], np.ldexp(small[1], exponent))
    np.testing.assert_array_equal(eigh(big_S)[1], eigh(S)[1])
    np.testing.assert_array_equal(eigh(big_S)[0], np.ldexp(eigh(S)[0], exponent))
    np.testing.assert_array_equal(qr_decomposition(big_A)[0], qr_decomposition(A)[0])
    np.testing.assert_array_equal(power_iteration(big_S)[1], power_iteration(S)[1])


def test_columns_of_extreme_sizes_converge():
    A = np.random.default_rng(5).normal(size=(6, 5)) * [1, 1e-100, 1e-160, 1e-200, 1e-300]
    U, sigma, Vt = svd(A)
    assert_orthonormal(U)
    assert_orthonormal(Vt.T)
    np.testing.assert_allclose((U * sigma) @ Vt, A, atol=1e-14)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.bool_, np.float32])
def test_other_number_types_become_floats(dtype):
    A = np.array([[100, 200, 1], [3, 0, 77]]).astype(dtype)
    np.testing.assert_array_equal(svd(A)[1], svd(A.astype(float))[1])
    S = np.array([[100, 100], [100, 0]]).astype(dtype)
    assert eigh(S)[0] == pytest.approx(np.linalg.eigvalsh(S.astype(float)))
    assert power_iteration(S)[0] == pytest.approx(eigh(S)[0][1])


def test_lists_strided_and_read_only_inputs_are_taken_and_not_changed():
    table = np.arange(1.0, 37.0).reshape(6, 6) % 7
    before = table.copy()
    table.flags.writeable = False
    strided = table[::-2, 1::2]
    np.testing.assert_array_equal(svd(strided)[1], svd(strided.tolist())[1])
    eigh(table + table.T)
    qr_decomposition(table)
    svd(table)
    power_iteration(table + 10)
    np.testing.assert_array_equal(table, before)


# Refusals

EVERY = [power_iteration, qr_decomposition, eigh, svd, lambda A: low_rank(A, 1)]


@pytest.mark.parametrize("function", EVERY)
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([[np.nan, 1.0], [1.0, 2.0]], "must be finite"),
        ([[1.0, np.inf], [np.inf, 2.0]], "must be finite"),
        ([[1j, 0], [0, 1]], "real numbers"),
        ([["1", "2"], ["2", "1"]], "real numbers"),
        ([[None]], "real numbers"),
        ([1.0, 2.0], "must be a matrix"),
        (3.0, "must be a matrix"),
        (np.zeros((2, 2, 2)), "must be a matrix"),
        (np.zeros((0, 0)), "not empty"),
        (np.zeros((3, 0)), "not empty"),
    ],
)
def test_what_is_not_a_finite_real_matrix_is_refused(function, bad, message):
    with pytest.raises(ValueError, match=message):
        function(bad)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: eigh(np.ones((2, 3))), "must be square"),
        (lambda: power_iteration(np.ones((3, 2))), "must be square"),
        (lambda: eigh([[1.0, 2.0], [2.1, 1.0]]), "must be symmetric"),
        (lambda: eigh([[1e300, 2e300], [2.1e300, 1e300]]), "must be symmetric"),
        (lambda: eigh([[1e-300, 2e-300], [-2e-300, 1e-300]]), "must be symmetric"),
        (lambda: power_iteration(np.eye(2), tolerance=0), "must be positive"),
        (lambda: power_iteration(np.eye(2), tolerance=np.nan), "must be positive"),
        (lambda: power_iteration(np.eye(2), max_steps=0), "must be positive"),
        (lambda: low_rank(np.eye(3), 4), "from 0 to 3"),
        (lambda: low_rank(np.eye(3), -1), "from 0 to 3"),
        (lambda: low_rank(np.eye(3), 1.0), "from 0 to 3"),
    ],
)
def test_bad_arguments_are_refused_with_a_reason(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_rounding_asymmetry_is_accepted():
    B = np.random.default_rng(6).normal(size=(8, 8))
    S = B + B.T
    assert eigh(S * (1 + EPS * np.triu(np.ones((8, 8)))))[0] == pytest.approx(np.linalg.eigvalsh(S))
