"""Neural network library.

Built in the page `scripts/04_Deep_Learning/04_neural_network_library.py`: edit the page, not this file.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import ArrayLike, DTypeLike
from tqdm import tqdm

from journey.deep_learning.autograd import Tensor, apply, no_grad

__all__ = [
    "CrossEntropyLoss",
    "DataLoader",
    "Flatten",
    "Linear",
    "MSELoss",
    "Module",
    "ModuleList",
    "OptimizerLike",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Tanh",
    "TensorDataset",
    "Trainer",
    "load_checkpoint",
    "save_checkpoint",
]


class Parameter(Tensor):
    """A tensor that a module learns: a leaf that requires a gradient.

    Parameters
    ----------
    data : array_like of floats
        Copied.
    dtype : dtype, optional

    Raises
    ------
    RuntimeError
        If the data are not floating-point numbers.
    """

    __slots__ = ()

    def __init__(self, data: Any, dtype: DTypeLike | None = None) -> None:
        super().__init__(data, requires_grad=True, dtype=dtype)


class _Registry:
    """Knows which attributes are parameters, buffers and modules."""

    _kinds: dict[str, str]

    def __init__(self) -> None:
        object.__setattr__(self, "_kinds", {})
        self.training = True

    def __setattr__(self, name: str, value: Any) -> None:
        kinds = self.__dict__.get("_kinds")
        kind = {Parameter: "parameter"}.get(type(value))
        kind = "module" if isinstance(value, _Registry) else kind
        if kinds is None and kind:
            raise AttributeError(f"call super().__init__() before assigning {name!r}")
        old = kinds.get(name) if kinds else None
        if kind and kinds is not None:
            kinds[name] = kind
        elif old in ("parameter", "module") and value is not None:
            raise TypeError(
                f"{name!r} is a {old}; a {type(value).__name__} cannot take its place (to "
                f"change its numbers, write to {name}.data)"
            )
        object.__setattr__(self, name, value)

    def register_buffer(self, name: str, value: np.ndarray) -> None:
        """Keep an array with the parameters, but do not learn it."""
        self._kinds[name] = "buffer"
        object.__setattr__(self, name, np.asarray(value))

    def _named(self, kind: str, prefix: str = "") -> Iterator[tuple[str, Any]]:
        """All of a kind below here with their paths, own ones first."""
        for name, own in self._kinds.items():
            if own == kind and getattr(self, name) is not None:
                yield prefix + name, getattr(self, name)
        for name, own in self._kinds.items():
            if own == "module" and getattr(self, name) is not None:
                yield from getattr(self, name)._named(kind, f"{prefix}{name}.")


class _Walks(_Registry):
    """What a walk through the tree can answer."""

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Paths and parameters; one that has two paths (tied weights) comes once."""
        seen: set[int] = set()
        for name, parameter in self._named("parameter"):
            if id(parameter) not in seen:
                seen.add(id(parameter))
                yield name, parameter

    def parameters(self) -> Iterator[Parameter]:
        """All parameters, each once."""
        return (parameter for _, parameter in self.named_parameters())

    def named_modules(self) -> Iterator[tuple[str, _Registry]]:
        """Paths and modules below here, this one excepted."""
        return self._named("module")

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters():
            parameter.grad = None

    def train(self, mode: bool = True) -> Self:
        """Behave as in training, or (``train(False)``, ``eval()``) as in use."""
        self.training = mode
        for _, module in self.named_modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Behave as in use: no dropout, running statistics."""
        return self.train(False)

    def to(self, dtype: DTypeLike) -> Self:
        """Convert parameters and floating-point buffers, in place; gradients are lost."""
        for parameter in self.parameters():
            parameter.requires_grad, parameter.grad = False, None
            parameter.data = parameter.data.astype(dtype)
            parameter.requires_grad = True
        everything: list[_Registry] = [self, *(m for _, m in self.named_modules())]
        for module in everything:
            for name, kind in module._kinds.items():
                if kind == "buffer" and getattr(module, name).dtype.kind == "f":
                    object.__setattr__(module, name, getattr(module, name).astype(dtype))
        return self


class Module(_Walks):
    """Base class of layers and networks, with PyTorch's names.

    A subclass calls ``super().__init__()``, assigns parameters and modules to attributes,
    and defines ``forward``.
    """

    def forward(self, *inputs: Any) -> Any:
        """Compute the output; a subclass must define it."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def __call__(self, *inputs: Any) -> Any:
        return self.forward(*inputs)

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of all parameters and buffers, by path."""
        arrays = {name: p.data.copy() for name, p in self._named("parameter")}
        return arrays | {name: np.array(b) for name, b in self._named("buffer")}

    def load_state_dict(self, state: Mapping[str, ArrayLike]) -> None:
        """Write arrays into parameters and buffers of these paths; all or nothing.

        Raises
        ------
        ValueError
            If a path is missing or unknown, or a shape differs; it lists every case.
        """
        own: dict[str, np.ndarray] = {n: p.data for n, p in self._named("parameter")}
        own |= dict(self._named("buffer"))
        wrong = [f"missing: {name}" for name in own if name not in state]
        wrong += [f"unknown: {name}" for name in state if name not in own]
        wrong += [
            f"{name}: the module has shape {array.shape}, the state {np.shape(state[name])}"
            for name, array in own.items()
            if name in state and np.shape(state[name]) != array.shape
        ]
        if wrong:
            raise ValueError("the state does not fit; nothing was loaded\n  " + "\n  ".join(wrong))
        for name, array in own.items():
            array[...] = state[name]

    def extra_repr(self) -> str:
        """What the printed tree says of this module."""
        return ""

    def __repr__(self) -> str:
        names = [n for n, kind in self._kinds.items() if kind == "module"]
        lines = [f"({n}): {getattr(self, n)!r}".replace("\n", "\n  ") for n in names]
        body = "\n  " + "\n  ".join(lines) + "\n" if lines else self.extra_repr()
        return f"{type(self).__name__}({body})"


class Linear(Module):
    """y = x Wᵀ + b for the last axis, equation eq-library-linear.

    Parameters
    ----------
    in_features, out_features : int
    bias : bool
    rng : numpy.random.Generator, optional
        Draws the first weights, uniform within 1/√in_features; a fresh one by default.
    dtype : dtype
        float32, as in PyTorch, unless said otherwise.

    Raises
    ------
    ValueError
        If a size is below 1, or the input's last axis is not in_features long.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        rng: np.random.Generator | None = None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        super().__init__()
        if in_features < 1 or out_features < 1:
            raise ValueError(f"sizes must be at least 1, got {in_features}, {out_features}")
        rng = rng or np.random.default_rng()
        self.in_features, self.out_features = in_features, out_features
        limit = 1 / in_features**0.5
        weight = rng.uniform(-limit, limit, (out_features, in_features))
        self.weight = Parameter(weight, dtype=dtype)
        self.bias = None
        if bias:
            self.bias = Parameter(rng.uniform(-limit, limit, out_features), dtype=dtype)

    def forward(self, x: Tensor) -> Tensor:
        """Input (…, in_features), output (…, out_features)."""
        if x.ndim == 0 or x.shape[-1] != self.in_features:
            raise ValueError(
                f"input of shape {x.shape} does not fit weight of shape {self.weight.shape}: "
                f"its last axis must be {self.in_features} long"
            )
        y = x @ self.weight.T
        return y if self.bias is None else y + self.bias

    def extra_repr(self) -> str:
        """Sizes."""
        return f"{self.in_features}, {self.out_features}, bias={self.bias is not None}"


class ReLU(Module):
    """max(0, x)."""

    def forward(self, x: Tensor) -> Tensor:
        """Elementwise."""
        return x.relu()


class Tanh(Module):
    """Hyperbolic tangent."""

    def forward(self, x: Tensor) -> Tensor:
        """Elementwise."""
        return x.tanh()


class Sigmoid(Module):
    """1 / (1 + exp(-x))."""

    def forward(self, x: Tensor) -> Tensor:
        """Elementwise."""
        return x.sigmoid()


class Flatten(Module):
    """All axes after the first become one."""

    def forward(self, x: Tensor) -> Tensor:
        """Input (n, …), output (n, product of the rest)."""
        return x.flatten(1)


class ModuleList(Module):
    """A list of modules that the tree knows of, unlike a Python list."""

    def __init__(self, modules: Sequence[Module] = ()) -> None:
        super().__init__()
        for module in modules:
            self.append(module)

    def append(self, module: Module) -> None:
        """Add a module at the end."""
        setattr(self, str(len(self)), module)

    def __len__(self) -> int:
        return len(self._kinds)

    def __iter__(self) -> Iterator[Module]:
        return (getattr(self, name) for name in self._kinds)

    def __getitem__(self, n: int) -> Module:
        found: Module = getattr(self, str(range(len(self))[n]))
        return found


class Sequential(ModuleList):
    """Modules that run one after the other."""

    def __init__(self, *modules: Module) -> None:
        super().__init__(modules)

    def forward(self, x: Any) -> Any:
        """The last module's output."""
        for module in self:
            x = module(x)
        return x


def _cross_entropy(
    z: np.ndarray, targets: np.ndarray, smoothing: float
) -> tuple[np.ndarray, tuple[Callable[[np.ndarray], np.ndarray]]]:
    (n, k), rows = z.shape, np.arange(len(z))
    shifted = z - z.max(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        loss = -(1 - smoothing) * log_p[rows, targets]
        if smoothing:
            loss = loss - smoothing * log_p.mean(axis=1)

    def pull(g: np.ndarray) -> np.ndarray:
        d = np.exp(log_p) - smoothing / k
        d[rows, targets] -= 1 - smoothing
        return d * (g / n)

    return np.asarray(loss.mean()), (pull,)


class CrossEntropyLoss(Module):
    """Mean over a batch of -log softmax(scores)[target], equation eq-library-loss.

    Parameters
    ----------
    label_smoothing : float in [0, 1)
        Share of the target that is spread evenly over all classes.

    Raises
    ------
    ValueError
        From a call: empty batch, shapes that do not fit, targets that are not class
        numbers, or a loss that is not finite.
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        super().__init__()
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"label_smoothing must be in [0, 1), got {label_smoothing}")
        self.label_smoothing = label_smoothing

    def forward(self, scores: Tensor, targets: ArrayLike) -> Tensor:
        """Scores (n, k) and class numbers (n,); a tensor of one number."""
        t = np.asarray(targets)
        if scores.ndim != 2 or t.shape != scores.shape[:1] or 0 in scores.shape:
            raise ValueError(
                f"need scores (n, k) and n ≥ 1 targets (n,), got shapes {scores.shape} and {t.shape}"
            )
        if t.dtype.kind not in "iu" or t.min() < 0 or t.max() >= scores.shape[1]:
            raise ValueError(
                f"targets must be whole numbers from 0 to {scores.shape[1] - 1}, got "
                f"{t.dtype} from {t.min()} to {t.max()}"
            )
        loss = apply(_cross_entropy, scores, targets=t, smoothing=self.label_smoothing)
        _refuse_poison(loss, scores)
        return loss


class MSELoss(Module):
    """Mean squared difference over all entries."""

    def forward(self, prediction: Tensor, target: ArrayLike) -> Tensor:
        """Two of the same shape; a tensor of one number."""
        shape = np.shape(target)
        if prediction.shape != shape or 0 in shape:
            raise ValueError(f"need equal shapes that are not empty, got {prediction.shape} and {shape}")
        loss = ((prediction - target) ** 2).mean()
        _refuse_poison(loss, prediction)
        return loss


def _refuse_poison(loss: Tensor, output: Tensor) -> None:
    """Raise a ValueError if the loss is not finite: the next step would spoil all weights."""
    if not np.isfinite(loss.data):
        bad = int((~np.isfinite(output.data)).sum())
        raise ValueError(
            f"the loss is {loss.item()}; {bad} of {output.data.size} outputs (shape "
            f"{output.shape}) are not finite. Look at the inputs, and lower the learning rate"
        )


class TensorDataset:
    """Arrays of equal length, indexed together.

    Raises
    ------
    ValueError
        If there is none, or lengths differ.
    """

    def __init__(self, *arrays: ArrayLike) -> None:
        self.arrays = [np.asarray(a) for a in arrays]
        if not self.arrays or len({len(a) for a in self.arrays}) != 1:
            raise ValueError(f"need arrays of equal length, got {[a.shape for a in self.arrays]}")

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __getitem__(self, rows: Any) -> tuple[np.ndarray, ...]:
        return tuple(a[rows] for a in self.arrays)


class DataLoader:
    """Batches of a data set, in a new order for each pass.

    Parameters
    ----------
    dataset : TensorDataset, or anything with ``len`` and ``dataset[i]``, a tuple of arrays
    batch_size : int
    shuffle : bool
    drop_last : bool
        Leave out a last batch that is not full.
    rng : numpy.random.Generator, optional
        Draws the orders; ``default_rng(0)`` by default, so that runs can be repeated.

    Raises
    ------
    ValueError
        If the batch size is below 1 or the data set empty.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        shuffle: bool = False,
        *,
        drop_last: bool = False,
        rng: np.random.Generator | None = None,
    ) -> None:
        if batch_size < 1 or len(dataset) == 0:
            raise ValueError(f"need batch_size >= 1 and rows, got {batch_size}, {len(dataset)}")
        self.dataset, self.batch_size, self.shuffle = dataset, batch_size, shuffle
        self.drop_last, self.rng = drop_last, rng or np.random.default_rng(0)

    def __len__(self) -> int:
        n, size = len(self.dataset), self.batch_size
        return n // size if self.drop_last else -(-n // size)

    def __iter__(self) -> Iterator[tuple[np.ndarray, ...]]:
        n = len(self.dataset)
        order = self.rng.permutation(n) if self.shuffle else np.arange(n)
        for b in range(len(self)):
            rows = order[b * self.batch_size : (b + 1) * self.batch_size]
            if isinstance(self.dataset, TensorDataset):
                yield self.dataset[rows]
            else:
                yield tuple(map(np.stack, zip(*(self.dataset[int(i)] for i in rows))))


def _pack(tree: Any, path: str, arrays: dict[str, np.ndarray]) -> Any:
    """JSON for a tree of dicts, lists, numbers and text; its arrays move to ``arrays``."""
    if isinstance(tree, np.generic):
        tree = tree.item()
    if isinstance(tree, np.ndarray):
        arrays[path] = np.ascontiguousarray(tree).reshape(tree.shape)
        return {"array": path}
    if isinstance(tree, Mapping):
        return {"dict": [[k, _pack(v, f"{path}/{k}", arrays)] for k, v in tree.items()]}
    if isinstance(tree, (list, tuple)):
        return {"list": [_pack(v, f"{path}/{n}", arrays) for n, v in enumerate(tree)]}
    if tree is None or isinstance(tree, (bool, int, float, str)):
        return {"value": tree}
    raise ValueError(f"{path} is a {type(tree).__name__}; a checkpoint holds arrays, numbers and text")


def _unpack(packed: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    ((kind, content),) = packed.items()
    if kind == "array":
        return arrays[content]
    if kind == "dict":
        return {k: _unpack(v, arrays) for k, v in content}
    return [_unpack(v, arrays) for v in content] if kind == "list" else content


def save_checkpoint(path: str | Path, tree: Any) -> None:
    """Write a tree of dicts, lists, arrays, numbers and text; the file is old or new, never half.

    Raises
    ------
    ValueError
        If the tree holds anything else.
    """
    path, arrays = Path(path), dict[str, np.ndarray]()
    packed = json.dumps(_pack(tree, "", arrays))
    new = path.with_name(path.name + ".new")
    with new.open("wb") as file:
        file.write(safetensors.numpy.save(arrays, {"tree": packed}))
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)


def load_checkpoint(path: str | Path) -> Any:
    """Read what ``save_checkpoint`` wrote; lists and tuples come back as lists.

    Raises
    ------
    ValueError
        If the file is no checkpoint, or damaged.
    """
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            packed, names = (
                json.loads((file.metadata() or {})["tree"]),
                list(file.keys()),
            )
            return _unpack(packed, {name: file.get_tensor(name) for name in names})
    except (safetensors.SafetensorError, KeyError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is not a checkpoint, or damaged: {error}") from error


class OptimizerLike(Protocol):
    """What a trainer asks of an optimiser."""

    def step(self) -> None:
        """Move the parameters along their gradients."""

    def zero_grad(self) -> None:
        """Forget the gradients."""

    def state_dict(self) -> dict[str, Any]:
        """What it remembers between steps."""

    def load_state_dict(self, state: Any) -> None:
        """Remember that again."""


class _Run:
    """Where a training run stands, and how that is stored."""

    model: Module
    optimizer: OptimizerLike
    loader: DataLoader

    def __init__(self, generators: Sequence[np.random.Generator], checkpoint: str | Path | None) -> None:
        self.generators = list(generators)
        self.checkpoint = None if checkpoint is None else Path(checkpoint)
        self.epoch = self.step = self.in_epoch = 0
        self.total, self.history = 0.0, list[dict[str, float]]()
        self._order: Any = None

    def state_dict(self) -> dict[str, Any]:
        """Everything that the rest of the run depends on."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "order": self._order,
            "generators": [g.bit_generator.state for g in self.generators],
            "place": [self.epoch, self.step, self.in_epoch],
            "total": self.total,
            "history": self.history,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue where that state was taken."""
        if len(state["generators"]) != len(self.generators):
            raise ValueError(
                f"the checkpoint has {len(state['generators'])} generators, this run {len(self.generators)}"
            )
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.epoch, self.step, self.in_epoch = state["place"]
        self.total, self.history = state["total"], list(state["history"])
        self._order = state["order"]
        if self._order is not None:
            self.loader.rng.bit_generator.state = self._order
        for generator, old in zip(self.generators, state["generators"]):
            generator.bit_generator.state = old

    def save(self) -> None:
        """Write the checkpoint, if the run has one."""
        if self.checkpoint is not None:
            save_checkpoint(self.checkpoint, self.state_dict())


class Trainer(_Run):
    """A training loop that a kill cannot change.

    Parameters
    ----------
    model, loss_function, optimizer, loader
        ``loss_function(model(inputs), targets)`` for each batch (inputs, targets).
    evaluate : callable, optional
        Takes the model, in eval mode and without recording, after each epoch; returns
        numbers by name.
    generators : sequence of numpy.random.Generator
        All that the model or the data draw from, besides the loader's own.
    checkpoint : path, optional
        Written every ``every`` steps and after each epoch; if it exists when ``fit``
        begins, the run goes on from there.
    every : int
        Steps between checkpoints; 0: only after epochs.

    Attributes
    ----------
    history : list of dict
        For each finished epoch its mean loss, and what ``evaluate`` returned.
    """

    def __init__(
        self,
        model: Module,
        loss_function: Callable[[Any, Any], Tensor],
        optimizer: OptimizerLike,
        loader: DataLoader,
        *,
        evaluate: Callable[[Module], dict[str, float]] | None = None,
        generators: Sequence[np.random.Generator] = (),
        checkpoint: str | Path | None = None,
        every: int = 0,
    ) -> None:
        super().__init__(generators, checkpoint)
        self.model, self.loss_function = model, loss_function
        self.optimizer, self.loader = optimizer, loader
        self.evaluate, self.every = evaluate, every

    def train_step(self, inputs: np.ndarray, targets: np.ndarray) -> float:
        """One step on one batch; returns its loss."""
        output = self.model(Tensor(inputs))
        loss = self.loss_function(output, targets)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return float(loss.item())

    def fit(self, epochs: int) -> list[dict[str, float]]:
        """Train until that many epochs are done; returns the history."""
        if self.checkpoint is not None and self.step == 0 and self.checkpoint.exists():
            self.load_state_dict(load_checkpoint(self.checkpoint))
        hidden = not sys.stderr.isatty()
        while self.epoch < epochs:
            if self.in_epoch == 0:
                self._order = self.loader.rng.bit_generator.state
            done = self.in_epoch
            bar = tqdm(total=len(self.loader), initial=done, disable=hidden, leave=False)
            self.model.train()
            for inputs, targets in islice(iter(self.loader), done, None):
                self.total += self.train_step(inputs, targets)
                self.step, self.in_epoch = self.step + 1, self.in_epoch + 1
                bar.update()
                if self.every and self.step % self.every == 0:
                    self.save()
            bar.close()
            self._finish_epoch()
        return self.history

    def _finish_epoch(self) -> None:
        entry = {"loss": self.total / max(self.in_epoch, 1)}
        if self.evaluate is not None:
            self.model.eval()
            with no_grad():
                entry |= self.evaluate(self.model)
        self.history.append(entry)
        self.epoch, self.in_epoch, self.total = self.epoch + 1, 0, 0.0
        self._order = self.loader.rng.bit_generator.state
        self.save()


# seal: 9481a20d4e6acb78
