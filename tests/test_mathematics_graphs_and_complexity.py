"""Searches against SciPy and graphlib on random graphs, and what they refuse."""

import itertools
from graphlib import CycleError, TopologicalSorter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import shortest_path

from journey.mathematics.graphs_and_complexity import (
    bfs,
    depth_first_order,
    dijkstra,
    path_to,
    topological_sort,
)

quick = settings(deadline=None, derandomize=True, max_examples=150)


WEIGHTS = st.integers(1, 9)


@st.composite
def weighted_graphs(draw, weights=WEIGHTS):
    n = draw(st.integers(1, 8))
    edges = st.dictionaries(st.integers(0, n - 1), weights, max_size=n)
    return {vertex: draw(edges) for vertex in range(n)}


def by_scipy(graph, **options):
    rows = [a for a in graph for _ in graph[a]]
    columns = [b for a in graph for b in graph[a]]
    weights = [float(weight) for a in graph for weight in graph[a].values()]
    matrix = csr_array((weights, (rows, columns)), shape=(len(graph),) * 2)
    return shortest_path(matrix, indices=0, **options)


def as_array(found, n):
    result = np.full(n, np.inf)
    result[list(found)] = list(found.values())
    return result


@given(weighted_graphs())
@quick
def test_bfs_agrees_with_scipy_and_its_paths_are_that_long(graph):
    distance, previous = bfs(graph, 0)
    np.testing.assert_array_equal(as_array(distance, len(graph)), by_scipy(graph, unweighted=True))
    for goal in distance:
        path = path_to(previous, 0, goal)
        assert len(path) == distance[goal] + 1
        assert all(b in graph[a] for a, b in itertools.pairwise(path))


@given(weighted_graphs(st.floats(0.01, 1e6)))
@quick
def test_dijkstra_agrees_with_scipy_and_its_paths_cost_that_much(graph):
    cost, previous = dijkstra(graph, 0)
    np.testing.assert_allclose(as_array(cost, len(graph)), by_scipy(graph), rtol=1e-12)
    for goal in cost:
        path = path_to(previous, 0, goal)
        assert sum(graph[a][b] for a, b in itertools.pairwise(path)) == pytest.approx(cost[goal], rel=1e-12)


@given(weighted_graphs(st.just(1)))
@quick
def test_dijkstra_with_equal_weights_is_bfs(graph):
    assert dijkstra(graph, 0)[0] == bfs(graph, 0)[0]


def test_edges_of_weight_zero_and_vertices_that_cannot_be_compared():
    graph = {"a": {1: 0.0}, 1: {None: 0.0, "a": 2.0}, None: {}}
    assert dijkstra(graph, "a")[0] == {"a": 0.0, 1: 0.0, None: 0.0}


@given(weighted_graphs())
@quick
def test_topological_sort_agrees_with_graphlib_that_there_is_one(graph):
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError:
        with pytest.raises(ValueError, match=r"cycle: .+ -> "):
            topological_sort(graph)
    else:
        place = {vertex: k for k, vertex in enumerate(topological_sort(graph))}
        assert set(place) == set(graph)
        assert all(place[need] < place[vertex] for vertex in graph for need in graph[vertex])


@given(weighted_graphs())
@quick
def test_the_cycle_in_the_message_is_one(graph):
    try:
        topological_sort(graph)
    except ValueError as error:
        cycle = [int(vertex) for vertex in str(error).split(": ")[1].split(" -> ")]
        assert cycle[0] == cycle[-1]
        assert all(b in graph[a] for a, b in itertools.pairwise(cycle))


def test_depth_first_order_follows_its_starts():
    graph = {1: [2], 2: [], 3: [2], 4: []}
    assert depth_first_order(graph, [3, 1]) == [2, 3, 1]
    assert depth_first_order({}) == []


def test_chains_deeper_than_the_stack():
    chain = {k: [k + 1] for k in range(50_000)} | {50_000: []}
    assert topological_sort(chain) == list(range(50_000, -1, -1))


@pytest.mark.parametrize("search", [bfs, dijkstra])
def test_unknown_vertices_are_named(search):
    with pytest.raises(ValueError, match="'x' is not a vertex"):
        search({}, "x")
    with pytest.raises(ValueError, match="7 is not a vertex"):
        search({1: {7: 1.0}}, 1)
    with pytest.raises(ValueError, match="7 is not a vertex"):
        topological_sort({1: [7]})


@pytest.mark.parametrize("weight", [-1, -1e-300, float("nan")])
def test_dijkstra_refuses_weights_that_break_its_proof(weight):
    with pytest.raises(ValueError, match="must be >= 0"):
        dijkstra({"a": {"b": weight}, "b": {}}, "a")


def test_no_path_is_an_error_that_names_both_ends():
    _, previous = bfs({1: [], 2: []}, 1)
    with pytest.raises(ValueError, match="no path from 1 to 2"):
        path_to(previous, 1, 2)
