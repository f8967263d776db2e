"""Backpropagation.

Built in the page `scripts/04_Deep_Learning/02_backpropagation.py`: edit the page, not this file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from journey.machine_learning.logistic_regression import sigmoid

__all__ = ["Activations", "TwoLayerNet", "softmax_cross_entropy"]


def softmax_cross_entropy(scores: ArrayLike, y: ArrayLike) -> tuple[float, np.ndarray]:
    """Mean cross-entropy of softmax probabilities, and its slope by the scores.

    Equations eq-backpropagation-loss and eq-backpropagation-scores.

    Parameters
    ----------
    scores : array_like of shape (n, K)
        Finite; only their differences within a row matter.
    y : array_like of int, shape (n,)
        The class that was seen, 0 to K - 1.

    Returns
    -------
    loss : float
        In nats.
    slope : ndarray of shape (n, K)

    Raises
    ------
    ValueError
        If the shapes do not fit, there is no row, a score is not finite, or a label is no class.
    """
    S, seen = np.asarray(scores, dtype=float), np.asarray(y)
    if S.ndim != 2 or S.size == 0:
        raise ValueError(f"scores must have shape (n, K) with n, K > 0, got {S.shape}")
    if seen.shape != (len(S),) or not np.issubdtype(seen.dtype, np.integer):
        raise ValueError(f"y must hold {len(S)} integers, got shape {seen.shape}, {seen.dtype}")
    if seen.min() < 0 or seen.max() >= S.shape[1]:
        raise ValueError(f"labels must lie in 0..{S.shape[1] - 1}, got {seen.min()}..{seen.max()}")
    if not np.isfinite(S).all():
        raise ValueError("scores must be finite; is the learning rate too large?")
    rows = np.arange(len(S))
    S = S - S.max(axis=1, keepdims=True)
    P = np.exp(S)
    total = P.sum(axis=1, keepdims=True)
    loss = float((np.log(total[:, 0]) - S[rows, seen]).mean())
    P /= total
    P[rows, seen] -= 1  # said minus seen
    return loss, P / len(S)


# Each activation: its value, and its slope computed from that value.
_ACTIVATIONS: dict[str, tuple[Callable, Callable]] = {
    "relu": (lambda Z: np.maximum(Z, 0), lambda H: (H > 0).astype(float)),
    "tanh": (np.tanh, lambda H: 1 - H**2),
    "sigmoid": (sigmoid, lambda H: H * (1 - H)),
    "identity": (lambda Z: Z, np.ones_like),
}


class Activations(NamedTuple):
    """What the forward pass leaves for the backward pass: input, hidden layer, scores."""

    X: np.ndarray
    H: np.ndarray
    S: np.ndarray


def _check_rows(X: ArrayLike, n_features: int) -> np.ndarray:
    rows = np.asarray(X, dtype=float)
    if rows.ndim != 2 or rows.shape[1] != n_features or len(rows) == 0:
        raise ValueError(f"X must have shape (n, {n_features}) with n > 0, got {rows.shape}")
    if not np.isfinite(rows).all():
        raise ValueError("X must be finite; it holds a NaN or an infinity")
    return rows


class _TwoLayers:
    """Weights, the way forwards and the way back; TwoLayerNet adds the loss and the training."""

    def __init__(
        self,
        n_features: int,
        n_hidden: int,
        n_classes: int,
        *,
        activation: str = "relu",
        random_state: int = 0,
    ) -> None:
        if min(n_features, n_hidden, n_classes) < 1:
            raise ValueError(f"sizes must be at least 1, got {(n_features, n_hidden, n_classes)}")
        if activation not in _ACTIVATIONS:
            raise ValueError(f"activation must be one of {sorted(_ACTIVATIONS)}, got {activation!r}")
        rng = np.random.default_rng(random_state)
        gain = (2.0 if activation == "relu" else 1.0) / n_features
        self.activation = activation
        self.W1 = rng.normal(size=(n_features, n_hidden)) * np.sqrt(gain)
        self.b1 = np.zeros(n_hidden)
        self.W2 = rng.normal(size=(n_hidden, n_classes)) * np.sqrt(1 / n_hidden)
        self.b2 = np.zeros(n_classes)
        self.losses_: list[float] = []

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """The four arrays by name; they are the ones in use, not copies."""
        return {"W1": self.W1, "b1": self.b1, "W2": self.W2, "b2": self.b2}

    def forward(self, X: ArrayLike) -> Activations:
        """Scores of rows X (n, d), with what the backward pass needs, eq-backpropagation-forward."""
        rows = _check_rows(X, len(self.W1))
        H = _ACTIVATIONS[self.activation][0](rows @ self.W1 + self.b1)  # (n, m)
        return Activations(rows, H, H @ self.W2 + self.b2)

    def backward(self, past: Activations, G: np.ndarray) -> dict[str, np.ndarray]:
        """Slopes of the parameters, given the slopes G (n, K) of the scores."""
        slope = _ACTIVATIONS[self.activation][1]
        D = (G @ self.W2.T) * slope(past.H)  # (n, m), eq-backpropagation-cut
        return {
            "W1": past.X.T @ D,
            "b1": D.sum(axis=0),
            "W2": past.H.T @ G,
            "b2": G.sum(axis=0),
        }


class TwoLayerNet(_TwoLayers):
    """A hidden layer, a softmax, and the gradient of both by hand.

    Parameters
    ----------
    n_features, n_hidden, n_classes : int
        The sizes d, m and K, each at least 1.
    activation : {"relu", "tanh", "sigmoid", "identity"}
    random_state : int
        Seed of the first weights: normal, of variance 2/d (ReLU) or 1/d, and 1/m; biases are 0.

    Attributes
    ----------
    W1, b1, W2, b2 : ndarray of shape (d, m), (m,), (m, K), (K,)
    losses_ : list of float
        The loss of each minibatch in nats, before its step.

    References
    ----------
    Equations eq-backpropagation-forward to eq-backpropagation-first; Rumelhart, Hinton & Williams (1986).
    """

    def loss(self, X: ArrayLike, y: ArrayLike) -> float:
        """Mean cross-entropy in nats, eq-backpropagation-loss."""
        return softmax_cross_entropy(self.forward(X).S, y)[0]

    def gradients(self, X: ArrayLike, y: ArrayLike) -> dict[str, np.ndarray]:
        """Slopes of the loss along each parameter, by the parameter's name."""
        past = self.forward(X)
        return self.backward(past, softmax_cross_entropy(past.S, y)[1])

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        n_epochs: int = 20,
        batch_size: int = 32,
        learning_rate: float = 0.3,
        random_state: int = 0,
    ) -> TwoLayerNet:
        """Descend along the gradients of minibatches; a second call goes on from where the first stopped."""
        rows, labels = _check_rows(X, len(self.W1)), np.asarray(y)
        if len(labels) != len(rows):
            raise ValueError(f"X has {len(rows)} rows, y has {len(labels)}")
        if n_epochs < 0 or batch_size < 1 or not 0 < learning_rate < np.inf:
            raise ValueError("need n_epochs >= 0, batch_size >= 1, learning_rate > 0")
        rng = np.random.default_rng(random_state)
        for _ in range(n_epochs):
            order = rng.permutation(len(rows))
            for start in range(0, len(rows), batch_size):
                batch = order[start : start + batch_size]
                past = self.forward(rows[batch])
                loss, G = softmax_cross_entropy(past.S, labels[batch])
                self.losses_.append(loss)
                for name, slope in self.backward(past, G).items():
                    self.parameters[name][...] -= learning_rate * slope
        return self

    def predict(self, X: ArrayLike) -> np.ndarray:
        """The class of the largest score for each row, shape (n,)."""
        return np.asarray(self.forward(X).S.argmax(axis=1))


# seal: 095af8d069a50952
