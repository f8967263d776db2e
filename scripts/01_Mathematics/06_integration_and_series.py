# %% [markdown]
# # Integration and Series
#
# How is an area known to twelve digits from nine numbers, and what is left of that art in thirty dimensions?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `Series`, arithmetic on Taylor coefficients; the rules `trapezoid`, `simpson` and
#   `gauss_legendre`; `adaptive_simpson`; `monte_carlo` with its own error bar
# - **You need** {doc}`05_derivatives`, eigenvalues ({doc}`04_eigenvalues_and_svd`), NumPy arrays
# - **Checked against** closed forms, SciPy's `erf`, `quad` and `multivariate_normal`, NumPy's Gauss nodes
# - **Time** 35 minutes to read, 60 to code
# - **Data** breast cancer (569 × 30), scikit-learn, BSD-3
# ````

# %%
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import ArrayLike
from scipy import integrate
from scipy.special import erf
from scipy.stats import multivariate_normal, qmc
from sklearn.datasets import load_breast_cancer

from journey.mathematics.derivatives import derivative, exp
from journey.mathematics.eigenvalues_and_svd import eigh
from journey.orientation.checks import check_close, claim, try_answer
from journey.orientation.figures import (
    COLORS,
    DASHES,
    MARKERS,
    label_lines,
    use_journey_style,
)

use_journey_style()

# %% [markdown]
# ## Typical in everything
#
# A laboratory calls a measurement typical if it lies within one standard deviation of the mean. Of 357 benign
# tumours, how many are typical in the first measurement, in the first two, in all thirty? If measurements were
# normal and independent, a share of $p^d$ would be, where $p$ is the area under the bell curve from $-1$ to 1.

# %%
X, y = load_breast_cancer(return_X_y=True)
benign = X[y == 1]  # (357, 30)
scores = (benign - benign.mean(axis=0)) / benign.std(axis=0)
typical = np.logical_and.accumulate(np.abs(scores) <= 1, axis=1).mean(axis=0)  # (30,)
independent = erf(1 / math.sqrt(2)) ** np.arange(1, 31)
claim("integration-typical-in-ten", typical[9], within=(0.15, 0.25))
claim("integration-independent-in-ten", independent[9], at_most=0.03)
factor_at_thirty = typical[29] / independent[29]
claim("integration-counted-over-independent", factor_at_thirty, within=(4e3, 6e3))

# %% mystnb={"figure": {"caption": "Benign tumours that are typical in each of the first d measurements, and what independence would give: wrong by a factor of nine at ten measurements, and of five thousand at thirty.", "name": "fig-integration-typical"}, "image": {"alt": "Share of tumours on a logarithmic axis against the number of measurements from 1 to 30. The counted share falls in steps from 0.68 to 0.05. The line of independence falls straight to one in a hundred thousand."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.6, 3.4))
d = np.arange(1, 31)
axes.semilogy(
    d, typical, color=COLORS["blue"], marker=MARKERS[0], ms=4, label="counted"
)
axes.semilogy(
    d, independent, color=COLORS["orange"], ls=DASHES[1], label="independent: $p^d$"
)
label_lines(axes)
axes.set_xlim(0, 38)
axes.set_xticks([1, 10, 20, 30])
axes.set_xlabel("measurements d that must all be typical")
axes.set_ylabel("share of tumours")
axes.set_title("Measurements of one tumour go together")
plt.show()

# %% [markdown]
# The measurements are correlated, and a model of the tumours needs the integral of a correlated density over a
# box with $d$ sides. Two things stand in the way. Already the one-dimensional
#
# $$
# p = \int_{-1}^{1} \varphi(x)\,\mathrm dx ,
# \qquad
# \varphi(x) = \frac{1}{\sqrt{2\pi}}\,\mathrm e^{-x^2/2},
# $$ (eq-integration-bell)
#
# has no antiderivative among the elementary functions: the `erf` above is a name for it, which somebody had to
# compute. And in thirty dimensions ten places on each axis make $10^{30}$ points. This page removes the first
# obstacle twice, and walks around the second.
#
# ## Predict
#
# 1. Halving the panels of the trapezoid rule divides its error by four. Over one full turn of
#    $\mathrm e^{\cos t}$ one goes from 8 panels to 16. By what is the error divided?
# 2. The Taylor series of $\mathrm e^{-x^2/2}$ converges for *every* $x$. It is summed in floating point until its
#    terms vanish, and integrated from $-10$ to 10. How many digits are right?
# 3. A budget allows 4,096 evaluations. Up to which dimension is a grid better than random points?

# %% [markdown]
# ## A function as its coefficients
#
# Start from the fundamental theorem, $f(x) = f(a) + \int_a^x f'(t)\,\mathrm dt$, and integrate by parts, with
# $-(x - t)$ as the antiderivative of 1. Each round takes one term out of the integral:
#
# $$
# \begin{aligned}
# f(x) &= f(a) + f'(a)(x - a) + \int_a^x (x - t)\, f''(t)\,\mathrm dt = \dots \\
# &= \sum_{k=0}^{n} \underbrace{\frac{f^{(k)}(a)}{k!}}_{c_k} (x - a)^k
# + \underbrace{\int_a^x \frac{(x - t)^n}{n!} f^{(n+1)}(t)\,\mathrm dt}_{R_n(x)} .
# \end{aligned}
# $$ (eq-integration-taylor)
#
# This is **Taylor's theorem**, with the rest as an integral. If $\lvert f^{(n+1)} \rvert \le M$ on the way, then
# $\lvert R_n(x) \rvert \le M \lvert x - a \rvert^{n+1} / (n+1)!$. The polynomial comes with a guarantee.
#
# **Where do the $c_k$ come from?** In {doc}`05_derivatives` a rule $\varepsilon^2 = 0$ made arithmetic carry the
# first derivative. Take $\varepsilon^{n+1} = 0$ instead, and a number $c_0 + c_1 \varepsilon + \dots + c_n
# \varepsilon^n$ carries all of them. A product of two such numbers is a convolution of coefficients. A function
# is had from its differential equation: $g = \mathrm e^f$ satisfies $g' = f' g$, and comparing the coefficients of
# $\varepsilon^{k-1}$ on both sides gives
#
# $$
# k\, g_k = \sum_{j=1}^{k} j f_j\, g_{k-j} .
# $$ (eq-integration-exp)
#
# The logarithm is the same relation solved for the coefficients of $f$, and a quotient $q = a / b$ is
# $a = q\,b$ solved for those of $q$ {cite:p}`griewank2008evaluating`.


# %% tags=["export"]
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


# %% tags=["export"]
def _quotient(a: np.ndarray, b: np.ndarray) -> Series:
    if b[0] == 0:
        raise ZeroDivisionError(
            "a quotient has no Taylor series where its divisor is 0"
        )
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


# %% [markdown]
# Check it on series known by heart, and against nested dual numbers, which find the same coefficients by another
# way at a cost that doubles with each order.

# %%
x = Series.variable(0.0, 12)
k = np.arange(13)
check_close(series_exp(x).coefficients, 1 / np.array([math.factorial(i) for i in k]))
check_close((1 / (1 - x)).coefficients, np.ones(13))
check_close(series_log(1 + x).coefficients[1:], -((-1.0) ** k[1:]) / k[1:])


def nested(f, x, order):
    return f(x) if order == 0 else derivative(lambda x: nested(f, x, order - 1), x)


by_nesting = [nested(lambda x: exp(-x * x / 2), 0.7, n) for n in range(6)]
u = Series.variable(0.7, 5)
factorials = [math.factorial(n) for n in range(6)]
by_series = series_exp(-u * u / 2).coefficients * factorials
deviation = check_close(by_series, by_nesting, atol=1e-13)
claim("integration-series-against-duals", deviation, at_most=1e-13)

# %% [markdown]
# ## The bell curve, term by term
#
# A polynomial is integrated by raising its powers: $c_k x^k$ becomes $c_k x^{k+1} / (k + 1)$. Do that to the
# series of $\varphi$, and {eq}`eq-integration-bell` is a sum.


# %%
def area_by_series(b, order):  # from -b to b
    t = Series.variable(0.0, order)  # x = b t keeps the powers small
    c = b * series_exp(-b * b * t * t / 2).coefficients / math.sqrt(2 * math.pi)
    terms = 2 * c[::2] / np.arange(1, order + 2, 2)  # odd powers cancel
    return terms.sum(), np.abs(terms).max()


for order in (2, 4, 8, 12, 16):
    area, _ = area_by_series(1.0, order)
    print(f"up to x^{order:2d}: {area:.12f}   error {abs(area - independent[0]):.0e}")
area, _ = area_by_series(1.0, 24)
claim("integration-series-one-sigma-error", abs(area - independent[0]), at_most=1e-14)

# %% [markdown]
# Nine numbers, the even coefficients up to $x^{16}$, give nine digits, and thirteen give fourteen. The remainder
# explains the pace: the series alternates with falling terms, so the rest is smaller than the first term left out,
# and that falls like $1 / (2^m m!)$ for the $m$-th even power.
#
# It is tempting to go on outwards. The sum still converges in theory:

# %%
truth = erf(10 / math.sqrt(2))
area, largest = area_by_series(10.0, 400)
claim("integration-largest-term", largest, at_least=1e18)
claim("integration-series-ten-sigma-error", abs(area - truth), at_least=1.0)

# %% mystnb={"figure": {"caption": "Left: each Taylor polynomial of the bell curve is good up to a point and then leaves steeply. Right: the sum for the area from \u2212b to b. Its error is the larger of what is left out and of the rounding of its largest term, and the second cannot be repaired by more terms.", "name": "fig-integration-taylor"}, "image": {"alt": "Left: the bell curve and its Taylor polynomials of order 2, 4, 8 and 16, which leave it one after another at larger x. Right: error of the area against the half width b on a logarithmic axis. With order 40 the error rises steeply after b equal to 4. With order 400 it rises slowly along the dashed line of the largest term times the unit of rounding, reaching 1 near b equal to 9."}} tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2, figsize=(7.8, 3.4))
grid = np.linspace(0, 4.5, 300)
bell = np.exp(-grid * grid / 2) / math.sqrt(2 * math.pi)
left.plot(grid, bell, color=COLORS["ink"], lw=2.5)
left.text(3.0, 0.03, "bell curve")
x = Series.variable(0.0, 16)
coefficients = series_exp(-x * x / 2).coefficients / math.sqrt(2 * math.pi)
for order, dash in zip((2, 4, 8, 16), DASHES[1:] + DASHES[:1]):
    polynomial = Series(coefficients[: order + 1])(grid)
    shown = np.abs(polynomial - bell) < 0.25
    left.plot(grid[shown], polynomial[shown], color=COLORS["orange"], ls=dash)
    left.annotate(
        str(order),
        (grid[shown][-1], polynomial[shown][-1]),
        (3, -3),
        textcoords="offset points",
    )
left.set(xlabel="x", ylabel="density", title="Order 2 to 16: good up to a point")
left.set_ylim(-0.25, 0.45)
half_widths = np.linspace(0.5, 10, 60)
areas = {order: [area_by_series(b, order) for b in half_widths] for order in (40, 400)}
for order, color, dash in ((40, "orange", DASHES[1]), (400, "blue", DASHES[0])):
    error = [
        abs(a - erf(b / math.sqrt(2))) for (a, _), b in zip(areas[order], half_widths)
    ]
    right.semilogy(half_widths, np.maximum(error, 1e-17), color=COLORS[color], ls=dash)
limit = [2.2e-16 * largest for _, largest in areas[400]]
right.semilogy(half_widths, limit, color=COLORS["ink"], ls=DASHES[2])
right.set_ylim(1e-17, 1e6)
right.text(3.2, 1e3, "order 40", color=COLORS["ink"])
right.text(7.9, 1e-9, "order 400")
right.text(5.4, 1e-14, "dots: largest\nterm × rounding", fontsize=9)
right.set(xlabel="half width b (standard deviations)", ylabel="error of the area")
right.set_title("More terms do not save it")
plt.show()

# %% [markdown]
# *Prediction 2.* None: the result is not even a number between 0 and 1. On the way to a sum below 1 stand terms above
# $10^{18}$, each rounded in its sixteenth digit, so that the rounding alone is larger than the answer. The series
# is right and the sum is wrong. Subtracting large numbers to get a small one is the same loss that spoils the short
# difference quotient of {doc}`../00_Orientation/03_checks`.
#
# A second limit is of the function, not of arithmetic. The series of $1 / (1 + x^2)$ diverges beyond
# $\lvert x \rvert = 1$ although the function is smooth on the whole line: it has poles at $\pm i$, and no power
# series passes the nearest singularity, wherever in the complex plane that is.

# %%
x = Series.variable(0.0, 60)
witch = 1 / (1 + x * x)
inside, outside = (abs(witch(b) - 1 / (1 + b * b)) for b in (0.5, 1.2))
claim("integration-witch-inside", inside, at_most=1e-12)
claim("integration-witch-outside", outside, at_least=1e3)

# %% [markdown]
# ## Many short pieces
#
# A Taylor polynomial spends its accuracy at one point. The other way is to cut the interval into $n$ panels of width
# $h$ and to be modest in each. By hand, for one panel: $\int_0^1 \frac{\mathrm dx}{1 + x} = \ln 2 = 0.6931$. The
# **trapezoid** takes the mean of the ends, $T = (1 + \tfrac12) / 2 = 0.75$, an error of $+0.0569$. The
# **midpoint** takes the middle, $M = 1 / 1.5 = 0.6667$, an error of $-0.0265$. The errors have opposite signs, and
# one is about twice the other. Weigh accordingly: $(2M + T) / 3 = 0.6944$, with an error of 0.0013.
#
# Taylor's theorem says why. Expand around the middle $m$ of a panel; odd powers cancel by symmetry:
#
# $$
# \begin{aligned}
# \int_{m - h/2}^{m + h/2} f &= h f(m) + \tfrac{1}{24} h^3 f''(m) + O(h^5), \\
# h\,\frac{f(m - \tfrac h2) + f(m + \tfrac h2)}{2} &= h f(m) + \tfrac{1}{8} h^3 f''(m) + O(h^5) .
# \end{aligned}
# $$ (eq-integration-panel)
#
# The midpoint misses $\tfrac1{24}$, the trapezoid has $\tfrac18 - \tfrac1{24} = \tfrac1{12}$ too much: twice as
# much, with the other sign. Their weighted mean $(2M + T)/3$ cancels the cubic terms: that is **Simpson's rule**.
# Sum the trapezoid's error over $n = (b - a)/h$ panels. The sum of $h f''$ is itself an integral, so
#
# $$
# T_h - \int_a^b f = \frac{h^2}{12} \bigl[f'(b) - f'(a)\bigr] + O(h^4) .
# $$ (eq-integration-euler-maclaurin)
#
# The error is of **order** 2 in $h$, and of Simpson's rule 4. Half the width, a quarter or a sixteenth of the error.


# %% tags=["export"]
def _interval(a: float, b: float, n: int) -> None:
    if not (math.isfinite(a) and math.isfinite(b)):
        raise ValueError(
            f"the interval must be finite, got {a} to {b}; substitute first"
        )
    if n < 1:
        raise ValueError(f"at least one panel is needed, got n = {n}")


def _values(f: Callable[[np.ndarray], ArrayLike], x: np.ndarray) -> np.ndarray:
    values = np.broadcast_to(np.asarray(f(x), dtype=float), x.shape)
    if not np.isfinite(values).all():
        where = x[~np.isfinite(values)][0]
        raise ValueError(f"f is not finite at x = {where:g}: split or substitute there")
    return values


def trapezoid(
    f: Callable[[np.ndarray], ArrayLike], a: float, b: float, n: int
) -> float:
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


# %% [markdown]
# The four numbers of the hand calculation come first, then the orders, measured by doubling.


# %%
def recip(x):
    return 1 / (1 + x)


print(f"T = {trapezoid(recip, 0, 1, 1):.4f}   Simpson = {simpson(recip, 0, 1, 1):.4f}")
claim(
    "integration-hand-simpson",
    simpson(recip, 0, 1, 1),
    equal_to=25 / 36,
    tolerance=1e-15,
)
coarse, fine = (
    abs(np.array([rule(recip, 0, 1, n) for rule in (trapezoid, simpson)]) - math.log(2))
    for n in (32, 64)
)
order = np.log2(coarse / fine)
claim("integration-trapezoid-order", order[0], within=(1.99, 2.01))
claim("integration-simpson-order", order[1], within=(3.98, 4.02))

# %% [markdown]
# Equation {eq}`eq-integration-euler-maclaurin` claims more than an order: it names the error. With
# $f'(1) - f'(0) = -\tfrac14 + 1 = \tfrac34$ it should be $h^2 / 16$, up to terms of order four.

# %%
named = (1 / 64) ** 2 / 16
claim("integration-error-named", fine[0] / named, equal_to=1, tolerance=1e-3)

# %% [markdown]
# ## The ends decide
#
# The error of the trapezoid rule sits in $f'(b) - f'(a)$, in the ends and nowhere else. So what if the two ends are the
# same point? A full turn of $\mathrm e^{\cos t}$ has equal slopes at 0 and $2\pi$, and the same holds for all further
# terms of the expansion.

# %%
turn = 2 * math.pi * np.i0(1.0)  # a Bessel function is the exact value
errors = [
    abs(trapezoid(lambda t: np.exp(np.cos(t)), 0, 2 * math.pi, n) - turn)
    for n in (8, 16)
]
claim("integration-turn-error-8", errors[0], within=(1e-7, 1e-5))
claim("integration-turn-error-16", errors[1], at_most=2e-14)

# %% [markdown]
# *Prediction 1.* Not by 4 but by more than ten million: from the sixth digit to the last. For smooth periodic
# functions the simplest rule is among the best there are {cite:p}`trefethen2014exponentially`, and spectra of
# signals are computed with it.
#
# The expansion cuts the other way, too. It assumed that $f'$ exists at the ends. The quarter circle
# $\sqrt{1 - x^2}$ has a vertical tangent at 1, and there both rules fall to order 1.5: a *good* rule is good on
# functions that deserve it.


# %%
def circle(x):
    return np.sqrt(1 - x * x)


rules = (trapezoid, simpson)
coarse, fine = (
    abs(np.array([rule(circle, 0, 1, n) for rule in rules]) - math.pi / 4)
    for n in (512, 1024)
)
orders = np.log2(coarse / fine)
claim("integration-circle-trapezoid-order", orders[0], within=(1.45, 1.55))
claim("integration-circle-simpson-order", orders[1], within=(1.45, 1.55))

# %% [markdown]
# ## The best places to look
#
# Both rules space their nodes evenly. Place $n$ nodes *and* $n$ weights freely, and there are $2n$ numbers to choose:
# enough to be exact for polynomials up to degree $2n - 1$. That is **Gauss–Legendre** quadrature. The nodes are
# the zeros of the $n$-th Legendre polynomial, and the Legendre polynomials satisfy
# $x\,p_k = \beta_k p_{k-1} + \beta_{k+1} p_{k+1}$ with $\beta_k = k / \sqrt{4k^2 - 1}$ when they are normalised.
# Write that for all $k < n$ as a matrix, at a zero of $p_n$:
#
# $$
# x\,\mathbf{p} = \mathbf{J}\,\mathbf{p},
# \qquad
# \mathbf{J} = \begin{pmatrix} 0 & \beta_1 & & \\ \beta_1 & 0 & \beta_2 & \\ & \beta_2 & 0 & \ddots \\ & & \ddots & \ddots \end{pmatrix} .
# $$ (eq-integration-jacobi)
#
# The nodes are the *eigenvalues* of a symmetric matrix, and the weights are $2 v_1^2$ from the first components of
# its eigenvectors {cite:p}`golub1969calculation`. The `eigh` built in {doc}`04_eigenvalues_and_svd` finds both.


# %% tags=["export"]
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


# %%
def bell_curve(x):
    return np.exp(-x * x / 2) / math.sqrt(2 * math.pi)


nodes, weights = gauss_legendre(9)
gauss_error = abs(weights @ bell_curve(nodes) - independent[0])
claim("integration-gauss-nine-error", gauss_error, at_most=1e-13)
simpson_error = abs(simpson(bell_curve, -1, 1, 4) - independent[0])
claim("integration-simpson-nine-error", simpson_error, within=(1e-6, 5e-5))
deviation = check_close(gauss_legendre(40)[0], np.polynomial.legendre.leggauss(40)[0])
claim("integration-gauss-nodes-against-numpy", deviation, at_most=1e-14)

# %% [markdown]
# Nine evaluations of the bell curve, and the area between $-1$ and 1 is right to more than twelve digits. With
# nine evaluations Simpson's rule is right to five digits.


# %% mystnb={"figure": {"caption": "Error against evaluations. On the smooth bell curve each rule falls at its order, and Gauss\u2013Legendre falls faster than any power. On the quarter circle, whose slope is infinite at its end, all three are slow.", "name": "fig-integration-orders"}, "image": {"alt": "Two panels with logarithmic axes. Left, bell curve: the trapezoid falls along slope minus 2, Simpson along slope minus 4, Gauss drops nearly vertically to 1e-16 at about ten evaluations. Right, quarter circle: trapezoid and Simpson fall along slope minus 1.5 and Gauss along slope minus 3, none reaching 1e-8."}} tags=["hide-input"]
def gauss(f, a, b, n):
    nodes, weights = gauss_legendre(n)
    return (b - a) / 2 * weights @ f((a + b) / 2 + (b - a) / 2 * nodes)


cases = {
    "Bell curve, −1 to 1: smooth": (bell_curve, -1, 1, independent[0]),
    "Quarter circle: steep at its end": (circle, 0, 1, math.pi / 4),
}
figure, panels = plt.subplots(1, 2, figsize=(7.8, 3.4), sharey=True)
for axes, (title, (f, a, b, exact)) in zip(panels, cases.items()):
    curves = {
        "trapezoid": (
            [2**k + 1 for k in range(1, 10)],
            [trapezoid(f, a, b, 2**k) for k in range(1, 10)],
        ),
        "Simpson": (
            [2 ** (k + 1) + 1 for k in range(9)],
            [simpson(f, a, b, 2**k) for k in range(9)],
        ),
        "Gauss": (
            g := [2, 3, 4, 5, 6, 7, 8, 9, 10, 16, 32, 64],
            [gauss(f, a, b, n) for n in g],
        ),
    }
    styles = zip(curves.items(), ("blue", "orange", "ink"), DASHES, MARKERS)
    for (name, (cost, found)), color, dash, marker in styles:
        error = np.maximum(np.abs(np.array(found) - exact), 1e-17)
        keep = slice(None) if f is circle or name != "Gauss" else slice(0, 9)
        axes.loglog(
            np.array(cost)[keep],
            error[keep],
            color=COLORS[color],
            ls=dash,
            marker=marker,
            ms=4,
        )
        axes.annotate(
            name,
            (cost[keep][-1], error[keep][-1]),
            (5, -7 if f is circle and name == "Simpson" else -1),
            textcoords="offset points",
            fontsize=9,
        )
    axes.set_title(title, fontsize=10.5)
    axes.set_xlabel("evaluations of f")
    axes.set_xlim(1.5, 6000)
panels[0].set_ylabel("error of the area")
plt.show()

# %% [markdown]
# ## Looking where it matters
#
# A sharp peak in a long interval wastes an even spacing. An *adaptive* rule estimates its own error and cuts only where
# that is large. Simpson's rule on one panel and on its two halves differ by $\tfrac{15}{16}$ of the error of the coarse one, so
# the difference over 15 estimates the error of the fine one, and adding it cancels one more order.


# %% tags=["export"]
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

    def walk(
        a: float, fa: float, fm: float, b: float, fb: float, tol: float, depth: int
    ) -> float:
        m, h = (a + b) / 2, (b - a) / 6
        fl, fr = g((a + m) / 2), g((m + b) / 2)
        whole = h * (fa + 4 * fm + fb)
        halves = h / 2 * (fa + 4 * fl + 2 * fm + 4 * fr + fb)
        if abs(halves - whole) <= 15 * tol:
            return halves + (halves - whole) / 15
        if depth == 0:
            raise ValueError(
                f"no convergence near x = {m:g}: a singularity, or a tolerance too small"
            )
        left = walk(a, fa, fl, m, fm, tol / 2, depth - 1)
        return left + walk(m, fm, fr, b, fb, tol / 2, depth - 1)

    return walk(a, g(a), g((a + b) / 2), b, g(b), tolerance, max_depth), n_evaluations


# %% [markdown]
# A bump 0.003 wide in an interval of length 2, and the same number of evaluations spread evenly:


# %%
def bump(width):
    return lambda x: 1 / (1 + ((x - 0.3) / width) ** 2)


def bump_area(width):
    return width * (math.atan(0.7 / width) + math.atan(1.3 / width))


area, n_evaluations = adaptive_simpson(bump(0.003), -1, 1, tolerance=1e-8)
even = simpson(bump(0.003), -1, 1, n_evaluations // 2)
exact = bump_area(0.003)
claim("integration-adaptive-error", abs(area - exact), at_most=1e-8)
claim("integration-even-over-adaptive", abs(even - exact) / 1e-8, at_least=1_000)

# %% [markdown]
# The evaluations went to the bump. But a rule that decides from what it sees can decide too early. Make the bump
# narrower and the tolerance larger:

# %%
area, n_evaluations = adaptive_simpson(bump(0.001), -1, 1, tolerance=1e-6)
print(f"{n_evaluations} evaluations")
missed = abs(area - bump_area(0.001)) / bump_area(0.001)
claim("integration-adaptive-missed", missed, at_least=0.9)

# %% [markdown]
# Five places, none of them near 0.3, agreed that there is nothing, and the answer is wrong by nearly all of it. The rule
# reported success. An error estimate is an inference from a few values, and no rule with fixed first places can be
# safe from it.
#
# ## The wall
#
# Now the tumours. In $d$ dimensions a rule with $n$ nodes an axis has $N = n^d$ nodes in all. A rule of order $p$ has an
# error of order $n^{-p}$, so for a budget of $N$
#
# $$
# \text{error of a grid} \;\propto\; N^{-p/d} .
# $$ (eq-integration-wall)
#
# The exponent is divided by the dimension. Against that stands the simplest idea of all: average $f$ at $N$ *random*
# points. The mean of $N$ independent values with standard deviation $\sigma$ has the standard error
#
# $$
# \text{error of Monte Carlo} \;\approx\; \frac{\sigma}{\sqrt N} ,
# $$ (eq-integration-monte-carlo)
#
# because variances of independent values add: $\operatorname{Var}\bigl(\tfrac1N \sum f_i\bigr) =
# \tfrac{1}{N^2} N \sigma^2$. There is no $d$ in it. The method also measures its own $\sigma$.


# %% tags=["export"]
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


# %% [markdown]
# To compare the two an exact value is needed. Let all pairs of $d$ normal scores have the same correlation
# $\rho = \tfrac12$. Such scores can be made from one common part, $z_i = \sqrt{\rho}\,u + \sqrt{1 - \rho}\,v_i$, and once $u$
# is given they are independent. So the integral in $d$ dimensions shrinks to one over $u$, which Gauss–Legendre
# knows to the last digit. (Structure, where there is any, beats every rule.)

# %%
rho = 0.5
nodes, weights = gauss_legendre(80)
u = 9 * nodes  # beyond 9 standard deviations is nothing


def inside_given(u):  # of one score
    edges = (np.array([[-1.0], [1.0]]) - math.sqrt(rho) * u) / math.sqrt(2 * (1 - rho))
    return np.diff(erf(edges), axis=0)[0] / 2


def exact_share(d):
    return 9 * weights @ (bell_curve(u) * inside_given(u) ** d)


box = np.ones(4)
reference = multivariate_normal.cdf(
    box, cov=rho * np.eye(4) + rho, lower_limit=-box, rng=np.random.default_rng(0)
)
claim("integration-exact-against-scipy", abs(exact_share(4) - reference), at_most=1e-4)

# %% [markdown]
# The same density over the same box, at 4,096 places at most: the midpoint rule on a grid, Gauss–Legendre on a grid,
# and random places, whose error is a root mean square over 30 seeds.


# %%
def density(z):  # (N, d) -> (N,), all correlations rho
    d = z.shape[1]
    stretch = rho / (1 + (d - 1) * rho) * z.sum(axis=1) ** 2
    quadratic = ((z * z).sum(axis=1) - stretch) / (1 - rho)
    volume = (2 * math.pi) ** d * (1 - rho) ** (d - 1) * (1 + (d - 1) * rho)
    return np.exp(-quadratic / 2) / math.sqrt(volume)


def on_grid(nodes, weights, d):
    points = np.stack(np.meshgrid(*[nodes] * d), axis=-1).reshape(-1, d)
    shares = np.stack(np.meshgrid(*[weights] * d), axis=-1).reshape(-1, d).prod(axis=1)
    return shares @ density(points)


def at_random(d, n, seed):
    rng = np.random.default_rng(seed)
    mean, _ = monte_carlo(density, lambda n: rng.uniform(-1, 1, (n, d)), n)
    return 2.0**d * mean


# %%
def errors_at(d, budget=4096):  # relative: midpoint, Gauss, random
    n, exact = int(budget ** (1 / d) + 1e-9), exact_share(d)
    middles = (np.arange(n) + 0.5) / n * 2 - 1
    estimates = (
        on_grid(middles, np.full(n, 2 / n), d),
        on_grid(*gauss_legendre(min(n, 64)), d),
    )
    random = np.array([at_random(d, budget, seed) for seed in range(30)])
    scatter = np.sqrt(np.mean((random / exact - 1) ** 2))
    return *(abs(estimate / exact - 1) for estimate in estimates), scatter


dimensions = np.arange(1, 13)
midpoint, gaussian, random = np.transpose([errors_at(d) for d in dimensions])
claim(
    "integration-random-wins-midpoint-from",
    dimensions[random < midpoint][0],
    within=(4, 5),
)
claim(
    "integration-random-wins-gauss-from",
    dimensions[random < gaussian][0],
    within=(7, 8),
)
claim("integration-random-error-at-12", random[-1], at_most=0.03)
claim("integration-gauss-error-at-12", gaussian[-1], at_least=0.2)

# %% mystnb={"figure": {"caption": "Relative error at 4,096 evaluations against the dimension. In one dimension the grid wins by six to twelve digits. At twelve it has two places an axis and is off by three tenths or more; the random points have lost almost nothing.", "name": "fig-integration-wall"}, "image": {"alt": "Error on a logarithmic axis against dimensions 1 to 12. Gauss starts at 1e-15 and rises steeply from dimension 3 to 0.3 at 12. The midpoint rule rises from 1e-8 to 0.6. The line of random points is nearly flat, from 0.003 to 0.016, and crosses the midpoint line near 4 and the Gauss line near 7. Below the axis the nodes per axis fall from 4096 to 2."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.8, 4))
curves = {"midpoint grid": midpoint, "Gauss grid": gaussian, "random": random}
styles = zip(
    curves.items(), ("orange", "ink", "blue"), DASHES[1:] + DASHES[:1], MARKERS
)
for (_, values), color, dash, marker in styles:
    axes.semilogy(
        dimensions,
        np.maximum(values, 1e-16),
        color=COLORS[color],
        ls=dash,
        marker=marker,
        ms=5,
    )
axes.text(1.6, 1e-7, "midpoint grid")
axes.text(4.3, 1e-11, "Gauss grid")
axes.text(9.0, 1.2e-3, "random points")
ticks = [1, 2, 3, 4, 6, 8, 12]
axes.set_xticks(ticks, [f"{d}\n{int(4096 ** (1 / d) + 1e-9):,}" for d in ticks])
axes.set_xlabel("dimension d, and places on each axis of the grid")
axes.set_ylabel("relative error")
axes.set_title("A grid runs out of places; a sample does not")
plt.show()

# %% [markdown]
# *Prediction 3.* Against the midpoint rule, three dimensions: its exponent $2/d$ meets $\tfrac12$ at $d = 4$, as
# {eq}`eq-integration-wall` says. A better rule postpones the wall, here to dimension seven, and does not remove it: in dimension
# 12 it has two places an axis. Monte Carlo's error is poor and keeps being equally poor. That is why expectations over a
# thousand pixels or a million weights are always taken at random points, and why a training step is content with a
# minibatch.
#
# Back to the laboratory. The thirty measurements get a normal model with their own correlations. Nobody has a grid for
# thirty dimensions; 50,000 random tumours take a moment.

# %%
correlation = np.corrcoef(scores.T)  # (30, 30)
factor = np.linalg.cholesky(correlation)
rng = np.random.default_rng(0)


def random_tumours(d):
    return lambda n: rng.normal(size=(n, d)) @ factor[:d, :d].T


def all_typical(z):
    return (np.abs(z) <= 1).all(axis=1)


# %%
model = {}
for d in (1, 2, 4, 10, 30):
    model[d], error = monte_carlo(all_typical, random_tumours(d), 50_000)
    counted = typical[d - 1]
    print(f"d = {d:2d}: model {model[d]:.2f} ± {error:.3f}   counted {counted:.2f}")
claim("integration-model-over-independent", model[10] / independent[9], at_least=3)
claim("integration-counted-over-model", typical[9] / model[10], within=(1.3, 2.5))

# %% [markdown]
# Correlation explains most of the gap: at ten measurements the model says eleven in a hundred instead of two. The
# count says twenty. The error bar of the integral is 0.001, so the *model* is wrong: most of these measurements are
# skewed, many tumours crowd close to the mean, and a few lie far out. An error bar of an integral says nothing about the
# density under it.
#
# ## In practice
#
# SciPy's `quad` is Gauss–Kronrod, adaptive, with an error estimate; it accepts infinite limits. `cumulative_simpson`
# and `trapezoid` are for *samples*, where no function can be called. Beyond a few dimensions, sample; where the
# integrand is smooth, low-discrepancy points such as Sobol's {cite:p}`sobol1967distribution`, which fill the box more
# evenly than chance does, are worth a line of code:

# %%
area, _ = integrate.quad(bell_curve, -1, 1)
claim("integration-quad-against-ours", abs(area - independent[0]), at_most=1e-14)
d, budget = 8, 4096
sobol = [
    2.0**d
    * density(2 * qmc.Sobol(d, rng=seed).random(budget) - 1).mean()
    / exact_share(d)
    for seed in range(30)
]
gain = random[d - 1] / np.sqrt(np.mean((np.array(sobol) - 1) ** 2))
claim("integration-sobol-gain", gain, at_least=3)

# %% [markdown]
# | What people believe | What exposes it |
# |---|---|
# | A series that converges can be summed | The bell curve at $b = 10$: terms of $10^{18}$ for an answer below 1 |
# | Smooth on the line, so its Taylor series works | $1/(1 + x^2)$ at 1.2 |
# | A higher-order rule is more accurate | Quarter circle: trapezoid and Simpson both 1.5 |
# | The trapezoid rule is for beginners | A periodic function: 16 points, all digits |
# | A reported error bounds the error | The function of {ref}`ex-integration-blind` |
# | Random points are a last resort | Dimension 8 and more |
#
# ## Exercises
#
# ```{exercise} How many terms
# :label: ex-integration-remainder
#
# *check · difficulty 1 of 3 · 10 minutes*
#
# The number $\mathrm e$ is summed as $1 + 1 + \tfrac1{2!} + \dots + \tfrac1{n!}$. With pen and paper, and using only
# $\mathrm e < 3$, find from the remainder of {eq}`eq-integration-taylor` the smallest $n$ for which the bound
# guarantees an error of at most $10^{-4}$. Set `answer`.
# ```


# %%
def test_remainder(answer):
    assert answer is not None, "no answer yet"
    assert answer != 8, "one too many: 3 / 8! is already below 1e-4"
    assert answer != 6, "3 / 7! is 6e-4"
    assert answer == 7, "the bound is 3 / (n + 1)!"


answer = None  # replace with a whole number, then run this cell again
_ = try_answer(test_remainder, answer)

# %% [markdown]
# ```{solution-start} ex-integration-remainder
# :class: dropdown
# ```
#
# All derivatives of $\mathrm e^x$ are at most $\mathrm e < 3$ on $[0, 1]$, so $\lvert R_n(1) \rvert \le 3 / (n+1)!$.
# For $n = 6$ that is $3 / 5040 = 6 \cdot 10^{-4}$, for $n = 7$ it is $3 / 40320 = 7 \cdot 10^{-5}$.

# %%
_ = try_answer(test_remainder, 7)
print(f"{math.e - sum(1 / math.factorial(k) for k in range(8)):.1e}")

# %% [markdown]
# The true error is smaller, about a third of the bound: the bound takes the largest derivative everywhere.
#
# ```{solution-end}
# ```
#
# ```{exercise} Sine and cosine
# :label: ex-integration-sine
#
# *extend · difficulty 2 of 3 · 20 minutes*
#
# Write `series_sin_cos(f)`: given a `Series` $f$, return the two `Series` of $\sin f$ and $\cos f$. Derive the
# recurrence as {eq}`eq-integration-exp` was derived. No calls to `series_exp`, no complex numbers.
# ```


# %%
def test_sin_cos(series_sin_cos):
    s, c = series_sin_cos(Series.variable(0.0, 5))
    assert np.allclose(s.coefficients, [0, 1, 0, -1 / 6, 0, 1 / 120]), "sin x"
    assert np.allclose(c.coefficients, [1, 0, -1 / 2, 0, 1 / 24, 0]), (
        "sign of cos' = -sin"
    )
    x = Series.variable(0.4, 20)
    s, c = series_sin_cos(x * x + 3 * x)
    assert np.isclose(s.coefficients[0], math.sin(1.36)), (
        "the inner value is f(a), not a"
    )
    assert np.isclose(s(0.1), math.sin(0.5**2 + 1.5)), "the inner slope is missing"
    one = (s * s + c * c).coefficients
    assert np.allclose(one, np.eye(21)[0], atol=1e-9), "sin² + cos² = 1"


def series_sin_cos(f):  # replace the body with your own, then run this cell again
    raise NotImplementedError


_ = try_answer(test_sin_cos, series_sin_cos)

# %% [markdown]
# ```{solution-start} ex-integration-sine
# :class: dropdown
# ```
#
# From $s' = f' c$ and $c' = -f' s$: $k s_k = \sum j f_j c_{k-j}$ and $k c_k = -\sum j f_j s_{k-j}$. The two must be
# filled side by side, since each needs the other's earlier coefficients.


# %%
def series_sin_cos_solution(f):
    slopes = np.arange(len(f.coefficients)) * f.coefficients
    s, c = np.zeros_like(slopes), np.zeros_like(slopes)
    s[0], c[0] = np.sin(f.coefficients[0]), np.cos(f.coefficients[0])
    for k in range(1, len(s)):
        s[k] = slopes[1 : k + 1] @ c[:k][::-1] / k
        c[k] = -slopes[1 : k + 1] @ s[:k][::-1] / k
    return Series(s), Series(c)


_ = try_answer(test_sin_cos, series_sin_cos_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} What it does not see
# :label: ex-integration-blind
#
# *break · difficulty 3 of 3 · 25 minutes*
#
# Write `blind(x)`, a smooth function of one float that is never negative, has an integral over $[0, 1]$ of at least
# 0.3, and for which `adaptive_simpson(blind, 0, 1)` returns less than $10^{-10}$ after at most nine evaluations. It may use
# `math`, but no branches, no globals and no memory of earlier calls.
# ```


# %%
def test_blind(blind):
    places = np.linspace(0, 1, 10_001)
    values = np.array([blind(float(x)) for x in places])
    assert (values >= 0).all(), "never negative"
    assert np.abs(np.diff(values)).max() < 0.05, "smooth: no spikes between the samples"
    assert values.mean() > 0.3, "the area must be at least 0.3"
    area, n_evaluations = adaptive_simpson(blind, 0, 1)
    assert abs(area) < 1e-10, "it was seen"
    assert n_evaluations <= 9, "it took more than nine looks"


def blind(x):  # replace the body with your own, then run this cell again
    return x


_ = try_answer(test_blind, blind)

# %% [markdown]
# ```{solution-start} ex-integration-blind
# :class: dropdown
# ```
#
# The rule looks at the ends, the middle and the quarters first: at multiples of $\tfrac14$. $\sin^2(4 \pi x)$ is zero at all of
# them, both estimates agree on 0, and the walk ends. Every deterministic rule has such a function. Random nodes
# have none: whoever may choose the function does not know the places.


# %%
def blind_solution(x):
    return math.sin(4 * math.pi * x) ** 2


_ = try_answer(test_blind, blind_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} The area under a ROC curve
# :label: ex-integration-roc
#
# *build · difficulty 2 of 3 · 25 minutes*
#
# A score should be higher for benign tumours than for others. Lower a threshold from above the largest score to below
# the smallest: the share of benign tumours above it (vertical) against the share of the others (horizontal) is a
# curve from $(0, 0)$ to $(1, 1)$. Write `area_under(score, positive)`: its area by trapezoids, for an array of scores and
# a boolean array. Tied scores pass the threshold together.
# ```


# %%
def test_area_under(area_under):
    half = area_under(np.array([1.0, 1.0, 1.0]), np.array([True, False, True]))
    assert half == 0.5, "ties pass together: a straight line, area one half"
    hand = area_under(
        np.array([4.0, 3.0, 2.0, 1.0]), np.array([True, False, True, False])
    )
    assert hand != 0.25, "the axes are swapped, or the threshold rises"
    assert hand == 0.75, "three of four pairs are in order"
    score, positive = -X[:, 0], y == 1
    pairs = score[positive][:, None] - score[~positive]
    in_order = (pairs > 0).mean() + (pairs == 0).mean() / 2
    assert np.isclose(area_under(score, positive), in_order, rtol=1e-12), "real scores"


def area_under(score, positive):  # replace the body, then run this cell again
    raise NotImplementedError


_ = try_answer(test_area_under, area_under)

# %% [markdown]
# ```{solution-start} ex-integration-roc
# :class: dropdown
# ```
#
# Sort downwards, count both kinds as the threshold falls, keep only the last of each run of equal scores. The test's
# last line shows what the area is: the share of pairs, one of each kind, that the score puts in order. That is a
# probability, and a trapezoid rule computes it exactly because the curve *is* made of straight pieces.


# %%
def area_under_solution(score, positive):
    order = np.argsort(-score, kind="stable")
    last = np.r_[np.diff(score[order]) != 0, True]  # of a run of ties
    hits = np.r_[0, np.cumsum(positive[order])[last]] / positive.sum()
    false = np.r_[0, np.cumsum(~positive[order])[last]] / (~positive).sum()
    return float(np.sum(np.diff(false) * (hits[1:] + hits[:-1]) / 2))


_ = try_answer(test_area_under, area_under_solution)
radius = area_under_solution(-X[:, 0], y == 1)
claim("integration-roc-of-the-radius", radius, within=(0.9, 0.97))

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In the right panel of {numref}`fig-integration-taylor` the curve of order 400 follows the dashed line. What would
# bring it down?
#
# (a) Order 800. (b) Adding the terms from the smallest to the largest. (c) Twice as many digits in each number. (d) A
# smaller tolerance.
#
# ```{admonition} Answer
# :class: dropdown
# **(c).** The error is that of rounding the largest term. (a) What is left out is long zero. (b) Order of summation changes
# how roundings add up, not that each large term was rounded before. (d) No tolerance is involved.
# ```
#
# **2.** In {numref}`fig-integration-wall` the budget is raised from 4,096 to 65,536. Which line moves down by a factor of 4
# in every dimension?
#
# (a) Midpoint grid. (b) Gauss grid. (c) Random points. (d) None.
#
# ```{admonition} Answer
# :class: dropdown
# **(c).** Sixteen times the points, a quarter of the error, whatever $d$ is. (a) By $16^{2/d}$: 256 in one dimension, 4 in
# four, 1.6 in twelve. (b) Faster than any power where there are nodes enough, hardly at all in twelve dimensions. (d)
# would deny {eq}`eq-integration-monte-carlo`.
# ```
#
# **3.** A function on $[0, 1]$ has a kink at 0.37. What restores the order of Simpson's rule?
#
# (a) An even number of panels. (b) Cutting the interval at 0.37. (c) Gauss–Legendre in its place. (d) A finer grid.
#
# ```{admonition} Answer
# :class: dropdown
# **(b).** Each piece is smooth, and the expansion holds on both. (a) The kink still lies inside a panel. (c) It, too, assumes
# a smooth function. (d) The error falls, at the lower order.
# ```
#
# ## What to remember
#
# Taylor's theorem gives a polynomial with a guarantee near one point, and its coefficients follow from arithmetic with
# $\varepsilon^{n+1} = 0$. A convergent series may still be unsummable in floating point. Quadrature rules have an order,
# which is the order of the first term that they miss; it holds for functions smooth enough to have that term, and
# the ends decide. In $d$ dimensions the order is divided by $d$, while the error of random points is $\sigma / \sqrt N$
# in all of them and comes with its own error bar.
#
# Next the stage uses slopes and curvature to go down: {doc}`07_optimization`.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
