"""Learning representations by back-propagating errors.

Built in the page `scripts/09_Research_Implementations/01_learning_representations.py`:
edit the page, not this file.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

__all__ = [
    "BackpropRun",
    "backprop_gradients",
    "first_success",
    "initial_weights",
    "mirror_solution",
    "symmetry_patterns",
    "train_backprop",
]


def symmetry_patterns(n_bits: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """All patterns of ``n_bits`` bits, and whether each is its own mirror image.

    Returns
    -------
    X : float array of shape (2**n_bits, n_bits)
        Zeros and ones, counting upwards.
    y : float array of shape (2**n_bits,)
        1 for a symmetric pattern, else 0.

    Raises
    ------
    ValueError
        If ``n_bits`` is not an even number from 2 to 16.

    References
    ----------
    Rumelhart, Hinton & Williams (1986), Figure 1, doi:10.1038/323533a0.
    """
    if n_bits not in range(2, 17, 2):
        raise ValueError(f"n_bits must be an even number from 2 to 16, got {n_bits}")
    shifts = np.arange(n_bits - 1, -1, -1)
    X = ((np.arange(2**n_bits)[:, None] >> shifts) & 1).astype(float)
    return X, (X[:, ::-1] == X).all(axis=1).astype(float)


def _with_ones(array: np.ndarray) -> np.ndarray:
    return np.concatenate([array, np.ones((*array.shape[:-1], 1))], axis=-1)


def _forward(inputs: np.ndarray, hidden: np.ndarray, output: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    middle = _with_ones(expit(inputs @ hidden.swapaxes(1, 2)))  # (s, cases, h + 1)
    return middle, (middle @ output[:, :, None])[..., 0]  # net input, (s, cases)


def _backward(
    inputs: np.ndarray,
    target: np.ndarray,
    output: np.ndarray,
    middle: np.ndarray,
    answer: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    delta = (answer - target) * answer * (1 - answer)  # (s, cases)
    units = middle[..., :-1]
    delta_hidden = delta[..., None] * output[:, None, :-1] * units * (1 - units)
    return delta_hidden.swapaxes(1, 2) @ inputs, (delta[:, None] @ middle)[:, 0]


def _checked(
    X: ArrayLike, y: ArrayLike, hidden: ArrayLike, output: ArrayLike
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    inputs, target = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
    first, second = np.array(hidden, dtype=float), np.array(output, dtype=float)
    if inputs.ndim != 2 or inputs.size == 0 or target.shape != inputs.shape[:1]:
        raise ValueError(
            f"need X of shape (cases, n) and y of shape (cases,), not empty; "
            f"got {inputs.shape} and {target.shape}"
        )
    seeds, units, width = first.shape if first.ndim == 3 else (0, 0, 0)
    if width != inputs.shape[1] + 1 or second.shape != (seeds, units + 1):
        raise ValueError(
            f"need hidden of shape (s, h, {inputs.shape[1] + 1}) and output of shape "
            f"(s, h + 1); got {first.shape} and {second.shape}"
        )
    if not all(np.isfinite(array).all() for array in (inputs, target, first, second)):
        raise ValueError("patterns, targets and weights must be finite")
    return _with_ones(inputs), target, first, second


def backprop_gradients(
    X: ArrayLike, y: ArrayLike, hidden: ArrayLike, output: ArrayLike
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Summed squared error and its gradient, for many networks at once.

    Parameters
    ----------
    X : array_like of shape (cases, n)
    y : array_like of shape (cases,)
        Desired outputs, from 0 to 1.
    hidden : array_like of shape (s, h, n + 1)
        Weights into the hidden units of s networks, the bias last.
    output : array_like of shape (s, h + 1)
        Weights into the output unit, the bias last.

    Returns
    -------
    error : array of shape (s,)
    grad_hidden, grad_output : arrays of the shapes of ``hidden`` and ``output``
        Equation eq-representations-backward.

    Raises
    ------
    ValueError
        If the shapes do not fit, an array is empty, or a number is not finite.
    """
    inputs, target, first, second = _checked(X, y, hidden, output)
    middle, net = _forward(inputs, first, second)
    answer = expit(net)
    return (
        ((answer - target) ** 2).sum(axis=1) / 2,
        *_backward(inputs, target, second, middle, answer),
    )


class BackpropRun(NamedTuple):
    """Trained weights and the history of s networks over t sweeps.

    ``hidden`` (s, h, n + 1) and ``output`` (s, h + 1) are the last weights; ``error``, ``wrong``
    and ``net`` have the shape (t + 1, s): the error, the number of cases on the wrong side
    of one half, and the mean net input of the output unit over the cases that should be on.
    """

    hidden: np.ndarray
    output: np.ndarray
    error: np.ndarray
    wrong: np.ndarray
    net: np.ndarray


def initial_weights(
    seeds: Iterable[int], n_inputs: int = 6, n_hidden: int = 2, scale: float = 0.3
) -> tuple[np.ndarray, np.ndarray]:
    """Weights and biases uniform between −scale and scale, one network for each seed.

    Returns
    -------
    hidden : array of shape (s, n_hidden, n_inputs + 1)
    output : array of shape (s, n_hidden + 1)

    Raises
    ------
    ValueError
        If there is no seed, a size is below 1, or the scale is negative or not finite.
    """
    generators = [np.random.default_rng(seed) for seed in seeds]
    if not generators or min(n_inputs, n_hidden) < 1:
        raise ValueError("need at least one seed, one input and one hidden unit")
    if not 0 <= scale < np.inf:
        raise ValueError(f"scale must be finite and not negative, got {scale}")
    size = n_hidden * (n_inputs + 1)
    drawn = np.array([g.uniform(-scale, scale, size + n_hidden + 1) for g in generators])
    return drawn[:, :size].reshape(-1, n_hidden, n_inputs + 1), drawn[:, size:].copy()


def train_backprop(
    X: ArrayLike,
    y: ArrayLike,
    hidden: ArrayLike,
    output: ArrayLike,
    *,
    learning_rate: float = 0.1,
    momentum: float = 0.9,
    n_sweeps: int = 1425,
) -> BackpropRun:
    """Train networks with one hidden layer as the paper does; the inputs are not changed.

    Parameters
    ----------
    X, y, hidden, output
        As in `backprop_gradients`.
    learning_rate, momentum : float
        ε and α of equation eq-representations-momentum; 0 ≤ α < 1.
    n_sweeps : int
        Updates; each uses the gradient summed over all cases.

    Raises
    ------
    ValueError
        If the shapes do not fit or a setting is out of range.

    References
    ----------
    Rumelhart, Hinton & Williams (1986), equations 1 to 9, doi:10.1038/323533a0.
    """
    inputs, target, first, second = _checked(X, y, hidden, output)
    if not (0 < learning_rate < np.inf and 0 <= momentum < 1 and n_sweeps >= 0):
        raise ValueError(
            f"need learning_rate > 0, 0 <= momentum < 1 and n_sweeps >= 0; "
            f"got {learning_rate}, {momentum}, {n_sweeps}"
        )
    on = target > 0.5
    history = np.empty((3, n_sweeps + 1, len(first)))
    step_first, step_second = np.zeros_like(first), np.zeros_like(second)
    for sweep in range(n_sweeps + 1):
        middle, net = _forward(inputs, first, second)
        answer = expit(net)
        history[0, sweep] = ((answer - target) ** 2).sum(axis=1) / 2
        history[1, sweep] = ((net > 0) != on).sum(axis=1)
        history[2, sweep] = net[:, on].mean(axis=1) if on.any() else np.nan
        if sweep < n_sweeps:
            down = _backward(inputs, target, second, middle, answer)
            step_first = -learning_rate * down[0] + momentum * step_first
            step_second = -learning_rate * down[1] + momentum * step_second
            first, second = first + step_first, second + step_second
    return BackpropRun(first, second, history[0], history[1].astype(int), history[2])


def first_success(wrong: ArrayLike) -> np.ndarray:
    """Sweeps until no case is wrong for the first time, ``inf`` where that never happens.

    Parameters
    ----------
    wrong : array_like of shape (t + 1, s)

    Raises
    ------
    ValueError
        If the array does not have two axes or has no rows.
    """
    counts = np.asarray(wrong)
    if counts.ndim != 2 or counts.shape[0] == 0:
        raise ValueError(f"wrong must have the shape (t + 1, s), got {counts.shape}")
    right = counts == 0
    return np.where(right.any(axis=0), right.argmax(axis=0), np.inf)


def mirror_solution(hidden: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """How far hidden weights are from antisymmetric, and their magnitudes in order.

    Parameters
    ----------
    hidden : array_like of shape (s, h, n + 1)
        Weights into hidden units, n even, the bias last (it is not used).

    Returns
    -------
    defect : array of shape (s,)
        Largest ``|w_i + w_(n + 1 - i)|`` of a network over its largest ``|w|``; 0 is antisymmetric.
    magnitudes : array of shape (s, h, n / 2)
        ``|w_i - w_(n + 1 - i)| / 2`` of each pair, increasing, divided by the smallest.

    Raises
    ------
    ValueError
        If the shape is wrong, or a pair of a unit has no difference at all.
    """
    weights = np.asarray(hidden, dtype=float)
    if weights.ndim != 3 or weights.shape[2] < 3 or weights.shape[2] % 2 == 0:
        raise ValueError(f"need the shape (s, h, n + 1), n even, got {weights.shape}")
    bits = weights[:, :, :-1]
    mirrored = bits[:, :, ::-1]
    size = np.sort(np.abs(bits - mirrored)[:, :, : bits.shape[2] // 2] / 2, axis=2)
    if not (size > 0).all():
        raise ValueError("a pair has equal weights on both sides: no ratio")
    defect = np.abs(bits + mirrored).max(axis=(1, 2)) / np.abs(bits).max(axis=(1, 2))
    return defect, size / size[:, :, :1]


# seal: 2f9550d056f85590
