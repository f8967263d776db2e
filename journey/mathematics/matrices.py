"""Matrices.

Built in the page `scripts/01_Mathematics/02_matrices.py`: edit the page, not this file.
"""

import numpy as np
from numpy.typing import ArrayLike

from journey.mathematics.vectors import normalize

__all__ = ["matmul", "projection_onto", "rank", "rotation", "shear"]


def _matrix(values: ArrayLike, name: str) -> np.ndarray:
    """A table of finite real numbers as float64, not empty, or a ValueError that names it."""
    table = np.asarray(values)
    if table.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold real numbers, got dtype {table.dtype}")
    if table.ndim != 2 or 0 in table.shape:
        raise ValueError(f"{name} must have shape (m, n), not empty, got {table.shape}")
    table = table.astype(np.float64)
    if not np.isfinite(table).all():
        raise ValueError(f"{name} must be finite")
    return table


def rotation(angle: float) -> np.ndarray:
    """The matrix (2, 2) that turns the plane by an angle in radians, counter-clockwise."""
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def shear(factor: float) -> np.ndarray:
    """The matrix (2, 2) that pushes (x, y) to (x + factor * y, y): the vertical axis leans over."""
    return np.array([[1.0, factor], [0.0, 1.0]])


def projection_onto(direction: ArrayLike) -> np.ndarray:
    """The matrix (n, n) that sends every vector to its shadow on the line of ``direction``.

    Parameters
    ----------
    direction : array_like of shape (n,)
        Not zero; only its direction matters.

    Raises
    ------
    ValueError
        If the direction is zero, empty, not finite, or not one vector.

    References
    ----------
    Equation eq-matrices-projection of the page.
    """
    unit = normalize(direction)
    if unit.ndim != 1:
        raise ValueError(f"direction must have shape (n,), got {unit.shape}")
    return np.outer(unit, unit)


def matmul(A: ArrayLike, B: ArrayLike) -> np.ndarray:
    """The product of two matrices: first B, then A.

    Parameters
    ----------
    A : array_like of shape (m, n)
    B : array_like of shape (n, p)

    Returns
    -------
    ndarray of shape (m, p), float64

    Raises
    ------
    ValueError
        If an input is not a table of finite real numbers, or the inner sizes differ.

    References
    ----------
    Equation eq-matrices-product of the page.
    """
    first, second = _matrix(A, "A"), _matrix(B, "B")
    if first.shape[1] != second.shape[0]:
        raise ValueError(f"the columns of A {first.shape} must be as many as the rows of B {second.shape}")
    return first @ second


def rank(A: ArrayLike, tolerance: float | None = None) -> int:
    """Number of linearly independent columns, by elimination with complete pivoting.

    Parameters
    ----------
    A : array_like of shape (m, n)
    tolerance : float, optional
        A pivot of at most ``tolerance`` times the largest entry counts as zero; by default
        ``max(m, n)`` times the machine epsilon.

    Raises
    ------
    ValueError
        If A is not a table of finite real numbers, or the tolerance is not between 0 and 1.
    """
    rest = _matrix(A, "A")
    if tolerance is None:
        tolerance = max(rest.shape) * np.finfo(float).eps
    if not 0 <= tolerance < 1:
        raise ValueError(f"tolerance must lie between 0 and 1, got {tolerance}")
    largest = np.abs(rest).max()
    if largest == 0:
        return 0
    rest = rest / largest
    for found in range(min(rest.shape)):
        row, column = np.unravel_index(np.abs(rest[found:, found:]).argmax(), rest[found:, found:].shape)
        rest[[found, found + row]] = rest[[found + row, found]]
        rest[:, [found, found + column]] = rest[:, [found + column, found]]
        pivot = rest[found, found]
        if abs(pivot) <= tolerance:
            return found
        factors = rest[found + 1 :, found] / pivot  # what to subtract from each row below
        rest[found + 1 :, found:] -= np.outer(factors, rest[found, found:])
    return min(rest.shape)


# seal: b3feb6ecbd27b7a9
