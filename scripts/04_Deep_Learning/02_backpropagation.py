# %% [markdown]
# # Backpropagation
#
# Which way must a weight move that no output shows, when all one is told is that the answer was wrong?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `TwoLayerNet`, a network whose every derivative is written by hand, and
#   `softmax_cross_entropy`, its loss with its slope
# - **You need** matrix products ({doc}`../01_Mathematics/02_matrices`), the chain rule
#   ({doc}`../01_Mathematics/05_derivatives`), softmax ({doc}`../03_Machine_Learning/03_logistic_regression`)
# - **Checked against** central differences; `torch.autograd`; a PyTorch training run, loss by loss
# - **Time** 35 minutes to read, 60 to code
# - **Data** digits (1,797 × 64), scikit-learn, BSD-3
# ````

# %%
from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike
from sklearn.datasets import load_digits

from journey.machine_learning.logistic_regression import LogisticRegression, sigmoid
from journey.orientation.checks import (
    check_close,
    check_gradient,
    claim,
    seed_band,
    try_answer,
)
from journey.orientation.figures import (
    COLORS,
    DASHES,
    DIVERGING,
    MARKERS,
    label_lines,
    use_journey_style,
)

use_journey_style()
_ = torch.set_num_threads(1)

# %% [markdown]
# ## Even or odd
#
# {doc}`../03_Machine_Learning/03_logistic_regression` names handwritten digits well: one weighted sum of the 64
# pixels for each of ten names. Ask it a different question about the same pictures. Is the number even?

# %%
images, digit = load_digits(return_X_y=True)
images = images / 16  # (1797, 64), between 0 and 1


def split(seed):
    order = np.random.default_rng(seed).permutation(len(digit))
    seen, new = order[:1437], order[1437:]
    return images[seen], digit[seen], images[new], digit[new]


def plane(
    seed, question
):  # accuracy on new pictures of a model that is linear in pixels
    X, y, X_new, y_new = split(seed)
    return (
        LogisticRegression(C=10, max_iter=2000)
        .fit(X, question(y))
        .score(X_new, question(y_new))
    )


# %%
def name(labels):
    return labels


def odd(labels):
    return labels % 2


naming = seed_band(lambda seed: plane(seed, name), range(5))
parity = seed_band(lambda seed: plane(seed, odd), range(5))
claim("backpropagation-plane-names-digits", naming.mean, within=(0.955, 0.985))
claim("backpropagation-plane-even-or-odd", parity.mean, within=(0.88, 0.94))

# %% [markdown]
# One picture in ten is wrong, four times as many as before: 0, 2, 4, 6 and 8 have no stroke in common that the odd
# ones lack, and one plane has to part them. {doc}`01_neurons_and_perceptrons` ends at the same wall, with XOR, and
# with the remedy: a layer of neurons in front, whose weights were found by thought. Nobody finds 2,048 weights by
# thought.
#
# And by luck? Let 32 neurons stand between the pixels and the answer, each a weighted sum cut off below zero.
# Nudge all weights at random; keep the nudge if the loss of 300 pictures falls, else take it back. It needs no
# derivative.


# %%
def parity_loss(W1, b1, W2, b2, X, y):
    scores = np.maximum(X @ W1 + b1, 0) @ W2 + b2  # (n, 2)
    gap = scores[np.arange(len(y)), 1 - y] - scores[np.arange(len(y)), y]
    return np.logaddexp(0, gap).mean()  # minus the log-probability of the answer


def first_weights(rng):
    return [
        rng.normal(size=(64, 32)) * np.sqrt(2 / 64),
        np.zeros(32),
        rng.normal(size=(32, 2)) * np.sqrt(1 / 32),
        np.zeros(2),
    ]


# %%
X, y, X_new, y_new = split(0)
few, few_odd = X[:300], odd(y[:300])
rng = np.random.default_rng(0)
weights = first_weights(rng)
guessing = [parity_loss(*weights, few, few_odd)]
for _ in range(1000):
    nudged = [w + 0.01 * rng.normal(size=w.shape) for w in weights]
    loss = parity_loss(*nudged, few, few_odd)
    if loss < guessing[-1]:
        weights = nudged
    guessing.append(min(loss, guessing[-1]))
claim("backpropagation-guessing-loss", guessing[-1], within=(0.1, 0.25))

# %% [markdown]
# It learns, and slowly: {numref}`fig-backpropagation-guessing` will set those thousand runs against two hundred.
# One number, *better* or *worse*, comes back from each run, for 2,146 weights that want to know their own
# direction. This page derives all of these directions at once.
#
# ## Predict
#
# 1. A network that names ten digits has 2,410 weights. How many runs of the network does it cost, in multiplications,
#    to get the slope of the loss along each of them?
# 2. Five faults are planted in the derivatives, one at a time. How many of them bring the accuracy on new digits
#    below
#    0.95?
# 3. Two hidden neurons are enough for XOR. From random first weights, in what share of the trials does training find
#    such a pair? And with eight neurons?
#
# (sec-backpropagation-hand)=
# ## Blame, worked by hand
#
# The smallest network with a hidden layer: one input $x = 2$, one hidden neuron with weight $w = \tfrac12$, and
# from there two scores with weights $\mathbf v = (\log 3, 0)$. Forwards:
#
# * $z = x w = 1$, and the neuron passes it on, since $z > 0$: $h = \max(z, 0) = 1$.
# * The scores are $\mathbf s = h\,\mathbf v = (\log 3, 0)$, the probabilities $\mathbf p = (3, 1) / 4$.
# * The answer was the second class. The loss is $L = -\log \tfrac14 = 1.386$.
#
# Now ask each number how the loss would follow it, the last one first. For the scores logistic regression has the
# answer, *said minus seen*: $\partial L/\partial \mathbf s = (\tfrac34, \tfrac14 - 1) = (0.75, -0.75)$. Then:
#
# * A weight $v_k$ moves $s_k$ by $h$ times as much: $\partial L/\partial \mathbf v = h\,(0.75, -0.75)$.
# * The hidden neuron moves both scores, by $v_1$ and $v_2$: $\partial L/\partial h = 0.75 \log 3 - 0.75 \cdot 0 =
#   0.824$. It was never told what it should have been. It is blamed for what it said, in proportion to how loudly
# each
#   score listened.
# * The cut passes blame on where it passed the signal on: $\partial L/\partial z = 0.824$, and with $z < 0$ it were
#   0.
# * The weight $w$ moves $z$ by $x$ times as much: $\partial L/\partial w = 2 \cdot 0.824 = 1.648$.
#
# So $w$ should fall, as it should: the neuron speaks for the wrong class.

# %%
x, w, v = 2.0, 0.5, np.array([np.log(3), 0.0])


def tiny_loss(theta):
    scores = max(x * theta[0], 0) * theta[1:]
    return np.log(np.exp(scores).sum()) - scores[1]


slopes = np.array([x * 0.75 * np.log(3), 0.75, -0.75])  # of w and of v, from above
print("by hand:", slopes.round(3))
error = check_gradient(tiny_loss, lambda _theta: slopes, np.array([w, *v]))
claim("backpropagation-hand-example", error, at_most=1e-8)

# %% [markdown]
# (sec-backpropagation-matrices)=
# ## The same, for every row and every neuron
#
# Let $\mathbf X \in \mathbb R^{n \times d}$ hold $n$ rows, and let there be $m$ hidden neurons and $K$ classes:
#
# $$
# \mathbf Z = \mathbf X \mathbf W_1 + \mathbf 1 \mathbf b_1^\top, \qquad
# \mathbf H = \varphi(\mathbf Z), \qquad
# \mathbf S = \mathbf H \mathbf W_2 + \mathbf 1 \mathbf b_2^\top .
# $$ (eq-backpropagation-forward)
#
# $\mathbf Z$ and $\mathbf H$ are $n \times m$, $\mathbf S$ is $n \times K$, $\mathbf 1$ is a column of ones, and
# $\varphi$ acts on each number by itself: here the rectifier $\max(z, 0)$ {cite:p}`fukushima1969visual`, called
# **ReLU**. The loss is the mean over rows of minus the log-probability of the class $y_i$ that was seen:
#
# $$
# L = \frac1n \sum_{i=1}^n \Bigl[ \log \sum_{k=1}^K e^{S_{ik}} - S_{i y_i} \Bigr] .
# $$ (eq-backpropagation-loss)
#
# Write $\bar{\mathbf A}$ for the array of the slopes $\partial L / \partial A_{ij}$; it has the shape of $\mathbf
# A$. When the numbers of $\mathbf A$ change by $\mathrm d\mathbf A$, the loss changes by $\langle \bar{\mathbf
# A}, \mathrm d\mathbf A \rangle$, where $\langle \mathbf A, \mathbf B \rangle = \sum_{ij} A_{ij} B_{ij}$. One
# rule moves a factor to the other side, and it is all the matrix calculus that is needed:
#
# $$
# \langle \mathbf A, \mathbf B \mathbf C \rangle = \sum_{ijk} A_{ij} B_{ik} C_{kj}
# = \langle \mathbf B^\top \mathbf A, \mathbf C \rangle = \langle \mathbf A \mathbf C^\top, \mathbf B \rangle .
# $$ (eq-backpropagation-move)
#
# **The scores.** The derivative of $\log \sum_k e^{s_k}$ by $s_k$ is $e^{s_k} / \sum_l e^{s_l} = p_k$, and that of
# $-s_y$ is $-1$ at $k = y$. With the probabilities in $\mathbf P$ and the answers in $\mathbf Y$, ones and zeros,
#
# $$
# \bar{\mathbf S} = \tfrac1n (\mathbf P - \mathbf Y) .
# $$ (eq-backpropagation-scores)
#
# **The second layer.** Small changes of its three ingredients move the scores by $\mathrm d \mathbf S = \mathbf
# H\, \mathrm d \mathbf W_2 + \mathrm d \mathbf H\, \mathbf W_2 + \mathbf 1\, \mathrm d \mathbf b_2^\top$ to first
# order. Put this into $\langle \bar{\mathbf S}, \mathrm d\mathbf S\rangle$ and move factors:
#
# $$
# \mathrm dL = \langle \mathbf H^\top \bar{\mathbf S}, \mathrm d\mathbf W_2 \rangle
# + \langle \bar{\mathbf S} \mathbf W_2^\top, \mathrm d\mathbf H \rangle
# + \langle \bar{\mathbf S}^\top \mathbf 1, \mathrm d\mathbf b_2 \rangle .
# $$ (eq-backpropagation-second)
#
# What stands beside each change *is* its slope: $\bar{\mathbf W}_2 = \mathbf H^\top \bar{\mathbf S}$,
# $\bar{\mathbf H} = \bar{\mathbf S} \mathbf W_2^\top$, and $\bar{\mathbf b}_2 = \bar{\mathbf S}^\top \mathbf 1$,
# a sum over rows, because one bias served them all.
#
# **The cut.** $\mathrm dH_{ij} = \varphi'(Z_{ij})\, \mathrm dZ_{ij}$, number by number, so with $\odot$ for the
# elementwise product
#
# $$
# \bar{\mathbf Z} = \bar{\mathbf H} \odot \varphi'(\mathbf Z) .
# $$ (eq-backpropagation-cut)
#
# **The first layer** is the second one with other letters:
#
# $$
# \bar{\mathbf W}_1 = \mathbf X^\top \bar{\mathbf Z}, \qquad \bar{\mathbf b}_1 = \bar{\mathbf Z}^\top \mathbf 1 .
# $$ (eq-backpropagation-first)
#
# That is **backpropagation**: {cite:t}`rumelhart1986learning` made it known for networks, and
# {cite:t}`linnainmaa1976taylor` had it for any program. It is the chain rule, with one decision added: the
# products are taken from the loss towards the input. Then every intermediate result has the shape of a layer.
# From the input towards the loss, the first thing to form would be the derivative of $n m$ numbers by $d m$
# weights.

# %% mystnb={"figure": {"caption": "Forwards above, backwards below; every array is drawn to scale, and each slope lies under the array whose shape it shares. What the dotted lines carry down has to be kept.", "name": "fig-backpropagation-shapes"}, "image": {"alt": "Upper row from left to right: boxes X, W1, H, W2, S, joined by arrows to the right. Lower row: boxes for the slopes of W1, Z, W2 and S below their counterparts, joined by arrows to the left. Dotted lines lead from X, H and W2 down to the slopes that use them."}} tags=["hide-input"]
shapes = {"X": (32, 64), "W1": (64, 32), "H": (32, 32), "W2": (32, 10), "S": (32, 10)}
above = {key: rf"$\mathbf{{{key[0]}}}_{key[1:]}$" for key in ("W1", "W2")}
above |= {key: rf"$\mathbf{{{key}}}$" for key in ("X", "H", "S")}
below = {
    "W1": r"$\bar{\mathbf{W}}_1=\mathbf{X}^{\!\top}\bar{\mathbf{Z}}$",
    "H": r"$\bar{\mathbf{Z}}=\bar{\mathbf{S}}\mathbf{W}_2^{\!\top}\odot\varphi^{\prime}$",
    "W2": r"$\bar{\mathbf{W}}_2=\mathbf{H}^{\!\top}\bar{\mathbf{S}}$",
    "S": r"$\bar{\mathbf{S}}=(\mathbf{P}-\mathbf{Y})/n$",
}
left = {"X": 0, "W1": 112, "H": 204, "W2": 306, "S": 386}
center = {key: left[key] + shapes[key][1] / 2 for key in left}
figure, axes = plt.subplots(figsize=(7.4, 3.9))
for key, (rows, columns) in shapes.items():
    paint = COLORS["sky"] if key.startswith("W") else COLORS["light"]
    corner = left[key], -rows / 2
    axes.add_patch(Rectangle(corner, columns, rows, fc=paint, ec=COLORS["ink"]))
    axes.text(center[key], 40, above[key], ha="center", fontsize=12)
    axes.text(center[key], -46, f"{rows} × {columns}", ha="center", fontsize=8.5)
    if key in below:
        corner, edge = (left[key], -130 - rows / 2), COLORS["red"]
        axes.add_patch(Rectangle(corner, columns, rows, fc="#FBE3D3", ec=edge, ls="--"))
        axes.text(center[key], -184, below[key], ha="center", fontsize=11)
for first, second in [("X", "W1"), ("W1", "H"), ("H", "W2"), ("W2", "S")]:
    ends = left[first] + shapes[first][1] + 4, left[second] - 4
    axes.annotate("", (ends[1], 0), (ends[0], 0), arrowprops={"arrowstyle": "-|>"})
    if first != "X":
        arrow = {"arrowstyle": "-|>", "color": COLORS["red"]}
        axes.annotate("", (ends[0], -130), (ends[1], -130), arrowprops=arrow)
for start, end in [("X", "W1"), ("H", "H"), ("H", "W2"), ("W2", "H")]:
    top = center[start] + {"W2": -2, "H": 5}.get(start, 0), -52
    tip = left[end] + 6 if end == "W1" else center[end], -111 if end != "W1" else -101
    dotted = {"arrowstyle": "-|>", "ls": ":", "color": COLORS["gray"]}
    axes.annotate("", tip, top, arrowprops=dotted)
axes.text(0, 62, "forwards →", weight="bold")
axes.text(0, -140, "← backwards", color="#b34e00", weight="bold")
axes.set(xlim=(-6, 440), ylim=(-194, 76), aspect="equal")
axes.set_title("Each slope has the shape of what it belongs to")
axes.axis("off")
plt.show()

# %% [markdown]
# ## Naïve, with four loops
#
# The rule of the hand calculation, for every row and every neuron, one number at a time. It is slow and hard to get
# wrong, which makes it the first reference.


# %%
def slopes_one_by_one(W1, b1, W2, b2, X, y):
    slopes = {"W1": 0 * W1, "b1": 0 * b1, "W2": 0 * W2, "b2": 0 * b2}
    for row, answer in zip(X, y):
        z = [row @ W1[:, j] + b1[j] for j in range(len(b1))]
        h = [max(value, 0.0) for value in z]
        p = np.exp([h @ W2[:, k] + b2[k] for k in range(len(b2))])
        said_minus_seen = (p / p.sum() - np.eye(len(b2))[answer]) / len(X)
        for k, blame in enumerate(said_minus_seen):
            slopes["b2"][k] += blame
            for j in range(len(b1)):
                slopes["W2"][j, k] += h[j] * blame
                if z[j] > 0:  # what was cut off has no part in it
                    slopes["b1"][j] += W2[j, k] * blame
                    slopes["W1"][:, j] += row * W2[j, k] * blame
    return slopes


# %% [markdown]
# ## In matrices
#
# The loss comes first. Both $e^{1000}$ and $\log 0$ wait in {eq}`eq-backpropagation-loss`; subtracting the largest
# score of each row changes no probability and removes both. The function returns $\bar{\mathbf S}$ with the loss,
# since the two share all the work.


# %% tags=["export"]
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
        raise ValueError(
            f"y must hold {len(S)} integers, got shape {seen.shape}, {seen.dtype}"
        )
    if seen.min() < 0 or seen.max() >= S.shape[1]:
        raise ValueError(
            f"labels must lie in 0..{S.shape[1] - 1}, got {seen.min()}..{seen.max()}"
        )
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


# %% [markdown]
# A hidden layer needs $\varphi$ and $\varphi'$. All the usual ones let $\varphi'$ be written with the *result*
# $\mathbf H$, so that $\mathbf Z$ can be forgotten: $h > 0$ for ReLU, $1 - h^2$ for tanh, $h (1 - h)$ for the
# sigmoid.


# %% tags=["export"]
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
        raise ValueError(
            f"X must have shape (n, {n_features}) with n > 0, got {rows.shape}"
        )
    if not np.isfinite(rows).all():
        raise ValueError("X must be finite; it holds a NaN or an infinity")
    return rows


# %% [markdown]
# The class. `backward` is the page in four lines; hold it against the equations {eq}`eq-backpropagation-second`,
# {eq}`eq-backpropagation-cut` and {eq}`eq-backpropagation-first`:
#
# | Line of `backward` | Equation | Shape for the digits, 32 rows |
# |---|---|---|
# | `"b2": G.sum(axis=0)` | $\bar{\mathbf b}_2 = \bar{\mathbf S}^\top \mathbf 1$ | (32, 10) → (10,) |
# | `"W2": past.H.T @ G` | $\bar{\mathbf W}_2 = \mathbf H^\top \bar{\mathbf S}$ | (32, 32) · (32, 10) → (32, 10) |
# | `D = (G @ self.W2.T) * slope(past.H)` | $\bar{\mathbf Z} = \bar{\mathbf S} \mathbf W_2^\top \odot \varphi'$ | (32, 10) · (10, 32) → (32, 32) |
# | `"b1": D.sum(axis=0)` | $\bar{\mathbf b}_1 = \bar{\mathbf Z}^\top \mathbf 1$ | (32, 32) → (32,) |
# | `"W1": past.X.T @ D` | $\bar{\mathbf W}_1 = \mathbf X^\top \bar{\mathbf Z}$ | (64, 32) · (32, 32) → (64, 32) |


# %% tags=["export"]
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
            raise ValueError(
                f"sizes must be at least 1, got {(n_features, n_hidden, n_classes)}"
            )
        if activation not in _ACTIVATIONS:
            raise ValueError(
                f"activation must be one of {sorted(_ACTIVATIONS)}, got {activation!r}"
            )
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


# %% [markdown]
# To train is to repeat: a minibatch forwards, its loss, back, and a step against each slope.


# %% tags=["export"]
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


# %% [markdown]
# ## Is it right?
#
# Four witnesses. The loops above; central differences, by {doc}`../00_Orientation/03_checks`; the same with each
# activation; and PyTorch, which differentiates programs on its own ({doc}`03_autograd` builds that).


# %%
def flat(arrays):
    return np.concatenate([array.ravel() for array in arrays.values()])


def place(net, theta):  # write a flat vector into the four arrays
    start = 0
    for array in net.parameters.values():
        array[...] = theta[start : start + array.size].reshape(array.shape)
        start += array.size
    return net


def gradient_error(net, X, y, **settings):
    return check_gradient(
        lambda theta: place(net, theta).loss(X, y),
        lambda theta: flat(place(net, theta).gradients(X, y)),
        flat(net.parameters),
        **settings,
    )


# %%
rng = np.random.default_rng(1)
X_small, y_small = rng.normal(size=(12, 6)), rng.integers(3, size=12)
net = TwoLayerNet(6, 5, 3)
loops = slopes_one_by_one(**net.parameters, X=X_small, y=y_small)
difference = check_close(flat(net.gradients(X_small, y_small)), flat(loops), atol=1e-14)
claim("backpropagation-against-loops", difference, at_most=1e-14)
kinds = ("relu", "tanh", "sigmoid", "identity")
nets = {kind: TwoLayerNet(6, 5, 3, activation=kind) for kind in kinds}
errors = [gradient_error(net, X_small, y_small) for net in nets.values()]
claim("backpropagation-gradient-check", max(errors), at_most=1e-8)


# %%
def torch_slopes(net, X, y):
    tensors = {
        k: torch.tensor(v, requires_grad=True) for k, v in net.parameters.items()
    }
    hidden = torch.relu(torch.tensor(X) @ tensors["W1"] + tensors["b1"])
    scores = hidden @ tensors["W2"] + tensors["b2"]
    torch.nn.functional.cross_entropy(scores, torch.tensor(y)).backward()
    return {k: t.grad.numpy() for k, t in tensors.items()}


namer = TwoLayerNet(64, 32, 10)
ours, theirs = namer.gradients(X, y), torch_slopes(namer, X, y)
difference = check_close(flat(ours), flat(theirs), rtol=0, atol=1e-12)
claim("backpropagation-against-autograd", difference, at_most=1e-12)
print(f"{flat(ours).size:,} slopes over {len(X):,} pictures agree")

# %% [markdown]
# (sec-backpropagation-cost)=
# ## What the way back costs
#
# Count multiplications in matrix products, for $n$ rows. Forwards there are two products, $n d m + n m K$.
# Backwards there are three: $\mathbf X^\top \bar{\mathbf Z}$ costs $n d m$, and $\mathbf H^\top \bar{\mathbf S}$
# and $\bar{\mathbf S} \mathbf W_2^\top$ cost $n m K$ each,
#
# $$
# \frac{\text{backward}}{\text{forward}} = \frac{d m + 2 m K}{d m + m K} .
# $$ (eq-backpropagation-cost)
#
# Do not take the formula's word for it. An array that counts the products it takes part in:


# %%
class Counted(np.ndarray):
    multiplications = 0

    def __array_ufunc__(self, ufunc, method, *inputs, **settings):
        plain = [np.asarray(value) for value in inputs]
        if ufunc is np.matmul:
            (n, inner), columns = plain[0].shape, plain[1].shape[1]
            Counted.multiplications += n * inner * columns
        return np.asarray(getattr(ufunc, method)(*plain, **settings)).view(Counted)


# %%
counter = TwoLayerNet(64, 32, 10)
counter.W1, counter.W2 = counter.W1.view(Counted), counter.W2.view(Counted)
past = counter.forward(X)
forward = Counted.multiplications
_ = counter.backward(past, softmax_cross_entropy(past.S, y)[1])
backward = Counted.multiplications - forward
runs = 2 * flat(namer.parameters).size
print(f"a picture: {forward // len(X):,} forwards, {backward // len(X):,} backwards")
print(f"central differences: {runs:,} runs forwards")
claim("backpropagation-cost", backward / forward, equal_to=1.135, tolerance=0.001)
claim("backpropagation-over-differences", runs * forward / backward, at_least=4000)

# %% [markdown]
# **Prediction 1**: 1.135 runs, not 4,820, for all 2,410 slopes. Each layer needs two products on the way back
# where it needed one on the way there; but nobody asked for the slope of the pixels, and the first layer, with
# most of the weights, gets off with one. In a deep network nearly every layer pays for both, and the ratio tends
# to the 2 that is usually quoted. {cite:t}`griewank2008evaluating` bound it by a small constant for every
# program.
#
# Processor time follows the count, with the elementwise work added:

# %% tags=["nbval-ignore-output"]
# Timings differ from run to run.
G = softmax_cross_entropy(namer.forward(X).S, y)[1]
past, seconds = namer.forward(X), {"forward": [], "backward": []}
for _ in range(30):
    start = time.process_time()
    namer.forward(X)
    between = time.process_time()
    namer.backward(past, G)
    seconds["forward"].append(between - start)
    seconds["backward"].append(time.process_time() - between)
ratio = np.median(seconds["backward"]) / np.median(seconds["forward"])
print(f"backward / forward in processor time: {ratio:.2f}")

# %%
claim("backpropagation-time-ratio", ratio, within=(0.2, 6))

# %% [markdown]
# The price is memory: the backward pass reads $\mathbf X$ and $\mathbf H$ again, so they must be kept, and they
# grow with the batch, as the weights do not.

# %%
tracemalloc.start()
past = namer.forward(X)
kept = tracemalloc.get_traced_memory()[0]
tracemalloc.stop()
weights_bytes = 8 * flat(namer.parameters).size
claim("backpropagation-bytes-kept", kept / (8 * len(X) * 42), within=(0.99, 1.05))
claim("backpropagation-kept-over-weights", kept / weights_bytes, within=(20, 30))

# %% [markdown]
# Forty-two numbers a picture, 32 in $\mathbf H$ and 10 in $\mathbf S$, beside the input that exists anyway: 25
# times the weights for the whole training set, and half the weights for a minibatch of 32. Predicting needs no
# backward pass and can forget each layer at once.
#
# ## It learns
#
# First the thousand guesses: the same weights to begin with, the same 300 pictures, and 600 steps along the
# {term}`gradient`.

# %%
follower = TwoLayerNet(64, 32, 2)
for key, value in zip(follower.parameters, first_weights(np.random.default_rng(0))):
    follower.parameters[key][...] = value
follower.fit(few, few_odd, n_epochs=600, batch_size=300, learning_rate=0.2)
following = np.array(follower.losses_)
runs_each = 1 + (64 + 2 * 2) / (64 + 2)  # a step: forwards, and eq-backpropagation-cost
reached = runs_each * np.argmax(following < guessing[-1])
check_close(following[0], guessing[0], rtol=1e-12)
claim("backpropagation-runs-to-match-guessing", reached, within=(100, 400))

# %% mystnb={"figure": {"caption": "A thousand guesses reach what the gradient has after some two hundred runs, and each further digit costs guessing more.", "name": "fig-backpropagation-guessing"}, "image": {"alt": "Loss on a logarithmic axis against runs of the network on a logarithmic axis. The dashed curve of guessing falls slowly to about 0.15 at one thousand runs. The solid curve of backpropagation crosses that level at about two hundred runs and reaches about 0.02."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.6, 3.5))
axes.loglog(
    1 + np.arange(len(guessing)),
    guessing,
    ls=DASHES[1],
    color=COLORS["orange"],
    label="guess, keep\nif better",
)
axes.loglog(
    1 + runs_each * np.arange(len(following)),
    following,
    color=COLORS["blue"],
    label="follow the\ngradient",
)
axes.axhline(guessing[-1], color=COLORS["gray"], lw=0.8, ls=":")
label_lines(axes)
axes.set(xlabel="runs of the network (backward passes included)", xlim=(1, 4000))
axes.set_ylabel("loss of 300 pictures (nats)")
axes.set_title("Blame for each weight beats one verdict for all")
plt.show()


# %% [markdown]
# Now the whole training set, new pictures, five splits; and the same network without the cut, $\varphi(z) = z$.


# %%
def trained(seed, question, n_epochs=20, **settings):
    X, y, X_new, y_new = split(seed)
    labels = question(y)
    net = TwoLayerNet(64, 32, labels.max() + 1, random_state=seed, **settings)
    net.fit(X, labels, n_epochs=n_epochs, random_state=seed)
    return net, (net.predict(X_new) == question(y_new)).mean()


judges = [trained(seed, odd) for seed in range(5)]
network_parity = seed_band(lambda seed: judges[seed][1], range(5))
network_names = seed_band(lambda seed: trained(seed, name, n_epochs=40)[1], range(5))
no_cut = trained(0, odd, activation="identity")[1]
claim("backpropagation-even-or-odd", network_parity.mean, within=(0.955, 0.99))
claim(
    "backpropagation-gain-even-or-odd", network_parity.mean - parity.mean, at_least=0.04
)
claim("backpropagation-names-digits", network_names.low, at_least=0.965)
claim(
    "backpropagation-gain-names", network_names.mean - naming.mean, within=(-0.01, 0.02)
)
claim("backpropagation-even-or-odd-without-cut", no_cut, within=(0.85, 0.94))

# %% [markdown]
# Even or odd: from 0.91 to 0.98. The hidden layer is what was missing, and the cut is what makes it a layer:
# without it $\mathbf X \mathbf W_1 \mathbf W_2$ is one matrix, and the network answers like the plane. To name
# the digits, though, the network has next to no lead over logistic regression, which was at 0.97. Those pictures
# are nearly separable by planes as they are, and a hidden layer cannot repair what is not broken.
#
# (sec-backpropagation-fold)=
# ## What a hidden layer does: it folds
#
# XOR, small enough to see all of it: four points, two classes on opposite corners, two hidden neurons.

# %%
corners, exclusive = (
    np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]),
    np.array([0, 1, 1, 0]),
)


def learn_xor(seed, n_hidden):
    net = TwoLayerNet(2, n_hidden, 2, random_state=seed)
    return net.fit(corners, exclusive, n_epochs=400, batch_size=4, learning_rate=1.0)


trials = {m: [learn_xor(seed, m) for seed in range(40)] for m in (2, 8)}
solved = {m: np.array([net.losses_[-1] < 0.05 for net in trials[m]]) for m in trials}
failed = [net for net, good in zip(trials[2], solved[2]) if not good]
silent = [(net.forward(corners).H.max(axis=0) == 0).any() for net in failed]
claim("backpropagation-xor-two-neurons", solved[2].mean(), within=(0.1, 0.35))
claim(
    "backpropagation-xor-failures-with-a-silent-one", np.mean(silent), within=(0.5, 0.9)
)
claim("backpropagation-xor-eight-neurons", solved[8].mean(), at_least=0.85)

# %% [markdown]
# **Prediction 3**: two are enough, and training finds them in one trial out of five. In most of the failures one
# of the two has all four points on the dead side of its cut: it gets no blame and never moves again. In the
# others both serve the same corner. With eight there are spares. That is one reason for hidden layers wider than
# they need to be: not what the network can say, but what it can *find*. A trial that succeeded:

# %% mystnb={"figure": {"caption": "Two trained neurons crumple the plane onto two half-lines. The points of class 0 fall together into the corner, and one straight cut separates what no line could.", "name": "fig-backpropagation-fold"}, "image": {"alt": "Left: the four points of XOR in the plane; the diagonal strip through 0,0 and 1,1 is shaded and bounded by two parallel lines. Right: the same points in the coordinates of the hidden layer; both points of class 0 lie at the origin, those of class 1 far out on the two axes, and a dashed line separates them. Small dots show where the rest of the plane went: onto the axes."}} tags=["hide-input"]
chosen = trials[2][11]
cloud = np.random.default_rng(0).uniform(-0.35, 1.35, size=(500, 2))
figure, panels = plt.subplots(1, 2, figsize=(7.4, 3.7))
grid = np.linspace(-0.35, 1.35, 120)
mesh = np.array([[a, b] for b in grid for a in grid])
scores = chosen.forward(mesh).S
lead = (scores[:, 1] - scores[:, 0]).reshape(120, 120)
panels[0].contourf(grid, grid, lead, [-99, 0, 99], colors=["#DDE2E7", "#FFFFFF"])
panels[0].contour(grid, grid, lead, [0], colors=COLORS["ink"], linestyles="--")
places = [corners, chosen.forward(corners).H]
dust = [cloud, chosen.forward(cloud).H]
for axes, points, dots in zip(panels, places, dust):
    side = (cloud @ chosen.W1 + chosen.b1)[:, 0] > 0
    axes.plot(*dots[side].T, ".", ms=2.5, color=COLORS["orange"])
    axes.plot(*dots[~side].T, ".", ms=2.5, color=COLORS["green"])
    for label, marker, color in ((0, "o", "ink"), (1, "s", "blue")):
        axes.plot(
            *points[exclusive == label].T,
            marker,
            ms=10,
            color=COLORS[color],
            mec="white",
            ls="none",
        )
top = chosen.W2[:, 1] - chosen.W2[:, 0]
ends = -(chosen.b2[1] - chosen.b2[0]) / top
panels[1].plot([ends[0], 0], [0, ends[1]], ls="--", color=COLORS["ink"])
white = {"fc": "white", "ec": "none", "alpha": 0.85, "pad": 1}
for axes, points in zip(panels, places):
    for corner, point in zip(corners, points):
        label = f"{corner[0]:.0f}, {corner[1]:.0f}"
        if axes is panels[1] and np.hypot(*point) < 0.5:
            label = "0, 0 and 1, 1"
        offset = (12, 9) if point[0] >= point[1] else (12, -3)
        axes.annotate(label, point, offset, textcoords="offset points", bbox=white)
panels[0].text(0.5, 0.5, "class 0", rotation=45, ha="center", va="center", bbox=white)
panels[0].text(-0.3, 1.2, "class 1", bbox=white)
panels[0].text(1.3, -0.27, "class 1", ha="right", bbox=white)
panels[0].set(xlabel="input 1", ylabel="input 2", aspect="equal")
panels[0].set_title("The plane, before")
panels[1].set(xlabel="hidden neuron 1", ylabel="hidden neuron 2", aspect="equal")
panels[1].set_title("The plane, after")
plt.show()

# %%
H = chosen.forward(corners).H
zeros_apart = np.linalg.norm(H[0] - H[3])
ones_apart = np.linalg.norm(H[1] - H[2])
claim("backpropagation-fold-zeros-apart", zeros_apart / ones_apart, at_most=0.05)

# %% [markdown]
# Each neuron is a sheet that lies flat on one side of a line and rises on the other. The two found the same
# crease, the diagonal, from opposite sides; everything along the diagonal is pressed into the corner.
# {cite:t}`montufar2014number` count what such folds can do when they are stacked.
#
# ## Told only even or odd
#
# The same, with 64 inputs and pictures. The network for even and odd never saw a digit's name. What do its hidden
# neurons look for?

# %%
judge = judges[0][0]
H_new = judge.forward(X_new).H  # (360, 32)
means = np.array([H_new[y_new == label].mean(axis=0) for label in range(10)])
vote = judge.W2[:, 1] - judge.W2[:, 0]  # for odd, against even
loudest = np.argsort(-np.abs(vote) * means.max(axis=0))[:12]
loudest = loudest[np.argsort(vote[loudest])]
camps = [
    means[int(vote[unit] > 0) :: 2, unit] for unit in loudest
]  # its own five digits
weakest = np.median([camp.min() / camp.max() for camp in camps])
claim("backpropagation-neurons-weakest-digit-of-own-camp", weakest, at_most=0.3)

# %% mystnb={"figure": {"caption": "Most of the influential neurons answer to a few digits of one camp, not to the camp. Nobody told the network that there are ten digits.", "name": "fig-backpropagation-neurons"}, "image": {"alt": "Upper row: twelve small pictures of the weights of hidden neurons. Second row: the average of the twenty pictures that excite each most; zeros, fours and sixes on the left, threes, sevens and nines on the right. Below: a table of the ten digits against these neurons, shaded by mean activation. Neurons that vote for even are active for a few even digits, the others for a few odd ones."}} tags=["hide-input"]
figure = plt.figure(figsize=(7.4, 5.0))
grid = figure.add_gridspec(3, 12, height_ratios=[1, 1, 4])
for column, unit in enumerate(loudest):
    weights = judge.W1[:, unit].reshape(8, 8)
    limit = np.abs(weights).max()
    excites = X_new[np.argsort(-H_new[:, unit])[:20]].mean(axis=0).reshape(8, 8)
    pair = [figure.add_subplot(grid[row, column]) for row in range(2)]
    pair[0].imshow(weights, cmap=DIVERGING, vmin=-limit, vmax=limit)
    pair[1].imshow(excites, cmap="gray_r")
    pair[0].set_title("even" if vote[unit] < 0 else "odd", fontsize=9, pad=3)
    for axes, label in zip(pair, ("weights", "excited\nby")):
        axes.set(xticks=[], yticks=[])
        axes.grid(visible=False)
        if column == 0:
            axes.set_ylabel(label, fontsize=9, rotation=0, ha="right", va="center")
axes = figure.add_subplot(grid[2, :])
rows = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9]
table = means[rows][:, loudest]
picture = axes.imshow(table / table.max(axis=0), cmap="cividis", aspect="auto")
axes.axhline(4.5, color="white", lw=2)
axes.axvline((vote[loudest] < 0).sum() - 0.5, color="white", lw=2)
axes.set(yticks=range(10), yticklabels=rows, xticks=[])
axes.set(ylabel="digit shown", xlabel="hidden neurons, sorted by their vote")
axes.grid(visible=False)
bar = figure.colorbar(picture, ax=axes, pad=0.015)
bar.set_label("mean activation / its largest")
plt.show()


# %% [markdown]
# A **probe** {cite:p}`alain2016understanding` puts this in a number: take a layer's activations as columns, and
# fit a linear model on them. It measures what lies there ready for a plane. The columns are the 32 neurons, with
# their first random weights and trained on even and odd; the questions are even or odd, and which digit; what the
# pixels themselves answer is known from above.


# %%
def probe(seed, net, question):
    X, y, X_new, y_new = split(seed)
    model = LogisticRegression(C=10, max_iter=2000)
    model.fit(net.forward(X).H, question(y))
    return model.score(net.forward(X_new).H, question(y_new))


def probe_both(seed, question):
    untrained = TwoLayerNet(64, 32, 2, random_state=seed)
    return probe(seed, untrained, question), probe(seed, judges[seed][0], question)


before, after = np.mean([probe_both(seed, odd) for seed in range(3)], axis=0)
claim("backpropagation-probe-parity-untrained", before, within=(0.8, 0.9))
claim("backpropagation-probe-parity-trained", after, within=(0.96, 0.99))
before, after = np.mean([probe_both(seed, name) for seed in range(3)], axis=0)
claim("backpropagation-probe-name-untrained", before, within=(0.83, 0.92))
claim("backpropagation-probe-name-trained", after, within=(0.92, 0.975))

# %% [markdown]
# Thirty-two random neurons know less of the answer than the 64 pixels did: they have half of the columns and
# gained nothing. Training turns them into coordinates in which a plane suffices. The second question is the
# surprise: the trained neurons also give the ten *names*, better than the untrained ones, though the pair of
# scores that they were trained for amounts to one number. To say what is even the network had to tell 4 from 9.
#
# Where along the direction of the probe do the pictures lie?

# %% mystnb={"figure": {"caption": "In the pixels the two camps overlap along the best direction; in the trained hidden layer they part.", "name": "fig-backpropagation-probe"}, "image": {"alt": "Two panels with two histograms each of the probe's score for even and odd pictures. On the left, for pixels, the histograms overlap around zero. On the right, for hidden neurons, a gap separates most of them."}} tags=["hide-input"]
figure, panels = plt.subplots(1, 2, figsize=(7.2, 3.0), sharey=True)
cases = [("pixels", X, X_new), ("hidden neurons", judge.forward(X).H, H_new)]
for axes, (label, seen, new) in zip(panels, cases):
    model = LogisticRegression(C=10, max_iter=2000).fit(seen, odd(y))
    score = model.decision_function(new)
    score = score / score.std()
    bins = np.linspace(-2.6, 2.6, 27)
    even_new, odd_new = score[odd(y_new) == 0], score[odd(y_new) == 1]
    axes.hist(even_new, bins, color=COLORS["orange"], alpha=0.75, label="even")
    axes.hist(odd_new, bins, histtype="step", color=COLORS["blue"], lw=2, label="odd")
    axes.axvline(0, color=COLORS["ink"], lw=0.8, ls=":")
    axes.set(xlabel="probe's score (standard deviations)")
    axes.set_title(label)
    axes.text(-2.5, 33, "even", color="#8a5a00")
    axes.text(2.5, 33, "odd", ha="right", color=COLORS["blue"])
panels[0].set_ylabel("new pictures")
plt.show()

# %% [markdown]
# (sec-backpropagation-breaks)=
# ## What breaks it
#
# **All neurons alike.** Start with every weight at 0.1. Then all columns of $\mathbf H$ are equal, hence all rows
# of $\bar{\mathbf W}_2$, hence, since the rows of $\mathbf W_2$ are equal, all columns of $\bar{\mathbf Z}$ and
# of $\bar{\mathbf W}_1$. After the step everything is as alike as before. At zero it is worse: $\bar{\mathbf H} =
# \bar{\mathbf S} \mathbf W_2^\top = \mathbf 0$ and $\mathbf H = \mathbf 0$, so only the last biases ever move.


# %%
def from_constant(value, noise=0.0):
    net, rng = TwoLayerNet(64, 32, 10), np.random.default_rng(0)
    net.W1[...] = value + noise * rng.normal(size=net.W1.shape)
    net.W2[...] = value
    net.fit(X, y, n_epochs=10)
    share = np.linalg.svd(net.W1, compute_uv=False)
    return net, share[1] / max(share[0], 1e-300), (net.predict(X_new) == y_new).mean()


alike, second, alike_accuracy = from_constant(0.1)
zero = from_constant(0.0)[0]
claim("backpropagation-alike-second-singular-value", second, at_most=1e-9)
claim("backpropagation-alike-accuracy", alike_accuracy, at_most=0.45)
claim(
    "backpropagation-zero-moves",
    max(np.abs(zero.W1).max(), np.abs(zero.W2).max()),
    equal_to=0,
)
_, second, noisy_accuracy = from_constant(0.1, noise=1e-3)
claim("backpropagation-noise-second-singular-value", second, at_least=0.01)
claim("backpropagation-noise-accuracy", noisy_accuracy, at_least=0.9)

# %% [markdown]
# The rank of $\mathbf W_1$ stays 1: 32 neurons are one neuron, copied. The state is unstable, and a hundredth of
# the weights' size in noise is enough to leave it; the random first weights are there to make neurons
# *different*. How large they should be is the subject of {doc}`06_initialization_and_normalization`.
#
# **Steps that are too long.** The learning rate, over four powers of ten, with the share of neurons that are silent
# on every training picture:


# %%
def at_rate(rate):
    net = TwoLayerNet(64, 32, 10).fit(X, y, n_epochs=8, learning_rate=rate)
    silent = (net.forward(X).H.max(axis=0) == 0).mean()
    return (net.predict(X_new) == y_new).mean(), silent, net


rates = [0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10]
accuracies, silences, ends = zip(*[at_rate(rate) for rate in rates])
dead_slope = np.abs(ends[-1].gradients(X, y)["W1"]).max()
claim("backpropagation-best-rate-accuracy", max(accuracies), at_least=0.965)
claim("backpropagation-rate-ten-accuracy", accuracies[-1], at_most=0.3)
claim("backpropagation-rate-ten-silent", silences[-1], at_least=0.9)
claim("backpropagation-dead-slope", dead_slope, at_most=1e-3)

# %% mystnb={"figure": {"caption": "Accuracy rises with the learning rate up to the edge; beyond it the neurons are silent on every picture, and silence has no slope that could lead back.", "name": "fig-backpropagation-rate"}, "image": {"alt": "Two lines over the learning rate on a logarithmic axis from 0.003 to 10. Accuracy rises from about 0.5 to 0.98 at rate 1 and drops to 0.1 at 3. The share of silent neurons is near 0.1 and rises to 1 at 3."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.6, 3.3))
axes.semilogx(rates, accuracies, marker=MARKERS[0], color=COLORS["blue"])
axes.semilogx(rates, silences, marker=MARKERS[1], ls=DASHES[1], color="#a35b00")
axes.text(0.03, 0.72, "accuracy on new digits", color=COLORS["blue"], ha="left")
axes.text(0.03, 0.16, "share of silent neurons", color="#a35b00")
axes.set(xlabel="learning rate", ylabel="share", ylim=(-0.04, 1.06))
axes.set_title("The best rate is next door to death")
plt.show()

# %% [markdown]
# One long step can push a bias so far down that $z < 0$ for every picture. From then on its column of zeros in
# $\varphi'(\mathbf Z)$ erases all blame, in every later step: the neuron is **dead**. Some neurons fall silent at
# moderate rates too; the others do their work.
#
# **The wrong loss for the last layer.** One sigmoid neuron, surely wrong: $z = -8$ where the answer is 1. Squared
# error $\tfrac12 (p - 1)^2$ has the slope $(p - 1)\,p\,(1 - p)$ by the chain rule; cross-entropy $-\log p$ has
# $p - 1$, for its $1/p$ cancels the flat part of the sigmoid. The steps, at rate 1, until $p > \tfrac12$:


# %%
def steps_until_right(slope, z=-8.0):
    path = [z]
    while path[-1] <= 0 and len(path) < 10_000:
        path.append(path[-1] - slope(sigmoid(path[-1])))
    return path


def squared(p):
    return (p - 1) * p * (1 - p)


by_squares = steps_until_right(squared)
by_entropy = steps_until_right(lambda p: p - 1)
print(f"slopes at z = -8: {squared(sigmoid(-8.0)):.2e} and {sigmoid(-8.0) - 1:.3f}")
claim(
    "backpropagation-saturated-steps-squares", len(by_squares) - 1, within=(2900, 3100)
)
claim("backpropagation-saturated-steps-entropy", len(by_entropy) - 1, within=(8, 10))

# %% [markdown]
# Three thousand steps against nine: with squared error the neuron that is most wrong learns least. That is why the
# {term}`softmax` and the {term}`cross-entropy` live in *one* function.
#
# (sec-backpropagation-faults)=
# ## Wrong, and it trains
#
# A crash is a friendly fault. Here are five others, each made by somebody somewhere: the mean's $1/n$ forgotten;
# the mask $\varphi'$ forgotten; `reshape` in place of `.T`, which always has the right shape; the bias slope
# taken from the first row; the first layer's slope never filled in.


# %%
class Faulty(TwoLayerNet):
    fault = "none"

    def backward(self, past, G):
        back, slope = self.W2.T, past.H > 0
        if self.fault == "no 1/n":
            G = G * len(G)
        if self.fault == "reshape":
            back = self.W2.reshape(back.shape)
        if self.fault == "no mask":
            slope = 1.0
        D = (G @ back) * slope
        found = {"W1": past.X.T @ D, "b1": D.sum(0), "W2": past.H.T @ G, "b2": G.sum(0)}
        if self.fault == "first row":
            found["b1"], found["b2"] = D[0], G[0]
        if self.fault == "frozen":
            found["W1"], found["b1"] = 0 * found["W1"], 0 * found["b1"]
        return found


# %%
def faulty(fault, *sizes, seed=0):
    net = Faulty(*sizes, random_state=seed)
    net.fault = fault
    return net


def faulty_accuracy(fault, seed):
    X, y, X_new, y_new = split(seed)
    rate = 0.3 / 32 if fault == "no 1/n" else 0.3  # "it needed a smaller rate"
    net = faulty(fault, 64, 32, 10, seed=seed).fit(X, y, learning_rate=rate)
    return (net.predict(X_new) == y_new).mean()


# %%
faults = ("none", "no 1/n", "no mask", "reshape", "first row", "frozen")
verdicts = {}
for fault in faults:
    band = seed_band(lambda seed, fault=fault: faulty_accuracy(fault, seed), range(3))
    checked = faulty(fault, 6, 5, 3)
    right = TwoLayerNet(6, 5, 3).gradients(X_small, y_small)
    given = checked.gradients(X_small, y_small)
    wrong = [key for key in right if not np.allclose(given[key], right[key])]
    error = gradient_error(checked, X_small, y_small, tolerance=np.inf)
    verdicts[fault] = band.mean, error
    print(f"{fault:9}: wrong slopes: {', '.join(wrong) or 'none'}")

# %%
unnoticed = sum(verdicts[fault][0] > 0.95 for fault in faults[1:])
claim("backpropagation-faults-above-95-percent", unnoticed, equal_to=4)
claim("backpropagation-accuracy-frozen", verdicts["frozen"][0], within=(0.78, 0.89))
least = min(verdicts[fault][1] for fault in faults[1:])
claim("backpropagation-least-error-of-a-fault", least, at_least=0.05)
claim("backpropagation-error-without-fault", verdicts["none"][1], at_most=1e-8)

# %% mystnb={"figure": {"caption": "Accuracy cannot tell four of the five faults from the right derivative; the gradient check sets them many powers of ten apart.", "name": "fig-backpropagation-faults"}, "image": {"alt": "Two panels with one row for the right derivative and one for each of five faults. Left, accuracy on new digits: all markers lie between 0.96 and 0.98 but that of the frozen layer, at about 0.83. Right, relative error of the gradient check on a logarithmic axis: the right derivative lies near 1e-10, all five faults between 0.1 and 1."}} tags=["hide-input"]
figure, panels = plt.subplots(1, 2, figsize=(7.2, 3.2), sharey=True)
for row, fault in enumerate(faults):
    paint = COLORS["blue" if fault == "none" else "red"]
    marker = MARKERS[0 if fault == "none" else 1]
    for axes, value in zip(panels, verdicts[fault]):
        axes.plot(value, row, marker, ms=8, color=paint)
panels[0].axvline(0.95, color=COLORS["gray"], ls=":", lw=1)
panels[1].axvline(1e-6, color=COLORS["gray"], ls=":", lw=1)
panels[1].text(2e-6, 0, "passes to the left", va="center", color="#5c6670")
panels[0].set(yticks=range(6), yticklabels=["no fault", *faults[1:]], xlim=(0.8, 1))
panels[0].invert_yaxis()
panels[0].set(xlabel="accuracy on new digits")
panels[1].set(
    xscale="log", xlim=(1e-11, 5), xlabel="relative error of the gradient check"
)
panels[0].set_title("Training forgives")
panels[1].set_title("The check does not")
plt.show()

# %% [markdown]
# **Prediction 2**: one, the frozen layer, and even that one names eight digits in ten, with 32 random neurons in
# front. The others would pass every review that looks at accuracy. `reshape` is the oddest: it sends the blame
# through a scrambled matrix. {cite:t}`lillicrap2016random` show why that works, with a fixed *random* matrix on
# the way back: the second layer turns towards the feedback it is given, until the blame points downhill.
#
# The list of arrays that are wrong is a diagnosis too. Only $\mathbf b_1$ and $\mathbf b_2$: a sum over rows.
# Only the first layer: the step between the layers. Everything: the loss. {term}`Gradient check <gradient check>`
# first, then train.
#
# ## In practice
#
# The same network in PyTorch: `nn.Linear` stores $\mathbf W^\top$, one row for each neuron, and `CrossEntropyLoss`
# contains the softmax. From the same weights, over the same minibatches, 450 steps:

# %%
mine = TwoLayerNet(64, 32, 10, random_state=1)
layers = torch.nn.Linear(64, 32), torch.nn.Linear(32, 10)
theirs = torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1]).double()
with torch.no_grad():
    for layer, W, b in zip(layers, (mine.W1, mine.W2), (mine.b1, mine.b2)):
        layer.weight.copy_(torch.tensor(W.T))
        layer.bias.copy_(torch.tensor(b))

# %%
optimizer = torch.optim.SGD(theirs.parameters(), lr=0.3)
rng, torch_losses = np.random.default_rng(7), []
for _ in range(10):
    order = rng.permutation(len(X))
    for start in range(0, len(X), 32):
        batch = order[start : start + 32]
        scores = theirs(torch.tensor(X[batch]))
        loss = torch.nn.functional.cross_entropy(scores, torch.tensor(y[batch]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        torch_losses.append(loss.item())

# %%
mine.fit(X, y, n_epochs=10, random_state=7)
difference = check_close(mine.losses_, torch_losses, rtol=0, atol=1e-10)
claim("backpropagation-training-against-torch", difference, at_most=1e-10)
print(f"{len(torch_losses)} losses agree to ten decimals")

# %% [markdown]
# Nobody writes `backward` by hand for a living: {doc}`03_autograd` has it follow from the forward pass. The
# hand-made one remains worth knowing where a new operation needs a pullback, where memory has to be saved, and
# where a gradient is zero and somebody must say why.
#
# | What people believe | What exposes it |
# |---|---|
# | It trains, so the gradient is right | Four planted faults out of five stay above 0.95 |
# | The shapes fit, so the formula is right | `reshape` fits always; $m = K$ lets $\bar{\mathbf S}\mathbf W_2$ through |
# | Backward costs twice forward | 1.135 times here: nobody needs the slope of the input |
# | Zero is a neutral start | Only the last biases move |
# | A network that can say it can learn it | XOR with two neurons, from random starts |
# | Softmax first, then `CrossEntropyLoss` | The softmax is applied twice; it trains, and badly |
#
# ## Exercises
#
# ```{exercise} Two neurons, one silent
# :label: ex-backpropagation-hand
#
# *check · difficulty 1 of 3 · 10 minutes*
#
# One input $x = 2$; hidden weights $\mathbf W_1 = (1, -1)$, no biases, ReLU; $\mathbf W_2$ has the rows $(0,
# \tfrac12 \log 3)$ and $(5, -5)$; the answer is the first class. Give the slopes of the loss along (a) the first
# and (b) the second number of $\mathbf W_1$, (c) the first and (d) the third number of $\mathbf W_2$, read row by
# row: a tuple of four numbers, to three decimals.
# ```


# %%
def test_two_neurons(answer):
    assert answer is not None and len(answer) == 4, "four numbers"
    assert abs(answer[1]) < 1e-3, "the second neuron is cut off: no blame comes back"
    assert abs(answer[3]) < 1e-3, "its weights saw h = 0"
    assert abs(answer[2] + 1.5) < 1e-3, "h times said minus seen, h = 2"
    assert abs(answer[0] - 0.824) < 1e-3, "x times the blame of the hidden neuron"


answer = None  # replace with a tuple, then run this cell again
_ = try_answer(test_two_neurons, answer)

# %% [markdown]
# ```{solution-start} ex-backpropagation-hand
# :class: dropdown
# ```
#
# $\mathbf h = (2, 0)$, the scores are $(0, \log 3)$, $\mathbf p = (\tfrac14, \tfrac34)$ and said minus seen is
# $(-\tfrac34, \tfrac34)$. (c) $2 \cdot (-\tfrac34) = -1.5$, (d) 0. The first neuron's blame is $\tfrac34 \cdot
# \tfrac12 \log 3 = 0.412$, and (a) is twice that; (b) is 0, though the weights 5 and −5 make its blame before the
# cut large.

# %%
_ = try_answer(test_two_neurons, (0.75 * np.log(3), 0, -1.5, 0))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} The slope of the picture
# :label: ex-backpropagation-input
#
# *extend · difficulty 2 of 3 · 20 minutes*
#
# Write `input_slopes(net, X, y)`: the slopes of the *sum* over rows of the loss along each pixel, of shape (n,
# d), for a `TwoLayerNet` with any activation. The network must not change. (Why the sum: each picture's slopes
# should not depend on how many others are in the batch.)
# ```


# %%
def test_input_slopes(input_slopes):
    for kind, net in nets.items():
        before = flat(net.parameters)
        slopes = input_slopes(net, X_small, y_small)
        assert slopes.shape == X_small.shape, "one slope for each pixel of each row"
        assert (flat(net.parameters) == before).all(), "the network has changed"
        alone = input_slopes(net, X_small[:1], y_small[:1])
        assert np.allclose(slopes[:1], alone), (
            "a row must not depend on the others: 1/n"
        )

        def total(rows, net=net):
            return len(rows) * net.loss(rows, y_small)

        check_gradient(total, lambda _rows, s=slopes: s, X_small)
        assert kind in kinds


def input_slopes(net, X, y):  # replace the body, then run this cell again
    return np.zeros_like(X)


_ = try_answer(test_input_slopes, input_slopes)

# %% [markdown]
# ```{solution-start} ex-backpropagation-input
# :class: dropdown
# ```
#
# One product more, $\bar{\mathbf X} = \bar{\mathbf Z} \mathbf W_1^\top$, by {eq}`eq-backpropagation-move`; with
# it the backward pass costs twice the forward pass exactly. The factor $n$ undoes the mean. $\bar{\mathbf Z}$ is
# not returned by `backward`, so it is computed again here. What such slopes are good for: move every pixel by 0.1
# in the direction in which the loss rises.


# %%
def input_slopes_solution(net, X, y):
    past = net.forward(X)
    G = len(X) * softmax_cross_entropy(past.S, y)[1]
    slope = _ACTIVATIONS[net.activation][1]
    return (G @ net.W2.T * slope(past.H)) @ net.W1.T


_ = try_answer(test_input_slopes, input_slopes_solution)
push = 0.1 * np.sign(input_slopes_solution(mine, X_new, y_new))
shake = 0.1 * np.random.default_rng(0).choice([-1, 1], size=push.shape)
fooled = (mine.predict(X_new + push) == y_new).mean()
shaken = (mine.predict(X_new + shake) == y_new).mean()
claim("backpropagation-pushed-accuracy", fooled, at_most=0.6)
claim("backpropagation-shaken-accuracy", shaken, at_least=0.9)

# %% [markdown]
# Noise of the same size in random directions hardly matters; along the slopes it does.
#
# ```{solution-end}
# ```
#
# ```{exercise} Where the check is blind
# :label: ex-backpropagation-blind
#
# *break · difficulty 3 of 3 · 30 minutes*
#
# A gradient check looks at one point with one batch. Write `blind_spot()`, which returns `(parameters, X, y)`, a
# dictionary of the arrays W1, b1, W2, b2 and a batch, such that *four* faults pass the check there: "no 1/n", "no
# mask", "reshape" and "first row". Rules: at least two features, two hidden neurons and two classes; $\mathbf
# W_2$ has rank at least 2; each of the four arrays of slopes has a norm of at least 0.01.
# ```


# %%
def test_blind_spot(blind_spot):
    parameters, X, y = blind_spot()
    sizes = (*np.shape(parameters["W1"]), len(parameters["b2"]))
    assert min(sizes) >= 2, "two features, two hidden neurons, two classes at least"
    assert np.linalg.matrix_rank(parameters["W2"]) >= 2, "W2 must have rank 2"
    for fault in ("none", "no 1/n", "no mask", "reshape", "first row"):
        net = faulty(fault, *sizes)
        for key, value in parameters.items():
            net.parameters[key][...] = value
        for key, slope in net.gradients(X, y).items():
            assert np.linalg.norm(slope) >= 0.01, f"the slope of {key} is too small"
        error = gradient_error(net, X, y, tolerance=np.inf)
        assert error < 1e-6, f"the check catches {fault!r}: error {error:.1g}"


def blind_spot():  # replace the body, then run this cell again
    return TwoLayerNet(6, 5, 3).parameters, X_small, y_small


_ = try_answer(test_blind_spot, blind_spot)

# %% [markdown]
# ```{solution-start} ex-backpropagation-blind
# :class: dropdown
# ```
#
# Each fault has points at which it is no fault. With *one row*, $1/n = 1$ and the first row is the sum. With all
# hidden neurons active the mask is all ones; a large bias does it. And `W2.reshape` equals `W2.T` if the matrix
# is square and symmetric. So check with several rows, with some neurons off, with sizes that all differ, and at
# random points.


# %%
def blind_spot_solution():
    parameters = {
        "W1": np.array([[0.5, -0.3], [0.2, 0.7]]),
        "b1": np.array([5.0, 5.0]),
        "W2": np.array([[0.1, 0.3], [0.3, -0.2]]),
        "b2": np.zeros(2),
    }
    return parameters, np.array([[1.0, 0.5]]), np.array([0])


_ = try_answer(test_blind_spot, blind_spot_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Any depth
# :label: ex-backpropagation-deep
#
# *build · difficulty 3 of 3 · 30 minutes*
#
# Write `deep_slopes(weights, biases, X, y)` for a network of any number of layers with ReLU between them: lists of
# arrays, `weights[l]` of shape (inputs, outputs) and `biases[l]` of shape (outputs,). Return two lists of slopes of
# the mean cross-entropy, in the same order. One layer alone (logistic regression) must work.
# ```


# %%
def layers_of(sizes, rng):
    weights = [rng.normal(size=s) / np.sqrt(s[0]) for s in pairwise(sizes)]
    return weights, [0.1 * rng.normal(size=size) for size in sizes[1:]]


def test_deep_slopes(deep_slopes):
    for sizes in [(6, 3), (6, 5, 3), (6, 7, 5, 3), (6, 8, 7, 6, 5, 3)]:
        weights, biases = layers_of(sizes, np.random.default_rng(3))
        tensors = [torch.tensor(a, requires_grad=True) for a in (*weights, *biases)]
        values = torch.tensor(X_small)
        for index in range(len(weights)):
            values = torch.relu(values) if index else values
            values = values @ tensors[index] + tensors[len(weights) + index]
        torch.nn.functional.cross_entropy(values, torch.tensor(y_small)).backward()
        found = [
            a for part in deep_slopes(weights, biases, X_small, y_small) for a in part
        ]
        assert len(found) == len(tensors), (
            f"{len(weights)} layers: two lists, all layers"
        )
        for ours, tensor in zip(found, tensors):
            assert ours.shape == tuple(tensor.shape), "a slope has its array's shape"
            assert np.allclose(ours, tensor.grad, atol=1e-12), (
                f"wrong with sizes {sizes}"
            )


def deep_slopes(weights, biases, X, y):  # replace the body, then run this cell again
    return [], []


_ = try_answer(test_deep_slopes, deep_slopes)

# %% [markdown]
# ```{solution-start} ex-backpropagation-deep
# :class: dropdown
# ```
#
# Keep the input of every layer. On the way back each layer does the same three things, and the first one skips
# the last of them.


# %%
def deep_slopes_solution(weights, biases, X, y):
    inputs = [X]
    for W, b in zip(weights[:-1], biases[:-1]):
        inputs.append(np.maximum(inputs[-1] @ W + b, 0))
    G = softmax_cross_entropy(inputs[-1] @ weights[-1] + biases[-1], y)[1]
    W_slopes, b_slopes = [], []
    for layer in reversed(range(len(weights))):
        W_slopes.insert(0, inputs[layer].T @ G)
        b_slopes.insert(0, G.sum(axis=0))
        if layer > 0:
            G = (G @ weights[layer].T) * (inputs[layer] > 0)
    return W_slopes, b_slopes


_ = try_answer(test_deep_slopes, deep_slopes_solution)
Counted.multiplications = 0
deep, shifts = layers_of([64] * 12 + [10], np.random.default_rng(0))
_ = deep_slopes_solution([W.view(Counted) for W in deep], shifts, X[:32], y[:32])
one_way = 32 * sum(W.size for W in deep)
claim(
    "backpropagation-deep-cost", Counted.multiplications / one_way - 1, within=(1.9, 2)
)

# %% [markdown]
# With twelve layers the ratio has come close to 2.
#
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In {numref}`fig-backpropagation-faults`, left, "no 1/n" is as accurate as the right derivative. What does
# the fault do?
#
# (a) Nothing: accuracy is what counts. (b) It multiplies the learning rate by the batch size, so that the best rate
# depends on the batch. (c) It turns the gradient. (d) It makes the loss that is printed wrong.
#
# ```{admonition} Answer
# :class: dropdown
# **(b).** Every slope is $n$ times too long, in the right direction; a rate 32 times smaller hides it, and the
# last, shorter batch of each epoch gets a shorter step. (a) It returns with every change of the batch size. (c) A
# factor turns nothing; "no mask" and "reshape" do. (d) The loss is computed apart from its slope.
# ```
#
# **2.** $\mathbf W_2$ starts at zero and $\mathbf W_1$ at random. What moves in the first step?
#
# (a) Nothing. (b) Everything. (c) $\mathbf W_2$ and $\mathbf b_2$ only; the first layer from the second step on. (d)
# $\mathbf b_2$ only, for ever.
#
# ```{admonition} Answer
# :class: dropdown
# **(c).** $\bar{\mathbf W}_2 = \mathbf H^\top \bar{\mathbf S}$ needs only $\mathbf H \ne \mathbf 0$;
# $\bar{\mathbf H} = \bar{\mathbf S} \mathbf W_2^\top$ is zero until $\mathbf W_2$ has moved. (a) overlooks the
# first product. (b) overlooks the second. (d) happens when both layers are zero.
# ```
#
# **3.** A network has as many hidden neurons as classes, and its author writes `G @ self.W2` for `G @ self.W2.T`.
# What happens?
#
# (a) An error: the shapes do not fit. (b) The slopes of $\mathbf W_2$ and $\mathbf b_2$ are wrong. (c) The slopes of
# $\mathbf W_1$ and $\mathbf b_1$ are wrong, and nothing complains. (d) Nothing, a product of matrices is symmetric.
#
# ```{admonition} Answer
# :class: dropdown
# **(c).** The blame goes to the wrong neurons on its way to the first layer. (a) The matrix is square. (b) These
# two are computed from $\mathbf H$ and $\bar{\mathbf S}$ alone. (d) Only for a symmetric $\mathbf W_2$, the blind
# spot of the exercise.
# ```
#
# ## What to remember
#
# A hidden neuron is blamed for what it said, in proportion to how loudly it was listened to; in matrices that is
# $\bar{\mathbf S} \mathbf W_2^\top$, a mask, and a product with the layer's input. All slopes together cost
# between one and two runs of the network, and the memory of its activations. The hidden layer folds the space of
# the pictures until a plane suffices, and random first weights are what makes its neurons different. A wrong
# derivative often trains as well as the right one; a gradient check, over several rows and with some neurons off,
# is what tells. Next, {doc}`03_autograd` gets `backward` from the forward pass.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
