"""A page as the page lint sees it: its cells, its text, its exercises, what it printed, what is asked of it.

The rules are in ``tools.check_pages``; this module only reads.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from tools import markdown
from tools.markdown import Block
from tools.pages import BookError, Cell, Page

CLAIM_LINE = re.compile(r"^claim ([a-z0-9-]+): \S+ \(.+\) holds$", re.MULTILINE)


# --- What is asked of which page -------------------------------------------------------------------------


@dataclass(frozen=True)
class Standard:
    """How much of the form a page has to keep; the rules on code, prose and outputs hold for every page."""

    claims: int = 0
    exercises: int = 0
    parts: frozenset[str] = frozenset()


TEACHING = Standard(
    claims=8,
    exercises=4,
    parts=frozenset(
        {"question", "card", "predict", "check", "kinds", "median", "quiz", "remember", "references"}
    ),
)
BENT = Standard(claims=1, exercises=2, parts=frozenset({"question", "card", "predict", "quiz", "remember"}))
REFERENCE = Standard()
# Stages 00 and 10 bend the form; these pages, named as modules are, bend it in their own way.
STANDARDS = {
    "journey.orientation.how_to_use_this_book": replace(BENT, claims=0),  # comes before claims are built
    "journey.orientation.goals": REFERENCE,
    "journey.orientation.checks": TEACHING,
    "journey.orientation.figures": replace(TEACHING, exercises=2),
    "journey.orientation.datasets": replace(TEACHING, exercises=2),
    "journey.orientation.notation": REFERENCE,
    "journey.orientation.glossary": REFERENCE,
    "journey.orientation.claims_ledger": REFERENCE,
    "journey.orientation.roadmap": REFERENCE,
    "journey.orientation.journal": REFERENCE,
}


def standard(page: Page) -> Standard:
    """What is asked of a page: an index and the pages of no stage are only read."""
    stage, _, name = page.name.rpartition("/")
    if not stage or name == "index":
        return REFERENCE
    return STANDARDS.get(page.module, BENT if stage[:2] in ("00", "10") else TEACHING)


# --- A page and its stored notebook ----------------------------------------------------------------------


@dataclass(frozen=True, order=True)
class Problem:
    """One line of the report."""

    where: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}:{self.line}: {self.rule}: {self.message}"


@dataclass
class Exercise:
    """An exercise: its directive, the code cells up to its solution, and those of the solution."""

    block: Block
    tests: list[int] = field(default_factory=list)
    solution: list[int] = field(default_factory=list)
    start: Block | None = None
    ended: bool = False


@dataclass(frozen=True)
class Section:
    """The part of a page under one heading of level two."""

    title: str
    line: int
    end: int

    def holds(self, line: int) -> bool:
        return self.line <= line <= self.end


class Sheet:
    """A page with all that the rules ask about it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.cells = page.cells
        self.codes = page.code_cells
        self.notes = [cell for cell in self.cells if cell.kind == "markdown"]
        self.standard = standard(page)
        self.top = self.cells[0].line if self.cells else 1
        self.fault: BookError | None = None  # why the page is not Python
        try:
            self.trees: list[ast.Module | None] = [page.parsed(cell) for cell in self.codes]
        except BookError as error:
            self.fault = error
            self.trees = [tree_or_none(cell) for cell in self.codes]

    def problem(self, line: int, rule: str, message: str) -> Problem:
        return Problem(self.page.where, line, rule, message)

    @cached_property
    def nodes(self) -> list[tuple[Cell, ast.AST]]:
        """Every node of every code cell that parses."""
        return [
            (cell, node)
            for cell, tree in zip(self.codes, self.trees)
            if tree is not None
            for node in ast.walk(tree)
        ]

    @cached_property
    def calls(self) -> list[tuple[Cell, str, int]]:
        """Every call of a plain name or a method, with its line."""
        found = []
        for cell, node in self.nodes:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                found.append((cell, name, node.lineno))
        return found

    @cached_property
    def notebook(self) -> dict[str, Any] | None:
        """The stored notebook, or None if it is missing, broken, or holds other code than the page."""
        try:
            notebook = json.loads(self.page.notebook.read_text(encoding="utf-8"))
            stored = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
            _ = notebook["metadata"]["journey"]["seconds"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return notebook if stored == [cell.source for cell in self.codes] else None

    @cached_property
    def stored(self) -> list[dict[str, Any]]:
        """The stored code cells, one for each of ``codes``, or none at all."""
        cells = self.notebook["cells"] if self.notebook else []
        return [cell for cell in cells if cell["cell_type"] == "code"]

    def printed(self, number: int) -> str:
        """All that a code cell said."""
        return "\n".join(said(output) for output in self.stored[number]["outputs"]) if self.stored else ""

    @cached_property
    def blocks(self) -> list[Block]:
        return [block for cell in self.notes for block in markdown.blocks(cell.source, cell.line)]

    @cached_property
    def text_lines(self) -> list[tuple[int, str]]:
        """The lines of all markdown outside code, numbered as in the script."""
        return [
            (number, text)
            for cell in self.notes
            for number, text in enumerate(markdown.outside_code(cell.source), start=cell.line)
        ]

    @cached_property
    def sections(self) -> list[Section]:
        found = [
            (title, line)
            for cell in self.notes
            for level, title, line in markdown.headings(cell.source, cell.line)
            if level == 2
        ]
        ends = [line - 1 for _, line in found[1:]] + [len(self.page.text.splitlines())]
        return [Section(title, line, end) for (title, line), end in zip(found, ends)]

    def section(self, title: str) -> Section | None:
        return next((section for section in self.sections if section.title == title), None)

    @cached_property
    def exercises(self) -> list[Exercise]:
        """The exercises in order, each with its cells."""
        return self._exercises[0]

    @cached_property
    def stray_solutions(self) -> list[Block]:
        """Solutions that begin for no exercise, and ends of solutions that did not begin."""
        return self._exercises[1]

    @cached_property
    def _exercises(self) -> tuple[list[Exercise], list[Block]]:
        exercises: list[Exercise] = []
        stray: list[Block] = []
        into: list[int] | None = None
        current: Exercise | None = None
        events: list[tuple[int, Block | Section | int]] = [(block.line, block) for block in self.blocks]
        events += [(section.line, section) for section in self.sections]
        events += [(cell.line, number) for number, cell in enumerate(self.codes)]
        for _, event in sorted(events, key=lambda item: item[0]):
            if isinstance(event, int):
                if into is not None:
                    into.append(event)
            elif isinstance(event, Section):
                into = None
            elif event.name == "exercise":
                current = Exercise(event)
                exercises.append(current)
                into = current.tests
            elif event.name == "solution-start":
                own = [item for item in exercises if item.block.options.get("label") == event.argument]
                unnamed = current is not None and "label" not in current.block.options
                current = own[0] if own else current if unnamed else None
                if current is None or current.start is not None:
                    stray.append(event)
                    into = None
                else:
                    current.start, into = event, current.solution
            elif event.name == "solution-end":
                if current is None or current.start is None or current.ended:
                    stray.append(event)
                else:
                    current.ended = True
                into = None
        return exercises, stray

    @cached_property
    def practice(self) -> set[int]:
        """The numbers of the code cells that belong to exercises."""
        section = self.section("Exercises")
        own = {number for item in self.exercises for number in [*item.tests, *item.solution]}
        return own | {n for n, cell in enumerate(self.codes) if section and section.holds(cell.line)}

    @cached_property
    def claims(self) -> list[tuple[str, int]]:
        """The claims that hold in the stored outputs, each with the line that makes it or its cell's."""
        found = []
        for number, cell in enumerate(self.codes):
            lines = cell.source.splitlines()
            for name in CLAIM_LINE.findall(self.printed(number)):
                at = next((n for n, text in enumerate(lines) if f'"{name}"' in text), 0)
                found.append((name, cell.line + at))
        return found


def tree_or_none(cell: Cell) -> ast.Module | None:
    """The syntax tree of a cell on a page that is not Python, if it is not this cell's fault."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse("\n" * (cell.line - 1) + cell.source)
        except SyntaxError:
            return None


def said(output: dict[str, Any]) -> str:
    """The text of one stored output: what was printed or shown, or the traceback."""
    texts = [output.get("text", ""), output.get("traceback", "")]
    texts += [
        value
        for kind, value in output.get("data", {}).items()
        if kind.startswith("text/") or kind == "application/json"
    ]
    return "\n".join("".join(text) if isinstance(text, list | str) else json.dumps(text) for text in texts)


def located(error: BookError | str, page: Page, rule: str) -> Iterator[Problem]:
    """The lines of another tool's message as problems of this one."""
    for line in str(error).splitlines():
        match = re.match(r"(\S+?):(\d+): (?:syntax error: )?(.*)", line)
        if match:
            yield Problem(match[1], int(match[2]), rule, match[3])
        else:
            yield Problem(page.where, 1, rule, line)
