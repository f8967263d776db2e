"""Linear systems.

Built in the page `scripts/01_Mathematics/03_linear_systems.py`: edit the page, not this file.
"""

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["SingularMatrixError", "condition_number", "determinant", "inverse", "lu_decomposition", "solve"]


class SingularMatrixError(ValueError):
    """The matrix maps some nonzero vector to zero, so that a system has no unique solution."""


def _square(A: ArrayLike) -> np.ndarray:
    table = np.asarray(A)
    if table.dtype.kind not in "biuf":
        raise ValueError(f"A must hold real numbers, got dtype {table.dtype}")
    if table.ndim != 2 or table.shape[0] != table.shape[1] or not table.size:
        raise ValueError(f"A must be square and not empty, got shape {table.shape}")
    table = table.astype(np.float64)
    if not np.isfinite(table).all():
        raise ValueError("A must be finite")
    return table


def lu_decomposition(A: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Elimination with partial pivoting: ``A[p] == L @ U`` up to rounding.

    Parameters
    ----------
    A : array_like of shape (n, n)

    Returns
    -------
    p : ndarray of shape (n,), int
        The order of the rows.
    L : ndarray of shape (n, n)
        Lower triangle, ones on the diagonal, no entry above 1 in size.
    U : ndarray of shape (n, n)
        Upper triangle; a zero on its diagonal means that A is singular.

    Raises
    ------
    ValueError
        If A is not a square table of finite real numbers.

    References
    ----------
    Equation eq-systems-lu of the page; Golub & Van Loan, Matrix Computations, section 3.4.
    """
    U = _square(A)
    n = len(U)
    p, L = np.arange(n), np.eye(n)
    for k in range(n):
        pivot = k + int(np.abs(U[k:, k]).argmax())
        if pivot != k:
            U[[k, pivot]] = U[[pivot, k]]
            p[[k, pivot]] = p[[pivot, k]]
            L[[k, pivot], :k] = L[[pivot, k], :k]
        if U[k, k] != 0:
            L[k + 1 :, k] = U[k + 1 :, k] / U[k, k]
            U[k + 1 :, k + 1 :] -= np.outer(L[k + 1 :, k], U[k, k + 1 :])
            U[k + 1 :, k] = 0
    return p, L, U


def solve(A: ArrayLike, b: ArrayLike) -> np.ndarray:
    """The x with ``A @ x == b``, by elimination with partial pivoting.

    Parameters
    ----------
    A : array_like of shape (n, n)
    b : array_like of shape (n,) or (n, k)
        One right-hand side, or k of them as columns.

    Returns
    -------
    ndarray of the shape of b

    Raises
    ------
    SingularMatrixError
        If a pivot is exactly zero. A nearly singular matrix raises nothing: see condition_number.
    ValueError
        If the shapes do not fit or a number is not finite.
    """
    p, L, U = lu_decomposition(A)
    x = np.array(b, dtype=float)
    if x.ndim not in (1, 2) or len(x) != len(p):
        raise ValueError(f"b must have {len(p)} rows to fit A {U.shape}, got shape {x.shape}")
    if not np.isfinite(x).all():
        raise ValueError("b must be finite")
    if (np.diag(U) == 0).any():
        raise SingularMatrixError(f"A is singular: pivot {int((np.diag(U) == 0).argmax())} is zero")
    x = x[p]
    for k in range(len(p)):  # L y = b, from the top
        x[k] -= L[k, :k] @ x[:k]
    for k in reversed(range(len(p))):  # U x = y, from the bottom
        x[k] = (x[k] - U[k, k + 1 :] @ x[k + 1 :]) / U[k, k]
    return x


def inverse(A: ArrayLike) -> np.ndarray:
    """The matrix that undoes A; raises as ``solve`` does, which is cheaper and safer for a system."""
    return solve(A, np.eye(len(_square(A))))


def determinant(A: ArrayLike) -> float:
    """Signed factor by which A changes volumes: the product of the pivots, and a sign for the exchanges.

    Zero for a singular matrix. May overflow to infinity or underflow to zero for large tables.
    """
    p, _, U = lu_decomposition(A)
    with np.errstate(over="ignore", under="ignore"):
        volume = float(np.prod(np.diag(U)))
    seen, sign = set(), 1
    for start in range(len(p)):  # a cycle of length m takes m - 1 exchanges
        place, length = start, 0
        while place not in seen:
            seen.add(place)
            place, length = int(p[place]), length + 1
        sign *= -1 if length and length % 2 == 0 else 1
    return sign * volume


def condition_number(A: ArrayLike) -> float:
    """The condition number in the 1-norm: what a relative error may be magnified by; infinite if singular.

    References
    ----------
    Equation eq-systems-condition of the page.
    """
    table = _square(A)
    largest = np.abs(table).max()
    if largest == 0:
        return float("inf")
    try:
        undo = inverse(table / largest)  # the scale does not matter, and might overflow
    except SingularMatrixError:
        return float("inf")
    return float(np.abs(table / largest).sum(axis=0).max() * np.abs(undo).sum(axis=0).max())


# seal: 690b07daeb94c252
