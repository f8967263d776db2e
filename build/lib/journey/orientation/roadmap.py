"""The roadmap.

Built in the page `scripts/00_Orientation/11_roadmap.py`: edit the page, not this file.
"""

import ast
import re

from journey.orientation.claims_ledger import StoredPage

__all__ = ["import_graph", "learning_path", "module_of"]


def module_of(name: str) -> str:
    """The module that a page exports to: ``01_Mathematics/01_vectors`` is ``journey.mathematics.vectors``."""
    return ".".join(["journey", *(re.sub(r"^\d+_", "", part).lower() for part in name.split("/"))])


def import_graph(pages: list[StoredPage]) -> dict[str, set[str]]:
    """For each page, the pages whose modules its code imports (not those reached through them)."""
    by_module = {module_of(page.name): page.name for page in pages}
    graph: dict[str, set[str]] = {}
    for page in pages:
        code = "\n".join("".join(cell["source"]) for cell in page.cells if cell["cell_type"] == "code")
        found: set[str] = set()
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom):
                found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
        graph[page.name] = {by_module[module] for module in found if module in by_module} - {page.name}
    return graph


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


# seal: 6c89d48eb3a600ce
