"""``make bench``: what the book's code costs beside the library of the field, side by side in one run.

    python -m tools.bench                 every benchmark
    python -m tools.bench --only mlp      those whose name contains "mlp"

A benchmark is a function that prepares two callables doing the same work and is registered with
``@benchmark(name)``. They take turns, so that a busy machine slows both; medians are compared. Time is
measured in this process on one thread, peak memory in a fresh process for each side, so that neither sees
what the other has allocated. Nothing passes or fails here: the numbers are for reading.
"""

from __future__ import annotations

import argparse
import os
import sys

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
os.environ.update(dict.fromkeys(THREADS, "1"))  # read once, when NumPy is imported

import resource
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

Work = Callable[[], object]
SIDES = ("ours", "reference")


@dataclass(frozen=True)
class Benchmark:
    """A name, what is compared, and ``prepare(side)``, which returns the work of one side, ready to run."""

    name: str
    reference: str
    prepare: Callable[[str], Work]


REGISTRY: dict[str, Benchmark] = {}


def benchmark(name: str, *, reference: str) -> Callable[[Callable[[str], Work]], Callable[[str], Work]]:
    """Register a function that takes "ours" or "reference" and returns that side's work.

    Raises
    ------
    ValueError
        If the name is taken.
    """

    def register(prepare: Callable[[str], Work]) -> Callable[[str], Work]:
        if name in REGISTRY:
            raise ValueError(f"there is a benchmark {name!r} already")
        REGISTRY[name] = Benchmark(name, reference, prepare)
        return prepare

    return register


def time_pair(ours: Work, reference: Work, *, repeats: int = 60, warm_up: int = 5) -> tuple[float, float]:
    """Median seconds of two callables that take turns; who begins alternates."""
    times: tuple[list[float], list[float]] = ([], [])
    works = (ours, reference)
    for n in range(warm_up + repeats):
        for side in (0, 1) if n % 2 else (1, 0):
            start = time.perf_counter()
            works[side]()
            if n >= warm_up:
                times[side].append(time.perf_counter() - start)
    return statistics.median(times[0]), statistics.median(times[1])


def peak_growth_mb(work: Work, *, repeats: int = 20) -> float:
    """By how much running the work raises the peak memory of this process, in MB."""
    unit = 2**20 if sys.platform == "darwin" else 2**10  # bytes there, kilobytes elsewhere
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(repeats):
        work()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / unit


def memory_in_fresh_process(name: str, side: str) -> float:
    """``peak_growth_mb`` of one side of a benchmark, measured where nothing else has run."""
    command = [sys.executable, "-m", "tools.bench", "--memory-of", name, side]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(answer.stdout)


def table(rows: list[tuple[str, str, float, float, str]]) -> str:
    """The results as text: what was measured, both sides, and ours over the reference."""
    lines = [f"{'benchmark':28} {'measure':8} {'ours':>10} {'reference':>10} {'ratio':>7}"]
    for name, measure, ours, reference, unit in rows:
        ratio = f"{ours / reference:7.2f}" if reference > 0 else "      –"
        lines.append(f"{name:28} {measure:8} {ours:7.2f} {unit:2} {reference:7.2f} {unit:2} {ratio}")
    return "\n".join(lines)


def run(only: str = "") -> str:
    """Run the benchmarks whose name contains a text; return the table.

    Raises
    ------
    ValueError
        If there is none.
    """
    chosen = [entry for entry in REGISTRY.values() if only in entry.name]
    if not chosen:
        raise ValueError(f"no benchmark has {only!r} in its name; there are {', '.join(REGISTRY)}")
    rows = []
    for entry in chosen:
        ours, reference = time_pair(*(entry.prepare(side) for side in SIDES))
        rows.append((entry.name, "time", ours * 1e3, reference * 1e3, "ms"))
        memory = [memory_in_fresh_process(entry.name, side) for side in SIDES]
        rows.append((entry.name, "memory", memory[0], memory[1], "MB"))
    notes = [f"{entry.name}: reference is {entry.reference}" for entry in chosen]
    return "\n".join([table(rows), "", *notes])


def _mlp(side: str, *, width: int, batch: int, depth: int = 2) -> Work:
    """One training step of a perceptron in float32: forward, cross-entropy, backward, gradient descent."""
    import numpy as np
    import torch

    from journey.deep_learning.autograd import Tensor

    _ = torch.set_num_threads(1)
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
        return float(loss)

    def reference() -> float:
        hidden = torch_inputs
        for n in range(depth):
            hidden = torch.relu(torch.nn.functional.linear(hidden, parameters[2 * n], parameters[2 * n + 1]))
        scores = torch.nn.functional.linear(hidden, parameters[-2], parameters[-1])
        loss = torch.nn.functional.cross_entropy(scores, torch_targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return float(loss)

    if side == "ours":
        inputs = Tensor(data)
        weights = [Tensor(array, requires_grad=True) for array in arrays]
        return ours
    torch_inputs, torch_targets = torch.tensor(data), torch.tensor(targets)
    parameters = [torch.tensor(array.T.copy(), requires_grad=True) for array in arrays]
    optimizer = torch.optim.SGD(parameters, lr=0.01)
    return reference


@benchmark("mlp step 256 x 128", reference="PyTorch: linear, relu, cross_entropy, SGD; float32, one thread")
def mlp_step(side: str) -> Work:
    return _mlp(side, width=256, batch=128)


@benchmark(
    "mlp step 256 x 4096", reference="the same with a batch of 4,096, where activations fill the memory"
)
def mlp_step_large(side: str) -> Work:
    return _mlp(side, width=256, batch=4096, depth=8)


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description="What the book's code costs beside the library of the field."
    )
    parser.add_argument("--only", default="", help="run the benchmarks whose name contains this")
    parser.add_argument("--memory-of", nargs=2, metavar=("NAME", "SIDE"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.memory_of:
        name, side = options.memory_of
        print(peak_growth_mb(REGISTRY[name].prepare(side)))
        return 0
    try:
        print(run(options.only))
    except ValueError as error:
        parser.error(str(error))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
