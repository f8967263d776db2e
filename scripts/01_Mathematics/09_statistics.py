# %% [markdown]
# # Statistics
#
# What can a sample say about the rest, and how often does it say something that is not there?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `maximum_likelihood`, `bootstrap_interval`, `permutation_test`, `benjamini_hochberg` and `update_beta`
# - **You need** random variables and averages ({doc}`08_probability`), intervals over seeds ({doc}`../00_Orientation/03_checks`)
# - **Checked against** closed forms, SciPy, and repeated sampling from a population that is known
# - **Time** 40 minutes to read, 45 to code
# - **Data** penguins (344 birds, CC0), flights from New York (336,776, CC0)
# ````

# %%
from collections.abc import Callable
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, stats

from journey.orientation.checks import check_close, claim, try_answer
from journey.orientation.datasets import load_flights, load_penguins
from journey.orientation.figures import (
    COLORS,
    DASHES,
    MARKERS,
    readable,
    use_journey_style,
)

use_journey_style()

# %% [markdown]
# ## A discovery in pure noise
#
# Twenty carriers' names are drawn out of a hat and given to flights at random. Is one carrier later than the rest? Test each of the twenty against the others in the usual way, and call $p<0.05$ a discovery.

# %%
flights = load_flights()
delay = flights["arr_delay"].dropna().to_numpy(dtype=float)  # minutes, (327346,)
rng = np.random.default_rng(0)


def smallest_p(n_groups, size=2000):
    sample = rng.choice(delay, size)
    group = rng.integers(0, n_groups, size)
    p_values = [
        stats.ttest_ind(sample[group == k], sample[group != k]).pvalue
        for k in range(n_groups)
    ]
    return min(p_values)


found = np.mean([smallest_p(20) < 0.05 for _ in range(300)])
claim("statistics-discoveries-in-noise", found, within=(0.5, 0.75))

# %% [markdown]
# In about two studies of three a carrier is "significantly" late, although none is. Nobody cheated, and each single test keeps its promise of 5 %. This page builds the tools of inference, and measures for each how often it keeps its word.
#
# ## Predict
#
# 1. Twenty tests of nothing, each with a 5 % chance of a false alarm: what is the chance of at least one? And how small must $p$ be, so that it is 5 % again?
# 2. A "95 %" bootstrap interval for the mean delay of 20 flights: how often does it contain the true mean?
# 3. The variance of a sample of size 5 is computed with $1/n$. By what factor is it too small on average?
#
# ## Estimators, and where they miss
#
# A sample $x_1,\dots,x_n$ is drawn from a population with an unknown parameter $\theta$. An *estimator* $\hat\theta$ is a rule that turns samples into numbers; it is itself random. Its errors have two parts,
#
# $$
# \mathbb E\bigl[(\hat\theta-\theta)^2\bigr] = \underbrace{\bigl(\mathbb E[\hat\theta]-\theta\bigr)^2}_{\text{bias}^2}+\underbrace{\operatorname{Var}[\hat\theta]}_{\text{variance}} ,
# $$ (eq-statistics-mse)
#
# which follows by adding and subtracting $\mathbb E[\hat\theta]$: the mixed term has expectation zero. Take the sample variance. By hand, for the sample $(1, 3)$: the mean is 2, the squared deviations are 1 and 1, and dividing by $n=2$ gives 1, by $n-1$ gives 2. Which is right? With $\mu$ the true mean and $\sigma^2$ the true variance,
#
# $$
# \sum_i(x_i-\bar x)^2=\sum_i(x_i-\mu)^2-n(\bar x-\mu)^2
# \quad\Longrightarrow\quad
# \mathbb E\Bigl[\sum_i(x_i-\bar x)^2\Bigr]=n\sigma^2-n\frac{\sigma^2}n=(n-1)\sigma^2 .
# $$ (eq-statistics-bessel)
#
# The sample mean sits in the middle of its own sample, closer to it than $\mu$ does. Dividing by $n-1$ removes the bias. But does it make the *error* smaller? For normal samples of size 5, both parts measured:

# %%
samples = rng.normal(size=(100_000, 5))  # variance 1
by_n, by_n_less_1 = samples.var(axis=1), samples.var(axis=1, ddof=1)
claim("statistics-variance-by-n-bias-factor", by_n.mean(), equal_to=0.8, tolerance=0.01)
claim(
    "statistics-variance-by-n-less-1-bias-factor",
    by_n_less_1.mean(),
    equal_to=1,
    tolerance=0.012,
)
errors = [np.mean((estimate - 1) ** 2) for estimate in (by_n, by_n_less_1)]
claim(
    "statistics-biased-over-unbiased-error", errors[0] / errors[1], within=(0.68, 0.76)
)

# %% [markdown]
# Prediction 3: four fifths. And the *biased* estimator has the smaller squared error, by more than a quarter. Unbiasedness is a virtue among others; a little bias can buy much variance, and regularisation will live on that.
#
# ## Maximum likelihood
#
# Of all parameters, choose the one under which the sample is least surprising: maximise the likelihood $\prod_ip(x_i\mid\theta)$, or minimise
#
# $$
# L(\theta)=-\sum_{i=1}^{n}\log p(x_i\mid\theta) .
# $$ (eq-statistics-likelihood)
#
# For a normal distribution, setting the derivatives by $\mu$ and $\sigma$ to zero gives $\hat\mu=\bar x$ and $\hat\sigma^2=\tfrac1n\sum(x_i-\bar x)^2$: the mean, and the variance with $1/n$. The loss of least squares *is* {eq}`eq-statistics-likelihood` for normal errors, and the log loss of a classifier is it for coins. In general it is minimised by a program.


# %% tags=["export"]
def _sample(values: ArrayLike, name: str = "sample", least: int = 1) -> np.ndarray:
    """One row of at least ``least`` finite numbers as float64, or a ValueError that names it."""
    row = np.asarray(values, dtype=float)
    if row.ndim != 1 or len(row) < least:
        raise ValueError(
            f"{name} must have shape (n,) with n >= {least}, got {row.shape}"
        )
    if not np.isfinite(row).all():
        raise ValueError(f"{name} must be finite; drop or impute what is missing first")
    return row


def maximum_likelihood(
    log_density: Callable[[np.ndarray, np.ndarray], np.ndarray],
    sample: ArrayLike,
    start: ArrayLike,
) -> np.ndarray:
    """Parameters that make a sample most likely, by minimising the negative log-likelihood.

    Parameters
    ----------
    log_density : callable
        Takes the sample (n,) and the parameters (k,); returns n logarithms of densities, or
        ``-inf`` where the parameters are not allowed.
    sample : array_like of shape (n,)
    start : array_like of shape (k,)
        Where to begin; must have a finite likelihood.

    Raises
    ------
    ValueError
        If the sample is empty or not finite, or the likelihood is zero at the start.
    RuntimeError
        If the search does not settle.
    """
    x, begin = _sample(sample), np.atleast_1d(np.asarray(start, dtype=float))

    def loss(parameters: np.ndarray) -> float:
        total = -float(np.sum(log_density(x, parameters)))
        return total if np.isfinite(total) else np.inf

    if not np.isfinite(loss(begin)):
        raise ValueError(f"the sample has no finite likelihood at the start {begin}")
    options = {"xatol": 1e-9, "fatol": 1e-9, "maxiter": 4000, "maxfev": 8000}
    result = optimize.minimize(loss, begin, method="Nelder-Mead", options=options)
    if not result.success:
        raise RuntimeError(f"no maximum found: {result.message}")
    return np.asarray(result.x)


# %%
def normal_log_density(x, parameters):
    mu, sigma = parameters
    if sigma <= 0:
        return np.full(len(x), -np.inf)
    return -((x - mu) ** 2) / (2 * sigma**2) - np.log(sigma) - np.log(2 * np.pi) / 2


penguins = load_penguins()
flippers = penguins["flipper_length_mm"].dropna().to_numpy()
fitted = maximum_likelihood(normal_log_density, flippers, [200.0, 10.0])
closed = [flippers.mean(), flippers.std()]
claim(
    "statistics-likelihood-against-closed-form",
    check_close(fitted, closed, atol=1e-4),
    at_most=1e-4,
)

# %% [markdown]
# The likelihood knows only the family that it was given. Flippers of three species are not *one* normal distribution, and the fit says nothing about that; the best member of a wrong family is still wrong. Look at the data first.
#
# ## The bootstrap
#
# How much would the estimate vary, if the sampling were repeated? There is only one sample. The **bootstrap** {cite:p}`efron1979bootstrap` treats it as the population: draw $n$ values from it *with replacement*, estimate, repeat, and take the middle 95 % of the results.


# %% tags=["export"]
class Interval(NamedTuple):
    """A confidence interval around an estimate."""

    low: float
    estimate: float
    high: float


def bootstrap_interval(
    sample: ArrayLike,
    statistic: Callable[..., np.ndarray],
    rng: np.random.Generator,
    *,
    level: float = 0.95,
    n_resamples: int = 2000,
) -> Interval:
    """Percentile bootstrap interval for a statistic of one sample.

    Parameters
    ----------
    sample : array_like of shape (n,)
        At least two values.
    statistic : callable
        Called as ``statistic(values, axis=-1)``, like ``np.mean`` or ``np.median``.
    rng : numpy.random.Generator
    level : float
        Promised coverage, between 0 and 1.
    n_resamples : int

    Raises
    ------
    ValueError
        If the sample is too small or not finite, or the level or the number is out of range.
    """
    x = _sample(sample, least=2)
    if not 0 < level < 1 or n_resamples < 1:
        raise ValueError(
            f"need 0 < level < 1 and n_resamples >= 1, got {level} and {n_resamples}"
        )
    draws = x[rng.integers(0, len(x), size=(n_resamples, len(x)))]  # (n_resamples, n)
    results = statistic(draws, axis=-1)
    low, high = np.quantile(results, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(statistic(x, axis=-1)), float(high))


# %%
print(bootstrap_interval([1.0, 3.0], np.mean, rng))
interval = bootstrap_interval(flippers, np.median, rng)
theirs = stats.bootstrap(
    (flippers,), np.median, method="percentile", rng=rng
).confidence_interval
claim(
    "statistics-bootstrap-against-scipy",
    abs(interval.low - theirs.low) + abs(interval.high - theirs.high),
    at_most=1.5,
)

# %% [markdown]
# Does it keep its promise? Here the population is known: all 327,346 delays of the year. Draw samples of different sizes, and count how often the interval for the mean contains the true mean.


# %%
def coverage(population, size, n_repeats=400):
    truth, hits = population.mean(), 0
    for _ in range(n_repeats):
        sample = rng.choice(population, size)
        low, _, high = bootstrap_interval(sample, np.mean, rng, n_resamples=300)
        hits += low <= truth <= high
    return hits / n_repeats


sizes = [5, 10, 20, 50, 200]
covered = {
    "delays of flights": [coverage(delay, size) for size in sizes],
    "normal": [coverage(rng.normal(size=100_000), size) for size in sizes],
}

# %% mystnb={"figure": {"caption": "How often the 95 % bootstrap interval for a mean contains it. Small samples promise too much; skewed ones, which rarely see their own tail, most of all.", "name": "fig-statistics-coverage"}, "image": {"alt": "Coverage against sample size from 5 to 200 on a logarithmic axis. Both curves start near 0.8 and rise towards the promised 0.95; that of the delays stays below that of the normal population."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.2, 3.3))
axes.axhline(0.95, color=COLORS["gray"], ls=DASHES[1], lw=1.5)
axes.annotate("promised", (5, 0.955), color=readable(COLORS["gray"]), va="bottom")
for k, (label, values) in enumerate(covered.items()):
    (line,) = axes.semilogx(sizes, values, marker=MARKERS[k], ls="-")
    spot = (22, values[2] - 0.045) if k == 0 else (8, values[1] + 0.025)
    axes.annotate(
        label, spot, color=readable(line.get_color()), ha="left" if k == 0 else "right"
    )
axes.set_xticks(sizes, [str(size) for size in sizes])
axes.minorticks_off()
axes.set(
    xlabel="size of the sample",
    ylabel="intervals that contain the mean",
    ylim=(0.65, 1),
)
axes.set_title("Resampling cannot show what was not sampled")
plt.show()

# %%
claim(
    "statistics-coverage-delays-of-20",
    covered["delays of flights"][2],
    within=(0.8, 0.93),
)
claim("statistics-coverage-delays-of-5", covered["delays of flights"][0], at_most=0.85)
claim("statistics-coverage-normal-of-200", covered["normal"][-1], within=(0.91, 0.98))

# %% [markdown]
# Prediction 2: less than nine times in ten. A sample of 20 flights seldom contains a delay of five hours, and what is not in the sample cannot be resampled. A cost worth knowing: $B$ resamples of $n$ values take $O(Bn)$ time, and in this vectorised form as much memory.
#
# ## A test without formulas
#
# Do Adelie penguins on two islands differ in flipper length? Suppose that the island means nothing. Then the labels could have been dealt in any order; so *deal them* in many orders, and see how often the difference is as large as the one observed. That share is the $p$-value,
#
# $$
# p=\frac{1+\#\{\text{shuffles with }\lvert d^*\rvert\ge\lvert d\rvert\}}{1+\#\{\text{shuffles}\}} .
# $$ (eq-statistics-p)
#
# The ones count the observed deal itself. If the labels mean nothing, the observed deal is one of $B+1$ equally likely ones, so its rank is uniform, and $P(p\le\alpha)\le\alpha$ *exactly*, whatever the distribution of the data. That is the whole proof.


# %% tags=["export"]
def permutation_test(
    first: ArrayLike,
    second: ArrayLike,
    rng: np.random.Generator,
    *,
    n_shuffles: int = 2000,
) -> float:
    """Two-sided p-value for equal distributions, by the difference of means under shuffled labels.

    Raises
    ------
    ValueError
        If a group is empty or not finite, or there is no shuffle.

    References
    ----------
    Equation eq-statistics-p of the page.
    """
    a, b = _sample(first, "first"), _sample(second, "second")
    if n_shuffles < 1:
        raise ValueError(f"n_shuffles must be at least 1, got {n_shuffles}")
    pooled = np.concatenate([a, b])
    shuffled = rng.permuted(np.tile(pooled, (n_shuffles, 1)), axis=1)
    differences = shuffled[:, : len(a)].mean(axis=1) - shuffled[:, len(a) :].mean(
        axis=1
    )
    observed = abs(a.mean() - b.mean())
    slack = 1e-12 * np.abs(pooled).max()  # equal sums, added in another order
    return float(
        (1 + np.sum(np.abs(differences) >= observed - slack)) / (1 + n_shuffles)
    )


# %%
adelie = penguins[penguins["species"] == "Adelie"]
groups = {
    island: adelie.loc[adelie["island"] == island, "flipper_length_mm"]
    .dropna()
    .to_numpy()
    for island in ("Biscoe", "Dream", "Torgersen")
}
p_islands = permutation_test(groups["Torgersen"], groups["Biscoe"], rng)
p_theory = stats.ttest_ind(groups["Torgersen"], groups["Biscoe"]).pvalue
claim("statistics-permutation-against-t-test", abs(p_islands - p_theory), at_most=0.03)

# %% [markdown]
# And the promise itself, on noise: of a thousand tests of two groups from the *same* skewed delays, about one in twenty should fall below 0.05.

# %%
p_noise = np.array(
    [
        permutation_test(*rng.choice(delay, (2, 12)), rng, n_shuffles=200)
        for _ in range(1000)
    ]
)
claim(
    "statistics-false-alarms-of-the-permutation-test",
    np.mean(p_noise <= 0.05),
    within=(0.03, 0.07),
)
spread = stats.kstest(p_noise, "uniform").statistic
claim("statistics-p-values-of-noise-are-uniform", spread, at_most=0.06)

# %% [markdown]
# (sec-statistics-many)=
# ## Many tests
#
# If nothing is there, a $p$-value is uniform between 0 and 1. Of $m$ independent ones the smallest exceeds $\alpha$ with probability $(1-\alpha)^m$, so the chance of a false alarm is
#
# $$
# P(\text{at least one}) = 1-(1-\alpha)^m .
# $$ (eq-statistics-family)
#
# For $\alpha=0.05$ and $m=20$ it is 0.64, as in the opening. Testing at $\alpha/m$ instead, Bonferroni's rule, brings it back to at most $\alpha$: a union has at most the sum of the probabilities.

# %%
claim("statistics-noise-against-formula", abs(found - (1 - 0.95**20)), at_most=0.1)
corrected = np.mean([smallest_p(20) < 0.05 / 20 for _ in range(300)])
claim("statistics-false-alarms-after-bonferroni", corrected, at_most=0.12)

# %% [markdown]
# Prediction 1: 64 %, and $p<0.0025$. (The rate that is left lies a little above 5 %, because the $t$-test is only approximately right for delays as skewed as these; a permutation test would be exact.) With thousands of tests Bonferroni finds hardly anything. Benjamini and Hochberg {cite:p}`benjamini1995controlling` control something else: the expected *share* of false ones among the discoveries. Sort the $p$-values, $p_{(1)}\le\dots\le p_{(m)}$, and accept all up to the largest $k$ with $p_{(k)}\le\alpha k/m$.


# %% tags=["export"]
def benjamini_hochberg(p_values: ArrayLike, alpha: float = 0.05) -> np.ndarray:
    """Which of m tests to call discoveries, so that at most a share alpha of them is expected to be false.

    Parameters
    ----------
    p_values : array_like of shape (m,)
        Between 0 and 1, of independent tests.
    alpha : float

    Returns
    -------
    ndarray of shape (m,), bool

    Raises
    ------
    ValueError
        If a p-value or alpha does not lie between 0 and 1.
    """
    p = _sample(p_values, "p_values")
    if p.min() < 0 or p.max() > 1 or not 0 < alpha < 1:
        raise ValueError(
            f"p-values and alpha lie between 0 and 1, got {p.min()} to {p.max()} and {alpha}"
        )
    order = np.argsort(p)
    passed = np.flatnonzero(p[order] <= alpha * np.arange(1, len(p) + 1) / len(p))
    chosen = np.zeros(len(p), dtype=bool)
    if passed.size:
        chosen[order[: passed[-1] + 1]] = True
    return chosen


# %%
p_mixed = np.concatenate(
    [rng.random(900), stats.norm.sf(rng.normal(3, 1, 100))]
)  # 100 are real
theirs = stats.false_discovery_control(p_mixed) <= 0.05
claim(
    "statistics-benjamini-hochberg-unlike-scipy",
    (benjamini_hochberg(p_mixed) != theirs).sum(),
    equal_to=0,
)


# %%
def one_study():
    p = np.concatenate([rng.random(900), stats.norm.sf(rng.normal(3, 1, 100))])
    rules = {
        "p < 0.05": p < 0.05,
        "Bonferroni": p < 0.05 / 1000,
        "B. and H.": benjamini_hochberg(p),
    }
    return {name: (hit[:900].sum(), hit[900:].sum()) for name, hit in rules.items()}


studies = [one_study() for _ in range(200)]
summary = {}
for rule in studies[0]:
    false, true = np.array([study[rule] for study in studies]).T
    summary[rule] = (np.mean(false / np.maximum(false + true, 1)), true.mean())
    print(
        f"{rule:10}  false among discoveries {summary[rule][0]:.2f}, found {summary[rule][1]:.0f} of 100"
    )

# %%
claim("statistics-false-share-uncorrected", summary["p < 0.05"][0], within=(0.25, 0.45))
claim(
    "statistics-false-share-benjamini-hochberg", summary["B. and H."][0], at_most=0.06
)
claim(
    "statistics-found-by-bh-over-bonferroni",
    summary["B. and H."][1] / summary["Bonferroni"][1],
    at_least=1.8,
)

# %% [markdown]
# Without correction a third of the discoveries is false, although "$p<0.05$". That is no contradiction: 5 % of nine hundred nothings are as many as half of the hundred real effects. A $p$-value is the chance of the data given nothing, not the chance of nothing given the data, as {doc}`08_probability` turned around with Bayes.
#
# ## Updating a belief
#
# The other school gives the unknown itself a distribution. For a share $\theta$ of successes, start from a Beta distribution, $p(\theta)\propto\theta^{a-1}(1-\theta)^{b-1}$. After $s$ successes and $f$ failures the likelihood is $\theta^s(1-\theta)^f$, and the product is a Beta distribution again,
#
# $$
# \text{Beta}(a,b)\ \longrightarrow\ \text{Beta}(a+s,\,b+f),\qquad \mathbb E[\theta]=\frac{a+s}{a+b+s+f} .
# $$ (eq-statistics-beta)
#
# The prior is as strong as $a+b$ observations. Carriers with few flights show what it is good for: their own late share is mostly chance, and a prior learnt from all carriers pulls it back.


# %% tags=["export"]
def update_beta(
    a: float, b: float, successes: float, failures: float
) -> tuple[float, float]:
    """Parameters of the Beta posterior for a share, after counts of successes and failures.

    Raises
    ------
    ValueError
        If a or b is not positive, or a count is negative.

    References
    ----------
    Equation eq-statistics-beta of the page.
    """
    if not (a > 0 and b > 0 and successes >= 0 and failures >= 0):
        raise ValueError(
            f"need a, b > 0 and counts >= 0, got {a}, {b}, {successes}, {failures}"
        )
    return a + successes, b + failures


# %%
landed = flights.dropna(subset=["arr_delay"])
late = (landed["arr_delay"] > 30).groupby(landed["carrier"]).agg(["mean", "size"])
grid = np.linspace(0, 1, 20_001)
a, b = update_beta(2, 8, successes=3, failures=2)
product = stats.beta.pdf(grid, 2, 8) * grid**3 * (1 - grid) ** 2
product /= np.trapezoid(product, grid)
deviation = check_close(product, stats.beta.pdf(grid, a, b), atol=1e-5)
claim("statistics-beta-update-against-grid", deviation, at_most=1e-5)

# %%
errors = {"own share": [], "with a prior": []}
prior_a, prior_b = (
    0.16 * 20,
    0.84 * 20,
)  # worth 20 flights, with the share of all carriers
for _ in range(300):
    for truth in late["mean"]:
        s = rng.binomial(12, truth)  # twelve flights of this carrier
        a, b = update_beta(prior_a, prior_b, s, 12 - s)
        errors["own share"].append(s / 12 - truth)
        errors["with a prior"].append(a / (a + b) - truth)
rms = {name: np.sqrt(np.mean(np.square(values))) for name, values in errors.items()}
claim(
    "statistics-prior-over-own-share-error",
    rms["with a prior"] / rms["own share"],
    within=(0.3, 0.7),
)

# %% [markdown]
# With twelve flights each, the prior halves the error. It adds bias and removes variance, {eq}`eq-statistics-mse` again; with ten thousand flights it would make no difference.
#
# ## In practice
#
# | task | in the field |
# |---|---|
# | fit a family of distributions | `scipy.stats.norm.fit` and its relatives: maximum likelihood |
# | intervals | `scipy.stats.bootstrap`, default `BCa`, which corrects for skewness in part |
# | compare two groups | `scipy.stats.permutation_test`, `ttest_ind(equal_var=False)` |
# | many tests | `scipy.stats.false_discovery_control`, `statsmodels.stats.multitest` |
# | beliefs | conjugate formulas as above; PyMC or Stan beyond |
#
# Equality with SciPy was shown above for each of them, exactly or within resampling noise.
#
# | what people believe | what exposes it |
# |---|---|
# | $p<0.05$ means that it is true with 95 %. | A third of the discoveries false |
# | The unbiased estimator is the best. | Variance by $1/n$ has the smaller error |
# | The bootstrap needs no assumptions. | {numref}`fig-statistics-coverage`: it needs a sample that shows the tail |
# | A prior is prejudice. | Half of the error, for small samples |
#
# ## Exercises
#
# ```{exercise} How many looks?
# :label: ex-statistics-looks
#
# *check · difficulty 1 of 3 · 5 minutes*
#
# You try out $m$ independent variants of a model that change nothing, and test each at 5 %. What is the smallest $m$ for which a false success is more likely than not?
# ```


# %%
def test_looks(answer):
    assert answer is not None, "no answer yet"
    assert answer != 10, "adding 5 % ten times counts double alarms twice"
    assert answer == 14, "the smallest m with 0.95 to the m below one half"


my_looks = None  # your answer
_ = try_answer(test_looks, my_looks)

# %% [markdown]
# ```{solution-start} ex-statistics-looks
# :class: dropdown
# ```
# $0.95^m<0.5$ for $m>\log0.5/\log0.95\approx13.5$.

# %%
_ = try_answer(test_looks, int(np.ceil(np.log(0.5) / np.log(0.95))))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Two samples, one bootstrap
# :label: ex-statistics-two
#
# *extend · difficulty 2 of 3 · 20 minutes*
#
# Write `difference_interval(first, second, rng, level=0.95)`: the bootstrap interval for the difference of means, `first` minus `second`, as an `Interval`, with 2,000 resamples. Each group must be resampled on its own.
# ```


# %%
def test_difference(difference_interval):
    one, other = groups["Torgersen"], groups["Biscoe"]
    low, middle, high = difference_interval(one, other, np.random.default_rng(1))
    assert middle == one.mean() - other.mean(), (
        "the estimate is that of the samples themselves"
    )
    half = 1.96 * np.sqrt(one.var(ddof=1) / len(one) + other.var(ddof=1) / len(other))
    assert abs((high - low) / (2 * half) - 1) < 0.1, (
        "the variances of both groups add up"
    )
    narrow = difference_interval(one, other, np.random.default_rng(1), level=0.5)
    assert narrow.high - narrow.low < 0.5 * (high - low), "the level must matter"
    apart = difference_interval(one + 100, other, np.random.default_rng(1))
    assert apart.high - apart.low < 1.2 * (high - low), (
        "do not mix the groups before resampling"
    )


def difference_interval(
    first, second, rng, level=0.95
):  # replace the body with your own, then run this cell again
    return bootstrap_interval(first, np.mean, rng, level=level)


_ = try_answer(test_difference, difference_interval)

# %% [markdown]
# ```{solution-start} ex-statistics-two
# :class: dropdown
# ```
# Mixing the groups is right for a *test* of no difference and wrong for an *interval*: the interval must not suppose what it measures.


# %%
def difference_interval_solution(first, second, rng, level=0.95):
    first, second = np.asarray(first), np.asarray(second)
    means = [
        x[rng.integers(0, len(x), (2000, len(x)))].mean(axis=1) for x in (first, second)
    ]
    low, high = np.quantile(means[0] - means[1], [(1 - level) / 2, (1 + level) / 2])
    return Interval(low, first.mean() - second.mean(), high)


_ = try_answer(test_difference, difference_interval_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A test that never rests
# :label: ex-statistics-peeking
#
# *break · difficulty 3 of 3 · 30 minutes*
#
# An experiment compares two groups of pure noise. After every few observations somebody looks, and stops at the first $p<0.05$. Each look is a valid test. Write `peeking(rng)` that simulates one such experiment with at most 500 observations a group, normal with mean 0, and returns whether it "succeeds"; choose the looks so that more than 30 % of the experiments do. A single look at the end must not exceed its 5 %, so keep `stats.ttest_ind` as the test.
# ```


# %%
def test_peeking(peeking):
    rng = np.random.default_rng(3)
    successes = np.mean([peeking(rng) for _ in range(300)])
    assert isinstance(bool(peeking(rng)), bool)
    assert successes > 0.3, f"only {successes:.0%} of the experiments in noise succeed"
    assert successes < 0.95, "the test itself must be honest: normal noise, no shift"


def peeking(rng):  # replace the body with your own, then run this cell again
    return stats.ttest_ind(rng.normal(size=500), rng.normal(size=500)).pvalue < 0.05


_ = try_answer(test_peeking, peeking)

# %% [markdown]
# ```{solution-start} ex-statistics-peeking
# :class: dropdown
# ```
# A look after every five observations, from the fifth on: the looks are dependent, so {eq}`eq-statistics-family` is too high, but a random walk crosses any fixed boundary sooner or later. Decide the number of observations before you start, or use a method made for peeking.


# %%
def peeking_solution(rng):
    first, second = rng.normal(size=(2, 500))
    looks = range(5, 501, 5)
    return any(stats.ttest_ind(first[:n], second[:n]).pvalue < 0.05 for n in looks)


_ = try_answer(test_peeking, peeking_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} How large a sample?
# :label: ex-statistics-power
#
# *build · difficulty 2 of 3 · 25 minutes*
#
# Write `power(effect, size, rng, n_repeats=400)`: the share of experiments in which `stats.ttest_ind` finds $p<0.05$, for two normal groups of `size` each with variance 1 and means `effect` apart.
# ```


# %%
def test_power(power):
    rng = np.random.default_rng(5)
    assert abs(power(0.0, 30, rng, 2000) - 0.05) < 0.02, (
        "without an effect, power is the rate of false alarms"
    )
    assert abs(power(0.5, 64, rng, 2000) - 0.80) < 0.04, (
        "the textbook's case: half a standard deviation, 64 each"
    )
    assert power(0.5, 200, rng) > 0.97


def power(
    effect, size, rng, n_repeats=400
):  # replace the body with your own, then run this cell again
    return 0.05


_ = try_answer(test_power, power)

# %% [markdown]
# ```{solution-start} ex-statistics-power
# :class: dropdown
# ```
# Choose the size *before* the experiment, such that an effect worth knowing is found four times in five. A small study that finds something has, of necessity, overestimated it.


# %%
def power_solution(effect, size, rng, n_repeats=400):
    first = rng.normal(size=(n_repeats, size))
    second = rng.normal(effect, size=(n_repeats, size))
    return np.mean(stats.ttest_ind(first, second, axis=1).pvalue < 0.05)


_ = try_answer(test_power, power_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In {numref}`fig-statistics-coverage`, somebody takes 20,000 resamples instead of 300. What happens to the curve of the delays?
#
# - (a) It rises to 0.95
# - (b) It stays where it is, with a little less noise
# - (c) It falls
# - (d) It becomes that of the normal population
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: more resamples of the same twenty flights contain no new flight. (b) Yes. (c) Nothing lowers it. (d) No: the population is what differs.
# ```
#
# **2.** Two hundred features are tested against a target, and Benjamini and Hochberg's rule at 10 % accepts 30. How many of these are expected to be false, at most?
#
# - (a) 20
# - (b) 3
# - (c) 0.1
# - (d) 10
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: that would be 10 % of all tests. (b) Yes: 10 % of the *discoveries*. (c) No: that is a rate for a single test. (d) No: there is no ten in it.
# ```
#
# **3.** A Beta prior with $a+b=1000$ is updated with 12 flights. What is the posterior mean?
#
# - (a) Practically the prior's mean
# - (b) Practically the share among the 12
# - (c) Their average
# - (d) It depends on the $p$-value
#
# ```{admonition} Answer
# :class: dropdown
# (a) Yes: by {eq}`eq-statistics-beta` the prior weighs a thousand observations. (b) No: that would need $a+b\ll12$. (c) No: weights of 1000 and 12. (d) No $p$-value appears.
# ```
#
# ## What to remember
#
# An estimator errs by bias and by variance, and the sum counts. Likelihood chooses within a family, and cannot see a wrong one. The bootstrap repeats the sample, not the world. Under nothing, $p$-values are uniform, so many looks find something: divide by their number, or control the share of false discoveries. A prior is data that you had before.
#
# Next: {doc}`11_discrete_mathematics`, where things are counted exactly.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
