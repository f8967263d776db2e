"""Pages as plain programs: what passes, what fails, and what a person is told."""

import pytest

from tools import run_scripts
from tools.pages import Page

NAMES = ("01_A/01_one", "01_A/02_two", "02_B/01_three")


def write(root, name, code):
    path = root / "scripts" / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"# %% [markdown]\n# # Title\n\n# %%\n{code}\n")
    return Page(name, root)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "_toc.yml").write_text(
        "format: jb-book\nroot: index\nchapters:\n" + "".join(f"- file: {name}\n" for name in NAMES)
    )
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "index.py").write_text("# %% [markdown]\n# # Title\n")
    for name in NAMES:
        write(tmp_path, name, "print('hello')")
    return tmp_path


def test_every_page_runs_from_the_root_and_one_of_each_stage_from_its_folder(root, capsys):
    assert run_scripts.main(["--root", str(root)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum("passed  scripts/" in line for line in lines) == 5
    assert [line.split()[1] for line in lines if "from its folder" in line] == [
        "scripts/01_A/02_two.py",
        "scripts/02_B/01_three.py",
    ]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("raise ValueError('the cause')", "ValueError: the cause"),
        ("import warnings\nwarnings.warn('old name', DeprecationWarning)", "old name"),
        ("import sys\nsys.exit(3)", "exit status 3"),
        ("import sys\nprint('noise', file=sys.stderr)", "noise"),
    ],
)
def test_failures_name_the_page_and_the_cause(root, capsys, code, told):
    write(root, "02_B/01_three", code)
    assert run_scripts.main(["--root", str(root)]) == 1
    said = capsys.readouterr()
    assert "FAILED  scripts/02_B/01_three.py" in said.out
    assert told in said.err


def test_a_page_that_hangs_is_stopped(root, monkeypatch):
    monkeypatch.setattr(run_scripts, "TIMEOUT_S", 0.5)
    page = write(root, "01_A/01_one", "while True: pass")
    assert "longer than" in run_scripts.run(page, root).fault


def test_one_page_in_the_foreground(root, capfd):
    assert run_scripts.main(["--root", str(root), "--page", "02/01"]) == 0
    assert capfd.readouterr().out == "hello\n"
    assert run_scripts.main(["--root", str(root), "--page", "09/01"]) == 1
    assert "no page" in capfd.readouterr().err


def test_pages_import_from_the_tree_that_they_are_in(root):
    (root / "journey").mkdir()
    (root / "journey" / "__init__.py").write_text("HERE = True\n")
    page = write(root, "01_A/01_one", "import journey\nassert journey.HERE")
    assert run_scripts.run(page, page.script.parent).fault is None
