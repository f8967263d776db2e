# %% [markdown]
# # Automatic differentiation
#
# How can a program hand back the exact derivative of any other program, for the price of a few more runs of it?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `Tensor`, an array that records what is done to it and differentiates it; `apply`, the door for
#   new operations; `gradcheck`, `no_grad` and `draw_graph`
# - **You need** NumPy's broadcasting, the chain rule, {doc}`../00_Orientation/03_checks`; the notation is that of
#   {doc}`../00_Orientation/07_notation`
# - **Checked against** `torch.autograd`, operation by operation and over a training run; central differences
# - **Time** 40 minutes to read, 60 to code
# - **Data** digits (1,797 × 64), scikit-learn, BSD-3
# ````

# %%
from __future__ import annotations

import time
import tracemalloc
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import pairwise
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple
from numpy.typing import ArrayLike, DTypeLike
from sklearn.datasets import load_digits

from journey.orientation.checks import (
    check_close,
    check_gradient,
    claim,
    seed_band,
    try_answer,
)
from journey.orientation.figures import (
    COLORS,
    DASHES,
    MARKERS,
    label_lines,
    use_journey_style,
)

use_journey_style()
_ = torch.set_num_threads(1)

# %% [markdown]
# (sec-autograd-cost)=
# ## One slope costs two runs; 2,410 slopes need not
#
# A small network reads a picture of a digit, 64 numbers, and has 2,410 weights to learn. Gradient descent wants the
# slope of the loss along each of them. The tool so far, a difference quotient, nudges one weight up and down and runs
# the network twice.

# %%
digits = load_digits()
order = np.random.default_rng(0).permutation(len(digits.target))
X, y = (
    digits.data[order] / 16,
    digits.target[order],
)  # (1797, 64) between 0 and 1, and (1797,)
X_train, X_test, y_train, y_test = X[:1437], X[1437:], y[:1437], y[1437:]


# %%
def initial_weights(seed, sizes=(64, 32, 10)):
    rng = np.random.default_rng(seed)
    return [
        w
        for a, b in pairwise(sizes)
        for w in (rng.normal(size=(a, b)) * np.sqrt(2 / a), np.zeros(b))
    ]


def plain_loss(W1, b1, W2, b2, X=X_train[:128], y=y_train[:128]):
    scores = np.maximum(X @ W1 + b1, 0) @ W2 + b2  # (128, 10)
    scores = scores - scores.max(axis=1, keepdims=True)
    log_probability = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    return -log_probability[np.arange(len(y)), y].mean()


# %%
def by_differences(loss, weights, step=1e-5):
    gradients, n_runs = [np.empty_like(w) for w in weights], 0
    for w, gradient in zip(weights, gradients):
        for index in np.ndindex(w.shape):
            kept = w[index]
            w[index] = kept + step
            above = loss(*weights)
            w[index] = kept - step
            below = loss(*weights)
            w[index] = kept
            gradient[index], n_runs = (above - below) / (2 * step), n_runs + 2
    return gradients, n_runs


# %%
start = time.process_time()
by_difference, n_runs = by_differences(plain_loss, initial_weights(0))
seconds_by_difference = time.process_time() - start
print(
    f"{sum(g.size for g in by_difference):,} slopes took {n_runs:,} runs of the network"
)

# %% [markdown]
# One step of learning costs 4,820 runs, and a language model with $10^9$ weights would need $2 \cdot 10^9$ runs for
# each step. Deriving the formula by hand is exact and fast, and has to be done again for each new network. A third way
# needs neither: let the program keep a record of what it computes, and walk through the record backwards.
#
# ## Predict
#
# 1. With that record, how many runs of the network does the gradient with respect to all 2,410 weights cost?
# 2. One rule in the engine is replaced by a wrong one, so that every bias of the network gets a wrong slope. By how
#    much does its accuracy on new digits fall?
# 3. The record has to be kept in memory until the backward walk. A network of 16 layers runs forward once with the
#    record and once without it. By what factor do the two differ in memory?
#
# (sec-autograd-idea)=
# ## A number that remembers where it came from
#
# Take two numbers, $a = 4$ and $b = 0.5$, and compute
#
# $$p = a\,b = 2, \qquad s = p + a = 6, \qquad L = s^2 = 36.$$ (eq-autograd-example)
#
# How does $L$ move when $a$ moves? Write $\bar v = \partial L / \partial v$ for the slope of the result with respect to
# any value $v$ on the way; it is called the {term}`adjoint` of $v$. Start at the end, where $\bar L = 1$, and go back one
# operation at a time. Each needs only its own derivative:
#
# * $L = s^2$ gives $\bar s = 2 s\,\bar L = 12$.
# * $s = p + a$ passes $\bar s$ on unchanged: $\bar p = 12$, and $12$ arrives at $a$.
# * $p = a\,b$ gives $\bar b = a\,\bar p = 48$, and $b\,\bar p = 6$ arrives at $a$.
#
# Two messages arrive at $a$, because $a$ was used twice. It influences $L$ along both paths, so they add:
# $\bar a = 12 + 6 = 18$. That is the whole method. For a value $v$ that was used by $u_1, \dots, u_k$,
#
# $$\bar v \;=\; \sum_{i=1}^{k} \bar u_i \, \frac{\partial u_i}{\partial v},$$ (eq-autograd-adjoint)
#
# and the only requirement on the order is that each $\bar u_i$ is complete before it is passed on: later values first.
# In thirty lines, for scalars:


# %%
class Value:
    """A number, the values it was computed from, and the local derivative towards each of them."""

    def __init__(self, data, sources=()):
        self.data, self.sources, self.grad = data, sources, 0.0

    def __add__(self, other):
        return Value(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        return Value(self.data * other.data, [(self, other.data), (other, self.data)])

    def backward(self):
        order, seen = [], set()

        def visit(
            value,
        ):  # sources first, so that `order` reversed has later values first
            if value not in seen:
                seen.add(value)
                for source, _ in value.sources:
                    visit(source)
                order.append(value)

        visit(self)
        self.grad = 1.0
        for value in reversed(order):
            for source, derivative in value.sources:
                source.grad += (
                    value.grad * derivative
                )  # eq-autograd-adjoint: add, do not overwrite


# %%
a, b = Value(4.0), Value(0.5)
p = a * b
s = p + a
L = s * s
L.backward()
print(f"L = {L.data:g}; slopes: s {s.grad:g}, p {p.grad:g}, b {b.grad:g}, a {a.grad:g}")
claim("autograd-hand-example-slope-of-a", a.grad, equal_to=18)

# %% [markdown]
# The numbers of the hand calculation. One character carries the method: with `=` in place of `+=`, the slope of $a$
# would be whichever of its two messages was written last, and $\bar s$ would be $6$, because $s \cdot s$ uses $s$
# twice. The cell below makes that mistake.


# %%
class Forgetful(Value):
    def backward(self):
        self.grad = 1.0
        for value in (self, s, p):  # the same order, with the sum forgotten
            for source, derivative in value.sources:
                source.grad = value.grad * derivative


# %%
wrong = Forgetful(L.data, L.sources)
wrong.backward()
print(f"with = in place of +=: s {s.grad:g}, p {p.grad:g}, b {b.grad:g}, a {a.grad:g}")
claim("autograd-forgotten-sum-error", abs(a.grad - 18) / 18, at_least=0.5)

# %% [markdown]
# Nothing crashed, and every number is plausible.
#
# Each operation is visited once forwards and once backwards, however many inputs there are. So a gradient costs a
# small constant times the function itself; {cite:t}`griewank2008evaluating` prove a bound, and the walk back is due
# to {cite:t}`linnainmaa1976taylor`. Back-propagation {cite:p}`rumelhart1986learning` is this sum for a network.
#
# `Value` is right and useless: one Python object for each of a network's million multiplications. The remedy is to
# record *array* operations. Then the record has one entry for a whole layer, and NumPy does the arithmetic. Three
# things are new, and the sections below derive them: a derivative of an array by an array, {term}`broadcasting`, and
# an order of visiting that survives long chains.
#
# (sec-autograd-pullback)=
# ## Each operation brings its own way back
#
# Let $\mathbf{y} = f(\mathbf{x})$ be one array operation in the middle of a program. A small change
# $\mathrm d\mathbf{x}$ changes the result by $\mathrm d\mathbf{y} = \mathbf{J}\,\mathrm d\mathbf{x}$ with the Jacobian
# $\mathbf{J}$, and the loss by
#
# $$\mathrm dL = \langle \bar{\mathbf y}, \mathrm d\mathbf y\rangle
#   = \langle \bar{\mathbf y}, \mathbf J\,\mathrm d\mathbf x\rangle
#   = \langle \mathbf J^\top \bar{\mathbf y}, \mathrm d\mathbf x\rangle,
#   \qquad\text{so}\qquad \bar{\mathbf x} = \mathbf J^\top \bar{\mathbf y},$$ (eq-autograd-pullback)
#
# where $\langle\cdot,\cdot\rangle$ is the sum of elementwise products. The map
# $\bar{\mathbf y} \mapsto \mathbf J^\top\bar{\mathbf y}$ is called the **pullback**. The matrix $\mathbf J$ itself is
# never formed: for a layer of 128 × 256 numbers it would have $10^9$ entries.
#
# So an operation is a plain function of arrays that returns two things: its value, and one pullback for each of its
# inputs. Elementwise functions have a diagonal $\mathbf J$, so that the pullback is a product:


# %% tags=["export"]
# A pullback turns the gradient of a result into the gradient of one input. A primitive
# turns arrays into a value and one pullback for each (None: not differentiable).
Pullback = Callable[[np.ndarray], np.ndarray]
Primitive = Callable[..., tuple[ArrayLike, Sequence[Pullback | None]]]
Result = tuple[ArrayLike, Sequence[Pullback | None]]


def _exp(a: np.ndarray) -> Result:
    value = np.exp(a)
    return value, (lambda g: g * value,)


def _log(a: np.ndarray) -> Result:
    return np.log(a), (lambda g: g / a,)


def _sqrt(a: np.ndarray) -> Result:
    value = np.sqrt(a)
    return value, (lambda g: g / (2 * value),)


def _tanh(a: np.ndarray) -> Result:
    value = np.tanh(a)
    return value, (lambda g: g * (1 - value * value),)


# %% tags=["export"]
def _relu(a: np.ndarray) -> Result:
    value = np.maximum(a, 0)
    return value, (lambda g: g * (value > 0),)  # slope 0 at the kink, as PyTorch has it


def _sigmoid(a: np.ndarray) -> Result:
    small = np.exp(-np.abs(a))  # never overflows
    value = np.where(a >= 0, 1, small) / (1 + small)
    return value, (lambda g: g * value * (1 - value),)


def _abs(a: np.ndarray) -> Result:
    return np.abs(a), (lambda g: g * np.sign(a),)


def _neg(a: np.ndarray) -> Result:
    return -a, (lambda g: -g,)


# %% [markdown]
# Look at what each pullback mentions. `_relu` remembers its *result*, `_log` its *input*, `_neg` nothing: what a
# pullback mentions is what the record keeps in memory. {ref}`sec-autograd-memory` measures it.
#
# Equation {eq}`eq-autograd-pullback` also says how to test a pullback without differentiating anything twice: for any
# $\mathbf u$ and $\mathbf g$, $\langle \mathbf g, \mathbf J\mathbf u\rangle = \langle \mathbf J^\top\mathbf g, \mathbf
# u\rangle$. For a *linear* operation $\mathbf J \mathbf u$ is the operation itself applied to $\mathbf u$, and the two
# sides agree to rounding. The test needs no step width, and we keep it for the operations that move numbers about.
#
# (sec-autograd-broadcasting)=
# ## Broadcasting copies, so its adjoint sums
#
# In `H = X @ W + b`, NumPy adds the row `b` of shape (32,) to each of 128 rows. In formulas $h_{ij} = z_{ij} + b_j$,
# and equation {eq}`eq-autograd-adjoint` gives
#
# $$\bar b_j = \sum_i \bar h_{ij}\,\frac{\partial h_{ij}}{\partial b_j} = \sum_i \bar h_{ij}.$$ (eq-autograd-broadcast)
#
# A number that was copied 128 times gets the sum of 128 messages. In general: **sum over every axis along which the
# input was repeated.** Those are the axes that broadcasting put in front, and those where the input has size 1.


# %% tags=["export"]
def unbroadcast(gradient: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Sum a gradient over the axes along which an input was repeated by broadcasting.

    Parameters
    ----------
    gradient : ndarray of the shape of the result
    shape : tuple of int
        The shape of the input, which broadcasts to that of the gradient.

    Returns
    -------
    ndarray of the given shape

    Raises
    ------
    ValueError
        If the shape does not broadcast to that of the gradient.
    """
    if gradient.shape == shape:
        return gradient
    new = gradient.ndim - len(shape)
    pairs = list(zip(gradient.shape[max(new, 0) :], shape))
    if new < 0 or any(size not in (1, large) for large, size in pairs):
        raise ValueError(
            f"an input of shape {shape} does not broadcast to {gradient.shape}"
        )
    repeated = tuple(
        new + n for n, (large, size) in enumerate(pairs) if size == 1 != large
    )
    return gradient.sum(axis=(*range(new), *repeated)).reshape(shape)


# %% [markdown]
# Every operation of two inputs ends with it. The shapes are taken out first, so that the pullback of a sum does not
# keep the summands alive.


# %% tags=["export"]
def _add(a: np.ndarray, b: np.ndarray) -> Result:
    shape_a, shape_b = a.shape, b.shape
    return a + b, (lambda g: unbroadcast(g, shape_a), lambda g: unbroadcast(g, shape_b))


def _sub(a: np.ndarray, b: np.ndarray) -> Result:
    shape_a, shape_b = a.shape, b.shape
    return a - b, (
        lambda g: unbroadcast(g, shape_a),
        lambda g: unbroadcast(-g, shape_b),
    )


def _mul(a: np.ndarray, b: np.ndarray) -> Result:
    shape_a, shape_b = a.shape, b.shape
    return a * b, (
        lambda g: unbroadcast(g * b, shape_a),
        lambda g: unbroadcast(g * a, shape_b),
    )


def _div(a: np.ndarray, b: np.ndarray) -> Result:
    shape_a = a.shape
    return a / b, (
        lambda g: unbroadcast(g / b, shape_a),
        lambda g: unbroadcast(-g * (a / b) / b, b.shape),
    )


# %% tags=["export"]
def _pow(a: np.ndarray, b: np.ndarray) -> Result:
    value = a**b

    def to_base(g: np.ndarray) -> np.ndarray:
        with np.errstate(
            divide="ignore", invalid="ignore"
        ):  # x**0 is constant, at x = 0 too
            return unbroadcast(
                np.where(b == 0, 0, g * b * a ** np.where(b == 0, 1, b - 1)), a.shape
            )

    def to_exponent(g: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):  # 0**b is 0 for all b > 0
            return unbroadcast(
                np.where((a == 0) & (b >= 0), 0, g * value * np.log(a)), b.shape
            )

    return value, (to_base, to_exponent)


def _pow_number(a: np.ndarray, exponent: float) -> Result:
    if exponent == 2:
        return a * a, (lambda g: g * (2 * a),)
    if exponent == 0:
        return np.ones_like(a), (np.zeros_like,)
    return a**exponent, (lambda g: g * (exponent * a ** (exponent - 1)),)


def _maximum(a: np.ndarray, b: np.ndarray) -> Result:
    share = np.where(a == b, 0.5, a > b).astype(
        np.result_type(a, b)
    )  # a tie is shared, as in PyTorch
    shape_a, shape_b = a.shape, b.shape
    return np.maximum(a, b), (
        lambda g: unbroadcast(g * share, shape_a),
        lambda g: unbroadcast(g * (1 - share), shape_b),
    )


# %% [markdown]
# On the smallest example, a column of two numbers and a row of three, each entry of the column is used three times:

# %%
column, row = np.array([[1.0], [2.0]]), np.array([3.0, 4.0, 5.0])  # (2, 1) and (3,)
value, (to_column, to_row) = _mul(column, row)  # (2, 3)
print(
    "value:",
    value.shape,
    "  to the column:",
    to_column(np.ones((2, 3))).ravel(),
    "  to the row:",
    to_row(np.ones((2, 3))),
)

# %% [markdown]
# $3 + 4 + 5 = 12$ for each entry of the column, $1 + 2 = 3$ for each entry of the row.
#
# ### The product of matrices
#
# For $\mathbf C = \mathbf A\mathbf B$ the product rule is $\mathrm d\mathbf C = \mathrm d\mathbf A\,\mathbf B + \mathbf
# A\,\mathrm d\mathbf B$. With $\langle\mathbf P, \mathbf Q\rangle = \operatorname{tr}(\mathbf P^\top\mathbf Q)$, and
# because a trace allows its factors to rotate,
#
# $$\langle\bar{\mathbf C}, \mathrm d\mathbf A\,\mathbf B\rangle
#   = \operatorname{tr}(\bar{\mathbf C}^\top \mathrm d\mathbf A\,\mathbf B)
#   = \operatorname{tr}(\mathbf B\bar{\mathbf C}^\top \mathrm d\mathbf A)
#   = \langle\bar{\mathbf C}\mathbf B^\top, \mathrm d\mathbf A\rangle,$$
#
# and likewise for $\mathrm d\mathbf B$. Comparing with {eq}`eq-autograd-pullback`,
#
# $$\bar{\mathbf A} = \bar{\mathbf C}\,\mathbf B^\top, \qquad \bar{\mathbf B} = \mathbf A^\top \bar{\mathbf C}.$$ (eq-autograd-matmul)
#
# Shapes are a good memory aid, as this is the only order in which they fit. The rest of the code is about what NumPy
# accepts besides matrices: a vector becomes a matrix of one row or column, a stack broadcasts, and a stack times one
# matrix, the case of every sequence model, is a single tall product.


# %% tags=["export"]
def _matmul(a: np.ndarray, b: np.ndarray) -> Result:
    if a.ndim == 0 or b.ndim == 0 or a.shape[-1] != b.shape[0 if b.ndim == 1 else -2]:
        raise ValueError(
            "the last axis of the first must be as long as the second last of the second"
        )
    left = a[np.newaxis] if a.ndim == 1 else a  # (…, n, k)
    right = b[:, np.newaxis] if b.ndim == 1 else b  # (…, k, m)
    tall = left.ndim > 2 and right.ndim == 2
    if tall:
        left = left.reshape(-1, left.shape[-1])  # (batch·n, k)
    product = left @ right  # (…, n, m)
    shape = (*(a.shape[:-1] if tall else product.shape[:-1]), product.shape[-1])
    dropped = (*([-2] if a.ndim == 1 else []), *([-1] if b.ndim == 1 else []))
    kept = tuple(size for n, size in enumerate(shape) if n - len(shape) not in dropped)
    product_shape, shape_a, shape_b = product.shape, a.shape, b.shape

    def to_a(g: np.ndarray) -> np.ndarray:  # eq-autograd-matmul, left
        part = g.reshape(product_shape) @ right.swapaxes(-1, -2)
        return (
            part.reshape(shape_a)
            if tall
            else unbroadcast(part, left_shape).reshape(shape_a)
        )

    def to_b(g: np.ndarray) -> np.ndarray:  # eq-autograd-matmul, right
        part = left.swapaxes(-1, -2) @ g.reshape(product_shape)
        return unbroadcast(part, right_shape).reshape(shape_b)

    left_shape, right_shape = left.shape, right.shape
    return product.reshape(kept), (to_a, to_b)


# %% [markdown]
# (sec-autograd-transpose)=
# ## Moving numbers about, and moving them back
#
# The remaining operations compute little. They repeat, add up, pick and rearrange, all of which is linear, and a
# pullback is the transpose of a linear map. So they come in pairs, each the other's way back:
#
# | forwards | backwards |
# |---|---|
# | repeat (`expand`, broadcasting) | add up |
# | add up (`sum`) | repeat |
# | pick (`x[index]`) | put back in zeros, *adding* where an entry was picked twice |
# | join (`cat`) | cut apart |
# | rearrange (`reshape`, `permute`) | rearrange back |


# %% tags=["export"]
def _sum(a: np.ndarray, dim: int | tuple[int, ...] | None, keepdim: bool) -> Result:
    axes, shape = _axes(dim, a.ndim), a.shape
    return a.sum(axis=axes, keepdims=keepdim), (
        lambda g: np.broadcast_to(g if keepdim else np.expand_dims(g, axes), shape),
    )


def _axes(dim: int | tuple[int, ...] | None, ndim: int) -> tuple[int, ...]:
    return tuple(range(ndim)) if dim is None else normalize_axis_tuple(dim, ndim)


def _reshape(a: np.ndarray, shape: tuple[int, ...], copy: bool | None = None) -> Result:
    old = a.shape
    return np.reshape(a, shape, copy=copy), (lambda g: g.reshape(old),)


def _permute(a: np.ndarray, dims: tuple[int, ...]) -> Result:
    back = np.argsort(normalize_axis_tuple(dims, a.ndim))
    return a.transpose(dims), (lambda g: g.transpose(back),)


def _expand(a: np.ndarray, shape: tuple[int, ...]) -> Result:
    old = a.shape
    return np.broadcast_to(a, shape), (lambda g: unbroadcast(g, old),)


def _cast(a: np.ndarray, dtype: DTypeLike) -> Result:
    return a.astype(dtype), (lambda g: g,)


# %% [markdown]
# Picking is where accumulation is forgotten most often. `x[[0, 0, 2]]` uses entry 0 twice; `out[index] = g` keeps
# one of its two messages, `np.add.at` both. The look-up of rows, a language model's {term}`embedding`, gets a path
# of its own, as NumPy adds fastest in one dimension.


# %% tags=["export"]
def _getitem(a: np.ndarray, index: Any) -> Result:
    shape = a.shape
    parts = index if isinstance(index, tuple) else (index,)
    plain = all(
        part is None or part is Ellipsis or isinstance(part, int | np.integer | slice)
        for part in parts
    )
    mask = isinstance(index, np.ndarray) and index.dtype == bool
    rows = isinstance(index, np.ndarray) and index.dtype.kind in "iu" and a.size > 0

    def put_back(g: np.ndarray) -> np.ndarray:
        out = np.zeros(shape, dtype=g.dtype)
        if plain or mask:  # nothing is picked twice
            out[index] = g
        elif rows:
            width = out[0].size
            places = index.reshape(-1, 1) * width + np.arange(
                width
            )  # a negative row counts from the end
            np.add.at(out.reshape(-1), places.reshape(-1), g.reshape(-1))
        else:
            np.add.at(out, index, g)
        return out

    return a[index], (put_back,)


def _cat(*arrays: np.ndarray, dim: int) -> Result:
    axis = normalize_axis_index(dim, arrays[0].ndim)
    ends = np.cumsum([0, *(a.shape[axis] for a in arrays)])
    before = (slice(None),) * axis

    def cut(n: int) -> Pullback:
        return lambda g: g[(*before, slice(ends[n], ends[n + 1]))]

    return np.concatenate(arrays, axis=axis), [cut(n) for n in range(len(arrays))]


def _where(a: np.ndarray, b: np.ndarray, condition: np.ndarray) -> Result:
    shape_a, shape_b = a.shape, b.shape
    return np.where(condition, a, b), (
        lambda g: unbroadcast(np.where(condition, g, 0), shape_a),
        lambda g: unbroadcast(np.where(condition, 0, g), shape_b),
    )


# %% [markdown]
# The dot-product test of the section above, on all of them: draw $\mathbf u$ and $\mathbf g$, compare
# $\langle\mathbf g, f(\mathbf u)\rangle$ with $\langle f^\top(\mathbf g), \mathbf u\rangle$.

# %%
rng = np.random.default_rng(1)
moves = {
    "sum": lambda u: _sum(u, (0, 2), False),
    "reshape": lambda u: _reshape(u, (4, 6)),
    "permute": lambda u: _permute(u, (2, 0, 1)),
    "expand": lambda u: _expand(u[:, :1], (5, 2, 3, 4)),
    "slice": lambda u: _getitem(u, (slice(None), 1, slice(0, 4, 2))),
    "rows, some twice": lambda u: _getitem(u, np.array([0, 0, -1, 1])),
    "pairs, some twice": lambda u: _getitem(
        u, (np.array([0, 0, 1]), np.array([2, 2, 0]))
    ),
    "mask": lambda u: _getitem(u, u > 0),
}


# %%
def transpose_error(move):
    u = rng.normal(size=(2, 3, 4))
    forward, (pullback,) = move(u)
    g = rng.normal(size=np.shape(forward))
    back = pullback(g)
    return abs(
        np.vdot(g, forward) - np.vdot(back, u[:, :1] if back.shape == (2, 1, 4) else u)
    )


worst = max(transpose_error(move) for move in moves.values())
claim("autograd-dot-product-test-worst", worst, at_most=1e-12)

# %% [markdown]
# Reductions that are not linear complete the set. `max` sends the message to the largest entry and shares it equally
# among ties: PyTorch's `amax`, and its `max` without a dimension. The variance is centred before it is squared.


# %% tags=["export"]
def _mean(a: np.ndarray, dim: int | tuple[int, ...] | None, keepdim: bool) -> Result:
    axes, shape = _axes(dim, a.ndim), a.shape
    n = max(int(np.prod([shape[axis] for axis in axes])), 1)
    return a.mean(axis=axes, keepdims=keepdim), (
        lambda g: np.broadcast_to(
            (g if keepdim else np.expand_dims(g, axes)) / n, shape
        ),
    )


def _extremum(
    a: np.ndarray, dim: int | tuple[int, ...] | None, keepdim: bool, largest: bool
) -> Result:
    axes = _axes(dim, a.ndim)
    best = (np.max if largest else np.min)(a, axis=axes, keepdims=True)
    hit = a == best

    def pull(g: np.ndarray) -> np.ndarray:
        count = hit.sum(axis=axes, keepdims=True).astype(g.dtype)
        return hit * ((g if keepdim else np.expand_dims(g, axes)) / count)

    return best if keepdim else np.squeeze(best, axis=axes), (pull,)


def _var(
    a: np.ndarray, dim: int | tuple[int, ...] | None, keepdim: bool, correction: float
) -> Result:
    axes = _axes(dim, a.ndim)
    n = int(np.prod([a.shape[axis] for axis in axes])) - correction
    if n <= 0:
        raise ValueError(f"variance needs more than correction={correction} values")
    centred = a - a.mean(axis=axes, keepdims=True)
    return (centred * centred).sum(axis=axes, keepdims=keepdim) / n, (
        lambda g: centred * ((g if keepdim else np.expand_dims(g, axes)) * (2 / n)),
    )


# %% [markdown]
# (sec-autograd-softmax)=
# ## Softmax overflows unless it is one operation
#
# The loss of a classifier is $-\log \operatorname{softmax}(\mathbf z)_k$. Written with the operations above it is
# `exp`, `sum`, `/`, `log`. In float32 the exponential overflows beyond 88, and trouble begins before that. One line of
# algebra removes it: for any $m$,
#
# $$\log\sum_j e^{z_j} = m + \log\sum_j e^{z_j - m}, \qquad m = \max_j z_j,$$ (eq-autograd-logsumexp)
#
# so no exponent is positive, and one term of the sum is 1. The pullback follows from
# $\partial \log\sum_j e^{z_j} / \partial z_k = \operatorname{softmax}(\mathbf z)_k = p_k$: for $\mathbf p$ itself,
# $\partial p_k/\partial z_j = p_k(\delta_{kj} - p_j)$ gives $\bar z_k = p_k\big(\bar p_k - \sum_j \bar p_j p_j\big)$.


# %% tags=["export"]
def _softmax(a: np.ndarray, dim: int) -> Result:
    power = np.exp(a - a.max(axis=dim, keepdims=True))
    p = power / power.sum(axis=dim, keepdims=True)
    return p, (lambda g: p * (g - (g * p).sum(axis=dim, keepdims=True)),)


def _log_softmax(a: np.ndarray, dim: int) -> Result:
    shifted = a - a.max(axis=dim, keepdims=True)
    value = shifted - np.log(np.exp(shifted).sum(axis=dim, keepdims=True))
    return value, (lambda g: g - np.exp(value) * g.sum(axis=dim, keepdims=True),)


def _logsumexp(a: np.ndarray, dim: int | tuple[int, ...], keepdim: bool) -> Result:
    axes = _axes(dim, a.ndim)
    top = a.max(axis=axes, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)  # all -inf stays -inf
    power = np.exp(a - top)
    total = power.sum(axis=axes, keepdims=True)
    with np.errstate(divide="ignore"):
        value = np.log(total) + top
    return value if keepdim else np.squeeze(value, axis=axes), (
        lambda g: (g if keepdim else np.expand_dims(g, axes)) * (power / total),
    )


# %% [markdown]
# (sec-autograd-engine)=
# ## The record and the walk back
#
# A `Node` is one entry of the record: the nodes of its inputs and a pullback towards each. It does *not* hold the
# tensor, only a weak reference by which a gradient is delivered if somebody still has the tensor. So the record keeps
# alive what the pullbacks mention, and nothing else.
#
# The walk of `Value` was recursive, and Python's recursion ends at a depth of about a thousand: one layer each in a
# recurrent network over a long text. The version below keeps its own stack. A node is put on the list (`done`) only
# after everything that it was computed from.


# %% tags=["export"]
class Node:
    """One entry of the record: where a tensor came from (what ``Tensor.grad_fn`` is).

    ``pullbacks`` is empty for a leaf and None once ``backward`` has freed the node.
    """

    __slots__ = (
        "__weakref__",
        "dtype",
        "name",
        "owner",
        "parents",
        "pullbacks",
        "shape",
    )

    def __init__(
        self,
        owner: Tensor,
        name: str = "leaf",
        parents: Sequence[Node | None] = (),
        pullbacks: Sequence[Pullback | None] = (),
    ) -> None:
        self.owner, self.name = weakref.ref(owner), name
        self.shape, self.dtype = owner.data.shape, owner.data.dtype
        self.parents = parents
        self.pullbacks: Sequence[Pullback | None] | None = pullbacks


def topological_order(root: Node) -> list[Node]:
    """All nodes that a node was computed from, inputs first, the node itself last; any depth.

    Raises
    ------
    RuntimeError
        If a part of the graph was freed by an earlier ``backward``.
    """
    order: list[Node] = []
    seen: set[Node] = set()
    stack = [(root, False)]
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
        elif node not in seen:
            if node.pullbacks is None:
                raise RuntimeError(
                    f"the graph before {node.name!r} was freed by an earlier backward(); compute the result "
                    "again, or pass retain_graph=True to the first backward()"
                )
            seen.add(node)
            stack.append((node, True))
            stack.extend(
                (parent, False) for parent in node.parents if parent is not None
            )
    return order


# %% [markdown]
# Walking back is then a loop: take the latest node, deliver its gradient, send each parent its part. `pending` holds
# the adjoints that are still being collected. `pending[parent] + part` is equation {eq}`eq-autograd-adjoint`, and it
# makes a new array on purpose: the pullbacks of a sum return *the same array* to both inputs, and adding in place would
# change one through the other. {ref}`Exercise <ex-autograd-alias>` lets you watch that.


# %% tags=["export"]
def _walk_back(root: Node, gradient: np.ndarray, retain_graph: bool) -> None:
    order = topological_order(root)
    pending = {root: gradient}
    while order:
        node = order.pop()  # the latest that is left: its gradient is complete
        gradient = pending.pop(node)
        _deliver(node, gradient)
        for n, (parent, pullback) in enumerate(zip(node.parents, node.pullbacks or ())):
            if parent is None or pullback is None:
                continue
            part = np.asarray(pullback(gradient), dtype=parent.dtype)
            if part.shape != parent.shape:
                raise ValueError(
                    f"pullback {n} of {node.name!r} returned shape {part.shape} for an input of "
                    f"shape {parent.shape}"
                )
            pending[parent] = pending[parent] + part if parent in pending else part
        if not retain_graph and node.parents:
            node.parents, node.pullbacks = (), None


def _deliver(node: Node, gradient: np.ndarray) -> None:
    tensor = node.owner()
    if tensor is not None and (tensor.is_leaf or tensor._retains_grad):
        tensor.grad = gradient.copy() if tensor.grad is None else tensor.grad + gradient


# %% [markdown]
# Recording can be switched off, for evaluation and for the update of the weights. `apply` is the only place where an
# entry is made: it runs a primitive on the arrays and, if any input asks for a gradient, keeps the pullbacks that
# will be needed. A weight matrix of the first layer needs a gradient, the pictures do not: their pullback is dropped
# here, and its cost with it.


# %% tags=["export"]
_RECORDING: ContextVar[bool] = ContextVar("recording", default=True)


@contextmanager
def no_grad() -> Iterator[None]:
    """Record nothing inside ``with no_grad():``; also a decorator, ``@no_grad()``."""
    token = _RECORDING.set(False)
    try:
        yield
    finally:
        _RECORDING.reset(token)


def is_grad_enabled() -> bool:
    """Whether operations are being recorded."""
    return _RECORDING.get()


# %% tags=["export"]
def apply(primitive: Primitive, *inputs: Any, **settings: Any) -> Tensor:
    """Run a primitive operation on tensors and record it: the door for new operations.

    Parameters
    ----------
    primitive : callable
        ``primitive(*arrays, **settings)`` returns the value, an array, and one pullback for each array:
        a function from the gradient of the value to the gradient of that array, or None where there is
        none. It must not change its arrays, and a pullback must not change its argument.
    *inputs : Tensor or array_like
    **settings
        What is not differentiated: a dimension, a stride, a mask.

    Raises
    ------
    ValueError
        If the primitive refuses the shapes (the message names them), or returns too few pullbacks.
    """
    tensors = [one if isinstance(one, Tensor) else Tensor(one) for one in inputs]
    name = primitive.__name__.lstrip("_")
    try:
        value, pullbacks = primitive(*(tensor.data for tensor in tensors), **settings)
    except ValueError as error:
        shapes = " and ".join(str(tensor.shape) for tensor in tensors)
        raise ValueError(f"{name} of shape {shapes}: {error}") from error
    if len(pullbacks) != len(tensors):
        raise ValueError(
            f"{name} returned {len(pullbacks)} pullbacks for {len(tensors)} inputs"
        )
    result = Tensor._wrap(np.asarray(value))
    if _RECORDING.get() and any(tensor._node is not None for tensor in tensors):
        parents = [
            None if pull is None else tensor._node
            for tensor, pull in zip(tensors, pullbacks)
        ]
        kept = [
            None if parent is None else pull for parent, pull in zip(parents, pullbacks)
        ]
        result._node = Node(result, name, parents, kept)
    return result


# %% [markdown]
# (sec-autograd-tensor)=
# ## The tensor
#
# What remains is a class that gives these functions PyTorch's names. It grows in steps, each a class that
# adds to the one before; the last is `Tensor`. The first holds the state.


# %% tags=["export"]
class _TensorState:
    __slots__ = ("__weakref__", "_node", "_retains_grad", "data", "grad")
    data: np.ndarray
    grad: np.ndarray | None
    _node: Node | None
    _retains_grad: bool
    __array_ufunc__ = None  # so that `array * tensor` calls the tensor's __rmul__

    def __init__(
        self, data: Any, requires_grad: bool = False, dtype: DTypeLike | None = None
    ) -> None:
        self.data = np.array(
            data.data if isinstance(data, _TensorState) else data, dtype=dtype
        )
        if self.data.dtype.kind not in "fiub":
            raise ValueError(
                f"a tensor holds real numbers, got an array of dtype {self.data.dtype}"
            )
        self.grad = None
        self._node = None
        self._retains_grad = False
        if requires_grad:
            self.requires_grad = True

    @classmethod
    def _wrap(cls, data: np.ndarray) -> Tensor:
        self = Tensor.__new__(Tensor)
        self.data, self.grad, self._node, self._retains_grad = data, None, None, False
        return self

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to this tensor; can be set on a leaf."""
        return self._node is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not self.is_leaf:
            raise RuntimeError(
                "requires_grad can be changed only on a leaf; use detach()"
            )
        if value and self.data.dtype.kind != "f":
            raise RuntimeError(
                f"only floating-point tensors can require grad, this one is {self.data.dtype}"
            )
        self._node = (self._node or Node(self)) if value else None  # type: ignore[arg-type]

    @property
    def is_leaf(self) -> bool:
        """Whether the tensor was made by hand rather than computed from one that requires grad."""
        return self._node is None or self._node.name == "leaf"


# %% [markdown]
# `backward` without an argument starts from $\bar L = 1$ and is for a result of one number. A result of many numbers
# has no single gradient, so it has to be told the adjoint to start from.


# %% tags=["export"]
class _TensorBackward(_TensorState):
    __slots__ = ()

    def backward(
        self, gradient: Tensor | ArrayLike | None = None, *, retain_graph: bool = False
    ) -> None:
        """Add to ``grad`` of every leaf the derivative of this tensor with respect to it.

        Parameters
        ----------
        gradient : array_like of this tensor's shape, optional
            Where the walk back begins; may be left out for a tensor of one element (1).
        retain_graph : bool
            Keep the graph, and the memory it holds, for another ``backward``.

        Raises
        ------
        RuntimeError
            If nothing was recorded, the graph was freed, or a gradient is needed and missing.
        ValueError
            If the gradient has another shape.
        """
        if self._node is None:
            raise RuntimeError(
                "this tensor does not require grad: no graph leads to it"
            )
        if gradient is None:
            if self.data.size != 1:
                raise RuntimeError(
                    f"backward() of a tensor of shape {self.data.shape} needs a gradient of that shape"
                )
            gradient = np.ones_like(self.data)
        seed = np.array(
            gradient.data if isinstance(gradient, Tensor) else gradient,
            dtype=self.data.dtype,
        )
        if seed.shape != self.data.shape:
            raise ValueError(
                f"gradient has shape {seed.shape}, the tensor has shape {self.data.shape}"
            )
        _walk_back(self._node, seed, retain_graph)


# %% tags=["export"]
class _TensorDoors(_TensorBackward):
    __slots__ = ()

    @property
    def grad_fn(self) -> Node | None:
        """The record of the operation that made the tensor; None for a leaf."""
        return None if self.is_leaf else self._node

    def __repr__(self) -> str:
        how = (
            ""
            if self._node is None
            else ", requires_grad=True"
            if self.is_leaf
            else f", grad_fn={self._node.name}"
        )
        return f"Tensor({np.array2string(self.data, separator=', ')}{how})"

    def retain_grad(self) -> None:
        """Ask ``backward`` to fill ``grad`` of this tensor though it is not a leaf."""
        self._retains_grad = True

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Switch ``requires_grad`` on or off in place; return the tensor."""
        self.requires_grad = requires_grad
        return self  # type: ignore[return-value]

    def detach(self) -> Tensor:
        """The same numbers, sharing memory, cut off from the graph."""
        return Tensor._wrap(self.data)

    def numpy(self) -> np.ndarray:
        """The array itself; refuses if the tensor requires grad (say ``detach()`` first)."""
        if self._node is not None:
            raise RuntimeError("this tensor requires grad: call detach().numpy()")
        return self.data

    def item(self) -> Any:
        """The only element, as a Python number."""
        if self.data.size != 1:
            raise ValueError(
                f"item() needs one element, the tensor has shape {self.data.shape}"
            )
        return self.data.item()


# %% [markdown]
# The operators. A Python number takes on the tensor's dtype, so that `2.5 * x` stays float32. In-place arithmetic is
# refused: a pullback may hold the very array that would change.


# %% tags=["export"]
class _TensorOperators(_TensorDoors):
    __slots__ = ()

    def _like(self, other: Any) -> Any:
        """A number as an array of this tensor's dtype (float64 for a float beside integers)."""
        if isinstance(other, float | int) and not isinstance(other, bool):
            number = float(other) if isinstance(other, float) else int(other)
            return Tensor._wrap(
                np.asarray(number, dtype=np.result_type(self.data, number))
            )
        return other

    def __add__(self, other: Any) -> Tensor:
        return apply(_add, self, self._like(other))

    def __sub__(self, other: Any) -> Tensor:
        return apply(_sub, self, self._like(other))

    def __rsub__(self, other: Any) -> Tensor:
        return apply(_sub, self._like(other), self)

    def __mul__(self, other: Any) -> Tensor:
        return apply(_mul, self, self._like(other))

    def __truediv__(self, other: Any) -> Tensor:
        return apply(_div, self, self._like(other))

    def __rtruediv__(self, other: Any) -> Tensor:
        return apply(_div, self._like(other), self)

    def __matmul__(self, other: Any) -> Tensor:
        return apply(_matmul, self, other)

    def __rmatmul__(self, other: Any) -> Tensor:
        return apply(_matmul, other, self)

    def __pow__(self, other: Any) -> Tensor:
        if isinstance(other, float | int):
            return apply(_pow_number, self, exponent=other)
        return apply(_pow, self, other)

    def __rpow__(self, other: Any) -> Tensor:
        return apply(_pow, self._like(other), self)

    def __neg__(self) -> Tensor:
        return apply(_neg, self)

    def _refuse(self, other: Any) -> Any:
        raise RuntimeError(
            "in-place arithmetic is refused, the graph may hold this array: write x = x + …"
        )

    __radd__, __rmul__ = __add__, __mul__
    __iadd__ = __isub__ = __imul__ = __itruediv__ = __ipow__ = __imatmul__ = _refuse


# %% [markdown]
# Functions and reductions, one line each.


# %% tags=["export"]
class _TensorFunctions(_TensorOperators):
    __slots__ = ()

    def exp(self) -> Tensor:
        """e to the power of each element."""
        return apply(_exp, self)

    def log(self) -> Tensor:
        """Natural logarithm."""
        return apply(_log, self)

    def sqrt(self) -> Tensor:
        """Square root."""
        return apply(_sqrt, self)

    def tanh(self) -> Tensor:
        """Hyperbolic tangent."""
        return apply(_tanh, self)

    def relu(self) -> Tensor:
        """The larger of each element and 0; slope 0 at 0."""
        return apply(_relu, self)

    def sigmoid(self) -> Tensor:
        """1 / (1 + exp(-x)), without overflow."""
        return apply(_sigmoid, self)

    def abs(self) -> Tensor:
        """Absolute value; slope 0 at 0."""
        return apply(_abs, self)


# %% tags=["export"]
_Dim = int | tuple[int, ...] | None


class _TensorReductions(_TensorFunctions):
    __slots__ = ()

    def sum(self, dim: _Dim = None, keepdim: bool = False) -> Tensor:
        """The sum over some dimensions, or over all."""
        return apply(_sum, self, dim=dim, keepdim=keepdim)

    def mean(self, dim: _Dim = None, keepdim: bool = False) -> Tensor:
        """The mean over some dimensions, or over all."""
        return apply(_mean, self, dim=dim, keepdim=keepdim)

    def max(self, dim: _Dim = None, keepdim: bool = False) -> Tensor:
        """The largest element; ties share the gradient (PyTorch's ``amax``)."""
        return apply(_extremum, self, dim=dim, keepdim=keepdim, largest=True)

    def min(self, dim: _Dim = None, keepdim: bool = False) -> Tensor:
        """The smallest element; ties share the gradient (PyTorch's ``amin``)."""
        return apply(_extremum, self, dim=dim, keepdim=keepdim, largest=False)

    amax, amin = max, min

    def var(
        self, dim: _Dim = None, correction: float = 1, keepdim: bool = False
    ) -> Tensor:
        """The variance: squared deviations over (n - correction)."""
        return apply(_var, self, dim=dim, keepdim=keepdim, correction=correction)

    def softmax(self, dim: int) -> Tensor:
        """Exponentials that sum to 1 along a dimension."""
        return apply(_softmax, self, dim=dim)

    def log_softmax(self, dim: int) -> Tensor:
        """The logarithm of ``softmax``, exact where that is too small for a float."""
        return apply(_log_softmax, self, dim=dim)

    def logsumexp(self, dim: int | tuple[int, ...], keepdim: bool = False) -> Tensor:
        """log(sum(exp(x))) over dimensions, without overflow; the equation of the section on softmax."""
        return apply(_logsumexp, self, dim=dim, keepdim=keepdim)


# %% [markdown]
# Shapes and indices. `permute` and `reshape` are the two primitives; the other names are ways of saying them.


# %% tags=["export"]
class _TensorShapes(_TensorReductions):
    __slots__ = ()

    def reshape(self, *shape: Any) -> Tensor:
        """The same elements in another shape; -1 stands for what is left."""
        return apply(_reshape, self, shape=_flat(shape))

    def view(self, *shape: Any) -> Tensor:
        """``reshape`` that shares memory, or raises ValueError where it would have to copy."""
        return apply(_reshape, self, shape=_flat(shape), copy=False)

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Tensor:
        """Merge neighbouring dimensions into one."""
        shape = self.data.shape or (1,)
        first, last = (
            normalize_axis_index(dim, len(shape)) for dim in (start_dim, end_dim)
        )
        if first > last:
            raise ValueError(
                f"start_dim {start_dim} comes after end_dim {end_dim} for shape {shape}"
            )
        middle = int(np.prod(shape[first : last + 1]))
        return self.reshape(*shape[:first], middle, *shape[last + 1 :])

    def squeeze(self, dim: _Dim = None) -> Tensor:
        """Drop dimensions of size 1: those named, or all."""
        axes = [n for n in _axes(dim, self.data.ndim) if self.data.shape[n] == 1]
        return self.reshape(
            [size for n, size in enumerate(self.data.shape) if n not in axes]
        )

    def unsqueeze(self, dim: int) -> Tensor:
        """Insert a dimension of size 1."""
        axis = normalize_axis_index(dim, self.data.ndim + 1)
        return self.reshape([*self.data.shape[:axis], 1, *self.data.shape[axis:]])


# %% tags=["export"]
class _TensorIndexing(_TensorShapes):
    __slots__ = ()

    def expand(self, *sizes: Any) -> Tensor:
        """Repeat axes of size 1 without copying; -1 keeps a size."""
        wanted = _flat(sizes)
        old = (1,) * (len(wanted) - self.data.ndim) + self.data.shape
        return apply(
            _expand, self, shape=tuple(o if w == -1 else w for w, o in zip(wanted, old))
        )

    def permute(self, *dims: Any) -> Tensor:
        """Put the dimensions into another order."""
        return apply(_permute, self, dims=_flat(dims))

    def transpose(self, dim0: int, dim1: int) -> Tensor:
        """Swap two dimensions."""
        dims = list(range(self.data.ndim))
        dims[dim0], dims[dim1] = dims[dim1], dims[dim0]
        return self.permute(dims)

    def __getitem__(self, index: Any) -> Tensor:
        """Pick by slices, integers, arrays of integers or masks, as NumPy does."""
        plain = (
            [_as_index(part) for part in index]
            if isinstance(index, tuple)
            else _as_index(index)
        )
        return apply(
            _getitem, self, index=tuple(plain) if isinstance(index, tuple) else plain
        )

    def to(self, dtype: DTypeLike) -> Tensor:
        """Convert to another dtype; gradients are converted back."""
        return apply(_cast, self, dtype=dtype)


# %% tags=["export"]
def _flat(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    """``x.reshape(2, 3)`` and ``x.reshape((2, 3))`` mean the same."""
    return (
        tuple(sizes[0])
        if len(sizes) == 1 and not isinstance(sizes[0], int | np.integer)
        else sizes
    )


def _as_index(part: Any) -> Any:
    if isinstance(part, Tensor):
        return part.data
    return (
        np.asarray(part, dtype=None if len(part) else int)
        if isinstance(part, list)
        else part
    )


# %% tags=["export"]
class Tensor(_TensorIndexing):
    """An array that records what is computed from it, with PyTorch's names.

    Parameters
    ----------
    data : array_like
        Copied. An array keeps its dtype; Python numbers become float64 or int64.
    requires_grad : bool
        Whether ``backward`` fills ``grad``, an array of the same shape and dtype, None until then.
    dtype : dtype, optional

    Raises
    ------
    ValueError
        If the data are not real numbers.
    RuntimeError
        If gradients are asked of integers.
    """

    __slots__ = ()

    shape = property(lambda self: self.data.shape, doc="Tuple of int.")
    ndim = property(lambda self: self.data.ndim, doc="Number of axes.")
    dtype = property(lambda self: self.data.dtype, doc="NumPy dtype of the data.")
    T = property(
        lambda self: self.permute(range(self.data.ndim)[::-1]), doc="All axes reversed."
    )

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[n] for n in range(len(self)))

    def __bool__(self) -> bool:
        return bool(self.data)

    def __float__(self) -> float:
        return float(self.item())

    def __array__(
        self, dtype: DTypeLike | None = None, copy: bool | None = None
    ) -> np.ndarray:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def __setitem__(self, index: Any, value: Any) -> None:
        self._refuse(value)

    def __gt__(self, other: Any) -> np.ndarray:
        return self.data > (other.data if isinstance(other, Tensor) else other)

    def __lt__(self, other: Any) -> np.ndarray:
        return self.data < (other.data if isinstance(other, Tensor) else other)

    def argmax(self, dim: int | None = None) -> np.ndarray:
        """Where the largest element is: an array of int, not differentiable."""
        return np.asarray(self.data.argmax(axis=dim))


# %% tags=["export"]
def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Join tensors along a dimension that they have; all others must agree."""
    if not len(tensors):
        raise ValueError("cat needs at least one tensor")
    return apply(_cat, *tensors, dim=dim)


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Join tensors of one shape along a new dimension."""
    shapes = {tensor.shape for tensor in tensors}
    if len(shapes) != 1:
        raise ValueError(f"stack needs tensors of one shape, got {sorted(shapes)}")
    return cat([tensor.unsqueeze(dim) for tensor in tensors], dim)


def where(condition: Tensor | ArrayLike, a: Any, b: Any) -> Tensor:
    """Elements of ``a`` where the condition holds, of ``b`` elsewhere; all three broadcast."""
    mask = np.asarray(
        condition.data if isinstance(condition, Tensor) else condition, dtype=bool
    )
    first = (
        a
        if isinstance(a, Tensor)
        else b._like(a)
        if isinstance(b, Tensor)
        else Tensor(a)
    )
    return apply(_where, first, first._like(b), condition=mask)


def maximum(a: Tensor, b: Any) -> Tensor:
    """The larger of two, element by element; a tie shares the gradient."""
    return apply(_maximum, a, a._like(b))


# %% [markdown]
# The class is complete. The example of equation {eq}`eq-autograd-example` again, now with the record drawn: values
# run to the right, gradients to the left.


# %% tags=["hide-input", "export"]
def _paths(order: list[Node]) -> tuple[dict[Node, int], list[list[Any]]]:
    """The column of each node, and each edge as the slots that it passes through."""
    edges = [(p, node) for node in order for p in node.parents if p is not None]
    depth: dict[Node, int] = {}
    for node in order:
        before = [depth[parent] for parent, child in edges if child is node]
        depth[node] = 1 + max(before, default=-1)
    for node in order:
        if not node.parents:  # a leaf stands next to its first use
            after = [depth[child] for parent, child in edges if parent is node]
            depth[node] = min(after, default=1) - 1
    paths: list[list[Any]] = []
    for n, (parent, child) in enumerate(edges):
        between = [(n, column) for column in range(depth[parent] + 1, depth[child])]
        paths.append([parent, *between, child])
    return depth, paths


def _layout(
    order: list[Node],
) -> tuple[dict[Any, tuple[float, float]], list[list[Any]]]:
    """Where each slot lies: in its column, at the mean height of its neighbours."""
    depth, paths = _paths(order)
    columns: dict[int, dict[Any, None]] = {}
    near: dict[Any, list[Any]] = {}
    for path in [*paths, order[-1:]]:
        for slot in path:
            column = depth[slot] if isinstance(slot, Node) else slot[1]
            columns.setdefault(column, {})[slot] = None
        for first, second in pairwise(path):
            near.setdefault(first, []).append(second)
            near.setdefault(second, []).append(first)
    place: dict[Any, tuple[float, float]] = {}
    for column in [*sorted(columns), *sorted(columns, reverse=True), *sorted(columns)]:
        heights = {}
        for slot in columns[column]:
            known = [place[other][1] for other in near.get(slot, []) if other in place]
            heights[slot] = float(np.mean(known)) if known else 0.0
        columns[column] = dict.fromkeys(
            sorted(columns[column], key=heights.__getitem__)
        )
        for n, slot in enumerate(columns[column]):
            place[slot] = (float(column), n - (len(columns[column]) - 1) / 2)
    return place, paths


# %% tags=["hide-input", "export"]
_SYMBOLS = {"add": "+", "sub": "−", "mul": "×", "div": "÷", "matmul": "@"}
_SYMBOLS |= {"pow_number": "power", "getitem": "pick"}


def _draw_edge(axes: Axes, points: np.ndarray) -> None:
    """A line through points, with an arrow head in the middle of its last stretch."""
    axes.plot(points[:, 0], points[:, 1], "-", color=COLORS["gray"], lw=1.4, zorder=1)
    middle, along = (points[-2] + points[-1]) / 2, (points[-1] - points[-2]) / 20
    arrow = {"arrowstyle": "-|>", "color": COLORS["gray"], "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", middle + along, middle - along, arrowprops=arrow, zorder=1)


def _draw_box(axes: Axes, node: Node, name: str, place: tuple[float, float]) -> None:
    """What a node is called, its value or shape, and its gradient if it has one."""
    tensor = node.owner()
    symbol = "" if node.name == "leaf" else _SYMBOLS.get(node.name, node.name)
    lines = [
        "  ".join(
            part for part in (f"$\\bf{{{name}}}$" if name else "", symbol) if part
        )
    ]
    scalar = tensor is not None and tensor.data.size == 1
    lines.append(
        f"{tensor.item():.4g}" if scalar and tensor is not None else str(node.shape)
    )
    if tensor is not None and tensor.grad is not None:
        lines.append(
            f"grad {tensor.grad.item():.4g}" if scalar else f"grad {node.shape}"
        )
    box = {"boxstyle": "round,pad=0.45", "edgecolor": COLORS["ink"], "linewidth": 1.1}
    box["facecolor"] = "white" if symbol else COLORS["light"]
    text = "\n".join(line for line in lines if line)
    axes.text(*place, text, ha="center", va="center", fontsize=9.5, bbox=box, zorder=2)


# %% tags=["hide-input", "export"]
def draw_graph(
    axes: Axes, output: Tensor, names: dict[str, Tensor] | None = None
) -> None:
    """Draw the record behind a tensor: operations, values or shapes, and gradients.

    Parameters
    ----------
    axes : Axes
    output : Tensor
        Draw before ``backward``, or after ``backward(retain_graph=True)``. Gradients of
        tensors that are not leaves show if ``retain_grad`` was called.
    names : dict of str to Tensor, optional
        What to call a tensor; others show their operation only.

    Raises
    ------
    ValueError
        If no graph leads to the tensor.
    """
    if output.grad_fn is None:
        raise ValueError("no graph leads to this tensor")
    order = topological_order(output.grad_fn)
    place, paths = _layout(order)
    called = {tensor._node: name for name, tensor in (names or {}).items()}
    for path in paths:
        _draw_edge(axes, np.array([place[slot] for slot in path]))
    for node in order:
        _draw_box(axes, node, called.get(node, ""), place[node])
    xs, ys = np.array(list(place.values())).T
    axes.set(
        xlim=(xs.min() - 0.5, xs.max() + 0.5), ylim=(ys.min() - 0.6, ys.max() + 0.6)
    )
    axes.axis("off")


# %%
a, b = Tensor(4.0, requires_grad=True), Tensor(0.5, requires_grad=True)
p = a * b
s = p + a
L = s**2
for tensor in (p, s, L):
    tensor.retain_grad()
L.backward(retain_graph=True)
print(f"slopes: s {s.grad:g}, p {p.grad:g}, b {b.grad:g}, a {a.grad:g}")

# %% mystnb={"figure": {"caption": "The record of L = (ab + a)\u00b2. Each box shows its value and, below, the slope of L with respect to it. Two edges leave a, so two messages (red) come back, 12 from the sum and 6 from the product, and its slope is 18.", "name": "fig-autograd-graph"}, "image": {"alt": "Graph from left to right. Grey boxes a (4, grad 18) and b (0.5, grad 48) lead to a product p (2, grad 12); p and a lead to a sum s (6, grad 12); s leads to a power L (36, grad 1)."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.2, 2.6))
draw_graph(axes, L, {"a": a, "b": b, "p": p, "s": s, "L": L})
axes.text(0.42, 0.03, "← 6", color=COLORS["red"], ha="right", fontweight="bold")
axes.text(0.9, -0.42, "← 12", color=COLORS["red"], ha="right", fontweight="bold")
axes.set_title("a is used twice, so its slope is a sum: 12 + 6 = 18")
plt.show()

# %% [markdown]
# The same class records a network. Its record has one entry for each array operation, and *no* entry grows with the
# 128 pictures or the 2,410 weights: only the arrays inside do.


# %%
def cross_entropy(scores, y):
    return -scores.log_softmax(1)[np.arange(len(y)), y].mean()


def network_loss(W1, b1, W2, b2, X=X_train[:128], y=y_train[:128]):
    hidden = (X @ W1 + b1).relu()  # (128, 32)
    return cross_entropy(hidden @ W2 + b2, y)


# %% mystnb={"figure": {"caption": "The record of a two-layer network and its loss, with shapes. The pictures do not appear: they need no gradient, so no way leads back to them.", "name": "fig-autograd-network"}, "image": {"alt": "Graph from left to right: W1 enters a matrix product, then plus b1, relu, product with W2, plus b2, log_softmax, pick, mean and negation. Every box shows its shape, from (64, 32) to the empty shape of the loss."}} tags=["hide-input"]
weights = [Tensor(w, requires_grad=True) for w in initial_weights(0)]
loss = network_loss(*weights)
figure, axes = plt.subplots(figsize=(10.5, 2.2))
draw_graph(axes, loss, dict(zip(("W_1", "b_1", "W_2", "b_2"), weights)))
axes.set_title("Nine operations stand between 2,410 weights and the loss")
plt.show()

# %% [markdown]
# (sec-autograd-verify)=
# ## Equal to PyTorch, and to differences
#
# The tool for every operation that is still to come: compare its pullbacks with central differences. A result of many
# numbers is first reduced to one by a random adjoint $\mathbf g$, as in the dot-product test, so that one comparison
# covers all outputs.


# %% tags=["export"]
def gradcheck(
    function: Callable[..., Tensor],
    inputs: Sequence[Tensor | ArrayLike],
    *,
    tolerance: float = 1e-6,
    seed: int = 0,
) -> float:
    """Compare the gradients of a function of tensors with central differences.

    Parameters
    ----------
    function : callable
        Takes one tensor for each input and returns a tensor of any shape.
    inputs : sequence of Tensor or array_like of float64
        Where to compare; stay away from kinks.
    tolerance : float
        The largest relative error that passes.
    seed : int
        Of the random adjoint from which ``backward`` starts.

    Returns
    -------
    float
        The largest relative error over the inputs.

    Raises
    ------
    AssertionError
        If it is above the tolerance; the message names the input and its worst element.
    ValueError
        If an input is not float64: differences of shorter floats have too few digits.
    """
    tensors = [Tensor(one) for one in inputs]
    if not tensors or any(tensor.dtype != np.float64 for tensor in tensors):
        raise ValueError(
            f"gradcheck needs float64 inputs, got {[str(tensor.dtype) for tensor in tensors]}"
        )
    adjoint = np.random.default_rng(seed).normal(size=function(*tensors).shape)
    worst = 0.0
    for n in range(len(tensors)):

        def value(point: np.ndarray, n: int = n) -> float:
            output = function(*tensors[:n], Tensor(point), *tensors[n + 1 :])
            return float((output.data * adjoint).sum())

        def gradient(point: np.ndarray, n: int = n) -> np.ndarray:
            leaf = Tensor(point, requires_grad=True)
            output = function(*tensors[:n], leaf, *tensors[n + 1 :])
            if output.requires_grad:
                output.backward(adjoint)
            return np.zeros_like(point) if leaf.grad is None else leaf.grad

        try:
            worst = max(
                worst,
                check_gradient(value, gradient, tensors[n].data, tolerance=tolerance),
            )
        except AssertionError as error:
            raise AssertionError(f"input {n}: {error}") from None
    return worst


# %% [markdown]
# Differences agree to perhaps nine digits. `torch.autograd` is a stricter judge: two exact methods should agree to
# rounding. As the names are the same, one line of code is both programs; `m` stands for either library.

# %%
from types import SimpleNamespace

here = SimpleNamespace(cat=cat, stack=stack, where=where, maximum=maximum)
operations = {
    "+": lambda m, x, y: x + y,
    "-": lambda m, x, y: x - y,
    "*": lambda m, x, y: x * y,
    "/": lambda m, x, y: x / (y.abs() + 0.5),
    "**": lambda m, x, y: (x.abs() + 0.5) ** y,
    "number": lambda m, x, y: (2 - x) / 3 + 0.5 / (y.abs() + 1) - y**3,
    "maximum": lambda m, x, y: m.maximum(x, y),
    "where": lambda m, x, y: m.where(x > 0.1, x, y * 2),
    "cat": lambda m, x, y: m.cat([x, x * 2, x], 0),
    "stack": lambda m, x, y: m.stack([x, x.exp()], -1),
    "functions": lambda m, x, y: x.exp() * x.tanh() + x.relu() - x.sigmoid() * x.abs(),
    "roots": lambda m, x, y: (x.abs() + 1).sqrt() * (x.abs() + 1).log() - (-x),
}

# %%
operations |= {
    "sum": lambda m, x, y: x.sum(-1, keepdim=True) * x.sum(),
    "mean": lambda m, x, y: x.mean(0) * x.mean(),
    "amax": lambda m, x, y: x.amax(-1, keepdim=True) - x.amin(0),
    "var": lambda m, x, y: x.var(0, correction=0) + x.var(correction=0.5),
    "softmax": lambda m, x, y: (
        x.softmax(-1) * x.log_softmax(0) + x.logsumexp(-1, keepdim=True)
    ),
    "shapes": lambda m, x, y: x.flatten().unsqueeze(1).expand(-1, 3).transpose(0, 1),
    "permute": lambda m, x, y: x.permute(*range(x.ndim)[::-1]).reshape(-1, 1).squeeze(),
    "slice": lambda m, x, y: x[..., ::2].sum() * x[0] + x[-1],
    "rows": lambda m, x, y: x[[0, 0, -1]],
    "mask": lambda m, x, y: x[x > 0],
}


# %% [markdown]
# Shapes are drawn: one to three axes of length 1 to 4 for `x`; `y` has some of them set to 1 and leading ones dropped.


# %%
def random_pair(rng):
    shape = rng.integers(1, 5, size=rng.integers(1, 4))
    other = np.where(rng.random(len(shape)) < 0.3, 1, shape)[
        rng.integers(0, len(shape)) :
    ]
    return rng.normal(size=shape), rng.normal(size=other)


def deviation(operation, *arrays, seed=0):
    ours = [Tensor(array, requires_grad=True) for array in arrays]
    theirs = [torch.tensor(array, requires_grad=True) for array in arrays]
    result, expected = operation(here, *ours), operation(torch, *theirs)
    adjoint = np.random.default_rng(seed).normal(size=result.shape)
    result.backward(adjoint)
    expected.backward(torch.tensor(adjoint))
    pairs = [
        (result.data, expected.detach()),
        *((t.grad, r.grad) for t, r in zip(ours, theirs) if r.grad is not None),
    ]
    return max(
        check_close(mine, reference, rtol=1e-9, atol=1e-10) for mine, reference in pairs
    )


# %%
rng = np.random.default_rng(2)
worst = max(
    deviation(f, *random_pair(rng)) for f in operations.values() for _ in range(20)
)
print(f"{len(operations)} expressions at 20 random pairs of shapes each")
claim("autograd-against-pytorch-worst", worst, at_most=1e-10)

# %% [markdown]
# Matrix products have their own rules of shape: vectors, matrices, stacks, and stacks that broadcast.

# %%
pairs = [
    ((3,), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3,)),
    ((2, 3), (3, 4)),
    ((5, 2, 3), (3, 4)),
    ((5, 2, 3), (3,)),
]
pairs += [
    ((2, 3), (5, 3, 4)),
    ((3,), (5, 3, 4)),
    ((5, 1, 2, 3), (4, 3, 2)),
    ((4, 5, 2, 3), (4, 1, 3, 2)),
]
worst = max(
    deviation(lambda m, x, y: x @ y, rng.normal(size=one), rng.normal(size=two))
    for one, two in pairs
)
claim("autograd-matmul-against-pytorch-worst", worst, at_most=1e-10)

# %% [markdown]
# And the example that opened the page. `by_difference` holds the 2,410 slopes that took 4,820 runs.

# %%
loss.backward()
flat = np.concatenate([w.grad.ravel() for w in weights])
differences = np.concatenate([g.ravel() for g in by_difference])
claim(
    "autograd-network-against-differences",
    np.linalg.norm(flat - differences) / np.linalg.norm(flat),
    at_most=1e-7,
)
claim(
    "autograd-gradcheck-network",
    gradcheck(network_loss, initial_weights(3, (64, 2, 10))),
    at_most=1e-6,
)

# %% [markdown]
# ### A thousand layers deep, and ten thousand
#
# A chain of 10,000 sums, each adding $x$: the slope is 10,001. `Value`, which visits recursively, gives up.

# %%
x = Tensor(1.0, requires_grad=True)
total = x
for _ in range(10_000):
    total = total + x
total.backward()
claim("autograd-deep-chain-slope", x.grad, equal_to=10_001)

value = Value(1.0)
for _ in range(10_000):
    value = value + Value(1.0)
try:
    value.backward()
except RecursionError as error:
    print("Value:", type(error).__name__)

# %% [markdown]
# (sec-autograd-cost-measured)=
# ## All slopes for the price of a few runs
#
# Prediction 1. Networks of growing width, from a few hundred weights to 100,000: the time of a forward run with its
# walk back, in units of a forward run, beside the number of runs that differences need.


# %%
def seconds(function, repeats):
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return np.median(times)


def cost_in_runs(width):
    arrays = initial_weights(0, (64, width, 10))
    tensors = [Tensor(w, requires_grad=True) for w in arrays]
    ratio = seconds(lambda: network_loss(*tensors).backward(), 31) / seconds(
        lambda: plain_loss(*arrays), 31
    )
    return sum(w.size for w in arrays), ratio


# %% tags=["nbval-ignore-output"]
# timings differ from run to run
costs = np.array([cost_in_runs(width) for width in (4, 16, 64, 256, 1024)])
once = seconds(lambda: network_loss(*weights).backward(), 51)
print(f"{'weights':>8} {'runs by record':>15} {'runs by differences':>20}")
for n, ratio in costs:
    print(f"{n:8,.0f} {ratio:15.1f} {2 * n:20,.0f}")

# %%
claim("autograd-gradient-cost-in-runs-largest", costs[-1, 1], at_most=12)
claim("autograd-faster-than-differences", seconds_by_difference / once, at_least=100)

# %% mystnb={"figure": {"caption": "What a full gradient costs, in runs of the network. By differences it is twice the number of weights; by the record it stays at a few runs, from 300 weights to 77,000.", "name": "fig-autograd-cost"}, "image": {"alt": "Log-log plot of cost against number of weights. The line for differences rises with slope one from 600 to 150,000 runs; the line for the record is flat at a few runs."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.2, 3.4))
axes.loglog(
    costs[:, 0],
    2 * costs[:, 0],
    ls=DASHES[1],
    marker=MARKERS[1],
    color=COLORS["orange"],
    label="differences",
)
axes.loglog(
    costs[:, 0],
    costs[:, 1],
    ls=DASHES[0],
    marker=MARKERS[0],
    color=COLORS["blue"],
    label="the record,\nwalked back",
)
axes.set(
    xlabel="weights of the network",
    ylabel="cost of one gradient (forward runs)",
    ylim=(0.7, 4e5),
)
axes.set_title("The price of a gradient does not grow with its length")
label_lines(axes)
plt.show()

# %% [markdown]
# Prediction 1: a handful of runs, whatever the number of weights; the claim allows twelve, most of it Python's own time
# on small arrays. The reason is in the code: a product of matrices, the dearest operation, is answered by two
# products of the same size (equation {eq}`eq-autograd-matmul`), everything else by work of its own size.
#
# The direction matters. Going *backwards* gives the slopes of one output with respect to all inputs. One could
# also push a change of one input *forwards* to all outputs, at the same cost; the choice depends on which side is
# shorter, and a loss is a single number {cite:p}`baydin2018automatic`.
#
# (sec-autograd-train)=
# ## A network on digits, and two that are broken
#
# Training needs four lines. `p.grad = None` is one of them, as `backward` *adds*: the sum of equation
# {eq}`eq-autograd-adjoint` does not know where one step ends and the next begins.


# %%
def train(
    seed, add=lambda a, b: a + b, reset=True, n_epochs=12, learning_rate=0.2, batch=48
):
    rng = np.random.default_rng(seed)
    weights = [Tensor(w, requires_grad=True) for w in initial_weights(seed)]
    W1, b1, W2, b2 = weights
    accuracies = []
    for _ in range(n_epochs):
        for rows in rng.permutation(len(X_train))[
            : len(X_train) // batch * batch
        ].reshape(-1, batch):
            hidden = add(X_train[rows] @ W1, b1).relu()
            cross_entropy(add(hidden @ W2, b2), y_train[rows]).backward()
            for p in weights:
                p.data -= learning_rate * p.grad
                p.grad = None if reset else p.grad
        with no_grad():
            scores = (X_test @ W1 + b1).relu() @ W2 + b2
        accuracies.append(np.mean(scores.argmax(1) == y_test))
    return np.array(accuracies)


# %% [markdown]
# The broken rule of Prediction 2 forgets that broadcasting repeats. Where equation {eq}`eq-autograd-broadcast` sums the
# messages of all rows, it takes the first. Shapes fit, nothing is NaN. It comes in through `apply`, as any new
# operation would.


# %%
def first_row_add(a, b):
    return a + b, (lambda g: g, lambda g: g[0])


# %%
seeds = range(6)
curves = {
    "right": [train(seed) for seed in seeds],
    "wrong bias slope": [
        train(seed, add=lambda a, b: apply(first_row_add, a, b)) for seed in seeds
    ],
    "gradients never reset": [train(seed, reset=False) for seed in seeds],
}
bands = {
    name: seed_band(lambda seed, runs=runs: runs[seed][-1], seeds)
    for name, runs in curves.items()
}
claim("autograd-digits-accuracy", bands["right"].mean, within=(0.94, 0.99))
claim(
    "autograd-digits-wrong-bias-accuracy",
    bands["wrong bias slope"].mean,
    within=(0.92, 0.99),
)
claim(
    "autograd-digits-wrong-bias-loss-of-accuracy",
    bands["right"].mean - bands["wrong bias slope"].mean,
    within=(-0.015, 0.015),
)
claim(
    "autograd-digits-never-reset-accuracy",
    bands["gradients never reset"].mean,
    at_most=0.8,
)

# %% mystnb={"figure": {"caption": "Accuracy on 360 unseen digits during training; bands span six seeds. A wrong slope for every bias leaves the curve almost where it was. Gradients that are never reset ruin it.", "name": "fig-autograd-digits"}, "image": {"alt": "Accuracy against epoch. The curves right and wrong bias slope rise together to about 0.96; the curve for gradients never reset stays far below and has a wide band."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.2, 3.6))
heights = {"right": 1.0, "wrong bias slope": 0.9, "gradients never reset": None}
for n, (name, runs) in enumerate(curves.items()):
    runs, epochs, color = (
        np.array(runs),
        np.arange(1, 13),
        COLORS[("blue", "orange", "ink")[n]],
    )
    axes.fill_between(
        epochs, runs.min(axis=0), runs.max(axis=0), color=color, alpha=0.15, lw=0
    )
    axes.plot(epochs, runs.mean(axis=0), ls=DASHES[n], marker=MARKERS[n], color=color)
    height = runs.mean(axis=0)[-1] if heights[name] is None else heights[name]
    axes.annotate(
        name, (12.25, height), color=color, va="center", annotation_clip=False
    )
axes.set(
    xlabel="epoch", ylabel="accuracy on unseen digits", xlim=(0.8, 12.1), ylim=(0, 1.02)
)
axes.set_title("A wrong gradient can train as well as the right one")
plt.show()

# %% [markdown]
# Prediction 2: by next to nothing. The claim bounds the difference at one and a half points in a hundred, and the
# bands overlap. So accuracy, the number that everybody watches, does not see the fault
# ({doc}`../00_Orientation/03_checks` has three more such bugs). Two checks see it at once, and they need a second:

# %%
hidden, bias = np.random.default_rng(4).normal(size=(5, 3)), np.zeros(3)
wrong_error = gradcheck(
    lambda h, b: apply(first_row_add, h, b), [hidden, bias], tolerance=np.inf
)
right_error = gradcheck(lambda h, b: h + b, [hidden, bias])
claim("autograd-gradcheck-right-sum", right_error, at_most=1e-9)
claim("autograd-gradcheck-wrong-sum", wrong_error, at_least=0.1)


# %%
def overwriting_pick(a, index):  # puts back with = where an entry was picked twice
    def put_back(g):
        out = np.zeros(a.shape)
        out[index] = g
        return out

    return a[index], (put_back,)


try:
    gradcheck(lambda x: apply(overwriting_pick, x, index=[0, 0, 2]), [np.arange(4.0)])
except AssertionError as error:
    print(error)

# %% [markdown]
# The second is the forgotten `+=` in another dress, and the message names the entry: the one that was picked twice.
#
# ### The same losses as PyTorch, step by step
#
# The other check. Same weights, same pictures, 100 steps in float64; the two losses are compared at every step.


# %%
def losses(weights, data, targets, loss_of, n_steps=100, learning_rate=0.2):
    history = []
    for _ in range(n_steps):
        loss = loss_of(*weights, data, targets)
        loss.backward()
        for p in weights:
            p.data -= learning_rate * p.grad
            p.grad = None
        history.append(loss.item())
    return np.array(history)


def torch_loss(W1, b1, W2, b2, X, y):
    return torch.nn.functional.cross_entropy(torch.relu(X @ W1 + b1) @ W2 + b2, y)


# %%
ours = losses(
    [Tensor(w, requires_grad=True) for w in initial_weights(0)],
    X_train,
    y_train,
    network_loss,
)
leaves = [torch.tensor(w, requires_grad=True) for w in initial_weights(0)]
theirs = losses(leaves, torch.tensor(X_train), torch.tensor(y_train), torch_loss)
print(f"loss after 1 step {ours[0]:.4f}, after 100 steps {ours[-1]:.4f}")
claim(
    "autograd-training-losses-against-pytorch",
    check_close(ours, theirs, atol=1e-10),
    at_most=1e-10,
)

# %% [markdown]
# (sec-autograd-kink)=
# ## Where the check itself is wrong
#
# `relu` has no slope at 0. A central difference with step $h$ reaches across the kink from any point nearer
# than $h$, and reports a mixture of 0 and 1 that is the slope nowhere.

# %%
h = 1e-5
points = np.linspace(-2, 2, 401) * h
quotient = (np.maximum(points + h, 0) - np.maximum(points - h, 0)) / (2 * h)
leaf = Tensor(points, requires_grad=True)
leaf.relu().sum().backward()
slopes = leaf.grad

# %% mystnb={"figure": {"caption": "Near the kink of relu a central difference reports a ramp, the engine a step. Nearer than one step width the check fails though the gradient is right.", "name": "fig-autograd-kink"}, "image": {"alt": "Slope against position in units of the step width. The engine's slope jumps from 0 to 1 at position 0; the difference quotient rises linearly from 0 at minus one to 1 at plus one. The region between is shaded."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.2, 3))
axes.axvspan(-1, 1, color=COLORS["light"], alpha=0.6, lw=0)
for side in (points <= 0, points > 0):
    axes.plot(points[side] / h, slopes[side], color=COLORS["blue"], ls=DASHES[0])
axes.plot(points / h, quotient, color=COLORS["orange"], ls=DASHES[1])
axes.text(-1.95, 0.08, "relu, by the engine", color=COLORS["blue"])
axes.text(-0.72, 0.55, "central difference,\nof step h", color="#9A6A00", ha="center")
axes.set(xlabel="position x, in units of h", ylabel="slope", xlim=(-2, 2))
axes.set_title("Within one step of a kink, the difference is the one that errs")
plt.show()

# %%
tie = Tensor([2.0, 2.0, 1.0], requires_grad=True)
tie.max().backward()
at_zero = quotient[np.argmin(np.abs(points))]
print("slopes of max at a tie:", tie.grad)
claim("autograd-difference-at-kink-of-relu", at_zero, equal_to=0.5, tolerance=1e-6)
claim("autograd-engine-at-kink-of-relu", slopes[np.argmin(np.abs(points))], equal_to=0)
claim(
    "autograd-largest-error-of-check-near-kink",
    np.abs(quotient - slopes).max(),
    within=(0.49, 0.51),
)

# %% [markdown]
# At the kink itself there is no right answer, only a convention: the engine follows PyTorch, slope 0 for `relu`, and equal
# shares at a tie of `max`. So check at random points, not at round ones; zeros and ties are where they lie.
#
# ### A naive softmax does not survive its own success
#
# Equation {eq}`eq-autograd-logsumexp`, measured: the loss of one picture in float32, as scores grow.


# %%
def naive_loss(z, k):
    return -(z.exp() / z.exp().sum()).log()[k]


with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
    for scale in (1, 10, 60, 100):
        z = Tensor(np.array([1, 0, -1]) * scale, requires_grad=True, dtype=np.float32)
        naive_loss(z, 2).backward()
        safe = Tensor(z.data, requires_grad=True)
        (-safe.log_softmax(0)[2]).backward()
        print(
            f"scores up to {scale:3}: naive slopes {z.grad.round(3)}, one operation {safe.grad.round(3)}"
        )

# %%
claim("autograd-naive-softmax-broken-slopes", np.isnan(z.grad).sum(), at_least=1)
claim("autograd-stable-softmax-slopes-sum", abs(safe.grad.sum()), at_most=1e-6)

# %% [markdown]
# The slopes of a cross-entropy are $\mathbf p$ minus a one at the true class: they sum to 0 and never exceed 1. At 60 no
# exponential overflows yet, and the naive version is broken all the same: the probability of the true class is
# $e^{-120}$, below the smallest float32, so it becomes 0 and its logarithm $-\infty$. One such picture turns
# every weight into NaN at the next step.
#
# (sec-autograd-memory)=
# ## What the record keeps alive
#
# Between forward and backward the record holds every array that some pullback mentions. Here is a stack of layers of
# width 256 on 512 rows, in float32: one layer's activations are half a megabyte.


# %%
def deep(x, layers):
    for W, b in layers:
        x = (x @ W + b).relu()
    return x


def float32_layers(depth, width=256):
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=(width, width)) / width**0.5 for _ in range(depth)]
    return [
        (Tensor(W, True, np.float32), Tensor(np.zeros(width), True, np.float32))
        for W in weights
    ]


def peak_megabytes(depth):
    x, layers = Tensor(np.ones((512, 256)), dtype=np.float32), float32_layers(depth)
    tracemalloc.start()
    _ = deep(x, layers)
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    return peak


def left_after_backward(depth):
    x, layers = Tensor(np.ones((512, 256)), dtype=np.float32), float32_layers(depth)
    tracemalloc.start()
    output = deep(x, layers).sum()
    output.backward()
    left = tracemalloc.get_traced_memory()[0] - sum(
        t.grad.nbytes for pair in layers for t in pair
    )
    tracemalloc.stop()
    return left / 2**20


# %%
depths = [1, 2, 4, 8, 16]
recorded = np.array([peak_megabytes(depth) for depth in depths])
with no_grad():
    plain = np.array([peak_megabytes(depth) for depth in depths])
one_activation = 512 * 256 * 4 / 2**20
per_layer = (recorded[-1] - recorded[-2]) / 8 / one_activation
print("depth     ", depths)
print("recorded  ", recorded.round(1), "MB")
print("no record ", plain.round(1), "MB")

# %%
claim("autograd-memory-activations-per-layer", per_layer, within=(0.98, 1.05))
claim("autograd-memory-factor-at-16-layers", recorded[-1] / plain[-1], within=(4, 12))
claim("autograd-memory-left-after-backward", left_after_backward(16), at_most=0.1)

# %% mystnb={"figure": {"caption": "Peak memory of a forward run. With the record it grows by exactly one activation a layer, though each layer computes three; without it, the peak does not depend on depth.", "name": "fig-autograd-memory"}, "image": {"alt": "Peak memory in megabytes against number of layers. The recorded run grows along a straight line to about nine megabytes at 16 layers, the run without a record stays near one and a half."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.2, 3.2))
axes.plot(
    depths,
    recorded,
    ls=DASHES[0],
    marker=MARKERS[0],
    color=COLORS["blue"],
    label="recorded",
)
axes.plot(
    depths,
    plain,
    ls=DASHES[1],
    marker=MARKERS[1],
    color=COLORS["orange"],
    label="no_grad",
)
axes.set(xlabel="layers", ylabel="peak memory (MB)", xlim=(0, 16.3), ylim=(0, None))
axes.set_title("The record costs one activation a layer")
label_lines(axes)
plt.show()

# %% [markdown]
# Each layer makes three arrays: the product, the sum, the `relu`. One survives, as the others are mentioned by no
# pullback: `_add` kept the shapes only, and the output of `relu` serves twice, as its own mask and as the input that the
# next product needs. Prediction 3: 8.6 MB against 1.5 at 16 layers, and the factor grows with depth. After
# `backward` almost nothing is left, because the walk frees each node behind it. When this memory is too much, it can be
# traded for time {cite:p}`chen2016training`; {ref}`Exercise <ex-autograd-checkpoint>` builds that.
#
# (sec-autograd-practice)=
# ## In practice
#
# `torch.autograd` {cite:p}`paszke2019pytorch` is this design in C++: `grad_fn` is the `Node`, `next_functions` its
# parents, saved tensors the arrays that a pullback mentions. It adds what a page cannot: GPUs, gradients of
# gradients, and a version counter that notices when a saved array was changed in place. Its own `gradcheck` judges
# a function of ours when it is wrapped:


# %%
class OurSigmoid(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        value, (ctx.pullback,) = _sigmoid(x.detach().numpy())
        return torch.tensor(value)

    @staticmethod
    def backward(ctx, g):
        return torch.tensor(ctx.pullback(g.numpy()))


point = torch.linspace(-3, 3, 7, dtype=torch.float64, requires_grad=True)
claim(
    "autograd-passes-torch-gradcheck",
    torch.autograd.gradcheck(OurSigmoid.apply, (point,)),
    equal_to=1,
)

# %% [markdown]
# How fast is it? One training step of a network 256–256–256–10 on a batch of 128, in float32, one thread; the two
# libraries take turns and medians are compared. `make bench` does this with more care, and measures memory too.


# %%
def step(weights, data, targets, loss_of):
    h = data
    for n in (0, 2):
        h = (h @ weights[n] + weights[n + 1]).relu()
    loss_of(h @ weights[4] + weights[5], targets).backward()
    for p in weights:
        p.data -= 0.01 * p.grad
        p.grad = None


def step_ratio(width, repeats=40):
    arrays = [
        w.astype(np.float32) for w in initial_weights(0, (width, width, width, 10))
    ]
    data, targets = (
        np.random.default_rng(0).normal(size=(128, width)).astype(np.float32),
        y_train[:128],
    )
    mine, reference = (
        [make(w, requires_grad=True) for w in arrays] for make in (Tensor, torch.tensor)
    )
    torch_data, torch_targets, data = (
        torch.tensor(data),
        torch.tensor(targets),
        Tensor(data),
    )
    times = [
        (
            seconds(lambda: step(mine, data, targets, cross_entropy), 1),
            seconds(
                lambda: step(
                    reference,
                    torch_data,
                    torch_targets,
                    torch.nn.functional.cross_entropy,
                ),
                1,
            ),
        )
        for _ in range(repeats)
    ]
    return np.divide(*np.median(times, axis=0))


# %% tags=["nbval-ignore-output"]
# timings differ from run to run
ratios = {width: step_ratio(width) for width in (16, 64, 256)}
for width, ratio in ratios.items():
    print(f"width {width:3}: our step takes {ratio:.2f} times PyTorch's")

# %%
claim("autograd-step-time-over-pytorch-width-256", ratios[256], at_most=10)

# %% [markdown]
# The matrix products dominate, and both libraries hand them to a tuned BLAS: that, and not cleverness here, is why the
# ratio is small. PyTorch pulls ahead where NumPy has no answer: several cores for elementwise work, fused kernels, a GPU.
#
# | What people believe | What exposes it |
# |---|---|
# | "The loss falls, so the gradient is right." | `gradcheck` of the wrong sum, above: as good an accuracy, a wrong slope |
# | "`backward` replaces the gradient." | Call it twice: it adds. Reset before each step |
# | "`no_grad` saves time only." | {numref}`fig-autograd-memory` |
# | "Summing losses for a report is harmless." | `total = total + loss` keeps each step's record; use `loss.item()` |
# | "`x.data` can be changed at any time." | Change it between forward and backward: a wrong slope, no error (PyTorch's `.data`, too) |
# | "A gradient check in float32 will do." | `gradcheck` refuses: a difference of float32 has five digits at best |
#
# | Here | In PyTorch |
# |---|---|
# | `data` and `grad` are NumPy arrays | tensors |
# | numbers become float64 | float32 |
# | `max(dim)` is `amax`: values only, ties share | values and indices, the first of a tie takes all |
# | in-place arithmetic is refused | allowed, guarded by a version counter |
# | `backward` frees every node | only nodes that saved arrays |
# | `==` compares identity | compares elements |
#
# The two errors that beginners meet most often say what to do:

# %%
for mistake in (
    lambda: Tensor(np.ones((2, 3)), requires_grad=True).backward(),
    lambda: Tensor(np.ones((2, 3))) @ Tensor(np.ones((4, 3))),
):
    try:
        mistake()
    except (RuntimeError, ValueError) as error:
        print(f"{type(error).__name__}: {error}")

# %% [markdown]
# ## Exercises
#
# ```{exercise} Two shapes by hand
# :label: ex-autograd-hand
#
# *check · difficulty 1 of 3 · 10 minutes*
#
# Let $\mathbf{x}$ have shape (2, 1) with entries 1 and 2, $\mathbf{y}$ shape (3,) with entries 1, 0, −1, and
# $L = \sum_{ij} (x_i + y_j)^2$. With pen and paper, find $\bar{\mathbf x}$ and $\bar{\mathbf y}$. Put them into `answer`
# as a pair of lists of 2 and 3 numbers.
# ```


# %%
def test_hand(answer):
    x = Tensor([[1.0], [2.0]], requires_grad=True)
    y = Tensor([1.0, 0.0, -1.0], requires_grad=True)
    ((x + y) ** 2).sum().backward()
    assert answer is not None, "put a pair of lists into answer"
    assert len(answer[0]) == 2, "the slope of x has as many entries as x"
    assert np.allclose(answer[0], x.grad.ravel()), (
        "each x is used three times: add three messages"
    )
    assert np.allclose(answer[1], y.grad), "each y is used twice: add two messages"


answer = None  # replace
_ = try_answer(test_hand, answer)

# %% [markdown]
# ```{solution-start} ex-autograd-hand
# :class: dropdown
# ```
# The sums $x_i + y_j$ are 2, 1, 0 in the first row and 3, 2, 1 in the second, and the message of each is twice its value.
# Rows add up to $2(2+1+0) = 6$ and $2(3+2+1) = 12$, columns to $2(2+3) = 10$, $2(1+2) = 6$ and $2(0+1) = 2$.

# %%
answer_solution = ([6, 12], [10, 6, 2])
_ = try_answer(test_hand, answer_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A new operation through the door
# :label: ex-autograd-softplus
#
# *extend · difficulty 1 of 3 · 15 minutes*
#
# Write the primitive `softplus(a)`: an array in, the pair (value, pullbacks) out, for $f(x) = \log(1 + e^x)$ elementwise.
# It must be finite at $x = \pm 1000$, with slopes 1 and 0 there, and float32 must stay float32. It is used as
# `apply(softplus, x)`.
# ```


# %%
def test_softplus(softplus):
    def function(x):
        return apply(softplus, x)

    gradcheck(function, [np.linspace(-4, 4, 9)])
    far = Tensor([-1000.0, 1000.0], requires_grad=True, dtype=np.float32)
    with np.errstate(all="raise", under="ignore"):
        result = function(far)
        result.sum().backward()
    assert np.allclose(result.data, [0, 1000]), (
        "log(1 + exp(x)) overflows as it is written"
    )
    assert np.allclose(far.grad, [0, 1]), (
        "the slope is a sigmoid, which overflows as it is written"
    )
    assert result.dtype == np.float32, "float32 must stay float32"


def softplus(a):  # replace the body with your own, then run this cell again
    raise NotImplementedError


_ = try_answer(test_softplus, softplus)

# %% [markdown]
# ```{solution-start} ex-autograd-softplus
# :class: dropdown
# ```
# $\log(e^0 + e^x)$ is a log-sum-exp of two terms: with $m = \max(x, 0)$ it is $m + \log(1 + e^{-|x|})$, by equation
# {eq}`eq-autograd-logsumexp`. Its derivative is the sigmoid, whose value `_sigmoid` computes without overflow.


# %%
def softplus_solution(a):
    value = np.maximum(a, 0) + np.log1p(np.exp(-np.abs(a)))
    return value, (lambda g: g * _sigmoid(a)[0],)


_ = try_answer(test_softplus, softplus_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A faster walk that is wrong
# :label: ex-autograd-alias
#
# *break · difficulty 3 of 3 · 30 minutes*
#
# `hasty_gradient` saves an array by adding in place. It gives the right answer for `x + x`, `x + x.exp()`, and any
# chain. Write `victim(x)`, which takes a tensor of shape (3,) and returns a tensor of shape (3,), made of at most three
# operations, each of them `+` or `exp`, such that `hasty_gradient` returns a wrong slope *without an error*.
# ```


# %%
def hasty_gradient(function, point):
    leaf = Tensor(point, requires_grad=True)
    output = function(leaf)
    order = topological_order(output.grad_fn)
    pending = {output.grad_fn: np.ones(output.shape)}
    for node in reversed(order):
        for parent, pullback in zip(node.parents, node.pullbacks):
            if parent in pending:
                pending[parent] += pullback(pending[node])  # in place: one array fewer
            elif parent is not None:
                pending[parent] = pullback(pending[node])
    return pending[order[0]]


# %%
def test_alias(victim):
    point = np.array([0.5, 1.0, 1.5])
    output = victim(Tensor(point, requires_grad=True))
    assert output.shape == (3,), "victim returns a tensor of shape (3,)"
    operations = [node for node in topological_order(output.grad_fn) if node.parents]
    assert len(operations) <= 3, "at most three operations"
    assert {node.name for node in operations} <= {"add", "exp"}, (
        "sums and exponentials only"
    )
    leaf = Tensor(point, requires_grad=True)
    victim(leaf).backward(np.ones(3))
    assert np.abs(hasty_gradient(victim, point) - leaf.grad).max() > 0.1, (
        "hasty_gradient got this one right"
    )


def victim(x):  # replace the body with your own, then run this cell again
    return x + x.exp()


_ = try_answer(test_alias, victim)

# %% [markdown]
# ```{solution-start} ex-autograd-alias
# :class: dropdown
# ```
# The pullbacks of a sum hand *the same array* to both inputs. The trap needs that array to change while someone still has to
# read it. In `(x + x.exp()) + x` the outer sum gives its array to the inner sum and to `x`; then the inner sum adds its
# message to `x`, in place, and so to its own gradient, which it has yet to pass on to `exp`. That one receives 2 in
# place of 1. In `x + x.exp()` nobody reads the array after it has changed. `pending[parent] + part` in `_walk_back` is the remedy.


# %%
def victim_solution(x):
    return (x + x.exp()) + x


_ = try_answer(test_alias, victim_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Memory for time
# :label: ex-autograd-checkpoint
#
# *build · difficulty 3 of 3 · 40 minutes*
#
# Write `checkpoint(function, x)`, which returns the same tensor as `function(x)` and the same gradients for `x` *and* for
# the tensors that `function` uses from outside, and keeps nothing of what `function` computes: run it
# without a record, and when the gradient comes, run it again with one. `x` is a tensor that requires grad. Use `apply`.
# ```


# %%
def test_checkpoint(checkpoint):
    rng = np.random.default_rng(0)
    layers = [
        (Tensor(rng.normal(size=(64, 64)) / 8, True), Tensor(np.zeros(64), True))
        for _ in range(8)
    ]
    x = Tensor(rng.normal(size=(256, 64)), requires_grad=True)
    found, held = [], []
    for run in (
        lambda: deep(x, layers),
        lambda: checkpoint(lambda h: deep(h, layers), x),
    ):
        tracemalloc.start()
        output = run()
        held.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        output.sum().backward()
        found.append([output.data, x.grad, *(t.grad for pair in layers for t in pair)])
        x.grad = None
        for pair in layers:
            for t in pair:
                t.grad = None
    assert np.allclose(found[0][0], found[1][0]), "the value differs"
    assert all(g is not None for g in found[1]), (
        "a tensor used from outside got no gradient: run again *with* a record"
    )
    assert all(np.allclose(*pair) for pair in zip(*found)), "a gradient differs"
    assert held[1] < held[0] / 4, "the record of the first run is still in memory"


def checkpoint(function, x):  # replace the body with your own, then run this cell again
    return function(x)


_ = try_answer(test_checkpoint, checkpoint)

# %% [markdown]
# ```{solution-start} ex-autograd-checkpoint
# :class: dropdown
# ```
# The pullback runs `function` on a fresh leaf and walks back through that second record. The slope of the leaf is the answer; the
# tensors used from outside receive their slopes on the way, from the inner `backward`. The price is one
# more forward run. `x` must require grad, or `apply` drops the pullback; PyTorch's reentrant checkpoint has the same catch.


# %%
def checkpoint_solution(function, x):
    def rerun(array):
        with no_grad():
            value = function(Tensor(array)).data

        def pullback(g):
            leaf = Tensor(array, requires_grad=True)
            function(leaf).backward(g)
            return leaf.grad

        return value, (pullback,)

    return apply(rerun, x)


_ = try_answer(test_checkpoint, checkpoint_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In {numref}`fig-autograd-memory` the recorded line rises by half a megabyte a layer. You replace every `relu` by
# `x * x.sigmoid()`. What happens to the slope of the line?
#
# (a) Nothing, the activations have the same size. (b) It rises: more arrays are mentioned by pullbacks. (c) It falls, as
# there is no mask to keep. (d) It depends on the numbers.
#
# ```{admonition} Answer
# :class: dropdown
# (a) The size of one array is the same, but there are more of them. (b) Right: the product's pullbacks mention both
# factors, so the input and the sigmoid stay, and the product itself stays as input of the next layer: three arrays a
# layer in place of one. (c) `relu` keeps no separate mask; it uses its output, which is kept anyway. (d) What is kept is decided by
# the operations, not by the values.
# ```
#
# **2.** `h = x @ W + b` with `b` of shape (32,) and `h` of shape (128, 32). Every entry of $\bar{\mathbf h}$ is 1. What
# is $\bar{\mathbf b}$?
#
# (a) 32 ones. (b) 32 entries of 1/128. (c) 32 entries of 128. (d) It has shape (128, 32).
#
# ```{admonition} Answer
# :class: dropdown
# (a) That is one row, the fault of `first_row_add`. (b) A mean is right only if the loss has taken it; it is then in
# $\bar{\mathbf h}$ already. (c) Right: equation {eq}`eq-autograd-broadcast`, 128 messages of 1. (d) A gradient always has the shape
# of what it belongs to.
# ```
#
# **3.** A function has 3 inputs and $10^6$ outputs, and all derivatives are wanted. What is cheapest?
#
# (a) `backward` once for each output. (b) `backward` once, with a gradient of ones. (c) Pushing three changes forwards.
# (d) All the same.
#
# ```{admonition} Answer
# :class: dropdown
# (a) Right numbers, a million walks. (b) One walk, and only the slopes of the outputs' *sum*. (c) Right: each forward push
# gives one input's effect on all outputs, so three suffice. (d) The cost goes with the side from which one starts.
# ```
#
# ## What to remember
#
# An operation is a value and a pullback for each input; a record of them, walked from the last to the first, gives all
# slopes of one number for the price of a few runs. Messages that meet are added: over uses, over the copies that
# broadcasting made, over repeated picks. The memory of training is what the pullbacks mention. A wrong gradient can train
# well; a gradient check, away from kinks and in float64, is what tells. Next, the layers and optimisers that make networks
# out of this class.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
