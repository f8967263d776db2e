"""Understanding deep learning requires rethinking generalization.

Built in the page `scripts/09_Research_Implementations/02_rethinking_generalization.py`:
edit the page, not this file.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch.nn import functional

__all__ = [
    "FitHistory",
    "Memory",
    "Weights",
    "corrupt_images",
    "corrupt_labels",
    "error_rate",
    "fit_networks",
    "initial_networks",
    "memorise",
    "recall",
]


def corrupt_labels(y: ArrayLike, p: float, rng: np.random.Generator, n_classes: int = 10) -> np.ndarray:
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


class Memory(NamedTuple):
    """A two-layer ReLU network with one shared direction, equation eq-rethinking-theorem.

    ``direction`` has the shape (d,), ``thresholds`` and ``weights`` have the shape (n,).
    """

    direction: np.ndarray
    thresholds: np.ndarray
    weights: np.ndarray


def memorise(X: ArrayLike, y: ArrayLike, rng: np.random.Generator, *, n_tries: int = 20) -> Memory:
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
        raise ValueError(f"need (n, d) and (n,), got {points.shape} and {answers.shape}")
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


Weights = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def initial_networks(seeds: Iterable[int], n_features: int, width: int = 128, n_classes: int = 10) -> Weights:
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
        return np.array([g.uniform(-bound, bound, shape) for g in generators], dtype=np.float32)

    return (
        draw(n_features, n_features, width),
        draw(n_features, 1, width),
        draw(width, width, n_classes),
        draw(width, 1, n_classes),
    )


def _scores(X: torch.Tensor, weights: list[torch.Tensor], mask: torch.Tensor | None = None) -> torch.Tensor:
    hidden = torch.relu(torch.baddbmm(weights[1], X, weights[0]))
    if mask is not None:
        hidden = hidden * mask
    return torch.baddbmm(weights[3], hidden, weights[2])  # (s, n, n_classes)


def error_rate(weights: Weights, X: ArrayLike, y: ArrayLike) -> np.ndarray:
    """Share of wrong answers of each network, shape (s,), for X (s, n, d) and y (s, n)."""
    inputs = torch.as_tensor(np.asarray(X, dtype=np.float32))
    answers = _scores(inputs, [torch.as_tensor(w) for w in weights]).argmax(dim=2).numpy()
    wrong: np.ndarray = (answers != np.asarray(y)).mean(axis=1)
    return wrong


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
        loss = functional.cross_entropy(scores.flatten(0, 1), y[rows, batch].flatten(), reduction="sum")
        optimiser.zero_grad()
        (loss / batch.shape[1]).backward()
        optimiser.step()


def _tensors(
    X: ArrayLike, y: ArrayLike, initial: Weights, versions: ArrayLike | None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    inputs = torch.as_tensor(np.asarray(X, dtype=np.float32))
    labels = torch.as_tensor(np.asarray(y, dtype=np.int64))
    if inputs.ndim != 3 or inputs.numel() == 0 or labels.shape != inputs.shape[:2]:
        raise ValueError(f"need (s, n, d) and (s, n), got {inputs.shape}, {labels.shape}")
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
        raise ValueError("need learning_rate > 0, momentum and dropout from 0 to below 1")
    if min(batch_size, max_epochs) < 1 or weight_decay < 0 or not 0 < decay <= 1:
        raise ValueError("need batch_size, max_epochs > 0, weight_decay >= 0, 0 < decay <= 1")
    inputs, labels, copies = _tensors(X, y, initial, versions)
    weights = [torch.tensor(array, requires_grad=True) for array in initial]
    optimiser = torch.optim.SGD(weights, lr=learning_rate, momentum=momentum, weight_decay=weight_decay)
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


# seal: 6fa1085f5ded5557
