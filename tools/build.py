"""``make book``: render the site from the stored outputs; nothing is executed.

    python -m tools.build             render what changed since the last time
    python -m tools.build --strict    a warning or an unresolved reference is an error
    python -m tools.build --clean     begin with an empty _build
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import shutil
import sys
import time
from pathlib import Path

from tools.pages import ROOT, table_of_contents


def build(root: Path = ROOT, *, strict: bool = False, clean: bool = False) -> int:
    """Run jupyter-book on the book; return its exit status."""
    if clean:
        shutil.rmtree(root / "_build", ignore_errors=True)
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    from jupyter_book.cli.main import main as jupyter_book  # two seconds, so not for --help

    arguments = ["build", str(root / "book"), "--path-output", str(root), "--quiet"]
    arguments += ["--config", str(root / "_config.yml"), "--toc", str(root / "_toc.yml")]
    if strict:
        arguments += ["-W", "-n", "--keep-going"]
    said = io.StringIO()  # its banners; what is wrong goes to standard error
    try:
        with contextlib.redirect_stdout(said):
            jupyter_book(arguments, standalone_mode=False)
    except SystemExit as error:  # what was wrong is on standard error already
        print(f"the site has the faults above (status {error.code})", file=sys.stderr)
        return 1
    except Exception:
        print(said.getvalue(), file=sys.stderr)
        raise
    return 0


def size(folder: Path) -> int:
    """The bytes of all files of a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="tools.build", description=__doc__.split("\n")[0])
    parser.add_argument("--strict", action="store_true", help="a warning is an error")
    parser.add_argument("--clean", action="store_true", help="begin with an empty _build")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    root = options.root.resolve()
    start = time.monotonic()
    status = build(root, strict=options.strict, clean=options.clean)
    if status == 0:
        site = root / "_build" / "html"
        index = os.path.relpath(site / "index.html")
        print(
            f"{index}: {len(table_of_contents(root))} pages, {size(site) / 1e6:.1f} MB, "
            f"{time.monotonic() - start:.0f} s"
        )
    return status


if __name__ == "__main__":
    sys.exit(main())
