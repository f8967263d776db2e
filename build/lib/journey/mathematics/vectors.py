"""Vectors.

Built in the page `scripts/01_Mathematics/01_vectors.py`: edit the page, not this file.
"""

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["angle", "cosine_similarity", "dot", "norm", "normalize", "project"]


def _vectors(x: ArrayLike, name: str) -> np.ndarray:
    """Finite real numbers as float64, at least one along the last axis, or a ValueError naming them."""
    values = np.asarray(x)
    if values.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold real numbers, got dtype {values.dtype}")
    if values.ndim == 0 or values.shape[-1] == 0:
        raise ValueError(f"{name} must have shape (..., d) with d > 0, got {values.shape}")
    values = values.astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError(f"{name} must be finite, but holds NaN or infinity")
    return values


def _check_same_dimension(u: np.ndarray, v: np.ndarray) -> None:
    """Refuse vectors of different dimension."""
    if u.shape[-1] != v.shape[-1]:
        raise ValueError(f"the vectors must have equally many components, got {u.shape} and {v.shape}")


def dot(u: ArrayLike, v: ArrayLike) -> float | np.ndarray:
    """Dot product along the last axis.

    Parameters
    ----------
    u, v : array_like of shape (..., d)
        Finite real numbers; the leading axes broadcast.

    Returns
    -------
    float or ndarray of shape (...)

    Raises
    ------
    ValueError
        If an input is empty, not real or not finite, or the last axes differ.

    References
    ----------
    Equation eq-vectors-dot of the page.
    """
    a, b = _vectors(u, "u"), _vectors(v, "v")
    _check_same_dimension(a, b)
    return (a * b).sum(axis=-1)


def _scaled(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``values * 2**-e`` with each vector's largest component in [1/2, 1), and ``e``, of shape (..., 1)."""
    _, exponent = np.frexp(np.abs(values).max(axis=-1, keepdims=True))
    return np.ldexp(values, -exponent), exponent


def norm(x: ArrayLike, order: float = 2) -> float | np.ndarray:
    """Length along the last axis; no square overflows or underflows on the way.

    Parameters
    ----------
    x : array_like of shape (..., d)
        Finite real numbers.
    order : 1, 2 or inf
        Sum of absolute values, Euclidean length, or largest absolute value.

    Returns
    -------
    float or ndarray of shape (...)
        Infinite only if the length itself is beyond the largest float.

    Raises
    ------
    ValueError
        If x is empty, not real or not finite, or the order is none of the three.

    References
    ----------
    J. L. Blue (1978), A portable Fortran program to find the Euclidean norm of a vector.
    """
    values = _vectors(x, "x")
    if order == 1:
        return np.abs(values).sum(axis=-1)
    if order == 2:
        scaled, exponent = _scaled(values)
        return np.ldexp(np.sqrt((scaled**2).sum(axis=-1)), exponent[..., 0])
    if order == np.inf:
        return np.abs(values).max(axis=-1)
    raise ValueError(f"order must be 1, 2 or inf, got {order}")


def normalize(x: ArrayLike) -> np.ndarray:
    """Scale each vector along the last axis to Euclidean length 1.

    Parameters
    ----------
    x : array_like of shape (..., d)
        Finite real numbers; no vector is zero.

    Returns
    -------
    ndarray of shape (..., d)

    Raises
    ------
    ValueError
        If x is empty, not real or not finite, or a vector is zero: it has no direction.
    """
    scaled, _ = _scaled(_vectors(x, "x"))
    lengths = np.sqrt((scaled**2).sum(axis=-1, keepdims=True))
    if (lengths == 0).any():
        where = tuple(int(index) for index in np.argwhere(lengths[..., 0] == 0)[0])
        raise ValueError(
            f"the zero vector has no direction{f'; found one at index {where}' if where else ''}"
        )
    return scaled / lengths


def angle(u: ArrayLike, v: ArrayLike) -> float | np.ndarray:
    """Angle between vectors along the last axis, accurate near 0 and near pi too.

    Parameters
    ----------
    u, v : array_like of shape (..., d)
        Finite real numbers, no zero vector; the leading axes broadcast.

    Returns
    -------
    float or ndarray of shape (...)
        In radians, from 0 to pi.

    Raises
    ------
    ValueError
        If an input is empty, not real or not finite, a vector is zero, or the last axes differ.

    References
    ----------
    Equation eq-vectors-kahan of the page; W. Kahan (2006), How futile are mindless assessments of
    roundoff in floating-point computation?
    """
    a, b = _vectors(u, "u"), _vectors(v, "v")
    _check_same_dimension(a, b)
    a, b = normalize(a), normalize(b)
    return 2 * np.arctan2(norm(a - b), norm(a + b))


def project(u: ArrayLike, onto: ArrayLike) -> np.ndarray:
    """Point closest to u on the line through the origin and ``onto``, along the last axis.

    Parameters
    ----------
    u, onto : array_like of shape (..., d)
        Finite real numbers; ``onto`` has no zero vector; the leading axes broadcast.

    Returns
    -------
    ndarray of shape (..., d)

    Raises
    ------
    ValueError
        If an input is empty, not real or not finite, ``onto`` is zero, or the last axes differ.

    References
    ----------
    Equation eq-vectors-projection of the page.
    """
    values, line = _vectors(u, "u"), _vectors(onto, "onto")
    _check_same_dimension(values, line)
    scaled, exponent = _scaled(values)
    direction = normalize(line)
    return np.ldexp((scaled * direction).sum(axis=-1, keepdims=True) * direction, exponent)


def cosine_similarity(X: ArrayLike, Y: ArrayLike | None = None) -> np.ndarray:
    """Cosine of the angle between each row of X and each row of Y.

    Parameters
    ----------
    X : array_like of shape (n, d)
    Y : array_like of shape (m, d), optional
        X again if left out.

    Returns
    -------
    ndarray of shape (n, m)
        Between -1 and 1.

    Raises
    ------
    ValueError
        If an input is not a table of finite real numbers, a row is zero, or the rows differ in length.

    References
    ----------
    Equation eq-vectors-cosine of the page.
    """
    rows = _vectors(X, "X")
    others = rows if Y is None else _vectors(Y, "Y")
    for name, table in (("X", rows), ("Y", others)):
        if table.ndim != 2:
            raise ValueError(f"{name} must have shape (n, d), got {table.shape}")
    _check_same_dimension(rows, others)
    return np.clip(normalize(rows) @ normalize(others).T, -1.0, 1.0)


# seal: 893423368181e4a6
