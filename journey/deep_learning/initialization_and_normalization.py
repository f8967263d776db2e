"""Initialization and normalization.

Built in the page `scripts/04_Deep_Learning/06_initialization_and_normalization.py`:
edit the page, not this file.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from journey.deep_learning.autograd import Tensor, apply
from journey.deep_learning.neural_network_library import Module, Parameter

__all__ = ["BatchNorm1d", "LayerNorm", "calculate_gain", "fans", "kaiming_normal_", "xavier_uniform_"]


def calculate_gain(nonlinearity: str, param: float = 0.01) -> float:
    """What the weights before an activation are multiplied by to make up for it.

    Parameters
    ----------
    nonlinearity : {"linear", "sigmoid", "tanh", "relu", "leaky_relu"}
    param : float
        The slope of a leaky ReLU below zero.

    Raises
    ------
    ValueError
        If the name is unknown.

    References
    ----------
    He et al. (2015); equation eq-norm-he. Values as in ``torch.nn.init``.
    """
    gains = {
        "linear": 1.0,
        "sigmoid": 1.0,
        "tanh": 5 / 3,
        "relu": math.sqrt(2),
        "leaky_relu": math.sqrt(2 / (1 + param**2)),
    }
    if nonlinearity not in gains:
        raise ValueError(f"nonlinearity must be one of {', '.join(gains)}, got {nonlinearity!r}")
    return gains[nonlinearity]


def fans(weight: Tensor) -> tuple[int, int]:
    """Inputs and outputs of a weight (out, in, …); further axes count on both sides.

    Raises
    ------
    ValueError
        If the weight has fewer than two axes.
    """
    if weight.ndim < 2:
        raise ValueError(f"a weight has shape (out, in, …), got {weight.shape}")
    field = math.prod(weight.shape[2:])
    return weight.shape[1] * field, weight.shape[0] * field


def xavier_uniform_(weight: Tensor, gain: float = 1.0, *, rng: np.random.Generator) -> Tensor:
    """Fill a weight in place, uniform with the variance of eq-norm-xavier times gain²."""
    limit = gain * math.sqrt(6 / sum(fans(weight)))
    weight.data[...] = rng.uniform(-limit, limit, weight.shape)
    return weight


def kaiming_normal_(
    weight: Tensor,
    mode: str = "fan_in",
    nonlinearity: str = "relu",
    *,
    rng: np.random.Generator,
) -> Tensor:
    """Fill a weight in place, normal with the variance gain² / fan of eq-norm-he.

    Parameters
    ----------
    weight : Tensor of shape (out, in, …)
    mode : {"fan_in", "fan_out"}
        Keep the size of what goes forwards, or of the gradients that come back.
    nonlinearity : str
        As in ``calculate_gain``.

    Raises
    ------
    ValueError
        If the mode is unknown, or the weight has fewer than two axes.
    """
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode must be 'fan_in' or 'fan_out', got {mode!r}")
    fan = fans(weight)[mode == "fan_out"]
    weight.data[...] = rng.normal(size=weight.shape) * calculate_gain(nonlinearity) / math.sqrt(fan)
    return weight


def _normalize(x: np.ndarray, axes: tuple[int, ...], eps: float) -> Any:
    """(x − mean) / √(variance + eps) over some axes, and its way back, eq-norm-back."""
    centred = x - x.mean(axis=axes, keepdims=True)
    s = np.sqrt((centred * centred).mean(axis=axes, keepdims=True) + eps)
    hat = centred / s

    def pull(g: np.ndarray) -> np.ndarray:
        along = (g * hat).mean(axis=axes, keepdims=True)
        return (g - g.mean(axis=axes, keepdims=True) - hat * along) / s

    return hat, (pull,)


class BatchNorm1d(Module):
    """Normalize each feature over the batch, equation eq-norm-batch.

    Parameters
    ----------
    num_features : int
    eps : float
    momentum : float
        Share of the newest batch in the running statistics.
    dtype : dtype

    Raises
    ------
    ValueError
        From a call: a shape other than (n, num_features) or (n, num_features, length),
        or in training a batch with one value for each feature.

    References
    ----------
    Ioffe and Szegedy (2015).
    """

    running_mean: np.ndarray
    running_var: np.ndarray
    num_batches_tracked: np.ndarray

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        *,
        dtype: Any = np.float64,
    ) -> None:
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = Parameter(np.ones(num_features), dtype=dtype)
        self.bias = Parameter(np.zeros(num_features), dtype=dtype)
        self.register_buffer("running_mean", np.zeros(num_features, dtype=dtype))
        self.register_buffer("running_var", np.ones(num_features, dtype=dtype))
        self.register_buffer("num_batches_tracked", np.array(0))

    def forward(self, x: Tensor) -> Tensor:
        """Input and output (n, num_features) or (n, num_features, length)."""
        if x.ndim not in (2, 3) or x.shape[1] != self.num_features:
            wanted = f"(n, {self.num_features}) or (n, {self.num_features}, length)"
            raise ValueError(f"expected input of shape {wanted}, got {x.shape}")
        axes, shape = ((0,), (1, -1)) if x.ndim == 2 else ((0, 2), (1, -1, 1))
        if self.training:
            hat = self._normalize_batch(x, axes)
        else:
            s = np.sqrt(self.running_var + self.eps)
            hat = (x - self.running_mean.reshape(shape)) / s.reshape(shape)
        return hat * self.weight.reshape(*shape) + self.bias.reshape(*shape)

    def _normalize_batch(self, x: Tensor, axes: tuple[int, ...]) -> Tensor:
        m = math.prod(x.shape[axis] for axis in axes)
        if m < 2:
            raise ValueError(f"training needs more than one value for each feature, got shape {x.shape}")
        share = self.momentum
        self.running_mean *= 1 - share
        self.running_mean += share * x.data.mean(axis=axes)
        self.running_var *= 1 - share
        self.running_var += share * x.data.var(axis=axes, ddof=1)
        self.num_batches_tracked += 1
        return apply(_normalize, x, axes=axes, eps=self.eps)

    def extra_repr(self) -> str:
        """Size."""
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


class LayerNorm(Module):
    """Normalize each row over its last axes, equation eq-norm-batch.

    Parameters
    ----------
    normalized_shape : int or sequence of int
        Sizes of the last axes, over which is averaged.
    eps : float
    dtype : dtype

    Raises
    ------
    ValueError
        From a call, if the input does not end in that shape.

    References
    ----------
    Ba, Kiros and Hinton (2016).
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        *,
        dtype: Any = np.float64,
    ) -> None:
        super().__init__()
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.normalized_shape, self.eps = shape, eps
        self.weight = Parameter(np.ones(shape), dtype=dtype)
        self.bias = Parameter(np.zeros(shape), dtype=dtype)

    def forward(self, x: Tensor) -> Tensor:
        """Input and output of any shape that ends in normalized_shape."""
        k = len(self.normalized_shape)
        if x.shape[-k:] != self.normalized_shape:
            raise ValueError(f"expected input of shape (…, {self.normalized_shape}), got {x.shape}")
        hat = apply(_normalize, x, axes=tuple(range(-k, 0)), eps=self.eps)
        return hat * self.weight + self.bias

    def extra_repr(self) -> str:
        """Size."""
        return f"{self.normalized_shape}, eps={self.eps}"


# seal: f11fe6a73d2fc81a
