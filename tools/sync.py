"""``make sync``: scripts to executed notebooks and to the package ``journey``, one way.

    python -m tools.sync                write what is stale
    python -m tools.sync --check        prove that nothing is stale, without executing
    python -m tools.sync --force        execute every page again
    python -m tools.sync --page 01/01   one page only

Only scripts are read as source. A notebook whose code and imports did not change is not executed
again; if its text changed, it keeps its outputs. Every file is replaced at once or not at all.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import nbformat
from tqdm import tqdm

from tools import export, notebooks
from tools.pages import ROOT, BookError, Page, all_pages, find_page, write_script


@dataclass(frozen=True)
class State:
    """What one page needs: ``new`` is its notebook's text where no execution is needed."""

    page: Page
    digest: str
    old: nbformat.NotebookNode | None
    new: str | None


def plan(page: Page, modules: dict[str, str], pages: list[Page], *, force: bool = False) -> State:
    """Compare a page with its stored notebook."""
    digest = notebooks.digest(page, modules, pages)
    old = notebooks.stored(page)
    if old is None or force or old.metadata.journey["digest"] != digest:
        return State(page, digest, old, None)
    note = {key: old.metadata.journey[key] for key in ("digest", "seconds", "date")}
    return State(
        page,
        digest,
        old,
        notebooks.sealed_text(notebooks.with_outputs_of(notebooks.skeleton(page), old), note),
    )


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


def canonical_problems(pages: list[Page]) -> list[str]:
    """Scripts that are not the text that a round trip through a notebook gives."""
    problems = []
    for page in pages:
        again = write_script(notebooks.skeleton(page))
        if again != page.text:
            ours, theirs = page.text.splitlines(), again.splitlines()
            line = next(
                (n for n, (a, b) in enumerate(zip(ours, theirs), 1) if a != b),
                min(len(ours), len(theirs)) + 1,
            )
            expected = theirs[line - 1] if line <= len(theirs) else "(end of file)"
            problems.append(
                f"{page.where}:{line}: not in canonical form (expected {expected!r} here). "
                "'make format' rewrites the scripts; look at the change."
            )
    return problems


def left_over(pages: list[Page], files: dict[Path, str]) -> list[Path]:
    """Generated files that no script stands behind any more.

    Raises
    ------
    BookError
        If one of them was edited by hand: deleting it would lose the edit.
    """
    root = pages[0].root
    kept = {page.notebook for page in pages}
    old = [
        path for path in (root / "book").rglob("*.ipynb") if path not in kept and "_build" not in path.parts
    ]
    for path in old:
        notebooks.stored(Page(str(path.relative_to(root / "book").with_suffix("")), root))
    spare = [path for path in (root / "journey").rglob("*.py") if path not in files]
    for path in spare:
        if path.name != "__init__.py" and not export.is_sealed(path.read_text(encoding="utf-8")):
            raise BookError(f"{path.relative_to(root)}: not written by make sync. Move it out of journey/.")
    return old + spare


def edited_modules(files: dict[Path, str], root: Path) -> list[str]:
    """Modules of ``journey`` that somebody changed by hand."""
    problems = []
    for path in files:
        if path.exists() and path.name not in ("__init__.py", "py.typed"):
            text = path.read_text(encoding="utf-8")
            if text != files[path] and not export.is_sealed(text):
                name = path.relative_to(root)
                problems.append(
                    f"{name}: edited by hand. Make the change in the page that its docstring names, "
                    f"then 'git checkout {name}' (or delete it) and 'make sync'."
                )
    return problems


def read_book(root: Path) -> tuple[list[Page], dict[Path, str], dict[str, str]]:
    """All pages, the files of ``journey``, and its modules by dotted name; raises on anything malformed."""
    pages = all_pages(root)
    for page in pages:
        _ = page.title
    files = export.modules(pages)
    modules = {page.module: files[page.module_file] for page in pages if page.module_file in files}
    problems = canonical_problems(pages) + edited_modules(files, root)
    if problems:
        raise BookError("\n".join(problems))
    return pages, files, modules


def check(root: Path = ROOT) -> list[str]:
    """Everything by which the three trees differ, one line each; executes nothing."""
    pages, files, modules = read_book(root)
    problems = [
        f"{path.relative_to(root)}: differs from a fresh export. Run 'make sync'."
        for path, text in files.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    problems += [
        f"{path.relative_to(root)}: no script stands behind it. Run 'make sync'."
        for path in left_over(pages, files)
    ]
    for page in pages:
        where = f"book/{page.name}.ipynb"
        state = plan(page, modules, pages)
        if state.old is None:
            problems.append(f"{where}: missing. Run 'make sync'.")
        elif state.new is None:
            problems.append(
                f"{where}: stale, its code or a module that it imports has changed. Run 'make sync'."
            )
        elif write_script(state.old) != page.text or state.new != page.notebook.read_text(encoding="utf-8"):
            problems.append(f"{where}: does not hold the text of {page.where}. Run 'make sync'.")
    return problems


def sync(root: Path = ROOT, *, only: str | None = None, force: bool = False, jobs: int = 2) -> int:
    """Bring notebooks and ``journey`` up to date; return the number of pages that failed."""
    pages, files, modules = read_book(root)
    spare = left_over(pages, files)
    chosen = [find_page(only, pages)] if only else pages
    for page in chosen:
        notebooks.stored(page)  # an edit by hand stops everything before anything is written
    for path, text in files.items():
        notebooks.write_atomically(path, text)
    for path in spare:
        path.unlink()
        print(f"removed   {path.relative_to(root)}")
    for folder in (root / "journey", root / "book"):
        for path in sorted(folder.rglob("*"), reverse=True):
            if (
                path.is_dir()
                and {item.name for item in path.iterdir()} <= {"__pycache__"}
                and path.name != "_static"
            ):
                for cached in path.rglob("*.pyc"):
                    cached.unlink()
                for empty in [*path.iterdir(), path]:
                    empty.rmdir()
    readers = [page for page in chosen if notebooks.reads_the_book(page)]
    plain = [page for page in chosen if page not in readers]
    failed = 0
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for group in (plain, readers):  # pages made from the stored outputs come last
            states = [plan(page, modules, pages, force=force) for page in group]
            failed += _write_group(states, pool)
    return failed


def _write_group(states: list[State], pool: Executor) -> int:
    for state in states:
        if state.new is not None and notebooks.write_atomically(state.page.notebook, state.new):
            print(f"text      {state.page.name}")
    stale = [state for state in states if state.new is None]
    futures = {pool.submit(notebooks.execute, state.page): state for state in stale}
    failed = 0
    with tqdm(total=len(stale), unit="page", disable=not (stale and sys.stderr.isatty())) as bar:
        try:
            for future in as_completed(futures):
                state = futures[future]
                bar.update()
                try:
                    notebook, seconds = future.result()
                except BookError as error:
                    failed += 1
                    bar.write(
                        f"FAILED    {state.page.name} (its notebook was left as it was)\n{error}",
                        file=sys.stderr,
                    )
                    continue
                text = result_text(state, notebook, seconds)
                changed = notebooks.write_atomically(state.page.notebook, text)
                bar.write(
                    f"{'executed' if changed else 'unchanged':9} {state.page.name}  (under {seconds} s)",
                    file=sys.stdout,
                )
        except KeyboardInterrupt:
            for future in futures:
                future.cancel()
            raise
    return failed


def rewrite_scripts(root: Path = ROOT) -> None:
    """``make format``: give every script its canonical form."""
    for page in all_pages(root):
        if notebooks.write_atomically(page.script, write_script(notebooks.skeleton(page))):
            print(f"formatted {page.where}")


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="tools.sync", description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="only say what is stale; execute nothing")
    parser.add_argument("--force", action="store_true", help="execute pages that are up to date, too")
    parser.add_argument("--format", action="store_true", help="rewrite the scripts in canonical form")
    parser.add_argument("--page", help="one page, such as 01/01")
    parser.add_argument("--jobs", type=int, default=2, help="pages executed at once (default 2)")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    try:
        if options.format:
            rewrite_scripts(options.root)
            return 0
        if options.check:
            problems = check(options.root)
            print("\n".join(problems) or "scripts, notebooks and journey agree")
            return 1 if problems else 0
        return 1 if sync(options.root, only=options.page, force=options.force, jobs=options.jobs) else 0
    except BookError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: every notebook is either old or new", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
