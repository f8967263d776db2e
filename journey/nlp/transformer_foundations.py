"""Transformer foundations.

Built in the page `scripts/06_NLP/02_transformer_foundations.py`: edit the page, not this file.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike
from scipy.special import ndtr

from journey.deep_learning.autograd import Tensor, apply, where
from journey.deep_learning.initialization_and_normalization import LayerNorm, xavier_uniform_
from journey.deep_learning.neural_network_library import Linear, Module, Parameter, ReLU

__all__ = [
    "GELU",
    "MultiheadAttention",
    "TransformerEncoderLayer",
    "attention_weights",
    "padding_mask",
    "scaled_dot_product_attention",
    "sinusoidal_positions",
]


def attention_weights(q: Tensor, k: Tensor, mask: ArrayLike | None = None, is_causal: bool = False) -> Tensor:
    """Softmax over the keys of the scaled scores: the first factor of eq-transformer-attention.

    Parameters
    ----------
    q : Tensor of shape (…, n, d)
    k : Tensor of shape (…, m, d)
    mask : array_like of bool that broadcasts to (…, n, m), optional
        True where a query (row) may look at a key (column).
    is_causal : bool
        Query i may look at keys 0 to i only; combined with the mask if both are given.

    Returns
    -------
    Tensor of shape (…, n, m)
        Each row sums to 1.

    Raises
    ------
    ValueError
        If shapes do not fit, the mask is not of truth values, or a query may look at nothing.
    """
    if q.ndim < 2 or k.ndim < 2 or q.shape[-1] != k.shape[-1] or 0 in q.shape + k.shape:
        raise ValueError(f"need queries (…, n, d) and keys (…, m, d), got {q.shape} and {k.shape}")
    scores = (q @ k.transpose(-1, -2)) / math.sqrt(q.shape[-1])  # (…, n, m)
    allowed = np.ones(scores.shape[-2:], dtype=bool)
    if is_causal:
        allowed = np.tril(allowed)
    if mask is not None:
        given = np.asarray(mask)
        if given.dtype != bool:
            raise ValueError(f"a mask holds truth values, got dtype {given.dtype}")
        allowed = allowed & given
        if np.broadcast_shapes(allowed.shape, scores.shape) != scores.shape:
            raise ValueError(f"mask of shape {given.shape} does not fit scores of shape {scores.shape}")
    if not allowed.any(axis=-1).all():
        raise ValueError("a query may look at no key: the mask has a row without True")
    if not allowed.all():
        scores = where(allowed, scores, np.asarray(-np.inf, dtype=scores.dtype))
    return scores.softmax(-1)


def scaled_dot_product_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: ArrayLike | None = None,
    is_causal: bool = False,
) -> Tensor:
    """Look values up by the likeness of queries and keys, equation eq-transformer-attention.

    Parameters
    ----------
    q : Tensor of shape (…, n, d)
    k : Tensor of shape (…, m, d)
    v : Tensor of shape (…, m, d_v)
        Must be finite where masked, too: 0 times infinity is not a number.
    mask, is_causal
        As in ``attention_weights``; True means looked at.

    Returns
    -------
    Tensor of shape (…, n, d_v)

    Raises
    ------
    ValueError
        If shapes do not fit, or a query may look at nothing.

    References
    ----------
    Vaswani et al. (2017), equation 1.
    """
    if v.ndim < 2 or v.shape[-2] != k.shape[-2]:
        raise ValueError(f"need one value for each key, got {v.shape} and {k.shape}")
    return attention_weights(q, k, mask, is_causal) @ v


def padding_mask(lengths: ArrayLike, size: int) -> np.ndarray:
    """Truth values (n, 1, 1, size): the first ``lengths[i]`` keys of line i may be looked at.

    Raises
    ------
    ValueError
        If a length is not a whole number from 1 to size.
    """
    found = np.asarray(lengths)
    if found.ndim != 1 or found.dtype.kind not in "iu" or not found.size:
        raise ValueError("lengths must be a non-empty row of whole numbers")
    if found.min() < 1 or found.max() > size:
        raise ValueError(f"lengths must be from 1 to {size}")
    return (np.arange(size) < found[:, None])[:, None, None, :]


class _Projections(Module):
    """The parameters of MultiheadAttention under PyTorch's names, and the cut into heads."""

    def __init__(self, embed_dim: int, num_heads: int, rng: np.random.Generator, dtype: DTypeLike) -> None:
        super().__init__()
        if num_heads < 1 or embed_dim < 1 or embed_dim % num_heads:
            raise ValueError(f"embed_dim must be a multiple of num_heads, got {embed_dim}, {num_heads}")
        self.embed_dim, self.num_heads = embed_dim, num_heads
        self.in_proj_weight = Parameter(np.empty((3 * embed_dim, embed_dim)), dtype=dtype)
        self.in_proj_bias = Parameter(np.zeros(3 * embed_dim), dtype=dtype)
        self.out_proj = Linear(embed_dim, embed_dim, rng=rng, dtype=dtype)
        xavier_uniform_(self.in_proj_weight, rng=rng)
        self.out_proj.bias.data[...] = 0  # type: ignore[union-attr]

    def project(self, x: Tensor, which: int) -> Tensor:
        """Queries (0), keys (1) or values (2): (n, length, d) to (n, heads, length, d / heads)."""
        d = self.embed_dim
        if x.ndim != 3 or x.shape[2] != d:
            raise ValueError(f"expected input of shape (n, length, {d}), got {x.shape}")
        rows = slice(which * d, (which + 1) * d)
        y = x @ self.in_proj_weight[rows].T + self.in_proj_bias[rows]
        return y.reshape(*x.shape[:2], self.num_heads, -1).permute(0, 2, 1, 3)

    def join(self, heads: Tensor) -> Tensor:
        """(n, heads, length, d / heads) to (n, length, d), and the last projection."""
        n, _, length, _ = heads.shape
        return self.out_proj(heads.permute(0, 2, 1, 3).reshape(n, length, -1))

    def extra_repr(self) -> str:
        """Sizes."""
        return f"{self.embed_dim}, num_heads={self.num_heads}"


class MultiheadAttention(_Projections):
    """Several look-ups side by side, equation eq-transformer-heads; batches come first.

    Parameters
    ----------
    embed_dim, num_heads : int
        The first must be a multiple of the second.
    rng : numpy.random.Generator, optional
        Draws the first weights (Xavier); biases are zero.
    dtype : dtype

    Raises
    ------
    ValueError
        If sizes, shapes or the mask do not fit.

    References
    ----------
    Vaswani et al. (2017). Names and values as ``torch.nn.MultiheadAttention(batch_first=True)``,
    but ``mask`` is True where looking is *allowed*, and weights are returned for each head.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        *,
        rng: np.random.Generator | None = None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        super().__init__(embed_dim, num_heads, rng or np.random.default_rng(), dtype)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: ArrayLike | None = None,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """Output (n, n_queries, d) and weights (n, heads, n_queries, n_keys)."""
        q, k, v = (self.project(x, i) for i, x in enumerate((query, key, value)))
        if k.shape != v.shape or len(q.data) != len(k.data):
            raise ValueError(f"shapes do not fit: {query.shape}, {key.shape}, {value.shape}")
        weights = attention_weights(q, k, mask, is_causal)
        return self.join(weights @ v), weights


def sinusoidal_positions(n_positions: int, d_model: int, base: float = 10000.0) -> np.ndarray:
    """Waves that tell a position, equation eq-transformer-positions.

    Parameters
    ----------
    n_positions : int
    d_model : int
        Even.
    base : float
        The slowest hand turns by almost 1 / base radians a token; above 1.

    Returns
    -------
    ndarray of shape (n_positions, d_model)

    Raises
    ------
    ValueError
        If a size is below 1, d_model is odd, or the base is not above 1.
    """
    if n_positions < 1 or d_model < 2 or d_model % 2 or not 1 < base < math.inf:
        raise ValueError(
            f"need n_positions ≥ 1, an even d_model ≥ 2 and a base above 1, got "
            f"{n_positions}, {d_model}, {base}"
        )
    speed = base ** (-np.arange(0, d_model, 2) / d_model)
    angle = np.arange(n_positions)[:, None] * speed  # (n_positions, d_model / 2)
    return np.stack([np.sin(angle), np.cos(angle)], axis=2).reshape(n_positions, -1)


def _gelu(x: np.ndarray) -> Any:
    """x Φ(x) and its pullback."""
    below = ndtr(x)

    def pull(g: np.ndarray) -> np.ndarray:
        density = np.exp(-0.5 * np.minimum(np.abs(x), 40) ** 2) / math.sqrt(2 * math.pi)
        return g * (below + x * density)

    return x * below, (pull,)


class GELU(Module):
    """x times the probability that a standard normal number is below x."""

    def forward(self, x: Tensor) -> Tensor:
        """Elementwise."""
        return apply(_gelu, x)


class TransformerEncoderLayer(Module):
    """Attention, then two linear layers, each added to its input, equation eq-transformer-block.

    Parameters
    ----------
    d_model, nhead : int
        Width of a token and number of heads.
    dim_feedforward : int
        Width between the two linear layers.
    activation : {"relu", "gelu"}
    norm_first : bool
        Normalize before each step, not after each sum.
    rng : numpy.random.Generator, optional
    dtype : dtype

    Raises
    ------
    ValueError
        If sizes, shapes, the mask or the activation's name do not fit.

    References
    ----------
    Vaswani et al. (2017). Names and values as
    ``torch.nn.TransformerEncoderLayer(…, dropout=0, batch_first=True)``.
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        *,
        activation: Literal["relu", "gelu"] = "relu",
        norm_first: bool = False,
        rng: np.random.Generator | None = None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        super().__init__()
        if activation not in ("relu", "gelu"):
            raise ValueError(f"activation must be 'relu' or 'gelu', got {activation!r}")
        rng = rng or np.random.default_rng()
        self.norm_first = norm_first
        self.self_attn = MultiheadAttention(d_model, nhead, rng=rng, dtype=dtype)
        self.linear1 = Linear(d_model, dim_feedforward, rng=rng, dtype=dtype)
        self.linear2 = Linear(dim_feedforward, d_model, rng=rng, dtype=dtype)
        self.norm1 = LayerNorm(d_model, dtype=dtype)
        self.norm2 = LayerNorm(d_model, dtype=dtype)
        self.activation = GELU() if activation == "gelu" else ReLU()

    def forward(self, x: Tensor, mask: ArrayLike | None = None, is_causal: bool = False) -> Tensor:
        """Input and output (n, length, d_model); the mask is True where looking is allowed."""
        if self.norm_first:
            y = self.norm1(x)
            x = x + self.self_attn(y, y, y, mask, is_causal)[0]
            return x + self._feed(self.norm2(x))
        x = self.norm1(x + self.self_attn(x, x, x, mask, is_causal)[0])
        return self.norm2(x + self._feed(x))

    def _feed(self, x: Tensor) -> Tensor:
        y: Tensor = self.linear2(self.activation(self.linear1(x)))
        return y


# seal: ba719f1dc70b75b1
