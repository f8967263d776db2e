"""Counting, clock arithmetic and coincidences: laws, enumeration, Python's own integers."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journey.mathematics.discrete_mathematics import (
    collision_probability,
    extended_gcd,
    fibonacci,
    is_tautology,
    modular_inverse,
    union_size,
)

quick = settings(deadline=None, derandomize=True, max_examples=200)
integers = st.integers(-(10**30), 10**30)


def test_tautologies_and_their_absence():
    assert is_tautology(lambda a, b: a or (not a or b), 2)
    assert not is_tautology(lambda a, b: a or b, 2)
    assert is_tautology(lambda a, b, c: (a and (b or c)) == ((a and b) or (a and c)), 3)
    assert is_tautology(lambda: True, 0)
    assert not is_tautology(lambda *values: values != (True,) * 12, 12), "one false case of 4,096 is found"


@pytest.mark.parametrize("n", [-1, 21])
def test_too_many_cases_are_refused(n):
    with pytest.raises(ValueError, match="between 0 and 20"):
        is_tautology(lambda *values: True, n)


@given(st.lists(st.sets(st.integers(0, 9)), max_size=6))
@quick
def test_union_size_is_the_size_of_the_union(sets):
    assert union_size(sets) == len(set().union(*sets))


def test_union_size_takes_repetitions_and_refuses_too_many_sets():
    assert union_size([[1, 1, 2], (2, 3)]) == 3
    with pytest.raises(ValueError, match="20 are the most"):
        union_size([{1}] * 21)


@given(st.integers(0, 400), st.integers(0, 400))
@quick
def test_fibonacci_obeys_its_addition_law(m, n):
    assert fibonacci(m + n + 1) == fibonacci(m + 1) * fibonacci(n + 1) + fibonacci(m) * fibonacci(n)


@given(st.integers(0, 2000), st.integers(1, 10**12))
@quick
def test_fibonacci_modulo_is_the_remainder(n, modulus):
    assert fibonacci(n, modulus) == fibonacci(n) % modulus


@given(st.integers(0, 60), st.integers(0, 60))
@quick
def test_gcd_of_fibonacci_numbers(m, n):
    assert math.gcd(fibonacci(m), fibonacci(n)) == fibonacci(math.gcd(m, n))


@pytest.mark.parametrize(("n", "modulus"), [(-1, None), (3, 0), (3, -2)])
def test_fibonacci_refuses(n, modulus):
    with pytest.raises(ValueError, match="got"):
        fibonacci(n, modulus)


@given(integers, integers)
@quick
def test_extended_gcd_is_bezouts_identity(a, b):
    g, x, y = extended_gcd(a, b)
    assert g == math.gcd(a, b)
    assert a * x + b * y == g


@given(integers, st.integers(2, 10**18))
@quick
def test_modular_inverse_agrees_with_python(a, modulus):
    if math.gcd(a, modulus) == 1:
        assert modular_inverse(a, modulus) == pow(a, -1, modulus)
    else:
        with pytest.raises(ValueError, match="no inverse"):
            modular_inverse(a, modulus)


@pytest.mark.parametrize("modulus", [1, 0, -7])
def test_modular_inverse_refuses_a_modulus_below_two(modulus):
    with pytest.raises(ValueError, match="at least 2"):
        modular_inverse(1, modulus)


@given(st.integers(0, 40), st.integers(1, 30))
@quick
def test_collisions_of_equal_kinds_by_the_product(n, kinds):
    none = math.prod(max(kinds - k, 0) / kinds for k in range(n))
    assert collision_probability(n, kinds) == pytest.approx(1 - none, abs=1e-12)


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=20), st.integers(0, 30))
@quick
def test_equal_shares_collide_least(weights, n):
    p = np.array(weights) / np.sum(weights)
    even = np.full(len(p), 1 / len(p))
    chance = collision_probability(n, p)
    assert 0 <= chance <= 1
    assert chance >= collision_probability(n, even) - 1e-12
    assert collision_probability(n + 1, p) >= chance


def test_the_approximation_is_close_for_rare_coincidences():
    assert collision_probability(10, np.full(10_000, 1e-4)) == pytest.approx(
        collision_probability(10, 10_000), rel=1e-3
    )
    assert collision_probability(1, [1.0]) == 0


@pytest.mark.parametrize("kinds", [0, -3, [0.5, 0.4], [1.5, -0.5], [np.nan, 1.0], [[1.0]]])
def test_collision_probability_refuses(kinds):
    with pytest.raises(ValueError, match=r"kind|sum 1"):
        collision_probability(3, kinds)


def test_a_negative_number_of_draws_is_refused():
    with pytest.raises(ValueError, match="n_draws"):
        collision_probability(-1, 365)
