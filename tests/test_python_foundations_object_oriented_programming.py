"""Quantity and Unit: laws of arithmetic and of dimensions; find_attribute against Python itself."""

import datetime
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from journey.python_foundations.object_oriented_programming import (
    UNITS,
    Quantity,
    Unit,
    find_attribute,
    parse_unit,
)

quick = settings(deadline=None, derandomize=True, max_examples=50)
names = st.sampled_from(sorted(UNITS))
powers = st.integers(-3, 3)
units = st.builds(lambda a, p, b, q: UNITS[a] ** p * UNITS[b] ** q, names, powers, names, powers)
values = st.floats(-1e6, 1e6).filter(lambda x: abs(x) > 1e-6)
quantities = st.builds(Quantity, values, units)


def close(a, b, rel=1e-9):
    assert a.unit.powers == b.unit.powers
    np.testing.assert_allclose(a.si, b.si, rtol=rel, atol=rel * max(abs(a.si), abs(b.si)))


@quick
@given(units, units, units)
def test_units_form_a_commutative_group(a, b, c):
    for left, right in (((a * b) * c, a * (b * c)), (a * b, b * a), (a * UNITS["1"], a)):
        assert left.powers == right.powers
        assert math.isclose(left.scale, right.scale, rel_tol=1e-12)
    assert (a / a).powers == (0, 0, 0)
    assert math.isclose((a / a).scale, 1, rel_tol=1e-12)


@quick
@given(quantities, values, values)
def test_addition_and_subtraction_are_inverse(a, x, y):
    b, c = Quantity(x, a.unit), Quantity(y, a.unit)
    close(a + b, b + a)
    assert ((a + b) - b).si == pytest.approx(a.si, abs=1e-9 * (abs(a.si) + abs(b.si)))
    assert ((a + b) + c).si == pytest.approx((a + (b + c)).si, abs=1e-9 * (abs(a.si) + abs(b.si) + abs(c.si)))


@quick
@given(quantities, quantities)
def test_multiplication_and_division_are_inverse(a, b):
    close(a * b, b * a)
    close(a * b / b, a)
    close(1 / (1 / a), a)
    close(a**3, a * a * a)


@quick
@given(quantities, quantities, values)
def test_product_distributes(a, b, x):
    c = Quantity(x, b.unit)
    left, right = a * (b + c), a * b + a * c
    scale = abs(a.si) * (abs(b.si) + abs(c.si))
    assert left.unit.powers == right.unit.powers
    assert abs(left.si - right.si) <= 1e-9 * scale


@quick
@given(quantities, names)
def test_conversion_there_and_back(q, name):
    target = q.unit * UNITS[name] / UNITS[name]
    assert Quantity(q.to(target), target).si == pytest.approx(q.si, rel=1e-12)


@quick
@given(quantities, quantities)
def test_unlike_dimensions_are_refused(a, b):
    assume(a.unit.powers != b.unit.powers)
    for operation in (lambda: a + b, lambda: a - b, lambda: a < b, lambda: a >= b, lambda: a.to(b.unit)):
        with pytest.raises(ValueError, match="unlike quantities"):
            operation()
    assert a != b


@quick
@given(st.integers(-1000, 1000), st.sampled_from(["km", "min", "h"]))
def test_equal_quantities_have_equal_hashes(n, name):
    base = {"km": "m", "min": "s", "h": "s"}[name]
    a, b = Quantity(n, name), Quantity(n * UNITS[name].scale, base)
    assert a == b
    assert hash(a) == hash(b)
    assert len({a, b}) == 1


def test_known_conversions():
    assert Quantity(90, "km/h").to("m/s") == pytest.approx(25)
    assert Quantity(1, "mi").to("ft") == pytest.approx(5280)
    assert Quantity(1, "W*h").to("J") == pytest.approx(3600)
    assert Quantity(1, "kg*m/s^2") == Quantity(1, "N")
    assert Fraction(Quantity(1, "lb").si) == Fraction(0.45359237)


def test_arrays_on_both_sides():
    q = Quantity(np.array([1.0, 2.0]), "km")
    assert (q + Quantity(500, "m")).to("km").tolist() == [1.5, 2.5]
    product = np.array([2.0, 3.0]) * q
    assert isinstance(product, Quantity)
    assert product.to("m").tolist() == [2000, 6000]
    assert (np.array([1.0, 1.0]) / q).unit.powers == (-1, 0, 0)
    assert repr(q) == "<2 values> m"


def test_plain_numbers_mix_only_as_factors():
    q = Quantity(2, "m")
    assert 3 * q == q * 3 == Quantity(6, "m")
    with pytest.raises(TypeError):
        q + 1
    with pytest.raises(TypeError):
        1 - q
    assert (q == 2) is False


def test_sorting_and_sum():
    lengths = [Quantity(1, "mi"), Quantity(1, "km"), Quantity(1, "ft")]
    assert [round(q.si, 4) for q in sorted(lengths)] == [0.3048, 1000, 1609.344]
    assert sum(lengths, Quantity(0, "m")).to("m") == pytest.approx(2609.6488)


def test_nothing_changes():
    q, unit = Quantity(1, "m"), UNITS["m"]
    for name in ("value", "unit", "new"):
        with pytest.raises(AttributeError, match="never changes"):
            setattr(q, name, 2)
    with pytest.raises(AttributeError):
        unit.scale = 2.0


@pytest.mark.parametrize("text", ["", "furlong", "m^", "m^x", "m//s", "km h", "^2", "m*", "2m"])
def test_units_that_cannot_be_read(text):
    with pytest.raises(ValueError, match="cannot read"):
        parse_unit(text)


@pytest.mark.parametrize(
    ("scale", "powers"),
    [
        (0.0, (1, 0, 0)),
        (-1.0, (0, 0, 0)),
        (math.inf, (0, 0, 0)),
        (math.nan, (0, 0, 0)),
        (1.0, (1, 0)),
        (1.0, (0.5, 0, 0)),
    ],
)
def test_units_that_cannot_be(scale, powers):
    with pytest.raises(ValueError, match="must be"):
        Unit(scale, powers)


class Base:
    shared = "base"

    def __init__(self):
        self.own = 1
        self.__dict__["guarded"] = "from the object"

    @property
    def guarded(self):
        return "from the property"

    @classmethod
    def kind(cls):
        return cls.__name__

    @staticmethod
    def fixed():
        return 7

    def method(self):
        return self.own


class Child(Base):
    shared = "child"


class Slots:
    __slots__ = ("x",)


@pytest.mark.parametrize("obj", [Base(), Child(), datetime.date(2013, 1, 1), Fraction(1, 3), "text", 3, [1]])
def test_find_attribute_agrees_with_python(obj):
    for name in dir(obj):
        if name == "__class__":
            continue
        ours, theirs = find_attribute(obj, name), getattr(obj, name)
        assert ours == theirs or type(ours) is type(theirs)


def test_find_attribute_precedence_and_errors():
    child = Child()
    assert find_attribute(child, "guarded") == "from the property"
    assert find_attribute(child, "shared") == "child"
    child.shared = "object"
    assert find_attribute(child, "shared") == "object"
    assert find_attribute(child, "kind")() == "Child"
    assert find_attribute(child, "method")() == 1
    slots = Slots()
    slots.x = 5
    assert find_attribute(slots, "x") == 5
    with pytest.raises(AttributeError, match="'Child' object has no attribute 'nothing'"):
        find_attribute(child, "nothing")
