"""Clustering.

Built in the page `scripts/03_Machine_Learning/10_clustering.py`: edit the page, not this file.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array
from scipy.spatial.distance import cdist, pdist, squareform
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from journey.machine_learning.nearest_neighbors import KDTree

__all__ = [
    "DBSCAN",
    "LINKAGES",
    "AgglomerativeClustering",
    "KMeans",
    "adjusted_rand_index",
    "connected_groups",
    "cut_tree",
    "gap_statistic",
    "k_means_plus_plus",
    "lloyd_step",
    "merge_tree",
    "near_pairs",
    "silhouette_score",
]


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


def _check_number(name: str, value: Any, kind: type, least: float, open_: bool) -> None:
    """Raise a ValueError unless value is a number of that kind, above or at least least."""
    good = isinstance(value, kind) and not isinstance(value, bool)
    if not good or not (value > least if open_ else value >= least):
        bound = f"{'above' if open_ else 'at least'} {least:g}"
        word = "a whole number" if kind is Integral else "a number"
        raise ValueError(f"{name} must be {word} {bound}, got {value!r}")


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


def _first_centers(init: str | ArrayLike, k: int, A: np.ndarray, mean: np.ndarray, rng: Any) -> np.ndarray:
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


class KMeans(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator):
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
                f"found {distinct} distinct clusters, fewer than n_clusters={k}: are there duplicate rows?",
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


LINKAGES = ("single", "complete", "average", "ward")


def _joined(linkage: str, a: np.ndarray, b: np.ndarray, ab: float, sizes: tuple) -> np.ndarray:
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
    joins = _chain(squareform(pdist(A, "sqeuclidean" if ward else "euclidean")), linkage)
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
    pairs = [(c * (c - 1) / 2).sum() for c in (table, *(np.bincount(x).astype(float) for x in (a, b)))]
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
        raise ValueError(f"need {n} labels with 2 to {n - 1} values, got {codes.shape}, {k}")
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
    uniform = [log_inertia(rng.uniform(low, high, A.shape)) for _ in range(n_references)]
    error = np.std(uniform, axis=0) * np.sqrt(1 + 1 / n_references)
    return np.mean(uniform, axis=0) - log_inertia(A), error


# seal: 05503e2426c1a4f9
