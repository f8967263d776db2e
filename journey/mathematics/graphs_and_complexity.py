"""Graphs and complexity.

Built in the page `scripts/01_Mathematics/12_graphs_and_complexity.py`: edit the page, not this file.
"""

import heapq
import itertools
from collections import deque
from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

__all__ = ["Vertex", "bfs", "depth_first_order", "dijkstra", "path_to", "topological_sort"]

Vertex = TypeVar("Vertex", bound=Hashable)


def bfs(
    neighbours: Mapping[Vertex, Iterable[Vertex]], start: Vertex
) -> tuple[dict[Vertex, int], dict[Vertex, Vertex]]:
    """Breadth-first search: the number of edges from ``start`` to every vertex in reach.

    Parameters
    ----------
    neighbours : mapping
        For each vertex the vertices that its edges lead to.
    start : vertex

    Returns
    -------
    distance : dict
        For each vertex in reach the length of the shortest path, in edges.
    previous : dict
        For each of them but ``start`` the vertex before it on a shortest path.

    Raises
    ------
    ValueError
        If the start, or a vertex that an edge leads to, is not in the graph.
    """
    _check_vertex(neighbours, start)
    distance, previous = {start: 0}, {}
    front = deque([start])
    while front:
        vertex = front.popleft()
        for other in neighbours[vertex]:
            if other not in distance:
                _check_vertex(neighbours, other)
                distance[other] = distance[vertex] + 1
                previous[other] = vertex
                front.append(other)
    return distance, previous


def _check_vertex(graph: Mapping[Vertex, object], vertex: Vertex) -> None:
    if vertex not in graph:
        raise ValueError(f"{vertex!r} is not a vertex of the graph")


def path_to(previous: Mapping[Vertex, Vertex], start: Vertex, goal: Vertex) -> list[Vertex]:
    """The path that a search has found, from ``start`` to ``goal``.

    Raises
    ------
    ValueError
        If the search has not reached the goal.
    """
    path = [goal]
    while path[-1] != start:
        if path[-1] not in previous:
            raise ValueError(f"no path from {start!r} to {goal!r}")
        path.append(previous[path[-1]])
    return path[::-1]


def depth_first_order(
    neighbours: Mapping[Vertex, Iterable[Vertex]],
    starts: Iterable[Vertex] | None = None,
) -> list[Vertex]:
    """Vertices in the order in which a depth-first search finishes them.

    Parameters
    ----------
    neighbours : mapping
        For each vertex the vertices that its edges lead to.
    starts : iterable of vertices, optional
        Where to begin, in order; by default every vertex.

    Returns
    -------
    list
        Each vertex in reach once. Without cycles, it comes after all that its edges lead to.

    Raises
    ------
    ValueError
        If a vertex is not in the graph, or the graph has a cycle; the message shows it.
    """
    finished: dict[Vertex, None] = {}
    for start in neighbours if starts is None else starts:
        _check_vertex(neighbours, start)
        if start in finished:
            continue
        open_vertices = {start: iter(neighbours[start])}  # insertion order: the way down
        while open_vertices:
            vertex, rest = next(reversed(open_vertices.items()))
            other = next((one for one in rest if one not in finished), None)
            if other is None:
                finished[vertex] = None
                del open_vertices[vertex]
            elif other in open_vertices:
                way = list(open_vertices)
                cycle = [*way[way.index(other) :], other]
                raise ValueError(f"the graph has a cycle: {' -> '.join(map(str, cycle))}")
            else:
                _check_vertex(neighbours, other)
                open_vertices[other] = iter(neighbours[other])
    return list(finished)


def topological_sort(needs: Mapping[Vertex, Iterable[Vertex]]) -> list[Vertex]:
    """Order vertices so that each comes after everything it needs; ValueError if they need each other."""
    return depth_first_order(needs)


def dijkstra(
    graph: Mapping[Vertex, Mapping[Vertex, float]], start: Vertex
) -> tuple[dict[Vertex, float], dict[Vertex, Vertex]]:
    """Cheapest paths from ``start`` along edges of non-negative weight.

    Parameters
    ----------
    graph : mapping of mappings
        For each vertex the vertices that its edges lead to, with the weights.
    start : vertex

    Returns
    -------
    cost, previous : dict
        The sum of weights on the cheapest path, and the vertex before, as in ``bfs``.

    Raises
    ------
    ValueError
        If a vertex is not in the graph, or a weight is negative or not a number.
    """
    _check_vertex(graph, start)
    final: dict[Vertex, float] = {}
    cost, previous = {start: 0.0}, {}
    order = itertools.count()  # breaks ties, so that vertices need not be comparable
    waiting = [(0.0, next(order), start)]
    while waiting:
        total, _, vertex = heapq.heappop(waiting)
        if vertex in final:
            continue  # an outdated entry
        final[vertex] = total
        for other, weight in graph[vertex].items():
            if not weight >= 0:
                raise ValueError(f"edge {vertex!r} to {other!r} has weight {weight}; it must be >= 0")
            _check_vertex(graph, other)
            if total + weight < cost.get(other, float("inf")):
                cost[other], previous[other] = total + weight, vertex
                heapq.heappush(waiting, (total + weight, next(order), other))
    return final, previous


# seal: 49fcced7e4be8c2e
