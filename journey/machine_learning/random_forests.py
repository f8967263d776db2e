"""Random forests.

Built in the page `scripts/03_Machine_Learning/07_random_forests.py`: edit the page, not this file.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from journey.machine_learning.decision_trees import Nodes, grow, rank_columns

__all__ = ["RandomForestClassifier"]


def _owners(nodes: Nodes, n_trees: int) -> np.ndarray:
    """The tree to which each node belongs; tree t has the root t."""
    owner = np.full(len(nodes.feature), -1)
    level = np.arange(n_trees)
    owner[level] = level
    while len(level):
        inner = level[nodes.left[level] >= 0]
        for side in (nodes.left, nodes.right):
            owner[side[inner]] = owner[inner]
        level = np.concatenate([nodes.left[inner], nodes.right[inner]])
    return owner


def _descend_all(nodes: Nodes, X: np.ndarray, n_trees: int) -> np.ndarray:
    """The leaves (n_trees, n) that the rows reach in each tree."""
    at = np.repeat(np.arange(n_trees), len(X))
    row = np.tile(np.arange(len(X)), n_trees)
    active = np.flatnonzero(nodes.feature[at] >= 0)
    while len(active):
        here = at[active]
        goes_left = X[row[active], nodes.feature[here]] <= nodes.threshold[here]
        at[active] = np.where(goes_left, nodes.left[here], nodes.right[here])
        active = active[nodes.feature[at[active]] >= 0]
    return at.reshape(n_trees, len(X))


def _importances(nodes: Nodes, n_trees: int, n_features: int) -> np.ndarray:
    """Decrease of impurity by feature in each tree, shares, (n_trees, n_features)."""
    inner = np.flatnonzero(nodes.left >= 0)
    weighted = nodes.size * nodes.impurity
    drop = weighted[inner] - weighted[nodes.left[inner]] - weighted[nodes.right[inner]]
    place = _owners(nodes, n_trees)[inner] * n_features + nodes.feature[inner]
    sums = np.bincount(place, drop, n_trees * n_features).reshape(n_trees, -1)
    total = sums.sum(axis=1, keepdims=True)
    return np.divide(sums, total, out=np.zeros_like(sums), where=total > 0)


class _Forest(ClassifierMixin, BaseEstimator):
    """Asking a forest; the subclass grows it."""

    classes_: np.ndarray
    forest_: list[tuple[Nodes, int]]
    n_features_in_: int

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Shares of the classes in the leaves, averaged over trees, (n, K)."""
        check_is_fitted(self)
        data = validate_data(self, X, dtype=float, reset=False)
        total = np.zeros((len(data), len(self.classes_)))
        n_trees = sum(count for _nodes, count in self.forest_)
        for nodes, count in self.forest_:
            step = max(1, 2**20 // count)  # bounded memory
            for first in range(0, len(data), step):
                leaves = _descend_all(nodes, data[first : first + step], count)
                total[first : first + step] += nodes.value[leaves].sum(axis=0)
        return total / n_trees

    def predict(self, X: ArrayLike) -> np.ndarray:
        """The class with the largest mean share, (n,)."""
        index = self.predict_proba(X).argmax(axis=1)
        return self.classes_[index]

    @property
    def feature_importances_(self) -> np.ndarray:
        """Decrease of impurity by column, averaged over trees, (d,); sums to one.

        It is computed on the training rows and favours columns with many values: see
        the page.
        """
        check_is_fitted(self)
        d = self.n_features_in_
        shares = [_importances(nodes, count, d) for nodes, count in self.forest_]
        mean = np.concatenate(shares).mean(axis=0)
        return mean / mean.sum() if mean.sum() > 0 else mean


def _columns_per_node(forest: RandomForestClassifier, d: int) -> int:
    """How many columns a node may choose among, once all parameters are in range."""
    for name in ("n_estimators", "max_depth", "min_samples_leaf"):
        value = getattr(forest, name)
        if value is not None and value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
    wanted = forest.max_features
    if wanted is None:
        return d
    if wanted == "sqrt":
        return max(1, int(d**0.5))
    if isinstance(wanted, str) or not 1 <= wanted <= d:
        raise ValueError(f"max_features is 'sqrt', None or 1 to {d}, got {wanted!r}")
    return int(wanted)


class RandomForestClassifier(_Forest):
    """Trees on bootstrap samples, with random columns at each node, averaged.

    Parameters
    ----------
    n_estimators : int
        Trees.
    max_features : "sqrt", int or None
        Columns that a node may choose among; None is all.
    max_depth, min_samples_leaf
        As in `DecisionTreeClassifier`.
    oob_score : bool
        Whether to judge each row by the trees that have not seen it.
    random_state : int or None

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
    forest_ : list of (Nodes, number of trees)
    oob_score_ : float
        Accuracy on out-of-bag rows.
    oob_decision_function_ : ndarray of shape (n, K)
        Probabilities for the training rows; NaN for a row that every tree has seen.

    Raises
    ------
    ValueError
        For parameters out of range, missing values, or a target that is not classes.

    References
    ----------
    Breiman (2001), doi:10.1023/A:1010933404324.
    """

    def __init__(
        self,
        n_estimators: int = 100,
        max_features: str | int | None = "sqrt",
        max_depth: int | None = None,
        min_samples_leaf: int = 1,
        oob_score: bool = False,
        random_state: int | None = None,
    ) -> None:
        self.n_estimators = n_estimators
        self.max_features = max_features
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.oob_score = oob_score
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> RandomForestClassifier:
        """Grow from X (n, d) and labels y (n,)."""
        data, labels = validate_data(self, X, y, dtype=float)
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        n, d = data.shape
        T, (ranks, values) = np.eye(len(self.classes_))[codes], rank_columns(data)
        limits: dict[str, Any] = {
            "max_depth": self.max_depth,
            "min_samples_leaf": self.min_samples_leaf,
            "max_features": _columns_per_node(self, d),
        }
        rng = np.random.default_rng(self.random_state)
        self.forest_, seen_by_none = [], np.zeros((n, len(self.classes_)))
        together = max(1, 30_000 // n)  # trees that are grown at once
        for first in range(0, self.n_estimators, together):
            count = min(together, self.n_estimators - first)
            rows = rng.integers(n, size=(count, n))
            root = np.repeat(np.arange(count), n)
            nodes = grow(ranks, values, T, rows.ravel(), root, rng=rng, **limits)
            self.forest_.append((nodes, count))
            if self.oob_score:
                unseen = np.ones((count, n), dtype=bool)
                unseen[root, rows.ravel()] = False
                leaves = _descend_all(nodes, data, count)
                seen_by_none += (nodes.value[leaves] * unseen[:, :, None]).sum(axis=0)
        if self.oob_score:
            total = seen_by_none.sum(axis=1, keepdims=True)
            with np.errstate(invalid="ignore"):
                self.oob_decision_function_ = seen_by_none / total
            judged = total[:, 0] > 0
            right = seen_by_none.argmax(axis=1) == codes
            self.oob_score_ = float(right[judged].mean()) if judged.any() else np.nan
        return self


# seal: 4a454ba3f396f0a5
