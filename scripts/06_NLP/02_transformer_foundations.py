# %% [markdown]
# # Transformer foundations
#
# How can a network look something up in its input, at any distance, and learn by gradient descent where to look?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `scaled_dot_product_attention`, `MultiheadAttention`, masks, `sinusoidal_positions`, `GELU` and
#   `TransformerEncoderLayer` on the book's own engine
# - **You need** {doc}`../04_Deep_Learning/03_autograd`, {doc}`../04_Deep_Learning/04_neural_network_library`,
#   {doc}`../04_Deep_Learning/06_initialization_and_normalization`
# - **Checked against** `torch.nn.MultiheadAttention` and `TransformerEncoderLayer`, in value, gradient and training loss
# - **Time** 35 minutes to read, 50 to code
# - **Data** pairs drawn at random, because the right answer must be known at every position
# ````

# %%
from __future__ import annotations

import math
import time
from itertools import pairwise
from typing import Any, Literal

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.patches import FancyBboxPatch
from numpy.typing import ArrayLike, DTypeLike
from scipy.special import ndtr
from torch.nn import functional as F

from journey.deep_learning.autograd import Tensor, apply, cat, gradcheck, no_grad, where
from journey.deep_learning.initialization_and_normalization import (
    LayerNorm,
    xavier_uniform_,
)
from journey.deep_learning.neural_network_library import (
    CrossEntropyLoss,
    Linear,
    Module,
    ModuleList,
    Parameter,
    ReLU,
)
from journey.deep_learning.optimizers import Adam
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

# %% [markdown]
# ## A dictionary that a recurrent network cannot open
#
# A line of text defines things and uses them later. Stripped of language: a sequence shows pairs of a key and a
# value, `C m F b …`, and then asks for keys in another order. The answer to a key is the value that followed it.
# The pairs are new in every sequence, so nothing can be learned by heart.

# %%
N_KEYS = 16  # keys are tokens 0 … 15, values are tokens 16 … 31


def recall_batch(rng, n, pairs):
    """n sequences (n, 3·pairs): pairs, then each key once; the answers (n, pairs)."""
    everything = np.tile(np.arange(N_KEYS), (n, 1))
    keys = rng.permuted(everything, axis=1)[:, :pairs]
    values = rng.integers(0, N_KEYS, (n, pairs))
    order = rng.permuted(np.tile(np.arange(pairs), (n, 1)), axis=1)
    shown = np.stack([keys, values + N_KEYS], axis=2).reshape(n, -1)
    asked = np.take_along_axis(keys, order, axis=1)
    return np.hstack([shown, asked]), np.take_along_axis(values, order, axis=1)


def spell(tokens):
    return " ".join(
        chr(65 + t) if t < N_KEYS else chr(81 + t) for t in np.asarray(tokens)
    )


tokens, answers = recall_batch(np.random.default_rng(0), 1, 4)
print("shown", spell(tokens[0, :8]), " asked", spell(tokens[0, 8:]))
print("right", spell(answers[0] + N_KEYS))

# %% [markdown]
# A recurrent network ({doc}`../04_Deep_Learning/10_recurrent_networks`) reads one token after the other and keeps
# what it knows in one vector. Here it is PyTorch's, with 18,640 parameters, and as training goes it gets 32 new
# sequences in each of 200 steps.


# %%
class Recurrent(torch.nn.Module):
    """Embedding, a tanh network of 110 units, one score for each value."""

    def __init__(self, d=32, hidden=110):
        super().__init__()
        self.embedding = torch.nn.Parameter(torch.randn(2 * N_KEYS, d))
        self.rnn = torch.nn.RNN(d, hidden, batch_first=True)
        self.readout = torch.nn.Linear(hidden, N_KEYS)

    def forward(self, x):
        return self.readout(self.rnn(self.embedding[x])[0])


# %%
def learn(make, pairs, seed=0, steps=200, lr=8e-3):
    """Train on fresh sequences; the rate falls linearly to zero."""
    torch.manual_seed(seed)
    rng, model = np.random.default_rng(seed), make()
    optimizer = torch.optim.Adam(model.parameters(), lr, fused=True)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = lr * (1 - step / steps)
        x, y = (torch.tensor(a) for a in recall_batch(rng, 32, pairs))
        loss = F.cross_entropy(model(x)[:, 2 * pairs :].flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


@torch.no_grad()
def accuracy(model, pairs, **options):
    """Share of right answers on 256 sequences that nobody has seen."""
    x, y = recall_batch(np.random.default_rng(1000 + pairs), 256, pairs)
    guess = model(torch.tensor(x), **options)[:, 2 * pairs :].argmax(-1).numpy()
    return float((guess == y).mean())


def guessing(pairs):
    """Accuracy of always answering the value that was shown most often."""
    x, y = recall_batch(np.random.default_rng(1000 + pairs), 256, pairs)
    common = [np.bincount(row - N_KEYS).argmax() for row in x[:, 1 : 2 * pairs : 2]]
    return float((y == np.array(common)[:, None]).mean())


# %%
lengths, seeds = (2, 4, 8), (0, 1)
rnn = np.array([[accuracy(learn(Recurrent, p, s), p) for p in lengths] for s in seeds])
print("most frequent value:", *(f"{guessing(p):.2f}" for p in lengths))
claim("transformer-rnn-two-pairs", rnn[:, 0].mean(), within=(0.4, 0.7))
claim("transformer-rnn-eight-pairs", rnn[:, 2].mean(), within=(0.1, 0.3))

# %% [markdown]
# With two pairs it knows *which* two values occurred, and tosses a coin between them. With eight it does worse than
# a rule that always names the value shown most often. More patience does not help soon: four times as
# many steps, at a quarter of the rate.

# %%
patient = accuracy(learn(Recurrent, 2, steps=800, lr=2e-3), 2)
claim("transformer-rnn-two-pairs-four-times-the-steps", patient, at_most=0.8)

# %% [markdown]
# The vector of 110 numbers has room enough for two pairs. What is missing is a way for the question to reach the
# place where its answer was written. {cite:t}`bahdanau2015neural` gave a recurrent translator such a way, and
# {cite:t}`vaswani2017attention` threw the recurrence out.
#
# ## Predict
#
# 1. A Transformer of equal size gets the same 200 steps. How many of the eight-pair questions does it answer rightly,
#    with two layers, and with one?
# 2. The tokens of a sentence are put into another order, and no positions are added. What does an attention layer
#    (without a mask) return for each token now?
# 3. A Transformer was trained on eight pairs at positions 0 to 23 and makes no errors. The same sequences are handed
#    over at positions 16 to 39. How many answers are right?
#
# ## A soft look-up
#
# A Python dictionary compares a query with its keys; one is equal, and its value comes back. That has no
# derivative. So let the query match *every* key to some degree. For a query $\mathbf{q}$, keys $\mathbf{k}_j$ and
# values $\mathbf{v}_j$, $j = 1, \dots, m$,
#
# $$
# s_j = \frac{\mathbf{q}^\top \mathbf{k}_j}{\sqrt d}, \qquad
# p_j = \frac{e^{s_j}}{\sum_l e^{s_l}}, \qquad
# \mathbf{o} = \sum_j p_j \mathbf{v}_j .
# $$ (eq-transformer-lookup)
#
# By hand, with $d = 1$: the query 1, the keys $\log 3$ and $0$, the values 4 and 8. The scores are $\log 3$ and
# $0$, their exponentials 3 and 1, the weights $\tfrac34$ and $\tfrac14$, and the answer is
# $\tfrac34 \cdot 4 + \tfrac14 \cdot 8 = 5$. With the query 10 the weights are $3^{10} : 1$ and the answer is nearly
# 4: a long query makes the look-up hard, a short one makes an average.

# %%
query, keys, values = 1.0, np.array([math.log(3), 0.0]), np.array([4.0, 8.0])
for q in (query, 10 * query):
    power = np.exp(q * keys)
    print(f"query {q:g}: answer {(power / power.sum()) @ values:.4g}")

# %% [markdown]
# Many queries at once are the rows of $\mathbf{Q} \in \mathbb{R}^{n \times d}$, with $\mathbf{K} \in
# \mathbb{R}^{m \times d}$ and $\mathbf{V} \in \mathbb{R}^{m \times d_v}$:
#
# $$
# \operatorname{attention}(\mathbf{Q}, \mathbf{K}, \mathbf{V}) =
# \operatorname{softmax}\Bigl(\frac{\mathbf{Q}\mathbf{K}^\top}{\sqrt d}\Bigr) \mathbf{V} ,
# $$ (eq-transformer-attention)
#
# where the {term}`softmax` runs along each *row*: over the keys. Nothing in it depends on how far apart query and
# key are, and every pair is one hop away.
#
# ## Why divide by the root of d
#
# Let the entries of $\mathbf{q}$ and $\mathbf{k}$ be independent with mean 0 and variance 1. Then
# $\mathbf{q}^\top\mathbf{k}$ is a sum of $d$ terms of variance 1, so its variance is $d$, and scores of a hundred
# dimensions differ by tens. What does that do to the gradient? From $\log p_i = s_i - \log\sum_l e^{s_l}$,
#
# $$
# \frac{\partial p_i}{\partial s_j} = p_i\,(\delta_{ij} - p_j) .
# $$ (eq-transformer-jacobian)
#
# If one weight is 1 and the others 0, *every* entry of this matrix is 0: the look-up is as hard as a dictionary's,
# and as deaf. Dividing by $\sqrt d$ brings the variance back to 1.


# %%
def saturation(d, scale, n_keys=64, n=200):
    """Variance of scores, entropy of weights, size of eq-transformer-jacobian."""
    rng = np.random.default_rng(d)
    q, k = rng.normal(size=(n, 1, d)), rng.normal(size=(n, n_keys, d))
    s = scale * (k @ q.transpose(0, 2, 1))[:, :, 0]  # (n, n_keys)
    p = Tensor(s).softmax(1).data
    entropy = -(p * np.log(np.maximum(p, 1e-300))).sum(axis=1).mean()
    jacobian = p[:, :, None] * (np.eye(n_keys) - p[:, None, :])
    return s.var(), entropy, np.median(np.linalg.norm(jacobian, axis=(1, 2)))


# %%
dims = 4 ** np.arange(1, 6)
raw = np.array([saturation(d, 1.0) for d in dims])
scaled = np.array([saturation(d, d**-0.5) for d in dims])
claim("transformer-variance-over-d", raw[-1, 0] / dims[-1], within=(0.95, 1.05))
claim("transformer-variance-scaled", scaled[-1, 0], within=(0.95, 1.05))
claim("transformer-entropy-unscaled", raw[-1, 1], at_most=0.3)
claim("transformer-entropy-scaled", scaled[-1, 1], at_least=3.3)
claim("transformer-jacobian-unscaled", raw[-1, 2], at_most=0.01)
claim("transformer-jacobian-scaled", scaled[-1, 2], at_least=0.1)

# %% mystnb={"figure": {"caption": "One query and 64 random keys. Without the division the weights become a hard choice as d grows, and the gradient that could correct the choice vanishes.", "name": "fig-transformer-scale"}, "image": {"alt": "Two panels over the dimension from 4 to 1024. Left: entropy of the weights, level near 3.7 with the division, falling to below 0.3 without. Right: size of the softmax derivative on a logarithmic axis, level near 0.2 with the division, falling by many powers of ten without."}} tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.0))
for axes, column in ((left, 1), (right, 2)):
    for k, (table, name) in enumerate(((scaled, "divided by √d"), (raw, "as it is"))):
        color = COLORS[("blue", "orange")[k]]
        axes.plot(dims, table[:, column], color=color, ls=DASHES[k], marker=MARKERS[k])
        axes.annotate(
            name,
            (dims[-2], table[-2, column]),
            xytext=(0, 8 if k == 0 else 12),
            textcoords="offset points",
            ha="center" if k == 0 else "left",
            color=readable(color),
        )
    axes.set_xscale("log", base=2)
    axes.set(xlabel="dimension d of query and keys")
left.axhline(math.log(64), color=COLORS["gray"], lw=1)
left.text(4, math.log(64) + 0.08, "all 64 alike", color=COLORS["ink"], fontsize=9)
left.set(
    ylabel="entropy of the weights (nats)", ylim=(0, 4.7), title="It still looks around"
)
right.set_yscale("log")
right.set(ylabel="size of the derivative", title="It can still be corrected")
plt.show()

# %% [markdown]
# ## Masks remove keys
#
# Not every key may be looked at. Lines of unequal length are filled up with tokens that mean nothing; and a model
# that predicts the next token must not see it. A mask is an array of truth values, here always *True where looking
# is allowed*. It acts on the scores, before the softmax: a forbidden score becomes $-\infty$ and its weight exactly
# 0, while the others still sum to 1. The query then gets what it would get if the key did not exist.
#
# A query that may look at nothing has no weights: 0/0. PyTorch's `MultiheadAttention` returns NaN for it, and its
# `scaled_dot_product_attention` zeros. Here it is an error.


# %% tags=["export"]
def attention_weights(
    q: Tensor, k: Tensor, mask: ArrayLike | None = None, is_causal: bool = False
) -> Tensor:
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
        raise ValueError(
            f"need queries (…, n, d) and keys (…, m, d), got {q.shape} and {k.shape}"
        )
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
            raise ValueError(
                f"mask of shape {given.shape} does not fit scores of shape {scores.shape}"
            )
    if not allowed.any(axis=-1).all():
        raise ValueError("a query may look at no key: the mask has a row without True")
    if not allowed.all():
        scores = where(allowed, scores, np.asarray(-np.inf, dtype=scores.dtype))
    return scores.softmax(-1)


# %% tags=["export"]
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


# %% [markdown]
# The four numbers from above, PyTorch's function in value and gradient, and central differences through the mask:

# %%
one = scaled_dot_product_attention(
    *(Tensor(np.reshape(a, (-1, 1))) for a in ([1.0], keys, values))
)
claim("transformer-by-hand", one.item(), equal_to=5, tolerance=1e-12)


def both(shapes, seed=0):
    """The same random arrays for our engine and for PyTorch."""
    rng = np.random.default_rng(seed)
    arrays = [rng.normal(size=shape) for shape in shapes]
    ours = [Tensor(a, requires_grad=True) for a in arrays]
    return ours, [torch.tensor(a, requires_grad=True) for a in arrays]


ours, theirs = both([(2, 3, 5, 4), (2, 3, 7, 4), (2, 3, 7, 6)])
mask = np.random.default_rng(1).random((2, 1, 5, 7)) < 0.6
mask[..., 0] = True
a = scaled_dot_product_attention(*ours, mask)
b = F.scaled_dot_product_attention(*theirs, attn_mask=torch.tensor(mask))
(a * a).sum().backward()
(b * b).sum().backward()
gap = check_close(a.data, b.detach().numpy(), rtol=0, atol=1e-12)
for x, y in zip(ours, theirs):
    gap = max(gap, check_close(x.grad, y.grad.numpy(), rtol=0, atol=1e-12))
claim("transformer-attention-equals-pytorch", gap, at_most=1e-12)
_ = gradcheck(
    lambda q, k, v: scaled_dot_product_attention(q, k, v, mask),
    [x.detach() for x in ours],
)

# %% [markdown]
# Three laws. Rows of weights sum to 1. A masked key is a removed key. And under the causal mask, rewriting the
# future changes nothing, not even a last bit; the third claim is a difference of exactly zero.

# %%
rng = np.random.default_rng(2)
x = rng.normal(size=(8, 4))
weights = attention_weights(Tensor(x), Tensor(x), is_causal=True).data
off = np.abs(weights.sum(axis=1) - 1).max()
claim("transformer-rows-sum-to-one-within", off, at_most=1e-12)
keep = np.array([True, False, True, True, False, True, True, False])
masked = scaled_dot_product_attention(Tensor(x), Tensor(x), Tensor(x), keep)
removed = scaled_dot_product_attention(Tensor(x), Tensor(x[keep]), Tensor(x[keep]))
_ = check_close(masked.data, removed.data, rtol=0, atol=1e-12)


def causal(x):
    t = Tensor(x)
    return scaled_dot_product_attention(t, t, t, is_causal=True).data


rewritten = np.vstack([x[:5], 1000 * rng.normal(size=(3, 4))])
influence = np.abs(causal(rewritten)[:5] - causal(x)[:5]).max()
claim("transformer-influence-of-the-future", influence, equal_to=0)

# %% [markdown]
# ## Several look-ups at once
#
# In a sentence a word may want its subject and its tense. One softmax gives one average; so the layer makes $h$
# look-ups side by side, each in a space of $d/h$ dimensions with queries, keys and values of its own. With
# $\mathbf{X} \in \mathbb{R}^{n \times d}$,
#
# $$
# \mathbf{H}_i = \operatorname{attention}(\mathbf{X}\mathbf{W}^Q_i, \mathbf{X}\mathbf{W}^K_i, \mathbf{X}\mathbf{W}^V_i),
# \qquad \mathbf{Y} = [\mathbf{H}_1, \dots, \mathbf{H}_h]\, \mathbf{W}^O .
# $$ (eq-transformer-heads)
#
# $\mathbf{W}^Q_i, \mathbf{W}^K_i, \mathbf{W}^V_i \in \mathbb{R}^{d \times d/h}$, so the cost is that of one head of
# full width. The code multiplies by all heads at once and cuts afterwards: a reshape, and an exchange of axes.
# {numref}`fig-transformer-shapes` follows the shapes.

# %% mystnb={"figure": {"caption": "The whole computation of an encoder block with its shapes: n tokens, d numbers each, h heads. Only the score matrix, in the middle, has n squared entries, and only there do tokens meet.", "name": "fig-transformer-shapes"}, "image": {"alt": "A diagram read from left to right. Tokens of shape n by d are normalized and projected to queries, keys and values of shape h by n by d over h. Queries times keys give scores, h by n by n; mask and softmax give weights; weights times values give h by n by d over h; heads are joined, projected and added to the input. Then a second row: normalize, linear to four d, GELU, linear back to d, and add."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(8.8, 4.1))
axes.set(xlim=(0, 17.6), ylim=(-2.3, 5.9))
axes.axis("off")


def box(x, y, name, shape, color="light", width=2.0):
    patch = FancyBboxPatch(
        (x - width / 2, y - 0.5),
        width,
        1.0,
        boxstyle="round,pad=0.02,rounding_size=0.14",
        facecolor=COLORS[color],
        edgecolor=COLORS["ink"],
        lw=1.2 if color == "light" else 2.2,
    )
    axes.add_patch(patch)
    axes.text(x, y + 0.16, name, ha="center", va="center", fontsize=9)
    axes.text(x, y - 0.24, shape, ha="center", va="center", fontsize=8)


def arrow(*points, dashed=False):
    for start, end in pairwise(points[:-1]):
        axes.plot(
            *zip(start, end), color=COLORS["ink"], lw=1.2, ls="--" if dashed else "-"
        )
    style = {"arrowstyle": "->", "color": COLORS["ink"], "lw": 1.2}
    style["linestyle"] = "--" if dashed else "-"
    axes.annotate("", points[-1], points[-2], arrowprops=style)


box(1.1, 3, "tokens X", "n × d")
box(3.7, 3, "LayerNorm", "n × d", width=1.8)
for y, name in ((4.6, "queries Q"), (3, "keys K"), (1.4, "values V")):
    box(6.3, y, name, "h × n × d/h")
    arrow((4.6, 3), (5.3, y))
box(9.1, 3.8, "scores QKᵀ/√d", "h × n × n", "sky", 2.4)
box(12.2, 3.8, "mask, softmax", "h × n × n", "sky", 2.4)
box(12.2, 1.4, "weights · V", "h × n × d/h", width=2.4)
box(15.6, 1.4, "join heads · Wᴼ", "n × d", width=2.4)
arrow((2.1, 3), (2.8, 3))
arrow((7.3, 4.6), (7.9, 4.0))
arrow((7.3, 3), (7.9, 3.6))
arrow((10.3, 3.8), (11.0, 3.8))
arrow((12.2, 3.3), (12.2, 1.9))
arrow((7.3, 1.4), (11.0, 1.4))
arrow((13.4, 1.4), (14.4, 1.4))
axes.text(15.6, 0.15, "+", fontsize=15, ha="center", va="center")
arrow((15.6, 0.9), (15.6, 0.42))
arrow((1.1, 2.5), (1.1, 0.15), (15.3, 0.15), dashed=True)
axes.text(8.2, 0.28, "skip: the tokens themselves go on", fontsize=8.5, ha="center")
for x, name, shape in (
    (13.0, "LayerNorm", "n × d"),
    (9.9, "Linear, GELU", "n × 4d"),
    (6.8, "Linear", "n × d"),
    (2.4, "output", "n × d"),
):
    box(x, -1.6, name, shape)
axes.text(4.6, -1.6, "+", fontsize=15, ha="center", va="center")
arrow((15.6, -0.1), (15.6, -1.6), (14.0, -1.6))
arrow((12.0, -1.6), (10.9, -1.6))
arrow((8.9, -1.6), (7.8, -1.6))
arrow((5.8, -1.6), (4.9, -1.6))
arrow((4.3, -1.6), (3.4, -1.6))
arrow((15.6, -0.6), (4.6, -0.6), (4.6, -1.3), dashed=True)
axes.text(10.65, 4.9, "the only place where tokens meet", fontsize=9, ha="center")
plt.show()


# %% tags=["export"]
class _Projections(Module):
    """The parameters of MultiheadAttention under PyTorch's names, and the cut into heads."""

    def __init__(
        self, embed_dim: int, num_heads: int, rng: np.random.Generator, dtype: DTypeLike
    ) -> None:
        super().__init__()
        if num_heads < 1 or embed_dim < 1 or embed_dim % num_heads:
            raise ValueError(
                f"embed_dim must be a multiple of num_heads, got {embed_dim}, {num_heads}"
            )
        self.embed_dim, self.num_heads = embed_dim, num_heads
        self.in_proj_weight = Parameter(
            np.empty((3 * embed_dim, embed_dim)), dtype=dtype
        )
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


# %% tags=["export"]
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
            raise ValueError(
                f"shapes do not fit: {query.shape}, {key.shape}, {value.shape}"
            )
        weights = attention_weights(q, k, mask, is_causal)
        return self.join(weights @ v), weights


# %% [markdown]
# With PyTorch's weights loaded under PyTorch's names, on lines of different length. PyTorch's masks are the other
# way round here, True where looking is *forbidden*, although in its `scaled_dot_product_attention` True means
# allowed. The gradients of all parameters are compared as well.


# %%
def numbers(module):
    """The state of a PyTorch module as arrays."""
    return {name: t.numpy().copy() for name, t in module.state_dict().items()}


def largest_gap(ours, theirs, a, b):
    """Compare outputs, then walk back from the same random gradient and compare those."""
    g = np.random.default_rng(5).normal(size=a.shape)
    gap = np.abs(a.data - b.detach().numpy()).max()
    a.backward(g)
    b.backward(torch.tensor(g))
    for (name, p), (other, q) in zip(
        ours.named_parameters(), theirs.named_parameters()
    ):
        assert name == other
        gap = max(gap, np.abs(p.grad - q.grad.numpy()).max())
    return gap


# %%
theirs = torch.nn.MultiheadAttention(12, 3, batch_first=True, dtype=torch.float64)
ours = MultiheadAttention(12, 3, dtype=np.float64)
ours.load_state_dict(numbers(theirs))
x = np.random.default_rng(3).normal(size=(4, 6, 12))
padding, t = padding_mask([6, 2, 4, 1], 6), torch.tensor(x)
a, weights = ours(Tensor(x), Tensor(x), Tensor(x), padding)
b, expected = theirs(t, t, t, key_padding_mask=torch.tensor(~padding[:, 0, 0]))
_ = check_close(weights.data.mean(axis=1), expected.detach(), rtol=0, atol=1e-12)
gap = largest_gap(ours, theirs, a, b)
claim("transformer-multihead-equals-pytorch", gap, at_most=1e-10)

# %% [markdown]
# ## Attention does not know the order
#
# Without a mask, the answer to a query is a *sum over the set* of keys. Let $\mathbf{P}$ put the rows of
# $\mathbf{X}$ into another order. Every score keeps its value and moves along, so
#
# $$
# \operatorname{attention}(\mathbf{P}\mathbf{X}) = \mathbf{P} \operatorname{attention}(\mathbf{X}) .
# $$ (eq-transformer-equivariance)

# %%
order = np.random.default_rng(4).permutation(6)
shuffled, _ = ours(*[Tensor(x[:, order])] * 3)
straight, _ = ours(*[Tensor(x)] * 3)
gap = np.abs(shuffled.data - straight.data[:, order]).max()
claim("transformer-permutation-equivariance", gap, at_most=1e-12)

# %% [markdown]
# *Prediction 2.* Each token gets the very vector that it had before: “dog bites man” and “man bites dog” are one
# bag of words. So the place has to be written into the token. {cite:t}`vaswani2017attention` add a vector of waves,
#
# $$
# p_{t, 2i} = \sin(\omega_i t), \qquad p_{t, 2i+1} = \cos(\omega_i t), \qquad \omega_i = 10000^{-2i/d} ,
# $$ (eq-transformer-positions)
#
# which is a clock with $d/2$ hands, from one radian a token to a hand that hardly moves. Going $k$ tokens further
# turns hand $i$ by the angle $\omega_i k$, wherever it stands: a fixed linear map. And from $\sin a \sin b + \cos
# a \cos b = \cos(a - b)$ the inner product of two positions is $\sum_i \cos(\omega_i (t - t'))$, a function of
# the distance alone, so that a head *can* learn to look a fixed number of tokens back.


# %% tags=["export"]
def sinusoidal_positions(
    n_positions: int, d_model: int, base: float = 10000.0
) -> np.ndarray:
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


# %%
waves = sinusoidal_positions(64, 32)
products = waves @ waves.T
spread = max(np.ptp(np.diagonal(products, k)) for k in range(40))
claim("transformer-positions-know-only-distance", spread, at_most=1e-11)
further, *_ = np.linalg.lstsq(waves[:40], waves[7:47], rcond=None)
claim(
    "transformer-seven-further-is-linear",
    np.abs(waves[50] @ further - waves[57]).max(),
    at_most=1e-6,
)

# %% [markdown]
# The map “seven further” was fitted on positions below 40 and holds at 50.
#
# ## The block
#
# {term}`Attention <attention>` only averages values. To compute something from what was fetched, each token then
# passes alone through two linear layers with an activation between them. Both steps are *added* to the token, so a
# block that does nothing is the identity, and gradients have a road past it. Normalization stands before each step
# (*pre-norm*) or, as in the first paper, after each sum (*post-norm*):
#
# $$
# \text{pre: } \mathbf{X}' = \mathbf{X} + f(\operatorname{norm}(\mathbf{X})), \qquad
# \text{post: } \mathbf{X}' = \operatorname{norm}(\mathbf{X} + f(\mathbf{X})) .
# $$ (eq-transformer-block)
#
# The activation is often GELU {cite:p}`hendrycks2016gaussian`, $x\,\Phi(x)$ with the normal distribution function
# $\Phi$; its derivative is $\Phi(x) + x\,\varphi(x)$. ({term}`Dropout <dropout>`, which PyTorch switches on by
# default, is left out.)


# %% tags=["export"]
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


# %% tags=["export"]
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

    def forward(
        self, x: Tensor, mask: ArrayLike | None = None, is_causal: bool = False
    ) -> Tensor:
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


# %% [markdown]
# Four variants against PyTorch, each with a causal mask, in value and in the gradients of all twelve parameters:


# %%
def layer_gap(norm_first, activation):
    options = {"activation": activation, "norm_first": norm_first}
    theirs = torch.nn.TransformerEncoderLayer(
        12, 3, 20, 0.0, batch_first=True, dtype=torch.float64, **options
    )
    ours = TransformerEncoderLayer(12, 3, 20, dtype=np.float64, **options)
    ours.load_state_dict(numbers(theirs))
    forbidden = torch.ones(6, 6, dtype=torch.bool).triu(1)
    a, b = ours(Tensor(x), None, True), theirs(torch.tensor(x), src_mask=forbidden)
    return largest_gap(ours, theirs, a, b)


gaps = [layer_gap(first, name) for first in (False, True) for name in ("relu", "gelu")]
claim("transformer-layer-equals-pytorch", max(gaps), at_most=1e-10)

# %% [markdown]
# ## Training it on our own engine
#
# The model for the recall task: embedding plus positions, two causal pre-norm blocks with one head, and a linear
# layer that scores the values. Twice: once on the engine of this book, once in PyTorch, with the same names.


# %%
class Recall(Module):
    """Our engine."""

    def __init__(self, rng, d=32, layers=2):
        super().__init__()
        self.embedding = Parameter(rng.normal(size=(2 * N_KEYS, d)))
        options = {"norm_first": True, "rng": rng, "dtype": np.float64}
        self.layers = ModuleList(
            [TransformerEncoderLayer(d, 1, 2 * d, **options) for _ in range(layers)]
        )
        self.readout = Linear(d, N_KEYS, rng=rng, dtype=np.float64)
        self.places = sinusoidal_positions(128, d)

    def forward(self, x):
        h = self.embedding[x] + self.places[: x.shape[1]]  # (n, length, d)
        for layer in self.layers:
            h = layer(h, None, True)
        return self.readout(h)  # (n, length, 16)


# %%
class Attentive(torch.nn.Module):
    """PyTorch; its sequence may begin at another position than 0."""

    def __init__(self, d=32, layers=2):
        super().__init__()
        self.embedding = torch.nn.Parameter(torch.randn(2 * N_KEYS, d))
        self.layers = torch.nn.ModuleList(
            torch.nn.TransformerEncoderLayer(
                d, 1, 2 * d, 0.0, batch_first=True, norm_first=True
            )
            for _ in range(layers)
        )
        self.readout = torch.nn.Linear(d, N_KEYS)
        self.places = torch.tensor(sinusoidal_positions(128, d), dtype=torch.float32)

    def forward(self, x, start=0):
        length = x.shape[1]
        h = self.embedding[x] + self.places[start : start + length]
        forbidden = torch.ones(length, length, dtype=torch.bool).triu(1)
        for layer in self.layers:
            h = layer(h, src_mask=forbidden)
        return self.readout(h)


# %% [markdown]
# Both begin with the same weights and see the same batches of two-pair sequences. If one derivative differed, the
# losses would part within a few steps.


# %%
def in_lockstep(steps=250, pairs=2):
    rng = np.random.default_rng(0)
    ours, theirs = Recall(rng), Attentive().double()
    theirs.load_state_dict({k: torch.tensor(v) for k, v in ours.state_dict().items()})
    theirs.places = torch.tensor(ours.places)
    first, second = (
        Adam(ours.parameters(), 5e-3),
        torch.optim.Adam(theirs.parameters(), 5e-3),
    )
    losses = []
    for _ in range(steps):
        x, y = recall_batch(rng, 32, pairs)
        a = CrossEntropyLoss()(ours(x)[:, 2 * pairs :].reshape(-1, N_KEYS), y.ravel())
        scores = theirs(torch.tensor(x))[:, 2 * pairs :].flatten(0, 1)
        b = F.cross_entropy(scores, torch.tensor(y.ravel()))
        for optimizer, loss in ((first, a), (second, b)):
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        losses.append((a.item(), b.item()))
    return np.array(losses)


losses = in_lockstep()
claim("transformer-losses-apart", np.abs(np.subtract(*losses.T)).max(), at_most=1e-6)
claim("transformer-own-engine-first-loss", losses[0, 0], at_least=2.0)
claim("transformer-own-engine-last-losses", losses[-10:, 0].mean(), at_most=0.25)

# %% [markdown]
# ## The race
#
# Now PyTorch, for speed: the same data, steps, batch and rate as the recurrent network, and the same number of
# parameters.


# %%
def count(model):
    return sum(p.numel() for p in model.parameters())


print(f"parameters: {count(Attentive()):,} and {count(Recurrent()):,}")
models = {(p, s): learn(Attentive, p, s) for s in seeds for p in lengths}
race = np.array([[accuracy(models[p, s], p) for p in lengths] for s in seeds])
shallow = accuracy(learn(lambda: Attentive(layers=1), 8), 8)
claim("transformer-recall-worst", race.min(), at_least=0.95)
claim("transformer-recall-ahead-of-rnn", (race - rnn).min(), at_least=0.25)
claim("transformer-recall-with-one-layer", shallow, at_most=0.45)

# %% mystnb={"figure": {"caption": "Recall after 200 steps, two seeds each. The recurrent network of equal size stays where guessing among the shown values gets; so does a Transformer of one layer.", "name": "fig-transformer-race"}, "image": {"alt": "Accuracy over the number of pairs, 2, 4 and 8. Transformer of two layers level at 1. Recurrent network near 0.5, 0.3 and 0.2. The most frequent value, a grey line, slightly lower or equal. One point at 8 pairs, a Transformer with one layer, near 0.25."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.6, 3.3))
for k, (table, name, color) in enumerate(
    ((race, "Transformer, 2 layers", "blue"), (rnn, "recurrent network", "orange"))
):
    axes.plot(
        lengths,
        table.mean(axis=0),
        color=COLORS[color],
        ls=DASHES[k],
        marker=MARKERS[k],
    )
    for row in table:
        axes.plot(lengths, row, MARKERS[k], color=COLORS[color], ms=4)
    axes.annotate(
        name,
        (4, table[:, 1].mean()),
        xytext=(4, -17) if k == 0 else (14, -22),
        textcoords="offset points",
        color=readable(COLORS[color]),
    )
axes.plot(lengths, [guessing(p) for p in lengths], color=COLORS["gray"], ls=DASHES[2])
axes.text(2.55, 0.5, "most frequent\nshown value", color=COLORS["ink"], fontsize=9)
axes.plot(8, shallow, MARKERS[2], color=COLORS["purple"], ms=8)
axes.annotate(
    "Transformer, 1 layer",
    (8, shallow),
    xytext=(2, 22),
    textcoords="offset points",
    ha="right",
    color=COLORS["purple"],
)
axes.set_xticks(lengths)
axes.set(
    xlabel="pairs in the sequence",
    ylabel="right answers",
    ylim=(0, 1.06),
    title="What was written is looked up, not remembered",
)
plt.show()

# %% [markdown]
# *Prediction 1.* Two layers answer nearly everything, one layer hardly more than a guess. Why two? The question
# is a key, the answer stands *behind* the equal key, and no token knows who its neighbour is. So two look-ups
# have to follow each other. The weights say whether that is what was learned.
#
# ## Reading the maps
#
# PyTorch's layer does not hand out its weights. But its state has our names, so the trained network is carried over
# to our engine, gives the same scores, and shows what it looks at.


# %%
def carry_over(trained):
    model = Recall(np.random.default_rng(0), layers=len(trained.layers))
    model.load_state_dict(numbers(trained))
    return model


def maps(model, x):
    """Weights (n, length, length) of each layer."""
    found = []
    with no_grad():
        h = model.embedding[x] + model.places[: x.shape[1]]
        for layer in model.layers:
            y = layer.norm1(h)
            found.append(layer.self_attn(y, y, y, None, True)[1].data[:, 0])
            h = layer(h, None, True)
    return found


# %%
x, y = recall_batch(np.random.default_rng(7), 200, 8)
carried = {s: carry_over(models[8, s]) for s in seeds}
with torch.no_grad():
    expected = models[8, 0](torch.tensor(x)).numpy()
scores_apart = np.abs(carried[0](x).data - expected).max()
claim("transformer-carried-over", scores_apart, at_most=1e-3)


def shares(model):
    """Weight that values give to their key, and that questions give to their answer."""
    first, second = maps(model, x)
    value_at = np.arange(1, 16, 2)
    to_key = first[:, value_at, value_at - 1].mean()
    equal = x[:, 16:, None] == x[:, None, 0:16:2]  # (n, 8 questions, 8 keys)
    to_answer = (second[:, 16:, 1:16:2] * equal).sum(axis=2).mean()
    return to_key, to_answer


found = np.array([shares(carried[s]) for s in seeds])
claim("transformer-layer-1-value-to-its-key", found[:, 0].min(), at_least=0.5)
claim("transformer-layer-2-question-to-its-answer", found[:, 1].min(), at_least=0.7)

# %% mystnb={"figure": {"caption": "Attention weights of the trained network on one sequence of four pairs; each row is a token that looks, rows sum to 1. Layer 1: a value looks at the key before it. Layer 2: a question looks at the value behind the equal key (framed).", "name": "fig-transformer-maps"}, "image": {"alt": "Two square maps of twelve by twelve tokens. Left, layer 1: bright cells just below the diagonal in the rows of the values. Right, layer 2: in each of the last four rows one bright cell, inside an orange frame, at the value that followed the same key."}} tags=["hide-input"]
x4, y4 = recall_batch(np.random.default_rng(0), 1, 4)
names = spell(x4[0]).split()
figure, panels = plt.subplots(1, 2, figsize=(8.6, 4.3))
for n, (axes, weights) in enumerate(zip(panels, maps(carry_over(models[4, 0]), x4))):
    axes.imshow(weights[0], cmap="cividis", vmin=0, vmax=1)
    axes.set_xticks(range(12), names)
    axes.set_yticks(range(12), names)
    axes.grid(visible=False)
    axes.set(
        xlabel="looked at",
        title=("1: who stands before me?", "2: who follows my like?")[n],
    )
    axes.axhline(7.5, color="white", lw=1)
    rows = range(1, 8, 2) if n == 0 else range(8, 12)
    for row in rows:
        column = row - 1 if n == 0 else 1 + 2 * list(x4[0, :8:2]).index(x4[0, row])
        frame = plt.Rectangle(
            (column - 0.5, row - 0.5), 1, 1, fill=False, ec=COLORS["orange"], lw=2.2
        )
        axes.add_patch(frame)
panels[0].set_ylabel("token that looks")
plt.show()

# %% [markdown]
# Layer 1 writes into each value the name of its key; layer 2 compares the question with these names. This circuit,
# look for the earlier copy of what is here now and fetch what followed it, is called an *induction head*, and large
# language models grow it too {cite:p}`olsson2022context`. One layer cannot: its keys are made from tokens that do
# not know their neighbours yet.
#
# A map is evidence, no proof: weights say what was fetched, and not what use was made of it. The one-layer network
# is the experiment that goes with the picture.
#
# ## Where it breaks
#
# Longer sequences than in training, first; then the *same* eight pairs, only at later positions.

# %%
beyond = (8, 10, 12, 16)
longer = np.array([[accuracy(models[8, s], p) for p in beyond] for s in seeds])
starts = (0, 2, 4, 8, 16)
moved = np.array([[accuracy(models[8, s], 8, start=b) for b in starts] for s in seeds])
claim("transformer-sixteen-pairs", longer[:, -1].mean(), at_most=0.8)
claim("transformer-moved-by-sixteen", moved[:, -1].mean(), at_most=0.7)

# %% [markdown]
# *Prediction 3.* A large part of the answers is lost, although the sequences contain nothing new: position 30
# never occurred, and to this network its waves look like other places. Attention reaches any distance; that
# does not mean that it has learned what a distance is. The remedy follows from the diagnosis: in training, let each
# batch begin at a random position.


# %%
class Wandering(Attentive):
    """Begins each batch at a random position while it learns."""

    def forward(self, x, start=None):
        if start is None:
            start = int(torch.randint(0, 33, ())) if torch.is_grad_enabled() else 0
        return super().forward(x, start)


wandering = learn(Wandering, 8, steps=400)
far = [accuracy(wandering, p) for p in beyond]
shifted = [accuracy(wandering, 8, start=b) for b in starts]
claim("transformer-sixteen-pairs-random-start", far[-1], at_least=0.9)
claim("transformer-moved-random-start", min(shifted), at_least=0.95)

# %% mystnb={"figure": {"caption": "Trained on eight pairs. Left: more pairs than in training. Right: the same eight pairs at later positions. Random starting positions in training mend both.", "name": "fig-transformer-break"}, "image": {"alt": "Two panels of accuracy. Left over 8 to 16 pairs, right over a shift of 0 to 16 positions. The network trained from position 0 falls to about one half on the left and one quarter on the right; the one trained from random positions stays near 1 in both."}} tags=["hide-input"]
figure, panels = plt.subplots(1, 2, figsize=(8.4, 3.0), sharey=True)
for axes, at, fixed, mended in (
    (panels[0], beyond, longer, far),
    (panels[1], starts, moved, shifted),
):
    axes.plot(at, fixed.mean(axis=0), color=COLORS["orange"], ls=DASHES[1], marker="s")
    for row in fixed:
        axes.plot(at, row, "s", color=COLORS["orange"], ms=3.5)
    axes.plot(at, mended, color=COLORS["blue"], marker="o")
panels[0].text(
    8.1, 0.5, "always from position 0", color=readable(COLORS["orange"]), fontsize=9.5
)
panels[0].text(
    12.2, 0.9, "from random positions", color=COLORS["blue"], fontsize=9.5, va="top"
)
panels[0].set(xlabel="pairs", ylabel="right answers", ylim=(0, 1.06), title="Longer")
panels[1].set(xlabel="first position", title="Not longer, only later")
plt.show()

# %% [markdown]
# ## The price
#
# Scores are $n^2$ numbers for each head, and computing them and applying them to the values takes $2 n^2 d$
# multiplications each way, against $12\, n d^2$ for the linear maps of a block whose inner width is $4d$ (4 $d^2$
# per token in attention, 8 $d^2$ after). They break even where $2 n^2 d = 12\, n d^2$, at $n = 6d$. A recurrent
# network pays $n d^2$, but one token after the other; here all tokens are computed at once.


# %%
def seconds(n, d=32, repeats=3):
    """Processor time of one look-up of n tokens, the least of a few."""
    rng, best = np.random.default_rng(0), math.inf
    q = Tensor(rng.normal(size=(n, d)).astype(np.float32))
    for _ in range(repeats):
        start = time.process_time()
        scaled_dot_product_attention(q, q, q)
        best = min(best, time.process_time() - start)
    return best


# %% tags=["nbval-ignore-output"]
# timings are different in every run
short, long = seconds(512), seconds(2048)
print(f"512 tokens: {1e3 * short:.2f} ms, 2048 tokens: {1e3 * long:.1f} ms")

# %%
claim("transformer-time-for-four-times-the-tokens", long / short, within=(5, 80))
tokens = Tensor(np.zeros((2048, 32), dtype=np.float32))
size = attention_weights(tokens, tokens).data.nbytes
claim(
    "transformer-weights-bytes-over-token-bytes", size / tokens.data.nbytes, equal_to=64
)

# %% [markdown]
# For 2,048 tokens of 32 numbers the weights of a single head take 64 times the memory of the tokens. Kernels such
# as the one behind PyTorch's `scaled_dot_product_attention` may compute them piece by piece and never store them;
# the time stays quadratic.
#
# ## In practice
#
# | here | in PyTorch | difference |
# |---|---|---|
# | `scaled_dot_product_attention(q, k, v, mask)` | `F.scaled_dot_product_attention(q, k, v, attn_mask)` | none: True means allowed |
# | `MultiheadAttention(d, h)` | `torch.nn.MultiheadAttention(d, h, batch_first=True)` | theirs: True means *forbidden*; weights averaged over heads |
# | `TransformerEncoderLayer(d, h, 4 * d)` | `torch.nn.TransformerEncoderLayer(d, h, 4 * d, 0.0, batch_first=True)` | theirs has dropout 0.1 and the batch second unless told |
# | an error for a query without keys | NaN or zeros | on purpose |
#
# Pre-norm is the safe choice for many layers; the original post-norm wants a {term}`warm-up` of the
# {term}`learning rate`. Heads of 32 to 128 dimensions are usual. For long sequences, causal masks are passed as
# `is_causal=True`, which lets the kernel skip half of the work.
#
# | What people believe | What exposes it |
# |---|---|
# | Attention understands word order | shuffle the rows, the outputs are shuffled |
# | A large negative number is as good as $-\infty$ | scores below it, see the exercise |
# | A mask may be applied to the weights | rows no longer sum to 1, and the future stays in the denominator |
# | True means the same in all masks of one library | the two conventions of PyTorch |
# | It can read any length | positions that never occurred in training |
# | A bright cell is an explanation | remove the layer and measure |
#
# ## Exercises
#
# ```{exercise} By hand
# :label: ex-transformer-hand
#
# *check · difficulty 1 of 3 · 10 minutes*
#
# (a) Three tokens, $d = 4$, one head. For the *second* token, $\mathbf{q}^\top\mathbf{k}_j$ is $0$, $2\log 2$ and
# $2\log 5$, and the values are 3, 9 and 100. What does it get under a causal mask? (b) How many parameters has a
# `TransformerEncoderLayer(32, 1, 64)`? Answer with a pair.
# ```


# %%
def test_hand(answer):
    output, parameters = answer
    assert abs(output - 64.875) > 0.01, "the third token is in the future"
    assert abs(output - 39 / 5) > 0.01, "divide the scores by the root of d, which is 2"
    assert abs(output - 7) < 1e-9, "weights 1/3 and 2/3"
    assert parameters != 8192, "biases, and two layer normalizations"
    assert parameters == 8544, "3·32·33 + 32·33 + 64·33 + 32·65 + 4·32"


_ = try_answer(test_hand, None)

# %% [markdown]
# ```{solution-start} ex-transformer-hand
# :class: dropdown
# ```
#
# The scores are $0$ and $\log 2$, the exponentials 1 and 2, the output $\tfrac13 \cdot 3 + \tfrac23 \cdot 9 = 7$.
# The layer has $4 \cdot 32 \cdot 33$ parameters in attention, $64 \cdot 33 + 32 \cdot 65$ after it, and 128 in the
# normalizations.

# %%
_ = try_answer(test_hand, (7, 8544))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A window
# :label: ex-transformer-window
#
# *extend · difficulty 2 of 3 · 15 minutes*
#
# Long texts are read through a window: token $i$ looks at itself and at the `width − 1` tokens before it. Write
# `window_mask(n, width)`, truth values of shape (n, n), for any width of at least 1, and `reach(width, layers)`,
# how many tokens back the output of a stack of such layers can depend on. Return both from `answer()`.
# ```


# %%
def test_window(answer):
    window_mask, reach = answer()
    assert window_mask(5, 2).sum() == 9, "two for each token, one for the first"
    assert not np.triu(window_mask(6, 3), 1).any(), "no look into the future"
    assert np.array_equal(window_mask(4, 9), np.tril(np.ones((4, 4), bool)))
    mask, x = window_mask(12, 3), np.random.default_rng(0).normal(size=(12, 4))
    changed = x + 0.0
    changed[2] += 1
    for layers in (1, 2, 3):
        a, b = Tensor(x), Tensor(changed)
        for _ in range(layers):
            a, b = (t + scaled_dot_product_attention(t, t, t, mask) for t in (a, b))
        seen = np.flatnonzero(np.abs(a.data - b.data).max(axis=1) > 0)
        assert seen.max() - 2 == reach(3, layers), f"{layers} layers reach further"


def answer():  # replace the body with your own, then run this cell again
    raise NotImplementedError


_ = try_answer(test_window, answer)

# %% [markdown]
# ```{solution-start} ex-transformer-window
# :class: dropdown
# ```
#
# Each layer adds `width − 1`: information travels in hops, as it does in a convolution. The cost is $n \cdot$
# width.


# %%
def window_solution():
    def window_mask(n, width):
        back = np.arange(n)[:, None] - np.arange(n)
        return (back >= 0) & (back < width)

    return window_mask, lambda width, layers: layers * (width - 1)


_ = try_answer(test_window, window_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Four suspects
# :label: ex-transformer-suspects
#
# *break · difficulty 3 of 3 · 25 minutes*
#
# Four causal attentions, each with one fault: a softmax over the wrong axis, a mask after the softmax, a mask
# that is only large, and a denominator that was made “safe”. Random inputs expose two. Find *one* input that
# exposes all: write `witness()`, which returns `q, k, v` of shape (n, 1) with $2 \le n \le 4$ and no number above
# 1000, so that each suspect is off by more than 0.1 somewhere.
# ```


# %%
def suspect(q, k, v, fault):
    s, past = q @ k.T / math.sqrt(q.shape[1]), np.tri(len(q), dtype=bool)
    if fault == "late":
        return np.where(past, Tensor(s).softmax(1).data, 0) @ v
    if fault == "large":
        return Tensor(np.where(past, s, s - 1e4)).softmax(1).data @ v
    if fault == "safe":
        power = np.where(past, np.exp(np.minimum(s, 700)), 0)
        return power / (power.sum(axis=1, keepdims=True) + 1e-9) @ v
    return Tensor(np.where(past, s, -np.inf)).softmax(0).data @ v  # fault: axis


def off_by(q, k, v):
    right = scaled_dot_product_attention(
        Tensor(q), Tensor(k), Tensor(v), is_causal=True
    )
    faults = ("axis", "late", "large", "safe")
    return {f: np.abs(suspect(q, k, v, f) - right.data).max() for f in faults}


def test_witness(witness):
    q, k, v = witness()
    assert q.shape == k.shape == v.shape
    assert 2 <= len(q) <= 4, "two to four tokens"
    assert max(np.abs(a).max() for a in (q, k, v)) <= 1000
    for fault, deviation in off_by(q, k, v).items():
        assert deviation > 0.1, f"{fault} is not exposed"


def witness():  # replace the body with your own, then run this cell again
    raise NotImplementedError


_ = try_answer(test_witness, witness)
usual = off_by(*np.random.default_rng(0).normal(size=(3, 4, 1)))
print("random input exposes:", *(fault for fault, d in usual.items() if d > 0.1))

# %% [markdown]
# ```{solution-start} ex-transformer-suspects
# :class: dropdown
# ```
#
# Let the first token have one thing to look at, itself, with the score $-20\,000$, while the forbidden one scores 0.
# The right answer is $v_1$: the only weight is 1, whatever the score. `large` leaves the forbidden score at
# $-10\,000$, which is more; `safe` divides 0 by $10^{-9}$; `late` gave the whole weight to the future; and along the
# wrong axis, the first token competes with the second *query*.


# %%
def witness_solution():
    q, k, v = [[200.0], [1.0]], [[-100.0], [0.0]], [[1.0], [5.0]]
    return np.array(q), np.array(k), np.array(v)


_ = try_answer(test_witness, witness_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} One token at a time
# :label: ex-transformer-cache
#
# *build · difficulty 3 of 3 · 25 minutes*
#
# A model that writes text computes one new token at a time. Under a causal mask the keys and values of older tokens
# never change, so they are kept. Write `step(attention, token, cache)` for our `MultiheadAttention`: `token` is a
# `Tensor` (n, 1, d), `cache` is `None` or the pair of keys and values so far, each (n, heads, length, d / heads);
# return the output (n, 1, d) and the longer cache. Project nothing twice.
# ```


# %%
def test_step(step):
    attention = MultiheadAttention(8, 2, rng=np.random.default_rng(0), dtype=np.float64)
    x = np.random.default_rng(1).normal(size=(3, 6, 8))
    whole, _ = attention(*[Tensor(x)] * 3, None, True)
    cache = None
    for n in range(6):
        output, cache = step(attention, Tensor(x[:, n : n + 1]), cache)
        assert output.shape == (3, 1, 8), "one token goes in, one comes out"
        assert cache[0].shape == cache[1].shape == (3, 2, n + 1, 4), "one longer"
        assert np.allclose(output.data[:, 0], whole.data[:, n], atol=1e-12), (
            f"token {n}"
        )


def step(attention, token, cache):  # replace the body, then run this cell again
    raise NotImplementedError


_ = try_answer(test_step, step)

# %% [markdown]
# ```{solution-start} ex-transformer-cache
# :class: dropdown
# ```
#
# The newest token may look at everything that is there, so no mask is needed. A text of $n$ tokens then costs
# $n^2$ in all, and not $n^3$.


# %%
def step_solution(attention, token, cache):
    q, k, v = (attention.project(token, i) for i in range(3))
    if cache is not None:
        k, v = cat([cache[0], k], dim=2), cat([cache[1], v], dim=2)
    return attention.join(scaled_dot_product_attention(q, k, v)), (k, v)


_ = try_answer(test_step, step_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In {numref}`fig-transformer-maps`, why is everything above the diagonal dark? (a) the future is unimportant
# for this task, (b) the mask forbids it, (c) training made these weights small, (d) positions fade with distance.
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: whatever the task, nothing could be there. (b) Yes: those weights are exactly 0, before training too. (c)
# No: they were never anything else. (d) No: the first row sees one token and not even its neighbour.
# ```
#
# **2.** A row of weights is $(0.25, 0.25, 0.25, 0.25)$. What do you know? (a) the four keys are equal, (b) the four
# scores are equal, (c) the layer is untrained, (d) the values are equal.
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: keys may differ in directions that the query does not ask for. (b) Yes, the softmax is the same only for
# equal differences, here 0. (c) No: an average can be what was learned. (d) No: values do not enter the weights.
# ```
#
# **3.** A sequence is made eight times longer. What grows by 64? (a) the parameters, (b) the number of scores,
# (c) the work of the linear layers, (d) the dimension of the positions.
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: they do not know the length. (b) Yes: one score for each pair. (c) No: eight times, token by token. (d) No:
# there are more positions, each as long as before.
# ```
#
# ## What to remember
#
# Attention is a dictionary whose comparison is soft: a query's weights over all keys sum to 1, and the answer is
# the weighted mean of their values. The division by $\sqrt d$ keeps the choice soft enough to be corrected, and a
# mask acts before the softmax. By itself attention sees a set, so places are written into the tokens, and only
# places that occurred in training mean anything. Two look-ups in a row find what followed the earlier copy, which
# a recurrent network of the same size did not learn. The price is one score for each pair of tokens.
#
# With a causal mask and a next token to predict, such blocks make a language model.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
