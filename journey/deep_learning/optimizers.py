"""Optimizers.

Built in the page `scripts/04_Deep_Learning/05_optimizers.py`: edit the page, not this file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from journey.deep_learning.autograd import Tensor

__all__ = ["SGD", "Adam", "AdamW", "LambdaLR", "Optimizer", "RMSprop", "clip_grad_norm_", "warmup_cosine"]

_SIGNED = ("dampening", "betas", "nesterov", "amsgrad")  # not a size: checked elsewhere


def _copy(memory: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: np.copy(v) if isinstance(v, np.ndarray) else v for k, v in entry.items()} for entry in memory]


def _refuse(n: int, x: np.ndarray, g: np.ndarray) -> None:
    """Raise if the gradient g of parameter n has another shape, or is not finite."""
    if np.shape(g) != x.shape:
        raise ValueError(f"parameter {n} is {x.shape}, its gradient {np.shape(g)}")
    if np.size(g) and not (math.isfinite(np.min(g)) and math.isfinite(np.max(g))):
        raise ValueError(f"the gradient of parameter {n}, of shape {x.shape}, is not finite")


class Optimizer:
    """Base of the optimisers: parameters, settings, and a memory for each parameter.

    A subclass implements ``_update(x, g, state)``: change the array x in place, leave
    g as it is, and keep in the dictionary ``state`` what the next step needs.

    Parameters
    ----------
    params : iterable of Tensor
        Each with ``data`` and ``grad``; each once.
    settings : float or bool, by name
        Available as attributes, so that a schedule can change ``lr``.

    Raises
    ------
    ValueError
        If there are no parameters, one comes twice, or a setting is negative or
        not finite.
    """

    lr: float

    def __init__(self, params: Iterable[Tensor], **settings: Any) -> None:
        self.params = list(params)
        if not self.params or len({id(p) for p in self.params}) != len(self.params):
            raise ValueError(f"need parameters, each once; got {len(self.params)}")
        for name, value in settings.items():
            if name not in _SIGNED and not 0 <= value < math.inf:
                raise ValueError(f"{name} must not be negative and must be finite, got {value}")
        self._names = tuple(settings)
        self.__dict__.update(settings)
        self.state: list[dict[str, Any]] = [{} for _ in self.params]
        self._spare: dict[Any, np.ndarray] = {}

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for p in self.params:
            p.grad = None

    def step(self) -> None:
        """Move every parameter that has a gradient.

        Raises
        ------
        ValueError
            If a gradient is not finite or of another shape; nothing has moved then.
        """
        for n, p in enumerate(self.params):
            if p.grad is not None:
                _refuse(n, p.data, p.grad)
        for p, state in zip(self.params, self.state):
            if p.grad is not None:
                self._update(p.data, p.grad, state)

    def _update(self, x: np.ndarray, g: np.ndarray, state: dict[str, Any]) -> None:
        raise NotImplementedError(f"{type(self).__name__} has no update")

    def _workspace(self, x: np.ndarray, which: int = 0) -> np.ndarray:
        """An array like x with any content, the same memory in every step."""
        flat = self._spare.get((x.dtype, which))
        if flat is None or flat.size < x.size:
            size = max(p.data.size for p in self.params)
            flat = self._spare[x.dtype, which] = np.empty(size, x.dtype)
        return flat[: x.size].reshape(x.shape)

    def state_dict(self) -> dict[str, Any]:
        """Copies of the memory, and the settings."""
        settings = {name: getattr(self, name) for name in self._names}
        return {"state": _copy(self.state), "settings": settings}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue with a memory and settings that ``state_dict`` returned.

        Raises
        ------
        ValueError
            If they are of other parameters or of another kind of optimiser.
        """
        memory, settings = state["state"], state["settings"]
        if len(memory) != len(self.params) or set(settings) != set(self._names):
            raise ValueError(
                f"the state is of {len(memory)} parameters with {sorted(settings)}, "
                f"this optimiser has {len(self.params)} with {sorted(self._names)}"
            )
        for n, (p, entry) in enumerate(zip(self.params, memory)):
            for name, v in entry.items():
                if isinstance(v, np.ndarray) and v.shape != p.shape:
                    raise ValueError(f"{name} of parameter {n} is {v.shape}, not {p.shape}")
        self.state = _copy(memory)
        self.__dict__.update(settings)


class SGD(Optimizer):
    """Gradient descent with momentum, equation eq-optimizers-momentum.

    Parameters
    ----------
    params : iterable of Tensor
    lr : float
    momentum, dampening, weight_decay : float
        Dampening d adds (1 - d) times the gradient to the velocity.
    nesterov : bool

    Raises
    ------
    ValueError
        If Nesterov's variant is asked for without momentum or with dampening.

    References
    ----------
    Polyak (1964); Sutskever et al. (2013) for the form of Nesterov's method. Equal to
    ``torch.optim.SGD``.
    """

    momentum: float
    dampening: float
    weight_decay: float
    nesterov: bool

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("nesterov needs momentum above zero and no dampening")
        super().__init__(
            params,
            lr=lr,
            momentum=momentum,
            dampening=dampening,
            weight_decay=weight_decay,
            nesterov=nesterov,
        )

    def _update(self, x: np.ndarray, g: np.ndarray, state: dict[str, Any]) -> None:
        work = self._workspace(x)
        if self.weight_decay:
            g = np.add(np.multiply(x, self.weight_decay, out=work), g, out=work)
        if self.momentum and "velocity" not in state:
            v = state["velocity"] = np.array(g, x.dtype)  # not dampened, as in PyTorch
        elif self.momentum:
            v = state["velocity"]
            v *= self.momentum
            v += np.multiply(g, 1 - self.dampening, out=work) if self.dampening else g
        if self.nesterov:
            x -= np.multiply(g, self.lr, out=work)  # g + mu v, one part after the other
            x -= np.multiply(v, self.lr * self.momentum, out=work)
        else:
            x -= np.multiply(v if self.momentum else g, self.lr, out=work)


class RMSprop(Optimizer):
    """Gradients over the root of a running mean of their squares.

    Parameters
    ----------
    params : iterable of Tensor
    lr, alpha, eps, weight_decay : float
        ``alpha``, below 1, is what the mean keeps of itself.

    Raises
    ------
    ValueError
        If alpha is not in [0, 1).

    References
    ----------
    Tieleman and Hinton (2012), lecture 6.5. Equal to ``torch.optim.RMSprop``.
    """

    alpha: float
    eps: float
    weight_decay: float

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        if not 0 <= alpha < 1:
            raise ValueError(f"alpha must be in [0, 1), got {alpha}")
        super().__init__(params, lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay)

    def _update(self, x: np.ndarray, g: np.ndarray, state: dict[str, Any]) -> None:
        work = self._workspace(x)
        if self.weight_decay:
            total = self._workspace(x, 1)
            g = np.add(np.multiply(x, self.weight_decay, out=total), g, out=total)
        if not state:
            state["square"] = np.zeros_like(x)
        v = state["square"]
        v *= self.alpha
        np.multiply(g, g, out=work)
        v += np.multiply(work, 1 - self.alpha, out=work)
        np.add(np.sqrt(v, out=work), self.eps, out=work)
        np.divide(g, work, out=work)
        x -= np.multiply(work, self.lr, out=work)


class Adam(Optimizer):
    """Running means of gradients and of their squares, equation eq-optimizers-adam.

    Parameters
    ----------
    params : iterable of Tensor
    lr : float
    betas : (float, float)
        What the two means keep of themselves; below 1.
    eps, weight_decay : float
        Decay is added to the gradient, which is what ``AdamW`` does better.
    amsgrad : bool
        Divide by the largest mean of squares so far.

    Raises
    ------
    ValueError
        If a beta is not in [0, 1).

    References
    ----------
    Kingma and Ba (2015); Reddi, Kale and Kumar (2018). Equal to ``torch.optim.Adam``.
    """

    betas: tuple[float, float]
    eps: float
    weight_decay: float
    amsgrad: bool
    _decoupled = False

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
    ) -> None:
        if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas must be two numbers in [0, 1), got {betas}")
        super().__init__(
            params,
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            amsgrad=amsgrad,
        )

    def _update(self, x: np.ndarray, g: np.ndarray, state: dict[str, Any]) -> None:
        (b1, b2), work = self.betas, self._workspace(x)
        if not state:
            state.update(step=0, mean=np.zeros_like(x), square=np.zeros_like(x))
        if self.amsgrad and "largest" not in state:
            state["largest"] = np.zeros_like(x)
        if self.weight_decay and self._decoupled:
            x *= 1 - self.lr * self.weight_decay
        elif self.weight_decay:
            total = self._workspace(x, 1)
            g = np.add(np.multiply(x, self.weight_decay, out=total), g, out=total)
        state["step"] += 1
        t, m, v = state["step"], state["mean"], state["square"]
        m *= b1  # eq-optimizers-moments
        m += np.multiply(g, 1 - b1, out=work)
        v *= b2
        np.multiply(g, g, out=work)
        v += np.multiply(work, 1 - b2, out=work)
        if self.amsgrad:
            v = np.maximum(state["largest"], v, out=state["largest"])
        np.sqrt(v, out=work)  # eq-optimizers-adam
        work /= math.sqrt(1 - b2**t)
        work += self.eps
        np.divide(m, work, out=work)
        x -= np.multiply(work, self.lr / (1 - b1**t), out=work)


class AdamW(Adam):
    """Adam with weight decay applied to the weights, not to the gradient.

    Parameters
    ----------
    params, lr, betas, eps, amsgrad
        As for ``Adam``.
    weight_decay : float
        Each step multiplies the weights by 1 - lr * weight_decay.

    References
    ----------
    Loshchilov and Hutter (2019). Equal to ``torch.optim.AdamW``.
    """

    _decoupled = True

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad)


def _norm(arrays: list[np.ndarray]) -> float:
    """Euclidean norm of all entries together, for arrays of any scale."""
    with np.errstate(over="ignore", under="ignore"):
        squares = sum(float(np.vdot(g, g)) for g in arrays)
    if 1e-30 < squares < math.inf:
        return math.sqrt(squares)
    largest = max((float(np.abs(g).max(initial=0)) for g in arrays), default=0.0)
    if largest == 0 or not math.isfinite(largest):
        return largest
    scaled = (np.asarray(g, np.float64) / largest for g in arrays)
    return largest * math.sqrt(sum(float(np.vdot(g, g)) for g in scaled))


def clip_grad_norm_(params: Iterable[Tensor], max_norm: float) -> float:
    """Scale all gradients down in place so that their common norm is at most max_norm.

    Parameters
    ----------
    params : iterable of Tensor
        Those without a gradient are left out.
    max_norm : float

    Returns
    -------
    float
        The norm before.

    Raises
    ------
    ValueError
        If max_norm is not positive, or the norm is not finite.

    References
    ----------
    Pascanu, Mikolov and Bengio (2013). Equal to ``torch.nn.utils.clip_grad_norm_``.
    """
    if not max_norm > 0:
        raise ValueError(f"max_norm must be positive, got {max_norm}")
    gradients = [p.grad for p in params if p.grad is not None]
    norm = _norm(gradients)
    if not math.isfinite(norm):
        raise ValueError(f"the norm of the gradients is {norm}")
    factor = max_norm / (norm + 1e-6)  # PyTorch's guard
    if factor < 1:
        for g in gradients:
            g *= factor
    return norm


class LambdaLR:
    """Set an optimiser's rate to its first rate times a factor of the step number.

    Parameters
    ----------
    optimizer : Optimizer
    lr_lambda : callable
        Factor for step 0, 1, …
    """

    def __init__(self, optimizer: Optimizer, lr_lambda: Callable[[int], float]) -> None:
        self.optimizer, self.lr_lambda = optimizer, lr_lambda
        self.base_lr, self.last_step = optimizer.lr, 0
        optimizer.lr = self.base_lr * lr_lambda(0)

    def step(self) -> None:
        """Go on by one; call it after the optimiser's step."""
        self.last_step += 1
        self.optimizer.lr = self.base_lr * self.lr_lambda(self.last_step)

    def state_dict(self) -> dict[str, Any]:
        """Where the schedule stands."""
        return {"base_lr": self.base_lr, "last_step": self.last_step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from there."""
        self.base_lr, self.last_step = state["base_lr"], state["last_step"]
        self.optimizer.lr = self.base_lr * self.lr_lambda(self.last_step)


def warmup_cosine(warmup: int, total: int, final: float = 0.0) -> Callable[[int], float]:
    """Factors for ``LambdaLR``: equation eq-optimizers-schedule, ending at ``final``.

    Equal to PyTorch's ``SequentialLR`` of ``LinearLR`` and ``CosineAnnealingLR``.

    Raises
    ------
    ValueError
        If not 0 <= warmup < total.
    """
    if not 0 <= warmup < total:
        raise ValueError(f"need 0 <= warmup < total, got {warmup} and {total}")

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / (warmup + 1)
        done = min(1.0, (step - warmup) / (total - warmup))
        return final + (1 - final) * (1 + math.cos(math.pi * done)) / 2

    return factor


# seal: 4ba313ad15719810
