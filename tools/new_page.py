"""``make new``: the skeleton of a page, from the page standard.

    python -m tools.new_page 01/13_fourier
    python -m tools.new_page 01_Mathematics/13_fourier

Each part of the page is there, with a line that begins TODO and says what belongs into it. The skeleton
runs; ``python -m tools.check_pages`` lists what is left to do.
"""

from __future__ import annotations

import argparse
import keyword
import re
import sys
from pathlib import Path

from tools.notebooks import write_atomically
from tools.pages import ROOT, BookError, Page, read_script, table_of_contents, write_script

TEMPLATES = Path(__file__).parent / "templates"
STAGES = (
    "00_Orientation",
    "01_Mathematics",
    "02_Python_Foundations",
    "03_Machine_Learning",
    "04_Deep_Learning",
    "05_Computer_Vision",
    "06_NLP",
    "07_LLMs",
    "08_MLOps",
    "09_Research_Implementations",
    "10_Projects",
)
PAGE_NAME = re.compile(r"(?P<number>\d\d)_(?P<words>[a-z][a-z0-9]*(?:_[a-z0-9]+)*)")
TASKS = {
    "check": "a question for pen and paper; a number or a tuple answers it.",
    "extend": "change the code of the page: names, arguments, shapes, what to return, what to raise.",
    "break": "find the input that defeats the code, or the bug planted in a given version.",
    "build": "something new with what the page built.",
}


def page_name(key: str, root: Path = ROOT) -> str:
    """The full name of a new page, ``01_Mathematics/13_fourier``, from ``01/13_fourier`` or itself.

    Raises
    ------
    BookError
        If there is no such stage, the name is not ``NN_lower_case_words``, or the number, the module or
        the file exists already.
    """
    stage_key, _, name = re.sub(r"^scripts/|\.py$", "", key.strip()).partition("/")
    stages = [stage for stage in STAGES if stage_key in (stage, stage[:2])]
    if not stages:
        raise BookError(f"PAGE={key}: no stage {stage_key!r}. Stages are {', '.join(STAGES)}.")
    match = PAGE_NAME.fullmatch(name)
    if match is None or keyword.iskeyword(match["words"]):
        raise BookError(
            f"PAGE={key}: {name!r} is no page's name. Two digits and lower-case words, as in 13_fourier; "
            "the words become a module's name."
        )
    page = Page(f"{stages[0]}/{name}", root)
    if page.script.exists():
        raise BookError(f"{page.where}: exists already. Choose another number and name.")
    for other in sorted(page.script.parent.glob("*.py")):
        known = Page(f"{stages[0]}/{other.stem}", root)
        if known.module == page.module or other.stem.startswith(f"{match['number']}_"):
            raise BookError(f"{page.where}: has the number or the module of {known.where}. Choose another.")
    return page.name


def skeleton(name: str) -> str:
    """The text of a new page in canonical form."""
    words = name.split("/")[1][3:].split("_")
    slug = "-".join(words)
    exercise = (TEMPLATES / "exercise.txt").read_text(encoding="utf-8")
    exercises = "".join(
        exercise.replace("{kind}", kind).replace("{task}", task) for kind, task in TASKS.items()
    )
    text = (TEMPLATES / "page.txt").read_text(encoding="utf-8")
    text = text.replace("{exercises}\n", exercises)
    text = text.replace("{title}", " ".join(words).capitalize()).replace("{slug}", slug)
    return write_script(read_script(text))


def toc_advice(name: str, names: list[str]) -> str:
    """Where in ``_toc.yml`` a page belongs, and the line to put there."""
    stage = name.split("/")[0]
    before = [other for other in names if other.split("/")[0] == stage and _number(other) < _number(name)]
    entry = f"      - file: {name}"
    if before:
        return f"Add to _toc.yml, after '- file: {before[-1]}':\n{entry}"
    stages = [other for other in names if "/" in other and other.split("/")[0] < stage]
    where = f"after '- file: {stages[-1]}'" if stages else "as the first chapter"
    index = f"  - file: {stage}/index\n    sections:"
    return f"Add to _toc.yml, {where} (and write {stage}/index):\n{index}\n{entry}"


def _number(name: str) -> str:
    last = name.split("/")[-1]
    return "" if last == "index" else last[:2]


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="tools.new_page", description=__doc__.split("\n")[0])
    parser.add_argument("page", help="such as 01/13_fourier")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    try:
        page = Page(page_name(options.page, options.root), options.root)
        advice = toc_advice(page.name, table_of_contents(options.root))
    except BookError as error:
        print(error, file=sys.stderr)
        return 1
    write_atomically(page.script, skeleton(page.name))
    print(f"wrote {page.where}\n{advice}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
