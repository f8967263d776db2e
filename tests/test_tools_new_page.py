"""``tools.new_page``: the skeleton runs and holds the form; a bad name is refused and nothing is written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import check_pages, new_page
from tools.pages import ROOT, Page, all_pages, read_script, write_script

NAME = "01_Mathematics/13_fourier_series"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """The real book's scripts and table of contents, without notebooks."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "_toc.yml", tmp_path)
    return tmp_path


def scripts(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*.py")}


@pytest.mark.parametrize("key", ["01/90_fourier_series", "01_Mathematics/90_fourier_series"])
def test_the_page_is_written_and_its_place_is_told(book, capsys, key):
    before = scripts(book)
    assert new_page.main([key, "--root", str(book)]) == 0
    assert scripts(book) - before == {"scripts/01_Mathematics/90_fourier_series.py"}
    last = [page for page in (book / "_toc.yml").read_text().split() if page.startswith("01_Mathematics/")][
        -1
    ]
    assert capsys.readouterr().out == (
        "wrote scripts/01_Mathematics/90_fourier_series.py\n"
        f"Add to _toc.yml, after '- file: {last}':\n      - file: 01_Mathematics/90_fourier_series\n"
    )


@pytest.mark.parametrize(
    ("name", "after", "part"),
    [
        ("01_A/02_c", "01_A/01_b", False),
        ("01_A/09_c", "01_A/03_d", False),
        ("01_A/00_c", "01_A/index", False),
        ("02_New_Stage/01_c", "01_A/03_d", True),
    ],
)
def test_a_page_comes_after_the_one_before_it(name, after, part):
    advice = new_page.toc_advice(name, ["index", "01_A/index", "01_A/01_b", "01_A/03_d"])
    assert f"after '- file: {after}'" in advice
    assert advice.endswith(f"\n      - file: {name}")
    assert (f"  - file: {name.split('/')[0]}/index\n    sections:\n" in advice) == part


def test_the_first_page_of_a_book_begins_it():
    assert "as the first chapter" in new_page.toc_advice("01_A/01_b", ["index"])


def test_the_skeleton_is_canonical_and_parses():
    text = new_page.skeleton(NAME)
    assert write_script(read_script(text)) == text
    compile(text, "page", "exec")
    assert "{slug}" not in text
    assert "{kind}" not in text


def test_the_lint_tells_only_what_is_left_to_do(book):
    assert new_page.main(["01/90_fourier_series", "--root", str(book)]) == 0
    name = "01_Mathematics/90_fourier_series"
    toc = book / "_toc.yml"
    toc.write_text(
        toc.read_text().rstrip("\n") + f"\n  - caption: New\n    chapters:\n      - file: {name}\n"
    )
    assert name in [page.name for page in all_pages(book)]
    problems = check_pages.check(book, "01/90")
    todo = sum("TODO" in line for line in Page(name, book).text.splitlines())
    rules = [problem.rule for problem in problems]
    assert todo > 30
    assert {rule: rules.count(rule) for rule in set(rules)} == {"claims": 1, "notebook": 1, "todo": todo}


def test_the_skeleton_runs_without_a_warning(tmp_path):
    page = tmp_path / "page.py"
    page.write_text(new_page.skeleton(NAME))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
    command = [sys.executable, "-W", "error", str(page)]
    answer = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.count(": not yet") == answer.stdout.count(": passed") == 4


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("01/1_sums", "no page's name"),
        ("01/13_Sums", "no page's name"),
        ("01/13_my-sums", "no page's name"),
        ("01/13_2d", "no page's name"),
        ("01/13_sums_", "no page's name"),
        ("01/13_class", "no page's name"),
        ("01/13", "no page's name"),
        ("01/index", "no page's name"),
        ("01/../13_sums", "no page's name"),
        ("11/13_sums", "no stage '11'"),
        ("Mathematics/13_sums", "no stage 'Mathematics'"),
        ("13_sums", "no stage '13_sums'"),
        ("", "no stage ''"),
        ("01/01_vectors", "exists already"),
        ("01/90_vectors", "the number or the module of scripts/01_Mathematics/01_vectors.py"),
        ("01/01_sums", "the number or the module of scripts/01_Mathematics/01_vectors.py"),
    ],
)
def test_a_bad_name_is_refused_and_nothing_is_written(book, capsys, key, said):
    before = {name: (book / name).read_bytes() for name in scripts(book)}
    assert new_page.main([key, "--root", str(book)]) == 1
    assert said in capsys.readouterr().err
    assert {name: (book / name).read_bytes() for name in scripts(book)} == before
