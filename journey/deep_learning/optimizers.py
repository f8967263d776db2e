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


class Optimizer:
    """Base of the optimisers: parameters, settings, and a memory for each parameter.

    Parameters
    ----------
    params : iterable of Parameter
        Tensors with ``data`` and ``grad``; each once.
    settings : float or bool, by name
        Available as attributes, so that a schedule can change ``lr``.

    Raises
    ------
    ValueError
        If there are no parameters, one comes twice, or the rate is negative.
    """

    lr: float

    def __init__(self, params: Iterable[Tensor], **settings: Any) -> None:
        self.params = list(params)
        if not self.params or len({id(p) for p in self.params}) != len(self.params):
            raise ValueError(f"need parameters, each once; got {len(self.params)}")
        if not settings["lr"] >= 0:
            raise ValueError(f"lr must not be negative, got {settings['lr']}")
        self._names = tuple(settings)
        self.__dict__.update(settings)
        self.state: list[dict[str, Any]] = [{} for _ in self.params]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for p in self.params:
            p.grad = None

    def step(self) -> None:
        """Move every parameter that has a gradient.

        Raises
        ------
        ValueError
            If a gradient is not finite; nothing has been moved then.
        """
        for n, p in enumerate(self.params):
            if p.grad is not None and not math.isfinite(float(np.abs(p.grad).sum())):
                raise ValueError(f"the gradient of parameter {n}, of shape {p.shape}, is not finite")
        for p, state in zip(self.params, self.state):
            if p.grad is not None:
                self._update(p.data, p.grad, state)

    def _update(self, x: np.ndarray, g: np.ndarray, state: dict[str, Any]) -> None:
        raise NotImplementedError(f"{type(self).__name__} has no update")

    def state_dict(self) -> dict[str, Any]:
        """Copies of the memory, and the settings."""
        copies = [
            {k: np.copy(v) if isinstance(v, np.ndarray) else v for k, v in s.items()} for s in self.state
        ]
        return {
            "state": copies,
            "settings": {name: getattr(self, name) for name in self._names},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue with a memory and settings that ``state_dict`` returned.

        Raises
        ------
        ValueError
            If they are of another number of parameters or of another kind.
        """
        if len(state["state"]) != len(self.params) or set(state["settings"]) != set(self._names):
            raise ValueError(
                f"the state is of {len(state['state'])} parameters with {sorted(state['settings'])}, "
                f"this optimiser has {len(self.params)} with {sorted(self._names)}"
            )
        self.state = [
            {k: np.copy(v) if isinstance(v, np.ndarray) else v for k, v in s.items()} for s in state["state"]
        ]
        self.__dict__.update(state["settings"])


class SGD(Optimizer):
    """Gradient descent with momentum, equation eq-optimizers-momentum.

    Parameters
    ----------
    params : iterable of Parameter
    lr : float
    momentum, dampening, weight_decay : float
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
        if self.weight_decay:
            g = g + self.weight_decay * x
        if self.momentum:
            if "velocity" not in state:
                state["velocity"] = np.array(g)  # the first is not dampened, as in PyTorch
            else:
                v = state["velocity"]
                v *= self.momentum
                v += (1 - self.dampening) * g
            g = g + self.momentum * state["velocity"] if self.nesterov else state["velocity"]
        x -= self.lr * g


class RMSprop(Optimizer):
    """Gradients over the root of a running mean of their squares.

    Parameters
    ----------
    params : iterable of Parameter
    lr, alpha, eps, weight_decay : float
        ``alpha`` is what the mean keeps of itself.

    References
    ----------
    Tieleman and Hinton (2012), lecture 6e. Equal to ``torch.optim.RMSprop``.
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
        super().__init__(params, lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay)

    def _update(self, x: np.ndarray, g: np.ndarray, state: dict[str, Any]) -> None:
        if self.weight_decay:
            g = g + self.weight_decay * x
        v = state.setdefault("square", np.zeros_like(x))
        v *= self.alpha
        v += (1 - self.alpha) * g * g
        x -= self.lr * g / (np.sqrt(v) + self.eps)


class Adam(Optimizer):
    """Running means of gradients and of their squares, equation eq-optimizers-adam.

    Parameters
    ----------
    params : iterable of Parameter
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
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas must be in [0, 1), got {betas}")
        super().__init__(
            params,
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            amsgrad=amsgrad,
        )

    def _update(self, x: np.ndarray, g: np.ndarray, state: dict[str, Any]) -> None:
        b1, b2 = self.betas
        if self.weight_decay and self._decoupled:
            x *= 1 - self.lr * self.weight_decay
        elif self.weight_decay:
            g = g + self.weight_decay * x
        m = state.setdefault("mean", np.zeros_like(x))
        v = state.setdefault("square", np.zeros_like(x))
        t = state["step"] = state.get("step", 0) + 1
        m *= b1
        m += (1 - b1) * g
        v *= b2
        v += (1 - b2) * g * g
        if self.amsgrad:
            largest = state.setdefault("largest", np.zeros_like(x))
            v = np.maximum(largest, v, out=largest)
        below = np.sqrt(v)
        below /= math.sqrt(1 - b2**t)
        below += self.eps
        x -= self.lr / (1 - b1**t) * (m / below)


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


def clip_grad_norm_(params: Iterable[Tensor], max_norm: float) -> float:
    """Scale all gradients down in place so that their common norm is at most max_norm.

    Parameters
    ----------
    params : iterable of Parameter
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
    """
    gradients = [p.grad for p in params if p.grad is not None]
    if not max_norm > 0:
        raise ValueError(f"max_norm must be positive, got {max_norm}")
    norm = math.sqrt(sum(float((g.astype(float) ** 2).sum()) for g in gradients))
    if not math.isfinite(norm):
        raise ValueError(f"the norm of the gradients is {norm}")
    if norm > max_norm:
        for g in gradients:
            g *= max_norm / (norm + 1e-6)  # PyTorch's guard
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
    """Factors for ``LambdaLR``: up along a line for ``warmup`` steps, then a cosine to ``final``.

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


# seal: 457d697902bde597
