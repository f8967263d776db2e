# %% [markdown]
# # Initialization and normalization
#
# Why does a network of fifty layers not learn at all from one set of random weights and well from another, and how
# can a layer put it right while it runs?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** the initial weights of Xavier and He, `BatchNorm1d` and `LayerNorm` with their derivatives by hand
# - **You need** {doc}`03_autograd`, {doc}`04_neural_network_library`, variances ({doc}`../01_Mathematics/08_probability`)
# - **Checked against** `torch.nn.init`, `torch.nn.BatchNorm1d` and `LayerNorm` in training and in use; central differences
# - **Time** 30 minutes to read, 45 to code
# - **Data** digits (1,797 × 64), scikit-learn, BSD-3
# ````

# %%
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits

from journey.deep_learning.autograd import Tensor, apply, gradcheck, no_grad
from journey.deep_learning.neural_network_library import (
    CrossEntropyLoss,
    DataLoader,
    Linear,
    Module,
    Parameter,
    ReLU,
    Sequential,
    Sigmoid,
    Tanh,
    TensorDataset,
)
from journey.orientation.checks import check_close, claim, try_answer
from journey.orientation.figures import (
    COLORS,
    DASHES,
    MARKERS,
    readable,
    use_journey_style,
)

use_journey_style()
_ = torch.set_num_threads(1)
images, digit = load_digits(return_X_y=True)
images = (images - images.mean()) / images.std()  # (1797, 64)

# %% [markdown]
# ## A factor of 0.41, fifty times
#
# PyTorch's linear layer, and that of {doc}`04_neural_network_library`, draws its first weights between
# $\pm 1/\sqrt{d}$ for $d$ inputs. Fifty such layers with ReLU in between, 256 wide, read the digits. How large are
# the numbers that arrive?


# %%
def tower(depth, width, scale, activation=ReLU, seed=0):
    """Linear layers of equal width with weights of standard deviation ``scale``."""
    rng, layers = np.random.default_rng(seed), []
    for n in range(depth):
        layer = Linear(64 if n == 0 else width, width, dtype=np.float64)
        layer.weight.data[...] = rng.normal(size=layer.weight.shape) * scale(
            layer.in_features
        )
        layer.bias.data[...] = 0
        layers += [layer, activation()]
    return Sequential(*layers)


def spread_by_layer(model, x):
    """Root mean square of the numbers after each linear layer."""
    found = []
    for module in model:
        x = module(x)
        if isinstance(module, Linear):
            found.append(np.sqrt((x.data**2).mean()))
    return np.array(found)


# %%
batch = Tensor(images[:128])
default = spread_by_layer(tower(50, 256, lambda d: 1 / math.sqrt(3 * d)), batch)
print(f"after 1, 10, 50 layers: {default[0]:.2f}, {default[9]:.1g}, {default[49]:.1g}")
per_layer = (default[49] / default[0]) ** (1 / 49)
claim("norm-default-factor-per-layer", per_layer, within=(0.38, 0.44))
claim("norm-default-after-fifty", default[49], at_most=1e-17)

# %% [markdown]
# After fifty layers the pictures are a whisper of $10^{-20}$, and the gradient that comes back is multiplied by the
# same factor in each layer. Weights twice or three times as large would do the opposite. The right size is a matter
# of a few per cent when it is raised to the fiftieth power, so it has to be computed, not tuned.
#
# ## Predict
#
# 1. By which factor must PyTorch's default weights be multiplied so that a tower of ReLUs keeps the size of its
#    numbers: 1.4, 1.7
#    or 2.4?
# 2. With that factor the numbers that go *forwards* keep their size. Do the gradients that go backwards, too?
# 3. A network with batch normalization classifies 95 per cent of new pictures rightly. Now the pictures are handed
#    over
#    sorted by class, in batches, and the mode is still that of training. What happens?
#
# ## Variance through one layer
#
# One output of a linear layer is $z = \sum_{i=1}^{d} w_i x_i$. Let the weights be independent of the inputs and of
# each other, with mean 0 and variance $\sigma^2$. The mixed terms of $z^2$ have mean 0, so
#
# $$
# \mathbb{E}[z^2] = \sum_i \mathbb{E}[w_i^2]\, \mathbb{E}[x_i^2] = d\, \sigma^2\, \mathbb{E}[x^2] .
# $$ (eq-norm-linear)
#
# By hand: inputs $(1, -1, 2, 0)$ have a mean square of 1.5; with $\sigma^2 = \tfrac14$ the output has mean square
# $4 \cdot \tfrac14 \cdot 1.5 = 1.5$. Note what is *not* asked: the inputs need have no mean of 0.
#
# Then comes the activation. For a symmetric $z$ a ReLU sets half of the mass to zero and keeps the other,
#
# $$
# \mathbb{E}[\max(0, z)^2] = \tfrac12\, \mathbb{E}[z^2] ,
# $$ (eq-norm-relu)
#
# so a layer with its ReLU multiplies the mean square by $\tfrac12 d\,\sigma^2$. It is kept if
#
# $$
# \sigma^2 = \frac{2}{d_\text{in}} \quad\text{(He)}, \qquad\text{without the ReLU}\quad \sigma^2 = \frac{1}{d_\text{in}} .
# $$ (eq-norm-he)
#
# The default is uniform between $\pm 1/\sqrt d$, so its variance is $\tfrac13 \cdot \tfrac1d$, and each layer
# multiplies the size by $\sqrt{1/6} \approx 0.41$, as measured.
#
# Backwards, the gradient of an input is $\partial L / \partial x_i = \sum_k w_{ki}\, \partial L / \partial z_k$:
# the same sum, over the *outputs*. It is kept if $\sigma^2 = 2 / d_\text{out}$. Both cannot hold unless the layer
# is square; {cite:t}`glorot2010understanding` take the mean of the two, for activations whose slope at 0 is 1:
#
# $$
# \sigma^2 = \frac{2}{d_\text{in} + d_\text{out}} \quad\text{(Xavier)}.
# $$ (eq-norm-xavier)
#
# In general $\sigma = g / \sqrt{d}$ with a *gain* $g$ that makes up for the activation: $\sqrt2$ for ReLU
# {cite:p}`he2015delving`, 1 for none, and for the leaky ReLU of slope $a$ the same computation gives
# $\sqrt{2/(1 + a^2)}$. (For tanh PyTorch uses $\tfrac53$.)


# %% tags=["export"]
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
        raise ValueError(
            f"nonlinearity must be one of {', '.join(gains)}, got {nonlinearity!r}"
        )
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


# %% tags=["export"]
def xavier_uniform_(
    weight: Tensor, gain: float = 1.0, *, rng: np.random.Generator
) -> Tensor:
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
    weight.data[...] = (
        rng.normal(size=weight.shape) * calculate_gain(nonlinearity) / math.sqrt(fan)
    )
    return weight


# %% [markdown]
# The generators differ, so single numbers cannot be compared with PyTorch's; their spread can, and so can the largest
# number of a uniform law:

# %%
rng, _ = np.random.default_rng(0), torch.manual_seed(0)
ratios = {}
for shape in ((300, 200), (40, 30, 5, 5)):
    ours, theirs = Tensor(np.empty(shape)), torch.empty(shape)
    for name, draw, reference in (
        ("xavier", xavier_uniform_, torch.nn.init.xavier_uniform_),
        (
            "kaiming",
            kaiming_normal_,
            lambda w: torch.nn.init.kaiming_normal_(w, nonlinearity="relu"),
        ),
    ):
        draw(ours, rng=rng)
        reference(theirs)
        ratios[name, len(shape)] = ours.data.std() / theirs.std().item()
        if name == "xavier":
            ratios["largest", len(shape)] = (
                np.abs(ours.data).max() / theirs.abs().max().item()
            )
claim("norm-spread-against-pytorch-least", min(ratios.values()), at_least=0.98)
claim("norm-spread-against-pytorch-most", max(ratios.values()), at_most=1.02)
gains = [
    calculate_gain(n) / torch.nn.init.calculate_gain(n)
    for n in ("linear", "tanh", "relu", "leaky_relu")
]
_ = check_close(gains, np.ones(4), rtol=1e-12)

# %% [markdown]
# ## Fifty layers, forwards and back
#
# Forwards: the size after each layer, for weights of variance $c/d$ with $c$ between a half and four. Backwards: the
# size of the gradient at the input of each layer, when a random gradient of size 1 is put in at the top.


# %%
def gradients_by_layer(model, x, seed=1):
    """Root mean square of the gradient at each linear layer's output, first layer first."""
    kept = []
    for module in model:
        x = module(x)
        if isinstance(module, Linear):
            x.retain_grad()
            kept.append(x)
    x.backward(np.random.default_rng(seed).normal(size=x.shape))
    return np.array([np.sqrt((z.grad**2).mean()) for z in kept])


# %%
constants = (0.5, 1, 2, 4)
forwards = {
    c: spread_by_layer(tower(50, 256, lambda d, c=c: math.sqrt(c / d)), batch)
    for c in constants
}
claim("norm-he-forwards-most", forwards[2].max() / forwards[2].min(), at_most=3)
for c in (1, 4):
    slope = (forwards[c][-1] / forwards[c][0]) ** (1 / 49)
    claim(f"norm-factor-for-{c}", slope, equal_to=math.sqrt(c / 2), tolerance=0.04)
sides = {
    "ReLU, He": gradients_by_layer(tower(50, 256, lambda d: math.sqrt(2 / d)), batch),
    "tanh, Xavier": gradients_by_layer(
        tower(50, 256, lambda d: math.sqrt(1 / d), Tanh), batch
    ),
    "ReLU, default": gradients_by_layer(
        tower(50, 256, lambda d: 1 / math.sqrt(3 * d)), batch
    ),
    "sigmoid, Xavier": gradients_by_layer(
        tower(50, 256, lambda d: math.sqrt(1 / d), Sigmoid), batch
    ),
}
claim(
    "norm-he-backwards-first-over-last",
    sides["ReLU, He"][0] / sides["ReLU, He"][-1],
    within=(0.3, 3),
)
claim(
    "norm-default-backwards",
    sides["ReLU, default"][0] / sides["ReLU, default"][-1],
    at_most=1e-17,
)
claim(
    "norm-sigmoid-backwards",
    sides["sigmoid, Xavier"][0] / sides["sigmoid, Xavier"][-1],
    at_most=1e-25,
)

# %% mystnb={"figure": {"caption": "Left: size of the numbers after each layer of ReLUs, for weights of variance c/d. Only c = 2 keeps it. Right: size of the gradient on its way back, from layer 50 to layer 1. Sigmoids lose it whatever the weights.", "name": "fig-norm-tower"}, "image": {"alt": "Two panels with logarithmic axes over layers 1 to 50. Left, four straight lines: c of 4 rises to ten to the 7, c of 2 is level, c of 1 falls to ten to the minus 8 and c of one half to ten to the minus 15. Right: He with ReLU is level, Xavier with tanh falls slightly, the default falls to ten to the minus 20 and the sigmoid below ten to the minus 30 at layer 1."}} tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 3.5))
layers = np.arange(1, 51)
for k, (c, values) in enumerate(forwards.items()):
    color = COLORS[("purple", "orange", "blue", "red")[k]]
    left.semilogy(layers, values, color=color, ls=DASHES[k])
    left.text(51, values[-1], f"c = {c:g}", color=readable(color), va="center")
left.set(
    xlabel="layer",
    ylabel="size of the numbers",
    xlim=(0, 60),
    title="Forwards: c = 2, or nothing",
)
ends = {
    "ReLU, He": 3e2,
    "tanh, Xavier": 1e-3,
    "ReLU, default": 1e-16,
    "sigmoid, Xavier": 1e-26,
}
for k, (name, values) in enumerate(sides.items()):
    color = COLORS[("blue", "purple", "orange", "red")[k]]
    right.semilogy(layers, values, color=color, ls=DASHES[k])
    right.text((3, 3, 20, 18)[k], ends[name], name, color=readable(color), va="center")
right.set(
    xlabel="layer",
    ylabel="size of the gradient",
    title="Backwards: read from the right",
)
plt.show()

# %% [markdown]
# *Prediction 1.* The default has $c = \tfrac13$ and needs $c = 2$: weights $\sqrt6 \approx 2.4$ times as large.
#
# *Prediction 2.* Yes, since the layers are square: $d_\text{in} = d_\text{out}$, and a ReLU passes on half of the
# gradients as it passes on half of the numbers. The sigmoid is another matter. Its slope is at most ¼, so a factor
# of at least 4 would have to come from the weights, and weights that large saturate it, where the slope is smaller
# still. No initialization repairs that, which is why deep networks before 2010 were trained layer by layer.
#
# The computation is about averages over weights. In a *single* network of width $n$ the size still wanders from
# layer to layer, the more the narrower it is:

# %%
wander = {}
for width in (32, 128, 512):
    ends = [
        spread_by_layer(
            tower(50, width, lambda d: math.sqrt(2 / d), seed=s), Tensor(images[:1])
        )[-1]
        for s in range(12)
    ]
    wander[width] = np.std(np.log(ends), ddof=1)
    print(f"width {width:3}: factor e^±{wander[width]:.1f} after fifty layers")
claim("norm-wander-32-over-512", wander[32] / wander[512], within=(2, 9))

# %% [markdown]
# The deviation of the logarithm shrinks like the root of the width, so a deep and narrow network is a lottery even
# with the right variance. That asks for something that *measures* the size and corrects it.
#
# ## Does it learn?
#
# The same question for training: twenty layers, 64 wide, on 1,200 digits, 150 steps of gradient descent with
# momentum.


# %%
def train(model, steps=150, rate=0.02, seed=0, shuffle=True, n_batch=64):
    """Gradient descent with momentum 0.9; returns the losses."""
    rows = np.arange(1200) if shuffle else np.argsort(digit[:1200], kind="stable")
    data = TensorDataset(images[rows], digit[rows])
    loader = DataLoader(data, n_batch, shuffle, rng=np.random.default_rng(seed))
    loss_function, losses = CrossEntropyLoss(), []
    parameters = list(model.parameters())
    velocity = [np.zeros_like(p.data) for p in parameters]
    while len(losses) < steps:
        for X, y in loader:
            loss = loss_function(model(Tensor(X)), y)
            model.zero_grad()
            loss.backward()
            for p, v in zip(parameters, velocity):
                v *= 0.9
                v -= rate * p.grad
                p.data += v
            losses.append(loss.item())
    return np.array(losses[:steps])


def accuracy(model):
    with no_grad():
        return float((model(Tensor(images[1200:])).argmax(1) == digit[1200:]).mean())


# %%
def deep(c, depth=20, norm=None, seed=0):
    """Twenty hidden layers with weights of variance c/d, perhaps normalized, and ten scores."""
    rng, layers = np.random.default_rng(seed), []
    for _ in range(depth):
        layer = Linear(64, 64, rng=rng, dtype=np.float64)
        layer.weight.data[...] = rng.normal(size=(64, 64)) * math.sqrt(c / 64)
        layer.bias.data[...] = 0
        layers += [layer, *([norm(64)] if norm else []), ReLU()]
    return Sequential(*layers, Linear(64, 10, rng=rng, dtype=np.float64))


losses, scores = {}, {}
for name, c in (("c = 1/3", 1 / 3), ("c = 2", 2)):
    model = deep(c)
    losses[name] = train(model)
    scores[name] = accuracy(model)
claim("norm-loss-default-last-steps", losses["c = 1/3"][-10:].mean(), at_least=2.25)
claim("norm-loss-he-last-steps", losses["c = 2"][-10:].mean(), at_most=1.9)
refusals = []
with np.errstate(all="ignore"):
    try:
        train(deep(8))
    except ValueError as error:
        refusals.append(str(error))
print(refusals[0].split(";")[0] if refusals else "trained")
claim("norm-eight-is-refused", len(refusals), equal_to=1)

# %% [markdown]
# With the default weights nothing is learned: the loss stays at $\log 10$, that of guessing, and no error is
# raised. With weights that are too large the loss is soon not a number, which the library at least reports. With
# He's the loss falls, but haltingly. Is there something that the size does not tell?
#
# ## Parallel pictures
#
# Two different pictures that arrive as the same vector cannot be told apart, whatever its length. The mean cosine
# between 128 digits, layer by layer:


# %%
def cosines_by_layer(model, x):
    """Mean cosine between the rows that each linear layer is given."""
    found, upper = [], np.triu_indices(len(x.data), 1)
    with no_grad():
        for module in model:
            given = module.inner[0](x) if hasattr(module, "inner") else x
            if isinstance(module, Linear) or given is not x:
                unit = given.data / np.linalg.norm(given.data, axis=1, keepdims=True)
                found.append((unit @ unit.T)[upper].mean())
            x = module(x)
    return np.array(found)


# %%
angles = {"He": cosines_by_layer(deep(2), batch)}
claim("norm-cosine-of-pictures", angles["He"][0], within=(0.3, 0.6))
claim("norm-cosine-after-twenty-layers-he", angles["He"][-1], at_least=0.93)

# %% [markdown]
# A ReLU makes everything positive, so after one layer all rows have a common part, the next layer adds to it, and
# after twenty the pictures are parallel but for some per cent. The variance was right in every layer: it counts the
# length, and most of the length has become the common part. What is needed is not to keep the size, but to keep the
# *differences*.
#
# ## Measuring the size on the way
#
# **Batch normalization** {cite:p}`ioffe2015batch` takes, for each feature, the mean $\mu$ and variance $v$ over the
# batch, and gives back
#
# $$
# y = \gamma\, \hat x + \beta, \qquad \hat x = \frac{x - \mu}{\sqrt{v + \varepsilon}} ,
# $$ (eq-norm-batch)
#
# with $\gamma, \beta$ learned. **Layer normalization** {cite:p}`ba2016layer` does the same over the features of
# each row. The code can be the same too: only the axis differs, over which is averaged.
#
# The derivative has to take into account that $\mu$ and $v$ depend on all $m$ numbers of the group. With
# $s = \sqrt{v + \varepsilon}$ and $g$ for the gradient of $\hat x$,
#
# $$
# \frac{\partial \hat x_j}{\partial x_i} = \frac1s \Bigl( \delta_{ij} - \frac1m - \frac{\hat x_i \hat x_j}{m} \Bigr)
# \quad\Longrightarrow\quad
# \frac{\partial L}{\partial x_i} = \frac1s \Bigl( g_i - \bar g - \hat x_i\, \overline{g \hat x} \Bigr) .
# $$ (eq-norm-back)
#
# The first term is the way through the numerator; the second comes from $\partial\mu/\partial x_i = \tfrac1m$; the
# third from $\partial s / \partial x_i = (x_i - \mu) / (m s) = \hat x_i / m$. In words: the gradient loses its mean
# and its component along $\hat x$, the two directions in which $x$ can move without changing $\hat x$. One line
# each:


# %% tags=["export"]
def _normalize(x: np.ndarray, axes: tuple[int, ...], eps: float) -> Any:
    """(x − mean) / √(variance + eps) over some axes, and its way back, eq-norm-back."""
    centred = x - x.mean(axis=axes, keepdims=True)
    s = np.sqrt((centred * centred).mean(axis=axes, keepdims=True) + eps)
    hat = centred / s

    def pull(g: np.ndarray) -> np.ndarray:
        along = (g * hat).mean(axis=axes, keepdims=True)
        return (g - g.mean(axis=axes, keepdims=True) - hat * along) / s

    return hat, (pull,)


# %% [markdown]
# A batch is not there when a single picture is to be classified. So a batch-normalized layer keeps *running* means
# and variances from training, as buffers, and uses them after `eval()`. As in PyTorch the running variance is the
# unbiased one, divided by $m - 1$, while the batch is normalized with the one divided by $m$.


# %% tags=["export"]
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
            raise ValueError(
                f"training needs more than one value for each feature, got shape {x.shape}"
            )
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


# %% tags=["export"]
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
        shape = (
            (normalized_shape,)
            if isinstance(normalized_shape, int)
            else tuple(normalized_shape)
        )
        self.normalized_shape, self.eps = shape, eps
        self.weight = Parameter(np.ones(shape), dtype=dtype)
        self.bias = Parameter(np.zeros(shape), dtype=dtype)

    def forward(self, x: Tensor) -> Tensor:
        """Input and output of any shape that ends in normalized_shape."""
        k = len(self.normalized_shape)
        if x.shape[-k:] != self.normalized_shape:
            raise ValueError(
                f"expected input of shape (…, {self.normalized_shape}), got {x.shape}"
            )
        hat = apply(_normalize, x, axes=tuple(range(-k, 0)), eps=self.eps)
        return hat * self.weight + self.bias

    def extra_repr(self) -> str:
        """Size."""
        return f"{self.normalized_shape}, eps={self.eps}"


# %% [markdown]
# ## Equal to PyTorch, training and in use
#
# Three batches in training mode, so that the running statistics have something to run over; then one in use.
# Outputs, gradients and buffers, with a constant feature among them, whose variance is 0:

# %%
rng = np.random.default_rng(0)
steps = rng.normal(2, 3, size=(4, 8, 5))
steps[..., 0] = 7  # variance zero
pairs = {
    "batch": (BatchNorm1d(5), torch.nn.BatchNorm1d(5).double()),
    "layer": (LayerNorm(5), torch.nn.LayerNorm(5).double()),
}
for name, (ours, theirs) in pairs.items():
    worst = 0.0
    for n, X in enumerate(steps):
        ours.train(n < 3)
        theirs.train(n < 3)
        a, b = Tensor(X, requires_grad=True), torch.tensor(X, requires_grad=True)
        y, z = ours(a), theirs(b)
        (y**3).sum().backward()
        (z**3).sum().backward()
        worst = max(
            worst, check_close(y.data, z.detach().numpy(), rtol=1e-9, atol=1e-9)
        )
        worst = max(worst, check_close(a.grad, b.grad.numpy(), rtol=1e-9, atol=1e-8))
    for key, value in ours.state_dict().items():
        worst = max(
            worst, check_close(value, theirs.state_dict()[key].numpy(), rtol=1e-12)
        )
    claim(f"norm-{name}-largest-deviation-from-pytorch", worst, at_most=1e-9)
claim(
    "norm-back-against-differences",
    gradcheck(lambda x: apply(_normalize, x, axes=(0,), eps=1e-5), [steps[0][:, 1:]]),
    at_most=1e-6,
)

# %% [markdown]
# ## The same bad weights, normalized
#
# Now the network of twenty layers with the weights that learned nothing, $c = \tfrac13$.
# {term}`Batch normalization <batch normalization>` subtracts the mean of the *batch*, which is the common part of
# the pictures. {term}`Layer normalization <layer normalization>` subtracts one number from each row and leaves the
# rows as parallel as they were. To it belongs a **skip connection** {cite:p}`he2016deep`:
# $\mathbf{y} = \mathbf{x} + f(\mathbf{x})$, in which the picture itself goes on.


# %%
class Residual(Module):
    """x + f(x), with f normalized first."""

    def __init__(self, *modules):
        super().__init__()
        self.inner = Sequential(*modules)

    def forward(self, x):
        return x + self.inner(x)


def deep_with_skips(c, depth=20, seed=0):
    plain = list(deep(c, depth, seed=seed))
    blocks = [
        Residual(LayerNorm(64), linear, relu)
        for linear, relu in zip(plain[:-1:2], plain[1:-1:2])
    ]
    return Sequential(*blocks, LayerNorm(64), plain[-1])


# %%
models = {
    "batch norm": deep(1 / 3, norm=BatchNorm1d),
    "layer norm": deep(1 / 3, norm=LayerNorm),
    "layer norm, skips": deep_with_skips(1 / 3),
}
for name, model in models.items():
    angles[name] = cosines_by_layer(model, batch)
    losses[name] = train(model)
    scores[name] = accuracy(model.eval())
    slug = name.replace(",", "").replace(" ", "-")
    claim(
        f"norm-cosine-{slug}",
        angles[name][-1],
        **({"at_least": 0.9} if name == "layer norm" else {"at_most": 0.7}),
    )
claim("norm-accuracy-batch-norm", scores["batch norm"], at_least=0.75)
claim("norm-accuracy-layer-norm-alone", scores["layer norm"], at_most=0.3)
claim("norm-accuracy-layer-norm-and-skips", scores["layer norm, skips"], at_least=0.9)

# %% mystnb={"figure": {"caption": "Twenty layers. Left: mean cosine between 128 pictures as each linear layer is given them, before training. Right: training loss, mean of ten steps. What keeps the pictures apart learns; layer normalization alone keeps the size and loses the rest.", "name": "fig-norm-training"}, "image": {"alt": "Left: four lines over 20 layers from a cosine near 0.5; He and layer norm rise to 0.97, batch norm falls to 0.3 and layer norm with skips stays below 0.5. Right: over 150 steps the losses of layer norm and of the default weights stay at 2.3, that of He falls to about 1, batch norm to 0.4 and layer norm with skips to almost 0."}} tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.7))
looks = {
    "c = 1/3": ("red", 4),
    "He": ("ink", 0),
    "batch norm": ("blue", 1),
    "layer norm": ("orange", 2),
    "layer norm, skips": ("purple", 3),
}
losses["He"] = losses["c = 2"]
for name, (color, dash) in looks.items():
    style = {"color": COLORS[color], "ls": DASHES[dash % len(DASHES)]}
    if name in angles:
        left.plot(np.arange(1, len(angles[name]) + 1), angles[name], **style)
    smooth = np.convolve(losses[name], np.ones(10) / 10, "valid")
    right.plot(np.arange(10, 151), smooth, **style)
left_spots = {
    "He": 1.02,
    "layer norm": 0.93,
    "batch norm": angles["batch norm"][-1],
    "layer norm, skips": angles["layer norm, skips"][-1],
}
for name, at in left_spots.items():
    left.text(
        21.4, at, name, color=readable(COLORS[looks[name][0]]), va="center", fontsize=9
    )
right_spots = {
    "c = 1/3": 2.43,
    "layer norm": 2.2,
    "He": losses["He"][-10:].mean(),
    "batch norm": losses["batch norm"][-10:].mean(),
    "layer norm, skips": 0.03,
}
for name, at in right_spots.items():
    right.text(
        153, at, name, color=readable(COLORS[looks[name][0]]), va="center", fontsize=9
    )
left.set(
    xlabel="layer", ylabel="mean cosine of two pictures", xlim=(1, 21), ylim=(0, 1.06)
)
left.set_xticks([1, 6, 11, 16, 21])
left.set_title("Are they still different?")
right.set(xlabel="step", ylabel="training loss (nats)", ylim=(0, 2.6), xlim=(10, 150))
right.set_title("Then they can be learned")
figure.get_layout_engine().set(wspace=0.12)
plt.show()

# %% [markdown]
# The scores follow the cosines, not the sizes. Normalization by rows and skips belong together; every
# {term}`Transformer` has both.
#
# %% [markdown]
# Why does the size of the weights not matter any more? Multiply the weights before a batch normalization by any
# $\alpha > 0$: $\mu$ and $\sqrt v$ are multiplied by it too, and $\hat x$ stays. The gradient of those weights is
# then divided by $\alpha$, so a step of gradient descent on large weights is *relatively* smaller by $\alpha^2$:
# large weights slow themselves down.


# %%
def weight_gradient(alpha):
    """Output, and gradient of a weight, when weights are multiplied by alpha."""
    layer, norm = (
        Linear(64, 32, rng=np.random.default_rng(0), dtype=np.float64),
        BatchNorm1d(32, eps=0.0),
    )
    layer.weight.data *= alpha
    layer.bias.data *= alpha
    out = norm(layer(Tensor(images[:50] + 0.01 * np.arange(64))))
    (out * np.random.default_rng(1).normal(size=out.shape)).sum().backward()
    return out.data, layer.weight.grad


# %%
(one, g1), (ten, g10) = weight_gradient(1.0), weight_gradient(10.0)
_ = check_close(ten, one, rtol=1e-9, atol=1e-9)
claim(
    "norm-gradient-ratio-for-ten-times-the-weights",
    np.linalg.norm(g10) / np.linalg.norm(g1),
    equal_to=0.1,
    tolerance=1e-9,
)

# %% [markdown]
# ## The batch is part of the answer
#
# In training mode a row's output depends on its neighbours. After training, the pictures are classified three
# times: in `eval` mode; in training mode, in shuffled batches of 50; and in training mode, in batches sorted by
# class.


# %%
def accuracy_in_batches(model, order, size=50):
    right = 0
    with no_grad():
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            right += (model(Tensor(images[rows])).argmax(1) == digit[rows]).sum()
    return right / len(order)


def three_ways(seed):
    model = deep(2, depth=3, norm=BatchNorm1d, seed=seed)
    train(model, steps=120, seed=seed)
    state = model.state_dict()
    new = np.arange(1200, 1797)
    found = [accuracy(model.eval())]
    for order in (new, new[np.argsort(digit[new], kind="stable")]):
        model.load_state_dict(state)
        found.append(accuracy_in_batches(model.train(), order))
    return found


# %%
ways = np.array([three_ways(s) for s in range(3)])  # (3 seeds, 3 ways)
for name, values in zip(("in-use", "training-mode", "sorted"), ways.T):
    print(f"{name}: {values.mean():.2f}")
claim("norm-accuracy-in-use", ways[:, 0].mean(), at_least=0.85)
claim("norm-accuracy-training-mode-shuffled", ways[:, 1].mean(), at_least=0.8)
claim("norm-accuracy-training-mode-sorted", ways[:, 2].mean(), at_most=0.5)

# %% [markdown]
# *Prediction 3.* Most answers are wrong. A batch of threes has its mean subtracted, which is what they have in
# common: the layer removes the very thing that makes them threes. Nothing in the code fails; the mode was
# forgotten. The same happens in *training* if the loader does not shuffle: the batches are easy to tell apart
# within, and the running statistics describe none of them.

# %%
sorted_model = deep(2, depth=3, norm=BatchNorm1d)
sorted_losses = train(sorted_model, steps=120, shuffle=False)
claim("norm-trained-on-sorted-batches", accuracy(sorted_model.eval()), at_most=0.6)


# %%
def by_batch_size(size):
    model = deep(2, depth=3, norm=BatchNorm1d)
    train(model, steps=120, n_batch=size)
    return accuracy(model.eval())


sizes = (2, 4, 8, 32)
small = [by_batch_size(size) for size in sizes]
plain = deep(2, depth=3)
train(plain, steps=120, n_batch=2)
claim("norm-batches-of-two", small[0], at_most=0.75)
claim("norm-batches-of-thirty-two", small[-1], at_least=0.85)

# %% mystnb={"figure": {"caption": "Left: one trained network, three ways to ask it. Right: accuracy in use after 120 steps with batches of different size; statistics of two rows are mostly noise.", "name": "fig-norm-batch"}, "image": {"alt": "Left: three bars, in use 0.91, training mode shuffled the same, training mode sorted by class 0.24. Right: accuracy rising with the batch size, from 0.2 at two rows over 0.84 at four to 0.92 at 32."}} tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.0), width_ratios=(1.3, 1))
names = ("eval mode", "training mode,\nshuffled", "training mode,\nsorted by class")
left.barh(range(3), ways.mean(axis=0), color=COLORS["sky"], height=0.6)
for k, values in enumerate(ways.T):
    left.plot(values, [k] * 3, "o", color=COLORS["ink"], ms=4)
left.set_yticks(range(3), names)
left.set(
    xlabel="accuracy on new pictures", xlim=(0, 1), title="Who else is in the batch?"
)
left.invert_yaxis()
right.semilogx(sizes, small, color=COLORS["blue"], marker=MARKERS[0])
right.set_xticks(sizes, [str(s) for s in sizes])
right.minorticks_off()
right.set(
    xlabel="rows in a batch",
    ylabel="accuracy in use",
    ylim=(0, 1),
    title="Two rows are no statistics",
)
plt.show()

# %% [markdown]
# Layer normalization has none of these troubles: a row is alone with itself. That is why language models, whose
# batches are small and whose lines differ in length, use it. What it gives up is the comparison between rows: a
# feature that is always on stays always on.
#
# ## In practice
#
# | you have | use |
# |---|---|
# | ReLU layers, a few | He; the default also works if there are few |
# | tanh or linear layers | Xavier |
# | many layers | normalization, and skip connections, which let the input itself go on |
# | pictures, batches of 32 and more | batch normalization |
# | sequences, small batches, generation one by one | layer normalization or RMSNorm |
#
# In PyTorch the names are the same: `torch.nn.init.kaiming_normal_(layer.weight)`, `torch.nn.BatchNorm1d(64)`,
# `torch.nn.LayerNorm(64)`. The bias of a linear layer in front of a batch normalization does nothing (it is
# subtracted again): `bias=False`.
#
# | What people believe | What exposes it |
# |---|---|
# | The default initialization is the right one | fifty layers, a factor of 0.41 each |
# | Vanishing gradients give an error | the loss stays at log 10, quietly |
# | Batch normalization keeps activations normal | it fixes mean and variance, no shape |
# | Evaluation needs no `eval()` if the accuracy looks fine | batches sorted by class |
# | The running variance is the batch's | one is divided by $m - 1$, the other by $m$ |
# | He is exact | one narrow network, whose size wanders |
# | The right variance is enough | the cosine between two rows after twenty layers |
# | Layer and batch normalization do the same | twenty layers without skips |
#
# ## Exercises
#
# ```{exercise} A leaky gain
# :label: ex-norm-leaky
#
# *check · difficulty 1 of 3 · 10 minutes*
#
# A leaky ReLU multiplies negative numbers by $a = 0.5$. Which variance of the weights keeps the mean square through
# a layer of 100 inputs,
# and by which factor does it grow per layer if the weights are those of He for the plain ReLU? (A factor of the
# mean square.)
# ```


# %%
def test_leaky(answer):
    variance, growth = answer
    assert abs(variance - 0.02 / 1.25) < 1e-4, (
        "half of the mass is kept, the other times a²"
    )
    assert abs(growth - 1.25) < 1e-3, "twice as much, times (1 + a²) / 2"


_ = try_answer(test_leaky, None)

# %% [markdown]
# ```{solution-start} ex-norm-leaky
# :class: dropdown
# ```
#
# The mean square after the activation is $\tfrac12 (1 + a^2)\, \mathbb{E}[z^2] = 0.625\, \mathbb{E}[z^2]$. So
# $\sigma^2 = 1 / (0.625 \cdot 100) = 0.016$, and with $\sigma^2 = 0.02$ the factor is
# $0.625 \cdot 100 \cdot 0.02 = 1.25$.

# %%
_ = try_answer(test_leaky, (0.016, 1.25))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Measure, then scale
# :label: ex-norm-lsuv
#
# *extend · difficulty 2 of 3 · 20 minutes*
#
# Write `scale_to_one(model, x)`: for a `Sequential` of linear layers and activations, go through the layers in
# order and
# divide each linear layer's weight by the root mean square of its output on `x`, so that it becomes 1 before the
# next layer is looked at. In
# place; biases are zero. It must work for any activation, without a formula.
# ```


# %%
def test_scale(scale_to_one):
    for activation in (ReLU, Tanh, Sigmoid):
        model = tower(20, 32, lambda d: 0.3 / d, activation)
        scale_to_one(model, batch)
        sizes = spread_by_layer(model, batch)
        assert np.allclose(sizes, 1, rtol=1e-6), (
            f"{activation.__name__}: {sizes.round(2)[:4]}…"
        )
    model = tower(3, 32, lambda d: 1.0)
    weight = model[0].weight
    scale_to_one(model, batch)
    assert model[0].weight is weight, "in place"


def scale_to_one(model, x):  # replace the body with your own, then run this cell again
    raise NotImplementedError


_ = try_answer(test_scale, scale_to_one)

# %% [markdown]
# ```{solution-start} ex-norm-lsuv
# :class: dropdown
# ```
#
# One forward pass is enough: a layer's output is linear in its weight, so dividing both keeps them in step.


# %%
def scale_to_one_solution(model, x):
    with no_grad():
        for module in model:
            y = module(x)
            if isinstance(module, Linear):
                size = np.sqrt((y.data**2).mean())
                module.weight.data /= size
                y = Tensor(y.data / size)
            x = y


_ = try_answer(test_scale, scale_to_one_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Which derivative is it?
# :label: ex-norm-detached
#
# *break · difficulty 3 of 3 · 25 minutes*
#
# `careless` normalizes with a mean and a standard deviation that it takes for constants: forwards it is right. Write
# `expose(normalize)`, which returns an input `x` of shape (4, 1) and a gradient `g` of the same shape for which the
# right derivative is
# zero but that of `careless` is not below 0.1 anywhere, and which holds for *every* right implementation.
# ```


# %%
def careless(x, g):
    """Gradient of x from the gradient g of (x − mean) / s, with mean and s constant."""
    return g / np.sqrt(x.var(axis=0) + 1e-5)


def careful(x, g):
    t = Tensor(x, requires_grad=True)
    apply(_normalize, t, axes=(0,), eps=1e-5).backward(g)
    return t.grad


def test_expose(expose):
    x, g = expose(careless)
    assert x.shape == g.shape == (4, 1)
    assert x.std() > 0.1, "a constant column has no direction at all"
    assert np.abs(careful(x, g)).max() < 1e-4, "the right derivative is not zero here"
    assert np.abs(careless(x, g)).min() >= 0.1, "careless notices"


def expose(normalize):  # replace the body with your own, then run this cell again
    raise NotImplementedError


_ = try_answer(test_expose, expose)

# %% [markdown]
# ```{solution-start} ex-norm-detached
# :class: dropdown
# ```
#
# Adding a constant to all of $x$ changes nothing, so a constant gradient $g$ must come back as zero:
# $g_i - \bar g = 0$. The same is true of $g = \hat x$, up to $\varepsilon$. A layer with `careless` trains, more
# slowly and to another place, because the gradient keeps two directions that do not exist.


# %%
def expose_solution(normalize):
    return np.array([[1.0], [2.0], [3.0], [4.0]]), np.ones((4, 1))


_ = try_answer(test_expose, expose_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} RMSNorm
# :label: ex-norm-rms
#
# *build · difficulty 3 of 3 · 25 minutes*
#
# Large language models leave the mean alone: $y = \gamma\, x / \sqrt{\overline{x^2} + \varepsilon}$ over the last
# axis. Write `rms_primitive(x, eps)`, which
# returns the value without $\gamma$ and a tuple with its pullback, for `apply`; derive it as {eq}`eq-norm-back`.
# ```


# %%
def test_rms(rms_primitive):
    x = np.random.default_rng(0).normal(size=(3, 6)) + 2
    a, b = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    ours = apply(rms_primitive, a, eps=1e-6)
    theirs = torch.nn.functional.rms_norm(b, (6,), eps=1e-6)
    assert np.allclose(ours.data, theirs.detach().numpy(), rtol=1e-10), "the value"
    g = np.random.default_rng(1).normal(size=x.shape)
    ours.backward(g)
    theirs.backward(torch.tensor(g))
    assert np.allclose(a.grad, b.grad.numpy(), rtol=1e-8, atol=1e-10), "the derivative"


def rms_primitive(x, eps):  # replace the body with your own, then run this cell again
    raise NotImplementedError


_ = try_answer(test_rms, rms_primitive)

# %% [markdown]
# ```{solution-start} ex-norm-rms
# :class: dropdown
# ```
#
# $\partial s / \partial x_i = x_i / (m s)$ again, and no mean: the gradient loses its component along $\hat x$ only.


# %%
def rms_primitive_solution(x, eps):
    s = np.sqrt((x * x).mean(axis=-1, keepdims=True) + eps)
    hat = x / s
    return hat, (lambda g: (g - hat * (g * hat).mean(axis=-1, keepdims=True)) / s,)


_ = try_answer(test_rms, rms_primitive_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In {numref}`fig-norm-tower`, left, the line for $c = 1$ ends near $10^{-8}$. What would it be after 100
# layers? (a) about $10^{-8}$, (b) about $10^{-15}$, (c) 0 exactly, (d) about $10^{-10}$.
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: nothing holds it there. (b) Yes: each layer multiplies by $\sqrt{1/2}$, and $2^{-50} \approx 10^{-15}$.
# (c) No: floating-point numbers reach $10^{-308}$. (d) No: the logarithm falls in proportion to the depth.
# ```
#
# **2.** Why is a bias before a batch normalization useless? (a) it is initialized with zero, (b) the mean that is
# subtracted contains it, (c) the variance contains it, (d) ReLU removes it.
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: it could be learned. (b) Yes: a constant added to a feature is added to its mean. (c) No: variance ignores
# constants. (d) No: the ReLU comes later and works on $\hat x$, where it is gone.
# ```
#
# **3.** A model scores 0.97 in validation with batches of 64 and 0.71 when served one picture at a time. Most
# likely? (a) it overfits, (b) `eval()` is missing in both, (c) the running statistics were not saved, or the mode
# is that of training, (d) the learning rate was too high.
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: both numbers are on new data. (b) No: with `train` mode one picture at a time raises an error here and in
# PyTorch; but in validation it would look fine. (c) Yes: what differs is only what the layer takes for mean and
# variance. (d) No: that is over.
# ```
#
# ## What to remember
#
# A layer multiplies the mean square of its numbers by $d\sigma^2$ times what the activation leaves, and depth
# raises that to a power, so $\sigma^2 = 2/d$ for ReLU and $1/d$ without. Backwards the same sum runs over the
# outputs. Normalization measures the size where it arises and removes it from the gradient as well, which makes the
# size of the first weights nearly irrelevant. Size is not all: rows also have to stay different, which batch
# normalization and skip connections see to. Over the batch, it makes rows depend on their neighbours, which is why
# there are two modes.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
