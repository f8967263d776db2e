"""Functions and iteration.

Built in the page `scripts/02_Python_Foundations/02_functions_and_iteration.py`: edit the page, not this file.
"""

from __future__ import annotations

import csv
import functools
import itertools
import os
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple, TextIO

__all__ = [
    "CacheInfo",
    "MalformedRow",
    "Summary",
    "atomic_write",
    "batched",
    "columns_of",
    "group_means",
    "memoize",
    "timed",
    "to_numbers",
]


class CacheInfo(NamedTuple):
    """What a cache has done: the fields of ``functools.lru_cache``."""

    hits: int
    misses: int
    maxsize: int | None
    currsize: int


def memoize(maxsize: int | None = 128) -> Callable[[Callable], Callable]:
    """Remember the answers of a function, the last ``maxsize`` of them used.

    Parameters
    ----------
    maxsize : int or None
        How many; at 0 none, at None all.

    Returns
    -------
    callable
        A decorator. The function it makes has ``cache_info()`` and ``cache_clear()``.

    Raises
    ------
    ValueError
        If maxsize is negative.
    TypeError
        When the function is called with an argument that cannot be hashed.
    """
    if maxsize is not None and maxsize < 0:
        raise ValueError(f"maxsize is not negative, or None for no limit: got {maxsize}")

    def decorate(function: Callable) -> Callable:
        answers: OrderedDict[Hashable, Any] = OrderedDict()
        hits = misses = 0

        @functools.wraps(function)  # the name, the docstring, the signature
        def remembering(*args: Hashable, **kwargs: Hashable) -> Any:
            nonlocal hits, misses
            key = (args, tuple(kwargs.items()))
            if key in answers:
                hits += 1
                answers.move_to_end(key)  # the latest used
                return answers[key]
            misses += 1
            answer = function(*args, **kwargs)
            answers[key] = answer
            answers.move_to_end(key)  # the call may have stored it, if it calls itself
            while maxsize is not None and len(answers) > maxsize:
                answers.popitem(last=False)  # the longest unused
            return answer

        def cache_clear() -> None:
            nonlocal hits, misses
            answers.clear()
            hits = misses = 0

        remembering.cache_info = lambda: CacheInfo(hits, misses, maxsize, len(answers))  # type: ignore[attr-defined]
        remembering.cache_clear = cache_clear  # type: ignore[attr-defined]
        return remembering

    return decorate


def timed(
    report: Callable[[str, float], None], clock: Callable[[], float] = perf_counter
) -> Callable[[Callable], Callable]:
    """Report the name and the seconds of each call, also of one that fails.

    Parameters
    ----------
    report : callable
        Gets the function's name and the elapsed time.
    clock : callable
        Returns the time; a test hands in its own.
    """

    def decorate(function: Callable) -> Callable:
        @functools.wraps(function)
        def measured(*args: Any, **kwargs: Any) -> Any:
            start = clock()
            try:
                return function(*args, **kwargs)
            finally:
                report(function.__name__, clock() - start)

        return measured

    return decorate


def columns_of(lines: Iterable[str], *names: str) -> Iterator[tuple[str, ...]]:
    """Some columns of a comma-separated text with a header, row by row.

    Raises
    ------
    ValueError
        If a column is missing, or a row has another number of fields than the header;
        the message names the line.
    """
    reader = csv.reader(lines)
    header = next(reader, [])
    missing = [name for name in names if name not in header]
    if missing:
        raise ValueError(f"no column {missing[0]!r} among {header}")
    places = [header.index(name) for name in names]
    for row in reader:
        if len(row) != len(header):
            raise ValueError(f"line {reader.line_num}: {len(row)} fields, the header has {len(header)}")
        yield tuple([row[place] for place in places])


def batched(items: Iterable[Any], size: int) -> Iterator[tuple[Any, ...]]:
    """Tuples of ``size`` consecutive items; the last may be shorter."""
    if size < 1:
        raise ValueError(f"a batch has at least one item, got size={size}")
    iterator = iter(items)
    while batch := tuple(itertools.islice(iterator, size)):
        yield batch


class Summary(NamedTuple):
    """How many, mean and variance (with n - 1; NaN for one value) of what went by."""

    n: int
    mean: float
    variance: float


def group_means(pairs: Iterable[tuple[Hashable, float]]) -> dict[Hashable, Summary]:
    """Summaries of values by key, in one pass; memory for the keys only.

    Parameters
    ----------
    pairs : iterable of (key, value)

    References
    ----------
    Equation eq-iteration-welford; Welford (1962).
    """
    state: dict[Hashable, tuple[int, float, float]] = {}
    for key, value in pairs:
        k, mean, spread = state.get(key, (0, 0.0, 0.0))
        step = value - mean
        mean += step / (k + 1)
        state[key] = (k + 1, mean, spread + step * (value - mean))
    return {
        key: Summary(k, mean, spread / (k - 1) if k > 1 else float("nan"))
        for key, (k, mean, spread) in state.items()
    }


@contextmanager
def atomic_write(path: str | Path) -> Iterator[TextIO]:
    """Open a text file for writing that appears complete, or not at all.

    The text goes into a new file in the same folder, which takes the old one's place at
    the end. If the body raises, the old file is untouched and the new one removed.

    Yields
    ------
    file
        Open for writing, UTF-8.
    """
    target = Path(path)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # on the disk, before the name points to it
        os.replace(name, target)  # one step for the file system
    except BaseException:
        os.unlink(name)
        raise


class MalformedRow(ValueError):
    """A row that cannot be read; ``number`` is its place, counted from 1."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f"row {number}: {reason}")
        self.number = number


def to_numbers(texts: Iterable[str], *, missing: tuple[str, ...] = ("", "NA")) -> Iterator[float | None]:
    """Numbers from texts, None for a missing one.

    Raises
    ------
    MalformedRow
        At the first text that is neither a number nor in ``missing``.
    """
    for number, text in enumerate(texts, start=1):
        if text in missing:
            yield None
            continue
        try:
            yield float(text)
        except ValueError as error:
            raise MalformedRow(number, f"{text!r} is no number") from error


# seal: d25e6ebc0303b443
