"""Gradient boosting.

Built in the page `scripts/03_Machine_Learning/08_gradient_boosting.py`: edit the page, not this file.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

__all__ = [
    "MISSING",
    "BoostedTree",
    "GradientBoostingClassifier",
    "GradientBoostingRegressor",
    "find_edges",
    "grow_boosted",
    "to_bins",
]

MISSING = 255


def find_edges(X: np.ndarray, max_bins: int = 255) -> list[np.ndarray]:
    """Cuts between bins for each column: all midpoints, or quantiles if too many."""
    edges = []
    for column in X.T:
        known = column[~np.isnan(column)]
        distinct = np.unique(known)
        if len(distinct) <= max_bins:
            edges.append(distinct[:-1] / 2 + distinct[1:] / 2)
        else:
            shares = np.linspace(0, 1, max_bins + 1)[1:-1]
            edges.append(np.unique(np.quantile(known, shares, method="inverted_cdf")))
    return edges


def to_bins(X: np.ndarray, edges: list[np.ndarray]) -> np.ndarray:
    """Bin numbers (n, d), of one byte; ``MISSING`` for NaN."""
    codes = np.empty(X.shape, dtype=np.uint8, order="F")
    for j, cuts in enumerate(edges):
        codes[:, j] = np.searchsorted(cuts, X[:, j], side="left")
        codes[np.isnan(X[:, j]), j] = MISSING
    return codes


def _histograms(codes: np.ndarray, node: np.ndarray, m: int, sums: list[np.ndarray | None]) -> np.ndarray:
    """Sums by node, column and bin: (len(sums), m, d, 256); None counts rows."""
    d = codes.shape[1]
    place = np.arange(d)[:, None] * 256 + codes.T  # (d, n)
    place = (place + node * (d * 256)).ravel()
    found = np.empty((len(sums), m, d, 256))
    for s, values in enumerate(sums):
        weights = None if values is None else np.tile(values, d)
        found[s] = np.bincount(place, weights, m * d * 256).reshape(m, d, 256)
    return found


def _search(hist: np.ndarray, l2: float, n_leaf: int) -> tuple[np.ndarray, ...]:
    """Best cut of each node: gain, column, bin, and whether missing values go left.

    ``hist`` holds sums of g, h and ones; equation eq-boosting-gain.
    """
    m = hist.shape[1]
    total = hist[:, :, 0].sum(axis=-1)  # (3, m); every column has all rows
    missing = hist[..., MISSING]
    cuts = np.cumsum(hist[..., : MISSING - 1], axis=-1)  # (3, m, d, 254)
    none_missing = not missing[2].any()
    best, at = np.full(m, -np.inf), np.zeros(m, dtype=int)
    side = np.zeros(m, dtype=bool)
    for left in (False,) if none_missing else (False, True):
        G, H, N = cuts + missing[..., None] if left else cuts
        parent = total[:, :, None, None]
        allowed = (n_leaf <= N) & (parent[2] - N >= n_leaf)
        allowed &= (H > 1e-3) & (parent[1] - H > 1e-3)
        with np.errstate(all="ignore"):
            gain = G**2 / (H + l2) + (parent[0] - G) ** 2 / (parent[1] - H + l2)
        gain = np.where(allowed, gain, -np.inf).reshape(m, -1)
        where = gain.argmax(axis=1)
        top = gain[np.arange(m), where]
        better = top > best
        best, at = np.where(better, top, best), np.where(better, where, at)
        side = np.where(better, left, side)
    best = best - total[0] ** 2 / (total[1] + l2 + 1e-300)
    return best, at // (MISSING - 1), at % (MISSING - 1), side


class BoostedTree(NamedTuple):
    """A tree on bins; leaves have column -1."""

    column: np.ndarray
    bin: np.ndarray
    missing_left: np.ndarray
    left: np.ndarray
    value: np.ndarray


def grow_boosted(
    codes: np.ndarray,
    g: np.ndarray,
    h: np.ndarray | None,
    *,
    max_depth: int = 5,
    min_samples_leaf: int = 20,
    l2: float = 0.0,
) -> tuple[BoostedTree, np.ndarray]:
    """One tree for gradients g and second derivatives h (None: all one), and the leaf of each row.

    References
    ----------
    Equations eq-boosting-leaf and eq-boosting-gain; Chen & Guestrin (2016).
    """
    n, node = len(codes), np.zeros(len(codes), dtype=int)
    leaf_of_row, rows = np.zeros(n, dtype=int), np.arange(n)
    sums = [g, None] if h is None else [g, h, None]
    hist = _histograms(codes, node, 1, sums)
    levels: list[tuple[np.ndarray, ...]] = []
    first, depth = 0, 0
    while True:
        full = hist[[0, 1, 1]] if h is None else hist
        total = full[:, :, 0].sum(axis=-1)
        m = total.shape[1]
        column, cut = np.full(m, -1), np.zeros(m, dtype=int)
        left, side = np.full(m, -1), np.zeros(m, dtype=bool)
        value = -total[0] / np.maximum(total[1] + l2, 1e-300)
        grown = np.zeros(m, dtype=bool)
        if depth < max_depth:
            gain, ask, at, goes = _search(full, l2, min_samples_leaf)
            grown = np.isfinite(gain) & (gain > 1e-10)
            column[grown], cut[grown], side[grown] = ask[grown], at[grown], goes[grown]
            left[grown] = first + m + 2 * np.arange(grown.sum())
        levels.append((column, cut, side, left, value))
        stays = ~grown[node]
        leaf_of_row[rows[stays]] = first + node[stays]
        if not grown.any():
            parts = [np.concatenate(level) for level in zip(*levels, strict=True)]
            return BoostedTree(*parts), leaf_of_row
        rows, parent = rows[~stays], node[~stays]
        bins = codes[rows, column[parent]]
        right = np.where(bins == MISSING, ~side[parent], bins > cut[parent])
        node = 2 * (np.cumsum(grown) - 1)[parent] + right
        first, depth = first + m, depth + 1
        hist = _children(codes, rows, node, hist[:, grown], sums)


def _children(codes, rows, node, parents, sums):  # type: ignore[no-untyped-def]
    """Histograms of all children: the smaller counted, its sibling by subtraction."""
    m = 2 * parents.shape[1]
    size = np.bincount(node, minlength=m).reshape(-1, 2)
    small = 2 * np.arange(m // 2) + (size[:, 1] < size[:, 0])
    counted = np.isin(node, small)
    some = [None if s is None else s[rows[counted]] for s in sums]
    hist = np.empty((len(sums), m, *parents.shape[2:]))
    hist[:, small] = _histograms(codes[rows[counted]], node[counted] // 2, m // 2, some)
    hist[:, small ^ 1] = parents - hist[:, small]
    return hist


def _ask(tree: BoostedTree, codes: np.ndarray) -> np.ndarray:
    """Values (n,) of the leaves that rows of bins reach."""
    at = np.zeros(len(codes), dtype=int)
    active = np.flatnonzero(tree.column[at] >= 0)
    while len(active):
        here = at[active]
        bins = codes[active, tree.column[here]]
        right = np.where(bins == MISSING, ~tree.missing_left[here], bins > tree.bin[here])
        at[active] = tree.left[here] + right
        active = active[tree.column[at[active]] >= 0]
    return tree.value[at]


class _Boosting(BaseEstimator):
    """The loop; a subclass brings its loss."""

    def __init__(
        self,
        learning_rate: float = 0.1,
        n_estimators: int = 100,
        max_depth: int = 5,
        min_samples_leaf: int = 20,
        l2_regularization: float = 0.0,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        random_state: int | None = None,
    ) -> None:
        self.learning_rate = learning_rate
        self.n_estimators = n_estimators
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.l2_regularization = l2_regularization
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _derivatives(self, Y: np.ndarray, F: np.ndarray) -> tuple[np.ndarray, Any]:
        raise NotImplementedError

    def _loss(self, Y: np.ndarray, F: np.ndarray) -> float:
        raise NotImplementedError

    def _check_parameters(self) -> None:
        for name in (
            "n_estimators",
            "max_depth",
            "min_samples_leaf",
            "n_iter_no_change",
        ):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not self.learning_rate > 0 or not self.l2_regularization >= 0:
            wanted = "learning_rate must be positive and l2_regularization not negative"
            raise ValueError(f"{wanted}, got {self.learning_rate}, {self.l2_regularization}")
        if not 0 < self.validation_fraction < 1:
            found = self.validation_fraction
            raise ValueError(f"validation_fraction is between 0 and 1, got {found}")


def _boost(model: _Boosting, X: np.ndarray, Y: np.ndarray, start: np.ndarray) -> None:
    """Fit the trees of a model to targets Y (n, K), from the scores ``start`` (K,)."""
    n, K = Y.shape
    watched = np.zeros(n, dtype=bool)
    if model.early_stopping:
        shuffled = np.random.default_rng(model.random_state).permutation(n)
        watched[shuffled[: int(model.validation_fraction * n)]] = True
        if not watched.any() or watched.all():
            raise ValueError(f"{n} rows are too few to hold some out of the fit")
    model.edges_ = find_edges(X[~watched])
    codes, seen = to_bins(X, model.edges_), np.flatnonzero(~watched)
    inside, outside = codes[seen], codes[watched]
    F, F_out = np.tile(start, (len(seen), 1)), np.tile(start, (len(outside), 1))
    model.start_, best = start, 0
    model.trees_, model.train_score_, model.validation_score_ = [], [], []
    names = ("max_depth", "min_samples_leaf")
    options: dict[str, Any] = {name: getattr(model, name) for name in names}
    options["l2"] = model.l2_regularization
    for step in range(model.n_estimators):
        G, H = model._derivatives(Y[seen], F)
        stage = []
        for k in range(K):
            h = None if H is None else H[:, k]
            tree, leaf = grow_boosted(inside, G[:, k].copy(), h, **options)
            tree = tree._replace(value=model.learning_rate * tree.value)
            F[:, k] += tree.value[leaf]
            if len(outside):
                F_out[:, k] += _ask(tree, outside)
            stage.append(tree)
        model.trees_.append(stage)
        model.train_score_.append(model._loss(Y[seen], F))
        if model.early_stopping:
            model.validation_score_.append(model._loss(Y[watched], F_out))
            best = int(np.argmin(model.validation_score_))
            if step - best >= model.n_iter_no_change:
                break
    if model.early_stopping:
        del model.trees_[best + 1 :]
    model.n_iter_ = len(model.trees_)


def _raw_scores(model: _Boosting, X: ArrayLike, n_trees: int | None = None) -> np.ndarray:
    """The scores F (n, K) after ``n_trees`` steps, all by default."""
    check_is_fitted(model)
    options = {"dtype": float, "ensure_all_finite": "allow-nan", "reset": False}
    codes = to_bins(validate_data(model, X, **options), model.edges_)
    F = np.tile(model.start_, (len(codes), 1))
    for stage in model.trees_[:n_trees]:
        for k, tree in enumerate(stage):
            F[:, k] += _ask(tree, codes)
    return F


class GradientBoostingRegressor(RegressorMixin, _Boosting):
    """A sum of small trees, each fitted to the residuals of the sum so far.

    Parameters
    ----------
    learning_rate : float
        The share of each Newton step that is taken.
    n_estimators : int
        Trees (for each class), at most.
    max_depth, min_samples_leaf : int
        Of each tree.
    l2_regularization : float
        The penalty on the values of the leaves.
    early_stopping : bool
        Hold out ``validation_fraction`` of the rows, and stop when their loss has not
        fallen for ``n_iter_no_change`` trees.
    random_state : int or None
        For the rows that are held out.

    Attributes
    ----------
    n_iter_ : int
    train_score_, validation_score_ : list of float
        The loss after each step.

    Raises
    ------
    ValueError
        For parameters out of range or infinite values; missing ones (NaN) are accepted.

    References
    ----------
    Friedman (2001), doi:10.1214/aos/1013203451; Chen & Guestrin (2016).
    """

    def fit(self, X: ArrayLike, y: ArrayLike) -> GradientBoostingRegressor:
        """Fit to X (n, d) and numbers y (n,)."""
        self._check_parameters()
        options = {"dtype": float, "ensure_all_finite": "allow-nan", "y_numeric": True}
        data, target = validate_data(self, X, y, **options)
        Y = np.asarray(target, dtype=float)[:, None]
        _boost(self, data, Y, Y.mean(axis=0))
        return self

    def _derivatives(self, Y: np.ndarray, F: np.ndarray) -> tuple[np.ndarray, None]:
        return F - Y, None

    def _loss(self, Y: np.ndarray, F: np.ndarray) -> float:
        return float(0.5 * ((F - Y) ** 2).mean())

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Numbers (n,)."""
        return _raw_scores(self, X)[:, 0]


class GradientBoostingClassifier(ClassifierMixin, _Boosting):
    """The same for classes: logistic loss for two, softmax for more.

    Parameters and attributes are those of `GradientBoostingRegressor`, and ``classes_``.
    """

    def fit(self, X: ArrayLike, y: ArrayLike) -> GradientBoostingClassifier:
        """Fit to X (n, d) and labels y (n,)."""
        self._check_parameters()
        options = {"dtype": float, "ensure_all_finite": "allow-nan"}
        data, labels = validate_data(self, X, y, **options)
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        K = len(self.classes_)
        if K < 2:
            raise ValueError(f"y needs two classes or more, got {K} class")
        shares = np.bincount(codes) / len(codes)
        if K == 2:
            _boost(self, data, codes[:, None].astype(float), np.log(shares[1:] / shares[0]))
        else:
            _boost(self, data, np.eye(K)[codes], np.log(shares))
        return self

    def _derivatives(self, Y: np.ndarray, F: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        P = _probabilities(F)
        return P - Y, P * (1 - P)

    def _loss(self, Y: np.ndarray, F: np.ndarray) -> float:
        if F.shape[1] == 1:
            return float((np.logaddexp(0, F) - Y * F).mean())
        top = F.max(axis=1, keepdims=True)
        total = np.log(np.exp(F - top).sum(axis=1)) + top[:, 0]
        return float((total - (Y * F).sum(axis=1)).mean())

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Log-odds (n,) of the second of two classes, or scores (n, K)."""
        F = _raw_scores(self, X)
        return F[:, 0] if F.shape[1] == 1 else F

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Probabilities of shape (n, K)."""
        P = _probabilities(_raw_scores(self, X))
        return np.column_stack([1 - P, P]) if P.shape[1] == 1 else P

    def predict(self, X: ArrayLike) -> np.ndarray:
        """The most probable class, (n,)."""
        index = self.predict_proba(X).argmax(axis=1)
        return self.classes_[index]


def _probabilities(F: np.ndarray) -> np.ndarray:
    if F.shape[1] == 1:
        small = np.exp(-np.abs(F))
        return np.where(F >= 0, 1.0, small) / (1.0 + small)
    E = np.exp(F - F.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True)


# seal: 7def63a7a4b50fe7
