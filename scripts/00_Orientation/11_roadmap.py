# %% [markdown]
# # The roadmap
#
# Which page must be read before which, and what is the shortest path to the one that you came for?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** the map of the book, drawn from its table of contents and its real imports; `learning_path`
# - **You need** {doc}`01_how_to_use_this_book`
# - **Checked against** Python's own `graphlib`
# - **Time** 15 minutes to read
# - **Data** this book
# ````

# %%
import ast
import graphlib
import importlib.util
import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from journey.orientation.checks import claim
from journey.orientation.claims_ledger import StoredPage, stored_pages
from journey.orientation.figures import COLORS, use_journey_style

use_journey_style()

# %% [markdown]
# ## From student to systems thinker
#
# | you are | you can | stages | you leave with |
# |---|---|---|---|
# | **student** | say why it works | 00 Orientation, 01 Mathematics, 02 Python Foundations | vectors to optimisation, probability, clean and tested Python |
# | **practitioner** | make it work on real data, and measure how well | 03 Machine Learning, 04 Deep Learning | every classical estimator and a deep-learning engine, built and compared |
# | **engineer** | choose, adapt and train large models | 05 Computer Vision, 06 NLP, 07 LLMs | pretrained networks, tokenisers, transformers, a language model |
# | **systems thinker** | run it for others, and know what to change when it fails | 08 MLOps, 09 Research Implementations, 10 Projects | tracked, reproduced, served and monitored systems |
#
# The order is not a matter of taste: a later page *imports* what an earlier one built. Those imports can be read from the pages, so the map below is drawn by a program.
#
# ## Reading the graph
#
# A page depends on another if its code imports the other's module. The notebooks hold the code, and `ast` finds the imports.


# %% tags=["export"]
def module_of(name: str) -> str:
    """The module that a page exports to: ``01_Mathematics/01_vectors`` is ``journey.mathematics.vectors``."""
    return ".".join(
        ["journey", *(re.sub(r"^\d+_", "", part).lower() for part in name.split("/"))]
    )


def import_graph(pages: list[StoredPage]) -> dict[str, set[str]]:
    """For each page, the pages whose modules its code imports (not those reached through them)."""
    by_module = {module_of(page.name): page.name for page in pages}
    graph: dict[str, set[str]] = {}
    for page in pages:
        code = "\n".join(
            "".join(cell["source"])
            for cell in page.cells
            if cell["cell_type"] == "code"
        )
        found: set[str] = set()
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom):
                found |= {node.module or ""} | {
                    f"{node.module}.{alias.name}" for alias in node.names
                }
            elif isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
        graph[page.name] = {
            by_module[module] for module in found if module in by_module
        } - {page.name}
    return graph


# %% tags=["export"]
def learning_path(graph: dict[str, set[str]], target: str) -> list[str]:
    """The pages to read before ``target``, prerequisites first, ``target`` last.

    Raises
    ------
    ValueError
        If the target is not a page, or pages import each other in a circle.
    """
    if target not in graph:
        raise ValueError(
            f"no page {target!r}; pages are named like {next(iter(graph), '01_Mathematics/01_vectors')!r}"
        )
    path: list[str] = []
    on_the_way: set[str] = set()

    def visit(page: str) -> None:
        if page in path:
            return
        if page in on_the_way:
            raise ValueError(f"pages import each other in a circle through {page!r}")
        on_the_way.add(page)
        for earlier in sorted(graph[page]):
            visit(earlier)
        path.append(page)

    visit(target)
    return path


# %% [markdown]
# `learning_path` is a depth-first search that writes a page down when all its prerequisites are written: a topological sort. Python's `graphlib` sorts the whole graph, too; the claims compare the two, and say that no page
# imports a later one.

# %%
pages = stored_pages()
graph = import_graph(pages)
toc = (
    Path(importlib.util.find_spec("journey").submodule_search_locations[0]).parent
    / "_toc.yml"
)
order = re.findall(r"(?:root|file): *(\S+)", toc.read_text())
position = {name: number for number, name in enumerate(order)}
edges = [(earlier, later) for later, earliers in graph.items() for earlier in earliers]
claim(
    "roadmap-imports-of-later-pages",
    sum(position[a] > position[b] for a, b in edges),
    equal_to=0,
)

# %%
everything = list(graphlib.TopologicalSorter(graph).static_order())
broken = 0
for target in graph:
    path = learning_path(graph, target)
    ancestors = {name for name in everything if name in path}
    broken += len(ancestors) != len(path) or any(
        path.index(earlier) > path.index(later)
        for later in path
        for earlier in graph[later]
    )
claim("roadmap-paths-out-of-order", broken, equal_to=0)
claim(
    "roadmap-pages-in-the-graph-and-in-the-sorted-list",
    len(everything) - len(graph),
    equal_to=0,
)

# %% [markdown]
# The map lists the pages in reading order. An arc leads from each page to every later page that imports what it built.

# %% tags=["hide-input"]
shown = [name for name in order if name in graph and not name.endswith("index")]
place = {name: number for number, name in enumerate(shown)}
arcs = [(place[a], place[b]) for a, b in edges if a in place and b in place]
stage_of = [name.split("/")[0].replace("_", " ") for name in shown]
imported = [sum(first == row for first, _ in arcs) for row in range(len(shown))]


def draw_arc(axes, first, last, **look):
    turn = np.linspace(-np.pi / 2, np.pi / 2, 60)
    half = (last - first) / 2
    axes.plot(np.sqrt(half) * np.cos(turn), first + half + half * np.sin(turn), **look)


# %% mystnb={"figure": {"caption": "The map of the book. Pages in reading order from top to bottom; an arc leads from a page to every later page that imports what it built, solid within a stage, dashed to another stage. Larger points are imported more often.", "name": "fig-roadmap-map"}, "image": {"alt": "Arc diagram. The pages of the book are listed from top to bottom, grouped by stage. Arcs on the right lead from earlier to later pages; the pages on checks and figures have the most."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.2, 1.2 + 0.24 * len(shown)))
for first, last in arcs:
    same = stage_of[first] == stage_of[last]
    look = {"color": COLORS["blue"], "ls": "-"} if same else {"color": COLORS["purple"]}
    draw_arc(axes, first, last, lw=0.9, alpha=0.7, **({"ls": (0, (4, 2))} | look))
axes.scatter(
    np.zeros(len(shown)),
    range(len(shown)),
    s=[18 + 9 * count for count in imported],
    color=COLORS["ink"],
    zorder=3,
)
for row, name in enumerate(shown):
    title = re.sub(r"^\d+_", "", name.split("/")[-1]).replace("_", " ")
    axes.annotate(title, (-0.25, row), ha="right", va="center", fontsize=9)
for stage in dict.fromkeys(stage_of):
    rows = [row for row, of in enumerate(stage_of) if of == stage]
    axes.plot(
        [-4.1, -4.1], [rows[0] - 0.35, rows[-1] + 0.35], color=COLORS["gray"], lw=3
    )
    axes.annotate(
        stage, (-4.3, np.mean(rows)), ha="right", va="center", fontweight="bold"
    )
axes.set(
    xlim=(-7.4, 1.1 * max(np.sqrt(len(shown) / 2), 1)), ylim=(len(shown) - 0.4, -0.6)
)
axes.axis("off")
axes.set_title("What each page stands on")
plt.show()

# %% [markdown]
# The two largest points are the instruments that every page uses. If you want to know what you need for a page, ask for its path:

# %%
target = max(graph, key=lambda name: (len(learning_path(graph, name)), name))
for step, name in enumerate(learning_path(graph, target), start=1):
    print(step, name)

# %% [markdown]
# That is the page with the longest chain of prerequisites at the moment. Imports are necessary, not sufficient: the card at the top of each page also names pages whose *ideas* it needs.
