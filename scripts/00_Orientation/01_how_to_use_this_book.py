# %% [markdown]
# # How to use this book
#
# How do you read a book that is also a program, and how do you know that it works on your machine?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `compare_pins`, a check of your own environment
# - **You need** a terminal, or only a browser
# - **Checked against** the versions that the book was made with
# - **Time** 15 minutes to read, 15 to code
# ````

# %%
import importlib.metadata
import importlib.util
import inspect
import platform
import re
import sys
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch

import journey.orientation.how_to_use_this_book as built

# %% [markdown]
# ## The number in the text is not the number on your screen
#
# Copy an example from a textbook, run it, and there is a fair chance that something differs: a renamed argument, another default, a figure that
# looks unlike the printed one. The example was right on the day it was written. Nobody has run it since.
#
# Every page of this book is a program. Before a change is accepted, each page is run again and each printed line is compared with the stored one.
# If a sentence leans on a number, that number is a *claim* with a band, and the page does not build outside of it
# ({doc}`03_checks` shows how). So, if your numbers differ, something about your machine does, and the cells below help to find it.
#
# ## Predict
#
# 1. A page's text, its program and the module that other pages import: are these three files kept equal by discipline, or is there only one text?
# 2. You change a sentence of a page and rebuild the book. Does the page's code run again? And if you change a comment in its code?
#
# ## Three ways to read
#
# | | you need | you do | good for |
# |---|---|---|---|
# | **Browse** | a browser | read the site; all outputs are there | a first reading, the train |
# | **Binder** | a browser | press the rocket at the top of a page; it opens as a notebook that runs on a borrowed machine | changing a number, trying an exercise |
# | **Local** | Python 3.11 and `make` | clone the repository, then `make lab`, or run a script | working through the book |
#
# A local page is an ordinary Python script. All of these work, from the root of the repository:
#
# ```bash
# make book                 # render the site from the stored outputs: nothing is executed
# make run PAGE=00/01       # run one page as a plain program
# make lab                  # open the notebooks
# make test                 # everything that the book claims, checked
# ```
#
# ## Is your environment the book's?
#
# The file `requirements/pages.txt` pins what the pages need, one `name==version` a line. The function below compares such pins with what is
# installed.


# %% tags=["export"]
def compare_pins(text: str) -> dict[str, tuple[str, str | None]]:
    """Compare pinned requirements with what is installed.

    Parameters
    ----------
    text : str
        Lines such as ``numpy==2.4.6``; comments, options and blank lines are passed over.

    Returns
    -------
    dict
        For each package that differs: the pinned version and the installed one, None if it is missing.
        A local label such as ``+cpu`` does not count as a difference.

    Raises
    ------
    ValueError
        If a line is neither a pin nor one of those passed over.
    """
    different: dict[str, tuple[str, str | None]] = {}
    for line in text.splitlines():
        line = re.sub(r"(^|\s)#.*", "", line).strip()
        if not line or line.startswith("-"):
            continue
        match = re.fullmatch(r"([A-Za-z0-9._-]+)==([^\s;]+)", line)
        if match is None:
            raise ValueError(f"expected name==version, got {line!r}")
        name, pinned = match.groups()
        try:
            installed: str | None = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            installed = None
        if installed is None or installed.split("+")[0] != pinned.split("+")[0]:
            different[name] = (pinned, installed)
    return different


# %% [markdown]
# Two pins that cannot be satisfied show what it reports. Then the real ones: read the two lines that it prints.

# %%
print(
    compare_pins("surely-not-installed==1.0\npip==0.0.1  # very old\n")[
        "surely-not-installed"
    ]
)

# %%
root = Path(importlib.util.find_spec("journey").submodule_search_locations[0]).parent
differences = compare_pins((root / "requirements" / "pages.txt").read_text())
assert sys.version_info >= (3, 11), (
    f"Python 3.11 or newer is needed, this is {platform.python_version()}"
)
print("Python is new enough")
print("packages that differ from the book's:", differences or "none")

# %% [markdown]
# If packages differ, the pages will mostly run, and some printed digit may not match. `make test` or a fresh `.venv` (delete it, run `make test`)
# puts the pinned versions back.
#
# ## One text, two products
#
# Only the scripts are written by people. One command makes the rest from them, and a check proves that nothing else was touched:

# %% mystnb={"figure": {"caption": "One text, two products, one direction. The page that you read and the module that a later page imports are made from the same script.", "name": "fig-howto-flow"}, "image": {"alt": "Diagram. A box 'script' on the left; an arrow named make sync leads to a box 'notebook, with outputs' and a box 'module of journey'. The notebook leads on to the site and to Binder; the module leads on to later pages."}} tags=["hide-input"]
BLUE, INK, PAPER = (
    "#0072B2",
    "#1C2833",
    "#F3F6F9",
)  # the book's colours: see the page on figures
figure, axes = plt.subplots(figsize=(7.2, 2.9), dpi=130, layout="constrained")
boxes = {
    "script": (0, 1.0, "script\nthe only source", BLUE),
    "notebook": (3.3, 1.9, "notebook\nwith its outputs", PAPER),
    "module": (3.3, 0.1, "module\ncells tagged export", PAPER),
    "site": (6.6, 2.35, "the site", PAPER),
    "binder": (6.6, 1.45, "Binder", PAPER),
    "pages": (6.6, 0.1, "later pages", PAPER),
}
for x, y, label, face in boxes.values():
    height = 0.95 if "\n" in label else 0.6
    low = y - height / 2
    patch = FancyBboxPatch(
        (x, low), 2.1, height, boxstyle="round,pad=0.04", fc=face, ec=INK, lw=1.2
    )
    axes.add_patch(patch)
    axes.text(
        x + 1.05,
        y,
        label,
        ha="center",
        va="center",
        color="white" if face == BLUE else INK,
        fontsize=9.5,
    )
for start, end in (
    ("script", "notebook"),
    ("script", "module"),
    ("notebook", "site"),
    ("notebook", "binder"),
    ("module", "pages"),
):
    tail, head = (
        (boxes[start][0] + 2.2, boxes[start][1]),
        (boxes[end][0] - 0.1, boxes[end][1]),
    )
    axes.annotate(
        "", head, tail, arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 1.3}
    )
axes.text(
    2.7,
    1.0,
    "make sync",
    ha="left",
    va="center",
    fontsize=9.5,
    style="italic",
    color=INK,
)
axes.set(xlim=(-0.2, 8.9), ylim=(-0.6, 2.9))
axes.axis("off")
plt.show()

# %% [markdown]
# The cell above that defines `compare_pins` carries the tag `export`. So the module `journey.orientation.how_to_use_this_book` contains it, and any later page may import
# it. To see that the two are one text, compare their sources:

# %%
here, there = inspect.getsource(compare_pins), inspect.getsource(built.compare_pins)
assert here.split() == there.split()
print(
    "same source:",
    here.split() == there.split(),
    "| same object:",
    compare_pins is built.compare_pins,
)

# %% [markdown]
# Prediction 1: there is one text. The two objects are different because the page ran the code itself, and the module was imported; the source is one.
#
# Prediction 2: changing a sentence runs nothing, and changing a comment in the code runs the page. Each notebook stores a digest of its
# code and of every module that it imports, directly or not; `make sync` executes exactly the pages whose digest has changed. A change in
# {doc}`03_checks` therefore runs nearly the whole book.
#
# ## Anatomy of a page
#
# Every page answers the one question under its title. It begins with a problem, asks you to **predict**, builds the solution from nothing, and checks it against a reference. Then it
# breaks it: at least one experiment on every page shows where the method fails. Read a page in four passes:
#
# 1. Write your predictions down before you scroll. A prediction that was not written down is always right.
# 2. Read the figures and the claims.
# 3. Type the code of one section from memory, then compare.
# 4. Do the exercises. Each has tests for *your* answer; the solution is folded below them.
#
# The lines that begin with `claim` are the page's promises. Each exercise ends with a call of `try_answer` that says "not yet" until your answer passes.
#
# ## Exercises
#
# ```{exercise} Read a page as a program
# :label: ex-howto-split
#
# *build · difficulty 1 of 3 · 15 minutes*
#
# Scripts of this book are in the *percent format*: a cell begins with a line that begins with `# %%`. Write `split_cells(text)` that returns a list of pairs
# `(kind, source)`, where `kind` is `"markdown"` if the marker line contains `[markdown]` and `"code"` otherwise, and `source` holds the lines between the markers, joined by
# newlines, without blank lines at either end. Lines before the first marker are ignored.
# ```


# %%
def test_split_cells(split_cells):
    cells = split_cells(
        "# %% [markdown]\n# # Title\n\n# %%\nx = 1\n\n\ny = 2\n\n# %% tags=['export']\nz = 3\n"
    )
    assert [kind for kind, _ in cells] == ["markdown", "code", "code"], (
        "three markers make three cells"
    )
    assert cells[1] == ("code", "x = 1\n\n\ny = 2"), (
        "blank lines inside a cell stay, those at its ends go"
    )
    assert split_cells("# a comment\nx = 1\n") == [], (
        "without a marker there is no cell"
    )
    assert (
        split_cells("# %%\ns = '# %% not a marker'\n")[0][1]
        == "s = '# %% not a marker'"
    ), "markers begin a line"


def split_cells(text):  # replace the body with your own, then run this cell again
    return [("code", cell) for cell in text.split("# %%")]


try:
    test_split_cells(split_cells)
    print("test_split_cells: passed")
except AssertionError as error:
    print(f"test_split_cells: not yet ({error})")

# %% [markdown]
# ```{solution-start} ex-howto-split
# :class: dropdown
# ```


# %%
def split_cells_solution(text):
    cells = []
    for line in text.splitlines():
        if line.startswith("# %%"):
            cells.append(("markdown" if "[markdown]" in line else "code", []))
        elif cells:
            cells[-1][1].append(line)
    return [(kind, "\n".join(lines).strip("\n")) for kind, lines in cells]


test_split_cells(split_cells_solution)
print("test_split_cells: passed")

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A script that fools a splitter
# :label: ex-howto-fool
#
# *break · difficulty 2 of 3 · 10 minutes*
#
# Find a text that is valid Python, has exactly one real marker, and of which the solution above makes *two* cells. Write the false marker as `# %% really`; it must not be a comment. What does that tell you about the rule that
# `make sync` enforces, that no line of a page may begin with `# %%` except a marker?
# ```


# %%
def test_fool(text):
    compile(text, "page", "exec")
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert "# %% really" in comments, (
        "the false marker must stand at the beginning of a line"
    )
    strings = [
        constant
        for constant in compile(text, "page", "exec").co_consts
        if isinstance(constant, str)
    ]
    assert any("really" in constant for constant in strings), (
        "the false marker must be part of a string"
    )
    assert len(split_cells_solution(text)) == 2, "the splitter was not fooled"


fooling_text = ""  # your answer
try:
    test_fool(fooling_text)
    print("test_fool: passed")
except AssertionError as error:
    print(f"test_fool: not yet ({error})")

# %% [markdown]
# ```{solution-start} ex-howto-fool
# :class: dropdown
# ```
# A string over several lines may hold anything, so a splitter that reads lines cannot tell a marker from a part of a string. `make sync` counts cells in two ways, and refuses a page for which they differ.

# %%
test_fool('# %%\ntext = """\n# %% really\n"""\n')
print("test_fool: passed")

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** A typing error is found on the site. By {numref}`fig-howto-flow`, which file do you edit?
#
# (a) The notebook, since the site is made from it. (b) The script. (c) The module. (d) Any of the three.
#
# ```{admonition} Answer
# :class: dropdown
# **(b).** All arrows leave the script and none returns. (a) would be overwritten, so `make sync` refuses to go on when a notebook was edited by hand. (c) contains no text of the page. (d) would need someone to keep
# three files equal.
# ```
#
# **2.** The page {doc}`03_checks` changes one line of `claim`. Which pages are executed again?
#
# (a) That page. (b) All pages. (c) That page, and every page whose code reaches its module through imports. (d) None.
#
# ```{admonition} Answer
# :class: dropdown
# **(c).** The digest covers the code that a page reaches, directly or through other modules; that is nearly the whole book, but this page, which imports nothing of it, stays as it is. (a) forgets the pages that
# import it; (b) is more than needed; (d) is right only for a change of text.
# ```
#
# **3.** On your machine, one printed digit differs and all claims hold. What is the likely cause?
#
# (a) A wrong result. (b) Another version or another processor, within what the bands allow. (c) A random seed. (d) A defect in `claim`.
#
# ```{admonition} Answer
# :class: dropdown
# **(b).** Sums in another order round differently, and the bands are made for that; `compare_pins` tells whether the versions are the same. (a) would break a claim or a comparison with the reference. (c) Seeds are fixed on the page.
# (d) is possible, and what {doc}`03_checks` examines.
# ```
#
# ## What to remember
#
# Scripts are the source; notebooks and modules are made from them and never edited. A page is a program that is run again whenever code that it reaches has changed. Predict first, then read, then type, then do the exercises.
#
# Next: {doc}`03_checks`, what the word "verified" means here.
