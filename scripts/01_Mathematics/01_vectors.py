# %% [markdown]
# # Vectors
#
# How alike are two lists of numbers, and what does each way of measuring it overlook?
#
# ````{admonition} On this page
# :class: journey-card
#
# - **You build** `dot`, `norm`, `normalize`, `angle`, `project` and `cosine_similarity`, first with plain lists, then
#   vectorised and safe for any finite numbers
# - **You need** school algebra, Python's lists, and what a claim is ({doc}`../00_Orientation/03_checks`)
# - **Checked against** exact rational arithmetic, SciPy, scikit-learn, and the law of random angles
# - **Time** 40 minutes to read, 60 to code
# - **Data** handwritten digits (1,797 pictures of 8 × 8 pixels), scikit-learn, BSD-3
# ````

# %%
import math
from fractions import Fraction
from time import thread_time

import matplotlib.pyplot as plt
import numpy as np
import scipy
from numpy.typing import ArrayLike
from scipy import stats
from scipy.optimize import minimize
from scipy.spatial.distance import cdist
from sklearn.datasets import load_digits
from sklearn.metrics import pairwise
from sklearn.model_selection import train_test_split

from journey.orientation.checks import check_close, claim, seed_band, try_answer
from journey.orientation.figures import (
    COLORS,
    DASHES,
    MARKERS,
    draw_vectors,
    show_images,
    use_journey_style,
)

use_journey_style()

# %% [markdown]
# ## A picture that is far from itself
#
# A picture of 8 × 8 pixels is a list of 64 numbers. The obvious distance between two pictures is the one of
# Pythagoras: subtract pixel by pixel, square, add, take the root. Below are a 3, the same 3 written in ink
# half as dark, and somebody's 9, each with its distance to the first.

# %%
digits, labels = load_digits(
    return_X_y=True
)  # (1797, 64), each pixel 0 (paper) to 16 (ink); (1797,)
three, nine = digits[59], digits[1146]
faint = three / 2  # half as much ink in every pixel
to_faint, to_nine = math.dist(three, faint), math.dist(three, nine)

# %% mystnb={"figure": {"caption": "By pixel distance the 9 is more like the 3 than the faint 3 is.", "name": "fig-vectors-faint"}, "image": {"alt": "Three small pictures: a dark 3 titled the 3; the same 3 in grey titled half the ink, distance 28.6; a 9 of similar outline titled a 9, distance 25.3."}} tags=["hide-input"]
titles = [
    "the 3",
    f"half the ink\ndistance {to_faint:.1f}",
    f"a 9\ndistance {to_nine:.1f}",
]
figure = show_images(np.array([three, faint, nine]).reshape(3, 8, 8), titles, size=1.5)
plt.show()

# %%
claim("vectors-faint-copy-is-further", to_faint / to_nine, at_least=1.1)

# %% [markdown]
# Whoever looks for the most similar picture by distance calls the faint 3 a nine. A length is not what is
# wanted here: fainter ink shortens the list of numbers, as a whole, without *turning* it. This page builds
# a measure of turning, proves the one inequality that makes it possible, finds where the textbook formula
# loses its digits, and puts it to work on all the pictures.
#
# ## Predict
#
# Write down your answers; the numbers below will settle them.
#
# 1. A program names a digit by its most similar labelled picture and is right about 98 times in 100, by
#    distance and by angle alike. Now every new picture has 0.3 of its ink. How often is each right? And if
#    instead every pixel of the new pictures is *raised* by 16, as grey paper would do?
# 2. What does a computer say about the angle between a picture and itself, by the formula of the textbook?
# 3. Two directions are drawn at random in 3 dimensions: any angle may come. In 1,000 dimensions, how far
#    from 90° are they typically?

# %% [markdown]
# ## One shadow, one parabola
#
# A **vector** $\mathbf{x} = (x_1, \dots, x_d)$ is a list of $d$ real numbers on which two operations are
# defined, both component by component: addition, $\mathbf{u} + \mathbf{v} = (u_1 + v_1, \dots, u_d + v_d)$,
# and scaling by a number, $c\,\mathbf{v} = (c\,v_1, \dots, c\,v_d)$. It can be drawn as an arrow from the
# origin $\mathbf{0}$; adding puts one arrow at the tip of the other, scaling stretches it, and turns it
# round if $c < 0$. Its **length**, or Euclidean norm, is Pythagoras in $d$ dimensions, and it is a special
# case of the **dot product**:
#
# $$
# \mathbf{u} \cdot \mathbf{v} = \mathbf{u}^\top \mathbf{v} = \sum_{j=1}^{d} u_j v_j,
# \qquad
# \lVert \mathbf{x} \rVert = \sqrt{\mathbf{x} \cdot \mathbf{x}} .
# $$ (eq-vectors-dot)
#
# (All symbols are collected in {doc}`../00_Orientation/07_notation`.) From the sum one reads off that the
# dot product is symmetric, that
# $(\mathbf{u} + \mathbf{w}) \cdot \mathbf{v} = \mathbf{u} \cdot \mathbf{v} + \mathbf{w} \cdot \mathbf{v}$ and
# $(c\,\mathbf{u}) \cdot \mathbf{v} = c\,(\mathbf{u} \cdot \mathbf{v})$, and that
# $\mathbf{x} \cdot \mathbf{x} \geq 0$, with zero for $\mathbf{x} = \mathbf{0}$ only. Everything below follows from
# these facts.
#
# What does the number $\mathbf{u} \cdot \mathbf{v}$ *mean*? Ask a question about distance: **which multiple
# of $\mathbf{v}$ lies closest to $\mathbf{u}$?** Take $\mathbf{u} = (2, 4)$ and $\mathbf{v} = (4, 3)$. Then
# $\mathbf{u} \cdot \mathbf{v} = 8 + 12 = 20$, $\lVert \mathbf{u} \rVert^2 = 20$ and
# $\lVert \mathbf{v} \rVert^2 = 25$. The squared distance from $\mathbf{u}$ to $c\,\mathbf{v}$ is
# $20 - 40\,c + 25\,c^2$: a parabola in $c$, lowest at $c = 0.8$, where it is $4$.

# %% mystnb={"figure": {"caption": "The shadow of u on the line of v is the point of that line closest to u: the bottom of the parabola. What is left at the bottom is a squared length, so it cannot be negative, and that is the Cauchy\u2013Schwarz inequality.", "name": "fig-vectors-shadow"}, "image": {"alt": "Left: arrows u = (2, 4) and v = (4, 3) from the origin; a dashed perpendicular of length 2 drops from the tip of u to the line of v and meets it at the shadow, at distance 4 from the origin. Right: the squared distance from u to c times v against c, a parabola with its minimum 4 at c = 0.8; it starts at 20 for c = 0."}} tags=["hide-input"]
u, v = np.array([2.0, 4.0]), np.array([4.0, 3.0])
shadow = 0.8 * v
figure, (plane, curve) = plt.subplots(1, 2, figsize=(7.8, 3.7))
plane.axline((0, 0), v, color=COLORS["gray"], lw=1, ls=DASHES[2])
draw_vectors(
    plane, [u, v, shadow], colors=[COLORS["blue"], COLORS["gray"], COLORS["orange"]]
)
plane.plot(*np.transpose([u, shadow]), color=COLORS["red"], ls=DASHES[1])
corner = shadow + 0.28 * np.array([[-0.8, -0.6], [-1.4, 0.2], [-0.6, 0.8]])
plane.plot(*corner.T, color=COLORS["red"], ls="-", lw=1)
plane.annotate("u = (2, 4)", (1.75, 4.2), color=COLORS["blue"], ha="right")
plane.annotate("v = (4, 3)", (4.1, 2.6), color="#5F6973")
plane.annotate("left over: length 2", (2.5, 3.7), color=COLORS["red"])
plane.annotate("shadow: length 4", (2.05, 1.0), color="#8A5F00")
plane.set(
    xlim=(-0.4, 5.6), ylim=(-0.4, 4.8), aspect="equal", xlabel="$x_1$", ylabel="$x_2$"
)
plane.set_title("The shadow is the closest point")
c = np.linspace(-0.15, 1.75, 200)
curve.plot(c, 20 - 40 * c + 25 * c**2, color=COLORS["ink"], ls="-")
curve.plot([0.8, 0.8], [0, 4], color=COLORS["red"], ls=DASHES[1])
curve.plot(0.8, 4, "o", color=COLORS["orange"], ms=8)
curve.annotate("left over: $2^2 = 4$", (0.87, 1.3), color=COLORS["red"])
curve.annotate("closest:\nc = 0.8", (0.8, 8.5), ha="center", color="#8A5F00")
curve.set(
    ylim=(0, 27), xlabel="c", ylabel="squared distance, u to c v", box_aspect=5.2 / 6
)
curve.set_title("It never dips below zero")
plt.show()

# %% [markdown]
# **The closest point.** For any $\mathbf{u}$ and any $\mathbf{v} \neq \mathbf{0}$, in any dimension,
# multiply out and complete the square:
#
# $$
# \lVert \mathbf{u} - c\,\mathbf{v} \rVert^2
# = \lVert \mathbf{u} \rVert^2 - 2c\,\mathbf{u} \cdot \mathbf{v} + c^2 \lVert \mathbf{v} \rVert^2
# = \lVert \mathbf{v} \rVert^2 \left( c - \frac{\mathbf{u} \cdot \mathbf{v}}{\lVert \mathbf{v} \rVert^2} \right)^{\!2}
#   + \lVert \mathbf{u} \rVert^2 - \frac{(\mathbf{u} \cdot \mathbf{v})^2}{\lVert \mathbf{v} \rVert^2} .
# $$ (eq-vectors-parabola)
#
# Only the first term depends on $c$, and it is never negative. It vanishes at one $c$; the point there is
# the **projection** of $\mathbf{u}$ onto $\mathbf{v}$, its shadow when the light falls at right angles to
# the line of $\mathbf{v}$:
#
# $$
# \operatorname{proj}_{\mathbf{v}}(\mathbf{u}) = \frac{\mathbf{u} \cdot \mathbf{v}}{\lVert \mathbf{v} \rVert^2}\, \mathbf{v} .
# $$ (eq-vectors-projection)
#
# The signed length of the shadow is $\mathbf{u} \cdot \mathbf{v} / \lVert \mathbf{v} \rVert$, in the
# example $20 / 5 = 4$. That is what the dot product means: *the length of one vector's shadow on the other,
# times the length of the other*. The rest, $\mathbf{u} - \operatorname{proj}_{\mathbf{v}}(\mathbf{u})$, has
# the dot product $\mathbf{u} \cdot \mathbf{v} - \mathbf{u} \cdot \mathbf{v} = 0$ with $\mathbf{v}$: the two
# are **orthogonal**.
#
# **The Cauchy–Schwarz inequality.** At the bottom of the parabola {eq}`eq-vectors-parabola` stands a squared
# length. It cannot be negative, so
# $(\mathbf{u} \cdot \mathbf{v})^2 \leq \lVert \mathbf{u} \rVert^2 \lVert \mathbf{v} \rVert^2$, that is
#
# $$
# \lvert \mathbf{u} \cdot \mathbf{v} \rvert \;\leq\; \lVert \mathbf{u} \rVert \, \lVert \mathbf{v} \rVert ,
# $$ (eq-vectors-cauchy-schwarz)
#
# for $\mathbf{v} = \mathbf{0}$ too, where both sides are zero. Equality holds exactly when nothing is left over:
# when one vector is a multiple of the other. {cite:t}`steele2004cauchy` gives a whole book to this line. A first
# use:
# $\lVert \mathbf{u} + \mathbf{v} \rVert^2 = \lVert \mathbf{u} \rVert^2 + 2\,\mathbf{u} \cdot \mathbf{v} + \lVert \mathbf{v} \rVert^2$
# is at most $(\lVert \mathbf{u} \rVert + \lVert \mathbf{v} \rVert)^2$, so a detour is never shorter: the triangle
# inequality $\lVert \mathbf{u} + \mathbf{v} \rVert \leq \lVert \mathbf{u} \rVert + \lVert \mathbf{v} \rVert$.
#
# **The angle.** In the plane, the shadow is the side of a right-angled triangle next to the angle $\theta$,
# and $\mathbf{u}$ is its longest side, so the ratio of the two lengths is $\cos \theta$. In 64 dimensions
# nobody has seen an angle, but by {eq}`eq-vectors-cauchy-schwarz` the same ratio lies between $-1$ and $1$.
# So it may be *defined* as the cosine of one:
#
# $$
# \cos \theta = \frac{\mathbf{u} \cdot \mathbf{v}}{\lVert \mathbf{u} \rVert \, \lVert \mathbf{v} \rVert},
# \qquad 0 \leq \theta \leq \pi .
# $$ (eq-vectors-cosine)
#
# Scaling $\mathbf{u}$ by $c > 0$ scales the numerator and the denominator alike: the cosine forgets how
# dark the ink is. In the example $\cos \theta = 20 / (\sqrt{20} \cdot 5) \approx 0.894$ and
# $\theta \approx 26.6°$.

# %% [markdown]
# ## From lists to arrays
#
# Equation {eq}`eq-vectors-dot` in plain Python is one line. Addition needs its own: look at what `+` and
# `*` mean for lists.

# %%
u, v = [2, 4], [4, 3]
print("u + v and 2 * u, as lists:  ", u + v, 2 * u)
print("u + v and 2 * u, as vectors:", [a + b for a, b in zip(u, v)], [2 * a for a in u])


# %%
def list_dot(u: list[float], v: list[float]) -> float:
    return sum(
        a * b for a, b in zip(u, v, strict=True)
    )  # strict: unequal lengths are an error


# %%
length = list_dot(u, u) ** 0.5
shadow = [list_dot(u, v) / list_dot(v, v) * b for b in v]
print(
    f"u · v = {list_dot(u, v)}, length of u {length:.4g}, cosine {list_dot(u, v) / (length * 5):.3g}"
)
print("shadow of u on v:", [round(a, 12) for a in shadow])

# %% [markdown]
# These are the numbers worked by hand: 20, $\sqrt{20}$, 0.894 and $0.8\,\mathbf{v} = (3.2, 2.4)$. A NumPy
# array is a vector by birth: `+` adds components and `@` is the dot product. Its numbers lie side by side
# in memory as machine numbers, so the loop runs in compiled code. The cell takes the best of five timings
# for lists and arrays of 100,000 and 400,000 numbers.


# %%
def best_time(function, *arguments):
    times = []
    for _ in range(5):
        start = thread_time()
        function(*arguments)
        times.append(thread_time() - start)
    return min(times)


# %% tags=["nbval-ignore-output"]
# Not compared: timings differ from run to run.
short, long = np.linspace(0, 1, 100_000), np.linspace(0, 1, 400_000)
list_times = [best_time(list_dot, x.tolist(), x.tolist()) for x in (short, long)]
array_time = best_time(np.dot, long, long)
print(
    f"lists {list_times[0]:.2g} s and {list_times[1]:.2g} s; array {array_time:.2g} s"
)

# %%
claim(
    "vectors-dot-cost-for-four-times-the-length",
    list_times[1] / list_times[0],
    within=(1.5, 12),
)
claim("vectors-array-faster-than-list", list_times[1] / array_time, at_least=5)

# %% [markdown]
# Four times as many numbers take about four times as long: the dot product costs $O(d)$ time. Both programs
# do the same arithmetic, yet the array wins by far. From here on vectors are arrays, and one more habit of
# the field pays off: **the last axis is the vector**. A batch of vectors has shape `(n, d)`, and every
# function below works on one vector, on a batch, and on a batch against one vector.
#
# Two traps are waiting in the bare operators. `@` on pictures stored as bytes wraps around at 256. And a
# row of shape `(3,)` times a column of shape `(3, 1)` is not an error: {term}`broadcasting` makes it a
# table of all nine products.

# %%
black = np.array([16, 16], dtype=np.uint8)
row, column = np.array([1.0, 2.0, 3.0]), np.array([[1.0], [2.0], [3.0]])
print("squared length of two black pixels, as bytes:", black @ black)
print(
    f"1·1 + 2·2 + 3·3 = {(row * row).sum():g}, with one column vector: {(row * column).sum():g}"
)

# %% [markdown]
# Two black pixels have length zero, and 14 became 36, without a word. So the version that other pages
# import converts to floating point, insists on equal lengths, and refuses numbers that would poison a
# result in silence.


# %% tags=["export"]
def _vectors(x: ArrayLike, name: str) -> np.ndarray:
    """Finite real numbers as float64, at least one along the last axis, or a ValueError naming them."""
    values = np.asarray(x)
    if values.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold real numbers, got dtype {values.dtype}")
    if values.ndim == 0 or values.shape[-1] == 0:
        raise ValueError(
            f"{name} must have shape (..., d) with d > 0, got {values.shape}"
        )
    values = values.astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError(f"{name} must be finite, but holds NaN or infinity")
    return values


def _check_same_dimension(u: np.ndarray, v: np.ndarray) -> None:
    """Refuse vectors of different dimension."""
    if u.shape[-1] != v.shape[-1]:
        raise ValueError(
            f"the vectors must have equally many components, got {u.shape} and {v.shape}"
        )


# %% tags=["export"]
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


# %% [markdown]
# ## Lengths, and the length that overflows
#
# The Euclidean norm is one of many. Three are in daily use, and they differ in how they add up the parts:
#
# $$
# \lVert \mathbf{x} \rVert_1 = \sum_j \lvert x_j \rvert, \qquad
# \lVert \mathbf{x} \rVert_2 = \Bigl( \sum_j x_j^2 \Bigr)^{1/2}, \qquad
# \lVert \mathbf{x} \rVert_\infty = \max_j \lvert x_j \rvert .
# $$ (eq-vectors-norms)
#
# Each is a **norm**: positive except for $\mathbf{0}$, multiplied by $\lvert c \rvert$ when $\mathbf{x}$ is
# multiplied by $c$, and true to the triangle inequality. For $\mathbf{u} = (2, 4)$ they give 6,
# $\sqrt{20} \approx 4.47$ and 4. Written as it is defined, the middle one fails for numbers that a float
# holds with ease:


# %%
def naive_norm(x):
    return np.sqrt((np.asarray(x) ** 2).sum(axis=-1))


with np.errstate(over="ignore"):
    for size in (1e150, 1e200, 1e-200):
        print(
            f"{size:g} * (3, 4): {naive_norm([3 * size, 4 * size]):g}, should be {5 * size:g}"
        )

# %% [markdown]
# The answer fits into a float, which reaches to about $10^{308}$, but the square on the way there does not:
# at $10^{200}$ the length overflows to infinity, and at $10^{-200}$ it underflows to zero, so that a later
# division fails somewhere else. The remedy is old {cite:p}`blue1978portable`: scale first. A power of two
# changes the exponent of a float and no digit, so scaling by one costs no accuracy at all.


# %% tags=["export"]
def _scaled(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``values * 2**-e`` with each vector's largest component in [1/2, 1), and ``e``, of shape (..., 1)."""
    _, exponent = np.frexp(np.abs(values).max(axis=-1, keepdims=True))
    return np.ldexp(values, -exponent), exponent


# %% tags=["export"]
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


# %% [markdown]
# Where the naive version works, the two must agree to the last bit; at the extremes, the reference is the
# standard library's `math.hypot`. All pictures first, then lengths from $10^{-320}$ to $10^{300}$.

# %%
claim(
    "vectors-norm-equals-naive-on-digits",
    (norm(digits) == naive_norm(digits)).mean(),
    equal_to=1,
)
sizes = 10.0 ** np.arange(-320, 301, 20)
pairs = np.outer(sizes, [3.0, 4.0])  # (32, 2)
by_hypot = np.array([math.hypot(a, b) for a, b in pairs])
claim(
    "vectors-norm-against-hypot",
    np.max(np.abs(norm(pairs) - by_hypot) / by_hypot),
    at_most=1e-15,
)

# %% [markdown]
# What the choice of a norm changes is the shape of "everything within distance 1", drawn here by asking
# `norm` at each point of a grid.

# %% mystnb={"figure": {"caption": "The points at distance 1 from the origin form a diamond, a circle or a square: the 1-norm counts every step along an axis, the maximum norm only the largest.", "name": "fig-vectors-balls"}, "image": {"alt": "Three closed curves around the origin: a dashed diamond, inside a solid circle, inside a dotted square; all touch at the four points where an axis is cut at distance 1."}} tags=["hide-input"]
grid = np.stack(
    np.meshgrid(*[np.linspace(-1.3, 1.3, 261)] * 2), axis=-1
)  # (261, 261, 2)
figure, axes = plt.subplots(figsize=(5.2, 3.5))
looks = {
    np.inf: ("red", 2, (1, 0.85)),
    2: ("blue", 0, (0.9, 0.44)),
    1: ("orange", 1, (0.9, 0.1)),
}
for order, (color, k, place) in looks.items():
    axes.contour(
        grid[..., 0],
        grid[..., 1],
        norm(grid, order),
        [1.0],
        colors=COLORS[color],
        linestyles=[DASHES[k]],
    )
    name = "∞-norm" if order == np.inf else f"{order}-norm"
    text = "#8A5F00" if color == "orange" else COLORS[color]
    line = {"arrowstyle": "-", "color": COLORS["gray"], "lw": 0.8}
    axes.annotate(
        name, place, xytext=(1.35, place[1]), color=text, va="center", arrowprops=line
    )
axes.set(xlim=(-1.3, 2.2), aspect="equal", xlabel="$x_1$", ylabel="$x_2$")
axes.set_title("Distance 1, in three norms")
plt.show()

# %% [markdown]
# Because each curve lies inside the next,
# $\lVert \mathbf{x} \rVert_\infty \leq \lVert \mathbf{x} \rVert_2 \leq \lVert \mathbf{x} \rVert_1$. The corners of
# the diamond will matter: a method that minimises a 1-norm tends to end in one, with most components exactly zero.
#
# A vector of length 1 is a pure direction. Dividing by the length gives it, and the zero vector has none.


# %% tags=["export"]
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


# %% [markdown]
# ## The arc cosine forgets half of the digits
#
# The textbook's angle is the arc cosine of {eq}`eq-vectors-cosine`. Ask it for the angle between each
# picture and itself, where the truth is 0.

# %%
lengths = norm(digits)
self_cosine = dot(digits, digits) / (lengths * lengths)
with np.errstate(invalid="ignore"):
    self_angle = np.arccos(self_cosine)
print(f"zero: {(self_angle == 0).sum()}, NaN: {np.isnan(self_angle).sum()}, ", end="")
print(f"above zero: {(self_angle > 0).sum()}, by up to {np.nanmax(self_angle):.1e}")
claim(
    "vectors-picture-with-itself-is-nan", np.isnan(self_angle).mean(), within=(0.1, 0.3)
)

# %% [markdown]
# *Prediction 2.* For one picture in five the answer is "not a number". The root is rounded, so its square
# misses the dot product by a last digit, and the quotient comes out as $1 + 2 \times 10^{-16}$, of which
# there is no arc cosine. About as many come out below 1, and for these the answer is not 0 but up to
# $2 \times 10^{-8}$. Clipping to $[-1, 1]$ removes the NaN and leaves the second defect, which is worse
# because it is silent. Near 0 the cosine is flat, $\cos \theta \approx 1 - \theta^2 / 2$: an angle of
# $10^{-8}$ changes it by half of $10^{-16}$, less than the spacing of floats near 1. Information that is
# not in the cosine cannot be got out of it.
#
# The cure is to measure something that is *not* flat. For unit vectors $\hat{\mathbf{u}}$ and
# $\hat{\mathbf{v}}$, the sum and the difference are the diagonals of a rhombus; they cross at right angles
# and halve the angle:
#
# $$
# \lVert \hat{\mathbf{u}} - \hat{\mathbf{v}} \rVert = 2 \sin \tfrac{\theta}{2}, \quad
# \lVert \hat{\mathbf{u}} + \hat{\mathbf{v}} \rVert = 2 \cos \tfrac{\theta}{2}
# \quad \Longrightarrow \quad
# \theta = 2 \arctan \frac{\lVert \hat{\mathbf{u}} - \hat{\mathbf{v}} \rVert}{\lVert \hat{\mathbf{u}} + \hat{\mathbf{v}} \rVert} .
# $$ (eq-vectors-kahan)
#
# (Both follow from {eq}`eq-vectors-dot`:
# $\lVert \hat{\mathbf{u}} \mp \hat{\mathbf{v}} \rVert^2 = 2 \mp 2 \cos \theta$.) A small angle is now a
# short difference, and an angle near $\pi$ a short sum. The formula is Kahan's {cite:p}`kahan2006futile`.


# %% tags=["export"]
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


# %% [markdown]
# A fair referee must not round. A float is a fraction with a power of two below, so Python's `Fraction` can
# form $\cos^2\theta$ and $\sin^2\theta = 1 - \cos^2\theta$ without any error and round once, at the end.
# Ten pictures are turned by known small angles into a direction orthogonal to each; both formulas are
# compared with the referee.


# %%
def exact_products(u, v):
    a, b = [Fraction(x) for x in u.tolist()], [Fraction(x) for x in v.tolist()]
    return [sum(x * y for x, y in zip(p, q)) for p, q in ((a, b), (a, a), (b, b))]


def exact_angle(u, v):
    uv, uu, vv = exact_products(u, v)
    cosine2 = uv**2 / (
        uu * vv
    )  # exact, as the sine below; both are rounded by the root
    return math.atan2(math.sqrt(1 - cosine2), math.copysign(math.sqrt(cosine2), uv))


# %%
def arccos_angle(u, v):
    return np.arccos(np.clip(dot(u, v) / (norm(u) * norm(v)), -1, 1))


print(
    f"u and v by hand: {math.degrees(exact_angle(np.array([2.0, 4.0]), np.array([4.0, 3.0]))):.4f}°"
)

# %%
rng = np.random.default_rng(0)
turns = 10.0 ** np.arange(-15, 0.1, 0.5)
arccos_error, stable_error = np.zeros((2, len(turns), 20))
for k, picture in enumerate(digits[:10]):
    sideways = rng.normal(size=64)
    sideways -= (
        dot(sideways, picture) / dot(picture, picture) * picture
    )  # orthogonal to the picture
    sideways *= norm(picture) / norm(sideways)
    for n, turn in enumerate(turns):
        for side, end in ((k, 1), (k + 10, -1)):  # near 0 and near pi
            turned = end * (picture + math.tan(turn) * sideways)
            truth = exact_angle(picture, turned)
            arccos_error[n, side] = abs(arccos_angle(picture, turned) - truth)
            stable_error[n, side] = abs(angle(picture, turned) - truth)

# %% mystnb={"figure": {"caption": "For angles below a hundred-millionth of a radian the arc cosine is wrong by more than the angle itself; the error of the half-angle formula is rounding, at every angle. Worst of ten pictures.", "name": "fig-vectors-arccos"}, "image": {"alt": "Worst error against the true angle, in radians, both logarithmic. The dashed arc cosine curve falls from 2e-8, where it stays for all angles below 1e-8, to 4e-16 at one radian; left of 1e-8 it lies above the dotted diagonal on which error equals angle. The solid curve of the half-angle formula stays below 1e-15 throughout."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.2, 3.6))
near_zero = slice(0, 10)
for errors, color, k in ((arccos_error, "red", 1), (stable_error, "blue", 0)):
    worst = errors[:, near_zero].max(axis=1)
    axes.loglog(
        turns, worst, color=COLORS[color], ls=DASHES[k], marker=MARKERS[k], lw=1.5
    )
axes.loglog(turns, turns, color=COLORS["gray"], ls=DASHES[2], lw=1)
axes.annotate("arc cosine", (3e-7, 3e-9), color=COLORS["red"])
axes.annotate("half-angle formula", (1e-9, 1.5e-16), color=COLORS["blue"])
axes.annotate("error as large\nas the angle", (3e-11, 2e-13), color="#5F6973")
axes.set(
    xlabel="true angle (radians)", ylabel="worst error (radians)", ylim=(3e-18, 3e-7)
)
axes.set_title("A flat function cannot be inverted")
plt.show()

# %%
claim("vectors-arccos-worst-error", arccos_error.max(), at_least=3e-9)
claim("vectors-angle-worst-error", stable_error.max(), at_most=2e-15)

# %% [markdown]
# The arc cosine loses half of the sixteen digits and recovers only where the angle is large. The other
# formula stays at the level of rounding, near $\pi$ as near 0. That is the best that can be asked: storing
# the two vectors has already moved the angle by as much.
#
# ## An attempt to break Cauchy–Schwarz
#
# A proof speaks about real numbers; a program computes with floats. Three attacks on
# {eq}`eq-vectors-cauchy-schwarz` in three dimensions: unrelated random vectors, vectors that are parallel
# up to rounding, and an optimiser that is told to make the ratio of the two sides as large as it can.

# %%
unrelated = rng.normal(size=(2, 100_000, 3))
parallel = np.stack([unrelated[0], unrelated[0] * rng.normal(size=(100_000, 1))])


def square_ratio(u, v):
    return dot(u, v) ** 2 / (dot(u, u) * dot(v, v))  # Cauchy–Schwarz: at most 1


# %%
def tempted(z):
    return -square_ratio(z[:3], z[3:])


best = minimize(tempted, x0=rng.normal(size=6), tol=1e-12).x
claim(
    "vectors-unrelated-pairs-above-one",
    (square_ratio(*unrelated) > 1).sum(),
    equal_to=0,
)
claim(
    "vectors-parallel-pairs-above-one",
    (square_ratio(*parallel) > 1).mean(),
    within=(0.2, 0.5),
)
claim(
    "vectors-optimiser-ends-parallel",
    abs(np.cos(angle(best[:3], best[3:]))),
    at_least=0.999999,
)

# %% [markdown]
# Among unrelated vectors there is no counterexample, and the optimiser runs into the case of equality:
# parallel vectors. But of the pairs that *are* parallel, a good part violates the inequality on the
# computer. Is the theorem wrong, or the arithmetic? The referee that does not round decides.

# %%
offenders = np.flatnonzero(square_ratio(*parallel) > 1)[:2000]
excess = square_ratio(*parallel[:, offenders]).max() - 1
broken = 0
for u, v in zip(*parallel[:, offenders]):
    uv, uu, vv = exact_products(u, v)
    broken += uv**2 > uu * vv
claim(
    "vectors-largest-excess-in-rounding-units",
    excess / np.finfo(float).eps,
    within=(1, 8),
)
claim("vectors-offenders-that-truly-offend", broken, equal_to=0)

# %% [markdown]
# None of two thousand offenders offends in exact arithmetic, and in floats the excess is a few rounding
# units at most. The theorem stands; the code that relies on it must expect $1 + \varepsilon$.
# {cite:t}`higham2002accuracy` bounds such errors for every operation on this page.
#
# ## Shadows and similarities, for use
#
# The two functions that remain follow {eq}`eq-vectors-projection` and {eq}`eq-vectors-cosine`. Both divide
# by the length first, so neither overflows; the table of cosines is clipped because of what was seen above.
# Its cost is one dot product per pair, $O(n\,m\,d)$ time and $O(n\,m)$ memory.


# %% tags=["export"]
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
    return np.ldexp(
        (scaled * direction).sum(axis=-1, keepdims=True) * direction, exponent
    )


# %% tags=["export"]
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


# %% [markdown]
# Against the libraries: scikit-learn's table of all 1,797 × 1,797 cosines, and for the projection NumPy's
# least-squares solver, which looks for the closest multiple by another route. And an invariant: what is
# left over has no shadow.

# %%
similarity = cosine_similarity(digits)  # (1797, 1797)
print(
    f"the table of cosines takes {similarity.nbytes / 1e6:.1f} MB, the pictures {digits.nbytes / 1e6:.1f} MB"
)
claim(
    "vectors-cosine-against-sklearn",
    check_close(similarity, pairwise.cosine_similarity(digits), atol=1e-14),
    at_most=1e-14,
)
coefficients = np.linalg.lstsq(nine[:, None], digits.T)[
    0
]  # (1, 1797): one multiple for each picture
shadows = project(digits, nine)  # (1797, 64)
claim(
    "vectors-project-against-lstsq",
    check_close(shadows, np.outer(coefficients, nine), atol=1e-12),
    at_most=1e-12,
)
claim(
    "vectors-rest-has-no-shadow",
    np.abs(dot(digits - shadows, normalize(nine))).max(),
    at_most=1e-12,
)

# %% [markdown]
# ## Naming digits in faint ink and on grey paper
#
# Now the real use. A quarter of the pictures is held out as new, the rest are labelled examples, and a new
# picture takes the label of the example that scores highest. Five random splits; four scores. The raw dot
# product is cosine with an ingredient removed: the division by the lengths.


# %%
def split(seed):
    return train_test_split(
        digits, labels, test_size=0.25, random_state=seed, stratify=labels
    )


def accuracy(score, change, seed):
    examples, new, example_labels, new_labels = split(seed)
    best = score(change(new), examples).argmax(
        axis=1
    )  # (n_new, n_examples) -> (n_new,)
    return np.mean(example_labels[best] == new_labels)


# %%
def minus_distance(new, examples):
    return -cdist(new, examples)


def centred_cosine(new, examples):
    ones = np.ones(new.shape[1])
    return cosine_similarity(
        new - project(new, ones), examples - project(examples, ones)
    )


# %%
scores = {
    "distance": minus_distance,
    "raw dot": np.inner,
    "cosine": cosine_similarity,
    "centred cosine": centred_cosine,
}
changes = {
    "as they are": lambda x: x,
    "0.3 of the ink": lambda x: 0.3 * x,
    "raised by 16": lambda x: x + 16,
    "negative": lambda x: 16 - x,
}


# %%
def five_splits(score, change):
    return seed_band(lambda seed: accuracy(score, change, seed), range(5))


# %%
result = {(s, c): five_splits(scores[s], changes[c]) for s in scores for c in changes}
print("mean accuracy   " + "".join(f"{c:>18}" for c in changes))
for s in scores:
    print(f"{s:16}" + "".join(f"{result[s, c].mean:18.2f}" for c in changes))

# %%
gain = result["cosine", "as they are"].values - result["distance", "as they are"].values
claim("vectors-cosine-minus-distance-clean", gain.mean(), within=(-0.01, 0.01))
claim(
    "vectors-distance-in-faint-ink",
    result["distance", "0.3 of the ink"].mean,
    within=(0.55, 0.72),
)
claim(
    "vectors-cosine-in-faint-ink",
    result["cosine", "0.3 of the ink"].mean,
    at_least=0.97,
)
claim(
    "vectors-distance-on-grey-paper",
    result["distance", "raised by 16"].mean,
    at_most=0.4,
)
claim(
    "vectors-cosine-on-grey-paper",
    result["cosine", "raised by 16"].mean,
    within=(0.7, 0.86),
)

# %%
examples, new, _, _ = split(0)
chosen = examples[np.inner(new, examples).argmax(axis=1)]  # (450, 64)
claim("vectors-raw-dot-clean", result["raw dot", "as they are"].mean, at_most=0.8)
claim(
    "vectors-raw-dot-prefers-long",
    norm(chosen).mean() / norm(examples).mean(),
    at_least=1.1,
)

# %% [markdown]
# *Prediction 1.* As the pictures are, distance and angle do equally well: cosine is not "better". In faint
# ink distance falls to about 0.64 while cosine does not notice. The raw dot product is poor everywhere: a
# picture with much ink has a large dot product with everything, and the last claim shows that the pictures
# it chooses are longer than average. And on grey paper cosine fails as well, if less than distance does:
# raising each pixel by $b$ adds the vector $b\,\mathbf{1}$, where $\mathbf{1} = (1, \dots, 1)$, and that
# *turns* every picture towards $\mathbf{1}$.
#
# The cure is the other tool of this page. If the nuisance adds a multiple of $\mathbf{1}$, remove the
# shadow on $\mathbf{1}$ from every picture: $\mathbf{x} - \operatorname{proj}_{\mathbf{1}}(\mathbf{x})$ is
# the same for $\mathbf{x}$ and $\mathbf{x} + b\,\mathbf{1}$. By {eq}`eq-vectors-projection` that shadow is
# the mean pixel times $\mathbf{1}$. Cosine after centring has another name in statistics, **Pearson's
# correlation**, and forgets the strength of the ink *and* the grey of the paper.

# %% tags=["hide-input"]
raises = np.arange(0, 33, 4)


def raised_by(amount):
    return lambda x: x + amount


curves = {
    s: [five_splits(scores[s], raised_by(amount)) for amount in raises]
    for s in ("distance", "cosine", "centred cosine")
}

# %% mystnb={"figure": {"caption": "Grey paper turns a picture towards the all-ones direction: distance fails first, cosine later, and cosine after removing that shadow not at all. Lines: mean of five splits; bands: 95 % interval of the mean.", "name": "fig-vectors-paper"}, "image": {"alt": "Accuracy against the amount by which every pixel is raised, 0 to 32. Distance falls from 0.98 to about 0.3 at 16 and 0.1 at 32; cosine stays above 0.95 up to 8, then falls to 0.8 at 16 and 0.4 at 32; centred cosine is flat at 0.98."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.2, 3.6))
looks = {
    "distance": ("red", 1, (5.4, 0.62)),
    "cosine": ("blue", 0, (18.2, 0.77)),
    "centred cosine": ("green", 3, (20, 0.915)),
}
for name, (color, k, place) in looks.items():
    bands = curves[name]
    axes.fill_between(
        raises,
        [b.low for b in bands],
        [b.high for b in bands],
        color=COLORS[color],
        alpha=0.2,
        lw=0,
    )
    axes.plot(
        raises,
        [b.mean for b in bands],
        color=COLORS[color],
        ls=DASHES[k],
        marker=MARKERS[k],
    )
    axes.annotate(name, place, color=COLORS[color])
axes.axhline(0.1, color=COLORS["gray"], lw=1, ls=DASHES[2])
axes.annotate("guessing", (0, 0.115), color="#5F6973")
axes.set(
    ylim=(0, 1.02),
    xlabel="added to every pixel of the new pictures (black ink is 16)",
    ylabel="share named correctly",
)
axes.set_title("Removing one shadow makes grey paper harmless")
plt.show()

# %%
flat = curves["centred cosine"]
claim(
    "vectors-centred-cosine-lost-on-grey-paper",
    flat[0].mean - min(band.mean for band in flat),
    within=(-0.002, 0.002),
)

# %% [markdown]
# The negative picture $16 - \mathbf{x}$ still defeats every score, nearly always: worse than guessing.
# Guessing is right one time in ten; being wrong 98 times in a hundred takes knowledge. In the centred space
# the negative is exactly $-\mathbf{x}$, so the right answer has the *lowest* score instead of the highest.
# Taking the absolute value forgets the sign as well.


# %%
def sign_free(new, examples):
    return np.abs(centred_cosine(new, examples))


negative = five_splits(sign_free, changes["negative"])
claim(
    "vectors-centred-cosine-on-negatives",
    result["centred cosine", "negative"].mean,
    at_most=0.06,
)
claim("vectors-sign-free-cosine-on-negatives", negative.mean, at_least=0.97)

# %% [markdown]
# Each thing forgotten was bought by a construction: the ink by dividing by the length, the paper by
# removing a shadow, sign by an absolute value. Whether to forget is a question about the task: for digits
# the ink matters little, but whoever compares customers by what they buy and forgets the length calls the
# one who buys a thousand times as much "the same".
#
# Comparing with every example costs $O(n\,d)$ for each new picture. One **centroid** for each class, the
# mean of its examples, costs ten dot products, and here is what it loses.


# %%
def centroid_accuracy(score, seed):
    examples, new, example_labels, new_labels = split(seed)
    centroids = np.array(
        [examples[example_labels == k].mean(axis=0) for k in range(10)]
    )  # (10, 64)
    return np.mean(score(new, centroids).argmax(axis=1) == new_labels)


centroid = seed_band(lambda seed: centroid_accuracy(cosine_similarity, seed), range(5))
claim("vectors-cosine-to-ten-centroids", centroid.mean, within=(0.87, 0.94))

# %% [markdown]
# ## Random directions are orthogonal
#
# Is a cosine of 0.3 a lot? That depends on the dimension, and more than intuition from the plane suggests.
# Let $\hat{\mathbf{u}}$ be a random direction, all equally likely, and $\mathbf{v}$ a fixed one; turn the
# axes so that $\hat{\mathbf{v}} = (1, 0, \dots, 0)$. Then $\cos \theta = \hat{u}_1$. The squares of the
# components add up to 1, and all $d$ of them have equal rights, so each has the expectation
#
# $$
# \mathbb{E}[\cos^2 \theta] = \mathbb{E}[\hat{u}_1^2] = \frac{1}{d} \,\mathbb{E}\Bigl[\sum_j \hat{u}_j^2\Bigr] = \frac{1}{d} .
# $$ (eq-vectors-random)
#
# The mean of the cosine is 0 by symmetry, so its standard deviation is $1 / \sqrt{d}$: about $1.8°$ around
# the right angle in 1,000 dimensions. The whole distribution is as easy to see. The directions at angle
# $\theta$ from $\mathbf{v}$ form a sphere of one dimension less (in space: a circle of latitude) with
# radius $\sin \theta$. Its size is proportional to $\sin^{d-2} \theta$, and so is the density of the angle
# {cite:p}`cai2013distributions`.
#
# Four thousand random pairs for each dimension, measured by `angle`. If the law holds,
# $(1 + \cos \theta) / 2$ is a Beta variable with both parameters $(d-1)/2$; the Kolmogorov–Smirnov distance
# is the largest gap between the measured and the predicted distribution function, and chance alone keeps it
# below 0.031 in 999 of 1,000 experiments.

# %%
dimensions = [3, 10, 64, 1000]
angles = {
    d: angle(rng.normal(size=(4000, d)), rng.normal(size=(4000, d))) for d in dimensions
}
spread = {d: np.cos(angles[d]).std() * d**0.5 for d in dimensions}
laws = {d: stats.beta((d - 1) / 2, (d - 1) / 2) for d in dimensions}
gap = {
    d: stats.kstest((1 + np.cos(angles[d])) / 2, laws[d].cdf).statistic
    for d in dimensions
}
claim(
    "vectors-spread-of-cosine-times-root-d",
    max(spread.values(), key=lambda s: abs(s - 1)),
    within=(0.95, 1.05),
)
claim("vectors-angle-law-largest-gap", max(gap.values()), at_most=0.031)
claim(
    "vectors-within-5-degrees-of-right-in-1000",
    np.mean(np.abs(np.degrees(angles[1000]) - 90) < 5),
    at_least=0.985,
)

# %% [markdown]
# *Prediction 3.* In 1,000 dimensions practically all pairs are within 5° of a right angle. Chance has
# almost left the angle: two directions that have nothing to do with each other can be recognised by it, and
# a cosine far from 0 needs an explanation.
#
# Real data are not random directions. The digits have 64 pixels. With their mean picture subtracted (else
# all point the same way, ink being positive), take the angles between all pairs. Read
# {eq}`eq-vectors-random` backwards: $1 / \mathbb{E}[\cos^2\theta]$ says *how many dimensions random
# directions would need* to be spread as these are.

# %%
upper = np.triu_indices(len(digits), k=1)  # each pair once
digit_cosine = cosine_similarity(digits - digits.mean(axis=0))[upper]
effective = 1 / np.mean(digit_cosine**2)
claim("vectors-effective-dimension-of-digits", effective, within=(12, 15))
same = labels[upper[0]] == labels[upper[1]]
claim(
    "vectors-angles-below-50-degrees-of-same-digit",
    same[digit_cosine > np.cos(np.radians(50))].mean(),
    at_least=0.9,
)

# %% mystnb={"figure": {"caption": "Left: the more dimensions, the closer to 90\u00b0 (dots measured, curves theory, each scaled to height 1). Right: digits of 64 pixels spread their angles like random directions in about 13 dimensions, with an excess of small angles between pictures of the same digit.", "name": "fig-vectors-random"}, "image": {"alt": "Left: four rows, one for each of 3, 10, 64 and 1,000 dimensions, each with a bell-shaped curve around 90 degrees, ever narrower; measured dots lie on the curves. Right: a histogram of the angles between digit pictures, far broader than the dotted curve for 64 random dimensions and close to the solid curve for 13, but with a longer tail at small angles."}} tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2, figsize=(7.8, 3.7), sharex=True)
theta = np.linspace(0.001, 179.999, 1500)


def law(d, degrees):
    return np.sin(np.radians(degrees)) ** (d - 2)


for k, d in enumerate(dimensions):
    base, edges = -1.2 * k, 90 + np.arange(-8.5, 9) * min(20, 45 / d**0.5)
    left.fill_between(theta, base, base + law(d, theta), color=COLORS["light"], lw=0)
    left.plot(theta, base + law(d, theta), color=COLORS["ink"], ls="-", lw=1.2)
    counts, _ = np.histogram(np.degrees(angles[d]), edges)
    height = (
        counts / (4000 * (edges[1] - edges[0])) * np.trapezoid(law(d, theta), theta)
    )
    middle = (edges[1:] + edges[:-1]) / 2
    seen = (middle > 0) & (middle < 180)
    left.plot(middle[seen], base + height[seen], "o", color=COLORS["blue"], ms=4)
left.set(xlabel="angle (degrees)", ylabel="dimension d", xticks=range(0, 181, 30))
left.set_yticks([-1.2 * k for k in range(4)], [f"{d:,}" for d in dimensions])
left.set_title("Random: ever closer to 90°")
right.hist(
    np.degrees(np.arccos(digit_cosine)),
    range(0, 181, 3),
    density=True,
    color=COLORS["sky"],
    alpha=0.45,
)
for d, k in ((64, 2), (13, 0)):
    density = law(d, theta) / np.trapezoid(law(d, theta), theta)
    right.plot(theta, density, color=COLORS["ink"], ls=DASHES[k], lw=1.5)
right.annotate("random,\nd = 64", (100, 0.042))
right.annotate("random,\nd = 13", (116, 0.0125))
right.annotate("digits", (60, 0.0125), color=COLORS["blue"], ha="right")
right.set(xlabel="angle (degrees)", ylabel="density per degree")
right.set_title("Digits: as wide as 13 dimensions")
plt.show()

# %% [markdown]
# The pictures have 64 pixels and the spread of about 13 dimensions: they do not use their pixels
# independently. And the tail at small angles is what made the program of the last section work: nearly all
# angles below 50° join two pictures of the same digit.
#
# ## In practice
#
# NumPy, SciPy and scikit-learn have all of this. The interesting part is where they differ: at zero, and at
# the extremes.

# %%
huge = np.array([3e200, 4e200])
with np.errstate(over="ignore"):
    by_numpy = np.linalg.norm(huge)
print(
    f"norm of 1e200 * (3, 4): numpy {by_numpy:g}, scipy {scipy.linalg.norm(huge):g}, here {norm(huge):g}"
)
u, v, zero, turned = [2.0, 4.0], [4.0, 3.0], [0.0, 0.0], [1.0, 1e-9]
print(
    f"cosine with the zero vector: scikit-learn {pairwise.cosine_similarity([zero], [u]).item():g}"
)
print(
    f"dot product along the last axis: numpy.vecdot {np.vecdot(u, v):g}, here {dot(u, v):g}"
)
print(
    f"angle of (1, 0) to (1, 1e-9): arc cosine {arccos_angle([1, 0], turned):g}, here {angle([1, 0], turned):g}"
)

# %% [markdown]
# Even `numpy.linalg.norm` squares first and overflows; SciPy's does not. For data of ordinary size use the
# libraries: `u @ v` or `numpy.vecdot`, `numpy.linalg.norm(X, axis=-1)`, and scikit-learn's
# `cosine_similarity`, which also takes sparse tables. Know the default that matters: to scikit-learn a zero
# row has cosine 0 with everything, itself included; here it is an error, because "no data" should not look
# like "unrelated". Use `angle` where small angles are the result: rotations, convergence of directions,
# duplicates.
#
# | What people believe | What exposes it |
# |---|---|
# | A cosine computed from floats lies in $[-1, 1]$ | One picture in five against itself gives NaN after the arc cosine |
# | Clipping repairs the arc cosine | {numref}`fig-vectors-arccos`, drawn with clipping in place |
# | `numpy.linalg.norm` is safe for any float | $10^{200} \cdot (3, 4)$ |
# | `u @ v` is the dot product | Bytes: two black pixels have length 0 |
# | `(u * v).sum()` is too | Shapes `(3,)` and `(3, 1)`: 36 instead of 14 |
# | Cosine is the better similarity | On clean pictures it gains nothing; on grey paper it falls from 0.98 to 0.79 |
# | A cosine of 0.3 is weak | $1/\sqrt{d}$ is the yardstick: in 1,000 dimensions 0.3 is more than nine standard deviations |
#
# ## Exercises
#
# Each has a cell of tests: put your answer in, run it again.
#
# ```{exercise} The shadow by hand
# :label: ex-vectors-shadow
#
# *check · difficulty 1 of 3 · 10 minutes*
#
# Let $\mathbf{a} = (1, 2, 2)$ and $\mathbf{b} = (3, 0, 4)$. Work out with pen and paper: (i) the cosine of
# their angle; (ii) the number $c$ for which $c\,\mathbf{a}$ is the point closest to $\mathbf{b}$ on the
# line of $\mathbf{a}$; (iii) the *squared* distance from $\mathbf{b}$ to that point. Set `answer` to the
# tuple of the three numbers; fractions such as `1 / 3` are welcome.
# ```


# %%
def test_shadow(answer):
    assert answer is not None, "no answer yet"
    cosine, c, squared = answer
    assert math.isclose(cosine, 11 / 15), "the cosine divides by both lengths, 3 and 5"
    assert not math.isclose(c, 11 / 25), (
        "that is the shadow of a on b: divide by the square of what is projected onto"
    )
    assert not math.isclose(c, 11 / 3), (
        "that is the length of the shadow, not the multiple of a"
    )
    assert math.isclose(c, 11 / 9), "c = a · b / (a · a)"
    assert math.isclose(squared, 104 / 9), (
        "Pythagoras: squared length of b less squared length of the shadow"
    )


answer = None  # replace with (…, …, …), then run this cell again
_ = try_answer(test_shadow, answer)

# %% [markdown]
# ```{solution-start} ex-vectors-shadow
# :class: dropdown
# ```
#
# $\mathbf{a} \cdot \mathbf{b} = 3 + 0 + 8 = 11$, $\lVert \mathbf{a} \rVert = 3$,
# $\lVert \mathbf{b} \rVert = 5$. So the cosine is $11/15$. By {eq}`eq-vectors-projection`, with
# $\mathbf{a}$ as the line, $c = 11 / 9$. The bottom of the parabola {eq}`eq-vectors-parabola` is
# $25 - 11^2 / 9 = 104/9$.

# %%
_ = try_answer(test_shadow, (11 / 15, 11 / 9, 104 / 9))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} The direction halfway
# :label: ex-vectors-bisector
#
# *extend · difficulty 1 of 3 · 15 minutes*
#
# Write `bisector(u, v)`: for two arrays of shape `(d,)` return the vector of length 1, shape `(d,)`, that
# makes equal angles with both and lies between them. If the vectors point in opposite directions (their
# angle is within $10^{-12}$ of $\pi$), no direction is halfway: raise `ValueError`. You may use everything
# that the page exports.
# ```


# %%
def test_bisector(bisector):
    u, v = np.array([2.0, 4.0, 0.0]), np.array([4.0, 3.0, 1.0])
    middle = bisector(u, v)
    assert np.isclose(np.linalg.norm(middle), 1), "the result must have length 1"
    assert np.isclose(angle(u, middle), angle(v, middle)), (
        "the angles differ: a long vector must not pull harder"
    )
    assert np.isclose(angle(u, middle) + angle(middle, v), angle(u, v)), (
        "it must lie between the two"
    )
    assert np.allclose(bisector(1e200 * u, v), middle), (
        "the length of one vector must not matter"
    )
    try:
        bisector(u, -3 * u)
    except ValueError:
        return
    raise AssertionError("opposite vectors have no direction halfway: raise ValueError")


def bisector(u, v):  # replace the body with your own, then run this cell again
    raise NotImplementedError


_ = try_answer(test_bisector, bisector)

# %% [markdown]
# ```{solution-start} ex-vectors-bisector
# :class: dropdown
# ```
#
# The sum of two vectors of *equal* length is the diagonal of a rhombus and halves the angle, as in
# {eq}`eq-vectors-kahan`. So normalise first, then add, then normalise again. For opposite vectors the sum
# is made of rounding errors, and normalising those would give a random direction with full confidence; the
# test on the angle comes first.


# %%
def bisector_solution(u, v):
    if np.pi - angle(u, v) <= 1e-12:
        raise ValueError(
            "u and v point in opposite directions: no direction is halfway"
        )
    return normalize(normalize(u) + normalize(v))


_ = try_answer(test_bisector, bisector_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} The bug that passes the checks
# :label: ex-vectors-broadcast
#
# *break · difficulty 3 of 3 · 40 minutes*
#
# The function `planted` below is meant to be `cosine_similarity(X)`. It has been in use for a year. Its
# result is checked in production: it must be symmetric, and every entry on the diagonal must be 1 to within
# $10^{-9}$, for a row has the cosine 1 with itself. Find an array `X` on which `planted` raises nothing and
# *passes both checks*, and yet is wrong by more than 0.1 somewhere. Set `answer` to `X`.
# ```


# %%
def planted(X):
    unit = X / np.linalg.norm(X, axis=1)
    return unit @ unit.T


def test_broadcast(X):
    assert X is not None, "no answer yet"
    found = planted(np.asarray(X, dtype=float))
    assert np.allclose(found, found.T, atol=1e-9), (
        "the first check catches it: not symmetric"
    )
    assert np.allclose(np.diag(found), 1, rtol=0, atol=1e-9), (
        "the second check catches it: the diagonal is not 1"
    )
    assert np.abs(found - cosine_similarity(X)).max() > 0.1, (
        "the result is right, or nearly so"
    )


answer = None  # replace with an array, then run this cell again
_ = try_answer(test_broadcast, answer)

# %% [markdown]
# ```{solution-start} ex-vectors-broadcast
# :class: dropdown
# ```
#
# The norms have shape `(n,)`, and NumPy lines them up with the *last* axis: column $j$ is divided by the
# length $r_j$ of row $j$. With $n \neq d$ that raises an error (unless $n = 1$, where it is right), so only
# square tables are in danger. There row $i$ gets the diagonal entry $\sum_j x_{ij}^2 / r_j^2$, and it must
# be 1 although $\sum_j x_{ij}^2 / r_i^2 = 1$ is what holds. Subtract:
#
# $$
# \sum_j x_{ij}^2 \left( \frac{1}{r_j^2} - \frac{1}{r_i^2} \right) = 0 \quad \text{for each } i .
# $$
#
# Let $r_1 < r_2 < r_3$. For the shortest row no bracket is positive, so it may only have a component in
# column 1; likewise the longest only in column 3. The middle row has brackets of both signs and can balance
# them. With lengths 1, 2, 3 and the middle row $(a, b, c)$: $\tfrac34 a^2 = \tfrac5{36} c^2$ and
# $a^2 + b^2 + c^2 = 4$. Take $a^2 = 0.5$; then $c^2 = 2.7$ and $b^2 = 0.8$. The true cosine of rows 1 and 2
# is $a / 2 \approx 0.354$; the function says $a \approx 0.707$. Two rows are not enough: in the
# $2 \times 2$ case both would have to lie on the axes. The repair is `keepdims=True`, and the lesson is
# that two true properties do not make a specification.

# %%
X = np.array([[1.0, 0.0, 0.0], np.sqrt([0.5, 0.8, 2.7]), [0.0, 0.0, 3.0]])
_ = try_answer(test_broadcast, X)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Unevenly grey paper
# :label: ex-vectors-paper
#
# *build · difficulty 3 of 3 · 40 minutes*
#
# Grey paper adds a multiple of $\mathbf{1}$. Paper that darkens towards one side adds a multiple of a ramp
# as well, a picture that grows from left to right. Write `without(X, directions)`: `X` of shape `(n, d)`,
# `directions` of shape `(k, d)`, no row of it zero. Return an array of shape `(n, d)`: each row of `X` with
# everything removed that can be made by adding up multiples of the directions, so that what remains is
# orthogonal to all of them. The directions need *not* be orthogonal to each other, and one may be a
# combination of others. Only use what the page built (`project`, `norm`, …), no least-squares solver.
# ```

# %%
ramp = np.tile(
    np.arange(8.0), 8
)  # (64,): grows from left to right in each line of the picture
grounds = np.array([np.ones(64), ramp])


def test_without(without):
    clean = without(digits, grounds)
    assert clean.shape == digits.shape
    assert np.abs(clean @ grounds.T).max() < 1e-9, (
        "something of a direction is left: they are not orthogonal to each other"
    )
    stained = digits + 5 * grounds[0] + 3 * grounds[1]
    assert np.allclose(without(stained, grounds), clean, atol=1e-9), (
        "the paper must not change the result"
    )
    three_grounds = np.vstack([grounds, grounds[0] + 2 * grounds[1]])
    assert np.allclose(without(digits, three_grounds), clean, atol=1e-6), (
        "a direction that adds nothing must remove nothing"
    )


def without(X, directions):  # replace the body with your own, then run this cell again
    raise NotImplementedError


_ = try_answer(test_without, without)

# %% [markdown]
# ```{solution-start} ex-vectors-paper
# :class: dropdown
# ```
#
# Removing one shadow after another fails: taking away the shadow on the ramp puts back a piece of
# $\mathbf{1}$, because the two are not orthogonal. So first clean each direction of the earlier ones, then
# remove shadows on the cleaned directions. A direction that is a combination of the earlier ones leaves
# only rounding errors, which have to be recognised by their length and dropped. Cleaning twice removes what
# rounding left the first time. The method is Gram's and Schmidt's.


# %%
def without_solution(X, directions):
    basis = []
    for direction in directions:
        rest = direction
        for earlier in basis * 2:  # twice: the second round removes what rounding left
            rest = rest - project(rest, earlier)
        if norm(rest) > 1e-10 * norm(direction):
            basis.append(rest)
    for axis in basis:
        X = X - project(X, axis)
    return X


_ = try_answer(test_without, without_solution)

# %% [markdown]
# And it is worth having. With paper that darkens by 3 from pixel to pixel under the new pictures, centring
# alone no longer helps enough:


# %%
def stained(x):
    return x + 5 + 3 * ramp


def paper_free(new, examples):
    return cosine_similarity(
        without_solution(new, grounds), without_solution(examples, grounds)
    )


on_centred = five_splits(centred_cosine, stained)
on_free = five_splits(paper_free, stained)
claim("vectors-uneven-paper-centred-cosine", on_centred.mean, at_most=0.9)
claim("vectors-uneven-paper-both-removed", on_free.mean, at_least=0.96)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** The parabola on the right of {numref}`fig-vectors-shadow` is drawn again for another pair of
# vectors, and this time its lowest point lies *on* the axis, at $c = -2$. What follows?
#
# - (a) $\mathbf{u}$ and $\mathbf{v}$ are orthogonal
# - (b) $\mathbf{u} = -2\,\mathbf{v}$
# - (c) Cauchy–Schwarz is violated
# - (d) $\mathbf{u}$ is half as long as $\mathbf{v}$
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: for orthogonal vectors the lowest point is at $c = 0$, since the shadow vanishes. (b) Yes: the
# squared distance from $\mathbf{u}$ to $-2\,\mathbf{v}$ is zero, so they are the same vector. (c) No: the
# bottom at zero is the case of equality; a violation would need a bottom below the axis. (d) No: it is
# twice as long.
# ```
#
# **2.** In {numref}`fig-vectors-paper` the curve of the centred cosine is flat. Why?
#
# - (a) Centring makes every picture equally long
# - (b) The grey is too weak to matter for this score
# - (c) Centring a picture on grey paper gives exactly the centred picture on white paper
# - (d) Cosine ignores anything added to all pixels
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: centred pictures still differ in length; the division in the cosine takes care of that. (b) No: it
# holds for any amount, as far as rounding allows. (c) Yes: the grey is a multiple of $\mathbf{1}$ and has
# no part outside its own shadow. (d) No: the cosine without centring falls in the same figure. It ignores
# factors, not addends.
# ```
#
# **3.** Two sentences are mapped to vectors of 400 numbers, and their cosine is 0.10. If directions of
# unrelated sentences were random, how should this be read?
#
# - (a) As strong evidence that they are related, because it is positive
# - (b) As two standard deviations: such a value comes by chance now and then
# - (c) As unrelated, because anything below 0.5 is
# - (d) As an angle of 10°
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: half of all random pairs have a positive cosine. (b) Yes: the yardstick is $1/\sqrt{400} = 0.05$.
# (c) No: a fixed threshold ignores the dimension; 0.4 would be eight standard deviations. (d) No: the arc
# cosine of 0.10 is about 84°.
# ```
#
# ## What to remember
#
# The dot product is a shadow times a length, and the shadow is the closest point on a line. What is left
# over has a squared length, which is never negative: that is Cauchy–Schwarz, and it makes angles possible
# in any dimension. Cosine forgets length, removing a shadow forgets whatever is added along a direction,
# and each is a decision. In floats, scale before squaring and take angles from the half-angle formula. In
# $d$ dimensions, random cosines are about $1/\sqrt{d}$, so judge a cosine by its dimension.
#
# Many dot products at once are a matrix times a vector; that is where the stage goes next.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
