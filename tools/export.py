"""From the cells tagged ``export`` of a page to a module of the package ``journey``.

``modules(pages)`` returns the text of every module, or raises with all that is wrong; writing them
is the task of ``tools.sync``.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

from tools.pages import ROOT, BookError, Cell, Page

STAGE_DOCSTRINGS = (
    '"""{title}: what the pages of this stage of the book build.\n\nWritten by `make sync`."""\n'
)
PACKAGE_DOCSTRING = '''"""AI/ML Engineering Journey: what the pages of the book build, importable.

Each module is written by `make sync` from the cells tagged `export` of one page under `scripts/`;
its docstring says which. Edit the page, never a file in this folder.
"""
'''
SEAL = re.compile(r"^# seal: ([0-9a-f]{16})$", re.MULTILINE)


def ruff(arguments: list[str], text: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run ruff on a text with the project's settings."""
    command = [sys.executable, "-m", "ruff", *arguments, "--config", str(ROOT / "pyproject.toml"), "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, cwd=cwd, check=False)


def modules(pages: list[Page]) -> dict[Path, str]:
    """The text of every file of ``journey``, by path.

    Raises
    ------
    BookError
        With one line for each problem: an import of a later page or of no page, or a name that an
        exported cell uses and no exported cell defines.
    """
    problems = import_problems(pages)
    files: dict[Path, str] = {}
    for page in pages:
        try:
            text = module_text(page)
        except BookError as error:
            problems.append(str(error))
            continue
        if text is not None:
            files[page.module_file] = text
            package = page.module_file.parent
            stage = page.name.split("/")[0].replace("_", " ")
            files.setdefault(package / "__init__.py", STAGE_DOCSTRINGS.format(title=stage))
            files.setdefault(page.root / "journey" / "__init__.py", PACKAGE_DOCSTRING)
            files.setdefault(page.root / "journey" / "py.typed", "")
    if problems:
        raise BookError("\n".join(problems))
    return files


def import_problems(pages: list[Page]) -> list[str]:
    """Imports that break the order of reading: of a later page, or of a page that exports nothing."""
    order = {page.module: position for position, page in enumerate(pages)}
    problems = []
    for position, page in enumerate(pages):
        own = {(name, line) for name, line in page.imports(exported_only=True) if name == page.module}
        for module, line in page.imports():
            where = f"{page.where}:{line}"
            if module not in order or not exported_cells(pages[order[module]]):
                problems.append(
                    f"{where}: imports {module}, which no page exports. Export it, or mend the name."
                )
            elif order[module] > position:
                later = pages[order[module]].where
                problems.append(
                    f"{where}: imports {module}, which is built later, in {later}. "
                    "Import only from earlier pages, or move the page in _toc.yml."
                )
            elif (module, line) in own:
                problems.append(
                    f"{where}: an exported cell imports its own module, {module}. Use the name itself."
                )
    return problems


def exported_cells(page: Page) -> list[Cell]:
    """The cells tagged ``export``, in order."""
    return [cell for cell in page.code_cells if "export" in cell.tags]


def exported_names(page: Page) -> list[str]:
    """The public names that the page adds to ``journey``, in order of definition."""
    names: list[str] = []
    for cell in exported_cells(page):
        for node in page.parsed(cell).body:
            names += [name for name in defined_names(node) if not name.startswith("_")]
    return list(dict.fromkeys(names))


def defined_names(node: ast.stmt) -> list[str]:
    """The names that a top-level statement defines, imports left out."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign):
        targets = [node.target]
    return [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]


def module_text(page: Page) -> str | None:
    """The module of one page, or None if the page exports nothing.

    Imports are gathered from the whole page: those that exported code uses come along.
    """
    cells = exported_cells(page)
    if not cells:
        return None
    body = [(cell, page.parsed(cell)) for cell in cells]
    used = {node.id for _, tree in body for node in ast.walk(tree) if isinstance(node, ast.Name)}
    imports = needed_imports(page, used)
    check_names(page, cells, imports)
    source = "\n\n".join(without_imports(cell, tree) for cell, tree in body)
    public = exported_names(page)
    parts = [
        f'"""{page.title}.\n\nBuilt in the page `{page.where}`: edit the page, not this file.\n"""',
        "\n".join(line for _, line in imports),
        f"__all__ = {public!r}",
        source,
    ]
    return seal(tidy("\n\n".join(part for part in parts if part) + "\n", page))


def needed_imports(page: Page, used: set[str]) -> list[tuple[int, str]]:
    """Import statements of the page that bind a used name, as (line in the script, one statement)."""
    found: dict[str, tuple[int, str]] = {}
    for cell in page.code_cells:
        for node in page.parsed(cell).body:
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            for alias in node.names:
                bound = alias.asname or alias.name.split(".")[0]
                future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
                if bound in used or future:
                    one = (
                        ast.ImportFrom(node.module, [alias], 0)
                        if isinstance(node, ast.ImportFrom)
                        else ast.Import([alias])
                    )
                    found.setdefault(bound, (node.lineno, ast.unparse(one)))
    return sorted(found.values(), key=lambda item: ("__future__" not in item[1], item))


def without_imports(cell: Cell, tree: ast.Module) -> str:
    """The cell's source less its top-level import statements."""
    lines = cell.source.splitlines()
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            first, last = node.lineno - cell.line, (node.end_lineno or node.lineno) - cell.line
            lines[first : last + 1] = [""] * (last - first + 1)
    return "\n".join(lines).strip("\n")


def check_names(page: Page, cells: list[Cell], imports: list[tuple[int, str]]) -> None:
    """Refuse an exported cell that uses a name which no exported cell defines and no import binds.

    The page with every other line blanked keeps its line numbers, so that ruff reports the script's lines.
    """
    keep = [""] * (len(page.text.splitlines()) + 1)
    for line, statement in imports:
        keep[line - 1] = (keep[line - 1] + "; " if keep[line - 1] else "") + statement
    for cell in cells:
        rest = without_imports(cell, page.parsed(cell)).splitlines() or [""]
        offset = (
            cell.line - 1 + next((n for n, text in enumerate(cell.source.splitlines()) if text == rest[0]), 0)
        )
        for n, text in enumerate(rest):
            keep[offset + n] = text or keep[offset + n]
    answer = ruff(["check", "--select", "F821", "--output-format", "json"], "\n".join(keep), page.root)
    found = json.loads(answer.stdout or "[]")
    if found:
        raise BookError(
            "\n".join(
                f"{page.where}:{item['location']['row']}: {item['message']} among the exported cells. "
                "Define it in a cell tagged export, or import it on the page."
                for item in found
            )
        )


def tidy(text: str, page: Page) -> str:
    """Sort the imports and format, as ruff does for the whole project."""
    for arguments in (["check", "--select", "I,RUF022", "--fix-only"], ["format"]):
        answer = _ruff_cached(tuple(arguments), text)
        if answer is None:
            raise BookError(f"{page.where}: ruff could not format the exported cells.")
        text = answer
    return text


@lru_cache(maxsize=512)
def _ruff_cached(arguments: tuple[str, ...], text: str) -> str | None:
    answer = ruff([*arguments, "--stdin-filename", str(ROOT / "journey" / "page.py")], text)
    return answer.stdout if answer.returncode == 0 else None


def seal(text: str) -> str:
    """Add a line by which a later edit by hand can be seen."""
    return f"{text}\n# seal: {_digest(text)}\n"


def is_sealed(text: str) -> bool:
    """Whether a module is as ``make sync`` wrote it."""
    match = SEAL.search(text)
    return match is not None and match.group(1) == _digest(text[: match.start()].removesuffix("\n"))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
