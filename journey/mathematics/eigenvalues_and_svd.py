"""Eigenvalues and singular values.

Built in the page `scripts/01_Mathematics/04_eigenvalues_and_svd.py`: edit the page, not this file.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["eigh", "low_rank", "power_iteration", "qr_decomposition", "svd"]


def _matrix(A: ArrayLike, *, square: bool = False) -> tuple[np.ndarray, int]:
    """A matrix scaled by 2**-e to a largest entry in [1/2, 1), and e; or ValueError."""
    values = np.asarray(A)
    if values.dtype.kind not in "biuf":
        raise ValueError(f"A must hold real numbers, got dtype {values.dtype}")
    if values.ndim != 2 or values.size == 0:
        raise ValueError(f"A must be a matrix, not empty, got shape {values.shape}")
    if square and values.shape[0] != values.shape[1]:
        raise ValueError(f"A must be square, got shape {values.shape}")
    values = values.astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("A must be finite, but holds NaN or infinity")
    exponent = int(np.frexp(np.abs(values).max())[1])
    return np.ldexp(values, -exponent), exponent


def power_iteration(
    A: ArrayLike, *, tolerance: float = 1e-10, max_steps: int = 10_000, seed: int = 0
) -> tuple[float, np.ndarray]:
    """Eigenvalue of largest modulus and its eigenvector, equation eq-eigen-power.

    Parameters
    ----------
    A : array_like of shape (n, n)
        Finite real numbers, symmetric or not; one eigenvalue must be strictly the
        largest in modulus.
    tolerance : float
        Stop when ``A x - value x`` is at most this part of ``A x`` in length.
    max_steps, seed : int
        Multiplications allowed, and the seed of the random start.

    Returns
    -------
    value : float
    vector : ndarray of shape (n,)
        Of length 1, its largest component positive.

    Raises
    ------
    ValueError
        If A is not a finite square matrix, or the iteration does not settle.
    """
    scaled, exponent = _matrix(A, square=True)
    if not tolerance > 0 or max_steps < 1:
        raise ValueError("tolerance and max_steps must be positive")
    x = np.random.default_rng(seed).normal(size=len(scaled))
    x /= np.linalg.norm(x)
    for _ in range(max_steps):
        y = scaled @ x
        value, length = x @ y, np.linalg.norm(y)
        if np.linalg.norm(y - value * x) <= tolerance * length:
            sign = np.sign(x[np.abs(x).argmax()])
            return float(np.ldexp(value, exponent)), sign * x
        x = y / length
    raise ValueError(
        f"not settled after {max_steps} steps: the largest eigenvalues are complex, "
        "or (nearly) equal in modulus"
    )


def _mirror(x: np.ndarray) -> np.ndarray:
    """Unit v for which ``(I - 2 v vᵀ) x`` has only a first component; 0 if x has."""
    if not x[1:].any():
        return np.zeros_like(x)
    v = x / np.abs(x).max()  # so that no square underflows
    v[0] += np.copysign(np.linalg.norm(v), v[0])
    return v / np.linalg.norm(v)


def _qr(A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Householder's QR decomposition of a float matrix of moderate scale."""
    R, mirrors = A.copy(), []
    for k in range(min(A.shape)):
        v = _mirror(R[k:, k])
        R[k:, k:] -= 2 * np.outer(v, v @ R[k:, k:])
        mirrors.append(v)
    Q = np.eye(A.shape[0], min(A.shape))
    for k, v in reversed(list(enumerate(mirrors))):
        Q[k:, k:] -= 2 * np.outer(v, v @ Q[k:, k:])
    return Q, np.triu(R[: min(A.shape)])


def qr_decomposition(A: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Orthonormal columns times an upper triangle, by Householder's mirrors (1958).

    Parameters
    ----------
    A : array_like of shape (m, n)
        Finite real numbers, of any rank.

    Returns
    -------
    Q : ndarray of shape (m, p), p = min(m, n)
        Orthonormal columns, also where those of A are dependent.
    R : ndarray of shape (p, n)
        Upper triangular, with the signs of ``numpy.linalg.qr``.

    Raises
    ------
    ValueError
        If A is not a finite real matrix, or is empty.
    """
    scaled, exponent = _matrix(A)
    Q, R = _qr(scaled)
    return Q, np.ldexp(R, exponent)


def _tridiagonal(S: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Q and ``T = Qᵀ S Q``, symmetric and zero outside of three diagonals."""
    T, Q = S.copy(), np.eye(len(S))
    for k in range(len(S) - 2):
        v = _mirror(T[k + 1 :, k])
        T[k + 1 :] -= 2 * np.outer(v, v @ T[k + 1 :])
        for M in (T, Q):
            M[:, k + 1 :] -= 2 * np.outer(M[:, k + 1 :] @ v, v)
    return Q, _three_diagonals(T)


def _three_diagonals(T: np.ndarray) -> np.ndarray:
    """Remove what rounding left outside of the diagonals, or made unsymmetric."""
    T = np.triu(np.tril(T, 1), -1)
    return (T + T.T) / 2


def _wilkinson_shift(corner: np.ndarray) -> float:
    """Eigenvalue of a symmetric 2 × 2 matrix that is closer to its last entry."""
    (a, b), (_, c) = corner
    half = (a - c) / 2
    return float(c - np.copysign(b * b, half) / (abs(half) + np.hypot(half, b)))


def eigh(A: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues and eigenvectors of a symmetric matrix: QR steps, eq-eigen-qr.

    Parameters
    ----------
    A : array_like of shape (n, n)
        Finite real numbers, symmetric up to 1e-10 of the largest entry.

    Returns
    -------
    values : ndarray of shape (n,)
        Ascending; in error by a few roundings of the largest modulus.
    vectors : ndarray of shape (n, n)
        Orthonormal; column i belongs to ``values[i]``.

    Raises
    ------
    ValueError
        If A is not a finite square matrix, or not symmetric.
    """
    S, exponent = _matrix(A, square=True)
    if np.abs(S - S.T).max() > 1e-10:
        raise ValueError("A must be symmetric, but differs from its transpose")
    Q, T = _tridiagonal((S + S.T) / 2)
    tiny, end = np.finfo(float).eps * np.abs(T).max(), len(T)
    for _ in range(50 * len(T)):  # about three for each eigenvalue are needed
        cuts = np.flatnonzero(np.abs(np.diag(T, 1)[: end - 1]) <= tiny)
        begin = int(cuts[-1]) + 1 if len(cuts) else 0
        if begin < end - 1:
            block = slice(begin, end)
            mu = _wilkinson_shift(T[end - 2 : end, end - 2 : end])
            shift = mu * np.eye(end - begin)
            Z, R = _qr(T[block, block] - shift)
            T[block, block] = _three_diagonals(R @ Z + shift)
            Q[:, block] = Q[:, block] @ Z
        elif (end := begin) == 0:  # deflation, down to nothing
            break
    else:
        raise ValueError("the QR steps did not converge")
    order = np.argsort(np.diag(T))
    return np.ldexp(np.diag(T)[order], exponent), Q[:, order]


def _rounds(n: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Disjoint pairs of 0 … n-1, in rounds in which each meets each once."""
    order = np.arange(n + n % 2)  # an odd one out plays against n, and rests
    half = len(order) // 2
    for _ in range(len(order) - 1):
        p, q = order[:half], order[half:][::-1]
        plays = (p < n) & (q < n)
        yield p[plays], q[plays]
        order[1:] = np.roll(order[1:], 1)


def _sweep(rows: np.ndarray, m: int, tolerance: float) -> float:
    """Turn each pair of rows once, in place; the largest |cosine| met before turning.

    Row i holds column i of A (m numbers) and then what the rotations did to it.
    """
    worst = 0.0
    for p, q in _rounds(len(rows)):
        a, b = rows[p], rows[q]
        alpha, beta = (a[:, :m] ** 2).sum(axis=1), (b[:, :m] ** 2).sum(axis=1)
        gamma = (a[:, :m] * b[:, :m]).sum(axis=1)
        live = np.minimum(alpha, beta) > 1e-290  # else as good as zero
        size = np.where(live, np.sqrt(alpha) * np.sqrt(beta), np.inf)
        cosine = np.abs(gamma) / size
        worst = max(worst, cosine.max(initial=0.0))
        turn = cosine > tolerance
        delta, gamma = (beta - alpha)[turn], gamma[turn]
        t = np.copysign(2, delta) * gamma / (np.abs(delta) + np.hypot(delta, 2 * gamma))
        c = (1 / np.hypot(1, t))[:, None]
        s = c * t[:, None]
        rows[p[turn]] = c * a[turn] - s * b[turn]
        rows[q[turn]] = s * a[turn] + c * b[turn]
    return worst


def svd(A: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Thin singular value decomposition, by one-sided rotations, eq-eigen-jacobi.

    Parameters
    ----------
    A : array_like of shape (m, n)
        Finite real numbers, of any rank.

    Returns
    -------
    U : ndarray of shape (m, p), p = min(m, n)
        Orthonormal columns.
    sigma : ndarray of shape (p,)
        Singular values, descending; zero if below 1e-150 of the first.
    Vt : ndarray of shape (p, n)
        Orthonormal rows; ``A = (U * sigma) @ Vt``.

    Raises
    ------
    ValueError
        If A is not a finite real matrix, or is empty.
    """
    scaled, exponent = _matrix(A)
    m, n = scaled.shape
    if m < n:
        U, sigma, Vt = svd(scaled.T)
        return Vt.T, np.ldexp(sigma, exponent), U.T
    rows = np.hstack([scaled.T, np.eye(n)])  # (n, m + n)
    tolerance = m * np.finfo(float).eps
    for _ in range(60):
        if _sweep(rows, m, tolerance) <= tolerance:
            break
    else:
        raise ValueError("the rotations did not converge")
    sigma = np.linalg.norm(rows[:, :m], axis=1)
    order = np.argsort(-sigma, kind="stable")
    Q, R = _qr(rows[order, :m].T)
    U = Q * np.where(np.diag(R) < 0, -1, 1)
    return U, np.ldexp(sigma[order], exponent), rows[order, m:]


def low_rank(A: ArrayLike, k: int) -> np.ndarray:
    """Closest matrix of rank at most k, equation eq-eigen-eckart-young.

    Parameters
    ----------
    A : array_like of shape (m, n)
        Finite real numbers.
    k : int
        From 0 to min(m, n).

    Returns
    -------
    ndarray of shape (m, n)

    Raises
    ------
    ValueError
        If A is not a finite real matrix, or k is not an integer in that range.
    """
    U, sigma, Vt = svd(A)
    if not isinstance(k, (int, np.integer)) or not 0 <= k <= len(sigma):
        raise ValueError(f"k must be an integer from 0 to {len(sigma)}, got {k}")
    return (U[:, :k] * sigma[:k]) @ Vt[:k]


# seal: d6bbfecbfae6d183
