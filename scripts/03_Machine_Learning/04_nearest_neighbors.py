# %% [markdown]
# # Nearest neighbours
#
# How far does one get by asking the most similar cases, how are these found without looking at all, and why does
# that stop working in many dimensions?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `KDTree`, which finds neighbours by leaving out most of the points, and `KNeighborsClassifier`
# - **You need** distances ({doc}`../01_Mathematics/01_vectors`), trees and recursion
#   ({doc}`../01_Mathematics/12_graphs_and_complexity`), arrays ({doc}`../02_Python_Foundations/06_numpy`)
# - **Checked against** scikit-learn's neighbours and `check_estimator`, a search that looks at everything
# - **Time** 30 minutes to read, 50 to code
# - **Data** digits (1,797 × 64) and breast cancer (569 × 30), scikit-learn, BSD-3
# ````

# %%
from __future__ import annotations

import time

import matplotlib.pyplot as plt
import numpy as np
import sklearn.neighbors
from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from journey.orientation.checks import check_close, claim, seed_band, try_answer
from journey.orientation.figures import (
    COLORS,
    DASHES,
    MARKERS,
    label_lines,
    show_images,
    use_journey_style,
)

use_journey_style()

# %% [markdown]
# ## No model at all
#
# Is this a 3 or an 8? Find the handwritten digit that resembles it most, and say what *that* is. There is nothing
# to fit, no assumption of lines or bells, and it is hard to beat:

# %%
images, digit = load_digits(return_X_y=True)  # (1797, 64)
old, new = images[:1000], images[1000:]
nearest = cdist(new, old).argmin(axis=1)
accuracy = (digit[nearest] == digit[1000:]).mean()
claim("neighbors-digits-one-neighbour", accuracy, within=(0.95, 0.98))
compared = len(new) * len(old)
print(f"{compared:,} distances of 64 numbers each")

# %% mystnb={"figure": {"caption": "Six new digits and, below each, the most similar of the thousand old ones. The last two pairs are wrong, and one sees why.", "name": "fig-neighbors-pairs"}, "image": {"alt": "Two rows of six small pictures of handwritten digits. In the first four columns upper and lower picture show the same digit, in the last two similar pictures of different digits."}} tags=["hide-input"]
right = digit[nearest] == digit[1000:]
chosen = np.r_[np.flatnonzero(right)[[0, 3, 7, 12]], np.flatnonzero(~right)[[0, 2]]]
pictures = np.concatenate([new[chosen], old[nearest[chosen]]]).reshape(-1, 8, 8)
labels = [str(k) for k in np.r_[digit[1000:][chosen], digit[nearest[chosen]]]]
_ = show_images(pictures, labels, n_columns=6, size=0.85)
plt.show()

# %% [markdown]
# The price comes with the question. Each answer looks at every old case, and a data set of a million has a million.
# Must one look at all?
#
# ## Predict
#
# 1. Breast cancer: is one neighbour or are eleven better, and what happens if the columns keep their units?
# 2. Ten thousand random points in a square, and a tree that leaves out what cannot be nearest: how many distances
#    are computed for one question?
# 3. The same in a cube of 16 dimensions.

# %% [markdown]
# ## The vote
#
# Let $N_k(\mathbf{x})$ be the $k$ old points nearest to $\mathbf{x}$. The estimate of the probability of class $c$
# is its share among them:
#
# $$
# \hat P(c \mid \mathbf{x}) = \frac1k \sum_{i \in N_k(\mathbf{x})} [y_i = c] .
# $$ (eq-neighbors-vote)
#
# By hand: points at 1, 2, 4 and 7 with classes a, b, b, a, and a question at 2.5. The distances are 1.5, 0.5, 1.5,
# 4.5. One neighbour says b, three say b with $\tfrac23$. And two? The points at 1 and at 4 are equally far: a
# **tie**. A program has to decide, and should say how. Here the point that comes *first in the data* wins, and
# between equally frequent classes the first class.
#
# How good can it be? With unlimited data the nearest neighbour is at the same place as the question. Let the
# probability of the class that is more likely there be $p$; the best possible rule errs with $1 - p$. The
# neighbour's class is drawn from the same probabilities, so the two disagree with
#
# $$
# 2 p (1 - p) \le 2 (1 - p) :
# $$ (eq-neighbors-cover-hart)
#
# one neighbour makes at most *twice* the unavoidable errors {cite:p}`cover1967nearest`. More neighbours average
# that noise away, and look further off for it.

# %%
rng = np.random.default_rng(0)
x, u = rng.random(20_000), rng.random(20_000)
y = (u < np.where(x < 0.5, 0.9, 0.2)).astype(int)  # best rule errs with 0.15
# %%
neighbour = np.sort(rng.permutation(20_000)[:10_000])
mask = np.isin(np.arange(20_000), neighbour)
order = np.argsort(x[mask])
place = np.searchsorted(x[mask][order], x[~mask]).clip(1, mask.sum() - 1)
left, right_ = order[place - 1], order[place]
closer = np.where(
    np.abs(x[mask][left] - x[~mask]) <= np.abs(x[mask][right_] - x[~mask]), left, right_
)
# %%
error = (y[mask][closer] != y[~mask]).mean()
expected = 0.5 * (2 * 0.9 * 0.1) + 0.5 * (2 * 0.8 * 0.2)
claim("neighbors-one-neighbour-error", error, equal_to=expected, tolerance=0.012)

# %% [markdown]
# ## Leaving points out
#
# Put a box around a group of points. No point inside can be nearer to $\mathbf{q}$ than the box itself:
#
# $$
# \min_{\mathbf{x} \in \text{box}} \lVert \mathbf{x} - \mathbf{q} \rVert^2
# \;\ge\; \sum_j \max(l_j - q_j,\; 0,\; q_j - u_j)^2 ,
# $$ (eq-neighbors-bound)
#
# with the box's lower and upper corners $\mathbf{l}$ and $\mathbf{u}$. If that is more than the distance of a
# neighbour already found, the whole group can be left out. A **k-d tree** {cite:p}`bentley1975multidimensional`
# makes the groups: halve the points at the median of the coordinate in which they spread most, and halve again,
# until a few are left. Recursion, smallest version:


# %%
def build(points, rows, leaf_size=10):
    box = points[rows].min(axis=0), points[rows].max(axis=0)
    if len(rows) <= leaf_size:
        return {"box": box, "rows": rows}
    axis = (box[1] - box[0]).argmax()
    order = rows[points[rows, axis].argsort(kind="stable")]
    half = len(order) // 2
    parts = [build(points, part, leaf_size) for part in (order[:half], order[half:])]
    return {"box": box, "parts": parts}


# %%
def bound(box, q):  # eq-neighbors-bound
    return (np.maximum(0, np.maximum(box[0] - q, q - box[1])) ** 2).sum()


# %%
def search(node, points, q, best=(np.inf, -1), looked=0):
    if "rows" in node:
        distances = ((points[node["rows"]] - q) ** 2).sum(axis=1)
        i = distances.argmin()
        return min(best, (distances[i], node["rows"][i])), looked + len(node["rows"])
    for part in sorted(node["parts"], key=lambda part: bound(part["box"], q)):
        if bound(part["box"], q) < best[0]:  # otherwise: left out
            best, looked = search(part, points, q, best, looked)
    return best, looked


# %%
points = rng.random((10_000, 2))
# %%
tree = build(points, np.arange(len(points)))
questions = rng.random((200, 2))
answers = [search(tree, points, q) for q in questions]
everything = cdist(questions, points)
claim(
    "neighbors-tree-wrong-answers",
    sum(a[1] != b for (a, _), b in zip(answers, everything.argmin(axis=1))),
    equal_to=0,
)
looked = np.mean([count for _, count in answers])
claim("neighbors-distances-in-the-square", looked, within=(10, 25))

# %% mystnb={"figure": {"caption": "A question (cross) in a tree of 400 points. Only the shaded boxes must be opened; every other box is farther away than the neighbour found.", "name": "fig-neighbors-boxes"}, "image": {"alt": "A unit square divided into many rectangles, each holding about ten dots. Around a cross four rectangles are shaded; a circle around the cross touches the nearest dot and reaches into these four and no other."}} tags=["hide-input"]
few, q = points[:400], np.array([0.54, 0.78])
small = build(few, np.arange(400))
(distance, row), _ = search(small, few, q)
figure, axes = plt.subplots(figsize=(4.6, 4.6))
stack = [small]
while stack:
    node = stack.pop()
    stack += node.get("parts", [])
    if "rows" in node:
        (x0, y0), (x1, y1) = node["box"]
        opened = bound(node["box"], q) <= distance
        face = COLORS["sky"] if opened else "none"
        axes.add_patch(
            plt.Rectangle(
                (x0, y0), x1 - x0, y1 - y0, fc=face, ec=COLORS["gray"], lw=0.8
            )
        )
axes.scatter(*few.T, s=6, color=COLORS["ink"], lw=0)
axes.add_patch(plt.Circle(q, np.sqrt(distance), fill=False, ec=COLORS["orange"], lw=2))
axes.plot(*q, marker="x", ms=9, mew=2.5, color=COLORS["orange"])
axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
axes.set_title("Most boxes stay closed")
axes.set_xticks([])
axes.set_yticks([])
plt.show()

# %% [markdown]
# *Prediction 2.* About fifteen of ten thousand, and for ten times as many points it would be hardly more: the depth
# grows with the logarithm.
#
# ## For many questions at once
#
# One question at a time is a Python loop. The final version asks *leaf by leaf*: first each question looks into the
# leaf whose box is nearest, which gives it a distance to beat. Then for every leaf the questions that it could
# still help are answered together, by one table of distances. The work per question is the same, the number of
# Python steps is that of the leaves.
#
# First the neighbours in a table of distances, with ties resolved as promised: everything below the $k$-th smallest
# distance, then, among those *equal* to it, the first in order.


# %% tags=["export"]
def smallest(distances: np.ndarray, k: int) -> np.ndarray:
    """Columns of the k smallest entries of each row, by distance and then by column.

    Parameters
    ----------
    distances : ndarray of shape (m, n)
    k : int
        From 1 to n.

    Returns
    -------
    ndarray of int, shape (m, k)
    """
    last = np.partition(distances, k - 1, axis=1)[:, k - 1 : k]
    below, equal = distances < last, distances == last
    free = k - below.sum(axis=1, keepdims=True)
    kept = below | (equal & (equal.cumsum(axis=1) <= free))
    columns = np.nonzero(kept)[1].reshape(
        len(distances), k
    )  # ascending: first in the data
    values = np.take_along_axis(distances, columns, axis=1)
    return np.take_along_axis(columns, values.argsort(axis=1, kind="stable"), axis=1)


def _split(points: np.ndarray, rows: np.ndarray, leaf_size: int) -> list[np.ndarray]:
    """Leaves of a k-d tree: halve at the median of the widest coordinate."""
    if len(rows) <= leaf_size:
        return [np.sort(rows)]
    axis = np.ptp(points[rows], axis=0).argmax()
    half = len(rows) // 2
    order = rows[np.argpartition(points[rows, axis], half)]
    return [
        leaf
        for part in (order[:half], order[half:])
        for leaf in _split(points, part, leaf_size)
    ]


# %% tags=["export"]
def _table(X: ArrayLike, name: str) -> np.ndarray:
    A = np.asarray(X, dtype=float)
    if A.ndim != 2 or 0 in A.shape or not np.isfinite(A).all():
        wanted = "a table (n, d) of finite numbers"
        raise ValueError(f"{name} must be {wanted}, got shape {A.shape}")
    return A


# %% tags=["export"]
class KDTree:
    """Exact Euclidean neighbours, by leaving out boxes that are too far.

    Parameters
    ----------
    X : array-like of shape (n, d)
        Finite numbers; kept, not copied.
    leaf_size : int
        Points below which a group is not halved.

    Attributes
    ----------
    n_looked_at : int
        Distances computed by the last query.

    Raises
    ------
    ValueError
        If X is not a table of finite numbers, or leaf_size or k cannot be.

    References
    ----------
    Equation eq-neighbors-bound of the page; Bentley (1975).
    """

    def __init__(self, X: ArrayLike, leaf_size: int = 40) -> None:
        self.points = _table(X, "X")
        if leaf_size < 1:
            raise ValueError(f"leaf_size must be at least 1, got {leaf_size}")
        self._leaves = _split(self.points, np.arange(len(self.points)), leaf_size)
        self._low = np.array([self.points[leaf].min(axis=0) for leaf in self._leaves])
        self._high = np.array([self.points[leaf].max(axis=0) for leaf in self._leaves])
        self.n_looked_at = 0

    def query(self, X: ArrayLike, k: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Distances and row numbers of the k nearest, both (m, k); ties by row number."""
        questions = _table(X, "X")
        n, d = self.points.shape
        if questions.shape[1] != d or not 1 <= k <= n:
            raise ValueError(
                f"need {d} columns and k from 1 to {n}, got {questions.shape}, k={k}"
            )
        self.n_looked_at = 0
        parts = [
            self._block(block, k)
            for block in np.array_split(questions, len(questions) // 2000 + 1)
        ]
        squares, rows = (np.concatenate(part) for part in zip(*parts))
        return np.sqrt(squares), rows

    def _block(self, Q: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        m = len(Q)
        bounds = np.zeros((m, len(self._leaves)))
        for j in range(Q.shape[1]):  # eq-neighbors-bound, one coordinate at a time
            q = Q[:, j : j + 1]
            bounds += (
                np.maximum(0, np.maximum(self._low[:, j] - q, q - self._high[:, j]))
                ** 2
            )
        best = np.full((m, k), np.inf), np.full((m, k), len(self.points))
        home = bounds.argmin(axis=1)
        for leaf in np.unique(home):
            self._improve(best, Q, np.flatnonzero(home == leaf), leaf)
        for leaf in bounds.sum(axis=0).argsort():
            could = (bounds[:, leaf] <= best[0][:, -1]) & (home != leaf)
            if could.any():
                self._improve(best, Q, np.flatnonzero(could), leaf)
        return best

    def _improve(
        self, best: tuple, Q: np.ndarray, asked: np.ndarray, leaf: int
    ) -> None:
        """Let one leaf answer some questions; ``best`` is changed in place."""
        rows = self._leaves[leaf]
        self.n_looked_at += len(asked) * len(rows)
        squares = cdist(Q[asked], self.points[rows], "sqeuclidean")
        every = np.hstack([best[0][asked], squares])
        numbers = np.hstack([best[1][asked], np.broadcast_to(rows, squares.shape)])
        order = numbers.argsort(axis=1, kind="stable")  # so that ties go by row number
        every, numbers = (
            np.take_along_axis(a, order, axis=1) for a in (every, numbers)
        )
        kept = smallest(every, best[0].shape[1])
        best[0][asked] = np.take_along_axis(every, kept, axis=1)
        best[1][asked] = np.take_along_axis(numbers, kept, axis=1)


# %% [markdown]
# The classifier around it. In many columns a tree is slower than looking at everything, as will be seen, so
# `"auto"` takes it up to fifteen columns.


# %% tags=["export"]
class KNeighborsClassifier(ClassifierMixin, BaseEstimator):
    """Vote of the k nearest rows, Euclidean.

    Parameters
    ----------
    n_neighbors : int
    algorithm : {"auto", "kd_tree", "brute"}
        The answers are equal; "auto" takes the tree up to 15 columns.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)

    Notes
    -----
    Ties: among equally distant rows the first in the data, among equally frequent
    classes the first in ``classes_``.

    References
    ----------
    Equation eq-neighbors-vote of the page; Cover and Hart (1967).
    """

    def __init__(self, n_neighbors: int = 5, *, algorithm: str = "auto") -> None:
        self.n_neighbors = n_neighbors
        self.algorithm = algorithm

    def fit(self, X: ArrayLike, y: ArrayLike) -> KNeighborsClassifier:
        """Keep X of shape (n, d) and y of shape (n,)."""
        if self.n_neighbors < 1:
            raise ValueError(f"n_neighbors must be at least 1, got {self.n_neighbors}")
        if self.algorithm not in ("auto", "kd_tree", "brute"):
            raise ValueError(
                f"algorithm must be 'auto', 'kd_tree' or 'brute', got {self.algorithm!r}"
            )
        A, target = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(target)
        self.classes_, self._codes = np.unique(target, return_inverse=True)
        by_tree = self.algorithm == "kd_tree" or (
            self.algorithm == "auto" and A.shape[1] <= 15
        )
        self._points, self._tree = A, KDTree(A) if by_tree else None
        return self

    def kneighbors(
        self, X: ArrayLike, n_neighbors: int | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Distances and row numbers of the nearest rows of the fit, both (m, k)."""
        check_is_fitted(self)
        A = validate_data(self, X, dtype=np.float64, reset=False)
        k = self.n_neighbors if n_neighbors is None else n_neighbors
        if not 1 <= k <= len(self._points):
            raise ValueError(
                f"Expected n_neighbors <= n_samples_fit = {len(self._points)}, got {k}"
            )
        if self._tree is not None:
            return self._tree.query(A, k)
        parts = []
        for block in np.array_split(A, len(A) * len(self._points) // 2_000_000 + 1):
            distances = cdist(block, self._points, "sqeuclidean")
            rows = smallest(distances, k)
            parts.append((np.take_along_axis(distances, rows, axis=1), rows))
        squares, rows = (np.concatenate(part) for part in zip(*parts))
        return np.sqrt(squares), rows

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Share of each class among the neighbours, shape (m, K)."""
        _, rows = self.kneighbors(X)
        votes = self._codes[rows]  # (m, k)
        return (votes[:, :, None] == np.arange(len(self.classes_))).mean(axis=1)

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return the most frequent class among the neighbours."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]


# %% [markdown]
# ## Against scikit-learn
#
# Equal neighbours, on measurements without ties. Then data that are *nothing but* ties, whole numbers from 0 to 2,
# against the slow and certain way: sort by distance, then by row.

# %%
X, benign = load_breast_cancer(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
deviations = []
for columns in (3, 30):
    for algorithm in ("kd_tree", "brute"):
        ours = KNeighborsClassifier(7, algorithm=algorithm).fit(
            X[:300, :columns], benign[:300]
        )
        theirs = sklearn.neighbors.KNeighborsClassifier(7).fit(
            X[:300, :columns], benign[:300]
        )
        mine, other = (
            ours.kneighbors(X[300:, :columns]),
            theirs.kneighbors(X[300:, :columns]),
        )
        assert (mine[1] == other[1]).all()
        deviations.append(check_close(mine[0], other[0], atol=1e-9))
claim("neighbors-distance-deviation", max(deviations), at_most=1e-9)

# %%
grid = rng.integers(0, 3, size=(400, 3)).astype(float)
asked = rng.integers(0, 3, size=(100, 3)).astype(float)
# %%
certain = np.argsort(cdist(asked, grid, "sqeuclidean"), axis=1, kind="stable")[:, :5]
differ = sum(
    (KDTree(grid, leaf_size=s).query(asked, 5)[1] != certain).sum() for s in (1, 7, 40)
)
claim("neighbors-ties-resolved-otherwise", differ, equal_to=0)
# %%
verdicts = check_estimator(KNeighborsClassifier(), on_skip=None, on_fail=None)
found = [verdict["status"] for verdict in verdicts]
claim("neighbors-contract-failed", found.count("failed"), equal_to=0)
claim("neighbors-contract-passed", found.count("passed"), at_least=45)

# %% [markdown]
# ## Units, and how many to ask
#
# Distances add up squares of columns. In the raw data the area of a cell nucleus, in the hundreds, decides alone.

# %%
raw, _ = load_breast_cancer(return_X_y=True)
neighbours = np.array([1, 3, 5, 11, 21, 51, 101, 201])


def score(k, scaled):
    steps = [StandardScaler()] if scaled else []
    return cross_val_score(
        make_pipeline(*steps, KNeighborsClassifier(k)), raw, benign, cv=5
    ).mean()


curves = {
    scaled: np.array([score(k, scaled) for k in neighbours]) for scaled in (True, False)
}
claim("neighbors-gain-of-scaling", (curves[True] - curves[False])[3], at_least=0.015)
claim("neighbors-eleven-over-one", curves[True][3] - curves[True][0], at_least=0.005)
claim(
    "neighbors-two-hundred-under-eleven",
    curves[True][3] - curves[True][-1],
    at_least=0.02,
)

# %% mystnb={"figure": {"caption": "Breast cancer, five-fold accuracy against the number of neighbours. One is noisy, two hundred look too far; and without scaling all are worse.", "name": "fig-neighbors-k"}, "image": {"alt": "Two lines over 1 to 201 neighbours on a logarithmic axis. With scaled columns the accuracy rises from 0.95 to 0.97 around ten neighbours and falls to 0.88; in raw units it stays lower throughout."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.4, 3.3))
for n, (scaled, name) in enumerate(((True, "scaled"), (False, "raw units"))):
    color = COLORS[("blue", "orange")[n]]
    axes.semilogx(
        neighbours,
        curves[scaled],
        color=color,
        ls=DASHES[n],
        marker=MARKERS[n],
        label=name,
    )
label_lines(axes)
axes.set_xticks(neighbours, [str(k) for k in neighbours])
axes.set(xlabel="neighbours asked", ylabel="accuracy", xlim=(0.9, 420))
axes.set_title("Ask a few, in fair units")
plt.show()

# %% [markdown]
# *Prediction 1.* Eleven are better than one, as the averaging of noise promised; two hundred are too many. Scaling
# matters more than the number. For a distance, choosing units *is* choosing the model.
#
# ## The curse of dimensionality
#
# In the square the tree looked at some fifteen points. In more dimensions:

# %%
dimensions = np.array([2, 4, 6, 8, 12, 16, 24, 32])


def share_looked_at(d, seed):
    cloud = np.random.default_rng(seed).random((2200, d))
    tree = KDTree(cloud[:2000], leaf_size=10)
    tree.query(cloud[2000:], 1)
    return tree.n_looked_at / (200 * 2000)


# %%
def contrast(d, seed):  # how much farther is the farthest than the nearest?
    cloud = np.random.default_rng(seed).random((2200, d))
    distances = cdist(cloud[2000:], cloud[:2000])
    return np.median(distances.max(axis=1) / distances.min(axis=1))


looked = np.array(
    [seed_band(lambda s, d=d: share_looked_at(d, s), range(3)).mean for d in dimensions]
)
ratio = np.array([contrast(d, 0) for d in dimensions])
claim("neighbors-share-in-2-dimensions", looked[0], at_most=0.03)
claim("neighbors-share-in-16-dimensions", looked[5], at_least=0.6)
claim("neighbors-contrast-in-2-dimensions", ratio[0], at_least=50)
claim("neighbors-contrast-in-32-dimensions", ratio[-1], at_most=3)

# %% [markdown]
# *Prediction 3.* Most of them. The tree still gives the right answer, and saves nothing. The reason is a fact about
# distances, not about trees. For independent coordinates the squared distance is a sum of $d$ terms with mean $\mu$
# and spread $\sigma$: it has the mean $d\mu$ and the spread $\sqrt d\,\sigma$, so its *relative* spread
#
# $$
# \frac{\sqrt d\, \sigma}{d \mu} \propto \frac{1}{\sqrt d}
# $$ (eq-neighbors-concentration)
#
# vanishes {cite:p}`beyer1999nearest`. In 32 dimensions the farthest of 2,000 points is not three times as far as
# the nearest, no box can be excluded, and "nearest" means little. Why, then, did 64 pixels work?

# %%
pixels = KDTree(old, leaf_size=10)
_ = pixels.query(new, 1)
# %%
on_digits = pixels.n_looked_at / compared
shuffled = np.array(
    [rng.permutation(column) for column in images.T]
).T  # ties between pixels cut
# %%
scattered = KDTree(shuffled[:1000], leaf_size=10)
_ = scattered.query(shuffled[1000:], 1)
off_digits = scattered.n_looked_at / compared
claim("neighbors-share-on-digits", on_digits, within=(0.3, 0.9))
claim("neighbors-share-on-shuffled-pixels", off_digits, at_least=0.97)

# %% mystnb={"figure": {"caption": "Share of the points at which the tree has to look, and how much farther the farthest is than the nearest, for uniform points. Digits, with 64 columns, are marked where they fall: like a dozen dimensions, not like 64.", "name": "fig-neighbors-curse"}, "image": {"alt": "Left: share of points looked at against dimension, rising from near 0 at 2 to 1 at 24; a horizontal dashed line for digits crosses it between 8 and 16. Right: ratio of largest to smallest distance on a logarithmic axis, falling from above 50 at 2 dimensions to about 2 at 32."}} tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2, figsize=(7.8, 3.2))
left.plot(dimensions, looked, color=COLORS["blue"], marker=MARKERS[0])
left.axhline(on_digits, color=COLORS["orange"], ls=DASHES[1])
left.text(18, on_digits - 0.09, "digits (64 columns)")
left.set(
    xlabel="dimensions",
    ylabel="share looked at",
    ylim=(0, 1.05),
    title="The tree opens every box",
)
right.semilogy(
    dimensions, ratio, color=COLORS["purple"], marker=MARKERS[2], ls=DASHES[2]
)
right.set(xlabel="dimensions", ylabel="farthest / nearest", title="All are equally far")
right.set_yticks([1, 3, 10, 30, 100], ["1", "3", "10", "30", "100"])
plt.show()

# %% [markdown]
# Because digits do not fill 64 dimensions. Shuffle each pixel among the pictures, which keeps every column and cuts
# the ties between them, and nothing can be left out. What counts is the number of dimensions in which the data
# really extend; {doc}`12_dimensionality_reduction` measures and uses it.
#
# ## In practice


# %%
def seconds(model, X, y):
    times = []
    for _ in range(3):
        begin = time.process_time()
        model.fit(X, y).predict(X)
        times.append(time.process_time() - begin)
    return min(times)


# %% tags=["nbval-ignore-output"]
# Ignored by nbval: processor times differ from run to run.
flat = rng.random((10_000, 3))
cases = {
    "digits, 64 columns": (images, digit),
    "uniform, 3 columns": (flat, (flat[:, 0] > 0.5).astype(int)),
}
ratios = {}
for name, case in cases.items():
    kinds = (KNeighborsClassifier, sklearn.neighbors.KNeighborsClassifier)
    ours, theirs = (seconds(kind(), *case) for kind in kinds)
    ratios[name] = ours / theirs
    print(f"{name}: ours {ours / theirs:.1f} × scikit-learn's time")

# %%
claim("neighbors-time-over-sklearn", max(ratios.values()), at_most=30)
claim(
    "neighbors-digits-cross-validated",
    cross_val_score(KNeighborsClassifier(), images, digit, cv=5).mean(),
    within=(0.95, 0.975),
)

# %% [markdown]
# Without a tree both compute one table of distances; scikit-learn by products of matrices and without ever keeping
# the table, in compiled code. With a tree its recursion is compiled, and ours pays for the small tables of many
# leaves. For millions of rows in many columns one gives up on exactness: approximate
# indexes (HNSW, as in *faiss*) find *nearly* always the nearest.
#
# | What people believe | What exposes it |
# |---|---|
# | No assumptions are made | Units: raw against scaled |
# | One neighbour is most faithful to the data | Its noise: up to twice the unavoidable errors |
# | A tree makes it fast | 16 uniform dimensions: most boxes opened |
# | High dimension dooms it | Digits: what counts is where the data extend |
# | The result is unique | Whole numbers: ties everywhere, so state the rule |
#
# ## Exercises
#
# ```{exercise} Three neighbours and a tie
# :label: ex-neighbors-hand
#
# *check · difficulty 1 of 3 · 10 minutes*
#
# Old points at 0, 1, 3, 5, 6 with classes b, a, a, b, b. What does this page's classifier say at 2 with $k = 1$, at
# 3 with $k = 3$, and at 4 with $k = 4$? Answer with a string of three letters.
# ```


# %%
def test_votes(answer):
    assert answer is not None, "no answer yet"
    assert len(answer) == 3 and set(answer) <= {"a", "b"}, "three letters, a or b"
    assert answer[0] == "a", "1 and 3 are equally far from 2, and both are a"
    assert answer[1] == "a", "3 itself, 1 and 5: two votes of three"
    assert answer[2] == "a", "3, 5, 6 and 1: two votes each, the first class wins"


answer = None  # replace with a string, then run this cell again
_ = try_answer(test_votes, answer)

# %% [markdown]
# ```{solution-start} ex-neighbors-hand
# :class: dropdown
# ```
#
# At 2: both at distance 1 are a. At 3: the point itself (a), then 1 and 5 at distance 2 for *two* places, so both
# vote, a and b: two to one for a. At 4: 3 and 5 at distance 1, 6 at 2, 1 at 3: a, b, b, a, and the first class
# wins.


# %%
def votes_solution():
    old, labels = np.array([[0], [1], [3], [5], [6]]), np.array(list("baabb"))
    cases = ((2, 1), (3, 3), (4, 4))
    return "".join(
        KNeighborsClassifier(k).fit(old, labels).predict([[q]])[0] for q, k in cases
    )


_ = try_answer(test_votes, votes_solution())

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Nearer votes count more
# :label: ex-neighbors-weights
#
# *extend · difficulty 2 of 3 · 20 minutes*
#
# Write `weighted_proba(model, X)`: for a fitted `KNeighborsClassifier`, class shares in which each neighbour counts
# with one over its distance. If some neighbours are at distance 0, only they count.
# ```


# %%
def test_weighted(weighted_proba):
    ours = KNeighborsClassifier(7).fit(X[:300], benign[:300])
    theirs = sklearn.neighbors.KNeighborsClassifier(7, weights="distance").fit(
        X[:300], benign[:300]
    )
    p = weighted_proba(ours, X[300:])
    assert np.allclose(p.sum(axis=1), 1), "shares sum to one"
    assert np.allclose(p, theirs.predict_proba(X[300:])), "one over the distance"
    with np.errstate(all="raise"):
        p = weighted_proba(ours, X[:5])
    assert np.allclose(p, np.eye(2)[benign[:5]]), (
        "at distance 0 the point itself decides"
    )


def weighted_proba(
    model, X
):  # replace the body with your own, then run this cell again
    return model.predict_proba(X)


_ = try_answer(test_weighted, weighted_proba)

# %% [markdown]
# ```{solution-start} ex-neighbors-weights
# :class: dropdown
# ```
#
# Where a row has a zero, replace its weights by ones and zeros before dividing.


# %%
def weighted_proba_solution(model, X):
    distances, rows = model.kneighbors(X)
    zero = distances == 0
    some = zero.any(axis=1, keepdims=True)
    weights = np.where(some, zero, 1 / np.where(zero, 1, distances))
    classes = model._codes[rows][:, :, None] == np.arange(len(model.classes_))
    sums = (weights[:, :, None] * classes).sum(axis=1)
    return sums / sums.sum(axis=1, keepdims=True)


_ = try_answer(test_weighted, weighted_proba_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A tree that helps nobody
# :label: ex-neighbors-worst
#
# *break · difficulty 2 of 3 · 20 minutes*
#
# In the *plane*, where trees shine: return `points` of shape (1000, 2), all different, and one question of shape
# (1, 2), for which `KDTree(points, leaf_size=10)` has to look at every single point.
# ```


# %%
def test_worst(worst):
    points, question = worst()
    assert points.shape == (1000, 2) and question.shape == (1, 2), "shapes"
    assert len(np.unique(points, axis=0)) == 1000, "all different"
    tree = KDTree(points, leaf_size=10)
    tree.query(question, 1)
    assert tree.n_looked_at == 1000, f"it looked at {tree.n_looked_at}"


def worst():  # replace the body with your own, then run this cell again
    rng = np.random.default_rng(0)
    return rng.random((1000, 2)), rng.random((1, 2))


_ = try_answer(test_worst, worst)

# %% [markdown]
# ```{solution-start} ex-neighbors-worst
# :class: dropdown
# ```
#
# Put the points on a circle and the question in its centre: all distances are equal, and every box has a corner
# inside the circle, nearer than any point. Rounding decides nothing, because a box is nearer by far more than that.


# %%
def worst_solution():
    angle = np.linspace(0, 2 * np.pi, 1000, endpoint=False)
    return np.column_stack([np.cos(angle), np.sin(angle)]), np.zeros((1, 2))


_ = try_answer(test_worst, worst_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Forget most of the data
# :label: ex-neighbors-condense
#
# *build · difficulty 2 of 3 · 30 minutes*
#
# Write `condense(X, y)`: row numbers of a subset with which *one* neighbour classifies every row of `X` correctly.
# Begin with the first row; go through the rows in order, add each that the subset gets wrong, and repeat until a
# pass adds none.
# ```


# %%
def test_condense(condense):
    rows = condense(old, digit[:1000])
    assert len(set(rows.tolist())) == len(rows), "a row twice"
    model = KNeighborsClassifier(1).fit(old[rows], digit[rows])
    assert (model.predict(old) == digit[:1000]).all(), "another pass is needed"
    assert len(rows) < 250, f"{len(rows)} rows are too many"
    assert model.score(new, digit[1000:]) > 0.88, "it should still generalise"


def condense(X, y):  # replace the body with your own, then run this cell again
    return np.arange(len(X))


_ = try_answer(test_condense, condense)

# %% [markdown]
# ```{solution-start} ex-neighbors-condense
# :class: dropdown
# ```
#
# About one row in seven remains: those near a border. Rows in the middle of a class are never asked for, since any
# neighbour will do there. The price is a few per cent of accuracy on new digits, as borders are where the noise is.


# %%
def condense_solution(X, y):
    kept = [0]
    while True:
        before = len(kept)
        for i in range(len(X)):
            nearest = kept[((X[kept] - X[i]) ** 2).sum(axis=1).argmin()]
            if y[nearest] != y[i]:
                kept.append(i)
        if len(kept) == before:
            return np.array(kept)


_ = try_answer(test_condense, condense_solution)
share = len(condense_solution(old, digit[:1000])) / 1000
claim("neighbors-share-after-condensing", share, within=(0.08, 0.25))

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In {numref}`fig-neighbors-k` the curve of scaled columns falls on the right. Why?
#
# (a) More neighbours are noisier. (b) The far neighbours belong to other regions, and the frequent class outvotes
# the rare. (c) The tree makes errors. (d) Too few rows are left to train on.
#
# ```{admonition} Answer
# :class: dropdown
# **(b).** With 201 of 455 rows the vote approaches the share of the classes. (a) They are less noisy. (c) The tree
# is exact. (d) The rows are the same for every $k$.
# ```
#
# **2.** A column of pure noise is added, scaled like the others. What happens?
#
# (a) Nothing, it is ignored. (b) All distances grow equally, so nothing. (c) Neighbours change, the more the fewer
# columns there were. (d) The accuracy becomes chance.
#
# ```{admonition} Answer
# :class: dropdown
# **(c).** A distance cannot ignore a column. (a) is what a model with weights could learn. (b) They grow by
# different random amounts. (d) takes many such columns.
# ```
#
# **3.** Training accuracy with $k = 1$ is 1.0. What does it say?
#
# (a) The model is perfect. (b) No two equal rows have different classes, nothing more. (c) The data are easy. (d)
# Scaling was right.
#
# ```{admonition} Answer
# :class: dropdown
# **(b).** Each row is its own nearest neighbour. (a), (c) and (d) need rows that were not kept.
# ```
#
# ## What to remember
#
# Asking the most similar cases needs no fitting and gets far; it makes at most twice the unavoidable errors, and a
# few neighbours do better. The distance is the model, so units matter most. Boxes let a tree leave out nearly all
# points in few dimensions and nearly none in many, because distances become alike there. Real data extend in fewer
# dimensions than they have columns.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
