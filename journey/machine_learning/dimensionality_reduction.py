"""Dimensionality reduction.

Built in the page `scripts/03_Machine_Learning/12_dimensionality_reduction.py`: edit the page, not this file.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data
from tqdm import tqdm

__all__ = ["PCA", "TSNE", "joint_probabilities", "tsne_loss"]


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

    def __init__(self, n_components: int | float | None = None, *, solver: str = "auto") -> None:
        self.n_components = n_components
        self.solver = solver

    def fit(self, X: ArrayLike, y: Any = None) -> PCA:
        """Find the directions of X, shape (n, d); y is ignored."""
        A = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        if self.solver not in ("auto", "svd", "covariance"):
            raise ValueError(f"solver must be 'auto', 'svd' or 'covariance', got {self.solver!r}")
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
            f"n_components must be 1 to {most}, a share between 0 and 1, or None; got {wanted!r}"
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
        raise ValueError(f"perplexity must be from 1 to below {n - 1}, got {perplexity}")
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


# seal: c8be5fb818b01866
