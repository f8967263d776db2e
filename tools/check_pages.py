"""``make check``: the page standard, as far as a program can see it.

    python -m tools.check_pages                all pages
    python -m tools.check_pages --page 01/01   one page
    python -m tools.check_pages --rules        what is checked

Nothing is executed: the scripts are read, and what they printed and drew is read from the stored notebooks.
Every line of the report says where, which rule, what is wrong and what to do.
"""

from __future__ import annotations

import argparse
import ast
import io
import itertools
import re
import statistics
import sys
import tokenize
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from tools import markdown
from tools.export import import_problems
from tools.markdown import Block
from tools.pages import ROOT, BookError, Cell, Page, all_pages, one_page
from tools.sheets import Exercise, Problem, Sheet, located, said

RULES = {
    "syntax": "the cells are Python",
    "magics": "no magics and no get_ipython: a page also runs as a plain program",
    "semicolon": "no line ends with ';'",
    "sys-path": "no page touches sys.path",
    "tag": "only the tags export, hide-input, nbval-ignore-output, raises-exception",
    "ignore-reason": "a cell tagged nbval-ignore-output says why, in a comment",
    "cell-length": "at most 60 lines a cell, blank lines and docstrings not counted",
    "cell-median": "half of the cells a reader follows have at most 12 lines; aim for 8",
    "import": "journey modules of earlier pages only",
    "todo": "nothing is left to do",
    "words": "none of the words that claim ease or fill space",
    "exclamation": "no exclamation marks",
    "emoji": "no emoji",
    "title": "the page begins with '# Title'",
    "question": "the sentence under the title asks the question that the page answers",
    "card": "the card at the top, with its four lines",
    "predict": "'## Predict' with two or three numbered questions",
    "prediction": "each prediction is answered by its number",
    "claims": "enough claims: eight on a teaching page",
    "claim-name": "no claim's name is used twice in the book",
    "check": "a check that is no claim: check_close, check_gradient, check_estimator or assert",
    "exercises": "enough exercises: four on a teaching page",
    "exercise-kinds": "check, extend, break and build, each at least once",
    "exercise-label": "every exercise has a label",
    "exercise-head": "every exercise states its kind, difficulty and minutes",
    "exercise-tests": "every exercise has a cell of tests, and its stub fails them",
    "exercise-solution": "every exercise has a folded solution that passes the tests",
    "quiz": "'## Quiz' with three questions",
    "quiz-answer": "every question has a folded answer that explains every option",
    "quiz-plot": "one question of the quiz is about a plot",
    "remember": "'## What to remember'",
    "references": "'## References' with a bibliography",
    "order": "Predict, Exercises, Quiz, What to remember, References, each once and in this order",
    "figure": "one figure a cell, and metadata only on a cell that draws",
    "figure-name": "every figure has a name",
    "figure-caption": "every figure has a caption",
    "figure-alt": "every figure has a text that says what is seen, and it is not the caption",
    "label": "no label is used twice in the book",
    "target": "what is referred to is in the book, and {ref} without words names something with a title",
    "notebook": "the stored notebook is there and holds the page's cells",
    "error-output": "no stored error, unless the cell is tagged raises-exception",
    "stderr": "nothing on standard error: no warnings",
    "counts": "the cells ran once each, in order",
    "address": "no memory addresses in outputs",
    "path": "no absolute paths in outputs",
    "size": "a notebook of at most 600 kB",
    "run-time": "at most 30 s; at most 90 s with the reason in an admonition of class journey-slow",
}

TAGS = {"export", "hide-input", "nbval-ignore-output", "raises-exception"}
KINDS = ("check", "extend", "break", "build")
LABEL_ROLES = {"ref", "numref", "eq"}
CARD_LINES = ("You build", "You need", "Checked against", "Time")
FIXED_HEADINGS = ("Predict", "Exercises", "Quiz", "What to remember", "References")
LONGEST_CELL, LONGEST_MEDIAN = 60, 12
SHORTEST_ALT = 20
LARGEST_NOTEBOOK = 600_000
RUN_TIME_S, SLOW_RUN_TIME_S = 30, 90

MAGIC = re.compile(r"^\s*(?:%{1,2}[A-Za-z]|!|\?)|^[^#'\"]*[\w.)\]]\?{1,2}\s*$")
TODO = re.compile(r"\bTODO\b")
WORDS = re.compile(
    r"\b(simply(?!\s+connected)|(?<!-)just(?!\s+noticeable|-in-time)|obviously|let['’]s|we['’]ll|note\s+that)\b",
    re.IGNORECASE,
)
EXCLAMATION = re.compile(r"(?<=[\w)\]*_…?!])!(?=[\s)\]*_”’\"']|$)")
EMOJI = re.compile("[\u2705\u2728\u274c\u2753-\u2757\u2764\u2b50\ufe0f\U0001f000-\U0001faff]")
EXERCISE_HEAD = re.compile(
    rf"^\s*\*({'|'.join(KINDS)}) · difficulty [1-3] of 3 · [1-9]\d* minutes\*\s*$", re.MULTILINE
)
QUESTION = re.compile(r"^(?:\*\*)?(?:Question )?\d+[.:)]")
OPTION = re.compile(r"(?<![\w$\\])\(([a-h])\)")
UNWANTED = (
    ("words", WORDS, "Leave it out, or say what is meant."),
    ("exclamation", EXCLAMATION, "End the sentence with a full stop; a factorial belongs in $…$."),
    ("emoji", EMOJI, "Say it in words."),
)
PREDICTIONS = re.compile(r"\bpredictions?\s+\d(?:(?:,|,?\s+and|\s+to)\s+\d)*", re.IGNORECASE)
CITATION = re.compile(r"\{cite(?::\w+)?\}`")
# Not 8 or 16 digits without "at": those are the bits of a number.
ADDRESS = re.compile(r"\bat 0x[0-9a-f]{6,}|\b0x(?![0-9a-f]{8}\b|[0-9a-f]{16}\b)[0-9a-f]{6,}\b", re.IGNORECASE)
ABSOLUTE_PATH = re.compile(
    r"(?:file://|(?<![\w./:~-]))/(?:home|root|work|tmp|usr|opt|var|mnt|Users|private)/[^\s'\"<>)]*"
    r"|\b[A-Z]:\\(?:Users|Windows|Program|Temp|[A-Za-z]+\\)[^\s'\"<>]*"
)


# --- Rules on code ---------------------------------------------------------------------------------------


def check_syntax(sheet: Sheet) -> Iterator[Problem]:
    """Cells that Python does not read, most often because of a magic."""
    magics = [
        line
        for cell, tree in zip(sheet.codes, sheet.trees)
        for line, text in enumerate(cell.source.splitlines(), cell.line)
        if tree is None and MAGIC.match(text)
    ]
    for line in magics:
        yield sheet.problem(line, "magics", "a magic. Say it in Python: a page is also a program.")
    if sheet.fault and not magics:
        yield from located(sheet.fault, sheet.page, "syntax")
    for _, node in sheet.nodes:
        if isinstance(node, ast.Name) and node.id == "get_ipython":
            yield sheet.problem(
                node.lineno, "magics", "get_ipython is not there in a plain program. Say it in Python."
            )


def check_semicolons(sheet: Sheet) -> Iterator[Problem]:
    """Semicolons at the end of a line: nbval does not compare such a cell's output."""
    after = {tokenize.NEWLINE, tokenize.NL, tokenize.COMMENT, tokenize.ENDMARKER}
    for cell, tree in zip(sheet.codes, sheet.trees):
        if tree is None or ";" not in cell.source:
            continue
        tokens = list(tokenize.generate_tokens(io.StringIO(cell.source).readline))
        for token, following in itertools.pairwise(tokens):
            if token.type == tokenize.OP and token.string == ";" and following.type in after:
                yield sheet.problem(
                    cell.line + token.start[0] - 1,
                    "semicolon",
                    "a ';' ends the line. Assign to '_' or end the cell with plt.show().",
                )


def check_sys_path(sheet: Sheet) -> Iterator[Problem]:
    """Uses of ``sys.path``."""
    for _, node in sheet.nodes:
        if (
            isinstance(node, ast.Attribute)
            and node.attr == "path"
            and isinstance(node.value, ast.Name)
            and node.value.id == "sys"
        ) or (
            isinstance(node, ast.ImportFrom)
            and node.module == "sys"
            and any(alias.name == "path" for alias in node.names)
        ):
            yield sheet.problem(
                node.lineno, "sys-path", "sys.path is used. Import from journey: it is on the path already."
            )


def check_tags(sheet: Sheet) -> Iterator[Problem]:
    """Unknown tags, and outputs that are not compared for no given reason."""
    for cell in sheet.cells:
        for tag in sorted(set(cell.tags) - TAGS):
            yield sheet.problem(
                cell.line - 1, "tag", f"unknown tag {tag!r}. Known are {', '.join(sorted(TAGS))}."
            )
        if "nbval-ignore-output" in cell.tags and not re.search(r"#\s*\w", cell.source):
            yield sheet.problem(
                cell.line,
                "ignore-reason",
                "this output is not compared, and no comment says why. Begin the cell with the reason.",
            )


def code_lines(cell: Cell, tree: ast.Module) -> int:
    """The lines of a cell that are neither blank nor part of a docstring."""
    lines = {number for number, text in enumerate(cell.source.splitlines(), cell.line) if text.strip()}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            text = node.body[0]
            if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
                lines -= set(range(text.lineno, (text.end_lineno or text.lineno) + 1))
    return len(lines)


def check_length(sheet: Sheet) -> Iterator[Problem]:
    """Cells too long to hold in the head, one by one and on the whole page."""
    followed = []
    for number, (cell, tree) in enumerate(zip(sheet.codes, sheet.trees)):
        if tree is None:
            continue
        length = code_lines(cell, tree)
        if length > LONGEST_CELL:
            yield sheet.problem(
                cell.line,
                "cell-length",
                f"{length} lines of code in one cell; {LONGEST_CELL} are the most. Split it.",
            )
        if number not in sheet.practice and not {"export", "hide-input"} & set(cell.tags):
            followed.append(length)
    middle = statistics.median(followed) if followed else 0
    if "median" in sheet.standard.parts and middle > LONGEST_MEDIAN:
        yield sheet.problem(
            sheet.top,
            "cell-median",
            f"the cells have {middle:g} lines at the median; {LONGEST_MEDIAN} are the most, aim for 8. "
            "Split the long ones, and put text between.",
        )


# --- Rules on prose --------------------------------------------------------------------------------------


def check_todo(sheet: Sheet) -> Iterator[Problem]:
    """What the skeleton of a page left to do."""
    for number, text in enumerate(sheet.page.text.splitlines(), start=1):
        if TODO.search(text):
            yield sheet.problem(number, "todo", "TODO. Do it, and remove the word.")


def check_prose(sheet: Sheet) -> Iterator[Problem]:
    """Words, marks and signs that the book does without; code, mathematics and quotations are not read."""
    texts = [(cell.line, "\n".join(markdown.prose(cell.source))) for cell in sheet.notes]
    texts += [(cell.line - 1, figure_text(cell, "figure", "caption")) for cell in sheet.codes]
    for first, text in texts:
        for rule, pattern, advice in UNWANTED:
            for match in pattern.finditer(text):
                line = first + text.count("\n", 0, match.start())
                word = " ".join(match[0].split())
                yield sheet.problem(line, rule, f"{word!r} in the text. {advice}")


# --- Rules on form ---------------------------------------------------------------------------------------


def check_title(sheet: Sheet) -> Iterator[Problem]:
    """The title, and under it the question."""
    first = sheet.cells[0] if sheet.cells else None
    if first is None or first.kind != "markdown" or not first.source.startswith("# "):
        yield sheet.problem(sheet.top, "title", "no title. The first cell is markdown and begins '# Title'.")
    elif "question" in sheet.standard.parts:
        paragraph = re.split(r"\n\s*\n", first.source.partition("\n")[2].strip("\n"))[0].strip()
        if not paragraph.rstrip("*_").endswith("?"):
            yield sheet.problem(
                sheet.top,
                "question",
                "no question under the title. Ask what the page answers, in one sentence that ends with '?'.",
            )


def check_card(sheet: Sheet) -> Iterator[Problem]:
    """The card at the top of the page."""
    if "card" not in sheet.standard.parts:
        return
    cards = [block for block in sheet.blocks if "journey-card" in block.classes]
    if not cards:
        yield sheet.problem(
            sheet.top,
            "card",
            "no card. Put an admonition of class journey-card under the question, with "
            f"{', '.join(CARD_LINES)}.",
        )
        return
    card = cards[0]
    for label in CARD_LINES:
        if f"**{label}**" not in card.body:
            yield sheet.problem(card.line, "card", f"the card has no line '- **{label}** …'. Add it.")
    if "**Time**" in card.body and not re.search(r"\*\*Time\*\* .*\d+ minutes", card.body):
        yield sheet.problem(
            card.line, "card", "the card gives no minutes. Write '**Time** 25 minutes to read, 30 to code'."
        )


def check_predictions(sheet: Sheet) -> Iterator[Problem]:
    """Two or three questions before anything runs, each answered later by its number."""
    if "predict" not in sheet.standard.parts:
        return
    section = sheet.section("Predict")
    if section is None:
        yield sheet.problem(
            sheet.top, "predict", "no '## Predict'. Ask two or three numbered questions before the idea."
        )
        return
    asked = {
        match[1]: number
        for number, text in sheet.text_lines
        if section.holds(number) and (match := re.match(r"(\d)\. ", text))
    }
    if len(asked) not in (2, 3):
        yield sheet.problem(
            section.line, "predict", f"{len(asked)} numbered questions. Ask two or three, as '1. …'."
        )
    text = "\n".join(text for number, text in sheet.text_lines if number > section.end)
    answered = {digit for found in PREDICTIONS.findall(text) for digit in re.findall(r"\d", found)}
    for digit in sorted(set(asked) - answered):
        yield sheet.problem(
            asked[digit],
            "prediction",
            f"prediction {digit} is never answered. Write 'Prediction {digit}: …' where the numbers are.",
        )


def check_claims(sheet: Sheet) -> Iterator[Problem]:
    """Enough claims; without a notebook the calls are counted."""
    made = len(sheet.claims) if sheet.stored else sum(name == "claim" for _, name, _ in sheet.calls)
    if made < sheet.standard.claims:
        yield sheet.problem(
            sheet.top,
            "claims",
            f"{made} of {sheet.standard.claims} claims that hold. Make a claim of each number that the text "
            "leans on; aim for eight or more, each of which could have failed.",
        )


def check_checks(sheet: Sheet) -> Iterator[Problem]:
    """A check besides the claims, outside the exercises."""
    if "check" not in sheet.standard.parts:
        return
    practice = {sheet.codes[number].line for number in sheet.practice}
    called = any(
        name.startswith(("check_", "assert_")) and cell.line not in practice for cell, name, _ in sheet.calls
    )
    asserted = any(
        isinstance(node, ast.Assert) and cell.line not in practice and "export" not in cell.tags
        for cell, node in sheet.nodes
    )
    if not called and not asserted:
        yield sheet.problem(
            sheet.top,
            "check",
            "nothing is checked against a reference. Use check_close, check_gradient, check_estimator or "
            "assert in a cell outside the exercises.",
        )


def check_remember(sheet: Sheet) -> Iterator[Problem]:
    """The last two sections."""
    if "remember" in sheet.standard.parts and sheet.section("What to remember") is None:
        yield sheet.problem(
            sheet.top,
            "remember",
            "no '## What to remember'. Say it in three to five sentences, no new facts.",
        )
    cited = next((number for number, text in sheet.text_lines if CITATION.search(text)), None)
    if "references" in sheet.standard.parts and sheet.section("References") is None:
        yield sheet.problem(
            sheet.top, "references", "no '## References'. End with it, and cite the primary source."
        )
    elif cited is not None and not any(block.name == "bibliography" for block in sheet.blocks):
        yield sheet.problem(
            cited, "references", "a citation, but no {bibliography}. Put one under '## References'."
        )


def check_order(sheet: Sheet) -> Iterator[Problem]:
    """The headings that are the same everywhere stand in the same order everywhere."""
    last = -1
    for section in sheet.sections:
        if section.title not in FIXED_HEADINGS:
            continue
        position = FIXED_HEADINGS.index(section.title)
        if position <= last:
            yield sheet.problem(
                section.line,
                "order",
                f"'## {section.title}' comes after '## {FIXED_HEADINGS[last]}'. "
                f"The order is {', '.join(FIXED_HEADINGS)}, each once.",
            )
        last = max(last, position)


# --- Rules on exercises and the quiz ---------------------------------------------------------------------


def check_exercises(sheet: Sheet) -> Iterator[Problem]:
    """Enough exercises, of all four kinds."""
    wanted = sheet.standard.exercises
    if len(sheet.exercises) < wanted:
        section = sheet.section("Exercises")
        yield sheet.problem(
            section.line if section else sheet.top,
            "exercises",
            f"{len(sheet.exercises)} of {wanted} exercises. Add {{exercise}}s under '## Exercises'.",
        )
    heads = [EXERCISE_HEAD.search(item.block.body) for item in sheet.exercises]
    missing = [kind for kind in KINDS if kind not in [head[1] for head in heads if head]]
    if "kinds" in sheet.standard.parts and missing and len(heads) >= wanted and all(heads):
        yield sheet.problem(
            sheet.exercises[0].block.line,
            "exercise-kinds",
            f"no exercise of the kind {', '.join(missing)}. Each of {', '.join(KINDS)} comes at least once.",
        )
    for exercise in sheet.exercises:
        yield from check_exercise(sheet, exercise)
    for block in sheet.stray_solutions:
        yield sheet.problem(
            block.line,
            "exercise-solution",
            f"{{{block.name}}} {block.argument}".rstrip()
            + " belongs to no exercise, or to one that has a solution. Give it the label of its exercise.",
        )


def check_exercise(sheet: Sheet, exercise: Exercise) -> Iterator[Problem]:
    """One exercise: its label, its head, its tests and its solution."""
    block = exercise.block
    if "label" not in block.options:
        yield sheet.problem(
            block.line, "exercise-label", "no label. Add ':label: ex-page-name' under {exercise}."
        )
    if not EXERCISE_HEAD.search(block.body):
        yield sheet.problem(
            block.line,
            "exercise-head",
            "no kind, difficulty or minutes. Begin with '*extend · difficulty 2 of 3 · 15 minutes*' "
            f"(kinds: {', '.join(KINDS)}).",
        )
    yield from check_tests(sheet, exercise)
    yield from check_solution(sheet, exercise)


def check_tests(sheet: Sheet, exercise: Exercise) -> Iterator[Problem]:
    """The tests for the reader's own answer, and the stub that fails them."""
    line = exercise.block.line
    if not any(_tries(sheet.codes[number]) for number in exercise.tests):
        yield sheet.problem(
            line,
            "exercise-tests",
            "no tests. Put a cell under the text: test_…, a stub, and '_ = try_answer(test, stub)'.",
        )
    elif sheet.stored:
        printed = "\n".join(sheet.printed(number) for number in exercise.tests)
        if ": passed" in printed:
            yield sheet.problem(
                line, "exercise-tests", "the stub passes the tests. Let them ask for the answer."
            )
        elif ": not yet" not in printed:
            yield sheet.problem(
                line, "exercise-tests", "the stub does not print 'not yet'. Call try_answer(test, stub)."
            )


def check_solution(sheet: Sheet, exercise: Exercise) -> Iterator[Problem]:
    """The solution: folded, closed, executed, and passing."""
    start, label = exercise.start, exercise.block.options.get("label", "LABEL")
    if start is None:
        yield sheet.problem(
            exercise.block.line,
            "exercise-solution",
            f"no solution. Begin it with {{solution-start}} {label}, end it with {{solution-end}}.",
        )
        return
    if "dropdown" not in start.classes:
        yield sheet.problem(
            start.line, "exercise-solution", "the solution is open. Add ':class: dropdown' under its start."
        )
    if not exercise.ended:
        yield sheet.problem(
            start.line, "exercise-solution", "the solution does not end. Close it with {solution-end}."
        )
    if not any(_tries(sheet.codes[number]) for number in exercise.solution):
        yield sheet.problem(
            start.line,
            "exercise-solution",
            "the solution is not run. Put a cell into it that ends '_ = try_answer(test, solution)'.",
        )
    elif sheet.stored and ": passed" not in "\n".join(map(sheet.printed, exercise.solution)):
        yield sheet.problem(
            start.line, "exercise-solution", "the solution does not print 'passed'. Mend it, or its tests."
        )


def _tries(cell: Cell) -> bool:
    # The page before the one that builds try_answer prints the same lines itself.
    return "try_answer(" in cell.source or ": not yet" in cell.source or ": passed" in cell.source


def check_quiz(sheet: Sheet) -> Iterator[Problem]:
    """Three questions, one of them about a plot, every option explained."""
    if "quiz" not in sheet.standard.parts:
        return
    section = sheet.section("Quiz")
    if section is None:
        yield sheet.problem(sheet.top, "quiz", "no '## Quiz'. Ask three questions before What to remember.")
        return
    blocks = [block for block in sheet.blocks if section.holds(block.line)]
    lines = [
        (number, text)
        for number, text in sheet.text_lines
        if section.holds(number) and not any(block.line <= number <= block.end for block in blocks)
    ]
    starts = [number for number, text in lines if QUESTION.match(text)]
    if len(starts) < 3:
        yield sheet.problem(
            section.line,
            "quiz",
            f"{len(starts)} questions. Ask three, as '**1.** …', with options (a) to (d).",
        )
    for start, end in zip(starts, [*starts[1:], section.end + 1]):
        asked = "\n".join(text for number, text in lines if start <= number < end)
        yield from check_answer(sheet, start, asked, [b for b in blocks if start < b.line < end])
    if starts and not any("{numref}`" in text or "{ref}`fig-" in text for _, text in lines):
        yield sheet.problem(
            section.line, "quiz-plot", "no question about a plot. Ask one that names a figure by {numref}."
        )


def check_answer(sheet: Sheet, line: int, asked: str, blocks: list[Block]) -> Iterator[Problem]:
    """One question of the quiz and what follows it."""
    folded = [block for block in blocks if block.name == "admonition" and "dropdown" in block.classes]
    options = sorted(set(OPTION.findall(asked)))
    if len(options) < 2:
        yield sheet.problem(line, "quiz", "a question without options. Offer (a), (b), (c) and (d).")
    elif not folded:
        yield sheet.problem(
            line, "quiz-answer", "no folded answer. Add '{admonition} Answer' with ':class: dropdown'."
        )
    else:
        silent = [f"({letter})" for letter in options if letter not in OPTION.findall(folded[0].body)]
        if silent:
            yield sheet.problem(
                folded[0].line,
                "quiz-answer",
                f"the answer says nothing about {', '.join(silent)}. Explain every option.",
            )


# --- Rules on figures and labels -------------------------------------------------------------------------


def check_figures(sheet: Sheet) -> Iterator[Problem]:
    """Figures: a name to refer to, a caption, and a text for those who cannot see them."""
    for number, cell in enumerate(sheet.codes):
        drawn = images(sheet.stored[number]) if sheet.stored else None
        if drawn or "mystnb" in cell.metadata:
            yield from check_figure(sheet, cell, drawn)
    for cell in sheet.notes:
        for line, text in enumerate(markdown.prose(cell.source), start=cell.line):
            if re.search(r"!\[\s*\]", text):
                yield sheet.problem(line, "figure-alt", "a picture without text. Write ![what is seen](…).")
    for block in sheet.blocks:
        if block.name in ("figure", "image") and len(block.options.get("alt", "")) < SHORTEST_ALT:
            yield sheet.problem(
                block.line, "figure-alt", "a picture without text. Add ':alt:' with what is seen."
            )


def figure_text(cell: Cell, part: str, key: str) -> str:
    """A text in the metadata of a cell that draws, or an empty one."""
    return str(cell.metadata.get("mystnb", {}).get(part, {}).get(key, "")).strip()


def images(cell: dict[str, Any]) -> int:
    """The number of pictures in the outputs of a stored cell."""
    shown = [output.get("data", {}) for output in cell["outputs"]]
    return sum(any(kind.startswith("image/") for kind in data) for data in shown)


def check_figure(sheet: Sheet, cell: Cell, drawn: int | None) -> Iterator[Problem]:
    """The metadata of one cell that draws; ``drawn`` is None if that is not known."""
    line = cell.line - 1
    name, caption = figure_text(cell, "figure", "name"), figure_text(cell, "figure", "caption")
    alt = figure_text(cell, "image", "alt")
    if drawn == 0:
        yield sheet.problem(
            line, "figure", "metadata of a figure, but nothing drawn. End with plt.show(), or remove it."
        )
    elif drawn is not None and drawn > 1:
        yield sheet.problem(
            line, "figure", f"{drawn} pictures in one cell. Draw panels of one figure, or split the cell."
        )
    if not name:
        yield sheet.problem(
            line, "figure-name", 'a figure without a name. Add "name": "fig-page-what" to its mystnb.'
        )
    if not caption:
        yield sheet.problem(
            line, "figure-caption", "a figure without a caption. Add one sentence that says the answer."
        )
    if len(alt) < SHORTEST_ALT:
        yield sheet.problem(
            line,
            "figure-alt",
            'a figure without text for those who cannot see it. Add "image": {"alt": "…"} with what is seen.',
        )
    elif alt == caption:
        yield sheet.problem(
            line,
            "figure-alt",
            "the alt text is the caption again. Let it say what is seen.",
        )


def labels(sheet: Sheet) -> Iterator[tuple[str, int]]:
    """All labels of a page with their lines."""
    for cell in sheet.cells:
        if name := figure_text(cell, "figure", "name"):
            yield name, cell.line - 1
    for cell in sheet.notes:
        yield from markdown.labels(cell.source, cell.line)


def check_repeated(sheets: Iterable[Sheet]) -> Iterator[Problem]:
    """Labels and names of claims that occur twice in the book, reported where they occur again."""
    first: dict[tuple[str, str], str] = {}
    for sheet in sheets:
        found = [("label", *label) for label in labels(sheet)]
        found += [("claim-name", *claim) for claim in sheet.claims]
        for rule, name, line in found:
            here = f"{sheet.page.where}:{line}"
            there = first.setdefault((rule, name), here)
            if there != here or found.count((rule, name, line)) > 1:
                what = "the label" if rule == "label" else "a claim of the name"
                yield sheet.problem(
                    line,
                    rule,
                    f"{what} {name} is at {there} already. Rename one.",
                )


def check_targets(sheet: Sheet, sheets: Iterable[Sheet]) -> Iterator[Problem]:
    """References of a page against the labels of all pages."""
    sheets = list(sheets)
    known = {name for other in sheets for name, _ in labels(other)}
    nameless = {name for other in sheets for cell in other.notes for name in markdown.untitled(cell.source)}
    for cell in sheet.notes:
        for reference in markdown.references(cell.source, cell.line):
            if reference.role not in LABEL_ROLES:
                continue
            if reference.target not in known:
                advice = "is the label of nothing in the book."
            elif reference.role == "ref" and not reference.words and reference.target in nameless:
                advice = f"has no title. Write {{ref}}`words <{reference.target}>`."
            else:
                continue
            yield sheet.problem(reference.line, "target", f"{reference.target} {advice}")


# --- Rules on what is stored -----------------------------------------------------------------------------


def check_stored(sheet: Sheet) -> Iterator[Problem]:
    """The stored notebook as a whole: there, small, and fast enough."""
    if sheet.notebook is None:
        yield sheet.problem(
            sheet.top,
            "notebook",
            f"book/{sheet.page.name}.ipynb is missing or does not hold this page's code. Run 'make sync'.",
        )
        return
    size = sheet.page.notebook.stat().st_size
    if size > LARGEST_NOTEBOOK:
        yield sheet.problem(
            sheet.top,
            "size",
            f"the notebook has {size / 1000:.0f} kB, {LARGEST_NOTEBOOK // 1000} are the most. "
            "Draw fewer points (or rasterise them), fewer or smaller figures.",
        )
    seconds = sheet.notebook["metadata"]["journey"]["seconds"]
    slow = any("journey-slow" in block.classes and block.content for block in sheet.blocks)
    if seconds > (SLOW_RUN_TIME_S if slow else RUN_TIME_S):
        yield sheet.problem(
            sheet.top,
            "run-time",
            f"ran for up to {seconds} s; {RUN_TIME_S} are the most, {SLOW_RUN_TIME_S} with an admonition of "
            "class journey-slow that gives the reason. Make it faster or smaller.",
        )


def check_outputs(sheet: Sheet) -> Iterator[Problem]:
    """What each cell left behind."""
    for number, (cell, stored) in enumerate(zip(sheet.codes, sheet.stored), start=1):
        if stored["execution_count"] != number:
            yield sheet.problem(
                cell.line,
                "counts",
                f"code cell {number} has the count {stored['execution_count']}. Remove the cell if it is "
                "empty; else delete the notebook and run 'make sync'.",
            )
            break
    for cell, stored in zip(sheet.codes, sheet.stored):
        for output in stored["outputs"]:
            yield from check_output(sheet, cell, output)


def check_output(sheet: Sheet, cell: Cell, output: dict[str, Any]) -> Iterator[Problem]:
    """One stored output."""
    if output["output_type"] == "error" and "raises-exception" not in cell.tags:
        yield sheet.problem(
            cell.line,
            "error-output",
            f"the cell failed with {output.get('ename')}. Mend it, or tag it raises-exception on purpose.",
        )
    text = said(output)
    if output.get("name") == "stderr":
        yield sheet.problem(
            cell.line,
            "stderr",
            f"standard error holds {text.strip()[:60]!r}. Remove the cause; do not silence it.",
        )
    for rule, pattern, advice in (
        ("address", ADDRESS, "Print what matters, not the object."),
        ("path", ABSOLUTE_PATH, "Print a name, or a path relative to the folder."),
    ):
        match = pattern.search(text)
        if match:
            yield sheet.problem(cell.line, rule, f"prints {match[0]!r}, which differs elsewhere. {advice}")


# --- All together ----------------------------------------------------------------------------------------

CHECKS: tuple[Callable[[Sheet], Iterator[Problem]], ...] = (
    check_syntax,
    check_semicolons,
    check_sys_path,
    check_tags,
    check_length,
    check_todo,
    check_prose,
    check_title,
    check_card,
    check_predictions,
    check_claims,
    check_checks,
    check_remember,
    check_order,
    check_exercises,
    check_quiz,
    check_figures,
    check_stored,
    check_outputs,
)


def check_imports(sheet: Sheet, order: list[Page]) -> Iterator[Problem]:
    """Imports against the order of reading; another rule sees to cells that are not Python."""
    if sheet.fault is None:
        try:
            problems = import_problems(sheet.page, order)
        except BookError as error:  # an imported page is not Python
            problems = [str(error)]
        for line in problems:
            yield from located(line, sheet.page, "import")


def read(pages: list[Page]) -> tuple[list[Sheet], list[Problem]]:
    """All pages whose cells can be told apart, and what is wrong with the others."""
    sheets: list[Sheet] = []
    problems: list[Problem] = []
    for page in pages:
        try:
            sheets.append(Sheet(page))
        except BookError as error:
            problems += located(error, page, "syntax")
    return sheets, problems


def check(root: Path = ROOT, only: str | None = None) -> list[Problem]:
    """All problems of all pages, or of one, in reading order.

    Raises
    ------
    BookError
        If ``_toc.yml`` and the scripts do not fit together, or ``only`` names no page.
    """
    if only:
        page, pages = one_page(only, root)
        chosen = [page]
    else:
        chosen = pages = all_pages(root)
    sheets, unread = read(pages)
    ours = [sheet for sheet in sheets if sheet.page in chosen]
    others = [sheet for sheet in sheets if sheet.page not in chosen]
    found = {*unread, *check_repeated([*others, *ours])}
    for sheet in ours:
        found |= {problem for rule in CHECKS for problem in rule(sheet)}
        found |= {*check_imports(sheet, pages), *check_targets(sheet, sheets)}
    order = {page.where: position for position, page in enumerate(chosen)}
    return sorted(
        (problem for problem in found if problem.where in order),
        key=lambda problem: (order[problem.where], problem.line, problem),
    )


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="tools.check_pages", description=__doc__.split("\n")[0])
    parser.add_argument("--page", help="one page, such as 01/01")
    parser.add_argument("--rules", action="store_true", help="say what is checked")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.rules:
        print("\n".join(f"{name:18} {text}" for name, text in RULES.items()))
        return 0
    try:
        problems = check(options.root, options.page)
    except BookError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(map(str, problems)) or "the pages hold the standard, as far as a program can see")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
