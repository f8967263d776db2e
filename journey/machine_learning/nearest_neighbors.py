"""Nearest neighbours.

Built in the page `scripts/03_Machine_Learning/04_nearest_neighbors.py`: edit the page, not this file.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

__all__ = ["KDTree", "KNeighborsClassifier", "smallest"]


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
    columns = np.nonzero(kept)[1].reshape(len(distances), k)  # ascending: first in the data
    values = np.take_along_axis(distances, columns, axis=1)
    return np.take_along_axis(columns, values.argsort(axis=1, kind="stable"), axis=1)


def _split(points: np.ndarray, rows: np.ndarray, leaf_size: int) -> list[np.ndarray]:
    """Leaves of a k-d tree: halve at the median of the widest coordinate."""
    if len(rows) <= leaf_size:
        return [np.sort(rows)]
    axis = np.ptp(points[rows], axis=0).argmax()
    half = len(rows) // 2
    order = rows[np.argpartition(points[rows, axis], half)]
    return [leaf for part in (order[:half], order[half:]) for leaf in _split(points, part, leaf_size)]


def _table(X: ArrayLike, name: str) -> np.ndarray:
    A = np.asarray(X, dtype=float)
    if A.ndim != 2 or 0 in A.shape or not np.isfinite(A).all():
        wanted = "a table (n, d) of finite numbers"
        raise ValueError(f"{name} must be {wanted}, got shape {A.shape}")
    return A


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
            raise ValueError(f"need {d} columns and k from 1 to {n}, got {questions.shape}, k={k}")
        self.n_looked_at = 0
        parts = [self._block(block, k) for block in np.array_split(questions, len(questions) // 2000 + 1)]
        squares, rows = (np.concatenate(part) for part in zip(*parts))
        return np.sqrt(squares), rows

    def _block(self, Q: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        m = len(Q)
        bounds = np.zeros((m, len(self._leaves)))
        for j in range(Q.shape[1]):  # eq-neighbors-bound, one coordinate at a time
            q = Q[:, j : j + 1]
            bounds += np.maximum(0, np.maximum(self._low[:, j] - q, q - self._high[:, j])) ** 2
        best = np.full((m, k), np.inf), np.full((m, k), len(self.points))
        home = bounds.argmin(axis=1)
        for leaf in np.unique(home):
            self._improve(best, Q, np.flatnonzero(home == leaf), leaf)
        for leaf in bounds.sum(axis=0).argsort():
            could = (bounds[:, leaf] <= best[0][:, -1]) & (home != leaf)
            if could.any():
                self._improve(best, Q, np.flatnonzero(could), leaf)
        return best

    def _improve(self, best: tuple, Q: np.ndarray, asked: np.ndarray, leaf: int) -> None:
        """Let one leaf answer some questions; ``best`` is changed in place."""
        rows = self._leaves[leaf]
        self.n_looked_at += len(asked) * len(rows)
        squares = cdist(Q[asked], self.points[rows], "sqeuclidean")
        every = np.hstack([best[0][asked], squares])
        numbers = np.hstack([best[1][asked], np.broadcast_to(rows, squares.shape)])
        order = numbers.argsort(axis=1, kind="stable")  # so that ties go by row number
        every, numbers = (np.take_along_axis(a, order, axis=1) for a in (every, numbers))
        kept = smallest(every, best[0].shape[1])
        best[0][asked] = np.take_along_axis(every, kept, axis=1)
        best[1][asked] = np.take_along_axis(numbers, kept, axis=1)


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
            raise ValueError(f"algorithm must be 'auto', 'kd_tree' or 'brute', got {self.algorithm!r}")
        A, target = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(target)
        self.classes_, self._codes = np.unique(target, return_inverse=True)
        by_tree = self.algorithm == "kd_tree" or (self.algorithm == "auto" and A.shape[1] <= 15)
        self._points, self._tree = A, KDTree(A) if by_tree else None
        return self

    def kneighbors(self, X: ArrayLike, n_neighbors: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Distances and row numbers of the nearest rows of the fit, both (m, k)."""
        check_is_fitted(self)
        A = validate_data(self, X, dtype=np.float64, reset=False)
        k = self.n_neighbors if n_neighbors is None else n_neighbors
        if not 1 <= k <= len(self._points):
            raise ValueError(f"Expected n_neighbors <= n_samples_fit = {len(self._points)}, got {k}")
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


# seal: ef0cd0e6fa7b9269
