"""Automatic differentiation.

Built in the page `scripts/04_Deep_Learning/03_autograd.py`: edit the page, not this file.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple
from numpy.typing import ArrayLike, DTypeLike

from journey.orientation.checks import check_gradient
from journey.orientation.figures import COLORS

__all__ = [
    "Node",
    "Primitive",
    "Pullback",
    "Result",
    "Tensor",
    "apply",
    "cat",
    "draw_graph",
    "gradcheck",
    "is_grad_enabled",
    "maximum",
    "no_grad",
    "stack",
    "topological_order",
    "unbroadcast",
    "where",
]

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
        raise ValueError(f"an input of shape {shape} does not broadcast to {gradient.shape}")
    repeated = tuple(new + n for n, (large, size) in enumerate(pairs) if size == 1 != large)
    return gradient.sum(axis=(*range(new), *repeated)).reshape(shape)


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


def _pow(a: np.ndarray, b: np.ndarray) -> Result:
    value = a**b

    def to_base(g: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):  # x**0 is constant, at x = 0 too
            return unbroadcast(np.where(b == 0, 0, g * b * a ** np.where(b == 0, 1, b - 1)), a.shape)

    def to_exponent(g: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):  # 0**b is 0 for all b > 0
            return unbroadcast(np.where((a == 0) & (b >= 0), 0, g * value * np.log(a)), b.shape)

    return value, (to_base, to_exponent)


def _pow_number(a: np.ndarray, exponent: float) -> Result:
    if exponent == 2:
        return a * a, (lambda g: g * (2 * a),)
    if exponent == 0:
        return np.ones_like(a), (np.zeros_like,)
    return a**exponent, (lambda g: g * (exponent * a ** (exponent - 1)),)


def _maximum(a: np.ndarray, b: np.ndarray) -> Result:
    share = np.where(a == b, 0.5, a > b).astype(np.result_type(a, b))  # a tie is shared, as in PyTorch
    shape_a, shape_b = a.shape, b.shape
    return np.maximum(a, b), (
        lambda g: unbroadcast(g * share, shape_a),
        lambda g: unbroadcast(g * (1 - share), shape_b),
    )


def _matmul(a: np.ndarray, b: np.ndarray) -> Result:
    if a.ndim == 0 or b.ndim == 0 or a.shape[-1] != b.shape[0 if b.ndim == 1 else -2]:
        raise ValueError("the last axis of the first must be as long as the second last of the second")
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
        return part.reshape(shape_a) if tall else unbroadcast(part, left_shape).reshape(shape_a)

    def to_b(g: np.ndarray) -> np.ndarray:  # eq-autograd-matmul, right
        part = left.swapaxes(-1, -2) @ g.reshape(product_shape)
        return unbroadcast(part, right_shape).reshape(shape_b)

    left_shape, right_shape = left.shape, right.shape
    return product.reshape(kept), (to_a, to_b)


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


def _getitem(a: np.ndarray, index: Any) -> Result:
    shape = a.shape
    parts = index if isinstance(index, tuple) else (index,)
    plain = all(
        part is None or part is Ellipsis or isinstance(part, int | np.integer | slice) for part in parts
    )
    mask = isinstance(index, np.ndarray) and index.dtype == bool
    rows = isinstance(index, np.ndarray) and index.dtype.kind in "iu" and a.size > 0

    def put_back(g: np.ndarray) -> np.ndarray:
        out = np.zeros(shape, dtype=g.dtype)
        if plain or mask:  # nothing is picked twice
            out[index] = g
        elif rows:
            width = out[0].size
            places = index.reshape(-1, 1) * width + np.arange(width)  # a negative row counts from the end
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


def _mean(a: np.ndarray, dim: int | tuple[int, ...] | None, keepdim: bool) -> Result:
    axes, shape = _axes(dim, a.ndim), a.shape
    n = max(int(np.prod([shape[axis] for axis in axes])), 1)
    return a.mean(axis=axes, keepdims=keepdim), (
        lambda g: np.broadcast_to((g if keepdim else np.expand_dims(g, axes)) / n, shape),
    )


def _extremum(a: np.ndarray, dim: int | tuple[int, ...] | None, keepdim: bool, largest: bool) -> Result:
    axes = _axes(dim, a.ndim)
    best = (np.max if largest else np.min)(a, axis=axes, keepdims=True)
    hit = a == best

    def pull(g: np.ndarray) -> np.ndarray:
        count = hit.sum(axis=axes, keepdims=True).astype(g.dtype)
        return hit * ((g if keepdim else np.expand_dims(g, axes)) / count)

    return best if keepdim else np.squeeze(best, axis=axes), (pull,)


def _var(a: np.ndarray, dim: int | tuple[int, ...] | None, keepdim: bool, correction: float) -> Result:
    axes = _axes(dim, a.ndim)
    n = int(np.prod([a.shape[axis] for axis in axes])) - correction
    if n <= 0:
        raise ValueError(f"variance needs more than correction={correction} values")
    centred = a - a.mean(axis=axes, keepdims=True)
    return (centred * centred).sum(axis=axes, keepdims=keepdim) / n, (
        lambda g: centred * ((g if keepdim else np.expand_dims(g, axes)) * (2 / n)),
    )


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
            stack.extend((parent, False) for parent in node.parents if parent is not None)
    return order


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
        raise ValueError(f"{name} returned {len(pullbacks)} pullbacks for {len(tensors)} inputs")
    result = Tensor._wrap(np.asarray(value))
    if _RECORDING.get() and any(tensor._node is not None for tensor in tensors):
        parents = [None if pull is None else tensor._node for tensor, pull in zip(tensors, pullbacks)]
        kept = [None if parent is None else pull for parent, pull in zip(parents, pullbacks)]
        result._node = Node(result, name, parents, kept)
    return result


class _TensorState:
    __slots__ = ("__weakref__", "_node", "_retains_grad", "data", "grad")
    data: np.ndarray
    grad: np.ndarray | None
    _node: Node | None
    _retains_grad: bool
    __array_ufunc__ = None  # so that `array * tensor` calls the tensor's __rmul__

    def __init__(self, data: Any, requires_grad: bool = False, dtype: DTypeLike | None = None) -> None:
        self.data = np.array(data.data if isinstance(data, _TensorState) else data, dtype=dtype)
        if self.data.dtype.kind not in "fiub":
            raise ValueError(f"a tensor holds real numbers, got an array of dtype {self.data.dtype}")
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
            raise RuntimeError("requires_grad can be changed only on a leaf; use detach()")
        if value and self.data.dtype.kind != "f":
            raise RuntimeError(f"only floating-point tensors can require grad, this one is {self.data.dtype}")
        self._node = (self._node or Node(self)) if value else None  # type: ignore[arg-type]

    @property
    def is_leaf(self) -> bool:
        """Whether the tensor was made by hand rather than computed from one that requires grad."""
        return self._node is None or self._node.name == "leaf"


class _TensorBackward(_TensorState):
    __slots__ = ()

    def backward(self, gradient: Tensor | ArrayLike | None = None, *, retain_graph: bool = False) -> None:
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
            raise RuntimeError("this tensor does not require grad: no graph leads to it")
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
            raise ValueError(f"gradient has shape {seed.shape}, the tensor has shape {self.data.shape}")
        _walk_back(self._node, seed, retain_graph)


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
            raise ValueError(f"item() needs one element, the tensor has shape {self.data.shape}")
        return self.data.item()


class _TensorOperators(_TensorDoors):
    __slots__ = ()

    def _like(self, other: Any) -> Any:
        """A number as an array of this tensor's dtype (float64 for a float beside integers)."""
        if isinstance(other, float | int) and not isinstance(other, bool):
            number = float(other) if isinstance(other, float) else int(other)
            return Tensor._wrap(np.asarray(number, dtype=np.result_type(self.data, number)))
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
        raise RuntimeError("in-place arithmetic is refused, the graph may hold this array: write x = x + …")

    __radd__, __rmul__ = __add__, __mul__
    __iadd__ = __isub__ = __imul__ = __itruediv__ = __ipow__ = __imatmul__ = _refuse


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

    def var(self, dim: _Dim = None, correction: float = 1, keepdim: bool = False) -> Tensor:
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
        first, last = (normalize_axis_index(dim, len(shape)) for dim in (start_dim, end_dim))
        if first > last:
            raise ValueError(f"start_dim {start_dim} comes after end_dim {end_dim} for shape {shape}")
        middle = int(np.prod(shape[first : last + 1]))
        return self.reshape(*shape[:first], middle, *shape[last + 1 :])

    def squeeze(self, dim: _Dim = None) -> Tensor:
        """Drop dimensions of size 1: those named, or all."""
        axes = [n for n in _axes(dim, self.data.ndim) if self.data.shape[n] == 1]
        return self.reshape([size for n, size in enumerate(self.data.shape) if n not in axes])

    def unsqueeze(self, dim: int) -> Tensor:
        """Insert a dimension of size 1."""
        axis = normalize_axis_index(dim, self.data.ndim + 1)
        return self.reshape([*self.data.shape[:axis], 1, *self.data.shape[axis:]])


class _TensorIndexing(_TensorShapes):
    __slots__ = ()

    def expand(self, *sizes: Any) -> Tensor:
        """Repeat axes of size 1 without copying; -1 keeps a size."""
        wanted = _flat(sizes)
        old = (1,) * (len(wanted) - self.data.ndim) + self.data.shape
        return apply(_expand, self, shape=tuple(o if w == -1 else w for w, o in zip(wanted, old)))

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
        plain = [_as_index(part) for part in index] if isinstance(index, tuple) else _as_index(index)
        return apply(_getitem, self, index=tuple(plain) if isinstance(index, tuple) else plain)

    def to(self, dtype: DTypeLike) -> Tensor:
        """Convert to another dtype; gradients are converted back."""
        return apply(_cast, self, dtype=dtype)


def _flat(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    """``x.reshape(2, 3)`` and ``x.reshape((2, 3))`` mean the same."""
    return tuple(sizes[0]) if len(sizes) == 1 and not isinstance(sizes[0], int | np.integer) else sizes


def _as_index(part: Any) -> Any:
    if isinstance(part, Tensor):
        return part.data
    return np.asarray(part, dtype=None if len(part) else int) if isinstance(part, list) else part


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
    T = property(lambda self: self.permute(range(self.data.ndim)[::-1]), doc="All axes reversed.")

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[n] for n in range(len(self)))

    def __bool__(self) -> bool:
        return bool(self.data)

    def __float__(self) -> float:
        return float(self.item())

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
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
    mask = np.asarray(condition.data if isinstance(condition, Tensor) else condition, dtype=bool)
    first = a if isinstance(a, Tensor) else b._like(a) if isinstance(b, Tensor) else Tensor(a)
    return apply(_where, first, first._like(b), condition=mask)


def maximum(a: Tensor, b: Any) -> Tensor:
    """The larger of two, element by element; a tie shares the gradient."""
    return apply(_maximum, a, a._like(b))


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
        columns[column] = dict.fromkeys(sorted(columns[column], key=heights.__getitem__))
        for n, slot in enumerate(columns[column]):
            place[slot] = (float(column), n - (len(columns[column]) - 1) / 2)
    return place, paths


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
    lines = ["  ".join(part for part in (f"$\\bf{{{name}}}$" if name else "", symbol) if part)]
    scalar = tensor is not None and tensor.data.size == 1
    lines.append(f"{tensor.item():.4g}" if scalar and tensor is not None else str(node.shape))
    if tensor is not None and tensor.grad is not None:
        lines.append(f"grad {tensor.grad.item():.4g}" if scalar else f"grad {node.shape}")
    box = {"boxstyle": "round,pad=0.45", "edgecolor": COLORS["ink"], "linewidth": 1.1}
    box["facecolor"] = "white" if symbol else COLORS["light"]
    text = "\n".join(line for line in lines if line)
    axes.text(*place, text, ha="center", va="center", fontsize=9.5, bbox=box, zorder=2)


def draw_graph(axes: Axes, output: Tensor, names: dict[str, Tensor] | None = None) -> None:
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
    axes.set(xlim=(xs.min() - 0.5, xs.max() + 0.5), ylim=(ys.min() - 0.6, ys.max() + 0.6))
    axes.axis("off")


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
        raise ValueError(f"gradcheck needs float64 inputs, got {[str(tensor.dtype) for tensor in tensors]}")
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


# seal: 23d1714dd9bd0466
