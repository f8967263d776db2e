"""Integration and Series.

Built in the page `scripts/01_Mathematics/06_integration_and_series.py`: edit the page, not this file.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from journey.mathematics.eigenvalues_and_svd import eigh

__all__ = [
    "Series",
    "adaptive_simpson",
    "gauss_legendre",
    "monte_carlo",
    "series_exp",
    "series_log",
    "simpson",
    "trapezoid",
]


class Series:
    """A function near a point: its Taylor coefficients c₀ … cₙ.

    Parameters
    ----------
    coefficients : array-like, shape (n + 1,)
        Of (x − a)⁰ … (x − a)ⁿ. The point a is not stored; operands must share it.

    Raises
    ------
    ValueError
        If the coefficients are not a row of finite real numbers, or operands differ in
        length.
    ZeroDivisionError
        In a division by a function that is 0 at the point.

    References
    ----------
    Equation eq-integration-taylor of the page; Griewank and Walther (2008), chapter 13.
    """

    __array_ufunc__ = None  # NumPy leaves `array * series` to us

    def __init__(self, coefficients: ArrayLike) -> None:
        values = np.asarray(coefficients)
        if values.dtype.kind not in "biuf" or values.ndim != 1 or not values.size:
            raise ValueError("coefficients must be a non-empty row of real numbers")
        if not np.isfinite(values).all():
            raise ValueError("coefficients must be finite: no Taylor series here")
        self.coefficients = values.astype(float)

    @classmethod
    def variable(cls, point: float, order: int) -> Series:
        """Return x itself near a point: point + 1 (x − point) + 0 + …."""
        if order < 0:
            raise ValueError(f"order must be at least 0, got {order}")
        return cls([point, 1.0, *np.zeros(order)][: order + 1])

    def _row(self, other: Any) -> np.ndarray:
        n = len(self.coefficients)
        if not isinstance(other, Series):
            return np.r_[float(other), np.zeros(n - 1)]  # a constant
        if len(other.coefficients) != n:
            lengths = f"{n} and {len(other.coefficients)}"
            raise ValueError(f"operands have {lengths} coefficients; they must agree")
        return other.coefficients

    def __add__(self, other: Any) -> Series:
        return Series(self.coefficients + self._row(other))

    def __sub__(self, other: Any) -> Series:
        return Series(self.coefficients - self._row(other))

    def __mul__(self, other: Any) -> Series:
        product = np.convolve(self.coefficients, self._row(other))
        return Series(product[: len(self.coefficients)])

    def __truediv__(self, other: Any) -> Series:
        return _quotient(self.coefficients, self._row(other))

    def __neg__(self) -> Series:
        return Series(-self.coefficients)

    def __rsub__(self, other: Any) -> Series:
        return -self + other

    def __rtruediv__(self, other: Any) -> Series:
        return _quotient(self._row(other), self.coefficients)

    def __call__(self, step: Any) -> Any:
        """Evaluate at the distance ``step`` from the point, by Horner's rule."""
        return np.polynomial.polynomial.polyval(step, self.coefficients)

    __radd__, __rmul__ = __add__, __mul__


def _quotient(a: np.ndarray, b: np.ndarray) -> Series:
    if b[0] == 0:
        raise ZeroDivisionError("a quotient has no Taylor series where its divisor is 0")
    q = np.zeros_like(a)
    for k in range(len(a)):
        q[k] = (a[k] - q[:k] @ b[k:0:-1]) / b[0]  # a = q b, solved for q_k
    return Series(q)


def series_exp(f: Series) -> Series:
    """Return exp(f) from g' = f' g, equation eq-integration-exp; ``ValueError`` if it overflows."""
    if f.coefficients[0] > 709:
        raise ValueError(f"exp({f.coefficients[0]:g}) overflows")
    slopes = np.arange(len(f.coefficients)) * f.coefficients  # j f_j
    g = np.zeros_like(slopes)
    g[0] = np.exp(f.coefficients[0])
    for k in range(1, len(g)):
        g[k] = slopes[1 : k + 1] @ g[:k][::-1] / k
    return Series(g)


def series_log(f: Series) -> Series:
    """Return log(f), whose slope is f' / f; ``ValueError`` where f is not positive."""
    c = f.coefficients
    if c[0] <= 0:
        raise ValueError(f"a logarithm has no Taylor series at {c[0]:g}")
    slope = _quotient(np.arange(len(c)) * c, c).coefficients  # of (x - a) f' / f
    return Series(np.r_[np.log(c[0]), slope[1:] / np.arange(1, len(c))])


def _interval(a: float, b: float, n: int) -> None:
    if not (math.isfinite(a) and math.isfinite(b)):
        raise ValueError(f"the interval must be finite, got {a} to {b}; substitute first")
    if n < 1:
        raise ValueError(f"at least one panel is needed, got n = {n}")


def _values(f: Callable[[np.ndarray], ArrayLike], x: np.ndarray) -> np.ndarray:
    values = np.broadcast_to(np.asarray(f(x), dtype=float), x.shape)
    if not np.isfinite(values).all():
        where = x[~np.isfinite(values)][0]
        raise ValueError(f"f is not finite at x = {where:g}: split or substitute there")
    return values


def trapezoid(f: Callable[[np.ndarray], ArrayLike], a: float, b: float, n: int) -> float:
    """Integrate a function over n panels, by trapezoids; order 2 if f is smooth.

    Parameters
    ----------
    f : callable
        Takes an array of shape (n + 1,), returns one of the same shape.
    a, b : float
        The limits; b < a changes the sign.
    n : int
        Panels, at least 1.

    Raises
    ------
    ValueError
        If a limit is not finite, n < 1, or f is not finite at a node.
    """
    _interval(a, b, n)
    values = _values(f, np.linspace(a, b, n + 1))
    return float((b - a) / n * (values.sum() - (values[0] + values[-1]) / 2))


def simpson(f: Callable[[np.ndarray], ArrayLike], a: float, b: float, n: int) -> float:
    """Integrate over n panels by Simpson's rule: 2n + 1 evaluations, order 4.

    Parameters and errors as for ``trapezoid``.
    """
    _interval(a, b, n)
    values = _values(f, np.linspace(a, b, 2 * n + 1))
    ends, middles = (
        values[2:-1:2].sum() * 2 + values[0] + values[-1],
        values[1::2].sum(),
    )
    return float((b - a) / n * (ends + 4 * middles) / 6)


def gauss_legendre(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights on [−1, 1], exact for polynomials up to degree 2n − 1.

    Parameters
    ----------
    n : int
        How many, at least 1.

    Returns
    -------
    nodes, weights : ndarray, shape (n,)
        Nodes ascending; the weights sum to 2.

    Raises
    ------
    ValueError
        If n < 1.

    References
    ----------
    Golub and Welsch (1969); equation eq-integration-jacobi of the page.
    """
    if n < 1:
        raise ValueError(f"at least one node is needed, got n = {n}")
    k = np.arange(1, n)
    beta = k / np.sqrt(4.0 * k * k - 1)
    nodes, vectors = eigh(np.diag(beta, 1) + np.diag(beta, -1))
    order = np.argsort(nodes)
    return nodes[order], 2 * vectors[0, order] ** 2


def adaptive_simpson(
    f: Callable[[float], float],
    a: float,
    b: float,
    tolerance: float = 1e-10,
    max_depth: int = 40,
) -> tuple[float, int]:
    """Integrate by Simpson's rule, halving panels until their error estimates are small.

    Parameters
    ----------
    f : callable
        Takes and returns a float.
    a, b : float
        The limits.
    tolerance : float
        Wanted bound on the sum of the estimated errors, positive.
    max_depth : int
        How often a panel may be halved.

    Returns
    -------
    area : float
    n_evaluations : int

    Raises
    ------
    ValueError
        If a limit is not finite, the tolerance is not positive, f is not finite where it
        is evaluated, or a panel still misses its share after ``max_depth`` halvings.

    Notes
    -----
    The error is estimated from evaluations: what they do not see is not there.
    """
    _interval(a, b, 1)
    if not tolerance > 0:
        raise ValueError(f"tolerance must be positive, got {tolerance}")
    n_evaluations = 0

    def g(x: float) -> float:
        nonlocal n_evaluations
        n_evaluations += 1
        return float(_values(lambda x: f(float(x[0])), np.array([x]))[0])

    def walk(a: float, fa: float, fm: float, b: float, fb: float, tol: float, depth: int) -> float:
        m, h = (a + b) / 2, (b - a) / 6
        fl, fr = g((a + m) / 2), g((m + b) / 2)
        whole = h * (fa + 4 * fm + fb)
        halves = h / 2 * (fa + 4 * fl + 2 * fm + 4 * fr + fb)
        if abs(halves - whole) <= 15 * tol:
            return halves + (halves - whole) / 15
        if depth == 0:
            raise ValueError(f"no convergence near x = {m:g}: a singularity, or a tolerance too small")
        left = walk(a, fa, fl, m, fm, tol / 2, depth - 1)
        return left + walk(m, fm, fr, b, fb, tol / 2, depth - 1)

    return walk(a, g(a), g((a + b) / 2), b, g(b), tolerance, max_depth), n_evaluations


def monte_carlo(
    f: Callable[[np.ndarray], ArrayLike], sample: Callable[[int], ArrayLike], n: int
) -> tuple[float, float]:
    """Estimate the mean of f over random points.

    Parameters
    ----------
    f : callable
        Takes points of shape (n, d), returns values of shape (n,).
    sample : callable
        Takes n, returns n independent points, shape (n, d).
    n : int
        How many, at least 2.

    Returns
    -------
    mean, standard_error : float
        The error bar is that of equation eq-integration-monte-carlo; it needs f to have
        a variance.

    Raises
    ------
    ValueError
        If n < 2, f returns another shape, or a value is not finite.
    """
    if n < 2:
        raise ValueError(f"an error bar needs at least 2 points, got n = {n}")
    values = np.asarray(f(np.asarray(sample(n))), dtype=float)
    if values.shape != (n,):
        raise ValueError(f"f must return shape ({n},), got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("f is not finite at a sampled point")
    return float(values.mean()), float(values.std(ddof=1) / math.sqrt(n))


# seal: b79a4cbd4b066b03
