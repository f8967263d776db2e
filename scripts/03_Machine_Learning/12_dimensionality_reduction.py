# %% [markdown]
# # Dimensionality reduction
#
# How is a thing described by 64 numbers seen on a sheet of paper, and what may be read off the picture?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `PCA` by covariance and by singular values, and `TSNE` with its affinities and its gradient
# - **You need** {doc}`../01_Mathematics/04_eigenvalues_and_svd`, entropy and KL divergence
#   ({doc}`../01_Mathematics/10_information_theory`), gradients ({doc}`../01_Mathematics/05_derivatives`)
# - **Checked against** scikit-learn's `PCA` and `TSNE` and its `check_estimator`, a finite-difference gradient
# - **Time** 35 minutes to read, 60 to code
# - **Data** digits (1,797 × 64) and wine (178 × 13), scikit-learn, BSD-3
# ````

# %%
from __future__ import annotations

import time
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import sklearn.decomposition
import sklearn.manifold
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin
from sklearn.base import TransformerMixin
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, load_wine
from sklearn.metrics import silhouette_score
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import check_is_fitted, validate_data
from tqdm import tqdm

from journey.orientation.checks import check_close, check_gradient, claim, try_answer
from journey.orientation.figures import (
    COLORS,
    MARKERS,
    show_images,
    use_journey_style,
)

use_journey_style()

# %% [markdown]
# ## Two pixels of sixty-four
#
# A handwritten digit of 8 × 8 pixels is a point in 64 dimensions. To see all 1,797 of them at once, each needs a
# place in the plane. The simplest plan is to keep the two pixels that vary most. How much is lost can be measured
# without looking: go from each point to its nearest neighbour and ask whether it is the same digit.

# %%
X, y = load_digits(return_X_y=True)  # (1797, 64), ink from 0 to 16


def neighbour_score(Z, labels):
    """Share of points whose nearest neighbour has their label."""
    squares = (Z**2).sum(axis=1)
    distances = squares[:, None] + squares - 2 * Z @ Z.T  # (n, n)
    np.fill_diagonal(distances, np.inf)
    return (labels[distances.argmin(axis=1)] == labels).mean()


jitter = np.random.default_rng(0).uniform(-0.5, 0.5, size=(len(X), 2))  # breaks ties
two_pixels = X[:, X.var(axis=0).argsort()[-2:]] + jitter
claim("reduction-neighbours-all-pixels", neighbour_score(X, y), at_least=0.98)
claim("reduction-neighbours-two-pixels", neighbour_score(two_pixels, y), at_most=0.35)

# %% [markdown]
# With all pixels the neighbour is nearly always the same digit; with the two best of them in one case of four. Yet
# no digit *is* 64 free numbers. Strokes tie pixels together, and whoever knows the ties needs fewer numbers. This
# page ties in two ways: with a straight sheet through the cloud of points, and with a sheet that may be torn.
#
# ## Predict
#
# 1. How many straight directions does it take until the nearest neighbour is right in 97 of 100 cases?
# 2. In the wine data one direction carries 99.8 percent of all variance. How many of the 13 measurements does it
#    look at?
# 3. Two clouds, one ten times wider than the other, are given to t-SNE. How much wider is its picture of the wide
#    one?

# %% [markdown]
# ## The sheet that loses least
#
# Centre the data, $\mathbf{x}_i \leftarrow \mathbf{x}_i - \bar{\mathbf{x}}$, and look for a direction $\mathbf{v}$,
# $\lVert \mathbf{v} \rVert = 1$. The shadow of a point on it is $(\mathbf{x}_i^\top \mathbf{v})\,\mathbf{v}$. By
# Pythagoras, what the shadow keeps and what it loses add up:
#
# $$
# \frac1n \sum_i \lVert \mathbf{x}_i \rVert^2
# = \underbrace{\frac1n \sum_i (\mathbf{x}_i^\top \mathbf{v})^2}_{\mathbf{v}^\top \mathbf{C}\, \mathbf{v}\;:\;\text{variance kept}}
# + \underbrace{\frac1n \sum_i \lVert \mathbf{x}_i - (\mathbf{x}_i^\top \mathbf{v})\,\mathbf{v} \rVert^2}_{\text{error}},
# \qquad \mathbf{C} = \frac1n \mathbf{X}^\top \mathbf{X} .
# $$ (eq-reduction-pythagoras)
#
# The left side is fixed. So the direction of *largest variance* is the direction of *smallest error*: one goal, not
# two. To maximise $\mathbf{v}^\top \mathbf{C} \mathbf{v}$ under $\mathbf{v}^\top \mathbf{v} = 1$, set the gradient
# of $\mathbf{v}^\top \mathbf{C} \mathbf{v} - \lambda (\mathbf{v}^\top \mathbf{v} - 1)$ to zero:
#
# $$
# \mathbf{C}\,\mathbf{v} = \lambda\, \mathbf{v}, \qquad \mathbf{v}^\top \mathbf{C}\, \mathbf{v} = \lambda .
# $$ (eq-reduction-eigen)
#
# The best direction is the eigenvector with the largest eigenvalue, and the eigenvalue *is* the variance. The next
# best at right angles is the next eigenvector, and so on: **principal components** {cite:p}`pearson1901lines`.
#
# By hand: four points $(3, 1), (1, 3), (-3, -1), (-1, -3)$. Their mean is 0, their covariance
# $\begin{pmatrix} 5 & 3 \\ 3 & 5 \end{pmatrix}$, with eigenvalues 8 along the diagonal and 2 across. One number
# instead of two keeps $8 / 10$.

# %%
points = np.array([[3, 1], [1, 3], [-3, -1], [-1, -3]])
C = points.T @ points / 4
variances, directions = np.linalg.eigh(C)
print("covariance:", C.tolist(), " variances:", np.round(variances, 6))
claim("reduction-hand-share", variances[1] / C.trace(), equal_to=0.8, tolerance=1e-12)

# %% [markdown]
# The same directions come from the singular values of the data themselves. With
# $\mathbf{X} = \mathbf{U} \mathbf{S} \mathbf{V}^\top$ the covariance is
# $\mathbf{V} (\mathbf{S}^2 / n) \mathbf{V}^\top$: the rows of $\mathbf{V}^\top$ are the components, and
# $\mathbf{U} \mathbf{S}$ the coordinates of the points. Squaring first is faster when there are many more rows than
# columns, and it costs digits, as the normal equations did in {doc}`02_linear_regression`. A direction with a
# spread of $10^{-9}$ beside one of 1:

# %%
rng = np.random.default_rng(0)
tilted = np.linalg.qr(rng.normal(size=(3, 3)))[0]
spreads = np.array([1.0, 1e-4, 1e-9])
frame = np.linalg.qr(rng.normal(size=(500, 3)))[0]  # orthonormal columns
A = frame * spreads @ tilted.T
by_svd = np.linalg.svd(A, compute_uv=False)
by_squares = np.sqrt(np.abs(np.linalg.eigvalsh(A.T @ A))[::-1])
claim("reduction-svd-relative-error", abs(by_svd[2] / 1e-9 - 1), at_most=1e-5)
claim("reduction-squares-relative-error", abs(by_squares[2] / 1e-9 - 1), at_least=0.1)

# %% [markdown]
# The squares have lost that direction altogether: $10^{-18}$ is below the rounding of 1. For a picture nobody
# minds. The class takes the fast way for tall tables, as scikit-learn does, and leaves the other as an option.
# Signs of eigenvectors are arbitrary; they are fixed by making the largest weight of each component positive.


# %% tags=["export"]
def _principal_axes(X: np.ndarray, solver: str) -> tuple[np.ndarray, np.ndarray]:
    """Singular values, descending, and right singular vectors as rows, of centred X."""
    n, d = X.shape
    if solver == "auto":
        solver = "covariance" if d <= 1000 and n >= 10 * d else "svd"
    if solver == "covariance":
        squares, vectors = np.linalg.eigh(X.T @ X)
        values, rows = np.sqrt(np.maximum(squares[::-1], 0)), vectors.T[::-1]
        values, rows = values[: min(n, d)], rows[: min(n, d)]
    else:
        _, values, rows = np.linalg.svd(X, full_matrices=False)
    largest = np.abs(rows).argmax(axis=1)
    return values, rows * np.sign(rows[np.arange(len(rows)), largest])[:, None]


# %% tags=["export"]
class PCA(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Principal component analysis.

    Parameters
    ----------
    n_components : int, float or None
        How many directions to keep; a float between 0 and 1 is the share of variance
        that must be kept; None keeps all.
    solver : {"auto", "svd", "covariance"}
        "covariance" is faster for tall tables and resolves spreads down to about 1e-8
        of the largest; "svd" to 1e-16. "auto" takes it for n >= 10 d.

    Attributes
    ----------
    components_ : ndarray of shape (k, d)
        Orthonormal rows, by falling variance; the largest weight of each is positive.
    explained_variance_ : ndarray of shape (k,)
        With n - 1 in the divisor, in squared units of the columns.
    explained_variance_ratio_ : ndarray of shape (k,)
    mean_ : ndarray of shape (d,)
    n_components_ : int

    References
    ----------
    Equation eq-reduction-eigen of the page; Pearson (1901).
    """

    def __init__(
        self, n_components: int | float | None = None, *, solver: str = "auto"
    ) -> None:
        self.n_components = n_components
        self.solver = solver

    def fit(self, X: ArrayLike, y: Any = None) -> PCA:
        """Find the directions of X, shape (n, d); y is ignored."""
        A = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        if self.solver not in ("auto", "svd", "covariance"):
            raise ValueError(
                f"solver must be 'auto', 'svd' or 'covariance', got {self.solver!r}"
            )
        self.mean_ = A.mean(axis=0)
        values, rows = _principal_axes(A - self.mean_, self.solver)
        variance = values**2 / (len(A) - 1)
        ratio = variance / variance.sum() if variance.sum() > 0 else 0 * variance
        k = self.n_components_ = self._how_many(ratio)
        self.components_ = rows[:k]
        self.explained_variance_ = variance[:k]
        self.explained_variance_ratio_ = ratio[:k]
        return self

    def _how_many(self, ratio: np.ndarray) -> int:
        wanted, most = self.n_components, len(ratio)
        if wanted is None:
            return most
        if isinstance(wanted, (float, np.floating)) and 0 < wanted < 1:
            enough = np.cumsum(ratio) >= wanted - 1e-12
            return int(enough.argmax()) + 1 if enough.any() else most
        if isinstance(wanted, (int, np.integer)) and 1 <= wanted <= most:
            return int(wanted)
        raise ValueError(
            f"n_components must be 1 to {most}, a share between 0 and 1, or None; "
            f"got {wanted!r}"
        )

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Coordinates in the sheet, shape (n, k)."""
        check_is_fitted(self)
        A = validate_data(self, X, dtype=np.float64, reset=False)
        return (A - self.mean_) @ self.components_.T

    def inverse_transform(self, Z: ArrayLike) -> np.ndarray:
        """Return the point of the sheet for each row of coordinates, shape (n, d)."""
        check_is_fitted(self)
        return np.asarray(Z) @ self.components_ + self.mean_


# %% [markdown]
# Against scikit-learn, whose signs differ, and against {eq}`eq-reduction-pythagoras`, which says what the error
# must be:

# %%
ours, theirs = PCA(20).fit(X), sklearn.decomposition.PCA(20).fit(X)
signs = np.sign((ours.components_ * theirs.components_).sum(axis=1))[:, None]
deviation = check_close(ours.components_ * signs, theirs.components_, atol=1e-10)
claim("reduction-components-deviation", deviation, at_most=1e-10)
slow = PCA(20, solver="svd").fit(X)
check_close(slow.components_, ours.components_, atol=1e-9)
ratios = ours.explained_variance_ratio_, theirs.explained_variance_ratio_
check_close(*ratios, rtol=1e-12)
lost = X - ours.inverse_transform(ours.transform(X))
share = (lost**2).sum() / ((X - X.mean(axis=0)) ** 2).sum()
check_close(share, 1 - ratios[0].sum(), rtol=1e-10)
found = [v["status"] for v in check_estimator(PCA(), on_skip=None, on_fail=None)]
claim("reduction-pca-contract-passed", found.count("passed"), at_least=40)
claim("reduction-pca-contract-failed", found.count("failed"), equal_to=0)

# %% [markdown]
# ## Ten numbers a digit
#
# How much is kept, and how good is the neighbour?

# %%
coordinates = PCA().fit_transform(X)  # (1797, 64)
kept = np.cumsum(PCA().fit(X).explained_variance_ratio_)
sizes = np.array([1, 2, 3, 5, 8, 10, 15, 20, 30, 64])
scores = np.array([neighbour_score(coordinates[:, :k], y) for k in sizes])
for k in (2, 10, 20):
    print(
        f"{k:2d} numbers: {kept[k - 1]:.0%} of the variance, neighbour right {scores[sizes == k][0]:.0%}"
    )
claim("reduction-neighbours-2-components", scores[1], within=(0.5, 0.65))
claim("reduction-neighbours-10-components", scores[5], at_least=0.97)

# %% mystnb={"figure": {"caption": "A digit rebuilt from k numbers: with two it is a blot between several digits, with ten it can be read, with twenty it is itself.", "name": "fig-reduction-rebuilt"}, "image": {"alt": "Four rows of digit pictures. Each row shows one digit rebuilt from 1, 2, 5, 10, 20 and 64 numbers, from a blur to the sharp original."}} tags=["hide-input"]
chosen = [y.tolist().index(digit) for digit in (0, 3, 4, 7)]
columns = (1, 2, 5, 10, 20, 64)
rebuilt = [
    PCA(k).fit(X).inverse_transform(PCA(k).fit(X).transform(X[chosen])) for k in columns
]
pictures = np.clip(np.stack(rebuilt, axis=1), 0, 16).reshape(-1, 8, 8)  # (24, 8, 8)
labels = [f"{k}" if row == 0 else "" for row in range(4) for k in columns]
_ = show_images(pictures, labels, n_columns=6, size=0.8)
plt.show()

# %% [markdown]
# *Prediction 1.* Ten, which keep three quarters of the variance. The other quarter is mostly the wobble of the pen.
# But a sheet of paper has two dimensions, and there the neighbour is wrong in four cases of ten.
#
# ## Variance is not importance
#
# "Largest variance" depends on units. Thirteen measurements of wines from three growers:

# %%
wine, grower = load_wine(return_X_y=True)
names = load_wine().feature_names
raw = PCA(2).fit(wine)
first = raw.components_[0]
claim("reduction-wine-first-share", raw.explained_variance_ratio_[0], at_least=0.99)
claim("reduction-wine-one-column", np.abs(first).max(), at_least=0.999)
print("the first component is", names[np.abs(first).argmax()])
standard = (wine - wine.mean(axis=0)) / wine.std(axis=0)
before, after = (
    neighbour_score(PCA(2).fit_transform(table), grower) for table in (wine, standard)
)
claim("reduction-wine-neighbours-raw", before, at_most=0.78)
claim("reduction-wine-neighbours-standard", after, at_least=0.92)

# %% [markdown]
# *Prediction 2.* One. Proline is given in milligrams a litre and reaches 1,680; the others are below 165. The
# component that "explains" 99.8 percent is one column of the table, and the picture tells the growers apart much
# worse than after dividing each column by its spread. The percentage was not evidence of anything. (Pixels share
# one unit, so the digits were left alone.)
#
# ## The sheet that may be torn
#
# A flat sheet cannot lay ten digits side by side in two dimensions. **t-SNE** {cite:p}`vandermaaten2008visualizing`
# gives up on distances and asks only that *neighbours stay neighbours*. In the data, the neighbours of point $i$
# get probabilities
#
# $$
# p_{j \mid i} \propto \mathrm e^{-\beta_i \lVert \mathbf{x}_i - \mathbf{x}_j \rVert^2},
# \qquad
# p_{ij} = \frac{p_{j \mid i} + p_{i \mid j}}{2n},
# $$ (eq-reduction-affinity)
#
# with $\beta_i$ such that the entropy of row $i$ is the logarithm of the **perplexity**, a number of effective
# neighbours, say 30: in thin air the view is wide, in a crowd it is narrow. In the picture, points $\mathbf{y}_i$
# get
#
# $$
# q_{ij} = \frac{w_{ij}}{\sum_{k \neq l} w_{kl}}, \qquad
# w_{ij} = \frac{1}{1 + \lVert \mathbf{y}_i - \mathbf{y}_j \rVert^2},
# \qquad
# L = \mathrm{KL}(P \,\Vert\, Q) = \sum_{i \neq j} p_{ij} \log \frac{p_{ij}}{q_{ij}} .
# $$ (eq-reduction-tsne)
#
# The tail of $w$ is long on purpose. In 64 dimensions a point can have dozens of neighbours at equal distances, in
# the plane it cannot; with the long tail those that do not fit may lie far off without much loss.
#
# **The gradient.** Only $\log q_{ij} = \log w_{ij} - \log S$ depends on the picture, with $S = \sum w_{kl}$. So $L
# = \text{const} - \sum p_{ij} \log w_{ij} + \log S$, as the $p_{ij}$ sum to 1.
# With $\partial \log w_{ij} / \partial \mathbf{y}_i = -2 w_{ij} (\mathbf{y}_i - \mathbf{y}_j)$ and each pair
# counted twice,
#
# $$
# \frac{\partial L}{\partial \mathbf{y}_i}
# = 4 \sum_j \bigl( p_{ij} - q_{ij} \bigr)\, w_{ij}\, (\mathbf{y}_i - \mathbf{y}_j) .
# $$ (eq-reduction-gradient)
#
# A spring for each pair: it pulls if the picture has them too far apart, and pushes if too close.


# %% tags=["export"]
def joint_probabilities(X: np.ndarray, perplexity: float) -> np.ndarray:
    """P of equation eq-reduction-affinity, shape (n, n), symmetric, sum 1.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    perplexity : float
        Effective neighbours of each point, from 1 to below n - 1.

    Raises
    ------
    ValueError
        If the perplexity is out of range.
    """
    n = len(X)
    if not 1 <= perplexity < n - 1:
        raise ValueError(
            f"perplexity must be from 1 to below {n - 1}, got {perplexity}"
        )
    squares = (X**2).sum(axis=1)
    distances = np.maximum(squares[:, None] + squares - 2 * X @ X.T, 0)  # (n, n)
    np.fill_diagonal(distances, np.inf)
    distances -= distances.min(axis=1, keepdims=True)  # the nearest gets exp(0)
    np.fill_diagonal(distances, 0)
    own = ~np.eye(n, dtype=bool)
    low, high = np.zeros(n), np.full(n, np.inf)
    beta = (n - 1) / np.maximum(distances.sum(axis=1), 1e-300)
    for _ in range(64):  # bisection, all rows at once
        P = np.exp(-beta[:, None] * distances) * own
        totals = P.sum(axis=1)
        entropy = np.log(totals) + beta * (P * distances).sum(axis=1) / totals
        wide = entropy > np.log(perplexity)
        low, high = np.where(wide, beta, low), np.where(wide, high, beta)
        beta = np.where(np.isinf(high), np.minimum(2 * beta, 1e300), (low + high) / 2)
    P /= totals[:, None]
    return (P + P.T) / (2 * n)


def tsne_loss(P: np.ndarray, Y: np.ndarray) -> tuple[float, np.ndarray]:
    """KL divergence of equation eq-reduction-tsne and its gradient, shape (n, 2)."""
    squares = (Y**2).sum(axis=1)
    W = 1 / (1 + np.maximum(squares[:, None] + squares - 2 * Y @ Y.T, 0))
    np.fill_diagonal(W, 0)
    Q = W / W.sum()
    floor = np.finfo(float).tiny
    loss = float((P * np.log(np.maximum(P, floor) / np.maximum(Q, floor))).sum())
    G = (P - Q) * W
    return loss, 4 * (G.sum(axis=1)[:, None] * Y - G @ Y)  # eq-reduction-gradient


# %%
few = X[:60]
P = joint_probabilities(few, perplexity=10.0)
Y = np.random.default_rng(0).normal(size=(60, 2))
error = check_gradient(
    lambda v: tsne_loss(P, v.reshape(60, 2))[0],
    lambda v: tsne_loss(P, v.reshape(60, 2))[1].ravel(),
    Y.ravel(),
)
claim("reduction-gradient-check", error, at_most=1e-7)
rows = P * 2 * 60  # p(j|i) + p(i|j)
claim("reduction-affinities-sum", P.sum(), equal_to=1, tolerance=1e-12)
claim(
    "reduction-gradient-sums-to-zero",
    np.abs(tsne_loss(P, Y)[1].sum(axis=0)).max(),
    at_most=1e-14,
)

# %% [markdown]
# Springs between pairs cannot move the centre of mass: the gradients sum to zero, a law that holds for no other
# reason than the form of the loss.
#
# The descent needs care, since the loss has many valleys. Start at the PCA picture, shrunk to a speck, so that far
# order comes from there. For the first 250 steps multiply $P$ by 12 (*early exaggeration*): attraction dominates,
# and groups gather while they can still pass through each other. Momentum, and a step for each coordinate that
# grows while its sign keeps. These settings are scikit-learn's, so that the two can be compared.


# %% tags=["export"]
class TSNE(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """t-distributed stochastic neighbour embedding in the plane, exact.

    Time and memory grow as n²; meant for up to some 2,000 points. There is no
    ``transform``: the picture is of the points given.

    Parameters
    ----------
    perplexity : float
        Effective neighbours of a point, below n - 1.
    max_iter : int
        Steps, of which the first 250 are exaggerated.
    early_exaggeration : float
    learning_rate : float or "auto"
        "auto" is max(n / early_exaggeration / 4, 50).
    progress : bool
        Show a bar when standard error is a terminal.

    Attributes
    ----------
    embedding_ : ndarray of shape (n, 2)
    kl_divergence_ : float
        In nats, without exaggeration.

    References
    ----------
    Equations eq-reduction-affinity to eq-reduction-gradient of the page; van der Maaten
    and Hinton (2008).
    """

    _n_features_out = 2

    def __init__(
        self,
        perplexity: float = 30.0,
        *,
        max_iter: int = 1000,
        early_exaggeration: float = 12.0,
        learning_rate: float | str = "auto",
        progress: bool = False,
    ) -> None:
        self.perplexity = perplexity
        self.max_iter = max_iter
        self.early_exaggeration = early_exaggeration
        self.learning_rate = learning_rate
        self.progress = progress

    def fit(self, X: ArrayLike, y: Any = None) -> TSNE:
        """Draw X of shape (n, d); y is ignored."""
        A = validate_data(self, X, dtype=np.float64, ensure_min_samples=4)
        P = joint_probabilities(A, self.perplexity)
        Y = self._start(A)
        rate = self.learning_rate
        if rate == "auto":
            rate = max(len(A) / self.early_exaggeration / 4, 50)
        velocity, gains = np.zeros_like(Y), np.ones_like(Y)
        hidden = None if self.progress else True  # None: shown on a terminal only
        for step in tqdm(range(self.max_iter), disable=hidden, leave=False):
            early = step < 250
            _, G = tsne_loss(P * (self.early_exaggeration if early else 1), Y)
            turned = np.sign(G) != np.sign(velocity)
            gains = np.maximum(np.where(turned, gains + 0.2, gains * 0.8), 0.01)
            velocity = (0.5 if early else 0.8) * velocity - float(rate) * gains * G
            Y = Y + velocity
        self.embedding_ = Y
        self.kl_divergence_ = tsne_loss(P, Y)[0]
        return self

    def fit_transform(self, X: ArrayLike, y: Any = None) -> np.ndarray:
        """Draw X and return the picture, shape (n, 2)."""
        return self.fit(X).embedding_

    def _start(self, X: np.ndarray) -> np.ndarray:
        Y = np.zeros((len(X), 2))
        flat = PCA(min(2, X.shape[1])).fit_transform(X)
        spread = flat[:, 0].std()
        Y[:, : flat.shape[1]] = flat * (1e-4 / spread if spread > 0 else 1)
        return Y


# %%
some, digit = X[:600], y[:600]
ours = TSNE(progress=True).fit(some)
theirs = sklearn.manifold.TSNE(method="exact", init="pca", random_state=0).fit(some)
claim(
    "reduction-kl-over-sklearns",
    ours.kl_divergence_ / theirs.kl_divergence_,
    within=(0.97, 1.03),
)
score = neighbour_score(ours.embedding_, digit)
claim("reduction-tsne-neighbours", score, at_least=0.96)
claim(
    "reduction-tsne-over-pca",
    score - neighbour_score(coordinates[:600, :2], digit),
    at_least=0.25,
)

# %% mystnb={"figure": {"caption": "Six hundred digits on paper. Left the two principal components, right t-SNE. The labels were given to neither; each point is drawn as its digit.", "name": "fig-reduction-maps"}, "image": {"alt": "Two scatter plots whose marks are the digits 0 to 9. On the left they form one cloud in which 0, 4 and 6 stick out and the others overlap. On the right about a dozen islands, each almost entirely of one digit."}} tags=["hide-input"]
figure, panels = plt.subplots(1, 2, figsize=(8.2, 4.2))
tones = plt.get_cmap("cividis")(np.linspace(0, 0.85, 10))
for axes, Z, title in (
    (panels[0], coordinates[:600, :2], "PCA: one cloud, neighbours 6 in 10"),
    (panels[1], ours.embedding_, "t-SNE: islands, neighbours 99 in 100"),
):
    for (a, b), label in zip(Z, digit):
        axes.text(
            a, b, str(label), fontsize=7, color=tones[label], ha="center", va="center"
        )
    axes.set(xlim=(Z[:, 0].min(), Z[:, 0].max()), ylim=(Z[:, 1].min(), Z[:, 1].max()))
    axes.margins(0.05)
    axes.set_title(title, fontsize=10.5)
    axes.set_xticks([])
    axes.set_yticks([])
plt.show()

# %% [markdown]
# And the contract. There is no `transform`, so scikit-learn's checks of it do not apply and are not run; all others
# hold.

# %%
verdicts = check_estimator(TSNE(2.0, max_iter=20), on_skip=None, on_fail=None)
found = [verdict["status"] for verdict in verdicts]
claim("reduction-tsne-contract-passed", found.count("passed"), at_least=35)
claim("reduction-tsne-contract-failed", found.count("failed"), equal_to=0)

# %% [markdown]
# ## What may not be read off
#
# The picture invites three readings: this island is larger, those two are closer, here are five groups. Each can be
# tested on clouds whose truth is known. First two clouds in ten dimensions, one ten times as wide; then three in a
# row, at 0, 30 and 180; then no structure at all.

# %%
rng = np.random.default_rng(0)
noise = rng.normal(size=(300, 10))
clouds = np.concatenate([noise[:150], 100 + 10 * noise[150:]])
island = np.repeat([0, 1], 150)
map_of_widths = TSNE().fit_transform(clouds)


def spread(Z):
    return np.sqrt(((Z - Z.mean(axis=0)) ** 2).sum(axis=1).mean())


wide, narrow = spread(map_of_widths[island == 1]), spread(map_of_widths[island == 0])
claim(
    "reduction-true-width-ratio",
    spread(clouds[150:]) / spread(clouds[:150]),
    within=(9, 11),
)
claim("reduction-map-width-ratio", wide / narrow, within=(0.6, 1.7))

# %%
row = np.repeat([0, 30, 180], 100)
line = noise + row[:, None] * np.eye(10)[0]
map_of_row = TSNE().fit_transform(line)
centres = np.array([map_of_row[row == place].mean(axis=0) for place in (0, 30, 180)])
near, far = np.linalg.norm(np.diff(centres, axis=0), axis=1)
claim("reduction-true-distance-ratio", 150 / 30, equal_to=5)
claim("reduction-map-distance-ratio", far / near, within=(0.5, 2.5))

# %%
fog = rng.uniform(size=(300, 10))


def apparent_groups(Z):  # silhouette of six k-means groups: 0 is none, 1 is perfect
    return silhouette_score(Z, KMeans(6, n_init=10, random_state=0).fit_predict(Z))


map_of_fog = TSNE(3.0).fit_transform(fog)
claim("reduction-fog-groups-in-the-data", apparent_groups(fog), at_most=0.12)
claim("reduction-fog-groups-in-the-map", apparent_groups(map_of_fog), at_least=0.3)

# %% mystnb={"figure": {"caption": "Three false readings. Left: one cloud is ten times as wide as the other. Middle: the squares are five times as far from the triangles as from the circles. Right: uniform noise, perplexity 3.", "name": "fig-reduction-false"}, "image": {"alt": "Three t-SNE pictures. Left, two islands of about equal size. Middle, three islands at similar distances. Right, uniform noise that has gathered into strings and clumps with gaps between them."}} tags=["hide-input"]
figure, panels = plt.subplots(1, 3, figsize=(8.4, 2.9))
titles = ("Ten times as wide", "At 0, 30 and 180", "No groups at all")
marks = (island, np.searchsorted([0, 30, 180], row), np.zeros(300, dtype=int))
for axes, Z, group, title in zip(
    panels, (map_of_widths, map_of_row, map_of_fog), marks, titles
):
    for k, color in zip(range(group.max() + 1), ("blue", "orange", "purple")):
        axes.scatter(
            *Z[group == k].T, s=9, marker=MARKERS[k], color=COLORS[color], lw=0
        )
    axes.set_title(title, fontsize=10.5)
    axes.set_xticks([])
    axes.set_yticks([])
plt.show()

# %% [markdown]
# *Prediction 3.* About equally wide. The $\beta_i$ give every point its thirty neighbours, whatever the distance:
# the width has been divided out. Distances between islands say as little, since far pairs have $p_{ij} = 0$ and no
# spring at all. And a narrow view finds groups in fog {cite:p}`wattenberg2016how`. What may be read is *who is
# beside whom*, and even that against a second run with another perplexity.
#
# ## In practice
#
# Both cost what their matrices cost: PCA $O(nd^2)$, exact t-SNE $O(n^2)$ a step in time and memory. scikit-learn's
# t-SNE has a tree (*Barnes–Hut*) that sums far points in groups in $O(n \log n)$; on exact terms:


# %% tags=["nbval-ignore-output"]
# Ignored by nbval: processor times differ from run to run.
def seconds(work):
    begin = time.process_time()
    work()
    return time.process_time() - begin


options = {"max_iter": 250}
exact = sklearn.manifold.TSNE(method="exact", init="pca", random_state=0, **options)
tree = sklearn.manifold.TSNE(init="pca", random_state=0, **options)
subset = X[:500]
cost = {
    "ours": seconds(lambda: TSNE(**options).fit(subset)),
    "scikit-learn, exact": seconds(lambda: exact.fit(subset)),
    "scikit-learn, tree": seconds(lambda: tree.fit(subset)),
}
for name, value in cost.items():
    print(f"{name:20s} {value / cost['ours']:.2f} × ours")

# %%
claim(
    "reduction-tsne-time-over-sklearn",
    cost["ours"] / cost["scikit-learn, exact"],
    at_most=4,
)

# %% [markdown]
# Ours is matrix products and so is theirs; nothing is gained by compiling them. The tree wins from some thousand
# points on. Before t-SNE of many columns, 30 to 50 {term}`principal components <principal component>` are a good
# and cheap start.
#
# | What people believe | What exposes it |
# |---|---|
# | 99 percent of the variance is 99 percent of the information | Wine: one column |
# | PCA needs the covariance matrix | A spread of $10^{-9}$: squares lose it |
# | Islands that look larger are more diverse | Ten times as wide, equal islands |
# | Islands far apart are more different | 30 and 180, similar gaps |
# | t-SNE finds clusters | It finds them in fog |
#
# Use PCA to compress, to remove noise, before models that suffer from many columns, and wherever new points will
# come. Use t-SNE (or UMAP) to look, never as the input of a conclusion.
#
# ## Exercises
#
# ```{exercise} The second number
# :label: ex-reduction-hand
#
# *check · difficulty 1 of 3 · 10 minutes*
#
# Five points $(4, 0), (-4, 0), (0, 1), (0, -1), (0, 0)$. With pen and paper: what share of the variance does the
# first principal component keep? Set `answer` to a number.
# ```


# %%
def test_hand(answer):
    assert answer is not None, "no answer yet"
    assert abs(answer - 4 / 5) > 1e-3, "variances are squares of lengths"
    assert abs(answer - 16 / 17) < 1e-3, "add up the squares along each axis"


answer = None  # replace with a number, then run this cell again
_ = try_answer(test_hand, answer)

# %% [markdown]
# ```{solution-start} ex-reduction-hand
# :class: dropdown
# ```
#
# The mean is 0 and the two columns are uncorrelated, so the axes are the components. Sums of squares: $32$ and $2$.
# The share is $32/34 = 16/17 = 0.941$. The divisor, $n$ or $n - 1$, cancels.

# %%
_ = try_answer(test_hand, 16 / 17)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Coordinates without a spread
# :label: ex-reduction-whiten
#
# *extend · difficulty 2 of 3 · 20 minutes*
#
# Write `whiten(pca, X)`: for a fitted `PCA`, coordinates whose covariance (divisor $n - 1$, on the data of the fit)
# is the unit matrix. A direction without any variance gets coordinates 0, not NaN.
# ```


# %%
def test_whiten(whiten):
    pca = PCA(15).fit(X)
    Z = whiten(pca, X)
    assert Z.shape == (1797, 15), "one column for each component"
    assert np.allclose(np.cov(Z.T), np.eye(15)), (
        "divide by standard deviations, not variances"
    )
    assert np.allclose(whiten(pca, X[:5]), Z[:5]), "use the spread of the fit, not of X"
    flat = np.column_stack([X[:, 20], 2 * X[:, 20]])  # one direction is empty
    with np.errstate(all="raise"):
        Z = whiten(PCA().fit(flat), flat)
    assert np.isfinite(Z).all() and np.allclose(Z[:, 1], 0), "0 divided by 0"


def whiten(pca, X):  # replace the body with your own, then run this cell again
    return pca.transform(X)


_ = try_answer(test_whiten, whiten)

# %% [markdown]
# ```{solution-start} ex-reduction-whiten
# :class: dropdown
# ```
#
# Rounding leaves an empty direction with a spread of about $10^{-8}$ of the largest (the covariance solver), so "no
# variance" needs a threshold. Whitened coordinates make all directions equally important, noise included:
# neighbours on all 64 get worse.


# %%
def whiten_solution(pca, X):
    spread = np.sqrt(pca.explained_variance_)
    empty = spread <= 1e-7 * spread.max()
    return np.where(empty, 0, pca.transform(X)) / np.where(empty, 1, spread)


_ = try_answer(test_whiten, whiten_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} The answer in the direction thrown away
# :label: ex-reduction-discarded
#
# *break · difficulty 2 of 3 · 20 minutes*
#
# Write `hidden(n)`, which returns a table of shape $(n, 5)$ for even $n$ and labels 0 and 1, $n / 2$ of each, such
# that four components keep at least 99.9 percent of the variance of the table, all five columns have the *same*
# variance up to 1 percent (so that standardising will not help), the nearest neighbour in all five columns is right
# in at least 99 of 100 cases, and in the four components in at most 60.
# ```


# %%
def test_hidden(hidden):
    table, labels = hidden(400)
    assert table.shape == (400, 5) and sorted(set(labels)) == [0, 1], "shapes"
    assert labels.sum() == 200, "half of each"
    spread = table.var(axis=0)
    assert spread.max() / spread.min() < 1.01, "a column is wider than another"
    pca = PCA(4).fit(table)
    assert pca.explained_variance_ratio_.sum() >= 0.999, "too much is lost"
    assert neighbour_score(table, labels) >= 0.99, "the labels cannot be seen at all"
    assert neighbour_score(pca.transform(table), labels) <= 0.6, "PCA still sees them"


def hidden(n):  # replace the body with your own, then run this cell again
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 5)), np.arange(n) % 2


_ = try_answer(test_hidden, hidden)

# %% [markdown]
# ```{solution-start} ex-reduction-discarded
# :class: dropdown
# ```
#
# Let the label move the point a little along one direction, and let the other four take only the values ±1: then
# many points nearly coincide in those, and the little decides who is nearest. An orthogonal matrix whose rows are
# waves spreads all variance evenly over the columns. Nothing in the table warns of it; only a model that knows the
# labels can.


# %%
def hidden_solution(n):
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 2
    wide = np.where(rng.random((n, 4)) < 0.5, -1.0, 1.0)
    wide -= wide.mean(axis=0)
    wide = wide @ np.linalg.inv(np.linalg.cholesky(np.cov(wide.T))).T  # exactly equal
    wide += rng.normal(scale=1e-4, size=wide.shape)
    narrow = 0.02 * (2 * labels - 1)
    k = np.arange(5)
    waves = np.cos(2 * np.pi * np.outer(k, k) / 5) + np.sin(
        2 * np.pi * np.outer(k, k) / 5
    )
    turn = waves / np.sqrt(5)  # orthogonal, its first column constant
    return np.column_stack([narrow, wide]) @ turn, labels


_ = try_answer(test_hidden, hidden_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} The wobble of the pen
# :label: ex-reduction-denoise
#
# *build · difficulty 2 of 3 · 25 minutes*
#
# Write `denoise(noisy, clean)`: `clean` holds undisturbed pictures to learn from, `noisy` others with independent
# normal
# noise of unknown spread added to each pixel. Return `noisy` with most of the noise removed. Work in all 64
# components, estimate
# the noise from those in which digits have hardly any variance, and multiply each coordinate by a weight from 0 to
# 1. Which
# weight $w$ makes the expected error of $w(z + \text{noise})$ as an estimate of $z$ smallest?
# ```


# %%
def test_denoise(denoise):
    rng = np.random.default_rng(0)
    before = X[1000:].copy()
    for scale in (3.0, 6.0):
        noisy = X[1000:] + rng.normal(scale=scale, size=X[1000:].shape)
        kept = noisy.copy()
        clean = denoise(noisy, X[:1000])
        assert clean.shape == noisy.shape, "one picture for each"
        rmse = np.sqrt(((clean - before) ** 2).mean())
        assert rmse < scale, "nothing was removed"
        assert rmse < 0.69 * scale, "keeping or dropping is not enough: weigh"
        assert (noisy == kept).all(), "the input was changed"


def denoise(noisy, clean):  # replace the body with your own, then run this cell again
    return noisy


_ = try_answer(test_denoise, denoise)

# %% [markdown]
# ```{solution-start} ex-reduction-denoise
# :class: dropdown
# ```
#
# The error $(1 - w)^2 \lambda + w^2 \sigma^2$ is smallest at $w = \lambda / (\lambda + \sigma^2)$, with $\lambda$
# the variance of the clean coordinate. In the last eight components $\lambda$ is almost 0, so the mean square of
# noisy coordinates there estimates $\sigma^2$. Keeping or dropping whole components takes weights of 1 and 0 in its
# place and leaves a fifth more error.


# %%
def denoise_solution(noisy, clean):
    pca = PCA(solver="svd").fit(clean)
    Z, variance = pca.transform(noisy), pca.explained_variance_
    noise = (Z[:, -8:] ** 2).mean()
    return pca.inverse_transform(Z * variance / (variance + noise))


_ = try_answer(test_denoise, denoise_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In the right panel of {numref}`fig-reduction-maps` one island of 1s lies apart from the other 1s. What
# follows?
#
# (a) They are written in another way. (b) t-SNE has made an error. (c) They have few neighbours among the other 1s;
# why must be looked up in the pictures. (d) They are as different from the other 1s as from an 8.
#
# ```{admonition} Answer
# :class: dropdown
# **(c).** The picture shows neighbourhoods. (a) may be the reason, and the pictures decide it. (b) The loss knows
# no errors, only springs. (d) reads a distance.
# ```
#
# **2.** A column is multiplied by 10 before PCA. What is certain?
#
# (a) The first component turns towards that column or stays. (b) All components stay. (c) The total variance stays.
# (d) The scores are multiplied by 10.
#
# ```{admonition} Answer
# :class: dropdown
# **(a).** Variance along that column grows a hundredfold, and the maximum follows it. (b) holds only if a component
# *is* that column and so stays one. (c) It grows. (d) Only if the column is alone.
# ```
#
# **3.** A PCA with 10 of 64 components is fitted to digits and applied to photographs of faces of the same size.
# What can be said of the error of reconstruction?
#
# (a) It is the share of variance not kept, as for the digits. (b) It is large: the sheet was laid through the
# digits. (c) It is zero. (d) PCA refuses.
#
# ```{admonition} Answer
# :class: dropdown
# **(b).** No face lies near that sheet. (a) The share holds for the data of the fit. A large error of
# reconstruction is itself useful: it says "not one of ours". (c) would need all 64. (d) The shapes fit, so nothing
# refuses.
# ```
#
# ## What to remember
#
# Among flat sheets the one that keeps most variance is the one that loses least, and its directions are
# eigenvectors of the covariance. Variance has units, so scale first where columns differ. Singular values of the
# data are safer than eigenvalues of the squares. t-SNE gives up distances for neighbourhoods, which makes pictures
# that a flat sheet cannot, and makes sizes, gaps and even groups in them unreliable.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
