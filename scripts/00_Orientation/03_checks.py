# %% [markdown]
# # What "verified" means
#
# When a page says that its code is right, what was tried that could have shown it wrong?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `claim`, `check_close`, `check_gradient`, `seed_band` and `try_answer`, which every later page uses
# - **You need** Python functions; what a derivative is
# - **Checked against** SciPy's `check_grad`, NumPy's `assert_allclose`, the theory of rounding errors
# - **Time** 30 minutes to read, 30 to code
# - **Data** breast cancer (569 × 30), scikit-learn, BSD-3
# ````

# %%
import re
import traceback
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import scipy.optimize
from numpy.typing import ArrayLike
from scipy import stats
from scipy.special import expit
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression

# %% tags=["hide-input"]
# The next page builds the book's style sheet; until then these lines stand in for it.
COLORS = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "red": "#D55E00",
    "ink": "#22303C",
    "gray": "#8A949E",
}
plt.rcParams.update(
    {
        "figure.dpi": 130,
        "figure.constrained_layout.use": True,
        "font.size": 10.5,
        "legend.frameon": False,
    }
)
plt.rcParams.update(
    {
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": "#DDE2E7",
        "axes.edgecolor": COLORS["gray"],
    }
)
plt.rcParams.update(
    {"axes.spines.top": False, "axes.spines.right": False, "axes.titlelocation": "left"}
)
plt.rcParams.update({"axes.titleweight": "bold", "axes.titlesize": 11.5})

# %% [markdown]
# (sec-checks-bug)=
# ## Wrong code that learns
#
# Here is a classifier and its gradient. From 30 measurements of cell nuclei it predicts whether a tumour is
# benign. Its loss is the mean log loss plus a penalty on the weights; the intercept `theta[0]` is not penalised.

# %%
X, y = load_breast_cancer(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)  # (569, 30)
n_samples, n_features = X.shape
penalty = 0.1


def loss(theta):
    z = X @ theta[1:] + theta[0]
    return np.mean(np.logaddexp(0, z) - y * z) + penalty / 2 * theta[1:] @ theta[1:]


# %%
def gradient(theta, rows=slice(None), penalty=penalty):
    residual = expit(X[rows] @ theta[1:] + theta[0]) - y[rows]
    slope = X[rows].T @ residual / len(residual) + penalty * theta[1:]
    return np.concatenate([[residual.mean()], slope])


# %% [markdown]
# Three people copy it, and each makes one mistake. One forgets the intercept, one loses the last row of the data,
# one lets the penalty pull on the intercept, too.


# %%
def forgets_intercept(theta):
    return np.concatenate([[0.0], gradient(theta)[1:]])


def loses_last_row(theta):
    return gradient(theta, rows=slice(None, -1))


def penalises_intercept(theta):
    return gradient(theta) + penalty * theta[0] * np.eye(n_features + 1)[0]


# %% [markdown]
# All four train without an error. Read what the usual signs of health say about them.


# %%
def train(gradient, learning_rate=0.5, n_steps=1500):
    theta, losses = np.zeros(n_features + 1), []
    for _ in range(n_steps):
        losses.append(loss(theta))
        theta = theta - learning_rate * gradient(theta)
    return theta, np.array(losses)


def accuracy(theta):
    return float(np.mean((X @ theta[1:] + theta[0] > 0) == y))


# %%
runs = {
    g.__name__: train(g)
    for g in (gradient, forgets_intercept, loses_last_row, penalises_intercept)
}
for name, (theta, losses) in runs.items():
    print(
        f"{name:22} loss {losses[0]:.3f} -> {losses[-1]:.3f}   accuracy {accuracy(theta):.3f}"
    )

# %% mystnb={"figure": {"caption": "Four gradients, one of them right. Every loss falls; nothing in the curves says which three are wrong.", "name": "fig-checks-losses"}, "image": {"alt": "Training loss against step on a logarithmic axis for four gradients. All four curves fall and flatten; two of them coincide."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.2, 3.4))
looks = [
    ("#0072B2", "o", "-"),
    ("#E69F00", "s", "--"),
    ("#22303C", "^", ":"),
    ("#D55E00", "D", "-."),
]
steps = np.unique(np.logspace(0, np.log10(1500), 50).astype(int)) - 1
for (_, losses), (color, marker, dash), start in zip(
    runs.values(), looks, (0, 2, 4, 6)
):
    axes.semilogx(
        steps + 1,
        losses[steps],
        dash,
        color=color,
        marker=marker,
        markevery=(start, 8),
        ms=5,
        lw=2,
    )
ends = {
    "forgets intercept": 0.2105,
    "penalises intercept": 0.2035,
    "right, and under it: loses last row": 0.1965,
}
for label, height in ends.items():
    axes.annotate(
        label, (1700, height), annotation_clip=False, va="center", fontsize=9.5
    )
axes.set(
    xlabel="step of gradient descent",
    ylabel="loss",
    title="Every loss falls",
    xlim=(1, 1500),
    ylim=(0.19, 0.27),
)
plt.show()

# %% [markdown]
# Two of the wrong gradients even *classify better* than the right one. "It runs", "the loss falls" and "the accuracy is
# high" are true of the right program and of the wrong ones: they are observations, not checks. {numref}`fig-checks-losses`
# is how a wrong gradient survives for years in published code.
#
# ## Predict
#
# 1. Seven mistakes are planted in this gradient below, and five kinds of check look for them. How many mistakes does "the
#    loss falls" catch? Does any single check catch all seven?
# 2. A derivative is estimated by $(f(x+h)-f(x))/h$ in double precision, which holds about 16 digits. At the best
#    step $h$, how many digits of the derivative are right: 16, 12 or 8?
# 3. An experiment is run with five seeds and a "95 %" interval is drawn for the mean. How often does the
#    interval contain the true mean if the results are skewed, as training times are?
#
# ## A check is an experiment that can fail
#
# Let $M$ be a set of mistakes that a program might contain. A check $c$ *catches* $m\in M$ if it fails on the program with
# mistake $m$; on the right program it must pass. Its **power** over $M$ is the share that it catches,
#
# $$
# \operatorname{power}(c) = \frac{\lvert\{m\in M : c \text{ fails on } m\}\rvert}{\lvert M\rvert} .
# $$ (eq-checks-power)
#
# A check of power zero is worse than none: it takes time and gives comfort. The way to learn the power of a check is to
# plant mistakes and count, which is called *mutation testing* {cite:p}`demillo1978hints`. The next sections build
# checks for four kinds of truth: a number in a band, two arrays that should agree, a gradient, and a result of chance.
#
# (sec-checks-claim)=
# ### A number in a band: `claim`
#
# Prose full of numbers rots: the code changes, the sentence stays. In this book a sentence that leans on a
# measured number leans on a *claim*: a name, a value, and the band in which the value must lie. Outside the band the page
# does not build. A good band is wide enough to hold on another computer, and so narrow that the sentence would be
# false outside it.


# %% tags=["export"]
def claim(
    name: str,
    value: float,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    within: tuple[float, float] | None = None,
    equal_to: float | None = None,
    tolerance: float = 0.0,
) -> None:
    """Print a number with the band that it must lie in, and fail if it does not.

    Parameters
    ----------
    name : str
        Lower-case words joined by hyphens, unique on the page.
    value : float
        The measured number; a Boolean counts as 0 or 1.
    at_least, at_most, within, equal_to : float or (float, float)
        The band; exactly one of them. ``tolerance`` widens ``equal_to`` on both sides.

    Raises
    ------
    AssertionError
        If the value lies outside its band or is not a number (NaN lies in no band).
    ValueError
        If the name is malformed, or not exactly one band is given, or it is empty.
    """
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise ValueError(
            f"name must be lower-case words joined by hyphens, got {name!r}"
        )
    given = [band for band in (at_least, at_most, within, equal_to) if band is not None]
    if len(given) != 1:
        raise ValueError(
            f"give exactly one of at_least, at_most, within, equal_to; got {len(given)}"
        )
    low, high = -float("inf"), float("inf")
    if at_least is not None:
        low, band = at_least, f"at least {at_least:g}"
    elif at_most is not None:
        high, band = at_most, f"at most {at_most:g}"
    elif within is not None:
        (low, high), band = within, f"within {within[0]:g} to {within[1]:g}"
    else:
        assert equal_to is not None
        low, high, band = (
            equal_to - tolerance,
            equal_to + tolerance,
            f"equal to {equal_to:g} ± {tolerance:g}",
        )
    if not low <= high:
        raise ValueError(f"the band of {name!r} is empty: {band}")
    number = float(value)
    if not low <= number <= high:
        raise AssertionError(f"claim {name}: {number:.4g} ({band}) DOES NOT HOLD")
    print(f"claim {name}: {number:.4g} ({band}) holds")


# %% [markdown]
# The sentence about the wrong gradients, as two claims. "Better" is strict, so its band begins above zero.

# %%
surplus = accuracy(runs["penalises_intercept"][0]) - accuracy(runs["gradient"][0])
claim("checks-wrong-gradient-more-accurate", surplus, at_least=0.001)
claim(
    "checks-every-loss-falls-by",
    min(losses[0] - losses[-1] for _, losses in runs.values()),
    at_least=0.05,
)

# %% [markdown]
# And one that fails. NaN compares false with everything, so code that asks "is it *outside*?" lets NaN through; `claim`
# asks "is it *inside*?".

# %%
try:
    claim("checks-nan-is-inside", float("nan"), within=(-1e9, 1e9))
except AssertionError as error:
    print(error)

# %% [markdown]
# (sec-checks-close)=
# ### Two arrays: `check_close`
#
# Our code and a reference rarely agree to the last bit, because additions in another order round differently. Agreement
# means that every element satisfies
#
# $$
# \lvert a_i - b_i\rvert \le \text{atol} + \text{rtol}\cdot\lvert b_i\rvert .
# $$ (eq-checks-close)
#
# The tolerance decides the power. Probabilities never differ by more than 1, so with `atol=1` the inequality
# {eq}`eq-checks-close` is a theorem about probabilities and says nothing about the code. The function below closes three more
# holes: shapes that broadcast, NaN, and infinities.


# %% tags=["export"]
def check_close(
    actual: ArrayLike, expected: ArrayLike, *, rtol: float = 1e-7, atol: float = 0.0
) -> float:
    """Compare two arrays element by element; return the largest absolute deviation.

    Parameters
    ----------
    actual, expected : array_like of the same shape
    rtol, atol : float
        Each element may deviate by ``atol + rtol * |expected|``.

    Returns
    -------
    float
        The largest absolute deviation, 0.0 for empty arrays.

    Raises
    ------
    AssertionError
        If the shapes differ, one array has a NaN where the other has none, or an element deviates
        by more than is allowed; the message names the worst element.
    """
    ours, theirs = np.asarray(actual, dtype=float), np.asarray(expected, dtype=float)
    if ours.shape != theirs.shape:
        raise AssertionError(f"shapes differ: {ours.shape} against {theirs.shape}")
    if ours.size == 0:
        return 0.0
    same = (ours == theirs) | (
        np.isnan(ours) & np.isnan(theirs)
    )  # equal infinities count as equal
    with np.errstate(invalid="ignore"):
        deviation = np.where(same, 0.0, np.abs(ours - theirs))
        excess = np.where(same, 0.0, deviation - (atol + rtol * np.abs(theirs)))
    excess[np.isnan(excess)] = np.inf
    if excess.max() > 0:
        worst = np.unravel_index(int(excess.argmax()), excess.shape)
        where = tuple(int(index) for index in worst)
        raise AssertionError(
            f"{int((excess > 0).sum())} of {ours.size} elements differ; worst at {where}: "
            f"{ours[worst]:.6g} against {theirs[worst]:.6g}"
        )
    return float(deviation.max())


# %% [markdown]
# It *returns* the largest deviation, so that a page can claim how close two arrays are, not only that they were close
# enough. Here the reference is scikit-learn's minimum of the same loss.

# %%
reference = LogisticRegression(
    C=1 / (penalty * n_samples), tol=1e-10, max_iter=10_000
).fit(X, y)
theirs = np.concatenate([reference.intercept_, reference.coef_[0]])
claim(
    "checks-right-gradient-equals-reference",
    check_close(runs["gradient"][0], theirs, atol=1e-6),
    at_most=1e-6,
)
try:
    check_close(runs["loses_last_row"][0], theirs, atol=1e-6)
except AssertionError as error:
    print(str(error).split(";")[0])

# %% [markdown]
# The lost row moved the coefficients in the fourth decimal, and the check sees it. With a tolerance of `1e-3` it
# would not. A tolerance that is widened until the test is green has no power left.

# %%
moved = np.abs(runs["loses_last_row"][0] - theirs).max()
claim("checks-lost-row-moves-coefficients", moved, within=(1e-4, 1e-3))

# %% [markdown]
# (sec-checks-gradient)=
# ### A gradient: `check_gradient`
#
# A derivative can be checked without knowing it: compare it with a difference quotient. Take $f(x)=x^2$ at $x=3$,
# where $f'=6$, and the step $h=0.1$. One step ahead: $(9.61-9)/0.1=6.1$. From both sides:
# $(9.61-8.41)/0.2=6$, exact.


# %%
def forward_difference(f, x, h):
    return (f(x + h) - f(x)) / h


def central_difference(f, x, h):
    return (f(x + h) - f(x - h)) / (2 * h)


for difference in (forward_difference, central_difference):
    print(f"{difference.__name__:19} {difference(lambda x: x**2, 3, 0.1):.4f}")

# %% [markdown]
# Which step is best? Taylor's theorem, $f(x+h)=f(x)+hf'(x)+\tfrac{h^2}{2}f''(\xi)$, gives the
# *truncation* error of the forward difference, $\tfrac h2\lvert f''\rvert$, which asks for a small $h$. But the computer holds
# $f(x)$ only to a relative error $u\approx1.1\cdot10^{-16}$, half of the machine epsilon. The numerator therefore carries a *rounding* error
# of up to $2u\lvert f\rvert$, and dividing by $h$ magnifies it. Together
#
# $$
# E_\text{forward}(h) \lesssim \frac{h}{2}\lvert f''\rvert + \frac{2u\lvert f\rvert}{h},
# \qquad
# E_\text{central}(h) \lesssim \frac{h^2}{6}\lvert f'''\rvert + \frac{u\lvert f\rvert}{h} .
# $$ (eq-checks-error)
#
# The second bound comes from the same expansion carried one order further: in $f(x+h)-f(x-h)$ the terms with $f''$ cancel.
# Setting the derivative of each bound to zero gives the best steps and what they achieve:
#
# $$
# h_\text{forward} = 2\sqrt{u\left\lvert\frac{f}{f''}\right\rvert},
# \quad
# h_\text{central} = \sqrt[3]{3u\left\lvert\frac{f}{f'''}\right\rvert},
# \qquad
# E_\text{forward}\sim u^{1/2},\quad E_\text{central}\sim u^{2/3} .
# $$ (eq-checks-steps)
#
# The forward difference loses half of the digits even at its best, the central one a third. Below is the error for
# $f=\exp$ at $x=1$, where $f=f''=f'''=\mathrm e$, with the bounds of {eq}`eq-checks-error`.

# %%
unit_roundoff = np.finfo(float).eps / 2
steps = np.logspace(-15, 0, 151)
truth = np.exp(1.0)
formulas = {"forward": forward_difference, "central": central_difference}
errors = {
    name: np.abs([formula(np.exp, 1.0, h) - truth for h in steps])
    for name, formula in formulas.items()
}
bounds = {
    "forward": truth * (steps / 2 + 2 * unit_roundoff / steps),
    "central": truth * (steps**2 / 6 + unit_roundoff / steps),
}
best_step = {
    "forward": 2 * np.sqrt(unit_roundoff),
    "central": np.cbrt(3 * unit_roundoff),
}

# %% mystnb={"figure": {"caption": "The error of a difference quotient has a valley. To its right the formula is too coarse; to its left the subtraction has used up the digits. The lines are the bounds, derived before anything was measured; dots are measured, dotted lines mark the best steps.", "name": "fig-checks-valley"}, "image": {"alt": "Log-log plot of error against step. Measured errors of forward and central differences lie as dots along two V-shaped bounds; the central valley is three orders of magnitude lower and lies farther right."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.2, 4.2))
paint = {"forward": (COLORS["orange"], "s"), "central": (COLORS["blue"], "o")}
for name, (color, marker) in paint.items():
    shown = errors[name] > 0
    axes.loglog(
        steps[shown],
        errors[name][shown],
        marker,
        color=color,
        ms=3.2,
        alpha=0.8,
        ls="none",
    )
    axes.loglog(steps, bounds[name], color=COLORS["ink"], lw=1.1, ls="-")
    axes.axvline(best_step[name], color=color, lw=1.2, ls=":")
line = {"arrowprops": {"arrowstyle": "-", "color": COLORS["gray"]}, "va": "center"}
axes.text(
    1.5e-8, 1.5e-10, "forward", color=COLORS["red"], ha="right", fontweight="bold"
)
axes.text(8e-6, 1e-12, "central", color=COLORS["blue"], ha="left", fontweight="bold")
axes.annotate("rounding, slope −1", (3e-12, 5e-4), (3e-11, 1e-1), **line)
axes.annotate("truncation, slope 1", (3e-4, 5e-4), (5e-8, 6e-1), **line)
axes.annotate("truncation,\nslope 2", (8e-3, 3e-5), (2.5e-2, 1e-8), **line)
axes.set(
    xlabel="step $h$",
    ylabel="absolute error of the derivative",
    ylim=(1e-13, 10),
    xlim=(1e-15, 1.2),
)
axes.set_title("No step gives 16 digits: the best give 8 and 11")
plt.show()

# %% [markdown]
# The claims compare the picture with the theory: no error exceeds its bound by more than the rounding inside $\exp$ and $x+h$ can
# explain, the right branches have slopes 1 and 2, and the valleys are as deep as {eq}`eq-checks-steps` says.

# %%
for name in formulas:
    claim(
        f"checks-{name}-error-over-bound",
        (errors[name] / bounds[name]).max(),
        at_most=2.5,
    )
coarse = (steps > 1e-4) & (steps < 1e-2)
for name, slope in (("forward", 1), ("central", 2)):
    fitted = np.polyfit(np.log(steps[coarse]), np.log(errors[name][coarse]), 1)[0]
    claim(f"checks-{name}-slope", fitted, equal_to=slope, tolerance=0.05)

# %%
for name, (low, high) in {"forward": (7.3, 10), "central": (10, 13)}.items():
    relative = abs(formulas[name](np.exp, 1.0, best_step[name]) / truth - 1)
    claim(f"checks-{name}-digits-at-best-step", -np.log10(relative), within=(low, high))

# %% [markdown]
# Prediction 2: about eight digits, half of what the computer holds. A tolerance of `1e-10` on a forward
# difference would fail right code.
#
# For a function of many variables the central difference is taken along each coordinate, and one number sums up
# the comparison, the relative error
#
# $$
# \frac{\lVert\mathbf g-\mathbf d\rVert}{\lVert\mathbf g\rVert+\lVert\mathbf d\rVert},
# $$ (eq-checks-relative)
#
# with $\mathbf g$ the gradient and $\mathbf d$ the differences. It is 0 for equality and 1 for opposite signs, whatever the scale
# of $f$. The step grows with the coordinate, and the difference is divided by the distance *actually* travelled, `above - below`, which
# rounding makes differ from $2h$.


# %% tags=["export"]
def check_gradient(
    function: Callable[[np.ndarray], float],
    gradient: Callable[[np.ndarray], ArrayLike],
    point: ArrayLike,
    *,
    step: float | None = None,
    tolerance: float = 1e-6,
) -> float:
    """Compare a gradient with central differences at a point; return the relative error.

    The error is ``‖g − d‖ / max(‖g‖ + ‖d‖, tiny)`` for the gradient g and the differences d.

    Parameters
    ----------
    function : callable, array of shape (…) to float
    gradient : callable, array of shape (…) to array of shape (…)
    point : array_like of shape (…)
        Where to compare; converted to float64.
    step : float, optional
        Half the width of a difference, relative to ``max(1, |x|)``; by default the cube root of
        the machine epsilon, where the error of a central difference is least.
    tolerance : float
        The largest relative error that passes.

    Raises
    ------
    AssertionError
        If the shapes differ or the relative error is above the tolerance or not a number.
    """
    x = np.array(point, dtype=float)
    analytic = np.asarray(gradient(x.copy()), dtype=float)
    if analytic.shape != x.shape:
        raise AssertionError(
            f"gradient has shape {analytic.shape}, the point has {x.shape}"
        )
    relative_step = float(np.cbrt(np.finfo(float).eps)) if step is None else step
    numeric = np.empty_like(x)
    for index in np.ndindex(x.shape):
        h = relative_step * max(1.0, abs(float(x[index])))
        above, below = x.copy(), x.copy()
        above[index] += h
        below[index] -= h
        numeric[index] = (float(function(above)) - float(function(below))) / (
            above[index] - below[index]
        )
    scale = max(
        float(np.linalg.norm(analytic) + np.linalg.norm(numeric)),
        float(np.finfo(float).tiny),
    )
    error = float(np.linalg.norm(analytic - numeric)) / scale
    if not error <= tolerance:
        difference = np.abs(analytic - numeric)
        worst = np.unravel_index(
            int(np.nan_to_num(difference, nan=np.inf).argmax()), x.shape
        )
        where = tuple(int(index) for index in worst)
        raise AssertionError(
            f"relative error {error:.3g} is above {tolerance:g}; worst at {where}: "
            f"gradient {analytic[worst]:.6g}, differences {numeric[worst]:.6g}"
        )
    return error


# %% [markdown]
# The right gradient, then the one that lost a row, at a random point:

# %%
rng = np.random.default_rng(0)
point = rng.normal(size=n_features + 1)
claim("checks-right-gradient", check_gradient(loss, gradient, point), at_most=1e-8)
try:
    check_gradient(loss, loses_last_row, point)
except AssertionError as error:
    print(str(error).split(";")[0])

# %% [markdown]
# (sec-checks-chance)=
# ### A result of chance: `seed_band`
#
# A result that depends on a seed is one draw from a distribution. From the values $v_1,\dots,v_k$ of $k$ seeds, with mean
# $\bar v$ and standard deviation $s$, Student's interval for the true mean is
#
# $$
# \bar v \pm t_{k-1}\,\frac{s}{\sqrt k} .
# $$ (eq-checks-interval)
#
# For 95 % and $k=5$ the factor is $t_4=2.78$, not 1.96: five seeds say little, and the interval admits it.


# %% tags=["export"]
class SeedBand(NamedTuple):
    """What a measurement gave over several seeds.

    ``low`` and ``high`` bound the *mean* (Student's t interval); ``values`` has shape (n_seeds,).
    """

    mean: float
    low: float
    high: float
    values: np.ndarray


def seed_band(
    run: Callable[[int], float], seeds: Iterable[int], *, level: float = 0.95
) -> SeedBand:
    """Run an experiment once for each seed; return the mean and an interval for it.

    Parameters
    ----------
    run : callable, int to float
        The experiment; its only chance is the seed.
    seeds : iterable of int
        At least two, all different.
    level : float
        Coverage of the interval, between 0 and 1.

    Raises
    ------
    ValueError
        If there are fewer than two seeds, a seed occurs twice, or the level is not between 0 and 1.
    """
    chosen = list(seeds)
    if len(chosen) < 2 or len(set(chosen)) < len(chosen):
        raise ValueError(f"seeds must be at least two, all different; got {chosen}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    values = np.array([float(run(seed)) for seed in chosen])
    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    half: float = (
        float(stats.t.ppf((1 + level) / 2, len(values) - 1))
        * deviation
        / len(values) ** 0.5
    )
    return SeedBand(mean, mean - half, mean + half, values)


# %%
band = seed_band(
    lambda seed: np.random.default_rng(seed).normal(loc=1.0), seeds=range(5)
)
print(
    f"mean of five draws {band.mean:.2f}, interval {band.low:.2f} to {band.high:.2f}, truth 1.00"
)

# %% [markdown]
# The last helper belongs to the exercises: it runs the tests on *your* answer and says in one line whether they hold.


# %% tags=["export"]
def try_answer(tests: Callable[[Any], None], answer: Any) -> bool:
    """Run an exercise's tests on an answer and say in one line whether it passes.

    Parameters
    ----------
    tests : callable
        Takes the answer (a number, a function, a class) and asserts what must hold of it.
    answer : object
        The reader's answer.

    Returns
    -------
    bool
        Whether every assertion held.
    """
    try:
        tests(answer)
    except Exception as error:
        frames = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.name == tests.__name__
        ]
        line = str(error) or (frames[-1].line if frames else "") or type(error).__name__
        print(
            f"{tests.__name__}: not yet ({type(error).__name__}: {line.splitlines()[0]})"
        )
        return False
    print(f"{tests.__name__}: passed")
    return True


# %% [markdown]
# ## Checking the checks
#
# A helper that decides what is right has to be right itself. There are two references: SciPy's `check_grad` returns the distance
# $\lVert\mathbf g-\mathbf d\rVert$ for forward differences, and NumPy's `assert_allclose` decides by the rule {eq}`eq-checks-close`. On
# 2,000 random pairs of arrays with NaN, infinities and near misses, both must give the same verdicts.

# %%
forward_error = scipy.optimize.check_grad(loss, gradient, point) / (
    2 * np.linalg.norm(gradient(point))
)
claim(
    "checks-forward-error-over-central",
    forward_error / check_gradient(loss, gradient, point),
    at_least=10,
)


# %%
def passes(check, *arguments, **options):
    try:
        check(*arguments, **options)
    except AssertionError:
        return False
    return True


# %%
verdicts = []
for _ in range(2000):
    expected = rng.normal(size=3) * 10.0 ** rng.integers(-8, 8, size=3)
    actual = expected * (1 + rng.choice([0, 5e-4, 2e-3], size=3, p=[0.6, 0.3, 0.1]))
    for array in (expected, actual):
        array[rng.random(3) < 0.05] = rng.choice([np.nan, np.inf])
    checks = (check_close, np.testing.assert_allclose)
    verdicts.append(
        [passes(check, actual, expected, rtol=1e-3, atol=1e-6) for check in checks]
    )
claim(
    "checks-disagreements-with-numpy",
    sum(ours != theirs for ours, theirs in verdicts),
    equal_to=0,
)
claim("checks-share-of-pairs-that-pass", np.mean(verdicts), within=(0.3, 0.7))

# %% [markdown]
# The first claim is {numref}`fig-checks-valley` again, for a function of 31 variables: forward differences see the same
# gradient less sharply. The last claim guards the experiment itself. If all pairs passed, the agreement would mean nothing.
#
# ## Seven mistakes, five checks
#
# Four more mistakes join the first three: a forgotten penalty, a factor of one half, one wrong sign, and the predicted class where the predicted
# probability belongs. And the penalty on the intercept becomes a *consistent* mistake: it is now in the loss **and** in its gradient.


# %%
def forgets_penalty(theta):
    return gradient(theta, penalty=0.0)


def half_as_large(theta):
    return gradient(theta) / 2


def one_wrong_sign(theta):
    return gradient(theta) * np.where(np.arange(n_features + 1) == n_features, -1, 1)


def class_for_probability(theta):
    residual = (X @ theta[1:] + theta[0] > 0) - y
    return np.concatenate(
        [[residual.mean()], X.T @ residual / n_samples + penalty * theta[1:]]
    )


# %%
def loss_with_penalised_intercept(theta):
    return loss(theta) + penalty / 2 * theta[0] ** 2


mistakes = [
    forgets_intercept,
    loses_last_row,
    class_for_probability,
    forgets_penalty,
    half_as_large,
    one_wrong_sign,
]
programs = {g.__name__: (loss, g) for g in [gradient, *mistakes]}
programs["penalises_intercept"] = (loss_with_penalised_intercept, penalises_intercept)


# %% [markdown]
# Every program meets every check: whether it runs, whether the loss ends lower than it began, whether the accuracy is high,
# the gradient check, and equality with the reference after training.


# %%
def examine(f, g):
    theta, _ = train(g)
    return {
        "runs": np.shape(g(point)) == point.shape,
        "loss falls": f(theta) < f(np.zeros_like(theta)),
        "accuracy ≥ 95 %": accuracy(theta) >= 0.95,
        "gradient check": passes(check_gradient, f, g, point),
        "equals reference": passes(check_close, theta, theirs, atol=1e-6),
    }


results = {name: examine(f, g) for name, (f, g) in programs.items()}

# %% mystnb={"figure": {"caption": "Which check catches which mistake. The checks that feel natural, on the left, catch little or nothing; the two on the right miss one mistake each, and not the same one.", "name": "fig-checks-power"}, "image": {"alt": "Matrix of eight programs by five checks. Filled circles mark a mistake caught, empty circles a mistake missed. The columns runs, loss falls and accuracy are almost empty; gradient check and equals reference have one gap each."}} tags=["hide-input"]
names, columns = list(results), list(results["gradient"])
figure, axes = plt.subplots(figsize=(7.2, 3.9))
for row, name in enumerate(names):
    for column, check in enumerate(columns):
        face = "white" if results[name][check] else COLORS["blue"]
        axes.plot(
            column,
            row,
            "o",
            ms=14,
            mfc=face,
            mec=COLORS["blue" if row else "gray"],
            mew=1.5,
        )
axes.axhline(0.5, color=COLORS["gray"], lw=1, ls="-")
axes.set_yticks(
    range(len(names)),
    ["the right program", *(name.replace("_", " ") for name in names[1:])],
)
axes.set_xticks(range(len(columns)), [check.replace(" ", "\n", 1) for check in columns])
axes.xaxis.tick_top()
axes.tick_params(length=0)
axes.spines[:].set_visible(False)
axes.grid(False)
axes.set(xlim=(-0.5, 4.5), ylim=(7.5, -0.5))
axes.set_title("Filled: the mistake is caught", pad=40)
plt.show()

# %%
wrong = [name for name in results if name != "gradient"]
power = {
    check: np.mean([not results[name][check] for name in wrong])
    for check in results["gradient"]
}
print({check: f"{7 * value:.0f} of 7" for check, value in power.items()})
claim(
    "checks-right-program-passes",
    np.mean(list(results["gradient"].values())),
    equal_to=1,
)
claim("checks-power-of-falling-loss", power["loss falls"], at_most=3 / 7)
claim(
    "checks-power-of-gradient-check",
    power["gradient check"],
    equal_to=6 / 7,
    tolerance=1e-9,
)
claim(
    "checks-power-of-reference",
    power["equals reference"],
    equal_to=6 / 7,
    tolerance=1e-9,
)
both = [
    not (results[name]["gradient check"] and results[name]["equals reference"])
    for name in wrong
]
claim("checks-power-of-the-two-together", np.mean(both), equal_to=1)

# %% [markdown]
# Prediction 1: the falling loss catches the two mistakes that make training diverge or climb, and no single check catches all seven.
#
# * The **gradient check misses the consistent mistake**: it compares a gradient with its own loss, and both are wrong
#   in the same way. It verifies the derivation, not the model.
# * The **reference misses the factor of one half**: gradient descent with half the gradient ends at the same minimum, later.
#   It verifies the destination, not the path.
#
# Hence the rule of this book: at least two checks on every page, with different blind spots.
#
# A gradient check of $d$ parameters evaluates the loss $2d$ times, $O(nd^2)$ operations here against $O(nd)$ for the gradient
# itself, in $O(d)$ memory. It belongs into tests on small inputs, not into training. The count, measured rather than believed:

# %%
calls = []


def counted_loss(theta):
    calls.append(1)
    return loss(theta)


check_gradient(counted_loss, gradient, point)
claim("checks-loss-evaluations-per-parameter", len(calls) / point.size, equal_to=2)


# %% [markdown]
# (sec-checks-coverage)=
# ### When the interval lies
#
# Equation {eq}`eq-checks-interval` is exact for normal results. To measure its coverage, draw five results 4,000 times and count how
# often the interval contains the true mean: once with normal results, once with log-normal ones, whose long right tail training times share.


# %%
def coverage(draw, truth, k=5, n_repeats=4000):
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(n_repeats):
        values = draw(rng, k)
        band = seed_band(lambda seed, values=values: values[seed], range(k))
        hits += band.low <= truth <= band.high
    return hits / n_repeats


# %%
def normal(rng, k):
    return rng.normal(size=k)


def skewed(rng, k):
    return rng.lognormal(sigma=1.5, size=k)


claim(
    "checks-coverage-normal",
    coverage(normal, truth=0.0),
    equal_to=0.95,
    tolerance=0.015,
)
claim(
    "checks-coverage-skewed",
    coverage(skewed, truth=np.exp(1.5**2 / 2)),
    within=(0.6, 0.8),
)

# %% [markdown]
# Prediction 3: about seven times in ten, not nineteen times in twenty. A few seeds rarely see the long tail, and then the mean
# *and* the standard deviation come out too small together. The remedy is to look at the values, and to take logarithms where results are
# products of many factors. The same seeds then regain the promised coverage, for the mean of the logarithm:

# %%
claim(
    "checks-coverage-log",
    coverage(lambda rng, k: np.log(skewed(rng, k)), truth=0.0),
    equal_to=0.95,
    tolerance=0.015,
)

# %% [markdown]
# ## In practice
#
# | question | this book | the field's tool |
# |---|---|---|
# | two arrays agree | `check_close`, which returns the deviation | `numpy.testing.assert_allclose`, `torch.testing.assert_close` |
# | a gradient is right | `check_gradient` | `scipy.optimize.check_grad`, `torch.autograd.gradcheck` |
# | a law holds for all inputs | random inputs on the page | `hypothesis`, after {cite:t}`claessen2000quickcheck`; the book's tests use it |
# | a number stays in its band | `claim` | `pytest.approx` in a test |
# | a result is not luck | `seed_band` | repeated runs, varying all that may vary {cite:p}`bouthillier2021accounting` |
#
# Two defaults matter. `assert_allclose` has `atol=0`, so that an expected zero must be met exactly. And `check_grad` takes forward differences
# with one fixed step of $1.5\cdot10^{-8}$. It is right for $\lvert x\rvert\approx1$; at $\lvert x\rvert\approx10^6$ it is hardly larger than the
# spacing of the numbers themselves.


# %%
def cube(x):
    return float(x[0] ** 3)


def cube_gradient(x):
    return 3 * x**2


far = np.array([1e6])
fixed_step = scipy.optimize.check_grad(cube, cube_gradient, far) / cube_gradient(far)[0]
claim("checks-fixed-step-far-from-zero", fixed_step, at_least=1e-4)
claim(
    "checks-relative-step-far-from-zero",
    check_gradient(cube, cube_gradient, far),
    at_most=1e-8,
)

# %% [markdown]
# | what people believe | what exposes it |
# |---|---|
# | The loss falls, so the gradient is right. | {numref}`fig-checks-power`, second column |
# | The test is green, so the code works. | Plant a mistake. If the test stays green, it has no power. |
# | A smaller step gives a better derivative. | {numref}`fig-checks-valley`, left branch |
# | Agreement to `1e-3` is agreement. | A lost row of data moves the coefficients by less. |
# | Five seeds and a t interval are safe. | The coverage on skewed results, above |
#
# ## Exercises
#
# ```{exercise} The best step by hand
# :label: ex-checks-step
#
# *check · difficulty 1 of 3 · 10 minutes*
#
# For $f(x)=x^2$ at $x=3$, minimise the bound {eq}`eq-checks-error` of the *forward* difference, with $u=10^{-16}$. Give the best step
# $h$ and the value of the bound there, as a tuple `(h, bound)`. No computer is needed.
# ```


# %%
def test_best_step(answer):
    h, bound = answer
    assert abs(h / 4.2426e-8 - 1) < 0.01, "f'' is 2 and f is 9"
    assert abs(bound / 8.485e-8 - 1) < 0.01, (
        "at the best step both terms of the bound are equal"
    )


my_step = None  # your answer: (h, bound)
_ = try_answer(test_best_step, my_step)

# %% [markdown]
# ```{solution-start} ex-checks-step
# :class: dropdown
# ```
# The bound is $\tfrac h2\cdot2+\tfrac{2\cdot10^{-16}\cdot9}{h}=h+\tfrac{18\cdot10^{-16}}{h}$. Its derivative vanishes where
# $h^2=18\cdot10^{-16}$, at $h=\sqrt{18}\cdot10^{-8}\approx4.24\cdot10^{-8}$. There both terms are equal, so the bound is $2h\approx8.49\cdot10^{-8}$:
# relative to $f'=6$, about eight digits.

# %%
_ = try_answer(test_best_step, (np.sqrt(18) * 1e-8, 2 * np.sqrt(18) * 1e-8))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A derivative without subtraction
# :label: ex-checks-complex
#
# *extend · difficulty 2 of 3 · 15 minutes*
#
# The left branch of {numref}`fig-checks-valley` comes from a subtraction. For a function that accepts complex numbers,
# $f(x+\mathrm ih)=f(x)+\mathrm ihf'(x)-\tfrac{h^2}{2}f''(x)-\dots$, so $f'$ can be had without one. Write `complex_step(f, x, h=1e-100)`, which
# returns the derivative as a `float`.
# ```


# %%
def test_complex_step(complex_step):
    assert isinstance(complex_step(np.exp, 1.0), float), (
        "the derivative of a real function is a real number"
    )
    assert abs(complex_step(np.exp, 1.0) / np.exp(1.0) - 1) < 1e-15, (
        "without a subtraction all digits are right"
    )
    assert abs(complex_step(np.sin, 0.0) - 1) < 1e-15
    assert abs(complex_step(lambda x: x**3, 2.0, h=1e-3) - 12) > 1e-7, (
        "with h=1e-3 a truncation error remains"
    )


def complex_step(
    f, x, h=1e-100
):  # replace the body with your own, then run this cell again
    return (f(x + h) - f(x)) / h


_ = try_answer(test_complex_step, complex_step)

# %% [markdown]
# ```{solution-start} ex-checks-complex
# :class: dropdown
# ```
# The imaginary part of the expansion is $hf'(x)-\tfrac{h^3}{6}f'''(x)+\dots$; divide it by $h$. Nothing is subtracted, so $h$ may be so small that the
# truncation error vanishes {cite:p}`squire1998using`. The stub fails because $1+10^{-100}$ *is* 1 in double precision.


# %%
def complex_step_solution(f, x, h=1e-100):
    return float(np.imag(f(x + 1j * h)) / h)


_ = try_answer(test_complex_step, complex_step_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Three ways past a check
# :label: ex-checks-holes
#
# *break · difficulty 3 of 3 · 25 minutes*
#
# `loose_check` measures the same relative error as {eq}`eq-checks-relative` and refuses more than `1e-6`. Find three pairs of float arrays of equal shape that it
# accepts although they differ. Pair one: any values. Pair two: finite numbers no larger than $10^{12}$, of which one is more than twice its partner. Pair three: finite
# numbers, each with the *opposite sign* of its partner, none zero. Answer with a list `[(a1, b1), (a2, b2), (a3, b3)]`.
# ```


# %%
def loose_check(actual, expected):
    with np.errstate(all="ignore"):
        size = np.linalg.norm(actual) + np.linalg.norm(expected)
        if np.linalg.norm(actual - expected) / size > 1e-6:
            raise AssertionError("loose_check refuses this pair")


# %%
def test_holes(pairs):
    for a, b in pairs:
        assert a.shape == b.shape, "the shapes must be equal"
        loose_check(a, b)
    (a1, b1), (a2, b2), (a3, b3) = pairs
    assert not passes(check_close, a1, b1, rtol=1e-3), (
        "pair one is close: there is nothing to catch"
    )
    assert np.abs(a2).max() <= 1e12 and np.abs(b2).max() <= 1e12, (
        "pair two must be at most 1e12, and not NaN"
    )
    assert (np.abs(a2) > 2 * np.abs(b2)).any(), (
        "in pair two one number must be more than twice its partner"
    )
    assert np.isfinite(a3).all() and np.isfinite(b3).all(), "pair three must be finite"
    assert a3.size and (np.sign(a3) * np.sign(b3) == -1).all(), (
        "pair three needs opposite signs everywhere"
    )


my_pairs = [(np.array([1.0]), np.array([1.0]))] * 3  # your answer
_ = try_answer(test_holes, my_pairs)

# %% [markdown]
# ```{solution-start} ex-checks-holes
# :class: dropdown
# ```
# Pair one: with a NaN the error is NaN, and `nan > 1e-6` is false. Pair two: one large element dominates both norms and hides the others; an error measured by a norm says
# nothing about small components, which is why `check_close` compares element by element. Pair three: the squares of numbers beyond $10^{154}$ overflow, both norms are infinite, and
# infinity over infinity is NaN again. (Squares that underflow do the same: at $10^{-170}$ it is zero over zero.)

# %%
_ = try_answer(
    test_holes,
    [
        (np.array([np.nan]), np.array([1.0])),
        (np.array([1e9, 3.0]), np.array([1e9, 1.0])),
        (np.array([1e200, -1e200]), np.array([-1e200, 1e200])),
    ],
)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A law as a check
# :label: ex-checks-linear
#
# *build · difficulty 2 of 3 · 20 minutes*
#
# Where there is no reference, a law may serve. Write `linearity_violation(function, n, seed=0)`. Ten times it draws vectors $\mathbf u,\mathbf v\in\mathbb R^n$ and numbers
# $a,b$ from a standard normal distribution; it returns the largest $\lVert f(a\mathbf u+b\mathbf v)-af(\mathbf u)-bf(\mathbf v)\rVert$
# relative to $\lVert af(\mathbf u)\rVert+\lVert bf(\mathbf v)\rVert$.
# ```


# %%
def test_linearity(linearity_violation):
    matrix = np.random.default_rng(5).normal(size=(4, 3))
    assert linearity_violation(lambda x: matrix @ x, 3) < 1e-12, "a matrix is linear"
    assert linearity_violation(lambda x: 1e-9 * (matrix @ x + 1), 3) > 1e-3, (
        "a shift is not linear, however small its scale"
    )
    assert linearity_violation(lambda x: np.maximum(x, 0), 3) > 1e-3, (
        "with positive numbers alone the ReLU looks linear"
    )
    assert linearity_violation(np.abs, 1) > 1e-3, "the sign must vary"


def linearity_violation(
    function, n, seed=0
):  # replace the body with your own, then run this cell again
    return 0.0


_ = try_answer(test_linearity, linearity_violation)

# %% [markdown]
# ```{solution-start} ex-checks-linear
# :class: dropdown
# ```
# Coefficients of both signs matter: with $a=b=1$ the check is nearly blind to what is linear on a half space. Such a check needs no reference at
# all; property-based testing makes a method of it {cite:p}`claessen2000quickcheck`.


# %%
def linearity_violation_solution(function, n, seed=0):
    rng = np.random.default_rng(seed)
    worst = 0.0
    for _ in range(10):
        u, v, (a, b) = rng.normal(size=n), rng.normal(size=n), rng.normal(size=2)
        whole, first, second = function(a * u + b * v), a * function(u), b * function(v)
        scale = np.linalg.norm(first) + np.linalg.norm(second)
        worst = max(worst, np.linalg.norm(whole - first - second) / scale)
    return worst


_ = try_answer(test_linearity, linearity_violation_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** How does the central valley of {numref}`fig-checks-valley` move if the function is computed in single precision, with $u\approx6\cdot10^{-8}$?
#
# (a) It stays. (b) Left and down. (c) Right and up. (d) Up, at the same step.
#
# ```{admonition} Answer
# :class: dropdown
# **(c).** By {eq}`eq-checks-steps` the best step grows like $u^{1/3}$ and the error there like $u^{2/3}$: the left branch rises with $u$, the right
# branch stays, and their crossing slides up along it. (a) forgets that the left branch is made of rounding. (b) is what *higher* precision does. (d) would need
# the right branch to rise as well, but truncation does not depend on $u$.
# ```
#
# **2.** A test compares a model's predicted probabilities with a reference by `check_close(…, atol=1)`. What is its power?
#
# (a) Zero, whatever the mistake. (b) It catches NaN and a wrong shape, and no wrong probability. (c) One half. (d) It depends on the data.
#
# ```{admonition} Answer
# :class: dropdown
# **(b).** Two numbers between 0 and 1 differ by at most 1, so no wrong *probability* fails the test; shapes that differ and a NaN on one
# side still do, which is why (a) is not quite true. (c) and (d) suppose that the values matter, and they do not.
# ```
#
# **3.** The gradient check passes, and the trained coefficients differ from the reference in the second decimal. Which mistake fits?
#
# (a) A factor in the gradient. (b) One sign in the gradient. (c) The loss is not the one that the reference minimises. (d) Too small a step in the check.
#
# ```{admonition} Answer
# :class: dropdown
# **(c).** Gradient and loss agree, so the derivation is right; what is minimised is not what was meant, as in the last row of {numref}`fig-checks-power`. (a) and (b) fail the
# gradient check. (d) makes right gradients fail; it does not make wrong ones pass.
# ```
#
# ## What to remember
#
# A check is worth the mistakes that it catches, and planting mistakes measures that. Two checks with different blind spots find what
# neither finds alone: the gradient check verifies the derivation, the reference the destination. A difference quotient gives half of the digits from one side and two thirds from both,
# at steps that theory predicts. A result of chance needs seeds, and its interval is as honest as its assumption. Every number on which this book's prose leans
# is a claim with a band.
#
# Next: {doc}`04_figures`, how the book draws what it measures.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
