"""Pretraining a GPT.

Built in the page `scripts/07_LLMs/01_pretraining.py`: edit the page, not this file.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm

from journey.deep_learning import neural_network_library as library
from journey.deep_learning.autograd import Tensor, cat
from journey.nlp.transformer_foundations import scaled_dot_product_attention

__all__ = [
    "GPT",
    "MODERN",
    "PLAIN",
    "POLAR",
    "Block",
    "CausalAttention",
    "EngineBlock",
    "EngineGPT",
    "EngineRMSNorm",
    "FeedForward",
    "GPTConfig",
    "KeyValueCache",
    "Muon",
    "RMSNorm",
    "Recipe",
    "cosine_factor",
    "draw",
    "linear_factor",
    "orthogonalize",
    "pretrain",
    "rotary_table",
    "rotate",
]


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
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps) * self.weight


def rotary_table(start: int, length: int, d: int, base: float = 1000.0) -> tuple[np.ndarray, np.ndarray]:
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
            raise ValueError(f"heads must divide d into even parts, got {self.d}, {self.heads}")
        allowed = {
            "norm": ("rms", "layer"),
            "positions": ("rotary", "learned"),
            "feed": ("swiglu", "gelu"),
        }
        for name, names in allowed.items():
            if getattr(self, name) not in names:
                raise ValueError(f"{name} must be one of {names}, got {getattr(self, name)!r}")

    @classmethod
    def plain(cls, **sizes: int) -> GPTConfig:
        """GPT-2's parts."""
        parts = cls(norm="layer", positions="learned", feed="gelu", qk_norm=False, bias=True)
        return replace(parts, **sizes)  # type: ignore[arg-type]


class KeyValueCache:
    """Keys and values of the tokens that were read, one pair (n, heads, length, d / heads) a block."""

    def __init__(self, layers: int) -> None:
        self.pairs: list[tuple[torch.Tensor, torch.Tensor] | None] = [None] * layers

    @property
    def length(self) -> int:
        """Number of tokens held."""
        return 0 if self.pairs[0] is None else self.pairs[0][0].shape[2]

    def extend(self, layer: int, k: torch.Tensor, v: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
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
        q, k, v = (part.view(cut).transpose(1, 2) for part in self.qkv(x).chunk(3, dim=-1))
        if self.config.qk_norm:
            q, k = (F.rms_norm(a, a.shape[-1:], eps=1e-6) for a in (q, k))
        if turn is not None:
            q, k = rotate(q, *turn), rotate(k, *turn)
        mask = None
        if cache is not None:
            k, v = cache.extend(self.layer, k, v)
            mask = torch.ones(length, k.shape[2], dtype=torch.bool).tril(k.shape[2] - length)
        y = F.scaled_dot_product_attention(q, k, v, mask, is_causal=mask is None)
        result: torch.Tensor = self.out(y.transpose(1, 2).reshape(n, length, d))
        return result


class FeedForward(nn.Module):
    """Two linear layers with GELU, or three with a gate, equation eq-gpt-swiglu."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.gated = config.feed == "swiglu"
        width = 8 * round(config.d / 3) if self.gated else 4 * config.d
        self.up = nn.Linear(config.d, 2 * width if self.gated else width, bias=config.bias)
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

    def forward(self, x: torch.Tensor, turn: Any, cache: KeyValueCache | None = None) -> torch.Tensor:
        """Input and output (n, length, d)."""
        x = x + self.attention(self.norm1(x), turn, cache)
        y: torch.Tensor = x + self.feed(self.norm2(x))
        return y


class _Parts(nn.Module):
    """Parameters of a `GPT` and how they begin."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocabulary, config.d)
        if config.positions == "learned":
            self.places = nn.Embedding(config.context, config.d)
        self.blocks = nn.ModuleList(Block(config, n) for n in range(config.layers))
        self.norm = RMSNorm(config.d) if config.norm == "rms" else nn.LayerNorm(config.d)
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
            raise ValueError(f"need whole numbers (n, length), got {tuple(tokens.shape)}, {tokens.dtype}")
        if tokens.min() < 0 or tokens.max() >= self.config.vocabulary:
            raise ValueError(f"tokens must be from 0 to {self.config.vocabulary - 1}")
        x, length = self.embedding(tokens), tokens.shape[1]
        if self.config.positions == "rotary":
            table = rotary_table(start, length, self.config.d // self.config.heads)
            return x, tuple(torch.tensor(a, dtype=x.dtype) for a in table)
        if start + length > self.config.context:
            raise ValueError(f"{start + length} tokens, but positions were learned for {self.config.context}")
        return x + self.places.weight[start : start + length], None


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

    def forward(self, tokens: torch.Tensor, cache: KeyValueCache | None = None) -> torch.Tensor:
        """Scores (n, length, vocabulary) of the token after each; with a cache, after all it holds."""
        x, turn = self._place(tokens, 0 if cache is None else cache.length)
        for block in self.blocks:
            x = block(x, turn, cache)
        return F.linear(self.norm(x), self.embedding.weight)  # tied

    def loss(self, tokens: torch.Tensor) -> torch.Tensor:
        """Mean nats per token of predicting tokens[:, 1:], shape ()."""
        return F.cross_entropy(self(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())

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
            raise ValueError(f"n_new and temperature must not be negative, got {n_new}, {temperature}")
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
            both[..., i * d : (i + 1) * d].reshape(n, length, self.heads, -1).permute(0, 2, 1, 3)
            for i in range(3)
        )
        q, k = _turn(_unit(q), *turn), _turn(_unit(k), *turn)
        y = scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + y.permute(0, 2, 1, 3).reshape(n, length, d) @ self.out.T
        inner = self.norm2(x) @ self.up.T
        width = self.down.shape[1]
        gate, value = inner[..., :width], inner[..., width:]
        return x + (gate * gate.sigmoid() * value) @ self.down.T


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
        self.blocks = library.ModuleList([EngineBlock(config.d, config.heads) for _ in range(config.layers)])
        self.norm = EngineRMSNorm(config.d)

    def read(self, model: GPT) -> None:
        """Take over the weights of a PyTorch model."""
        state = {name: t.detach().numpy() for name, t in model.state_dict().items()}
        short = {
            name.replace("attention.", "").replace("feed.", ""): a for name, a in state.items()
        }  # only the norms keep the name of their weight
        self.load_state_dict(
            {name if "norm" in name else name.removesuffix(".weight"): a for name, a in short.items()}
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


def draw(codes: np.ndarray, n: int, length: int, rng: np.random.Generator) -> np.ndarray:
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
        raise ValueError(f"need a matrix and 1 to 5 steps, got {tuple(matrix.shape)}, {steps}")
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

    def __init__(self, params: Iterable[nn.Parameter], lr: float = 0.03, momentum: float = 0.9) -> None:
        matrices = list(params)
        if any(p.ndim != 2 for p in matrices) or lr < 0 or not 0 <= momentum < 1:
            raise ValueError("Muon is for matrices, with lr >= 0 and momentum from 0 to below 1")
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
                turned = orthogonalize(ahead.view(parts, rows // parts, columns)).view_as(p)
                p.add_(turned, alpha=-group["lr"] * max(1.0, rows / parts / columns) ** 0.5)


@dataclass(frozen=True)
class Recipe:
    """How to train a `GPT`: its optimisers, the factor on their rates at step k of n, pieces a step."""

    optimizers: Callable[[GPT], list[torch.optim.Optimizer]]
    factor: Callable[[int, int], float]
    batch_size: int


def _adamw(params: Iterable[nn.Parameter], lr: float, decay: float) -> torch.optim.Optimizer:
    return torch.optim.AdamW(params, lr, betas=(0.9, 0.99), weight_decay=decay, fused=True)


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


PLAIN = Recipe(lambda model: [_adamw(model.parameters(), 1e-3, 0.01)], cosine_factor, 12)
MODERN = Recipe(_muon_and_adamw, linear_factor, 6)


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
        loss = model.loss(torch.tensor(draw(codes, recipe.batch_size, model.config.context, rng)))
        if not torch.isfinite(loss):
            raise RuntimeError(f"the loss is {loss.item()} at step {step}: lower the learning rate")
        model.zero_grad()
        loss.backward()
        for tool in tools:
            tool.step()
        seconds += time.process_time() - begin
        if watch is not None and ((step + 1) % every == 0 or step + 1 == steps):
            seen.append((step + 1, seconds, watch(model)))
    return seen


# seal: 904aa9b73ea77e20
