"""``make sync``: scripts to executed notebooks and to the package ``journey``, one way.

    python -m tools.sync                write what is stale
    python -m tools.sync --check        prove that nothing is stale, without executing
    python -m tools.sync --force        execute every page again
    python -m tools.sync --page 01/01   one page only; what is wrong with others does not matter
    python -m tools.sync --format       rewrite the scripts in canonical form

Only scripts are read as source. A notebook whose code and imports did not change is not executed
again; if its text changed, it keeps its outputs. Every file is replaced at once or not at all.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from tqdm import tqdm

from tools import export, notebooks
from tools.pages import ROOT, BookError, Page, all_pages, one_page, write_script

NOT_PAGES = ("__pycache__", "_build", "_static", "_templates")


@dataclass(frozen=True)
class Book:
    """What a run is about: the chosen pages among all, and the files of ``journey`` that they need."""

    root: Path
    pages: list[Page]
    chosen: list[Page]
    files: dict[Path, str]

    @property
    def modules(self) -> dict[str, str]:
        """The text of every ``journey`` module by its dotted name."""
        return {
            page.module: self.files[page.module_file] for page in self.pages if page.module_file in self.files
        }


@dataclass(frozen=True)
class State:
    """What one page needs: ``new`` is its notebook's text where no execution is needed."""

    page: Page
    digest: str
    old: nbformat.NotebookNode | None
    new: str | None


def read_book(root: Path = ROOT, only: str | None = None) -> Book:
    """The scripts of a book, and the ``journey`` that they make.

    Raises
    ------
    BookError
        With everything that is malformed in the chosen pages or in what they import.
    """
    if only:
        page, pages = one_page(only, root)
        chosen = [page]
    else:
        pages = chosen = all_pages(root)
    _raise_all(script_problem(page) for page in chosen)
    files = export.modules(export.needed(chosen[0], pages) if only else pages, pages)
    return Book(root, pages, chosen, files)


def script_problem(page: Page) -> str | None:
    """What keeps a script from being a page: no title, a syntax error, another form than the canonical."""
    try:
        _ = page.title, [page.parsed(cell) for cell in page.code_cells]
    except BookError as error:
        return str(error)
    again = write_script(page.without_outputs)
    if again == page.text:
        return None
    ours, theirs = page.text.splitlines(keepends=True), again.splitlines(keepends=True)
    shorter = min(len(ours), len(theirs))
    line = next((n for n in range(shorter) if ours[n] != theirs[n]), shorter)
    expected = repr(theirs[line]) if line < len(theirs) else "the end of the file"
    return (
        f"{page.where}:{line + 1}: not in canonical form (expected {expected} here). "
        "'make format' rewrites the scripts; look at the change."
    )


def edits_by_hand(book: Book, spare: list[Path]) -> list[str | None]:
    """Generated files that somebody changed: to replace or remove them would lose the change."""
    problems: list[str | None] = []
    for path, text in book.files.items():
        if path.exists() and not export.is_generated(path) and path.read_bytes() != text.encode():
            name = path.relative_to(book.root)
            problems.append(
                f"{name}: edited by hand. Make the change in the page that its docstring names, "
                f"then 'git checkout {name}' (or delete it) and 'make sync'."
            )
    notes = [path for path in spare if path.suffix == ".ipynb"]
    old = [Page(str(path.relative_to(book.root / "book").with_suffix("")), book.root) for path in notes]
    for page in [*book.chosen, *old]:
        try:
            notebooks.stored(page)
        except BookError as error:
            problems.append(str(error))
    for path in spare:
        if path not in notes and not export.is_generated(path):
            name = path.relative_to(book.root)
            problems.append(f"{name}: not written by make sync. Move it out of journey/.")
    return problems


def left_over(book: Book) -> list[Path]:
    """Files in the generated trees that no script stands behind, or not any more."""
    notes = {page.notebook for page in book.pages}
    old = [path for path in _files(book.root / "book") if path.suffix == ".ipynb" and path not in notes]
    return old + [path for path in _files(book.root / "journey") if path not in book.files]


def _files(folder: Path) -> list[Path]:
    """The files of a tree in order, without hidden, built, hand-written and cached ones."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not any(part.startswith(".") or part in NOT_PAGES for part in path.relative_to(folder).parts)
    ]


def _remove_empty(folder: Path, top: Path) -> None:
    """Remove a folder of which only caches are left, and its parents below ``top``."""
    while folder != top and all(
        item.name in ("__pycache__", ".ipynb_checkpoints") for item in folder.iterdir()
    ):
        shutil.rmtree(folder)
        folder = folder.parent


def plan(page: Page, book: Book, *, force: bool = False) -> State:
    """Compare a page with its stored notebook."""
    digest = notebooks.digest(page, book.modules, book.pages)
    old = notebooks.stored(page)
    if old is None or force or old.metadata.journey["digest"] != digest:
        return State(page, digest, old, None)
    note = {key: old.metadata.journey[key] for key in ("digest", "seconds", "date")}
    filled = notebooks.with_outputs_of(notebooks.skeleton(page), old)
    return State(page, digest, old, notebooks.sealed_text(filled, note))


def result_text(state: State, notebook: nbformat.NotebookNode, seconds: int) -> str:
    """The bytes to store after a run; the old ones where nothing that a reader sees has changed."""
    if state.old is not None:
        before = state.old.metadata.journey
        as_before = {"digest": state.digest, "seconds": before["seconds"], "date": before["date"]}
        text = notebooks.sealed_text(notebook, as_before)
        if text == state.page.notebook.read_text(encoding="utf-8"):
            return text
    return notebooks.sealed_text(
        notebook, {"digest": state.digest, "seconds": seconds, "date": notebooks.today()}
    )


def check(root: Path = ROOT) -> list[str]:
    """Everything by which the three trees differ, one line each; executes nothing."""
    book = read_book(root)
    spare = left_over(book)
    _raise_all(edits_by_hand(book, spare))
    problems = [
        f"{path.relative_to(root)}: differs from a fresh export. Run 'make sync'."
        for path, text in book.files.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    problems += [f"{path.relative_to(root)}: no script stands behind it. Run 'make sync'." for path in spare]
    for page in book.pages:
        where = f"book/{page.name}.ipynb"
        state = plan(page, book)
        if state.old is None:
            problems.append(f"{where}: missing. Run 'make sync'.")
        elif state.new is None:
            problems.append(
                f"{where}: stale, its code or a module that it imports has changed. Run 'make sync'."
            )
        elif state.new != page.notebook.read_text(encoding="utf-8"):
            problems.append(f"{where}: does not hold the text of {page.where}. Run 'make sync'.")
    return problems


def sync(
    root: Path = ROOT,
    *,
    only: str | None = None,
    force: bool = False,
    jobs: int = 2,
    timeout: int = notebooks.CELL_TIMEOUT_S,
) -> int:
    """Bring notebooks and ``journey`` up to date; return the number of pages that failed.

    Nothing is written before everything is known to be well-formed.
    """
    book = read_book(root, only)
    spare = [] if only else left_over(book)
    _raise_all(edits_by_hand(book, spare))
    for folder in (root / "book", root / "journey"):
        notebooks.remove_half_written(folder)
    for path, text in book.files.items():
        if notebooks.write_atomically(path, text):
            print(f"module    {path.relative_to(root)}")
    for path in spare:
        path.unlink()
        print(f"removed   {path.relative_to(root)}")
        _remove_empty(path.parent, root / path.relative_to(root).parts[0])
    return asyncio.run(_write_notebooks(book, force, jobs, timeout))


async def _write_notebooks(book: Book, force: bool, jobs: int, timeout: int) -> int:
    """Fill in texts and execute what is stale; pages made from the stored outputs come last."""
    readers = [page for page in book.chosen if notebooks.reads_the_book(page)]
    plain = [page for page in book.chosen if page not in readers]
    executed = failed = 0
    for group in (plain, readers):
        stale = []
        for state in (plan(page, book, force=force) for page in group):
            if state.new is None:
                stale.append(state)
            elif notebooks.write_atomically(state.page.notebook, state.new):
                print(f"text      {state.page.name}")
        executed += len(stale)
        failed += await _execute(stale, jobs, timeout)
    current = len(book.chosen) - executed
    print(f"{executed - failed} executed, {failed} failed, {current} up to date")
    return failed


async def _execute(stale: list[State], jobs: int, timeout: int) -> int:
    """Run pages, some at a time, and store each as soon as it is done; return how many failed."""
    gate = asyncio.Semaphore(jobs)
    failed = 0

    async def one(state: State, bar: tqdm) -> None:
        nonlocal failed
        page = state.page
        async with gate:
            try:
                notebook, seconds = await notebooks.execute(page, timeout=timeout)
            except BookError as error:
                failed += 1
                bar.write(
                    f"FAILED    {page.name} (its notebook was left as it was)\n{error}", file=sys.stderr
                )
            else:
                changed = notebooks.write_atomically(page.notebook, result_text(state, notebook, seconds))
                bar.write(f"{'executed' if changed else 'unchanged':9} {page.name}  (under {seconds} s)")
                for line in notebooks.standard_error(notebook, page):
                    bar.write(f"WARNING   {line}", file=sys.stderr)
            bar.update()

    with tqdm(total=len(stale), unit="page", disable=not (stale and sys.stderr.isatty())) as bar:
        async with asyncio.TaskGroup() as group:
            for state in stale:
                group.create_task(one(state, bar))
    return failed


def rewrite_scripts(root: Path = ROOT, only: str | None = None) -> None:
    """``make format``: give every script its canonical form."""
    pages = [one_page(only, root)[0]] if only else all_pages(root)
    for page, text in [(page, write_script(page.without_outputs)) for page in pages]:
        if notebooks.write_atomically(page.script, text):
            print(f"formatted {page.where}")


def _raise_all(problems: Iterable[str | None]) -> None:
    """Raise all that is wrong as one error."""
    found = [problem for problem in problems if problem]
    if found:
        raise BookError("\n".join(found))


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="tools.sync", description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="only say what is stale; execute nothing")
    parser.add_argument("--force", action="store_true", help="execute pages that are up to date, too")
    parser.add_argument("--format", action="store_true", help="rewrite the scripts in canonical form")
    parser.add_argument("--page", help="one page, such as 01/01")
    parser.add_argument("--jobs", type=int, default=2, help="pages executed at once (default 2)")
    parser.add_argument(
        "--timeout", type=int, default=notebooks.CELL_TIMEOUT_S, help="seconds a cell may run (default 180)"
    )
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    root = options.root.resolve()
    try:
        if options.format:
            rewrite_scripts(root, options.page)
            return 0
        if options.check:
            problems = check(root)
            print("\n".join(problems) or "scripts, notebooks and journey agree")
            return 1 if problems else 0
        failed = sync(
            root, only=options.page, force=options.force, jobs=options.jobs, timeout=options.timeout
        )
        return 1 if failed else 0
    except BookError as error:
        print(f"{error}" if options.check else f"{error}\nNothing was written.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: every notebook is either old or new", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
