"""Learning theory.

Built in the page `scripts/03_Machine_Learning/01_learning_theory.py`: edit the page, not this file.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone

__all__ = ["Decomposition", "bias_variance_decomposition", "count_separable_labelings", "hoeffding_bound"]


class Decomposition(NamedTuple):
    """Mean squared distance to the truth and its two parts, equation eq-theory-decomposition."""

    bias: float
    variance: float
    error: float


def bias_variance_decomposition(
    estimator: Any,
    draw: Callable[[np.random.Generator], tuple[ArrayLike, ArrayLike]],
    X: ArrayLike,
    truth: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    n_repeats: int = 200,
    rng: np.random.Generator | None = None,
) -> Decomposition:
    """Squared bias and variance of a regressor over training sets.

    Parameters
    ----------
    estimator : regressor
        With ``fit`` and ``predict``; it is cloned for each training set.
    draw : callable
        Takes a generator, returns a training set ``(X, y)``.
    X : array_like of shape (n, d)
        Where to look.
    truth : array_like of shape (n,)
        ``E[y | x]`` there; with observed ``y`` instead, the noise is counted as bias.
    weight : array_like of shape (n,), optional
        How often each row of ``X`` occurs; equal by default.
    n_repeats : int
        Training sets, at least 2.
    rng : Generator, optional
        ``default_rng(0)`` if none is given.

    Returns
    -------
    Decomposition
        ``bias`` (squared), ``variance`` and ``error``, in the units of y squared; the
        first two sum to the third, exactly. The noise is not in it.

    Raises
    ------
    ValueError
        If the shapes differ, the weights are negative or all zero, or n_repeats < 2.

    References
    ----------
    Geman, Bienenstock & Doursat (1992), doi:10.1162/neco.1992.4.1.1.
    """
    target = np.asarray(truth, dtype=float)
    shares = np.ones(len(target)) if weight is None else np.asarray(weight, dtype=float)
    if target.ndim != 1 or len(np.asarray(X)) != len(target) or n_repeats < 2:
        raise ValueError(
            f"need one truth for each row and n_repeats of 2 or more, got "
            f"{np.shape(X)}, {target.shape}, {n_repeats}"
        )
    if shares.shape != target.shape or shares.min() < 0 or not shares.sum() > 0:
        raise ValueError(f"weights: {target.shape}, not negative, got {shares.shape}")
    rng = np.random.default_rng(0) if rng is None else rng
    shares = shares / shares.sum()
    answers = np.array(
        [clone(estimator).fit(*draw(rng)).predict(X) for _ in range(n_repeats)]
    )  # (n_repeats, n)
    mean = answers.mean(axis=0)
    return Decomposition(
        float(shares @ (mean - target) ** 2),
        float(shares @ answers.var(axis=0)),
        float(shares @ ((answers - target) ** 2).mean(axis=0)),
    )


def hoeffding_bound(n: int, n_models: int = 1, *, delta: float = 0.05) -> float:
    """Largest gap between seen and true error rate of every one of M classifiers.

    Parameters
    ----------
    n : int
        Independent rows that the errors are counted on.
    n_models : int
        Classifiers, all fixed before the rows were seen.
    delta : float
        The probability that the bound fails, between 0 and 1.

    Returns
    -------
    float
        Equation eq-theory-union; values over 1 say nothing.

    Raises
    ------
    ValueError
        If a number is out of range.
    """
    if n < 1 or n_models < 1 or not 0 < delta < 1:
        raise ValueError(f"need n >= 1, n_models >= 1, 0 < delta < 1, got {n}, {n_models}, {delta}")
    return math.sqrt(math.log(2 * n_models / delta) / (2 * n))


def count_separable_labelings(n: int, d: int) -> int:
    """How many of the 2**n labelings of n points in d dimensions a plane can produce.

    For points in general position; equation eq-theory-cover.

    Raises
    ------
    ValueError
        If n < 1 or d < 1.
    """
    if n < 1 or d < 1:
        raise ValueError(f"need n >= 1 and d >= 1, got {n} and {d}")
    return 2 * sum(math.comb(n - 1, k) for k in range(d + 1))


# seal: f5d92cdbb7ac0c48
