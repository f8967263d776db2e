"""Decision trees.

Built in the page `scripts/03_Machine_Learning/06_decision_trees.py`: edit the page, not this file.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

__all__ = [
    "DecisionTreeClassifier",
    "DecisionTreeRegressor",
    "Nodes",
    "descend",
    "grow",
    "prune",
    "rank_columns",
    "weakest_links",
]


class Nodes(NamedTuple):
    """A tree, or several, as arrays over nodes; children come after their parents.

    Attributes
    ----------
    feature : ndarray of int
        The column that is asked, -1 in a leaf.
    threshold : ndarray of float
        Go left if the value is at most this.
    left, right : ndarray of int
        Numbers of the children, -1 in a leaf.
    value : ndarray of shape (n_nodes, K)
        Mean of the target table in the node: shares of the classes, or one mean.
    size : ndarray of int
        Training rows in the node.
    impurity : ndarray of float
        Gini impurity or variance, equation eq-trees-impurity divided by n.
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray
    size: np.ndarray
    impurity: np.ndarray


def rank_columns(X: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Ranks (n, d) of the values in each column, and the sorted distinct values."""
    ranks, values = np.empty(X.shape, dtype=np.int64), []
    for j, column in enumerate(X.T):
        distinct, ranks[:, j] = np.unique(column, return_inverse=True)
        values.append(distinct)
    return ranks, values


def _scores(
    target: np.ndarray,
    place: np.ndarray,
    before: np.ndarray,
    totals: np.ndarray,
    n_left: np.ndarray,
    n_right: np.ndarray,
) -> np.ndarray:
    """Equation eq-trees-score of every cut, (f, n), for rows in the order ``place``."""
    squares, cross = np.zeros(place.shape), np.zeros(place.shape)
    for k in range(target.shape[1]):
        L = np.cumsum(target[place, k], axis=1) - before[:, k]
        squares += L * L
        cross += totals[:, k] * L
    whole = (totals**2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return squares / n_left + (whole - 2 * cross + squares) / n_right


def _best_splits(
    ranks: np.ndarray,
    T: np.ndarray,
    rows: np.ndarray,
    node: np.ndarray,
    size: np.ndarray,
    totals: np.ndarray,
    candidates: np.ndarray,
    n_leaf: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """For each node the best cut among its candidate features, equation eq-trees-score.

    ``rows`` and ``node`` say which row stands in which node, ``candidates`` (f, m) which
    features a node may ask. Returns score, feature, and the ranks below and above the cut.
    """
    n, m, R = len(rows), len(size), int(ranks.max()) + 1
    start = np.cumsum(size) - size
    owner = np.repeat(np.arange(m), size)  # the node of each place after sorting
    before = (np.cumsum(totals, axis=0) - totals)[owner]  # sums of earlier nodes
    n_left = np.arange(n) - start[owner] + 1
    n_right = size[owner] - n_left
    allowed = (n_left >= n_leaf) & (n_right >= n_leaf)
    best, feature = np.full(m, -np.inf), np.zeros(m, dtype=int)
    low, high = np.zeros(m, dtype=int), np.zeros(m, dtype=int)
    target = T[rows]
    for first in range(0, len(candidates), max(1, 2**18 // n)):  # bounded memory
        asked = candidates[first : first + max(1, 2**18 // n)]
        key = ranks[rows, asked[:, node]]  # (f, n)
        key = (key + node * R) * n + np.arange(n)
        key.sort(axis=1)  # equation eq-trees-key
        place, key = key % n, key // n
        cut = np.zeros(key.shape, dtype=bool)
        cut[:, :-1] = key[:, 1:] != key[:, :-1]
        score = _scores(target, place, before, totals[owner], n_left, n_right)
        score = np.where(cut & allowed, score, -np.inf)
        top = np.maximum.reduceat(score, start, axis=1)  # (f, m)
        winner = top.argmax(axis=0)
        top = top[winner, np.arange(m)]
        hit = (score[winner[owner], np.arange(n)] == top[owner]) & (top > best)[owner]
        at = np.flatnonzero(hit)
        won, once = np.unique(owner[at], return_index=True)
        at = at[once]
        best[won], feature[won] = top[won], asked[winner[won], won]
        low[won], high[won] = key[winner[won], at] % R, key[winner[won], at + 1] % R
    return best, feature, low, high


def grow(
    ranks: np.ndarray,
    values: list[np.ndarray],
    T: np.ndarray,
    rows: np.ndarray,
    root: np.ndarray,
    *,
    max_depth: int | None = None,
    min_samples_split: int = 2,
    min_samples_leaf: int = 1,
    max_features: int | None = None,
    rng: np.random.Generator | None = None,
) -> Nodes:
    """Grow trees level by level.

    Parameters
    ----------
    ranks, values
        Of ``rank_columns``.
    T : ndarray of shape (n, K)
        One-hot classes, or one column of numbers (centred, so that no digits are lost).
    rows, root : ndarray of shape (a,)
        Rows that are used, a row perhaps often, and the tree 0, 1, … of each.
    max_features : int, optional
        Features drawn for each node; all by default.

    Returns
    -------
    Nodes
        Tree t has the root t.
    """
    d, node, depth, n_nodes = ranks.shape[1], root, 0, int(root.max()) + 1
    norm, levels = (T**2).sum(axis=1), []
    m = n_nodes
    while m:
        size = np.bincount(node, minlength=m)
        totals = np.stack([np.bincount(node, t[rows], m) for t in T.T], axis=1)
        spread = np.bincount(node, norm[rows], m)
        impurity = np.maximum(spread - (totals**2).sum(axis=1) / size, 0)
        split = size >= max(min_samples_split, 2 * min_samples_leaf)
        split &= (impurity > 1e-12 * spread) & (max_depth is None or depth < max_depth)
        feature, left = np.full(m, -1), np.full(m, -1)
        threshold, grown = np.zeros(m), np.zeros(0, dtype=int)
        if split.any():
            open_ = np.flatnonzero(split)
            renumber = np.cumsum(split) - 1
            rows, node = rows[split[node]], renumber[node[split[node]]]
            asked = np.broadcast_to(np.arange(d)[:, None], (d, len(open_)))
            if max_features is not None and max_features < d and rng is not None:
                chance = rng.random((d, len(open_)))
                asked = chance.argsort(axis=0)[:max_features]
            given = ranks, T, rows, node, size[open_], totals[open_], asked
            best, ask, low, high = _best_splits(*given, min_samples_leaf)
            found = np.isfinite(best)
            grown = open_[found]
            feature[grown] = ask[found]
            cuts = zip(ask[found], low[found], high[found], strict=True)
            threshold[grown] = [(values[j][a] / 2 + values[j][b] / 2) for j, a, b in cuts]
            left[grown] = n_nodes + 2 * np.arange(len(grown))
            rows, node = rows[found[node]], node[found[node]]
            above = ranks[rows, ask[node]] > low[node]
            node = 2 * (np.cumsum(found) - 1)[node] + above
        right = np.where(left >= 0, left + 1, -1)
        value = totals / size[:, None]
        level = (feature, threshold, left, right, value, size, impurity / size)
        levels.append(level)
        m, depth = 2 * len(grown), depth + 1
        n_nodes += m
    return Nodes(*[np.concatenate(parts) for parts in zip(*levels, strict=True)])


def descend(nodes: Nodes, X: np.ndarray, root: int = 0) -> np.ndarray:
    """The leaf (n,) that each row of X reaches; all rows take a step together."""
    at = np.full(len(X), root)
    while True:
        inner = np.flatnonzero(nodes.feature[at] >= 0)
        if not len(inner):
            return at
        here = at[inner]
        goes_left = X[inner, nodes.feature[here]] <= nodes.threshold[here]
        at[inner] = np.where(goes_left, nodes.left[here], nodes.right[here])


def weakest_links(nodes: Nodes) -> np.ndarray:
    """For each inner node the alpha from which on it is a leaf; infinite for leaves.

    References
    ----------
    Equation eq-trees-link; Breiman et al. (1984), chapter 3.
    """
    n_nodes = len(nodes.feature)
    own = nodes.size / nodes.size[0] * nodes.impurity
    branch, leaves = own.copy(), np.ones(n_nodes)
    parent, inner = np.full(n_nodes, -1), np.flatnonzero(nodes.left >= 0)
    for t in inner[::-1]:  # children come after their parents
        pair = [nodes.left[t], nodes.right[t]]
        branch[t], leaves[t], parent[pair] = branch[pair].sum(), leaves[pair].sum(), t
    link, alpha, now = np.full(n_nodes, np.inf), np.full(n_nodes, np.inf), 0.0
    link[inner] = (own[inner] - branch[inner]) / (leaves[inner] - 1)
    while np.isfinite(link[0]):
        t = int(link.argmin())
        now = max(now, float(link[t]))
        alpha[t] = now
        saved, fewer, below = own[t] - branch[t], leaves[t] - 1, [t]
        while below:  # nothing inside can be cut any more
            s = below.pop()
            link[s] = np.inf
            below += [] if nodes.left[s] < 0 else [nodes.left[s], nodes.right[s]]
        up = parent[t]
        while up >= 0:
            branch[up] += saved
            leaves[up] -= fewer
            link[up] = max(0.0, (own[up] - branch[up]) / (leaves[up] - 1))
            up = parent[up]
    return alpha


def prune(nodes: Nodes, alpha: float) -> Nodes:
    """The smallest subtree that minimises equation eq-trees-cost."""
    cut = weakest_links(nodes) <= alpha
    kept = np.zeros(len(cut), dtype=bool)
    kept[0] = True
    for t in np.flatnonzero(nodes.left >= 0):
        if kept[t] and not cut[t]:
            kept[[nodes.left[t], nodes.right[t]]] = True
    leaf = cut | (nodes.left < 0)
    number = np.append(np.cumsum(kept) - 1, -1)  # number[-1] stays -1
    return Nodes(
        np.where(leaf, -1, nodes.feature)[kept],
        np.where(leaf, 0, nodes.threshold)[kept],
        number[np.where(leaf, -1, nodes.left)][kept],
        number[np.where(leaf, -1, nodes.right)][kept],
        nodes.value[kept],
        nodes.size[kept],
        nodes.impurity[kept],
    )


class _Tree(BaseEstimator):
    """Growing, pruning and asking; the subclass says what the target is."""

    def __init__(
        self,
        max_depth: int | None = None,
        min_samples_split: int = 2,
        min_samples_leaf: int = 1,
        max_features: int | None = None,
        ccp_alpha: float = 0.0,
        random_state: int | None = None,
    ) -> None:
        self.max_depth = max_depth
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.max_features = max_features
        self.ccp_alpha = ccp_alpha
        self.random_state = random_state

    def _grow(self, X: np.ndarray, T: np.ndarray) -> None:
        counts = {
            "max_depth": (self.max_depth, 1),
            "min_samples_split": (self.min_samples_split, 2),
            "min_samples_leaf": (self.min_samples_leaf, 1),
            "max_features": (self.max_features, 1),
        }
        for name, (value, least) in counts.items():
            if value is not None and value < least:
                raise ValueError(f"{name} must be at least {least}, got {value}")
        if not self.ccp_alpha >= 0:
            raise ValueError(f"ccp_alpha must not be negative, got {self.ccp_alpha}")
        ranks, values = rank_columns(X)
        nodes = grow(
            ranks,
            values,
            T,
            np.arange(len(X)),
            np.zeros(len(X), dtype=int),
            max_depth=self.max_depth,
            min_samples_split=self.min_samples_split,
            min_samples_leaf=self.min_samples_leaf,
            max_features=self.max_features,
            rng=np.random.default_rng(self.random_state),
        )
        self.nodes_ = nodes if self.ccp_alpha == 0 else prune(nodes, self.ccp_alpha)

    def apply(self, X: ArrayLike) -> np.ndarray:
        """The number of the leaf that each row reaches, (n,)."""
        check_is_fitted(self)
        return descend(self.nodes_, validate_data(self, X, dtype=float, reset=False))

    def get_depth(self) -> int:
        """Questions on the longest way to a leaf."""
        check_is_fitted(self)
        depth = np.zeros(len(self.nodes_.left), dtype=int)
        for t in np.flatnonzero(self.nodes_.left >= 0):
            depth[[self.nodes_.left[t], self.nodes_.right[t]]] = depth[t] + 1
        return int(depth.max())

    def get_n_leaves(self) -> int:
        """How many leaves."""
        check_is_fitted(self)
        return int((self.nodes_.left < 0).sum())


class DecisionTreeClassifier(ClassifierMixin, _Tree):
    """A tree of questions "is this at most that", grown by Gini impurity.

    Parameters
    ----------
    max_depth : int or None
        Questions on a way, at most.
    min_samples_split, min_samples_leaf : int
        Rows that a node needs to be split, and that each side must keep.
    max_features : int or None
        Features drawn at random for each node; None asks all.
    ccp_alpha : float
        Price of a leaf, equation eq-trees-cost.
    random_state : int or None
        For ``max_features``. Ties go to the first feature and the lowest threshold.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
    nodes_ : Nodes

    Raises
    ------
    ValueError
        For parameters out of range, missing values, or a target that is not classes.

    References
    ----------
    Breiman, Friedman, Olshen & Stone (1984), Classification and Regression Trees.
    """

    def fit(self, X: ArrayLike, y: ArrayLike) -> DecisionTreeClassifier:
        """Grow from X (n, d) and labels y (n,)."""
        data, labels = validate_data(self, X, y, dtype=float)
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        self._grow(data, np.eye(len(self.classes_))[codes])
        return self

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Shares of the classes in each row's leaf, (n, K)."""
        leaves = self.apply(X)
        return self.nodes_.value[leaves]

    def predict(self, X: ArrayLike) -> np.ndarray:
        """The most frequent class in each row's leaf, (n,)."""
        index = self.predict_proba(X).argmax(axis=1)
        return self.classes_[index]


class DecisionTreeRegressor(RegressorMixin, _Tree):
    """The same for numbers: squared error, and the mean in each leaf.

    Parameters and attributes are those of `DecisionTreeClassifier`, except ``classes_``.
    """

    def fit(self, X: ArrayLike, y: ArrayLike) -> DecisionTreeRegressor:
        """Grow from X (n, d) and numbers y (n,)."""
        data, target = validate_data(self, X, y, dtype=float, y_numeric=True)
        target = np.asarray(target, dtype=float)
        centre = target.mean()
        self._grow(data, (target - centre)[:, None])
        self.nodes_ = self.nodes_._replace(value=self.nodes_.value + centre)
        return self

    def predict(self, X: ArrayLike) -> np.ndarray:
        """The mean of the training rows in each row's leaf, (n,)."""
        leaves = self.apply(X)
        return self.nodes_.value[leaves, 0]


# seal: bc1c17a50e16ff4d
