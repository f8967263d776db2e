# %% [markdown]
# # Optimizers
#
# A gradient says which way is down here. What should be remembered of earlier gradients, how long should a step be,
# and when
# does a clever answer fail?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `SGD` with momentum and Nesterov's, `RMSprop`, `Adam` with AMSGrad, `AdamW`, `clip_grad_norm_`, `LambdaLR`
#   and `warmup_cosine`
# - **You need** {doc}`../01_Mathematics/07_optimization`, {doc}`04_neural_network_library`
# - **Checked against** `torch.optim`, step by step over 100 steps; a counter-example with a known answer
# - **Time** 35 minutes to read, 50 to code
# - **Data** digits (1,797 × 64), scikit-learn, BSD-3
# ````

# %%
from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits

from journey.deep_learning.autograd import Tensor, no_grad
from journey.deep_learning.neural_network_library import (
    CrossEntropyLoss,
    DataLoader,
    Linear,
    Parameter,
    ReLU,
    Sequential,
    TensorDataset,
)
from journey.orientation.checks import check_close, claim, seed_band, try_answer
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
# ## A valley that bends
#
# The surface $f(x, y) = (1 - x)^2 + 20\,(y - x^2)^2$ is a valley along a parabola, steep at its sides and nearly
# level
# along its floor. Gradient descent has one length of step for both. What is short enough for the sides is too short
# for
# the floor:


# %%
def valley(p):
    x, y = p
    return (1 - x) ** 2 + 20 * (y - x**2) ** 2


def valley_slope(p):
    x, y = p
    return np.array([-2 * (1 - x) - 80 * x * (y - x**2), 40 * (y - x**2)])


# %%
ends = {}
for rate in (0.003, 0.006, 0.012, 0.024):
    p = np.array([-1.2, 1.5])
    for _ in range(150):
        p = p - rate * valley_slope(p)
        if np.abs(p).max() > 1e3:
            break
    ends[rate] = np.hypot(*(p - 1))
    print(
        f"rate {rate}: distance to the minimum after 150 steps",
        f"{ends[rate]:.2f}" if ends[rate] < 100 else "→ ∞",
    )
claim("optimizers-plain-descent-nearest", min(ends.values()), at_least=0.2)

# %% [markdown]
# In a network there are thousands of such directions, each with a curvature of its own, and the gradient is only an
# estimate from a
# batch. Every method on this page answers two questions with the *history* of the gradients: where do they agree,
# and how large are
# they in each coordinate?
#
# ## Predict
#
# 1. The first step of Adam, with rate 0.001, from a gradient of $10^{-6}$, and from one of $10^{6}$: how long?
# 2. A stream of losses: two times out of three $-x$, every third time $3x$, on $-1 \le x \le 1$. Best is $x = -1$.
#    Where does
#    Adam go, with a rate that falls like $1/\sqrt t$?
# 3. Twice the batch, twice the rate, half as many steps: is the loss the same? And 64 times?
#
# ## The base
#
# An optimiser holds parameters, a few numbers, and for each parameter what it remembers. The names are PyTorch's. A
# gradient that is not finite is refused
# *before* anything is changed, since the memory would keep a NaN for ever.


# %% tags=["export"]
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
                raise ValueError(
                    f"the gradient of parameter {n}, of shape {p.shape}, is not finite"
                )
        for p, state in zip(self.params, self.state):
            if p.grad is not None:
                self._update(p.data, p.grad, state)

    def _update(self, x: np.ndarray, g: np.ndarray, state: dict[str, Any]) -> None:
        raise NotImplementedError(f"{type(self).__name__} has no update")

    def state_dict(self) -> dict[str, Any]:
        """Copies of the memory, and the settings."""
        copies = [
            {k: np.copy(v) if isinstance(v, np.ndarray) else v for k, v in s.items()}
            for s in self.state
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
        if len(state["state"]) != len(self.params) or set(state["settings"]) != set(
            self._names
        ):
            raise ValueError(
                f"the state is of {len(state['state'])} parameters with {sorted(state['settings'])}, "
                f"this optimiser has {len(self.params)} with {sorted(self._names)}"
            )
        self.state = [
            {k: np.copy(v) if isinstance(v, np.ndarray) else v for k, v in s.items()}
            for s in state["state"]
        ]
        self.__dict__.update(state["settings"])


# %% [markdown]
# ## Remember the direction
#
# **Momentum** {cite:p}`polyak1964some` keeps a velocity $\mathbf{v}$, a fading sum of the gradients
# $\mathbf{g}_t$:
#
# $$
# \mathbf{v}_t = \mu\, \mathbf{v}_{t-1} + \mathbf{g}_t, \qquad \boldsymbol\theta_t = \boldsymbol\theta_{t-1} - \eta\, \mathbf{v}_t .
# $$ (eq-optimizers-momentum)
#
# Where gradients agree the velocity grows: to $1 + \mu + \mu^2 + \dots = 1/(1 - \mu)$ times one of them. Where they
# alternate, as across the valley, they
# cancel: $1 - \mu + \mu^2 - \dots = 1/(1 + \mu)$. With $\mu = 0.9$ that is 10, and 0.53 in the
# alternating direction, nineteen times less.
#
# **Nesterov's** variant takes the gradient's part twice: the step is $\mathbf{g}_t + \mu \mathbf{v}_t$, which is
# what momentum would do *next* if the gradient stayed.
# *Weight decay* adds $\lambda\boldsymbol\theta$ to the gradient.


# %% tags=["export"]
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
                state["velocity"] = np.array(
                    g
                )  # the first is not dampened, as in PyTorch
            else:
                v = state["velocity"]
                v *= self.momentum
                v += (1 - self.dampening) * g
            g = (
                g + self.momentum * state["velocity"]
                if self.nesterov
                else state["velocity"]
            )
        x -= self.lr * g


# %% [markdown]
# ## Remember the size
#
# **RMSprop** divides each coordinate by the root of a running mean of its squared gradients, so that a coordinate
# with small gradients moves as far
# as one with large ones. **Adam** {cite:p}`kingma2015adam` does that to a running mean of the gradients instead of
# to the gradient:
#
# $$
# \mathbf{m}_t = \beta_1 \mathbf{m}_{t-1} + (1 - \beta_1)\, \mathbf{g}_t, \qquad
# \mathbf{v}_t = \beta_2 \mathbf{v}_{t-1} + (1 - \beta_2)\, \mathbf{g}_t^2 .
# $$ (eq-optimizers-moments)
#
# Both begin at zero, so at first they are too small. By how much? Unrolled, $\mathbf{m}_t = (1 - \beta_1)
# \sum_{s=1}^{t} \beta_1^{t-s}\, \mathbf{g}_s$, and the weights in the
# sum add up to $1 - \beta_1^t$. For gradients with a constant mean therefore $\mathbb{E}[\mathbf{m}_t] = (1 -
# \beta_1^t)\, \mathbb{E}[\mathbf{g}]$, and dividing by $1 - \beta_1^t$ repairs it:
#
# $$
# \boldsymbol\theta_t = \boldsymbol\theta_{t-1} - \eta\; \frac{\mathbf{m}_t / (1 - \beta_1^t)}{\sqrt{\mathbf{v}_t / (1 - \beta_2^t)} + \varepsilon} .
# $$ (eq-optimizers-adam)
#
# By hand, the first step: $\mathbf{m}_1 = 0.1\, g$, corrected $g$; $\mathbf{v}_1 = 0.001\, g^2$, corrected $g^2$.
# The quotient is $g / |g|$: the *sign*. Without
# the correction it would be $0.1 / \sqrt{0.001} = 3.2$ times as long, at the moment when least is known.
#
# **AdamW** {cite:p}`loshchilov2019decoupled` takes weight decay out of the gradient and shrinks the weights
# directly, by $1 - \eta\lambda$; why that differs is seen below. **AMSGrad** {cite:p}`reddi2018convergence`
# keeps the largest $\mathbf{v}$ so far.


# %% tags=["export"]
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


# %% tags=["export"]
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


# %%
lengths = []
for gradient in (1e-6, 1e6):
    p = Parameter(np.zeros(1))
    p.grad = np.array([gradient])
    Adam([p], lr=0.001).step()
    lengths.append(abs(p.data[0]))
claim("optimizers-first-step-small-gradient", lengths[0], within=(0.98e-3, 1.0001e-3))
claim("optimizers-first-step-large-gradient", lengths[1], within=(0.98e-3, 1.0001e-3))

# %% [markdown]
# *Prediction 1.* 0.001 both times (one per cent less for the small one, where $\varepsilon$ begins to show). Adam's
# rate *is* the length of the step, in
# units of the weights; that of gradient descent is a quotient of units, and must be searched anew for each problem.
#
# ## Step by step like PyTorch
#
# Thirteen settings, three parameters of different shapes, 100 steps in double precision, a gradient that depends on
# the parameters and on chance:


# %%
def run_both(ours_class, theirs_class, **settings):
    """Largest difference of the parameters over 100 steps."""
    rng, worst = np.random.default_rng(0), 0.0
    starts = [rng.normal(size=shape) for shape in ((4, 3), (3,), ())]
    ours, theirs = (
        [Parameter(s) for s in starts],
        [torch.tensor(s, requires_grad=True) for s in starts],
    )
    a, b = ours_class(ours, **settings), theirs_class(theirs, **settings)
    for _ in range(100):
        for p, q in zip(ours, theirs):
            p.grad = np.sin(3 * p.data) + p.data + rng.normal(size=p.shape)
            q.grad = torch.tensor(p.grad)
        a.step()
        b.step()
        worst = max(
            worst,
            *(np.abs(p.data - q.detach().numpy()).max() for p, q in zip(ours, theirs)),
        )
    return worst


# %%
cases = {
    "SGD": [
        {"lr": 0.1},
        {"lr": 0.1, "momentum": 0.9},
        {"lr": 0.1, "momentum": 0.9, "nesterov": True},
        {"lr": 0.1, "momentum": 0.8, "dampening": 0.5, "weight_decay": 0.1},
    ],
    "RMSprop": [{"lr": 0.01}, {"lr": 0.01, "alpha": 0.5, "weight_decay": 0.1}],
    "Adam": [
        {},
        {"lr": 0.1, "betas": (0.5, 0.9)},
        {"amsgrad": True, "lr": 0.1},
        {"weight_decay": 0.1, "eps": 1e-3},
    ],
    "AdamW": [{}, {"lr": 0.1, "weight_decay": 0.5}, {"lr": 0.1, "amsgrad": True}],
}
found = {"SGD": SGD, "RMSprop": RMSprop, "Adam": Adam, "AdamW": AdamW}
for name, settings in cases.items():
    worst = max(
        run_both(found[name], getattr(torch.optim, name), **s) for s in settings
    )
    claim(f"optimizers-{name.lower()}-against-pytorch", worst, at_most=1e-12)

# %% [markdown]
# ## Through the valley
#
# Each method with the best of ten rates (0.002 to 1, by factors of two), 150 steps from the same place. How near
# does it come?


# %%
def descend(make, rate, steps=150):
    p = Parameter(np.array([-1.2, 1.5]))
    optimizer, path = make([p], rate), [p.data.copy()]
    for _ in range(steps):
        p.grad = valley_slope(p.data)
        if not np.abs(p.grad).max() < 1e6:
            break
        optimizer.step()
        path.append(p.data.copy())
    return np.array(path)


# %%
methods = {
    "SGD": SGD,
    "momentum": lambda p, lr: SGD(p, lr, momentum=0.9),
    "Nesterov": lambda p, lr: SGD(p, lr, momentum=0.9, nesterov=True),
    "RMSprop": RMSprop,
    "Adam": Adam,
}
rates = 0.002 * 2.0 ** np.arange(10)
paths = {}
for name, make in methods.items():
    tried = [descend(make, rate) for rate in rates]
    paths[name] = min(
        tried,
        key=lambda path: np.hypot(*(path[-1] - 1)) if len(path) == 151 else np.inf,
    )
    print(f"{name:9} {np.hypot(*(paths[name][-1] - 1)):.3f}")
distance = {name: np.hypot(*(path[-1] - 1)) for name, path in paths.items()}

# %%
claim(
    "optimizers-valley-sgd-over-momentum",
    distance["SGD"] / distance["momentum"],
    at_least=5,
)
claim(
    "optimizers-valley-sgd-over-adam", distance["SGD"] / distance["Adam"], at_least=1.3
)
claim(
    "optimizers-valley-rmsprop-over-sgd",
    distance["RMSprop"] / distance["SGD"],
    at_least=1.5,
)

# %% mystnb={"figure": {"caption": "150 steps down a curved valley, each method at the best of ten rates. The minimum is the cross; the number is the distance that is left. Momentum builds up speed along the floor; RMSprop, whose steps are equally long in both directions, does not get round the bend.", "name": "fig-optimizers-valley"}, "image": {"alt": "Five small panels with contour lines of a valley shaped like a parabola and a path each from the upper left. That of plain descent stops short of the cross; those with momentum overshoot the bends and reach it; that of RMSprop stops far away, and that of Adam comes near."}} tags=["hide-input"]
figure, panels = plt.subplots(1, 5, figsize=(11.5, 2.8), sharey=True)
xs, ys = np.meshgrid(np.linspace(-1.6, 1.6, 160), np.linspace(-0.6, 2.2, 120))
for axes, (name, path) in zip(panels, paths.items()):
    axes.contour(
        xs,
        ys,
        valley((xs, ys)),
        levels=[0.05, 0.3, 1, 3, 8, 20, 50],
        colors=COLORS["light"],
        linewidths=1,
    )
    axes.plot(*path.T, color=COLORS["blue"], ls="-", marker=".", ms=3, lw=0.9)
    axes.plot(1, 1, "x", color=COLORS["red"], ms=8, mew=2.2)
    axes.set(title=name, xlabel="x", xlim=(-1.6, 1.6), ylim=(-0.6, 2.2))
    axes.text(
        0.0, -0.45, f"{distance[name]:.3f} left", ha="center", color=COLORS["ink"]
    )
    axes.grid(visible=False)
panels[0].set_ylabel("y")
plt.show()

# %% [markdown]
# RMSprop loses to plain descent here: it divides away the one thing that plain descent gets right, that the
# gradient becomes small where the surface is level, and it has no
# memory of the direction. Adam is the same division with that memory.
#
# ## Where Adam goes up
#
# Dividing by the size of *recent* gradients has a price. {cite:t}`reddi2018convergence` give a stream of losses on
# $-1 \le x \le 1$,
#
# $$
# f_t(x) = \begin{cases} C x & t \bmod 3 = 1 \\ -x & \text{otherwise,}\end{cases} \qquad C > 2,
# $$ (eq-optimizers-reddi)
#
# whose sum over three steps is $(C - 2)\,x$: best is $x = -1$. With $C = 3$, $\beta_1 = 0$ and $\beta_2 = 1/(1 +
# C^2)$, as in their theorem, and steps
# $\eta / \sqrt t$, projected back into the interval. After the large gradient 3, $v$ is large, so that the step it
# causes is short; by the time of the second $-1$ it
# is forgotten, and these steps are long.


# %%
def online(amsgrad, gradients, betas, rate, steps=12_000):
    """Positions of an online run on [-1, 1]."""
    p, where = Parameter(np.zeros(1)), np.empty(steps)
    optimizer = Adam([p], lr=rate, betas=betas, amsgrad=amsgrad)
    for t in range(1, steps + 1):
        p.grad = np.array([gradients[t % len(gradients)]])
        optimizer.lr = rate / math.sqrt(t)
        optimizer.step()
        np.clip(p.data, -1, 1, out=p.data)
        where[t - 1] = p.data[0]
    return where


# %%
stream = [-1.0, 3.0, -1.0]  # t mod 3 = 0, 1, 2
streams = {
    name: online(ams, stream, (0, 0.1), 0.5)
    for name, ams in (("Adam", False), ("AMSGrad", True))
}
rare = [-10.0, 1010.0] + [-10.0] * 99  # their second example: one step in 101
streams |= {
    f"{name}, rare": online(ams, rare, (0.9, 0.99), 0.5)
    for name, ams in (("Adam", False), ("AMSGrad", True))
}

# %%
claim("optimizers-adam-ends-at", streams["Adam"][-1], at_least=0.99)
claim("optimizers-amsgrad-ends-at", streams["AMSGrad"][-1], at_most=-0.98)
claim("optimizers-adam-ends-at-rare", streams["Adam, rare"][-1], at_least=0.9)
claim("optimizers-amsgrad-ends-at-rare", streams["AMSGrad, rare"][-1], at_most=-0.7)

# %% mystnb={"figure": {"caption": "Position against the number of steps on the two streams of Reddi et al., whose best place is -1. Adam goes to the worst place there is; AMSGrad, which does not forget large gradients, to the best.", "name": "fig-optimizers-reddi"}, "image": {"alt": "Two panels over steps from 1 to 12,000 on a logarithmic axis. In both the line of Adam rises to plus 1 and that of AMSGrad falls towards minus 1."}} tags=["hide-input"]
figure, panels = plt.subplots(1, 2, figsize=(8.8, 3.0), sharey=True)
steps = np.arange(1, 12_001)
for axes, ending, title in zip(
    panels,
    ("", ", rare"),
    ("Every third gradient is 3", "One of 101 gradients is 1010"),
):
    for k, name in enumerate(("Adam", "AMSGrad")):
        color = COLORS[("orange", "blue")[k]]
        axes.semilogx(steps, streams[name + ending], color=color, ls=DASHES[k])
        axes.text(1.2, (0.82, -0.82)[k], name, color=readable(color), va="center")
    axes.set(xlabel="step t", title=title, ylim=(-1.1, 1.1))
panels[0].set_ylabel("x")
plt.show()

# %% [markdown]
# *Prediction 2.* To $+1$, the worst place. It reproduces exactly as the paper says. Yet Adam trains most of the
# networks of this book: the example needs
# gradients that are rare, large and *informative*, and a $\beta_2$ whose memory is shorter than their distance.
# With $\beta_2 = 0.999$ it remembers about a thousand
# steps. And AMSGrad, which cures it, is seldom better in practice; the comparison below has it.
#
# ## Decay that is not divided
#
# If $\lambda\boldsymbol\theta$ is added to the gradient, Adam divides it by $\sqrt{\mathbf{v}}$ with everything
# else: weights with large gradients are hardly decayed. Two weights of
# 1 without any signal, only noise, of size 0.01 and of size 1:


# %%
def decayed(make, steps=3000):
    rng, p = np.random.default_rng(0), Parameter(np.ones((2, 200)))
    optimizer = make([p])
    for _ in range(steps):
        p.grad = rng.normal(size=p.shape) * [[0.01], [1.0]]
        optimizer.step()
    return p.data.mean(axis=1)


# %%
coupled = decayed(lambda p: Adam(p, lr=1e-3, weight_decay=0.1))
apart = decayed(lambda p: AdamW(p, lr=1e-3, weight_decay=0.1))
print(
    "Adam: ",
    coupled.round(2),
    " AdamW:",
    apart.round(2),
    f" (1 - lr λ)^3000 = {(1 - 1e-4) ** 3000:.2f}",
)

# %%
claim("optimizers-l2-left-of-the-quiet-weight", abs(coupled[0]), at_most=0.1)
claim("optimizers-l2-left-of-the-noisy-weight", coupled[1], at_least=0.6)
claim("optimizers-adamw-difference", abs(apart[0] - apart[1]), at_most=0.03)

# %% [markdown]
# With Adam's decay the quiet weight is gone and the noisy one has lost a quarter; with AdamW both have lost the
# same, which is what was asked for.
#
# ## The length of the step over time
#
# Two more parts, without which large models are not trained. **Clipping**: if the norm of all gradients together is
# above a limit, all are
# multiplied by the same factor, so that one bad batch cannot throw the weights away; the direction stays. **A
# schedule**: a short *warm-up*,
# in which the rate rises from a small value while the running means fill, then a fall along a cosine.


# %% tags=["export"]
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


def warmup_cosine(
    warmup: int, total: int, final: float = 0.0
) -> Callable[[int], float]:
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


# %%
p, q = Parameter(np.zeros(1)), torch.zeros(1, requires_grad=True)
ours, theirs = SGD([p], lr=0.4), torch.optim.SGD([q], lr=0.4)
schedule = LambdaLR(ours, warmup_cosine(10, 60))
line = torch.optim.lr_scheduler.LinearLR(theirs, 1 / 11, 1, 10)
cosine = torch.optim.lr_scheduler.CosineAnnealingLR(theirs, 50)
both = torch.optim.lr_scheduler.SequentialLR(theirs, [line, cosine], [10])
q.grad, seen = torch.zeros(1), []
for _ in range(60):
    seen.append((ours.lr, theirs.param_groups[0]["lr"]))
    theirs.step()
    schedule.step()
    both.step()
claim(
    "optimizers-schedule-against-pytorch",
    check_close(*np.array(seen).T, atol=1e-12),
    at_most=1e-12,
)

# %%
grads = [np.full((2, 2), 3.0), np.array([8.0])]
tensors = [Parameter(np.zeros_like(g)) for g in grads]
twins = [torch.zeros(g.shape) for g in grads]
for t, u, g in zip(tensors, twins, grads):
    t.grad, u.grad = g.copy(), torch.tensor(g, dtype=torch.float64).float()
norm = clip_grad_norm_(tensors, 2.0)
torch.nn.utils.clip_grad_norm_(twins, 2.0)

# %%
claim("optimizers-norm-by-hand", norm, equal_to=10, tolerance=1e-9)
claim(
    "optimizers-clipped-against-pytorch",
    max(check_close(t.grad, u.grad.numpy(), rtol=1e-6) for t, u in zip(tensors, twins)),
    at_most=1e-6,
)

# %% [markdown]
# ## Finding a rate in one run
#
# Digits, one hidden layer. Let the rate grow from batch to batch, by a constant factor over five decades, and watch
# the loss: it stays, falls, and
# explodes. Take a rate on the slope, well before the rise. One run replaces a search.

# %%
images, digit = load_digits(return_X_y=True)
images = images / 16
loss_function = CrossEntropyLoss()


def network(seed=0):
    rng = np.random.default_rng(seed)
    return Sequential(
        Linear(64, 32, rng=rng, dtype=np.float64),
        ReLU(),
        Linear(32, 10, rng=rng, dtype=np.float64),
    )


def batches(size, seed=0):
    loader = DataLoader(
        TensorDataset(images[:1200], digit[:1200]),
        size,
        True,
        drop_last=True,
        rng=np.random.default_rng(seed),
    )
    while True:
        yield from loader


def step(model, optimizer, X, y):
    loss = loss_function(model(Tensor(X)), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


# %%
def range_test(make, low, high, steps=200):
    model, losses = network(), []
    optimizer = make(list(model.parameters()), low)
    for n, (X, y) in zip(range(steps), batches(64)):
        optimizer.lr = low * (high / low) ** (n / (steps - 1))
        try:
            losses.append(step(model, optimizer, X, y))
        except ValueError:  # not finite any more
            break
        if losses[-1] > 10:
            break
    return low * (high / low) ** (np.arange(len(losses)) / (steps - 1)), np.array(
        losses
    )


# %%
tests = {"SGD": range_test(SGD, 1e-3, 1e2), "Adam": range_test(Adam, 1e-5, 1.0)}
best_rate = {}
for name, (tried, losses) in tests.items():
    smooth = np.convolve(losses, np.ones(7) / 7, "same")[3:-3]
    best_rate[name] = tried[3:-3][smooth.argmin()]
claim("optimizers-lowest-loss-at-rate-sgd", best_rate["SGD"], within=(0.2, 10))
claim("optimizers-lowest-loss-at-rate-adam", best_rate["Adam"], within=(0.003, 0.2))

# %% mystnb={"figure": {"caption": "One run each with a rate that grows from batch to batch. The lowest loss is near the edge; a third of that rate is a good choice. Adam's scale is that of the weights, about a hundred times below that of plain descent.", "name": "fig-optimizers-range"}, "image": {"alt": "Two curves of training loss against the rate on a logarithmic axis from ten to the minus 5 to 100. Both stay at 2.3, fall and then rise steeply; that of Adam falls between 0.001 and 0.02, that of plain descent between 0.1 and 2."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.4, 3.4))
for k, (name, (tried, losses)) in enumerate(tests.items()):
    color = COLORS[("blue", "orange")[k]]
    axes.semilogx(tried, np.minimum(losses, 4), color=color, ls=DASHES[k])
    axes.axvline(best_rate[name] / 3, color=color, lw=1, ls=DASHES[2])
    axes.text(
        best_rate[name] / 3.3,
        3.3 - 0.4 * k,
        f"{name}: {best_rate[name] / 3:.2g}",
        ha="right",
        color=readable(color),
    )
axes.set(
    xlabel="rate",
    ylabel="loss of the batch (nats)",
    ylim=(0, 3.8),
    title="It stays, falls, explodes",
)
plt.show()

# %% [markdown]
# ## What a larger batch buys
#
# The gradient of a batch of $B$ rows is a mean, so its variance is that of one row divided by $B$:
#
# $$
# \operatorname{tr} \operatorname{Cov}(\mathbf{g}_B) = \frac{\operatorname{tr} \boldsymbol\Sigma}{B}, \qquad
# B_\text{noise} = \frac{\operatorname{tr} \boldsymbol\Sigma}{\lVert \nabla L \rVert^2} .
# $$ (eq-optimizers-noise)
#
# Below $B_\text{noise}$ {cite:p}`mccandlish2018empirical` the noise is larger than the signal, and twice the batch
# is worth twice as many steps; far above it the gradient is already right, and more rows tell
# nothing new. Measured, at the start and after some training:


# %%
def noise_scale(model, sizes=(4, 16, 64), draws=120):
    """Variance of the gradient for each batch size, and the noise scale."""
    rng = np.random.default_rng(1)

    def gradient(rows):
        model.zero_grad()
        loss_function(model(Tensor(images[rows])), digit[rows]).backward()
        return np.concatenate([p.grad.ravel() for p in model.parameters()])

    true = gradient(np.arange(1200))
    spread = [
        np.mean(
            [
                ((gradient(rng.integers(1200, size=B)) - true) ** 2).sum()
                for _ in range(draws)
            ]
        )
        for B in sizes
    ]
    return np.array(spread), spread[0] * sizes[0] / (true**2).sum()


# %%
model = network()
fresh, scale_before = noise_scale(model)
optimizer = SGD(model.parameters(), lr=0.5)
for _, (X, y) in zip(range(150), batches(64)):
    step(model, optimizer, X, y)
trained, scale_after = noise_scale(model)
slope = np.polyfit(np.log([4, 16, 64]), np.log(fresh), 1)[0]

# %%
claim("optimizers-variance-against-batch-slope", slope, equal_to=-1, tolerance=0.12)
claim("optimizers-noise-scale-at-the-start", scale_before, within=(2, 200))
claim("optimizers-noise-scale-grows", scale_after / scale_before, at_least=2)


# %% [markdown]
# Then the experiment of prediction 3: batches of 8 to 1,024 rows with a rate in proportion, until the loss on all
# 1,200 rows is below 0.3.


# %%
def steps_to(target, size, rate, most=1500):
    """Steps until the loss on all rows is below the target; infinite if that fails."""
    model = network()
    optimizer = SGD(model.parameters(), lr=rate)
    for n, (X, y) in zip(range(1, most), batches(size)):
        try:
            step(model, optimizer, X, y)
        except ValueError:  # not finite
            break
        if n % max(1, 64 // size) == 0 and loss_on_all(model) < target:
            return n
    return math.inf


def loss_on_all(model):
    with no_grad():
        return loss_function(model(Tensor(images[:1200])), digit[:1200]).item()


# %%
sizes = np.array([8, 16, 32, 64, 128, 256, 512, 1024])
scaled = np.array([steps_to(0.3, int(B), 0.1 * B / 8) for B in sizes])
fixed = np.array([steps_to(0.3, int(B), 0.1) for B in sizes])
print("in proportion:", *scaled, "  fixed rate:", *fixed)

# %%
claim("optimizers-steps-16-over-8", scaled[1] / scaled[0], within=(0.35, 0.75))
claim("optimizers-steps-64-over-8", scaled[3] / scaled[0], within=(0.08, 0.25))
ideal = scaled[0] * 8 / sizes
claim("optimizers-steps-1024-over-ideal", min(scaled[7], 1500) / ideal[7], at_least=4)
claim(
    "optimizers-fixed-rate-steps-1024-over-8", fixed[-1] / fixed[0], within=(0.7, 1.3)
)

# %% mystnb={"figure": {"caption": "Steps until the loss is below 0.3. With the rate in proportion to the batch, twice the rows save half of the steps up to some 64 rows; then the rate is too large for the surface. With a fixed rate larger batches save nothing.", "name": "fig-optimizers-batch"}, "image": {"alt": "Steps against batch size on logarithmic axes. A dashed line of slope minus one; dots with the rate in proportion follow it up to 64 rows and then bend away or fail; dots with a fixed rate lie on a horizontal line."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.0, 3.5))
axes.loglog(sizes, ideal, color=COLORS["gray"], ls=DASHES[1], lw=1.2)
top = 1500
for k, (values, label) in enumerate(
    ((scaled, "rate in proportion"), (fixed, "fixed rate"))
):
    color, good = COLORS[("blue", "orange")[k]], np.isfinite(values)
    axes.loglog(
        sizes[good],
        values[good],
        color=color,
        marker=MARKERS[k],
        ls=DASHES[0] if k == 0 else DASHES[2],
    )
    axes.loglog(
        sizes[~good],
        np.full((~good).sum(), top),
        marker="x",
        ls="none",
        color=color,
        mew=2,
        ms=8,
    )
    place = (9, fixed[0] * 1.25) if k else (140, 95)
    axes.text(*place, label, color=readable(color))
if not np.isfinite(scaled).all():
    axes.text(
        sizes[~np.isfinite(scaled)][0] * 0.85,
        top,
        "never",
        ha="right",
        va="center",
        color=COLORS["blue"],
    )
axes.text(
    110,
    27,
    "half the steps for twice the rows",
    color=COLORS["ink"],
    fontsize=9,
)
axes.set_xticks(sizes, [f"{B:,}" for B in sizes])
axes.minorticks_off()
axes.set(
    xlabel="rows in a batch", ylabel="steps", title="A larger batch pays up to a point"
)
plt.show()

# %% [markdown]
# *Prediction 3.* Twice: about the same. Sixty-four times: no. The rate cannot be raised beyond what the curvature
# allows ({doc}`../01_Mathematics/07_optimization`), whatever the batch.
#
# ## A fair comparison
#
# Six methods, each at the best of five rates *chosen on one seed*, then measured on four other seeds: loss on 597
# held-out pictures after 100 steps of
# 64.


# %%
def held_out(make, rate, seed, steps=100):
    model = network(seed)
    optimizer = make(list(model.parameters()), rate)
    try:
        for _, (X, y) in zip(range(steps), batches(64, seed)):
            step(model, optimizer, X, y)
        with no_grad():
            return min(
                loss_function(model(Tensor(images[1200:])), digit[1200:]).item(), 5.0
            )
    except ValueError:
        return 5.0


# %%
methods |= {"AMSGrad": lambda p, lr: Adam(p, lr, amsgrad=True)}
grid = {
    name: (0.03 if name in ("SGD", "momentum", "Nesterov") else 0.001)
    * 3.0 ** np.arange(5)
    for name in methods
}
chosen = {
    name: min(grid[name], key=lambda r, m=make: held_out(m, r, 100))
    for name, make in methods.items()
}
bands = {
    name: seed_band(lambda s, m=make, r=chosen[name]: held_out(m, r, s), range(4))
    for name, make in methods.items()
}
for name, band in bands.items():
    print(f"{name:9} best rate {chosen[name]:<6.2g} loss {band.mean:.2f}")

# %%
means = {name: band.mean for name, band in bands.items()}
claim("optimizers-best-of-six", min(means.values()), within=(0.15, 0.45))
claim(
    "optimizers-worst-over-best",
    max(means.values()) / min(means.values()),
    within=(1.02, 2.5),
)
spread = max(max(b.values) - min(b.values) for b in bands.values())
claim("optimizers-largest-spread-over-seeds", spread, within=(0.01, 0.4))
untuned = {name: held_out(make, grid[name][1], 100) for name, make in methods.items()}
claim(
    "optimizers-untuned-worst-over-tuned-worst",
    max(untuned.values()) / max(means.values()),
    at_least=1.2,
)

# %% [markdown]
# Tuned, the six are close, and seeds differ by as much as methods. The choice of the rate matters more than the
# choice of the method, and a paper in which only one
# side was tuned shows nothing. What Adam gives is that one rate, near 0.01 here, is reasonable for many problems;
# on Transformers, whose gradients differ much more between
# coordinates, the distance between the methods is larger.
#
# ## In practice
#
# | you train | begin with |
# |---|---|
# | a convolutional network, and can tune | `SGD`, momentum 0.9, cosine |
# | a Transformer, or nothing is known | `AdamW`, 3e-4 to 1e-3, warm-up and cosine, clipping at 1 |
# | a recurrent network | `Adam`, clipping |
# | a convex problem | L-BFGS or Newton, not this page |
#
# The calls are the same in PyTorch: `torch.optim.AdamW(model.parameters(), lr=1e-3)`,
# `torch.nn.utils.clip_grad_norm_`. Biases and normalization weights are usually left out of
# the decay, by two groups of parameters.
#
# | What people believe | What exposes it |
# |---|---|
# | Adam converges where SGD does | a stream of three gradients |
# | Adam's `weight_decay` is L2 regularization | two weights, one of them noisy |
# | A larger batch trains faster | steps at a fixed rate |
# | The linear rule holds | 512 rows |
# | This optimiser is better | the rate of the other was not tuned |
# | Clipping changes the direction | it multiplies all gradients by one number |
#
# ## Exercises
#
# ```{exercise} How long does it remember?
# :label: ex-optimizers-memory
#
# *check · difficulty 1 of 3 · 10 minutes*
#
# For $\mu = 0.99$: the length of the step under a constant gradient of 1, and under one that alternates between 1
# and −1 (its size in the limit), both in units of the rate.
# ```


# %%
def test_memory(answer):
    constant, alternating = answer
    assert abs(constant - 100) < 1e-6, "1 + μ + μ² + …"
    assert abs(alternating - 1 / 1.99) < 1e-3, "1 - μ + μ² - …"


_ = try_answer(test_memory, None)

# %% [markdown]
# ```{solution-start} ex-optimizers-memory
# :class: dropdown
# ```
#
# $1/(1 - 0.99) = 100$ and $1/(1 + 0.99) = 0.5025$.

# %%
_ = try_answer(test_memory, (100, 0.5025))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Adagrad
# :label: ex-optimizers-adagrad
#
# *extend · difficulty 2 of 3 · 15 minutes*
#
# Write `class Adagrad(Optimizer)`: divide by the root of the *sum* of all squared gradients, plus $\varepsilon =
# 10^{-10}$. Equal to `torch.optim.Adagrad`.
# ```


# %%
def test_adagrad(Adagrad):
    assert run_both(Adagrad, torch.optim.Adagrad, lr=0.1) < 1e-12
    p = Parameter(np.zeros(1))
    optimizer = Adagrad([p], lr=1.0)
    places = []
    for _ in range(100):
        p.grad = np.ones(1)
        optimizer.step()
        places.append(p.data[0])
    assert abs(np.diff(places)[-1] + 0.1) < 1e-6, (
        "after 100 equal gradients a step is 1/√100"
    )


class Adagrad(Optimizer):  # write _update, then run this cell again
    def __init__(self, params, lr=1e-2):
        super().__init__(params, lr=lr)


_ = try_answer(test_adagrad, Adagrad)

# %% [markdown]
# ```{solution-start} ex-optimizers-adagrad
# :class: dropdown
# ```
#
# Its steps fall like $1/\sqrt t$ by themselves. That is why it does not fail on the stream of Reddi et al., and why
# it stops early on a network.


# %%
class AdagradSolution(Optimizer):
    def __init__(self, params, lr=1e-2):
        super().__init__(params, lr=lr)

    def _update(self, x, g, state):
        total = state.setdefault("total", np.zeros_like(x))
        total += g * g
        x -= self.lr * g / (np.sqrt(total) + 1e-10)


_ = try_answer(test_adagrad, AdagradSolution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} An Adam without a correction
# :label: ex-optimizers-uncorrected
#
# *break · difficulty 3 of 3 · 20 minutes*
#
# `Uncorrected` leaves out the division by $1 - \beta^t$. On a constant gradient it trains, and after thousands of
# steps the difference is gone. Write `worst_gradients()`: five gradients, each −1, 0 or 1, for which of its steps
# is longer than 5.5 times the rate, where Adam's never exceeds 2.3.
# ```


# %%
class Uncorrected(Optimizer):
    def __init__(self, params, lr=1.0):
        super().__init__(params, lr=lr)

    def _update(self, x, g, state):
        m, v = (
            state.setdefault("m", np.zeros_like(x)),
            state.setdefault("v", np.zeros_like(x)),
        )
        m[...] = 0.9 * m + 0.1 * g
        v[...] = 0.999 * v + 0.001 * g * g
        x -= self.lr * m / (np.sqrt(v) + 1e-8)


def longest_step(make, gradients):
    p, longest = Parameter(np.zeros(1)), 0.0
    optimizer = make([p], lr=1.0)
    for g in gradients:
        before, p.grad = p.data.copy(), np.array([float(g)])
        optimizer.step()
        longest = max(longest, abs((p.data - before)[0]))
    return longest


def test_worst(worst_gradients):
    gradients = worst_gradients()
    assert len(gradients) == 5
    assert set(gradients) <= {-1, 0, 1}
    assert longest_step(Uncorrected, gradients) > 5.5, "not long enough"
    assert longest_step(Adam, gradients) <= 2.3, "Adam's are too long as well"


def worst_gradients():  # replace the body with your own, then run this cell again
    raise NotImplementedError


_ = try_answer(test_worst, worst_gradients)

# %% [markdown]
# ```{solution-start} ex-optimizers-uncorrected
# :class: dropdown
# ```
#
# Equal gradients are worst: after $t$ of them $m = 1 - 0.9^t$ and $v \approx 0.001\,t$, and $m / \sqrt v$ is 3.2,
# 4.2, 4.9, 5.4, 5.8 in the first five steps, and still growing. A run then begins with its longest steps.


# %%
def worst_gradients_solution():
    return [1, 1, 1, 1, 1]


_ = try_answer(test_worst, worst_gradients_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} The average of the path
# :label: ex-optimizers-ema
#
# *build · difficulty 2 of 3 · 20 minutes*
#
# Write `class EMA`: made with parameters and `decay`; `update()` after each step keeps $\mathbf{a} \leftarrow
# d\,\mathbf{a} + (1 - d)\,\boldsymbol\theta$, starting at the first weights; `swap()` exchanges the averages with
# the weights, so that a second `swap()` restores everything.
# The average must not be disturbed by later changes of the weights.
# ```


# %%
def test_ema(EMA):
    p = Parameter(np.zeros(2))
    ema = EMA([p], decay=0.5)
    for value in (2.0, 4.0):
        p.data[:] = value
        ema.update()
    p.data[:] = 100
    ema.swap()
    assert np.allclose(p.data, 2.5), "0 → 1 → 2.5"
    ema.swap()
    assert np.allclose(p.data, 100), "a second swap restores"
    ema.update()
    ema.swap()
    assert np.allclose(p.data, 0.5 * 2.5 + 0.5 * 100), "and goes on"


class EMA:  # write the methods, then run this cell again
    def __init__(self, parameters, decay):
        raise NotImplementedError


_ = try_answer(test_ema, EMA)

# %% [markdown]
# ```{solution-start} ex-optimizers-ema
# :class: dropdown
# ```


# %%
class EMASolution:
    def __init__(self, parameters, decay):
        self.parameters, self.decay = list(parameters), decay
        self.averages = [p.data.copy() for p in self.parameters]

    def update(self):
        for a, p in zip(self.averages, self.parameters):
            a *= self.decay
            a += (1 - self.decay) * p.data

    def swap(self):
        for n, p in enumerate(self.parameters):
            self.averages[n], p.data = p.data, self.averages[n]


_ = try_answer(test_ema, EMASolution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In {numref}`fig-optimizers-batch`, why does the line *fixed rate* not fall? (a) the noise is the same, (b)
# a step is as long as before, however sure it is, (c) the
# network is too small, (d) the batches repeat.
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: it is smaller. (b) Yes: less noise only pays if the rate is raised; at this rate noise was not what
# limited the progress. (c) No: it learns the digits. (d) No: they are drawn anew in each pass.
# ```
#
# **2.** All gradients of a run are multiplied by 1,000. Which methods take the same steps as before, up to
# $\varepsilon$? (a) SGD, (b) SGD with momentum, (c) Adam and RMSprop, (d) none.
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: its steps are 1,000 times as long. (b) No: so are these. (c) Yes: numerator and root of the mean square
# both grow by 1,000. (d) No: see (c).
# ```
#
# **3.** A loss falls for 2,000 steps and then jumps to a large value in one. What helps without changing the other
# steps? (a) clipping the norm, (b) a smaller rate, (c) more momentum, (d) a larger $\varepsilon$.
#
# ```{admonition} Answer
# :class: dropdown
# (a) Yes: it acts only on the one gradient that is above the limit. (b) It would help, but makes every step
# shorter. (c) No: the bad gradient would be remembered for longer. (d) It shortens all steps in coordinates with
# small gradients.
# ```
#
# ## What to remember
#
# Momentum adds up gradients where they agree and cancels them where they alternate; Adam also divides by their
# size, so that its rate is a length. Both are a few lines, and equal
# to PyTorch's to the last digits. Forgetting large gradients can lead Adam up; decay belongs outside the division.
# Tuned, methods are close; the rate is what has to be found.
#
# {doc}`06_initialization_and_normalization` looks at what the gradients are before any optimiser sees them.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
