"""The part of ``README.md`` that follows from the book: its table of stages.

python -m tools.readme            write the stages' links and numbers of pages
python -m tools.readme --check    only say whether they are right
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from tools.notebooks import write_atomically
from tools.pages import ROOT, table_of_contents
from tools.site import site_url

ROW = re.compile(
    r"^\| (?:\[(?P<linked>\d\d [^]]+)\]\([^)]*\)|(?P<plain>\d\d [^|]+?)) \| (?P<builds>[^|]+?) \|[^|]*\|$",
    re.M,
)


def with_stages(text: str, names: list[str], site: str) -> str:
    """The README's text with each stage's row brought up to date: a link and a badge if it has pages."""

    def row(match: re.Match[str]) -> str:
        stage = match["linked"] or match["plain"]
        folder = stage.replace(" ", "_")
        count = sum(name.startswith(f"{folder}/") and not name.endswith("/index") for name in names)
        if not count:
            return f"| {stage} | {match['builds']} | |"
        first = next(name for name in names if name.startswith(f"{folder}/"))
        pages = "1 page" if count == 1 else f"{count} pages"
        badge = f"![{pages}](https://img.shields.io/badge/pages-{count}-0072B2)"
        return f"| [{stage}]({site}{first}.html) | {match['builds']} | {badge} |"

    return ROW.sub(row, text)


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="tools.readme", description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    path = options.root / "README.md"
    text = path.read_text(encoding="utf-8")
    right = with_stages(text, table_of_contents(options.root), site_url(options.root))
    if right == text:
        return 0
    if options.check:
        print("README.md: the table of stages is out of date: make sync", file=sys.stderr)
        return 1
    write_atomically(path, right)
    print("wrote README.md (its table of stages)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
