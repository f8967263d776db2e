"""From the cells tagged ``export`` of a page to a module of the package ``journey``.

``modules(pages)`` returns the text of every module, or raises with all that is wrong; writing them
is the task of ``tools.sync``.
"""

from __future__ import annotations

import ast
import hashlib
import json
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from tools.pages import ROOT, BookError, Cell, Page, journey_imports

STAGE_DOCSTRINGS = (
    '"""{title}: what the pages of this stage of the book build.\n\nWritten by `make sync`."""\n'
)
PACKAGE_DOCSTRING = '''"""AI/ML Engineering Journey: what the pages of the book build, importable.

Each module is written by `make sync` from the cells tagged `export` of one page under `scripts/`;
its docstring says which. Edit the page, never a file in this folder.
"""
'''
SEAL = "# seal: "


@lru_cache(maxsize=512)
def ruff(*arguments: str, text: str) -> tuple[int, str]:
    """Run ruff on a text with the project's settings; return its exit status and what it prints."""
    from ruff import find_ruff_bin  # the site is built without it

    place = ["--config", str(ROOT / "pyproject.toml"), "--stdin-filename", str(ROOT / "journey" / "page.py")]
    command = [find_ruff_bin(), *arguments, *place, "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, cwd=ROOT, check=False)
    return done.returncode, done.stdout


def modules(pages: list[Page], order: list[Page] | None = None) -> dict[Path, str]:
    """The text of every file of ``journey`` that some pages stand behind, by path.

    Parameters
    ----------
    pages : list of Page
        The pages to export.
    order : list of Page, optional
        All pages in reading order, if ``pages`` are only some of them.

    Raises
    ------
    BookError
        With one line for each problem: an import of a later page or of no page, a name that an
        exported cell uses and no exported cell defines, and whatever else makes no module.
    """
    problems: list[str] = []
    files: dict[Path, str] = {}
    for page in pages:
        try:
            problems += import_problems(page, order or pages)
            text = module_text(page)
        except BookError as error:
            problems.append(str(error))
            continue
        if text is not None:
            package = page.module_file.parent
            stage = page.name.split("/")[0].replace("_", " ")
            files[page.module_file] = text
            files.setdefault(package / "__init__.py", STAGE_DOCSTRINGS.format(title=stage))
            files.setdefault(page.root / "journey" / "__init__.py", PACKAGE_DOCSTRING)
            files.setdefault(page.root / "journey" / "py.typed", "")
    if problems:
        raise BookError("\n".join(dict.fromkeys(problems)))
    return files


def needed(page: Page, pages: list[Page]) -> list[Page]:
    """The page, and those of the others whose modules it reaches, in reading order."""
    built = {other.module: other for other in pages}
    found, todo = {page}, [name for name, _ in page.imports()]
    while todo:
        other = built.get(todo.pop())
        if other is not None and other not in found:
            found.add(other)
            todo += [name for name, _ in journey_imports(ast.parse(module_text(other) or ""))]
    return [other for other in pages if other in found]


def import_problems(page: Page, order: list[Page]) -> list[str]:
    """Imports that break the order of reading: of a later page, or of a page that exports nothing."""
    built = {other.module: other for other in order}
    own = {line for module, line in page.imports(exported_only=True) if module == page.module}
    problems = []
    for module, line in page.imports():
        where, other = f"{page.where}:{line}", built.get(module)
        if other is None or not exported_cells(other):
            problems.append(f"{where}: imports {module}, which no page exports. Export it, or mend the name.")
        elif order.index(other) > order.index(page):
            problems.append(
                f"{where}: imports {module}, which is built later, in {other.where}. "
                "Import only from earlier pages, or move the page in _toc.yml."
            )
        elif line in own:
            problems.append(
                f"{where}: an exported cell imports its own module, {module}. Use the name itself."
            )
    return problems


def exported_cells(page: Page) -> list[Cell]:
    """The cells tagged ``export``, in order."""
    return [cell for cell in page.code_cells if "export" in cell.tags]


def exported_names(page: Page) -> list[str]:
    """The public names that the page adds to ``journey``, in order of definition."""
    return [name for name in definitions(page) if not name.startswith("_")]


def definitions(page: Page) -> dict[str, int]:
    """Every top-level name that the exported cells define, with its line.

    Raises
    ------
    BookError
        If two exported cells define one name: only the last would count.
    """
    found: dict[str, int] = {}
    for cell in exported_cells(page):
        here = {name: node.lineno for node in page.parsed(cell).body for name in defined_names(node)}
        for name in here.keys() & found.keys():
            raise BookError(
                f"{page.where}:{here[name]}: {name} is exported a second time, after line {found[name]}. "
                "Tag only the final version with export."
            )
        found |= here
    return found


def defined_names(node: ast.stmt) -> list[str]:
    """The names that a top-level statement defines, imports left out."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    names: list[str] = []
    if isinstance(node, ast.AugAssign):  # changes what is there
        return names
    for child in ast.iter_child_nodes(node):  # the statements of an if or a try, the targets of an assignment
        if isinstance(child, ast.stmt):
            names += defined_names(child)
        elif isinstance(child, ast.ExceptHandler):
            names += [name for inner in child.body for name in defined_names(inner)]
        elif isinstance(child, ast.Name | ast.Tuple | ast.List | ast.Starred):
            names += [
                part.id
                for part in ast.walk(child)
                if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
            ]
    return list(dict.fromkeys(names))


def _origin(where: str) -> str:
    line = f"Built in the page `{where}`: edit the page, not this file."
    return line if len(line) <= 110 else line.replace(": edit", ":\nedit")


def module_text(page: Page) -> str | None:
    """The module of one page, or None if the page exports nothing.

    Imports are gathered from the whole page: those that exported code uses come along.
    """
    cells = exported_cells(page)
    if not cells:
        return None
    if "/" not in page.name:
        raise BookError(f"{page.where}:{cells[0].line}: only a page of a stage exports. Remove the tag.")
    check_statements(page, cells)
    public = exported_names(page)
    imports = needed_imports(page, cells)
    bodies = [without_imports(cell, page.parsed(cell)) for cell in cells]
    check_names(page, cells, bodies, imports)
    title = page.title.replace("\\", "\\\\") + ("" if page.title.endswith((".", "?", "!")) else ".")
    parts = [
        f'"""{title}\n\n{_origin(page.where)}\n"""',
        "\n".join(statement for _, statement in imports),
        f"__all__ = {public!r}" if public else "__all__: list[str] = []",
        *("\n".join(lines).strip("\n") for lines in bodies),
    ]
    return seal(tidy("\n\n".join(part for part in parts if part) + "\n", page))


def check_statements(page: Page, cells: list[Cell]) -> None:
    """Refuse an exported cell that does something, rather than define: its import would do it, too."""
    for cell in cells:
        for node in page.parsed(cell).body:
            text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            if isinstance(node, ast.Expr | ast.Assert) and not text:
                raise BookError(
                    f"{page.where}:{node.lineno}: an exported cell only defines. "
                    "Move this statement to a cell of its own, without the tag export."
                )


def used_names(tree: ast.AST) -> Iterator[str]:
    """Every name that code mentions, dotted ones and those in annotations written as text, too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield dotted_name(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            with suppress(SyntaxError, ValueError):  # most texts are no expression
                yield from used_names(ast.parse(node.value.strip(), mode="eval"))


def dotted_name(node: ast.expr) -> str:
    """``a.b.c`` as text; what is no name counts as empty."""
    if isinstance(node, ast.Attribute):
        return f"{dotted_name(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def needed_imports(page: Page, cells: list[Cell]) -> list[tuple[int, str]]:
    """Import statements of the page that bind a name which exported code uses, as (line, statement).

    Some of them may prove unused; ``tidy`` drops those.
    """
    used = {name for cell in cells for name in used_names(page.parsed(cell))}
    defined = definitions(page)
    bound: dict[str, tuple[str, int]] = {}
    found: dict[str, int] = {}
    for cell in page.code_cells:
        for node in page.parsed(cell).body:
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
            for alias in node.names:
                mention = alias.asname or alias.name  # as the code that needs it writes: importlib.util
                name = mention.split(".")[0]
                if name in defined or not (future or mention in used):
                    continue
                if isinstance(node, ast.ImportFrom):
                    one: ast.stmt = ast.ImportFrom(node.module, [alias], node.level)
                    target = f"{node.module}.{alias.name}"
                else:
                    one, target = ast.Import([alias]), alias.name if alias.asname else name
                before, line = bound.setdefault(name, (target, node.lineno))
                if before != target:
                    raise BookError(
                        f"{page.where}:{node.lineno}: imports {target} as {name}, but line {line} imports "
                        f"{before} under that name, and exported code uses it. Give one another name."
                    )
                found.setdefault(ast.unparse(one), node.lineno)
    return [(line, statement) for statement, line in found.items()]


def without_imports(cell: Cell, tree: ast.Module) -> list[str]:
    """The cell's lines, those of its top-level import statements left empty."""
    lines = cell.source.splitlines()
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            first, last = node.lineno - cell.line, (node.end_lineno or node.lineno) - cell.line
            lines[first : last + 1] = [""] * (last - first + 1)
    return lines


def check_names(
    page: Page, cells: list[Cell], bodies: list[list[str]], imports: list[tuple[int, str]]
) -> None:
    """Refuse an exported cell that uses a name which no exported cell defines and no import binds.

    The page with every other line blanked keeps its line numbers, so that ruff reports the script's lines.
    """
    keep = [""] * len(page.text.splitlines())
    for cell, lines in zip(cells, bodies):
        keep[cell.line - 1 : cell.line - 1 + len(lines)] = lines
    for line, statement in imports:
        keep[line - 1] += f"; {statement}" if keep[line - 1] else statement
    _, found = ruff("check", "--select", "F821", "--output-format", "json", text="\n".join(keep))
    problems = [
        f"{page.where}:{item['location']['row']}: {item['message']} among the exported cells. "
        "Define it in an earlier cell tagged export, or import it at the top of the page."
        for item in json.loads(found or "[]")
    ]
    if problems:
        raise BookError("\n".join(problems))


def tidy(text: str, page: Page) -> str:
    """Drop unused imports, sort the others and format, as ruff does for the whole project."""
    for arguments in (["check", "--select", "F401,I,RUF022", "--fix-only"], ["format"]):
        status, text = ruff(*arguments, text=text)
        if status != 0:
            raise BookError(f"{page.where}: ruff could not format the exported cells.")
    return text


def seal(text: str) -> str:
    """Add a last line by which a later edit by hand can be seen."""
    return f"{text}\n\n{SEAL}{_digest(text)}\n"


def is_generated(path: Path) -> bool:
    """Whether a file of ``journey`` is as ``make sync`` wrote it; an ``__init__`` is, if it does nothing."""
    if path.name == "py.typed":
        return True
    try:
        text = path.read_text(encoding="utf-8")
        if path.name == "__init__.py":
            nodes = ast.parse(text).body
            return all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in nodes)
    except (SyntaxError, UnicodeDecodeError):
        return False
    body, _, last = text.rpartition(SEAL)
    return last == _digest(body.rstrip("\n") + "\n") + "\n"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
