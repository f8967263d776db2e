"""Run pages as plain programs, as a reader does: no notebook, no window, no warning.

    python -m tools.run_scripts               every page from the root, one of each stage from its folder
    python -m tools.run_scripts --page 04/03  one page, its output shown

A page passes if it ends with status 0 and writes nothing to standard error.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tools.pages import ROOT, BookError, Page, all_pages, find_page

TIMEOUT_S = 300


@dataclass(frozen=True)
class Run:
    """How a page ran: ``fault`` is None, or what a person needs to see."""

    page: Page
    folder: Path
    seconds: float
    fault: str | None

    def __str__(self) -> str:
        place = "" if self.folder == self.page.root else "  (from its folder)"
        verdict = "passed" if self.fault is None else "FAILED"
        return f"{verdict}  {self.page.where}  {self.seconds:.0f} s{place}"


def environment(root: Path) -> dict[str, str]:
    """The environment of a run: no windows, all warnings, imports from ``root``."""
    return {**os.environ, "MPLBACKEND": "Agg", "PYTHONPATH": str(root), "PYTHONWARNINGS": "default"}


def run(page: Page, folder: Path) -> Run:
    """Run one page in a folder."""
    start = time.monotonic()
    command = [sys.executable, os.path.relpath(page.script, folder)]
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment(page.root), capture_output=True, text=True, timeout=TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        return Run(page, folder, time.monotonic() - start, f"ran longer than {TIMEOUT_S} s")
    fault = None
    if done.returncode != 0:
        fault = f"exit status {done.returncode}\n{done.stderr.strip()}"
    elif done.stderr.strip():
        fault = f"wrote to standard error (a warning?)\n{done.stderr.strip()}"
    return Run(page, folder, time.monotonic() - start, fault)


def places(pages: list[Page]) -> list[tuple[Page, Path]]:
    """Every page with code from the root, and the last one of each stage from its own folder."""
    with_code = [page for page in pages if page.code_cells]
    last_of_stage = {page.script.parent: page for page in with_code}
    return [(page, page.root) for page in with_code] + [
        (page, folder) for folder, page in last_of_stage.items()
    ]


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="tools.run_scripts", description=__doc__.split("\n")[0])
    parser.add_argument("--page", help="one page, such as 01/01, in the foreground")
    parser.add_argument("--jobs", type=int, default=2, help="pages run at once (default 2)")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    root = options.root.resolve()
    try:
        pages = all_pages(root)
        if options.page:
            script = find_page(options.page, pages).script
            return subprocess.run(
                [sys.executable, str(script)], env=environment(root), check=False
            ).returncode
    except BookError as error:
        print(error, file=sys.stderr)
        return 1
    failed = 0
    with ThreadPoolExecutor(options.jobs) as pool:
        for result in pool.map(lambda item: run(*item), places(pages)):
            print(result, flush=True)
            if result.fault is not None:
                failed += 1
                print(result.fault, file=sys.stderr, flush=True)
    print(f"{failed} of {len(places(pages))} runs failed" if failed else f"{len(places(pages))} runs passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
