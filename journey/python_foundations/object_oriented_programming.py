"""Object-oriented programming.

Built in the page `scripts/02_Python_Foundations/04_object_oriented_programming.py`:
edit the page, not this file.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import total_ordering
from typing import Any

import numpy as np

__all__ = ["UNITS", "Quantity", "Unit", "find_attribute", "parse_unit"]


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
    found = next((vars(kind)[name] for kind in type(obj).__mro__ if name in vars(kind)), missing)
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
            raise ValueError(f"cannot read {part!r} in the unit {text!r}; known: {known}")
        unit = unit * UNITS[name] ** (sign * int(power or 1))
    return unit


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


# seal: ae5f533e1cb825eb
