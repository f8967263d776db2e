"""Information theory.

Built in the page `scripts/01_Mathematics/10_information_theory.py`: edit the page, not this file.
"""

import heapq
import itertools
from collections.abc import Hashable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

__all__ = [
    "cross_entropy",
    "decode",
    "encode",
    "entropy",
    "huffman_code",
    "kl_divergence",
    "mutual_information",
]


def _distribution(p: ArrayLike, name: str) -> np.ndarray:
    """Probabilities as floats along the last axis, checked and scaled to sum one."""
    values = np.asarray(p, dtype=float)
    if values.ndim == 0 or values.size == 0:
        raise ValueError(f"{name} must hold probabilities, got shape {values.shape}")
    if not np.all(np.isfinite(values) & (values >= 0)):
        raise ValueError(f"{name} must be finite and not negative")
    total = values.sum(axis=-1, keepdims=True)
    if np.any(np.abs(total - 1) > 1e-6):
        worst = float(total.flat[np.argmax(np.abs(total - 1))])
        raise ValueError(f"{name} must sum to 1 along the last axis, got {worst:.6g}")
    return values / total


def _nats_to(base: float) -> float:
    if not (np.isfinite(base) and base > 1):
        raise ValueError(f"base must be a finite number above 1, got {base!r}")
    return float(np.log(base))


def cross_entropy(p: ArrayLike, q: ArrayLike, *, base: float = 2.0) -> np.ndarray | np.floating:
    """Mean surprise at draws from ``p`` of one who believes ``q``, eq-information-kl.

    Parameters
    ----------
    p, q : array_like of shape (..., K)
        Probabilities along the last axis; leading axes are broadcast.
    base : float
        2 for bits, ``math.e`` for nats.

    Returns
    -------
    float or ndarray of shape (...)
        Infinite where ``q`` is zero and ``p`` is not.

    Raises
    ------
    ValueError
        If these are no distributions, their K differ, or the base is not above 1.
    """
    true, believed = _distribution(p, "p"), _distribution(q, "q")
    if true.shape[-1] != believed.shape[-1]:
        sizes = f"{true.shape[-1]} and {believed.shape[-1]}"
        raise ValueError(f"p and q must be over the same outcomes, got {sizes}")
    with np.errstate(divide="ignore"):
        surprise = -np.log(believed)
    with np.errstate(invalid="ignore"):
        terms = np.where(true > 0, true * surprise, 0.0)
    return terms.sum(axis=-1) / _nats_to(base)


def entropy(p: ArrayLike, *, base: float = 2.0) -> np.ndarray | np.floating:
    """Mean surprise of distributions along the last axis, equation eq-information-entropy.

    Parameters
    ----------
    p : array_like of shape (..., K)
    base : float
        2 for bits, ``math.e`` for nats.

    Returns
    -------
    float or ndarray of shape (...)
        Between 0 and log K.

    Raises
    ------
    ValueError
        If this is no distribution or the base is not above 1.
    """
    return cross_entropy(p, p, base=base) + 0.0  # no minus zero


def kl_divergence(p: ArrayLike, q: ArrayLike, *, base: float = 2.0) -> np.ndarray | np.floating:
    """What believing ``q`` costs where ``p`` is true, equation eq-information-kl.

    Parameters and errors are those of ``cross_entropy``.

    Returns
    -------
    float or ndarray of shape (...)
        Not negative, not symmetric; zero where ``p`` equals ``q``, infinite where ``q``
        is zero and ``p`` is not.
    """
    excess = cross_entropy(p, q, base=base) - cross_entropy(p, p, base=base)
    return np.maximum(excess, 0.0)  # only rounding can make it negative


def huffman_code(frequencies: Mapping[Hashable, float]) -> dict[Hashable, str]:
    """The prefix code of least mean length.

    Parameters
    ----------
    frequencies : mapping from symbol to a positive number
        Counts or probabilities; any scale.

    Returns
    -------
    dict from symbol to str of "0" and "1"
        A single symbol gets "0", one bit, so that its repetitions can be counted.

    Raises
    ------
    ValueError
        If there is no symbol, or a frequency is not positive and finite.

    References
    ----------
    Huffman (1952); the bound is equation eq-information-bound.
    """
    if not frequencies:
        raise ValueError("frequencies must hold at least one symbol")
    for symbol, count in frequencies.items():
        if not 0 < count < float("inf"):
            raise ValueError(f"frequencies must be positive and finite; {symbol!r} has {count!r}")
    heap = [(count, node) for node, count in enumerate(frequencies.values())]
    heapq.heapify(heap)
    parent: dict[int, tuple[int, str]] = {}
    for inner in range(len(heap), 2 * len(heap) - 1):  # leaves have the lower numbers
        rarest, node = heapq.heappop(heap)
        second, brother = heapq.heappop(heap)
        parent[node], parent[brother] = (inner, "0"), (inner, "1")
        heapq.heappush(heap, (rarest + second, inner))
    return {symbol: _word(parent, leaf) or "0" for leaf, symbol in enumerate(frequencies)}


def _word(parent: Mapping[int, tuple[int, str]], node: int) -> str:
    bits = []
    while node in parent:
        node, bit = parent[node]
        bits.append(bit)
    return "".join(reversed(bits))


def encode(message: Sequence[Hashable], code: Mapping[Hashable, str]) -> str:
    """The words of a message's symbols in a row.

    Raises
    ------
    ValueError
        If the code has no word for a symbol.
    """
    missing = set(message) - set(code)
    if missing:
        raise ValueError(f"the code has no word for {next(iter(missing))!r}")
    return "".join(code[symbol] for symbol in message)


def decode(bits: str, code: Mapping[Hashable, str]) -> list[Hashable]:
    """The symbols of a string of words of a prefix code.

    Raises
    ------
    ValueError
        If the code is not prefix-free, or the bits are not a row of whole words.
    """
    words = sorted(code.values())
    if "" in words or any(b.startswith(a) for a, b in itertools.pairwise(words)):
        raise ValueError("the code is not prefix-free: a word begins another or is ''")
    symbol_of = {word: symbol for symbol, word in code.items()}
    message, word = [], ""
    for bit in bits:
        word += bit
        if word in symbol_of:
            message.append(symbol_of[word])
            word = ""
    if word:
        raise ValueError(f"the bits do not end with a whole word: {word[:20]!r} is left")
    return message


def mutual_information(joint: ArrayLike, *, base: float = 2.0) -> float:
    """What one variable says about the other on average, equation eq-information-mutual.

    Parameters
    ----------
    joint : array_like of shape (n, m)
        Probabilities of the pairs; they sum to one.
    base : float
        2 for bits, ``math.e`` for nats.

    Returns
    -------
    float
        Zero for independent variables, at most the smaller of the two entropies.

    Raises
    ------
    ValueError
        If the table has not two axes or is no distribution, or the base is not above 1.
    """
    table = np.asarray(joint, dtype=float)
    if table.ndim != 2:
        raise ValueError(f"joint must have shape (n, m), got {table.shape}")
    table = _distribution(table.ravel(), "joint").reshape(table.shape)
    row, column = np.nonzero(table)
    p, p_x, p_y = table[row, column], table.sum(axis=1)[row], table.sum(axis=0)[column]
    nats = float(np.sum(p * (np.log(p) - np.log(p_x) - np.log(p_y))))
    return max(nats, 0.0) / _nats_to(base)


# seal: e41c6a4eb297e8d6
