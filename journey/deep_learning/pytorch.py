"""PyTorch.

Built in the page `scripts/04_Deep_Learning/08_pytorch.py`: edit the page, not this file.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

__all__ = [
    "CHECKS",
    "Finding",
    "Run",
    "captured_graphs",
    "find_faults",
    "memory_traffic",
    "overfit_one_batch",
    "predict_scores",
    "seed_everything",
    "train_step",
]


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


def _repeats(run: Run) -> _Outcome:
    X, _ = run.batch()
    off = float((run.predict(run, X) - run.predict(run, X)).abs().max())
    return off == 0, f"two predictions differ by {off:.2g}"


def _labels_stay(run: Run) -> _Outcome:
    if run.dataset is None:
        return True, "no data set to compare with"
    known: dict[bytes, set[bytes]] = {}
    for x, t in zip(*run.dataset, strict=True):
        known.setdefault(x.numpy().tobytes(), set()).add(t.numpy().tobytes())
    pairs = [(x.numpy().tobytes(), t.numpy().tobytes()) for x, t in zip(*run.batch(), strict=True)]
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


def captured_graphs(function: Callable[..., Any], *calls: tuple[Any, ...]) -> list[torch.fx.GraphModule]:
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


_ELEMENTWISE = re.compile(
    "add|sub|mul|truediv|div|pow|neg|exp|log|sqrt|rsqrt|tanh|sigmoid|relu|gelu|silu|sin|cos|abs|clamp|where"
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


# seal: 28459e57b40ab2a7
