"""What the markdown of a page says: its directives, its headings, its labels and its prose.

Every function takes a text and the line (of the script) on which it begins, and answers in those lines.
It knows as much of MyST as the pages of this book use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

FENCE = re.compile(r"^\s*(?P<mark>`{3,}|:{3,}|~{3,})(?P<rest>[^`]*)$")
DIRECTIVE = re.compile(r"^\s*\{(?P<name>[\w:-]+)\}\s*(?P<argument>.*)$")
OPTION = re.compile(r"^\s*:(?P<name>[\w-]+):\s*(?P<value>.*)$")
HEADING = re.compile(r"^(#{1,6}) +(.+?)\s*$")
EQUATION_LABEL = re.compile(r"^.*\$\$\s*\((?P<label>[\w:-]+)\)\s*$")
SECTION_LABEL = re.compile(r"^\((?P<label>[\w:-]+)\)=\s*$")
ROLE = re.compile(r"\{(?P<name>[\w:-]+)\}`(?P<content>[^`]+)`")
TARGET = re.compile(r"^(?P<words>.*)<(?P<target>[^<>]+)>$", re.DOTALL)
# Directives whose content is not markdown, and those whose first line is read by people.
VERBATIM = {"", "bibliography", "code", "code-block", "code-cell", "literalinclude", "math", "mermaid", "raw"}
TITLED = {"admonition", "exercise", "grid-item-card", "important", "note", "tip", "warning"}
LINE_BREAK = r"\n(?!\s*\n)"  # not the end of a paragraph
# What stands in a line of text and is not prose, in the order in which it is taken away.
NOT_PROSE = tuple(
    re.compile(pattern, re.DOTALL | re.MULTILINE)
    for pattern in (
        r"<!--.*?-->",
        rf"(?P<tick>`+)(?!`)(?:[^\n]|{LINE_BREAK})+?(?<!`)(?P=tick)(?!`)",
        r"(?<!\\)\$\$.*?\$\$(?:[ ]*\([\w:-]+\))?",
        rf"(?<!\\)\$(?:[^$\n]|{LINE_BREAK})+?(?<!\\)\$",
        r"https?://\S+",
        r"(?<=\])\([^)\s]*\)",
        r"^\([\w:-]+\)=[ ]*$",
        rf'"(?:[^"\n]|{LINE_BREAK}){{1,200}}"',  # what is quoted is somebody else's
        rf"“(?:[^”\n]|{LINE_BREAK}){{1,200}}”",
    )
)


@dataclass(frozen=True)
class Block:
    """A fenced block, on the lines ``line`` to ``end``; ``name`` is empty if it is no directive."""

    name: str
    argument: str
    line: int
    end: int
    closed: bool
    body: str
    options: dict[str, str] = field(hash=False)

    @property
    def classes(self) -> list[str]:
        return self.options.get("class", "").split()

    @property
    def content(self) -> str:
        """The body without its options."""
        return "\n".join(self.body.splitlines()[len(self.options) :]).strip()


@dataclass
class _Open:
    mark: str
    name: str
    argument: str
    line: int

    def closed_by(self, mark: str, rest: str) -> bool:
        return not rest.strip() and mark[0] == self.mark[0] and len(mark) >= len(self.mark)


def blocks(text: str, line: int = 1) -> list[Block]:
    """All fenced blocks, inner ones too, in the order in which they begin."""
    lines = text.splitlines()
    stack: list[_Open] = []
    found: list[Block] = []
    for number, content in enumerate(lines, start=line):
        match = FENCE.match(content)
        if match is None:
            continue
        mark, rest = match["mark"], match["rest"]
        if stack and stack[-1].closed_by(mark, rest):
            found.append(_block(stack.pop(), lines, line, number, closed=True))
            continue
        directive = DIRECTIVE.match(rest)
        if (stack and stack[-1].name in VERBATIM) or (mark[0] == ":" and directive is None):
            continue
        name, argument = (directive["name"], directive["argument"].strip()) if directive else ("", "")
        stack.append(_Open(mark, name, argument, number))
    found += [_block(block, lines, line, line + len(lines) - 1, closed=False) for block in stack]
    return sorted(found, key=lambda block: block.line)


def _block(block: _Open, lines: list[str], first: int, end: int, *, closed: bool) -> Block:
    body = lines[block.line - first + 1 : end - first + (0 if closed else 1)]
    options: dict[str, str] = {}
    for content in body:
        match = OPTION.match(content)
        if match is None or block.name == "":
            break
        options[match["name"]] = match["value"].strip()
    return Block(block.name, block.argument, block.line, end, closed, "\n".join(body), options)


def outside_code(text: str) -> list[str]:
    """The lines of a text, those of code, of mathematics in a directive and of fences left empty."""
    lines = text.splitlines()
    for block in blocks(text):
        if block.name in VERBATIM:
            lines[block.line - 1 : block.end] = [""] * (block.end - block.line + 1)
            continue
        lines[block.line - 1] = block.argument if block.name in TITLED else ""
        for offset in range(len(block.options)):
            lines[block.line + offset] = ""
        if block.closed:
            lines[block.end - 1] = ""
    return lines


def headings(text: str, line: int = 1) -> Iterator[tuple[int, str, int]]:
    """Each heading as (level, text, line)."""
    for number, content in enumerate(outside_code(text), start=line):
        match = HEADING.match(content)
        if match:
            yield len(match[1]), match[2], number


def labels(text: str, line: int = 1) -> Iterator[tuple[str, int]]:
    """What can be referred to: labels of directives, equations and sections, with their lines."""
    for block in blocks(text, line):
        for option in ("label", "name"):
            if option in block.options:
                yield block.options[option], block.line
    for number, content in enumerate(outside_code(text), start=line):
        match = EQUATION_LABEL.match(content) or SECTION_LABEL.match(content)
        if match:
            yield match["label"], number


@dataclass(frozen=True)
class Reference:
    """A role such as {ref}`words <target>`; ``words`` is empty if the text is to come from the target."""

    role: str
    target: str
    words: str
    line: int


def references(text: str, line: int = 1) -> Iterator[Reference]:
    """All roles in a text outside of code."""
    rest = "\n".join(outside_code(text))
    for match in ROLE.finditer(rest):
        content = " ".join(match["content"].split())
        parts = TARGET.match(content)
        target, words = (parts["target"].strip(), parts["words"].strip()) if parts else (content, "")
        yield Reference(match["name"], target, words, line + rest.count("\n", 0, match.start()))


def untitled(text: str) -> set[str]:
    """Labels without words of their own: of equations, and of sections that do not stand before a heading."""
    lines = [content for content in outside_code(text) if content.strip()]
    found = set()
    for content, following in zip(lines, [*lines[1:], ""]):
        section, equation = SECTION_LABEL.match(content), EQUATION_LABEL.match(content)
        if equation or (section and not HEADING.match(following) and not SECTION_LABEL.match(following)):
            found.add((equation or section)["label"])  # type: ignore[index]
    return found


def prose(text: str) -> list[str]:
    """The lines of a text with everything blanked that is not the author's prose.

    Code, mathematics, addresses, labels, options of directives and quotations become spaces.
    """
    rest = "\n".join(outside_code(text))
    for pattern in NOT_PROSE:
        rest = pattern.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), rest)
    return rest.split("\n")
