"""The claims ledger.

Built in the page `scripts/00_Orientation/10_claims_ledger.py`: edit the page, not this file.
"""

import importlib.util
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["CLAIM_LINE", "StoredClaim", "StoredPage", "stored_claims", "stored_pages"]


class StoredPage(NamedTuple):
    """A page as it is stored: its path without suffix, its title, its run time (rounded up) and its cells."""

    name: str
    title: str
    seconds: int
    date: str
    cells: list[dict[str, Any]]


def stored_pages() -> list[StoredPage]:
    """All executed pages of the book in order of their paths, except those that call this function.

    Raises
    ------
    FileNotFoundError
        If the notebooks are not there: they belong to the repository, not to the installed package.
    """
    spec = importlib.util.find_spec("journey")
    places = (spec.submodule_search_locations if spec else None) or []
    book = Path(next(iter(places), ".")).resolve().parent / "book"
    if not book.is_dir():
        raise FileNotFoundError(
            "no folder book/ beside the package journey: run this in a clone of the repository"
        )
    pages = []
    for path in sorted(book.rglob("*.ipynb")):
        if {"_build", ".ipynb_checkpoints"} & set(path.parts):
            continue
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cells = notebook["cells"]
        if any(cell["cell_type"] == "code" and "stored_pages(" in "".join(cell["source"]) for cell in cells):
            continue
        heading = re.search(r"^# (.+)$", "".join(cells[0]["source"]), re.MULTILINE)
        note = notebook["metadata"]["journey"]
        name = path.relative_to(book).with_suffix("").as_posix()
        pages.append(
            StoredPage(
                name,
                heading.group(1) if heading else name,
                note["seconds"],
                note["date"],
                cells,
            )
        )
    return pages


class StoredClaim(NamedTuple):
    """A claim found in a stored page; ``value`` and ``band`` are as they were printed."""

    page: str
    name: str
    value: str
    band: str


CLAIM_LINE = re.compile(r"^claim (?P<name>[a-z0-9-]+): (?P<value>\S+) \((?P<band>.+)\) holds$", re.MULTILINE)


def stored_claims(pages: list[StoredPage]) -> list[StoredClaim]:
    """Every claim that the given pages print, in order."""
    return [
        StoredClaim(page.name, match["name"], match["value"], match["band"])
        for page in pages
        for cell in page.cells
        for output in cell.get("outputs", [])
        for match in CLAIM_LINE.finditer("".join(output.get("text", "")))
    ]


# seal: 1d5aea1a76bd9728
