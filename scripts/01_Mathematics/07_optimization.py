# %% [markdown]
# # Optimisation
#
# How many steps does it take to walk down to a minimum, and can the number be known before the walk?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `gradient_descent` (with momentum), `backtracking_line_search` and `newton`
# - **You need** eigenvalues ({doc}`04_eigenvalues_and_svd`), the condition number ({doc}`03_linear_systems`),
#   gradients and Hessians
# - **Checked against** answers by hand, exact fractions, `scipy.optimize.minimize`, and rates predicted
#   before they are measured
# - **Time** 40 minutes to read, 70 to code
# - **Data** breast cancer (569 tumours × 30 measurements), scikit-learn, BSD-3
# ````

# %%
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgba_array
from numpy.typing import ArrayLike
from scipy.optimize import minimize, rosen, rosen_der, rosen_hess
from scipy.special import expit
from sklearn.datasets import load_breast_cancer

from journey.orientation.checks import check_close, claim, try_answer
from journey.orientation.figures import (
    COLORS,
    DASHES,
    MARKERS,
    draw_vectors,
    readable,
    use_journey_style,
)

use_journey_style()

# %% [markdown]
# ## One model in two units
#
# Is a tumour benign? A logistic regression looks at two measurements of its cell nuclei, the mean radius and
# the mean concavity. Its three parameters are found by walking downhill: from $\mathbf{0}$, again and again
# take a step against the gradient of the mean log loss. The data come twice: centred, in the units in which
# they were recorded, and **standardised**, each feature divided by its standard deviation.


# %%
def log_loss_of(features, penalty=0.0):
    A = np.column_stack([np.ones(len(features)), features])  # (n, d), first the bias
    penalty = penalty * np.ones(A.shape[1])

    def f(theta):
        z = A @ theta
        return np.mean(np.logaddexp(0, z) - y * z) + penalty @ theta**2 / 2

    def gradient(theta):
        return A.T @ (expit(A @ theta) - y) / len(y) + penalty * theta

    def hessian(theta):
        p = expit(A @ theta)
        return (A.T * (p * (1 - p))) @ A / len(y) + np.diag(penalty)

    return f, gradient, hessian


# %%
measurements, y = load_breast_cancer(return_X_y=True)  # (569, 30), (569,)
centred = measurements - measurements.mean(axis=0)
scale = measurements.std(axis=0)
recorded = log_loss_of(centred[:, [0, 6]])
standardised = log_loss_of((centred / scale)[:, [0, 6]])
print("standard deviations:", scale[[0, 6]].round(3))

# %% [markdown]
# Dividing a feature by $s$ multiplies its weight by $s$. That is all that changes: both losses have the same
# lowest value. The walk, with the step that each of them bears (later: 1 over the largest curvature):


# %%
def walk(problem, n_steps):
    f, gradient, hessian = problem
    learning_rate = 1 / np.linalg.eigvalsh(hessian(np.zeros(3)))[-1]
    theta, losses = np.zeros(3), []
    for _ in range(n_steps):
        losses.append(f(theta))
        theta = theta - learning_rate * gradient(theta)
    return np.array(losses)


# %%
slow, fast = walk(recorded, 90_000), walk(standardised, 800)
lowest = fast.min()
steps = [int(np.argmax(losses < lowest + 1e-5)) for losses in (slow, fast)]
claim("optimization-units-cost", steps[0] / steps[1], within=(500, 750))
claim("optimization-steps-standardised", steps[1], within=(100, 250))

# %% mystnb={"figure": {"caption": "The same model on the same tumours needs about 600 times as many steps when its features are left in the units in which they were recorded.", "name": "fig-optimization-units"}, "image": {"alt": "Loss above its lowest value against the number of steps, both logarithmic. The solid curve of the standardised features falls below one hundred-thousandth after about 120 steps. The dashed curve of the recorded units flattens at 0.1 for thousands of steps and gets there only after more than 70,000."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.4, 3.0))
for losses, color, k in ((slow, "red", 1), (fast, "blue", 0)):
    at = np.unique(np.geomspace(1, len(losses), 300).astype(int)) - 1
    axes.loglog(at + 1, losses[at] - lowest, color=COLORS[color], ls=DASHES[k])
axes.axhline(1e-5, color=COLORS["gray"], lw=1, ls=DASHES[2])
axes.annotate("recorded units", (2500, 0.14), color=COLORS["red"])
axes.annotate("standardised", (45, 2e-4), color=COLORS["blue"], ha="right")
axes.set(xlabel="steps", ylabel="loss above its lowest", ylim=(2e-6, 1))
axes.set_title("One model, 600 times the work")
plt.show()

# %% [markdown]
# Nothing is wrong with the data, the gradient or the step. The page derives the factor from two numbers that
# can be known before the first step, builds the remedies, and shows where each of them fails.
#
# ## Predict
#
# 1. A bowl is 100 times as steep across as along. Another is 10,000 times as steep. How many times as many
#    steps does gradient descent need on the second? And if it keeps some of its last step, as momentum?
# 2. There is a largest learning rate. What happens 1 % below it, and 1 % above?
# 3. A landscape has four valleys, four saddles and one peak. Newton's method starts at random points. How
#    often does it end in a valley?
#
# ## The bowl and its two curvatures
#
# A function $f$ is **convex** if its graph lies nowhere above its chords:
#
# $$
# f\bigl((1-s)\,\mathbf{a} + s\,\mathbf{b}\bigr) \le (1-s)\,f(\mathbf{a}) + s\,f(\mathbf{b}),
# \qquad 0 \le s \le 1 .
# $$ (eq-optimization-convex)
#
# Then no valley is false. If $f(\mathbf{b}) < f(\mathbf{a})$, the chord from $\mathbf{a}$ to $\mathbf{b}$
# goes down at once, and $f$, which lies below it, too: $\mathbf{a}$ was no local minimum. For smooth $f$,
# convex means that the Hessian $\mathbf{H}$ (the matrix of second derivatives,
# {doc}`../00_Orientation/07_notation`) has no negative eigenvalue anywhere. The log loss is convex: its
# Hessian is $\mathbf{A}^\top \mathbf{D} \mathbf{A}$ with positive weights on the diagonal of $\mathbf{D}$, as
# the last line of `log_loss_of` shows.
#
# **By hand.** The smallest bowl that is not round: $f(x, y) = \tfrac12 (x^2 + 9 y^2)$, with the gradient
# $(x, 9y)$ and the curvatures 1 and 9. One step with the learning rate $\eta$ takes $x$ to $(1 - \eta)\,x$
# and $y$ to $(1 - 9 \eta)\,y$. With $\eta = 0.2$ the factors are $0.8$ and $-0.8$: from $(9, 1)$ the walk
# goes to $(7.2, -0.8)$ and on, zigzagging, one fifth closer each time.
#
# **In general.** Near a minimum $\mathbf{x}^*$ every smooth function is a bowl,
# $f(\mathbf{x}) \approx f(\mathbf{x}^*) + \tfrac12 \mathbf{e}^\top \mathbf{H}\, \mathbf{e}$ with the error
# $\mathbf{e} = \mathbf{x} - \mathbf{x}^*$ and the gradient $\mathbf{H} \mathbf{e}$. A step
# $\mathbf{x}_{t+1} = \mathbf{x}_t - \eta\, \nabla f(\mathbf{x}_t)$ changes the error linearly,
#
# $$
# \mathbf{e}_{t+1} = (\mathbf{I} - \eta\, \mathbf{H})\, \mathbf{e}_t ,
# $$ (eq-optimization-error)
#
# and along an eigenvector of $\mathbf{H}$ with eigenvalue $\lambda$ it is multiplied by $1 - \eta\lambda$.
# Let all eigenvalues lie in $[m, M]$ with $m > 0$. The slowest direction decides;
# $\lvert 1 - \eta\lambda \rvert$ is largest at an end of the interval, so the error shrinks in each step by
# at least
#
# $$
# \rho(\eta) = \max\bigl(\lvert 1 - \eta m \rvert,\; \lvert 1 - \eta M \rvert\bigr).
# $$ (eq-optimization-rate)
#
# The first falls with $\eta$, the second rises once $\eta > 1/M$. The best step is where they meet,
# $1 - \eta m = \eta M - 1$, and what matters there is one number, the **condition number** $\kappa = M / m$:
#
# $$
# \eta_\text{best} = \frac{2}{m + M}, \qquad
# \rho_\text{best} = \frac{\kappa - 1}{\kappa + 1}, \qquad
# \rho(\eta) < 1 \iff \eta < \frac{2}{M} .
# $$ (eq-optimization-best)
#
# Because $\ln \rho_\text{best} \approx -2/\kappa$, an error shrinks $\varepsilon$-fold in about
# $\tfrac\kappa2 \ln \tfrac1\varepsilon$ steps. For the hand example $\kappa = 9$, $\eta_\text{best} = 0.2$
# and $\rho_\text{best} = 0.8$.

# %% [markdown]
# (sec-optimization-momentum)=
# **Momentum.** The zigzag wastes what the last step knew. Polyak's *heavy ball* {cite:p}`polyak1964some`
# keeps a share $\beta$ of it:
#
# $$
# \mathbf{x}_{t+1} = \mathbf{x}_t - \eta\, \nabla f(\mathbf{x}_t) + \beta\, (\mathbf{x}_t - \mathbf{x}_{t-1}) .
# $$ (eq-optimization-momentum)
#
# Along an eigenvector the error obeys $e_{t+1} = (1 + \beta - \eta\lambda)\, e_t - \beta\, e_{t-1}$. Try
# $e_t = z^t$:
#
# $$
# z^2 - (1 + \beta - \eta\lambda)\, z + \beta = 0 .
# $$ (eq-optimization-quadratic)
#
# The product of the two roots is $\beta$. If they are complex, they are conjugate, so both have the size
# $\sqrt\beta$, *whatever $\lambda$ is*. They are complex, or meet, as long as
# $\lvert 1 + \beta - \eta\lambda \rvert \le 2\sqrt\beta$, that is
# $(1 - \sqrt\beta)^2 \le \eta\lambda \le (1 + \sqrt\beta)^2$. The smallest $\beta$ for which this window covers
# $[m, M]$ puts its ends at $m$ and $M$: $1 - \sqrt\beta = \sqrt{\eta m}$ and $1 + \sqrt\beta = \sqrt{\eta M}$. Add,
# and divide:
#
# $$
# \eta = \Bigl(\frac{2}{\sqrt m + \sqrt M}\Bigr)^{\!2}, \qquad
# \sqrt\beta = \frac{\sqrt\kappa - 1}{\sqrt\kappa + 1} .
# $$ (eq-optimization-heavy-ball)
#
# It is the rate of {eq}`eq-optimization-best` with $\sqrt\kappa$ in the place of $\kappa$. In the hand
# example $\eta = \beta = \tfrac14$: the error is halved in each step, in the long run, instead of losing a
# fifth. (In the long run, because where the two roots meet the solution is $(c_0 + c_1 t)\, z^t$, and the
# factor $t$ costs some steps.)

# %% [markdown]
# ## Gradient descent, for use
#
# The loop is {eq}`eq-optimization-momentum`. Around it stands what a caller needs to know: whether it
# converged, the path, and no silent NaN. A walk that diverges stops at its last finite point.


# %% tags=["export"]
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


# %% tags=["export"]
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


# %% tags=["export"]
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


# %% [markdown]
# The numbers worked by hand, and how long both walks last:

# %%
curvatures = np.array([1.0, 9.0])
plain = gradient_descent(lambda p: curvatures * p, [9, 1], 0.2)
heavy = gradient_descent(lambda p: curvatures * p, [9, 1], 0.25, momentum=0.25)
print("plain, two steps:", plain.path[1].round(6), plain.path[2].round(6))
print(f"steps until the gradient is below 1e-8: {plain.n_steps} and {heavy.n_steps}")

# %% mystnb={"figure": {"caption": "Above: on a bowl with curvatures 1 and 9 the best fixed step zigzags; momentum rolls in. Below: each direction shrinks by its own factor; the larger one counts, and it is smallest where the two meet.", "name": "fig-optimization-bowl"}, "image": {"alt": "Above: elliptical contours around the origin; from (9, 1) a zigzag path crosses the long axis at each step, a dashed path of momentum reaches the centre in fewer steps. Below: two V-shaped curves against the learning rate, the one of curvature 1 falling slowly from 1, the one of curvature 9 falling to 0 at 0.11 and rising; they meet at 0.2 with the height 0.8, and the second passes 1 at 0.222."}} tags=["hide-input"]
figure, (plane, rates) = plt.subplots(2, 1, figsize=(6.6, 4.6))
u, v = np.meshgrid(np.linspace(-2, 10, 141), np.linspace(-1.8, 1.8, 91))
plane.contour(u, v, u**2 + 9 * v**2, 5, colors="#B8C0C8", linewidths=0.9)
for path, color, k in ((plain.path, "red", 0), (heavy.path, "blue", 1)):
    look = {"ls": DASHES[k], "marker": MARKERS[k], "ms": 4, "lw": 1.4}
    plane.plot(*path.T, color=COLORS[color], **look)
plane.annotate("start", (9.15, 0.95))
plane.annotate("plain", (7.4, -1.05), color=COLORS["red"])
plane.annotate("momentum", (4.5, 1.2), ha="center", color=COLORS["blue"])
plane.set(xlabel="$x$", ylabel="$y$", title="A zigzag, and a heavy ball")
plane.set_aspect("equal")
eta = np.linspace(0, 0.25, 200)
for curvature, color, k in ((1, "orange", 1), (9, "purple", 2)):
    rates.plot(eta, np.abs(1 - eta * curvature), color=COLORS[color], ls=DASHES[k])
worst = np.maximum(np.abs(1 - eta), np.abs(1 - 9 * eta))
rates.plot(eta, worst, color=COLORS["ink"], ls="-", lw=4, alpha=0.25)
rates.plot(0.2, 0.8, "o", color=COLORS["ink"])
rates.axvline(2 / 9, color=COLORS["gray"], lw=1, ls=DASHES[0])
rates.annotate("curvature 1", (0.05, 1.04), color=readable(COLORS["orange"]))
rates.annotate("curvature 9", (0.062, 0.25), ha="right", color=COLORS["purple"])
rates.annotate("best: 0.2", (0.195, 0.88), ha="right")
rates.annotate("limit\n2/9", (0.225, 0.1))
rates.set(xlabel="learning rate", ylabel="factor for each step", ylim=(0, 1.3))
rates.set_title("Two curvatures pull at one step")
plt.show()

# %% [markdown]
# ## Predicted before it is measured
#
# Now the derivation has to earn its keep. Bowls in 20 dimensions with condition numbers from 3 to 3,000; the
# error is to shrink a million times. The prediction is $\ln 10^6 / \ln (1 / \rho)$ with the rates
# {eq}`eq-optimization-best` and {eq}`eq-optimization-heavy-ball`.


# %%
def steps_needed(kappa, rate, momentum):
    curvatures = np.geomspace(1, kappa, 20)
    settings = {"n_steps": 40_000, "momentum": momentum, "tolerance": 1e-7}
    run = gradient_descent(lambda x: curvatures * x, np.ones(20), rate, **settings)
    size = np.linalg.norm(run.path, axis=1)
    return np.flatnonzero(size > 1e-6 * size[0])[-1] + 1  # after it, always below


# %%
kappas = np.array([3, 10, 30, 100, 300, 1000, 3000])
roots = np.sqrt(kappas)
plain_rate, heavy_rate = (kappas - 1) / (kappas + 1), (roots - 1) / (roots + 1)
predicted = -np.log(1e6) / np.log([plain_rate, heavy_rate])  # (2, 7)
pairs = list(zip(kappas, heavy_rate))
measured = np.array(
    [
        [steps_needed(k, 2 / (1 + k), 0) for k, _ in pairs],
        [steps_needed(k, 4 / (1 + k**0.5) ** 2, r**2) for k, r in pairs],
    ]
)

# %%
off = measured / predicted
claim("optimization-plain-at-least", off[0].min(), within=(0.9, 1.05))
claim("optimization-plain-at-most", off[0].max(), within=(0.9, 1.05))
claim("optimization-momentum-at-most", off[1].max(), within=(1.1, 1.6))
growth = measured[:, 6] / measured[:, 2]  # the condition number grows 100-fold
claim("optimization-plain-growth", growth[0], within=(90, 110))
claim("optimization-momentum-growth", growth[1], within=(9, 14))

# %% mystnb={"figure": {"caption": "The condition number predicts the number of steps: lines are the formulas, points are runs. Gradient descent pays for the condition number itself, momentum for its square root.", "name": "fig-optimization-steps"}, "image": {"alt": "Steps to shrink the error a million times against the condition number from 3 to 3,000, both logarithmic. Round points of gradient descent lie on a line of slope 1 that ends near 20,000 steps; square points of momentum lie slightly above a dashed line of slope one half that ends near 400."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.4, 3.0))
for k, (name, color) in enumerate((("gradient descent", "red"), ("momentum", "blue"))):
    axes.loglog(kappas, predicted[k], color=COLORS[color], ls=DASHES[k], lw=1.3)
    axes.loglog(kappas, measured[k], MARKERS[k], color=COLORS[color])
    axes.annotate(name, (350, measured[k, 4] * 0.5), color=COLORS[color])
axes.set(xlabel="condition number", ylabel="steps for six digits")
axes.set_title("The spectrum knows the number of steps")
plt.show()

# %% [markdown]
# *Prediction 1.* One hundred times the condition number costs gradient descent 100 times the steps and
# momentum about 11 times: 10, and something for the factor $t$. Each step costs one gradient; the only extra
# memory momentum needs is one more point.

# %% [markdown]
# ## One per cent too far
#
# The limit $2/M$ in {eq}`eq-optimization-best` is sharp: above it the factor of the steepest direction is
# $\lvert 1 - \eta M \rvert > 1$. With $M = 9$, 1 % below the limit means a factor of $0.98$, 1 % above
# $1.02$.


# %%
def factor_at(share_of_limit):
    rate = share_of_limit * 2 / 9
    path = gradient_descent(lambda p: curvatures * p, [9, 1], rate, 500).path
    return abs(path[-1, 1] / path[-2, 1])


claim("optimization-factor-below-limit", factor_at(0.99), equal_to=0.98, tolerance=1e-9)
claim("optimization-factor-above-limit", factor_at(1.01), equal_to=1.02, tolerance=1e-9)

# %% [markdown]
# *Prediction 2.* Below the limit the walk converges, above it the error grows by 2 % in each step, without
# end. On the tumours the same 1 % ends otherwise, because the log loss is no bowl: far out it rises like a
# plane, so its slope, and with it the step, stays bounded. The walk neither diverges nor arrives; it jumps
# back and forth across the valley, between the same two points, for ever.

# %%
f, gradient, hessian = standardised
lowest = gradient_descent(gradient, np.zeros(3), 2, 5000)
limit = 2 / np.linalg.eigvalsh(hessian(lowest.x))[-1]
below = gradient_descent(gradient, np.zeros(3), 0.99 * limit, 2000)
above = gradient_descent(gradient, np.zeros(3), 1.01 * limit, 5000, tolerance=0)
claim("optimization-tumours-below-limit-arrives", below.converged, equal_to=1)
swing = np.linalg.norm(above.path[-1] - above.path[-2])
claim("optimization-tumours-swing", swing, within=(0.4, 0.6))
back = np.linalg.norm(above.path[-1] - above.path[-3])
claim("optimization-tumours-after-two", back, at_most=1e-9)

# %% [markdown]
# **A step that is found.** $M$ is seldom known, and far from the minimum it differs. Armijo's rule
# {cite:p}`armijo1966minimization` tries a step and halves it until the function falls by a share $c$ of what
# its slope promises along the direction $\mathbf{d}$:
#
# $$
# f(\mathbf{x} + s\,\mathbf{d}) \le f(\mathbf{x}) + c\, s\, \nabla f(\mathbf{x})^\top \mathbf{d},
# \qquad c = 10^{-4} .
# $$ (eq-optimization-armijo)
#
# It ends: with $\mathbf{d} = -\nabla f$ and curvatures up to $M$, $f$ falls by at least
# $s\,(1 - sM/2)\, \lVert \nabla f \rVert^2$, so every $s \le 2(1-c)/M$ passes, and halving stops before it is
# below half of that. The limit is found without knowing it.


# %% tags=["export"]
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


# %% [markdown]
# ## Newton's method measures the bowl
#
# Fit the bowl at the current point, its slope *and* curvatures, and jump to its lowest point. The model
# $f + \nabla f^\top \mathbf{d} + \tfrac12 \mathbf{d}^\top \mathbf{H}\, \mathbf{d}$ has the gradient
# $\nabla f + \mathbf{H}\,\mathbf{d}$, which vanishes where
#
# $$
# \mathbf{H}\, \mathbf{d} = -\nabla f .
# $$ (eq-optimization-newton)
#
# On a true bowl one step arrives, whatever $\kappa$ is. What else? Minimise $x^3 / 3 - 2x$ for $x > 0$: the
# slope is $x^2 - 2$, the curvature $2x$, the minimum $\sqrt2$. Newton's step is the old rule for the root,
# and its error is
#
# $$
# x_{t+1} - \sqrt2 = x_t - \frac{x_t^2 - 2}{2 x_t} - \sqrt2 = \frac{(x_t - \sqrt2)^2}{2 x_t} .
# $$ (eq-optimization-quadratic-convergence)
#
# The error is *squared* in each step: the number of correct digits doubles. Fractions, which do not round,
# show it further than floats.

# %%
x = Fraction(3, 2)
for t in range(1, 7):
    digits = -np.log10(float(abs(x * x - 2)) / 8**0.5)  # x² - 2 is about 2√2 (x - √2)
    print(f"after step {t}: {digits:.1f} digits")
    x = x - (x * x - 2) / (2 * x)


# %% tags=["export"]
def _newton_step(H: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Solve H d = -slope; the scaling makes the check of H blind to units."""
    size = np.sqrt(np.abs(np.diag(H)))
    size[size == 0] = 1.0
    scaled = H / np.outer(size, size)
    if not np.linalg.cond(scaled) < 1 / np.finfo(float).eps:
        raise ValueError("the Hessian is singular: Newton's step is not determined")
    return -np.linalg.solve(scaled, slope / size) / size


# %% tags=["export"]
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


# %% [markdown]
# On the tumours: the same number of steps in both units, along the *same* path. If
# $\mathbf{x} = \mathbf{S}\mathbf{z}$, the gradient in $\mathbf{z}$ is $\mathbf{S}^\top \nabla f$ and the
# Hessian $\mathbf{S}^\top \mathbf{H}\, \mathbf{S}$, so Newton's step in $\mathbf{z}$ is
# $\mathbf{S}^{-1} \mathbf{d}$: new coordinates change its name, not where it leads. The gradient has no such
# property, and that is why units matter to it.

# %%
paths = [newton(g, h, np.zeros(3)) for _, g, h in (recorded, standardised)]
print("steps:", paths[0].n_steps, "recorded,", paths[1].n_steps, "standardised")
to_standard = np.append(1, scale[[0, 6]])  # (3,)
same = check_close(paths[0].path * to_standard, paths[1].path, atol=1e-8)
claim("optimization-newton-path-is-the-same", same, at_most=1e-8)
error = np.linalg.norm(paths[1].path - paths[1].x, axis=1)[-4:-1]
order = np.log(error[2]) / np.log(error[1])
claim("optimization-newton-digits-double", order, within=(1.6, 2.6))

# %% [markdown]
# With the minimum known, the condition number of the walk is known: the curvature of the log loss is largest
# at $\mathbf{0}$, where every probability is ½, and the slowest direction is the flattest one at the minimum.


# %%
kappas = []
for (_, _, hessian), end in zip((recorded, standardised), paths):
    highest = np.linalg.eigvalsh(hessian(np.zeros(3)))[-1]
    kappas.append(highest / np.linalg.eigvalsh(hessian(end.x))[0])
print(f"condition {kappas[0]:.3g} recorded, {kappas[1]:.3g} standardised")
claim("optimization-condition-ratio", kappas[0] / kappas[1], within=(500, 620))

# %% [markdown]
# The ratio explains the factor of about 600 in {numref}`fig-optimization-units`.
#
# ## Down Rosenbrock's valley
#
# Rosenbrock's function $(1 - x)^2 + 100\,(y - x^2)^2$ {cite:p}`rosenbrock1960automatic` is a curved valley,
# made to be hard, and not convex; SciPy has it with its derivatives. All four methods start where he did, at
# $(-1.2, 1)$, and walk until no component of the gradient is above $10^{-8}$.


# %%
def searched_rate(p):
    return backtracking_line_search(rosen, rosen_der, p)


# %%
start = np.array([-1.2, 1.0])
walks = {
    "fixed step": gradient_descent(rosen_der, start, 0.001, 100_000),
    "line search": gradient_descent(rosen_der, start, searched_rate, 100_000),
    "momentum 0.9": gradient_descent(rosen_der, start, 0.001, 100_000, momentum=0.9),
    "Newton": newton(rosen_der, rosen_hess, start, tolerance=1e-8),
}
worst = max(np.abs(run.x - 1).max() for run in walks.values())
claim("optimization-rosenbrock-largest-error", worst, at_most=1e-6)
for name in ("fixed step", "momentum 0.9", "Newton"):
    print(f"{name}: {walks[name].n_steps:,} steps")

# %% mystnb={"figure": {"caption": "Rosenbrock's valley. Three descents creep along the curved floor; Newton leaps out of it, comes back and is there after six steps.", "name": "fig-optimization-rosenbrock"}, "image": {"alt": "Left: contours of a banana-shaped valley. From the start at upper left one path follows the floor round the bend to the minimum at (1, 1); a second, momentum, swings about it; the path of Newton jumps far below the valley to (0.76, -3.2) and straight back up to the floor near the minimum. Right: height above the minimum against steps, both logarithmic: Newton rises once to 1,400 and is below 1e-15 at step 6; momentum reaches it after about 4,000 steps, line search after about 20,000, the fixed step after about 40,000."}} tags=["hide-input"]
figure, (plane, fall) = plt.subplots(1, 2, figsize=(7.2, 3.6))
u, v = np.meshgrid(np.linspace(-1.8, 1.6, 241), np.linspace(-3.4, 2.4, 241))
levels = np.geomspace(1, 3000, 5)
plane.contour(u, v, rosen([u, v]), levels, colors="#B8C0C8", linewidths=0.9)
looks = {
    "fixed step": ("red", 0),
    "line search": ("orange", 2),
    "momentum 0.9": ("blue", 1),
    "Newton": ("ink", 3),
}
for name, (color, k) in looks.items():
    path = walks[name].path
    if name != "line search":
        plane.plot(*path.T, color=COLORS[color], ls=DASHES[k], lw=1.5)
    height = np.maximum(rosen(path.T), 1e-16)
    at = np.unique(np.geomspace(1, len(path), 250).astype(int)) - 1
    fall.loglog(at + 1, height[at], color=COLORS[color], ls=DASHES[k], lw=1.6)
plane.plot(*walks["Newton"].path.T, "D", color=COLORS["ink"], ms=4)
plane.plot(*start, "o", color=COLORS["ink"])
plane.plot(1, 1, "*", color=COLORS["ink"], ms=13)
plane.annotate("start", (-1.2, 1), (-1.62, 0.55))
plane.annotate("minimum", (1, 1), (0.55, 1.7))
plane.annotate("Newton leaps\nto height 1,400", (-1.3, -2.9))
plane.set(xlabel="$x$", ylabel="$y$", title="Creeping and leaping")
fall.annotate("Newton", (5, 1e-10), ha="right")
fall.annotate("momentum", (950, 1e-7), ha="right", color=COLORS["blue"])
fall.annotate("line search", (12, 1e-4), color=readable(COLORS["orange"]))
fall.annotate("fixed\nstep", (28_000, 1e-5), color=COLORS["red"])
fall.set(xlabel="steps", ylabel="height above the minimum", ylim=(1e-16, 1e4))
fall.set_title("Six steps or forty thousand")
plt.show()

# %% [markdown]
# The last stretch of the fixed step is {eq}`eq-optimization-error` again: the smallest curvature at the
# minimum, $m$, is about $0.4$, so each step leaves $1 - \eta m$ of the error. Newton's second step goes *up*,
# about 300-fold: full steps promise nothing far from the minimum, and in use they are damped by a line
# search.

# %%
m = np.linalg.eigvalsh(rosen_hess([1, 1]))[0]
tail = np.linalg.norm(walks["fixed step"].path[[-2001, -1]] - 1, axis=1)
lost = 1 - (tail[1] / tail[0]) ** (1 / 2000)
claim("optimization-valley-rate", lost / (0.001 * m), within=(0.98, 1.02))
leap = rosen(walks["Newton"].path[2]) / rosen(walks["Newton"].path[1])
claim("optimization-newton-goes-up-by", leap, within=(200, 400))

# %% [markdown]
# (sec-optimization-saddles)=
# ## Newton is drawn to saddles
#
# Where $f$ is not convex, $\nabla f = \mathbf{0}$ holds at peaks and at **saddles**, too: points that are
# lowest in some directions and highest in others, with Hessian eigenvalues of both signs. Along a direction
# with $\lambda < 0$ the factor of {eq}`eq-optimization-error` is $1 + \eta \lvert\lambda\rvert > 1$, so
# gradient descent leaves it exponentially. Newton's model has its stationary point *at* the saddle, and that
# is where the step leads. Himmelblau's function has four valleys, four saddles and a peak:


# %%
def himmelblau(p):
    x, y = np.moveaxis(np.asarray(p), -1, 0)
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def himmelblau_gradient(p):  # (..., 2) -> (..., 2)
    x, y = np.moveaxis(np.asarray(p), -1, 0)
    a, b = x**2 + y - 11, x + y**2 - 7
    return np.stack([4 * x * a + 2 * b, 2 * a + 4 * y * b], axis=-1)


def himmelblau_hessian(p):  # (..., 2) -> (..., 2, 2)
    x, y = np.moveaxis(np.asarray(p), -1, 0)
    mixed = 4 * (x + y)
    rows = [[12 * x**2 + 4 * y - 42, mixed], [mixed, 12 * y**2 + 4 * x - 26]]
    return np.moveaxis(np.array(rows), (0, 1), (-2, -1))


# %%
near = [3.4, 0.1]
saddle = newton(himmelblau_gradient, himmelblau_hessian, near)
lowest_curvature = np.linalg.eigvalsh(himmelblau_hessian(saddle.x))[0]
print("saddle at", saddle.x.round(3), "lowest curvature", round(lowest_curvature, 2))
away = gradient_descent(himmelblau_gradient, saddle.x + 1e-8, 0.005, 120).path
distance = np.linalg.norm(away - saddle.x, axis=1)
growth = (distance[120] / distance[60]) ** (1 / 60)
predicted = 1 - 0.005 * lowest_curvature
claim("optimization-saddle-growth", growth / predicted, within=(0.9999, 1.0001))

# %% [markdown]
# Now from everywhere: 150 × 150 starts in the square, each coloured by the place where it ends.

# %%
side = np.linspace(-5, 5, 150)
starts = np.stack(np.meshgrid(side, side), axis=-1)  # (150, 150, 2)
downhill, leaping = starts.copy(), starts.copy()
for _ in range(400):
    downhill = downhill - 0.005 * himmelblau_gradient(downhill)
for _ in range(60):
    slope = himmelblau_gradient(leaping)[..., None]  # (150, 150, 2, 1)
    leaping = leaping - np.linalg.solve(himmelblau_hessian(leaping), slope)[..., 0]

# %%
valleys = np.array([[3, 2], [-2.8051, 3.1313], [-3.7793, -3.2832], [3.5844, -1.8481]])


def ending(points):  # (150, 150, 2) -> (150, 150): number of the valley, 4 for none
    distance = np.linalg.norm(points[..., None, :] - valleys, axis=-1)
    return np.where(distance.min(axis=-1) < 0.01, distance.argmin(axis=-1), 4)


ends = [ending(downhill), ending(leaping)]
stuck = np.abs(himmelblau_gradient(leaping)).max()
claim("optimization-newton-end-gradient", stuck, at_most=1e-6)
claim("optimization-descent-in-no-valley", (ends[0] == 4).mean(), at_most=0.01)
claim("optimization-newton-in-no-valley", (ends[1] == 4).mean(), within=(0.38, 0.46))

# %% mystnb={"figure": {"caption": "Where a walk ends depends on where it begins. Gradient descent ends in one of the four valleys (stars); from the dark starts Newton ends on a saddle or on the peak.", "name": "fig-optimization-basins"}, "image": {"alt": "Two square maps of starting points. Left: four plain regions, one around each of four stars. Right: the same colours only close to the stars; broad dark bands between them and a dark centre, with ragged fractal borders."}} tags=["hide-input"]
figure, panels = plt.subplots(1, 2, figsize=(7.8, 4.3), sharey=True)
paints = [COLORS["light"], COLORS["sky"], "#F6D58A", "#9FB7A8", COLORS["ink"]]
paints = to_rgba_array(paints)
window = {"extent": (-5, 5, -5, 5), "origin": "lower"}
titles = ("Gradient descent: four valleys", "Newton: dark is no valley")
for axes, end, title in zip(panels, ends, titles):
    axes.imshow(paints[end], **window)
    axes.plot(*valleys.T, "*", color=COLORS["red"], ms=11, mec="white")
    axes.set(xlabel="$x$ at the start", title=title)
    axes.grid(visible=False)
panels[0].set_ylabel("$y$ at the start")
plt.show()

# %% [markdown]
# *Prediction 3.* In not quite six of ten starts: the rest of the plane leads Newton to a saddle or to the
# peak, where the gradient is zero as well and every test of convergence is content. Look at the eigenvalues
# of the Hessian at the end. With many parameters saddles outnumber valleys {cite:p}`dauphin2014identifying`,
# and in {numref}`fig-optimization-basins` even gradient descent only finds *a* valley, the one of its start.
#
# ## A constraint, and a saddle that is wanted
#
# Now minimise the hand example's $\tfrac12 (x^2 + 9y^2)$ on the line $x + y = 10$. Walking along the line
# lowers $f$ unless $\nabla f$ has no component along it. So at the minimum $\nabla f$ is parallel to the one
# direction that leaves the line, the gradient of $g(\mathbf{x}) = x + y - 10$. The same holds for every
# smooth constraint $g(\mathbf{x}) = 0$ with $\nabla g \neq \mathbf{0}$: there is a number $\mu$, **Lagrange's
# multiplier**, with
#
# $$
# \nabla f(\mathbf{x}) = \mu\, \nabla g(\mathbf{x}), \qquad g(\mathbf{x}) = 0 .
# $$ (eq-optimization-lagrange)
#
# Here $x = \mu$, $9y = \mu$ and $x + y = 10$: $\mu = 9$ at $(9, 1)$. The multiplier is a price: on
# $x + y = c$ the lowest value is $0.45\,c^2$, and its derivative at $c = 10$ is 9.

# %% mystnb={"figure": {"caption": "At the lowest point of the line the gradient of the bowl and that of the constraint are parallel; anywhere else the gradient has a part along the line, and sliding helps.", "name": "fig-optimization-lagrange"}, "image": {"alt": "Elliptical contours of the bowl and the falling line x + y = 10. At (9, 1), where the line touches a contour, two arrows point the same way, at right angles to the line. At (7, 3) the arrow of the bowl's gradient points steeply upwards and the constraint's arrow does not."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.2, 3.5))
u, v = np.meshgrid(np.linspace(3, 13, 141), np.linspace(-1, 6, 91))
levels = [15, 45, 80, 130]
axes.contour(u, v, (u**2 + 9 * v**2) / 2, levels, colors="#B8C0C8", linewidths=0.9)
axes.axline((9, 1), (5, 5), color=COLORS["ink"], lw=1.5, ls=DASHES[0])
for point in (np.array([9.0, 1.0]), np.array([7.0, 3.0])):
    slope = point * curvatures / np.linalg.norm(point * curvatures)
    arrows = [2.4 * slope, np.array([0.9, 0.9])]
    draw_vectors(axes, arrows, colors=[COLORS["red"], COLORS["blue"]], origin=point)
    axes.plot(*point, "o", color=COLORS["ink"])
axes.annotate("gradient of f", (7.7, 5.1), color=COLORS["red"])
axes.annotate("gradient of g", (8.05, 3.7), color=COLORS["blue"])
axes.annotate("parallel: lowest", (10.2, 1.6))
axes.annotate("x + y = 10", (3.1, 4.4))
axes.set(xlim=(3, 13), ylim=(-0.6, 6), aspect="equal", xlabel="$x$", ylabel="$y$")
axes.set_title("Where the gradients are parallel")
plt.show()

# %% [markdown]
# Both equations of {eq}`eq-optimization-lagrange` say that the **Lagrangian** $f - \mu g$ is stationary in
# $\mathbf{x}$ and $\mu$ together. That point is a saddle of it, never a minimum: in $\mu$ it is a straight
# line. Gradient descent is repelled; what was a failure of Newton's method is now its use.


# %%
def lagrangian_gradient(z):  # x, y and the multiplier
    x, y, mu = z
    return np.array([x - mu, 9 * y - mu, 10 - x - y])


lagrangian_hessian = np.array([[1.0, 0, -1], [0, 9, -1], [-1, -1, 0]])
touch = newton(lagrangian_gradient, lambda z: lagrangian_hessian, np.zeros(3))
deviation = check_close(touch.x, [9, 1, 9], atol=1e-12)
claim("optimization-lagrange-against-hand", deviation, at_most=1e-12)
negative = (np.linalg.eigvalsh(lagrangian_hessian) < 0).sum()
claim("optimization-lagrangian-downhill", negative, equal_to=1)

# %% [markdown]
# ## In practice
#
# All thirty measurements, with a penalty $\tfrac{0.01}{2} \lVert \mathbf{w} \rVert^2$ on the standardised
# weights (so again the same model in both units), given to `scipy.optimize.minimize`. It says of itself
# whether it succeeded.

# %%
Z = centred / scale
problems = {
    "standardised": log_loss_of(Z, 0.01 * np.append(0, np.ones(30))),
    "recorded": log_loss_of(centred, 0.01 * np.append(0, scale**2)),
}
ours = {u: newton(p[1], p[2], np.zeros(31)) for u, p in problems.items()}
bottom = problems["standardised"][0](ours["standardised"].x)


# %%
def too_high(units, method):
    f, gradient, hessian = problems[units]
    options = {"jac": gradient, "options": {"maxiter": 2000}}
    if method == "Newton-CG":
        options["hess"] = hessian
    result = minimize(f, np.zeros(31), method=method, **options)
    return result.fun - bottom, result.success


# %%
worst = max(too_high("standardised", m)[0] for m in ("BFGS", "L-BFGS-B", "Newton-CG"))
claim("optimization-scipy-too-high-by", worst, at_most=1e-6)
quasi, confident = too_high("recorded", "L-BFGS-B"), too_high("recorded", "Newton-CG")
claim("optimization-lbfgs-too-high-by", quasi[0], at_least=0.003)
claim("optimization-newton-cg-too-high-by", confident[0], at_least=0.01)
claim("optimization-newton-cg-says-success", confident[1], equal_to=1)
ours_off = problems["recorded"][0](ours["recorded"].x) - bottom
claim("optimization-our-newton-too-high-by", ours_off, within=(-1e-9, 1e-9))

# %% [markdown]
# Standardised, every method agrees with ours. In recorded units L-BFGS is cut off by 2,000 iterations, and
# Newton-CG *reports success* far above the minimum: it solves {eq}`eq-optimization-newton` only roughly, by a
# method whose own speed depends on $\kappa$, and stops when its steps get short. The direct solve does not
# mind.
#
# | Method | Time for a step, memory besides $f$ | Steps | Use it |
# |---|---|---|---|
# | gradient descent | $O(d)$, $O(d)$ | $\sim \kappa$ | data too large for anything else, with momentum |
# | L-BFGS, CG | $O(d)$, $O(d)$ | between $\sqrt\kappa$ and few | the default for smooth $f$; after scaling |
# | BFGS | $O(d^2)$, $O(d^2)$ | few | up to some thousand parameters |
# | Newton, damped | $O(d^3)$, $O(d^2)$ | few, blind to $\kappa$ | up to some thousand, with Hessian {cite:p}`nocedal2006numerical` |
#
# | What people believe | What exposes it |
# |---|---|
# | A smaller learning rate is safer | {eq}`eq-optimization-rate`: below the best step it is only slower |
# | The loss no longer moves, so it has arrived | {numref}`fig-optimization-units`, the plateau of thousands of steps |
# | The gradient is zero, so it is a minimum | {numref}`fig-optimization-basins`, the dark starts |
# | The solver said "success" | Newton-CG on recorded units |
# | Scaling features is cosmetics | The first claim of this page |
#
# ## Exercises
#
# ```{exercise} A bowl by hand
# :label: ex-optimization-bowl
#
# *check · difficulty 1 of 3 · 10 minutes*
#
# Let $f(x, y) = 2x^2 + 50y^2$. Give, as a tuple of four numbers: the largest learning rate at and beyond
# which gradient descent fails to converge; the best fixed one; the factor of the error for each step there;
# and the factor $\sqrt\beta$ of the best heavy ball.
# ```


# %%
def test_bowl(answer):
    limit, best, factor, heavy = answer
    assert not np.isclose(limit, 2 / 50), "the curvature of 50 y² is 100"
    assert np.isclose(limit, 2 / 100), "the limit is 2 over the largest curvature"
    assert np.isclose(best, 2 / 104), "2 over the sum of both curvatures"
    assert np.isclose(factor, 12 / 13), "(κ - 1) / (κ + 1), with κ = 25"
    assert np.isclose(heavy, 2 / 3), "the same with the root of κ"


answer = (0, 0, 0, 0)  # replace, then run this cell again
_ = try_answer(test_bowl, answer)

# %% [markdown]
# ```{solution-start} ex-optimization-bowl
# :class: dropdown
# ```
# The second derivatives are $m = 4$ and $M = 100$, so $\kappa = 25$. By {eq}`eq-optimization-best` the limit
# is $2/100$, the best rate $2/104$, the factor $24/26$; by {eq}`eq-optimization-heavy-ball` the heavy ball
# has $(5-1)/(5+1)$.

# %%
_ = try_answer(test_bowl, (0.02, 1 / 52, 12 / 13, 2 / 3))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Newton, repelled by saddles
# :label: ex-optimization-absolute
#
# *extend · difficulty 2 of 3 · 30 minutes*
#
# Write `repelled(f, gradient, hessian, start)`: at most 100 steps $s\,\mathbf{d}$, each with $s$ from
# `backtracking_line_search`. The direction $\mathbf{d}$ is that of {eq}`eq-optimization-newton`, but with
# every eigenvalue $\lambda$ of the Hessian replaced by the larger of $\lvert\lambda\rvert$ and $10^{-3}$.
# Stop when no component of the gradient is above $10^{-6}$; return the last point.
# ```


# %%
def test_repelled(repelled):
    functions = himmelblau, himmelblau_gradient, himmelblau_hessian
    for start in np.random.default_rng(1).uniform(-5, 5, size=(40, 2)):
        end = repelled(*functions, start)
        assert np.abs(himmelblau_gradient(end)).max() < 1e-6, "did not arrive"
        lowest = np.linalg.eigvalsh(himmelblau_hessian(end))[0]
        assert lowest > 0, "still drawn to a saddle or a peak"


def repelled(f, gradient, hessian, start):  # replace the body, then run again
    return newton(gradient, hessian, start).x


_ = try_answer(test_repelled, repelled)

# %% [markdown]
# ```{solution-start} ex-optimization-absolute
# :class: dropdown
# ```
# Along an eigenvector with $\lambda < 0$ Newton's step $-g_i/\lambda$ points uphill, towards the saddle. With
# $\lvert\lambda\rvert$ it points downhill and keeps its length: the saddle repels. The proposal is that of
# {cite:t}`dauphin2014identifying`; the line search adds that $f$ never rises.


# %%
def repelled_solution(f, gradient, hessian, start):
    x = np.asarray(start, dtype=float)
    for _ in range(100):
        slope = gradient(x)
        if np.abs(slope).max() <= 1e-6:
            break
        values, vectors = np.linalg.eigh(hessian(x))
        away = -vectors @ ((vectors.T @ slope) / np.maximum(np.abs(values), 1e-3))
        x = x + backtracking_line_search(f, gradient, x, away) * away
    return x


_ = try_answer(test_repelled, repelled_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A convex function that defeats momentum
# :label: ex-optimization-cycle
#
# *break · difficulty 3 of 3 · 45 minutes*
#
# On bowls with curvatures from 1 to 25 the best heavy ball, $\eta = \tfrac19$ and $\beta = \tfrac49$, loses a
# third of its error in each step. `bent` is the slope of a convex function of one variable: its curvature is
# 25 up to $a$, 1 between $a$ and $b$, and 25 after; its minimum is at 0. Find $0 < a < b$ and a start, all of
# size at most 10, for which the heavy ball never arrives. Set `answer` to `(a, b, start)`.
# ```


# %%
def bent(x, a, b):
    return 25 * x - 24 * np.clip(x - a, 0, b - a)


def test_cycle(answer):
    a, b, start = answer
    assert 0 < a < b <= 10 and abs(start) <= 10, "not as asked"
    slope = lambda x: bent(x, a, b)  # noqa: E731
    run = gradient_descent(slope, [start], 1 / 9, 3000, momentum=4 / 9)
    assert not run.converged, "it arrived"


answer = (1.0, 2.0, 0.5)  # replace, then run this cell again
_ = try_answer(test_cycle, answer)

# %% [markdown]
# ```{solution-start} ex-optimization-cycle
# :class: dropdown
# ```
# {cite:t}`lessard2016analysis` found $a = 1$, $b = 2$ with starts around 3.3: the ball visits three points in
# turn, for ever. To find it, ask for a cycle. Three points $p, q, r$ with
# $q = p - \tfrac19 f'(p) + \tfrac49 (p - r)$ and its two rotations are three linear equations once it is
# known on which piece each point lies; with one point on the last piece and two on the first they have a
# solution that does lie there. A random search of some thousand triples finds it as well. The derivation of
# {eq}`eq-optimization-heavy-ball` holds for one fixed matrix; where the curvature changes along the way,
# momentum has no such guarantee.

# %%
_ = try_answer(test_cycle, (1.0, 2.0, 3.3))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} The die that claims nothing else
# :label: ex-optimization-die
#
# *build · difficulty 3 of 3 · 40 minutes*
#
# A die shows 4.5 on average. Which probabilities claim nothing else? Jaynes {cite:p}`jaynes1957information`:
# those of largest entropy, that is of least $\sum_i p_i \ln p_i$, with $\sum_i p_i = 1$ and
# $\sum_i i\,p_i = 4.5$. Write `die(mean)`, for a mean from 2.5 to 4.5: call `newton` on the Lagrangian with
# its two multipliers, from six equal probabilities, and return $\mathbf{p}$ of shape `(6,)`.
# ```


# %%
faces = np.arange(1.0, 7.0)


def test_die(die):
    for mean in (2.5, 3.5, 4.0, 4.5):
        p = die(mean)
        assert np.isclose(p.sum(), 1), "the probabilities do not add up to 1"
        assert np.isclose(p @ faces, mean), "the mean is not the one asked for"
        bend = np.diff(np.log(p), 2)
        assert np.abs(bend).max() < 1e-6, "another die has the mean and more entropy"


def die(mean):  # replace the body, then run again
    return np.full(6, 1 / 6)


_ = try_answer(test_die, die)

# %% [markdown]
# ```{solution-start} ex-optimization-die
# :class: dropdown
# ```
# Write the constraints as $\mathbf{C}\mathbf{p} = \mathbf{t}$. The Lagrangian
# $\sum_i p_i \ln p_i - \boldsymbol\mu^\top (\mathbf{C}\mathbf{p} - \mathbf{t})$ has the gradient
# $(\ln\mathbf{p} + 1 - \mathbf{C}^\top \boldsymbol\mu,\; \mathbf{t} - \mathbf{C}\mathbf{p})$. Its first part
# says $\ln p_i = \mu_1 - 1 + \mu_2\, i$: a straight line in $i$, which is what the last test asks for.


# %%
def die_solution(mean):
    C, targets = np.array([np.ones(6), faces]), np.array([1.0, mean])  # (2, 6), (2,)

    def gradient(z):  # six probabilities, two multipliers
        p, mu = z[:6], z[6:]
        return np.concatenate([np.log(p) + 1 - C.T @ mu, targets - C @ p])

    def hessian(z):
        return np.block([[np.diag(1 / z[:6]), -C.T], [-C, np.zeros((2, 2))]])

    return newton(gradient, hessian, np.append(np.full(6, 1 / 6), [0, 0])).x[:6]


_ = try_answer(test_die, die_solution)
print("mean 4.5:", die_solution(4.5).round(3))

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In {numref}`fig-optimization-steps` a third method is measured: its points lie on a horizontal line
# at 1 step. Which one can it be?
#
# (a) Momentum with a better $\beta$. (b) Gradient descent with a line search. (c) Newton's method. (d) None:
# no method is that fast.
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: {eq}`eq-optimization-heavy-ball` is the best choice, and its steps grow with $\sqrt\kappa$. (b) No:
# it chooses the length of the step, not its direction, and zigzags as well. (c) Yes: the bowls are quadratic,
# its model is exact. (d) No, by (c); the price is in the step, $O(d^3)$.
# ```
#
# **2.** On a bowl with curvatures 1 and 9 the error along one axis changes sign in each step and keeps its
# size. What is the learning rate?
#
# (a) 0.2. (b) 2/9. (c) 1/9. (d) 1.
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: the steep axis has the factor $-0.8$, so it shrinks. (b) Yes: $1 - 9 \cdot \tfrac29 = -1$, the
# limit. (c) No: the factor of the steep axis is 0. (d) No: the flat axis arrives at once, the steep one grows
# eightfold.
# ```
#
# **3.** Newton's method stops at a point where the gradient is below $10^{-12}$. What is known?
#
# (a) It is a minimum. (b) It is the lowest point if $f$ is convex. (c) It is a saddle. (d) The Hessian there
# is positive definite.
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: peaks and saddles have zero gradients, too. (b) Yes, up to the tolerance: a convex function has no
# false valley. (c) It may be, but need not. (d) That would have to be looked at, and it is the check to make.
# ```
#
# ## What to remember
#
# Near a minimum every function is a bowl, and each step of gradient descent multiplies the error by
# $1 - \eta\lambda$, direction by direction. The condition number $\kappa$ therefore predicts the steps:
# $\kappa$ for plain descent, $\sqrt\kappa$ for momentum, none for Newton, who pays in each step and is drawn
# to saddles. Above $2/M$ nothing converges. Change the units before the method: standardised features made
# the same model 600 times as fast. A constraint is met where gradients are parallel.
#
# Next the stage turns to chance, which this page has kept out.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
