"""Convolutional networks.

Built in the page `scripts/04_Deep_Learning/09_convolutional_networks.py`: edit the page, not this file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from journey.deep_learning.autograd import Tensor, apply
from journey.deep_learning.initialization_and_normalization import kaiming_normal_
from journey.deep_learning.neural_network_library import Flatten, Linear, Module, Parameter, ReLU, Sequential

__all__ = ["Conv2d", "LeNet", "MaxPool2d", "col2im", "im2col", "receptive_field"]


def im2col(x: np.ndarray, kernel: tuple[int, int], stride: int, padding: int) -> np.ndarray:
    """Windows of pictures as columns.

    Parameters
    ----------
    x : ndarray of shape (n, c, h, v)
    kernel : (k, l)
    stride, padding : int

    Returns
    -------
    ndarray of shape (n, c·k·l, h′·v′)
    """
    if padding:
        x = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    windows = sliding_window_view(x, kernel, axis=(2, 3))[:, :, ::stride, ::stride]
    n, c, rows, cols = windows.shape[:4]
    return windows.transpose(0, 1, 4, 5, 2, 3).reshape(n, c * kernel[0] * kernel[1], rows * cols)


def col2im(
    columns: np.ndarray,
    shape: tuple[int, ...],
    kernel: tuple[int, int],
    stride: int,
    padding: int,
) -> np.ndarray:
    """Add columns up where ``im2col`` took them from: its adjoint.

    Parameters
    ----------
    columns : ndarray of shape (n, c·k·l, h′·v′)
    shape : (n, c, h, v)
        Of the pictures.
    """
    n, c, h, v = shape
    rows, cols = (_length(size, k, stride, padding) for size, k in zip((h, v), kernel))
    x = np.zeros((n, c, h + 2 * padding, v + 2 * padding), columns.dtype)
    parts = columns.reshape(n, c, *kernel, rows, cols)
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            x[:, :, i : i + stride * rows : stride, j : j + stride * cols : stride] += parts[:, :, i, j]
    return x[:, :, padding : padding + h, padding : padding + v]


def _length(size: int, kernel: int, stride: int, padding: int) -> int:
    """Windows along one axis."""
    return (size + 2 * padding - kernel) // stride + 1


def _conv2d(x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int, padding: int) -> Any:
    """eq-conv-picture as one product, and its ways back, eq-conv-back."""
    kernel, kernels = w.shape[2:], w.reshape(len(w), -1)
    columns = im2col(x, kernel, stride, padding)
    rows, cols = (_length(s, k, stride, padding) for s, k in zip(x.shape[2:], kernel))
    y = kernels @ columns  # (n, f, h′·v′)
    y += b[:, None]
    flat, shape = y.shape, x.shape

    def to_x(g: np.ndarray) -> np.ndarray:
        return col2im(kernels.T @ g.reshape(flat), shape, kernel, stride, padding)

    def to_w(g: np.ndarray) -> np.ndarray:
        parts = g.reshape(flat) @ columns.transpose(0, 2, 1)  # (n, f, c·k·l)
        return parts.sum(axis=0).reshape(w.shape)

    def to_b(g: np.ndarray) -> np.ndarray:
        return g.sum(axis=(0, 2, 3))

    return y.reshape(len(x), len(w), rows, cols), (to_x, to_w, to_b)


class Conv2d(Module):
    """Kernels that look at every window of a picture, equation eq-conv-picture.

    Parameters
    ----------
    in_channels, out_channels, kernel_size : int
    stride, padding : int
    rng : numpy.random.Generator, optional
        Draws the first weights (He, normal); a fresh one by default.
    dtype : dtype

    Raises
    ------
    ValueError
        If a size is below 1, or, from a call, a picture does not have in_channels channels or
        is smaller than the kernel.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        *,
        rng: np.random.Generator | None = None,
        dtype: Any = np.float32,
    ) -> None:
        super().__init__()
        if min(in_channels, out_channels, kernel_size, stride, padding + 1) < 1:
            raise ValueError("channels, kernel_size and stride must be at least 1, padding at least 0")
        self.stride, self.padding = stride, padding
        shape = (out_channels, in_channels, kernel_size, kernel_size)
        self.weight = Parameter(np.zeros(shape), dtype=dtype)
        kaiming_normal_(self.weight, rng=rng or np.random.default_rng())
        self.bias = Parameter(np.zeros(out_channels), dtype=dtype)

    def forward(self, x: Tensor) -> Tensor:
        """Input (n, in_channels, h, v), output (n, out_channels, h′, v′)."""
        w = self.weight.shape
        if x.ndim != 4 or x.shape[1] != w[1] or min(x.shape[2:]) + 2 * self.padding < w[2]:
            raise ValueError(
                f"input of shape {x.shape} does not fit kernels of shape {w} with padding {self.padding}"
            )
        return apply(_conv2d, x, self.weight, self.bias, stride=self.stride, padding=self.padding)

    def extra_repr(self) -> str:
        """Sizes."""
        f, c, k, _ = self.weight.shape
        return f"{c}, {f}, kernel_size={k}, stride={self.stride}, padding={self.padding}"


def _max_pool2d(x: np.ndarray, kernel: int, stride: int) -> Any:
    """Largest number of each window, and its way back."""
    (n, c, h, v), pair = x.shape, (kernel, kernel)
    columns = im2col(x.reshape(n * c, 1, h, v), pair, stride, 0)  # (n·c, k², places)
    best = columns.argmax(axis=1)[:, None]
    value = np.take_along_axis(columns, best, axis=1)
    rows, cols = (_length(size, kernel, stride, 0) for size in (h, v))
    small, large = value.shape, columns.shape

    def pull(g: np.ndarray) -> np.ndarray:
        spread = np.zeros(large, g.dtype)
        np.put_along_axis(spread, best, g.reshape(small), axis=1)
        return col2im(spread, (n * c, 1, h, v), pair, stride, 0).reshape(n, c, h, v)

    return value.reshape(n, c, rows, cols), (pull,)


class MaxPool2d(Module):
    """The largest number of each window of each channel.

    Parameters
    ----------
    kernel_size : int
    stride : int, optional
        kernel_size by default; rows and columns that fill no window are dropped.

    Raises
    ------
    ValueError
        If a size is below 1, or a picture smaller than the window.
    """

    def __init__(self, kernel_size: int, stride: int | None = None) -> None:
        super().__init__()
        self.kernel_size, self.stride = (
            kernel_size,
            kernel_size if stride is None else stride,
        )
        if self.kernel_size < 1 or self.stride < 1:
            raise ValueError(f"kernel_size and stride must be at least 1, got {kernel_size}, {stride}")

    def forward(self, x: Tensor) -> Tensor:
        """Input (n, c, h, v), output (n, c, h′, v′)."""
        if x.ndim != 4 or min(x.shape[2:]) < self.kernel_size:
            raise ValueError(f"input of shape {x.shape} is too small for windows of {self.kernel_size}")
        return apply(_max_pool2d, x, kernel=self.kernel_size, stride=self.stride)

    def extra_repr(self) -> str:
        """Sizes."""
        return f"{self.kernel_size}, stride={self.stride}"


def LeNet(*, rng: np.random.Generator, dtype: Any = np.float32) -> Sequential:
    """Two convolutions with pooling and three linear layers, for pictures (n, 1, 28, 28).

    References
    ----------
    LeCun et al. (1998), with ReLU and max pooling.
    """
    options: dict[str, Any] = {"rng": rng, "dtype": dtype}
    return Sequential(
        Conv2d(1, 6, 5, padding=2, **options),
        ReLU(),
        MaxPool2d(2),
        Conv2d(6, 16, 5, **options),
        ReLU(),
        MaxPool2d(2),
        Flatten(),
        Linear(400, 120, **options),
        ReLU(),
        Linear(120, 84, **options),
        ReLU(),
        Linear(84, 10, **options),
    )


def receptive_field(layers: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Side of the window that one output sees, and the distance of two neighbours' windows.

    Parameters
    ----------
    layers : sequence of (kernel, stride)
        From the picture upwards.

    Raises
    ------
    ValueError
        If a kernel or stride is below 1.

    References
    ----------
    Equation eq-conv-field of the page.
    """
    field = jump = 1
    for kernel, stride in layers:
        if kernel < 1 or stride < 1:
            raise ValueError(f"kernel and stride must be at least 1, got {kernel}, {stride}")
        field, jump = field + (kernel - 1) * jump, jump * stride
    return field, jump


# seal: f07c5a58241d611d
