"""``make bench``: what the book's code costs beside the library of the field, side by side in one run.

    python -m tools.bench                 every benchmark
    python -m tools.bench --only mlp      those whose name contains "mlp"

A benchmark is a function in a file of ``tools/benchmarks/``, registered with ``@benchmark(name)``; it
prepares the work of one side, ours or the reference's. The two take turns, so that a busy machine slows
both, and medians are compared. Time is measured in this process on one thread, peak memory in a fresh
process for each side, so that neither sees what the other has allocated. Nothing passes or fails here:
the numbers are for reading. Memory is what the process holds, what an allocator keeps back included.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib
import os
import pkgutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
Work = Callable[[], object]
SIDES = ("ours", "reference")


@dataclass(frozen=True)
class Benchmark:
    """A name, what is compared, and ``prepare(side)``, which returns the work of one side, ready to run.

    Of a scored benchmark the work returns a number that says how good its answer is.
    """

    name: str
    reference: str
    prepare: Callable[[str], Work]
    repeats: int = 60
    scored: bool = False
    memory: bool = True


REGISTRY: dict[str, Benchmark] = {}


def benchmark(
    name: str, *, reference: str, repeats: int = 60, scored: bool = False, memory: bool = True
) -> Callable[[Callable[[str], Work]], Callable[[str], Work]]:
    """Register a function that takes "ours" or "reference" and returns that side's work.

    It is run ``repeats`` times; if ``scored``, the numbers that the work returns are shown too. Work that
    takes a minute is not run again for its memory (``memory=False``).

    Raises
    ------
    ValueError
        If the name is taken.
    """

    def register(prepare: Callable[[str], Work]) -> Callable[[str], Work]:
        if name in REGISTRY:
            raise ValueError(f"there is a benchmark {name!r} already")
        REGISTRY[name] = Benchmark(name, reference, prepare, repeats, scored, memory)
        return prepare

    return register


def load() -> None:
    """Import every file of ``tools/benchmarks``, with the limits that NumPy reads when it is imported."""
    os.environ.update(dict.fromkeys(THREADS, "1"))
    from tools import benchmarks

    for module in pkgutil.iter_modules(benchmarks.__path__):
        importlib.import_module(f"{benchmarks.__name__}.{module.name}")


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


def peak_growth_mb(work: Work, *, repeats: int = 10) -> float:
    """How far the work raises the resident memory of this process at its peak, in MB.

    It runs once before, so that libraries which load on first use do not count, and what that run freed
    goes back to the system. NaN where the system keeps no peak that can be reset, as Linux does.
    """
    try:
        work()
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak is now what is resident
        before = _resident_peak_kb()
        for _ in range(repeats):
            work()
        return (_resident_peak_kb() - before) / 2**10
    except (OSError, AttributeError):
        return float("nan")


def _resident_peak_kb() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")), 0)


def memory_in_fresh_process(name: str, side: str) -> float:
    """``peak_growth_mb`` of one side of a benchmark, measured where nothing else has run."""
    command = [sys.executable, "-m", "tools.bench", "--memory-of", name, side]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(answer.stdout)


def table(rows: list[tuple[str, str, float, float, str]]) -> str:
    """The results as text: what was measured, both sides, and ours over the reference."""
    lines = [f"{'benchmark':36} {'measure':8} {'ours':>11} {'reference':>11} {'ratio':>7}"]
    for name, measure, ours, reference, unit in rows:
        ratio = f"{ours / reference:7.2f}" if unit and reference > 0 else f"{'–':>7}"
        figures = [f"{value:8.3f}" if not unit else f"{value:8.2f}" for value in (ours, reference)]
        lines.append(f"{name:36} {measure:8} {figures[0]} {unit:2} {figures[1]} {unit:2} {ratio}")
    times = [ours / reference for _, measure, ours, reference, _ in rows if measure == "time"]
    if len(times) > 1:
        mean = statistics.geometric_mean(times)
        lines.append(f"\ntime, {len(times)} pairs: geometric mean {mean:.2f}, largest {max(times):.2f}")
    return "\n".join(lines)


def _remembered(work: Work, answers: dict[str, object], side: str) -> Work:
    """The same work, which leaves its latest answer."""

    def remembered() -> None:
        answers[side] = work()

    return remembered


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
        answers: dict[str, object] = {}
        works = [_remembered(entry.prepare(side), answers, side) for side in SIDES]
        ours, reference = time_pair(*works, repeats=entry.repeats, warm_up=min(5, entry.repeats // 5))
        rows.append((entry.name, "time", ours * 1e3, reference * 1e3, "ms"))
        if entry.scored:
            scores = [float(str(answers[side])) for side in SIDES]
            rows.append((entry.name, "score", scores[0], scores[1], ""))
        if entry.memory:
            memory = [memory_in_fresh_process(entry.name, side) for side in SIDES]
            rows.append((entry.name, "memory", memory[0], memory[1], "MB"))
    notes = [f"{entry.name}: reference is {entry.reference}" for entry in chosen]
    return "\n".join([table(rows), "", *notes])


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description="What the book's code costs beside the library of the field."
    )
    parser.add_argument("--only", default="", help="run the benchmarks whose name contains this")
    parser.add_argument("--memory-of", nargs=2, metavar=("NAME", "SIDE"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    load()
    if options.memory_of:
        name, side = options.memory_of
        entry = REGISTRY[name]
        print(peak_growth_mb(entry.prepare(side), repeats=min(10, entry.repeats)))
        return 0
    try:
        print(run(options.only))
    except ValueError as error:
        parser.error(str(error))
    return 0


if __name__ == "__main__":
    from tools.bench import main as run_main  # the registry that the benchmarks fill, not this copy of it

    raise SystemExit(run_main())
