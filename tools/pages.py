"""A page of the book: where its three forms lie, what its cells are, and what it imports.

Everything else in ``tools`` asks this module. It reads files and never writes one.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import jupytext
import nbformat
import yaml

ROOT = Path(__file__).resolve().parent.parent
MARKER = re.compile(r"^# %%")
JUPYTEXT_FILTERS = {"notebook_metadata_filter": "-all", "cell_metadata_filter": "tags,mystnb,-all"}


class BookError(Exception):
    """Something a person must mend. The message names the file and says what to do."""


@dataclass(frozen=True)
class Cell:
    """One cell of a page: its source, and the script's line (from 1) on which that source begins."""

    kind: str
    source: str
    line: int
    metadata: dict = field(hash=False)

    @property
    def tags(self) -> list[str]:
        return list(self.metadata.get("tags", []))


@dataclass(frozen=True)
class Page:
    """One page; ``name`` is its path in all three trees, such as ``01_Mathematics/01_vectors``."""

    name: str
    root: Path = ROOT

    @property
    def script(self) -> Path:
        return self.root / "scripts" / f"{self.name}.py"

    @property
    def notebook(self) -> Path:
        return self.root / "book" / f"{self.name}.ipynb"

    @property
    def module(self) -> str:
        """The module that the exported cells become: ``journey.mathematics.vectors``."""
        parts = [re.sub(r"^\d+_", "", part).lower() for part in self.name.split("/")]
        return ".".join(["journey", *parts])

    @property
    def module_file(self) -> Path:
        return self.root / (self.module.replace(".", "/") + ".py")

    @property
    def where(self) -> str:
        """The script's path as a person would type it from the repository's root."""
        return f"scripts/{self.name}.py"

    @cached_property
    def text(self) -> str:
        return self.script.read_text(encoding="utf-8")

    @cached_property
    def cells(self) -> list[Cell]:
        nodes = read_script(self.text).cells
        marks = [n for n, line in enumerate(self.text.splitlines(), start=1) if MARKER.match(line)]
        if len(marks) != len(nodes):
            raise BookError(
                f"{self.where}: {len(nodes)} cells, but {len(marks)} lines that begin with '# %%'. "
                "Begin every cell with '# %%' or '# %% [markdown]', and keep that text out of strings."
            )
        return [
            Cell(node.cell_type, node.source, mark + 1, dict(node.metadata))
            for node, mark in zip(nodes, marks)
        ]

    @property
    def code_cells(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.kind == "code"]

    @cached_property
    def title(self) -> str:
        for cell in self.cells:
            match = re.search(r"^# (.+)$", cell.source, re.MULTILINE)
            if cell.kind == "markdown" and match:
                return match.group(1).strip()
        raise BookError(f"{self.where}:1: no title. The first cell is markdown and begins with '# Title'.")

    def parsed(self, cell: Cell) -> ast.Module:
        """The syntax tree of a code cell, with line numbers of the script."""
        try:
            tree = ast.parse(cell.source)
        except SyntaxError as error:
            line = cell.line + (error.lineno or 1) - 1
            raise BookError(f"{self.where}:{line}: syntax error: {error.msg}. Nothing was written.") from None
        return ast.increment_lineno(tree, cell.line - 1)

    def imports(self, *, exported_only: bool = False) -> Iterator[tuple[str, int]]:
        """The ``journey`` modules that the page imports, each with the script's line."""
        for cell in self.code_cells:
            if exported_only and "export" not in cell.tags:
                continue
            yield from journey_imports(self.parsed(cell))


def journey_imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """The ``journey`` modules named by the import statements of a syntax tree, with their lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "journey":
            module = node.module or ""
            if module.count(".") == 2:
                yield module, node.lineno
            else:  # from journey.mathematics import vectors
                for alias in node.names:
                    yield f"{module}.{alias.name}", node.lineno
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "journey":
                    yield alias.name, node.lineno


def read_script(text: str) -> nbformat.NotebookNode:
    """A percent script as a notebook without outputs."""
    notebook = jupytext.reads(text, fmt="py:percent")
    notebook.metadata["jupytext"] = dict(JUPYTEXT_FILTERS)
    return notebook


def write_script(notebook: nbformat.NotebookNode) -> str:
    """A notebook as a percent script, with no header: the canonical form of a page."""
    bare = nbformat.from_dict({**notebook, "metadata": {"jupytext": dict(JUPYTEXT_FILTERS)}})
    return jupytext.writes(bare, fmt="py:percent")


def table_of_contents(root: Path = ROOT) -> list[str]:
    """The names of all pages in reading order, from ``_toc.yml``."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    names = [toc["root"]]

    def walk(node: dict) -> None:
        if "file" in node:
            names.append(node["file"])
        for key in ("parts", "chapters", "sections", "entries", "subtrees"):
            for child in node.get(key) or []:
                walk(child)

    walk({key: value for key, value in toc.items() if key != "root"})
    return names


def all_pages(root: Path = ROOT) -> list[Page]:
    """Every page in reading order.

    Raises
    ------
    BookError
        If ``_toc.yml`` lists a page twice or without its script, a script is not in ``_toc.yml``,
        or two pages would export to the same module.
    """
    names = table_of_contents(root)
    problems = [
        f"_toc.yml: {name} is listed twice. Keep one." for name in sorted(set(names)) if names.count(name) > 1
    ]
    scripts = {
        str(path.relative_to(root / "scripts").with_suffix("")) for path in (root / "scripts").rglob("*.py")
    }
    problems += [
        f"_toc.yml: {name} is listed, but scripts/{name}.py does not exist. Write it or remove the entry."
        for name in names
        if name not in scripts
    ]
    problems += [
        f"scripts/{name}.py: not in _toc.yml. Add '- file: {name}' where it belongs, or delete the script."
        for name in sorted(scripts - set(names))
    ]
    pages = [Page(name, root) for name in dict.fromkeys(names)]
    seen: dict[str, str] = {}
    for page in pages:
        if page.module in seen:
            problems.append(
                f"{page.where}: exports to {page.module}, as {seen[page.module]} does. Rename one page."
            )
        seen[page.module] = page.where
    if problems:
        raise BookError("\n".join(problems))
    return pages


def find_page(key: str, pages: list[Page]) -> Page:
    """The page that a person means by ``01/01``, ``01_Mathematics/01_vectors`` or a script's path.

    Raises
    ------
    BookError
        If none or several pages fit.
    """
    key = re.sub(r"^(scripts|book)/", "", key.strip())
    key = re.sub(r"\.(py|ipynb)$", "", key)
    wanted = key.split("/")
    hits = [page for page in pages if page.name == key] or [
        page
        for page in pages
        if len(parts := page.name.split("/")) == len(wanted)
        and all(part == want or part.startswith(f"{want}_") for part, want in zip(parts, wanted))
    ]
    if len(hits) != 1:
        found = ", ".join(page.name for page in hits) or "no page"
        raise BookError(f"PAGE={key}: {found}. Say it as 01/01 or as 01_Mathematics/01_vectors.")
    return hits[0]
