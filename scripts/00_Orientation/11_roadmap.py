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

# %% mystnb={"figure": {"caption": "The map of the book. Each point is a page, in reading order from left to right; each arc goes from a page to a later page that imports what it built. Arcs above the line stay within a stage, arcs below it lead to a later stage. Larger points are imported more often.", "name": "fig-roadmap-map"}, "image": {"alt": "Arc diagram. Pages lie as points on a horizontal line, grouped by stage. Many arcs below the line leave the orientation pages for all later stages."}} tags=["hide-input"]
shown = [name for name in order if name in graph and not name.endswith("index")]
place = {name: number for number, name in enumerate(shown)}
figure, axes = plt.subplots(figsize=(7.6, 5.2))
longest = max(
    (place[b] - place[a] for a, b in edges if a in place and b in place), default=1
)
for a, b in edges:
    if a not in place or b not in place:
        continue
    left, right = place[a], place[b]
    same = a.split("/")[0] == b.split("/")[0]
    angle = np.linspace(0, np.pi, 60)
    x = (left + right) / 2 + (right - left) / 2 * np.cos(angle)
    y = (1 if same else -1) * np.sin(angle) * (right - left) / longest * 2.2
    axes.plot(
        x, y, color=COLORS["blue" if same else "purple"], lw=0.9, alpha=0.55, ls="-"
    )
imported = {name: sum(a == name for a, _ in edges) for name in shown}
axes.scatter(
    range(len(shown)),
    np.zeros(len(shown)),
    s=[26 + 14 * imported[name] for name in shown],
    color=COLORS["ink"],
    zorder=3,
)
for name, x in place.items():
    label = re.sub(r"^\d+_", "", name.split("/")[-1]).replace("_", " ")
    axes.annotate(
        label,
        (x, 0),
        (0, -9),
        textcoords="offset points",
        rotation=90,
        ha="center",
        va="top",
        fontsize=8,
        bbox={"fc": "white", "ec": "none", "alpha": 0.75, "pad": 0.8},
        zorder=4,
    )
stages = sorted({name.split("/")[0] for name in shown})
for stage in stages:
    mine = [place[name] for name in shown if name.startswith(stage + "/")]
    axes.annotate(
        stage.replace("_", " "),
        (np.mean(mine), 1.75),
        ha="center",
        va="bottom",
        fontsize=8.5,
        rotation=20,
        fontweight="bold",
    )
    axes.plot(
        [min(mine) - 0.35, max(mine) + 0.35],
        [1.68, 1.68],
        color=COLORS["gray"],
        lw=3,
        ls="-",
        solid_capstyle="butt",
    )
axes.set(xlim=(-0.9, len(shown) - 0.1), ylim=(-2.5, 2.4))
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
