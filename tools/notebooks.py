"""A page as a notebook: its digest, its canonical bytes, its execution.

A notebook's metadata holds, under ``journey``, what ``make sync`` needs to know later:
``digest`` (of the code and of all ``journey`` code that it reaches), ``seconds`` (run time, rounded up
coarsely, so that running again changes no byte), ``date`` (of these outputs) and ``seal``.
"""

from __future__ import annotations

import ast
import datetime
import hashlib
import json
import os
import re
import time
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from tools.pages import BookError, Page, journey_imports, read_script

CELL_TIMEOUT_S = 180
RUN_TIMES_S = (1, 2, 3, 5, 10, 20, 30, 60, 90, 120, 180)
THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
READS_THE_BOOK = "stored_pages("
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def reads_the_book(page: Page) -> bool:
    """Whether the page is made from the stored outputs of the others, as the claims ledger is."""
    return any(READS_THE_BOOK in cell.source for cell in page.code_cells)


def digest(page: Page, modules: dict[str, str], others: list[Page] | None = None) -> str:
    """What the outputs of a page depend on, as one hash.

    Parameters
    ----------
    page : Page
    modules : dict
        The text of every ``journey`` module by its dotted name.
    others : list of Page, optional
        All pages, needed by a page that reads the stored notebooks.
    """
    sha = hashlib.sha256()
    for cell in page.code_cells:
        sha.update(f"{sorted(cell.tags)}\0{cell.source}\0".encode())
    for module in reachable(page, modules):
        sha.update(f"{module}\0{modules[module]}\0".encode())
    if reads_the_book(page):
        for other in others or []:
            if not reads_the_book(other) and other.notebook.exists():
                sha.update(f"{other.name}\0".encode() + other.notebook.read_bytes())
    return sha.hexdigest()[:32]


def reachable(page: Page, modules: dict[str, str]) -> list[str]:
    """The ``journey`` modules that the page imports, directly or through others, sorted."""
    todo, found = [name for name, _ in page.imports()], set()
    while todo:
        module = todo.pop()
        if module in modules and module not in found:
            found.add(module)
            todo += [name for name, _ in journey_imports(ast.parse(modules[module]))]
    return sorted(found)


def skeleton(page: Page) -> nbformat.NotebookNode:
    """The page as a notebook without outputs, with stable cell ids."""
    notebook = read_script(page.text)
    seen: dict[str, int] = {}
    for cell in notebook.cells:
        key = hashlib.sha256(f"{page.name}\0{cell.cell_type}\0{cell.source}".encode()).hexdigest()[:8]
        seen[key] = seen.get(key, 0) + 1
        cell["id"] = key if seen[key] == 1 else f"{key}-{seen[key]}"
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"file_extension": ".py", "name": "python", "pygments_lexer": "ipython3"},
        }
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def stored(page: Page) -> nbformat.NotebookNode | None:
    """The page's notebook as it lies in ``book/``, or None.

    Raises
    ------
    BookError
        If it was edited by hand or cannot be read: sync would lose the edit.
    """
    if not page.notebook.exists():
        return None
    text = page.notebook.read_text(encoding="utf-8")
    where = f"book/{page.name}.ipynb"
    advice = f"Make the change in {page.where}, then 'git checkout {where}' (or delete it) and 'make sync'."
    try:
        notebook = nbformat.reads(text, as_version=4)
        note = notebook.metadata["journey"]
    except Exception:
        raise BookError(f"{where}: not a notebook that make sync wrote. {advice}") from None
    if text != sealed_text(notebook, {key: note[key] for key in ("digest", "seconds", "date")}):
        raise BookError(f"{where}: edited by hand. {advice}")
    return notebook


def sealed_text(notebook: nbformat.NotebookNode, note: dict[str, Any]) -> str:
    """The canonical bytes of a notebook: sorted keys, a note of its origin, and a seal over all of it."""
    plain = json.loads(nbformat.writes(notebook))
    plain["metadata"]["journey"] = dict(note)
    body = json.dumps(plain, indent=1, sort_keys=True, ensure_ascii=False)
    plain["metadata"]["journey"]["seal"] = hashlib.sha256(body.encode()).hexdigest()[:32]
    return json.dumps(plain, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def with_outputs_of(notebook: nbformat.NotebookNode, old: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Fill the outputs of an older run into a page whose text alone changed."""
    ran = [cell for cell in old.cells if cell.cell_type == "code"]
    for cell, before in zip((cell for cell in notebook.cells if cell.cell_type == "code"), ran, strict=True):
        cell.outputs, cell.execution_count = before.outputs, before.execution_count
    return notebook


def execute(page: Page) -> tuple[nbformat.NotebookNode, int]:
    """Run a page in a fresh kernel; return the notebook and its run time (one of ``RUN_TIMES_S``).

    Raises
    ------
    BookError
        If a cell fails, runs too long or loses its kernel: the cell, the script's line and the traceback.
    """
    notebook = skeleton(page)
    os.environ.update(dict.fromkeys(THREAD_LIMITS, "1"))
    os.environ["PYTHONPATH"] = str(page.root)  # the tree at hand, wherever journey is installed
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        extra_arguments=["--IPKernelApp.log_level=ERROR"],  # else it warns of plain text on loopback
        timeout=CELL_TIMEOUT_S,
        record_timing=False,
        resources={
            "metadata": {"path": str(page.notebook.parent if page.notebook.parent.exists() else page.root)}
        },
    )
    start = time.monotonic()
    try:
        client.execute()
    except CellExecutionError as error:
        raise BookError(_failure(page, notebook, f"{error.ename}: {error.evalue}", error.traceback)) from None
    except CellTimeoutError:
        raise BookError(_failure(page, notebook, f"ran longer than {CELL_TIMEOUT_S} s")) from None
    except DeadKernelError:
        raise BookError(_failure(page, notebook, "the kernel died (killed, or out of memory)")) from None
    seconds = time.monotonic() - start
    _canonical_outputs(notebook)
    notebook.metadata = skeleton(page).metadata  # the kernel adds its version, which is not the page's
    return notebook, next((limit for limit in RUN_TIMES_S if seconds <= limit), RUN_TIMES_S[-1])


def _failure(page: Page, notebook: nbformat.NotebookNode, what: str, traceback: str = "") -> str:
    """What a person needs to see when a page fails: where, what, and how Python got there."""
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    counts = [cell.execution_count or 0 for cell in codes]
    failed = next(
        (n for n, cell in enumerate(codes) if any(o.output_type == "error" for o in cell.outputs)), None
    )
    if failed is None:  # the kernel went away: the cell after the last that finished
        failed = min(
            counts.index(max(counts)) + (1 if codes[counts.index(max(counts))].outputs else 0), len(codes) - 1
        )
        failed = next((n for n, cell in enumerate(codes) if not cell.execution_count), failed)
    cell = page.code_cells[failed]
    plain = ANSI.sub("", traceback)
    inside = re.findall(rf"Cell In\[{codes[failed].execution_count}\], line (\d+)", plain)
    line = cell.line + (int(inside[0]) - 1 if inside else 0)
    return f"{page.where}:{line}: code cell {failed + 1} failed: {what}\n{plain.rstrip()}".rstrip()


def _canonical_outputs(notebook: nbformat.NotebookNode) -> None:
    """Leave in a notebook only what repeats: joined streams, no timings, no transient metadata."""
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        cell.metadata.pop("execution", None)
        merged: list = []
        for output in cell.outputs:
            last = merged[-1] if merged else None
            if (
                last is not None
                and output.output_type == "stream" == last.output_type
                and output.name == last.name
            ):
                last.text += output.text
            else:
                merged.append(output)
        cell.outputs = merged


def today() -> str:
    """The date (UTC) that goes with outputs made now."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def write_atomically(path: Path, text: str) -> bool:
    """Write a file so that it is either old or new, never half; return whether it changed."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        half.write_text(text, encoding="utf-8")
        os.replace(half, path)
    finally:
        half.unlink(missing_ok=True)
    return True
