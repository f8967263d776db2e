"""Statistics.

Built in the page `scripts/01_Mathematics/09_statistics.py`: edit the page, not this file.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize

__all__ = [
    "Interval",
    "benjamini_hochberg",
    "bootstrap_interval",
    "maximum_likelihood",
    "permutation_test",
    "update_beta",
]


def _sample(values: ArrayLike, name: str = "sample", least: int = 1) -> np.ndarray:
    """One row of at least ``least`` finite numbers as float64, or a ValueError that names it."""
    row = np.asarray(values, dtype=float)
    if row.ndim != 1 or len(row) < least:
        raise ValueError(f"{name} must have shape (n,) with n >= {least}, got {row.shape}")
    if not np.isfinite(row).all():
        raise ValueError(f"{name} must be finite; drop or impute what is missing first")
    return row


def maximum_likelihood(
    log_density: Callable[[np.ndarray, np.ndarray], np.ndarray],
    sample: ArrayLike,
    start: ArrayLike,
) -> np.ndarray:
    """Parameters that make a sample most likely, by minimising the negative log-likelihood.

    Parameters
    ----------
    log_density : callable
        Takes the sample (n,) and the parameters (k,); returns n logarithms of densities, or
        ``-inf`` where the parameters are not allowed.
    sample : array_like of shape (n,)
    start : array_like of shape (k,)
        Where to begin; must have a finite likelihood.

    Raises
    ------
    ValueError
        If the sample is empty or not finite, or the likelihood is zero at the start.
    RuntimeError
        If the search does not settle.
    """
    x, begin = _sample(sample), np.atleast_1d(np.asarray(start, dtype=float))

    def loss(parameters: np.ndarray) -> float:
        total = -float(np.sum(log_density(x, parameters)))
        return total if np.isfinite(total) else np.inf

    if not np.isfinite(loss(begin)):
        raise ValueError(f"the sample has no finite likelihood at the start {begin}")
    options = {"xatol": 1e-9, "fatol": 1e-9, "maxiter": 4000, "maxfev": 8000}
    result = optimize.minimize(loss, begin, method="Nelder-Mead", options=options)
    if not result.success:
        raise RuntimeError(f"no maximum found: {result.message}")
    return np.asarray(result.x)


class Interval(NamedTuple):
    """A confidence interval around an estimate."""

    low: float
    estimate: float
    high: float


def bootstrap_interval(
    sample: ArrayLike,
    statistic: Callable[..., np.ndarray],
    rng: np.random.Generator,
    *,
    level: float = 0.95,
    n_resamples: int = 2000,
) -> Interval:
    """Percentile bootstrap interval for a statistic of one sample.

    Parameters
    ----------
    sample : array_like of shape (n,)
        At least two values.
    statistic : callable
        Called as ``statistic(values, axis=-1)``, like ``np.mean`` or ``np.median``.
    rng : numpy.random.Generator
    level : float
        Promised coverage, between 0 and 1.
    n_resamples : int

    Raises
    ------
    ValueError
        If the sample is too small or not finite, or the level or the number is out of range.
    """
    x = _sample(sample, least=2)
    if not 0 < level < 1 or n_resamples < 1:
        raise ValueError(f"need 0 < level < 1 and n_resamples >= 1, got {level} and {n_resamples}")
    draws = x[rng.integers(0, len(x), size=(n_resamples, len(x)))]  # (n_resamples, n)
    results = statistic(draws, axis=-1)
    low, high = np.quantile(results, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(statistic(x, axis=-1)), float(high))


def permutation_test(
    first: ArrayLike,
    second: ArrayLike,
    rng: np.random.Generator,
    *,
    n_shuffles: int = 2000,
) -> float:
    """Two-sided p-value for equal distributions, by the difference of means under shuffled labels.

    Raises
    ------
    ValueError
        If a group is empty or not finite, or there is no shuffle.

    References
    ----------
    Equation eq-statistics-p of the page.
    """
    a, b = _sample(first, "first"), _sample(second, "second")
    if n_shuffles < 1:
        raise ValueError(f"n_shuffles must be at least 1, got {n_shuffles}")
    pooled = np.concatenate([a, b])
    shuffled = rng.permuted(np.tile(pooled, (n_shuffles, 1)), axis=1)
    differences = shuffled[:, : len(a)].mean(axis=1) - shuffled[:, len(a) :].mean(axis=1)
    observed = abs(a.mean() - b.mean())
    slack = 1e-12 * np.abs(pooled).max()  # equal sums, added in another order
    return float((1 + np.sum(np.abs(differences) >= observed - slack)) / (1 + n_shuffles))


def benjamini_hochberg(p_values: ArrayLike, alpha: float = 0.05) -> np.ndarray:
    """Which of m tests to call discoveries, so that at most a share alpha of them is expected to be false.

    Parameters
    ----------
    p_values : array_like of shape (m,)
        Between 0 and 1, of independent tests.
    alpha : float

    Returns
    -------
    ndarray of shape (m,), bool

    Raises
    ------
    ValueError
        If a p-value or alpha does not lie between 0 and 1.
    """
    p = _sample(p_values, "p_values")
    if p.min() < 0 or p.max() > 1 or not 0 < alpha < 1:
        raise ValueError(f"p-values and alpha lie between 0 and 1, got {p.min()} to {p.max()} and {alpha}")
    order = np.argsort(p)
    passed = np.flatnonzero(p[order] <= alpha * np.arange(1, len(p) + 1) / len(p))
    chosen = np.zeros(len(p), dtype=bool)
    if passed.size:
        chosen[order[: passed[-1] + 1]] = True
    return chosen


def update_beta(a: float, b: float, successes: float, failures: float) -> tuple[float, float]:
    """Parameters of the Beta posterior for a share, after counts of successes and failures.

    Raises
    ------
    ValueError
        If a or b is not positive, or a count is negative.

    References
    ----------
    Equation eq-statistics-beta of the page.
    """
    if not (a > 0 and b > 0 and successes >= 0 and failures >= 0):
        raise ValueError(f"need a, b > 0 and counts >= 0, got {a}, {b}, {successes}, {failures}")
    return a + successes, b + failures


# seal: 9897f1dd5108703e
