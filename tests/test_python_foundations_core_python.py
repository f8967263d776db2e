"""HashTable is a dict (under random operations, collisions and odd keys); object_graph sees identity."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from journey.python_foundations.core_python import HashTable, object_graph

quick = settings(deadline=None, derandomize=True, max_examples=50)


class Clash:
    """Keys that are all different and all have one hash."""

    def __init__(self, name):
        self.name = name

    def __hash__(self):
        return 1

    def __eq__(self, other):
        return isinstance(other, Clash) and self.name == other.name


keys = st.one_of(
    st.integers(-20, 20),
    st.text(max_size=2),
    st.builds(Clash, st.integers(0, 6)),
    st.tuples(st.integers(0, 2), st.none()),
    st.sampled_from([0.0, -0.0, 1.0, True, False, None, math.inf]),
)


class DictMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.ours, self.theirs = HashTable(0.8), {}

    @rule(key=keys, value=st.integers())
    def put(self, key, value):
        self.ours[key] = self.theirs[key] = value

    @rule(key=keys)
    def look(self, key):
        assert (key in self.ours) == (key in self.theirs)
        if key in self.theirs:
            assert self.ours[key] == self.theirs[key]
        else:
            with pytest.raises(KeyError):
                self.ours[key]

    @rule(key=keys)
    def remove(self, key):
        if key in self.theirs:
            del self.ours[key], self.theirs[key]
        else:
            with pytest.raises(KeyError):
                del self.ours[key]

    @invariant()
    def same(self):
        assert len(self.ours) == len(self.theirs)
        assert set(self.ours) == set(self.theirs)


TestDictMachine = DictMachine.TestCase
TestDictMachine.settings = settings(deadline=None, derandomize=True, max_examples=40, stateful_step_count=40)


@quick
@given(st.lists(st.integers(0, 10**6), max_size=300), st.floats(0.05, 0.95))
def test_any_load_holds_all_keys(items, load):
    table = HashTable(load)
    for k, item in enumerate(items):
        table[item] = k
    assert {key: table[key] for key in table} == {item: k for k, item in enumerate(items)}


def test_looks_depend_on_the_load_and_not_on_the_size():
    def looks(n):
        table, chosen = HashTable(0.5), random.Random(0).sample(range(2**60), n)
        for key in chosen:
            table[key] = None
        before = table.probes
        assert all(key in table for key in chosen)
        return (table.probes - before) / n

    assert looks(1200) == pytest.approx(looks(38_400), rel=0.15)
    assert looks(1200) < 1.6


def test_equal_hashes_make_it_a_list():
    table = HashTable()
    for k in range(200):
        table[Clash(k)] = k
    before = table.probes
    assert table[Clash(199)] == 199
    assert table.probes - before == 200


def test_nan_is_found_by_identity_as_in_a_dict():
    table, nan = HashTable(), math.nan
    table[nan] = 1
    assert nan in table
    assert float("nan") not in table


def test_refusals():
    for load in (0, 1, -0.5, math.nan):
        with pytest.raises(ValueError, match="max_load"):
            HashTable(load)
    with pytest.raises(TypeError):
        HashTable()[[1]] = 2
    with pytest.raises(KeyError, match="missing"):
        HashTable()["missing"]
    with pytest.raises(ValueError, match="name"):
        object_graph({})


def test_object_graph_sees_identity_and_not_equality():
    row = [1000]
    roots, objects = object_graph({"a": [row, row], "b": row, "c": [1000]})
    assert roots["a"] == 0
    assert objects[0][1] == [roots["b"], roots["b"]]
    assert roots["c"] != roots["b"]


def test_object_graph_of_a_circle_ends():
    circle = []
    circle.append(circle)
    roots, objects = object_graph({"x": circle})
    assert (roots, len(objects), objects[0][1]) == ({"x": 0}, 1, [0])


@quick
@given(
    st.recursive(
        st.integers(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=1), inner, max_size=3),
    )
)
def test_object_graph_rebuilds_the_value(value):
    _, objects = object_graph({"v": value})

    def rebuild(number):
        thing, held = objects[number]
        if isinstance(thing, dict):
            return dict(zip(thing, map(rebuild, held)))
        return list(map(rebuild, held)) if isinstance(thing, list) else thing

    assert rebuild(0) == value
