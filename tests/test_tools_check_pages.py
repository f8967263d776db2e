"""``tools.check_pages``: a sound page passes, and for each rule a page that breaks it is told so, there."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tools import check_pages, markdown, notebooks
from tools.pages import ROOT, Page, all_pages, read_script, write_script
from tools.sheets import BENT, REFERENCE, STANDARDS, TEACHING, standard

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SUMS, ROOTS, INDEX = "01_Mathematics/01_sums", "01_Mathematics/02_roots", "01_Mathematics/index"
WHERE = f"scripts/{ROOTS}.py"

OPENING = '''# %% [markdown]
# # The {page}
#
# How large is the {page} of a list?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `total`
# - **You need** Python
# - **Checked against** NumPy
# - **Time** 25 minutes to read, 30 to code
# ````

# %%
import numpy as np
from journey.orientation.checks import check_close, claim, try_answer

# %% [markdown]
# (sec-{page}-why)=
# ## A list that is too long
#
# It says "just add it" in `simply!`, and $n!$ is {cite:p}`euler1768`; a != b, and ![a list](list.png).
#
# ## Predict
#
# 1. How large is it?
# 2. What breaks it?
#
# ## The idea
#
# $$
# s = \\sum_i x_i
# $$ (eq-{page}-total)


# %% tags=["export"]
def total(values):
    """The sum."""
    return sum(values)


# %% mystnb={"figure": {"caption": "It grows.", "name": "fig-{page}-total"}, "image": {"alt": "A line that rises from left to right."}} tags=["hide-input"]
plt.plot([1, 2])
plt.show()

# %%
'''  # noqa: E501 - a figure's metadata stands on one line
CLAIMS = "".join(f'claim("{{page}}-{n}", {n}, at_least=0)\n' for n in range(8))
MIDDLE = """worst = check_close(total([1]), 1)

# %% [markdown]
# Predictions 1 and 2: see {eq}`eq-{page}-total`.
#
# ## Exercises
#
"""
EXERCISE = """# ```{exercise} Do it
# :label: ex-{page}-{kind}
#
# *{kind} · difficulty 2 of 3 · 15 minutes*
#
# Do it.
# ```

# %%
def test_{kind}(answer):
    assert answer

stub = None
_ = try_answer(test_{kind}, stub)

# %% [markdown]
# ```{solution-start} ex-{page}-{kind}
# :class: dropdown
# ```

# %%
solution = 1
_ = try_answer(test_{kind}, solution)

# %% [markdown]
# ```{solution-end}
# ```
#
"""
QUESTION = """# **{n}.** What about {numref}`fig-{page}-total`?
#
# (a) This. (b) That.
#
# ```{admonition} Answer
# :class: dropdown
# **(a).** Yes, f(x) is {n}. (b) No.
# ```
#
"""
ENDING = """# ## What to remember
#
# It is a sum.
#
# ## References
#
# ```{bibliography}
# ```
"""


def sound(page: str) -> str:
    """The text of a page that keeps the standard."""
    exercises = "".join(EXERCISE.replace("{kind}", kind) for kind in check_pages.KINDS)
    questions = "".join(QUESTION.replace("{n}", str(n)) for n in (1, 2, 3))
    text = OPENING + CLAIMS + MIDDLE + exercises + "# ## Quiz\n#\n" + questions + ENDING
    return write_script(read_script(text.replace("{page}", page)))


def stream(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": [text]}


def outputs(source: str) -> list[dict[str, Any]]:
    """What the cells of ``sound`` print and draw, without running them."""
    lines = [f"claim {name}: 1 (at least 0) holds" for name in re.findall(r'claim\("([^"]+)"', source)]
    for test, answer in re.findall(r"= try_answer\((\w+), (\w+)\)", source):
        lines.append(f"{test}: passed" if answer == "solution" else f"{test}: not yet (no)")
    drawn = {"output_type": "display_data", "metadata": {}, "data": {"image/png": PNG, "text/plain": ["F"]}}
    return [stream("\n".join(lines) + "\n")] * bool(lines) + [drawn] * source.count("plt.show()")


def store(page: Page) -> None:
    """Write the notebook that running the page would give."""
    notebook = notebooks.skeleton(page)
    for number, cell in enumerate((c for c in notebook.cells if c.cell_type == "code"), start=1):
        cell.execution_count = number
        cell.outputs = [notebooks.nbformat.from_dict(output) for output in outputs(cell.source)]
    note = {"digest": "0" * 32, "seconds": 1, "date": "2026-01-01"}
    notebooks.write_atomically(page.notebook, notebooks.sealed_text(notebook, note))


def write(root: Path, name: str, text: str) -> Page:
    page = Page(name, root)
    notebooks.write_atomically(page.script, text)
    return page


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A sound book: an index, the checks that pages import, a stage's index and two pages."""
    names = ["00_Orientation/03_checks", INDEX, SUMS, ROOTS]
    toc = "".join(f"  - file: {name}\n" for name in names)
    (tmp_path / "_toc.yml").write_text(f"root: index\nchapters:\n{toc}")
    checks = '\n\n# %% tags=["export"]\ncheck_close = claim = try_answer = None\n'
    texts = {
        "index": "# %% [markdown]\n# # A book\n",
        names[0]: sound("checks").replace(
            "from journey.orientation.checks import check_close, claim, try_answer", checks.strip("\n")
        ),
        INDEX: "# %% [markdown]\n# # Mathematics\n",
        SUMS: sound("sums"),
        ROOTS: sound("roots"),
    }
    for name, text in texts.items():
        store(write(tmp_path, name, text))
    return tmp_path


def report(root: Path, only: str | None = None) -> list[tuple[str, int, str]]:
    return [(problem.where, problem.line, problem.rule) for problem in check_pages.check(root, only)]


def line_of(text: str, start: str) -> int:
    """The line on which ``start`` begins, which may go on over several lines."""
    return text.count("\n", 0, f"\n{text}".index(f"\n{start}")) + 1


def test_a_sound_book_passes(book, capsys):
    assert list(map(str, check_pages.check(book))) == []
    assert check_pages.main(["--root", str(book)]) == 0
    assert capsys.readouterr().out == "the pages hold the standard, as far as a program can see\n"


@dataclass(frozen=True)
class Case:
    """A sound page with ``new`` instead of ``old`` breaks ``rule`` on the line that begins with ``at``."""

    rule: str
    at: str
    old: str
    new: str
    said: str = ""
    every: bool = False

    def __str__(self) -> str:
        return f"{self.rule}-{self.said or self.new[:20] or self.old[:20]}"


TITLE, FIGURE = "# # The roots", "# %% mystnb"
EXERCISE_LINE = "# ```{exercise} Do it\n# :label: ex-roots-check"
LONG = "\n".join(f"x = {n}" for n in range(61))
INDENTED = "\n".join(f"    x = {n}" for n in range(61))
PLOT = "plt.plot([1, 2])"
STUB, SOLUTION = "_ = try_answer(test_check, stub)", "_ = try_answer(test_check, solution)"
START, END = "# ```{solution-start} ex-roots-check", "# ```{solution-end}\n# ```\n#\n"
ANSWER = "# ```{admonition} Answer\n# :class: dropdown"
BIBLIOGRAPHY = "# ```{bibliography}\n# ```\n"
THERE = f"scripts/{SUMS}.py:"

CODE_CASES = [
    Case("syntax", "1 +", PLOT, "1 +", "invalid syntax"),
    Case("syntax", "s = ", PLOT, "s = '\\d'", "invalid escape"),
    Case("magics", "%matplotlib inline", PLOT, "%matplotlib inline"),
    Case("magics", "!ls", PLOT, "!ls"),
    Case("magics", "np.mean?", PLOT, "np.mean?"),
    Case("magics", "get_ipython()", PLOT, 'get_ipython().run_line_magic("ls", "")'),
    Case("semicolon", f"{PLOT};", PLOT, f"{PLOT};"),
    Case("semicolon", f"{PLOT};", PLOT, f"{PLOT};  # drawn"),
    Case("sys-path", "sys.path", PLOT, 'sys.path.insert(0, "..")'),
    Case("sys-path", "from sys", PLOT, "from sys import path"),
    Case("tag", FIGURE, '["hide-input"]', '["hide-input", "remove-cell"]', "'remove-cell'"),
    Case("ignore-reason", PLOT, '["hide-input"]', '["hide-input", "nbval-ignore-output"]'),
    Case("cell-length", PLOT, PLOT, f"{PLOT}\n{LONG}", "63 lines"),
    Case("cell-length", "def total", '    """The sum."""', f'    """The sum."""\n{INDENTED}', "63 lines"),
    Case("cell-median", TITLE, "import numpy as np", f"import numpy as np\n{LONG[:160]}", "at the median"),
    Case("import", "from journey.m", PLOT, "from journey.mathematics.tens import x", "no page exports"),
    Case("todo", "# It is. TODO", "# It is a sum.\n", "# It is. TODO\n"),
    Case("todo", f"{PLOT}  # TODO", PLOT, f"{PLOT}  # TODO"),
]
PROSE_CASES = [
    Case("words", "# It is simply", "# It is a sum.", "# It is simply a sum.", "'simply'"),
    Case("words", "# It is. Just", "# It is a sum.", "# It is. Just a sum.", "'Just'"),
    Case("words", "# Obviously", "# It is a sum.", "# Obviously a sum."),
    Case("words", "# Let’s add", "# It is a sum.", "# Let’s add."),
    Case("words", "# It is. Note", "# It is a sum.", "# It is. Note\n# that it is a sum.", "'Note that'"),
    Case("words", "# ```{exercise} Just", "# ```{exercise} Do it", "# ```{exercise} Just do it"),
    Case("words", FIGURE, "It grows.", "It simply grows."),
    Case("exclamation", "# It is a sum!", "# It is a sum.", "# It is a sum!"),
    Case("exclamation", "# It is **a sum!**", "# It is a sum.", "# It is **a sum!** So."),
    Case("exclamation", "# There are n! sums", "# It is a sum.", "# There are n! sums.", "belongs in $…$"),
    Case("emoji", "# It is a sum. \U0001f600", "# It is a sum.", "# It is a sum. \U0001f600"),
]
FORM_CASES = [
    Case("title", "# ## The roots", TITLE, "# ## The roots"),
    Case("question", TITLE, "of a list?", "of a list."),
    Case("question", TITLE, "# How large is the roots of a list?\n#\n", ""),
    Case("card", TITLE, "# :class: journey-card\n", "# :class: note\n", "no card"),
    Case("card", "# ````{admonition}", "# - **You need** Python\n", "", "You need"),
    Case("card", "# ````{admonition}", "25 minutes to read, 30 to code", "an afternoon", "no minutes"),
    Case("predict", TITLE, "# ## Predict", "# ## Guess", "no '## Predict'"),
    Case("predict", "# ## Predict", "# 2. What breaks it?\n", "# What breaks it?\n", "1 numbered"),
    Case("prediction", "# 2. What", "# Predictions 1 and 2:", "# Prediction 1:", "prediction 2"),
    Case("claims", TITLE, 'claim("roots-7", 7, at_least=0)\n', "", "7 of 8"),
    Case("claim-name", 'claim("roots-0"', '"roots-7"', '"roots-0"', f"{WHERE}:"),
    Case("claim-name", 'claim("sums-7"', '"roots-7"', '"sums-7"', THERE),
    Case("check", TITLE, "worst = check_close(total([1]), 1)", "worst = total([1]) - 1"),
    Case("remember", TITLE, "# ## What to remember", "# ## What to keep"),
    Case("references", TITLE, "# ## References", "# ## Sources"),
    Case("references", "# It says", BIBLIOGRAPHY, "# Euler.\n", "no {bibliography}"),
    Case("order", "# ## Predict\n#\n# ```", "# ## References\n", "# ## References\n#\n# ## Predict\n"),
]
EXERCISE_CASES = [
    Case("exercise-kinds", EXERCISE_LINE, "# *build ·", "# *break ·", "build"),
    Case("exercise-label", "# ```{exercise}", "# :label: ex-roots-check\n", "# :class: hard\n"),
    Case("exercise-head", EXERCISE_LINE, "*check · difficulty 2 of 3", "*check · difficulty 4 of 3"),
    Case("exercise-head", EXERCISE_LINE, "*check · difficulty 2 of 3 · 15 minutes*", "*check · hard*"),
    Case("exercise-tests", EXERCISE_LINE, STUB, "stub", "no tests"),
    Case("exercise-tests", EXERCISE_LINE, STUB, STUB.replace("stub", "solution"), "stub passes"),
    Case("exercise-tests", EXERCISE_LINE, STUB, "try_answer(test_check)", "'not yet'"),
    Case("exercise-solution", START, f"{START}\n# :class: dropdown", START, "is open"),
    Case("exercise-solution", START, SOLUTION, "solution", "not run"),
    Case("exercise-solution", START, SOLUTION, STUB, "'passed'"),
    Case("exercise-solution", START, f"{END}# ```{{exercise}} Do it\n# :label: ex-roots-extend",
         "# ```{exercise} Do it\n# :label: ex-roots-extend", "does not end"),
    Case("exercise-solution", f"{END}# ## Ref", "# It is a sum.\n#\n", END, "belongs to no exercise"),
]  # fmt: skip
QUIZ_CASES = [
    Case("quiz", TITLE, "# ## Quiz", "# ## Quizzes", "no '## Quiz'"),
    Case("quiz", "# ## Quiz", "# **3.** What", "# What", "2 questions"),
    Case("quiz", "# **1.** What", "# (a) This. (b) That.\n", "", "without options"),
    Case("quiz-answer", "# **1.** What", ANSWER, "# ```{admonition} Answer", "no folded"),
    Case("quiz-answer", ANSWER, "# **(a).** Yes, f(x) is 1. (b) No.", "# Yes, (a).", "nothing about (b)"),
    Case("quiz-plot", "# ## Quiz", "about {numref}`fig-roots-total`?", "about it?", every=True),
]
FIGURE_CASES = [
    Case("figure", FIGURE, "plt.show()", "plt.show()\nplt.show()", "2 pictures"),
    Case("figure", FIGURE, "plt.show()", "plt.close()", "nothing drawn"),
    Case("figure-name", FIGURE, '"name": "fig-roots-total"', '"name": ""'),
    Case("figure-caption", FIGURE, '"caption": "It grows.", ', ""),
    Case("figure-alt", FIGURE, ', "image": {"alt": "A line that rises from left to right."}', ""),
    Case("figure-alt", FIGURE, "A line that rises from left to right.", "A line."),
    Case("figure-alt", FIGURE, "It grows.", "A line that rises from left to right.", "caption again"),
    Case("figure-alt", "# It says", "![a list](", "![]("),
    Case("figure-alt", "# ```{image}", "# It is a sum.", "# ```{image} a.png\n# ```"),
    Case("label", FIGURE, "fig-roots-total", "fig-sums-total", THERE, every=True),
    Case("label", "# (sec-sums-why)=", "(sec-roots-why)=", "(sec-sums-why)=", THERE),
    Case("label", "# $$ (eq-sums", "eq-roots-total", "eq-sums-total", THERE, every=True),
    Case("label", "# ```{exercise}", "ex-roots-check", "ex-sums-check", THERE, every=True),
    Case("label", "# ```{note}", "# It is a sum.", "# ```{note} It\n# :name: sec-roots-why\n# ```", WHERE),
    Case("target", "# It is {ref}", "# It is a sum.", "# It is {ref}`sec-roots-how`.", "of nothing"),
    Case("target", "# It is {numref}", "# It is a sum.", "# It is {numref}`fig-roots`.", "of nothing"),
    Case("target", "# It is {ref}", "# It is a sum.", "# It is {ref}`eq-roots-total`.", "no title"),
    Case("target", "# It is {", "# It is a sum.", "# It is {ref}`sec-a`.\n#\n# (sec-a)=\n# A", "no title"),
]
SCRIPT_CASES = [*CODE_CASES, *PROSE_CASES, *FORM_CASES, *EXERCISE_CASES, *QUIZ_CASES, *FIGURE_CASES]


@pytest.mark.parametrize("case", SCRIPT_CASES, ids=str)
def test_a_page_that_breaks_a_rule_is_told_so_there(book, case: Case):
    text = sound("roots")
    assert case.old in text, "the case changes nothing"
    text = text.replace(case.old, case.new, -1 if case.every else 1)
    store(write(book, ROOTS, text))
    problems = check_pages.check(book)
    if case.rule == "figure-name":  # then nothing can refer to the figure either
        problems = [problem for problem in problems if problem.rule != "target"]
    assert [(p.where, p.line, p.rule) for p in problems] == [(WHERE, line_of(text, case.at), case.rule)]
    assert case.said in problems[0].message


def set_seconds(seconds: int) -> Callable[[dict[str, Any]], None]:
    return lambda notebook: notebook["metadata"]["journey"].update(seconds=seconds)


def add(output: dict[str, Any], number: int = 0) -> Callable[[dict[str, Any]], None]:
    """Add an output to the code cell ``number``."""
    return lambda notebook: code_of(notebook)[number]["outputs"].append(output)


def shown(kind: str, text: str) -> dict[str, Any]:
    return {"output_type": "display_data", "metadata": {}, "data": {kind: [text]}}


def code_of(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def other_code(notebook: dict[str, Any]) -> None:
    code_of(notebook)[0]["source"] = ["import numpy"]


def lost_count(notebook: dict[str, Any]) -> None:
    code_of(notebook)[1]["execution_count"] = None


def counts_from_two(notebook: dict[str, Any]) -> None:
    for number, cell in enumerate(code_of(notebook), start=2):
        cell["execution_count"] = number


FAILED = {"output_type": "error", "ename": "KeyError", "evalue": "'a'", "traceback": ["KeyError: 'a'"]}
FROM = "import numpy as np"
STORED_CASES = [
    ("notebook", TITLE, other_code),
    ("notebook", TITLE, lambda notebook: notebook["cells"].pop(1)),
    ("notebook", TITLE, lambda notebook: notebook.pop("cells")),
    ("error-output", FROM, add(FAILED)),
    ("stderr", FROM, add(stream("UserWarning: no", "stderr"))),
    ("counts", FROM, counts_from_two),
    ("counts", "def total", lost_count),
    ("address", FROM, add(stream("<function f at 0x7f1b2c3d4e50>"))),
    ("address", FROM, add(shown("text/html", "<b>0x55d0c8a1b2c0</b>"))),
    ("path", FROM, add(stream("read /home/ada/data.csv"))),
    ("path", FROM, add(stream("C:\\Users\\ada"))),
    ("path", FROM, add(shown("text/html", "<td>/usr/share/datasets/mnist.gz</td>"))),
    ("path", FROM, add(shown("text/plain", "PosixPath('/tmp/x')"))),
    ("path", FROM, add(stream("file:///root/book"))),
    ("size", TITLE, add(stream("x" * 600_000))),
    ("run-time", TITLE, set_seconds(60)),
]


@pytest.mark.parametrize(("rule", "at", "change"), STORED_CASES)
def test_a_stored_notebook_that_breaks_a_rule_is_told_so_at_its_cell(book, rule, at, change):
    path = Page(ROOTS, book).notebook
    notebook = json.loads(path.read_text())
    change(notebook)
    path.write_text(json.dumps(notebook))
    assert report(book) == [(WHERE, line_of(sound("roots"), at), rule)]


@pytest.mark.parametrize(
    "text",
    [
        "0x7f800000 and 0x3ff0000000000000 are the bits of numbers, 0x1f is 31, 0x1.8p+1 is 3",
        "https://example.org/home/ada/ and ../tmp/x, 3/usr/4, a/opt/b and scripts/root/x",
        "0xcafe, the ratio 1/tmp, and f: X -> Y",
        "T:\\mathbb{R} and C:\\ alone",
    ],
)
def test_an_output_that_only_looks_like_an_address_or_a_path_passes(book, text):
    path = Page(ROOTS, book).notebook
    notebook = json.loads(path.read_text())
    add(stream(text))(notebook)
    path.write_text(json.dumps(notebook))
    assert report(book) == []


def test_a_missing_notebook_is_told_and_its_claims_are_counted_in_the_script(book):
    Page(ROOTS, book).notebook.unlink()
    assert report(book) == [(WHERE, 2, "notebook")]


def test_every_rule_has_a_case():
    told = {case.rule for case in SCRIPT_CASES} | {rule for rule, _, _ in STORED_CASES}
    assert set(check_pages.RULES) - told == {"exercises"}  # has a test of its own, below


def test_the_code_names_no_rule_that_is_not_listed():
    source = Path(check_pages.__file__).read_text()
    named = set(re.findall(r'\n +"([a-z-]+)",\n', source)) | set(re.findall(r'\.line, "([a-z-]+)",', source))
    assert {"size", "predict"} <= named <= set(check_pages.RULES)


def test_a_page_whose_cells_cannot_be_told_apart_is_one_problem_among_others(book):
    text = sound("roots").replace(PLOT, f'{PLOT}\ntext = """\n# %% no cell\n"""')
    write(book, ROOTS, text)
    write(book, SUMS, sound("sums").replace("It is a sum.", "It is a sum. TODO"))
    problems = check_pages.check(book)
    assert [(p.where, p.rule) for p in problems] == [(f"scripts/{SUMS}.py", "todo"), (WHERE, "syntax")]
    assert "Begin every cell" in problems[1].message


def test_too_few_exercises_are_told_at_their_heading(book):
    text = sound("roots")
    cut = text[: text.index(EXERCISE_LINE.replace("check", "build"))] + text[text.index("# ## Quiz") :]
    store(write(book, ROOTS, cut))
    assert report(book) == [(WHERE, line_of(cut, "# ## Exercises"), "exercises")]


def test_an_import_from_a_later_page_is_told_with_its_line(book):
    text = sound("sums").replace(PLOT, "from journey.mathematics.roots import total")
    store(write(book, SUMS, text))
    [problem] = check_pages.check(book)
    assert problem.line == line_of(text, "from journey.mathematics.roots")
    where = f"scripts/{SUMS}.py:{problem.line}"
    assert str(problem).startswith(
        f"{where}: import: imports journey.mathematics.roots, which is built later"
    )
    assert check_pages.check(book, "01/02") == []


def test_a_drawing_without_metadata_misses_all_three(book):
    text = sound("roots").replace(FROM, f"{FROM}\nplt.show()")
    store(write(book, ROOTS, text))
    line = line_of(text, f"# %%\n{FROM}")
    assert report(book) == [(WHERE, line, f"figure-{what}") for what in ("alt", "caption", "name")]


def test_a_docstring_does_not_make_a_cell_long(book):
    text = sound("roots").replace('"""The sum."""', '"""The sum.\n' + "    so\n" * 80 + '    """')
    store(write(book, ROOTS, text))
    assert report(book) == []


def test_a_slow_page_passes_with_its_reason(book):
    reason = "# ```{admonition} Slow\n# :class: journey-slow\n# It trains.\n# ```\n#\n# ## The idea"
    page = write(book, ROOTS, sound("roots").replace("# ## The idea", reason))
    for seconds, rules in ((60, []), (90, []), (120, ["run-time"])):
        store(page)
        notebook = json.loads(page.notebook.read_text())
        set_seconds(seconds)(notebook)
        page.notebook.write_text(json.dumps(notebook))
        assert [rule for _, _, rule in report(book)] == rules
    write(book, ROOTS, page.script.read_text().replace("# It trains.\n", ""))
    assert [rule for _, _, rule in report(book)] == ["run-time"]


def test_an_error_is_stored_where_it_is_the_lesson(book):
    page = write(book, ROOTS, sound("roots").replace('tags=["hide-input"]', 'tags=["raises-exception"]'))
    store(page)
    notebook = json.loads(page.notebook.read_text())
    add(FAILED, 2)(notebook)
    page.notebook.write_text(json.dumps(notebook))
    assert report(book) == []


def test_a_nbval_ignore_output_with_a_reason_passes(book):
    text = sound("roots").replace('["hide-input"]', '["hide-input", "nbval-ignore-output"]')
    store(write(book, ROOTS, text.replace(PLOT, f"# Not compared: timings.\n{PLOT}")))
    assert report(book) == []


@pytest.mark.parametrize(
    "text",
    [
        "A field is simply connected, and one just noticeable\ndifference; a just-in-time compiler.",
        'The prompt "Let\'s think\nstep by step" and “just do it!” are quoted.',
        "`simply`, ``just ` it!``, $n! = 2!$ and $$\nn!\n$$ are not prose.",
        "```python\n# simply\nprint('just!')\n```",
        "````{code-block} text\n```\njust!\n```\n````",
        "[page](https://example.org/just!) and https://example.org/simply! and <!-- just! -->",
        "```{note}\n:class: just\nfine\n```",
        "Adjust the justice of simplicity, 4 != 5, a[!x], and \\$5 but\nnot \\$6. ![seen](a.png)",
    ],
)
def test_what_is_not_the_author_s_prose_is_not_read(text):
    prose = "\n".join(markdown.prose(text))
    assert [pattern.findall(prose) for _, pattern, _ in check_pages.UNWANTED] == [[], [], []]
    assert len(markdown.prose(text)) == text.count("\n") + 1


def test_a_paragraph_ends_what_looks_like_mathematics_or_a_quotation():
    for mark in ('"', "$", "`"):
        assert "simply" in "\n".join(markdown.prose(f"one {mark} here\n\nand simply {mark} there"))


def test_blocks_know_their_lines_options_and_what_is_inside():
    note = "````{note} Title\n:class: a b\n\n```{exercise} Inner\n:label: ex-a\ntext\n```\n````"
    text = f"one\n{note}\n```\n:::{{no}}\n```\n::::{{open}}"
    found = markdown.blocks(text, line=10)
    assert [(b.name, b.argument, b.line, b.end, b.closed) for b in found] == [
        ("note", "Title", 11, 18, True),
        ("exercise", "Inner", 14, 17, True),
        ("", "", 19, 21, True),
        ("open", "", 22, 22, False),
    ]
    assert found[0].classes == ["a", "b"]
    assert found[1].options == {"label": "ex-a"}
    assert found[1].content == "text"


def test_headings_and_labels_in_code_do_not_count():
    text = "# One\n```bash\n## two\n(sec-x)=\n```\n## Three\n(sec-three)=\n$$\nx\n$$ (eq-x)"
    assert list(markdown.headings(text, 5)) == [(1, "One", 5), (2, "Three", 10)]
    assert list(markdown.labels(text, 5)) == [("sec-three", 11), ("eq-x", 14)]


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("index", REFERENCE),
        ("01_Mathematics/index", REFERENCE),
        ("01_Mathematics/01_vectors", TEACHING),
        ("09_Research_Implementations/01_adam", TEACHING),
        ("10_Projects/01_library", BENT),
        ("00_Orientation/08_reading_papers", BENT),
        ("00_Orientation/03_checks", TEACHING),
        ("00_Orientation/09_glossary", REFERENCE),
    ],
)
def test_what_is_asked_of_a_page_follows_from_its_name(name, asked):
    assert standard(Page(name)) == asked


def test_the_table_of_exceptions_names_pages_that_exist():
    assert set(STANDARDS) <= {page.module for page in all_pages(ROOT)}


def test_reference_pages_need_only_a_title_and_clean_outputs(book):
    write(book, INDEX, "# %% [markdown]\n# Mathematics, no title\n\n# %%\nprint(1)\n")
    store(Page(INDEX, book))
    assert [rule for _, _, rule in report(book)] == ["title"]


def test_one_page_is_checked_against_all_others(book):
    store(write(book, SUMS, sound("sums").replace("fig-sums-total", "fig-roots-total") + "# TODO\n"))
    figure = line_of(sound("roots"), FIGURE)
    assert report(book, "01/02") == [(WHERE, figure, "label")]
    assert [rule for _, _, rule in report(book, "01/01")] == ["label", "todo"]


def test_the_command_prints_one_line_a_problem_and_fails(book, capsys):
    store(write(book, ROOTS, sound("roots").replace("It is a sum.", "It is just a sum. TODO!")))
    assert check_pages.main(["--root", str(book), "--page", "01/02"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[1] for line in lines] == ["exclamation", "todo", "words"]
    assert all(re.fullmatch(rf"{WHERE}:\d+: [a-z-]+: .+\. .+\.", line) for line in lines)


def test_a_book_that_does_not_fit_together_is_told_by_its_own_message(book, capsys):
    write(book, "01_Mathematics/03_new", "# %% [markdown]\n# # New\n")
    assert check_pages.main(["--root", str(book)]) == 1
    assert "03_new.py: not in _toc.yml" in capsys.readouterr().err


def test_the_rules_are_listed(capsys):
    assert check_pages.main(["--rules"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(check_pages.RULES)


def test_forty_pages_take_less_than_three_seconds(book):
    names = [f"01_Mathematics/{n}_page{n}" for n in range(10, 50)]
    toc = (book / "_toc.yml").read_text() + "".join(f"  - file: {name}\n" for name in names)
    (book / "_toc.yml").write_text(toc)
    for name in names:
        store(write(book, name, sound(name[-6:])))
    start = time.process_time()
    assert check_pages.check(book) == []
    assert time.process_time() - start < 3
