# %% [markdown]
# # Derivatives
#
# What does a slope mean when there are many directions to walk in, and how does a program compute it without
# estimating it?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `Dual`, a number that carries its derivative; `derivative`, `gradient`,
#   `directional_derivative`, `jacobian` and `hessian`, exact to rounding
# - **You need** {doc}`01_vectors`, what a matrix times a vector is, and the valley of difference quotients
#   ({doc}`../00_Orientation/03_checks`)
# - **Checked against** closed forms, SciPy's spline derivatives, `torch.func`, difference quotients
# - **Time** 35 minutes to read, 60 to code
# - **Data** heights around the Jacksboro fault, Tennessee (344 × 403, whole metres), sample data of Matplotlib;
#   breast cancer (569 × 30), scikit-learn, BSD-3
# ````

# %%
from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.cbook import get_sample_data
from scipy.interpolate import NdBSpline
from scipy.optimize import brentq
from scipy.special import lambertw
from sklearn.datasets import load_breast_cancer

from journey.orientation.checks import check_close, check_gradient, claim, try_answer
from journey.orientation.figures import (
    COLORS,
    DASHES,
    MARKERS,
    draw_vectors,
    use_journey_style,
)

use_journey_style()

# %% [markdown]
# ## The ridge that a lamp erases
#
# Heights in metres on a grid of cells 74 m wide and 93 m high, row 0 in the south. From each cell, take the
# neighbour towards a lamp and the one away from it, subtract, and divide by their distance. A slope that faces
# the lamp falls towards it and is drawn bright.

# %%
survey = get_sample_data("jacksboro_fault_dem.npz")
ground = survey["elevation"][::-1].astype(float)  # (344, 403), metres
breadth = 111_200 * float(survey["dy"])  # of a cell, south to north, metres
width = breadth * math.cos(math.radians(float(survey["ymin"])))  # west to east
across = 2 * math.hypot(width, breadth)  # from a cell's neighbour to the opposite one
to_northwest = (ground[2:, :-2] - ground[:-2, 2:]) / across
to_northeast = (ground[2:, 2:] - ground[:-2, :-2]) / across

# %% mystnb={"figure": {"caption": "Left: heights. Middle and right: slopes towards a lamp. The ridge that runs to the upper right corner is sharp under one lamp and gone under the other, which shines along it.", "name": "fig-derivatives-lamps"}, "image": {"alt": "Three maps of the same land. Heights in grey: hills on the left, a long narrow ridge running to the upper right. Shaded from the north-west the land looks solid and the ridge is a sharp bright line. Shaded from the north-east other slopes stand out and the ridge has almost vanished."}} tags=["hide-input"]
figure, panels = plt.subplots(1, 3, figsize=(7.8, 3.2), sharey=True)
greys = plt.get_cmap("gray", 16)  # few shades make a small file
pictures = {
    "Height": ground,
    "Lamp in the north-west": -to_northwest,
    "Lamp in the north-east": -to_northeast,
}
for axes, (title, picture) in zip(panels, pictures.items()):
    limits = {} if picture is ground else {"vmin": -0.4, "vmax": 0.4}
    extent = [0, 0.403 * width, 0, 0.344 * breadth]
    axes.imshow(picture, cmap=greys, origin="lower", extent=extent, **limits)
    axes.set_title(title, fontsize=10.5)
    axes.set_xlabel("east (km)")
    axes.grid(False)
style = {"arrowstyle": "-|>", "color": COLORS["orange"], "lw": 3}
panels[1].annotate("", (8.2, 24), (4.5, 28.5), arrowprops=style)
panels[2].annotate("", (21.8, 24), (25.5, 28.5), arrowprops=style)
panels[0].set_ylabel("north (km)")
plt.show()

# %%
flank = np.s_[250:268, 302:326]  # 1.7 km of the ridge's northern flank
ratio = np.abs(to_northwest[flank]).mean() / np.abs(to_northeast[flank]).mean()
claim("derivatives-ridge-slope-across-over-along", ratio, at_least=2)

# %% [markdown]
# At one place the land has not one slope but one for each direction. Yet these are averages over 240 metres,
# and the slope *at a place* should not depend on a step. A shorter step fails in a new way, because the heights
# are whole metres. This page says what the slope at a place is, shows that a few numbers hold all directions,
# and lets a program compute them with no step at all.
#
# ## Predict
#
# 1. Slopes towards how many lamps must be known at a place to know the slope towards any?
# 2. A smooth height is rounded to whole metres, then its slope is taken by a difference quotient over $h$
#    metres. Which is best: $h = 10^{-8}$, 0.01, 1 or 30?
# 3. A program computes $\sqrt a$ by iteration, right to the last digit. Its derivative is computed operation by
#    operation, without any approximation. How wrong can that be?

# %% [markdown]
# ## The part of a change that is proportional to the step
#
# Take $f(x) = x\,(x + 2)$ at $x = 3$, where $f = 15$. A step $h$ changes it to
# $(3 + h)(5 + h) = 15 + 8h + h^2$, so the difference quotient is
#
# $$
# \frac{f(3 + h) - f(3)}{h} = 8 + h \;\longrightarrow\; 8 \quad (h \to 0).
# $$ (eq-derivatives-limit)
#
# The limit is the **derivative** $f'(3)$. Read it again without a quotient: the change is $8h$, which is
# proportional to the step, and a rest that vanishes faster than the step. This form has a meaning for vectors,
# too. A function $f: \mathbb{R}^d \to \mathbb{R}^m$ is **differentiable** at $\mathbf{x}$ if there is a matrix
# $\mathbf{J} \in \mathbb{R}^{m \times d}$ with
#
# $$
# f(\mathbf{x} + \mathbf{v}) = f(\mathbf{x}) + \mathbf{J}\,\mathbf{v} + r(\mathbf{v}),
# \qquad
# \frac{\lVert r(\mathbf{v}) \rVert}{\lVert \mathbf{v} \rVert} \to 0
# \quad (\mathbf{v} \to \mathbf{0}).
# $$ (eq-derivatives-linear)
#
# $\mathbf{J}$ is the **Jacobian**. Its entry $J_{ij} = \partial f_i / \partial x_j$ is the derivative of output
# $i$ when only input $j$ moves. For $m = 1$ its only row, written as a column, is the {term}`gradient` $\nabla f$,
# and $\nabla f \cdot \mathbf{v}$ is the **directional derivative** of $f$ along $\mathbf{v}$: metres of height
# for each metre of way, if $\lVert \mathbf{v} \rVert = 1$.
#
# **No limit in sight.** In $15 + 8h + h^2$ the limit keeps 8 and drops what carries another $h$. That can be
# done before the calculation instead of after it: compute with a symbol $\varepsilon \neq 0$ for which
# $\varepsilon^2 = 0$. Then $(3 + \varepsilon)(5 + \varepsilon) = 15 + 8\,\varepsilon$, exactly. A number
# $a + a'\varepsilon$ is called **dual**; $a$ is its value and $a'$ its derivative:
#
# $$
# (a + a'\varepsilon)(b + b'\varepsilon) = ab + (a'b + ab')\,\varepsilon,
# \qquad
# g(a + a'\varepsilon) = g(a) + g'(a)\,a'\,\varepsilon .
# $$ (eq-derivatives-dual)
#
# The first is multiplying out, and it *is* the product rule. The second is {eq}`eq-derivatives-linear` for the
# step $a'\varepsilon$, whose rest vanishes: for a polynomial multiply out, for other functions take it as the
# definition. So is the chain rule, for vectors at once. With $f$ inside $g$ and a direction $\mathbf{v}$,
#
# $$
# g\bigl(f(\mathbf{x} + \mathbf{v}\varepsilon)\bigr)
# = g\bigl(f(\mathbf{x}) + \mathbf{J}_f \mathbf{v}\,\varepsilon\bigr)
# = g\bigl(f(\mathbf{x})\bigr) + \mathbf{J}_g \mathbf{J}_f \mathbf{v}\,\varepsilon,
# \qquad\text{so}\qquad
# \mathbf{J}_{g \circ f} = \mathbf{J}_g\,\mathbf{J}_f .
# $$ (eq-derivatives-chain)
#
# **The chain rule is a matrix product.** A program is a chain of operations whose derivatives are known. Run it
# on $\mathbf{x} + \mathbf{v}\varepsilon$, and the coefficient of $\varepsilon$ in the result is the directional
# derivative. This is *forward-mode automatic differentiation* {cite:p}`wengert1964simple`. For sums and
# products:


# %%
class Tiny:
    """A value and a derivative, with ε² = 0."""

    def __init__(self, value, derivative=0.0):
        self.value, self.derivative = value, derivative

    def __add__(self, other):
        b = other if isinstance(other, Tiny) else Tiny(other)
        return Tiny(self.value + b.value, self.derivative + b.derivative)

    def __mul__(self, other):
        b = other if isinstance(other, Tiny) else Tiny(other)
        slope = self.derivative * b.value + self.value * b.derivative  # product rule
        return Tiny(self.value * b.value, slope)


# %%
def tiny_derivative(f, x):
    y = f(Tiny(x, 1.0))
    return y.derivative if isinstance(y, Tiny) else 0.0


y = Tiny(3.0, 1.0) * (Tiny(3.0, 1.0) + 2)
print(f"f(3 + ε) = {y.value:g} + {y.derivative:g} ε")
claim("derivatives-hand-example", y.derivative, equal_to=8)

# %% [markdown]
# ## Two derivatives, one ε
#
# The numbers of the hand calculation, and no step was chosen. Is the class ready for use? A derivative may occur
# inside a function that is being differentiated. Let $g(x) = x \cdot \frac{\mathrm d}{\mathrm dy}(x + y)$. The
# inner derivative is 1, whatever $x$ is, so $g(x) = x$ and $g'(x) = 1$.

# %%
confused = tiny_derivative(lambda x: x * tiny_derivative(lambda y: y + x, 1.0), 1.0)
print(f"g'(1) = {confused:g}")
claim("derivatives-confused-perturbations", confused, equal_to=2)

# %% [markdown]
# Two, and no error. In $x + y$ both $x$ and $y$ carried a derivative, and the inner call took the sum of the two for
# its own. This is *perturbation confusion*: outer and inner $\varepsilon$ are different symbols, with
# $\varepsilon_1 \varepsilon_2 \neq 0$. The cure is to number them. Each differentiation takes a fresh **level**, and
# an operation treats whatever lacks its highest level as a constant. The parts of a dual number may then be dual
# numbers of lower level, which is also how second derivatives will arise. (Functions that *return* functions defeat
# even the numbering {cite:p}`manzyuk2019perturbation`; the class refuses them.)
#
# ## The class
#
# The final version differs in three more ways. Its parts may be arrays, so that one run differentiates at many
# places at once. It compares by value, so that programs with `if` and `while` run. And it refuses: a slope that
# does not exist, a NumPy function that would drop the derivative, a number that is not real.


# %% tags=["export"]
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


# %% [markdown]
# Every operation first brings its operands to a common level. Then a line of calculus follows: for a quotient
# $q = a / b$, the product rule for $a = q\,b$ gives $a' = q'b + q\,b'$, hence $q'$. A power with a constant
# exponent exists for negative $a$, too; $a^b$ with a moving exponent is $\mathrm e^{b \log a}$ and needs
# $a > 0$.


# %% tags=["export"]
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


# %% tags=["export"]
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


# %% tags=["export"]
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


# %% [markdown]
# Elementary functions bring their own slope, made of functions of the same kind, so that it works at any depth
# of nesting. One needs thought: the usual slope of $\tanh$, $1 - \tanh^2 a$, subtracts two nearly equal numbers
# when $\lvert a \rvert$ is large; $4e/(1 + e)^2$ with $e = \mathrm e^{-2\lvert a\rvert}$ does not.


# %% tags=["export"]
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


# %% tags=["export"]
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


# %% [markdown]
# All five differentiators rest on one line: run $f$ on $\mathbf{x} + \mathbf{v}\varepsilon$ with a fresh level
# and read the coefficient off the result. A gradient does it for each coordinate direction, and a Hessian is
# the Jacobian of a gradient.


# %% tags=["export"]
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


# %% tags=["export"]
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


# %% tags=["export"]
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


# %% [markdown]
# First the confused example again, then closed forms on 200 numbers at a time: functions whose derivatives are
# known, and a second derivative by nesting.

# %%
untangled = derivative(lambda x: x * derivative(lambda y: y + x, 1.0), 1.0)
claim("derivatives-levels-untangle", untangled, equal_to=1)
x = np.geomspace(0.01, 15, 200)
ours = derivative(lambda x: x**x - 2 / x, x)
check_close(ours, x**x * (np.log(x) + 1) + 2 / x**2, rtol=1e-12)
twice = derivative(lambda x: derivative(tanh, x), x)
check_close(twice, -2 * np.tanh(x) / np.cosh(x) ** 2, rtol=1e-12)
ours, textbook = derivative(tanh, x), 1 - np.tanh(x) ** 2
claim("derivatives-tanh-slope", np.abs(ours * np.cosh(x) ** 2 - 1).max(), at_most=1e-13)
lost = np.abs(textbook * np.cosh(x) ** 2 - 1).max()
claim("derivatives-tanh-slope-by-textbook", lost, at_least=1e-5)

# %% [markdown]
# Exact means: as exact as the formula that runs. The textbook's slope of $\tanh$ has lost most of its digits at
# 15.
#
# (sec-derivatives-land)=
# ## Two numbers hold all the slopes
#
# Between the grid's points the land needs a height. A cubic B-spline gives one: each height is spread over
# $4 \times 4$ cells with the weights below, cubic in the position within the cell, so that height, slope and
# curvature are continuous. It is an ordinary program, with a loop, an index and a `floor`.


# %%
def weights(t):
    """Cubic B-spline weights of four points, at t in [0, 1) between the middle two."""
    s = 1 - t
    return s**3 / 6, 2 / 3 - t**2 + t**3 / 2, 2 / 3 - s**2 + s**3 / 2, t**3 / 6


def height(p, ground=ground):
    """Height in metres at p = (east, north) in metres, shape (2, ...)."""
    u, v = p[0] / width, p[1] / breadth
    column, row = np.floor(plain(u)), np.floor(plain(v))
    east, north, total = weights(u - column), weights(v - row), 0.0
    for b, a in np.ndindex(4, 4):
        known = ground[row.astype(int) + b - 1, column.astype(int) + a - 1]
        total = total + known * east[a] * north[b]
    return total


# %% [markdown]
# SciPy knows the same surface as a spline with uniform knots, and its exact derivatives. One run of `height` on
# an array of dual numbers differentiates it at 136,000 places at once.

# %%
knots = breadth * np.arange(-2.0, 346), width * np.arange(-2.0, 405)
spline = NdBSpline(knots, ground, 3)  # called with (north, east)
inside = width * np.arange(1.5, 401), breadth * np.arange(1.5, 342)
places = np.stack(np.meshgrid(*inside))  # (2, 341, 400), metres


def map_of_slopes(v):
    return directional_derivative(height, places, np.reshape(v, (2, 1, 1)))


reference = spline(np.moveaxis(places[::-1], 0, -1), nu=(0, 1))
deviation = check_close(map_of_slopes([1, 0]), reference, atol=1e-11)
claim("derivatives-map-against-scipy", deviation, at_most=1e-11)

# %% [markdown]
# The chain rule {eq}`eq-derivatives-chain` on the land: go around a place in polar coordinates $(r, \varphi)$.
# The slopes by $r$ and $\varphi$, by one gradient through everything, must be the product of the two Jacobians.

# %%
here = np.array([23_300.0, 24_000.0])  # on the flank of the ridge


def around(q):
    return [here[0] + q[0] * cos(q[1]), here[1] + q[0] * sin(q[1])]


q = np.array([500.0, 1.0])  # metres, radians
whole = gradient(lambda q: height(around(q)), q)
factors = gradient(height, around(q)) @ jacobian(around, q)  # (2,) times (2, 2)
deviation = check_close(whole, factors, rtol=1e-11)
claim("derivatives-chain-rule", deviation, at_most=1e-10)

# %% [markdown]
# Now all directions at one place. The gradient is two numbers. By {eq}`eq-derivatives-linear` the slope along a
# direction $\mathbf{v}$ of length 1 is $\nabla f \cdot \mathbf{v} = \lVert \nabla f \rVert \cos\theta$, with
# $\theta$ the angle between them. So all slopes at a place form one cosine.

# %%
uphill = gradient(height, here)
steepest = np.linalg.norm(uphill)
compass = np.radians(np.arange(0, 360, 10))  # clockwise from north
headings = np.stack([np.sin(compass), np.cos(compass)], axis=1)  # (36, 2)
slopes = np.array([directional_derivative(height, here, v) for v in headings])
print(f"gradient ({uphill[0]:.3f}, {uphill[1]:.3f}), steepest slope {steepest:.3f}")

# %% mystnb={"figure": {"caption": "The slope in every direction is the shadow of one arrow. It is greatest along the gradient and zero along the contour line.", "name": "fig-derivatives-compass"}, "image": {"alt": "Left: contour lines of a hillside around a place, with the gradient as an arrow at right angles to the lines. Right: slope against heading from 0 to 360 degrees; 36 dots lie on a cosine that peaks at the heading of the gradient."}} tags=["hide-input"]
figure, (land, curve) = plt.subplots(1, 2, figsize=(8.2, 3.6))
grid = np.stack(np.meshgrid(*[np.linspace(-300, 300, 61)] * 2))
surface = height(grid + here.reshape(2, 1, 1))
look = {"colors": COLORS["gray"], "linewidths": 1}
land.clabel(land.contour(*grid, surface, 10, **look), fontsize=7.5, fmt="%d m")
draw_vectors(land, [150 * uphill / steepest], colors=[COLORS["red"]])
land.plot(0, 0, "o", color=COLORS["ink"])
land.set(aspect="equal", xlabel="east of the place (m)", ylabel="north (m)")
land.set_title("The gradient crosses the contours")
heading = np.degrees(np.arctan2(*uphill)) % 360
angles = np.linspace(0, 360, 361)
cosine = steepest * np.cos(np.radians(angles - heading))
curve.plot(angles, cosine, color=COLORS["blue"])
curve.plot(np.degrees(compass), slopes, "o", color=COLORS["ink"], ms=4)
curve.axvline(heading, color=COLORS["red"], ls=DASHES[1], lw=1.5)
curve.text(heading - 8, -steepest, "gradient", color=COLORS["red"], ha="right")
curve.set(xlabel="heading (degrees from north)", ylabel="slope (m per m)")
curve.set(title="All slopes are one cosine", xticks=range(0, 361, 90))
plt.show()

# %%
deviation = check_close(slopes, headings @ uphill, atol=1e-12)
claim("derivatives-slopes-are-a-cosine", deviation, at_most=1e-12)
north_west, north_east = map_of_slopes([-1, 1]), map_of_slopes([1, 1])
mixed = 0.7 * north_east - 0.1 * north_west  # 0.7 (1, 1) - 0.1 (-1, 1) = (0.8, 0.6)
deviation = check_close(map_of_slopes([0.8, 0.6]), mixed, atol=1e-11)
claim("derivatives-third-lamp-from-two", deviation, at_most=1e-11)

# %% [markdown]
# *Prediction 1.* Two. The map under any lamp is a combination of the two maps of
# {numref}`fig-derivatives-lamps`. **Why the gradient is the steepest way**: by Cauchy–Schwarz,
# {eq}`eq-vectors-cauchy-schwarz`, $\nabla f \cdot \mathbf{v} \leq \lVert \nabla f \rVert$ for
# $\lVert \mathbf{v} \rVert = 1$, with equality for $\mathbf{v}$ along $\nabla f$. And at right angles to it the
# slope is zero: there runs the contour line, and from there a lamp erases a ridge.
#
# **Curvature.** The gradient is a function, too. Its Jacobian is the **Hessian** $\mathbf{H}$, with the entries
# $\partial^2 f / \partial x_i \partial x_j$, symmetric where they are continuous. It says how the slope turns
# along the way, and is the next term of the change: $\frac12 \mathbf{v}^\top \mathbf{H}\,\mathbf{v}$.

# %%
exact = np.array([spline(here[::-1], nu=nu).item() for nu in ((0, 2), (1, 1), (2, 0))])
bends = hessian(height, here)
deviation = check_close(bends, exact[[[0, 1], [1, 2]]], atol=1e-13)
claim("derivatives-hessian-against-scipy", deviation, at_most=1e-13)
step = 4 * headings.T  # (2, 36), metres
change = height(here[:, None] + step) - height(here)
linear = uphill @ step
quadratic = linear + 0.5 * np.sum(step * (bends @ step), axis=0)
gain = np.abs(change - linear).mean() / np.abs(change - quadratic).mean()
claim("derivatives-hessian-improves-four-metres-by", gain, at_least=10)

# %% [markdown]
# ## Three valleys, and no valley
#
# A difference quotient errs by truncation and by noise. If $f$ is known to within $\delta$, the bound of
# {ref}`sec-checks-gradient` becomes
#
# $$
# E(h) \lesssim \frac h2 \lvert f'' \rvert + \frac{2\delta}{h},
# \qquad
# h^\ast = 2 \sqrt{\delta / \lvert f'' \rvert},
# \qquad
# E(h^\ast) = 2 \sqrt{\delta\,\lvert f'' \rvert} .
# $$ (eq-derivatives-noise)
#
# In {numref}`fig-checks-valley` the noise was rounding in 64 bits. Here it comes in three sizes: 64 bits, 32
# bits (in which networks are trained) and heights rounded to whole metres, $\delta = 0.5$.

# %%
rng = np.random.default_rng(0)
p = rng.uniform((1000, 1000), (28_000, 30_000), (1000, 2)).T  # 1,000 places
ground32 = ground.astype(np.float32)
versions = {
    "64 bits": height,
    "32 bits": lambda q: height(q.astype(np.float32), ground32),
    "whole metres": lambda q: np.round(height(q)),
}
steps = np.geomspace(1e-9, 1000, 61)
truth = spline(p[::-1].T, nu=(0, 1))  # the slope towards the east


def relative(slope):
    return np.median(np.abs(slope - truth)) / np.median(np.abs(truth))


# %%
east, errors = np.array([[1.0], [0.0]]), {}
for name, f in versions.items():
    errors[name] = [relative((f(p + h * east) - f(p)) / h) for h in steps]
best = {name: steps[np.argmin(error)] for name, error in errors.items()}
by_dual = relative(directional_derivative(height, p, east))

# %% mystnb={"figure": {"caption": "The noisier the function, the longer the best step and the worse its result. A dual number takes no step. Median of 1,000 places.", "name": "fig-derivatives-valleys"}, "image": {"alt": "Log-log plot of relative slope error against step in metres. Three V-shaped curves: 64 bits lowest, with its best step near one hundred-thousandth of a metre; 32 bits higher, near half a metre; whole metres highest, near twenty metres, flat at error 1 for short steps. A horizontal line far below marks dual numbers."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.4, 3.9))
looks = ("blue", 1e-9, 1e-5), ("purple", 2e-5, 3e-2), ("red", 1e-9, 3)
for k, (name, (color, x, y)) in enumerate(zip(errors, looks)):
    look = {"color": COLORS[color], "marker": MARKERS[k]}
    axes.loglog(steps, errors[name], ls=DASHES[k], markevery=5, **look)
    axes.plot(best[name], min(errors[name]), ms=10, **look)
    axes.text(x, y, name, color=COLORS[color])
axes.axhline(by_dual, color=COLORS["ink"], lw=2.5)
axes.text(1e-9, 2.5 * by_dual, "dual numbers")
axes.set(xlabel="step (m)", ylabel="relative error of the slope", ylim=(3e-17, 300))
axes.set_title("Noise moves the valley; duals have none")
plt.show()

# %%
curvature = np.median(np.abs(spline(p[::-1].T, nu=(0, 2))))
predicted = 2 * math.sqrt(0.5 / curvature)
claim("derivatives-metres-step", best["whole metres"] / predicted, within=(0.3, 3))
claim("derivatives-step-32-bits", best["32 bits"] / best["64 bits"], within=(3e3, 3e5))
claim("derivatives-error-64-bits", min(errors["64 bits"]), within=(1e-9, 1e-6))
claim("derivatives-error-32-bits", min(errors["32 bits"]), within=(1e-4, 1e-2))
claim("derivatives-error-metres", min(errors["whole metres"]), within=(0.05, 0.3))
claim("derivatives-error-dual", by_dual, at_most=1e-12)

# %% [markdown]
# *Prediction 2.* Tens of metres, as {eq}`eq-derivatives-noise` says, and even there a slope is wrong by about a
# tenth. A short step on whole metres finds no change at all and reports flat land: an error of 1. In 32 bits
# the step that is best in 64 does the same. Dual numbers keep more than twelve digits, but they need the
# *program* of $f$; for a function that can only be measured, choose the step by {eq}`eq-derivatives-noise`.
#
# ## One pass for each input, or one for each output
#
# A program is a chain of steps, so its Jacobian is a product,
# $\mathbf{J} = \mathbf{J}_k \cdots \mathbf{J}_2\,\mathbf{J}_1$. The result does not depend on the brackets; the
# cost does. Dual numbers start at the right, with a direction: $\mathbf{J}_k(\cdots(\mathbf{J}_1\mathbf{v}))$ is
# one column's worth, so a gradient takes $d$ passes. If the output is one number, $\mathbf{J}_k$ is a row, and
# starting at the *left* keeps every product a row: one pass gives the whole gradient. The product of $d$ numbers
# shows it. Its $i$-th slope is all factors before $i$ times all after; one walk forwards and one back yield them
# all.


# %%
class Counted(float):
    """A float that counts the multiplications made with it."""

    n_products = 0

    def __mul__(self, other):
        Counted.n_products += 1
        return Counted(float(self) * float(other))

    __rmul__ = __mul__


def count(f, x):
    Counted.n_products = 0
    return f(x), Counted.n_products


# %%
def by_passes(x):
    slopes = []
    for i in range(len(x)):
        duals = [Dual(a, Counted(i == j)) for j, a in enumerate(x)]
        slopes.append(math.prod(duals[1:], start=duals[0]).derivative)
    return slopes


def by_walking_back(x):
    before = list(itertools.accumulate(x[:-1], operator.mul, initial=Counted(1)))
    slopes, after = [], Counted(1)
    for factor, rest in zip(reversed(x), reversed(before)):
        slopes.append(after * rest)
        after = after * factor
    return slopes[::-1]


# %%
x = [Counted(1 + 1 / k) for k in range(1, 65)]
_, value_cost = count(lambda x: math.prod(x[1:], start=x[0]), x)
slow, forward_cost = count(by_passes, x)
fast, backward_cost = count(by_walking_back, x)
check_close(slow, fast, rtol=1e-12)
print(f"value {value_cost}, dual numbers {forward_cost}, walk back {backward_cost}")
claim("derivatives-forward-cost", forward_cost / value_cost / len(x), equal_to=3)
claim("derivatives-backward-cost", backward_cost / value_cost, at_most=3.1)

# %% [markdown]
# A dual multiplication takes three, so the gradient costs $3d$ values; the walk back costs three values
# whatever $d$ is, and has to remember all partial products. So: forward for few inputs or one direction,
# backward for few outputs. A model has a million inputs, its weights, and one output, its loss; the walk back
# for any program is {doc}`../04_Deep_Learning/03_autograd`.
#
# ## Where the program is not the function
#
# Dual numbers differentiate the *operations that ran*. These may compute the right values for another reason
# than the one that makes the derivative right. Three programs:


# %%
def bent(x):
    return x if x > 0 else -x  # |x|


def patched(x):
    return 1.0 if x == 0 else (exp(x) - 1) / x  # smooth; its slope at 0 is 1/2


def root(a, start, tolerance=1e-12):
    x = start
    while abs(plain(x * x - a)) > tolerance:
        x = (x + a / x) / 2  # Newton's method: one step halves x + a/x
    return x


# %%
print(f"slopes at 0: bent {derivative(bent, 0.0):g}, ", end="")
print(f"patched {derivative(patched, 0.0):g}; patched(1e-8) is {patched(1e-8):.6f}")
error = abs(derivative(patched, 1e-8) - 0.5)
claim("derivatives-patched-slope-error", error, at_least=0.1)

# %% [markdown]
# `bent` has no slope at 0, and its branch reports that of one side; `abs` of a `Dual` refuses. `patched`
# returns a constant at 0, and the slope of a constant is 0; beside 0 its formula runs, with a good value and,
# by cancellation, a useless slope. The third program is the one to fear. Stop it early, then start it *warm*,
# from a root found before:

# %%
a, slope = 2.0, 0.5 / math.sqrt(2)
early = root(Dual(a, 1.0), 1.0, tolerance=1e-3)
value_error, slope_error = early.value - math.sqrt(2), early.derivative - slope
claim("derivatives-slope-lags", abs(slope_error / value_error), within=(3, 10))
warm = root(a, 1.0)
claim("derivatives-warm-value-error", abs(root(a, warm) - math.sqrt(2)), at_most=1e-12)
claim("derivatives-warm-slope", derivative(lambda a: root(a, warm), a), equal_to=0)

# %% [markdown]
# *Prediction 3.* Wrong by all of it. From a cold start the slope converges behind the value, and the test for
# stopping never looks at it {cite:p}`gilbert1992automatic`. From a warm start the loop does not run: the result
# is the constant `warm`, its slope 0. No approximation was made. The program *is* constant near $a = 2$, to
# within its tolerance. The cure is as short. A root satisfies $F(x, a) = 0$ for every $a$, so by the chain rule
#
# $$
# \frac{\partial F}{\partial x}\,x'(a) + \frac{\partial F}{\partial a} = 0
# \qquad\Longrightarrow\qquad
# x'(a) = -\frac{\partial F / \partial a}{\partial F / \partial x} ,
# $$ (eq-derivatives-implicit)
#
# which is the **implicit function theorem**. One Newton step, $x - F(x, a) / F_x$, started at the root with $x$
# held constant, has that very derivative by $a$. So run the solver, then one step more:

# %%
step_more = derivative(lambda a: (warm + a / warm) / 2, a)
claim("derivatives-one-step-more-error", abs(step_more - slope), at_most=1e-12)

# %% [markdown]
# ## In practice
#
# The loss of a logistic model of the breast cancer data has 30 weights. PyTorch's `torch.func` does what this
# page does, in forward mode (`jvp`, `jacfwd`) and backward (`grad`, `jacrev`); they nest in any order.

# %%
X, y = load_breast_cancer(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)  # (569, 30)
w = np.random.default_rng(0).normal(size=30) / 10


def loss(w):
    z = X @ w
    return (log(1 + exp(z)) - y * z).sum() / len(y)


# %%
features, target, weight = (torch.from_numpy(array) for array in (X, y, w))


def torch_loss(w):
    z = features @ w
    return (torch.nn.functional.softplus(z) - target * z).mean()


# %%
slope = torch.func.grad(torch_loss)
g, H = slope(weight), torch.func.jacrev(slope)(weight)
deviation = check_close(gradient(loss, w), g, atol=1e-13)
claim("derivatives-gradient-against-torch", deviation, at_most=1e-13)
deviation = check_close(hessian(loss, w), H, atol=1e-13)
claim("derivatives-hessian-against-torch", deviation, at_most=1e-13)
error = check_gradient(loss, lambda w: gradient(loss, w), w)
claim("derivatives-gradient-check", error, at_most=1e-8)

# %% [markdown]
# Use a library for anything large; use dual numbers where a function has few inputs, where a direction is all
# that is needed (a Hessian times a vector is one nested pass), and to check somebody's formula. The wider field
# is surveyed by {cite:t}`baydin2018automatic` and treated in full by {cite:t}`griewank2008evaluating`.
#
# | What people believe | What exposes it |
# |---|---|
# | A smaller step gives a better slope | Whole metres: at 1 cm the land is flat |
# | Automatic differentiation has no error | $\tanh'$ by the textbook's slope at 15; `patched` beside 0 |
# | The right value has the right derivative | A warm start: value to the last digit, slope 0 |
# | Nesting derivatives is safe | One ε for both: 2 in place of 1 |
# | A slope of 0 means that nothing depends on it | Bisection ({ref}`ex-derivatives-flat`) |
#
# ## Exercises
#
# ```{exercise} A chain by hand
# :label: ex-derivatives-chain
#
# *check · difficulty 1 of 3 · 10 minutes*
#
# Let $f(x, y) = (xy,\; x + y)$ and $g(u, w) = u^2 + 3w$. With pen and paper, find the gradient of $g \circ f$
# at $(x, y) = (3, 2)$ as a product of two matrices. Set `answer` to the pair of its components.
# ```


# %%
def test_chain(answer):
    assert answer is not None, "no answer yet"
    assert tuple(answer) != (33, 15), "the Jacobian of f has one row for each output"
    assert tuple(answer) != (15, 21), "the slope of g is taken at f(3, 2)"
    assert tuple(answer) == (27, 39), "(row of g) times (matrix of f)"


answer = None  # replace with (…, …), then run this cell again
_ = try_answer(test_chain, answer)

# %% [markdown]
# ```{solution-start} ex-derivatives-chain
# :class: dropdown
# ```
#
# At $(3, 2)$ the value of $f$ is $(6, 5)$. The rows of $\mathbf{J}_f$ are $(y, x) = (2, 3)$ and $(1, 1)$, and
# $\mathbf{J}_g = (2u, 3) = (12, 3)$. The product is $(24 + 3,\; 36 + 3) = (27, 39)$.

# %%
_ = try_answer(test_chain, (27, 39))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A function that survives large numbers
# :label: ex-derivatives-softplus
#
# *extend · difficulty 2 of 3 · 20 minutes*
#
# Write `softplus(x)`, $\log(1 + \mathrm e^x)$, for a float or a `Dual` of any depth. Value, first and second
# derivative must be right from $-700$ to $10^6$, without a warning. Use this page's functions only.
# ```


# %%
def test_softplus(softplus):
    with np.errstate(over="raise"):
        assert softplus(1e6) == 1e6, "exp(x) overflows"
        assert derivative(softplus, 1e6) == 1, "exp(x) overflows in the slope"
        assert derivative(softplus, -700.0) > 0, "a slope of 1e-304 is not yet 0"
    assert abs(derivative(softplus, 0.0) - 1 / 2) < 1e-15, "a branch at 0 needs care"
    for x in (0.0, 40.0):
        curve = derivative(lambda x: derivative(softplus, x), x)
        expected = 0.25 / np.cosh(x / 2) ** 2
        assert abs(curve / expected - 1) < 1e-12, "the second derivative is wrong"


def softplus(x):  # replace the body with your own, then run this cell again
    return log(1 + exp(x))


_ = try_answer(test_softplus, softplus)

# %% [markdown]
# ```{solution-start} ex-derivatives-softplus
# :class: dropdown
# ```
#
# For $x > 0$ write $\log(1 + \mathrm e^x) = x + \log(1 + \mathrm e^{-x})$. The branch does no harm: on both
# sides stands the *same* function, in two spellings, so that slopes of every order agree. A branch is dangerous
# where the two sides are equal in value only.


# %%
def softplus_solution(x):
    if x > 0:
        return x + log(1 + exp(-x))
    return log(1 + exp(x))


_ = try_answer(test_softplus, softplus_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Right everywhere, flat everywhere
# :label: ex-derivatives-flat
#
# *break · difficulty 3 of 3 · 25 minutes*
#
# The warm start was wrong at one number. Do worse: write `flat_root(a)` that returns $\sqrt a$ to a relative
# error of $10^{-12}$ for every $a$ from 1 to 100, and whose `derivative` is exactly 0 at every $a$. Do not call
# `plain` or `float`, use no attribute of `Dual`, and convert nothing: the body consists of arithmetic,
# comparisons and loops.
# ```


# %%
def test_flat(flat_root):
    names = set(flat_root.__code__.co_names)
    forbidden = names & {"plain", "float", "value", "Dual", "math", "np"}
    assert not forbidden, f"not allowed: {forbidden}"
    for a in np.random.default_rng(0).uniform(1, 100, 50).tolist():
        assert abs(flat_root(a) / math.sqrt(a) - 1) < 1e-12, "not the square root"
        assert derivative(flat_root, a) == 0, "the derivative got through"


def flat_root(a):  # replace the body with your own, then run this cell again
    return sqrt(a)


_ = try_answer(test_flat, flat_root)

# %% [markdown]
# ```{solution-start} ex-derivatives-flat
# :class: dropdown
# ```
#
# A comparison passes on one bit and no slope. Bisection makes of $a$ nothing but comparisons: its result is put
# together from constants, chosen by $a$. The same happens in a network that rounds, sorts or picks the largest
# of its outputs: the values depend on the weights, and no slope says so.


# %%
def flat_root_solution(a):
    low, high = 1.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        if middle * middle < a:
            low = middle
        else:
            high = middle
    return high


_ = try_answer(test_flat, flat_root_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} The slope of a solver
# :label: ex-derivatives-implicit
#
# *build · difficulty 2 of 3 · 25 minutes*
#
# Write `implicit_derivative(F, x, a)`: given a function $F(x, a)$ of two numbers and a root `x` found for the
# float `a` by *any* solver, return $x'(a)$ by {eq}`eq-derivatives-implicit`. Raise `ValueError` where
# $\partial F / \partial x = 0$.
# ```


# %%
def test_implicit(implicit_derivative):
    x = brentq(lambda x: x * math.exp(x) - 3, 0, 3, xtol=1e-15)  # Lambert's W at 3
    slope = implicit_derivative(lambda x, a: x * exp(x) - a, x, 3.0)
    expected = lambertw(3).real / (3 * (1 + lambertw(3).real))
    assert not np.isclose(slope, -expected), "the sign: the terms cancel"
    assert not np.isclose(slope, 1 / expected), "upside down"
    assert np.isclose(slope, expected, rtol=1e-12), "wrong slope"
    try:
        implicit_derivative(lambda x, a: x * x - a, 0.0, 0.0)
    except ValueError:
        return
    raise AssertionError("at a double root there is no slope: raise ValueError")


def implicit_derivative(F, x, a):  # replace the body, then run this cell again
    raise NotImplementedError


_ = try_answer(test_implicit, implicit_derivative)

# %% [markdown]
# ```{solution-start} ex-derivatives-implicit
# :class: dropdown
# ```
#
# One gradient holds both slopes. The solver may be a black box in another language, since only $F$ is
# differentiated. At a double root the two curves touch instead of crossing, and no slope exists.


# %%
def implicit_derivative_solution(F, x, a):
    by_x, by_a = gradient(lambda p: F(p[0], p[1]), [x, a])
    if by_x == 0:
        raise ValueError("F does not change with x at the root: x'(a) does not exist")
    return -by_a / by_x


_ = try_answer(test_implicit, implicit_derivative_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** The cosine on the right of {numref}`fig-derivatives-compass` crosses zero twice. What is in those
# directions?
#
# (a) The summit. (b) The contour line through the place. (c) The way water runs. (d) An edge of a grid cell.
#
# ```{admonition} Answer
# :class: dropdown
# **(b).** Slope zero keeps the height, and at right angles to the gradient lies the contour line. (a) The
# summit need not lie in any special direction; the steepest way bends. (c) Water runs where the curve is
# lowest. (d) The spline is smooth across cells.
# ```
#
# **2.** Heights are now rounded to centimetres. What happens to the red valley of
# {numref}`fig-derivatives-valleys`?
#
# (a) Best step and best error fall to a tenth. (b) Both fall to a hundredth. (c) Only the error falls. (d)
# Nothing.
#
# ```{admonition} Answer
# :class: dropdown
# **(a).** Both are proportional to $\sqrt\delta$ in {eq}`eq-derivatives-noise`, and $\delta$ falls to a
# hundredth. (b) is what noise alone, at a fixed step, would do. (c) A shorter step is what makes the error
# fall. (d) The left branch is noise.
# ```
#
# **3.** A function has 3 inputs and 1,000 outputs. How is its Jacobian had most cheaply?
#
# (a) 3 passes with dual numbers. (b) 1,000 walks back. (c) 6 evaluations, by central differences. (d) One walk
# back.
#
# ```{admonition} Answer
# :class: dropdown
# **(a).** Each pass gives a column of 1,000 numbers. (b) Right numbers, 1,000 rows one by one. (c) About as
# cheap, but with the valley of errors. (d) One walk back gives one row, the slopes of one output or of one
# combination of them.
# ```
#
# ## What to remember
#
# A derivative is the linear part of a change: one matrix, whose product with a direction is the slope that way.
# The slopes at a place are one cosine, and the gradient points along its top. Computing with
# $\varepsilon^2 = 0$ carries the derivative through a program without a step, one direction a pass; nested
# derivatives need an $\varepsilon$ each. A difference quotient has a valley whose place is set by the noise.
# And what is differentiated is the program that ran, which may have the right values and the wrong slope.
#
# Next, slopes are summed up: {doc}`06_integration_and_series`. Then the stage goes down them: {doc}`07_optimization`.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
