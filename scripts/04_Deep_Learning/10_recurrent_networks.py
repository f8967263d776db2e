# %% [markdown]
# # Recurrent networks
#
# How can a network of fixed size read a sequence of any length, and how far back can it learn to look?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `Embedding`, `RNNCell`, `RNN`, backpropagation through time by hand, and a model that invents names
# - **You need** {doc}`03_autograd`, {doc}`04_neural_network_library`, {doc}`05_optimizers`, eigenvalues
#   ({doc}`../01_Mathematics/04_eigenvalues_and_svd`)
# - **Checked against** `torch.nn.RNN` and `RNNCell`, values and gradients; the engine's own gradients; powers of the
#   spectral radius
# - **Time** 35 minutes to read, 60 to code
# - **Data** first names given in the United States in 2017 (Social Security Administration, public)
# ````

# %%
from __future__ import annotations

import heapq
import math
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from numpy.typing import ArrayLike, DTypeLike

from journey.deep_learning.autograd import Tensor, apply, cat, gradcheck, no_grad
from journey.deep_learning.neural_network_library import (
    CrossEntropyLoss,
    Linear,
    Module,
    Parameter,
)
from journey.deep_learning.optimizers import (
    Adam,
    LambdaLR,
    clip_grad_norm_,
    warmup_cosine,
)
from journey.orientation.checks import check_close, claim, seed_band, try_answer
from journey.orientation.datasets import load_baby_names
from journey.orientation.figures import (
    COLORS,
    DASHES,
    DIVERGING,
    MARKERS,
    readable,
    use_journey_style,
)

use_journey_style()
_ = torch.set_num_threads(1)

# %% [markdown]
# (sec-recurrent-window)=
# ## A window is too short or too empty
#
# What letter follows `christoph`? A model that reads a **window** of the last $k$ letters answers from a table: how
# often did each letter follow these $k$ in the training names? The names are those that at least 20 children got in
# 2017, each once; 6,000 to learn from and 1,000 held out.

# %%
table = load_baby_names()
count = table[table.year == 2017].groupby("name", observed=True)["n"].sum()
every_name = sorted(count.index[count >= 20].str.lower())
order = np.random.default_rng(0).permutation(len(every_name))
held_out = [every_name[i] for i in order[:1000]]
train_names = [every_name[i] for i in order[1000:7000]]
print(f"{len(every_name)} names, such as {', '.join(train_names[:6])}")

# %% [markdown]
# The score is the mean of $-\log p$ over all letters and the end of each name, in **nats per character**: the
# cross-entropy of {doc}`../01_Mathematics/10_information_theory`. A table gives no probability to what it has not
# seen, so a small number $\alpha$ is added to each count. The baseline is favoured: its $\alpha$ is the best one
# *on the held-out names*.


# %%
def table_model(names, k):
    """Counts of contexts of k letters, and of contexts with the letter that follows."""
    contexts, pairs = Counter(), Counter()
    for name in names:
        text = "." * k + name + "."
        for i in range(k, len(text)):
            contexts[text[i - k : i]] += 1
            pairs[text[i - k : i + 1]] += 1
    return contexts, pairs


def table_nats(model, names, k, alpha):
    """Nats per character, and the share of contexts that were never seen."""
    contexts, pairs = model
    nats = []
    for name in names:
        text = "." * k + name + "."
        for i in range(k, len(text)):
            seen, pair = contexts[text[i - k : i]], pairs[text[i - k : i + 1]]
            nats.append((-math.log((pair + alpha) / (seen + 27 * alpha)), seen == 0))
    return np.mean(nats, axis=0)


# %%
windows = np.arange(8)
by_window = []  # (nats on held-out names, share unseen, nats on training names)
for k in windows:
    model = table_model(train_names, k)
    trials = [(*table_nats(model, held_out, k, a), a) for a in (0.03, 0.1, 0.3, 1)]
    nats, unseen, alpha = min(trials)
    by_window.append((nats, unseen, table_nats(model, train_names, k, alpha)[0]))
by_window = np.array(by_window)
for k in (0, 1, 2, 3, 5):
    print(f"window of {k}: {by_window[k, 0]:.2f} nats, unseen {by_window[k, 1]:.1%}")
claim("recurrent-best-window", int(by_window[:, 0].argmin()), equal_to=3)
claim("recurrent-unseen-contexts-of-five", by_window[5, 1], within=(0.15, 0.25))

# %% mystnb={"figure": {"caption": "Tables of the last k letters. On names that were held out the best window is three letters; a longer one meets contexts that it has never seen.", "name": "fig-recurrent-window"}, "image": {"alt": "Left: nats per character over windows of 0 to 7 letters. The training curve falls from 2.8 to below 1; the held-out curve falls to 2.19 at three letters and rises to 2.7 at seven. Right: the share of unseen contexts rises from 0 at two letters to over a quarter at seven."}} tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.1), width_ratios=(1.4, 1))
left.plot(windows, by_window[:, 0], color=COLORS["blue"], marker=MARKERS[0])
left.plot(
    windows, by_window[:, 2], color=COLORS["orange"], ls=DASHES[1], marker=MARKERS[1]
)
left.text(4.6, 2.62, "held-out names", color=readable(COLORS["blue"]), ha="right")
left.text(4.4, 0.95, "training names", color=readable(COLORS["orange"]), ha="right")
left.set(
    xlabel="letters in the window",
    ylabel="nats per character",
    ylim=(0, 3),
    title="Three letters, then it gets worse",
)
right.bar(windows, 100 * by_window[:, 1], color=COLORS["sky"])
right.set(
    xlabel="letters in the window",
    ylabel="contexts never seen (%)",
    title="The table is mostly empty",
)
plt.show()

# %% [markdown]
# A table of $k$ letters has $27^k$ rows that learn nothing from each other: `istoph` says nothing about `ristoph`.
# What is wanted is a *summary* of all letters so far, of a fixed size, that is updated with each letter and whose
# update is learned.
#
# ## Predict
#
# 1. The matrix that updates the summary has spectral radius 1.5. Twenty letters later, is the gradient that comes
#    back large, or small?
# 2. A network must name, after 20 random symbols, the first of them. PyTorch's initial weights or orthogonal ones:
#    which
#    learn it in 300 steps?
# 3. A trained model of names may look back over all letters. How many does it use in fact?
#
# ## One cell, used again and again
#
# The summary after $t$ symbols is the **hidden state** $\mathbf{h}_t \in \mathbb{R}^{H}$. It is computed from the
# state before and the input $\mathbf{x}_t \in \mathbb{R}^{d}$ by the same weights at each step
# {cite:p}`elman1990finding`:
#
# $$
# \mathbf{z}_t = \mathbf{W}_x \mathbf{x}_t + \mathbf{W}_h \mathbf{h}_{t-1} + \mathbf{b}, \qquad
# \mathbf{h}_t = \varphi(\mathbf{z}_t), \qquad t = 1, \dots, T,
# $$ (eq-recurrent-cell)
#
# with $\varphi = \tanh$ or a ReLU. Written out for all steps it is a network with $T$ layers that share their
# weights.

# %% mystnb={"figure": {"caption": "The recurrence unrolled over four letters. Forwards the state carries the past to the right; backwards the gradient of the last loss goes left, and at each step the same matrix multiplies it.", "name": "fig-recurrent-unrolled"}, "image": {"alt": "Four boxes in a row, h1 to h4, joined by arrows labelled W h. Below each an input letter of the name anna, above each the next letter as target. Under the boxes a dashed red arrow leads from the last loss back through all boxes to the first letter, labelled with the transposed matrix at each step."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(8.6, 3.7))
box = {"boxstyle": "round,pad=0.45", "fc": "white", "ec": COLORS["blue"], "lw": 1.8}
forward = {"arrowstyle": "-|>", "color": COLORS["blue"], "lw": 1.6}
back = {"arrowstyle": "-|>", "color": COLORS["red"], "lw": 1.8, "ls": (0, (4, 2))}
red, blue = readable(COLORS["red"]), readable(COLORS["blue"])
for t, (letter, target) in enumerate(zip(".ann", "anna")):
    x = 2 * t + 2
    axes.annotate("", (x, 1.72), (x, 0.75), arrowprops=forward)
    axes.annotate("", (x, 3.35), (x, 2.3), arrowprops=forward)
    axes.annotate("", (x - 0.42, 2.05), (x - 1.6, 2.05), arrowprops=forward)
    axes.annotate("", (x - 1.6, 1.8), (x - 0.42, 1.8), arrowprops=back)
    axes.text(x, 2, f"$\\mathbf{{h}}_{t + 1}$", ha="center", va="center", bbox=box)
    axes.text(x, 0.5, f"“{letter}”", ha="center", va="center", fontsize=12)
    axes.text(x, 3.6, f"“{target}” ?", ha="center", va="center", fontsize=12)
    axes.text(x - 1, 2.25, r"$\mathbf{W}_h$", ha="center", color=blue)
    axes.text(
        x - 1,
        1.55,
        r"$\mathbf{W}_h^\top\mathrm{diag}\,\varphi'$",
        ha="center",
        va="top",
        color=red,
        fontsize=9.5,
    )
    axes.text(x + 0.12, 1.05, r"$\mathbf{W}_x$", color=blue)
axes.annotate("", (8.2, 2.3), (8.2, 3.35), arrowprops=back)
axes.text(8.4, 2.8, r"$\partial L_4$", color=red, va="center")
axes.text(0, 2, r"$\mathbf{h}_0 = \mathbf{0}$", ha="center", va="center")
axes.set(xlim=(-0.6, 9.2), ylim=(0.2, 3.9), title="One set of weights, four layers")
axes.axis("off")
plt.show()

# %% [markdown]
# ## Backwards through time
#
# Let a loss $L$ depend on all states. Give each step a copy $\mathbf{W}_h^{(t)}$ of the matrix; the gradient of
# the shared one is the sum over the copies. Let $\mathbf{g}_t$ be the gradient of $L$ that reaches $\mathbf{h}_t$
# *directly* (from the output at step $t$), and $\boldsymbol\delta_t = \partial L / \partial \mathbf{z}_t$. The
# state $\mathbf{h}_t$ acts on $L$ in two ways: directly, and through $\mathbf{z}_{t+1} = \dots + \mathbf{W}_h
# \mathbf{h}_t$. So its whole gradient is $\mathbf{g}_t + \mathbf{W}_h^\top \boldsymbol\delta_{t+1}$, and
#
# $$
# \boldsymbol\delta_t = \varphi'(\mathbf{z}_t) \odot \bigl( \mathbf{g}_t + \mathbf{W}_h^\top \boldsymbol\delta_{t+1} \bigr),
# \qquad \boldsymbol\delta_{T+1} = \mathbf{0},
# $$ (eq-recurrent-delta)
#
# to be computed from $t = T$ down to 1. That is **backpropagation through time**
# {cite:p}`werbos1990backpropagation`. All else follows from {eq}`eq-recurrent-cell` by one product each:
#
# $$
# \frac{\partial L}{\partial \mathbf{W}_h} = \sum_{t} \boldsymbol\delta_t \mathbf{h}_{t-1}^\top, \quad
# \frac{\partial L}{\partial \mathbf{W}_x} = \sum_t \boldsymbol\delta_t \mathbf{x}_t^\top, \quad
# \frac{\partial L}{\partial \mathbf{b}} = \sum_t \boldsymbol\delta_t, \quad
# \frac{\partial L}{\partial \mathbf{x}_t} = \mathbf{W}_x^\top \boldsymbol\delta_t, \quad
# \frac{\partial L}{\partial \mathbf{h}_0} = \mathbf{W}_h^\top \boldsymbol\delta_1 .
# $$ (eq-recurrent-gradients)
#
# By hand, with one unit, a ReLU that stays positive, $w_x = 1$, $w_h = 2$, $b = 0$ and inputs $1, 1, 1$: the
# states are $1, 3, 7$. Let $L = \frac12 (h_3 - 6)^2$. Then $\delta_3 = 1$, $\delta_2 = 2 \cdot 1 = 2$, $\delta_1
# = 4$, and $\partial L / \partial w_h = \delta_3 h_2 + \delta_2 h_1 + \delta_1 h_0 = 3 + 2 + 0 = 5$. Indeed $h_3
# = 1 + w_h + w_h^2$, whose derivative is $1 + 2 w_h = 5$.
#
# In code a batch has the shape $(T, B, d)$: time first, because the loop runs over it. A row of a batch is a
# transposed vector, so $\mathbf{W}_h \mathbf{h}$ becomes `h @ W.T`, and $\mathbf{W}_h^\top \boldsymbol\delta$
# becomes `delta @ W`.


# %% tags=["export"]
def _advance(z: np.ndarray, h0: np.ndarray, W: np.ndarray, nonlinearity: str) -> Any:
    """States h_1 … h_T from z_t without its recurrent part; eq-recurrent-cell."""
    states, h = np.empty_like(z), h0
    for t in range(len(z)):
        h = z[t] + h @ W.T
        h = np.tanh(h, out=h) if nonlinearity == "tanh" else np.maximum(h, 0, out=h)
        states[t] = h
    return states


def _deltas(
    states: np.ndarray, g: np.ndarray, W: np.ndarray, nonlinearity: str
) -> tuple[np.ndarray, np.ndarray]:
    """All δ_t and the gradient of h_0; eq-recurrent-delta."""
    if nonlinearity == "tanh":
        slope = 1 - states * states  # φ' from the value: nothing else has to be kept
    else:
        slope = (states > 0).astype(states.dtype)
    deltas, arriving = np.empty_like(states), np.zeros_like(states[0])
    for t in range(len(states) - 1, -1, -1):
        np.multiply(slope[t], g[t] + arriving, out=deltas[t])
        arriving = deltas[t] @ W
    return deltas, arriving


# %% tags=["export"]
def backward_through_time(
    inputs: ArrayLike,
    h0: ArrayLike,
    weight_ih: ArrayLike,
    weight_hh: ArrayLike,
    bias: ArrayLike,
    grad_states: ArrayLike,
    nonlinearity: str = "tanh",
) -> dict[str, np.ndarray]:
    """Run a recurrence and return the gradients of a loss, equation eq-recurrent-gradients.

    Parameters
    ----------
    inputs : array_like of shape (T, B, d)
    h0 : array_like of shape (B, H)
    weight_ih, weight_hh, bias : array_like of shapes (H, d), (H, H), (H,)
    grad_states : array_like of shape (T, B, H)
        Gradient of the loss that reaches each state directly.
    nonlinearity : {"tanh", "relu"}

    Returns
    -------
    dict of ndarray
        ``states`` (T, B, H), and gradients named as the arguments.

    Raises
    ------
    ValueError
        If shapes do not fit, there is no step, or the nonlinearity is unknown.

    References
    ----------
    Werbos (1990).
    """
    x, h, U, W, b, g = (
        np.asarray(a, dtype=float)
        for a in (inputs, h0, weight_ih, weight_hh, bias, grad_states)
    )
    if nonlinearity not in ("tanh", "relu"):
        raise ValueError(f"nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}")
    if x.ndim != 3 or h.ndim != 2 or len(x) == 0:
        raise ValueError(
            f"need inputs (T ≥ 1, B, d) and h0 (B, H), got {x.shape}, {h.shape}"
        )
    (T, B, d), H = x.shape, h.shape[1]
    wanted = ((B, H), (H, d), (H, H), (H,), (T, B, H))
    if (found := tuple(a.shape for a in (h, U, W, b, g))) != wanted:
        raise ValueError(
            f"shapes of h0, weight_ih, weight_hh, bias, grad_states must be {wanted}, got {found}"
        )
    states = _advance(x @ U.T + b, h, W, nonlinearity)
    before = np.concatenate([h[None], states[:-1]])  # h_0 … h_{T-1}
    deltas, grad_h0 = _deltas(states, g, W, nonlinearity)
    return {
        "states": states,
        "inputs": deltas @ U,
        "h0": grad_h0,
        "weight_ih": np.einsum("tbh,tbd->hd", deltas, x),
        "weight_hh": np.einsum("tbh,tbk->hk", deltas, before),
        "bias": deltas.sum(axis=(0, 1)),
    }


# %%
ones = np.ones((3, 1, 1))
direct = np.array([0.0, 0.0, 1.0]).reshape(3, 1, 1)  # only h_3 enters the loss
by_hand = backward_through_time(ones, [[0.0]], [[1]], [[2]], [0], direct, "relu")
claim("recurrent-third-state-by-hand", by_hand["states"][-1].item(), equal_to=7)
claim("recurrent-gradient-by-hand", by_hand["weight_hh"].item(), equal_to=5)

# %% [markdown]
# ## The cell in the library
#
# `RNNCell` is {eq}`eq-recurrent-cell` in the operations of {doc}`03_autograd`, which find the gradient by
# themselves. The names, the two biases (one would do) and the initial weights, uniform within $\pm 1/\sqrt H$,
# are PyTorch's.


# %% tags=["export"]
class _Recurrent(Module):
    """Checks and initial weights that the cell and the network share."""

    def __init__(self, input_size: int, hidden_size: int, nonlinearity: str) -> None:
        super().__init__()
        if input_size < 1 or hidden_size < 1:
            raise ValueError(
                f"sizes must be at least 1, got {input_size}, {hidden_size}"
            )
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                f"nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}"
            )
        self.input_size, self.hidden_size = input_size, hidden_size
        self.nonlinearity = nonlinearity

    def _draw(
        self,
        suffix: str,
        size: int,
        bias: bool,
        rng: np.random.Generator,
        dtype: DTypeLike,
    ) -> None:
        H, limit = self.hidden_size, 1 / self.hidden_size**0.5
        shapes: dict[str, tuple[int, ...]] = {
            "weight_ih": (H, size),
            "weight_hh": (H, H),
        }
        if bias:
            shapes |= {"bias_ih": (H,), "bias_hh": (H,)}
        for name, shape in shapes.items():
            drawn = rng.uniform(-limit, limit, shape)
            setattr(self, name + suffix, Parameter(drawn, dtype=dtype))

    def extra_repr(self) -> str:
        """Sizes."""
        return f"{self.input_size}, {self.hidden_size}"


# %% tags=["export"]
class RNNCell(_Recurrent):
    """One step h' = φ(W_x x + b_x + W_h h + b_h), equation eq-recurrent-cell.

    Parameters
    ----------
    input_size, hidden_size : int
    bias : bool
    nonlinearity : {"tanh", "relu"}
    rng : numpy.random.Generator, optional
        Draws the first weights, uniform within 1/√hidden_size; a fresh one by default.
    dtype : dtype

    Raises
    ------
    ValueError
        If a size is below 1, the nonlinearity unknown, or an input does not fit.

    References
    ----------
    Elman (1990). Equal to ``torch.nn.RNNCell``.
    """

    weight_ih: Parameter
    weight_hh: Parameter
    bias_ih: Parameter
    bias_hh: Parameter

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        *,
        rng: np.random.Generator | None = None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        super().__init__(input_size, hidden_size, nonlinearity)
        self.bias = bias
        self._draw("", input_size, bias, rng or np.random.default_rng(), dtype)

    def forward(self, x: Tensor, h: Tensor | None = None) -> Tensor:
        """Input (…, input_size), state (…, hidden_size) or zeros; the next state."""
        if x.ndim not in (1, 2) or x.shape[-1] != self.input_size:
            raise ValueError(
                f"need input ({self.input_size},) or (B, {self.input_size}), got {x.shape}"
            )
        shape = (*x.shape[:-1], self.hidden_size)
        if h is None:
            h = Tensor(np.zeros(shape, self.weight_hh.data.dtype))
        if h.shape != shape:
            raise ValueError(f"the state must have shape {shape}, got {h.shape}")
        z = x @ self.weight_ih.T + h @ self.weight_hh.T
        if self.bias:
            z = z + (self.bias_ih + self.bias_hh)
        return z.tanh() if self.nonlinearity == "tanh" else z.relu()


# %%
rng = np.random.default_rng(0)
cell = RNNCell(3, 5, rng=rng, dtype=np.float64)
x = rng.normal(size=(7, 2, 3))  # 7 steps, 2 rows, 3 features
seeds = rng.normal(size=(7, 2, 5))  # what reaches each state directly
h, loss = None, Tensor(0.0)
for t in range(7):
    h = cell(Tensor(x[t]), h)
    loss = loss + (h * seeds[t]).sum()
loss.backward()

# %% [markdown]
# The loss is $\sum_t \mathbf{h}_t \cdot \mathbf{g}_t$, whose direct gradients are the $\mathbf{g}_t$. The
# derivation and the engine must agree:

# %%
ours = backward_through_time(
    x,
    np.zeros((2, 5)),
    cell.weight_ih.data,
    cell.weight_hh.data,
    cell.bias_ih.data + cell.bias_hh.data,
    seeds,
)
apart = [
    check_close(ours[name], getattr(cell, name).grad, rtol=1e-11, atol=1e-13)
    for name in ("weight_ih", "weight_hh")
]
apart.append(check_close(ours["bias"], cell.bias_hh.grad, rtol=1e-11, atol=1e-13))
claim("recurrent-by-hand-against-engine", max(apart), at_most=1e-13)

# %% [markdown]
# ## One operation for all steps
#
# Each step of the cell records half a dozen nodes. The derivation makes one primitive of the whole loop: all
# inputs are multiplied by $\mathbf{W}_x$ in *one* product before it, and $\sum_t \boldsymbol\delta_t
# \mathbf{h}_{t-1}^\top$ is one product after it. Only the chain in between needs a loop. The three gradients
# share one walk back, which is kept until another gradient arrives.


# %% tags=["export"]
def _recurrence(z: np.ndarray, h0: np.ndarray, W: np.ndarray, nonlinearity: str) -> Any:
    """The states of a recurrence, with eq-recurrent-delta as its way back."""
    states = _advance(z, h0, W, nonlinearity)
    kept: dict[str, Any] = {}

    def walk(g: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if kept.get("g") is not g:
            kept.update(g=g, result=_deltas(states, g, W, nonlinearity))
        result: tuple[np.ndarray, np.ndarray] = kept["result"]
        return result

    def to_weight(g: np.ndarray) -> np.ndarray:
        before = np.concatenate([h0[None], states[:-1]]).reshape(-1, W.shape[0])
        return walk(g)[0].reshape(-1, W.shape[0]).T @ before

    return states, (lambda g: walk(g)[0], lambda g: walk(g)[1], to_weight)


# %% [markdown]
# `RNN` stacks such layers: the states of one are the inputs of the next. It returns all states of the last layer,
# and the final state of every layer.


# %% tags=["export"]
class RNN(_Recurrent):
    """Recurrent layers over whole sequences, equation eq-recurrent-cell.

    Parameters
    ----------
    input_size, hidden_size, num_layers : int
    nonlinearity : {"tanh", "relu"}
    bias, batch_first : bool
        With batch_first, inputs and outputs are (B, T, …) instead of (T, B, …).
    rng : numpy.random.Generator, optional
    dtype : dtype

    Raises
    ------
    ValueError
        If a size is below 1, the nonlinearity unknown, the sequence empty, or shapes
        do not fit.

    References
    ----------
    Elman (1990). Equal to ``torch.nn.RNN`` of one direction without dropout.
    """

    weight_ih_l0: Parameter
    weight_hh_l0: Parameter
    bias_ih_l0: Parameter
    bias_hh_l0: Parameter

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        *,
        rng: np.random.Generator | None = None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        super().__init__(input_size, hidden_size, nonlinearity)
        if num_layers < 1:
            raise ValueError(f"num_layers must be at least 1, got {num_layers}")
        self.num_layers, self.bias, self.batch_first = num_layers, bias, batch_first
        rng = rng or np.random.default_rng()
        for k in range(num_layers):
            size = input_size if k == 0 else hidden_size
            self._draw(f"_l{k}", size, bias, rng, dtype)

    def _start(self, x: Tensor, h0: Tensor | None) -> Tensor:
        """First states (num_layers, B, H) for input (T, B, d)."""
        shape = (self.num_layers, x.shape[1], self.hidden_size)
        if h0 is None:
            return Tensor(np.zeros(shape, self.weight_hh_l0.data.dtype))
        h0 = h0.unsqueeze(1) if h0.ndim == 2 else h0
        if h0.shape != shape:
            raise ValueError(f"the first state must have shape {shape}, got {h0.shape}")
        return h0

    def forward(self, x: Tensor, h0: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """All states of the last layer, and the final state of each layer.

        Input (T, B, d), or (T, d) for one sequence; states (T, B, H) and (layers, B, H).
        """
        single = x.ndim == 2
        if x.ndim not in (2, 3) or x.shape[-1] != self.input_size:
            raise ValueError(
                f"need input (T, B, {self.input_size}) or (T, {self.input_size}), got {x.shape}"
            )
        if h0 is not None and h0.ndim != x.ndim:
            raise ValueError(f"input {x.shape} and state {h0.shape}: one has no batch")
        if single:
            x = x.unsqueeze(1)
        elif self.batch_first:
            x = x.transpose(0, 1)
        if x.shape[0] == 0:
            raise ValueError("the sequence has no steps")
        h0, last = self._start(x, h0), []
        for k in range(self.num_layers):
            z = x @ getattr(self, f"weight_ih_l{k}").T
            if self.bias:
                z = z + getattr(self, f"bias_ih_l{k}") + getattr(self, f"bias_hh_l{k}")
            W = getattr(self, f"weight_hh_l{k}")
            x = apply(_recurrence, z, h0[k], W, nonlinearity=self.nonlinearity)
            last.append(x[-1:])
        h_n = cat(last, dim=0) if len(last) > 1 else last[0]
        if single:
            return x.squeeze(1), h_n.squeeze(1)
        return (x.transpose(0, 1) if self.batch_first else x), h_n


# %% [markdown]
# Values and all gradients against `torch.nn.RNN`, with one layer and two, both nonlinearities, batch first or
# second:


# %%
def against_torch(layers, kind, first):
    rng = np.random.default_rng(0)
    mine = RNN(3, 5, layers, kind, batch_first=first, rng=rng, dtype=np.float64)
    theirs = torch.nn.RNN(3, 5, layers, kind, batch_first=first, dtype=torch.float64)
    state = {k: torch.tensor(v) for k, v in mine.state_dict().items()}
    theirs.load_state_dict(state)  # the names are the same
    a = Tensor(rng.normal(size=(4, 6, 3)), requires_grad=True)
    h = Tensor(rng.normal(size=(layers, 4 if first else 6, 5)), requires_grad=True)
    b, k = (torch.tensor(t.data, requires_grad=True) for t in (a, h))
    out, out_torch = mine(a, h), theirs(b, k)
    for ours, other in zip(out, out_torch):
        g = rng.normal(size=ours.shape)
        ours.backward(g, retain_graph=True)
        other.backward(torch.tensor(g), retain_graph=True)
    pairs = [(u.data, v.detach()) for u, v in zip(out, out_torch)]
    pairs += [(a.grad, b.grad), (h.grad, k.grad)]
    pairs += [(p.grad, q.grad) for p, q in zip(mine.parameters(), theirs.parameters())]
    return max(check_close(u, v.numpy(), rtol=1e-10, atol=1e-12) for u, v in pairs)


# %%
cases = [
    (n, kind, first) for n in (1, 2) for kind in ("tanh", "relu") for first in (0, 1)
]
deviation = max(against_torch(n, kind, bool(first)) for n, kind, first in cases)
claim("recurrent-against-pytorch", deviation, at_most=1e-12)
arrays = [
    Tensor(rng.normal(size=s), requires_grad=True) for s in ((4, 2, 3), (2, 3), (3, 3))
]
assert gradcheck(
    lambda z, h, W: apply(_recurrence, z, h, W, nonlinearity="tanh"), arrays
)

# %% [markdown]
# What the fusion saves, for 40 steps of 32 rows and 64 units: nodes of the graph, and time.


# %%
def unrolled(cell, x):
    h, states = None, []
    for t in range(len(x)):
        h = cell(x[t], h)
        states.append(h.unsqueeze(0))
    return cat(states)


def graph_size(tensor):
    seen, waiting = set(), [tensor.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is not None and id(node) not in seen:
            seen.add(id(node))
            waiting += node.parents
    return len(seen)


# %% tags=["nbval-ignore-output"]
# times differ from run to run
long = Tensor(np.random.default_rng(0).normal(size=(40, 32, 16)))
one, loop = RNN(16, 64, dtype=np.float64), RNNCell(16, 64, dtype=np.float64)
seconds = {}
for name, run in (
    ("one", lambda: one(long)[0]),
    ("loop", lambda: unrolled(loop, long)),
):
    run().sum().backward()
    start = time.process_time()
    for _ in range(15):
        run().sum().backward()
    seconds[name] = (time.process_time() - start) / 15
print({name: f"{1000 * value:.1f} ms" for name, value in seconds.items()})

# %%
claim("recurrent-nodes-unrolled", graph_size(unrolled(loop, long)), within=(250, 400))
claim("recurrent-nodes-fused", graph_size(one(long)[0]), at_most=15)
claim("recurrent-fused-times-faster", seconds["loop"] / seconds["one"], at_least=1.3)

# %% [markdown]
# Time grows with $T B H (H + d)$ and cannot be shortened by more processors along $T$: step 40 waits for step 39.
# Memory grows with $T B H$, because the way back needs every state. The number of weights does not depend on $T$.
#
# (sec-recurrent-vanish)=
# ## How far a gradient travels
#
# The gradient that a loss at step $t$ sends to the state $k$ steps before is a product,
#
# $$
# \frac{\partial \mathbf{h}_t}{\partial \mathbf{h}_{t-k}} = \prod_{j=t-k+1}^{t} \operatorname{diag}\bigl(\varphi'(\mathbf{z}_j)\bigr)\, \mathbf{W}_h
# $$ (eq-recurrent-jacobian)
#
# (later steps to the left). Where the state rests at zero, $\varphi' = 1$ and the product is $\mathbf{W}_h^k$. With
# eigenvalues $\lambda_i$ and $\mathbf{W}_h = \mathbf{V} \boldsymbol\Lambda \mathbf{V}^{-1}$,
#
# $$
# \rho^k \;\le\; \lVert \mathbf{W}_h^k \rVert \;\le\; \kappa(\mathbf{V})\, \rho^k , \qquad \rho = \max_i |\lambda_i| ,
# $$ (eq-recurrent-power)
#
# so the **spectral radius** $\rho$ decides: below 1 the gradient vanishes, above 1 it explodes, both
# exponentially {cite:p}`bengio1994learning`. Since $\varphi' \le 1$, a tanh can only take away. If $\lVert
# \mathbf{W}_h \rVert < 1$ it *must* vanish; $\rho > 1$ is necessary for an explosion over long distances at a
# state of rest, not sufficient elsewhere {cite:p}`pascanu2013difficulty`.
#
# Measured on random matrices of 64 units, five for each radius. Without input the state stays at rest. With
# inputs of size 1 the units are driven into the flat parts of the tanh.


# %%
def travel(rho, drive, seed, steps=41, n=64, rows=8):
    """Size of the gradient at each distance from the last step, relative to distance 0."""
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(n, n))
    W *= rho / np.abs(np.linalg.eigvals(W)).max()
    x = drive * rng.normal(size=(steps, rows, n))
    g = np.zeros((steps, rows, n))
    g[-1] = rng.normal(size=(rows, n))
    found = backward_through_time(x, np.zeros((rows, n)), np.eye(n), W, np.zeros(n), g)
    sizes = np.linalg.norm(found["inputs"], axis=2)[::-1]  # δ, since W_x = I
    return np.log(sizes / sizes[0]).mean(axis=1)


radii = (0.5, 0.8, 1.0, 1.2, 1.5)
far = {
    (rho, drive): np.mean([travel(rho, drive, s) for s in range(5)], axis=0)
    for rho in radii
    for drive in (0, 1)
}  # logarithms, one for each distance 0 … 40
factor = {key: np.exp((v[40] - v[10]) / 30) for key, v in far.items()}

# %%
off = max(abs(factor[rho, 0] / rho - 1) for rho in radii)
claim("recurrent-power-law-relative-error", off, at_most=0.05)
claim(
    "recurrent-driven-factor-for-radius-three-halves", factor[1.5, 1], within=(0.7, 0.9)
)
claim("recurrent-driven-factor-for-radius-one", factor[1.0, 1], within=(0.5, 0.7))
claim("recurrent-at-rest-after-twenty", np.exp(far[1.5, 0][20]), at_least=300)
claim("recurrent-driven-after-twenty", np.exp(far[1.5, 1][20]), at_most=0.1)

# %% mystnb={"figure": {"caption": "Size of the gradient after k steps back, for five spectral radii. At rest (left) it follows the power law, drawn thin; driven by inputs (right) the slopes of the tanh take so much that even a radius of 1.5 vanishes.", "name": "fig-recurrent-distance"}, "image": {"alt": "Two panels with logarithmic axes over distances 0 to 40. Left, five straight lines on top of the thin lines of the power law: from ten to the minus 12 for radius 0.5 over about 1 for radius 1 to ten to the 6 for radius 1.5. Right, all five fall, from ten to the minus 20 to ten to the minus 4."}} tags=["hide-input"]
figure, panels = plt.subplots(1, 2, figsize=(9.0, 3.7), sharey=True)
distance = np.arange(41)
names = ("blue", "purple", "green", "orange", "red")
for panel, drive in zip(panels, (0, 1)):
    for k, rho in enumerate(radii):
        color = COLORS[names[k]]
        values = np.exp(far[rho, drive])
        if drive == 0:
            panel.semilogy(distance, rho**distance, color=COLORS["gray"], lw=0.8)
        panel.semilogy(distance, values, color=color, ls=DASHES[k % 5])
        panel.text(
            41,
            values[-1],
            f"ρ = {rho}",
            color=readable(color),
            va="center",
            fontsize=9.5,
        )
    panel.set(xlabel="steps back", xlim=(0, 49), ylim=(1e-22, 1e9))
panels[0].set(ylabel="size of the gradient", title="At rest: a power of ρ")
panels[1].set(title="Driven: every one vanishes")
plt.show()

# %% [markdown]
# *Prediction 1.* Both, by the state. At rest it has grown by hundreds after twenty steps; with inputs of size 1
# it is a small part of what it was. So the spectral radius is the law for the beginning of training and for quiet
# units, and no more than an upper guide later.
#
# Which radius does PyTorch begin with? Entries uniform within $\pm 1/\sqrt H$ have variance $1/(3H)$, and the
# eigenvalues of such a matrix fill a disc of radius $\sqrt{1/3} \approx 0.58$. After twenty steps $0.58^{20}
# \approx 2 \cdot 10^{-5}$ is left. An **orthogonal** matrix {cite:p}`saxe2014exact` keeps all lengths: all
# $|\lambda_i| = 1$ and $\kappa(\mathbf{V}) = 1$.


# %% tags=["export"]
def orthogonal_(
    weight: Tensor, gain: float = 1.0, *, rng: np.random.Generator
) -> Tensor:
    """Fill a weight in place with a random matrix of orthonormal rows (or columns) times gain.

    Parameters
    ----------
    weight : Tensor of shape (m, n)
        Its rows become orthonormal if m ≤ n, else its columns.

    Raises
    ------
    ValueError
        If the weight has not two axes.

    References
    ----------
    Saxe, McClelland and Ganguli (2014); ``torch.nn.init.orthogonal_``.
    """
    if weight.ndim != 2:
        raise ValueError(f"a weight has shape (m, n), got {weight.shape}")
    m, n = weight.shape
    Q, R = np.linalg.qr(rng.normal(size=(max(m, n), min(m, n))))
    Q = Q * np.sign(np.diag(R))  # without it Q is not uniformly distributed
    weight.data[...] = gain * (Q.T if m < n else Q)
    return weight


# %%
W = RNN(16, 64, rng=np.random.default_rng(0), dtype=np.float64).weight_hh_l0
claim(
    "recurrent-default-radius",
    np.abs(np.linalg.eigvals(W.data)).max(),
    within=(0.53, 0.65),
)
kept = np.linalg.matrix_power(orthogonal_(W, rng=rng).data, 40)
claim(
    "recurrent-orthogonal-after-forty",
    np.linalg.norm(kept, 2),
    equal_to=1,
    tolerance=1e-9,
)

# %% [markdown]
# ## The cliff
#
# Explosion is rare, but one is enough. One unit, $h_t = \tanh(w h_{t-1} - 0.2)$ from $h_0 = 0.9$, is to be at 0.8
# after 50 steps. If $w$ is below a threshold the state falls to a negative fixed point, above it stays positive.
# So the loss as a function of $w$ has a cliff, and the gradient on its face is a product of 50 factors.


# %%
def one_unit(w, steps, h0=0.9, target=0.8, bias=-0.2):
    """Loss, and its derivative by w, of one unit after some steps."""
    states = [h0]
    for _ in range(steps):
        states.append(np.tanh(w * states[-1] + bias))
    delta = 2 * (states[-1] - target) * (1 - states[-1] ** 2)
    slope = 0.0
    for t in range(steps, 0, -1):  # eq-recurrent-delta, in one dimension
        slope += delta * states[t - 1]
        delta *= w * (1 - states[t - 1] ** 2)
    return (states[-1] - target) ** 2, slope


def descend(w, max_norm, rate=0.05, updates=300):
    path = [w]
    for _ in range(updates):
        slope = one_unit(w, 50)[1]
        w -= rate * slope * min(1, max_norm / abs(slope)) if slope else 0
        path.append(w)
    return np.array(path)


# %%
grid = np.linspace(0.5, 3, 1251)
cliff = {T: np.array([one_unit(w, T) for w in grid]) for T in (5, 20, 50)}
edge = grid[np.abs(cliff[50][:, 1]).argmax()]
free, clipped = descend(edge, np.inf), descend(edge, 1.0)
claim("recurrent-cliff-slope", np.abs(cliff[50][:, 1]).max(), at_least=200)
claim("recurrent-cliff-typical-slope", np.median(np.abs(cliff[50][:, 1])), at_most=0.5)
claim("recurrent-unclipped-weight", abs(free[-1]), at_least=10)
claim("recurrent-unclipped-loss", one_unit(free[-1], 50)[0], at_least=0.03)
claim("recurrent-clipped-loss", one_unit(clipped[-1], 50)[0], at_most=1e-4)

# %% mystnb={"figure": {"caption": "The loss of one unit as a function of its weight: the longer the sequence, the steeper the cliff. One plain step from its face leaves the picture to the right; with clipping the same descent ends in the valley.", "name": "fig-recurrent-cliff"}, "image": {"alt": "Left: loss over the weight for 5, 20 and 50 steps; the drop at about 1.4 is gentle for 5 steps and vertical for 50. Right: the weight over 300 updates on a logarithmic axis; the unclipped path jumps to above 10 in one step and stays there, the clipped one settles near 1.7."}} tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2, figsize=(8.8, 3.3))
for k, (T, color) in enumerate(((50, "blue"), (20, "orange"), (5, "purple"))):
    left.plot(
        grid, cliff[T][:, 0], color=COLORS[color], ls=DASHES[k], lw=(2.4, 1.8, 1.8)[k]
    )
left.text(1.56, 2.4, "50 steps", color=readable(COLORS["blue"]))
left.text(0.85, 1.95, "20 steps", color=readable(COLORS["orange"]), ha="left", va="top")
left.text(0.58, 0.75, "5 steps", color=readable(COLORS["purple"]))
left.set(xlabel="weight w", ylabel="loss", title="Longer sequences, steeper cliff")
right.semilogy(free, color=COLORS["red"], ls=DASHES[1])
right.semilogy(clipped, color=COLORS["blue"])
right.text(60, free[-1] * 0.75, "plain steps", color=readable(COLORS["red"]), va="top")
right.text(60, clipped[-1] * 1.25, "clipped to norm 1", color=readable(COLORS["blue"]))
right.set(xlabel="update", ylabel="weight w", title="One step can lose it all")
plt.show()

# %% [markdown]
# The plain step is thrown to where the tanh is flat and the gradient is zero to the last digit: the loss is
# finite, nothing fails, and nothing ever moves again. **Clipping** the norm {cite:p}`pascanu2013difficulty`,
# `clip_grad_norm_` of {doc}`05_optimizers`, keeps the direction and limits the length. Clipping repairs
# explosion. Nothing of the kind repairs vanishing: a gradient of $10^{-5}$ of the signal, under the noise of
# nearer steps, has no direction to keep.
#
# ## Remember the first symbol
#
# The purest test of memory: of $k + 1$ random symbols, four kinds, name the first after all have been read.
# Guessing is right in a quarter. 32 units, 300 steps of Adam with batches of 32, three seeds.


# %%
def recall(k, seed, orthogonal, cut=None, steps=300, n=32):
    """Accuracy on 1,000 new sequences; gradients go back over the last ``cut`` inputs only."""
    rng, one_hot = np.random.default_rng(seed), np.eye(4, dtype=np.float32)
    rnn, head = RNN(4, n, rng=rng), Linear(n, 4, rng=rng)
    if orthogonal:
        orthogonal_(rnn.weight_hh_l0, rng=rng)
        rnn.bias_ih_l0.data[...] = rnn.bias_hh_l0.data[...] = 0
    parameters = [*rnn.parameters(), *head.parameters()]
    optimizer, loss_function = Adam(parameters, lr=3e-3), CrossEntropyLoss()
    for _ in range(steps):
        symbols = rng.integers(0, 4, (k + 1, 32))
        x, state = Tensor(one_hot[symbols]), None
        if cut is not None:
            state = rnn(x[:-cut])[
                1
            ].detach()  # the value goes on, the gradient does not
            x = x[-cut:]
        optimizer.zero_grad()
        loss_function(head(rnn(x, state)[1][0]), symbols[0]).backward()
        clip_grad_norm_(parameters, 1.0)
        optimizer.step()
    with no_grad():
        symbols = np.random.default_rng(99).integers(0, 4, (k + 1, 1000))
        answer = head(rnn(Tensor(one_hot[symbols]))[1][0]).argmax(1)
    return float((answer == symbols[0]).mean())


# %% tags=["nbval-ignore-output"]
# three hundred steps of training: last digits grow
distances = {"default": (5, 10, 20, 40), "orthogonal": (5, 10, 20, 40, 160)}
recalled = {
    (kind, k): np.array([recall(k, s, kind == "orthogonal") for s in range(3)])
    for kind, ks in distances.items()
    for k in ks
}
for (kind, k), values in recalled.items():
    print(f"{kind}, {k} steps: {', '.join(f'{v:.2f}' for v in values)}")

# %%
claim("recurrent-default-at-5-least", recalled["default", 5].min(), at_least=0.95)
claim("recurrent-default-at-20-most", recalled["default", 20].max(), at_most=0.4)
claim("recurrent-default-at-40-most", recalled["default", 40].max(), at_most=0.4)
claim(
    "recurrent-orthogonal-at-20-least", recalled["orthogonal", 20].min(), at_least=0.9
)
claim(
    "recurrent-orthogonal-at-40-mean", recalled["orthogonal", 40].mean(), at_least=0.8
)
claim(
    "recurrent-orthogonal-at-160-least", recalled["orthogonal", 160].min(), at_most=0.8
)

# %% mystnb={"figure": {"caption": "Accuracy in naming the first symbol, three seeds each. PyTorch's initial weights lose it between 5 and 20 steps; orthogonal ones hold it to 40 and lose it, too, at 160.", "name": "fig-recurrent-recall"}, "image": {"alt": "Accuracy over 5 to 160 steps on a logarithmic axis. The default line is at 1 for 5 steps, mixed at 10, and on the dotted line of guessing, 0.25, from 20. The orthogonal line stays at 1 up to 40 and is near guessing at 160."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.6, 3.3))
for k, (kind, ks) in enumerate(distances.items()):
    color = COLORS[("red", "blue")[k]]
    means = [recalled[kind, d].mean() for d in ks]
    axes.semilogx(ks, means, color=color, ls=DASHES[1 - k])
    for d in ks:
        axes.plot(
            [d * (0.98, 1, 1.02)[i] for i in range(3)],
            recalled[kind, d],
            MARKERS[k],
            color=color,
            ms=5,
            ls="none",
        )
axes.axhline(0.25, color=COLORS["gray"], ls=DASHES[2], lw=1.2)
axes.text(6, 0.2, "guessing", va="top", color=readable(COLORS["gray"]))
axes.text(10.8, 0.72, "PyTorch's default", color=readable(COLORS["red"]))
axes.text(62, 0.85, "orthogonal", color=readable(COLORS["blue"]))
axes.set_xticks((5, 10, 20, 40, 80, 160), ("5", "10", "20", "40", "80", "160"))
axes.minorticks_off()
axes.set(
    xlabel="steps since the symbol",
    ylabel="accuracy",
    ylim=(0, 1.05),
    title="Where the memory ends",
)
plt.show()

# %% [markdown]
# *Prediction 2.* Only the orthogonal ones. Both networks *can* represent the answer; what differs is whether a
# gradient arrives that says so. At 160 steps the orthogonal ones fail as well: from the first update on the
# matrix is no longer orthogonal, and the tanh takes its part at each step. An additive path with gates, the
# subject of {doc}`11_lstm_and_gru`, is the lasting repair.
#
# ### Truncation
#
# A text of a million letters cannot be unrolled. **Truncated** {term}`backpropagation`
# {cite:p}`williams1990efficient` runs the state on but cuts the gradient every $c$ steps: `state.detach()`. Then
# the sums of {eq}`eq-recurrent-gradients` hold no term from before the cut. Here the symbol is 7 steps away and the
# gradient goes back over 4:

# %% tags=["nbval-ignore-output"]
# training again
truncated = {
    (kind, cut): np.array([recall(7, s, kind == "orthogonal", cut) for s in range(3)])
    for kind, cut in (("default", None), ("default", 4), ("orthogonal", 4))
}
for (kind, cut), values in truncated.items():
    print(f"{kind}, gradient over {cut or 'all'}: {values.mean():.2f}")

# %%
claim("recurrent-whole-gradient", truncated["default", None].mean(), at_least=0.85)
claim("recurrent-truncated", truncated["default", 4].mean(), at_most=0.6)
claim("recurrent-truncated-orthogonal", truncated["orthogonal", 4].mean(), at_least=0.6)

# %% [markdown]
# With the default weights the truncated run learns little, though the same network learns the task from the whole
# gradient. With orthogonal weights it does well all the same: the symbol is still in the state by luck of the
# initial weights, and the last four steps learn to read it. Truncation forbids learning to *store*; it does not
# forbid reading what happens to have been stored.
#
# ## A model of names
#
# Letters become vectors by a table that is learned. A product with a one-hot vector picks a column of a matrix; an
# **embedding** picks the row directly, and its gradient is added to the rows that were picked.


# %% tags=["export"]
def _lookup(weight: np.ndarray, index: np.ndarray) -> Any:
    """Rows of a matrix; the way back adds into them, as often as each was picked."""

    def put_back(g: np.ndarray) -> np.ndarray:
        out = np.zeros_like(weight)
        np.add.at(out, index.ravel(), g.reshape(-1, weight.shape[1]))
        return out

    return weight[index], (put_back,)


class Embedding(Module):
    """A table of vectors, one for each of num_embeddings symbols.

    Parameters
    ----------
    num_embeddings, embedding_dim : int
    rng : numpy.random.Generator, optional
        Draws the table from the standard normal distribution.
    dtype : dtype

    Raises
    ------
    ValueError
        If a size is below 1; from a call, if an index is no whole number in the table.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        *,
        rng: np.random.Generator | None = None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        super().__init__()
        if num_embeddings < 1 or embedding_dim < 1:
            raise ValueError(
                f"sizes must be at least 1, got {num_embeddings}, {embedding_dim}"
            )
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        drawn = (rng or np.random.default_rng()).normal(
            size=(num_embeddings, embedding_dim)
        )
        self.weight = Parameter(drawn, dtype=dtype)

    def forward(self, index: ArrayLike) -> Tensor:
        """Whole numbers (…); vectors (…, embedding_dim)."""
        i = np.asarray(index)
        if i.dtype.kind not in "iu" or (
            i.size and not (i.min() >= 0 and i.max() < self.num_embeddings)
        ):
            raise ValueError(
                f"indices must be whole numbers from 0 to {self.num_embeddings - 1}"
            )
        return apply(_lookup, self.weight, index=i)

    def extra_repr(self) -> str:
        """Sizes."""
        return f"{self.num_embeddings}, {self.embedding_dim}"


# %% [markdown]
# The model reads a boundary sign and then the letters, and predicts the letters and then the boundary: token 0 is
# the boundary, 1 to 26 are `a` to `z`. Names differ in length, so a batch is padded *at the end*; states there
# come after all that count, and the loss picks only the real positions.


# %% tags=["export"]
def encode_names(
    names: Sequence[str], alphabet: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs, targets and a mask of what is real, each of shape (T, number of names).

    Token 0 begins and ends a name; T is the longest name and its end.

    Raises
    ------
    ValueError
        If there is no name, or a character is not in the alphabet.
    """
    if not names:
        raise ValueError("no names were given")
    if unknown := set("".join(names)) - set(alphabet):
        raise ValueError(f"not in the alphabet: {''.join(sorted(unknown))!r}")
    code = {letter: n for n, letter in enumerate(alphabet, start=1)}
    T = max(map(len, names)) + 1
    tokens = np.zeros((T + 1, len(names)), dtype=np.int64)
    mask = np.zeros((T, len(names)), dtype=bool)
    for j, name in enumerate(names):
        tokens[1 : len(name) + 1, j] = [code[letter] for letter in name]
        mask[: len(name) + 1, j] = True
    return tokens[:-1], tokens[1:], mask


# %% [markdown]
# To sample, draw a letter from the predicted distribution, feed it back, and stop at the boundary. A
# **temperature** $\tau$ sharpens or flattens the distribution of the scores $s_i$:
#
# $$
# p_i = \frac{\exp(s_i / \tau)}{\sum_j \exp(s_j / \tau)} .
# $$ (eq-recurrent-temperature)


# %% tags=["export"]
class CharacterModel(Module):
    """Predicts the next character from all before it, and invents words.

    Parameters
    ----------
    alphabet : str
        Characters, each once; token 0 is the boundary of a word.
    embedding_dim, hidden_size : int
    rng : numpy.random.Generator, optional

    Raises
    ------
    ValueError
        If a character occurs twice; from ``sample``, if the temperature is not positive.
    """

    def __init__(
        self,
        alphabet: str,
        embedding_dim: int = 16,
        hidden_size: int = 64,
        *,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        if len(set(alphabet)) != len(alphabet) or not alphabet:
            raise ValueError(f"characters must be given once each, got {alphabet!r}")
        rng = rng or np.random.default_rng()
        self.alphabet = alphabet
        self.embedding = Embedding(len(alphabet) + 1, embedding_dim, rng=rng)
        self.rnn = RNN(embedding_dim, hidden_size, rng=rng)
        self.head = Linear(hidden_size, len(alphabet) + 1, rng=rng)

    def forward(
        self, tokens: ArrayLike, state: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Tokens (T, B); scores (T, B, characters + 1) and the last state."""
        states, last = self.rnn(self.embedding(tokens), state)
        return self.head(states), last

    def sample(
        self,
        n: int,
        temperature: float = 1.0,
        *,
        rng: np.random.Generator,
        max_length: int = 20,
    ) -> list[str]:
        """Draw n words of at most max_length characters, equation eq-recurrent-temperature."""
        if not temperature > 0:
            raise ValueError(f"the temperature must be positive, got {temperature}")
        drawn, state = np.zeros((1, n), dtype=np.int64), None
        words, open_ = [""] * n, np.ones(n, dtype=bool)
        for _ in range(max_length):
            with no_grad():
                scores, state = self(drawn, state)
            p = (scores[0] * (1 / temperature)).softmax(1).data.cumsum(axis=1)
            drawn = (p < rng.random((n, 1)) * p[:, -1:]).sum(axis=1)[None]
            open_ &= drawn[0] > 0
            for j in np.flatnonzero(open_):
                words[j] += self.alphabet[drawn[0, j] - 1]
        return words


# %% [markdown]
# Padding must not count. The loss of a short name alone, and beside a long one that makes it be padded, is the
# same; but the *last state* of the padded row is not that of the name:

# %%
letters = "abcdefghijklmnopqrstuvwxyz"
loss_function = CrossEntropyLoss()


def nats(model, tokens, targets, mask):
    states, _ = model.rnn(model.embedding(tokens))
    return loss_function(model.head(states[mask]), targets[mask])


small = CharacterModel(letters, rng=np.random.default_rng(0))
both, alone = (
    encode_names(["eve", "christopher"], letters),
    encode_names(["eve"], letters),
)
short = both[2].copy()
short[:, 1] = False  # only the short name counts
gap = abs(nats(small, both[0], both[1], short).item() - nats(small, *alone).item())
claim("recurrent-padding-changes-the-loss-by", gap, at_most=1e-6)
ends = small(both[0])[1].data[0, 0], small(alone[0])[1].data[0, 0]
claim(
    "recurrent-padding-changes-the-state-by",
    np.abs(ends[0] - ends[1]).max(),
    at_least=0.05,
)

# %% [markdown]
# Training: 800 batches of 64 names, Adam with a cosine schedule, gradients clipped, three seeds.

# %%
inputs, targets, real = encode_names(train_names, letters)
new_inputs, new_targets, new_real = encode_names(held_out, letters)
models = {}


def learn_names(seed, steps=800):
    rng = np.random.default_rng(seed)
    model = models[seed] = CharacterModel(letters, rng=rng)
    optimizer = Adam(model.parameters(), lr=1e-2)
    schedule = LambdaLR(optimizer, warmup_cosine(20, steps))
    for _ in range(steps):
        rows = rng.choice(inputs.shape[1], 64, replace=False)
        T = real[:, rows].any(axis=1).sum()  # no longer than the longest of them
        optimizer.zero_grad()
        nats(model, inputs[:T, rows], targets[:T, rows], real[:T, rows]).backward()
        clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    with no_grad():
        return nats(model, new_inputs, new_targets, new_real).item()


# %%
band = seed_band(learn_names, range(3))
claim("recurrent-names-nats", band.mean, at_most=2.13)
claim(
    "recurrent-names-gain-over-best-table", by_window[3, 0] - band.mean, at_least=0.05
)
claim("recurrent-names-gain-over-bigrams", by_window[1, 0] - band.mean, at_least=0.3)
model = models[0]
radius = np.abs(np.linalg.eigvals(model.rnn.weight_hh_l0.data)).max()
claim("recurrent-radius-after-training", radius, at_least=1.2)

# %% [markdown]
# It is better than every table, the one with the best window and the best $\alpha$ included. How much of the past
# does that take? Let the trained network begin from $\mathbf{h}_0 = \mathbf{0}$ only $k$ inputs before each
# prediction:


# %%
def with_memory(model, k):
    """Nats per character if only the last k inputs are read, the boundary among them."""
    total = 0.0
    for t in range(len(new_inputs)):
        rows = new_real[t]
        scores, _ = model(new_inputs[max(0, t - k + 1) : t + 1, rows])
        log_p = scores[-1].log_softmax(1).data
        total -= log_p[np.arange(rows.sum()), new_targets[t, rows]].sum()
    return total / new_real.sum()


memory = np.arange(1, 10)
with no_grad():
    needed = np.array([[with_memory(models[s], k) for k in memory] for s in range(3)])
lost = needed.mean(axis=0) - band.mean
claim("recurrent-lost-with-three-letters", lost[2], at_least=0.1)
claim("recurrent-lost-with-seven-letters", lost[6], at_most=0.02)

# %% mystnb={"figure": {"caption": "Nats per character on held-out names. A table gets worse beyond three letters; the recurrent network goes on gaining until about six, and needs a memory of at least four to be the better one.", "name": "fig-recurrent-memory"}, "image": {"alt": "Nats over the number of letters that may be read. The table falls to 2.19 at three letters and rises to 2.7. Three nearly equal curves of the recurrent network, cut to k letters, fall from 3 at one letter, cross the table between three and four and level off at 2.1 from six letters on."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.6, 3.5))
axes.plot(
    windows[1:],
    by_window[1:, 0],
    color=COLORS["orange"],
    ls=DASHES[1],
    marker=MARKERS[1],
)
for values in needed:
    axes.plot(memory, values, color=COLORS["blue"], lw=1.4, marker=MARKERS[0], ms=4)
axes.text(5.2, 2.6, "table", color=readable(COLORS["orange"]), ha="center")
axes.text(
    7,
    2.03,
    "recurrent network, three seeds",
    ha="center",
    color=readable(COLORS["blue"]),
)
axes.text(
    5.5, by_window[0, 0] + 0.02, "letter frequencies", color=readable(COLORS["gray"])
)
axes.axhline(by_window[0, 0], color=COLORS["gray"], lw=1, ls=DASHES[2])
axes.set(
    xlabel="letters that may be read",
    ylabel="nats per character",
    ylim=(1.95, 3.1),
    title="The past is worth about six letters",
)
plt.show()

# %% [markdown]
# *Prediction 3.* About six: with seven inputs almost nothing is lost. Cut to three, the network is *worse* than a
# table of three letters, because its state without a beginning is one that it never met in training.
#
# ### Names that nobody in the list has

# %% tags=["nbval-ignore-output"]
# the weights, and so the draws, differ in last digits between processors
known = set(train_names)
samples = {
    tau: model.sample(500, tau, rng=np.random.default_rng(0)) for tau in (0.4, 1.0, 2.0)
}
for tau, drawn in samples.items():
    print(f"{tau}: {', '.join([name for name in drawn if name not in known][:9])}")

# %%
new = {tau: np.mean([name not in known for name in s]) for tau, s in samples.items()}
claim("recurrent-new-when-cool", new[0.4], within=(0.4, 0.85))
claim("recurrent-new-at-temperature-one", new[1.0], at_least=0.85)
others = set(every_name) - known  # real names that the model never saw
real_new = {tau: np.mean([n in others for n in s]) for tau, s in samples.items()}
claim("recurrent-real-but-unseen-when-cool", real_new[0.4], at_least=0.1)
claim(
    "recurrent-real-but-unseen-at-temperature-one", real_new[1.0], within=(0.01, 0.12)
)
claim("recurrent-different-when-cool", len(set(samples[0.4])) / 500, within=(0.4, 0.85))
claim(
    "recurrent-different-at-temperature-one",
    len(set(samples[1.0])) / 500,
    at_least=0.95,
)

# %% [markdown]
# At temperature 1 most samples are in no training name, and some of them are real names that were never shown:
# the model has learned what names are like, not a list. A low temperature gives believable names, many
# twice; a high one gives all different letter heaps. No temperature is right; it trades variety for likelihood.
#
# ### What the units say
#
# Nobody told the network of vowels or of lengths. Over all positions of the held-out names, the unit whose value
# agrees best with *the letter that was read is a vowel*, and the one with *how many letters were read*:

# %%
with no_grad():
    states = model.rnn(model.embedding(new_inputs))[0].data  # (T, names, units)
vowel = np.isin(new_inputs, [letters.index(v) + 1 for v in "aeiou"])[new_real]
position = np.broadcast_to(np.arange(len(states))[:, None], new_real.shape)[new_real]
units = {}
for what, values in (("vowel", vowel), ("position", position)):
    r = np.array([np.corrcoef(h, values)[0, 1] for h in states[new_real].T])
    units[what] = int(np.abs(r).argmax()), float(np.sign(r[np.abs(r).argmax()]))
    claim(f"recurrent-unit-for-{what}", np.abs(r).max(), at_least=0.6)

# %% mystnb={"figure": {"caption": "Two of 64 hidden units while the network reads two names; the sign is chosen so that the agreement is positive. One is high after vowels, the other rises with the length.", "name": "fig-recurrent-units"}, "image": {"alt": "Two strips of coloured cells for each of the names isabella and christopher, with the letters on the axis. The upper row is dark orange under the vowels i, a, e and o and purple under consonants; the lower row goes from purple at the start to orange at the end."}} tags=["hide-input"]
figure, panels = plt.subplots(2, 1, figsize=(7.4, 3.6))
for panel, name in zip(panels, ("isabella", "christopher")):
    tokens, *_ = encode_names([name], letters)
    with no_grad():
        read = model.rnn(model.embedding(tokens))[0].data[:, 0]
    strip = np.array([sign * read[:, unit] for unit, sign in units.values()])
    panel.imshow(strip, cmap=DIVERGING, vmin=-1, vmax=1, aspect="auto")
    for (i, j), value in np.ndenumerate(strip):
        color = "white" if abs(value) > 0.6 else COLORS["ink"]
        panel.text(
            j, i, f"{value:+.1f}", ha="center", va="center", color=color, fontsize=9
        )
    panel.set_xticks(range(len(name) + 1), ["start", *name])
    panel.set_yticks((0, 1), ("vowel unit", "length unit"))
    panel.grid(False)
panels[0].set_title("Two units that nobody asked for")
panels[1].set_xlabel("letter read")
plt.show()

# %% [markdown]
# Two units that can be named are not an explanation of 64; they were *selected* as the largest of 64 correlations.
#
# ## In practice
#
# `torch.nn.RNN(16, 64, batch_first=True)` is this layer, with the same names, so weights go over by
# `load_state_dict`. It adds `bidirectional` (an exercise), `dropout` between layers, and `pack_padded_sequence`,
# which skips padding in the computation. For memories of more than ten steps nobody uses the plain cell: LSTM and
# GRU have the same interface.
#
# | setting | advice |
# |---|---|
# | clipping | always; norm 1 is a good start |
# | recurrent weight | orthogonal, `torch.nn.init.orthogonal_`, if memory matters |
# | truncation | longer than what must be learned; carry the state on, detached |
# | evaluation of a text | carry the state across pieces, too, or each piece begins blind |
#
# | What people believe | What exposes it |
# |---|---|
# | Spectral radius above 1 means exploding gradients | driven by inputs, a radius of 1.5 vanishes |
# | Clipping solves vanishing as well | it never lengthens a gradient |
# | `output[-1]` is the state at the end of each sequence | padded rows have gone on; pick by length |
# | The loss may be averaged over padded positions | the mask, and a loss that falls with the padding |
# | A recurrent network uses all of the past | cut it to seven letters, nothing is lost |
# | The state from the last batch is a good start for the next | only if the text goes on; otherwise it is another name's |
# | `detach` changes the outputs | values are equal, gradients are not |
# | The model invents, so it does not memorise | count samples that are training names |
#
# ## Exercises
#
# ```{exercise} Two numbers by hand
# :label: ex-recurrent-hand
#
# *check · difficulty 1 of 3 · 10 minutes*
#
# One unit with ReLU, $w_x = 1$, $w_h = 3$, $b = 0$, inputs $1, 1, 1$, and $\partial L / \partial h_3 = 1$: what
# is $\partial L / \partial w_h$? And at rest with $\rho = 0.9$ and an orthogonal matrix times 0.9: after how many
# steps (a whole number) is the gradient below one per cent for the first time?
# ```


# %%
def test_hand(answer):
    gradient, steps = answer
    assert gradient != 4, "the copy of the weight at step 2 counts, too"
    assert gradient == 7, "h is 1, 4, 13 and δ is 9, 3, 1"
    assert 0.9**steps < 0.01 <= 0.9 ** (steps - 1), "log 0.01 / log 0.9, rounded up"


_ = try_answer(test_hand, None)

# %% [markdown]
# ```{solution-start} ex-recurrent-hand
# :class: dropdown
# ```
#
# $\delta_3 h_2 + \delta_2 h_1 + \delta_1 h_0 = 4 + 3 + 0 = 7$, which is $1 + 2 w_h$. And $\log 0.01 / \log 0.9 =
# 43.7$.

# %%
_ = try_answer(test_hand, (7, 44))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Both directions
# :label: ex-recurrent-both
#
# *extend · difficulty 2 of 3 · 15 minutes*
#
# Write `both_directions(ahead, back, x)` for two `RNN`s of one layer, time first: `ahead` reads `x` of shape $(T,
# B, d)$ from the first step, `back` from the last. Return the states of both at the *same* step side by side, a
# tensor $(T, B, 2H)$ that gradients go through, as `torch.nn.RNN(…, bidirectional=True)` does.
# ```


# %%
def test_both(both_directions):
    rng = np.random.default_rng(0)
    ahead, back = (RNN(3, 4, rng=rng, dtype=np.float64) for _ in range(2))
    theirs = torch.nn.RNN(3, 4, bidirectional=True, dtype=torch.float64)
    state = {k: torch.tensor(v) for k, v in ahead.state_dict().items()}
    state |= {k + "_reverse": torch.tensor(v) for k, v in back.state_dict().items()}
    theirs.load_state_dict(state)
    x = Tensor(rng.normal(size=(6, 2, 3)), requires_grad=True)
    out = both_directions(ahead, back, x)
    wanted = theirs(torch.tensor(x.data))[0].detach().numpy()
    assert out.shape == (6, 2, 8), "ahead first, back second, on the last axis"
    assert np.allclose(out.data[..., :4], wanted[..., :4]), "the first half reads ahead"
    assert np.allclose(out.data[..., 4:], wanted[..., 4:]), (
        "turn the states round again"
    )
    out[0].sum().backward()
    assert np.abs(x.grad[-1]).max() > 0, "the last input acts on the first output"


def both_directions(ahead, back, x):  # replace the body with your own, then run again
    raise NotImplementedError


_ = try_answer(test_both, both_directions)

# %% [markdown]
# ```{solution-start} ex-recurrent-both
# :class: dropdown
# ```
#
# Reverse the input, and reverse the states again so that row $t$ is about input $t$. Such a network knows the
# future, so it cannot be a model that predicts the next letter.


# %%
def both_directions_solution(ahead, back, x):
    return cat([ahead(x)[0], back(x[::-1])[0][::-1]], dim=2)


_ = try_answer(test_both, both_directions_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A small radius that explodes
# :label: ex-recurrent-nonnormal
#
# *break · difficulty 3 of 3 · 20 minutes*
#
# "The spectral radius is below a half, so gradients cannot grow." Return from `counterexample()` a matrix of
# shape (8, 8) whose spectral radius is at most 0.5, with no entry above 4 in size, and a gradient $\mathbf{g} \in
# \mathbb{R}^8$ of length 1 that, at rest, is more than 1,000 times longer five steps back.
# ```


# %%
def test_counterexample(counterexample):
    W, g = (np.asarray(a, dtype=float) for a in counterexample())
    assert W.shape == (8, 8)
    assert g.shape == (8,)
    assert np.abs(W).max() <= 4
    assert abs(np.linalg.norm(g) - 1) < 1e-9, "a gradient of length 1"
    radius = max(np.linalg.norm(np.linalg.matrix_power(W, 200), 2) ** (1 / 200), 0)
    assert radius <= 0.55, f"the spectral radius is about {radius:.2f}"
    five_back = g @ np.linalg.matrix_power(W, 5)
    assert np.linalg.norm(five_back) > 1000, (
        f"only {np.linalg.norm(five_back):.0f} times"
    )


def counterexample():  # replace the body with your own, then run this cell again
    raise NotImplementedError


_ = try_answer(test_counterexample, counterexample)

# %% [markdown]
# ```{solution-start} ex-recurrent-nonnormal
# :class: dropdown
# ```
#
# A chain: each unit hands four times its value to the next, and the last to nobody. All eigenvalues are 0, and
# the eighth power is the zero matrix, but over five steps a gradient grows by $4^5 = 1024$. In
# {eq}`eq-recurrent-power` $\kappa(\mathbf{V})$ is infinite. The radius is the law of *long* distances; over short
# ones the matrix can do as it likes.


# %%
def counterexample_solution():
    return np.diag(np.full(7, 4.0), k=1), np.eye(8)[0]


_ = try_answer(test_counterexample, counterexample_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} The likeliest names
# :label: ex-recurrent-likeliest
#
# *build · difficulty 3 of 3 · 30 minutes*
#
# Write `likeliest(model, n)`: the `n` names that the model holds most probable, as a list of `(log_probability,
# name)`, best first. Not by sampling and not approximately: a longer beginning is never more probable than a
# shorter one, so the search can know when it is done.
# ```


# %%
def log_probability(model, name):
    tokens, targets, _ = encode_names([name], model.alphabet)
    with no_grad():
        log_p = model(tokens)[0][:, 0].log_softmax(1).data
    return float(log_p[np.arange(len(targets)), targets[:, 0]].sum())


def test_likeliest(likeliest):
    found = likeliest(model, 12)
    assert len({name for _, name in found}) == 12
    logs = [log_p for log_p, _ in found]
    assert logs == sorted(logs, reverse=True), "best first"
    for log_p, name in found:
        assert abs(log_p - log_probability(model, name)) < 1e-3, "the end counts, too"
    for name in {*samples[0.4], *train_names[:500]} - {name for _, name in found}:
        assert log_probability(model, name) <= logs[-1] + 1e-3, f"{name} is missing"


def likeliest(model, n):  # replace the body with your own, then run this cell again
    raise NotImplementedError


_ = try_answer(test_likeliest, likeliest)

# %% [markdown]
# ```{solution-start} ex-recurrent-likeliest
# :class: dropdown
# ```
#
# Best first: a queue of beginnings and of finished names, ordered by probability. What is taken from the queue is
# at least as probable as all that is left in it and all that can grow from it; so a finished name that is taken
# is the next best of all.


# %%
def likeliest_solution(model, n):
    queue, found = [(0.0, "", 0, None)], []
    while len(found) < n:
        cost, name, token, state = heapq.heappop(queue)
        if token is None:
            found.append((-cost, name))
            continue
        with no_grad():
            scores, state = model([[token]], state)
        costs = cost - scores[0, 0].log_softmax(0).data
        heapq.heappush(queue, (float(costs[0]), name, None, None))
        for k, letter in enumerate(model.alphabet, start=1):
            heapq.heappush(queue, (float(costs[k]), name + letter, k, state))
    return found


_ = try_answer(test_likeliest, likeliest_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In {numref}`fig-recurrent-distance`, right, the line for $\rho = 1.5$ falls. What would make it rise? (a)
# longer sequences, (b) smaller inputs, (c) larger inputs, (d) clipping.
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: the factor per step stays what it is. (b) Yes: towards the left panel, where the state rests, the slopes
# are 1 and the factor is 1.5. (c) No: they saturate the units more. (d) No: clipping acts on the sum at the end,
# not along the way.
# ```
#
# **2.** Truncated backpropagation over 20 steps carries the state from piece to piece. What can the network *not*
# do? (a) use information that is 30 steps old, (b) be trained on texts longer than 20, (c) learn from a loss to
# store something 30 steps before it, (d) have a state at step 1,000 that depends on step 1.
#
# ```{admonition} Answer
# :class: dropdown
# (a) It can, if it is in the state; the orthogonal network did. (b) It can: that is the purpose. (c) Right: no
# gradient reaches the step where it would have to be stored. (d) It can: values are carried on.
# ```
#
# **3.** A model of names has 2.10 nats per character at temperature 1. Its samples at 0.4 look better. Would 0.4
# also lower the nats on held-out names? (a) yes, they look better, (b) no, probabilities sharpened so much punish
# every rarer letter, (c) it does not matter, temperature is only for sampling, (d) yes, if the model is large.
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: looks reward what is typical, the loss rewards honest probabilities. (b) Yes: training has already
# fitted the scores for temperature 1. (c) No: it changes the probabilities, and the loss can be computed with it.
# (d) No: size
# has nothing to do with it.
# ```
#
# ## What to remember
#
# A recurrent network is one cell applied at every step, and its gradient is one walk back in which the same
# matrix multiplies at each step. At rest the spectral radius decides how far that carries; inputs and tanh make
# it shorter. Clipping tames explosion, orthogonal weights delay vanishing, truncation makes distant storing
# unlearnable. On names the summary beats every table of fixed width, and uses about six letters.
#
# What is missing is a state that can be kept *unchanged* until it is needed.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
