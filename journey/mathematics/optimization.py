"""Optimisation.

Built in the page `scripts/01_Mathematics/07_optimization.py`: edit the page, not this file.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["Descent", "backtracking_line_search", "gradient_descent", "newton"]


class Descent(NamedTuple):
    """Result: last point (d,), points visited (n_steps + 1, d), steps taken, success."""

    x: np.ndarray
    path: np.ndarray
    n_steps: int
    converged: bool


def _vector(values: ArrayLike, name: str) -> np.ndarray:
    """A copy as float64 of shape (d,), d > 0, finite; else a ValueError naming it."""
    x = np.asarray(values)
    if x.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold real numbers, got dtype {x.dtype}")
    if x.ndim != 1 or x.size == 0:
        raise ValueError(f"{name} must have shape (d,) with d > 0, got {x.shape}")
    x = x.astype(np.float64)
    if not np.isfinite(x).all():
        raise ValueError(f"{name} must be finite, but holds NaN or infinity")
    return x


def _check_limits(n_steps: int, tolerance: float) -> None:
    """Refuse a number of steps or a tolerance that makes no sense."""
    if not float(n_steps).is_integer() or n_steps < 0:
        raise ValueError(f"n_steps must be a whole number, 0 or more, got {n_steps}")
    if not 0 <= tolerance < np.inf:
        raise ValueError(f"tolerance must be finite and not negative, got {tolerance}")


def _values(function: Callable, x: np.ndarray, shape: tuple, name: str) -> np.ndarray:
    """What a caller's function gives at x, as floats of the shape that it must have."""
    values = np.asarray(function(x), dtype=np.float64)
    if values.shape != shape:
        raise ValueError(f"{name} must return shape {shape}, got {values.shape}")
    return values


def gradient_descent(
    gradient: Callable[[np.ndarray], ArrayLike],
    start: ArrayLike,
    learning_rate: float | Callable[[np.ndarray], float],
    n_steps: int = 1000,
    momentum: float = 0.0,
    tolerance: float = 1e-8,
) -> Descent:
    """Walk against the gradient: equation eq-optimization-momentum (Polyak, 1964).

    Parameters
    ----------
    gradient : callable, (d,) to (d,)
    start : array_like of shape (d,)
    learning_rate : float or callable, (d,) to float
        Above 0; a callable chooses it at each point (a line search).
    n_steps : int
        The most steps; the path takes memory for ``n_steps + 1`` points.
    momentum : float
        Share of the last step that is kept, 0 up to but not including 1.
    tolerance : float
        Converged when no component of the gradient is larger.

    Returns
    -------
    Descent
        ``x, path, n_steps, converged``. A walk that overflows stops at its last
        finite point, not converged.

    Raises
    ------
    ValueError
        If the start is not a finite vector, the gradient has another shape or is not
        finite at the start, or a setting is out of range.
    """
    x = previous = _vector(start, "start")
    _check_limits(n_steps, tolerance)
    if not callable(learning_rate) and not 0 < learning_rate < np.inf:
        raise ValueError(f"learning_rate must be above 0, got {learning_rate}")
    if not 0 <= momentum < 1:
        raise ValueError(f"momentum must be in [0, 1), got {momentum}")
    slope, path = _values(gradient, x, x.shape, "gradient"), [x]
    if not np.isfinite(slope).all():
        raise ValueError("the gradient is not finite at the start")
    with np.errstate(over="ignore", invalid="ignore"):
        while np.abs(slope).max() > tolerance and len(path) <= n_steps:
            rate = learning_rate(x) if callable(learning_rate) else learning_rate
            x, previous = x - rate * slope + momentum * (x - previous), x
            slope = _values(gradient, x, x.shape, "gradient")
            if not (np.isfinite(x).all() and np.isfinite(slope).all()):
                return Descent(path[-1], np.array(path), len(path) - 1, False)
            path.append(x)
    converged = bool(np.abs(slope).max() <= tolerance)
    return Descent(path[-1], np.array(path), len(path) - 1, converged)


def backtracking_line_search(
    f: Callable[[np.ndarray], float],
    gradient: Callable[[np.ndarray], ArrayLike],
    x: ArrayLike,
    direction: ArrayLike | None = None,
    first: float = 1.0,
) -> float:
    """First step in first, first / 2, … that passes eq-optimization-armijo.

    Parameters
    ----------
    f : callable, (d,) to float
        A value that is not a number counts as too high.
    gradient : callable, (d,) to (d,)
    x : array_like of shape (d,)
    direction : array_like of shape (d,), optional
        Must lead downhill; against the gradient if left out.
    first : float
        The longest step to try, above 0.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If an input is malformed, the direction does not lead downhill, or no step that
        still moves x lowers f enough.
    """
    point = _vector(x, "x")
    if not 0 < first < np.inf:
        raise ValueError(f"first must be above 0, got {first}")
    slope = _values(gradient, point, point.shape, "gradient")
    way = -slope if direction is None else _vector(direction, "direction")
    if way.shape != point.shape:
        raise ValueError(f"direction must have shape {point.shape}, got {way.shape}")
    promise, here = float(slope @ way), float(f(point))
    if not promise < 0 or not np.isfinite(here):
        raise ValueError("the direction must lead downhill from a finite value of f")
    step = first
    with np.errstate(over="ignore", invalid="ignore"):
        while not f(point + step * way) <= here + 1e-4 * step * promise:
            step /= 2
            if (point + step * way == point).all():
                raise ValueError("no step lowers f: are f and its gradient a pair?")
    return step


def _newton_step(H: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Solve H d = -slope; the scaling makes the check of H blind to units."""
    size = np.sqrt(np.abs(np.diag(H)))
    size[size == 0] = 1.0
    scaled = H / np.outer(size, size)
    if not np.linalg.cond(scaled) < 1 / np.finfo(float).eps:
        raise ValueError("the Hessian is singular: Newton's step is not determined")
    return -np.linalg.solve(scaled, slope / size) / size


def newton(
    gradient: Callable[[np.ndarray], ArrayLike],
    hessian: Callable[[np.ndarray], ArrayLike],
    start: ArrayLike,
    n_steps: int = 50,
    tolerance: float = 1e-10,
) -> Descent:
    """Find a minimum, saddle or maximum by full steps of eq-optimization-newton.

    Parameters
    ----------
    gradient : callable, (d,) to (d,)
    hessian : callable, (d,) to (d, d), symmetric
    start : array_like of shape (d,)
    n_steps : int
        The most steps; each costs O(d³) time and O(d²) memory.
    tolerance : float
        Converged when no component of the gradient is larger.

    Returns
    -------
    Descent
        ``x, path, n_steps, converged``; a walk that overflows stops, not converged.

    Raises
    ------
    ValueError
        If an input is malformed, or the Hessian on the way is singular or not finite.
    """
    x = _vector(start, "start")
    _check_limits(n_steps, tolerance)
    slope, path = _values(gradient, x, x.shape, "gradient"), [x]
    if not np.isfinite(slope).all():
        raise ValueError("the gradient is not finite at the start")
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        while np.abs(slope).max() > tolerance and len(path) <= n_steps:
            H = _values(hessian, x, (x.size, x.size), "hessian")
            if not np.isfinite(H).all():
                raise ValueError(f"the Hessian is not finite at step {len(path)}")
            x = x + _newton_step(H, slope)
            slope = _values(gradient, x, x.shape, "gradient")
            if not (np.isfinite(x).all() and np.isfinite(slope).all()):
                return Descent(path[-1], np.array(path), len(path) - 1, False)
            path.append(x)
    converged = bool(np.abs(slope).max() <= tolerance)
    return Descent(path[-1], np.array(path), len(path) - 1, converged)


# seal: e71738e6a275e617
