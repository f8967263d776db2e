# %% [markdown]
# # Decision trees
#
# Which questions, asked in which order, tell the classes apart, and when should one stop asking?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `DecisionTreeClassifier` and `DecisionTreeRegressor` (CART), grown a level at a time, pruned by
#   cost and complexity
# - **You need** trees and recursion ({doc}`../01_Mathematics/12_graphs_and_complexity`), variance
#   ({doc}`../01_Mathematics/08_probability`), bias and variance ({doc}`01_learning_theory`)
# - **Checked against** scikit-learn (splits, pruning path, accuracy, `check_estimator`), a search by hand
# - **Time** 35 minutes to read, 60 to code
# - **Data** penguins (CC0); adults of the census of 1994 (UCI, CC BY 4.0); digits, breast cancer (scikit-learn,
#   BSD-3); flights (CC0)
# ````

# %%
from __future__ import annotations

import cProfile
import itertools
import pstats
import time
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import sklearn.tree
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from journey.orientation.checks import check_close, claim, try_answer
from journey.orientation.datasets import load_adult, load_flights, load_penguins
from journey.orientation.figures import COLORS, DASHES, MARKERS, use_journey_style

use_journey_style()

# %% [markdown]
# ## Two questions about a penguin
#
# Three species, four measurements. How far does one get with two questions of the form "is this number at most …"?
# scikit-learn finds the best ones:

# %%
measures = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
birds = load_penguins().dropna(subset=measures)
P = birds[measures].to_numpy(float)  # (342, 4)
species = birds["species"].to_numpy(str)
short = sklearn.tree.DecisionTreeClassifier(max_depth=2, random_state=0).fit(P, species)
print(sklearn.tree.export_text(short, feature_names=measures, decimals=1))
claim("trees-two-questions-are-right", short.score(P, species), within=(0.93, 0.97))

# %% [markdown]
# Nineteen birds of twenty, by a model that fits on a card and can be argued with. No other model of this book
# explains itself so well. This page finds such questions, all at once, and then shows what the explanation is
# worth.
#
# ## Predict
#
# 1. A tree is grown on the census until every leaf is pure. What is its accuracy in training, and how much does
#    cutting off
#    nine tenths of its leaves cost on new people?
# 2. Leave out a random twentieth of the tumours and grow the tree again. How often is the second question the same?
# 3. Two classes in the four corners of a square, equal corners opposite. How much does the best first question gain?

# %% [markdown]
# ## One sum for both kinds of trees
#
# A good question leaves groups that are pure. For classes, impurity is the probability that two members of a group
# drawn with replacement differ, the **Gini impurity**; for numbers, the variance. With the group's $n$ members and
# sums $S_k$,
#
# $$
# n\, G = n \Bigl( 1 - \sum_k p_k^2 \Bigr) = n - \frac1n \sum_k S_k^2 ,
# \qquad
# n\, V = \sum_i (y_i - \bar y)^2 = \sum_i y_i^2 - \frac{S^2}{n} ,
# $$ (eq-trees-impurity)
#
# where $S_k$ counts class $k$, and $S$ sums the numbers. Write classes as a table $\mathbf{T}$ of zeros and ones,
# numbers as a table with one column: both say *constant minus $\sum_k S_k^2 / n$*. The first terms do not change
# when a group is split. So one search serves both: maximise
#
# $$
# Q = \frac{1}{n_L} \sum_k L_k^2 + \frac{1}{n_R} \sum_k R_k^2 ,
# \qquad L_k + R_k = S_k ,
# $$ (eq-trees-score)
#
# over all features and thresholds {cite:p}`breiman1984classification`. By the inequality of Cauchy and Schwarz
# $Q \ge \sum_k S_k^2 / n$, with equality only if both sides have the same composition: a split never hurts the
# training score.
#
# By hand: $x = 1, 2, 3, 4$ with classes a, a, b, a. Whole: $(3^2 + 1^2)/4 = 2.5$. Cut after 1:
# $1 + (2^2 + 1^2)/3 = 2.67$. After 2: $2^2/2 + (1 + 1)/2 = 3$. After 3: $(2^2 + 1)/3 + 1 = 2.67$. The second
# question wins.


# %%
def best_cut_naive(x, T):
    """All cuts of one feature, one after another: O(n²)."""
    best = (-np.inf, None)
    values = np.unique(x)
    for low, high in itertools.pairwise(values):
        sides = T[x <= low], T[x > low]
        score = sum((side.sum(axis=0) ** 2).sum() / len(side) for side in sides)
        best = max(best, (score, (low + high) / 2))
    return best


def best_cut(x, T):
    """The same in one pass over the sorted rows: O(n log n)."""
    order = np.argsort(x, kind="stable")
    L = T[order].cumsum(axis=0)[:-1]  # sums on the left of each cut, (n - 1, K)
    R = T.sum(axis=0) - L
    n_left = np.arange(1, len(x))
    score = (L**2).sum(1) / n_left + (R**2).sum(1) / (len(x) - n_left)
    score[np.diff(x[order]) == 0] = -np.inf  # no cut between equal values
    at = score.argmax()
    return score[at], x[order][at : at + 2].mean()


# %%
x, T = np.array([1.0, 2, 3, 4]), np.eye(2)[[0, 0, 1, 0]]
print("by hand:", best_cut(x, T))
three = np.eye(3)[pd.factorize(species)[0]]
for j, name in enumerate(measures):
    score, cut = best_cut(P[:, j], three)
    assert np.allclose(best_cut_naive(P[:, j], three), (score, cut))
    print(f"{name:18} Q = {score:.1f} at {cut:.2f}")

# %% [markdown]
# The flipper wins, as on the card above. What is $Q$ good for is seen as a curve:

# %% mystnb={"figure": {"caption": "The score of every cut of two features. Its highest point is the first question of the tree; the bill's length comes close, a reason for what follows below.", "name": "fig-trees-score"}, "image": {"alt": "Two panels with penguins as dots in three rows by species against flipper length and bill length, and above them a curve of the score Q over the threshold with its maximum marked by a vertical line."}} tags=["hide-input"]
figure, panels = plt.subplots(
    2, 2, figsize=(7.4, 4.2), sharex="col", height_ratios=[1.3, 1]
)
for column, j in enumerate((2, 0)):
    order = np.argsort(P[:, j], kind="stable")
    L = three[order].cumsum(axis=0)[:-1]
    n_left = np.arange(1, len(P))
    Q = (L**2).sum(1) / n_left + ((three.sum(0) - L) ** 2).sum(1) / (len(P) - n_left)
    valid = np.diff(P[order, j]) > 0
    middle = (P[order, j][1:] + P[order, j][:-1]) / 2
    panels[0, column].plot(middle[valid], Q[valid], color=COLORS["ink"])
    cut = middle[valid][Q[valid].argmax()]
    for axes in panels[:, column]:
        axes.axvline(cut, color=COLORS["red"], ls="--", lw=1.2)
    for row, (name, color, marker) in enumerate(
        zip(
            ("Adelie", "Chinstrap", "Gentoo"),
            ("blue", "orange", "purple"),
            "os^",
            strict=True,
        )
    ):
        some = P[species == name, j]
        jitter = row + 0.25 * np.random.default_rng(0).uniform(-1, 1, len(some))
        panels[1, column].plot(
            some, jitter, marker, ms=3, mfc="none", color=COLORS[color]
        )
    panels[0, column].set(
        ylim=(115, 245), title=measures[j].replace("_mm", "").replace("_", " ")
    )
    panels[1, column].set(yticks=[0, 1, 2], xlabel="mm")
    panels[1, column].set_yticklabels(
        ["Adelie", "Chinstrap", "Gentoo"] if column == 0 else []
    )
panels[0, 0].set_ylabel("score Q")
plt.show()

# %% [markdown]
# ## A level at a time
#
# The textbook grows a tree by recursion: find the best question, split, call yourself twice. In Python each node
# then costs some hundred microseconds, and a tree has thousands. NumPy wants long arrays, so here all nodes of a
# *level* are searched together. Only the *order* of a feature's values matters; replace them by ranks. For each
# feature make one number per row,
#
# $$
# \text{key} = (\text{node} \cdot R + \text{rank}) \cdot n + \text{position} ,
# $$ (eq-trees-key)
#
# with $R$ ranks and $n$ rows, and sort: the rows now lie node by node, and within a node by value. Running sums,
# minus what stood before the node, are the $L_k$ of *all* cuts in *all* nodes, and `maximum.reduceat` takes the
# largest of each node.


# %% tags=["export"]
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


# %% tags=["export"]
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


# %% tags=["export"]
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


# %% [markdown]
# The loop over levels: who may be split, the best questions, two children each. With several *roots* it grows
# several trees at once, and with `max_features` each node draws the features it may ask; both are for forests.


# %% tags=["export"]
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
            threshold[grown] = [
                (values[j][a] / 2 + values[j][b] / 2) for j, a, b in cuts
            ]
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


# %% tags=["export"]
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


# %% [markdown]
# ## Pruning: what is a leaf worth?
#
# A tree grown to the end has learnt the noise. Charge $\alpha$ for each leaf, and ask for the subtree with the
# smallest
#
# $$
# R_\alpha = \sum_{\text{leaves}} \frac{n_t}{n} G_t + \alpha \cdot (\text{number of leaves}) .
# $$ (eq-trees-cost)
#
# At which $\alpha$ does it pay to make node $t$ a leaf? When what its branch $B_t$ saves is less than its leaves
# cost:
#
# $$
# g_t = \frac{\frac{n_t}{n} G_t - \sum_{s \in B_t} \frac{n_s}{n} G_s}{|B_t| - 1} \le \alpha .
# $$ (eq-trees-link)
#
# Cut the **weakest link**, the smallest $g_t$, update its ancestors, and go on to the root: a nested sequence of
# trees, one of which is the best for any $\alpha$ {cite:p}`breiman1984classification`.


# %% tags=["export"]
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


# %% [markdown]
# The estimators add labels and checks. What they share:


# %% tags=["export"]
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


# %% tags=["export"]
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


# %% [markdown]
# ## The same tree, node by node
#
# Where the best split is unique, ours and scikit-learn's must ask the same question. In small groups it often is
# not: two questions can separate seventeen tumours perfectly. So walk both trees together, and count nodes that
# agree, ties (another question with exactly the same gain), and true differences.


# %%
def compare(ours, theirs):
    """Walk both trees together: nodes with the same question, ties, and others."""
    a, b = ours.nodes_, theirs.tree_
    weight_a, weight_b = a.size * a.impurity, b.n_node_samples * b.impurity
    same, ties, others, pairs = 0, 0, 0, [(0, 0)]
    while pairs:
        s, t = pairs.pop()
        if b.feature[t] < 0 or a.feature[s] < 0:
            same += b.feature[t] < 0 and a.feature[s] < 0
            others += (b.feature[t] < 0) != (a.feature[s] < 0)
            continue
        mine, yours = (a.left[s], a.right[s]), (b.children_left[t], b.children_right[t])
        equal_cut = abs(a.threshold[s] - b.threshold[t]) < 1e-4 * max(
            1, abs(b.threshold[t])
        )
        if a.feature[s] == b.feature[t] and equal_cut:
            same += 1
            pairs += list(zip(mine, yours, strict=True))
        elif np.isclose(weight_a[[*mine]].sum(), weight_b[[*yours]].sum()):
            ties += 1  # another question, exactly as good
        else:
            others += 1
    return same, ties, others


# %%
tumours, benign = load_breast_cancer(return_X_y=True)
rng = np.random.default_rng(0)
smooth = rng.normal(size=(3000, 5))
wave = (
    np.sin(3 * smooth[:, 0]) + smooth[:, 1] * smooth[:, 2] + 0.1 * rng.normal(size=3000)
)
cases = {
    "penguins": (DecisionTreeClassifier, P, species, 6),
    "tumours": (DecisionTreeClassifier, tumours, benign, 6),
    "numbers": (DecisionTreeRegressor, smooth, wave, 8),
}
for name, (kind, table, target, depth) in cases.items():
    ours = kind(max_depth=depth).fit(table, target)
    theirs = getattr(sklearn.tree, kind.__name__)(max_depth=depth, random_state=0)
    theirs.fit(table, target)
    same, ties, others = compare(ours, theirs)
    print(f"{name}: {same} nodes agree, {ties} ties")
    claim(f"trees-nodes-that-differ-{name}", others, at_most=0)


# %% [markdown]
# And the whole sequence of pruned trees, on the regression tree, where no two links are equal:

# %%
ours = DecisionTreeRegressor(max_depth=6).fit(smooth, wave)
theirs = sklearn.tree.DecisionTreeRegressor(max_depth=6, random_state=0)
alphas = theirs.cost_complexity_pruning_path(smooth, wave).ccp_alphas[1:]
links = np.sort(weakest_links(ours.nodes_))
links = links[np.isfinite(links)]
deviation = check_close(
    np.unique(links.round(12)), np.unique(alphas.round(12)), rtol=1e-6
)
claim("trees-pruning-path-deviation", deviation, at_most=1e-7)

# %%
for estimator in (DecisionTreeClassifier(), DecisionTreeRegressor()):
    report = check_estimator(estimator, on_skip=None, on_fail=None)
    statuses = [r["status"] for r in report]
    print(
        type(estimator).__name__, {s: statuses.count(s) for s in sorted(set(statuses))}
    )
    claim(
        f"trees-checks-failed-{type(estimator).__name__[12:].lower()}",
        statuses.count("failed"),
        at_most=0,
    )

# %% [markdown]
# What is skipped asks for arrays that are not NumPy's.
#
# ## Nine tenths of the leaves
#
# The census, with all that makes real data real: words, which a tree that asks "at most" needs as numbers (here in
# the order of their share of high incomes *in the training rows*), missing words (a word of their own), three
# quarters in one class.

# %%
people = load_adult().drop(columns="fnlwgt")
rich = (people.pop("income") == ">50K").to_numpy().astype(int)
old, new, rich_old, rich_new = train_test_split(
    people, rich, test_size=0.5, random_state=0
)


def as_numbers(table):
    columns = {}
    for name in table:
        if pd.api.types.is_numeric_dtype(table[name]):
            columns[name] = table[name]
        else:
            share = pd.Series(rich_old).groupby(old[name].fillna("?").to_numpy()).mean()
            columns[name] = table[name].fillna("?").map(share).fillna(rich_old.mean())
    return pd.DataFrame(columns).to_numpy(float)


A_old, A_new = as_numbers(old), as_numbers(new)  # (16280, 13), (16281, 13)

# %%
full = DecisionTreeClassifier().fit(A_old, rich_old)
links = weakest_links(full.nodes_)
prices = np.r_[0, np.geomspace(1e-5, 1e-2, 16)]
sizes, fitted, held = [], [], []
for alpha in prices:
    pruned = DecisionTreeClassifier()
    pruned.__dict__ |= vars(full) | {"nodes_": prune(full.nodes_, alpha)}
    sizes.append(pruned.get_n_leaves())
    fitted.append(pruned.score(A_old, rich_old))
    held.append(pruned.score(A_new, rich_new))
best = int(np.argmax(held))
print(f"full: {sizes[0]:,} leaves; best on new people: {sizes[best]} leaves")

# %%
claim("trees-full-tree-training-accuracy", fitted[0], at_least=0.95)
claim("trees-full-tree-on-new-people", held[0], within=(0.79, 0.83))
claim("trees-leaves-kept-by-the-best", sizes[best] / sizes[0], at_most=0.1)
claim("trees-gained-by-pruning", held[best] - held[0], within=(0.03, 0.07))

# %% mystnb={"figure": {"caption": "Accuracy against the number of leaves that are left. From right to left the tree forgets the training people, and gets better on new ones until few questions remain.", "name": "fig-trees-pruning"}, "image": {"alt": "Accuracy against the number of leaves on a logarithmic axis. The training curve rises steadily to nearly one at three thousand leaves. The curve of new people rises to a broad maximum at some tens of leaves and falls towards the right."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.4, 3.5))
for values, _name, k in ((fitted, "training", 0), (held, "new people", 1)):
    axes.semilogx(
        sizes,
        values,
        ls=DASHES[1 - k],
        marker=MARKERS[k],
        ms=4,
        color=COLORS[("blue", "orange")[k]],
    )
axes.text(700, 0.955, "training", color=COLORS["blue"], ha="right")
axes.text(1500, 0.80, "new people", color="#a35b00", ha="right")
axes.axhline(1 - rich_new.mean(), color=COLORS["gray"], ls=":", lw=1)
axes.text(6, 0.765, "everybody below 50,000", color="#5a6470")
axes.set(xlabel="leaves", ylabel="accuracy", ylim=(0.74, 1.01))
axes.set_title("Forgetting is the better part")
plt.show()

# %% [markdown]
# **Prediction 1**: nearly perfect in training; and to cut nine tenths of the leaves costs nothing, it *gains* four
# to five points. The price $\alpha$ is chosen by {term}`cross-validation`, as in {doc}`02_linear_regression`. (Here
# the best was picked on the new people themselves, which flatters it a little; {doc}`14_model_selection` says how
# much.)
#
# ## How much is the explanation worth?
#
# Leave out a random twentieth of the 569 tumours, a hundred times, and look at the first three questions:

# %%
asked = []
for seed in range(100):
    rows = np.random.default_rng(seed).permutation(569)[:540]
    nodes = DecisionTreeClassifier(max_depth=2).fit(tumours[rows], benign[rows]).nodes_
    asked.append(nodes.feature[:3])
asked = np.array(asked)
names = load_breast_cancer().feature_names
shares = [np.unique(column, return_counts=True)[1].max() / 100 for column in asked.T]
for place, column in zip(("first", "left", "right"), asked.T, strict=True):
    found, counts = np.unique(column, return_counts=True)
    print(
        f"{place:5}:",
        ", ".join(
            f"{names[j]} {c}"
            for j, c in sorted(zip(found, counts, strict=True), key=lambda p: -p[1])[:4]
            if j >= 0
        ),
    )

# %%
claim("trees-first-question-agrees", shares[0], at_most=0.95)
claim("trees-second-question-agrees", min(shares[1:]), at_most=0.9)
scores = cross_val_score(DecisionTreeClassifier(max_depth=2), tumours, benign, cv=10)
claim("trees-depth-two-accuracy", scores.mean(), within=(0.89, 0.95))

# %% [markdown]
# **Prediction 2**: not always; even the *first* question changes hands between columns that measure nearly the same
# thing (radius, perimeter, area). Nothing is wrong: several questions are about equally good, and the winner is
# decided by a few patients. So "the tree says that perimeter matters" describes *this sample*. The scores hardly
# change from tree to tree, the stories do. Averaging such trees turns the weakness into a strength: that is the
# random forest.
#
# ## Where questions of this form fail

# %%
rng = np.random.default_rng(0)
square = rng.uniform(-1, 1, size=(2000, 2))
corners = (square[:, 0] * square[:, 1] > 0).astype(int)
table = np.eye(2)[corners]
gains = [
    best_cut(square[:, j], table)[0] - (table.sum(0) ** 2).sum() / 2000 for j in (0, 1)
]
claim("trees-xor-gain-of-first-question", max(gains) / 2000, at_most=0.01)
diagonal = (square.sum(axis=1) > 0).astype(int)
leaves = DecisionTreeClassifier().fit(square, diagonal).get_n_leaves()
claim("trees-leaves-for-a-diagonal", leaves, at_least=40)
turned = square @ np.array([[1, 1], [-1, 1]]) / 2**0.5
claim(
    "trees-leaves-for-the-same-turned",
    DecisionTreeClassifier().fit(turned, diagonal).get_n_leaves(),
    equal_to=2,
)
# %%
years = np.arange(1960, 2024)
trend = 320 + 1.6 * (years - 1960)
tree = DecisionTreeRegressor().fit(years[:50, None], trend[:50])
claim("trees-extrapolation-error", trend[-1] - tree.predict([[2023]])[0], at_least=20)

# %% mystnb={"figure": {"caption": "A diagonal border becomes a staircase; opposite corners give no first question anything to gain; and beyond the last year a tree repeats it for ever.", "name": "fig-trees-failures"}, "image": {"alt": "Three panels. A diagonal border approximated by steps. A square with four corners in two colours, equal corners opposite. A straight rising line followed by a tree up to 2009, then a horizontal line while the truth goes on rising."}} tags=["hide-input"]
figure, panels = plt.subplots(1, 3, figsize=(7.6, 2.7))
mesh = np.stack(np.meshgrid(np.linspace(-1, 1, 200), np.linspace(-1, 1, 200)), axis=-1)
for axes, labels, depth, title in (
    (panels[0], diagonal, 5, "a staircase"),
    (panels[1], corners, None, "no first gain"),
):
    model = DecisionTreeClassifier(max_depth=depth).fit(square[:400], labels[:400])
    axes.imshow(
        model.predict(mesh.reshape(-1, 2)).reshape(200, 200),
        extent=(-1, 1, -1, 1),
        origin="lower",
        cmap="cividis",
        alpha=0.5,
        aspect="auto",
    )
    for value, marker in ((0, "x"), (1, "o")):
        some = square[:150][labels[:150] == value]
        axes.plot(*some.T, marker, ms=3.5, mfc="none", color=COLORS["ink"])
    axes.set(xticks=[-1, 0, 1], yticks=[-1, 0, 1], title=title)
    axes.grid(visible=False)
panels[2].plot(years, trend, "--", color=COLORS["gray"])
panels[2].plot(years, tree.predict(years[:, None]), color=COLORS["blue"])
panels[2].axvline(2009.5, color=COLORS["gray"], ls=":", lw=1)
panels[2].text(2004, 415, "truth", color="#5a6470", ha="right")
panels[2].text(2011, 386, "tree", color=COLORS["blue"])
panels[2].set(title="no trend", xlabel="year", xticks=[1960, 1990, 2020])
plt.show()

# %% [markdown]
# **Prediction 3**: nothing, beyond chance. Each half contains both classes in equal parts, and a greedy search does
# not see that a second question would settle everything. (It asks all the same, at random, and finds the corners
# two levels later.) Turn the diagonal by 45 degrees, and one question is enough: a tree depends on the *axes* it is
# given.

# %% tags=["nbval-ignore-output"]
# Timings differ from run to run.
flights = load_flights().dropna(subset=["arr_delay"]).sample(20_000, random_state=0)
late = (flights["arr_delay"] > 15).to_numpy().astype(int)
columns = ["month", "day", "sched_dep_time", "sched_arr_time", "distance", "flight"]
timed = {
    "digits": load_digits(return_X_y=True),
    "tumours": (tumours, benign),
    "flights": (flights[columns].to_numpy(float), late),
}


def seconds(model, table, target):
    times = []
    for _ in range(5):
        start = time.process_time()
        model.fit(table, target)
        times.append(time.process_time() - start)
    return np.median(times)


ratios = {}
for name, case in timed.items():
    pair = [
        seconds(m, *case)
        for m in (DecisionTreeClassifier(), sklearn.tree.DecisionTreeClassifier())
    ]
    ratios[name] = pair[0] / pair[1]
    print(f"{name}: ours {ratios[name]:.1f} × scikit-learn's time")

# %%
claim(
    "trees-time-over-sklearn-mean",
    np.exp(np.mean(np.log(list(ratios.values())))),
    at_most=6,
)
claim("trees-time-over-sklearn-worst", max(ratios.values()), at_most=30)

# %% [markdown]
# Ours keeps up because a level costs a fixed number of NumPy calls, however many nodes it has. Where its time goes:

# %% tags=["nbval-ignore-output"]
# A profile differs from run to run.
profile = cProfile.Profile()
profile.runcall(DecisionTreeClassifier().fit, *timed["digits"])
table = pstats.Stats(profile).stats
total = sum(own for _calls, _primitive, own, *_ in table.values())
for (_file, _line, name), (_c, calls, own, *_) in sorted(
    table.items(), key=lambda e: -e[1][2]
)[:3]:
    print(f"{own / total:4.0%} in {calls:4} calls of {name}")

# %%
search = sum(
    v[2]
    for k, v in table.items()
    if k[2] in ("_scores", "<method 'cumsum' of 'numpy.ndarray' objects>")
)
claim("trees-digits-time-in-the-passes-over-cuts", search / total, at_least=0.3)

# %% [markdown]
# Most of it is arithmetic on whole arrays inside `_scores`: for each class of ten a gather, a running sum, two
# products. scikit-learn's loop over cuts keeps the class counts in registers, and updates one of them per row. So
# ten classes (digits) cost us most.
#
# ## In practice
#
# | parameter | what it does | start with |
# |---|---|---|
# | `max_depth` | bounds the number of questions | 3 to read, None to average |
# | `min_samples_leaf` | no leaf of one person | 5 to 50, or a share |
# | `ccp_alpha` | prunes by price | by cross-validation |
# | `class_weight` (scikit-learn's) | makes the rare class count | only if errors cost differently |
#
# scikit-learn's trees also route missing values to the better side; ours refuse them, with an error that says so.
#
# | What people believe | What exposes it |
# |---|---|
# | A tree explains the data | The first question changes when a twentieth is left out |
# | More leaves, more knowledge | {numref}`fig-trees-pruning` |
# | Scaling matters | Only the order of values enters: ranks |
# | A useless first question is a useless feature | Opposite corners |
# | Trees need no thought about features | The diagonal, before and after a turn |
#
# ## Exercises
#
# ```{exercise} The best cut by hand
# :label: ex-trees-hand
#
# *check · difficulty 1 of 3 · 10 minutes*
#
# $x = 1, 2, 3, 4, 5$ with $y = 0, 0, 6, 6, 3$ (numbers, not classes). Give the threshold of the best cut and the
# reduction of the
# sum of squared errors, as a tuple.
# ```


# %%
def test_cut(answer):
    assert answer is not None and len(answer) == 2, "two numbers"
    assert abs(answer[0] - 2.5) < 1e-6, "compare S²/n on both sides for the four cuts"
    assert abs(answer[1] - 30) < 1e-6, "the sum before minus the sum after"


answer = None  # replace with a tuple, then run this cell again
_ = try_answer(test_cut, answer)

# %% [markdown]
# ```{solution-start} ex-trees-hand
# :class: dropdown
# ```
#
# Whole: $15^2 / 5 = 45$. After 2: $0 + 15^2/3 = 75$. (After 1: 56.25; after 3: $12 + 40.5 = 52.5$; after 4:
# $36 + 9 = 45$.) The reduction is $75 - 45 = 30$, of 36.

# %%
score, cut = best_cut(np.arange(1.0, 6), np.array([[0.0], [0], [6], [6], [3]]))
_ = try_answer(test_cut, (cut, score - 45))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} What each column has contributed
# :label: ex-trees-importance
#
# *extend · difficulty 2 of 3 · 15 minutes*
#
# Write `importances(tree)`: for a fitted tree of this page a vector of shape (d,), for each feature the sum over
# the nodes
# that ask it of $n_t G_t - n_l G_l - n_r G_r$, divided by the total of all features (zeros if nothing was asked).
# ```


# %%
def test_importances(importances):
    ours = DecisionTreeRegressor(max_depth=3).fit(smooth, wave)
    theirs = sklearn.tree.DecisionTreeRegressor(max_depth=3, random_state=0)
    found = importances(ours)
    assert found.shape == (5,), "one number for each feature"
    assert np.isclose(found.sum(), 1), "shares"
    assert np.allclose(found, theirs.fit(smooth, wave).feature_importances_), (
        "weights n_t"
    )
    stump = DecisionTreeClassifier().fit([[1.0], [1.0]], [0, 1])
    assert (importances(stump) == 0).all(), "no question, no division by zero"


def importances(tree):  # replace the body, then run this cell again
    return np.bincount(tree.nodes_.feature[tree.nodes_.feature >= 0], minlength=5) / 1.0


_ = try_answer(test_importances, importances)

# %% [markdown]
# ```{solution-start} ex-trees-importance
# :class: dropdown
# ```
#
# One `bincount` over the inner nodes. How such importances mislead is a subject of the next page.


# %%
def importances_solution(tree):
    nodes = tree.nodes_
    inner = np.flatnonzero(nodes.left >= 0)
    weighted = nodes.size * nodes.impurity
    drop = weighted[inner] - weighted[nodes.left[inner]] - weighted[nodes.right[inner]]
    found = np.bincount(nodes.feature[inner], drop, tree.n_features_in_)
    return found / found.sum() if found.sum() > 0 else found


_ = try_answer(test_importances, importances_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Greed is not optimal
# :label: ex-trees-greedy
#
# *break · difficulty 3 of 3 · 30 minutes*
#
# Return `(X, y)`, at most 60 rows and 3 columns, on which a tree of depth 2 could classify *every* row correctly,
# but the tree that
# CART grows with `max_depth=2` gets less than 80 % right.
# ```


# %%
def depth_two_possible(X, y):
    """Is there any tree of depth 2 without an error? By trying all of them."""
    cuts = [(j, c) for j in range(X.shape[1]) for c in np.unique(X[:, j])[:-1]]
    asks = np.array([X[:, j] <= c for j, c in cuts])

    def stump_can(rows):
        sides = [[set(y[rows & side]) for side in (a, ~a)] for a in asks]
        return any(len(left) <= 1 and len(right) <= 1 for left, right in sides)

    return any(stump_can(a) and stump_can(~a) for a in asks)


def test_greedy(make):
    X, y = make()
    assert X.ndim == 2 and len(X) == len(y) <= 60 and X.shape[1] <= 3, (
        "60 rows, 3 columns"
    )
    assert depth_two_possible(X, y), "no tree of depth 2 can do it"
    score = DecisionTreeClassifier(max_depth=2).fit(X, y).score(X, y)
    assert score < 0.8, f"the greedy tree gets {score:.0%}"


def make():  # replace the body, then run this cell again
    return square[:60], diagonal[:60]


_ = try_answer(test_greedy, make)

# %% [markdown]
# ```{solution-start} ex-trees-greedy
# :class: dropdown
# ```
#
# Two columns make opposite corners, exactly balanced, so that neither gains anything at first. A third column is a
# decoy: it gains a little. Greed takes the decoy, and one question is not enough for corners.


# %%
def make_solution():
    grid = np.array([[a, b] for a in (0, 1) for b in (0, 1)])
    X = np.repeat(grid, 15, axis=0).astype(float)
    y = (X[:, 0] != X[:, 1]).astype(int)
    decoy = np.where(np.arange(60) % 15 < 9, y, 1 - y)  # right for 9 of 15
    return np.column_stack([X, decoy]), y


_ = try_answer(test_greedy, make_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Read the tree aloud
# :label: ex-trees-rules
#
# *build · difficulty 2 of 3 · 25 minutes*
#
# Write `rules(tree, names)`: a list with one text for each leaf, from left to right, like `"bill <= 42.4 and mass >
# 3500: Adelie"`.
# Thresholds with one decimal, the leaf's most frequent class at the end. Of several conditions on the same column
# in the same
# direction only the tightest is kept; conditions come in the order of the columns, `<=` before `>`. A tree without
# questions gives
# `"always: class"`.
# ```


# %%
def test_rules(rules):
    X = np.array([[1.0, 0], [2, 0], [3, 0], [4, 9]])
    tree = DecisionTreeClassifier().fit(X, ["a", "b", "a", "c"])
    told = rules(tree, ["u", "v"])
    assert len(told) == tree.get_n_leaves(), "one for each leaf"
    assert all(text.split(": ")[1] in "abc" for text in told), "ends with the class"
    assert "u <= 2.5 and u > 1.5: b" in told, f"only the tightest: {told}"
    alone = DecisionTreeClassifier().fit([[1.0], [1.0]], ["x", "x"])
    assert rules(alone, ["u"]) == ["always: x"], "no question"


def rules(tree, names):  # replace the body, then run this cell again
    return ["always: " + str(tree.classes_[0])]


_ = try_answer(test_rules, rules)

# %% [markdown]
# ```{solution-start} ex-trees-rules
# :class: dropdown
# ```
#
# Carry two dictionaries down: the lowest upper and the highest lower bound of each column.


# %%
def rules_solution(tree, names):
    nodes, told = tree.nodes_, []

    def walk(t, upper, lower):
        j, cut = nodes.feature[t], nodes.threshold[t]
        if j >= 0:
            walk(nodes.left[t], upper | {j: min(cut, upper.get(j, np.inf))}, lower)
            walk(nodes.right[t], upper, lower | {j: max(cut, lower.get(j, -np.inf))})
            return
        parts = []
        for k, name in enumerate(names):
            parts += [f"{name} <= {upper[k]:.1f}"] if k in upper else []
            parts += [f"{name} > {lower[k]:.1f}"] if k in lower else []
        said = tree.classes_[nodes.value[t].argmax()]
        told.append(f"{' and '.join(parts) or 'always'}: {said}")

    walk(0, {}, {})
    return told


_ = try_answer(test_rules, rules_solution)
card = DecisionTreeClassifier(max_depth=2).fit(P, species)
print(*rules_solution(card, measures), sep="\n")

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In {numref}`fig-trees-pruning`, which tree would you ship?
#
# (a) The rightmost: it knows most. (b) One near the maximum of the lower curve, the smaller of several equal ones.
# (c) The leftmost: it
# is simplest. (d) The one where the curves cross.
#
# ```{admonition} Answer
# :class: dropdown
# **(b).** It is as good as any on new people, and shorter. (a) knows the training people. (c) loses accuracy. (d)
# They need not
# cross.
# ```
#
# **2.** A column is replaced by its logarithm (all values are positive). What changes?
#
# (a) Everything. (b) The thresholds, and where between two values they lie; not which training rows go where. (c)
# The accuracy in training. (d) The depth.
#
# ```{admonition} Answer
# :class: dropdown
# **(b).** The order is the same, so are the ranks. (a), (c) and (d) would need another order. New rows that fall
# between two training
# values may go the other way.
# ```
#
# **3.** A leaf holds 3 people, all rich. What is `predict_proba` for somebody who reaches it, and should it be
# believed?
#
# (a) 1.0, yes. (b) 1.0, no: it is a share of three. (c) 0.24. (d) 0.75.
#
# ```{admonition} Answer
# :class: dropdown
# **(b).** Three of three is compatible with much less. (a) trusts a maximum of noise. (c) is the share of all
# people. (d) would be a
# shrunken estimate, which trees do not make.
# ```
#
# ## What to remember
#
# A tree asks the question that makes its two groups purest, and both Gini impurity and variance come down to
# $\sum S_k^2 / n$. A whole level can be searched at once, by sorting. Grown to the end it knows the noise by heart;
# pruning by price forgets it, and helps. It is easy to read and its story hangs on a few rows. It sees one axis and
# one step at a time, and nothing beyond the data.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
