"""Bisection and shrinking: laws on random failures."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journey.orientation.tools import first_bad, shrink

quick = settings(deadline=None, derandomize=True, max_examples=150)


@given(st.integers(-50, 50), st.integers(1, 300), st.data())
@quick
def test_first_bad_finds_the_edge_in_a_logarithm_of_tests(good, length, data):
    edge = data.draw(st.integers(good + 1, good + length))
    tested = []

    def is_bad(position):
        tested.append(position)
        return position >= edge

    assert first_bad(good, good + length, is_bad) == edge
    assert len(tested) <= math.ceil(math.log2(length)) if length > 1 else not tested
    assert all(good < position < good + length for position in tested)


@pytest.mark.parametrize(("good", "bad"), [(3, 3), (4, 3)])
def test_first_bad_refuses_an_empty_history(good, bad):
    with pytest.raises(ValueError, match="after good"):
        first_bad(good, bad, lambda position: True)


@given(
    st.integers(1, 60).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1), min_size=1)))
)
@quick
def test_shrink_keeps_exactly_the_needed_elements(case):
    n, needed = case
    assert shrink(range(n), lambda part: needed <= set(part)) == sorted(needed)


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=30), st.integers(1, 5))
@quick
def test_shrink_is_one_minimal_for_failures_that_are_not_monotone(items, modulus):
    def fails(part):
        return sum(part) % modulus == sum(items) % modulus and len(part) > 0

    part = shrink(items, fails)
    assert fails(part)
    assert not any(fails(part[:n] + part[n + 1 :]) for n in range(len(part)))


@given(st.text(min_size=1, max_size=40))
@quick
def test_shrink_keeps_the_order(text):
    part = shrink(text, lambda rest: text[-1] in rest)
    assert part == [text[-1]]


def test_shrink_refuses_what_does_not_fail():
    with pytest.raises(ValueError, match="does not fail"):
        shrink([1, 2], lambda part: False)
