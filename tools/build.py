"""``make book``: render the site from the stored outputs; nothing is executed.

python -m tools.build             render what changed since the last time
python -m tools.build --strict    a warning or an unresolved reference is an error
python -m tools.build --clean     begin with an empty _build
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from tools.pages import ROOT, all_pages, find_page, table_of_contents


def build(root: Path = ROOT, *, strict: bool = False, clean: bool = False, builder: str = "html") -> int:
    """Run jupyter-book on the book; return its exit status."""
    if clean:
        shutil.rmtree(root / "_build", ignore_errors=True)
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    from jupyter_book.cli.main import main as jupyter_book  # two seconds, so not for --help

    arguments = ["build", str(root / "book"), "--path-output", str(root), "--quiet"]
    arguments += ["--config", str(root / "_config.yml"), "--toc", str(root / "_toc.yml")]
    arguments += ["--builder", builder]
    if strict:
        arguments += ["-W", "-n", "--keep-going"]
    said = io.StringIO()  # its banners; most of what is wrong goes to standard error
    try:
        with contextlib.redirect_stdout(said):
            jupyter_book(arguments, standalone_mode=False)
    except (SystemExit, RuntimeError) as fault:  # a fault in _toc.yml is told only in the exception
        print(fault, file=sys.stderr)
        print("the site has the faults above", file=sys.stderr)
        return 1
    return 0


def dead_links(report: Iterable[str]) -> list[str]:
    """The links that Sphinx's link check found gone, from the lines of its ``output.json``.

    Only "not found" and "gone" count. Refusals, time-outs and redirects are how many sites treat programs;
    they would raise an alarm every week.
    """
    found = [json.loads(line) for line in report if line.strip()]
    return [
        f"{link['filename']}:{link['lineno']}: {link['uri']} ({link['info']})"
        for link in found
        if link["status"] == "broken" and re.search(r"\b(404|410)\b", link["info"])
    ]


def size(folder: Path) -> int:
    """The bytes of all files of a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="tools.build", description=__doc__.split("\n")[0])
    parser.add_argument("--strict", action="store_true", help="a warning is an error")
    parser.add_argument("--clean", action="store_true", help="begin with an empty _build")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    parser.add_argument("--page", help="say where this page is, such as 01/01")
    parser.add_argument("--linkcheck", action="store_true", help="look up all links to other sites instead")
    options = parser.parse_args(arguments)
    root = options.root.resolve()
    if options.linkcheck:
        build(root, builder="linkcheck", clean=True)
        dead = dead_links((root / "_build" / "html" / "output.json").read_text("utf-8").splitlines())
        print("\n".join(dead) or "no dead links")
        return 1 if dead else 0
    start = time.monotonic()
    status = build(root, strict=options.strict, clean=options.clean)
    if status == 0:
        site = root / "_build" / "html"
        index = os.path.relpath(site / "index.html")
        print(
            f"{index}: {len(table_of_contents(root))} pages, {size(site) / 1e6:.1f} MB, "
            f"{time.monotonic() - start:.0f} s"
        )
        page = find_page(options.page, all_pages(root)).name if options.page else "index"
        print(f"open {(site / page).as_uri()}.html")
    return status


if __name__ == "__main__":
    sys.exit(main())
