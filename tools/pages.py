"""A page of the book: where its three forms lie, what its cells are, and what it imports.

Everything else in ``tools`` asks this module. It reads files and never writes one.
"""

from __future__ import annotations

import ast
import keyword
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import jupytext
import nbformat
import yaml

ROOT = Path(__file__).resolve().parent.parent
MARKER = "# %%"
# Without comment_magics=False, jupytext turns a comment such as "# cat the arrays" into a shell command.
PERCENT = {"extension": ".py", "format_name": "percent", "comment_magics": False}
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
        try:
            return self.script.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise BookError(f"{self.where}: does not exist. Write it, or mend _toc.yml.") from None
        except UnicodeDecodeError as error:
            raise BookError(f"{self.where}: not UTF-8 ({error}). Save it as UTF-8.") from None

    @cached_property
    def without_outputs(self) -> nbformat.NotebookNode:
        """The page as a notebook that never ran, as jupytext reads it."""
        return read_script(self.text)

    @cached_property
    def cells(self) -> list[Cell]:
        nodes, lines = self.without_outputs.cells, self.text.splitlines()
        marks = [n for n, line in enumerate(lines, start=1) if line.startswith(MARKER)]
        if len(marks) != len(nodes):
            firsts = [node.source.split("\n")[0] for node in nodes]
            odd = (
                mark
                for mark, first in zip(marks, firsts)
                if lines[mark : mark + 1] not in ([first], [f"# {first}"])
            )
            line = next(odd, marks[-1]) if self.text.startswith(MARKER) else 1
            raise BookError(
                f"{self.where}:{line}: not a cell's beginning. Begin every cell, the first too, with a line "
                f"'{MARKER}' or '{MARKER} [markdown]', and begin no line of a string so."
            )
        return [
            Cell(node.cell_type, node.source, mark + 1, dict(node.metadata))
            for node, mark in zip(nodes, marks)
        ]

    @cached_property
    def code_cells(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.kind == "code"]

    @cached_property
    def title(self) -> str:
        for cell in self.cells:
            match = re.search(r"^# (.+)$", cell.source, re.MULTILINE)
            if cell.kind == "markdown" and match:
                return match.group(1).strip()
        raise BookError(f"{self.where}:1: no title. The first cell is markdown and begins with '# Title'.")

    @cached_property
    def _trees(self) -> dict[int, ast.Module]:
        """The syntax trees of the code cells, by the line on which each begins."""
        trees = {}
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # such as "\\d" in a plain string: a SyntaxError, too
            try:
                for cell in self.code_cells:
                    trees[cell.line] = ast.parse("\n" * (cell.line - 1) + cell.source)
                # what each cell may say, the whole may not: a late __future__ import, await
                compile(self.text, self.where, "exec", dont_inherit=True)
            except SyntaxError as error:
                raise BookError(f"{self.where}:{error.lineno}: syntax error: {error.msg}.") from None
        return trees

    def parsed(self, cell: Cell) -> ast.Module:
        """The syntax tree of a code cell, with line numbers of the script."""
        return self._trees[cell.line]

    def imports(self, *, exported_only: bool = False) -> Iterator[tuple[str, int]]:
        """The ``journey`` modules that the page imports, each with the script's line."""
        for cell in self.code_cells:
            if exported_only and "export" not in cell.tags:
                continue
            yield from journey_imports(self.parsed(cell))


def journey_imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """The ``journey`` modules named by the import statements of a syntax tree, with their lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level:
            module = node.module or ""
            if module.split(".")[0] != "journey":
                continue
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
    notebook = jupytext.reads(text, fmt=dict(PERCENT))
    notebook.metadata["jupytext"] = dict(JUPYTEXT_FILTERS)
    return notebook


def write_script(notebook: nbformat.NotebookNode) -> str:
    """A notebook as a percent script, with no header: the canonical form of a page."""
    bare = nbformat.from_dict({**notebook, "metadata": {"jupytext": dict(JUPYTEXT_FILTERS)}})
    return jupytext.writes(bare, fmt=dict(PERCENT))


def table_of_contents(root: Path = ROOT) -> list[str]:
    """The names of all pages in reading order, from ``_toc.yml``."""
    try:
        toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
        names = [toc["root"]]
    except (OSError, yaml.YAMLError, TypeError, KeyError) as error:
        raise BookError(f"_toc.yml: cannot be read as a table of contents with a 'root': {error}") from None

    def walk(node: dict) -> None:
        if "file" in node:
            names.append(node["file"])
        for key in ("parts", "chapters", "sections", "entries", "subtrees"):
            for child in node.get(key) or []:
                walk(child)

    walk({key: value for key, value in toc.items() if key != "root"})
    return names


def survey(root: Path = ROOT) -> tuple[list[Page], dict[str, list[str]]]:
    """Every page in reading order, scripts that ``_toc.yml`` leaves out last; and what is wrong with each.

    Wrong is: listed twice, or without its script, or not listed, or two pages that would be one module.
    """
    listed = table_of_contents(root)
    folder = root / "scripts"
    scripts = {
        str(path.relative_to(folder).with_suffix(""))
        for path in folder.rglob("*.py")
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)  # .ipynb_checkpoints
    }
    pages = [Page(name, root) for name in dict.fromkeys([*listed, *sorted(scripts)])]
    problems: dict[str, list[str]] = {}
    modules: dict[str, Page] = {}
    for page in pages:
        name, wrong = page.name, []
        if listed.count(name) > 1:
            wrong.append(f"_toc.yml: {name} is listed twice. Keep one.")
        if name not in scripts:
            wrong.append(
                f"_toc.yml: {name} is listed, but {page.where} does not exist. Write it or remove the entry."
            )
        if name not in listed:
            wrong.append(
                f"{page.where}: not in _toc.yml. Add '- file: {name}' where it belongs, or delete the script."
            )
        if not all(part.isidentifier() and not keyword.iskeyword(part) for part in page.module.split(".")):
            wrong.append(f"{page.where}: {page.module} is no module's name. Use letters, digits and _.")
        other = modules.setdefault(page.module, page)
        if other is not page:
            wrong.append(
                f"{page.where}: exports to {page.module}, as {other.where} does. Rename one of the pages."
            )
        if wrong:
            problems[name] = wrong
    return pages, problems


def all_pages(root: Path = ROOT) -> list[Page]:
    """Every page in reading order.

    Raises
    ------
    BookError
        With all that ``survey`` finds.
    """
    pages, problems = survey(root)
    if problems:
        raise BookError("\n".join(line for lines in problems.values() for line in lines))
    return pages


def one_page(key: str, root: Path = ROOT) -> tuple[Page, list[Page]]:
    """The page that ``key`` names, and all pages; only what is wrong with that page is an error."""
    pages, problems = survey(root)
    page = find_page(key, pages)
    if page.name in problems:
        raise BookError("\n".join(problems[page.name]))
    return page, [other for other in pages if other.script.exists()]


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
