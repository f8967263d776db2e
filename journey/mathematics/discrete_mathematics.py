"""Discrete mathematics.

Built in the page `scripts/01_Mathematics/11_discrete_mathematics.py`: edit the page, not this file.
"""

import itertools
from collections.abc import Callable, Collection, Hashable
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

__all__ = [
    "Element",
    "collision_probability",
    "extended_gcd",
    "fibonacci",
    "is_tautology",
    "modular_inverse",
    "union_size",
]


def is_tautology(statement: Callable[..., bool], n_variables: int) -> bool:
    """Whether a statement about truth values is true in all ``2**n_variables`` cases.

    Raises
    ------
    ValueError
        If there are fewer than 0 or more than 20 variables (a million cases).
    """
    if not 0 <= n_variables <= 20:
        raise ValueError(f"n_variables must lie between 0 and 20, got {n_variables}")
    cases = itertools.product((False, True), repeat=n_variables)
    return all(statement(*case) for case in cases)


Element = TypeVar("Element", bound=Hashable)


def union_size(sets: Collection[Collection[Element]]) -> int:
    """Size of a union from the sizes of intersections, by inclusion and exclusion.

    Parameters
    ----------
    sets : collection of k collections
        At most 20: there are ``2**k - 1`` intersections.

    Raises
    ------
    ValueError
        If there are more than 20 sets.
    """
    if len(sets) > 20:
        raise ValueError(f"{len(sets)} sets have 2**{len(sets)} intersections; 20 are the most")
    total = 0
    for size in range(1, len(sets) + 1):
        for chosen in itertools.combinations(map(frozenset, sets), size):
            total += (-1) ** (size + 1) * len(frozenset.intersection(*chosen))
    return total


def fibonacci(n: int, modulus: int | None = None) -> int:
    """The n-th Fibonacci number (0, 1, 1, 2, 3, …), in ``log2(n)`` doublings, exact.

    Parameters
    ----------
    n : int
        At least 0.
    modulus : int, optional
        Return the remainder by it; the numbers on the way then stay small.

    Raises
    ------
    ValueError
        If n is negative or the modulus is not positive.

    References
    ----------
    Equation eq-discrete-doubling of the page.
    """
    if n < 0 or (modulus is not None and modulus < 1):
        raise ValueError(f"n must be >= 0 and the modulus >= 1, got {n} and {modulus}")
    a, b = 0, 1  # F(k), F(k + 1) for the leading bits k of n
    for bit in bin(n)[2:]:
        a, b = a * (2 * b - a), a * a + b * b
        if bit == "1":
            a, b = b, a + b
        if modulus is not None:
            a, b = a % modulus, b % modulus
    return a if modulus is None else a % modulus


def extended_gcd(a: int, b: int) -> tuple[int, int, int]:
    """Greatest common divisor g >= 0 of two integers, and x, y with ``a * x + b * y == g``."""
    (r, x, y), (s, u, v) = (a, 1, 0), (b, 0, 1)
    while s:
        quotient = r // s
        (r, x, y), (s, u, v) = (
            (s, u, v),
            (r - quotient * s, x - quotient * u, y - quotient * v),
        )
    return (r, x, y) if r >= 0 else (-r, -x, -y)


def modular_inverse(a: int, modulus: int) -> int:
    """The x between 0 and modulus with ``a * x % modulus == 1``.

    Raises
    ------
    ValueError
        If the modulus is less than 2, or shares a divisor with a: then there is none.
    """
    if modulus < 2:
        raise ValueError(f"the modulus must be at least 2, got {modulus}")
    divisor, x, _ = extended_gcd(a, modulus)
    if divisor != 1:
        raise ValueError(f"{a} has no inverse modulo {modulus}: both are divisible by {divisor}")
    return x % modulus


def collision_probability(n_draws: int, probabilities: ArrayLike | int) -> float:
    """Chance that at least two of n independent draws are equal.

    Parameters
    ----------
    n_draws : int
    probabilities : int or array_like of shape (n_kinds,)
        A number N of equally likely kinds: exact. Or the probability of each kind, with sum 1: the
        approximation ``1 - exp(-n (n - 1) / 2 * sum(p**2))``.

    Raises
    ------
    ValueError
        If a number is negative, or the probabilities do not sum to 1 within 1e-9.
    """
    if n_draws < 0:
        raise ValueError(f"n_draws must be at least 0, got {n_draws}")
    if np.ndim(probabilities) == 0:
        n_kinds = int(np.asarray(probabilities))
        if n_kinds < 1:
            raise ValueError(f"there must be at least one kind, got {n_kinds}")
        if n_draws > n_kinds:
            return 1.0
        return float(-np.expm1(np.log1p(-np.arange(n_draws) / n_kinds).sum()))
    p = np.asarray(probabilities, dtype=float)
    if p.ndim != 1 or not (p >= 0).all() or not abs(p.sum() - 1) <= 1e-9:
        raise ValueError("probabilities must be one row of numbers >= 0 with sum 1")
    return float(-np.expm1(-n_draws * (n_draws - 1) / 2 * (p**2).sum()))


# seal: 00f29bf89b545665
