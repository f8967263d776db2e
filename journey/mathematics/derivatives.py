"""Derivatives.

Built in the page `scripts/01_Mathematics/05_derivatives.py`: edit the page, not this file.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = [
    "Dual",
    "cos",
    "derivative",
    "directional_derivative",
    "exp",
    "gradient",
    "hessian",
    "jacobian",
    "log",
    "plain",
    "sin",
    "sqrt",
    "tanh",
]


def plain(x: Any) -> Any:
    """Return the float or array under every ε of ``x``, without its derivatives."""
    while isinstance(x, Dual):
        x = x.value
    return x


def _real(x: Any, name: str = "an operand") -> Any:
    """Keep a Dual or float; make other real numbers a float or an array of float64."""
    if isinstance(x, (Dual, float)):
        return x
    values = np.asarray(x)
    if values.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold real numbers, got {type(x).__name__}")
    return values.astype(np.float64) if values.ndim else float(values)


def _spread(x: Any, shape: tuple[int, ...]) -> Any:
    """Broadcast a number, an array or a Dual to a shape."""
    if np.shape(plain(x)) == shape:
        return x
    if isinstance(x, Dual):
        return Dual(_spread(x.value, shape), _spread(x.derivative, shape), x.level)
    return np.broadcast_to(x, shape)


def _parts(x: Any, level: int) -> tuple[Any, Any]:
    """Value and derivative with regard to the ε of one level."""
    if isinstance(x, Dual) and x.level == level:
        return x.value, x.derivative
    return x, _spread(0.0, np.shape(plain(x)))


def _aligned(x: Any, y: Any) -> tuple[Any, Any, Any, Any, int]:
    """Values and derivatives of two operands, for the higher of their levels."""
    x, y = _real(x), _real(y)
    level = max(z.level for z in (x, y) if isinstance(z, Dual))
    return *_parts(x, level), *_parts(y, level), level


def _add(x: Any, y: Any) -> Dual:
    a, da, b, db, level = _aligned(x, y)
    return Dual(a + b, da + db, level)


def _multiply(x: Any, y: Any) -> Dual:
    a, da, b, db, level = _aligned(x, y)
    return Dual(a * b, da * b + a * db, level)


def _matmul(x: Any, y: Any) -> Dual:
    a, da, b, db, level = _aligned(x, y)
    return Dual(a @ b, da @ b + a @ db, level)  # the product rule, factors in order


def _divide(x: Any, y: Any) -> Dual:
    a, da, b, db, level = _aligned(x, y)
    if not np.all(plain(b)):
        raise ZeroDivisionError("a quotient has no derivative where its divisor is 0")
    q = a / b
    return Dual(q, (da - q * db) / b, level)


def _power(x: Any, y: Any) -> Dual:
    a, da, b, db, level = _aligned(x, y)
    if isinstance(y, Dual):
        logarithm = log(a)  # refuses a <= 0
        return Dual(a**b, a**b * (b * da / a + logarithm * db), level)
    base, whole = plain(a), b == np.floor(b)
    if np.any((base < 0) & ~whole) or np.any((base == 0) & (b < 1) & (b != 0)):
        raise ValueError(f"a power has no derivative at base {base} to exponent {b}")
    lower = np.where(b == 0, 1.0, b - 1.0)[()]  # exponent 0: slope 0, also at base 0
    return Dual(a**b, b * a**lower * da, level)


def _swapped(operation: Callable[[Any, Any], Any]) -> Any:
    return lambda x, y: operation(y, x)


def _by_value(comparison: Callable[[Any, Any], Any]) -> Any:
    return lambda x, y: comparison(plain(x), plain(y))


class Dual:
    """A number a + a'ε with ε² = 0: a value and its derivative.

    Parameters
    ----------
    value : real number, array, or Dual of a lower level
    derivative : the same; broadcast to the shape of the value
    level : int
        Which ε. Numbers that lack the highest level of an operation are constants to it.

    Raises
    ------
    ValueError
        If a part is not real, is a Dual that is not of lower level, or the shapes do not
        fit; in arithmetic, where a power or an absolute value has no derivative.
    ZeroDivisionError
        In a division by a value of zero.

    References
    ----------
    Equation eq-derivatives-dual of the page; R. E. Wengert (1964), A simple automatic
    derivative evaluation program.
    """

    __array_ufunc__ = None  # NumPy leaves `array * dual` to us and refuses np.exp(dual)

    def __init__(self, value: Any, derivative: Any = 0.0, level: int = 0) -> None:
        self.value, self.level = _real(value, "value"), level
        self.derivative = _spread(_real(derivative, "derivative"), self.shape)
        for part in (self.value, self.derivative):
            if isinstance(part, Dual) and part.level >= level:
                raise ValueError(f"a part has level {part.level}, not below {level}")

    __add__ = __radd__ = _add
    __mul__ = __rmul__ = _multiply
    __matmul__, __rmatmul__ = _matmul, _swapped(_matmul)
    __truediv__, __rtruediv__ = _divide, _swapped(_divide)
    __pow__, __rpow__ = _power, _swapped(_power)
    __eq__, __ne__ = _by_value(operator.eq), _by_value(operator.ne)
    __lt__, __le__ = _by_value(operator.lt), _by_value(operator.le)
    __gt__, __ge__ = _by_value(operator.gt), _by_value(operator.ge)

    def __neg__(self) -> Dual:
        return self * -1.0

    def __sub__(self, other: Any) -> Dual:
        return self + _real(other) * -1.0

    def __rsub__(self, other: Any) -> Dual:
        return self * -1.0 + other

    def __abs__(self) -> Dual:
        if not np.all(plain(self)):
            raise ValueError("abs has no derivative at 0")
        return self * np.sign(plain(self))

    def __bool__(self) -> bool:
        return bool(plain(self))

    def __len__(self) -> int:
        return len(plain(self))

    def __getitem__(self, index: Any) -> Dual:
        return Dual(self.value[index], self.derivative[index], self.level)

    def __repr__(self) -> str:
        return f"Dual({self.value}, {self.derivative}, level={self.level})"

    @property
    def shape(self) -> tuple[int, ...]:
        return np.shape(plain(self))

    @property
    def T(self) -> Dual:
        return Dual(self.value.T, self.derivative.T, self.level)

    def sum(self, axis: int | None = None) -> Dual:
        """Sum over one axis or all; the derivative of a sum is the sum."""
        return Dual(self.value.sum(axis), self.derivative.sum(axis), self.level)


def _chain(x: Dual, g: Callable[[Any], Any], slope: Callable[[Any], Any]) -> Dual:
    """Equation eq-derivatives-dual: g(a + a'ε) = g(a) + g'(a) a' ε."""
    return Dual(g(x.value), slope(x.value) * x.derivative, x.level)


def exp(x: Any) -> Any:
    """Exponential of a number, an array or a Dual; ValueError if x is not real."""
    return _chain(x, exp, exp) if isinstance(x, Dual) else np.exp(_real(x, "x"))


def sin(x: Any) -> Any:
    """Sine of a number, an array or a Dual; ValueError if x is not real."""
    return _chain(x, sin, cos) if isinstance(x, Dual) else np.sin(_real(x, "x"))


def cos(x: Any) -> Any:
    """Cosine of a number, an array or a Dual; ValueError if x is not real."""
    if isinstance(x, Dual):
        return _chain(x, cos, lambda a: sin(a) * -1.0)
    return np.cos(_real(x, "x"))


def _tanh_slope(a: Any) -> Any:
    e = exp(a * np.where(plain(a) < 0, 2.0, -2.0)[()])
    return e * 4.0 / (e + 1.0) ** 2


def tanh(x: Any) -> Any:
    """Hyperbolic tangent of a number, array or Dual; ValueError if x is not real."""
    if isinstance(x, Dual):
        return _chain(x, tanh, _tanh_slope)
    return np.tanh(_real(x, "x"))


def log(x: Any) -> Any:
    """Natural logarithm of a number, array or Dual; ValueError unless x > 0."""
    x = _real(x, "x")
    if np.any(plain(x) <= 0):
        raise ValueError("log needs numbers above 0")
    return _chain(x, log, lambda a: 1.0 / a) if isinstance(x, Dual) else np.log(x)


def sqrt(x: Any) -> Any:
    """Square root; ValueError if x < 0, or if x is a Dual of value 0: infinite slope."""
    x = _real(x, "x")
    if np.any(plain(x) < 0) or (isinstance(x, Dual) and not np.all(plain(x))):
        raise ValueError("sqrt needs numbers from 0, and above 0 for a slope")
    if isinstance(x, Dual):
        return _chain(x, sqrt, lambda a: 0.5 / sqrt(a))
    return np.sqrt(x)


_levels = itertools.count(1)


def _stack(y: Any, name: str) -> Any:
    """Join (nested) lists of numbers and Duals into one array or one Dual."""
    if isinstance(y, np.ndarray) and y.dtype == object:
        y = y.tolist()
    if not isinstance(y, (list, tuple)):
        return _real(y, name)
    items = [_stack(item, name) for item in y]
    level = max((z.level for z in items if isinstance(z, Dual)), default=None)
    if level is None:
        return np.array(items, dtype=np.float64)
    values, slopes = zip(*(_parts(item, level) for item in items))
    return Dual(_stack(values, name), _stack(slopes, name), level)


def _push(f: Callable[[Any], Any], x: Any, v: Any) -> Any:
    """Derivative of f along v: the coefficient of a fresh ε in f(x + v ε)."""
    level = next(_levels)
    return _parts(_stack(f(Dual(x, v, level)), "the result of f"), level)[1]


def _point(x: Any, name: str = "x") -> Any:
    """Finite real numbers or a Dual of such, or a ValueError."""
    x = _stack(x, name)
    if not np.isfinite(plain(x)).all():
        raise ValueError(f"{name} must be finite, but holds NaN or infinity")
    return x


def derivative(f: Callable[[Any], Any], x: Any) -> Any:
    """Derivative of a function of one number, by one run of it.

    Parameters
    ----------
    f : callable
        Made of arithmetic and this module's functions.
    x : float or array
        In an array each element is a point of its own; f acts on each alone.

    Raises
    ------
    ValueError
        If x is not finite, or f returns another shape than x has.
    """
    x = _point(x)
    shape = np.shape(plain(x))
    slope = _push(f, x, _spread(1.0, shape))
    if np.shape(plain(slope)) != shape:
        found = np.shape(plain(slope))
        raise ValueError(f"f must return the shape of x, {shape}, got {found}")
    return slope


def directional_derivative(f: Callable[[Any], Any], x: Any, v: Any) -> Any:
    """Derivative of f at x along v, that is J v, by one run of f.

    Parameters
    ----------
    f : callable
    x, v : array_like
        A point of any shape; a direction, broadcast to that shape but not scaled.

    Raises
    ------
    ValueError
        If x or v is not finite, or v does not fit x.
    """
    x, v = _point(x), _point(v, "v")
    shape, given = np.shape(plain(x)), np.shape(plain(v))
    try:
        v = _spread(v, shape)
    except ValueError:
        raise ValueError(f"v of shape {given} does not fit x, {shape}") from None
    return _push(f, x, v)


def _slopes(f: Callable[[Any], Any], x: Any, n_axes: int, accepted: str) -> Any:
    """The derivatives of f along each coordinate, stacked: shape (d, ...)."""
    x = _point(x)
    if len(np.shape(plain(x))) != 1 or len(x) == 0:
        raise ValueError(f"x must have shape (d,), d > 0, got {np.shape(plain(x))}")
    slopes = [_push(f, x, direction) for direction in np.eye(len(x))]
    if len(np.shape(plain(slopes[0]))) != n_axes:
        found = np.shape(plain(slopes[0]))
        raise ValueError(f"f must return {accepted}, got shape {found}")
    return _stack(slopes, "the result of f")


def gradient(f: Callable[[Any], Any], x: Any) -> Any:
    """Gradient, shape (d,), of a function of d variables, by d runs of it.

    Parameters
    ----------
    f : callable, (d,) to one number
    x : array_like of shape (d,)

    Raises
    ------
    ValueError
        If x is not a finite vector, or f does not return one number.
    """
    return _slopes(f, x, 0, "one number (jacobian accepts a vector)")


def jacobian(f: Callable[[Any], Any], x: Any) -> Any:
    """Jacobian, shape (m, d): entry (i, j) is output i differentiated by input j.

    Parameters
    ----------
    f : callable, (d,) to (m,)
        May return a list of m numbers.
    x : array_like of shape (d,)

    Raises
    ------
    ValueError
        If x is not a finite vector, or f does not return a vector.
    """
    return _slopes(f, x, 1, "a vector (gradient accepts one number)").T


def hessian(f: Callable[[Any], Any], x: Any) -> Any:
    """Second derivatives, shape (d, d): the Jacobian of the gradient, by d² runs of f.

    Parameters
    ----------
    f : callable, (d,) to one number
    x : array_like of shape (d,)

    Raises
    ------
    ValueError
        If x is not a finite vector, or f does not return one number.
    """
    return jacobian(lambda p: gradient(f, p), x)


# seal: 9c3bea7ac252ff78
