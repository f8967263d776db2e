# %% [markdown]
# # Learning theory
#
# A model fits the data it has seen. What may be concluded about data that it has not?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `bias_variance_decomposition`, `hoeffding_bound`, `count_separable_labelings`
# - **You need** expectation and variance ({doc}`../01_Mathematics/08_probability`), intervals
#   ({doc}`../01_Mathematics/09_statistics`), least squares ({doc}`../01_Mathematics/03_linear_systems`)
# - **Checked against** mlxtend's decomposition, closed forms for least squares, Cover's count, linear programs
# - **Time** 35 minutes to read, 45 to code
# - **Data** bicycles hired in Washington, 8,645 hours of 2011 (ISLP); adults of the census of 1994 (UCI, CC BY 4.0);
#   digits (scikit-learn, BSD-3)
# ````

# %%
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from mlxtend.evaluate import bias_variance_decomp
from numpy.polynomial.legendre import legvander
from numpy.typing import ArrayLike
from scipy.optimize import linprog
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import ShuffleSplit, learning_curve, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeRegressor

from journey.orientation.checks import check_close, claim, seed_band, try_answer
from journey.orientation.datasets import load_adult, load_bikeshare
from journey.orientation.figures import COLORS, DASHES, MARKERS, use_journey_style

use_journey_style()

# %% [markdown]
# ## The better it fits, the worse it is
#
# How many bicycles will be hired at nine o'clock? Here are all 8,645 hours of a year in Washington; call them the
# world. Forty of them, drawn at random, are the data. A polynomial of the hour is fitted to the forty, and judged on
# the world:

# %%
bikes = load_bikeshare()
hour = bikes["hr"].to_numpy()
hired = bikes["bikers"].to_numpy(dtype=float)


def basis(h, degree):  # (n,) -> (n, degree + 1), polynomials that do not lose digits
    return legvander((np.asarray(h, float).ravel() - 11.5) / 11.5, degree)


# %%
rng = np.random.default_rng(3)
sample = rng.choice(len(hour), 40, replace=False)
seen, world = {}, {}
for degree in range(10):
    B = basis(hour[sample], degree)
    weights = np.linalg.lstsq(B, hired[sample], rcond=None)[0]
    seen[degree] = np.mean((B @ weights - hired[sample]) ** 2) ** 0.5
    world[degree] = np.mean((basis(hour, degree) @ weights - hired) ** 2) ** 0.5
print("seen :", *(f"{seen[k]:5.0f}" for k in (0, 1, 3, 6, 9)))
print("world:", *(f"{world[k]:5.0f}" for k in (0, 1, 3, 6, 9)))
claim("theory-best-fit-on-the-world", world[9] / min(world.values()), at_least=2)

# %% mystnb={"figure": {"caption": "Forty hours and two curves. The stiff one misses the rush hours; the flexible one meets the points and leaves the world at the ends.", "name": "fig-theory-curves"}, "image": {"alt": "Left: hired bicycles against the hour with forty points, a dashed smooth hump and a solid curve that wiggles through the points and shoots up and down near midnight. Right: the error on the forty points falls with the degree, the error on the world falls, then rises steeply."}} tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.5))
left.plot(hour[sample], hired[sample], "o", ms=4, mfc="none", color=COLORS["gray"])
grid = np.linspace(0, 23, 300)
for degree, color, dash in ((3, "blue", "--"), (9, "orange", "-")):
    B = basis(hour[sample], degree)
    weights = np.linalg.lstsq(B, hired[sample], rcond=None)[0]
    left.plot(grid, basis(grid, degree) @ weights, dash, color=COLORS[color])
left.text(3.4, -150, "degree 9", color="#a35b00")
left.text(-0.6, 270, "degree 3", color=COLORS["blue"])
left.set(ylim=(-200, 650), xlabel="hour of the day", ylabel="bicycles hired")
left.set_title("Forty hours")
right.plot(list(seen), list(seen.values()), "o--", ms=4, color=COLORS["blue"])
right.plot(list(world), list(world.values()), "s-", ms=4, color=COLORS["ink"])
right.text(5.0, 72, "on the forty", color=COLORS["blue"])
right.text(3.2, 160, "on the world", color=COLORS["ink"])
right.set(ylim=(40, 300), xlabel="degree", ylabel="root mean squared error")
right.set_title("Fitting is not predicting")
plt.show()

# %% [markdown]
# The error on the forty falls with every degree and tells nothing about which curve to take. This page finds out
# what does: first an exact account of where the error comes from, then a bound on how far "seen" can be from
# "world", then its limits.
#
# ## Predict
#
# 1. With 40 hours, which degree is best on average? With 400?
# 2. A thousand classifiers that toss coins are scored on 100 rows. What is the accuracy of the best?
# 3. Ten points in five dimensions, labelled at random: how often can a plane separate the two labels?

# %% [markdown]
# ## Risk, and what can be seen of it
#
# Rows $(\mathbf{x}, y)$ are drawn independently from one unknown distribution: that is the whole contract. A model
# $f$ has the **risk** $R(f) = \mathbb{E}\,[\ell(y, f(\mathbf{x}))]$, the expected {term}`loss` on a *new* row. All
# that can be computed is the **empirical risk** on $n$ rows,
#
# $$
# \hat R(f) = \frac1n \sum_{i=1}^n \ell\bigl(y_i, f(\mathbf{x}_i)\bigr).
# $$ (eq-theory-risk)
#
# For a model chosen *before* looking, $\hat R$ is a mean of $n$ independent numbers and estimates $R$ without bias.
# For the model that was chosen because its $\hat R$ is small it does not: among many, one picks those that were
# lucky. Everything on this page is about that *because*.
#
# ### Where squared error comes from
#
# Let $m(\mathbf{x}) = \mathbb{E}[y \mid \mathbf{x}]$ be the best possible answer, and let $\hat f$ be what the
# training set $D$ has led to; another $D$ would have led to another $\hat f$. Write
# $\bar f(\mathbf{x}) = \mathbb{E}_D \hat f(\mathbf{x})$ for the average over training sets. At a fixed
# $\mathbf{x}$,
#
# $$
# \begin{aligned}
# \mathbb{E}\,(y - \hat f)^2
# &= \mathbb{E}\,\bigl((y - m) + (m - \bar f) + (\bar f - \hat f)\bigr)^2 \\
# &= \underbrace{\mathbb{E}\,(y - m)^2}_{\text{noise}}
# + \underbrace{(m - \bar f)^2}_{\text{bias}^2}
# + \underbrace{\mathbb{E}_D (\hat f - \bar f)^2}_{\text{variance}} .
# \end{aligned}
# $$ (eq-theory-decomposition)
#
# The three cross terms vanish: $y - m$ has mean zero and does not depend on $D$, $m - \bar f$ is a constant, and
# $\bar f - \hat f$ has mean zero over $D$. Nothing is lost, and nothing is an approximation.
#
# By hand: three training sets lead to the answers 2, 4 and 6 at one $\mathbf{x}$ where the truth is 5. The mean is 4,
# the squared bias $(5 - 4)^2 = 1$, the variance $\frac{4 + 0 + 4}{3} = \frac83$. Directly: $\frac{9 + 1 + 1}{3} =
# \frac{11}{3}$, and that is $1 + \frac83$.

# %%
answers, truth = np.array([2.0, 4, 6]), 5
bias, variance = (answers.mean() - truth) ** 2, answers.var()
print(f"{bias:.4f} + {variance:.4f} = {((answers - truth) ** 2).mean():.4f}")

# %% [markdown]
# ## Many worlds, one after another
#
# To measure bias and variance one needs what a practitioner never has: many training sets and the truth. The year
# of bicycles has both. The truth at an hour is the mean over all days, and a training set is a new draw.


# %% tags=["export"]
class Decomposition(NamedTuple):
    """Mean squared distance to the truth and its two parts, equation eq-theory-decomposition."""

    bias: float
    variance: float
    error: float


def bias_variance_decomposition(
    estimator: Any,
    draw: Callable[[np.random.Generator], tuple[ArrayLike, ArrayLike]],
    X: ArrayLike,
    truth: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    n_repeats: int = 200,
    rng: np.random.Generator | None = None,
) -> Decomposition:
    """Squared bias and variance of a regressor over training sets.

    Parameters
    ----------
    estimator : regressor
        With ``fit`` and ``predict``; it is cloned for each training set.
    draw : callable
        Takes a generator, returns a training set ``(X, y)``.
    X : array_like of shape (n, d)
        Where to look.
    truth : array_like of shape (n,)
        ``E[y | x]`` there; with observed ``y`` instead, the noise is counted as bias.
    weight : array_like of shape (n,), optional
        How often each row of ``X`` occurs; equal by default.
    n_repeats : int
        Training sets, at least 2.
    rng : Generator, optional
        ``default_rng(0)`` if none is given.

    Returns
    -------
    Decomposition
        ``bias`` (squared), ``variance`` and ``error``, in the units of y squared; the
        first two sum to the third, exactly. The noise is not in it.

    Raises
    ------
    ValueError
        If the shapes differ, the weights are negative or all zero, or n_repeats < 2.

    References
    ----------
    Geman, Bienenstock & Doursat (1992), doi:10.1162/neco.1992.4.1.1.
    """
    target = np.asarray(truth, dtype=float)
    shares = np.ones(len(target)) if weight is None else np.asarray(weight, dtype=float)
    if target.ndim != 1 or len(np.asarray(X)) != len(target) or n_repeats < 2:
        raise ValueError(
            f"need one truth for each row and n_repeats of 2 or more, got "
            f"{np.shape(X)}, {target.shape}, {n_repeats}"
        )
    if shares.shape != target.shape or shares.min() < 0 or not shares.sum() > 0:
        raise ValueError(f"weights: {target.shape}, not negative, got {shares.shape}")
    rng = np.random.default_rng(0) if rng is None else rng
    shares = shares / shares.sum()
    answers = np.array(
        [clone(estimator).fit(*draw(rng)).predict(X) for _ in range(n_repeats)]
    )  # (n_repeats, n)
    mean = answers.mean(axis=0)
    return Decomposition(
        float(shares @ (mean - target) ** 2),
        float(shares @ answers.var(axis=0)),
        float(shares @ ((answers - target) ** 2).mean(axis=0)),
    )


# %%
hours = np.arange(24)
truth = np.array([hired[hour == h].mean() for h in hours])
how_often = np.bincount(hour) / len(hour)
noise = np.mean((hired - truth[hour]) ** 2)


def polynomial(degree):
    turn = FunctionTransformer(basis, kw_args={"degree": degree})
    return make_pipeline(turn, LinearRegression(fit_intercept=False))


def drawer(n):
    def draw(rng):
        rows = rng.choice(len(hour), n)
        return hour[rows, None], hired[rows]

    return draw


# %%
degrees = (0, 1, 2, 3, 4, 5, 6, 7, 8)
parts = {
    n: [
        bias_variance_decomposition(
            polynomial(degree), drawer(n), hours[:, None], truth, weight=how_often
        )
        for degree in degrees
    ]
    for n in (40, 400)
}
sums = [p.bias + p.variance - p.error for group in parts.values() for p in group]
claim("theory-parts-sum-to-the-error", np.abs(sums).max(), at_most=1e-8)

# %% mystnb={"figure": {"caption": "Stacked, the parts of the expected error. More rows leave noise and bias where they are and shrink the variance, so the best degree moves to the right.", "name": "fig-theory-stacked"}, "image": {"alt": "Two stacked area charts over the degree for training sets of 40 and of 400 hours. A noise layer is constant, a bias layer falls, a variance layer rises steeply for 40 hours and stays thin for 400."}} tags=["hide-input"]
figure, panels = plt.subplots(1, 2, figsize=(7.4, 3.5), sharey=True)
best = {}
for axes, (n, group) in zip(panels, parts.items(), strict=True):
    layers = [
        np.full(len(degrees), noise),
        [p.bias for p in group],
        [p.variance for p in group],
    ]
    colors = [COLORS["light"], COLORS["sky"], COLORS["orange"]]
    axes.stackplot(degrees, layers, colors=colors, edgecolor="white")
    total = np.sum(layers, axis=0)
    best[n] = degrees[int(np.argmin(total))]
    axes.plot(best[n], total.min(), "v", color=COLORS["ink"], ms=8)
    axes.set(xlabel="degree", ylim=(0, 19_000), xlim=(0, 8.2))
    axes.set_title(f"{n} hours: degree {best[n]} is best")
panels[0].text(1, 4000, "noise")
panels[0].text(0.2, 11_000, "bias²")
panels[0].text(5.5, 14_500, "variance")
panels[0].set_ylabel("squared error (bicycles²)")
plt.show()

# %%
claim("theory-best-degree-40", best[40], within=(3, 5))
claim("theory-best-degree-400", best[400], at_least=6)
shrinks = parts[40][3].variance / parts[400][3].variance
claim("theory-variance-over-variance-with-ten-times-the-rows", shrinks, within=(8, 18))
claim("theory-noise-share", noise / (noise + parts[400][-1].error), at_least=0.8)

# %% [markdown]
# **Prediction 1**: three to five with 40 hours, and six or more with 400. There is no best flexibility of a
# *problem*, only of a problem and a number of rows. Ten times the rows divide
# the variance by ten and a little more, and leave the bias as it is. The noise, most of the error in the end, no
# polynomial of the hour can touch: it takes another column (the weather).
#
# ### Is it right?
#
# Two checks. mlxtend draws its training sets by {term}`bootstrap` and has no truth; so let ours draw the same, and
# give it the observed answers as truth:

# %%
Xb, yb = hour[sample][:, None].astype(float), hired[sample]
tree = DecisionTreeRegressor(max_depth=3, random_state=0)
theirs = bias_variance_decomp(
    tree, Xb, yb, Xb, yb, loss="mse", num_rounds=50, random_seed=1
)
state = np.random.RandomState(1)


def bootstrap(_rng):
    rows = state.choice(np.arange(40), size=40, replace=True)
    return Xb[rows], yb[rows]


ours = bias_variance_decomposition(tree, bootstrap, Xb, yb, n_repeats=50)
print(f"mlxtend {theirs[0]:.1f} = {theirs[1]:.1f} + {theirs[2]:.1f}")
check_close([ours.error, ours.bias, ours.variance], theirs, rtol=1e-10)

# %% [markdown]
# And for least squares there is a formula. If the model is right, the columns are fixed and the noise has variance
# $\sigma^2$, then the fitted values are $\mathbf{H}\mathbf{y}$ with the projection $\mathbf{H} =
# \mathbf{A}(\mathbf{A}^\top\mathbf{A})^{-1}\mathbf{A}^\top$ onto $d$ dimensions, whose trace is $d$. So
#
# $$
# \underbrace{\mathbb{E}\,\tfrac1n \lVert \mathbf{y} - \mathbf{H}\mathbf{y} \rVert^2}_{\text{seen}} = \sigma^2 \Bigl(1 -
# \frac dn\Bigr), \qquad \underbrace{\mathbb{E}\,\tfrac1n \lVert \mathbf{y}' - \mathbf{H}\mathbf{y}
# \rVert^2}_{\text{new answers}} = \sigma^2 \Bigl(1 + \frac dn\Bigr) :
# $$ (eq-theory-optimism)
#
# each parameter buys $\sigma^2 / n$ of apparent fit and costs as much in truth. The difference $2 \sigma^2 d / n$ is
# the **optimism** of the training error {cite:p}`efron1986biased`.

# %%
rng = np.random.default_rng(0)
n, d, sigma = 60, 9, 2.0
A = rng.normal(size=(n, d))
H = A @ np.linalg.pinv(A)
y = A @ rng.normal(size=d) + sigma * rng.normal(size=(20_000, n))  # 20,000 worlds
again = y.mean(axis=0) + sigma * rng.normal(size=y.shape)
fit = y @ H
# %%
apparent, true = ((y - fit) ** 2).mean(), ((again - fit) ** 2).mean()
claim("theory-seen-error", apparent, equal_to=sigma**2 * (1 - d / n), tolerance=0.02)
claim("theory-new-error", true, equal_to=sigma**2 * (1 + d / n), tolerance=0.02)

# %% [markdown]
# (sec-theory-bound)=
# ## How lucky can the best of many be?
#
# Now no truth and no second world: one sample, a set $\mathcal{F}$ of $M$ classifiers, and the wish to say something
# that holds. For *one* classifier the number of errors is binomial, and Hoeffding's inequality
# {cite:p}`hoeffding1963probability` says
#
# $$
# P\bigl(|\hat R(f) - R(f)| > \varepsilon\bigr) \le 2 e^{-2 n \varepsilon^2} .
# $$ (eq-theory-hoeffding)
#
# For *all* $M$ at once, add the probabilities of the $M$ misfortunes. Set the sum to $\delta$ and solve for
# $\varepsilon$: with probability at least $1 - \delta$, for every $f \in \mathcal{F}$, the chosen one included,
#
# $$
# |\hat R(f) - R(f)| \le \sqrt{\frac{\log (2 M / \delta)}{2 n}} .
# $$ (eq-theory-union)
#
# The number of rows stands under the root, and the number of candidates inside a logarithm: to try ten times as many
# models costs little, *if one counts them*.


# %% tags=["export"]
def hoeffding_bound(n: int, n_models: int = 1, *, delta: float = 0.05) -> float:
    """Largest gap between seen and true error rate of every one of M classifiers.

    Parameters
    ----------
    n : int
        Independent rows that the errors are counted on.
    n_models : int
        Classifiers, all fixed before the rows were seen.
    delta : float
        The probability that the bound fails, between 0 and 1.

    Returns
    -------
    float
        Equation eq-theory-union; values over 1 say nothing.

    Raises
    ------
    ValueError
        If a number is out of range.
    """
    if n < 1 or n_models < 1 or not 0 < delta < 1:
        raise ValueError(
            f"need n >= 1, n_models >= 1, 0 < delta < 1, got {n}, {n_models}, {delta}"
        )
    return math.sqrt(math.log(2 * n_models / delta) / (2 * n))


# %% [markdown]
# A finite set that people really use: decision stumps, "more than so many years of school, hence rich". On the census
# of 32,561 adults, take the world to be all of them, five columns, every distinct threshold, both directions.
# How far is the stump furthest off?

# %%
people = load_adult()
rich = (people["income"] == ">50K").to_numpy()
columns = ["age", "education_num", "hours_per_week", "capital_gain", "capital_loss"]
said = np.column_stack(
    [people[c].to_numpy() > t for c in columns for t in people[c].unique()]
)  # (32561, M / 2): one column of answers for each threshold
wrong = np.asfortranarray(said != rich[:, None])
M = 2 * wrong.shape[1]
risk = wrong.mean(axis=0)
print(M, "stumps; the best has a true error of", f"{np.r_[risk, 1 - risk].min():.3f}")


# %%
def gaps(n, rng):
    """Largest gap over all stumps, and the gap of the stump that looks best."""
    seen = wrong[rng.integers(len(wrong), size=n)].mean(axis=0)
    both_seen, both = np.r_[seen, 1 - seen], np.r_[risk, 1 - risk]
    chosen = both_seen.argmin()
    return np.abs(both_seen - both).max(), both[chosen] - both_seen[chosen]


sizes = (30, 100, 300, 1000, 3000, 10_000)
rng = np.random.default_rng(0)
measured = {n: np.array([gaps(n, rng) for _ in range(100)]) for n in sizes}

# %%
worst = {n: np.quantile(g[:, 0], 0.95) for n, g in measured.items()}
broken = np.mean(
    [(g[:, 0] > hoeffding_bound(n, M)).mean() for n, g in measured.items()]
)
claim("theory-bound-broken", broken, at_most=0.05)
loose = [hoeffding_bound(n, M) / worst[n] for n in sizes]
claim("theory-bound-over-measured", np.mean(loose), within=(1.3, 3))
rate = np.polyfit(np.log(sizes), np.log(list(worst.values())), 1)[0]
claim("theory-gap-falls-with-n-to-the", rate, equal_to=-0.5, tolerance=0.06)

# %% mystnb={"figure": {"caption": "Over all stumps the gap falls as one over the root of n, as the bound says, at two thirds of its height. The gap of the stump that was chosen is smaller still.", "name": "fig-theory-bound"}, "image": {"alt": "Gap between seen and true error against the number of rows, both logarithmic. Three nearly parallel falling lines: the bound on top, the largest gap over all stumps below it, the gap of the chosen stump lowest."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.6, 3.7))
lines = [
    ("the bound for all of them", [hoeffding_bound(n, M) for n in sizes], "ink"),
    ("measured, worst of all", list(worst.values()), "blue"),
    (
        "measured, the chosen one",
        [np.quantile(measured[n][:, 1], 0.95) for n in sizes],
        "orange",
    ),
]
for k, (name, values, color) in enumerate(lines):
    axes.loglog(sizes, values, color=COLORS[color], ls=DASHES[k], marker=MARKERS[k])
    shade = "#a35b00" if color == "orange" else COLORS[color]
    axes.annotate(
        name,
        (sizes[-1], values[-1]),
        (8, 0),
        textcoords="offset points",
        va="center",
        color=shade,
    )
axes.set(xlabel="rows", ylabel="error rate, true minus seen", xlim=(25, 400_000))
axes.set_title("A hundred times the rows, a tenth of the gap")
plt.show()

# %% [markdown]
# The bound holds, and is half as large again as it need be: it knows nothing of the world, and treats stumps with
# thresholds 38 and 39 as unrelated, which err on nearly the same people. The bound's *shape* is what one takes
# along: $1/\sqrt n$. For the next correct digit of an error rate one needs a hundred times the rows.
#
# ### Why data are held out
#
# A classifier chosen by its score on a set has *used* that set, even if nothing was "trained". The purest case has
# nothing to learn at all:


# %%
def best_coin(seed, n_models, n_rows=100):
    rng = np.random.default_rng(seed)
    labels = rng.integers(2, size=n_rows)
    answers = rng.integers(2, size=(n_models, n_rows))
    return float((answers == labels).mean(axis=1).max())


band = seed_band(lambda s: best_coin(s, 1000), range(20))
claim("theory-best-of-a-thousand-coins", band.mean, within=(0.64, 0.68))
claim(
    "theory-coins-below-the-bound", band.mean - 0.5, at_most=hoeffding_bound(100, 1000)
)

# %% [markdown]
# **Prediction 2**: about two thirds right, on labels that nobody can predict. Whoever tries a thousand settings on
# one test set and reports the best has measured luck. On rows that took no part in the choice the number of
# candidates is *one*, and {eq}`eq-theory-union` shrinks to its smallest value; that is what a test set is for, and
# why it can be used once.

# %%
print(f"100 test rows, 1 model : ± {hoeffding_bound(100):.2f}")
print(f"100 rows, 1000 models  : ± {hoeffding_bound(100, 1000):.2f}")
print(f"10,000 rows, 1000      : ± {hoeffding_bound(10_000, 1000):.2f}")

# %% [markdown]
# ## Counting a class that is infinite
#
# There are infinitely many planes, and $\log M$ is infinite. But on $n$ points they cannot do everything: what counts
# is the number of different *labelings* they produce. For points in general position in $d$ dimensions and planes
# with a free intercept {cite:p}`cover1965geometrical`,
#
# $$
# C(n, d) = 2 \sum_{k=0}^{d} \binom{n-1}{k} .
# $$ (eq-theory-cover)
#
# Up to $n = d + 1$ points that is $2^n$: every labeling, the points are **shattered**. The largest such number is
# the **VC dimension** of the class, $d + 1$ for planes {cite:p}`vapnik1971uniform`. Beyond it the count grows only as
# $n^d$: a polynomial, whose logarithm is small against $n$. Then the seen error must come near the true one.


# %% tags=["export"]
def count_separable_labelings(n: int, d: int) -> int:
    """How many of the 2**n labelings of n points in d dimensions a plane can produce.

    For points in general position; equation eq-theory-cover.

    Raises
    ------
    ValueError
        If n < 1 or d < 1.
    """
    if n < 1 or d < 1:
        raise ValueError(f"need n >= 1 and d >= 1, got {n} and {d}")
    return 2 * sum(math.comb(n - 1, k) for k in range(d + 1))


# %%
def separable(X, labels):
    """Is there a plane with all ones on one side? A linear program finds it."""
    signs = np.where(labels, 1.0, -1.0)[:, None]
    sides = -signs * np.column_stack([X, np.ones(len(X))])
    found = linprog(
        np.zeros(sides.shape[1]), sides, -np.ones(len(X)), bounds=(None, None)
    )
    return found.status == 0


three = np.array([[0.0, 0], [1, 0], [0, 1]])
four = np.vstack([three, [[1.0, 1.2]]])
for points in (three, four):
    labelings = (np.arange(2 ** len(points))[:, None] >> np.arange(len(points))) & 1
    count = sum(separable(points, labels) for labels in labelings)
    print(len(points), "points:", count, "of", len(labelings), "labelings")
    assert count == count_separable_labelings(len(points), 2)

# %% [markdown]
# Four points in the plane: 14 of 16, the two that fail are the crossed ones. Now in five dimensions, labels at
# random, and the share that can be separated:

# %%
rng, trials = np.random.default_rng(0), 100
lengths = np.arange(4, 25, 2)
shares = [
    np.mean(
        [
            separable(rng.normal(size=(n, 5)), rng.integers(2, size=n))
            for _ in range(trials)
        ]
    )
    for n in lengths
]
formula = [count_separable_labelings(int(n), 5) / 2.0**n for n in lengths]
claim(
    "theory-shares-off-cover", np.abs(np.subtract(shares, formula)).max(), at_most=0.15
)
ten = count_separable_labelings(10, 5) / 2**10
claim("theory-ten-points-in-five-dimensions", ten, within=(0.74, 0.75))
half = count_separable_labelings(12, 5) / 2**12
claim("theory-half-at-twice-the-parameters", half, equal_to=0.5)

# %% mystnb={"figure": {"caption": "Random labels of few points can always be separated, of many never. At twice as many points as parameters it is exactly one half.", "name": "fig-theory-cover"}, "image": {"alt": "Share of random labelings that a plane in five dimensions separates, against the number of points. A curve stays at one up to six points, passes one half at twelve and nears zero at twenty-four; measured circles follow it."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.2, 3.4))
fine = np.arange(2, 25)
exact = [count_separable_labelings(int(n), 5) / 2.0**n for n in fine]
axes.plot(fine, exact, color=COLORS["blue"])
axes.plot(lengths, shares, "o", mfc="none", color=COLORS["ink"])
axes.axvline(6, color=COLORS["gray"], ls=":", lw=1)
axes.axvline(12, color=COLORS["gray"], ls=":", lw=1)
axes.text(6.15, 0.05, "d + 1 = 6:\nshattered up to here", color="#5a6470")
axes.text(12.2, 0.7, "2 (d + 1) = 12: one half", color="#5a6470")
axes.text(16.5, 0.28, "formula; circles: 100 trials", color=COLORS["blue"])
axes.set(xlabel="points in five dimensions", ylabel="share that can be separated")
axes.set_title("Separating says something only beyond 12 points")
plt.show()

# %% [markdown]
# **Prediction 3**: three times in four. To separate ten rows of five columns *perfectly* is no achievement, for
# random labels would mostly have been separated as well. A perfect fit is evidence only where a random one would
# have failed.
#
# ## Where the theory is silent
#
# More parameters, more variance, more error: so one expects. Take 300 digits, random features $\max(0,
# \mathbf{V}\mathbf{x})$, and least squares on $p$ of them; if $p > 300$ there are many exact fits, and
# `lstsq` gives the one with the shortest weights.

# %%
images, digit = load_digits(return_X_y=True)
images = images / 16
old, new, digit_old, digit_new = train_test_split(
    images, digit, train_size=300, random_state=0
)
widths = (20, 60, 120, 200, 260, 290, 300, 310, 340, 450, 700, 1500, 3000)


def random_features_error(p, seed):
    V = np.random.default_rng(seed).normal(size=(64, p)) / 8
    weights = np.linalg.lstsq(
        np.maximum(old @ V, 0), np.eye(10)[digit_old], rcond=1e-12
    )[0]
    return np.mean((np.maximum(new @ V, 0) @ weights).argmax(axis=1) != digit_new)


errors = np.array([[random_features_error(p, s) for p in widths] for s in range(3)])
# %%
middle = dict(zip(widths, errors.mean(axis=0), strict=True))
claim(
    "theory-peak-over-best-before",
    middle[300] / min(middle[p] for p in widths[:4]),
    at_least=2,
)
claim(
    "theory-widest-over-best-before",
    middle[3000] / min(middle[p] for p in widths[:4]),
    at_most=0.9,
)

# %% mystnb={"figure": {"caption": "Error on new digits against the number of random features. At as many features as rows the fit becomes exact and useless; with ten times as many it is better than ever.", "name": "fig-theory-double-descent"}, "image": {"alt": "Test error against the number of features on a logarithmic axis. It falls, rises to a sharp peak at 300 features, and falls again to its lowest value at 3,000."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.4, 3.4))
axes.fill_between(
    widths, errors.min(0), errors.max(0), color=COLORS["sky"], alpha=0.5, lw=0
)
axes.semilogx(widths, errors.mean(0), "o-", ms=4, color=COLORS["blue"])
axes.axvline(300, color=COLORS["gray"], ls=":", lw=1)
axes.text(370, 0.66, "as many features as rows", color="#5a6470")
axes.set(xlabel="features", ylabel="error rate on new digits", ylim=(0, 0.75))
axes.set_title("Beyond the exact fit the error falls again")
plt.show()

# %% [markdown]
# The classical curve ends at the peak. Beyond it {cite:p}`belkin2019reconciling` the number of parameters no longer
# measures flexibility: the shortest of many exact solutions is smoother the more there are to choose from. No
# contradiction to {eq}`eq-theory-decomposition`, which is an identity: the variance falls again. But a bound that
# counts parameters says nothing here, and this is where large networks live.
#
# ## In practice
#
# The truth is unknown, so one holds rows out, and draws the two errors against the number of rows. scikit-learn's
# `learning_curve` on the bicycles, degree 8:

# %%
lengths = np.array([40, 80, 160, 640, 2560])
_, fitted, held = learning_curve(
    polynomial(8),
    hour[:, None],
    hired,
    train_sizes=lengths,
    cv=ShuffleSplit(30, test_size=0.3, random_state=0),
    scoring="neg_mean_squared_error",
)
fitted, held = -fitted.mean(axis=1), -np.median(held, axis=1)
for n, a, b in zip(lengths, fitted, held, strict=True):
    print(f"{n:5} rows: seen {a**0.5:4.0f}, held out {b**0.5:4.0f} bicycles")
# %%
claim(
    "theory-gap-closes", (held[-1] - fitted[-1]) / (held[0] - fitted[0]), at_most=0.15
)
floor = noise + parts[400][-1].bias
claim("theory-both-arrive-at-noise-plus-bias", held[-1] / floor, within=(0.94, 1.06))

# %% [markdown]
# The two curves close on each other at noise plus bias. Far apart: variance, more rows will help. Together and too
# high: bias or noise, and no number of rows will.
#
# | What people believe | What exposes it |
# |---|---|
# | A lower training error is progress | {numref}`fig-theory-curves`: it falls while the model gets worse |
# | More data cures everything | Only variance; bias and noise stay |
# | The test set was never trained on, so it is clean | A thousand coins: choosing is training |
# | Parameters measure capacity | One parameter that shatters (an exercise), and the second descent |
# | A bound that is loose is useless | Its rate, $1/\sqrt n$ and $\log M$, is what one plans by |
# | Rows are independent, of course | Days of one storm, photographs of one patient, copies: split by group |
#
# ## Exercises
#
# ```{exercise} Bias, variance and a shrunken mean
# :label: ex-theory-shrink
#
# *check · difficulty 2 of 3 · 15 minutes*
#
# $y$ has mean 3 and variance 18; the mean of 6 rows is computed and multiplied by $c$. As a tuple: (a) the squared
# bias
# at $c = 0.75$, (b) the variance at $c = 0.75$, (c) the $c$ with the smallest sum.
# ```


# %%
def test_shrink(answer):
    assert answer is not None and len(answer) == 3, "three numbers"
    assert abs(answer[0] - 0.5625) < 1e-3, "the mean is c times 3"
    assert abs(answer[1] - 1.6875) < 1e-3, (
        "the mean of 6 rows has variance 3; c counts twice"
    )
    assert abs(answer[2] - 0.75) < 1e-3, "minimise 9 (1 - c)² + 3 c²"


answer = None  # replace with a tuple, then run this cell again
_ = try_answer(test_shrink, answer)

# %% [markdown]
# ```{solution-start} ex-theory-shrink
# :class: dropdown
# ```
#
# (a) $(3 - 2.25)^2 = 0.5625$. (b) $0.5625 \cdot \frac{18}{6} = 1.6875$. (c) The derivative of $9 (1 - c)^2 + 3 c^2$
# is zero at $c = \frac{9}{12} = 0.75$. The unbiased mean has the error 3, the shrunken one 2.25.

# %%
_ = try_answer(test_shrink, (0.5625, 1.6875, 0.75))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Averaging as a cure
# :label: ex-theory-bagging
#
# *extend · difficulty 2 of 3 · 20 minutes*
#
# Write `bagged(estimator, n_models)`: an object with `fit(X, y)` and `predict(X)` that fits clones of the estimator
# on
# `n_models` bootstrap samples of the training set and answers with their mean. It must survive scikit-learn's
# `clone`. Measure: which part of the error of a deep tree does it cure?
# ```


# %%
def test_bagged(bagged):
    deep = DecisionTreeRegressor(random_state=0)
    place = {"X": hours[:, None], "truth": truth, "weight": how_often, "n_repeats": 60}
    alone = bias_variance_decomposition(deep, drawer(60), **place)
    together = bias_variance_decomposition(bagged(deep, 20), drawer(60), **place)
    assert together.variance < 0.85 * alone.variance, "averages vary less"
    assert together.error < alone.error, "and the bias does not eat the gain"


def bagged(estimator, n_models):  # replace the body, then run this cell again
    return estimator


_ = try_answer(test_bagged, bagged)

# %% [markdown]
# ```{solution-start} ex-theory-bagging
# :class: dropdown
# ```
#
# scikit-learn has it, `BaggingRegressor`; written out it is ten lines. The variance falls, but not by the factor 20:
# the models share the training set, and their answers are correlated. That thought leads to the random forest.


# %%
class Bagged(BaseEstimator):
    def __init__(self, estimator, n_models=10):
        self.estimator = estimator
        self.n_models = n_models

    def fit(self, X, y):
        rng = np.random.default_rng(0)
        rows = rng.integers(len(X), size=(self.n_models, len(X)))
        self.models_ = [clone(self.estimator).fit(X[r], y[r]) for r in rows]
        return self

    def predict(self, X):
        return np.mean([model.predict(X) for model in self.models_], axis=0)


_ = try_answer(test_bagged, Bagged)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} One parameter that fits everything
# :label: ex-theory-sine
#
# *break · difficulty 3 of 3 · 25 minutes*
#
# "A model with one parameter cannot overfit." Let $f_\omega(x) = 1$ if $\sin(\omega x) > 0$, and 0 otherwise, and
# the points
# $x_i = 10^{-i}$, $i = 1, \dots, 8$. Write `omega(labels)`: for *any* eight labels (0 or 1) the $\omega$ with which
# the model is right on all.
# ```


# %%
def test_omega(omega):
    x = 10.0 ** -np.arange(1, 9)
    for number in range(256):
        labels = (number >> np.arange(8)) & 1
        answers = np.sin(omega(labels) * x) > 0
        assert (answers == labels).all(), f"wrong for the labels {labels.tolist()}"


def omega(labels):  # replace the body with your own, then run this cell again
    return np.pi


_ = try_answer(test_omega, omega)

# %% [markdown]
# ```{solution-start} ex-theory-sine
# :class: dropdown
# ```
#
# $\omega = \pi \bigl(1 + \sum_i (1 - y_i) 10^i\bigr)$. At $x_j = 10^{-j}$, the terms with $i > j$ contribute
# multiples of $10\pi$ and vanish; the term $i = j$ adds $\pi$, and turns the sign, exactly if $y_j = 0$; the rest
# is less than $0.12\pi$ and positive. The VC dimension of this one-parameter class is infinite.


# %%
def omega_solution(labels):
    return np.pi * (1 + sum((1 - y) * 10.0**i for i, y in enumerate(labels, start=1)))


_ = try_answer(test_omega, omega_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Choose a degree without a second sample
# :label: ex-theory-cp
#
# *build · difficulty 2 of 3 · 30 minutes*
#
# Equation {eq}`eq-theory-optimism` says what the training error forgets. Write `choose_degree(h, y, largest)`: the
# degree from 0 to `largest` with the smallest training error *plus* $2 \hat\sigma^2 d / n$, where $d$ is the number
# of
# weights and $\hat\sigma^2 = \frac{n}{n - d}$ times the training error, both of the largest model (Mallows' $C_p$).
# ```


# %%
def test_choose(choose_degree):
    losses, chosen = [], []
    for seed in range(40):
        rows = np.random.default_rng(seed).choice(len(hour), 120)
        degree = choose_degree(hour[rows], hired[rows], 10)
        weights = np.linalg.lstsq(basis(hour[rows], degree), hired[rows], rcond=None)[0]
        losses.append(how_often @ (basis(hours, degree) @ weights - truth) ** 2)
        chosen.append(degree)
    assert max(chosen) <= 10 and min(chosen) >= 0, "a degree from 0 to the largest"
    assert len(set(chosen)) > 1, "the choice depends on the data"
    assert np.median(losses) < 3000, f"median excess error {np.median(losses):.0f}"


def choose_degree(h, y, largest):  # replace the body, then run this cell again
    return 0


_ = try_answer(test_choose, choose_degree)

# %% [markdown]
# ```{solution-start} ex-theory-cp
# :class: dropdown
# ```
#
# One pass over the degrees. $C_p$ needs no held-out rows, and pays with assumptions: least squares, and noise of
# equal size at all hours, which is wrong here (nights are quiet). It chooses well all the same.


# %%
def choose_degree_solution(h, y, largest):
    n, errors = len(y), []
    for degree in range(largest + 1):
        B = basis(h, degree)
        residual = y - B @ np.linalg.lstsq(B, y, rcond=None)[0]
        errors.append(np.mean(residual**2))
    noise_hat = errors[-1] * n / (n - largest - 1)
    return int(
        np.argmin(np.array(errors) + 2 * noise_hat * np.arange(1, largest + 2) / n)
    )


_ = try_answer(test_choose, choose_degree_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In {numref}`fig-theory-stacked`, what would the right panel look like with 60,000 hours?
#
# (a) All layers thinner. (b) Variance gone, bias and noise unchanged. (c) Noise gone. (d) Bias gone.
#
# ```{admonition} Answer
# :class: dropdown
# **(b).** Only the variance depends on the rows. (a) and (c): the noise belongs to the world. (d) A polynomial of
# degree 3 is as stiff as before.
# ```
#
# **2.** Twenty teams tune on a public leaderboard of 1,000 rows, 500 submissions each. By how much may the winner's
# error rate be too good, according to {eq}`eq-theory-union`?
#
# (a) Not at all, the rows are hidden. (b) Up to about 0.08. (c) Up to about 0.5. (d) About 0.0005.
#
# ```{admonition} Answer
# :class: dropdown
# **(b).** $M = 10{,}000$: $\sqrt{\log(400{,}000) / 2000} = 0.080$ (if the submissions do not depend on earlier
# scores;
# if they do, it can be worse). (a) Scores leak. (c) forgets the root of $n$. (d) divides one half by 1,000.
# ```
#
# **3.** A plane separates 40 patients with 100 gene activities perfectly. What follows?
#
# (a) The genes explain the disease. (b) Nothing: up to 101 patients every labeling is separable. (c) The error on new
# patients is below 5 %. (d) The VC dimension is 40.
#
# ```{admonition} Answer
# :class: dropdown
# **(b).** $40 \le d + 1 = 101$: shattered. (a) and (c) need rows that were held out. (d) It is a property of the
# class,
# 101.
# ```
#
# ## What to remember
#
# Squared error is noise plus squared bias plus variance, exactly; rows shrink only the variance. The error on rows
# that took part in a choice is too good, the more the larger the choice: $\sqrt{\log M / n}$. So rows are held out,
# and used once. A perfect fit is evidence only where random labels would not have been fitted. Beyond the exact fit
# the count of parameters ceases to be a guide.
#
# Next, {doc}`02_linear_regression` takes the simplest class there is and asks how far one number from it can be
# trusted; {doc}`13_evaluation` makes holding out an instrument.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
