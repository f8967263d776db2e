"""What several test files share: a little book in a temporary folder, and how to run the tools on it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest

from tools import sync
from tools.pages import ROOT, Page, read_script, write_script


def markdown(text: str) -> str:
    """A markdown cell of a script."""
    lines = "\n".join(f"# {line}".rstrip() for line in text.split("\n"))
    return f"# %% [markdown]\n{lines}"


def code(text: str, *tags: str) -> str:
    """A code cell of a script."""
    mark = '# %% tags=["' + '", "'.join(tags) + '"]' if tags else "# %%"
    return f"{mark}\n{text.strip(chr(10))}"


def wait_until(happened: Callable[[], object], *, what: str, tries: int = 3000) -> None:
    """Ask again and again, for half a minute at most, until something has happened."""
    for _ in range(tries):
        if happened():
            return
        time.sleep(0.01)
    raise AssertionError(f"did not happen: {what}")


@dataclass(frozen=True)
class TinyBook:
    """A book under ``root`` with the tools' conventions; every method takes page names."""

    root: Path

    @classmethod
    def make(cls, root: Path) -> TinyBook:
        """An index, ``01_Numbers/01_squares`` exporting ``square``, ``02_Sums/01_sums`` importing it."""
        book = cls(root)
        (root / "book").mkdir()
        (root / "book" / "references.bib").write_text("")
        book.write("index", markdown("# A tiny book"))
        book.write(
            "01_Numbers/01_squares",
            markdown('# What is "a square"?'),
            code("import math\nfrom fractions import Fraction"),
            code(
                "def square(number: Fraction | float) -> Fraction | float:\n"
                '    """The number times itself."""\n'
                "    return number * number",
                "export",
            ),
            code("print(square(3), math.isqrt(9))"),
        )
        book.write(
            "02_Sums/01_sums",
            markdown("# Sums"),
            code("from journey.numbers.squares import square"),
            code("print(sum(square(n) for n in range(4)))"),
        )
        book.toc("01_Numbers/01_squares", "02_Sums/01_sums")
        return book

    def page(self, name: str) -> Page:
        return Page(name, self.root)

    def write(self, name: str, *cells: str, canonical: bool = True) -> Page:
        """Write a script from its cells (after a title, if the first is no markdown)."""
        page = self.page(name)
        if not cells or not cells[0].startswith("# %% [markdown]"):
            cells = (markdown(f"# Page {name.split('/')[-1]}"), *cells)
        text = "\n\n".join(cells) + "\n"
        page.script.parent.mkdir(parents=True, exist_ok=True)
        page.script.write_text(write_script(read_script(text)) if canonical else text)
        return page

    def toc(self, *names: str) -> None:
        """Write ``_toc.yml``: the index and these pages."""
        files = "".join(f"  - file: {name}\n" for name in names)
        self.root.joinpath("_toc.yml").write_text(f"format: jb-book\nroot: index\nchapters:\n{files}")

    def sync(self, *arguments: str) -> int:
        """``python -m tools.sync`` in this process; returns the exit status."""
        return sync.main(["--root", str(self.root), *arguments])

    def start(self, *arguments: str, split: bool = False) -> subprocess.Popen[str]:
        """``python -m tools.sync`` as a process; standard error goes to its output unless ``split``."""
        return subprocess.Popen(
            [sys.executable, "-u", "-m", "tools.sync", "--root", str(self.root), *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if split else subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def generated(self) -> dict[str, bytes]:
        """All bytes under ``book/`` and ``journey/``, by path, without caches."""
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for folder in ("book", "journey")
            for path in sorted((self.root / folder).rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        }

    def outputs(self, name: str) -> str:
        """The text of all outputs of a stored notebook."""
        notebook = nbformat.read(self.page(name).notebook, as_version=4)
        return "".join(
            output.get("text", "") + output.get("data", {}).get("text/plain", "")
            for cell in notebook.cells
            if cell.cell_type == "code"
            for output in cell.outputs
        )


@pytest.fixture
def tiny_book(tmp_path: Path) -> TinyBook:
    """A little book that was never synced; see ``TinyBook.make``."""
    return TinyBook.make(tmp_path)
