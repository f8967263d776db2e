"""A training step of the page *Automatic differentiation* beside PyTorch."""

from __future__ import annotations

import numpy as np
import torch

from journey.deep_learning.autograd import Tensor
from tools.bench import Work, benchmark


def _mlp(side: str, *, width: int, batch: int, depth: int = 2) -> Work:
    """One training step of a perceptron in float32: forward, cross-entropy, backward, gradient descent."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    sizes = [(width, width)] * depth + [(width, 10)]
    arrays = [
        array.astype(np.float32)
        for a, b in sizes
        for array in (rng.normal(size=(a, b)) / a**0.5, np.zeros(b))
    ]
    data, targets = rng.normal(size=(batch, width)).astype(np.float32), rng.integers(0, 10, size=batch)
    rows = np.arange(batch)

    def ours() -> float:
        hidden = inputs
        for n in range(depth):
            hidden = (hidden @ weights[2 * n] + weights[2 * n + 1]).relu()
        scores = (hidden @ weights[-2] + weights[-1]).log_softmax(1)
        loss = -scores[rows, targets].mean()
        loss.backward()
        for p in weights:
            assert p.grad is not None
            p.data -= 0.01 * p.grad
            p.grad = None
        return float(loss.item())

    def reference() -> float:
        hidden = torch_inputs
        for n in range(depth):
            hidden = torch.relu(torch.nn.functional.linear(hidden, parameters[2 * n], parameters[2 * n + 1]))
        scores = torch.nn.functional.linear(hidden, parameters[-2], parameters[-1])
        loss = torch.nn.functional.cross_entropy(scores, torch_targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return float(loss.item())

    if side == "ours":
        inputs = Tensor(data)
        weights = [Tensor(array, requires_grad=True) for array in arrays]
        return ours
    torch_inputs, torch_targets = torch.tensor(data), torch.tensor(targets)
    parameters = [torch.tensor(array.T.copy(), requires_grad=True) for array in arrays]
    optimizer = torch.optim.SGD(parameters, lr=0.01)
    return reference


@benchmark(
    "mlp step, batch 128",
    reference="PyTorch at width 256: linear, relu, cross_entropy, SGD; float32, one thread",
)
def mlp_step(side: str) -> Work:
    return _mlp(side, width=256, batch=128)


@benchmark(
    "mlp step, batch 4096, deep", reference="the same with 8 hidden layers, where activations fill the memory"
)
def mlp_step_large(side: str) -> Work:
    return _mlp(side, width=256, batch=4096, depth=8)
