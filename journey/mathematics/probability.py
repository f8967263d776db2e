"""Probability.

Built in the page `scripts/01_Mathematics/08_probability.py`: edit the page, not this file.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

__all__ = [
    "RejectionSample",
    "bayes",
    "box_muller",
    "expectation",
    "inverse_transform_sample",
    "log_bayes",
    "rejection_sample",
]


def _real(x: ArrayLike, name: str) -> np.ndarray:
    """Real numbers without NaN as float64, at least one along the last axis."""
    values = np.asarray(x)
    if values.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold real numbers, got dtype {values.dtype}")
    if values.ndim == 0 or values.shape[-1] == 0:
        raise ValueError(f"{name} must have shape (..., k), k > 0; got {values.shape}")
    if np.isnan(values).any():
        raise ValueError(f"{name} must not hold NaN")
    return values.astype(np.float64)


def _probabilities(x: ArrayLike, name: str) -> np.ndarray:
    """Numbers that are not negative and sum to 1 along the last axis."""
    values = _real(x, name)
    if (values < 0).any():
        raise ValueError(f"{name} must not be negative, got {values.min():g}")
    total = values.sum(axis=-1)
    worst = float(total.flat[np.abs(total - 1).argmax()]) if total.size else 1.0
    if not abs(worst - 1) <= 1e-9:
        raise ValueError(f"{name} must sum to 1 along the last axis, got {worst:.6g}")
    return values


def _same_length(a: np.ndarray, b: np.ndarray, names: str) -> None:
    if a.shape[-1] != b.shape[-1]:
        raise ValueError(f"{names} must have equal last axes, got {a.shape} and {b.shape}")


def log_bayes(log_prior: ArrayLike, log_likelihood: ArrayLike) -> np.ndarray:
    """Logarithm of the posterior, equation eq-probability-bayes; nothing underflows.

    Parameters
    ----------
    log_prior, log_likelihood : array_like of shape (..., k)
        Natural logarithms; the leading axes broadcast. Each may be off by a
        constant, which cancels. ``-inf`` stands for probability zero.

    Returns
    -------
    ndarray of shape (..., k)

    Raises
    ------
    ValueError
        If an input is empty, not real, NaN or plus infinity, the last axes differ,
        or the evidence is impossible under every hypothesis.
    """
    a, b = _real(log_prior, "log_prior"), _real(log_likelihood, "log_likelihood")
    _same_length(a, b, "log_prior and log_likelihood")
    if np.isposinf(a).any() or np.isposinf(b).any():
        raise ValueError("a logarithm of a probability must not be plus infinity")
    joint = a + b
    top = joint.max(axis=-1, keepdims=True)
    if np.isneginf(top).any():
        raise ValueError("the evidence is impossible under every hypothesis")
    shifted = joint - top
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def bayes(prior: ArrayLike, likelihood: ArrayLike) -> np.ndarray:
    """Posterior probabilities of k hypotheses, equation eq-probability-bayes.

    Parameters
    ----------
    prior : array_like of shape (..., k)
        Not negative, sums to 1 along the last axis.
    likelihood : array_like of shape (..., k)
        Probability (or density) of what was seen under each hypothesis; finite, not
        negative. The leading axes broadcast: one posterior for each.

    Returns
    -------
    ndarray of shape (..., k)

    Raises
    ------
    ValueError
        If the prior is no distribution, a likelihood is negative or not finite, the
        last axes differ, or what was seen is impossible under every hypothesis.
    """
    p, seen = _probabilities(prior, "prior"), _real(likelihood, "likelihood")
    if (seen < 0).any() or np.isinf(seen).any():
        raise ValueError("likelihood must be finite and not negative")
    with np.errstate(divide="ignore"):  # log 0 is -inf, and means what it should
        return np.exp(log_bayes(np.log(p), np.log(seen)))


def expectation(values: ArrayLike, probabilities: ArrayLike) -> float | np.ndarray:
    """Expectation of finitely many values, equation eq-probability-expectation.

    Parameters
    ----------
    values : array_like of shape (..., k)
        Finite; each row of k values is one random variable.
    probabilities : array_like of shape (..., k)
        Not negative, sums to 1 along the last axis; leading axes broadcast.

    Returns
    -------
    float or ndarray of shape (...)

    Raises
    ------
    ValueError
        If the values are not finite, the probabilities are no distribution, or the
        last axes differ.
    """
    x, p = _real(values, "values"), _probabilities(probabilities, "probabilities")
    if np.isinf(x).any():
        raise ValueError("values must be finite")
    _same_length(x, p, "values and probabilities")
    return (x * p).sum(axis=-1)


def _check_draw(size: int | tuple[int, ...], rng: np.random.Generator) -> None:
    """Refuse sizes that are not counts, and anything but a NumPy generator."""
    lengths = size if isinstance(size, tuple) else (size,)
    if not all(isinstance(n, (int, np.integer)) and n >= 0 for n in lengths):
        raise ValueError(f"size must be a count or a tuple of counts, got {size!r}")
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng must be a numpy Generator, got {type(rng).__name__}")


def _open_uniform(size: int | tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Uniform draws from the odd multiples of 2**-53: never 0, never 1."""
    return (2 * rng.integers(0, 2**52, size) + 1) * 2.0**-53


def inverse_transform_sample(
    quantile: Callable[[np.ndarray], ArrayLike],
    size: int | tuple[int, ...],
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw by inverse transform, equation eq-probability-inverse.

    Parameters
    ----------
    quantile : callable, array of shape size to array of the same shape
        Inverse of the distribution function, for arguments strictly between 0 and 1.
    size : int or tuple of int
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        If size or rng is malformed, or quantile returns another shape or NaN.
    """
    _check_draw(size, rng)
    u = _open_uniform(size, rng)
    values = np.asarray(quantile(u), dtype=np.float64)
    if values.shape != u.shape:
        raise ValueError(f"quantile returned shape {values.shape} for {u.shape}")
    if np.isnan(values).any():
        raise ValueError("quantile returned NaN for a number between 0 and 1")
    return values


class RejectionSample(NamedTuple):
    """Accepted draws, shape (size, ...), and how many proposals they took."""

    values: np.ndarray
    n_proposed: int

    @property
    def acceptance_rate(self) -> float:
        """Share of the proposals that was accepted (NaN if none was made)."""
        return len(self.values) / self.n_proposed if self.n_proposed else math.nan


def _accepted(x: np.ndarray, f: ArrayLike, g: ArrayLike, bound: float, u: np.ndarray) -> np.ndarray:
    """Which proposals survive, of shape (n,); refuse densities that break the bound."""
    target, ceiling = np.asarray(f, float), bound * np.asarray(g, float)
    if target.shape != u.shape or ceiling.shape != u.shape:
        raise ValueError(
            f"densities must return one number for each of {len(u)} proposals, "
            f"got shapes {target.shape} and {ceiling.shape}"
        )
    if not ((target >= 0) & np.isfinite(target) & (ceiling > 0)).all():
        raise ValueError("densities must be finite, not negative, the proposal's > 0")
    broken = np.flatnonzero(target > ceiling * (1 + 1e-9))
    if broken.size:
        k = broken[0]
        raise ValueError(
            f"bound {bound:g} is too small: at {x[k]} the density is {target[k]:.4g}, "
            f"above bound * proposal density = {ceiling[k]:.4g}"
        )
    return u * ceiling <= target


def rejection_sample(
    density: Callable[[np.ndarray], ArrayLike],
    propose: Callable[[int, np.random.Generator], np.ndarray],
    proposal_density: Callable[[np.ndarray], ArrayLike],
    bound: float,
    size: int,
    rng: np.random.Generator,
    *,
    max_proposals: int = 10_000_000,
) -> RejectionSample:
    """Draw by rejection, equation eq-probability-rejection.

    Parameters
    ----------
    density, proposal_density : callable, array of shape (n, ...) to shape (n,)
        The density wanted, which need not integrate to 1, and that of the proposals.
    propose : callable, (n, rng) to array of shape (n, ...)
    bound : float
        ``density(x) <= bound * proposal_density(x)`` for every x.
    size : int
        Number of draws to accept.
    rng : numpy.random.Generator
    max_proposals : int
        Where to give up.

    Raises
    ------
    ValueError
        If bound, size or rng is malformed, or a proposal shows a density that is
        negative, not finite, of the wrong shape, or above the bound.
    RuntimeError
        If max_proposals did not suffice.
    """
    _check_draw(size, rng)
    if isinstance(size, tuple):
        raise ValueError(f"size must be one count, got {size!r}")
    if not (bound > 0 and math.isfinite(bound)):
        raise ValueError(f"bound must be positive and finite, got {bound}")
    kept: list[np.ndarray] = [propose(1, rng)[:0]]
    missing, n_proposed = size, 0
    while missing:
        n = max(1000, n_proposed, int(1.2 * missing * bound))  # at least double
        n = min(n, 200_000, max_proposals - n_proposed)
        if n <= 0:
            raise RuntimeError(f"{size - missing} of {size} after {n_proposed} tries")
        x, u = propose(n, rng), _open_uniform(n, rng)
        good = _accepted(x, density(x), proposal_density(x), bound, u)
        hits = np.flatnonzero(good)[:missing]
        missing -= len(hits)
        n_proposed += n if missing else int(hits[-1]) + 1
        kept.append(x[hits])
    return RejectionSample(np.concatenate(kept), n_proposed)


def box_muller(size: int | tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Draw independent standard normal numbers.

    Parameters
    ----------
    size : int or tuple of int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of shape size
        None is larger than sqrt(106 ln 2), about 8.57, in absolute value.

    Raises
    ------
    ValueError
        If size or rng is malformed.

    References
    ----------
    G. E. P. Box, M. E. Muller (1958), A note on the generation of random normal
    deviates; equation eq-probability-box-muller of the page.
    """
    _check_draw(size, rng)
    n = math.prod(size) if isinstance(size, tuple) else int(size)
    u, v = _open_uniform((2, (n + 1) // 2), rng)
    r, angle = np.sqrt(-2 * np.log(u)), 2 * np.pi * v
    return np.concatenate([r * np.cos(angle), r * np.sin(angle)])[:n].reshape(size)


# seal: 900f1e92a21ca6c2
