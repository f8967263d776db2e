"""Subword tokenization.

Built in the page `scripts/06_NLP/01_subword_tokenization.py`: edit the page, not this file.
"""

from __future__ import annotations

import heapq
import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np

__all__ = ["BPETokenizer", "learn_merges", "merge_pair", "split_text"]

_PRINTABLE = [*range(33, 127), *range(161, 173), *range(174, 256)]
_BYTES = _PRINTABLE + [byte for byte in range(256) if byte not in _PRINTABLE]
_ID_OF_BYTE = [_BYTES.index(byte) for byte in range(256)]


def merge_pair(ids: Sequence[int], pair: tuple[int, int], new: int) -> list[int]:
    """Replace each occurrence of a pair, from left to right without overlap.

    Parameters
    ----------
    ids : sequence of int
    pair : (int, int)
        Neighbours to be joined.
    new : int
        What stands in their place.

    Returns
    -------
    list of int
        As long as ``ids`` or shorter; ``ids`` is not changed.
    """
    merged: list[int] = []
    position, last = 0, len(ids) - 1
    while position <= last:
        here = ids[position]
        if here == pair[0] and position < last and ids[position + 1] == pair[1]:
            here = new
            position += 1
        merged.append(here)
        position += 1
    return merged


@cache
def _pre_token_pattern() -> re.Pattern[str]:
    """GPT-2's rule, with letters and digits listed: ``re`` knows no Unicode categories."""
    ranges: dict[str, list[list[int]]] = {"L": [], "N": []}
    for code in range(0x110000):
        spans = ranges.get(unicodedata.category(chr(code))[0])
        if spans and spans[-1][1] == code - 1:
            spans[-1][1] = code
        elif spans is not None:
            spans.append([code, code])
    letter, digit = (
        "".join(f"{re.escape(chr(a))}-{re.escape(chr(b))}" for a, b in spans) for spans in ranges.values()
    )
    blank = r"\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
    return re.compile(
        rf"'(?:[stmd]|re|ve|ll)| ?[{letter}]+| ?[{digit}]+"
        rf"| ?[^{blank}{letter}{digit}]+|[{blank}]+(?![^{blank}])|[{blank}]+"
    )


def split_text(text: str) -> list[str]:
    """Cut a text into pre-tokens by GPT-2's rule; joined, they are the text.

    Raises
    ------
    ValueError
        If the text is no ``str``.
    """
    if not isinstance(text, str):
        raise ValueError(f"text must be a str, got {type(text).__name__}")
    return _pre_token_pattern().findall(text)


def learn_merges(words: Mapping[str, int], n_merges: int) -> tuple[list[tuple[int, int]], list[int]]:
    """Find the merges of byte-pair encoding with counts kept up to date.

    Parameters
    ----------
    words : mapping from str to int
        Pre-tokens and how often each occurs.
    n_merges : int
        Fewer are returned if every word has become one symbol.

    Returns
    -------
    merges : list of (int, int)
        Numbers below 256 are bytes, 256 + k is the result of merge k.
    visits : list of int
        Symbols looked at for each merge.

    Raises
    ------
    ValueError
        If n_merges is not a whole number, at least 0, or a count is below 1.

    References
    ----------
    Equation eq-bpe-pair of the page; Sennrich et al. (2016).
    """
    if isinstance(n_merges, bool) or not isinstance(n_merges, int) or n_merges < 0:
        raise ValueError(f"n_merges must be a whole number from 0 on, got {n_merges!r}")
    if words and min(words.values()) < 1:
        raise ValueError("every word must be counted at least once")
    symbols = [[_ID_OF_BYTE[byte] for byte in word.encode()] for word in words]
    weights = list(words.values())
    counts: Counter[tuple[int, int]] = Counter()
    where: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    for k, ids in enumerate(symbols):
        for pair in pairwise(ids):
            counts[pair] += weights[k]
            where[pair].add(k)
    heap = [(-count, pair) for pair, count in counts.items()]
    heapq.heapify(heap)
    merges: list[tuple[int, int]] = []
    visits: list[int] = []
    while heap and len(merges) < n_merges:
        bound, best = heapq.heappop(heap)
        if -bound != counts[best]:  # stale: an upper bound, no more
            if counts[best]:
                heapq.heappush(heap, (-counts[best], best))
            continue
        new, seen, born = 256 + len(merges), 0, set()
        for k in where.pop(best):
            old, weight = symbols[k], weights[k]
            symbols[k] = ids = merge_pair(old, best, new)
            seen += len(old)
            for pair in pairwise(old):
                counts[pair] -= weight
            for pair in pairwise(ids):
                counts[pair] += weight
                if new in pair:
                    where[pair].add(k)
                    born.add(pair)
        for pair in born:
            heapq.heappush(heap, (-counts[pair], pair))
        merges.append(best)
        visits.append(seen)
    return merges, visits


def _merge_word(ids: list[int], ranks: Mapping[tuple[int, int], int]) -> list[int]:
    """Apply merges by rank, leftmost first, in O(m log m); ``ids`` is used up."""
    n = len(ids)
    after, before = list(range(1, n + 1)), list(range(-1, n - 1))
    heap = [(ranks[p], i) for i, p in enumerate(pairwise(ids)) if p in ranks]
    heapq.heapify(heap)
    while heap:
        rank, i = heapq.heappop(heap)
        j = after[i]
        if j == n or ids[i] < 0 or ranks.get((ids[i], ids[j])) != rank:
            continue  # one of the two has been joined to something else
        ids[i], ids[j] = 256 + rank, -1
        k = after[i] = after[j]
        if k < n:
            before[k] = i
        for a, b in ((before[i], i), (i, k)):
            if a >= 0 and b < n and (ids[a], ids[b]) in ranks:
                heapq.heappush(heap, (ranks[ids[a], ids[b]], a))
    return [symbol for symbol in ids if symbol >= 0]


def _checked_merges(merges: Iterable[Sequence[int]]) -> list[tuple[int, int]]:
    """The merges as a list of pairs, each of symbols that exist by then."""
    checked: list[tuple[int, int]] = []
    for k, pair in enumerate(merges):
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise ValueError(f"merge {k} must be a pair of numbers, got {pair!r:.60}")
        if not all(type(part) is int and 0 <= part < 256 + k for part in pair):
            raise ValueError(f"merge {k} must join two numbers from 0 to {255 + k}, got {pair!r:.60}")
        checked.append((pair[0], pair[1]))
    if len(set(checked)) < len(checked):
        raise ValueError("a pair is merged twice")
    return checked


def _spelling(merges: list[tuple[int, int]], limit: int = 2**26) -> list[bytes]:
    """The bytes of each symbol; refuses merges that would fill the memory."""
    pieces = [bytes([byte]) for byte in _BYTES]
    total = 256
    for first, second in merges:
        total += len(pieces[first]) + len(pieces[second])
        if total > limit:
            raise ValueError(f"the symbols of these merges exceed {limit:,} bytes")
        pieces.append(pieces[first] + pieces[second])
    return pieces


class _Pieces:
    """Numbers and what they spell: the half of a tokenizer that reads no text."""

    def __init__(
        self,
        merges: Sequence[tuple[int, int]] = (),
        special_tokens: Sequence[str] = (),
    ) -> None:
        markers = list(special_tokens)
        if isinstance(special_tokens, str) or not all(
            isinstance(marker, str) and marker for marker in markers
        ):
            raise ValueError("special_tokens must be a list of non-empty strings")
        if len(set(markers)) < len(markers):
            raise ValueError("special_tokens must differ from each other")
        self.merges, self.special_tokens = _checked_merges(merges), markers
        pieces = _spelling(self.merges)
        self._ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self._numbers = {marker: len(pieces) + i for i, marker in enumerate(markers)}
        self.vocabulary = pieces + [marker.encode() for marker in markers]
        longest = sorted(markers, key=len, reverse=True)
        self._cutter = re.compile("(" + "|".join(map(re.escape, longest)) + ")")
        self._cache: dict[str, list[int]] = {}

    def __len__(self) -> int:
        return len(self.vocabulary)

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """Join what the numbers spell; any sequence of numbers has an answer."""
        numbers, size = list(ids), len(self.vocabulary)
        if not all(isinstance(i, (int, np.integer)) and 0 <= i < size for i in numbers):
            raise ValueError(f"token numbers must be whole, from 0 to {size - 1}")
        return b"".join([self.vocabulary[i] for i in numbers])

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text; bytes that are no UTF-8 become the replacement sign."""
        return self.decode_bytes(ids).decode("utf-8", errors="replace")

    def save(self, path: str | Path) -> None:
        """Write merges and markers as JSON."""
        content = {"format": "journey-bpe-1", "merges": self.merges}
        content |= {"special_tokens": self.special_tokens}
        Path(path).write_text(json.dumps(content), encoding="utf-8")


class BPETokenizer(_Pieces):
    """Byte-level byte-pair encoding: every text has tokens, and they spell it exactly.

    Parameters
    ----------
    merges : sequence of (int, int)
        In order. Numbers below 256 are bytes, 256 + k is the result of merge k.
    special_tokens : sequence of str
        Markers; they get the numbers after the last merge.

    Attributes
    ----------
    merges, special_tokens : list
    vocabulary : list of bytes
        What each number spells.

    Raises
    ------
    ValueError
        For impossible merges, empty or repeated markers, numbers out of range, and
        text that UTF-8 cannot write (a lone surrogate; UnicodeEncodeError).

    References
    ----------
    Equation eq-bpe-pair of the page; Sennrich et al. (2016); the cuts of GPT-2.
    """

    @classmethod
    def train(
        cls,
        texts: str | Iterable[str],
        n_merges: int = 4096,
        special_tokens: Sequence[str] = (),
    ) -> BPETokenizer:
        """Learn the merges from one text or several."""
        words: Counter[str] = Counter()
        for text in [texts] if isinstance(texts, str) else texts:
            words.update(split_text(text))
        return cls(learn_merges(words, n_merges)[0], special_tokens)

    def _encode_text(self, text: str) -> list[int]:
        ids: list[int] = []
        for word in split_text(text):
            found = self._cache.get(word)
            if found is None:
                spelled = [_ID_OF_BYTE[byte] for byte in word.encode()]
                found = _merge_word(spelled, self._ranks)
                if len(self._cache) >= 2**17:  # do not grow for ever
                    self._cache.clear()
                self._cache[word] = found
            ids += found
        return ids

    def encode(self, text: str, *, special: bool = False) -> list[int]:
        """Return the numbers of a text; markers count as text unless ``special``."""
        if not (special and self.special_tokens and isinstance(text, str)):
            return self._encode_text(text)
        ids: list[int] = []
        for i, part in enumerate(self._cutter.split(text)):  # markers at odd places
            ids += [self._numbers[part]] if i % 2 else self._encode_text(part)
        return ids

    @classmethod
    def load(cls, path: str | Path) -> BPETokenizer:
        """Read what ``save`` wrote; a ValueError says what is wrong with the file."""
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise ValueError(f"not a JSON file in UTF-8: {error}") from error
        wanted = {"format", "merges", "special_tokens"}
        if not isinstance(content, dict) or set(content) != wanted:
            raise ValueError(f"the file must hold an object with {sorted(wanted)}")
        if content["format"] != "journey-bpe-1":
            raise ValueError(f"unknown format {content['format']!r:.60}")
        if not all(isinstance(content[key], list) for key in wanted - {"format"}):
            raise ValueError("merges and special_tokens must be lists")
        return cls(content["merges"], content["special_tokens"])


# seal: 899d2208a4566e5e
